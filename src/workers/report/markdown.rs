//! The report for people.

use std::fmt::Write as _;

use crate::model::job::{Class, CpeVerb, JobRequest, JobTargets, Work};
use crate::model::text::{clean, counted, grouped};
use crate::model::time::{Ts, brief_duration};

use super::Report;
use super::data::Told;

/// Devices named under one heading; the CSV has them all.
const NAMED: usize = 500;

/// The report as Markdown.
pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    let row = &report.detail.row;
    let dry = if row.dry_run { "Dry run: " } else { "" };
    let _ = writeln!(out, "# {dry}{}\n", plain(&row.name));
    if let Some(request) = report.detail.request.as_ref().filter(|r| !r.description.is_empty()) {
        let _ = writeln!(out, "{}\n", plain(&request.description));
    }
    facts(&mut out, report);
    result(&mut out, report);
    waves(&mut out, report);
    causes(&mut out, report);
    failed(&mut out, report);
    skipped(&mut out, report);
    queued(&mut out, report);
    put_back(&mut out, report);
    equivalents(&mut out, report);
    let at = report.local(report.now);
    let _ = writeln!(out, "---\n\nWritten by noctule at {at} of job {}.", row.job);
    out
}

impl Report {
    fn local(&self, t: Ts) -> String {
        let Some(utc) = t.to_utc() else { return String::new() };
        let local = utc + chrono::Duration::seconds(i64::from(self.utc_offset_s));
        let (hours, minutes) = (self.utc_offset_s / 3600, self.utc_offset_s.abs() % 3600 / 60);
        format!("{} {hours:+03}:{minutes:02}", local.format("%Y-%m-%d %H:%M:%S"))
    }

    fn of_class(&self, which: impl Fn(Class) -> bool) -> Vec<&Told> {
        self.devices.iter().filter(|d| d.class.is_some_and(&which)).collect()
    }
}

/// Text from outside as Markdown takes it: no markup of its own, no break of a table.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text in backticks.
fn code(text: &str) -> String {
    format!("`{}`", clean(text).replace(['`', '\n', '\r'], "'").replace('|', "\\|"))
}

fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

