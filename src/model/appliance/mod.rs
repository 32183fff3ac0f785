//! Telemetry appliances: what a poll told, the state that is worked out of it, and its history.
//!
//! Three layers, each a module. [`poll`] is what an appliance answered, as it answered: a controller
//! makes it. [`state`] is what is known after that poll, with rates, forecasts, drops and a verdict:
//! `engine::buffer` works it out of polls. [`history`] is that state over time, in points: the store
//! keeps it.
//!
//! Measurements are no events: a poll every few seconds of hundreds of appliances would push the
//! alarms out of the journal. They go into tables of their own, with their own retention; what
//! happened (alarms, lost records, restarts, commands) is journalled as for every other source.
//!
//! Numbers an appliance makes up (constants, ratios) are kept apart as [`poll::Estimate`]s: shown as
//! such, never used.

pub mod config;
pub mod history;
pub mod poll;
pub mod state;

pub use config::BufferConfig;
pub use history::{HistoryRequest, Point, Span};
pub use poll::Poll;
pub use state::{ApplianceRow, ApplianceState, CollectorRow, CollectorState};

impl CollectorRow {
    /// The row of its appliance: the identity of a collector begins with that of its appliance.
    #[must_use]
    pub const fn appliance(&self) -> super::ids::RowId {
        super::ids::RowId(self.id.0 >> 32)
    }
}

/// A shipped service: name, what it collects, whether it is critical, its ports.
pub type Shipped = (&'static str, &'static str, bool, &'static [ShippedPort]);
/// A port as shipped: the public one, the one behind its relay, whether it is TCP.
pub type ShippedPort = (u16, Option<u16>, bool);

/// The collecting services of a shipped appliance, in the order of the screen, with what they
/// collect and the ports they are reached at (facts: source-systems §1.1): service, words, critical,
/// ports as (public, inner, tcp).
pub const SHIPPED: [Shipped; 4] = [
    ("fluent-bit", "syslog", true, &[(1514, Some(12514), false)]),
    ("goflow2", "flows", true, &[(2055, Some(12055), false), (4739, Some(14739), false), (6343, Some(16343), false)]),
    ("telegraf", "SNMP traps", false, &[(162, Some(10162), false)]),
    ("vector", "Windows events", true, &[(8084, None, true)]),
];
