//! The calls of libvirt that noctule makes, by what they do. Each has the limit of its kind: what
//! only reads that of the connection, what changes something [`CHANGE`], what writes a machine's
//! memory or disks [`LONG`].

use bytes::Bytes;

use super::client::{CHANGE, Connection, LONG, What};
use super::error::Error;
use super::procs;
use super::stream::Stream;
use super::wire::{
    BlockInfo, BlockJobInfo, Checkpoint, Domain, DomainInfo, GuestInterface, NodeInfo, NodeStat, Param, Params, Pool,
    PoolInfo, SendKey, Snapshot, StatsRecord, Volume, VolumeInfo,
};

/// The most bytes of a picture of a screen.
const MOST_PICTURE: usize = 64 << 20;

/// Result of a call.
type Told<T> = Result<T, Error>;

/// The host.
impl Connection {
    /// The host's own name.
    pub async fn hostname(&self) -> Told<String> {
        self.call(&procs::CONNECT_GET_HOSTNAME, &(), What("read the host's name", ""), self.read).await
    }

    /// Version of libvirt: major * 1,000,000 + minor * 1,000 + release.
    pub async fn lib_version(&self) -> Told<u64> {
        self.call(&procs::CONNECT_GET_LIB_VERSION, &(), What("read the version", ""), self.read).await
    }

    /// Version of the hypervisor, in the same form.
    pub async fn version(&self) -> Told<u64> {
        self.call(&procs::CONNECT_GET_VERSION, &(), What("read the hypervisor's version", ""), self.read).await
    }

    /// Capabilities, as XML. The host's UUID is in it.
    pub async fn capabilities(&self) -> Told<String> {
        self.call(&procs::CONNECT_GET_CAPABILITIES, &(), What("read capabilities", ""), self.read).await
    }

    /// What machines can be here, as XML.
    pub async fn domain_capabilities(
        &self,
        emulator: Option<&str>,
        arch: Option<&str>,
        machine: Option<&str>,
        virt_type: Option<&str>,
    ) -> Told<String> {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let args = (text(emulator), text(arch), text(machine), text(virt_type), 0);
        let what = What("read what machines can be", "");
        self.call(&procs::CONNECT_GET_DOMAIN_CAPABILITIES, &args, what, self.read).await
    }

    /// Hardware.
    pub async fn node_info(&self) -> Told<NodeInfo> {
        self.call(&procs::NODE_GET_INFO, &(), What("read the hardware", ""), self.read).await
    }

    /// CPU time of all CPUs, ns: `kernel`, `user`, `idle`, `iowait`.
    pub async fn node_cpu_stats(&self) -> Told<Vec<NodeStat>> {
        let what = What("read CPU figures", "");
        // It takes the exact number of figures only, and tells it when it is asked for none.
        let (_, count) = self.call(&procs::NODE_GET_CPU_STATS, &(-1, 0, 0), what, self.read).await?;
        Ok(self.call(&procs::NODE_GET_CPU_STATS, &(-1, count, 0), what, self.read).await?.0)
    }

    /// Memory, KiB: `total`, `free`, `buffers`, `cached`.
    pub async fn node_memory_stats(&self) -> Told<Vec<NodeStat>> {
        let what = What("read memory figures", "");
        let (_, count) = self.call(&procs::NODE_GET_MEMORY_STATS, &(0, -1, 0), what, self.read).await?;
        Ok(self.call(&procs::NODE_GET_MEMORY_STATS, &(count, -1, 0), what, self.read).await?.0)
    }

    /// Free memory, bytes.
    pub async fn free_memory(&self) -> Told<u64> {
        self.call(&procs::NODE_GET_FREE_MEMORY, &(), What("read the free memory", ""), self.read).await
    }

    /// Compares a `<cpu>` with the host's: 0 incompatible, 1 identical, 2 superset.
    pub async fn compare_cpu(&self, xml: &str) -> Told<i32> {
        self.call(&procs::CONNECT_COMPARE_CPU, &(xml.to_owned(), 0), What("compare CPUs", ""), self.read).await
    }

