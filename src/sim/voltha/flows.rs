//! Flows and meters: the four flows of an internet service in the logical switch, of which two end in
//! the OLT and two in the ONU.

use xxhash_rust::xxh3::xxh3_64;

use crate::controllers::voltha::proto::openflow_13::ofp_instruction::Data;
use crate::controllers::voltha::proto::openflow_13::ofp_oxm_ofb_field::Value;
use crate::controllers::voltha::proto::openflow_13::{
    Flows, Meters, OfpAction, OfpActionOutput, OfpActionPush, OfpActionSetField, OfpActionType, OfpFlowStats,
    OfpInstruction, OfpInstructionActions, OfpInstructionGotoTable, OfpInstructionMeter, OfpInstructionWriteMetadata,
    OfpMatch, OfpMatchType, OfpMeterBandDrop, OfpMeterBandHeader, OfpMeterBandStats, OfpMeterBandType, OfpMeterConfig,
    OfpMeterEntry, OfpMeterStats, OfpOxmClass, OfpOxmField, OfpOxmOfbField, OxmOfbFieldTypes, ofp_action,
    ofp_meter_band_header, ofp_oxm_field,
};
use crate::sim::network::layout::{DeviceRef, Onu, Stack};

use super::ports::{NNI, PON};

/// `OFPVID_PRESENT`
const VID: u32 = 4_096;
/// Technology profile 64 in write-metadata.
const TECH_PROFILE: u64 = 64 << 32;

