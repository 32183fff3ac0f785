//! Presets, provisions, virtual parameters and files of an auto-configuration server: what a
//! command about them means, its plan with the difference to what the server has, and its run.
//!
//! They are in no cache, so plans ask the server. Nothing is sent that the server would store and
//! fail on later, nothing over what somebody else changed meanwhile, and what was written is read
//! back before it counts as done.

mod plan;
mod run;

use std::path::PathBuf;

use crate::controllers::genieacs::validate;
use crate::controllers::genieacs::wire::FileMeta;
use crate::model::command::{Args, Intent, Targets};
use crate::model::stored::StoredKind;
use crate::model::text;

use super::source::{SourceHandle, Sources};
use super::verb::VerbError;

pub use plan::plan;
pub use run::run;

/// A verb with its arguments.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredVerb {
    /// Writes a text, over an older one of that name.
    Put(StoredKind, Given),
    /// Sends a file, over an older one of that name.
    Upload(PathBuf, FileMeta),
    /// Removes it.
    Delete(StoredKind),
}

/// A text to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// Where it is.
    pub from: From,
    /// What the server's text was when this one was begun ([`crate::model::stored::hash`]); 0 when
    /// there was none.
    pub base: Option<u64>,
    /// A file that holds the text until it was written and proven.
    pub draft: Option<PathBuf>,
}

/// Where a text is.
#[derive(Clone, PartialEq, Eq)]
pub enum From {
    /// Here.
    Text(String),
    /// In a file.
    File(PathBuf),
}

/// Texts may hold passwords.
impl std::fmt::Debug for StoredVerb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Put(kind, _) => write!(f, "put {}", kind.word()),
            Self::Upload(path, meta) => write!(f, "upload {} as {}", path.display(), meta.name),
            Self::Delete(kind) => write!(f, "delete {}", kind.word()),
        }
    }
}

/// Whether a command is about what servers keep beside devices.
#[must_use]
pub fn is(command: &str) -> bool {
    matches!(
        command,
        "cpe.preset.put"
            | "cpe.preset.delete"
            | "cpe.provision.put"
            | "cpe.provision.delete"
            | "cpe.vparam.put"
            | "cpe.vparam.delete"
            | "cpe.file.upload"
            | "cpe.file.delete"
    )
}

impl StoredVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim()).to_owned();
        let kind = match command.split('.').nth(1) {
            Some("preset") => StoredKind::Preset,
            Some("provision") => StoredKind::Provision,
            Some("vparam") => StoredKind::VirtualParameter,
            Some("file") => StoredKind::File,
            _ => return Ok(None),
        };
        if !is(command) {
            return Ok(None);
        }
        if command.rsplit('.').next() == Some("delete") {
            return Ok(Some(Self::Delete(kind)));
        }
        let file = get("file");
        if kind == StoredKind::File {
            if file.is_empty() {
                return Err(VerbError::Missing { command, arg: "file", what: "the path of the file to send" });
            }
            let meta = FileMeta {
                name: String::new(),
                file_type: match get("type") {
                    t if t.is_empty() => FIRMWARE.to_owned(),
                    t => t,
                },
                oui: get("oui"),
                product_class: get("class"),
                version: get("version"),
            };
            return Ok(Some(Self::Upload(PathBuf::from(file), meta)));
        }
        let from = match (args.get("text"), file.is_empty()) {
            (Some(text), true) => From::Text(text.clone()),
            (None, false) => From::File(PathBuf::from(file)),
            (Some(_), false) => {
                return Err(VerbError::Wrong { command, why: "text and file exclude each other".to_owned() });
            }
            (None, true) => {
                return Err(VerbError::Missing { command, arg: "file", what: "the path of a file with the new text" });
            }
        };
        let base = match get("base") {
            b if b.is_empty() => None,
            b => Some(u64::from_str_radix(&b, 16).map_err(|_| VerbError::Wrong {
                command,
                why: "base is the number that a list of objects gave".to_owned(),
            })?),
        };
        let draft = Some(get("draft")).filter(|d| !d.is_empty()).map(PathBuf::from);
        Ok(Some(Self::Put(kind, Given { from, base, draft })))
    }

    /// The kind of thing.
    #[must_use]
    pub const fn kind(&self) -> StoredKind {
        match self {
            Self::Put(kind, _) | Self::Delete(kind) => *kind,
            Self::Upload(..) => StoredKind::File,
        }
    }

    /// What the log calls it.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Put(kind, _) => format!("PUT {}", kind.noun()),
            Self::Upload(..) => "PUT file".to_owned(),
            Self::Delete(kind) => format!("DELETE {}", kind.noun()),
        }
    }
}

/// The type of a file when none is told.
pub const FIRMWARE: &str = "1 Firmware Upgrade Image";

/// A command about one thing, with the way to its server.
pub(super) struct Wish {
    pub(super) verb: StoredVerb,
    pub(super) name: String,
    pub(super) server: SourceHandle,
}

