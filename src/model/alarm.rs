//! An alarm: the state of one (resource, alarm type) pair, on three independent axes
//! (RFC 8632 and ISA-18.2; the design's `facts/alarms.md` §2).

use minicbor::{Decode, Encode};

use super::ids::{ActionId, AlarmKey, RowId, Seq, SourceName};
use super::observation::ClearReason;
use super::resource::Resource;
use super::severity::Severity;
use super::time::Ts;

/// The operator's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum OpState {
    /// Nobody has looked.
    #[n(0)]
    #[default]
    None,
    /// Somebody has.
    #[n(1)]
    Ack,
    /// Declared dealt with.
    #[n(2)]
    Closed,
}

impl OpState {
    /// The state as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ack => "ack",
            Self::Closed => "closed",
        }
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Ack,
            2 => Self::Closed,
            _ => Self::None,
        }
    }
}

/// The presentation axis: three different ways of being hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Visibility {
    /// Shown.
    #[n(0)]
    #[default]
    Visible,
    /// Hidden by an operator, until an instant.
    #[n(1)]
    Shelved,
    /// Hidden by a rule.
    #[n(2)]
    Suppressed,
    /// Hidden by a maintenance window.
    #[n(3)]
    OutOfService,
}

impl Visibility {
    /// The visibility as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Shelved => "shelved",
            Self::Suppressed => "suppressed",
            Self::OutOfService => "out_of_service",
        }
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Shelved,
            2 => Self::Suppressed,
            3 => Self::OutOfService,
            _ => Self::Visible,
        }
    }
}

/// The one state shown, a function of the three axes (alarms.md §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// Active, nobody looked.
    Unack,
    /// Active, acknowledged.
    Acked,
    /// Active although an operator closed it.
    Disputed,
    /// Returned to normal, nobody looked.
    Rtnun,
    /// Over and dealt with; leaves the active list.
    Normal,
    /// Shelved.
    Shelved,
    /// Suppressed by design.
    Suppressed,
    /// Out of service.
    OutOfService,
}

impl Shown {
    /// ISA-18.2's short name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unack => "UNACK",
            Self::Acked => "ACKED",
            Self::Disputed => "DISPUTED",
            Self::Rtnun => "RTNUN",
            Self::Normal => "NORMAL",
            Self::Shelved => "SHLVD",
            Self::Suppressed => "DSUPR",
            Self::OutOfService => "OOSRV",
        }
    }

    /// The function of the three axes.
    #[must_use]
    pub const fn of(cleared: bool, op: OpState, visibility: Visibility) -> Self {
        match (visibility, cleared, op) {
            (Visibility::Shelved, ..) => Self::Shelved,
            (Visibility::Suppressed, ..) => Self::Suppressed,
            (Visibility::OutOfService, ..) => Self::OutOfService,
            (Visibility::Visible, false, OpState::None) => Self::Unack,
            (Visibility::Visible, false, OpState::Ack) => Self::Acked,
            (Visibility::Visible, false, OpState::Closed) => Self::Disputed,
            (Visibility::Visible, true, OpState::None) => Self::Rtnun,
            (Visibility::Visible, true, _) => Self::Normal,
        }
    }
}

