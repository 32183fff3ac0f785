//! A console over a quiet simulated network of this test's own, with a configuration and a cache
//! that outlive the process: what an operator's own installation is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use noctule::config::schema::{SourceKind, Voltha};
use noctule::sim::{Network, Running, SimOptions};
use tempfile::TempDir;

use super::tty::{Start, Tty};

/// The network, and the folders of whoever watches it.
pub struct Lab {
    home: TempDir,
    runtime: tokio::runtime::Runtime,
    network: Option<Running>,
    voltha: Voltha,
}

impl Lab {
    /// A network in which nothing happens by itself, with some alarms that stand.
    pub fn new() -> Self {
        Self::with(SimOptions { script: false, ..SimOptions::default() })
    }

    fn with(options: SimOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let network = runtime.block_on(Network::start(options)).unwrap();
        let SourceKind::Voltha(voltha) = network.config().sources.remove(0).kind else { panic!("another kind") };
        Self { home: tempfile::tempdir().expect("a folder"), runtime, network: Some(network), voltha }
    }

    /// The same with a configuration that may change things; `more` is added to it.
    pub fn configured(more: &str) -> Self {
        Self::new().write(more)
    }

    /// Cuts, flaps and power failures, one after the other, a hundred times as fast as in life.
    pub fn storm() -> Self {
        Self::with(SimOptions { seed: 7, speed: 100.0, ..SimOptions::default() }).write("")
    }

    fn write(self, more: &str) -> Self {
        let lab = self;
        let (grpc, brokers) = (lab.grpc(), lab.brokers());
        let text = format!(
            "{more}\n[profile.default]\nread_only = false\noperator = \"anna\"\n[[source]]\nname = \"voltha\"\n\
             kind = \"voltha\"\ngrpc = \"{grpc}\"\n[source.kafka]\nbrokers = [\"{brokers}\"]\n"
        );
        std::fs::create_dir_all(lab.config()).unwrap();
        std::fs::write(lab.config().join("noctule.toml"), text).unwrap();
        lab
    }

    /// Address of the simulated `rw_core`.
    pub fn grpc(&self) -> &str {
        &self.voltha.grpc
    }

    /// Address of the simulated broker.
    pub fn brokers(&self) -> String {
        self.voltha.kafka.as_ref().unwrap().brokers.join(",")
    }

    /// Where the folders lie.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder of the configuration.
    pub fn config(&self) -> PathBuf {
        self.home().join("config/noctule")
    }

    /// The cache.
    pub fn cache(&self) -> PathBuf {
        let folder = self.home().join("data/noctule");
        let files = std::fs::read_dir(&folder).expect("the folder of the cache");
        let mut found = files.map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "db"));
        found.next().expect("the cache")
    }

    /// Starts the console as it is used every day.
    pub fn start(&self) -> Tty {
        Tty::start(self.home(), &Start { args: &[], ..Start::default() })
    }

    /// Starts it and waits for the alarms that stand and for the source.
    pub fn watching(&self) -> Tty {
        let tty = self.start();
        tty.wait("standing alarms", |s| s.contains("UNACK") && s.contains("sources 1/1 up"));
        tty
    }

    /// Runs a command of the same installation and returns what it printed.
    pub fn noctule(&self, args: &[&str]) -> (String, bool) {
        noctule(self.home(), args)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        if let Some(network) = self.network.take() {
            network.stop();
        }
    }
}

/// Runs a command of the installation under `home`: what it printed, and whether it was done.
pub fn noctule(home: &Path, args: &[&str]) -> (String, bool) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_noctule"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, folder) in super::tty::FOLDERS {
        command.env(name, home.join(folder));
    }
    let out = command.env("HOME", home).output().expect("noctule runs");
    (String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned(), out.status.success())
}

/// Waits for a condition outside the screen, looking again every 20 ms.
pub fn until(what: &str, seen: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !seen() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
