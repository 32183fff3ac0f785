//! How a job goes, in figures: bars a wave, rate, time left, errors grouped by cause.

use std::collections::HashMap;

use super::device::{Device, State};
use super::header::Header;
use crate::model::job::Phase;
use crate::model::order;
use crate::model::time::{MINUTE, Ts, brief_duration};

/// Failures with one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The cause.
    pub cause: String,
    /// How many devices.
    pub devices: u32,
    /// The place of one of them.
    pub example: u32,
}

/// Failures by cause, most frequent first.
#[must_use]
pub fn causes<'a>(devices: impl IntoIterator<Item = (u32, &'a Device)>) -> Vec<Cause> {
    let mut found: HashMap<&str, Cause> = HashMap::new();
    for (i, device) in devices {
        if matches!(device.state, State::Ended(class) if class.failed()) {
            let new = || Cause { cause: device.cause.clone(), devices: 0, example: i };
            found.entry(&device.cause).or_insert_with(new).devices += 1;
        }
    }
    let mut causes: Vec<Cause> = found.into_values().collect();
    order::by(&mut causes, |a, b| b.devices.cmp(&a.devices).then_with(|| a.cause.cmp(&b.cause)));
    causes
}

/// Time left at the present rate, µs; `None` where none can be told.
#[must_use]
pub fn left(header: &Header, now: Ts) -> Option<i64> {
    let rate = header.rate_per_minute(now);
    let todo = header.counts.waiting + header.counts.active;
    (header.phase == Phase::Running && rate > 0.0 && todo > 0).then(|| (f64::from(todo) / rate * MINUTE as f64) as i64)
}

/// One line: `142 of 400, 38/min, 7m left, 3 failed`.
#[must_use]
pub fn line(header: &Header, now: Ts) -> String {
    let c = &header.counts;
    let mut line = format!("{} of {}", c.through(), c.total);
    if header.phase == Phase::Running && !header.pace.is_empty() {
        line = format!("{line}, {:.0}/min", header.rate_per_minute(now));
    }
    if let Some(left) = left(header, now) {
        line = format!("{line}, {} left", brief_duration(left));
    }
    if c.failed() > 0 {
        line = format!("{line}, {} failed", c.failed());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::device::Standing;
    use super::*;
    use crate::model::job::{Class, Counts};
    use crate::model::time::SECOND;

    fn failed(cause: &str) -> Device {
        Device { state: State::Ended(Class::Faulted), cause: cause.to_owned(), ..Device::default() }
    }

    #[test]
    fn errors_are_grouped_by_cause() {
        let devices = [failed("cwmp.9002"), failed("timeout"), failed("cwmp.9002"), Device::default()];
        let causes = causes((0..).zip(&devices));
        assert_eq!((causes.len(), causes[0].cause.as_str(), causes[0].devices), (2, "cwmp.9002", 2));
        assert_eq!(causes[1].example, 1);
    }

    #[test]
    fn rate_and_time_left_follow_the_last_minutes() {
        let start = Ts(1_000_000 * MINUTE);
        let mut header = Header { phase: Phase::Running, started_at: start, ..Header::default() };
        header.counts = Counts { total: 100, waiting: 100, ..Counts::default() };
        header.waves = vec![super::super::WaveCount { total: 100, ..Default::default() }];
        for i in 0..60 {
            header.moved(
                start.plus(i * SECOND),
                0,
                Standing::Waiting,
                &Device { state: State::Ended(Class::Changed), ..Device::default() },
            );
        }
        let now = start.plus(MINUTE);
        assert!((header.rate_per_minute(now) - 60.0).abs() < 0.1);
        assert_eq!(left(&header, now), Some(40 * SECOND));
        assert_eq!(line(&header, now), "60 of 100, 60/min, 40s left");
        assert_eq!(left(&header, now.plus(60 * MINUTE)), None, "nothing happened lately");
    }
}
