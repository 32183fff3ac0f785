//! Operations on machines that take long: backup, restore, snapshots and their clean-up, migration.
//! The machines of [`crate::engine::vm`] say what to do next; here it is done on real hosts, through
//! libvirt's calls and programs on the host, and the outcome is told.
//!
//! An operation has a connection of its own and polls its job over another: a call that takes an hour
//! holds nothing else up. Cancelling ends what runs and then takes back what was done.

mod backup;
mod discard;
mod files;
mod migrate;
mod restore;
mod snapshot;
mod used;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::config::schema::{Libvirt, VmBackup, VmMigration};
use crate::controllers::libvirt::client::{Connection, Hypervisor};
use crate::controllers::libvirt::connect::Target;
use crate::controllers::libvirt::error::{Error, Failure, RemoteKind};
use crate::controllers::libvirt::flags::xml as xml_flags;
use crate::controllers::libvirt::programs::{Apart, ProgramError, Programs};
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::{map, xml};
use crate::engine::vm::Fault;
use crate::engine::vm::pace::{Pace, VmProgress};
use crate::model::time::Ts;
use crate::model::vm::Definition;
use crate::model::vm::state::{Power, VmJob};
use crate::workers::now;

pub(in crate::workers) use backup::{BackupRequest, backup, backup_plan, backups};
pub(in crate::workers) use discard::discard;
pub(in crate::workers) use migrate::{check_migration, migrate, migration_again};
pub(in crate::workers) use restore::{RestoreGoal, RestoreRequest, machine_of, restore, restore_plan};
pub(in crate::workers) use snapshot::{cleanup, cleanups, orphans};
pub(in crate::workers::vms) use used::Used;

/// Time between two looks at a job.
const LOOK: Duration = Duration::from_millis(200);
/// The same while its host cannot be asked, and how often that is borne: a libvirt that restarts is back
/// within this.
const SILENT: Duration = Duration::from_secs(2);
const PATIENT: u32 = 15;

/// Who is told how far it is.
pub(in crate::workers) type Told<'a> = &'a (dyn Fn(VmProgress) + Send + Sync);

/// A host that is worked on.
#[derive(Debug, Clone)]
pub(in crate::workers) struct Host {
    /// What it is called here.
    pub(in crate::workers) name: Arc<str>,
    target: Target,
    uri: String,
    limit: Duration,
    backup: VmBackup,
    migration: VmMigration,
    link: Arc<Mutex<Option<Connection>>>,
    /// Programs were seen to run where its libvirt is.
    same: Arc<OnceCell<()>>,
}

impl Host {
    /// As configured.
    pub(in crate::workers) fn new(name: &str, config: &Libvirt) -> Self {
        Self {
            name: name.into(),
            target: Target::of(config),
            uri: config.uri.clone(),
            limit: Duration::from_secs(config.timeout_s),
            backup: config.backup.clone(),
            migration: config.migration.clone(),
            link: Arc::default(),
            same: Arc::default(),
        }
    }

    /// A connection for one thing alone.
    async fn connect(&self) -> Result<Connection, Error> {
        let what = Hypervisor { uri: self.uri.clone(), read_only: false };
        self.target.connect(&what, self.limit).await
    }

    /// The connection of this operation; a new one when the last has ended.
    async fn connection(&self) -> Result<Connection, Error> {
        let mut link = self.link.lock().await;
        if let Some(connection) = link.as_ref().filter(|c| c.why_ended().is_none()) {
            return Ok(connection.clone());
        }
        let connection = self.connect().await?;
        *link = Some(connection.clone());
        Ok(connection)
    }

    /// Programs on the machine that the machines are on, and on no other.
    async fn programs(&self) -> Result<Programs, Fault> {
        let programs = Programs::on(self.target.clone());
        let same = self.same.get_or_try_init(|| async {
            match programs.beside(&of_call(self.connection().await)?).await {
                Ok(()) => Ok(()),
                Err(Apart::Call(error)) => of_call(Err(error)),
                Err(Apart::Program(error)) => of_program(Err(error)),
                Err(apart @ Apart::Elsewhere { .. }) => Err(Fault::Failed(format!(
                    "{apart}: nothing was done; name the host as [source.ssh] instead of a socket that leads to it"
                ))),
            }
        });
        same.await?;
        Ok(programs)
    }

    /// A machine by its name, and what is known of it.
    async fn machine(&self, name: &str) -> Result<Machine, Error> {
        let connection = self.connection().await?;
        let domain = connection.domain(name).await?;
        let power = Power::from_wire(connection.state(&domain).await?.0);
        let text = connection.xml(&domain, 0).await?;
        let persistent = connection.is_persistent(&domain).await?;
        let kept = if persistent { connection.xml(&domain, xml_flags::INACTIVE).await? } else { text.clone() };
        Ok(Machine { domain, power, persistent, live: text, kept })
    }