    /// Compares a `<cpu>` with what the hypervisor can: 0 incompatible, 1 identical, 2 superset.
    pub async fn compare_hypervisor_cpu(
        &self,
        emulator: Option<&str>,
        arch: Option<&str>,
        machine: Option<&str>,
        virt_type: Option<&str>,
        xml: &str,
    ) -> Told<i32> {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let args = (text(emulator), text(arch), text(machine), text(virt_type), xml.to_owned(), 0);
        self.call(&procs::CONNECT_COMPARE_HYPERVISOR_CPU, &args, What("compare CPUs", ""), self.read).await
    }
}

/// Machines: what is known of them.
impl Connection {
    /// All machines ([`super::flags::list`] chooses; 0: all).
    pub async fn domains(&self, flags: u32) -> Told<Vec<Domain>> {
        Ok(self.call(&procs::CONNECT_LIST_ALL_DOMAINS, &(true, flags), What("list machines", ""), self.read).await?.0)
    }

    /// A machine by its name.
    pub async fn domain(&self, name: &str) -> Told<Domain> {
        self.call(&procs::DOMAIN_LOOKUP_BY_NAME, &name.to_owned(), What("find", name), self.read).await
    }

    /// A machine by its UUID.
    pub async fn domain_by_uuid(&self, uuid: [u8; 16]) -> Told<Domain> {
        let text = uuid::Uuid::from_bytes(uuid).to_string();
        self.call(&procs::DOMAIN_LOOKUP_BY_UUID, &uuid, What("find", &text), self.read).await
    }

    /// All figures of these machines, or of all when there are none: which ([`super::flags::stats`];
    /// 0: all), flags ([`super::flags::all_stats`]).
    pub async fn all_stats(&self, domains: &[Domain], stats: u32, flags: u32) -> Told<Vec<StatsRecord>> {
        let args = (domains.to_vec(), stats, flags);
        self.call(&procs::CONNECT_GET_ALL_DOMAIN_STATS, &args, What("read figures", ""), self.read).await
    }

    /// Basic figures.
    pub async fn info(&self, domain: &Domain) -> Told<DomainInfo> {
        self.call(&procs::DOMAIN_GET_INFO, domain, What("read", &domain.name), self.read).await
    }

    /// State and reason (`virDomainState`, and its reasons).
    pub async fn state(&self, domain: &Domain) -> Told<(i32, i32)> {
        let args = (domain.clone(), 0);
        self.call(&procs::DOMAIN_GET_STATE, &args, What("read the state of", &domain.name), self.read).await
    }

