//! Jobs of whole machines: backup and migration. How far one is follows from the time; only its parts
//! and its end are planned.

use super::define::{disks, document, given};
use super::files::Image;
use super::vm::{Checkpoint, Vm};
use super::{Happened, Refusal, SECOND, Step, World};
use crate::controllers::libvirt::wire::{Param, Params, Value};
use crate::controllers::libvirt::xml::tree::Node;

/// `virDomainJobOperation`.
pub(crate) mod operation {
    pub(crate) const MIGRATION_IN: i32 = 4;
    pub(crate) const MIGRATION_OUT: i32 = 5;
    pub(crate) const BACKUP: i32 = 9;
}

/// `virDomainJobType`.
pub(crate) mod kind {
    pub(crate) const COMPLETED: i32 = 3;
    pub(crate) const FAILED: i32 = 4;
    pub(crate) const CANCELLED: i32 = 5;
}

/// Bytes a second that a backup writes.
const BACKUP_RATE: u64 = 180 << 20;
/// What changes in a second between two backups, bytes, beside what the load writes.
const DRIFT: u64 = 4 << 20;

/// How a job ends.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Done,
    Cancelled,
    Failed(Refusal),
    /// The machine went off underneath.
    Gone,
}

/// A stretch of a job in which bytes move at one rate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    pub(crate) length_us: i64,
    pub(crate) memory: u64,
    pub(crate) disk: u64,
}

/// What a job is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// Target, file, bytes it will hold, capacity.
    Backup {
        files: Vec<(String, String, u64, u64)>,
        incremental: Option<String>,
    },
    Out {
        to: usize,
        ask: super::Ask,
    },
    In,
}

/// A job that runs.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) operation: i32,
    pub(crate) started: i64,
    pub(crate) parts: Vec<Part>,
    /// Parts that are over.
    pub(crate) over: usize,
    pub(crate) memory_total: u64,
    pub(crate) disk_total: u64,
    pub(crate) purpose: Purpose,
}

/// How a job that is over went, and its numbers.
#[derive(Debug, Clone)]
pub(crate) struct Completed {
    pub(crate) kind: i32,
    pub(crate) params: Params,
}

impl Job {
    /// Memory and disk bytes moved so far, and the pass over the memory.
    fn moved(&self, now: i64) -> (u64, u64, u64) {
        let mut left = (now - self.started).max(0);
        let (mut memory, mut disk, mut pass) = (0, 0, 0);
        for part in &self.parts {
            pass += u64::from(part.memory > 0);
            if left >= part.length_us {
                memory += part.memory;
                disk += part.disk;
                left -= part.length_us;
                continue;
            }
            let share = left as f64 / part.length_us.max(1) as f64;
            memory += (part.memory as f64 * share) as u64;
            disk += (part.disk as f64 * share) as u64;
            break;
        }
        (memory, disk, pass)
    }

    /// Bytes a second now.
    fn rate(&self, now: i64) -> u64 {
        let mut left = (now - self.started).max(0);
        for part in &self.parts {
            if left < part.length_us {
                return (part.memory + part.disk) * SECOND as u64 / part.length_us.max(1) as u64;
            }
            left -= part.length_us;
        }
        0
    }

    /// Its numbers, as libvirt names them.
    pub(crate) fn params(&self, now: i64) -> Params {
        let (memory, disk, pass) = self.moved(now);
        let elapsed = ((now - self.started) / 1_000).max(0) as u64;
        let mut out = vec![Param::new("operation", Value::Int(self.operation))];
        let mut put = |name, value| out.push(Param::new(name, Value::Ulong(value)));
        put("time_elapsed", elapsed);
        if self.operation != operation::BACKUP {
            // What is sent again makes more of the memory than there is.
            let sent: u64 = self.parts.iter().map(|p| p.memory).sum();
            let remaining = if sent <= memory { 0 } else { (sent - memory).min(self.memory_total) };
            put("data_total", self.memory_total + self.disk_total);
            put("data_processed", memory + disk);
            put("data_remaining", remaining + self.disk_total.saturating_sub(disk));
            put("memory_total", self.memory_total);
            put("memory_processed", memory);
            put("memory_remaining", remaining);
            put("memory_bps", self.rate(now));
            put("memory_constant", self.memory_total / 4_096 / 5);
            put("memory_normal", memory / 4_096);
            put("memory_normal_bytes", memory);
            put("memory_dirty_rate", if pass > 1 { 6_200 } else { 0 });
            put("memory_iteration", pass);
            put("memory_postcopy_requests", 0);
            put("memory_page_size", 4_096);
        }
        put("disk_total", self.disk_total);
        put("disk_processed", disk.min(self.disk_total));
        put("disk_remaining", self.disk_total.saturating_sub(disk));
        out
    }
}

