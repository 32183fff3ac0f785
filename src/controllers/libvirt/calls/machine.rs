//! Machines: what is known of them, and what is done to them.

use super::super::client::{CHANGE, Connection, LONG, What};
use super::super::procs;
use super::super::stream::Stream;
use super::super::wire::{BlockInfo, Domain, DomainInfo, GuestInterface, SendKey, StatsRecord, uuid_text};
use super::Told;

/// The most bytes of a picture of a screen.
const MOST_PICTURE: usize = 64 << 20;

/// Machines: what is known of them.
impl Connection {
    /// All machines ([`super::super::flags::list`] chooses; 0: all).
    pub async fn domains(&self, flags: u32) -> Told<Vec<Domain>> {
        Ok(self.call(&procs::CONNECT_LIST_ALL_DOMAINS, &(true, flags), What("list machines", ""), self.read).await?.0)
    }

    /// A machine by its name.
    pub async fn domain(&self, name: &str) -> Told<Domain> {
        self.call(&procs::DOMAIN_LOOKUP_BY_NAME, &name.to_owned(), What("find", name), self.read).await
    }

    /// A machine by its UUID.
    pub async fn domain_by_uuid(&self, uuid: [u8; 16]) -> Told<Domain> {
        self.call(&procs::DOMAIN_LOOKUP_BY_UUID, &uuid, What("find", &uuid_text(&uuid)), self.read).await
    }

    /// All figures of these machines, or of all when there are none: which ([`super::super::flags::stats`];
    /// 0: all), flags ([`super::super::flags::all_stats`]).
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

    /// Definition ([`super::super::flags::xml`]).
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
    /// Starts it ([`super::super::flags::start`]); the machine with its new number.
    pub async fn start_domain(&self, domain: &Domain, flags: u32) -> Told<Domain> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_CREATE_WITH_FLAGS, &args, What("start", &domain.name), LONG).await
    }

    /// Asks its guest to end ([`super::super::flags::shutdown`]; 0: libvirt chooses). A guest may not listen.
    pub async fn shutdown(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_SHUTDOWN_FLAGS, &args, What("shut down", &domain.name), CHANGE).await
    }

    /// Ends it at once; flags 1: without force.
    pub async fn destroy(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_DESTROY_FLAGS, &args, What("force off", &domain.name), CHANGE).await
    }

    /// Asks its guest to boot again ([`super::super::flags::shutdown`]).
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

    /// Forgets a machine ([`super::super::flags::undefine`]).
    pub async fn undefine(&self, domain: &Domain, flags: u32) -> Told<()> {
        let args = (domain.clone(), flags);
        self.call(&procs::DOMAIN_UNDEFINE_FLAGS, &args, What("undefine", &domain.name), CHANGE).await
    }

    /// Gives a machine that is off, and has no snapshots, another name.
    pub async fn rename(&self, domain: &Domain, name: &str) -> Told<()> {
        let args = (domain.clone(), Some(name.to_owned()), 0);
        self.call(&procs::DOMAIN_RENAME, &args, What("rename", &domain.name), CHANGE).await.map(drop)
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
    /// ([`super::super::flags::console`]). The connection should be for this alone.
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
