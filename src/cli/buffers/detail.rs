//! One appliance: what is known of it, in words and in JSON.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::super::exit::Failure;
use super::super::query::ask::Output;
use super::super::query::table::{Look, TextTable};
use crate::app::effect::ExportFormat;
use crate::model::appliance::state::{Confidence, Forecast};
use crate::model::appliance::{ApplianceRow, CollectorRow};
use crate::model::ids::RowId;
use crate::model::resource::{NodeKind, Resource};
use crate::model::tables;
use crate::model::text::{clean, counted, grouped, iec};
use crate::model::time::{Ts, ahead, brief_duration};
use crate::workers::rows::{RowWriter, column, object};

/// Columns of the collectors below an appliance.
const COLLECTORS: [&str; 11] = [
    "name",
    "collects",
    "process",
    "flow",
    "records",
    "pending",
    "in_per_s",
    "quota_pct",
    "lost_day",
    "last_data",
    "ports",
];

/// Prints it. As CSV it is one line of the list.
pub(super) fn print(row: &ApplianceRow, format: Output, look: Look, now: Ts) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match format {
        Output::Text => {
            for line in lines(row, now) {
                writeln!(out, "{}", clean(&line))?;
            }
            writeln!(out)?;
            let fields = COLLECTORS.iter().filter_map(|name| column(&tables::COLLECTORS, name).ok()).collect();
            let mut table = TextTable::new(out, look, fields);
            for c in collectors(row) {
                table.row(&c)?;
            }
            table.end()?.flush()?;
        }
        Output::Json | Output::Ndjson => writeln!(out, "{}", json(row))?,
        Output::Csv => {
            let mut rows = RowWriter::begin(out, ExportFormat::Csv, tables::APPLIANCES.fields.iter().collect())?;
            rows.row(row)?;
            rows.end()?.flush()?;
        }
    }
    Ok(())
}

fn collectors(row: &ApplianceRow) -> impl Iterator<Item = CollectorRow> + '_ {
    row.state.collectors.iter().map(|c| CollectorRow {
        id: RowId(0),
        source: row.source.clone(),
        canonical: Resource::new(NodeKind::Collector, c.name.as_str()).canonical(&row.source),
        at: row.state.at,
        contact: row.state.contact,
        state: c.clone(),
        in_hour: Vec::new(),
    })
}

fn json(row: &ApplianceRow) -> Json {
    let fields: Vec<_> = tables::APPLIANCES.fields.iter().collect();
    let of_collectors: Vec<_> = tables::COLLECTORS.fields.iter().collect();
    let mut out = object(&fields, row);
    let s = &row.state;
    let text = |t: &str| Json::from(clean(t).into_owned());
    let losses = s.losses.iter().map(|l| {
        json!({"at": l.at.to_rfc3339(), "records": l.records, "pending": l.pending, "cause": text(&l.cause),
               "collector": text(&l.collector)})
    });
    let disks = s.disks.iter().map(|d| {
        json!({"mount": text(&d.mount), "used_pct": d.used_pct, "free_bytes": d.free_bytes, "size_bytes": d.size_bytes})
    });
    let estimates = s.estimates.iter().map(|e| json!({"name": text(&e.name), "value": text(&e.value), "stub": e.stub}));
    out.insert("reasons".into(), s.reasons.iter().map(|r| text(r)).collect());
    out.insert("trouble".into(), text(&s.trouble));
    out.insert("absurd_time".into(), json!(s.absurd_time));
    out.insert("services_trouble".into(), text(&s.services_trouble));
    out.insert("losses".into(), losses.collect());
    out.insert("disks".into(), disks.collect());
    out.insert("database_bytes".into(), json!(s.database_bytes));
    out.insert("overflow_action".into(), text(&s.overflow_action));
    out.insert("retention_days".into(), json!(s.retention_days));
    out.insert("made_up_by_the_appliance".into(), estimates.collect());
    out.insert("collectors".into(), collectors(row).map(|c| Json::Object(object(&of_collectors, &c))).collect());
    Json::Object(out)
}

fn lines(row: &ApplianceRow, now: Ts) -> Vec<String> {
    let s = &row.state;
    let mut out = vec![format!("{}  {}", row.source, s.verdict.word().to_uppercase())];
    let mut item = |name: &str, text: String| {
        if !text.is_empty() {
            out.push(format!("  {name:<10} {text}"));
        }
    };
    item("why", s.reasons.join("; "));
    let age = if s.answered.is_set() {
        format!("{}, last answer {} ago", s.contact.word(), brief_duration(now.since(s.answered)))
    } else {
        format!("{}, it has never answered", s.contact.word())
    };
    item("contact", if s.trouble.is_empty() { age } else { format!("{age}: {}", s.trouble) });
    let known = |n: Option<u64>| n.map_or_else(|| "not known".to_owned(), grouped);
    let limit = s.limit_bytes.map_or_else(|| "an unknown limit".to_owned(), iec);
    let fill = s.fill_permille.map_or_else(String::new, |f| format!(" ({}.{} %)", f / 10, f % 10));
    item("fill", s.used_bytes.map_or_else(|| "not known".to_owned(), |used| format!("{} of {limit}{fill}", iec(used))));
    item("records", format!("{}, {} pending, {} forwarded", known(s.records), known(s.pending), known(s.forwarded)));
    let rate =
        |milli: Option<u64>| milli.map_or_else(|| "not known".to_owned(), |m| format!("{:.1}", m as f64 / 1000.0));
    item("rates", format!("{} in/s, {} out/s", rate(s.in_milli), rate(s.out_milli)));
    let goal = brief_duration(s.coverage_goal_us);
    item(
        "covers",
        s.coverage_us.map_or_else(|| "not known".to_owned(), |us| format!("{} of {goal}", brief_duration(us))),
    );
    item("full in", forecast(&s.full));
    item("loss in", forecast(&s.first_loss));
    for loss in &s.losses {
        let what = if loss.collector.is_empty() { "the buffer" } else { &loss.collector };
        item(
            "lost",
            format!("{} at least {} records of {what}: {}", loss.at.to_rfc3339(), grouped(loss.records), loss.cause),
        );
    }
    item("replay", s.replay.state.word().to_owned());
    let uplink = match s.uplink.last_error.as_str() {
        "" => s.uplink.state.word().to_owned(),
        why => format!("{}: {why}", s.uplink.state.word()),
    };
    item("uplink", uplink);
    item("overflow", s.overflow_action.clone());
    item("dangers", s.dangers.join("; "));
    if s.absurd_time {
        item("clock", "some time-stamps of its records are absurd: no ages are worked out of them".to_owned());
    }
    for disk in &s.disks {
        item("disk", format!("{} {} % used", disk.mount, disk.used_pct));
    }
    item("WAL", s.wal_bytes.map_or_else(String::new, iec));
    item("told by", s.host_told_by.clone());
    if !s.estimates.is_empty() {
        let made = s.estimates.iter().take(3).map(|e| format!("{} {}", e.name, e.value)).collect::<Vec<_>>();
        let all = counted(s.estimates.len() as u64, "number", "numbers");
        item(
            "made up",
            format!("{all} by the appliance, used for nothing, such as {} (--json has all)", made.join(", ")),
        );
    }
    out
}

/// A forecast in words.
fn forecast(f: &Forecast) -> String {
    match f.in_us {
        Some(us) => format!("{} ({}; confidence {})", ahead(us, brief_duration), f.method, f.confidence.word()),
        None if f.never => format!("never as things go ({})", f.method),
        None if f.confidence == Confidence::None && f.method.is_empty() => "not known".to_owned(),
        None => format!("not known ({})", f.method),
    }
}
