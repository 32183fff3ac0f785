//! Jobs on one disk: an overlay is committed into what is below it, and the machine goes on there.

use super::vm::BlockJob;
use super::{Happened, Refusal, SECOND, Step, World, origin};

/// `virDomainBlockJobType` and `virConnectDomainEventBlockJobStatus`.
const COMMIT: i32 = 3;
const ACTIVE_COMMIT: i32 = 4;
const COMPLETED: i32 = 0;
const CANCELLED: i32 = 2;
const READY: i32 = 3;
/// Bytes a second that a commit moves.
const RATE: i64 = 400 << 20;

/// What a commit was asked to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commit {
    pub(crate) base: Option<String>,
    pub(crate) top: Option<String>,
    /// Of the image that is written to.
    pub(crate) active: bool,
    /// What was committed is deleted.
    pub(crate) delete: bool,
}

impl World {
    /// Commits overlays of a disk into what is below.
    ///
    /// # Errors
    /// There is nothing below, or a job already.
    pub(crate) fn commit(&mut self, host: usize, uuid: &[u8; 16], disk: &str, ask: &Commit) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        vm.must_run()?;
        let found = vm.disk(disk).ok_or_else(|| Refusal::no_disk(disk))?;
        let target = found.target.clone();
        if vm.block_jobs.iter().any(|job| job.target == target) {
            return Err(Refusal::new_busy(&target));
        }
        if vm.job.is_some() {
            return Err(Refusal::busy());
        }
        let chain = self.chain(host, &found.source);
        let top = ask.top.clone().unwrap_or_else(|| found.source.clone());
        let at = |path: &str| chain.iter().position(|image| image == path);
        let Some(from) = at(&top) else {
            return Err(Refusal::argument(&format!("could not find image '{top}' in chain for '{target}'")));
        };
        let base = ask.base.clone().or_else(|| chain.last().filter(|_| chain.len() > 1).cloned());
        let to = base.as_deref().and_then(at).filter(|to| *to > from);
        let (Some(_), Some(base)) = (to, base) else {
            return Err(Refusal::argument(&format!("could not find base image in chain for '{target}'")));
        };
        if from == 0 && !ask.active {
            return Err(Refusal::argument(&format!("commit of '{target}' active layer requires active flag")));
        }
        let bytes = self.image(host, &top).map_or(0, |i| i.allocation);
        let length = (bytes as i64 / (RATE / SECOND)).clamp(60_000, 30 * SECOND);
        let started = self.now;
        let job = BlockJob {
            target: target.clone(),
            kind: if from == 0 { ACTIVE_COMMIT } else { COMMIT },
            started,
            length_us: length,
            bytes,
            base,
            top,
            ready: false,
            pivots: from == 0,
            delete: ask.delete,
        };
        self.vm_mut(host, uuid)?.block_jobs.push(job);
        self.after(length, Step::Block { host, uuid: *uuid, target, started });
        Ok(())
    }

    /// A commit has moved everything.
    pub(super) fn block_step(&mut self, host: usize, uuid: &[u8; 16], target: &str, started: i64) {
        let Ok(vm) = self.vm_mut(host, uuid) else { return };
        let path = vm.disk(target).map(|d| d.source.clone()).unwrap_or_default();
        let Some(job) = vm.block_jobs.iter_mut().find(|j| j.target == target && j.started == started) else { return };
        let kind = job.kind;
        let event = |status| Happened::BlockJob { path, target: target.to_owned(), kind, status };
        if job.pivots {
            job.ready = true;
            self.tell(host, uuid, event(READY));
            return;
        }
        let job = job.clone();
        vm.block_jobs.retain(|j| j.target != target);
        self.merged(host, uuid, &job);
        self.tell(host, uuid, event(COMPLETED));
    }

    /// What was above the base is not in the chain any more.
    fn merged(&mut self, host: usize, uuid: &[u8; 16], job: &BlockJob) {
        let moved = self.image(host, &job.top).map_or(0, |i| i.allocation);
        if let Some(base) = self.image_mut(host, &job.base) {
            base.allocation = (base.allocation + moved / 2).min(base.capacity);
        }
        let Ok(vm) = self.vm_mut(host, uuid) else { return };
        let Some(disk) = vm.disk_mut(&job.target) else { return };
        let source = disk.source.clone();
        if source == job.top {
            disk.source.clone_from(&job.base);
        }
        if job.delete {
            // It may be gone by itself.
            let _ = self.unlink(host, &job.top);
        }
        if source == job.top {
            return;
        }
        let above = self.chain(host, &source).into_iter().take_while(|image| *image != job.top).last();
        if let Some(image) = above.and_then(|above| self.image_mut(host, &above)) {
            image.backing = Some(job.base.clone());
        }
    }

    /// Ends a job on a disk: cancelled, or pivoted to what it made.
    ///
    /// # Errors
    /// There is none, or it cannot be pivoted yet.
    pub(crate) fn block_end(&mut self, host: usize, uuid: &[u8; 16], disk: &str, pivot: bool) -> Result<(), Refusal> {
        let vm = self.vm_mut(host, uuid)?;
        vm.must_run()?;
        let found = vm.disk(disk).ok_or_else(|| Refusal::no_disk(disk))?;
        let (target, path) = (found.target.clone(), found.source.clone());
        let Some(job) = vm.block_jobs.iter().find(|j| j.target == target).cloned() else {
            return Err(Refusal::invalid(&format!("disk {target} does not have an active block job")));
        };
        if pivot && !job.ready {
            let words = format!("block job on disk {target} is still in progress");
            return Err(Refusal::copy_active(&words));
        }
        vm.block_jobs.retain(|j| j.target != target);
        if pivot {
            self.merged(host, uuid, &job);
        }
        let status = if pivot { COMPLETED } else { CANCELLED };
        self.tell(host, uuid, Happened::BlockJob { path, target, kind: job.kind, status });
        Ok(())
    }

    /// The job on a disk: type, bytes done, bytes in all.
    ///
    /// # Errors
    /// There is no such disk.
    pub(crate) fn block_job(
        &self,
        host: usize,
        uuid: &[u8; 16],
        disk: &str,
    ) -> Result<Option<(i32, u64, u64)>, Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        let found = vm.disk(disk).ok_or_else(|| Refusal::no_disk(disk))?;
        let job = vm.block_jobs.iter().find(|j| j.target == found.target);
        Ok(job.map(|job| {
            let share = ((self.now - job.started) as f64 / job.length_us.max(1) as f64).clamp(0.0, 1.0);
            let done = if job.ready { job.bytes } else { (job.bytes as f64 * share) as u64 };
            (job.kind, done, job.bytes)
        }))
    }
}

impl Refusal {
    fn copy_active(what: &str) -> Self {
        Self::new(83, origin::QEMU, format!("block copy still active: {what}"))
    }

    fn new_busy(target: &str) -> Self {
        Self::copy_active(&format!("disk '{target}' already in active block job"))
    }
}
