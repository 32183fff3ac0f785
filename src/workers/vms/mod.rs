//! One worker a host of virtual machines: it keeps what is known of the host and its machines in the
//! cache, and does what operators ask for.
//!
//! The poller asks, a pure tracker ([`crate::engine::vm::track`]) makes a state of the answers, which goes
//! beside the journal like every measurement. Quick verbs go over the poller's connection; what takes long
//! gets one of its own.

mod change;
mod failures;
mod live;
mod long;
mod look;
mod ops;
mod plan;
mod poll;
mod run;
mod shared;
mod verb;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::schema::Libvirt;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::ids::SourceName;
use crate::model::vm::VmRow;

use super::appliance::Preview;
use super::source::Cache;
use super::supervisor::Supervisor;
use super::watched::{self, Watched};
pub use plan::plan;
pub use run::run;
pub(super) use shared::Shared;
pub use verb::{VmVerb, is};

/// How long [`HostHandle::poll_now`] waits: a host may have to be logged in to first.
const POLL_NOW: Duration = Duration::from_secs(45);

/// Pause between the first polls of two sources.
const STAGGER: Duration = Duration::from_millis(10);

/// The way to one host. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct HostHandle {
    shared: Arc<Shared>,
}

impl HostHandle {
    pub(super) fn new(name: SourceName, config: Libvirt, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        Self { shared: Arc::new(Shared::new(name, config, cache, types)) }
    }

    /// Starts its poller; it is the `nth` of all sources.
    pub(super) fn spawn(&self, supervisor: &Supervisor, nth: usize) {
        let shared = Arc::clone(&self.shared);
        let turn = STAGGER.saturating_mul(u32::try_from(nth).unwrap_or_default().min(250));
        watched::spawn(supervisor, &self.shared.name, move || poll::Poller::new(Arc::clone(&shared), turn));
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.shared
    }

    /// What its tasks share.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
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

    /// What a verb would do to one of its machines, as it is now.
    pub(super) async fn preview(&self, verb: &VmVerb, row: &VmRow, others: &[Self]) -> Result<Preview, String> {
        change::preview(&self.shared, verb, row, others).await
    }

    /// Does it on behalf of `actor`; what was done and proven, in words.
    pub(super) async fn carry_out(
        &self,
        verb: &VmVerb,
        row: &VmRow,
        actor: &str,
        others: &[Self],
        stop: &CancellationToken,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<String, String> {
        change::carry_out(&self.shared, verb, row, actor, others, stop, progress).await
    }
}
