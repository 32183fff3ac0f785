//! The log: journal records of the kinds that tell what was done and said, as rows.
//!
//! They are read straight from the journal, in its order; a filter is applied to the rows.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use super::slice::Slice;
use crate::model::alarm::Counts;
use crate::model::ids::{AlarmKey, RowId, Seq};
use crate::model::log::LogRow;
use crate::model::observation::{Observation, Observed};
use crate::model::page::{Anchor, Page, PageRequest, Rows, Total};
use crate::model::record::Record;
use crate::store::fold::sql::CACHE;
use crate::store::fold::{key_hash, read_counts, verb_text};
use crate::store::kind;

/// Rows counted before a total is "at least".
const COUNTED: u64 = 10_000;
/// New rows above the window that are counted.
const NEW_CAP: u32 = 1_000;

/// Answers a request for the log.
pub(crate) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let Counts { seq, .. } = read_counts(rows.conn, CACHE)?;
    let newest_first = is_newest_first(request);
    let limit = usize::from(request.limit).max(1);
    let place = match request.anchor {
        Anchor::Row { id, before } => Some((id.0, usize::from(before).min(limit - 1))),
        _ => None,
    };
    let take = |from: Option<i64>, newest_first: bool, skip: u64, count: usize| -> rusqlite::Result<Vec<LogRow>> {
        let mut out = Vec::new();
        let mut skip = skip;
        walk(rows, request, from, newest_first, |row| {
            if skip > 0 {
                skip -= 1;
            } else {
                out.push(row);
            }
            out.len() < count
        })?;
        Ok(out)
    };
    let slice = match (request.anchor, place) {
        (_, Some((at, before))) => {
            let above = take(Some(at), !newest_first, 0, limit + 1)?;
            let inclusive = if newest_first { at + 1 } else { at - 1 };
            let below = take(Some(inclusive), newest_first, 0, limit + 1)?;
            Slice::around(above, below, before, limit)
        }
        (Anchor::End, _) => Slice::at_end(take(None, !newest_first, 0, limit + 1)?, limit),
        (Anchor::Offset(skip), _) => Slice::at(take(None, newest_first, skip, limit + 1)?, skip, limit),
        _ => Slice::at(take(None, newest_first, 0, limit + 1)?, 0, limit),
    };
    let total = match (slice.at_start && slice.at_end, request.filter.is_some()) {
        (true, _) => Total::Exact(slice.rows.len() as u64),
        (false, true) => Total::AtLeast(slice.rows.len() as u64),
        (false, false) => count_all(rows.conn)?,
    };
    let new_above = match (request.new_since, slice.rows.first()) {
        (Some(since), Some(first)) if newest_first => newer(rows, request, since, first.id)?,
        _ => 0,
    };
    Ok(Page {
        at_start: slice.at_start,
        at_end: slice.at_end,
        first: slice.first,
        rows: Rows::Log(slice.rows),
        total,
        new_above,
        seq,
    })
}

/// Whether the request wants the newest rows first, as the log does by itself.
pub(crate) fn is_newest_first(request: &PageRequest) -> bool {
    request.sort.first().is_none_or(|s| s.desc)
}

fn count_all(conn: &Connection) -> rusqlite::Result<Total> {
    let found: i64 = conn
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM journal WHERE kind >= 16 LIMIT ?1)")?
        .query_row([COUNTED as i64 + 1], |row| row.get(0))?;
    let found = found as u64;
    Ok(if found > COUNTED { Total::AtLeast(COUNTED) } else { Total::Exact(found) })
}

fn newer(rows: &rows::Rows<'_>, request: &PageRequest, since: Seq, first: RowId) -> rusqlite::Result<u32> {
    let mut count = 0;
    walk(rows, request, Some(first.0.max(since.0)), false, |_| {
        count += 1;
        count < NEW_CAP
    })?;
    Ok(count)
}

/// Gives the rows behind a place to `each` until it has enough.
pub(crate) fn walk(
    rows: &rows::Rows<'_>,
    request: &PageRequest,
    from: Option<i64>,
    newest_first: bool,
    mut each: impl FnMut(LogRow) -> bool,
) -> rusqlite::Result<()> {
    let text = if newest_first {
        "SELECT seq, kind, payload FROM journal WHERE kind >= 16 AND seq < ?1 ORDER BY seq DESC"
    } else {
        "SELECT seq, kind, payload FROM journal WHERE kind >= 16 AND seq > ?1 ORDER BY seq"
    };
    let from = from.unwrap_or(if newest_first { i64::MAX } else { i64::MIN });
    let mut stmt = rows.conn.prepare_cached(text)?;
    let mut found = stmt.query(params![from])?;
    while let Some(found) = found.next()? {
        let seq: i64 = found.get(0)?;
        let Some(row) = row(rows, seq, found.get(1)?, found.get_ref(2)?.as_blob()?)? else { continue };
        let passes = request.filter.as_ref().is_none_or(|q| q.matches(&row, request.now));
        if passes && !each(row) {
            break;
        }
    }
    Ok(())
}

