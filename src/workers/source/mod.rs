//! The ways to the sources, and one worker a VOLTHA stack: it polls, follows the event stream,
//! compares the two, watches what the source does not tell by itself, and makes the calls that
//! operators ask for. A GenieACS has its own worker in `workers::acs`.

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
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc::UnboundedSender, oneshot};
use tokio_util::sync::CancellationToken;

use crate::app::message::Msg;
use crate::config::schema::{Config, SourceKind};
use crate::controllers::genieacs::wire::FileMeta;
use crate::controllers::prometheus::wire::{QueryResult, Silence};
use crate::controllers::voltha::map::TypeIndex;
use crate::model::alarm_type::AlarmTypes;
use crate::model::command::{Intent, LiveRequest, LiveSection};
use crate::model::cpe::CpeRow;
use crate::model::ids::SourceName;
use crate::model::stored::{Stored, StoredKind};
use crate::model::topology::NodeRow;
use crate::model::vm::VmRow;

use super::acs::AcsHandle;
use super::appliance::{ApplianceVerb, Preview};
use super::cpe_verb::CpeVerb;
use super::prometheus::AlertsHandle;
use super::raven::RavenHandle;
use super::supervisor::Supervisor;
use super::vms::{HostHandle, VmVerb};
use shared::Shared;

