//! What is known of a host after each poll: rates out of counters, uptimes, and what is worth an alarm.
//! A host that is silent keeps what it said last; nothing is cleared because it is silent.

use std::collections::HashMap;

use crate::model::severity::Severity;
use crate::model::time::{SECOND, Ts};
use crate::model::vm::poll::DiskPoll;
use crate::model::vm::state::{DiskState, HostContact, Power, UptimeFrom};
use crate::model::vm::{HostPoll, HostState, VmPoll, VmState};

/// A machine has crashed.
pub const CRASHED: &str = "vm.crashed";
/// A machine stands still because of an error of its storage.
pub const IO_ERROR: &str = "vm.io_error";
/// The state of a machine is not known.
pub const UNKNOWN: &str = "vm.unknown";
/// An operation on a machine failed, and something is left to do.
pub const OPERATION: &str = "vm.operation";

/// All of them.
pub const TYPES: [&str; 4] = [CRASHED, IO_ERROR, UNKNOWN, OPERATION];

/// Alarms that stand, by machine and type.
type Raised = HashMap<(String, &'static str), (Severity, String)>;

/// An alarm of a machine that comes, changes or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmAlarm {
    /// Machine.
    pub vm: String,
    /// Type.
    pub type_id: &'static str,
    /// Severity and words; `None`: it is over.
    pub raise: Option<(Severity, String)>,
}

/// Counters of the poll before.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    id: Option<i32>,
    cpu_ns: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    receive: Option<u64>,
    send: Option<u64>,
}

/// Follows one host.
#[derive(Debug, Default)]
pub struct Track {
    state: HostState,
    at: Option<Ts>,
    cpu_ns: Option<(u64, u64)>,
    counters: HashMap<String, Counters>,
    raised: Raised,
}

/// A rate a second between two readings of a counter; nothing when it was set back.
fn rate(before: Option<u64>, now: Option<u64>, span_us: i64) -> Option<u64> {
    let grown = now?.checked_sub(before?)?;
    let span = u128::try_from(span_us).ok().filter(|span| *span > 0)?;
    u64::try_from(u128::from(grown) * SECOND as u128 / span).ok()
}

fn permille(busy_ns: u64, whole_ns: u128) -> Option<u32> {
    if whole_ns == 0 {
        return None;
    }
    Some(u32::try_from(u128::from(busy_ns) * 1000 / whole_ns).unwrap_or(u32::MAX).min(1000))
}

impl Track {
    /// Takes up what was known of the host before.
    pub fn resume(&mut self, state: HostState) {
        // What was raised then stands: it has to be cleared when it is over, though we did not see its end.
        self.raised = standing(&state);
        self.state = state;
    }

    /// What is known.
    #[must_use]
    pub const fn state(&self) -> &HostState {
        &self.state
    }

    /// Takes a poll in.
    pub fn step(&mut self, poll: HostPoll, poll_ms: u64) -> (HostState, Vec<VmAlarm>) {
        let answered = poll.contact == HostContact::Up;
        self.state.at = poll.at;
        self.state.poll_ms = poll_ms;
        self.state.contact = poll.contact;
        self.state.trouble.clone_from(&poll.trouble);
        if !answered {
            // Counters that are older than a poll would give the mean of a gap, not a rate.
            self.at = None;
            return (self.state.clone(), Vec::new());
        }
        let span_us = self.at.map_or(0, |before| poll.at.since(before));
        self.at = Some(poll.at);
        self.state.answered = poll.at;
        self.state.response_us = poll.response_us;
        self.state.cpu_permille = match (self.cpu_ns, poll.cpu_ns) {
            (Some((busy0, all0)), Some((busy, all))) if span_us > 0 => {
                busy.checked_sub(busy0).zip(all.checked_sub(all0)).and_then(|(b, a)| permille(b, a.into()))
            }
            _ => None,
        };
        self.cpu_ns = poll.cpu_ns;
        self.state.hostname = poll.hostname;
        self.state.uuid = poll.uuid;
        self.state.libvirt = poll.libvirt;
        self.state.hypervisor = poll.hypervisor;
        self.state.cpus = poll.cpus;
        self.state.memory_kib = poll.memory_kib;
        self.state.free_kib = poll.free_kib;
        let before: HashMap<String, VmState> = self.state.vms.drain(..).map(|vm| (vm.uuid.clone(), vm)).collect();
        let counters = std::mem::take(&mut self.counters);
        let mut vms: Vec<VmState> =
            poll.vms.into_iter().map(|vm| self.machine(vm, &before, &counters, (poll.at, span_us))).collect();
        vms.sort_by(|a, b| a.name.cmp(&b.name));
        self.state.vms = vms;
        let alarms = self.alarms();
        (self.state.clone(), alarms)
    }

