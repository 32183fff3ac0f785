//! The buffer service (port 5005 of a real one).

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::{Method, StatusCode};
use serde_json::Value;

use super::{Asked, Told, go};
use crate::sim::raven::world::Appliance;
use crate::sim::raven::world::buffer::{Kind, Sums};
use crate::sim::raven::world::settings::Settings;

/// The services that a status always has.
const FOUR: [&str; 4] = ["fluent-bit", "goflow2", "telegraf", "vector"];

/// Whether a call needs the lock that a probe of the uplink holds.
pub(super) fn freezes(path: &str) -> bool {
    matches!(
        path,
        "/health" | "/api/buffer/status" | "/api/v1/status" | "/api/buffer/vpn/status" | "/api/buffer/forward"
    )
}

/// Answers a call.
pub(super) fn answer(a: &mut Appliance, asked: &Asked, _: SocketAddr) -> Told {
    let path = asked.path.as_str();
    if let Some(moved) = Told::moved(path) {
        return moved;
    }
    // Health takes any method.
    if path == "/health" {
        return health(a);
    }
    if path.starts_with("/api/v1/") && a.wrongs.old {
        return Told::not_found();
    }
    match (&asked.method, path) {
        (&Method::GET, "/api/buffer/status" | "/api/v1/status") => spoiled(a).unwrap_or_else(|| status(a)),
        (&Method::GET, "/api/buffer/stats" | "/api/v1/buffer/stats") => spoiled(a).unwrap_or_else(|| stats(a)),
        (&Method::GET, "/api/buffer/config") => Told::json(a.settings.json()),
        (&Method::GET, "/api/buffer/vpn/status") => Told::json(a.monitor.json()),
        (&Method::POST, "/api/buffer/config") => configure(a, asked),
        (&Method::POST, "/api/buffer/cleanup") => {
            a.buffer.expire(a.clock());
            Told::json(r#"{"status":"cleanup completed"}"#)
        }
        (&Method::POST, "/api/buffer/forward") => {
            if !a.monitor.connected {
                return Told::error(StatusCode::SERVICE_UNAVAILABLE, "VPN not connected");
            }
            a.buffer.forward(1000);
            Told::json(r#"{"status":"forwarding started"}"#)
        }
        (&Method::POST, "/api/buffer/ingest") => ingest_many(a, asked),
        (&Method::POST, _) if path.starts_with("/api/v1/ingest/") => ingest(a, asked),
        (&Method::GET, _) if path.starts_with("/api/buffer/stats/") => one(a, path),
        // A wrong method is told only by the last route of each group.
        (_, "/api/buffer/forward" | "/api/v1/buffer/stats") => Told::bare(StatusCode::METHOD_NOT_ALLOWED),
        _ => Told::not_found(),
    }
}

/// What is answered instead, when something is wrong that has no cause here.
fn spoiled(a: &Appliance) -> Option<Told> {
    if a.wrongs.empty || a.settings.max_buffer_size_mb == 0 {
        // A percentage of zero cannot be written: the encoder gives up after the header.
        return Some(Told::json(""));
    }
    a.wrongs.garbage.clone().map(Told::json)
}

fn health(a: &Appliance) -> Told {
    Told::json(format!(
        "{{\"buffer_size_mb\":{},\"services_enabled\":{},\"status\":\"healthy\",\"timestamp\":{},\"vpn_connected\":{}}}",
        a.buffer.mib(),
        a.settings.services.as_ref().map_or(0, std::collections::BTreeMap::len),
        a.clock(),
        a.monitor.connected
    ))
}

fn share(a: &Appliance) -> String {
    go::float(a.buffer.mib() as f64 / a.settings.max_buffer_size_mb as f64 * 100.0)
}

fn service(name: &str, s: Sums) -> String {
    format!(
        "{{\"service\":{},\"total_records\":{},\"total_size\":{},\"oldest_record\":{},\"newest_record\":{},\
         \"forwarded\":{},\"pending\":{}}}",
        go::string(name),
        s.records,
        s.bytes,
        s.oldest,
        s.newest,
        s.forwarded,
        s.records - s.forwarded
    )
}

fn status(a: &Appliance) -> Told {
    let s = &a.settings;
    let mut services = String::new();
    for (n, name) in FOUR.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(services, "{comma}\"{name}\":{}", service(name, a.buffer.sums(name)));
    }
    Told::json(format!(
        "{{\"buffer_size_mb\":{},\"buffer_usage_pct\":{},\"compression\":{},\"enabled\":{},\"forwarding\":{},\
         \"max_buffer_size_mb\":{},\"services\":{{{services}}},\"updated_at\":{},\"vpn_failover\":{},\"vpn_status\":{}}}",
        a.buffer.mib(),
        share(a),
        s.compression_enabled,
        s.enabled,
        s.forwarding_enabled,
        s.max_buffer_size_mb,
        a.clock(),
        s.vpn_failover_enabled,
        a.monitor.json()
    ))
}

fn stats(a: &Appliance) -> Told {
    let s = &a.settings;
    let [f, g, t, v] = FOUR.map(|name| a.buffer.sums(name).records);
    let (oldest, newest) = a.buffer.ends();
    Told::json(format!(
        "{{\"buffer_size_mb\":{},\"compression_enabled\":{},\"max_buffer_size_mb\":{},\"newest_record\":{newest},\
         \"oldest_record\":{oldest},\"overflow_action\":{},\"retention_days\":{},\"service_records\":{{\
         \"fluent-bit\":{f},\"goflow2\":{g},\"telegraf\":{t},\"vector\":{v}}},\"timestamp\":{},\"total_records\":{},\
         \"usage_percentage\":{}}}",
        a.buffer.mib(),
        s.compression_enabled,
        s.max_buffer_size_mb,
        go::string(&s.overflow_action),
        s.max_retention_days,
        a.clock(),
        a.buffer.records(),
        share(a)
    ))
}

fn one(a: &Appliance, path: &str) -> Told {
    let name = path.strip_prefix("/api/buffer/stats/").unwrap_or_default();
    match decoded(name) {
        Some(name) if !name.is_empty() && !name.contains('/') => Told::json(service(&name, a.buffer.sums(&name))),
        _ => Told::not_found(),
    }
}

/// A part of a path without its percent signs.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            out.push((digit()? * 16 + digit()?) as u8);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

fn bad_json(why: &str) -> Told {
    Told::error(StatusCode::BAD_REQUEST, format!("Invalid JSON: {why}"))
}

fn configure(a: &mut Appliance, asked: &Asked) -> Told {
    match Settings::read(asked.body.as_deref().unwrap_or_default()) {
        Ok(new) => {
            a.settings = new;
            Told::json(r#"{"status":"config updated"}"#)
        }
        Err(why) => bad_json(&why),
    }
}

/// An array of records that say of themselves what they are.
fn ingest_many(a: &mut Appliance, asked: &Asked) -> Told {
    let records = match go::value(asked.body.as_deref().unwrap_or_default()) {
        Ok(Value::Array(all)) => all,
        Ok(Value::Null) => Vec::new(),
        Ok(other) => return bad_json(&go::cannot(&other, "", "[]map[string]interface {}")),
        Err(why) => return bad_json(&why),
    };
    if let Some(none) = records.iter().find(|r| !r.is_object() && !r.is_null()) {
        return bad_json(&go::cannot(none, "", "map[string]interface {}"));
    }
    for record in &records {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let service = text("source_type").unwrap_or("vector").to_owned();
        let claimed = match record.get("timestamp") {
            Some(Value::Number(n)) => n.as_f64().map(|n| n as i64),
            Some(Value::String(t)) => chrono::DateTime::parse_from_rfc3339(t).ok().map(|t| t.timestamp()),
            _ => None,
        };
        let kind = if text("data_type") == Some("netflow") { Kind::Flow } else { Kind::Other };
        a.store(&service, kind, claimed, 1, record.to_string().len() as f64);
    }
    Told::json(format!(
        "{{\"errors\":0,\"processed\":{},\"status\":\"success\",\"timestamp\":{}}}",
        records.len(),
        a.clock()
    ))
}

/// One value of a known kind. Of several documents the first is kept, the others are lost in silence.
fn ingest(a: &mut Appliance, asked: &Asked) -> Told {
    let (service, kind) = match asked.path.strip_prefix("/api/v1/ingest/").unwrap_or_default() {
        "syslog" => ("fluent-bit", "syslog"),
        "netflow" => ("goflow2", "netflow"),
        "snmp" => ("telegraf", "snmp"),
        "metrics" => ("telegraf", "metrics"),
        "windows" => ("vector", "windows_events"),
        _ => return Told::not_found(),
    };
    let value = match go::value(asked.body.as_deref().unwrap_or_default()) {
        Ok(value) => value,
        Err(why) => return bad_json(&why),
    };
    let flow = if kind == "netflow" { Kind::Flow } else { Kind::Other };
    a.store(service, flow, None, 1, value.to_string().len() as f64);
    Told::json(format!(
        "{{\"data_type\":\"{kind}\",\"service\":\"{service}\",\"status\":\"success\",\"timestamp\":{}}}",
        a.clock()
    ))
}
