//! The working parts of one process: the store, the workers of the sources, timers and inventory,
//! started and ended in the right order. The dashboard, `--fresh`, `--watch` and `run` share it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::exit::{Code, Failure};
use crate::app::message::Msg;
use crate::config::{self, Loaded};
use crate::model::alarm_type::AlarmTypes;
use crate::store::{OpenOptions, Opened, Store};
use crate::workers::jobs::{self, Jobs};
use crate::workers::source::Sources;
use crate::workers::supervisor::Supervisor;
use crate::workers::{inventory, timers};

/// How long workers have to end.
const GRACE: Duration = Duration::from_secs(3);

/// How the cache of a profile is opened.
pub(crate) fn store_options(loaded: &Loaded, read_only: bool) -> OpenOptions {
    let cache = &loaded.config.cache;
    OpenOptions {
        path: loaded.cache_path(),
        tenant: loaded.profile.tenant.clone(),
        keep_us: cache.keep_us(),
        max_bytes: cache.max_bytes(),
        purge_after_us: cache.purge_after_us(),
        read_only,
    }
}

/// Makes the folder of the cache, for its user only.
fn make_folder(options: &OpenOptions) -> Result<(), Failure> {
    let Some(folder) = options.path.parent() else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| {
        Failure::new(Code::Failed, format!("cannot make the folder of the cache {}: {e}", folder.display()))
    })
}

/// The working parts.
pub(crate) struct Live {
    /// The store; ours to write when [`Opened::owner`].
    pub(crate) store: Store,
    /// What opening it found.
    pub(crate) opened: Opened,
    /// The sources; without workers when another noctule owns the store, which polls them.
    pub(crate) sources: Sources,
    /// The jobs; nothing runs them here when another noctule owns the store.
    pub(crate) jobs: Jobs,
    /// The workers.
    pub(crate) supervisor: Supervisor,
    /// The alarm types.
    pub(crate) types: Arc<AlarmTypes>,
    /// For the workers' news.
    pub(crate) msgs: UnboundedSender<Msg>,
    /// The workers' news.
    pub(crate) news: UnboundedReceiver<Msg>,
    /// The runtime; last, so that it outlives the others.
    pub(crate) runtime: Runtime,
}

impl Live {
    /// Opens the store and, when it is ours, starts the workers.
    pub(crate) fn start(loaded: &Loaded) -> Result<Self, Failure> {
        let types = config::alarm_types::load(loaded.config.alarm_types.as_ref().map(PathBuf::from).as_deref())?;
        let options = store_options(loaded, false);
        make_folder(&options)?;
        let (store, opened) = Store::open(&options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // One thread carries every source: reading and folding have threads of their own, and a
            // second one here would only wake the first.
            .worker_threads(1)
            .thread_name("workers")
            .enable_all()
            .build()
            .map_err(|e| Failure::new(Code::Failed, format!("cannot start the runtime: {e}")))?;
        let (msgs, news) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(runtime.handle().clone(), msgs.clone());
        let types = Arc::new(types);
        let mut config = loaded.config.clone();
        config.sources = loaded.sources().cloned().collect();
        let inside = runtime.enter();
        // An instance that does not own the store asks for details itself, but polls nothing.
        let sources = if opened.owner {
            timers::start(&supervisor, &store);
            if let Some(file) = &loaded.config.inventory.file {
                inventory::start(&supervisor, &store, PathBuf::from(file), &msgs);
            }
            Sources::start(&config, store.clone(), Arc::clone(&types), &supervisor, &msgs)
        } else {
            Sources::attach(&config, store.clone(), Arc::clone(&types), &msgs)
        };
        let jobs = if opened.owner {
            Jobs::start(&store, &sources, jobs::me(), &supervisor)
        } else {
            Jobs::nowhere(&attached(opened.owner_pid))
        };
        drop(inside);
        Ok(Self { store, opened, sources, jobs, supervisor, types, msgs, news, runtime })
    }

    /// Ends the workers, then the store: what was journalled is on disk afterwards.
    pub(crate) fn stop(self) {
        let Self { store, supervisor, runtime, .. } = self;
        runtime.block_on(supervisor.stop(GRACE));
        store.close();
        runtime.shutdown_timeout(GRACE);
    }

    /// What opening the store found, in lines for a person.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(path) = &self.opened.set_aside {
            out.push(format!("the cache was damaged and has been set aside as {}", path.display()));
        }
        if !self.opened.owner {
            out.push(attached(self.opened.owner_pid));
        }
        out.extend(self.opened.notes.iter().cloned());
        out
    }
}

/// That another noctule owns the cache.
pub(crate) fn attached(pid: Option<u32>) -> String {
    let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    format!("another noctule{who} owns this cache and keeps it fresh: it is only read here")
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::new(Code::Failed, error.to_string())
    }
}
