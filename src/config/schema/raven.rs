//! A NoC Raven appliance and the ways to it: its two services, the metric endpoints of its
//! collectors, the SSH host before them, and who restarts its services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tls;
use crate::config::secret::SecretRef;
use crate::model::time::{DAY, HOUR, MINUTE, parse_duration};

/// A telemetry appliance at a venue: it collects syslog, flows, SNMP and Windows events and buffers
/// them while its uplink is down.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raven {
    /// The buffer service: `http://host:5005`. With `ssh`, as that host reaches it.
    #[schemars(extend("format" = "base-url"))]
    pub buffer: String,
    /// The config service: `http://host:5004`, or the web panel's address, which passes it on. Without it there are no services, no ports, no restarts through it.
    #[serde(default)]
    #[schemars(extend("format" = "base-url"))]
    pub config: Option<String>,
    /// TLS settings of both.
    #[serde(default)]
    pub tls: Tls,
    /// The key that the config service asks for.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// The SSH host through which everything of the appliance is reached.
    #[serde(default)]
    pub ssh: Option<Ssh>,
    /// Metric endpoints of the collectors, where they are open.
    #[serde(default)]
    pub metrics: CollectorMetrics,
    /// Who restarts services.
    #[serde(default)]
    pub control: Control,
    /// Where the appliance's own system is looked at: listening sockets, processes, disks, load.
    #[serde(default)]
    pub probe: Probe,
    /// The appliance's data folder, where it is looked at: its disk, the buffer's database.
    #[serde(default = "data_path")]
    #[schemars(extend("format" = "path"))]
    pub data_path: String,
    /// What differs from a shipped appliance, by service.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceSettings>,
    /// When alarms are raised.
    #[serde(default)]
    pub alarms: BufferAlarms,
    /// Seconds between polls; a slow appliance is polled less often.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 3600))]
    pub poll_s: u64,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

impl Raven {
    /// An appliance whose buffer service is here, everything else by default.
    #[must_use]
    pub fn new(buffer: impl Into<String>) -> Self {
        Self {
            buffer: buffer.into(),
            config: None,
            tls: Tls::default(),
            api_key: None,
            ssh: None,
            metrics: CollectorMetrics::default(),
            control: Control::default(),
            probe: Probe::default(),
            data_path: data_path(),
            services: BTreeMap::new(),
            alarms: BufferAlarms::default(),
            poll_s: poll_s(),
            paused: false,
        }
    }
}

const fn poll_s() -> u64 {
    5
}

fn data_path() -> String {
    "/data".into()
}

/// A key and the header it goes into.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The key, by reference.
    pub key: SecretRef,
    /// Which header carries it.
    #[serde(default)]
    pub header: ApiKeyHeader,
}

/// The three forms that the config service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApiKeyHeader {
    /// `X-API-Key: KEY`
    #[default]
    XApiKey,
    /// `Authorization: Bearer KEY`
    Bearer,
    /// `Authorization: Api-Key KEY`
    ApiKey,
}

/// A host reached with the system's `ssh`, its own settings, keys and known hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// `host`, `user@host`, or a name of `~/.ssh/config`.
    #[schemars(extend("format" = "ssh-host"))]
    pub host: String,
    /// Port, when neither 22 nor set in the SSH configuration.
    #[serde(default)]
    pub port: Option<u16>,
    /// Another SSH configuration file (`ssh -F`).
    #[serde(default)]
    #[schemars(extend("format" = "path"))]
    pub config_file: Option<String>,
}

/// Metric endpoints of the collectors: base URLs, as the SSH host reaches them where one is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectorMetrics {
    /// Telegraf's Prometheus output (`http://host:9273`).
    #[schemars(extend("format" = "base-url"))]
    pub telegraf: Option<String>,
    /// Fluent Bit's HTTP server (`http://host:2020`).
    #[schemars(extend("format" = "base-url"))]
    pub fluent_bit: Option<String>,
    /// `GoFlow2`'s HTTP server (`http://host:8081`).
    #[schemars(extend("format" = "base-url"))]
    pub goflow2: Option<String>,
    /// Vector's Prometheus exporter (`http://host:9090`).
    #[schemars(extend("format" = "base-url"))]
    pub vector: Option<String>,
}

