//! What commands work on, in rows of the cache.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Blast, KnownNode, Reader};
use crate::model::action::Action;
use crate::model::command::Targets;
use crate::model::ids::{ActionId, AlarmKey, RowId};
use crate::model::page::{PageRequest, Table};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::Ts;
use crate::store::fold::key_hash;
use crate::store::names::Names;

impl Reader {
    /// Row ids that targets mean, in the order of the list.
    pub(super) fn target_ids(&self, table: Table, targets: &Targets, limit: usize) -> rusqlite::Result<Vec<i64>> {
        let mut ids = Vec::new();
        match targets {
            Targets::Rows(of, rows) if *of == table => ids.extend(rows.iter().take(limit).map(|id| id.0)),
            Targets::Names(of, names) if *of == table => {
                for name in names.iter().take(limit) {
                    ids.extend(self.named(table, name)?);
                }
            }
            Targets::Filter { table: of, scope, filter, below, except } if *of == table => {
                let now = Ts(chrono::Utc::now().timestamp_micros());
                let all = PageRequest::all(table, *scope, filter.clone(), now);
                let request = PageRequest { below: *below, ..all };
                self.walk_ids(&request, |id| {
                    if !except.contains(&RowId(id)) {
                        ids.push(id);
                    }
                    Ok(ids.len() < limit)
                })?;
            }
            Targets::None | Targets::Rows(..) | Targets::Names(..) | Targets::Filter { .. } => {}
        }
        ids.truncate(limit);
        Ok(ids)
    }

    fn named(&self, table: Table, name: &str) -> rusqlite::Result<Option<i64>> {
        if table == Table::Nodes {
            return Ok(self.find_node(name)?.map(|id| id.0));
        }
        if table == Table::Cpes {
            return super::cpes::named(&self.conn, &self.names, name);
        }
        let Some(key) = AlarmKey::parse(name) else { return Ok(None) };
        self.conn
            .prepare_cached("SELECT id FROM c_alarms WHERE kh = ?1 AND key = ?2")?
            .query_row(params![key_hash(key), key.0], |row| row.get(0))
            .optional()
    }
}

/// Actions of a bulk, as journalled.
pub(super) fn batch(conn: &Connection, batch: ActionId) -> rusqlite::Result<Vec<(AlarmKey, Action)>> {
    let mut stmt = conn.prepare_cached(
        "SELECT j.payload FROM c_ops o JOIN journal j ON j.seq = o.seq WHERE o.batch = ?1 AND o.withdrawn = 0 \
         ORDER BY o.seq",
    )?;
    let mut rows = stmt.query(params![batch.0])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        if let Ok(Record::Action(action)) = minicbor::decode::<Record>(row.get_ref(0)?.as_blob()?) {
            out.push((action.key, action));
        }
    }
    Ok(out)
}

/// The nodes of a source that are in the tree.
pub(super) fn known_nodes(conn: &Connection, names: &Names, source: &str) -> rusqlite::Result<Vec<KnownNode>> {
    let Some(id) = names.id(source) else { return Ok(Vec::new()) };
    // Sorted by name, a source's nodes lie together: all of them begin with its name.
    let (from, to) = (format!("{source}/"), format!("{source}0"));
    let mut stmt = conn.prepare_cached(
        "SELECT canonical, kind, serial, idx, patch_hash, device_id FROM c_nodes \
         WHERE grp IS NOT NULL AND canonical >= ?1 AND canonical < ?2 AND source = ?3",
    )?;
    stmt.query_map(params![from, to, id], |row| {
        let kind = NodeKind::from_code(row.get(1)?).unwrap_or(NodeKind::Device);
        Ok(KnownNode {
            canonical: row.get(0)?,
            resource: Resource { kind, name: row.get(2)?, index: row.get(3)? },
            patch_hash: row.get::<_, i64>(4)? as u64,
            device_id: row.get(5)?,
        })
    })?
    .collect()
}

/// ONUs and subscribers on and below nodes. Totals are kept with every node, so only nodes that
/// lie below another one of the list have to be left out. The inventory tells subscribers of ONUs:
/// behind a UNI there may be all of its ONU's, and they count once however many UNIs are meant.
pub(super) fn blast(conn: &Connection, nodes: &[RowId]) -> rusqlite::Result<Blast> {
    let mut blast = Blast::default();
    let uni = NodeKind::Uni.code();
    let wanted: std::collections::HashSet<i64> = nodes.iter().map(|id| id.0).collect();
    let mut onus_of_unis = std::collections::HashSet::new();
    for id in &wanted {
        if below_another(conn, *id, &wanted)? {
            continue;
        }
        let totals = conn
            .prepare_cached(
                "SELECT n.kind, n.parent, n.onus, \
                   CASE WHEN n.kind = ?2 THEN coalesce((SELECT p.subs FROM c_nodes p WHERE p.id = n.parent), 0) \
                   ELSE n.subs END \
                 FROM c_nodes n WHERE n.id = ?1 AND n.grp IS NOT NULL",
            )?
            .query_row(params![id, uni], |row| {
                Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
            })
            .optional()?;
        if let Some((kind, parent, onus, subs)) = totals {
            if kind == uni && !onus_of_unis.insert(parent) {
                continue;
            }
            blast.onus += u64::try_from(onus).unwrap_or(0);
            blast.subscribers += u64::try_from(subs).unwrap_or(0);
        }
    }
    Ok(blast)
}

fn below_another(conn: &Connection, id: i64, wanted: &std::collections::HashSet<i64>) -> rusqlite::Result<bool> {
    let mut at = id;
    for _ in 0..16 {
        let parent: Option<i64> = conn
            .prepare_cached("SELECT parent FROM c_nodes WHERE id = ?1")?
            .query_row(params![at], |row| row.get(0))
            .optional()?;
        match parent {
            Some(0) | None => return Ok(false),
            Some(parent) if wanted.contains(&parent) => return Ok(true),
            Some(parent) => at = parent,
        }
    }
    Ok(false)
}
