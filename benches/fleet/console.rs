//! The console's parts without a screen: parser, worker, cache.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use noctule::config::alarm_types;
use noctule::config::schema::{Config, Genieacs, Source, SourceKind};
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::device::DeviceDoc;
use noctule::controllers::genieacs::map;
use noctule::controllers::genieacs::profile::Profiles;
use noctule::controllers::genieacs::wire::Filter;
use noctule::controllers::stream::Documents;
use noctule::model::page::{Anchor, Data, DataRequest, PageRequest, Rows, Scope, Table};
use noctule::model::query::Query;
use noctule::store::Store;
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;

use super::acs::{Acs, runtime};
use super::{common, quantile, row};

/// A piece of a connection.
const CHUNK: usize = 64 << 10;

fn target(profiles: &Profiles, limit: u32) -> String {
    let projection = map::projection(profiles).0.join(",");
    format!("/devices?projection={projection}&limit={limit}")
}

/// The bytes of a list, as they are on the wire but for the chunking.
fn body(acs: &Acs, limit: u32) -> Vec<u8> {
    let profiles = Profiles::load(None).expect("the shipped profiles");
    let host = acs.url.replace("http://", "");
    let mut stream = std::net::TcpStream::connect(&host).expect("a connection");
    let request = format!("GET {} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n", target(&profiles, limit));
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut bytes).expect("an answer");
    let end = memchr::memmem::find(&bytes, b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_lowercase();
    assert!(!head.contains("chunked"), "{head}");
    bytes.split_off(end)
}

/// The parser alone, on one core, from memory: documents of a tenth of the fleet.
pub fn parse(acs: &Acs) {
    let profiles = Profiles::load(None).expect("the shipped profiles");
    let bytes = body(acs, 10_000);
    let megabytes = bytes.len() as f64 / 1e6;
    let mut best = [f64::MAX; 2];
    for _ in 0..5 {
        for (mapped, best) in [false, true].into_iter().zip(&mut best) {
            let began = Instant::now();
            let mut documents = Documents::<DeviceDoc>::default();
            for chunk in bytes.chunks(CHUNK) {
                documents.feed(chunk).expect("a list");
                while let Some(doc) = documents.take() {
                    if mapped {
                        divan::black_box(map::cpe(&doc, &profiles));
                    }
                }
            }
            documents.finish().expect("its end");
            *best = best.min(began.elapsed().as_secs_f64());
        }
    }
    row(
        "documents parsed, one core, from memory",
        &format!(
            "{:.0} MB/s; with the mapping to fleet rows {:.0} MB/s ({:.0} bytes a device)",
            megabytes / best[0],
            megabytes / best[1],
            bytes.len() as f64 / 10_000.0
        ),
    );
}

/// The whole fleet over HTTP: the console's client, and `curl | jq -c` beside it.
pub fn beside_jq(acs: &Acs) {
    let runtime = runtime();
    let profiles = Profiles::load(None).expect("the shipped profiles");
    let config = Genieacs::new(acs.url.clone());
    let client = Client::new(&"acs".into(), &config).expect("a client");
    let began = Instant::now();
    let before = Memory::now();
    let devices = runtime.block_on(async {
        let find = noctule::controllers::genieacs::wire::Find::new(Filter::all()).only(map::projection(&profiles));
        let mut docs = Box::pin(client.devices(&find));
        let mut devices = 0_u64;
        while let Some(doc) = docs.next().await {
            divan::black_box(map::cpe(&doc.expect("a document"), &profiles));
            devices += 1;
        }
        devices
    });
    let ours = began.elapsed().as_secs_f64();
    let (added, cpu) = (before.added(), before.cpu());
    let curl = |more: &str| {
        let began = Instant::now();
        let line = format!("curl -s '{}{}' {more} > /dev/null", acs.url, target(&profiles, 0));
        let done = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
        done.is_ok_and(|s| s.success()).then(|| began.elapsed().as_secs_f64())
    };
    let bytes = Command::new("sh")
        .args(["-c", &format!("curl -s '{}{}' | wc -c", acs.url, target(&profiles, 0))])
        .output()
        .ok()
        .and_then(|out| String::from_utf8_lossy(&out.stdout).trim().parse::<f64>().ok());
    let there = |name: &str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
    let megabytes = bytes.filter(|b| *b > 0.0).map(|b| b / 1e6);
    row(
        "the whole fleet streamed, parsed and mapped over HTTP (the simulator writes beside it)",
        &format!(
            "{devices} devices{} in {ours:.2} s{}, {cpu:.2} CPU s, {added:.1} MB added",
            megabytes.map_or_else(String::new, |m| format!(", {m:.0} MB")),
            megabytes.map_or_else(String::new, |m| format!(", {:.0} MB/s", m / ours))
        ),
    );
    let beside = if there("curl") && there("jq") {
        let (bare, jq) = (curl(""), curl("| jq -c '.[]'"));
        format!(
            "{} s, {:.1} times ours; `curl` alone {} s",
            jq.map_or_else(|| "failed".to_owned(), |s| format!("{s:.2}")),
            jq.unwrap_or(f64::NAN) / ours,
            bare.map_or_else(|| "failed".to_owned(), |s| format!("{s:.2}"))
        )
    } else {
        "skipped: curl or jq is not installed".to_owned()
    };
    row("`curl … \\| jq -c '.[]'` of the same", &beside);
}

