//! The journal's records: the truth that everything else is a fold of.

use minicbor::{Decode, Encode};

use super::action::Action;
use super::ids::{AlarmKey, Seq};
use super::observation::Observed;
use super::time::Ts;

/// One immutable record.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[allow(
    clippy::large_enum_variant,
    reason = "observations are nearly all there is, so a box would cost more than it saves"
)]
pub enum Record {
    /// A source said something.
    #[n(0)]
    Observed(#[n(0)] Observed),
    /// An operator did something.
    #[n(1)]
    Action(#[n(0)] Action),
    /// A clock ran out.
    #[n(2)]
    Timer(#[n(0)] Timer),
    /// An operator's command to a controller, with its outcome (the call itself is an observation).
    #[n(3)]
    Command(#[n(0)] CommandRecord),
    /// The inventory file was read: sites, names, subscribers.
    #[n(4)]
    Inventory(#[n(0)] super::log::InventoryLoad),
    /// Something happened to a job.
    #[n(5)]
    Job(#[n(0)] super::job::JobRecord),
}

/// A clock that ran out, journalled so that a fold needs no clock of its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Timer {
    /// When, our clock.
    #[n(0)]
    pub at: Ts,
    /// For which alarm.
    #[n(1)]
    pub key: AlarmKey,
    /// Which clock.
    #[n(2)]
    pub what: TimerKind,
}

/// The clocks of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum TimerKind {
    /// An acknowledgement with an end.
    #[n(0)]
    AckExpired,
    /// A shelf.
    #[n(1)]
    ShelfExpired,
    /// Closed by an operator, still active after the grace: open again.
    #[n(2)]
    CloseDisputed,
    /// Cleared and dealt with long enough ago: leaves the cache.
    #[n(3)]
    Purge,
}

/// What came of a command to a controller.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommandRecord {
    /// When it ended, our clock.
    #[n(0)]
    pub at: Ts,
    /// Who.
    #[n(1)]
    pub actor: String,
    /// Command id (`pon.reboot`).
    #[n(2)]
    pub command: String,
    /// Canonical names of the targets, at most 100.
    #[n(3)]
    pub targets: Vec<String>,
    /// How many targets there were.
    #[n(4)]
    pub total: u32,
    /// How many went well.
    #[n(5)]
    pub done: u32,
    /// First errors, in words, at most 10.
    #[n(6)]
    pub errors: Vec<String>,
}

/// A record with its place in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// The record.
    pub record: Record,
}
