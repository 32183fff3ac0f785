//! Answers to what the model knows. Every function takes the bytes of a 2xx answer; what cannot be
//! read is told with its first words. Texts are made safe and bounded, time-stamps brought into the
//! plausible.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::appliance::ApplianceConfig;
use super::wire::{self, Int};
use crate::model::appliance::BufferConfig;
use crate::model::appliance::poll::{Disk, Estimate, HostStatus, ProcessStatus, ServiceStats, Stats, UplinkStatus};
use crate::model::text::clean;
use crate::model::time::{DAY, SECOND, Ts};

/// Bytes of a MiB.
const MIB: i64 = 1 << 20;
/// Longest name that is kept, characters.
const NAME: usize = 64;
/// Longest words that are kept, characters.
const WORDS: usize = 300;
/// No record is older than the software: 2015-01-01.
const EARLIEST: i64 = 1_420_070_400;

/// Why an answer cannot be read, with its first words.
pub type Unreadable = String;

/// A status call, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Services.
    pub services: Vec<ServiceStats>,
    /// The probe of the uplink, with whether records are forwarded.
    pub uplink: UplinkStatus,
}

/// The health of the buffer service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// In its word; always "healthy".
    pub word: String,
    /// Its clock.
    pub clock: Ts,
    /// Stored bytes, whole MiB.
    pub used_bytes: u64,
    /// Entries in `services` of its configuration.
    pub services: u64,
}

/// What a look at the system told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// Processes.
    pub processes: Vec<ProcessStatus>,
    /// Memory, disk and uptime.
    pub host: HostStatus,
    /// CPU is worked out of the load.
    pub estimates: Vec<Estimate>,
}

/// Which services the config service can restart, and their other names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    /// Names.
    pub services: Vec<String>,
    /// Other name, name.
    pub aliases: Vec<(String, String)>,
}

/// What `/api/metrics` and `/api/telemetry/stats` tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// What was counted, by service.
    pub totals: Vec<(String, u64)>,
    /// The system, where it is told.
    pub host: Option<HostStatus>,
    /// What is made up.
    pub estimates: Vec<Estimate>,
}

/// JSON of a type; on failure why, with the first words.
fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    if bytes.trim_ascii().is_empty() {
        return Err("it answered with nothing".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|e| {
        let why = bounded(&e.to_string(), 120);
        format!("{why}: {}", first_words(bytes))
    })
}

/// The first line of an answer, made safe.
#[must_use]
pub fn first_words(bytes: &[u8]) -> String {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let line = text.trim().lines().next().unwrap_or_default();
    bounded(line, 120)
}

fn bounded(text: &str, most: usize) -> String {
    let mut chars = text.trim().chars();
    let head: String = chars.by_ref().take(most).collect();
    let mut safe = clean(&head).into_owned();
    if chars.next().is_some() {
        safe.push('…');
    }
    safe
}

/// A name from outside.
fn name(text: &str) -> String {
    let safe = bounded(text, NAME);
    if safe.is_empty() { "(no name)".to_owned() } else { safe }
}

/// Unix seconds as an instant, brought between 2015 and a day after `at`; whether it was absurd.
/// Zero is none. An appliance's clock may run ahead a little, no record is from next year.
fn instant(told: Int, at: Ts) -> (Ts, bool) {
    let latest = at.plus(DAY).0 / SECOND;
    match told.0 {
        0 => (Ts::NEVER, false),
        t if t < EARLIEST => (Ts(EARLIEST * SECOND), true),
        t if t > latest => (at, true),
        t => (Ts(t * SECOND), false),
    }
}

/// RFC 3339 as an instant, brought into the plausible. Go's zero time is none.
fn moment(told: Option<&str>, at: Ts) -> Ts {
    let told = told.and_then(Ts::parse_rfc3339).unwrap_or_default();
    if told.0 < EARLIEST * SECOND { Ts::NEVER } else { instant(Int(told.0 / SECOND), at).0.max(Ts::NEVER) }
}

