//! Two real libvirt hosts and guests that boot, on this machine, out of Debian's packages.
//!
//! ```ignore
//! let Some(lab) = Lab::shared().await else { return }; // said why on standard error
//! let vm = lab.vm("mine").await;                       // runs on host A and has booted to its login
//! let out = lab.host_a().virsh(&["domstate", "mine"]).await;
//! ```
//!
//! * [`Lab::shared`] is one lab for all tests of the process, brought up by the first that asks and gone
//!   when the process ends, however it does. Tests in it use machines of their own under names of their
//!   own and leave the hosts alone. Who stops a libvirtd or counts all machines starts a lab of its own
//!   ([`Lab::start`]; two seconds), which is gone when it is dropped.
//! * [`Host`] is a libvirtd with its own name (`lab-a`, `lab-b`), UUID, configuration and places: what is
//!   below `/etc/libvirt`, `/run/libvirt` and `/var/{lib,cache,log}/libvirt` differs between the hosts and is
//!   not this machine's. Everything else, the network too, is. [`Host::uri`] and [`Host::socket`] lead to it
//!   from here, [`Host::sshd`] through a real sshd; [`Host::virsh`] asks libvirt's own client, and
//!   [`Host::run`] runs a program there.
//! * [`Guest`] says what a machine is like, [`Lab::guest`] makes it. The disk is shared by both hosts unless
//!   [`Guest::local_disk`]. Everything is software emulation: it boots in some three seconds.
//! * [`Host::connect`] is noctule's own client there, and [`Serial`] somebody who types on a serial line through it.
//! * [`Vm`] is such a machine; destroyed and undefined on both hosts when dropped.
//!   [`Vm::serial_log`] is what it wrote to its serial line, without taking its console.
//!
//! In the guest: login `root`, password `noctule`, on the serial line (`NAME login: `); a shell without login on
//! the screen (VGA text, 720x400); the prompt is `root@NAME:~# `, after which busybox asks for the cursor's
//! place (`ESC[6n`) and waits for an answer. `lab-mark TEXT [MIB]` writes to the disk, and the boot shows that
//! text as `disk: TEXT`; `lab-churn [MIB]` writes memory without end. A [`Guest::deaf`] one does not hear the
//! power button.
//!
//! Where this machine lets nobody make namespaces, standard error says `NOT CHECKED`.

mod guest;
mod host;
mod image;
mod serial;
mod vm;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use guest::{Guest, Vnc};
pub use host::{Host, answer};
pub use serial::Serial;
pub use vm::Vm;

use crate::process::not_checked;

/// Everything here has this long: a guest on a loaded machine takes a multiple of what it takes alone.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Two hosts, and all that runs on them. Gone when dropped, and when the process ends.
pub struct Lab {
    /// Holds the standard input that the lab lives from.
    guard: Child,
    folder: PathBuf,
    a: Host,
    b: Host,
    /// Keeps other labs from the ports of this one.
    _reservation: TcpListener,
}

static SHARED: tokio::sync::OnceCell<Option<Lab>> = tokio::sync::OnceCell::const_new();

impl Lab {
    /// The one that the tests of this process share; `None`, with a word about it, where none can be.
    pub async fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::start).await.as_ref()
    }

    /// One's own; `None`, with a word about it, where none can be.
    pub async fn start() -> Option<Self> {
        let begun = Instant::now();
        let made = tempfile::Builder::new().prefix("noctule-lab").tempdir().expect("a folder");
        let folder = made.path().to_owned();
        for place in ["disks", "image", "vnc", "serial", "lab"] {
            std::fs::create_dir(folder.join(place)).expect("a folder");
        }
        image::put(&folder.join("image"));
        let (ports, reservation) = ports();
        let [a, b] = [("a", ports), ("b", ports + 90)].map(|(name, ports)| Host::new(&folder, name, ports));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/virt/lab.sh");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut command = Command::new("bash");
        command.arg(script).arg(&folder).stdin(Stdio::piped()).stderr(log.try_clone().expect("a log")).stdout(log);
        // What a terminal sends to the tests is not for it: it goes when they are gone.
        let guard = std::os::unix::process::CommandExt::process_group(&mut command, 0).spawn().expect("bash");
        // From here on the guard removes it, which outlives this process.
        let _ = made.keep();
        let mut lab = Self { guard, folder, a, b, _reservation: reservation };
        while !(lab.a.stands() && lab.b.stands()) {
            let said = std::fs::read_to_string(lab.folder.join("log")).unwrap_or_default();
            if let Some(why) = said.lines().find_map(|l| l.strip_prefix("cannot: ").or(l.strip_prefix("unshare: "))) {
                not_checked(&format!("real libvirt hosts: {why}"));
                return None;
            }
            assert!(matches!(lab.guard.try_wait(), Ok(None)), "the lab ended: {said}");
            assert!(begun.elapsed() < PATIENCE, "the lab never stood: {said}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The first asks the emulator what it can, which takes a while; the second reads its answers.
        lab.a.start_libvirtd().await;
        lab.a.virsh(&["domcapabilities", "--virttype", "qemu"]).await.good();
        lab.b.learn_from(&lab.a);
        lab.b.start_libvirtd().await;
        eprintln!("two libvirt hosts answer after {} ms", begun.elapsed().as_millis());
        Some(lab)
    }

    /// The host that machines start on.
    pub fn host_a(&self) -> &Host {
        &self.a
    }

    /// The other one.
    pub fn host_b(&self) -> &Host {
        &self.b
    }

    /// A machine like any, which has booted on host A.
    pub async fn vm(&self, name: &str) -> Vm<'_> {
        self.guest(Guest::named(name)).await
    }

    /// A machine on host A; it has booted unless it is to be off.
    pub async fn guest(&self, guest: Guest) -> Vm<'_> {
        Vm::make(self, guest).await
    }

    /// A folder that both hosts and this machine see under the same path, for backups and the like.
    pub fn shared_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// Where all of it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The first of 200 ports that are this lab's: hosts share those of this machine, and so do labs. They are below
/// those that programs get without asking.
fn ports() -> (u16, TcpListener) {
    let begin = std::process::id() as u16 % 100;
    let mut blocks = (begin..100).chain(0..begin).map(|block| 10_000 + block * 200);
    let taken = |first| Some((first, TcpListener::bind(("127.0.0.1", first + 199)).ok()?));
    blocks.find_map(taken).expect("200 ports that nobody uses")
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) && matches!(self.guard.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}
