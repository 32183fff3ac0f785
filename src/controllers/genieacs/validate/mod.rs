//! What is refused before it leaves. An unexpected request kills a worker of the server, which then
//! answers nobody for up to 25 s (facts: genieacs-api §6), so the rules here are narrower than its
//! own: what cannot be proven harmless is not sent. All of it is pure.

use serde_json::Value as Json;

use super::task::{DownloadFile, Setting, Task, TaskKind};
use super::wire::{Collection, DeviceId, FileMeta, Find, Scalar, TaskId};

mod preset;
mod query;
mod raw;

pub use preset::preset;
pub use query::query;
pub use raw::task_of;

/// Why something is not sent, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(why.into()))
}

/// A name as a part of a message: short, and safe to show.
pub(super) fn shown(text: &str) -> String {
    crate::model::text::clip(&crate::model::text::clean(text), 60, "…").into_owned()
}

/// The longest address the server reads is 16 KB with everything else in its head.
pub const MAX_URL: usize = 14_000;

/// A device's id.
///
/// # Errors
/// When it cannot be one.
pub fn device_id(id: &DeviceId) -> Result<(), Refusal> {
    name_of("device id", id.as_str())
}

/// A task's id, from a text.
///
/// # Errors
/// Unless it has 24 hexadecimal digits.
pub fn task_id(text: &str) -> Result<TaskId, Refusal> {
    TaskId::parse(text)
        .ok_or_else(|| Refusal(format!("a task id has 24 hexadecimal digits, {:?} does not", shown(text))))
}

/// A fault's id: `<device>:<channel>`.
///
/// # Errors
/// When it cannot be one.
pub fn fault_id(id: &str) -> Result<(), Refusal> {
    name_of("fault id", id)?;
    match id.split_once(':') {
        Some((device, channel)) if !device.is_empty() && !channel.is_empty() => Ok(()),
        _ => refuse(format!("a fault id is written DEVICE:CHANNEL, {:?} is not", shown(id))),
    }
}

/// The name of a preset, provision, object or file.
///
/// # Errors
/// When it is empty, too long, or nothing but dots.
pub fn name(what: &str, name: &str) -> Result<(), Refusal> {
    name_of(what, name)
}

fn name_of(what: &str, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return refuse(format!("the {what} is empty"));
    }
    if name.len() > 512 {
        return refuse(format!("the {what} is longer than 512 bytes"));
    }
    if name.chars().any(char::is_control) {
        return refuse(format!("the {what} {:?} holds control characters", shown(name)));
    }
    if name.chars().all(|c| c == '.') {
        return refuse(format!("the {what} is nothing but dots"));
    }
    Ok(())
}

/// The name of a virtual parameter, which becomes a part of paths.
///
/// # Errors
/// When paths cannot hold it.
pub fn virtual_parameter(name: &str) -> Result<(), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 128 || !name.chars().all(good) {
        return refuse(format!("a virtual parameter is called by letters, digits, _ and -, not {:?}", shown(name)));
    }
    Ok(())
}

/// A script: not empty; its syntax the server checks.
///
/// # Errors
/// When there is nothing in it.
pub fn script(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { refuse("the script is empty") } else { Ok(()) }
}

/// A tag.
///
/// # Errors
/// When it cannot be one.
pub fn tag(tag: &str) -> Result<(), Refusal> {
    name_of("tag", tag)
}

/// A host to ping: it becomes an argument of a program on the server.
///
/// # Errors
/// Unless it is a host name or an IPv4 address.
pub fn ping_host(host: &str) -> Result<(), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.contains(':') {
        return refuse("the server cannot ping IPv6 addresses");
    }
    if host.is_empty() || host.len() > 253 || host.starts_with(['-', '.']) || !host.chars().all(good) {
        return refuse(format!("{:?} is neither a host name nor an IPv4 address", shown(host)));
    }
    Ok(())
}

/// A file to upload: its name, and what is sent about it in headers.
///
/// # Errors
/// When a header cannot carry it.
pub fn file(meta: &FileMeta) -> Result<(), Refusal> {
    name_of("file name", &meta.name)?;
    if meta.name.contains(['/', '\\']) {
        return refuse(format!("the file name {:?} holds a slash: CPEs fetch it by that name", shown(&meta.name)));
    }
    if meta.file_type.trim().is_empty() {
        return refuse("the file type is missing (1 Firmware Upgrade Image)");
    }
    for (what, value) in [
        ("file type", &meta.file_type),
        ("OUI", &meta.oui),
        ("product class", &meta.product_class),
        ("version", &meta.version),
    ] {
        if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return refuse(format!("the {what} {:?} holds more than ASCII, which headers cannot carry", shown(value)));
        }
    }
    Ok(())
}

/// A path of a parameter or an object.
///
/// # Errors
/// What is wrong with it.
pub fn path(path: &str) -> Result<(), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if path.ends_with('.') {
        return refuse(format!("the path {:?} ends with a dot: write it without", shown(path)));
    }
    if path.len() > 512 {
        return refuse("a path has at most 512 characters");
    }
    let bad = |part: &str| part.is_empty() || !part.chars().all(good) || part.starts_with('_');
    if path.split('.').any(bad) {
        return refuse(format!("{:?} is no path: names of letters, digits, _ and -, with dots between", shown(path)));
    }
    Ok(())
}

