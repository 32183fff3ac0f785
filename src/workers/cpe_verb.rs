//! What can be done to a CPE: read from a command and its arguments, checked before anything is
//! asked of a server, and put in words for plans and outcomes. Pure.

use crate::model::command::Args;
use crate::model::cpe::CpeRow;
use crate::model::secret::{MASK, looks_secret};
use crate::model::text;

use super::verb::VerbError;

/// Parameters one command may set: more is a job.
const SETTINGS: usize = 50;

/// A verb with its arguments.
#[derive(Clone, PartialEq, Eq)]
pub enum CpeVerb {
    /// Reads an object and all below it into the server's document; empty for everything.
    Refresh(String),
    /// Reads parameters.
    Get(Vec<String>),
    /// Sets parameters: path and value.
    Set(Vec<(String, String)>),
    /// Makes an instance of an object.
    AddInstance(String),
    /// Removes an instance.
    DeleteInstance(String),
    /// Restarts it.
    Reboot,
    /// Sets it back to what it was when it was made.
    FactoryReset,
    /// Lets it fetch a file that the server has.
    Push(String),
    /// Gives it a tag.
    Tag(String),
    /// Takes a tag away.
    Untag(String),
    /// Removes it from the server.
    Delete,
    /// Calls it, without a task.
    Connect,
    /// Removes faults and the tasks behind them: by channel or whole id; none for all of the device.
    DeleteFault(Vec<String>),
    /// Lets what failed run again now; named as for [`CpeVerb::DeleteFault`].
    RetryFault(Vec<String>),
}

/// Values may be passwords.
impl std::fmt::Debug for CpeVerb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.title(), self.on())
    }
}

