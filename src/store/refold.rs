//! Folding again what the cache tables do not hold: after their tables were dropped, or when the
//! rules of the fold changed.

use std::path::Path;

use rusqlite::{Connection, params};

use super::Error;
use super::fold::Fold;
use super::fold::sql::{BASE, CACHE};
use crate::model::ids::Seq;
use crate::model::record::{Entry, Record};

/// Records folded in one transaction.
const BATCH: usize = 20_000;

/// Fills empty cache tables with the base at the horizon.
pub(crate) fn copy_base(conn: &Connection) -> rusqlite::Result<()> {
    let mut stmt = conn.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'b_*'")?;
    let names: Vec<String> = stmt.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for name in names {
        let plain = name.trim_start_matches(BASE);
        // Columns by name, and only those that are stored: a base may be older than what is derived.
        let columns: Vec<String> = conn
            .prepare("SELECT name FROM pragma_table_info(?1)")?
            .query_map([&name], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let columns = columns.join(", ");
        conn.execute_batch(&format!("INSERT INTO {CACHE}{plain} ({columns}) SELECT {columns} FROM {name}"))?;
    }
    Ok(())
}

/// Folds the records behind what the cache holds.
pub(crate) fn catch_up(conn: &mut Connection, path: &Path, tenant: &str) -> Result<(), Error> {
    let fail = |e| Error::from_sqlite(path, "folding the journal", &e);
    let mut fold = Fold::load(conn, CACHE, tenant).map_err(fail)?;
    loop {
        let entries = read(conn, path, fold.seq, BATCH)?;
        if entries.is_empty() {
            return Ok(());
        }
        let tx = conn.transaction().map_err(fail)?;
        for entry in &entries {
            fold.apply(&tx, entry.seq, &entry.record).map_err(fail)?;
        }
        fold.flush(&tx).map_err(fail)?;
        tx.commit().map_err(fail)?;
    }
}

/// Records after a place.
pub(crate) fn read(conn: &Connection, path: &Path, after: Seq, limit: usize) -> Result<Vec<Entry>, Error> {
    let fail = |e| Error::from_sqlite(path, "reading the journal", &e);
    let mut stmt =
        conn.prepare_cached("SELECT seq, payload FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2").map_err(fail)?;
    let mut rows = stmt.query(params![after.0, limit as i64]).map_err(fail)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        let seq: i64 = row.get(0).map_err(fail)?;
        let payload = row.get_ref(1).map_err(fail)?;
        entries.push(Entry { seq: Seq(seq), record: decode(seq, payload.as_blob().unwrap_or_default())? });
    }
    Ok(entries)
}

/// A record from its stored form.
pub(crate) fn decode(seq: i64, payload: &[u8]) -> Result<Record, Error> {
    minicbor::decode(payload).map_err(|e| Error::Record { seq, detail: e.to_string() })
}
