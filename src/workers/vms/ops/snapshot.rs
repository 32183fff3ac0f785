//! Snapshots of a machine: taking one, cleaning up external ones, what nothing uses any more.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;

use super::files::Watch;
use super::{Host, LOOK, Told as Progress, of_call, words};
use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::flags::{block_abort, commit, delete, xml as xml_flags};
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::xml::{self, Change};
use crate::engine::vm::cleanup::{Act, Cleanup, Facts, Job, Plan, Told, plan};
use crate::engine::vm::pace::Pace;
use crate::engine::vm::snapshot::{Found, Orphan, orphans as find};
use crate::engine::vm::{Fault, Report, Turn, sets};
use crate::model::vm::state::Power;
use crate::model::vm::{Definition, Snapshot};
use crate::workers::now;

/// The snapshots of a machine, with its definition and the version of its libvirt.
pub(in crate::workers) async fn snapshots(host: &Host, vm: &str) -> Result<(Definition, Vec<Snapshot>, u64), String> {
    let machine = host.machine(vm).await.map_err(words)?;
    let connection = host.connection().await.map_err(words)?;
    let all = read(&connection, &machine.domain).await?;
    let version = connection.lib_version().await.map_err(words)?;
    Ok((machine.definition()?, all, version))
}

async fn read(connection: &Connection, domain: &Domain) -> Result<Vec<Snapshot>, String> {
    let current = connection.current_snapshot(domain).await.map_err(words)?.map(|snapshot| snapshot.name);
    let mut all = Vec::new();
    for known in connection.snapshots(domain, 0).await.map_err(words)? {
        let text = connection.snapshot_xml(&known).await.map_err(words)?;
        let mut snapshot = xml::read_snapshot(&text).map_err(words)?;
        snapshot.current = Some(&snapshot.name) == current.as_ref();
        all.push(snapshot);
    }
    Ok(all)
}

/// The clean-ups that a machine needs to be rid of all external snapshots, one for each that stands on none.
pub(in crate::workers) async fn cleanups(host: &Host, vm: &str) -> Result<Vec<Plan>, String> {
    // Its first look would need them: it is refused before anything is touched, and not left unknown.
    host.programs().await.map_err(|fault| fault.why().to_owned())?;
    let (definition, all, _) = snapshots(host, vm).await?;
    let stands_on_one = |snapshot: &Snapshot| all.iter().any(|s| s.external() && s.name == snapshot.parent);
    let first = all.iter().filter(|snapshot| snapshot.external() && !stands_on_one(snapshot));
    let plans: Result<Vec<Plan>, String> = first.map(|snapshot| plan(&definition, &all, &snapshot.name)).collect();
    match plans {
        Ok(none) if none.is_empty() => Err(format!("{vm} has no external snapshot to clean up")),
        plans => plans,
    }
}

