//! Details that are read from the controller when somebody looks: never cached, each section with
//! its own deadline, and one that fails leaves the others alone.

use std::sync::Arc;
use std::time::Instant;

use crate::controllers::voltha::client::{Answer, methods};
use crate::controllers::voltha::error::Error;
use crate::controllers::voltha::flows::{FLOW_HEADERS, METER_HEADERS, flow_rows, meter_rows, meters_of};
use crate::controllers::voltha::map::name;
use crate::controllers::voltha::proto::common::Id;
use crate::controllers::voltha::proto::device::{DeviceTypes, OnuImages, PmConfigs, Ports};
use crate::controllers::voltha::proto::extension::get_value_request::Request;
use crate::controllers::voltha::proto::extension::{
    self as ext, GetValueRequest, SingleGetValueRequest, ValueSpecifier,
};
use crate::controllers::voltha::values::{self, LONG_DEADLINE, Value, empty, table};
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::order;
use crate::model::resource::NodeKind;
use crate::model::topology::{AdminState, NodeRow, OperStatus};

use super::shared::{Actor, Shared};

/// Answers a request.
pub(super) async fn answer(shared: &Arc<Shared>, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    match request {
        LiveRequest::Secret { .. } => Err(format!("{} has no parameters", shared.name)),
        LiveRequest::BufferConfig { .. } => Err(format!("{} is no appliance with a buffer", shared.name)),
        LiveRequest::Detail(canonical) | LiveRequest::Alarm { node: canonical, .. } => {
            detail(shared, &node(shared, canonical).await?).await
        }
        LiveRequest::Value { node: canonical, value } => {
            let Some(value) = Value::parse(&value) else {
                return Err(format!("`{value}` is no value; there are: {}", Value::NAMES));
            };
            read_value(shared, &node(shared, canonical).await?, value).await
        }
    }
}

/// The cache's row of a node; read on a blocking thread.
pub(super) async fn node(shared: &Arc<Shared>, canonical: String) -> Result<NodeRow, String> {
    let cache = Arc::clone(&shared.cache);
    let name = canonical.clone();
    let row = crate::workers::blocking(move || cache.node(&name)).await??;
    row.ok_or_else(|| format!("{canonical} is not known"))
}

async fn detail(shared: &Arc<Shared>, node: &NodeRow) -> Result<Vec<LiveSection>, String> {
    match node.kind() {
        NodeKind::Olt | NodeKind::Onu | NodeKind::Device => device(shared, node).await,
        NodeKind::PonPort | NodeKind::NniPort => {
            let olt = self::node(shared, format!("{}/olt/{}", shared.name, node.resource.name)).await?;
            let ports = ports(shared, &olt.device_id).await.map_err(|e| e.to_string())?;
            Ok(vec![port_section(&ports.value, Some(node.number))])
        }
        NodeKind::Uni => {
            let onu = self::node(shared, format!("{}/onu/{}", shared.name, node.resource.name)).await?;
            device(shared, &onu).await
        }
        other => Err(format!("a {} has no details at its controller", other.word())),
    }
}

async fn device(shared: &Arc<Shared>, node: &NodeRow) -> Result<Vec<LiveSection>, String> {
    if node.device_id.is_empty() {
        return Err(format!("the device id of {} is not known yet", node.canonical));
    }
    let id = || Id { id: node.device_id.clone() };
    let target = node.canonical.as_str();
    let (actor, onu) = (Actor::Detail, node.kind() == NodeKind::Onu);
    let logical = logical_id(shared, node).await;
    let flows = shared.call(&actor, &methods::LIST_DEVICE_FLOWS, target, id(), None);
    let pm = shared.call(&actor, &methods::LIST_DEVICE_PM_CONFIGS, target, id(), None);
    let images = async {
        if !onu {
            return None;
        }
        Some(Box::pin(shared.call(&actor, &methods::GET_ONU_IMAGES, target, id(), Some(values::DEADLINE))).await)
    };
    let meters = async {
        let id = logical?;
        Some(shared.call(&actor, &methods::LIST_LOGICAL_DEVICE_METERS, target, Id { id }, None).await)
    };
    let types = async {
        if node.kind() != NodeKind::Olt {
            return None;
        }
        Some(Box::pin(shared.call(&actor, &methods::LIST_DEVICE_TYPES, target, (), None)).await)
    };
    let (ports, flows, meters, pm, images, types) =
        tokio::join!(ports(shared, &node.device_id), flows, meters, pm, images, types);
    if let (Err(e), Err(_)) = (&ports, &flows) {
        return Err(e.to_string());
    }
    let used = flows.as_ref().map(|f| meters_of(&f.value)).unwrap_or_default();
    let mut sections = vec![
        section("Ports", ports, |p| port_section(&p, None)),
        section("Flows", flows, |f| table("Flows", &FLOW_HEADERS, flow_rows(&f))),
    ];
    if let Some(meters) = meters {
        sections.push(section("Meters", meters, |m| {
            let rows = if onu && used.is_empty() { Vec::new() } else { meter_rows(&m, if onu { &used } else { &[] }) };
            table("Meters", &METER_HEADERS, rows)
        }));
    }
    sections.push(section("PM configuration", pm, |p| pm_section(&p)));
    if let Some(images) = images {
        sections.push(section("Images", images, |i| image_section(&i)));
    }
    if let Some(types) = types {
        sections.push(section("Device types", types, |t| types_section(&t)));
    }
    Ok(sections)
}

