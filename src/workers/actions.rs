//! Runs what the gate has let through: for a key, for the palette and for `noctule run` alike.
//!
//! Actions on alarms are journalled in chunks and awaited: an operator is told that something is
//! done only after the COMMIT that holds it. Calls to controllers run four at a time; each keeps
//! its own error, and the whole command ends as one record of the journal.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::config::secret::{NotAReference, SecretRef};
use crate::model::action::{Action, HOLD, Verb};
use crate::model::command::{Intent, Outcome};
use crate::model::cpe::CpeRow;
use crate::model::ids::{ActionId, AlarmKey};
use crate::model::job::{Control, JobId, JobRequest, JobTargets};
use crate::model::record::{CommandRecord, Record};
use crate::model::text;
use crate::model::time::Ts;
use crate::model::topology::NodeRow;
use crate::store::Store;

use super::appliance;
use super::cpe_verb::CpeVerb;
use super::job_verb::JobVerb;
use super::jobs::{self, Jobs, Typed};
use super::now;
use super::resolve::{NewJob, Resolved, resolve};
use super::source::Sources;
use super::targets::{AlarmTargets, CpeTargets, JobTargets as JobRows, NodeTargets, SourceTargets, Tally, node_label};
use super::verb::{DeviceVerb, SourceVerb, alarm_words};
use super::{silences, stored, vms};
use crate::model::text::{counted, grouped};

/// Actions journalled in one go.
const CHUNK: usize = 2_000;
/// Calls to controllers at a time.
const AT_ONCE: usize = 4;
/// Calls for CPEs at a time: one CWMP worker of a server takes twenty sessions.
const CPES_AT_ONCE: usize = 10;
/// Errors kept in an outcome.
const ERRORS: usize = 100;

/// Told how far a command is: done, total.
pub trait Progress: Fn(u64, u64) + Send + Sync {}
impl<F: Fn(u64, u64) + Send + Sync> Progress for F {}

/// Runs intents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Executor {
    store: Store,
    sources: Sources,
    jobs: Jobs,
    undone: Arc<Mutex<HashSet<ActionId>>>,
}

impl Executor {
    /// An executor that journals in `store`, calls through `sources` and makes `jobs`.
    #[must_use]
    pub fn new(store: Store, sources: Sources, jobs: Jobs) -> Self {
        Self { store, sources, jobs, undone: Arc::default() }
    }

    /// Runs an intent to its end, or until `stop`: what has been done by then stays done and is
    /// told. Never fails as a whole without saying so in the outcome.
    pub async fn run(&self, intent: Intent, stop: &CancellationToken, progress: &dyn Progress) -> Outcome {
        let command = intent.command;
        if stored::is(command) {
            let (targets, outcome) = stored::run(&self.sources, &intent).await;
            return self.record(&intent, targets, outcome).await;
        }
        if silences::is(command) {
            let (targets, outcome) = silences::run(&self.store, &self.sources, &intent, stop, progress).await;
            return self.record(&intent, targets, outcome).await;
        }
        if vms::is(command) {
            let (targets, outcome) = vms::run(&self.store, &self.sources, &intent, stop, progress).await;
            return self.record(&intent, targets, outcome).await;
        }
        if appliance::is(command) {
            let (targets, outcome) = appliance::run(&self.store, &self.sources, &intent, stop, progress).await;
            return self.record(&intent, targets, outcome).await;
        }
        let store = self.store.clone();
        let wish = intent.clone();
        let resolved = crate::workers::blocking(move || {
            let mut reader = store.reader()?;
            resolve(&mut reader, &wish, now())
        });
        match resolved.await {
            Ok(Ok(resolved)) => match resolved {
                Resolved::Alarms(verb, targets) => self.act(&intent, &verb, targets, stop, progress).await,
                Resolved::Nodes(verb, targets) => self.call(&intent, &verb, targets, stop, progress).await,
                Resolved::Cpes(verb, targets) => self.call_cpes(&intent, &verb, targets, stop, progress).await,
                Resolved::Sources(verb, targets) => self.tell(&intent, verb, targets, stop, progress).await,
                Resolved::NewJob(new) => self.make_job(&intent, *new).await,
                Resolved::Jobs(verb, targets) => self.steer(&intent, &verb, targets).await,
            },
            Ok(Err(error)) => failed(command, error.to_string()),
            Err(_) => failed(command, "the look-up of the targets was ended".into()),
        }
    }

