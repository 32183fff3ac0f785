//! What a host answered to one poll, as it answered: counters that only rise, sizes, states.

use super::state::{HostContact, Power, UptimeFrom, VmJob};
use crate::model::time::Ts;

/// One poll of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPoll {
    /// When.
    pub at: Ts,
    /// How long it took, µs.
    pub response_us: i64,
    /// How it answered.
    pub contact: HostContact,
    /// Why it did not, or what it could not tell.
    pub trouble: String,
    /// Its own name.
    pub hostname: String,
    /// Its UUID.
    pub uuid: String,
    /// Version of libvirt, as libvirt numbers it.
    pub libvirt: u64,
    /// Version of the hypervisor.
    pub hypervisor: u64,
    /// CPUs.
    pub cpus: u32,
    /// Memory, KiB.
    pub memory_kib: u64,
    /// Free memory with what can be given back, KiB.
    pub free_kib: Option<u64>,
    /// Time that its CPUs were busy, and all of their time, ns.
    pub cpu_ns: Option<(u64, u64)>,
    /// Its machines.
    pub vms: Vec<VmPoll>,
}

/// What a poll told of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VmPoll {
    /// Name.
    pub name: String,
    /// UUID with dashes, lower case.
    pub uuid: String,
    /// Number while it runs.
    pub id: Option<i32>,
    /// State.
    pub power: Power,
    /// Why, in words.
    pub reason: String,
    /// Title of its definition.
    pub title: String,
    /// Started with its host.
    pub autostart: Option<bool>,
    /// Its definition outlives it.
    pub persistent: bool,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// CPU time used since it was started, ns.
    pub cpu_ns: Option<u64>,
    /// Memory that its process takes, KiB.
    pub memory_kib: Option<u64>,
    /// Memory it may take, KiB.
    pub memory_max_kib: u64,
    /// Disks.
    pub disks: Vec<DiskPoll>,
    /// Bytes received and sent since it was started.
    pub net: Option<(u64, u64)>,
    /// Since when it runs, where something tells it.
    pub since: Option<(Ts, UptimeFrom)>,
    /// Snapshots.
    pub snapshots: Option<u32>,
    /// Checkpoints.
    pub checkpoints: Option<u32>,
    /// When it was last backed up.
    pub last_backup: Option<Ts>,
    /// Screens in words.
    pub screens: Vec<String>,
    /// It has a serial line.
    pub serial: bool,
    /// Consoles in use, in words.
    pub in_use: Vec<String>,
    /// The job that runs in it.
    pub job: Option<VmJob>,
    /// What went wrong with it.
    pub trouble: String,
}

/// What a poll told of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskPoll {
    /// Target.
    pub target: String,
    /// File or device.
    pub path: String,
    /// Bytes that the guest sees.
    pub capacity: Option<u64>,
    /// Bytes written to.
    pub allocation: Option<u64>,
    /// Bytes on the host.
    pub physical: Option<u64>,
    /// Files below it.
    pub backing: u32,
    /// Bytes read and written since the machine was started.
    pub io: Option<(u64, u64)>,
}
