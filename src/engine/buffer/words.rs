//! Numbers in words, as alarms and forecasts tell them.

use crate::model::text::iec;
use crate::model::time::{HOUR, MINUTE, brief_duration};

/// Bytes a second in a unit of time that gives a number worth reading.
pub(super) fn growth(per_second: f64) -> String {
    let rate = per_second.abs();
    let (factor, word) = if rate >= 1024.0 {
        (1.0, "s")
    } else if rate * 3600.0 >= 10.0 * 1024.0 {
        (3600.0, "h")
    } else {
        (86_400.0, "day")
    };
    format!("{}/{word}", iec((rate * factor) as u64))
}

/// A part of a thousand as percent: `83.4 %`.
pub(super) fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A span of time in words.
pub(super) fn span(us: i64) -> String {
    if (2 * MINUTE..2 * HOUR).contains(&us) { format!("{} min", us / MINUTE) } else { brief_duration(us) }
}
