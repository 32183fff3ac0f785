//! Which alarms an appliance's state calls for. Every condition has two edges: what raises it is
//! further out than what clears it, so that a value on the edge does not make it flap.

use super::alarms::{Board, Seen};
use super::contact::seconds;
use super::settings::Settings;
use super::words;
use crate::model::appliance::state::{
    ApplianceState, CollectorState, Confidence, Contact, Flow, PortCheck, ProcessState, ReplayState, UplinkState,
};
use crate::model::severity::Severity;
use crate::model::text::{clean, grouped, iec};
use crate::model::time::brief_duration;

/// What this poll told, and what happened lately: a condition is judged only when it can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// The heartbeat was read.
    pub(super) stats: bool,
    /// The appliance answered something.
    pub(super) answered: bool,
    /// The configuration was read.
    pub(super) config: bool,
    /// The uplink was read.
    pub(super) uplink: bool,
    /// Processes were read.
    pub(super) processes: bool,
    /// Listening sockets were read.
    pub(super) sockets: bool,
    /// Disks were read.
    pub(super) disks: bool,
    /// What in the configuration kills the service.
    pub(super) kills: &'a [String],
    /// The buffer was emptied within the last hour.
    pub(super) emptied: bool,
    /// Records were lost within the last hour.
    pub(super) lost: bool,
}