    /// Definition ([`super::flags::xml`]).
    pub async fn xml(&self, domain: &Domain, flags: u32) -> Told<String> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_GET_XML_DESC, &args, What("read the definition of", &domain.name), self.read).await
    }

    /// Whether its definition outlives it.
    pub async fn is_persistent(&self, domain: &Domain) -> Told<bool> {
        self.call(&procs::DOMAIN_IS_PERSISTENT, domain, What("read", &domain.name), self.read).await
    }

    /// Whether it runs.
    pub async fn is_active(&self, domain: &Domain) -> Told<bool> {
        self.call(&procs::DOMAIN_IS_ACTIVE, domain, What("read", &domain.name), self.read).await
    }

    /// Whether it is started with its host.
    pub async fn autostart(&self, domain: &Domain) -> Told<bool> {
        self.call(&procs::DOMAIN_GET_AUTOSTART, domain, What("read autostart of", &domain.name), self.read).await
    }

    /// Addresses of its guest: whom to ask (0 leases, 1 agent, 2 ARP).
    pub async fn addresses(&self, domain: &Domain, whom: u32) -> Told<Vec<GuestInterface>> {
        let args = (domain.clone(), whom, 0);
        let what = What("read the addresses of", &domain.name);
        self.call(&procs::DOMAIN_INTERFACE_ADDRESSES, &args, what, self.read).await
    }

    /// What its guest's agent tells ([`super::flags::guest`]; 0: all).
    pub async fn guest_info(&self, domain: &Domain, what: u32) -> Told<Params> {
        let args = (domain.clone(), what, 0);
        self.call(&procs::DOMAIN_GET_GUEST_INFO, &args, What("ask the agent of", &domain.name), CHANGE).await
    }

    /// What libvirt has to say of it (tainted …).
    pub async fn messages(&self, domain: &Domain) -> Told<Vec<String>> {
        let args = (domain.clone(), 0);
        self.call(&procs::DOMAIN_GET_MESSAGES, &args, What("read", &domain.name), self.read).await
    }

    /// Size of a disk: its target or path.
    pub async fn block_info(&self, domain: &Domain, disk: &str) -> Told<BlockInfo> {
        let args = (domain.clone(), disk.to_owned(), 0);
        self.call(&procs::DOMAIN_GET_BLOCK_INFO, &args, What("read a disk of", &domain.name), self.read).await
    }

    /// A piece of the definition (kind 0 description, 1 title, 2 an element of a namespace).
    pub async fn metadata(&self, domain: &Domain, kind: i32, namespace: Option<&str>, flags: u32) -> Told<String> {
        let args = (domain.clone(), kind, namespace.map(str::to_owned), flags);
        self.call(&procs::DOMAIN_GET_METADATA, &args, What("read metadata of", &domain.name), self.read).await
    }

    /// A command of QEMU's monitor, as JSON: queries only (anything else taints the machine).
    pub async fn monitor(&self, domain: &Domain, json: &str) -> Told<String> {
        let args = (domain.clone(), json.to_owned(), 0);
        self.call(&procs::QEMU_MONITOR_COMMAND, &args, What("ask the monitor of", &domain.name), self.read).await
    }
}

