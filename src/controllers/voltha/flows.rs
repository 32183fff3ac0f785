//! Flows and meters in words an access engineer uses: matches and actions by their usual names,
//! VOLTHA's packed metadata taken apart, meters as CIR, PIR and GIR (facts: voltha-api §6.2, §6.3).

use super::proto::openflow_13::ofp_action::Action;
use super::proto::openflow_13::ofp_instruction::Data;
use super::proto::openflow_13::ofp_oxm_field::Field;
use super::proto::openflow_13::ofp_oxm_ofb_field::Value;
use super::proto::openflow_13::{Flows, Meters, OfpFlowStats, OfpMeterConfig, OfpOxmOfbField};
use crate::model::order;

/// `OFPVID_PRESENT`: the bit that says that there is a tag.
const PRESENT: u32 = 0x1000;
/// `OFPP_CONTROLLER`.
const CONTROLLER: u32 = 0xffff_fffd;

/// Headers of [`flow_rows`].
pub const FLOW_HEADERS: [&str; 6] = ["table", "prio", "match", "actions", "meter", "cookie"];
/// Headers of [`meter_rows`]; rates in kbit/s, bursts in kbit.
pub const METER_HEADERS: [&str; 6] = ["meter", "cir_kbps", "cbs_kb", "pir_kbps", "pbs_kb", "gir_kbps"];

/// Flows in the order in which a switch looks at them.
#[must_use]
pub fn flow_rows(flows: &Flows) -> Vec<Vec<String>> {
    let mut items: Vec<_> = flows.items.iter().collect();
    order::by_key(&mut items, |f| (f.table_id, std::cmp::Reverse(f.priority), f.cookie, f.id));
    items.into_iter().map(flow_row).collect()
}

fn flow_row(flow: &OfpFlowStats) -> Vec<String> {
    let matches: Vec<_> = flow
        .r#match
        .iter()
        .flat_map(|m| &m.oxm_fields)
        .filter_map(|f| match &f.field {
            Some(Field::OfbField(field)) => Some(match_words(field)),
            _ => None,
        })
        .collect();
    let (mut actions, mut meter) = (Vec::new(), String::new());
    for data in flow.instructions.iter().filter_map(|i| i.data.as_ref()) {
        match data {
            Data::Actions(list) => actions.extend(list.actions.iter().filter_map(|a| a.action.as_ref()).map(action)),
            Data::GotoTable(goto) => actions.push(format!("goto table {}", goto.table_id)),
            Data::WriteMetadata(write) => actions.push(metadata(write.metadata)),
            Data::Meter(m) => meter = m.meter_id.to_string(),
            Data::Experimenter(_) => actions.push("experimenter".to_owned()),
        }
    }
    vec![
        flow.table_id.to_string(),
        flow.priority.to_string(),
        matches.join(" "),
        actions.join(", "),
        meter,
        format!("{:#x}", flow.cookie),
    ]
}

fn match_words(field: &OfpOxmOfbField) -> String {
    match &field.value {
        Some(Value::Port(port)) => format!("in_port={port}"),
        Some(Value::VlanVid(vid)) if *vid == PRESENT && field.has_mask => "vlan=any".to_owned(),
        Some(Value::VlanVid(vid)) if vid & PRESENT == 0 => "vlan=none".to_owned(),
        Some(Value::VlanVid(vid)) => format!("vlan={}", vid & 0xfff),
        Some(Value::VlanPcp(pcp)) => format!("pcp={pcp}"),
        Some(Value::EthType(ethertype)) => format!("eth={ethertype:#06x}"),
        Some(Value::IpProto(proto)) => format!("ip_proto={proto}"),
        Some(Value::UdpSrc(port)) => format!("udp_src={port}"),
        Some(Value::UdpDst(port)) => format!("udp_dst={port}"),
        Some(Value::TableMetadata(inner)) => format!("metadata={inner}"),
        Some(Value::TunnelId(port)) => format!("tunnel={port}"),
        _ => format!("field{}", field.r#type),
    }
}

fn action(action: &Action) -> String {
    match action {
        Action::Output(out) if out.port == CONTROLLER => "output controller".to_owned(),
        Action::Output(out) => format!("output {}", out.port),
        Action::Push(push) => format!("push {:#06x}", push.ethertype),
        Action::SetField(set) => match set.field.as_ref().and_then(|f| f.field.as_ref()) {
            Some(Field::OfbField(field)) => format!("set {}", match_words(field)),
            _ => "set".to_owned(),
        },
        Action::Group(group) => format!("group {}", group.group_id),
        Action::PopMpls(_) => "pop mpls".to_owned(),
        Action::MplsTtl(_) | Action::NwTtl(_) => "set ttl".to_owned(),
        Action::Experimenter(_) => "experimenter".to_owned(),
    }
}

/// VOLTHA's metadata: inner tag, technology profile, port (or, in trap flows, a meter).
fn metadata(packed: u64) -> String {
    let (tag, profile, port) = (packed >> 48, packed >> 32 & 0xffff, packed & 0xffff_ffff);
    let mut words = format!("tp {profile}");
    match tag {
        0 => {}
        4096 => words.push_str(" ctag any"),
        tag => words = format!("{words} ctag {tag}"),
    }
    if port != 0 {
        words = format!("{words} port {port}");
    }
    words
}

/// Meters by number; only those of `wanted` when it is not empty.
#[must_use]
pub fn meter_rows(meters: &Meters, wanted: &[u32]) -> Vec<Vec<String>> {
    let mut configs: Vec<_> = meters
        .items
        .iter()
        .filter_map(|m| m.config.as_ref())
        .filter(|c| wanted.is_empty() || wanted.contains(&c.meter_id))
        .collect();
    order::by_key(&mut configs, |c| c.meter_id);
    configs.into_iter().map(meter_row).collect()
}

/// The meters that flows use.
#[must_use]
pub fn meters_of(flows: &Flows) -> Vec<u32> {
    let data = flows.items.iter().flat_map(|f| &f.instructions).filter_map(|i| i.data.as_ref());
    data.filter_map(|d| if let Data::Meter(m) = d { Some(m.meter_id) } else { None }).collect()
}

fn meter_row(config: &OfpMeterConfig) -> Vec<String> {
    let rates = rates(&config.bands.iter().map(|b| (b.rate, b.burst_size)).collect::<Vec<_>>());
    let show = |value: Option<u32>| value.map_or_else(String::new, |v| v.to_string());
    let mut row = vec![config.meter_id.to_string()];
    match rates {
        Some(r) => row.extend([r.cir, r.cbs, r.pir, r.pbs, r.gir].map(show)),
        None => row.push("invalid: the adapters refuse it".to_owned()),
    }
    row
}

/// A meter's bands by their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rates {
    cir: Option<u32>,
    cbs: Option<u32>,
    pir: Option<u32>,
    pbs: Option<u32>,
    gir: Option<u32>,
}