/// One condition.
pub(super) type Condition = (&'static str, Option<String>, String, Seen);

/// Fill, %, that has to be left again before an alarm is lowered.
const FILL_BACK: u32 = 3;
/// Disk use, %, of a minor and a critical alarm.
const DISK: [(u32, Severity); 2] = [(85, Severity::Minor), (95, Severity::Critical)];
const LEVELS: [Severity; 3] = [Severity::Minor, Severity::Major, Severity::Critical];

/// All conditions that can be judged at this poll.
pub(super) fn all(settings: &Settings, state: &ApplianceState, board: &Board, told: Told<'_>) -> Vec<Condition> {
    let mut out = Vec::new();
    let mut whole = |id, seen| out.push((id, None, String::new(), seen));
    let when = |bad: bool, severity, text: String| if bad { Seen::Bad(severity, text) } else { Seen::Good };
    let readable = matches!(state.contact, Contact::Answering | Contact::Slow);
    if told.answered || state.contact == Contact::Unreadable {
        let zero = state.contact == Contact::LimitZero;
        whole("buffer.limit_zero", when(zero, Severity::Critical, state.trouble.clone()));
        let unreadable = state.contact == Contact::Unreadable;
        let text = format!("answers, and cannot be read: {}", state.trouble);
        whole("buffer.unreadable", when(unreadable, Severity::Major, text));
    }
    if told.answered && readable {
        let slow = state.contact == Contact::Slow;
        let text = if state.trouble.is_empty() {
            format!("the heartbeat takes {}", seconds(state.response_us))
        } else {
            state.trouble.clone()
        };
        whole("buffer.slow", when(slow, Severity::Minor, text));
    }
    if told.stats {
        if let Some(seen) = fill(settings, state, board) {
            whole("buffer.fill", seen);
        }
        if let Some(seen) = time_to_full(settings, state, board) {
            whole("buffer.time_to_full", seen);
        }
        if let Some(seen) = coverage(state, board) {
            whole("buffer.coverage", seen);
        }
        whole("buffer.replay_stuck", when(state.replay.state == ReplayState::Stuck, Severity::Major, stuck(state)));
    }
    whole("buffer.emptied", when(told.emptied, Severity::Critical, last_loss(state, "an overflow emptied the buffer")));
    whole("buffer.loss", when(told.lost, Severity::Major, last_loss(state, "records were lost")));
    if told.config {
        let kills = told.kills;
        whole("buffer.config_kills", when(!kills.is_empty(), Severity::Critical, kills.join(" ")));
    }
    if told.uplink {
        match state.uplink.state {
            UplinkState::Down => whole("buffer.uplink_down", Seen::Bad(Severity::Major, uplink(state))),
            UplinkState::Up => whole("buffer.uplink_down", Seen::Good),
            UplinkState::NotChecked | UplinkState::Unknown => {}
        }
    }
    disks(state, board, told, &mut out);
    for c in &state.collectors {
        collector(c, board, told, &mut out);
    }
    out
}

/// The level of a value that is bad from some marks on; `back` is what it has to fall below a mark at
/// which it stands already.
fn level(value: u32, marks: &[(u32, Severity)], back: u32, stands: Option<Severity>) -> Option<Severity> {
    let holds = |(mark, severity): &(u32, Severity)| {
        let mark = if stands >= Some(*severity) { mark.saturating_sub(back) } else { *mark };
        value >= mark
    };
    marks.iter().filter(|m| holds(m)).map(|(_, s)| *s).max()
}

fn fill(settings: &Settings, state: &ApplianceState, board: &Board) -> Option<Seen> {
    let permille = state.fill_permille?;
    let marks: Vec<(u32, Severity)> = settings.fill_pct.into_iter().zip(LEVELS).collect();
    let pct = u32::try_from(permille / 10).unwrap_or(u32::MAX);
    let stands = board.severity("buffer.fill", None, "");
    let limit = iec(state.limit_bytes.unwrap_or_default());
    Some(match level(pct, &marks, FILL_BACK, stands) {
        Some(severity) => Seen::Bad(severity, format!("{} of {limit} used", words::percent(permille))),
        None => Seen::Good,
    })
}

fn time_to_full(settings: &Settings, state: &ApplianceState, board: &Board) -> Option<Seen> {
    let f = &state.full;
    if f.never {
        return Some(Seen::Good);
    }
    let us = f.in_us.filter(|_| f.confidence >= Confidence::Medium)?;
    let stands = board.severity("buffer.time_to_full", None, "");
    let holds = |(mark, severity): &(i64, Severity)| {
        let mark = if stands >= Some(*severity) { mark.saturating_add(mark / 4) } else { *mark };
        us <= mark
    };
    let marks = settings.full_in_us.into_iter().zip(LEVELS);
    Some(match marks.filter(holds).map(|(_, s)| s).max() {
        Some(severity) if us == 0 => Seen::Bad(severity, "full".into()),
        Some(severity) => Seen::Bad(severity, format!("full in {}: {}", brief_duration(us), f.method)),
        None => Seen::Good,
    })
}

fn coverage(state: &ApplianceState, board: &Board) -> Option<Seen> {
    if state.full.never {
        return Some(Seen::Good);
    }
    let reach = state.coverage_full_us.filter(|_| state.full.confidence >= Confidence::Medium)?;
    let goal = state.coverage_goal_us;
    let mark =
        if board.severity("buffer.coverage", None, "").is_some() { goal.saturating_add(goal / 10) } else { goal };
    Some(if reach < mark {
        let text = format!("a full buffer reaches back {}, wanted are {}", brief_duration(reach), brief_duration(goal));
        Seen::Bad(Severity::Minor, text)
    } else {
        Seen::Good
    })
}

fn stuck(state: &ApplianceState) -> String {
    let pending = grouped(state.pending.unwrap_or_default());
    format!("{} sent since the order, {pending} wait and do not move", grouped(state.replay.sent))
}

fn last_loss(state: &ApplianceState, or: &str) -> String {
    match state.losses.iter().find(|l| l.records > 0) {
        Some(l) => format!("at least {} records lost: {}", grouped(l.records), l.cause),
        None => or.to_owned(),
    }
}

fn uplink(state: &ApplianceState) -> String {
    let u = &state.uplink;
    let why = if u.last_error.is_empty() { "no reason told" } else { &u.last_error };
    match u.failures {
        0 | 1 => format!("the probe failed: {why}"),
        n => format!("{} probes in a row failed: {why}", grouped(n)),
    }
}

fn disks(state: &ApplianceState, board: &Board, told: Told<'_>, out: &mut Vec<Condition>) {
    if !told.disks {
        return;
    }
    for disk in &state.disks {
        let stands = board.severity("host.disk", None, &disk.mount);
        let seen = match level(disk.used_pct, &DISK, 3, stands) {
            Some(severity) => Seen::Bad(severity, format!("{} is {} % full", disk.mount, disk.used_pct)),
            None => Seen::Good,
        };
        out.push(("host.disk", None, disk.mount.clone(), seen));
    }
    for (_, mount) in board.keys("host.disk") {
        if !state.disks.iter().any(|d| d.mount == mount) {
            out.push(("host.disk", None, mount, Seen::Good));
        }
    }
}

fn collector(c: &CollectorState, board: &Board, told: Told<'_>, out: &mut Vec<Condition>) {
    let badly = if c.critical { Severity::Critical } else { Severity::Major };
    let mut push = |id, qualifier: String, seen| out.push((id, Some(c.name.clone()), qualifier, seen));
    match c.flow {
        Flow::Silent => {
            let severity = if c.critical { Severity::Major } else { Severity::Minor };
            let last = if c.last_data.is_set() {
                format!("no record since {}", c.last_data.to_rfc3339())
            } else {
                "no record so far".to_owned()
            };
            push("buffer.no_data", String::new(), Seen::Bad(severity, last));
        }
        Flow::Flowing | Flow::NotExpected => push("buffer.no_data", String::new(), Seen::Good),
        Flow::Unknown => {}
    }
    if told.stats {
        let over = c.quota_permille.filter(|_| c.quota_records.is_some());
        let stands = board.severity("buffer.quota", Some(&c.name), "").is_some();
        let mark = if stands { 950 } else { 1000 };
        let seen = match over.filter(|p| *p >= mark) {
            Some(permille) => Seen::Bad(
                Severity::Warning,
                format!(
                    "{} of its {} records; the appliance does not enforce it",
                    words::percent(permille),
                    grouped(c.quota_records.unwrap_or_default())
                ),
            ),
            None => Seen::Good,
        };
        push("buffer.quota", String::new(), seen);
    }
    let down = matches!(c.process, ProcessState::Stopped | ProcessState::Failed);
    if told.processes {
        let seen = if down && !c.disabled {
            Seen::Bad(badly, format!("its process is {}", c.process.word()))
        } else {
            Seen::Good
        };
        push("service.down", String::new(), seen);
    }
    if told.sockets {
        let names: Vec<String> = c.ports.iter().map(|p| port(p.public, p.tcp)).collect();
        for (p, name) in c.ports.iter().zip(&names) {
            let dead = p.public_state == PortCheck::Listening
                && !c.disabled
                && (p.relay_without_collector() || (p.inner.is_some() && down));
            let seen = if dead {
                let holder = if p.holder.is_empty() { "somebody" } else { &p.holder };
                let inner = p.inner.unwrap_or_default();
                Seen::Bad(
                    badly,
                    format!("{holder} listens on {name} and nobody on {inner} behind it: what is sent there is lost"),
                )
            } else {
                Seen::Good
            };
            push("buffer.dead_listener", name.clone(), seen);
        }
        for (of, qualifier) in board.keys("buffer.dead_listener") {
            if of.as_deref() == Some(&c.name) && !names.contains(&qualifier) {
                push("buffer.dead_listener", clean(&qualifier).into_owned(), Seen::Good);
            }
        }
    }
}

/// A port with its protocol: `1514/udp`.
pub(super) fn port(port: u16, tcp: bool) -> String {
    format!("{port}/{}", if tcp { "tcp" } else { "udp" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_left_later_than_it_is_entered() {
        let marks = [(70, Severity::Minor), (85, Severity::Major), (95, Severity::Critical)];
        assert_eq!(level(69, &marks, 3, None), None);
        assert_eq!(level(86, &marks, 3, None), Some(Severity::Major));
        assert_eq!(level(83, &marks, 3, Some(Severity::Major)), Some(Severity::Major));
        assert_eq!(level(81, &marks, 3, Some(Severity::Major)), Some(Severity::Minor));
        assert_eq!(level(68, &marks, 3, Some(Severity::Critical)), Some(Severity::Minor));
        assert_eq!(level(4000, &marks, 3, None), Some(Severity::Critical));
    }
}
