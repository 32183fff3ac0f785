//! Properties: where batches end, what was dropped and what was let go make no difference to the
//! rows; filters in SQL mean what `Query::matches` says.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::cpe::{CpeFault, CpePatch, Informs, Leaf, LeafKind, OnlineRule, id_hash};
use crate::model::log::{InventoryItem, InventoryLoad};
use crate::model::observation::GoneCause;
use crate::model::query::Query;
use crate::model::record::{Timer, TimerKind};
use crate::store::fold::Fold;
use crate::store::fold::sql::CACHE;
use crate::store::{open as opening, refold, retention};

const NONE: [&str; 0] = [];
const TYPES: [&str; 3] = ["pon.onu.los", "pon.onu.gasp", "pon.port.los"];

fn resource(n: u8) -> Resource {
    match n % 10 {
        0 | 1 => olt(["O", "P"][usize::from(n % 2)]),
        2 | 3 => pon(["O", "P"][usize::from(n % 2)], u32::from(n / 10)),
        4 => Resource::new(NodeKind::Device, format!("uuid-S{}", n % 4)),
        5 => Resource::port(NodeKind::Uni, format!("S{}", n % 4), 0),
        _ => onu(&format!("S{}", n % 4)),
    }
}

fn patch(n: u8, number: u32) -> NodePatch {
    let target = resource(n);
    let is_onu = target.kind == NodeKind::Onu;
    NodePatch {
        parent: is_onu.then(|| pon(["O", "P"][usize::from(n / 32 % 2)], u32::from(n / 64))),
        device_id: is_onu.then(|| format!("uuid-{}{}", target.name, if n > 200 { "-new" } else { "" })),
        oper_status: (!n.is_multiple_of(3)).then_some(if n.is_multiple_of(2) {
            OperStatus::Active
        } else {
            OperStatus::Discovered
        }),
        number: is_onu.then_some(number),
        polled: n.is_multiple_of(2),
        ..NodePatch::new(target)
    }
}

/// A record from six small numbers; every combination means something.
fn record(step: i64, (what, n, m): (u8, u8, u8)) -> Record {
    let when = at(step * i64::from(m % 40));
    let type_id = TYPES[usize::from(m) % TYPES.len()];
    let target = resource(n);
    let alarm_key = key(&target, type_id);
    let of = ActionId([m % 20; 16]);
    let id = (step % 20) as u8;
    match what % 21 {
        16..=20 => cpe_record(what % 21, n, m, when),
        0..=3 => raise(when, target, type_id, Severity::from_rank(m % 5)),
        4 | 5 => clear(when, target, type_id),
        6..=8 => node(when, patch(n, u32::from(m % 3))),
        9 => observed(
            "v1",
            when,
            Observation::NodeGone(target, if m.is_multiple_of(2) { GoneCause::Deleted } else { GoneCause::Resync }),
        ),
        10 => act(
            id,
            when,
            alarm_key,
            match m % 6 {
                0 => Verb::Ack { text: "a".to_owned(), until: if m > 100 { at(step * 20) } else { Ts::NEVER } },
                1 => Verb::Close { reason: "c".to_owned() },
                2 => Verb::Shelve { until: at(step * 30), reason: "s".to_owned() },
                3 => Verb::Unshelve,
                4 => Verb::Assign { owner: "o".to_owned() },
                _ => Verb::Unack { text: String::new() },
            },
        ),
        11 | 12 => act(id, when, alarm_key, Verb::Undo { of, within_hold: what % 21 == 11 }),
        13 => {
            let kinds = [TimerKind::AckExpired, TimerKind::ShelfExpired, TimerKind::CloseDisputed, TimerKind::Purge];
            Record::Timer(Timer { at: at(step * 60), key: alarm_key, what: kinds[usize::from(m % 4)] })
        }
        14 => Record::Inventory(InventoryLoad {
            at: when,
            file: "f".to_owned(),
            items: (0..m % 4)
                .map(|i| InventoryItem {
                    serial: if i == 0 { "O".to_owned() } else { format!("S{i}") },
                    source: if n.is_multiple_of(2) { "v1".to_owned() } else { String::new() },
                    site: if n.is_multiple_of(3) { String::new() } else { "North".to_owned() },
                    name: format!("name {n}"),
                    subscribers: u32::from(m),
                })
                .collect(),
        }),
        _ => observed(
            "v1",
            when,
            Observation::Kpi(crate::model::observation::KpiSample {
                resource: target,
                group: format!("g{}", m % 2),
                source_time: when,
                metrics: vec![("m".to_owned(), f64::from(m))],
            }),
        ),
    }
}

