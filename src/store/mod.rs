//! SQLite: the journal, the cache folded from it, one writer, many readers.
//!
//! The journal is the truth: immutable records in the order they came. Alarms, topology, sources
//! and counters are folds over it, kept in cache tables that can be dropped and folded again. One
//! thread owns the only connection that writes; whoever has something to say queues it with
//! [`Journal::append`] and gets a [`Ticket`] that resolves after the COMMIT that holds both the
//! records and their fold. Readers have connections of their own and never wait for the writer.

mod error;
mod examine;
mod fold;
mod journal;
mod kind;
mod measure;
mod names;
mod open;
mod outbox;
mod queue;
mod reader;
mod refold;
mod retention;
mod snapshot;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;

use measure::Measured;

pub use error::Error;
pub use examine::{Examined, examine};
pub use journal::{Journal, Ticket};
pub use open::owner;
pub use outbox::{Content, Outbox, Piece, is_piece};
pub use reader::{Blast, Interrupter, KnownCpe, KnownNode, Reader, StandingAlarm};

use crate::model::alarm::Counts;
use crate::model::appliance::ApplianceState;
use crate::model::cpe::CpePatch;
use crate::model::ids::SourceName;
use crate::model::observation::Origin;
use crate::model::page::Generations;
use crate::model::source::SourceRow;
use crate::model::topology::NodePatch;
use crate::model::vm::HostState;

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
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

struct Inner {
    options: OpenOptions,
    snapshots: watch::Sender<Snapshot>,
    /// Where records go; `None` when we do not write.
    queue: Option<Arc<queue::Queue>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    owner_pid: Option<u32>,
    /// For the few small reads of the store itself.
    small: Mutex<Option<Connection>>,
    /// When alarms to purge were last looked for.
    purge_looked: Arc<AtomicI64>,
    lock: Option<open::Lock>,
}

impl Inner {
    fn with_reader<R>(&self, read: impl FnOnce(&Connection, &Path) -> Result<R, Error>) -> Result<R, Error> {
        let mut small = self.small.lock().unwrap_or_else(PoisonError::into_inner);
        let conn = match small.take() {
            Some(conn) => conn,
            None => open::reader(&self.options.path)?,
        };
        let answer = read(&conn, &self.options.path);
        *small = Some(conn);
        answer
    }

    fn stop(&self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the writer of the cache ended in a panic");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Store {
    /// Opens the file, creating or upgrading it. Where another process owns it, it is opened for
    /// reading only; [`Opened`] says so.
    ///
    /// # Errors
    /// When the file cannot be used; see [`Error`]. A damaged file is no error: it is set aside.
    pub fn open(options: &OpenOptions) -> Result<(Self, Opened), Error> {
        let mut opened = Opened::default();
        let lock = if options.read_only { Err(None) } else { open::lock(&options.path)? };
        let snapshots = watch::Sender::new(Snapshot::default());
        let mut inner = Inner {
            options: options.clone(),
            snapshots,
            queue: None,
            writer: Mutex::new(None),
            owner_pid: None,
            small: Mutex::new(None),
            purge_looked: Arc::default(),
            lock: None,
        };
        match lock {
            Ok(lock) => {
                opened.owner = true;
                inner.lock = Some(lock);
                let conn = open::writer(options, &mut opened)?;
                let queue = Arc::new(queue::Queue::default());
                inner.queue = Some(Arc::clone(&queue));
                let writer = writer::Writer::new(options, conn, queue, inner.snapshots.clone())?;
                let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(|| writer.run());
                let thread = thread
                    .map_err(|e| Error::Unusable { path: options.path.clone(), reason: format!("no thread: {e}") })?;
                inner.writer = Mutex::new(Some(thread));
            }
            Err(pid) => {
                opened.owner_pid = pid;
                inner.owner_pid = pid;
                let conn = open::reader(&options.path)?;
                open::check_format(&conn, &options.path)?;
                inner.small = Mutex::new(Some(conn));
                snapshot::follow(&options.path, &inner.snapshots)?;
            }
        }
        Ok((Self { inner: Arc::new(inner) }, opened))
    }

    /// The way in.
    pub fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(journal::Embedded { store: Arc::clone(&self.inner) })
    }

