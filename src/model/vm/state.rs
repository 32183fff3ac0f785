//! A host and its machines as they are known after a poll.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::model::ids::{RowId, SourceName};
use crate::model::time::Ts;

/// How a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub enum HostContact {
    /// Not asked yet.
    #[default]
    #[n(0)]
    Starting,
    /// It answers.
    #[n(1)]
    Up,
    /// It does not answer; what is shown is what it said last.
    #[n(2)]
    Down,
    /// It answers and lets us do nothing (login, authentication that is not supported).
    #[n(3)]
    Refused,
}

impl HostContact {
    /// Words, in the order of the values.
    pub const WORDS: &'static [&'static str] = &["starting", "up", "down", "refused"];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Down => "down",
            Self::Refused => "refused",
        }
    }
}

/// States of a machine (libvirt's `virDomainState`; `Unknown` is ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub enum Power {
    /// Its state is not known: the host was lost in the middle of something.
    #[default]
    #[n(0)]
    Unknown,
    /// It runs (also 2, "blocked").
    #[n(1)]
    Running,
    /// Paused.
    #[n(2)]
    Paused,
    /// Being shut down.
    #[n(3)]
    Stopping,
    /// Off.
    #[n(4)]
    Off,
    /// Crashed.
    #[n(5)]
    Crashed,
    /// Suspended by the guest's power management.
    #[n(6)]
    Suspended,
}

impl Power {
    /// Words, in the order of the values.
    pub const WORDS: &'static [&'static str] =
        &["unknown", "running", "paused", "stopping", "off", "crashed", "suspended"];

    /// From the number on the wire.
    #[must_use]
    pub const fn from_wire(state: i32) -> Self {
        match state {
            1 | 2 => Self::Running,
            3 => Self::Paused,
            4 => Self::Stopping,
            5 => Self::Off,
            6 => Self::Crashed,
            7 => Self::Suspended,
            _ => Self::Unknown,
        }
    }

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Off => "off",
            Self::Crashed => "crashed",
            Self::Suspended => "suspended",
        }
    }

    /// Whether a process of the emulator exists.
    #[must_use]
    pub const fn active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopping | Self::Suspended)
    }
}

/// Where the time since which a machine runs was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub enum UptimeFrom {
    /// Not known.
    #[default]
    #[n(0)]
    Unknown,
    /// The age of the emulator's process on the host.
    #[n(1)]
    Process,
    /// The event that told of its start.
    #[n(2)]
    Event,
    /// The first poll that found it running: it runs at least so long.
    #[n(3)]
    Seen,
}

impl UptimeFrom {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Process => "process",
            Self::Event => "event",
            Self::Seen => "at least",
        }
    }
}

/// A host as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct HostState {
    /// When this was worked out.
    #[n(0)]
    pub at: Ts,
    /// When it last answered.
    #[n(1)]
    pub answered: Ts,
    /// How it answers.
    #[n(2)]
    pub contact: HostContact,
    /// Why it does not, or what it cannot tell.
    #[n(3)]
    pub trouble: String,
    /// Its own name.
    #[n(4)]
    pub hostname: String,
    /// Its UUID: two connections to the same host have the same.
    #[n(5)]
    pub uuid: String,
    /// Version of libvirt: major * 1,000,000 + minor * 1,000 + release.
    #[n(6)]
    pub libvirt: u64,
    /// Version of the hypervisor, in the same form.
    #[n(7)]
    pub hypervisor: u64,
    /// CPUs.
    #[n(8)]
    pub cpus: u32,
    /// Memory, KiB.
    #[n(9)]
    pub memory_kib: u64,
    /// Memory that is free, KiB.
    #[n(10)]
    pub free_kib: Option<u64>,
    /// CPU used, permille of all CPUs.
    #[n(11)]
    pub cpu_permille: Option<u32>,
    /// How long the poll took, µs.
    #[n(12)]
    pub response_us: i64,
    /// Milliseconds between polls.
    #[n(13)]
    pub poll_ms: u64,
    /// Its machines, by name.
    #[n(14)]
    pub vms: Vec<VmState>,
}

