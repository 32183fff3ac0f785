//! The configuration file as types. `noctule config schema` prints their JSON schema,
//! `noctule config example` a commented file.

mod libvirt;
mod menu;
mod prometheus;
mod raven;

use serde::{Deserialize, Serialize};

pub use libvirt::{DeleteAfter, Libvirt, OnFailure, Share, VmBackup, VmMigration};
pub use menu::{Menu, MenuPin};
pub use prometheus::{Alertmanager, Mapping, Prometheus};
pub use raven::{
    ApiKey, ApiKeyHeader, BufferAlarms, CollectorMetrics, Control, Probe, Protocol, Raven, ServicePort,
    ServiceSettings, Ssh, SupervisorControl, SystemdControl,
};

use super::secret::SecretRef;
use crate::model::time::{DAY, parse_duration};

/// The whole configuration, all layers merged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Profile used when none is named on the command line.
    #[schemars(extend("format" = "name"))]
    pub default_profile: Option<String>,
    /// What the screen looks like.
    pub ui: Ui,
    /// Where and how long data is kept.
    pub cache: Cache,
    /// Sites, names and subscribers.
    pub inventory: Inventory,
    /// The console of an appliance, `noctule menu`.
    pub menu: Menu,
    /// A file with the user's own alarm types, over the shipped ones.
    #[schemars(extend("format" = "path"))]
    pub alarm_types: Option<String>,
    /// Controllers to watch.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Named sets of rights and settings.
    pub profile: std::collections::BTreeMap<String, Profile>,
}

/// What the screen looks like.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ui {
    /// Theme: `default`, `high-contrast`, `deuteranopia`, `tritanopia`, `tty`, or a file in the user's `themes` folder.
    pub theme: String,
    /// Glyphs: `auto`, `unicode`, `ascii`.
    pub glyphs: Glyphs,
    /// Colours: `auto`, `true`, `256`, `16`, `none`.
    pub colour: Colour,
    /// How the picture of a VNC console is drawn: `auto`, `kitty`, `sixel`, `blocks`. All but `blocks` need a noctule built with `--features graphics`.
    pub pictures: Pictures,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Whether the clock is shown.
    pub clock: bool,
    /// No blinking, no moving signs.
    pub reduced_motion: bool,
    /// The user's key bindings, over the shipped ones; a path, `keymap.toml` beside the configuration when it exists.
    #[schemars(extend("format" = "path"))]
    pub keymap: Option<String>,
    /// Milliseconds after a prefix key until the popup with its continuations appears.
    #[schemars(range(min = 0, max = 10000))]
    pub which_key_ms: u64,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "default".into(),
            glyphs: Glyphs::Auto,
            colour: Colour::Auto,
            pictures: Pictures::Auto,
            mouse: true,
            clock: true,
            reduced_motion: false,
            keymap: None,
            which_key_ms: 200,
        }
    }
}

/// Which signs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// By TERM and LANG.
    #[default]
    Auto,
    /// Lines and blocks.
    Unicode,
    /// Nothing beyond ASCII.
    Ascii,
}

/// How many colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Colour {
    /// By COLORTERM, TERM and `NO_COLOR`.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// 24 bit.
    #[serde(rename = "true")]
    True,
    /// The 256-colour palette.
    #[serde(rename = "256")]
    Ansi256,
    /// The 16 ANSI colours.
    #[serde(rename = "16")]
    Ansi16,
    /// None: attributes only.
    #[serde(rename = "none")]
    None,
}

/// What the picture of a VNC console is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pictures {
    /// What the terminal answers that it has, when the first picture is shown; half blocks inside tmux and screen.
    #[default]
    Auto,
    /// Pixels, by kitty's graphics protocol, whether or not the terminal says that it has it.
    Kitty,
    /// Pixels, by sixel, whether or not the terminal says that it has it.
    Sixel,
    /// Half blocks: two pixels a cell.
    Blocks,
}

/// Where and how long data is kept.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// File; by default `noctule.db` in the XDG data folder, one a profile.
    #[schemars(extend("format" = "path"))]
    pub path: Option<String>,
    /// Journal records older than this are dropped once nothing depends on them (`30d`).
    #[schemars(extend("format" = "time-span"))]
    pub keep: String,
    /// Journal bytes above which the oldest are dropped (`2GiB`).
    #[schemars(extend("format" = "byte-size"))]
    pub max_size: String,
    /// Alarms that are over and dealt with leave the cache after this time (`7d`).
    #[schemars(extend("format" = "time-span"))]
    pub purge_after: String,
}

impl Cache {
    /// [`Cache::keep`] in microseconds. The loader has refused what cannot be read; a
    /// configuration made otherwise falls back to the default.
    #[must_use]
    pub fn keep_us(&self) -> i64 {
        parse_duration(&self.keep).unwrap_or(30 * DAY)
    }

