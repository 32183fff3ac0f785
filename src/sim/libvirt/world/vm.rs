//! A machine: what it is, what state it is in, what it has used.

use super::SECOND;
use super::job::{Completed, Job};
use crate::controllers::libvirt::wire::uuid_text;
use crate::sim::libvirt::guest::Tty;

/// `virDomainState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum State {
    Running = 1,
    Paused = 3,
    Stopping = 4,
    Off = 5,
    Crashed = 6,
}

/// Reasons of states, by the state that they belong to (`virDomain…Reason`).
pub(crate) mod reason {
    pub(crate) const RUNNING_BOOTED: i32 = 1;
    pub(crate) const RUNNING_MIGRATED: i32 = 2;
    pub(crate) const RUNNING_FROM_SNAPSHOT: i32 = 4;
    pub(crate) const RUNNING_UNPAUSED: i32 = 5;
    pub(crate) const PAUSED_USER: i32 = 1;
    pub(crate) const PAUSED_MIGRATION: i32 = 2;
    pub(crate) const PAUSED_FROM_SNAPSHOT: i32 = 7;
    pub(crate) const STOPPING_USER: i32 = 1;
    pub(crate) const OFF_UNKNOWN: i32 = 0;
    pub(crate) const OFF_SHUTDOWN: i32 = 1;
    pub(crate) const OFF_DESTROYED: i32 = 2;
    pub(crate) const OFF_CRASHED: i32 = 3;
    pub(crate) const OFF_MIGRATED: i32 = 4;
    pub(crate) const OFF_FROM_SNAPSHOT: i32 = 7;
    pub(crate) const CRASHED_PANICKED: i32 = 1;
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) target: String,
    /// `disk` or `cdrom`.
    pub(crate) device: String,
    pub(crate) bus: String,
    pub(crate) format: String,
    /// Empty: an empty drive.
    pub(crate) source: String,
    pub(crate) readonly: bool,
    /// Node number of the topmost image.
    pub(crate) index: u32,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nic {
    /// `bridge` or `network`.
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) mac: String,
}

/// How its screen is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Display {
    /// It has none.
    None,
    /// VNC on a socket in the folder of the host.
    VncSocket {
        password: Option<String>,
    },
    /// VNC on a loopback port.
    VncPort {
        password: Option<String>,
    },
    Spice,
}

/// What it does all day: means, around which it swings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Share of its virtual CPUs.
    pub(crate) cpu: f64,
    /// Share of its memory.
    pub(crate) memory: f64,
    /// Bytes a second.
    pub(crate) read: f64,
    pub(crate) write: f64,
    pub(crate) receive: f64,
    pub(crate) send: f64,
    /// Where in the swing it begins, radians.
    pub(crate) phase: f64,
}

impl Load {
    /// Next to nothing: a machine that was just defined.
    pub(crate) const IDLE: Self =
        Self { cpu: 0.02, memory: 0.3, read: 2e3, write: 9e3, receive: 3e3, send: 2e3, phase: 0.0 };
}

/// Seconds of the slow and the fast swing of a load.
const SWINGS: [(f64, f64); 2] = [(613.0, 0.45), (47.0, 0.25)];

/// What a load of one a second comes to after so many seconds: it only rises.
fn swung(seconds: f64, phase: f64) -> f64 {
    SWINGS.iter().fold(seconds, |sum, (period, depth)| {
        let turn = std::f64::consts::TAU / period;
        let part = phase.cos() - turn.mul_add(seconds, phase).cos();
        (depth / turn).mul_add(part, sum)
    })
}

/// What a disk or an interface has moved.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) cpu_ns: u64,
    pub(crate) read: u64,
    pub(crate) write: u64,
    pub(crate) receive: u64,
    pub(crate) send: u64,
}

/// A snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Unix seconds.
    pub(crate) created: i64,
    pub(crate) parent: Option<String>,
    /// `running`, `shutoff`, `paused`, `disk-snapshot`.
    pub(crate) state: &'static str,
    /// `internal`, `no`, or the file of an external one.
    pub(crate) memory: Memory,
    /// Disk and the overlay that was put on top of it; internal ones have none.
    pub(crate) disks: Vec<(String, Option<String>)>,
    /// What the machine was then.
    pub(crate) domain_xml: String,
    /// Sources of the disks then.
    pub(crate) sources: Vec<(String, String)>,
}

/// Where a snapshot has the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Memory {
    No,
    Internal,
    External(String),
}

impl Snapshot {
    pub(crate) fn external(&self) -> bool {
        matches!(self.memory, Memory::External(_)) || self.disks.iter().any(|(_, overlay)| overlay.is_some())
    }
}

/// A point that incremental backups count from.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) name: String,
    pub(crate) created: i64,
    pub(crate) parent: Option<String>,
    pub(crate) disks: Vec<String>,
}

