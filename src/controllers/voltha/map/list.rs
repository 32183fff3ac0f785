//! Lists of the gRPC side as node patches, and the meaning of port numbers.

use std::collections::{HashMap, HashSet};

use crate::model::resource::{NodeKind, Resource};
use crate::model::topology::{AdminState, ConnectStatus, NodePatch, OperStatus};

use super::super::lite::{Device, Devices};
use super::super::proto::device::{Ports, port::PortType};
use super::super::proto::logical_device::LogicalPorts;
use super::directory::Directory;
use super::word;

/// The PON of a port number: PON n is 2<<28 + n; small numbers are PONs already.
pub(crate) const fn pon_index(number: u32) -> u32 {
    number & 0x0fff_ffff
}

/// The NNI of a port number: NNI n is 1<<24 + n. In signal-loss events the core's arithmetic makes
/// it 1<<20 + n, with or without the PON base (facts: voltha-run §5, pitfall 7).
pub(crate) const fn nni_index(number: u32) -> Option<u32> {
    match number & 0x0fff_ffff {
        n if n >> 24 == 1 => Some(n & 0x000f_ffff),
        n if n >> 20 == 1 => Some(n & 0x000f_ffff),
        _ => None,
    }
}

/// The UNI of a port number on its ONU: the number is pon<<16 + onu<<8 + uni.
pub(crate) const fn uni_index(number: u32) -> u32 {
    number & 0xff
}

/// All devices as patches, in a fixed order (the answer's own order is random), OLTs first. When
/// two ONUs claim one serial number (one was moved, its old entry still there) the better one wins.
pub(crate) fn devices(list: &Devices, directory: &mut Directory) -> Vec<NodePatch> {
    for olt in list.items.iter().filter(|d| d.root) {
        if olt.serial_number.trim().is_empty() {
            directory.listed_without_serial(&olt.id);
        } else {
            let serial = word(&olt.serial_number);
            directory.learn(&olt.id, &serial);
            directory.learn(&olt.parent_id, &serial);
        }
    }
    let mut best: HashMap<(bool, &str), &Device> = HashMap::with_capacity(list.items.len());
    for device in &list.items {
        let serial = device.serial_number.trim();
        let name = if serial.is_empty() { device.id.as_str() } else { serial };
        let place = best.entry((device.root, name)).or_insert(device);
        if rank(device) > rank(place) {
            *place = device;
        }
    }
    let mut chosen: Vec<_> = best.into_iter().collect();
    chosen.sort_unstable_by(|((a_root, a), _), ((b_root, b), _)| b_root.cmp(a_root).then(a.cmp(b)));
    chosen.into_iter().map(|(_, device)| patch(device, directory)).collect()
}

/// Which of two entries of one serial number is the living one; the id only makes it definite.
fn rank(device: &Device) -> (bool, bool, bool, &str) {
    let active = device.oper_status == i32::from(OperStatus::Active.0);
    let reachable = device.connect_status == i32::from(ConnectStatus::Reachable.0);
    let enabled = device.admin_state == i32::from(AdminState::Enabled.0);
    (active, reachable, enabled, &device.id)
}

fn patch(device: &Device, directory: &Directory) -> NodePatch {
    let serial = device.serial_number.trim();
    let kind = match (serial.is_empty(), device.root) {
        (true, _) => NodeKind::Device,
        (false, true) => NodeKind::Olt,
        (false, false) => NodeKind::Onu,
    };
    let name = if serial.is_empty() { &device.id } else { serial };
    let mut patch = NodePatch::new(Resource::new(kind, word(name)));
    patch.polled = true;
    patch.device_id = Some(word(&device.id));
    patch.admin_state = Some(AdminState::from_wire(device.admin_state));
    patch.oper_status = Some(OperStatus::from_wire(device.oper_status));
    patch.connect_status = Some(ConnectStatus::from_wire(device.connect_status));
    patch.reason = Some(word(&device.reason));
    patch.vendor = Some(word(&device.vendor));
    patch.model = Some(word(&device.model));
    // An ONU tells its firmware in its activation event only: an empty word here is no news.
    patch.firmware = Some(word(&device.firmware_version)).filter(|f| !f.is_empty());
    if device.root {
        patch.address = Some(address(device));
        patch.logical_id = Some(word(&device.parent_id));
    } else {
        let onu = device.proxy_address.unwrap_or_default();
        patch.number = Some(onu.onu_id);
        patch.parent = directory
            .serial(&device.parent_id)
            .map(|olt| Resource::port(NodeKind::PonPort, olt, pon_index(device.parent_port_no)));
    }
    patch
}

