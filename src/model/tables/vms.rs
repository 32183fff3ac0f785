//! Fields of the hosts and their machines.

use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::super::time::SECOND;
use super::super::vm::VmRow;
use super::super::vm::state::{DiskState, HostContact, Power};
use super::field;

/// The hosts and machines.
pub static VMS: TableSpec = TableSpec {
    table: Table::Vms,
    name: "vms",
    fields: &[
        field("id", "Id", FieldKind::Text, "Canonical name: host, `vm`, machine.").sortable(),
        field("host", "Host", FieldKind::Text, "Host: the name of its source.")
            .sortable()
            .free()
            .also(&["source", "src"]),
        field("kind", "Kind", FieldKind::Word(&["host", "vm"]), "A host, or a machine on one.").sortable(),
        field("name", "Name", FieldKind::Text, "Name of the machine; of the source for a host.")
            .sortable()
            .free()
            .also(&["vm"]),
        field("title", "Title", FieldKind::Text, "Title of the machine; own name of a host.").sortable().free(),
        field("uuid", "UUID", FieldKind::Text, "UUID.").free(),
        field("state", "State", FieldKind::Word(Power::WORDS), "State of the machine.").sortable(),
        field("reason", "Reason", FieldKind::Text, "Why it is in that state.").sortable(),
        field("contact", "Contact", FieldKind::Word(HostContact::WORDS), "How the host answers.").sortable(),
        field("trouble", "Trouble", FieldKind::Text, "What is wrong with it.").free(),
        field("cpu_pct", "CPU %", FieldKind::Float, "CPU used: of its virtual CPUs, of all CPUs for a host.")
            .sortable()
            .also(&["cpu"]),
        field("vcpus", "CPUs", FieldKind::Int, "Virtual CPUs; CPUs of a host.").sortable(),
        field("memory_bytes", "Mem", FieldKind::Int, "Memory it takes on its host; used memory of a host.")
            .sortable()
            .also(&["mem"]),
        field("memory_max_bytes", "Max", FieldKind::Int, "Memory it may take; memory of a host.").sortable(),
        field("memory_pct", "Mem %", FieldKind::Float, "Memory used of the most, %.").sortable(),
        field("disk_bytes", "Virtual", FieldKind::Int, "Size of its disks as the guest sees them.").sortable(),
        field("disk_allocated_bytes", "Alloc.", FieldKind::Int, "Bytes that the guest has written.").sortable(),
        field("disk_physical_bytes", "Physical", FieldKind::Int, "Bytes that its disks take on the host.")
            .sortable()
            .also(&["disk"]),
        field("read_bytes_per_s", "Read/s", FieldKind::Int, "Bytes read from disks, a second.").sortable(),
        field("write_bytes_per_s", "Write/s", FieldKind::Int, "Bytes written to disks, a second.").sortable(),
        field("receive_bytes_per_s", "Recv/s", FieldKind::Int, "Bytes received, a second.").sortable(),
        field("send_bytes_per_s", "Send/s", FieldKind::Int, "Bytes sent, a second.").sortable(),
        field("uptime_s", "Uptime", FieldKind::Int, "How long it has run, s.").sortable().also(&["uptime"]),
        field("uptime_from", "Uptime by", FieldKind::Text, "Where that comes from: process, event, at least."),
        field("autostart", "Auto", FieldKind::Bool, "Whether it is started with its host.").sortable(),
        field("persistent", "Defined", FieldKind::Bool, "Whether its definition outlives it."),
        field("snapshots", "Snap", FieldKind::Int, "Snapshots.").sortable(),
        field("last_backup", "Backup", FieldKind::Time, "When it was last backed up.").sortable().also(&["backup"]),
        field("consoles", "In use", FieldKind::Text, "Consoles in use and by whom."),
        field("screens", "Screen", FieldKind::Text, "Screens: vnc or spice and where."),
        field("serial", "Serial", FieldKind::Bool, "Whether it has a serial line."),
        field("job", "Job", FieldKind::Text, "The job that runs in it.").sortable(),
        field("job_pct", "Job %", FieldKind::Float, "How far that job is, %.").sortable(),
        field("vms", "VMs", FieldKind::Int, "Machines on the host.").sortable(),
        field("running", "Running", FieldKind::Int, "Machines that run on it.").sortable(),
        field("libvirt", "libvirt", FieldKind::Text, "Version of libvirt.").sortable(),
        field("hypervisor", "Hypervisor", FieldKind::Text, "Version of the hypervisor."),
        field("response_ms", "Resp ms", FieldKind::Float, "How long the last poll of the host took, ms.").sortable(),
        field("alarms", "Alarms", FieldKind::Int, "Active alarms of the host.").sortable(),
        field("answered", "Answered", FieldKind::Time, "When the host last answered.").sortable(),
        field("as_of", "As of", FieldKind::Time, "When the host was last polled."),
    ],
    default_sort: &[("host", false), ("kind", false), ("name", false)],
};

