//! Starting, stopping, pausing. A guest takes its time to shut down, and one of them never does.

use super::vm::reason;
use super::{Happened, Refusal, State, Step, World, life, origin};
use crate::sim::libvirt::guest::{Machine, Request, Tty};

/// A guest needs so long to shut down, and to restart.
const SHUTDOWN_US: i64 = 3_300_000;
const RESTART_US: i64 = 2_000_000;

impl World {
    /// Starts a machine, paused or not.
    ///
    /// # Errors
    /// It runs, or it does not start.
    pub(crate) fn start(&mut self, host: usize, uuid: &[u8; 16], paused: bool) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        if vm.active() {
            return Err(Refusal::invalid("domain is already running"));
        }
        if let Some(why) = &self.host(host)?.wrongs.start_fails {
            return Err(Refusal::internal(&format!("process exited while connecting to monitor: {why}")));
        }
        self.disks_exist(host, uuid)?;
        self.disks_free(host, uuid)?;
        self.process(host, uuid)?;
        self.tell(host, uuid, Happened::Lifecycle { event: life::STARTED, detail: 0 });
        let now = self.now;
        let vm = self.vm_mut(host, uuid)?;
        vm.booted = now;
        if paused {
            (vm.state, vm.reason) = (State::Paused, reason::PAUSED_USER);
            self.tell(host, uuid, Happened::Lifecycle { event: life::SUSPENDED, detail: 0 });
        } else {
            vm.run_from(now);
            (vm.state, vm.reason) = (State::Running, reason::RUNNING_BOOTED);
            self.tell(host, uuid, Happened::Lifecycle { event: life::RESUMED, detail: 0 });
        }
        Ok(())
    }

    /// Every image that it needs is there.
    pub(super) fn disks_exist(&self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        for disk in self.vm_by_uuid(host, uuid)?.disks.iter().filter(|d| !d.source.is_empty()) {
            for image in self.chain(host, &disk.source) {
                if self.image(host, &image).is_none() {
                    let why = format!("Cannot access storage file '{image}': No such file or directory");
                    return Err(Refusal::new(38, origin::QEMU, why));
                }
            }
        }
        Ok(())
    }

    /// No image that it writes is another's: the emulator locks them, also on shared storage.
    pub(super) fn disks_free(&self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let mine = self.vm_by_uuid(host, uuid)?.disks.iter().filter(|d| !d.readonly && !d.source.is_empty());
        for disk in mine {
            let same = |there: usize| there == host || Self::sees_same(host, there, &disk.source);
            let mut others = self.hosts.iter().enumerate().filter(|(there, _)| same(*there)).flat_map(|(_, h)| &h.vms);
            if others.any(|vm| vm.active() && vm.disks.iter().any(|d| d.source == disk.source)) {
                let lock = format!("Is another process using the image [{}]?", disk.source);
                let words = format!("qemu unexpectedly closed the monitor: Failed to get \"write\" lock\n{lock}");
                return Err(Refusal::internal(&words));
            }
        }
        Ok(())
    }

    /// Gives a machine a process: a number, new counters.
    pub(super) fn process(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let now = self.now;
        let run = self.number();
        let host_mut = self.host_mut(host)?;
        let id = host_mut.next_id;
        host_mut.next_id += 1;
        let vm = self.vm_mut(host, uuid)?;
        vm.id = Some(id);
        vm.run = run;
        vm.started = now;
        vm.ran_us = 0;
        vm.running_since = None;
        vm.ttys.clear();
        vm.completed = None;
        Ok(())
    }

    /// Presses the power button. A deaf guest does nothing, and nothing says so.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn shutdown(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        self.ask_off(host, uuid, false)
    }

    /// Asks the guest to restart.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn reboot(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        self.ask_off(host, uuid, true)
    }

    fn ask_off(&mut self, host: usize, uuid: &[u8; 16], again: bool) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        vm.must_run()?;
        vm.must_stay()?;
        if vm.state == State::Running && !vm.deaf {
            self.guest_stops(host, uuid, again)?;
        }
        Ok(())
    }

    /// The guest stops itself: the button was pressed, or somebody said so at its shell.
    fn guest_stops(&mut self, host: usize, uuid: &[u8; 16], again: bool) -> Result<(), Refusal> {
        let now = self.now;
        let machine = self.machine(host, uuid)?;
        let vm = self.vm_mut(host, uuid)?;
        for tty in vm.ttys.iter_mut().flatten() {
            tty.stop(&machine, now, again);
        }
        let run = vm.run;
        let uuid = *uuid;
        if again {
            self.after(RESTART_US, Step::Restart { host, uuid, run });
        } else {
            (vm.state, vm.reason) = (State::Stopping, reason::STOPPING_USER);
            self.after(SHUTDOWN_US, Step::Off { host, uuid, run });
        }
        Ok(())
    }

    /// What a guest asks for itself, at its shell or because of the keys that were pressed: only one that
    /// runs, and is not on its way elsewhere, does anything.
    pub(crate) fn requested(&mut self, host: usize, uuid: &[u8; 16], what: Request) {
        let awake = |vm: &super::Vm| vm.state == State::Running && vm.must_stay().is_ok();
        if self.vm_by_uuid(host, uuid).is_ok_and(awake) {
            // It is there: it was just looked at.
            let _ = self.guest_stops(host, uuid, what == Request::Reboot);
        }
    }

    pub(super) fn restart(&mut self, host: usize, uuid: &[u8; 16]) {
        let now = self.now;
        let Ok(machine) = self.machine(host, uuid) else { return };
        let Ok(vm) = self.vm_mut(host, uuid) else { return };
        if !vm.active() {
            return;
        }
        vm.booted = now;
        let machine = Machine { booted: now, ..machine };
        for tty in vm.ttys.iter_mut().flatten() {
            tty.boot(&machine);
        }
        self.tell(host, uuid, Happened::Reboot);
    }

    pub(super) fn went_off(&mut self, host: usize, uuid: &[u8; 16]) {
        self.tell(host, uuid, Happened::Lifecycle { event: life::SHUTDOWN, detail: 1 });
        let _ = self.off(host, uuid, reason::OFF_SHUTDOWN, life::STOPPED_SHUTDOWN);
    }

    /// Its process is gone. One that was not defined is gone with it.
    pub(super) fn off(&mut self, host: usize, uuid: &[u8; 16], why: i32, detail: i32) -> Result<(), Refusal> {
        let now = self.now;
        let vm = self.vm_by_uuid(host, uuid)?;
        if let Some(to) = vm.migrates_to() {
            self.migration_back(host, uuid, to, super::Outcome::Gone);
        } else if vm.arrives()
            && let Some(from) = self.comes_from(host, uuid)
        {
            // Where it came from it goes on; that it is off here is part of putting everything back.
            let lost = "migration out: Unable to write to socket: Connection reset by peer";
            self.migration_back(from, uuid, host, super::Outcome::Failed(Refusal::failed(lost)));
            return Ok(());
        }
        let vm = self.vm_mut(host, uuid)?;
        vm.stand(now);
        vm.id = None;
        vm.port = None;
        (vm.state, vm.reason) = (State::Off, why);
        vm.ttys.clear();
        vm.block_jobs.clear();
        let persistent = vm.persistent;
        self.end_job(host, uuid, super::Outcome::Gone);
        self.tell(host, uuid, Happened::Lifecycle { event: life::STOPPED, detail });
        if !persistent {
            self.host_mut(host)?.vms.retain(|vm| vm.uuid != *uuid);
        }
        Ok(())
    }

    /// Kills its process.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn destroy(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        self.vm_by_uuid(host, uuid)?.must_run()?;
        self.off(host, uuid, reason::OFF_DESTROYED, life::STOPPED_DESTROYED)
    }

    /// The reset button.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn reset(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        vm.must_run()?;
        vm.must_stay()?;
        self.restart(host, uuid);
        Ok(())
    }

    /// Pauses it; a second time is no error.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn suspend(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let now = self.now;
        let vm = self.vm_mut(host, uuid)?;
        vm.must_run()?;
        if vm.arrives() {
            return Err(Refusal::busy());
        }
        if vm.state == State::Paused {
            return Ok(());
        }
        vm.stand(now);
        (vm.state, vm.reason) = (State::Paused, reason::PAUSED_USER);
        self.tell(host, uuid, Happened::Lifecycle { event: life::SUSPENDED, detail: 0 });
        Ok(())
    }

    /// Lets it run on.
    ///
    /// # Errors
    /// It does not run, or it is not paused.
    pub(crate) fn resume(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let now = self.now;
        let vm = self.vm_mut(host, uuid)?;
        vm.must_run()?;
        vm.must_stay()?;
        if vm.state != State::Paused {
            return Err(Refusal::invalid("domain is already running"));
        }
        vm.run_from(now);
        (vm.state, vm.reason) = (State::Running, reason::RUNNING_UNPAUSED);
        self.tell(host, uuid, Happened::Lifecycle { event: life::RESUMED, detail: 0 });
        Ok(())
    }

    /// The guest's kernel panics; its process stays, as it is configured to.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn crash(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let now = self.now;
        let machine = self.machine(host, uuid)?;
        let vm = self.vm_mut(host, uuid)?;
        vm.must_run()?;
        vm.must_stay()?;
        for tty in vm.ttys.iter_mut().flatten() {
            tty.panic(&machine, now);
        }
        vm.stand(now);
        (vm.state, vm.reason) = (State::Crashed, reason::CRASHED_PANICKED);
        self.tell(host, uuid, Happened::Lifecycle { event: life::CRASHED, detail: 0 });
        Ok(())
    }

    /// A machine as its guest sees it now.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn machine(&self, host: usize, uuid: &[u8; 16]) -> Result<Machine, Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        let size = |source: &str| self.image(host, source).map_or(0, |i| i.capacity);
        let disks = vm.disks.iter().filter(|d| d.device == "disk").map(|d| (d.target.clone(), size(&d.source)));
        Ok(Machine { disks: disks.collect(), clock: self.clock(self.now), ..Machine::of(vm, self.now) })
    }

    /// Gives a screen (0) or a serial line (from 1) to whoever looks at it: made when nobody has yet.
    ///
    /// # Errors
    /// It does not run, or has no such line.
    pub(crate) fn tty(&mut self, host: usize, uuid: &[u8; 16], line: usize) -> Result<(&mut Tty, Machine), Refusal> {
        let now = self.now;
        let machine = self.machine(host, uuid)?;
        let vm = self.vm_mut(host, uuid)?;
        vm.must_run()?;
        let lines = vm.serials + 1;
        if line >= lines {
            return Err(Refusal::internal("cannot find character device (null)"));
        }
        let paused = matches!(vm.state, State::Paused);
        if vm.ttys.len() < lines {
            vm.ttys.resize_with(lines, || None);
        }
        let slot = vm.ttys.get_mut(line).ok_or_else(Refusal::not_running)?;
        let tty = slot.get_or_insert_with(|| Box::new(Tty::new(line, &machine, now)));
        tty.pause(paused);
        Ok((tty, machine))
    }
}

