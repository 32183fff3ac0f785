//! Windows, filters, the tree.

use std::sync::Arc;

use super::*;
use crate::model::command::Targets;
use crate::model::ids::{RowId, Seq};
use crate::model::observation::{CallRecord, Notice};
use crate::model::page::{Sort, Total};
use crate::model::query::Query;
use crate::model::source::{Health, SourceReport};
use crate::store::Error;

fn many(count: i64) -> (tempfile::TempDir, Store, Reader) {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    let records = (0..count)
        .map(|n| raise(at(n), onu(&format!("S{n:05}")), "pon.onu.los", Severity::from_rank((n % 5) as u8)))
        .collect();
    put(&store, records);
    let reader = store.reader().expect("reader");
    (dir, store, reader)
}

fn ids(page: &Page) -> Vec<RowId> {
    (0..page.rows.len()).filter_map(|i| page.rows.id(i)).collect()
}

/// Walks a list window by window, forwards and backwards, and compares with all of it.
fn walk(reader: &mut Reader, base: &PageRequest) -> Vec<RowId> {
    let all = ids(&page(reader, PageRequest { limit: u16::MAX, ..base.clone() }));
    for (start, sign) in [(Anchor::Start, 1_i32), (Anchor::End, -1)] {
        let mut seen: Vec<RowId> = Vec::new();
        let mut anchor = start;
        for _ in 0..1_000 {
            let window = page(reader, PageRequest { limit: 7, anchor, ..base.clone() });
            let rows = ids(&window);
            let (end, next) = if sign > 0 {
                (window.at_end, rows.last().map(|id| Anchor::Row { id: *id, before: 0 }))
            } else {
                (window.at_start, rows.first().map(|id| Anchor::Row { id: *id, before: 6 }))
            };
            let fresh: Vec<RowId> = rows.into_iter().filter(|id| !seen.contains(id)).collect();
            if sign > 0 {
                seen.extend(fresh);
            } else {
                seen.splice(0..0, fresh);
            }
            if end {
                break;
            }
            anchor = next.expect("a row");
        }
        assert_eq!(seen, all, "{base:?}");
    }
    all
}

#[test]
fn windows_tile_every_list() {
    let (_dir, store, mut reader) = many(60);
    let key = |n: i64| key(&onu(&format!("S{n:05}")), "pon.onu.los");
    put(
        &store,
        (0..10)
            .map(|n| act(n as u8, at(100), key(n), Verb::Shelve { until: at(9_999), reason: "r".to_owned() }))
            .collect(),
    );
    put(&store, (20..30).map(|n| clear(at(101), onu(&format!("S{n:05}")), "pon.onu.los")).collect());
    put(&store, (20..25).map(|n| act(n as u8, at(102), key(n), Verb::Close { reason: String::new() })).collect());
    let sort = |field, desc| vec![Sort { field, desc }];
    for scope in [Scope::Open, Scope::Hidden, Scope::All] {
        for sort in [
            vec![],
            sort("last_changed", true),
            sort("last_changed", false),
            sort("owner", false),
            sort("resource", true),
        ] {
            for filter in [None, Some("severity>=minor"), Some("S0000"), Some("not kind=onu")] {
                let filter = filter.map(|t| Arc::new(Query::parse(t, Table::Alarms).expect("parses")));
                let all =
                    walk(&mut reader, &PageRequest { sort: sort.clone(), filter, ..request(Table::Alarms, scope) });
                assert!(all.len() <= 60);
            }
        }
    }
    let open = page(&mut reader, PageRequest { limit: 5, ..request(Table::Alarms, Scope::Open) });
    assert_eq!((open.total, open.first), (Total::Exact(45), Some(0)));
    let first = match &open.rows {
        Rows::Alarms(rows) => (rows[0].severity, rows[0].raised_at),
        other => panic!("{other:?}"),
    };
    assert_eq!(first, (Severity::Critical, at(59)));
    let jump =
        page(&mut reader, PageRequest { limit: 5, anchor: Anchor::Offset(40), ..request(Table::Alarms, Scope::Open) });
    assert!(jump.at_end && !jump.at_start);
    let all: Vec<RowId> = ids(&page(&mut reader, request(Table::Alarms, Scope::Open)));
    assert_eq!(ids(&jump), all[40..]);
}

