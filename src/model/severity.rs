//! Perceived severity (RFC 8632: five levels; "cleared" is a flag of the alarm, not a severity).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// How bad it is. The order is the order of importance.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Encode,
    Decode,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[cbor(index_only)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The source could not tell.
    #[n(0)]
    #[default]
    Indeterminate,
    /// Nothing is lost yet.
    #[n(1)]
    Warning,
    /// A fault that does not affect service.
    #[n(2)]
    Minor,
    /// Service is degraded.
    #[n(3)]
    Major,
    /// Service is down.
    #[n(4)]
    Critical,
}

impl Severity {
    /// All levels, the worst first, as counters and legends list them.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::Major, Self::Minor, Self::Warning, Self::Indeterminate];

    /// The level as one letter: `C M m W .`; shown always, so that colour is never the only sign.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Critical => 'C',
            Self::Major => 'M',
            Self::Minor => 'm',
            Self::Warning => 'W',
            Self::Indeterminate => '.',
        }
    }

    /// The level as a lower-case word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Warning => "warning",
            Self::Indeterminate => "indeterminate",
        }
    }

    /// Stored form: 0 (indeterminate) to 4 (critical).
    #[must_use]
    pub const fn rank(self) -> u8 {
        self as u8
    }

    /// From the stored form; anything unknown is indeterminate.
    #[must_use]
    pub const fn from_rank(rank: u8) -> Self {
        match rank {
            1 => Self::Warning,
            2 => Self::Minor,
            3 => Self::Major,
            4 => Self::Critical,
            _ => Self::Indeterminate,
        }
    }

    /// Reads a word, or an unambiguous beginning of one, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return None;
        }
        let mut hits = Self::WORST_FIRST.into_iter().filter(|s| s.word().starts_with(&text));
        let first = hits.next()?;
        hits.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ranks_agree() {
        for s in Severity::WORST_FIRST {
            assert_eq!(Severity::parse(s.word()), Some(s));
            assert_eq!(Severity::from_rank(s.rank()), s);
        }
        assert_eq!(Severity::parse("crit"), Some(Severity::Critical));
        assert_eq!(Severity::parse("m"), None, "major or minor");
        assert!(Severity::Critical > Severity::Major);
    }
}
