//! Tests of the store through its own doors, and the means they share.

mod appliances;
mod crash;
mod fold;
mod jobs;
mod lists;
mod property;

use std::path::Path;

use super::{OpenOptions, Opened, Reader, Store};
use crate::model::action::{Action, Verb};
use crate::model::alarm::AlarmRow;
use crate::model::ids::{ActionId, AlarmKey, SourceName};
use crate::model::observation::{AlarmEvent, ClearReason, Observation, Observed, Origin};
use crate::model::page::{Anchor, Data, DataRequest, Page, PageRequest, Rows, Scope, Table, TreeRequest, Unfolded};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::time::{DAY, SECOND, Ts};
use crate::model::topology::{NodePatch, NodeRow, OperStatus};

pub(super) const T0: Ts = Ts(1_795_186_238 * SECOND);

pub(super) fn options(dir: &Path) -> OpenOptions {
    OpenOptions {
        path: dir.join("noctule.db"),
        tenant: "t".to_owned(),
        keep_us: 365 * 100 * DAY,
        max_bytes: u64::MAX,
        purge_after_us: DAY,
        read_only: false,
    }
}

pub(super) fn open(dir: &Path) -> (Store, Opened) {
    Store::open(&options(dir)).expect("opens")
}

/// Appends and waits for the commit.
pub(super) fn put(store: &Store, records: Vec<Record>) {
    store.journal().append(records).wait().expect("commits");
}

pub(super) fn at(seconds: i64) -> Ts {
    T0.plus(seconds * SECOND)
}

pub(super) fn observed(source: &str, when: Ts, what: Observation) -> Record {
    Record::Observed(Observed { source: SourceName::from(source), at: when, origin: None, what })
}

pub(super) fn from_stream(source: &str, when: Ts, origin: Origin, what: Observation) -> Record {
    Record::Observed(Observed { source: SourceName::from(source), at: when, origin: Some(origin), what })
}

pub(super) fn onu(serial: &str) -> Resource {
    Resource::new(NodeKind::Onu, serial)
}

pub(super) fn pon(olt: &str, index: u32) -> Resource {
    Resource::port(NodeKind::PonPort, olt, index)
}

pub(super) fn olt(serial: &str) -> Resource {
    Resource::new(NodeKind::Olt, serial)
}

pub(super) fn event(resource: Resource, type_id: &str, raise: Option<Severity>) -> AlarmEvent {
    AlarmEvent {
        resource,
        type_id: type_id.to_owned(),
        qualifier: String::new(),
        raise,
        source_time: Ts::NEVER,
        text: format!("{type_id} told"),
        clear_reason: ClearReason::Source,
        event: type_id.to_uppercase(),
        context: vec![("onu-id".to_owned(), "1".to_owned())],
        own_query: false,
        will_clear: true,
        cleared_by_active: type_id.ends_with("gasp"),
        hold_down_s: 30,
    }
}

pub(super) fn raise(when: Ts, resource: Resource, type_id: &str, severity: Severity) -> Record {
    observed("v1", when, Observation::Alarm(event(resource, type_id, Some(severity))))
}

pub(super) fn clear(when: Ts, resource: Resource, type_id: &str) -> Record {
    observed("v1", when, Observation::Alarm(event(resource, type_id, None)))
}

/// An ONU on a PON port, as a poll tells of it.
pub(super) fn onu_patch(serial: &str, parent: Resource, number: u32, oper: OperStatus) -> NodePatch {
    NodePatch {
        parent: Some(parent),
        device_id: Some(format!("uuid-{serial}")),
        oper_status: Some(oper),
        number: Some(number),
        polled: true,
        ..NodePatch::new(onu(serial))
    }
}

pub(super) fn node(when: Ts, patch: NodePatch) -> Record {
    observed("v1", when, Observation::Node(patch))
}

pub(super) fn key(resource: &Resource, type_id: &str) -> AlarmKey {
    AlarmKey::new("t", &resource.canonical("v1"), type_id, "")
}

pub(super) fn act(id: u8, when: Ts, key: AlarmKey, verb: Verb) -> Record {
    let id = ActionId([id; 16]);
    Record::Action(Action { id, batch: id, actor: "anna".to_owned(), at: when, key, verb })
}

pub(super) fn request(table: Table, scope: Scope) -> PageRequest {
    PageRequest {
        table,
        scope,
        filter: None,
        below: None,
        sort: Vec::new(),
        anchor: Anchor::Start,
        limit: 100,
        new_since: None,
        now: at(3_600),
    }
}

pub(super) fn page(reader: &mut Reader, request: PageRequest) -> Page {
    match reader.data(&DataRequest::Page(request)).expect("answers") {
        Data::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

pub(super) fn alarms(reader: &mut Reader, scope: Scope) -> Vec<AlarmRow> {
    match page(reader, request(Table::Alarms, scope)).rows {
        Rows::Alarms(rows) => rows,
        other => panic!("{other:?}"),
    }
}

pub(super) fn only_alarm(reader: &mut Reader) -> AlarmRow {
    let mut rows = alarms(reader, Scope::All);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

pub(super) fn nodes(page: Page) -> Vec<NodeRow> {
    match page.rows {
        Rows::Nodes(rows) => rows,
        other => panic!("{other:?}"),
    }
}

pub(super) fn tree(reader: &mut Reader, unfolded: Unfolded, anchor: Anchor, limit: u16) -> Page {
    let request = TreeRequest { unfolded: unfolded.into(), anchor, limit };
    match reader.data(&DataRequest::Tree(request)).expect("answers") {
        Data::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

pub(super) fn find(reader: &mut Reader, canonical: &str) -> Option<NodeRow> {
    match reader.data(&DataRequest::FindNode(canonical.to_owned())).expect("answers") {
        Data::Node(detail) => detail.map(|d| d.row),
        other => panic!("{other:?}"),
    }
}

/// All rows of the fold's tables, as text.
pub(super) fn dump(path: &Path, prefix: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(path).expect("opens");
    let tables: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ?1 ORDER BY name")
        .expect("prepares")
        .query_map([format!("{prefix}*")], |row| row.get(0))
        .expect("queries")
        .collect::<rusqlite::Result<_>>()
        .expect("reads");
    let mut out = Vec::new();
    for table in tables {
        let mut stmt = conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).expect("prepares");
        let columns = stmt.column_count();
        let mut rows = stmt.query([]).expect("queries");
        while let Some(row) = rows.next().expect("reads") {
            let values: Vec<String> = (0..columns)
                .map(|i| format!("{:?}", row.get::<_, rusqlite::types::Value>(i).expect("reads")))
                .collect();
            out.push(format!("{} {}", table.trim_start_matches(prefix), values.join(" ")));
        }
    }
    out
}
