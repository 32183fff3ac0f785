//! Source names and alarm types as small numbers: a million rows carry two bytes instead of two
//! strings, and filters on them look once at a handful of names.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

/// The interned names. Number 0 is the empty name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_name: HashMap<Arc<str>, u32>,
    by_id: HashMap<u32, Arc<str>>,
}

impl Names {
    /// Reads all of them.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        names.put(0, Arc::from(""));
        let mut stmt = conn.prepare_cached("SELECT id, name FROM names")?;
        let mut rows = stmt.query([])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(1)?.as_str()?;
            names.put(row.get(0)?, Arc::from(name));
        }
        Ok(names)
    }

    fn put(&mut self, id: u32, name: Arc<str>) {
        self.by_name.insert(Arc::clone(&name), id);
        self.by_id.insert(id, name);
    }

    /// The number of a name, given out now if it is new.
    pub(crate) fn intern(&mut self, conn: &Connection, name: &str) -> rusqlite::Result<u32> {
        if let Some(id) = self.by_name.get(name) {
            return Ok(*id);
        }
        conn.prepare_cached("INSERT INTO names (name) VALUES (?1)")?.execute(params![name])?;
        let id = u32::try_from(conn.last_insert_rowid()).unwrap_or(u32::MAX);
        self.put(id, Arc::from(name));
        Ok(id)
    }

    /// The number of a name that may not be known.
    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The name of a number; empty for unknown ones.
    pub(crate) fn name(&self, id: u32) -> Arc<str> {
        self.by_id.get(&id).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// Whether a number is known.
    pub(crate) fn has(&self, id: u32) -> bool {
        self.by_id.contains_key(&id)
    }
}
