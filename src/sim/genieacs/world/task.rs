//! Tasks: what a request may ask for, what makes the worker throw, and the queue of each device.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::model::order;
use crate::sim::genieacs::data::{ObjectId, Value, stamp};
use crate::sim::genieacs::query::Crash;

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Get(Vec<String>),
    Set(Vec<(String, Json)>),
    Refresh(String),
    Add {
        object: String,
        values: Vec<(String, Json)>,
    },
    Delete(String),
    Reboot,
    FactoryReset,
    /// A file by id, or by type and name.
    Download {
        file: Option<String>,
        file_type: String,
        name: String,
        target: String,
    },
    Provisions(Vec<Vec<Json>>),
}

/// A task that waits.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) device: u32,
    pub(crate) timestamp: i64,
    pub(crate) expiry: Option<i64>,
    pub(crate) unique_key: Option<String>,
    pub(crate) kind: Kind,
    /// As it is answered.
    pub(crate) doc: Value,
}

fn wrong<T>(why: &'static str) -> Result<T, Crash> {
    Err(Crash(why))
}

fn text(task: &Map<String, Json>, field: &str) -> Result<String, Crash> {
    task.get(field).and_then(Json::as_str).map(str::to_owned).ok_or(Crash("a field of a task is missing or no string"))
}

fn list<'a>(task: &'a Map<String, Json>, field: &str) -> Result<&'a Vec<Json>, Crash> {
    match task.get(field) {
        Some(Json::Array(items)) if !items.is_empty() => Ok(items),
        _ => wrong("a list of a task is missing or empty"),
    }
}

const fn is_scalar(value: &Json) -> bool {
    matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_))
}

fn pair(item: &Json) -> Result<(String, Json), Crash> {
    match item.as_array().map(Vec::as_slice) {
        Some([Json::String(path), value, ..]) if is_scalar(value) => Ok((path.clone(), value.clone())),
        _ => wrong("a parameter value that is no pair of path and value"),
    }
}

impl Kind {
    /// Reads the fields of a task; a wrong shape throws.
    pub(crate) fn parse(task: &Map<String, Json>) -> Result<Self, Crash> {
        Ok(match task.get("name").and_then(Json::as_str) {
            Some("getParameterValues") => {
                let names = list(task, "parameterNames")?.iter().map(|n| n.as_str().map(str::to_owned));
                Self::Get(names.collect::<Option<_>>().ok_or(Crash("a parameter name that is no string"))?)
            }
            Some("setParameterValues") => {
                Self::Set(list(task, "parameterValues")?.iter().map(pair).collect::<Result<_, _>>()?)
            }
            Some("refreshObject") => Self::Refresh(text(task, "objectName")?),
            Some("deleteObject") => Self::Delete(text(task, "objectName")?),
            Some("addObject") => {
                let values = match task.get("parameterValues") {
                    None | Some(Json::Null) => Vec::new(),
                    Some(Json::Array(items)) => items.iter().map(pair).collect::<Result<_, _>>()?,
                    Some(_) => return wrong("parameter values that are no list"),
                };
                Self::Add { object: text(task, "objectName")?, values }
            }
            Some("reboot") => Self::Reboot,
            Some("factoryReset") => Self::FactoryReset,
            Some("download") => {
                let optional = |field| text(task, field).unwrap_or_default();
                match task.get("file") {
                    Some(Json::String(file)) => Self::Download {
                        file: Some(file.clone()),
                        file_type: String::new(),
                        name: String::new(),
                        target: optional("targetFileName"),
                    },
                    None => Self::Download {
                        file: None,
                        file_type: text(task, "fileType")?,
                        name: text(task, "fileName")?,
                        target: optional("targetFileName"),
                    },
                    Some(_) => return wrong("a file that is no string"),
                }
            }
            Some("provisions") => {
                let one = |item: &Json| match item.as_array() {
                    Some(args) if args.first().is_some_and(Json::is_string) && args.iter().all(is_scalar) => {
                        Ok(args.clone())
                    }
                    _ => wrong("a provision that is no list of a name and scalars"),
                };
                Self::Provisions(list(task, "provisions")?.iter().map(one).collect::<Result<_, _>>()?)
            }
            _ => return wrong("a task without a known name"),
        })
    }

    /// Whether it changes something at the CPE.
    pub(crate) const fn changes(&self) -> bool {
        !matches!(self, Self::Get(_) | Self::Refresh(_) | Self::Provisions(_))
    }