impl Wish {
    /// Reads an intent.
    fn of(sources: &Sources, intent: &Intent) -> Result<Self, String> {
        let verb = StoredVerb::parse(intent.command, &intent.args).map_err(|e| e.to_string())?;
        let verb = verb.ok_or_else(|| format!("`{}` is no such command", intent.command))?;
        let name = match &intent.targets {
            Targets::Names(_, names) => match names.as_slice() {
                [only] => only.clone(),
                [] => return Err(format!("`{}` needs the name of the {}", intent.command, verb.kind().noun())),
                _ => return Err(format!("`{}` works on one at a time", intent.command)),
            },
            _ => return Err(format!("`{}` needs the name of the {}", intent.command, verb.kind().noun())),
        };
        checked(verb.kind(), &name)?;
        let wanted = intent.args.get("source").map_or("", |s| s.trim());
        Ok(Self { verb, name, server: server(sources, wanted)? })
    }
}

/// The server of that name; the only one when none is named.
fn server(sources: &Sources, wanted: &str) -> Result<SourceHandle, String> {
    let servers: Vec<&SourceHandle> = sources.iter().filter(|s| s.is_acs()).collect();
    if !wanted.is_empty() {
        let found = servers.iter().find(|s| &**s.name() == wanted);
        return found
            .map(|s| (*s).clone())
            .ok_or_else(|| format!("no GenieACS source is called `{}`", text::clean(wanted)));
    }
    match servers.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err("no GenieACS source is configured".to_owned()),
        many => {
            let names: Vec<&str> = many.iter().map(|s| &**s.name()).collect();
            Err(format!("there are several servers ({}): say which with source=NAME", names.join(", ")))
        }
    }
}

/// Whether a name can be sent.
fn checked(kind: StoredKind, name: &str) -> Result<(), String> {
    let checked = match kind {
        StoredKind::VirtualParameter => validate::virtual_parameter(name),
        other => validate::name(&format!("{}'s name", other.noun()), name),
    };
    checked.map_err(|refusal| refusal.to_string())
}

/// The given text, read and held to the rules of its kind.
async fn given(kind: StoredKind, from: &From) -> Result<String, String> {
    let text = match from {
        From::Text(text) => text.clone(),
        From::File(path) => {
            let path = path.clone();
            crate::workers::blocking(move || crate::workers::text_of(&path)).await??
        }
    };
    let good = match kind {
        StoredKind::Preset => validate::preset(&text).map(drop),
        _ => validate::script(&text),
    };
    good.map(|()| text).map_err(|refusal| refusal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, args: &[(&str, &str)]) -> Result<Option<StoredVerb>, VerbError> {
        StoredVerb::parse(command, &args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn commands_say_what_they_need() {
        assert!(parse("cpe.provision.put", &[]).unwrap_err().to_string().contains("file"));
        assert!(parse("cpe.provision.put", &[("file", "a"), ("text", "b")]).is_err());
        assert!(parse("cpe.file.upload", &[("type", "x")]).unwrap_err().to_string().contains("path"));
        assert!(parse("cpe.preset.put", &[("text", "{}"), ("base", "zz")]).is_err());
        assert_eq!(parse("cpe.reboot", &[]), Ok(None));
        assert_eq!(parse("cpe.preset.delete", &[]), Ok(Some(StoredVerb::Delete(StoredKind::Preset))));
        let Ok(Some(StoredVerb::Upload(_, meta))) = parse("cpe.file.upload", &[("file", "/x/fw.bin")]) else {
            panic!("no upload")
        };
        assert_eq!(meta.file_type, FIRMWARE);
    }

    #[test]
    fn texts_are_in_no_words() {
        let verb = parse("cpe.preset.put", &[("text", "hunter2")]).unwrap().unwrap();
        assert!(!format!("{verb:?} {}", verb.title()).contains("hunter2"));
    }

    #[test]
    fn names_that_no_server_takes_are_refused() {
        for (kind, name) in [
            (StoredKind::Preset, " "),
            (StoredKind::Provision, ".."),
            (StoredKind::VirtualParameter, "a.b"),
            (StoredKind::File, "a\u{7}b"),
        ] {
            assert!(checked(kind, name).is_err(), "{kind:?} {name:?}");
        }
        assert_eq!(checked(StoredKind::File, "HG8245H V3.bin"), Ok(()));
    }

    #[tokio::test]
    async fn what_the_server_would_fail_on_later_is_not_read_as_a_text() {
        let text = |t: &str| From::Text(t.to_owned());
        assert!(given(StoredKind::Preset, &text("{\"hello\": 1}")).await.is_err());
        assert!(given(StoredKind::Provision, &text(" \n")).await.is_err());
        assert!(
            given(StoredKind::Provision, &From::File("/nowhere/x.js".into())).await.unwrap_err().contains("nowhere")
        );
        assert_eq!(given(StoredKind::Provision, &text("log(1);")).await, Ok("log(1);".to_owned()));
    }
}
