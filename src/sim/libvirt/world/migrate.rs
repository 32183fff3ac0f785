//! A machine moves to another host: libvirt of the source does it all, and puts everything back when it
//! does not come to its end.

use super::job::{Job, Outcome, Part, Purpose, arrives, operation};
use super::vm::{Vm, reason};
use super::{Happened, Refusal, SECOND, State, Step, World, life};
use crate::controllers::libvirt::flags::migrate as flag;
use crate::controllers::libvirt::wire::{Param, Value, uuid_text};

/// Bytes a second over the wire between the hosts.
const RATE: u64 = 110 << 20;
/// How long a machine stands still at the end.
const DOWNTIME_US: i64 = 90_000;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) flags: u32,
    /// MiB a second; 0: as fast as it goes.
    pub(crate) bandwidth: u64,
    pub(crate) name: Option<String>,
}

impl World {
    /// Begins to move a machine; the number of the job, whose end is in [`World::ended`].
    ///
    /// # Errors
    /// What libvirt checks before anything moves.
    pub(crate) fn migrate(&mut self, from: usize, uuid: &[u8; 16], to: usize, ask: Ask) -> Result<u64, Refusal> {
        let vm = self.vm_by_uuid(from, uuid)?;
        vm.must_run()?;
        if ask.flags & flag::PEER2PEER == 0 {
            return Err(Refusal::argument("use virDomainMigrateToURI3 for peer-to-peer migration"));
        }
        if vm.job.is_some() {
            return Err(Refusal::busy());
        }
        if from == to {
            let uuid = uuid_text(&self.host(to)?.uuid);
            return Err(Refusal::internal(&format!("Attempt to migrate guest to the same host {uuid}")));
        }
        Self::movable(from, vm, to, &ask)?;
        let arriving = arriving(vm, &ask);
        self.fits(to, &arriving)?;
        if self.host(to)?.vms.iter().any(|vm| vm.uuid == *uuid && vm.active()) {
            let words = format!("domain '{}' is already active", vm.name);
            return Err(Refusal::invalid(&words));
        }
        let copies = ask.flags & (flag::NON_SHARED_DISK | flag::NON_SHARED_INC) != 0;
        let copied = self.to_copy(from, vm, to, copies)?;
        let parts = parts(vm, self.now, copied.iter().map(|(_, bytes)| *bytes).sum(), ask.bandwidth);
        let memory_total = vm.memory_kib << 10;
        let disk_total = parts.iter().map(|p| p.disk).sum();
        self.arrive(from, to, arriving, &copied)?;
        let number = self.number();
        let started = self.now;
        let job = |operation, purpose| Job {
            number,
            operation,
            started,
            parts: parts.clone(),
            over: 0,
            memory_total,
            disk_total,
            purpose,
        };
        self.vm_mut(to, uuid)?.job = Some(job(operation::MIGRATION_IN, Purpose::In));
        self.vm_mut(from, uuid)?.job = Some(job(operation::MIGRATION_OUT, Purpose::Out { to, ask }));
        let first = parts.first().copied().unwrap_or_default();
        if first.memory > 0 {
            self.tell(from, uuid, Happened::Iteration(1));
        }
        self.after(first.length_us, Step::Job { host: from, uuid: *uuid, number });
        Ok(number)
    }

    fn movable(from: usize, vm: &Vm, to: usize, ask: &Ask) -> Result<(), Refusal> {
        if vm.host_device.is_some() {
            return Err(Refusal::invalid("cannot migrate a domain with <hostdev mode='subsystem' type='pci'>"));
        }
        if !vm.snapshots.is_empty() {
            let words = format!("cannot migrate domain with {} snapshots", vm.snapshots.len());
            return Err(Refusal::invalid(&words));
        }
        if !vm.block_jobs.is_empty() {
            return Err(Refusal::invalid("domain has active block job"));
        }
        let copies = ask.flags & (flag::NON_SHARED_DISK | flag::NON_SHARED_INC | flag::UNSAFE) != 0;
        let alone = |d: &&super::vm::Disk| !d.source.is_empty() && !d.readonly && !Self::sees_same(from, to, &d.source);
        if !copies && vm.disks.iter().any(|d| alone(&d)) {
            return Err(Refusal::unsafe_migration());
        }
        Ok(())
    }

