//! What a source's worker makes of a network that does what real ones were seen to do.

use std::time::Duration;

use noctule::app::message::Msg;
use noctule::model::command::{Intent, LiveRequest, Targets};
use noctule::model::observation::{ClearReason, Observation};
use noctule::model::resource::NodeKind;
use noctule::model::source::{Breaker, Health};
use noctule::model::topology::{AdminState, OperStatus};
use noctule::sim::SimOptions;

use crate::lab::{Lab, Memory, PATIENCE};

fn observed(memory: &Memory, which: impl Fn(&Observation) -> bool) -> usize {
    memory.journal().iter().filter(|o| which(&o.what)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_poll_brings_the_whole_tree_and_calls_nothing_rebuilt() {
    let mut lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.until("UNIs are there", |m| m.nodes(NodeKind::Uni).len() >= 64).await;
    assert_eq!(lab.memory.nodes(NodeKind::Onu).len(), 64);
    assert_eq!(lab.memory.nodes(NodeKind::Olt).len(), 2);
    assert!(!lab.memory.nodes(NodeKind::PonPort).is_empty() && !lab.memory.nodes(NodeKind::NniPort).is_empty());
    assert!(lab.memory.nodes(NodeKind::Onu).iter().all(|o| o.parent.is_some() && o.device_id.is_some()));
    let report = lab.memory.report();
    assert!(!report.version.is_empty() && report.stream.starts_with("1 partition"), "{report:?}");
    let resyncs = observed(&lab.memory, |o| matches!(o, Observation::Resync(r) if r.after_gap && r.added == 66));
    assert_eq!(resyncs, 1);
    // The first list of an empty cache is no rebuilt one.
    let told: Vec<_> = std::iter::from_fn(|| lab.msgs.try_recv().ok()).collect();
    assert!(!told.iter().any(|msg| matches!(msg, Msg::Rebuilt { .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_only_news_is_journalled() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.until("UNIs are there", |m| m.nodes(NodeKind::Uni).len() >= 64).await;
    lab.source().poll_now().await.expect("a poll");
    let (network, memory) = lab.stop().await;
    let nodes = |m: &Memory| observed(m, |o| matches!(o, Observation::Node(p) if p.polled));
    let (before, last) = (nodes(&memory), memory.journal().len());
    let lab = Lab::on(network, memory, |_| {});
    lab.until("it polls again", |m| {
        m.journal().iter().skip(last).any(|o| matches!(o.what, Observation::Resync(r) if r.added + r.removed == 0))
    })
    .await;
    lab.source().poll_now().await.expect("a poll");
    // Devices whose state came by event are told once more by the poll; nothing is new or gone.
    assert!(nodes(&lab.memory) - before <= 66, "{} patches again", nodes(&lab.memory) - before);
    let again = lab.memory.journal().iter().skip(last).filter_map(|o| o.origin).count();
    assert_eq!(again, 0, "the stream goes on behind the journalled offset");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fibre_cut_arrives_as_alarms_of_the_port_and_its_onus() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let onus = lab.control.onus_of(0, 0, 1).len();
    lab.control.cut_fibre(0, 0, 1);
    lab.until("the cut is seen", |m| m.standing("pon.port.los") == 1 && m.standing("pon.onu.los") == onus).await;
    let port = lab.memory.alarms().into_iter().find(|a| a.type_id == "pon.port.los").expect("one");
    assert_eq!((port.resource.kind, port.resource.index), (NodeKind::PonPort, 1));
    // Order is by offset: it never goes back within a partition.
    let offsets: Vec<_> = lab.memory.journal().iter().filter_map(|o| o.origin).map(|o| o.offset).collect();
    assert!(offsets.is_sorted(), "{offsets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_olt_reboot_changes_every_id_and_no_name() {
    let options = SimOptions { speed: 20.0, ..SimOptions::still() };
    let lab = Lab::start(options).await;
    lab.settled().await;
    let before = lab.memory.nodes(NodeKind::Onu);
    let olt = lab.control.olt_serial(0, 0).expect("an OLT");
    lab.control.reboot_olt(0, 0);
    lab.until("the ONUs of the OLT are back under new ids", |m| {
        let now = m.nodes(NodeKind::Onu);
        let of_olt = |p: &&noctule::model::topology::NodePatch| p.parent.as_ref().is_some_and(|p| p.name == olt);
        let old: Vec<_> = before.iter().filter(of_olt).collect();
        now.len() == 64
            && old.iter().all(|o| {
                now.iter().any(|n| {
                    n.resource == o.resource && n.device_id != o.device_id && n.oper_status == Some(OperStatus::Active)
                })
            })
    })
    .await;
    // Deletions that a poll outran mean the older incarnation: they take nothing away.
    assert!(observed(&lab.memory, |o| matches!(o, Observation::Notice(n) if n.event.starts_with("ONU_DELETED"))) >= 32);
    lab.source().poll_now().await.expect("a poll");
    lab.source().poll_now().await.expect("a poll");
    assert_eq!(lab.memory.nodes(NodeKind::Onu).len(), 64, "poll and stream agree");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_adapter_is_our_own_alarm() {
    let options = SimOptions { speed: 20.0, ..SimOptions::still() };
    let lab = Lab::start(options).await;
    lab.settled().await;
    lab.control.adapter(0, 0, false);
    let polls = async {
        loop {
            let _ = lab.source().poll_now().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let dead = lab.until("the death is seen", |m| m.standing("voltha.adapter.dead") == 1);
    tokio::select! { () = polls => {}, () = dead => {} }
    let devices = lab.memory.nodes(NodeKind::Onu);
    assert!(devices.iter().all(|d| d.oper_status == Some(OperStatus::Active)), "devices do not show it");
    lab.control.adapter(0, 0, true);
    let polls = async {
        loop {
            let _ = lab.source().poll_now().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let alive = lab.until("it is heard again", |m| m.standing("voltha.adapter.dead") == 0);
    tokio::select! { () = polls => {}, () = alive => {} }
    let last = lab.memory.alarms().into_iter().rfind(|a| a.type_id == "voltha.adapter.dead").expect("a clear");
    assert_eq!((last.raise, last.clear_reason), (None, ClearReason::Watch));
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_that_a_core_restart_loses_are_our_own_alarm() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let pushed = |m: &Memory| m.nodes(NodeKind::Onu).iter().any(|o| o.reason.as_deref() == Some("omci-flows-pushed"));
    lab.until("somebody has service", pushed).await;
    lab.until("flows are counted", |m| m.nodes(NodeKind::Olt).iter().any(|o| o.flows.is_some_and(|f| f > 0))).await;
    lab.control.core_restart(0, 8);
    // The count is looked at again after the loss of contact.
    lab.until("the loss is seen", |m| m.standing("voltha.drift") >= 1).await;
    lab.until("they are back", |m| m.standing("voltha.drift") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_opens_the_breaker_and_comes_back() {
    let lab = Lab::with(SimOptions::still(), |v| v.timeout_s = 1).await;
    lab.settled().await;
    let devices = lab.memory.nodes(NodeKind::Onu).len();
    lab.control.hang(0, true);
    lab.until("the breaker opens", |m| m.report().breaker == Breaker::Open).await;
    let report = lab.memory.report();
    assert!(report.last_error.contains("no answer in time") || report.last_error.contains("breaker"), "{report:?}");
    assert_eq!(lab.memory.nodes(NodeKind::Onu).len(), devices, "silence clears nothing");
    lab.control.hang(0, false);
    lab.source().reset_breaker().await.expect("reset");
    lab.until("it answers again", |m| {
        let report = m.report();
        report.breaker == Breaker::Closed && matches!(report.health, Health::Up | Health::Degraded)
    })
    .await;
    assert!(
        observed(&lab.memory, |o| matches!(o, Observation::Call(c) if c.status == "DEADLINE_EXCEEDED")) >= 1,
        "failures are logged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_any_answer_is_an_alarm_until_it_answers() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.control.grpc_down(0, true);
    lab.until("polling fails", |m| m.report().health == Health::Degraded).await;
    assert_eq!(lab.memory.standing("source.unreachable"), 0, "the stream still works");
    lab.control.kafka(0).expect("a broker").hang(true);
    lab.control.kafka(0).expect("a broker").drop_connections();
    lab.until("nothing works", |m| m.standing("source.unreachable") == 1 && m.report().health == Health::Down).await;
    lab.control.grpc_down(0, false);
    lab.control.kafka(0).expect("a broker").hang(false);
    lab.source().reset_breaker().await.expect("reset");
    lab.until("it is back", |m| m.standing("source.unreachable") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_kept_and_stepped_over() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.control.garbage(0).expect("an offset");
    lab.control.huge(0, 3).expect("an offset");
    lab.control.cut_fibre(0, 0, 0);
    lab.until("what follows is read", |m| m.standing("pon.port.los") == 1).await;
    let unreadable = observed(&lab.memory, |o| matches!(o, Observation::Unreadable(u) if u.head.len() <= 512));
    assert_eq!(unreadable, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_and_a_new_leader_lose_nothing() {
    let options = SimOptions { kafka_nodes: 3, partitions: 2, ..SimOptions::still() };
    let lab = Lab::start(options).await;
    lab.settled().await;
    lab.control.drop_connections(0);
    for partition in 0..2 {
        lab.control.move_leader(0, partition, 1);
        lab.control.move_leader(0, partition, 2);
    }
    let onus = lab.control.onus_of(0, 1, 0).len();
    lab.control.cut_fibre(0, 1, 0);
    lab.until("every alarm of the cut is there", |m| {
        m.standing("pon.port.los") == 1 && m.standing("pon.onu.los") == onus
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_the_broker_dropped_are_a_gap_and_a_resync() {
    let lab = Lab::start(SimOptions { keep: 20_000, ..SimOptions::still() }).await;
    lab.settled().await;
    lab.control.flap(0, 0, 1);
    lab.until("something was read", |m| m.journal().iter().any(|o| o.origin.is_some())).await;
    let (network, memory) = lab.stop().await;
    let control = network.control();
    let from = control.garbage(0).expect("an offset");
    control.storm(2000, 4);
    // A thousand messages are more than the broker keeps.
    let pushed_out = async {
        while control.garbage(0).is_none_or(|at| at < from + 1_000) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, pushed_out).await.expect("the storm goes on");
    let lab = Lab::on(network, memory, |_| {});
    lab.until("the gap is told", |m| {
        observed(m, |o| matches!(o, Observation::Notice(n) if n.event == "stream gap" && n.failure)) == 1
    })
    .await;
    lab.settled().await;
    gap_is_over(&lab).await;
}

/// The alarm of missed messages was raised, and ended with a full comparison after it.
async fn gap_is_over(lab: &Lab) {
    lab.until("everything was compared", |m| m.standing("source.stream_gap") == 0).await;
    let journal = lab.memory.journal();
    let turn = |raise: bool| {
        journal.iter().rposition(|o| {
            matches!(&o.what, Observation::Alarm(a) if a.type_id == "source.stream_gap" && a.raise.is_some() == raise)
        })
    };
    let (raised, cleared) = (turn(true).expect("raised"), turn(false).expect("cleared"));
    assert!(journal[raised..].iter().any(|o| matches!(o.what, Observation::Resync(r) if r.after_gap)));
    assert!(raised < cleared);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_is_a_gap_too() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.control.cut_fibre(0, 0, 0);
    lab.until("something was read", |m| m.standing("pon.port.los") == 1).await;
    let broker = lab.control.kafka(0).expect("a broker");
    assert!(broker.remove_topic("voltha.events") && broker.create_topic("voltha.events", 1));
    lab.until("it is told", |m| {
        m.alarms().iter().any(|a| a.type_id == "source.stream_gap" && a.text.contains("begins anew at offset 0"))
    })
    .await;
    gap_is_over(&lab).await;
    lab.control.cut_fibre(0, 0, 1);
    lab.until("what comes then is read", |m| m.standing("pon.port.los") == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn some_flows_that_vanish_are_an_alarm_until_they_are_back() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let served = |m: &Memory| m.nodes(NodeKind::Onu).iter().any(|o| o.reason.as_deref() == Some("omci-flows-pushed"));
    lab.until("somebody has service", served).await;
    lab.until("flows are counted", |m| m.nodes(NodeKind::Olt).iter().any(|o| o.flows.is_some_and(|f| f > 0))).await;
    let onus = lab.control.onus_of(0, 0, 0);
    let reason = |n: &usize| {
        let serial = lab.control.onu_serial(0, *n).expect("an ONU");
        lab.memory.row(&format!("voltha/onu/{serial}")).reason
    };
    let onu = onus.into_iter().find(|n| reason(n) == "omci-flows-pushed").expect("one with service");
    lab.control.flows(0, onu, false);
    lab.until("the loss is seen", |m| m.standing("voltha.flows.lost") == 1).await;
    lab.control.flows(0, onu, true);
    lab.until("they are back", |m| m.standing("voltha.flows.lost") == 0).await;
    assert_eq!(lab.memory.standing("voltha.drift"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_said_clearly_and_polling_works() {
    let lab = Lab::with(SimOptions::still(), |v| {
        v.kafka.as_mut().expect("a stream").topic = "no.such.topic".into();
    })
    .await;
    lab.until("it is said", |m| m.report().last_error.contains("no such topic")).await;
    lab.until("polling works", |m| m.report().health == Health::Degraded && m.nodes(NodeKind::Onu).len() == 64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_that_crashes_an_adapter_is_refused() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let node = |onu: usize| format!("voltha/onu/{}", lab.control.onu_serial(0, onu).expect("an ONU"));
    lab.control.flows(0, 0, false);
    let ask = |value: &str| LiveRequest::Value { node: node(0), value: value.into() };
    let wait = async {
        loop {
            match lab.source().live(ask("olt_stats")).await {
                Err(words) if words.contains("has no flows") => break words,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let words = tokio::time::timeout(PATIENCE, wait).await.expect("refused");
    assert!(words.contains("crash"), "{words}");
    let sections = lab.source().live(ask("optical")).await.expect("optics");
    assert!(sections.iter().any(|s| s.rows.iter().any(|r| r.first().is_some_and(|c| c == "rx_dbm"))), "{sections:?}");
    let error = lab.source().live(ask("nonsense")).await.expect_err("no such value");
    assert!(error.contains("omci_stats"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn details_hold_ports_flows_meters_and_images() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let onu = lab.memory.nodes(NodeKind::Onu).into_iter().find(|o| o.reason.as_deref() == Some("omci-flows-pushed"));
    let onu = onu.expect("somebody has service").resource.canonical("voltha");
    let sections = lab.source().live(LiveRequest::Detail(onu)).await.expect("details");
    let titles: Vec<_> = sections.iter().map(|s| s.title.as_str()).collect();
    assert_eq!(titles, ["Ports", "Flows", "Meters", "PM configuration", "Images"]);
    for title in ["Ports", "Flows", "Meters"] {
        let section = sections.iter().find(|s| s.title == title).expect("there");
        assert!(!section.rows.is_empty(), "{section:?}");
        assert!(section.rows.iter().all(|r| r.len() <= section.headers.len()), "{section:?}");
    }
}

fn wish(command: &'static str, args: &[(&str, &str)]) -> Intent {
    let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Intent { command, targets: Targets::None, args, actor: "anna".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_are_changed_and_a_subscribers_port_is_switched() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    lab.until("UNIs are there", |m| m.nodes(NodeKind::Uni).len() >= 64).await;
    let serial = lab.control.onu_serial(0, 3).expect("an ONU");
    let (onu, uni) = (format!("voltha/onu/{serial}"), format!("voltha/onu/{serial}/uni/0"));
    let groups = async || {
        let sections = lab.source().live(LiveRequest::Detail(onu.clone())).await.expect("details");
        let pm = sections.into_iter().find(|s| s.title == "PM configuration").expect("a section");
        pm.rows.into_iter().map(|row| row.into_iter().take(3).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(groups().await[..2], ["PON_Optical on 300", "UNI_Status on 300"]);
    for (group, set) in [("PON_Optical", "60s"), ("UNI_Status", "off")] {
        let wish = wish("pon.pm-config", &[("group", group), ("set", set)]);
        lab.source().command(&wish, lab.memory.row(&onu)).await.expect("changed");
    }
    assert_eq!(groups().await[..2], ["PON_Optical on 60", "UNI_Status off 300"], "and what was not meant stays");
    let nothing = wish("pon.pm-config", &[("group", "Nothing"), ("set", "off")]);
    let refused = lab.source().command(&nothing, lab.memory.row(&onu)).await.expect_err("no such group");
    assert!(refused.contains("there are: PON_Optical"), "{refused}");

    let olt = format!("voltha/olt/{}", lab.control.olt_serial(0, 0).expect("an OLT"));
    lab.source().command(&wish("pon.pm-config", &[("set", "90s")]), lab.memory.row(&olt)).await.expect("changed");
    let sections = lab.source().live(LiveRequest::Detail(olt)).await.expect("details");
    let find = |title: &str| sections.iter().find(|s| s.title == title).expect("a section");
    assert_eq!(find("PM configuration").note, "default every 90 s");
    let types: Vec<_> = find("Device types").rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(types, ["brcm_openomci_onu", "openolt"]);

    for (command, state) in [("pon.port-disable", AdminState::Disabled), ("pon.port-enable", AdminState::Enabled)] {
        lab.source().command(&wish(command, &[]), lab.memory.row(&uni)).await.expect("switched");
        lab.until("the tree shows it", |m| m.row(&uni).admin_state == state).await;
    }
    let onu_still = lab.memory.row(&onu);
    assert_eq!((onu_still.admin_state, onu_still.oper_status), (AdminState::Enabled, OperStatus::Active));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_device_and_are_logged() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let onu = format!("voltha/onu/{}", lab.control.onu_serial(0, 3).expect("an ONU"));
    lab.source().command(&wish("pon.disable", &[]), lab.memory.row(&onu)).await.expect("disabled");
    lab.until("the tree shows it", |m| m.row(&onu).admin_state == AdminState::Disabled).await;
    let again = lab.source().command(&wish("pon.disable", &[]), lab.memory.row(&onu)).await;
    let calls = observed(
        &lab.memory,
        |o| matches!(o, Observation::Call(c) if c.call == "DisableDevice" && c.actor == "anna" && c.target == onu),
    );
    assert_eq!(calls, 2, "{again:?}");
    let uni = lab.memory.nodes(NodeKind::NniPort).first().expect("an NNI").resource.canonical("voltha");
    let refused =
        lab.source().command(&wish("pon.port-disable", &[]), lab.memory.row(&uni)).await.expect_err("no PON port");
    assert!(refused.contains("PON ports and UNIs only"), "{refused}");
    let olt = lab.control.olt_serial(0, 0).expect("an OLT");
    let port = lab.memory.row(&format!("voltha/olt/{olt}/pon/0"));
    lab.source().command(&wish("pon.port-disable", &[]), port).await.expect("switched off");
    lab.until("the port is off", |m| m.row(&format!("voltha/olt/{olt}/pon/0")).admin_state == AdminState::Disabled)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_source_is_left_alone() {
    let lab = Lab::with(SimOptions::still(), |v| v.paused = true).await;
    lab.until("it says so", |m| m.report().health == Health::Paused).await;
    assert!(lab.source().poll_now().await.is_err());
    assert!(lab.memory.nodes(NodeKind::Onu).is_empty());
    lab.source().pause(false).await.expect("resumed");
    lab.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_that_our_slow_query_provokes_are_marked() {
    let lab = Lab::start(SimOptions::still()).await;
    lab.settled().await;
    let node = format!("voltha/onu/{}", lab.control.onu_serial(0, 5).expect("an ONU"));
    let asked = lab.source().clone();
    let query = tokio::spawn(async move { asked.live(LiveRequest::Value { node, value: "fec".into() }).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    lab.control.omci_failure(0, 5);
    lab.control.omci_failure(0, 6);
    lab.until("both are told", |m| m.standing("pon.onu.omci_config_failed") >= 2).await;
    let serial = lab.control.onu_serial(0, 5).expect("an ONU");
    for alarm in lab.memory.alarms().iter().filter(|a| a.event.starts_with("ONU_OMCI")) {
        assert_eq!(alarm.own_query, alarm.resource.name == serial, "{}", alarm.resource);
    }
    query.abort();
}