/// Machines: what is done to them.
impl Connection {
    /// Starts it ([`super::flags::start`]); the machine with its new number.
    pub async fn start_domain(&self, domain: &Domain, flags: u32) -> Told<Domain> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_CREATE_WITH_FLAGS, &args, What("start", &domain.name), LONG).await
    }

    /// Asks its guest to end ([`super::flags::shutdown`]; 0: libvirt chooses). A guest may not listen.
    pub async fn shutdown(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_SHUTDOWN_FLAGS, &args, What("shut down", &domain.name), CHANGE).await
    }

    /// Ends it at once; flags 1: without force.
    pub async fn destroy(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_DESTROY_FLAGS, &args, What("force off", &domain.name), CHANGE).await
    }

    /// Asks its guest to boot again ([`super::flags::shutdown`]).
    pub async fn reboot(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_REBOOT, &args, What("reboot", &domain.name), CHANGE).await
    }

    /// Presses its reset button.
    pub async fn reset(&self, domain: &Domain) -> Told<()> {
        self.call(&procs::DOMAIN_RESET, &(domain.clone(), 0), What("reset", &domain.name), CHANGE).await
    }

    /// Pauses it.
    pub async fn suspend(&self, domain: &Domain) -> Told<()> {
        self.call(&procs::DOMAIN_SUSPEND, domain, What("pause", &domain.name), CHANGE).await
    }

    /// Lets it run on.
    pub async fn resume(&self, domain: &Domain) -> Told<()> {
        self.call(&procs::DOMAIN_RESUME, domain, What("resume", &domain.name), CHANGE).await
    }

    /// Sends a non-maskable interrupt.
    pub async fn inject_nmi(&self, domain: &Domain) -> Told<()> {
        let args = (domain.clone(), 0);
        self.call(&procs::DOMAIN_INJECT_NMI, &args, What("send an interrupt to", &domain.name), CHANGE).await
    }

    /// Presses keys at once: Linux key codes, at most 16, held so many milliseconds (0: the
    /// hypervisor chooses).
    pub async fn send_key(&self, domain: &Domain, keys: &[u32], hold_ms: u32) -> Told<()> {
        let args = SendKey { domain: domain.clone(), codeset: 0, hold_ms, keys: keys.to_vec(), flags: 0 };
        self.call(&procs::DOMAIN_SEND_KEY, &args, What("send keys to", &domain.name), CHANGE).await
    }

    /// Whether it is to be started with its host.
    pub async fn set_autostart(&self, domain: &Domain, on: bool) -> Told<()> {
        let args = (domain.clone(), on);
        self.call(&procs::DOMAIN_SET_AUTOSTART, &args, What("set autostart of", &domain.name), CHANGE).await
    }

    /// Defines a machine; flags 1: check it against the schema.
    pub async fn define(&self, xml: &str, flags: u32) -> Told<Domain> {
        let args = (xml.to_owned(), flags);
        self.call(&procs::DOMAIN_DEFINE_XML_FLAGS, &args, What("define a machine", ""), CHANGE).await
    }

    /// Forgets a machine ([`super::flags::undefine`]).
    pub async fn undefine(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_UNDEFINE_FLAGS, &args, What("undefine", &domain.name), CHANGE).await
    }

    /// Gives a machine that is off, and has no snapshots, another name.
    pub async fn rename(&self, domain: &Domain, name: &str) -> Told<()> {
        let args = (domain.clone(), Some(name.to_owned()), 0);
        self.call(&procs::DOMAIN_RENAME, &args, What("rename", &domain.name), CHANGE).await.map(drop)
    }

    /// Changes a device ([`super::flags::affect`]).
    pub async fn update_device(&self, domain: &Domain, xml: &str, flags: u32) -> Told<()> {
        let args = (domain.clone(), xml.to_owned(), flags);
        self.call(&procs::DOMAIN_UPDATE_DEVICE_FLAGS, &args, What("change a device of", &domain.name), CHANGE).await
    }

    /// Adds a device ([`super::flags::affect`]).
    pub async fn attach_device(&self, domain: &Domain, xml: &str, flags: u32) -> Told<()> {
        let args = (domain.clone(), xml.to_owned(), flags);
        self.call(&procs::DOMAIN_ATTACH_DEVICE_FLAGS, &args, What("add a device to", &domain.name), CHANGE).await
    }

    /// Writes a piece of the definition (kind 0 description, 1 title, 2 an element of a namespace).
    pub async fn set_metadata(
        &self,
        domain: &Domain,
        kind: i32,
        text: Option<&str>,
        key_and_namespace: Option<(&str, &str)>,
        flags: u32,
    ) -> Told<()> {
        let (key, namespace) = key_and_namespace.map(|(k, n)| (k.to_owned(), n.to_owned())).unzip();
        let args = (domain.clone(), kind, text.map(str::to_owned), key, namespace, flags);
        self.call(&procs::DOMAIN_SET_METADATA, &args, What("write metadata of", &domain.name), CHANGE).await
    }

    /// Freezes its guest's file systems (its agent has to run); how many.
    pub async fn freeze(&self, domain: &Domain) -> Told<i32> {
        let args = (domain.clone(), Vec::new(), 0);
        self.call(&procs::DOMAIN_FSFREEZE, &args, What("freeze the file systems of", &domain.name), CHANGE).await
    }

    /// Thaws its guest's file systems; how many.
    pub async fn thaw(&self, domain: &Domain) -> Told<i32> {
        let args = (domain.clone(), Vec::new(), 0);
        self.call(&procs::DOMAIN_FSTHAW, &args, What("thaw the file systems of", &domain.name), CHANGE).await
    }

    /// Opens a console: the alias of its device (none: the first), flags
    /// ([`super::flags::console`]). The connection should be for this alone.
    pub async fn console(&self, domain: &Domain, device: Option<&str>, flags: u32) -> Told<Stream> {
        let args = (domain.clone(), device.map(str::to_owned), flags);
        let what = What("open the console of", &domain.name);
        Ok(self.open_stream(&procs::DOMAIN_OPEN_CONSOLE, &args, what, CHANGE).await?.1)
    }

    /// A picture of a screen: its media type (`image/png`, `image/x-portable-pixmap`), and its bytes.
    pub async fn screenshot(&self, domain: &Domain, screen: u32) -> Told<(String, Vec<u8>)> {
        let args = (domain.clone(), screen, 0);
        let what = What("take a picture of", &domain.name);
        let (kind, stream) = self.open_stream(&procs::DOMAIN_SCREENSHOT, &args, what, CHANGE).await?;
        Ok((kind.unwrap_or_default(), stream.read_all(MOST_PICTURE).await?))
    }
}

