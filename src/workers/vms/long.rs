//! Operations that take long: what they would do, and doing them ([`super::ops`]).

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::vm::checks::{Check, Finding, Storage, Wish};
use crate::engine::vm::migrate::Place;
use crate::engine::vm::pace::VmProgress;
use crate::engine::vm::policy::Policy;
use crate::engine::vm::snapshot::Orphan;
use crate::engine::vm::{End, Report};
use crate::model::text::clean;
use crate::model::vm::failure::Leftover;
use crate::model::vm::state::Power;
use crate::model::vm::{VmRow, VmState};
use crate::workers::appliance::Preview;

use super::ops::{self, BackupRequest, Host, RestoreGoal, RestoreRequest};
use super::shared::Shared;
use super::verb::VmVerb;
use super::{HostHandle, failures};

/// Stands for the newest backup.
const NEWEST: &str = "newest";

impl Shared {
    /// The host as operations work on it, over connections of their own.
    pub(super) fn host(&self) -> Host {
        Host::new(&self.name, &self.config)
    }
}

/// The machine that an operation is for.
struct Subject {
    name: String,
    uuid: String,
    /// Its state; `None` when it is not there.
    power: Option<Power>,
}

impl Subject {
    /// The machine of a row; a host stands for the machine of a backup, which may be gone.
    async fn of(host: &Host, verb: &VmVerb, row: &VmRow) -> Result<Self, String> {
        if let Some(vm) = row.vm() {
            still_named(host, verb, vm).await?;
            return Ok(Self { name: vm.name.clone(), uuid: vm.uuid.clone(), power: Some(vm.power) });
        }
        let VmVerb::Restore { backup, .. } = verb else { return Err(format!("{} is a host", clean(&row.source))) };
        let (name, uuid) = ops::machine_of(host, backup.trim_end_matches('/')).await?;
        Ok(Self { name, uuid, power: None })
    }
}

/// What one would do.
pub(super) async fn preview(
    shared: &Shared,
    verb: &VmVerb,
    row: &VmRow,
    others: &[HostHandle],
) -> Result<Preview, String> {
    let mut preview = Preview::default();
    let host = shared.host();
    let Subject { name, uuid, power } = &Subject::of(&host, verb, row).await?;
    match verb {
        VmVerb::CleanUp => {
            for plan in ops::cleanups(&host, name).await? {
                for goal in &plan.goals {
                    preview.calls.push(format!("virDomainBlockCommit {name} {} into {}", goal.target, goal.base));
                    preview.irreversible.extend(goal.overlays.iter().map(|file| format!("{file} is removed.")));
                }
                preview.irreversible.extend(plan.names.iter().map(|s| format!("The snapshot {s} is gone.")));
            }
            preview.notes.push("The machine goes on with all that was written since.".to_owned());
        }
        VmVerb::Backup { .. } => {
            let request = backup_request(verb);
            for line in ops::backup_plan(&host, name, &request).await? {
                preview.notes.push(line);
            }
            let call = if power.is_some_and(Power::active) { "virDomainBackupBegin" } else { "qemu-img convert" };
            preview.calls.push(format!("{call} {name}"));
        }
        VmVerb::Restore { .. } => {
            let plan = ops::restore_plan(&host, name, &restore_request(verb, uuid)?).await?;
            for disk in &plan.disks {
                preview.calls.push(format!("qemu-img convert {} {}", disk.image, disk.path));
            }
            if verb_is_to_itself(verb) {
                preview.notes.push(format!("The disks as they are now are kept beside, as …{}.", plan.aside));
                preview
                    .irreversible
                    .push("What the guest has written since the backup is out of its sight.".to_owned());
            } else {
                preview.notes.push(format!("{} is a new machine, with addresses of its own.", plan.vm));
            }
        }
        VmVerb::Migrate { to, storage } => {
            let target = target(to, others)?;
            let (checks, plan) = ops::check_migration(&host, &target, name, &wish(*storage)).await?;
            let plan = plan.ok_or_else(|| refused(name, &checks))?;
            preview.calls.push(format!("virDomainMigrate {name} to {to}"));
            preview.notes.push(format!("Its definition goes with it: {} forgets the machine.", shared.name));
            preview.notes.extend(checks.iter().map(line));
            for image in &plan.make {
                preview.notes.push(format!("{} is made on {to} and the disk copied into it.", image.path));
            }
        }
        _ => return Err(format!("{}: {} takes no time", shared.name, verb.words().0)),
    }
    Ok(preview)
}

