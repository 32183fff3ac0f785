//! The lifecycle of one alarm (alarm model §2.3): condition, operator and visibility are three
//! independent axes; sources move the first, operators the other two, clocks all of them.

use std::collections::VecDeque;

use crate::model::action::{Action, Verb};
use crate::model::alarm::{HISTORY, OpState, Shown, StatusChange, Visibility};
use crate::model::ids::Seq;
use crate::model::observation::{AlarmEvent, ClearReason};
use crate::model::record::TimerKind;
use crate::model::severity::Severity;
use crate::model::time::{MINUTE, SECOND, Ts};

use super::operator::{CLOSE_GRACE, Operator};

/// A purge is refused when the alarm changed this recently: the clock was read before the change.
const PURGE_GUARD: i64 = MINUTE;

/// The state of an alarm without its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Last severity.
    pub severity: Severity,
    /// Its last move: -1, 0, 1.
    pub trend: i8,
    /// Whether the condition is over.
    pub cleared: bool,
    /// Why.
    pub clear_reason: ClearReason,
    /// Whether the source ever clears it. A source's clear of a type that is said not to clear is
    /// a fact and honoured; the flag stays, so that both together tell of the contradiction.
    pub will_clear: bool,
    /// The device's return to ACTIVE clears it.
    pub cleared_by_active: bool,
    /// Operator axis and visibility.
    pub operator: Operator,
    /// First raise of the spell, the source's clock.
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
    /// Raises over all spells.
    pub occurrences: u32,
    /// Repeats in this spell.
    pub dup_count: u32,
    /// One line.
    pub text: String,
    /// Caused by a query of ours.
    pub own_query: bool,
    /// Journal record that began the spell.
    pub born: Seq,
    /// Status changes, oldest first, at most [`HISTORY`].
    pub history: VecDeque<StatusChange>,
    /// How many older ones were dropped.
    pub dropped: u32,
}

impl Life {
    /// An alarm never seen before.
    pub fn new(event: &AlarmEvent, severity: Severity, at: Ts, seq: Seq) -> Self {
        let mut life = Self {
            severity,
            trend: 0,
            cleared: false,
            clear_reason: ClearReason::Source,
            will_clear: event.will_clear,
            cleared_by_active: event.cleared_by_active,
            operator: Operator::default(),
            raised_at: or(event.source_time, at),
            received_at: at,
            first_seen: at,
            last_seen: at,
            last_changed: at,
            cleared_at: Ts::NEVER,
            occurrences: 1,
            dup_count: 0,
            text: event.text.clone(),
            own_query: event.own_query,
            born: seq,
            history: VecDeque::new(),
            dropped: 0,
        };
        life.record(at, seq);
        life
    }

