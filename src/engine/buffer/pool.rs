//! The buffer as a whole: its bytes and records, what comes in and goes out, and its forecasts.

use super::forecast::{self, Expiry, Overflow, course};
use super::losses::{Change, Setting, Sight, compare};
use super::rates::{Counter, Left};
use super::timeline::{Tick, Timeline};
use super::trend::{BYTES, Trend};
use crate::model::appliance::poll::{ServiceStats, Stats};
use crate::model::appliance::state::Contact;
use crate::model::appliance::{ApplianceState, Point};
use crate::model::time::{HOUR, MINUTE, SECOND};

const MIB: u64 = 1 << 20;
/// The exact size of the services is taken for this long after it was told.
const EXACT: i64 = 2 * MINUTE;

/// The whole buffer.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    sight: Option<(i64, Sight)>,
    coming: Counter,
    going: Counter,
    trend: Trend,
    /// Bytes, and whether they are exact.
    used: Option<(u64, bool)>,
    /// When the services last told their bytes.
    exact: Option<i64>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            sight: None,
            coming: Counter::default(),
            going: Counter::default(),
            trend: Trend::new(BYTES),
            used: None,
            exact: None,
        }
    }
}

impl Pool {
    /// Goes on after a restart of noctule.
    pub(super) fn resume(&mut self, last: &ApplianceState, past: &[Point], time: &Timeline) {
        *self = Self::default();
        let now = time.of(if last.answered.is_set() { last.answered } else { last.at });
        for p in past {
            let end = p.at.plus(p.step_us.max(0)).min(last.at);
            if let Some(bytes) = p.bytes {
                self.trend.add(time.of(end), bytes);
            }
        }
        if let Some(records) = last.records {
            self.coming.resume(now, records, last.in_milli);
            let trusted = |t| if last.absurd_time { crate::model::time::Ts::NEVER } else { t };
            let (oldest, newest) = (trusted(last.oldest), trusted(last.newest));
            let sight = Sight { records, pending: last.pending, forwarded: last.forwarded, oldest, newest };
            self.sight = Some((now, sight));
        }
        if let Some(forwarded) = last.forwarded {
            self.going.resume(now, forwarded, last.out_milli);
        }
        if let Some(used) = last.used_bytes {
            let exact = last.collectors.iter().any(|c| c.bytes.is_some());
            self.used = Some((used, exact));
            self.exact = exact.then_some(now);
            self.trend.add(now, used);
        }
    }

    /// The clock jumped.
    pub(super) fn skip(&mut self) {
        self.coming.skip();
        self.going.skip();
    }

    /// The buffer was full or nearly so, and drops when it is.
    pub(super) fn overflows(&self, state: &ApplianceState) -> bool {
        let (Some((used, _)), Some(limit)) = (self.used, state.limit_bytes) else { return false };
        // A small limit is passed between two polls.
        let near = if limit <= 20 * MIB { limit / 2 } else { limit / 20 * 19 };
        forecast::overflow(&state.overflow_action) == Overflow::Drops && used >= near
    }

    /// Takes the counters; says what left.
    pub(super) fn read(
        &mut self,
        tick: Tick,
        stats: &Stats,
        services: Option<&[ServiceStats]>,
        sight: &Sight,
        how: &Setting,
    ) -> Change {
        let none = Change { left: Left::Count(0), cause: None, lost: None };
        let change = match &self.sight {
            Some((then, before)) => {
                let passed = tick.now.saturating_sub(*then);
                compare(before, sight, &Setting { passed, ..*how })
            }
            None => none,
        };
        self.coming.read(tick, sight.records, change.left);
        if let Some(forwarded) = sight.forwarded {
            self.going.read(tick, forwarded, Left::Count(0));
        }
        let before = self.sight.map(|(_, s)| s).unwrap_or_default();
        let kept = Sight {
            pending: sight.pending.or(before.pending),
            forwarded: sight.forwarded.or(before.forwarded),
            ..*sight
        };
        self.sight = Some((tick.now, kept));
        self.size(tick, stats, services);
        change
    }

