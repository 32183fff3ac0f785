//! Changes of a configuration. Whatever is asked for, what comes out never harms the service: it is
//! the whole object, every known key fits its specification, and nothing kills or loses.

use serde_json::Value;

use super::{BufferConfig, DangerKind, danger, spec};
use crate::model::text;

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Sets a key of the object itself.
    Set {
        /// Key.
        key: String,
        /// Value.
        value: Value,
    },
    /// Sets a key of a service's entry.
    SetService {
        /// Service.
        service: String,
        /// Key.
        key: String,
        /// Value.
        value: Value,
    },
    /// Puts the shipped entries of the services back that are missing, all of them when there are
    /// none; those that are there stay.
    RestoreServices,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What the appliance told is not whole: sending it back would set what is missing to zero.
    #[error("the configuration is not whole, and the service would set what is missing to zero: {}", missing.join(", "))]
    Partial {
        /// Paths of what is missing.
        missing: Vec<String>,
    },
    /// No such key.
    #[error("there is no key {path}: the service would drop it")]
    NoKey {
        /// Path as asked for.
        path: String,
    },
    /// No such service.
    #[error("{service} has no entry among the services: one with a single key would set the others to zero")]
    NoService {
        /// Service as asked for.
        service: String,
    },
    /// The value does not fit.
    #[error("{path} {why}")]
    Misfit {
        /// Path.
        path: String,
        /// What would fit.
        why: String,
    },
    /// What would be sent harms the service.
    #[error("this {} : {words}", kind.word())]
    Harms {
        /// How.
        kind: DangerKind,
        /// Where.
        path: String,
        /// In words, with what to do.
        words: String,
    },
    /// `PATH=VALUE` cannot be read.
    #[error("`{0}` is no change: write KEY=VALUE or services.NAME.KEY=VALUE")]
    Unreadable(String),
}

impl Edit {
    /// Sets a key of the object itself.
    pub fn set(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Set { key: key.into(), value: value.into() }
    }

    /// Sets a key of a service's entry (`retention_hours`, `compression_mode` …).
    pub fn service(service: impl Into<String>, key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::SetService { service: service.into(), key: key.into(), value: value.into() }
    }

    /// Switches a service's entry on or off. The appliance does not heed it.
    pub fn enable(service: impl Into<String>, on: bool) -> Self {
        Self::service(service, "enabled", on)
    }

    /// Reads `KEY=VALUE` or `services.NAME.KEY=VALUE`; the value by the key's kind.
    ///
    /// # Errors
    /// When there is no such key or the value is not of its kind.
    pub fn parse(line: &str) -> Result<Self, Refusal> {
        let unreadable = || Refusal::Unreadable(text::clean(line).into_owned());
        let (path, value) = line.split_once('=').ok_or_else(unreadable)?;
        let (path, value) = (path.trim(), value.trim());
        if let Some(rest) = path.strip_prefix("services.") {
            let (service, key) = rest.rsplit_once('.').ok_or_else(unreadable)?;
            let field = spec::service(key).ok_or_else(|| no_key(path))?;
            return Ok(Self::service(service, key, read(field, path, value)?));
        }
        let field = spec::top(path).ok_or_else(|| no_key(path))?;
        Ok(Self::set(path, read(field, path, value)?))
    }
}

fn no_key(path: &str) -> Refusal {
    Refusal::NoKey { path: text::clean(path).into_owned() }
}

/// A value typed by a person.
fn read(field: &spec::FieldSpec, path: &str, typed: &str) -> Result<Value, Refusal> {
    let value = match field.kind {
        spec::FieldKind::Switch => match typed {
            "true" | "on" | "yes" => Value::Bool(true),
            "false" | "off" | "no" => Value::Bool(false),
            other => Value::String(other.to_owned()),
        },
        spec::FieldKind::Number { .. } => {
            typed.parse::<i64>().map_or_else(|_| Value::String(typed.to_owned()), Value::from)
        }
        spec::FieldKind::Address | spec::FieldKind::Word(_) => Value::String(typed.to_owned()),
    };
    fit(field, path, &value)?;
    Ok(value)
}

fn fit(field: &spec::FieldSpec, path: &str, value: &Value) -> Result<(), Refusal> {
    match field.misfit(value) {
        Some(why) => Err(Refusal::Misfit { path: text::clean(path).into_owned(), why }),
        None => Ok(()),
    }
}

impl BufferConfig {
    /// The configuration after some changes, in one go: what is harmful now may be mended together.
    /// Keys that are not known stay, and so does the order.
    ///
    /// # Errors
    /// When a change names no key or does not fit, or when what would be sent is not whole, kills
    /// the service or loses records.
    pub fn apply(&self, edits: &[Edit]) -> Result<Self, Refusal> {
        let mut after = self.clone();
        for edit in edits {
            after.take(edit)?;
        }
        after.sendable()?;
        Ok(after)
    }

    /// Whether the object may be sent as it is.
    ///
    /// # Errors
    /// When it is not whole, a known key does not fit its specification, or it harms the service.
    pub fn sendable(&self) -> Result<(), Refusal> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(Refusal::Partial { missing });
        }
        if let Some(twin) = danger::twins(&self.whole).into_iter().next() {
            let path = text::clean(&twin).into_owned();
            let words = format!("{path} is taken for the key of the same letters and overrules it.");
            return Err(Refusal::Harms { kind: DangerKind::Kills, path, words });
        }
        if let Some(d) = self.validate().into_iter().find(|d| d.kind != DangerKind::NoEffect) {
            return Err(Refusal::Harms { kind: d.kind, path: d.path, words: d.words });
        }
        for field in &spec::TOP {
            fit(field, field.name, self.whole.get(field.name).unwrap_or(&Value::Null))?;
        }
        for (name, entry) in self.services().into_iter().flatten() {
            for field in &spec::SERVICE {
                let value = entry.get(field.name).unwrap_or(&Value::Null);
                fit(field, &format!("services.{name}.{}", field.name), value)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, edit: &Edit) -> Result<(), Refusal> {
        match edit {
            Edit::Set { key, value } => {
                let field = spec::top(key).ok_or_else(|| no_key(key))?;
                fit(field, key, value)?;
                // A key that is missing is not put in: the object told was not whole, and that is
                // said for all of them.
                if let Some(place) = self.whole.get_mut(key) {
                    *place = value.clone();
                }
            }
            Edit::SetService { service, key, value } => {
                let path = format!("services.{service}.{key}");
                let field = spec::service(key).ok_or_else(|| no_key(&path))?;
                fit(field, &path, value)?;
                let entry = self
                    .whole
                    .get_mut("services")
                    .and_then(Value::as_object_mut)
                    .and_then(|s| s.get_mut(service))
                    .and_then(Value::as_object_mut)
                    .ok_or_else(|| Refusal::NoService { service: text::clean(service).into_owned() })?;
                if let Some(place) = entry.get_mut(key) {
                    *place = value.clone();
                }
            }
            Edit::RestoreServices => match self.whole.get_mut("services") {
                Some(Value::Object(services)) => {
                    for (name, entry) in spec::shipped_services() {
                        if !services.get(&name).is_some_and(Value::is_object) {
                            services.insert(name, entry);
                        }
                    }
                }
                Some(place @ Value::Null) => *place = Value::Object(spec::shipped_services()),
                _ => {}
            },
        }
        Ok(())
    }
}
