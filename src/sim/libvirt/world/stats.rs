//! What a host tells of its machines in numbers, under libvirt's names.

use super::vm::{State, Vm};
use super::{SECOND, World};
use crate::controllers::libvirt::flags::{all_stats, list, stats};
use crate::controllers::libvirt::wire::{Param, Params, Value};

impl World {
    /// The statistics of a machine; `groups` of 0: all.
    pub(crate) fn stats(&self, host: usize, vm: &Vm, groups: u32, flags: u32) -> Params {
        let on = |group: u32| groups == 0 || groups & group != 0;
        let mut out = Params::new();
        let mut put = |name: String, value: Value| out.push(Param { field: name, value });
        if on(stats::STATE) {
            put("state.state".into(), Value::Int(vm.state as i32));
            put("state.reason".into(), Value::Int(vm.reason));
        }
        let used = vm.used(self.now);
        if on(stats::CPU_TOTAL) && (vm.active() || used.cpu_ns > 0) {
            put("cpu.time".into(), Value::Ulong(used.cpu_ns));
            put("cpu.user".into(), Value::Ulong(used.cpu_ns / 10 * 7));
            put("cpu.system".into(), Value::Ulong(used.cpu_ns - used.cpu_ns / 10 * 7));
            if vm.active() {
                put("cpu.cache.monitor.count".into(), Value::Uint(0));
            }
        }
        if on(stats::BALLOON) {
            put("balloon.current".into(), Value::Ulong(vm.memory_kib));
            put("balloon.maximum".into(), Value::Ulong(vm.memory_kib));
            if vm.active() {
                let rss = vm.rss_kib(self.now);
                put("balloon.swap_in".into(), Value::Ulong(0));
                put("balloon.swap_out".into(), Value::Ulong(0));
                let unused = vm.memory_kib.saturating_sub(rss);
                put("balloon.unused".into(), Value::Ulong(unused));
                put("balloon.available".into(), Value::Ulong(vm.memory_kib / 100 * 97));
                put("balloon.usable".into(), Value::Ulong(unused + rss / 5));
                put("balloon.last-update".into(), Value::Ulong(self.clock(self.now).max(0) as u64));
                put("balloon.rss".into(), Value::Ulong(rss));
            }
        }
        if on(stats::VCPU) {
            put("vcpu.current".into(), Value::Uint(vm.vcpus));
            put("vcpu.maximum".into(), Value::Uint(vm.vcpus));
            for n in (0..vm.vcpus).filter(|_| vm.active()) {
                put(format!("vcpu.{n}.state"), Value::Int(1));
                put(format!("vcpu.{n}.time"), Value::Ulong(used.cpu_ns / u64::from(vm.vcpus) / 100 * 97));
                put(format!("vcpu.{n}.wait"), Value::Ulong(0));
                put(format!("vcpu.{n}.delay"), Value::Ulong(used.cpu_ns / 900));
            }
        }
        if on(stats::INTERFACE) && vm.active() {
            let nics = vm.nics.len() as u64;
            put("net.count".into(), Value::Uint(nics as u32));
            for n in 0..nics {
                // The first carries one part, the second two.
                let part = |bytes: u64| if nics == 1 { bytes } else { bytes / 3 * (n + 1) };
                put(format!("net.{n}.name"), Value::Text(vm.tap(n as usize)));
                for (way, bytes) in [("rx", part(used.receive)), ("tx", part(used.send))] {
                    put(format!("net.{n}.{way}.bytes"), Value::Ulong(bytes));
                    put(format!("net.{n}.{way}.pkts"), Value::Ulong(bytes / 640));
                    put(format!("net.{n}.{way}.errs"), Value::Ulong(0));
                    put(format!("net.{n}.{way}.drop"), Value::Ulong(bytes / 70_000_000));
                }
            }
        }
        if on(stats::BLOCK) {
            self.block_stats(host, vm, flags & all_stats::BACKING != 0, &mut put);
        }
        out
    }