fn facts(out: &mut String, report: &Report) {
    let (detail, row) = (&report.detail, &report.detail.row);
    let mut facts: Vec<(&str, String)> = vec![("What", row.work.clone())];
    facts.extend(detail.words.iter().map(|words| ("", code(words))));
    if let Some(request) = &detail.request {
        facts.push(("Devices", meant(request)));
        if let Some(n) = request.expected_count {
            facts.push(("Expected", grouped(n)));
        }
    }
    facts.push(("Through", if row.source.is_empty() { "the only ACS".to_owned() } else { plain(&row.source) }));
    facts.push(("Asked for by", format!("{}, {}", plain(&row.actor), report.local(row.created_at))));
    facts.push(("Schedule", if detail.schedule.is_empty() { "at once".to_owned() } else { plain(&detail.schedule) }));
    if row.started_at.is_set() {
        facts.push(("Began", report.local(row.started_at)));
    }
    if row.ended_at.is_set() {
        let took = row.ended_at.since(row.started_at);
        let took = if row.started_at.is_set() { format!(", after {}", brief_duration(took)) } else { String::new() };
        facts.push(("Ended", format!("{}{took}", report.local(row.ended_at))));
    }
    let why = if row.why.is_empty() { String::new() } else { format!(": {}", plain(&row.why)) };
    facts.push(("State", format!("{}{why}", row.phase.word())));
    if !detail.rolls_back.is_empty() {
        facts.push(("Rolls back", plain(&detail.rolls_back)));
    }
    if let Some((id, name)) = &detail.rolled_back_by {
        facts.push(("Rolled back by", format!("{} ({id})", plain(name))));
    }
    table(out, &["", ""], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
}

fn meant(request: &JobRequest) -> String {
    match &request.targets {
        JobTargets::Query(text) | JobTargets::Filter(text) => code(text),
        JobTargets::Devices(list) => counted(list.len() as u64, "device of a list", "devices of a list"),
    }
}

fn result(out: &mut String, report: &Report) {
    let c = &report.detail.row.counts;
    let _ = writeln!(out, "## Result\n");
    let _ = writeln!(
        out,
        "{} of {} are through, {} failed.\n",
        grouped(c.through().into()),
        counted(c.total.into(), "device", "devices"),
        grouped(c.failed().into())
    );
    let share = |n: u32| format!("{:.1} %", f64::from(n) * 100.0 / f64::from(c.total.max(1)));
    let classes = Class::ALL.into_iter().filter(|class| c.of(*class) > 0).map(|class| (class.word(), c.of(class)));
    let open = [("on their way", c.active), ("not begun", c.waiting)].into_iter().filter(|(_, n)| *n > 0);
    let line = |(word, n): (&str, u32)| vec![word.to_owned(), grouped(n.into()), share(n)];
    table(out, &["Class", "Devices", "Share"], classes.chain(open).map(line));
}

fn waves(out: &mut String, report: &Report) {
    let waves: Vec<_> = report.detail.waves.iter().enumerate().filter(|(_, w)| w.total > 0).collect();
    if waves.len() < 2 {
        return;
    }
    let _ = writeln!(out, "## Waves\n");
    let line = |(i, w): (usize, &crate::model::job::WaveBar)| {
        [i as u64 + 1, w.total.into(), w.through.into(), w.failed.into()].map(grouped).to_vec()
    };
    table(out, &["Wave", "Devices", "Through", "Failed"], waves.into_iter().map(line));
}

fn causes(out: &mut String, report: &Report) {
    if report.detail.causes.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Failures by cause\n");
    let line = |c: &crate::model::job::CauseRow| {
        let cause = if c.cause.is_empty() { "no cause told".to_owned() } else { plain(&c.cause) };
        vec![cause, grouped(c.devices.into()), plain(&c.example)]
    };
    table(out, &["Cause", "Devices", "Such as"], report.detail.causes.iter().map(line));
}

fn named(out: &mut String, title: &str, devices: &[&Told]) {
    if devices.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {title}\n");
    let line = |d: &&Told| vec![plain(&d.serial), plain(&d.model), d.state.to_owned(), plain(&d.why)];
    table(out, &["Serial", "Model", "State", "Why"], devices.iter().take(NAMED).map(line));
    if devices.len() > NAMED {
        let _ = writeln!(out, "And {} more: the CSV report has them all.\n", grouped((devices.len() - NAMED) as u64));
    }
}

fn failed(out: &mut String, report: &Report) {
    named(out, "Devices that failed", &report.of_class(Class::failed));
}

fn skipped(out: &mut String, report: &Report) {
    named(out, "Devices that were left out", &report.of_class(|c| matches!(c, Class::Skipped | Class::Cancelled)));
}

fn queued(out: &mut String, report: &Report) {
    named(out, "Devices whose task waits for their next inform", &report.of_class(|c| c == Class::OfflineQueued));
}

fn put_back(out: &mut String, report: &Report) {
    let back = report.of_class(|c| c == Class::RolledBack).len() as u64;
    let lost: Vec<&Told> = report.devices.iter().filter(|d| d.values.iter().any(|v| v.lost)).collect();
    let saved = report.devices.iter().filter(|d| d.values.iter().any(|v| !v.lost)).count() as u64;
    let firmware = matches!(report.detail.request.as_ref().map(|r| &r.work), Some(Work::Firmware(_)));
    if back == 0 && lost.is_empty() && saved == 0 && !firmware {
        return;
    }
    let _ = writeln!(out, "## Roll-back\n");
    if firmware {
        let _ =
            writeln!(out, "- Firmware does not go back by itself: it takes a job with the file of the version before.");
    }
    if back > 0 {
        let _ = writeln!(out, "- Put back on {}.", counted(back, "device", "devices"));
    }
    if saved > 0 {
        let _ = writeln!(out, "- Old values are saved of {}.", counted(saved, "device", "devices"));
    }
    if lost.is_empty() {
        out.push('\n');
        return;
    }
    let words = "cannot be put back: the device does not show what it held";
    let _ = writeln!(out, "- On {} something {words}.\n", counted(lost.len() as u64, "device", "devices"));
    let mut paths: Vec<(&str, u64)> = Vec::new();
    for value in lost.iter().flat_map(|d| &d.values).filter(|v| v.lost) {
        match paths.iter_mut().find(|(path, _)| *path == value.path) {
            Some((_, n)) => *n += 1,
            None => paths.push((&value.path, 1)),
        }
    }
    table(out, &["Parameter", "Devices"], paths.into_iter().map(|(path, n)| vec![code(path), grouped(n)]));
}

/// What was sent, as anybody could send it.
fn equivalents(out: &mut String, report: &Report) {
    let Some(request) = &report.detail.request else { return };
    let key = format!(", \"uniqueKey\": \"noctule/{}/write\"", report.detail.row.job);
    let task = |body: &str| format!("POST /devices/<id>/tasks?connection_request {{{body}{key}}}");
    let string = |text: &str| serde_json::Value::from(clean(text).into_owned()).to_string();
    let line = match &request.work {
        Work::Set(_) | Work::RollBack => {
            let Some(values) = report.devices.iter().map(|d| &d.values).find(|v| !v.is_empty()) else { return };
            let pairs: Vec<String> =
                values.iter().map(|v| format!("[{}, {}]", string(&v.path), string(&v.new))).collect();
            task(&format!("\"name\": \"setParameterValues\", \"parameterValues\": [{}]", pairs.join(", ")))
        }
        Work::Firmware(file) | Work::Verb(CpeVerb::Push(file)) => {
            let (kind, name) = (string(&file.file_type), string(&file.file));
            task(&format!("\"name\": \"download\", \"fileType\": {kind}, \"fileName\": {name}"))
        }
        Work::Verb(CpeVerb::Tag(tag)) => format!("POST /devices/<id>/tags/{}", clean(tag)),
        Work::Verb(CpeVerb::Untag(tag)) => format!("DELETE /devices/<id>/tags/{}", clean(tag)),
        Work::Verb(CpeVerb::Delete) => "DELETE /devices/<id>".to_owned(),
        Work::Verb(CpeVerb::Connect) => "POST /devices/<id>/tasks?connection_request".to_owned(),
        Work::Verb(CpeVerb::Reboot) => task("\"name\": \"reboot\""),
        Work::Verb(CpeVerb::FactoryReset) => task("\"name\": \"factoryReset\""),
        Work::Verb(CpeVerb::Refresh(path)) => {
            task(&format!("\"name\": \"refreshObject\", \"objectName\": {}", string(path)))
        }
        Work::Verb(CpeVerb::AddObject(path)) => {
            task(&format!("\"name\": \"addObject\", \"objectName\": {}", string(path)))
        }
        Work::Verb(CpeVerb::DeleteObject(path)) => {
            task(&format!("\"name\": \"deleteObject\", \"objectName\": {}", string(path)))
        }
    };
    let _ = writeln!(out, "## Equivalent call, a device\n\n```\n{}\n```\n", line.replace("```", "'''"));
}
