//! Windows onto the large lists.
//!
//! Three ways lead to a window. In the order of an index, rows are read until the window is full:
//! instant where matches are frequent. A filter that finds too little that way is rare, so all of
//! its matches are collected, from where indexes say they can be or else in one pass over the
//! table, and kept for the next request of the same data. An order without an index is left to
//! SQLite's sorter, which keeps only the window.

use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::candidates::Search;
use super::filter::{Regexes, Sql};
use super::list::{List, Way};
use super::rows;
use crate::model::ids::{RowId, Seq};
use crate::model::page::{Anchor, Page, PageRequest, Rows, Scope, Table, Total};
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;

/// Rows looked at in index order before a filter counts as rare.
const PROBE: usize = 8_000;
/// Matches of a rare filter that are kept; more go through the sorter.
const KEPT: usize = 20_000;
/// Rows counted before a total is "at least".
const COUNTED: u64 = 10_000;
/// New rows above the window that are counted.
const NEW_CAP: u32 = 1_000;
/// How long relative times of a filter may be off in kept matches.
const FRESH: Duration = Duration::from_secs(2);

/// All matches of a rare filter, in order.
pub(crate) struct Matches {
    request: PageRequest,
    seq: Seq,
    made: Instant,
    rows: Vec<Vec<Value>>,
}

impl Matches {
    fn serve(&self, request: &PageRequest, seq: Seq) -> bool {
        self.seq == seq
            && self.made.elapsed() < FRESH
            && self.request.table == request.table
            && self.request.scope == request.scope
            && self.request.filter == request.filter
            && self.request.below == request.below
            && self.request.sort == request.sort
    }
}

/// Ids of a window and what is known of its place.
struct Window {
    ids: Vec<i64>,
    at_start: bool,
    at_end: bool,
    first: Option<u64>,
    total: Option<Total>,
}

/// Answers a request for alarms or nodes.
pub(crate) fn page(
    rows: &rows::Rows<'_>,
    regexes: &Regexes,
    kept: &mut Option<Matches>,
    request: &PageRequest,
) -> rusqlite::Result<Page> {
    let conn = rows.conn;
    let seq = read_counts(conn, CACHE)?.seq;
    let list = List::new(conn, regexes, request)?;
    let window = window(rows, regexes, &list, kept, request, seq)?;
    let total = match window.total {
        Some(total) => total,
        None => total_of(conn, &list, request)?,
    };
    let new_above = match (request.new_since, window.ids.first()) {
        (Some(since), Some(first)) => new_above(conn, &list, since, RowId(*first))?,
        _ => 0,
    };
    let found = match request.table {
        Table::Nodes => Rows::Nodes(
            window
                .ids
                .iter()
                .map(|id| rows.node(*id))
                .filter_map(Result::transpose)
                .collect::<rusqlite::Result<_>>()?,
        ),
        Table::Cpes => Rows::Cpes(
            window
                .ids
                .iter()
                .map(|id| super::cpes::row(rows, *id, request.now))
                .filter_map(Result::transpose)
                .collect::<rusqlite::Result<_>>()?,
        ),
        _ => Rows::Alarms(
            window
                .ids
                .iter()
                .map(|id| rows.alarm(*id))
                .filter_map(Result::transpose)
                .collect::<rusqlite::Result<_>>()?,
        ),
    };
    Ok(Page {
        rows: found,
        at_start: window.at_start,
        at_end: window.at_end,
        first: window.first,
        total,
        new_above,
        seq,
    })
}

fn window(
    rows: &rows::Rows<'_>,
    regexes: &Regexes,
    list: &List,
    kept: &mut Option<Matches>,
    request: &PageRequest,
    seq: Seq,
) -> rusqlite::Result<Window> {
    let conn = rows.conn;
    if !list.filtered {
        return by_keys(conn, list, request, None).map(|(w, _)| w);
    }
    if let Some(matches) = kept.as_ref().filter(|m| m.serve(request, seq)) {
        return from_matches(conn, list, matches, request);
    }
    if list.indexed && !matches!(request.anchor, Anchor::Offset(_)) {
        let (window, full) = by_keys(conn, list, request, Some(PROBE))?;
        if full {
            return Ok(window);
        }
    }
    let near = near(rows, regexes, request)?;
    match collect(conn, list, near.as_deref())? {
        Some(rows) => {
            let matches = Matches { request: request.clone(), seq, made: Instant::now(), rows };
            let window = from_matches(conn, list, &matches, request);
            *kept = Some(matches);
            window
        }
        None => by_keys(conn, list, request, None).map(|(w, _)| w),
    }
}

