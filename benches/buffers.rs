//! What it costs to watch 200 appliances with four collectors each, polled every 5 s: CPU of one core
//! and memory of the agent, beside an agent that watches one. The appliances are simulated in this
//! process and spoken to over loopback. Linux: figures come from `/proc`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench may fail loudly, and prints"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use noctule::config::schema::SourceKind;
use noctule::sim::raven::{RavenOptions, RavenSim, RunningRaven};

/// Appliances.
const MANY: usize = 200;
/// How long the CPU is measured, s.
const SPAN: u64 = 60;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sims: Vec<RunningRaven> = runtime.block_on(async {
        let mut sims = Vec::new();
        for n in 0..MANY {
            let options = RavenOptions { name: format!("raven-{n:03}"), seed: n as u64, ..RavenOptions::default() };
            sims.push(RavenSim::start(options).await.expect("a simulator"));
        }
        sims
    });
    let one = watch(&sims[..1], 10);
    let all = watch(&sims, SPAN);
    println!("agent watching 1 appliance:    {:.2} % of a core, {:.1} MB", one.0, one.1);
    println!("agent watching {MANY} appliances: {:.2} % of a core (hold 5), {:.1} MB", all.0, all.1);
    println!("added by {} appliances:       {:.1} MB (hold 20)", MANY - 1, all.1 - one.1);
}

/// CPU in % of a core and resident memory in MB of an agent over these appliances.
fn watch(sims: &[RunningRaven], seconds: u64) -> (f64, f64) {
    let home = tempfile::tempdir().unwrap();
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut text = String::from("default_profile = \"bench\"\n[profile.bench]\nread_only = true\n");
    for sim in sims {
        let source = sim.config();
        let SourceKind::Raven(raven) = &source.kind else { panic!("{source:?}") };
        let config = raven.config.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "[[source]]\nname = \"{}\"\nkind = \"raven\"\nbuffer = \"{}\"\nconfig = \"{config}\"\npoll_s = 5",
            source.name, raven.buffer
        );
    }
    let file = home.path().join("noctule.toml");
    fs::write(&file, text).unwrap();
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
    while up(address) < sims.len() {
        assert!(Instant::now() < until, "{} of {} appliances are up", up(address), sims.len());
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
