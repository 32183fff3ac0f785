//! The numbers of the screen, measured on the real binary in a pseudo-terminal: first frame, key to
//! frame under a storm, idle cost, memory, headless answer. Prints one Markdown table.
//!
//! `cargo bench --bench screen` takes some minutes; `-- quick` makes the cache ten times smaller
//! and the waits shorter, to see that it works.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

#[path = "../tests/pty/tty.rs"]
mod tty;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use noctule::model::ids::SourceName;
use noctule::model::observation::{AlarmEvent, ClearReason, Observation, Observed};
use noctule::model::record::Record;
use noctule::model::resource::{NodeKind, Resource};
use noctule::model::severity::Severity;
use noctule::model::time::{SECOND, Ts};
use noctule::model::topology::{AdminState, ConnectStatus, NodePatch, OperStatus};
use noctule::sim::{Network, Scale, SimOptions};
use noctule::store::{OpenOptions, Store};
use tty::{Start, Tty};

/// End of a frame.
const END: &[u8] = b"\x1b[?2026l";

struct Plan {
    alarms: usize,
    onus: usize,
    starts: usize,
    keys: usize,
    idle: Duration,
}

fn main() {
    let quick = std::env::args().any(|a| a == "quick");
    let plan = if quick {
        Plan { alarms: 100_000, onus: 100_000, starts: 5, keys: 50, idle: Duration::from_secs(10) }
    } else {
        Plan { alarms: 1_000_000, onus: 1_000_000, starts: 20, keys: 300, idle: Duration::from_secs(60) }
    };
    let folder = tempfile::tempdir().expect("a folder");
    println!("| what | measured |\n|---|---|");
    let big = folder.path().join("big");
    let seconds = fill(&big, plan.alarms, plan.onus);
    row("filling the cache for this", &format!("{} alarms and {} ONUs in {seconds:.1} s", plan.alarms, plan.onus));
    first_frame(&big, &plan);
    headless(&big, &plan);
    let busy = folder.path().join("busy");
    fill(&busy, plan.alarms / 10, plan.onus);
    memory(&busy);
    storm(&folder.path().join("storm"), &plan);
    idle(&folder.path().join("idle"), &plan);
    for peer in ["htop", "btop"] {
        peer_idle(peer, &plan);
    }
}

fn row(what: &str, measured: &str) {
    println!("| {what} | {measured} |");
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 - 1.0) * q).round() as usize).copied().unwrap_or(f64::NAN)
}

/// A home whose configuration watches `sources` (name, gRPC, Kafka).
fn configure(home: &Path, sources: &[(String, String, Option<String>)]) {
    let folder = home.join("config/noctule");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut text = String::from("[profile.default]\nread_only = false\n");
    for (name, grpc, kafka) in sources {
        let _ = write!(text, "[[source]]\nname = \"{name}\"\nkind = \"voltha\"\ngrpc = \"{grpc}\"\n");
        if let Some(kafka) = kafka {
            let _ = write!(text, "[source.kafka]\nbrokers = [\"{kafka}\"]\n");
        }
    }
    std::fs::write(folder.join("noctule.toml"), text).expect("a configuration");
}

fn cache(home: &Path) -> PathBuf {
    home.join("data/noctule/noctule.db")
}

