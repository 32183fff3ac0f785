//! One job: what it does, how its portions stand, what failed and why.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::super::exit::Failure;
use super::super::query::ask::Output;
use super::super::query::table::Look;
use crate::app::effect::ExportFormat;
use crate::model::job::{Class, JobDetail, JobRow, Phase, WaveBar};
use crate::model::tables;
use crate::model::text::{clean, counted};
use crate::model::time::{SECOND, Ts, brief_duration};
use crate::workers::rows::{RowWriter, object};

/// Columns of a bar.
const BAR: usize = 30;

/// Prints it. As CSV a job is one line of the list.
pub(super) fn print(detail: &JobDetail, format: Output, look: Look, now: Ts) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match format {
        Output::Text => {
            for line in lines(detail, look.ellipsis == "…", now) {
                writeln!(out, "{}", clean(&line))?;
            }
        }
        Output::Json | Output::Ndjson => writeln!(out, "{}", Json::Object(json(detail)))?,
        Output::Csv => {
            let mut rows = RowWriter::begin(out, ExportFormat::Csv, tables::JOBS.fields.iter().collect())?;
            rows.row(&detail.row)?;
            rows.end()?.flush()?;
        }
    }
    Ok(())
}

pub(in super::super) fn json(detail: &JobDetail) -> serde_json::Map<String, Json> {
    let fields: Vec<_> = tables::JOBS.fields.iter().collect();
    let mut out = object(&fields, &detail.row);
    let waves = detail.waves.iter().map(|w| json!({"total": w.total, "through": w.through, "failed": w.failed}));
    let causes = detail
        .causes
        .iter()
        .map(|c| json!({"cause": clean(&c.cause), "devices": c.devices, "example": clean(&c.example)}));
    out.insert("does".into(), detail.words.iter().map(|w| Json::from(clean(w).into_owned())).collect());
    out.insert("schedule".into(), clean(&detail.schedule).into());
    out.insert("waves".into(), waves.collect());
    out.insert("rate_per_minute".into(), json!((detail.rate_per_minute * 10.0).round() / 10.0));
    out.insert("left_s".into(), detail.left_us.map_or(Json::Null, |us| (us / SECOND).into()));
    out.insert("causes".into(), causes.collect());
    out
}

fn lines(detail: &JobDetail, unicode: bool, now: Ts) -> Vec<String> {
    let row = &detail.row;
    let mut out = vec![row.name.clone()];
    let mut item = |name: &str, text: String| {
        if !text.is_empty() {
            out.push(format!("  {name:<10} {text}"));
        }
    };
    item("id", row.job.to_string());
    item("does", detail.words.join("; "));
    item("when", detail.schedule.clone());
    let phase = if row.dry_run { format!("{} (dry run)", row.phase.word()) } else { row.phase.word().to_owned() };
    item("phase", if row.why.is_empty() { phase } else { format!("{phase}: {}", row.why) });
    item("asked by", format!("{} at {}", row.actor, row.created_at.to_rfc3339()));
    item("rolls back", row.rolls_back.map_or_else(String::new, |id| id.to_string()));
    item("controller", row.source.clone());
    item("priority", row.priority.word().to_owned());
    let leased = row.lease_until > now && !row.phase.is_over();
    item("run by", if leased { row.owner.clone() } else { String::new() });
    item("devices", devices(row));
    item("rate", rate(detail));
    item("last error", row.last_error.clone());
    for (i, wave) in detail.waves.iter().enumerate() {
        out.push(format!("  {:<10} {}", format!("wave {}", i + 1), bar(wave, unicode)));
    }
    if !detail.causes.is_empty() {
        out.push("  causes".into());
    }
    for cause in &detail.causes {
        out.push(format!("  {:>10} {} (as on {})", cause.devices, cause.cause, cause.example));
    }
    out
}

/// `40 of 200 through: 38 changed, 2 faulted; 10 on their way, 150 waiting`.
pub(in super::super) fn devices(row: &JobRow) -> String {
    let counts = &row.counts;
    if counts.total == 0 {
        return String::new();
    }
    let of = |class: Class| (counts.of(class) > 0).then(|| format!("{} {}", counts.of(class), class.word()));
    let classes: Vec<String> = Class::ALL.into_iter().filter_map(of).collect();
    let mut text = format!("{} of {} through", counts.through(), counted(counts.total.into(), "device", "devices"));
    if !classes.is_empty() {
        text = format!("{text}: {}", classes.join(", "));
    }
    if counts.active + counts.waiting > 0 {
        text = format!("{text}; {} on their way, {} waiting", counts.active, counts.waiting);
    }
    text
}

fn rate(detail: &JobDetail) -> String {
    if detail.row.phase != Phase::Running || detail.rate_per_minute <= 0.0 {
        return String::new();
    }
    let left = detail.left_us.map_or_else(String::new, |us| format!(", about {} left", brief_duration(us)));
    format!("{:.1} devices a minute{left}", detail.rate_per_minute)
}

fn bar(wave: &WaveBar, unicode: bool) -> String {
    let full = (wave.through as usize * BAR).checked_div(wave.total as usize).unwrap_or(0).min(BAR);
    let (done, left) = if unicode { ("█", "░") } else { ("#", ".") };
    let failed = if wave.failed > 0 { format!(", {} failed", wave.failed) } else { String::new() };
    format!("{}{} {} of {}{failed}", done.repeat(full), left.repeat(BAR - full), wave.through, wave.total)
}
