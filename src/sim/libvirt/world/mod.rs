//! The hosts, their machines and their files: one seeded world with a virtual clock. What takes time
//! is planned and happens when it is due; what grows with time is worked out when somebody asks.

mod block;
mod define;
mod files;
mod job;
mod layout;
mod migrate;
mod moments;
mod power;
mod refusal;
mod stats;
mod vm;
mod xml;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

pub(crate) use block::Commit;
pub(crate) use files::{Files, Image, Pool};
pub(crate) use job::Outcome;
pub(crate) use migrate::Ask;
pub(crate) use refusal::{Refusal, origin};
pub(crate) use vm::{Display, State, Vm};

/// XML of what hosts and machines are.
pub(crate) mod caps {
    pub(crate) use super::xml::{capabilities as host, checkpoint, domain as machine, snapshot};
}

use crate::controllers::libvirt::wire::{Domain, Params, uuid_text};
use crate::sim::timed::Timed as Due;

/// A second of virtual time.
pub(crate) const SECOND: i64 = 1_000_000;

type Timed = Due<Step>;

/// What a host tells those who listen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happened {
    /// `virDomainEventType` and its detail.
    Lifecycle {
        event: i32,
        detail: i32,
    },
    Reboot,
    /// Path of the image and target of the disk, type and status.
    BlockJob {
        path: String,
        target: String,
        kind: i32,
        status: i32,
    },
    /// Another pass over the memory.
    Iteration(i32),
    /// Somebody came to its screen (0), was let in (1), or left (2).
    Graphics {
        phase: i32,
        socket: String,
        auth: &'static str,
    },
    /// A job ended.
    JobCompleted(Params),
}

/// Lifecycle events and their details.
pub(crate) mod life {
    pub(crate) const DEFINED: i32 = 0;
    pub(crate) const UNDEFINED: i32 = 1;
    pub(crate) const STARTED: i32 = 2;
    pub(crate) const SUSPENDED: i32 = 3;
    pub(crate) const RESUMED: i32 = 4;
    pub(crate) const STOPPED: i32 = 5;
    pub(crate) const SHUTDOWN: i32 = 6;
    pub(crate) const CRASHED: i32 = 8;
    /// Details of `STARTED`, `RESUMED` and `SUSPENDED`: it moved.
    pub(crate) const MIGRATED: i32 = 1;
    /// Details of `STOPPED`.
    pub(crate) const STOPPED_SHUTDOWN: i32 = 0;
    pub(crate) const STOPPED_DESTROYED: i32 = 1;
    pub(crate) const STOPPED_MIGRATED: i32 = 3;
    pub(crate) const STOPPED_FAILED: i32 = 5;
    pub(crate) const STOPPED_FROM_SNAPSHOT: i32 = 6;
    /// Detail of `STARTED`, `SUSPENDED`: by going back to a snapshot.
    pub(crate) const STARTED_FROM_SNAPSHOT: i32 = 3;
}

/// What happens later.
#[derive(Debug)]
pub(crate) enum Step {
    /// A guest has finished shutting down.
    Off { host: usize, uuid: [u8; 16], run: u64 },
    /// A guest restarts itself.
    Restart { host: usize, uuid: [u8; 16], run: u64 },
    /// A job comes to its next part, or its end.
    Job { host: usize, uuid: [u8; 16], number: u64 },
    /// A job on a disk is through.
    Block { host: usize, uuid: [u8; 16], target: String, started: i64 },
}

/// What can go wrong, as switches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wrongs {
    /// The emulator on the target dies when this part of a migration is through, permille.
    pub(crate) target_dies_at: Option<u32>,
    /// So many bytes fit into the folder of backups; then the disk is full.
    pub(crate) backup_room: Option<u64>,
    /// Machines do not start, for this reason.
    pub(crate) start_fails: Option<String>,
}

/// A host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) uuid: [u8; 16],
    pub(crate) cpus: u32,
    pub(crate) mhz: u32,
    pub(crate) memory_kib: u64,
    /// The CPU that it has, as libvirt names it.
    pub(crate) cpu: &'static str,
    pub(crate) vms: Vec<Vm>,
    pub(crate) files: Files,
    pub(crate) next_id: i32,
    pub(crate) wrongs: Wrongs,
    /// When it was switched on.
    pub(crate) booted: i64,
}

/// All hosts.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) hosts: Vec<Host>,
    /// What is on the storage that some hosts share.
    pub(crate) shared: Files,
    /// The folder that sockets of screens are in, a folder a host.
    pub(crate) folder: String,
    now: i64,
    /// Real time of virtual 0, µs since 1970.
    anchor: i64,
    order: u64,
    queue: BinaryHeap<Reverse<Timed>>,
    out: Vec<(usize, Domain, Happened)>,
    /// Somebody typed, or something else changed that is no event.
    pub(crate) touched: bool,
    /// What became of migrations and other jobs that somebody waits for, by their numbers.
    pub(crate) ended: VecDeque<(u64, Result<(), Refusal>)>,
}