pub use super::prometheus::Span;
pub use cache::{Cache, Durable, Known};
pub use probe::{Step, probe};
pub(super) use watch::{Reach, Turn};

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
        for (nth, handle) in sources.by_name.values().enumerate() {
            handle.spawn(supervisor, nth);
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
        let handles = config.sources.iter().map(|source| {
            let name: SourceName = source.name.as_str().into();
            let kind = match &source.kind {
                SourceKind::Voltha(voltha) => Kind::Voltha(Arc::new(Shared::new(
                    Arc::clone(&name),
                    voltha.clone(),
                    Arc::clone(&cache),
                    Arc::clone(&types),
                    msgs.clone(),
                ))),
                SourceKind::Genieacs(acs) => {
                    Kind::Acs(AcsHandle::new(Arc::clone(&name), acs.clone(), Arc::clone(&cache), Arc::clone(&types)))
                }
                SourceKind::Prometheus(prometheus) => Kind::Alerts(AlertsHandle::prometheus(
                    Arc::clone(&name),
                    (**prometheus).clone(),
                    Arc::clone(&cache),
                    Arc::clone(&types),
                )),
                SourceKind::Alertmanager(alertmanager) => Kind::Alerts(AlertsHandle::alertmanager(
                    Arc::clone(&name),
                    (**alertmanager).clone(),
                    Arc::clone(&cache),
                    Arc::clone(&types),
                )),
                SourceKind::Libvirt(host) => Kind::Host(HostHandle::new(
                    Arc::clone(&name),
                    (**host).clone(),
                    Arc::clone(&cache),
                    Arc::clone(&types),
                )),
                SourceKind::Raven(raven) => Kind::Raven(RavenHandle::new(
                    Arc::clone(&name),
                    (**raven).clone(),
                    Arc::clone(&cache),
                    Arc::clone(&types),
                )),
            };
            (name, SourceHandle { kind })
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

    /// All hosts of virtual machines.
    fn hosts(&self) -> Vec<HostHandle> {
        self.iter().filter_map(|source| source.host().ok().cloned()).collect()
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
    kind: Kind,
}

/// What kind of controller it is.
#[derive(Debug, Clone)]
enum Kind {
    Voltha(Arc<Shared>),
    Acs(AcsHandle),
    Alerts(AlertsHandle),
    Raven(RavenHandle),
    Host(HostHandle),
}

impl SourceHandle {
    /// Starts its workers; it is the `nth` of all.
    fn spawn(&self, supervisor: &Supervisor, nth: usize) {
        let shared = match &self.kind {
            Kind::Voltha(shared) => shared,
            Kind::Acs(acs) => return acs.spawn(supervisor),
            Kind::Alerts(alerts) => return alerts.spawn(supervisor),
            Kind::Raven(raven) => return raven.spawn(supervisor, nth),
            Kind::Host(host) => return host.spawn(supervisor, nth),
        };
        let (poller, stop) = (Arc::clone(shared), supervisor.stopping());
        supervisor
            .spawn(format!("poll {}", shared.name), move || poll::Poller::new(Arc::clone(&poller)).run(stop.clone()));
        if shared.config.kafka.is_some() {
            let (streamed, stop) = (Arc::clone(shared), supervisor.stopping());
            supervisor
                .spawn(format!("stream {}", shared.name), move || stream::run(Arc::clone(&streamed), stop.clone()));
        }
    }

    /// The GenieACS that it is, when it is one.
    pub(in crate::workers) const fn genieacs(&self) -> Option<&AcsHandle> {
        match &self.kind {
            Kind::Acs(acs) => Some(acs),
            Kind::Voltha(_) | Kind::Raven(_) | Kind::Alerts(_) | Kind::Host(_) => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        match &self.kind {
            Kind::Voltha(shared) => &shared.name,
            Kind::Acs(acs) => acs.name(),
            Kind::Alerts(alerts) => alerts.name(),
            Kind::Raven(raven) => &raven.watched().name,
            Kind::Host(host) => &host.watched().name,
        }
    }

    /// Reads details or one value from a device, now.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn live(&self, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
        match &self.kind {
            Kind::Voltha(shared) => live::answer(shared, request).await,
            Kind::Acs(acs) => acs.live(request).await,
            Kind::Alerts(alerts) => alerts.live(request).await,
            Kind::Raven(raven) => raven.live(request).await,
            Kind::Host(host) => host.live(request).await,
        }
    }

    /// Runs an operator's device command (`pon.enable` … `pon.pm-config`) on a node; which nodes the
    /// intent means as a whole is the caller's business.
    ///
    /// # Errors
    /// Why it was not done, in words.
    pub async fn command(&self, intent: &Intent, node: NodeRow) -> Result<(), String> {
        match &self.kind {
            Kind::Voltha(shared) => commands::run(shared, intent, &node).await,
            Kind::Acs(_) | Kind::Raven(_) | Kind::Alerts(_) | Kind::Host(_) => {
                Err(format!("{}: `{}` is a command for devices of a VOLTHA stack", self.name(), intent.command))
            }
        }
    }

    /// Does something to a CPE for the operator `actor`.
    ///
    /// # Errors
    /// Why it was not done, or not for certain, in words.
    pub async fn cpe(&self, verb: &CpeVerb, row: &CpeRow, actor: &str) -> Result<(), String> {
        match &self.kind {
            Kind::Acs(acs) => acs.command(verb, row, actor).await,
            Kind::Voltha(_) | Kind::Raven(_) | Kind::Alerts(_) | Kind::Host(_) => {
                Err(format!("{} has no CPEs", self.name()))
            }
        }
    }

    /// Whether it is an auto-configuration server.
    #[must_use]
    pub const fn is_acs(&self) -> bool {
        matches!(self.kind, Kind::Acs(_))
    }

    /// Whether it is a telemetry appliance.
    #[must_use]
    pub const fn is_appliance(&self) -> bool {
        matches!(self.kind, Kind::Raven(_))
    }

    fn appliance(&self) -> Result<&RavenHandle, String> {
        match &self.kind {
            Kind::Raven(raven) => Ok(raven),
            Kind::Voltha(_) | Kind::Acs(_) | Kind::Alerts(_) | Kind::Host(_) => {
                Err(format!("{} is no telemetry appliance", self.name()))
            }
        }
    }

    /// What a verb would do to an appliance, or to one of its services, as it is now.
    ///
    /// # Errors
    /// Why it cannot be done, in words.
    pub async fn preview(&self, verb: &ApplianceVerb, service: Option<&str>) -> Result<Preview, String> {
        self.appliance()?.preview(verb, service).await
    }

    /// Does something to an appliance or to one of its services for the operator `actor`; what was
    /// done and proven, in words.
    ///
    /// # Errors
    /// Why it was not done, or not for certain, in words.
    pub async fn carry_out(
        &self,
        verb: &ApplianceVerb,
        service: Option<&str>,
        actor: &str,
        stop: &CancellationToken,
    ) -> Result<String, String> {
        self.appliance()?.carry_out(verb, service, actor, stop).await
    }

    /// Whether it is a host of virtual machines.
    #[must_use]
    pub const fn is_host(&self) -> bool {
        matches!(self.kind, Kind::Host(_))
    }

    /// The host of virtual machines that it is.
    pub(in crate::workers) fn host(&self) -> Result<&HostHandle, String> {
        match &self.kind {
            Kind::Host(host) => Ok(host),
            Kind::Voltha(_) | Kind::Acs(_) | Kind::Alerts(_) | Kind::Raven(_) => {
                Err(format!("{} is no host of virtual machines", self.name()))
            }
        }
    }

    /// What a verb would do to one of its machines, as it is now. `sources` are all that there are: a
    /// machine may move to another.
    ///
    /// # Errors
    /// Why it cannot be done, in words.
    pub async fn preview_vm(&self, verb: &VmVerb, row: &VmRow, sources: &Sources) -> Result<Preview, String> {
        self.host()?.preview(verb, row, &sources.hosts()).await
    }

    /// Does something to one of its machines on behalf of `actor`; what was done and proven, in words.
    ///
    /// # Errors
    /// Why it was not done, or not for certain, in words.
    pub async fn carry_out_vm(
        &self,
        verb: &VmVerb,
        row: &VmRow,
        actor: &str,
        sources: &Sources,
        stop: &CancellationToken,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<String, String> {
        self.host()?.carry_out(verb, row, actor, &sources.hosts(), stop, progress).await
    }

    fn acs(&self) -> Result<&AcsHandle, String> {
        match &self.kind {
            Kind::Acs(acs) => Ok(acs),
            Kind::Voltha(_) | Kind::Raven(_) | Kind::Alerts(_) | Kind::Host(_) => {
                Err(format!("{} is no GenieACS", self.name()))
            }
        }
    }

    /// The Prometheus or Alertmanager that it is, when it is one.
    pub(in crate::workers) const fn alerts(&self) -> Option<&AlertsHandle> {
        match &self.kind {
            Kind::Alerts(alerts) => Some(alerts),
            Kind::Voltha(_) | Kind::Acs(_) | Kind::Raven(_) | Kind::Host(_) => None,
        }
    }

    /// Whether silences are kept there.
    #[must_use]
    pub fn is_alertmanager(&self) -> bool {
        self.alerts().is_some_and(AlertsHandle::is_alertmanager)
    }

    /// Whether it answers queries in PromQL.
    #[must_use]
    pub fn answers_queries(&self) -> bool {
        self.alerts().is_some_and(AlertsHandle::answers_queries)
    }

    /// The value of an expression now, or its values over a time.
    ///
    /// # Errors
    /// What the server refuses, or why it cannot be asked, in words.
    pub async fn query(&self, expr: &str, span: Option<Span>) -> Result<QueryResult, String> {
        let alerts = self.alerts().ok_or_else(|| format!("{} answers no queries", self.name()))?;
        alerts.query(expr, span).await
    }

    /// All silences of an Alertmanager, those that are over for a while included.
    ///
    /// # Errors
    /// Why it does not tell, in words.
    pub async fn silences(&self) -> Result<Vec<Silence>, String> {
        let alerts = self.alerts().ok_or_else(|| format!("{} keeps no silences", self.name()))?;
        alerts.silences().await
    }

    /// Reads presets, provisions, virtual parameters and files.
    ///
    /// # Errors
    /// Why the server does not tell, in words.
    pub async fn stored(&self) -> Result<Vec<Stored>, String> {
        self.acs()?.stored().await
    }

    /// Writes a preset, provision or virtual parameter, when the server still has the text that
    /// `seen` stands for (`None`: none of that name), and reads it back; what was proven, in words.
    ///
    /// # Errors
    /// Why it was not written, or not for certain, in words.
    pub async fn put_stored(
        &self,
        kind: StoredKind,
        name: &str,
        text: &str,
        seen: Option<u64>,
        actor: &str,
    ) -> Result<String, String> {
        self.acs()?.put_stored(kind, (name, text), seen, actor).await
    }

    /// Removes a preset, provision, virtual parameter or file.
    ///
    /// # Errors
    /// Why it was not removed, in words.
    pub async fn delete_stored(&self, kind: StoredKind, name: &str, actor: &str) -> Result<String, String> {
        self.acs()?.delete_stored(kind, name, actor).await
    }

    /// Sends a file under a name; what was proven, with its checksum, in words.
    ///
    /// # Errors
    /// Why it was not sent, or not for certain, in words.
    pub async fn upload(&self, path: &Path, name: &str, meta: &FileMeta, actor: &str) -> Result<String, String> {
        let meta = FileMeta { name: name.to_owned(), ..meta.clone() };
        self.acs()?.upload(path, &meta, actor).await
    }

    /// Stops or resumes polling and streaming.
    ///
    /// # Errors
    /// None today; the form is that of the other calls.
    pub async fn pause(&self, paused: bool) -> Result<(), String> {
        match &self.kind {
            Kind::Voltha(shared) => {
                shared.status().pause(paused);
                shared.paused.send_replace(paused);
                shared.wake.notify_one();
                shared.report();
            }
            Kind::Acs(acs) => acs.watched().pause(paused),
            Kind::Alerts(alerts) => alerts.pause(paused),
            Kind::Raven(raven) => raven.watched().pause(paused),
            Kind::Host(host) => host.watched().pause(paused),
        }
        std::future::ready(Ok(())).await
    }

    /// Closes the circuit breaker and tries at once.
    ///
    /// # Errors
    /// None today; the form is that of the other calls.
    pub async fn reset_breaker(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Voltha(shared) => {
                shared.reset_breaker();
                shared.poll_within(Duration::ZERO);
                shared.report();
            }
            Kind::Acs(acs) => acs.watched().reset_breaker(),
            Kind::Alerts(alerts) => alerts.reset_breaker(),
            Kind::Raven(raven) => raven.watched().reset_breaker(),
            Kind::Host(host) => host.watched().reset_breaker(),
        }
        std::future::ready(Ok(())).await
    }

    /// Polls now and waits for the outcome.
    ///
    /// # Errors
    /// Why the poll failed, in words.
    pub async fn poll_now(&self) -> Result<(), String> {
        let shared = match &self.kind {
            Kind::Voltha(shared) => shared,
            Kind::Acs(acs) => return acs.poll_now().await,
            Kind::Alerts(alerts) => return alerts.poll_now().await,
            Kind::Raven(raven) => return raven.poll_now().await,
            Kind::Host(host) => return host.poll_now().await,
        };
        if shared.is_paused() {
            return Err(format!("{} is paused; resume it first", shared.name));
        }
        let (tell, told) = oneshot::channel();
        shared.wishes().waiting.push(tell);
        shared.poll_within(Duration::ZERO);
        match tokio::time::timeout(POLL_NOW, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(format!("{}: the poller is not running", shared.name)),
            Err(_) => Err(format!("{}: no answer within {} s", shared.name, POLL_NOW.as_secs())),
        }
    }

    /// Tries to reach the source, and says what was found (version, latency).
    ///
    /// # Errors
    /// Why it cannot be reached, in words.
    pub async fn test(&self) -> Result<String, String> {
        let shared = match &self.kind {
            Kind::Voltha(shared) => shared,
            Kind::Acs(acs) => return acs.test().await,
            Kind::Alerts(alerts) => return alerts.test().await,
            Kind::Raven(raven) => return raven.test().await,
            Kind::Host(host) => return host.test().await,
        };
        let steps = probe(shared.name.clone(), &shared.config).await;
        let words: Vec<_> = steps.iter().map(|step| format!("{}: {}", step.name, step.words)).collect();
        let words = words.join("; ");
        if steps.iter().all(|step| step.ok) { Ok(words) } else { Err(words) }
    }
}
