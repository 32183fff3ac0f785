//! Rows, and a cache, for the tests of this folder.

use std::path::Path;

use crate::model::alarm::{AlarmRow, OpState, Visibility};
use crate::model::ids::{AlarmKey, RowId};
use crate::model::observation::ClearReason;
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::time::Ts;
use crate::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};
use crate::store::OpenOptions;

pub(crate) const NOW: Ts = Ts(1_795_186_238_000_000);

/// A cache in a folder, of which nothing goes.
pub(crate) fn options(folder: &Path) -> OpenOptions {
    OpenOptions {
        path: folder.join("cache.db"),
        tenant: String::new(),
        keep_us: i64::MAX / 4,
        max_bytes: u64::MAX / 4,
        purge_after_us: i64::MAX / 4,
        read_only: false,
    }
}

pub(crate) fn alarm(serial: &str) -> AlarmRow {
    let resource = Resource::new(NodeKind::Onu, serial);
    let canonical = resource.canonical("voltha-1");
    AlarmRow {
        id: RowId(1),
        key: AlarmKey::new("", &canonical, "pon.onu.los", ""),
        source: "voltha-1".into(),
        resource,
        canonical,
        location: String::new(),
        name: String::new(),
        node: None,
        type_id: "pon.onu.los".into(),
        qualifier: String::new(),
        severity: Severity::Critical,
        trend: 0,
        cleared: false,
        clear_reason: ClearReason::Source,
        will_clear: true,
        op_state: OpState::None,
        visibility: Visibility::Visible,
        raised_at: NOW,
        received_at: NOW,
        first_seen: NOW,
        last_seen: NOW,
        last_changed: NOW,
        cleared_at: Ts::NEVER,
        occurrences: 1,
        dup_count: 0,
        text: "loss of signal".into(),
        owner: String::new(),
        op_user: String::new(),
        op_time: Ts::NEVER,
        op_text: String::new(),
        ack_until: Ts::NEVER,
        shelf_until: Ts::NEVER,
        own_query: false,
        subscribers: 1,
        stale_source: false,
        suppressed_by: String::new(),
    }
}

pub(crate) fn node(resource: Resource, id: i64) -> NodeRow {
    let parent_name = match resource.kind {
        NodeKind::Onu => "voltha-1/olt/OLT_0/pon/3".to_owned(),
        NodeKind::PonPort => format!("voltha-1/olt/{}", resource.name),
        _ => String::new(),
    };
    NodeRow {
        id: RowId(id),
        parent: None,
        parent_name,
        canonical: resource.canonical("voltha-1"),
        source: "voltha-1".into(),
        depth: 1,
        children: 0,
        onus: 0,
        onus_active: 0,
        subscribers: 0,
        name: String::new(),
        serial: resource.name.clone(),
        device_id: format!("id-{}", resource.name),
        admin_state: AdminState::Enabled,
        oper_status: OperStatus::Active,
        connect_status: ConnectStatus::Reachable,
        reason: String::new(),
        vendor: String::new(),
        model: String::new(),
        firmware: String::new(),
        address: String::new(),
        number: resource.index,
        logical_id: if resource.kind == NodeKind::Olt { format!("switch-{}", resource.name) } else { String::new() },
        flows: 0,
        rx_centi_dbm: None,
        tx_centi_dbm: None,
        alarms: [0; 5],
        changed_at: NOW,
        as_of: NOW,
        expanded: false,
        resource,
    }
}

pub(crate) fn olt(serial: &str) -> NodeRow {
    node(Resource::new(NodeKind::Olt, serial), 1)
}

pub(crate) fn onu(serial: &str) -> NodeRow {
    node(Resource::new(NodeKind::Onu, serial), 2)
}

pub(crate) fn pon(olt: &str, index: u32) -> NodeRow {
    let mut row = node(Resource::port(NodeKind::PonPort, olt, index), 3);
    row.number = (2 << 28) + index;
    row
}

pub(crate) fn cpe(serial: &str) -> crate::model::cpe::CpeRow {
    use crate::model::cpe::{CpeRow, Online, OnlineRule};
    let device_id = format!("00D09E-X-{serial}");
    CpeRow {
        id: RowId(1),
        canonical: crate::model::cpe::canonical("acs-1", &device_id),
        source: "acs-1".into(),
        device_id,
        serial: serial.to_owned(),
        manufacturer: String::new(),
        oui: "00D09E".to_owned(),
        product_class: "X".to_owned(),
        model: "X".to_owned(),
        firmware: "1.0".to_owned(),
        hardware: String::new(),
        last_inform: NOW,
        last_boot: NOW,
        registered: NOW,
        tags: String::new(),
        rx_centi_dbm: None,
        tx_centi_dbm: None,
        ip: String::new(),
        ssid: String::new(),
        pppoe_user: String::new(),
        uptime_s: None,
        faults: 0,
        onu: String::new(),
        subscriber: String::new(),
        subscribers: 0,
        as_of: NOW,
        rule: OnlineRule::default(),
        online: Online::Online,
        leaves: Vec::new(),
    }
}
