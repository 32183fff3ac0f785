//! What parameters are for, and the units that makers report in.

use crate::controllers::genieacs::wire::Scalar;

macro_rules! purposes {
    ($($variant:ident $word:literal $doc:literal)*) => {
        /// What a parameter is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Purpose {
            $(#[doc = $doc] $variant,)*
        }

        impl Purpose {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in profiles and job files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The purpose of this name.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|p| p.word() == word)
            }
        }
    };
}

purposes! {
    SoftwareVersion "software_version" "Firmware version."
    HardwareVersion "hardware_version" "Hardware version."
    ModelName "model_name" "Name of the model."
    SerialNumber "serial_number" "Serial number."
    Uptime "uptime" "Seconds since its start."
    Cpu "cpu" "Load of its processor, percent."
    MemoryFree "memory_free" "Free memory, KiB."
    MemoryTotal "memory_total" "Memory, KiB."
    RxPower "rx_power" "Received optical power."
    TxPower "tx_power" "Launched optical power."
    Temperature "temperature" "Temperature of the transceiver, degrees Celsius."
    Ip "ip" "Its address on the WAN side."
    WanType "wan_type" "Kind of its WAN connection."
    WanVlan "wan_vlan" "VLAN of its WAN connection."
    PppoeEnable "pppoe_enable" "Whether PPPoE is on."
    PppoeUser "pppoe_user" "PPPoE user name."
    PppoePassword "pppoe_password" "PPPoE password."
    PppoeStatus "pppoe_status" "State of the PPPoE connection."
    Ssid "ssid" "Name of the 2.4 GHz network."
    SsidEnable "ssid_enable" "Whether the 2.4 GHz network is on."
    WifiPassword "wifi_password" "Password of the 2.4 GHz network."
    WifiSecurity "wifi_security" "Security mode of the 2.4 GHz network."
    WifiChannel "wifi_channel" "Channel of the 2.4 GHz radio."
    WifiAutoChannel "wifi_auto_channel" "Whether the 2.4 GHz radio chooses its channel."
    WifiClients "wifi_clients" "Stations in the 2.4 GHz network."
    Ssid5 "ssid_5" "Name of the 5 GHz network."
    SsidEnable5 "ssid_enable_5" "Whether the 5 GHz network is on."
    WifiPassword5 "wifi_password_5" "Password of the 5 GHz network."
    WifiSecurity5 "wifi_security_5" "Security mode of the 5 GHz network."
    WifiChannel5 "wifi_channel_5" "Channel of the 5 GHz radio."
    WifiAutoChannel5 "wifi_auto_channel_5" "Whether the 5 GHz radio chooses its channel."
    WifiClients5 "wifi_clients_5" "Stations in the 5 GHz network."
    LanIp "lan_ip" "Its address on the LAN side."
    LanMask "lan_mask" "Its mask on the LAN side."
    DhcpEnable "dhcp_enable" "Whether its DHCP server is on."
    DhcpMin "dhcp_min" "First address it gives."
    DhcpMax "dhcp_max" "Last address it gives."
    DhcpMask "dhcp_mask" "Mask it gives."
    DhcpGateway "dhcp_gateway" "Router it gives."
    DhcpDns "dhcp_dns" "Name servers it gives."
    DhcpLease "dhcp_lease" "Seconds for which it gives an address."
    Hosts "hosts" "Hosts it has seen: an object."
    InformInterval "inform_interval" "Seconds between its informs."
    PokeUrl "poke_url" "Where it takes connection requests."
    PokeUser "poke_user" "User name of connection requests."
    PokePassword "poke_password" "Password of connection requests."
}

/// How a number is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// As it stands.
    #[default]
    Plain,
    /// dBm.
    Dbm,
    /// Hundredths of a dBm.
    CentiDbm,
    /// Thousandths of a dBm.
    MilliDbm,
    /// Tenths of a microwatt, linear; a negative value cannot be that and is dBm.
    DeciMicrowatt,
    /// dBm where it is negative or small, tenths of a microwatt where it is large: firmwares of one
    /// model differ. Only for what is launched: what is received is never above 0 dBm.
    DbmOrDeciMicrowatt,
}

/// The highest power in dBm that any transceiver launches or survives.
const HIGHEST_DBM: f64 = 10.0;

impl Unit {
    const WORDS: &[(&str, Self)] = &[
        ("plain", Self::Plain),
        ("dBm", Self::Dbm),
        ("0.01 dBm", Self::CentiDbm),
        ("0.001 dBm", Self::MilliDbm),
        ("0.1 uW", Self::DeciMicrowatt),
        ("dBm or 0.1 uW", Self::DbmOrDeciMicrowatt),
    ];

    /// The unit of this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, unit)| *unit)
    }

    /// The names of all units.
    #[must_use]
    pub fn words() -> Vec<&'static str> {
        Self::WORDS.iter().map(|(w, _)| *w).collect()
    }

    /// A value as hundredths of a dBm; nothing where it is no power, or none that light can have.
    #[must_use]
    pub fn centi_dbm(self, value: &Scalar) -> Option<i32> {
        let x = value.number()?;
        let linear = |x: f64| (x > 0.0).then(|| 10.0 * (x / 10_000.0).log10());
        let dbm = match self {
            Self::CentiDbm => Some(x / 100.0),
            Self::MilliDbm => Some(x / 1000.0),
            Self::DeciMicrowatt if x >= 0.0 => linear(x),
            Self::DbmOrDeciMicrowatt if x > HIGHEST_DBM => linear(x),
            Self::Plain | Self::Dbm | Self::DeciMicrowatt | Self::DbmOrDeciMicrowatt => Some(x),
        };
        // Outside these no optics works; makers report such values for "no light".
        dbm.filter(|d| (-60.0..=20.0).contains(d)).map(|d| (d * 100.0).round() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_read_in_every_unit() {
        let int = Scalar::Int;
        for (unit, value, centi) in [
            (Unit::Dbm, int(-16), Some(-1600)),
            (Unit::Dbm, Scalar::Text("-18.25 dBm".into()), Some(-1825)),
            (Unit::MilliDbm, int(-18_000), Some(-1800)),
            (Unit::CentiDbm, int(-2133), Some(-2133)),
            (Unit::DeciMicrowatt, int(100), Some(-2000)),
            (Unit::DeciMicrowatt, int(10_000), Some(0)),
            (Unit::DeciMicrowatt, int(0), None),
            (Unit::DeciMicrowatt, int(5), Some(-3301)),
            (Unit::DeciMicrowatt, int(-21), Some(-2100)),
            (Unit::DbmOrDeciMicrowatt, int(-21), Some(-2100)),
            (Unit::DbmOrDeciMicrowatt, int(2), Some(200)),
            (Unit::DbmOrDeciMicrowatt, int(100), Some(-2000)),
            (Unit::Dbm, int(-32_768), None),
            (Unit::Dbm, Scalar::Text("--".into()), None),
            (Unit::Dbm, Scalar::Bool(true), None),
        ] {
            assert_eq!(unit.centi_dbm(&value), centi, "{unit:?} {value}");
        }
    }

    #[test]
    fn words_are_unique() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.word()), Some(*purpose));
        }
        for word in Unit::words() {
            assert!(Unit::parse(word).is_some());
        }
    }
}
