//! Jobs and their devices as rows of lists, filters and exports.

use super::record::{Counts, Phase};
use super::request::{JobRequest, Priority};
use super::{Class, JobId};
use crate::model::field::{Record, Value};
use crate::model::ids::RowId;
use crate::model::time::{SECOND, Ts};

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Row identity.
    pub id: RowId,
    /// Identity.
    pub job: JobId,
    /// Name.
    pub name: String,
    /// Controller; empty for the only one.
    pub source: String,
    /// `configure`, `firmware`, `reboot` …
    pub work: String,
    /// Where it stands.
    pub phase: Phase,
    /// Why it stands there, in words; mostly empty.
    pub why: String,
    /// How its devices stand.
    pub counts: Counts,
    /// The portion that runs, from 0.
    pub wave: u8,
    /// How many portions it has.
    pub waves: u8,
    /// Devices in ten minutes, lately.
    pub rate_deci: u32,
    /// Time left at that rate, µs.
    pub left_us: Option<i64>,
    /// Who asked.
    pub actor: String,
    /// Its place among the jobs.
    pub priority: Priority,
    /// Only a dry run.
    pub dry_run: bool,
    /// When it was asked for.
    pub created_at: Ts,
    /// When its first device began.
    pub started_at: Ts,
    /// When it was through.
    pub ended_at: Ts,
    /// When it runs next.
    pub due_at: Ts,
    /// The process that runs it.
    pub owner: String,
    /// Until when that process has the lease.
    pub lease_until: Ts,
    /// The newest failure, in words.
    pub last_error: String,
    /// The job it rolls back.
    pub rolls_back: Option<JobId>,
}

impl JobRow {
    /// The share of its devices that is through, per cent.
    #[must_use]
    pub fn per_cent(&self) -> u32 {
        (u64::from(self.counts.through()) * 100).checked_div(self.counts.total.into()).unwrap_or(0) as u32
    }

    /// Whether a job is called so: by its name, its id, or the beginning of that.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || (!name.is_empty() && self.job.to_string().starts_with(&name.to_ascii_lowercase()))
    }
}

impl Record for JobRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let count = |n: u32| Value::Int(n.into());
        let c = &self.counts;
        match field {
            "id" => Value::Text(self.job.to_string().into()),
            "name" => Value::text(&self.name),
            "source" => Value::text(&self.source),
            "work" => Value::text(&self.work),
            "phase" => Value::text(self.phase.word()),
            "why" => Value::text(&self.why),
            "total" => count(c.total),
            "waiting" => count(c.waiting),
            "active" => count(c.active),
            "through" => count(c.through()),
            "failed" => count(c.failed()),
            "changed" => count(c.of(Class::Changed)),
            "unchanged" => count(c.of(Class::Unchanged)),
            "faulted" => count(c.of(Class::Faulted)),
            "queued" => count(c.of(Class::OfflineQueued)),
            "rolled_back" => count(c.of(Class::RolledBack)),
            "unknown" => count(c.of(Class::Unknown)),
            "skipped" => count(c.of(Class::Skipped)),
            "cancelled" => count(c.of(Class::Cancelled)),
            "timed_out" => count(c.of(Class::TimedOut)),
            "wrong_version" => count(c.of(Class::WrongVersion)),
            "would_change" => count(c.of(Class::WouldChange)),
            "wave" => Value::Int(i64::from(self.wave) + 1),
            "waves" => Value::Int(self.waves.into()),
            "progress" => Value::Int(self.per_cent().into()),
            "rate" => Value::Float(f64::from(self.rate_deci) / 10.0),
            "left_s" => self.left_us.map_or(Value::None, |us| Value::Int(us / SECOND)),
            "actor" => Value::text(&self.actor),
            "priority" => Value::text(self.priority.word()),
            "dry_run" => Value::Bool(self.dry_run),
            "created_at" => Value::Time(self.created_at),
            "started_at" => Value::Time(self.started_at),
            "ended_at" => Value::Time(self.ended_at),
            "due_at" => Value::Time(self.due_at),
            "owner" => Value::text(&self.owner),
            "lease_until" => Value::Time(self.lease_until),
            "last_error" => Value::text(&self.last_error),
            "rolls_back" => self.rolls_back.map_or(Value::None, |id| Value::Text(id.to_string().into())),
            _ => Value::None,
        }
    }
}