/// A machine as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct VmState {
    /// Name, unique on its host.
    #[n(0)]
    pub name: String,
    /// UUID with dashes, lower case.
    #[n(1)]
    pub uuid: String,
    /// State.
    #[n(2)]
    pub power: Power,
    /// Why it is in that state, in words (`booted`, `migrated`, `shutdown` …).
    #[n(3)]
    pub reason: String,
    /// Title of its definition.
    #[n(4)]
    pub title: String,
    /// Whether it is started with its host.
    #[n(5)]
    pub autostart: Option<bool>,
    /// Whether its definition outlives it.
    #[n(6)]
    pub persistent: bool,
    /// Virtual CPUs.
    #[n(7)]
    pub vcpus: u32,
    /// CPU used, permille of its virtual CPUs.
    #[n(8)]
    pub cpu_permille: Option<u32>,
    /// Memory it uses on the host, KiB.
    #[n(9)]
    pub memory_kib: Option<u64>,
    /// Memory it may use, KiB.
    #[n(10)]
    pub memory_max_kib: u64,
    /// Disks.
    #[n(11)]
    pub disks: Vec<DiskState>,
    /// Bytes read from disks, a second.
    #[n(12)]
    pub read_rate: Option<u64>,
    /// Bytes written to disks, a second.
    #[n(13)]
    pub write_rate: Option<u64>,
    /// Bytes received, a second.
    #[n(14)]
    pub receive_rate: Option<u64>,
    /// Bytes sent, a second.
    #[n(15)]
    pub send_rate: Option<u64>,
    /// Since when it runs; not known while `None`.
    #[n(16)]
    pub since: Option<Ts>,
    /// Where that was taken from.
    #[n(17)]
    pub since_from: UptimeFrom,
    /// Snapshots.
    #[n(18)]
    pub snapshots: Option<u32>,
    /// Checkpoints of incremental backups.
    #[n(19)]
    pub checkpoints: Option<u32>,
    /// When it was last backed up.
    #[n(20)]
    pub last_backup: Option<Ts>,
    /// Screens: `vnc 5900`, `vnc socket`.
    #[n(21)]
    pub screens: Vec<String>,
    /// Whether it has a serial line.
    #[n(22)]
    pub serial: bool,
    /// Consoles in use, in words (`serial by anna`, `vnc 10.0.0.7`).
    #[n(23)]
    pub in_use: Vec<String>,
    /// The job that runs in it.
    #[n(24)]
    pub job: Option<VmJob>,
    /// What went wrong with it and has not been dealt with.
    #[n(25)]
    pub trouble: String,
    /// Number of its process on the host while it runs.
    #[n(26)]
    pub id: Option<i32>,
}

/// A disk as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct DiskState {
    /// Target (`vda`).
    #[n(0)]
    pub target: String,
    /// File or device.
    #[n(1)]
    pub path: String,
    /// Bytes that the guest sees.
    #[n(2)]
    pub capacity: Option<u64>,
    /// Bytes that it has written to.
    #[n(3)]
    pub allocation: Option<u64>,
    /// Bytes that it takes on the host.
    #[n(4)]
    pub physical: Option<u64>,
    /// Files below it, the nearest first: with one it is the overlay of a snapshot.
    #[n(5)]
    pub backing: u32,
}

/// A job that runs in a machine (`virDomainJobInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct VmJob {
    /// `migration out`, `backup`, `snapshot` …
    #[n(0)]
    pub operation: String,
    /// How long it has run, µs.
    #[n(1)]
    pub elapsed_us: i64,
    /// Bytes in all.
    #[n(2)]
    pub total: u64,
    /// Bytes done.
    #[n(3)]
    pub done: u64,
    /// Bytes that remain.
    #[n(4)]
    pub remaining: u64,
    /// Of these, memory: total, done, remaining.
    #[n(5)]
    pub memory: (u64, u64, u64),
    /// And files: total, done, remaining.
    #[n(6)]
    pub disk: (u64, u64, u64),
    /// Bytes a second.
    #[n(7)]
    pub rate: Option<u64>,
    /// Passes over the memory.
    #[n(8)]
    pub iteration: Option<u64>,
    /// Expected or measured time for which it stood still, ms.
    #[n(9)]
    pub downtime_ms: Option<u64>,
}

/// A row of the list: a host, or a machine on it.
#[derive(Debug, Clone, PartialEq)]
pub struct VmRow {
    /// Identity.
    pub id: RowId,
    /// Source that the host is.
    pub source: SourceName,
    /// The host.
    pub host: Arc<HostState>,
    /// Which of its machines; `None` for the host itself.
    pub nth: Option<usize>,
    /// Active alarms of the source.
    pub alarms: u32,
}

impl VmRow {
    /// The machine; `None` for a host.
    #[must_use]
    pub fn vm(&self) -> Option<&VmState> {
        self.host.vms.get(self.nth?)
    }

    /// The row of its host: the identity of a machine begins with that of its host.
    #[must_use]
    pub const fn host_row(&self) -> RowId {
        if self.nth.is_some() { RowId(self.id.0 >> 32) } else { self.id }
    }

    /// Canonical name: `host/vm/machine`, or the source's name for a host.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.vm().map_or_else(|| self.source.to_string(), |vm| format!("{}/vm/{}", self.source, vm.name))
    }

    /// Name of the machine, or of the source for a host.
    #[must_use]
    pub fn name(&self) -> &str {
        self.vm().map_or(&self.source, |vm| &vm.name)
    }
}
