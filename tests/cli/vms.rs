//! Virtual machines without a screen: verbs with their exit codes, pictures of screens, what doctor says
//! of a host, on the real binary against simulated hosts.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use noctule::config::schema::SourceKind;
use noctule::engine::vga::shot;
use noctule::sim::libvirt::{HostFault, RunningVirt, VirtOptions, VirtSim};
use serde_json::Value as Json;

use super::noctule;

/// Three simulated hosts, and a home that is configured for them; `look` may change nothing.
struct Rack {
    home: tempfile::TempDir,
    sim: RunningVirt,
    runtime: tokio::runtime::Runtime,
}

impl Drop for Rack {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
    }
}

impl Rack {
    fn start() -> Self {
        Self::called(None)
    }

    /// Hosts that call themselves this.
    fn called(hostname: Option<String>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sim = {
            let _inside = runtime.enter();
            VirtSim::start(VirtOptions { hostname, ..VirtOptions::default() }).unwrap()
        };
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/noctule");
        std::fs::create_dir_all(&folder).unwrap();
        let mut text = "[profile.default]\nread_only = false\n[profile.look]\nread_only = true\n".to_owned();
        for source in sim.config() {
            let SourceKind::Libvirt(host) = source.kind else { panic!("another kind") };
            let backups = home.path().join("backups");
            write!(
                text,
                "[[source]]\nname = {:?}\nkind = \"libvirt\"\nsocket = {:?}\n[source.backup]\nfolder = {:?}\n",
                source.name,
                host.socket.unwrap(),
                backups.display().to_string()
            )
            .unwrap();
        }
        std::fs::write(folder.join("noctule.toml"), text).unwrap();
        Self { home, sim, runtime }
    }

    /// Runs and gives code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, Vec<u8>, String) {
        let output = noctule(self.home.path()).args(args).output().unwrap();
        (output.status.code().unwrap(), output.stdout, String::from_utf8(output.stderr).unwrap())
    }

    fn text(&self, args: &[&str]) -> (i32, String, String) {
        let (code, out, err) = self.run(args);
        (code, String::from_utf8(out).unwrap(), err)
    }
}

