//! Reading: one connection a thread, every answer from one consistent snapshot, cancellable.

mod appliances;
mod candidates;
mod columns;
mod cpes;
mod detail;
mod due;
mod faults;
mod filter;
mod jobs;
mod list;
mod log;
mod page;
mod rows;
mod slice;
mod sources;
mod standing;
mod targets;
mod tree;
mod vms;

pub use standing::StandingAlarm;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use rusqlite::{Connection, InterruptHandle, OptionalExtension, params, params_from_iter};

use crate::engine::job::{Header, Job};
use crate::model::action::Action;
use crate::model::alarm::AlarmRow;
use crate::model::appliance::{ApplianceRow, ApplianceState, CollectorRow, Point};
use crate::model::command::Targets;
use crate::model::cpe::{CpeFault, CpeRow};
use crate::model::fault::FaultRow;
use crate::model::field;
use crate::model::ids::{ActionId, AlarmKey, RowId};
use crate::model::job::{JobId, JobRow};
use crate::model::page::{Data, DataRequest, Page, PageRequest, Table};
use crate::model::record::Timer;
use crate::model::resource::Resource;
use crate::model::time::Ts;
use crate::model::topology::NodeRow;
use crate::model::vm::{HostState, VmRow};

use self::filter::Regexes;
use self::list::{List, Way};
use super::names::Names;
use super::{Error, OpenOptions, open};

/// A node as the poller compares it with what it polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Canonical name.
    pub canonical: String,
    /// The thing.
    pub resource: Resource,
    /// [`super::patch_hash`] of the poll that was journalled last; 0 when an event changed it since.
    pub patch_hash: u64,
    /// The controller's id for it.
    pub device_id: String,
}

/// A CPE as the poller compares it with what it polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCpe {
    /// The server's id of it.
    pub id: String,
    /// [`super::cpe_hash`] of the poll that was journalled last; 0 when something else changed it since.
    pub patch_hash: u64,
    /// Its last inform.
    pub last_inform: Ts,
    /// Its tags, as its row has them.
    pub tags: String,
}

fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

/// What hangs below some nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blast {
    /// ONUs on and below them.
    pub onus: u64,
    /// Subscribers on and below them, from the inventory.
    pub subscribers: u64,
}

/// Stops the query that its [`Reader`] is running, from any thread.
pub struct Interrupter(InterruptHandle);

impl std::fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupter")
    }
}

impl Interrupter {
    /// The running query ends with [`Error::Interrupted`]; without one nothing happens.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

/// A reading connection.
pub struct Reader {
    conn: Connection,
    path: PathBuf,
    names: Names,
    regexes: Regexes,
    kept: Option<page::Matches>,
    purge_after_us: i64,
    purge_looked: Arc<AtomicI64>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn open(options: &OpenOptions, purge_looked: Arc<AtomicI64>) -> Result<Self, Error> {
        let conn = open::reader(&options.path)?;
        let regexes = Regexes::default();
        let fail = |e| Error::from_sqlite(&options.path, "opening it", &e);
        filter::register(&conn, &regexes).map_err(fail)?;
        let names = Names::load(&conn).map_err(fail)?;
        Ok(Self {
            conn,
            path: options.path.clone(),
            names,
            regexes,
            kept: None,
            purge_after_us: options.purge_after_us,
            purge_looked,
        })
    }

    /// What stops a running query.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.conn.get_interrupt_handle())
    }

    /// Runs a read in one snapshot of the database.
    fn read<R>(&mut self, read: impl FnOnce(&mut Self) -> rusqlite::Result<R>) -> Result<R, Error> {
        let fail = |path: &PathBuf, e| Error::from_sqlite(path, "answering a request", &e);
        self.conn.execute_batch("BEGIN").map_err(|e| fail(&self.path, e))?;
        let answer = self.refresh_names().and_then(|()| read(self));
        let end = self.conn.execute_batch("COMMIT");
        if end.is_err() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        answer.map_err(|e| fail(&self.path, e))
    }

    /// Takes over names that the writer gave out since.
    fn refresh_names(&mut self) -> rusqlite::Result<()> {
        let newest: Option<u32> =
            self.conn.prepare_cached("SELECT max(id) FROM names")?.query_row([], |row| row.get(0))?;
        if newest.is_some_and(|id| !self.names.has(id)) {
            self.names = Names::load(&self.conn)?;
        }
        Ok(())
    }

