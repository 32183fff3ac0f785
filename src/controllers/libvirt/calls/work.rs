//! Jobs: of a machine, and on its disks.

use super::super::client::{CHANGE, Connection, LONG, What};
use super::super::procs;
use super::super::wire::{BlockJobInfo, Domain, Params};
use super::Told;

/// Jobs.
impl Connection {
    /// The job of a machine: its kind (0: none), and figures ([`super::super::flags::job`]).
    pub async fn job(&self, domain: &Domain, flags: u32) -> Told<(i32, Params)> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_GET_JOB_STATS, &args, What("read the job of", &domain.name), self.read).await
    }

    /// Breaks the job of a machine off.
    pub async fn abort_job(&self, domain: &Domain) -> Told<()> {
        self.call(&procs::DOMAIN_ABORT_JOB, domain, What("cancel the job of", &domain.name), CHANGE).await
    }

    /// Merges an overlay into what is below: target, base (none: the end of the chain), top (none: the
    /// active image), limit (0: none), flags ([`super::super::flags::commit`]).
    pub async fn block_commit(
        &self,
        domain: &Domain,
        disk: &str,
        base: Option<&str>,
        top: Option<&str>,
        limit: u64,
        flags: u32,
    ) -> Told<()> {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let args = (domain.clone(), disk.to_owned(), text(base), text(top), limit, flags);
        self.call(&procs::DOMAIN_BLOCK_COMMIT, &args, What("commit a disk of", &domain.name), CHANGE).await
    }

    /// The job on a disk; `None`: there is none.
    pub async fn block_job(&self, domain: &Domain, disk: &str) -> Told<Option<BlockJobInfo>> {
        let args = (domain.clone(), disk.to_owned(), 1);
        let what = What("read the block job of", &domain.name);
        let told = self.call(&procs::DOMAIN_GET_BLOCK_JOB_INFO, &args, what, self.read).await?;
        Ok(told.found.then_some(told))
    }

    /// Ends the job on a disk ([`super::super::flags::block_abort`]: 2 changes over to the copy).
    pub async fn abort_block_job(&self, domain: &Domain, disk: &str, flags: u32) -> Told<()> {
        let args = (domain.clone(), disk.to_owned(), flags);
        self.call(&procs::DOMAIN_BLOCK_JOB_ABORT, &args, What("end the block job of", &domain.name), LONG).await
    }
}
