//! Snapshots and checkpoints of a machine, as its host keeps them (format: libvirt's snapshot and
//! checkpoint XML).

use super::state::Power;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Name, unique in its machine.
    pub name: String,
    /// The snapshot that it was taken on; empty for a first one.
    pub parent: String,
    /// When, seconds since 1970.
    pub created: i64,
    /// What was written down with it.
    pub description: String,
    /// State that the machine was in.
    pub power: Power,
    /// Whether only disks were taken: the machine starts from them as after a loss of power.
    pub disks_only: bool,
    /// Where its memory is.
    pub memory: Kept,
    /// Its disks.
    pub disks: Vec<SnapshotDisk>,
    /// Whether what runs now goes on from it.
    pub current: bool,
}

impl Snapshot {
    /// Whether any part of it lies in files of its own.
    #[must_use]
    pub fn external(&self) -> bool {
        matches!(self.memory, Kept::File(_)) || self.disks.iter().any(|disk| matches!(disk.kept, Kept::File(_)))
    }
}

/// Where a part of a snapshot is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kept {
    /// It was not taken.
    #[default]
    No,
    /// Inside the image of the disk.
    Inside,
    /// For a disk: the overlay that what is written since goes to, so that the file below it is the
    /// snapshot. For memory: the file that it was saved to.
    File(String),
}

/// A disk of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotDisk {
    /// Target (`vda`).
    pub target: String,
    /// Where it is.
    pub kept: Kept,
    /// The file that the machine wrote to when it was taken; empty when the host does not say.
    pub was: String,
}

/// A point from which an incremental backup copies what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Name, unique in its machine.
    pub name: String,
    /// The one before it; empty for a first one.
    pub parent: String,
    /// When, seconds since 1970.
    pub created: i64,
    /// Disks with a bitmap.
    pub disks: Vec<String>,
}
