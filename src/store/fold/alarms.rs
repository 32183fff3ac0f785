//! Alarms in the fold: finding them, raising and clearing them, writing them back.

use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::lifecycle::Life;
use crate::model::ids::{AlarmKey, Seq};
use crate::model::observation::{AlarmEvent, ClearReason, Suppression};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::{SECOND, Ts};

use super::Fold;
use super::alarm::{Alarm, Counted, key_hash};

/// Children report up to this much before their parent does (measured: milliseconds).
const CHILD_LEAD: i64 = 10 * SECOND;

/// Whether a type says "loss of signal", whichever object it is about: `pon.onu.los`, `olt.pon.los`.
fn is_los(type_id: &str) -> bool {
    type_id.rsplit('.').next() == Some("los")
}

impl Fold {
    pub(super) fn alarm_event(
        &mut self,
        conn: &Connection,
        source: u32,
        source_name: &str,
        at: Ts,
        event: &AlarmEvent,
        seq: Seq,
    ) -> rusqlite::Result<()> {
        let resolved = self.resolve(conn, source, &event.resource)?;
        let resource = resolved.as_ref().unwrap_or(&event.resource);
        let type_id = self.names.intern(conn, &event.type_id)?;
        let hash = self.event_hash(source, resource, type_id, &event.qualifier);
        let found = if let Some(id) = self.alarm_ids.get(&hash) {
            Some(*id)
        } else {
            let named = (event.type_id.as_str(), event.qualifier.as_str());
            self.load_by_event(conn, source_name, resource, named, hash)?
        };
        match (found, event.raise) {
            (Some(id), Some(severity)) => {
                if let Some(life) = self.touch(conn, id)? {
                    life.raise(event, severity, at, seq);
                }
            }
            (Some(id), None) => {
                let cleared = self.touch_if(conn, id, |life| life.cleared_by(event, at, seq))?;
                if cleared && resource.kind == NodeKind::PonPort && is_los(&event.type_id) {
                    self.parent_cleared(conn, id, at, seq)?;
                }
            }
            (None, Some(severity)) => {
                let node = self.find_or_create(conn, source, source_name, resource)?;
                let canonical = resource.canonical(source_name);
                let key = AlarmKey::new(&self.tenant, &canonical, &event.type_id, &event.qualifier);
                let id = self.next_alarm;
                self.next_alarm += 1;
                let life = Life::new(event, severity, at, seq);
                let mut alarm = Alarm::new(id, key, source, type_id, node, resource.clone(), life);
                alarm.qualifier.clone_from(&event.qualifier);
                alarm.event_hash = hash;
                self.alarm_ids.insert(hash, id);
                self.alarms.insert(id, Box::new(alarm));
                self.dirty_alarms.push(id);
                // The source has a row from now on, wherever the batch ends.
                self.source_alarms.entry(source).or_insert(0);
                self.fresh_alarms.entry(node).or_default().push(id);
                self.with_node(conn, node, |n| n.refs += 1)?;
            }
            // A clear of what was never raised is ordinary: every OLT activation sends some.
            (None, None) => {}
        }
        Ok(())
    }

    /// The source suppresses an alarm, or no longer does. Of an alarm that is not there it says nothing.
    pub(super) fn suppressed(
        &mut self,
        conn: &Connection,
        source: u32,
        source_name: &str,
        at: Ts,
        what: &Suppression,
    ) -> rusqlite::Result<()> {
        let resolved = self.resolve(conn, source, &what.resource)?;
        let resource = resolved.as_ref().unwrap_or(&what.resource);
        let type_id = self.names.intern(conn, &what.type_id)?;
        let hash = self.event_hash(source, resource, type_id, &what.qualifier);
        let found = match self.alarm_ids.get(&hash) {
            Some(id) => Some(*id),
            None => self.load_by_event(conn, source_name, resource, (&what.type_id, &what.qualifier), hash)?,
        };
        if let Some(life) = found.map(|id| self.touch(conn, id)).transpose()?.flatten() {
            life.suppress(&what.by, at);
        }
        Ok(())
    }

