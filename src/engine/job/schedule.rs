//! When a job runs: wall-clock times in IANA zones, windows, recurrence. A time that the clocks
//! jump over or pass twice is not guessed for a first run; a later run of a recurring job takes the
//! first instant after the gap, or the first of the two, rather than none.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use crate::model::job::repeat::Repeat;
use crate::model::job::{Schedule, Window};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts, brief_duration};

/// Why a schedule cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The zone does not exist.
    #[error("timezone: there is no zone {0}; an IANA name such as Africa/Lagos or UTC is needed")]
    NoZone(String),
    /// The time is none.
    #[error("scheduled_at: {0} is no date and time; write it as 2026-11-21T02:00")]
    NoTime(String),
    /// An offset contradicts the zone.
    #[error("scheduled_at: {at} has an offset, but the clocks of {zone} then show {shown}")]
    WrongOffset {
        /// As written.
        at: String,
        /// The zone.
        zone: String,
        /// What that instant is there.
        shown: String,
    },
    /// It is over.
    #[error("scheduled_at: {at} in {zone} was {ago} ago")]
    Past {
        /// The time.
        at: String,
        /// The zone.
        zone: String,
        /// How long ago.
        ago: String,
    },
    /// The clocks jump over it.
    #[error("scheduled_at: {at} does not exist in {zone}: the clocks jump from {from} to {to}")]
    Gap {
        /// The time.
        at: String,
        /// The zone.
        zone: String,
        /// Last moment before.
        from: String,
        /// First moment after.
        to: String,
    },
    /// The clocks pass it twice.
    #[error("scheduled_at: {at} comes twice in {zone}, at {first} and at {second}: write it with its offset")]
    Twice {
        /// The time.
        at: String,
        /// The zone.
        zone: String,
        /// The first one, with offset.
        first: String,
        /// The second.
        second: String,
    },
    /// No run comes within ten years.
    #[error("repeat: it never comes")]
    Never,
}

/// A schedule that was understood.
#[derive(Debug, Clone)]
pub struct Plan {
    zone: TimeZone,
    name: String,
    first: DateTime,
    /// Given as an instant (with an offset) rather than by the wall.
    instant: Option<Timestamp>,
    window: Window,
    repeat: Repeat,
}

/// Understands a schedule.
///
/// # Errors
/// When zone or time mean nothing.
pub fn parse(schedule: &Schedule) -> Result<Plan, ScheduleError> {
    let name = if schedule.zone.is_empty() { "UTC" } else { &schedule.zone };
    let zone = TimeZone::get(name).map_err(|_| ScheduleError::NoZone(clean(name).into_owned()))?;
    let text = schedule.at.trim();
    let no_time = || ScheduleError::NoTime(clean(text).into_owned());
    let instant: Option<Timestamp> = text.parse().ok();
    let first: DateTime = match instant {
        Some(instant) => {
            let there = instant.to_zoned(zone.clone());
            let utc = text.ends_with(['Z', 'z']);
            let civil: DateTime = text.get(..19).and_then(|t| t.parse().ok()).unwrap_or_else(|| there.datetime());
            if !utc && text.len() >= 19 && civil != there.datetime() {
                let shown = there.strftime("%Y-%m-%dT%H:%M%:z").to_string();
                return Err(ScheduleError::WrongOffset { at: clean(text).into_owned(), zone: name.to_owned(), shown });
            }
            there.datetime()
        }
        None => text.replacen(' ', "T", 1).parse().map_err(|_| no_time())?,
    };
    let name = zone.iana_name().unwrap_or(name).to_owned();
    Ok(Plan { zone, name, first, instant, window: schedule.window, repeat: schedule.repeat.clone() })
}

