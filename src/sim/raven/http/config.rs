//! The config service (port 5004 of a real one). Most of its numbers are ratios and constants.

use http::{Method, StatusCode};
use serde_json::Value;

use super::{Asked, Told, go};
use crate::model::order;
use crate::sim::raven::ports;
use crate::sim::raven::world::{Appliance, Saved};

/// Other names of services.
const ALIASES: [(&str, &str); 12] = [
    ("buffer", "vector"),
    ("buffer-service", "vector"),
    ("buffer_service", "vector"),
    ("fluent_bit", "fluent-bit"),
    ("fluentbit", "fluent-bit"),
    ("syslog", "fluent-bit"),
    ("wevents", "vector"),
    ("win-events", "vector"),
    ("win_events", "vector"),
    ("windows", "vector"),
    ("windows-events", "vector"),
    ("windows_events", "vector"),
];
/// Those it restarts.
const SERVICES: [&str; 5] = ["fluent-bit", "goflow2", "telegraf", "vector", "nginx"];
/// The largest configuration it takes, bytes.
const LARGEST: usize = 5 << 20;
/// What the recorded machine had.
const MEMORY: i64 = 25_276_502_016;
const DISK: i64 = 12_638_248_960;

/// What a call takes, µs: some start programs.
pub(super) fn takes(a: &Appliance, asked: &Asked) -> i64 {
    let ms = match asked.path.as_str() {
        path if path.ends_with("/restart") => a.wrongs.restart_ms,
        "/api/metrics" | "/api/buffer" | "/api/buffer/status" if a.wrongs.slow => 165,
        "/api/system/status" if a.wrongs.slow => 30,
        _ => 0,
    };
    ms * 1_000
}

