//! What records mean, seen through the rows.

use super::*;
use crate::model::action::HOLD;
use crate::model::alarm::{OpState, Shown, Visibility};
use crate::model::log::{InventoryItem, InventoryLoad};
use crate::model::observation::GoneCause;
use crate::model::record::{Timer, TimerKind};
use crate::store::patch_hash;

fn store() -> (tempfile::TempDir, Store, Reader) {
    let dir = tempfile::tempdir().expect("dir");
    let (store, opened) = open(dir.path());
    assert!(opened.owner);
    let reader = store.reader().expect("reader");
    (dir, store, reader)
}

#[test]
fn an_alarm_lives() {
    let (_dir, store, mut reader) = store();
    put(&store, vec![clear(at(0), onu("A"), "pon.onu.los")]);
    assert!(alarms(&mut reader, Scope::All).is_empty(), "a lone clear is nothing");
    put(&store, vec![raise(at(1), onu("A"), "pon.onu.los", Severity::Major)]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.shown(), row.occurrences, row.dup_count), (Shown::Unack, 1, 0));
    assert_eq!(row.canonical, "v1/onu/A");
    put(&store, vec![raise(at(2), onu("A"), "pon.onu.los", Severity::Major)]);
    assert_eq!(only_alarm(&mut reader).dup_count, 1);
    let key = row.key;
    put(&store, vec![act(1, at(3), key, Verb::Ack { text: "on it".to_owned(), until: Ts::NEVER })]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.shown(), row.op_user.as_str(), row.op_text.as_str()), (Shown::Acked, "anna", "on it"));
    put(&store, vec![raise(at(4), onu("A"), "pon.onu.los", Severity::Critical)]);
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Unack, "a rise re-alarms");
    put(&store, vec![act(2, at(5), key, Verb::Ack { text: String::new(), until: Ts::NEVER })]);
    put(&store, vec![raise(at(6), onu("A"), "pon.onu.los", Severity::Minor)]);
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Acked, "a fall does not");
    put(&store, vec![clear(at(7), onu("A"), "pon.onu.los")]);
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Normal);
    put(&store, vec![raise(at(30), onu("A"), "pon.onu.los", Severity::Minor)]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.shown(), row.occurrences, row.received_at), (Shown::Acked, 2, at(1)), "same spell");
    put(&store, vec![clear(at(31), onu("A"), "pon.onu.los")]);
    put(&store, vec![raise(at(100), onu("A"), "pon.onu.los", Severity::Minor)]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.shown(), row.occurrences, row.received_at), (Shown::Unack, 3, at(100)), "a new spell");
    match reader.data(&DataRequest::Alarm(row.id)).expect("answers") {
        Data::Alarm(Some(detail)) => {
            assert_eq!(detail.history.len(), 7);
            assert_eq!(detail.op_history.len(), 2);
            assert_eq!(detail.raw.first().map(|r| r.event.as_str()), Some("PON.ONU.LOS"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn shelves_hide_and_end() {
    let (_dir, store, mut reader) = store();
    let key = key(&onu("A"), "pon.onu.los");
    put(&store, vec![raise(at(0), onu("A"), "pon.onu.los", Severity::Major)]);
    put(&store, vec![act(1, at(1), key, Verb::Ack { text: String::new(), until: Ts::NEVER })]);
    put(&store, vec![act(2, at(2), key, Verb::Shelve { until: at(100), reason: "works".to_owned() })]);
    assert!(alarms(&mut reader, Scope::Open).is_empty());
    assert_eq!(alarms(&mut reader, Scope::Hidden).len(), 1);
    assert_eq!(store.snapshots().borrow().counts.shelved, 1);
    assert!(reader.due(at(99)).expect("due").is_empty());
    let due = reader.due(at(100)).expect("due");
    assert_eq!(due, [Timer { at: at(100), key, what: TimerKind::ShelfExpired }]);
    put(&store, due.into_iter().map(Record::Timer).collect());
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Acked, "back to what it was");
    put(&store, vec![act(3, at(101), key, Verb::Shelve { until: at(500), reason: "again".to_owned() })]);
    put(
        &store,
        vec![clear(at(102), onu("A"), "pon.onu.los"), raise(at(103), onu("A"), "pon.onu.los", Severity::Major)],
    );
    put(&store, vec![act(4, at(104), key, Verb::Unshelve)]);
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Unack, "raised anew meanwhile");
    put(&store, vec![act(5, at(105), key, Verb::Shelve { until: Ts::NEVER, reason: "for ever".to_owned() })]);
    assert_eq!(only_alarm(&mut reader).visibility, Visibility::Visible, "a shelf without an end is refused");
}

#[test]
fn a_close_is_disputed() {
    let (_dir, store, mut reader) = store();
    let key = key(&onu("A"), "pon.onu.los");
    put(&store, vec![raise(at(0), onu("A"), "pon.onu.los", Severity::Major)]);
    put(&store, vec![act(1, at(1), key, Verb::Close { reason: "fixed".to_owned() })]);
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Disputed);
    assert!(reader.due(at(2)).expect("due").is_empty());
    assert_eq!(reader.next_due().expect("next"), Some(at(901)));
    let due = reader.due(at(901)).expect("due");
    put(&store, due.into_iter().map(Record::Timer).collect());
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Unack, "opens again");
    put(
        &store,
        vec![act(2, at(902), key, Verb::Close { reason: "fixed".to_owned() }), clear(at(903), onu("A"), "pon.onu.los")],
    );
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Normal, "the source agrees");
}

