//! Snapshots, checkpoints and backups.

use super::super::client::{Connection, LONG, What};
use super::super::error::RemoteKind;
use super::super::procs;
use super::super::wire::{Checkpoint, Domain, Snapshot};
use super::Told;

/// Snapshots, checkpoints and backups.
impl Connection {
    /// All snapshots ([`super::super::flags::snapshot_list`]; 0: all).
    pub async fn snapshots(&self, domain: &Domain, flags: u32) -> Told<Vec<Snapshot>> {
        let args = (domain.clone(), true, flags);
        let what = What("list snapshots of", &domain.name);
        Ok(self.call(&procs::DOMAIN_LIST_ALL_SNAPSHOTS, &args, what, self.read).await?.0)
    }

    /// How many snapshots there are.
    pub async fn snapshot_count(&self, domain: &Domain) -> Told<u32> {
        let args = (domain.clone(), false, 0);
        let what = What("count snapshots of", &domain.name);
        let count = self.call(&procs::DOMAIN_LIST_ALL_SNAPSHOTS, &args, what, self.read).await?.1;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    /// Definition of a snapshot.
    pub async fn snapshot_xml(&self, snapshot: &Snapshot) -> Told<String> {
        let args = (snapshot.clone(), 0);
        let what = What("read snapshot", &snapshot.name);
        self.call(&procs::DOMAIN_SNAPSHOT_GET_XML_DESC, &args, what, self.read).await
    }

    /// A snapshot by its name.
    pub async fn snapshot(&self, domain: &Domain, name: &str) -> Told<Snapshot> {
        let args = (domain.clone(), name.to_owned(), 0);
        self.call(&procs::DOMAIN_SNAPSHOT_LOOKUP_BY_NAME, &args, What("find snapshot", name), self.read).await
    }

    /// The current snapshot, when there is one.
    pub async fn current_snapshot(&self, domain: &Domain) -> Told<Option<Snapshot>> {
        let args = (domain.clone(), 0);
        let what = What("read the current snapshot of", &domain.name);
        if !self.call(&procs::DOMAIN_HAS_CURRENT_SNAPSHOT, &args, what, self.read).await? {
            return Ok(None);
        }
        self.call(&procs::DOMAIN_SNAPSHOT_CURRENT, &args, what, self.read).await.map(Some)
    }

    /// The snapshot before it; `None` for the first.
    pub async fn snapshot_parent(&self, snapshot: &Snapshot) -> Told<Option<Snapshot>> {
        let args = (snapshot.clone(), 0);
        let what = What("read the parent of snapshot", &snapshot.name);
        match self.call(&procs::DOMAIN_SNAPSHOT_GET_PARENT, &args, what, self.read).await {
            Err(e) if e.kind() == Some(RemoteKind::NoSnapshot) => Ok(None),
            told => told.map(Some),
        }
    }

    /// Makes a snapshot ([`super::super::flags::snapshot_create`]).
    pub async fn create_snapshot(&self, domain: &Domain, xml: &str, flags: u32) -> Told<Snapshot> {
        let args = (domain.clone(), xml.to_owned(), flags);
        self.call(&procs::DOMAIN_SNAPSHOT_CREATE_XML, &args, What("make a snapshot of", &domain.name), LONG).await
    }

    /// Goes back to a snapshot ([`super::super::flags::revert`]).
    pub async fn revert(&self, snapshot: &Snapshot, flags: u32) -> Told<()> {
        let args = (snapshot.clone(), flags);
        self.call(&procs::DOMAIN_REVERT_TO_SNAPSHOT, &args, What("go back to snapshot", &snapshot.name), LONG).await
    }

    /// Deletes a snapshot ([`super::super::flags::delete`]).
    pub async fn delete_snapshot(&self, snapshot: &Snapshot, flags: u32) -> Told<()> {
        let args = (snapshot.clone(), flags);
        self.call(&procs::DOMAIN_SNAPSHOT_DELETE, &args, What("delete snapshot", &snapshot.name), LONG).await
    }

    /// All checkpoints.
    pub async fn checkpoints(&self, domain: &Domain) -> Told<Vec<Checkpoint>> {
        let args = (domain.clone(), true, 0);
        let what = What("list checkpoints of", &domain.name);
        Ok(self.call(&procs::DOMAIN_LIST_ALL_CHECKPOINTS, &args, what, self.read).await?.0)
    }

    /// Definition of a checkpoint.
    pub async fn checkpoint_xml(&self, checkpoint: &Checkpoint) -> Told<String> {
        let args = (checkpoint.clone(), 0);
        let what = What("read checkpoint", &checkpoint.name);
        self.call(&procs::DOMAIN_CHECKPOINT_GET_XML_DESC, &args, what, self.read).await
    }

    /// A checkpoint by its name.
    pub async fn checkpoint(&self, domain: &Domain, name: &str) -> Told<Checkpoint> {
        let args = (domain.clone(), name.to_owned(), 0);
        self.call(&procs::DOMAIN_CHECKPOINT_LOOKUP_BY_NAME, &args, What("find checkpoint", name), self.read).await
    }

    /// Deletes a checkpoint ([`super::super::flags::delete`]).
    pub async fn delete_checkpoint(&self, checkpoint: &Checkpoint, flags: u32) -> Told<()> {
        let args = (checkpoint.clone(), flags);
        self.call(&procs::DOMAIN_CHECKPOINT_DELETE, &args, What("delete checkpoint", &checkpoint.name), LONG).await
    }

    /// Begins a backup, with a checkpoint when its XML is given; flags 1: the target file is there.
    pub async fn begin_backup(&self, domain: &Domain, xml: &str, checkpoint: Option<&str>, flags: u32) -> Told<()> {
        let args = (domain.clone(), xml.to_owned(), checkpoint.map(str::to_owned), flags);
        self.call(&procs::DOMAIN_BACKUP_BEGIN, &args, What("begin a backup of", &domain.name), LONG).await
    }

    /// The backup that runs, as XML; `None` when none does.
    pub async fn backup_xml(&self, domain: &Domain) -> Told<Option<String>> {
        let args = (domain.clone(), 0);
        let what = What("read the backup of", &domain.name);
        match self.call(&procs::DOMAIN_BACKUP_GET_XML_DESC, &args, what, self.read).await {
            Err(e) if e.kind() == Some(RemoteKind::NoBackup) => Ok(None),
            told => told.map(Some),
        }
    }
}
