//! What is due, and who does it: asks [`next`] of every job, in their order, within what their
//! controllers carry.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::job::{Act, Job, Limits, State, next};
use crate::model::job::{Class, JobEvent, JobId, JobRequest, JobTargets, Phase, Work};
use crate::model::time::{MINUTE, Ts};
use crate::workers::now;

use super::context::{self, Context, Saved};
use super::device::{Line, Turn};
use super::due::{is_due, window_end};
use super::news::News;
use super::poll::Seen;
use super::runner::{Ready, Runner};
use super::{device, dry, freeze, look, poll, prove};

/// How long a job that is over stays in memory.
const REMEMBERED: i64 = MINUTE;
/// Tasks taken back at a time.
const WITHDRAWN: usize = 8;

/// What the controllers carry and who has which device, while the jobs are gone through.
struct Round {
    now: Ts,
    /// The disk takes nothing: nothing new is begun.
    stuck: bool,
    /// Places left, by controller.
    free: HashMap<String, usize>,
    /// Devices that some job works on.
    taken: HashSet<(String, String)>,
    /// Devices with a task waiting for them, and the job it is of.
    waited: HashMap<(String, String), (JobId, String)>,
}

impl Runner {
    /// Lets everything happen that is due.
    pub(super) async fn drive(&mut self) {
        self.ran = false;
        if self.refused.is_some() {
            self.ran = true;
            self.recover().await;
            if self.refused.is_some() {
                return;
            }
        }
        self.purge().await;
        self.probe();
        let mut round = self.round();
        let mut order: Vec<_> =
            self.book.jobs.values().map(|j| (Reverse(j.header.priority()), j.header.created_at, j.id)).collect();
        order.sort_unstable();
        for (_, _, id) in order {
            self.step(id, &mut round).await;
        }
        self.forget(round.now);
    }

    fn round(&self) -> Round {
        let stuck = self.shared.store.snapshots().borrow().trouble.is_some();
        let mut round =
            Round { now: now(), stuck, free: HashMap::new(), taken: HashSet::new(), waited: HashMap::new() };
        let open: Vec<&Job> = self.book.jobs.values().filter(|j| !j.list.is_empty()).collect();
        let several = open.len() > 1;
        let mut used: HashMap<String, usize> = HashMap::new();
        for job in open {
            let Some(request) = &job.header.request else { continue };
            let source = self.source_name(&request.source);
            *used.entry(source.clone()).or_default() += job.header.counts.active as usize + self.starting(job);
            let most = round.free.entry(source.clone()).or_insert_with(|| self.carries(&source));
            *most = (*most).max(request.max_concurrent.map_or(0, usize::from));
            if several {
                for (device, waits) in job.held() {
                    let key = (source.clone(), device.to_owned());
                    if waits {
                        round.waited.insert(key, (job.id, request.name.clone()));
                    } else {
                        round.taken.insert(key);
                    }
                }
            }
        }
        for (source, used) in used {
            if let Some(free) = round.free.get_mut(&source) {
                *free = free.saturating_sub(used);
            }
        }
        round
    }

    /// Devices at a time that a controller carries.
    fn carries(&self, source: &str) -> usize {
        context::source(&self.shared, source).map_or(10, |acs| acs.config().max_concurrent as usize)
    }

    /// The controller that a job means.
    pub(super) fn source_name(&self, named: &str) -> String {
        if named.is_empty() {
            return context::source(&self.shared, named).map_or_else(|_| String::new(), |acs| acs.name().to_string());
        }
        named.to_owned()
    }

    /// Devices that are about to begin: their intents are not in the journal yet.
    fn starting(&self, job: &Job) -> usize {
        let Some(side) = self.sides.get(&job.id) else { return 0 };
        let waits = |i: &&u32| job.devices.get(**i as usize).is_some_and(|d| d.state == State::Waiting);
        side.hands.all().filter(waits).count()
    }

    /// Devices in hand that have nothing but a task at the controller.
    fn withdrawing(&self, id: JobId) -> usize {
        let (Some(job), Some(side)) = (self.book.jobs.get(&id), self.sides.get(&id)) else { return 0 };
        let left = |i: &&u32| {
            job.devices.get(**i as usize).is_some_and(|d| matches!(d.state, State::Queued | State::Ended(_)))
        };
        side.hands.all().filter(left).count()
    }

