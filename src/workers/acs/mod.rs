//! One worker a GenieACS: it keeps the fleet in the cache, and makes the calls that operators ask
//! for.
//!
//! The server sends no events, so the worker polls: once all devices, page by page, then those
//! that informed since (and now and then what no inform tells), and all again after a while. A device that only informed costs sixteen
//! bytes of the journal, one that changed a record.

mod live;
mod patch;
mod poll;
mod quiet;
mod shared;
mod stored;
mod verbs;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::config::schema::Genieacs;
use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map;
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::genieacs::wire::{FileMeta, Filter, Find};
use crate::controllers::voltha::map::TypeIndex;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::cpe::CpeRow;
use crate::model::ids::SourceName;
use crate::model::observation::{GoneCause, Observation};
use crate::model::stored::{Stored, StoredKind};

use super::cpe_verb::CpeVerb;
use super::source::Cache;
use super::supervisor::Supervisor;
use super::watched::{self, Watched};
use shared::Shared;

/// How long [`AcsHandle::poll_now`] waits for the outcome: a first read of a large fleet takes its time.
const POLL_NOW: Duration = Duration::from_secs(300);
/// Devices asked for in one question: their ids go into its address.
const AGAIN: usize = 80;

/// The way to one GenieACS. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct AcsHandle {
    shared: Arc<Shared>,
}

impl AcsHandle {
    pub(super) fn new(name: SourceName, config: Genieacs, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        Self { shared: Arc::new(Shared::new(name, config, cache, types)) }
    }

    pub(super) fn spawn(&self, supervisor: &Supervisor) {
        let shared = Arc::clone(&self.shared);
        watched::spawn(supervisor, &self.shared.name, move || poll::Poller::new(Arc::clone(&shared)));
    }

    pub(super) fn name(&self) -> &SourceName {
        &self.shared.name
    }

    pub(super) fn config(&self) -> &Genieacs {
        &self.shared.config
    }

    pub(super) fn is_paused(&self) -> bool {
        self.shared.is_paused()
    }

    /// The client and the device profiles.
    pub(super) async fn tools(&self) -> Result<(Client, Arc<Profiles>), String> {
        Ok((self.shared.client().await?, self.shared.profiles().await?))
    }

    /// Reads rows of devices again that changed without informing: no poll would see that soon.
    pub(super) async fn again(&self, ids: &[String]) -> Result<(), String> {
        let (client, profiles) = self.tools().await?;
        let projection = map::projection(&profiles);
        for part in ids.chunks(AGAIN) {
            let filter = Filter::from_json(serde_json::json!({ "_id": { "$in": part } }));
            let docs = client.devices(&Find::new(filter).only(projection.clone()));
            let docs: Vec<DeviceDoc> = docs.try_collect().await.map_err(|e: Error| e.to_string())?;
            let gone = part.iter().filter(|id| docs.iter().all(|doc| doc.id().as_str() != id.as_str()));
            let gone = gone.map(|id| Observation::CpeGone(id.clone(), GoneCause::Deleted));
            let what: Vec<Observation> = {
                let mut mapper = patch::Mapper::new(&profiles);
                docs.iter().map(|doc| Observation::Cpe(mapper.of_device(doc))).chain(gone).collect()
            };
            if let Some(done) = self.shared.journal(what) {
                done.await?;
            }
        }
        Ok(())
    }

    /// Tells the breaker how a call went.
    pub(super) fn judge(&self, outcome: Result<(), &Error>) {
        self.shared.judge(outcome);
    }

    pub(super) async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        live::answer(&self.shared, request).await
    }

    pub(super) async fn command(&self, verb: &CpeVerb, row: &CpeRow, actor: &str) -> Result<(), String> {
        verbs::run(&self.shared, verb, row, actor).await
    }

    pub(super) async fn stored(&self) -> Result<Vec<Stored>, String> {
        stored::all(&self.shared).await
    }

    pub(super) async fn put_stored(
        &self,
        kind: StoredKind,
        text: (&str, &str),
        seen: Option<u64>,
        actor: &str,
    ) -> Result<String, String> {
        stored::put(&self.shared, kind, text, seen, actor).await
    }

    pub(super) async fn delete_stored(&self, kind: StoredKind, name: &str, actor: &str) -> Result<String, String> {
        stored::delete(&self.shared, kind, name, actor).await
    }

    pub(super) async fn upload(&self, path: &Path, meta: &FileMeta, actor: &str) -> Result<String, String> {
        stored::upload(&self.shared, path, meta, actor).await
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.shared
    }

    pub(super) async fn poll_now(&self) -> Result<(), String> {
        self.shared.poll_now(POLL_NOW).await
    }

    pub(super) async fn test(&self) -> Result<String, String> {
        let client = self.shared.client().await?;
        let began = std::time::Instant::now();
        let version = client.version().await.map_err(|e| e.to_string())?;
        Ok(format!("NBI: GenieACS {version}, {} ms", began.elapsed().as_millis()))
    }
}
