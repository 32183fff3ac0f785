//! Network diagnostics as plain types: what is asked for, what is told while it runs, what came of
//! it, and both in words and as JSON. No socket is opened here; `controllers::diag` does that.
//!
//! Durations are whole microseconds in every result and in every JSON field named `…_us`; loss is
//! in percent, rates in bits per second.

mod event;
mod host;
mod icmp;
mod json;
mod outcome;
mod request;
mod stats;
mod tally;
mod words;

pub use event::{DiagEvent, PingEvent};
pub use host::{DnsName, Family, Host, HttpUrl};
pub use icmp::Unreach;
pub use outcome::{
    BandwidthOutcome, BandwidthSample, DiagData, DiagResult, DnsAnswer, DnsOutcome, DnsRecord, Hop, PingOutcome,
    PortOutcome, PortState, Probe, SocketKind, TraceOutcome, Verdict,
};
pub use request::{
    BandwidthRequest, DiagRequest, Direction, DnsRequest, DnsType, PingRequest, PortRequest, Protocol, TraceRequest,
    parse_ports,
};
pub use stats::Stats;
pub use tally::Tally;

/// Why a request cannot be made: which field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Wrong {
    /// The field (`host`, `count`, …).
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub why: String,
}

impl Wrong {
    pub(crate) fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}
