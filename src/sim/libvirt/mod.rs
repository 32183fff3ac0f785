//! Hosts of virtual machines in this process: libvirt's daemons on sockets of their own, with what the
//! real ones were seen to say, and guests behind them whose serial lines and screens are a small shell.
//!
//! The world (hosts, machines, files, jobs) is a function of the seed and the time; nothing ticks while
//! nobody looks. `virsh` talks to it like to any host.

mod control;
mod guest;
mod live;
mod screens;
mod wire;
mod world;

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

pub use control::{HostFault, VirtControl};

use super::Error;
use crate::config::schema::{Libvirt, Source, SourceKind, VmMigration};
use live::Live;
use world::{Display, World};

/// What is simulated, and how.
#[derive(Debug, Clone)]
pub struct VirtOptions {
    /// The same seed gives the same machines and loads.
    pub seed: u64,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Time stands still but for [`VirtControl::advance`]: no test waits.
    pub stepped: bool,
    /// Real time at the start, Unix seconds, when it is not to be now.
    pub anchor_s: Option<i64>,
    /// Whether something goes on already: a backup runs.
    pub life: bool,
    /// The folder for the sockets, which only its user may enter; one of its own without it, which is
    /// removed at the end.
    pub folder: Option<PathBuf>,
    /// What every host calls itself, instead of its own name: that of this machine lets programs be run
    /// here for it.
    pub hostname: Option<String>,
}

impl Default for VirtOptions {
    fn default() -> Self {
        Self { seed: 1, speed: 1.0, stepped: false, anchor_s: None, life: false, folder: None, hostname: None }
    }
}

impl VirtOptions {
    /// Hosts on which nothing happens but what a test asks for, and time moves only with it.
    #[must_use]
    pub fn still() -> Self {
        Self { stepped: true, anchor_s: Some(1_795_000_000), ..Self::default() }
    }
}

/// The simulator of the hosts.
#[derive(Debug, Clone, Copy)]
pub struct VirtSim;

/// Hosts that run; they stop when this is dropped.
#[derive(Debug)]
pub struct RunningVirt {
    live: Arc<Live>,
    folder: PathBuf,
    own: bool,
    stop: CancellationToken,
}

impl VirtSim {
    /// Three hosts with twenty machines. Binds their sockets; needs a tokio runtime.
    ///
    /// # Errors
    /// No socket, or an impossible speed.
    pub fn start(options: VirtOptions) -> Result<RunningVirt, Error> {
        if !(0.01..=1_000.0).contains(&options.speed) {
            return Err(Error::Speed(options.speed));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        let anchor = options.anchor_s.map_or(now, |s| s.saturating_mul(world::SECOND));
        let own = options.folder.is_none();
        let folder = options.folder.unwrap_or_else(own_folder);
        private(&folder)?;
        let mut world = World::new(options.seed, anchor, &folder.to_string_lossy());
        if options.life {
            world.begin_life();
        }
        let running = RunningVirt {
            live: Arc::new(Live::new(world, options.speed, options.stepped, options.hostname)),
            folder,
            own,
            stop: CancellationToken::new(),
        };
        running.listen()?;
        Ok(running)
    }
}

/// A folder of this run. Where the usual one is far down, paths of sockets would be too long.
fn own_folder() -> PathBuf {
    const LONGEST: usize = 40;
    let usual = std::env::temp_dir();
    let base = if usual.as_os_str().len() > LONGEST { PathBuf::from("/tmp") } else { usual };
    base.join(format!("noctule-virt-{}", uuid::Uuid::new_v4().simple()))
}

/// Makes a folder that only its user may enter, or takes one that is.
fn private(folder: &Path) -> std::io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(folder)?.permissions().mode();
            if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(std::io::ErrorKind::PermissionDenied.into()) }
        }
        other => other,
    }
}

impl RunningVirt {
    fn listen(&self) -> Result<(), Error> {
        let names: Vec<String> = self.live.world().hosts.iter().map(|h| h.name.clone()).collect();
        for (host, name) in names.iter().enumerate() {
            private(&self.folder.join(name))?;
            let path = self.socket(name);
            // One that a run before has left in the same folder.
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            tokio::spawn(wire::serve(listener, Arc::clone(&self.live), host, self.stop.clone()));
        }
        {
            let live = &self.live;
            let mut world = live.world();
            live.screens.follow(live, &mut world);
        }
        tokio::spawn(live::drive(Arc::clone(&self.live), self.stop.clone()));
        Ok(())
    }

    fn socket(&self, host: &str) -> PathBuf {
        self.folder.join(host).join("libvirt-sock")
    }

    /// Names of the hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.live.world().hosts.iter().map(|h| h.name.clone()).collect()
    }

    /// Socket of a host, counted from 0.
    #[must_use]
    pub fn path(&self, host: usize) -> PathBuf {
        self.hosts().get(host).map(|name| self.socket(name)).unwrap_or_default()
    }

    /// The URI under which one host's libvirt, and `virsh`, reaches another.
    #[must_use]
    pub fn uri(&self, host: usize) -> String {
        format!("qemu+unix:///system?socket={}", self.path(host).display())
    }

    /// The sources that watch these hosts. Passwords of screens are in files beside the sockets.
    #[must_use]
    pub fn config(&self) -> Vec<Source> {
        let world = self.live.world();
        let hosts = world.hosts.iter().map(|host| {
            let socket = self.socket(&host.name).display().to_string();
            let mut libvirt = Libvirt {
                migration: VmMigration {
                    connect: Some(format!("qemu+unix:///system?socket={socket}")),
                    ..VmMigration::default()
                },
                socket: Some(socket),
                ..Libvirt::default()
            };
            for vm in &host.vms {
                let (Display::VncSocket { password: Some(password) } | Display::VncPort { password: Some(password) }) =
                    &vm.display
                else {
                    continue;
                };
                let named = self.password(&host.name, &vm.name, password).and_then(|path| path.parse().ok());
                if let Some(secret) = named {
                    libvirt.vnc_passwords.insert(vm.name.clone(), secret);
                }
            }
            Source { name: host.name.clone(), kind: SourceKind::Libvirt(Box::new(libvirt)) }
        });
        hosts.collect()
    }

    /// Puts a password where the configuration can name it.
    fn password(&self, host: &str, vm: &str, password: &str) -> Option<String> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.folder.join(host).join(format!("{}.password", vm.replace('/', "_")));
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(password.as_bytes())).ok()?;
        Some(format!("file:{}", path.display()))
    }

    /// What makes things happen.
    #[must_use]
    pub fn control(&self) -> VirtControl {
        VirtControl::new(Arc::clone(&self.live))
    }

    /// Stops the hosts; connections are closed.
    pub fn stop(self) {}
}

impl Drop for RunningVirt {
    fn drop(&mut self) {
        self.stop.cancel();
        self.live.screens.close();
        for switches in &self.live.switches {
            switches.faults.drop_connections();
        }
        for name in self.hosts() {
            let _ = std::fs::remove_file(self.socket(&name));
        }
        if self.own {
            // What cannot be removed is left to the system's own cleaning of temporary files.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
