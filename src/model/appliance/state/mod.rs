//! What is known of an appliance after a poll. `Option` and `Unknown` mean that it is not known: a
//! number that is not measured is never shown as zero.

mod words;

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::model::ids::{RowId, SourceName};
use crate::model::severity::Severity;
use crate::model::time::Ts;
pub use words::{Confidence, Contact, Flow, PortCheck, ProcessState, ReplayState, UplinkState, Verdict};

use super::poll::{Disk, Estimate, Version};

/// The way out of the appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Uplink {
    /// How it stands.
    #[n(0)]
    pub state: UplinkState,
    /// Since when it stands so, as far as we saw; unset when not known.
    #[n(1)]
    pub since: Ts,
    /// Round trip of the last probe, ms; meaningful while up.
    #[n(2)]
    pub latency_ms: u64,
    /// Probes in a row that failed.
    #[n(3)]
    pub failures: u64,
    /// Why the last one failed.
    #[n(4)]
    pub last_error: String,
    /// When the appliance last probed.
    #[n(5)]
    pub last_check: Ts,
    /// Whether records are forwarded at all, by its configuration.
    #[n(6)]
    pub forwarding: Option<bool>,
}

/// The replay of buffered records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Replay {
    /// How it stands.
    #[n(0)]
    pub state: ReplayState,
    /// Since when.
    #[n(1)]
    pub since: Ts,
    /// Records forwarded since then.
    #[n(2)]
    pub sent: u64,
    /// When the last one will have been sent at this rate; `None` when not known.
    #[n(3)]
    pub done_in_us: Option<i64>,
}

/// A forecast: when something happens if all goes on as it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Forecast {
    /// How long from the poll, µs; never negative. `None`: not known, or it will not happen; the
    /// method says which.
    #[n(0)]
    pub in_us: Option<i64>,
    /// How it was worked out, or why there is none, in words.
    #[n(1)]
    pub method: String,
    /// How far to trust it.
    #[n(2)]
    pub confidence: Confidence,
    /// It will not happen as things go (falling, steady): `in_us` is `None` for a good reason.
    #[n(3)]
    pub never: bool,
}

/// Records that were lost, worked out from counters that fell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Loss {
    /// When it was seen.
    #[n(0)]
    pub at: Ts,
    /// How many records, at least.
    #[n(1)]
    pub records: u64,
    /// Of them not yet forwarded, when that can be told.
    #[n(2)]
    pub pending: Option<u64>,
    /// Why, in words, as far as it can be worked out.
    #[n(3)]
    pub cause: String,
    /// Of one collector; empty: of the whole buffer.
    #[n(4)]
    pub collector: String,
}

/// A port of a collector: the public one, and the one behind its relay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct PortState {
    /// TCP instead of UDP.
    #[n(0)]
    pub tcp: bool,
    /// The port that devices send to.
    #[n(1)]
    pub public: u16,
    /// How it stands.
    #[n(2)]
    pub public_state: PortCheck,
    /// Who holds it (`socat`), where that can be seen.
    #[n(3)]
    pub holder: String,
    /// The port that the collector itself listens on, when there is a relay.
    #[n(4)]
    pub inner: Option<u16>,
    /// How that stands.
    #[n(5)]
    pub inner_state: PortCheck,
}

impl PortState {
    /// A relay that accepts for a collector that is not there: what is sent to it is lost in silence.
    #[must_use]
    pub const fn relay_without_collector(&self) -> bool {
        matches!(self.public_state, PortCheck::Listening)
            && self.inner.is_some()
            && matches!(self.inner_state, PortCheck::Closed)
    }
}