/// A job on one disk: a commit that waits to be pivoted, a copy.
#[derive(Debug, Clone)]
pub(crate) struct BlockJob {
    pub(crate) target: String,
    /// `virDomainBlockJobType`.
    pub(crate) kind: i32,
    pub(crate) started: i64,
    pub(crate) length_us: i64,
    pub(crate) bytes: u64,
    /// What the disk is on when it is pivoted to, or what is committed into.
    pub(crate) base: String,
    /// The image that is committed.
    pub(crate) top: String,
    pub(crate) ready: bool,
    /// It waits for a pivot when ready; otherwise it ends by itself.
    pub(crate) pivots: bool,
    /// What was committed is deleted afterwards.
    pub(crate) delete: bool,
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Vm {
    pub(crate) name: String,
    pub(crate) uuid: [u8; 16],
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) id: Option<i32>,
    pub(crate) state: State,
    pub(crate) reason: i32,
    pub(crate) autostart: bool,
    pub(crate) persistent: bool,
    pub(crate) memory_kib: u64,
    pub(crate) vcpus: u32,
    pub(crate) machine: String,
    pub(crate) cpu: String,
    pub(crate) disks: Vec<Disk>,
    pub(crate) nics: Vec<Nic>,
    pub(crate) display: Display,
    /// The port of its screen while it runs and has one.
    pub(crate) port: Option<u16>,
    pub(crate) serials: usize,
    /// PCI address of a device of the host.
    pub(crate) host_device: Option<String>,
    pub(crate) load: Load,
    /// It does not react to the power button.
    pub(crate) deaf: bool,
    /// When its process was started, and what it ran before that was not paused.
    pub(crate) started: i64,
    pub(crate) ran_us: i64,
    pub(crate) running_since: Option<i64>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) current: Option<String>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) job: Option<Job>,
    pub(crate) completed: Option<Completed>,
    pub(crate) block_jobs: Vec<BlockJob>,
    /// Screen and serial lines: the screen first. Made when somebody looks.
    pub(crate) ttys: Vec<Option<Box<Tty>>>,
    /// Number of boots, so that a step that was planned for an earlier run is known.
    pub(crate) run: u64,
    /// When the guest's kernel was started, in the world's time.
    pub(crate) booted: i64,
    /// Images that were made for it while it arrives.
    pub(crate) made: Vec<String>,
    /// It was paused before a migration stopped it.
    pub(crate) was_paused: bool,
}

impl Vm {
    /// A machine of this name that is off and has nothing.
    pub(crate) fn new(name: &str, uuid: [u8; 16]) -> Self {
        Self {
            name: name.to_owned(),
            uuid,
            title: String::new(),
            description: String::new(),
            id: None,
            state: State::Off,
            reason: reason::OFF_UNKNOWN,
            autostart: false,
            persistent: true,
            memory_kib: 1 << 20,
            vcpus: 1,
            machine: "pc-i440fx-7.2".to_owned(),
            cpu: "qemu64".to_owned(),
            disks: Vec::new(),
            nics: Vec::new(),
            display: Display::None,
            port: None,
            serials: 1,
            host_device: None,
            load: Load::IDLE,
            deaf: false,
            started: 0,
            ran_us: 0,
            running_since: None,
            snapshots: Vec::new(),
            current: None,
            checkpoints: Vec::new(),
            job: None,
            completed: None,
            block_jobs: Vec::new(),
            ttys: Vec::new(),
            run: 0,
            booted: 0,
            made: Vec::new(),
            was_paused: false,
        }
    }

    /// Whether a process of the emulator exists.
    pub(crate) const fn active(&self) -> bool {
        self.id.is_some()
    }

    /// Refuses what needs a process.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn must_run(&self) -> Result<(), super::Refusal> {
        if self.active() { Ok(()) } else { Err(super::Refusal::not_running()) }
    }

    /// µs that it has run and was not paused.
    pub(crate) fn ran(&self, now: i64) -> i64 {
        self.ran_us + self.running_since.map_or(0, |since| (now - since).max(0))
    }

    /// It stands still from now on.
    pub(crate) fn stand(&mut self, now: i64) {
        self.ran_us = self.ran(now);
        self.running_since = None;
    }

    /// It runs from now on.
    pub(crate) const fn run_from(&mut self, now: i64) {
        self.running_since = Some(now);
    }

    /// What it has used since its process was started.
    pub(crate) fn used(&self, now: i64) -> Used {
        let seconds = self.ran(now) as f64 / SECOND as f64;
        let of = |rate: f64, shift: f64| (rate * swung(seconds, self.load.phase + shift)).max(0.0) as u64;
        Used {
            cpu_ns: of(self.load.cpu * f64::from(self.vcpus) * 1e9, 0.0),
            read: of(self.load.read, 1.0),
            write: of(self.load.write, 2.0),
            receive: of(self.load.receive, 0.5),
            send: of(self.load.send, 0.4),
        }
    }

    /// Memory that its process takes, KiB: it fills up in the first minutes.
    pub(crate) fn rss_kib(&self, now: i64) -> u64 {
        let seconds = self.ran(now) as f64 / SECOND as f64;
        let warm = 1.0 - (-seconds / 90.0).exp();
        (self.memory_kib as f64 * self.load.memory * warm) as u64 + 48_000
    }

    /// UUID with dashes.
    pub(crate) fn uuid_text(&self) -> String {
        uuid_text(&self.uuid)
    }

    /// A disk by its target or the path of its image.
    pub(crate) fn disk(&self, name: &str) -> Option<&Disk> {
        self.disks.iter().find(|d| d.target == name || (!d.source.is_empty() && d.source == name))
    }

    /// The same, to change it.
    pub(crate) fn disk_mut(&mut self, name: &str) -> Option<&mut Disk> {
        self.disks.iter_mut().find(|d| d.target == name || (!d.source.is_empty() && d.source == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_only_rise_and_stand_still_with_the_machine() {
        let mut vm = Vm::new("a", [1; 16]);
        vm.load = Load { cpu: 0.4, phase: 2.0, ..Load::IDLE };
        vm.run_from(0);
        let mut last = vm.used(0);
        for at in (0..3_000).map(|s| s * SECOND) {
            let used = vm.used(at);
            assert!(used.cpu_ns >= last.cpu_ns && used.read >= last.read && used.send >= last.send);
            last = used;
        }
        vm.stand(3_000 * SECOND);
        assert_eq!(vm.used(3_000 * SECOND).cpu_ns, vm.used(9_000 * SECOND).cpu_ns);
        vm.run_from(9_000 * SECOND);
        assert!(vm.used(9_100 * SECOND).cpu_ns > vm.used(9_000 * SECOND).cpu_ns);
    }
}