/// Snapshots, checkpoints and backups.
impl Connection {
    /// All snapshots ([`super::flags::snapshot_list`]; 0: all).
    pub async fn snapshots(&self, domain: &Domain, flags: u32) -> Told<Vec<Snapshot>> {
        let args = (domain.clone(), true, flags);
        let what = What("list snapshots of", &domain.name);
        Ok(self.call(&procs::DOMAIN_LIST_ALL_SNAPSHOTS, &args, what, self.read).await?.0)
    }

    /// How many snapshots there are.
    pub async fn snapshot_count(&self, domain: &Domain) -> Told<u32> {
        let args = (domain.clone(), false, 0);
        let what = What("count snapshots of", &domain.name);
        let count = self.call(&procs::DOMAIN_LIST_ALL_SNAPSHOTS, &args, what, self.read).await?.1;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    /// Definition of a snapshot.
    pub async fn snapshot_xml(&self, snapshot: &Snapshot) -> Told<String> {
        let args = (snapshot.clone(), 0);
        let what = What("read snapshot", &snapshot.name);
        self.call(&procs::DOMAIN_SNAPSHOT_GET_XML_DESC, &args, what, self.read).await
    }

    /// A snapshot by its name.
    pub async fn snapshot(&self, domain: &Domain, name: &str) -> Told<Snapshot> {
        let args = (domain.clone(), name.to_owned(), 0);
        self.call(&procs::DOMAIN_SNAPSHOT_LOOKUP_BY_NAME, &args, What("find snapshot", name), self.read).await
    }

    /// The current snapshot, when there is one.
    pub async fn current_snapshot(&self, domain: &Domain) -> Told<Option<Snapshot>> {
        let args = (domain.clone(), 0);
        let what = What("read the current snapshot of", &domain.name);
        if !self.call(&procs::DOMAIN_HAS_CURRENT_SNAPSHOT, &args, what, self.read).await? {
            return Ok(None);
        }
        self.call(&procs::DOMAIN_SNAPSHOT_CURRENT, &args, what, self.read).await.map(Some)
    }

    /// The snapshot before it; `None` for the first.
    pub async fn snapshot_parent(&self, snapshot: &Snapshot) -> Told<Option<Snapshot>> {
        let args = (snapshot.clone(), 0);
        let what = What("read the parent of snapshot", &snapshot.name);
        match self.call(&procs::DOMAIN_SNAPSHOT_GET_PARENT, &args, what, self.read).await {
            Err(e) if e.kind() == Some(super::error::RemoteKind::NoSnapshot) => Ok(None),
            told => told.map(Some),
        }
    }

    /// Makes a snapshot ([`super::flags::snapshot_create`]).
    pub async fn create_snapshot(&self, domain: &Domain, xml: &str, flags: u32) -> Told<Snapshot> {
        let args = (domain.clone(), xml.to_owned(), flags);
        self.call(&procs::DOMAIN_SNAPSHOT_CREATE_XML, &args, What("make a snapshot of", &domain.name), LONG).await
    }

    /// Goes back to a snapshot ([`super::flags::revert`]).
    pub async fn revert(&self, snapshot: &Snapshot, flags: u32) -> Told<()> {
        let args = (snapshot.clone(), flags);
        self.call(&procs::DOMAIN_REVERT_TO_SNAPSHOT, &args, What("go back to snapshot", &snapshot.name), LONG).await
    }

    /// Deletes a snapshot ([`super::flags::delete`]).
    pub async fn delete_snapshot(&self, snapshot: &Snapshot, flags: u32) -> Told<()> {
        let args = (snapshot.clone(), flags);
        self.call(&procs::DOMAIN_SNAPSHOT_DELETE, &args, What("delete snapshot", &snapshot.name), LONG).await
    }

    /// All checkpoints.
    pub async fn checkpoints(&self, domain: &Domain) -> Told<Vec<Checkpoint>> {
        let args = (domain.clone(), true, 0);
        let what = What("list checkpoints of", &domain.name);
        Ok(self.call(&procs::DOMAIN_LIST_ALL_CHECKPOINTS, &args, what, self.read).await?.0)
    }

    /// Definition of a checkpoint.
    pub async fn checkpoint_xml(&self, checkpoint: &Checkpoint) -> Told<String> {
        let args = (checkpoint.clone(), 0);
        let what = What("read checkpoint", &checkpoint.name);
        self.call(&procs::DOMAIN_CHECKPOINT_GET_XML_DESC, &args, what, self.read).await
    }

    /// A checkpoint by its name.
    pub async fn checkpoint(&self, domain: &Domain, name: &str) -> Told<Checkpoint> {
        let args = (domain.clone(), name.to_owned(), 0);
        self.call(&procs::DOMAIN_CHECKPOINT_LOOKUP_BY_NAME, &args, What("find checkpoint", name), self.read).await
    }

    /// Makes a checkpoint.
    pub async fn create_checkpoint(&self, domain: &Domain, xml: &str, flags: u32) -> Told<Checkpoint> {
        let args = (domain.clone(), xml.to_owned(), flags);
        self.call(&procs::DOMAIN_CHECKPOINT_CREATE_XML, &args, What("make a checkpoint of", &domain.name), LONG).await
    }

    /// Deletes a checkpoint ([`super::flags::delete`]).
    pub async fn delete_checkpoint(&self, checkpoint: &Checkpoint, flags: u32) -> Told<()> {
        let args = (checkpoint.clone(), flags);
        self.call(&procs::DOMAIN_CHECKPOINT_DELETE, &args, What("delete checkpoint", &checkpoint.name), LONG).await
    }

    /// Begins a backup, with a checkpoint when its XML is given; flags 1: the target file is there.
    pub async fn begin_backup(&self, domain: &Domain, xml: &str, checkpoint: Option<&str>, flags: u32) -> Told<()> {
        let args = (domain.clone(), xml.to_owned(), checkpoint.map(str::to_owned), flags);
        self.call(&procs::DOMAIN_BACKUP_BEGIN, &args, What("begin a backup of", &domain.name), LONG).await
    }

    /// The backup that runs, as XML; `None` when none does.
    pub async fn backup_xml(&self, domain: &Domain) -> Told<Option<String>> {
        let args = (domain.clone(), 0);
        let what = What("read the backup of", &domain.name);
        match self.call(&procs::DOMAIN_BACKUP_GET_XML_DESC, &args, what, self.read).await {
            Err(e) if e.kind() == Some(super::error::RemoteKind::NoBackup) => Ok(None),
            told => told.map(Some),
        }
    }
}

/// Jobs.
impl Connection {
    /// The job of a machine: its kind (0: none), and figures ([`super::flags::job`]).
    pub async fn job(&self, domain: &Domain, flags: u32) -> Told<(i32, Params)> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_GET_JOB_STATS, &args, What("read the job of", &domain.name), self.read).await
    }

    /// Breaks the job of a machine off.
    pub async fn abort_job(&self, domain: &Domain) -> Told<()> {
        self.call(&procs::DOMAIN_ABORT_JOB, domain, What("cancel the job of", &domain.name), CHANGE).await
    }

    /// Merges an overlay into what is below: target, base (none: the end of the chain), top (none: the
    /// active image), limit (0: none), flags ([`super::flags::commit`]).
    pub async fn block_commit(
        &self,
        domain: &Domain,
        disk: &str,
        base: Option<&str>,
        top: Option<&str>,
        limit: u64,
        flags: u32,
    ) -> Told<()> {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let args = (domain.clone(), disk.to_owned(), text(base), text(top), limit, flags);
        self.call(&procs::DOMAIN_BLOCK_COMMIT, &args, What("commit a disk of", &domain.name), CHANGE).await
    }

    /// Copies a disk: target, XML of the destination, parameters (`bandwidth` in bytes a second,
    /// `granularity`, `buf-size`), flags ([`super::flags::copy`]).
    pub async fn block_copy(&self, domain: &Domain, disk: &str, xml: &str, params: &[Param], flags: u32) -> Told<()> {
        let args = (domain.clone(), disk.to_owned(), xml.to_owned(), params.to_vec(), flags);
        self.call(&procs::DOMAIN_BLOCK_COPY, &args, What("copy a disk of", &domain.name), CHANGE).await
    }

    /// The job on a disk; `None`: there is none.
    pub async fn block_job(&self, domain: &Domain, disk: &str) -> Told<Option<BlockJobInfo>> {
        let args = (domain.clone(), disk.to_owned(), 1);
        let what = What("read the block job of", &domain.name);
        let told = self.call(&procs::DOMAIN_GET_BLOCK_JOB_INFO, &args, what, self.read).await?;
        Ok(told.found.then_some(told))
    }

    /// Ends the job on a disk ([`super::flags::block_abort`]: 2 changes over to the copy).
    pub async fn abort_block_job(&self, domain: &Domain, disk: &str, flags: u32) -> Told<()> {
        let args = (domain.clone(), disk.to_owned(), flags);
        self.call(&procs::DOMAIN_BLOCK_JOB_ABORT, &args, What("end the block job of", &domain.name), LONG).await
    }

    /// Limits the job on a disk, bytes a second (0: no limit).
    pub async fn limit_block_job(&self, domain: &Domain, disk: &str, bytes_per_s: u64) -> Told<()> {
        let args = (domain.clone(), disk.to_owned(), bytes_per_s, 1);
        self.call(&procs::DOMAIN_BLOCK_JOB_SET_SPEED, &args, What("limit the block job of", &domain.name), CHANGE).await
    }

    /// Most that a migration sends, MiB a second.
    pub async fn set_migration_speed(&self, domain: &Domain, mib_per_s: u64) -> Told<()> {
        let args = (domain.clone(), mib_per_s, 0);
        self.call(&procs::DOMAIN_MIGRATE_SET_MAX_SPEED, &args, What("limit the migration of", &domain.name), CHANGE)
            .await
    }

    /// How long a migrating machine may stand still, ms.
    pub async fn set_migration_downtime(&self, domain: &Domain, ms: u64) -> Told<()> {
        let args = (domain.clone(), ms, 0);
        let what = What("set the downtime of", &domain.name);
        self.call(&procs::DOMAIN_MIGRATE_SET_MAX_DOWNTIME, &args, what, CHANGE).await
    }
}

