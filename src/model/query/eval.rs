//! What a filter means: matching one row. Lists evaluate filters in SQL; this is the definition
//! that the SQL has to agree with, and what the linear mode and live counters use.

use std::cmp::Ordering;

use super::{Expr, Literal, Op, Query};
use crate::model::field::{FieldKind, FieldSpec, Record, TableSpec, Value};
use crate::model::severity::Severity;
use crate::model::tables;
use crate::model::time::Ts;
use crate::model::version::Version;

impl Query {
    /// Whether a row of the query's table passes. `now` anchors relative times.
    #[must_use]
    pub fn matches(&self, row: &dyn Record, now: Ts) -> bool {
        eval(&self.expr, tables::spec(self.table), row, now)
    }
}

fn eval(expr: &Expr, table: &TableSpec, row: &dyn Record, now: Ts) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(parts) => parts.iter().all(|p| eval(p, table, row, now)),
        Expr::Or(parts) => parts.iter().any(|p| eval(p, table, row, now)),
        Expr::Not(inner) => !eval(inner, table, row, now),
        Expr::Compare { field, op, value } => compare(field, *op, value, row, now),
        Expr::Matches { field: Some(field), regex } => regex.is_match(&row.get(field.name).to_plain()),
        Expr::Matches { field: None, regex } => any_free(table, row, |text| regex.is_match(text)),
        Expr::Leaf { path, test } => test.passes(&row.get(path).to_plain()),
        Expr::Text(text) => {
            let needle = text.to_ascii_lowercase();
            any_free(table, row, |text| text.to_ascii_lowercase().contains(&needle))
        }
    }
}

fn any_free(table: &TableSpec, row: &dyn Record, test: impl Fn(&str) -> bool) -> bool {
    table.fields.iter().filter(|f| f.free_text).any(|f| test(&row.get(f.name).to_plain()))
}

fn compare(field: &FieldSpec, op: Op, literal: &Literal, row: &dyn Record, now: Ts) -> bool {
    let value = row.get(field.name);
    if *literal == Literal::Empty {
        return (op == Op::Ne) != is_unset(&value);
    }
    match field.kind {
        FieldKind::Text | FieldKind::Word(_) => match literal {
            Literal::Text(want) if field.versions && op.orders() => {
                holds(op, Version::new(&value.to_plain()).cmp(&Version::new(want)))
            }
            Literal::Text(want) if field.listed && matches!(op, Op::Eq | Op::Ne) => {
                let [have, want] = [&value.to_plain(), want.as_str()].map(in_list);
                text(Op::Has, &have, &want) == (op == Op::Eq)
            }
            Literal::Text(want) => text(op, &value.to_plain(), want),
            _ => false,
        },
        FieldKind::Bool => match literal {
            Literal::Bool(want) => holds(op, (value == Value::Bool(true)).cmp(want)),
            _ => false,
        },
        _ => order(&value, literal, now).map_or(op == Op::Ne, |found| holds(op, found)),
    }
}

/// A word of a list, or a list, with what stands between words on both sides.
fn in_list(words: &str) -> String {
    format!(", {words}, ")
}

/// How the value of a raw parameter stands to what is wanted.
pub(super) fn leaf(op: Op, have: &str, want: &str) -> bool {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    match (op, number(have), number(want)) {
        (Op::Has, ..) | (_, None, _) | (_, _, None) => text(op, have, want),
        (_, Some(have), Some(want)) => holds(op, have.total_cmp(&want)),
    }
}

fn is_unset(value: &Value<'_>) -> bool {
    match value {
        Value::None => true,
        Value::Text(t) => t.is_empty(),
        Value::Time(t) => !t.is_set(),
        _ => false,
    }
}

/// Without regard to case, and without a copy: a filter looks at hundreds of thousands of texts.
fn text(op: Op, have: &str, want: &str) -> bool {
    let (have, want) = (have.as_bytes(), want.as_bytes());
    match op {
        Op::Eq => have.eq_ignore_ascii_case(want),
        Op::Ne => !have.eq_ignore_ascii_case(want),
        Op::Has => want.is_empty() || have.windows(want.len()).any(|part| part.eq_ignore_ascii_case(want)),
        Op::Lt | Op::Le | Op::Gt | Op::Ge => {
            holds(op, have.iter().map(u8::to_ascii_lowercase).cmp(want.iter().map(u8::to_ascii_lowercase)))
        }
    }
}

/// How a value that is known stands to the literal; `None` when it is not known.
fn order(value: &Value<'_>, literal: &Literal, now: Ts) -> Option<Ordering> {
    let instant = |t: &Ts| t.is_set().then_some(*t);
    match (value, literal) {
        (Value::Int(have), Literal::Int(want)) => Some(have.cmp(want)),
        (Value::Int(have), Literal::Float(want)) => (*have as f64).partial_cmp(want),
        (Value::Float(have), Literal::Int(want)) => have.partial_cmp(&(*want as f64)),
        (Value::Float(have), Literal::Float(want)) => have.partial_cmp(want),
        (Value::Time(have), Literal::Time(want)) => instant(have).map(|h| h.cmp(want)),
        (Value::Time(have), Literal::Ago(ago)) => instant(have).map(|h| h.cmp(&now.plus(ago.saturating_neg()))),
        (Value::Text(have), Literal::Severity(want)) => Severity::parse(have).map(|h| h.cmp(want)),
        _ => None,
    }
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq | Op::Has => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
    }
}
