//! Device states and progress words as VOLTHA numbers and writes them.

use crate::controllers::voltha::proto::common::{admin_state, connect_status, oper_status};

/// Administrative, operational and connection state in the wire's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) admin: u8,
    pub(crate) oper: u8,
    pub(crate) connect: u8,
}

macro_rules! states {
    ($($name:ident = $admin:ident $oper:ident $connect:ident;)*) => {
        impl State {
            $(pub(crate) const $name: Self = Self {
                admin: admin_state::Types::$admin as u8,
                oper: oper_status::Types::$oper as u8,
                connect: connect_status::Types::$connect as u8,
            };)*
        }
    };
}

states! {
    NONE = Unknown Unknown Unknown;
    CREATED = Preprovisioned Unknown Unknown;
    ENABLING = Enabled Activating Unknown;
    SEEN = Enabled Discovered Reachable;
    ACTIVATING = Enabled Activating Reachable;
    UP = Enabled Active Reachable;
    LOST = Enabled Discovered Unreachable;
    DISABLED = Disabled Unknown Reachable;
    REBOOTED = Enabled Rebooted Reachable;
    CUT_OFF = Enabled Unknown Unreachable;
    RECONCILING = Enabled Reconciling Reachable;
}

impl State {
    /// Upper-case names as state events carry them: administrative, operational, connection.
    pub(crate) fn names(self) -> [&'static str; 3] {
        [
            admin_state::Types::try_from(i32::from(self.admin)).map_or("UNKNOWN", |s| s.as_str_name()),
            oper_status::Types::try_from(i32::from(self.oper)).map_or("UNKNOWN", |s| s.as_str_name()),
            connect_status::Types::try_from(i32::from(self.connect)).map_or("UNKNOWN", |s| s.as_str_name()),
        ]
    }

    pub(crate) const fn enabled(self) -> bool {
        self.admin == Self::UP.admin
    }
}

/// `Device.reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    None,
    Activating,
    Starting,
    MibSync,
    MibDownloaded,
    TechProfile,
    FlowsPushed,
    AdminLock,
    Reenabled,
    Stopping,
    Rebooting,
}

impl Reason {
    /// The word on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Activating => "activating-onu",
            Self::Starting => "starting-openomci",
            Self::MibSync => "discovery-mibsync-complete",
            Self::MibDownloaded => "initial-mib-downloaded",
            Self::TechProfile => "tech-profile-config-download-success",
            Self::FlowsPushed => "omci-flows-pushed",
            Self::AdminLock => "omci-admin-lock",
            Self::Reenabled => "onu-reenabled",
            Self::Stopping => "stopping-openomci",
            Self::Rebooting => "rebooting",
        }
    }
}