    async fn act(
        &self,
        intent: &Intent,
        verb: &Verb,
        targets: AlarmTargets,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        let batch = new_id();
        let at = now();
        let mut run = Run::new(intent.command, &targets.tally);
        for keys in targets.keys.chunks(CHUNK) {
            if stop.is_cancelled() {
                run.stopped = true;
                break;
            }
            let actions = keys.iter().enumerate().map(|(i, key)| {
                let first = run.outcome.done == 0 && i == 0;
                let id = if first { batch } else { new_id() };
                Record::Action(Action { id, batch, actor: intent.actor.clone(), at, key: *key, verb: verb.clone() })
            });
            let ticket = self.store.journal().append(actions.collect());
            match ticket.durable().await {
                Ok(_) => run.outcome.done += keys.len() as u64,
                Err(error) => {
                    run.error(counted(keys.len() as u64, "alarm", "alarms"), &error.to_string());
                    break;
                }
            }
            progress(run.outcome.done, run.outcome.total);
        }
        run.outcome.undo = (run.outcome.done > 0).then_some(batch);
        run.end(alarm_words(verb).1, "alarm", "alarms")
    }

    async fn call(
        &self,
        intent: &Intent,
        verb: &DeviceVerb,
        targets: NodeTargets,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        let mut run = Run::new(intent.command, &targets.tally);
        let names: Vec<String> = targets.rows.iter().take(ERRORS).map(|row| row.canonical.clone()).collect();
        let work = |row| async move {
            let label = node_label(&row);
            (label, self.call_one(intent, row).await.map(|()| String::new()))
        };
        run.carry(targets.rows, AT_ONCE, stop, progress, work).await;
        let (one, many) = if verb.on_ports() { ("port", "ports") } else { ("device", "devices") };
        let outcome = run.end(verb.past(), one, many);
        self.record(intent, names, outcome).await
    }

    async fn call_one(&self, intent: &Intent, row: NodeRow) -> Result<(), String> {
        match self.sources.get(&row.source) {
            Some(source) => source.command(intent, row).await,
            None => Err(format!("source `{}` is not in this configuration", text::clean(&row.source))),
        }
    }

    async fn call_cpes(
        &self,
        intent: &Intent,
        verb: &CpeVerb,
        targets: CpeTargets,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        if targets.rows.len() > 1 {
            let requests = jobs::verb::requests(verb, &targets.rows);
            if !requests.is_empty() {
                return self.as_jobs(intent, verb, &targets, requests).await;
            }
        }
        let mut run = Run::new(intent.command, &targets.tally);
        let names: Vec<String> = targets.rows.iter().take(ERRORS).map(|row| row.canonical.clone()).collect();
        let work = |row: CpeRow| async move {
            let result = match self.sources.get(&row.source) {
                Some(source) => source.cpe(verb, &row, &intent.actor).await,
                None => Err(format!("source `{}` is not in this configuration", text::clean(&row.source))),
            };
            (row.canonical, result.map(|()| String::new()))
        };
        run.carry(targets.rows, CPES_AT_ONCE, stop, progress, work).await;
        let outcome = run.end(verb.past(), "CPE", "CPEs");
        self.record(intent, names, outcome).await
    }

