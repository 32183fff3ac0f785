//! The task that owns the jobs: it hears what operators want and what came of what was begun, and
//! after each of them asks again what is due.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::job::{Job, SETTLE};
use crate::model::job::{DeviceEvent, JobEvent, JobId};
use crate::model::time::{SECOND, Ts};
use crate::store::{Error, Store};
use crate::workers::source::Sources;

use super::book::{Book, Kept, kept};
use super::context::{Context, OldSecrets, Stop};
use super::news::{Hands, News, Told};
use super::{Ask, Typed};

/// How patient the runner is. The defaults fit real controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long a request without an answer is left alone before it is looked for, µs.
    pub settle: i64,
    /// The same where doing it twice does harm: a request may wait half a minute for a device that
    /// is in a session before it is queued.
    pub settle_once: i64,
    /// Between looks at what is due while a job runs.
    pub tick: Duration,
    /// Between looks at what waits at the controller: at first, and at most.
    pub poll: (Duration, Duration),
    /// How long a short question may take before the controller counts as silent.
    pub question: Duration,
    /// Pauses before reading back is tried again.
    pub read_again: [Duration; 2],
    /// Pauses before a task is taken back whose device is in a session.
    pub in_session: [Duration; 4],
    /// Between questions whether a silent controller is back.
    pub probe: Duration,
    /// Between questions whether a controller still is there that is long with its answers.
    pub pulse: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            settle: SETTLE,
            settle_once: 35 * SECOND,
            tick: Duration::from_millis(250),
            poll: (Duration::from_millis(500), s(10)),
            question: s(30),
            read_again: [s(5), s(30)],
            in_session: [s(1), s(3), s(10), s(30)],
            probe: s(3),
            pulse: s(10),
        }
    }
}

impl Options {
    /// For simulators whose seconds are short.
    #[must_use]
    pub fn quick() -> Self {
        let ms = Duration::from_millis;
        Self {
            settle: SECOND / 5,
            settle_once: SECOND / 5,
            tick: ms(20),
            poll: (ms(30), ms(100)),
            question: Duration::from_secs(5),
            read_again: [ms(30), ms(60)],
            in_session: [ms(20), ms(50), ms(100), ms(200)],
            probe: ms(100),
            pulse: Duration::from_secs(1),
        }
    }
}

/// What outlives a restart of the task.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) sources: Sources,
    pub(super) me: String,
    pub(super) options: Options,
    asks: tokio::sync::Mutex<mpsc::UnboundedReceiver<Ask>>,
    typed: Mutex<HashMap<JobId, Typed>>,
    pub(super) old_secrets: Arc<OldSecrets>,
}

impl Shared {
    pub(super) fn new(
        store: Store,
        sources: Sources,
        me: String,
        options: Options,
        asks: mpsc::UnboundedReceiver<Ask>,
    ) -> Self {
        Self {
            store,
            sources,
            me,
            options,
            asks: tokio::sync::Mutex::new(asks),
            typed: Mutex::default(),
            old_secrets: Arc::default(),
        }
    }

