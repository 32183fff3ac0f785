//! Filters as SQL. `Query::matches` is the definition; a property test holds this to it.
//!
//! Values never become part of the SQL text: they are parameters, regular expressions are numbers
//! into a table that the `matches_regex` function looks into.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, Error as SqlError};

use crate::model::cpe::Online;
use crate::model::field::{FieldKind, FieldSpec};
use crate::model::page::Table;
use crate::model::query::{Expr, LeafTest, Literal, Op, Query};
use crate::model::tables;
use crate::model::time::Ts;
use crate::model::version::Version;
use crate::store::fold::cpes::unpack_rule;
use crate::store::fold::leaves;

use super::columns::{self, Column};

/// What the running statement asks for, for the functions it calls.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Regular expressions, by number.
    regexes: Vec<Arc<Regex>>,
    /// Tests of raw parameters, by number.
    leaves: Vec<Arc<LeafTest>>,
    /// When it is asked.
    now: Ts,
}

impl Asked {
    /// Begins a new request.
    pub(crate) fn begin(&mut self, now: Ts) {
        self.regexes.clear();
        self.leaves.clear();
        self.now = now;
    }
}

/// Shared between the compiler and the functions of a connection.
pub(crate) type Regexes = Arc<Mutex<Asked>>;

/// A condition with its parameters, numbered from where it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub text: String,
    pub values: Vec<Value>,
}

impl Sql {
    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push('?');
        self.text.push_str(&self.values.len().to_string());
    }

    /// Appends a word for `AND`-ing conditions, unless this is the first.
    pub(crate) fn and(&mut self) {
        self.push(if self.text.is_empty() { "" } else { " AND " });
    }
}

/// Registers the functions that filters use.
pub(crate) fn register(conn: &Connection, regexes: &Regexes) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let table = Arc::clone(regexes);
    conn.create_scalar_function("matches_regex", 2, flags, move |ctx| {
        let regex: Arc<Arc<Regex>> = ctx.get_or_create_aux(0, |value| {
            let number = usize::try_from(value.as_i64().unwrap_or(-1)).unwrap_or(usize::MAX);
            let table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.regexes.get(number).cloned().ok_or(SqlError::InvalidParameterName("regex".to_owned()))
        })?;
        Ok(match ctx.get_raw(1) {
            rusqlite::types::ValueRef::Text(text) => std::str::from_utf8(text).is_ok_and(|t| regex.is_match(t)),
            _ => regex.is_match(""),
        })
    })?;
    let table = Arc::clone(regexes);
    conn.create_scalar_function("leaf_passes", 3, flags, move |ctx| {
        // What holds of a parameter that is not known is the same for all devices.
        let test: Arc<(Arc<LeafTest>, bool)> = ctx.get_or_create_aux(0, |value| {
            let number = usize::try_from(value.as_i64().unwrap_or(-1)).unwrap_or(usize::MAX);
            let table = table.lock().unwrap_or_else(PoisonError::into_inner);
            let test = table.leaves.get(number).cloned();
            let test = test.ok_or(SqlError::InvalidParameterName("parameter".to_owned()))?;
            let unknown = test.passes("");
            Ok::<_, SqlError>((test, unknown))
        })?;
        let value = match (ctx.get_raw(1).as_blob_or_null(), ctx.get_raw(2).as_i64_or_null()) {
            (Ok(Some(packed)), Ok(Some(path))) => u32::try_from(path).ok().and_then(|path| leaves::find(packed, path)),
            _ => None,
        };
        Ok(value.map_or(test.1, |value| test.0.passes(value)))
    })?;
    // How a version stands to the one that is asked for. A fleet has few different ones: each is
    // compared once a statement.
    conn.create_scalar_function("version_order", 2, flags, |ctx| {
        type Seen = (Version, Mutex<HashMap<String, i64>>);
        let seen: Arc<Seen> = ctx.get_or_create_aux(0, |value| {
            Ok::<_, rusqlite::types::FromSqlError>((Version::new(value.as_str()?), Mutex::default()))
        })?;
        let text = ctx.get_raw(1).as_str().unwrap_or_default();
        let mut known = seen.1.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = known.get(text) {
            return Ok(*order);
        }
        let order = Version::new(text).cmp(&seen.0) as i64;
        known.insert(text.to_owned(), order);
        Ok(order)
    })?;
    // What is online depends on when it is asked: no function of its arguments alone.
    let table = Arc::clone(regexes);
    conn.create_scalar_function("online_word", 2, FunctionFlags::SQLITE_UTF8, move |ctx| {
        let now = table.lock().unwrap_or_else(PoisonError::into_inner).now;
        let rule = ctx.get::<Option<i64>>(1)?.map(unpack_rule).unwrap_or_default();
        Ok(Online::at(Ts(ctx.get(0)?), rule, now).word())
    })?;
    conn.create_scalar_function("suppressed_by", 1, flags, |ctx| {
        Ok(super::rows::suppressed_by(ctx.get_raw(0).as_blob_or_null()?))
    })?;
    conn.create_scalar_function("plain_time", 1, flags, |ctx| Ok(Ts(ctx.get::<i64>(0)?).to_rfc3339()))?;
    conn.create_scalar_function("plain_float", 1, flags, |ctx| {
        Ok(ctx.get::<Option<f64>>(0)?.map_or_else(String::new, |x| x.to_string()))
    })
}

