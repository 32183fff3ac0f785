//! One worker an appliance: it keeps what is known of it in the cache, raises alarms about it, and
//! makes the changes that operators ask for.
//!
//! The poller asks, a pure tracker ([`crate::engine::buffer`]) makes a state of the answers, and what
//! is measured goes beside the journal; only what happened goes into it.

mod alarms;
mod configure;
mod host;
mod live;
mod poll;
mod ports;
mod restart;
mod settings;
mod shared;
mod verbs;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::schema::Raven;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::ids::SourceName;

use super::appliance::{ApplianceVerb, Preview};
use super::source::Cache;
use super::supervisor::Supervisor;
use super::watched::{self, Watched};
pub(super) use settings::settings;
use shared::Shared;

/// How long [`RavenHandle::poll_now`] waits: an appliance that probes its uplink freezes for seconds.
const POLL_NOW: Duration = Duration::from_secs(30);

/// Pause between the first polls of two sources.
const STAGGER: Duration = Duration::from_millis(10);

/// First polls before they begin anew from the first instant: the last is not kept waiting for long.
const TURNS: usize = 250;

/// The way to one appliance. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct RavenHandle {
    shared: Arc<Shared>,
}

impl RavenHandle {
    pub(super) fn new(name: SourceName, config: Raven, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        Self { shared: Arc::new(Shared::new(name, config, cache, types)) }
    }

    /// Starts its poller. `nth` of all sources: hundreds of appliances that were all asked at the same
    /// instants would need hundreds of connections and threads at once, and none in between.
    pub(super) fn spawn(&self, supervisor: &Supervisor, nth: usize) {
        let shared = Arc::clone(&self.shared);
        let turn = STAGGER.saturating_mul(u32::try_from(nth % TURNS).unwrap_or_default());
        watched::spawn(supervisor, &self.shared.name, move || poll::Poller::new(Arc::clone(&shared), turn));
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.shared
    }

    pub(super) async fn poll_now(&self) -> Result<(), String> {
        self.shared.poll_now(POLL_NOW).await
    }

    pub(super) async fn test(&self) -> Result<String, String> {
        live::test(&self.shared).await
    }

    pub(super) async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        live::answer(&self.shared, request).await
    }

    /// What a verb would do to it, or to one of its services.
    pub(super) async fn preview(&self, verb: &ApplianceVerb, service: Option<&str>) -> Result<Preview, String> {
        verbs::preview(&self.shared, verb, service).await
    }

    /// Does it; what was done and proven, in words.
    pub(super) async fn carry_out(
        &self,
        verb: &ApplianceVerb,
        service: Option<&str>,
        actor: &str,
        stop: &CancellationToken,
    ) -> Result<String, String> {
        verbs::carry_out(&self.shared, verb, service, actor, stop).await
    }
}
