//! The answers of both servers, field by field.

use serde::{Deserialize, Serialize};

use crate::model::labels::{Labels, Matcher};

/// An alert of Alertmanager's `GET /api/v2/alerts`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AmAlert {
    /// What it is and what it is about.
    pub labels: Labels,
    /// Words about it.
    pub annotations: Labels,
    /// Since when, RFC 3339.
    pub starts_at: String,
    /// Until when it is believed without being told again, or when it ended.
    pub ends_at: String,
    /// When it was last told.
    pub updated_at: String,
    /// 16 hex digits over its labels.
    pub fingerprint: String,
    /// The expression at its Prometheus.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// What it is suppressed by.
    pub status: AmStatus,
}

/// Whether an alert is suppressed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AmStatus {
    /// `unprocessed`, `active` or `suppressed`.
    pub state: String,
    /// Ids of silences.
    pub silenced_by: Vec<String>,
    /// Fingerprints of alerts.
    pub inhibited_by: Vec<String>,
    /// Names of time intervals (newer servers).
    pub muted_by: Vec<String>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Silence {
    /// UUID.
    pub id: String,
    /// Where it stands.
    pub status: SilenceStatus,
    /// What alerts it takes: all have to be true.
    pub matchers: Vec<SilenceMatcher>,
    /// From when, RFC 3339.
    pub starts_at: String,
    /// Until when.
    pub ends_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// Where a silence stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SilenceStatus {
    /// `pending`, `active` or `expired`.
    pub state: String,
}

/// A matcher as the silences have it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilenceMatcher {
    /// Label.
    pub name: String,
    /// Value.
    pub value: String,
    /// Whether the value is a regular expression.
    #[serde(default)]
    pub is_regex: bool,
    /// Whether it has to match; older servers do not tell.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

const fn yes() -> bool {
    true
}

impl From<&Matcher> for SilenceMatcher {
    fn from(m: &Matcher) -> Self {
        Self { name: m.name.clone(), value: m.value.clone(), is_regex: m.regex, is_equal: m.equal }
    }
}

impl From<&SilenceMatcher> for Matcher {
    fn from(m: &SilenceMatcher) -> Self {
        Self { name: m.name.clone(), value: m.value.clone(), regex: m.is_regex, equal: m.is_equal }
    }
}

/// A silence to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSilence {
    /// The silence that it changes; a new one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What alerts it takes.
    pub matchers: Vec<SilenceMatcher>,
    /// From when, RFC 3339.
    pub starts_at: String,
    /// Until when.
    pub ends_at: String,
    /// Who makes it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// Alertmanager's `GET /api/v2/status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AmServer {
    /// When it was started, RFC 3339, in spite of the name.
    pub uptime: String,
    /// What it is.
    pub version_info: VersionInfo,
    /// Its peers.
    pub cluster: Cluster,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct VersionInfo {
    /// Its version.
    pub version: String,
}

/// The peers of an Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// `ready`, `settling` or `disabled`.
    pub status: String,
}

/// Prometheus' envelope of a good answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Envelope<T> {
    /// What was asked for.
    pub data: T,
    /// What else it has to say.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// An alert of Prometheus' `GET /api/v1/alerts`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromAlert {
    /// What it is and what it is about.
    pub labels: Labels,
    /// Words about it.
    pub annotations: Labels,
    /// `pending` or `firing`.
    pub state: String,
    /// Since when the expression is true, RFC 3339.
    pub active_at: String,
    /// The value of the expression.
    pub value: String,
}

/// Prometheus' rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// In groups.
    pub groups: Vec<RuleGroup>,
}

/// A group of rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RuleGroup {
    /// Name.
    pub name: String,
    /// File it stands in.
    pub file: String,
    /// Rules.
    pub rules: Vec<Rule>,
}

/// A rule; its alerts are asked for elsewhere.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Name of its alerts.
    pub name: String,
    /// The expression.
    pub query: String,
    /// Seconds that it has to be true.
    pub duration: f64,
    /// `ok`, `err`, `unknown`.
    pub health: String,
    /// Why it is not well.
    pub last_error: String,
    /// `firing`, `pending`, `inactive`.
    pub state: String,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Labels that it gives.
    pub labels: Labels,
}

/// Prometheus' targets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Targets {
    /// Those that are scraped.
    pub active_targets: Vec<Target>,
}

/// What Prometheus scrapes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// Labels of its samples.
    pub labels: Labels,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why it is down.
    pub last_error: String,
    /// When it was last scraped, RFC 3339.
    pub last_scrape: String,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryResult {
    /// One sample a series.
    Vector(Vec<Instant>),
    /// Many samples a series.
    Matrix(Vec<Range>),
    /// A number.
    Scalar(Sample),
    /// A text.
    String(Sample),
}

/// When, in seconds, and what; values are texts on the wire (`0`, `1e+06`, `NaN`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Sample(pub f64, pub String);

/// A series with one sample.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Instant {
    /// Its labels.
    #[serde(default)]
    pub metric: Labels,
    /// The sample. A native histogram has none.
    pub value: Option<Sample>,
}

/// A series with its samples.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Range {
    /// Its labels.
    #[serde(default)]
    pub metric: Labels,
    /// The samples, oldest first.
    #[serde(default)]
    pub values: Vec<Sample>,
}

impl QueryResult {
    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            Self::Vector(all) => all.is_empty(),
            Self::Matrix(all) => all.is_empty(),
            Self::Scalar(_) | Self::String(_) => false,
        }
    }
}

/// A series as it is written: `up{job="olt"}`.
#[must_use]
pub fn series(metric: &Labels) -> String {
    let name = metric.get("__name__").map_or("", String::as_str);
    let labels: Vec<String> =
        metric.iter().filter(|(k, _)| *k != "__name__").map(|(k, v)| Matcher::is(k, v).to_string()).collect();
    let text = match (name.is_empty(), labels.is_empty()) {
        (false, true) => name.to_owned(),
        _ => format!("{name}{{{}}}", labels.join(", ")),
    };
    crate::model::text::clean(&text).into_owned()
}
