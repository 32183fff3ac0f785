//! What an operator did to alarms. Actions are journalled before they are acknowledged on the
//! screen, so that nothing an operator was told is lost by a crash.

use minicbor::{Decode, Encode};

use super::ids::{ActionId, AlarmKey};
use super::time::Ts;

/// One action on one alarm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Action {
    /// Identity of the action; actions of one bulk share [`Action::batch`].
    #[n(0)]
    pub id: ActionId,
    /// Identity of the bulk it belongs to (its own id when alone).
    #[n(1)]
    pub batch: ActionId,
    /// Who.
    #[n(2)]
    pub actor: String,
    /// When, our clock.
    #[n(3)]
    pub at: Ts,
    /// On which alarm.
    #[n(4)]
    pub key: AlarmKey,
    /// What.
    #[n(5)]
    pub verb: Verb,
}

/// The verbs of triage.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Verb {
    /// Acknowledge, until an instant or for good.
    #[n(0)]
    Ack {
        /// Note.
        #[n(0)]
        text: String,
        /// When the acknowledgement ends; [`Ts::NEVER`] for no end.
        #[n(1)]
        until: Ts,
    },
    /// Take an acknowledgement back.
    #[n(1)]
    Unack {
        /// Note.
        #[n(0)]
        text: String,
    },
    /// Give it an owner; empty takes the owner away.
    #[n(2)]
    Assign {
        /// The owner.
        #[n(0)]
        owner: String,
    },
    /// Hide it for a time. Both time and reason are mandatory.
    #[n(3)]
    Shelve {
        /// When it comes back.
        #[n(0)]
        until: Ts,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// Bring it back before its time.
    #[n(4)]
    Unshelve,
    /// Declare it dealt with.
    #[n(5)]
    Close {
        /// Why; mandatory while the alarm is active.
        #[n(0)]
        reason: String,
    },
    /// Add a note.
    #[n(6)]
    Note {
        /// The note.
        #[n(0)]
        text: String,
    },
    /// Undo an action. Within the hold it never happened; after it, the opposite is done and both
    /// stay in the alarm's history.
    #[n(7)]
    Undo {
        /// The action undone.
        #[n(0)]
        of: ActionId,
        /// Whether it was still held.
        #[n(1)]
        within_hold: bool,
    },
}

impl Verb {
    /// The verb as one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ack { .. } => "ack",
            Self::Unack { .. } => "unack",
            Self::Assign { .. } => "assign",
            Self::Shelve { .. } => "shelve",
            Self::Unshelve => "unshelve",
            Self::Close { .. } => "close",
            Self::Note { .. } => "note",
            Self::Undo { .. } => "undo",
        }
    }
}

/// How long an action can be undone as if it never happened, µs.
pub const HOLD: i64 = 5 * super::time::SECOND;
