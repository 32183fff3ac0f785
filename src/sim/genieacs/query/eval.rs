//! Does a document match? Lists match when one of their elements does.

use std::cmp::Ordering;

use super::{Query, Test};
use crate::sim::genieacs::data::{Document, Value};

impl Query {
    /// Everything.
    pub(crate) const fn all() -> Self {
        Self::All(Vec::new())
    }

    pub(crate) fn matches(&self, doc: &dyn Document) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|q| q.matches(doc)),
            Self::Any(parts) => parts.iter().any(|q| q.matches(doc)),
            Self::Not(inner) => !inner.matches(doc),
            Self::Field(path, test) => test.passes(doc, path),
        }
    }
}

impl Test {
    fn passes(&self, doc: &dyn Document, path: &str) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|t| t.passes(doc, path)),
            Self::Any(tests) => tests.iter().any(|t| t.passes(doc, path)),
            Self::Not(test) => !test.passes(doc, path),
            Self::Exists(wanted) => doc.visit(path, &mut |_| true) == *wanted,
            // Null also stands for what is not there.
            Self::Equal(Value::Null) => !doc.visit(path, &mut |_| true) || doc.visit(path, &mut |v| self.one(v)),
            _ => doc.visit(path, &mut |v| self.one(v)),
        }
    }

    fn one(&self, value: &Value) -> bool {
        if self.scalar(value) {
            return true;
        }
        match value {
            Value::List(items) if !matches!(self, Self::Size(_)) => items.iter().any(|i| self.scalar(i)),
            _ => false,
        }
    }

    fn scalar(&self, value: &Value) -> bool {
        let compared = |with: &Value, wanted: fn(Ordering) -> bool| value.compare(with).is_some_and(wanted);
        match self {
            Self::Equal(with) => value == with,
            Self::Less(with) => compared(with, Ordering::is_lt),
            Self::LessOrEqual(with) => compared(with, Ordering::is_le),
            Self::Greater(with) => compared(with, Ordering::is_gt),
            Self::GreaterOrEqual(with) => compared(with, Ordering::is_ge),
            Self::Matches(regex) => value.as_text().is_some_and(|t| regex.is_match(t)),
            Self::Type(name) => type_of(value, name),
            Self::Size(n) => matches!(value, Value::List(items) if (items.len() as f64 - n).abs() < 0.5),
            Self::Mod(by, rest) => {
                matches!(value, Value::Number(n) if (n.trunc() % by.trunc() - rest.trunc()).abs() < 0.5)
            }
            Self::Element(query) => match value {
                Value::Doc(_) => query.matches(value),
                _ => false,
            },
            Self::All(_) | Self::Any(_) | Self::Not(_) | Self::Exists(_) => self.passes(value, ""),
        }
    }
}

/// `$type`, by name or number.
fn type_of(value: &Value, name: &str) -> bool {
    let names: &[&str] = match value {
        Value::Number(n) if n.fract() == 0.0 => &["number", "int", "16", "double", "1"],
        Value::Number(_) => &["number", "double", "1"],
        Value::Text(_) => &["string", "2"],
        Value::Doc(_) => &["object", "3"],
        Value::List(_) => &["array", "4"],
        Value::Id(_) => &["objectId", "7"],
        Value::Bool(_) => &["bool", "8"],
        Value::Date(_) => &["date", "9"],
        Value::Null => &["null", "10"],
    };
    names.contains(&name)
}
