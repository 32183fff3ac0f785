//! What happens when an operation on a machine failed: nothing but a row in the log unless it was
//! configured otherwise, and never anything before the row that announces it is written.
//!
//! What is deleted is what the failed operation made and could not take back
//! ([`Leftover`](crate::model::vm::failure::Leftover)): never the machine, its definition or its disks.

use crate::model::time::{DAY, HOUR, Ts};
use crate::model::vm::failure::{Failure, Row};
use crate::model::vm::state::Power;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// A row in the log, no more.
    #[default]
    LogOnly,
    /// The machine is shut down, once.
    Stop,
    /// What the operation made and left behind is deleted so many days after. The machine and its
    /// disks stay as they are.
    Delete {
        /// Days, at least 1.
        after_days: u32,
    },
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Write this row; only then ask again.
    Write(Row, String),
    /// Ask the machine to shut down, and write what came of it ([`Row::Stopped`]).
    Stop,
    /// Delete what was made, write what came of each, and take it out of the list.
    Delete,
}

/// Time between two tries to delete.
const AGAIN: i64 = HOUR;

/// What is due for a failed operation on a machine of a host now; nothing when all is done, or the state
/// of the machine (`None`: not known) does not allow it.
#[must_use]
pub fn due(policy: Policy, host: &str, failure: &Failure, power: Option<Power>, now: Ts) -> Option<Due> {
    let Failure { vm, operation, .. } = failure;
    let said = |row: Row| failure.rows.contains(&row);
    let write = |row: Row, text: String| Some(Due::Write(row, text));
    if !said(Row::Failed) {
        let then = match policy {
            Policy::LogOnly => "nothing is done about it".to_owned(),
            Policy::Stop => "it is shut down by policy".to_owned(),
            Policy::Delete { .. } if failure.made.is_empty() => "it left nothing that could be deleted".to_owned(),
            Policy::Delete { after_days } => {
                format!("{} is deleted by policy in {} days", list(failure), after_days.max(1))
            }
        };
        return write(Row::Failed, format!("{operation} of {vm} on {host} failed; {then}"));
    }
    match policy {
        Policy::LogOnly => None,
        Policy::Stop if said(Row::Stopped) || failure.settled => None,
        // What cannot be seen is left alone.
        Policy::Stop if !power?.active() => None,
        Policy::Stop if !said(Row::Stopping) => {
            write(Row::Stopping, format!("{vm} on {host} is shut down by policy: its {operation} failed"))
        }
        Policy::Stop => Some(Due::Stop),
        Policy::Delete { after_days } => {
            let old = now.since(Ts(failure.at)) >= i64::from(after_days.max(1)).saturating_mul(DAY);
            let rested = failure.tried == 0 || now.since(Ts(failure.tried)) >= AGAIN;
            if failure.made.is_empty() || !old || !rested {
                return None;
            }
            if said(Row::Deleting) {
                return Some(Due::Delete);
            }
            let text = format!("{} is deleted by policy: a failed {operation} of {vm} left it", list(failure));
            write(Row::Deleting, text)
        }
    }
}

/// What was made, in words.
fn list(failure: &Failure) -> String {
    let names: Vec<String> = failure.made.iter().map(|left| left.what.to_string()).collect();
    names.join(", ")
}
