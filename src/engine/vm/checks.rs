//! What can be known before a machine is moved: ten checks, each in plain words, and the plan that
//! follows from them. Every one of them stands for a migration that failed in the middle.

use crate::model::vm::Definition;
use crate::model::vm::definition::Disk;
use crate::model::vm::state::Power;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// Nothing stands against it.
    Ok,
    /// It may go wrong.
    Warn,
    /// It will go wrong, or would do harm.
    Refuse,
}

impl Finding {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

/// A check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub finding: Finding,
    /// In words.
    pub said: String,
    /// What to do about it; empty when there is nothing to do.
    pub advice: String,
}

/// How disks get to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// Those that both hosts are seen to have stay; any other is a refusal.
    #[default]
    Auto,
    /// Those that both hosts are seen to have stay, all others are copied.
    Copy,
    /// The operator knows that the target sees the same files.
    Shared,
}

/// What the operator wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// How disks get there.
    pub storage: Storage,
    /// Take its definition from the source once it runs on the target.
    pub undefine_source: bool,
}

/// Where a file is, so that two hosts' answers can be told to mean the same file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Bytes that a guest sees.
    pub virtual_size: u64,
    /// Format of the image.
    pub format: String,
    /// Kind of the file system (`ext4`, `nfs` …), as `stat -f` names it.
    pub filesystem: String,
    /// Which boot of which kernel answered (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
    /// Number of the device.
    pub device: u64,
    /// Number of the inode.
    pub inode: u64,
}

impl File {
    /// Whether both are one file: seen by one kernel, or through a file system that hosts share.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let one_kernel = !self.boot.is_empty() && self.boot == other.boot;
        let shared = |fs: &str| {
            ["nfs", "nfs4", "ceph", "fuseceph", "glusterfs", "fuse.glusterfs", "gfs2", "gfs", "ocfs2", "lustre", "gpfs"]
                .contains(&fs)
        };
        let one_share = shared(&self.filesystem) && self.filesystem == other.filesystem;
        self.inode == other.inode && ((one_kernel && self.device == other.device) || (!one_kernel && one_share))
    }
}

/// A disk on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFacts {
    /// Target (`vda`).
    pub target: String,
    /// The file on the source; why it cannot be told.
    pub here: Result<File, String>,
    /// The file of that path on the target, `None` when there is none; why it cannot be told.
    pub there: Result<Option<File>, String>,
    /// Bytes free on the target where it would be; `None` when that is not known or its folder is missing.
    pub room: Option<u64>,
}

/// How the target's CPU compares with what the machine needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// It lacks something.
    Incompatible,
    /// It is the same.
    Identical,
    /// It can do more.
    Superset,
}

/// A host, as far as the checks ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// What it is called here.
    pub label: String,
    /// UUID.
    pub uuid: String,
    /// Version of libvirt.
    pub libvirt: u64,
    /// Version of the hypervisor.
    pub hypervisor: u64,
    /// Memory that is free, KiB.
    pub free_kib: Option<u64>,
}

/// All that the checks look at. A `Result` holds why something could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The machine, as it runs.
    pub vm: Definition,
    /// Its state.
    pub power: Power,
    /// Whether its definition outlives it.
    pub persistent: bool,
    /// The host that it is on.
    pub source: Result<Host, String>,
    /// The host that it is to go to.
    pub target: Result<Host, String>,
    /// UUID of a machine of its name on the target.
    pub same_name: Result<Option<String>, String>,
    /// Name of a machine of its UUID on the target.
    pub same_uuid: Result<Option<String>, String>,
    /// Its disks that can be written to and are files or devices.
    pub disks: Vec<DiskFacts>,
    /// How the target's CPU compares.
    pub cpu: Result<Cpu, String>,
    /// Machine types that the target can run.
    pub machines: Result<Vec<String>, String>,
    /// Whether the source reaches the target; `None` when that could not be tried.
    pub reach: Option<Result<(), String>>,
    /// A job that runs in it.
    pub job: Option<String>,
    /// Disks with a block job.
    pub block_jobs: Vec<String>,
    /// Snapshots that its host keeps.
    pub snapshots: u32,
    /// Checkpoints of incremental backups.
    pub checkpoints: u32,
}

/// An image to be made on the target before anything moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Target (`vda`).
    pub target: String,
    /// Where.
    pub path: String,
    /// Format.
    pub format: String,
    /// Bytes that a guest sees: the same as on the source, or the copy fails.
    pub virtual_size: u64,
}

