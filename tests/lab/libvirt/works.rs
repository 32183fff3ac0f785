//! What operators ask for, by the real binary over SSH, on real hosts: backups and what comes back from them,
//! snapshots and their clean-up, moves. The outcome is looked at by libvirt's own client and in the guest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::sshd::Sshd;
use crate::virt::{Guest, Host, Lab, Serial, answer};

/// noctule at home, with both hosts in its configuration.
struct Desk {
    home: tempfile::TempDir,
    backups: PathBuf,
    _ways: [Sshd; 2],
}

impl Desk {
    async fn new(lab: &Lab, name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let backups = lab.shared_folder(name);
        let ways = [lab.host_a().sshd().await, lab.host_b().sshd().await];
        let mut text = "[profile.default]\nread_only = false\n".to_owned();
        for (name, host, way) in [("kvm-a", lab.host_a(), &ways[0]), ("kvm-b", lab.host_b(), &ways[1])] {
            let (config, uri) = (way.path("config"), host.uri());
            write!(
                text,
                "[[source]]\nname = {name:?}\nkind = \"libvirt\"\n[source.ssh]\nhost = \"lab\"\nconfig_file = {config:?}\n\
                 [source.backup]\nfolder = {backups:?}\n\
                 [source.migration]\nconnect = {uri:?}\ndata = \"tcp://127.0.0.1\"\n"
            )
            .unwrap();
        }
        let folder = home.path().join(".config/noctule");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("noctule.toml"), text).unwrap();
        Self { home, backups, _ways: ways }
    }

    /// Runs a command on a machine or a host: whether all of it was done, and what was said.
    async fn run(&self, command: &str, target: &str, args: &[&str]) -> (bool, String) {
        let mut noctule = std::process::Command::new(env!("CARGO_BIN_EXE_noctule"));
        noctule.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("USER", "anna");
        noctule.env("HOME", self.home.path()).env("XDG_RUNTIME_DIR", self.home.path());
        noctule.args(["run", command, target, "--yes", "--json"]);
        for arg in args {
            noctule.args(["--arg", arg]);
        }
        let answer = answer(noctule).await;
        let told: Option<Json> = serde_json::from_str(&answer.out).ok();
        let summary = told.as_ref().and_then(|told| Some(told["summary"].as_str()?.to_owned()));
        let errors = told.iter().flat_map(|told| told["errors"].as_array().into_iter().flatten());
        let errors: Vec<String> = errors.map(|e| e["reason"].as_str().unwrap_or_default().to_owned()).collect();
        (answer.done, format!("{} {} {}", summary.unwrap_or_default(), errors.join("; "), answer.err))
    }

    async fn good(&self, command: &str, target: &str, args: &[&str]) -> String {
        let (done, said) = self.run(command, target, args).await;
        assert!(done, "{command} {target} {args:?}: {said}");
        said
    }

    async fn bad(&self, command: &str, target: &str, args: &[&str]) -> String {
        let (done, said) = self.run(command, target, args).await;
        assert!(!done, "{command} {target} {args:?}: {said}");
        said
    }
}