fn address(device: &Device) -> String {
    let all = [&device.host_and_port, &device.ipv4_address, &device.ipv6_address, &device.mac_address];
    all.into_iter().find(|a| !a.is_empty()).map(|a| word(a)).unwrap_or_default()
}

/// PON and NNI ports of an OLT.
pub(crate) fn olt_ports(olt: &str, ports: &Ports) -> Vec<NodePatch> {
    let mut patches: Vec<_> = ports
        .items
        .iter()
        .filter_map(|port| {
            let resource = match PortType::try_from(port.r#type) {
                Ok(PortType::PonOlt) => Resource::port(NodeKind::PonPort, olt, pon_index(port.port_no)),
                Ok(PortType::EthernetNni) => Resource::port(NodeKind::NniPort, olt, nni_index(port.port_no)?),
                _ => return None,
            };
            let mut patch = NodePatch::new(resource);
            patch.parent = Some(Resource::new(NodeKind::Olt, olt));
            patch.polled = true;
            patch.device_id = Some(word(&port.device_id));
            patch.number = Some(port.port_no);
            patch.admin_state = Some(AdminState::from_wire(port.admin_state));
            patch.oper_status = Some(OperStatus::from_wire(port.oper_status));
            Some(patch)
        })
        .collect();
    patches.sort_by_key(|p| (p.resource.kind, p.resource.index));
    patches
}

/// Link states of a logical port that mean "up" (OpenFlow's `OFPPS_LIVE`).
const LIVE: u32 = 4;
/// A logical port that was taken out of service (OpenFlow's `OFPPC_PORT_DOWN`).
const PORT_DOWN: u32 = 1;

/// The ids of OLTs that were listed by their id and now tell a serial number: those rows go.
pub(crate) fn anonymous_learned(directory: &mut Directory, list: &Devices) -> Vec<String> {
    let told = |d: &&Device| d.root && !d.serial_number.trim().is_empty();
    list.items
        .iter()
        .filter(told)
        .filter(|d| directory.learn(&d.id, &word(&d.serial_number)))
        .map(|d| word(&d.id))
        .collect()
}

