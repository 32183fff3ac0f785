//! Rows of a small network at a fixed instant, some of them hostile.

use noctule::model::alarm::{AlarmRow, OpState, Visibility};
use noctule::model::alarm_type::{AlarmType, AlarmTypes, EventType};
use noctule::model::ids::{AlarmKey, RowId};
use noctule::model::log::{LogKind, LogRow};
use noctule::model::observation::ClearReason;
use noctule::model::resource::{NodeKind, Resource};
use noctule::model::severity::Severity;
use noctule::model::source::{Breaker, Health, SourceReport, SourceRow};
use noctule::model::time::{HOUR, MINUTE, SECOND, Ts};
use noctule::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};

/// 2026-11-20T14:02:11Z.
pub const NOW: Ts = Ts(1_795_183_331 * SECOND);

/// A serial number that clears the screen, sets the title, and turns the text round.
pub const HOSTILE: &str = "BB\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}SM\r\n0666";

/// The types the alarms below have.
pub fn alarm_types() -> AlarmTypes {
    let entry = |severity, title: &str, will_clear| AlarmType {
        severity,
        event_type: EventType::Communications,
        will_clear,
        title: title.into(),
        probable_cause: "loss of signal".into(),
        repair: "Check the fibre between the splitter and the ONU; compare with its neighbours on the same PON port."
            .into(),
        cleared_by_active: !will_clear,
        events: Vec::new(),
        hold_down_s: 30,
    };
    let by_id = [
        ("pon.onu.los", entry(Severity::Major, "ONU loss of signal", true)),
        ("pon.onu.dying_gasp", entry(Severity::Critical, "ONU dying gasp", false)),
        ("pon.port.los", entry(Severity::Critical, "PON port loss of signal", true)),
        ("pon.onu.signal_degrade", entry(Severity::Minor, "ONU signal degrade", true)),
        ("pon.uni.los", entry(Severity::Warning, "UNI loss of signal", false)),
    ];
    AlarmTypes { by_id: by_id.into_iter().map(|(k, v)| (k.to_owned(), v)).collect() }
}

/// An alarm with plain values.
pub fn alarm(id: i64, severity: Severity, kind: &str, resource: Resource) -> AlarmRow {
    let source = "voltha-1";
    let raised = NOW.plus(-id * 7 * MINUTE);
    let canonical = resource.canonical(source);
    AlarmRow {
        id: RowId(id),
        key: AlarmKey::new("", &canonical, kind, ""),
        source: source.into(),
        resource,
        canonical,
        location: "North / BBSIM_OLT_0 / PON 3".into(),
        name: format!("Mill Lane {id}"),
        node: Some(RowId(100 + id)),
        type_id: kind.into(),
        qualifier: String::new(),
        severity,
        trend: 0,
        cleared: false,
        clear_reason: ClearReason::default(),
        will_clear: true,
        op_state: OpState::None,
        visibility: Visibility::Visible,
        raised_at: raised,
        received_at: raised.plus(SECOND),
        first_seen: raised.plus(-HOUR),
        last_seen: raised.plus(2 * SECOND),
        last_changed: raised.plus(2 * SECOND),
        cleared_at: Ts::NEVER,
        occurrences: 1 + id as u32 % 4,
        dup_count: 0,
        text: format!("signal lost, last known power -27.{id} dBm"),
        owner: String::new(),
        op_user: String::new(),
        op_time: Ts::NEVER,
        op_text: String::new(),
        ack_until: Ts::NEVER,
        shelf_until: Ts::NEVER,
        own_query: false,
        subscribers: 0,
        stale_source: false,
        suppressed_by: String::new(),
    }
}

/// An ONU of the small network.
pub fn onu(n: u32) -> Resource {
    Resource::new(NodeKind::Onu, format!("BBSM{n:08}"))
}

