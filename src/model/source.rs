//! A source: one controller that noctule watches, and how well that goes.

use minicbor::{Decode, Encode};

use super::ids::{RowId, SourceName};
use super::time::Ts;

/// State of the circuit breaker before a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Breaker {
    /// Calls pass.
    #[n(0)]
    #[default]
    Closed,
    /// Calls are refused until the cool-down is over.
    #[n(1)]
    Open,
    /// One call is let through to see.
    #[n(2)]
    HalfOpen,
}

impl Breaker {
    /// The state as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// Health of a source as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Health {
    /// Nothing has been tried yet.
    #[n(0)]
    #[default]
    Starting,
    /// Poll and stream work.
    #[n(1)]
    Up,
    /// One of poll and stream works.
    #[n(2)]
    Degraded,
    /// Nothing works.
    #[n(3)]
    Down,
    /// Paused by an operator.
    #[n(4)]
    Paused,
}

impl Health {
    /// The health as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Up,
            2 => Self::Degraded,
            3 => Self::Down,
            4 => Self::Paused,
            _ => Self::Starting,
        }
    }
}

/// What a worker reports of its source when something changed (not at every poll).
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct SourceReport {
    /// `voltha`, later `genieacs` …
    #[n(0)]
    pub kind: String,
    /// Where it is, without credentials.
    #[n(1)]
    pub endpoint: String,
    /// Overall health.
    #[n(2)]
    pub health: Health,
    /// Breaker of the calls.
    #[n(3)]
    pub breaker: Breaker,
    /// Last poll's duration, µs.
    #[n(4)]
    pub latency_us: i64,
    /// When a call last succeeded.
    #[n(5)]
    pub last_ok: Ts,
    /// The error that stands, in words; empty when none.
    #[n(6)]
    pub last_error: String,
    /// Messages waiting to be journalled.
    #[n(7)]
    pub queue: u32,
    /// Version the source told.
    #[n(8)]
    pub version: String,
    /// Source clock minus ours, µs (measured on events).
    #[n(9)]
    pub skew_us: i64,
    /// Events a second over the last window, in thousandths.
    #[n(10)]
    pub rate_milli: u64,
    /// State of the event stream, in words (`3 partitions, offset 1820`).
    #[n(11)]
    pub stream: String,
    /// Devices known after the last poll.
    #[n(12)]
    pub devices: u32,
}

/// A row of the Sources pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Row identity.
    pub id: RowId,
    /// Name in the configuration.
    pub name: SourceName,
    /// Newest report.
    pub report: SourceReport,
    /// When the report was made, our clock.
    pub as_of: Ts,
    /// Active alarms of the source.
    pub alarms: u32,
}
