//! What left the buffer without having been sent on, worked out of counters that fell: the appliance
//! counts no drops at all (facts: raven-run §4).
//!
//! The amounts are *at least*: what came in during the same poll hides as much. Records that had been
//! forwarded are no loss.

use std::collections::VecDeque;

use super::rates::Left;
use crate::model::appliance::poll::{ServiceStats, Stats};
use crate::model::time::{HOUR, MINUTE, Ts};

/// What one overflow deletes.
const DROP: u64 = 1000;
/// Time-stamps of the appliance and ours may differ by this.
const SLACK: i64 = 10 * MINUTE;

/// The counters of a buffer, or of a collector's part of it, at one poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sight {
    /// Records.
    pub(super) records: u64,
    /// Not forwarded; `None`: not told at this poll.
    pub(super) pending: Option<u64>,
    /// Forwarded; `None`: not told at this poll.
    pub(super) forwarded: Option<u64>,
    /// Oldest record; unset: none, or not to be trusted.
    pub(super) oldest: Ts,
    /// Newest record; likewise.
    pub(super) newest: Ts,
}

impl Sight {
    /// Of the whole buffer.
    pub(super) fn whole(stats: &Stats, services: Option<&[ServiceStats]>) -> Self {
        let sum = |of: fn(&ServiceStats) -> u64| services.map(|s| s.iter().map(of).fold(0, u64::saturating_add));
        let trusted = |t: Ts| if stats.absurd_time { Ts::NEVER } else { t };
        Self {
            records: stats.records,
            pending: sum(|s| s.pending),
            forwarded: sum(|s| s.forwarded),
            oldest: trusted(stats.oldest),
            newest: trusted(stats.newest),
        }
    }

    /// Of a collector.
    pub(super) fn part(s: &ServiceStats) -> Self {
        let trusted = |t: Ts| if s.absurd_time { Ts::NEVER } else { t };
        Self {
            records: s.records,
            pending: Some(s.pending),
            forwarded: Some(s.forwarded),
            oldest: trusted(s.oldest),
            newest: trusted(s.newest),
        }
    }
}

/// What is known beside the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Setting {
    /// When.
    pub(super) at: Ts,
    /// Since the sight before, µs.
    pub(super) passed: i64,
    /// The buffer was full, or nearly, and drops when it is.
    pub(super) overflows: bool,
    /// How long records are kept, µs.
    pub(super) retention: Option<i64>,
    /// We have cleaned up or changed the configuration a moment ago.
    pub(super) ours: bool,
    /// Records may have been forwarded meanwhile.
    pub(super) may_send: bool,
    /// Records a second before, thousandths.
    pub(super) rate: Option<u64>,
    /// Forwarding is switched off: the buffer is where records stay, and the end of their retention is
    /// what was meant for them.
    pub(super) stays: bool,
}

/// Why records are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// An overflow.
    Dropped,
    /// An overflow that took (nearly) everything.
    Emptied,
    /// Retention.
    Expired,
    /// Another database.
    Replaced,
    /// By us.
    Ours,
    /// By whomever.
    Removed,
}

impl Cause {
    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Dropped => "overflow: the oldest records were dropped, 1000 at a time",
            Self::Emptied => "overflow: several drops at once emptied the buffer, with records that were waiting",
            Self::Expired => "retention: records expired before they were forwarded",
            Self::Replaced => "the database was replaced or deleted: what was in it is gone",
            Self::Ours => "cleaned up by an operator of noctule",
            Self::Removed => "removed, not by noctule: a clean-up or a change on the appliance",
        }
    }
}

/// What happened between two sights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// What is known of the records that left.
    pub(super) left: Left,
    /// Why some left; `None`: none did, as far as can be seen.
    pub(super) cause: Option<Cause>,
    /// Lost, at least, and of them known to have been waiting.
    pub(super) lost: Option<(u64, Option<u64>)>,
}

impl Change {
    const NONE: Self = Self { left: Left::Count(0), cause: None, lost: None };
}