    /// Secrets that were typed, by job.
    pub(super) fn typed(&self) -> MutexGuard<'_, HashMap<JobId, Typed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a job has what it needs.
#[derive(Default)]
pub(super) enum Ready {
    #[default]
    No,
    Asked,
    Yes(Arc<Context>),
}

/// What the task knows of a job beside its state.
#[derive(Default)]
pub(super) struct Side {
    pub(super) ready: Ready,
    pub(super) hands: Hands,
    pub(super) freezing: bool,
    /// Verbs whose proof takes its time.
    pub(super) watched: std::collections::BTreeSet<u32>,
    pub(super) polling: bool,
    pub(super) poll_at: Option<Instant>,
    pub(super) pause: Duration,
}

/// A controller that does not answer.
pub(super) struct Down {
    pub(super) since: Ts,
    pub(super) why: String,
    pub(super) probed: Instant,
    pub(super) probing: bool,
}

/// The task's own.
pub(super) struct Runner {
    pub(super) shared: Arc<Shared>,
    pub(super) book: Book,
    pub(super) sides: BTreeMap<JobId, Side>,
    pub(super) down: HashMap<String, Down>,
    pub(super) news: mpsc::UnboundedSender<News>,
    /// When controllers that are busy were last asked whether they are there.
    pub(super) pulse: HashMap<String, Instant>,
    /// What works on devices; ends with the runner.
    pub(super) tasks: JoinSet<()>,
    /// The journal refuses: nothing new is begun before it has been read again.
    pub(super) refused: Option<Instant>,
    pub(super) purged: Option<Instant>,
    pub(super) ran: bool,
}

/// News taken in one go.
const BATCH: usize = 1_024;
/// Pause before the journal is read again after it refused.
const REFUSED: Duration = Duration::from_secs(5);
/// Pause between looks when nothing runs.
const IDLE: Duration = Duration::from_secs(20);

/// Runs until `stop`.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut asks = shared.asks.lock().await;
    let (refuse, mut refusals) = mpsc::unbounded_channel();
    let (news, mut heard) = mpsc::unbounded_channel();
    let mut runner = Runner {
        book: Book::new(&shared.store, refuse),
        shared: Arc::clone(&shared),
        sides: BTreeMap::new(),
        down: HashMap::new(),
        pulse: HashMap::new(),
        news,
        tasks: JoinSet::new(),
        refused: None,
        purged: None,
        ran: false,
    };
    if let Err(why) = runner.take_up().await {
        tracing::error!(%why, "the jobs cannot be read");
        runner.refused = Some(Instant::now());
    }
    let mut batch = Vec::new();
    loop {
        runner.drive().await;
        let pause = if runner.ran { shared.options.tick } else { runner.idle() };
        tokio::select! {
            () = stop.cancelled() => {
                runner.give_back().await;
                return;
            }
            ask = asks.recv() => match ask {
                Some(ask) => runner.answer(ask).await,
                None => return,
            },
            n = heard.recv_many(&mut batch, BATCH) => {
                if n > 0 {
                    runner.hear(std::mem::take(&mut batch));
                }
            }
            Some(why) = refusals.recv() => {
                tracing::error!(%why, "the journal took no record of a job: nothing new is begun");
                runner.refused = Some(Instant::now());
                runner.tasks.abort_all();
            }
            Some(_) = runner.tasks.join_next(), if !runner.tasks.is_empty() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Runner {
    /// Takes up the jobs that are not over.
    pub(super) async fn take_up(&mut self) -> Result<(), String> {
        let store = self.shared.store.clone();
        let read = crate::workers::blocking(move || {
            let mut reader = store.reader()?;
            let mut jobs = Vec::new();
            for (id, _) in reader.open_jobs()? {
                jobs.extend(reader.job(id)?);
            }
            Ok::<Vec<Job>, Error>(jobs)
        });
        let jobs = read.await?.map_err(|e| e.to_string())?;
        self.book.jobs = jobs.into_iter().map(|job| (job.id, job)).collect();
        self.sides.clear();
        Ok(())
    }

    /// After the journal refused, memory may be ahead of it: all is read back once it takes records.
    pub(super) async fn recover(&mut self) {
        if self.refused.is_some_and(|at| at.elapsed() < REFUSED) {
            return;
        }
        self.tasks.shutdown().await;
        match self.take_up().await {
            Ok(()) => self.refused = None,
            Err(why) => {
                tracing::error!(%why, "the jobs cannot be read");
                self.refused = Some(Instant::now());
            }
        }
    }

    /// A job in memory; one that is over is read back.
    pub(super) async fn job(&mut self, id: JobId) -> Result<&Job, String> {
        if !self.book.jobs.contains_key(&id) {
            let store = self.shared.store.clone();
            let read = crate::workers::blocking(move || store.reader()?.job(id));
            let found = read.await?.map_err(|e: Error| e.to_string())?;
            let job = found.ok_or_else(|| format!("there is no job {id}"))?;
            self.book.jobs.insert(id, job);
        }
        self.book.jobs.get(&id).ok_or_else(|| format!("there is no job {id}"))
    }

    pub(super) fn side(&mut self, id: JobId) -> &mut Side {
        self.sides.entry(id).or_default()
    }

    /// How long nothing has to be looked at.
    fn idle(&self) -> Duration {
        let now = crate::workers::now();
        let dues = self.book.jobs.values().map(|job| job.header.due_at).filter(|due| due.is_set());
        let next = dues.map(|due| due.since(now)).filter(|wait| *wait > 0).min();
        next.and_then(|wait| u64::try_from(wait).ok()).map_or(IDLE, |wait| Duration::from_micros(wait).min(IDLE))
    }

    /// Takes in what was told; all of it is journalled in one piece.
    fn hear(&mut self, batch: Vec<News>) {
        let mut waiters = Vec::new();
        let mut events = Vec::new();
        for news in batch {
            match news {
                News::Device(Told { job, index, events: told, kept, through }) => {
                    events.extend(told.into_iter().map(|what| (job, JobEvent::Device { index, what })));
                    waiters.extend(kept);
                    if through {
                        self.side(job).hands.free(index);
                    }
                }
                News::Many(job, told, through) => {
                    if !told.is_empty() {
                        let first = self.shared.options.poll.0;
                        self.side(job).pause = first;
                    }
                    events.extend(told.into_iter().map(|(index, what)| (job, JobEvent::Device { index, what })));
                    let side = self.side(job);
                    for index in through {
                        side.hands.free(index);
                    }
                }
                other => self.heard(other, &mut events),
            }
        }
        let events = self.with_marks(events);
        let actor = self.shared.me.clone();
        let told = self.book.tell(&actor, events);
        if !waiters.is_empty() {
            tokio::spawn(answer_all(told, waiters));
        }
    }

    fn heard(&mut self, news: News, events: &mut Vec<(JobId, JobEvent)>) {
        match news {
            News::Ready(job, Ok(context)) => self.side(job).ready = Ready::Yes(Arc::new(*context)),
            News::Ready(job, Err(stop)) => {
                self.side(job).ready = Ready::No;
                let source = self.book.jobs.get(&job).and_then(|j| j.header.request.as_ref()).map(|r| r.source.clone());
                match stop {
                    Stop::Refuse(why) | Stop::Hold(why) => events.push((job, JobEvent::Held(why))),
                    Stop::Down(why) => self.is_down(&source.unwrap_or_default(), why),
                }
            }
            News::Frozen(job, outcome) => {
                self.side(job).freezing = false;
                match outcome {
                    Ok(list) => events.extend(list.into_iter().map(|what| (job, what))),
                    Err(Stop::Refuse(why) | Stop::Hold(why)) => events.push((job, JobEvent::Refused(why))),
                    Err(Stop::Down(why)) => {
                        let named = self.book.jobs.get(&job).and_then(|j| j.header.request.as_ref());
                        let named = named.map(|r| r.source.clone()).unwrap_or_default();
                        self.is_down(&named, why);
                    }
                }
            }
            News::Polled(job) => {
                let most = self.shared.options.poll.1;
                let side = self.side(job);
                side.polling = false;
                side.poll_at = Some(Instant::now() + side.pause);
                side.pause = (side.pause * 3 / 2).min(most);
            }
            News::Watch(job, index) => _ = self.side(job).watched.insert(index),
            News::Hold(job, why) => events.push((job, JobEvent::Held(why))),
            News::Down(source, why) => self.is_down(&source, why),
            News::Up(source) => _ = self.down.remove(&source),
            News::Device(_) | News::Many(..) => {}
        }
    }

    /// A controller does not answer.
    fn is_down(&mut self, source: &str, why: String) {
        let source = self.source_name(source);
        let since = self.down.get(&source).map_or_else(crate::workers::now, |down| down.since);
        self.down.insert(source, Down { since, why, probed: Instant::now(), probing: false });
    }

    /// What a roll-back proves is told of the devices of the job that it rolls back, too.
    fn with_marks(&self, events: Vec<(JobId, JobEvent)>) -> Vec<(JobId, JobEvent)> {
        let mut out = Vec::with_capacity(events.len());
        for (job, event) in events {
            let mark = match &event {
                JobEvent::Device { index, what } => self.mark(job, *index, what),
                _ => None,
            };
            out.push((job, event));
            out.extend(mark);
        }
        out
    }

    fn mark(&self, job: JobId, index: u32, what: &DeviceEvent) -> Option<(JobId, JobEvent)> {
        use crate::model::job::{Class, SkipReason};
        let of = self.book.jobs.get(&job)?.header.request.as_ref()?.rolls_back?;
        let why = match what {
            DeviceEvent::ReadBack(read) if crate::engine::job::proof::judge(read).0 == Class::Changed => {
                format!("put back by job {job}")
            }
            DeviceEvent::Skipped { reason: SkipReason::AlreadyEqual, .. } if !self.is_dry(job) => {
                "it holds its old values again".to_owned()
            }
            _ => return None,
        };
        let Some(Side { ready: Ready::Yes(context), .. }) = self.sides.get(&job) else { return None };
        let device = &self.book.jobs.get(&job)?.list.get(index as usize)?.device;
        let index = context.saved.get(device)?.index;
        Some((of, JobEvent::Device { index, what: DeviceEvent::Ended { class: Class::RolledBack, why } }))
    }

    fn is_dry(&self, job: JobId) -> bool {
        self.book.jobs.get(&job).and_then(|j| j.header.request.as_ref()).is_some_and(|r| r.dry_run)
    }
}

async fn answer_all(told: Kept, waiters: Vec<oneshot::Sender<Result<(), String>>>) {
    let outcome = kept(told).await;
    for waiter in waiters {
        let _ = waiter.send(outcome.clone());
    }
}