#[test]
fn within_a_severity_what_is_active_stands_first() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    let up = |n: i64, serial, severity| raise(at(n), onu(serial), "pon.onu.los", severity);
    put(
        &store,
        vec![
            up(1, "old", Severity::Major),
            up(2, "returned", Severity::Major),
            up(3, "young", Severity::Major),
            up(4, "warning", Severity::Warning),
            up(5, "gone", Severity::Critical),
            clear(at(6), onu("returned"), "pon.onu.los"),
            clear(at(7), onu("gone"), "pon.onu.los"),
        ],
    );
    let mut reader = store.reader().expect("reader");
    let shown: Vec<String> = alarms(&mut reader, Scope::Open).into_iter().map(|a| a.resource.name).collect();
    assert_eq!(shown, ["gone", "young", "old", "returned", "warning"]);
    walk(&mut reader, &request(Table::Alarms, Scope::Open));
    walk(&mut reader, &request(Table::Alarms, Scope::All));
}

#[test]
fn the_cursor_stays_and_news_are_counted() {
    let (_dir, store, mut reader) = many(40);
    let all = ids(&page(&mut reader, request(Table::Alarms, Scope::Open)));
    let since = store.journal().last();
    put(&store, (100..112).map(|n| raise(at(n), onu(&format!("N{n}")), "pon.onu.los", Severity::Critical)).collect());
    let anchor = Anchor::Row { id: all[20], before: 3 };
    let window = page(
        &mut reader,
        PageRequest { limit: 8, anchor, new_since: Some(since), ..request(Table::Alarms, Scope::Open) },
    );
    assert_eq!(ids(&window), all[17..25]);
    assert_eq!(window.new_above, 12);
    put(
        &store,
        vec![
            clear(at(200), onu("S00000"), "pon.onu.los"),
            act(9, at(201), key(&onu("S00000"), "pon.onu.los"), Verb::Ack { text: String::new(), until: Ts::NEVER }),
        ],
    );
    let gone = RowId(1);
    let window = page(
        &mut reader,
        PageRequest { limit: 8, anchor: Anchor::Row { id: gone, before: 2 }, ..request(Table::Alarms, Scope::Open) },
    );
    assert!(!window.at_start, "the place of a row that left the list is where it was");
    assert!(!ids(&window).contains(&gone));
}

#[test]
fn bulks_mean_the_filter_minus_some() {
    let (_dir, _store, mut reader) = many(50);
    let query = Arc::new(Query::parse("severity=critical", Table::Alarms).expect("parses"));
    let filter = |except: &[RowId]| Targets::Filter {
        table: Table::Alarms,
        scope: Scope::Open,
        filter: Some(Arc::clone(&query)),
        below: None,
        except: except.iter().copied().collect(),
    };
    let rows = reader.alarms(&filter(&[]), 100).expect("rows");
    assert_eq!(rows.len(), 10);
    assert_eq!(reader.alarms(&filter(&[rows[0].id, rows[1].id]), 100).expect("rows").len(), 8);
    assert_eq!(reader.alarms(&filter(&[]), 3).expect("rows").len(), 3);
    let names = Targets::Names(Table::Alarms, vec![rows[0].key.to_string(), "nonsense".to_owned()]);
    assert_eq!(reader.alarms(&names, 100).expect("rows"), rows[..1]);
    let count = DataRequest::Count(PageRequest { filter: Some(query), ..request(Table::Alarms, Scope::Open) }, 7);
    assert_eq!(reader.data(&count).expect("counts"), Data::Count(Total::AtLeast(7)));
}