/// A version as libvirt numbers them: `9.0.0`; nothing for zero.
#[must_use]
pub fn version(number: u64) -> String {
    if number == 0 {
        return String::new();
    }
    format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

fn int(n: Option<u64>) -> Value<'static> {
    n.map_or(Value::None, |n| Value::Int(i64::try_from(n).unwrap_or(i64::MAX)))
}

fn permille(n: Option<u32>) -> Value<'static> {
    n.map_or(Value::None, |n| Value::Float(f64::from(n) / 10.0))
}

fn share(part: Option<u64>, whole: u64) -> Value<'static> {
    match part {
        Some(part) if whole > 0 => Value::Float((part as f64 * 1000.0 / whole as f64).round() / 10.0),
        _ => Value::None,
    }
}

/// The sum of a figure over all disks; nothing when no disk tells it.
fn sum(disks: &[DiskState], of: impl Fn(&DiskState) -> Option<u64>) -> Value<'static> {
    let told: Vec<u64> = disks.iter().filter_map(of).collect();
    if told.is_empty() { Value::None } else { int(Some(told.iter().sum())) }
}

impl VmRow {
    /// Memory that a host uses, KiB.
    fn host_used_kib(&self) -> Option<u64> {
        self.host.free_kib.map(|free| self.host.memory_kib.saturating_sub(free))
    }

