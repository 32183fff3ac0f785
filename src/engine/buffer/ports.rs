//! Ports and processes. A relay stands before every collector that listens on UDP, so that somebody
//! listens on the public port says nothing about the collector (facts: source-systems §1.1): both
//! ports are looked at, and the process. The older software has no relays: its collectors listen on
//! the public ports themselves, as does one of the newer software that was started without.

use super::settings::{Port, Service};
use crate::engine::ports::service_of;
use crate::model::appliance::poll::{PortSetting, ProcessStatus, Socket, Version};
use crate::model::appliance::state::{PortCheck, PortState, ProcessState};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts};

/// Most ports of one service.
const MOST: usize = 16;

/// The ports of a service: as the appliance's configuration has them, unless an operator has set
/// them, and without those that are configured and that nobody listens on (`netflow.port`); the relay's inner port is the public one and ten thousand, eleven thousand for syslog. There
/// is none where the software has no relays.
pub(super) fn planned(service: &Service, plan: &[PortSetting], version: Version) -> Vec<Port> {
    let mut told: Vec<Port> = Vec::new();
    let its = |p: &&PortSetting| p.service == service.name && p.enabled && p.port != 0;
    for p in plan.iter().filter(its).filter(|p| service_of(&p.path).is_some()).take(MOST) {
        let inner =
            if p.tcp { None } else { p.port.checked_add(if service.name == "fluent-bit" { 11_000 } else { 10_000 }) };
        let port = Port { public: p.port, inner, tcp: p.tcp };
        if !told.contains(&port) {
            told.push(port);
        }
    }
    if service.ports_fixed {
        return service.ports.clone();
    }
    let mut ports = if told.is_empty() { service.ports.clone() } else { told };
    if version == Version::Old {
        for port in &mut ports {
            port.inner = None;
        }
    }
    ports
}

/// Whether the appliance's configuration switches a service off.
pub(super) fn disabled(service: &str, plan: &[PortSetting]) -> bool {
    let mut its = plan.iter().filter(|p| p.service == service).peekable();
    its.peek().is_some() && its.all(|p| !p.enabled)
}

/// How the ports of a service stand. `listening` is `None` when nobody could look.
pub(super) fn check(service: &str, ports: &[Port], listening: Option<&[Socket]>) -> Vec<PortState> {
    ports
        .iter()
        .map(|p| {
            let find = |port: u16| {
                let sockets = listening?;
                Some(sockets.iter().find(|s| s.port == port && s.tcp == p.tcp))
            };
            let state = |found: Option<Option<&Socket>>| match found {
                None => PortCheck::NotChecked,
                Some(Some(_)) => PortCheck::Listening,
                Some(None) => PortCheck::Closed,
            };
            let public = find(p.public);
            // The collector holds the public port itself: there is no relay, and nothing behind it.
            let itself = public.flatten().is_some_and(|s| s.process == service);
            PortState {
                tcp: p.tcp,
                public: p.public,
                public_state: state(public),
                holder: public.flatten().map(|s| clean(&s.process).into_owned()).unwrap_or_default(),
                inner: p.inner,
                inner_state: p.inner.filter(|_| !itself).map_or(PortCheck::NotChecked, |inner| state(find(inner))),
            }
        })
        .collect()
}

/// A process, over time.
#[derive(Debug, Clone, Default)]
pub(super) struct Process {
    pub(super) state: ProcessState,
    pub(super) since: Ts,
    pub(super) restarts: Option<u32>,
    pub(super) critical: Option<bool>,
    pid: u32,
    started: Ts,
}

impl Process {
    /// Goes on after a restart of noctule. Process ids are not kept: the first one seen is no restart.
    pub(super) fn resume(&mut self, state: ProcessState, since: Ts, restarts: Option<u32>) {
        (self.state, self.since, self.restarts) = (state, since, restarts);
    }

    /// Takes what is told of it. Says whether it has been restarted.
    pub(super) fn read(&mut self, told: &ProcessStatus, at: Ts) -> bool {
        let state = state(told);
        let other_pid = told.pid != 0 && self.pid != 0 && told.pid != self.pid;
        // Start times are worked out of running times and may be off by a second or two.
        let later = told.since.is_set() && self.started.is_set() && told.since.since(self.started) > 3 * SECOND;
        let restarted =
            state == ProcessState::Running && if told.pid != 0 && self.pid != 0 { other_pid } else { later };
        if told.pid != 0 {
            self.pid = told.pid;
        }
        if told.since.is_set() {
            self.started = told.since;
        }
        self.critical = told.critical.or(self.critical);
        let counts = told.pid != 0 || told.since.is_set();
        self.restarts = match (told.restarts, self.restarts) {
            (Some(n), _) => Some(n),
            (None, seen) if restarted => Some(seen.unwrap_or(0).saturating_add(1)),
            (None, None) if counts => Some(0),
            (None, seen) => seen,
        };
        if state == ProcessState::Running && told.since.is_set() {
            self.since = told.since;
        } else if state != self.state {
            self.since = if self.state == ProcessState::Unknown { Ts::NEVER } else { at };
        }
        self.state = state;
        restarted
    }

    /// It does not run, as far as is known.
    pub(super) const fn down(&self) -> bool {
        matches!(self.state, ProcessState::Stopped | ProcessState::Failed)
    }
}

