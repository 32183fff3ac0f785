//! Migration, peer to peer: the source's libvirt speaks to the target's itself, in one call, and goes on
//! when we are gone. It rolls back by itself when a step fails. What it cannot know, because the target
//! was lost at the wrong moment, it leaves paused on the source.

use std::time::Duration;

use super::client::{Connection, What};
use super::error::Error;
use super::flags::migrate::PEER2PEER;
use super::procs;
use super::wire::{Domain, Param, Value};
use super::xdr::Opaque;

/// The longest migration. What ends one sooner is [`Connection::abort_job`], on another connection.
const MIGRATION: Duration = Duration::from_secs(24 * 3600);

/// Names of parameters.
pub mod params {
    /// Where the memory goes (`tcp://10.0.0.2`, `unix:///path`): text.
    pub const URI: &str = "migrate_uri";
    /// Most that is sent, MiB a second: `unsigned long long`.
    pub const BANDWIDTH: &str = "bandwidth";
    /// A disk that is copied (its target; once a disk): text.
    pub const DISKS: &str = "migrate_disks";
    /// Where copies of disks go (`unix:///path`): text.
    pub const DISKS_URI: &str = "disks_uri";
}

impl Connection {
    /// Moves a machine to the host that this host's libvirt reaches under an URI. The connection does
    /// nothing else meanwhile.
    ///
    /// # Errors
    /// See [`super::error::Failure`]; libvirt has rolled back when it says so itself.
    pub async fn migrate_peer_to_peer(
        &self,
        domain: &Domain,
        target: &str,
        params: &[Param],
        flags: u32,
    ) -> Result<(), Error> {
        let args = (domain.clone(), Some(target.to_owned()), params.to_vec(), Opaque::default(), flags | PEER2PEER);
        let what = What("migrate", &domain.name);
        self.call(&procs::DOMAIN_MIGRATE_PERFORM3_PARAMS, &args, what, MIGRATION).await.map(drop)
    }
}

/// The limit of what a migration sends, MiB a second; nothing for 0.
#[must_use]
pub fn bandwidth(mib_per_s: u64) -> Option<Param> {
    (mib_per_s > 0).then(|| Param::new(params::BANDWIDTH, Value::Ulong(mib_per_s)))
}