/// A row of the alarm list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmRow {
    /// Row identity.
    pub id: RowId,
    /// Alarm identity.
    pub key: AlarmKey,
    /// Source.
    pub source: SourceName,
    /// The alarmed object.
    pub resource: Resource,
    /// Canonical name of the object.
    pub canonical: String,
    /// Where it is: site, OLT, PON in words; empty while the tree does not know it.
    pub location: String,
    /// Name of the object from the inventory; empty when none.
    pub name: String,
    /// Row in the tree, when there is one.
    pub node: Option<RowId>,
    /// Entry of the alarm type inventory.
    pub type_id: String,
    /// Qualifier; mostly empty.
    pub qualifier: String,
    /// Last severity.
    pub severity: Severity,
    /// Last move of the severity: -1, 0, 1.
    pub trend: i8,
    /// Whether the condition is over.
    pub cleared: bool,
    /// Why it is over.
    pub clear_reason: ClearReason,
    /// Whether the source ever clears it.
    pub will_clear: bool,
    /// Operator axis.
    pub op_state: OpState,
    /// Presentation axis.
    pub visibility: Visibility,
    /// First raise of the current spell, source clock.
    pub raised_at: Ts,
    /// The same, our clock.
    pub received_at: Ts,
    /// First raise ever, our clock.
    pub first_seen: Ts,
    /// Last raise or repeat, our clock.
    pub last_seen: Ts,
    /// Last change of any axis, our clock.
    pub last_changed: Ts,
    /// When it cleared, our clock.
    pub cleared_at: Ts,
    /// Raises, over all spells.
    pub occurrences: u32,
    /// Identical repeats in this spell.
    pub dup_count: u32,
    /// One line.
    pub text: String,
    /// Owner; empty when none.
    pub owner: String,
    /// Who last acted.
    pub op_user: String,
    /// When.
    pub op_time: Ts,
    /// What they wrote.
    pub op_text: String,
    /// When the acknowledgement ends; unset for no end.
    pub ack_until: Ts,
    /// When the shelf ends.
    pub shelf_until: Ts,
    /// Caused by a query of ours.
    pub own_query: bool,
    /// Subscribers behind the object, from the inventory.
    pub subscribers: u32,
    /// The source is not heard at the moment.
    pub stale_source: bool,
    /// By what and by whom its own source suppresses it, in words; empty when it does not.
    pub suppressed_by: String,
}

impl AlarmRow {
    /// The one state shown.
    #[must_use]
    pub const fn shown(&self) -> Shown {
        Shown::of(self.cleared, self.op_state, self.visibility)
    }
}

/// How many status changes an alarm keeps (RFC 8632's default).
pub const HISTORY: usize = 32;

/// One status change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct StatusChange {
    /// When, our clock.
    #[n(0)]
    pub at: Ts,
    /// Severity after it.
    #[n(1)]
    pub severity: Severity,
    /// Whether cleared after it.
    #[n(2)]
    pub cleared: bool,
    /// The journal record that made it.
    #[n(3)]
    pub seq: Seq,
}

/// One operator change; never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpChange {
    /// The action.
    pub id: ActionId,
    /// When.
    pub at: Ts,
    /// Who.
    pub actor: String,
    /// The verb's word.
    pub verb: String,
    /// Text, owner or end, in words.
    pub text: String,
    /// Withdrawn within the hold.
    pub withdrawn: bool,
}

/// Everything the detail view shows of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmDetail {
    /// The row.
    pub row: AlarmRow,
    /// Status changes, newest first, at most [`HISTORY`].
    pub history: Vec<StatusChange>,
    /// How many older ones were dropped.
    pub history_dropped: u32,
    /// Operator changes, newest first.
    pub op_history: Vec<OpChange>,
    /// Events of the newest status changes as they came, newest first: `(when, event name, context)`.
    pub raw: Vec<RawEvent>,
}

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Journal place.
    pub seq: Seq,
    /// When it came, our clock.
    pub at: Ts,
    /// The source's clock.
    pub source_time: Ts,
    /// Partition and offset.
    pub origin: Option<(i32, i64)>,
    /// The source's name of it.
    pub event: String,
    /// Context as sent.
    pub context: Vec<(String, String)>,
}

/// Counters that are always on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Active and visible, by severity rank.
    pub active: [u32; 5],
    /// Of these, not acknowledged.
    pub unack: [u32; 5],
    /// Cleared, nobody looked (RTNUN).
    pub returned: u32,
    /// Shelved.
    pub shelved: u32,
    /// Suppressed by design.
    pub suppressed: u32,
    /// Out of service.
    pub out_of_service: u32,
    /// Newest journal record they include.
    pub seq: Seq,
}

impl Counts {
    /// Active and visible alarms of all severities.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.active.iter().sum()
    }
}
