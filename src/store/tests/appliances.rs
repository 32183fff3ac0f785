//! Measurements: the newest state and the past in steps, whatever ends the process.

use std::sync::Arc;

use super::{T0, at, open, options, put};
use crate::model::appliance::state::{Contact, Loss, Verdict};
use crate::model::appliance::{ApplianceState, CollectorState, HistoryRequest, Point, Span};
use crate::model::command::Targets;
use crate::model::ids::RowId;
use crate::model::page::{Anchor, Data, DataRequest, PageRequest, Rows, Scope, Sort, Table};
use crate::model::query::Query;
use crate::store::{Reader, Store};

/// A poll of an appliance with two collectors.
fn state(seconds: i64, used: u64) -> ApplianceState {
    let collector = |name: &str, records: u64| CollectorState {
        name: name.to_owned(),
        records: Some(records),
        in_milli: Some(2_000),
        ..CollectorState::default()
    };
    ApplianceState {
        at: at(seconds),
        contact: Contact::Answering,
        answered: at(seconds),
        used_bytes: Some(used),
        limit_bytes: Some(1_000),
        fill_permille: Some(used),
        records: Some(used / 10),
        in_milli: Some(4_000),
        collectors: vec![collector("fluent-bit", used / 20), collector("goflow2", 7)],
        ..ApplianceState::default()
    }
}

/// Waits until what was measured is on disk: measurements have no tickets, records behind them do.
fn settled(store: &Store) {
    put(store, Vec::new());
}

fn history(reader: &mut Reader, collector: Option<&str>, span: Span, until: i64, points: u16) -> Vec<Point> {
    let request = HistoryRequest {
        source: "raven-1".to_owned(),
        collector: collector.map(str::to_owned),
        span,
        points,
        until: at(until),
    };
    match reader.data(&DataRequest::History(request)) {
        Ok(Data::History(points)) => points,
        other => panic!("{other:?}"),
    }
}

