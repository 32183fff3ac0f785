//! Hosts and virtual machines in every state that somebody on call has to tell apart, at the fixed
//! instant of [`super::rows::NOW`], one of them hostile.

use std::sync::Arc;

use noctule::model::ids::RowId;
use noctule::model::time::{DAY, HOUR, MINUTE, SECOND};
use noctule::model::vm::state::{DiskState, HostContact, Power, UptimeFrom, VmJob};
use noctule::model::vm::{HostState, VmRow, VmState};

use super::rows::{HOSTILE, NOW};

const GIB: u64 = 1 << 30;

fn disk(gib: u64) -> DiskState {
    DiskState {
        target: "vda".into(),
        path: "/var/lib/libvirt/images/disk.qcow2".into(),
        capacity: Some(gib * GIB),
        allocation: Some(gib * GIB / 4),
        physical: Some(gib * GIB / 4),
        backing: 0,
    }
}

/// A machine that runs well.
fn running(name: &str, cpu: u32) -> VmState {
    VmState {
        name: name.into(),
        uuid: format!("4dea22b3-1d52-d8f3-2516-0000000{:05}", name.len() * 37),
        power: Power::Running,
        reason: "booted".into(),
        title: format!("{name} of the lab"),
        autostart: Some(true),
        persistent: true,
        vcpus: 2,
        cpu_permille: Some(cpu),
        memory_kib: Some(1_310_720),
        memory_max_kib: 2_097_152,
        disks: vec![disk(20)],
        read_rate: Some(4096),
        write_rate: Some(131_072),
        receive_rate: Some(52_000),
        send_rate: Some(1_200_000),
        since: Some(NOW.plus(-9 * DAY)),
        since_from: UptimeFrom::Process,
        snapshots: Some(2),
        last_backup: Some(NOW.plus(-7 * HOUR)),
        screens: vec!["vnc 127.0.0.1:5900".into()],
        serial: true,
        id: Some(7),
        ..VmState::default()
    }
}

fn off(name: &str) -> VmState {
    VmState {
        power: Power::Off,
        reason: "shutdown".into(),
        cpu_permille: None,
        memory_kib: None,
        read_rate: None,
        write_rate: None,
        receive_rate: None,
        send_rate: None,
        since: None,
        since_from: UptimeFrom::Unknown,
        id: None,
        autostart: Some(false),
        last_backup: None,
        ..running(name, 0)
    }
}

fn first_host() -> HostState {
    let moving = VmState {
        job: Some(VmJob {
            operation: "migration out".into(),
            elapsed_us: 12 * SECOND,
            total: 2 * GIB,
            done: GIB,
            remaining: GIB,
            memory: (2 * GIB, GIB, GIB),
            disk: (0, 0, 0),
            rate: Some(96 << 20),
            iteration: Some(2),
            downtime_ms: Some(106),
        }),
        ..running("db-primary", 944)
    };
    let paused = VmState { power: Power::Paused, reason: "I/O error".into(), ..running("mail", 0) };
    let crashed = VmState { power: Power::Crashed, reason: "panicked".into(), ..off("legacy") };
    let overlay = VmState {
        disks: vec![DiskState { backing: 2, ..disk(40) }],
        since: Some(NOW.plus(-3 * MINUTE)),
        since_from: UptimeFrom::Seen,
        in_use: vec!["serial by anna".into(), "vnc 10.0.0.7".into()],
        ..running("web-1", 125)
    };
    HostState {
        at: NOW.plus(-2 * SECOND),
        answered: NOW.plus(-2 * SECOND),
        contact: HostContact::Up,
        hostname: "kvm-1.example".into(),
        uuid: "00000000-0000-0000-0000-0000000000a1".into(),
        libvirt: 9_000_000,
        hypervisor: 7_002_022,
        cpus: 16,
        memory_kib: 67_108_864,
        free_kib: Some(33_554_432),
        cpu_permille: Some(312),
        response_us: 22_000,
        poll_ms: 5000,
        vms: vec![moving, crashed, paused, off("spare"), overlay],
        ..HostState::default()
    }
}

fn second_host() -> HostState {
    let unknown = VmState {
        power: Power::Unknown,
        reason: String::new(),
        trouble: "the move to kvm-1 was not finished: look at both sides".into(),
        ..running("lost", 0)
    };
    let hostile = VmState { title: HOSTILE.into(), ..running(HOSTILE, 10) };
    HostState {
        at: NOW.plus(-2 * SECOND),
        answered: NOW.plus(-11 * MINUTE),
        contact: HostContact::Down,
        trouble: "ssh kvm-2: no answer within 10 s: check address, port and firewall".into(),
        hostname: "kvm-2.example".into(),
        vms: vec![hostile, unknown],
        ..first_host()
    }
}

/// Hosts above their machines, as the tree shows them.
pub fn vms() -> Vec<VmRow> {
    let mut out = Vec::new();
    for (id, source, host) in [(1, "kvm-1", first_host()), (2, "kvm-2", second_host())] {
        let host = Arc::new(host);
        let row = |nth: Option<usize>| VmRow {
            id: RowId(nth.map_or(id, |nth| (id << 32) | (nth as i64 + 1))),
            source: source.into(),
            host: Arc::clone(&host),
            nth,
            alarms: u32::from(id == 1),
        };
        out.push(row(None));
        out.extend((0..host.vms.len()).map(|nth| row(Some(nth))));
    }
    out
}