/// Cleans up; also finishes a clean-up that was cut off.
pub(in crate::workers) async fn cleanup(
    host: &Host,
    vm: &str,
    plan: Plan,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Report {
    let mut cleanup = Cleanup::new(plan.clone());
    let mut aborted = false;
    loop {
        match cleanup.turn() {
            Turn::Over(report) => return report,
            Turn::Do(act) => {
                let watch = Watch { stop, told: progress };
                let told = do_it(host, vm, &plan, &act, watch).await.unwrap_or_else(Told::Fault);
                if stop.is_cancelled() && !aborted {
                    aborted = true;
                    cleanup.abort();
                }
                cleanup.told(told);
            }
        }
    }
}

async fn do_it(host: &Host, vm: &str, plan: &Plan, act: &Act, watch: Watch<'_>) -> Result<Told, Fault> {
    let done = |()| Told::Done;
    if *act == Act::Look {
        return look(host, vm, plan).await.map(Told::Facts).map_err(Fault::Lost);
    }
    let connection = of_call(host.connection().await)?;
    let domain = of_call(connection.domain(vm).await)?;
    match act {
        Act::Look => Ok(Told::Done),
        Act::Commit { target, base } => {
            of_call(connection.block_commit(&domain, target, Some(base), None, 0, commit::ACTIVE).await).map(done)
        }
        Act::Await(target) => ready(&connection, &domain, target, watch).await.map(done),
        Act::Pivot(target) => of_call(connection.abort_block_job(&domain, target, block_abort::PIVOT).await).map(done),
        Act::Abort(target) => of_call(connection.abort_block_job(&domain, target, 0).await).map(done),
        Act::CommitOff { top, base } => host.commit_off(top, base, watch).await.map(done),
        Act::Point { target, file } => {
            let text = of_call(connection.xml(&domain, xml_flags::INACTIVE).await)?;
            let change = Change::DiskFile { target: target.clone(), file: file.clone(), format: None };
            let place = host.place(file).await.map_err(Fault::Failed)?;
            let format = match place {
                super::files::Place::There { info, .. } => {
                    info.get("format").and_then(|f| f.as_str().map(str::to_owned))
                }
                super::files::Place::Missing(_) => None,
            };
            let change = match (change, format) {
                (Change::DiskFile { target, file, .. }, Some(format)) => {
                    Change::DiskFile { target, file, format: Some(format) }
                }
                _ => return Err(Fault::Failed(format!("the format of {file} is not known"))),
            };
            let text = xml::edit(&text, &[change]).map_err(|e| Fault::Failed(e.to_string()))?;
            of_call(connection.define(&text, 0).await).map(|_| Told::Done)
        }
        Act::Forget(name) => {
            let all = of_call(connection.snapshots(&domain, 0).await)?;
            match all.into_iter().find(|snapshot| snapshot.name == *name) {
                Some(found) => of_call(connection.delete_snapshot(&found, delete::METADATA_ONLY).await).map(done),
                None => Ok(Told::Done),
            }
        }
        Act::Remove(path) => host.remove(path).await.map(done),
    }
}

/// Waits until the job of a disk is ready or gone.
async fn ready(connection: &Connection, domain: &Domain, target: &str, watch: Watch<'_>) -> Result<(), Fault> {
    let mut pace = Pace::default();
    loop {
        let job = of_call(connection.block_job(domain, target).await)?;
        let Some(job) = job else { return Ok(()) };
        (watch.told)(pace.at(&format!("merging the overlays of {target}"), now(), job.cur, job.end));
        if (job.end > 0 && job.cur == job.end) || mirrored(connection, domain, target).await? {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = watch.stop.cancelled() => {
                return of_call(connection.abort_block_job(domain, target, 0).await);
            }
        }
    }
}

/// Whether the definition says that the job of a disk is ready: an empty overlay has nothing to count.
async fn mirrored(connection: &Connection, domain: &Domain, target: &str) -> Result<bool, Fault> {
    let text = of_call(connection.xml(domain, 0).await)?;
    Ok(xml::mirrors(&text).is_ok_and(|all| all.iter().any(|(disk, ready)| disk == target && *ready)))
}

async fn look(host: &Host, vm: &str, plan: &Plan) -> Result<Facts, String> {
    let connection = host.connection().await.map_err(words)?;
    let domain = match connection.domain(vm).await {
        Ok(domain) => domain,
        Err(e) if e.no_domain() => return Ok(Facts::default()),
        Err(e) => return Err(e.to_string()),
    };
    let mut facts =
        Facts { power: Some(Power::from_wire(connection.state(&domain).await.map_err(words)?.0)), ..Facts::default() };
    let text = connection.xml(&domain, 0).await.map_err(words)?;
    let definition = xml::definition(&text).map_err(words)?;
    facts.disks = definition.disks.iter().map(|disk| (disk.target.clone(), disk.source.clone())).collect();
    let ready: BTreeMap<String, bool> = xml::mirrors(&text).map_err(words)?.into_iter().collect();
    let active = facts.power.is_some_and(Power::active);
    for goal in plan.goals.iter().filter(|_| active) {
        if let Some(job) = connection.block_job(&domain, &goal.target).await.map_err(words)? {
            let is_ready = ready.get(&goal.target) == Some(&true) || (job.end > 0 && job.cur == job.end);
            facts.jobs.insert(goal.target.clone(), if is_ready { Job::Ready } else { Job::Running });
        }
    }
    facts.snapshots = connection.snapshots(&domain, 0).await.map_err(words)?.into_iter().map(|s| s.name).collect();
    for path in plan.goals.iter().flat_map(|goal| &goal.overlays).chain(&plan.memory) {
        if host.is_there(path).await.map_err(|fault| fault.why().to_owned())? {
            facts.files.push(path.clone());
        }
    }
    facts.used = super::used::used(host).await?.files();
    Ok(facts)
}

/// Files and records of a host that nothing uses, in the folders of its machines' disks.
pub(in crate::workers) async fn orphans(host: &Host) -> Result<Vec<Orphan>, String> {
    let connection = host.connection().await.map_err(words)?;
    let mut machines = Vec::new();
    let mut folders = BTreeSet::new();
    for domain in connection.domains(0).await.map_err(words)? {
        let text = connection.xml(&domain, 0).await.map_err(words)?;
        let mut definition = xml::definition(&text).map_err(words)?;
        // What it will have at its next start is in use, too.
        if let Ok(text) = connection.xml(&domain, xml_flags::INACTIVE).await
            && let Ok(kept) = xml::definition(&text)
        {
            definition.disks.extend(kept.disks);
        }
        for disk in sets::disks(&definition).filter(|disk| disk.kind == "file") {
            folders.extend(disk.source.rsplit_once('/').map(|(above, _)| above.to_owned()));
        }
        machines.push((definition, read(&connection, &domain).await?));
    }
    let mut files = Vec::new();
    for folder in folders {
        for info in host.images(&folder).await? {
            let word = |key: &str| info.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let full = word("full-backing-filename");
            files.push(Found {
                path: word("filename"),
                backing: if full.is_empty() { word("backing-filename") } else { full },
                bytes: info.get("actual-size").and_then(serde_json::Value::as_u64).unwrap_or(0),
            });
        }
    }
    Ok(find(&machines, &files))
}
