//! The fold of the journal into the cache tables.
//!
//! Records are applied one by one, in the order of the journal, to objects in memory that are read
//! from their rows when first needed and written back once a batch. What a record means never
//! depends on where a batch ends, so folding in any batches gives the same rows; the property
//! tests hold it to that. The same code moves the base at the horizon forward, with other tables.

mod act;
mod alarm;
mod alarms;
mod cpe;
pub(crate) mod cpes;
pub(crate) mod hash;
mod inventory;
pub(crate) mod jobs;
pub(crate) mod leaves;
mod node;
mod nodes;
pub(crate) mod path;
mod place;
pub(crate) mod sql;

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::alarm::Counts;
use crate::model::ids::Seq;
use crate::model::observation::{Observation, Observed};
use crate::model::record::Record;

pub(crate) use act::words as verb_text;
pub(crate) use alarm::{key_hash, unpack};

use self::alarm::Alarm;
use self::hash::{Map, Set};
use self::node::Node;
use self::sql::Sql;
use super::names::Names;

/// Raised when the rules of the fold change: caches folded by older rules are folded again.
pub(crate) const FOLD_VERSION: i64 = 4;

/// Objects kept in memory between batches, of each kind; twice as many inside one.
const KEEP: usize = 12_000;

/// What changed since this was last asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    pub alarms: bool,
    pub nodes: bool,
    pub sources: bool,
    pub cpes: bool,
    pub jobs: bool,
}

/// The state of the fold.
pub(crate) struct Fold {
    sql: Sql,
    tenant: String,
    pub names: Names,
    /// Newest record folded.
    pub seq: Seq,
    pub counts: Counts,
    next_alarm: i64,
    next_node: i64,
    next_cpe: i64,
    has_inventory: bool,
    nodes: Map<i64, Box<Node>>,
    node_ids: Map<(i64, u32), i64>,
    dirty_nodes: Vec<i64>,
    alarms: Map<i64, Box<Alarm>>,
    alarm_ids: Map<u128, i64>,
    dirty_alarms: Vec<i64>,
    /// Alarms without a row yet, by node.
    fresh_alarms: Map<i64, Vec<i64>>,
    source_alarms: Map<u32, i64>,
    /// Nodes whose alarms must follow a change of place or name.
    moved: Set<i64>,
    /// Sites and OLTs whose places in words must be made anew.
    stale_places: Set<i64>,
    touched: Touched,
    scratch: Vec<u8>,
    /// Numbers of parameter paths.
    paths: std::collections::HashMap<String, u32>,
    /// Jobs that records were about lately.
    jobs: std::collections::HashMap<crate::model::job::JobId, jobs::Kept>,
}

impl Fold {
    /// Takes up the fold where the tables stand.
    pub(crate) fn load(conn: &Connection, prefix: &'static str, tenant: &str) -> rusqlite::Result<Self> {
        let mut fold = Self {
            sql: Sql::new(prefix),
            tenant: tenant.to_owned(),
            names: Names::load(conn)?,
            seq: Seq(0),
            counts: Counts::default(),
            next_alarm: 1,
            next_node: 1,
            next_cpe: 1,
            has_inventory: false,
            nodes: Map::default(),
            node_ids: Map::default(),
            dirty_nodes: Vec::new(),
            alarms: Map::default(),
            alarm_ids: Map::default(),
            dirty_alarms: Vec::new(),
            fresh_alarms: Map::default(),
            source_alarms: Map::default(),
            moved: Set::default(),
            stale_places: Set::default(),
            touched: Touched::default(),
            scratch: Vec::new(),
            paths: std::collections::HashMap::new(),
            jobs: std::collections::HashMap::new(),
        };
        fold.seq = Seq(fold.number(conn, "seq")?.unwrap_or(0));
        fold.next_alarm = fold.number(conn, "next_alarm")?.unwrap_or(1);
        fold.next_node = fold.number(conn, "next_node")?.unwrap_or(1);
        fold.next_cpe = fold.number(conn, "next_cpe")?.unwrap_or(1);
        fold.has_inventory = fold.number(conn, "inventory")?.unwrap_or(0) != 0;
        fold.counts = read_counts(conn, prefix)?;
        let mut stmt = conn.prepare_cached(&fold.sql.sources)?;
        let mut rows = stmt.query([])?;
        while let Some(row) = rows.next()? {
            fold.source_alarms.insert(row.get(0)?, row.get(3)?);
        }
        drop(rows);
        drop(stmt);
        Ok(fold)
    }

    fn number(&self, conn: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached(&self.sql.get_state)?.query_row(params![key], |row| row.get(0)).optional()
    }

    /// Folds one record.
    pub(crate) fn apply(&mut self, conn: &Connection, seq: Seq, record: &Record) -> rusqlite::Result<()> {
        debug_assert!(seq > self.seq, "records are folded once, in order");
        match record {
            Record::Observed(observed) => self.observed(conn, seq, observed)?,
            Record::Action(action) => self.action(conn, seq, action)?,
            Record::Timer(timer) => self.timer(conn, seq, timer)?,
            Record::Inventory(load) => self.inventory(conn, seq, load)?,
            Record::Job(job) => self.job(conn, job)?,
            Record::Command(_) => {}
        }
        self.seq = seq;
        // A record that touches very much (an inventory, a deleted OLT) must not fill the memory.
        if self.dirty_nodes.len() + self.dirty_alarms.len() > 8 * KEEP {
            self.flush(conn)?;
        }
        Ok(())
    }