    async fn step(&mut self, id: JobId, round: &mut Round) {
        let Some(job) = self.book.jobs.get(&id) else { return };
        let Some(request) = job.header.request.as_ref().map(light) else { return };
        let busy = job.header.counts.active > 0 || job.header.counts.of(Class::OfflineQueued) > 0;
        let open = match job.header.phase {
            Phase::Waiting => is_due(job, round.now),
            Phase::Freezing | Phase::Running | Phase::Cancelling => true,
            Phase::Paused | Phase::Held | Phase::Ended => busy || job.to_poll().next().is_some(),
            Phase::Cancelled | Phase::Refused => false,
        };
        self.say(id, &request, round.now);
        if !open {
            return;
        }
        self.ran = true;
        if !self.lease(id, round.now) {
            return;
        }
        let source = self.source_name(&request.source);
        let up = !self.is_silent(&source) && !round.stuck;
        // Records change what is due: asked until there are none.
        for _ in 0..8 {
            let acts = self.due(id, &request, &source, round);
            let records: Vec<JobEvent> =
                acts.iter().filter_map(|a| if let Act::Record(e) = a { Some(e.clone()) } else { None }).collect();
            if records.is_empty() {
                if up {
                    self.act(id, &request, &source, acts, round).await;
                }
                break;
            }
            let actor = self.shared.me.clone();
            let over = records.contains(&JobEvent::Ended);
            drop(self.book.tell(&actor, records.into_iter().map(|e| (id, e)).collect()));
            if over && matches!(&request.work, Work::Verb(verb) if verb.at_controller()) && !request.dry_run {
                self.show(id, &source);
            }
        }
        if up {
            self.poll(id);
        }
    }

    fn due(&self, id: JobId, request: &JobRequest, source: &str, round: &Round) -> Vec<Act> {
        let Some(job) = self.book.jobs.get(&id) else { return Vec::new() };
        let side = self.sides.get(&id);
        let starting = self.starting(job);
        let free = round.free.get(source).copied().unwrap_or(0);
        let own = request.max_concurrent.map_or_else(|| self.carries(source), usize::from);
        let active = job.header.counts.active as usize;
        let options = &self.shared.options;
        let settle = if request.work.once_only() { options.settle_once } else { options.settle };
        let elsewhere = |device: &str| {
            !round.taken.is_empty()
                && !job.holds(device)
                && round.taken.contains(&(source.to_owned(), device.to_owned()))
        };
        let limits = Limits {
            now: round.now,
            places: (active + free).min(own.saturating_sub(starting)),
            settle,
            window_end: window_end(job, request),
            in_hand: &|i| side.is_some_and(|s| s.hands.hold(i) || s.watched.contains(&i)),
            elsewhere: &elsewhere,
        };
        next(job, &limits)
    }

    async fn act(&mut self, id: JobId, request: &JobRequest, source: &str, acts: Vec<Act>, round: &mut Round) {
        if acts.is_empty() && self.book.jobs.get(&id).is_none_or(|j| j.to_poll().next().is_none()) {
            return;
        }
        if acts.iter().any(|a| matches!(a, Act::Freeze)) {
            return self.freeze(id, round.now);
        }
        let Some(context) = self.context(id, request).await else { return };
        let line = Line { context, news: self.news.clone() };
        let mut turns = Vec::new();
        let mut withdrawn = self.withdrawing(id);
        for act in acts {
            let (Act::Begin(i) | Act::Look(i) | Act::Prove(i) | Act::Withdraw(i)) = act else { continue };
            let Some(job) = self.book.jobs.get(&id) else { return };
            let (Some(state), Some(frozen)) = (job.devices.get(i as usize), job.list.get(i as usize)) else { continue };
            let (state, device) = (state.clone(), frozen.device.clone());
            if matches!(act, Act::Withdraw(_)) {
                if withdrawn >= WITHDRAWN {
                    continue;
                }
                withdrawn += 1;
            }
            let side = self.sides.entry(id).or_default();
            side.hands.take(i);
            match act {
                Act::Begin(_) => {
                    let key = (source.to_owned(), device.clone());
                    let busy = round.waited.get(&key).filter(|(of, _)| *of != id).map(|(_, name)| name.clone());
                    round.taken.insert(key);
                    turns.push(Turn { index: i, device, busy });
                }
                Act::Look(_) => _ = self.tasks.spawn(look::look(line.clone(), i, device, state)),
                Act::Prove(_) => _ = self.tasks.spawn(prove::prove(line.clone(), i, device, state)),
                _ => _ = self.tasks.spawn(look::withdraw(line.clone(), i, device, state)),
            }
        }
        if turns.is_empty() {
            return;
        }
        if request.dry_run {
            self.tasks.spawn(dry::run(line, turns));
            return;
        }
        if let Some(free) = round.free.get_mut(source) {
            *free = free.saturating_sub(turns.len());
        }
        self.tasks.spawn(device::begin(line, turns));
    }

    /// What the server did by itself shows in no inform: the rows of the devices are read again.
    fn show(&mut self, id: JobId, source: &str) {
        let (Some(job), Ok(acs)) = (self.book.jobs.get(&id), context::source(&self.shared, source)) else { return };
        let changed = |(_, device): &(_, &crate::engine::job::Device)| device.state == State::Ended(Class::Changed);
        let ids: Vec<String> =
            job.list.iter().zip(&job.devices).filter(changed).map(|(frozen, _)| frozen.device.clone()).collect();
        self.tasks.spawn(async move {
            if let Err(why) = acs.again(&ids).await {
                tracing::debug!(%why, "devices could not be read again");
            }
        });
    }

