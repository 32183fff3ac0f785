//! Rates out of counters that are read now and then.
//!
//! **What is measured.** Records coming in is what the buffer has *stored*: the rise of its record
//! counter, plus what has left it in the same time where that can be told (an overflow deletes
//! a thousand at a time). Where it cannot be told (expiry, a clean-up, an emptied buffer) that stretch
//! of time is left out; it does not count as zero. What is sent on at once while the uplink is up is
//! never stored and appears in no counter. Going out is the rise of the counter of *buffered* records
//! that were forwarded.
//!
//! The service stores nothing for up to five seconds while it probes its uplink and everything after
//! that (facts: raven-run §0.8), so a rate is the mean over about a minute.

use std::collections::VecDeque;

use super::timeline::{GAP, Tick};
use crate::model::time::{MINUTE, SECOND};

/// The time a rate is the mean of.
const WINDOW: i64 = MINUTE;
/// Stretches shorter than this are put together.
const BUCKET: i64 = 5 * SECOND;
/// The least time that makes a rate.
const LEAST: i64 = 10 * SECOND;
/// A rate older than this is none.
const STALE: i64 = 2 * MINUTE;

/// Counts over a sliding window.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    buckets: VecDeque<(i64, u64)>,
    us: i64,
    n: u64,
    ended: i64,
}

impl Window {
    /// Takes a count over a stretch of time that ends now.
    pub(super) fn add(&mut self, now: i64, us: i64, n: u64) {
        if us <= 0 {
            return;
        }
        if us > GAP {
            self.clear();
            return;
        }
        self.ended = now;
        self.us = self.us.saturating_add(us);
        self.n = self.n.saturating_add(n);
        match self.buckets.back_mut() {
            Some((have, count)) if *have < BUCKET => {
                *have += us;
                *count = count.saturating_add(n);
            }
            _ => self.buckets.push_back((us, n)),
        }
        while let Some(&(first, count)) = self.buckets.front()
            && self.us - first >= WINDOW
        {
            self.us -= first;
            self.n = self.n.saturating_sub(count);
            self.buckets.pop_front();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self { buckets: std::mem::take(&mut self.buckets), ..Self::default() };
        self.buckets.clear();
    }

    /// A second, thousandths; `None`: not known (any more).
    pub(super) fn milli(&self, now: i64) -> Option<u64> {
        let fresh = now.saturating_sub(self.ended) <= STALE;
        (fresh && self.us >= LEAST).then(|| per_second(self.n, self.us)).flatten()
    }

    /// Goes on from a rate that was known.
    pub(super) fn seed(&mut self, now: i64, milli: u64) {
        self.clear();
        let us = WINDOW / 2;
        let n = u128::from(milli) * u128::from(us.unsigned_abs()) / (1000 * u128::from(SECOND.unsigned_abs()));
        self.add(now, us, u64::try_from(n).unwrap_or(u64::MAX));
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.buckets.capacity() * size_of::<(i64, u64)>()
    }
}

/// `n` over `us` microseconds as thousandths a second.
pub(super) fn per_second(n: u64, us: i64) -> Option<u64> {
    let us = u128::try_from(us).ok().filter(|us| *us > 0)?;
    Some(u64::try_from(u128::from(n) * 1000 * u128::from(SECOND.unsigned_abs()) / us).unwrap_or(u64::MAX))
}

/// What is known of the records that left between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// So many (mostly none).
    Count(u64),
    /// Some, nobody knows how many.
    Unknown,
}

/// A counter and its rate.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    base: Option<(i64, u64)>,
    window: Window,
}

impl Counter {
    /// Takes a reading. A fall without an explanation is a reset: that stretch is left out.
    pub(super) fn read(&mut self, tick: Tick, value: u64, left: Left) {
        if let Some((then, before)) = self.base {
            let us = tick.now.saturating_sub(then);
            if us <= 0 {
                return;
            }
            let rise = match left {
                Left::Count(gone) => value.saturating_add(gone).checked_sub(before),
                Left::Unknown => None,
            };
            if let Some(rise) = rise.filter(|_| !tick.back) {
                self.window.add(tick.now, us, rise);
            }
        }
        self.base = Some((tick.now, value));
    }