/// Answers a call.
pub(super) fn answer(a: &mut Appliance, asked: &Asked) -> Told {
    let path = asked.path.as_str();
    if let Some(moved) = Told::moved(path) {
        return moved;
    }
    if path == "/health" {
        return Told::literal(r#"{"status":"healthy"}"#);
    }
    if path.starts_with("/api/") && asked.method != Method::OPTIONS && !admitted(a, asked) {
        return Told {
            status: StatusCode::UNAUTHORIZED,
            ..Told::literal(r#"{"success": false, "message": "unauthorized"}"#)
        };
    }
    let restart = path.strip_prefix("/api/services/").map(str::to_owned);
    if asked.method == Method::OPTIONS && (path == "/api/config" || restart.is_some()) {
        return Told::bare(StatusCode::NO_CONTENT);
    }
    if let Some(rest) = restart {
        return match (asked.method == Method::POST, rest.strip_suffix("/restart")) {
            (true, Some(name)) if !name.is_empty() && !name.contains('/') => restarted(a, name),
            (true, _) => failed(StatusCode::BAD_REQUEST, "invalid path"),
            (false, _) => wrong_method(),
        };
    }
    if path == "/api/system/status" {
        return system(a);
    }
    if path == "/api/config" {
        return match asked.method {
            Method::GET => saved(a),
            Method::POST => save(a, asked),
            _ => wrong_method(),
        };
    }
    let [f, g, t, v] = ["fluent-bit", "goflow2", "telegraf", "vector"].map(|s| counted(a, s));
    let old = a.wrongs.old;
    let page = match path {
        "/api/services" => services(),
        "/api/flows" => flows(g),
        "/api/syslog" => syslog(f),
        "/api/snmp" => snmp(t),
        "/api/windows" => WINDOWS.to_owned(),
        "/api/metrics" => metrics(a, [f, g, t, v]),
        "/api/buffer" => constants(a),
        "/api/buffer/status" if !old => constants(a),
        "/api/telemetry/stats" if !old => format!(
            "{{\"activeDevices\":10,\"dataBuffer\":\"0.0MB\",\"flowsPerSecond\":{},\"snmpPolls\":0,\"syslogMessages\":{},\
             \"totalFlows\":{g},\"totalSnmp\":{t},\"totalSyslog\":{f},\"totalWindows\":{v},\"windowsEvents\":{v}}}",
            g / 60,
            f / 60
        ),
        _ => return Told::not_found(),
    };
    if asked.method == Method::GET { Told::json(page) } else { wrong_method() }
}

fn admitted(a: &Appliance, asked: &Asked) -> bool {
    let Some(key) = &a.wrongs.key else { return true };
    let header = |name: &str| asked.headers.get(name).and_then(|v| v.to_str().ok());
    if header("x-api-key") == Some(key.as_str()) {
        return true;
    }
    header("authorization").and_then(|text| text.split_once(' ')).is_some_and(|(scheme, told)| {
        (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("api-key")) && told == key
    })
}

fn wrong_method() -> Told {
    Told::error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

/// What looks like JSON, and is none as soon as the cause has quotes in it.
fn failed(status: StatusCode, why: &str) -> Told {
    Told::error(status, format!("{{\"success\": false, \"message\": \"{why}\"}}"))
}

fn restarted(a: &mut Appliance, name: &str) -> Told {
    let lower = name.to_ascii_lowercase();
    let real = ALIASES.iter().find(|(alias, _)| *alias == lower).map_or(name, |(_, real)| real);
    if a.wrongs.restarts_fail || !SERVICES.contains(&real) {
        let why = format!(
            "restart failed: service restart failed for {real}: exec: \"supervisorctl\": executable file not found in $PATH"
        );
        return failed(StatusCode::INTERNAL_SERVER_ERROR, &why);
    }
    let denied = a.wrongs.denied_port.is_some_and(|port| ports::wants(real, &a.saved, port));
    if let Some(collector) = a.collector(real) {
        collector.alive = !denied;
        collector.starts += 1;
    }
    // It was stopped, and does not start again.
    if denied {
        let why = format!("restart failed: service restart failed for {real}: exit status 1");
        return failed(StatusCode::INTERNAL_SERVER_ERROR, &why);
    }
    Told::literal(format!("{{\"success\": true, \"message\": \"Service {real} restarted\"}}"))
}

fn saved(a: &Appliance) -> Told {
    match &a.saved {
        Saved::Missing => Told::json("{}"),
        Saved::Broken => Told::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "read error: invalid character 'o' in literal null (expecting 'u')",
        ),
        Saved::Told(value) => Told::json(serde_json::to_string_pretty(&sorted(value.clone())).unwrap_or_default()),
    }
}

/// Saves and restarts nothing, whatever it says.
fn save(a: &mut Appliance, asked: &Asked) -> Told {
    let body = asked.body.as_deref().filter(|b| b.len() <= LARGEST);
    match body.map(go::value) {
        Some(Ok(Value::Object(_) | Value::Null)) if a.wrongs.saves_left == Some(0) => {
            Told::error(StatusCode::INTERNAL_SERVER_ERROR, "write error: no space left on device")
        }
        Some(Ok(value @ (Value::Object(_) | Value::Null))) => {
            a.wrongs.saves_left = a.wrongs.saves_left.map(|n| n - 1);
            a.saved = Saved::Told(value);
            Told::literal(r#"{"success": true, "message": "Configuration saved and applied"}"#)
        }
        other => Told { close: other.is_none(), ..Told::error(StatusCode::BAD_REQUEST, "invalid json") },
    }
}

/// As a map of Go is written.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut all: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            order::by(&mut all, |(a, _), (b, _)| a.cmp(b));
            Value::Object(all.into_iter().collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn counted(a: &Appliance, service: &str) -> u64 {
    a.collectors.iter().find(|c| c.service == service).map_or(0, |c| c.counted as u64)
}

fn uptime(a: &Appliance) -> String {
    let minutes = a.uptime() / 60;
    format!("{}h {}m", minutes / 60, minutes % 60)
}

fn system(a: &Appliance) -> Told {
    let alive = |service: &str| service == "nginx" || a.collectors.iter().any(|c| c.service == service && c.alive);
    let one = |service: &str| {
        let state = if alive(service) { "healthy" } else { "failed" };
        format!("\"{service}\":{{\"critical\":{},\"status\":\"{state}\"}}", service != "telegraf")
    };
    let five = ["fluent-bit", "goflow2", "nginx", "telegraf", "vector"];
    let status = match five.iter().filter(|s| alive(s)).count() {
        0 => "failed",
        1 | 2 => "degraded",
        _ => "healthy",
    };
    Told::json(format!(
        "{{\"cpu_usage\":{},\"disk_usage\":{},\"memory_usage\":{},\"services\":{{{}}},\"status\":\"{status}\",\"uptime\":\"{}\"}}",
        a.load_pct(),
        a.disk_pct(),
        a.memory_pct(),
        five.map(one).join(","),
        uptime(a)
    ))
}

fn services() -> String {
    let aliases: Vec<String> = ALIASES.iter().map(|(alias, real)| format!("\"{alias}\":\"{real}\"")).collect();
    let names: Vec<String> = SERVICES.iter().map(|s| format!("\"{s}\"")).collect();
    format!("{{\"aliases\":{{{}}},\"services\":[{}]}}", aliases.join(","), names.join(","))
}

fn flows(n: u64) -> String {
    format!(
        "{{\"active_connections\":{},\"bytes_processed\":{},\"flow_timeline\":\"{n} flows processed\",\
         \"flows_per_second\":{},\"packets_processed\":{n},\"port_activity\":[],\"protocol_distribution\":\
         {{\"icmp\":{},\"tcp\":{},\"udp\":{}}},\"top_talkers\":[],\"total_flows\":{n}}}",
        n / 100,
        n * 1500,
        n / 3600,
        n * 5 / 100,
        n * 60 / 100,
        n * 35 / 100
    )
}

fn syslog(n: u64) -> String {
    format!(
        "{{\"entries\":{n},\"errors\":{},\"log_level_distribution\":{{\"debug\":{},\"error\":{},\"info\":{},\
         \"warning\":{}}},\"message_patterns\":\"{n} syslog messages processed\",\"recent_logs\":[],\"top_hosts\":[],\
         \"total_logs\":{n},\"warnings\":{}}}",
        n / 20,
        n * 15 / 100,
        n / 20,
        n * 70 / 100,
        n / 10,
        n / 10
    )
}

fn snmp(n: u64) -> String {
    let devices = n / 10;
    format!(
        "{{\"device_status\":[],\"device_types\":{{\"access_point\":{},\"firewall\":{},\"router\":{},\"switch\":{}}},\
         \"offline\":0,\"online\":{},\"performance_metrics\":\"{devices} devices monitored\",\
         \"recent_traps\":\"{n} SNMP traps processed\",\"total_devices\":{devices},\"total_traps\":{n},\"warnings\":{}}}",
        devices / 8,
        devices / 10,
        devices / 5,
        devices / 4,
        devices * 8 / 10,
        devices.div_ceil(10).min(devices)
    )
}

const WINDOWS: &str = "{\"configuration\":{\"buffer_size\":\"50MB\",\"collection_port\":8084,\"collection_protocol\":\"HTTP/JSON\",\
    \"enabled\":true,\"forwarding_enabled\":false,\"forwarding_target\":\"\"},\"critical\":0,\"errors\":0,\
    \"event_levels\":\"No event level data available\",\"event_sources\":\"No event source data available\",\
    \"performance\":{\"buffer_utilization\":\"0%\",\"cpu_usage\":\"0%\",\"disk_io_rate\":\"0MB/s\",\"memory_usage\":\"0MB\",\
    \"network_io_rate\":\"0KB/s\"},\"recent_events\":[],\"top_computers\":\"No computer data available\",\"total_events\":0,\
    \"warnings\":0}";

fn metrics(a: &Appliance, [f, g, t, v]: [u64; 4]) -> String {
    let (memory, disk) = (MEMORY / 100 * a.memory_pct(), DISK / 100 * a.disk_pct());
    let load = a.load_pct() as f64 / 50.0;
    format!(
        "{{\"cpu_usage\":\"{:.1}%\",\"disk\":{{\"available\":{},\"total\":{DISK},\"used\":{disk}}},\"disk_usage\":\"{:.1}%\",\
         \"memory\":{{\"available\":{},\"total\":{MEMORY},\"used\":{memory}}},\"memory_usage\":\"{:.1}%\",\
         \"netflow_records_received\":{g},\"network\":{{\"bytes_per_sec\":1024}},\
         \"processes\":{{\"running\":\"Unknown\",\"total\":\"Unknown\"}},\"snmp_traps_received\":{t},\
         \"syslog_messages_received\":{f},\"system\":{{\"cpu_cores\":1,\"load_15m\":{},\"load_1m\":{},\"load_5m\":{}}},\
         \"uptime\":\"{}\",\"windows_events_received\":{v}}}",
        a.load_pct() as f64,
        DISK - disk,
        a.disk_pct() as f64,
        MEMORY - memory,
        a.memory_pct() as f64,
        go::float((load * 75.0).round() / 100.0),
        go::float((load * 100.0).round() / 100.0),
        go::float((load * 81.0).round() / 100.0),
        uptime(a)
    )
}

/// What has nothing to do with the buffer, whatever its name.
fn constants(a: &Appliance) -> String {
    format!(
        "{{\"buffer_available\":54525952,\"buffer_queues\":{{\"input_queue\":\"No data available\",\
         \"output_queue\":\"No data available\",\"processing_queue\":\"No data available\"}},\"buffer_size\":67108864,\
         \"buffer_total\":67108864,\"buffer_used\":12582912,\"forwarding_destinations\":\"No forwarding data available\",\
         \"health_score\":85,\"performance\":{{\"cpu_usage\":{},\"disk_io\":5,\"memory_usage\":{}}},\
         \"recent_activity\":\"No activity data available\",\"throughput\":{{\"bytes_in\":0,\"bytes_out\":0,\
         \"dropped_messages\":0,\"error_rate\":0,\"messages_in\":0,\"messages_out\":0,\"messages_per_second\":0}},\
         \"uptime\":{},\"utilization_metrics\":{{\"netflow\":{{\"entries\":2.8,\"rate_per_sec\":42}},\
         \"snmp\":{{\"entries\":0.5,\"rate_per_sec\":8}},\"syslog\":{{\"entries\":1.2,\"rate_per_sec\":15}},\
         \"windows\":{{\"entries\":0,\"rate_per_sec\":0}}}},\"utilization_percent\":18}}",
        a.load_pct(),
        a.memory_pct(),
        a.uptime()
    )
}
