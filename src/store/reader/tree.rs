//! Windows onto the tree: flattened, folded subtrees skipped by one seek.
//!
//! Rows lie in groups (`fold::path`): sites in group 0, what hangs on a site in the site's group,
//! everything below an OLT in the OLT's. A step to the next or previous visible row is a seek in
//! the group's index, wherever the window lies and however much is folded around it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;
use crate::model::ids::RowId;
use crate::model::page::{Anchor, Page, Rows, Total, TreeRequest, Unfolded};
use crate::model::resource::NodeKind;
use crate::store::fold::path::behind;
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;

const COLUMNS: &str = "id, parent, grp, path, depth, kind, children";

/// A row's place.
#[derive(Debug, Clone)]
struct Spot {
    id: i64,
    parent: i64,
    grp: i64,
    path: Vec<u8>,
    depth: u8,
    kind: u8,
    children: u32,
}

impl Spot {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            parent: row.get(1)?,
            grp: row.get(2)?,
            path: row.get(3)?,
            depth: row.get(4)?,
            kind: row.get(5)?,
            children: row.get(6)?,
        })
    }

    /// Sites and OLTs hold their children in groups of their own.
    fn owns_group(&self) -> bool {
        self.kind == NodeKind::Site.code() || self.kind == NodeKind::Olt.code()
    }
}

struct Tree<'a> {
    conn: &'a Connection,
    unfolded: &'a Unfolded,
    seen: HashMap<i64, Spot>,
}

/// Answers a request for the tree.
pub(crate) fn page(rows: &rows::Rows<'_>, request: &TreeRequest) -> rusqlite::Result<Page> {
    let mut tree = Tree { conn: rows.conn, unfolded: &request.unfolded, seen: HashMap::new() };
    let limit = usize::from(request.limit).max(1);
    let (start, before) = match request.anchor {
        Anchor::Start | Anchor::Offset(_) => (tree.first(0)?, 0),
        Anchor::End => (tree.last(0)?, limit - 1),
        Anchor::Row { id, before } => match tree.visible(id)? {
            Some(spot) => (Some(spot), usize::from(before).min(limit - 1)),
            None => (tree.first(0)?, 0),
        },
    };
    let mut spots = Vec::with_capacity(limit);
    let (mut at_start, mut at_end) = (true, true);
    if let Some(start) = start {
        spots.push(start.clone());
        at_start = !tree.extend_back(&mut spots, before + 1)?;
        let mut at = start;
        at_end = loop {
            if spots.len() == limit {
                break tree.next(&at)?.is_none();
            }
            match tree.next(&at)? {
                Some(next) => {
                    spots.push(next.clone());
                    at = next;
                }
                None => break true,
            }
        };
        if at_end && !at_start {
            at_start = !tree.extend_back(&mut spots, limit)?;
        }
    }
    let mut found = Vec::with_capacity(spots.len());
    for spot in &spots {
        if let Some(mut row) = rows.node(spot.id)? {
            row.expanded = tree.is_open(spot);
            found.push(row);
        }
    }
    let shown = found.len() as u64;
    Ok(Page {
        rows: Rows::Nodes(found),
        at_start,
        at_end,
        first: at_start.then_some(0),
        total: if at_start && at_end { Total::Exact(shown) } else { Total::AtLeast(shown) },
        new_above: 0,
        seq: read_counts(rows.conn, CACHE)?.seq,
    })
}

