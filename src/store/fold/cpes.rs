//! CPEs in the fold: rows, kept parameters, faults, inform times.
//!
//! Unlike nodes and alarms, CPEs have no totals above them and no counters between them, so each
//! record is carried into its row at once.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::cpe::{CpeFault, CpePatch, Informs, Leaf, id_hash};
use crate::model::time::Ts;

use super::cpe::Cpe;
use super::{Fold, leaves};

/// Paths remembered with their numbers.
const PATHS: usize = 20_000;

impl Fold {
    pub(super) fn cpe_patch(
        &mut self,
        conn: &Connection,
        source: u32,
        at: Ts,
        patch: &CpePatch,
    ) -> rusqlite::Result<()> {
        self.touched.cpes = true;
        let ch = id_hash(&patch.id) as i64;
        let found =
            conn.prepare_cached(&self.sql.cpe_by_id)?.query_row(params![ch, source], Cpe::from_row).optional()?;
        let mut cpe = if let Some(cpe) = found {
            cpe
        } else {
            let faults =
                conn.prepare_cached(&self.sql.count_faults)?.query_row(params![source, ch], |row| row.get(0))?;
            let id = self.next_cpe;
            self.next_cpe += 1;
            Cpe::new(id, ch, source, &patch.id, faults)
        };
        cpe.take(patch);
        cpe.as_of = at.0;
        // A change that no poll told makes the next poll tell all.
        cpe.patch_hash = if patch.polled { crate::store::cpe_hash(patch) } else { 0 };
        cpe.save(conn, &self.sql)?;
        if let Some(kept) = &patch.leaves {
            self.put_leaves(conn, cpe.id, kept)?;
        }
        Ok(())
    }

    fn put_leaves(&mut self, conn: &Connection, id: i64, kept: &[Leaf]) -> rusqlite::Result<()> {
        if kept.is_empty() {
            conn.prepare_cached(&self.sql.delete_leaves)?.execute([id])?;
            return Ok(());
        }
        let numbers = kept.iter().map(|leaf| self.path(conn, &leaf.path)).collect::<rusqlite::Result<Vec<_>>>()?;
        let packed = leaves::pack(numbers.into_iter().zip(kept));
        conn.prepare_cached(&self.sql.put_leaves)?.execute(params![id, packed])?;
        Ok(())
    }

    /// The number of a parameter path; a new one when it has none.
    fn path(&mut self, conn: &Connection, path: &str) -> rusqlite::Result<u32> {
        if let Some(id) = self.paths.get(path) {
            return Ok(*id);
        }
        let found = conn.prepare_cached(&self.sql.path)?.query_row([path], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => u32::try_from(conn.prepare_cached(&self.sql.put_path)?.insert([path])?).unwrap_or(u32::MAX),
        };
        if self.paths.len() >= PATHS {
            self.paths.clear();
        }
        self.paths.insert(path.to_owned(), id);
        Ok(id)
    }

    pub(super) fn informs(&mut self, conn: &Connection, source: u32, informs: &Informs) -> rusqlite::Result<()> {
        self.touched.cpes = true;
        let rule = pack_rule(informs.rule);
        conn.prepare_cached(&self.sql.put_rule)?.execute(params![source, rule])?;
        let mut put = conn.prepare_cached(&self.sql.inform)?;
        for (hash, ms) in &informs.seen {
            put.execute(params![*hash as i64, source, informs.base.plus(ms.saturating_mul(1_000)).0])?;
        }
        Ok(())
    }

    pub(super) fn cpe_gone(&mut self, conn: &Connection, source: u32, id: &str) -> rusqlite::Result<()> {
        let ch = id_hash(id) as i64;
        let gone: Option<i64> =
            conn.prepare_cached(&self.sql.delete_cpe)?.query_row(params![ch, source], |row| row.get(0)).optional()?;
        if let Some(id) = gone {
            self.touched.cpes = true;
            conn.prepare_cached(&self.sql.delete_leaves)?.execute([id])?;
        }
        conn.prepare_cached(&self.sql.delete_faults)?.execute(params![source, ch])?;
        Ok(())
    }

    pub(super) fn cpe_fault(&mut self, conn: &Connection, source: u32, fault: &CpeFault) -> rusqlite::Result<()> {
        let ch = id_hash(&fault.device) as i64;
        let bytes = minicbor::to_vec(fault).unwrap_or_default();
        conn.prepare_cached(&self.sql.put_fault)?.execute(params![source, ch, fault.channel, bytes])?;
        self.count_faults(conn, source, ch)
    }

    pub(super) fn cpe_fault_gone(
        &mut self,
        conn: &Connection,
        source: u32,
        id: &str,
        channel: &str,
    ) -> rusqlite::Result<()> {
        let ch = id_hash(id) as i64;
        conn.prepare_cached(&self.sql.delete_fault)?.execute(params![source, ch, channel])?;
        self.count_faults(conn, source, ch)
    }

    fn count_faults(&mut self, conn: &Connection, source: u32, ch: i64) -> rusqlite::Result<()> {
        self.touched.cpes = true;
        conn.prepare_cached(&self.sql.set_faults)?.execute(params![source, ch])?;
        Ok(())
    }
}

/// Both thresholds in one number.
pub(crate) const fn pack_rule(rule: crate::model::cpe::OnlineRule) -> i64 {
    (rule.online_s as i64) << 32 | rule.offline_s as i64
}

/// The thresholds of [`pack_rule`].
pub(crate) const fn unpack_rule(rule: i64) -> crate::model::cpe::OnlineRule {
    crate::model::cpe::OnlineRule { online_s: (rule >> 32) as u32, offline_s: (rule & 0xffff_ffff) as u32 }
}