/// Storage.
impl Connection {
    /// All pools; flags 2: that run.
    pub async fn pools(&self, flags: u32) -> Told<Vec<Pool>> {
        let args = (true, flags);
        Ok(self.call(&procs::CONNECT_LIST_ALL_STORAGE_POOLS, &args, What("list pools", ""), self.read).await?.0)
    }

    /// A pool by its name.
    pub async fn pool(&self, name: &str) -> Told<Pool> {
        self.call(&procs::STORAGE_POOL_LOOKUP_BY_NAME, &name.to_owned(), What("find pool", name), self.read).await
    }

    /// The pool of a folder.
    pub async fn pool_by_path(&self, path: &str) -> Told<Pool> {
        let procedure = &procs::STORAGE_POOL_LOOKUP_BY_TARGET_PATH;
        self.call(procedure, &path.to_owned(), What("find the pool of", path), self.read).await
    }

    /// Figures of a pool.
    pub async fn pool_info(&self, pool: &Pool) -> Told<PoolInfo> {
        self.call(&procs::STORAGE_POOL_GET_INFO, pool, What("read pool", &pool.name), self.read).await
    }

    /// Definition of a pool.
    pub async fn pool_xml(&self, pool: &Pool) -> Told<String> {
        let args = (pool.clone(), 0);
        self.call(&procs::STORAGE_POOL_GET_XML_DESC, &args, What("read pool", &pool.name), self.read).await
    }

