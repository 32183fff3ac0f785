//! Device events: alarms, notices, and the live feed of device states (facts: voltha-api §4.3).

use crate::model::observation::{AlarmEvent, ClearReason, GoneCause, Notice, Observation};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::Ts;
use crate::model::topology::{AdminState, ConnectStatus, NodePatch, OperStatus};

use super::super::proto::event::{DeviceEvent, EventHeader};
use super::directory::Directory;
use super::subject::{self, Context, get};
use super::types::{Edge, TypeIndex, split};
use super::{Decoded, NNI_LOS, context, instant, line, pon_index, types, word};

/// Names without a suffix that tell of no fault.
const BARE_NOTICES: [&str; 2] = ["ONU_DISABLE", "ONU_ENABLE"];

/// Translates one device event.
pub(super) fn map(header: &EventHeader, body: DeviceEvent, types: &TypeIndex, directory: &mut Directory) -> Decoded {
    let raised = instant(header.raised_ts.as_ref());
    let (base, edge) = split(&body.device_event_name);
    match base {
        "DEVICE_STATE_CHANGE" => state_change(raised, &body, directory),
        "OLT_DELETED" | "ONU_DELETED" => deleted(raised, body, directory),
        "ONU_ACTIVATED" => activated(raised, edge, body, directory),
        "ONU_DISCOVERY" => discovered(raised, body, directory),
        _ => fault(raised, body, types, directory),
    }
}

/// `DEVICE_STATE_CHANGE`: the complete live feed of device states.
fn state_change(raised: Ts, body: &DeviceEvent, directory: &mut Directory) -> Decoded {
    let context = &body.context;
    let id = get(context, "id").unwrap_or(&body.resource_id);
    let serial = get(context, "serial-number").map(word);
    let mut out = Decoded::default();
    let mut patch = if get(context, "is-root") == Some("true") {
        let Some(serial) = serial.or_else(|| directory.serial(id).map(str::to_owned)) else {
            // Before it is activated an OLT has no serial number: the poll lists it by its id.
            return Decoded::of(Observation::Skipped);
        };
        learn_olt(id, &serial, directory, &mut out);
        if let Some(logical) = get(context, "parent-id") {
            directory.learn(logical, &serial);
        }
        out.ports_of = Some(id.to_owned());
        let mut patch = NodePatch::new(Resource::new(NodeKind::Olt, serial));
        patch.logical_id = get(context, "parent-id").map(word);
        patch
    } else {
        let Some(serial) = serial else { return Decoded::of(Observation::Skipped) };
        let mut patch = NodePatch::new(Resource::new(NodeKind::Onu, serial));
        let port = get(context, "parent-port").and_then(|p| p.parse::<u32>().ok());
        let olt = get(context, "parent-id").and_then(|id| directory.serial(id));
        patch.parent = olt.zip(port).map(|(olt, port)| Resource::port(NodeKind::PonPort, olt, pon_index(port)));
        patch
    };
    patch.device_id = Some(word(id));
    patch.source_time = Some(raised).filter(|t| t.is_set());
    patch.admin_state = get(context, "admin-state").and_then(AdminState::parse);
    patch.oper_status = get(context, "oper-state").and_then(OperStatus::parse);
    patch.connect_status = get(context, "connect-state").and_then(ConnectStatus::parse);
    out.what.push(Observation::Node(patch));
    out
}

/// Learns an OLT's serial number; a row that was listed by the id alone goes.
fn learn_olt(id: &str, serial: &str, directory: &mut Directory, out: &mut Decoded) {
    if directory.learn(id, serial) {
        let by_id = Resource::new(NodeKind::Device, word(id));
        out.what.push(Observation::NodeGone(by_id, GoneCause::Resync));
    }
}

fn deleted(raised: Ts, body: DeviceEvent, directory: &mut Directory) -> Decoded {
    let id = get(&body.context, "id").unwrap_or(&body.resource_id).to_owned();
    let onu = body.device_event_name.starts_with("ONU_");
    let resource = if onu {
        subject::onu("ONU_DELETED", &body.resource_id, &body.context, directory).resource
    } else {
        let olt = subject::olt(&id, &body.context, directory);
        directory.forget(&id);
        olt
    };
    let text = format!("{} {} deleted", if onu { "ONU" } else { "OLT" }, resource.name);
    let gone = Observation::NodeGone(resource.clone(), GoneCause::Deleted);
    Decoded {
        what: vec![gone, notice(Some(resource), raised, text, false, body)],
        gone_id: Some(id),
        ..Decoded::default()
    }
}

