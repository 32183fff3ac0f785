//! Reading: one connection a thread, every answer from one consistent snapshot, cancellable.

use std::ops::ControlFlow;

use crate::model::action::Action;
use crate::model::alarm::AlarmRow;
use crate::model::command::Targets;
use crate::model::field;
use crate::model::ids::{ActionId, AlarmKey, RowId};
use crate::model::page::{Data, DataRequest, PageRequest};
use crate::model::record::Timer;
use crate::model::resource::Resource;
use crate::model::time::Ts;
use crate::model::topology::NodeRow;

use super::Error;

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

/// What hangs below some nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blast {
    /// ONUs on and below them.
    pub onus: u64,
    /// Subscribers on and below them, from the inventory.
    pub subscribers: u64,
}

/// Stops the query that its [`Reader`] is running, from any thread.
pub struct Interrupter;

impl Interrupter {
    /// The running query ends with [`Error::Interrupted`]; without one nothing happens.
    pub fn interrupt(&self) {}
}

/// A reading connection.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    pub(crate) fn open(
        _options: &super::OpenOptions,
        _purge: std::sync::Arc<std::sync::atomic::AtomicI64>,
    ) -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Answers a request of the screen.
    ///
    /// # Errors
    /// When the cache cannot be read or the query is interrupted.
    pub fn data(&mut self, _request: &DataRequest) -> Result<Data, Error> {
        Err(Error::Closed)
    }

    /// What stops a running query.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter
    }

    /// Streams all rows of the request's filter, scope and sort; anchor and limit are ignored.
    /// The number of rows given to `each`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn each_row(
        &mut self,
        _request: &PageRequest,
        _each: &mut dyn FnMut(&dyn field::Record) -> ControlFlow<()>,
    ) -> Result<u64, Error> {
        Ok(0)
    }

    /// The alarms that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn alarms(&mut self, _targets: &Targets, _limit: usize) -> Result<Vec<AlarmRow>, Error> {
        Ok(Vec::new())
    }

    /// The nodes that targets mean, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn nodes(&mut self, _targets: &Targets, _limit: usize) -> Result<Vec<NodeRow>, Error> {
        Ok(Vec::new())
    }

    /// The actions of a bulk, for undoing them.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn batch(&mut self, _batch: ActionId) -> Result<Vec<(AlarmKey, Action)>, Error> {
        Ok(Vec::new())
    }

    /// All nodes of a source, for comparing a poll with the cache.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn known_nodes(&mut self, _source: &str) -> Result<Vec<KnownNode>, Error> {
        Ok(Vec::new())
    }

    /// What hangs below some nodes; overlapping subtrees count once.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn blast(&mut self, _nodes: &[RowId]) -> Result<Blast, Error> {
        Ok(Blast::default())
    }

    /// The clocks of alarms that have run out, for the timer worker to journal; at most 10,000.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn due(&mut self, _now: Ts) -> Result<Vec<Timer>, Error> {
        Ok(Vec::new())
    }

    /// When the next clock of an alarm runs out; `None` when none runs. The timer worker sleeps
    /// until then.
    ///
    /// # Errors
    /// As [`Reader::data`].
    pub fn next_due(&mut self) -> Result<Option<Ts>, Error> {
        Ok(None)
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
        for row in self.alarms(targets, usize::MAX)? {
            if each(&row).is_break() {
                break;
            }
        }
        Ok(())
    }
}
