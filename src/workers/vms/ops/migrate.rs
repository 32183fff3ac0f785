//! Moving a machine between two hosts: what the checks ask for, and the migration itself, which the
//! source's libvirt carries out ("peer to peer"), so that it goes on when we are gone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::files::Place as FilePlace;
use super::{Host, Machine, Told as Progress, Wait, job, of_call, words};
use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::connect::Target;
use crate::controllers::libvirt::error::Error;
use crate::controllers::libvirt::flags::{migrate as flags, undefine};
use crate::controllers::libvirt::migrate::{bandwidth, params as name};
use crate::controllers::libvirt::wire::Param;
use crate::controllers::libvirt::{map, xml};
use crate::engine::vm::checks::{self, Check, Cpu, DiskFacts, Facts, File, Plan, Wish};
use crate::engine::vm::migrate::{Act, Migration, Place, Seen, Side, Told};
use crate::engine::vm::{Fault, Report, Turn, sets};
use crate::model::vm::Definition;
use crate::model::vm::state::Power;

/// Between two looks at both sides.
const MOMENT: Duration = Duration::from_millis(1500);

/// What came of it.
#[derive(Debug, Clone)]
pub(in crate::workers) struct Migrated {
    /// In words.
    pub(in crate::workers) report: Report,
    /// Where the machine is.
    pub(in crate::workers) place: Place,
    /// What was to be done, for another look when the place is not known.
    pub(in crate::workers) plan: Plan,
    /// What was made on the target, for the same.
    pub(in crate::workers) made: Vec<String>,
}

/// The ten checks, and the plan when none refuses.
pub(in crate::workers) async fn check_migration(
    source: &Host,
    target: &Host,
    vm: &str,
    wish: &Wish,
) -> Result<(Vec<Check>, Option<Plan>), String> {
    let facts = facts(source, target, vm).await?;
    Ok((checks::checks(&facts, wish), checks::plan(&facts, wish).ok()))
}

