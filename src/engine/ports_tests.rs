//! Plans of ports against the sample configuration, and against any.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn config() -> Value {
    json!({
        "unknown": {"kept": [1, 2]},
        "collection": {
            "syslog": {"enabled": true, "port": 1514, "protocol": "UDP"},
            "netflow": {"enabled": true, "port": 2056, "ports": {"netflow_v5": 2055, "ipfix": 4739, "sflow": 6343}},
            "snmp": {"enabled": true, "port": 161, "trap_port": 1162},
            "windows": {"enabled": false, "port": 8084, "protocol": "HTTP"},
        },
    })
}

fn settings() -> Vec<PortSetting> {
    let one = |service: &str, path: &str, port, tcp, enabled| PortSetting {
        service: service.into(),
        path: path.into(),
        port,
        tcp,
        enabled,
    };
    vec![
        one("fluent-bit", "collection.syslog.port", 1514, false, true),
        one("goflow2", "collection.netflow.port", 2056, false, true),
        one("goflow2", "collection.netflow.ports.netflow_v5", 2055, false, true),
        one("goflow2", "collection.netflow.ports.ipfix", 4739, false, true),
        one("goflow2", "collection.netflow.ports.sflow", 6343, false, true),
        one("telegraf", "collection.snmp.trap_port", 1162, false, true),
        one("vector", "collection.windows.port", 8084, true, false),
    ]
}

fn made(changes: &[(&str, i64)], listening: Option<&[Socket]>, privileged: Option<bool>) -> Plan {
    let changes: Vec<Change> = changes.iter().map(|(p, n)| Change { path: (*p).into(), port: *n }).collect();
    plan(&changes, Around { config: &config(), settings: &settings(), listening, privileged })
}

fn fatal(changes: &[(&str, i64)]) -> String {
    let plan = made(changes, None, Some(false));
    assert!(!plan.is_possible(), "{plan:?}");
    plan.conflicts.iter().filter(|c| c.fatal).map(|c| c.words.clone()).collect::<Vec<_>>().join("; ")
}

const SYSLOG: &str = "collection.syslog.port";

#[test]
fn a_free_port_is_planned_with_its_restart_and_its_way_back() {
    let plan = made(&[(SYSLOG, 5514), ("collection.netflow.ports.ipfix", 4740)], Some(&[]), None);
    assert!(plan.is_possible(), "{:?}", plan.conflicts);
    assert_eq!(plan.restarts, ["fluent-bit", "goflow2"]);
    assert_eq!(plan.roll_back, config());
    let mut wanted = config();
    wanted["collection"]["syslog"]["port"] = 5514.into();
    wanted["collection"]["netflow"]["ports"]["ipfix"] = 4740.into();
    assert_eq!(plan.config, wanted);
    assert_eq!(plan.lines[0], "collection.syslog.port: 1514 → 5514");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    assert!(fatal(&[(SYSLOG, 0)]).contains("no port"));
    assert!(fatal(&[(SYSLOG, 70_000)]).contains("no port"));
    assert!(fatal(&[(SYSLOG, 514)]).contains("below 1024"));
    assert!(fatal(&[(SYSLOG, 2055)]).contains("port of goflow2"));
    assert!(fatal(&[(SYSLOG, 14_739)]).contains("behind its relay"), "goflow2 listens there");
    assert!(fatal(&[(SYSLOG, 60_000)]).contains("no room"));
    assert!(fatal(&[("collection.snmp.trap_port", 2514)]).contains("both listen on 12514"));
    assert!(fatal(&[("collection.windows.port", 9001)]).contains("supervisor"));
    assert!(fatal(&[("collection.netflow.port", 3000)]).contains("no port that a collector listens on"));
    assert!(fatal(&[(SYSLOG, 5514), (SYSLOG, 5515)]).contains("twice"));
    assert!(fatal(&[(SYSLOG, 5514), ("collection.snmp.trap_port", 5514)]).contains("5514"));
}

#[test]
fn ports_held_by_others_are_told_with_who_holds_them() {
    let socket = |port, process: &str| Socket { port, process: process.into(), ..Socket::default() };
    let plan = made(&[(SYSLOG, 5514)], Some(&[socket(5514, "rsyslogd"), socket(16_514, "nc")]), None);
    let words: Vec<&str> = plan.conflicts.iter().map(|c| c.words.as_str()).collect();
    assert_eq!(words, ["UDP 5514 is held by rsyslogd", "UDP 16514 (where it listens behind its relay) is held by nc"]);
    // Two services change places: each port becomes free by the plan itself.
    let held = [socket(1514, "socat"), socket(1162, "socat"), socket(12_514, "fluent-bit"), socket(11_162, "telegraf")];
    let plan = made(&[(SYSLOG, 1162), ("collection.snmp.trap_port", 1514)], Some(&held), None);
    assert!(plan.is_possible(), "{:?}", plan.conflicts);
}

#[test]
fn what_is_only_doubtful_does_not_refuse() {
    let plan = made(&[(SYSLOG, 514)], None, None);
    assert!(plan.is_possible());
    assert!(plan.lines.iter().any(|l| l.starts_with("to consider: 514")), "{:?}", plan.lines);
    // `netflow.port` is configured, and nobody listens there.
    assert!(made(&[(SYSLOG, 2056)], None, None).is_possible());
    assert!(!made(&[(SYSLOG, 1514)], None, None).is_possible(), "nothing changes");
}

proptest! {
    /// Only the wanted places change; what is possible has no two services on one port, and none on a
    /// reserved one; a plan made of the way back restores what was.
    #[test]
    fn plans_touch_only_what_they_say(
        wanted in prop::collection::btree_map(0usize..7, -2i64..70_000, 0..5),
        near in prop::collection::vec(prop::sample::select(vec![1514i64, 2055, 4739, 6343, 1162, 8084, 12_514, 12_055, 2514, 5004]), 0..3),
    ) {
        let all = settings();
        let mut changes: Vec<Change> =
            wanted.iter().map(|(i, p)| Change { path: all[*i].path.clone(), port: *p }).collect();
        for (change, port) in changes.iter_mut().zip(near) {
            change.port = port;
        }
        let before = config();
        let plan = plan(&changes, Around { config: &before, settings: &all, listening: None, privileged: Some(true) });
        prop_assert_eq!(&plan.roll_back, &before);
        let mut expected = before.clone();
        for edit in &plan.edits {
            prop_assert!(put(&mut expected, &edit.path, edit.to));
        }
        prop_assert_eq!(&plan.config, &expected);
        if plan.is_possible() {
            let mut udp = BTreeSet::new();
            for setting in all.iter().filter(|s| s.enabled && !s.tcp && service_of(&s.path).is_some()) {
                let port = at(&plan.config, &setting.path).and_then(Value::as_i64).unwrap();
                prop_assert!(udp.insert(port), "{} twice", port);
                prop_assert!(udp.insert(port + i64::from(inner_offset(&setting.path))), "inner of {} twice", port);
            }
            let back: Vec<Change> = plan.edits.iter()
                .map(|e| Change { path: e.path.clone(), port: e.from.unwrap() }).collect();
            let around = Around { config: &plan.config, settings: &[], listening: None, privileged: Some(true) };
            prop_assert_eq!(super::plan(&back, around).config, before);
        }
    }
}