    /// What was tried, as a fault tells it.
    pub(crate) fn provisions(&self) -> String {
        let tried: Vec<Json> = match self {
            Self::Get(names) => names.iter().map(|n| json!(["refresh", n])).collect(),
            Self::Set(values) => values.iter().map(|(path, v)| json!(["value", path, v])).collect(),
            Self::Refresh(object) => vec![json!(["refresh", object])],
            Self::Add { object, .. } => vec![json!(["instances", format!("{object}.*"), "+1"])],
            Self::Delete(object) => vec![json!(["instances", object, 0])],
            Self::Reboot => vec![json!(["reboot"])],
            Self::FactoryReset => vec![json!(["reset"])],
            Self::Download { file_type, name, target, .. } => vec![json!(["download", file_type, name, target])],
            Self::Provisions(list) => list.iter().map(|args| json!(args)).collect(),
        };
        Json::from(tried).to_string()
    }
}

impl Task {
    /// A task of a device as it is queued at `now`: dates are read, `device`, `timestamp` and the
    /// key are added behind the fields of the request.
    pub(crate) fn parse(body: &Json, device: u32, id: &str, key: ObjectId, now: i64) -> Result<Self, Crash> {
        let Json::Object(fields) = body else { return wrong("a task that is no object") };
        let kind = Kind::parse(fields)?;
        let timestamp = match fields.get("timestamp") {
            None | Some(Json::Null) => None,
            Some(given) => Some(date(given).ok_or(Crash("a timestamp that is no date"))?),
        };
        let at = timestamp.unwrap_or(now);
        let expiry = match fields.get("expiry") {
            None | Some(Json::Null) => None,
            Some(Json::Number(seconds)) => Some(at + (seconds.as_f64().unwrap_or(0.0) * 1_000.0) as i64),
            Some(given) => Some(date(given).ok_or(Crash("an expiry that is no date"))?),
        };
        let unique_key = fields.get("uniqueKey").and_then(Json::as_str).map(str::to_owned);
        let mut doc: Vec<(String, Value)> = fields
            .iter()
            .filter(|(k, _)| !["device", "_id"].contains(&k.as_str()))
            .map(|(k, v)| {
                let value = match k.as_str() {
                    "expiry" => expiry.map_or(Value::Null, Value::Date),
                    "timestamp" => Value::Date(at),
                    _ => Value::from(v),
                };
                (k.clone(), value)
            })
            .collect();
        doc.push(("device".into(), Value::text(id)));
        if timestamp.is_none() {
            doc.retain(|(k, _)| k != "timestamp");
            doc.push(("timestamp".into(), Value::Date(at)));
        }
        doc.push(("_id".into(), Value::Id(key)));
        Ok(Self { device, timestamp: at, expiry, unique_key, kind, doc: Value::Doc(doc) })
    }
}

fn date(given: &Json) -> Option<i64> {
    match given {
        Json::String(text) => stamp::parse(text),
        Json::Number(ms) => Some(ms.as_f64()? as i64),
        _ => None,
    }
}

/// The tasks that wait.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    by_id: BTreeMap<ObjectId, Task>,
    by_device: HashMap<u32, Vec<ObjectId>>,
}

impl Tasks {
    pub(crate) fn insert(&mut self, id: ObjectId, task: Task) {
        self.by_device.entry(task.device).or_default().push(id);
        self.by_id.insert(id, task);
    }

    pub(crate) fn get(&self, id: &ObjectId) -> Option<&Task> {
        self.by_id.get(id)
    }

    pub(crate) fn remove(&mut self, id: &ObjectId) -> Option<Task> {
        let task = self.by_id.remove(id)?;
        if let Some(of_device) = self.by_device.get_mut(&task.device) {
            of_device.retain(|i| i != id);
            if of_device.is_empty() {
                self.by_device.remove(&task.device);
            }
        }
        Some(task)
    }

    pub(crate) fn remove_device(&mut self, device: u32) {
        for id in self.by_device.remove(&device).unwrap_or_default() {
            self.by_id.remove(&id);
        }
    }

    /// Tasks of a device in the order in which they run.
    pub(crate) fn of_device(&self, device: u32) -> Vec<ObjectId> {
        let mut ids = self.by_device.get(&device).cloned().unwrap_or_default();
        order::by_key(&mut ids, |id| (self.by_id.get(id).map_or(0, |t| t.timestamp), *id));
        ids
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Task> {
        self.by_id.values()
    }
}

/// Channel of the faults of a task.
pub(crate) fn channel(id: &ObjectId) -> String {
    let mut out = String::with_capacity(29);
    out.push_str("task_");
    for byte in id {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
