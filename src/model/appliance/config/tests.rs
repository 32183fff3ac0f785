//! Whatever is edited, what comes out does no harm.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn shipped() -> BufferConfig {
    let whole = json!({
        "enabled": true, "max_retention_days": 14, "max_db_size_gb": 2, "max_file_size_gb": 10,
        "cleanup_interval_minutes": 60, "compression_enabled": true, "vpn_failover_enabled": true,
        "vpn_check_interval_seconds": 30, "forwarding_enabled": false,
        "forwarding_url": "https://target.example/api/ingest", "max_buffer_size_mb": 1000,
        "overflow_action": "drop_oldest", "services": spec::shipped_services(),
    });
    BufferConfig::parse(&whole.to_string()).unwrap()
}

/// What the service does with an object: its own reading, written down anew from the facts, so that
/// the rules are not tested by themselves.
fn survives(whole: &Map<String, Value>) -> bool {
    let mut seen: std::collections::HashMap<String, Value> = std::collections::HashMap::new();
    for (key, value) in whole {
        if !value.is_null() {
            seen.insert(key.to_lowercase().replace('\u{17f}', "s"), value.clone());
        }
    }
    let number = |key: &str| seen.get(key).map_or(Some(0), Value::as_i64);
    let switch = |key: &str| seen.get(key).map_or(Some(false), Value::as_bool);
    let ticks = |n: Option<i64>, unit: i64| n.and_then(|n| n.checked_mul(unit)).is_some_and(|ns| ns > 0);
    let kept = |n: Option<i64>| n.is_some_and(|n| n > 0);
    let services = whole.get("services").and_then(Value::as_object);
    ticks(number("cleanup_interval_minutes"), 60_000_000_000)
        && (switch("vpn_failover_enabled") == Some(false) || ticks(number("vpn_check_interval_seconds"), 1_000_000_000))
        && kept(number("max_buffer_size_mb"))
        && kept(number("max_retention_days"))
        && services.is_some_and(|s| {
            s.values().all(|e| e.get("retention_hours").and_then(Value::as_i64).is_some_and(|h| h >= 0))
        })
}

#[test]
fn texts_that_are_no_configuration_are_told_apart() {
    assert_eq!(BufferConfig::parse("null"), Err(Unfit::Null));
    assert_eq!(BufferConfig::parse("[]"), Err(Unfit::Array));
    assert!(matches!(BufferConfig::parse("7"), Err(Unfit::NoObject("a number"))));
    assert!(matches!(BufferConfig::parse("{"), Err(Unfit::NoJson(_))));
    let Err(Unfit::Partial { missing }) = BufferConfig::parse("{\"max_buffer_size_mb\":500}") else {
        panic!("a partial object passes")
    };
    assert!(missing.contains(&"cleanup_interval_minutes".to_owned()) && missing.contains(&"services".to_owned()));
}

#[test]
fn a_shipped_configuration_is_harmless_and_its_idle_keys_are_told() {
    let config = shipped();
    assert!(config.harmless());
    let idle = config.validate();
    assert!(idle.iter().any(|d| d.path == "services.goflow2.max_records"), "{idle:?}");
    assert_eq!((config.limit_bytes(), config.cleanup_minutes()), (Some(1000 << 20), Some(60)));
    assert_eq!((config.retention_hours("goflow2"), config.retention_hours("other")), (Some(168), Some(14 * 24)));
    assert_eq!((config.quota_records("fluent-bit"), config.quota_records("vector")), (None, Some(1_000_000)));
}

#[test]
fn what_a_partial_post_left_behind_is_mended_in_one_go() {
    let left = json!({
        "enabled": false, "max_retention_days": 0, "max_db_size_gb": 0, "max_file_size_gb": 0,
        "cleanup_interval_minutes": 0, "compression_enabled": false, "vpn_failover_enabled": false,
        "vpn_check_interval_seconds": 0, "forwarding_enabled": false, "forwarding_url": "",
        "max_buffer_size_mb": 500, "overflow_action": "", "services": null,
    });
    let Value::Object(left) = left else { unreachable!() };
    let left = BufferConfig::new(left);
    let kinds: Vec<DangerKind> = left.validate().iter().map(|d| d.kind).collect();
    assert_eq!(kinds.first(), Some(&DangerKind::Kills));
    assert!(kinds.contains(&DangerKind::Loses));
    assert!(left.apply(&[Edit::set("cleanup_interval_minutes", 60)]).is_err(), "the rest is still harmful");
    let mended = left
        .apply(&[
            Edit::set("cleanup_interval_minutes", 60),
            Edit::set("vpn_check_interval_seconds", 30),
            Edit::set("max_retention_days", 14),
            Edit::set("overflow_action", "drop_oldest"),
            Edit::set("forwarding_url", "https://target.example/api/ingest"),
            Edit::RestoreServices,
        ])
        .unwrap();
    assert!(mended.harmless() && survives(mended.whole()));
    assert_eq!(mended.diff(&mended), Vec::new());
    assert!(left.diff(&mended).iter().any(|(path, old, _)| path == "services" && *old == Some(Value::Null)));
}

