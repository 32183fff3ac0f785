//! Appliances and their collectors: few enough to be filtered and sorted in memory. Their past.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::rows;
use super::slice::Slice;
use super::sources::compare;
use crate::model::appliance::{ApplianceRow, ApplianceState, CollectorRow, HistoryRequest, Point, Span};
use crate::model::command::Targets;
use crate::model::field::{FieldKind, Record, Value};
use crate::model::ids::RowId;
use crate::model::page::{Page, PageRequest, Rows, Scope, Table, Total};
use crate::model::resource::{NodeKind, Resource};
use crate::model::tables::spec;
use crate::model::time::{HOUR, Ts};
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;
use crate::store::measure::{LEVELS, Step, level_of};

/// Steps of the little curve in a row.
const CURVE: u16 = 24;

/// All appliances, without their curves.
fn every(rows: &rows::Rows<'_>) -> rusqlite::Result<Vec<ApplianceRow>> {
    let mut stmt = rows.conn.prepare_cached(
        "SELECT m.source, m.state, coalesce(s.alarms, 0) FROM m_now m LEFT JOIN c_sources s ON s.id = m.source",
    )?;
    let mut found = stmt.query([])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let source: u32 = row.get(0)?;
        let Ok(state) = minicbor::decode::<ApplianceState>(row.get_ref(1)?.as_blob()?) else { continue };
        out.push(ApplianceRow {
            id: RowId(source.into()),
            source: rows.names.name(source),
            state: Arc::new(state),
            alarms: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            fill_hour: Vec::new(),
        });
    }
    Ok(out)
}

