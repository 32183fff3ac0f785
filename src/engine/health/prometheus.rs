//! The Prometheus exposition (text format 0.0.4): a pure function over rows. A value that is not known
//! is left out, never written as zero or NaN; of an appliance that does not answer only that is told.

use std::fmt::{Display, Write as _};

use crate::model::appliance::state::{
    CollectorState, Contact, Flow, PortCheck, ProcessState, ReplayState, UplinkState, Verdict,
};
use crate::model::appliance::{ApplianceRow, ApplianceState};
use crate::model::source::{Breaker, Health, SourceRow};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts};

/// noctule's own figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

/// The exposition of everything.
#[must_use]
pub fn exposition(rows: &[ApplianceRow], sources: &[SourceRow], own: &Own) -> String {
    let mut page = Page::default();
    ours(&mut page, own);
    of_sources(&mut page, sources);
    appliances(&mut page, rows);
    collectors(&mut page, rows);
    page.0
}

#[derive(Default)]
struct Page(String);

type Labels<'a> = Vec<(&'a str, String)>;
type Sample<'a> = (Labels<'a>, String);

impl Page {
    /// A family of samples; nothing at all when there are none.
    fn family<'a>(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = Sample<'a>>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}=\"{}\"", escape(v))).collect();
            let _ = if labels.is_empty() {
                writeln!(self.0, "{name} {value}")
            } else {
                writeln!(self.0, "{name}{{{}}} {value}", labels.join(","))
            };
        }
    }

    fn gauge<'a>(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = Sample<'a>>) {
        self.family(name, "gauge", help, samples);
    }
}

