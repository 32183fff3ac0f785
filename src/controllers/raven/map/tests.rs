//! Answers as they were recorded, and as nobody would record them.

use super::*;

/// The body of a recorded answer, as bytes.
fn sample(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raven").join(name);
    let text = std::fs::read(&path).unwrap();
    if name.ends_with(".body.json") {
        return text;
    }
    let value: Value = serde_json::from_slice(&text).unwrap();
    match &value["response"]["body"] {
        Value::String(text) => text.clone().into_bytes(),
        body => serde_json::to_vec(body).unwrap(),
    }
}

/// When the samples were taken: 2026-11-20T15:10:13Z.
const THEN: Ts = Ts(1_795_187_413 * SECOND);

#[test]
fn the_heartbeat_of_a_million_records() {
    let told = stats(&sample("buffer_stats_1000000.json"), THEN).unwrap();
    assert_eq!((told.records, told.used_bytes, told.limit_bytes), (1_000_000, 171 << 20, 1000 << 20));
    assert_eq!((told.oldest, told.newest), (Ts(1_795_180_001 * SECOND), Ts(1_795_186_996 * SECOND)));
    assert_eq!(told.by_service.len(), 4);
    assert_eq!((told.overflow_action.as_str(), told.retention_days, told.absurd_time), ("drop_oldest", 14, false));
}

#[test]
fn every_sample_of_an_answer_is_read_or_told_as_unreadable() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raven");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let bytes = sample(&file);
        let empty = bytes.trim_ascii().is_empty();
        let ok = match file.as_str() {
            f if f.ends_with("_negative_max.json") => status(&bytes, THEN).is_ok_and(|s| s.services.len() == 4),
            f if f.contains("status_trailing") || f.contains("stats_unknown") => continue,
            f if f.starts_with("buffer_stats_service") || f.contains("after_cleanup_zero") => {
                service(&bytes, "x", THEN).is_ok()
            }
            f if f.starts_with("buffer_stats") || f == "v1_buffer_stats_empty.json" => {
                stats(&bytes, THEN).is_ok() != empty
            }
            f if f.starts_with("buffer_status") || f.starts_with("v1_status") => status(&bytes, THEN).is_ok() != empty,
            f if f.starts_with("buffer_vpn") => uplink(&bytes, THEN).is_ok(),
            f if f.starts_with("buffer_config_get") => buffer_config(&bytes).is_ok(),
            f if f.starts_with("buffer_health") => health(&bytes, THEN).is_ok(),
            f if f.starts_with("config_system") => system(&bytes).is_ok_and(|s| s.processes.len() == 5),
            f if f.starts_with("config_telemetry") => telemetry(&bytes).is_ok_and(|t| t.totals.len() == 4),
            f if f.starts_with("config_metrics") => metrics(&bytes).is_ok(),
            f if f.starts_with("config_services_no") => services(&bytes).is_ok_and(|s| s.aliases.len() == 12),
            "config_config_nodata.json" | "config_config_get_missing_file.json" => appliance_config(&bytes).is_ok(),
            f if f.starts_with("config_restart_ok") => done(&bytes).is_ok_and(|w| w == "Service vector restarted"),
            f if f.starts_with("config_restart_fail") => done(&bytes).is_err(),
            _ => continue,
        };
        assert!(ok, "{file}");
        seen += 1;
    }
    assert!(seen > 45, "{seen}");
}

#[test]
fn a_limit_of_zero_answers_with_nothing() {
    assert_eq!(stats(b"", THEN).unwrap_err(), "it answered with nothing");
    let told = status(&sample("buffer_status_zero_max_empty_buffer.json"), THEN).unwrap_err();
    assert_eq!(told, "it answered with nothing");
}