/// The alarms: every state and severity, two sources, hostile and wide texts.
pub fn alarms() -> Vec<AlarmRow> {
    let mut rows = vec![
        AlarmRow {
            trend: 1,
            subscribers: 32,
            text: "no light on the whole port".into(),
            ..alarm(1, Severity::Critical, "pon.port.los", Resource::port(NodeKind::PonPort, "BBSIM_OLT_0", 3))
        },
        AlarmRow { will_clear: false, ..alarm(2, Severity::Critical, "pon.onu.dying_gasp", onu(2)) },
        AlarmRow {
            op_state: OpState::Ack,
            op_user: "anna".into(),
            op_time: NOW.plus(-3 * MINUTE),
            op_text: "splicer is on the way".into(),
            owner: "anna".into(),
            ..alarm(3, Severity::Major, "pon.onu.los", onu(3))
        },
        AlarmRow { op_state: OpState::Closed, ..alarm(4, Severity::Major, "pon.onu.los", onu(4)) },
        AlarmRow {
            cleared: true,
            cleared_at: NOW.plus(-MINUTE),
            clear_reason: ClearReason::default(),
            ..alarm(5, Severity::Minor, "pon.onu.signal_degrade", onu(5))
        },
        AlarmRow {
            trend: -1,
            own_query: true,
            ..alarm(6, Severity::Warning, "pon.uni.los", Resource::port(NodeKind::Uni, "BBSM00000006", 0))
        },
        AlarmRow {
            text: format!("gasp of {HOSTILE}"),
            name: "東京タワー第七加入者線終端装置".into(),
            ..alarm(7, Severity::Indeterminate, "pon.something.new", Resource::new(NodeKind::Onu, HOSTILE))
        },
        AlarmRow {
            visibility: Visibility::Shelved,
            shelf_until: NOW.plus(2 * HOUR),
            op_text: "known, ticket 4711".into(),
            ..alarm(8, Severity::Minor, "pon.onu.signal_degrade", onu(8))
        },
    ];
    for id in 9..40 {
        let severity = Severity::from_rank((id % 4) as u8 + 1);
        let mut row = alarm(id, severity, "pon.onu.los", onu(id as u32));
        if id % 5 == 0 {
            row.source = "voltha-2".into();
            row.canonical = row.resource.canonical("voltha-2");
            row.stale_source = true;
        }
        rows.push(row);
    }
    rows
}

fn node(id: i64, parent: Option<i64>, depth: u8, resource: Resource, source: &str) -> NodeRow {
    NodeRow {
        id: RowId(id),
        parent: parent.map(RowId),
        parent_name: String::new(),
        canonical: resource.canonical(source),
        resource,
        source: source.into(),
        depth,
        children: 0,
        onus: 0,
        onus_active: 0,
        subscribers: 0,
        name: String::new(),
        serial: String::new(),
        device_id: String::new(),
        admin_state: AdminState::Enabled,
        oper_status: OperStatus::Active,
        connect_status: ConnectStatus::Reachable,
        reason: String::new(),
        vendor: String::new(),
        model: String::new(),
        firmware: String::new(),
        address: String::new(),
        number: 0,
        logical_id: String::new(),
        flows: 0,
        rx_centi_dbm: None,
        tx_centi_dbm: None,
        alarms: [0; 5],
        changed_at: NOW.plus(-id * MINUTE),
        as_of: NOW.plus(-20 * SECOND),
        expanded: false,
    }
}

