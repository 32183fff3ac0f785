//! The fields of a configuration in the order of the form: the service's own, then those of each
//! collector, then what is not known.

use serde_json::Value;

use crate::model::appliance::BufferConfig;
use crate::model::appliance::config::{FieldSpec, spec};

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Path, as changes name it: `services.vector.retention_hours`.
    pub(super) path: String,
    /// What it is; `None`: a key that is not known, and is sent back as it is.
    pub(super) spec: Option<&'static FieldSpec>,
    /// What was told; `None`: it is missing.
    pub(super) value: Option<Value>,
}

/// The fields of a configuration.
pub(super) fn of(config: &BufferConfig) -> Vec<Field> {
    let whole = config.whole();
    let known = |spec: &'static FieldSpec, prefix: &str, value: Option<&Value>| Field {
        path: format!("{prefix}{}", spec.name),
        spec: Some(spec),
        value: value.cloned(),
    };
    let mut fields: Vec<Field> = spec::TOP.iter().map(|s| known(s, "", whole.get(s.name))).collect();
    for (name, entry) in config.services().into_iter().flatten() {
        let prefix = format!("services.{name}.");
        fields.extend(spec::SERVICE.iter().map(|s| known(s, &prefix, entry.get(s.name))));
        let other = entry.as_object().into_iter().flatten().filter(|(key, _)| spec::service(key).is_none());
        fields.extend(other.map(|(key, value)| unknown(format!("{prefix}{key}"), value)));
    }
    let other = whole.iter().filter(|(key, _)| spec::top(key).is_none() && key.as_str() != "services");
    fields.extend(other.map(|(key, value)| unknown(key.clone(), value)));
    fields
}

fn unknown(path: String, value: &Value) -> Field {
    Field { path, spec: None, value: Some(value.clone()) }
}

/// A value as it is typed.
pub(super) fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        other => other.to_string(),
    }
}
