//! Backups of a machine.

use tokio_util::sync::CancellationToken;

use super::files::Watch;
use super::{Host, Machine, Told as Progress, Wait, job, of_call, stamp, words};
use crate::controllers::libvirt::flags::job as job_flags;
use crate::controllers::libvirt::wire::param;
use crate::controllers::libvirt::xml::{self, BackupDisk, BackupMode};
use crate::engine::vm::backup::{Act, Backup, Plan, Source, Told, refused};
use crate::engine::vm::retention::{chain, surplus, unreadable};
use crate::engine::vm::sets::safe_name;
use crate::engine::vm::{Fault, Report, Turn, sets};
use crate::model::time::SECOND;
use crate::model::vm::{BackupKind, BackupSet, Definition, Manifest};
use crate::workers::now;

/// A job that ended well (`VIR_DOMAIN_JOB_COMPLETED`).
const COMPLETED: i32 = 3;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(in crate::workers) struct BackupRequest {
    /// Kind; an incremental one that cannot be is a full one, and the report says why.
    pub(in crate::workers) kind: BackupKind,
    /// Folder of backups on the host; the configured one without it.
    pub(in crate::workers) folder: Option<String>,
    /// Whether it is read back; as configured without it.
    pub(in crate::workers) verify: Option<bool>,
}

/// The backups of a machine, and their folder.
pub(in crate::workers) async fn backups(
    host: &Host,
    vm: &str,
    folder: Option<&str>,
) -> Result<(String, Vec<BackupSet>), String> {
    let base = folder.unwrap_or(&host.backup.folder);
    // One that is gone is looked for by what it was called.
    let definition = match host.machine(vm).await {
        Ok(machine) => machine.definition()?,
        Err(e) if e.no_domain() => Definition { name: vm.to_owned(), ..Definition::default() },
        Err(e) => return Err(e.to_string()),
    };
    let folder = sets::folder(base, &definition)?;
    let all = host.sets(&folder).await?;
    Ok((folder, all))
}

/// What a backup would do, in words.
pub(in crate::workers) async fn backup_plan(
    host: &Host,
    vm: &str,
    request: &BackupRequest,
) -> Result<Vec<String>, String> {
    let machine = host.machine(vm).await.map_err(words)?;
    let definition = machine.definition()?;
    let plan = plan(host, &machine, &definition, request).await?;
    if let Some(why) = refused(&plan, &definition) {
        return Err(why);
    }
    let mut out = vec![format!("A {} backup goes to {}.", plan.kind.word(), plan.done())];
    out.extend(plan.because.iter().map(|why| format!("It is a full one: {why}.")));
    out.extend(plan.parent.iter().map(|(parent, _)| format!("It builds on {parent}.")));
    let unsure = plan.unsure.iter();
    out.extend(unsure.map(|name| format!("No old backup is removed: the manifest of {name} cannot be read.")));
    out.extend(plan.surplus.iter().map(|name| format!("{name} is older than what is kept and removed afterwards.")));
    Ok(out)
}

/// Reads a backup again, with all that it builds on, and compares it with what its manifests say: an image
/// can be read well and hold other data. What was found, in words.
pub(super) async fn verify_backup(
    host: &Host,
    folder: &str,
    sets: &[BackupSet],
    name: &str,
    watch: Watch<'_>,
) -> Result<String, String> {
    let all = chain(sets, name)?;
    let mut unknown = Vec::new();
    let mut read = 0;
    for (set, manifest) in &all {
        for disk in &manifest.disks {
            let file = safe_name(&disk.file).ok_or_else(|| format!("{set} names a file {:?}", disk.file))?;
            let path = format!("{folder}/{set}/{file}");
            let (bytes, sum) = host.verify(&path, watch).await.map_err(|fault| format!("{path}: {}", fault.why()))?;
            if disk.sha256.is_empty() {
                unknown.push((*set).to_owned());
            } else if (bytes, &sum) != (disk.bytes, &disk.sha256) {
                return Err(format!("{path} is not what was backed up: its checksum differs; do not rely on {name}"));
            }
            read += bytes;
        }
    }
    let count = all.len();
    Ok(match unknown.first() {
        None => format!("{name} was read again and is what was backed up (a chain of {count}, {} MiB)", read >> 20),
        Some(set) => {
            format!("the images of {name} are sound; {set} was not verified when it was made, so no more is known")
        }
    })
}

