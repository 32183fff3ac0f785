//! What libvirt tells of machines and hosts, as types of the model (numbers: libvirt's
//! `virDomainState` with its reasons, `virDomainJobOperation`, and the names of its typed parameters).

use super::wire::{Domain, NodeStat, Param, Params, StatsRecord, number, param};
use crate::model::text::clean;
use crate::model::vm::VmPoll;
use crate::model::vm::poll::DiskPoll;
use crate::model::vm::state::{Power, VmJob};

/// Disks and interfaces of one machine at most: whatever a host claims.
const MOST: u64 = 256;

/// Why a machine is in its state, in words.
#[must_use]
pub fn reason(power: Power, reason: i64) -> &'static str {
    match (power, reason) {
        (Power::Running, 1) => "booted",
        (Power::Running, 2) => "migrated",
        (Power::Running, 3) => "restored",
        (Power::Running, 4) | (Power::Paused | Power::Off, 7) => "from snapshot",
        (Power::Running, 5) => "unpaused",
        (Power::Running, 6) => "migration cancelled",
        (Power::Running, 7) => "save cancelled",
        (Power::Running, 8) => "woken",
        (Power::Running, 9) => "crashed before",
        (Power::Running, 10) | (Power::Paused, 12) => "post-copy",
        (Power::Paused, 1) => "by an operator",
        (Power::Paused, 2) => "migrating",
        (Power::Paused, 3) => "being saved",
        (Power::Paused, 4) => "being dumped",
        (Power::Paused, 5) => "I/O error",
        (Power::Paused, 6) => "watchdog",
        (Power::Paused, 8) => "shutting down",
        (Power::Paused, 9) => "snapshot being taken",
        (Power::Paused, 11) => "starting up",
        (Power::Paused, 13) => "post-copy failed",
        (Power::Off, 1) => "shut down",
        (Power::Off, 2) => "forced off",
        (Power::Paused, 10) | (Power::Off, 3) => "crashed",
        (Power::Off, 4) => "migrated away",
        (Power::Off, 5) => "saved",
        (Power::Off, 6) => "failed to start",
        (Power::Off, 8) => "libvirt could not go on with it",
        (Power::Crashed, 1) => "panicked",
        _ => "",
    }
}

/// A machine of its figures.
#[must_use]
pub fn machine(record: &StatsRecord) -> VmPoll {
    let StatsRecord { domain, params } = record;
    let figure = |name: &str| number(params, name);
    let power = figure("state.state").and_then(|s| i32::try_from(s).ok()).map_or(Power::Unknown, Power::from_wire);
    let why = param(params, "state.reason").and_then(super::wire::Value::signed).unwrap_or(0);
    VmPoll {
        name: domain.name.clone(),
        uuid: domain.uuid_text(),
        id: running_id(domain),
        power,
        reason: reason(power, why).to_owned(),
        vcpus: figure("vcpu.current").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        cpu_ns: figure("cpu.time"),
        memory_kib: figure("balloon.rss").or_else(|| figure("balloon.current")),
        memory_max_kib: figure("balloon.maximum").unwrap_or(0),
        disks: disks(params),
        net: net(params),
        ..VmPoll::default()
    }
}

/// The number of a machine that runs.
fn running_id(domain: &Domain) -> Option<i32> {
    (domain.id >= 0).then_some(domain.id)
}

/// Bytes received and sent on all interfaces.
fn net(params: &[Param]) -> Option<(u64, u64)> {
    let count = number(params, "net.count")?.min(MOST);
    let sum = |what: &str| {
        let of = |n: u64| number(params, &format!("net.{n}.{what}.bytes")).unwrap_or(0);
        (0..count).map(of).fold(0, u64::saturating_add)
    };
    (count > 0).then(|| (sum("rx"), sum("tx")))
}