impl World {
    /// The daemon of a host starts anew: what it did for somebody is over.
    pub(crate) fn daemon_restarted(&mut self, host: usize) {
        let Ok(h) = self.host(host) else { return };
        let busy: Vec<_> = h.vms.iter().filter(|vm| vm.job.is_some()).map(|vm| vm.uuid).collect();
        for uuid in busy {
            // Backups are the emulator's and go on; a migration is the daemon's.
            let out = self.vm_by_uuid(host, &uuid).ok().and_then(super::Vm::migrates_to);
            if let Some(to) = out {
                self.migration_back(host, &uuid, to, super::Outcome::Failed(Refusal::failed("the daemon restarted")));
            }
        }
        self.touched = true;
    }

    /// A host loses power.
    pub(crate) fn power_lost(&mut self, host: usize) {
        let Ok(h) = self.host(host) else { return };
        let running: Vec<_> = h.vms.iter().filter(|vm| vm.active()).map(|vm| vm.uuid).collect();
        for uuid in running {
            let _ = self.off(host, &uuid, reason::OFF_UNKNOWN, life::STOPPED_FAILED);
        }
        // What was on its way here goes on where it came from.
        let coming: Vec<_> = self
            .hosts
            .iter()
            .enumerate()
            .flat_map(|(from, h)| {
                h.vms.iter().filter(|vm| vm.migrates_to() == Some(host)).map(move |vm| (from, vm.uuid))
            })
            .collect();
        for (from, uuid) in coming {
            let why = Refusal::failed("migration out: Unable to write to socket: Connection reset by peer");
            self.migration_back(from, &uuid, host, super::Outcome::Failed(why));
        }
    }

    /// Its process is killed by something else.
    pub(crate) fn killed(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        self.vm_by_uuid(host, uuid)?.must_run()?;
        self.off(host, uuid, reason::OFF_CRASHED, life::STOPPED_FAILED)
    }
}