    /// [`Cache::max_size`] in bytes; see [`Cache::keep_us`].
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        parse_size(&self.max_size).unwrap_or(2 << 30)
    }

    /// [`Cache::purge_after`] in microseconds; see [`Cache::keep_us`].
    #[must_use]
    pub fn purge_after_us(&self) -> i64 {
        parse_duration(&self.purge_after).unwrap_or(7 * DAY)
    }
}

/// Parses `512MiB`, `2GiB`, `1.5GB`, `4096` into bytes (IEC units are powers of 1024, SI units of 1000).
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1_048_576.0,
        "gib" | "g" => 1_073_741_824.0,
        "tib" | "t" => 1_099_511_627_776.0,
        _ => return None,
    };
    let bytes = number.trim().parse::<f64>().ok()? * factor;
    (bytes.is_finite() && (0.0..1e18).contains(&bytes)).then_some(bytes as u64)
}

impl Default for Cache {
    fn default() -> Self {
        Self { path: None, keep: "30d".into(), max_size: "2GiB".into(), purge_after: "7d".into() }
    }
}

/// Sites, names and subscribers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// A TOML or CSV file; read again when it changes.
    #[schemars(extend("format" = "path"))]
    pub file: Option<String>,
}

/// A named set of rights and settings.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Whether commands that change anything are refused. A new profile is read-only.
    pub read_only: bool,
    /// Whether secrets of CPEs (WiFi and PPPoE passwords) are shown on request; each time is logged.
    pub reveal_secrets: bool,
    /// Only these sources; all when empty.
    pub sources: Vec<String>,
    /// Theme of the profile.
    pub theme: Option<String>,
    /// Name written into actions; the login name when not set.
    pub operator: Option<String>,
    /// Tenant: part of every alarm's identity.
    pub tenant: String,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            read_only: true,
            reveal_secrets: false,
            sources: Vec::new(),
            theme: None,
            operator: None,
            tenant: String::new(),
        }
    }
}

/// A controller to watch.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Source {
    /// Name, unique, shown everywhere: letters, digits, `-`, `_`, `.`.
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: SourceKind,
}

/// Kinds of sources.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SourceKind {
    /// A VOLTHA stack.
    Voltha(Voltha),
    /// A GenieACS: the auto-configuration server of the CPEs.
    Genieacs(Genieacs),
    /// A NoC Raven: a telemetry appliance at a venue.
    Raven(Box<Raven>),
    /// A Prometheus: the alerts of its rules, and answers to queries.
    Prometheus(Box<Prometheus>),
    /// An Alertmanager: alerts, silences, inhibitions.
    Alertmanager(Box<Alertmanager>),
    /// A host of virtual machines, by its libvirt.
    Libvirt(Box<Libvirt>),
}

/// A VOLTHA stack: `rw_core` over gRPC, `voltha.events` over Kafka.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Voltha {
    /// `http://host:50057` or, behind a TLS proxy, `https://host:port`.
    #[schemars(extend("format" = "endpoint"))]
    pub grpc: String,
    /// TLS settings of the gRPC side.
    #[serde(default)]
    pub tls: Tls,
    /// The event stream; without it only polling works.
    #[serde(default)]
    pub kafka: Option<Kafka>,
    /// Seconds between full polls.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 86400))]
    pub poll_s: u64,
    /// Seconds a call may take.
    #[serde(default = "timeout_s")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_s: u64,
    /// Largest answer, MiB (2,048 ONUs are 4.3 MB).
    #[serde(default = "max_message_mib")]
    #[schemars(range(min = 4, max = 2047))]
    pub max_message_mib: usize,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

impl Voltha {
    /// A stack at this gRPC endpoint, everything else by default.
    #[must_use]
    pub fn new(grpc: impl Into<String>) -> Self {
        Self {
            grpc: grpc.into(),
            tls: Tls::default(),
            kafka: None,
            poll_s: poll_s(),
            timeout_s: timeout_s(),
            max_message_mib: max_message_mib(),
            paused: false,
        }
    }
}

const fn poll_s() -> u64 {
    30
}

const fn timeout_s() -> u64 {
    20
}

const fn max_message_mib() -> usize {
    256
}

