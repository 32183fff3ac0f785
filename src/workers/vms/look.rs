//! What a poll does not tell of a machine and that changes seldom: its definition, its snapshots and
//! checkpoints, since when it runs. It is read when a machine is new, when something happened to it, and
//! now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};

use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::connect::Target;
use crate::controllers::libvirt::flags::{list, xml as xml_flags};
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::{map, xml};
use crate::engine::vm::sets;
use crate::model::time::{SECOND, Ts};
use crate::model::vm::VmPoll;
use crate::model::vm::state::{UptimeFrom, VmJob};

/// How often everything is read again: definitions may be changed without an event.
const AGAIN: Duration = Duration::from_secs(60);
/// Calls at once: libvirt answers five of a connection at a time.
const AT_ONCE: usize = 5;
/// How long a look at the emulators' processes may take.
const PROCESSES: Duration = Duration::from_secs(5);
/// Where libvirt notes the processes of the machines of `qemu:///system`.
const PIDS: &str = "/run/libvirt/qemu";

/// What is known of one machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    title: String,
    screens: Vec<String>,
    serial: bool,
    /// `None` until they were counted once.
    snapshots: Option<u32>,
    checkpoints: Option<u32>,
    last_backup: Option<Ts>,
    /// The start that `since` belongs to, by the machine's number.
    id: Option<i32>,
    since: Option<(Ts, UptimeFrom)>,
    /// A job was seen running in it.
    busy: bool,
}

/// Machines by UUID; `None` until it was read once.
type Set = Option<BTreeSet<String>>;

/// Which machines have something.
#[derive(Debug, Default)]
struct Sets {
    autostart: Set,
    snapshots: Set,
    checkpoints: Set,
    transient: Set,
}

/// What is known of all machines of a host.
#[derive(Debug, Default)]
pub(super) struct Look {
    known: BTreeMap<String, Known>,
    sets: Sets,
    read: Option<Instant>,
}

/// Reads a set again; what was known stays where it cannot be read.
async fn set(connection: &Connection, flags: u32, before: &Set) -> Set {
    let told = connection.domains(flags).await;
    told.map_or_else(|_| before.clone(), |domains| Some(domains.iter().map(Domain::uuid_text).collect()))
}

/// Whether a machine is in a set, as far as that is known.
fn has(set: &Set, uuid: &str) -> Option<bool> {
    set.as_ref().map(|all| all.contains(uuid))
}

impl Look {
    /// Everything has to be read again.
    pub(super) const fn forget(&mut self) {
        self.read = None;
    }

    /// A machine was started just now, as an event told.
    pub(super) fn started(&mut self, uuid: &str, id: i32, at: Ts) {
        let known = self.known.entry(uuid.to_owned()).or_default();
        known.id = Some(id);
        known.since = Some((at, UptimeFrom::Event));
    }

    /// A job may run in a machine.
    pub(super) fn busy(&mut self, uuid: &str) {
        self.known.entry(uuid.to_owned()).or_default().busy = true;
    }

    /// Reads what is missing or may have changed; `due` are machines that something happened to.
    pub(super) async fn refresh(
        &mut self,
        connection: &Connection,
        target: &Target,
        vms: &[(Domain, VmPoll)],
        due: &BTreeSet<String>,
    ) {
        let all = self.read.is_none_or(|read| read.elapsed() >= AGAIN);
        let present: BTreeSet<&str> = vms.iter().map(|(_, vm)| vm.uuid.as_str()).collect();
        self.known.retain(|uuid, _| present.contains(uuid.as_str()));
        let new = |vm: &VmPoll| all || due.contains(&vm.uuid) || !self.known.contains_key(&vm.uuid);
        let before = |vm: &VmPoll| self.known.get(&vm.uuid).cloned().unwrap_or_default();
        let wanted: Vec<(Domain, String, u32, Known)> = vms
            .iter()
            .filter(|(_, vm)| new(vm))
            .map(|(domain, vm)| (domain.clone(), vm.uuid.clone(), xml_flags_of(vm), before(vm)))
            .collect();
        if wanted.is_empty() {
            return;
        }
        self.read = if all { Some(Instant::now()) } else { self.read };
        let (autostart, snapshots, checkpoints, transient) = tokio::join!(
            set(connection, list::AUTOSTART, &self.sets.autostart),
            set(connection, list::HAS_SNAPSHOT, &self.sets.snapshots),
            set(connection, list::HAS_CHECKPOINT, &self.sets.checkpoints),
            set(connection, list::TRANSIENT, &self.sets.transient),
        );
        self.sets = Sets { autostart, snapshots, checkpoints, transient };
        let sets = &self.sets;
        let read = stream::iter(wanted.into_iter().map(|(domain, uuid, flags, mut known)| async move {
            if let Ok(text) = connection.xml(&domain, flags).await
                && let Ok(definition) = xml::definition(&text)
            {
                known.title = definition.title;
                known.screens = definition.graphics.iter().map(map::screen).collect();
                known.serial = !definition.serials.is_empty();
            }
            // What could not be read stays as it was known.
            match has(&sets.snapshots, &uuid) {
                Some(false) => known.snapshots = Some(0),
                Some(true) => known.snapshots = connection.snapshot_count(&domain).await.ok().or(known.snapshots),
                None => {}
            }
            match has(&sets.checkpoints, &uuid) {
                Some(false) => (known.checkpoints, known.last_backup) = (Some(0), None),
                Some(true) => {
                    if let Some((count, newest)) = checkpoints_of(connection, &domain).await {
                        (known.checkpoints, known.last_backup) = (Some(count), newest);
                    }
                }
                None => {}
            }
            (uuid, known)
        }))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
        for (uuid, mut known) in read {
            known.busy |= all || !self.known.contains_key(&uuid);
            self.known.insert(uuid, known);
        }
        self.uptimes(target, vms).await;
    }

