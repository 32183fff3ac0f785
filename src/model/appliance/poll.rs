//! What an appliance answered, call by call. A call that was not due stays as it was ([`Answer::NotAsked`]).

use super::super::time::Ts;

/// One answer of an appliance. That it answered and cannot be read is a state of its own, and so is
/// that nobody has asked yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Answer<T> {
    /// The call was not due, or there is no address for it.
    #[default]
    NotAsked,
    /// It answered.
    Said(T),
    /// It answered 2xx, and what it said cannot be read; why, with the first words.
    Unreadable(String),
    /// It answered with a refusal or an error: status and first line.
    Refused(String),
    /// No answer: refused connection, time-out, broken connection; in words.
    Silent(String),
}

impl<T> Answer<T> {
    /// What it said, when it did.
    pub const fn said(&self) -> Option<&T> {
        match self {
            Self::Said(value) => Some(value),
            _ => None,
        }
    }

    /// Why there is nothing, when it was asked.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::NotAsked | Self::Said(_) => None,
            Self::Unreadable(why) | Self::Refused(why) | Self::Silent(why) => Some(why),
        }
    }
}

/// All answers of one poll.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Poll {
    /// When it ended, our clock.
    pub at: Ts,
    /// How long the heartbeat (`/api/buffer/stats`) took, µs.
    pub response_us: i64,
    /// `/api/buffer/stats`: the heartbeat.
    pub stats: Answer<Stats>,
    /// `/api/buffer/status`, or per-service stats put together: the collectors.
    pub services: Answer<Vec<ServiceStats>>,
    /// The probe of the uplink.
    pub uplink: Answer<UplinkStatus>,
    /// The configuration of the buffer service.
    pub config: Answer<super::config::BufferConfig>,
    /// Processes, as the config service sees them: name, running, critical.
    pub processes: Answer<Vec<ProcessStatus>>,
    /// The appliance's configured ports, as the config service has them.
    pub port_plan: Answer<Vec<PortSetting>>,
    /// Counters of the collectors' own metric endpoints.
    pub meters: Vec<Meter>,
    /// The appliance's own system.
    pub host: Answer<HostStatus>,
    /// Measured by the config service: totals of what was collected, by service.
    pub totals: Answer<Vec<(String, u64)>>,
    /// Numbers that are made up, as far as they came in anew; shown as estimates in the detail view
    /// and nowhere else.
    pub estimates: Vec<Estimate>,
    /// Which software it is, once known.
    pub version: Option<Version>,
}

/// The two generations of the software, told apart at the first contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum Version {
    /// Not known yet.
    #[n(0)]
    #[default]
    Unknown,
    /// Without `/api/v1`.
    #[n(1)]
    Old,
    /// With it.
    #[n(2)]
    New,
}

impl Version {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// The whole buffer, by `/api/buffer/stats`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// Stored bytes, whole MiB rounded down by the appliance, as bytes.
    pub used_bytes: u64,
    /// The limit, bytes; 0 or less as told: see [`Stats::limit_is_zero`].
    pub limit_bytes: i64,
    /// Records (calls of ingest, not messages).
    pub records: u64,
    /// Oldest record; clamped into the plausible, unset when there is none.
    pub oldest: Ts,
    /// Newest record; clamped.
    pub newest: Ts,
    /// A time-stamp was absurd and has been clamped.
    pub absurd_time: bool,
    /// Days that records are kept.
    pub retention_days: i64,
    /// Records by service, as told.
    pub by_service: Vec<(String, u64)>,
    /// What happens when it is full: as configured, in the appliance's word.
    pub overflow_action: String,
}

impl Stats {
    /// The appliance cannot compute a fill: with a limit of 0 its status calls answer with nothing.
    #[must_use]
    pub const fn limit_is_zero(&self) -> bool {
        self.limit_bytes <= 0
    }
}

/// One service of the buffer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceStats {
    /// Service name as the appliance has it.
    pub service: String,
    /// Records stored.
    pub records: u64,
    /// Bytes stored, after compression.
    pub bytes: u64,
    /// Oldest record; clamped.
    pub oldest: Ts,
    /// Newest record; clamped.
    pub newest: Ts,
    /// A time-stamp was absurd and has been clamped.
    pub absurd_time: bool,
    /// Stored records that were forwarded since.
    pub forwarded: u64,
    /// Stored records that were not.
    pub pending: u64,
}

/// What the appliance's probe of its uplink says. "Connected" means that the forwarding target
/// answered its health call, not that a tunnel is up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UplinkStatus {
    /// The target answered.
    pub connected: bool,
    /// No probe has been made yet (failure count 0, not connected).
    pub not_checked: bool,
    /// Round trip, ms.
    pub latency_ms: u64,
    /// Probes in a row that failed.
    pub failures: u64,
    /// When it was last probed; clamped.
    pub last_check: Ts,
    /// Why it fails; empty when it does not.
    pub last_error: String,
    /// Whether records are forwarded at all.
    pub forwarding: Option<bool>,
}