impl CpeVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim()).to_owned();
        let need = |arg: &'static str, what: &'static str| {
            let value = get(arg);
            if value.is_empty() { Err(VerbError::Missing { command, arg, what }) } else { Ok(value) }
        };
        Ok(Some(match command {
            "cpe.refresh" => Self::Refresh(get("object")),
            "cpe.get" => {
                let names = need("names", "paths of parameters, with blanks between them")?;
                Self::Get(names.split([' ', ',', '\n']).filter(|n| !n.is_empty()).map(str::to_owned).collect())
            }
            "cpe.set" => Self::Set(settings(command, args.get("values").map_or("", String::as_str))?),
            "cpe.add" => Self::AddInstance(need("object", "path of the object that gets an instance")?),
            "cpe.del-instance" => Self::DeleteInstance(need("object", "path of the instance")?),
            "cpe.reboot" => Self::Reboot,
            "cpe.factory-reset" => Self::FactoryReset,
            "cpe.push" => Self::Push(need("file", "name of a file that the server has")?),
            "cpe.tag" => Self::Tag(need("tag", "the tag")?),
            "cpe.untag" => Self::Untag(need("tag", "the tag")?),
            "cpe.delete" => Self::Delete,
            "cpe.connect" => Self::Connect,
            "cpe.fault-delete" => Self::DeleteFault(lines(&get("channel"))),
            "cpe.fault-retry" => Self::RetryFault(lines(&get("channel"))),
            _ => return Ok(None),
        }))
    }

    /// The verb at the head of a title.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Refresh(_) => "Refresh",
            Self::Get(_) => "Read parameters of",
            Self::Set(_) => "Set parameters of",
            Self::AddInstance(_) => "Add an instance to",
            Self::DeleteInstance(_) => "Remove an instance from",
            Self::Reboot => "Reboot",
            Self::FactoryReset => "Reset to factory settings",
            Self::Push(_) => "Push a file to",
            Self::Tag(_) => "Tag",
            Self::Untag(_) => "Untag",
            Self::Delete => "Delete",
            Self::Connect => "Call",
            Self::DeleteFault(_) => "Remove faults of",
            Self::RetryFault(_) => "Try again what failed on",
        }
    }

    /// The verb in the past, for the outcome.
    #[must_use]
    pub const fn past(&self) -> &'static str {
        match self {
            Self::Refresh(_) => "refreshed",
            Self::Get(_) => "read parameters of",
            Self::Set(_) => "set and read back parameters of",
            Self::AddInstance(_) => "added an instance to",
            Self::DeleteInstance(_) => "removed an instance from",
            Self::Reboot => "rebooted",
            Self::FactoryReset => "reset",
            Self::Push(_) => "accepted the file:",
            Self::Tag(_) => "tagged",
            Self::Untag(_) => "untagged",
            Self::Delete => "deleted",
            Self::Connect => "called",
            Self::DeleteFault(_) => "removed faults of",
            Self::RetryFault(_) => "called for another try:",
        }
    }

    /// On what inside the device, for logs; never a value.
    #[must_use]
    pub fn on(&self) -> String {
        let words = match self {
            Self::Refresh(object) | Self::AddInstance(object) | Self::DeleteInstance(object) => object.clone(),
            Self::Get(names) => names.join(" "),
            Self::Set(all) => all.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(" "),
            Self::Push(file) => file.clone(),
            Self::Tag(tag) | Self::Untag(tag) => tag.clone(),
            Self::DeleteFault(which) | Self::RetryFault(which) => which.join(" "),
            Self::Reboot | Self::FactoryReset | Self::Delete | Self::Connect => String::new(),
        };
        text::clip(&text::clean(&words), 200, "…").into_owned()
    }

    /// Whether its subscriber loses service for a while.
    #[must_use]
    pub const fn interrupts(&self) -> bool {
        matches!(self, Self::Reboot | Self::FactoryReset | Self::Push(_))
    }

    /// Whether the number of devices (the name, of one) has to be typed whatever the number.
    #[must_use]
    pub const fn typed(&self) -> bool {
        matches!(self, Self::FactoryReset | Self::Delete)
    }

    /// Whether it can be done to a device; else why not.
    ///
    /// # Errors
    /// The reason, in words that fit after `3 skipped:`.
    pub fn check(&self, row: &CpeRow) -> Result<(), &'static str> {
        let has = |tag: &str| row.tags.split(", ").any(|t| t == tag);
        match self {
            Self::Tag(tag) if has(tag) => Err("has the tag already"),
            Self::Untag(tag) if !has(tag) => Err("does not have the tag"),
            Self::DeleteFault(_) | Self::RetryFault(_) if row.faults == 0 => Err("has no fault"),
            _ => Ok(()),
        }
    }

    /// The equivalent request, values of secrets masked.
    #[must_use]
    pub fn call(&self, row: &CpeRow) -> String {
        // An id that holds %2D goes into a path as %252D (facts: genieacs-api §3).
        let id = row.device_id.replace('%', "%25");
        let task = |body: String| format!("POST /devices/{id}/tasks?connection_request {body}");
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let call = match self {
            Self::Refresh(object) => task(format!("{{\"name\":\"refreshObject\",\"objectName\":{}}}", quoted(object))),
            Self::Get(names) => {
                // What the server itself does of getParameterValues, without its second of grace.
                let names: Vec<String> = names.iter().map(|n| format!("[\"refresh\",{},0.001]", quoted(n))).collect();
                task(format!("{{\"name\":\"provisions\",\"provisions\":[{}]}}", names.join(",")))
            }
            Self::Set(all) => {
                let one = |(path, value): &(String, String)| {
                    let value = if looks_secret(path) { MASK } else { value };
                    format!("[{},{}]", quoted(path), quoted(value))
                };
                let all: Vec<String> = all.iter().map(one).collect();
                task(format!("{{\"name\":\"setParameterValues\",\"parameterValues\":[{}]}}", all.join(",")))
            }
            Self::AddInstance(object) => task(format!("{{\"name\":\"addObject\",\"objectName\":{}}}", quoted(object))),
            Self::DeleteInstance(object) => {
                task(format!("{{\"name\":\"deleteObject\",\"objectName\":{}}}", quoted(object)))
            }
            Self::Reboot => task("{\"name\":\"reboot\"}".to_owned()),
            Self::FactoryReset => task("{\"name\":\"factoryReset\"}".to_owned()),
            Self::Push(file) => task(format!("{{\"name\":\"download\",\"file\":{}}}", quoted(file))),
            Self::Tag(tag) => format!("POST /devices/{id}/tags/{tag}"),
            Self::Untag(tag) => format!("DELETE /devices/{id}/tags/{tag}"),
            Self::Delete => format!("DELETE /devices/{id}"),
            Self::Connect => format!("POST /devices/{id}/tasks?connection_request"),
            Self::DeleteFault(which) => format!("DELETE /faults/{id}:{}", mine(which, row)),
            // A preset's channel has no task: without its fault it runs at the next session.
            Self::RetryFault(which) => match mine(which, row) {
                all if all.contains("task_") => format!("POST /tasks/{}/retry", all.replace("task_", "")),
                all => format!("DELETE /faults/{id}:{all}, then POST /devices/{id}/tasks?connection_request"),
            },
        };
        text::clean(&call).into_owned()
    }

    /// What it changes of a device as the cache knows it: `path: old → new`, secrets masked.
    #[must_use]
    pub fn changes(&self, row: &CpeRow) -> Vec<String> {
        let Self::Set(all) = self else { return Vec::new() };
        let line = |(path, new): &(String, String)| {
            if looks_secret(path) {
                return format!("{path}: {MASK} → {MASK}");
            }
            match row.leaves.iter().find(|l| l.path == *path) {
                Some(leaf) => format!("{path}: {} → {new}", leaf.value),
                None => format!("{path} → {new}"),
            }
        };
        all.iter().map(|one| text::clean(&line(one)).into_owned()).collect()
    }

    /// What cannot be undone, and what else to know.
    #[must_use]
    pub const fn consequences(&self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::FactoryReset => (
                &["Everything set on the device is lost: WiFi names and passwords, PPPoE login, port forwards."],
                &["The device comes back with a bootstrap inform; presets of the server apply again."],
            ),
            Self::Delete => (
                &["What the server knows of the device is gone: parameters, tags, tasks, faults."],
                &["A device that still informs is registered again, without its tags."],
            ),
            Self::DeleteInstance(_) => (&["The instance and what was set in it are gone."], &[]),
            Self::Reboot => (&[], &["Out of service for a minute or two."]),
            Self::Push(_) => (
                &["A device that has installed a firmware does not go back by itself."],
                &["Accepted means only that the device begins to fetch it: the detail view shows how far it is."],
            ),
            Self::Set(_) => (&[], &["Each value is read back from the device: only what it then tells counts as set."]),
            Self::DeleteFault(_) => (&[], &["The task behind a fault is removed with it."]),
            Self::RetryFault(_) => {
                (&[], &["The device is called; what failed runs in that session, or at its next inform."])
            }
            Self::Connect => (&[], &["Its session is not waited for."]),
            Self::Refresh(_) => (&[], &["A whole device takes its session some seconds to minutes."]),
            Self::Get(_) | Self::AddInstance(_) | Self::Tag(_) | Self::Untag(_) => (&[], &[]),
        }
    }
}