/// Writes a cache with so many active alarms and ONUs; seconds it took.
fn fill(home: &Path, alarms: usize, onus: usize) -> f64 {
    configure(home, &[("voltha-1".into(), "http://127.0.0.1:9".into(), None)]);
    let path = cache(home);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let options = OpenOptions {
        path,
        tenant: String::new(),
        keep_us: i64::MAX / 4,
        max_bytes: u64::MAX / 4,
        purge_after_us: i64::MAX / 4,
        read_only: false,
    };
    let began = Instant::now();
    let (store, _) = Store::open(&options).expect("a store");
    let journal = store.journal();
    let source: SourceName = "voltha-1".into();
    let at = Ts(1_795_186_238 * SECOND);
    let observed = |what| Record::Observed(Observed { source: source.clone(), at, origin: None, what });
    let mut records = Vec::new();
    let flush = |records: &mut Vec<Record>, last: bool| {
        if records.len() >= 20_000 || last {
            journal.append(std::mem::take(records)).wait().expect("journalled");
        }
    };
    for i in 0..onus {
        let (olt, pon) = (format!("OLT{:04}", i / 2048), u32::try_from(i % 2048 / 128).unwrap_or(0));
        let mut patch = NodePatch::new(Resource::new(NodeKind::Onu, format!("ONU{i:09}")));
        patch.parent = Some(Resource::port(NodeKind::PonPort, olt, pon));
        patch.admin_state = Some(AdminState::Enabled);
        patch.oper_status = Some(OperStatus::Active);
        patch.connect_status = Some(ConnectStatus::Reachable);
        patch.number = Some(u32::try_from(i % 128 + 1).unwrap_or(1));
        records.push(observed(Observation::Node(patch)));
        flush(&mut records, false);
    }
    let types = ["pon.onu.los", "pon.onu.dying_gasp", "pon.onu.low_rx", "pon.onu.sd"];
    for i in 0..alarms {
        let event = AlarmEvent {
            resource: Resource::new(NodeKind::Onu, format!("ONU{:09}", i % onus.max(1))),
            type_id: types[i / onus.max(1) % types.len()].to_owned(),
            qualifier: String::new(),
            raise: Some(Severity::from_rank(u8::try_from(i % 5).unwrap_or(0))),
            source_time: at.plus(i64::try_from(i).unwrap_or(0) * 1000),
            text: "loss of signal".into(),
            clear_reason: ClearReason::Source,
            event: "ONU_LOSS_OF_SIGNAL_RAISE_EVENT".into(),
            context: Vec::new(),
            own_query: false,
            will_clear: true,
            cleared_by_active: false,
            hold_down_s: 30,
        };
        records.push(observed(Observation::Alarm(event)));
        flush(&mut records, false);
    }
    flush(&mut records, true);
    store.close();
    began.elapsed().as_secs_f64()
}

fn first_frame(home: &Path, plan: &Plan) {
    let mut ms: Vec<f64> = (0..plan.starts)
        .map(|_| {
            let began = Instant::now();
            let tty = Tty::start(home, &Start { args: &[], ..Start::default() });
            tty.wait("the first alarms", |s| s.contains("UNACK"));
            let ms = began.elapsed().as_secs_f64() * 1000.0;
            tty.signal("TERM");
            tty.exit();
            ms
        })
        .collect();
    row(
        &format!("first frame with rows, {} alarms in the cache, 200x50", plan.alarms),
        &format!("p50 {:.1} ms, p95 {:.1} ms", quantile(&mut ms, 0.5), quantile(&mut ms, 0.95)),
    );
}

fn headless(home: &Path, plan: &Plan) {
    let run = |args: &[&str]| {
        let began = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_noctule"))
            .args(args)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok_and(|s| s.success()), "{args:?}");
        began.elapsed().as_secs_f64() * 1000.0
    };
    for args in [
        vec!["alarms", "--json", "--limit", "50"],
        vec!["alarms", "--json", "--limit", "50", "--filter", "severity=critical and type:gasp"],
        vec!["pon", "--json", "--limit", "50", "--filter", "serial=ONU000077777"],
    ] {
        let mut ms: Vec<f64> = (0..plan.starts).map(|_| run(&args)).collect();
        row(
            &format!("`noctule {}`, whole process", args.join(" ")),
            &format!("p50 {:.1} ms, p95 {:.1} ms", quantile(&mut ms, 0.5), quantile(&mut ms, 0.95)),
        );
    }
}

fn memory(home: &Path) {
    let mut tty = Tty::start(home, &Start { args: &[], ..Start::default() });
    tty.wait("the first alarms", |s| s.contains("UNACK"));
    tty.send("2");
    tty.wait("the tree", |s| s.contains("voltha-1"));
    tty.send("1");
    tty.wait_for("UNACK");
    let usage = Usage::of(tty.pid());
    row(
        "memory with 100k active alarms and 1M ONUs (RSS / PSS)",
        &format!("{:.1} / {:.1} MB", usage.rss_mb, usage.pss_mb),
    );
}

/// What a process has used so far.
struct Usage {
    cpu_s: f64,
    rss_mb: f64,
    pss_mb: f64,
    switches: u64,
}

