//! What a job sets: named settings that a CPE's profile turns into parameter paths, or raw paths.

use std::fmt;

use minicbor::{Decode, Encode};

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum ParamValue {
    /// Text.
    #[n(0)]
    Text(#[n(0)] String),
    /// Whole number.
    #[n(1)]
    Int(#[n(0)] i64),
    /// Number with decimals.
    #[n(2)]
    Float(#[n(0)] f64),
    /// Yes or no.
    #[n(3)]
    Bool(#[n(0)] bool),
}

impl ParamValue {
    /// Whether a CPE that holds `other` holds this. CPEs answer numbers and switches as text, as
    /// number or as 0 and 1 just as they like, so what counts is what they mean.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bool(a), b) | (b, Self::Bool(a)) => b.as_bool() == Some(*a),
            (a, b) => match (a.as_number(), b.as_number()) {
                (Some(x), Some(y)) => (x - y).abs() <= f64::EPSILON * x.abs().max(1.0),
                _ => a.to_string() == b.to_string(),
            },
        }
    }

    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            Self::Text(t) if t == "0" || t.eq_ignore_ascii_case("false") => Some(false),
            Self::Text(t) if t == "1" || t.eq_ignore_ascii_case("true") => Some(true),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Float(x) => Some(*x),
            Self::Text(t) => t.trim().parse().ok().filter(|x: &f64| x.is_finite()),
            Self::Bool(_) => None,
        }
    }

    /// Whether it says nothing: what CPEs answer for a secret they do not show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(t) if t.is_empty())
    }

    /// As JSON, for the request to the controller.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(t) => t.as_str().into(),
            Self::Int(n) => (*n).into(),
            Self::Float(x) => (*x).into(),
            Self::Bool(b) => (*b).into(),
        }
    }

    /// From JSON; `None` for what no parameter can hold (lists, tables, null).
    #[must_use]
    pub fn from_json(value: &serde_json::Value) -> Option<Self> {
        Some(match value {
            serde_json::Value::String(t) => Self::Text(t.clone()),
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(n) => Self::Int(n),
                None => Self::Float(n.as_f64()?),
            },
            _ => return None,
        })
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(t) => f.write_str(t),
            Self::Int(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
            Self::Bool(b) => b.fmt(f),
        }
    }
}

/// Where a secret value comes from. The value itself is never part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SecretSource {
    /// A reference (`env:NAME`, `file:PATH`, `cmd:COMMAND`): read when it is needed.
    #[n(0)]
    Reference(#[n(0)] String),
    /// Typed: it lives in the memory of the process that was told; after a restart it is asked again.
    #[n(1)]
    Typed,
    /// What the device held before, kept by nobody: a roll-back cannot bring it back.
    #[n(2)]
    Lost,
}

/// The value a parameter is to have.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum NewValue {
    /// It may be shown.
    #[n(0)]
    Plain(#[n(0)] ParamValue),
    /// It may not.
    #[n(1)]
    Secret(#[n(0)] SecretSource),
}

impl NewValue {
    /// As it may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Plain(value) => value.to_string(),
            Self::Secret(_) => "••••••".to_owned(),
        }
    }
}

/// One setting with its new value.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Change {
    /// What.
    #[n(0)]
    pub setting: Setting,
    /// To what.
    #[n(1)]
    pub value: NewValue,
}

macro_rules! settings {
    ($($n:literal $variant:ident $name:literal),+ $(,)?) => {
        /// What can be set. The profile of a CPE's model knows the path of each name.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
        #[allow(missing_docs, reason = "their names in the request say what they are")]
        pub enum Setting {
            /// A parameter by its path.
            #[n(0)]
            Path(#[n(0)] String),
            $(#[n($n)] $variant,)+
        }

        impl Setting {
            /// Its name in a request (`wifi.ssid`); the path for a raw parameter.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    Self::Path(path) => path,
                    $(Self::$variant => $name,)+
                }
            }

            /// The setting of a name; `None` for what is none.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// All names.
            pub const NAMES: &[&str] = &[$($name),+];
        }
    };
}

settings! {
    1 WifiSsid "wifi.ssid",
    2 WifiPassword "wifi.password",
    3 WifiSecurity "wifi.security_mode",
    4 WifiChannel "wifi.channel",
    5 WifiEnabled "wifi.enabled",
    6 LanAddress "lan.ipv4_address",
    7 LanMask "lan.subnet_mask",
    8 LanIpv6Address "lan.ipv6_address",
    9 LanIpv6PrefixLength "lan.ipv6_prefix_length",
    10 DhcpEnabled "lan.dhcp_enabled",
    11 DhcpStart "lan.dhcp_start",
    12 DhcpEnd "lan.dhcp_end",
    13 Dhcpv6Enabled "lan.dhcpv6_enabled",
    14 WanType "wan.connection_type",
    15 WanUsername "wan.username",
    16 WanPassword "wan.password",
    17 WanVlan "wan.vlan_id",
    18 WanStaticAddress "wan.static_ipv4_address",
    19 WanStaticMask "wan.static_ipv4_netmask",
    20 WanStaticGateway "wan.static_ipv4_gateway",
    21 WanStaticIpv6 "wan.static_ipv6_address",
    22 WanIpv6Pd "wan.ipv6_pd_enabled",
    23 WanDelegatedPrefix "wan.delegated_ipv6_prefix",
}

impl Setting {
    /// Whether its value is a secret. A raw path is one where its last part says so.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match self {
            Self::WifiPassword | Self::WanPassword => true,
            Self::Path(path) => secret_path(path),
            _ => false,
        }
    }
}

/// Whether a parameter of this path holds a secret, as far as its name tells.
fn secret_path(path: &str) -> bool {
    let leaf = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["password", "passphrase", "presharedkey", "wepkey", "secret"].iter().any(|word| leaf.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        let text = |t: &str| ParamValue::Text(t.to_owned());
        assert!(ParamValue::Bool(true).same(&text("1")) && text("TRUE").same(&ParamValue::Bool(true)));
        assert!(ParamValue::Int(6).same(&text("6")) && ParamValue::Float(6.0).same(&ParamValue::Int(6)));
        assert!(!text("06").same(&text("6")), "text is text: a leading nought may matter");
        assert!(!ParamValue::Bool(true).same(&text("on")) && !ParamValue::Int(6).same(&text("six")));
    }

    #[test]
    fn secrets_are_known_by_name_and_never_shown() {
        assert!(Setting::WifiPassword.is_secret() && !Setting::WifiSsid.is_secret());
        for path in [
            "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.KeyPassphrase",
            "Device.ManagementServer.ConnectionRequestPassword",
        ] {
            assert!(Setting::Path(path.to_owned()).is_secret(), "{path}");
        }
        assert!(!NewValue::Secret(SecretSource::Reference("env:WIFI".to_owned())).shown().contains("WIFI"));
        for name in Setting::NAMES {
            assert_eq!(Setting::named(name).as_ref().map(Setting::name), Some(*name));
        }
    }
}