#[test]
fn a_screen_is_taken_as_a_picture_and_as_text() {
    let rack = Rack::start();
    // There is no cache yet: the hosts are asked.
    let (code, out, err) = rack.text(&["console", "dns-1", "--text"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("dns-1 login:"), "{out}");

    let file = rack.home.path().join("dns.png");
    let path = file.to_str().unwrap();
    let (code, out, err) = rack.text(&["console", "kvm-birchfield/vm/dns-1", "--screenshot", path]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("720x400"), "{err}");
    let taken = std::fs::read(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(shot::read(&taken).unwrap().width, 720);

    // What is there already stays, unless it is said.
    std::fs::write(&file, "mine").unwrap();
    let (code, _, err) = rack.text(&["console", "dns-1", "--screenshot", path]);
    assert_eq!(code, 1);
    assert!(err.contains("--force") && std::fs::read(&file).unwrap() == b"mine", "{err}");
    let (code, _, err) = rack.text(&["console", "dns-1", "--screenshot", path, "--force"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = rack.run(&["console", "dns-1", "--screenshot", "-"]);
    assert_eq!((code, shot::read(&out).unwrap().height), (0, 400));

    for (args, wanted, words) in [
        (&["console", "no-such", "--text"][..], 1, "no machine is called `no-such`"),
        (&["console", "template-deb12", "--text"], 1, "not running"),
        (&["console", "kvm-birchfield", "--text"], 1, "no machine is called"),
        (&["console", "dns-1", "--linear"], 2, "--text"),
        (&["console", "dns-1", "--serial"], 2, "terminal"),
    ] {
        let (code, _, err) = rack.text(args);
        assert_eq!(code, wanted, "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
    rack.sim.control().fault(2, HostFault::Down);
    let (code, _, err) = rack.text(&["console", "dns-1", "--text"]);
    assert_eq!(code, 4, "{err}");
    let (code, _, err) = rack.text(&["console", "no-such", "--text"]);
    assert_eq!(code, 4, "it may be on the host that is away: {err}");
}

#[test]
fn verbs_run_with_plan_outcome_and_exit_codes() {
    let rack = Rack::start();
    let (code, out, err) = rack.text(&["run", "vm.start", "build-1"]);
    assert_eq!(code, 2, "{out} {err}");
    assert!(out.contains("build-1") && err.contains("--yes"), "{out} {err}");
    let (code, _, err) = rack.text(&["-p", "look", "run", "vm.start", "build-1", "--yes"]);
    assert!(code == 2 && err.contains("read-only"), "{err}");

    let (code, out, err) =
        rack.text(&["run", "vm.start", "build-1", "kvm-birchfield/vm/template-deb12", "--yes", "--json"]);
    assert_eq!(code, 0, "{out} {err}");
    let outcome: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((&outcome["done"], &outcome["total"]), (&2.into(), &2.into()), "{outcome}");
    assert_eq!(rack.sim.control().runs_on("build-1"), [1]);
    // The cache already knows.
    let (_, out, _) = rack.text(&["vms", "--filter", "name=build-1", "--columns", "name,state", "--csv"]);
    assert_eq!(out.lines().collect::<Vec<_>>(), ["name,state", "build-1,running"], "its host was not asked for");

    // Looking changes nothing and needs no yes.
    let (code, out, err) = rack.text(&["run", "vm.poll", "kvm-birchfield"]);
    assert_eq!(code, 0, "{out} {err}");
    assert!(out.contains("looked at"), "{out}");
    let (code, out, err) = rack.text(&["run", "vm.force-off", "no-such", "--yes"]);
    assert_eq!(code, 1, "{out} {err}");

    rack.sim.control().fault(1, HostFault::Down);
    let (code, out, err) = rack.text(&["run", "vm.force-off", "kvm-beacon-street/vm/build-1", "--yes"]);
    assert_eq!(code, 4, "{out} {err}");
    assert!(err.contains("nothing was done"), "{err}");
    let (code, out, err) = rack.text(&["run", "vm.shutdown", "kvm-alder-hill/vm/dhcp-1", "--yes"]);
    assert_eq!(code, 0, "a host that is not meant may be away: {out} {err}");
    assert!(rack.sim.control().runs_on("dhcp-1").is_empty());
}

/// What was checked of a source, in what doctor told.
fn check(report: &Json, source: &str, name: &str) -> Option<Json> {
    let area = format!("source {source}");
    report["checks"].as_array().unwrap().iter().find(|c| c["area"] == area && c["check"] == name).cloned()
}

fn found(check: Option<Json>) -> String {
    check.expect("it was checked")["found"].as_str().unwrap().to_owned()
}

#[test]
fn doctor_looks_at_hosts() {
    let rack = Rack::start();
    rack.sim.control().fault(2, HostFault::Down);
    let (code, out, err) = rack.text(&["doctor", "--json"]);
    assert_eq!(code, 4, "{out} {err}");
    let report: Json = serde_json::from_str(&out).unwrap();
    let of = |source: &str, name: &str| check(&report, source, name);
    assert!(found(of("kvm-alder-hill", "libvirt version")).contains("libvirt 9.0.0"));
    assert!(found(of("kvm-alder-hill", "machines")).contains("7 machines"));
    assert!(of("kvm-alder-hill", "socket").is_some() && of("kvm-alder-hill", "libvirt login").is_some());
    // It is another machine: what is on this one says nothing about it.
    let programs = of("kvm-alder-hill", "programs").expect("it was checked");
    assert!(programs["found"].as_str().unwrap().contains("its libvirt is on kvm-alder-hill"), "{programs}");
    assert!(programs["advice"].as_str().unwrap().contains("[source.ssh]"), "{programs}");
    for name in ["qemu-img", "virsh", "backups", "clock"] {
        assert_eq!(of("kvm-alder-hill", name), None, "{name}");
    }
    let away = of("kvm-birchfield", "libvirt login").expect("it was checked");
    assert_eq!(away["verdict"], "fail");
    assert!(away["advice"].as_str().unwrap().contains("libvirtd"), "{away}");
}

#[test]
fn doctor_looks_at_what_is_beside_a_libvirt_of_this_machine() {
    let here = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let rack = Rack::called(Some(here.trim().to_owned()));
    let (_, out, err) = rack.text(&["doctor", "--json"]);
    let report: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out} {err}"));
    let of = |name: &str| check(&report, "kvm-alder-hill", name);
    assert!(found(of("backups")).contains("first backup"));
    assert!(found(of("clock")).contains("this machine"));
    assert!(of("qemu-img").is_some() && of("virsh").is_some() && of("programs").is_none(), "{out}");
}

/// The simulated hosts are on sockets of this machine, and their disks are nowhere: a program that was run
/// here for them would look for, or remove, files that have nothing to do with them.
#[test]
fn no_program_is_run_for_a_host_that_is_another_machine() {
    let rack = Rack::start();
    for (command, vm) in [("vm.backup", "dns-1"), ("vm.snapshot-cleanup", "kafka-1")] {
        let (code, out, err) = rack.text(&["run", command, vm, "--yes", "--json"]);
        assert_eq!(code, 1, "{command}: {out} {err}");
        assert!(err.contains("programs for it would run on"), "{command}: {out} {err}");
    }
    assert!(!rack.home.path().join("backups").exists());
}
