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
