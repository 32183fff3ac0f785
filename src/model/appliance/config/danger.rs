//! What is wrong with a configuration, by what it does to the service: it kills it at its next
//! start, it loses records, or it has no effect though somebody may count on it.

use serde_json::{Map, Value};

use super::{BufferConfig, spec};
use crate::model::order;
use crate::model::text;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// What it does.
    pub kind: DangerKind,
    /// Where (`services.vector.retention_hours`).
    pub path: String,
    /// In words, with what to do.
    pub words: String,
}

/// What a wrong setting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DangerKind {
    /// The service does not survive its next start.
    Kills,
    /// Records are lost, or the service can no longer be watched.
    Loses,
    /// Nothing: it is not enforced, or not done.
    NoEffect,
}

impl DangerKind {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kills => "kills the service at its next start",
            Self::Loses => "loses records",
            Self::NoEffect => "has no effect",
        }
    }
}

impl BufferConfig {
    /// What is wrong, the worst first.
    #[must_use]
    pub fn validate(&self) -> Vec<Danger> {
        let mut out = Vec::new();
        self.kills(&mut out);
        self.loses(&mut out);
        self.idle(&mut out);
        order::by_key(&mut out, |d| d.kind);
        out
    }

    /// Whether it neither kills the service nor loses records.
    #[must_use]
    pub fn harmless(&self) -> bool {
        self.validate().iter().all(|d| d.kind == DangerKind::NoEffect)
    }

    fn kills(&self, out: &mut Vec<Danger>) {
        let mut kills = |path: &str, words: String| {
            out.push(Danger { kind: DangerKind::Kills, path: path.to_owned(), words });
        };
        let interval = |key: &str| match (self.number(key), spec::top(key).map(|f| f.kind)) {
            (Some(n), Some(spec::FieldKind::Number { least, most })) if !(least..=most).contains(&n) => Some(n),
            (None, _) => Some(0),
            _ => None,
        };
        if let Some(n) = interval("cleanup_interval_minutes") {
            kills(
                "cleanup_interval_minutes",
                format!("cleanup_interval_minutes is {n}: the service cannot start with it. Set 60."),
            );
        }
        // Off at this moment or not told: it is switched on by whoever switches it on later.
        if self.switch("vpn_failover_enabled").unwrap_or_default()
            && let Some(n) = interval("vpn_check_interval_seconds")
        {
            kills(
                "vpn_check_interval_seconds",
                format!(
                    "vpn_check_interval_seconds is {n} with the probe on: the service cannot start with it. Set 30."
                ),
            );
        }
        for path in mistyped(&self.whole) {
            kills(
                &path,
                format!("{path} has a type that the service cannot read: it would not load its configuration."),
            );
        }
        for twin in twins(&self.whole) {
            let shown = text::clean(&twin).into_owned();
            kills(&shown, format!("{shown} is taken for the key of the same letters and overrules it. Remove it."));
        }
    }

    fn loses(&self, out: &mut Vec<Danger>) {
        let mut loses = |path: String, words: String| out.push(Danger { kind: DangerKind::Loses, path, words });
        let limit = self.number("max_buffer_size_mb").unwrap_or_default();
        if limit <= 0 {
            loses(
                "max_buffer_size_mb".into(),
                format!(
                    "The limit of the buffer is {limit} MB: status calls answer with nothing, and records are dropped from the first MiB on. Set 1000."
                ),
            );
        }
        let days = self.number("max_retention_days").unwrap_or_default();
        if days <= 0 {
            loses(
                "max_retention_days".into(),
                format!(
                    "max_retention_days is {days}: records of services without retention_hours of their own expire at once. Set 14."
                ),
            );
        }
        for (name, entry) in self.services().into_iter().flatten() {
            let hours = entry.as_object().and_then(|e| spec::read(e, "retention_hours")).and_then(Value::as_i64);
            if let Some(hours) = hours.filter(|h| *h < 0) {
                let name = text::clean(name);
                loses(
                    format!("services.{name}.retention_hours"),
                    format!("Records of {name} expire at once: its retention_hours is {hours}. Set 336."),
                );
            }
        }
    }

