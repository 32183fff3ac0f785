//! Everything about one alarm or one node.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::Rows;
use crate::model::alarm::{AlarmDetail, OpChange, RawEvent, StatusChange};
use crate::model::ids::{ActionId, RowId, Seq};
use crate::model::observation::{KpiSample, Observation};
use crate::model::page::NodeDetail;
use crate::model::record::Record;
use crate::model::time::Ts;
use crate::store::fold::unpack;

/// Alarms shown with a node.
const ALARMS: usize = 50;

/// An alarm with its history; `None` when it is gone.
pub(crate) fn alarm(rows: &Rows<'_>, id: RowId) -> rusqlite::Result<Option<Box<AlarmDetail>>> {
    let Some(row) = rows.alarm(id.0)? else { return Ok(None) };
    let (packed, history_dropped): (Vec<u8>, u32) = rows
        .conn
        .prepare_cached("SELECT history, dropped FROM c_alarms WHERE id = ?1")?
        .query_row(params![id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut history: Vec<StatusChange> = unpack(&packed).into();
    history.reverse();
    let op_history = rows
        .conn
        .prepare_cached(
            "SELECT action, at, actor, verb, text, withdrawn FROM c_ops WHERE alarm = ?1 ORDER BY seq DESC",
        )?
        .query_map(params![id.0], |row| {
            Ok(OpChange {
                id: ActionId(row.get(0)?),
                at: Ts(row.get(1)?),
                actor: row.get(2)?,
                verb: row.get(3)?,
                text: row.get(4)?,
                withdrawn: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut raw = Vec::new();
    for change in &history {
        raw.extend(raw_event(rows.conn, change.seq)?);
    }
    Ok(Some(Box::new(AlarmDetail { row, history, history_dropped, op_history, raw })))
}

/// The event behind a status change, while the journal still has it.
fn raw_event(conn: &Connection, seq: Seq) -> rusqlite::Result<Option<RawEvent>> {
    let payload: Option<Vec<u8>> = conn
        .prepare_cached("SELECT payload FROM journal WHERE seq = ?1")?
        .query_row(params![seq.0], |row| row.get(0))
        .optional()?;
    let record = payload.and_then(|bytes| minicbor::decode::<Record>(&bytes).ok());
    let Some(Record::Observed(observed)) = record else { return Ok(None) };
    let Observation::Alarm(event) = observed.what else { return Ok(None) };
    Ok(Some(RawEvent {
        seq,
        at: observed.at,
        source_time: event.source_time,
        origin: observed.origin.map(|o| (o.partition, o.offset)),
        event: event.event,
        context: event.context,
    }))
}

/// A node with what surrounds it; `None` when it is not in the tree.
pub(crate) fn node(rows: &Rows<'_>, id: RowId) -> rusqlite::Result<Option<Box<NodeDetail>>> {
    let conn = rows.conn;
    let in_tree =
        conn.prepare_cached("SELECT 1 FROM c_nodes WHERE id = ?1 AND grp IS NOT NULL")?.exists(params![id.0])?;
    let Some(row) = rows.node(id.0)?.filter(|_| in_tree) else { return Ok(None) };
    let mut ancestors = Vec::new();
    let mut parent = row.parent;
    while let Some(id) = parent.filter(|_| ancestors.len() < 16) {
        let Some(above) = rows.node(id.0)? else { break };
        parent = above.parent;
        ancestors.push(above);
    }
    ancestors.reverse();
    let mut alarms = Vec::new();
    for node in std::iter::once(id).chain(ancestors.iter().rev().map(|a| a.id)) {
        let ids: Vec<i64> = conn
            .prepare_cached(
                "SELECT id FROM c_alarms WHERE node = ?1 AND scope = 1 \
                 ORDER BY weight DESC, raised_at DESC LIMIT ?2",
            )?
            .query_map(params![node.0, ALARMS as i64], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in ids {
            alarms.extend(rows.alarm(id)?);
        }
    }
    alarms.truncate(ALARMS);
    let kpis = conn
        .prepare_cached("SELECT payload FROM c_kpi WHERE node = ?1 ORDER BY grp")?
        .query_map(params![id.0], |row| row.get::<_, Vec<u8>>(0))?
        .filter_map(|bytes| bytes.map(|b| minicbor::decode::<KpiSample>(&b).ok()).transpose())
        .collect::<rusqlite::Result<_>>()?;
    let former_ids = conn
        .prepare_cached("SELECT device_id FROM c_former WHERE node = ?1 AND device_id <> ?2 ORDER BY seq DESC")?
        .query_map(params![id.0, row.device_id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(Box::new(NodeDetail { row, ancestors, alarms, kpis, former_ids })))
}