/// One a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

/// The channels of a device among the faults that are named; `…` for all.
fn mine(which: &[String], row: &CpeRow) -> String {
    let own = |w: &String| match w.split_once(':') {
        Some((device, channel)) => (device == row.device_id).then(|| channel.to_owned()),
        None => Some(w.clone()),
    };
    let channels: Vec<String> = which.iter().filter_map(own).collect();
    if channels.is_empty() { "…".to_owned() } else { channels.join(", ") }
}

/// One `path=value` a line.
fn settings(command: &'static str, lines: &str) -> Result<Vec<(String, String)>, VerbError> {
    let wrong = |line: &str, why: &'static str| VerbError::Setting { line: text::clean(line).into_owned(), why };
    let mut out: Vec<(String, String)> = Vec::new();
    for line in lines.lines().filter(|l| !l.trim().is_empty()) {
        // What has no = may be a password all the same: only its first word, the path, is told.
        let first = line.split_whitespace().next().unwrap_or_default();
        let (path, value) = line.split_once('=').ok_or_else(|| wrong(first, "write it as path=value"))?;
        let path = path.trim();
        if !path.contains('.') {
            return Err(wrong(path, "that is no full path of a parameter"));
        }
        if out.iter().any(|(p, _)| p == path) {
            return Err(wrong(path, "it is set twice"));
        }
        out.push((path.to_owned(), value.to_owned()));
    }
    match out.len() {
        0 => Err(VerbError::Missing { command, arg: "values", what: "path=value, one a line" }),
        n if n > SETTINGS => Err(wrong("values", "more than 50 parameters at once: make it a job")),
        _ => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, arg: &str, value: &str) -> Result<Option<CpeVerb>, VerbError> {
        CpeVerb::parse(command, &[(arg.to_owned(), value.to_owned())].into_iter().collect())
    }

    #[test]
    fn settings_are_lines_and_values_may_hold_anything() {
        let verb = parse("cpe.set", "values", "Device.A.B=x=y\nDevice.C.D= z ").unwrap().unwrap();
        let want = [("Device.A.B", "x=y"), ("Device.C.D", " z ")].map(|(p, v)| (p.to_owned(), v.to_owned()));
        assert_eq!(verb, CpeVerb::Set(want.to_vec()));
        assert!(parse("cpe.set", "values", "").is_err());
        assert!(parse("cpe.set", "values", "SSID=x").unwrap_err().to_string().contains("full path"));
        assert!(parse("cpe.set", "values", "A.B=1\nA.B=2").unwrap_err().to_string().contains("twice"));
        assert_eq!(parse("pon.reboot", "x", "y"), Ok(None));
    }

    #[test]
    fn secrets_are_in_no_words() {
        let verb = parse("cpe.set", "values", "Device.PPP.Interface.1.Password=hunter2").unwrap().unwrap();
        let row = crate::workers::fixture::cpe("S1");
        let words = format!("{verb:?} {} {} {:?}", verb.on(), verb.call(&row), verb.changes(&row));
        assert!(!words.contains("hunter2") && words.contains(MASK), "{words}");
    }

    #[test]
    fn an_id_in_a_path_is_encoded_again() {
        let row = CpeRow { device_id: "A-B%2DC-1".to_owned(), ..crate::workers::fixture::cpe("1") };
        assert!(CpeVerb::Delete.call(&row).ends_with("/devices/A-B%252DC-1"));
        assert_eq!(CpeVerb::Tag("a".into()).check(&CpeRow { tags: "b, a".into(), ..row }), Err("has the tag already"));
    }
}
