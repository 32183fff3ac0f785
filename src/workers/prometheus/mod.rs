//! One worker a Prometheus or an Alertmanager: it keeps their alerts in the cache as alarms, and
//! makes the calls that operators ask for.
//!
//! Neither server sends events, so the worker polls the whole list, takes it off the wire alert by
//! alert, and journals only what changed.

mod live;
mod poll;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use crate::config::schema::{Alertmanager, Prometheus};
use crate::controllers::prometheus::map::moment;
use crate::controllers::prometheus::wire::{NewSilence, QueryResult, Silence};
use crate::controllers::prometheus::{AmClient, PromClient};
use crate::controllers::voltha::map::TypeIndex;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::ids::SourceName;
use crate::model::labels::{Labels, Matcher};

use super::source::Cache;
use super::supervisor::Supervisor;
use super::watched;
use shared::{Kind, Made, Shared};

pub use crate::controllers::prometheus::api::Span;

/// How long [`AlertsHandle::poll_now`] waits for the outcome: a list of 100,000 alerts takes its time.
const POLL_NOW: Duration = Duration::from_secs(120);

/// The way to one Prometheus or Alertmanager. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct AlertsHandle {
    shared: Arc<Shared>,
}

impl AlertsHandle {
    pub(super) fn prometheus(
        name: SourceName,
        config: Prometheus,
        cache: Arc<dyn Cache>,
        types: Arc<TypeIndex>,
    ) -> Self {
        Self { shared: Arc::new(Shared::new(name, Kind::Prometheus(Box::new(config)), cache, types)) }
    }

    pub(super) fn alertmanager(
        name: SourceName,
        config: Alertmanager,
        cache: Arc<dyn Cache>,
        types: Arc<TypeIndex>,
    ) -> Self {
        Self { shared: Arc::new(Shared::new(name, Kind::Alertmanager(Box::new(config)), cache, types)) }
    }

    pub(super) fn spawn(&self, supervisor: &Supervisor) {
        let shared = Arc::clone(&self.shared);
        watched::spawn(supervisor, &self.shared.name, move || poll::Poller::new(Arc::clone(&shared)));
    }

    pub(super) fn name(&self) -> &SourceName {
        &self.shared.name
    }

    /// Whether silences are kept there.
    pub(super) fn is_alertmanager(&self) -> bool {
        matches!(self.shared.kind, Kind::Alertmanager(_))
    }

    /// Whether it can answer queries.
    pub(super) fn answers_queries(&self) -> bool {
        match &self.shared.kind {
            Kind::Prometheus(_) => true,
            Kind::Alertmanager(config) => config.prometheus.is_some(),
        }
    }