/// A label's value: without what acts on a terminal, backslash, quote and line break escaped.
fn escape(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Thousandths as a number.
fn milli(n: u64) -> String {
    (n as f64 / 1000.0).to_string()
}

/// Microseconds as seconds.
fn seconds(us: i64) -> String {
    (us as f64 / SECOND as f64).to_string()
}

fn percent(n: u32) -> String {
    (f64::from(n) / 100.0).to_string()
}

fn flag(yes: bool) -> String {
    u8::from(yes).to_string()
}

fn instant(t: Ts) -> Option<String> {
    t.is_set().then(|| seconds(t.0))
}

fn text(n: impl Display) -> String {
    n.to_string()
}

fn ours(page: &mut Page, own: &Own) {
    let one = |value: Option<String>| value.map(|v| (Vec::new(), v));
    page.gauge(
        "noctule_build_info",
        "Version of noctule; always 1.",
        [(vec![("version", own.version.clone())], "1".to_owned())],
    );
    page.gauge("noctule_uptime_seconds", "Time since noctule was started.", one(Some(text(own.uptime_s))));
    page.gauge("noctule_journal_records", "Records in the journal.", one(own.journal_records.map(text)));
    page.gauge("noctule_queue_observations", "Observations that wait to be journalled.", one(own.queue.map(text)));
    page.gauge("noctule_cache_bytes", "Size of the cache file.", one(own.cache_bytes.map(text)));
}

fn of_sources(page: &mut Page, sources: &[SourceRow]) {
    let mut each = |name: &str, help: &str, value: &dyn Fn(&SourceRow) -> Option<String>| {
        let samples: Vec<Sample<'_>> = sources
            .iter()
            .filter_map(|row| {
                let labels = vec![("source", row.name.to_string()), ("kind", row.report.kind.clone())];
                Some((labels, value(row)?))
            })
            .collect();
        page.gauge(name, help, samples);
    };
    each("noctule_source_up", "Whether the source answers; left out while starting or paused.", &|r| match r
        .report
        .health
    {
        Health::Starting | Health::Paused => None,
        health => Some(flag(matches!(health, Health::Up | Health::Degraded))),
    });
    each("noctule_source_breaker_open", "Whether calls to the source are held back.", &|r| {
        Some(flag(r.report.breaker != Breaker::Closed))
    });
    each("noctule_source_latency_seconds", "Duration of the last poll.", &|r| {
        Some(r.report.latency_us).filter(|us| *us > 0).map(seconds)
    });
    each("noctule_source_last_success_timestamp_seconds", "When a call last succeeded.", &|r| {
        instant(r.report.last_ok)
    });
    each("noctule_source_queue_messages", "Messages that wait to be journalled.", &|r| Some(text(r.report.queue)));
    each("noctule_source_active_alarms", "Active alarms of the source.", &|r| Some(text(r.alarms)));
}

fn answers(s: &ApplianceState) -> bool {
    matches!(s.contact, Contact::Answering | Contact::Slow | Contact::LimitZero | Contact::Unreadable)
}

fn appliances(page: &mut Page, rows: &[ApplianceRow]) {
    let label = |row: &ApplianceRow| vec![("source", row.source.to_string())];
    let mut all = |name: &str, help: &str, value: &dyn Fn(&ApplianceRow) -> Option<String>| {
        let samples: Vec<Sample<'_>> = rows.iter().filter_map(|row| Some((label(row), value(row)?))).collect();
        page.gauge(&format!("noctule_appliance_{name}"), help, samples);
    };
    all("up", "Whether the appliance answers.", &|r| {
        (r.state.contact != Contact::NotAsked).then(|| flag(answers(&r.state)))
    });
    all("verdict", "Verdict: 0 ok, 1 warning, 2 critical; left out while not known.", &|r| match r.state.verdict {
        Verdict::Unknown => None,
        Verdict::Ok => Some(text(0)),
        Verdict::Warning => Some(text(1)),
        Verdict::Critical => Some(text(2)),
    });
    all("active_alarms", "Active alarms of the appliance.", &|r| Some(text(r.alarms)));
    all("last_answer_timestamp_seconds", "When the appliance last answered.", &|r| instant(r.state.answered));
    let mut known = |name: &str, help: &str, value: &dyn Fn(&ApplianceState) -> Option<String>| {
        all(name, help, &|r| if answers(&r.state) { value(&r.state) } else { None });
    };
    known("response_seconds", "How long the heartbeat took.", &|s| {
        Some(s.response_us).filter(|us| *us > 0).map(seconds)
    });
    known("buffer_fill_ratio", "Fill of the buffer against its limit; may exceed 1.", &|s| s.fill_permille.map(milli));
    known("buffer_bytes", "Bytes in the buffer.", &|s| s.used_bytes.map(text));
    known("buffer_limit_bytes", "Limit of the buffer.", &|s| s.limit_bytes.map(text));
    known("buffer_records", "Records in the buffer.", &|s| s.records.map(text));
    known("buffer_pending_records", "Records in the buffer that were not forwarded.", &|s| s.pending.map(text));
    known("buffer_forwarded_records", "Records in the buffer that were forwarded.", &|s| s.forwarded.map(text));
    known("records_in_per_second", "Records stored, mean of about a minute.", &|s| s.in_milli.map(milli));
    known("records_out_per_second", "Buffered records forwarded, mean of about a minute.", &|s| s.out_milli.map(milli));
    known("buffer_growth_bytes_per_second", "Growth of the buffer; negative when it shrinks.", &|s| s.growth.map(text));
    known("buffer_full_in_seconds", "Forecast time to full; left out when it will not be or is not known.", &|s| {
        s.full.in_us.map(seconds)
    });
    known("first_loss_in_seconds", "Forecast time to the first lost record; left out likewise.", &|s| {
        s.first_loss.in_us.map(seconds)
    });
    known("buffer_coverage_seconds", "How far back the buffer reaches.", &|s| s.coverage_us.map(seconds));
    known("buffer_coverage_full_seconds", "How far back a full buffer would reach.", &|s| {
        s.coverage_full_us.map(seconds)
    });
    known("lost_records_last_day", "Records lost in the last day, at least.", &|s| Some(text(s.lost_day)));
    known(
        "uplink_up",
        "Whether the forwarding target answers; left out while not checked.",
        &|s| match s.uplink.state {
            UplinkState::Unknown | UplinkState::NotChecked => None,
            state => Some(flag(state == UplinkState::Up)),
        },
    );
    known("replay_stuck", "Whether a forward that was ordered does not move.", &|s| {
        (s.replay.state != ReplayState::Unknown).then(|| flag(s.replay.state == ReplayState::Stuck))
    });
    known("database_bytes", "Size of the buffer's database on disk.", &|s| s.database_bytes.map(text));
    known("wal_bytes", "Size of its write-ahead log.", &|s| s.wal_bytes.map(text));
    known("load5", "Load average of five minutes.", &|s| s.load_milli.map(|[_, five, _]| milli(five)));
    known("memory_used_ratio", "Memory in use.", &|s| s.memory_pct.map(percent));
    let disks = rows.iter().filter(|r| answers(&r.state)).flat_map(|row| {
        row.state.disks.iter().map(move |d| {
            let mut labels = label(row);
            labels.push(("mount", d.mount.clone()));
            (labels, percent(d.used_pct))
        })
    });
    let disks: Vec<Sample<'_>> = disks.collect();
    page.gauge("noctule_appliance_disk_used_ratio", "Disk in use.", disks);
}

fn collectors(page: &mut Page, rows: &[ApplianceRow]) {
    let each = || {
        rows.iter().filter(|r| answers(&r.state)).flat_map(|row| {
            row.state
                .collectors
                .iter()
                .map(move |c| (vec![("source", row.source.to_string()), ("collector", c.name.clone())], c))
        })
    };
    let mut all = |name: &str, kind: &str, help: &str, value: &dyn Fn(&CollectorState) -> Option<String>| {
        let samples: Vec<Sample<'_>> = each().filter_map(|(labels, c)| Some((labels, value(c)?))).collect();
        page.family(&format!("noctule_collector_{name}"), kind, help, samples);
    };
    all("up", "gauge", "Whether its process runs; left out while not known.", &|c| match c.process {
        ProcessState::Unknown => None,
        state => Some(flag(state == ProcessState::Running)),
    });
    all("flowing", "gauge", "Whether data comes in; left out while not known or not expected.", &|c| match c.flow {
        Flow::Unknown | Flow::NotExpected => None,
        flow => Some(flag(flow == Flow::Flowing)),
    });
    all("restarts_total", "counter", "Restarts seen or told.", &|c| c.restarts.map(text));
    all("records", "gauge", "Records in the buffer.", &|c| c.records.map(text));
    all("bytes", "gauge", "Bytes in the buffer.", &|c| c.bytes.map(text));
    all("pending_records", "gauge", "Records that were not forwarded.", &|c| c.pending.map(text));
    all("records_in_per_second", "gauge", "Records stored, mean of about a minute.", &|c| c.in_milli.map(milli));
    all("records_out_per_second", "gauge", "Buffered records forwarded, mean of about a minute.", &|c| {
        c.out_milli.map(milli)
    });
    all("quota_ratio", "gauge", "Records against the configured quota, which the appliance does not enforce.", &|c| {
        c.quota_permille.map(milli)
    });
    all("lost_records_last_day", "gauge", "Records lost in the last day, at least.", &|c| {
        c.records.map(|_| text(c.lost_day))
    });
    all("last_data_timestamp_seconds", "gauge", "When the last record came in.", &|c| instant(c.last_data));
    let ports = each().flat_map(|(labels, c)| {
        c.ports.iter().flat_map(move |p| {
            let labels = labels.clone();
            let sides = [(p.public, p.public_state, "public"), (p.inner.unwrap_or_default(), p.inner_state, "inner")];
            let seen = sides.into_iter().filter(|(_, state, _)| *state != PortCheck::NotChecked);
            seen.map(move |(port, state, side)| {
                let mut labels = labels.clone();
                labels.push(("port", port.to_string()));
                labels.push(("protocol", if p.tcp { "tcp" } else { "udp" }.to_owned()));
                labels.push(("side", side.to_owned()));
                (labels, flag(state == PortCheck::Listening))
            })
        })
    });
    let ports: Vec<Sample<'_>> = ports.collect();
    page.gauge("noctule_collector_port_listening", "Whether somebody listens on a port.", ports);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::appliance::poll::Disk;
    use crate::model::ids::RowId;

    fn row(name: &str, state: ApplianceState) -> ApplianceRow {
        ApplianceRow { id: RowId(1), source: name.into(), state: state.into(), alarms: 2, fill_hour: Vec::new() }
    }

    #[test]
    fn what_is_known_is_written_once_and_what_is_not_is_left_out() {
        let state = ApplianceState {
            contact: Contact::Answering,
            fill_permille: Some(4257),
            in_milli: Some(20_500),
            disks: vec![Disk { mount: "/a\"b\\".into(), used_pct: 85, ..Disk::default() }],
            collectors: vec![CollectorState { name: "vector".into(), ..CollectorState::default() }],
            ..ApplianceState::default()
        };
        let out = exposition(&[row("venue-1", state.clone()), row("venue-2", state)], &[], &Own::default());
        assert!(out.contains("noctule_appliance_buffer_fill_ratio{source=\"venue-1\"} 4.257\n"), "{out}");
        assert!(out.contains("noctule_appliance_records_in_per_second{source=\"venue-2\"} 20.5\n"), "{out}");
        assert!(out.contains("mount=\"/a\\\"b\\\\\"} 0.85\n"), "{out}");
        for unknown in ["NaN", " inf", "buffer_bytes", "uplink_up", "noctule_collector_up", "verdict{", "journal"] {
            assert!(!out.contains(unknown), "{unknown} in\n{out}");
        }
        let types: Vec<&str> = out.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let distinct: std::collections::BTreeSet<&&str> = types.iter().collect();
        assert_eq!(types.len(), distinct.len(), "a family twice");
    }

    #[test]
    fn every_line_is_a_sample_of_the_family_above_it() {
        let state = ApplianceState { contact: Contact::Slow, records: Some(5), ..ApplianceState::default() };
        let out = exposition(&[row("x\ny", state)], &[], &Own { queue: Some(3), ..Own::default() });
        let mut family = String::new();
        for line in out.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap().to_owned();
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(name == family || name.starts_with(&format!("{family}{{")), "{line} under {family}");
                assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            }
        }
        assert!(out.contains("noctule_queue_observations 3"));
    }

    #[test]
    fn of_a_silent_appliance_only_its_silence_is_told() {
        let state = ApplianceState { contact: Contact::Silent, records: Some(5), ..ApplianceState::default() };
        let out = exposition(&[row("v", state)], &[], &Own::default());
        assert!(out.contains("noctule_appliance_up{source=\"v\"} 0\n") && !out.contains("buffer_records"), "{out}");
    }
}