/// A device of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDeviceRow {
    /// Row identity.
    pub id: RowId,
    /// Its job.
    pub job: JobId,
    /// Its place in the frozen list.
    pub index: u32,
    /// The controller's id.
    pub device: String,
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: String,
    /// Its portion, from 0.
    pub wave: u8,
    /// `waiting`, `sending`, `transferring` … or the class.
    pub state: &'static str,
    /// Why, in words.
    pub why: String,
    /// Tries.
    pub attempt: u32,
    /// Its task at the controller.
    pub task: String,
    /// When its write was sent.
    pub sent_at: Ts,
    /// Since when it is in this state.
    pub changed_at: Ts,
    /// Parameters whose old values are saved.
    pub restorable: u32,
    /// Parameters that cannot be put back.
    pub lost: u32,
}

impl Record for JobDeviceRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "job" => Value::Text(self.job.to_string().into()),
            "index" => Value::Int(self.index.into()),
            "device" => Value::text(&self.device),
            "serial" => Value::text(&self.serial),
            "model" => Value::text(&self.model),
            "wave" => Value::Int(i64::from(self.wave) + 1),
            "state" => Value::text(self.state),
            "why" => Value::text(&self.why),
            "attempt" => Value::Int(self.attempt.into()),
            "task" => Value::text(&self.task),
            "sent_at" => Value::Time(self.sent_at),
            "changed_at" => Value::Time(self.changed_at),
            "restorable" => Value::Int(self.restorable.into()),
            "lost" => Value::Int(self.lost.into()),
            _ => Value::None,
        }
    }
}

/// A job with its progress.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetail {
    /// The row.
    pub row: JobRow,
    /// Its portions.
    pub waves: Vec<WaveBar>,
    /// Devices a minute, lately.
    pub rate_per_minute: f64,
    /// Time left at that rate, µs.
    pub left_us: Option<i64>,
    /// Failures by cause, most frequent first.
    pub causes: Vec<CauseRow>,
    /// When it runs, in words; empty when at once.
    pub schedule: String,
    /// What it does, in words.
    pub words: Vec<String>,
    /// What was asked for; it holds no secret.
    pub request: Option<JobRequest>,
    /// Name of the job it rolls back; empty for none.
    pub rolls_back: String,
    /// The job that rolls it back, the newest one: identity and name.
    pub rolled_back_by: Option<(JobId, String)>,
}

/// A device of a job with all that is known of what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDeviceDetail {
    /// The row.
    pub row: JobDeviceRow,
    /// What is or would be written, with what was there before.
    pub values: Vec<ValueChange>,
    /// Stages that were reached, oldest first.
    pub evidence: Vec<StageRow>,
    /// The cause of its failure in short; empty where there is none.
    pub cause: String,
    /// Its task could not be taken from the queue.
    pub stuck: bool,
    /// Its row in the fleet, while that has it.
    pub cpe: Option<RowId>,
    /// The ONU of the same serial number; empty where there is none.
    pub onu: String,
}

/// A parameter of a device before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueChange {
    /// Its path.
    pub path: String,
    /// What it held, as it may be shown.
    pub old: String,
    /// What it is to hold; empty where the journal does not tell.
    pub new: String,
    /// The old value is known to nobody: it cannot be put back.
    pub lost: bool,
}

/// A stage that a device reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// When it was seen.
    pub at: Ts,
    /// Which.
    pub stage: &'static str,
    /// What showed it.
    pub text: String,
}

/// A portion of a job as a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveBar {
    /// Devices.
    pub total: u32,
    /// Through.
    pub through: u32,
    /// Failed.
    pub failed: u32,
}

/// Failures with one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseRow {
    /// The cause.
    pub cause: String,
    /// How many devices.
    pub devices: u32,
    /// One of them.
    pub example: String,
}