    fn size(&mut self, tick: Tick, stats: &Stats, services: Option<&[ServiceStats]>) {
        let sum = services.filter(|s| !s.is_empty());
        let sum = sum.map(|s| s.iter().map(|s| s.bytes).fold(0, u64::saturating_add));
        let now = match (sum, self.used) {
            // Services that the status does not list are in the whole only.
            (Some(sum), _) => {
                self.exact = Some(tick.now);
                (sum.max(stats.used_bytes), true)
            }
            // A status call that freezes now and then does not make the exact size a rough one.
            (None, Some((used, true)))
                if self.exact.is_some_and(|t| tick.now.saturating_sub(t) <= EXACT)
                    && used >= stats.used_bytes
                    && used - stats.used_bytes < MIB =>
            {
                return;
            }
            (None, _) => (stats.used_bytes, false),
        };
        if let Some((before, exact)) = self.used {
            if exact != now.1 {
                self.trend.fell(true);
            } else if now.0 < before {
                let deep = now.0 < before / 4 * 3;
                let grain = if exact { 0 } else { MIB };
                if deep || before - now.0 > grain {
                    self.trend.fell(deep);
                }
            }
        }
        self.used = Some(now);
        self.trend.add(tick.now, now.0);
    }

    /// Records a second coming in, thousandths.
    pub(super) fn in_milli(&self, now: i64) -> Option<u64> {
        self.coming.milli(now)
    }

    /// Records a second forwarded, thousandths.
    pub(super) fn out_milli(&self, now: i64) -> Option<u64> {
        self.going.milli(now)
    }

    /// Works out what follows. `direct`: what comes in is sent on and not stored; `stale`: nothing has
    /// been heard for long.
    pub(super) fn settle(&self, tick: Tick, state: &mut ApplianceState, direct: bool, stale: bool) {
        state.in_milli = self.in_milli(tick.now).filter(|n| *n > 0 || !direct);
        state.out_milli = self.out_milli(tick.now);
        let oldest = state.oldest;
        state.coverage_us = (oldest.is_set() && state.records.is_some_and(|n| n > 0) && !state.absurd_time)
            .then(|| tick.at.since(oldest).max(0));
        let blind = match state.contact {
            Contact::LimitZero => Some("its limit is zero"),
            Contact::Unreadable => Some("its answers cannot be read"),
            _ if stale => Some("it has not answered for a while"),
            _ => None,
        };
        let (growth, full, loss, reach, fill) = match (blind, self.used, state.limit_bytes) {
            (Some(why), ..) => (None, forecast::unknown(why), forecast::unknown(why), None, None),
            (None, Some((used, exact)), Some(limit)) => {
                let grain = if exact { 1.0 } else { MIB as f64 };
                let course = course(&self.trend, tick.now, used, grain);
                let growth = match course {
                    forecast::Course::Unknown => None,
                    forecast::Course::Steady(line) | forecast::Course::Rising(line) => Some(line.slope.round() as i64),
                };
                let expiry = expiry(tick, state);
                let full = forecast::full(course, used, limit, grain);
                let loss = forecast::first_loss(course, used, limit, grain, &state.overflow_action, expiry.as_ref());
                let fill = u64::try_from(u128::from(used) * 1000 / u128::from(limit)).unwrap_or(u64::MAX);
                (growth, full, loss, forecast::coverage(course, limit), Some(fill))
            }
            _ => {
                let why = "its size has not been told yet";
                (None, forecast::unknown(why), forecast::unknown(why), None, None)
            }
        };
        state.used_bytes = self.used.map(|(used, _)| used);
        state.growth = growth;
        state.full = full;
        state.first_loss = loss;
        state.coverage_full_us = reach;
        state.fill_permille = fill;
        if state.contact == Contact::LimitZero {
            state.limit_bytes = None;
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.coming.heap() + self.going.heap() + self.trend.heap()
    }
}

/// The earliest end of a retention that strikes records which were not forwarded.
fn expiry(tick: Tick, state: &ApplianceState) -> Option<Expiry> {
    // Where nothing is to be forwarded, the end of its retention is no loss of a record.
    if state.uplink.forwarding == Some(false) {
        return None;
    }
    state
        .collectors
        .iter()
        .filter(|c| c.pending.is_some_and(|n| n > 0) && c.oldest.is_set() && !c.absurd_time)
        .filter_map(|c| {
            let hours = c.retention_hours.or_else(|| Some(state.retention_days?.saturating_mul(24)))?;
            let end = c.oldest.plus(hours.max(0).saturating_mul(HOUR));
            Some(Expiry {
                in_us: end.since(tick.at),
                collector: c.name.clone(),
                earliest: c.forwarded.is_some_and(|n| n > 0),
            })
        })
        // A replay that will be through before saves them.
        .filter(|e| state.replay.done_in_us.is_none_or(|us| us.saturating_add(10 * SECOND) > e.in_us))
        .min_by_key(|e| e.in_us)
}
