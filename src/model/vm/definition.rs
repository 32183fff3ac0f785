//! What the XML of a machine says, as far as noctule acts on it (format: libvirt's domain XML).

/// A machine as it is defined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Definition {
    /// `kvm`, `qemu`, `test` …
    pub virt_type: String,
    /// Name, unique on its host.
    pub name: String,
    /// UUID with dashes, lower case.
    pub uuid: String,
    /// Title for people.
    pub title: String,
    /// Description.
    pub description: String,
    /// Most memory, KiB.
    pub memory_kib: u64,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Architecture (`x86_64`).
    pub arch: String,
    /// Machine type (`pc-i440fx-7.2`).
    pub machine: String,
    /// The emulator's program on the host.
    pub emulator: String,
    /// The `<cpu>` element as it stands, for comparisons on another host; empty without one.
    pub cpu_xml: String,
    /// Disks.
    pub disks: Vec<Disk>,
    /// Network interfaces.
    pub interfaces: Vec<Interface>,
    /// Screens.
    pub graphics: Vec<Graphics>,
    /// Aliases of serial lines and consoles, the first that `console` opens first.
    pub serials: Vec<String>,
    /// Devices of the host that are handed through: with one it cannot move.
    pub host_devices: u32,
    /// Files of firmware variables and other files that belong to it.
    pub nvram: Option<String>,
}

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disk {
    /// `disk`, `cdrom`, `floppy`.
    pub device: String,
    /// Target (`vda`).
    pub target: String,
    /// `file`, `block`, `network`, `volume`.
    pub kind: String,
    /// File or block device; empty for an empty drive or what is no path.
    pub source: String,
    /// Format (`qcow2`, `raw`).
    pub format: String,
    /// Files below an overlay, the nearest first.
    pub backing: Vec<String>,
    /// It may only be read.
    pub readonly: bool,
    /// Several machines write to it.
    pub shareable: bool,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// `network`, `bridge`, `direct` …
    pub kind: String,
    /// Network, bridge or device of the host.
    pub source: String,
    /// Device of the host (`vnet0`).
    pub target: String,
    /// Hardware address.
    pub mac: String,
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graphics {
    /// `vnc`, `spice` …
    pub kind: String,
    /// Port; `None` when it has none (not running, or a socket).
    pub port: Option<u16>,
    /// Address that it listens on.
    pub address: String,
    /// Socket on the host instead of a port.
    pub socket: String,
    /// It asks for a password.
    pub password: bool,
}
