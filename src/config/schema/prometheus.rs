//! Prometheus and Alertmanager: where they are, what is shown to them, and how the labels of their
//! alerts become alarms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HttpAuth, Ssh, Tls};
use crate::model::severity::Severity;

/// A Prometheus: the alerts of its rules, and answers to queries.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// `http://host:9090`, `https://` behind TLS, with the prefix it is served under when it has one.
    #[schemars(extend("format" = "base-url"))]
    pub url: String,
    /// TLS settings.
    #[serde(default)]
    pub tls: Tls,
    /// What is shown to it, or to the proxy before it.
    #[serde(default)]
    pub auth: HttpAuth,
    /// How labels become alarms.
    #[serde(default)]
    pub mapping: Mapping,
    /// Whether alerts that wait for their time (`for:`) are shown as alarms of undetermined severity.
    #[serde(default)]
    pub pending: bool,
    /// Seconds between polls.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 86400))]
    pub poll_s: u64,
    /// Seconds until an answer has to begin, and between its pieces.
    #[serde(default = "timeout_s")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_s: u64,
    /// Seconds after a restart of the server in which alerts that are missing are not taken for resolved.
    #[serde(default = "restart_grace_s")]
    #[schemars(range(min = 0, max = 3600))]
    pub restart_grace_s: u64,
    /// The SSH host through which it is reached.
    #[serde(default)]
    pub ssh: Option<Ssh>,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

/// An Alertmanager: the alerts it holds, what silences and inhibits them.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    /// `http://host:9093`, `https://` behind TLS, with the prefix it is served under when it has one.
    #[schemars(extend("format" = "base-url"))]
    pub url: String,
    /// The Prometheus that evaluates the rules, for the expression and the values behind an alert; the same TLS and login.
    #[serde(default)]
    #[schemars(extend("format" = "base-url"))]
    pub prometheus: Option<String>,
    /// TLS settings.
    #[serde(default)]
    pub tls: Tls,
    /// What is shown to it, or to the proxy before it.
    #[serde(default)]
    pub auth: HttpAuth,
    /// How labels become alarms.
    #[serde(default)]
    pub mapping: Mapping,
    /// Only alerts for which all of these are true, such as `team="noc"`; all alerts without any.
    #[serde(default)]
    #[schemars(extend("items" = serde_json::json!({ "type": "string", "format": "label-matcher" })))]
    pub filter: Vec<String>,
    /// Seconds between polls: it knows no paging, so each reads all alerts.
    #[serde(default = "poll_s")]
    #[schemars(range(min = 1, max = 86400))]
    pub poll_s: u64,
    /// Seconds until an answer has to begin, and between its pieces.
    #[serde(default = "timeout_s")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_s: u64,
    /// Seconds after a restart of the server in which alerts that are missing are not taken for resolved: they come back when Prometheus sends them again, which is up to a minute later.
    #[serde(default = "restart_grace_s")]
    #[schemars(range(min = 0, max = 3600))]
    pub restart_grace_s: u64,
    /// The SSH host through which it is reached.
    #[serde(default)]
    pub ssh: Option<Ssh>,
    /// Do not connect.
    #[serde(default)]
    pub paused: bool,
}

/// How the labels of an alert become an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// What an alert is about: the first template all of whose labels it has.
    #[schemars(length(min = 1), extend("items" = serde_json::json!({ "type": "string", "format": "label-template" })))]
    pub resource: Vec<String>,
    /// The label that tells how bad it is.
    #[schemars(extend("format" = "label-name"))]
    pub severity_label: String,
    /// Values of that label and what they mean, over the usual words; letter case does not matter.
    pub severities: BTreeMap<String, Severity>,
    /// What an alert without that label, or with an unknown value, is.
    pub default_severity: Severity,
    /// Labels that only tell which of several servers said it.
    #[schemars(extend("items" = serde_json::json!({ "type": "string", "format": "label-name" })))]
    pub replica_labels: Vec<String>,
}

impl Default for Mapping {
    fn default() -> Self {
        let list = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect();
        Self {
            resource: list(&["{olt}/{pon}/{onu}", "{olt}/{pon}", "{olt}", "{instance}", "{job}"]),
            severity_label: "severity".into(),
            severities: BTreeMap::new(),
            default_severity: Severity::Indeterminate,
            replica_labels: list(&["prometheus", "prometheus_replica", "replica"]),
        }
    }
}

impl Prometheus {
    /// A server at this base URL, everything else by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            tls: Tls::default(),
            auth: HttpAuth::default(),
            mapping: Mapping::default(),
            pending: false,
            poll_s: poll_s(),
            timeout_s: timeout_s(),
            restart_grace_s: restart_grace_s(),
            ssh: None,
            paused: false,
        }
    }
}

impl Alertmanager {
    /// A server at this base URL, everything else by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prometheus: None,
            tls: Tls::default(),
            auth: HttpAuth::default(),
            mapping: Mapping::default(),
            filter: Vec::new(),
            poll_s: poll_s(),
            timeout_s: timeout_s(),
            restart_grace_s: restart_grace_s(),
            ssh: None,
            paused: false,
        }
    }
}

const fn poll_s() -> u64 {
    30
}

const fn timeout_s() -> u64 {
    60
}

const fn restart_grace_s() -> u64 {
    120
}
