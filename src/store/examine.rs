//! A look at the file for `noctule doctor`: whether it is sound, how far its journal reaches, and
//! who writes it. Reads only; no lock is taken.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::error::Error;
use super::open;
use crate::model::ids::Seq;
use crate::model::time::Ts;

/// What a look at the file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What SQLite's own check complains of; empty when the file is sound.
    pub problems: Vec<String>,
    /// The oldest record of the journal.
    pub first: Option<(Seq, Ts)>,
    /// The newest.
    pub last: Option<(Seq, Ts)>,
}

/// Looks at a cache file.
///
/// # Errors
/// When there is none, or it cannot be opened at all.
pub fn examine(path: &Path) -> Result<Examined, Error> {
    let conn = open::reader(path)?;
    open::check_format(&conn, path)?;
    let fail = |doing| move |e| Error::from_sqlite(path, doing, &e);
    Ok(Examined {
        problems: problems(&conn).map_err(fail("checking it"))?,
        first: end(&conn, "ASC").map_err(fail("reading its journal"))?,
        last: end(&conn, "DESC").map_err(fail("reading its journal"))?,
    })
}

fn problems(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = conn.prepare("PRAGMA quick_check(10)")?;
    let words = check.query_map([], |row| row.get::<_, String>(0))?;
    words.filter(|w| !matches!(w, Ok(w) if w == "ok")).collect()
}

fn end(conn: &Connection, order: &str) -> rusqlite::Result<Option<(Seq, Ts)>> {
    conn.query_row(&format!("SELECT seq, at FROM journal ORDER BY seq {order} LIMIT 1"), [], |row| {
        Ok((Seq(row.get(0)?), Ts(row.get(1)?)))
    })
    .optional()
}
