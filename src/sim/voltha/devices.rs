//! Devices as `ListDevices` and `GetDevice` show them.
//!
//! An ONU is 2.1 kB on the wire, nearly all of it the same PM configuration: the list is written
//! straight into the answer with that part encoded once, so that thousands of ONUs cost a copy each
//! and no allocation.

use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::controllers::voltha::proto::device::device::{Address, ProxyAddress};
use crate::controllers::voltha::proto::device::pm_config::PmType;
use crate::controllers::voltha::proto::device::{
    Device, Devices, OnuImage, OnuImages, PmConfig, PmConfigs, PmGroupConfig,
};
use crate::sim::network::events::{MODEL, OLT_KIND, SOFTWARE};
use crate::sim::network::layout::{DeviceRef, Olt, Onu, Stack, uuid};
use crate::sim::network::step::mac;

/// Where the adapters listen for the core; nobody dials these.
pub(super) const ENDPOINTS: [&str; 2] = ["127.0.0.1:50061", "127.0.0.1:50062"];
/// `Device.pm_configs`
const PM_CONFIGS: u32 = 131;
/// `Devices.items`
const ITEMS: u32 = 1;

const OLT_METRICS: [&str; 15] = [
    "rx_crc_errors",
    "tx_dropped_total",
    "rx_ucast_packets",
    "rx_bcast_packets",
    "rx_packets_dropped",
    "tx_bcast_packets",
    "rx_packets",
    "rx_mcast_packets",
    "tx_packets",
    "tx_ucast_packets",
    "rx_bytes",
    "rx_error_packets",
    "tx_bytes",
    "tx_mcast_packets",
    "tx_error_packets",
];

/// Group, period in seconds, gauges, contexts, counters.
type Group = (&'static str, u32, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const ONU_GROUPS: [Group; 6] = [
    ("PON_Optical", 300, &["receive_power_dBm", "transmit_power_dBm"], &["ani_g_instance_id"], &[]),
    (
        "UNI_Status",
        300,
        &["uni_admin_state", "configuration_ind", "oper_status"],
        &["uni_port_no", "me_class_id", "entity_id"],
        &[],
    ),
    (
        "Ethernet_Bridge_Port_History",
        900,
        &[],
        &["class_id", "entity_id", "interval_end_time", "parent_class_id", "parent_entity_id", "upstream"],
        &[
            "drop_events",
            "octets",
            "packets",
            "broadcast_packets",
            "multicast_packets",
            "crc_errored_packets",
            "undersize_packets",
            "oversize_packets",
            "64_octets",
            "65_to_127_octets",
            "128_to_255_octets",
            "256_to_511_octets",
            "512_to_1023_octets",
            "1024_to_1518_octets",
        ],
    ),
    (
        "Ethernet_UNI_History",
        900,
        &[],
        &["class_id", "entity_id", "interval_end_time"],
        &[
            "fcs_errors",
            "excessive_collision_counter",
            "late_collision_counter",
            "frames_too_long",
            "buffer_overflows_on_rx",
            "buffer_overflows_on_tx",
            "single_collision_frame_counter",
            "multiple_collisions_frame_counter",
            "sqe_counter",
            "deferred_tx_counter",
            "internal_mac_tx_error_counter",
            "carrier_sense_error_counter",
            "alignment_error_counter",
            "internal_mac_rx_error_counter",
        ],
    ),
    (
        "FEC_History",
        900,
        &[],
        &["class_id", "entity_id", "interval_end_time"],
        &["corrected_bytes", "corrected_code_words", "uncorrectable_code_words", "total_code_words", "fec_seconds"],
    ),
    (
        "GEM_Port_History",
        900,
        &[],
        &["class_id", "entity_id", "interval_end_time"],
        &[
            "transmitted_gem_frames",
            "received_gem_frames",
            "received_payload_bytes",
            "transmitted_payload_bytes",
            "encryption_key_errors",
        ],
    ),
];