    /// One hash instead of a canonical name and a key for every event.
    fn event_hash(&mut self, source: u32, resource: &Resource, type_id: u32, qualifier: &str) -> u128 {
        let buffer = &mut self.scratch;
        buffer.clear();
        buffer.extend(source.to_le_bytes());
        buffer.extend(type_id.to_le_bytes());
        buffer.extend(resource.index.to_le_bytes());
        buffer.push(resource.kind.code());
        buffer.extend(resource.name.as_bytes());
        buffer.push(0);
        buffer.extend(qualifier.as_bytes());
        xxhash_rust::xxh3::xxh3_128(buffer)
    }

    fn load_by_event(
        &mut self,
        conn: &Connection,
        source_name: &str,
        resource: &Resource,
        (type_id, qualifier): (&str, &str),
        hash: u128,
    ) -> rusqlite::Result<Option<i64>> {
        let canonical = resource.canonical(source_name);
        let key = AlarmKey::new(&self.tenant, &canonical, type_id, qualifier);
        let id = self.load_stored(conn, key)?;
        if let Some(alarm) = id.and_then(|id| self.alarms.get_mut(&id)) {
            alarm.event_hash = hash;
            self.alarm_ids.insert(hash, alarm.id);
        }
        Ok(id)
    }

    /// Finds an alarm by its key, in its table or raised in this very batch.
    pub(super) fn load_by_key(&mut self, conn: &Connection, key: AlarmKey) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.load_stored(conn, key)? {
            return Ok(Some(id));
        }
        Ok(self.fresh_alarms.values().flatten().copied().find(|id| self.alarms.get(id).is_some_and(|a| a.key == key)))
    }

    fn load_stored(&mut self, conn: &Connection, key: AlarmKey) -> rusqlite::Result<Option<i64>> {
        let mut stmt = conn.prepare_cached(&self.sql.alarm_by_key)?;
        let mut rows = stmt.query(params![key_hash(key)])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if row.get::<_, [u8; 16]>(2)? != key.0 {
                continue;
            }
            if !self.alarms.contains_key(&id) {
                let alarm = Alarm::from_row(row)?;
                self.remember(alarm);
            }
            return Ok(Some(id));
        }
        Ok(None)
    }

    fn remember(&mut self, mut alarm: Alarm) {
        let (source, type_id) = (alarm.source, alarm.type_id);
        alarm.event_hash = self.event_hash(source, &alarm.resource, type_id, &alarm.qualifier);
        self.alarm_ids.insert(alarm.event_hash, alarm.id);
        self.alarms.insert(alarm.id, Box::new(alarm));
    }

    /// The life of an alarm, for changing it.
    pub(super) fn touch(&mut self, conn: &Connection, id: i64) -> rusqlite::Result<Option<&mut Life>> {
        if !self.alarms.contains_key(&id) {
            let loaded =
                conn.prepare_cached(&self.sql.alarm_by_id)?.query_row(params![id], Alarm::from_row).optional()?;
            let Some(alarm) = loaded else { return Ok(None) };
            self.remember(alarm);
        }
        let Some(alarm) = self.alarms.get_mut(&id) else { return Ok(None) };
        alarm.used = true;
        if !alarm.dirty {
            alarm.dirty = true;
            self.dirty_alarms.push(id);
        }
        Ok(Some(&mut alarm.life))
    }

    /// Changes an alarm when `change` says that it did.
    pub(super) fn touch_if(
        &mut self,
        conn: &Connection,
        id: i64,
        change: impl FnOnce(&mut Life) -> bool,
    ) -> rusqlite::Result<bool> {
        Ok(self.touch(conn, id)?.is_some_and(change))
    }

    /// All alarm rows of a node, written or not.
    pub(super) fn alarms_of(&mut self, conn: &Connection, node: i64) -> rusqlite::Result<Vec<i64>> {
        let mut ids: Vec<i64> = conn
            .prepare_cached(&self.sql.alarms_of_node)?
            .query_map(params![node], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        ids.extend(self.fresh_alarms.get(&node).into_iter().flatten());
        Ok(ids)
    }

    /// Clears the alarms of a node that a condition picks, for a reason that came true at an
    /// instant.
    pub(super) fn clear_alarms(
        &mut self,
        conn: &Connection,
        node: i64,
        why: (ClearReason, Ts),
        now: (Ts, Seq),
        pick: impl Fn(&Life, u32) -> bool,
    ) -> rusqlite::Result<()> {
        for id in self.alarms_of(conn, node)? {
            if self.touch(conn, id)?.is_none() {
                continue;
            }
            let Some(alarm) = self.alarms.get_mut(&id) else { continue };
            if pick(&alarm.life, alarm.type_id) {
                alarm.life.clear_since(why.0, why.1, now.0, now.1);
            }
        }
        Ok(())
    }

    /// A PON port has its signal again. VOLTHA leaves the alarms of its ONUs raised, so they are
    /// cleared here, if they came with the port's and the ONU is in service by its own state. What
    /// an ONU raised after that, read before this, is its own.
    fn parent_cleared(&mut self, conn: &Connection, port_alarm: i64, at: Ts, seq: Seq) -> rusqlite::Result<()> {
        let Some(alarm) = self.alarms.get(&port_alarm) else { return Ok(()) };
        let (node, since, until) = (alarm.node, alarm.life.raised_at.plus(-CHILD_LEAD), alarm.life.cleared_at);
        for id in self.below(conn, node)? {
            let Some(onu) = self.node(conn, id)? else { continue };
            if onu.refs == 0 || !onu.counts_active() {
                continue;
            }
            let ids = self.alarms_of(conn, id)?;
            for alarm in ids {
                if self.touch(conn, alarm)?.is_none() {
                    continue;
                }
                let Some(alarm) = self.alarms.get_mut(&alarm) else { continue };
                if is_los(&self.names.name(alarm.type_id))
                    && alarm.life.raised_at >= since
                    && alarm.life.stood(until, at)
                {
                    alarm.life.clear_since(ClearReason::Parent, until, at, seq);
                }
            }
        }
        Ok(())
    }

    /// Writes changed alarms and carries their counters to where they count.
    pub(super) fn flush_alarms(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if self.dirty_alarms.is_empty() {
            return Ok(());
        }
        self.touched.alarms = true;
        let mut dirty = std::mem::take(&mut self.dirty_alarms);
        dirty.sort_unstable();
        self.fresh_alarms.clear();
        for id in &dirty {
            let Some(mut alarm) = self.alarms.remove(id) else { continue };
            let now = Counted::of(&alarm.life);
            self.count(conn, alarm.node, alarm.source, alarm.counted, now)?;
            alarm.counted = now;
            alarm.dirty = false;
            if alarm.is_fresh() {
                let (canonical, loc, label) = match self.node(conn, alarm.node)? {
                    Some(node) => (node.canonical.clone(), node.loc, node.label.clone()),
                    None => (String::new(), 0, String::new()),
                };
                alarm.save(conn, &self.sql, (&canonical, loc, &label))?;
            } else {
                alarm.save(conn, &self.sql, ("", 0, ""))?;
            }
            self.alarms.insert(*id, alarm);
        }
        dirty.clear();
        self.dirty_alarms = dirty;
        self.flush_source_alarms(conn)
    }

    /// Moves an alarm from one place in the counters to another.
    pub(super) fn count(
        &mut self,
        conn: &Connection,
        node: i64,
        source: u32,
        was: Counted,
        now: Counted,
    ) -> rusqlite::Result<()> {
        if was == now {
            return Ok(());
        }
        was.tally.apply(&mut self.counts, -1);
        now.tally.apply(&mut self.counts, 1);
        if was.active != now.active {
            *self.source_alarms.entry(source).or_insert(0) += if now.active { 1 } else { -1 };
            self.touched.sources = true;
        }
        if was.rank != now.rank {
            let mut delta = super::node::Totals::default();
            if let Some(n) = was.rank.and_then(|r| delta.alarms.get_mut(r)) {
                *n -= 1;
            }
            if let Some(n) = now.rank.and_then(|r| delta.alarms.get_mut(r)) {
                *n += 1;
            }
            self.add_upwards(conn, node, &delta, 1)?;
        }
        Ok(())
    }

    fn flush_source_alarms(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut put = conn.prepare_cached(&self.sql.put_source)?;
        for (source, alarms) in &self.source_alarms {
            put.execute(params![source, alarms])?;
        }
        Ok(())
    }
}