fn row(rows: &rows::Rows<'_>, seq: i64, kind: u8, payload: &[u8]) -> rusqlite::Result<Option<LogRow>> {
    let Some(kind) = kind::logged(kind) else { return Ok(None) };
    let Ok(record) = minicbor::decode::<Record>(payload) else { return Ok(None) };
    let mut row = LogRow {
        id: RowId(seq),
        at: crate::model::time::Ts::NEVER,
        kind,
        source: String::new(),
        what: String::new(),
        target: String::new(),
        status: String::new(),
        duration_us: 0,
        tries: 0,
        actor: String::new(),
        text: String::new(),
        failed: false,
    };
    match record {
        Record::Observed(observed) => from_observed(observed, &mut row),
        Record::Action(action) => {
            row.at = action.at;
            action.verb.word().clone_into(&mut row.what);
            row.target = alarm_name(rows.conn, action.key)?;
            "OK".clone_into(&mut row.status);
            row.text = verb_text(&action.verb);
            row.actor = action.actor;
        }
        Record::Command(command) => {
            row.at = command.at;
            row.what = command.command;
            row.target = match command.targets.as_slice() {
                [one] => one.clone(),
                [first, ..] => format!("{first} and {} more", command.total.saturating_sub(1)),
                [] => String::new(),
            };
            row.failed = command.done < command.total;
            row.status = format!("{} of {}", command.done, command.total);
            row.actor = command.actor;
            row.text = command.errors.join("; ");
        }
        Record::Inventory(load) => {
            row.at = load.at;
            "inventory".clone_into(&mut row.what);
            "OK".clone_into(&mut row.status);
            row.text = format!("{} lines", load.items.len());
            row.target = load.file;
        }
        Record::Job(job) => super::jobs::logged(rows.conn, job, &mut row)?,
        Record::Timer(_) => return Ok(None),
    }
    Ok(Some(row))
}

fn from_observed(observed: Observed, row: &mut LogRow) {
    row.at = observed.at;
    row.source = observed.source.to_string();
    match observed.what {
        Observation::Call(call) => {
            row.what = call.call;
            row.target = call.target;
            row.failed = !call.error.is_empty();
            row.status = call.status;
            row.duration_us = call.duration_us;
            row.tries = call.tries;
            row.actor = call.actor;
            row.text = call.error;
        }
        Observation::Notice(notice) => {
            row.what = notice.event;
            row.target = notice.resource.map(|r| r.to_string()).unwrap_or_default();
            row.failed = notice.failure;
            row.text = notice.text;
        }
        Observation::Source(report) => {
            "health".clone_into(&mut row.what);
            report.health.word().clone_into(&mut row.status);
            row.target = report.endpoint;
            row.failed = !report.last_error.is_empty();
            row.text = if report.last_error.is_empty() { report.stream } else { report.last_error };
        }
        Observation::Resync(resync) => {
            "resync".clone_into(&mut row.what);
            "OK".clone_into(&mut row.status);
            row.text = format!("list rebuilt +{} -{}, {} differed", resync.added, resync.removed, resync.changed);
        }
        Observation::Unreadable(message) => {
            "message".clone_into(&mut row.what);
            "unreadable".clone_into(&mut row.status);
            row.failed = true;
            row.text = format!("{} ({} bytes)", message.reason, message.len);
        }
        _ => {}
    }
}

/// What an alarm is about; its key when it has left the cache.
fn alarm_name(conn: &Connection, key: AlarmKey) -> rusqlite::Result<String> {
    let found: Option<(String, String)> = conn
        .prepare_cached(
            "SELECT a.canonical, t.name FROM c_alarms a JOIN names t ON t.id = a.type WHERE a.kh = ?1 AND a.key = ?2",
        )?
        .query_row(params![key_hash(key), key.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map_or_else(|| key.to_string(), |(resource, type_id)| format!("{resource} {type_id}")))
}
