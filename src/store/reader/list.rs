//! A list as SQL: which rows, in which order, and what lies before or behind a row.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::columns;
use super::filter::{Compiler, Regexes, Sql};
use crate::model::ids::RowId;
use crate::model::page::{PageRequest, Scope, Table};
use crate::model::resource::NodeKind;
use crate::model::tables;
use crate::store::fold::path;

/// One key of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub expr: String,
    pub desc: bool,
}

/// The rows of a request.
pub(crate) struct List {
    pub table: Table,
    /// `c_alarms a` or `c_nodes n`.
    pub from: &'static str,
    /// `a` or `n`.
    pub alias: &'static str,
    /// Base set: scope and subtree.
    pub base: Sql,
    /// Base set and filter.
    pub all: Sql,
    /// The order; the row id is the last key.
    pub keys: Vec<Key>,
    /// Whether an index holds the order.
    pub indexed: bool,
    /// Whether there is a filter.
    pub filtered: bool,
    /// Only one scope of several sorted runs; see [`Scope::All`].
    pub whole: bool,
}

/// Which way from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Rows that sort behind it.
    Behind,
    /// Rows that sort before it, the nearest first.
    Before,
}

impl List {
    /// Puts a request into SQL.
    pub(crate) fn new(conn: &Connection, regexes: &Regexes, request: &PageRequest) -> rusqlite::Result<Self> {
        let (from, alias) = match request.table {
            Table::Nodes => ("c_nodes n", "n"),
            Table::Cpes => ("c_cpes c", "c"),
            _ => ("c_alarms a", "a"),
        };
        let mut base = Sql::default();
        match (request.table, request.scope) {
            (Table::Nodes, _) => base.push("n.grp IS NOT NULL"),
            (Table::Cpes, _) | (_, Scope::All) => {}
            (_, Scope::Open) => base.push("a.scope = 1"),
            (_, Scope::Hidden) => base.push("a.scope = 2"),
        }
        if let Some(top) = request.below.filter(|_| request.table != Table::Cpes) {
            base.and();
            below(conn, request.table, top, &mut base)?;
        }
        if base.text.is_empty() {
            base.push("1");
        }
        let mut all = base.clone();
        if let Some(query) = &request.filter {
            let mut table = regexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            table.begin(request.now);
            all.push(" AND (");
            Compiler::new(request.table, request.now, &mut table).query(query, &mut all);
            all.push(")");
        }
        let keys = keys(request, alias);
        let indexed = is_indexed(request);
        let filtered = request.filter.is_some();
        Ok(Self {
            table: request.table,
            from,
            alias,
            base,
            all,
            keys,
            indexed,
            filtered,
            whole: request.scope == Scope::All,
        })
    }