#[test]
fn the_tree_is_walked_both_ways_with_anything_folded() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    let mut records = Vec::new();
    for o in 0..3 {
        for p in 0..3 {
            for n in 0..4 {
                let serial = format!("O{o}P{p}N{n}");
                records.push(node(at(0), onu_patch(&serial, pon(&format!("OLT-{}", o * 9), p), n, OperStatus::Active)));
                records.push(node(at(0), NodePatch::new(Resource::port(NodeKind::Uni, serial, 1))));
            }
        }
    }
    put(&store, records);
    let mut reader = store.reader().expect("reader");
    let full = nodes(tree(&mut reader, Unfolded { depth: 9, ..Unfolded::default() }, Anchor::Start, 500));
    assert_eq!(full.len(), 1 + 3 + 9 + 36 + 36);
    let olts: Vec<&str> = full.iter().filter(|n| n.kind() == NodeKind::Olt).map(|n| n.serial.as_str()).collect();
    assert_eq!(olts, ["OLT-0", "OLT-9", "OLT-18"], "natural order");
    for (depth, toggle) in [(0, 0), (1, 0), (2, 0), (3, 0), (9, 0), (2, 1), (3, 2), (9, 3), (1, 5), (9, 7)] {
        let toggled = full.iter().filter(|n| toggle > 0 && n.id.0 % toggle == 0).map(|n| n.id).collect();
        let unfolded = Unfolded { depth, toggled };
        let mut hidden_below: Option<u8> = None;
        let mut want = Vec::new();
        for row in &full {
            if hidden_below.is_some_and(|depth| row.depth > depth) {
                continue;
            }
            hidden_below = (!unfolded.has(row.id, row.depth)).then_some(row.depth);
            want.push(row.id);
        }
        let all = tree(&mut reader, unfolded.clone(), Anchor::Start, 500);
        assert_eq!(ids(&all), want, "depth {depth}, every {toggle}th toggled");
        assert!(all.at_start && all.at_end);
        assert_eq!(ids(&tree(&mut reader, unfolded.clone(), Anchor::End, 5)), want[want.len().saturating_sub(5)..]);
        for (i, id) in want.iter().enumerate() {
            let window = tree(&mut reader, unfolded.clone(), Anchor::Row { id: *id, before: 2 }, 6);
            let start = i.saturating_sub(2).min(want.len().saturating_sub(6));
            assert_eq!(ids(&window), want[start..want.len().min(start + 6)], "around row {i}");
        }
    }
    let folded = Unfolded::default();
    let hidden = full.iter().find(|n| n.kind() == NodeKind::Uni).expect("a UNI").id;
    assert_eq!(ids(&tree(&mut reader, folded, Anchor::Row { id: hidden, before: 0 }, 5)), [full[0].id]);
    let below = PageRequest { below: Some(full[1].id), limit: 500, ..request(Table::Nodes, Scope::All) };
    assert_eq!(nodes(page(&mut reader, below)).len(), 1 + 3 + 12 + 12);
}

#[test]
fn the_log_tells_what_was_done() {
    let (_dir, store, mut reader) = many(3);
    let call = CallRecord {
        call: "ListDevices".to_owned(),
        target: String::new(),
        status: "UNAVAILABLE".to_owned(),
        error: "refused".to_owned(),
        duration_us: 1_500,
        tries: 3,
        actor: "poll".to_owned(),
        bytes: 0,
    };
    let notice = Notice {
        resource: None,
        event: "ONU_DISCOVERY".to_owned(),
        text: "found".to_owned(),
        source_time: Ts::NEVER,
        failure: false,
        context: Vec::new(),
    };
    put(
        &store,
        vec![
            observed("v1", at(10), Observation::Call(call)),
            act(1, at(11), key(&onu("S00001"), "pon.onu.los"), Verb::Note { text: "hm".to_owned() }),
            observed("v1", at(12), Observation::Notice(notice)),
            observed(
                "v1",
                at(13),
                Observation::Source(SourceReport { health: Health::Down, ..SourceReport::default() }),
            ),
        ],
    );
    let log = match page(&mut reader, request(Table::Log, Scope::Open)).rows {
        Rows::Log(rows) => rows,
        other => panic!("{other:?}"),
    };
    let whats: Vec<&str> = log.iter().map(|r| r.what.as_str()).collect();
    assert_eq!(whats, ["health", "ONU_DISCOVERY", "note", "ListDevices"]);
    assert_eq!(log[2].target, "v1/onu/S00001 pon.onu.los");
    assert!(log[3].failed);
    walk(&mut reader, &request(Table::Log, Scope::Open));
    let failed = Arc::new(Query::parse("failed=true kind=call", Table::Log).expect("parses"));
    assert_eq!(
        page(&mut reader, PageRequest { filter: Some(failed), ..request(Table::Log, Scope::Open) }).rows.len(),
        1
    );
    let sources = page(&mut reader, request(Table::Sources, Scope::Open));
    match sources.rows {
        Rows::Sources(rows) => assert_eq!((&*rows[0].name, rows[0].alarms), ("v1", 3)),
        other => panic!("{other:?}"),
    }
    assert!(alarms(&mut reader, Scope::Open).iter().all(|a| a.stale_source));
    let mut given = 0;
    let each = &mut |_: &dyn crate::model::field::Record| {
        given += 1;
        std::ops::ControlFlow::Continue(())
    };
    assert_eq!(reader.each_row(&request(Table::Alarms, Scope::All), each).expect("streams"), 3);
    assert_eq!(given, 3);
}

#[test]
fn a_running_query_can_be_stopped() {
    let (_dir, _store, mut reader) = many(2_000);
    let interrupter = reader.interrupter();
    let mut rows = 0;
    let stopped = reader.each_row(&request(Table::Alarms, Scope::Open), &mut |_| {
        rows += 1;
        if rows == 10 {
            interrupter.interrupt();
        }
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(stopped, Err(Error::Interrupted));
    assert_eq!(page(&mut reader, request(Table::Alarms, Scope::Open)).seq, Seq(2_000), "the reader goes on");
}
