//! The plan of a command: what a person sees before it runs, and `noctule run --dry-run` prints.
//!
//! Counts, the first names, who loses service, the equivalent calls, and what cannot be undone.
//! The consequences named here were measured on a real stack (facts: voltha-run §6, voltha-api §1.1).

pub mod jobs;

use std::collections::BTreeMap;

use crate::model::action::Verb;
use crate::model::command::Plan;
use crate::model::resource::NodeKind;
use crate::model::text;
use crate::model::time::{Ts, brief_duration};
use crate::model::topology::NodeRow;

use super::cpe_verb::CpeVerb;
use super::pm::PmSet;
use super::targets::{AlarmTargets, CpeTargets, NodeTargets, SourceTargets, Tally};
use super::verb::{DeviceVerb, SourceVerb, alarm_words};
use crate::model::text::counted;

/// How many equivalent calls a plan lists.
const CALLS: usize = 10;

/// What hangs below the targets and loses service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Below {
    /// ONUs.
    pub onus: u64,
    /// Subscribers, from the inventory.
    pub subscribers: u64,
}

/// The plan of an action on alarms.
#[must_use]
pub fn of_alarms(verb: &Verb, targets: &AlarmTargets, now: Ts) -> Plan {
    let (head, _) = alarm_words(verb);
    let mut plan = base(&targets.tally);
    plan.title = title(head, &targets.tally, "alarm", "alarms");
    plan.notes = alarm_notes(verb, targets, now);
    plan.phrase = targets.tally.total.to_string();
    plan
}

fn alarm_notes(verb: &Verb, targets: &AlarmTargets, now: Ts) -> Vec<String> {
    let mut notes = Vec::new();
    match verb {
        Verb::Ack { until, .. } if until.is_set() => {
            notes.push(format!(
                "The acknowledgement ends after {} ({}).",
                brief_duration(until.since(now)),
                until.to_rfc3339()
            ));
        }
        Verb::Ack { .. } => notes.push("A rise in severity takes the acknowledgement away again.".into()),
        Verb::Assign { owner } if owner.is_empty() => notes.push("Nobody will own it afterwards.".into()),
        Verb::Assign { owner } => notes.push(format!("New owner: {}.", text::clean(owner))),
        Verb::Shelve { until, reason } => {
            notes.push(format!("Hidden until {} ({}).", until.to_rfc3339(), brief_duration(until.since(now))));
            notes.push(format!("Reason: {}.", text::clean(reason)));
        }
        Verb::Close { .. } if targets.active > 0 => notes.push(format!(
            "{} still active: disputed at once, open again after the grace unless the source clears.",
            counted(targets.active, "is", "are")
        )),
        _ => {}
    }
    if targets.never_clear > 0 && matches!(verb, Verb::Close { .. } | Verb::Shelve { .. }) {
        notes.push(format!(
            "{} never cleared by the source: check by other means.",
            counted(targets.never_clear, "is", "are")
        ));
    }
    if targets.subscribers > 0 {
        notes
            .push(format!("{} behind the alarmed objects.", counted(targets.subscribers, "subscriber", "subscribers")));
    }
    notes.push("Can be undone.".into());
    notes
}

/// The plan of a call to controllers.
#[must_use]
pub fn of_devices(verb: &DeviceVerb, targets: &NodeTargets, below: Below) -> Plan {
    let mut plan = base(&targets.tally);
    let (one, many) = if verb.on_ports() { ("port", "ports") } else { ("device", "devices") };
    plan.title = title(verb.title(), &targets.tally, one, many);
    if verb.interrupts() {
        plan.onus = below.onus;
        plan.subscribers = below.subscribers;
    }
    plan.calls = targets.rows.iter().take(CALLS).map(|row| call(verb, row, targets)).collect();
    plan.type_name = targets.rows.iter().any(|row| verb.wants_name(row.kind()));
    plan.phrase = match targets.rows.as_slice() {
        [only] => phrase(only),
        rows => rows.len().to_string(),
    };
    consequences(verb, targets, &mut plan);
    plan
}

fn call(verb: &DeviceVerb, row: &NodeRow, targets: &NodeTargets) -> String {
    text::clean(&verb.call(row, targets.olt(row))).into_owned()
}