/// The answer of the heartbeat.
///
/// # Errors
/// See [`Unreadable`].
pub fn stats(bytes: &[u8], at: Ts) -> Result<Stats, Unreadable> {
    let told: wire::Stats = json(bytes)?;
    let (oldest, absurd_oldest) = instant(told.oldest_record, at);
    let (newest, absurd_newest) = instant(told.newest_record, at);
    Ok(Stats {
        used_bytes: Int(told.buffer_size_mb.0.saturating_mul(MIB)).count(),
        limit_bytes: told.max_buffer_size_mb.0.saturating_mul(MIB),
        records: told.total_records.count(),
        oldest,
        newest,
        absurd_time: absurd_oldest || absurd_newest,
        retention_days: told.retention_days.0,
        by_service: told.service_records.0.iter().map(|(n, records)| (name(n), records.count())).collect(),
        overflow_action: bounded(told.overflow_action.as_deref().unwrap_or_default(), NAME),
    })
}

/// The answer of a status call. The config service answers the same path with constants: they are
/// recognised and refused.
///
/// # Errors
/// See [`Unreadable`].
pub fn status(bytes: &[u8], at: Ts) -> Result<Status, Unreadable> {
    let told: wire::Status = json(bytes).map_err(|why| made_up(bytes).unwrap_or(why))?;
    let services = told.services.0.into_iter().map(|(key, s)| part(&key, &s, at)).collect();
    let uplink = UplinkStatus { forwarding: told.forwarding, ..uplink_of(&told.vpn_status, at) };
    Ok(Status { services, uplink })
}

/// Whether these are the constants of the config service.
fn made_up(bytes: &[u8]) -> Option<Unreadable> {
    #[derive(serde::Deserialize)]
    struct Constants {
        #[serde(rename = "health_score")]
        _score: Int,
        #[serde(rename = "utilization_percent")]
        _percent: Int,
    }
    serde_json::from_slice::<Constants>(bytes).ok().map(|_| {
        "these are constants of the config service: `buffer` of the source is to be the buffer service, port 5005"
            .to_owned()
    })
}

fn part(key: &str, told: &wire::ServiceStats, at: Ts) -> ServiceStats {
    let (oldest, absurd_oldest) = instant(told.oldest_record, at);
    let (newest, absurd_newest) = instant(told.newest_record, at);
    ServiceStats {
        service: name(key),
        records: told.total_records.count(),
        bytes: told.total_size.count(),
        oldest,
        newest,
        absurd_time: absurd_oldest || absurd_newest,
        forwarded: told.forwarded.count(),
        pending: told.pending.count(),
    }
}

/// The answer about one service; `asked` is its name, the echo is not trusted.
///
/// # Errors
/// See [`Unreadable`].
pub fn service(bytes: &[u8], asked: &str, at: Ts) -> Result<ServiceStats, Unreadable> {
    Ok(part(asked, &json(bytes)?, at))
}

fn uplink_of(told: &wire::Uplink, at: Ts) -> UplinkStatus {
    let error = bounded(told.last_error.as_deref().unwrap_or_default(), WORDS);
    let failures = told.failure_count.count();
    UplinkStatus {
        connected: told.connected,
        not_checked: !told.connected && failures == 0 && error.is_empty(),
        latency_ms: told.latency_ms.count(),
        failures,
        last_check: moment(told.last_check.as_deref(), at),
        last_error: error,
        forwarding: None,
    }
}

/// The probe of the uplink. Whether records are forwarded is not in it.
///
/// # Errors
/// See [`Unreadable`].
pub fn uplink(bytes: &[u8], at: Ts) -> Result<UplinkStatus, Unreadable> {
    Ok(uplink_of(&json(bytes)?, at))
}

/// The configuration of the buffer service.
///
/// # Errors
/// See [`Unreadable`].
pub fn buffer_config(bytes: &[u8]) -> Result<BufferConfig, Unreadable> {
    let whole: Map<String, Value> = json(bytes)?;
    if !whole.contains_key("max_buffer_size_mb") {
        return Err(format!("max_buffer_size_mb is missing: {}", first_words(bytes)));
    }
    Ok(BufferConfig::new(whole))
}

/// Names under `services` of a configuration of the buffer service, made safe for a path by whoever
/// sends them.
#[must_use]
pub fn configured(config: &BufferConfig) -> Vec<String> {
    let services = config.whole().get("services").and_then(Value::as_object);
    services.map(|s| s.keys().take(32).cloned().collect()).unwrap_or_default()
}

