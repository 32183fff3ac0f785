//! What a tracker has to be told about its appliance. The worker fills it from the configuration;
//! the engine knows no configuration.

use crate::model::appliance::SHIPPED;
use crate::model::time::{DAY, HOUR, MINUTE, SECOND};

/// The settings of one appliance's tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Time between two polls as configured, µs; a slow appliance is polled less often, never more.
    pub poll_us: i64,
    /// Fill, %, from which an alarm is minor, major, critical.
    pub fill_pct: [u32; 3],
    /// Time to full, µs, below which an alarm is minor, major, critical.
    pub full_in_us: [i64; 3],
    /// How far back the buffer is to reach while the uplink is down, µs.
    pub coverage_us: i64,
    /// No record from a collector for this time, µs, is silence.
    pub silent_us: i64,
    /// The services that are known beforehand, in the order of the screen.
    pub services: Vec<Service>,
}

/// A service as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// Name, as the appliance has it (`fluent-bit`).
    pub name: String,
    /// What it collects, in words; empty: nothing.
    pub collects: String,
    /// Whether the appliance is in trouble without it.
    pub critical: bool,
    /// Whether data is expected all the time; `None`: as soon as some has been seen.
    pub expected: Option<bool>,
    /// Its ports.
    pub ports: Vec<Port>,
    /// The ports were set by an operator: the appliance's own port settings do not replace them.
    pub ports_fixed: bool,
}

/// A port of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Port {
    /// The port that devices send to.
    pub public: u16,
    /// The port that the collector listens on, when a relay stands before it.
    pub inner: Option<u16>,
    /// TCP instead of UDP.
    pub tcp: bool,
}

impl Default for Settings {
    /// A shipped appliance with the default alarms, polled every five seconds.
    fn default() -> Self {
        Self {
            poll_us: 5 * SECOND,
            fill_pct: [70, 85, 95],
            full_in_us: [3 * DAY, DAY, 4 * HOUR],
            coverage_us: 14 * DAY,
            silent_us: 5 * MINUTE,
            services: SHIPPED
                .iter()
                .map(|(name, collects, critical, ports)| Service {
                    name: (*name).to_owned(),
                    collects: (*collects).to_owned(),
                    critical: *critical,
                    expected: None,
                    ports: ports.iter().map(|&(public, inner, tcp)| Port { public, inner, tcp }).collect(),
                    ports_fixed: false,
                })
                .collect(),
        }
    }
}
