//! The writer: the one thread that owns the one connection that writes.
//!
//! A batch is one transaction: the records, their fold, the stream positions. Only after its COMMIT
//! are tickets resolved and the counters published. When the disk is full the batch stays, nothing
//! is acknowledged, and the writer tries again until it fits.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::fold::Fold;
use super::fold::sql::CACHE;
use super::measure::{Measured, Measures};
use super::queue::{Pending, Queue, Work, is_precious};
use super::{Error, OpenOptions, Snapshot, kind, retention, snapshot};
use crate::model::ids::Seq;
use crate::model::page::Generations;
use crate::model::record::Record;
use crate::model::time::Ts;

/// How often counters are published under load.
const PUBLISH: Duration = Duration::from_millis(50);
/// Pause before a failed batch is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Records after which the write-ahead log is carried into the file while more still come.
const CHECKPOINT_RECORDS: usize = 60_000;
/// Records after which old ones are looked after while more still come.
const HOUSE_RECORDS: usize = 500_000;
/// Quiet time after which it is carried over anyway, and old records are looked after.
const QUIET: Duration = Duration::from_secs(2);

/// The writer's state.
pub(crate) struct Writer {
    path: PathBuf,
    options: OpenOptions,
    conn: Connection,
    fold: Fold,
    measures: Measures,
    queue: Arc<Queue>,
    snapshots: watch::Sender<Snapshot>,
    generations: Generations,
    sources_changed: bool,
    trouble: Option<Arc<str>>,
    published: Option<Instant>,
    unpublished: bool,
    full_sync: bool,
    /// Records written since old ones were last looked after.
    since_retention: usize,
    /// Records written since the write-ahead log was last carried over.
    since_checkpoint: usize,
}

impl Writer {
    /// Takes the connection over; publishes the first snapshot.
    pub(crate) fn new(
        options: &OpenOptions,
        conn: Connection,
        queue: Arc<Queue>,
        snapshots: watch::Sender<Snapshot>,
    ) -> Result<Self, Error> {
        let path = options.path.clone();
        let fold =
            Fold::load(&conn, CACHE, &options.tenant).map_err(|e| Error::from_sqlite(&path, "reading it", &e))?;
        queue.committed(fold.seq, 0);
        let generations = Generations {
            alarms: 1,
            nodes: 1,
            sources: 1,
            log: 1,
            cpes: 1,
            jobs: 1,
            appliances: 1,
            vms: 1,
            seq: fold.seq,
        };
        let mut writer = Self {
            path,
            options: options.clone(),
            conn,
            fold,
            measures: Measures::default(),
            queue,
            snapshots,
            generations,
            sources_changed: true,
            trouble: None,
            published: None,
            unpublished: true,
            full_sync: true,
            since_retention: 1,
            since_checkpoint: 0,
        };
        writer.publish();
        Ok(writer)
    }

    /// Works until the store closes.
    pub(crate) fn run(mut self) {
        let mut began = None;
        loop {
            let idle = (self.since_checkpoint > 0 || self.since_retention > 0).then_some(QUIET);
            match self.queue.next(began, idle) {
                Work::Batch(batch, notes, measured) => {
                    began = Some(Instant::now());
                    if !self.write(batch, &notes, &measured) {
                        return;
                    }
                    if self.published.is_none_or(|t| t.elapsed() >= PUBLISH) {
                        self.publish();
                    }
                    if self.since_checkpoint > CHECKPOINT_RECORDS {
                        self.checkpoint("PASSIVE");
                    }
                    if self.since_retention > HOUSE_RECORDS {
                        self.keep_house();
                    }
                }
                Work::Idle => {
                    self.publish();
                    self.keep_house();
                    self.checkpoint("PASSIVE");
                }
                Work::Close => {
                    self.finish_measures();
                    self.publish();
                    self.checkpoint("TRUNCATE");
                    return;
                }
            }
        }
    }

