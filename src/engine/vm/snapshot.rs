//! What the snapshots of a machine mean: their tree, what this libvirt can do with each, and the files
//! and records that nothing uses any more.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::order;
use crate::model::vm::definition::Disk;
use crate::model::vm::snapshot::{Kept, Snapshot};
use crate::model::vm::{Definition, state::Power};

/// First libvirt that goes back to external snapshots well (9.7 began to, 9.9 made it hold).
const REVERT_EXTERNAL: u64 = 9_009_000;
/// First libvirt that deletes external snapshots itself.
const DELETE_EXTERNAL: u64 = 9_000_000;

/// A snapshot in the order and at the depth in which a tree shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// How deep it stands, from 0.
    pub depth: usize,
    /// Whether it is the last of its parent's.
    pub last: bool,
}

/// The snapshots as a tree, the oldest first. One whose parent is not there, or that is its own
/// forefather, stands at the root.
#[must_use]
pub fn tree(all: &[Snapshot]) -> Vec<Branch<'_>> {
    let names: BTreeSet<&str> = all.iter().map(|s| s.name.as_str()).collect();
    let mut children: BTreeMap<&str, Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in all {
        let parent = names.get(snapshot.parent.as_str()).copied().unwrap_or("");
        children.entry(parent).or_default().push(snapshot);
    }
    for list in children.values_mut() {
        order::by_key(list, |s| (s.created, s.name.as_str()));
    }
    let mut out = Vec::with_capacity(all.len());
    let mut seen = BTreeSet::new();
    let roots = children.get("").cloned().unwrap_or_default();
    grow(&roots, &children, &mut seen, &mut out);
    let lost: Vec<&Snapshot> = all.iter().filter(|s| !seen.contains(s.name.as_str())).collect();
    for snapshot in lost {
        if !seen.contains(snapshot.name.as_str()) {
            grow(&[snapshot], &children, &mut seen, &mut out);
        }
    }
    out
}

fn grow<'a>(
    roots: &[&'a Snapshot],
    children: &BTreeMap<&'a str, Vec<&'a Snapshot>>,
    seen: &mut BTreeSet<&'a str>,
    out: &mut Vec<Branch<'a>>,
) {
    let mut waiting: Vec<(&Snapshot, usize, bool)> =
        roots.iter().enumerate().rev().map(|(n, s)| (*s, 0, n + 1 == roots.len())).collect();
    while let Some((snapshot, depth, last)) = waiting.pop() {
        if !seen.insert(&snapshot.name) {
            continue;
        }
        out.push(Branch { snapshot, depth, last });
        let below = children.get(snapshot.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        waiting.extend(below.iter().enumerate().rev().map(|(n, s)| (*s, depth + 1, n + 1 == below.len())));
    }
}

/// The snapshots that were taken on one, itself first; each after its parent.
#[must_use]
pub fn descendants<'a>(all: &'a [Snapshot], name: &str) -> Vec<&'a Snapshot> {
    let mut out: Vec<&Snapshot> = all.iter().filter(|s| s.name == name).collect();
    let mut at = 0;
    while let Some(parent) = out.get(at).map(|s| s.name.as_str()) {
        let below: Vec<&Snapshot> =
            all.iter().filter(|s| s.parent == parent && out.iter().all(|known| known.name != s.name)).collect();
        out.extend(below);
        at += 1;
    }
    out
}

/// Whether a machine can go back to a snapshot, and why not.
pub fn can_revert(snapshot: &Snapshot, libvirt: u64) -> Result<(), String> {
    if snapshot.external() && libvirt < REVERT_EXTERNAL {
        return Err(format!(
            "{} lies in files of its own, and libvirt {} cannot go back to such a one (9.9 can); clean it up, or restore a backup",
            snapshot.name,
            version(libvirt)
        ));
    }
    Ok(())
}

/// Whether the host itself can delete a snapshot, and why not.
pub fn can_delete(all: &[Snapshot], name: &str, libvirt: u64) -> Result<(), String> {
    let Some(snapshot) = all.iter().find(|s| s.name == name) else {
        return Err(format!("there is no snapshot {name}"));
    };
    if !snapshot.external() {
        return Ok(());
    }
    if libvirt < DELETE_EXTERNAL {
        return Err(format!(
            "{name} lies in files of its own, and libvirt {} cannot delete such a one; clean it up instead",
            version(libvirt)
        ));
    }
    let mixed = |s: &&Snapshot| !s.external() && (s.name == snapshot.parent || s.parent == name);
    match all.iter().find(mixed) {
        Some(other) => {
            Err(format!("{name} lies in files of its own and {} inside the image: clean it up instead", other.name))
        }
        None if all.iter().filter(|s| s.parent == name).count() > 1 => {
            Err(format!("several snapshots were taken on {name}; delete all but one of them first"))
        }
        None => Ok(()),
    }
}

/// How a snapshot is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Inside the images, with the memory of a machine that runs.
    Inside,
    /// Disks only, to overlays.
    Disks,
    /// Disks to overlays and memory to a file.
    WithMemory,
}