/// A record about one of four CPEs.
fn cpe_record(what: u8, n: u8, m: u8, when: Ts) -> Record {
    let id = format!("OUI-X-S{}", n % 4);
    let fault = |channel: u8| CpeFault {
        device: id.clone(),
        channel: format!("task_{channel}"),
        code: "cwmp.9003".to_owned(),
        message: String::new(),
        at: when,
        retries: u32::from(m % 3),
        parameters: Vec::new(),
        tried: String::new(),
    };
    let path = ["Device.A.B", "Device.A.C", "InternetGatewayDevice.X"][usize::from(m % 3)];
    let leaf = |value: String| Leaf { path: path.to_owned(), value, kind: LeafKind::Text, at: at(5), writable: true };
    let what = match (what, n % 8) {
        (16, 0) => Observation::CpeGone(id, GoneCause::Resync),
        (16 | 17, _) => Observation::Cpe(CpePatch {
            id: id.clone(),
            serial: (!m.is_multiple_of(5)).then(|| format!("S{}", n % 4)),
            firmware: m.is_multiple_of(2).then(|| format!("V{}", m % 4)),
            model: m.is_multiple_of(7).then(|| "X".to_owned()),
            last_inform: Some(when),
            tags: m.is_multiple_of(3).then(|| vec!["a".to_owned(), format!("t{}", m % 4)]),
            rx_centi_dbm: m.is_multiple_of(4).then(|| -1_900 - i32::from(m)),
            uptime_s: m.is_multiple_of(6).then(|| u64::from(m)),
            leaves: (!m.is_multiple_of(2)).then(|| vec![leaf(format!("v{}", m % 5))]),
            polled: !m.is_multiple_of(9),
            ..CpePatch::default()
        }),
        (18, _) => Observation::Informs(Informs {
            base: at(0),
            seen: vec![(id_hash(&id), i64::from(m) * 10_000), (id_hash("none"), 1)],
            rule: OnlineRule { online_s: 60, offline_s: 600 },
        }),
        (19, _) => Observation::CpeFault(fault(m % 2)),
        _ => Observation::CpeFaultGone(id.clone(), format!("task_{}", m % 2)),
    };
    observed(if n < 128 { "v1" } else { "acs" }, when, what)
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..150)
        .prop_map(|seeds| seeds.into_iter().zip(1_i64..).map(|(seed, step)| record(step, seed)).collect())
}

/// Journals records in batches of the given sizes, in turn; the rows that come of it.
fn folded(dir: &Path, records: &[Record], sizes: &[usize]) -> Vec<String> {
    let (store, _) = open(dir);
    let mut rest = records;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, later) = rest.split_at((*size).clamp(1, rest.len()));
        put(&store, batch.to_vec());
        rest = later;
    }
    store.close();
    dump(&options(dir).path, CACHE)
}

/// The rows that are not in both.
fn differences(a: &[String], b: &[String]) -> Vec<String> {
    let only = |x: &[String], y: &[String], sign: &str| -> Vec<String> {
        x.iter().filter(|row| !y.contains(row)).map(|row| format!("{sign} {row}")).collect()
    };
    [only(a, b, "-"), only(b, a, "+")].concat()
}

/// Drops the cache tables; the next opening folds them again.
fn drop_cache(path: &Path) {
    let conn = rusqlite::Connection::open(path).expect("opens");
    opening::drop_tables(&conn, CACHE).expect("drops");
}