/// The tree: two sites, an OLT each, two PON ports each, eight ONUs each, one UNI each. Parents
/// stand before their children.
pub fn nodes() -> Vec<NodeRow> {
    let mut rows = Vec::new();
    let mut next = 100;
    let mut id = || {
        next += 1;
        next
    };
    for (s, site) in ["North", "South"].into_iter().enumerate() {
        let (source, olt_name) = (format!("voltha-{}", s + 1), format!("BBSIM_OLT_{s}"));
        let site_id = id();
        rows.push(NodeRow {
            children: 1,
            onus: 16,
            onus_active: 14,
            alarms: [0, 0, 2, 1, 1],
            ..node(site_id, None, 0, Resource::new(NodeKind::Site, site), "")
        });
        let olt_id = id();
        rows.push(NodeRow {
            children: 3,
            onus: 16,
            onus_active: 14,
            subscribers: 40,
            alarms: [0, 0, 2, 1, 1],
            serial: olt_name.clone(),
            name: format!("{site} exchange"),
            vendor: "BBSim".into(),
            model: "asfvolt16".into(),
            firmware: "1.16.8".into(),
            address: "10.0.0.7:50060".into(),
            device_id: "c6e9d7a2-5b0f-4a2e-9f0e-3e8f5d1b2a44".into(),
            flows: 66,
            ..node(olt_id, Some(site_id), 1, Resource::new(NodeKind::Olt, &olt_name), &source)
        });
        for port in 0..2 {
            let pon_id = id();
            rows.push(NodeRow {
                children: 8,
                onus: 8,
                onus_active: 8 - port * 2,
                alarms: if port == 1 { [0, 0, 2, 1, 1] } else { [0; 5] },
                serial: olt_name.clone(),
                number: 0x2000_0000 + port,
                ..node(pon_id, Some(olt_id), 2, Resource::port(NodeKind::PonPort, &olt_name, port), &source)
            });
            for n in 0..8 {
                let number = s as u32 * 100 + port * 10 + n;
                let serial = if number == 17 { HOSTILE.to_owned() } else { format!("BBSM{number:08}") };
                let onu_id = id();
                let down = port == 1 && n < 2;
                rows.push(NodeRow {
                    children: 1,
                    onus: 1,
                    onus_active: u32::from(!down),
                    subscribers: 1,
                    serial: serial.clone(),
                    name: format!("Mill Lane {number}"),
                    oper_status: if down { OperStatus::Discovered } else { OperStatus::Active },
                    connect_status: if down { ConnectStatus::Unreachable } else { ConnectStatus::Reachable },
                    admin_state: if n == 5 { AdminState::Disabled } else { AdminState::Enabled },
                    reason: if down { "stopping-openomci" } else { "omci-flows-pushed" }.into(),
                    rx_centi_dbm: Some(-1900 - n as i32 * 25),
                    flows: 4,
                    alarms: if down { [0, 0, 0, 1, 0] } else { [0; 5] },
                    ..node(onu_id, Some(pon_id), 3, Resource::new(NodeKind::Onu, &serial), &source)
                });
                let uni_id = id();
                rows.push(NodeRow {
                    serial: serial.clone(),
                    ..node(uni_id, Some(onu_id), 4, Resource::port(NodeKind::Uni, &serial, 0), &source)
                });
            }
        }
        rows.push(NodeRow {
            serial: olt_name.clone(),
            ..node(id(), Some(olt_id), 2, Resource::port(NodeKind::NniPort, &olt_name, 0), &source)
        });
    }
    let names: std::collections::HashMap<RowId, String> = rows.iter().map(|r| (r.id, r.canonical.clone())).collect();
    for row in &mut rows {
        row.parent_name = row.parent.and_then(|p| names.get(&p).cloned()).unwrap_or_default();
    }
    rows
}

/// Sources: one well, one down, one paused.
pub fn sources() -> Vec<SourceRow> {
    let report = |health, breaker, error: &str| SourceReport {
        kind: "voltha".into(),
        endpoint: "http://10.0.0.5:50057".into(),
        health,
        breaker,
        latency_us: 42_300,
        last_ok: NOW.plus(if health == Health::Up { -2 * SECOND } else { -43 * SECOND }),
        last_error: error.into(),
        queue: 3,
        version: "3.7.2".into(),
        skew_us: 1_400_000,
        rate_milli: 12_400,
        stream: "3 partitions, offset 1820".into(),
        devices: 34,
    };
    let row = |id, name: &str, report| SourceRow {
        id: RowId(id),
        name: name.into(),
        report,
        as_of: NOW.plus(-2 * SECOND),
        alarms: 31,
    };
    vec![
        row(1, "voltha-1", report(Health::Up, Breaker::Closed, "")),
        row(
            2,
            "voltha-2",
            report(
                Health::Down,
                Breaker::Open,
                "connection refused (10.0.0.6:50057): is rw_core running, and does the address fit?\u{1b}[31m",
            ),
        ),
        row(3, "voltha-3", report(Health::Paused, Breaker::Closed, "")),
    ]
}

/// The log, newest first.
pub fn log() -> Vec<LogRow> {
    let row = |id: i64, kind, what: &str, status: &str| LogRow {
        id: RowId(id),
        at: NOW.plus(-(1000 - id) * SECOND),
        kind,
        source: "voltha-1".into(),
        what: what.into(),
        target: String::new(),
        status: status.into(),
        duration_us: 12_340,
        tries: 1,
        actor: String::new(),
        text: String::new(),
        failed: status != "OK",
    };
    let mut rows = Vec::new();
    for id in (960..1000).rev() {
        rows.push(match id % 6 {
            0 => LogRow { actor: "anna".into(), target: "voltha-1/onu/BBSM00000003".into(), duration_us: 0, ..row(id, LogKind::Action, "ack", "OK") },
            1 => LogRow {
                tries: 3,
                source: "voltha-2".into(),
                text: "deadline of 20 s passed; the device list has 4.3 MB and the limit of this source is 4 MiB: raise max_message_mib".into(),
                ..row(id, LogKind::Call, "ListDevices", "DEADLINE_EXCEEDED")
            },
            2 => LogRow { text: format!("bytes 0a 0b of {HOSTILE}"), duration_us: 0, ..row(id, LogKind::Unreadable, "voltha.events", "unreadable") },
            _ => row(id, LogKind::Call, "ListDevices", "OK"),
        });
    }
    rows
}