fn metric(name: &str, kind: PmType, sample_freq: u32) -> PmConfig {
    PmConfig { name: name.to_owned(), r#type: kind.into(), enabled: true, sample_freq }
}

/// PM configuration of an ONU.
pub(super) fn onu_pm(id: u128) -> PmConfigs {
    let groups = ONU_GROUPS.iter().map(|(name, freq, gauges, contexts, counters)| {
        let of = |names: &'static [&'static str], kind| names.iter().map(move |n| metric(n, kind, *freq));
        let metrics =
            of(gauges, PmType::Gauge).chain(of(contexts, PmType::Context)).chain(of(counters, PmType::Counter));
        PmGroupConfig { group_name: (*name).to_owned(), group_freq: *freq, enabled: true, metrics: metrics.collect() }
    });
    PmConfigs {
        id: uuid(id),
        default_freq: 900,
        grouped: true,
        freq_override: true,
        groups: groups.collect(),
        ..PmConfigs::default()
    }
}

/// PM configuration of an OLT.
pub(super) fn olt_pm(olt: &Olt) -> PmConfigs {
    PmConfigs {
        id: uuid(olt.id),
        default_freq: olt.default_freq,
        metrics: OLT_METRICS.iter().map(|n| metric(n, PmType::Counter, 0)).collect(),
        ..PmConfigs::default()
    }
}

fn olt_device(olt: &Olt) -> Device {
    Device {
        id: uuid(olt.id),
        r#type: "openolt".into(),
        root: true,
        parent_id: uuid(olt.logical),
        vendor: OLT_KIND[0].into(),
        model: OLT_KIND[1].into(),
        serial_number: olt.serial.clone(),
        mac_address: mac(olt.number),
        admin_state: olt.state.admin.into(),
        oper_status: olt.state.oper.into(),
        connect_status: olt.state.connect.into(),
        reason: olt.reason.word().into(),
        adapter_endpoint: ENDPOINTS[0].into(),
        pm_configs: Some(olt_pm(olt)),
        address: Some(Address::HostAndPort(olt.host.clone())),
        ..Device::default()
    }
}

/// An ONU without its PM configuration.
fn onu_device(stack: &Stack, at: usize, onu: &Onu) -> Device {
    let parent = stack.olts.get(usize::from(onu.olt)).map_or_else(String::new, |o| uuid(o.id));
    Device {
        id: uuid(onu.id),
        r#type: "brcm_openomci_onu".into(),
        parent_id: parent.clone(),
        vendor: stack.vendor(at).into(),
        model: MODEL.into(),
        serial_number: stack.serial(at),
        admin_state: onu.state.admin.into(),
        oper_status: onu.state.oper.into(),
        connect_status: onu.state.connect.into(),
        proxy_address: Some(ProxyAddress {
            device_id: parent,
            device_type: "openolt".into(),
            channel_id: onu.pon.into(),
            onu_id: onu.number.into(),
            adapter_endpoint: ENDPOINTS[0].into(),
            ..ProxyAddress::default()
        }),
        parent_port_no: (2 << 28) + u32::from(onu.pon),
        reason: onu.reason.word().into(),
        vendor_id: stack.vendor(at).into(),
        adapter_endpoint: ENDPOINTS[1].into(),
        ..Device::default()
    }
}

/// One device, whole.
pub(super) fn device(stack: &Stack, which: DeviceRef) -> Option<Device> {
    match which {
        DeviceRef::Olt(at) => stack.olts.get(at).map(olt_device),
        DeviceRef::Onu(at) => stack.onus.get(at).map(|onu| {
            let mut device = onu_device(stack, at, onu);
            device.pm_configs = Some(match stack.pm.get(&at) {
                Some(changed) => PmConfigs { id: uuid(onu.id), ..changed.clone() },
                None => onu_pm(onu.id),
            });
            device
        }),
    }
}

/// Software of an ONU.
pub(super) fn images() -> OnuImages {
    let image = |version: &str, active: bool| OnuImage {
        version: version.to_owned(),
        is_commited: active,
        is_active: active,
        is_valid: true,
        product_code: MODEL.into(),
        hash: version.bytes().fold(String::new(), |hash, b| format!("{hash}{b:02x}")),
    };
    OnuImages { items: vec![image(SOFTWARE[0], true), image(SOFTWARE[1], false)] }
}