impl World {
    /// Begins a backup.
    ///
    /// # Errors
    /// The machine is off or busy, the XML asks for what there is not.
    pub(crate) fn backup(
        &mut self,
        host: usize,
        uuid: &[u8; 16],
        text: &str,
        checkpoint: Option<&str>,
    ) -> Result<(), Refusal> {
        let root = document(text, "domainbackup", "domainbackup")?;
        let vm = self.vm_by_uuid(host, uuid)?;
        vm.must_run()?;
        if vm.job.is_some() {
            return Err(Refusal::busy());
        }
        if !matches!(root.attr("mode"), "" | "push") {
            return Err(Refusal::not_supported("pull mode backups are not simulated"));
        }
        let incremental = given(root.text_at(&["incremental"]));
        let since = match &incremental {
            Some(name) => Some(vm.checkpoint(name)?.created),
            None => None,
        };
        let files = self.backup_files(host, vm, &root, since)?;
        if let Some(text) = checkpoint {
            self.mark(host, uuid, text)?;
        }
        let total: u64 = files.iter().map(|f| f.2).sum();
        let number = self.number();
        let started = self.now;
        let room = self.host(host)?.wrongs.backup_room;
        let moved = room.map_or(total, |room| room.min(total));
        let part =
            Part { length_us: (moved as i64 / (BACKUP_RATE as i64 / SECOND)).max(40_000), memory: 0, disk: moved };
        let vm = self.vm_mut(host, uuid)?;
        vm.job = Some(Job {
            number,
            operation: operation::BACKUP,
            started,
            parts: vec![part],
            over: 0,
            memory_total: 0,
            disk_total: total,
            purpose: Purpose::Backup { files, incremental },
        });
        self.after(part.length_us, Step::Job { host, uuid: *uuid, number });
        Ok(())
    }

    /// The nightly backup of the largest machine has just begun.
    pub(crate) fn begin_life(&mut self) {
        let all = self.hosts.iter().enumerate().flat_map(|(host, h)| h.vms.iter().map(move |vm| (host, vm)));
        let backed_up = all.filter(|(_, vm)| vm.active() && !vm.checkpoints.is_empty());
        let largest = backed_up.max_by_key(|(_, vm)| vm.memory_kib);
        let Some((host, uuid, name)) = largest.map(|(host, vm)| (host, vm.uuid, vm.name.clone())) else { return };
        let stamp = self.clock(self.now);
        let file = format!("/var/lib/libvirt/backups/{name}/{stamp}/vda.full.qcow2");
        let disk = format!("<disk name='vda' backup='yes'><target file='{file}'/></disk>");
        let text = format!("<domainbackup mode='push'><disks>{disk}</disks></domainbackup>");
        let checkpoint = format!("<domaincheckpoint><name>noctule-{stamp}</name></domaincheckpoint>");
        // It is in the layout: nothing refuses it.
        let _ = self.backup(host, &uuid, &text, Some(&checkpoint));
    }

    /// What is written where.
    fn backup_files(
        &self,
        host: usize,
        vm: &Vm,
        root: &Node,
        since: Option<i64>,
    ) -> Result<Vec<(String, String, u64, u64)>, Refusal> {
        let mut files = Vec::new();
        let asked: Vec<&Node> = disks(root).collect();
        let now = self.clock(self.now);
        for disk in vm.disks.iter().filter(|d| d.device == "disk" && !d.source.is_empty()) {
            let mine = asked.iter().find(|asked| asked.attr("name") == disk.target);
            if mine.is_none() && !asked.is_empty() || mine.is_some_and(|mine| mine.attr("backup") == "no") {
                continue;
            }
            let target = mine.and_then(|mine| given(mine.attr_at(&["target"], "file")));
            let file = target.unwrap_or_else(|| format!("{}.{now}", disk.source));
            let image = self.image(host, &disk.source);
            let (capacity, held) = image.map_or((0, 0), |i| (i.capacity, i.allocation));
            let changed = |since: i64| {
                let seconds = (now - since).max(1) as u64;
                (DRIFT + (vm.load.write as u64).saturating_mul(seconds) / 24).min(held / 3 + DRIFT)
            };
            files.push((disk.target.clone(), file, since.map_or(held, changed), capacity));
        }
        for disk in &asked {
            let name = disk.attr("name");
            if vm.disk(name).is_none() {
                return Err(Refusal::argument(&format!("no disk named '{name}'")));
            }
        }
        if files.is_empty() {
            return Err(Refusal::argument("no disks selected for backup"));
        }
        Ok(files)
    }

    /// A part of a job is over.
    pub(super) fn job_step(&mut self, host: usize, uuid: &[u8; 16], number: u64) {
        let Ok(vm) = self.vm_mut(host, uuid) else { return };
        let Some(job) = vm.job.as_mut().filter(|job| job.number == number) else { return };
        job.over += 1;
        let next = job.parts.get(job.over).copied();
        let purpose = job.purpose.clone();
        match (next, &purpose) {
            (Some(part), Purpose::Out { .. }) => {
                let last = job.over + 1 == job.parts.len();
                let pass = job.parts.iter().take(job.over + 1).filter(|p| p.memory > 0).count();
                self.migration_part(host, uuid, part, pass as i32, last);
                self.after(part.length_us, Step::Job { host, uuid: *uuid, number });
            }
            (Some(part), _) => self.after(part.length_us, Step::Job { host, uuid: *uuid, number }),
            (None, Purpose::Out { to, ask }) => self.migrated(host, uuid, *to, ask),
            (None, Purpose::Backup { files, .. }) => {
                let total: u64 = files.iter().map(|f| f.2).sum();
                let room = self.hosts.get(host).and_then(|h| h.wrongs.backup_room);
                if room.is_some_and(|room| room < total) {
                    self.end_job(host, uuid, Outcome::Failed(Refusal::internal("No space left on device")));
                } else {
                    self.end_job(host, uuid, Outcome::Done);
                }
            }
            (None, Purpose::In) => {}
        }
    }