#[test]
fn undo_takes_back_what_still_stands() {
    let (_dir, store, mut reader) = store();
    let key = key(&onu("A"), "pon.onu.los");
    let undo = |n: u8, of: u8, when: Ts, within_hold: bool| {
        act(n, when, key, Verb::Undo { of: ActionId([of; 16]), within_hold })
    };
    put(&store, vec![raise(at(0), onu("A"), "pon.onu.los", Severity::Major)]);
    put(&store, vec![act(1, at(1), key, Verb::Ack { text: "first".to_owned(), until: Ts::NEVER })]);
    put(&store, vec![act(2, at(2), key, Verb::Assign { owner: "ben".to_owned() })]);
    put(&store, vec![undo(3, 1, at(3), true)]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.op_state, row.owner.as_str()), (OpState::None, "ben"), "only the acknowledgement");
    put(&store, vec![undo(4, 2, at(4), true)]);
    let row = only_alarm(&mut reader);
    assert_eq!(
        (row.owner.as_str(), row.op_user.as_str(), row.op_text.as_str()),
        ("", "", ""),
        "as if nothing had been"
    );
    put(&store, vec![act(5, at(10), key, Verb::Ack { text: "a".to_owned(), until: Ts::NEVER })]);
    put(&store, vec![act(6, at(11), key, Verb::Close { reason: "b".to_owned() })]);
    put(&store, vec![undo(7, 5, at(11).plus(2 * HOLD), false)]);
    assert_eq!(only_alarm(&mut reader).op_state, OpState::Closed, "the close stands on top of it");
    put(&store, vec![undo(8, 6, at(12).plus(2 * HOLD), false)]);
    let row = only_alarm(&mut reader);
    assert_eq!((row.op_state, row.op_text.as_str()), (OpState::None, "undid close"));
    let batch = reader.batch(ActionId([6; 16])).expect("batch");
    assert_eq!(batch.len(), 1);
    match reader.data(&DataRequest::Alarm(row.id)).expect("answers") {
        Data::Alarm(Some(detail)) => {
            let verbs: Vec<(&str, bool)> = detail.op_history.iter().map(|o| (o.verb.as_str(), o.withdrawn)).collect();
            let want =
                [("undo", false), ("undo", false), ("close", false), ("ack", false), ("assign", true), ("ack", true)];
            assert_eq!(verbs, want);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn acknowledgements_and_cleared_alarms_have_an_end() {
    let (_dir, store, mut reader) = store();
    let key = key(&onu("A"), "pon.onu.los");
    put(&store, vec![raise(at(0), onu("A"), "pon.onu.los", Severity::Major)]);
    put(&store, vec![act(1, at(1), key, Verb::Ack { text: String::new(), until: at(50) })]);
    let due = reader.due(at(60)).expect("due");
    put(&store, due.into_iter().map(Record::Timer).collect());
    assert_eq!(only_alarm(&mut reader).shown(), Shown::Unack);
    put(
        &store,
        vec![
            clear(at(70), onu("A"), "pon.onu.los"),
            act(2, at(71), key, Verb::Ack { text: String::new(), until: Ts::NEVER }),
        ],
    );
    let later = at(71).plus(DAY);
    assert_eq!(reader.next_due().expect("next"), Some(later));
    let due = reader.due(later).expect("due");
    assert_eq!(due, [Timer { at: later, key, what: TimerKind::Purge }]);
    put(&store, due.into_iter().map(Record::Timer).collect());
    assert!(alarms(&mut reader, Scope::All).is_empty());
    assert_eq!(reader.next_due().expect("next"), None);
}

#[test]
fn a_tree_grows_counts_and_shrinks() {
    let (_dir, store, mut reader) = store();
    put(
        &store,
        vec![
            node(at(0), onu_patch("B", pon("O", 1), 2, OperStatus::Active)),
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            node(at(0), onu_patch("C", pon("O", 2), 1, OperStatus::Discovered)),
            raise(at(1), onu("A"), "pon.onu.dying_gasp", Severity::Critical),
            raise(at(1), pon("O", 2), "pon.olt.los", Severity::Major),
        ],
    );
    let rows = nodes(tree(&mut reader, Unfolded { depth: 9, ..Unfolded::default() }, Anchor::Start, 50));
    let names: Vec<&str> = rows.iter().map(|r| r.canonical.as_str()).collect();
    let want = ["site/v1", "v1/olt/O", "v1/olt/O/pon/1", "v1/onu/A", "v1/onu/B", "v1/olt/O/pon/2", "v1/onu/C"];
    assert_eq!(names, want);
    let site = rows.first().expect("site");
    assert_eq!((site.onus, site.onus_active, site.children, site.alarms), (3, 2, 1, [0, 0, 0, 1, 1]));
    put(&store, vec![clear(at(2), pon("O", 2), "pon.olt.los")]);
    put(&store, vec![node(at(3), NodePatch { oper_status: Some(OperStatus::Discovered), ..NodePatch::new(onu("A")) })]);
    assert_eq!(find(&mut reader, "site/v1").map(|n| (n.onus_active, n.alarms)), Some((1, [0, 0, 0, 0, 1])));
    assert_eq!(reader.known_nodes("v1").expect("known").iter().filter(|k| k.patch_hash == 0).count(), 4);
    put(&store, vec![node(at(4), onu_patch("A", pon("O", 1), 1, OperStatus::Active))]);
    assert_eq!(find(&mut reader, "site/v1").map(|n| n.alarms), Some([0; 5]), "the gasp ends with the return");
    let row = alarms(&mut reader, Scope::All).into_iter().find(|a| a.canonical == "v1/onu/A").expect("there");
    assert_eq!((row.clear_reason, row.location.as_str()), (ClearReason::Active, "v1 / O / PON 1"));
    put(
        &store,
        vec![
            raise(at(5), onu("B"), "pon.onu.los", Severity::Major),
            observed("v1", at(6), Observation::NodeGone(pon("O", 1), GoneCause::Deleted)),
        ],
    );
    assert_eq!(find(&mut reader, "v1/onu/B"), None);
    let site = find(&mut reader, "site/v1").expect("site");
    assert_eq!((site.onus, site.onus_active, site.alarms), (1, 0, [0; 5]));
    put(&store, vec![observed("v1", at(7), Observation::NodeGone(olt("O"), GoneCause::Deleted))]);
    assert!(nodes(tree(&mut reader, Unfolded::default(), Anchor::Start, 50)).is_empty(), "an empty site goes too");
}

#[test]
fn a_port_that_is_back_clears_the_onus_it_took_down() {
    let (_dir, store, mut reader) = store();
    put(
        &store,
        vec![
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            node(at(0), onu_patch("B", pon("O", 1), 2, OperStatus::Discovered)),
            node(at(0), onu_patch("C", pon("O", 1), 3, OperStatus::Active)),
            raise(at(1), onu("C"), "pon.onu.los", Severity::Major),
            raise(at(100), onu("A"), "pon.onu.los", Severity::Major),
            raise(at(100), onu("B"), "pon.onu.los", Severity::Major),
            raise(at(100), pon("O", 1), "pon.olt.los", Severity::Critical),
            clear(at(160), pon("O", 1), "pon.olt.los"),
        ],
    );
    let mut active: Vec<String> =
        alarms(&mut reader, Scope::All).into_iter().filter(|a| !a.cleared).map(|a| a.canonical).collect();
    active.sort();
    assert_eq!(active, ["v1/onu/B", "v1/onu/C"], "B is not in service, C was dark before");
    let cleared = alarms(&mut reader, Scope::All).into_iter().find(|a| a.canonical == "v1/onu/A").expect("there");
    assert_eq!(cleared.clear_reason, ClearReason::Parent);
}

/// The same record, of an event that happened earlier.
fn late(record: Record, happened: Ts) -> Record {
    match record {
        Record::Observed(mut observed) => {
            if let Observation::Alarm(event) = &mut observed.what {
                event.source_time = happened;
            }
            Record::Observed(observed)
        }
        other => other,
    }
}

#[test]
fn a_backlog_is_cleared_when_it_was_cleared() {
    let (_dir, store, mut reader) = store();
    // Everything below is read at once, hours later.
    let (read, then) = (at(10_000), |s| Some(at(s)));
    let back = |oper, s| NodePatch { oper_status: Some(oper), source_time: then(s), ..NodePatch::new(onu("B")) };
    put(
        &store,
        vec![
            node(read, onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            node(read, onu_patch("B", pon("O", 1), 2, OperStatus::Active)),
            late(raise(read, onu("A"), "pon.onu.los", Severity::Major), at(100)),
            late(raise(read, pon("O", 1), "pon.olt.los", Severity::Critical), at(100)),
            late(clear(read, pon("O", 1), "pon.olt.los"), at(160)),
            late(raise(read, onu("B"), "pon.onu.dying_gasp", Severity::Minor), at(200)),
            node(read, back(OperStatus::Discovered, 200)),
            node(read, back(OperStatus::Active, 260)),
        ],
    );
    let mut cleared: Vec<_> =
        alarms(&mut reader, Scope::All).into_iter().map(|a| (a.canonical, a.cleared_at)).collect();
    cleared.sort();
    let want = [("v1/olt/O/pon/1", at(160)), ("v1/onu/A", at(160)), ("v1/onu/B", at(260))];
    assert_eq!(cleared, want.map(|(name, at)| (name.to_owned(), at)));
}

#[test]
fn a_return_that_is_read_late_clears_nothing_raised_after_it() {
    let (_dir, store, mut reader) = store();
    let gasp = "pon.onu.dying_gasp";
    let back = |when, told| {
        let state = |oper, told| NodePatch { oper_status: Some(oper), source_time: told, ..NodePatch::new(onu("A")) };
        vec![node(when, state(OperStatus::Discovered, told)), node(when, state(OperStatus::Active, told))]
    };
    put(&store, vec![node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active))]);
    put(&store, vec![late(raise(at(5_000), onu("A"), gasp, Severity::Minor), at(4_999))]);
    put(&store, vec![act(1, at(5_001), key(&onu("A"), gasp), Verb::Ack { text: String::new(), until: Ts::NEVER })]);
    put(&store, back(at(5_002), Some(at(100))));
    assert!(!only_alarm(&mut reader).cleared, "it came after that return");
    // The raise, read once more, is a repeat: what the operator said stands.
    put(&store, vec![late(raise(at(5_003), onu("A"), gasp, Severity::Minor), at(4_999))]);
    assert_eq!(only_alarm(&mut reader).op_state, OpState::Ack);
    put(&store, back(at(5_100), None));
    let alarm = only_alarm(&mut reader);
    assert_eq!((alarm.cleared, alarm.clear_reason, alarm.cleared_at), (true, ClearReason::Active, at(5_100)));
}

#[test]
fn a_return_that_is_told_now_clears_whatever_the_clocks_say() {
    let (_dir, store, mut reader) = store();
    let state = |when, oper| node(when, NodePatch { oper_status: Some(oper), ..NodePatch::new(onu("A")) });
    put(
        &store,
        vec![
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            // A source an hour ahead of us.
            late(raise(at(1), onu("A"), "pon.onu.dying_gasp", Severity::Minor), at(3_601)),
            state(at(2), OperStatus::Discovered),
            state(at(60), OperStatus::Active),
        ],
    );
    assert!(only_alarm(&mut reader).cleared);
}

#[test]
fn a_port_that_is_read_late_clears_no_loss_of_an_onu_after_it() {
    let (_dir, store, mut reader) = store();
    let read = at(5_000);
    put(
        &store,
        vec![
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            late(raise(at(4_000), onu("A"), "pon.onu.los", Severity::Major), at(4_000)),
            late(raise(read, pon("O", 1), "pon.olt.los", Severity::Critical), at(100)),
            late(clear(read, pon("O", 1), "pon.olt.los"), at(160)),
        ],
    );
    let active: Vec<String> =
        alarms(&mut reader, Scope::All).into_iter().filter(|a| !a.cleared).map(|a| a.canonical).collect();
    assert_eq!(active, ["v1/onu/A"]);
}

#[test]
fn a_first_list_brings_nothing_back() {
    let (_dir, store, mut reader) = store();
    let uni = || Resource::port(NodeKind::Uni, "A", 0);
    let state =
        |oper| NodePatch { parent: Some(onu("A")), oper_status: Some(oper), polled: true, ..NodePatch::new(uni()) };
    put(
        &store,
        vec![
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            raise(at(1), uni(), "pon.onu.dying_gasp", Severity::Minor),
            node(at(2), state(OperStatus::Active)),
        ],
    );
    assert!(!only_alarm(&mut reader).cleared, "it stands: the list says nothing of a change");
    put(&store, vec![node(at(3), state(OperStatus::Unknown)), node(at(4), state(OperStatus::Active))]);
    assert_eq!(only_alarm(&mut reader).clear_reason, ClearReason::Active);
}

#[test]
fn a_uni_that_is_not_listed_yet_is_cleared_with_its_onu() {
    let (_dir, store, mut reader) = store();
    let state = |oper| NodePatch { oper_status: Some(oper), ..NodePatch::new(onu("A")) };
    put(
        &store,
        vec![
            raise(at(1), Resource::port(NodeKind::Uni, "A", 0), "pon.onu.dying_gasp", Severity::Minor),
            node(at(2), state(OperStatus::Discovered)),
            node(at(3), state(OperStatus::Active)),
        ],
    );
    assert_eq!(only_alarm(&mut reader).clear_reason, ClearReason::Active);
    assert!(only_alarm(&mut reader).cleared);
}

#[test]
fn measurements_leave_the_list_as_it_was_told() {
    let (_dir, store, mut reader) = store();
    let told = NodePatch { polled: true, ..onu_patch("A", pon("O", 1), 1, OperStatus::Active) };
    put(&store, vec![node(at(0), told.clone())]);
    let hash = |reader: &mut Reader| {
        let known = reader.known_nodes("v1").expect("known");
        known.into_iter().find(|k| k.canonical == "v1/onu/A").map(|k| k.patch_hash)
    };
    assert_eq!(hash(&mut reader), Some(patch_hash(&told)));
    let optics = NodePatch { rx_centi_dbm: Some(-1720), flows: Some(4), ..NodePatch::new(onu("A")) };
    put(&store, vec![node(at(1), optics)]);
    assert_eq!(hash(&mut reader), Some(patch_hash(&told)), "the next list says nothing new");
    let moved = NodePatch { oper_status: Some(OperStatus::Failed), ..NodePatch::new(onu("A")) };
    put(&store, vec![node(at(2), moved)]);
    assert_eq!(hash(&mut reader), Some(0));
}

#[test]
fn identity_is_the_serial_number() {
    let (_dir, store, mut reader) = store();
    put(&store, vec![node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active))]);
    let id = find(&mut reader, "v1/onu/A").expect("there").id;
    let device = |id: &str| Resource::new(NodeKind::Device, id);
    put(&store, vec![raise(at(1), device("uuid-A"), "pon.onu.los", Severity::Major)]);
    assert_eq!(only_alarm(&mut reader).canonical, "v1/onu/A", "an alias resolves");
    put(&store, vec![observed("v1", at(2), Observation::NodeGone(onu("A"), GoneCause::Deleted))]);
    let again =
        NodePatch { device_id: Some("uuid-new".to_owned()), ..onu_patch("A", pon("O", 1), 1, OperStatus::Active) };
    put(&store, vec![node(at(3), again)]);
    match reader.data(&DataRequest::Node(id)).expect("answers") {
        Data::Node(Some(detail)) => {
            assert_eq!(detail.former_ids, ["uuid-A"]);
            assert_eq!(detail.row.device_id, "uuid-new");
        }
        other => panic!("{other:?}"),
    }
}

