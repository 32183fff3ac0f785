//! Tasks: what a CPE shall do, in the shapes of facts genieacs-api §7; any other shape kills a worker
//! of the server.

use std::fmt;

use serde_json::{Value as Json, json};

use crate::model::time::Ts;

use super::wire::{Scalar, TaskId};
use crate::model::secret::looks_secret;

/// A parameter and the value it shall have.
#[derive(Clone, PartialEq)]
pub struct Setting {
    /// Where.
    pub path: String,
    /// What.
    pub value: Scalar,
    /// `xsd:…`. The server takes the type that it knows instead (facts §5, trap 2).
    pub xsd: Option<String>,
}

impl Setting {
    /// A setting whose type the server knows.
    pub fn new(path: impl Into<String>, value: Scalar) -> Self {
        Self { path: path.into(), value, xsd: None }
    }

    fn json(&self) -> Json {
        match &self.xsd {
            Some(xsd) => json!([self.path, self.value.json(), xsd]),
            None => json!([self.path, self.value.json()]),
        }
    }
}

/// Passwords do not get into logs by way of `{:?}`.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value: &dyn fmt::Debug = if looks_secret(&self.path) { &"…" } else { &self.value };
        f.debug_struct("Setting").field("path", &self.path).field("value", value).field("xsd", &self.xsd).finish()
    }
}

/// Which file a CPE shall fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadFile {
    /// One that the server has, by its id.
    Id(String),
    /// By type and name.
    Named {
        /// `1 Firmware Upgrade Image`.
        file_type: String,
        /// Name on the file server.
        file_name: String,
    },
}

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// Reads parameters into the document, unless they were read or set within a second:
    /// [`TaskKind::read_now`] always does.
    GetParameterValues(Vec<String>),
    /// Sets parameters. 200 does not mean that a value changed: read it back (facts §5, trap 1).
    SetParameterValues(Vec<Setting>),
    /// Reads an object and all below it; empty for everything.
    RefreshObject(String),
    /// Makes an instance.
    AddObject {
        /// Of what.
        object: String,
        /// Parameters of the new instance, names relative to it.
        values: Vec<Setting>,
    },
    /// Removes an instance.
    DeleteObject(String),
    /// Restarts the CPE.
    Reboot,
    /// Sets it back to what it was when it was made.
    FactoryReset,
    /// Lets it fetch a file. 200 means only that it accepted (facts §9).
    Download {
        /// Which.
        file: DownloadFile,
        /// Name on the CPE.
        target: Option<String>,
    },
    /// Runs provisions once: name and arguments of each.
    Provisions(Vec<(String, Vec<Scalar>)>),
}

/// In seconds, how old a value may be that [`TaskKind::read_now`] does not read again.
const NOW: f64 = 0.001;

impl TaskKind {
    /// Reads parameters from the device, whatever the server knows of them.
    ///
    /// `getParameterValues` and `refreshObject` pass over what was read or set up to a second ago and
    /// say 200: after a set they would tell what the server has written itself. Both are the server's
    /// own provision `refresh` with one second; this is the same with a millisecond.
    pub fn read_now<S: Into<String>>(paths: impl IntoIterator<Item = S>) -> Self {
        let one = |path: S| ("refresh".to_owned(), vec![Scalar::Text(path.into()), Scalar::Float(NOW)]);
        Self::Provisions(paths.into_iter().map(one).collect())
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::GetParameterValues(_) => "getParameterValues",
            Self::SetParameterValues(_) => "setParameterValues",
            Self::RefreshObject(_) => "refreshObject",
            Self::AddObject { .. } => "addObject",
            Self::DeleteObject(_) => "deleteObject",
            Self::Reboot => "reboot",
            Self::FactoryReset => "factoryReset",
            Self::Download { .. } => "download",
            Self::Provisions(_) => "provisions",
        }
    }
}

/// A task to post.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What it does.
    pub kind: TaskKind,
    /// Not before this instant. Nothing wakes the CPE then but its own inform.
    pub timestamp: Option<Ts>,
    /// Seconds after which it is dropped. Until then its faults are dropped instead, so it runs again
    /// at every session (facts §5, trap 4).
    pub expiry_s: Option<u32>,
    /// An older task of the device with the same key is deleted first; by it a task is found again
    /// whose answer was lost.
    pub unique_key: Option<String>,
}

impl Task {
    /// A task for the next session.
    #[must_use]
    pub const fn new(kind: TaskKind) -> Self {
        Self { kind, timestamp: None, expiry_s: None, unique_key: None }
    }

    /// With a key to find it by.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { unique_key: Some(key.into()), ..self }
    }

    /// As it is sent.
    #[must_use]
    pub fn json(&self) -> Json {
        let settings = |all: &[Setting]| all.iter().map(Setting::json).collect::<Vec<_>>();
        let mut task = json!({ "name": self.kind.name() });
        match &self.kind {
            TaskKind::GetParameterValues(names) => put(&mut task, "parameterNames", json!(names)),
            TaskKind::SetParameterValues(values) => put(&mut task, "parameterValues", json!(settings(values))),
            TaskKind::RefreshObject(object) | TaskKind::DeleteObject(object) => {
                put(&mut task, "objectName", json!(object));
            }
            TaskKind::AddObject { object, values } => {
                put(&mut task, "objectName", json!(object));
                if !values.is_empty() {
                    put(&mut task, "parameterValues", json!(settings(values)));
                }
            }
            TaskKind::Reboot | TaskKind::FactoryReset => {}
            TaskKind::Download { file, target } => {
                match file {
                    DownloadFile::Id(id) => put(&mut task, "file", json!(id)),
                    DownloadFile::Named { file_type, file_name } => {
                        put(&mut task, "fileType", json!(file_type));
                        put(&mut task, "fileName", json!(file_name));
                    }
                }
                if let Some(target) = target {
                    put(&mut task, "targetFileName", json!(target));
                }
            }
            TaskKind::Provisions(all) => {
                let one = |(name, args): &(String, Vec<Scalar>)| {
                    Json::Array(std::iter::once(json!(name)).chain(args.iter().map(Scalar::json)).collect())
                };
                put(&mut task, "provisions", Json::Array(all.iter().map(one).collect()));
            }
        }
        if let Some(at) = self.timestamp {
            put(&mut task, "timestamp", json!(at.to_rfc3339()));
        }
        if let Some(seconds) = self.expiry_s {
            put(&mut task, "expiry", json!(seconds));
        }
        if let Some(key) = &self.unique_key {
            put(&mut task, "uniqueKey", json!(key));
        }
        task
    }
}

fn put(task: &mut Json, key: &str, value: Json) {
    if let Some(map) = task.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// Whether a CPE is called when a task is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionRequest {
    /// No: the task waits for the next inform.
    No,
    /// Yes, and the server waits for its session as long as it does by itself (4 s).
    Yes,
    /// Yes, and it waits so many milliseconds.
    Within(u32),
}

/// What became of a posted task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The session ran without a fault of this task. That is not yet "the value changed".
    Done,
    /// The CPE refused; `faults` says what.
    Faulted,
    /// The CPE could not be called; the task waits for its next inform.
    Offline(String),
    /// Accepted, not done; the task waits.
    Queued(String),
    /// The CPE could not be called for a reason that waiting will not mend (credentials, URL); the
    /// task waits all the same.
    Error(String),
}

/// The answer to a posted task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskAnswer {
    /// What became of it.
    pub outcome: Outcome,
    /// Its id, to find, retry or delete it by.
    pub task_id: Option<TaskId>,
    /// When the server queued it, its own clock; unset when it did not tell.
    pub at: Ts,
}