    /// Writes a batch, trying again as long as it takes; `false` when there is no use in it.
    fn write(&mut self, batch: Vec<Pending>, notes: &[(String, String)], measured: &[Measured]) -> bool {
        loop {
            match self.try_write(&batch, notes, measured) {
                Ok(seqs) => {
                    if self.trouble.take().is_some() {
                        self.unpublished = true;
                    }
                    self.acknowledge(batch, seqs);
                    return true;
                }
                Err(error) => {
                    tracing::error!(%error, "a batch could not be written");
                    self.trouble = Some(error.to_string().into());
                    self.unpublished = true;
                    self.publish();
                    let hopeless = matches!(error, Error::Corrupt { .. } | Error::NotADatabase { .. });
                    if hopeless {
                        let _ = std::fs::write(super::open::beside(&self.path, ".damaged"), b"");
                    }
                    if hopeless || !self.recover() || self.queue.pause(RETRY) {
                        fail(batch, &error);
                        self.queue.abandon(&error);
                        return false;
                    }
                }
            }
        }
    }

    fn acknowledge(&mut self, batch: Vec<Pending>, seqs: Vec<Seq>) {
        let records = batch.iter().map(|p| p.records.len()).sum();
        self.queue.committed(self.fold.seq, records);
        // Whoever waits for a ticket may look at the counters next.
        if self.queue.is_empty() {
            self.publish();
        }
        for (pending, seq) in batch.into_iter().zip(seqs) {
            if let Some(ticket) = pending.ticket {
                let _ = ticket.send(Ok(seq));
            }
        }
    }

    /// Forgets what a failed transaction left in memory.
    fn recover(&mut self) -> bool {
        let _ = self.conn.execute_batch("ROLLBACK");
        match Fold::load(&self.conn, CACHE, &self.options.tenant) {
            Ok(fold) => {
                self.fold = fold;
                // Open steps are read back from what was committed.
                self.measures = Measures::default();
                true
            }
            Err(error) => {
                tracing::error!(%error, "the cache cannot be read back");
                false
            }
        }
    }

    /// One transaction; the last place of each part of the batch.
    fn try_write(
        &mut self,
        batch: &[Pending],
        notes: &[(String, String)],
        measured: &[Measured],
    ) -> Result<Vec<Seq>, Error> {
        let precious = batch.iter().flat_map(|p| &p.records).any(|(record, _)| is_precious(record));
        let answer = self.transaction(batch, notes, measured, precious);
        answer.map_err(|e| Error::from_sqlite(&self.path, "writing a batch", &e))
    }

