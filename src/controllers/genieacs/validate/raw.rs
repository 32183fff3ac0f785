//! Tasks that people wrote as JSON (job files, `noctule run`): read into the typed form, with every
//! wrong shape told.

use serde_json::{Map, Value as Json};

use super::{Refusal, refuse, shown, task};
use crate::controllers::genieacs::device::instant;
use crate::controllers::genieacs::task::{DownloadFile, Setting, Task, TaskKind};
use crate::controllers::genieacs::wire::Scalar;
use crate::model::place::nearest;

const NAMES: &[&str] = &[
    "getParameterValues",
    "setParameterValues",
    "refreshObject",
    "addObject",
    "deleteObject",
    "reboot",
    "factoryReset",
    "download",
    "provisions",
];

/// Reads a task.
///
/// # Errors
/// What is missing, unknown or wrong.
pub fn task_of(json: &Json) -> Result<Task, Refusal> {
    let Json::Object(map) = json else {
        return refuse("a task is a JSON object; several are sent one by one");
    };
    let name = map.get("name").and_then(Json::as_str).unwrap_or_default();
    let (kind, own): (TaskKind, &[&str]) = match name {
        "getParameterValues" => {
            let names = list(map, "parameterNames", "paths")?;
            let names = names.iter().map(|n| text_of(n, "parameterNames")).collect::<Result<_, _>>()?;
            (TaskKind::GetParameterValues(names), &["parameterNames"])
        }
        "setParameterValues" => {
            let values = settings(list(map, "parameterValues", "[path, value]")?)?;
            (TaskKind::SetParameterValues(values), &["parameterValues"])
        }
        "refreshObject" => (TaskKind::RefreshObject(text(map, "objectName")?), &["objectName"]),
        "addObject" => {
            let values = match map.get("parameterValues") {
                Some(_) => settings(list(map, "parameterValues", "[name, value]")?)?,
                None => Vec::new(),
            };
            (TaskKind::AddObject { object: text(map, "objectName")?, values }, &["objectName", "parameterValues"])
        }
        "deleteObject" => (TaskKind::DeleteObject(text(map, "objectName")?), &["objectName"]),
        "reboot" => (TaskKind::Reboot, &[]),
        "factoryReset" => (TaskKind::FactoryReset, &[]),
        "download" => (download(map)?, &["file", "fileType", "fileName", "targetFileName"]),
        "provisions" => (TaskKind::Provisions(provisions(map)?), &["provisions"]),
        other => {
            let near = nearest(other, NAMES.iter().copied()).map(|n| format!("; did you mean {n}?"));
            let advice = near.unwrap_or_else(|| format!("; there are {}", NAMES.join(", ")));
            return refuse(format!("there is no task called {:?}{advice}", shown(other)));
        }
    };
    let known = |key: &str| own.contains(&key) || ["name", "timestamp", "expiry", "uniqueKey"].contains(&key);
    if let Some(key) = map.keys().find(|k| !known(k)) {
        return refuse(format!("{name} has no field {:?}", shown(key)));
    }
    let read = Task { kind, timestamp: when(map)?, expiry_s: expiry(map)?, unique_key: key(map)? };
    task(&read)?;
    Ok(read)
}

fn list<'a>(map: &'a Map<String, Json>, key: &str, of: &str) -> Result<&'a [Json], Refusal> {
    match map.get(key) {
        Some(Json::Array(all)) => Ok(all),
        Some(_) => refuse(format!("{key} is a list of {of}")),
        None => refuse(format!("{key} is missing: a list of {of}")),
    }
}

fn text(map: &Map<String, Json>, key: &str) -> Result<String, Refusal> {
    map.get(key).map_or_else(|| refuse(format!("{key} is missing")), |v| text_of(v, key))
}

fn text_of(value: &Json, key: &str) -> Result<String, Refusal> {
    value.as_str().map_or_else(|| refuse(format!("{key}: a text belongs there")), |t| Ok(t.to_owned()))
}

fn settings(all: &[Json]) -> Result<Vec<Setting>, Refusal> {
    let one = |entry: &Json| match entry.as_array().map(Vec::as_slice) {
        Some([path, value, rest @ ..]) if rest.len() <= 1 => {
            let path = text_of(path, "parameterValues")?;
            let value = scalar(value, &path)?;
            let xsd = rest.first().map(|x| text_of(x, "the type")).transpose()?;
            Ok(Setting { path, value, xsd })
        }
        _ => refuse("parameterValues: each is written [path, value] or [path, value, type]"),
    };
    all.iter().map(one).collect()
}

fn scalar(value: &Json, of: &str) -> Result<Scalar, Refusal> {
    Scalar::of(value)
        .map_or_else(|| refuse(format!("{}: a text, a number, true or false belongs there", shown(of))), Ok)
}

fn download(map: &Map<String, Json>) -> Result<TaskKind, Refusal> {
    let file = match (map.get("file"), map.get("fileType"), map.get("fileName")) {
        (Some(id), None, None) => DownloadFile::Id(text_of(id, "file")?),
        (None, Some(file_type), Some(file_name)) => DownloadFile::Named {
            file_type: text_of(file_type, "fileType")?,
            file_name: text_of(file_name, "fileName")?,
        },
        _ => return refuse("download takes either file, or fileType and fileName"),
    };
    let target = map.get("targetFileName").map(|t| text_of(t, "targetFileName")).transpose()?;
    Ok(TaskKind::Download { file, target })
}

fn provisions(map: &Map<String, Json>) -> Result<Vec<(String, Vec<Scalar>)>, Refusal> {
    let one = |entry: &Json| match entry.as_array().and_then(|e| e.split_first()) {
        Some((name, args)) => {
            let name = text_of(name, "provisions")?;
            let args = args.iter().map(|a| scalar(a, &name)).collect::<Result<_, _>>()?;
            Ok((name, args))
        }
        None => refuse("provisions: each is written [name, argument, …]"),
    };
    list(map, "provisions", "[name, argument, …]")?.iter().map(one).collect()
}

fn when(map: &Map<String, Json>) -> Result<Option<crate::model::time::Ts>, Refusal> {
    match map.get("timestamp") {
        None => Ok(None),
        Some(at) => match at.as_str().map(instant).filter(|t| t.is_set()) {
            Some(at) => Ok(Some(at)),
            None => refuse("timestamp is written 2026-11-20T14:00:00Z"),
        },
    }
}

fn expiry(map: &Map<String, Json>) -> Result<Option<u32>, Refusal> {
    match map.get("expiry") {
        None => Ok(None),
        Some(seconds) => match seconds.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(seconds) => Ok(Some(seconds)),
            None => refuse("expiry is a number of seconds"),
        },
    }
}

fn key(map: &Map<String, Json>) -> Result<Option<String>, Refusal> {
    map.get("uniqueKey").map(|k| text_of(k, "uniqueKey")).transpose()
}
