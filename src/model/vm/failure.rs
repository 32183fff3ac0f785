//! Operations on machines that failed, as they are remembered until somebody has dealt with them.

use serde::{Deserialize, Serialize};

/// Something that a failed operation made and could not take back. Only what it made itself is ever one
/// of these: no machine, and no disk that a machine had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The source that is the host it is on; empty: that of the machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// What it is.
    pub what: Made,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Made {
    /// A file: an image that was copied into, or the temporary one of a restore.
    File(String),
    /// The folder of a backup that is not complete.
    Backup {
        /// That of the machine's backups.
        folder: String,
        /// Its own, in it.
        path: String,
    },
    /// A checkpoint that no backup belongs to.
    Checkpoint(String),
}

impl Leftover {
    /// On the host of the machine.
    #[must_use]
    pub const fn here(what: Made) -> Self {
        Self { host: String::new(), what }
    }
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) | Self::Backup { path, .. } => f.write_str(path),
            Self::Checkpoint(name) => write!(f, "the checkpoint {name}"),
        }
    }
}

/// Rows of the log about it that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Row {
    /// That it failed, and what follows.
    Failed,
    /// That the machine is going to be shut down.
    Stopping,
    /// That it was asked to, and what came of it.
    Stopped,
    /// That what was made is deleted now.
    Deleting,
}

/// An operation that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// Name of the machine.
    pub vm: String,
    /// What failed (`restore`, `move` …).
    pub operation: String,
    /// When, UTC microseconds.
    pub at: i64,
    /// What is so now, and what is left to do, for people.
    pub words: String,
    /// What it made and could not take back.
    pub made: Vec<Leftover>,
    /// The same operation has succeeded since: only what was made is left of it.
    pub settled: bool,
    /// Rows that were written about it.
    pub rows: Vec<Row>,
    /// When deleting was tried last, in vain; 0: never.
    pub tried: i64,
}