    fn machine(
        &mut self,
        vm: VmPoll,
        before: &HashMap<String, VmState>,
        counters: &HashMap<String, Counters>,
        (at, span_us): (Ts, i64),
    ) -> VmState {
        let known = before.get(&vm.uuid);
        let sum = |of: fn(&(u64, u64)) -> u64| {
            let told: Vec<u64> = vm.disks.iter().filter_map(|d| d.io.as_ref()).map(of).collect();
            (!told.is_empty()).then(|| told.iter().fold(0_u64, |sum, n| sum.saturating_add(*n)))
        };
        let now = Counters {
            id: vm.id,
            cpu_ns: vm.cpu_ns,
            read: sum(|io| io.0),
            write: sum(|io| io.1),
            receive: vm.net.map(|net| net.0),
            send: vm.net.map(|net| net.1),
        };
        // Another number is another start: its counters began anew.
        let last = counters.get(&vm.uuid).copied().filter(|last| last.id == now.id).unwrap_or_default();
        self.counters.insert(vm.uuid.clone(), now);
        let active = vm.power.active();
        let cpu_permille = now
            .cpu_ns
            .zip(last.cpu_ns)
            .and_then(|(now, last)| now.checked_sub(last))
            .filter(|_| active && span_us > 0)
            .and_then(|busy| permille(busy, u128::from(vm.vcpus.max(1)) * u128::try_from(span_us).unwrap_or(0) * 1000));
        let (since, since_from) = uptime(&vm, known, at);
        let of = |before, now| rate(before, now, span_us).filter(|_| active);
        VmState {
            power: vm.power,
            reason: vm.reason,
            title: vm.title,
            autostart: vm.autostart,
            persistent: vm.persistent,
            vcpus: vm.vcpus,
            cpu_permille,
            memory_kib: vm.memory_kib.filter(|_| active),
            memory_max_kib: vm.memory_max_kib,
            read_rate: of(last.read, now.read),
            write_rate: of(last.write, now.write),
            receive_rate: of(last.receive, now.receive),
            send_rate: of(last.send, now.send),
            disks: vm.disks.into_iter().map(disk).collect(),
            since,
            since_from,
            snapshots: vm.snapshots,
            checkpoints: vm.checkpoints,
            // Not every backup leaves a checkpoint that the host tells of.
            last_backup: vm.last_backup.max(known.and_then(|k| k.last_backup)),
            screens: vm.screens,
            serial: vm.serial,
            in_use: vm.in_use,
            job: vm.job,
            trouble: vm.trouble,
            id: vm.id,
            name: vm.name,
            uuid: vm.uuid,
        }
    }

    /// What is worth an alarm, as far as it is another than before.
    fn alarms(&mut self) -> Vec<VmAlarm> {
        let now = standing(&self.state);
        let mut changes: Vec<VmAlarm> = now
            .iter()
            .filter(|(key, raise)| self.raised.get(*key) != Some(*raise))
            .map(|((vm, type_id), raise)| VmAlarm { vm: vm.clone(), type_id, raise: Some(raise.clone()) })
            .collect();
        changes.extend(self.raised.keys().filter(|key| !now.contains_key(*key)).map(|(vm, type_id)| VmAlarm {
            vm: vm.clone(),
            type_id,
            raise: None,
        }));
        changes.sort_by(|a, b| (&a.vm, a.type_id).cmp(&(&b.vm, b.type_id)));
        self.raised = now;
        changes
    }
}

/// What is worth an alarm, by machine and type.
fn standing(state: &HostState) -> Raised {
    let mut now = Raised::new();
    for vm in &state.vms {
        let mut raise = |type_id, severity, words: String| {
            now.insert((vm.name.clone(), type_id), (severity, words));
        };
        match vm.power {
            Power::Crashed => raise(CRASHED, Severity::Major, format!("{} has crashed", vm.name)),
            Power::Paused if vm.reason == "I/O error" => {
                raise(IO_ERROR, Severity::Critical, format!("{} stands still: its storage failed", vm.name));
            }
            Power::Unknown => raise(UNKNOWN, Severity::Major, format!("the state of {} is not known", vm.name)),
            _ => {}
        }
        if !vm.trouble.is_empty() {
            raise(OPERATION, Severity::Minor, vm.trouble.clone());
        }
    }
    now
}

/// Since when it runs: what the host tells, else what was known of the same start, else from now on.
fn uptime(vm: &VmPoll, known: Option<&VmState>, at: Ts) -> (Option<Ts>, UptimeFrom) {
    if !vm.power.active() {
        return (None, UptimeFrom::Unknown);
    }
    if let Some((since, from)) = vm.since {
        return (Some(since), from);
    }
    match known {
        Some(known) if known.id == vm.id && known.since.is_some() => (known.since, known.since_from),
        _ => (Some(at), UptimeFrom::Seen),
    }
}