/// Compares two sights.
pub(super) fn compare(before: &Sight, now: &Sight, how: &Setting) -> Change {
    let fall = before.records.saturating_sub(now.records);
    let moved = before.oldest.is_set() && now.oldest.is_set() && now.oldest > before.oldest;
    let reset = before.newest.is_set()
        && before.records > 0
        && (now.newest.is_set() && before.newest.since(now.newest) > SLACK || now.records == 0);
    if fall == 0 && !moved && !reset || before.records == 0 {
        return Change::NONE;
    }
    if how.ours {
        return Change { left: Left::Unknown, cause: Some(Cause::Ours), lost: None };
    }
    let expired = how
        .retention
        .is_some_and(|kept| before.oldest.is_set() && how.at.since(before.oldest) >= kept.saturating_sub(SLACK));
    let cause = if how.overflows && now.records.saturating_mul(4) < before.records && before.records >= 10 {
        Cause::Emptied
    } else if how.overflows && !expired {
        Cause::Dropped
    } else if expired {
        Cause::Expired
    } else if reset {
        Cause::Replaced
    } else {
        Cause::Removed
    };
    // Records that only moved their oldest one without a fall: somebody deleted some, and more came
    // in. Only of an overflow is it known how many at least.
    let gone = match cause {
        Cause::Dropped => fall.max(DROP.min(before.records)),
        Cause::Replaced => before.records,
        _ => fall,
    };
    if cause == Cause::Expired && how.stays {
        return Change { left: Left::Unknown, cause: None, lost: None };
    }
    let lost = lost(before, now, gone, how, cause);
    let left =
        if cause == Cause::Dropped && before.records >= 2 * DROP { dropped(before, now, how) } else { Left::Unknown };
    Change { left, cause: Some(cause), lost: Some(lost).filter(|(n, _)| *n > 0) }
}

/// Of so many that are gone, how many were still waiting, at least.
fn lost(before: &Sight, now: &Sight, gone: u64, how: &Setting, cause: Cause) -> (u64, Option<u64>) {
    let waiting = before.pending.zip(now.pending);
    let sent_of = before.forwarded.zip(now.forwarded);
    match (waiting, sent_of) {
        // All that were there were waiting, and nothing has been sent since.
        (_, Some((0, 0))) if !how.may_send => (gone, Some(gone)),
        (Some((was, _)), _) if cause == Cause::Replaced && !how.may_send => (was, Some(was)),
        // Nothing was sent: what waits less is gone.
        (Some((was, is)), _) if !how.may_send => {
            let n = was.saturating_sub(is);
            (n, Some(n))
        }
        _ => {
            // The oldest are forwarded first and go first: of those that are gone, those that had been
            // forwarded, and those that may have been since.
            let sent = before.forwarded.map(|f| if how.may_send { f.saturating_add(DROP) } else { f });
            match (sent, cause) {
                (Some(sent), _) => (gone.saturating_sub(sent), None),
                (None, Cause::Expired | Cause::Removed) => (0, None),
                (None, _) => (gone, None),
            }
        }
    }
}

/// How many an overflow took: whole thousands, as many as fit the rate of before best.
fn dropped(before: &Sight, now: &Sight, how: &Setting) -> Left {
    let Some(rate) = how.rate else { return Left::Unknown };
    let came = u128::from(rate) * u128::from(how.passed.max(0).unsigned_abs()) / 1_000_000_000;
    let came = u64::try_from(came).unwrap_or(u64::MAX);
    let missing = before.records.saturating_add(came).saturating_sub(now.records);
    let least = before.records.saturating_sub(now.records).div_ceil(DROP).max(1);
    let times = (missing.saturating_add(DROP / 2) / DROP).max(least);
    Left::Count(times.saturating_mul(DROP))
}

/// Losses by the hour, for a day.
#[derive(Debug, Clone, Default)]
pub(super) struct Day {
    hours: VecDeque<(i64, u64)>,
}

impl Day {
    /// Counts a loss.
    pub(super) fn add(&mut self, at: Ts, n: u64) {
        let hour = at.0.div_euclid(HOUR);
        match self.hours.back_mut() {
            Some((h, sum)) if *h == hour => *sum = sum.saturating_add(n),
            _ => self.hours.push_back((hour, n)),
        }
        while self.hours.len() > 25 {
            self.hours.pop_front();
        }
    }

