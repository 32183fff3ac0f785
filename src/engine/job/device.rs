//! The state of one device of a job. An event that does not fit the state is ignored: answers come
//! late, twice and in any order, and none of them may undo what is known.

use minicbor::{Decode, Encode};

use crate::model::job::{Answer, Before, Class, DeviceEvent, Old, ParamFault, Stage, Work};
use crate::model::time::Ts;

/// What a job does, as far as the states of its devices depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It sets values: proof is reading back.
    Values,
    /// It loads a file: proof goes by stages.
    Transfer,
    /// Anything else: proof is what the runner finds.
    Verb,
}

impl Kind {
    /// The kind of some work.
    #[must_use]
    pub const fn of(work: &Work) -> Self {
        match work {
            Work::Set(_) | Work::RollBack => Self::Values,
            Work::Firmware(_) => Self::Transfer,
            Work::Verb(_) => Self::Verb,
        }
    }
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub enum State {
    /// Not begun.
    #[n(0)]
    #[default]
    Waiting,
    /// The write is on its way, or was when the process ended.
    #[n(1)]
    Sending,
    /// The session ran: proof outstanding.
    #[n(2)]
    Written,
    /// The task waits at the controller.
    #[n(3)]
    Queued,
    /// A download is under way.
    #[n(4)]
    Stage(#[n(0)] Stage),
    /// Through.
    #[n(5)]
    Ended(#[n(0)] Class),
}

impl State {
    /// All words, for filters.
    pub const WORDS: [&'static str; 19] = [
        "waiting",
        "sending",
        "written",
        "accepted",
        "transferring",
        "transferred",
        "rebooted",
        "verified",
        "changed",
        "unchanged",
        "faulted",
        "offline-queued",
        "rolled-back",
        "unknown",
        "skipped",
        "cancelled",
        "timed-out",
        "wrong-version",
        "would-change",
    ];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Written => "written",
            Self::Queued => Class::OfflineQueued.word(),
            Self::Stage(stage) => stage_word(stage),
            Self::Ended(class) => class.word(),
        }
    }

    /// How counters see it.
    #[must_use]
    pub const fn standing(self) -> Standing {
        match self {
            Self::Waiting => Standing::Waiting,
            Self::Sending | Self::Written | Self::Stage(_) => Standing::Active,
            Self::Queued => Standing::Through(Class::OfflineQueued),
            Self::Ended(class) => Standing::Through(class),
        }
    }
}

/// A stage as a word.
#[must_use]
pub const fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Accepted => "accepted",
        Stage::Transferring => "transferring",
        Stage::Transferred => "transferred",
        Stage::Rebooted => "rebooted",
        Stage::Verified => "verified",
    }
}

/// How counters see a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not begun.
    Waiting,
    /// On its way: it takes one of the job's places.
    Active,
    /// Through, as far as the job goes.
    Through(Class),
}

/// A device of a job.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Device {
    /// Where it stands.
    #[n(0)]
    pub state: State,
    /// Tries that an operator asked for beyond the first.
    #[n(1)]
    pub retries: u32,
    /// Its task at the controller, as far as one may still be there.
    #[n(2)]
    pub task: Option<String>,
    /// What it held before the first write; later tries never overwrite it.
    #[n(3)]
    pub before: Vec<Before>,
    /// When the write was last about to be sent.
    #[n(4)]
    pub sent_at: Ts,
    /// Since when it is in its state.
    #[n(5)]
    pub changed_at: Ts,
    /// The cause in short: a fault's code, the reason of the controller. Groups errors.
    #[n(6)]
    pub cause: String,
    /// The whole of it, in words.
    #[n(7)]
    pub why: String,
    /// Its task could not be taken from the queue.
    #[n(8)]
    pub stuck: bool,
    /// Stages with what showed them, oldest first.
    #[n(9)]
    pub evidence: Vec<Evidence>,
    /// When the controller took the last write, its own clock; unset where it did not tell.
    #[n(10)]
    pub there: Ts,
}

/// A stage that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Evidence {
    /// When we saw it.
    #[n(0)]
    pub at: Ts,
    /// Which.
    #[n(1)]
    pub stage: Stage,
    /// What showed it.
    #[n(2)]
    pub text: String,
}

impl Device {
    /// Old values that can be put back, and those that cannot.
    #[must_use]
    pub fn restorable(&self) -> (u32, u32) {
        let lost = self.before.iter().filter(|b| matches!(b.old, Old::Lost)).count();
        ((self.before.len() - lost) as u32, lost as u32)
    }

    /// Why it stands there, in one line: `busy in another job: night upgrade`.
    #[must_use]
    pub fn told(&self) -> String {
        match (self.cause.as_str(), self.why.as_str()) {
            (cause, "") => cause.to_owned(),
            (cause, why) if cause.is_empty() || why.contains(cause) => why.to_owned(),
            (cause, why) => format!("{cause}: {why}"),
        }
    }

