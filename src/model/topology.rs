//! Devices and ports as the PON tree shows them.

use minicbor::{Decode, Encode};

use super::ids::{RowId, SourceName};
use super::resource::{NodeKind, Resource};
use super::time::Ts;

macro_rules! wire_state {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u8);

        #[allow(non_upper_case_globals, reason = "they read as variants; the type stays open to unknown values")]
        impl $name {
            $($(#[$vdoc])* pub const $variant: Self = Self($code);)*

            /// The state in lower-case words; unknown values of newer sources print as `state-N`.
            #[must_use]
            pub fn word(self) -> std::borrow::Cow<'static, str> {
                match self.0 {
                    $($code => $word.into(),)*
                    n => format!("state-{n}").into(),
                }
            }

            /// From the wire's number; what does not fit a byte becomes 255.
            #[must_use]
            pub fn from_wire(n: i32) -> Self {
                Self(u8::try_from(n).unwrap_or(u8::MAX))
            }

            /// From the wire's upper-case name (as in VOLTHA's state events) or our word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let text = text.trim().to_ascii_lowercase().replace('_', "-");
                $(if text == $word { return Some(Self($code)); })*
                None
            }
        }
    };
}

wire_state! {
    /// `common.AdminState.Types`; open to values we do not know yet.
    AdminState {
        /// Not told.
        Unknown = 0, "unknown";
        /// Created, never enabled.
        Preprovisioned = 1, "preprovisioned";
        /// In service.
        Enabled = 2, "enabled";
        /// Taken out of service.
        Disabled = 3, "disabled";
        /// Loading an image.
        DownloadingImage = 4, "downloading-image";
    }
}

wire_state! {
    /// `common.OperStatus.Types`; open to values we do not know yet.
    OperStatus {
        /// Not told.
        Unknown = 0, "unknown";
        /// Seen, not activated.
        Discovered = 1, "discovered";
        /// Coming up.
        Activating = 2, "activating";
        /// Under test.
        Testing = 3, "testing";
        /// Works.
        Active = 4, "active";
        /// Failed.
        Failed = 5, "failed";
        /// The controller compares its state with the device's.
        Reconciling = 6, "reconciling";
        /// That comparison failed.
        ReconcilingFailed = 7, "reconciling-failed";
        /// Just rebooted.
        Rebooted = 8, "rebooted";
    }
}

wire_state! {
    /// `common.ConnectStatus.Types`; open to values we do not know yet.
    ConnectStatus {
        /// Not told.
        Unknown = 0, "unknown";
        /// No contact.
        Unreachable = 1, "unreachable";
        /// In contact.
        Reachable = 2, "reachable";
    }
}

/// What is known to have changed of a node; `None` = not told. The fold creates the node, and its
/// parents as far as they are named, when it does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NodePatch {
    /// The node.
    #[n(0)]
    pub resource: Resource,
    /// The node above it.
    #[n(1)]
    pub parent: Option<Resource>,
    /// The id its controller calls it by (an alias: it changes at an OLT reboot).
    #[n(2)]
    pub device_id: Option<String>,
    /// Administrative state.
    #[n(3)]
    pub admin_state: Option<AdminState>,
    /// Operational state.
    #[n(4)]
    pub oper_status: Option<OperStatus>,
    /// Connection state.
    #[n(5)]
    pub connect_status: Option<ConnectStatus>,
    /// The controller's progress word (`omci-flows-pushed`).
    #[n(6)]
    pub reason: Option<String>,
    /// Maker.
    #[n(7)]
    pub vendor: Option<String>,
    /// Model.
    #[n(8)]
    pub model: Option<String>,
    /// Firmware version.
    #[n(9)]
    pub firmware: Option<String>,
    /// Management address.
    #[n(10)]
    pub address: Option<String>,
    /// The number the controller gives the port (VOLTHA: PON = 2<<28 + n), or ONU id on its PON.
    #[n(11)]
    pub number: Option<u32>,
    /// The logical device (switch) of an OLT.
    #[n(12)]
    pub logical_id: Option<String>,
    /// Flows the controller holds for it.
    #[n(13)]
    pub flows: Option<u32>,
    /// Whether it came from a full poll (true) or from the event stream (false).
    #[n(14)]
    pub polled: bool,
    /// Received power, hundredths of a dBm, when the device told.
    #[n(15)]
    pub rx_centi_dbm: Option<i32>,
    /// Launched power, hundredths of a dBm, when the device told.
    #[n(16)]
    pub tx_centi_dbm: Option<i32>,
    /// When the source says it happened, for what an event told that is read late, from a backlog.
    /// It is no state. What is told as it happens has none: it happened when we read it.
    #[n(17)]
    pub source_time: Option<Ts>,
}

impl NodePatch {
    /// A patch that says nothing but that the node exists.
    #[must_use]
    pub const fn new(resource: Resource) -> Self {
        Self {
            resource,
            parent: None,
            device_id: None,
            admin_state: None,
            oper_status: None,
            connect_status: None,
            reason: None,
            vendor: None,
            model: None,
            firmware: None,
            address: None,
            number: None,
            logical_id: None,
            flows: None,
            polled: false,
            rx_centi_dbm: None,
            tx_centi_dbm: None,
            source_time: None,
        }
    }