/// The disks; files below overlays are counted at the disk that they are below.
fn disks(params: &[Param]) -> Vec<DiskPoll> {
    let count = number(params, "block.count").unwrap_or(0).min(MOST);
    let mut disks: Vec<DiskPoll> = Vec::new();
    for n in 0..count {
        let text = |what: &str| param(params, &format!("block.{n}.{what}")).and_then(super::wire::Value::text);
        let figure = |what: &str| number(params, &format!("block.{n}.{what}"));
        let target = text("name").unwrap_or_default();
        // The file of a machine itself has no index, or the lowest: all after it are below.
        if let Some(disk) = disks.iter_mut().find(|disk| disk.target == target) {
            disk.backing += 1;
            continue;
        }
        disks.push(DiskPoll {
            target: target.to_owned(),
            path: text("path").unwrap_or_default().to_owned(),
            capacity: figure("capacity"),
            allocation: figure("allocation"),
            physical: figure("physical"),
            backing: 0,
            io: figure("rd.bytes").zip(figure("wr.bytes")),
        });
    }
    disks
}

/// Free memory of a host with what it can give back, KiB.
#[must_use]
pub fn free_kib(stats: &[NodeStat]) -> Option<u64> {
    let of = |name: &str| stats.iter().find(|s| s.field == name).map(|s| s.value);
    let free = of("free")?;
    Some(free.saturating_add(of("buffers").unwrap_or(0)).saturating_add(of("cached").unwrap_or(0)))
}

/// Time that the CPUs of a host were busy, and all of their time, ns.
#[must_use]
pub fn cpu_ns(stats: &[NodeStat]) -> Option<(u64, u64)> {
    let of = |name: &str| stats.iter().find(|s| s.field == name).map(|s| s.value);
    let idle = of("idle")?.saturating_add(of("iowait").unwrap_or(0));
    let busy = of("user")?.saturating_add(of("kernel")?);
    Some((busy, busy.saturating_add(idle)))
}

/// What a job does, by its number.
#[must_use]
pub const fn operation(number: i64) -> &'static str {
    match number {
        1 => "start",
        2 => "save",
        3 => "restore",
        4 => "migration in",
        5 => "migration out",
        6 => "snapshot",
        7 => "snapshot revert",
        8 => "dump",
        9 => "backup",
        10 => "snapshot delete",
        _ => "job",
    }
}

/// A job that runs; `None` where none does (kind 0) or it has ended (3 and up).
#[must_use]
pub fn job(kind: i32, params: &Params) -> Option<VmJob> {
    if !matches!(kind, 1 | 2) {
        return None;
    }
    let figure = |name: &str| number(params, name).unwrap_or(0);
    let part = |what: &str| {
        (figure(&format!("{what}_total")), figure(&format!("{what}_processed")), figure(&format!("{what}_remaining")))
    };
    let (memory, disk) = (part("memory"), part("disk"));
    let whole = part("data");
    let whole = if whole == (0, 0, 0) {
        (memory.0.saturating_add(disk.0), memory.1.saturating_add(disk.1), memory.2.saturating_add(disk.2))
    } else {
        whole
    };
    let elapsed_ms = figure("time_elapsed");
    let told = number(params, "memory_bps").unwrap_or(0).saturating_add(number(params, "disk_bps").unwrap_or(0));
    // Without a rate of its own the mean tells enough.
    let mean = whole.1.saturating_mul(1000).checked_div(elapsed_ms);
    let what = param(params, "operation").and_then(super::wire::Value::signed).unwrap_or(0);
    Some(VmJob {
        operation: operation(what).to_owned(),
        elapsed_us: i64::try_from(elapsed_ms.saturating_mul(1000)).unwrap_or(i64::MAX),
        total: whole.0,
        done: whole.1,
        remaining: whole.2,
        memory,
        disk,
        rate: if told > 0 { Some(told) } else { mean },
        iteration: number(params, "memory_iteration"),
        downtime_ms: number(params, "downtime"),
    })
}

