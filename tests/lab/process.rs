//! Programs of others, started in process groups of their own and ended by their id; ports that are
//! free; waiting for conditions.

use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Everything has this long; it takes a fraction of it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A program and all that it started; ended when dropped.
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts it; what it says goes into `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::File::create(log).expect("a log");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a log"))
            .stderr(file)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e} (.ci/run installs what the lab needs)"));
        Self { child }
    }

    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        signal_group(self.child.id(), rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) && self.runs() {
            std::thread::sleep(Duration::from_millis(20));
        }
        signal_group(self.child.id(), rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

fn signal_group(id: u32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(id as i32) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

pub fn signal(id: u32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(id as i32).expect("an id"), signal)
        .expect("signalled");
}

/// Says that something cannot be checked here. Also where a test that passes has its output kept back.
pub fn not_checked(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT CHECKED: {what}");
}

/// A TCP port that was free just now.
pub fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// A UDP port that was free just now.
pub fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Waits until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ids and command lines of all processes whose command line holds `text`.
pub fn processes_with(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if id != std::process::id() && line.contains(text) {
            found.push((id, line));
        }
    }
    found
}