/// The adapters' own rule: order does not matter, the higher rate is the peak, a band without a
/// burst is guaranteed. `None` for what they refuse.
fn rates(bands: &[(u32, u32)]) -> Option<Rates> {
    let (mut bursty, steady): (Vec<_>, Vec<_>) = bands.iter().copied().partition(|(_, burst)| *burst > 0);
    bursty.sort_unstable();
    let none = Rates::default();
    match (bursty.as_slice(), steady.as_slice()) {
        ([], [(rate, _)]) => Some(Rates { pir: Some(*rate), gir: Some(*rate), ..none }),
        ([], [(a, _), (b, _)]) if a == b => Some(Rates { pir: Some(*a), gir: Some(*a), ..none }),
        ([(pir, pbs)], []) => Some(Rates { pir: Some(*pir), pbs: Some(*pbs), ..none }),
        ([(cir, cbs), (pir, pbs)], []) => {
            Some(Rates { cir: Some(*cir), cbs: Some(*cbs), pir: Some(*pir), pbs: Some(*pbs), gir: None })
        }
        ([(cir, cbs), (pir, pbs)], [(gir, _)]) => {
            Some(Rates { cir: Some(*cir), cbs: Some(*cbs), pir: Some(*pir), pbs: Some(*pbs), gir: Some(*gir) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/voltha/grpc");
        std::fs::read(format!("{folder}/{name}.bin")).expect("a recorded answer")
    }

    #[test]
    fn recorded_flows_read_as_an_engineer_writes_them() {
        let flows = Flows::decode(&*fixture("ListDeviceFlows_onu")).expect("flows");
        let rows = flow_rows(&flows);
        let up = rows.first().expect("two flows");
        assert_eq!(up[2], "in_port=256 vlan=any tunnel=256");
        assert_eq!(up[3], "output 536870912, tp 64 port 16777216");
        assert_eq!((up[4].as_str(), up[5].as_str()), ("1", "0x2001"));
        assert_eq!(meters_of(&flows), [1, 2]);
    }

    #[test]
    fn recorded_meters_are_committed_and_peak_rates() {
        let meters = Meters::decode(&*fixture("ListLogicalDeviceMeters")).expect("meters");
        assert_eq!(meter_rows(&meters, &[]).first().expect("two"), &["1", "50000", "1000", "100000", "2000", ""]);
        assert_eq!(meter_rows(&meters, &[2]).len(), 1);
    }

    #[test]
    fn bands_mean_what_the_adapters_take_them_for() {
        let some = |pir, gir| Some(Rates { pir: Some(pir), gir: Some(gir), ..Rates::default() });
        assert_eq!(rates(&[(100, 0)]), some(100, 100));
        assert_eq!(rates(&[(100, 0), (100, 0)]), some(100, 100));
        assert_eq!(rates(&[(500, 9), (100, 8)]).map(|r| (r.cir, r.pir)), Some((Some(100), Some(500))));
        assert_eq!(rates(&[(50, 0), (500, 9), (100, 8)]).and_then(|r| r.gir), Some(50));
        for refused in [&[(1, 0), (2, 5)][..], &[(1, 0), (2, 0)], &[(1, 1), (2, 2), (3, 3)], &[]] {
            assert_eq!(rates(refused), None, "{refused:?}");
        }
    }
}
