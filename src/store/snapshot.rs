//! What the screen shows without asking: counters, generations, sources.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::fold::read_counts;
use super::fold::sql::CACHE;
use super::names::Names;
use super::{Error, Snapshot, open};
use crate::model::ids::RowId;
use crate::model::order;
use crate::model::page::Generations;
use crate::model::source::{SourceReport, SourceRow};
use crate::model::time::Ts;

/// How often an instance that only reads looks whether the owner wrote.
const LOOK: Duration = Duration::from_secs(1);

/// The sources by name.
pub(crate) fn sources(conn: &Connection, names: &Names) -> rusqlite::Result<Arc<[SourceRow]>> {
    let mut stmt = conn.prepare_cached("SELECT id, report, as_of, alarms FROM c_sources WHERE report IS NOT NULL")?;
    let mut rows = stmt.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let id: u32 = row.get(0)?;
        let report: SourceReport = minicbor::decode(row.get_ref(1)?.as_blob()?).unwrap_or_default();
        let alarms = row.get::<_, i64>(3)?.max(0) as u32;
        let as_of = Ts(row.get(2)?);
        out.push(SourceRow { id: RowId(id.into()), name: names.name(id), report, as_of, alarms });
    }
    order::by(&mut out, |a, b| a.name.cmp(&b.name));
    Ok(out.into())
}

/// Everything at once, for an instance without a writer.
pub(crate) fn read(conn: &Connection, generation: u64) -> rusqlite::Result<Snapshot> {
    let tx = conn.unchecked_transaction()?;
    let counts = read_counts(&tx, CACHE)?;
    let names = Names::load(&tx)?;
    let sources = sources(&tx, &names)?;
    let g = generation;
    let generations = Generations {
        alarms: g,
        nodes: g,
        sources: g,
        log: g,
        cpes: g,
        jobs: g,
        appliances: g,
        vms: g,
        seq: counts.seq,
    };
    Ok(Snapshot { generations, counts, sources, trouble: None })
}

/// Publishes what another process writes, while somebody listens.
pub(crate) fn follow(path: &std::path::Path, snapshots: &watch::Sender<Snapshot>) -> Result<(), Error> {
    let fail = |e| Error::from_sqlite(path, "reading it", &e);
    let conn = open::reader(path)?;
    snapshots.send_replace(read(&conn, 1).map_err(fail)?);
    let file = path.to_path_buf();
    let snapshots = snapshots.clone();
    let look = move || {
        let version = || conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let mut seen = version().unwrap_or(0);
        let mut generation = 1;
        // The store and this thread hold a sender each: alone, nobody is left to tell.
        while snapshots.sender_count() > 1 {
            std::thread::park_timeout(LOOK);
            if snapshots.receiver_count() == 0 {
                continue;
            }
            let now = version().unwrap_or(seen);
            if now == seen {
                continue;
            }
            seen = now;
            generation += 1;
            match read(&conn, generation) {
                Ok(snapshot) => _ = snapshots.send_replace(snapshot),
                Err(error) => tracing::warn!(%error, path = %file.display(), "the cache cannot be read"),
            }
        }
    };
    std::thread::Builder::new()
        .name("store-follow".to_owned())
        .spawn(look)
        .map_err(|e| Error::Unusable { path: path.to_path_buf(), reason: format!("no thread: {e}") })?;
    Ok(())
}