    fn rows(&self) -> rows::Rows<'_> {
        rows::Rows { conn: &self.conn, names: &self.names }
    }

    /// Answers a request of the screen.
    ///
    /// # Errors
    /// When the cache cannot be read or the query is interrupted.
    pub fn data(&mut self, request: &DataRequest) -> Result<Data, Error> {
        if let DataRequest::Page(page) | DataRequest::Count(page, _) | DataRequest::Fleet(page) = request {
            self.check_leaves(page)?;
        }
        self.read(|reader| match request {
            DataRequest::Page(request) => reader.page(request).map(Data::Page),
            DataRequest::Tree(request) => tree::page(&reader.rows(), request).map(Data::Page),
            DataRequest::Alarm(id) => detail::alarm(&reader.rows(), *id).map(Data::Alarm),
            DataRequest::Node(id) => detail::node(&reader.rows(), *id).map(Data::Node),
            DataRequest::FindNode(canonical) => match reader.find_node(canonical)? {
                Some(id) => detail::node(&reader.rows(), id).map(Data::Node),
                None => Ok(Data::Node(None)),
            },
            DataRequest::Count(request, limit) => reader.count(request, *limit).map(Data::Count),
            DataRequest::Cpe(id) => cpes::detail(&reader.rows(), *id, now()).map(Data::Cpe),
            DataRequest::Job(id) => jobs::detail(&reader.rows(), *id, now()).map(Data::Job),
            DataRequest::JobDevice(id) => jobs::device(&reader.rows(), &reader.names, *id).map(Data::JobDevice),
            DataRequest::CpeIds(targets, limit) => {
                let ids = reader.target_ids(Table::Cpes, targets, *limit)?;
                let rows = ids.into_iter().map(|id| cpes::row(&reader.rows(), id, now())).filter_map(Result::transpose);
                rows.map(|row| row.map(|row| (row.source, row.device_id)))
                    .collect::<rusqlite::Result<_>>()
                    .map(Data::CpeIds)
            }
            DataRequest::Appliance(id) => {
                appliances::one(&reader.rows(), *id, now()).map(|row| Data::Appliance(row.map(Box::new)))
            }
            DataRequest::History(request) => appliances::history(&reader.rows(), request).map(Data::History),
            DataRequest::Fleet(request) => {
                let list = List::new(&reader.conn, &reader.regexes, request)?;
                cpes::stats(&reader.conn, &list, request.now).map(|stats| Data::Fleet(Box::new(stats)))
            }
        })
    }

    /// Whether the raw parameters of a filter are kept of any device: else an empty list would
    /// look like an answer.
    fn check_leaves(&mut self, request: &PageRequest) -> Result<(), Error> {
        let Some(query) = request.filter.as_ref().filter(|_| request.table == Table::Cpes) else { return Ok(()) };
        for path in query.leaf_paths() {
            let kept = self.read(|reader| {
                reader.conn.prepare_cached("SELECT 1 FROM c_cpe_paths WHERE path = ?1")?.exists([path])
            })?;
            if !kept {
                return Err(Error::NotKept { path: path.to_owned() });
            }
        }
        Ok(())
    }

    fn page(&mut self, request: &PageRequest) -> rusqlite::Result<Page> {
        let rows = rows::Rows { conn: &self.conn, names: &self.names };
        match request.table {
            Table::Alarms | Table::Nodes | Table::Cpes => page::page(&rows, &self.regexes, &mut self.kept, request),
            Table::Sources => sources::page(&rows, request),
            Table::Jobs | Table::JobDevices => jobs::page(&rows, request),
            Table::Faults => faults::page(&rows, request),
            Table::Stored => faults::nothing(&rows),
            Table::Appliances | Table::Collectors => appliances::page(&rows, request),
            Table::Vms => vms::page(&rows, request),
            Table::Log => log::page(&rows, request),
        }
    }

    fn find_node(&self, canonical: &str) -> rusqlite::Result<Option<RowId>> {
        self.conn
            .prepare_cached("SELECT id FROM c_nodes WHERE canonical = ?1 AND grp IS NOT NULL")?
            .query_row(params![canonical], |row| row.get(0).map(RowId))
            .optional()
    }

    fn count(&self, request: &PageRequest, limit: u64) -> rusqlite::Result<crate::model::page::Total> {
        use crate::model::page::Total;
        match request.table {
            Table::Alarms | Table::Nodes | Table::Cpes => {
                page::count(&self.conn, &List::new(&self.conn, &self.regexes, request)?, limit)
            }
            Table::Sources
            | Table::Log
            | Table::Jobs
            | Table::JobDevices
            | Table::Faults
            | Table::Stored
            | Table::Appliances
            | Table::Collectors
            | Table::Vms => {
                let mut found = 0;
                self.walk(request, &mut |_| {
                    found += 1;
                    if found > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                Ok(if found > limit { Total::AtLeast(limit) } else { Total::Exact(found) })
            }
        }
    }

    /// Streams all rows of the request's filter, scope and sort; anchor and limit are ignored.
    /// The number of rows given to `each`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn each_row(
        &mut self,
        request: &PageRequest,
        each: &mut dyn FnMut(&dyn field::Record) -> ControlFlow<()>,
    ) -> Result<u64, Error> {
        self.check_leaves(request)?;
        self.read(|reader| reader.walk(request, each))
    }

    fn walk(
        &self,
        request: &PageRequest,
        each: &mut dyn FnMut(&dyn field::Record) -> ControlFlow<()>,
    ) -> rusqlite::Result<u64> {
        let rows = self.rows();
        let mut given = 0;
        let mut give = |row: &dyn field::Record| {
            given += 1;
            each(row).is_continue()
        };
        match request.table {
            Table::Alarms => self.walk_ids(request, |id| Ok(rows.alarm(id)?.is_none_or(|row| give(&row))))?,
            Table::Nodes => self.walk_ids(request, |id| Ok(rows.node(id)?.is_none_or(|row| give(&row))))?,
            Table::Cpes => {
                self.walk_ids(request, |id| Ok(cpes::row(&rows, id, request.now)?.is_none_or(|row| give(&row))))?;
            }
            Table::Sources => _ = sources::all(&rows, request)?.iter().all(|row| give(row)),
            Table::Jobs => _ = jobs::all(&rows, request)?.iter().all(|row| give(row)),
            Table::JobDevices => _ = jobs::devices(&rows, request)?.iter().all(|row| give(row)),
            Table::Faults => _ = faults::all(&rows, request)?.iter().all(|row| give(row)),
            Table::Stored => {}
            Table::Appliances => _ = appliances::all(&rows, request)?.iter().all(|row| give(row)),
            Table::Collectors => _ = appliances::collectors(&rows, request)?.iter().all(|row| give(row)),
            Table::Vms => _ = vms::found(&rows, request)?.iter().all(|row| give(row)),
            Table::Log => log::walk(&rows, request, None, log::is_newest_first(request), |row| give(&row))?,
        }
        Ok(given)
    }

    /// Ids of alarms or nodes in order, until `each` says no.
    fn walk_ids(
        &self,
        request: &PageRequest,
        mut each: impl FnMut(i64) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        let list = List::new(&self.conn, &self.regexes, request)?;
        if let Some(found) = page::found_nearby(&self.rows(), &self.regexes, &list, request)? {
            for id in found {
                if !each(id)? {
                    break;
                }
            }
            return Ok(());
        }
        let text = format!(
            "SELECT {}.id FROM {} WHERE {} ORDER BY {}",
            list.alias,
            list.from,
            list.all.text,
            list.order(Way::Behind)
        );
        let mut stmt = self.conn.prepare(&text)?;
        let mut found = stmt.query(params_from_iter(list.all.values.iter()))?;
        while let Some(row) = found.next()? {
            if !each(row.get(0)?)? {
                break;
            }
        }
        Ok(())
    }

    /// A job with its devices, as whoever runs it takes it up.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn job(&mut self, job: JobId) -> Result<Option<Job>, Error> {
        self.read(|reader| jobs::whole(&reader.conn, job))
    }

    /// The jobs that have something left to do, or still have tasks queued: identity and header.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn open_jobs(&mut self) -> Result<Vec<(JobId, Header)>, Error> {
        self.read(|reader| jobs::open(&reader.conn))
    }

    /// The jobs whose id begins so, or whose name is this: to find one by what an operator types.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn jobs_called(&mut self, text: &str) -> Result<Vec<(JobId, Header)>, Error> {
        self.read(|reader| jobs::called(&reader.conn, text))
    }

    /// The alarms that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn alarms(&mut self, targets: &Targets, limit: usize) -> Result<Vec<AlarmRow>, Error> {
        self.read(|reader| {
            let ids = reader.target_ids(Table::Alarms, targets, limit)?;
            ids.into_iter().map(|id| reader.rows().alarm(id)).filter_map(Result::transpose).collect()
        })
    }

    /// The nodes that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn nodes(&mut self, targets: &Targets, limit: usize) -> Result<Vec<NodeRow>, Error> {
        self.read(|reader| {
            let ids = reader.target_ids(Table::Nodes, targets, limit)?;
            ids.into_iter().map(|id| reader.rows().node(id)).filter_map(Result::transpose).collect()
        })
    }

    /// The CPEs that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn cpes(&mut self, targets: &Targets, limit: usize) -> Result<Vec<CpeRow>, Error> {
        self.read(|reader| {
            let ids = reader.target_ids(Table::Cpes, targets, limit)?;
            ids.into_iter().map(|id| cpes::row(&reader.rows(), id, now())).filter_map(Result::transpose).collect()
        })
    }

    /// Jobs that were over before an instant, with nothing left at a server.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn jobs_over_before(&mut self, before: Ts) -> Result<Vec<JobId>, Error> {
        self.read(|reader| jobs::over_before(&reader.conn, before))
    }

    /// The jobs that targets mean. A name is a job's id, the beginning of one, or its name; of several
    /// jobs of one name it is all of them.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn jobs(&mut self, targets: &Targets) -> Result<Vec<JobRow>, Error> {
        self.read(|reader| jobs::meant(&reader.rows(), targets, now()))
    }

    /// The faults that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn faults(&mut self, targets: &Targets, limit: usize) -> Result<Vec<FaultRow>, Error> {
        self.read(|reader| faults::meant(&reader.rows(), targets, limit))
    }

    /// Streams what the poller compares a poll with: all CPEs of a source.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn each_known_cpe(&mut self, source: &str, each: &mut dyn FnMut(KnownCpe)) -> Result<(), Error> {
        self.read(|reader| cpes::known(&reader.conn, &reader.names, source, each))
    }

    /// Streams what the poller of alerts compares a list with: the alarms of a source that stand.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn each_standing_alarm(&mut self, source: &str, each: &mut dyn FnMut(StandingAlarm)) -> Result<(), Error> {
        self.read(|reader| standing::each(&reader.conn, &reader.names, source, each))
    }

    /// The faults of a source as the cache has them.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn known_faults(&mut self, source: &str) -> Result<Vec<CpeFault>, Error> {
        self.read(|reader| cpes::faults_of(&reader.conn, &reader.names, source))
    }

    /// The appliances that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn appliances(&mut self, targets: &Targets, limit: usize) -> Result<Vec<ApplianceRow>, Error> {
        self.read(|reader| appliances::meant(&reader.rows(), targets, now(), limit))
    }

    /// The collectors that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn collectors(&mut self, targets: &Targets, limit: usize) -> Result<Vec<CollectorRow>, Error> {
        self.read(|reader| appliances::collectors_meant(&reader.rows(), targets, now(), limit))
    }

    /// What was last known of an appliance, and its last day in steps of two minutes.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn known_appliance(&mut self, source: &str) -> Result<Option<(ApplianceState, Vec<Point>)>, Error> {
        self.read(|reader| appliances::known(&reader.rows(), source, now()))
    }

    /// The machines (and hosts, where they are named) that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn vms(&mut self, targets: &Targets, limit: usize) -> Result<Vec<VmRow>, Error> {
        self.read(|reader| vms::meant(&reader.rows(), targets, now(), limit))
    }

    /// What was last known of a host.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn known_host(&mut self, source: &str) -> Result<Option<HostState>, Error> {
        self.read(|reader| vms::known(&reader.rows(), source))
    }

    /// The actions of a bulk, for undoing them.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn batch(&mut self, batch: ActionId) -> Result<Vec<(AlarmKey, Action)>, Error> {
        self.read(|reader| targets::batch(&reader.conn, batch))
    }

    /// All nodes of a source, for comparing a poll with the cache.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn known_nodes(&mut self, source: &str) -> Result<Vec<KnownNode>, Error> {
        self.read(|reader| targets::known_nodes(&reader.conn, &reader.names, source))
    }

    /// What hangs below some nodes; overlapping subtrees count once.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn blast(&mut self, nodes: &[RowId]) -> Result<Blast, Error> {
        self.read(|reader| targets::blast(&reader.conn, nodes))
    }

    /// The clocks of alarms that have run out, for the timer worker to journal; at most 10,000.
    /// Alarms to purge are looked for once a minute, whoever asks.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn due(&mut self, now: Ts) -> Result<Vec<Timer>, Error> {
        let (looked, after) = (Arc::clone(&self.purge_looked), self.purge_after_us);
        self.read(|reader| due::due(&reader.conn, now, after, &looked))
    }

    /// When the next clock of an alarm runs out; `None` when none runs. The timer worker sleeps
    /// until then.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn next_due(&mut self) -> Result<Option<Ts>, Error> {
        let (looked, after) = (Arc::clone(&self.purge_looked), self.purge_after_us);
        self.read(|reader| due::next(&reader.conn, after, &looked))
    }

    /// Streams the alarms that targets mean, so that a bulk of 100,000 is never held as rows.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn each_alarm(
        &mut self,
        targets: &Targets,
        each: &mut dyn FnMut(&AlarmRow) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|reader| {
            for id in reader.target_ids(Table::Alarms, targets, usize::MAX)? {
                if let Some(row) = reader.rows().alarm(id)?
                    && each(&row).is_break()
                {
                    break;
                }
            }
            Ok(())
        })
    }
}
