//! libvirt's own `virsh` on the simulated hosts: what it says of them is what it says of real ones, so
//! that what works on the simulator is not what the simulator made up.

use std::process::Stdio;
use std::time::Duration;

use noctule::sim::libvirt::{RunningVirt, VirtOptions, VirtSim};
use tokio::process::Command;

struct Virsh {
    sim: RunningVirt,
}

impl Virsh {
    fn start() -> Self {
        let sim = VirtSim::start(VirtOptions { speed: 20.0, ..VirtOptions::default() }).expect("hosts");
        Self { sim }
    }

    /// What it prints, with its errors behind.
    async fn say(&self, host: usize, words: &str) -> String {
        let mut command = Command::new("virsh");
        command.arg("-c").arg(self.sim.uri(host)).args(words.split_whitespace());
        command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
        let done = tokio::time::timeout(Duration::from_secs(30), command.output());
        let out = done.await.unwrap_or_else(|_| panic!("virsh {words} took too long")).expect("virsh runs");
        format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
    }

    async fn says(&self, host: usize, words: &str, expected: &[&str]) {
        let told = self.say(host, words).await;
        for text in expected {
            assert!(told.contains(text), "virsh {words} says no {text:?}:\n{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn virsh_lists_shows_and_changes_simulated_machines() {
    let virsh = Virsh::start();
    virsh.says(0, "list --all --title", &["kafka-1", "running", "Windows jump host"]).await;
    virsh.says(1, "list --all", &["mail-relay   crashed", "build-1      shut off"]).await;
    virsh.says(2, "domstate staging --reason", &["paused (user)"]).await;
    virsh
        .says(0, "dominfo dhcp-1", &["CPU(s):         2", "Max memory:     1048576 KiB", "Autostart:      enable"])
        .await;
    virsh.says(0, "domstats kafka-1", &["state.state=1", "block.0.name=vda", "net.count=2", "vcpu.3.time="]).await;
    virsh.says(0, "nodeinfo", &["CPU(s):              24"]).await;
    virsh.says(0, "domblklist kafka-1", &["kafka-1.after-upgrade"]).await;
    virsh.says(0, "snapshot-list acs-1 --tree", &["+- 1.2.9-ok", "+- before-presets"]).await;
    virsh.says(0, "snapshot-info acs-1 1.2.9-ok", &["Location:       internal", "Children:       1"]).await;
    virsh.says(0, "checkpoint-list dhcp-1", &["noctule-"]).await;
    virsh.says(0, "dumpxml kafka-1", &["<name>kafka-1</name>", "<backingStore type='file' index='2'>"]).await;
    virsh.says(0, "vol-info --pool images dhcp-1.qcow2", &["Capacity:       10.00 GiB"]).await;
    virsh.says(0, "snapshot-revert kafka-1 after-upgrade", &["revert to external snapshot not supported yet"]).await;
    virsh.says(1, "start build-1", &["Domain 'build-1' started"]).await;
    virsh.says(1, "start build-1", &["Domain is already active"]).await;
    virsh.says(0, "shutdown dhcp-1", &["is being shutdown"]).await;
    let off = async { while !virsh.say(0, "domstate dhcp-1").await.contains("shut off") {} };
    tokio::time::timeout(Duration::from_secs(20), off).await.expect("it shuts down");
    virsh.says(0, "console jump-win", &["Cannot run interactive console without a controlling TTY"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn virsh_commits_backs_up_and_moves_them() {
    let virsh = Virsh::start();
    virsh.says(0, "snapshot-create-as dhcp-1 s1 --disk-only --atomic", &["Domain snapshot s1 created"]).await;
    virsh.says(0, "blockcommit dhcp-1 vda --active --pivot --wait", &["Successfully pivoted"]).await;
    virsh.says(0, "domblklist dhcp-1", &["dhcp-1.qcow2"]).await;
    virsh.says(0, "snapshot-delete dhcp-1 s1 --metadata", &["snapshot s1 deleted"]).await;
    // Large enough to be still going on.
    virsh.says(1, "backup-begin metrics-1", &["Backup started"]).await;
    virsh.says(1, "domjobinfo metrics-1", &["Operation:        Backup", "File total:"]).await;
    virsh.says(1, "domjobabort metrics-1", &[]).await;
    virsh.says(1, "domjobinfo metrics-1 --completed", &["Cancelled"]).await;
    let to = virsh.sim.uri(1);
    virsh.says(0, &format!("migrate --live --p2p dhcp-1 {to}"), &["Migration without shared storage is unsafe"]).await;
    virsh.says(0, &format!("migrate --live --p2p --persistent --undefinesource radius-1 {to}"), &[]).await;
    virsh.says(1, "domstate radius-1 --reason", &["running (migrated)"]).await;
    virsh.says(1, "domjobinfo radius-1 --completed", &["Incoming migration", "Total downtime:"]).await;
    virsh.says(0, "domstate radius-1", &["failed to get domain 'radius-1'"]).await;
}
