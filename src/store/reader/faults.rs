//! Faults of the whole fleet: some thousands at most, filtered and sorted in memory.

use rusqlite::params;

use super::jobs::arrange;
use super::rows;
use super::slice::Slice;
use crate::model::command::Targets;
use crate::model::cpe::{CpeFault, canonical, id_hash};
use crate::model::fault::FaultRow;
use crate::model::ids::RowId;
use crate::model::page::{Page, PageRequest, Rows, Scope, Table, Total};
use crate::model::time::Ts;
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;

/// All faults of a request, in its order.
pub(super) fn all(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<FaultRow>> {
    let mut stmt = rows.conn.prepare_cached("SELECT source, fault FROM c_cpe_faults")?;
    let mut device = rows
        .conn
        .prepare_cached("SELECT id, serial, model, product_class FROM c_cpes WHERE ch = ?1 AND source = ?2")?;
    let mut stored = stmt.query([])?;
    let mut found = Vec::new();
    while let Some(row) = stored.next()? {
        let source: u32 = row.get(0)?;
        let Ok(fault) = minicbor::decode::<CpeFault>(row.get_ref(1)?.as_blob()?) else { continue };
        let name = rows.names.name(source);
        let mut of = device.query(params![id_hash(&fault.device) as i64, source])?;
        let (cpe, serial, model) = match of.next()? {
            Some(cpe) => {
                let (model, class): (String, String) = (cpe.get(2)?, cpe.get(3)?);
                (Some(RowId(cpe.get(0)?)), cpe.get(1)?, if model.is_empty() { class } else { model })
            }
            None => (None, String::new(), String::new()),
        };
        found.push(FaultRow {
            id: FaultRow::id_of(&name, &fault.device, &fault.channel),
            canonical: canonical(&name, &fault.device),
            source: name,
            cpe,
            serial,
            model,
            fault,
        });
    }
    arrange(&mut found, request);
    Ok(found)
}

/// The faults that targets mean; a fault has the name of its id at the server.
pub(super) fn meant(rows: &rows::Rows<'_>, targets: &Targets, limit: usize) -> rusqlite::Result<Vec<FaultRow>> {
    let filter = if let Targets::Filter { filter, .. } = targets { filter.clone() } else { None };
    let now = Ts(chrono::Utc::now().timestamp_micros());
    let request = PageRequest::all(Table::Faults, Scope::All, filter, now);
    let mut found = all(rows, &request)?;
    found.retain(|row| match targets {
        Targets::Rows(Table::Faults, ids) => ids.contains(&row.id),
        Targets::Names(Table::Faults, names) => names.contains(&row.key()),
        Targets::Filter { table: Table::Faults, except, .. } => !except.contains(&row.id),
        _ => false,
    });
    found.truncate(limit);
    Ok(found)
}

/// Answers a request for faults.
pub(super) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let found = all(rows, request)?;
    let total = Total::Exact(found.len() as u64);
    let s = Slice::of_all(found, request.anchor, usize::from(request.limit).max(1), |row, id| row.id.0 == id);
    let seq = read_counts(rows.conn, CACHE)?.seq;
    Ok(Page {
        rows: Rows::Faults(s.rows),
        at_start: s.at_start,
        at_end: s.at_end,
        first: s.first,
        total,
        new_above: 0,
        seq,
    })
}

/// What servers keep beside devices is in no cache: a page of nothing.
pub(super) fn nothing(rows: &rows::Rows<'_>) -> rusqlite::Result<Page> {
    let seq = read_counts(rows.conn, CACHE)?.seq;
    let total = Total::Exact(0);
    Ok(Page { rows: Rows::Faults(Vec::new()), at_start: true, at_end: true, first: Some(0), total, new_above: 0, seq })
}