/// A window by keys; whether it is as full as it was asked to be (a probe may end early).
fn by_keys(
    conn: &Connection,
    list: &List,
    request: &PageRequest,
    probe: Option<usize>,
) -> rusqlite::Result<(Window, bool)> {
    let limit = usize::from(request.limit).max(1);
    let mut first = None;
    let (mut ids, at_start, at_end);
    let full;
    match anchor(conn, list, request)? {
        Place::Start => {
            ids = list.ids(conn, None, Way::Behind, limit + 1, probe)?;
            (at_start, at_end, full) = (true, ids.len() <= limit, ids.len() > limit);
            ids.truncate(limit);
            first = Some(0);
        }
        Place::End => {
            ids = list.ids(conn, None, Way::Before, limit + 1, probe)?;
            (at_start, at_end, full) = (ids.len() <= limit, true, ids.len() > limit);
            ids.truncate(limit);
            ids.reverse();
        }
        Place::Offset(skip) => {
            ids = skipped(conn, list, skip, limit + 1)?;
            (at_start, at_end, full) = (skip == 0, ids.len() <= limit, true);
            ids.truncate(limit);
            first = Some(skip);
        }
        Place::Keys(keys, before) => {
            let above_wanted = before.min(limit - 1);
            let mut above = list.ids(conn, Some(&keys), Way::Before, limit + 1, probe)?;
            let mut below = list.ids(conn, Some(&keys), Way::Behind, limit + 1, probe)?;
            full = above.len() > above_wanted && below.len() > limit - above_wanted;
            if let Some(here) = here(conn, list, &keys)? {
                below.insert(0, here);
            }
            let below_count = below.len().min(limit - above_wanted.min(above.len()));
            let above_count = above.len().min(limit - below_count);
            (at_start, at_end) = (above.len() <= above_count, below.len() <= below_count);
            above.truncate(above_count);
            above.reverse();
            below.truncate(below_count);
            above.extend(below);
            ids = above;
        }
    }
    let total = (at_start && at_end).then_some(Total::Exact(ids.len() as u64));
    Ok((Window { ids, at_start, at_end, first: first.or(at_start.then_some(0)), total }, full))
}

enum Place {
    Start,
    End,
    Offset(u64),
    Keys(Vec<Value>, usize),
}

fn anchor(conn: &Connection, list: &List, request: &PageRequest) -> rusqlite::Result<Place> {
    Ok(match request.anchor {
        Anchor::Start | Anchor::Offset(0) => Place::Start,
        Anchor::End => Place::End,
        Anchor::Offset(skip) => Place::Offset(skip),
        // A row that left the list still has its keys: they are the place it had.
        Anchor::Row { id, before } => match list.values(conn, id)? {
            Some(keys) => Place::Keys(keys, usize::from(before)),
            None => Place::Start,
        },
    })
}

/// The anchored row itself, when it is in the list.
fn here(conn: &Connection, list: &List, keys: &[Value]) -> rusqlite::Result<Option<i64>> {
    let Some(Value::Integer(id)) = keys.last() else { return Ok(None) };
    let mut sql = list.all.clone();
    sql.push(&format!(" AND {}.id = ", list.alias));
    sql.bind(*id);
    let text = format!("SELECT 1 FROM {} WHERE {}", list.from, sql.text);
    let found = conn.prepare_cached(&text)?.exists(params_from_iter(sql.values.iter()))?;
    Ok(found.then_some(*id))
}

fn skipped(conn: &Connection, list: &List, skip: u64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let text = format!(
        "SELECT {}.id FROM {} WHERE {} ORDER BY {} LIMIT {limit} OFFSET {skip}",
        list.alias,
        list.from,
        list.all.text,
        list.order(Way::Behind)
    );
    conn.prepare_cached(&text)?.query_map(params_from_iter(list.all.values.iter()), |row| row.get(0))?.collect()
}

/// Rows among which all matches of a filter are, where indexes tell them.
fn near(rows: &rows::Rows<'_>, regexes: &Regexes, request: &PageRequest) -> rusqlite::Result<Option<Vec<i64>>> {
    match &request.filter {
        Some(query) => Search::new(rows.conn, rows.names, request).ids(query, regexes),
        None => Ok(None),
    }
}

/// The ids of all matches in order, when indexes tell where to look for them.
pub(crate) fn found_nearby(
    rows: &rows::Rows<'_>,
    regexes: &Regexes,
    list: &List,
    request: &PageRequest,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let Some(near) = near(rows, regexes, request)? else { return Ok(None) };
    Ok(collect(rows.conn, list, Some(&near))?.map(|found| found.iter().filter_map(|keys| id_of(keys)).collect()))
}

/// The row id, which is the last of the keys.
fn id_of(keys: &[Value]) -> Option<i64> {
    match keys.last() {
        Some(Value::Integer(id)) => Some(*id),
        _ => None,
    }
}