impl Usage {
    fn of(pid: u32) -> Self {
        let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
        let stat = read(format!("/proc/{pid}/stat"));
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        let kib = |text: &str, name: &str| {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap_or("");
            line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0)
        };
        let mut switches = 0;
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let line = status.lines().find(|l| l.starts_with("voluntary_ctxt")).unwrap_or("").to_owned();
            switches += line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
        Self {
            cpu_s: (ticks(11) + ticks(12)) / 100.0,
            rss_mb: kib(&read(format!("/proc/{pid}/status")), "VmRSS:") / 1024.0,
            pss_mb: kib(&read(format!("/proc/{pid}/smaps_rollup")), "Pss:") / 1024.0,
            switches,
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn sources_of(network: &noctule::sim::Running, prefix: &str) -> Vec<(String, String, Option<String>)> {
    let config = network.config();
    config
        .sources
        .iter()
        .filter_map(|s| {
            let noctule::config::schema::SourceKind::Voltha(v) = &s.kind else { return None };
            let kafka = v.kafka.as_ref().and_then(|k| k.brokers.first().cloned());
            Some((format!("{prefix}{}", s.name), v.grpc.clone(), kafka))
        })
        .collect()
}

fn storm(home: &Path, plan: &Plan) {
    let runtime = runtime();
    let options = SimOptions { scale: Scale::City, script: false, ..SimOptions::default() };
    let network = runtime.block_on(Network::start(options)).expect("a network");
    configure(home, &sources_of(&network, ""));
    let mut tty = Tty::start(home, &Start { args: &[], size: (200, 60), ..Start::default() });
    tty.wait("standing alarms", |s| s.contains("UNACK"));
    let seconds = i64::try_from(plan.keys / 10 + 20).unwrap_or(60);
    network.control().storm(10_000, seconds);
    let before = tty.raw_len();
    tty.wait_raw(before, END);
    let before = Usage::of(tty.pid());
    let began = Instant::now();
    let mut ms = Vec::new();
    for i in 0..plan.keys {
        let from = tty.raw_len();
        let pressed = Instant::now();
        tty.send(if i % 40 < 20 { "j" } else { "k" });
        tty.wait_raw(from, END);
        ms.push(pressed.elapsed().as_secs_f64() * 1000.0);
        tty.wait_raw(from, END);
        tty.wait_process("the next press", |_| pressed.elapsed() > Duration::from_millis(60));
    }
    let after = Usage::of(tty.pid());
    row(
        "key to finished frame, 10,000 events/s arriving, 200x60",
        &format!(
            "p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms; {:.0} % of a core",
            quantile(&mut ms, 0.5),
            quantile(&mut ms, 0.95),
            quantile(&mut ms, 0.99),
            (after.cpu_s - before.cpu_s) / began.elapsed().as_secs_f64() * 100.0
        ),
    );
    drop(tty);
    network.stop();
}

fn idle(home: &Path, plan: &Plan) {
    let runtime = runtime();
    let mut networks = Vec::new();
    let mut sources = Vec::new();
    for i in 0..6 {
        let options = SimOptions { script: false, seed: i + 1, ..SimOptions::default() };
        let network = runtime.block_on(Network::start(options)).expect("a network");
        sources.extend(sources_of(&network, &format!("s{i}-")));
        networks.push(network);
    }
    configure(home, &sources);
    let tty = Tty::start(home, &Start { args: &[], ..Start::default() });
    tty.wait("all sources", |s| s.contains("6/6 up"));
    measure_idle("idle, six sources, clock shown", &tty, plan);
    drop(tty);
    networks.into_iter().for_each(noctule::sim::Running::stop);
}

fn measure_idle(what: &str, tty: &Tty, plan: &Plan) {
    // What the start still has to do is not idleness.
    std::thread::sleep(Duration::from_secs(5));
    let (before, bytes, began) = (Usage::of(tty.pid()), tty.raw_len(), Instant::now());
    std::thread::sleep(plan.idle);
    let after = Usage::of(tty.pid());
    let seconds = began.elapsed().as_secs_f64();
    row(
        what,
        &format!(
            "{:.2} CPU s a minute, {:.2} kB/s to the terminal, {:.1} wake-ups/s, RSS {:.1} MB",
            (after.cpu_s - before.cpu_s) / seconds * 60.0,
            (tty.raw_len() - bytes) as f64 / seconds / 1000.0,
            (after.switches - before.switches) as f64 / seconds,
            after.rss_mb
        ),
    );
}

fn peer_idle(peer: &str, plan: &Plan) {
    let Some(path) = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|p| p.join(peer))
        .find(|p| p.is_file())
    else {
        row(&format!("idle, {peer}"), "not installed");
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let tty = Tty::program(&path, home.path(), &Start { args: &[], ..Start::default() });
    tty.wait_raw(0, b"\x1b[");
    measure_idle(&format!("idle, {peer}, 1 s refresh or its own"), &tty, plan);
}