impl Plan {
    /// The first run.
    ///
    /// # Errors
    /// When it is in the past, in a gap of the clocks, or comes twice.
    pub fn first(&self, now: Ts) -> Result<Ts, ScheduleError> {
        let (at, zone) = (written(self.first), self.name.clone());
        let found = match (self.instant, self.zone.to_ambiguous_timestamp(self.first).offset()) {
            (Some(instant), _) => instant,
            (None, AmbiguousOffset::Unambiguous { .. }) => self.lenient(self.first).ok_or(ScheduleError::Never)?,
            (None, AmbiguousOffset::Gap { before, after }) => {
                let edge = self.lenient(self.first).ok_or(ScheduleError::Never)?;
                let from = written(before.to_datetime(edge));
                let to = written(after.to_datetime(edge));
                return Err(ScheduleError::Gap { at, zone, from, to });
            }
            (None, AmbiguousOffset::Fold { before, after }) => {
                let with = |offset: jiff::tz::Offset| {
                    let seconds = offset.seconds();
                    let sign = if seconds < 0 { '-' } else { '+' };
                    format!("{at}:00{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() % 3600 / 60)
                };
                return Err(ScheduleError::Twice { first: with(before), second: with(after), at, zone });
            }
        };
        let found = micros(found);
        if found > now {
            return Ok(found);
        }
        match self.repeat {
            // A recurring job may have begun in the past: it goes on with its next turn.
            Repeat::Once => Err(ScheduleError::Past { ago: brief_duration(now.since(found)), at, zone }),
            _ => self.after(now).ok_or(ScheduleError::Never),
        }
    }

    /// The first run after an instant, of a recurring schedule.
    #[must_use]
    pub fn after(&self, now: Ts) -> Option<Ts> {
        let today = Timestamp::from_microsecond(now.0).ok()?.to_zoned(self.zone.clone()).date();
        let mut day = self.first.date().max(today.checked_sub(1.day()).ok()?);
        for _ in 0..3_660 {
            if self.on(day)
                && let Some(at) = self.lenient(day.to_datetime(self.first.time())).map(micros)
                && at > now
            {
                return Some(at);
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    /// Whether it runs on a day.
    fn on(&self, day: Date) -> bool {
        match self.repeat {
            Repeat::Once => day == self.first.date(),
            Repeat::Days(n) => {
                let days = (day - self.first.date()).get_days();
                days >= 0 && days % i32::from(n.max(1)) == 0
            }
            Repeat::Weekly(mask) => mask & 1 << day.weekday().to_monday_zero_offset() != 0,
            Repeat::MonthDay(wanted) => day.day() == wanted as i8,
            Repeat::MonthWeekday { nth, weekday } => {
                let same = Weekday::from_monday_zero_offset(weekday as i8).is_ok_and(|w| w == day.weekday());
                let last = day.day() + 7 > day.days_in_month();
                same && if nth == 5 { last } else { (day.day() - 1) / 7 + 1 == nth as i8 }
            }
        }
    }

    /// An instant for every wall-clock time: after a gap, first of two.
    fn lenient(&self, at: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(at);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { before, .. } => {
                // Where the clock stood before the jump, the time lies behind it: the jump itself is meant.
                let behind = before.to_timestamp(at).ok()?;
                self.zone.preceding(behind.checked_add(1.second()).ok()?).next().map(|t| t.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }

    /// When the window of a run that began at `start` ends.
    #[must_use]
    pub fn window_end(&self, start: Ts) -> Option<Ts> {
        match self.window {
            Window::Open => None,
            Window::For(seconds) => Some(start.plus(i64::from(seconds) * SECOND)),
            Window::Until { hour, minute } => {
                let begun = Timestamp::from_microsecond(start.0).ok()?.to_zoned(self.zone.clone()).datetime();
                let mut end = begun.date().at(hour as i8, minute as i8, 0, 0);
                if end <= begun {
                    end = end.checked_add(1.day()).ok()?;
                }
                self.lenient(end).map(micros)
            }
        }
    }

    /// A run in words: `Saturday 21 November 2026 02:00 Africa/Lagos (+01), in 9h12m`.
    #[must_use]
    pub fn words(&self, at: Ts, now: Ts) -> String {
        let Ok(instant) = Timestamp::from_microsecond(at.0) else { return String::new() };
        let there = instant.to_zoned(self.zone.clone());
        let when = there.strftime("%A %-d %B %Y %H:%M");
        let offset = there.strftime("%:z").to_string();
        let offset = offset.strip_suffix(":00").unwrap_or(&offset);
        let wait = at.since(now);
        let wait =
            if wait >= 0 { format!("in {}", brief_duration(wait)) } else { format!("{} ago", brief_duration(-wait)) };
        format!("{when} {} ({offset}), {wait}", self.name)
    }

    /// All of it in words: the next run, the window, the recurrence.
    #[must_use]
    pub fn explain(&self, at: Ts, now: Ts) -> String {
        let window = match self.window {
            Window::Open => String::new(),
            Window::For(seconds) => format!("; begins devices for {}", brief_duration(i64::from(seconds) * SECOND)),
            Window::Until { hour, minute } => format!("; begins devices until {hour:02}:{minute:02}"),
        };
        let repeat = if self.repeat == Repeat::Once { String::new() } else { format!("; {}", self.repeat) };
        format!("{}{window}{repeat}", self.words(at, now))
    }
}

fn micros(at: Timestamp) -> Ts {
    Ts(at.as_microsecond())
}

fn written(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::time::{DAY, HOUR};

    fn ts(text: &str) -> Ts {
        Ts::parse_rfc3339(text).unwrap()
    }

    fn plan(at: &str, zone: &str, repeat: &str) -> Result<Plan, ScheduleError> {
        let repeat = Repeat::parse(repeat).unwrap();
        parse(&Schedule { at: at.to_owned(), zone: zone.to_owned(), window: Window::Open, repeat })
    }

    const NOW: &str = "2026-11-20T16:48:00Z";

    #[test]
    fn a_wall_clock_time_is_an_instant_in_its_zone() {
        let plan = plan("2026-11-21T02:00", "Africa/Lagos", "once").unwrap();
        let at = plan.first(ts(NOW)).unwrap();
        assert_eq!(at, ts("2026-11-21T01:00:00Z"));
        assert_eq!(plan.words(at, ts(NOW)), "Saturday 21 November 2026 02:00 Africa/Lagos (+01), in 8h12m");
    }

    #[test]
    fn impossible_times_say_what_is_wrong() {
        let told =
            |at: &str, zone: &str| plan(at, zone, "once").and_then(|p| p.first(ts(NOW))).unwrap_err().to_string();
        assert!(told("2026-11-21T02:00", "Mars/Olympus").contains("no zone Mars/Olympus"));
        assert!(told("tomorrow", "UTC").contains("2026-11-21T02:00"));
        assert!(told("2026-11-20T16:00", "UTC").contains("was 48m ago"));
        let gap = told("2027-03-28T02:30", "Europe/Berlin");
        assert!(gap.contains("jump from 2027-03-28T02:00 to 2027-03-28T03:00"), "{gap}");
        let twice = told("2027-10-31T02:30", "Europe/Berlin");
        assert!(twice.contains("2027-10-31T02:30:00+02:00") && twice.contains("2027-10-31T02:30:00+01:00"), "{twice}");
        assert!(told("2027-07-01T02:00:00+01:00", "Europe/Berlin").contains("then show 2027-07-01T03:00+02:00"));
    }

    #[test]
    fn an_offset_tells_the_two_apart() {
        let first = |at: &str| plan(at, "Europe/Berlin", "once").unwrap().first(ts(NOW)).unwrap();
        assert_eq!(first("2027-10-31T02:30:00+02:00"), ts("2027-10-31T00:30:00Z"));
        assert_eq!(first("2027-10-31T02:30:00+01:00"), ts("2027-10-31T01:30:00Z"));
        assert_eq!(first("2027-10-31T01:30:00Z"), ts("2027-10-31T01:30:00Z"));
    }

    #[test]
    fn later_runs_keep_the_wall_clock_and_never_drop_out() {
        let daily = plan("2027-03-27T02:30", "Europe/Berlin", "every day").unwrap();
        let first = daily.first(ts(NOW)).unwrap();
        assert_eq!(first, ts("2027-03-27T01:30:00Z"));
        let second = daily.after(first).unwrap();
        assert_eq!(second, ts("2027-03-28T01:00:00Z"), "the clocks jump at 02:00: it runs right then");
        assert_eq!(daily.after(second).unwrap(), ts("2027-03-29T00:30:00Z"));
        let sunday = plan("2026-11-01T03:00", "UTC", "every 2nd Sunday of the month").unwrap();
        assert_eq!(sunday.first(ts(NOW)).unwrap(), ts("2026-12-13T03:00:00Z"));
        let last = plan("2026-11-01T03:00", "UTC", "every last Friday of the month").unwrap();
        assert_eq!(last.first(ts(NOW)).unwrap(), ts("2026-11-27T03:00:00Z"));
        let never = plan("2026-11-21T03:00", "UTC", "every month on the 31st").unwrap();
        assert_eq!(never.after(ts(NOW)).unwrap(), ts("2026-12-31T03:00:00Z"));
    }

    #[test]
    fn windows_end_by_the_wall_clock() {
        let window = |window| {
            let (at, zone) = ("2026-11-21T23:00".to_owned(), "Africa/Lagos".to_owned());
            parse(&Schedule { at, zone, window, repeat: Repeat::Once }).unwrap()
        };
        let until = window(Window::Until { hour: 5, minute: 0 });
        let start = until.first(ts(NOW)).unwrap();
        assert_eq!(until.window_end(start), Some(ts("2026-11-22T04:00:00Z")));
        assert_eq!(window(Window::For(3_600)).window_end(start), Some(start.plus(HOUR)));
        assert!(until.explain(start, ts(NOW)).ends_with("begins devices until 05:00"));
    }

    proptest! {
        #[test]
        fn every_recurring_schedule_goes_on_and_only_forward(
            zone in prop_oneof![Just("Europe/Berlin"), Just("Africa/Lagos"), Just("America/St_Johns"), Just("Australia/Lord_Howe")],
            hour in 0..24_u8, minute in 0..60_u8, days in 0..4_000_i64,
            repeat in prop_oneof![
                (1..40_u16).prop_map(Repeat::Days), (1..128_u8).prop_map(Repeat::Weekly),
                (1..=31_u8).prop_map(Repeat::MonthDay),
                (1..=5_u8, 0..7_u8).prop_map(|(nth, weekday)| Repeat::MonthWeekday { nth, weekday }),
            ],
        ) {
            let at = format!("2026-01-01T{hour:02}:{minute:02}");
            let plan = parse(&Schedule { at, zone: zone.to_owned(), window: Window::Open, repeat }).unwrap();
            let now = ts(NOW).plus(days * DAY);
            let next = plan.after(now).unwrap();
            let then = plan.after(next).unwrap();
            prop_assert!(next > now && then > next && then.since(next) >= 22 * HOUR);
        }

        #[test]
        fn no_time_panics(at in "[0-9TZ:+ -]{0,26}", zone in "[A-Za-z/]{0,12}") {
            let schedule = Schedule { at, zone, window: Window::Open, repeat: Repeat::Once };
            if let Ok(plan) = parse(&schedule) {
                let _ = plan.first(Ts(0));
            }
        }
    }
}
