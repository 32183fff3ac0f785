//! 100,000 alerts of a real Alertmanager (Debian's `prometheus-alertmanager`) read, compared and
//! folded into a real store, against `curl` that throws the same list away. Prints the ratio and the
//! memory that was added. `cargo bench --bench alertmanager [ALERTS]`; without the program it says so.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::config::alarm_types;
use noctule::config::schema::{Alertmanager, Config, Source, SourceKind};
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;

const PROGRAM: &str = "prometheus-alertmanager";

/// The server, ended with this.
struct Peer {
    child: Child,
    port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Option<Peer> {
    let port = TcpListener::bind(("127.0.0.1", 0)).ok()?.local_addr().ok()?.port();
    std::fs::write(folder.join("am.yml"), "route:\n  receiver: noc\nreceivers:\n- name: noc\n").ok()?;
    let child = Command::new(PROGRAM)
        .args(["--config.file=am.yml", "--storage.path=am", "--cluster.listen-address="])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let peer = Peer { child, port };
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "{PROGRAM} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(peer)
}

fn post(port: u16, body: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let head = format!(
        "POST /api/v2/alerts HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Alerts about ONUs, each some 850 bytes on the wire.
fn fill(port: u16, alerts: usize) {
    let words = "The optical network unit reports no light from the line terminal; look at the drop cable, the splitter and its neighbours on the same port before sending somebody out. ".repeat(3);
    for first in (0..alerts).step_by(1_000) {
        let list: Vec<String> = (first..(first + 1_000).min(alerts))
            .map(|n| {
                format!(
                    r#"{{"labels":{{"alertname":"OnuLos","olt":"olt-{:03}","pon":"1/{}","onu":"ALCL{n:08X}","severity":"major","job":"pon","site":"north"}},"annotations":{{"summary":"ONU {n} without light","description":"{words}"}},"endsAt":"2099-01-01T00:00:00Z"}}"#,
                    n / 1_024,
                    n / 64 % 16
                )
            })
            .collect();
        post(port, &format!("[{}]", list.join(",")));
    }
}

/// Seconds and bytes of a read that is thrown away.
fn curl(url: &str) -> (f64, f64) {
    let began = Instant::now();
    let out = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{size_download}", url])
        .output()
        .expect("curl is installed");
    let bytes: f64 = String::from_utf8_lossy(&out.stdout).trim().parse().expect("a size");
    (began.elapsed().as_secs_f64(), bytes)
}

/// MiB of a line of the process's status.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(name)).unwrap_or("").to_owned();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let given = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    // `cargo test --benches` runs this too: only a bench run measures.
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let alerts = given.and_then(|n| n.replace('_', "").parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let Some(peer) = start(folder.path()) else {
        println!("{PROGRAM} is not installed: nothing was measured");
        return;
    };
    fill(peer.port, alerts);
    let base = format!("http://127.0.0.1:{}", peer.port);
    let url = format!("{base}/api/v2/alerts");
    let (_, bytes) = curl(&url);
    println!("{alerts} alerts, {:.1} MB of JSON", bytes / 1e6);

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let store = common::open(&folder.path().join("bench.db"));
    let config = Alertmanager { poll_s: 86_400, paused: true, timeout_s: 120, ..Alertmanager::new(base) };
    let source = Source { name: "am".into(), kind: SourceKind::Alertmanager(Box::new(config)) };
    let config = Config { sources: vec![source], ..Config::default() };
    let (msgs, _news) = tokio::sync::mpsc::unbounded_channel();
    let supervisor = Supervisor::new(runtime.handle().clone(), msgs.clone());
    let types = Arc::new(alarm_types::load(None).expect("the shipped types"));
    let sources = {
        let _in = runtime.enter();
        Sources::start(&config, store.clone(), types, &supervisor, &msgs)
    };
    let handle = sources.get("am").expect("the source").clone();
    let standing = || {
        let mut n = 0_u64;
        store.reader().expect("a reader").each_standing_alarm("am", &mut |_| n += 1).expect("alarms");
        n
    };

    let (first_curl, _) = curl(&url);
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    let began = Instant::now();
    runtime.block_on(handle.pause(false)).expect("resumed");
    let mut seen = 0;
    while seen < alerts as u64 {
        std::thread::sleep(Duration::from_millis(20));
        seen = standing();
        assert!(began.elapsed() < Duration::from_secs(300), "{seen} of {alerts}");
    }
    let first = began.elapsed().as_secs_f64();
    let peak = memory("VmHWM:") - before;
    row("first read: all raised and in the store", first, first_curl);
    println!("memory added at its peak: {peak:.1} MiB (held: 60)");

    runtime.block_on(handle.poll_now()).expect("settled");
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let (by_curl, _) = curl(&url);
        let began = Instant::now();
        runtime.block_on(handle.poll_now()).expect("a poll");
        best = (best.0.min(began.elapsed().as_secs_f64()), best.1.min(by_curl));
    }
    row("read again, nothing changed (best of three)", best.0, best.1);
    println!("memory added at its peak: {:.1} MiB", memory("VmHWM:") - before);
    runtime.block_on(supervisor.stop(Duration::from_secs(10)));
}

fn row(what: &str, ours: f64, by_curl: f64) {
    println!("{what}: {ours:.2} s, curl {by_curl:.2} s, ratio {:.2} (held: 1.5)", ours / by_curl);
}