    /// A verb over several CPEs: jobs do it, with their proof, their pace and their control.
    async fn as_jobs(
        &self,
        intent: &Intent,
        verb: &CpeVerb,
        targets: &CpeTargets,
        requests: Vec<(JobRequest, Typed)>,
    ) -> Outcome {
        let mut run = Run::new(intent.command, &targets.tally);
        let mut made = Vec::new();
        for (request, typed) in requests {
            let JobTargets::Devices(devices) = &request.targets else { continue };
            let (source, n) = (request.source.clone(), devices.len() as u64);
            match self.jobs.create(request, typed, &intent.actor).await {
                Ok(id) => {
                    run.outcome.done += n;
                    run.outcome.job = Some(id);
                    made.push(id.to_string());
                }
                Err(why) => run.error(source, &why),
            }
        }
        let count = counted(run.outcome.done, "CPE", "CPEs");
        let words = format!("{} {count}: job {} begins", verb.title(), made.join(", job "));
        let outcome = run.end(verb.past(), "CPE", "CPEs");
        if made.is_empty() { outcome } else { Outcome { summary: words, ..outcome } }
    }

    async fn make_job(&self, intent: &Intent, new: NewJob) -> Outcome {
        let name = text::clean(&new.request.name).into_owned();
        let mut run = Run::new(intent.command, &Tally { total: 1, ..Tally::default() });
        let line = match self.jobs.create(new.request, new.typed, &intent.actor).await {
            Ok(id) => {
                run.outcome.done = 1;
                run.outcome.job = Some(id);
                format!("made job {name} ({id})")
            }
            Err(why) => {
                run.error(name, &why);
                format!("no job was made: {}", text::clean(&why))
            }
        };
        Outcome { summary: line, ..run.outcome }
    }

    async fn steer(&self, intent: &Intent, verb: &JobVerb, targets: JobRows) -> Outcome {
        let mut run = Run::new(intent.command, &targets.tally);
        for row in targets.rows {
            let told = match verb {
                JobVerb::Control(control) => self.jobs.control(row.job, *control, &intent.actor).await,
                JobVerb::Resume(secret) => self.resume(row.job, secret, &intent.actor).await,
                JobVerb::RollBack { dry_run } => {
                    self.jobs.roll_back(row.job, *dry_run, &intent.actor).await.map(|id| {
                        run.outcome.job = Some(id);
                        format!("put back by job {id}")
                    })
                }
                JobVerb::Create(_) => Err("a request makes a job, not one that exists".to_owned()),
            };
            let name = text::clean(&row.name).into_owned();
            match told {
                Ok(words) => {
                    run.outcome.done += 1;
                    run.outcome.job = run.outcome.job.or(Some(row.job));
                    run.told.push(format!("{name}: {words}"));
                }
                Err(why) => run.error(name, &why),
            }
        }
        run.end(verb.words().1, "job", "jobs")
    }

    /// Goes on with a job; before that it gets the secret that it lost.
    async fn resume(&self, job: JobId, secret: &str, actor: &str) -> Result<String, String> {
        if !secret.is_empty() {
            let reference: SecretRef = secret.parse().map_err(|e: NotAReference| e.to_string())?;
            let read = crate::workers::blocking(move || reference.resolve());
            let value = read.await?.map_err(|e| e.to_string())?;
            self.jobs.secret(job, value);
        }
        self.jobs.control(job, Control::Resume, actor).await
    }

    async fn tell(
        &self,
        intent: &Intent,
        verb: SourceVerb,
        targets: SourceTargets,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        let mut run = Run::new(intent.command, &targets.tally);
        let work = |name: String| async move {
            let result = self.tell_one(verb, &name).await;
            (name, result)
        };
        run.carry(targets.names.clone(), AT_ONCE, stop, progress, work).await;
        let outcome = run.end(verb.words().1, "source", "sources");
        self.record(intent, targets.names, outcome).await
    }

