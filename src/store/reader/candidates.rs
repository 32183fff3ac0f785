//! Where the matches of a rare filter can lie, found in indexes instead of in all rows.
//!
//! A filter's parts are about the object of a row, about what its source said of it, or about who
//! owns it. Objects are looked for in a narrow index of their names; the different things that are
//! said are mostly few and are gone through one by one. What comes out holds every match and some more:
//! the whole filter is still asked of each row. Parts that no index helps with have no candidates,
//! and neither has what too many rows are candidates of.

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::columns;
use super::filter::{Compiler, Regexes, Sql};
use crate::model::field::{FieldSpec, Record, Value};
use crate::model::page::{PageRequest, Table};
use crate::model::query::{Expr, Literal, Op, Query};
use crate::model::tables;
use crate::model::time::Ts;
use crate::store::names::Names;

/// More candidates than this are not worth looking up one by one.
pub(crate) const MOST: usize = 20_000;
/// Different things said, beyond which they are not gone through (few in tests, to see both ways).
const MOST_SAID: usize = if cfg!(test) { 3 } else { 4_096 };

/// A way to candidates.
enum Way<'a> {
    /// Objects with this part of the filter.
    Objects(&'a Expr),
    /// Alarms of a source and a type with a text.
    Said(u32, u32, String),
    /// Alarms of which something is said that this part of the filter is about.
    Telling(&'a Expr),
    /// Alarms that have an owner.
    Owned,
}

/// Ways that lead to all matches, and how far they are.
struct Plan<'a> {
    cost: u8,
    ways: Vec<Way<'a>>,
}

/// What sources say: the fields of an alarm that are not about its object.
struct Said {
    source: u32,
    type_id: u32,
    source_name: String,
    type_name: String,
    text: String,
}

impl Record for Said {
    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "source" => Value::text(&self.source_name),
            "type" => Value::text(&self.type_name),
            "text" => Value::text(&self.text),
            _ => Value::None,
        }
    }
}

/// A row of which nothing is known.
struct Nothing;

impl Record for Nothing {
    fn get(&self, _: &str) -> Value<'_> {
        Value::None
    }
}

/// Looks for candidates in one snapshot of the database.
pub(crate) struct Search<'a> {
    conn: &'a Connection,
    names: &'a Names,
    table: Table,
    now: Ts,
    /// What is said, once it was looked for, unless it is too much.
    said: Option<Vec<Said>>,
    looked: bool,
}

impl<'a> Search<'a> {
    pub(crate) fn new(conn: &'a Connection, names: &'a Names, request: &PageRequest) -> Self {
        Self { conn, names, table: request.table, now: request.now, said: None, looked: false }
    }

    /// Row ids among which all matches are; `None` when the indexes do not tell.
    pub(crate) fn ids(mut self, query: &Query, regexes: &Regexes) -> rusqlite::Result<Option<Vec<i64>>> {
        let Some(plan) = self.plan(&query.expr)? else { return Ok(None) };
        let mut ids = Vec::new();
        for way in &plan.ways {
            let sql = self.select(way, regexes);
            let mut stmt = self.conn.prepare_cached(&sql.text)?;
            let mut rows = stmt.query(params_from_iter(sql.values.iter()))?;
            while let Some(row) = rows.next()? {
                if ids.len() >= MOST {
                    return Ok(None);
                }
                ids.push(row.get(0)?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(ids))
    }

    fn plan<'e>(&mut self, expr: &'e Expr) -> rusqlite::Result<Option<Plan<'e>>> {
        match expr {
            Expr::And(parts) => {
                let mut best: Option<Plan<'e>> = None;
                for part in parts {
                    // Nothing is nearer: what the other parts would cost to look into is saved.
                    if best.as_ref().is_some_and(|best| best.cost == 0) {
                        break;
                    }
                    if let Some(plan) = self.plan(part)?
                        && best.as_ref().is_none_or(|b| plan.cost < b.cost)
                    {
                        best = Some(plan);
                    }
                }
                Ok(best)
            }
            Expr::Or(parts) => {
                let mut all = Plan { cost: 0, ways: Vec::new() };
                for part in parts {
                    let Some(plan) = self.plan(part)? else { return Ok(None) };
                    all.cost = all.cost.max(plan.cost);
                    all.ways.extend(plan.ways);
                }
                Ok(Some(all))
            }
            Expr::Compare { field, .. } | Expr::Matches { field: Some(field), .. } => self.part(expr, &[field]),
            Expr::Matches { field: None, .. } | Expr::Text(_) => {
                let fields: Vec<&FieldSpec> = tables::spec(self.table).fields.iter().filter(|f| f.free_text).collect();
                self.part(expr, &fields)
            }
            Expr::All | Expr::Not(_) | Expr::Leaf { .. } => Ok(None),
        }
    }

