//! Where nodes are: parents, the keys that sort the tree, and the totals carried upwards.

use rusqlite::{Connection, params};

use crate::model::resource::{NodeKind, Resource};

use super::Fold;
use super::node::{Node, Totals};
use super::path;

impl Fold {
    /// Hangs a node below the parent it was given, or below the one that its own name implies.
    pub(super) fn attach(
        &mut self,
        conn: &Connection,
        id: i64,
        source: u32,
        source_name: &str,
        named: Option<&Resource>,
    ) -> rusqlite::Result<()> {
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        let (resource, old, attached) = (node.resource.clone(), node.parent, node.grp.is_some());
        let parent = match (implied(&resource), named) {
            (Some(parent), _) => self.find_or_create(conn, source, source_name, &parent)?,
            (None, _) if resource.kind == NodeKind::Olt => self.site_of(conn, id, source_name)?,
            (None, Some(parent)) if !matches!(parent.kind, NodeKind::Source | NodeKind::Adapter) => {
                let resolved = self.resolve(conn, source, parent)?;
                self.find_or_create(conn, source, source_name, resolved.as_ref().unwrap_or(parent))?
            }
            (None, _) if attached => old,
            (None, _) => self.find_or_create(conn, 0, source_name, &Resource::new(NodeKind::Site, source_name))?,
        };
        if parent == id {
            return Ok(());
        }
        self.attach_ancestor(conn, parent, source, source_name)?;
        self.move_to(conn, id, parent)
    }

    /// Makes sure that a parent is in the tree itself.
    fn attach_ancestor(&mut self, conn: &Connection, id: i64, source: u32, source_name: &str) -> rusqlite::Result<()> {
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        if node.grp.is_some() {
            return Ok(());
        }
        if node.kind() == NodeKind::Site {
            let resource = node.resource.clone();
            self.with_node(conn, id, |n| {
                n.grp = Some(0);
                n.path.clear();
                path::step(&mut n.path, &resource, 0, id);
                n.loc = id;
                n.moved = true;
            })?;
            self.stale_places.insert(id);
            return Ok(());
        }
        self.attach(conn, id, source, source_name, None)
    }

    /// The site the inventory gives an OLT, else one that is named like its source.
    fn site_of(&mut self, conn: &Connection, olt: i64, source_name: &str) -> rusqlite::Result<i64> {
        let site = match self.inventory_of(conn, olt)? {
            Some(item) if !item.site.is_empty() => item.site,
            _ => source_name.to_owned(),
        };
        self.find_or_create(conn, 0, source_name, &Resource::new(NodeKind::Site, site))
    }

    /// Puts a node below a parent that is in the tree.
    pub(super) fn move_to(&mut self, conn: &Connection, id: i64, parent: i64) -> rusqlite::Result<()> {
        let Some(above) = self.node(conn, parent)? else { return Ok(()) };
        let (grp, mut key) = above.inside();
        let (depth, above_loc) = (above.depth + 1, above.loc);
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        path::step(&mut key, &node.resource, node.number, id);
        if node.parent == parent && node.grp == Some(grp) && node.path == key {
            return Ok(());
        }
        // A node must not come to hang below itself, whatever a source says.
        if grp == id
            || (node.grp == Some(grp) && !node.path.is_empty() && key.starts_with(&node.path) && node.parent != parent)
        {
            return Ok(());
        }
        let was_attached = node.grp.is_some();
        let (old_parent, totals) = (node.parent, node.totals);
        let kind = node.kind();
        let has_children = node.children > 0;
        let old_prefix = node.path.clone();
        let below = if has_children && kind != NodeKind::Olt { self.below(conn, id)? } else { Vec::new() };
        let loc = if is_place(kind) { id } else { above_loc };
        self.with_node(conn, id, |n| {
            n.parent = parent;
            n.grp = Some(grp);
            n.path.clone_from(&key);
            n.depth = depth;
            n.loc = loc;
            n.moved = true;
            if !was_attached && kind == NodeKind::Onu {
                n.totals.onus += 1;
                n.totals.active += i64::from(n.oper == 4);
            }
        })?;
        self.moved.insert(id);
        // Joining comes first, so that a site that keeps its only OLT is never empty meanwhile.
        self.join_parent(conn, id, parent)?;
        if was_attached {
            self.leave(conn, old_parent, &totals)?;
        }
        for child in below {
            self.with_node(conn, child, |n| {
                n.grp = Some(grp);
                let mut path = key.clone();
                path.extend(n.path.iter().skip(old_prefix.len()));
                n.path = path;
                n.moved = true;
                if !is_place(n.kind()) {
                    n.loc = loc;
                }
            })?;
            self.moved.insert(child);
        }
        match kind {
            NodeKind::Olt => _ = self.stale_places.insert(id),
            NodeKind::PonPort | NodeKind::NniPort => _ = self.stale_places.insert(grp),
            _ => {}
        }
        Ok(())
    }