/// The health of the buffer service.
///
/// # Errors
/// See [`Unreadable`].
pub fn health(bytes: &[u8], at: Ts) -> Result<Health, Unreadable> {
    let told: wire::Health = json(bytes)?;
    Ok(Health {
        word: bounded(&told.status, NAME),
        clock: instant(told.timestamp, at).0,
        used_bytes: Int(told.buffer_size_mb.0.saturating_mul(MIB)).count(),
        services: told.services_enabled.count(),
    })
}

/// Whether this is the health of a config service, or of the web panel before it.
///
/// # Errors
/// See [`Unreadable`].
pub fn config_health(bytes: &[u8]) -> Result<String, Unreadable> {
    let told: wire::Said = json(bytes)?;
    Ok(bounded(&told.status, NAME))
}

/// Processes and system.
///
/// # Errors
/// See [`Unreadable`].
pub fn system(bytes: &[u8]) -> Result<System, Unreadable> {
    let told: wire::System = json(bytes)?;
    let process = |(service, process): &(String, wire::Process)| {
        let running = match process.status.as_str() {
            "healthy" => Some(true),
            "failed" => Some(false),
            _ => None,
        };
        ProcessStatus {
            service: name(service),
            running,
            critical: process.critical,
            word: bounded(&process.status, NAME),
            ..ProcessStatus::default()
        }
    };
    let host = HostStatus {
        disks: told.disk_usage.map(|used| root(percent(used.0), None)).into_iter().collect(),
        memory_pct: told.memory_usage.map(|p| percent(p.0)),
        uptime_s: told.uptime.as_deref().and_then(uptime),
        told_by: "config service".to_owned(),
        ..HostStatus::default()
    };
    let mut estimates = Vec::new();
    if let Some(cpu) = told.cpu_usage {
        // The load of a minute over the processors: the load itself is in the metrics.
        estimates.push(estimate("system.cpu_usage", cpu.0.to_string(), false));
    }
    estimates.push(estimate("system.status", bounded(&told.status, NAME), false));
    Ok(System { processes: told.services.0.iter().map(process).collect(), host, estimates })
}

fn root(used_pct: u32, space: Option<&wire::Space>) -> Disk {
    Disk {
        mount: "/".to_owned(),
        used_pct,
        free_bytes: space.map(|s| s.available.count()),
        size_bytes: space.map(|s| s.total.count()),
    }
}

fn percent(p: f64) -> u32 {
    p.clamp(0.0, 100.0).round() as u32
}

