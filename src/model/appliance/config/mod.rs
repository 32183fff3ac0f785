//! The configuration of an appliance's buffer service, as one whole object.
//!
//! The service replaces everything by what is posted: a key left out becomes zero, and some zeros
//! kill it at its next start (facts: raven-run §0.6, §3). So the object is kept whole and in its
//! order, with keys that are not known, and nothing but the whole is ever sent. [`spec`] says what
//! the keys mean, [`danger`] what is wrong with an object, [`edit`] changes one without ever making
//! one that harms.

use serde_json::{Map, Value};

pub mod danger;
pub mod edit;
pub mod spec;
#[cfg(test)]
mod tests;

pub use danger::{Danger, DangerKind};
pub use edit::{Edit, Refusal};
pub use spec::{FieldKind, FieldSpec, Honoured};

/// The configuration as the service told it: every key, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BufferConfig {
    /// The object.
    whole: Map<String, Value>,
}

/// Why a text is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No JSON.
    #[error("this is no JSON: {0}")]
    NoJson(String),
    /// `null`: the service would take it and set everything to zero.
    #[error("`null` would set everything to zero: give the whole object")]
    Null,
    /// An array.
    #[error("an array is no configuration: give the whole object")]
    Array,
    /// A number, a text, a switch.
    #[error("{0} is no configuration: give the whole object")]
    NoObject(&'static str),
    /// An object that lacks keys; the service would set them to zero.
    #[error("keys are missing, and the service would set them to zero: {}", missing.join(", "))]
    Partial {
        /// Paths of what is missing.
        missing: Vec<String>,
    },
}

/// One difference: path (`services.vector.retention_hours`), old and new value; `None`: absent.
pub type Difference = (String, Option<Value>, Option<Value>);

impl BufferConfig {
    /// The configuration that an object is, whole or not.
    #[must_use]
    pub const fn new(whole: Map<String, Value>) -> Self {
        Self { whole }
    }

    /// The whole object, as it is sent.
    #[must_use]
    pub const fn whole(&self) -> &Map<String, Value> {
        &self.whole
    }

    /// Reads a whole object out of JSON text.
    ///
    /// # Errors
    /// When it is no JSON, no object, or an object that lacks keys.
    pub fn parse(json: &str) -> Result<Self, Unfit> {
        let value: Value = serde_json::from_str(json).map_err(|e| Unfit::NoJson(e.to_string()))?;
        match value {
            Value::Object(whole) => {
                let config = Self { whole };
                let missing = config.missing();
                if missing.is_empty() { Ok(config) } else { Err(Unfit::Partial { missing }) }
            }
            Value::Null => Err(Unfit::Null),
            Value::Array(_) => Err(Unfit::Array),
            other => Err(Unfit::NoObject(spec::type_word(&other))),
        }
    }

    /// Known keys that the object lacks, also within its services; `services` when there is no map
    /// of them.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut out: Vec<String> =
            spec::TOP.iter().filter(|f| !self.whole.contains_key(f.name)).map(|f| f.name.to_owned()).collect();
        match self.services() {
            None => out.push("services".to_owned()),
            Some(services) => {
                for (name, entry) in services {
                    match entry.as_object() {
                        None => out.push(format!("services.{name}")),
                        Some(entry) => out.extend(
                            spec::SERVICE
                                .iter()
                                .filter(|f| !entry.contains_key(f.name))
                                .map(|f| format!("services.{name}.{}", f.name)),
                        ),
                    }
                }
            }
        }
        out
    }

    /// The services' own settings; `None` when there is no map of them.
    #[must_use]
    pub fn services(&self) -> Option<&Map<String, Value>> {
        self.whole.get("services")?.as_object()
    }

    /// A whole number, as the service reads it.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<i64> {
        spec::read(&self.whole, key)?.as_i64()
    }

    /// A switch, as the service reads it.
    #[must_use]
    pub fn switch(&self, key: &str) -> Option<bool> {
        spec::read(&self.whole, key)?.as_bool()
    }

    /// A text, as the service reads it.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        spec::read(&self.whole, key)?.as_str()
    }

    /// A value of a service's own settings, as the service reads it.
    #[must_use]
    pub fn of_service(&self, service: &str, key: &str) -> Option<&Value> {
        spec::read(self.services()?.get(service)?.as_object()?, key)
    }

    /// Most bytes of the buffer, as configured; 0 or less as told.
    #[must_use]
    pub fn limit_bytes(&self) -> Option<i64> {
        Some(self.number("max_buffer_size_mb")?.saturating_mul(1 << 20))
    }

    /// What happens when the buffer is full, in the service's word.
    #[must_use]
    pub fn overflow_action(&self) -> Option<&str> {
        self.text("overflow_action")
    }

    /// Whether records are forwarded at all.
    #[must_use]
    pub fn forwarding(&self) -> Option<bool> {
        self.switch("forwarding_enabled")
    }

    /// Minutes between two clean-ups of the service's own.
    #[must_use]
    pub fn cleanup_minutes(&self) -> Option<i64> {
        self.number("cleanup_interval_minutes")
    }

    /// Hours that records of a service are kept: its own, else the days for all.
    #[must_use]
    pub fn retention_hours(&self, service: &str) -> Option<i64> {
        self.of_service(service, "retention_hours")
            .and_then(Value::as_i64)
            .filter(|h| *h > 0)
            .or_else(|| Some(self.number("max_retention_days")?.saturating_mul(24)))
    }

    /// Most records of a service as configured (the appliance does not enforce it); `None`: no quota.
    #[must_use]
    pub fn quota_records(&self, service: &str) -> Option<u64> {
        self.of_service(service, "max_records")?.as_u64().filter(|n| *n > 0)
    }

    /// Compression of a service in its word; empty when not told.
    #[must_use]
    pub fn compression_of(&self, service: &str) -> &str {
        self.of_service(service, "compression_mode").and_then(Value::as_str).unwrap_or_default()
    }

    /// Priority of a service; 0 when not told.
    #[must_use]
    pub fn priority_of(&self, service: &str) -> i64 {
        self.of_service(service, "priority").and_then(Value::as_i64).unwrap_or_default()
    }

    /// What differs, in the order of this object, then what only the other has.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Vec<Difference> {
        differences(&self.whole, &other.whole)
    }
}

/// What differs between two objects, in the order of the first, then what only the second has.
#[must_use]
pub fn differences(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Difference> {
    let mut out = Vec::new();
    collect(old, new, "", &mut out);
    out
}

fn collect(old: &Map<String, Value>, new: &Map<String, Value>, path: &str, out: &mut Vec<Difference>) {
    let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in old {
        match (value, new.get(key)) {
            (Value::Object(a), Some(Value::Object(b))) => collect(a, b, &at(key), out),
            (_, Some(now)) if now == value => {}
            (_, now) => out.push((at(key), Some(value.clone()), now.cloned())),
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        out.push((at(key), None, Some(value.clone())));
    }
}