/// Compiles filters.
pub(crate) struct Compiler<'a> {
    table: Table,
    now: Ts,
    regexes: &'a mut Asked,
    columns: columns::Of,
    /// The condition does not hold of empty text.
    known_only: bool,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(table: Table, now: Ts, regexes: &'a mut Asked) -> Self {
        Self { table, now, regexes, columns: columns::column, known_only: false }
    }

    /// For conditions on some fields alone that do not hold where nothing is known.
    pub(crate) fn of(columns: columns::Of, table: Table, now: Ts, regexes: &'a mut Asked) -> Self {
        Self { table, now, regexes, columns, known_only: true }
    }

    /// Appends the condition of a filter.
    pub(crate) fn query(&mut self, query: &Query, sql: &mut Sql) {
        self.expr(&query.expr, sql);
    }

    /// Appends the condition of a part of one.
    pub(crate) fn expr(&mut self, expr: &Expr, sql: &mut Sql) {
        match expr {
            Expr::All => sql.push("1"),
            Expr::And(parts) => self.join(parts, " AND ", "1", sql),
            Expr::Or(parts) => self.join(parts, " OR ", "0", sql),
            Expr::Not(inner) => {
                sql.push("NOT (");
                self.expr(inner, sql);
                sql.push(")");
            }
            Expr::Compare { field, op, value } => self.compare(field, *op, value, sql),
            Expr::Matches { field: Some(field), regex } => {
                let number = self.regex(regex);
                self.on_text(field, sql, &|sql, text| regex_test(sql, text, number));
            }
            Expr::Matches { field: None, regex } => {
                let number = self.regex(regex);
                self.any_free(sql, &|sql, text| regex_test(sql, text, number));
            }
            Expr::Leaf { path, test } => self.leaf(path, test, sql),
            Expr::Text(text) => self.any_free(sql, &|sql, column| contains(sql, column, text)),
        }
    }

    fn leaf(&mut self, path: &str, test: &LeafTest, sql: &mut Sql) {
        let leaves = &mut self.regexes.leaves;
        leaves.push(Arc::new(test.clone()));
        let number = leaves.len() as i64 - 1;
        sql.push("leaf_passes(");
        sql.bind(number);
        sql.push(
            ", (SELECT l.leaves FROM c_cpe_leaves l WHERE l.id = c.id), (SELECT p.id FROM c_cpe_paths p WHERE p.path = ",
        );
        sql.bind(path.to_owned());
        sql.push("))");
    }

    fn join(&mut self, parts: &[Expr], word: &str, empty: &str, sql: &mut Sql) {
        sql.push("(");
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                sql.push(word);
            }
            self.expr(part, sql);
        }
        sql.push(if parts.is_empty() { empty } else { "" });
        sql.push(")");
    }

    fn regex(&mut self, regex: &Arc<Regex>) -> i64 {
        self.regexes.regexes.push(Arc::clone(regex));
        self.regexes.regexes.len() as i64 - 1
    }

    fn any_free(&self, sql: &mut Sql, test: &dyn Fn(&mut Sql, &str)) {
        sql.push("(0");
        for field in tables::spec(self.table).fields.iter().filter(|f| f.free_text) {
            sql.push(" OR ");
            self.on_text(field, sql, test);
        }
        sql.push(")");
    }

    /// Appends a test of a field's plain text.
    fn on_text(&self, field: &FieldSpec, sql: &mut Sql, test: &dyn Fn(&mut Sql, &str)) {
        match (self.columns)(self.table, field.name) {
            Some(Column::Text(text)) if self.known_only => {
                sql.push(&format!("({text} <> '' AND "));
                test(sql, text);
                sql.push(")");
            }
            Some(Column::Text(text)) => test(sql, text),
            Some(Column::Dict { column, id, text, table }) => {
                // The other table is small: it is searched once, not once a row.
                sql.push(&format!("({column} IN (SELECT {id} FROM {table} WHERE "));
                test(sql, text);
                sql.push(") OR (");
                test(sql, "''");
                sql.push(&format!(" AND {column} NOT IN (SELECT {id} FROM {table})))"));
            }
            Some(Column::Gap(n)) => test(sql, &format!("coalesce(CAST({n} AS TEXT), '')")),
            Some(Column::Int(n)) => test(sql, &format!("CAST({n} AS TEXT)")),
            Some(Column::Float(x)) => test(sql, &format!("plain_float({x})")),
            Some(Column::Bool(b)) => test(sql, &format!("(CASE WHEN {b} THEN 'true' ELSE 'false' END)")),
            Some(Column::Time(t)) => test(sql, &format!("plain_time({t})")),
            Some(Column::Rank(r)) => test(
                sql,
                &format!(
                    "(CASE {r} WHEN 4 THEN 'critical' WHEN 3 THEN 'major' WHEN 2 THEN 'minor' WHEN 1 THEN 'warning' \
                     WHEN 0 THEN 'indeterminate' ELSE '' END)"
                ),
            ),
            None => test(sql, "''"),
        }
    }

    fn compare(&self, field: &FieldSpec, op: Op, value: &Literal, sql: &mut Sql) {
        if *value == Literal::Empty {
            return self.unset(field, op, sql);
        }
        match (field.kind, value) {
            (FieldKind::Text, Literal::Text(want)) if field.versions && op.orders() => {
                self.on_text(field, sql, &|sql, text| {
                    sql.push("(version_order(");
                    sql.bind(want.to_owned());
                    sql.push(&format!(", {text}) {} 0)", sign(op)));
                });
            }
            (FieldKind::Text, Literal::Text(want)) if field.listed && matches!(op, Op::Eq | Op::Ne) => {
                self.on_text(field, sql, &|sql, text| {
                    sql.push(if op == Op::Ne { "(NOT " } else { "(" });
                    contains(sql, &format!("(', ' || {text} || ', ')"), &format!(", {want}, "));
                    sql.push(")");
                });
            }
            (FieldKind::Text | FieldKind::Word(_), Literal::Text(want)) => {
                self.on_text(field, sql, &|sql, text| text_test(sql, text, op, want));
            }
            (FieldKind::Bool, Literal::Bool(want)) => match (self.columns)(self.table, field.name) {
                Some(Column::Bool(b)) => {
                    sql.push(&format!("(({b}) {} ", sign(op)));
                    sql.bind(i64::from(*want));
                    sql.push(")");
                }
                _ => sql.push("0"),
            },
            (FieldKind::Text | FieldKind::Word(_) | FieldKind::Bool, _) => sql.push("0"),
            _ => self.ordered(field, op, value, sql),
        }
    }

    /// Numbers, instants, severities. What is not known differs from everything.
    fn ordered(&self, field: &FieldSpec, op: Op, value: &Literal, sql: &mut Sql) {
        let unknown = if op == Op::Ne { "1" } else { "0" };
        let (expr, want): (&str, Value) = match ((self.columns)(self.table, field.name), value) {
            (Some(Column::Int(e) | Column::Gap(e) | Column::Float(e)), Literal::Int(n)) => (e, (*n).into()),
            (Some(Column::Int(e) | Column::Gap(e) | Column::Float(e)), Literal::Float(x)) if !x.is_nan() => {
                (e, (*x).into())
            }
            (Some(Column::Rank(e)), Literal::Severity(s)) => (e, i64::from(s.rank()).into()),
            (Some(Column::Time(e)), Literal::Time(t)) => (e, t.0.into()),
            (Some(Column::Time(e)), Literal::Ago(ago)) => (e, self.now.plus(ago.saturating_neg()).0.into()),
            _ => return sql.push(unknown),
        };
        if matches!((self.columns)(self.table, field.name), Some(Column::Time(_))) {
            sql.push(&format!("coalesce(nullif({expr}, 0) {} ", sign(op)));
        } else {
            sql.push(&format!("coalesce({expr} {} ", sign(op)));
        }
        sql.bind(want);
        sql.push(&format!(", {unknown})"));
    }

    fn unset(&self, field: &FieldSpec, op: Op, sql: &mut Sql) {
        if op == Op::Ne {
            sql.push("NOT ");
        }
        match (self.columns)(self.table, field.name) {
            Some(Column::Text(_) | Column::Dict { .. }) => {
                self.on_text(field, sql, &|sql, text| sql.push(&format!("({text} = '')")));
            }
            Some(Column::Time(e)) => sql.push(&format!("({e} = 0)")),
            Some(Column::Float(e) | Column::Gap(e) | Column::Rank(e)) => sql.push(&format!("({e} IS NULL)")),
            Some(Column::Int(_) | Column::Bool(_)) => sql.push("0"),
            None => sql.push("1"),
        }
    }
}

const fn sign(op: Op) -> &'static str {
    match op {
        Op::Eq | Op::Has => "=",
        Op::Ne => "<>",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
    }
}

fn text_test(sql: &mut Sql, text: &str, op: Op, want: &str) {
    if op == Op::Has {
        return contains(sql, text, want);
    }
    // NOCASE folds A to Z, as the filter language does.
    sql.push(&format!("({text} {} ", sign(op)));
    sql.bind(want.to_owned());
    sql.push(" COLLATE NOCASE)");
}

fn contains(sql: &mut Sql, text: &str, needle: &str) {
    let mut pattern = String::with_capacity(needle.len() + 2);
    pattern.push('%');
    for c in needle.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    sql.push(&format!("({text} LIKE "));
    sql.bind(pattern);
    sql.push(" ESCAPE '\\')");
}

fn regex_test(sql: &mut Sql, text: &str, number: i64) {
    sql.push("matches_regex(");
    sql.bind(number);
    sql.push(&format!(", {text})"));
}
