//! The plan of a change of ports: what speaks against it, the edits of the appliance's configuration,
//! what has to be restarted afterwards, and the way back.
//!
//! The appliance keeps the configuration as one object and replaces it whole, and it restarts nothing
//! by itself (facts: raven-run §0.7): so only the changed places of the object are touched, keys that are
//! not known stay, and the restarts are part of the plan. Which port starts which service is not what
//! one would think: flows are received on `collection.netflow.ports.*`, not on
//! `collection.netflow.port` (facts: source-systems §1.5).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::appliance::poll::{PortSetting, Socket};

/// Ports that the appliance's own services hold (facts: source-systems §1.1): port, TCP, whose.
pub const RESERVED: [(u16, bool, &str); 9] = [
    (5004, true, "the config service"),
    (5005, true, "the buffer service"),
    (8080, true, "the web panel"),
    (9001, true, "the supervisor"),
    (2020, true, "Fluent Bit's own HTTP server"),
    (8085, true, "Fluent Bit's receiver of Windows events"),
    (9090, true, "Vector's metrics"),
    (9273, true, "Telegraf's metrics"),
    (22, true, "SSH"),
];

/// How far behind the public port a collector's own port may lie, by path: the relay's.
fn inner_offset(path: &str) -> u32 {
    if path.starts_with("collection.syslog") { 11_000 } else { 10_000 }
}

/// Services by the place of their port in the configuration.
#[must_use]
pub fn service_of(path: &str) -> Option<&'static str> {
    match path {
        "collection.syslog.port" => Some("fluent-bit"),
        "collection.netflow.ports.netflow_v5" | "collection.netflow.ports.ipfix" | "collection.netflow.ports.sflow" => {
            Some("goflow2")
        }
        "collection.snmp.trap_port" => Some("telegraf"),
        "collection.windows.port" => Some("vector"),
        _ => None,
    }
}

/// A wanted change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Place in the configuration (`collection.syslog.port`).
    pub path: String,
    /// The wanted port. Wider than a port, so that what is out of range can be told.
    pub port: i64,
}

/// What is known around a change.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The appliance's configuration, whole.
    pub config: &'a Value,
    /// Its ports as read from there.
    pub settings: &'a [PortSetting],
    /// Sockets that listen on it; `None`: nobody can see.
    pub listening: Option<&'a [Socket]>,
    /// Whether its services may bind ports below 1024; `None`: not known.
    pub privileged: Option<bool>,
}

/// Something that speaks against a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Place in the configuration that it is about.
    pub path: String,
    /// Whether the plan cannot be carried out; else a person may decide.
    pub fatal: bool,
    /// What, in words.
    pub words: String,
}

/// An edit of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Place.
    pub path: String,
    /// Port before; `None`: there was none.
    pub from: Option<i64>,
    /// Port after.
    pub to: u16,
    /// TCP, else UDP.
    pub tcp: bool,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What speaks against it.
    pub conflicts: Vec<Conflict>,
    /// What is edited; ports that stay are not in it.
    pub edits: Vec<Edit>,
    /// The whole configuration afterwards.
    pub config: Value,
    /// The whole configuration before: posting it is the way back.
    pub roll_back: Value,
    /// Services to restart afterwards, in this order.
    pub restarts: Vec<String>,
    /// The plan in plain words, a line each.
    pub lines: Vec<String>,
}

impl Plan {
    /// Whether it can be carried out: it changes something, and nothing fatal speaks against it.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !self.edits.is_empty() && self.conflicts.iter().all(|c| !c.fatal)
    }
}

/// Works out a plan.
#[must_use]
pub fn plan(changes: &[Change], around: Around<'_>) -> Plan {
    let mut conflicts = Vec::new();
    let mut edits: Vec<Edit> = Vec::new();
    let mut config = around.config.clone();
    for change in changes {
        let mut refuse = |words: String| conflicts.push(Conflict { path: change.path.clone(), fatal: true, words });
        let Some(service) = service_of(&change.path) else {
            refuse(format!("{} is no port that a collector listens on", change.path));
            continue;
        };
        if edits.iter().any(|e| e.path == change.path) {
            refuse(format!("{} is set twice", change.path));
            continue;
        }
        let port = match u16::try_from(change.port) {
            Ok(port) if port > 0 => port,
            _ => {
                refuse(format!("{}: {} is no port (1 to 65535)", change.path, change.port));
                continue;
            }
        };
        let from = at(around.config, &change.path).and_then(Value::as_i64);
        if from == Some(port.into()) {
            continue;
        }
        if !put(&mut config, &change.path, port) {
            refuse(format!("{}: the configuration has something else there than an object", change.path));
            continue;
        }
        let setting = around.settings.iter().find(|s| s.path == change.path);
        let tcp = setting.map_or(service == "vector", |s| s.tcp);
        conflicts.extend(against(change, port, tcp, service, changes, &around));
        edits.push(Edit { path: change.path.clone(), from, to: port, tcp });
    }
    let mut restarts: Vec<String> = Vec::new();
    for service in edits.iter().filter_map(|e| service_of(&e.path)) {
        if !restarts.iter().any(|r| r == service) {
            restarts.push(service.to_owned());
        }
    }
    let lines = lines(&edits, &conflicts, &restarts, around.listening.is_some());
    Plan { conflicts, edits, config, roll_back: around.config.clone(), restarts, lines }
}

/// The port that a place will have after all changes.
fn after(setting: &PortSetting, changes: &[Change]) -> i64 {
    changes.iter().rev().find(|c| c.path == setting.path).map_or(i64::from(setting.port), |c| c.port)
}

