//! Projections: which parts of a document are answered.

use super::Value;

/// The parts asked for; none = everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Projection(Vec<String>);

/// How a path stands to a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Answered with all that is under it.
    Whole,
    /// On the way to something that is answered.
    Way,
    /// Not answered.
    Out,
}

impl Projection {
    /// Reads a comma list. A path under another one that is asked for too is dropped, as the ACS
    /// does before the database would refuse the overlap.
    pub(crate) fn parse(list: &str) -> Self {
        let mut paths: Vec<String> =
            list.split(',').map(|p| p.trim().trim_matches('.').to_owned()).filter(|p| !p.is_empty()).collect();
        paths.sort();
        paths.dedup();
        let all = paths.clone();
        paths.retain(|p| !all.iter().any(|q| p.strip_prefix(q.as_str()).is_some_and(|rest| rest.starts_with('.'))));
        if !paths.is_empty() && !paths.iter().any(|p| p == "_id") {
            paths.push("_id".into());
        }
        Self(paths)
    }

    /// Whether everything is answered.
    pub(crate) const fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn part(&self, path: &str) -> Part {
        if self.is_all() {
            return Part::Whole;
        }
        let mut part = Part::Out;
        for wanted in &self.0 {
            if path == wanted || path.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.')) {
                return Part::Whole;
            }
            if wanted.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')) {
                part = Part::Way;
            }
        }
        part
    }

    /// The answered part of a document.
    pub(crate) fn apply(&self, doc: Value) -> Value {
        if self.is_all() { doc } else { self.under("", doc) }
    }

    fn under(&self, path: &str, value: Value) -> Value {
        match value {
            Value::Doc(fields) => Value::Doc(
                fields
                    .into_iter()
                    .filter_map(|(key, value)| {
                        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                        match self.part(&here) {
                            Part::Whole => Some((key, value)),
                            // A scalar on the way has nothing under it that could be answered.
                            Part::Way if matches!(value, Value::Doc(_) | Value::List(_)) => {
                                let value = self.under(&here, value);
                                Some((key, value))
                            }
                            _ => None,
                        }
                    })
                    .collect(),
            ),
            Value::List(items) => {
                let docs = items.into_iter().filter(|i| matches!(i, Value::Doc(_) | Value::List(_)));
                Value::List(docs.map(|i| self.under(path, i)).collect())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(text: &str) -> Value {
        Value::from(&serde_json::from_str::<serde_json::Value>(text).unwrap())
    }

    #[test]
    fn overlaps_are_tidied_and_the_id_is_always_there() {
        let p = Projection::parse("a.b.c,a.b , a.b.d");
        assert_eq!(p, Projection(vec!["a.b".into(), "_id".into()]));
        assert_eq!(p.part("a"), Part::Way);
        assert_eq!(p.part("a.bc"), Part::Out);
    }

    #[test]
    fn parents_stay_where_the_leaf_is_missing() {
        let p = Projection::parse("a.b.x,z");
        let cut = p.apply(doc(r#"{"_id":1,"a":{"b":{"c":1},"d":2},"e":3}"#));
        assert_eq!(cut, doc(r#"{"_id":1,"a":{"b":{}}}"#));
    }
}