impl Tree<'_> {
    /// Puts rows before the first of `spots` until there are `wanted`; whether more are before them.
    fn extend_back(&mut self, spots: &mut Vec<Spot>, wanted: usize) -> rusqlite::Result<bool> {
        let Some(mut at) = spots.first().cloned() else { return Ok(false) };
        let mut above = Vec::new();
        loop {
            let previous = self.previous(&at)?;
            if spots.len() + above.len() >= wanted {
                above.reverse();
                spots.splice(0..0, above);
                return Ok(previous.is_some());
            }
            let Some(previous) = previous else {
                above.reverse();
                spots.splice(0..0, above);
                return Ok(false);
            };
            above.push(previous.clone());
            at = previous;
        }
    }

    fn is_open(&self, spot: &Spot) -> bool {
        spot.children > 0 && self.unfolded.has(RowId(spot.id), spot.depth)
    }

    fn spot(&mut self, id: i64) -> rusqlite::Result<Option<Spot>> {
        if let Some(spot) = self.seen.get(&id) {
            return Ok(Some(spot.clone()));
        }
        let text = format!("SELECT {COLUMNS} FROM c_nodes WHERE id = ?1 AND grp IS NOT NULL");
        let spot = self.conn.prepare_cached(&text)?.query_row(params![id], Spot::from_row).optional()?;
        if let Some(spot) = &spot {
            self.seen.insert(id, spot.clone());
        }
        Ok(spot)
    }

    /// The first row of a group at or behind a key.
    fn at_or_behind(&self, grp: i64, key: &[u8]) -> rusqlite::Result<Option<Spot>> {
        let text = format!("SELECT {COLUMNS} FROM c_nodes WHERE grp = ?1 AND path >= ?2 ORDER BY path LIMIT 1");
        self.conn.prepare_cached(&text)?.query_row(params![grp, key], Spot::from_row).optional()
    }

    /// The last row of a group, before a key when there is one.
    fn before(&self, grp: i64, key: Option<&[u8]>) -> rusqlite::Result<Option<Spot>> {
        let text = match key {
            Some(_) => format!("SELECT {COLUMNS} FROM c_nodes WHERE grp = ?1 AND path < ?2 ORDER BY path DESC LIMIT 1"),
            None => format!("SELECT {COLUMNS} FROM c_nodes WHERE grp = ?1 AND ?2 IS NULL ORDER BY path DESC LIMIT 1"),
        };
        self.conn.prepare_cached(&text)?.query_row(params![grp, key], Spot::from_row).optional()
    }

    fn first(&self, grp: i64) -> rusqlite::Result<Option<Spot>> {
        self.at_or_behind(grp, &[])
    }

    /// The last visible row at or below the last row of a group.
    fn last(&mut self, grp: i64) -> rusqlite::Result<Option<Spot>> {
        match self.before(grp, None)? {
            Some(spot) => self.last_visible(spot).map(Some),
            None => Ok(None),
        }
    }

    /// The last visible row of what ends with this row.
    fn last_visible(&mut self, spot: Spot) -> rusqlite::Result<Spot> {
        let mut spot = self.surface(spot)?;
        while spot.owns_group() && self.is_open(&spot) {
            match self.before(spot.id, None)? {
                Some(last) => spot = self.surface(last)?,
                None => break,
            }
        }
        Ok(spot)
    }

    /// The row itself when all rows above it are unfolded, else the topmost folded one.
    fn surface(&mut self, spot: Spot) -> rusqlite::Result<Spot> {
        let mut parent = spot.parent;
        let mut shown = spot;
        // The tree is five deep; the bound only guards against a damaged one.
        for _ in 0..16 {
            let Some(above) = self.spot(parent)? else { break };
            parent = above.parent;
            if !self.is_open(&above) {
                shown = above;
            }
        }
        Ok(shown)
    }

    fn visible(&mut self, id: RowId) -> rusqlite::Result<Option<Spot>> {
        match self.spot(id.0)? {
            Some(spot) => self.surface(spot).map(Some),
            None => Ok(None),
        }
    }

    fn next(&mut self, at: &Spot) -> rusqlite::Result<Option<Spot>> {
        if self.is_open(at) {
            let child = if at.owns_group() {
                self.first(at.id)?
            } else {
                let mut key = at.path.clone();
                key.push(0);
                self.at_or_behind(at.grp, &key)?.filter(|spot| spot.path.starts_with(&at.path))
            };
            if child.is_some() {
                return Ok(child);
            }
        }
        let mut at = at.clone();
        loop {
            if let Some(key) = behind(&at.path)
                && let Some(next) = self.at_or_behind(at.grp, &key)?
            {
                return Ok(Some(next));
            }
            match self.spot(at.grp)? {
                Some(owner) => at = owner,
                None => return Ok(None),
            }
        }
    }

    fn previous(&mut self, at: &Spot) -> rusqlite::Result<Option<Spot>> {
        match self.before(at.grp, Some(&at.path))? {
            Some(spot) => self.last_visible(spot).map(Some),
            None => self.spot(at.grp),
        }
    }
}