    fn idle(&self, out: &mut Vec<Danger>) {
        let mut idle = |path: String, words: &str| {
            out.push(Danger { kind: DangerKind::NoEffect, path, words: words.to_owned() });
        };
        match self.overflow_action() {
            Some("drop_newest") => idle(
                "overflow_action".into(),
                "drop_newest drops nothing: the buffer grows beyond its limit until the disk is full.",
            ),
            Some("compress_more") => idle(
                "overflow_action".into(),
                "compress_more does nothing: the buffer grows beyond its limit until the disk is full.",
            ),
            Some("drop_oldest") => {}
            _ => idle("overflow_action".into(), "This word is not known: the service does as with drop_oldest."),
        }
        if self.switch("enabled") == Some(false) {
            idle("enabled".into(), "Switched off, and the service buffers all the same.");
        }
        for key in ["max_db_size_gb", "max_file_size_gb"] {
            if self.number(key).is_some_and(|n| n > 0) {
                idle(key.into(), "Not enforced: the only limit is max_buffer_size_mb.");
            }
        }
        if self.services().is_none() {
            idle("services".into(), "No service has settings of its own: nothing is compressed.");
        }
        for (name, entry) in self.services().into_iter().flatten() {
            let Some(entry) = entry.as_object() else { continue };
            let (get, name) = (|key| spec::read(entry, key), text::clean(name));
            let path = |key: &str| format!("services.{name}.{key}");
            if get("compression_mode").and_then(Value::as_str) == Some("zstd") {
                idle(path("compression_mode"), "zstd stores uncompressed: choose gzip or none.");
            }
            for key in ["max_records", "max_file_size_mb"] {
                if get(key).and_then(Value::as_i64).is_some_and(|n| n > 0) {
                    idle(path(key), "Not enforced by the service; noctule warns about records beyond it.");
                }
            }
            if get("enabled").and_then(Value::as_bool) == Some(false) {
                idle(path("enabled"), "Switched off, and its records are stored all the same.");
            }
            if get("buffer_mode").and_then(Value::as_str) == Some("files") {
                idle(path("buffer_mode"), "Nothing is kept in files: everything is in the database.");
            }
        }
    }
}

/// Known keys whose values have a type that the service cannot read.
fn mistyped(whole: &Map<String, Value>) -> Vec<String> {
    let wrong = |field: &spec::FieldSpec, value: &Value| {
        !value.is_null()
            && !match field.kind {
                spec::FieldKind::Switch => value.is_boolean(),
                spec::FieldKind::Number { .. } => value.as_i64().is_some(),
                spec::FieldKind::Address | spec::FieldKind::Word(_) => value.is_string(),
            }
    };
    let of = |map: &Map<String, Value>, fields: &[spec::FieldSpec], prefix: &str| {
        let bad =
            map.iter().filter(|(key, value)| fields.iter().any(|f| spec::same_key(f.name, key) && wrong(f, value)));
        bad.map(|(key, _)| format!("{prefix}{}", text::clean(key))).collect::<Vec<_>>()
    };
    let mut out = of(whole, &spec::TOP, "");
    for (key, value) in whole.iter().filter(|(key, _)| spec::same_key("services", key)) {
        match value {
            Value::Null => {}
            Value::Object(services) => {
                for (name, entry) in services {
                    let path = format!("services.{}", text::clean(name));
                    match entry {
                        Value::Null => {}
                        Value::Object(entry) => out.extend(of(entry, &spec::SERVICE, &format!("{path}."))),
                        _ => out.push(path),
                    }
                }
            }
            _ => out.push(text::clean(key).into_owned()),
        }
    }
    out
}

/// Keys that the service takes for a known one though they are written otherwise.
pub(super) fn twins(whole: &Map<String, Value>) -> Vec<String> {
    let twin = |key: &str, known: &str| key != known && spec::same_key(key, known);
    let mut out: Vec<String> =
        whole.keys().filter(|k| twin(k, "services") || spec::TOP.iter().any(|f| twin(k, f.name))).cloned().collect();
    for (name, entry) in whole.get("services").and_then(Value::as_object).into_iter().flatten() {
        let keys = entry.as_object().into_iter().flatten().map(|(key, _)| key);
        out.extend(
            keys.filter(|k| spec::SERVICE.iter().any(|f| twin(k, f.name))).map(|k| format!("services.{name}.{k}")),
        );
    }
    out
}
