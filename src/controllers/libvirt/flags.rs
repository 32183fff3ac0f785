//! Flags and numbers of libvirt's calls, by the call they belong to.

/// Which machines [`domains`](super::client::Connection::domains) lists.
pub mod list {
    /// That run.
    pub const ACTIVE: u32 = 1;
    /// That are off.
    pub const INACTIVE: u32 = 2;
    /// Whose definition outlives them.
    pub const PERSISTENT: u32 = 4;
    /// That are gone when they end.
    pub const TRANSIENT: u32 = 8;
    /// That are started with their host.
    pub const AUTOSTART: u32 = 1 << 10;
    /// That have snapshots.
    pub const HAS_SNAPSHOT: u32 = 1 << 12;
    /// That have checkpoints.
    pub const HAS_CHECKPOINT: u32 = 1 << 14;
}

/// Which figures [`all_stats`](super::client::Connection::all_stats) reads.
pub mod stats {
    /// State and reason.
    pub const STATE: u32 = 1;
    /// CPU time.
    pub const CPU_TOTAL: u32 = 2;
    /// Memory.
    pub const BALLOON: u32 = 4;
    /// Of each virtual CPU.
    pub const VCPU: u32 = 8;
    /// Of network interfaces.
    pub const INTERFACE: u32 = 16;
    /// Of disks.
    pub const BLOCK: u32 = 32;
}

/// Flags of [`all_stats`](super::client::Connection::all_stats); also those of [`list`] as filter.
pub mod all_stats {
    /// Leave out what cannot be had at once, because a job holds the machine.
    pub const NOWAIT: u32 = 1 << 29;
    /// Also the files below overlays.
    pub const BACKING: u32 = 1 << 30;
}

/// How a definition is read.
pub mod xml {
    /// With its secrets.
    pub const SECURE: u32 = 1;
    /// As it is at the next start.
    pub const INACTIVE: u32 = 2;
    /// As another host takes it.
    pub const MIGRATABLE: u32 = 8;
}

/// How a machine is started.
pub mod start {
    /// Paused.
    pub const PAUSED: u32 = 1;
    /// Without the memory that was saved.
    pub const FORCE_BOOT: u32 = 8;
}

/// How a guest is asked to end or to boot again.
pub mod shutdown {
    /// By the power button.
    pub const ACPI: u32 = 1;
    /// By its agent.
    pub const AGENT: u32 = 2;
}

/// How a machine is ended at once.
pub mod destroy {
    /// Without force: the emulator gets time to write its caches.
    pub const GRACEFUL: u32 = 1;
}

/// What is forgotten with a machine.
pub mod undefine {
    /// Its saved memory.
    pub const MANAGED_SAVE: u32 = 1;
    /// What is known of its snapshots.
    pub const SNAPSHOTS_METADATA: u32 = 2;
    /// Its firmware's variables.
    pub const NVRAM: u32 = 4;
    /// Not its firmware's variables.
    pub const KEEP_NVRAM: u32 = 8;
    /// What is known of its checkpoints.
    pub const CHECKPOINTS_METADATA: u32 = 16;
    /// Its TPM's state.
    pub const TPM: u32 = 32;
}

/// What a change of a device changes.
pub mod affect {
    /// What runs.
    pub const LIVE: u32 = 1;
    /// The definition.
    pub const CONFIG: u32 = 2;
}

/// How a console is opened.
pub mod console {
    /// Take it away from whoever has it.
    pub const FORCE: u32 = 1;
    /// Only where two at once are impossible.
    pub const SAFE: u32 = 2;
}

/// What a guest's agent is asked for.
pub mod guest {
    /// Who is logged in.
    pub const USERS: u32 = 1;
    /// Operating system.
    pub const OS: u32 = 2;
    /// Time zone.
    pub const TIMEZONE: u32 = 4;
    /// Name.
    pub const HOSTNAME: u32 = 8;
    /// File systems.
    pub const FILESYSTEM: u32 = 16;
}

