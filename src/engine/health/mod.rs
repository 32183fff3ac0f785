//! A page of health out of what is known of appliances: the lines of the screen and of
//! `noctule health`, and (in `prometheus`) the exposition that a Prometheus server reads. What is
//! not known is called so, and is left out of the exposition.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::model::appliance::state::{
    CollectorState, Confidence, Contact, Flow, Forecast, ProcessState, ReplayState, UplinkState, Verdict,
};
use crate::model::appliance::{ApplianceRow, ApplianceState};
use crate::model::order;
use crate::model::text::{counted, grouped};
use crate::model::time::brief_duration;

mod prometheus;

pub use prometheus::{Own, exposition};

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

impl Line {
    fn new(subject: &str, verdict: Verdict, words: String) -> Self {
        Self { subject: subject.to_owned(), verdict, words }
    }
}

/// The order in which verdicts matter to whoever looks: critical, warning, not known, ok.
#[must_use]
pub const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Critical => 3,
        Verdict::Warning => 2,
        Verdict::Unknown => 1,
        Verdict::Ok => 0,
    }
}

/// The worst verdict of some lines; not known when there are none.
#[must_use]
pub fn worst(lines: &[Line]) -> Verdict {
    lines.iter().map(|l| l.verdict).max_by_key(|v| weight(*v)).unwrap_or_default()
}

/// The lines of one appliance: the verdict first, then its parts in the order of the screen.
#[must_use]
pub fn lines(state: &ApplianceState) -> Vec<Line> {
    let mut out = vec![Line::new("appliance", state.verdict, reasons(state)), contact(state)];
    out.push(buffer(state));
    out.push(forecast("time to full", state, &state.full));
    out.push(forecast("first loss", state, &state.first_loss));
    out.push(losses(state));
    out.push(uplink(state));
    out.push(replay(state));
    if !state.dangers.is_empty() {
        let kills = stands(state, "buffer.config_kills");
        let verdict = if kills { Verdict::Critical } else { Verdict::Warning };
        out.push(Line::new("configuration", verdict, state.dangers.join(" ")));
    }
    for disk in &state.disks {
        let verdict = match disk.used_pct {
            95.. => Verdict::Critical,
            85.. => Verdict::Warning,
            _ => Verdict::Ok,
        };
        out.push(Line::new(&format!("disk {}", disk.mount), verdict, format!("{} % used", disk.used_pct)));
    }
    if !state.services_trouble.is_empty() {
        out.push(Line::new("services", Verdict::Unknown, format!("not told: {}", state.services_trouble)));
    }
    out.extend(state.collectors.iter().map(collector));
    out
}

/// One line an appliance, the worst first.
#[must_use]
pub fn fleet(rows: &[ApplianceRow]) -> Vec<Line> {
    let mut out: Vec<Line> =
        rows.iter().map(|row| Line::new(&row.source, row.state.verdict, reasons(&row.state))).collect();
    order::by(&mut out, |a, b| weight(b.verdict).cmp(&weight(a.verdict)).then_with(|| a.subject.cmp(&b.subject)));
    out
}

/// The page as text: a line each, the verdict always as a word.
#[must_use]
pub fn human(lines: &[Line]) -> String {
    let wide = lines.iter().map(|l| crate::model::text::width(&l.subject)).max().unwrap_or_default();
    let mut out = String::new();
    for l in lines {
        let gap = " ".repeat(wide.saturating_sub(crate::model::text::width(&l.subject)));
        let _ = writeln!(out, "{:<8}  {}{gap}  {}", l.verdict.word(), l.subject, l.words);
    }
    out
}

/// The page as JSON: an array of `{subject, verdict, words}`.
#[must_use]
pub fn json(lines: &[Line]) -> Value {
    lines.iter().map(|l| json!({ "subject": l.subject, "verdict": l.verdict.word(), "words": l.words })).collect()
}

fn reasons(state: &ApplianceState) -> String {
    match state.reasons.as_slice() {
        [] => "nothing is known yet".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} (and {})", counted(rest.len() as u64, "more reason", "more reasons")),
    }
}

fn stands(state: &ApplianceState, id: &str) -> bool {
    state.standing.iter().any(|a| a.type_id == id)
}