/// What has to be typed: the serial number, as it stands on the device.
fn phrase(row: &NodeRow) -> String {
    let serial = text::clean(&row.resource.name);
    if row.kind() == NodeKind::PonPort { format!("{serial}/pon/{}", row.resource.index) } else { serial.into_owned() }
}

fn consequences(verb: &DeviceVerb, targets: &NodeTargets, plan: &mut Plan) {
    let kinds = kinds(&targets.rows);
    let olts = kinds.get(&NodeKind::Olt).copied().unwrap_or(0);
    let onus = kinds.get(&NodeKind::Onu).copied().unwrap_or(0);
    let mut forever = |text: &str| plan.irreversible.push(text.to_owned());
    let mut note = |text: &str| plan.notes.push(text.to_owned());
    match verb {
        DeviceVerb::Reboot if olts > 0 => {
            forever("Every ONU behind the OLT is deleted and created again under a new device id.");
            forever("All flows of the OLT are dropped; the controller has to push them again.");
        }
        DeviceVerb::Reboot => {
            note("Each ONU is out of service until it has registered again, some ten seconds or more.");
        }
        DeviceVerb::Disable if olts > 0 => note("Disabling an OLT disables its ONUs too. Enabling brings both back."),
        DeviceVerb::Disable => note("The ONU is locked over OMCI; enabling brings it back."),
        DeviceVerb::Enable => {
            note("The answer comes before the work is done: watch the state go from activating to active.");
        }
        DeviceVerb::Delete => {
            if olts > 0 {
                forever(
                    "The OLT leaves the controller with its ONUs and flows; it has to be created and enabled anew.",
                );
            }
            if onus > 0 {
                forever("The ONU is discovered again after about 6 s under a new device id; its flows are gone.");
                note("The controller takes some 5 s to answer for each ONU.");
            }
        }
        DeviceVerb::ForceDelete => {
            forever(
                "The controller forgets the device without asking its adapter: what the device itself holds stays there.",
            );
            forever("Flows and reservations on the device are not taken back; it may have to be reset by hand.");
            if onus > 0 {
                note("A live ONU is discovered again under a new device id.");
            }
        }
        DeviceVerb::PortDisable => {
            if kinds.contains_key(&NodeKind::PonPort) {
                note("Every ONU on the port goes dark until it is switched on again.");
            }
            if kinds.contains_key(&NodeKind::Uni) {
                note("The subscriber's port carries nothing until it is switched on again; the ONU stays in service.");
            }
        }
        DeviceVerb::PortEnable if kinds.contains_key(&NodeKind::PonPort) => {
            note("The ONUs on the port register again one by one.");
        }
        DeviceVerb::PortEnable => {}
        DeviceVerb::PmConfig(change) => {
            note(&format!("{}.", change.words()));
            note("No service is touched. The device is asked for its configuration first; all else in it stays.");
            if olts > 0 && matches!(change.set, PmSet::Every(s) if s < 60) {
                note("Short periods cost the OLT and the event stream: a message per port each time.");
            }
        }
    }
    if targets.rows.len() > CALLS {
        note(&format!("And {} more calls of the same kind, four at a time.", targets.rows.len() - CALLS));
    }
}

fn kinds(rows: &[NodeRow]) -> BTreeMap<NodeKind, u64> {
    let mut out = BTreeMap::new();
    for row in rows {
        *out.entry(row.kind()).or_default() += 1;
    }
    out
}

/// Devices from which on their number has to be typed.
const MANY: u64 = 50;

/// The plan of something done to CPEs.
#[must_use]
pub fn of_cpes(verb: &CpeVerb, targets: &CpeTargets) -> Plan {
    let mut plan = base(&targets.tally);
    plan.title = title(verb.title(), &targets.tally, "CPE", "CPEs");
    plan.subscribers = if verb.interrupts() { targets.subscribers } else { 0 };
    plan.calls = targets.rows.iter().take(CALLS).map(|row| verb.call(row)).collect();
    plan.type_name = verb.typed() || targets.tally.total > MANY;
    plan.phrase = match targets.rows.as_slice() {
        [only] => text::clean(&only.serial).into_owned(),
        rows => rows.len().to_string(),
    };
    let (forever, notes) = verb.consequences();
    plan.irreversible = forever.iter().map(|t| (*t).to_owned()).collect();
    if let [only] = targets.rows.as_slice() {
        plan.notes.extend(verb.changes(only));
    }
    plan.notes.extend(notes.iter().map(|t| (*t).to_owned()));
    if targets.not_online > 0 && !matches!(verb, CpeVerb::Tag(_) | CpeVerb::Untag(_) | CpeVerb::Delete) {
        plan.notes.push(format!(
            "{} not online: what waits for them is done at their next inform.",
            counted(targets.not_online, "is", "are")
        ));
    }
    if targets.rows.len() > CALLS {
        plan.notes.push(format!("And {} more calls of the same kind, ten at a time.", targets.rows.len() - CALLS));
    }
    plan
}