fn rows(reader: &mut Reader, table: Table, filter: Option<&str>, sort: Vec<Sort>) -> Rows {
    let filter = filter.map(|text| Arc::new(Query::parse(text, table).unwrap()));
    let request = PageRequest { sort, anchor: Anchor::Start, ..PageRequest::all(table, Scope::Open, filter, at(600)) };
    match reader.data(&DataRequest::Page(request)) {
        Ok(Data::Page(page)) => page.rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_newest_state_is_a_row_and_the_past_has_no_gaps_that_were_none() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    for n in 0..60 {
        store.measured("raven-1".into(), state(n * 5, 100 + n as u64));
    }
    store.measured("raven-2".into(), ApplianceState { verdict: Verdict::Critical, ..state(295, 900) });
    settled(&store);
    let mut reader = store.reader().unwrap();
    let Rows::Appliances(found) = rows(&mut reader, Table::Appliances, None, Vec::new()) else { panic!("no rows") };
    let names: Vec<&str> = found.iter().map(|r| &*r.source).collect();
    assert_eq!(names, ["raven-2", "raven-1"], "the worst verdict stands first");
    assert_eq!(found[1].state.fill_permille, Some(159));
    assert!(found[1].fill_hour.iter().any(Option::is_some));
    // What is not written yet of an open step is at most one step's writing pace.
    let past = history(&mut reader, None, Span::TenMinutes, 300, 60);
    assert_eq!(past.len(), 60);
    // Steps begin at whole ten seconds: the first one began before the first poll.
    let (before, during) = past.split_at(29);
    assert!(before.iter().all(|p| p.polls == 0 && p.bytes.is_none()), "nothing is made up before the first poll");
    let heard: u32 = during.iter().map(|p| p.polls).sum();
    assert!((56..=60).contains(&heard), "{heard}");
    assert!(during[..29].iter().all(|p| p.in_milli == Some(4_000)));
    let one = history(&mut reader, Some("fluent-bit"), Span::TenMinutes, 300, 60);
    assert_eq!((one[31].in_milli, one[31].limit), (Some(2_000), None));
    assert!(history(&mut reader, Some("nothing"), Span::TenMinutes, 300, 60).iter().all(|p| p.records.is_none()));
    store.close();
    let (store, _) = open(dir.path());
    let past = history(&mut store.reader().unwrap(), None, Span::TenMinutes, 300, 60);
    assert_eq!(past.iter().map(|p| p.polls).sum::<u32>(), 60, "closing writes the open steps");
}

#[test]
fn a_killed_process_loses_a_part_of_an_open_step_only_and_a_new_one_goes_on_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    for n in 0..100 {
        store.measured("raven-1".into(), state(n, 100));
    }
    settled(&store);
    // What a kill leaves: the files as they are now.
    let copy = tempfile::tempdir().unwrap();
    for name in ["noctule.db", "noctule.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let (after, _) = Store::open(&options(copy.path())).unwrap();
    for n in 100..200 {
        after.measured("raven-1".into(), state(n, 100));
    }
    settled(&after);
    after.close();
    let (after, _) = Store::open(&options(copy.path())).unwrap();
    let past = history(&mut after.reader().unwrap(), None, Span::TenMinutes, 200, 60);
    let heard: u32 = past.iter().map(|p| p.polls).sum();
    assert!((190..=200).contains(&heard), "{heard}");
    let day = history(&mut after.reader().unwrap(), None, Span::Day, 200, 720);
    assert!(day.iter().map(|p| p.polls).sum::<u32>() >= 170);
    let (known, _) = after.reader().unwrap().known_appliance("raven-1").unwrap().unwrap();
    assert_eq!(known.at, at(199));
    store.close();
}

#[test]
fn losses_count_once_and_silence_is_counted_as_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let loss = Loss { at: at(5), records: 1_000, ..Loss::default() };
    for n in 0..4 {
        let losses = if n >= 1 { vec![loss.clone()] } else { Vec::new() };
        store.measured("raven-1".into(), ApplianceState { losses, ..state(n * 5, 100) });
    }
    let silent = ApplianceState { at: at(20), contact: Contact::Silent, ..ApplianceState::default() };
    store.measured("raven-1".into(), silent);
    store.close();
    let (store, _) = open(dir.path());
    let past = history(&mut store.reader().unwrap(), None, Span::Day, 120, 720);
    let sum = |of: fn(&Point) -> u64| past.iter().map(of).sum::<u64>();
    assert_eq!((sum(|p| p.lost), sum(|p| p.polls.into()), sum(|p| p.answered.into())), (1_000, 5, 4));
}

#[test]
fn collectors_are_rows_that_filters_and_targets_find() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.measured("raven-1".into(), state(0, 100));
    store.measured("raven-2".into(), state(0, 200));
    settled(&store);
    let mut reader = store.reader().unwrap();
    let by_records = vec![Sort { field: "records", desc: true }];
    let Rows::Collectors(found) = rows(&mut reader, Table::Collectors, Some("name=fluent-bit"), by_records) else {
        panic!("no rows")
    };
    let names: Vec<&str> = found.iter().map(|r| r.canonical.as_str()).collect();
    assert_eq!(names, ["raven-2/collector/fluent-bit", "raven-1/collector/fluent-bit"]);
    let by_row = Targets::Rows(Table::Collectors, vec![found[0].id]);
    assert_eq!(reader.collectors(&by_row, 10).unwrap()[0].canonical, names[0]);
    let by_name = Targets::Names(Table::Collectors, vec![names[1].to_owned()]);
    assert_eq!(reader.collectors(&by_name, 10).unwrap().len(), 1);
    let appliance = Targets::Names(Table::Appliances, vec!["raven-1".to_owned()]);
    let id = reader.appliances(&appliance, 10).unwrap()[0].id;
    assert_ne!(id, RowId(0));
    let below = PageRequest { below: Some(id), ..PageRequest::all(Table::Collectors, Scope::Open, None, T0) };
    let Ok(Data::Page(page)) = reader.data(&DataRequest::Page(below)) else { panic!("no page") };
    assert_eq!(page.rows.len(), 2);
}
