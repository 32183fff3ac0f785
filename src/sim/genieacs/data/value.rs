//! A value as the database keeps it. It knows dates and object ids, which JSON does not: a query
//! that compares them with strings finds nothing, and that is one of the traps.

use std::cmp::Ordering;

/// Key of a task: seconds, five bytes of the process, a counter.
pub(crate) type ObjectId = [u8; 12];

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Milliseconds since 1970.
    Date(i64),
    Id(ObjectId),
    List(Vec<Self>),
    Doc(Vec<(String, Self)>),
}

/// Something that a query can look into.
pub(crate) trait Document {
    /// Shows every value at a dotted path (a list on the way gives several) until `see` says true;
    /// returns whether it did.
    fn visit(&self, path: &str, see: &mut dyn FnMut(&Value) -> bool) -> bool;
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn doc(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Doc(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    }

    /// A field of a document.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Doc(fields) => fields.iter().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The document at a dotted path, made on the way where it is missing.
    pub(crate) fn make(&mut self, path: &str) -> Option<&mut Vec<(String, Self)>> {
        let mut here = self;
        for part in path.split('.').filter(|p| !p.is_empty()) {
            let Self::Doc(fields) = here else { return None };
            let at = fields.iter().position(|(k, _)| k == part).unwrap_or_else(|| {
                fields.push((part.to_owned(), Self::Doc(Vec::new())));
                fields.len() - 1
            });
            here = &mut fields.get_mut(at)?.1;
        }
        match here {
            Self::Doc(fields) => Some(fields),
            _ => None,
        }
    }

    /// Types in the order in which a sort puts them.
    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
            Self::Doc(_) => 3,
            Self::List(_) => 4,
            Self::Id(_) => 5,
            Self::Bool(_) => 6,
            Self::Date(_) => 7,
        }
    }

    /// Order of two values of one type, as `$lt` and its kin use it.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::Id(a), Self::Id(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::List(a), Self::List(b)) => {
                let first = a.iter().zip(b).map(|(a, b)| a.order(b)).find(|o| o.is_ne());
                Some(first.unwrap_or_else(|| a.len().cmp(&b.len())))
            }
            (Self::Doc(a), Self::Doc(b)) => {
                let one = |((ka, va), (kb, vb)): (&(String, Self), &(String, Self))| ka.cmp(kb).then(va.order(vb));
                let first = a.iter().zip(b).map(one).find(|o| o.is_ne());
                Some(first.unwrap_or_else(|| a.len().cmp(&b.len())))
            }
            _ => None,
        }
    }

    /// Order of any two values, as a sort uses it.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| self.compare(other).unwrap_or(Ordering::Equal))
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => Self::Number(n.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => {
                Self::Doc(fields.iter().map(|(k, v)| (k.clone(), Self::from(v))).collect())
            }
        }
    }
}

impl Document for Value {
    fn visit(&self, path: &str, see: &mut dyn FnMut(&Self) -> bool) -> bool {
        if path.is_empty() {
            return see(self);
        }
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        match self {
            Self::Doc(_) => self.field(head).is_some_and(|inner| inner.visit(rest, see)),
            Self::List(items) => {
                let nth = head.parse::<usize>().ok().and_then(|n| items.get(n));
                nth.is_some_and(|inner| inner.visit(rest, see))
                    || items.iter().filter(|i| matches!(i, Self::Doc(_))).any(|i| i.visit(path, see))
            }
            _ => false,
        }
    }
}