    fn observed(&mut self, conn: &Connection, seq: Seq, observed: &Observed) -> rusqlite::Result<()> {
        let source = self.names.intern(conn, &observed.source)?;
        match &observed.what {
            Observation::Alarm(event) => self.alarm_event(conn, source, &observed.source, observed.at, event, seq),
            Observation::Node(patch) => self.node_patch(conn, source, &observed.source, observed.at, patch, seq),
            Observation::NodeGone(resource, cause) => self.node_gone(conn, source, resource, *cause, observed.at, seq),
            Observation::Source(report) => {
                let bytes = minicbor::to_vec(report).unwrap_or_default();
                conn.prepare_cached(&self.sql.put_report)?.execute(params![
                    source,
                    bytes,
                    report.health as u8,
                    report.last_ok.0,
                    observed.at.0
                ])?;
                self.source_alarms.entry(source).or_insert(0);
                self.touched.sources = true;
                Ok(())
            }
            Observation::Kpi(sample) => {
                let node = self.find_or_create(conn, source, &observed.source, &sample.resource)?;
                let bytes = minicbor::to_vec(sample).unwrap_or_default();
                conn.prepare_cached(&self.sql.put_kpi)?.execute(params![node, sample.group, bytes])?;
                self.touched.nodes = true;
                Ok(())
            }
            Observation::Cpe(patch) => self.cpe_patch(conn, source, observed.at, patch),
            Observation::Informs(informs) => self.informs(conn, source, informs),
            Observation::CpeGone(id, _) => self.cpe_gone(conn, source, id),
            Observation::CpeFault(fault) => self.cpe_fault(conn, source, fault),
            Observation::CpeFaultGone(id, channel) => self.cpe_fault_gone(conn, source, id, channel),
            Observation::Suppressed(what) => self.suppressed(conn, source, &observed.source, observed.at, what),
            Observation::Notice(_)
            | Observation::Call(_)
            | Observation::Resync(_)
            | Observation::Unreadable(_)
            | Observation::Skipped => Ok(()),
        }
    }

    /// Writes everything that changed: alarms first, because their counters go to nodes.
    pub(crate) fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.flush_alarms(conn)?;
        self.flush_nodes(conn)?;
        self.flush_places(conn)?;
        self.flush_jobs(conn)?;
        self.forget();
        let mut put = conn.prepare_cached(&self.sql.put_state)?;
        put.execute(params!["seq", self.seq.0])?;
        put.execute(params!["next_alarm", self.next_alarm])?;
        put.execute(params!["next_node", self.next_node])?;
        put.execute(params!["next_cpe", self.next_cpe])?;
        put.execute(params!["inventory", self.has_inventory])?;
        put.execute(params!["counts", counts_bytes(&self.counts)])?;
        Ok(())
    }

    /// What changed since the last call.
    pub(crate) fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.touched)
    }

    /// Drops what was not used lately when there is too much. Everything is clean here.
    fn forget(&mut self) {
        if self.nodes.len() > KEEP {
            self.nodes.retain(|_, node| std::mem::take(&mut node.used));
            if self.nodes.len() > KEEP {
                self.nodes.clear();
                self.nodes.shrink_to(KEEP);
            }
            self.node_ids = self.nodes.values().map(|n| ((n.nh, n.source), n.id)).collect();
        }
        if self.alarms.len() > KEEP {
            self.alarms.retain(|_, alarm| std::mem::take(&mut alarm.used));
            if self.alarms.len() > 2 * KEEP {
                self.alarms.clear();
                self.alarms.shrink_to(KEEP);
            }
            self.alarm_ids = self.alarms.values().map(|a| (a.event_hash, a.id)).collect();
        }
    }
}

/// The counters as stored.
pub(crate) fn read_counts(conn: &Connection, prefix: &str) -> rusqlite::Result<Counts> {
    let text = format!("SELECT value FROM {prefix}state WHERE key = 'counts'");
    let bytes: Option<Vec<u8>> = conn.prepare_cached(&text)?.query_row([], |row| row.get(0)).optional()?;
    let mut words = bytes
        .unwrap_or_default()
        .chunks_exact(4)
        .map(|c| c.iter().rev().fold(0_u32, |n, b| n << 8 | u32::from(*b)))
        .collect::<Vec<_>>()
        .into_iter();
    let mut next = || words.next().unwrap_or(0);
    let active = std::array::from_fn(|_| next());
    let unack = std::array::from_fn(|_| next());
    let seq = format!("SELECT value FROM {prefix}state WHERE key = 'seq'");
    let seq: Option<i64> = conn.prepare_cached(&seq)?.query_row([], |row| row.get(0)).optional()?;
    Ok(Counts {
        active,
        unack,
        returned: next(),
        shelved: next(),
        suppressed: next(),
        out_of_service: next(),
        seq: Seq(seq.unwrap_or(0)),
    })
}

fn counts_bytes(counts: &Counts) -> Vec<u8> {
    let tail = [counts.returned, counts.shelved, counts.suppressed, counts.out_of_service];
    counts.active.iter().chain(&counts.unack).chain(&tail).flat_map(|n| n.to_le_bytes()).collect()
}