impl World {
    /// The hosts of the demo. `anchor`: real time now, µs since 1970.
    pub(crate) fn new(seed: u64, anchor: i64, folder: &str) -> Self {
        let mut world = Self {
            hosts: Vec::new(),
            shared: Files::default(),
            folder: folder.to_owned(),
            now: 0,
            anchor,
            order: 0,
            queue: BinaryHeap::new(),
            out: Vec::new(),
            touched: false,
            ended: VecDeque::new(),
        };
        layout::fill(&mut world, seed);
        world
    }

    /// Virtual time now, µs; 0 is the start.
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Unix seconds as the hosts' clocks show them.
    pub(crate) const fn clock(&self, at: i64) -> i64 {
        (self.anchor + at).div_euclid(SECOND)
    }

    /// Virtual time until the next step.
    pub(crate) fn until_next(&self) -> Option<i64> {
        self.queue.peek().map(|Reverse(t)| (t.at - self.now).max(0))
    }

    /// Lets a step happen `delay` µs from now.
    pub(crate) fn after(&mut self, delay: i64, step: Step) {
        self.order += 1;
        let at = self.now + delay.max(0);
        self.queue.push(Reverse(Timed { at, order: self.order, step }));
    }

    /// A number that no other has.
    pub(crate) const fn number(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Lets time pass.
    pub(crate) fn settle(&mut self, to: i64) {
        while self.queue.peek().is_some_and(|Reverse(t)| t.at <= to) {
            if let Some(Reverse(timed)) = self.queue.pop() {
                self.now = self.now.max(timed.at);
                self.perform(timed.step);
            }
        }
        self.now = self.now.max(to);
    }

    /// What happened since this was last asked, in order.
    pub(crate) fn take_happened(&mut self) -> Vec<(usize, Domain, Happened)> {
        std::mem::take(&mut self.out)
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Off { host, uuid, run } => {
                if self.vm_by_uuid(host, &uuid).is_ok_and(|vm| vm.run == run) {
                    self.went_off(host, &uuid);
                }
            }
            Step::Restart { host, uuid, run } => {
                if self.vm_by_uuid(host, &uuid).is_ok_and(|vm| vm.run == run) {
                    self.restart(host, &uuid);
                }
            }
            Step::Job { host, uuid, number } => self.job_step(host, &uuid, number),
            Step::Block { host, uuid, target, started } => self.block_step(host, &uuid, &target, started),
        }
    }

    /// A host.
    ///
    /// # Errors
    /// There is none of this number.
    pub(crate) fn host(&self, host: usize) -> Result<&Host, Refusal> {
        self.hosts.get(host).ok_or_else(|| Refusal::internal("no such host"))
    }

    /// The same, to change it.
    pub(crate) fn host_mut(&mut self, host: usize) -> Result<&mut Host, Refusal> {
        self.hosts.get_mut(host).ok_or_else(|| Refusal::internal("no such host"))
    }

    /// A machine by its name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn vm_by_name(&self, host: usize, name: &str) -> Result<&Vm, Refusal> {
        let found = self.host(host)?.vms.iter().find(|vm| vm.name == name);
        found.ok_or_else(|| Refusal::no_domain(&format!("name '{name}'")))
    }

    /// A machine by its UUID.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn vm_by_uuid(&self, host: usize, uuid: &[u8; 16]) -> Result<&Vm, Refusal> {
        let found = self.host(host)?.vms.iter().find(|vm| vm.uuid == *uuid);
        found.ok_or_else(|| Refusal::no_domain(&format!("uuid '{}'", uuid_text(uuid))))
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn vm_mut(&mut self, host: usize, uuid: &[u8; 16]) -> Result<&mut Vm, Refusal> {
        let missing = || Refusal::no_domain(&format!("uuid '{}'", uuid_text(uuid)));
        self.host_mut(host)?.vms.iter_mut().find(|vm| vm.uuid == *uuid).ok_or_else(missing)
    }

    /// Where the screen of a machine is while it runs: its name is not to be trusted in a path.
    pub(crate) fn screen_socket(&self, host: usize, vm: &Vm) -> String {
        let host = self.hosts.get(host).map_or("", |h| h.name.as_str());
        let part = vm.uuid_text();
        format!("{}/{host}/{}.vnc", self.folder, part.get(..8).unwrap_or(&part))
    }

    /// Tells what happened to a machine.
    pub(crate) fn tell(&mut self, host: usize, uuid: &[u8; 16], what: Happened) {
        if let Ok(vm) = self.vm_by_uuid(host, uuid) {
            let named = vm.named();
            self.out.push((host, named, what));
        }
    }

    /// The same of one that is not there any more.
    pub(crate) fn tell_of(&mut self, host: usize, named: Domain, what: Happened) {
        self.out.push((host, named, what));
    }
}

impl Vm {
    /// As it is named on the wire.
    pub(crate) fn named(&self) -> Domain {
        Domain { name: self.name.clone(), uuid: self.uuid, id: self.id.unwrap_or(-1) }
    }
}

#[cfg(test)]
mod tests;
