//! What the tasks of one GenieACS share: settings, client, profiles, breaker, health.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OnceCell, oneshot, watch};

use crate::config::schema::Genieacs;
use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::resilience::{BreakerPolicy, CircuitBreaker};
use crate::controllers::voltha::map::{SOURCE_UNREACHABLE, TypeIndex, own_alarm};
use crate::model::ids::SourceName;
use crate::model::observation::{CallRecord, Observation, Observed};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};
use crate::model::source::{Breaker, Health, SourceReport};
use crate::workers::lock;
pub(super) use crate::workers::now;
use crate::workers::source::{Cache, Durable, Reach, Turn};

/// A call that failed was repeated for half a minute before: a few of them are enough.
const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 3, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(15) };
/// Pause between reports of mere figures.
const FIGURES: Duration = Duration::from_secs(10);

/// Those who wait for the outcome of the next poll.
pub(super) type Waiting = Vec<oneshot::Sender<Result<(), String>>>;

/// One GenieACS.
pub(super) struct Shared {
    pub(super) name: SourceName,
    pub(super) config: Genieacs,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) paused: watch::Sender<bool>,
    /// Wakes the poller before its time.
    pub(super) wake: Notify,
    client: OnceCell<(Client, Arc<Profiles>)>,
    breaker: Mutex<CircuitBreaker>,
    status: Mutex<Status>,
    waiting: Mutex<Waiting>,
    types: Arc<TypeIndex>,
    /// Whether the server is there, as it was told.
    reach: Mutex<Reach>,
}

/// What is known of its health.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) report: SourceReport,
    told: Option<(SourceReport, Instant)>,
    pub(super) ok: Option<bool>,
    /// A call waits for the return of a worker of the server.
    pub(super) restarting: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(name: SourceName, config: Genieacs, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let report = SourceReport { kind: "genieacs".into(), endpoint: config.nbi.clone(), ..SourceReport::default() };
        Self {
            paused: watch::Sender::new(config.paused),
            status: Mutex::new(Status { report, ..Status::default() }),
            breaker: Mutex::new(CircuitBreaker::new(POLICY)),
            client: OnceCell::new(),
            waiting: Mutex::default(),
            types,
            reach: Mutex::default(),
            wake: Notify::new(),
            name,
            config,
            cache,
        }
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, CircuitBreaker> {
        lock(&self.breaker)
    }

    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    /// The client and the device profiles; made at first use, because secrets, certificates and
    /// profiles are read from disk.
    async fn made(&self) -> Result<&(Client, Arc<Profiles>), String> {
        let make = || async {
            let (name, config) = (self.name.clone(), self.config.clone());
            let runtime = tokio::runtime::Handle::current();
            let made = tokio::task::spawn_blocking(move || {
                let _guard = runtime.enter();
                let client = Client::new(&name, &config).map_err(|e| e.to_string())?;
                let profiles = Profiles::load(config.profiles.as_deref().map(std::path::Path::new))
                    .map_err(|e| format!("{name}: the device profiles cannot be used: {e}"))?;
                Ok((client, Arc::new(profiles)))
            });
            made.await.map_err(|e| e.to_string())?
        };
        self.client.get_or_try_init(make).await
    }

    pub(super) async fn client(&self) -> Result<Client, String> {
        Ok(self.made().await?.0.clone())
    }

    pub(super) async fn profiles(&self) -> Result<Arc<Profiles>, String> {
        Ok(Arc::clone(&self.made().await?.1))
    }

    /// Asks the breaker.
    pub(super) fn admit(&self) -> Result<(), String> {
        self.breaker().admit(Instant::now()).map_err(|wait| {
            format!("{}: calls are held back for another {} s after repeated failures", self.name, wait.as_secs() + 1)
        })
    }

    /// Tells the breaker how a call went: that the server refused something is an answer, too.
    pub(super) fn judge(&self, outcome: Result<(), &Error>) {
        let silent = matches!(
            outcome,
            Err(Error {
                what: Failure::Transport(..) | Failure::WorkerRestarting { .. } | Failure::Deadline { .. },
                ..
            })
        );
        if silent {
            self.breaker().failure(Instant::now());
        } else {
            self.breaker().success();
            self.status().report.last_ok = now();
        }
    }

    /// Tells when a call waits for a server that died.
    pub(super) fn tell_restart(&self) {
        if !self.client.get().is_some_and(|(client, _)| client.restarting()) {
            return;
        }
        {
            let mut status = self.status();
            if status.restarting {
                return;
            }
            status.restarting = true;
            status.report.last_error = "worker restarting".to_owned();
        }
        drop(self.report(false));
    }

    /// Journals observations.
    pub(super) fn journal(&self, what: Vec<Observation>) -> Option<Durable> {
        if what.is_empty() {
            return None;
        }
        let at = now();
        let observed = |what| Record::Observed(Observed { source: self.name.clone(), at, origin: None, what });
        Some(self.cache.append(what.into_iter().map(observed).collect()))
    }

    /// Logs a call.
    pub(super) fn log(&self, actor: &str, call: &str, target: &str, began: Instant, outcome: Result<&str, &str>) {
        let record = CallRecord {
            call: call.to_owned(),
            target: crate::model::text::clean(target).into_owned(),
            status: outcome.map_or("failed", |words| words).to_owned(),
            error: outcome.err().unwrap_or_default().to_owned(),
            duration_us: i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX),
            tries: 1,
            actor: actor.to_owned(),
            bytes: 0,
        };
        drop(self.journal(vec![Observation::Call(record)]));
    }

    /// Raises or clears the alarm of a server that is not there.
    fn reachable(&self) {
        let (ok, words) = {
            let status = self.status();
            (status.ok, status.report.last_error.clone())
        };
        let turn = lock(&self.reach).look(ok, None, &words);
        let Some(turn) = turn else { return };
        let raise = if let Turn::Raise(words) = &turn { Some(words.as_str()) } else { None };
        let resource = Resource::new(NodeKind::Source, &*self.name);
        let event = own_alarm(&self.types, &SOURCE_UNREACHABLE, resource, raise, now());
        drop(self.journal(vec![Observation::Alarm(event)]));
    }

    /// Journals the health: at once when an operator would act on it (or `anyway`), figures seldom.
    pub(super) fn report(&self, anyway: bool) -> Option<Durable> {
        let breaker = self.breaker().state();
        let paused = *self.paused.borrow();
        if !paused {
            self.reachable();
        }
        let report = self.status().take(breaker, paused, anyway, Instant::now())?;
        self.journal(vec![Observation::Source(report)])
    }
}

impl Status {
    fn take(&mut self, breaker: Breaker, paused: bool, anyway: bool, now: Instant) -> Option<SourceReport> {
        self.report.breaker = breaker;
        self.report.health = match self.ok {
            _ if paused => Health::Paused,
            None => Health::Starting,
            Some(true) if self.restarting => Health::Degraded,
            Some(true) => Health::Up,
            Some(false) => Health::Down,
        };
        let state = |r: &SourceReport| (r.health, r.breaker, r.last_error.clone(), r.version.clone(), r.devices);
        let due = anyway
            || self.told.as_ref().is_none_or(|(told, at)| {
                state(told) != state(&self.report)
                    || (*told != self.report && now.saturating_duration_since(*at) >= FIGURES)
            });
        due.then(|| {
            self.told = Some((self.report.clone(), now));
            self.report.clone()
        })
    }
}