    /// The last day's sum.
    pub(super) fn sum(&mut self, at: Ts) -> u64 {
        let hour = at.0.div_euclid(HOUR);
        self.hours.retain(|(h, _)| (hour.saturating_sub(24)..=hour.saturating_add(24)).contains(h) && hour - h < 24);
        self.hours.iter().map(|(_, n)| *n).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{DAY, SECOND};

    fn sight(records: u64, oldest_s: i64, newest_s: i64) -> Sight {
        Sight {
            records,
            pending: Some(records),
            forwarded: Some(0),
            oldest: Ts(oldest_s * SECOND),
            newest: Ts(newest_s * SECOND),
        }
    }

    fn how() -> Setting {
        Setting { at: Ts(2000 * SECOND), passed: 5 * SECOND, retention: Some(DAY), ..Setting::default() }
    }

    #[test]
    fn the_measured_overflow_is_told() {
        // 800, then 400 more sent: 72 are left (facts: raven-run §4).
        let full = Setting { overflows: true, ..how() };
        let c = compare(&sight(800, 1000, 1900), &sight(72, 1900, 2000), &full);
        assert_eq!((c.cause, c.lost, c.left), (Some(Cause::Emptied), Some((728, Some(728))), Left::Unknown));
    }

    #[test]
    fn a_drop_that_is_hidden_by_what_came_in_is_seen_by_the_oldest_record() {
        let full = Setting { overflows: true, rate: Some(300_000), ..how() };
        let c = compare(&sight(100_000, 1000, 1900), &sight(100_500, 1100, 2000), &full);
        assert_eq!((c.cause, c.lost, c.left), (Some(Cause::Dropped), Some((1000, Some(1000))), Left::Count(1000)));
        let c = compare(&sight(100_000, 1000, 1900), &sight(99_500, 1100, 2000), &full);
        assert_eq!(c.left, Left::Count(2000), "1500 came in, so 2000 are gone");
    }

    #[test]
    fn what_was_forwarded_is_no_loss() {
        let mut before = sight(5000, 1000, 1900);
        (before.pending, before.forwarded) = (Some(1000), Some(4000));
        let mut now = sight(1100, 1800, 2000);
        (now.pending, now.forwarded) = (Some(1100), Some(0));
        let c = compare(&before, &now, &how());
        assert_eq!(c.lost, None, "{c:?}");
        let sending = Setting { may_send: true, ..how() };
        assert_eq!(compare(&before, &now, &sending).lost, None);
    }

    #[test]
    fn expiry_of_what_was_waiting_is_a_loss() {
        let late = Setting { at: Ts(1000 * SECOND + DAY), ..how() };
        let c = compare(&sight(5000, 1000, 80_000), &sight(4000, 4600, 87_000), &late);
        assert_eq!((c.cause, c.lost), (Some(Cause::Expired), Some((1000, Some(1000)))));
    }

    #[test]
    fn what_we_did_is_no_loss_and_what_others_did_is() {
        let ours = Setting { ours: true, ..how() };
        assert_eq!(compare(&sight(500, 1000, 1900), &sight(0, 0, 0), &ours).lost, None);
        let c = compare(&sight(500, 1000, 1900), &sight(400, 1200, 2000), &how());
        assert_eq!((c.cause, c.lost), (Some(Cause::Removed), Some((100, Some(100)))));
        let c = compare(&sight(500, 1000, 1900), &sight(0, 0, 0), &how());
        assert_eq!((c.cause, c.lost), (Some(Cause::Replaced), Some((500, Some(500)))));
    }

    #[test]
    fn nothing_gone_is_nothing() {
        assert_eq!(compare(&sight(500, 1000, 1900), &sight(700, 1000, 2000), &how()), Change::NONE);
        assert_eq!(compare(&Sight::default(), &sight(700, 1000, 2000), &how()), Change::NONE);
    }

    #[test]
    fn a_day_forgets() {
        let mut day = Day::default();
        day.add(Ts(100 * HOUR), 5);
        day.add(Ts(110 * HOUR), 7);
        assert_eq!(day.sum(Ts(110 * HOUR)), 12);
        assert_eq!(day.sum(Ts(125 * HOUR)), 7);
        assert_eq!(day.sum(Ts(200 * HOUR)), 0);
    }
}
