//! What a source said, translated by its controller's `map.rs` and journalled before anything
//! else happens to it. Field numbers (`#[n(..)]`) are the disk format: append, never renumber.

use minicbor::{Decode, Encode};

use super::cpe::{CpeFault, CpePatch, Informs};
use super::ids::SourceName;
use super::resource::Resource;
use super::severity::Severity;
use super::source::SourceReport;
use super::time::Ts;
use super::topology::NodePatch;

/// An observation with its origin.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Observed {
    /// The source that said it.
    #[cbor(n(0), with = "super::ids::cbor_name")]
    pub source: SourceName,
    /// When we received it, our clock.
    #[n(1)]
    pub at: Ts,
    /// Where it stood in the source's stream, when it came from one.
    #[n(2)]
    pub origin: Option<Origin>,
    /// What it said.
    #[n(3)]
    pub what: Observation,
}

/// A place in a partitioned stream. Order within a partition is by offset, never by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Origin {
    /// Partition number.
    #[n(0)]
    pub partition: i32,
    /// Offset inside the partition.
    #[n(1)]
    pub offset: i64,
}

/// The kinds of observation.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Observation {
    /// An alarm was raised or cleared.
    #[n(0)]
    Alarm(#[n(0)] AlarmEvent),
    /// Something happened that has no state (discovery, activation, a failed call of someone else).
    #[n(1)]
    Notice(#[n(0)] Notice),
    /// A device or port appeared or changed; only the fields that are set are known.
    #[n(2)]
    Node(#[n(0)] NodePatch),
    /// A device or port (and everything below it) is gone.
    #[n(3)]
    NodeGone(#[n(0)] Resource, #[n(1)] GoneCause),
    /// Health of the source itself.
    #[n(4)]
    Source(#[n(0)] SourceReport),
    /// A call we made.
    #[n(5)]
    Call(#[n(0)] CallRecord),
    /// Measurements for the detail view.
    #[n(6)]
    Kpi(#[n(0)] KpiSample),
    /// Poll and cache were compared in full after a gap.
    #[n(7)]
    Resync(#[n(0)] Resync),
    /// A message of the stream that could not be read: kept, shown in the log, never fatal.
    #[n(8)]
    Unreadable(#[n(0)] Unreadable),
    /// A message of the stream that says nothing to us; journalled only to advance the offset.
    #[n(9)]
    Skipped,
    /// A CPE appeared or changed; only the fields that are set are known.
    #[n(10)]
    Cpe(#[n(0)] CpePatch),
    /// CPEs informed, nothing else of them changed.
    #[n(11)]
    Informs(#[n(0)] Informs),
    /// A CPE is gone from its server.
    #[n(12)]
    CpeGone(#[n(0)] String, #[n(1)] GoneCause),
    /// The server holds a fault for a CPE.
    #[n(13)]
    CpeFault(#[n(0)] CpeFault),
    /// It no longer does: device id and channel.
    #[n(14)]
    CpeFaultGone(#[n(0)] String, #[n(1)] String),
    /// The source itself suppresses an alarm, or no longer does.
    #[n(24)]
    Suppressed(#[n(0)] Suppression),
}

/// An alarm that its own source suppresses: a silence, an inhibition.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Suppression {
    /// The alarmed object.
    #[n(0)]
    pub resource: Resource,
    /// As in [`AlarmEvent::type_id`].
    #[n(1)]
    pub type_id: String,
    /// As in [`AlarmEvent::qualifier`].
    #[n(2)]
    pub qualifier: String,
    /// By what and by whom, in words; empty when it no longer is.
    #[n(3)]
    pub by: String,
}

/// A raise or a clear.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AlarmEvent {
    /// The alarmed object.
    #[n(0)]
    pub resource: Resource,
    /// Entry of the inventory (`pon.onu.los`); the source's own name when the inventory has none.
    #[n(1)]
    pub type_id: String,
    /// Tells apart what the type does not; mostly empty.
    #[n(2)]
    pub qualifier: String,
    /// Raise (`Some`) with the severity after our profile, or clear (`None`).
    #[n(3)]
    pub raise: Option<Severity>,
    /// The source's clock; whole seconds for VOLTHA's `raised_ts`.
    #[n(4)]
    pub source_time: Ts,
    /// One line for the list.
    #[n(5)]
    pub text: String,
    /// Why it clears when it is not the source's own clear.
    #[n(6)]
    pub clear_reason: ClearReason,
    /// The source's own name of the event.
    #[n(7)]
    pub event: String,
    /// The event's context as sent, for "raw event"; sorted by key.
    #[n(8)]
    pub context: Vec<(String, String)>,
    /// Caused by a query of ours (facts: voltha-run §6.14).
    #[n(9)]
    pub own_query: bool,
    /// Whether the type ever clears by itself, after our profile.
    #[n(10)]
    pub will_clear: bool,
    /// The device's return to ACTIVE clears it, after our profile.
    #[n(11)]
    pub cleared_by_active: bool,
    /// Seconds after a clear in which a raise continues the spell, after our profile.
    #[n(12)]
    pub hold_down_s: u32,
}

/// Why an alarm is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum ClearReason {
    /// The source sent the clear.
    #[n(0)]
    #[default]
    Source,
    /// An operator did.
    #[n(1)]
    Operator,
    /// Its parent cleared (PON LOS clears the LOS of its ONUs).
    #[n(2)]
    Parent,
    /// Gone from the source at a resync.
    #[n(3)]
    Resync,
    /// The device came back to ACTIVE.
    #[n(4)]
    Active,
    /// The device was deleted.
    #[n(5)]
    Deleted,
    /// The condition noctule watches itself is over (adapter answers again …).
    #[n(6)]
    Watch,
}

impl ClearReason {
    /// The reason in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Operator => "operator",
            Self::Parent => "parent cleared",
            Self::Resync => "resync",
            Self::Active => "device active again",
            Self::Deleted => "device deleted",
            Self::Watch => "watch",
        }
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Operator,
            2 => Self::Parent,
            3 => Self::Resync,
            4 => Self::Active,
            5 => Self::Deleted,
            6 => Self::Watch,
            _ => Self::Source,
        }
    }
}

/// Something without state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// What it is about, when known.
    #[n(0)]
    pub resource: Option<Resource>,
    /// The source's own name (`ONU_DISCOVERY_RAISE_EVENT`, `RPC UpdateLogicalDeviceFlowTable`).
    #[n(1)]
    pub event: String,
    /// One line.
    #[n(2)]
    pub text: String,
    /// The source's clock.
    #[n(3)]
    pub source_time: Ts,
    /// Whether it tells of a failure.
    #[n(4)]
    pub failure: bool,
    /// Context as sent.
    #[n(5)]
    pub context: Vec<(String, String)>,
}

/// Why a node is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum GoneCause {
    /// The source announced the deletion.
    #[n(0)]
    Deleted,
    /// A full list no longer held it.
    #[n(1)]
    Resync,
}

/// A call noctule made, for the Log pane. Never holds secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct CallRecord {
    /// Method or path.
    #[n(0)]
    pub call: String,
    /// Its target (device, port …), in words.
    #[n(1)]
    pub target: String,
    /// `OK`, a gRPC code, an HTTP status.
    #[n(2)]
    pub status: String,
    /// The error's text; empty when it went well.
    #[n(3)]
    pub error: String,
    /// Duration of the last try, µs.
    #[n(4)]
    pub duration_us: i64,
    /// How many tries were made.
    #[n(5)]
    pub tries: u32,
    /// Who asked: `poll`, `operator NAME`, `detail`.
    #[n(6)]
    pub actor: String,
    /// Size of the answer, bytes.
    #[n(7)]
    pub bytes: u64,
}

/// Measurements of one thing at one instant.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct KpiSample {
    /// What was measured.
    #[n(0)]
    pub resource: Resource,
    /// The group as the source names it (`PON_Optical`).
    #[n(1)]
    pub group: String,
    /// The source's clock.
    #[n(2)]
    pub source_time: Ts,
    /// Metric names as sent, sorted, with values.
    #[n(3)]
    pub metrics: Vec<(String, f64)>,
}

/// The outcome of comparing a full list with the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Resync {
    /// Devices that the list has and the cache had not.
    #[n(0)]
    pub added: u32,
    /// Devices that the cache had and the list has not.
    #[n(1)]
    pub removed: u32,
    /// Devices that differed.
    #[n(2)]
    pub changed: u32,
    /// Whether a gap (start, reconnect) made it necessary; only then a banner is shown.
    #[n(3)]
    pub after_gap: bool,
}

/// A message that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Unreadable {
    /// Why, in words.
    #[n(0)]
    pub reason: String,
    /// Its first bytes (at most 512), for a bug report.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub head: Vec<u8>,
    /// Its whole length, bytes.
    #[n(2)]
    pub len: u32,
}