    /// Whether it tells nothing but measurements and counts: what a full list does not tell.
    #[must_use]
    pub fn measured_only(&self) -> bool {
        let Self { rx_centi_dbm, tx_centi_dbm, flows, .. } = self;
        (rx_centi_dbm.is_some() || tx_centi_dbm.is_some() || flows.is_some())
            && Self { rx_centi_dbm: None, tx_centi_dbm: None, flows: None, source_time: None, ..self.clone() }
                == Self::new(self.resource.clone())
    }
}

/// Active, visible alarms below (and on) a node, by severity rank (0 indeterminate … 4 critical).
pub type AlarmCounts = [u32; 5];

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Row identity.
    pub id: RowId,
    /// Row of the parent; `None` at the top.
    pub parent: Option<RowId>,
    /// Canonical name of the parent; empty at the top.
    pub parent_name: String,
    /// Canonical name.
    pub canonical: String,
    /// The thing itself.
    pub resource: Resource,
    /// Source it belongs to; empty for sites.
    pub source: SourceName,
    /// Distance from the top, 0 for sites.
    pub depth: u8,
    /// Direct children.
    pub children: u32,
    /// ONUs below (1 for an ONU).
    pub onus: u32,
    /// ONUs below that are ACTIVE.
    pub onus_active: u32,
    /// Subscribers below, from the inventory.
    pub subscribers: u32,
    /// Name given to it in the inventory; empty when none.
    pub name: String,
    /// Serial number; for ports the owning device's.
    pub serial: String,
    /// The controller's id for it.
    pub device_id: String,
    /// Administrative state.
    pub admin_state: AdminState,
    /// Operational state.
    pub oper_status: OperStatus,
    /// Connection state.
    pub connect_status: ConnectStatus,
    /// Progress word of the controller.
    pub reason: String,
    /// Maker.
    pub vendor: String,
    /// Model.
    pub model: String,
    /// Firmware version.
    pub firmware: String,
    /// Management address.
    pub address: String,
    /// Controller's port number, or ONU id.
    pub number: u32,
    /// Logical device of an OLT.
    pub logical_id: String,
    /// Flows the controller holds for it.
    pub flows: u32,
    /// Received power, hundredths of a dBm.
    pub rx_centi_dbm: Option<i32>,
    /// Launched power, hundredths of a dBm.
    pub tx_centi_dbm: Option<i32>,
    /// Active alarms on and below it.
    pub alarms: AlarmCounts,
    /// When its state last changed.
    pub changed_at: Ts,
    /// When its source last confirmed it.
    pub as_of: Ts,
    /// In a tree page: whether the row is unfolded.
    pub expanded: bool,
}

impl NodeRow {
    /// Whether the row can be unfolded.
    #[must_use]
    pub const fn is_branch(&self) -> bool {
        self.children > 0
    }

    /// The worst severity with an active alarm on or below the node.
    #[must_use]
    pub fn worst(&self) -> Option<super::severity::Severity> {
        super::severity::Severity::WORST_FIRST
            .into_iter()
            .find(|s| self.alarms.get(usize::from(s.rank())).is_some_and(|n| *n > 0))
    }

    /// The administrative state as a word; empty where the kind of node has none.
    #[must_use]
    pub fn admin_word(&self) -> std::borrow::Cow<'static, str> {
        match self.resource.kind {
            NodeKind::Site
            | NodeKind::Adapter
            | NodeKind::Source
            | NodeKind::Collector
            | NodeKind::Object
            | NodeKind::Vm => "".into(),
            _ => self.admin_state.word(),
        }
    }

    /// The operational state as a word; empty where the kind of node has none.
    #[must_use]
    pub fn oper_word(&self) -> std::borrow::Cow<'static, str> {
        match self.resource.kind {
            NodeKind::Site
            | NodeKind::Adapter
            | NodeKind::Source
            | NodeKind::Collector
            | NodeKind::Object
            | NodeKind::Vm => "".into(),
            _ => self.oper_status.word(),
        }
    }

    /// The connection state as a word; empty where the kind of node has none: only devices are
    /// connected to their controller.
    #[must_use]
    pub fn connect_word(&self) -> std::borrow::Cow<'static, str> {
        match self.resource.kind {
            NodeKind::Olt | NodeKind::Onu | NodeKind::Device => self.connect_status.word(),
            _ => "".into(),
        }
    }

    /// Kind of the node.
    #[must_use]
    pub const fn kind(&self) -> NodeKind {
        self.resource.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_states_are_data() {
        assert_eq!(OperStatus::parse("RECONCILING_FAILED"), Some(OperStatus::ReconcilingFailed));
        assert_eq!(OperStatus::from_wire(42).word(), "state-42");
        assert_eq!(AdminState::from_wire(-7).word(), "state-255");
        assert_eq!(ConnectStatus::parse("gone"), None);
    }
}