fn against(
    change: &Change,
    port: u16,
    tcp: bool,
    service: &str,
    changes: &[Change],
    around: &Around<'_>,
) -> Vec<Conflict> {
    let mut out = Vec::new();
    let mut tell = |fatal: bool, words: String| out.push(Conflict { path: change.path.clone(), fatal, words });
    let proto = word(tcp);
    if let Some((_, _, whose)) = RESERVED.iter().find(|(p, t, _)| *p == port && *t == tcp) {
        tell(true, format!("{proto} {port} belongs to {whose}"));
    }
    if port < 1024 {
        match around.privileged {
            Some(true) => {}
            Some(false) => tell(true, format!("{port} is below 1024, and {service} may not bind there")),
            None => tell(false, format!("{port} is below 1024: whether {service} may bind there is not known")),
        }
    }
    // The collector itself listens behind a relay; TCP has none.
    let inner = |port: u16, path: &str, tcp: bool| {
        (!tcp).then(|| u32::from(port) + inner_offset(path)).and_then(|p| u16::try_from(p).ok())
    };
    let own_inner = inner(port, &change.path, tcp);
    if !tcp && own_inner.is_none() {
        let most = 65_535 - inner_offset(&change.path);
        tell(true, format!("{port} leaves no room for the collector behind its relay: at most {most}"));
    }
    for other in around.settings.iter().filter(|s| s.path != change.path && s.tcp == tcp) {
        let Ok(theirs) = u16::try_from(after(other, changes)) else { continue };
        let name = if other.service.is_empty() { &other.path } else { &other.service };
        let off = if other.enabled { "" } else { " (switched off now)" };
        // `netflow.port` and the like are configured, and nobody listens there.
        let idle = service_of(&other.path).is_none();
        if theirs == port {
            tell(other.enabled && !idle, format!("{proto} {port} is the port of {name}{off} ({})", other.path));
        }
        let their_inner = inner(theirs, &other.path, other.tcp).filter(|_| !idle);
        if their_inner == Some(port) {
            tell(other.enabled, format!("{proto} {port} is where {name}{off} listens behind its relay"));
        }
        if own_inner == Some(theirs) && !idle {
            tell(
                other.enabled,
                format!("behind its relay {service} would listen on {proto} {theirs}, the port of {name}{off}"),
            );
        }
        if own_inner.is_some() && own_inner == their_inner {
            let both = own_inner.unwrap_or_default();
            tell(other.enabled, format!("behind their relays {service} and {name}{off} would both listen on {both}"));
        }
    }
    for (held, inside) in [(Some(port), false), (own_inner, true)] {
        let Some(held) = held else { continue };
        let holders: BTreeSet<&str> = around
            .listening
            .unwrap_or_default()
            .iter()
            .filter(|s| s.tcp == tcp && s.port == held && !vacated(held, tcp, changes, around))
            .map(|s| if s.process.is_empty() { "a process that cannot be seen" } else { s.process.as_str() })
            .collect();
        if !holders.is_empty() {
            let holders = holders.into_iter().collect::<Vec<_>>().join(", ");
            let place = if inside { " (where it listens behind its relay)" } else { "" };
            tell(true, format!("{proto} {held}{place} is held by {holders}"));
        }
    }
    out
}

/// Whether a port, public or behind a relay, becomes free by the same plan.
fn vacated(port: u16, tcp: bool, changes: &[Change], around: &Around<'_>) -> bool {
    around.settings.iter().any(|s| {
        let inner = (!tcp).then(|| u32::from(s.port) + inner_offset(&s.path));
        let holds = s.port == port || inner == Some(u32::from(port));
        s.tcp == tcp && holds && service_of(&s.path).is_some() && after(s, changes) != i64::from(s.port)
    })
}

fn lines(edits: &[Edit], conflicts: &[Conflict], restarts: &[String], seen: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for edit in edits {
        let from = edit.from.map_or_else(|| "not set".to_owned(), |p| p.to_string());
        lines.push(format!("{}: {from} → {}", edit.path, edit.to));
    }
    if edits.is_empty() {
        lines.push("nothing changes".to_owned());
    }
    for service in restarts {
        lines.push(format!("restart {service}: the appliance does not do so by itself"));
    }
    if !edits.is_empty() {
        lines.push("devices that send to an old port have to be told the new one".to_owned());
        if !seen {
            lines.push("whether the ports are free cannot be seen from here".to_owned());
        }
    }
    for conflict in conflicts {
        lines.push(format!("{}: {}", if conflict.fatal { "not possible" } else { "to consider" }, conflict.words));
    }
    lines
}

const fn word(tcp: bool) -> &'static str {
    if tcp { "TCP" } else { "UDP" }
}

/// What stands at a place of an object (`collection.syslog.port`).
#[must_use]
pub fn at<'a>(config: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(config, |value, key| value.as_object()?.get(key))
}

/// Puts a port at a place, and touches nothing else. `false`: something that is no object is in the way.
fn put(config: &mut Value, path: &str, port: u16) -> bool {
    let Some((parents, last)) = path.rsplit_once('.') else { return false };
    let mut value = config;
    for key in parents.split('.') {
        let Some(object) = value.as_object_mut() else { return false };
        value = object.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    let Some(object) = value.as_object_mut() else { return false };
    object.insert(last.to_owned(), port.into());
    true
}

#[cfg(test)]
#[path = "ports_tests.rs"]
mod tests;