/// A console without a screen.
pub struct Console {
    pub store: Store,
    pub sources: Sources,
    pub supervisor: Supervisor,
    pub runtime: tokio::runtime::Runtime,
}

impl Console {
    pub fn start(config: Genieacs, path: &Path) -> Self {
        let runtime = runtime();
        let store = common::open(&path.join("noctule.db"));
        let source = Source { name: "acs".into(), kind: SourceKind::Genieacs(config) };
        let config = Config { sources: vec![source], ..Config::default() };
        let (msgs, news) = tokio::sync::mpsc::unbounded_channel();
        std::mem::forget(news);
        let supervisor = Supervisor::new(runtime.handle().clone(), msgs.clone());
        let types = Arc::new(alarm_types::load(None).expect("the shipped types"));
        let sources = Sources::start(&config, store.clone(), types, &supervisor, &msgs);
        Self { store, sources, supervisor, runtime }
    }

    pub fn poll(&self) {
        let handle = self.sources.get("acs").expect("the source");
        self.runtime.block_on(handle.poll_now()).expect("a poll");
    }

    /// Waits until the source tells of all devices.
    fn until_read(&self) {
        let snapshots = self.store.snapshots();
        while snapshots.borrow().sources.iter().all(|s| s.report.devices == 0) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn stop(self) {
        assert!(self.runtime.block_on(self.supervisor.stop(Duration::from_secs(10))), "the workers end");
        self.store.close();
    }
}

/// What a process has in memory.
struct Memory {
    before: f64,
    cpu: f64,
}

impl Memory {
    fn now() -> Self {
        // The peak is counted from now on.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { before: Self::read("VmRSS:"), cpu: Self::seconds() }
    }

    /// CPU seconds since.
    fn cpu(&self) -> f64 {
        Self::seconds() - self.cpu
    }

    fn seconds() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    fn added(&self) -> f64 {
        Self::read("VmHWM:") - self.before
    }