    /// Makes a pool that is gone with the daemon (a folder, for the time of an operation).
    pub async fn create_pool(&self, xml: &str) -> Told<Pool> {
        let args = (xml.to_owned(), 0);
        self.call(&procs::STORAGE_POOL_CREATE_XML, &args, What("make a pool", ""), CHANGE).await
    }

    /// Ends a pool; its volumes stay.
    pub async fn destroy_pool(&self, pool: &Pool) -> Told<()> {
        self.call(&procs::STORAGE_POOL_DESTROY, pool, What("end pool", &pool.name), CHANGE).await
    }

    /// Looks for the volumes of a pool anew.
    pub async fn refresh_pool(&self, pool: &Pool) -> Told<()> {
        let args = (pool.clone(), 0);
        self.call(&procs::STORAGE_POOL_REFRESH, &args, What("refresh pool", &pool.name), CHANGE).await
    }

    /// All volumes of a pool.
    pub async fn volumes(&self, pool: &Pool) -> Told<Vec<Volume>> {
        let args = (pool.clone(), true, 0);
        let what = What("list volumes of", &pool.name);
        Ok(self.call(&procs::STORAGE_POOL_LIST_ALL_VOLUMES, &args, what, self.read).await?.0)
    }

    /// A volume of a pool by its name.
    pub async fn volume(&self, pool: &Pool, name: &str) -> Told<Volume> {
        let args = (pool.clone(), name.to_owned());
        self.call(&procs::STORAGE_VOL_LOOKUP_BY_NAME, &args, What("find volume", name), self.read).await
    }

