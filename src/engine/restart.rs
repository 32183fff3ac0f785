//! The restart of one service, as a state machine: stop gracefully, TERM, KILL, start, see it run, see
//! its data flow again; each step with its time. It has no clock and no peers: instants and what was
//! seen come in, commands for whoever drives it come out.
//!
//! Between restarts of one service there is a pause that grows with each, so that a service that dies at
//! once is not restarted for ever, by a person or by a job. Two restarts of one service never run
//! at once. [`Restarts`] keeps both.

use std::collections::BTreeMap;

use crate::model::time::{SECOND, Ts};

/// How a restart goes about it. All spans are µs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Pauses after the first, second … restart; the last goes on.
    pub cool_down_us: Vec<i64>,
    /// After this time without a restart the pauses begin anew.
    pub forget_us: i64,
    /// How long the graceful stop may take before TERM is sent.
    pub stop_us: i64,
    /// How long TERM may take before KILL is sent.
    pub term_us: i64,
    /// How long KILL may take before the restart has failed.
    pub kill_us: i64,
    /// How long it may take to run.
    pub start_us: i64,
    /// How long it has to run on before it counts as running.
    pub settle_us: i64,
    /// How long data may take to flow again; `None`: data is not waited for.
    pub data_us: Option<i64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            cool_down_us: [0, 10, 30, 60, 120].map(|s| s * SECOND).to_vec(),
            forget_us: 600 * SECOND,
            stop_us: 10 * SECOND,
            term_us: 10 * SECOND,
            kill_us: 5 * SECOND,
            start_us: 30 * SECOND,
            settle_us: 2 * SECOND,
            data_us: Some(60 * SECOND),
        }
    }
}

/// How a service can be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its processes can be stopped, signalled and started one by one.
    Steps,
    /// One call does it all, and tells only whether it went well.
    OneCall,
}

/// What a service is seen doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// It is being started or stopped.
    Changing,
    /// Whoever starts it has given up.
    Failed,
    /// Nobody can tell just now.
    Unknown,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time passes.
    Tick,
    /// The service was looked at. `pid` 0: not told.
    Process {
        /// What it does.
        seen: Seen,
        /// Its process.
        pid: u32,
    },
    /// How its last run ended, in words; empty: well, or not told. Comes before what the same look saw.
    Ended(String),
    /// Data of it came in at that time.
    Data(Ts),
    /// A command could not be carried out, and why.
    Refused(String),
    /// We may not do that, nor anything sterner, and why.
    Denied(String),
    /// The one call has gone well.
    CallDone,
    /// A person ends it.
    Cancel,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Stop it gracefully.
    Stop,
    /// Send it TERM.
    Term,
    /// Send it KILL.
    Kill,
    /// Start it.
    Start,
    /// Make the one call.
    ApiRestart,
    /// It is over.
    Done(Outcome),
}

/// How a restart ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It runs, and data flows where that was waited for.
    Done,
    /// It runs, but no data came in time.
    Silent,
    /// It runs again or not, but not by this: why.
    Failed(String),
    /// A person ended it; what had been begun stands in the steps.
    Cancelled,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Ts,
    /// What, in words.
    pub what: String,
}

/// The end of a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How.
    pub verdict: Verdict,
    /// Every step with its time.
    pub steps: Vec<Step>,
    /// KILL had to be sent.
    pub killed: bool,
}