    /// Folds an event; whether it meant anything.
    pub fn apply(&mut self, kind: Kind, at: Ts, event: &DeviceEvent) -> bool {
        use State::{Ended, Queued, Sending, Waiting, Written};
        match (event, self.state) {
            (DeviceEvent::Skipped { reason, detail }, Waiting) => {
                self.end(at, Class::Skipped, reason.words(), detail);
            }
            (DeviceEvent::Before(before), Waiting) => {
                for new in before {
                    if !self.before.iter().any(|b| b.path == new.path) {
                        self.before.push(new.clone());
                    }
                }
            }
            (DeviceEvent::Intent, Waiting) => {
                self.sent_at = at;
                self.there = Ts::NEVER;
                self.task = None;
                self.stuck = false;
                self.evidence.clear();
                self.enter(at, Sending, "", "");
            }
            (DeviceEvent::Answered { answer, task }, Sending) => {
                if task.is_some() {
                    self.task.clone_from(task);
                }
                self.answered(kind, at, answer);
            }
            (DeviceEvent::Taken(there), Sending) => self.there = *there,
            (DeviceEvent::NotSent(why), Sending) => self.enter(at, Waiting, "", why),
            (DeviceEvent::TaskGone, Queued) => self.ran(kind, at),
            (DeviceEvent::Stage { stage, evidence }, State::Stage(now)) if *stage > now => {
                self.evidence.push(Evidence { at, stage: *stage, text: evidence.clone() });
                if *stage == Stage::Verified {
                    self.task = None;
                    self.end(at, Class::Changed, "", evidence);
                } else {
                    self.enter(at, State::Stage(*stage), "", evidence);
                }
            }
            (DeviceEvent::ReadBack(read), Written | Sending) => {
                let (class, cause, why) = super::proof::judge(read);
                self.task = None;
                self.end(at, class, cause, &why);
            }
            (DeviceEvent::Faulted { code, message, params, task }, Sending | Written | Queued | State::Stage(_)) => {
                let why = with_parameters(message, params);
                if task.is_some() {
                    self.task.clone_from(task);
                }
                self.end(at, Class::Faulted, code, &why);
            }
            // The session told of a fault before its words were read.
            (DeviceEvent::Faulted { code, message, params, .. }, Ended(Class::Faulted))
                if self.cause == TASK_FAULTED =>
            {
                self.cause.clone_from(code);
                self.why = with_parameters(message, params);
            }
            (DeviceEvent::Ended { class: Class::RolledBack, why }, Ended(c)) if c != Class::Skipped => {
                self.end(at, Class::RolledBack, "", why);
            }
            (DeviceEvent::Ended { class, why }, Waiting | Sending | Written | Queued | State::Stage(_)) => {
                self.end(at, *class, if class.failed() { why } else { "" }, why);
            }
            (DeviceEvent::Retried, Ended(class)) if class.failed() => {
                self.retries += 1;
                self.enter(at, Waiting, "", "");
            }
            (DeviceEvent::Withdrawn { removed: true, .. }, state) => {
                self.task = None;
                if state == Queued {
                    self.end(at, Class::Cancelled, "", "taken from the queue before it ran");
                }
            }
            (DeviceEvent::Withdrawn { removed: false, why }, state) => {
                self.stuck = true;
                if state == Queued {
                    self.end(at, Class::Unknown, "its task could not be removed", why);
                }
            }
            _ => return false,
        }
        true
    }

    fn answered(&mut self, kind: Kind, at: Ts, answer: &Answer) {
        match answer {
            Answer::Done => self.ran(kind, at),
            Answer::Faulted => self.end(at, Class::Faulted, TASK_FAULTED, ""),
            Answer::Offline(why) | Answer::Queued(why) => self.enter(at, State::Queued, why, why),
            Answer::Refused(why) => {
                self.task = None;
                self.end(at, Class::Faulted, why, why);
            }
            Answer::NoAnswer(why) => self.enter(at, State::Sending, "", why),
        }
    }

    /// The session ran without a fault.
    fn ran(&mut self, kind: Kind, at: Ts) {
        self.task = None;
        match kind {
            Kind::Values | Kind::Verb => self.enter(at, State::Written, "", ""),
            Kind::Transfer => {
                let text = "the device took the order".to_owned();
                self.evidence.push(Evidence { at, stage: Stage::Accepted, text });
                self.enter(at, State::Stage(Stage::Accepted), "", "");
            }
        }
    }

    fn end(&mut self, at: Ts, class: Class, cause: &str, why: &str) {
        self.enter(at, State::Ended(class), cause, why);
    }

    fn enter(&mut self, at: Ts, state: State, cause: &str, why: &str) {
        self.state = state;
        self.changed_at = at;
        cause.clone_into(&mut self.cause);
        why.clone_into(&mut self.why);
    }
}

/// The words of a fault with the parameters that it names.
fn with_parameters(message: &str, params: &[ParamFault]) -> String {
    let parts = params.iter().map(|p| format!("{}: {} {}", p.path, p.code, p.message));
    let all: Vec<String> = Some(message.to_owned()).filter(|m| !m.is_empty()).into_iter().chain(parts).collect();
    all.join("; ")
}

/// What the controller says of a fault before its details are read.
const TASK_FAULTED: &str = "task faulted";
