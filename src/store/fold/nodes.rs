//! Nodes in the fold: finding them, patching them, seeing them go.

use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::lifecycle::moment;
use crate::model::ids::Seq;
use crate::model::observation::{ClearReason, GoneCause};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::{MINUTE, Ts};
use crate::model::topology::{NodePatch, OperStatus};

use super::Fold;
use super::alarm::Counted;
use super::hash::{device_hash, resource_hash};
use super::node::{Node, Totals};

/// Most UNIs of an ONU (facts: voltha-lab §5).
const UNIS: u32 = 16;

impl Fold {
    /// A node by its row, for reading and changing; changes count once [`Fold::with_node`] marks them.
    pub(super) fn node(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<Option<&mut Node>> {
        if !self.nodes.contains_key(&id) {
            let row = conn.prepare_cached(&self.sql.node_by_id)?.query_row(params![id], Node::from_row).optional()?;
            let Some(node) = row else { return Ok(None) };
            self.node_ids.insert((node.nh, node.source), id);
            self.nodes.insert(id, Box::new(node));
        }
        Ok(self.nodes.get_mut(&id).map(|node| {
            node.used = true;
            &mut **node
        }))
    }

    /// Changes a node.
    pub(super) fn with_node<R>(
        &mut self,
        conn: &Connection,
        id: i64,
        change: impl FnOnce(&mut Node) -> R,
    ) -> rusqlite::Result<Option<R>> {
        let Some(node) = self.node(conn, id)? else { return Ok(None) };
        let fresh_dirt = !node.dirty;
        node.dirty = true;
        let answer = change(node);
        if fresh_dirt {
            self.dirty_nodes.push(id);
        }
        Ok(Some(answer))
    }

    /// The node of a resource.
    pub(super) fn find(
        &mut self,
        conn: &Connection,
        source: u32,
        resource: &Resource,
    ) -> rusqlite::Result<Option<i64>> {
        let source = if resource.kind == NodeKind::Site { 0 } else { source };
        let nh = resource_hash(resource);
        if let Some(id) = self.node_ids.get(&(nh, source)).copied()
            && self.nodes.get(&id).is_some_and(|n| n.resource == *resource)
        {
            return Ok(Some(id));
        }
        let mut stmt = conn.prepare_cached(&self.sql.node_by_name)?;
        let mut rows = stmt.query(params![nh, source])?;
        while let Some(row) = rows.next()? {
            let node = Node::from_row(row)?;
            if node.resource == *resource {
                let id = node.id;
                self.node_ids.insert((nh, source), id);
                self.nodes.entry(id).or_insert_with(|| Box::new(node));
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The node of a resource; made when there is none, outside the tree at first.
    pub(super) fn find_or_create(
        &mut self,
        conn: &Connection,
        source: u32,
        source_name: &str,
        resource: &Resource,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.find(conn, source, resource)? {
            return Ok(id);
        }
        let source = if resource.kind == NodeKind::Site { 0 } else { source };
        let id = self.next_node;
        self.next_node += 1;
        let nh = resource_hash(resource);
        let node = Node::new(id, nh, source, resource.clone(), resource.canonical(source_name));
        self.node_ids.insert((nh, source), id);
        self.nodes.insert(id, Box::new(node));
        self.dirty_nodes.push(id);
        if self.has_inventory && matches!(resource.kind, NodeKind::Olt | NodeKind::Onu) {
            self.label_from_inventory(conn, id)?;
        }
        Ok(id)
    }

    /// What a device id stands for, when it is the alias of a known node.
    pub(super) fn resolve(
        &mut self,
        conn: &Connection,
        source: u32,
        resource: &Resource,
    ) -> rusqlite::Result<Option<Resource>> {
        if resource.kind != NodeKind::Device {
            return Ok(None);
        }
        self.flush_nodes(conn)?;
        let found: Vec<(i64, u32, String)> = conn
            .prepare_cached(&self.sql.node_by_device)?
            .query_map(params![device_hash(&resource.name)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let id = found.into_iter().find(|(_, s, device)| *s == source && *device == resource.name).map(|(id, ..)| id);
        match id {
            Some(id) => Ok(self.node(conn, id)?.map(|n| n.resource.clone())),
            None => Ok(None),
        }
    }

    pub(super) fn node_patch(
        &mut self,
        conn: &Connection,
        source: u32,
        source_name: &str,
        at: Ts,
        patch: &NodePatch,
        seq: Seq,
    ) -> rusqlite::Result<()> {
        self.touched.nodes = true;
        let resolved = self.resolve(conn, source, &patch.resource)?;
        let resource = resolved.as_ref().unwrap_or(&patch.resource);
        let told = told(patch, at);
        if let Some(known) = self.find(conn, source, resource)?
            && self.node(conn, known)?.is_some_and(|n| is_history(n, patch))
        {
            // Alarms of that time ended with it all the same.
            if patch.oper_status == Some(OperStatus::Active) {
                self.active_again(conn, known, moment(patch.source_time, at), (at, seq))?;
            }
            return Ok(());
        }
        let id = self.find_or_create(conn, source, source_name, resource)?;
        let renamed = self.take_device_id(conn, id, patch, seq)?;
        if let Some(number) = patch.number {
            self.with_node(conn, id, |n| n.number = number)?;
        }
        if !matches!(resource.kind, NodeKind::Adapter | NodeKind::Source | NodeKind::Site) {
            self.attach(conn, id, source, source_name, patch.parent.as_ref())?;
        }
        let hash = if patch.polled { crate::store::patch_hash(patch) } else { 0 };
        let measured = !patch.polled && patch.measured_only();
        // What was never told of cannot come back: a first list says how things are, not that they
        // have changed, and the alarms in a backlog that is read after it still stand.
        let (was_told, was_active) =
            self.node(conn, id)?.map_or((false, false), |n| (n.as_of != 0, n.oper == OperStatus::Active.0));
        let counted = self.with_node(conn, id, |n| {
            let counted = n.counts_active();
            let changed = take_fields(n, patch);
            n.as_of = if patch.polled { at.0 } else { n.as_of.max(told.0) };
            if changed {
                n.changed_at = at.0;
            }
            if patch.polled {
                n.patch_hash = hash;
            } else if changed && !measured {
                n.patch_hash = 0;
            }
            i64::from(n.counts_active()) - i64::from(counted)
        })?;
        if let Some(by @ (1 | -1)) = counted {
            self.add_upwards(conn, id, &Totals { active: by, ..Totals::default() }, 1)?;
        }
        let is_active = self.node(conn, id)?.is_some_and(|n| n.oper == OperStatus::Active.0);
        if is_active && was_told && (!was_active || renamed) {
            self.active_again(conn, id, moment(patch.source_time, at), (at, seq))?;
        }
        Ok(())
    }

    /// Takes a new device id over; whether there was another one before.
    fn take_device_id(&mut self, conn: &Connection, id: i64, patch: &NodePatch, seq: Seq) -> rusqlite::Result<bool> {
        let Some(device_id) = patch.device_id.as_ref().filter(|d| !d.is_empty()) else { return Ok(false) };
        let Some(node) = self.node(conn, id)? else { return Ok(false) };
        if node.device_id == *device_id {
            return Ok(false);
        }
        let former = std::mem::take(&mut node.device_id);
        self.with_node(conn, id, |n| {
            n.device_id.clone_from(device_id);
            n.moved = true;
        })?;
        // An id that returns is not a former one, and each of those is told once.
        conn.prepare_cached(&self.sql.forget_former)?.execute(params![id, device_id, former])?;
        if !former.is_empty() {
            conn.prepare_cached(&self.sql.insert_former)?.execute(params![id, seq.0, former])?;
        }
        Ok(!former.is_empty())
    }

    /// The device is back in service since `back`: what its return clears, on itself and on its
    /// own ports. What was raised after it, and is known already because this is read late, stands.
    fn active_again(&mut self, conn: &Connection, id: i64, back: Ts, now: (Ts, Seq)) -> rusqlite::Result<()> {
        let Some(node) = self.node(conn, id)? else { return Ok(()) };
        let (kind, children, source, serial) = (node.kind(), node.children, node.source, node.resource.name.clone());
        let mut ids = vec![id];
        if kind == NodeKind::Onu && children > 0 {
            ids.extend(self.below(conn, id)?);
        } else if kind == NodeKind::Onu {
            // Its UNIs are listed later, but may have alarms already.
            for uni in 0..UNIS {
                ids.extend(self.find(conn, source, &Resource::port(NodeKind::Uni, serial.clone(), uni))?);
            }
        }
        for id in ids {
            if self.node(conn, id)?.is_some_and(|n| n.refs > 0) {
                self.clear_alarms(conn, id, (ClearReason::Active, back), now, |life, _| {
                    life.cleared_by_active && life.stood(back, now.0)
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn node_gone(
        &mut self,
        conn: &Connection,
        source: u32,
        resource: &Resource,
        cause: GoneCause,
        at: Ts,
        seq: Seq,
    ) -> rusqlite::Result<()> {
        let resolved = self.resolve(conn, source, resource)?;
        let Some(top) = self.find(conn, source, resolved.as_ref().unwrap_or(resource))? else { return Ok(()) };
        self.touched.nodes = true;
        let mut gone = vec![top];
        if self.node(conn, top)?.is_some_and(|n| n.children > 0) {
            gone.extend(self.below(conn, top)?);
        }
        self.leave_parent(conn, top)?;
        let reason = match cause {
            GoneCause::Deleted => ClearReason::Deleted,
            GoneCause::Resync => ClearReason::Resync,
        };
        for id in gone {
            self.take_out(conn, id, (reason, at, seq))?;
            self.end_by_device_id(conn, id, (reason, at, seq))?;
        }
        Ok(())
    }

    /// Ends the alarms that came before it was known whose device id they are about.
    fn end_by_device_id(&mut self, conn: &Connection, id: i64, clear: (ClearReason, Ts, Seq)) -> rusqlite::Result<()> {
        let Some((source, present)) = self.node(conn, id)?.map(|n| (n.source, n.device_id.clone())) else {
            return Ok(());
        };
        if present.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<String> = conn
            .prepare_cached(&self.sql.former)?
            .query_map(params![id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        ids.push(present);
        for device in ids {
            if let Some(by_id) = self.find(conn, source, &Resource::new(NodeKind::Device, device))?
                && self.node(conn, by_id)?.is_some_and(|n| n.refs > 0)
            {
                self.clear_alarms(conn, by_id, (clear.0, clear.1), (clear.1, clear.2), |_, _| true)?;
            }
        }
        Ok(())
    }

    /// Takes one node out of the tree; its totals have left the nodes above already.
    fn take_out(&mut self, conn: &Connection, id: i64, clear: (ClearReason, Ts, Seq)) -> rusqlite::Result<()> {
        if self.node(conn, id)?.is_some_and(|n| n.refs > 0) {
            for alarm in self.alarms_of(conn, id)? {
                if self.touch(conn, alarm)?.is_none() {
                    continue;
                }
                let Some(alarm) = self.alarms.get_mut(&alarm) else { continue };
                alarm.life.clear(clear.0, clear.1, clear.2);
                // The node forgets its counters below, so there is nothing to take away later.
                let (node, source, was) = (alarm.node, alarm.source, alarm.counted);
                alarm.counted = Counted::of(&alarm.life);
                let now = alarm.counted;
                self.count(conn, node, source, Counted { rank: None, ..was }, now)?;
            }
        }
        let place = self.with_node(conn, id, |n| {
            let place = match n.kind() {
                NodeKind::Olt => Some(id),
                NodeKind::PonPort | NodeKind::NniPort => n.grp,
                _ => None,
            };
            n.grp = None;
            n.path.clear();
            n.parent = 0;
            n.depth = 0;
            n.children = 0;
            n.totals = Totals { subs: i64::from(n.own_subs), ..Totals::default() };
            (n.admin, n.oper, n.connect, n.patch_hash, n.flows) = (0, 0, 0, 0, 0);
            n.reason.clear();
            (n.rx, n.tx) = (None, None);
            n.changed_at = clear.1.0;
            n.moved = true;
            place
        })?;
        self.stale_places.extend(place.flatten());
        Ok(())
    }

    /// Writes changed nodes.
    pub(super) fn flush_nodes(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if self.dirty_nodes.is_empty() {
            return Ok(());
        }
        self.touched.nodes = true;
        self.dirty_nodes.sort_unstable();
        for id in self.dirty_nodes.drain(..) {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.save(conn, &self.sql)?;
            (node.dirty, node.moved, node.fresh) = (false, false, false);
        }
        Ok(())
    }
}

/// How far a source's clock may be off before what it tells is taken for the past.
const CLOCK: i64 = 5 * MINUTE;

/// When what a patch tells was so: our clock, but the source's for what is read from a backlog.
fn told(patch: &NodePatch, at: Ts) -> Ts {
    patch.source_time.filter(|told| !patch.polled && at.since(*told) > CLOCK).unwrap_or(at)
}

/// Whether an event is about an earlier incarnation of a node of the tree: another device id, told
/// before what is known now. A backlog read again must not take back what a poll said since.
fn is_history(n: &Node, patch: &NodePatch) -> bool {
    let other = |id: &String| !id.is_empty() && !n.device_id.is_empty() && *id != n.device_id;
    let before = |told| Ts(n.as_of).since(told) > CLOCK;
    !patch.polled
        && n.grp.is_some()
        && patch.device_id.as_ref().is_some_and(other)
        && patch.source_time.is_some_and(before)
}

/// Copies what the patch tells; whether a state or an attribute changed.
fn take_fields(n: &mut Node, patch: &NodePatch) -> bool {
    fn put<T: PartialEq + Clone>(to: &mut T, from: Option<&T>) -> bool {
        match from {
            Some(new) if *to != *new => {
                to.clone_from(new);
                true
            }
            _ => false,
        }
    }
    let mut changed = put(&mut n.admin, patch.admin_state.map(|s| s.0).as_ref());
    changed |= put(&mut n.oper, patch.oper_status.map(|s| s.0).as_ref());
    changed |= put(&mut n.connect, patch.connect_status.map(|s| s.0).as_ref());
    changed |= put(&mut n.reason, patch.reason.as_ref());
    changed |= put(&mut n.vendor, patch.vendor.as_ref());
    changed |= put(&mut n.model, patch.model.as_ref());
    changed |= put(&mut n.firmware, patch.firmware.as_ref());
    changed |= put(&mut n.address, patch.address.as_ref());
    changed |= put(&mut n.logical_id, patch.logical_id.as_ref());
    changed |= put(&mut n.flows, patch.flows.as_ref());
    if patch.rx_centi_dbm.is_some() {
        n.rx = patch.rx_centi_dbm;
    }
    if patch.tx_centi_dbm.is_some() {
        n.tx = patch.tx_centi_dbm;
    }
    changed
}