/// The plan of a word to source workers.
#[must_use]
pub fn of_sources(verb: SourceVerb, targets: &SourceTargets) -> Plan {
    let mut plan = base(&targets.tally);
    plan.title = title(verb.words().0, &targets.tally, "source", "sources");
    plan.phrase = targets.tally.total.to_string();
    plan.notes.push(
        match verb {
            SourceVerb::Pause => "Nothing is polled or received until it is resumed; its rows stay, marked stale.",
            SourceVerb::Resume => "The stream goes on at the last journalled offset; a full comparison follows.",
            SourceVerb::ResetBreaker => "The next call is let through at once.",
            SourceVerb::Poll => "One full poll now, beside the regular ones.",
            SourceVerb::Test => "One connection and one call to each side; nothing is changed.",
        }
        .into(),
    );
    plan
}

pub(crate) fn base(tally: &Tally) -> Plan {
    Plan {
        total: tally.total,
        first: tally.first.clone(),
        skipped: tally.skipped.iter().map(|(reason, n)| (reason.clone(), *n)).collect(),
        ..Plan::default()
    }
}

pub(crate) fn title(head: &str, tally: &Tally, one: &str, many: &str) -> String {
    match tally.first.as_slice() {
        [only] if tally.total == 1 => format!("{head} {only}"),
        _ => format!("{head} {}", counted(tally.total, one, many)),
    }
}

