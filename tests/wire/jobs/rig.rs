//! A small ACS and a noctule whose runner can be killed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use noctule::config::{alarm_types, schema::Config};
use noctule::engine::job::{Job, State};
use noctule::model::command::Targets;
use noctule::model::job::read::{Format, read};
use noctule::model::job::{Class, Control, JobId, Phase};
use noctule::model::page::Table;
use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions, Answers, RunningAcs};
use noctule::store::Store;
use noctule::workers::actions::Executor;
use noctule::workers::jobs::{Jobs, Options};
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::rig::{folder, options, targets, until};

pub(super) const SSID: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID";

/// An ACS with CPEs of one model that come when they are called.
pub(super) struct Lab {
    pub(super) acs: RunningAcs,
    pub(super) control: AcsControl,
    pub(super) ids: Vec<String>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Lab {
    pub(super) async fn new(cpes: u32) -> Self {
        let acs = Acs::start(AcsOptions { bare: true, ..AcsOptions::still() }).await.expect("an ACS");
        let control = acs.control();
        let ids: Vec<String> =
            (1..=cpes).map(|n| control.plug_in("HG8245H", &format!("HWTC{n:08}")).expect("a model")).collect();
        for id in &ids {
            control.answers(id, Answers::Comes);
        }
        control.advance(60.0);
        let (folder, path) = folder();
        Self { acs, control, ids, path, _folder: folder }
    }

    pub(super) async fn noctule(&self) -> Noctule {
        self.noctule_called("test/1").await
    }

    pub(super) async fn noctule_called(&self, me: &str) -> Noctule {
        let noctule = Noctule::start(self, me).await;
        let n = self.ids.len();
        until("the fleet", || noctule.fleet(n)).await;
        noctule
    }

    /// How many tasks that change something the CPEs were given.
    pub(super) fn changes(&self) -> Vec<u32> {
        self.ids.iter().map(|id| self.control.changes(id)).collect()
    }

    /// The value of a parameter as the server knows it.
    pub(super) async fn value(&self, id: &str, path: &str) -> String {
        use noctule::config::schema::SourceKind;
        use noctule::controllers::genieacs::client::Client;
        use noctule::controllers::genieacs::wire::{DeviceId, Projection};
        let source = self.acs.config();
        let SourceKind::Genieacs(settings) = &source.kind else { panic!("{source:?}") };
        let client = Client::new(&source.name.as_str().into(), settings).expect("a client");
        let doc = client.device(&DeviceId::from(id), Projection::of([path])).await.expect("an answer");
        doc.and_then(|d| d.value(path).map(ToString::to_string)).unwrap_or_default()
    }
}

/// One noctule; dropped, it dies like a process that is killed.
pub(super) struct Noctule {
    pub(super) store: Store,
    pub(super) sources: Sources,
    pub(super) jobs: Jobs,
    runtime: Option<Runtime>,
}

impl Noctule {
    async fn start(lab: &Lab, me: &str) -> Self {
        // Threads of the one that was killed may still have the file for a moment.
        let store = until("the cache is ours", || {
            let (store, opened) = Store::open(&options(&lab.path)).expect("a cache");
            opened.owner.then_some(store)
        })
        .await;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
        let (msgs, _) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(runtime.handle().clone(), msgs.clone());
        let types = Arc::new(alarm_types::load(None).expect("the shipped types"));
        let config = Config { sources: vec![lab.acs.config()], ..Config::default() };
        let inside = runtime.enter();
        let sources = Sources::start(&config, store.clone(), types, &supervisor, &msgs);
        let jobs = Jobs::start_with(&store, &sources, me.to_owned(), &supervisor, Options::quick());
        drop(inside);
        Self { store, sources, jobs, runtime: Some(runtime) }
    }

    fn fleet(&self, n: usize) -> Option<()> {
        let mut reader = self.store.reader().expect("a reader");
        let rows = reader.cpes(&targets(Table::Cpes, ""), n + 1).expect("rows");
        (rows.len() == n).then_some(())
    }

    pub(super) fn executor(&self) -> Executor {
        Executor::new(self.store.clone(), self.sources.clone(), self.jobs.clone())
    }

    pub(super) async fn create(&self, request: &str) -> JobId {
        let parsed = read(request, Format::Toml).unwrap_or_else(|e| panic!("{e}: {request}"));
        self.jobs.create(parsed.request, parsed.typed, "anna").await.expect("a job")
    }

    /// Makes a job and waits for its end.
    pub(super) async fn run(&self, request: &str) -> Job {
        let id = self.create(request).await;
        self.until_over(id).await
    }

    pub(super) async fn steer(&self, job: JobId, control: Control) -> String {
        self.jobs.control(job, control, "anna").await.unwrap_or_else(|e| panic!("{control:?}: {e}"))
    }

    pub(super) fn job(&self, id: JobId) -> Job {
        self.store.reader().expect("a reader").job(id).expect("read").expect("there")
    }

    /// Waits until the job is as wanted.
    pub(super) async fn until(&self, id: JobId, what: &str, wanted: impl Fn(&Job) -> bool) -> Job {
        let mut last = None;
        let found = tokio::time::timeout(Duration::from_secs(40), async {
            loop {
                let job = self.job(id);
                if wanted(&job) {
                    return job;
                }
                last = Some(job);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| {
            let job = last.expect("looked at");
            let odd: Vec<_> = job.devices.iter().filter(|d| d.state != State::Ended(Class::Changed)).take(3).collect();
            panic!("waited in vain for {what}: {:?}\n{odd:#?}", job.header)
        })
    }

    pub(super) async fn until_over(&self, id: JobId) -> Job {
        self.until(id, "its end", |job| job.header.phase.is_over()).await
    }

    pub(super) async fn until_phase(&self, id: JobId, phase: Phase) -> Job {
        self.until(id, phase.word(), |job| job.header.phase == phase).await
    }

    /// Dies at once. What was handed to the journal is on disk.
    pub(super) async fn kill(mut self) {
        self.die();
        let store = self.store.clone();
        drop(self);
        tokio::task::spawn_blocking(move || store.close()).await.expect("closed");
    }

    fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Noctule {
    fn drop(&mut self) {
        self.die();
    }
}

/// How many devices ended so.
pub(super) fn ended(job: &Job, class: Class) -> usize {
    job.devices.iter().filter(|d| d.state == State::Ended(class)).count()
}

/// The devices of some names.
pub(super) fn named(lab: &Lab, n: usize) -> Targets {
    let names = lab.ids.iter().take(n).map(|id| format!("acs/cpe/{id}")).collect();
    Targets::Names(Table::Cpes, names)
}