    async fn tell_one(&self, verb: SourceVerb, name: &str) -> Result<String, String> {
        let Some(source) = self.sources.get(name) else {
            return Err("not in this configuration".into());
        };
        match verb {
            SourceVerb::Pause => source.pause(true).await.map(|()| String::new()),
            SourceVerb::Resume => source.pause(false).await.map(|()| String::new()),
            SourceVerb::ResetBreaker => source.reset_breaker().await.map(|()| String::new()),
            SourceVerb::Poll => source.poll_now().await.map(|()| String::new()),
            SourceVerb::Test => source.test().await,
        }
    }

    /// Journals the command with its outcome. A journal that does not take it is told, too: the
    /// command was run all the same.
    async fn record(&self, intent: &Intent, mut targets: Vec<String>, mut outcome: Outcome) -> Outcome {
        if outcome.total == 0 {
            return outcome;
        }
        targets.truncate(ERRORS);
        let record = CommandRecord {
            at: now(),
            actor: intent.actor.clone(),
            command: intent.command.to_owned(),
            targets,
            total: u32::try_from(outcome.total).unwrap_or(u32::MAX),
            done: u32::try_from(outcome.done).unwrap_or(u32::MAX),
            errors: outcome.errors.iter().take(10).map(|(what, why)| format!("{what}: {why}")).collect(),
        };
        if let Err(error) = self.store.journal().append(vec![Record::Command(record)]).durable().await {
            let _ = write!(outcome.summary, " (not journalled: {error})");
        }
        outcome
    }

    /// Takes a batch of actions back: within the hold as if it had never been, later by doing the
    /// opposite, both staying in the alarms' history.
    pub async fn undo(
        &self,
        batch: ActionId,
        actor: &str,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        if !self.undone.lock().unwrap_or_else(PoisonError::into_inner).insert(batch) {
            return failed("undo", "undone already".into());
        }
        let outcome = self.take_back(batch, actor, stop, progress).await;
        if outcome.done == 0 {
            self.undone.lock().unwrap_or_else(PoisonError::into_inner).remove(&batch);
        }
        outcome
    }

    async fn take_back(
        &self,
        batch: ActionId,
        actor: &str,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        let store = self.store.clone();
        let actions = crate::workers::blocking(move || store.reader()?.batch(batch)).await;
        let actions = match actions {
            Ok(Ok(actions)) => actions,
            Ok(Err(error)) => return failed("undo", error.to_string()),
            Err(_) => return failed("undo", "the look-up was ended".into()),
        };
        let at = now();
        let actions: Vec<(AlarmKey, Action)> =
            actions.into_iter().filter(|(_, a)| !matches!(a.verb, Verb::Undo { .. })).collect();
        let Some((_, first)) = actions.first() else {
            return failed("undo", "there is nothing to undo: an undoing itself is undone by doing it again".into());
        };
        let within_hold = actions.iter().all(|(_, a)| held(a.at, at));
        let word = alarm_words(&first.verb).1;
        let mut run = Run::new("undo", &Tally { total: actions.len() as u64, ..Tally::default() });
        let undo = new_id();
        for chunk in actions.chunks(CHUNK) {
            if stop.is_cancelled() {
                run.stopped = true;
                break;
            }
            let records = chunk.iter().map(|(key, action)| {
                let verb = Verb::Undo { of: action.id, within_hold };
                Record::Action(Action { id: new_id(), batch: undo, actor: actor.to_owned(), at, key: *key, verb })
            });
            match self.store.journal().append(records.collect()).durable().await {
                Ok(_) => run.outcome.done += chunk.len() as u64,
                Err(error) => {
                    run.error(counted(chunk.len() as u64, "alarm", "alarms"), &error.to_string());
                    break;
                }
            }
            progress(run.outcome.done, run.outcome.total);
        }
        let mut outcome = run.end("undone on", "alarm", "alarms");
        if outcome.done > 0 {
            let how = if within_hold {
                "as if it had never been"
            } else {
                "by the opposite action; both stay in the history"
            };
            let _ = write!(outcome.summary, ": `{word}` taken back {how}");
        }
        outcome
    }
}

