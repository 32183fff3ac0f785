//! Whether buffered records are being sent on, and whether a "forward now" has come to nothing.
//!
//! The call always answers that it has started; one flow record that was stored as gzip stops every
//! replay for ever (facts: raven-run §0.4). So what counts is the counter: it has to move within two
//! readings after an order, and a batch that ends before a thousand with records still waiting has
//! hit such a record.

use super::timeline::Tick;
use crate::model::appliance::state::{Replay, ReplayState};
use crate::model::time::{SECOND, Ts};

/// Most records that one order sends.
const BATCH: u64 = 1000;
/// Readings without a move after which it stands.
const READINGS: u8 = 2;

/// The replay of one appliance.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    state: Replay,
    forwarded: Option<u64>,
    /// Somebody has ordered it, and it has not come to an end.
    ordered: bool,
    /// Readings in a row without a move.
    still: u8,
}

impl Watch {
    /// Goes on after a restart of noctule.
    pub(super) fn resume(&mut self, last: &Replay, forwarded: Option<u64>) {
        self.state = last.clone();
        self.forwarded = forwarded;
        self.ordered = last.state == ReplayState::Stuck;
    }

    /// "Forward now" was ordered and accepted.
    pub(super) fn order(&mut self, at: Ts) {
        self.ordered = true;
        self.still = 0;
        if self.state.state != ReplayState::Stuck {
            self.state = Replay { since: at, ..self.state.clone() };
        }
        self.state.sent = 0;
    }

    /// Records may be on their way out.
    pub(super) fn active(&self) -> bool {
        self.ordered || self.state.state == ReplayState::Running
    }

    /// Takes a reading of the counters, and the rate at which they are forwarded.
    pub(super) fn read(&mut self, tick: Tick, pending: u64, forwarded: u64, out_milli: Option<u64>) {
        let moved = self.forwarded.map(|before| forwarded.saturating_sub(before));
        // A fall is a clean-up of forwarded records: it says nothing about sending.
        let fell = self.forwarded.is_some_and(|before| forwarded < before);
        self.forwarded = Some(forwarded);
        let Some(moved) = moved else {
            self.go(if pending == 0 { ReplayState::Idle } else { ReplayState::Unknown }, tick.at);
            return;
        };
        if moved > 0 {
            if self.state.state != ReplayState::Running {
                let sent = if self.ordered { self.state.sent } else { 0 };
                self.go(ReplayState::Running, tick.at);
                self.state.sent = sent;
            }
            self.state.sent = self.state.sent.saturating_add(moved);
            self.still = 0;
        } else if !fell {
            self.still = self.still.saturating_add(1);
        }
        if pending == 0 {
            self.ordered = false;
            self.go(ReplayState::Idle, tick.at);
        } else if self.still >= READINGS && moved == 0 {
            let short = self.state.sent == 0 || !self.state.sent.is_multiple_of(BATCH);
            if self.ordered && short {
                self.go(ReplayState::Stuck, tick.at);
            } else if self.state.state != ReplayState::Stuck {
                self.ordered = false;
                self.go(ReplayState::Idle, tick.at);
            }
        }
        self.state.done_in_us = match (self.state.state, out_milli) {
            (ReplayState::Running, Some(rate)) if rate > 0 => {
                let us = u128::from(pending) * 1000 * u128::from(SECOND.unsigned_abs()) / u128::from(rate);
                i64::try_from(us).ok()
            }
            _ => None,
        };
    }

    fn go(&mut self, state: ReplayState, at: Ts) {
        if self.state.state != state {
            let sent = if state == ReplayState::Stuck { self.state.sent } else { 0 };
            self.state = Replay { state, since: at, sent, done_in_us: None };
        }
    }

    /// How it stands.
    pub(super) const fn state(&self) -> &Replay {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(s: i64) -> Tick {
        Tick { now: s * SECOND, at: Ts(s * SECOND), since: Some(5 * SECOND), back: false }
    }

    #[test]
    fn an_order_that_moves_nothing_is_stuck_after_two_readings() {
        let mut w = Watch::default();
        w.read(tick(0), 10, 0, None);
        w.read(tick(5), 10, 0, None);
        w.order(Ts(6 * SECOND));
        w.read(tick(10), 10, 0, None);
        assert_ne!(w.state().state, ReplayState::Stuck);
        w.read(tick(15), 12, 0, None);
        assert_eq!(w.state().state, ReplayState::Stuck);
        w.read(tick(20), 11, 1, None);
        assert_eq!(w.state().state, ReplayState::Running, "it moves again");
    }

    #[test]
    fn five_of_ten_and_then_nothing_is_stuck() {
        let mut w = Watch::default();
        w.read(tick(0), 10, 0, None);
        w.order(Ts(SECOND));
        w.read(tick(5), 5, 5, Some(1000));
        assert_eq!(
            (w.state().state, w.state().sent, w.state().done_in_us),
            (ReplayState::Running, 5, Some(5 * SECOND))
        );
        w.read(tick(10), 5, 5, None);
        w.read(tick(15), 5, 5, None);
        assert_eq!((w.state().state, w.state().sent), (ReplayState::Stuck, 5));
    }

    #[test]
    fn a_full_batch_ends_without_trouble_and_so_does_an_empty_buffer() {
        let mut w = Watch::default();
        w.read(tick(0), 3000, 0, None);
        w.order(Ts(SECOND));
        w.read(tick(5), 2000, 1000, Some(200_000));
        w.read(tick(10), 2000, 1000, None);
        w.read(tick(15), 2000, 1000, None);
        assert_eq!(w.state().state, ReplayState::Idle);
        w.order(Ts(16 * SECOND));
        w.read(tick(20), 0, 3000, None);
        assert_eq!(w.state().state, ReplayState::Idle);
    }

    #[test]
    fn cleaned_up_records_do_not_look_like_a_halt() {
        let mut w = Watch::default();
        w.read(tick(0), 50, 500, None);
        w.order(Ts(SECOND));
        for s in 1..6 {
            w.read(tick(s * 5), 50, 500 - s.unsigned_abs(), None);
            assert_ne!(w.state().state, ReplayState::Stuck);
        }
    }
}
