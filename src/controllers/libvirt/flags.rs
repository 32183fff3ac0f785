//! Flags of libvirt's calls, by the call they belong to: those that noctule gives, and those that its
//! simulated hosts tell apart.

/// How a hypervisor is opened.
pub mod open {
    /// To look only.
    pub const READ_ONLY: u32 = 1;
}

/// Which machines [`domains`](super::client::Connection::domains) lists: one of them that holds is enough
/// of those that belong together.
pub mod list {
    /// That run.
    pub const ACTIVE: u32 = 1;
    /// That are off.
    pub const INACTIVE: u32 = 1 << 1;
    /// Whose definition outlives them.
    pub const PERSISTENT: u32 = 1 << 2;
    /// That are gone when they end.
    pub const TRANSIENT: u32 = 1 << 3;
    /// Whose guest runs.
    pub const RUNNING: u32 = 1 << 4;
    /// That are paused.
    pub const PAUSED: u32 = 1 << 5;
    /// That are shut off.
    pub const SHUT_OFF: u32 = 1 << 6;
    /// In any other state.
    pub const OTHER: u32 = 1 << 7;
    /// Whose memory lies on disk.
    pub const MANAGED_SAVE: u32 = 1 << 8;
    /// Whose memory does not.
    pub const NO_MANAGED_SAVE: u32 = 1 << 9;
    /// That are started with their host.
    pub const AUTOSTART: u32 = 1 << 10;
    /// That are not.
    pub const NO_AUTOSTART: u32 = 1 << 11;
    /// That have snapshots.
    pub const HAS_SNAPSHOT: u32 = 1 << 12;
    /// That have none.
    pub const NO_SNAPSHOT: u32 = 1 << 13;
    /// That have checkpoints.
    pub const HAS_CHECKPOINT: u32 = 1 << 14;
    /// That have none.
    pub const NO_CHECKPOINT: u32 = 1 << 15;
}

/// Which figures [`all_stats`](super::client::Connection::all_stats) reads.
pub mod stats {
    /// State and reason.
    pub const STATE: u32 = 1;
    /// CPU time.
    pub const CPU_TOTAL: u32 = 1 << 1;
    /// Memory.
    pub const BALLOON: u32 = 1 << 2;
    /// Of each virtual CPU.
    pub const VCPU: u32 = 1 << 3;
    /// Of network interfaces.
    pub const INTERFACE: u32 = 1 << 4;
    /// Of disks.
    pub const BLOCK: u32 = 1 << 5;
}

/// Flags of [`all_stats`](super::client::Connection::all_stats).
pub mod all_stats {
    /// Those of [`list`](super::list) that choose by state: of which machines when none are named.
    pub const MACHINES: u32 = 0xff;
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
    pub const INACTIVE: u32 = 1 << 1;
}

/// How a machine is started.
pub mod start {
    /// Paused.
    pub const PAUSED: u32 = 1;
}

/// How a guest is asked to end or to boot again.
pub mod shutdown {
    /// By the power button.
    pub const ACPI: u32 = 1;
    /// By its agent.
    pub const AGENT: u32 = 1 << 1;
}

/// What is forgotten with a machine.
pub mod undefine {
    /// Its saved memory.
    pub const MANAGED_SAVE: u32 = 1;
    /// What is known of its snapshots.
    pub const SNAPSHOTS_METADATA: u32 = 1 << 1;
    /// Its firmware's variables.
    pub const NVRAM: u32 = 1 << 2;
    /// Not its firmware's variables.
    pub const KEEP_NVRAM: u32 = 1 << 3;
    /// What is known of its checkpoints.
    pub const CHECKPOINTS_METADATA: u32 = 1 << 4;
}

/// How a console is opened.
pub mod console {
    /// Take it away from whoever has it.
    pub const FORCE: u32 = 1;
}

/// How a snapshot is made.
pub mod snapshot_create {
    /// Nothing is remembered of it.
    pub const NO_METADATA: u32 = 1 << 2;
    /// The machine is stopped afterwards.
    pub const HALT: u32 = 1 << 3;
    /// Disks only.
    pub const DISK_ONLY: u32 = 1 << 4;
    /// All disks or none.
    pub const ATOMIC: u32 = 1 << 7;
}

/// Which snapshots of a machine are listed.
pub mod snapshot_list {
    /// Without a parent.
    pub const ROOTS: u32 = 1;
    /// Without a child.
    pub const LEAVES: u32 = 1 << 2;
    /// In files of their own.
    pub const EXTERNAL: u32 = 1 << 9;
}

/// How one goes back to a snapshot.
pub mod revert {
    /// It runs afterwards.
    pub const RUNNING: u32 = 1;
    /// It is paused afterwards.
    pub const PAUSED: u32 = 1 << 1;
}

/// How a checkpoint is read.
pub mod checkpoint_xml {
    /// Without the machine as it was then.
    pub const NO_DOMAIN: u32 = 1 << 1;
}

/// What is deleted of a snapshot or a checkpoint.
pub mod delete {
    /// Its children as well.
    pub const CHILDREN: u32 = 1;
    /// Only what is known of it.
    pub const METADATA_ONLY: u32 = 1 << 1;
}

/// How an overlay is merged into what is below.
pub mod commit {
    /// Only into the next one below.
    pub const SHALLOW: u32 = 1;
    /// Delete what was merged.
    pub const DELETE: u32 = 1 << 1;
    /// Of the active image: it is ready when told so, and changed over by ending the job.
    pub const ACTIVE: u32 = 1 << 2;
}

/// How a job on a disk is ended.
pub mod block_abort {
    /// Change over to what it made.
    pub const PIVOT: u32 = 1 << 1;
}

/// Which job is told of.
pub mod job {
    /// The last that ended.
    pub const COMPLETED: u32 = 1;
    /// And do not forget it.
    pub const KEEP_COMPLETED: u32 = 1 << 1;
}

/// How a machine moves.
pub mod migrate {
    /// While it runs.
    pub const LIVE: u32 = 1;
    /// The source's libvirt does all of it.
    pub const PEER2PEER: u32 = 1 << 1;
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
    /// Although libvirt cannot tell that its disks are safe.
    pub const UNSAFE: u32 = 1 << 9;
    /// Give up on an I/O error.
    pub const ABORT_ON_ERROR: u32 = 1 << 12;
    /// Slow the guest down until it fits.
    pub const AUTO_CONVERGE: u32 = 1 << 13;
}
