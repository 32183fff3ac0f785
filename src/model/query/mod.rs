//! The filter language of every list and of `--filter`: its syntax tree.
//!
//! ```text
//! severity>=major and not owner=anna raised>-2h "fiber cut" text~/LOS|gasp/
//! ```

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