/// A process of the appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessStatus {
    /// Service.
    pub service: String,
    /// Whether it runs; `None`: not known.
    pub running: Option<bool>,
    /// Whether the appliance calls it critical.
    pub critical: Option<bool>,
    /// State in the word of whoever tells (`RUNNING`, `healthy`, `active`).
    pub word: String,
    /// When it started; unset when not told.
    pub since: Ts,
    /// Process id; 0 when not told.
    pub pid: u32,
    /// Restarts, when somebody counts them.
    pub restarts: Option<u32>,
}

/// A port of the appliance's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortSetting {
    /// Service.
    pub service: String,
    /// Where it stands in the configuration (`collection.syslog.port`).
    pub path: String,
    /// Port.
    pub port: u16,
    /// TCP instead of UDP.
    pub tcp: bool,
    /// Whether the collector is enabled.
    pub enabled: bool,
}

/// A counter of a collector's own metric endpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meter {
    /// Service.
    pub service: String,
    /// What is counted (`records in`, `records out`, `dropped`, `errors`).
    pub what: MeterKind,
    /// Its value now.
    pub value: f64,
}

/// What a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum MeterKind {
    /// Records (events, packets, flows) received.
    #[n(0)]
    #[default]
    Received,
    /// Records sent on.
    #[n(1)]
    Sent,
    /// Records dropped.
    #[n(2)]
    Dropped,
    /// Errors.
    #[n(3)]
    Errors,
}

/// The system an appliance runs on, measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostStatus {
    /// Disks: mount point, used %, free bytes.
    pub disks: Vec<Disk>,
    /// Load averages of 1, 5, 15 minutes, thousandths.
    pub load_milli: Option<[u64; 3]>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Memory used, %.
    pub memory_pct: Option<u32>,
    /// Uptime, s.
    pub uptime_s: Option<u64>,
    /// Bytes of the buffer's database on disk, and of its write-ahead log.
    pub database_bytes: Option<u64>,
    /// See [`HostStatus::database_bytes`].
    pub wal_bytes: Option<u64>,
    /// Listening sockets: `None` when they cannot be seen.
    pub listening: Option<Vec<Socket>>,
    /// Where this was measured (`this machine`, `ssh jump-1`, `config service`).
    pub told_by: String,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
pub struct Disk {
    /// Mount point.
    #[n(0)]
    pub mount: String,
    /// Used, %.
    #[n(1)]
    pub used_pct: u32,
    /// Free, bytes; `None` when not told.
    #[n(2)]
    pub free_bytes: Option<u64>,
    /// Size, bytes; `None` when not told.
    #[n(3)]
    pub size_bytes: Option<u64>,
}

/// A socket that listens (TCP) or is bound (UDP).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, minicbor::Encode, minicbor::Decode)]
pub struct Socket {
    /// TCP instead of UDP.
    #[n(0)]
    pub tcp: bool,
    /// Address it is bound to.
    #[n(1)]
    pub address: String,
    /// Port.
    #[n(2)]
    pub port: u16,
    /// Name of the process, where it can be seen.
    #[n(3)]
    pub process: String,
    /// Its id; 0 where it cannot be seen.
    #[n(4)]
    pub pid: u32,
}

impl Estimate {
    /// Puts what came in anew in the place of all that the same pages told before: the page of
    /// `flows.bytes` is `flows`.
    pub fn renew(known: &mut Vec<Self>, new: impl IntoIterator<Item = Self>) {
        fn page(e: &Estimate) -> &str {
            e.name.split_once('.').map_or(e.name.as_str(), |(page, _)| page)
        }
        let new: Vec<Self> = new.into_iter().collect();
        known.retain(|e| new.iter().all(|n| page(n) != page(e)));
        known.extend(new);
    }
}

/// A number that an appliance makes up.
#[derive(Debug, Clone, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
pub struct Estimate {
    /// Field as the appliance names it.
    #[n(0)]
    pub name: String,
    /// Value as text.
    #[n(1)]
    pub value: String,
    /// The appliance made it up (`STUB`), rather than derived it from a ratio or a constant (`EST`).
    #[n(2)]
    pub stub: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_tells_anew_replaces_that_page_alone() {
        let told = |name: &str, value: &str| Estimate { name: name.into(), value: value.into(), stub: false };
        let mut known = vec![told("flows.bytes", "1"), told("flows.rate", "2"), told("system.cpu", "3")];
        Estimate::renew(&mut known, [told("flows.bytes", "9")]);
        assert_eq!(known, [told("system.cpu", "3"), told("flows.bytes", "9")]);
        Estimate::renew(&mut known, []);
        assert_eq!(known.len(), 2);
    }
}