    /// The clock jumped: nothing can be said of the time until now.
    pub(super) fn skip(&mut self) {
        self.base = None;
    }

    /// A second, thousandths; `None`: not known.
    pub(super) fn milli(&self, now: i64) -> Option<u64> {
        self.window.milli(now)
    }

    /// Goes on after a restart of noctule.
    pub(super) fn resume(&mut self, then: i64, value: u64, milli: Option<u64>) {
        self.base = Some((then, value));
        if let Some(milli) = milli {
            self.window.seed(then, milli);
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.window.heap()
    }
}

/// The rate of a counter that a collector tells of itself; any fall is a restart of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    base: Option<(i64, f64)>,
    milli: Option<u64>,
}

impl Meter {
    /// Takes a reading and says whether it rose.
    pub(super) fn read(&mut self, now: i64, value: f64) -> bool {
        if !value.is_finite() || value < 0.0 {
            return false;
        }
        let Some((then, before)) = self.base else {
            self.base = Some((now, value));
            return false;
        };
        let (us, rise) = (now.saturating_sub(then), value - before);
        if rise < 0.0 || us > GAP {
            *self = Self { base: Some((now, value)), milli: None };
            return false;
        }
        if us >= LEAST {
            self.milli = Some((rise / us as f64 * 1e9) as u64);
            self.base = Some((now, value));
        }
        rise > 0.0
    }

    /// A second, thousandths; `None`: not known.
    pub(super) fn milli(&self, now: i64) -> Option<u64> {
        let (then, _) = self.base?;
        self.milli.filter(|_| now.saturating_sub(then) <= STALE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Ts;

    fn tick(s: i64) -> Tick {
        Tick { now: s * SECOND, at: Ts(s * SECOND), since: Some(5 * SECOND), back: false }
    }

    #[test]
    fn a_probe_that_holds_everything_back_does_not_shake_the_rate() {
        let mut c = Counter::default();
        let mut stored = 0;
        for i in 0..60 {
            // One poll in six sees nothing, the next one twice as much: 20 a second all the time.
            stored += match i % 6 {
                4 => 0,
                5 => 200,
                _ => 100,
            };
            c.read(tick(i * 5), stored, Left::Count(0));
            if i > 14 {
                let rate = c.milli(i * 5 * SECOND).unwrap();
                assert!((18_000..=22_000).contains(&rate), "{rate} at {i}");
            }
        }
    }

    #[test]
    fn repeats_falls_and_silence_make_no_numbers() {
        let mut c = Counter::default();
        c.read(tick(0), 10, Left::Count(0));
        c.read(tick(0), 500, Left::Count(0));
        assert_eq!(c.milli(0), None);
        c.read(tick(5), 20, Left::Count(0));
        assert_eq!(c.milli(5 * SECOND), None, "five seconds are too few");
        c.read(tick(10), 3, Left::Count(0));
        c.read(tick(15), 13, Left::Count(0));
        assert_eq!(c.milli(15 * SECOND), Some(2000), "the fall is left out");
        c.read(tick(20), 5, Left::Unknown);
        c.read(tick(25), 1000, Left::Unknown);
        assert_eq!(c.milli(25 * SECOND), Some(2000));
        assert_eq!(c.milli(400 * SECOND), None, "nothing was heard for a while");
    }

    #[test]
    fn what_left_is_counted_where_it_is_known() {
        let mut c = Counter::default();
        for i in 0..10 {
            c.read(tick(i * 5), 5000 - 500 * i.unsigned_abs(), Left::Count(1000));
        }
        assert_eq!(c.milli(45 * SECOND), Some(100_000));
    }

    #[test]
    fn a_meter_survives_nonsense() {
        let mut m = Meter::default();
        for value in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(!m.read(0, value));
        }
        assert!(!m.read(0, 5.0));
        assert!(m.read(20 * SECOND, 25.0));
        assert_eq!(m.milli(20 * SECOND), Some(1000));
        assert!(!m.read(40 * SECOND, 1.0), "restarted");
        assert_eq!(m.milli(40 * SECOND), None);
    }
}
