//! The working parts of one process: the store, the workers of the sources, timers and inventory,
//! started and ended in the right order. The dashboard, the agent, `--fresh`, `--watch` and `run`
//! share it. Whoever owns the store runs them, and listens for the others; those hand over what
//! they want changed.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::exit::{Code, Failure};
use crate::app::message::Msg;
use crate::config::{self, Loaded};
use crate::model::alarm_type::AlarmTypes;
use crate::store::{self, OpenOptions, Opened, Store};
use crate::workers::actions::Executor;
use crate::workers::jobs::{self, Jobs};
use crate::workers::relay::wire::{About, PROTOCOL};
use crate::workers::relay::{self, Client, Hands, server::Owner};
use crate::workers::source::Sources;
use crate::workers::supervisor::Supervisor;
use crate::workers::{inventory, now, outbox, timers};

/// How long workers have to end.
const GRACE: Duration = Duration::from_secs(3);
/// How long another process that owns the cache has to answer, and how often it is tried.
const REACH: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(100);

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

/// What a process is, as it tells the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The dashboard.
    Console,
    /// The workers without a screen.
    Agent,
    /// One command that makes or steers jobs, and runs them while it waits for them.
    Run,
    /// One other command.
    Once,
    /// A list.
    List,
    /// One console of a machine: it only reads the cache, and leaves it to others to own it.
    Guest,
}

impl Role {
    /// As a word.
    const fn word(self) -> &'static str {
        match self {
            Self::Console | Self::Guest => "console",
            Self::Agent => "agent",
            Self::Run | Self::Once => "run",
            Self::List => "list",
        }
    }
}

/// The working parts.
pub(crate) struct Live {
    /// The store; ours to write when [`Opened::owner`].
    pub(crate) store: Store,
    /// What opening it found.
    pub(crate) opened: Opened,
    /// The sources; without workers when another noctule owns the store, which polls them.
    pub(crate) sources: Sources,
    /// What runs intents: here, or at the owner.
    pub(crate) hands: Hands,
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
    pub(crate) fn start(loaded: &Loaded, role: Role) -> Result<Self, Failure> {
        let types = config::alarm_types::load(loaded.config.alarm_types.as_ref().map(PathBuf::from).as_deref())?;
        let options = store_options(loaded, role == Role::Guest);
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
        let types = Arc::new(types);
        let start = Start { loaded, role, types: &types, msgs: &msgs, runtime: &runtime };
        let Parts { store, opened, sources, hands, supervisor } = start.parts(store, opened);
        Ok(Self { store, opened, sources, hands, supervisor, types, msgs, news, runtime })
    }

    /// Opens the store anew after its owner has ended: as the new owner, unless another process was
    /// faster. The news go on in the same channel.
    pub(crate) fn renew(&mut self, loaded: &Loaded, role: Role) -> Result<(), Failure> {
        let (store, opened) = Store::open(&store_options(loaded, false))?;
        let start = Start { loaded, role, types: &self.types, msgs: &self.msgs, runtime: &self.runtime };
        let parts = start.parts(store, opened);
        (self.store, self.opened, self.sources, self.hands) = (parts.store, parts.opened, parts.sources, parts.hands);
        let before = std::mem::replace(&mut self.supervisor, parts.supervisor);
        self.runtime.block_on(before.stop(GRACE));
        Ok(())
    }