    /// Ends the job of a machine, if it has one.
    pub(super) fn end_job(&mut self, host: usize, uuid: &[u8; 16], outcome: Outcome) {
        let now = self.now;
        let Ok(vm) = self.vm_mut(host, uuid) else { return };
        let Some(job) = vm.job.take() else { return };
        let mut params = job.params(now);
        let kind = match &outcome {
            Outcome::Done => kind::COMPLETED,
            Outcome::Cancelled => kind::CANCELLED,
            Outcome::Failed(_) | Outcome::Gone => kind::FAILED,
        };
        if job.operation != operation::BACKUP && kind == kind::COMPLETED {
            let downtime = job.parts.last().map_or(0, |p| p.length_us / 1_000).max(0) as u64;
            for (name, value) in [("downtime", downtime), ("downtime_net", downtime), ("setup_time", 3)] {
                params.push(Param::new(name, Value::Ulong(value)));
            }
        }
        // A migration that did not come to its end leaves no numbers behind; a backup does.
        let kept = job.operation == operation::BACKUP || kind == kind::COMPLETED;
        vm.completed = kept.then(|| Completed { kind, params: params.clone() });
        let paths: Vec<(String, String)> = vm.disks.iter().map(|d| (d.target.clone(), d.source.clone())).collect();
        if let Purpose::Backup { files, .. } = &job.purpose {
            let status = match &outcome {
                Outcome::Done => 0,
                Outcome::Cancelled => 2,
                Outcome::Failed(_) | Outcome::Gone => 1,
            };
            params.push(Param::new("success", Value::Bool(status == 0)));
            if let Outcome::Failed(why) = &outcome {
                params.push(Param::text("errmsg", &why.message));
            }
            for (target, file, bytes, capacity) in files {
                // What was begun stays where it is: nobody cleans up but who asked for it.
                let held = if status == 0 { *bytes } else { *bytes / 3 };
                self.put(host, file, Image::new("qcow2", *capacity, held));
                let path = paths.iter().find(|(t, _)| t == target).map(|(_, p)| p.clone()).unwrap_or_default();
                self.tell(host, uuid, Happened::BlockJob { path, target: target.clone(), kind: 5, status });
            }
            self.tell(host, uuid, Happened::JobCompleted(params));
        } else {
            let result = match outcome {
                Outcome::Done => Ok(()),
                Outcome::Cancelled => Err(Refusal::aborted("migration out: canceled by client")),
                Outcome::Failed(why) => Err(why),
                Outcome::Gone => Err(Refusal::failed("domain is not running")),
            };
            self.ended.push_back((job.number, result));
            if self.ended.len() > 64 {
                self.ended.pop_front();
            }
        }
    }

    /// Cancels the job of a machine.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn abort(&mut self, host: usize, uuid: &[u8; 16]) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        vm.must_run()?;
        let Some(job) = &vm.job else { return Err(Refusal::invalid("no job is active on the domain")) };
        match job.purpose.clone() {
            Purpose::Backup { .. } => self.end_job(host, uuid, Outcome::Cancelled),
            Purpose::Out { to, .. } => self.migration_back(host, uuid, to, Outcome::Cancelled),
            Purpose::In => {
                return Err(Refusal::invalid("cannot abort incoming migration; use virDomainDestroy instead"));
            }
        }
        Ok(())
    }

    /// XML of the backup that runs.
    ///
    /// # Errors
    /// None runs.
    pub(crate) fn backup_xml(&self, host: usize, uuid: &[u8; 16]) -> Result<String, Refusal> {
        use std::fmt::Write as _;

        use quick_xml::escape::escape;

        let vm = self.vm_by_uuid(host, uuid)?;
        let job = vm.job.as_ref().map(|job| &job.purpose);
        let Some(Purpose::Backup { files, incremental }) = job else { return Err(Refusal::no_backup()) };
        let mut x = String::from("<domainbackup mode='push'>\n");
        if let Some(name) = incremental {
            let _ = writeln!(x, "  <incremental>{}</incremental>", escape(name));
        }
        x.push_str("  <disks>\n");
        for (target, file, ..) in files {
            let (target, file) = (escape(target), escape(file));
            let _ = writeln!(x, "    <disk name='{target}' backup='yes' type='file' state='running'>");
            let _ = writeln!(x, "      <driver type='qcow2'/>\n      <target file='{file}'/>\n    </disk>");
        }
        x.push_str("  </disks>\n</domainbackup>\n");
        Ok(x)
    }
}

/// A machine that arrives forgets what libvirt on the other host knew of its backups.
pub(super) const fn arrives() -> Vec<Checkpoint> {
    Vec::new()
}