/// All matches in order; `None` when there are too many to keep. They are looked for in the whole
/// table unless it is known `near` which rows they are.
fn collect(conn: &Connection, list: &List, near: Option<&[i64]>) -> rusqlite::Result<Option<Vec<Vec<Value>>>> {
    let exprs: Vec<&str> = list.keys.iter().map(|k| k.expr.as_str()).collect();
    // In the order of the table: a pass over neighbouring pages instead of a seek a row.
    let hint = if list.base.text.contains("node IN") || list.table == Table::Nodes { "" } else { " NOT INDEXED" };
    let mut sql = list.all.clone();
    let from = match near {
        Some([]) => return Ok(Some(Vec::new())),
        Some(ids) => {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            sql.push(&format!(" AND {}.id = j.value AND j.json = ", list.alias));
            sql.bind(format!("[{}]", ids.join(",")));
            format!("json_each j CROSS JOIN {} NOT INDEXED", list.from)
        }
        None => format!("{}{hint}", list.from),
    };
    let text = format!("SELECT {} FROM {from} WHERE {}", exprs.join(", "), sql.text);
    let mut stmt = conn.prepare_cached(&text)?;
    let mut found = stmt.query(params_from_iter(sql.values.iter()))?;
    let mut rows: Vec<Vec<Value>> = Vec::new();
    while let Some(row) = found.next()? {
        if rows.len() >= KEPT {
            return Ok(None);
        }
        rows.push((0..exprs.len()).map(|i| row.get(i)).collect::<rusqlite::Result<_>>()?);
    }
    rows.sort_by(|a, b| list.compare(a, b, Way::Behind));
    Ok(Some(rows))
}

fn from_matches(conn: &Connection, list: &List, matches: &Matches, request: &PageRequest) -> rusqlite::Result<Window> {
    let rows = &matches.rows;
    let limit = usize::from(request.limit).max(1);
    let last_start = rows.len().saturating_sub(limit);
    let start = match anchor(conn, list, request)? {
        Place::Start => 0,
        Place::End => last_start,
        Place::Offset(skip) => usize::try_from(skip).unwrap_or(usize::MAX).min(rows.len()),
        Place::Keys(keys, before) => {
            let at = rows.partition_point(|row| list.compare(row, &keys, Way::Behind).is_lt());
            at.saturating_sub(before).min(last_start)
        }
    };
    let ids: Vec<i64> = rows.iter().skip(start).take(limit).filter_map(|row| id_of(row)).collect();
    Ok(Window {
        at_start: start == 0,
        at_end: start + ids.len() >= rows.len(),
        first: Some(start as u64),
        total: Some(Total::Exact(rows.len() as u64)),
        ids,
    })
}

/// How many rows there are, without spending long on it.
fn total_of(conn: &Connection, list: &List, request: &PageRequest) -> rusqlite::Result<Total> {
    if !list.filtered && request.below.is_none() && request.table == Table::Alarms {
        let counts = read_counts(conn, CACHE)?;
        let hidden = counts.shelved + counts.suppressed + counts.out_of_service;
        match request.scope {
            Scope::Open => return Ok(Total::Exact(u64::from(counts.total() + counts.returned))),
            Scope::Hidden => return Ok(Total::Exact(u64::from(hidden))),
            Scope::All => {}
        }
    }
    // A fleet is small enough to be counted.
    if list.table == Table::Cpes {
        return count(conn, list, u64::MAX);
    }
    if !list.filtered {
        return count(conn, list, COUNTED);
    }
    let text = format!(
        "SELECT count(*), total({f}) FROM (SELECT * FROM {} WHERE {} LIMIT {PROBE}) {}",
        list.from,
        list.base.text,
        list.alias,
        f = list.all.text
    );
    let (seen, found): (i64, f64) = conn
        .prepare_cached(&text)?
        .query_row(params_from_iter(list.all.values.iter()), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if seen < PROBE as i64 { Total::Exact(found as u64) } else { Total::AtLeast(found as u64) })
}

/// Counts up to a limit.
pub(crate) fn count(conn: &Connection, list: &List, limit: u64) -> rusqlite::Result<Total> {
    // One more than the limit tells "exactly" from "at least"; SQLite's numbers are signed.
    let most = limit.saturating_add(1).min(i64::MAX.unsigned_abs());
    let text = format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {most})", list.from, list.all.text);
    let found: i64 =
        conn.prepare_cached(&text)?.query_row(params_from_iter(list.all.values.iter()), |row| row.get(0))?;
    let found = found as u64;
    Ok(if found > limit { Total::AtLeast(limit) } else { Total::Exact(found) })
}

/// Alarms above the window whose spell began after a record.
fn new_above(conn: &Connection, list: &List, since: Seq, first: RowId) -> rusqlite::Result<u32> {
    if list.table != Table::Alarms {
        return Ok(0);
    }
    let Some(keys) = list.values(conn, first)? else { return Ok(0) };
    let mut sql: Sql = list.all.clone();
    sql.push(" AND a.born > ");
    sql.bind(since.0);
    sql.push(" AND ");
    list.beyond(&keys, Way::Before, &mut sql);
    let text = format!(
        "SELECT count(*) FROM (SELECT 1 FROM c_alarms a INDEXED BY c_alarms_born WHERE {} LIMIT {NEW_CAP})",
        sql.text
    );
    conn.prepare_cached(&text)?.query_row(params_from_iter(sql.values.iter()), |row| row.get(0))
}