    /// `ORDER BY` of the list, or of the way back.
    pub(crate) fn order(&self, way: Way) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|k| format!("{} {}", k.expr, if k.desc == (way == Way::Behind) { "DESC" } else { "ASC" }))
            .collect();
        keys.join(", ")
    }

    /// The keys of a row; `None` when it is gone.
    pub(crate) fn values(&self, conn: &Connection, id: RowId) -> rusqlite::Result<Option<Vec<Value>>> {
        let exprs: Vec<&str> = self.keys.iter().map(|k| k.expr.as_str()).collect();
        let text = format!("SELECT {} FROM {} WHERE {}.id = ?1", exprs.join(", "), self.from, self.alias);
        conn.prepare_cached(&text)?
            .query_row([id.0], |row| (0..self.keys.len()).map(|i| row.get(i)).collect())
            .optional()
    }

    /// Appends the condition "sorts behind (before) these keys".
    pub(crate) fn beyond(&self, values: &[Value], way: Way, sql: &mut Sql) {
        let one_way = self.keys.windows(2).all(|w| w.first().map(|k| k.desc) == w.last().map(|k| k.desc));
        if let (true, Some(first)) = (one_way, self.keys.first()) {
            let exprs: Vec<&str> = self.keys.iter().map(|k| k.expr.as_str()).collect();
            sql.push(&format!("({}) {} (", exprs.join(", "), less(first.desc, way)));
            for (i, value) in values.iter().enumerate() {
                sql.push(if i > 0 { ", " } else { "" });
                sql.bind(value.clone());
            }
            sql.push(")");
            return;
        }
        sql.push("(0");
        for (i, key) in self.keys.iter().enumerate() {
            sql.push(" OR (");
            for (same, value) in self.keys.iter().zip(values).take(i) {
                sql.push(&format!("{} = ", same.expr));
                sql.bind(value.clone());
                sql.push(" AND ");
            }
            sql.push(&format!("{} {} ", key.expr, less(key.desc, way)));
            sql.bind(values.get(i).cloned().unwrap_or(Value::Null));
            sql.push(")");
        }
        sql.push(")");
    }

    /// Ids on one way from a place (from the end when there is none), at most `limit`. With a
    /// `probe`, only so many rows in index order are looked at.
    pub(crate) fn ids(
        &self,
        conn: &Connection,
        from: Option<&[Value]>,
        way: Way,
        limit: usize,
        probe: Option<usize>,
    ) -> rusqlite::Result<Vec<i64>> {
        if self.whole && self.indexed && self.table == Table::Alarms {
            return self.merged(conn, from, way, limit, probe);
        }
        self.ids_in(conn, "", from, way, limit, probe).map(|rows| rows.into_iter().map(|(id, _)| id).collect())
    }

    /// The order's index begins with the scope, so all scopes are three sorted runs.
    fn merged(
        &self,
        conn: &Connection,
        from: Option<&[Value]>,
        way: Way,
        limit: usize,
        probe: Option<usize>,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut rows = Vec::new();
        for scope in ["a.scope = 0 AND ", "a.scope = 1 AND ", "a.scope = 2 AND "] {
            rows.extend(self.ids_in(conn, scope, from, way, limit, probe)?);
        }
        rows.sort_by(|(_, a), (_, b)| self.compare(a, b, way));
        rows.truncate(limit);
        Ok(rows.into_iter().map(|(id, _)| id).collect())
    }

    fn ids_in(
        &self,
        conn: &Connection,
        scope: &str,
        from: Option<&[Value]>,
        way: Way,
        limit: usize,
        probe: Option<usize>,
    ) -> rusqlite::Result<Vec<(i64, Vec<Value>)>> {
        let mut inner = Sql { text: scope.to_owned(), values: Vec::new() };
        let filter = if let (Some(_), true) = (probe, self.filtered) {
            inner.values.clone_from(&self.all.values);
            inner.push(&self.base.text);
            Some(&self.all)
        } else {
            inner.values.clone_from(&self.all.values);
            inner.push(&self.all.text);
            None
        };
        if let Some(values) = from {
            inner.push(" AND ");
            self.beyond(values, way, &mut inner);
        }
        let order = self.order(way);
        let exprs: Vec<&str> = self.keys.iter().map(|k| k.expr.as_str()).collect();
        let (from, alias, keys) = (self.from, self.alias, exprs.join(", "));
        let text = match (filter, probe) {
            (Some(all), Some(probe)) => format!(
                "SELECT {keys} FROM (SELECT * FROM {from} WHERE {} ORDER BY {order} LIMIT {probe}) {alias} WHERE {} \
                 ORDER BY {order} LIMIT {limit}",
                inner.text, all.text
            ),
            _ => format!("SELECT {keys} FROM {from} WHERE {} ORDER BY {order} LIMIT {limit}", inner.text),
        };
        let mut stmt = conn.prepare_cached(&text)?;
        let last = self.keys.len() - 1;
        stmt.query_map(params_from_iter(inner.values.iter()), |row| {
            let keys = (0..=last).map(|i| row.get(i)).collect::<rusqlite::Result<Vec<Value>>>()?;
            Ok((row.get(last)?, keys))
        })?
        .collect()
    }

    /// How two rows stand in the order.
    pub(crate) fn compare(&self, a: &[Value], b: &[Value], way: Way) -> std::cmp::Ordering {
        for ((x, y), key) in a.iter().zip(b).zip(&self.keys) {
            let order = compare_values(x, y);
            let order = if key.desc == (way == Way::Behind) { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    }
}

/// As SQLite compares: numbers before texts.
fn compare_values(a: &Value, b: &Value) -> std::cmp::Ordering {
    let number = |v: &Value| match v {
        Value::Integer(n) => Some(*n as f64),
        Value::Real(x) => Some(*x),
        _ => None,
    };
    match (a, b) {
        (Value::Integer(x), Value::Integer(y)) => x.cmp(y),
        (Value::Text(x), Value::Text(y)) => x.as_bytes().cmp(y.as_bytes()),
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        _ => match (number(a), number(b)) {
            (Some(x), Some(y)) => x.total_cmp(&y),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        },
    }
}

const fn less(desc: bool, way: Way) -> &'static str {
    if desc == matches!(way, Way::Behind) { "<" } else { ">" }
}

