//! `noctule console`: one console of a machine over the whole terminal, on the real binary.

use noctule::config::schema::SourceKind;
use noctule::sim::libvirt::{RunningVirt, VirtOptions, VirtSim};
use tempfile::TempDir;

use super::lab::{noctule, until};
use super::tty::{Start, Tty};

pub struct Rack {
    home: TempDir,
    pub sim: RunningVirt,
    runtime: tokio::runtime::Runtime,
}

impl Rack {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sim = {
            let _inside = runtime.enter();
            VirtSim::start(VirtOptions::default()).unwrap()
        };
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("config/noctule");
        std::fs::create_dir_all(&folder).unwrap();
        let mut text = "[profile.default]\nread_only = false\n".to_owned();
        for source in sim.config() {
            let SourceKind::Libvirt(host) = source.kind else { panic!("another kind") };
            let socket = host.socket.unwrap();
            text.push_str(&format!(
                "[[source]]\nname = \"{}\"\nkind = \"libvirt\"\nsocket = \"{socket}\"\n",
                source.name
            ));
        }
        std::fs::write(folder.join("noctule.toml"), text).unwrap();
        Self { home, sim, runtime }
    }

    pub fn start(&self, args: &[&str]) -> Tty {
        let args: Vec<&str> = std::iter::once("console").chain(args.iter().copied()).collect();
        Tty::start(self.home.path(), &Start { args: &args, size: (80, 25), ..Start::default() })
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
    }
}

#[test]
fn a_serial_console_has_the_whole_terminal_and_leaving_it_ends_the_program() {
    let rack = Rack::new();
    let mut tty = rack.start(&["dns-1"]);
    // Keys that come before it is open are nobody's.
    tty.wait("the console open", |s| s.contains("dns-1 serial") && !s.contains("being opened"));
    assert!(tty.text().contains("dns-1 on kvm-birchfield"));
    tty.send("\r");
    tty.wait_for("login:");
    let screen = tty.text();
    assert!(!screen.contains("1 Alarms") && !screen.contains("sources"), "{screen}");
    assert_eq!(rack.sim.control().consoles(), 1);
    // Keys of the panes are the guest's.
    tty.send("root");
    tty.wait_for("login: root");
    tty.send("\x1dq");
    assert_eq!(tty.exit(), 0);
    let control = rack.sim.control();
    until("the line let go", || control.consoles() == 0);
}

#[test]
fn a_screen_is_opened_as_text_and_what_is_off_says_so() {
    let rack = Rack::new();
    let mut tty = rack.start(&["dns-1", "--vnc"]);
    tty.wait_for("dns-1 vnc");
    tty.wait_for("dns-1 login:");
    tty.send("\x1dd");
    assert_eq!(tty.exit(), 0);
    let mut tty = rack.start(&["build-1"]);
    tty.wait_for("esc closes it");
    tty.send("\x1b");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn who_was_at_a_console_is_journalled_although_nobody_owned_the_cache_and_it_was_killed() {
    let rack = Rack::new();
    let log = || noctule(rack.home.path(), &["log"]).0;
    let mut tty = rack.start(&["dns-1"]);
    tty.wait("the console open", |s| s.contains("dns-1 serial") && !s.contains("being opened"));
    tty.send("\x1dq");
    assert_eq!(tty.exit(), 0);
    let tty = rack.start(&["dns-1"]);
    tty.wait("the console open", |s| s.contains("dns-1 serial") && !s.contains("being opened"));
    tty.signal("KILL");
    until("what waits", || log().contains("3 rows are not in the journal yet"));
    assert!(!log().contains("console.open"));
    let (doctor, _) = noctule(rack.home.path(), &["doctor"]);
    assert!(doctor.contains("3 rows wait for the journal"), "{doctor}");
    // Whoever owns the cache next takes them up, even one that only lists something.
    until("the rows", || noctule(rack.home.path(), &["vms", "--fresh"]).1 && !log().contains("not in the journal"));
    let log = log();
    let rows = |call: &str| log.lines().filter(|line| line.contains(call) && line.contains("serial")).count();
    assert_eq!((rows("console.open"), rows("console.close")), (2, 1), "{log}");
}
