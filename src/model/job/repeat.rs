//! Recurrence in words: `every day`, `every Monday and Thursday`, `every 2nd Sunday of the month`,
//! `every month on the 15th`. Whoever reads a schedule a year later must not need a manual.

use std::fmt;

use minicbor::{Decode, Encode};

/// When a schedule comes again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub enum Repeat {
    /// It does not.
    #[n(0)]
    #[default]
    Once,
    /// Every so many days.
    #[n(1)]
    Days(#[n(0)] u16),
    /// On these days of the week: bit 0 is Monday.
    #[n(2)]
    Weekly(#[n(0)] u8),
    /// On this day of every month; months without it are left out.
    #[n(3)]
    MonthDay(#[n(0)] u8),
    /// On the n-th such day of the week of every month (1 to 4; 5 stands for the last).
    #[n(4)]
    MonthWeekday {
        /// Which one.
        #[n(0)]
        nth: u8,
        /// Day of the week, 0 is Monday.
        #[n(1)]
        weekday: u8,
    },
}

/// Days of the week, Monday first.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const NTH: [&str; 5] = ["1st", "2nd", "3rd", "4th", "last"];
const WORKDAYS: u8 = 0b001_1111;
const WEEKEND: u8 = 0b110_0000;

/// Why words are no recurrence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no recurrence; write once, every day, every 3 days, every weekday, every Monday and Thursday, \
     every 2nd Sunday of the month, every last Friday of the month or every month on the 15th"
)]
pub struct RepeatError(pub String);

impl Repeat {
    /// Reads the words; case does not matter.
    ///
    /// # Errors
    /// When they are none of those that [`RepeatError`] lists.
    pub fn parse(text: &str) -> Result<Self, RepeatError> {
        read(text).ok_or_else(|| RepeatError(crate::model::text::clean(text.trim()).into_owned()))
    }
}

fn read(text: &str) -> Option<Repeat> {
    let lower = text.to_ascii_lowercase().replace(',', " ");
    let words: Vec<&str> = lower.split_whitespace().filter(|w| *w != "and" && *w != "on" && *w != "the").collect();
    Some(match words.as_slice() {
        [] | ["once" | "never"] => Repeat::Once,
        ["daily"] | ["every", "day" | "night"] => Repeat::Days(1),
        ["every", n, "days" | "nights"] => Repeat::Days(n.parse().ok().filter(|n| (1..=366).contains(n))?),
        ["weekdays"] | ["every", "weekday" | "workday"] => Repeat::Weekly(WORKDAYS),
        ["weekends"] | ["every", "weekend"] => Repeat::Weekly(WEEKEND),
        ["every", nth, day, "of", "month"] => Repeat::MonthWeekday { nth: ordinal(nth)?, weekday: weekday(day)? },
        ["monthly" | "every", "month", day] | ["monthly", day] => Repeat::MonthDay(day_of_month(day)?),
        ["every", days @ ..] if !days.is_empty() => {
            Repeat::Weekly(days.iter().try_fold(0, |mask, d| Some(mask | 1 << weekday(d)?))?)
        }
        _ => return None,
    })
}

fn ordinal(word: &str) -> Option<u8> {
    let at = match word {
        "first" => 0,
        "second" => 1,
        "third" => 2,
        "fourth" => 3,
        _ => NTH.iter().position(|n| *n == word)?,
    };
    u8::try_from(at + 1).ok()
}

fn weekday(word: &str) -> Option<u8> {
    let word = word.strip_suffix('s').filter(|w| w.len() > 3).unwrap_or(word);
    let at = WEEKDAYS
        .iter()
        .position(|d| d.eq_ignore_ascii_case(word) || d.get(..3).is_some_and(|d| d.eq_ignore_ascii_case(word)))?;
    u8::try_from(at).ok()
}

fn day_of_month(word: &str) -> Option<u8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse().ok().filter(|d| (1..=31).contains(d))
}

/// `1st`, `22nd`, `13th`.
fn with_suffix(n: u8) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |d: u8| WEEKDAYS.get(usize::from(d)).copied().unwrap_or_default();
        match self {
            Self::Once => f.write_str("once"),
            Self::Days(1) => f.write_str("every day"),
            Self::Days(n) => write!(f, "every {n} days"),
            Self::Weekly(WORKDAYS) => f.write_str("every weekday"),
            Self::Weekly(mask) => {
                let days: Vec<_> = (0..7).filter(|d| mask & 1 << d != 0).map(name).collect();
                match days.split_last() {
                    Some((last, rest)) if !rest.is_empty() => write!(f, "every {} and {last}", rest.join(", ")),
                    _ => write!(f, "every {}", days.join("")),
                }
            }
            Self::MonthDay(day) => write!(f, "every month on the {}", with_suffix(*day)),
            Self::MonthWeekday { nth, weekday } => {
                let nth = NTH.get(usize::from(*nth).saturating_sub(1)).copied().unwrap_or("last");
                write!(f, "every {nth} {} of the month", name(*weekday))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_understood_and_said_back() {
        for (text, said) in [
            ("once", "once"),
            ("", "once"),
            ("Every night", "every day"),
            ("every 3 days", "every 3 days"),
            ("weekdays", "every weekday"),
            ("every mon, wed and Fridays", "every Monday, Wednesday and Friday"),
            ("every sunday", "every Sunday"),
            ("every second Sunday of the month", "every 2nd Sunday of the month"),
            ("every last fri of month", "every last Friday of the month"),
            ("monthly on the 22nd", "every month on the 22nd"),
            ("every month on the 13th", "every month on the 13th"),
        ] {
            assert_eq!(Repeat::parse(text).unwrap().to_string(), said, "{text}");
        }
        for bad in ["sometimes", "every", "every 0 days", "every month on the 32nd", "every 6th Monday of the month"] {
            let error = Repeat::parse(bad).unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("every Monday and Thursday"), "{error}");
        }
    }

    fn any() -> impl Strategy<Value = Repeat> {
        prop_oneof![
            Just(Repeat::Once),
            (1..=366_u16).prop_map(Repeat::Days),
            (1..128_u8).prop_map(Repeat::Weekly),
            (1..=31_u8).prop_map(Repeat::MonthDay),
            (1..=5_u8, 0..7_u8).prop_map(|(nth, weekday)| Repeat::MonthWeekday { nth, weekday }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_said_is_read_back(repeat in any()) {
            prop_assert_eq!(Repeat::parse(&repeat.to_string()), Ok(repeat));
        }

        #[test]
        fn no_words_panic(text in "(every|month|on|the|of|last|1st|mon|days|[0-9]{1,6}|\\PC| ){0,8}") {
            let _ = Repeat::parse(&text);
        }
    }
}
