//! Letting old records go without losing what they say.
//!
//! Before records leave the journal they are folded into the base tables: the state of everything
//! at the horizon. The cache is then the fold of the base and of what is left of the journal, so
//! it can still be dropped and folded again.

use rusqlite::{Connection, OptionalExtension, params};

use super::fold::Fold;
use super::fold::sql::BASE;
use super::{Error, OpenOptions, open, refold};
use crate::model::time::Ts;

/// Records that leave in one transaction: some ten milliseconds of the writer's time.
const SLICE: usize = 4_000;
/// Pages given back to the file system after each slice.
const VACUUM_PAGES: i64 = 2_000;
/// What a record costs beyond its payload, bytes.
const ROW_BYTES: i64 = 24;

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Call again.
    More,
    /// Everything left may stay.
    Done,
}

/// Lets at most one slice go.
pub(crate) fn step(conn: &mut Connection, options: &OpenOptions, now: Ts) -> Result<Progress, Error> {
    let path = &options.path;
    let fail = |e| Error::from_sqlite(path, "letting old records go", &e);
    let going = going(conn, options, now).map_err(fail)?;
    if going == 0 {
        return Ok(Progress::Done);
    }
    let tx = conn.transaction().map_err(fail)?;
    if !open::has_tables(&tx, BASE).map_err(fail)? {
        open::create_tables(&tx, BASE).map_err(fail)?;
    }
    let mut base = Fold::load(&tx, BASE, &options.tenant).map_err(fail)?;
    let entries = refold::read(&tx, path, base.seq, going)?;
    for entry in &entries {
        base.apply(&tx, entry.seq, &entry.record).map_err(fail)?;
    }
    base.flush(&tx).map_err(fail)?;
    tx.execute("DELETE FROM journal WHERE seq <= ?1", params![base.seq.0]).map_err(fail)?;
    tx.commit().map_err(fail)?;
    vacuum(conn).map_err(fail)?;
    Ok(if going == SLICE { Progress::More } else { Progress::Done })
}

/// How many of the oldest records have to go, at most a slice.
fn going(conn: &Connection, options: &OpenOptions, now: Ts) -> rusqlite::Result<usize> {
    let ends = conn
        .query_row("SELECT min(seq), max(seq) FROM journal", [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        })
        .optional()?
        .flatten();
    let Some((first, last)) = ends else { return Ok(0) };
    let cutoff = now.plus(-options.keep_us).0;
    let kept: Option<i64> = conn
        .query_row(
            "SELECT seq FROM (SELECT seq, at FROM journal ORDER BY seq LIMIT ?1) WHERE at >= ?2 ORDER BY seq LIMIT 1",
            params![SLICE as i64, cutoff],
            |row| row.get(0),
        )
        .optional()?;
    let by_age = kept.map_or(SLICE as i64, |seq| seq - first);
    let average: f64 = conn.query_row(
        "SELECT coalesce(avg(length(payload)), 0) FROM (SELECT payload FROM journal ORDER BY seq DESC LIMIT 500)",
        [],
        |row| row.get(0),
    )?;
    let each = average as i64 + ROW_BYTES;
    let room = i64::try_from(options.max_bytes).unwrap_or(i64::MAX) / each;
    let by_size = (last - first + 1) - room;
    let going = by_age.max(by_size).min(last - first + 1);
    Ok(usize::try_from(going).unwrap_or(0).min(SLICE))
}

fn vacuum(conn: &Connection) -> rusqlite::Result<()> {
    let mut stmt = conn.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut rows = stmt.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