/// A section from an answer, or why it is empty.
fn section<T>(title: &str, answer: Result<Answer<T>, Error>, make: impl FnOnce(T) -> LiveSection) -> LiveSection {
    match answer {
        Ok(answer) => make(answer.value),
        Err(e) => empty(title, &e.to_string()),
    }
}

/// The logical device of the OLT that a device is or hangs on: meters are kept there.
async fn logical_id(shared: &Arc<Shared>, node: &NodeRow) -> Option<String> {
    if !node.logical_id.is_empty() {
        return Some(node.logical_id.clone());
    }
    let olt = olt_of(shared, node).await.ok()?;
    (!olt.logical_id.is_empty()).then_some(olt.logical_id)
}

/// The OLT an ONU hangs on, told by its place in the tree (`source/olt/SERIAL/pon/3`).
pub(super) async fn olt_of(shared: &Arc<Shared>, onu: &NodeRow) -> Result<NodeRow, String> {
    match onu.parent_name.rsplit_once("/pon/") {
        Some((olt, _)) => node(shared, olt.to_owned()).await,
        None => Err(format!("the OLT of {} is not known", onu.canonical)),
    }
}

async fn ports(shared: &Arc<Shared>, device_id: &str) -> Result<Answer<Ports>, Error> {
    let id = Id { id: device_id.to_owned() };
    shared.call(&Actor::Detail, &methods::LIST_DEVICE_PORTS, device_id, id, None).await
}

