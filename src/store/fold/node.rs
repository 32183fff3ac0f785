//! One node as the fold holds it, and its row.

use rusqlite::{Connection, Row, ToSql, params};

use crate::model::resource::{NodeKind, Resource};

use super::sql::{NODE_COLUMNS, NODE_INDEXED, Sql};

/// A node: a device, a port, a place. One that is only known because something spoke of it (or
/// that is gone) has no group: it is no part of the tree, but keeps its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub id: i64,
    pub nh: i64,
    pub source: u32,
    pub resource: Resource,
    pub canonical: String,
    pub parent: i64,
    pub grp: Option<i64>,
    pub path: Vec<u8>,
    pub depth: u8,
    pub loc: i64,
    pub children: u32,
    pub totals: Totals,
    /// Alarm rows that are about this node.
    pub refs: u32,
    pub own_subs: u32,
    pub admin: u8,
    pub oper: u8,
    pub connect: u8,
    pub number: u32,
    pub flows: u32,
    pub rx: Option<i32>,
    pub tx: Option<i32>,
    pub changed_at: i64,
    pub as_of: i64,
    pub patch_hash: u64,
    pub label: String,
    pub reason: String,
    pub vendor: String,
    pub model: String,
    pub firmware: String,
    pub address: String,
    pub logical_id: String,
    pub device_id: String,
    pub dirty: bool,
    /// Its place in the tree, its name or its device id changed: the indexes on them must follow.
    pub moved: bool,
    pub fresh: bool,
    pub used: bool,
}

/// What is on and below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub onus: i64,
    pub active: i64,
    pub subs: i64,
    pub alarms: [i64; 5],
}

impl Totals {
    /// Adds (`by` 1) or takes away (-1).
    pub(crate) fn add(&mut self, other: &Self, by: i64) {
        self.onus += by * other.onus;
        self.active += by * other.active;
        self.subs += by * other.subs;
        for (mine, theirs) in self.alarms.iter_mut().zip(other.alarms) {
            *mine += by * theirs;
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Node {
    pub(crate) fn new(id: i64, nh: i64, source: u32, resource: Resource, canonical: String) -> Self {
        Self {
            id,
            nh,
            source,
            resource,
            canonical,
            parent: 0,
            grp: None,
            path: Vec::new(),
            depth: 0,
            loc: 0,
            children: 0,
            totals: Totals::default(),
            refs: 0,
            own_subs: 0,
            admin: 0,
            oper: 0,
            connect: 0,
            number: 0,
            flows: 0,
            rx: None,
            tx: None,
            changed_at: 0,
            as_of: 0,
            patch_hash: 0,
            label: String::new(),
            reason: String::new(),
            vendor: String::new(),
            model: String::new(),
            firmware: String::new(),
            address: String::new(),
            logical_id: String::new(),
            device_id: String::new(),
            dirty: true,
            moved: true,
            fresh: true,
            used: true,
        }
    }

    pub(crate) fn kind(&self) -> NodeKind {
        self.resource.kind
    }

    /// Whether it is an ONU in the tree that works.
    pub(crate) fn counts_active(&self) -> bool {
        self.kind() == NodeKind::Onu && self.grp.is_some() && self.oper == 4
    }

    /// The group its children lie in, and the path they begin with.
    pub(crate) fn inside(&self) -> (i64, Vec<u8>) {
        match self.kind() {
            NodeKind::Site | NodeKind::Olt => (self.id, Vec::new()),
            _ => (self.grp.unwrap_or(0), self.path.clone()),
        }
    }

    /// From a row of the node statements of [`Sql`].
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind = NodeKind::from_code(row.get(3)?).unwrap_or(NodeKind::Device);
        Ok(Self {
            id: row.get(0)?,
            nh: row.get(1)?,
            source: row.get(2)?,
            resource: Resource { kind, name: row.get(5)?, index: row.get(4)? },
            canonical: row.get(6)?,
            parent: row.get(7)?,
            depth: row.get(8)?,
            children: row.get(9)?,
            totals: Totals {
                onus: row.get(10)?,
                active: row.get(11)?,
                subs: row.get(12)?,
                alarms: [row.get(13)?, row.get(14)?, row.get(15)?, row.get(16)?, row.get(17)?],
            },
            refs: row.get(18)?,
            own_subs: row.get(19)?,
            admin: row.get(20)?,
            oper: row.get(21)?,
            connect: row.get(22)?,
            number: row.get(23)?,
            flows: row.get(24)?,
            rx: row.get(25)?,
            tx: row.get(26)?,
            changed_at: row.get(27)?,
            as_of: row.get(28)?,
            patch_hash: row.get::<_, i64>(29)? as u64,
            reason: row.get(30)?,
            vendor: row.get(31)?,
            model: row.get(32)?,
            firmware: row.get(33)?,
            address: row.get(34)?,
            logical_id: row.get(35)?,
            device_id: row.get(36)?,
            grp: row.get(37)?,
            path: row.get::<_, Option<Vec<u8>>>(38)?.unwrap_or_default(),
            loc: row.get(40)?,
            label: row.get(41)?,
            dirty: false,
            moved: false,
            fresh: false,
            used: true,
        })
    }

    /// Writes the row.
    pub(crate) fn save(&self, conn: &Connection, sql: &Sql) -> rusqlite::Result<()> {
        let (text, count) = match (self.fresh, self.moved) {
            (true, _) => (&sql.insert_node, NODE_COLUMNS),
            (false, true) => (&sql.update_node, NODE_COLUMNS),
            (false, false) => (&sql.touch_node, NODE_COLUMNS - NODE_INDEXED),
        };
        let path = self.grp.map(|_| self.path.as_slice());
        let dh = (!self.device_id.is_empty()).then(|| super::hash::device_hash(&self.device_id));
        let t = &self.totals;
        let values: &[&dyn ToSql] = params![
            self.id,
            self.nh,
            self.source,
            self.kind().code(),
            self.resource.index,
            self.resource.name,
            self.canonical,
            self.parent,
            self.depth,
            self.children,
            t.onus,
            t.active,
            t.subs,
            t.alarms[0],
            t.alarms[1],
            t.alarms[2],
            t.alarms[3],
            t.alarms[4],
            self.refs,
            self.own_subs,
            self.admin,
            self.oper,
            self.connect,
            self.number,
            self.flows,
            self.rx,
            self.tx,
            self.changed_at,
            self.as_of,
            self.patch_hash as i64,
            self.reason,
            self.vendor,
            self.model,
            self.firmware,
            self.address,
            self.logical_id,
            self.device_id,
            self.grp,
            path,
            dh,
            self.loc,
            self.label,
        ];
        conn.prepare_cached(text)?.execute(values.get(..count).unwrap_or(values))?;
        Ok(())
    }
}
