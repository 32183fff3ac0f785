//! One worker a host of virtual machines: it keeps what is known of the host and its machines in the
//! cache, and does what operators ask for.

mod shared;

use std::sync::Arc;
use std::time::Duration;

use crate::config::schema::Libvirt;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::ids::SourceName;

use super::source::Cache;
use super::supervisor::Supervisor;
use super::watched::Watched;
use shared::Shared;

/// How long [`HostHandle::poll_now`] waits: a host may have to be logged in to first.
const POLL_NOW: Duration = Duration::from_secs(45);

/// The way to one host. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct HostHandle {
    shared: Arc<Shared>,
}

impl HostHandle {
    pub(super) fn new(name: SourceName, config: Libvirt, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        Self { shared: Arc::new(Shared::new(name, config, cache, types)) }
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.shared
    }

    pub(super) fn spawn(&self, _supervisor: &Supervisor, _nth: usize) {}

    pub(super) async fn test(&self) -> Result<String, String> {
        std::future::ready(Err(self.shared.config.endpoint())).await
    }

    pub(super) async fn live(&self, _request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        std::future::ready(Err(String::new())).await
    }

    pub(super) async fn poll_now(&self) -> Result<(), String> {
        self.shared.poll_now(POLL_NOW).await
    }
}