    fn read(name: &str) -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with(name)).unwrap_or("").to_owned();
        line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

fn request(filter: Option<&str>) -> DataRequest {
    DataRequest::Page(PageRequest {
        table: Table::Cpes,
        scope: Scope::Open,
        filter: filter.map(|text| Arc::new(Query::parse(text, Table::Cpes).expect("parses"))),
        below: None,
        sort: Vec::new(),
        anchor: Anchor::Start,
        limit: 60,
        new_since: None,
        now: noctule::workers::now(),
    })
}

fn rows_of(store: &Store, request: &DataRequest) -> usize {
    let mut reader = store.reader().expect("a reader");
    match reader.data(request).expect("an answer") {
        Data::Page(page) => match page.rows {
            Rows::Cpes(rows) => rows.len(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A first read into an empty cache, and a second one in which nothing changed.
pub fn fill(acs: &Acs, path: &Path) {
    acs.wire.reset();
    let before = Memory::now();
    let began = Instant::now();
    let console = Console::start(Genieacs { full_s: 0, ..acs.wire.config() }, path);
    let page = request(None);
    while rows_of(&console.store, &page) == 0 {
        std::thread::sleep(Duration::from_millis(2));
        assert!(began.elapsed() < Duration::from_secs(60), "no first page");
    }
    let page = Instant::now();
    let first = acs.wire.first.lock().expect("lock").expect("a first byte");
    row(
        "first page from cold, fleet read for the first time",
        &format!("{:.0} ms after the first byte, {:.0} ms after the start", ms(first, page), ms(began, page)),
    );
    console.until_read();
    let read = began.elapsed().as_secs_f64();
    row(
        "first full read, into the cache",
        &format!(
            "{:.0} MB in {read:.1} s, {:.0} MB/s, {:.1} CPU s, {:.1} MB added to the memory",
            acs.wire.megabytes(),
            acs.wire.megabytes() / read,
            before.cpu(),
            before.added()
        ),
    );
    let megabytes = acs.wire.megabytes();
    console.stop();
    // Without the counting wire, and in a process whose cache is full: what is read is the same.
    let console = Console::start(Genieacs { full_s: 0, ..Genieacs::new(acs.url.clone()) }, path);
    console.poll();
    let before = Memory::now();
    let began = Instant::now();
    console.poll();
    let (read, cpu) = (began.elapsed().as_secs_f64(), before.cpu());
    row(
        "full refresh, only informs changed",
        &format!(
            "{megabytes:.0} MB in {read:.1} s, {:.0} MB/s, {cpu:.2} CPU s ({:.0} MB a CPU second), {:.1} MB added to the memory",
            megabytes / read,
            megabytes / cpu,
            before.added()
        ),
    );
    console.stop();
}

fn ms(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}

/// First page from a cache that was just opened.
pub fn cached(path: &Path) {
    let mut took: Vec<f64> = (0..20)
        .map(|_| {
            let began = Instant::now();
            let store = common::open(&path.join("noctule.db"));
            let rows = rows_of(&store, &request(None));
            let took = began.elapsed().as_secs_f64() * 1000.0;
            assert!(rows > 0, "rows");
            store.close();
            took
        })
        .collect();
    row(
        "first page from the cache, opened anew each time",
        &format!("p50 {:.1} ms, p95 {:.1} ms", quantile(&mut took, 0.5), quantile(&mut took, 0.95)),
    );
}

/// Each run asks for something else, so that nothing kept from the run before serves it.
const FILTERS: &[&str] = &[
    "online=late",
    "model=HG8245H",
    "manufacturer:zte",
    "firmware<V3.0.10",
    "firmware~/^V3R01[0-{}]/",
    "rx_dbm<-26.{}",
    "last_inform>-{}s",
    "tags:vip",
    "serial:{}F",
    "ip=100.64.0.{}",
    "faults>{}",
    "nobody{}",
    "subscriber:nobody{}",
    "InternetGatewayDevice.DeviceInfo.SoftwareVersion=V5R020C1{}",
    "InternetGatewayDevice.DeviceInfo.HardwareVersion~/^x{}$/",
    "Device.DeviceInfo.UpTime>100000{}",
    "not online=online and rx_dbm<-25.{}",
];

pub fn filters(path: &Path) {
    let store = common::open(&path.join("noctule.db"));
    let mut reader = store.reader().expect("a reader");
    let mut worst = (0.0, "");
    for filter in FILTERS {
        let mut found = 0;
        let mut took: Vec<f64> = (1..10)
            .map(|n| {
                let request = request(Some(&filter.replace("{}", &n.to_string())));
                let began = Instant::now();
                let data = reader.data(&request).expect("an answer");
                let took = began.elapsed().as_secs_f64() * 1000.0;
                let Data::Page(page) = data else { panic!("{data:?}") };
                let Rows::Cpes(rows) = &page.rows else { panic!("{:?}", page.rows) };
                found = rows.len();
                took
            })
            .collect();
        let (p50, most) = (quantile(&mut took, 0.5), quantile(&mut took, 1.0));
        if most > worst.0 {
            worst = (most, filter);
        }
        row(
            &format!("filter `{filter}`, first page ({found} rows)"),
            &format!("p50 {p50:.1} ms, slowest {most:.1} ms"),
        );
    }
    row("slowest filter", &format!("{:.1} ms: `{}`", worst.0, worst.1));
    drop(reader);
    store.close();
}
