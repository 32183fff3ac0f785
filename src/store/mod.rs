//! SQLite: the journal, the cache folded from it, one writer, many readers.
//!
//! The journal is the truth: immutable records in the order they came. Alarms, topology, sources
//! and counters are folds over it, kept in cache tables that can be dropped and folded again. One
//! thread owns the only connection that writes; whoever has something to say queues it with
//! [`Journal::append`] and gets a [`Ticket`] that resolves after the COMMIT that holds both the
//! records and their fold. Readers have connections of their own and never wait for the writer.

mod error;
mod journal;
mod reader;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

pub use error::Error;
pub use journal::{Journal, Ticket};
pub use reader::{Blast, Interrupter, KnownNode, Reader};

use crate::model::alarm::Counts;
use crate::model::observation::Origin;
use crate::model::page::Generations;
use crate::model::source::SourceRow;
use crate::model::topology::NodePatch;

/// How to open a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// The database file; created with mode 0600 when it is not there.
    pub path: PathBuf,
    /// Tenant: part of every alarm's key.
    pub tenant: String,
    /// How long journal records are kept, µs.
    pub keep_us: i64,
    /// How big the journal may grow, bytes, before records go early.
    pub max_bytes: u64,
    /// How long alarms that are over and dealt with stay in the cache, µs.
    pub purge_after_us: i64,
    /// Only look: no lock, no writer, no migration.
    pub read_only: bool,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// We own the file: the writer runs.
    pub owner: bool,
    /// Who owns it, when we do not.
    pub owner_pid: Option<u32>,
    /// Where a damaged file was moved.
    pub set_aside: Option<PathBuf>,
    /// What else to tell the operator.
    pub notes: Vec<String>,
}

/// What the screen shows without asking; published after each commit, at most every 50 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Generations of the tables.
    pub generations: Generations,
    /// Alarm counters.
    pub counts: Counts,
    /// Sources by name.
    pub sources: Arc<[SourceRow]>,
    /// What keeps the writer from writing (full disk), in words.
    pub trouble: Option<Arc<str>>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { generations: Generations::default(), counts: Counts::default(), sources: Arc::from([]), trouble: None }
    }
}

/// The store. Cheap to clone; the writer stops with [`Store::close`] or when the last clone goes.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: OpenOptions,
    snapshots: watch::Sender<Snapshot>,
}

impl Store {
    /// Opens the file, creating or upgrading it.
    ///
    /// # Errors
    /// When the file cannot be used; see [`Error`]. A damaged file is no error: it is set aside.
    pub fn open(options: &OpenOptions) -> Result<(Self, Opened), Error> {
        let inner = Inner { options: options.clone(), snapshots: watch::Sender::new(Snapshot::default()) };
        Ok((Self { inner: Arc::new(inner) }, Opened { owner: true, ..Opened::default() }))
    }

    /// The way in.
    pub fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(journal::Closed)
    }

    /// A connection for one reading thread.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.inner.options.path)
    }

    /// Counters, generations and sources, as they change.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.inner.snapshots.subscribe()
    }

    /// The last journalled place in each partition of a source's stream.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn offsets(&self, _source: &str) -> Result<Vec<Origin>, Error> {
        Ok(Vec::new())
    }

    /// Keeps a value of the user interface. Never blocks; a failure is logged.
    pub fn remember(&self, _key: &str, _value: &str) {}

    /// A value kept by [`Store::remember`].
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn recall(&self, _key: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Writes what is queued and stops the writer.
    pub fn close(self) {}
}

/// Hash of the fields a poll tells of a node: the poller journals only nodes whose hash differs
/// from [`KnownNode::patch_hash`].
pub fn patch_hash(patch: &NodePatch) -> u64 {
    let plain = NodePatch { polled: false, ..patch.clone() };
    let bytes = minicbor::to_vec(&plain).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(&bytes)
}