/// The UNIs in an OLT's list of logical ports: one call tells all of them. A UNI is called by its
/// ONU's serial number and its own place, counted from 1 (`BBSM00000205-1`).
///
/// A restarted core says "link down" of every UNI, whatever is true (seen live: 32 of 32, for
/// good). So a link that is not up says something only where the port was taken out of service or
/// its ONU is not active either (`inactive`, serial numbers); else what was known stays.
pub(crate) fn unis(ports: &LogicalPorts, inactive: &HashSet<String>) -> Vec<NodePatch> {
    let mut patches: Vec<_> = ports
        .items
        .iter()
        .filter(|port| !port.root_port)
        .filter_map(|port| {
            let link = port.ofp_port.as_ref()?;
            let (serial, _) = link.name.rsplit_once('-')?;
            let serial = word(serial);
            let off = link.config & PORT_DOWN != 0;
            let down = off || inactive.contains(&serial);
            let mut patch =
                NodePatch::new(Resource::port(NodeKind::Uni, serial.clone(), uni_index(port.device_port_no)));
            patch.parent = Some(Resource::new(NodeKind::Onu, serial));
            patch.polled = true;
            patch.device_id = Some(word(&port.device_id));
            patch.number = Some(port.device_port_no);
            patch.admin_state = Some(if off { AdminState::Disabled } else { AdminState::Enabled });
            let up = link.state & LIVE != 0;
            patch.oper_status = if up { Some(OperStatus::Active) } else { down.then_some(OperStatus::Unknown) };
            Some(patch)
        })
        .collect();
    patches.sort_by(|a, b| (&a.resource.name, a.resource.index).cmp(&(&b.resource.name, b.resource.index)));
    patches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_numbers_mean_what_was_measured() {
        assert_eq!(pon_index(536_870_914), 2);
        assert_eq!(pon_index(3), 3);
        assert_eq!(nni_index(16_777_216), Some(0));
        assert_eq!(nni_index(537_919_488), Some(0), "signal loss of an NNI, intf-id");
        assert_eq!(nni_index(1_048_576), Some(0), "signal loss of an NNI, port-label");
        assert_eq!(nni_index(536_870_914), None);
        assert_eq!(uni_index(66_048), 0);
    }

    fn onu(id: &str, serial: &str, oper: OperStatus) -> Device {
        Device {
            id: id.into(),
            serial_number: serial.into(),
            parent_id: "olt-id".into(),
            oper_status: i32::from(oper.0),
            parent_port_no: 536_870_913,
            ..Device::default()
        }
    }

    #[test]
    fn of_two_entries_with_one_serial_the_living_one_counts() {
        let olt = Device { id: "olt-id".into(), root: true, serial_number: "OLT".into(), ..Device::default() };
        let items = vec![
            onu("b", "S1", OperStatus::Discovered),
            onu("a", "S1", OperStatus::Active),
            onu("c", "", OperStatus::Active),
            olt,
        ];
        for items in [items.clone(), items.into_iter().rev().collect()] {
            let patches = devices(&Devices { items }, &mut Directory::default());
            let names: Vec<_> = patches.iter().map(|p| p.resource.to_string()).collect();
            assert_eq!(names, ["olt/OLT", "onu/S1", "device/c"]);
            assert_eq!(patches.get(1).and_then(|p| p.device_id.as_deref()), Some("a"));
            let parent = patches.get(1).and_then(|p| p.parent.clone());
            assert_eq!(parent.map(|p| p.to_string()).as_deref(), Some("olt/OLT/pon/1"));
        }
    }

    #[test]
    fn a_link_that_is_down_while_its_onu_is_active_is_no_truth() {
        use super::super::super::proto::logical_device::LogicalPort;
        use super::super::super::proto::openflow_13::OfpPort;
        let port = |serial: &str, state, config| LogicalPort {
            ofp_port: Some(OfpPort { name: format!("{serial}-1"), state, config, ..OfpPort::default() }),
            ..LogicalPort::default()
        };
        let items = vec![port("A", 4, 0), port("B", 1, 0), port("C", 1, 0), port("D", 1, 1)];
        let inactive = HashSet::from(["C".to_owned()]);
        let states: Vec<_> = unis(&LogicalPorts { items }, &inactive).iter().map(|p| p.oper_status).collect();
        let unknown = Some(OperStatus::Unknown);
        assert_eq!(states, [Some(OperStatus::Active), None, unknown, unknown]);
    }

    #[test]
    fn unknown_state_numbers_are_data() {
        let mut odd = onu("a", "S", OperStatus::Active);
        odd.oper_status = 77;
        odd.admin_state = -1;
        let patches = devices(&Devices { items: vec![odd] }, &mut Directory::default());
        let patch = patches.first().expect("one");
        assert_eq!(patch.oper_status.expect("told").word(), "state-77");
        assert_eq!(patch.admin_state.expect("told").word(), "state-255");
    }
}