/// An event about an ONU's id and state, told by the source at `told`.
fn told(when: Ts, told: Ts, serial: &str, id: &str, oper: OperStatus) -> Record {
    let patch = NodePatch {
        device_id: Some(id.to_owned()),
        source_time: Some(told),
        polled: false,
        ..onu_patch(serial, pon("O", 1), 1, oper)
    };
    node(when, patch)
}

fn former(reader: &mut Reader, canonical: &str) -> (String, Vec<String>) {
    match reader.data(&DataRequest::FindNode(canonical.to_owned())).expect("answers") {
        Data::Node(Some(detail)) => (detail.row.device_id, detail.former_ids),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_backlog_read_after_a_poll_takes_nothing_back() {
    let (_dir, store, mut reader) = store();
    let polled = NodePatch { device_id: Some("new".to_owned()), ..onu_patch("S", pon("O", 1), 1, OperStatus::Active) };
    put(
        &store,
        vec![
            node(at(7_200), polled),
            told(at(7_201), at(0), "S", "old", OperStatus::Discovered),
            told(at(7_201), at(3_600), "S", "new", OperStatus::Active),
        ],
    );
    assert_eq!(former(&mut reader, "v1/onu/S"), ("new".to_owned(), vec![]));
    assert_eq!(find(&mut reader, "v1/onu/S").expect("is there").oper_status, OperStatus::Active);
    // What is told now counts, also from a clock that is a little off.
    put(&store, vec![told(at(7_300), at(7_190), "S", "newer", OperStatus::Failed)]);
    assert_eq!(former(&mut reader, "v1/onu/S"), ("newer".to_owned(), vec!["new".to_owned()]));
    assert_eq!(find(&mut reader, "v1/onu/S").expect("is there").oper_status, OperStatus::Failed);
    // A backlog alone is followed in its own order.
    put(
        &store,
        vec![
            told(at(7_400), at(100), "T", "first", OperStatus::Discovered),
            told(at(7_400), at(2_000), "T", "second", OperStatus::Active),
        ],
    );
    assert_eq!(former(&mut reader, "v1/onu/T"), ("second".to_owned(), vec!["first".to_owned()]));
}

#[test]
fn the_present_device_id_is_never_a_former_one() {
    let (_dir, store, mut reader) = store();
    let id = |when, id: &str| {
        node(when, NodePatch { device_id: Some(id.to_owned()), ..onu_patch("S", pon("O", 1), 1, OperStatus::Active) })
    };
    put(&store, vec![id(at(0), "a"), id(at(1), "b"), id(at(2), "a"), id(at(3), "b"), id(at(4), "a")]);
    assert_eq!(former(&mut reader, "v1/onu/S"), ("a".to_owned(), vec!["b".to_owned()]));
}

#[test]
fn alarms_about_a_bare_device_id_end_with_the_device() {
    let (_dir, store, mut reader) = store();
    let bare = |id: &str| Resource::new(NodeKind::Device, id);
    let gone = |when, resource| observed("v1", when, Observation::NodeGone(resource, GoneCause::Deleted));
    put(
        &store,
        vec![
            raise(at(0), bare("uuid-S"), "pon.onu.los", Severity::Major),
            raise(at(0), bare("uuid-T"), "pon.onu.los", Severity::Major),
            raise(at(0), bare("uuid-U"), "pon.onu.los", Severity::Major),
            node(at(1), onu_patch("S", pon("O", 1), 1, OperStatus::Active)),
            gone(at(2), onu("S")),
            gone(at(3), bare("uuid-T")),
        ],
    );
    let mut ends: Vec<_> =
        alarms(&mut reader, Scope::All).into_iter().map(|a| (a.resource.name, a.cleared, a.clear_reason)).collect();
    ends.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(ends[0], ("uuid-S".to_owned(), true, ClearReason::Deleted));
    assert_eq!(ends[1], ("uuid-T".to_owned(), true, ClearReason::Deleted));
    assert!(!ends[2].1, "another device's alarm stays");
}

#[test]
fn the_inventory_names_places_and_counts() {
    let (_dir, store, mut reader) = store();
    let item = |serial: &str, site: &str, name: &str, subscribers: u32| InventoryItem {
        serial: serial.to_owned(),
        source: String::new(),
        site: site.to_owned(),
        name: name.to_owned(),
        subscribers,
    };
    let load = |when, items| Record::Inventory(InventoryLoad { at: when, file: "inventory.csv".to_owned(), items });
    put(
        &store,
        vec![
            node(at(0), onu_patch("A", pon("O", 1), 1, OperStatus::Active)),
            raise(at(1), onu("A"), "pon.onu.los", Severity::Major),
        ],
    );
    put(&store, vec![load(at(2), vec![item("O", "North", "Head end", 0), item("A", "", "Miller", 3)])]);
    let site = find(&mut reader, "site/North").expect("moved");
    assert_eq!((site.subscribers, site.onus, site.alarms), (3, 1, [0, 0, 0, 1, 0]));
    assert_eq!(find(&mut reader, "site/v1"), None);
    let row = only_alarm(&mut reader);
    assert_eq!((row.location.as_str(), row.name.as_str(), row.subscribers), ("North / Head end / PON 1", "Miller", 3));
    put(
        &store,
        vec![
            node(at(3), onu_patch("B", pon("O", 1), 1, OperStatus::Active)),
            load(at(4), vec![item("B", "", "Jones", 2)]),
        ],
    );
    let site = find(&mut reader, "site/v1").expect("back");
    assert_eq!((site.subscribers, site.onus), (2, 2));
    assert_eq!(only_alarm(&mut reader).location, "v1 / O / PON 1");
    assert_eq!(reader.blast(&[site.id]).expect("blast"), crate::store::Blast { onus: 2, subscribers: 2 });
    let uni = |n| NodePatch { parent: Some(onu("B")), ..NodePatch::new(Resource::port(NodeKind::Uni, "B", n)) };
    put(&store, vec![node(at(5), uni(0)), node(at(5), uni(1))]);
    let unis = [0, 1].map(|n| find(&mut reader, &format!("v1/onu/B/uni/{n}")).expect("listed").id);
    assert_eq!(reader.blast(&unis[..1]).expect("blast"), crate::store::Blast { onus: 0, subscribers: 2 });
    assert_eq!(reader.blast(&unis).expect("blast"), crate::store::Blast { onus: 0, subscribers: 2 }, "once");
}
