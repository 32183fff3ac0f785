//! What the tasks of one source share: its settings, its client, the gate before every call, the
//! image of its devices, and its health.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use prost::Message;
use tokio::sync::{Notify, OnceCell, mpsc::UnboundedSender, oneshot, watch};

use crate::app::message::Msg;
use crate::config::schema::Voltha;
use crate::controllers::resilience::{BreakerPolicy, CircuitBreaker, TokenBucket, call_pauses};
use crate::controllers::voltha::client::{Answer, Client, Method};
use crate::controllers::voltha::error::{Call, Error, ErrorKind};
use crate::controllers::voltha::map::{Directory, OwnAlarm, TypeIndex, own_alarm};
use crate::model::ids::SourceName;
use crate::model::observation::{CallRecord, Observation, Observed};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};
use crate::workers::lock;
pub(super) use crate::workers::now;

use super::cache::{Cache, Durable};
use super::image::Image;
use super::report::Status;
use super::watch::{Reach, Turn};

/// Calls that may be made at once, and the rate after that. A core is shared with its SDN
/// controller, which must not starve because somebody looks at it.
const BURST: u32 = 40;
const PER_SECOND: u32 = 20;

/// How long states are still before the poll that follows a change.
const SETTLED: Duration = Duration::from_secs(5);

/// On whose behalf a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Actor {
    /// The poller: only failures are logged.
    Poll,
    /// An operator who looks at details; logged when it fails.
    Detail,
    /// An operator's command, by their name: always logged, never repeated by itself.
    Operator(String),
}

impl Actor {
    fn word(&self) -> &str {
        match self {
            Self::Poll => "poll",
            Self::Detail => "detail",
            Self::Operator(name) => name,
        }
    }
}

/// What poll and stream agree about.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) directory: Directory,
    pub(super) image: Image,
    /// OLT device ids whose ports have to be listed again.
    pub(super) ports_due: std::collections::HashSet<String>,
    /// Serial numbers of OLTs whose UNIs have to be listed again; an empty one means any.
    pub(super) unis_due: std::collections::HashSet<String>,
    /// Until when a query of ours may make an ONU (by serial) raise a false alarm.
    pub(super) own_queries: HashMap<String, Instant>,
}

/// One source. Shared by its tasks and handles.
pub(super) struct Shared {
    pub(super) name: SourceName,
    pub(super) config: Voltha,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) types: Arc<TypeIndex>,
    pub(super) paused: watch::Sender<bool>,
    /// Wakes the poller before its time.
    pub(super) wake: Notify,
    /// Ends the stream's pause before its time: the poll found the source alive again.
    pub(super) stream_wake: Notify,
    msgs: UnboundedSender<Msg>,
    client: Mutex<Option<Client>>,
    breaker: Mutex<CircuitBreaker>,
    bucket: Mutex<TokenBucket>,
    known: Mutex<Known>,
    status: Mutex<Status>,
    reach: Mutex<Reach>,
    wishes: Mutex<Wishes>,
    loaded: OnceCell<()>,
    listed: watch::Sender<bool>,
}