    /// A volume by its path: only in pools that run.
    pub async fn volume_by_path(&self, path: &str) -> Told<Volume> {
        self.call(&procs::STORAGE_VOL_LOOKUP_BY_PATH, &path.to_owned(), What("find volume", path), self.read).await
    }

    /// Path of a volume.
    pub async fn volume_path(&self, volume: &Volume) -> Told<String> {
        self.call(&procs::STORAGE_VOL_GET_PATH, volume, What("read volume", &volume.name), self.read).await
    }

    /// Figures of a volume.
    pub async fn volume_info(&self, volume: &Volume) -> Told<VolumeInfo> {
        self.call(&procs::STORAGE_VOL_GET_INFO, volume, What("read volume", &volume.name), self.read).await
    }

    /// Definition of a volume (format, backing file).
    pub async fn volume_xml(&self, volume: &Volume) -> Told<String> {
        let args = (volume.clone(), 0);
        self.call(&procs::STORAGE_VOL_GET_XML_DESC, &args, What("read volume", &volume.name), self.read).await
    }

    /// Makes a volume.
    pub async fn create_volume(&self, pool: &Pool, xml: &str, flags: u32) -> Told<Volume> {
        let args = (pool.clone(), xml.to_owned(), flags);
        self.call(&procs::STORAGE_VOL_CREATE_XML, &args, What("make a volume in", &pool.name), LONG).await
    }

    /// Deletes a volume.
    pub async fn delete_volume(&self, volume: &Volume) -> Told<()> {
        let args = (volume.clone(), 0);
        self.call(&procs::STORAGE_VOL_DELETE, &args, What("delete volume", &volume.name), CHANGE).await
    }

    /// The bytes of a volume: offset, length (0: to its end).
    pub async fn download(&self, volume: &Volume, offset: u64, length: u64) -> Told<Stream> {
        let args = (volume.clone(), offset, length, 0);
        let what = What("read volume", &volume.name);
        Ok(self.open_stream(&procs::STORAGE_VOL_DOWNLOAD, &args, what, CHANGE).await?.1)
    }

    /// Writes the bytes of a volume: offset, length (0: as many as come).
    pub async fn upload(&self, volume: &Volume, offset: u64, length: u64) -> Told<Stream> {
        let args = (volume.clone(), offset, length, 0);
        let what = What("write volume", &volume.name);
        Ok(self.open_stream(&procs::STORAGE_VOL_UPLOAD, &args, what, CHANGE).await?.1)
    }

    /// Writes a small file as a volume, all of it.
    pub async fn upload_all(&self, volume: &Volume, bytes: &[u8]) -> Told<()> {
        let mut stream = self.upload(volume, 0, bytes.len() as u64).await?;
        stream.write(Bytes::copy_from_slice(bytes)).await?;
        stream.finish().await
    }
}