/// A collector of an appliance: a service, its ports and its part of the buffer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct CollectorState {
    /// Service name (`fluent-bit`).
    #[n(0)]
    pub name: String,
    /// What it collects, in words (`syslog`); empty for services that collect nothing.
    #[n(1)]
    pub collects: String,
    /// Whether the appliance is in trouble without it.
    #[n(2)]
    pub critical: bool,
    /// Its process.
    #[n(3)]
    pub process: ProcessState,
    /// Since when the process is in this state; unset when not known.
    #[n(4)]
    pub process_since: Ts,
    /// Restarts seen or told; `None` when nobody counts.
    #[n(5)]
    pub restarts: Option<u32>,
    /// Its ports.
    #[n(6)]
    pub ports: Vec<PortState>,
    /// Whether data comes in.
    #[n(7)]
    pub flow: Flow,
    /// When the last record came in (by counters, our clock; else the newest record's time).
    #[n(8)]
    pub last_data: Ts,
    /// Records in the buffer.
    #[n(9)]
    pub records: Option<u64>,
    /// Bytes in the buffer.
    #[n(10)]
    pub bytes: Option<u64>,
    /// Records not yet forwarded.
    #[n(11)]
    pub pending: Option<u64>,
    /// Buffered records that were forwarded.
    #[n(12)]
    pub forwarded: Option<u64>,
    /// Oldest record.
    #[n(13)]
    pub oldest: Ts,
    /// Newest record.
    #[n(14)]
    pub newest: Ts,
    /// Records a second coming in, thousandths.
    #[n(15)]
    pub in_milli: Option<u64>,
    /// Records a second forwarded, thousandths.
    #[n(16)]
    pub out_milli: Option<u64>,
    /// Configured most records (not enforced by the appliance); `None`: no quota.
    #[n(17)]
    pub quota_records: Option<u64>,
    /// Fill against that quota, thousandths.
    #[n(18)]
    pub quota_permille: Option<u64>,
    /// When the quota will be reached.
    #[n(19)]
    pub quota_full: Forecast,
    /// Hours that its records are kept; `None`: not told.
    #[n(20)]
    pub retention_hours: Option<i64>,
    /// Compression as configured (`gzip`).
    #[n(21)]
    pub compression: String,
    /// Records lost in the last day, at least.
    #[n(22)]
    pub lost_day: u64,
    /// Priority as configured; 0 when not told.
    #[n(23)]
    pub priority: i64,
    /// A time-stamp was absurd and has been clamped.
    #[n(24)]
    pub absurd_time: bool,
    /// Whether it is switched off on purpose in the appliance's configuration.
    #[n(25)]
    pub disabled: bool,
    /// Counters of its own metric endpoint a second, thousandths, by what is counted.
    #[n(26)]
    pub meters: Vec<(super::poll::MeterKind, u64)>,
}

