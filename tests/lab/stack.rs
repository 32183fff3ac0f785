//! Recorded events of a real stack, through a broker that others wrote, into our store: the whole
//! way of an event, and what happens when the broker freezes or is started anew.

use std::sync::Arc;
use std::time::Duration;

use noctule::config::alarm_types;
use noctule::config::schema::{Config, Kafka, Source, SourceKind, Tls, Voltha};
use noctule::model::alarm::AlarmRow;
use noctule::model::command::Targets;
use noctule::model::page::{Scope, Table};
use noctule::store::{OpenOptions, Snapshot, Store};
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;
use tokio::sync::mpsc;

use super::mock::Cluster;
use super::recorded;

/// Everything has this long; it takes a fraction of it.
const PATIENCE: Duration = Duration::from_secs(90);

fn options(folder: &tempfile::TempDir) -> OpenOptions {
    OpenOptions {
        path: folder.path().join("lab.db"),
        tenant: String::new(),
        keep_us: 100 * 365 * 24 * 3_600 * 1_000_000,
        max_bytes: 1 << 30,
        purge_after_us: 100 * 365 * 24 * 3_600 * 1_000_000,
        read_only: false,
    }
}

/// A stack whose events come from `brokers`; nobody answers at its gRPC address.
fn config(brokers: &[String]) -> Config {
    let kafka = Kafka { brokers: brokers.to_vec(), topic: recorded::TOPIC.into(), tls: None, sasl: None };
    let kind = SourceKind::Voltha(Voltha {
        grpc: "http://127.0.0.1:1".into(),
        tls: Tls::default(),
        kafka: Some(kafka),
        poll_s: 3_600,
        timeout_s: 2,
        max_message_mib: 16,
        paused: false,
    });
    Config { sources: vec![Source { name: "lab".into(), kind }], ..Config::default() }
}

struct Console {
    store: Store,
    supervisor: Supervisor,
    _sources: Sources,
}

impl Console {
    fn start(folder: &tempfile::TempDir, brokers: &[String]) -> Self {
        let (store, opened) = Store::open(&options(folder)).expect("a store");
        assert!(opened.owner);
        let (msgs, mut news) = mpsc::unbounded_channel();
        tokio::spawn(async move { while news.recv().await.is_some() {} });
        let supervisor = Supervisor::new(tokio::runtime::Handle::current(), msgs.clone());
        let types = Arc::new(alarm_types::load(None).expect("alarm types"));
        let sources = Sources::start(&config(brokers), store.clone(), types, &supervisor, &msgs);
        Self { store, supervisor, _sources: sources }
    }

    /// Waits for a published state of the store.
    async fn until(&self, what: &str, test: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut snapshots = self.store.snapshots();
        let waited = tokio::time::timeout(PATIENCE, snapshots.wait_for(|s| test(s))).await;
        waited.unwrap_or_else(|_| panic!("{what} did not happen")).expect("a writer").clone()
    }

    /// Waits until the message at `offset` of partition 0 is journalled and folded.
    async fn journalled(&self, offset: i64) {
        let reached = || {
            let offsets = self.store.offsets("lab").expect("offsets");
            offsets.iter().any(|o| o.partition == 0 && o.offset >= offset)
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !reached() {
            assert!(tokio::time::Instant::now() < deadline, "offset {offset} was not reached");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What stands in the alarm list, a line each, in the order of their names.
    fn alarms(&self) -> String {
        let all = Targets::Filter {
            table: Table::Alarms,
            scope: Scope::All,
            filter: None,
            below: None,
            except: std::collections::HashSet::new(),
        };
        let rows = self.store.reader().expect("a reader").alarms(&all, usize::MAX).expect("alarms");
        let line = |row: AlarmRow| {
            let end = if row.cleared { row.clear_reason.word() } else { "stands" };
            format!("{} {} {} x{}: {end}", row.canonical, row.type_id, row.severity.word(), row.occurrences)
        };
        let mut lines: Vec<_> = rows.into_iter().filter(|row| row.type_id != "source.unreachable").map(line).collect();
        lines.sort();
        lines.join("\n")
    }

    async fn stop(self) {
        self.supervisor.stop(Duration::from_secs(5)).await;
        self.store.close();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_events_become_alarms_a_frozen_broker_is_survived_a_new_one_read_anew() {
    let messages = recorded::messages();
    let (first, second) = messages.split_at(messages.len() / 2);
    let cluster = Cluster::start().await;
    recorded::produce(&cluster.brokers, first.to_vec()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let console = Console::start(&folder, &cluster.brokers);
    console.journalled(first.len() as i64 - 1).await;
    let half = console.until("alarms", |s| s.counts.total() + s.counts.returned > 0).await;

    cluster.freeze();
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.thaw();
    recorded::produce(&cluster.brokers, second.to_vec()).await;
    console.journalled(messages.len() as i64 - 1).await;
    let whole = console.until("more records", |s| s.counts.seq > half.counts.seq).await;
    // Every alarm of the recording, and how it stands at its end.
    insta::assert_snapshot!(console.alarms());

    // The end of the process breaks every connection; the console says so and goes on.
    cluster.end().await;
    console.until("the loss is reported", |s| s.sources.iter().any(|r| !r.report.last_error.is_empty())).await;
    console.stop().await;

    // A broker that kept its log in memory begins again at offset 0, where the journal says more.
    let anew = Cluster::start().await;
    recorded::produce(&anew.brokers, first.to_vec()).await;
    let console = Console::start(&folder, &anew.brokers);
    console.until("it is read from its start", |s| s.counts.seq > whole.counts.seq).await;
    console.journalled(first.len() as i64 - 1).await;
    console.stop().await;
    anew.end().await;
}