/// Whether a snapshot can be taken so, and why not.
pub fn can_take(way: Way, vm: &Definition, power: Power, all: &[Snapshot], name: &str) -> Result<(), String> {
    if name.is_empty() || name.starts_with(['.', '-']) || name.contains(['/', '\n', '\r', '\t']) {
        return Err("a snapshot needs a name without slashes that begins with neither a dot nor a dash".to_owned());
    }
    if all.iter().any(|s| s.name == name) {
        return Err(format!("there is a snapshot {name} already"));
    }
    let disks: Vec<&Disk> = super::sets::disks(vm).collect();
    if disks.is_empty() {
        return Err(format!("{} has no disk to take a snapshot of", vm.name));
    }
    match way {
        Way::Inside => {
            if let Some(disk) = disks.iter().find(|disk| disk.format != "qcow2") {
                return Err(format!("{} is {}: only qcow2 holds snapshots inside", disk.target, disk.format));
            }
            if vm.nvram.is_some() && power.active() {
                return Err("it has firmware variables in a file of their own: take an external one".to_owned());
            }
        }
        Way::Disks | Way::WithMemory => {
            if let Some(disk) = disks.iter().find(|disk| disk.kind != "file") {
                return Err(format!("{} is a {} disk: an overlay needs a path for it", disk.target, disk.kind));
            }
            if way == Way::WithMemory && !power.active() {
                return Err(format!("{} does not run: it has no memory to save", vm.name));
            }
        }
    }
    Ok(())
}

/// The overlay that a disk gets for a snapshot: beside it, with the snapshot's name as its ending.
#[must_use]
pub fn overlay(disk: &Disk, snapshot: &str) -> String {
    let (folder, file) = disk.source.rsplit_once('/').unwrap_or(("", &disk.source));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let plain: String =
        snapshot.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    format!("{folder}/{stem}.{plain}")
}

/// A version of libvirt in words.
#[must_use]
pub fn version(number: u64) -> String {
    format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

/// A file in a folder of disks, as `qemu-img info` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Where it is.
    pub path: String,
    /// What it builds on; empty for none.
    pub backing: String,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// Something that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Orphan {
    /// A file: no machine of the host has it in a chain of its disks, and no file that one has builds on it.
    File {
        /// Where it is.
        path: String,
        /// Bytes that it takes.
        bytes: u64,
        /// Why it is told: it is an overlay, or ends in what noctule leaves when it is killed.
        why: String,
    },
    /// A snapshot whose files are in no chain of its machine any more.
    Record {
        /// The machine.
        vm: String,
        /// The snapshot.
        snapshot: String,
        /// Why.
        why: String,
    },
}

/// Ends of names that only an operation that was cut off leaves.
const LEFTOVERS: [&str; 3] = [".restoring", ".partial", ".migrating"];

/// Finds what nothing uses among the files of folders with disks. Only what looks like an overlay or a
/// leftover is told, never an image that stands alone: it may be in use elsewhere.
#[must_use]
pub fn orphans(machines: &[(Definition, Vec<Snapshot>)], files: &[Found]) -> Vec<Orphan> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (vm, snapshots) in machines {
        for disk in &vm.disks {
            used.insert(&disk.source);
            used.extend(disk.backing.iter().map(String::as_str));
        }
        for snapshot in snapshots {
            used.extend(snapshot.disks.iter().map(|disk| disk.was.as_str()));
            used.extend(match &snapshot.memory {
                Kept::File(path) => Some(path.as_str()),
                _ => None,
            });
        }
    }
    // What a file in use builds on is in use.
    loop {
        let below: Vec<&str> = files
            .iter()
            .filter(|f| used.contains(f.path.as_str()) && !f.backing.is_empty() && !used.contains(f.backing.as_str()))
            .map(|f| f.backing.as_str())
            .collect();
        if below.is_empty() {
            break;
        }
        used.extend(below);
    }
    let mut out = Vec::new();
    for file in files.iter().filter(|f| !used.contains(f.path.as_str())) {
        let why = if let Some(end) = LEFTOVERS.iter().find(|end| file.path.ends_with(*end)) {
            format!("an operation that was cut off left it ({end})")
        } else if file.backing.is_empty() {
            continue;
        } else {
            format!("an overlay on {} that no machine uses", file.backing)
        };
        out.push(Orphan::File { path: file.path.clone(), bytes: file.bytes, why });
    }
    for (vm, snapshots) in machines {
        for snapshot in snapshots {
            let missing = snapshot.disks.iter().find_map(|disk| match &disk.kept {
                Kept::File(path) => (!in_chain(vm, path) && !branched(snapshots, path)).then_some(path),
                _ => None,
            });
            if let Some(path) = missing {
                out.push(Orphan::Record {
                    vm: vm.name.clone(),
                    snapshot: snapshot.name.clone(),
                    why: format!("its overlay {path} is in no disk of {} any more", vm.name),
                });
            }
        }
    }
    out
}

fn in_chain(vm: &Definition, path: &str) -> bool {
    vm.disks.iter().any(|disk| disk.source == path || disk.backing.iter().any(|below| below == path))
}

/// Whether another snapshot was taken on that file: then going back to it needs the file.
fn branched(all: &[Snapshot], path: &str) -> bool {
    all.iter().any(|s| s.disks.iter().any(|disk| disk.was == path))
}