/// What the poller is asked to do before its time.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Those who wait for the outcome of the next poll.
    pub(super) waiting: Vec<oneshot::Sender<Result<(), String>>>,
    /// Poll soon, e.g. after a command.
    pub(super) soon: Option<Instant>,
    /// Poll when states have been still until then: what ends a change (the reason, UNIs, flows)
    /// sends no event.
    pub(super) settled: Option<Instant>,
    /// Messages were missed: compare everything.
    pub(super) gap: bool,
    /// That alarm is raised; it ends when everything was compared.
    pub(super) gap_stands: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(
        name: SourceName,
        config: Voltha,
        cache: Arc<dyn Cache>,
        types: Arc<TypeIndex>,
        msgs: UnboundedSender<Msg>,
    ) -> Self {
        let began = Instant::now();
        Self {
            status: Mutex::new(Status::new(endpoint(&config), config.paused, began)),
            paused: watch::Sender::new(config.paused),
            breaker: Mutex::new(CircuitBreaker::new(BreakerPolicy::default())),
            bucket: Mutex::new(TokenBucket::new(BURST, PER_SECOND, began)),
            client: Mutex::default(),
            known: Mutex::default(),
            reach: Mutex::default(),
            wishes: Mutex::default(),
            wake: Notify::new(),
            stream_wake: Notify::new(),
            loaded: OnceCell::new(),
            listed: watch::Sender::new(false),
            name,
            config,
            cache,
            types,
            msgs,
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        lock(&self.wishes)
    }

    pub(super) fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Reads what the cache holds, once, before poll or stream say anything.
    pub(super) async fn load(self: &Arc<Self>) {
        let read = || async {
            let shared = Arc::clone(self);
            let known = crate::workers::blocking(move || shared.cache.known(&shared.name)).await;
            let nodes = match known {
                Ok(Ok(nodes)) => nodes,
                Ok(Err(words)) => return tracing::warn!(source = %self.name, %words, "cache cannot be read"),
                Err(_) => return,
            };
            let mut known = self.known();
            for node in nodes.iter().filter(|n| n.resource.kind == NodeKind::Olt) {
                known.directory.learn(&node.device_id, &node.resource.name);
            }
            known.image = Image::load(&nodes);
        };
        self.loaded.get_or_init(read).await;
    }

    /// Waits for the first list.
    pub(super) async fn listed(&self) {
        let _ = self.listed.subscribe().wait_for(|listed| *listed).await;
    }

    /// The first list is there.
    pub(super) fn set_listed(&self) {
        self.listed.send_replace(true);
    }

    /// Tells the screen.
    pub(super) fn tell(&self, msg: Msg) {
        let _ = self.msgs.send(msg);
    }

    /// Journals observations that have no place in a stream.
    pub(super) fn journal(&self, what: Vec<Observation>) -> Option<Durable> {
        if what.is_empty() {
            return None;
        }
        let at = now();
        let observed = |what| Record::Observed(Observed { source: self.name.clone(), at, origin: None, what });
        Some(self.cache.append(what.into_iter().map(observed).collect()))
    }

    /// Journals a turn of a condition that we watch ourselves.
    pub(super) fn journal_turn(&self, own: &OwnAlarm, resource: Resource, turn: &Turn) {
        let raise = match turn {
            Turn::Raise(words) => Some(words.as_str()),
            Turn::Clear => None,
        };
        let alarm = own_alarm(&self.types, own, resource, raise, now());
        drop(self.journal(vec![Observation::Alarm(alarm)]));
    }

    /// Journals the health when it is worth it, and the alarm of a source that is not there.
    pub(super) fn report(&self) {
        let breaker = lock(&self.breaker).state();
        let (report, poll, stream, words) = {
            let mut status = self.status();
            (status.take(breaker, Instant::now()), status.poll_ok(), status.stream_ok(), status.error())
        };
        if let Some(report) = report {
            drop(self.journal(vec![Observation::Source(report)]));
        }
        self.reachable(poll, stream, &words);
    }

    /// Journals the health whatever was told before, and waits until it is on disk.
    pub(super) async fn report_now(&self) -> Result<(), String> {
        let breaker = lock(&self.breaker).state();
        let (report, poll, stream, words) = {
            let mut status = self.status();
            (status.take_now(breaker, Instant::now()), status.poll_ok(), status.stream_ok(), status.error())
        };
        let done = self.journal(vec![Observation::Source(report)]);
        self.reachable(poll, stream, &words);
        match done {
            Some(done) => done.await,
            None => Ok(()),
        }
    }

    /// Raises or clears the alarm of a source that is not there.
    fn reachable(&self, poll: Option<bool>, stream: Option<bool>, words: &str) {
        if self.is_paused() {
            return;
        }
        let stream = stream.or_else(|| self.config.kafka.is_some().then_some(false).filter(|_| poll == Some(false)));
        let turn = lock(&self.reach).look(poll, stream, words);
        if let Some(turn) = turn {
            use crate::controllers::voltha::map::SOURCE_UNREACHABLE;
            self.journal_turn(&SOURCE_UNREACHABLE, Resource::new(NodeKind::Source, &*self.name), &turn);
        }
    }

    /// The client; made at the first call, because secrets and certificates are read from disk.
    async fn client(&self) -> Result<Client, Error> {
        if let Some(client) = lock(&self.client).clone() {
            return Ok(client);
        }
        let (name, config) = (self.name.clone(), self.config.clone());
        let runtime = tokio::runtime::Handle::current();
        let made = crate::workers::blocking(move || {
            let _guard = runtime.enter();
            Client::new(name, &config)
        });
        let call = Call { source: &self.name, name: "gRPC", target: &self.config.grpc };
        let client = made.await.map_err(|e| call.error(ErrorKind::Config, "-", e))??;
        *lock(&self.client) = Some(client.clone());
        Ok(client)
    }

    /// Makes a call through the gate: rate, breaker, deadline, retries of what may be repeated.
    pub(super) async fn call<Q, A>(
        &self,
        actor: &Actor,
        method: &Method<Q, A>,
        target: &str,
        request: Q,
        deadline: Option<Duration>,
    ) -> Result<Answer<A>, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let wait = lock(&self.bucket).take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let began = Instant::now();
        let mut pauses = call_pauses();
        let mut tries = 0;
        let mut cause = None;
        let outcome = loop {
            let outcome = self.try_call(method, target, request.clone(), deadline).await;
            match outcome {
                // Our own failures opened the breaker: they are the cause.
                Err(e) if e.kind == ErrorKind::BreakerOpen && cause.is_some() => break Err(cause.unwrap_or(e)),
                Err(e) if e.kind.worth_a_retry() && !matches!(actor, Actor::Operator(_)) => {
                    tries += 1;
                    match pauses.next() {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => break Err(e),
                    }
                    cause = Some(e);
                }
                outcome => {
                    tries += 1;
                    break outcome;
                }
            }
        };
        self.log_call(actor, method.name(), target, tries, began, outcome.as_ref().map(|a| a.bytes));
        outcome
    }

    async fn try_call<Q, A>(
        &self,
        method: &Method<Q, A>,
        target: &str,
        request: Q,
        deadline: Option<Duration>,
    ) -> Result<Answer<A>, Error>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        if let Err(wait) = lock(&self.breaker).admit(Instant::now()) {
            let call = Call { source: &self.name, name: method.name(), target };
            let words = format!("the breaker is open for another {} s", wait.as_secs() + 1);
            return Err(call.error(ErrorKind::BreakerOpen, "-", words));
        }
        let outcome = match self.client().await {
            Ok(client) => client.call_within(method, target, request, deadline).await,
            Err(e) => Err(e),
        };
        match &outcome {
            Err(e) if e.kind.counts_against_source() => lock(&self.breaker).failure(Instant::now()),
            Err(e) if e.kind == ErrorKind::Config => {}
            _ => {
                lock(&self.breaker).success();
                self.status().called(now());
            }
        }
        outcome
    }

    /// Logs what an operator asked for, and what failed. Routine polls that go well are not worth
    /// a record each: the source's report tells of them.
    fn log_call(
        &self,
        actor: &Actor,
        call: &str,
        target: &str,
        tries: u32,
        began: Instant,
        outcome: Result<u64, &Error>,
    ) {
        match (actor, outcome) {
            (Actor::Poll | Actor::Detail, Ok(_)) => return,
            // Told once, when it opened; not at every call that it holds back.
            (Actor::Poll, Err(e)) if e.kind == ErrorKind::BreakerOpen => return,
            (Actor::Poll | Actor::Detail, Err(e)) if e.kind == ErrorKind::NotThere => return,
            _ => {}
        }
        let (status, error, bytes) = match outcome {
            Ok(bytes) => ("OK".to_owned(), String::new(), bytes),
            // The countdown is for who waits, not for the record.
            Err(e) if e.kind == ErrorKind::BreakerOpen => (e.kind.word().to_owned(), e.without_words(), 0),
            Err(e) if e.code == "-" => (e.kind.word().to_owned(), e.to_string(), 0),
            Err(e) => (e.code.to_owned(), e.to_string(), 0),
        };
        let record = CallRecord {
            call: call.to_owned(),
            target: crate::model::text::clean(target).into_owned(),
            status,
            error,
            duration_us: i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX),
            tries,
            actor: actor.word().to_owned(),
            bytes,
        };
        drop(self.journal(vec![Observation::Call(record)]));
    }

    /// Logs the first poll that went well after a failure.
    pub(super) fn log_recovery(&self, took: Duration, bytes: u64) {
        let record = CallRecord {
            call: "ListDevices".to_owned(),
            target: "answers again".to_owned(),
            status: "OK".to_owned(),
            error: String::new(),
            duration_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            tries: 1,
            actor: Actor::Poll.word().to_owned(),
            bytes,
        };
        drop(self.journal(vec![Observation::Call(record)]));
    }

    /// Closes the breaker at an operator's wish.
    pub(super) fn reset_breaker(&self) {
        lock(&self.breaker).reset();
        self.stream_wake.notify_waiters();
    }

    /// The stream connected: an outage that took everything along is over, so a poll that waits
    /// for its time need not.
    pub(super) fn stream_is_back(&self) {
        if self.status().poll_ok() == Some(false) {
            lock(&self.breaker).hint();
            self.poll_within(Duration::ZERO);
        }
    }

    /// Asks the poller for a poll within `pause`.
    pub(super) fn poll_within(&self, pause: Duration) {
        let at = Instant::now() + pause;
        {
            let mut wishes = self.wishes();
            wishes.soon = Some(wishes.soon.map_or(at, |soon| soon.min(at)));
        }
        self.wake.notify_one();
    }

    /// States change: poll once they have been still for a while.
    pub(super) fn settling(&self) {
        let before = self.wishes().settled.replace(Instant::now() + SETTLED);
        if before.is_none() {
            self.wake.notify_one();
        }
    }

    /// Messages were missed: the next poll compares everything.
    pub(super) fn missed(&self) {
        self.wishes().gap = true;
        self.poll_within(Duration::ZERO);
    }
}

/// Where the source is, without anything secret.
fn endpoint(config: &Voltha) -> String {
    let grpc = config.grpc.rsplit_once('@').map_or(config.grpc.as_str(), |(_, host)| host);
    match &config.kafka {
        Some(kafka) => format!("{grpc}, {}", kafka.brokers.join(",")),
        None => grpc.to_owned(),
    }
}
