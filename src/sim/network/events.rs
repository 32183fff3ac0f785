//! Events as the adapters and the core write them: names, keys, contexts, and their oddities (an id
//! that always says `openolt` and cuts the name, whole-second raised times, empty descriptions of
//! openolt and core, a key that is empty and not null).

use std::collections::HashMap;

use prost_types::Timestamp;

use super::alarm::{Emitter, OnuAlarm};
use super::layout::{Olt, Onu, Stack, uuid};
use super::state::State;
use crate::controllers::voltha::proto::common::{OperationResp, operation_resp::OperationReturnCode};
use crate::controllers::voltha::proto::event::{
    DeviceEvent, Event, EventHeader, KpiEvent2, MetricInformation, MetricMetaData, RpcEvent, event,
    event_category::Types as Category, event_sub_category::Types as Sub, event_type::Types as Kind,
};

/// One event of one stack, not yet encoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Emitted {
    /// Index of the stack.
    pub(crate) stack: usize,
    /// When, µs since 1970.
    pub(crate) at: i64,
    /// Kafka key.
    pub(crate) key: String,
    /// The event.
    pub(crate) event: Event,
}

/// Keys and values of an event's context.
pub(crate) type Context = Vec<(&'static str, String)>;

fn header(name: &str, category: Category, sub: Sub, kind: Kind, at: i64) -> EventHeader {
    // The library cuts the last two words off the name, meant for `_RAISE_EVENT`, whatever they are.
    let mut words: Vec<&str> = name.split('_').collect();
    words.truncate(words.len().saturating_sub(2));
    let nanos = at * 1_000 + 366;
    let (seconds, rest) = (at.div_euclid(1_000_000), at.rem_euclid(1_000_000));
    EventHeader {
        id: format!("Voltha.openolt.{}.{nanos}", words.join("_")),
        category: category.into(),
        sub_category: sub.into(),
        r#type: kind.into(),
        type_version: "0.1".into(),
        raised_ts: Some(Timestamp { seconds, nanos: 0 }),
        reported_ts: Some(Timestamp { seconds, nanos: (rest * 1_000) as i32 + 812 }),
    }
}

/// What a device event says beside its header.
pub(crate) struct Said<'a> {
    pub(crate) name: String,
    pub(crate) category: Category,
    pub(crate) sub: Sub,
    pub(crate) resource: u128,
    pub(crate) description: &'a str,
    pub(crate) context: Context,
}

fn device(said: Said<'_>, at: i64) -> Event {
    Event {
        header: Some(header(&said.name, said.category, said.sub, Kind::DeviceEvent, at)),
        event_type: Some(event::EventType::DeviceEvent(DeviceEvent {
            resource_id: uuid(said.resource),
            device_event_name: said.name,
            description: said.description.to_owned(),
            context: said.context.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        })),
    }
}

const fn suffix(raise: bool) -> &'static str {
    if raise { "RAISE_EVENT" } else { "CLEAR_EVENT" }
}

fn openolt_context(stack: &Stack, at: usize, onu: &Onu) -> Context {
    vec![
        ("intf-id", onu.pon.to_string()),
        ("onu-id", onu.number.to_string()),
        ("serial-number", stack.serial(at)),
        ("onu-device-id", uuid(onu.id)),
        ("port-label", format!("pon-{}", onu.pon)),
    ]
}

/// RAISE or CLEAR of an ONU's alarm: key and event.
pub(crate) fn onu_alarm(stack: &Stack, at: usize, alarm: OnuAlarm, raise: bool, when: i64) -> Option<(String, Event)> {
    let onu = stack.onus.get(at)?;
    let olt = stack.olts.get(usize::from(onu.olt))?;
    let spec = alarm.spec();
    let name = format!("{}_{}", spec.base, suffix(raise));
    let said = |resource, description, context| Said {
        name,
        category: spec.category,
        sub: spec.sub,
        resource,
        description,
        context,
    };
    Some(match spec.emitter {
        Emitter::OpenOlt => {
            let mut context = openolt_context(stack, at, onu);
            context.extend(spec.extra.iter().map(|key| (*key, "0".to_owned())));
            (uuid(onu.id), device(said(olt.id, "", context), when))
        }
        Emitter::OpenOnu { text, .. } => {
            let done = if raise { "Raised" } else { "Cleared" };
            let description = format!("{text} Event - {} - {done}", spec.base);
            let context = vec![
                ("onu-intf-id", Stack::uni_port(onu).to_string()),
                ("onu-id", uuid(onu.id)),
                ("onu-serial-number", stack.serial(at)),
            ];
            (String::new(), device(said(onu.id, &description, context), when))
        }
    })
}