fn contact(state: &ApplianceState) -> Line {
    let verdict = match state.contact {
        Contact::NotAsked | Contact::Silent | Contact::Refusing | Contact::Unreadable => Verdict::Unknown,
        Contact::Answering => Verdict::Ok,
        Contact::Slow => Verdict::Warning,
        Contact::LimitZero => Verdict::Critical,
    };
    let words = match (state.contact, state.trouble.is_empty()) {
        (Contact::Answering, _) => format!("answering in {} ms", state.response_us / 1000),
        (contact, true) => contact.word().to_owned(),
        (contact, false) => format!("{}: {}", contact.word(), state.trouble),
    };
    let since = state.at.since(state.answered);
    let quiet = matches!(state.contact, Contact::Silent | Contact::Refusing);
    let words = match (quiet, state.answered.is_set()) {
        (true, true) => format!("{words}; last answer {} ago", brief_duration(since)),
        (true, false) => format!("{words}; it has never answered"),
        _ => words,
    };
    Line::new("contact", verdict, words)
}

fn buffer(state: &ApplianceState) -> Line {
    let standing = state.standing.iter().find(|a| a.type_id == "buffer.fill");
    let Some(permille) = state.fill_permille else {
        let records = state.records.map_or_else(|| "size not known".to_owned(), |n| counted(n, "record", "records"));
        return Line::new("buffer", Verdict::Unknown, records);
    };
    let verdict = match standing.map(|a| a.severity) {
        Some(crate::model::severity::Severity::Critical) => Verdict::Critical,
        Some(_) => Verdict::Warning,
        None => Verdict::Ok,
    };
    let mut words = format!("{}.{} % full", permille / 10, permille % 10);
    if let Some(records) = state.records {
        let _ = write!(words, ", {}", counted(records, "record", "records"));
    }
    if let Some(pending) = state.pending {
        let _ = write!(words, ", {} waiting", grouped(pending));
    }
    if let Some(us) = state.coverage_us {
        let _ = write!(words, ", reaches back {}", brief_duration(us));
    }
    Line::new("buffer", verdict, words)
}

fn forecast(subject: &str, state: &ApplianceState, f: &Forecast) -> Line {
    let bad = state.standing.iter().find(|a| a.type_id == "buffer.time_to_full");
    match f.in_us {
        None if f.never => Line::new(subject, Verdict::Ok, format!("not as things go: {}", f.method)),
        None => Line::new(subject, Verdict::Unknown, format!("not known: {}", f.method)),
        Some(us) => {
            let verdict = match bad.map(|a| a.severity) {
                _ if us == 0 => Verdict::Critical,
                Some(crate::model::severity::Severity::Critical) => Verdict::Critical,
                Some(_) => Verdict::Warning,
                None => Verdict::Ok,
            };
            let trust = if f.confidence == Confidence::None { "" } else { f.confidence.word() };
            let when = if us == 0 { "now".to_owned() } else { format!("in {}", brief_duration(us)) };
            Line::new(subject, verdict, format!("{when}, confidence {trust}: {}", f.method))
        }
    }
}

fn losses(state: &ApplianceState) -> Line {
    let fresh = stands(state, "buffer.loss") || stands(state, "buffer.emptied");
    let verdict = match (fresh, state.lost_day) {
        (true, _) => Verdict::Critical,
        (false, 0) if !state.answered.is_set() => Verdict::Unknown,
        (false, 0) => Verdict::Ok,
        (false, _) => Verdict::Warning,
    };
    let last = state.losses.iter().find(|l| l.records > 0 && l.collector.is_empty());
    let words = match (state.lost_day, last) {
        (0, _) => "no loss seen in the last day".to_owned(),
        (n, Some(l)) => format!("at least {} in the last day; {}", counted(n, "record", "records"), l.cause),
        (n, None) => format!("at least {} in the last day", counted(n, "record", "records")),
    };
    Line::new("losses", verdict, words)
}

fn uplink(state: &ApplianceState) -> Line {
    let u = &state.uplink;
    let (verdict, words) = match u.state {
        UplinkState::Unknown => (Verdict::Unknown, "not told".to_owned()),
        UplinkState::NotChecked => (Verdict::Unknown, "not checked yet".to_owned()),
        UplinkState::Up => (Verdict::Ok, format!("its target answers in {} ms", u.latency_ms)),
        UplinkState::Down => {
            let why = if u.last_error.is_empty() { "no reason told" } else { &u.last_error };
            (Verdict::Warning, format!("down, {}: {why}", counted(u.failures, "probe failed", "probes failed")))
        }
    };
    let words = if u.forwarding == Some(false) { format!("{words}; forwarding is switched off") } else { words };
    Line::new("uplink", verdict, words)
}