    /// A part of the filter that is about some fields.
    fn part<'e>(&mut self, expr: &'e Expr, fields: &[&FieldSpec]) -> rusqlite::Result<Option<Plan<'e>>> {
        // What holds where nothing is known holds for too many, and not only in the indexes.
        if self.holds(expr, &Nothing) {
            return Ok(None);
        }
        let (mut objects, mut said) = (false, false);
        let mut plan = Plan { cost: 0, ways: Vec::new() };
        for field in fields {
            match (self.table, field.name) {
                (table, name) if columns::of_node(table, name).is_some() => objects = true,
                (table, name) if columns::of_said(table, name).is_some() => said = true,
                (Table::Alarms, "owner") => plan.ways.push(Way::Owned),
                _ => return Ok(None),
            }
        }
        if objects {
            let exact =
                matches!(expr, Expr::Compare { field, op: Op::Eq, value: Literal::Text(_) } if field.name == "serial");
            plan.cost = if exact { 0 } else { 2 };
            plan.ways.push(Way::Objects(expr));
        }
        if said {
            if !std::mem::replace(&mut self.looked, true) {
                self.said = self.all_said()?;
            }
            let Some(all) = &self.said else {
                plan.cost = 4;
                plan.ways.push(Way::Telling(expr));
                return Ok(Some(plan));
            };
            let before = plan.ways.len();
            for one in all.iter().filter(|one| self.holds(expr, *one)) {
                plan.ways.push(Way::Said(one.source, one.type_id, one.text.clone()));
            }
            // Much is said of many objects: anything else is nearer.
            plan.cost = if plan.ways.len() > before { 3 } else { plan.cost };
        }
        Ok(Some(plan))
    }

    fn holds(&self, expr: &Expr, row: &dyn Record) -> bool {
        Query { text: String::new(), table: self.table, expr: expr.clone() }.matches(row, self.now)
    }

    fn select(&self, way: &Way<'_>, regexes: &Regexes) -> Sql {
        let mut sql = Sql::default();
        match way {
            Way::Objects(expr) => {
                sql.push(match self.table {
                    Table::Nodes => "SELECT n.id FROM c_nodes n INDEXED BY c_nodes_find WHERE ",
                    _ => {
                        "SELECT x.id FROM c_nodes n INDEXED BY c_nodes_find \
                         CROSS JOIN c_alarms x INDEXED BY c_alarms_node ON x.node = n.id WHERE "
                    }
                });
                self.condition(expr, columns::of_node, regexes, &mut sql);
            }
            Way::Telling(expr) => {
                sql.push("SELECT a.id FROM c_alarms a INDEXED BY c_alarms_said WHERE ");
                self.condition(expr, columns::of_said, regexes, &mut sql);
            }
            Way::Said(source, type_id, text) => {
                sql.push("SELECT id FROM c_alarms INDEXED BY c_alarms_said WHERE source = ");
                sql.bind(i64::from(*source));
                sql.push(" AND type = ");
                sql.bind(i64::from(*type_id));
                sql.push(" AND text = ");
                sql.bind(text.clone());
            }
            Way::Owned => sql.push("SELECT id FROM c_alarms INDEXED BY c_alarms_owner WHERE owner <> ''"),
        }
        sql
    }

    fn condition(&self, expr: &Expr, columns: columns::Of, regexes: &Regexes, sql: &mut Sql) {
        let mut table = regexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Compiler::of(columns, self.table, self.now, &mut table).expr(expr, sql);
    }

    /// Everything different that is said, each found by steps in the index; `None` when that is too
    /// much.
    fn all_said(&self) -> rusqlite::Result<Option<Vec<Said>>> {
        // Single columns: SQLite would walk through all that equals the left side of a row value.
        let steps = [
            "source = ?1 AND type = ?2 AND text > ?3",
            "source = ?1 AND type > ?2 AND ?3 IS NOT NULL",
            "source > ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL",
        ];
        let mut all: Vec<Said> = Vec::new();
        let mut at: (i64, i64, String) = (-1, -1, String::new());
        loop {
            let mut next: Option<(u32, u32, String)> = None;
            for step in steps {
                let text = format!(
                    "SELECT source, type, text FROM c_alarms INDEXED BY c_alarms_said \
                     WHERE {step} ORDER BY source, type, text LIMIT 1"
                );
                next = self
                    .conn
                    .prepare_cached(&text)?
                    .query_row(params![at.0, at.1, at.2], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()?;
                if next.is_some() {
                    break;
                }
            }
            let Some((source, type_id, text)) = next else { return Ok(Some(all)) };
            if all.len() >= MOST_SAID {
                return Ok(None);
            }
            at = (source.into(), type_id.into(), text.clone());
            all.push(Said {
                source,
                type_id,
                source_name: self.names.name(source).to_string(),
                type_name: self.names.name(type_id).to_string(),
                text,
            });
        }
    }
}
