//! Time: schedules and their turns, windows, leases, what is said while a job waits, and old jobs
//! that go.

use std::time::{Duration, Instant};

use crate::engine::job::{Job, LEASE, schedule, unproven};
use crate::model::job::repeat::Repeat;
use crate::model::job::{JobEvent, JobId, JobRequest, Phase, Schedule};
use crate::model::time::{MINUTE, Ts, brief_duration};
use crate::store::Error;
use crate::workers::now;

use super::book::kept;
use super::context;
use super::news::News;
use super::runner::{Down, Runner};

/// How late a job may begin by itself.
const LATE: i64 = 10 * MINUTE;
/// How long the lease of a job holds that only waits for devices to inform.
const WAITING: i64 = 10 * MINUTE;
/// Pause between looks for old jobs.
const PURGE: Duration = Duration::from_secs(3_600);
/// How long giving back leases may take.
const GIVE_BACK: Duration = Duration::from_secs(1);

impl Runner {
    /// The turn of a recurring job: a job of its own does it.
    pub(super) fn turn(&mut self, id: JobId, request: &JobRequest, now: Ts) {
        let Some(job) = self.book.jobs.get(&id) else { return };
        let Some(plan) = request.schedule.as_ref().and_then(|s| schedule::parse(s).ok()) else { return };
        let by_hand = job.header.started_by_hand;
        let due = if by_hand { now } else { job.header.due_at };
        let running = job.header.last_run.and_then(|last| self.book.jobs.get(&last));
        let busy = running.is_some_and(|last| !last.header.phase.is_over());
        let actor = job.header.actor.clone();
        let mut events = Vec::new();
        if !busy {
            let child = JobId(uuid::Uuid::now_v7().into_bytes());
            let once = request.schedule.clone().map(|s| Schedule { repeat: Repeat::Once, ..s });
            let day = due.to_utc().map(|t| t.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
            let made = JobRequest { name: format!("{} {day}", request.name), schedule: once, ..request.clone() };
            events.extend([
                (child, JobEvent::Created(made)),
                (child, JobEvent::Due(due)),
                (id, JobEvent::Spawned(child)),
            ]);
            let typed = self.shared.typed().get(&id).cloned();
            if let Some(typed) = typed {
                self.shared.typed().insert(child, typed);
            }
        }
        match plan.after(now) {
            Some(at) => events.push((id, JobEvent::Due(at))),
            None => events.push((id, JobEvent::Refused("it has had its last turn".to_owned()))),
        }
        drop(self.book.tell(&actor, events));
    }

    /// Takes or renews the lease of a job; whether it is ours.
    pub(super) fn lease(&mut self, id: JobId, now: Ts) -> bool {
        let me = self.shared.me.clone();
        let Some(header) = self.book.jobs.get(&id).map(|j| &j.header) else { return false };
        if !header.free_for(&me, now) && !has_ended(&header.owner, &me) {
            return false;
        }
        let length = if matches!(header.phase, Phase::Ended | Phase::Paused | Phase::Held) { WAITING } else { LEASE };
        if header.owner != me || header.lease_until.since(now) < length * 2 / 3 {
            let lease = JobEvent::Lease { owner: me.clone(), until: now.plus(length) };
            drop(self.book.tell(&me, vec![(id, lease)]));
        }
        true
    }

    /// Gives back what is ours, and ends what runs.
    pub(super) async fn give_back(&mut self) {
        self.tasks.abort_all();
        let me = self.shared.me.clone();
        let ours = self.book.jobs.values().filter(|job| job.header.owner == me);
        let back = |id| (id, JobEvent::Lease { owner: me.clone(), until: Ts::NEVER });
        let events: Vec<_> = ours.map(|job| back(job.id)).collect();
        let told = self.book.tell(&me, events);
        let _ = tokio::time::timeout(GIVE_BACK, kept(told)).await;
    }

    /// Says what a job waits for although it may run, or that it does not any more.
    pub(super) fn say(&mut self, id: JobId, request: &JobRequest, now: Ts) {
        let Some(job) = self.book.jobs.get(&id) else { return };
        let source = self.source_name(&request.source);
        let words = match job.header.phase {
            Phase::Waiting if missed(job, request, now) => match &request.schedule {
                Some(s) if s.repeat != Repeat::Once => return self.skip_turn(id, request, now),
                _ => {
                    let ago = brief_duration(now.since(job.header.due_at));
                    format!("its time passed {ago} ago while nothing ran it: start it by hand, or cancel it")
                }
            },
            Phase::Waiting if !is_due(job, now) => String::new(),
            Phase::Waiting | Phase::Running | Phase::Cancelling => {
                let silence = self.silence(&source);
                let stands = job.header.phase == Phase::Running && job.header.counts.active == 0;
                if silence.is_empty() && stands && job.header.counts.waiting > 0 && unproven(job) {
                    "no device of this portion has shown a result yet: it waits for one of them to inform".to_owned()
                } else {
                    silence
                }
            }
            _ => return,
        };
        if job.header.why != words {
            let me = self.shared.me.clone();
            drop(self.book.tell(&me, vec![(id, JobEvent::Waits(words))]));
        }
    }

    fn skip_turn(&mut self, id: JobId, request: &JobRequest, now: Ts) {
        let plan = request.schedule.as_ref().and_then(|s| schedule::parse(s).ok());
        if let Some(at) = plan.and_then(|p| p.after(now)) {
            let me = self.shared.me.clone();
            drop(self.book.tell(&me, vec![(id, JobEvent::Due(at))]));
        }
    }

    /// Why a controller is not asked anything, in words; empty when it is.
    fn silence(&self, source: &str) -> String {
        if context::source(&self.shared, source).is_ok_and(|acs| acs.is_paused()) {
            return format!("{source} is paused");
        }
        match self.down.get(source) {
            Some(Down { since, why, .. }) => {
                let at = since.to_utc().map(|t| t.format("%H:%M:%S UTC").to_string()).unwrap_or_default();
                format!("{source} does not answer since {at}: {why}")
            }
            None => String::new(),
        }
    }

    /// Whether a controller is not to be asked anything.
    pub(super) fn is_silent(&self, source: &str) -> bool {
        self.down.contains_key(source) || context::source(&self.shared, source).is_ok_and(|acs| acs.is_paused())
    }

    /// Asks silent controllers whether they are back, and those that much is asked of whether they
    /// still are there: the answer to a task may take minutes.
    pub(super) fn probe(&mut self) {
        let options = self.shared.options;
        let busy: Vec<String> = self
            .sides
            .iter()
            .filter(|(_, side)| !side.hands.is_empty())
            .filter_map(|(id, _)| self.book.jobs.get(id)?.header.request.as_ref())
            .map(|request| self.source_name(&request.source))
            .collect();
        self.pulse.retain(|source, _| busy.contains(source));
        let mut ask = Vec::new();
        for (source, down) in &mut self.down {
            if !down.probing && down.probed.elapsed() >= options.probe {
                down.probing = true;
                ask.push(source.clone());
            }
        }
        for source in busy {
            let at = self.pulse.entry(source.clone()).or_insert_with(Instant::now);
            if at.elapsed() >= options.pulse && !self.down.contains_key(&source) {
                *at = Instant::now();
                ask.push(source);
            }
        }
        if !self.down.is_empty() {
            self.ran = true;
        }
        for source in ask {
            let Ok(acs) = context::source(&self.shared, &source) else {
                self.down.remove(&source);
                continue;
            };
            let news = self.news.clone();
            self.tasks.spawn(async move {
                let call = async {
                    let (client, _) = acs.tools().await?;
                    client.about().await.map_err(|e| e.what.words())
                };
                let outcome = tokio::time::timeout(options.question, call).await;
                let _ = news.send(match outcome {
                    Ok(Ok(_)) => News::Up(source),
                    Ok(Err(why)) => News::Down(source, why),
                    Err(_) => News::Down(source, format!("no answer in {} s", options.question.as_secs())),
                });
            });
        }
    }

    /// Old jobs go with the retention of the cache.
    pub(super) async fn purge(&mut self) {
        if self.purged.is_some_and(|at| at.elapsed() < PURGE) {
            return;
        }
        self.purged = Some(Instant::now());
        let (store, before) = (self.shared.store.clone(), now().plus(self.shared.store.keep_us().saturating_neg()));
        let read = crate::workers::blocking(move || store.reader()?.jobs_over_before(before));
        let old = match read.await {
            Ok(Ok(old)) => old,
            Ok(Err(error @ Error::Interrupted)) => return tracing::debug!(%error, "old jobs stay for now"),
            Ok(Err(error)) => return tracing::warn!(%error, "old jobs cannot be looked for"),
            Err(_) => return,
        };
        let me = self.shared.me.clone();
        drop(self.book.tell(&me, old.into_iter().map(|job| (job, JobEvent::Purged)).collect()));
    }
}

/// Whether the time of a job passed while nothing ran it.
fn missed(job: &Job, request: &JobRequest, now: Ts) -> bool {
    let header = &job.header;
    let late = header.due_at.is_set() && now.since(header.due_at) > LATE;
    if header.phase != Phase::Waiting || header.started_by_hand || !late {
        return false;
    }
    let plan = request.schedule.as_ref().and_then(|s| schedule::parse(s).ok());
    let window = plan.and_then(|p| p.window_end(header.due_at));
    // Within its window it is not too late.
    window.is_none_or(|end| end <= now)
}

/// Whether a job that waits may begin.
pub(super) fn is_due(job: &Job, now: Ts) -> bool {
    let header = &job.header;
    let Some(request) = &header.request else { return false };
    header.started_by_hand
        || request.schedule.is_none()
        || (header.due_at.is_set() && header.due_at <= now && !missed(job, request, now))
}

/// When a job may begin no more devices.
pub(super) fn window_end(job: &Job, request: &JobRequest) -> Option<Ts> {
    let plan = schedule::parse(request.schedule.as_ref()?).ok()?;
    let header = &job.header;
    let start = if header.started_by_hand || !header.due_at.is_set() { header.started_at } else { header.due_at };
    plan.window_end(start).filter(|_| start.is_set())
}

/// Whether the process that a lease names ran on this machine and is gone: then nobody has to wait
/// until its lease ends.
fn has_ended(owner: &str, me: &str) -> bool {
    let mut parts = owner.split('/');
    let host = parts.next();
    let pid = parts.next().and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
    let gone = |pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
    host == me.split('/').next() && pid.is_some_and(gone)
}
