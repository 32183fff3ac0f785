//! All recorded messages of `voltha.events`, decoded and mapped.

use std::collections::BTreeMap;

use base64::Engine;
use noctule::controllers::voltha::map::{Decoded, Directory, TypeIndex, message};
use noctule::model::alarm_type::{AlarmType, AlarmTypes};
use noctule::model::observation::{AlarmEvent, GoneCause, Observation};
use noctule::model::resource::NodeKind;
use noctule::model::severity::Severity;
use noctule::model::topology::{NodePatch, OperStatus};

/// The values of the recorded messages, in topic order.
pub(crate) fn recorded() -> Vec<Vec<u8>> {
    let text = include_str!("../fixtures/voltha/events.jsonl");
    text.lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            let value = line["value_b64"].as_str().expect("a value");
            base64::engine::general_purpose::STANDARD.decode(value).expect("base64")
        })
        .collect()
}

/// A small inventory.
pub(crate) fn types() -> TypeIndex {
    let entry = |severity, event: &str| AlarmType {
        severity,
        event_type: Default::default(),
        will_clear: true,
        title: format!("title of {event}"),
        probable_cause: String::new(),
        repair: String::new(),
        cleared_by_active: event == "ONU_DYING_GASP",
        events: vec![event.to_owned()],
        hold_down_s: 30,
    };
    let by_id = [
        ("pon.onu.los", entry(Severity::Critical, "ONU_LOSS_OF_SIGNAL")),
        ("pon.onu.dying-gasp", entry(Severity::Major, "ONU_DYING_GASP")),
        ("pon.port.los", entry(Severity::Critical, "OLT_LOSS_OF_SIGNAL")),
        ("pon.uni.los", entry(Severity::Warning, "ONU_ETHERNET_UNI")),
        ("pon.onu.omci-config", entry(Severity::Minor, "ONU_OMCI_COMMUNICATION_FAILURE_CONFIG")),
    ];
    TypeIndex::new(&AlarmTypes { by_id: by_id.into_iter().map(|(id, t)| (id.to_owned(), t)).collect() })
}

fn mapped() -> Vec<Decoded> {
    let (types, mut directory) = (types(), Directory::default());
    recorded().iter().map(|value| message(Some(value), &types, &mut directory)).collect()
}

fn alarms(all: &[Decoded]) -> impl Iterator<Item = &AlarmEvent> {
    all.iter().flat_map(|d| &d.what).filter_map(|o| match o {
        Observation::Alarm(a) => Some(a),
        _ => None,
    })
}

fn patches(all: &[Decoded]) -> impl Iterator<Item = &NodePatch> {
    all.iter().flat_map(|d| &d.what).filter_map(|o| match o {
        Observation::Node(p) => Some(p),
        _ => None,
    })
}

#[test]
fn every_recorded_message_is_understood() {
    let all = mapped();
    assert_eq!(all.len(), 682);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for decoded in &all {
        assert!(!decoded.what.is_empty());
        assert!(decoded.reported.is_set());
        for what in &decoded.what {
            let kind = match what {
                Observation::Alarm(a) if a.raise.is_some() => "raise",
                Observation::Alarm(_) => "clear",
                Observation::Notice(n) if n.failure => "failure",
                Observation::Notice(_) => "notice",
                Observation::Node(_) => "node",
                Observation::NodeGone(_, GoneCause::Deleted) => "deleted",
                Observation::NodeGone(..) => "replaced",
                Observation::Kpi(_) => "kpi",
                Observation::Skipped => "skipped",
                other => panic!("unexpected {other:?}"),
            };
            *counts.entry(kind).or_default() += 1;
        }
    }
    let counts: Vec<_> = counts.into_iter().collect();
    insta::assert_compact_debug_snapshot!(counts);
}

