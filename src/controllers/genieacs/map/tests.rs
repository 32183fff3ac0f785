//! Recorded documents of a real server, read.

use serde::de::DeserializeOwned;

use super::*;

fn sample(name: &str) -> String {
    let path = format!("{}/tests/fixtures/genieacs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn first<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str::<Vec<T>>(&sample(name)).unwrap().into_iter().next().unwrap()
}

fn profiles() -> Profiles {
    Profiles::load(None).unwrap()
}

#[test]
fn a_tr098_device_is_read() {
    let doc: DeviceDoc = first("device-tr098");
    let cpe = cpe(&doc, &profiles());
    assert_eq!(cpe.id, "00259E-HG8245H-HWTC00000001");
    assert_eq!((cpe.serial.as_str(), cpe.oui.as_str()), ("HWTC00000001", "00259E"));
    assert_eq!((cpe.profile.as_str(), cpe.root), ("huawei", Some(Root::Tr098)));
    assert_eq!((cpe.rx_centi_dbm, cpe.tx_centi_dbm), (Some(-1600), Some(200)));
    assert_eq!((cpe.ip.as_str(), cpe.ssid.as_str(), cpe.pppoe_user.as_str()), ("100.64.0.1", "Home-1", "sub@isp"));
    assert_eq!(cpe.firmware, "V3R013C10S115");
    assert!(cpe.last_inform.is_set() && cpe.registered.is_set() && cpe.uptime_s.is_some());
}

#[test]
fn a_tr181_device_is_read() {
    let doc: DeviceDoc = first("device-tr181");
    let cpe = cpe(&doc, &profiles());
    assert_eq!(cpe.id, "F8345A-G%2D1425G%2DA-ALCL00000003");
    assert_eq!((cpe.model.as_str(), cpe.product_class.as_str()), ("G-1425G-A", "G-1425G-A"));
    assert_eq!((cpe.rx_centi_dbm, cpe.tx_centi_dbm), (Some(-1800), Some(210)));
    assert_eq!((cpe.ip.as_str(), cpe.pppoe_user.as_str()), ("100.64.0.2", "sub@isp"));
    assert_eq!((cpe.firmware.as_str(), cpe.uptime_s), ("3FE49568IJLJ04", Some(52)));
    assert_eq!(cpe.profile, "tr-181");
}

#[test]
fn leaves_know_what_can_be_set_and_what_nobody_may_see() {
    let doc: DeviceDoc = first("device-tr181");
    let profiles = profiles();
    let leaves = leaves(&doc, profiles.of_doc(&doc));
    let at = |path: &str| leaves.iter().find(|l| l.path == path).unwrap();
    let interval = at("Device.ManagementServer.PeriodicInformInterval");
    assert_eq!((&interval.value, interval.writable), (&Some(Scalar::Int(300)), Some(true)));
    assert_eq!(interval.xsd, "xsd:unsignedInt");
    assert_eq!(interval.read_at.to_rfc3339(), "2026-11-20T14:31:13.995Z");
    let password = at("Device.ManagementServer.ConnectionRequestPassword");
    assert!(password.secret && password.value.is_some());
    assert!(!format!("{password:?}").contains("1z4doajogc3"));
    assert_eq!(at("Device.DeviceInfo.SoftwareVersion").writable, Some(false));
}

#[test]
fn what_comes_from_a_device_is_safe_to_show() {
    let text = r#"{"_id":"x","_deviceId":{"_Manufacturer":"a\u001b[2J"},"_tags":["b\u202e"],
        "InternetGatewayDevice":{"DeviceInfo":{"SoftwareVersion":{"_value":"V1\u0007"}}}}"#;
    let doc: DeviceDoc = serde_json::from_str(text).unwrap();
    let cpe = cpe(&doc, &profiles());
    for words in [&cpe.manufacturer, &cpe.firmware, &cpe.tags[0]] {
        assert!(!words.chars().any(|c| c.is_control() || c == '\u{202e}'), "{words:?}");
    }
}

#[test]
fn the_projection_is_enough_for_a_row_and_has_no_overlaps() {
    let profiles = profiles();
    let Projection(paths) = projection(&profiles);
    for a in &paths {
        for b in &paths {
            assert!(a == b || !a.starts_with(&format!("{b}.")), "{a} below {b}");
        }
        super::super::validate::field(a).unwrap();
    }
    for name in ["device-tr098", "device-tr181"] {
        let whole: serde_json::Value = first(name);
        let kept = project(&whole, &paths);
        let doc: DeviceDoc = serde_json::from_value(kept).unwrap();
        assert_eq!(cpe(&doc, &profiles), cpe(&first(name), &profiles), "{name}");
    }
}