/// A GenieACS: its northbound interface, and how its CPEs are judged.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Genieacs {
    /// The northbound interface: `http://host:7557`, `https://` behind a TLS proxy, with the proxy's path when it has one.
    #[schemars(extend("format" = "base-url"))]
    pub nbi: String,
    /// The file server (`http://host:7567`), to read files back.
    #[serde(default)]
    #[schemars(extend("format" = "base-url"))]
    pub fs: Option<String>,
    /// TLS settings of both.
    #[serde(default)]
    pub tls: Tls,
    /// What is shown to the proxy before it: the interface itself has no login.
    #[serde(default)]
    pub auth: HttpAuth,
    /// Seconds between looks at the CPEs that informed since the last one.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 86400))]
    pub poll_s: u64,
    /// Seconds between looks at all CPEs.
    #[serde(default = "full_s")]
    #[schemars(range(min = 60, max = 604_800))]
    pub full_s: u64,
    /// Seconds that a task with a connection request may take: the server itself waits up to 155 s.
    #[serde(default = "task_timeout_s")]
    #[schemars(range(min = 180, max = 3600))]
    pub timeout_s: u64,
    /// A CPE that informed within these seconds is online.
    #[serde(default = "online_s")]
    #[schemars(range(min = 10, max = 604_800))]
    pub online_s: u64,
    /// A CPE that informed within these seconds is late; after them it is offline.
    #[serde(default = "offline_s")]
    #[schemars(range(min = 10, max = 31_536_000))]
    pub offline_s: u64,
    /// CPEs that a job works on at a time, unless it says otherwise; one CWMP worker accepts 20.
    #[serde(default = "max_concurrent")]
    #[schemars(range(min = 1, max = 100))]
    pub max_concurrent: u32,
    /// A folder of your own CPE profiles (parameter paths of models), over the shipped ones.
    #[serde(default)]
    #[schemars(extend("format" = "path"))]
    pub profiles: Option<String>,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

impl Genieacs {
    /// A server at this base URL, everything else by default.
    #[must_use]
    pub fn new(nbi: impl Into<String>) -> Self {
        Self {
            nbi: nbi.into(),
            fs: None,
            tls: Tls::default(),
            auth: HttpAuth::default(),
            poll_s: poll_s(),
            full_s: full_s(),
            timeout_s: task_timeout_s(),
            online_s: online_s(),
            offline_s: offline_s(),
            max_concurrent: max_concurrent(),
            profiles: None,
            paused: false,
        }
    }
}

const fn full_s() -> u64 {
    3600
}

const fn task_timeout_s() -> u64 {
    180
}

const fn online_s() -> u64 {
    300
}

const fn offline_s() -> u64 {
    86_400
}

const fn max_concurrent() -> u32 {
    10
}

/// What is shown to a server, or to the proxy in front of it. At most one of `basic` and `bearer`; a
/// header of its own may come on top.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpAuth {
    /// User name and password.
    pub basic: Option<BasicAuth>,
    /// A bearer token, by reference.
    pub bearer: Option<SecretRef>,
    /// Any other header.
    pub header: Option<HeaderAuth>,
}

impl HttpAuth {
    /// Whether nothing is shown.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.basic.is_none() && self.bearer.is_none() && self.header.is_none()
    }
}

/// User name and password of HTTP's Basic scheme.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// User name.
    pub username: String,
    /// Password, by reference.
    pub password: SecretRef,
}

/// A header with a secret value (`x-api-key`).
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderAuth {
    /// Its name.
    #[schemars(extend("format" = "header-name"))]
    pub name: String,
    /// Its value, by reference.
    pub value: SecretRef,
}

/// TLS settings of one connection.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file of the authority that signed the server; the system's own when not set.
    #[schemars(extend("format" = "path"))]
    pub ca: Option<String>,
    /// PEM file of our certificate.
    #[schemars(extend("format" = "path"))]
    pub cert: Option<String>,
    /// PEM of our private key.
    pub key: Option<SecretRef>,
    /// Name expected in the server's certificate, when it is not the host's.
    pub server_name: Option<String>,
}

/// The event stream.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `host:port`, one or more.
    #[schemars(length(min = 1), extend("items" = serde_json::json!({ "type": "string", "format": "host-port" })))]
    pub brokers: Vec<String>,
    /// Topic.
    #[serde(default = "topic")]
    pub topic: String,
    /// Whether the brokers speak TLS.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Login.
    #[serde(default)]
    pub sasl: Option<Sasl>,
}

impl Kafka {
    /// A stream of VOLTHA's own topic at these brokers, without login.
    #[must_use]
    pub fn new(brokers: Vec<String>) -> Self {
        Self { brokers, topic: topic(), tls: None, sasl: None }
    }
}

fn topic() -> String {
    "voltha.events".into()
}

/// Login at a Kafka broker.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// Mechanism.
    pub mechanism: SaslMechanism,
    /// User name.
    pub username: String,
    /// Password, by reference.
    pub password: SecretRef,
}

/// SASL mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum SaslMechanism {
    /// In clear: only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge, SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge, SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    /// The mechanism's registered name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("2GiB"), Some(2 << 30));
        assert_eq!(parse_size("1.5 MB"), Some(1_500_000));
        assert_eq!(parse_size("4096"), Some(4096));
        for bad in ["", "GiB", "-1", "1 elephant", "inf", "1e400", "9999999999TiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
