//! Steady time out of a clock that may be set: polls carry our wall clock, and somebody may set it
//! back, or a machine may sleep.

use crate::model::time::{MINUTE, Ts};

/// A longer time than this between two polls is a gap: what happened in it is not known, and no rate
/// is worked out over it.
pub(super) const GAP: i64 = 10 * MINUTE;

/// Steady time: never goes back.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    last: Option<Ts>,
    now: i64,
}

/// A poll's place in steady time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick {
    /// Steady time, µs.
    pub(super) now: i64,
    /// The poll's own instant.
    pub(super) at: Ts,
    /// Since the poll before, µs; `None`: the first one, a gap, or the clock was set back.
    pub(super) since: Option<i64>,
    /// The clock was set back: how much time has passed is a guess.
    pub(super) back: bool,
}

impl Timeline {
    /// The next poll. `usual` is the time between polls, which is taken for the true one when the
    /// clock was set back.
    pub(super) fn tick(&mut self, at: Ts, usual: i64) -> Tick {
        let Some(last) = self.last.replace(at) else {
            self.now = at.0;
            return Tick { now: self.now, at, since: None, back: false };
        };
        let passed = at.since(last);
        self.now = self.now.saturating_add(if passed < 0 { usual.max(0) } else { passed });
        Tick { now: self.now, at, since: (0..=GAP).contains(&passed).then_some(passed), back: passed < 0 }
    }

    /// Steady time of an instant before now.
    pub(super) fn of(&self, past: Ts) -> i64 {
        let shift = self.last.map_or(0, |last| self.now.saturating_sub(last.0));
        past.0.saturating_add(shift).min(self.now)
    }
}