    fn freeze(&mut self, id: JobId, now: Ts) {
        let Some(request) = self.book.jobs.get(&id).and_then(|j| j.header.request.clone()) else { return };
        if request.schedule.as_ref().is_some_and(|s| s.repeat != crate::model::job::repeat::Repeat::Once) {
            return self.turn(id, &request, now);
        }
        let side = self.side(id);
        if std::mem::replace(&mut side.freezing, true) {
            return;
        }
        let (shared, news) = (Arc::clone(&self.shared), self.news.clone());
        self.tasks.spawn(async move {
            let outcome = freeze::freeze(shared, id, request).await;
            let _ = news.send(News::Frozen(id, outcome));
        });
    }

    /// What a job needs; asked for when it is not there yet.
    async fn context(&mut self, id: JobId, request: &JobRequest) -> Option<Arc<Context>> {
        match &self.side(id).ready {
            Ready::Yes(context) => return Some(Arc::clone(context)),
            Ready::Asked => return None,
            Ready::No => {}
        }
        let saved = match request.rolls_back {
            Some(of) => self.saved(of).await,
            None => HashMap::new(),
        };
        self.side(id).ready = Ready::Asked;
        // Taking tasks back and looking at what waits needs neither secrets nor the file.
        let whole = self.book.jobs.get(&id).is_some_and(|j| j.header.phase == Phase::Running);
        let (shared, news, request) = (Arc::clone(&self.shared), self.news.clone(), request.clone());
        self.tasks.spawn(async move {
            let made = context::make(shared, id, request, saved, whole).await;
            let _ = news.send(News::Ready(id, made.map(Box::new)));
        });
        None
    }

    /// What the devices of a job held before it.
    async fn saved(&mut self, of: JobId) -> HashMap<String, Saved> {
        match self.job(of).await {
            Ok(old) => (0..)
                .zip(old.list.iter().zip(&old.devices))
                .filter(|(_, (_, device))| !device.before.is_empty())
                .map(|(index, (frozen, device))| {
                    (frozen.device.clone(), Saved { index, before: device.before.clone() })
                })
                .collect(),
            Err(why) => {
                tracing::error!(job = %of, %why, "the job to roll back cannot be read");
                HashMap::new()
            }
        }
    }

    /// Looks at what shows only by asking, when it is time to.
    fn poll(&mut self, id: JobId) {
        let first = self.shared.options.poll.0;
        let Some(job) = self.book.jobs.get(&id) else { return };
        let Some(side) = self.sides.get_mut(&id) else { return };
        let Ready::Yes(context) = &side.ready else { return };
        if side.polling || side.poll_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        let written = |i: &u32| job.devices.get(*i as usize).is_some_and(|d| d.state == State::Written);
        side.watched.retain(written);
        let all: BTreeSet<u32> = job.to_poll().chain(side.watched.iter().copied()).collect();
        let free: Vec<u32> = all.into_iter().filter(|i| !side.hands.hold(*i)).collect();
        if free.is_empty() {
            return;
        }
        if side.pause.is_zero() {
            side.pause = first;
        }
        side.polling = true;
        let seen = free
            .into_iter()
            .filter_map(|index| {
                let device = job.list.get(index as usize)?.device.clone();
                Some(Seen { index, device, state: job.devices.get(index as usize)?.clone() })
            })
            .inspect(|seen| side.hands.take(seen.index))
            .collect();
        let line = Line { context: Arc::clone(context), news: self.news.clone() };
        self.tasks.spawn(poll::look(line, seen));
    }

    /// Jobs that were over some time ago leave the memory, and with them their secrets.
    fn forget(&mut self, now: Ts) {
        let over: Vec<JobId> = self
            .book
            .jobs
            .values()
            .filter(|job| {
                let header = &job.header;
                header.phase.is_over()
                    && job.to_poll().next().is_none()
                    && now.since(header.ended_at) > REMEMBERED
                    && self.sides.get(&job.id).is_none_or(|s| s.hands.is_empty())
            })
            .map(|job| job.id)
            .collect();
        for id in over {
            self.book.jobs.remove(&id);
            self.sides.remove(&id);
            self.shared.typed().remove(&id);
        }
    }
}

/// A request without its devices, of which there may be thousands.
fn light(request: &JobRequest) -> JobRequest {
    let targets = match &request.targets {
        JobTargets::Devices(_) => JobTargets::Devices(Vec::new()),
        other => other.clone(),
    };
    JobRequest {
        name: request.name.clone(),
        description: String::new(),
        source: request.source.clone(),
        targets,
        work: request.work.clone(),
        schedule: request.schedule.clone(),
        ..*request
    }
}
