//! The filter language of every list and of `--filter`: its syntax tree, and what it means.
//!
//! ```text
//! severity>=major and not owner=anna raised>-2h "fiber cut" text~/LOS|gasp/
//! ```
//!
//! | Written | Meaning |
//! |---|---|
//! | `gasp`, `"fiber cut"` | a free-text field contains it |
//! | `/LOS\|gasp/` | a free-text field matches the regular expression |
//! | `owner=anna`, `owner!=anna` | equal, not equal |
//! | `owner=`, `owner!=` | not set, set |
//! | `sev>=maj`, `occurrences>10k`, `rx<-27.5` | ordered; a beginning of a word is enough |
//! | `text:fiber` | contains (on fields that are no text: equal) |
//! | `text~/cut$/`, `serial!~^BBSM` | matches, does not match |
//! | `cleared`, `cleared=no` | yes-or-no fields |
//! | `raised>-2h`, `shelf_until<+1h`, `raised=2026-11-20`, `last_ok<now` | instants (UTC) |
//! | `sev in (critical,major)`, `owner not in (anna,bob)` | one of, none of |
//! | `Device.WiFi.SSID.1.SSID:guest` | a raw parameter of a CPE, by its full path |
//! | `not x`, `!x`, `-x`, `x y`, `x and y`, `x or y`, `( )`, `*` | not, and, or, grouping, everything |
//!
//! The meaning is two-valued, and [`Query::matches`] defines it; whoever translates the tree for
//! another engine (SQL) has to agree:
//! * Text that is not known is the empty text. Text is compared byte by byte after lower-casing
//!   ASCII only, as SQLite's `lower()` and `LIKE` do.
//! * Of a text that lists words (tags), `=` and `!=` ask for one of them.
//! * A number, instant or severity that is not known satisfies `!=` and `= Empty` and nothing
//!   else; an instant of 0 ([`Ts::NEVER`]) is not known; yes-or-no fields that are not known are no.
//! * `Not` is the plain negation of its operand.

mod complete;
mod eval;
mod lexer;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod value;

pub use complete::{Completion, complete};

use std::sync::Arc;

use regex::Regex;

use super::field::FieldSpec;
use super::page::Table;
use super::severity::Severity;
use super::time::Ts;

/// A parsed filter.
#[derive(Debug, Clone)]
pub struct Query {
    /// The text it was parsed from.
    pub text: String,
    /// The table whose fields it names.
    pub table: Table,
    /// The tree.
    pub expr: Expr,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table && self.text == other.text
    }
}

impl Query {
    /// The raw parameters it asks for.
    #[must_use]
    pub fn leaf_paths(&self) -> Vec<&str> {
        fn walk<'a>(expr: &'a Expr, out: &mut Vec<&'a str>) {
            match expr {
                Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| walk(p, out)),
                Expr::Not(inner) => walk(inner, out),
                Expr::Leaf { path, .. } => out.push(path),
                _ => {}
            }
        }
        let mut out = Vec::new();
        walk(&self.expr, &mut out);
        out
    }

    /// What `filter` lets through and whose instant `field` is not after `until`: a set that
    /// newcomers do not enlarge.
    #[must_use]
    pub fn until(filter: Option<&Self>, table: Table, field: &'static FieldSpec, until: Ts) -> Self {
        let bound = Expr::Compare { field, op: Op::Le, value: Literal::Time(until) };
        let bound_text = format!("{}<={}", field.name, until.to_rfc3339());
        let (text, expr) = match filter {
            Some(q) => (format!("({}) {bound_text}", q.text), Expr::And(vec![q.expr.clone(), bound])),
            None => (bound_text, bound),
        };
        Self { text, table, expr }
    }
}

/// A node of the syntax tree.
#[derive(Debug, Clone)]
pub enum Expr {
    /// Everything.
    All,
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// Not it.
    Not(Box<Expr>),
    /// A field compared with a value.
    Compare {
        /// The field.
        field: &'static FieldSpec,
        /// How.
        op: Op,
        /// With what.
        value: Literal,
    },
    /// A field, or any free-text field, matches a regular expression (case-insensitive).
    Matches {
        /// The field; `None` for any free-text field.
        field: Option<&'static FieldSpec>,
        /// The expression.
        regex: Arc<Regex>,
    },
    /// Any free-text field contains the text (case-insensitive).
    Text(String),
    /// A raw parameter of a device (a name with a dot in it), by its full path.
    Leaf {
        /// The path.
        path: String,
        /// What its value has to be.
        test: LeafTest,
    },
}

/// A test of a raw parameter. Numbers are compared as numbers where both sides are numbers, all
/// else as text without case. A parameter that is not known has the empty text.
#[derive(Debug, Clone)]
pub enum LeafTest {
    /// Compared with a value.
    Compare(Op, String),
    /// Matches a regular expression (case-insensitive).
    Matches(Arc<Regex>),
}

impl LeafTest {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::Compare(op, want) => eval::leaf(*op, value, want),
            Self::Matches(regex) => regex.is_match(value),
        }
    }
}

/// Comparison operators. On text, `Eq` is equality without case, `Has` containment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `:` contains
    Has,
}

impl Op {
    /// Whether it asks which of two comes first.
    #[must_use]
    pub const fn orders(self) -> bool {
        matches!(self, Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// Whole number.
    Int(i64),
    /// Number with decimals.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A fixed instant.
    Time(Ts),
    /// An instant relative to "now": `-2h` is `Ago(2 h)`; µs.
    Ago(i64),
    /// A severity.
    Severity(Severity),
    /// Not set (`owner=` with nothing behind it).
    Empty,
}

/// Why a filter could not be parsed; points at the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", .at + 1)]
pub struct QueryError {
    /// Character (not byte) index into the text.
    pub at: usize,
    /// How many characters are meant, at least 1.
    pub len: usize,
    /// What is wrong and what would be right.
    pub message: String,
}