/// Who restarts the services of an appliance.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(extend("type" = "object"))]
pub enum Control {
    /// The config service does.
    #[default]
    Api,
    /// A supervisor, by its XML-RPC.
    Supervisor(SupervisorControl),
    /// systemd, over D-Bus.
    Systemd(SystemdControl),
    /// Nobody: restarts are refused.
    None,
}

/// A supervisor's XML-RPC interface: exactly one of `url` and `socket`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SupervisorControl {
    /// Its HTTP server (`http://127.0.0.1:9001`).
    #[schemars(extend("format" = "base-url"))]
    pub url: Option<String>,
    /// Its Unix socket; on the SSH host where one is set.
    #[schemars(extend("format" = "path"))]
    pub socket: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password, by reference.
    pub password: Option<SecretRef>,
}

/// A systemd manager.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SystemdControl {
    /// The manager of the user instead of that of the machine.
    pub user: bool,
    /// Another D-Bus socket than the usual one.
    #[schemars(extend("format" = "path"))]
    pub socket: Option<String>,
}

/// Where the appliance's own system is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Nowhere: what its services tell is all there is.
    #[default]
    None,
    /// On this machine: noctule runs on the appliance.
    Local,
    /// On the SSH host.
    Ssh,
}

/// What differs from a shipped appliance in one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSettings {
    /// The name that supervisor or systemd has for it.
    pub unit: Option<String>,
    /// Whether the appliance is in trouble without it.
    pub critical: Option<bool>,
    /// Whether data is expected from it all the time; `false`: silence is no alarm.
    pub expected: Option<bool>,
    /// Its ports, instead of the shipped ones.
    pub ports: Option<Vec<ServicePort>>,
}

/// A port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePort {
    /// The port that devices send to.
    pub port: u16,
    /// The port the collector itself listens on, behind a relay.
    #[serde(default)]
    pub inner: Option<u16>,
    /// `udp` or `tcp`.
    #[serde(default)]
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// UDP.
    #[default]
    Udp,
    /// TCP.
    Tcp,
}

/// When alarms about buffers are raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BufferAlarms {
    /// Fill, %: minor from here.
    #[schemars(range(min = 1, max = 100))]
    pub fill_minor_pct: u32,
    /// Fill, %: major from here.
    #[schemars(range(min = 1, max = 100))]
    pub fill_major_pct: u32,
    /// Fill, %: critical from here.
    #[schemars(range(min = 1, max = 100))]
    pub fill_critical_pct: u32,
    /// Full within this time: minor.
    #[schemars(extend("format" = "time-span"))]
    pub full_in_minor: String,
    /// Full within this time: major.
    #[schemars(extend("format" = "time-span"))]
    pub full_in_major: String,
    /// Full within this time: critical.
    #[schemars(extend("format" = "time-span"))]
    pub full_in_critical: String,
    /// How far back the buffer is to reach while the uplink is down.
    #[schemars(extend("format" = "time-span"))]
    pub coverage: String,
    /// No record from a collector for this time: an alarm.
    #[schemars(extend("format" = "time-span"))]
    pub silent: String,
}

impl Default for BufferAlarms {
    fn default() -> Self {
        Self {
            fill_minor_pct: 70,
            fill_major_pct: 85,
            fill_critical_pct: 95,
            full_in_minor: "3d".into(),
            full_in_major: "1d".into(),
            full_in_critical: "4h".into(),
            coverage: "14d".into(),
            silent: "5m".into(),
        }
    }
}

impl BufferAlarms {
    /// The three limits of the time to full, µs: minor, major, critical. The loader has refused what
    /// cannot be read; a configuration made otherwise falls back to the defaults.
    #[must_use]
    pub fn full_in_us(&self) -> [i64; 3] {
        let or = |text: &str, default| parse_duration(text).unwrap_or(default);
        [or(&self.full_in_minor, 3 * DAY), or(&self.full_in_major, DAY), or(&self.full_in_critical, 4 * HOUR)]
    }

    /// [`BufferAlarms::coverage`], µs; see [`BufferAlarms::full_in_us`].
    #[must_use]
    pub fn coverage_us(&self) -> i64 {
        parse_duration(&self.coverage).unwrap_or(14 * DAY)
    }

    /// [`BufferAlarms::silent`], µs; see [`BufferAlarms::full_in_us`].
    #[must_use]
    pub fn silent_us(&self) -> i64 {
        parse_duration(&self.silent).unwrap_or(5 * MINUTE)
    }
}
