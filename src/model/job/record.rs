//! What the journal tells of jobs. Field numbers are the disk format: append, never renumber.
//!
//! Devices are named by their place in the frozen list: a job of 10,000 devices writes some 60,000
//! records, and an id of 60 bytes in each of them would be most of the journal.

use minicbor::{Decode, Encode};

use super::JobId;
use super::request::{JobRequest, Priority};
use super::setting::ParamValue;
use crate::model::time::Ts;

/// Something happened to a job.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct JobRecord {
    /// Which job.
    #[n(0)]
    pub job: JobId,
    /// When, our clock.
    #[n(1)]
    pub at: Ts,
    /// Who: an operator's name, or the worker that runs it.
    #[n(2)]
    pub actor: String,
    /// What.
    #[n(3)]
    pub what: JobEvent,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[allow(clippy::large_enum_variant, reason = "one request a job beside thousands of small events")]
pub enum JobEvent {
    /// It was asked for.
    #[n(0)]
    Created(#[n(0)] JobRequest),
    /// A part of the list of its devices, in order.
    #[n(1)]
    Frozen(#[n(0)] Vec<Frozen>),
    /// The list is whole: nothing is added any more.
    #[n(2)]
    FrozenAll,
    /// It does not begin, and why (`expected 400 devices, the filter gives 381`).
    #[n(3)]
    Refused(#[n(0)] String),
    /// An operator wants something of it.
    #[n(4)]
    Control(#[n(0)] Control),
    /// Something happened to one of its devices.
    #[n(5)]
    Device {
        /// Its place in the frozen list.
        #[n(0)]
        index: u32,
        /// What.
        #[n(1)]
        what: DeviceEvent,
    },
    /// A process took or renewed the lease to run it.
    #[n(6)]
    Lease {
        /// Which process.
        #[n(0)]
        owner: String,
        /// Until when, our clock; [`Ts::NEVER`] gives it back.
        #[n(1)]
        until: Ts,
    },
    /// It stopped by itself, and why (stop rule, secret missing, end of its window); it can be resumed.
    #[n(7)]
    Held(#[n(0)] String),
    /// The next portion may begin.
    #[n(8)]
    Wave(#[n(0)] u8),
    /// Nothing is left to do but devices whose task waits for their next inform.
    #[n(9)]
    Ended,
    /// When it runs next.
    #[n(10)]
    Due(#[n(0)] Ts),
    /// A recurring job had its turn: this job does it.
    #[n(11)]
    Spawned(#[n(0)] JobId),
    /// What it waits for although it may run (`acs-1 does not answer since …`); empty when it does
    /// not any more.
    #[n(12)]
    Waits(#[n(0)] String),
    /// The controller that its devices belong to, where the request did not say.
    #[n(13)]
    On(#[n(0)] String),
    /// It was over long ago: what was kept of it goes.
    #[n(14)]
    Purged,
}

/// A device of the frozen list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Frozen {
    /// The controller's id of the device.
    #[n(0)]
    pub device: String,
    /// Serial number, for people.
    #[n(1)]
    pub serial: String,
    /// Model, for people.
    #[n(2)]
    pub model: String,
    /// Its portion, from 0.
    #[n(3)]
    pub wave: u8,
}

/// What an operator wants of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Control {
    /// Begin, without waiting for its time.
    #[n(0)]
    Start,
    /// Begin no more devices; what is on its way goes on.
    #[n(1)]
    Pause,
    /// Go on.
    #[n(2)]
    Resume,
    /// Begin no more devices and take back what is still queued.
    #[n(3)]
    Cancel,
    /// Try again what failed.
    #[n(4)]
    Retry,
    /// Change its place among the jobs.
    #[n(5)]
    Priority(#[n(0)] Priority),
}

/// A request to the controller that a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Step {
    /// The change itself.
    #[n(0)]
    Write,
    /// Reading back. It changes nothing, so it is not journalled and may be repeated.
    #[n(1)]
    Read,
}

impl Step {
    /// As a word, part of the key at the controller.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// What happened to a device of a job.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum DeviceEvent {
    /// It is left out.
    #[n(0)]
    Skipped {
        /// Why.
        #[n(0)]
        reason: SkipReason,
        /// On what (a path, another job, a fault), in words.
        #[n(1)]
        detail: String,
    },
    /// What it held before, saved ahead of the first write.
    #[n(1)]
    Before(#[n(0)] Vec<Before>),
    /// The write is about to be sent.
    #[n(2)]
    Intent,
    /// The controller answered, or the task was found there.
    #[n(3)]
    Answered {
        /// What.
        #[n(0)]
        answer: Answer,
        /// Its task, when there is one.
        #[n(1)]
        task: Option<String>,
    },
    /// It was looked for and is proven not to have arrived: it may be sent.
    #[n(4)]
    NotSent(#[n(0)] String),
    /// A stage of a download was reached, with what shows it.
    #[n(5)]
    Stage {
        /// Which.
        #[n(0)]
        stage: Stage,
        /// What shows it.
        #[n(1)]
        evidence: String,
    },
    /// The values were read back.
    #[n(6)]
    ReadBack(#[n(0)] Vec<ReadBack>),
    /// The device refused.
    #[n(7)]
    Faulted {
        /// The controller's code (`cwmp.9003`).
        #[n(0)]
        code: String,
        /// Its words.
        #[n(1)]
        message: String,
        /// The parameters it names.
        #[n(2)]
        params: Vec<ParamFault>,
        /// Its task, which the controller would try again by itself until it is taken away.
        #[n(3)]
        task: Option<String>,
    },
    /// Its queued task is gone without a fault: the device came and did it.
    #[n(8)]
    TaskGone,
    /// Judged, and why.
    #[n(9)]
    Ended {
        /// As what.
        #[n(0)]
        class: Class,
        /// Why.
        #[n(1)]
        why: String,
    },
    /// An operator wants it tried again.
    #[n(10)]
    Retried,
    /// Its task was taken from the queue, or could not be.
    #[n(11)]
    Withdrawn {
        /// Whether it is gone.
        #[n(0)]
        removed: bool,
        /// Why not.
        #[n(1)]
        why: String,
    },
    /// When the controller took the write, its own clock: what is older says nothing of it.
    #[n(12)]
    Taken(#[n(0)] Ts),
}

/// What the controller made of a task.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// The session ran and there was no fault: no proof of anything yet.
    #[n(0)]
    Done,
    /// The session ran and the device refused.
    #[n(1)]
    Faulted,
    /// The device could not be reached: the task waits for its next inform.
    #[n(2)]
    Offline(#[n(0)] String),
    /// The device was reached, the task has not run yet.
    #[n(3)]
    Queued(#[n(0)] String),
    /// The controller refused the request: nothing was queued.
    #[n(4)]
    Refused(#[n(0)] String),
    /// No answer: whether it arrived has to be looked for.
    #[n(5)]
    NoAnswer(#[n(0)] String),
}

/// Stages of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// The device took the order.
    #[n(0)]
    Accepted,
    /// It fetches.
    #[n(1)]
    Transferring,
    /// It has the file.
    #[n(2)]
    Transferred,
    /// It started anew.
    #[n(3)]
    Rebooted,
    /// It runs the version.
    #[n(4)]
    Verified,
}

/// Why a device is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SkipReason {
    /// It lacks a parameter.
    #[n(0)]
    PathMissing,
    /// A parameter cannot be written.
    #[n(1)]
    ReadOnly,
    /// It holds all the values already.
    #[n(2)]
    AlreadyEqual,
    /// A value was read too long ago, or never.
    #[n(3)]
    Stale,
    /// Its model has no such setting, or the file is for another.
    #[n(4)]
    WrongModel,
    /// Another job has it.
    #[n(5)]
    Busy,
    /// A fault stands on it.
    #[n(6)]
    Faulted,
    /// It runs the version already.
    #[n(7)]
    AlreadyVersion,
    /// The controller does not know it any more.
    #[n(8)]
    Gone,
    /// There is nothing to put back, or nothing that can be.
    #[n(9)]
    NothingToRestore,
}

impl SkipReason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PathMissing => "path missing",
            Self::ReadOnly => "not writable",
            Self::AlreadyEqual => "already equal",
            Self::Stale => "stale value",
            Self::WrongModel => "wrong model",
            Self::Busy => "busy in another job",
            Self::Faulted => "faulted",
            Self::AlreadyVersion => "runs the version already",
            Self::Gone => "unknown to the controller",
            Self::NothingToRestore => "nothing to put back",
        }
    }
}

/// What a parameter held before.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Before {
    /// Its path.
    #[n(0)]
    pub path: String,
    /// What it held.
    #[n(1)]
    pub old: Old,
    /// What it is to hold, as it may be shown.
    #[n(2)]
    pub new: Option<String>,
}

/// An old value.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Old {
    /// It can be put back.
    #[n(0)]
    Known(#[n(0)] ParamValue),
    /// A secret that the running process remembers; lost with it.
    #[n(1)]
    SecretHeld,
    /// A secret that reads back empty, or a value nobody read: it cannot be rolled back.
    #[n(2)]
    Lost,
}

/// What reading back one parameter gave.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ReadBack {
    /// Its path.
    #[n(0)]
    pub path: String,
    /// What was found.
    #[n(1)]
    pub proof: Proof,
}

/// How a value compares with what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Proof {
    /// It is what was wanted.
    #[n(0)]
    Same,
    /// It is something else, told where it may be shown.
    #[n(1)]
    Differs(#[n(0)] String),
    /// The device does not show it.
    #[n(2)]
    Hidden,
    /// There is no such parameter, or it was not read.
    #[n(3)]
    Missing,
}

/// A parameter that a fault names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ParamFault {
    /// Its path.
    #[n(0)]
    pub path: String,
    /// Code.
    #[n(1)]
    pub code: String,
    /// Words.
    #[n(2)]
    pub message: String,
}

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Class {
    /// Done, with proof.
    #[n(0)]
    Changed,
    /// Ran without a fault and changed nothing.
    #[n(1)]
    Unchanged,
    /// Refused by the device or the controller, wholly or in part.
    #[n(2)]
    Faulted,
    /// The task waits for the device's next inform.
    #[n(3)]
    OfflineQueued,
    /// Put back by a later job.
    #[n(4)]
    RolledBack,
    /// Nobody can tell.
    #[n(5)]
    Unknown,
    /// Left out.
    #[n(6)]
    Skipped,
    /// Cancelled before it began, or taken from the queue.
    #[n(7)]
    Cancelled,
    /// A stage did not come in time.
    #[n(8)]
    TimedOut,
    /// Came back with another version.
    #[n(9)]
    WrongVersion,
    /// A dry run found something to do.
    #[n(10)]
    WouldChange,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = 11;
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Changed,
        Self::Unchanged,
        Self::Faulted,
        Self::OfflineQueued,
        Self::RolledBack,
        Self::Unknown,
        Self::Skipped,
        Self::Cancelled,
        Self::TimedOut,
        Self::WrongVersion,
        Self::WouldChange,
    ];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Faulted => "faulted",
            Self::OfflineQueued => "offline-queued",
            Self::RolledBack => "rolled-back",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed-out",
            Self::WrongVersion => "wrong-version",
            Self::WouldChange => "would-change",
        }
    }

    /// Whether the stop rule counts it against the job, and `retry` tries it again.
    #[must_use]
    pub const fn failed(self) -> bool {
        matches!(self, Self::Unchanged | Self::Faulted | Self::Unknown | Self::TimedOut | Self::WrongVersion)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Phase {
    /// Its time has not come, or nobody has begun to resolve its filter.
    #[n(0)]
    #[default]
    Waiting,
    /// Its list of devices is being made.
    #[n(1)]
    Freezing,
    /// It runs.
    #[n(2)]
    Running,
    /// An operator paused it.
    #[n(3)]
    Paused,
    /// It stopped by itself.
    #[n(4)]
    Held,
    /// It is being cancelled.
    #[n(5)]
    Cancelling,
    /// Cancelled.
    #[n(6)]
    Cancelled,
    /// Through.
    #[n(7)]
    Ended,
    /// It never began.
    #[n(8)]
    Refused,
}

impl Phase {
    /// All words, for filters.
    pub const WORDS: [&'static str; 9] =
        ["waiting", "freezing", "running", "paused", "held", "cancelling", "cancelled", "ended", "refused"];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Whether nothing will happen any more but to queued tasks.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Ended | Self::Refused)
    }
}

/// How many devices there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Counts {
    /// In all.
    #[n(0)]
    pub total: u32,
    /// Not begun.
    #[n(1)]
    pub waiting: u32,
    /// On their way.
    #[n(2)]
    pub active: u32,
    /// Through, by class in the order of [`Class::ALL`] (queued ones stand here too).
    #[n(3)]
    pub ended: [u32; Class::COUNT],
}

impl Counts {
    /// Devices of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> u32 {
        self.ended[class as usize]
    }

    /// Devices that failed.
    #[must_use]
    pub fn failed(&self) -> u32 {
        Class::ALL.iter().filter(|c| c.failed()).map(|c| self.of(*c)).sum()
    }

    /// Devices that are through, whichever way; queued ones included.
    #[must_use]
    pub fn through(&self) -> u32 {
        self.ended.iter().sum()
    }
}