/// The plan as lines of text, for a pipe or a screen reader.
#[must_use]
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut out = vec![plan.title.clone()];
    let shown = plan.first.len() as u64;
    if plan.total != 1 {
        out.extend(plan.first.iter().map(|name| format!("  {name}")));
        if plan.total > shown {
            out.push(format!("  … and {} more", crate::model::text::grouped(plan.total - shown)));
        }
    }
    for (reason, n) in &plan.skipped {
        out.push(format!("Skipped: {} ({reason})", crate::model::text::grouped(*n)));
    }
    if plan.onus > 0 || plan.subscribers > 0 {
        out.push(format!(
            "Out of service: {}, {}",
            counted(plan.onus, "ONU", "ONUs"),
            counted(plan.subscribers, "subscriber", "subscribers")
        ));
    }
    out.extend(plan.calls.iter().map(|c| format!("Call: {c}")));
    out.extend(plan.irreversible.iter().map(|t| format!("Cannot be undone: {t}")));
    out.extend(plan.notes.iter().map(|t| format!("Note: {t}")));
    out.extend(plan.diff.iter().cloned());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;
    use crate::workers::fixture::{NOW, alarm, olt, onu, pon};

    fn devices(verb: &DeviceVerb, rows: Vec<NodeRow>) -> Plan {
        let mut targets = NodeTargets::default();
        targets.add(verb, rows, |name| match name {
            "voltha-1/olt/OLT_0" => Some(olt("OLT_0")),
            "voltha-1/onu/BBSM00000001" => Some(onu("BBSM00000001")),
            _ => None,
        });
        of_devices(verb, &targets, Below { onus: 64, subscribers: 60 })
    }

    #[test]
    fn rebooting_an_olt_shows_its_blast_radius_and_asks_for_its_name() {
        let plan = devices(&DeviceVerb::Reboot, vec![olt("OLT_0")]);
        assert_eq!(plan.title, "Reboot OLT OLT_0");
        assert_eq!((plan.onus, plan.subscribers), (64, 60));
        assert_eq!((plan.phrase.as_str(), plan.type_name), ("OLT_0", true));
        assert!(plan.irreversible.iter().any(|t| t.contains("new device id")));
        assert_eq!(plan.calls, [r#"/voltha.VolthaService/RebootDevice {"id": "id-OLT_0"}"#]);
        let plan = devices(&DeviceVerb::Reboot, vec![onu("BBSM00000001")]);
        assert!(!plan.type_name && plan.irreversible.is_empty());
    }

    #[test]
    fn enabling_interrupts_nobody() {
        let mut off = olt("OLT_0");
        off.admin_state = crate::model::topology::AdminState::Disabled;
        let plan = devices(&DeviceVerb::Enable, vec![off]);
        assert_eq!((plan.onus, plan.subscribers), (0, 0));
    }

    #[test]
    fn several_targets_are_counted_and_the_rest_is_told() {
        let rows = (0..25).map(|i| onu(&format!("BBSM{i:08}"))).chain([pon("OLT_0", 1)]).collect();
        let plan = devices(&DeviceVerb::Delete, rows);
        assert_eq!((plan.total, plan.first.len(), plan.calls.len()), (25, 10, 10));
        assert_eq!(plan.skipped, [("not an OLT or ONU".to_owned(), 1)]);
        assert_eq!(plan.phrase, "25");
        let text = lines(&plan).join("\n");
        assert!(text.contains("Delete 25 devices") && text.contains("… and 15 more"), "{text}");
        assert!(text.contains("Out of service: 64 ONUs, 60 subscribers"), "{text}");
    }

    #[test]
    fn measuring_touches_no_service_and_its_call_says_what_changes() {
        let args = [("group", "PON_Optical"), ("set", "1m")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let change = crate::workers::pm::PmChange::parse(&args.into()).unwrap();
        let plan = devices(&DeviceVerb::PmConfig(change), vec![onu("BBSM00000001")]);
        assert_eq!((plan.onus, plan.type_name), (0, false));
        let body = r#"{"id": "id-BBSM00000001", "groups": [{"group_name": "PON_Optical", "group_freq": 60}]}"#;
        assert_eq!(plan.calls, [format!("/voltha.VolthaService/UpdateDevicePmConfigs {body}")]);
        assert!(plan.notes.iter().any(|n| n == "PON_Optical every 60 s."), "{:?}", plan.notes);
    }

    #[test]
    fn a_uni_is_called_by_the_switch_of_its_olt() {
        let resource = crate::model::resource::Resource::port(NodeKind::Uni, "BBSM00000001", 0);
        let uni = NodeRow {
            parent_name: "voltha-1/onu/BBSM00000001".into(),
            number: 256,
            ..crate::workers::fixture::node(resource, 9)
        };
        let plan = devices(&DeviceVerb::PortDisable, vec![uni]);
        assert_eq!(plan.title, "Switch off UNI 0 of ONU BBSM00000001");
        let switch = olt("OLT_0").logical_id;
        let body = format!(r#"{{"id": "{switch}", "port_id": "256"}}"#);
        assert_eq!(plan.calls, [format!("/voltha.VolthaService/DisableLogicalDevicePort {body}")]);
        assert!(plan.notes.iter().any(|n| n.contains("the ONU stays in service")), "{:?}", plan.notes);
    }

    #[test]
    fn the_port_of_an_olt_is_called_by_the_olts_id() {
        let plan = devices(&DeviceVerb::PortDisable, vec![pon("OLT_0", 1)]);
        assert_eq!(plan.title, "Switch off PON port 1 of OLT OLT_0");
        assert_eq!(plan.phrase, "OLT_0/pon/1");
        assert!(plan.calls[0].contains(r#""device_id": "id-OLT_0", "port_no": 536870913"#));
    }

    #[test]
    fn escapes_in_a_serial_number_do_not_reach_the_plan() {
        let plan = devices(&DeviceVerb::Reboot, vec![onu("X\u{1b}[31m")]);
        assert!(lines(&plan).iter().all(|l| !l.contains('\u{1b}')));
    }

    #[test]
    fn a_shelf_says_until_when_and_why() {
        let verb = Verb::Shelve { until: NOW.plus(2 * HOUR), reason: "planned works".into() };
        let mut targets = AlarmTargets::default();
        targets.add(&verb, &alarm("A"));
        targets.add(&verb, &alarm("B"));
        let plan = of_alarms(&verb, &targets, NOW);
        assert_eq!(plan.title, "Shelve 2 alarms");
        let text = lines(&plan).join("\n");
        assert!(text.contains("2h00m") && text.contains("planned works"), "{text}");
    }
}
