//! What happens to a machine whose operation failed: nothing but a row in the log unless it was
//! configured otherwise, and never anything before the row that announces it is written.

use crate::model::time::{DAY, Ts};
use crate::model::vm::state::Power;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// A row in the log, no more.
    #[default]
    LogOnly,
    /// It is shut down.
    Stop,
    /// It is shut down, and its definition is deleted when it has not been put right so many days
    /// after. Its disks stay.
    Delete {
        /// Days, at least 1.
        after_days: u32,
    },
}

/// A machine whose operation failed and has not been put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    /// Name of its host.
    pub host: String,
    /// The machine.
    pub vm: String,
    /// Its UUID: what has the name now may be another one.
    pub uuid: String,
    /// What failed (`restore`, `migration` …).
    pub operation: String,
    /// When.
    pub at: Ts,
    /// Its state now; `None` when that is not known.
    pub power: Option<Power>,
    /// Rows that were written about it.
    pub announced: Vec<Row>,
}

/// Rows about a machine whose operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// That it failed.
    Failed,
    /// That it is going to be shut down.
    Stopping,
    /// That it is going to be deleted in so many days.
    Warned,
    /// That it is deleted now.
    Deleting,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Write this row; only then ask again.
    Write(Row, String),
    /// Shut it down.
    Stop,
    /// Delete its definition; its disks stay.
    Delete,
}

/// What is due for a machine now; nothing when all is done or its state is not known.
#[must_use]
pub fn due(policy: Policy, troubled: &Troubled, now: Ts) -> Option<Due> {
    let Troubled { host, vm, operation, .. } = troubled;
    let said = |row: Row| troubled.announced.contains(&row);
    let write = |row: Row, text: String| Some(Due::Write(row, text));
    if !said(Row::Failed) {
        let then = match policy {
            Policy::LogOnly => "nothing is done about it".to_owned(),
            Policy::Stop => "it is shut down by policy".to_owned(),
            Policy::Delete { after_days } => {
                format!("it is shut down by policy and its definition deleted in {} days", after_days.max(1))
            }
        };
        return write(Row::Failed, format!("{operation} of {vm} on {host} failed; {then}"));
    }
    let delete_after = match policy {
        Policy::LogOnly => return None,
        Policy::Stop => None,
        Policy::Delete { after_days } => Some(after_days.max(1)),
    };
    // What cannot be seen is left alone.
    let power = troubled.power.filter(|power| *power != Power::Unknown)?;
    if power.active() {
        if !said(Row::Stopping) {
            return write(Row::Stopping, format!("{vm} on {host} is shut down by policy: its {operation} failed"));
        }
        return Some(Due::Stop);
    }
    let days = delete_after?;
    if !said(Row::Warned) {
        let text =
            format!("{vm} on {host} is deleted by policy {days} days after its {operation} failed, its disks stay");
        return write(Row::Warned, text);
    }
    if now.since(troubled.at) < i64::from(days) * DAY {
        return None;
    }
    if !said(Row::Deleting) {
        return write(Row::Deleting, format!("the definition of {vm} on {host} is deleted by policy, its disks stay"));
    }
    Some(Due::Delete)
}