/// `ONU_DISCOVERY`: sent when the device is created, not when it returns.
pub(crate) fn discovery(stack: &Stack, at: usize, when: i64) -> Option<(String, Event)> {
    let onu = stack.onus.get(at)?;
    let mut context = openolt_context(stack, at, onu);
    context.push(("pon-technology", "XGS-PON".into()));
    let said = Said {
        name: "ONU_DISCOVERY_RAISE_EVENT".into(),
        category: Category::Equipment,
        sub: Sub::Pon,
        resource: stack.olts.get(usize::from(onu.olt))?.id,
        description: "",
        context,
    };
    Some((uuid(onu.id), device(said, when)))
}

/// `ONU_ACTIVATED`: a notice, no alarm.
pub(crate) fn activated(stack: &Stack, at: usize, when: i64) -> Option<(String, Event)> {
    let onu = stack.onus.get(at)?;
    let olt = stack.olts.get(usize::from(onu.olt))?;
    let id = uuid(onu.id);
    let context = vec![
        ("pon-id", onu.pon.to_string()),
        ("onu-id", onu.number.to_string()),
        ("serial-number", stack.serial(at)),
        ("olt-serial-number", olt.serial.clone()),
        ("device-id", id.clone()),
        ("registration-id", id.clone()),
        ("num-of-unis", "1".into()),
        ("vendor-id", stack.vendor(at).into()),
        ("model", MODEL.into()),
        ("equipment-id", "12345123451234512345".into()),
        ("software-version", SOFTWARE[0].into()),
        ("inactive-software-version", SOFTWARE[1].into()),
    ];
    let said = Said {
        name: "ONU_ACTIVATED_RAISE_EVENT".into(),
        category: Category::Equipment,
        sub: Sub::Pon,
        resource: onu.id,
        description: "ONU Event - ONU_ACTIVATED - Raised",
        context,
    };
    Some((id, device(said, when)))
}

/// Model of every ONU.
pub(crate) const MODEL: &str = "XGS-1001";
/// Active and standby software of every ONU.
pub(crate) const SOFTWARE: [&str; 2] = ["R3.2.14", "R3.1.9"];
/// Maker and model of every OLT.
pub(crate) const OLT_KIND: [&str; 2] = ["Edgecore", "ASXvOLT16"];

/// An OMCI failure notice of the ONU adapter; no CLEAR ever follows.
pub(crate) fn omci_failure(stack: &Stack, at: usize, when: i64) -> Option<(String, Event)> {
    let onu = stack.onus.get(at)?;
    let said = Said {
        name: "ONU_OMCI_COMMUNICATION_FAILURE_CONFIG".into(),
        category: Category::Communication,
        sub: Sub::Onu,
        resource: onu.id,
        description: "OMCI communication during ONU configuration failed",
        context: vec![
            ("intf-id", onu.pon.to_string()),
            ("onu-id", onu.number.to_string()),
            ("onu-serial-number", stack.serial(at)),
        ],
    };
    Some((String::new(), device(said, when)))
}

/// What a state event says of the device.
pub(crate) struct Subject {
    pub(crate) id: u128,
    pub(crate) parent: String,
    pub(crate) serial: String,
    pub(crate) root: bool,
    pub(crate) port: u32,
}

/// `DEVICE_STATE_CHANGE`: the core's live feed.
pub(crate) fn state_change(subject: &Subject, from: State, to: State, when: i64) -> Event {
    let ([admin, oper, connect], [was_admin, was_oper, was_connect]) = (to.names(), from.names());
    let context = vec![
        ("serial-number", subject.serial.clone()),
        ("id", uuid(subject.id)),
        ("parent-id", subject.parent.clone()),
        ("prev-oper-state", was_oper.into()),
        ("prev-connect-state", was_connect.into()),
        ("prev-admin-state", was_admin.into()),
        ("oper-state", oper.into()),
        ("connect-state", connect.into()),
        ("admin-state", admin.into()),
        ("is-root", subject.root.to_string()),
        ("parent-port", subject.port.to_string()),
    ];
    let said = Said {
        name: "DEVICE_STATE_CHANGE_RAISE_EVENT".into(),
        category: Category::Equipment,
        sub: if subject.root { Sub::Olt } else { Sub::Onu },
        resource: subject.id,
        description: "",
        context,
    };
    device(said, when)
}