/// Everything known of an appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct ApplianceState {
    /// After which poll, our clock.
    #[n(0)]
    pub at: Ts,
    /// How it answers.
    #[n(1)]
    pub contact: Contact,
    /// What is wrong with its answers, in words; empty when nothing is.
    #[n(2)]
    pub trouble: String,
    /// When it last answered; unset: never.
    #[n(3)]
    pub answered: Ts,
    /// How long the heartbeat took, µs.
    #[n(4)]
    pub response_us: i64,
    /// Seconds until the next poll, as adapted to its speed, milliseconds.
    #[n(5)]
    pub poll_ms: u64,
    /// Software.
    #[n(6)]
    pub version: Version,
    /// noctule's verdict, and its reasons, the worst first.
    #[n(7)]
    pub verdict: Verdict,
    /// See [`ApplianceState::verdict`].
    #[n(8)]
    pub reasons: Vec<String>,
    /// Bytes in the buffer: the sum over its services where they tell, else whole MiB.
    #[n(9)]
    pub used_bytes: Option<u64>,
    /// Its limit, bytes; `None` when zero or not told.
    #[n(10)]
    pub limit_bytes: Option<u64>,
    /// Fill against the limit, thousandths; may exceed 1000.
    #[n(11)]
    pub fill_permille: Option<u64>,
    /// Records in the buffer.
    #[n(12)]
    pub records: Option<u64>,
    /// Of them not yet forwarded.
    #[n(13)]
    pub pending: Option<u64>,
    /// Of them forwarded.
    #[n(14)]
    pub forwarded: Option<u64>,
    /// Oldest record.
    #[n(15)]
    pub oldest: Ts,
    /// Newest record.
    #[n(16)]
    pub newest: Ts,
    /// Records a second coming in, thousandths.
    #[n(17)]
    pub in_milli: Option<u64>,
    /// Records a second forwarded, thousandths.
    #[n(18)]
    pub out_milli: Option<u64>,
    /// Bytes a second by which the buffer grows (negative: shrinks).
    #[n(19)]
    pub growth: Option<i64>,
    /// How far back the buffer reaches, µs; `None` when empty or not known.
    #[n(20)]
    pub coverage_us: Option<i64>,
    /// How far it is to reach, µs.
    #[n(21)]
    pub coverage_goal_us: i64,
    /// How far it would reach when full, at the present rate, µs.
    #[n(22)]
    pub coverage_full_us: Option<i64>,
    /// When it is full.
    #[n(23)]
    pub full: Forecast,
    /// When the first record is lost (overflow or retention, whichever comes first).
    #[n(24)]
    pub first_loss: Forecast,
    /// The last losses, newest first, at most eight.
    #[n(25)]
    pub losses: Vec<Loss>,
    /// Records lost in the last day, at least.
    #[n(26)]
    pub lost_day: u64,
    /// Replay.
    #[n(27)]
    pub replay: Replay,
    /// Uplink.
    #[n(28)]
    pub uplink: Uplink,
    /// Collectors and other services.
    #[n(29)]
    pub collectors: Vec<CollectorState>,
    /// What happens when it is full, in the appliance's word and what that really does.
    #[n(30)]
    pub overflow_action: String,
    /// Days that records are kept.
    #[n(31)]
    pub retention_days: Option<i64>,
    /// Whether records are compressed, by its configuration.
    #[n(32)]
    pub compression: Option<bool>,
    /// What in its configuration would kill it, or lose records, in words.
    #[n(33)]
    pub dangers: Vec<String>,
    /// Disks.
    #[n(34)]
    pub disks: Vec<Disk>,
    /// Load averages, thousandths.
    #[n(35)]
    pub load_milli: Option<[u64; 3]>,
    /// Processors.
    #[n(36)]
    pub cpus: Option<u32>,
    /// Memory used, %.
    #[n(37)]
    pub memory_pct: Option<u32>,
    /// Uptime, s.
    #[n(38)]
    pub uptime_s: Option<u64>,
    /// Bytes of the database on disk.
    #[n(39)]
    pub database_bytes: Option<u64>,
    /// Bytes of its write-ahead log.
    #[n(40)]
    pub wal_bytes: Option<u64>,
    /// Who told the figures of the system.
    #[n(41)]
    pub host_told_by: String,
    /// Numbers that are made up: shown as such, used for nothing.
    #[n(42)]
    pub estimates: Vec<Estimate>,
    /// A time-stamp was absurd and has been clamped.
    #[n(43)]
    pub absurd_time: bool,
    /// The buffer is switched on, by its configuration.
    #[n(44)]
    pub enabled: Option<bool>,
    /// Its alarms that stand, the worst first: a tracker goes on from them after a restart of noctule.
    #[n(45)]
    #[cbor(default)]
    pub standing: Vec<StandingAlarm>,
    /// Why its services are not told, in words, where they were to be; empty when they are.
    #[n(46)]
    #[cbor(default)]
    pub services_trouble: String,
}

/// An alarm that stands on an appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct StandingAlarm {
    /// Entry of the inventory (`buffer.fill`).
    #[n(0)]
    pub type_id: String,
    /// Collector or service; empty: the appliance.
    #[n(1)]
    pub collector: String,
    /// What the type does not tell apart.
    #[n(2)]
    pub qualifier: String,
    /// How bad.
    #[n(3)]
    pub severity: Severity,
    /// One line.
    #[n(4)]
    pub text: String,
}

impl ApplianceState {
    /// A collector by name.
    #[must_use]
    pub fn collector(&self, name: &str) -> Option<&CollectorState> {
        self.collectors.iter().find(|c| c.name == name)
    }
}

/// A row of the appliances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplianceRow {
    /// Identity.
    pub id: RowId,
    /// Source that it is.
    pub source: SourceName,
    /// What is known of it.
    pub state: Arc<ApplianceState>,
    /// Its active alarms.
    pub alarms: u32,
    /// Fill of the last hour in 24 steps, thousandths, oldest first; `None` where nothing is known.
    pub fill_hour: Vec<Option<u32>>,
}

/// A row of the collectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorRow {
    /// Identity.
    pub id: RowId,
    /// Source that its appliance is.
    pub source: SourceName,
    /// `source/collector/name`.
    pub canonical: String,
    /// When its appliance was polled.
    pub at: Ts,
    /// Whether its appliance answers.
    pub contact: Contact,
    /// What is known of it.
    pub state: CollectorState,
    /// Records a second coming in over the last hour in 24 steps, thousandths, oldest first.
    pub in_hour: Vec<Option<u64>>,
}
