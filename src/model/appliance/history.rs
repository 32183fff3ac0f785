//! The past of an appliance, in points.

use super::super::time::{DAY, HOUR, MINUTE, Ts};

/// Which stretch of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Span {
    /// Ten minutes.
    TenMinutes,
    /// An hour.
    #[default]
    Hour,
    /// Six hours.
    SixHours,
    /// A day.
    Day,
    /// A week.
    Week,
    /// Thirty days.
    Month,
}

impl Span {
    /// All of them, the shortest first.
    pub const ALL: [Self; 6] = [Self::TenMinutes, Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// Its length, µs.
    #[must_use]
    pub const fn us(self) -> i64 {
        match self {
            Self::TenMinutes => 10 * MINUTE,
            Self::Hour => HOUR,
            Self::SixHours => 6 * HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
        }
    }

    /// Its length in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TenMinutes => "10 min",
            Self::Hour => "1 h",
            Self::SixHours => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    /// The next longer one; the longest stays.
    #[must_use]
    pub fn longer(self) -> Self {
        Self::ALL.into_iter().find(|s| *s > self).unwrap_or(self)
    }

    /// The next shorter one; the shortest stays.
    #[must_use]
    pub fn shorter(self) -> Self {
        Self::ALL.into_iter().rev().find(|s| *s < self).unwrap_or(self)
    }
}

/// Asks for the past of an appliance, or of one of its collectors.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HistoryRequest {
    /// The appliance's source.
    pub source: String,
    /// One collector; `None`: the whole appliance.
    pub collector: Option<String>,
    /// How much of it.
    pub span: Span,
    /// In how many points; each stands for `span / points`.
    pub points: u16,
    /// Where it ends.
    pub until: Ts,
}

/// One step of the past. A step in which nothing was heard has `polls == 0` and no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Point {
    /// Where the step begins.
    pub at: Ts,
    /// Its length, µs.
    pub step_us: i64,
    /// Polls in it, answered or not.
    pub polls: u32,
    /// Of them answered.
    pub answered: u32,
    /// Records at its end.
    pub records: Option<u64>,
    /// Records not forwarded at its end.
    pub pending: Option<u64>,
    /// Buffered records forwarded, at its end.
    pub forwarded: Option<u64>,
    /// Bytes at its end.
    pub bytes: Option<u64>,
    /// Limit at its end, bytes; of appliances only.
    pub limit: Option<u64>,
    /// Mean records a second coming in, thousandths.
    pub in_milli: Option<u64>,
    /// Mean records a second forwarded, thousandths.
    pub out_milli: Option<u64>,
    /// Records lost in it, at least.
    pub lost: u64,
    /// Longest response, µs; of appliances only.
    pub response_us: i64,
}

impl Point {
    /// Fill at its end, thousandths.
    #[must_use]
    pub fn fill_permille(&self) -> Option<u64> {
        let limit = self.limit.filter(|l| *l > 0)?;
        Some(self.bytes?.saturating_mul(1000) / limit)
    }
}