    /// Makes sure that something can be changed: here, or by the owner, which may be starting or
    /// ending just now. Why not, otherwise.
    pub(crate) fn reach(&mut self, loaded: &Loaded, role: Role) -> Result<(), Failure> {
        let until = Instant::now() + REACH;
        loop {
            let Hands::Theirs(client) = self.hands.clone() else { return Ok(()) };
            let Err(error) = self.runtime.block_on(client.greet()) else { return Ok(()) };
            if store::owner(&loaded.cache_path())?.is_none() {
                self.renew(loaded, role)?;
            } else if Instant::now() >= until {
                return Err(Failure::new(Code::Failed, error.to_string()));
            } else {
                // The owner is another process: nobody tells when it answers, or has let go of the cache.
                std::thread::sleep(LOOK);
            }
        }
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

/// What the parts of a process are started with.
struct Start<'a> {
    loaded: &'a Loaded,
    role: Role,
    types: &'a Arc<AlarmTypes>,
    msgs: &'a UnboundedSender<Msg>,
    runtime: &'a Runtime,
}

/// What hangs on one opened store.
struct Parts {
    store: Store,
    opened: Opened,
    sources: Sources,
    hands: Hands,
    supervisor: Supervisor,
}

impl Start<'_> {
    fn parts(&self, store: Store, mut opened: Opened) -> Parts {
        let Start { loaded, types, msgs, runtime, .. } = self;
        let supervisor = Supervisor::new(runtime.handle().clone(), (*msgs).clone());
        let mut config = loaded.config.clone();
        config.sources = loaded.sources().cloned().collect();
        let _inside = runtime.enter();
        // An instance that does not own the store asks for details itself, but polls nothing.
        let (sources, hands) = if opened.owner {
            timers::start(&supervisor, &store);
            outbox::start(&supervisor, &store);
            if let Some(file) = &loaded.config.inventory.file {
                inventory::start(&supervisor, &store, PathBuf::from(file), msgs);
            }
            let sources = Sources::start(&config, store.clone(), Arc::clone(types), &supervisor, msgs);
            let jobs = match self.no_jobs() {
                None => Jobs::start(&store, &sources, jobs::me(), &supervisor),
                Some(why) => Jobs::nowhere(&why),
            };
            let executor = Executor::new(store.clone(), sources.clone(), jobs);
            if let Err(error) = self.listen(&supervisor, &store, &sources, &executor) {
                tracing::warn!(%error, "no control socket");
                opened.notes.push(format!("other noctule processes on this cache can change nothing: {error}"));
            }
            (sources, Hands::Own(executor))
        } else {
            let client = Client::new(&loaded.cache_path());
            // Who only reads the cache does not take it over when its owner ends.
            if self.role != Role::Guest {
                let (follower, news, stop) = (client.clone(), (*msgs).clone(), supervisor.stopping());
                supervisor.spawn("owner", move || follower.clone().follow(news.clone(), stop.clone()));
            }
            (Sources::attach(&config, store.clone(), Arc::clone(types), msgs), Hands::Theirs(client))
        };
        Parts { store, opened, sources, hands, supervisor }
    }

    /// Why no jobs are run here, although we own the cache: what only looks must change nothing in
    /// passing.
    fn no_jobs(&self) -> Option<String> {
        let us = format!("process {} (noctule {}), which owns the cache", std::process::id(), self.role.word());
        if self.loaded.profile.read_only {
            return Some(format!("{us}, is read-only and runs no jobs: end it, and start `noctule agent`"));
        }
        matches!(self.role, Role::List | Role::Once | Role::Guest)
            .then(|| format!("{us}, is not there for jobs: when it has ended, try again, or start `noctule agent`"))
    }

    /// Takes what other processes want changed.
    fn listen(
        &self,
        supervisor: &Supervisor,
        store: &Store,
        sources: &Sources,
        executor: &Executor,
    ) -> Result<(), relay::Error> {
        let about = About {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            since: now(),
            role: self.role.word().into(),
            profile: self.loaded.profile_name.clone(),
        };
        let known = |id: &str| crate::app::registry().get(id).map(|spec| spec.id);
        let owner = Owner { store: store.clone(), sources: sources.clone(), executor: executor.clone(), known };
        relay::server::start(supervisor, &self.loaded.cache_path(), about, Arc::new(owner), self.msgs)
    }
}

/// That another noctule owns the cache.
pub(crate) fn attached(pid: Option<u32>) -> String {
    let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    format!("another noctule{who} owns this cache and keeps it fresh: what is changed here is handed to it")
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::new(Code::Failed, error.to_string())
    }
}
