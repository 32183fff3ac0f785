//! Silences that Alertmanagers keep, as lists and forms show them, and what a silence has to be like
//! before it is sent.
//!
//! They are read from their server when they are asked for and are no part of the cache.

use super::ids::SourceName;
use super::labels::Matcher;
use super::time::{DAY, SECOND, Ts, parse_duration};

/// The longest a silence may last, µs: it is a promise to look again.
pub const LONGEST: i64 = 30 * DAY;

/// Where a silence stands, as its server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    /// It holds alerts back.
    Active,
    /// It has not begun.
    Pending,
    /// It is over; servers keep it for a while.
    Expired,
}

impl SilenceState {
    /// All of them, in the order of lists.
    pub const ALL: [Self; 3] = [Self::Active, Self::Pending, Self::Expired];

    /// As Alertmanager writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }

    /// From Alertmanager's word; by the times when it is none of these.
    #[must_use]
    pub fn of(word: &str, starts: Ts, ends: Ts, now: Ts) -> Self {
        let by_time = || match () {
            () if ends.is_set() && ends <= now => Self::Expired,
            () if starts > now => Self::Pending,
            () => Self::Active,
        };
        Self::ALL.into_iter().find(|s| s.word() == word).unwrap_or_else(by_time)
    }
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceRow {
    /// Its Alertmanager.
    pub source: SourceName,
    /// UUID.
    pub id: String,
    /// Where it stands.
    pub state: SilenceState,
    /// From when, the server's clock.
    pub starts: Ts,
    /// Until when.
    pub ends: Ts,
    /// When it was last changed.
    pub updated: Ts,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Its conditions as they are written: `olt="olt-001", severity=~"critical|major"`.
    pub matchers: String,
}

/// What one Alertmanager keeps, or why it does not tell.
pub type SilenceList = (SourceName, Result<Vec<SilenceRow>, String>);

/// Reads the conditions of a silence.
///
/// # Errors
/// What is wrong with them, in words.
pub fn check_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    let matchers = Matcher::parse_all(text)?;
    if matchers.iter().all(Matcher::takes_empty) {
        let why = "at least one condition has to be false of an alert without that label: it would silence everything";
        return Err(why.to_owned());
    }
    Ok(matchers)
}

/// Reads how long a silence lasts, µs.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_length(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("how long? a silence has an end: 45m, 2h, 3d; at most 30d".to_owned());
    }
    match parse_duration(text) {
        Some(us) if (SECOND..=LONGEST).contains(&us) => Ok(us),
        Some(us) if us > LONGEST => Err("at most 30d: it is a promise to look again".to_owned()),
        _ => Err(format!("`{text}` is no duration: write it like 45m, 2h or 3d")),
    }
}

/// Whether it says why there is a silence.
///
/// # Errors
/// When it does not.
pub fn check_comment(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("why? whoever finds it has to know".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;

    #[test]
    fn what_is_wrong_with_a_silence_is_told_before_it_is_sent() {
        assert!(check_matchers("olt").unwrap_err().contains("comparison"));
        assert!(check_matchers("olt=~\".*\"").unwrap_err().contains("everything"));
        assert!(check_matchers("olt=~\"(\"").unwrap_err().contains("regular expression"));
        assert_eq!(check_matchers("olt=\"a\""), Ok(vec![Matcher::is("olt", "a")]));
        assert_eq!(check_length(" 2h"), Ok(2 * HOUR));
        assert!(check_length("").unwrap_err().contains("how long"));
        assert!(check_length("40d").unwrap_err().contains("30d"));
        assert!(check_length("soon").unwrap_err().contains("soon"));
        assert!(check_comment(" ").is_err() && check_comment("MW-42").is_ok());
    }

    #[test]
    fn a_word_that_is_not_known_leaves_the_times_to_tell() {
        let at = |starts, ends| SilenceState::of("", Ts(starts), Ts(ends), Ts(10));
        assert_eq!(
            (at(1, 9), at(11, 20), at(1, 20)),
            (SilenceState::Expired, SilenceState::Pending, SilenceState::Active)
        );
        assert_eq!(SilenceState::of("pending", Ts(1), Ts(9), Ts(10)), SilenceState::Pending);
    }
}
