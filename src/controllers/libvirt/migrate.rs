//! Migration, in libvirt's two ways. *Peer to peer*: the source's libvirt speaks to the target's
//! itself; one call. *Direct*: noctule speaks to both and takes the five steps in turn, for hosts
//! whose libvirts cannot log in to each other (the memory still goes from host to host).
//!
//! Either way libvirt rolls back by itself when a step fails. What it cannot know, because the target
//! was lost at the wrong moment, it leaves paused on the source: here no step is taken on a guess.

use std::time::Duration;

use super::client::{CHANGE, Connection, LONG, What};
use super::error::{Error, RemoteKind};
use super::flags::migrate::{ABORT_ON_ERROR, AUTO_CONVERGE, CHANGE_PROTECTION, OFFLINE, PEER2PEER};
use super::procs;
use super::wire::{Domain, Param, Params, Value};
use super::xdr::Opaque;

/// The longest migration. What ends one sooner is [`Connection::abort_job`], on another connection.
const MIGRATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Names of parameters.
pub mod params {
    /// Where the memory goes (`tcp://10.0.0.2`, `unix:///path`): text.
    pub const URI: &str = "migrate_uri";
    /// The machine's name on the target: text.
    pub const NAME: &str = "destination_name";
    /// Its definition there: text.
    pub const XML: &str = "destination_xml";
    /// Its definition there at the next start: text.
    pub const PERSISTENT_XML: &str = "persistent_xml";
    /// Most that is sent, MiB a second: `unsigned long long`.
    pub const BANDWIDTH: &str = "bandwidth";
    /// A disk that is copied (its target; once a disk): text.
    pub const DISKS: &str = "migrate_disks";
    /// Where copies of disks go (`unix:///path`): text.
    pub const DISKS_URI: &str = "disks_uri";
    /// Port of the copies of disks: `int`.
    pub const DISKS_PORT: &str = "disks_port";
    /// Address that the target listens on: text.
    pub const LISTEN: &str = "listen_address";
}

/// Replaces a text among parameters.
fn set(params: &mut Params, field: &str, text: &str) {
    params.retain(|p| p.field != field);
    params.push(Param::text(field, text));
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

    /// Moves a machine to the host at the other end of another connection; the machine there. Both
    /// connections do nothing else meanwhile. Giving it up is ending both connections: libvirt then
    /// takes back what can be taken back.
    ///
    /// # Errors
    /// See [`super::error::Failure`]. [`Error::uncertain`]: the target was lost after the memory had been
    /// sent. The machine is paused on the source then; whether it runs on the target has to be looked at.
    pub async fn migrate_direct(
        &self,
        target: &Self,
        domain: &Domain,
        params: &[Param],
        flags: u32,
    ) -> Result<Domain, Error> {
        let name = domain.name.as_str();
        let source_flags = flags | CHANGE_PROTECTION;
        let target_flags = flags & !(ABORT_ON_ERROR | AUTO_CONVERGE);
        let mut params = params.to_vec();

        let args = (domain.clone(), params.clone(), source_flags);
        let what = What("begin the migration of", name);
        let (mut cookie, xml) = self.call(&procs::DOMAIN_MIGRATE_BEGIN3_PARAMS, &args, what, CHANGE).await?;
        set(&mut params, params::XML, &xml);

        let args = (params.clone(), cookie, target_flags);
        let what = What("prepare the target for", name);
        let prepared = match target.call(&procs::DOMAIN_MIGRATE_PREPARE3_PARAMS, &args, what, LONG).await {
            Ok(prepared) => prepared,
            Err(error) => {
                // The source has to be told, or it stays locked against changes.
                self.confirm(domain, &params, Opaque::default(), source_flags, true).await;
                return Err(error);
            }
        };
        cookie = prepared.0;
        if let Some(uri) = &prepared.1 {
            set(&mut params, params::URI, uri);
        }

        let mut failed = None;
        if flags & OFFLINE == 0 {
            let args = (domain.clone(), None, params.clone(), cookie.clone(), source_flags);
            match self.call(&procs::DOMAIN_MIGRATE_PERFORM3_PARAMS, &args, What("migrate", name), MIGRATION).await {
                Ok(sent) => cookie = sent,
                Err(error) => failed = Some(error),
            }
        }

        if !params.iter().any(|p| p.field == params::NAME) {
            set(&mut params, params::NAME, name);
        }
        let args = (params.clone(), cookie, target_flags, failed.is_some());
        let what = What("start on the target", name);
        let finished = target.call(&procs::DOMAIN_MIGRATE_FINISH3_PARAMS, &args, what, LONG).await;
        let error = match (failed, finished) {
            (None, Ok((there, cookie))) => {
                self.confirm(domain, &params, cookie, source_flags, false).await;
                return Ok(there);
            }
            // It may run there: the source must not run on as well.
            (None, Err(error)) if error.uncertain() || error.connection_lost() => return Err(error),
            (Some(error), _) | (None, Err(error)) => error,
        };
        self.confirm(domain, &params, Opaque::default(), source_flags, true).await;
        Err(error)
    }

    /// The last step on the source. When it fails, both sides are looked at anyway.
    async fn confirm(&self, domain: &Domain, params: &Params, cookie: Opaque, flags: u32, failed: bool) {
        let args = (domain.clone(), params.clone(), cookie, flags, failed);
        let what = What("end the migration of", &domain.name);
        if let Err(error) = self.call(&procs::DOMAIN_MIGRATE_CONFIRM3_PARAMS, &args, what, LONG).await
            && error.kind() != Some(RemoteKind::CleanedUp)
        {
            tracing::warn!(%error, "the source was not told how a migration ended");
        }
    }
}

/// The limit of what a migration sends, MiB a second; nothing for 0.
#[must_use]
pub fn bandwidth(mib_per_s: u64) -> Option<Param> {
    (mib_per_s > 0).then(|| Param::new(params::BANDWIDTH, Value::Ulong(mib_per_s)))
}