#[test]
fn a_key_written_otherwise_overrules_and_is_refused() {
    for twin in ["Cleanup_Interval_Minutes", "cleanup_interval_minute\u{17f}", "SERVICES"] {
        let mut whole = shipped().whole().clone();
        whole.insert(twin.to_owned(), json!(0));
        let config = BufferConfig::new(whole);
        assert!(!config.harmless(), "{twin}");
        assert!(config.apply(&[]).is_err(), "{twin}");
    }
}

#[test]
fn lines_are_read_by_the_kind_of_their_key() {
    assert_eq!(Edit::parse("max_buffer_size_mb=500"), Ok(Edit::set("max_buffer_size_mb", 500)));
    assert_eq!(
        Edit::parse("services.fluent-bit.compression_mode = none"),
        Ok(Edit::service("fluent-bit", "compression_mode", "none"))
    );
    assert_eq!(Edit::parse("forwarding_enabled=on"), Ok(Edit::set("forwarding_enabled", true)));
    for bad in [
        "max_buffer_size_mb=0",
        "max_buffer_size_mb=1.5",
        "cleanup_interval_minutes=999999999999",
        "x=1",
        "overflow_action=explode",
        "services.vector=1",
        "forwarding_url=ftp://x",
        "enabled",
        "services.vector.priority=11",
    ] {
        assert!(Edit::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_service_without_an_entry_gets_none_by_an_edit() {
    let refused = shipped().apply(&[Edit::service("nginx", "retention_hours", 5)]);
    assert!(matches!(refused, Err(Refusal::NoService { .. })), "{refused:?}");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-2_i64..500).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop_oneof![Just("drop_oldest"), Just("gzip"), Just("zstd"), Just("explode"), Just(""), Just("http://a")]
            .prop_map(Value::from),
        Just(Value::Null),
        Just(json!([1])),
        Just(json!({"a": 0})),
    ]
}

fn any_key() -> impl Strategy<Value = String> {
    let known: Vec<String> =
        spec::TOP.iter().chain(&spec::SERVICE).map(|f| f.name.to_owned()).chain(["services".to_owned()]).collect();
    prop_oneof![
        6 => prop::sample::select(known.clone()),
        1 => prop::sample::select(known).prop_map(|k| k.to_uppercase()),
        1 => "[a-z_]{1,12}",
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (any_key(), any_value()).prop_map(|(k, v)| Edit::set(k, v)),
        3 => (prop_oneof![Just("vector"), Just("goflow2"), Just("nobody")], any_key(), any_value())
            .prop_map(|(s, k, v)| Edit::service(s, k, v)),
        1 => Just(Edit::RestoreServices),
    ]
}

/// Objects as an appliance may tell them: whole, with keys changed, gone, or unknown.
fn any_config() -> impl Strategy<Value = BufferConfig> {
    prop::collection::vec((any_key(), prop::option::of(any_value())), 0..4).prop_map(|changes| {
        let mut whole = shipped().whole().clone();
        for (key, value) in changes {
            match value {
                Some(value) => drop(whole.insert(key, value)),
                None => drop(whole.shift_remove(&key)),
            }
        }
        BufferConfig::new(whole)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_edits_makes_what_harms(
        start in any_config(),
        steps in prop::collection::vec(prop::collection::vec(any_edit(), 0..4), 1..6),
    ) {
        let mut config = start;
        for edits in steps {
            let Ok(next) = config.apply(&edits) else { continue };
            prop_assert!(survives(next.whole()), "{:?}", next.whole());
            prop_assert!(next.harmless() && next.missing().is_empty());
            let keys = |c: &BufferConfig| c.whole().keys().cloned().collect::<Vec<_>>();
            prop_assert_eq!(keys(&config), keys(&next), "keys and their order stay");
            for (path, ..) in config.diff(&next) {
                prop_assert!(path == "services" || path.starts_with("services.") || spec::top(&path).is_some());
            }
            config = next;
        }
    }

    #[test]
    fn judging_any_object_is_safe_and_never_calls_a_killer_harmless(start in any_config()) {
        if start.harmless() && start.missing().is_empty() {
            prop_assert!(survives(start.whole()), "{:?}", start.whole());
        }
        let again = BufferConfig::parse(&Value::Object(start.whole().clone()).to_string());
        prop_assert_eq!(again.is_ok(), start.missing().is_empty());
    }
}
