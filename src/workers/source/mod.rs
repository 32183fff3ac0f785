//! One worker a source: it polls, follows the event stream, compares the two, watches what the
//! source does not tell by itself, and makes the calls that operators ask for.

mod cache;
mod debounce;
mod image;
mod ingest;
mod poll;
mod report;
mod shared;
mod stream;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::app::message::Msg;
use crate::config::schema::Config;
use crate::model::alarm_type::AlarmTypes;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::ids::SourceName;
use crate::model::topology::NodeRow;

use super::supervisor::Supervisor;

pub use cache::{Cache, Durable, Known};

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
        let (_, _, _, _) = (cache, types, supervisor, msgs);
        let handles = config.sources.iter().map(|s| {
            let name: SourceName = s.name.as_str().into();
            (Arc::clone(&name), SourceHandle { name })
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

/// The way to one source. Cheap to clone. Every call has its own deadline; errors are words for an
/// operator.
#[derive(Debug, Clone)]
pub struct SourceHandle {
    name: SourceName,
}

impl SourceHandle {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &SourceName {
        &self.name
    }

    /// Reads details or one value from a device, now.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        std::future::ready(Err(format!("{}: {request:?} is not answered yet", self.name))).await
    }

    /// Runs a device command (`pon.enable` … `pon.port-disable`) on a node.
    ///
    /// # Errors
    /// Why it was not done, in words.
    pub async fn command(&self, command: &str, node: NodeRow) -> Result<(), String> {
        std::future::ready(Err(format!("{}: {command} on {} is not known", self.name, node.canonical))).await
    }

    /// Stops or resumes polling and streaming.
    ///
    /// # Errors
    /// When the worker is not there.
    pub async fn pause(&self, paused: bool) -> Result<(), String> {
        std::future::ready(Err(format!("{}: pause({paused}) is not known", self.name))).await
    }

    /// Closes the circuit breaker and tries at once.
    ///
    /// # Errors
    /// When the worker is not there.
    pub async fn reset_breaker(&self) -> Result<(), String> {
        std::future::ready(Err(format!("{}: no breaker", self.name))).await
    }

    /// Polls now and waits for the outcome.
    ///
    /// # Errors
    /// Why the poll failed, in words.
    pub async fn poll_now(&self) -> Result<(), String> {
        std::future::ready(Err(format!("{}: no poll", self.name))).await
    }

    /// Tries to reach the source, and says what was found (version, latency).
    ///
    /// # Errors
    /// Why it cannot be reached, in words.
    pub async fn test(&self) -> Result<String, String> {
        std::future::ready(Err(format!("{}: no test", self.name))).await
    }
}