    /// Since when machines run whose start nobody told.
    async fn uptimes(&mut self, target: &Target, vms: &[(Domain, VmPoll)]) {
        let missing: Vec<(&str, &str, i32)> = vms
            .iter()
            .filter_map(|(_, vm)| Some((vm.uuid.as_str(), vm.name.as_str(), vm.id?)))
            .filter(|(uuid, _, id)| self.known.get(*uuid).is_some_and(|k| k.id != Some(*id) || k.since.is_none()))
            .collect();
        if missing.is_empty() {
            return;
        }
        let names: Vec<&str> = missing.iter().map(|(_, name, _)| *name).filter(|name| !name.contains('/')).collect();
        let times = process_times(target, &names).await;
        for (uuid, name, id) in missing {
            if let Some(known) = self.known.get_mut(uuid) {
                known.id = Some(id);
                known.since = times.get(name).map(|at| (*at, UptimeFrom::Process));
            }
        }
    }

    /// The jobs of machines in which one may run.
    pub(super) async fn jobs(&mut self, connection: &Connection, vms: &[(Domain, VmPoll)]) -> BTreeMap<String, VmJob> {
        let busy = |vm: &VmPoll| vm.id.is_some() && self.known.get(&vm.uuid).is_some_and(|k| k.busy);
        let busy: Vec<Domain> = vms.iter().filter(|(_, vm)| busy(vm)).map(|(domain, _)| domain.clone()).collect();
        let asked = stream::iter(busy.into_iter().map(|domain| async move {
            let told = connection.job(&domain, 0).await;
            (domain.uuid_text(), told.ok().and_then(|(kind, params)| map::job(kind, &params)))
        }))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
        let mut jobs = BTreeMap::new();
        for (uuid, job) in asked {
            if let Some(known) = self.known.get_mut(&uuid) {
                known.busy = job.is_some();
            }
            if let Some(job) = job {
                jobs.insert(uuid, job);
            }
        }
        jobs
    }

    /// Puts what is known into a poll.
    pub(super) fn put(&self, vm: &mut VmPoll) {
        vm.persistent = has(&self.sets.transient, &vm.uuid) != Some(true);
        vm.autostart = has(&self.sets.autostart, &vm.uuid);
        let Some(known) = self.known.get(&vm.uuid) else { return };
        vm.title.clone_from(&known.title);
        vm.screens.clone_from(&known.screens);
        vm.serial = known.serial;
        vm.snapshots = known.snapshots;
        vm.checkpoints = known.checkpoints;
        vm.last_backup = known.last_backup;
        vm.since = known.since.filter(|_| known.id == vm.id);
    }
}

const fn xml_flags_of(vm: &VmPoll) -> u32 {
    if vm.id.is_some() { 0 } else { xml_flags::INACTIVE }
}

/// Checkpoints, and when the newest of ours was made: a backup made it. What others made them for is not known.
async fn checkpoints_of(connection: &Connection, domain: &Domain) -> Option<(u32, Option<Ts>)> {
    let checkpoints = connection.checkpoints(domain).await.ok()?;
    let mut newest = None;
    for checkpoint in checkpoints.iter().filter(|c| c.name.starts_with(sets::CHECKPOINT)) {
        if let Ok(text) = connection.checkpoint_xml(checkpoint).await
            && let Ok(read) = xml::read_checkpoint(&text)
        {
            newest = newest.max(Some(read.created));
        }
    }
    let at = newest.filter(|at| *at > 0).map(|at| Ts(at.saturating_mul(SECOND)));
    Some((u32::try_from(checkpoints.len()).unwrap_or(u32::MAX), at))
}

/// When the processes of machines were started, by name: when libvirt wrote down their number. Nothing for
/// those it cannot be told for.
async fn process_times(target: &Target, names: &[&str]) -> BTreeMap<String, Ts> {
    let path = |name: &str| format!("{PIDS}/{name}.pid");
    match target {
        // The folder is that of the usual socket only.
        Target::Local(None) => {
            let mut times = BTreeMap::new();
            for name in names {
                let Ok(meta) = tokio::fs::metadata(path(name)).await else { continue };
                let Ok(age) =
                    meta.modified().map_err(drop).and_then(|at| at.duration_since(std::time::UNIX_EPOCH).map_err(drop))
                else {
                    continue;
                };
                times.insert((*name).to_owned(), Ts(i64::try_from(age.as_micros()).unwrap_or(0)));
            }
            times
        }
        Target::Ssh(master, None) if !names.is_empty() => {
            let paths: Vec<String> = names.iter().map(|name| path(name)).collect();
            let argv: Vec<&str> =
                ["stat", "-c", "%Y %n", "--"].into_iter().chain(paths.iter().map(String::as_str)).collect();
            let Ok(output) = master.run(&argv, PROCESSES).await else { return BTreeMap::new() };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = |line: &str| {
                let (at, file) = line.split_once(' ')?;
                let name = file.strip_prefix(PIDS)?.strip_prefix('/')?.strip_suffix(".pid")?;
                Some((name.to_owned(), Ts(at.parse::<i64>().ok()?.checked_mul(SECOND)?)))
            };
            text.lines().filter_map(line).collect()
        }
        Target::Local(Some(_)) | Target::Ssh(..) => BTreeMap::new(),
    }
}
