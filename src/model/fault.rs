//! Faults of the whole fleet as rows: what a server holds against its devices.

use super::cpe::CpeFault;
use super::ids::{RowId, SourceName};

/// A fault with the device it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRow {
    /// Identity.
    pub id: RowId,
    /// Server.
    pub source: SourceName,
    /// Row of the device, when the cache has it.
    pub cpe: Option<RowId>,
    /// `source/cpe/device id`.
    pub canonical: String,
    /// Serial number of the device.
    pub serial: String,
    /// Its model.
    pub model: String,
    /// The fault.
    pub fault: CpeFault,
}

impl FaultRow {
    /// Identity of a fault among all.
    #[must_use]
    pub fn id_of(source: &str, device: &str, channel: &str) -> RowId {
        let key = format!("{source}\0{device}\0{channel}");
        RowId((xxhash_rust::xxh3::xxh3_64(key.as_bytes()) >> 1) as i64)
    }

    /// Its id at the server.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.fault.device, self.fault.channel)
    }
}