    fn transaction(
        &mut self,
        batch: &[Pending],
        notes: &[(String, String)],
        measured: &[Measured],
        precious: bool,
    ) -> rusqlite::Result<Vec<Seq>> {
        #[cfg(test)]
        if let Some(limit) = self.queue.take_page_limit() {
            self.conn.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))?;
        }
        if precious != self.full_sync {
            // An acknowledged action survives a power cut; observations survive a kill.
            self.conn.execute_batch(if precious {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            })?;
            self.full_sync = precious;
        }
        let conn = &self.conn;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut seqs = Vec::with_capacity(batch.len());
        let mut offsets: HashMap<(u32, i32), i64> = HashMap::new();
        let mut logged = false;
        {
            let mut insert = conn
                .prepare_cached("INSERT INTO journal (seq, at, kind, source, payload) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for pending in batch {
                for (record, payload) in &pending.records {
                    let seq = Seq(self.fold.seq.0 + 1);
                    let (at, source) = stamp(record);
                    let source = match source {
                        Some(name) => self.fold.names.intern(conn, name)?,
                        None => 0,
                    };
                    let kind = kind::of(record);
                    logged |= kind >= kind::FIRST_LOGGED;
                    insert.execute(params![seq.0, at.0, kind, source, payload])?;
                    if let Record::Observed(observed) = record
                        && let Some(origin) = observed.origin
                    {
                        offsets.insert((source, origin.partition), origin.offset);
                    }
                    self.fold.apply(conn, seq, record)?;
                }
                seqs.push(self.fold.seq);
            }
        }
        self.fold.flush(conn)?;
        let mut put = conn.prepare_cached("INSERT OR REPLACE INTO offsets VALUES (?1, ?2, ?3)")?;
        for ((source, partition), offset) in offsets {
            put.execute(params![source, partition, offset])?;
        }
        for (key, value) in notes {
            conn.prepare_cached("INSERT OR REPLACE INTO notes VALUES (?1, ?2)")?.execute(params![key, value])?;
        }
        self.measures.write(conn, &mut self.fold.names, measured)?;
        conn.execute_batch("COMMIT")?;
        drop(put);
        let hosts = measured.iter().filter(|m| matches!(m, Measured::Host(..))).count();
        self.generations.vms += u64::from(hosts > 0);
        self.generations.appliances += u64::from(measured.len() > hosts);
        self.changed(logged);
        let records: usize = batch.iter().map(|p| p.records.len()).sum();
        self.since_retention += records;
        self.since_checkpoint += records.max(1);
        Ok(seqs)
    }

    /// Writes the steps of the past that are still open.
    fn finish_measures(&mut self) {
        if self.measures.is_empty() {
            return;
        }
        let write = |writer: &mut Self| -> rusqlite::Result<()> {
            writer.conn.execute_batch("BEGIN IMMEDIATE")?;
            writer.measures.finish(&writer.conn)?;
            writer.conn.execute_batch("COMMIT")
        };
        if let Err(error) = write(self) {
            tracing::warn!(%error, "the last measurements could not be written");
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    fn changed(&mut self, logged: bool) {
        let touched = self.fold.take_touched();
        self.generations.alarms += u64::from(touched.alarms);
        self.generations.nodes += u64::from(touched.nodes);
        self.generations.sources += u64::from(touched.sources);
        self.generations.cpes += u64::from(touched.cpes);
        self.generations.jobs += u64::from(touched.jobs);
        self.generations.log += u64::from(logged);
        self.generations.seq = self.fold.seq;
        self.sources_changed |= touched.sources;
        self.unpublished = true;
    }

    fn publish(&mut self) {
        if !self.unpublished {
            return;
        }
        self.unpublished = false;
        self.published = Some(Instant::now());
        let sources = if std::mem::take(&mut self.sources_changed) {
            snapshot::sources(&self.conn, &self.fold.names).ok()
        } else {
            None
        };
        let (generations, counts) =
            (self.generations, crate::model::alarm::Counts { seq: self.fold.seq, ..self.fold.counts });
        let trouble = self.trouble.clone();
        self.snapshots.send_modify(|s| {
            s.generations = generations;
            s.counts = counts;
            s.trouble = trouble;
            if let Some(sources) = sources {
                s.sources = sources;
            }
        });
    }

    /// Lets records go that are older or more than they may be, when there is time for it.
    fn keep_house(&mut self) {
        if self.since_retention == 0 {
            return;
        }
        let now = Ts(chrono::Utc::now().timestamp_micros());
        match retention::step(&mut self.conn, &self.options, now) {
            Ok(retention::Progress::More) => {}
            Ok(retention::Progress::Done) => self.since_retention = 0,
            Err(error) => {
                tracing::warn!(%error, "old records could not be let go");
                let _ = self.conn.execute_batch("ROLLBACK");
                self.since_retention = 0;
            }
        }
    }

    fn checkpoint(&mut self, mode: &str) {
        let done = self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(0));
        if let Err(error) = done {
            tracing::warn!(%error, "the write-ahead log could not be carried over");
        }
        self.since_checkpoint = 0;
    }
}

impl Drop for Writer {
    /// Nobody may wait for a writer that is gone, however it went.
    fn drop(&mut self) {
        self.queue.abandon(&Error::Closed);
        if std::thread::panicking() {
            let trouble = Arc::from("the writer of the cache failed: nothing is kept until noctule is started again");
            self.snapshots.send_modify(|s| s.trouble = Some(trouble));
        }
    }
}

/// When a record was made, and by which source.
fn stamp(record: &Record) -> (Ts, Option<&str>) {
    match record {
        Record::Observed(o) => (o.at, Some(&o.source)),
        Record::Action(a) => (a.at, None),
        Record::Timer(t) => (t.at, None),
        Record::Command(c) => (c.at, None),
        Record::Inventory(i) => (i.at, None),
        Record::Job(j) => (j.at, None),
    }
}

fn fail(batch: Vec<Pending>, error: &Error) {
    for ticket in batch.into_iter().filter_map(|p| p.ticket) {
        let _ = ticket.send(Err(error.clone()));
    }
}