impl Outcome {
    /// How long it took, µs.
    #[must_use]
    pub fn took_us(&self) -> i64 {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => last.at.0.saturating_sub(first.at.0),
            _ => 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Stopping,
    Terminating,
    Killing,
    Calling,
    Starting,
    /// It runs, since then.
    Settling(Ts),
    /// It has run long enough, and data is waited for.
    Watching,
    Over,
}

/// One restart.
#[derive(Debug, Clone)]
pub struct Restart {
    policy: Policy,
    way: Way,
    phase: Phase,
    /// When the phase began.
    since: Ts,
    /// When it was started again: only data from then on counts.
    started: Ts,
    /// The process that was there before; 0: none, or not told.
    old_pid: u32,
    /// The process that was seen running since; 0: none, or not told.
    new_pid: u32,
    /// How a run since the last start has ended; empty: well, or not told.
    ended: String,
    /// The last data that was told of.
    data: Option<Ts>,
    steps: Vec<Step>,
    killed: bool,
}

impl Restart {
    /// A restart that has not begun. `pid` is the process that runs now; 0: none, or not told.
    #[must_use]
    pub const fn new(policy: Policy, way: Way, pid: u32) -> Self {
        Self {
            policy,
            way,
            phase: Phase::Idle,
            since: Ts(0),
            started: Ts(0),
            old_pid: pid,
            new_pid: 0,
            ended: String::new(),
            data: None,
            steps: Vec::new(),
            killed: false,
        }
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Begins. `running`: the service runs now, so that it has to be stopped first.
    pub fn begin(&mut self, now: Ts, running: bool) -> Option<Command> {
        if self.phase != Phase::Idle {
            return None;
        }
        match (self.way, running) {
            (Way::OneCall, _) => self.enter(now, Phase::Calling, "restart asked for", Some(Command::ApiRestart)),
            (Way::Steps, true) => self.enter(now, Phase::Stopping, "asked to stop", Some(Command::Stop)),
            (Way::Steps, false) => self.start(now, "not running: started"),
        }
    }

    /// Takes what happened. What is to be done, if anything is.
    pub fn on(&mut self, now: Ts, input: &Input) -> Option<Command> {
        if matches!(self.phase, Phase::Idle | Phase::Over) {
            return None;
        }
        match input {
            Input::Cancel => Some(self.end(now, Verdict::Cancelled, "cancelled")),
            Input::Data(at) => {
                self.data = self.data.max(Some(*at));
                self.flows(now)
            }
            Input::Ended(how) => {
                // While it runs again nothing is told of how it ended.
                if !how.is_empty() {
                    self.ended.clone_from(how);
                }
                None
            }
            Input::Refused(why) => self.refused(now, why),
            Input::Denied(why) => Some(self.fail(now, why.clone())),
            Input::CallDone if self.phase == Phase::Calling => {
                self.started = self.since;
                self.enter(now, Phase::Starting, "restart carried out", None)
            }
            Input::CallDone => None,
            Input::Process { seen, pid } => self.process(now, *seen, *pid).or_else(|| self.tick(now)),
            Input::Tick => self.tick(now),
        }
    }

    fn enter(&mut self, now: Ts, phase: Phase, what: &str, command: Option<Command>) -> Option<Command> {
        self.phase = phase;
        self.since = now;
        self.steps.push(Step { at: now, what: what.to_owned() });
        command
    }

    fn start(&mut self, now: Ts, what: &str) -> Option<Command> {
        self.started = now;
        self.ended.clear();
        self.enter(now, Phase::Starting, what, Some(Command::Start))
    }

    fn end(&mut self, now: Ts, verdict: Verdict, what: &str) -> Command {
        self.enter(now, Phase::Over, what, None);
        Command::Done(Outcome { verdict, steps: self.steps.clone(), killed: self.killed })
    }

    fn fail(&mut self, now: Ts, why: String) -> Command {
        let what = why.clone();
        self.end(now, Verdict::Failed(why), &what)
    }

    fn refused(&mut self, now: Ts, why: &str) -> Option<Command> {
        match self.phase {
            // What cannot be stopped gracefully, or has ended meanwhile, is looked at again; the
            // sterner ways follow by the clock.
            Phase::Stopping | Phase::Terminating => {
                self.steps.push(Step { at: now, what: format!("refused: {why}") });
                None
            }
            Phase::Killing => Some(self.fail(now, format!("it could not be killed: {why}"))),
            Phase::Calling | Phase::Starting => Some(self.fail(now, format!("it could not be started: {why}"))),
            _ => None,
        }
    }

    fn process(&mut self, now: Ts, seen: Seen, pid: u32) -> Option<Command> {
        let replaced = pid != 0 && self.old_pid != 0 && pid != self.old_pid;
        match (self.phase, seen) {
            (Phase::Stopping | Phase::Terminating | Phase::Killing, Seen::Stopped | Seen::Failed) => {
                let what = format!("stopped{}; started", self.how_ended());
                self.start(now, &what)
            }
            // Whoever watches over it was faster.
            (Phase::Stopping | Phase::Terminating | Phase::Killing, Seen::Running) if replaced => {
                self.started = self.since;
                self.new_pid = pid;
                self.enter(now, Phase::Settling(now), "it was started again by its supervisor", None)
            }
            (Phase::Starting, Seen::Running) if self.old_pid == 0 || pid == 0 || replaced => {
                self.new_pid = pid;
                self.enter(now, Phase::Settling(now), "running", None)
            }
            // Between two looks: what dies at once and is started at once is seen running each time.
            (Phase::Settling(_) | Phase::Watching, Seen::Running)
                if pid != 0 && self.new_pid != 0 && pid != self.new_pid =>
            {
                self.enter(now, Phase::Starting, "it ended again", None)
            }
            (Phase::Starting | Phase::Settling(_) | Phase::Watching, Seen::Failed) => {
                let why = format!("it ends as soon as it is started{}: see its log", self.how_ended());
                Some(self.fail(now, why))
            }
            (Phase::Settling(_), Seen::Stopped | Seen::Changing) => {
                self.enter(now, Phase::Starting, "it ended again", None);
                None
            }
            (Phase::Watching, Seen::Stopped) => {
                Some(self.fail(now, "it ended again while data was waited for".to_owned()))
            }
            _ => None,
        }
    }

    fn how_ended(&self) -> String {
        if self.ended.is_empty() { String::new() } else { format!(" ({})", self.ended) }
    }

    fn flows(&mut self, now: Ts) -> Option<Command> {
        if self.phase == Phase::Watching && self.data.is_some_and(|d| d.0 >= self.started.0) {
            return Some(self.end(now, Verdict::Done, "data flows again"));
        }
        None
    }

    fn tick(&mut self, now: Ts) -> Option<Command> {
        let waited = now.0.saturating_sub(self.since.0);
        let policy = &self.policy;
        match self.phase {
            Phase::Stopping if waited >= policy.stop_us => {
                self.enter(now, Phase::Terminating, "still running: TERM", Some(Command::Term))
            }
            Phase::Terminating if waited >= policy.term_us => {
                self.killed = true;
                self.enter(now, Phase::Killing, "still running: KILL", Some(Command::Kill))
            }
            Phase::Killing if waited >= policy.kill_us => {
                Some(self.fail(now, "it does not end, not even by KILL".to_owned()))
            }
            Phase::Calling | Phase::Starting
                if now.0.saturating_sub(self.started.0.max(self.first())) >= self.most_start() =>
            {
                let why = format!("it did not run in time{}: see its log", self.how_ended());
                Some(self.fail(now, why))
            }
            Phase::Settling(since) if now.0.saturating_sub(since.0) >= policy.settle_us => {
                if policy.data_us.is_none() {
                    return Some(self.end(now, Verdict::Done, "runs on"));
                }
                self.enter(now, Phase::Watching, "runs on; data is waited for", None);
                self.flows(now)
            }
            Phase::Watching if policy.data_us.is_some_and(|most| waited >= most) => {
                Some(self.end(now, Verdict::Silent, "no data came in time"))
            }
            _ => None,
        }
    }

    fn first(&self) -> i64 {
        self.steps.first().map_or(0, |s| s.at.0)
    }

    /// A one call stops, too, before it starts.
    const fn most_start(&self) -> i64 {
        match self.way {
            Way::Steps => self.policy.start_us,
            Way::OneCall => self.policy.start_us + self.policy.stop_us,
        }
    }
}

/// Why a restart is not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// One runs already.
    #[error("a restart of {0} is under way")]
    Running(String),
    /// The last one was too short a time ago.
    #[error("{service} was restarted {count} times lately; the next restart is possible in {} s", (.wait_us + SECOND - 1) / SECOND)]
    CoolDown {
        /// The service.
        service: String,
        /// How long still, µs.
        wait_us: i64,
        /// Restarts that count.
        count: u32,
    },
}

/// Which restarts run, and when each service was restarted: one a source.
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    services: BTreeMap<String, Past>,
}