    fn block_stats(&self, host: usize, vm: &Vm, backing: bool, put: &mut impl FnMut(String, Value)) {
        let mut n = 0_u32;
        let mut rows: Params = Vec::new();
        let used = vm.used(self.now);
        for (at, disk) in vm.disks.iter().enumerate() {
            let chain = if disk.source.is_empty() { vec![String::new()] } else { self.chain(host, &disk.source) };
            let shown = if backing { chain.len() } else { 1 };
            for (depth, path) in chain.iter().take(shown).enumerate() {
                let mut row = |name: &str, value| rows.push(Param { field: format!("block.{n}.{name}"), value });
                row("name", Value::Text(disk.target.clone()));
                if !path.is_empty() {
                    row("path", Value::Text(path.clone()));
                }
                if depth > 0 || vm.active() {
                    row("backingIndex", Value::Uint(disk.index.saturating_sub(depth as u32)));
                }
                if vm.active() {
                    let mine = u64::from(depth == 0 && (at == 0 || disk.device == "disk"));
                    let parts = vm.disks.iter().filter(|d| d.device == "disk").count().max(1) as u64;
                    for (way, bytes) in [("rd", used.read * mine / parts), ("wr", used.write * mine / parts)] {
                        row(&format!("{way}.reqs"), Value::Ulong(bytes / 16_384));
                        row(&format!("{way}.bytes"), Value::Ulong(bytes));
                        row(&format!("{way}.times"), Value::Ulong(bytes * 9));
                    }
                    row("fl.reqs", Value::Ulong(used.write * mine / 400_000));
                    row("fl.times", Value::Ulong(used.write * mine / 4));
                }
                if let Some(image) = self.image(host, path) {
                    row("allocation", Value::Ulong(self.grown(vm, depth, image.allocation, image.capacity)));
                    row("capacity", Value::Ulong(image.capacity));
                    row("physical", Value::Ulong(image.physical()));
                }
                n += 1;
            }
        }
        put("block.count".into(), Value::Uint(n));
        for row in rows {
            put(row.field, row.value);
        }
    }

    /// What an image holds now: what is written goes to new places now and then.
    fn grown(&self, vm: &Vm, depth: usize, held: u64, capacity: u64) -> u64 {
        if depth > 0 || self.now <= 0 || vm.running_since.is_none() {
            return held;
        }
        let since = self.now.min(vm.ran(self.now)) as f64 / SECOND as f64;
        (held + (vm.load.write * since / 40.0) as u64).min(capacity)
    }

    /// CPU time of a host, ns: kernel, user, idle, waiting.
    pub(crate) fn cpu_times(&self, host: usize) -> [(&'static str, u64); 4] {
        let Some(host) = self.hosts.get(host) else { return [("kernel", 0), ("user", 0), ("idle", 0), ("iowait", 0)] };
        let all = (self.now - host.booted).max(0) as u64 * 1_000 * u64::from(host.cpus);
        // What machines used before this start is not known any more; only the differences are looked at.
        let used: u64 = host.vms.iter().map(|vm| vm.used(self.now).cpu_ns).sum();
        let own = all / 90;
        let wait = all / 400;
        let busy = used.min(all - own - wait);
        [("kernel", own + busy / 5), ("user", busy - busy / 5), ("idle", all - own - wait - busy), ("iowait", wait)]
    }

    /// Memory of a host, KiB: total, free, buffers, cached.
    pub(crate) fn memory(&self, host: usize) -> [(&'static str, u64); 4] {
        let Some(host) = self.hosts.get(host) else {
            return [("total", 0), ("free", 0), ("buffers", 0), ("cached", 0)];
        };
        let used: u64 = host.vms.iter().filter(|vm| vm.active()).map(|vm| vm.rss_kib(self.now)).sum();
        let rest = host.memory_kib.saturating_sub(used + (2 << 20));
        [("total", host.memory_kib), ("free", rest / 10 * 6), ("buffers", rest / 50), ("cached", rest / 10 * 3)]
    }
}

impl Vm {
    /// Name of the host's end of an interface.
    pub(crate) fn tap(&self, n: usize) -> String {
        format!("vnet{}", self.id.unwrap_or(0).max(0) as usize * 2 + n)
    }

    /// Whether it takes part in a list that asks for some states (`virConnectListAllDomainsFlags`).
    pub(crate) fn listed(&self, flags: u32) -> bool {
        // Of a group of flags that none is asked for, none chooses.
        let group = |bits: &[(u32, bool)]| {
            let mut asked = bits.iter().filter(|(bit, _)| flags & bit != 0).peekable();
            asked.peek().is_none() || asked.any(|(_, holds)| *holds)
        };
        group(&[(list::ACTIVE, self.active()), (list::INACTIVE, !self.active())])
            && group(&[(list::PERSISTENT, self.persistent), (list::TRANSIENT, !self.persistent)])
            && group(&[
                (list::RUNNING, self.state == State::Running),
                (list::PAUSED, self.state == State::Paused),
                (list::SHUT_OFF, self.state == State::Off),
                (list::OTHER, matches!(self.state, State::Crashed | State::Stopping)),
            ])
            && group(&[(list::MANAGED_SAVE, false), (list::NO_MANAGED_SAVE, true)])
            && group(&[(list::AUTOSTART, self.autostart), (list::NO_AUTOSTART, !self.autostart)])
            && group(&[
                (list::HAS_SNAPSHOT, !self.snapshots.is_empty()),
                (list::NO_SNAPSHOT, self.snapshots.is_empty()),
            ])
            && group(&[
                (list::HAS_CHECKPOINT, !self.checkpoints.is_empty()),
                (list::NO_CHECKPOINT, self.checkpoints.is_empty()),
            ])
    }
}
