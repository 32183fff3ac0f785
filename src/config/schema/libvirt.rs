//! A host of virtual machines: how its libvirt is reached, how its machines are backed up and moved,
//! what its consoles need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Ssh;
use crate::config::secret::SecretRef;

/// A host whose machines libvirt runs. It is spoken to over its local socket, here or on an SSH host:
/// TLS and SASL are not spoken, an SSH login does the same.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Libvirt {
    /// Which of its hypervisors: `qemu:///system`, `qemu:///session`.
    #[serde(default = "uri")]
    #[schemars(extend("format" = "libvirt-uri"))]
    pub uri: String,
    /// Another socket than libvirt's usual ones; on the SSH host where one is set.
    #[serde(default)]
    #[schemars(extend("format" = "path"))]
    pub socket: Option<String>,
    /// The SSH host that it is; without it libvirt of this machine.
    #[serde(default)]
    pub ssh: Option<Ssh>,
    /// Seconds between polls.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 3600))]
    pub poll_s: u64,
    /// Seconds a call may take.
    #[serde(default = "timeout_s")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_s: u64,
    /// Where backups go, and how many are kept.
    #[serde(default)]
    pub backup: VmBackup,
    /// How machines move to and from it.
    #[serde(default)]
    pub migration: VmMigration,
    /// What happens when an operation on one of its machines failed.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Passwords of VNC screens by the machine's name; `*` for all others.
    #[serde(default)]
    #[schemars(extend("x-foreign-keys" = true))]
    pub vnc_passwords: BTreeMap<String, SecretRef>,
    /// How several users of this machine share consoles, serial ones and screens; not at all without it.
    #[serde(default)]
    pub share: Option<Share>,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

impl Default for Libvirt {
    fn default() -> Self {
        Self {
            uri: uri(),
            socket: None,
            ssh: None,
            poll_s: poll_s(),
            timeout_s: timeout_s(),
            backup: VmBackup::default(),
            migration: VmMigration::default(),
            on_failure: OnFailure::default(),
            vnc_passwords: BTreeMap::new(),
            share: None,
            paused: false,
        }
    }
}

impl Libvirt {
    /// Where it is, in words: `qemu:///system`, `qemu:///system on ssh kvm-1`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match (&self.ssh, &self.socket) {
            (Some(ssh), _) => format!("{} on {}", self.uri, ssh.host),
            (None, Some(socket)) => format!("{} at {socket}", self.uri),
            (None, None) => self.uri.clone(),
        }
    }
}

fn uri() -> String {
    "qemu:///system".into()
}

const fn poll_s() -> u64 {
    5
}

const fn timeout_s() -> u64 {
    20
}

/// Consoles that the users of this machine share: the first noctule that opens one serves it to the
/// others, who look, and type when control is theirs. There is one connection to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Folder of this machine where they meet, from / on; the same for all of them.
    #[schemars(extend("format" = "path"))]
    pub folder: String,
    /// The group whose members share, by name or number: the folder has mode 0770 then. Without it only
    /// the sessions of one user do, and the folder has mode 0700.
    #[serde(default)]
    pub group: Option<String>,
    /// Minutes without typing after which control is no longer held.
    #[serde(default = "idle_min")]
    #[schemars(range(min = 1, max = 1440))]
    pub idle_min: u64,
}

const fn idle_min() -> u64 {
    10
}

/// Backups of the machines of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VmBackup {
    /// Folder on the host; one below it a machine.
    #[schemars(extend("format" = "path"))]
    pub folder: String,
    /// Chains of backups (a full one and what was added to it) kept of a machine.
    #[schemars(range(min = 1, max = 1000))]
    pub keep: u32,
    /// Whether every backup is compared with what was backed up.
    pub verify: bool,
}

impl Default for VmBackup {
    fn default() -> Self {
        Self { folder: "/var/lib/libvirt/backups".into(), keep: 7, verify: true }
    }
}

/// How machines move to and from a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VmMigration {
    /// The URI under which other hosts' libvirt reaches this one (`qemu+ssh://kvm-2/system`).
    #[schemars(extend("format" = "migration-uri"))]
    pub connect: Option<String>,
    /// Where the machine's memory is sent to (`tcp://10.0.0.2`, `unix:///run/migrate.sock`); the host's own name without it.
    #[schemars(extend("format" = "migration-uri"))]
    pub data: Option<String>,
    /// Most bytes a second, MiB; 0: as fast as it goes.
    pub bandwidth_mib: u64,
}

/// What happens when an operation on a machine failed. There is always a row in the log that says so,
/// before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(extend("type" = "object"))]
pub enum OnFailure {
    /// Nothing: it is logged.
    #[default]
    Log,
    /// The machine is shut down, once.
    Stop,
    /// What the operation made and could not take back (an unfinished backup and its checkpoint, an image
    /// copied to a target, the temporary file of a restore) is deleted after so many days. The machine, its
    /// definition and its disks never are.
    Delete(DeleteAfter),
}

/// When what a failed operation made and left behind is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAfter {
    /// Days.
    #[schemars(range(min = 1, max = 3650))]
    pub days: u32,
}