#[derive(Debug, Clone, Copy)]
struct Past {
    running: bool,
    count: u32,
    ended: Ts,
}

impl Restarts {
    /// Whether a restart may begin; then it counts as running until [`Restarts::ended`].
    ///
    /// # Errors
    /// Why not, and how long that lasts.
    pub fn begin(&mut self, service: &str, policy: &Policy, now: Ts) -> Result<(), NotNow> {
        self.may(service, policy, now)?;
        let past = self.services.entry(service.to_owned()).or_insert(Past { running: false, count: 0, ended: Ts(0) });
        if past.count > 0 && now.0.saturating_sub(past.ended.0) >= policy.forget_us {
            past.count = 0;
        }
        past.running = true;
        past.count = past.count.saturating_add(1);
        Ok(())
    }

    /// Whether a restart may begin now.
    ///
    /// # Errors
    /// Why not, and how long that lasts.
    pub fn may(&self, service: &str, policy: &Policy, now: Ts) -> Result<(), NotNow> {
        let Some(past) = self.services.get(service) else { return Ok(()) };
        if past.running {
            return Err(NotNow::Running(service.to_owned()));
        }
        let since = now.0.saturating_sub(past.ended.0).max(0);
        let at = usize::try_from(past.count.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause = policy.cool_down_us.get(at).or(policy.cool_down_us.last()).copied().unwrap_or(0);
        if past.count > 0 && since < pause && since < policy.forget_us {
            let wait_us = pause.min(policy.forget_us) - since;
            return Err(NotNow::CoolDown { service: service.to_owned(), wait_us, count: past.count });
        }
        Ok(())
    }

    /// A restart has ended, however.
    pub fn ended(&mut self, service: &str, now: Ts) {
        if let Some(past) = self.services.get_mut(service) {
            past.running = false;
            past.ended = now;
        }
    }
}

#[cfg(test)]
#[path = "restart_tests.rs"]
mod tests;