    pub(super) async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        live::answer(&self.shared, request).await
    }

    pub(super) fn pause(&self, paused: bool) {
        self.shared.pause(paused);
    }

    pub(super) fn reset_breaker(&self) {
        self.shared.reset_breaker();
    }

    pub(super) async fn poll_now(&self) -> Result<(), String> {
        self.shared.poll_now(POLL_NOW).await
    }

    pub(super) async fn test(&self) -> Result<String, String> {
        let began = std::time::Instant::now();
        let made = self.shared.made().await?;
        let (what, about) = match made {
            Made::Alertmanager { client, .. } => ("Alertmanager", client.about().await),
            Made::Prometheus { client, .. } => ("Prometheus", client.about().await),
        };
        let about = about.map_err(|e| e.to_string())?;
        Ok(format!("{what} {}, {} ms", about.version, began.elapsed().as_millis()))
    }

    async fn alertmanager_client(&self) -> Result<&AmClient, String> {
        match self.shared.made().await? {
            Made::Alertmanager { client, .. } => Ok(client),
            Made::Prometheus { .. } => Err(format!("{} is no Alertmanager: it keeps no silences", self.name())),
        }
    }

    /// The Prometheus that answers queries.
    async fn prometheus_client(&self) -> Result<&PromClient, String> {
        match self.shared.made().await? {
            Made::Prometheus { client, .. } | Made::Alertmanager { beside: Some(client), .. } => Ok(client),
            Made::Alertmanager { beside: None, .. } => {
                Err(format!("{}: its Prometheus is not configured (prometheus = \"http://…\")", self.name()))
            }
        }
    }

    /// The value of an expression, or its values over a time.
    pub(super) async fn query(&self, expr: &str, span: Option<Span>) -> Result<QueryResult, String> {
        let client = self.prometheus_client().await?;
        let answer = match span {
            None => client.query(expr, None).await,
            Some(span) => client.query_range(expr, span).await,
        };
        answer.map_err(|e| e.to_string())
    }

    /// All silences that it keeps.
    pub(super) async fn silences(&self) -> Result<Vec<Silence>, String> {
        self.alertmanager_client().await?.silences().await.map_err(|e| e.to_string())
    }

    /// The labels of all alerts for which all of the matchers are true, at most `limit`, and how many
    /// there are.
    pub(super) async fn matching(&self, matchers: &[Matcher], limit: usize) -> Result<(Vec<Labels>, u64), String> {
        let mut list = self.alertmanager_client().await?.alerts(matchers).await.map_err(|e| e.to_string())?;
        let (mut found, mut count) = (Vec::new(), 0);
        while let Some(alert) = list.next().await {
            let alert = alert.map_err(|e| e.to_string())?;
            count += 1;
            if found.len() < limit {
                found.push(alert.labels);
            }
        }
        Ok((found, count))
    }

    /// The alerts of one type: which alarm each is, its labels, the ids of its silences.
    pub(super) async fn of_type(&self, type_id: &str) -> Result<Vec<(u64, Labels, Vec<String>)>, String> {
        let Made::Alertmanager { client, mapper, .. } = self.shared.made().await? else {
            return Err(format!("{} is no Alertmanager: it keeps no silences", self.name()));
        };
        let mut list = client.alerts(&live::of_type(type_id)).await.map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        while let Some(alert) = list.next().await {
            let alert = alert.map_err(|e| e.to_string())?;
            let identity = mapper.identity(&alert.labels);
            if identity.type_id == type_id {
                out.push((identity.hash(), alert.labels, alert.status.silenced_by));
            }
        }
        Ok(out)
    }

    /// One silence.
    pub(super) async fn one_silence(&self, id: &str) -> Result<Silence, String> {
        self.alertmanager_client().await?.silence(id).await.map_err(|e| e.to_string())
    }

    /// Makes a silence for the operator `actor`, reads it back, and polls soon; the silence as it is
    /// kept.
    pub(super) async fn silence(&self, new: &NewSilence, target: &str, actor: &str) -> Result<Silence, String> {
        let began = std::time::Instant::now();
        let work = async {
            let client = self.alertmanager_client().await?;
            let id = client.create(new).await.map_err(|e| e.to_string())?;
            let kept = client.silence(&id).await.map_err(|e| format!("silence {id} was made but not seen: {e}"))?;
            if !matches!(kept.status.state.as_str(), "active" | "pending") {
                return Err(format!("silence {id} was made and is {} already", kept.status.state));
            }
            let same = |m: &crate::controllers::prometheus::wire::SilenceMatcher| new.matchers.contains(m);
            if kept.matchers.len() != new.matchers.len() || !kept.matchers.iter().all(same) {
                return Err(format!("silence {id} was made and is kept with other conditions: look at it"));
            }
            // With other conditions another silence is made, and the one before is ended.
            if let Some(old) = new.id.as_ref().filter(|old| **old != id) {
                let old = client.silence(old).await.map_err(|e| format!("silence {id} was made; of {old}: {e}"))?;
                if old.status.state != "expired" {
                    return Err(format!("silence {id} was made and {} is {} all the same", old.id, old.status.state));
                }
            }
            let asked = moment(&new.ends_at).map(|t| t.0 / 1_000);
            if asked != moment(&kept.ends_at).map(|t| t.0 / 1_000) {
                return Err(format!("silence {id} is kept until {}: look at it", kept.ends_at));
            }
            Ok(kept)
        };
        let outcome = work.await;
        let words =
            outcome.as_ref().map(|_| if new.id.is_some() { "200 changed" } else { "201 made" }).map_err(String::as_str);
        self.shared.log(actor, "POST silences", target, began, words);
        self.shared.wake.notify_one();
        outcome
    }

    /// Ends a silence for the operator `actor` and reads it back.
    pub(super) async fn expire(&self, id: &str, actor: &str) -> Result<(), String> {
        let began = std::time::Instant::now();
        let work = async {
            let client = self.alertmanager_client().await?;
            client.expire(id).await.map_err(|e| e.to_string())?;
            let kept = client.silence(id).await.map_err(|e| format!("it was ended but not seen: {e}"))?;
            match kept.status.state.as_str() {
                "expired" => Ok(()),
                state => Err(format!("it was ended and is {state} all the same")),
            }
        };
        let outcome = work.await;
        let words = outcome.as_ref().map(|()| "OK").map_err(String::as_str);
        self.shared.log(actor, "DELETE silence", id, began, words);
        self.shared.wake.notify_one();
        outcome
    }
}