/// Counters and totals follow from the rows they count.
fn check_totals(path: &Path) {
    let conn = rusqlite::Connection::open(path).expect("opens");
    let wrong: i64 = conn
        .query_row(
            "WITH RECURSIVE up (id, node) AS (SELECT id, id FROM c_nodes WHERE grp IS NOT NULL \
               UNION ALL SELECT n.parent, up.node FROM up JOIN c_nodes n ON n.id = up.id WHERE n.parent <> 0), \
             sums AS (SELECT up.id, total(k.kind = 4) AS onus, total(k.kind = 4 AND k.oper = 4) AS active, \
               total(k.own_subs) AS subs, \
               total((SELECT count(*) FROM c_alarms a WHERE a.node = k.id AND NOT a.cleared AND a.vis = 0)) AS alarms \
               FROM up JOIN c_nodes k ON k.id = up.node GROUP BY up.id) \
             SELECT count(*) FROM c_nodes n JOIN sums s ON s.id = n.id WHERE n.onus <> s.onus \
               OR n.onus_active <> s.active OR n.subs <> s.subs OR n.a0 + n.a1 + n.a2 + n.a3 + n.a4 <> s.alarms \
               OR n.children <> (SELECT count(*) FROM c_nodes c WHERE c.parent = n.id)",
            [],
            |row| row.get(0),
        )
        .expect("checks");
    assert_eq!(wrong, 0, "totals of nodes");
    let counts = crate::store::fold::read_counts(&conn, CACHE).expect("counts");
    let active: u32 = conn
        .query_row("SELECT count(*) FROM c_alarms WHERE NOT cleared AND vis = 0", [], |row| row.get(0))
        .expect("counts");
    assert_eq!(counts.total(), active);
    let open: u32 =
        conn.query_row("SELECT count(*) FROM c_alarms WHERE scope = 1", [], |row| row.get(0)).expect("counts");
    assert_eq!(counts.total() + counts.returned, open);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_drops_and_retention_make_no_difference(
        records in records(),
        sizes in prop::collection::vec(1_usize..40, 1..6),
        gone in 0_usize..150,
    ) {
        let one_go = tempfile::tempdir().expect("dir");
        let want = folded(one_go.path(), &records, &[records.len()]);
        check_totals(&options(one_go.path()).path);

        let batches = tempfile::tempdir().expect("dir");
        prop_assert_eq!(differences(&want, &folded(batches.path(), &records, &sizes)), NONE, "in batches");

        let path = options(batches.path()).path;
        drop_cache(&path);
        let (store, _) = open(batches.path());
        store.close();
        prop_assert_eq!(differences(&want, &dump(&path, CACHE)), NONE, "folded again");

        // Let the oldest go, by size, then fold again from the base.
        let mut conn = rusqlite::Connection::open(&path).expect("opens");
        let keep = OpenOptions { max_bytes: (records.len().saturating_sub(gone) * 300) as u64, ..options(batches.path()) };
        while retention::step(&mut conn, &keep, at(0)).expect("steps") == retention::Progress::More {}
        drop(conn);
        drop_cache(&path);
        let (store, _) = open(batches.path());
        store.close();
        prop_assert_eq!(differences(&want, &dump(&path, CACHE)), NONE, "folded again from the base");
    }

    #[test]
    fn filters_mean_what_the_language_says(records in records()) {
        let dir = tempfile::tempdir().expect("dir");
        let (store, _) = open(dir.path());
        put(&store, records);
        let mut reader = store.reader().expect("reader");
        let paths: Vec<String> = rusqlite::Connection::open(options(dir.path()).path)
            .and_then(|conn| conn.prepare("SELECT path FROM c_cpe_paths")?.query_map([], |row| row.get(0))?.collect())
            .expect("paths");
        for (table, text) in FILTERS {
            let query = Query::parse(text, *table).unwrap_or_else(|e| panic!("{text}: {e}"));
            let kept = query.leaf_paths().iter().all(|path| paths.contains(&(*path).to_owned()));
            if !kept {
                let asked = PageRequest { filter: Some(Arc::new(query)), ..request(*table, Scope::All) };
                prop_assert!(matches!(reader.data(&DataRequest::Page(asked)), Err(crate::store::Error::NotKept { .. })), "{}", text);
                continue;
            }
            let all = rows_of(&mut reader, *table, None);
            let want: Vec<String> = all.iter().filter(|(row, _)| query.matches(&**row, at(3_600))).map(|(_, id)| id.clone()).collect();
            let found = rows_of(&mut reader, *table, Some(query));
            let found: Vec<String> = found.into_iter().map(|(_, id)| id).collect();
            prop_assert_eq!(found, want, "{}", text);
        }
    }
}

type Dyn = Box<dyn crate::model::field::Record>;

fn rows_of(reader: &mut Reader, table: Table, filter: Option<Query>) -> Vec<(Dyn, String)> {
    let request = PageRequest { filter: filter.map(Arc::new), limit: 1_000, ..request(table, Scope::All) };
    match page(reader, request).rows {
        Rows::Alarms(rows) => {
            rows.into_iter().map(|r| (r.key.to_string(), Box::new(r) as Dyn)).map(|(k, r)| (r, k)).collect()
        }
        Rows::Nodes(rows) => {
            rows.into_iter().map(|r| (r.canonical.clone(), Box::new(r) as Dyn)).map(|(k, r)| (r, k)).collect()
        }
        Rows::Cpes(rows) => {
            rows.into_iter().map(|r| (r.canonical.clone(), Box::new(r) as Dyn)).map(|(k, r)| (r, k)).collect()
        }
        other => panic!("{other:?}"),
    }
}