/// What a migration does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The machine.
    pub vm: String,
    /// Its UUID: on both sides it is looked for by that.
    pub uuid: String,
    /// Name of the source.
    pub source: String,
    /// Name of the target.
    pub target: String,
    /// Its state before.
    pub was: Power,
    /// Images to be made.
    pub make: Vec<Image>,
    /// Disks to be copied, by target.
    pub copy: Vec<String>,
    /// Keep its definition on the target.
    pub persist: bool,
    /// Take its definition from the source.
    pub undefine_source: bool,
    /// Tell libvirt that what looks unshared is shared.
    pub trust_shared: bool,
    /// Checkpoints that will not go with it.
    pub checkpoints: u32,
}

/// Room that is left free on the target beside the machine, KiB.
const MEMORY_MARGIN_KIB: u64 = 128 << 10;

/// The ten checks, in the order in which they matter.
#[must_use]
pub fn checks(facts: &Facts, wish: &Wish) -> Vec<Check> {
    let disks = disks(facts, wish).1;
    vec![
        answers(facts),
        other_host(facts),
        free_name(facts),
        memory(facts),
        disks,
        cpu(facts),
        machine(facts),
        reach(facts),
        idle(facts),
        devices(facts),
    ]
}

/// The plan, when no check refuses; else the checks.
pub fn plan(facts: &Facts, wish: &Wish) -> Result<Plan, Vec<Check>> {
    let checks = checks(facts, wish);
    let (Ok(source), Ok(target)) = (&facts.source, &facts.target) else { return Err(checks) };
    if checks.iter().any(|check| check.finding == Finding::Refuse) {
        return Err(checks);
    }
    let (moves, _) = disks(facts, wish);
    Ok(Plan {
        vm: facts.vm.name.clone(),
        uuid: facts.vm.uuid.clone(),
        source: source.label.clone(),
        target: target.label.clone(),
        was: facts.power,
        copy: moves.iter().map(|image| image.target.clone()).collect(),
        make: moves,
        persist: facts.persistent,
        undefine_source: facts.persistent && wish.undefine_source,
        // libvirt cannot see that one kernel serves both, and takes the operator's word.
        trust_shared: wish.storage == Storage::Shared || facts.disks.iter().any(one_kernel),
        checkpoints: facts.checkpoints,
    })
}

fn one_kernel(disk: &DiskFacts) -> bool {
    match (&disk.here, &disk.there) {
        (Ok(here), Ok(Some(there))) => here.boot == there.boot && here.same_as(there),
        _ => false,
    }
}

fn ok(name: &'static str, said: impl Into<String>) -> Check {
    Check { name, finding: Finding::Ok, said: said.into(), advice: String::new() }
}

fn warn(name: &'static str, said: impl Into<String>, advice: &str) -> Check {
    Check { name, finding: Finding::Warn, said: said.into(), advice: advice.to_owned() }
}

fn refuse(name: &'static str, said: impl Into<String>, advice: &str) -> Check {
    Check { name, finding: Finding::Refuse, said: said.into(), advice: advice.to_owned() }
}

fn answers(facts: &Facts) -> Check {
    const NAME: &str = "both hosts answer";
    for (side, host) in [("source", &facts.source), ("target", &facts.target)] {
        if let Err(why) = host {
            return refuse(
                NAME,
                format!("the {side} does not: {why}"),
                "see the host's row in sources; nothing was changed",
            );
        }
    }
    if !matches!(facts.power, Power::Running | Power::Paused) {
        let said = format!("they do, but {} is {}: only a machine that runs moves", facts.vm.name, facts.power.word());
        return refuse(NAME, said, "start it first, or define it on the target from its XML");
    }
    match (&facts.source, &facts.target) {
        (Ok(a), Ok(b)) if b.libvirt < a.libvirt || b.hypervisor < a.hypervisor => warn(
            NAME,
            format!("{} runs older software than {}: a machine rarely moves backwards", b.label, a.label),
            "update the target, or expect it to be refused",
        ),
        _ => ok(NAME, "they do"),
    }
}