/// `ONU_ACTIVATED`, whose RAISE is good news and whose CLEAR is bad: a notice, never an alarm.
fn activated(raised: Ts, edge: Edge, body: DeviceEvent, directory: &mut Directory) -> Decoded {
    let onu = subject::onu("ONU_ACTIVATED", &body.resource_id, &body.context, directory);
    let up = edge != Edge::Clear;
    let text = format!("ONU {} {}", onu.resource.name, if up { "is active" } else { "is no longer active" });
    let mut out = Decoded::default();
    if onu.resource.kind == NodeKind::Onu && up {
        let mut patch = NodePatch::new(onu.resource.clone());
        patch.parent = onu.parent;
        patch.device_id = onu.device_id;
        patch.number = onu.number;
        patch.oper_status = Some(OperStatus::Active);
        patch.connect_status = Some(ConnectStatus::Reachable);
        patch.source_time = Some(raised).filter(|t| t.is_set());
        patch.vendor = get(&body.context, "vendor-id").map(word);
        patch.model = get(&body.context, "model").map(word);
        patch.firmware = get(&body.context, "software-version").map(word);
        out.what.push(Observation::Node(patch));
    }
    out.what.push(notice(Some(onu.resource), raised, text, false, body));
    out
}

fn discovered(raised: Ts, body: DeviceEvent, directory: &Directory) -> Decoded {
    let onu = subject::onu("ONU_DISCOVERY", &body.resource_id, &body.context, directory);
    let at = subject::pon(&body.context).map_or_else(String::new, |pon| format!(" on PON {pon}"));
    let text = format!("ONU {} discovered{at}", onu.resource.name);
    Decoded::of(notice(Some(onu.resource), raised, text, false, body))
}

/// Everything else: alarms by their names, and failures that are told once.
fn fault(raised: Ts, body: DeviceEvent, types: &TypeIndex, directory: &mut Directory) -> Decoded {
    let (base, edge) = split(&body.device_event_name);
    let mut profile = types.of_event(base, edge);
    let about_onu = base.starts_with("ONU_");
    let mut out = Decoded::default();
    let resource = if about_onu {
        let onu = subject::onu(base, &body.resource_id, &body.context, directory).resource;
        let uni = base.eq_ignore_ascii_case(subject::UNI).then(|| subject::uni(&onu, &body.context)).flatten();
        uni.unwrap_or(onu)
    } else {
        let olt = subject::olt(&body.resource_id, &body.context, directory);
        if olt.kind == NodeKind::Olt {
            learn_olt(&body.resource_id, &olt.name, directory, &mut out);
        }
        if base == "OLT_LOSS_OF_SIGNAL" { subject::olt_port(&olt, &body.context) } else { olt }
    };
    if resource.kind == NodeKind::NniPort {
        profile = types.own(NNI_LOS.type_id, NNI_LOS.severity, NNI_LOS.title);
    }
    if matches!(base, "OLT_PON_INTERFACE_DOWN" | "OLT_DOWN_INDICATION" | "OLT_COMMUNICATION_FAILURE") {
        out.ports_of = Some(body.resource_id.clone());
    }
    if edge == Edge::Bare && (!profile.known || BARE_NOTICES.contains(&base)) {
        let failed = base.contains("FAIL");
        let text = text_of(&profile.title, true, &body.description, &body.context);
        out.what.push(notice(Some(resource), raised, text, failed, body));
        return out;
    }
    out.what.push(Observation::Alarm(AlarmEvent {
        resource,
        text: text_of(&profile.title, edge == Edge::Bare, &body.description, &body.context),
        type_id: profile.type_id,
        qualifier: String::new(),
        raise: (edge != Edge::Clear).then_some(profile.severity),
        source_time: raised,
        clear_reason: ClearReason::Source,
        event: word(&body.device_event_name),
        context: context(body.context),
        own_query: false,
        will_clear: profile.will_clear,
        cleared_by_active: profile.cleared_by_active,
        hold_down_s: profile.hold_down_s,
    }));
    out
}

/// One line for the list: the type's title, and what the event adds to it. Figures that differ from
/// event to event (drift, error rates, delays) are not in it: they stand in the event's context, and
/// a line that is new at every repeat would be written and searched as something new each time.
fn text_of(title: &str, bare: bool, description: &str, context: &Context) -> String {
    let told = get(context, "failure-reason").or_else(|| Some(description.trim()).filter(|d| bare && !d.is_empty()));
    let state = || get(context, "oper-state").map_or_else(String::new, |v| format!("oper state {}", word(v)));
    let detail = told.map_or_else(state, line);
    match detail.as_str() {
        "" => title.to_owned(),
        detail if detail.eq_ignore_ascii_case(title) => title.to_owned(),
        detail => format!("{title}: {detail}"),
    }
}

fn notice(resource: Option<Resource>, raised: Ts, text: String, failure: bool, body: DeviceEvent) -> Observation {
    let name = word(&body.device_event_name);
    let text = if text.is_empty() { types::words(&name) } else { text };
    Observation::Notice(Notice {
        resource,
        event: name,
        text,
        source_time: raised,
        failure,
        context: context(body.context),
    })
}