/// A task.
///
/// # Errors
/// What a worker would die of, and what would do nothing.
pub fn task(task: &Task) -> Result<(), Refusal> {
    let what = task.kind.name();
    match &task.kind {
        TaskKind::GetParameterValues(names) => {
            if names.is_empty() {
                return refuse(format!("{what} names no parameter"));
            }
            names.iter().try_for_each(|n| path(n))?;
        }
        TaskKind::SetParameterValues(values) => {
            if values.is_empty() {
                return refuse(format!("{what} sets no parameter"));
            }
            settings(values)?;
        }
        TaskKind::RefreshObject(object) if object.is_empty() => {}
        TaskKind::RefreshObject(object) => path(object)?,
        TaskKind::AddObject { object, values } => {
            path(object)?;
            settings(values)?;
        }
        TaskKind::DeleteObject(object) => {
            path(object)?;
            let last = object.rsplit('.').next().unwrap_or_default();
            if last.is_empty() || !last.bytes().all(|b| b.is_ascii_digit()) {
                return refuse(format!("{what} names an instance: {:?} does not end with a number", shown(object)));
            }
        }
        TaskKind::Reboot | TaskKind::FactoryReset => {}
        TaskKind::Download { file, target } => {
            match file {
                DownloadFile::Id(id) => name_of("file", id)?,
                DownloadFile::Named { file_type, file_name } => {
                    name_of("file type", file_type)?;
                    name_of("file name", file_name)?;
                }
            }
            if target.as_ref().is_some_and(|t| t.chars().any(char::is_control)) {
                return refuse("the target file name holds control characters");
            }
        }
        TaskKind::Provisions(all) => {
            if all.is_empty() {
                return refuse(format!("{what} names no provision"));
            }
            for (name, args) in all {
                name_of("provision", name)?;
                if let ("refresh", Some(Scalar::Text(of))) = (name.as_str(), args.first()) {
                    path(of)?;
                }
                args.iter().try_for_each(|a| scalar(name, a))?;
            }
        }
    }
    common(task)
}

fn common(task: &Task) -> Result<(), Refusal> {
    if let Some(key) = &task.unique_key {
        name_of("uniqueKey", key)?;
    }
    if task.timestamp.is_some_and(|t| t.to_rfc3339().is_empty()) {
        return refuse("the timestamp is no instant");
    }
    if task.expiry_s == Some(0) {
        return refuse("expiry is at least one second");
    }
    let again = matches!(task.kind, TaskKind::Reboot | TaskKind::FactoryReset | TaskKind::Download { .. });
    if again && task.expiry_s.is_some() {
        let what = task.kind.name();
        return refuse(format!(
            "{what} with expiry: until it expires the server runs it again at every session after a fault"
        ));
    }
    Ok(())
}

fn settings(values: &[Setting]) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    for setting in values {
        path(&setting.path)?;
        scalar(&setting.path, &setting.value)?;
        if setting.xsd.as_ref().is_some_and(|x| !x.starts_with("xsd:")) {
            return refuse(format!("{}: a type is written xsd:string", setting.path));
        }
        if !seen.insert(&setting.path) {
            return refuse(format!("{} is set twice", setting.path));
        }
    }
    Ok(())
}

fn scalar(of: &str, value: &Scalar) -> Result<(), Refusal> {
    match value {
        Scalar::Float(x) if !x.is_finite() => refuse(format!("{of}: the number is not finite")),
        // XML 1.0, in which the CPE gets it, cannot carry these at all.
        Scalar::Text(t) if t.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) => {
            refuse(format!("{of}: the value holds control characters"))
        }
        _ => Ok(()),
    }
}

/// A question to a collection: its query, projection, order and length.
///
/// # Errors
/// What a worker would die of.
pub fn find(collection: Collection, find: &Find) -> Result<(), Refusal> {
    query(collection, find.filter.json())?;
    for path in &find.projection.0 {
        field(path)?;
    }
    if collection == Collection::Users && !find.projection.0.iter().all(|p| matches!(p.as_str(), "_id" | "roles")) {
        return refuse("of users only _id and roles are asked for: the rest are password hashes");
    }
    if collection == Collection::Users && find.projection.0.is_empty() {
        return refuse("of users only _id and roles are asked for (the rest are password hashes): name them");
    }
    for (by, _) in &find.sort {
        field(by)?;
        if collection == Collection::Devices && by != "_id" && !(1..=10_000).contains(&find.limit) {
            return refuse(format!(
                "devices sorted by {} need a limit of at most 10000: sorting all of them ends the server's memory",
                shown(by)
            ));
        }
    }
    Ok(())
}

/// The name of a field: a path whose parts may begin with `_`.
pub(super) fn field(path: &str) -> Result<(), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let bad = |part: &str| part.is_empty() || !part.chars().all(good);
    if path.len() > 512 || path.split('.').any(bad) {
        return refuse(format!("{:?} is no field: names of letters, digits, _ and -, with dots between", shown(path)));
    }
    Ok(())
}

/// A JSON text that has to be an object.
///
/// # Errors
/// When it is no JSON, or something else.
pub fn object(what: &str, text: &str) -> Result<Json, Refusal> {
    match serde_json::from_str::<Json>(text) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => refuse(format!("the {what} is JSON, but no object")),
        Err(e) => refuse(format!("the {what} is no JSON: {e}")),
    }
}

#[cfg(test)]
mod tests;