#[test]
fn raises_and_clears_by_type() {
    let all = mapped();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for alarm in alarms(&all) {
        let edge = if alarm.raise.is_some() { "raise" } else { "clear" };
        *counts.entry((alarm.type_id.as_str(), edge)).or_default() += 1;
    }
    let lines: Vec<_> = counts.into_iter().map(|((id, edge), n)| format!("{id} {edge} {n}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn identity_is_by_serial_number_for_every_onu() {
    let all = mapped();
    for resource in alarms(&all).map(|a| &a.resource).chain(patches(&all).map(|p| &p.resource)) {
        assert_ne!(resource.kind, NodeKind::Device, "{resource}: an id stayed an id");
        assert!(resource.name.starts_with("BBSM") || resource.name == "BBSIM_OLT_0", "{resource}");
    }
}

#[test]
fn a_reboot_of_the_olt_gives_every_onu_a_new_id_and_no_new_name() {
    let all = mapped();
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for patch in patches(&all).filter(|p| p.resource.kind == NodeKind::Onu) {
        let Some(id) = patch.device_id.as_deref() else { continue };
        let known = ids.entry(&patch.resource.name).or_default();
        if !known.contains(&id) {
            known.push(id);
        }
    }
    assert_eq!(ids.len(), 32, "32 ONUs, whatever happened to them");
    assert_eq!(ids.values().filter(|ids| ids.len() > 1).count(), 16, "re-created on record");
}

#[test]
fn a_pon_is_named_by_its_index_whoever_names_it() {
    let all = mapped();
    let los = |id: &str| alarms(&all).filter(|a| a.type_id == id).map(|a| a.resource.to_string()).collect::<Vec<_>>();
    // Twice the NNI, which is no PON and has its own type.
    assert_eq!(los("pon.nni.los"), ["olt/BBSIM_OLT_0/nni/0"; 2]);
    let los = los("pon.port.los");
    // Twice a PON (port-label carries the port's number).
    assert_eq!(los.len(), 2);
    assert_eq!(los.iter().filter(|r| *r == "olt/BBSIM_OLT_0/pon/2").count(), 2, "{los:?}");
    let parents: std::collections::BTreeSet<_> =
        patches(&all).filter_map(|p| p.parent.as_ref()).map(ToString::to_string).collect();
    let pons: Vec<_> = (0..4).map(|n| format!("olt/BBSIM_OLT_0/pon/{n}")).collect();
    assert!(parents.iter().all(|p| pons.contains(p)), "{parents:?}");
    assert_eq!(parents.len(), 4);
}

#[test]
fn onu_intf_id_of_a_uni_alarm_is_a_port_number() {
    let all = mapped();
    let unis: Vec<_> = alarms(&all).filter(|a| a.type_id == "pon.uni.los").collect();
    assert_eq!(unis.len(), 14);
    for alarm in unis {
        assert_eq!((alarm.resource.kind, alarm.resource.index), (NodeKind::Uni, 0), "{}", alarm.resource);
    }
}

#[test]
fn activation_is_a_notice_with_a_state_and_never_an_alarm() {
    let all = mapped();
    assert!(alarms(&all).all(|a| !a.event.contains("ACTIVATED") && !a.event.contains("DISCOVERY")));
    let activated: Vec<_> = patches(&all).filter(|p| p.firmware.is_some()).collect();
    assert_eq!(activated.len(), 51);
    for patch in activated {
        assert_eq!(patch.oper_status, Some(OperStatus::Active));
        assert_eq!(patch.firmware.as_deref(), Some("BBSM_IMG_00001"));
        assert!(patch.number.is_some() && patch.parent.is_some());
    }
}

#[test]
fn the_end_of_somebodys_change_stream_is_no_news() {
    let all = mapped();
    let failures: Vec<_> = all
        .iter()
        .flat_map(|d| &d.what)
        .filter_map(|o| match o {
            Observation::Notice(n) if n.failure => Some(n.event.as_str()),
            _ => None,
        })
        .collect();
    assert!(failures.contains(&"RPC UpdateLogicalDeviceFlowTable"));
    assert!(!failures.iter().any(|f| f.contains("ReceiveChangeEvents")), "{failures:?}");
}

#[test]
fn refused_flows_are_the_same_failure_by_their_cookie() {
    let all = mapped();
    let cookies: Vec<_> = all.iter().filter_map(|d| d.same_as.as_deref()).collect();
    assert_eq!(cookies.len(), 4);
    assert!(cookies.iter().all(|c| c.starts_with("UpdateLogicalDeviceFlowTable:")), "{cookies:?}");
}

#[test]
fn optics_reach_the_tree_as_the_device_tells_them() {
    let all = mapped();
    let optics: Vec<_> = patches(&all).filter(|p| p.rx_centi_dbm.is_some()).collect();
    assert_eq!(optics.len(), 8);
    let first = optics.first().expect("one");
    assert_eq!((first.rx_centi_dbm, first.tx_centi_dbm), (Some(740), Some(2190)));
}

#[test]
fn measurements_without_values_or_owner_say_nothing() {
    let (types, mut directory) = (types(), Directory::default());
    for value in recorded() {
        let decoded = message(Some(&value), &types, &mut directory);
        for what in decoded.what {
            let Observation::Kpi(sample) = what else { continue };
            assert!(!sample.metrics.is_empty());
            assert!(!matches!(sample.group.as_str(), "NNIStats" | "GEMStats" | "ONUStats"), "{}", sample.group);
            assert!(sample.source_time.is_set());
        }
    }
}

#[test]
fn a_deletion_tells_which_incarnation_is_gone() {
    let all = mapped();
    let gone: Vec<_> = all.iter().filter_map(|d| d.gone_id.as_deref()).collect();
    assert_eq!(gone.len(), 5);
    assert!(gone.iter().all(|id| id.len() == 36), "{gone:?}");
}
