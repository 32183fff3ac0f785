//! Hosts of virtual machines and their machines: few enough to be filtered and sorted in memory.
//!
//! One list in two shapes. Ordered by host it is a tree: each host above its machines, and a host stays
//! where one of its machines is found. Ordered by anything else it is flat: machines alone, unless the
//! filter asks for hosts. Written out (`noctule vms`, an export) there is only what was found.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::appliances::{asked, hashed, sorted, targeted};
use super::rows;
use super::slice::Slice;
use crate::model::command::Targets;
use crate::model::ids::RowId;
use crate::model::page::{Page, PageRequest, Rows, Scope, Sort, Table, Total};
use crate::model::time::Ts;
use crate::model::vm::{HostState, VmRow, named};
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;

/// All hosts and machines.
fn every(rows: &rows::Rows<'_>) -> rusqlite::Result<Vec<VmRow>> {
    let mut stmt = rows.conn.prepare_cached(
        "SELECT m.source, m.state, coalesce(s.alarms, 0) FROM m_hosts m LEFT JOIN c_sources s ON s.id = m.source",
    )?;
    let mut found = stmt.query([])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let source: u32 = row.get(0)?;
        let Ok(state) = minicbor::decode::<HostState>(row.get_ref(1)?.as_blob()?) else { continue };
        let host = VmRow {
            id: RowId(source.into()),
            source: rows.names.name(source),
            host: Arc::new(state),
            nth: None,
            alarms: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        };
        let machines = host.host.vms.iter().enumerate().map(|(nth, vm)| VmRow {
            id: hashed(host.id, &vm.uuid),
            nth: Some(nth),
            ..host.clone()
        });
        out.extend(machines);
        out.push(host);
    }
    Ok(out)
}

/// Whether a request is for the tree.
fn is_tree(request: &PageRequest) -> bool {
    request.sort.first().is_none_or(|sort| sort.field == "host")
}

/// The rows of a request, in its order.
pub(crate) fn all(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<VmRow>> {
    let mut found = every(rows)?;
    found.retain(|row| request.below.is_none_or(|host| row.host_row() == host));
    if request.scope == Scope::Hidden {
        found.retain(|row| row.nth.is_none());
    }
    let tree = is_tree(request);
    let mut ordered = PageRequest { filter: None, ..request.clone() };
    if tree && !ordered.sort.is_empty() {
        // A host stands above its machines whichever way the hosts are ordered.
        ordered.sort.truncate(1);
        ordered.sort.extend(["kind", "name"].map(|field| Sort { field, desc: false }));
    }
    let Some(query) = &request.filter else {
        if !tree && request.scope != Scope::Hidden {
            found.retain(|row| row.nth.is_some());
        }
        return Ok(sorted(found, &ordered, |row| (&row.source, row.name())));
    };
    let matching: HashSet<RowId> =
        found.iter().filter(|row| query.matches(*row, request.now)).map(|row| row.id).collect();
    let hosts: HashSet<RowId> =
        found.iter().filter(|row| tree && matching.contains(&row.id)).map(VmRow::host_row).collect();
    found.retain(|row| matching.contains(&row.id) || hosts.contains(&row.id));
    Ok(sorted(found, &ordered, |row| (&row.source, row.name())))
}

/// The rows that a filter finds and no other, in the order of the list: for whoever counts lines.
pub(crate) fn found(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<VmRow>> {
    let mut found = all(rows, request)?;
    if let Some(query) = &request.filter {
        found.retain(|row| query.matches(row, request.now));
    }
    Ok(found)
}

/// Answers a request.
pub(crate) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let limit = usize::from(request.limit).max(1);
    let seq = read_counts(rows.conn, CACHE)?.seq;
    let found = all(rows, request)?;
    let total = Total::Exact(found.len() as u64);
    let s = Slice::of_all(found, request.anchor, limit, |row, id| row.id.0 == id);
    let (at_start, at_end, first) = (s.at_start, s.at_end, s.first);
    Ok(Page { rows: Rows::Vms(s.rows), at_start, at_end, first, total, new_above: 0, seq })
}

/// The machines and hosts that targets mean, at most `limit`. A machine may be called by its canonical
/// name, its UUID, or its name where only one host has it; a filter means machines.
pub(crate) fn meant(rows: &rows::Rows<'_>, targets: &Targets, now: Ts, limit: usize) -> rusqlite::Result<Vec<VmRow>> {
    let mut found = match targets {
        Targets::Filter { .. } => {
            let mut found = all(rows, &asked(Table::Vms, targets, now))?;
            found.retain(|row| row.nth.is_some());
            found
        }
        _ => every(rows)?,
    };
    if let Targets::Names(Table::Vms, names) = targets {
        // One of several is none: what is meant is told apart by whoever asks.
        let ids: HashSet<RowId> = names.iter().filter_map(|name| Some(named(&found, name).ok()??.id)).collect();
        found.retain(|row| ids.contains(&row.id));
    } else {
        found.retain(|row| targeted(targets, Table::Vms, row.id, &[]));
    }
    found.truncate(limit);
    Ok(found)
}

/// What was last known of a host.
pub(crate) fn known(rows: &rows::Rows<'_>, source: &str) -> rusqlite::Result<Option<HostState>> {
    let Some(id) = rows.names.id(source) else { return Ok(None) };
    let state: Option<Vec<u8>> = rows
        .conn
        .prepare_cached("SELECT state FROM m_hosts WHERE source = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(state.and_then(|bytes| minicbor::decode(&bytes).ok()))
}
