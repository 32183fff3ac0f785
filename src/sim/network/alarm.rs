//! The alarms an ONU can have: names, categories and contexts as the adapters write them.

use crate::controllers::voltha::proto::event::{event_category::Types as Category, event_sub_category::Types as Sub};

/// Which adapter sends it: key, context and description differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emitter {
    OpenOlt,
    /// The text that its descriptions begin with, and the OMCI class and instance of its alarm list.
    OpenOnu {
        text: &'static str,
        class: u32,
        instance: u32,
    },
}

/// An alarm of an ONU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum OnuAlarm {
    /// `ONU_LOSS_OF_SIGNAL`
    LossOfSignal,
    /// `ONU_DYING_GASP`
    DyingGasp,
    /// `ONU_LOSS_OF_BURST`
    LossOfBurst,
    /// `ONU_LOSS_OF_FRAME`
    LossOfFrame,
    /// `ONU_LOSS_OF_PLOAM`
    LossOfPloam,
    /// `ONU_LOPC_MISS`
    LopcMiss,
    /// `ONU_LOPC_MIC_ERROR`
    LopcMicError,
    /// `ONU_SIGNALS_FAIL`
    SignalsFail,
    /// `ONU_SIGNAL_DEGRADE`
    SignalDegrade,
    /// `ONU_DRIFT_OF_WINDOW`
    DriftOfWindow,
    /// `ONU_STARTUP_FAIL`
    StartupFail,
    /// `ONU_LOSS_OF_OMCI_CHANNEL`
    LossOfOmciChannel,
    /// `ONU_LOSS_OF_KEY_SYNC`
    LossOfKeySync,
    /// `ONU_REMOTE_DEFECT`
    RemoteDefect,
    /// `ONU_Ethernet_UNI`
    EthernetUni,
    /// `ONU_LOW_RX_OPTICAL`
    LowRxOptical,
    /// `ONU_HIGH_TX_OPTICAL`
    HighTxOptical,
    /// `ONU_LASER_BIAS_CURRENT`
    LaserBiasCurrent,
    /// `ONU_TEMP_YELLOW`
    TempYellow,
    /// `ONU_VOLTAGE_RED`
    VoltageRed,
    /// `ONU_EQUIPMENT`
    Equipment,
}

/// How an alarm is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) base: &'static str,
    pub(crate) category: Category,
    pub(crate) sub: Sub,
    pub(crate) emitter: Emitter,
    pub(crate) extra: &'static [&'static str],
}

const fn olt(base: &'static str) -> Spec {
    Spec { base, category: Category::Communication, sub: Sub::Onu, emitter: Emitter::OpenOlt, extra: &[] }
}

const fn onu(base: &'static str, category: Category, text: &'static str, class: u32, instance: u32) -> Spec {
    Spec { base, category, sub: Sub::Onu, emitter: Emitter::OpenOnu { text, class, instance }, extra: &[] }
}

impl OnuAlarm {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::LossOfSignal,
        Self::DyingGasp,
        Self::LossOfBurst,
        Self::LossOfFrame,
        Self::LossOfPloam,
        Self::LopcMiss,
        Self::LopcMicError,
        Self::SignalsFail,
        Self::SignalDegrade,
        Self::DriftOfWindow,
        Self::StartupFail,
        Self::LossOfOmciChannel,
        Self::LossOfKeySync,
        Self::RemoteDefect,
        Self::EthernetUni,
        Self::LowRxOptical,
        Self::HighTxOptical,
        Self::LaserBiasCurrent,
        Self::TempYellow,
        Self::VoltageRed,
        Self::Equipment,
    ];

    /// Its bit in an ONU's set of raised alarms.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// How it is written.
    pub(crate) const fn spec(self) -> Spec {
        match self {
            Self::LossOfSignal => olt("ONU_LOSS_OF_SIGNAL"),
            Self::DyingGasp => olt("ONU_DYING_GASP"),
            Self::LossOfBurst => olt("ONU_LOSS_OF_BURST"),
            Self::LossOfFrame => olt("ONU_LOSS_OF_FRAME"),
            Self::LossOfPloam => olt("ONU_LOSS_OF_PLOAM"),
            Self::LopcMiss => olt("ONU_LOPC_MISS"),
            Self::LopcMicError => olt("ONU_LOPC_MIC_ERROR"),
            Self::SignalsFail => Spec { extra: &["inverse-bit-error-rate"], ..olt("ONU_SIGNALS_FAIL") },
            Self::SignalDegrade => Spec { extra: &["inverse-bit-error-rate"], ..olt("ONU_SIGNAL_DEGRADE") },
            Self::DriftOfWindow => Spec { extra: &["drift", "new-eqd"], ..olt("ONU_DRIFT_OF_WINDOW") },
            Self::StartupFail => Spec { sub: Sub::Pon, ..olt("ONU_STARTUP_FAIL") },
            Self::LossOfOmciChannel => olt("ONU_LOSS_OF_OMCI_CHANNEL"),
            Self::LossOfKeySync => Spec { category: Category::Security, ..olt("ONU_LOSS_OF_KEY_SYNC") },
            Self::RemoteDefect => {
                Spec { category: Category::Equipment, extra: &["rdi-count"], ..olt("ONU_REMOTE_DEFECT") }
            }
            Self::EthernetUni => onu("ONU_Ethernet_UNI", Category::Equipment, "LAN Loss Of Signal", 11, 257),
            Self::LowRxOptical => {
                onu("ONU_LOW_RX_OPTICAL", Category::Communication, "low rx optical power", 263, 32_769)
            }
            Self::HighTxOptical => {
                onu("ONU_HIGH_TX_OPTICAL", Category::Communication, "high tx optical power", 263, 32_769)
            }
            Self::LaserBiasCurrent => {
                onu("ONU_LASER_BIAS_CURRENT", Category::Equipment, "laser bias current", 263, 32_769)
            }
            Self::TempYellow => onu("ONU_TEMP_YELLOW", Category::Environment, "temperature yellow", 256, 0),
            Self::VoltageRed => onu("ONU_VOLTAGE_RED", Category::Environment, "voltage red", 256, 0),
            Self::Equipment => onu("ONU_EQUIPMENT", Category::Equipment, "equipment", 256, 0),
        }
    }
}
