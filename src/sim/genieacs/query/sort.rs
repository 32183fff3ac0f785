//! Orders of an answer.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::parse::widened;
use super::{Crash, Flavour};
use crate::sim::genieacs::data::{Document, Value};

/// Fields and whether each descends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sort(Vec<(String, bool)>);

impl Sort {
    /// Reads `{"field": 1 | -1, …}`.
    pub(crate) fn parse(json: &Json, flavour: Flavour) -> Result<Self, Crash> {
        let fields = match json {
            Json::Null => return Ok(Self::default()),
            Json::Object(fields) => fields,
            _ => return Err(Crash("a sort that is no object")),
        };
        let one = |(key, way): (&String, &Json)| {
            let way = way.as_i64().filter(|n| n.abs() == 1).ok_or(Crash("a sort that is neither 1 nor -1"))?;
            Ok((if flavour == Flavour::Devices { widened(key) } else { key.clone() }, way < 0))
        };
        fields.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the order is that of the database.
    pub(crate) const fn is_natural(&self) -> bool {
        self.0.is_empty()
    }

    /// What a document is ordered by.
    pub(crate) fn key(&self, doc: &dyn Document) -> Vec<Value> {
        let one = |(path, _): &(String, bool)| {
            let mut found = Value::Null;
            doc.visit(path, &mut |v| {
                found = v.clone();
                true
            });
            found
        };
        self.0.iter().map(one).collect()
    }

    /// Order of two keys.
    pub(crate) fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let each = self.0.iter().zip(a.iter().zip(b));
        each.map(|((_, down), (a, b))| if *down { b.order(a) } else { a.order(b) })
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}