    /// The one state shown.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(self.cleared, self.operator.state, self.operator.visibility)
    }

    /// A raise of a known alarm.
    pub fn raise(&mut self, event: &AlarmEvent, severity: Severity, at: Ts, seq: Seq) {
        self.last_seen = at;
        self.will_clear = event.will_clear;
        self.cleared_by_active = event.cleared_by_active;
        if self.text != event.text {
            self.text.clone_from(&event.text);
        }
        if self.cleared {
            // Whoever suppressed it before: the source says anew whether it does.
            self.operator.suppress("");
            let hold = i64::from(event.hold_down_s) * SECOND;
            if moment(Some(event.source_time), at).since(self.cleared_at) <= hold {
                self.resume(severity, at);
            } else {
                self.new_spell(event, severity, at, seq);
            }
            self.last_changed = at;
            self.record(at, seq);
            return;
        }
        self.dup_count = self.dup_count.saturating_add(1);
        if self.set_severity(severity) {
            self.last_changed = at;
            self.record(at, seq);
        }
    }

    /// The same spell goes on after a short clear.
    fn resume(&mut self, severity: Severity, at: Ts) {
        self.cleared = false;
        self.cleared_at = Ts::NEVER;
        self.occurrences = self.occurrences.saturating_add(1);
        if self.operator.visibility == Visibility::Shelved {
            self.operator.reraised = true;
        }
        if self.operator.state == OpState::Closed {
            self.operator.dispute_at = at.plus(CLOSE_GRACE);
        }
        self.set_severity(severity);
    }

    fn new_spell(&mut self, event: &AlarmEvent, severity: Severity, at: Ts, seq: Seq) {
        self.cleared = false;
        self.cleared_at = Ts::NEVER;
        self.occurrences = self.occurrences.saturating_add(1);
        self.dup_count = 0;
        self.raised_at = or(event.source_time, at);
        self.received_at = at;
        self.severity = severity;
        self.trend = 0;
        self.own_query = event.own_query;
        self.born = seq;
        self.operator.new_spell();
    }

    /// A rise takes an acknowledgement away ("re-alarm"), a fall keeps it. Whether it moved.
    fn set_severity(&mut self, severity: Severity) -> bool {
        let moved = severity != self.severity;
        if severity > self.severity {
            self.trend = 1;
            if self.operator.state == OpState::Ack {
                self.operator.reopen();
            }
        } else if severity < self.severity {
            self.trend = -1;
        }
        self.severity = severity;
        moved
    }

    /// The source says that the condition is over; see [`Life::clear`].
    pub fn cleared_by(&mut self, event: &AlarmEvent, at: Ts, seq: Seq) -> bool {
        self.clear_since(event.clear_reason, moment(Some(event.source_time), at), at, seq)
    }

    /// The condition is over since `since`, which we learn at `at`; see [`Life::clear`].
    pub fn clear_since(&mut self, reason: ClearReason, since: Ts, at: Ts, seq: Seq) -> bool {
        let was_active = self.clear(reason, at, seq);
        if was_active {
            self.cleared_at = since;
        }
        was_active
    }

    /// The condition is over. Whether it was not before: a lone clear is nothing.
    pub fn clear(&mut self, reason: ClearReason, at: Ts, seq: Seq) -> bool {
        if self.cleared {
            return false;
        }
        self.cleared = true;
        self.clear_reason = reason;
        self.cleared_at = at;
        self.last_changed = at;
        self.operator.dispute_at = Ts::NEVER;
        self.record(at, seq);
        true
    }

    /// The source itself suppresses the alarm, or (with empty words) no longer does. Whether that
    /// changed anything.
    pub fn suppress(&mut self, by: &str, at: Ts) -> bool {
        let changed = self.operator.suppress(by);
        if changed {
            self.last_changed = at;
        }
        changed
    }

    /// Whether the alarm stood at `then`, which we learn of at `now`. What is told as it happens comes
    /// after all that is known; what is read late is placed by the source's own time, in which the
    /// alarm was raised as well.
    #[must_use]
    pub fn stood(&self, then: Ts, now: Ts) -> bool {
        then == now || self.raised_at <= then
    }

    /// An operator's action other than an undo; whether it meant anything.
    pub fn act(&mut self, action: &Action) -> bool {
        let meant = self.operator.act(action, self.cleared);
        if meant {
            self.last_changed = action.at;
        }
        meant
    }

    /// Takes an action back: within the hold as if it never happened, later as an act of its own.
    pub fn undo(&mut self, undo: &Action, of: &Undone) {
        match undo.verb {
            Verb::Undo { within_hold: true, .. } => self.operator.take_back(of.id, &of.before),
            _ => self.operator.compensate(undo, of.id, &of.verb, &of.before),
        }
        if self.cleared {
            self.operator.dispute_at = Ts::NEVER;
        }
        self.last_changed = undo.at;
    }

    /// A clock ran out.
    pub fn expire(&mut self, what: TimerKind, at: Ts) -> Expired {
        let op = &mut self.operator;
        let due = |t: Ts| t.is_set() && t <= at;
        match what {
            TimerKind::AckExpired if op.state == OpState::Ack && !self.cleared && due(op.ack_until) => op.reopen(),
            TimerKind::ShelfExpired if op.visibility == Visibility::Shelved && due(op.shelf_until) => {
                op.shelf_expired();
            }
            TimerKind::CloseDisputed if op.state == OpState::Closed && !self.cleared && due(op.dispute_at) => {
                op.reopen();
            }
            TimerKind::Purge
                if self.cleared
                    && matches!(op.visibility, Visibility::Visible | Visibility::Suppressed)
                    && at.since(self.last_changed) >= PURGE_GUARD =>
            {
                return Expired::Purge;
            }
            _ => return Expired::Nothing,
        }
        self.last_changed = at;
        Expired::Changed
    }

    /// The next clock of the alarm that will run out, but for the purge.
    #[must_use]
    pub fn next_timer(&self) -> Option<(Ts, TimerKind)> {
        let op = &self.operator;
        let ack = (op.state == OpState::Ack && !self.cleared).then_some((op.ack_until, TimerKind::AckExpired));
        let shelf = (op.visibility == Visibility::Shelved).then_some((op.shelf_until, TimerKind::ShelfExpired));
        let close = (op.state == OpState::Closed && !self.cleared).then_some((op.dispute_at, TimerKind::CloseDisputed));
        [ack, shelf, close].into_iter().flatten().filter(|(at, _)| at.is_set()).min_by_key(|(at, _)| *at)
    }

    fn record(&mut self, at: Ts, seq: Seq) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.history.push_back(StatusChange { at, severity: self.severity, cleared: self.cleared, seq });
    }
}

/// An action that is being undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The action.
    pub id: crate::model::ids::ActionId,
    /// Its verb's word.
    pub verb: String,
    /// The operator's side before it.
    pub before: Operator,
}

/// What came of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// It was set anew meanwhile.
    Nothing,
    /// The alarm changed.
    Changed,
    /// The alarm leaves the cache.
    Purge,
}

/// Events that come later than this after they happened are read from a backlog.
const BACKLOG: i64 = 10 * SECOND;

/// When it happened, for measuring gaps: our clock, but the source's for what we read only later
/// from a backlog; else a clear and a raise an hour apart would fall together at a restart.
pub fn moment(source_time: Option<Ts>, at: Ts) -> Ts {
    source_time.filter(|t| t.is_set() && at.since(*t) > BACKLOG).unwrap_or(at)
}

fn or(t: Ts, fallback: Ts) -> Ts {
    if t.is_set() { t } else { fallback }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