fn port_section(ports: &Ports, only: Option<u32>) -> LiveSection {
    let mut items: Vec<_> = ports.items.iter().filter(|p| only.is_none_or(|n| n == p.port_no)).collect();
    order::by_key(&mut items, |p| (p.r#type, p.port_no));
    let rows = items.into_iter().map(|p| {
        let kind = p.r#type().as_str_name().to_lowercase().replace('_', " ");
        let (admin, oper) = (AdminState::from_wire(p.admin_state), OperStatus::from_wire(p.oper_status));
        vec![
            name(&p.label),
            kind,
            p.port_no.to_string(),
            admin.word().into_owned(),
            oper.word().into_owned(),
            p.peers.len().to_string(),
        ]
    });
    table("Ports", &["label", "type", "number", "admin", "oper", "peers"], rows.collect())
}

fn pm_section(pm: &PmConfigs) -> LiveSection {
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let mut rows: Vec<_> = pm
        .groups
        .iter()
        .map(|g| {
            let enabled = g.metrics.iter().filter(|m| m.enabled).count();
            vec![name(&g.group_name), on(g.enabled), g.group_freq.to_string(), format!("{enabled}/{}", g.metrics.len())]
        })
        .collect();
    if !pm.metrics.is_empty() {
        let enabled = pm.metrics.iter().filter(|m| m.enabled).count();
        let counts = format!("{enabled}/{}", pm.metrics.len());
        rows.push(vec!["(ungrouped)".to_owned(), on(enabled > 0), pm.default_freq.to_string(), counts]);
    }
    let mut section = table("PM configuration", &["group", "state", "every_s", "metrics"], rows);
    section.note = format!("default every {} s", pm.default_freq);
    section
}

/// What the controller can manage: types, who serves them, whose devices they take.
fn types_section(types: &DeviceTypes) -> LiveSection {
    let mut rows: Vec<_> = types
        .items
        .iter()
        .map(|t| {
            let vendors = if t.vendor_ids.is_empty() { "any".to_owned() } else { t.vendor_ids.join(" ") };
            vec![name(&t.id), name(&t.adapter_type), name(&vendors)]
        })
        .collect();
    rows.sort();
    table("Device types", &["type", "adapter", "vendors"], rows)
}

fn image_section(images: &OnuImages) -> LiveSection {
    let yes = |yes: bool| if yes { "yes" } else { "" }.to_owned();
    let rows = images
        .items
        .iter()
        .map(|i| vec![name(&i.version), yes(i.is_active), yes(i.is_commited), yes(i.is_valid), name(&i.product_code)]);
    table("Images", &["version", "active", "committed", "valid", "product"], rows.collect())
}

async fn read_value(shared: &Arc<Shared>, node: &NodeRow, value: Value) -> Result<Vec<LiveSection>, String> {
    match (node.kind(), value) {
        (NodeKind::Onu, Value::RxPower) => {
            let olt = olt_of(shared, node).await?;
            let pon = node.parent_name.rsplit_once("/pon/").and_then(|(_, n)| n.parse::<u32>().ok()).unwrap_or(0);
            let request = rx_power(pon, &node.resource.name);
            ask(shared, &olt.device_id, &node.canonical, "rx_power", request, value).await
        }
        (NodeKind::Onu, value) if value.of_onu() => onu_value(shared, node, value).await,
        (NodeKind::Uni, Value::Uni) => {
            let onu = self::node(shared, format!("{}/onu/{}", shared.name, node.resource.name)).await?;
            let request = Value::Uni.onu_request(&onu.device_id, node.resource.index).ok_or("no such request")?;
            ask(shared, &onu.device_id, &node.canonical, "UNI", request, value).await
        }
        (NodeKind::PonPort, Value::RxPower) => {
            let olt = self::node(shared, format!("{}/olt/{}", shared.name, node.resource.name)).await?;
            ask(shared, &olt.device_id, &node.canonical, "rx_power", rx_power(node.resource.index, ""), value).await
        }
        (NodeKind::Olt, value) if !value.of_onu() => olt_value(shared, node, value).await,
        (kind, _) => Err(format!("a {} does not have this value; there are: {}", kind.word(), Value::NAMES)),
    }
}

async fn onu_value(shared: &Arc<Shared>, node: &NodeRow, value: Value) -> Result<Vec<LiveSection>, String> {
    if node.device_id.is_empty() {
        return Err(format!("the device id of {} is not known yet", node.canonical));
    }
    match value {
        Value::Distance => distance(shared, node).await,
        Value::OltStats => olt_stats(shared, node).await,
        Value::Uni => {
            let mut sections = Vec::new();
            for uni in 0..node.children.clamp(1, 8) {
                let request = Value::Uni.onu_request(&node.device_id, uni).ok_or("no such request")?;
                let title = format!("UNI {uni}");
                sections.extend(ask(shared, &node.device_id, &node.canonical, &title, request, value).await?);
            }
            Ok(sections)
        }
        value => {
            let request = value.onu_request(&node.device_id, 0).ok_or("no such request")?;
            if value.provokes_alarm() {
                // The adapter may take the slow answer for a dead ONU and raise an alarm that
                // never clears: what it raises until a little after our deadline is our doing.
                let until = Instant::now() + LONG_DEADLINE + LONG_DEADLINE;
                shared.known().own_queries.insert(node.resource.name.clone(), until);
            }
            ask(shared, &node.device_id, &node.canonical, title(value), request, value).await
        }
    }
}

const fn title(value: Value) -> &'static str {
    match value {
        Value::Optical => "Optics",
        Value::OmciStats => "OMCI channel",
        Value::ActiveAlarms => "Alarms held by the ONU",
        Value::Ethernet => "Ethernet frames",
        Value::Gem => "GEM ports",
        Value::Fec => "Forward error correction",
        _ => "Value",
    }
}

/// Only the old call knows the distance.
async fn distance(shared: &Arc<Shared>, node: &NodeRow) -> Result<Vec<LiveSection>, String> {
    let request = ValueSpecifier { id: node.device_id.clone(), value: ext::value_type::Type::Distance.into() };
    let call = shared.call(&Actor::Detail, &methods::GET_OLD_VALUE, &node.canonical, request, Some(values::DEADLINE));
    let answer = call.await.map_err(|e| e.to_string())?.value;
    if answer.unsupported != 0 || answer.error != 0 {
        return Ok(vec![empty("Distance", "the device does not support this")]);
    }
    let rows = vec![vec!["distance_m".to_owned(), answer.distance.to_string()]];
    Ok(vec![table("Distance", &["value", "reading"], rows)])
}

/// Asking the OLT about an ONU without flows crashes the OLT's adapter, and with it the service of
/// every OLT it serves (facts: voltha-run §6.1). So it is asked only when flows are there.
async fn olt_stats(shared: &Arc<Shared>, node: &NodeRow) -> Result<Vec<LiveSection>, String> {
    let id = Id { id: node.device_id.clone() };
    let call = shared.call(&Actor::Detail, &methods::LIST_DEVICE_FLOWS, &node.canonical, id, Some(values::DEADLINE));
    let flows = call.await.map_err(|e| format!("its flows have to be seen first: {e}"))?;
    if flows.value.items.is_empty() {
        return Err(format!(
            "refused: {} has no flows, and this query would crash the openolt adapter; provision a service first",
            node.canonical
        ));
    }
    let olt = olt_of(shared, node).await?;
    let pon = node.parent_name.rsplit_once("/pon/").and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
    let request = Request::OnuStatsFromOlt(ext::GetOnuStatsFromOltRequest { intf_id: pon, onu_id: node.number });
    if olt.oper_status != OperStatus::Active {
        return Err(format!("refused: {} is not active", olt.canonical));
    }
    ask(shared, &node.device_id, &node.canonical, "Counters of the OLT", request, Value::OltStats).await
}

fn rx_power(pon: u32, onu: &str) -> Request {
    Request::OltRxPower(ext::GetOltRxPowerRequest { port_label: format!("pon-{pon}"), onu_sn: onu.to_owned() })
}

/// Values of an OLT are asked port by port.
async fn olt_value(shared: &Arc<Shared>, olt: &NodeRow, value: Value) -> Result<Vec<LiveSection>, String> {
    use crate::controllers::voltha::proto::device::port::PortType;
    let ports = ports(shared, &olt.device_id).await.map_err(|e| e.to_string())?.value;
    let mut items: Vec<_> = ports
        .items
        .iter()
        .filter(|p| {
            matches!(
                (p.r#type(), value),
                (PortType::PonOlt, Value::RxPower | Value::PonStats | Value::Ports)
                    | (PortType::EthernetNni, Value::NniStats | Value::Ports)
            )
        })
        .collect();
    order::by_key(&mut items, |p| (p.r#type, p.port_no));
    let mut sections = Vec::new();
    for port in items {
        let pon = port.r#type() == PortType::PonOlt;
        let request = match value {
            Value::RxPower => rx_power(port.port_no & 0x0fff_ffff, ""),
            Value::PonStats => Request::OltPonStats(ext::GetPonStatsRequest {
                port_info: Some(ext::get_pon_stats_request::PortInfo::PortLabel(port.label.clone())),
            }),
            Value::NniStats => Request::OltNniStats(ext::GetNniStatsRequest {
                port_info: Some(ext::get_nni_stats_request::PortInfo::PortLabel(port.label.clone())),
            }),
            _ => {
                use ext::get_olt_port_counters::PortType as Asked;
                let asked = if pon { Asked::PortPonOlt } else { Asked::PortEthernetNni };
                let port_type = asked.into();
                Request::OltPortInfo(ext::GetOltPortCounters { port_no: port.port_no, port_type })
            }
        };
        match ask(shared, &olt.device_id, &olt.canonical, &name(&port.label), request, value).await {
            Ok(more) => sections.extend(more),
            Err(e) => sections.push(empty(&name(&port.label), &e)),
        }
    }
    if sections.is_empty() {
        sections.push(empty("Ports", "the OLT has no such port"));
    }
    Ok(sections)
}

async fn ask(
    shared: &Arc<Shared>,
    device_id: &str,
    target: &str,
    title: &str,
    request: Request,
    value: Value,
) -> Result<Vec<LiveSection>, String> {
    let request = SingleGetValueRequest {
        target_id: device_id.to_owned(),
        request: Some(GetValueRequest { request: Some(request) }),
    };
    let call = shared.call(&Actor::Detail, &methods::GET_VALUE, target, request, Some(value.deadline()));
    let answer = call.await.map_err(|e| e.to_string())?;
    Ok(values::sections(title, answer.value.response))
}