/// The order asked for, else the table's own; the row id last, in the direction of the last key.
fn keys(request: &PageRequest, alias: &str) -> Vec<Key> {
    let spec = tables::spec(request.table);
    let own = spec.default_sort.iter().map(|(field, desc)| (*field, *desc));
    let asked = request.sort.iter().map(|s| (s.field, s.desc));
    let wanted: Vec<(&str, bool)> = if request.sort.is_empty() { own.collect() } else { asked.collect() };
    let mut keys: Vec<Key> = wanted
        .into_iter()
        .filter_map(|(field, desc)| columns::order(request.table, field).map(|expr| Key { expr, desc }))
        .collect();
    let desc = keys.last().is_none_or(|k| k.desc);
    keys.push(Key { expr: format!("{alias}.id"), desc });
    keys
}

/// Whether an index of the cache holds the order.
fn is_indexed(request: &PageRequest) -> bool {
    let fields: Vec<(&str, bool)> = if request.sort.is_empty() {
        tables::spec(request.table).default_sort.to_vec()
    } else {
        request.sort.iter().map(|s| (s.field, s.desc)).collect()
    };
    let names: Vec<&str> = fields.iter().map(|(f, _)| *f).collect();
    let one_way = fields.iter().all(|(_, desc)| Some(desc) == fields.first().map(|(_, d)| d));
    request.below.is_none()
        && one_way
        && match request.table {
            Table::Alarms => matches!(names.as_slice(), ["severity", "raised_at"] | ["last_changed"]),
            Table::Nodes => matches!(names.as_slice(), ["id"]),
            Table::Cpes => matches!(names.as_slice(), ["serial"]),
            Table::Sources
            | Table::Log
            | Table::Jobs
            | Table::JobDevices
            | Table::Faults
            | Table::Stored
            | Table::Appliances
            | Table::Collectors
            | Table::Vms => false,
        }
}

/// Appends "on or below this node".
fn below(conn: &Connection, table: Table, top: RowId, sql: &mut Sql) -> rusqlite::Result<()> {
    if table == Table::Nodes {
        return subtree(conn, top, sql);
    }
    sql.push("a.node IN (SELECT n.id FROM c_nodes n WHERE ");
    subtree(conn, top, sql)?;
    sql.push(")");
    Ok(())
}

/// Appends the condition on `n` for a subtree.
fn subtree(conn: &Connection, top: RowId, sql: &mut Sql) -> rusqlite::Result<()> {
    let place: Option<(u8, Option<i64>, Option<Vec<u8>>)> = conn
        .prepare_cached("SELECT kind, grp, path FROM c_nodes WHERE id = ?1")?
        .query_row([top.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    sql.push("(n.id = ");
    sql.bind(top.0);
    match place {
        Some((kind, Some(_), _)) if kind == NodeKind::Olt.code() => {
            sql.push(" OR n.grp = ");
            sql.bind(top.0);
        }
        Some((kind, Some(_), _)) if kind == NodeKind::Site.code() => {
            sql.push(" OR n.grp = ");
            sql.bind(top.0);
            sql.push(" OR n.grp IN (SELECT o.id FROM c_nodes o WHERE o.grp = ");
            sql.bind(top.0);
            sql.push(" AND o.kind = 1)");
        }
        Some((_, Some(grp), Some(key))) => {
            sql.push(" OR (n.grp = ");
            sql.bind(grp);
            sql.push(" AND n.path > ");
            sql.bind(key.clone());
            if let Some(end) = path::behind(&key) {
                sql.push(" AND n.path < ");
                sql.bind(end);
            }
            sql.push(")");
        }
        _ => {}
    }
    sql.push(")");
    Ok(())
}
