//! When the buffer will be full, when the first record will be lost, when a quota will be reached: if
//! all goes on as it did, with how it was worked out and how far to trust it. Where too little is
//! known, that is the forecast.

use super::trend::{Line, Trend};
use super::words;
use crate::model::appliance::state::{Confidence, Forecast};
use crate::model::text::grouped;
use crate::model::time::{DAY, HOUR, SECOND};

/// Beyond this a forecast is none: it will not happen as things go.
const HORIZON: i64 = 3650 * DAY;
/// The appliance acts one whole MiB above its limit (facts: raven-run §4).
const LATE: u64 = 1 << 20;

/// A forecast that is not known, and why.
pub(super) fn unknown(why: &str) -> Forecast {
    Forecast { in_us: None, method: why.to_owned(), confidence: Confidence::None, never: false }
}

/// A forecast that it will not happen, and why.
pub(super) fn never(why: String, confidence: Confidence) -> Forecast {
    Forecast { in_us: None, method: why, confidence, never: true }
}

/// What a counter does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Course {
    /// Too few points.
    Unknown,
    /// It does not rise; with the time this was seen over.
    Steady(Line),
    /// It rises.
    Rising(Line),
}

/// What a counter does. `grain` is what cannot be seen of it.
pub(super) fn course(trend: &Trend, now: i64, value: u64, grain: f64) -> Course {
    match trend.line(now, value, grain) {
        None => Course::Unknown,
        Some(line) if line.slope * (line.span as f64 / SECOND as f64) <= grain.max(0.5) => Course::Steady(line),
        Some(line) => Course::Rising(line),
    }
}

/// How far to trust a line.
pub(super) fn confidence(line: &Line) -> Confidence {
    match line.horizon {
        _ if line.left || line.step => Confidence::Low,
        0 if line.points >= 8 && line.scatter < 0.2 => Confidence::Medium,
        0 => Confidence::Low,
        _ if line.scatter < 0.1 && line.span >= HOUR => Confidence::High,
        _ if line.scatter < 0.3 => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// When a counter reaches a mark.
fn reach(course: Course, value: u64, mark: u64, grain: f64, unit: &dyn Fn(f64) -> String) -> Forecast {
    if value >= mark {
        return Forecast {
            in_us: Some(0),
            method: "it is there already".into(),
            confidence: Confidence::High,
            never: false,
        };
    }
    let room = (mark - value) as f64;
    match course {
        Course::Unknown => unknown("too few points yet"),
        Course::Steady(line) => {
            let over = words::span(line.span);
            // What cannot be seen might still fill it.
            let unseen = room / grain * line.span as f64;
            if grain > 1.0 && unseen < 30.0 * DAY as f64 {
                return unknown(&format!("no rise seen in {over}, and a slow one could not be seen yet"));
            }
            let word = if line.slope * (line.span as f64 / SECOND as f64) < -grain { "falling" } else { "steady" };
            never(format!("{word} over the last {over}"), confidence(&line))
        }
        Course::Rising(line) => {
            let us = room / line.slope * SECOND as f64;
            let how = format!(
                "rising by {} over the last {} (median slope of {} points{})",
                unit(line.slope),
                words::span(line.span),
                line.points,
                if line.step { ", most of it in one step" } else { "" }
            );
            if !us.is_finite() || us >= HORIZON as f64 {
                return never(format!("{how}: more than ten years"), confidence(&line));
            }
            Forecast { in_us: Some(us.max(0.0) as i64), method: how, confidence: confidence(&line), never: false }
        }
    }
}

/// When the buffer reaches its limit.
pub(super) fn full(course: Course, used: u64, limit: u64, grain: f64) -> Forecast {
    reach(course, used, limit, grain, &words::growth)
}

/// When a collector reaches its quota of records.
pub(super) fn quota(course: Course, records: u64, quota: u64) -> Forecast {
    let unit = |per_second: f64| format!("{} records/h", grouped((per_second * 3600.0).max(0.0) as u64));
    let mut forecast = reach(course, records, quota, 1.0, &unit);
    if forecast.in_us.is_some() {
        forecast.method.push_str("; the appliance does not enforce it");
    }
    forecast
}

/// What happens when the buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// The oldest thousand go, again and again.
    Drops,
    /// Nothing: it grows beyond its limit.
    Grows,
}

/// What an overflow action really does: a word that is not known does as `drop_oldest`.
pub(super) fn overflow(action: &str) -> Overflow {
    if matches!(action, "drop_newest" | "compress_more") { Overflow::Grows } else { Overflow::Drops }
}

/// The earliest expiry of a record that was not forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expiry {
    /// How long from now, µs; negative: overdue.
    pub(super) in_us: i64,
    /// Of which collector.
    pub(super) collector: String,
    /// The oldest record there may have been forwarded: it is later than this.
    pub(super) earliest: bool,
}