/// Whether an action is still held at `now`: it can be withdrawn without a trace of it having
/// been in force.
fn held(at: Ts, now: Ts) -> bool {
    (0..=HOLD).contains(&now.since(at))
}

fn new_id() -> ActionId {
    ActionId(uuid::Uuid::now_v7().into_bytes())
}

/// An outcome in the making.
pub(super) struct Run {
    pub(super) outcome: Outcome,
    /// What those that were done had to say.
    told: Vec<String>,
    left_out: Vec<(String, u64)>,
    failures: u64,
    /// It ended before all was done.
    pub(super) stopped: bool,
}

impl Run {
    pub(super) fn new(command: &str, tally: &Tally) -> Self {
        let outcome = Outcome { command: command.to_owned(), total: tally.total, ..Outcome::default() };
        let left_out = tally.skipped.iter().map(|(reason, n)| (reason.clone(), *n)).collect();
        Self { outcome, told: Vec::new(), left_out, failures: 0, stopped: false }
    }

    /// Does something to each target, so many at once, until `stop`; it gives the target's name and what came of
    /// it.
    pub(super) async fn carry<T, F: Future<Output = (String, Result<String, String>)>>(
        &mut self,
        targets: Vec<T>,
        at_once: usize,
        stop: &CancellationToken,
        progress: &dyn Progress,
        work: impl FnMut(T) -> F,
    ) {
        let calls = stream::iter(targets).take_while(|_| std::future::ready(!stop.is_cancelled()));
        let mut calls = std::pin::pin!(calls.map(work).buffer_unordered(at_once));
        let mut ended = 0;
        while let Some((label, result)) = calls.next().await {
            ended += 1;
            match result {
                Ok(words) => {
                    self.outcome.done += 1;
                    self.told.extend((!words.is_empty()).then(|| format!("{label}: {words}")));
                }
                Err(why) => self.error(label, &why),
            }
            progress(ended, self.outcome.total);
        }
        self.stopped = ended < self.outcome.total;
    }

    pub(super) fn error(&mut self, target: String, why: &str) {
        self.failures += 1;
        if self.outcome.errors.len() < ERRORS {
            self.outcome.errors.push((target, text::clean(why).into_owned()));
        }
    }

    /// Puts it in one line: `acknowledged 12 alarms; 3 skipped (already acknowledged)`.
    pub(super) fn end(mut self, past: &str, one: &str, many: &str) -> Outcome {
        let (done, total) = (self.outcome.done, self.outcome.total);
        let mut line = match (done, total) {
            (0, 0) => "nothing to do".to_owned(),
            (done, total) if done == total => format!("{past} {}", counted(done, one, many)),
            (done, total) => format!("{past} {} of {}", grouped(done), counted(total, one, many)),
        };
        if self.failures > 0 {
            let first = self.outcome.errors.first().map_or("", |(_, why)| why.as_str());
            let _ = write!(line, "; {} failed: {first}", grouped(self.failures));
        }
        if self.stopped {
            line.push_str("; stopped before the rest");
        }
        for (reason, n) in &self.left_out {
            let _ = write!(line, "; {} skipped ({reason})", grouped(*n));
        }
        // What the only one has to say is more than that it was done; what failed is told in any case.
        self.outcome.summary = match self.told.as_slice() {
            [only] if self.failures == 0 && !self.stopped && self.left_out.is_empty() => only.clone(),
            _ => line,
        };
        self.outcome
    }
}

/// The outcome of a command that did not begin.
pub(super) fn failed(command: &str, why: String) -> Outcome {
    Outcome {
        command: command.to_owned(),
        summary: why.clone(),
        errors: vec![(command.to_owned(), why)],
        ..Outcome::default()
    }
}