fn other_host(facts: &Facts) -> Check {
    const NAME: &str = "another host";
    match (&facts.source, &facts.target) {
        (Ok(a), Ok(b)) if a.uuid.is_empty() || b.uuid.is_empty() => {
            refuse(NAME, "a host does not tell its UUID", "set host_uuid in its libvirtd.conf and restart libvirtd")
        }
        (Ok(a), Ok(b)) if a.uuid == b.uuid => refuse(
            NAME,
            format!("{} and {} are one host, or have one UUID ({})", a.label, b.label, a.uuid),
            "choose another target; where these are cloned hosts, give each its own host_uuid in libvirtd.conf",
        ),
        (Ok(_), Ok(_)) => ok(NAME, "their UUIDs differ"),
        _ => refuse(NAME, "a host does not answer", "see above"),
    }
}

fn free_name(facts: &Facts) -> Check {
    const NAME: &str = "name and UUID free on the target";
    match (&facts.same_name, &facts.same_uuid) {
        (Err(why), _) | (_, Err(why)) => refuse(NAME, format!("that could not be found out: {why}"), "try again"),
        (_, Ok(Some(name))) => refuse(
            NAME,
            format!("the target has a machine of this UUID: {name}"),
            "if it is what an earlier migration left behind, undefine it there (its disks stay)",
        ),
        (Ok(Some(uuid)), _) => refuse(
            NAME,
            format!("the target has another machine called {} ({uuid})", facts.vm.name),
            "rename one of them, or choose another target",
        ),
        (Ok(None), Ok(None)) => ok(NAME, "both are"),
    }
}

fn memory(facts: &Facts) -> Check {
    const NAME: &str = "memory on the target";
    let need = facts.vm.memory_kib;
    match facts.target.as_ref().ok().and_then(|host| host.free_kib) {
        None => warn(NAME, "how much is free is not known", "look at the target before you go on"),
        Some(free) if free < need => refuse(
            NAME,
            format!("{} MiB are free, {} MiB are needed", free >> 10, need >> 10),
            "shut something down there, or choose another target",
        ),
        Some(free) if free < need.saturating_add(MEMORY_MARGIN_KIB) => warn(
            NAME,
            format!("{} MiB are free, {} MiB are needed: it will be tight", free >> 10, need >> 10),
            "the emulator itself needs some, too",
        ),
        Some(free) => ok(NAME, format!("{} MiB are free, {} MiB are needed", free >> 10, need >> 10)),
    }
}

/// The images to be made, and the check.
fn disks(facts: &Facts, wish: &Wish) -> (Vec<Image>, Check) {
    const NAME: &str = "disks on the target";
    let mut make = Vec::new();
    let mut wrong = Vec::new();
    let mut doubt = Vec::new();
    let mut shared = 0;
    let of = |target: &str| facts.disks.iter().find(|disk| disk.target == target);
    for disk in &facts.vm.disks {
        if disk.source.is_empty() {
            continue;
        }
        let name = format!("{} ({})", disk.target, disk.source);
        if disk.kind == "network" {
            shared += 1;
            continue;
        }
        let Some(fact) = of(&disk.target) else {
            wrong.push(format!("{name}: nothing is known of it"));
            continue;
        };
        let (here, there) = match (&fact.here, &fact.there) {
            (Ok(here), Ok(there)) => (here, there),
            (Err(why), _) => {
                wrong.push(format!("{name}: cannot be read on the source: {why}"));
                continue;
            }
            (_, Err(why)) => {
                wrong.push(format!("{name}: cannot be looked for on the target: {why}"));
                continue;
            }
        };
        match there {
            // A copy would write over what it reads.
            Some(there) if here.same_as(there) => shared += 1,
            Some(_) if wish.storage == Storage::Shared => {
                shared += 1;
                doubt.push(format!("{name}: taken as shared because you say so"));
            }
            None if wish.storage == Storage::Shared => wrong.push(format!("{name}: is not on the target")),
            // An installation medium need not be the same file: what is there is put in.
            Some(_) if disk.readonly => {}
            None if disk.readonly => wrong.push(format!("{name}: is not on the target; copy it there or eject it")),
            Some(_) => wrong.push(format!("{name}: another file of that name is there; it is not overwritten")),
            None if wish.storage == Storage::Auto => {
                wrong.push(format!("{name}: is not on the target: say storage copy to have it copied"));
            }
            None => copied(disk, here, fact.room, &mut make, &mut wrong, &mut doubt),
        }
    }
    let check = if !wrong.is_empty() {
        refuse(NAME, wrong.join("; "), "move what is in the way, make room, or share the storage")
    } else if !doubt.is_empty() {
        warn(NAME, doubt.join("; "), "be sure before you go on")
    } else if make.is_empty() {
        ok(NAME, if shared == 0 { "it has none to move".to_owned() } else { format!("{shared} shared") })
    } else {
        ok(NAME, format!("{} shared, {} copied to images that are made first", shared, make.len()))
    };
    (make, check)
}

