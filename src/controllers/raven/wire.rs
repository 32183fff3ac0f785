//! What both services say, as they say it: strict in its shape, lenient in its numbers. A number may
//! be a text ("12.3%"), a fraction, negative, larger than any counter, or `-0`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// Most entries taken of an object with names from outside.
const MOST: usize = 256;

/// A whole number, however it is written; what does not fit is clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Int(pub i64);

impl Int {
    /// As a counter: never negative.
    #[must_use]
    pub const fn count(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0 as u64 }
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Int;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E>(self, n: i64) -> Result<Int, E> {
                Ok(Int(n))
            }

            fn visit_u64<E>(self, n: u64) -> Result<Int, E> {
                Ok(Int(i64::try_from(n).unwrap_or(i64::MAX)))
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Int, E> {
                // `as` clamps; there is no NaN in JSON, but a text may say it.
                if n.is_nan() { Err(E::custom("NaN is no number")) } else { Ok(Int(n as i64)) }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Int, E> {
                let bare = text.trim().trim_end_matches('%').trim();
                match (bare.parse::<i64>(), bare.parse::<f64>()) {
                    (Ok(n), _) => Ok(Int(n)),
                    (_, Ok(n)) => self.visit_f64(n),
                    _ => Err(E::custom("a text that is no number")),
                }
            }

            fn visit_unit<E>(self) -> Result<Int, E> {
                Ok(Int(0))
            }
        }
        from.deserialize_any(Lenient)
    }
}

/// A number with a fraction, however it is written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Real(pub f64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Real;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E>(self, n: i64) -> Result<Real, E> {
                Ok(Real(n as f64))
            }

            fn visit_u64<E>(self, n: u64) -> Result<Real, E> {
                Ok(Real(n as f64))
            }

            fn visit_f64<E>(self, n: f64) -> Result<Real, E> {
                Ok(Real(n))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Real, E> {
                match text.trim().trim_end_matches('%').trim().parse::<f64>() {
                    Ok(n) if n.is_finite() => Ok(Real(n)),
                    _ => Err(E::custom("a text that is no number")),
                }
            }

            fn visit_unit<E>(self) -> Result<Real, E> {
                Ok(Real(0.0))
            }
        }
        from.deserialize_any(Lenient)
    }
}

/// An object with names from outside, in its order; `null` is an empty one.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut out = Vec::with_capacity(map.size_hint().unwrap_or(4).min(16));
                while let Some(entry) = map.next_entry()? {
                    if out.len() == MOST {
                        return Err(de::Error::custom("more than 256 entries"));
                    }
                    out.push(entry);
                }
                Ok(Entries(out))
            }

            fn visit_unit<E>(self) -> Result<Entries<T>, E> {
                Ok(Entries(Vec::new()))
            }
        }
        from.deserialize_any(Each(PhantomData))
    }
}

/// `/api/buffer/stats`.
#[derive(Debug, serde::Deserialize)]
pub struct Stats {
    /// Whole MiB.
    pub buffer_size_mb: Int,
    /// Limit, MiB.
    pub max_buffer_size_mb: Int,
    /// Records.
    pub total_records: Int,
    /// Unix seconds, or whatever a record claimed.
    #[serde(default)]
    pub oldest_record: Int,
    /// See [`Stats::oldest_record`].
    #[serde(default)]
    pub newest_record: Int,
    /// Days.
    #[serde(default)]
    pub retention_days: Int,
    /// As configured.
    #[serde(default)]
    pub overflow_action: Option<String>,
    /// Records by service.
    #[serde(default)]
    pub service_records: Entries<Int>,
}

/// `/api/buffer/stats/{service}`, and each service of the status.
#[derive(Debug, serde::Deserialize)]
pub struct ServiceStats {
    /// Its name, echoed.
    #[serde(default)]
    pub service: String,
    /// Records.
    pub total_records: Int,
    /// Bytes.
    pub total_size: Int,
    /// Unix seconds, or whatever a record claimed.
    #[serde(default)]
    pub oldest_record: Int,
    /// See [`ServiceStats::oldest_record`].
    #[serde(default)]
    pub newest_record: Int,
    /// Of them forwarded.
    #[serde(default)]
    pub forwarded: Int,
    /// Of them not.
    #[serde(default)]
    pub pending: Int,
}

/// `/api/buffer/vpn/status`.
#[derive(Debug, serde::Deserialize)]
pub struct Uplink {
    /// The target answered its health call.
    pub connected: bool,
    /// RFC 3339 with nanoseconds.
    #[serde(default)]
    pub last_check: Option<String>,
    /// Round trip.
    #[serde(default)]
    pub latency_ms: Int,
    /// In a row.
    #[serde(default)]
    pub failure_count: Int,
    /// Why.
    #[serde(default)]
    pub last_error: Option<String>,
}

