//! An agent as a process of its own, and what it costs. Linux: figures come from `/proc`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// CPU in % of a core and resident memory in MB of an agent with this configuration, once so many sources are up.
pub(crate) fn watch(config: &str, sources: usize, seconds: u64) -> (f64, f64) {
    let home = tempfile::tempdir().unwrap();
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = home.path().join("noctule.toml");
    fs::write(&file, config).unwrap();
    let mut agent = Agent(
        Command::new(env!("CARGO_BIN_EXE_noctule"))
            .args(["--config", file.to_str().unwrap(), "agent", "--metrics", &address.to_string()])
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_STATE_HOME", home.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("the agent"),
    );
    let until = Instant::now() + Duration::from_secs(120);
    while up(address) < sources {
        assert!(Instant::now() < until, "{} of {sources} sources are up", up(address));
        std::thread::sleep(Duration::from_millis(500));
    }
    // The first polls ask everything; what lasts comes after them.
    std::thread::sleep(Duration::from_secs(20));
    let pid = agent.0.id();
    let (before, began) = (cpu_s(pid), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let used = (cpu_s(pid) - before) / began.elapsed().as_secs_f64() * 100.0;
    let memory = memory_mb(pid);
    let _ = agent.0.kill();
    (used, memory)
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sources that the agent calls up.
fn up(address: SocketAddr) -> usize {
    let Ok(mut stream) = TcpStream::connect(address) else { return 0 };
    let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text.lines().filter(|l| l.starts_with("noctule_source_up{") && l.ends_with("} 1")).count()
}

/// CPU time of a process, s.
fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// Resident memory of a process, MB.
fn memory_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() * 1024.0 / 1e6
}