pub(super) fn sorted<T: Record>(mut found: Vec<T>, request: &PageRequest, name: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
    if let Some(query) = &request.filter {
        found.retain(|row| query.matches(row, request.now));
    }
    let table = spec(request.table);
    let wanted: Vec<(&'static str, bool)> = if request.sort.is_empty() {
        table.default_sort.to_vec()
    } else {
        request.sort.iter().map(|s| (s.field, s.desc)).collect()
    };
    found.sort_by(|a, b| {
        for (field, desc) in &wanted {
            let (x, y) = (a.get(field), b.get(field));
            // What is not known stands last, whichever way.
            let order = match (&x, &y) {
                (Value::None, Value::None) => continue,
                (Value::None, _) => return std::cmp::Ordering::Greater,
                (_, Value::None) => return std::cmp::Ordering::Less,
                _ => match table.field(field).map(|f| f.kind) {
                    // Words stand in the order of what they mean.
                    Some(FieldKind::Word(words)) => {
                        let place = |v: &Value<'_>| words.iter().position(|w| *w == v.to_plain());
                        place(&x).cmp(&place(&y))
                    }
                    _ => compare(&x, &y),
                },
            };
            let order = if *desc { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        name(a).cmp(&name(b))
    });
    found
}

/// The appliances of a request, in its order, without their curves.
pub(crate) fn all(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<ApplianceRow>> {
    Ok(sorted(every(rows)?, request, |row| (&row.source, "")))
}

/// The collectors of a request, in its order, without their curves.
pub(crate) fn collectors(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<CollectorRow>> {
    let mut found = Vec::new();
    for appliance in every(rows)? {
        if request.below.is_some_and(|id| id != appliance.id) {
            continue;
        }
        let state = &appliance.state;
        found.extend(state.collectors.iter().map(|c| CollectorRow {
            id: hashed(appliance.id, &c.name),
            source: Arc::clone(&appliance.source),
            canonical: Resource::new(NodeKind::Collector, c.name.as_str()).canonical(&appliance.source),
            at: state.at,
            contact: state.contact,
            state: c.clone(),
            in_hour: Vec::new(),
        }));
    }
    Ok(sorted(found, request, |row| (&row.source, &row.state.name)))
}

/// Identity of a part: that of the whole, and a hash of its name.
pub(super) fn hashed(appliance: RowId, name: &str) -> RowId {
    RowId((appliance.0 << 32) | (xxhash_rust::xxh3::xxh3_64(name.as_bytes()) & 0xffff_ffff) as i64)
}

/// Answers a request for appliances or collectors.
pub(crate) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let limit = usize::from(request.limit).max(1);
    let seq = read_counts(rows.conn, CACHE)?.seq;
    let page = |rows, total: usize, (at_start, at_end, first)| Page {
        rows,
        at_start,
        at_end,
        first,
        total: Total::Exact(total as u64),
        new_above: 0,
        seq,
    };
    if request.table == Table::Appliances {
        let found = all(rows, request)?;
        let total = found.len();
        let mut s = Slice::of_all(found, request.anchor, limit, |row, id| row.id.0 == id);
        for row in &mut s.rows {
            let fill = |p: &Point| p.fill_permille().map(|f| u32::try_from(f).unwrap_or(u32::MAX));
            row.fill_hour = curve(rows, row.id, None, request.now)?.iter().map(fill).collect();
        }
        return Ok(page(Rows::Appliances(s.rows), total, (s.at_start, s.at_end, s.first)));
    }
    let found = collectors(rows, request)?;
    let total = found.len();
    let mut s = Slice::of_all(found, request.anchor, limit, |row, id| row.id.0 == id);
    for row in &mut s.rows {
        let past = curve(rows, RowId(row.id.0 >> 32), Some(&row.state.name), request.now)?;
        row.in_hour = past.iter().map(|p| p.in_milli).collect();
    }
    Ok(page(Rows::Collectors(s.rows), total, (s.at_start, s.at_end, s.first)))
}

/// The last hour in a few steps, out of those of two minutes.
fn curve(rows: &rows::Rows<'_>, id: RowId, collector: Option<&str>, now: Ts) -> rusqlite::Result<Vec<Point>> {
    past(rows, id.0, collector, (now.0 - HOUR, now.0), CURVE, 1)
}

/// One appliance with its curve.
pub(super) fn one(rows: &rows::Rows<'_>, id: RowId, now: Ts) -> rusqlite::Result<Option<ApplianceRow>> {
    let Some(mut row) = every(rows)?.into_iter().find(|row| row.id == id) else { return Ok(None) };
    let fill = |p: &Point| p.fill_permille().map(|f| u32::try_from(f).unwrap_or(u32::MAX));
    row.fill_hour = curve(rows, id, None, now)?.iter().map(fill).collect();
    Ok(Some(row))
}

/// The past that a request asks for, oldest first; a step without polls is there all the same.
pub(crate) fn history(rows: &rows::Rows<'_>, request: &HistoryRequest) -> rusqlite::Result<Vec<Point>> {
    let Some(source) = rows.names.id(&request.source) else { return Ok(Vec::new()) };
    let ends = (request.until.0 - request.span.us(), request.until.0);
    past(rows, source.into(), request.collector.as_deref(), ends, request.points, level_of(request.span))
}

fn past(
    rows: &rows::Rows<'_>,
    source: i64,
    collector: Option<&str>,
    (from, until): (i64, i64),
    points: u16,
    level: usize,
) -> rusqlite::Result<Vec<Point>> {
    let (Some(kept), true) = (LEVELS.get(level), points > 0 && until > from) else { return Ok(Vec::new()) };
    // A step of the answer is at least one that is kept: more would look like more than is known.
    let points = i64::from(points).min((until - from) / kept.step).max(1);
    let step = (until - from) / points;
    let mut steps: HashMap<i64, Step> = HashMap::new();
    let mut stmt = rows.conn.prepare_cached(
        "SELECT at, body FROM m_points WHERE level = ?1 AND source = ?2 AND at >= ?3 AND at < ?4 ORDER BY at",
    )?;
    let mut found = stmt.query(params![level as i64, source, from - kept.step + 1, until])?;
    while let Some(row) = found.next()? {
        let at: i64 = row.get(0)?;
        let Ok(body) = minicbor::decode::<Step>(row.get_ref(1)?.as_blob()?) else { continue };
        let place = ((at.max(from) - from) / step).clamp(0, points - 1);
        steps.entry(place).or_default().add(&body);
    }
    let point = |n: i64| {
        let at = from + n * step;
        match steps.get(&n) {
            Some(body) => body.point(at, step, collector),
            None => Point { at: Ts(at), step_us: step, ..Point::default() },
        }
    };
    Ok((0..points).map(point).collect())
}

/// The appliances that targets mean, at most `limit`.
pub(crate) fn meant(
    rows: &rows::Rows<'_>,
    targets: &Targets,
    now: Ts,
    limit: usize,
) -> rusqlite::Result<Vec<ApplianceRow>> {
    let request = asked(Table::Appliances, targets, now);
    let mut found = all(rows, &request)?;
    found.retain(|row| targeted(targets, Table::Appliances, row.id, &[&row.source]));
    found.truncate(limit);
    Ok(found)
}

/// The collectors that targets mean, at most `limit`.
pub(crate) fn collectors_meant(
    rows: &rows::Rows<'_>,
    targets: &Targets,
    now: Ts,
    limit: usize,
) -> rusqlite::Result<Vec<CollectorRow>> {
    let request = asked(Table::Collectors, targets, now);
    let mut found = collectors(rows, &request)?;
    found.retain(|row| targeted(targets, Table::Collectors, row.id, &[&row.canonical]));
    found.truncate(limit);
    Ok(found)
}

pub(super) fn asked(table: Table, targets: &Targets, now: Ts) -> PageRequest {
    let filter = if let Targets::Filter { filter, .. } = targets { filter.clone() } else { None };
    let below = if let Targets::Filter { below, .. } = targets { *below } else { None };
    PageRequest { below, ..PageRequest::all(table, Scope::All, filter, now) }
}

pub(super) fn targeted(targets: &Targets, table: Table, id: RowId, names: &[&str]) -> bool {
    match targets {
        Targets::Rows(of, ids) => *of == table && ids.contains(&id),
        Targets::Names(of, wanted) => *of == table && wanted.iter().any(|w| names.contains(&w.as_str())),
        Targets::Filter { table: of, except, .. } => *of == table && !except.contains(&id),
        Targets::None => false,
    }
}

/// What a worker takes up where it was: the state last known, and the past at two paces.
pub(crate) fn known(
    rows: &rows::Rows<'_>,
    source: &str,
    now: Ts,
) -> rusqlite::Result<Option<(ApplianceState, Vec<Point>)>> {
    let Some(id) = rows.names.id(source) else { return Ok(None) };
    let state: Option<Vec<u8>> = rows
        .conn
        .prepare_cached("SELECT state FROM m_now WHERE source = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(state) = state.and_then(|bytes| minicbor::decode(&bytes).ok()) else { return Ok(None) };
    let span = Span::Day.us();
    let points = u16::try_from(span / LEVELS[1].step).unwrap_or(u16::MAX);
    Ok(Some((state, past(rows, id.into(), None, (now.0 - span, now.0), points, 1)?)))
}
