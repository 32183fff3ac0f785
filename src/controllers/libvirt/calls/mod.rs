//! The calls of libvirt that noctule makes, by what they are about. Each has the limit of its kind: what
//! only reads that of the connection, what changes something [`CHANGE`](super::client::CHANGE), what writes a
//! machine's memory or disks [`LONG`](super::client::LONG).

mod machine;
mod snapshot;
mod storage;
mod work;

use super::client::{Connection, What};
use super::error::Error;
use super::procs;
use super::wire::{NodeInfo, NodeStat};

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