const FILTERS: &[(Table, &str)] = &[
    (Table::Alarms, "severity>=major"),
    (Table::Alarms, "not severity=critical and cleared=true"),
    (Table::Alarms, "type:LOS or owner=o"),
    (Table::Alarms, "owner="),
    (Table::Alarms, "owner!="),
    (Table::Alarms, "S1"),
    (Table::Alarms, "location:north"),
    (Table::Alarms, "not location:north"),
    (Table::Alarms, "location="),
    (Table::Alarms, "state=UNACK or state=SHLVD or state=RTNUN"),
    (Table::Alarms, "text~/gasp|LOS/"),
    (Table::Alarms, "location~/^$/"),
    (Table::Alarms, "raised>-30m"),
    (Table::Alarms, "cleared_at!=2026-11-20T14:50:38Z"),
    (Table::Alarms, "cleared_at="),
    (Table::Alarms, "occurrences>1 subscribers>=1"),
    (Table::Alarms, "kind=onu op_state=none visibility=visible"),
    (Table::Alarms, "clear_reason:resync"),
    (Table::Alarms, "source=V1"),
    (Table::Alarms, "source!=v1"),
    (Table::Alarms, "key>8"),
    (Table::Alarms, "stale_source=false"),
    (Table::Alarms, "text:%"),
    (Table::Alarms, "serial=s1 severity>=minor"),
    (Table::Alarms, "resource=V1/ONU/S2 or owner=o"),
    (Table::Alarms, "owner:O and text:los"),
    (Table::Alarms, "name:name or serial<o2"),
    (Table::Alarms, "source=v1 type~/gasp$/ not text=nothing"),
    (Table::Alarms, "location:north or \"pon.port\""),
    (Table::Alarms, "/onu.s[12]|told$/ and not S3"),
    (Table::Nodes, "serial=S1 or name:name"),
    (Table::Nodes, "id:onu serial!=s1"),
    (Table::Nodes, "serial<t kind!=onu"),
    (Table::Nodes, "kind=onu oper=active"),
    (Table::Nodes, "not oper=active"),
    (Table::Nodes, "oper=unknown"),
    (Table::Nodes, "oper="),
    (Table::Nodes, "admin=unknown"),
    (Table::Nodes, "admin="),
    (Table::Nodes, "connect=unknown"),
    (Table::Nodes, "connect="),
    (Table::Nodes, "connect!=unknown kind!=onu"),
    (Table::Nodes, "alarms>0"),
    (Table::Nodes, "worst>=major"),
    (Table::Nodes, "worst!=critical"),
    (Table::Nodes, "worst="),
    (Table::Nodes, "rx_dbm>-20"),
    (Table::Nodes, "rx_dbm!=-20"),
    (Table::Nodes, "rx_dbm="),
    (Table::Nodes, "name:name onus>=1"),
    (Table::Nodes, "parent:pon and serial>=s1"),
    (Table::Nodes, "source="),
    (Table::Nodes, "\"s2\""),
    (Table::Nodes, "device_id:new or id~/site/"),
    (Table::Cpes, "online=online"),
    (Table::Cpes, "not online=offline and firmware:v"),
    (Table::Cpes, "firmware= or model=x"),
    (Table::Cpes, "faults>0"),
    (Table::Cpes, "tags:t1 or rx_dbm<-19.5"),
    (Table::Cpes, "uptime_s>20"),
    (Table::Cpes, "uptime_s!=20"),
    (Table::Cpes, "uptime="),
    (Table::Cpes, "onu="),
    (Table::Cpes, "onu:onu and not subscriber="),
    (Table::Cpes, "id:S1 last_inform>-40m"),
    (Table::Cpes, "v2"),
    (Table::Cpes, "source=acs or source~/^v/"),
    (Table::Cpes, "Device.A.B=V1"),
    (Table::Cpes, "not Device.A.C~/[13]/ serial:s"),
    (Table::Cpes, "InternetGatewayDevice.X!=v2 or Device.A.B>v3"),
];

#[test]
fn a_fold_takes_up_where_its_tables_stand() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    put(&store, vec![raise(at(0), onu("A"), "pon.onu.los", Severity::Major)]);
    store.close();
    let mut conn = rusqlite::Connection::open(options(dir.path()).path).expect("opens");
    let fold = Fold::load(&conn, CACHE, "t").expect("loads");
    assert_eq!((fold.seq.0, fold.counts.total()), (1, 1));
    refold::catch_up(&mut conn, dir.path(), "t").expect("nothing to do");
}