/// The state that a word means. Words are those of the config service, supervisor and systemd.
fn state(told: &ProcessStatus) -> ProcessState {
    let word = told.word.to_ascii_lowercase();
    match (word.as_str(), told.running) {
        ("starting" | "stopping" | "backoff" | "activating" | "deactivating" | "reloading", _) => {
            ProcessState::Changing
        }
        ("fatal", _) => ProcessState::Failed,
        // The config service says "failed" of whatever its list of processes does not show; it alone
        // tells what is critical.
        ("failed", Some(false)) if told.critical.is_none() => ProcessState::Failed,
        (_, Some(true)) => ProcessState::Running,
        (_, Some(false)) => ProcessState::Stopped,
        (_, None) => ProcessState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        let ports = vec![Port { public: 1514, inner: Some(12514), tcp: false }];
        Service { name: "fluent-bit".into(), ports, ..Service::default() }
    }

    fn bound(port: u16, process: &str) -> Socket {
        Socket { port, process: process.into(), address: "0.0.0.0".into(), ..Socket::default() }
    }

    #[test]
    fn a_relay_without_its_collector_is_seen() {
        let ports = planned(&service(), &[], Version::New);
        let seen = check("fluent-bit", &ports, Some(&[bound(1514, "socat")]));
        assert!(seen[0].relay_without_collector() && seen[0].holder == "socat");
        let seen = check("fluent-bit", &ports, Some(&[bound(1514, "socat"), bound(12514, "fluent-bit")]));
        assert!(!seen[0].relay_without_collector());
        let seen = check("fluent-bit", &ports, None);
        assert_eq!((seen[0].public_state, seen[0].inner_state), (PortCheck::NotChecked, PortCheck::NotChecked));
        let tcp = Socket { tcp: true, ..bound(1514, "x") };
        assert_eq!(check("fluent-bit", &ports, Some(&[tcp]))[0].public_state, PortCheck::Closed);
    }

    fn setting(path: &str, port: u16) -> PortSetting {
        PortSetting { service: "fluent-bit".into(), path: path.into(), port, enabled: true, ..PortSetting::default() }
    }

    #[test]
    fn a_collector_that_listens_itself_has_no_relay() {
        let old = planned(&service(), &[], Version::Old);
        assert_eq!(old, [Port { public: 1514, inner: None, tcp: false }]);
        let moved = setting("collection.syslog.port", 5140);
        assert_eq!(planned(&service(), &[moved], Version::Old)[0].inner, None);
        let set = Service { ports_fixed: true, ..service() };
        assert_eq!(planned(&set, &[], Version::Old)[0].inner, Some(12514), "an operator who names one knows of it");
        let ports = planned(&service(), &[], Version::New);
        let seen = check("fluent-bit", &ports, Some(&[bound(1514, "fluent-bit")]));
        assert!(!seen[0].relay_without_collector() && seen[0].public_state == PortCheck::Listening);
        assert_eq!(seen[0].inner_state, PortCheck::NotChecked);
    }

    #[test]
    fn the_appliances_own_ports_replace_the_shipped_ones() {
        let moved = setting("collection.syslog.port", 5140);
        assert_eq!(
            planned(&service(), std::slice::from_ref(&moved), Version::New)[0],
            Port { public: 5140, inner: Some(16140), tcp: false }
        );
        let high = PortSetting { port: 60_000, ..moved.clone() };
        assert_eq!(planned(&service(), &[high], Version::New)[0].inner, None);
        // Configured as a port of the service's, and nobody listens there.
        let idle = setting("collection.netflow.port", 2055);
        assert_eq!(planned(&service(), &[idle, moved.clone()], Version::New).len(), 1);
        let fixed = Service { ports_fixed: true, ..service() };
        assert_eq!(planned(&fixed, std::slice::from_ref(&moved), Version::New)[0].public, 1514);
        let off = PortSetting { enabled: false, ..moved };
        assert!(disabled("fluent-bit", &[off]) && !disabled("vector", &[]));
    }

    #[test]
    fn restarts_are_counted_by_pid_or_start() {
        let mut p = Process::default();
        let told = |pid, since| ProcessStatus {
            running: Some(true),
            word: "RUNNING".into(),
            pid,
            since: Ts(since),
            ..ProcessStatus::default()
        };
        assert!(!p.read(&told(10, 0), Ts(1)));
        assert!(!p.read(&told(10, 0), Ts(2)));
        assert!(p.read(&told(11, 0), Ts(3)));
        assert_eq!(p.restarts, Some(1));
        let mut p = Process::default();
        p.read(&told(0, 100 * SECOND), Ts(1));
        assert!(!p.read(&told(0, 101 * SECOND), Ts(2)), "a second off is no restart");
        assert!(p.read(&told(0, 200 * SECOND), Ts(3)));
        let gone = ProcessStatus { running: Some(false), word: "failed".into(), critical: Some(true), ..told(0, 0) };
        p.read(&gone, Ts(4));
        assert!(p.state == ProcessState::Stopped && p.down() && p.since == Ts(4));
        let fatal = ProcessStatus { running: Some(false), word: "FATAL".into(), ..told(0, 0) };
        assert_eq!(state(&fatal), ProcessState::Failed);
        assert_eq!(state(&ProcessStatus::default()), ProcessState::Unknown);
    }
}
