//! Where the value of a parameter comes from, and what a CPE holds by itself.

use super::cpe::Cpe;
use crate::sim::genieacs::data::{Value, text};

/// Type of a parameter as the CPE states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Int,
    Unsigned,
    Bool,
}

impl Type {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "int" => Self::Int,
            "unsignedInt" => Self::Unsigned,
            "boolean" => Self::Bool,
            _ => return None,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "xsd:string",
            Self::Int => "xsd:int",
            Self::Unsigned => "xsd:unsignedInt",
            Self::Bool => "xsd:boolean",
        }
    }

    /// The value of a request in this type; the type that the request names plays no part.
    pub(crate) fn read(self, value: &serde_json::Value) -> Option<Scalar> {
        use serde_json::Value as Json;
        Some(match (self, value) {
            (Self::Text, Json::String(t)) => Scalar::Text(t.as_str().into()),
            (Self::Text, other) => Scalar::Text(other.to_string().into()),
            (Self::Bool, Json::Bool(b)) => Scalar::Bool(*b),
            (Self::Bool, Json::Number(n)) => Scalar::Bool(n.as_f64()? != 0.0),
            (Self::Bool, Json::String(t)) => Scalar::Bool(match t.as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return None,
            }),
            (Self::Int | Self::Unsigned, other) => {
                let n = match other {
                    Json::Number(n) => n.as_f64()? as i64,
                    Json::Bool(b) => i64::from(*b),
                    Json::String(t) => t.trim().parse().ok()?,
                    _ => return None,
                };
                if self == Self::Unsigned && n < 0 {
                    return None;
                }
                Scalar::Int(n)
            }
            _ => return None,
        })
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(Box<str>),
    Int(i64),
    Bool(bool),
}

impl Scalar {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(t) => text(out, t),
            Self::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        }
    }
}

impl From<&Scalar> for Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Text(t) => Self::text(t.as_ref()),
            Scalar::Int(n) => Self::Number(*n as f64),
            Scalar::Bool(b) => Self::Bool(*b),
        }
    }
}

/// How a value comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Fixed(Scalar),
    Manufacturer,
    Oui,
    Product,
    Serial,
    Hardware,
    Version,
    Uptime,
    Memory,
    Cpu,
    Poke,
    Secret,
    Id,
    Interval,
    Mac(u8),
    Ssid,
    Ssid5,
    Clients,
    Ip,
    User,
    Vlan,
    RxDbm,
    RxRaw,
    RxMilli,
    RxText,
    TxDbm,
    TxRaw,
    TxMilli,
    TxText,
    Temperature,
}

/// When, and with how much light, a value was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    /// Hundredths of a dBm.
    pub(crate) rx: i16,
}

/// Transmit power of all of them, hundredths of a dBm.
const TX: i16 = 210;

impl Source {
    pub(crate) fn parse(word: &str, kind: Type) -> Option<Self> {
        let Some(name) = word.strip_prefix('@') else {
            let word = if word == "-" { "" } else { word };
            return kind.read(&serde_json::Value::from(word)).map(Self::Fixed);
        };
        Some(match name {
            "manufacturer" => Self::Manufacturer,
            "oui" => Self::Oui,
            "product" => Self::Product,
            "serial" => Self::Serial,
            "hardware" => Self::Hardware,
            "version" => Self::Version,
            "uptime" => Self::Uptime,
            "memory" => Self::Memory,
            "cpu" => Self::Cpu,
            "poke" => Self::Poke,
            "secret" => Self::Secret,
            "id" => Self::Id,
            "interval" => Self::Interval,
            "mac0" => Self::Mac(0),
            "mac1" => Self::Mac(1),
            "mac5" => Self::Mac(5),
            "ssid" => Self::Ssid,
            "ssid5" => Self::Ssid5,
            "clients" => Self::Clients,
            "ip" => Self::Ip,
            "user" => Self::User,
            "vlan" => Self::Vlan,
            "rx_dbm" => Self::RxDbm,
            "rx_raw" => Self::RxRaw,
            "rx_milli" => Self::RxMilli,
            "rx_text" => Self::RxText,
            "tx_dbm" => Self::TxDbm,
            "tx_raw" => Self::TxRaw,
            "tx_milli" => Self::TxMilli,
            "tx_text" => Self::TxText,
            "temperature" => Self::Temperature,
            _ => return None,
        })
    }

