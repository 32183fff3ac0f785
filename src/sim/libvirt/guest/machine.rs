//! What a guest knows of itself.

use crate::sim::libvirt::world::{SECOND, State, Vm};

/// The machine as its guest sees it, at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) hostname: String,
    pub(crate) title: String,
    pub(crate) vcpus: u32,
    pub(crate) memory_kib: u64,
    pub(crate) used_kib: u64,
    /// Name and bytes.
    pub(crate) disks: Vec<(String, u64)>,
    /// Name, hardware address, address.
    pub(crate) nics: Vec<(String, String, String)>,
    /// When its kernel was started, and now, in the world's time.
    pub(crate) booted: i64,
    pub(crate) now: i64,
    /// Now, Unix seconds.
    pub(crate) clock: i64,
    /// Load, tasks that want to run.
    pub(crate) load: f64,
    pub(crate) crashed: bool,
    /// A guest of another age.
    pub(crate) old: bool,
}

impl Machine {
    /// A machine, but for what only the world knows (sizes of disks, the time of the day).
    pub(crate) fn of(vm: &Vm, now: i64) -> Self {
        let address = |n: usize| {
            let [.., a, b] = vm.uuid;
            format!("10.{}.{}.{}", 40 + n, a % 250 + 1, b % 250 + 1)
        };
        let nics = vm.nics.iter().enumerate();
        Self {
            hostname: vm.name.clone(),
            title: vm.title.clone(),
            vcpus: vm.vcpus,
            memory_kib: vm.memory_kib,
            used_kib: vm.rss_kib(now).min(vm.memory_kib / 10 * 9),
            disks: vm.disks.iter().filter(|d| d.device == "disk").map(|d| (d.target.clone(), 0)).collect(),
            nics: nics.map(|(n, nic)| (format!("ens{}", n + 3), nic.mac.clone(), address(n))).collect(),
            booted: vm.booted,
            now,
            clock: 0,
            load: vm.load.cpu * f64::from(vm.vcpus),
            crashed: vm.state == State::Crashed,
            old: vm.deaf,
        }
    }

    /// Seconds since its kernel was started.
    pub(crate) const fn uptime_s(&self) -> i64 {
        (self.now - self.booted) / SECOND
    }

    /// The kernel's release.
    pub(crate) const fn kernel(&self) -> &'static str {
        if self.old { "3.16.0-11-amd64" } else { "6.1.0-28-amd64" }
    }

    /// What it is, in words.
    pub(crate) const fn system(&self) -> &'static str {
        if self.old { "Debian GNU/Linux 8" } else { "Debian GNU/Linux 12" }
    }

    /// The time of the day, as `date` prints it.
    pub(crate) fn date(&self) -> String {
        chrono::DateTime::from_timestamp(self.clock, 0)
            .map(|t| t.format("%a %b %e %H:%M:%S UTC %Y").to_string())
            .unwrap_or_default()
    }

    /// Only the hours, as `top` and `uptime` do.
    pub(crate) fn time(&self) -> String {
        chrono::DateTime::from_timestamp(self.clock, 0).map(|t| t.format("%H:%M:%S").to_string()).unwrap_or_default()
    }

    /// The load over one, five and fifteen minutes.
    pub(crate) fn loads(&self) -> (f64, f64, f64) {
        let swing = (self.now as f64 / SECOND as f64 / 97.0).sin();
        let at = |depth: f64| (self.load * depth.mul_add(swing, 1.0)).max(0.0);
        (at(0.4), at(0.2), at(0.05))
    }
}
