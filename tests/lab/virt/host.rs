//! A host: its libvirtd, and the ways to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use noctule::controllers::libvirt::client::{Connection, Hypervisor};
use noctule::controllers::libvirt::connect::Target;

use super::PATIENCE;
use crate::sshd::Sshd;

/// A libvirtd with a name, a UUID and places of its own.
pub struct Host {
    name: String,
    uuid: String,
    /// Holds the parts of its places.
    folder: PathBuf,
}

/// What a program said.
#[derive(Debug)]
pub struct Answer {
    /// Whether it ended with 0.
    pub done: bool,
    /// Standard output, without blanks at its end.
    pub out: String,
    /// Standard error, without blanks at its end.
    pub err: String,
}

impl Answer {
    /// Standard output; panics with standard error if it failed.
    #[track_caller]
    pub fn good(self) -> String {
        assert!(self.done, "{self:?}");
        self.out
    }

    /// Standard error; panics if it went well.
    #[track_caller]
    pub fn bad(self) -> String {
        assert!(!self.done, "{self:?}");
        self.err
    }
}

impl Host {
    pub(super) fn new(lab: &Path, name: &str, ports: u16) -> Self {
        let folder = lab.join(name);
        for place in ["etc", "run", "lib/images", "cache", "log"] {
            std::fs::create_dir_all(folder.join(place)).expect("a folder");
        }
        let digit = name.chars().next().expect("a name");
        let uuid = format!("11111111-1111-4111-8111-{}", digit.to_string().repeat(12));
        let write = |file: &str, text: String| std::fs::write(folder.join(file), text).expect("written");
        write(
            "etc/libvirtd.conf",
            format!(
                "listen_tls = 0\nlisten_tcp = 0\nauth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\n\
                 unix_sock_group = \"root\"\nunix_sock_ro_perms = \"0700\"\nunix_sock_rw_perms = \"0700\"\n\
                 host_uuid = \"{uuid}\"\nlog_outputs = \"3:file:{}\"\n",
                folder.join("libvirtd.log").display()
            ),
        );
        write(
            "etc/qemu.conf",
            format!(
                "security_driver = \"none\"\nuser = \"root\"\ngroup = \"root\"\ndynamic_ownership = 0\n\
                 remember_owner = 0\nnamespaces = []\ncgroup_controllers = []\nstdio_handler = \"file\"\n\
                 max_core = 0\nvnc_listen = \"127.0.0.1\"\n\
                 remote_display_port_min = {ports}\nremote_display_port_max = {}\n\
                 migration_port_min = {}\nmigration_port_max = {}\n",
                ports + 49,
                ports + 50,
                ports + 89
            ),
        );
        Self { name: name.to_owned(), uuid, folder }
    }

    /// Its places are mounted.
    pub(super) fn stands(&self) -> bool {
        self.folder.join("id").exists()
    }

    /// Takes over what another host found out about the emulator.
    pub(super) fn learn_from(&self, other: &Self) {
        let place = |host: &Self| host.folder.join("cache/qemu/capabilities");
        std::fs::create_dir_all(place(self)).expect("a folder");
        for entry in std::fs::read_dir(place(other)).expect("what the emulator can").flatten() {
            std::fs::copy(entry.path(), place(self).join(entry.file_name())).expect("copied");
        }
    }

    /// Its own name: `lab-a` or `lab-b`.
    pub fn name(&self) -> String {
        format!("lab-{}", self.name)
    }

    /// Its UUID.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// The process whose namespaces it is, by its id on this machine.
    pub fn id(&self) -> u32 {
        let id = std::fs::read_to_string(self.folder.join("id")).expect("it stands");
        id.trim().parse().expect("an id")
    }