fn field(value: Value) -> OfpOxmField {
    let (kind, has_mask) = match &value {
        Value::VlanVid(vid) => (OxmOfbFieldTypes::OfpxmtOfbVlanVid, *vid == VID),
        Value::TunnelId(_) => (OxmOfbFieldTypes::OfpxmtOfbTunnelId, false),
        Value::TableMetadata(_) => (OxmOfbFieldTypes::OfpxmtOfbMetadata, false),
        _ => (OxmOfbFieldTypes::OfpxmtOfbInPort, false),
    };
    let mut ofb = OfpOxmOfbField { r#type: kind.into(), has_mask, value: Some(value), ..OfpOxmOfbField::default() };
    if has_mask {
        ofb.mask = Some(crate::controllers::voltha::proto::openflow_13::ofp_oxm_ofb_field::Mask::VlanVidMask(VID));
    }
    OfpOxmField { oxm_class: OfpOxmClass::OfpxmcOpenflowBasic.into(), field: Some(ofp_oxm_field::Field::OfbField(ofb)) }
}

fn output(port: u32) -> OfpAction {
    let action = ofp_action::Action::Output(OfpActionOutput { port, max_len: 65_509 });
    OfpAction { r#type: OfpActionType::OfpatOutput.into(), action: Some(action) }
}

fn push_vlan(vid: u32) -> [OfpAction; 2] {
    [
        OfpAction {
            r#type: OfpActionType::OfpatPushVlan.into(),
            action: Some(ofp_action::Action::Push(OfpActionPush { ethertype: 0x8100 })),
        },
        OfpAction {
            r#type: OfpActionType::OfpatSetField.into(),
            action: Some(ofp_action::Action::SetField(OfpActionSetField { field: Some(field(Value::VlanVid(vid))) })),
        },
    ]
}

fn pop_vlan() -> OfpAction {
    OfpAction { r#type: OfpActionType::OfpatPopVlan.into(), action: None }
}

struct Rule {
    table: u32,
    cookie: u64,
    fields: Vec<Value>,
    actions: Vec<OfpAction>,
    meter: u32,
    metadata: u64,
    goto: bool,
}

fn flow(rule: Rule) -> OfpFlowStats {
    let mut instructions = Vec::new();
    if !rule.actions.is_empty() {
        let actions = OfpInstructionActions { actions: rule.actions };
        instructions.push(OfpInstruction { r#type: 4, data: Some(Data::Actions(actions)) });
    }
    let meter = OfpInstructionMeter { meter_id: rule.meter };
    instructions.push(OfpInstruction { r#type: 6, data: Some(Data::Meter(meter)) });
    let metadata = OfpInstructionWriteMetadata { metadata: rule.metadata, metadata_mask: 0 };
    instructions.push(OfpInstruction { r#type: 2, data: Some(Data::WriteMetadata(metadata)) });
    if rule.goto {
        let goto = OfpInstructionGotoTable { table_id: 1 };
        instructions.push(OfpInstruction { r#type: 1, data: Some(Data::GotoTable(goto)) });
    }
    let identity = format!("{}/{}/{:?}", rule.table, rule.cookie, rule.fields);
    OfpFlowStats {
        table_id: rule.table,
        priority: 1_000,
        cookie: rule.cookie,
        r#match: Some(OfpMatch {
            r#type: OfpMatchType::OfpmtOxm.into(),
            oxm_fields: rule.fields.into_iter().map(field).collect(),
        }),
        instructions,
        id: xxh3_64(identity.as_bytes()),
        ..OfpFlowStats::default()
    }
}

/// Outer VLAN of a subscriber.
fn vlan(onu: &Onu) -> u32 {
    VID + 100 + u32::from(onu.pon) * 128 + u32::from(onu.number)
}

fn cookie(onu: &Onu, n: u64) -> u64 {
    u64::from(Stack::uni_port(onu)) << 4 | n
}

fn logical(onu: &Onu) -> [OfpFlowStats; 4] {
    let uni = Stack::uni_port(onu);
    let upstream = TECH_PROFILE | 16 << 20;
    let up = |table, n, fields, actions, goto| {
        flow(Rule { table, cookie: cookie(onu, n), fields, actions, meter: 1, metadata: upstream, goto })
    };
    let down = |table, n, fields, actions, goto| {
        let metadata = TECH_PROFILE | u64::from(uni) | if goto { 1 << 60 } else { 0 };
        flow(Rule { table, cookie: cookie(onu, n), fields, actions, meter: 2, metadata, goto })
    };
    let [push, set] = push_vlan(vlan(onu));
    [
        up(0, 1, vec![Value::Port(uni), Value::VlanVid(VID)], vec![], true),
        up(1, 2, vec![Value::Port(uni), Value::VlanVid(VID)], vec![push, set, output(NNI)], false),
        down(0, 3, vec![Value::Port(NNI), Value::VlanVid(vlan(onu))], vec![pop_vlan()], true),
        down(
            1,
            4,
            vec![Value::Port(NNI), Value::TableMetadata(uni.into()), Value::VlanVid(VID)],
            vec![output(uni)],
            false,
        ),
    ]
}

fn in_olt(onu: &Onu) -> [OfpFlowStats; 2] {
    let (uni, pon) = (Stack::uni_port(onu), PON + u32::from(onu.pon));
    let [push, set] = push_vlan(vlan(onu));
    let tunnel = Value::TunnelId(uni.into());
    [
        flow(Rule {
            table: 0,
            cookie: cookie(onu, 2),
            fields: vec![Value::Port(pon), Value::VlanVid(VID), tunnel.clone()],
            actions: vec![push, set, output(NNI)],
            meter: 1,
            metadata: TECH_PROFILE,
            goto: false,
        }),
        flow(Rule {
            table: 0,
            cookie: cookie(onu, 3),
            fields: vec![Value::Port(NNI), Value::TableMetadata(VID.into()), Value::VlanVid(vlan(onu)), tunnel],
            actions: vec![pop_vlan(), output(pon)],
            meter: 2,
            metadata: TECH_PROFILE | 1 << 60 | u64::from(uni),
            goto: false,
        }),
    ]
}

fn in_onu(onu: &Onu) -> [OfpFlowStats; 2] {
    let (uni, pon) = (Stack::uni_port(onu), PON + u32::from(onu.pon));
    [
        flow(Rule {
            table: 0,
            cookie: cookie(onu, 1),
            fields: vec![Value::Port(uni), Value::VlanVid(VID), Value::TunnelId(uni.into())],
            actions: vec![output(pon)],
            meter: 1,
            metadata: TECH_PROFILE | 16 << 20,
            goto: false,
        }),
        flow(Rule {
            table: 0,
            cookie: cookie(onu, 4),
            fields: vec![Value::Port(pon), Value::TableMetadata(uni.into()), Value::VlanVid(VID)],
            actions: vec![output(uni)],
            meter: 2,
            metadata: TECH_PROFILE,
            goto: false,
        }),
    ]
}

fn provisioned(stack: &Stack, olt: usize) -> impl Iterator<Item = &Onu> {
    stack.olt_onus(olt).filter_map(|i| stack.onus.get(i)).filter(|o| o.exists && o.flows)
}

/// `ListDeviceFlows`
pub(super) fn of_device(stack: &Stack, which: DeviceRef) -> Flows {
    let items = match which {
        DeviceRef::Olt(at) => provisioned(stack, at).flat_map(in_olt).collect(),
        DeviceRef::Onu(at) => stack.onus.get(at).filter(|o| o.flows).into_iter().flat_map(in_onu).collect(),
    };
    Flows { items }
}

/// `ListLogicalDeviceFlows`: empty after a restart of the core until the controller pushes them again.
pub(super) fn of_switch(stack: &Stack, olt: usize) -> Flows {
    if stack.olts.get(olt).is_none_or(|o| !o.logical_flows) {
        return Flows::default();
    }
    Flows { items: provisioned(stack, olt).flat_map(logical).collect() }
}

/// `ListLogicalDeviceMeters`: up and down.
pub(super) fn meters() -> Meters {
    let band = |rate, burst_size| OfpMeterBandHeader {
        r#type: OfpMeterBandType::OfpmbtDrop.into(),
        rate,
        burst_size,
        data: Some(ofp_meter_band_header::Data::Drop(OfpMeterBandDrop {})),
    };
    let meter = |meter_id, rate, burst| OfpMeterEntry {
        config: Some(OfpMeterConfig { flags: 5, meter_id, bands: vec![band(rate, burst), band(rate * 2, burst * 2)] }),
        stats: Some(OfpMeterStats {
            meter_id,
            band_stats: vec![OfpMeterBandStats::default(); 2],
            ..OfpMeterStats::default()
        }),
    };
    Meters { items: vec![meter(1, 50_000, 1_000), meter(2, 200_000, 4_000)] }
}