/// `37h 12m`, `3d 4h`, `12m`; nothing of anything else.
fn uptime(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    for word in words {
        let unit = match word.chars().next_back()? {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
    }
    Some(total)
}

fn estimate(name: &str, value: String, stub: bool) -> Estimate {
    Estimate { name: name.to_owned(), value, stub }
}

fn counted(flows: Int, syslog: Int, traps: Int, windows: Int) -> Vec<(String, u64)> {
    [("fluent-bit", syslog), ("goflow2", flows), ("telegraf", traps), ("vector", windows)]
        .map(|(service, n)| (service.to_owned(), n.count()))
        .to_vec()
}

/// Totals of what was collected, of the newer software.
///
/// # Errors
/// See [`Unreadable`].
pub fn telemetry(bytes: &[u8]) -> Result<Totals, Unreadable> {
    let told: wire::Telemetry = json(bytes)?;
    let guesses =
        [("telemetry.flowsPerSecond", told.flows_per_second), ("telemetry.activeDevices", told.active_devices)];
    Ok(Totals {
        totals: counted(told.total_flows, told.total_syslog, told.total_snmp, told.total_windows),
        host: None,
        estimates: guesses.iter().filter_map(|(n, v)| Some(estimate(n, v.as_ref()?.0.to_string(), false))).collect(),
    })
}

/// Totals and system, of the expensive call. Its number of processors is wrong and is left out.
///
/// # Errors
/// See [`Unreadable`].
pub fn metrics(bytes: &[u8]) -> Result<Totals, Unreadable> {
    let told: wire::Metrics = json(bytes)?;
    let milli = |load: &wire::Real| (load.0.clamp(0.0, 1e9) * 1000.0).round() as u64;
    let host = HostStatus {
        disks: told.disk_usage.map(|used| root(percent(used.0), told.disk.as_ref())).into_iter().collect(),
        load_milli: told.system.as_ref().map(|s| [milli(&s.load_1m), milli(&s.load_5m), milli(&s.load_15m)]),
        memory_pct: told.memory_usage.map(|p| percent(p.0)),
        uptime_s: told.uptime.as_deref().and_then(uptime),
        told_by: "config service".to_owned(),
        ..HostStatus::default()
    };
    let mut estimates = Vec::new();
    if let Some(cpu) = told.cpu_usage {
        estimates.push(estimate("metrics.cpu_usage", format!("{}%", cpu.0), false));
    }
    if let Some(network) = &told.network {
        estimates.push(estimate("metrics.network.bytes_per_sec", network.bytes_per_sec.0.to_string(), false));
    }
    Ok(Totals {
        totals: counted(
            told.netflow_records_received,
            told.syslog_messages_received,
            told.snmp_traps_received,
            told.windows_events_received,
        ),
        host: Some(host),
        estimates,
    })
}

/// The made-up numbers of a page (`flows`, `syslog`, `snmp`, `windows`, `buffer`): every number and
/// short text in it, but for the totals that are measured.
///
/// # Errors
/// See [`Unreadable`].
pub fn estimates(bytes: &[u8], page: &str) -> Result<Vec<Estimate>, Unreadable> {
    let told: Map<String, Value> = json(bytes)?;
    let stub = page == "windows";
    let mut out = Vec::new();
    for (key, value) in &told {
        // Lines counted: told with the totals.
        if matches!((page, key.as_str()), ("flows", "total_flows") | ("syslog", "total_logs" | "entries")) {
            continue;
        }
        leaves(&format!("{page}.{}", bounded(key, NAME)), value, stub, 0, &mut out);
    }
    Ok(out)
}

fn leaves(path: &str, value: &Value, stub: bool, depth: usize, out: &mut Vec<Estimate>) {
    if out.len() >= 64 {
        return;
    }
    match value {
        Value::Number(n) => out.push(estimate(path, n.to_string(), stub)),
        Value::String(text) => out.push(estimate(path, bounded(text, NAME), stub)),
        Value::Bool(b) => out.push(estimate(path, b.to_string(), stub)),
        Value::Object(map) if depth < 3 => {
            for (key, value) in map {
                leaves(&format!("{path}.{}", bounded(key, NAME)), value, stub, depth + 1, out);
            }
        }
        _ => {}
    }
}

/// Which services can be restarted.
///
/// # Errors
/// See [`Unreadable`].
pub fn services(bytes: &[u8]) -> Result<Services, Unreadable> {
    let told: wire::Services = json(bytes)?;
    Ok(Services {
        services: told.services.iter().take(64).map(|s| name(s)).collect(),
        aliases: told.aliases.0.iter().map(|(alias, real)| (name(alias), name(real))).collect(),
    })
}

/// The appliance's configuration. `null` is what a service says that was told `null`.
///
/// # Errors
/// See [`Unreadable`].
pub fn appliance_config(bytes: &[u8]) -> Result<ApplianceConfig, Unreadable> {
    json(bytes).map(ApplianceConfig::new)
}

/// What the config service says of a change: its words.
///
/// # Errors
/// See [`Unreadable`]; also when it says that it was not done.
pub fn done(bytes: &[u8]) -> Result<String, Unreadable> {
    let told: wire::Done = json(bytes)?;
    let words = bounded(&told.message, WORDS);
    if told.success { Ok(words) } else { Err(format!("it says that it failed: {words}")) }
}

/// What the buffer service says of a change: its words.
///
/// # Errors
/// See [`Unreadable`].
pub fn said(bytes: &[u8]) -> Result<String, Unreadable> {
    let told: wire::Said = json(bytes)?;
    Ok(bounded(&told.status, WORDS))
}

#[cfg(test)]
mod tests;
