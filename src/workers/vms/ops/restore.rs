//! Restoring a backup, to the machine itself or to a new one.

use tokio_util::sync::CancellationToken;

use super::backup::{backups, verify_backup};
use super::files::Watch;
use super::{Host, Told as Progress, of_call, stamp, words};
use crate::controllers::libvirt::flags::{delete, undefine};
use crate::controllers::libvirt::xml::{self, Change};
use crate::engine::vm::restore::{Act, Disk, Goal, Plan, Restore, Told};
use crate::engine::vm::retention::{chain, whole};
use crate::engine::vm::sets::safe_name;
use crate::engine::vm::{Fault, Report, Turn};
use crate::model::text::clean;
use crate::model::vm::state::Power;
use crate::model::vm::{BackupSet, Definition, Manifest};
use crate::workers::now;

/// Where it goes.
#[derive(Debug, Clone)]
pub(in crate::workers) enum RestoreGoal {
    /// To the machine itself, which has to be off.
    Same,
    /// To a new one.
    New {
        /// Its name.
        name: String,
        /// Folder of its disks; that of the disk that was backed up without it.
        folder: Option<String>,
    },
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(in crate::workers) struct RestoreRequest {
    /// UUID of the machine that is asked for: a folder may hold backups of an earlier one of its name.
    pub(in crate::workers) uuid: String,
    /// Name of the backup; the newest without it.
    pub(in crate::workers) backup: Option<String>,
    /// Folder of the machine's backups on the host; that below the configured one without it.
    pub(in crate::workers) place: Option<String>,
    /// Where it goes.
    pub(in crate::workers) goal: RestoreGoal,
    /// Start it.
    pub(in crate::workers) start: bool,
}

/// What a restore of `vm` would do.
pub(in crate::workers) async fn restore_plan(host: &Host, vm: &str, request: &RestoreRequest) -> Result<Plan, String> {
    Ok(prepare(host, vm, request).await?.plan)
}

/// Restores a backup of `vm`.
pub(in crate::workers) async fn restore(
    host: &Host,
    vm: &str,
    request: &RestoreRequest,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Report, String> {
    let Prepared { plan, mut notes, sizes, folder, sets } = prepare(host, vm, request).await?;
    let watch = Watch { stop, told: progress };
    notes.push(verify_backup(host, &folder, &sets, &plan.backup, watch).await?);
    let uuid = plan.uuid.clone();
    let mut restore = Restore::new(plan);
    let mut aborted = false;
    loop {
        match restore.turn() {
            Turn::Over(mut report) => {
                report.notes.append(&mut notes);
                return Ok(report);
            }
            Turn::Do(act) => {
                let told = do_it(host, &uuid, &sizes, &act, watch).await.unwrap_or_else(Told::Fault);
                if stop.is_cancelled() && !aborted {
                    aborted = true;
                    restore.abort();
                }
                restore.told(told);
            }
        }
    }
}

/// Name and UUID of the machine that a backup is of; `path` is that of the backup's folder on the host.
pub(in crate::workers) async fn machine_of(host: &Host, path: &str) -> Result<(String, String), String> {
    let (place, name) = path.rsplit_once('/').ok_or_else(|| format!("{} is no whole path", clean(path)))?;
    let sets = host.sets(place).await?;
    let set = sets.iter().find(|set| set.name == name).ok_or_else(|| format!("there is no backup {}", clean(path)))?;
    let manifest = set.manifest.as_ref().map_err(|why| format!("{}: {why}", clean(path)))?;
    Ok((manifest.vm.clone(), manifest.uuid.clone()))
}

/// A plan with what else is known.
struct Prepared {
    plan: Plan,
    notes: Vec<String>,
    /// Folder of the machine's backups, and what is in it.
    folder: String,
    sets: Vec<BackupSet>,
    /// Bytes of images, by file.
    sizes: Vec<(String, u64)>,
}

async fn prepare(host: &Host, vm: &str, request: &RestoreRequest) -> Result<Prepared, String> {
    let (folder, sets) = match &request.place {
        Some(place) => (place.clone(), host.sets(place).await?),
        None => backups(host, vm, None).await?,
    };
    let newest = || whole(&sets, &request.uuid).last().map(|(name, _)| (*name).to_owned());
    let name =
        request.backup.clone().or_else(newest).ok_or_else(|| format!("there is no backup of {vm} in {folder}"))?;
    let all = chain(&sets, &name)?;
    let (_, manifest) = all.last().copied().ok_or_else(|| format!("there is no backup {name}"))?;
    is_of(manifest, &name, vm, request)?;
    let text = host.read(&format!("{folder}/{name}/domain.xml")).await.map_err(|fault| fault.why().to_owned())?;
    let (plan, note) = plan(host, vm, request, (&folder, &name), manifest, &text).await?;
    let size = |target: &str| manifest.disks.iter().find(|d| d.target == target).map_or(0, |d| d.virtual_size);
    let sizes = plan.disks.iter().map(|disk| (disk.image.clone(), size(&disk.target))).collect();
    Ok(Prepared { plan, notes: note.into_iter().collect(), sizes, folder, sets })
}

/// Refuses to put the disks of one machine into another.
fn is_of(manifest: &Manifest, backup: &str, vm: &str, request: &RestoreRequest) -> Result<(), String> {
    match &request.goal {
        RestoreGoal::Same if manifest.uuid != request.uuid => Err(format!(
            "{backup} is a backup of another machine (UUID {}, {vm} has {}): restore it to a new one",
            clean(&manifest.uuid),
            request.uuid
        )),
        _ => Ok(()),
    }
}

async fn plan(
    host: &Host,
    vm: &str,
    request: &RestoreRequest,
    (folder, name): (&str, &str),
    manifest: &Manifest,
    text: &str,
) -> Result<(Plan, Option<String>), String> {
    let then = xml::definition(text).map_err(words)?;
    let image = |file: &str| format!("{folder}/{name}/{file}");
    let mut disks = Vec::new();
    for disk in &manifest.disks {
        // The manifest lies in a folder that others may write to.
        let file =
            safe_name(&disk.file).ok_or_else(|| format!("the manifest of {name} names a file {:?}", disk.file))?;
        disks.push(Disk {
            target: disk.target.clone(),
            image: image(file),
            path: disk.source.clone(),
            format: disk.format.clone(),
        });
    }
    let mut plan = Plan {
        vm: vm.to_owned(),
        uuid: manifest.uuid.clone(),
        goal: Goal::Same,
        backup: name.to_owned(),
        disks,
        aside: format!(".before-{}", stamp(now())),
        define: None,
        checkpoints: Vec::new(),
        start: request.start,
    };
    let note = match &request.goal {
        RestoreGoal::Same => {
            same(host, &mut plan, text).await?;
            None
        }
        RestoreGoal::New { name, folder } => new(&mut plan, name, folder.as_deref(), text, &then)?,
    };
    if let Some(disk) = plan.disks.iter().find(|disk| !disk.path.starts_with('/')) {
        return Err(format!(
            "{} has no place ({:?}); restore it to a new machine with a folder",
            disk.target, disk.path
        ));
    }
    Ok((plan, note))
}

/// To the machine itself: its definition stays, its disks are put where it has them now.
async fn same(host: &Host, plan: &mut Plan, text: &str) -> Result<(), String> {
    let Some(domain) = host.by_uuid(&plan.uuid).await.map_err(words)? else {
        plan.define = Some(text.to_owned());
        return Ok(());
    };
    let connection = host.connection().await.map_err(words)?;
    if connection.snapshot_count(&domain).await.map_err(words)? > 0 {
        return Err(format!("{} has snapshots, which would fit its disks no more: delete them first", domain.name));
    }
    plan.vm.clone_from(&domain.name);
    let now = xml::definition(&connection.xml(&domain, 0).await.map_err(words)?).map_err(words)?;
    for disk in &mut plan.disks {
        let has = now.disks.iter().find(|d| d.target == disk.target).filter(|d| d.kind == "file");
        let has = has.ok_or_else(|| format!("{} has no disk {} in a file any more", now.name, disk.target))?;
        disk.path.clone_from(&has.source);
        disk.format.clone_from(&has.format);
    }
    let checkpoints = connection.checkpoints(&domain).await.map_err(words)?;
    // Each before the one that it was made on.
    plan.checkpoints = checkpoints.into_iter().rev().map(|checkpoint| checkpoint.name).collect();
    Ok(())
}

/// To a new one: another name, UUID, addresses and files.
fn new(
    plan: &mut Plan,
    name: &str,
    folder: Option<&str>,
    text: &str,
    then: &Definition,
) -> Result<Option<String>, String> {
    let file = safe_name(name)
        .ok_or_else(|| format!("{name:?} cannot be the name of a machine with files: letters, digits, dots, dashes"))?;
    plan.goal = Goal::New;
    plan.vm = name.to_owned();
    plan.uuid = uuid::Uuid::new_v4().to_string();
    let mut changes = vec![Change::Name(name.to_owned()), Change::Uuid(plan.uuid.clone()), Change::NoAddresses];
    for disk in &mut plan.disks {
        let own = disk.path.rsplit_once('/').map(|(above, _)| above.to_owned());
        let above = folder.map(|f| f.trim_end_matches('/').to_owned()).or(own).unwrap_or_default();
        let target =
            safe_name(&disk.target).ok_or_else(|| format!("{:?} cannot be part of a file's name", disk.target))?;
        disk.path = format!("{above}/{file}-{target}.qcow2");
        "qcow2".clone_into(&mut disk.format);
        changes.push(Change::DiskFile {
            target: disk.target.clone(),
            file: disk.path.clone(),
            format: Some(disk.format.clone()),
        });
    }
    plan.define = Some(xml::edit(text, &changes).map_err(words)?);
    let nvram = then.nvram.as_ref();
    Ok(nvram
        .map(|path| format!("its firmware variables are not in the backup; it uses {path} as well: give it its own")))
}

async fn do_it(host: &Host, uuid: &str, sizes: &[(String, u64)], act: &Act, watch: Watch<'_>) -> Result<Told, Fault> {
    let done = |()| Told::Done;
    let size = |image: &str| sizes.iter().find(|(file, _)| file == image).map_or(0, |(_, bytes)| *bytes);
    match act {
        Act::Inspect => {
            let Some(domain) = of_call(host.by_uuid(uuid).await)? else { return Ok(Told::Power(None)) };
            let connection = of_call(host.connection().await)?;
            let (state, _) = of_call(connection.state(&domain).await)?;
            Ok(Told::Power(Some(Power::from_wire(state))))
        }
        Act::Look(path) => host.is_there(path).await.map(Told::Present),
        Act::Convert { from, to, format } => {
            host.convert([from, to], ["qcow2", format], ("restoring", size(from)), watch).await.map(done)
        }
        Act::Compare { from, to, format } => {
            host.compare([from, to], ["qcow2", format], ("comparing", size(from)), watch).await.map(done)
        }
        Act::Rename { from, to } => host.rename(from, to).await.map(done),
        Act::Define(text) => {
            let connection = of_call(host.connection().await)?;
            of_call(connection.define(text, 0).await).map(|_| Told::Done)
        }
        Act::Undefine => {
            let Some(domain) = of_call(host.by_uuid(uuid).await)? else { return Ok(Told::Done) };
            let connection = of_call(host.connection().await)?;
            of_call(connection.undefine(&domain, undefine::KEEP_NVRAM).await).map(done)
        }
        Act::Forget(name) => {
            let Some(domain) = of_call(host.by_uuid(uuid).await)? else { return Ok(Told::Done) };
            let connection = of_call(host.connection().await)?;
            let all = of_call(connection.checkpoints(&domain).await)?;
            match all.into_iter().find(|checkpoint| checkpoint.name == *name) {
                Some(point) => of_call(connection.delete_checkpoint(&point, delete::METADATA_ONLY).await).map(done),
                None => Ok(Told::Done),
            }
        }
        Act::Start => {
            let domain = of_call(host.by_uuid(uuid).await)?;
            let domain = domain.ok_or_else(|| Fault::Failed("it is not there".to_owned()))?;
            let connection = of_call(host.connection().await)?;
            of_call(connection.start_domain(&domain, 0).await).map(|_| Told::Done)
        }
        // What runs is told through its token.
        Act::Abort => Ok(Told::Done),
        Act::Remove(path) => host.remove(path).await.map(done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disks_of_one_machine_are_not_put_into_another() {
        let manifest = Manifest { uuid: "old".into(), ..Manifest::default() };
        let request =
            |uuid: &str, goal| RestoreRequest { uuid: uuid.into(), backup: None, place: None, goal, start: false };
        let of = |uuid: &str, goal| is_of(&manifest, "x.full", "web-1", &request(uuid, goal));
        assert_eq!(of("old", RestoreGoal::Same), Ok(()));
        let why = of("new", RestoreGoal::Same).unwrap_err();
        assert!(why.contains("another machine") && why.contains("web-1 has new"), "{why}");
        assert_eq!(of("new", RestoreGoal::New { name: "web-2".into(), folder: None }), Ok(()));
    }
}
