//! Instants and durations as noctule stores them: UTC microseconds.

use chrono::{DateTime, SecondsFormat, Utc};
use minicbor::{Decode, Encode};

/// An instant, in microseconds since 1970-01-01T00:00:00Z. Zero means "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Ts(#[n(0)] pub i64);

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

impl Ts {
    /// "Never": what an unset instant holds.
    pub const NEVER: Self = Self(0);

    /// From whole seconds and nanoseconds since the epoch, as protobuf timestamps carry them.
    /// Values that do not fit are clamped.
    #[must_use]
    pub const fn from_parts(seconds: i64, nanos: i32) -> Self {
        Self(seconds.saturating_mul(SECOND).saturating_add(nanos as i64 / 1000))
    }

    /// Whether the instant is set.
    #[must_use]
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }

    /// The instant `micros` later (earlier when negative), clamped.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to `self`; negative when `self` is before it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As chrono's UTC instant; `None` when unset or outside chrono's years.
    #[must_use]
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        if self.is_set() { DateTime::from_timestamp_micros(self.0) } else { None }
    }

    /// RFC 3339 in UTC with milliseconds (`2026-11-20T14:02:11.123Z`); empty when unset.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.to_utc().map_or_else(String::new, |t| t.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// Parses RFC 3339.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_micros()))
    }
}

/// A duration in the shortest words that still tell: `43s`, `12m`, `3h05m`, `9d`.
#[must_use]
pub fn brief_duration(micros: i64) -> String {
    let s = micros.unsigned_abs() / SECOND.unsigned_abs();
    let sign = if micros < 0 { "-" } else { "" };
    match s {
        0..=119 => format!("{sign}{s}s"),
        120..=7199 => format!("{sign}{}m", s / 60),
        7200..=172_799 => format!("{sign}{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{sign}{}d", s / 86_400),
    }
}

/// A length of time that was reckoned ahead, as `words` tells lengths; beyond a year it is `>1y`: no rate
/// holds for that long, and its days would look like a measurement.
#[must_use]
pub fn ahead(micros: i64, words: impl FnOnce(i64) -> String) -> String {
    if micros > 365 * DAY { ">1y".to_owned() } else { words(micros) }
}

/// Parses `90s`, `15m`, `2h`, `3d`, `1w` and sums such as `1h30m` into microseconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut digits = String::new();
    let mut seen = false;
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => SECOND,
            'm' => MINUTE,
            'h' => HOUR,
            'd' => DAY,
            'w' => 7 * DAY,
            _ => return None,
        };
        let n: i64 = digits.parse().ok()?;
        total = total.checked_add(n.checked_mul(unit)?)?;
        digits.clear();
        seen = true;
    }
    (seen && digits.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        assert_eq!([365 * DAY, 365 * DAY + 1].map(|us| ahead(us, brief_duration)), ["365d", ">1y"]);
        assert_eq!(parse_duration("1h30m"), Some(90 * MINUTE));
        assert_eq!(parse_duration("2w"), Some(14 * DAY));
        for bad in ["", "5", "h", "3x", "99999999999999999999d", "5m3"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(brief_duration(119 * SECOND), "119s");
        assert_eq!(brief_duration(3 * HOUR + 5 * MINUTE), "3h05m");
        assert_eq!(brief_duration(-9 * DAY), "-9d");
    }

    #[test]
    fn instants_survive_rfc3339() {
        let t = Ts::from_parts(1_795_186_238, 574_366_905);
        assert_eq!(t.to_rfc3339(), "2026-11-20T14:50:38.574Z");
        assert_eq!(Ts::parse_rfc3339("2026-11-20T14:50:38Z"), Some(Ts(1_795_186_238 * SECOND)));
        assert_eq!(Ts::NEVER.to_rfc3339(), "");
    }
}