fn replay(state: &ApplianceState) -> Line {
    let r = &state.replay;
    let (verdict, words) = match r.state {
        ReplayState::Unknown => (Verdict::Unknown, "not known".to_owned()),
        ReplayState::Idle => (Verdict::Ok, "idle".to_owned()),
        ReplayState::Running => {
            let eta = r.done_in_us.map_or_else(String::new, |us| format!(", done in {}", brief_duration(us)));
            (Verdict::Ok, format!("{} sent{eta}", grouped(r.sent)))
        }
        ReplayState::Stuck => {
            (Verdict::Warning, format!("stuck: {} wait and do not move", grouped(state.pending.unwrap_or_default())))
        }
    };
    Line::new("replay", verdict, words)
}

fn collector(c: &CollectorState) -> Line {
    let mut notes = Vec::new();
    let mut verdict = Verdict::Ok;
    let mut note = |v: Verdict, words: String| {
        if weight(v) > weight(verdict) {
            verdict = v;
        }
        notes.push(words);
    };
    let bad = if c.critical { Verdict::Critical } else { Verdict::Warning };
    if c.disabled {
        note(Verdict::Ok, "switched off".to_owned());
    }
    match c.process {
        ProcessState::Unknown => {}
        ProcessState::Running => note(Verdict::Ok, "running".to_owned()),
        ProcessState::Changing => note(Verdict::Warning, "being started or stopped".to_owned()),
        state if c.disabled => note(Verdict::Ok, state.word().to_owned()),
        state => note(bad, state.word().to_owned()),
    }
    for p in c.ports.iter().filter(|p| p.relay_without_collector() && !c.disabled) {
        note(bad, format!("port {} is open and nobody reads it", p.public));
    }
    match c.flow {
        Flow::Flowing => note(Verdict::Ok, "data flows".to_owned()),
        Flow::Silent => note(Verdict::Warning, "silent".to_owned()),
        Flow::NotExpected => note(Verdict::Ok, "no data expected".to_owned()),
        Flow::Unknown => note(Verdict::Unknown, "flow not known".to_owned()),
    }
    if let Some(permille) = c.quota_permille.filter(|p| *p >= 1000) {
        note(Verdict::Warning, format!("{} % of its quota, not enforced", permille / 10));
    }
    if c.lost_day > 0 {
        note(Verdict::Warning, format!("at least {} lost in the last day", grouped(c.lost_day)));
    }
    Line::new(&c.name, verdict, notes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::appliance::state::{PortCheck, PortState};
    use crate::model::ids::RowId;

    fn row(name: &str, verdict: Verdict) -> ApplianceRow {
        let state = ApplianceState { verdict, reasons: vec![format!("because {name}")], ..ApplianceState::default() };
        ApplianceRow { id: RowId(1), source: name.into(), state: state.into(), alarms: 0, fill_hour: Vec::new() }
    }

    #[test]
    fn a_fleet_begins_with_the_worst_and_what_is_not_known_comes_before_what_is_well() {
        let rows = [row("a", Verdict::Ok), row("b", Verdict::Unknown), row("c", Verdict::Critical)];
        let page = fleet(&rows);
        assert_eq!(page.iter().map(|l| l.subject.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        assert_eq!(worst(&page), Verdict::Critical);
        assert_eq!(worst(&[]), Verdict::Unknown);
        assert!(human(&page).starts_with("critical  c  because c\n"), "{}", human(&page));
        assert_eq!(json(&page)[0]["verdict"], "critical");
    }

    #[test]
    fn an_appliance_that_was_never_heard_is_not_well_in_any_line() {
        let page = lines(&ApplianceState::default());
        assert!(page.iter().all(|l| l.verdict != Verdict::Ok), "{page:?}");
    }

    #[test]
    fn a_collector_tells_its_dead_listener() {
        let port = PortState {
            public: 1514,
            public_state: PortCheck::Listening,
            inner: Some(12514),
            inner_state: PortCheck::Closed,
            ..PortState::default()
        };
        let c = CollectorState { name: "fluent-bit".into(), critical: true, ports: vec![port], ..Default::default() };
        let state = ApplianceState { collectors: vec![c], ..ApplianceState::default() };
        let line = lines(&state).pop().unwrap();
        assert!(line.verdict == Verdict::Critical && line.words.contains("1514"), "{line:?}");
    }
}