    /// Images that are copied, and how much of each.
    fn to_copy(&self, from: usize, vm: &Vm, to: usize, copies: bool) -> Result<Vec<(String, u64)>, Refusal> {
        let mut copied = Vec::new();
        for disk in vm.disks.iter().filter(|d| !d.source.is_empty()) {
            let path = &disk.source;
            if Self::sees_same(from, to, path) {
                continue;
            }
            if copies && !disk.readonly {
                if self.image(to, path).is_none() && Self::pool_of(to, path).is_none() {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    return Err(Refusal::no_pool(&format!("target path '{folder}'")));
                }
                let bytes = self.image(from, path).map_or(0, |i| i.allocation);
                copied.push((path.clone(), bytes));
            } else if self.image(to, path).is_none() {
                let words = format!("Could not open '{path}': No such file or directory");
                return Err(Refusal::internal(&format!("process exited while connecting to monitor: {words}")));
            }
        }
        Ok(copied)
    }

    /// The other host has it too now, paused, with what is copied begun.
    fn arrive(&mut self, from: usize, to: usize, mut vm: Vm, copied: &[(String, u64)]) -> Result<(), Refusal> {
        for (path, _) in copied {
            if self.image(to, path).is_none()
                && let Some(image) = self.image(from, path).cloned()
            {
                vm.made.push(path.clone());
                self.put(to, path, super::Image { allocation: 0, ..image });
            }
        }
        let uuid = vm.uuid;
        if let Ok(old) = self.vm_mut(to, &uuid) {
            vm.persistent = old.persistent;
            vm.autostart = old.autostart;
        }
        self.host_mut(to)?.vms.retain(|old| old.uuid != uuid);
        self.host_mut(to)?.vms.push(vm);
        self.process(to, &uuid)?;
        let vm = self.vm_mut(to, &uuid)?;
        (vm.state, vm.reason) = (State::Paused, reason::PAUSED_MIGRATION);
        self.tell(to, &uuid, Happened::Lifecycle { event: life::STARTED, detail: life::MIGRATED });
        Ok(())
    }

    /// A part of a migration begins.
    pub(super) fn migration_part(&mut self, from: usize, uuid: &[u8; 16], part: Part, pass: i32, last: bool) {
        let Ok(vm) = self.vm_by_uuid(from, uuid) else { return };
        let Some((to, through)) = vm.job.as_ref().and_then(|job| match &job.purpose {
            Purpose::Out { to, .. } => Some((*to, job.over * 1_000 / job.parts.len().max(1))),
            _ => None,
        }) else {
            return;
        };
        let dies = self.hosts.get(to).and_then(|h| h.wrongs.target_dies_at);
        if dies.is_some_and(|at| through as u32 >= at) {
            let words = "migration out: Unable to write to socket: Connection reset by peer";
            self.migration_back(from, uuid, to, Outcome::Failed(Refusal::failed(words)));
            return;
        }
        if part.memory > 0 {
            self.tell(from, uuid, Happened::Iteration(pass));
        }
        if last {
            let now = self.now;
            if let Ok(vm) = self.vm_mut(from, uuid) {
                vm.was_paused = vm.state == State::Paused;
                vm.stand(now);
                (vm.state, vm.reason) = (State::Paused, reason::PAUSED_MIGRATION);
            }
            self.tell(from, uuid, Happened::Lifecycle { event: life::SUSPENDED, detail: life::MIGRATED });
        }
    }

    /// It does not come to its end: the source goes on, the target has nothing.
    pub(super) fn migration_back(&mut self, from: usize, uuid: &[u8; 16], to: usize, outcome: Outcome) {
        let now = self.now;
        if let Ok(vm) = self.vm_mut(to, uuid) {
            let made = std::mem::take(&mut vm.made);
            vm.job = None;
            for path in made {
                // libvirt removes what it made for the copy.
                let _ = self.unlink(to, &path);
            }
            let _ = self.off(to, uuid, reason::OFF_UNKNOWN, life::STOPPED_FAILED);
        }
        if let Ok(vm) = self.vm_mut(from, uuid)
            && vm.active()
            && vm.reason == reason::PAUSED_MIGRATION
            && !vm.was_paused
        {
            vm.run_from(now);
            (vm.state, vm.reason) = (State::Running, reason::RUNNING_UNPAUSED);
            self.tell(from, uuid, Happened::Lifecycle { event: life::RESUMED, detail: 0 });
        }
        self.end_job(from, uuid, outcome);
    }