fn disk(disk: DiskPoll) -> DiskState {
    DiskState {
        target: disk.target,
        path: disk.path,
        capacity: disk.capacity,
        allocation: disk.allocation,
        physical: disk.physical,
        backing: disk.backing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vm(name: &str, power: Power, id: i32) -> VmPoll {
        VmPoll { name: name.into(), uuid: format!("uuid-{name}"), power, id: Some(id), vcpus: 2, ..VmPoll::default() }
    }

    fn poll(at: i64, vms: Vec<VmPoll>) -> HostPoll {
        HostPoll { at: Ts(at * SECOND), contact: HostContact::Up, cpus: 4, vms, ..HostPoll::default() }
    }

    fn busy(seconds: u64, bytes: u64, id: i32) -> VmPoll {
        VmPoll {
            cpu_ns: Some(seconds * 1_000_000_000),
            net: Some((bytes, bytes * 2)),
            disks: vec![DiskPoll { io: Some((bytes, 0)), ..DiskPoll::default() }],
            ..vm("web", Power::Running, id)
        }
    }

    #[test]
    fn rates_come_from_two_polls_and_not_across_a_restart() {
        let mut track = Track::default();
        let (first, _) = track.step(poll(100, vec![busy(10, 0, 1)]), 5000);
        assert_eq!((first.vms[0].cpu_permille, first.vms[0].receive_rate), (None, None));
        let (second, _) = track.step(poll(110, vec![busy(15, 1000, 1)]), 5000);
        let web = &second.vms[0];
        assert_eq!((web.cpu_permille, web.receive_rate, web.send_rate), (Some(250), Some(100), Some(200)));
        assert_eq!((web.read_rate, web.write_rate), (Some(100), Some(0)));
        let (third, _) = track.step(poll(120, vec![busy(20, 9000, 2)]), 5000);
        assert_eq!((third.vms[0].cpu_permille, third.vms[0].receive_rate), (None, None), "another start");
    }

    #[test]
    fn a_silent_host_keeps_what_it_said_and_its_alarms() {
        let mut track = Track::default();
        let (_, alarms) = track.step(poll(100, vec![vm("web", Power::Crashed, 1)]), 5000);
        assert_eq!(alarms.len(), 1);
        let silent = HostPoll { contact: HostContact::Down, trouble: "no answer".into(), ..poll(105, Vec::new()) };
        let (state, alarms) = track.step(silent, 5000);
        assert_eq!((state.vms.len(), state.contact, alarms.len()), (1, HostContact::Down, 0));
        assert_eq!(state.answered, Ts(100 * SECOND));
        let (_, alarms) = track.step(poll(110, vec![vm("web", Power::Running, 2)]), 5000);
        assert_eq!(alarms, [VmAlarm { vm: "web".into(), type_id: CRASHED, raise: None }]);
    }

    #[test]
    fn uptime_says_where_it_comes_from_and_lives_through_polls() {
        let mut track = Track::default();
        let (state, _) = track.step(poll(100, vec![vm("web", Power::Running, 1)]), 5000);
        assert_eq!((state.vms[0].since, state.vms[0].since_from), (Some(Ts(100 * SECOND)), UptimeFrom::Seen));
        let told = VmPoll { since: Some((Ts(40 * SECOND), UptimeFrom::Process)), ..vm("web", Power::Running, 1) };
        let (state, _) = track.step(poll(105, vec![told]), 5000);
        assert_eq!(state.vms[0].since_from, UptimeFrom::Process);
        let (state, _) = track.step(poll(110, vec![vm("web", Power::Running, 1)]), 5000);
        assert_eq!((state.vms[0].since, state.vms[0].since_from), (Some(Ts(40 * SECOND)), UptimeFrom::Process));
        let (state, _) = track.step(poll(115, vec![vm("web", Power::Off, 1)]), 5000);
        assert_eq!(state.vms[0].since, None);
    }

    proptest! {
        #[test]
        fn any_counters_give_rates_or_nothing(steps in prop::collection::vec((0_i64..100, any::<u64>(), any::<u64>(), 0_i32..3), 1..20)) {
            let mut track = Track::default();
            let mut at = 0;
            for (span, cpu, bytes, id) in steps {
                at += span;
                let one = VmPoll { cpu_ns: Some(cpu), net: Some((bytes, bytes)), ..vm("web", Power::Running, id) };
                let (state, _) = track.step(poll(at, vec![one]), 5000);
                prop_assert!(state.vms[0].cpu_permille.is_none_or(|p| p <= 1000));
                prop_assert_eq!(state.vms.len(), 1);
            }
        }
    }
}
