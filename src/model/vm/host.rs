//! What a host can run, as far as it decides whether a machine may move to it.

/// A host (format: libvirt's capabilities XML).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// UUID of the host with dashes, lower case: two connections to one host have the same.
    pub uuid: String,
    /// Architecture (`x86_64`).
    pub arch: String,
    /// Model of its CPU.
    pub cpu_model: String,
    /// Maker of its CPU.
    pub cpu_vendor: String,
    /// The `<cpu>` element as it stands; empty without one.
    pub cpu_xml: String,
    /// Ways to reach it for a migration (`tcp`, `rdma`, `unix`).
    pub migration: Vec<String>,
}

/// What an emulator can run (format: libvirt's domain capabilities XML).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Emulation {
    /// The emulator's program.
    pub emulator: String,
    /// `kvm`, `qemu` …
    pub virt_type: String,
    /// The machine type that this was asked for; an alias is told as what it stands for.
    pub machine: String,
    /// Most virtual CPUs; 0 when it does not say.
    pub vcpus: u32,
    /// Models of CPUs that can be used.
    pub cpu_models: Vec<String>,
}

/// A machine type that an emulator knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MachineType {
    /// Architecture.
    pub arch: String,
    /// Name (`pc-i440fx-7.2`).
    pub name: String,
    /// What it stands for when it is an alias (`pc`).
    pub canonical: String,
}