/// PM configuration of every ONU without the id, encoded.
fn pm_tail() -> &'static [u8] {
    static TAIL: OnceLock<Vec<u8>> = OnceLock::new();
    TAIL.get_or_init(|| PmConfigs { id: String::new(), ..onu_pm(0) }.encode_to_vec())
}

/// Devices in an order that is different each time, as the core's map gives them.
fn shuffled(stack: &Stack) -> Vec<DeviceRef> {
    let olts = stack.olts.iter().enumerate().filter(|(_, o)| o.exists).map(|(at, _)| DeviceRef::Olt(at));
    let onus = stack.onus.iter().enumerate().filter(|(_, o)| o.exists).map(|(at, _)| DeviceRef::Onu(at));
    let mut all: Vec<DeviceRef> = olts.chain(onus).collect();
    fastrand::shuffle(&mut all);
    all
}

/// Ids of all devices.
pub(super) fn ids(stack: &Stack) -> Vec<String> {
    let id = |which| match which {
        DeviceRef::Olt(at) => stack.olts.get(at).map(|o| uuid(o.id)),
        DeviceRef::Onu(at) => stack.onus.get(at).map(|o| uuid(o.id)),
    };
    shuffled(stack).into_iter().filter_map(id).collect()
}

/// A piece of an encoded list, bytes. An allocator takes small pieces back and uses them again;
/// fifty lists of eight megabytes each it kept for good.
const PIECE: usize = 64 << 10;

/// The answer of `ListDevices`, encoded, in pieces.
pub(super) fn list(stack: &Stack) -> Vec<Bytes> {
    let all = shuffled(stack);
    let tail = pm_tail();
    // 36 characters of UUID behind a key and a length.
    let pm_len = 38 + tail.len();
    let pm_field = key_len(PM_CONFIGS) + encoded_len_varint(pm_len as u64) + pm_len;
    let (mut done, mut out) = (Vec::new(), BytesMut::with_capacity(PIECE));
    for which in all {
        if out.len() + pm_field + 400 > PIECE {
            done.push(std::mem::replace(&mut out, BytesMut::with_capacity(PIECE)).freeze());
        }
        let usual = match which {
            DeviceRef::Onu(at) if !stack.pm.contains_key(&at) => Some(at),
            _ => None,
        };
        let Some(at) = usual else {
            if let Some(device) = device(stack, which) {
                prost::encoding::message::encode(ITEMS, &device, &mut out);
            }
            continue;
        };
        let Some(onu) = stack.onus.get(at) else { continue };
        let device = onu_device(stack, at, onu);
        encode_key(ITEMS, WireType::LengthDelimited, &mut out);
        encode_varint((device.encoded_len() + pm_field) as u64, &mut out);
        device.encode_raw(&mut out);
        encode_key(PM_CONFIGS, WireType::LengthDelimited, &mut out);
        encode_varint(pm_len as u64, &mut out);
        prost::encoding::string::encode(1, &device.id, &mut out);
        out.put_slice(tail);
    }
    done.push(out.freeze());
    done
}

/// The same, decoded: for whoever calls the service and not the wire.
pub(super) fn list_decoded(stack: &Stack) -> Devices {
    Devices::decode(Bytes::from(list(stack).concat())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Scale;
    use crate::sim::network::layout::Plan;
    use std::collections::HashMap;

    #[test]
    fn the_list_written_by_hand_is_what_the_devices_encode_to() {
        let stack = Stack::build(Plan::of(Scale::Small), 3, 0);
        let listed: HashMap<String, Device> =
            list_decoded(&stack).items.into_iter().map(|d| (d.id.clone(), d)).collect();
        assert_eq!(listed.len(), 66);
        for (id, which) in &stack.by_id {
            assert_eq!(listed.get(&uuid(*id)), device(&stack, *which).as_ref());
        }
    }

    #[test]
    fn an_onu_is_as_large_as_a_real_one() {
        let stack = Stack::build(Plan::of(Scale::Small), 3, 0);
        let size = device(&stack, DeviceRef::Onu(0)).unwrap().encoded_len();
        assert!((2_000..2_200).contains(&size), "{size}");
    }
}
