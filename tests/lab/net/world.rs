//! A small network out of network namespaces: `a — r1 — r2 — b`, IPv4 and IPv6.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value as Json;

use crate::process::not_checked;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The namespaces, and what runs in them. All of it is gone when it is dropped.
pub struct World {
    prefix: String,
    children: Vec<Child>,
    folder: tempfile::TempDir,
    binary: PathBuf,
}

fn ip(args: &str) -> Output {
    Command::new("ip").args(args.split(' ')).output().expect("ip is installed (Debian package iproute2)")
}

impl World {
    /// Builds it; `None`, with a word about it, where no namespace can be made.
    pub fn build() -> Option<Self> {
        let prefix = format!("nt{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        // A copy that every user may run, wherever the tree is.
        let binary = folder.path().join("noctule");
        std::fs::copy(env!("CARGO_BIN_EXE_noctule"), &binary).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let world = Self { prefix, children: Vec::new(), folder, binary };
        let first = ip(&format!("netns add {}", world.ns("a")));
        if !first.status.success() {
            not_checked(&format!("no network namespace: {}", String::from_utf8_lossy(&first.stderr).trim()));
            return None;
        }
        for name in ["r1", "r2", "b"] {
            world.ip(&format!("netns add {}", world.ns(name)));
        }
        for name in ["a", "r1", "r2", "b"] {
            world.on(name, "link set lo up");
            for set in ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"] {
                world.set(name, set, "1");
            }
            // Limits on how often ICMP errors are sent would make every run another one.
            world.set(name, "net/ipv4/icmp_ratelimit", "0");
            world.set(name, "net/ipv6/icmp/ratelimit", "0");
            // Nobody else is here whose address it could be.
            for device in ["default", "all"] {
                world.set(name, &format!("net/ipv6/conf/{device}/accept_dad"), "0");
            }
        }
        for (net, left, right) in [(1, "a", "r1"), (2, "r1", "r2"), (3, "r2", "b")] {
            let (l, r) = (world.ns(left), world.ns(right));
            world.ip(&format!("link add e{net} netns {l} type veth peer name w{net} netns {r}"));
            for (host, (name, device)) in [(1, (left, format!("e{net}"))), (2, (right, format!("w{net}")))] {
                world.on(name, &format!("addr add 10.77.{net}.{host}/24 dev {device}"));
                world.on(name, &format!("addr add fd77:{net}::{host}/64 dev {device} nodad"));
                world.on(name, &format!("link set {device} up"));
            }
        }
        for (name, v4, v6) in [
            ("a", "10.77.1.2", "fd77:1::2"),
            ("r1", "10.77.2.2", "fd77:2::2"),
            ("r2", "10.77.2.1", "fd77:2::1"),
            ("b", "10.77.3.1", "fd77:3::1"),
        ] {
            world.on(name, &format!("route add default via {v4}"));
            world.on(name, &format!("-6 route add default via {v6}"));
        }
        for target in ["10.77.3.2", "fd77:3::2"] {
            // Neighbours find each other with the first packets; nothing is measured before that.
            let there = (0..20).any(|_| world.diag("a", &["ping", target, "-n", "1", "-t", "1s"]).0 == 0);
            assert!(there, "{target} does not answer");
        }
        Some(world)
    }

    /// The full name of a namespace.
    pub fn ns(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn ip(&self, args: &str) {
        let out = ip(args);
        assert!(out.status.success(), "ip {args}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// `ip` in a namespace.
    pub fn on(&self, name: &str, args: &str) {
        self.ip(&format!("-n {} {args}", self.ns(name)));
    }

    /// A command in a namespace.
    pub fn command(&self, name: &str, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.ns(name)]).arg(program);
        command
    }

    /// Sets a value below `/proc/sys` in a namespace.
    pub fn set(&self, name: &str, path: &str, value: &str) {
        // The words are ours; the shell is there for its redirection, inside the namespace.
        let done = self
            .command(name, Path::new("sh"))
            .args(["-c", "echo \"$1\" > \"/proc/sys/$2\"", "sh", value, path])
            .output()
            .unwrap();
        assert!(done.status.success(), "{path}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Whether a queueing discipline could be put on a device.
    pub fn shape(&self, name: &str, device: &str, how: &str) -> Result<(), String> {
        let mut command = self.command(name, Path::new("tc"));
        let out = command.args(["qdisc", "replace", "dev", device, "root"]).args(how.split(' ')).output().unwrap();
        if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()) }
    }

    /// Starts a program in a namespace and waits for a line that holds `ready` on its output.
    pub fn start(&mut self, name: &str, program: &str, args: &[&str], ready: &str) {
        let mut command = self.command(name, Path::new(program));
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let found = lines.by_ref().map_while(Result::ok).any(|l| l.contains(ready));
        self.children.push(child);
        assert!(found, "{program} ended before it was ready");
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// A file for a program.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// `noctule diag` in a namespace; code, output, errors.
    pub fn diag(&self, name: &str, args: &[&str]) -> (i32, String, String) {
        self.finish(self.command(name, &self.binary).arg("diag").args(args))
    }

    /// The same as a user without privileges.
    pub fn diag_as_nobody(&self, name: &str, args: &[&str]) -> (i32, String, String) {
        let mut command = self.command(name, Path::new("setpriv"));
        let who = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"];
        self.finish(command.args(who).arg(&self.binary).arg("diag").args(args))
    }

    fn finish(&self, command: &mut Command) -> (i32, String, String) {
        let out = command.env("HOME", self.folder.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
    }

    /// The result of `noctule diag … --json`, with its code.
    pub fn json(&self, name: &str, args: &[&str]) -> (i32, Json) {
        let all: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let (code, out, err) = self.diag(name, &all);
        (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out} {err}")))
    }

    /// What programs in a namespace find in `/etc/resolv.conf`.
    pub fn resolver(&self, name: &str, server: &str) {
        let folder = Path::new("/etc/netns").join(self.ns(name));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("resolv.conf"), format!("nameserver {server}\n")).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in ["a", "r1", "r2", "b"] {
            ip(&format!("netns del {}", self.ns(name)));
            let _ = std::fs::remove_dir_all(Path::new("/etc/netns").join(self.ns(name)));
        }
    }
}