/// `OLT_DELETED` or `ONU_DELETED`.
pub(crate) fn deleted(name: &str, sub: Sub, id: u128, context: Context, when: i64) -> Event {
    let category = Category::Equipment;
    device(Said { name: format!("{name}_RAISE_EVENT"), category, sub, resource: id, description: "", context }, when)
}

/// An alarm of an OLT with its own context.
pub(crate) fn olt_alarm(olt: &Olt, base: &str, sub: Sub, raise: bool, context: Context, when: i64) -> Event {
    let said = Said {
        name: format!("{base}_{}", suffix(raise)),
        category: Category::Communication,
        sub,
        resource: olt.id,
        description: "",
        context,
    };
    device(said, when)
}

/// A failed northbound call.
pub(crate) fn rpc_failure(rpc: &str, resource: String, description: &str, context: Context, when: i64) -> Event {
    Event {
        header: Some(header("RPC_ERROR_RAISE_EVENT", Category::Communication, Sub::None, Kind::RpcEvent, when)),
        event_type: Some(event::EventType::RpcEvent(RpcEvent {
            rpc: rpc.to_owned(),
            operation_id: format!("{:016x}", when.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            service: "noctule-sim".into(),
            stack_id: "voltha".into(),
            resource_id: resource,
            description: description.to_owned(),
            context: context.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            status: Some(OperationResp {
                code: OperationReturnCode::OperationFailure.into(),
                additional_info: String::new(),
            }),
        })),
    }
}

/// What a measurement is about.
pub(crate) struct Measured {
    pub(crate) title: &'static str,
    pub(crate) sub: Sub,
    pub(crate) device: u128,
    pub(crate) serial: String,
    pub(crate) context: Context,
}

/// A KPI event with one slice a set of metrics: key (seconds) and event.
pub(crate) fn kpi(of: &Measured, slices: &[&[(&str, f32)]], when: i64) -> (String, Event) {
    let ts = when.div_euclid(1_000_000);
    let id = uuid(of.device);
    let slice_data = slices
        .iter()
        .map(|metrics| MetricInformation {
            metadata: Some(MetricMetaData {
                title: of.title.to_owned(),
                ts: ts as f64,
                // The ONU adapter writes the device's own id here.
                logical_device_id: if of.serial.is_empty() { String::new() } else { id.clone() },
                serial_no: of.serial.clone(),
                device_id: id.clone(),
                context: of.context.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
                uuid: String::new(),
            }),
            metrics: metrics.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect::<HashMap<_, _>>(),
        })
        .collect();
    let event = Event {
        header: Some(header("STATS_PUBLISH_EVENT", Category::Equipment, of.sub, Kind::KpiEvent2, when)),
        event_type: Some(event::EventType::KpiEvent2(KpiEvent2 { r#type: 0, ts: ts as f64, slice_data })),
    };
    (ts.to_string(), event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_id_as_the_library_cuts_them() {
        let id = |name| header(name, Category::Equipment, Sub::Onu, Kind::DeviceEvent, 1_000_000).id;
        assert!(id("ONU_OMCI_COMMUNICATION_FAILURE_CONFIG").starts_with("Voltha.openolt.ONU_OMCI_COMMUNICATION."));
        assert!(id("STATS_PUBLISH_EVENT").starts_with("Voltha.openolt.STATS."));
        assert!(id("ONU_LOSS_OF_SIGNAL_RAISE_EVENT").starts_with("Voltha.openolt.ONU_LOSS_OF_SIGNAL."));
    }

    #[test]
    fn raised_times_are_whole_seconds() {
        let h = header("A_B_RAISE_EVENT", Category::Equipment, Sub::Onu, Kind::DeviceEvent, 1_500_000);
        assert_eq!(h.raised_ts, Some(Timestamp { seconds: 1, nanos: 0 }));
        assert_eq!(h.reported_ts.unwrap().nanos, 500_000_812);
    }
}
