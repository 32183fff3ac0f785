//! The inventory in the fold: sites, names and subscribers by serial number.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::ids::Seq;
use crate::model::log::InventoryLoad;
use crate::model::resource::{NodeKind, Resource};

use super::Fold;
use super::hash::resource_hash;
use super::node::Totals;

/// What the inventory says of one serial number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) site: String,
    name: String,
    subs: u32,
}

impl Fold {
    /// What the inventory says of a node.
    pub(super) fn inventory_of(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<Option<Item>> {
        if !self.has_inventory {
            return Ok(None);
        }
        let Some(node) = self.node(conn, id)? else { return Ok(None) };
        let (serial, source) = (node.resource.name.clone(), node.source);
        conn.prepare_cached(&self.sql.inventory)?
            .query_row(params![serial, source], |row| {
                Ok(Item { site: row.get(0)?, name: row.get(1)?, subs: row.get(2)? })
            })
            .optional()
    }

    /// A read of the file: replaces what an earlier one said, touching only what differs.
    pub(super) fn inventory(&mut self, conn: &Connection, _: Seq, load: &InventoryLoad) -> rusqlite::Result<()> {
        self.touched.nodes = true;
        let mut named = HashSet::with_capacity(load.items.len());
        let mut changed: Vec<String> = Vec::new();
        for item in &load.items {
            let source = self.names.intern(conn, &item.source)?;
            named.insert(line_hash(&item.serial, source));
            let same = conn
                .prepare_cached(&self.sql.inventory_line)?
                .query_row(params![item.serial, source], |row| {
                    Ok(row.get_ref(0)?.as_str()? == item.site
                        && row.get_ref(1)?.as_str()? == item.name
                        && row.get::<_, u32>(2)? == item.subscribers)
                })
                .optional()?;
            if same != Some(true) {
                conn.prepare_cached(&self.sql.put_inventory)?.execute(params![
                    item.serial,
                    source,
                    item.site,
                    item.name,
                    item.subscribers
                ])?;
                changed.push(item.serial.clone());
            }
        }
        let mut stale: Vec<(String, u32)> = Vec::new();
        {
            let mut stmt = conn.prepare_cached(&self.sql.all_inventory)?;
            let mut rows = stmt.query([])?;
            while let Some(row) = rows.next()? {
                let (serial, source) = (row.get_ref(0)?.as_str()?, row.get(1)?);
                if !named.contains(&line_hash(serial, source)) {
                    stale.push((serial.to_owned(), source));
                }
            }
        }
        for (serial, source) in stale {
            conn.prepare_cached(&self.sql.drop_inventory)?.execute(params![serial, source])?;
            changed.push(serial);
        }
        self.has_inventory = !load.items.is_empty();
        drop(named);
        changed.sort_unstable();
        changed.dedup();
        self.flush_nodes(conn)?;
        for serial in changed {
            self.apply_inventory(conn, &serial)?;
        }
        Ok(())
    }

    fn apply_inventory(&mut self, conn: &Connection, serial: &str) -> rusqlite::Result<()> {
        for kind in [NodeKind::Olt, NodeKind::Onu] {
            let nh = resource_hash(&Resource::new(kind, serial));
            let ids: Vec<i64> = conn
                .prepare_cached(&self.sql.nodes_by_serial)?
                .query_map(params![nh], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in ids {
                let Some(node) = self.node(conn, id)? else { continue };
                if node.resource.kind != kind || node.resource.name != serial {
                    continue;
                }
                let (source, attached) = (node.source, node.grp.is_some());
                self.label_from_inventory(conn, id)?;
                if kind == NodeKind::Olt && attached {
                    let name = self.names.name(source);
                    self.attach(conn, id, source, &name, None)?;
                }
            }
            // A serial number may be looked for among nodes that were changed just now.
            if self.dirty_nodes.len() > super::KEEP {
                self.flush(conn)?;
            }
        }
        Ok(())
    }

    /// Gives a node the name and the subscribers that the inventory has for it.
    pub(super) fn label_from_inventory(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<()> {
        let (name, subs) = self.inventory_of(conn, id)?.map_or((String::new(), 0), |item| (item.name, item.subs));
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        let is_olt = node.kind() == NodeKind::Olt;
        let delta = i64::from(subs) - i64::from(node.own_subs);
        if node.label != name {
            self.with_node(conn, id, |n| {
                n.label = name;
                n.moved = true;
            })?;
            self.moved.insert(id);
            if is_olt {
                self.stale_places.insert(id);
            }
        }
        if delta != 0 {
            self.with_node(conn, id, |n| n.own_subs = subs)?;
            self.add_upwards(conn, id, &Totals { subs: delta, ..Totals::default() }, 1)?;
        }
        Ok(())
    }
}

/// Stands for a line of the file: a million of them fit into a few megabytes.
fn line_hash(serial: &str, source: u32) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(serial.as_bytes(), u64::from(source))
}
