//! What the northbound interface is asked: ids, collections, queries, values, in types that leave
//! little room for what its workers die of (facts: genieacs-api §4, §6). What is left to refuse,
//! [`super::validate`] refuses.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::model::time::Ts;

/// A device's `_id`, as documents hold it: its parts are percent-encoded already, so in a path it
/// is encoded once more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// An id as it stands in a document.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// As it stands in a document, and in queries.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for DeviceId {
    fn from(raw: &str) -> Self {
        Self(raw.to_owned())
    }
}

/// A task's `_id`: 24 hexadecimal digits; anything else kills a worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(String);

impl TaskId {
    /// Reads an id; nothing unless it has 24 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The collections that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collection {
    /// CPEs.
    Devices,
    /// What waits to be done.
    Tasks,
    /// When which provision runs.
    Presets,
    /// Old named objects.
    Objects,
    /// Scripts.
    Provisions,
    /// Parameters computed by scripts.
    VirtualParameters,
    /// What went wrong.
    Faults,
    /// Firmware and configuration files.
    Files,
    /// Downloads under way.
    Operations,
    /// Rights of the server's own users.
    Permissions,
    /// The server's own users. Holds password hashes: only names are ever asked for.
    Users,
    /// Settings.
    Config,
    /// The server's cache.
    Cache,
    /// Locks of running sessions.
    Locks,
}

impl Collection {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Devices,
        Self::Tasks,
        Self::Presets,
        Self::Objects,
        Self::Provisions,
        Self::VirtualParameters,
        Self::Faults,
        Self::Files,
        Self::Operations,
        Self::Permissions,
        Self::Users,
        Self::Config,
        Self::Cache,
        Self::Locks,
    ];

    /// Its name in a path.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Tasks => "tasks",
            Self::Presets => "presets",
            Self::Objects => "objects",
            Self::Provisions => "provisions",
            Self::VirtualParameters => "virtual_parameters",
            Self::Faults => "faults",
            Self::Files => "files",
            Self::Operations => "operations",
            Self::Permissions => "permissions",
            Self::Users => "users",
            Self::Config => "config",
            Self::Cache => "cache",
            Self::Locks => "locks",
        }
    }
}

/// A query of the server (JSON, MongoDB's style). It is checked before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Json);

impl Default for Filter {
    fn default() -> Self {
        Self::all()
    }
}

impl Filter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(Json::Object(Map::new()))
    }

    /// From JSON; [`super::validate::query`] decides whether it may be sent.
    #[must_use]
    pub const fn from_json(query: Json) -> Self {
        Self(query)
    }

    /// A field that has this value.
    #[must_use]
    pub fn equal(field: &str, value: impl Into<Json>) -> Self {
        Self(json!({ field: value.into() }))
    }

    /// The document with this id.
    #[must_use]
    pub fn id(id: &str) -> Self {
        Self::equal("_id", id)
    }

    /// What belongs to these devices (tasks, faults). Keep it to some 150 ids: they are sent in the
    /// address, and the server reads 16 KB of it.
    #[must_use]
    pub fn devices<'a>(ids: impl IntoIterator<Item = &'a DeviceId>) -> Self {
        let ids: Vec<_> = ids.into_iter().map(DeviceId::as_str).collect();
        Self(json!({ "device": { "$in": ids } }))
    }

    /// CPEs that informed after an instant.
    #[must_use]
    pub fn informed_after(at: Ts) -> Self {
        Self(json!({ "_lastInform": { "$gt": at.to_rfc3339() } }))
    }

    /// CPEs that have not informed since an instant.
    #[must_use]
    pub fn silent_since(at: Ts) -> Self {
        Self(json!({ "_lastInform": { "$lte": at.to_rfc3339() } }))
    }

    /// The devices with these ids. Keep it to some 100: they are sent in the address.
    #[must_use]
    pub fn ids(ids: &[DeviceId]) -> Self {
        let ids: Vec<_> = ids.iter().map(DeviceId::as_str).collect();
        Self(json!({ "_id": { "$in": ids } }))
    }

    /// What passes both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.is_all(), other.is_all()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self(json!({ "$and": [self.0, other.0] })),
        }
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.as_object().is_some_and(Map::is_empty)
    }

    /// As JSON.
    #[must_use]
    pub const fn json(&self) -> &Json {
        &self.0
    }
}

/// What of the documents is wanted: paths, `_id` always. Empty means all of them, which for devices
/// is 120 to 500 KB each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projection(pub Vec<String>);

impl Projection {
    /// Only ids.
    #[must_use]
    pub fn ids() -> Self {
        Self(vec!["_id".to_owned()])
    }

    /// These paths.
    pub fn of<S: Into<String>>(paths: impl IntoIterator<Item = S>) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

/// What is asked of a collection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Find {
    /// Which documents.
    pub filter: Filter,
    /// What of them.
    pub projection: Projection,
    /// Fields to sort by, and whether falling.
    pub sort: Vec<(String, bool)>,
    /// At most so many; 0 for all.
    pub limit: u32,
    /// From this one on. Each page pays for a whole count; for many pages go by key
    /// ([`Find::after`]).
    pub skip: u32,
}

impl Find {
    /// What passes a filter.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// Of each document only these paths.
    #[must_use]
    pub fn only(self, projection: Projection) -> Self {
        Self { projection, ..self }
    }

    /// A page by key: `limit` documents after the one with this id, in the order of ids.
    #[must_use]
    pub fn after(self, last: Option<&str>, limit: u32) -> Self {
        let filter = match last {
            Some(id) => self.filter.and(Filter(json!({ "_id": { "$gt": id } }))),
            None => self.filter,
        };
        Self { filter, sort: vec![("_id".to_owned(), false)], limit, skip: 0, ..self }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text, and what is written as such (dates).
    Text(String),
    /// Whole number.
    Int(i64),
    /// Number with decimals.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

impl Scalar {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        match self {
            Self::Text(t) => Json::from(t.as_str()),
            Self::Int(n) => Json::from(*n),
            Self::Float(x) => Json::from(*x),
            Self::Bool(b) => Json::from(*b),
        }
    }

    /// From JSON; nothing for what is no single value.
    #[must_use]
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            Json::String(t) => Some(Self::Text(t.clone())),
            Json::Bool(b) => Some(Self::Bool(*b)),
            Json::Number(n) => n.as_i64().map(Self::Int).or_else(|| n.as_f64().map(Self::Float)),
            _ => None,
        }
    }

    /// As a number, when it is one or is written like one (`-18`, `-18.5 dBm`).
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Float(x) => Some(*x),
            Self::Bool(_) => None,
            Self::Text(t) => {
                let t = t.trim();
                let end = t.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(t.len());
                let (digits, unit) = t.split_at_checked(end)?;
                let unit = unit.trim().to_ascii_lowercase();
                let known = unit.is_empty() || unit == "dbm" || unit == "s";
                digits.parse().ok().filter(|x: &f64| known && x.is_finite())
            }
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(t) => f.write_str(t),
            Self::Int(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
            Self::Bool(b) => b.fmt(f),
        }
    }
}

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileMeta {
    /// Name, which is its id.
    pub name: String,
    /// `1 Firmware Upgrade Image`.
    pub file_type: String,
    /// Makers it is for.
    pub oui: String,
    /// Models it is for.
    pub product_class: String,
    /// The version it brings.
    pub version: String,
}
