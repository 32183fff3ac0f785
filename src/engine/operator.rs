//! The operator's side of an alarm: acknowledged, assigned, shelved, noted, and how each of these
//! is taken back.
//!
//! Every group of fields remembers the action that set it. Undoing an action therefore restores
//! only what it still determines, and when a later action stands on top of it, what *that* one
//! would restore is mended instead.

use minicbor::{Decode, Encode};

use crate::model::action::{Action, Verb};
use crate::model::alarm::{OpState, Visibility};
use crate::model::ids::ActionId;
use crate::model::time::{MINUTE, Ts};

/// How long an operator may say "closed" while the source says "active" before it opens again.
pub const CLOSE_GRACE: i64 = 15 * MINUTE;

/// Set by no action.
const NOBODY: ActionId = ActionId([0; 16]);

/// What operators did to an alarm. Field numbers are a disk format: append, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Operator {
    /// Operator axis.
    #[n(0)]
    pub state: OpState,
    /// When the acknowledgement ends; unset for no end.
    #[n(1)]
    pub ack_until: Ts,
    /// When a close of an active alarm is disputed.
    #[n(2)]
    pub dispute_at: Ts,
    #[n(3)]
    state_by: ActionId,
    /// Owner; empty when none.
    #[n(4)]
    pub owner: String,
    #[n(5)]
    owner_by: ActionId,
    /// Presentation axis.
    #[n(6)]
    pub visibility: Visibility,
    /// When the shelf ends.
    #[n(7)]
    pub shelf_until: Ts,
    /// Raised anew while shelved: comes back unacknowledged.
    #[n(8)]
    pub reraised: bool,
    #[n(9)]
    shelf_by: ActionId,
    /// Who last acted.
    #[n(10)]
    pub user: String,
    /// When.
    #[n(11)]
    pub time: Ts,
    /// What they wrote.
    #[n(12)]
    pub text: String,
    #[n(13)]
    last_by: ActionId,
    /// By whom its source suppresses it, in words; empty when it does not.
    #[cbor(n(14), default)]
    pub suppressed_by: String,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            state: OpState::None,
            ack_until: Ts::NEVER,
            dispute_at: Ts::NEVER,
            state_by: NOBODY,
            owner: String::new(),
            owner_by: NOBODY,
            visibility: Visibility::Visible,
            shelf_until: Ts::NEVER,
            reraised: false,
            shelf_by: NOBODY,
            user: String::new(),
            time: Ts::NEVER,
            text: String::new(),
            last_by: NOBODY,
            suppressed_by: String::new(),
        }
    }
}

impl Operator {
    /// Nobody has looked (any more): a re-alarm, an expired acknowledgement, a disputed close.
    pub fn reopen(&mut self) {
        self.set_state(OpState::None, Ts::NEVER, Ts::NEVER, NOBODY);
    }

    /// A new spell: nothing but the shelf outlives the old one.
    pub fn new_spell(&mut self) {
        let shelf = (self.visibility, self.shelf_until, self.shelf_by);
        *self = Self { visibility: shelf.0, shelf_until: shelf.1, shelf_by: shelf.2, ..Self::default() };
        self.reraised = self.visibility == Visibility::Shelved;
    }

    fn set_state(&mut self, state: OpState, ack_until: Ts, dispute_at: Ts, by: ActionId) {
        self.state = state;
        self.ack_until = ack_until;
        self.dispute_at = dispute_at;
        self.state_by = by;
    }

    /// What it is when it is not shelved.
    fn unshelved(&self) -> Visibility {
        if self.suppressed_by.is_empty() { Visibility::Visible } else { Visibility::Suppressed }
    }

    /// The source suppresses it, or (with empty words) no longer does. Whether that changed anything.
    pub fn suppress(&mut self, by: &str) -> bool {
        if self.suppressed_by == by {
            return false;
        }
        by.clone_into(&mut self.suppressed_by);
        if self.visibility != Visibility::Shelved {
            self.visibility = self.unshelved();
        }
        true
    }

    /// Ends the shelf: back to the operator state underneath, unless raised anew meanwhile.
    pub fn unshelve(&mut self, by: ActionId) {
        self.visibility = self.unshelved();
        self.shelf_until = Ts::NEVER;
        self.shelf_by = by;
        if std::mem::take(&mut self.reraised) {
            self.reopen();
        }
    }

    /// Ends the shelf because its time is over.
    pub fn shelf_expired(&mut self) {
        self.unshelve(NOBODY);
    }

    /// Applies an action other than an undo; whether it meant anything. `cleared` is the condition.
    pub fn act(&mut self, action: &Action, cleared: bool) -> bool {
        let by = action.id;
        let text = match &action.verb {
            Verb::Ack { text, until } => {
                self.set_state(OpState::Ack, *until, Ts::NEVER, by);
                text.clone()
            }
            Verb::Unack { text } => {
                self.set_state(OpState::None, Ts::NEVER, Ts::NEVER, by);
                text.clone()
            }
            Verb::Assign { owner } => {
                self.owner.clone_from(owner);
                self.owner_by = by;
                owner.clone()
            }
            Verb::Shelve { until, reason } => {
                if !until.is_set() {
                    return false;
                }
                self.visibility = Visibility::Shelved;
                self.shelf_until = *until;
                self.reraised = false;
                self.shelf_by = by;
                reason.clone()
            }
            Verb::Unshelve => {
                if self.visibility != Visibility::Shelved {
                    return false;
                }
                self.unshelve(by);
                String::new()
            }
            Verb::Close { reason } => {
                let dispute = if cleared { Ts::NEVER } else { action.at.plus(CLOSE_GRACE) };
                self.set_state(OpState::Closed, Ts::NEVER, dispute, by);
                reason.clone()
            }
            Verb::Note { text } => text.clone(),
            Verb::Undo { .. } => return false,
        };
        self.signed(&action.actor, action.at, text, by);
        true
    }

    fn signed(&mut self, actor: &str, at: Ts, text: String, by: ActionId) {
        actor.clone_into(&mut self.user);
        self.time = at;
        self.text = text;
        self.last_by = by;
    }

    /// Makes everything that `of` still determines what it was `before` it. Used on the present
    /// state, and on the "before" that later actions remember.
    pub fn take_back(&mut self, of: ActionId, before: &Self) {
        if self.state_by == of {
            self.set_state(before.state, before.ack_until, before.dispute_at, before.state_by);
        }
        if self.owner_by == of {
            self.owner.clone_from(&before.owner);
            self.owner_by = before.owner_by;
        }
        if self.shelf_by == of {
            // What the source does is no act of an operator's: it is as it is now.
            self.visibility = match before.visibility {
                Visibility::Visible | Visibility::Suppressed => self.unshelved(),
                other => other,
            };
            self.shelf_until = before.shelf_until;
            self.reraised = before.reraised;
            self.shelf_by = before.shelf_by;
        }
        if self.last_by == of {
            self.signed(&before.user.clone(), before.time, before.text.clone(), before.last_by);
        }
    }

    /// Undoes an action after its hold: the same restoration, but as an act of its own, signed.
    pub fn compensate(&mut self, undo: &Action, of: ActionId, verb: &str, before: &Self) {
        let was = (self.state_by == of, self.owner_by == of, self.shelf_by == of);
        self.take_back(of, before);
        if was.0 {
            self.state_by = undo.id;
        }
        if was.1 {
            self.owner_by = undo.id;
        }
        if was.2 {
            self.shelf_by = undo.id;
        }
        self.signed(&undo.actor, undo.at, format!("undid {verb}"), undo.id);
    }
}
