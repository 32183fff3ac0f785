//! What a backup of a machine is: the manifest that lies beside its images.

use serde::{Deserialize, Serialize};

/// The version of the manifest that is written.
pub const MANIFEST: u32 = 1;

/// Kinds of backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupKind {
    /// All of it.
    #[default]
    Full,
    /// What has changed since the one before.
    Incremental,
}

impl BackupKind {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// What lies in the folder of a backup, as `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format ([`MANIFEST`]).
    pub manifest: u32,
    /// Name of the machine.
    pub vm: String,
    /// Its UUID.
    pub uuid: String,
    /// Name of the host.
    pub host: String,
    /// When it was begun: the images show the machine as it was then. Seconds since 1970.
    pub at: i64,
    /// Kind.
    pub kind: BackupKind,
    /// Folder of the backup that this one builds on; `None` for a full one.
    pub parent: Option<String>,
    /// The checkpoint that the next one goes on from.
    pub checkpoint: Option<String>,
    /// Its disks.
    pub disks: Vec<BackedUp>,
}

/// An image of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackedUp {
    /// Target (`vda`).
    pub target: String,
    /// File in the folder.
    pub file: String,
    /// Where the disk was.
    pub source: String,
    /// Its format there.
    pub format: String,
    /// Bytes that the guest sees.
    pub virtual_size: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// A backup in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSet {
    /// Name of its folder.
    pub name: String,
    /// Its manifest; why it cannot be read.
    pub manifest: Result<Manifest, String>,
}