/// Backs a machine up.
pub(in crate::workers) async fn backup(
    host: &Host,
    vm: &str,
    request: &BackupRequest,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Report, String> {
    let machine = host.machine(vm).await.map_err(words)?;
    let definition = machine.definition()?;
    let plan = plan(host, &machine, &definition, request).await?;
    if let Some(why) = refused(&plan, &definition) {
        return Err(why);
    }
    let folder = plan.folder.clone();
    let sizes = plan.disks.iter().map(|disk| (disk.path.clone(), disk.virtual_size)).collect();
    let mut run = Run { host, sizes, machine: &machine, definition: &definition, folder: &folder, stop, progress };
    let mut backup = Backup::new(plan);
    let mut aborted = false;
    loop {
        match backup.turn() {
            Turn::Over(report) => return Ok(report),
            Turn::Do(act) => {
                let told = run.act(&act).await.unwrap_or_else(Told::Fault);
                if stop.is_cancelled() && !aborted {
                    aborted = true;
                    // What runs was told to end while it was waited for.
                    backup.abort();
                }
                backup.told(told);
            }
        }
    }
}

async fn plan(
    host: &Host,
    machine: &Machine,
    definition: &Definition,
    request: &BackupRequest,
) -> Result<Plan, String> {
    let connection = host.connection().await.map_err(words)?;
    let base = request.folder.as_deref().unwrap_or(&host.backup.folder);
    let folder = sets::folder(base, definition)?;
    let all = host.sets(&folder).await?;
    let running = machine.power.active();
    let checkpoints = connection.checkpoints(&machine.domain).await.map_err(words)?;
    let checkpoints: Vec<String> = checkpoints.into_iter().map(|checkpoint| checkpoint.name).collect();
    let choice = sets::choose(request.kind, definition, &all, &checkpoints, running);
    let mut disks = Vec::new();
    for disk in sets::disks(definition) {
        let size = connection.block_info(&machine.domain, &disk.target).await.map_err(words)?;
        disks.push(Source {
            target: disk.target.clone(),
            path: disk.source.clone(),
            format: disk.format.clone(),
            virtual_size: size.capacity,
            allocation: size.allocation.max(size.physical).min(size.capacity),
        });
    }
    // Two within a second must not share a name: what undoes the second would undo the first.
    let mut at = now();
    let taken = |stamp: &str| {
        all.iter().any(|set| set.name.starts_with(stamp)) || checkpoints.iter().any(|name| name.ends_with(stamp))
    };
    while taken(&stamp(at)) {
        at = at.plus(SECOND);
    }
    let stamp = stamp(at);
    let tracked = running && sets::disks(definition).all(|disk| disk.format == "qcow2");
    let checkpoint = tracked.then(|| format!("{}{stamp}", sets::CHECKPOINT));
    let mut stale: Vec<String> = checkpoints.into_iter().filter(|name| name.starts_with(sets::CHECKPOINT)).collect();
    if checkpoint.is_none() {
        stale.clear();
    }
    let name = format!("{stamp}.{}", choice.kind.word());
    let at_s = at.0 / SECOND;
    // What is kept is counted with the new one.
    let mut after = all.clone();
    after.push(BackupSet {
        name: name.clone(),
        manifest: Ok(Manifest {
            uuid: definition.uuid.clone(),
            at: at_s,
            parent: choice.parent.as_ref().map(|(parent, _)| parent.clone()),
            ..Manifest::default()
        }),
    });
    Ok(Plan {
        vm: definition.name.clone(),
        uuid: definition.uuid.clone(),
        host: host.name.to_string(),
        running,
        verify: request.verify.unwrap_or(host.backup.verify),
        free: host.free(&folder).await,
        unsure: unreadable(&all).map(|set| set.name.clone()),
        surplus: surplus(&after, &definition.uuid, host.backup.keep),
        folder,
        name,
        at: at_s,
        kind: choice.kind,
        parent: choice.parent,
        because: choice.because,
        checkpoint,
        disks,
        xml: machine.kept.clone(),
        stale,
    })
}

struct Run<'a> {
    host: &'a Host,
    /// Bytes of disks, by file.
    sizes: Vec<(String, u64)>,
    machine: &'a Machine,
    definition: &'a Definition,
    folder: &'a str,
    stop: &'a CancellationToken,
    progress: Progress<'a>,
}