/// A screen in words: `vnc 127.0.0.1:5900`, `vnc /run/x.sock`.
#[must_use]
pub fn screen(graphics: &crate::model::vm::definition::Graphics) -> String {
    let place = match (graphics.port, graphics.socket.as_str()) {
        (_, socket) if !socket.is_empty() => socket.to_owned(),
        (Some(port), _) => format!("{}:{port}", graphics.address),
        (None, _) => String::new(),
    };
    let password = if graphics.password { " with password" } else { "" };
    let words = format!("{} {place}{password}", graphics.kind);
    clean(words.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::wire::Value;
    use super::*;

    fn params(list: &[(&str, Value)]) -> Params {
        list.iter().map(|(name, value)| Param::new(name, value.clone())).collect()
    }

    #[test]
    fn figures_become_a_machine_and_overlays_count_at_their_disk() {
        let text = |text: &str| Value::Text(text.to_owned());
        let params = params(&[
            ("state.state", Value::Int(1)),
            ("state.reason", Value::Int(2)),
            ("cpu.time", Value::Ulong(7)),
            ("balloon.maximum", Value::Ulong(262_144)),
            ("balloon.rss", Value::Ulong(100)),
            ("vcpu.current", Value::Uint(2)),
            ("net.count", Value::Uint(2)),
            ("net.0.rx.bytes", Value::Ulong(10)),
            ("net.1.rx.bytes", Value::Ulong(5)),
            ("net.1.tx.bytes", Value::Ulong(3)),
            ("block.count", Value::Uint(3)),
            ("block.0.name", text("vda")),
            ("block.0.path", text("/a.snap")),
            ("block.0.rd.bytes", Value::Ulong(1)),
            ("block.0.wr.bytes", Value::Ulong(2)),
            ("block.0.capacity", Value::Ulong(1000)),
            ("block.1.name", text("vda")),
            ("block.1.path", text("/a.qcow2")),
            ("block.1.backingIndex", Value::Uint(1)),
            ("block.2.name", text("vdb")),
        ]);
        let vm = machine(&StatsRecord { domain: Domain { name: "web".into(), uuid: [7; 16], id: 3 }, params });
        assert_eq!((vm.power, vm.reason.as_str(), vm.id, vm.vcpus), (Power::Running, "migrated", Some(3), 2));
        assert_eq!((vm.memory_kib, vm.memory_max_kib, vm.net), (Some(100), 262_144, Some((15, 3))));
        assert_eq!(vm.disks.len(), 2);
        assert_eq!((vm.disks[0].backing, vm.disks[0].path.as_str(), vm.disks[0].io), (1, "/a.snap", Some((1, 2))));
    }

    #[test]
    fn an_absurd_count_costs_nothing() {
        let params = params(&[("block.count", Value::Ulong(u64::MAX)), ("net.count", Value::Ulong(u64::MAX))]);
        let vm = machine(&StatsRecord { domain: Domain::default(), params });
        assert_eq!(vm.disks.len(), 1, "all of them are the one without a name");
    }

    #[test]
    fn a_job_adds_its_parts_up_and_none_is_none() {
        let params = params(&[
            ("operation", Value::Int(5)),
            ("time_elapsed", Value::Ulong(2000)),
            ("memory_total", Value::Ulong(100)),
            ("memory_processed", Value::Ulong(40)),
            ("memory_remaining", Value::Ulong(60)),
            ("disk_total", Value::Ulong(10)),
            ("disk_processed", Value::Ulong(10)),
            ("memory_iteration", Value::Ulong(3)),
        ]);
        let found = job(2, &params).unwrap();
        assert_eq!(
            (found.operation.as_str(), found.total, found.done, found.rate),
            ("migration out", 110, 50, Some(25))
        );
        assert_eq!(found.iteration, Some(3));
        assert_eq!((job(0, &params), job(3, &params)), (None, None));
    }
}