fn copied(
    disk: &Disk,
    here: &File,
    room: Option<u64>,
    make: &mut Vec<Image>,
    wrong: &mut Vec<String>,
    doubt: &mut Vec<String>,
) {
    let name = format!("{} ({})", disk.target, disk.source);
    if disk.kind != "file" {
        wrong.push(format!("{name}: is no file; make its device on the target, or share it"));
        return;
    }
    match room {
        None => wrong.push(format!("{name}: its folder is missing on the target, or cannot be written")),
        Some(room) if room < here.virtual_size => {
            doubt.push(format!(
                "{name}: {} MiB are free there, it may grow to {} MiB",
                room >> 20,
                here.virtual_size >> 20
            ));
        }
        Some(_) => {}
    }
    if !disk.backing.is_empty() {
        doubt.push(format!("{name}: is an overlay of a snapshot; the copy is one image without it"));
    }
    make.push(Image {
        target: disk.target.clone(),
        path: disk.source.clone(),
        format: if disk.format.is_empty() { here.format.clone() } else { disk.format.clone() },
        virtual_size: here.virtual_size,
    });
}

fn cpu(facts: &Facts) -> Check {
    const NAME: &str = "CPU";
    match &facts.cpu {
        Err(why) => warn(NAME, format!("could not be compared: {why}"), "the target refuses it if it does not fit"),
        Ok(Cpu::Incompatible) => refuse(
            NAME,
            "the target's CPU lacks what the machine was given",
            "give it a CPU model that both hosts have, and restart it",
        ),
        Ok(Cpu::Identical) => ok(NAME, "the same"),
        Ok(Cpu::Superset) => ok(NAME, "the target's can do all that it needs"),
    }
}

fn machine(facts: &Facts) -> Check {
    const NAME: &str = "machine type";
    let wanted = &facts.vm.machine;
    match &facts.machines {
        Err(why) => warn(NAME, format!("could not be compared: {why}"), "the target refuses it if it does not know it"),
        Ok(known) if known.iter().any(|name| name == wanted) => ok(NAME, format!("{wanted} is known there")),
        Ok(_) => refuse(
            NAME,
            format!("{wanted} is not known there"),
            "update QEMU on the target, or give the machine an older type and restart it",
        ),
    }
}

fn reach(facts: &Facts) -> Check {
    const NAME: &str = "the source reaches the target";
    match &facts.reach {
        None => warn(NAME, "that could not be tried: the source has no virsh", "it shows when it begins to move"),
        Some(Ok(())) => ok(NAME, "it does"),
        Some(Err(why)) => refuse(
            NAME,
            format!("it does not: {why}"),
            "open the way between them (libvirt's port or SSH, and TCP 49152 to 49215), or give a URI",
        ),
    }
}

fn idle(facts: &Facts) -> Check {
    const NAME: &str = "nothing else runs in it";
    if let Some(job) = &facts.job {
        return refuse(NAME, format!("a job does: {job}"), "wait for it, or cancel it");
    }
    if !facts.block_jobs.is_empty() {
        let said = format!("disks are being worked on: {}", facts.block_jobs.join(", "));
        return refuse(NAME, said, "wait for it, or clean up its snapshots");
    }
    if facts.snapshots > 0 {
        let said = format!("it has {} snapshots, and its host would refuse", facts.snapshots);
        return refuse(NAME, said, "delete or clean up its snapshots first");
    }
    if facts.checkpoints > 0 {
        let said = format!("{} checkpoints of backups will not go with it", facts.checkpoints);
        return warn(NAME, said, "the next backup will be a full one");
    }
    ok(NAME, "nothing does")
}

fn devices(facts: &Facts) -> Check {
    const NAME: &str = "no devices of the host";
    match facts.vm.host_devices {
        0 => ok(NAME, "it has none"),
        n => refuse(NAME, format!("{n} devices of the host are handed through"), "detach them first"),
    }
}