impl Run<'_> {
    async fn act(&mut self, act: &Act) -> Result<Told, Fault> {
        let host = self.host;
        let watch = Watch { stop: self.stop, told: self.progress };
        let done = |()| Told::Done;
        match act {
            Act::MakeFolder(path) => host.make_folder(path).await.map(done),
            Act::Begin { disks, since, checkpoint } => {
                self.begin(disks, since.as_deref(), checkpoint.as_deref()).await.map(done)
            }
            Act::Await => self.ended().await.map(done),
            Act::Copy { from, format, to } => {
                host.convert([from, to], [format, "qcow2"], ("copying", self.size(from)), watch).await.map(done)
            }
            Act::Compare { from, format, to } => {
                host.compare([from, to], [format, "qcow2"], ("comparing", self.size(from)), watch).await.map(done)
            }
            Act::Base { file, on } => host.base(file, on).await.map(done),
            Act::Verify { file, read: true } => {
                host.verify(file, watch).await.map(|(bytes, sha256)| Told::Sound { bytes, sha256 })
            }
            Act::Verify { file, read: false } => {
                host.size(file).await.map(|bytes| Told::Sound { bytes, sha256: String::new() })
            }
            Act::Write { file, text } => host.write(file, text).await.map(done),
            Act::Rename { from, to } => host.rename(from, to).await.map(done),
            Act::Look(path) => host.is_there(path).await.map(Told::Present),
            Act::Busy => {
                let connection = of_call(host.connection().await)?;
                Ok(Told::Present(of_call(job(&connection, &self.machine.domain).await)?.is_some()))
            }
            Act::Abort => {
                let connection = of_call(host.connection().await)?;
                of_call(connection.abort_job(&self.machine.domain).await).map(done)
            }
            Act::DropCheckpoint(name) => self.drop_checkpoint(name).await.map(done),
            Act::RemoveFolder(path) => host.remove_backup(self.folder, path).await.map(done),
        }
    }

    fn size(&self, path: &str) -> u64 {
        self.sizes.iter().find(|(file, _)| file == path).map_or(0, |(_, bytes)| *bytes)
    }

    async fn begin(
        &self,
        disks: &[(String, String)],
        since: Option<&str>,
        checkpoint: Option<&str>,
    ) -> Result<(), Fault> {
        let failed = |e: xml::XmlError| Fault::Failed(e.to_string());
        let copied = |target: &str| disks.iter().find(|(t, _)| t == target);
        let all: Vec<BackupDisk> = self
            .definition
            .disks
            .iter()
            // A drive without a medium is none that libvirt would know here.
            .filter(|disk| !disk.source.is_empty())
            .map(|disk| match copied(&disk.target) {
                Some((target, file)) => {
                    BackupDisk { target: target.clone(), mode: BackupMode::Copied, file: file.clone() }
                }
                None => BackupDisk { target: disk.target.clone(), mode: BackupMode::LeftOut, file: String::new() },
            })
            .collect();
        let request = xml::backup(&all, since).map_err(failed)?;
        let with: Vec<&str> = disks.iter().map(|(target, _)| target.as_str()).collect();
        let without: Vec<&str> =
            all.iter().map(|disk| disk.target.as_str()).filter(|target| !with.contains(target)).collect();
        let point = checkpoint.map(|name| xml::checkpoint(name, &with, &without)).transpose().map_err(failed)?;
        let connection = of_call(self.host.connection().await)?;
        // It would be taken for this one, and ended with it.
        if let Some(other) = of_call(job(&connection, &self.machine.domain).await)? {
            let (operation, vm) = (crate::model::text::clean(&other.operation), &self.definition.name);
            return Err(Fault::Failed(format!("another job runs in {vm} ({operation}): wait for it, or cancel it")));
        }
        // What an earlier job left to be read must not be taken for the end of this one.
        let _ = connection.job(&self.machine.domain, job_flags::COMPLETED).await;
        of_call(connection.begin_backup(&self.machine.domain, &request, point.as_deref(), 0).await)
    }

    /// Waits for the end of the job; ends it when it is cancelled.
    async fn ended(&self) -> Result<(), Fault> {
        let domain = &self.machine.domain;
        let wait = Wait { host: self.host, domain, doing: "backing up", told: self.progress };
        wait.for_end(self.stop).await?;
        let connection = of_call(self.host.connection().await)?;
        let (kind, params) = of_call(connection.job(domain, job_flags::COMPLETED).await)?;
        if kind == COMPLETED {
            return Ok(());
        }
        let why = param(&params, "errmsg").and_then(|value| value.text()).unwrap_or_default();
        Err(Fault::Failed(match (kind, why) {
            (5, "") => "the job was cancelled".to_owned(),
            (_, "") => "the host says only that the job failed; look at the free space and its log".to_owned(),
            (_, why) => crate::model::text::clean(why).into_owned(),
        }))
    }

    async fn drop_checkpoint(&self, name: &str) -> Result<(), Fault> {
        let connection = of_call(self.host.connection().await)?;
        let all = of_call(connection.checkpoints(&self.machine.domain).await)?;
        match all.into_iter().find(|checkpoint| checkpoint.name == name) {
            Some(checkpoint) => of_call(connection.delete_checkpoint(&checkpoint, 0).await),
            None => Ok(()),
        }
    }
}