/// When the first record is lost: by the overflow or by an expiry, whichever comes first.
pub(super) fn first_loss(
    course: Course,
    used: u64,
    limit: u64,
    grain: f64,
    action: &str,
    expiry: Option<&Expiry>,
) -> Forecast {
    let by_overflow = match overflow(action) {
        Overflow::Grows => {
            never(format!("{action} drops nothing: the buffer grows beyond its limit instead"), Confidence::High)
        }
        Overflow::Drops => {
            let mut f = full(course, used, limit.saturating_add(LATE), grain);
            if f.in_us.is_some() {
                f.method = format!("overflow, one MiB above the limit: the oldest 1000 at a time; {}", f.method);
            }
            f
        }
    };
    let Some(expiry) = expiry.filter(|e| e.in_us < HORIZON) else { return by_overflow };
    let grows = overflow(action) == Overflow::Grows;
    let by_expiry = Forecast {
        in_us: Some(expiry.in_us.max(0)),
        method: format!(
            "expiry: the oldest record of {} that was not forwarded reaches the end of its retention{}{}",
            expiry.collector,
            if expiry.earliest { " at the earliest then (older ones were forwarded)" } else { "" },
            if grows { format!("; {}", by_overflow.method) } else { String::new() }
        ),
        confidence: if expiry.earliest { Confidence::Low } else { Confidence::High },
        never: false,
    };
    match by_overflow.in_us {
        Some(us) if us <= by_expiry.in_us.unwrap_or(i64::MAX) => by_overflow,
        _ => by_expiry,
    }
}

/// How far back the buffer would reach when full, µs.
pub(super) fn coverage(course: Course, limit: u64) -> Option<i64> {
    match course {
        Course::Rising(line) => {
            let us = limit as f64 / line.slope * SECOND as f64;
            (us.is_finite() && us < HORIZON as f64).then_some(us as i64)
        }
        Course::Unknown | Course::Steady(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::buffer::trend::BYTES;

    const MIB: u64 = 1 << 20;

    fn rising(per_5s: u64, polls: i64) -> (Trend, i64, u64) {
        let mut trend = Trend::new(BYTES);
        let (mut now, mut used) = (0, 100 * MIB);
        for _ in 0..polls {
            now += 5 * SECOND;
            used += per_5s;
            trend.add(now, used);
        }
        (trend, now, used)
    }

    #[test]
    fn a_steady_rise_is_forecast_well() {
        let (trend, now, used) = rising(5 * 102_400, 120);
        let f = full(course(&trend, now, used, 1.0), used, 1000 * MIB, 1.0);
        let truth = ((1000 * MIB - used) / 102_400) as i64 * SECOND;
        let off = (f.in_us.unwrap() - truth).abs();
        assert!(off < truth / 100, "{f:?} instead of {truth}");
        assert_eq!(f.confidence, Confidence::Medium);
        let loss = first_loss(course(&trend, now, used, 1.0), used, 1000 * MIB, 1.0, "drop_oldest", None);
        assert!(loss.in_us > f.in_us && loss.method.contains("1000 at a time"), "{loss:?}");
    }

    #[test]
    fn too_few_points_and_standing_still_are_said() {
        let (trend, now, used) = rising(0, 2);
        let f = full(course(&trend, now, used, 1.0), used, 1000 * MIB, 1.0);
        assert!(!f.never && f.in_us.is_none() && f.confidence == Confidence::None);
        let (trend, now, used) = rising(0, 120);
        let f = full(course(&trend, now, used, 1.0), used, 1000 * MIB, 1.0);
        assert!(f.never && f.method.contains("steady"), "{f:?}");
        // Whole MiB only: 9 minutes without a step do not prove that a limit two MiB away is far.
        let f = full(course(&trend, now, used, MIB as f64), used, used + 2 * MIB, MIB as f64);
        assert!(!f.never && f.in_us.is_none(), "{f:?}");
    }

    #[test]
    fn what_drops_nothing_loses_nothing_by_overflow() {
        let (trend, now, used) = rising(5 * 102_400, 120);
        let c = course(&trend, now, used, 1.0);
        for action in ["drop_newest", "compress_more"] {
            let f = first_loss(c, used, 1000 * MIB, 1.0, action, None);
            assert!(f.never && f.method.contains("beyond its limit"), "{f:?}");
        }
        assert!(first_loss(c, used, 1000 * MIB, 1.0, "explode", None).in_us.is_some(), "as drop_oldest");
        let expiry = Expiry { in_us: HOUR, collector: "goflow2".into(), earliest: false };
        let f = first_loss(c, used, 1000 * MIB, 1.0, "drop_newest", Some(&expiry));
        assert!(f.in_us == Some(HOUR) && f.method.contains("goflow2"), "{f:?}");
        let overdue = Expiry { in_us: -HOUR, ..expiry };
        assert_eq!(first_loss(c, used, 1000 * MIB, 1.0, "drop_oldest", Some(&overdue)).in_us, Some(0));
    }

    #[test]
    fn a_full_buffer_is_full_now() {
        let f = full(Course::Unknown, 4_463_948, MIB, 1.0);
        assert_eq!(f.in_us, Some(0));
    }
}
