//! The configuration of the buffer service, with the manners of Go's decoder: keys in any case, what
//! is left out is zero, unknown keys vanish.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::sim::raven::http::go;

/// Everything, in the order it is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Settings {
    pub(crate) enabled: bool,
    pub(crate) max_retention_days: i64,
    pub(crate) max_db_size_gb: i64,
    pub(crate) max_file_size_gb: i64,
    pub(crate) cleanup_interval_minutes: i64,
    pub(crate) compression_enabled: bool,
    pub(crate) vpn_failover_enabled: bool,
    pub(crate) vpn_check_interval_seconds: i64,
    pub(crate) forwarding_enabled: bool,
    pub(crate) forwarding_url: String,
    pub(crate) max_buffer_size_mb: i64,
    pub(crate) overflow_action: String,
    /// `null` when it was not told.
    pub(crate) services: Option<BTreeMap<String, Service>>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Service {
    pub(crate) enabled: bool,
    pub(crate) buffer_mode: String,
    pub(crate) max_records: i64,
    pub(crate) max_file_size_mb: i64,
    pub(crate) compression_mode: String,
    pub(crate) priority: i64,
    pub(crate) retention_hours: i64,
}

impl Settings {
    /// As shipped.
    pub(crate) fn shipped() -> Self {
        let service = |mode: &str, records, file, priority, hours| Service {
            enabled: true,
            buffer_mode: mode.to_owned(),
            max_records: records,
            max_file_size_mb: file,
            compression_mode: "gzip".to_owned(),
            priority,
            retention_hours: hours,
        };
        let services = [
            ("fluent-bit", service("files", 0, 100, 9, 336)),
            ("goflow2", service("files", 10_000_000, 0, 10, 168)),
            ("telegraf", service("database", 500_000, 0, 7, 720)),
            ("vector", service("database", 1_000_000, 0, 8, 336)),
        ];
        Self {
            enabled: true,
            max_retention_days: 14,
            max_db_size_gb: 2,
            max_file_size_gb: 10,
            cleanup_interval_minutes: 60,
            compression_enabled: true,
            vpn_failover_enabled: true,
            vpn_check_interval_seconds: 30,
            forwarding_enabled: false,
            forwarding_url: "https://obs.rectitude.net/api/ingest".to_owned(),
            max_buffer_size_mb: 1000,
            overflow_action: "drop_oldest".to_owned(),
            services: Some(services.map(|(name, s)| (name.to_owned(), s)).into()),
        }
    }

    /// Seconds that records of a service are kept.
    pub(crate) fn retention_s(&self, service: &str) -> i64 {
        let own = self.services.as_ref().and_then(|s| s.get(service)).map_or(0, |s| s.retention_hours);
        if own > 0 { own.saturating_mul(3600) } else { self.max_retention_days.saturating_mul(86_400) }
    }

    /// Whether records of a service are stored compressed. The appliance takes `zstd` and stores plain text.
    pub(crate) fn gzips(&self, service: &str) -> bool {
        let own = self.services.as_ref().and_then(|s| s.get(service));
        self.compression_enabled && own.is_some_and(|s| s.compression_mode == "gzip")
    }

    /// Whether a service that starts with it dies at once.
    pub(crate) const fn kills(&self) -> bool {
        self.cleanup_interval_minutes <= 0 || (self.vpn_failover_enabled && self.vpn_check_interval_seconds <= 0)
    }

    /// As it is told.
    pub(crate) fn json(&self) -> String {
        let mut out = format!(
            "{{\"enabled\":{},\"max_retention_days\":{},\"max_db_size_gb\":{},\"max_file_size_gb\":{},\
             \"cleanup_interval_minutes\":{},\"compression_enabled\":{},\"vpn_failover_enabled\":{},\
             \"vpn_check_interval_seconds\":{},\"forwarding_enabled\":{},\"forwarding_url\":{},\
             \"max_buffer_size_mb\":{},\"overflow_action\":{},\"services\":",
            self.enabled,
            self.max_retention_days,
            self.max_db_size_gb,
            self.max_file_size_gb,
            self.cleanup_interval_minutes,
            self.compression_enabled,
            self.vpn_failover_enabled,
            self.vpn_check_interval_seconds,
            self.forwarding_enabled,
            go::string(&self.forwarding_url),
            self.max_buffer_size_mb,
            go::string(&self.overflow_action),
        );
        match &self.services {
            None => out.push_str("null"),
            Some(services) => {
                out.push('{');
                for (n, (name, s)) in services.iter().enumerate() {
                    let _ = write!(
                        out,
                        "{}{}:{{\"enabled\":{},\"buffer_mode\":{},\"max_records\":{},\"max_file_size_mb\":{},\
                         \"compression_mode\":{},\"priority\":{},\"retention_hours\":{}}}",
                        if n == 0 { "" } else { "," },
                        go::string(name),
                        s.enabled,
                        go::string(&s.buffer_mode),
                        s.max_records,
                        s.max_file_size_mb,
                        go::string(&s.compression_mode),
                        s.priority,
                        s.retention_hours,
                    );
                }
                out.push('}');
            }
        }
        out.push_str("}\n");
        out
    }