/// The line that a guest's disk was marked with, as a prompt reads it.
async fn mark(serial: &mut Serial) -> String {
    serial.run("dd if=/dev/vda bs=64 count=1 2>/dev/null | tr -d ' '; echo").await
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn forget(host: &Host, name: &str) {
    host.virsh(&["undefine", name, "--checkpoints-metadata", "--snapshots-metadata"]).await.good();
}

#[tokio::test]
async fn what_was_backed_up_comes_back_as_a_new_machine_and_after_the_old_one_is_gone() {
    let Some(lab) = Lab::shared().await else { return };
    let (vm, a) = (lab.vm("keeper").await, lab.host_a());
    let desk = Desk::new(lab, "keeper-backups").await;
    let here = a.connect().await;
    let mut serial = Serial::open(&here, "keeper", 0).await.unwrap();
    serial.log_in("keeper").await;
    serial.run("lab-mark first 4").await;
    desk.good("vm.backup", "keeper", &["kind=full"]).await;
    serial.run("lab-mark second 1").await;
    let said = desk.good("vm.backup", "keeper", &["kind=incremental"]).await;
    assert!(said.contains("incremental backup of keeper") || said.contains("backed up"), "{said}");
    let sets = names(&desk.backups.join("keeper"));
    let [full, more] = sets.as_slice() else { panic!("{sets:?}") };
    assert!(full.ends_with(".full") && more.ends_with(".incremental"), "{sets:?}");
    assert_eq!(names(&desk.backups.join("keeper").join(more)), ["domain.xml", "manifest.json", "vda.qcow2"]);
    let checkpoints = a.virsh(&["checkpoint-list", "keeper", "--name"]).await.good();
    assert_eq!(checkpoints.split_whitespace().count(), 1, "only the newest is built on: {checkpoints}");

    // As a new machine it has the data of the newest, at addresses and in files of its own.
    let disks = lab.shared_folder("keeper-new");
    let folder = format!("folder={}", disks.display());
    desk.good("vm.restore", "keeper", &["backup=newest", "to=keeper-2", &folder, "start=yes"]).await;
    assert_eq!((a.state("keeper").await.as_str(), a.state("keeper-2").await.as_str()), ("running", "running"));
    assert_eq!(names(&disks), ["keeper-2-vda.qcow2"]);
    let mut again = Serial::open(&here, "keeper-2", 0).await.unwrap();
    again.log_in("keeper").await;
    assert_eq!(mark(&mut again).await, "second");
    drop(again);
    a.virsh(&["destroy", "keeper-2"]).await.good();
    forget(a, "keeper-2").await;

    // The machine and its disk are lost: the row of the host and a folder are enough.
    drop(serial);
    a.virsh(&["destroy", "keeper"]).await.good();
    forget(a, "keeper").await;
    std::fs::remove_file(vm.disk()).unwrap();
    let backup = format!("backup={}", desk.backups.join("keeper").join(full).display());
    desk.good("vm.restore", "kvm-a", &[&backup]).await;
    assert_eq!(a.state("keeper").await, "shut off");
    assert!(a.virsh(&["domuuid", "keeper"]).await.good().contains(vm.uuid()));
    let before = vm.serial_log().len();
    vm.start().await;
    assert!(vm.serial_log().get(before..).is_some_and(|log| log.contains("disk: first")), "{}", vm.serial_log());
}

#[tokio::test]
async fn overlays_are_merged_away_but_not_from_under_a_machine_that_is_off() {
    let Some(lab) = Lab::shared().await else { return };
    let (vm, a) = (lab.vm("chain").await, lab.host_a());
    let desk = Desk::new(lab, "chain-backups").await;
    let here = a.connect().await;
    let mut serial = Serial::open(&here, "chain", 0).await.unwrap();
    serial.log_in("chain").await;
    for name in ["one", "two"] {
        desk.good("vm.snapshot", "chain", &[&format!("name={name}"), "kind=external", "memory=no"]).await;
        serial.run(&format!("lab-mark {name} 1")).await;
    }
    let overlay = |name: &str| vm.disk().replace(".qcow2", &format!(".{name}"));
    assert!(a.virsh(&["domblklist", "chain"]).await.good().contains(&overlay("two")));
    // A clone that is off stands on the first overlay, and nothing in its definition says so.
    let clone = lab.guest(Guest::named("chain-clone").off()).await;
    let below = overlay("one");
    let words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &below, &clone.disk()];
    a.run(&words).await.good();
    let said = desk.good("vm.snapshot-cleanup", "chain", &[]).await;
    assert!(said.contains("chain"), "{said}");
    let listed = a.virsh(&["domblklist", "chain"]).await.good();
    assert!(listed.contains(&vm.disk()), "{listed}");
    assert_eq!(a.virsh(&["snapshot-list", "chain", "--name"]).await.good(), "");
    assert_eq!((Path::new(&below).exists(), Path::new(&overlay("two")).exists()), (true, false));
    assert_eq!(mark(&mut serial).await, "two");
    std::fs::remove_file(below).unwrap();
}

#[tokio::test]
async fn disks_that_a_machine_that_is_off_stands_on_are_not_deleted() {
    let Some(lab) = Lab::shared().await else { return };
    let (base, a) = (lab.guest(Guest::named("base").off()).await, lab.host_a());
    let desk = Desk::new(lab, "base-backups").await;
    let clone = lab.guest(Guest::named("base-clone").off()).await;
    let words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &base.disk(), &clone.disk()];
    a.run(&words).await.good();
    let said = desk.bad("vm.undefine", "base", &["disks=delete"]).await;
    assert!(said.contains("is a disk of base-clone as well"), "{said}");
    assert_eq!((a.state("base").await.as_str(), Path::new(&base.disk()).exists()), ("shut off", true));
}

#[tokio::test]
async fn a_move_copies_what_it_is_told_to_and_nothing_unasked() {
    let Some(lab) = Lab::shared().await else { return };
    let _vm = lab.guest(Guest::named("mover").local_disk()).await;
    let (a, b) = (lab.host_a(), lab.host_b());
    let desk = Desk::new(lab, "mover-backups").await;
    let said = desk.bad("vm.migrate", "mover", &["to=kvm-b"]).await;
    assert!(said.contains("say storage copy"), "{said}");
    assert_eq!((a.state("mover").await.as_str(), b.state("mover").await.as_str()), ("running", ""));
    desk.good("vm.migrate", "mover", &["to=kvm-b", "storage=copy"]).await;
    assert_eq!((a.state("mover").await.as_str(), b.state("mover").await.as_str()), ("", "running"));
}
