//! The sources: few enough to be filtered and sorted in memory.

use std::cmp::Ordering;

use super::rows;
use super::slice::Slice;
use crate::model::field::{Record, Value};
use crate::model::order;
use crate::model::page::{Page, PageRequest, Rows, Total};
use crate::model::source::SourceRow;
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;
use crate::store::snapshot;

/// All rows of a request, in its order.
pub(crate) fn all(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<SourceRow>> {
    let mut found = snapshot::sources(rows.conn, rows.names)?.to_vec();
    if let Some(query) = &request.filter {
        found.retain(|row| query.matches(row, request.now));
    }
    order::by(&mut found, |a, b| {
        for sort in &request.sort {
            let order = compare(&a.get(sort.field), &b.get(sort.field));
            let order = if sort.desc { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        a.name.cmp(&b.name)
    });
    Ok(found)
}

/// Answers a request for the sources.
pub(crate) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let found = all(rows, request)?;
    let total = Total::Exact(found.len() as u64);
    let slice = Slice::of_all(found, request.anchor, usize::from(request.limit).max(1), |row, id| row.id.0 == id);
    Ok(Page {
        at_start: slice.at_start,
        at_end: slice.at_end,
        first: slice.first,
        rows: Rows::Sources(slice.rows),
        total,
        new_above: 0,
        seq: read_counts(rows.conn, CACHE)?.seq,
    })
}

pub(super) fn compare(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        (Value::Float(x), Value::Float(y)) => x.total_cmp(y),
        (Value::Time(x), Value::Time(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        _ => a.to_plain().cmp(&b.to_plain()),
    }
}
