//! A machine that runs systemd: namespaces in which it is process 1, a system bus with Debian's own policy,
//! and the manager of a user without rights, on a bus of its own.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use noctule::config::schema::SystemdControl;
use noctule::controllers::route::Route;
use noctule::controllers::systemd::Systemd;
use tempfile::TempDir;

use crate::process::{PATIENCE, Program, not_checked};

/// Who has no rights there; unknown outside.
pub const OPERATOR: &str = "operator";
pub const OPERATOR_ID: u32 = 47_110;

/// The machine; it and all its processes are gone when this is dropped.
pub struct Machine {
    /// Ended before its folder goes: what it has mounted there would go with it, and its cgroup stay.
    _program: Program,
    folder: TempDir,
    /// Its process 1, as seen from here.
    pub init: u32,
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

/// What a manager needs beside the services under test: a bus, and the targets that every unit refers to.
fn base(folder: &Path, kind: &str, socket: &str, wanted: &str) {
    std::fs::create_dir(folder).expect("a folder");
    for target in ["basic", "sysinit", "shutdown", "sockets"] {
        write(folder, &format!("{target}.target"), "[Unit]\nDefaultDependencies=no\n");
    }
    write(folder, "default.target", &format!("[Unit]\nRequires={wanted}\n"));
    write(folder, "dbus.socket", &format!("[Socket]\nListenStream={socket}\n"));
    let daemon = format!("/usr/bin/dbus-daemon --{kind} --address=systemd: --nofork --nopidfile --systemd-activation");
    write(
        folder,
        "dbus.service",
        &format!("[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nExecStart={daemon}\n"),
    );
}

impl Machine {
    /// Starts one with these services in it, the second of them run by the operator's manager; a service is
    /// its name and the lines of its section. `None`, with a word about it, where that cannot be.
    pub async fn start(services: &[(&str, &str)], of_operator: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        // The operator is to reach its own part.
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).expect("open to all");
        let runtime = at.join(format!("run/user/{OPERATOR_ID}"));
        std::fs::create_dir_all(&runtime).expect("a folder");
        std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700)).expect("private");
        if let Err(error) = chown(&runtime, Some(OPERATOR_ID), Some(OPERATOR_ID)) {
            not_checked(&format!("a real systemd: files cannot be given to another user: {error}"));
            return None;
        }
        base(&at.join("units"), "system", "/run/dbus/system_bus_socket", "dbus.service operator.service");
        base(&at.join("operators-units"), "session", "%t/bus", "dbus.service");
        let manager = format!(
            "[Service]\nUser={OPERATOR}\nType=notify\nDelegate=yes\n\
             Environment=HOME=/ XDG_RUNTIME_DIR=/run/user/{OPERATOR_ID} SYSTEMD_UNIT_PATH={}\n\
             ExecStart=/lib/systemd/systemd --user --log-target=null\n",
            at.join("operators-units").display()
        );
        write(at, "units/operator.service", &manager);
        for (units, services) in [("units", services), ("operators-units", of_operator)] {
            for (name, lines) in services {
                write(at, &format!("{units}/{name}.service"), &format!("[Service]\n{lines}\n"));
            }
        }
        std::os::unix::fs::symlink("/dev/null", at.join("units/masked.service")).expect("a link");
        for (file, line) in [
            ("passwd", format!("{OPERATOR}:x:{OPERATOR_ID}:{OPERATOR_ID}::/:/bin/sh")),
            ("shadow", format!("{OPERATOR}:*:20000::::::")),
        ] {
            let mut text = std::fs::read_to_string(format!("/etc/{file}")).unwrap_or_default();
            let _ = writeln!(text, "{line}");
            write(at, file, &text);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/systemd/machine.sh");
        let log = at.join("machine.log");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "unshare", "--mount", "sh"]).arg(script).arg(at);
        let mut program = Program::start(&mut command, &log);
        let begun = Instant::now();
        let root = systemd_at(at, Route::Direct);
        while !root.unit("operator").await.is_ok_and(|u| u.active == "active") {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if !program.runs() {
                let why = said.lines().find_map(|l| l.strip_prefix("cannot: ").or(l.strip_prefix("unshare: ")));
                let why = why.unwrap_or_else(|| panic!("the machine ended: {said}"));
                not_checked(&format!("a real systemd: {why}"));
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "the machine never ran: {said}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        eprintln!("a real systemd answers after {} ms", begun.elapsed().as_millis());
        let parent = std::fs::read_to_string(at.join("unshare.pid")).expect("an id").trim().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("/proc");
        let init = children.trim().parse().unwrap_or_else(|_| panic!("one child: {children:?}"));
        Some(Self { _program: program, folder, init })
    }

    /// Its system bus, reached that way.
    pub fn systemd(&self, route: Route) -> Systemd {
        systemd_at(self.folder.path(), route)
    }

    /// The socket of the operator's bus.
    pub fn operators_bus(&self) -> PathBuf {
        self.folder.path().join(format!("run/user/{OPERATOR_ID}/bus"))
    }

    /// The command line of a process by the machine's own id of it; `None`: there is none.
    pub fn process(&self, pid: u32) -> Option<String> {
        let line = std::fs::read(format!("/proc/{}/root/proc/{pid}/cmdline", self.init)).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned())
    }

    /// The namespace that its processes are in.
    pub fn namespace(&self) -> PathBuf {
        std::fs::read_link(format!("/proc/{}/ns/pid", self.init)).expect("a namespace")
    }
}

fn systemd_at(folder: &Path, route: Route) -> Systemd {
    let socket = folder.join("run/dbus/system_bus_socket").display().to_string();
    Systemd::new(SystemdControl { user: false, socket: Some(socket) }, route)
}

/// How many processes are in a namespace.
pub fn processes_in(namespace: &Path) -> usize {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("ns/pid")).is_ok_and(|n| n == namespace)).count()
}
