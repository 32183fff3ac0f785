//! A machine of the lab.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Guest, Host, Lab, PATIENCE};

/// A machine: destroyed and undefined on both hosts when dropped, its disk removed.
pub struct Vm<'l> {
    lab: &'l Lab,
    guest: Guest,
    uuid: String,
}

impl<'l> Vm<'l> {
    pub(super) async fn make(lab: &'l Lab, guest: Guest) -> Self {
        let vm = Self { lab, guest, uuid: uuid::Uuid::new_v4().to_string() };
        let taken = lab.a.machines().await.contains(&vm.guest.name) || lab.b.machines().await.contains(&vm.guest.name);
        if taken {
            // Dropping it would take away what is another test's.
            let name = vm.guest.name.clone();
            std::mem::forget(vm);
            panic!("another test has a machine {name}");
        }
        let size = format!("{}M", vm.guest.disk_mib);
        lab.a.run(&["qemu-img", "create", "-q", "-f", "qcow2", &vm.disk(), &size]).await.good();
        vm.define(&lab.a).await;
        if !vm.guest.off {
            vm.start().await;
        }
        vm
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.guest.name
    }

    /// Its UUID.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// The image of its disk, as the hosts know it.
    pub fn disk(&self) -> String {
        self.guest.disk(self.lab)
    }

    /// Its definition as it was made.
    pub fn xml(&self) -> String {
        self.guest.xml(self.lab, &self.uuid)
    }

    /// The socket of its screen, where it has one.
    pub fn vnc_socket(&self) -> PathBuf {
        self.lab.path("vnc").join(self.name())
    }

    /// Defines it on a host.
    pub async fn define(&self, host: &Host) {
        host.define(&self.xml()).await.good();
    }

    /// Starts it on host A and waits until one can log in.
    pub async fn start(&self) {
        let before = self.serial_log().len();
        self.lab.a.virsh(&["start", self.name()]).await.good();
        self.until_login_after(before).await;
    }

    /// What it has written to its serial line since it was made, wherever it runs.
    pub fn serial_log(&self) -> String {
        let bytes = std::fs::read(self.lab.path("serial").join(self.name())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it has asked for a login after the first so many bytes of its [`Self::serial_log`].
    pub async fn until_login_after(&self, bytes: usize) {
        self.until_serial(bytes, &format!("{} login: ", self.name())).await;
    }

    /// Waits until it has written this after the first so many bytes of its [`Self::serial_log`].
    pub async fn until_serial(&self, bytes: usize, text: &str) {
        let begun = Instant::now();
        while !self.serial_log().get(bytes..).is_some_and(|new| new.contains(text)) {
            let log = self.serial_log();
            assert!(begun.elapsed() < PATIENCE, "{}: never wrote {text:?}: {log}", self.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it is in a state (`running`, `shut off` …; empty: not there) on a host.
    pub async fn until_state(&self, host: &Host, state: &str) {
        let begun = Instant::now();
        loop {
            let is = host.state(self.name()).await;
            if is == state {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{} on {}: {is:?}, never {state:?}", self.name(), host.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The port of its screen on a host.
    pub async fn vnc_port(&self, host: &Host) -> u16 {
        let shown = host.virsh(&["vncdisplay", self.name()]).await.good();
        let display = shown.trim().rsplit(':').next().and_then(|n| n.parse::<u16>().ok());
        5_900 + display.unwrap_or_else(|| panic!("no display: {shown:?}"))
    }
}

impl Drop for Vm<'_> {
    fn drop(&mut self) {
        for host in [&self.lab.a, &self.lab.b] {
            // What is not there was not on this host, or the test has dealt with it.
            for words in [
                &["destroy", &*self.guest.name][..],
                &["undefine", &self.guest.name, "--snapshots-metadata", "--checkpoints-metadata", "--managed-save"],
            ] {
                let mut command = host.virsh_command(words);
                let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            }
            if self.guest.local {
                let _ = std::fs::remove_file(host.outside(&self.disk()));
            }
        }
        if !self.guest.local {
            let _ = std::fs::remove_file(self.disk());
        }
        let _ = std::fs::remove_file(self.lab.path("serial").join(self.name()));
    }
}