/// Moves a machine as planned.
pub(in crate::workers) async fn migrate(
    source: &Host,
    target: &Host,
    plan: Plan,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Migrated {
    let migration = Migration::new(plan.clone());
    run(source, target, plan, migration, stop, progress).await
}

/// Looks again at one whose end was not known, and cleans up.
pub(in crate::workers) async fn migration_again(
    source: &Host,
    target: &Host,
    plan: Plan,
    made: Vec<String>,
) -> Migrated {
    let migration = Migration::check(plan.clone(), made);
    run(source, target, plan, migration, &CancellationToken::new(), &|_| {}).await
}

async fn run(
    source: &Host,
    target: &Host,
    plan: Plan,
    mut migration: Migration,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Migrated {
    let mut aborted = false;
    loop {
        match migration.turn() {
            Turn::Over(report) => {
                let (place, made) = (migration.place(), migration.made().to_vec());
                return Migrated { report, place, plan, made };
            }
            Turn::Do(act) => {
                let told = do_it(source, target, &plan, &act, stop, progress).await.unwrap_or_else(Told::Fault);
                if stop.is_cancelled() && !aborted {
                    aborted = true;
                    migration.abort();
                }
                migration.told(told);
            }
        }
    }
}

async fn do_it(
    source: &Host,
    target: &Host,
    plan: &Plan,
    act: &Act,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Told, Fault> {
    let done = |()| Told::Done;
    let gone = || Fault::Failed("it is not there".to_owned());
    match act {
        Act::Look(path) => target.is_there(path).await.map(Told::Present),
        Act::Make(image) => target.make_image(&image.path, &image.format, image.virtual_size).await.map(done),
        Act::Migrate => moving(source, target, plan, stop, progress).await.map(done),
        Act::Abort => {
            let domain = of_call(source.by_uuid(&plan.uuid).await)?.ok_or_else(gone)?;
            let connection = of_call(source.connection().await)?;
            of_call(connection.abort_job(&domain).await).map(done)
        }
        Act::Inspect(Side::Source) => inspect(source, &plan.uuid).await.map(Told::Seen),
        Act::Inspect(Side::Target) => inspect(target, &plan.uuid).await.map(Told::Seen),
        Act::Wait => {
            tokio::time::sleep(MOMENT).await;
            Ok(Told::Done)
        }
        Act::Resume => {
            let domain = of_call(source.by_uuid(&plan.uuid).await)?.ok_or_else(gone)?;
            let connection = of_call(source.connection().await)?;
            of_call(connection.resume(&domain).await).map(done)
        }
        Act::Destroy => {
            let Some(domain) = of_call(target.by_uuid(&plan.uuid).await)? else { return Ok(Told::Done) };
            let connection = of_call(target.connection().await)?;
            of_call(connection.destroy(&domain, 0).await).map(done)
        }
        Act::Undefine => {
            let Some(domain) = of_call(target.by_uuid(&plan.uuid).await)? else { return Ok(Told::Done) };
            let connection = of_call(target.connection().await)?;
            of_call(connection.undefine(&domain, undefine::KEEP_NVRAM).await).map(done)
        }
        Act::Remove(path) => target.remove(path).await.map(done),
    }
}

async fn inspect(host: &Host, uuid: &str) -> Result<Seen, Fault> {
    let Some(domain) = of_call(host.by_uuid(uuid).await)? else { return Ok(Seen::ABSENT) };
    let connection = of_call(host.connection().await)?;
    let state = match connection.state(&domain).await {
        Ok((state, _)) => state,
        // It went between the two questions.
        Err(e) if e.no_domain() => return Ok(Seen::ABSENT),
        Err(e) => return Err(Fault::Lost(e.to_string())),
    };
    let power = Power::from_wire(state);
    let job = job(&connection, &domain).await.map_err(|e| Fault::Lost(e.to_string()))?;
    Ok(Seen { power: Some(power), job: job.is_some() })
}

/// How the source's libvirt reaches the target's.
fn way(target: &Host) -> Result<String, String> {
    if let Some(uri) = &target.migration.connect {
        return Ok(uri.clone());
    }
    match &target.target {
        Target::Ssh(master, _) => Ok(format!("qemu+ssh://{}/system", master.ssh().host)),
        Target::Local(_) => Err(format!(
            "how other hosts reach {} is not known; set migration.connect of its source (qemu+ssh://HOST/system)",
            target.name
        )),
    }
}

async fn moving(
    source: &Host,
    target: &Host,
    plan: &Plan,
    stop: &CancellationToken,
    progress: Progress<'_>,
) -> Result<(), Fault> {
    let to = way(target).map_err(Fault::Failed)?;
    // Nobody else waits behind a call that may take an hour.
    let connection = of_call(source.connect().await)?;
    let domain = of_call(source.by_uuid(&plan.uuid).await)?;
    let domain = domain.ok_or_else(|| Fault::Failed(format!("{} is not on {}", plan.vm, plan.source)))?;
    let mut params = Vec::new();
    if let Some(data) = &target.migration.data {
        params.push(Param::text(name::URI, data));
        // Disks go the same way where that is a socket; a port cannot be shared.
        if data.starts_with("unix:") && !plan.copy.is_empty() {
            params.push(Param::text(name::DISKS_URI, &format!("{data}.disks")));
        }
    }
    params.extend(bandwidth(target.migration.bandwidth_mib));
    params.extend(plan.copy.iter().map(|disk| Param::text(name::DISKS, disk)));
    let chosen = [
        (flags::LIVE | flags::ABORT_ON_ERROR | flags::AUTO_CONVERGE, true),
        (flags::PERSIST_DEST, plan.persist),
        (flags::UNDEFINE_SOURCE, plan.undefine_source),
        (flags::NON_SHARED_DISK, !plan.copy.is_empty()),
        (flags::UNSAFE, plan.trust_shared),
        (flags::PAUSED, plan.was == Power::Paused),
    ];
    let all = chosen.iter().filter(|(_, wanted)| *wanted).fold(0, |flags, (flag, _)| flags | flag);
    let call = connection.migrate_peer_to_peer(&domain, &to, &params, all);
    tokio::pin!(call);
    let cancel = async {
        stop.cancelled().await;
        // Before the job has begun there is none to end.
        loop {
            if let Ok(link) = source.connection().await {
                let _ = link.abort_job(&domain).await;
            }
            tokio::time::sleep(MOMENT).await;
        }
    };
    let wait = Wait { host: source, domain: &domain, doing: "moving", told: progress };
    let told = tokio::select! {
        told = &mut call => told,
        () = cancel => unreachable_end(),
        () = wait.tell() => unreachable_end(),
    };
    of_call(told)
}

/// What runs beside the call never ends by itself.
fn unreachable_end() -> Result<(), Error> {
    let what = crate::controllers::libvirt::error::Failure::Broken("it was not waited for".to_owned());
    Err(Error { place: String::new(), call: "move".to_owned(), what })
}

async fn facts(source: &Host, target: &Host, vm: &str) -> Result<Facts, String> {
    let machine = source.machine(vm).await.map_err(words)?;
    let definition = machine.definition()?;
    let here = source.connection().await.map_err(words)?;
    let snapshots = here.snapshot_count(&machine.domain).await.map_err(words)?;
    let checkpoints = here.checkpoints(&machine.domain).await.map_or(0, |all| all.len());
    let running = job(&here, &machine.domain).await.map_err(words)?.map(|job| job.operation);
    let mut block_jobs = Vec::new();
    for disk in sets::disks(&definition).filter(|_| machine.power.active()) {
        if here.block_job(&machine.domain, &disk.target).await.map_err(words)?.is_some() {
            block_jobs.push(disk.target.clone());
        }
    }
    let mut facts = Facts {
        power: machine.power,
        persistent: machine.persistent,
        source: host_of(source, &here).await,
        target: Err(String::new()),
        same_name: Err("the target does not answer".to_owned()),
        same_uuid: Err("the target does not answer".to_owned()),
        disks: Vec::new(),
        cpu: Err("the target does not answer".to_owned()),
        machines: Err("the target does not answer".to_owned()),
        reach: None,
        job: running,
        block_jobs,
        snapshots,
        checkpoints: u32::try_from(checkpoints).unwrap_or(u32::MAX),
        vm: definition,
    };
    let there = match target.connection().await {
        Ok(there) => there,
        Err(e) => {
            facts.target = Err(e.to_string());
            return Ok(facts);
        }
    };
    facts.target = host_of(target, &there).await;
    facts.same_name = match there.domain(&facts.vm.name).await {
        Ok(found) => Ok(Some(found.uuid_text())),
        Err(e) if e.no_domain() => Ok(None),
        Err(e) => Err(e.to_string()),
    };
    facts.same_uuid = target.by_uuid(&facts.vm.uuid).await.map(|found| found.map(|d| d.name)).map_err(words);
    facts.disks = disks(source, target, &facts.vm).await;
    facts.cpu = cpu(&there, &machine, &facts.vm).await;
    facts.machines = machines(&there, &facts.vm).await;
    facts.reach = match way(target) {
        Ok(uri) => source.reaches(&uri).await,
        Err(why) => Some(Err(why)),
    };
    Ok(facts)
}

async fn host_of(host: &Host, connection: &Connection) -> Result<checks::Host, String> {
    let capabilities = connection.capabilities().await.map_err(words)?;
    let memory = connection.node_memory_stats().await.map_err(words)?;
    Ok(checks::Host {
        label: host.name.to_string(),
        uuid: xml::capabilities(&capabilities).map_err(words)?.uuid,
        libvirt: connection.lib_version().await.map_err(words)?,
        hypervisor: connection.version().await.map_err(words)?,
        free_kib: map::free_kib(&memory),
    })
}

async fn disks(source: &Host, target: &Host, vm: &Definition) -> Vec<DiskFacts> {
    let mut out = Vec::new();
    for disk in vm.disks.iter().filter(|disk| !disk.source.is_empty() && disk.kind != "network") {
        let here = match source.place(&disk.source).await {
            Ok(FilePlace::Missing(_)) => Err("there is no such file".to_owned()),
            Ok(place) => Ok(file(place)),
            Err(why) => Err(why),
        };
        let (there, room) = match target.place(&disk.source).await {
            Ok(FilePlace::Missing(room)) => (Ok(None), room),
            Ok(place) => (Ok(Some(file(place))), None),
            Err(why) => (Err(why), None),
        };
        out.push(DiskFacts { target: disk.target.clone(), here, there, room });
    }
    out
}

fn file(place: FilePlace) -> File {
    match place {
        FilePlace::There { device, inode, filesystem, boot, info } => File {
            virtual_size: info.get("virtual-size").and_then(serde_json::Value::as_u64).unwrap_or(0),
            format: info.get("format").and_then(|f| f.as_str()).unwrap_or_default().to_owned(),
            filesystem,
            boot,
            device,
            inode,
        },
        FilePlace::Missing(_) => File::default(),
    }
}

async fn cpu(there: &Connection, machine: &Machine, vm: &Definition) -> Result<Cpu, String> {
    // The CPU as it runs: a model that follows the host is told as what it became.
    let live = xml::definition(&machine.live).map_err(words)?.cpu_xml;
    if live.is_empty() {
        return Ok(Cpu::Superset);
    }
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (arch, kind) = (text(&vm.arch), text(&vm.virt_type));
    match there.compare_hypervisor_cpu(None, arch.as_deref(), None, kind.as_deref(), &live).await {
        Ok(0) => Ok(Cpu::Incompatible),
        Ok(1) => Ok(Cpu::Identical),
        Ok(_) => Ok(Cpu::Superset),
        Err(e) => Err(e.to_string()),
    }
}

async fn machines(there: &Connection, vm: &Definition) -> Result<Vec<String>, String> {
    let text = there.capabilities().await.map_err(words)?;
    let all = xml::machine_types(&text).map_err(words)?;
    let of_arch = all.into_iter().filter(|machine| vm.arch.is_empty() || machine.arch == vm.arch);
    Ok(of_arch.flat_map(|machine| [machine.name, machine.canonical]).filter(|name| !name.is_empty()).collect())
}
