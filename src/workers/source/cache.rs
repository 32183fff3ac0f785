//! What a source's worker needs of the store, as a trait: the worker's tests run without a disk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::appliance::{ApplianceState, Point};
use crate::model::ids::SourceName;
use crate::model::observation::Origin;
use crate::model::record::Record;
use crate::model::topology::NodeRow;
use crate::model::vm::HostState;

/// Resolves once records are on disk and folded; the error in words.
pub type Durable = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A node the cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The node.
    pub resource: crate::model::resource::Resource,
    /// The controller's id for it; empty when it has none.
    pub device_id: String,
    /// Hash of the last journalled poll of it ([`crate::store::patch_hash`]); 0 when an event came since.
    pub patch_hash: u64,
}

/// The journal and the cache, as a source's worker sees them. The reading calls block: workers
/// make them on a blocking thread.
pub trait Cache: Send + Sync + 'static {
    /// Journals records; never blocks.
    fn append(&self, records: Vec<Record>) -> Durable;

    /// Keeps rows of the log that must not be lost: they are journalled, or left for the process that
    /// journals. Never waits for another process.
    fn audit(&self, records: Vec<Record>) -> Durable {
        self.append(records)
    }

    /// The last journalled place of each partition of the source's stream.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn offsets(&self, source: &str) -> Result<Vec<Origin>, String>;

    /// Every node of the source.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn known(&self, source: &str) -> Result<Vec<Known>, String>;

    /// The node of that canonical name.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn node(&self, canonical: &str) -> Result<Option<NodeRow>, String>;

    /// Every CPE of the source, one by one.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn each_cpe(&self, _source: &str, _each: &mut dyn FnMut(crate::store::KnownCpe)) -> Result<(), String> {
        Ok(())
    }

    /// Every alarm of the source that stands, one by one.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn each_standing_alarm(
        &self,
        _source: &str,
        _each: &mut dyn FnMut(crate::store::StandingAlarm),
    ) -> Result<(), String> {
        Ok(())
    }

    /// The faults of the CPEs of the source.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn faults(&self, _source: &str) -> Result<Vec<crate::model::cpe::CpeFault>, String> {
        Ok(Vec::new())
    }

    /// Keeps what was measured of an appliance, beside the journal; never blocks.
    fn measured(&self, _source: &SourceName, _state: &ApplianceState) {}

    /// What was last known of an appliance, and its last day in points.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn known_appliance(&self, _source: &str) -> Result<Option<(ApplianceState, Vec<Point>)>, String> {
        Ok(None)
    }

    /// Keeps what is known of a host of virtual machines, beside the journal; never blocks.
    fn measured_host(&self, _source: &SourceName, _state: &Arc<HostState>) {}

    /// What was last known of a host of virtual machines.
    ///
    /// # Errors
    /// Those of the disk, in words.
    fn known_host(&self, _source: &str) -> Result<Option<HostState>, String> {
        Ok(None)
    }

    /// Keeps a value under a name, beside the journal.
    fn note(&self, _key: &str, _value: &str) {}

    /// A value kept by [`Cache::note`].
    fn noted(&self, _key: &str) -> Option<String> {
        None
    }
}