    fn of_host(&self, field: &str) -> Value<'_> {
        let host = &*self.host;
        match field {
            "title" => Value::text(&host.hostname),
            "uuid" => Value::text(&host.uuid),
            "trouble" => Value::text(&host.trouble),
            "cpu_pct" => permille(host.cpu_permille),
            "vcpus" => int(Some(host.cpus.into())),
            "memory_bytes" => int(self.host_used_kib().map(|kib| kib * 1024)),
            "memory_max_bytes" => int(Some(host.memory_kib * 1024)),
            "memory_pct" => share(self.host_used_kib(), host.memory_kib),
            "vms" => int(Some(host.vms.len() as u64)),
            "running" => int(Some(host.vms.iter().filter(|vm| vm.power == Power::Running).count() as u64)),
            _ => Value::None,
        }
    }

    fn of_vm<'a>(&'a self, vm: &'a crate::model::vm::VmState, field: &str) -> Value<'a> {
        match field {
            "title" => Value::text(&vm.title),
            "uuid" => Value::text(&vm.uuid),
            "state" => Value::text(vm.power.word()),
            "reason" => Value::text(&vm.reason),
            "trouble" => Value::text(&vm.trouble),
            "cpu_pct" => permille(vm.cpu_permille),
            "vcpus" => int(Some(vm.vcpus.into())),
            "memory_bytes" => int(vm.memory_kib.map(|kib| kib * 1024)),
            "memory_max_bytes" => int(Some(vm.memory_max_kib * 1024)),
            "memory_pct" => share(vm.memory_kib, vm.memory_max_kib),
            "disk_bytes" => sum(&vm.disks, |d| d.capacity),
            "disk_allocated_bytes" => sum(&vm.disks, |d| d.allocation),
            "disk_physical_bytes" => sum(&vm.disks, |d| d.physical),
            "read_bytes_per_s" => int(vm.read_rate),
            "write_bytes_per_s" => int(vm.write_rate),
            "receive_bytes_per_s" => int(vm.receive_rate),
            "send_bytes_per_s" => int(vm.send_rate),
            "uptime_s" => match vm.since {
                Some(since) => Value::Int((self.host.at.since(since) / SECOND).max(0)),
                None => Value::None,
            },
            "uptime_from" if vm.since.is_some() => Value::text(vm.since_from.word()),
            "autostart" => vm.autostart.map_or(Value::None, Value::Bool),
            "persistent" => Value::Bool(vm.persistent),
            "snapshots" => int(vm.snapshots.map(Into::into)),
            "last_backup" => vm.last_backup.map_or(Value::None, Value::Time),
            "consoles" => Value::Text(vm.in_use.join(", ").into()),
            "screens" => Value::Text(vm.screens.join(", ").into()),
            "serial" => Value::Bool(vm.serial),
            "job" => vm.job.as_ref().map_or(Value::None, |job| Value::text(&job.operation)),
            "job_pct" => vm.job.as_ref().map_or(Value::None, |job| share(Some(job.done), job.total)),
            _ => Value::None,
        }
    }
}

impl Record for VmRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let host = &*self.host;
        match field {
            "id" => Value::Text(self.canonical().into()),
            "host" => Value::text(&self.source),
            "kind" => Value::text(if self.nth.is_some() { "vm" } else { "host" }),
            "name" => Value::text(self.name()),
            "contact" => Value::text(host.contact.word()),
            "libvirt" => Value::Text(version(host.libvirt).into()),
            "hypervisor" => Value::Text(version(host.hypervisor).into()),
            "response_ms" => Value::Float(host.response_us as f64 / 1000.0),
            "alarms" => Value::Int(self.alarms.into()),
            "answered" => Value::Time(host.answered),
            "as_of" => Value::Time(host.at),
            field => match self.vm() {
                Some(vm) => self.of_vm(vm, field),
                None => self.of_host(field),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::time::Ts;
    use crate::model::vm::{HostState, VmState};

    fn row(nth: Option<usize>) -> VmRow {
        let vm = VmState {
            name: "web".into(),
            power: Power::Running,
            memory_kib: Some(512),
            memory_max_kib: 1024,
            cpu_permille: Some(125),
            since: Some(Ts(0)),
            ..VmState::default()
        };
        let host = HostState {
            at: Ts(60 * SECOND),
            libvirt: 9_000_000,
            memory_kib: 2048,
            free_kib: Some(512),
            vms: vec![vm],
            ..HostState::default()
        };
        VmRow { id: RowId(1), source: "kvm-1".into(), host: Arc::new(host), nth, alarms: 0 }
    }

    #[test]
    fn a_machine_and_its_host_have_the_same_fields() {
        let (vm, host) = (row(Some(0)), row(None));
        assert_eq!(vm.get("id").to_plain(), "kvm-1/vm/web");
        assert_eq!((vm.get("kind").to_plain(), host.get("kind").to_plain()), ("vm".into(), "host".into()));
        assert_eq!((vm.get("memory_pct").to_plain(), host.get("memory_pct").to_plain()), ("50".into(), "75".into()));
        assert_eq!(vm.get("uptime_s").to_plain(), "60");
        assert_eq!(host.get("running").to_plain(), "1");
        assert_eq!(vm.get("libvirt").to_plain(), "9.0.0");
        assert_eq!(host.get("state"), Value::None);
    }
}