/// Does it.
pub(super) async fn run(
    shared: &Arc<Shared>,
    verb: &VmVerb,
    row: &VmRow,
    others: &[HostHandle],
    stop: &CancellationToken,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<String, String> {
    let host = shared.host();
    if *verb == VmVerb::Orphans {
        return orphans(&host, row).await;
    }
    let Subject { name, uuid, power } = &Subject::of(&host, verb, row).await?;
    let _works = shared.works(uuid, verb.noun())?;
    // What is told comes from tasks and programs; it is passed on from here alone.
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel::<VmProgress>();
    let tell = move |progress: VmProgress| drop(told.send(progress));
    let work = async {
        let mut place = *power;
        let report = match verb {
            VmVerb::CleanUp => {
                let mut last = None;
                for plan in ops::cleanups(&host, name).await? {
                    let report = ops::cleanup(&host, name, plan, stop, &tell).await;
                    let done = report.end == End::Done;
                    last = Some(report);
                    if !done {
                        break;
                    }
                }
                last.ok_or_else(|| format!("{name} has no external snapshot"))?
            }
            VmVerb::Backup { .. } => ops::backup(&host, name, &backup_request(verb), stop, &tell).await?,
            VmVerb::Restore { .. } => ops::restore(&host, name, &restore_request(verb, uuid)?, stop, &tell).await?,
            VmVerb::Migrate { to, storage } => {
                let target = target(to, others)?;
                let (checks, plan) = ops::check_migration(&host, &target, name, &wish(*storage)).await?;
                let plan = plan.ok_or_else(|| refused(name, &checks))?;
                let mut moved = ops::migrate(&host, &target, plan, stop, &tell).await;
                if moved.place == Place::Unknown && !stop.is_cancelled() {
                    // A connection that broke is often there again a moment later.
                    tokio::time::sleep(shared.limit()).await;
                    moved = ops::migration_again(&host, &target, moved.plan, moved.made).await;
                }
                place = match moved.place {
                    Place::Source(power) => Some(power),
                    _ => None,
                };
                moved.report
            }
            _ => return Err(format!("{}: {} takes no time", shared.name, verb.words().0)),
        };
        Ok((report, place))
    };
    let listen = async {
        while let Some(news) = heard.recv().await {
            progress(news.done, news.total);
        }
    };
    let told = {
        tokio::pin!(work);
        tokio::select! {
            told = &mut work => told,
            () = listen => Err("it was not waited for".to_owned()),
        }
    };
    shared.changed(uuid);
    for other in others {
        other.shared.wake.notify_one();
    }
    let (report, place) = told?;
    let mut said = text(&report);
    let operation = verb.noun().to_owned();
    match report.end {
        End::Done => {
            shared.succeeded(uuid, &operation);
            if matches!(verb, VmVerb::Backup { .. }) {
                shared.backed_up(uuid);
                shared.changed(uuid);
            }
            for other in others {
                other.shared.succeeded(uuid, &operation);
            }
            return Ok(said);
        }
        End::Cancelled => return Err(said),
        End::Failed | End::Unknown => {}
    }
    let (failure, there) = failures::of_report(name, operation, &said, report.made);
    let operation = failure.operation.clone();
    shared.failed(uuid, failure);
    for other in others {
        let made: Vec<_> = there.iter().filter(|left| left.host == *other.shared.name).cloned().collect();
        // What is on another host is deleted there; its words are here.
        if matches!(other.shared.policy(), Policy::Delete { .. }) && !made.is_empty() {
            let made = made.into_iter().map(|left| Leftover::here(left.what)).collect();
            other.shared.failed(uuid, failures::of_report(name, operation.clone(), "", made).0);
        }
    }
    let acting = shared.acting.lock().await;
    let acted = shared.act(uuid, place).await;
    drop(acting);
    match acted {
        Ok(rows) => {
            for row in rows {
                said.push_str("; ");
                said.push_str(&row);
            }
        }
        Err(why) => {
            said.push_str("; nothing is done by policy, its row is not written: ");
            said.push_str(&why);
        }
    }
    Err(said)
}

/// What takes long finds its machine by name: it has to be that of the row still.
async fn still_named(host: &Host, verb: &VmVerb, vm: &VmState) -> Result<(), String> {
    match host.by_uuid(&vm.uuid).await.map_err(|e| e.to_string())? {
        Some(domain) if domain.name == vm.name => Ok(()),
        Some(domain) => {
            Err(format!("{} is named {} now: refresh and choose it again", clean(&vm.name), clean(&domain.name)))
        }
        // A machine that is gone can be restored.
        None if matches!(verb, VmVerb::Restore { .. }) => Ok(()),
        None => Err(format!("{} (UUID {}) is not on its host any more", clean(&vm.name), clean(&vm.uuid))),
    }
}

/// What nothing uses: of the whole host, or of one machine.
async fn orphans(host: &Host, row: &VmRow) -> Result<String, String> {
    let mut lines = Vec::new();
    for orphan in ops::orphans(host).await? {
        match orphan {
            Orphan::File { path, bytes, why } => lines.push(format!("{path} ({} MiB): {why}", bytes >> 20)),
            Orphan::Record { vm, snapshot, why } if row.vm().is_none_or(|only| only.name == vm) => {
                lines.push(format!("the snapshot {snapshot} of {vm}: {why}"));
            }
            Orphan::Record { .. } => {}
        }
    }
    if lines.is_empty() {
        return Ok("nothing is left that no machine uses".to_owned());
    }
    Ok(format!("{} that no machine uses: {}", lines.len(), lines.join("; ")))
}

fn text(report: &Report) -> String {
    let mut out = report.said.clone();
    for note in &report.notes {
        out.push_str("; ");
        out.push_str(note);
    }
    for left in &report.left {
        out.push_str("; left behind: ");
        out.push_str(left);
    }
    out
}

fn line(check: &Check) -> String {
    match check.finding {
        Finding::Ok => format!("{}: {}", check.name, check.said),
        found if check.advice.is_empty() => format!("{} ({}): {}", check.name, found.word(), check.said),
        found => format!("{} ({}): {}: {}", check.name, found.word(), check.said, check.advice),
    }
}

fn refused(name: &str, checks: &[Check]) -> String {
    let why: Vec<String> = checks.iter().filter(|check| check.finding == Finding::Refuse).map(line).collect();
    format!("{name} is not moved: {}", why.join("; "))
}

fn target(to: &str, others: &[HostHandle]) -> Result<Host, String> {
    let found = others.iter().find(|other| &*other.shared.name == to);
    found
        .map(|other| other.shared.host())
        .ok_or_else(|| format!("there is no host `{}` in this configuration", clean(to)))
}

const fn wish(storage: Storage) -> Wish {
    Wish { storage, undefine_source: true }
}

fn backup_request(verb: &VmVerb) -> BackupRequest {
    match verb {
        VmVerb::Backup { kind, folder, verify } => {
            BackupRequest { kind: *kind, folder: (!folder.is_empty()).then(|| folder.clone()), verify: *verify }
        }
        _ => BackupRequest::default(),
    }
}

fn verb_is_to_itself(verb: &VmVerb) -> bool {
    matches!(verb, VmVerb::Restore { to, .. } if to.is_empty())
}

fn restore_request(verb: &VmVerb, uuid: &str) -> Result<RestoreRequest, String> {
    let VmVerb::Restore { backup, to, folder, start } = verb else { return Err("it restores nothing".to_owned()) };
    let backup = backup.trim_end_matches('/');
    let (place, name) = match backup.rsplit_once('/') {
        Some((place, name)) if backup.starts_with('/') => (Some(place.to_owned()), name),
        Some(_) => return Err(format!("{} is no absolute path", clean(backup))),
        None => (None, backup),
    };
    Ok(RestoreRequest {
        uuid: uuid.to_owned(),
        backup: (name != NEWEST).then(|| name.to_owned()),
        place,
        goal: if to.is_empty() {
            RestoreGoal::Same
        } else {
            RestoreGoal::New { name: to.clone(), folder: (!folder.is_empty()).then(|| folder.clone()) }
        },
        start: *start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_named_by_its_folder_or_its_name() {
        let of = |backup: &str| {
            let (to, folder) = (String::new(), String::new());
            restore_request(&VmVerb::Restore { backup: backup.into(), to, folder, start: false }, "7f1c")
        };
        let found = of("/b/tiny/20261128T101500Z.full/").unwrap();
        assert_eq!((found.place.as_deref(), found.backup.as_deref()), (Some("/b/tiny"), Some("20261128T101500Z.full")));
        let found = of("newest").unwrap();
        assert_eq!((found.place, found.backup), (None, None));
        assert!(of("b/x").unwrap_err().contains("absolute"));
    }

    #[test]
    fn a_report_is_told_with_what_is_left() {
        let report = Report {
            end: End::Failed,
            said: "it failed".into(),
            notes: vec!["a note".into()],
            left: vec!["/x: remove it".into()],
            made: Vec::new(),
        };
        assert_eq!(text(&report), "it failed; a note; left behind: /x: remove it");
    }
}
