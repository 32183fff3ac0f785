//! The recorded dialogue with the real services, once more with the simulated ones: the same requests
//! give the same statuses, headers and texts, JSON of the same shape in the same order, and the same
//! length where the state is the same.

use std::path::Path;

use noctule::sim::raven::{RavenOptions, RavenSim, RunningRaven, Target};
use serde_json::Value as Json;

use super::http::ask;

/// 2026-11-20T14:50:00Z: before the first recording.
const THEN: i64 = 1_795_186_200;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raven")
}

fn sample(name: &str) -> Json {
    serde_json::from_slice(&std::fs::read(folder().join(name)).expect(name)).expect(name)
}

async fn start() -> RunningRaven {
    RavenSim::start(RavenOptions { anchor_s: Some(THEN), ..RavenOptions::still() }).await.expect("an appliance")
}

/// Names of all keys in their order, types of all values; texts and numbers are left out.
fn shape(value: &Json) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Bool(_) => "bool".into(),
        Json::Number(_) => "number".into(),
        Json::String(_) => "text".into(),
        Json::Array(all) => format!("[{}]", all.first().map(shape).unwrap_or_default()),
        Json::Object(map) => {
            let fields: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", shape(v))).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// Makes the state that a recording was made in.
async fn prepare(raven: &RunningRaven, name: &str) {
    let control = raven.control();
    let post = |config: Json| {
        let url = raven.buffer_url();
        async move {
            let body = serde_json::to_vec(&config).expect("JSON");
            let told = ask(&url, "POST", "/api/buffer/config", &[], &body).await.expect("an answer");
            assert_eq!(told.status, 200);
        }
    };
    let body = |name: &str| sample(name)["request"]["body"].clone();
    match name {
        n if n.contains("after_empty_object") => post(body("buffer_config_post_empty_object.json")).await,
        n if n.contains("after_partial") => post(body("buffer_config_post_partial.json")).await,
        n if n.contains("after_nonsense") => post(body("buffer_config_post_nonsense_values.json")).await,
        n if n.contains("negative_max") => post(body("buffer_config_post_nonsense_values.json")).await,
        n if n.contains("zero_max_empty") => post(body("buffer_config_post_zero_max.json")).await,
        n if n.starts_with("config_restart_fail") || n.contains("restart_failed") => control.fail_restarts(true),
        n if n.starts_with("config_unauthorized") => control.ask_for_key(Some("k3y")),
        n if n.ends_with("missing_file.json") => control.saved(None),
        n if n.ends_with("broken_file.json") => control.break_saved(),
        _ => {}
    }
    if name.starts_with("config_system_status") {
        for service in ["fluent-bit", "goflow2", "telegraf", "vector"] {
            control.collector(service, false);
        }
    }
    let uplink = match name {
        n if n.contains("connected") || n.contains("forward_ok") || n.contains("after_forward") => {
            Some(Target::Answers(1))
        }
        n if n.contains("probe_slow") => Some(Target::Answers(3001)),
        n if n.contains("probe_404") => Some(Target::Status(404)),
        n if n.contains("probe_500") => Some(Target::Status(500)),
        n if n.contains("probe_hang") => Some(Target::Hangs),
        n if sample(n)["response"]["body"].to_string().contains("last_error") => Some(Target::Refuses),
        _ => None,
    };
    if let Some(target) = uplink {
        control.uplink(target);
        control.advance(76.0);
    }
    if name.contains("after_forward") {
        control.store("fluent-bit", 1, 100);
        control.store("telegraf", 2, 80);
        control.store("vector", 1, 80);
        control.advance(1.0);
        control.store("goflow2", 1, 80);
        let told = ask(&raven.buffer_url(), "POST", "/api/buffer/forward", &[], b"").await.expect("an answer");
        assert_eq!(told.status, 200);
    }
    for (records, mark) in [(100_000, "_100000"), (1_000_000, "_1000000"), (20_000, "_20000"), (300_000, "_300000")] {
        if name.contains(&format!("{mark}.")) {
            for service in ["fluent-bit", "goflow2", "telegraf", "vector"] {
                control.store(service, records / 4, 200);
            }
        }
    }
}

/// Where the state is the same to the last digit, so is the length.
fn same_length(name: &str, sent: &Json) -> bool {
    let text = sent["response"]["headers"]["Content-Type"].as_str().is_some_and(|t| t.starts_with("text/plain"));
    text || name.contains("config_get_after")
        || name.contains("config_get_default")
        || name.contains("stats_empty")
        || name.contains("status_negative")
        || name.contains("stats_after_partial")
        || name.contains("unknown_service")
        || name.contains("stats_service_vector_empty")
        || name.starts_with("buffer_health")
        || name.contains("zero_max")
        || name.starts_with("config_services")
        || name.starts_with("config_health")
        || name.starts_with("config_restart")
        || name.starts_with("config_windows")
        || name.starts_with("config_config_post")
        || name.starts_with("config_unauth")
        || name.starts_with("config_flows_nodata")
        || name.starts_with("config_syslog_nodata")
        || name.starts_with("config_snmp_nodata")
        || name.starts_with("config_telemetry_stats_nodata")
        || name.starts_with("ingest_v1")
        || name.starts_with("buffer_cleanup")
        || name.starts_with("buffer_forward")
}

#[tokio::test]
async fn every_recorded_request_is_answered_as_recorded() {
    let mut seen = 0;
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("samples")
        .map(|e| e.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    for name in &names {
        // Bodies without their requests are compared below; the bytes of this request were not kept.
        if name.ends_with(".body.json") || name == "ingest_v1_gzip_body.json" {
            continue;
        }
        let sent = sample(name);
        let (request, expected) = (&sent["request"], &sent["response"]);
        let raven = start().await;
        prepare(&raven, name).await;
        let config_side = request["service_port"] == 5004;
        let base = if config_side { raven.config_url() } else { raven.buffer_url() };
        let body = match &request["body"] {
            // What could not be parsed was kept as text, and so was one JSON text.
            Json::String(text) if name == "ingest_v1_string.json" => format!("{text:?}").into_bytes(),
            Json::String(text) if text.starts_with("(6291464") => vec![b' '; 6_291_464],
            Json::String(text) => text.clone().into_bytes(),
            Json::Null if request["headers"].get("Content-Type").is_none() => Vec::new(),
            json => serde_json::to_vec(json).expect("JSON"),
        };
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
            .collect();
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let told = ask(&base, method, path, &headers, &body).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(told.status, expected["status"], "{name}: {}", told.text());
        for (header, value) in expected["headers"].as_object().expect("headers") {
            let got = told.headers.get(&header.to_ascii_lowercase());
            match header.as_str() {
                "Date" => assert!(got.is_some(), "{name}: no date"),
                "Content-Length" if same_length(name, &sent) => {
                    assert_eq!(got.map(String::as_str), value.as_str(), "{name}: {}", told.text());
                }
                "Content-Length" => assert!(got.is_some(), "{name}: no length"),
                _ => assert_eq!(got.map(String::as_str), value.as_str(), "{name}: {header}"),
            }
        }
        match &expected["body"] {
            Json::String(text) => assert_eq!(&told.text(), text, "{name}"),
            json => assert_eq!(shape(&told.json()), shape(json), "{name}"),
        }
        seen += 1;
    }
    assert!(seen > 115, "{seen}");
}

#[tokio::test]
async fn whole_bodies_are_those_of_the_real_one() {
    let raven = start().await;
    let get = async |base: String, path: &str| ask(&base, "GET", path, &[], b"").await.expect("an answer");
    let whole = |name: &str| sample(name)["response"]["body"].clone();
    let same = async |path: &str, name: &str| {
        assert_eq!(get(raven.buffer_url(), path).await.json(), whole(name), "{path}");
    };
    same("/api/buffer/config", "buffer_config_get_default.json").await;
    same("/api/buffer/stats/no-such-service", "buffer_stats_unknown_service.json").await;
    let config = get(raven.config_url(), "/api/config").await;
    assert_eq!(config.json(), whole("config_config_nodata.json"));
    assert_eq!(config.headers["transfer-encoding"], "chunked");
    assert_eq!(get(raven.config_url(), "/api/services").await.json(), whole("config_services_nodata.json"));
    assert_eq!(get(raven.config_url(), "/api/windows").await.json(), whole("config_windows_nodata.json"));
    let first = get(raven.buffer_url(), "/api/buffer/vpn/status").await.json();
    let recorded: Json = serde_json::from_slice(
        &std::fs::read(folder().join("buffer_vpn_status_before_first_check.body.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(shape(&first), shape(&recorded));
}

#[tokio::test]
async fn a_configuration_is_replaced_whole_and_may_be_the_last() {
    let raven = start().await;
    let control = raven.control();
    let post = async |body: &str| ask(&raven.buffer_url(), "POST", "/api/buffer/config", &[], body.as_bytes()).await;
    assert_eq!(post(r#"{"MAX_BUFFER_SIZE_MB":77}"#).await.unwrap().status, 200);
    let told = ask(&raven.buffer_url(), "GET", "/api/buffer/config", &[], b"").await.unwrap().json();
    assert_eq!((told["max_buffer_size_mb"].as_i64(), told["services"].is_null()), (Some(77), true));
    // It lives on until it starts again.
    assert!(ask(&raven.buffer_url(), "GET", "/health", &[], b"").await.is_ok());
    assert!(!control.restart_buffer());
    assert!(ask(&raven.buffer_url(), "GET", "/health", &[], b"").await.is_err());
    control.mend();
    assert_eq!(ask(&raven.buffer_url(), "GET", "/health", &[], b"").await.unwrap().status, 200);
}

#[tokio::test]
async fn the_key_is_taken_in_three_forms() {
    let raven = start().await;
    raven.control().ask_for_key(Some("k3y"));
    let status = async |headers: &[(&str, &str)], path: &str| {
        ask(&raven.config_url(), "GET", path, headers, b"").await.expect("an answer").status
    };
    assert_eq!(status(&[], "/health").await, 200);
    assert_eq!(status(&[], "/api/services").await, 401);
    assert_eq!(status(&[], "/api/nope").await, 401);
    assert_eq!(status(&[("X-API-Key", "k3y")], "/api/services").await, 200);
    assert_eq!(status(&[("Authorization", "Bearer k3y")], "/api/services").await, 200);
    assert_eq!(status(&[("Authorization", "api-KEY k3y")], "/api/services").await, 200);
    assert_eq!(status(&[("Authorization", "Basic k3y")], "/api/services").await, 401);
    assert_eq!(status(&[("X-API-Key", "other")], "/api/services").await, 401);
}