    /// It is there.
    pub(super) fn migrated(&mut self, from: usize, uuid: &[u8; 16], to: usize, ask: &Ask) {
        let now = self.now;
        let images: Vec<String> = self.vm_by_uuid(to, uuid).map(|vm| vm.made.clone()).unwrap_or_default();
        for path in images {
            if let Some(image) = self.image(from, &path).cloned() {
                self.put(to, &path, image);
            }
        }
        let was_paused = self.vm_by_uuid(from, uuid).is_ok_and(|vm| vm.was_paused);
        self.end_job(from, uuid, Outcome::Done);
        let completed = self.vm_by_uuid(from, uuid).ok().and_then(|vm| vm.completed.clone());
        let ttys = self.vm_mut(from, uuid).map(|vm| std::mem::take(&mut vm.ttys)).unwrap_or_default();
        let persistent = self.vm_by_uuid(from, uuid).is_ok_and(|vm| vm.persistent);
        let _ = self.off(from, uuid, reason::OFF_MIGRATED, life::STOPPED_MIGRATED);
        if let Ok(vm) = self.vm_mut(from, uuid) {
            vm.completed.clone_from(&completed);
        }
        if persistent && ask.flags & flag::UNDEFINE_SOURCE != 0 {
            // All that libvirt there knew of it goes with it: 2 and 16 are its snapshots and checkpoints.
            let _ = self.undefine(from, uuid, 2 | 16);
        }
        let Ok(vm) = self.vm_mut(to, uuid) else { return };
        vm.job = None;
        vm.made.clear();
        vm.ttys = ttys;
        vm.completed = completed.map(|mut done| {
            done.params.retain(|param| param.field != "operation");
            done.params.insert(0, Param::new("operation", Value::Int(operation::MIGRATION_IN)));
            done
        });
        let paused = ask.flags & flag::PAUSED != 0 || was_paused;
        if !paused {
            vm.run_from(now);
            (vm.state, vm.reason) = (State::Running, reason::RUNNING_MIGRATED);
        }
        if ask.flags & flag::PERSIST_DEST != 0 {
            vm.persistent = true;
            self.tell(to, uuid, Happened::Lifecycle { event: life::DEFINED, detail: 0 });
        }
        if !paused {
            self.tell(to, uuid, Happened::Lifecycle { event: life::RESUMED, detail: life::MIGRATED });
        }
    }
}

/// What arrives: the same machine, of which nobody there knows but that it runs.
fn arriving(vm: &Vm, ask: &Ask) -> Vm {
    Vm {
        title: vm.title.clone(),
        description: vm.description.clone(),
        persistent: false,
        memory_kib: vm.memory_kib,
        vcpus: vm.vcpus,
        machine: vm.machine.clone(),
        cpu: vm.cpu.clone(),
        disks: vm.disks.clone(),
        nics: vm.nics.clone(),
        display: vm.display.clone(),
        serials: vm.serials,
        load: vm.load,
        deaf: vm.deaf,
        booted: vm.booted,
        checkpoints: arrives(),
        ..Vm::new(ask.name.as_deref().unwrap_or(&vm.name), vm.uuid)
    }
}

/// Disks first, then the memory again and again until little is left, then the rest while it stands.
fn parts(vm: &Vm, now: i64, disk: u64, bandwidth: u64) -> Vec<Part> {
    let rate = if bandwidth == 0 { RATE } else { (bandwidth << 20).min(RATE) };
    let length = |bytes: u64| (bytes as f64 / rate as f64 * SECOND as f64) as i64;
    let mut parts = Vec::new();
    if disk > 0 {
        parts.push(Part { length_us: length(disk).max(1_000), memory: 0, disk });
    }
    let mut bytes = (vm.rss_kib(now) << 10).max(16 << 20);
    let again = vm.load.cpu.mul_add(0.35, 0.12);
    for _ in 0..8 {
        parts.push(Part { length_us: length(bytes).max(1_000), memory: bytes, disk: 0 });
        bytes = (bytes as f64 * again) as u64;
        if bytes < 8 << 20 {
            break;
        }
    }
    parts.push(Part { length_us: DOWNTIME_US, memory: bytes, disk: 0 });
    parts
}

impl World {
    /// The host that a machine is moving here from.
    pub(super) fn comes_from(&self, here: usize, uuid: &[u8; 16]) -> Option<usize> {
        let moves = |h: &super::Host| h.vms.iter().any(|vm| vm.uuid == *uuid && vm.migrates_to() == Some(here));
        self.hosts.iter().position(moves)
    }
}

impl Vm {
    /// Whether it is on its way here.
    pub(crate) fn arrives(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.purpose, Purpose::In))
    }

    /// Refuses what cannot be done to a machine that moves.
    ///
    /// # Errors
    /// It moves.
    pub(super) fn must_stay(&self) -> Result<(), Refusal> {
        if self.arrives() || self.migrates_to().is_some() { Err(Refusal::busy()) } else { Ok(()) }
    }

    /// Where it is moving to.
    pub(crate) fn migrates_to(&self) -> Option<usize> {
        match self.job.as_ref()?.purpose {
            Purpose::Out { to, .. } => Some(to),
            _ => None,
        }
    }
}