#[test]
fn absurd_times_are_clamped_and_flagged() {
    let told = status(&sample("buffer_status_odd_timestamps.body.json"), THEN).unwrap();
    let by = |name: &str| told.services.iter().find(|s| s.service == name).unwrap();
    assert_eq!((by("goflow2").oldest, by("goflow2").absurd_time), (Ts(EARLIEST * SECOND), true));
    assert_eq!((by("vector").newest, by("vector").absurd_time), (THEN, true));
    assert_eq!(by("vector").oldest, Ts(1_795_187_413 * SECOND));
    assert!(!by("telegraf").absurd_time && !by("fluent-bit").absurd_time);
    assert!(!by("fluent-bit").oldest.is_set());
}

#[test]
fn the_uplink_is_up_down_or_not_checked() {
    let told = |name: &str| uplink(&sample(name), THEN).unwrap();
    assert!(told("buffer_vpn_status_before_first_check.body.json").not_checked);
    let refused = told("buffer_vpn_status_refused.json");
    assert!(!refused.not_checked && !refused.connected && refused.failures == 2);
    assert!(refused.last_error.contains("connection refused"));
    let slow = told("buffer_vpn_status_probe_slow.json");
    assert!(slow.connected && slow.latency_ms == 3001 && slow.last_error.is_empty());
    let status = status(&sample("v1_status_empty.json"), THEN).unwrap();
    assert_eq!(status.uplink.forwarding, Some(false));
}

#[test]
fn numbers_of_every_kind() {
    let text = br#"{"buffer_size_mb":-0,"max_buffer_size_mb":"12.3%","total_records":1e3,"oldest_record":null,
        "newest_record":99999999999999999999,"service_records":{"evil\u001b[2J\u202ename":18446744073709551615,"":-4}}"#;
    let told = stats(text, THEN).unwrap();
    assert_eq!((told.used_bytes, told.limit_bytes, told.records), (0, 12 << 20, 1000));
    assert!(told.absurd_time && told.newest == THEN && !told.oldest.is_set());
    assert_eq!(told.by_service, [("evilname".to_owned(), i64::MAX as u64), ("(no name)".to_owned(), 0)]);
    for bad in [&b"{}"[..], b"[]", b"null", b"{\"total_records\":NaN}", b"VPN\x1b[31m down"] {
        let why = stats(bad, THEN).unwrap_err();
        assert!(!why.chars().any(char::is_control), "{why:?}");
    }
}

#[test]
fn constants_are_not_taken_for_measurements() {
    let why = status(&sample("config_buffer_status.json"), THEN).unwrap_err();
    assert!(why.contains("port 5005"), "{why}");
    let told = estimates(&sample("config_flows.json"), "flows").unwrap();
    assert!(told.iter().any(|e| e.name == "flows.bytes_processed" && e.value == "7500000"));
    assert!(told.iter().any(|e| e.name == "flows.protocol_distribution.tcp" && e.value == "3000"));
    assert!(told.iter().all(|e| e.name != "flows.total_flows" && !e.stub));
    assert!(estimates(&sample("config_windows.json"), "windows").unwrap().iter().all(|e| e.stub));
}

#[test]
fn the_system_is_told_with_its_percentages_as_texts() {
    let told = metrics(&sample("config_metrics.json")).unwrap();
    let host = told.host.unwrap();
    assert_eq!((host.memory_pct, host.uptime_s, host.load_milli), (Some(3), Some(4800), Some([1380, 1120, 1030])));
    assert_eq!(host.cpus, None);
    assert_eq!(host.disks[0].size_bytes, Some(12_638_248_960));
    assert_eq!(told.totals.iter().find(|(s, _)| s == "goflow2").unwrap().1, 5000);
    assert_eq!(uptime("37h 12m"), Some(37 * 3600 + 720));
    for bad in ["unknown", "", "h", "-3h", "99999999999999999999d"] {
        assert_eq!(uptime(bad), None, "{bad}");
    }
}

#[test]
fn processes_are_told_as_they_are_seen() {
    let told = system(&sample("config_system_status.json")).unwrap();
    let telegraf = told.processes.iter().find(|p| p.service == "telegraf").unwrap();
    assert_eq!((telegraf.running, telegraf.critical, telegraf.word.as_str()), (Some(false), Some(false), "failed"));
    assert_eq!(told.host.memory_pct, Some(2));
}
