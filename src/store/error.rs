//! What can go wrong with the cache: what failed, on which file, why, and what to do about it.

use std::path::PathBuf;

/// Why the store could not do something. Cheap to clone: one failed batch fails many tickets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is something else.
    #[error("{path} is not a noctule cache (no SQLite database): move it away or choose another path")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A newer noctule wrote the file.
    #[error(
        "{path} was written by a newer noctule (format {found}, this one knows {known}): update noctule or choose another path"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Format found.
        found: i64,
        /// Format known.
        known: i64,
    },
    /// A read-only opening found an older format.
    #[error("{path} was written by an older noctule: start noctule once so that it can bring the cache up to date")]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// A read-only opening found nothing.
    #[error("there is no cache at {path} yet: start noctule once, or name another profile")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory cannot be used.
    #[error("cannot use the cache {path}: {reason}; check owner and permissions, or choose another path")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A filter asks for a parameter that is not kept of any device.
    #[error(
        "no device has {path} in the cache: check the path, or list it under `keep` in a device profile and refresh"
    )]
    NotKept {
        /// The parameter.
        path: String,
    },
    /// No space.
    #[error(
        "no space left for the cache {path}: free some; nothing acknowledged is lost and noctule goes on by itself"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("the cache {path} is damaged ({detail}): restart noctule, which sets it aside and begins a new one")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// Another noctule writes.
    #[error("the cache is written by another noctule{}: it is read-only here", .pid.map(|p| format!(" (process {p})")).unwrap_or_default())]
    ReadOnly {
        /// The process that owns it, when known.
        pid: Option<u32>,
    },
    /// Too much waits to be written.
    #[error("{limit} records wait to be written already: the newest were not taken; see the cache's status")]
    Backlog {
        /// The bound.
        limit: usize,
    },
    /// The query was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The store is closed.
    #[error("the cache is closed")]
    Closed,
    /// A record of the journal cannot be read.
    #[error("record {seq} of the journal cannot be read: {detail}")]
    Record {
        /// Its place.
        seq: i64,
        /// Why.
        detail: String,
    },
    /// Anything else SQLite says.
    #[error("the cache failed while {doing}: {detail}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        detail: String,
    },
}