    /// Whether this process owns the file, and so writes it.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.inner.queue.is_some()
    }

    /// Where those who do not own the file leave what they have to tell its owner.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::of(&self.inner.options.path)
    }

    /// A connection for one reading thread.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.inner.options, Arc::clone(&self.inner.purge_looked))
    }

    /// Size of the file with its write-ahead log, bytes; `None` when it cannot be looked at.
    #[must_use]
    pub fn file_bytes(&self) -> Option<u64> {
        let path = &self.inner.options.path;
        let of = |path: &Path| std::fs::metadata(path).map(|m| m.len());
        Some(of(path).ok()? + of(&open::beside(path, "-wal")).unwrap_or(0))
    }

    /// How long what is over is kept, µs.
    #[must_use]
    pub fn keep_us(&self) -> i64 {
        self.inner.options.keep_us
    }

    /// Counters, generations and sources, as they change.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.inner.snapshots.subscribe()
    }

    /// The last journalled place in each partition of a source's stream.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn offsets(&self, source: &str) -> Result<Vec<Origin>, Error> {
        self.inner.with_reader(|conn, path| {
            let read = || -> rusqlite::Result<Vec<Origin>> {
                conn.prepare_cached(
                    "SELECT partition, offset FROM offsets WHERE source = (SELECT id FROM names WHERE name = ?1)",
                )?
                .query_map([source], |row| Ok(Origin { partition: row.get(0)?, offset: row.get(1)? }))?
                .collect()
            };
            read().map_err(|e| Error::from_sqlite(path, "reading stream positions", &e))
        })
    }

    /// Keeps what was measured of an appliance: the newest state, and a poll in its past. Never blocks;
    /// nothing happens when we do not write.
    pub fn measured(&self, source: SourceName, state: ApplianceState) {
        if let Some(queue) = &self.inner.queue {
            queue.measured(Measured::Appliance(source, Box::new(state)));
        }
    }

    /// Keeps what is known of a host and its machines. Never blocks; nothing happens when we do not write.
    pub fn measured_host(&self, source: SourceName, state: Arc<HostState>) {
        if let Some(queue) = &self.inner.queue {
            queue.measured(Measured::Host(source, state));
        }
    }

    /// Keeps a value of the user interface. Never blocks; nothing happens when we do not write.
    pub fn remember(&self, key: &str, value: &str) {
        if let Some(queue) = &self.inner.queue {
            queue.note(key, value);
        }
    }

    /// A value kept by [`Store::remember`].
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn recall(&self, key: &str) -> Result<Option<String>, Error> {
        if let Some(value) = self.inner.queue.as_ref().and_then(|q| q.waiting_note(key)) {
            return Ok(Some(value));
        }
        self.inner.with_reader(|conn, path| {
            conn.query_row("SELECT value FROM notes WHERE key = ?1", [key], |row| row.get(0))
                .optional()
                .map_err(|e| Error::from_sqlite(path, "reading notes", &e))
        })
    }

    /// Makes the disk full, or no longer.
    #[cfg(test)]
    fn limit_pages(&self, pages: u32) {
        if let Some(queue) = &self.inner.queue {
            queue.limit_pages(pages);
        }
    }

    /// Writes what is queued and stops the writer. Other clones can still read.
    pub fn close(self) {
        self.inner.stop();
    }
}

/// Hash of the fields a poll tells of a node: the poller journals only nodes whose hash differs
/// from [`KnownNode::patch_hash`].
pub fn patch_hash(patch: &NodePatch) -> u64 {
    let plain = NodePatch { polled: false, source_time: None, ..patch.clone() };
    let bytes = minicbor::to_vec(&plain).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// Hash of what a poll tells of a CPE and what is worth a journal record: not when it informed, not
/// when its values were read, not its uptime. The poller journals only devices whose hash differs
/// from [`KnownCpe::patch_hash`].
pub fn cpe_hash(patch: &CpePatch) -> u64 {
    let mut out = minicbor::Encoder::new(Vec::with_capacity(2_048));
    // Writing to a vector cannot fail.
    let _ = lasting(patch, &mut out);
    xxhash_rust::xxh3::xxh3_64(out.writer()).max(1)
}

/// The part of a patch that [`cpe_hash`] is of.
fn lasting(
    patch: &CpePatch,
    out: &mut minicbor::Encoder<Vec<u8>>,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    let p = patch;
    out.str(&p.id)?;
    for text in [
        &p.serial,
        &p.manufacturer,
        &p.oui,
        &p.product_class,
        &p.model,
        &p.firmware,
        &p.hardware,
        &p.ip,
        &p.ssid,
        &p.pppoe_user,
    ] {
        out.encode(text)?;
    }
    out.encode(p.last_boot)?.encode(p.registered)?.encode(&p.tags)?.encode(p.rx_centi_dbm)?.encode(p.tx_centi_dbm)?;
    for leaf in p.leaves.iter().flatten() {
        out.str(&leaf.path)?.u8(leaf.kind as u8)?.bool(leaf.writable)?;
        // It grows all the time.
        if !leaf.path.ends_with(".UpTime") {
            out.str(&leaf.value)?;
        }
    }
    Ok(())
}
