//! What every worker that polls one source shares: its place in the journal, the breaker before its
//! calls, its health as it is told, who waits for the next poll. What is particular to a kind of
//! source stands around it.

mod alarms;
mod polling;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};

use crate::controllers::resilience::{BreakerPolicy, CircuitBreaker};
use crate::controllers::voltha::map::{SOURCE_UNREACHABLE, TypeIndex, own_alarm};
use crate::model::ids::SourceName;
use crate::model::observation::{CallRecord, Observation, Observed};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};
use crate::model::source::{Breaker, Health, SourceReport};

use super::source::{Cache, Durable, Reach, Turn};
use super::{lock, now};

pub(super) use alarms::tracked;
pub(super) use polling::{Polling, Writing, spawn};

/// Pause between reports of mere figures.
const FIGURES: Duration = Duration::from_secs(10);

/// Those who wait for the outcome of the next poll.
pub(super) type Waiting = Vec<oneshot::Sender<Result<(), String>>>;

/// One source that is polled.
pub(super) struct Watched {
    pub(super) name: SourceName,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) paused: watch::Sender<bool>,
    /// Wakes the poller before its time.
    pub(super) wake: Notify,
    pub(super) types: Arc<TypeIndex>,
    breaker: Mutex<CircuitBreaker>,
    status: Mutex<Status>,
    waiting: Mutex<Waiting>,
    /// Whether the source is there, as it was told.
    reach: Mutex<Reach>,
}

/// What is known of its health.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) report: SourceReport,
    told: Option<(SourceReport, Instant)>,
    pub(super) ok: Option<bool>,
    /// It answers, but not as it should.
    pub(super) degraded: bool,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Watched {
    /// A source of a kind at an endpoint, with its breaker's policy.
    pub(super) fn new(
        name: SourceName,
        (kind, endpoint): (&str, &str),
        paused: bool,
        policy: BreakerPolicy,
        cache: Arc<dyn Cache>,
        types: Arc<TypeIndex>,
    ) -> Self {
        let report = SourceReport { kind: kind.into(), endpoint: endpoint.into(), ..SourceReport::default() };
        Self {
            paused: watch::Sender::new(paused),
            status: Mutex::new(Status { report, ..Status::default() }),
            breaker: Mutex::new(CircuitBreaker::new(policy)),
            waiting: Mutex::default(),
            types,
            reach: Mutex::default(),
            wake: Notify::new(),
            name,
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

    /// Asks the breaker.
    pub(super) fn admit(&self) -> Result<(), String> {
        self.breaker().admit(Instant::now()).map_err(|wait| {
            format!("{}: calls are held back for another {} s after repeated failures", self.name, wait.as_secs() + 1)
        })
    }

    /// Tells the breaker whether the source answered; that it refused something is an answer, too.
    pub(super) fn answered(&self, answered: bool) {
        if answered {
            self.breaker().success();
            self.status().report.last_ok = now();
        } else {
            self.breaker().failure(Instant::now());
        }
    }

    /// How a poll ended, and how long it took, as the health of the source.
    pub(super) fn polled(&self, took: Duration, outcome: &Result<(), String>) {
        let held = self.breaker().state() == Breaker::Open;
        let mut status = self.status();
        status.ok = Some(outcome.is_ok());
        status.degraded = false;
        match outcome {
            Ok(()) => {
                status.report.latency_us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
                status.report.last_error.clear();
            }
            // The countdown of the breaker says nothing about the cause.
            Err(_) if held && !status.report.last_error.is_empty() => {}
            Err(why) => status.report.last_error.clone_from(why),
        }
    }

    /// Journals observations.
    pub(super) fn journal(&self, what: Vec<Observation>) -> Option<Durable> {
        (!what.is_empty()).then(|| self.cache.append(self.records(what)))
    }

    fn records(&self, what: Vec<Observation>) -> Vec<Record> {
        let at = now();
        let observed = |what| Record::Observed(Observed { source: self.name.clone(), at, origin: None, what });
        what.into_iter().map(observed).collect()
    }

    /// Logs a call.
    pub(super) fn log(&self, actor: &str, call: &str, target: &str, began: Instant, outcome: Result<&str, &str>) {
        drop(self.call(actor, call, target, began, outcome));
    }

    /// Logs a call and waits until that is on disk.
    pub(super) async fn logged(
        &self,
        actor: &str,
        call: &str,
        target: &str,
        began: Instant,
        outcome: Result<&str, &str>,
    ) -> Result<(), String> {
        self.call(actor, call, target, began, outcome).await
    }

    fn call(&self, actor: &str, call: &str, target: &str, began: Instant, outcome: Result<&str, &str>) -> Durable {
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
        self.cache.audit(self.records(vec![Observation::Call(record)]))
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

    /// Pauses or goes on.
    pub(super) fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
        self.wake.notify_one();
        self.report(true);
    }

    /// Whether it is paused.
    pub(super) fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Lets the next call through at once.
    pub(super) fn reset_breaker(&self) {
        self.breaker().reset();
        self.wake.notify_one();
        self.report(true);
    }

    /// Wakes the poller and waits for what becomes of a poll that begins from now on.
    pub(super) async fn poll_now(&self, within: Duration) -> Result<(), String> {
        if self.is_paused() {
            return Err(format!("{} is paused; resume it first", self.name));
        }
        let (tell, told) = oneshot::channel();
        self.waiting().push(tell);
        self.wake.notify_one();
        match tokio::time::timeout(within, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(format!("{}: the poller is not running", self.name)),
            Err(_) => Err(format!("{}: no answer within {} s", self.name, within.as_secs())),
        }
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

/// Makes the clients of a source away from its tasks: secrets and certificates are read from disk, and a
/// secret may come from a command that takes its time.
pub(super) async fn make<T: Send + 'static>(
    make: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let runtime = tokio::runtime::Handle::current();
    let made = crate::workers::blocking(move || {
        let _guard = runtime.enter();
        make()
    });
    made.await?
}

impl Status {
    fn take(&mut self, breaker: Breaker, paused: bool, anyway: bool, now: Instant) -> Option<SourceReport> {
        self.report.breaker = breaker;
        self.report.health = match self.ok {
            _ if paused => Health::Paused,
            None => Health::Starting,
            Some(true) if self.degraded => Health::Degraded,
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