/// What a projection leaves of a document.
fn project(doc: &Json, paths: &[String]) -> Json {
    let mut out = serde_json::Map::new();
    for path in paths {
        let parts: Vec<&str> = path.split('.').collect();
        let Some(value) = parts.iter().try_fold(doc, |at, p| at.get(p)) else { continue };
        let (last, above) = parts.split_last().unwrap();
        let mut at = &mut out;
        for part in above {
            at = at.entry(*part).or_insert_with(|| Json::Object(serde_json::Map::new())).as_object_mut().unwrap();
        }
        at.insert((*last).to_owned(), value.clone());
    }
    Json::Object(out)
}

#[test]
fn faults_name_the_parameters_that_failed() {
    let fault: FaultDoc = first("fault-spv");
    assert_eq!(fault.task().unwrap().as_str(), "6b0059b3e9ee7e3b09943170");
    let failed = fault.parameters();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].path, "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel");
    assert_eq!((failed[0].code.as_str(), failed[0].words.as_str()), ("9007", "Invalid parameter value"));
    assert!(fault.summary().starts_with("cwmp.9003 Invalid arguments; Internet"), "{}", fault.summary());
    assert_eq!(fault.provisions[0][0], "value");
    assert_eq!(fault.next_try().since(fault.timestamp), 300 * SECOND);
    let download: FaultDoc = first("fault-download");
    assert!(download.parameters().is_empty() && download.code == "cwmp.9016");
    let odd: FaultDoc =
        serde_json::from_str(r#"{"_id":"d:default","detail":"x","provisions":"no json","code":5}"#).unwrap();
    assert_eq!((odd.task(), odd.code.as_str()), (None, "5"));
    assert_eq!(FaultDoc { retries: 200, ..odd }.next_try(), Ts(i64::MAX));
}

#[test]
fn tasks_operations_and_files_are_read() {
    let task: TaskDoc = first("tasks-pending");
    assert_eq!((task.name.as_str(), task.device.as_str()), ("refreshObject", "202BC1-BM632w-000000"));
    assert_eq!(task.id().unwrap().as_str(), "6b005847cdf9841db800a597");
    let future: TaskDoc = serde_json::from_str(&sample("task-future")).unwrap();
    assert_eq!((future.unique_key.as_deref(), future.expiry.since(future.timestamp)), (Some("k1"), 3600 * SECOND));
    let operation: OperationDoc = first("operations");
    assert_eq!(operation.device().unwrap().as_str(), "202BC1-BM632w-000000");
    assert_eq!(operation.tasks()[0].as_str(), "6b00588da9fef0fa2b06fc84");
    assert_eq!((operation.file_name(), operation.instance()), ("HG8245H_V3.0.10.bin", "1"));
    let file: FileDoc = first("files");
    assert_eq!((file.name.as_str(), file.length, file.version()), ("HG8245H_V3.0.10.bin", 300_000, "V3.0.10"));
    assert_eq!((file.oui(), file.product_class(), file.file_type()), ("202BC1", "BM632w", "1 Firmware Upgrade Image"));
}

#[test]
fn downloads_are_followed_from_stage_to_stage() {
    let profiles = profiles();
    let base = |doc| Evidence {
        doc,
        profile: profiles.of("Huawei", "x", Root::Tr098),
        file_name: "HG8245H_V3.0.10.bin",
        version: "V3.0.10",
        since: instant("2026-11-20T14:26:00.000Z"),
        task_waits: false,
        fault: None,
        operation: None,
    };
    let (begun, done, upgraded): (DeviceDoc, DeviceDoc, DeviceDoc) =
        (first("downloads-subtree"), first("downloads-complete"), first("downloads-after-upgrade"));
    let operation: OperationDoc = first("operations");
    let fault: FaultDoc = first("fault-download");
    assert_eq!(stage(&Evidence { task_waits: true, ..base(&begun) }), Stage::Queued);
    let accepted = stage(&Evidence { operation: Some(&operation), ..base(&begun) });
    assert_eq!(accepted, Stage::Accepted { at: operation.timestamp });
    // No operation and no end of the transfer: nobody can say.
    assert_eq!(stage(&base(&begun)), Stage::Unknown);
    assert_eq!(stage(&base(&done)), Stage::Transferred { at: instant("2026-11-20T14:26:34.500Z") });
    let verified = instant("2026-11-20T14:31:26.680Z");
    assert_eq!(stage(&base(&upgraded)), Stage::Verified { at: verified });
    assert_eq!(
        stage(&Evidence { version: "V3.0.11", ..base(&upgraded) }),
        Stage::WrongVersion { found: "V3.0.10".into() }
    );
    assert_eq!(
        stage(&Evidence { version: "", ..base(&upgraded) }),
        Stage::Rebooted { at: instant("2026-11-20T14:31:26.679Z") }
    );
    assert!(matches!(stage(&Evidence { fault: Some(&fault), ..base(&begun) }), Stage::Fault(f) if f.contains("404")));
    // An older download of the same file proves nothing about this one.
    let later = Evidence { since: instant("2026-11-20T15:00:00.000Z"), ..base(&upgraded) };
    assert_eq!(stage(&later), Stage::Unknown);
    assert_eq!(stage(&Evidence { file_name: "other.bin", ..base(&upgraded) }), Stage::Unknown);
}