    /// Where libvirtd listens, as seen from here.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("run/libvirt-sock")
    }

    /// For libvirt's own programs, from here and from the other host.
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.socket().display())
    }

    /// What libvirtd has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("libvirtd.log")).unwrap_or_default()
    }

    /// The file that it has under this path, as seen from here; only for places that are its own.
    pub fn outside(&self, path: &str) -> PathBuf {
        for (inside, here) in [
            ("/run/libvirt", "run"),
            ("/etc/libvirt", "etc"),
            ("/var/lib/libvirt", "lib"),
            ("/var/cache/libvirt", "cache"),
            ("/var/log/libvirt", "log"),
        ] {
            if let Some(rest) = path.strip_prefix(inside) {
                return self.folder.join(here).join(rest.trim_start_matches('/'));
            }
        }
        panic!("{path} is not the host's own")
    }

    /// A program there, which ends after `PATIENCE` at the latest.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        let id = self.id();
        command.args(["--kill-after=2", &PATIENCE.as_secs().to_string()]);
        command.args(["nsenter", "--mount", "--uts", "--pid", &format!("--target={id}"), "--"]).args(words);
        command.env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Libvirt's own client on this machine, connected to this host; it ends after `PATIENCE` at the latest.
    pub fn virsh_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=2", &PATIENCE.as_secs().to_string(), "virsh", "-q", "-c", &self.uri()]).args(words);
        command.env("LC_ALL", "C");
        command
    }

    /// Runs a program there.
    pub async fn run(&self, words: &[&str]) -> Answer {
        answer(self.command(words)).await
    }

    /// Asks libvirt's own client.
    pub async fn virsh(&self, words: &[&str]) -> Answer {
        answer(self.virsh_command(words)).await
    }

    /// noctule's own client.
    pub async fn connect(&self) -> Connection {
        let target = Target::Local(Some(self.socket()));
        target.connect(&Hypervisor::default(), PATIENCE).await.expect("it answers")
    }

    /// Defines a machine from its XML, by libvirt's own client.
    pub async fn define(&self, xml: &str) -> Answer {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), xml).expect("written");
        self.virsh(&["define", &file.path().display().to_string()]).await
    }

    /// Names of the machines that are defined or run there, sorted.
    pub async fn machines(&self) -> Vec<String> {
        let names = self.virsh(&["list", "--all", "--name"]).await.good();
        let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// State of a machine, as `virsh domstate` has it (`running`, `shut off` …); empty: there is none.
    pub async fn state(&self, name: &str) -> String {
        let answer = self.virsh(&["domstate", name]).await;
        if answer.done { answer.out } else { String::new() }
    }

    /// Starts libvirtd and waits until it answers.
    pub async fn start_libvirtd(&self) {
        // It comes back when its daemon is ready.
        let words = ["libvirtd", "--daemon", "-f", "/etc/libvirt/libvirtd.conf", "-p", "/run/libvirt/libvirtd.pid"];
        let answer = self.run(&words).await;
        assert!(answer.done, "libvirtd (.ci/run installs what the lab needs): {answer:?} {}", self.log());
        let begun = Instant::now();
        loop {
            let answer = self.virsh(&["list"]).await;
            if answer.done {
                return;
            }
            let runs = self.run(&["pgrep", "-F", "/run/libvirt/libvirtd.pid"]).await.done;
            assert!(runs && begun.elapsed() < PATIENCE, "libvirtd does not answer: {answer:?} {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends libvirtd as a service manager would; machines go on without it.
    pub async fn stop_libvirtd(&self) {
        self.end("TERM", "/run/libvirt/libvirtd.pid").await;
    }

    /// Ends libvirtd as a crash would; machines go on without it.
    pub async fn kill_libvirtd(&self) {
        self.end("KILL", "/run/libvirt/libvirtd.pid").await;
    }

    /// Ends the emulator of a machine as a crash would.
    pub async fn kill_emulator(&self, name: &str) {
        self.end("KILL", &format!("/run/libvirt/qemu/{name}.pid")).await;
    }

    /// The id of a machine's emulator, in the host's own count; `None`: it does not run there.
    pub fn emulator(&self, name: &str) -> Option<u32> {
        let text = std::fs::read_to_string(self.outside(&format!("/run/libvirt/qemu/{name}.pid"))).ok()?;
        text.trim().parse().ok()
    }

    async fn end(&self, signal: &str, pid_file: &str) {
        let pid = std::fs::read_to_string(self.outside(pid_file)).expect("it runs").trim().to_owned();
        self.run(&["kill", &format!("-{signal}"), &pid]).await.good();
        let begun = Instant::now();
        while self.run(&["kill", "-0", &pid]).await.done {
            assert!(begun.elapsed() < PATIENCE, "{pid_file}: {pid} did not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An sshd through which one is on this host: its files, sockets, processes and libvirt's helper.
    pub async fn sshd(&self) -> Sshd {
        Sshd::start_inside(self.id()).await
    }
}

/// Runs it beside other tasks of the test; ended if nobody waits for it any more.
pub async fn answer(command: Command) -> Answer {
    let mut command = tokio::process::Command::from(command);
    let out = command.stdin(std::process::Stdio::null()).kill_on_drop(true).output().await.expect("coreutils");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    // libvirt's client says this on machines without a system bus, and works.
    let err = text(&out.stderr);
    let err: Vec<&str> = err.lines().filter(|line| !line.starts_with("Authorization not available")).collect();
    Answer { done: out.status.success(), out: text(&out.stdout), err: err.join("\n") }
}
