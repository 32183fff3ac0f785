//! Ports of devices and of the logical switches.

use crate::controllers::voltha::proto::device::port::{PeerPort, PortType};
use crate::controllers::voltha::proto::device::{Port, Ports};
use crate::controllers::voltha::proto::logical_device::{LogicalDevice, LogicalPort, LogicalPorts};
use crate::controllers::voltha::proto::openflow_13::{OfpDesc, OfpPort, OfpPortStats, OfpSwitchFeatures};
use crate::sim::network::layout::{DeviceRef, Olt, Onu, Stack, uuid};
use crate::sim::network::state::State;

/// Number of the uplink port.
pub(super) const NNI: u32 = 16_777_216;
/// Number of PON port 0.
pub(super) const PON: u32 = 2 << 28;

fn of_port(number: u32, name: String, hw: [u32; 6], speed: u32, live: bool) -> OfpPort {
    let features = match speed {
        1_000 => 2_080,
        1_000_000 => 4_128,
        _ => 4_160,
    };
    OfpPort {
        port_no: number,
        hw_addr: hw.to_vec(),
        name,
        // OFPPS_LIVE, OFPPS_LINK_DOWN
        state: if live { 4 } else { 1 },
        curr: features,
        advertised: features,
        peer: features,
        curr_speed: speed,
        max_speed: speed,
        ..OfpPort::default()
    }
}

fn olt_hw(olt: &Olt) -> [u32; 6] {
    let [_, a, b, c] = olt.number.to_be_bytes();
    [0x0c, 0x19, 0x04, a.into(), b.into(), c.into()]
}

fn uni_of_port(stack: &Stack, at: usize, onu: &Onu) -> OfpPort {
    let number = Stack::uni_port(onu);
    let [a, b, c, d] = number.to_be_bytes();
    let name = format!("{}-1", stack.serial(at));
    let live = onu.uni_enabled && onu.state == State::UP;
    let mut port = of_port(number, name, [8, 0, a.into(), b.into(), c.into(), d.into()], 1_000, live);
    // OFPPC_PORT_DOWN
    port.config = u32::from(!onu.uni_enabled);
    port
}

/// ACTIVE or UNKNOWN.
fn oper(up: bool) -> i32 {
    if up { State::UP.oper.into() } else { 0 }
}

fn admin(on: bool) -> i32 {
    if on { State::UP.admin.into() } else { State::DISABLED.admin.into() }
}

fn olt_ports(stack: &Stack, at: usize, olt: &Olt) -> Ports {
    let up = olt.state == State::UP;
    let id = uuid(olt.id);
    let mut items = vec![Port {
        port_no: NNI,
        label: "nni-0".into(),
        r#type: PortType::EthernetNni.into(),
        admin_state: admin(true),
        oper_status: oper(up),
        device_id: id.clone(),
        ofp_port: Some(of_port(0, String::new(), olt_hw(olt), 10_000_000, up)),
        ..Port::default()
    }];
    for (n, pon) in olt.pons.iter().enumerate() {
        let number = PON + n as u32;
        let onus = stack.pon_onus(at, n).filter_map(|i| stack.onus.get(i)).filter(|o| o.exists);
        items.push(Port {
            port_no: number,
            label: format!("pon-{n}"),
            r#type: PortType::PonOlt.into(),
            admin_state: admin(pon.enabled),
            oper_status: oper(up && pon.enabled && !pon.los),
            device_id: id.clone(),
            peers: onus.map(|o| PeerPort { device_id: uuid(o.id), port_no: number }).collect(),
            ofp_port: Some(of_port(0, String::new(), olt_hw(olt), 1_000_000, up)),
            ..Port::default()
        });
    }
    fastrand::shuffle(&mut items);
    Ports { items }
}

fn onu_ports(stack: &Stack, at: usize, onu: &Onu) -> Ports {
    let up = onu.state == State::UP;
    let pon = PON + u32::from(onu.pon);
    let parent = stack.olts.get(usize::from(onu.olt)).map_or_else(String::new, |o| uuid(o.id));
    let uni = Stack::uni_port(onu);
    let items = vec![
        Port {
            port_no: pon,
            label: format!("pon-{pon}"),
            r#type: PortType::PonOnu.into(),
            admin_state: admin(onu.state.enabled()),
            oper_status: oper(up),
            device_id: uuid(onu.id),
            peers: vec![PeerPort { device_id: parent, port_no: pon }],
            ..Port::default()
        },
        Port {
            port_no: uni,
            label: format!("uni-{uni}"),
            r#type: PortType::EthernetUni.into(),
            admin_state: admin(onu.uni_enabled),
            oper_status: oper(up && onu.uni_enabled),
            device_id: uuid(onu.id),
            ofp_port: Some(OfpPort { port_no: 0, ..uni_of_port(stack, at, onu) }),
            ..Port::default()
        },
    ];
    Ports { items }
}

/// `ListDevicePorts`
pub(super) fn list(stack: &Stack, which: DeviceRef) -> Ports {
    match which {
        DeviceRef::Olt(at) => stack.olts.get(at).map(|olt| olt_ports(stack, at, olt)),
        DeviceRef::Onu(at) => stack.onus.get(at).map(|onu| onu_ports(stack, at, onu)),
    }
    .unwrap_or_default()
}

/// Index of the OLT whose logical switch has this id.
pub(super) fn find_logical(stack: &Stack, id: &str) -> Option<usize> {
    let id = uuid::Uuid::parse_str(id).ok()?.as_u128();
    stack.olts.iter().position(|o| o.exists && o.logical == id)
}

/// The logical switch of an OLT.
pub(super) fn logical_device(olt: &Olt) -> LogicalDevice {
    LogicalDevice {
        id: uuid(olt.logical),
        datapath_id: 0x0c_1904 << 24 | u64::from(olt.number),
        desc: Some(OfpDesc {
            mfr_desc: "VOLTHA Project".into(),
            hw_desc: "open_pon".into(),
            sw_desc: "open_pon".into(),
            serial_num: olt.serial.clone(),
            dp_desc: String::new(),
        }),
        switch_features: Some(OfpSwitchFeatures {
            n_buffers: 256,
            n_tables: 2,
            capabilities: 15,
            ..OfpSwitchFeatures::default()
        }),
        root_device_id: uuid(olt.id),
    }
}

/// `ListLogicalDevicePorts`: the uplink and a port a UNI.
pub(super) fn logical_ports(stack: &Stack, at: usize) -> LogicalPorts {
    let Some(olt) = stack.olts.get(at) else { return LogicalPorts::default() };
    let root = LogicalPort {
        id: format!("nni-{NNI}"),
        ofp_port: Some(of_port(NNI, format!("nni-{NNI}"), olt_hw(olt), 10_000_000, olt.state == State::UP)),
        device_id: uuid(olt.id),
        device_port_no: NNI,
        root_port: true,
        ofp_port_stats: Some(OfpPortStats::default()),
    };
    let unis = stack.olt_onus(at).filter_map(|i| stack.onus.get(i).filter(|o| o.exists).map(|o| (i, o)));
    let unis = unis.map(|(i, onu)| LogicalPort {
        id: format!("uni-{}", Stack::uni_port(onu)),
        ofp_port: Some(uni_of_port(stack, i, onu)),
        device_id: uuid(onu.id),
        device_port_no: Stack::uni_port(onu),
        root_port: false,
        ofp_port_stats: Some(OfpPortStats::default()),
    });
    let mut items: Vec<LogicalPort> = std::iter::once(root).chain(unis).collect();
    fastrand::shuffle(&mut items);
    LogicalPorts { items }
}
