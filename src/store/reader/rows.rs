//! Rows of the large tables by their ids.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::engine::operator::Operator;
use crate::model::alarm::{AlarmRow, OpState, Visibility};
use crate::model::ids::{AlarmKey, RowId};
use crate::model::observation::ClearReason;
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::time::Ts;
use crate::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};
use crate::store::names::Names;

const ALARM: &str = "SELECT a.id, a.key, a.source, a.kind, a.serial, a.idx, a.canonical, coalesce(p.text, ''), a.label, \
    a.node, a.type, a.qualifier, a.severity, a.trend, a.cleared, a.clear_reason, a.will_clear, a.op, a.vis, \
    a.raised_at, a.received_at, a.first_seen, a.last_seen, a.last_changed, a.cleared_at, a.occurrences, a.dups, \
    a.text, a.owner, a.op_user, a.op_time, a.op_text, a.ack_until, a.shelf_until, a.own_query, n.subs, \
    s.report IS NOT NULL AND s.health NOT IN (1, 2), n.grp IS NOT NULL, a.operator \
    FROM c_alarms a LEFT JOIN c_places p ON p.id = a.loc LEFT JOIN c_nodes n ON n.id = a.node \
    LEFT JOIN c_sources s ON s.id = a.source WHERE a.id = ?1";

const NODE: &str = "SELECT n.id, n.parent, p.canonical, n.canonical, n.kind, n.serial, n.idx, n.source, n.depth, \
    n.children, n.onus, n.onus_active, n.subs, n.label, n.device_id, n.admin, n.oper, n.connect, n.reason, n.vendor, \
    n.model, n.firmware, n.address, n.number, n.logical_id, n.flows, n.rx, n.tx, n.a0, n.a1, n.a2, n.a3, n.a4, \
    n.changed_at, max(n.as_of, coalesce(s.last_ok, 0)) \
    FROM c_nodes n LEFT JOIN c_nodes p ON p.id = n.parent LEFT JOIN c_sources s ON s.id = n.source WHERE n.id = ?1";

/// Reads rows; keeps what it needs from one read to the next.
pub(crate) struct Rows<'a> {
    pub conn: &'a Connection,
    pub names: &'a Names,
}

impl Rows<'_> {
    /// An alarm.
    pub(crate) fn alarm(&self, id: i64) -> rusqlite::Result<Option<AlarmRow>> {
        self.conn.prepare_cached(ALARM)?.query_row(params![id], |row| self.to_alarm(row)).optional()
    }

    fn to_alarm(&self, row: &Row<'_>) -> rusqlite::Result<AlarmRow> {
        let ts = |i: usize| row.get::<_, i64>(i).map(Ts);
        let in_tree: bool = row.get(37)?;
        Ok(AlarmRow {
            id: RowId(row.get(0)?),
            key: AlarmKey(row.get(1)?),
            source: self.names.name(row.get(2)?),
            resource: resource(row, 3)?,
            canonical: row.get(6)?,
            location: row.get(7)?,
            name: row.get(8)?,
            node: in_tree.then_some(RowId(row.get(9)?)),
            type_id: self.names.name(row.get(10)?).to_string(),
            qualifier: row.get(11)?,
            severity: Severity::from_rank(row.get(12)?),
            trend: row.get(13)?,
            cleared: row.get(14)?,
            clear_reason: ClearReason::from_code(row.get(15)?),
            will_clear: row.get(16)?,
            op_state: OpState::from_code(row.get(17)?),
            visibility: Visibility::from_code(row.get(18)?),
            raised_at: ts(19)?,
            received_at: ts(20)?,
            first_seen: ts(21)?,
            last_seen: ts(22)?,
            last_changed: ts(23)?,
            cleared_at: ts(24)?,
            occurrences: row.get(25)?,
            dup_count: row.get(26)?,
            text: row.get(27)?,
            owner: row.get(28)?,
            op_user: row.get(29)?,
            op_time: ts(30)?,
            op_text: row.get(31)?,
            ack_until: ts(32)?,
            shelf_until: ts(33)?,
            own_query: row.get(34)?,
            subscribers: count(row, 35)?,
            stale_source: row.get::<_, Option<bool>>(36)?.unwrap_or(false),
            suppressed_by: suppressed_by(row.get_ref(38)?.as_blob_or_null()?),
        })
    }

    /// A node of the tree, or one that is gone from it.
    pub(crate) fn node(&self, id: i64) -> rusqlite::Result<Option<NodeRow>> {
        self.conn.prepare_cached(NODE)?.query_row(params![id], |row| self.to_node(row)).optional()
    }

    fn to_node(&self, row: &Row<'_>) -> rusqlite::Result<NodeRow> {
        let resource = resource(row, 4)?;
        let has_serial = matches!(
            resource.kind,
            NodeKind::Olt | NodeKind::PonPort | NodeKind::NniPort | NodeKind::Onu | NodeKind::Uni
        );
        let parent: i64 = row.get(1)?;
        Ok(NodeRow {
            id: RowId(row.get(0)?),
            parent: (parent != 0).then_some(RowId(parent)),
            parent_name: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            canonical: row.get(3)?,
            serial: if has_serial { resource.name.clone() } else { String::new() },
            resource,
            source: self.names.name(row.get(7)?),
            depth: row.get(8)?,
            children: row.get(9)?,
            onus: count(row, 10)?,
            onus_active: count(row, 11)?,
            subscribers: count(row, 12)?,
            name: row.get(13)?,
            device_id: row.get(14)?,
            admin_state: AdminState(row.get(15)?),
            oper_status: OperStatus(row.get(16)?),
            connect_status: ConnectStatus(row.get(17)?),
            reason: row.get(18)?,
            vendor: row.get(19)?,
            model: row.get(20)?,
            firmware: row.get(21)?,
            address: row.get(22)?,
            number: row.get(23)?,
            logical_id: row.get(24)?,
            flows: row.get(25)?,
            rx_centi_dbm: row.get(26)?,
            tx_centi_dbm: row.get(27)?,
            alarms: [count(row, 28)?, count(row, 29)?, count(row, 30)?, count(row, 31)?, count(row, 32)?],
            changed_at: Ts(row.get(33)?),
            as_of: Ts(row.get(34)?),
            expanded: false,
        })
    }
}

fn resource(row: &Row<'_>, at: usize) -> rusqlite::Result<Resource> {
    let kind = NodeKind::from_code(row.get(at)?).unwrap_or(NodeKind::Device);
    Ok(Resource { kind, name: row.get(at + 1)?, index: row.get(at + 2)? })
}

/// By what an alarm's own source suppresses it, from what the fold keeps of its operators.
pub(crate) fn suppressed_by(operator: Option<&[u8]>) -> String {
    let operator = operator.and_then(|bytes| minicbor::decode::<Operator>(bytes).ok());
    operator.map(|o| o.suppressed_by).unwrap_or_default()
}

/// A sum that may be wider than a row shows, or missing.
fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u32> {
    Ok(row.get::<_, Option<i64>>(at)?.map_or(0, |n| u32::try_from(n.max(0)).unwrap_or(u32::MAX)))
}
