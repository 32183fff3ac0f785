//! The handle by which tests (and nobody else) make things happen to simulated hosts.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::live::{Live, Switches};
use super::world::{Refusal, SECOND, State, World};
use crate::controllers::libvirt::procs;

/// What is wrong with the daemon of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// It is not there: connections are closed, those that are open too.
    Down,
    /// It takes calls and answers none.
    Hang,
    /// Its answers are no packets.
    Garbage,
    /// It wants a login that is not spoken (SASL).
    Sasl,
    /// polkit decides, and says no.
    Polkit,
}

/// Makes things happen. Hosts are counted from 0; machines have names.
#[derive(Debug, Clone)]
pub struct VirtControl {
    live: Arc<Live>,
}

impl VirtControl {
    pub(super) const fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    fn switches(&self, host: usize) -> Option<&Switches> {
        self.live.switches.get(host)
    }

    /// Lets time pass, where it does not by itself: ms.
    pub fn advance(&self, ms: i64) {
        self.live.advance(ms * SECOND / 1_000);
    }

    /// Something is wrong with a host from now on, beside what is already.
    pub fn fault(&self, host: usize, fault: HostFault) {
        let Some(switches) = self.switches(host) else { return };
        let auth = |kinds: Vec<u32>| *switches.auth.lock().unwrap_or_else(PoisonError::into_inner) = kinds;
        match fault {
            HostFault::Down => {
                switches.faults.set_refuse(true);
                switches.faults.drop_connections();
            }
            HostFault::Hang => switches.faults.set_hang(true),
            HostFault::Garbage => switches.garbage.store(true, Ordering::SeqCst),
            HostFault::Sasl => auth(vec![procs::AUTH_SASL]),
            HostFault::Polkit => auth(vec![procs::AUTH_POLKIT_TYPE]),
        }
    }

    /// All is well with a host again.
    pub fn mend(&self, host: usize) {
        let Some(switches) = self.switches(host) else { return };
        switches.faults.set_refuse(false);
        switches.faults.set_hang(false);
        switches.garbage.store(false, Ordering::SeqCst);
        *switches.auth.lock().unwrap_or_else(PoisonError::into_inner) = vec![procs::AUTH_NONE];
    }

    /// The daemon restarts: connections end, machines go on, and a migration that ran is over.
    pub fn restart(&self, host: usize) {
        if let Some(switches) = self.switches(host) {
            switches.faults.drop_connections();
        }
        self.live.world().daemon_restarted(host);
    }

    /// The host loses power: all its machines are off.
    pub fn power_loss(&self, host: usize) {
        self.fault(host, HostFault::Down);
        self.live.world().power_lost(host);
    }

    /// The emulator on a target dies when this part of a migration is through, permille; `None`: it
    /// does not.
    pub fn target_dies_at(&self, target: usize, permille: Option<u32>) {
        if let Ok(host) = self.live.world().host_mut(target) {
            host.wrongs.target_dies_at = permille;
        }
    }

    /// So many bytes fit into a backup; then the disk is full.
    pub fn backup_room(&self, host: usize, bytes: Option<u64>) {
        if let Ok(host) = self.live.world().host_mut(host) {
            host.wrongs.backup_room = bytes;
        }
    }

    /// Machines do not start, for this reason.
    pub fn start_fails(&self, host: usize, why: Option<&str>) {
        if let Ok(host) = self.live.world().host_mut(host) {
            host.wrongs.start_fails = why.map(str::to_owned);
        }
    }

    /// Does something to a machine; false when there is none of this name, or it cannot be done.
    fn to(&self, host: usize, vm: &str, act: impl FnOnce(&mut World, &[u8; 16]) -> Result<(), Refusal>) -> bool {
        let mut world = self.live.world();
        let Ok(uuid) = world.vm_by_name(host, vm).map(|vm| vm.uuid) else { return false };
        world.touched = true;
        act(&mut world, &uuid).is_ok()
    }

    /// A guest's kernel panics.
    pub fn crash(&self, host: usize, vm: &str) -> bool {
        self.to(host, vm, |world, uuid| world.crash(host, uuid))
    }

    /// A machine is killed, as by the system of its host.
    pub fn kill(&self, host: usize, vm: &str) -> bool {
        self.to(host, vm, |world, uuid| world.killed(host, uuid))
    }

    /// A guest ignores the power button, or does not any more.
    pub fn deaf(&self, host: usize, vm: &str, on: bool) -> bool {
        self.to(host, vm, |world, uuid| world.vm_mut(host, uuid).map(|vm| vm.deaf = on))
    }

    /// A file of a host vanishes.
    pub fn lose_file(&self, host: usize, path: &str) -> bool {
        self.live.world().unlink(host, path).is_ok()
    }

    /// Whether a file is on a host.
    #[must_use]
    pub fn has_file(&self, host: usize, path: &str) -> bool {
        self.live.world().image(host, path).is_some()
    }

    /// The hosts on which a machine of this name runs.
    #[must_use]
    pub fn runs_on(&self, vm: &str) -> Vec<usize> {
        let world = self.live.world();
        let runs = |host: &usize| world.vm_by_name(*host, vm).is_ok_and(|vm| vm.state == State::Running);
        (0..world.hosts.len()).filter(runs).collect()
    }

    /// The lines of a machine's screen, without blank ones at the end.
    #[must_use]
    pub fn screen(&self, host: usize, vm: &str) -> String {
        let mut world = self.live.world();
        let Ok(uuid) = world.vm_by_name(host, vm).map(|vm| vm.uuid) else { return String::new() };
        let Ok((tty, machine)) = world.tty(host, &uuid, 0) else { return String::new() };
        tty.advance(&machine);
        tty.vga().map(|vga| vga.screen().text()).unwrap_or_default()
    }

    /// Viewers that are connected to a machine's screen.
    #[must_use]
    pub fn viewers(&self, host: usize, vm: &str) -> usize {
        let uuid = self.live.world().vm_by_name(host, vm).map(|vm| vm.uuid);
        uuid.map_or(0, |uuid| self.live.screens.viewers(host, &uuid))
    }

    /// Serial lines that are open.
    #[must_use]
    pub fn consoles(&self) -> usize {
        self.live.taken()
    }
}
