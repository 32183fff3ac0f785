//! A simulated network, and the parts of one noctule that watches it, without a screen.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::app::message::Msg;
use noctule::config::{alarm_types, schema::Config};
use noctule::model::alarm::AlarmRow;
use noctule::model::command::{Intent, Outcome, Targets};
use noctule::model::page::{Scope, Table};
use noctule::model::query::Query;
use noctule::model::topology::NodeRow;
use noctule::sim::{Control, Network, Running, SimOptions};
use noctule::store::{OpenOptions, Opened, Store};
use noctule::workers::actions::Executor;
use noctule::workers::jobs::Jobs;
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;
use noctule::workers::timers;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

/// How long a condition may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Alarms of ONUs that get no light.
pub(crate) const DARK: &str = "type=pon.onu.los cleared=no";

/// A network in which nothing happens by itself.
pub(crate) async fn still() -> (Running, Control) {
    let network = Network::start(SimOptions { speed: 20.0, ..SimOptions::still() }).await.expect("a network");
    let control = network.control();
    (network, control)
}

/// The options of a cache file.
pub(crate) fn options(path: &Path) -> OpenOptions {
    OpenOptions {
        path: path.to_owned(),
        tenant: String::new(),
        keep_us: i64::MAX / 4,
        max_bytes: u64::MAX / 4,
        purge_after_us: i64::MAX / 4,
        read_only: false,
    }
}

/// A still network with one noctule that has seen all of its 64 ONUs, and a place for the cache.
pub(crate) async fn watched() -> (Running, Control, tempfile::TempDir, Console) {
    let (network, control) = still().await;
    let (folder, path) = folder();
    let console = Console::start(&network.config(), &path);
    console.until_nodes("kind=onu oper=active", 64).await;
    (network, control, folder, console)
}

/// One noctule.
pub(crate) struct Console {
    pub(crate) store: Store,
    pub(crate) opened: Opened,
    pub(crate) sources: Sources,
    pub(crate) jobs: Jobs,
    pub(crate) supervisor: Supervisor,
    pub(crate) msgs: UnboundedSender<Msg>,
    pub(crate) news: UnboundedReceiver<Msg>,
}

impl Console {
    /// Starts on a cache file.
    pub(crate) fn start(config: &Config, path: &Path) -> Self {
        let (store, opened) = Store::open(&options(path)).expect("a cache");
        let (msgs, news) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(Handle::current(), msgs.clone());
        let types = Arc::new(alarm_types::load(None).expect("the shipped types"));
        timers::start(&supervisor, &store);
        let sources = Sources::start(config, store.clone(), types, &supervisor, &msgs);
        let jobs = Jobs::start(&store, &sources, "test/1".to_owned(), &supervisor);
        Self { store, opened, sources, jobs, supervisor, msgs, news }
    }

    /// Ends in order.
    pub(crate) async fn stop(self) {
        assert!(self.supervisor.stop(Duration::from_secs(10)).await, "the workers end in time");
        let store = self.store;
        tokio::task::spawn_blocking(move || store.close()).await.expect("closed");
    }

    /// Alarms that pass a filter.
    pub(crate) fn alarms(&self, filter: &str) -> Vec<AlarmRow> {
        let mut reader = self.store.reader().expect("a reader");
        reader.alarms(&targets(Table::Alarms, filter), usize::MAX).expect("alarms")
    }

    /// Nodes that pass a filter.
    pub(crate) fn nodes(&self, filter: &str) -> Vec<NodeRow> {
        let mut reader = self.store.reader().expect("a reader");
        reader.nodes(&targets(Table::Nodes, filter), usize::MAX).expect("nodes")
    }

    /// Waits until so many nodes pass a filter.
    pub(crate) async fn until_nodes(&self, filter: &str, n: usize) -> Vec<NodeRow> {
        until(&format!("{n} nodes with {filter}"), || Some(self.nodes(filter)).filter(|rows| rows.len() == n)).await
    }

    /// Waits until so many alarms pass a filter.
    pub(crate) async fn until_alarms(&self, filter: &str, n: usize) -> Vec<AlarmRow> {
        until(&format!("{n} alarms with {filter}"), || Some(self.alarms(filter)).filter(|rows| rows.len() == n)).await
    }

    /// Cuts the fibre of a PON port of the first OLT and waits for the alarms of its ONUs; how many.
    pub(crate) async fn cut(&self, control: &Control, pon: usize) -> usize {
        let onus = control.onus_of(0, 0, pon).len();
        let before = self.alarms(DARK).len();
        control.cut_fibre(0, 0, pon);
        self.until_alarms(DARK, before + onus).await;
        onus
    }

    /// Runs a wish to its end.
    pub(crate) async fn run(&self, wish: Intent) -> Outcome {
        self.executor().run(wish, &CancellationToken::new(), &|_, _| ()).await
    }

    /// What runs wishes.
    pub(crate) fn executor(&self) -> Executor {
        Executor::new(self.store.clone(), self.sources.clone(), self.jobs.clone())
    }

    /// Waits for a message.
    pub(crate) async fn until_news<T>(&mut self, what: &str, mut pick: impl FnMut(Msg) -> Option<T>) -> T {
        let wait = async {
            loop {
                let msg = self.news.recv().await.expect("news go on");
                if let Some(found) = pick(msg) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no news: {what}"))
    }
}

/// All rows of a filter, whatever their state.
pub(crate) fn targets(table: Table, filter: &str) -> Targets {
    let filter = if filter.is_empty() { None } else { Some(Arc::new(Query::parse(filter, table).expect("a filter"))) };
    Targets::Filter { table, scope: Scope::All, filter, below: None, except: HashSet::new() }
}

/// Waits until a condition holds.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A folder with a place for a cache in it.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("noctule.db");
    (folder, path)
}
