//! A small fleet at the fixed instant of [`super::rows::NOW`], one device of it hostile.

use noctule::model::command::LiveSection;
use noctule::model::cpe::{CpeDeed, CpeFault, CpeRow, Leaf, LeafKind, Online, OnlineRule, canonical};
use noctule::model::ids::{RowId, SourceName};
use noctule::model::secret::MASK;
use noctule::model::stored::{FileFacts, Stored, StoredKind, StoredList};
use noctule::model::time::{DAY, HOUR, MINUTE, SECOND};

use super::rows::{HOSTILE, NOW};

/// A device with plain values.
fn cpe(id: i64, serial: &str, model: &str, firmware: &str, informed_ago: i64) -> CpeRow {
    let device_id = format!("00D09E-{model}-{serial}");
    let rule = OnlineRule::default();
    let last_inform = NOW.plus(-informed_ago);
    CpeRow {
        id: RowId(id),
        canonical: canonical("acs-1", &device_id),
        source: "acs-1".into(),
        device_id,
        serial: serial.to_owned(),
        manufacturer: "2Wire".to_owned(),
        oui: "00D09E".to_owned(),
        product_class: model.to_owned(),
        model: model.to_owned(),
        firmware: firmware.to_owned(),
        hardware: "2.0".to_owned(),
        last_inform,
        last_boot: NOW.plus(-3 * DAY),
        registered: NOW.plus(-90 * DAY),
        tags: if id % 2 == 0 { "gold, north".to_owned() } else { String::new() },
        rx_centi_dbm: Some(-1_900 - (id as i32) * 130),
        tx_centi_dbm: Some(215),
        ip: format!("100.64.3.{id}"),
        ssid: format!("Home-{id:02}"),
        pppoe_user: format!("user{id}@isp.example"),
        uptime_s: Some(3 * 86_400 + 4_000),
        faults: u32::from(id == 3) * 2,
        onu: String::new(),
        subscriber: String::new(),
        subscribers: 0,
        as_of: NOW.plus(-20 * SECOND),
        rule,
        online: Online::at(last_inform, rule, NOW),
        leaves: vec![Leaf {
            path: "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID".to_owned(),
            value: format!("Home-{id:02}"),
            kind: LeafKind::Text,
            at: NOW.plus(-2 * HOUR),
            writable: true,
        }],
    }
}

/// The fleet.
pub fn cpes() -> Vec<CpeRow> {
    let mut rows = vec![
        cpe(1, "BBSM00000001", "HG8245H", "V3R015C10", 40 * SECOND),
        cpe(2, "BBSM00000002", "HG8245H", "V3R015C10", 2 * MINUTE),
        cpe(3, "BBSM00000003", "HG8245H", "V3R013C00", 3 * HOUR),
        cpe(4, "ZTEG0A1B2C3D", "F670L", "V9.0.10P1N12", 60 * SECOND),
        cpe(5, "ZTEG0A1B2C3E", "F670L", "V9.0.10P1N9", 4 * DAY),
        cpe(6, HOSTILE, "F670L", "V9.0.10P1N12", 90 * SECOND),
        cpe(7, "FHTT01020304", "AN5506", "RP2740", 100 * SECOND),
    ];
    if let Some(first) = rows.first_mut() {
        first.onu = "voltha-1/onu/BBSM00000001".to_owned();
        first.subscriber = "Mill Lane 1".to_owned();
        first.subscribers = 1;
    }
    rows
}

/// What a server tells of the parameters of one.
pub fn parameters() -> LiveSection {
    let wifi = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1";
    let at = NOW.plus(-5 * MINUTE).to_rfc3339();
    let old = NOW.plus(-3 * DAY).to_rfc3339();
    let row = |path: String, value: &str, at: &str, mark: &str, kind: &str| {
        vec![path, value.to_owned(), at.to_owned(), mark.to_owned(), format!("xsd:{kind}")]
    };
    let device = "InternetGatewayDevice.DeviceInfo";
    LiveSection {
        title: "Parameters".into(),
        headers: ["Path", "Value", "Read", "W", "Type"].map(str::to_owned).to_vec(),
        rows: vec![
            row(format!("{device}.SoftwareVersion"), "V3R015C10", &at, "", "string"),
            row(format!("{device}.UpTime"), "260800", &at, "", "unsignedInt"),
            row(format!("{wifi}.SSID"), "Home-01", &old, "w", "string"),
            row(format!("{wifi}.PreSharedKey.1.KeyPassphrase"), MASK, &old, "w", "string"),
            row(format!("{wifi}.X_HW_VeryLongNameOfAVendorsParameterThatGoesOnAndOn"), HOSTILE, "", "?", "string"),
        ],
        note: String::new(),
    }
}

/// What the servers keep: one tells, one does not.
pub fn stored() -> Vec<StoredList> {
    let preset = serde_json::json!({"_id": "night", "weight": 3, "channel": "night", "events": {"2 PERIODIC": true},
        "precondition": "Tags.gold IS NOT NULL", "configurations": [
        {"type": "provision", "name": "hourly", "args": null},
        {"type": "value", "name": "Device.PPP.Interface.1.Password", "value": "hunter22"}]});
    let hourly = serde_json::json!({"_id": "hourly", "script": "const hourly = Date.now(3600000);\n  declare(x);"});
    let acs = || SourceName::from("acs-1");
    let file = Stored {
        source: acs(),
        kind: StoredKind::File,
        name: "HG8245H_V3R017.bin".into(),
        text: String::new(),
        hash: 1,
        file: Some(FileFacts {
            file_type: "1 Firmware Upgrade Image".into(),
            oui: "00259E".into(),
            product_class: "HG8245H".into(),
            version: "V3R017C10".into(),
            length: 23_400_000,
            uploaded: NOW.plus(-2 * DAY),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }),
    };
    vec![
        (acs(), Ok(vec![Stored::preset(acs(), &preset), Stored::script(acs(), StoredKind::Provision, &hourly), file])),
        ("acs-2".into(), Err("no answer in 125 s".into())),
    ]
}

/// The faults of a device.
pub fn faults(row: &CpeRow) -> Vec<CpeFault> {
    let fault = |channel: &str, code: &str, message: &str, parameters, tried: &str| CpeFault {
        device: row.device_id.clone(),
        channel: channel.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        at: NOW.plus(-20 * MINUTE),
        retries: 2,
        parameters,
        tried: tried.to_owned(),
    };
    if row.faults == 0 {
        return Vec::new();
    }
    let path = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel";
    vec![
        fault(
            "task_5f0a1b2c3d4e5f6071829304",
            "cwmp.9003",
            "Invalid arguments",
            vec![(path.to_owned(), "9007".to_owned(), "Invalid parameter value".to_owned())],
            "set Channel = 99",
        ),
        fault("default", "cwmp.9002", "Internal error", Vec::new(), "refresh"),
    ]
}

/// What was done to a device.
pub fn history(row: &CpeRow) -> Vec<CpeDeed> {
    if row.faults == 0 {
        return Vec::new();
    }
    vec![CpeDeed {
        at: NOW.plus(-20 * MINUTE),
        actor: "anna".to_owned(),
        command: "cpe.set".to_owned(),
        error: "the device refused it: 9007 Invalid parameter value".to_owned(),
    }]
}
