//! How old the rows are that come from the cache, for people: one line on standard error.

use crate::model::source::SourceRow;
use crate::model::time::{Ts, brief_duration};

/// `data as of 2026-11-20T14:02:11.123Z (43s old)`, for the source heard longest ago.
pub(crate) fn line(sources: &[SourceRow], now: Ts) -> String {
    let heard = |row: &SourceRow| row.as_of.max(row.report.last_ok);
    let Some(oldest) = sources.iter().min_by_key(|row| heard(row)) else {
        return "no source has reported yet: start noctule, or use --fresh".into();
    };
    let at = heard(oldest);
    if !at.is_set() {
        return format!("{} was never reached", crate::model::text::clean(&oldest.name));
    }
    let age = brief_duration(now.since(at).max(0));
    let of = match sources.len() {
        1 => String::new(),
        n => format!(", the oldest of {n} sources: {}", crate::model::text::clean(&oldest.name)),
    };
    format!("data as of {} ({age} old{of})", at.to_rfc3339())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::RowId;
    use crate::model::source::SourceReport;
    use crate::model::time::SECOND;

    fn source(name: &str, as_of: Ts) -> SourceRow {
        SourceRow { id: RowId(1), name: name.into(), report: SourceReport::default(), as_of, alarms: 0 }
    }

    #[test]
    fn the_oldest_source_counts() {
        let now = Ts(1_795_186_238 * SECOND);
        let rows = [source("a", now.plus(-SECOND)), source("b", now.plus(-43 * SECOND))];
        let text = line(&rows, now);
        assert!(text.contains("43s old") && text.contains("2 sources: b"), "{text}");
        assert!(line(&[], now).contains("no source"));
        assert!(line(&[source("c", Ts::NEVER)], now).contains("never"));
    }
}