/// How a snapshot is made.
pub mod snapshot_create {
    /// Only what is known of it is written.
    pub const REDEFINE: u32 = 1;
    /// It becomes the current one.
    pub const CURRENT: u32 = 2;
    /// Nothing is remembered of it.
    pub const NO_METADATA: u32 = 4;
    /// The machine is stopped afterwards.
    pub const HALT: u32 = 8;
    /// Disks only.
    pub const DISK_ONLY: u32 = 16;
    /// The files are there.
    pub const REUSE_EXT: u32 = 32;
    /// The guest's agent freezes its file systems.
    pub const QUIESCE: u32 = 64;
    /// All disks or none.
    pub const ATOMIC: u32 = 128;
    /// The guest runs while its memory is written.
    pub const LIVE: u32 = 256;
}

/// Which snapshots are listed.
pub mod snapshot_list {
    /// Inside of the disks' files.
    pub const INTERNAL: u32 = 1 << 8;
    /// In files of their own.
    pub const EXTERNAL: u32 = 1 << 9;
    /// Parents before children.
    pub const TOPOLOGICAL: u32 = 1 << 10;
}

/// How one goes back to a snapshot.
pub mod revert {
    /// It runs afterwards.
    pub const RUNNING: u32 = 1;
    /// It is paused afterwards.
    pub const PAUSED: u32 = 2;
    /// Although something is lost.
    pub const FORCE: u32 = 4;
}

/// What is deleted of a snapshot or a checkpoint.
pub mod delete {
    /// Its children as well.
    pub const CHILDREN: u32 = 1;
    /// Only what is known of it.
    pub const METADATA_ONLY: u32 = 2;
    /// Only its children.
    pub const CHILDREN_ONLY: u32 = 4;
}

/// How an overlay is merged into what is below.
pub mod commit {
    /// Only into the next one below.
    pub const SHALLOW: u32 = 1;
    /// Delete what was merged.
    pub const DELETE: u32 = 2;
    /// Of the active image: it is ready when told so, and changed over by ending the job.
    pub const ACTIVE: u32 = 4;
    /// Names stay relative.
    pub const RELATIVE: u32 = 8;
    /// The limit is bytes a second, not MiB.
    pub const BANDWIDTH_BYTES: u32 = 16;
}

/// How a disk is copied.
pub mod copy {
    /// Only the active image.
    pub const SHALLOW: u32 = 1;
    /// The file is there.
    pub const REUSE_EXT: u32 = 2;
    /// The job is gone when the machine ends: also for machines whose definition outlives them.
    pub const TRANSIENT_JOB: u32 = 4;
}

/// How a job on a disk is ended.
pub mod block_abort {
    /// Do not wait.
    pub const ASYNC: u32 = 1;
    /// Change over to the copy.
    pub const PIVOT: u32 = 2;
}

/// Which job is told of.
pub mod job {
    /// The last that ended.
    pub const COMPLETED: u32 = 1;
    /// And do not forget it.
    pub const KEEP_COMPLETED: u32 = 2;
}

/// How a machine moves.
pub mod migrate {
    /// While it runs.
    pub const LIVE: u32 = 1;
    /// The source's libvirt does all of it.
    pub const PEER2PEER: u32 = 1 << 1;
    /// Through libvirt's own connection.
    pub const TUNNELLED: u32 = 1 << 2;
    /// Define it on the target.
    pub const PERSIST_DEST: u32 = 1 << 3;
    /// Undefine it on the source.
    pub const UNDEFINE_SOURCE: u32 = 1 << 4;
    /// Paused on the target.
    pub const PAUSED: u32 = 1 << 5;
    /// With all of its disks.
    pub const NON_SHARED_DISK: u32 = 1 << 6;
    /// With the overlays of its disks.
    pub const NON_SHARED_INC: u32 = 1 << 7;
    /// Nobody changes it meanwhile.
    pub const CHANGE_PROTECTION: u32 = 1 << 8;
    /// Although the disks' caches may not be safe.
    pub const UNSAFE: u32 = 1 << 9;
    /// Only its definition.
    pub const OFFLINE: u32 = 1 << 10;
    /// Give up on an I/O error.
    pub const ABORT_ON_ERROR: u32 = 1 << 12;
    /// Slow the guest down until it fits.
    pub const AUTO_CONVERGE: u32 = 1 << 13;
}
