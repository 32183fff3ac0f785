//! What an alarm or a tree row is about, and its one canonical name.
//!
//! Identity is by serial number: VOLTHA gives every ONU a new device id when its OLT reboots
//! (facts: voltha-run §6.4), so a device id is only ever an alias.

use std::fmt;

use minicbor::{Decode, Encode};

/// The kinds of things in the tree, from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum NodeKind {
    /// A place that holds OLTs; from the inventory file.
    #[n(0)]
    Site,
    /// An optical line terminal.
    #[n(1)]
    Olt,
    /// A PON port of an OLT.
    #[n(2)]
    PonPort,
    /// A network-side port of an OLT.
    #[n(3)]
    NniPort,
    /// An optical network unit at a subscriber.
    #[n(4)]
    Onu,
    /// A subscriber-side port of an ONU.
    #[n(5)]
    Uni,
    /// An adapter process of a controller.
    #[n(6)]
    Adapter,
    /// The controller itself.
    #[n(7)]
    Source,
    /// A device known only by the id its controller gave it.
    #[n(8)]
    Device,
    /// A collecting service of a telemetry appliance, by its service name.
    #[n(9)]
    Collector,
    /// Whatever else a source names: the instance a Prometheus alert is about.
    #[n(10)]
    Object,
    /// A virtual machine, by its name on its host.
    #[n(11)]
    Vm,
}

impl NodeKind {
    /// The kind as a lower-case word, as rows and filters print it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Olt => "olt",
            Self::PonPort => "pon",
            Self::NniPort => "nni",
            Self::Onu => "onu",
            Self::Uni => "uni",
            Self::Adapter => "adapter",
            Self::Source => "source",
            Self::Device => "device",
            Self::Collector => "collector",
            Self::Object => "object",
            Self::Vm => "vm",
        }
    }

    /// Stored form.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Site,
            1 => Self::Olt,
            2 => Self::PonPort,
            3 => Self::NniPort,
            4 => Self::Onu,
            5 => Self::Uni,
            6 => Self::Adapter,
            7 => Self::Source,
            8 => Self::Device,
            9 => Self::Collector,
            10 => Self::Object,
            11 => Self::Vm,
            _ => return None,
        })
    }

    /// Reads the word that [`NodeKind::word`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (0..=11).filter_map(Self::from_code).find(|k| k.word().eq_ignore_ascii_case(text))
    }
}

/// A reference to a thing: `(kind, name, index)` within a source.
///
/// `name` is the serial number for OLTs and ONUs, the owning device's serial for ports, the
/// adapter id for adapters, the place for sites (which belong to no source), the controller's id
/// for [`NodeKind::Device`], the service for collectors, the source's own word for objects, the machine's name for virtual machines. `index` numbers ports (PON 0.., NNI 0.., UNI 0..).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Resource {
    /// What it is.
    #[n(0)]
    pub kind: NodeKind,
    /// Serial number or name; see the type's text.
    #[n(1)]
    pub name: String,
    /// Port index; 0 for things that are no ports.
    #[n(2)]
    pub index: u32,
}

impl Resource {
    /// A resource that is no port.
    pub fn new(kind: NodeKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), index: 0 }
    }

    /// A port of the device called `name`.
    pub fn port(kind: NodeKind, name: impl Into<String>, index: u32) -> Self {
        Self { kind, name: name.into(), index }
    }

    /// The name used in keys, rows and the command line, e.g. `voltha-1/onu/BBSM00000001`,
    /// `voltha-1/olt/BBSIM_OLT_0/pon/3`, `site/North`.
    #[must_use]
    pub fn canonical(&self, source: &str) -> String {
        match self.kind {
            NodeKind::Site => format!("site/{}", self.name),
            NodeKind::Source => source.to_owned(),
            _ => format!("{source}/{self}"),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, index) = (&self.name, self.index);
        match self.kind {
            NodeKind::PonPort => write!(f, "olt/{name}/pon/{index}"),
            NodeKind::NniPort => write!(f, "olt/{name}/nni/{index}"),
            NodeKind::Uni => write!(f, "onu/{name}/uni/{index}"),
            kind => write!(f, "{}/{name}", kind.word()),
        }
    }
}