/// `/api/buffer/status`.
#[derive(Debug, serde::Deserialize)]
pub struct Status {
    /// Its parts.
    pub services: Entries<ServiceStats>,
    /// The probe of the uplink.
    pub vpn_status: Uplink,
    /// Limit, MiB.
    pub max_buffer_size_mb: Int,
    /// Whether records are forwarded.
    #[serde(default)]
    pub forwarding: Option<bool>,
}

/// `/health` of the buffer service.
#[derive(Debug, serde::Deserialize)]
pub struct Health {
    /// Always "healthy".
    pub status: String,
    /// Unix seconds.
    #[serde(default)]
    pub timestamp: Int,
    /// Whole MiB.
    #[serde(default)]
    pub buffer_size_mb: Int,
    /// Entries in `services` of its configuration.
    #[serde(default)]
    pub services_enabled: Int,
}

/// `/api/system/status` of the config service.
#[derive(Debug, serde::Deserialize)]
pub struct System {
    /// `healthy`, `degraded` or `failed`: a count, not a verdict.
    #[serde(default)]
    pub status: String,
    /// `37h 12m`, or `unknown`.
    #[serde(default)]
    pub uptime: Option<String>,
    /// From the load, %.
    #[serde(default)]
    pub cpu_usage: Option<Real>,
    /// %.
    #[serde(default)]
    pub memory_usage: Option<Real>,
    /// Of `/`, %.
    #[serde(default)]
    pub disk_usage: Option<Real>,
    /// Processes.
    pub services: Entries<Process>,
}

/// A process as the config service sees it.
#[derive(Debug, serde::Deserialize)]
pub struct Process {
    /// `healthy` or `failed`.
    pub status: String,
    /// Whether it counts.
    #[serde(default)]
    pub critical: Option<bool>,
}

/// `/api/services` of the config service.
#[derive(Debug, serde::Deserialize)]
pub struct Services {
    /// Those it can restart.
    pub services: Vec<String>,
    /// Other names of them.
    #[serde(default)]
    pub aliases: Entries<String>,
}

/// `/api/telemetry/stats` of the config service.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Telemetry {
    /// Lines of the flow files.
    pub total_flows: Int,
    /// Lines of the syslog file.
    pub total_syslog: Int,
    /// Lines of the trap files.
    #[serde(default)]
    pub total_snmp: Int,
    /// Lines of the event files.
    #[serde(default)]
    pub total_windows: Int,
    /// Made up of the total.
    #[serde(default)]
    pub flows_per_second: Option<Real>,
    /// A constant.
    #[serde(default)]
    pub active_devices: Option<Real>,
}

/// `/api/metrics` of the config service: expensive, it starts `top`.
#[derive(Debug, serde::Deserialize)]
pub struct Metrics {
    /// `12.3%`.
    #[serde(default)]
    pub cpu_usage: Option<Real>,
    /// `12.3%`.
    #[serde(default)]
    pub memory_usage: Option<Real>,
    /// `12.3%`.
    #[serde(default)]
    pub disk_usage: Option<Real>,
    /// `37h 12m`.
    #[serde(default)]
    pub uptime: Option<String>,
    /// Lines of the syslog file.
    pub syslog_messages_received: Int,
    /// Lines of the flow files.
    pub netflow_records_received: Int,
    /// Lines of the trap files.
    #[serde(default)]
    pub snmp_traps_received: Int,
    /// Lines of the event files.
    #[serde(default)]
    pub windows_events_received: Int,
    /// Of `/`.
    #[serde(default)]
    pub disk: Option<Space>,
    /// Load.
    #[serde(default)]
    pub system: Option<Load>,
    /// A constant.
    #[serde(default)]
    pub network: Option<Network>,
}

/// A disk.
#[derive(Debug, serde::Deserialize)]
pub struct Space {
    /// Bytes.
    pub total: Int,
    /// Bytes.
    #[serde(default)]
    pub available: Int,
}

/// Load averages.
#[derive(Debug, serde::Deserialize)]
pub struct Load {
    /// One minute.
    pub load_1m: Real,
    /// Five minutes.
    pub load_5m: Real,
    /// Fifteen minutes.
    pub load_15m: Real,
}

/// A constant.
#[derive(Debug, serde::Deserialize)]
pub struct Network {
    /// Always 1024.
    pub bytes_per_sec: Real,
}

/// What the config service says to changes.
#[derive(Debug, serde::Deserialize)]
pub struct Done {
    /// Whether it was done.
    pub success: bool,
    /// In words.
    #[serde(default)]
    pub message: String,
}

/// What the buffer service says to changes.
#[derive(Debug, serde::Deserialize)]
pub struct Said {
    /// In words (`config updated`).
    pub status: String,
}
