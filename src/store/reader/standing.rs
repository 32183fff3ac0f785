//! The alarms of a source that stand, as its poller compares its lists with them.

use rusqlite::{Connection, params};

use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::store::names::Names;

/// An alarm that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingAlarm {
    /// The alarmed object.
    pub resource: Resource,
    /// Entry of the inventory, or the source's own name.
    pub type_id: String,
    /// Tells apart what the type does not.
    pub qualifier: String,
    /// Last severity.
    pub severity: Severity,
    /// Its line.
    pub text: String,
    /// It is plainly visible: neither suppressed nor shelved.
    pub visible: bool,
}

/// Streams the alarms of a source that stand.
pub(crate) fn each(
    conn: &Connection,
    names: &Names,
    source: &str,
    each: &mut dyn FnMut(StandingAlarm),
) -> rusqlite::Result<()> {
    let Some(id) = names.id(source) else { return Ok(()) };
    let mut stmt = conn.prepare_cached(
        "SELECT a.kind, a.serial, a.idx, t.name, a.qualifier, a.severity, a.text, a.vis \
         FROM c_alarms a JOIN names t ON t.id = a.type WHERE a.source = ?1 AND NOT a.cleared",
    )?;
    let mut rows = stmt.query(params![id])?;
    while let Some(row) = rows.next()? {
        let kind = NodeKind::from_code(row.get(0)?).unwrap_or(NodeKind::Device);
        each(StandingAlarm {
            resource: Resource { kind, name: row.get(1)?, index: row.get(2)? },
            type_id: row.get(3)?,
            qualifier: row.get(4)?,
            severity: Severity::from_rank(row.get(5)?),
            text: row.get(6)?,
            visible: row.get::<_, u8>(7)? == 0,
        });
    }
    Ok(())
}