    fn join_parent(&mut self, conn: &Connection, id: i64, parent: i64) -> rusqlite::Result<()> {
        let Some(totals) = self.node(conn, id)?.map(|n| n.totals) else { return Ok(()) };
        self.with_node(conn, parent, |n| n.children += 1)?;
        self.add_upwards(conn, parent, &totals, 1)
    }

    /// Takes a node's totals away from everything above it. A site without OLTs leaves the tree.
    pub(super) fn leave_parent(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<()> {
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        let (parent, totals) = (node.parent, node.totals);
        self.with_node(conn, id, |n| n.parent = 0)?;
        self.leave(conn, parent, &totals)
    }

    fn leave(&mut self, conn: &Connection, parent: i64, totals: &Totals) -> rusqlite::Result<()> {
        if parent == 0 {
            return Ok(());
        }
        self.add_upwards(conn, parent, totals, -1)?;
        let empty_site = self.with_node(conn, parent, |n| {
            n.children = n.children.saturating_sub(1);
            let empty = n.children == 0 && n.kind() == NodeKind::Site;
            if empty {
                n.grp = None;
                n.path.clear();
                n.moved = true;
            }
            empty
        })?;
        if empty_site == Some(true) {
            self.stale_places.insert(parent);
        }
        Ok(())
    }

    /// Adds totals to a node and everything above it.
    pub(super) fn add_upwards(
        &mut self,
        conn: &Connection,
        from: i64,
        delta: &Totals,
        by: i64,
    ) -> rusqlite::Result<()> {
        if delta.is_zero() {
            return Ok(());
        }
        let mut at = from;
        // The tree is five deep; the bound only guards against a damaged one.
        for _ in 0..16 {
            let Some(parent) = self.with_node(conn, at, |n| {
                n.totals.add(delta, by);
                n.parent
            })?
            else {
                break;
            };
            if parent == 0 {
                break;
            }
            at = parent;
        }
        Ok(())
    }

    /// Everything below a node, in the order of the tree.
    pub(super) fn below(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<Vec<i64>> {
        self.flush_nodes(conn)?;
        let Some(node) = self.node(conn, id)? else { return Ok(Vec::new()) };
        if node.grp.is_none() {
            return Ok(Vec::new());
        }
        let (grp, prefix) = node.inside();
        let end = path::behind(&prefix);
        conn.prepare_cached(&self.sql.nodes_below)?.query_map(params![grp, prefix, end], |row| row.get(0))?.collect()
    }

    /// Brings alarms behind nodes that moved or were renamed, and places in words, up to date.
    pub(super) fn flush_places(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut moved: Vec<i64> = std::mem::take(&mut self.moved).into_iter().collect();
        moved.sort_unstable();
        for id in moved {
            let Some(node) = self.node(conn, id)? else { continue };
            if node.refs > 0 {
                let (loc, label) = (node.loc, node.label.clone());
                conn.prepare_cached(&self.sql.move_alarms)?.execute(params![id, loc, label])?;
                self.touched.alarms = true;
            }
        }
        let mut stale: Vec<i64> = std::mem::take(&mut self.stale_places).into_iter().collect();
        stale.sort_unstable();
        for id in stale {
            conn.prepare_cached(&self.sql.drop_places)?.execute(params![id])?;
            let Some(node) = self.node(conn, id)? else { continue };
            if node.grp.is_none() {
                continue;
            }
            let (kind, parent, name) = (node.kind(), node.parent, shown_name(node));
            if kind == NodeKind::Site {
                conn.prepare_cached(&self.sql.put_place)?.execute(params![id, name])?;
                continue;
            }
            let site = self.node(conn, parent)?.map(|n| shown_name(n)).unwrap_or_default();
            let text = format!("{site} / {name}");
            conn.prepare_cached(&self.sql.put_place)?.execute(params![id, text])?;
            conn.prepare_cached(&self.sql.put_port_places)?.execute(params![id, text])?;
        }
        Ok(())
    }
}

/// The parent that a port's own name gives.
fn implied(resource: &Resource) -> Option<Resource> {
    match resource.kind {
        NodeKind::PonPort | NodeKind::NniPort => Some(Resource::new(NodeKind::Olt, resource.name.clone())),
        NodeKind::Uni => Some(Resource::new(NodeKind::Onu, resource.name.clone())),
        _ => None,
    }
}

/// Whether locations are told down to this kind of thing.
fn is_place(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Site | NodeKind::Olt | NodeKind::PonPort | NodeKind::NniPort)
}

fn shown_name(node: &Node) -> String {
    if node.label.is_empty() { node.resource.name.clone() } else { node.label.clone() }
}
