//! One worker a source: it polls, follows the event stream, compares the two, watches what the
//! source does not tell by itself, and makes the calls that operators ask for.

mod cache;
mod commands;
mod debounce;
mod image;
mod ingest;
mod live;
mod poll;
mod probe;
mod report;
mod shared;
mod stream;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::app::message::Msg;
use crate::config::schema::{Config, Source, SourceKind, Voltha};
use crate::controllers::voltha::map::TypeIndex;
use crate::model::alarm_type::AlarmTypes;
use crate::model::command::{Intent, LiveRequest, LiveSection};
use crate::model::ids::SourceName;
use crate::model::topology::NodeRow;

use super::supervisor::Supervisor;
use shared::Shared;

pub use cache::{Cache, Durable, Known};
pub use probe::{Step, probe};

/// How long [`SourceHandle::poll_now`] waits for the outcome.
const POLL_NOW: Duration = Duration::from_secs(60);

/// All sources by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    by_name: Arc<BTreeMap<SourceName, SourceHandle>>,
}

impl Sources {
    /// Starts a worker for each source of the configuration.
    #[must_use]
    pub fn start(
        config: &Config,
        cache: impl Cache,
        types: Arc<AlarmTypes>,
        supervisor: &Supervisor,
        msgs: &UnboundedSender<Msg>,
    ) -> Self {
        let sources = Self::attach(config, cache, types, msgs);
        for handle in sources.by_name.values() {
            handle.spawn(supervisor);
        }
        sources
    }

    /// The same without workers: details and commands work, nothing is polled or followed. For a
    /// second instance on a cache that another one owns.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "the inventory is shared with the caller's other parts")]
    pub fn attach(config: &Config, cache: impl Cache, types: Arc<AlarmTypes>, msgs: &UnboundedSender<Msg>) -> Self {
        let cache: Arc<dyn Cache> = Arc::new(cache);
        let types = Arc::new(TypeIndex::new(&types));
        let handles = config.sources.iter().filter_map(|source| {
            let voltha = stack(source)?;
            let name: SourceName = source.name.as_str().into();
            let shared =
                Shared::new(Arc::clone(&name), voltha.clone(), Arc::clone(&cache), Arc::clone(&types), msgs.clone());
            Some((name, SourceHandle { shared: Arc::new(shared) }))
        });
        Self { by_name: Arc::new(handles.collect()) }
    }

    /// The source of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SourceHandle> {
        self.by_name.get(name)
    }

    /// The source that a canonical name (`voltha-1/onu/…`) belongs to.
    #[must_use]
    pub fn of(&self, canonical: &str) -> Option<&SourceHandle> {
        canonical.split('/').next().and_then(|name| self.get(name))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &SourceHandle> {
        self.by_name.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// The settings of a source that these workers watch. A GenieACS has CPEs instead of alarms and a
/// tree, which other workers look after: the log says so, once at the start.
fn stack(source: &Source) -> Option<&Voltha> {
    match &source.kind {
        SourceKind::Voltha(voltha) => Some(voltha),
        SourceKind::Genieacs(acs) => {
            tracing::warn!(source = %source.name, nbi = %acs.nbi, "a GenieACS has no worker of this kind: its CPEs are not polled here");
            None
        }
    }
}

/// The way to one source. Cheap to clone. Every call has its own deadline; errors are words for an
/// operator.
#[derive(Debug, Clone)]
pub struct SourceHandle {
    shared: Arc<Shared>,
}

impl SourceHandle {
    fn spawn(&self, supervisor: &Supervisor) {
        let (shared, stop) = (Arc::clone(&self.shared), supervisor.stopping());
        supervisor.spawn(format!("poll {}", self.shared.name), move || {
            poll::Poller::new(Arc::clone(&shared)).run(stop.clone())
        });
        if self.shared.config.kafka.is_some() {
            let (shared, stop) = (Arc::clone(&self.shared), supervisor.stopping());
            supervisor
                .spawn(format!("stream {}", self.shared.name), move || stream::run(Arc::clone(&shared), stop.clone()));
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        &self.shared.name
    }

    /// Reads details or one value from a device, now.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        live::answer(&self.shared, request).await
    }

    /// Runs an operator's device command (`pon.enable` … `pon.pm-config`) on a node; which nodes the
    /// intent means as a whole is the caller's business.
    ///
    /// # Errors
    /// Why it was not done, in words.
    pub async fn command(&self, intent: &Intent, node: NodeRow) -> Result<(), String> {
        commands::run(&self.shared, intent, &node).await
    }

    /// Stops or resumes polling and streaming.
    ///
    /// # Errors
    /// None today; the form is that of the other calls.
    pub async fn pause(&self, paused: bool) -> Result<(), String> {
        self.shared.status().pause(paused);
        self.shared.paused.send_replace(paused);
        self.shared.wake.notify_one();
        self.shared.report();
        std::future::ready(Ok(())).await
    }

    /// Closes the circuit breaker and tries at once.
    ///
    /// # Errors
    /// None today; the form is that of the other calls.
    pub async fn reset_breaker(&self) -> Result<(), String> {
        self.shared.reset_breaker();
        self.shared.poll_within(Duration::ZERO);
        self.shared.report();
        std::future::ready(Ok(())).await
    }

    /// Polls now and waits for the outcome.
    ///
    /// # Errors
    /// Why the poll failed, in words.
    pub async fn poll_now(&self) -> Result<(), String> {
        if self.shared.is_paused() {
            return Err(format!("{} is paused; resume it first", self.shared.name));
        }
        let (tell, told) = oneshot::channel();
        self.shared.wishes().waiting.push(tell);
        self.shared.poll_within(Duration::ZERO);
        match tokio::time::timeout(POLL_NOW, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(format!("{}: the poller is not running", self.shared.name)),
            Err(_) => Err(format!("{}: no answer within {} s", self.shared.name, POLL_NOW.as_secs())),
        }
    }

    /// Tries to reach the source, and says what was found (version, latency).
    ///
    /// # Errors
    /// Why it cannot be reached, in words.
    pub async fn test(&self) -> Result<String, String> {
        let steps = probe(self.shared.name.clone(), &self.shared.config).await;
        let words: Vec<_> = steps.iter().map(|step| format!("{}: {}", step.name, step.words)).collect();
        let words = words.join("; ");
        if steps.iter().all(|step| step.ok) { Ok(words) } else { Err(words) }
    }
}