    /// A machine by its UUID; `None` when there is none.
    pub(in crate::workers::vms) async fn by_uuid(&self, uuid: &str) -> Result<Option<Domain>, Error> {
        // That there is no such machine must not be told of one that was not asked for.
        let bytes = uuid::Uuid::parse_str(uuid).map(uuid::Uuid::into_bytes).map_err(|why| Error {
            place: self.name.to_string(),
            call: "look for a machine".to_owned(),
            what: Failure::Config(format!("{} is no UUID: {why}", crate::model::text::clean(uuid))),
        })?;
        match self.connection().await?.domain_by_uuid(bytes).await {
            Ok(domain) => Ok(Some(domain)),
            Err(e) if e.no_domain() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// A machine as it is when an operation begins.
struct Machine {
    domain: Domain,
    power: Power,
    persistent: bool,
    /// Its definition as it runs.
    live: String,
    /// And as it outlives it.
    kept: String,
}

impl Machine {
    fn definition(&self) -> Result<Definition, String> {
        xml::definition(&self.live).map_err(words)
    }
}

/// A moment as a part of a name: `20261128T181500Z`.
fn stamp(at: Ts) -> String {
    at.to_utc().map_or_else(|| at.0.to_string(), |utc| utc.format("%Y%m%dT%H%M%SZ").to_string())
}

/// An error in words.
#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What came of a call, for the machines: an error that may have been carried out all the same is lost.
fn of_call<T>(told: Result<T, Error>) -> Result<T, Fault> {
    told.map_err(|e| if e.uncertain() { Fault::Lost(e.to_string()) } else { Fault::Failed(e.to_string()) })
}

/// The same of a program.
fn of_program<T>(told: Result<T, ProgramError>) -> Result<T, Fault> {
    told.map_err(|e| match e {
        ProgramError::Lost(_) => Fault::Lost(e.to_string()),
        ProgramError::NotStarted(_) | ProgramError::Failed { .. } | ProgramError::TooLong | ProgramError::Cancelled => {
            Fault::Failed(e.to_string())
        }
    })
}

/// The job that runs in a machine now; one that does not run has none.
pub(in crate::workers::vms) async fn job(connection: &Connection, domain: &Domain) -> Result<Option<VmJob>, Error> {
    match connection.job(domain, 0).await {
        Ok((kind, params)) => Ok(map::job(kind, &params)),
        Err(error) if error.kind() == Some(RemoteKind::Invalid) => {
            let (state, _) = connection.state(domain).await?;
            if Power::from_wire(state).active() { Err(error) } else { Ok(None) }
        }
        Err(error) => Err(error),
    }
}

/// Something that waits for the job of a machine.
struct Wait<'a> {
    host: &'a Host,
    domain: &'a Domain,
    /// What the job does, in words.
    doing: &'a str,
    told: Told<'a>,
}

impl Wait<'_> {
    /// Looks once, and tells how far it is; whether there is a job.
    async fn look(&self, pace: &mut Pace) -> Result<bool, Error> {
        let connection = self.host.connection().await?;
        let Some(running) = job(&connection, self.domain).await? else { return Ok(false) };
        let mut progress = pace.job(now(), &running);
        self.doing.clone_into(&mut progress.doing);
        (self.told)(progress);
        Ok(true)
    }

    /// Waits until there is no job any more, which `stop` brings about. The jobs of a host go on while it
    /// cannot be asked: it is asked again.
    async fn for_end(&self, stop: &CancellationToken) -> Result<(), Fault> {
        let mut pace = Pace::default();
        let (mut ended, mut silent) = (false, 0);
        loop {
            tokio::select! {
                () = tokio::time::sleep(if silent == 0 { LOOK } else { SILENT }) => {}
                () = stop.cancelled(), if !ended && silent == 0 => {}
            }
            if stop.is_cancelled() && !ended {
                // One that was not heard is told again; that there is no job any more is as good.
                let told = async { self.host.connection().await?.abort_job(self.domain).await };
                ended = told.await.map_or_else(|error| error.remote().is_some(), |()| true);
            }
            match self.look(&mut pace).await {
                Ok(true) => silent = 0,
                Ok(false) => return Ok(()),
                Err(error) if error.remote().is_none() && silent < PATIENT => silent += 1,
                Err(error) => return of_call(Err(error)),
            }
        }
    }

    /// Tells how far the job is, until dropped; over a connection of its own, as another one is taken by the
    /// call that runs it.
    async fn tell(&self) {
        let apart = Host { link: Arc::default(), ..self.host.clone() };
        let apart = Wait { host: &apart, ..*self };
        let mut pace = Pace::default();
        loop {
            tokio::time::sleep(LOOK).await;
            // What cannot be asked now is asked a moment later.
            drop(apart.look(&mut pace).await);
        }
    }
}

/// Asks the guest of a machine to shut down.
pub(in crate::workers) async fn ask_to_stop(host: &Host, uuid: &str) -> Result<(), String> {
    match host.by_uuid(uuid).await.map_err(words)? {
        Some(domain) => host.connection().await.map_err(words)?.shutdown(&domain, 0).await.map_err(words),
        None => Ok(()),
    }
}
