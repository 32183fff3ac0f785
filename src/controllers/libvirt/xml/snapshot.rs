//! Snapshots and checkpoints: what the host keeps of them, and the request for a new snapshot.

use super::tree::{self, Node};
use super::{Result, line, prose, value};
use crate::model::vm::snapshot::{Checkpoint, Kept, Snapshot, SnapshotDisk};
use crate::model::vm::state::Power;

/// Reads a `<domainsnapshot>`. Whether it is the current one is not in it.
pub fn read_snapshot(xml: &str) -> Result<Snapshot> {
    let root = tree::read(xml, "domainsnapshot")?;
    let state = root.text_at(&["state"]);
    let none = Node::default();
    let memory = root.child("memory").unwrap_or(&none);
    let then: Vec<(String, String)> =
        root.at(&["domain", "devices"]).map(|devices| devices.all("disk").map(source).collect()).unwrap_or_default();
    let disks = root.child("disks").map(|disks| disks.all("disk").map(|node| disk(node, &then)).collect());
    Ok(Snapshot {
        name: root.text_at(&["name"]).to_owned(),
        parent: root.text_at(&["parent", "name"]).to_owned(),
        created: root.text_at(&["creationTime"]).parse().unwrap_or(0),
        description: root.text_at(&["description"]).to_owned(),
        power: power(state),
        disks_only: state == "disk-snapshot",
        memory: kept(memory.attr("snapshot"), memory.attr("file")),
        disks: disks.unwrap_or_default(),
        current: false,
    })
}

/// The file or device of a disk; empty without one.
fn file(disk: &Node) -> &str {
    let of = |name| disk.attr_at(&["source"], name);
    if of("file").is_empty() { of("dev") } else { of("file") }
}

/// Target and file of a disk of the definition that a snapshot carries.
fn source(node: &Node) -> (String, String) {
    (node.attr_at(&["target"], "dev").to_owned(), file(node).to_owned())
}

fn disk(node: &Node, then: &[(String, String)]) -> SnapshotDisk {
    let target = node.attr("name").to_owned();
    let was = then.iter().find(|(t, _)| *t == target).map(|(_, path)| path.clone()).unwrap_or_default();
    SnapshotDisk { kept: kept(node.attr("snapshot"), file(node)), target, was }
}

fn kept(word: &str, file: &str) -> Kept {
    match word {
        "internal" => Kept::Inside,
        "external" => Kept::File(file.to_owned()),
        _ => Kept::No,
    }
}

fn power(state: &str) -> Power {
    match state {
        "running" | "disk-snapshot" => Power::Running,
        "paused" => Power::Paused,
        "shutdown" => Power::Stopping,
        "shutoff" => Power::Off,
        "crashed" => Power::Crashed,
        "pmsuspended" => Power::Suspended,
        _ => Power::Unknown,
    }
}

/// Reads a `<domaincheckpoint>`.
pub fn read_checkpoint(xml: &str) -> Result<Checkpoint> {
    let root = tree::read(xml, "domaincheckpoint")?;
    let with_bitmap = |node: &&Node| node.attr("checkpoint") == "bitmap";
    Ok(Checkpoint {
        name: root.text_at(&["name"]).to_owned(),
        parent: root.text_at(&["parent", "name"]).to_owned(),
        created: root.text_at(&["creationTime"]).parse().unwrap_or(0),
        disks: root
            .child("disks")
            .map(|disks| disks.all("disk").filter(with_bitmap).map(|d| d.attr("name").to_owned()).collect())
            .unwrap_or_default(),
    })
}

/// Where a part of a new snapshot goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotPart {
    /// It is not taken.
    No,
    /// Inside the image.
    Inside,
    /// To a file of its own: for a disk its new overlay, for memory where it is saved.
    File(String),
}

/// A snapshot to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Name.
    pub name: String,
    /// What is written down with it; may be empty.
    pub description: String,
    /// Its memory.
    pub memory: SnapshotPart,
    /// Its disks, by target.
    pub disks: Vec<(String, SnapshotPart)>,
}

/// Writes a `<domainsnapshot>`.
pub fn snapshot(new: &NewSnapshot) -> Result<String> {
    let mut out = String::new();
    line(&mut out, 0, format_args!("<domainsnapshot>"));
    line(&mut out, 1, format_args!("<name>{}</name>", value("the name of the snapshot", &new.name)?));
    if !new.description.is_empty() {
        let text = prose("the description of the snapshot", &new.description)?;
        line(&mut out, 1, format_args!("<description>{text}</description>"));
    }
    match &new.memory {
        SnapshotPart::No => line(&mut out, 1, format_args!("<memory snapshot='no'/>")),
        SnapshotPart::Inside => line(&mut out, 1, format_args!("<memory snapshot='internal'/>")),
        SnapshotPart::File(path) => {
            let path = value("the file for the memory", path)?;
            line(&mut out, 1, format_args!("<memory snapshot='external' file='{path}'/>"));
        }
    }
    line(&mut out, 1, format_args!("<disks>"));
    for (target, part) in &new.disks {
        let target = value("the target of a disk", target)?;
        match part {
            SnapshotPart::No => line(&mut out, 2, format_args!("<disk name='{target}' snapshot='no'/>")),
            SnapshotPart::Inside => line(&mut out, 2, format_args!("<disk name='{target}' snapshot='internal'/>")),
            SnapshotPart::File(path) => {
                line(&mut out, 2, format_args!("<disk name='{target}' snapshot='external' type='file'>"));
                line(&mut out, 3, format_args!("<driver type='qcow2'/>"));
                line(&mut out, 3, format_args!("<source file='{}'/>", value("the overlay of a disk", path)?));
                line(&mut out, 2, format_args!("</disk>"));
            }
        }
    }
    line(&mut out, 1, format_args!("</disks>"));
    line(&mut out, 0, format_args!("</domainsnapshot>"));
    Ok(out)
}