    /// The value of a CPE at a reading, as the factory made it.
    pub(crate) fn value(&self, cpe: &Cpe, reading: Reading) -> Scalar {
        let model = cpe.model();
        let text = |t: &str| Scalar::Text(t.into());
        let n = u64::from(cpe.number);
        // What goes up and down: another figure each minute, the same for the same minute.
        let noise = |salt: u64, span: i64| {
            let mixed = (n << 8 ^ salt ^ ((reading.at / 60_000) as u64) << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Scalar::Int((mixed >> 33) as i64 % span)
        };
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Manufacturer => text(model.manufacturer),
            Self::Oui => text(model.oui),
            Self::Product => text(model.product),
            Self::Serial => text(&cpe.serial),
            Self::Hardware => text(model.hardware),
            Self::Version => text(cpe.version()),
            Self::Uptime => Scalar::Int(((reading.at - cpe.up_since) / 1_000).max(0)),
            Self::Memory => add(&noise(1, 40_000), 60_000),
            Self::Cpu => add(&noise(2, 40), 3),
            Self::Poke => text(&format!("http://{}:7547/cr/{}", cpe.address(), cpe.serial)),
            Self::Secret => text(&format!("{:011x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)),
            Self::Id => text(&cpe.id()),
            Self::Interval => Scalar::Int(i64::from(cpe.interval_s)),
            Self::Mac(port) => {
                let (oui, low) = (model.oui, cpe.number.wrapping_mul(8).wrapping_add(u32::from(*port)));
                let part = |at: usize| oui.get(at..at + 2).unwrap_or("00");
                let [_, a, b, c] = low.to_be_bytes();
                text(&format!("{}:{}:{}:{a:02X}:{b:02X}:{c:02X}", part(0), part(2), part(4)))
            }
            // The one model whose every piece leaves the factory with the same name.
            Self::Ssid if model.plain => text("404 WiMAX Not Found"),
            Self::Ssid => text(&format!("Home-{}", cpe.number)),
            Self::Ssid5 => text(&format!("Home-{}-5G", cpe.number)),
            Self::Clients => noise(3, 9),
            Self::Ip => text(&cpe.address()),
            Self::User => text(&format!("sub{:06}@isp", cpe.number)),
            Self::Vlan => Scalar::Int(100 + i64::from(cpe.number % 8)),
            Self::RxDbm => Scalar::Int(dbm(reading.rx)),
            Self::RxRaw => Scalar::Int(raw(reading.rx)),
            Self::RxMilli => Scalar::Int(i64::from(reading.rx) * 10),
            Self::RxText => text(&format!("{:.2}", f64::from(reading.rx) / 100.0)),
            Self::TxDbm => Scalar::Int(dbm(TX)),
            Self::TxRaw => Scalar::Int(raw(TX)),
            Self::TxMilli => Scalar::Int(i64::from(TX) * 10),
            Self::TxText => text(&format!("{:.2}", f64::from(TX) / 100.0)),
            Self::Temperature => add(&noise(4, 15), 38),
        }
    }
}

fn add(scalar: &Scalar, more: i64) -> Scalar {
    match scalar {
        Scalar::Int(n) => Scalar::Int(n + more),
        other => other.clone(),
    }
}

/// Whole dBm.
fn dbm(hundredths: i16) -> i64 {
    (f64::from(hundredths) / 100.0).round() as i64
}

/// Tenths of a microwatt.
fn raw(hundredths: i16) -> i64 {
    (10_f64.powf(f64::from(hundredths) / 1_000.0) * 10_000.0).round() as i64
}
