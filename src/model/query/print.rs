//! Prints a tree back as text that parses to an equal tree.

use std::fmt::{self, Display, Formatter, Write as _};

use chrono::{DateTime, SecondsFormat};

use super::{Expr, LeafTest, Literal, Op};
use crate::model::time::SECOND;

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::And(a), Self::And(b)) | (Self::Or(a), Self::Or(b)) => a == b,
            (Self::Not(a), Self::Not(b)) => a == b,
            (Self::Compare { field: f, op: o, value: v }, Self::Compare { field: g, op: p, value: w }) => {
                f.name == g.name && o == p && v == w
            }
            (Self::Matches { field: f, regex: r }, Self::Matches { field: g, regex: s }) => {
                f.map(|f| f.name) == g.map(|g| g.name) && r.as_str() == s.as_str()
            }
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Leaf { path: a, test: s }, Self::Leaf { path: b, test: t }) => a == b && s == t,
            _ => false,
        }
    }
}

impl PartialEq for LeafTest {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Compare(o, a), Self::Compare(p, b)) => o == p && a == b,
            (Self::Matches(r), Self::Matches(s)) => r.as_str() == s.as_str(),
            _ => false,
        }
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Has => ":",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(f, text),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Bool(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Time(t) => {
                let utc = DateTime::from_timestamp_micros(t.0).unwrap_or_default();
                f.write_str(&utc.to_rfc3339_opts(SecondsFormat::Micros, true))
            }
            Self::Ago(0) => f.write_str("now"),
            Self::Ago(us) => {
                write!(f, "{}{}s", if *us < 0 { '+' } else { '-' }, us.unsigned_abs() / SECOND.unsigned_abs())
            }
            Self::Severity(s) => f.write_str(s.word()),
            Self::Empty => f.write_str("\"\""),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_char('*'),
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => {
                f.write_str("not ")?;
                part(f, inner)
            }
            Self::Compare { field, op, value } => write!(f, "{}{op}{value}", field.name),
            Self::Matches { field, regex } => {
                if let Some(field) = field {
                    write!(f, "{}~", field.name)?;
                }
                slashed(f, regex.as_str())
            }
            Self::Text(text) => quoted(f, text),
            Self::Leaf { path, test: LeafTest::Compare(op, want) } => {
                write!(f, "{path}{op}")?;
                quoted(f, want)
            }
            Self::Leaf { path, test: LeafTest::Matches(regex) } => {
                write!(f, "{path}~")?;
                slashed(f, regex.as_str())
            }
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (i, p) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        part(f, p)?;
    }
    Ok(())
}

fn part(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    if matches!(expr, Expr::And(_) | Expr::Or(_)) { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

fn slashed(f: &mut Formatter<'_>, pattern: &str) -> fmt::Result {
    f.write_char('/')?;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '/' => f.write_str("\\/")?,
            '\\' => {
                f.write_char('\\')?;
                if let Some(e) = chars.next() {
                    f.write_char(e)?;
                }
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char('/')
}
