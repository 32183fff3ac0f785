//! The configuration file as types. `noctule config schema` prints their JSON schema,
//! `noctule config example` a commented file.

use serde::{Deserialize, Serialize};

use super::secret::SecretRef;

/// The whole configuration, all layers merged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Profile used when none is named on the command line.
    pub default_profile: Option<String>,
    /// What the screen looks like.
    pub ui: Ui,
    /// Where and how long data is kept.
    pub cache: Cache,
    /// Sites, names and subscribers.
    pub inventory: Inventory,
    /// The user's own alarm types, over the shipped ones.
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
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Whether the clock is shown.
    pub clock: bool,
    /// No blinking, no moving signs.
    pub reduced_motion: bool,
    /// The user's key bindings, over the shipped ones; a path, `keymap.toml` beside the configuration when it exists.
    pub keymap: Option<String>,
    /// Milliseconds after a prefix key until the popup with its continuations appears.
    pub which_key_ms: u64,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "default".into(),
            glyphs: Glyphs::Auto,
            colour: Colour::Auto,
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

/// Where and how long data is kept.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// File; by default `noctule.db` in the XDG data folder, one a profile.
    pub path: Option<String>,
    /// Journal records older than this are dropped once nothing depends on them (`30d`).
    pub keep: String,
    /// Journal bytes above which the oldest are dropped (`2GiB`).
    pub max_size: String,
    /// Alarms that are over and dealt with leave the cache after this time (`7d`).
    pub purge_after: String,
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
    pub file: Option<String>,
}

/// A named set of rights and settings.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Whether commands that change anything are refused. A new profile is read-only.
    pub read_only: bool,
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
        Self { read_only: true, sources: Vec::new(), theme: None, operator: None, tenant: String::new() }
    }
}

/// A controller to watch.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name, unique, shown everywhere: letters, digits, `-`, `_`, `.`.
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
}

/// A VOLTHA stack: `rw_core` over gRPC, `voltha.events` over Kafka.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Voltha {
    /// `http://host:50057` or, behind a TLS proxy, `https://host:port`.
    pub grpc: String,
    /// TLS settings of the gRPC side.
    #[serde(default)]
    pub tls: Tls,
    /// The event stream; without it only polling works.
    #[serde(default)]
    pub kafka: Option<Kafka>,
    /// Seconds between full polls.
    #[serde(default = "poll_s")]
    pub poll_s: u64,
    /// Seconds a call may take.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
    /// Largest answer, MiB (2,048 ONUs are 4.3 MB).
    #[serde(default = "max_message_mib")]
    pub max_message_mib: usize,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
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

/// TLS settings of one connection.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file of the authority that signed the server; the system's own when not set.
    pub ca: Option<String>,
    /// PEM file of our certificate.
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
