//! Whom a device event is about. The same thing has other names in every emitter's context (facts:
//! voltha-api §4.3, last paragraph):
//!
//! | emitter | device id | serial | ONU number | PON |
//! |---|---|---|---|---|
//! | core (`DEVICE_STATE_CHANGE`, `*_DELETED`) | `id` | `serial-number` | `onu-id` | `parent-port`, `pon-id` |
//! | openolt | `onu-device-id` | `serial-number`, `onu-serial-number` | `onu-id` | `intf-id` |
//! | openonu, `ONU_ACTIVATED` | `device-id` | `serial-number` | `onu-id` | `pon-id` |
//! | openonu, OMCI alarms | `onu-id` (!) | `onu-serial-number` | - | - |
//! | openonu, failures | resource id | `onu-serial-number` | `onu-id` | `intf-id` |
//!
//! `onu-intf-id` of OMCI alarms is the number of a UNI port, no PON.

use std::collections::HashMap;

use crate::model::observation::AlarmEvent;
use crate::model::resource::{NodeKind, Resource};

use super::directory::Directory;
use super::list::{nni_index, pon_index, uni_index};
use super::types::split;
use super::word;

/// The event of a UNI.
pub(super) const UNI: &str = "ONU_Ethernet_UNI";

/// An event's context.
pub(super) type Context = HashMap<String, String>;

/// A value that is there and not empty.
pub(super) fn get<'a>(context: &'a Context, key: &str) -> Option<&'a str> {
    context.get(key).map(|v| v.trim()).filter(|v| !v.is_empty())
}

fn first<'a>(context: &'a Context, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| get(context, key))
}

/// The ONU of an event, when it names one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Onu {
    pub(super) resource: Resource,
    pub(super) device_id: Option<String>,
    pub(super) number: Option<u32>,
    pub(super) parent: Option<Resource>,
}

/// Reads the ONU out of an event about one. `resource_id` is the OLT's id when openolt sent it,
/// the ONU's when others did.
pub(super) fn onu(base: &str, resource_id: &str, context: &Context, directory: &Directory) -> Onu {
    let number = get(context, "onu-id").and_then(|n| n.parse::<u32>().ok());
    let by_alarm = get(context, "onu-id").filter(|_| number.is_none());
    let from_olt = directory.serial(resource_id).is_some() || get(context, "onu-device-id").is_some();
    let device_id = first(context, &["onu-device-id", "device-id"])
        .or(by_alarm)
        .or_else(|| get(context, "id").filter(|_| base != "ONU_UPDATE_COMMUNICATION_FAILED"))
        .or_else(|| (!from_olt && !resource_id.is_empty()).then_some(resource_id));
    let serial = first(context, &["onu-serial-number", "serial-number"]);
    let olt = get(context, "olt-serial-number").map(word).or_else(|| {
        [get(context, "olt-device-id"), get(context, "parent-id"), Some(resource_id)]
            .into_iter()
            .flatten()
            .find_map(|id| directory.serial(id))
            .map(str::to_owned)
    });
    let parent = olt.and_then(|olt| Some(Resource::port(NodeKind::PonPort, olt, pon(context)?)));
    let resource = match (serial, device_id) {
        (Some(serial), _) => Resource::new(NodeKind::Onu, word(serial)),
        (None, id) => Resource::new(NodeKind::Device, word(id.unwrap_or(resource_id))),
    };
    Onu { resource, device_id: device_id.map(word), number, parent }
}

/// The UNI of an OMCI alarm of a UNI: `onu-intf-id` is its port number.
pub(super) fn uni(onu: &Resource, context: &Context) -> Option<Resource> {
    let port = get(context, "onu-intf-id")?.parse::<u32>().ok()?;
    (onu.kind == NodeKind::Onu).then(|| Resource::port(NodeKind::Uni, onu.name.clone(), uni_index(port)))
}

/// The UNI, by its place on the ONU, of an alarm of a UNI whose ONU is named by its device id
/// alone: openonu sends an empty serial number when it cannot ask the core in that moment.
pub(crate) fn unnamed_uni(alarm: &AlarmEvent) -> Option<u32> {
    let about_uni = alarm.resource.kind == NodeKind::Device && split(&alarm.event).0.eq_ignore_ascii_case(UNI);
    let port = alarm.context.iter().find(|(key, _)| key == "onu-intf-id").filter(|_| about_uni)?;
    port.1.trim().parse::<u32>().ok().map(uni_index)
}

/// The OLT of an event about one, learned where the event tells its serial number.
pub(super) fn olt(resource_id: &str, context: &Context, directory: &Directory) -> Resource {
    let told = first(context, &["olt-serial-number", "serial-number"]).map(word);
    let serial = told.or_else(|| directory.serial(resource_id).map(str::to_owned));
    match serial {
        Some(serial) => Resource::new(NodeKind::Olt, serial),
        None => Resource::new(NodeKind::Device, word(resource_id)),
    }
}

/// The port of an OLT that lost its signal. `port-label` carries the port's number here
/// (`pon-536870914`), and for an NNI both keys are off by the PON base (facts: voltha-run §5,
/// pitfall 7).
pub(super) fn olt_port(olt: &Resource, context: &Context) -> Resource {
    let label = get(context, "port-label").and_then(|l| l.rsplit('-').next()).and_then(|n| n.parse::<u32>().ok());
    let number = get(context, "intf-id").and_then(|n| n.parse::<u32>().ok()).or(label);
    match number {
        Some(n) if olt.kind == NodeKind::Olt => match nni_index(n) {
            Some(nni) => Resource::port(NodeKind::NniPort, olt.name.clone(), nni),
            None => Resource::port(NodeKind::PonPort, olt.name.clone(), pon_index(n)),
        },
        _ => olt.clone(),
    }
}

/// The PON an ONU is on.
pub(super) fn pon(context: &Context) -> Option<u32> {
    first(context, &["intf-id", "pon-id", "parent-port"])?.parse::<u32>().ok().map(pon_index)
}