    /// What a body says, in the decoder's words when it says none.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let value = go::value(body)?;
        let mut new = Self::default();
        let map = match value {
            Value::Null => return Ok(new),
            Value::Object(map) => map,
            other => return Err(go::cannot(&other, "", "main.BufferConfig")),
        };
        for (key, value) in &map {
            let field = key.to_ascii_lowercase();
            let place = format!("BufferConfig.{field}");
            match field.as_str() {
                "enabled" => boolean(&mut new.enabled, value, &place)?,
                "max_retention_days" => int(&mut new.max_retention_days, value, &place)?,
                "max_db_size_gb" => int(&mut new.max_db_size_gb, value, &place)?,
                "max_file_size_gb" => int(&mut new.max_file_size_gb, value, &place)?,
                "cleanup_interval_minutes" => int(&mut new.cleanup_interval_minutes, value, &place)?,
                "compression_enabled" => boolean(&mut new.compression_enabled, value, &place)?,
                "vpn_failover_enabled" => boolean(&mut new.vpn_failover_enabled, value, &place)?,
                "vpn_check_interval_seconds" => int(&mut new.vpn_check_interval_seconds, value, &place)?,
                "forwarding_enabled" => boolean(&mut new.forwarding_enabled, value, &place)?,
                "forwarding_url" => text(&mut new.forwarding_url, value, &place)?,
                "max_buffer_size_mb" => int(&mut new.max_buffer_size_mb, value, &place)?,
                "overflow_action" => text(&mut new.overflow_action, value, &place)?,
                "services" => new.services = services(value, &place)?,
                _ => {}
            }
        }
        Ok(new)
    }
}

fn services(value: &Value, place: &str) -> Result<Option<BTreeMap<String, Service>>, String> {
    let map = match value {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        other => return Err(go::cannot(other, place, "map[string]main.ServiceBufferConfig")),
    };
    let mut out = BTreeMap::new();
    for (name, value) in map {
        let mut service = Service::default();
        match value {
            Value::Null => {}
            Value::Object(fields) => {
                for (key, value) in fields {
                    let field = key.to_ascii_lowercase();
                    let place = format!("{place}.{field}");
                    match field.as_str() {
                        "enabled" => boolean(&mut service.enabled, value, &place)?,
                        "buffer_mode" => text(&mut service.buffer_mode, value, &place)?,
                        "max_records" => int(&mut service.max_records, value, &place)?,
                        "max_file_size_mb" => int(&mut service.max_file_size_mb, value, &place)?,
                        "compression_mode" => text(&mut service.compression_mode, value, &place)?,
                        "priority" => int(&mut service.priority, value, &place)?,
                        "retention_hours" => int(&mut service.retention_hours, value, &place)?,
                        _ => {}
                    }
                }
            }
            other => return Err(go::cannot(other, place, "main.ServiceBufferConfig")),
        }
        out.insert(name.clone(), service);
    }
    Ok(Some(out))
}

fn boolean(to: &mut bool, value: &Value, place: &str) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::Bool(b) => *to = *b,
        other => return Err(go::cannot(other, place, "bool")),
    }
    Ok(())
}

fn int(to: &mut i64, value: &Value, place: &str) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::Number(n) if n.is_i64() => *to = n.as_i64().unwrap_or_default(),
        other => return Err(go::cannot(other, place, "int")),
    }
    Ok(())
}

fn text(to: &mut String, value: &Value, place: &str) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::String(text) => to.clone_from(text),
        other => return Err(go::cannot(other, place, "string")),
    }
    Ok(())
}
