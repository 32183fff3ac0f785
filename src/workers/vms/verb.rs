//! What a command for machines means, with its arguments checked.

use std::time::Duration;

use crate::controllers::libvirt::keys::code as key_code;
use crate::engine::vm::checks::Storage;
use crate::engine::vm::verbs::Verb;
use crate::model::command::Args;
use crate::model::text::clean;
use crate::model::time::{HOUR, parse_duration};
use crate::model::vm::BackupKind;
use crate::workers::verb::VerbError;

/// How long a guest may take to shut down, unless told otherwise.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// A verb with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VmVerb {
    /// Asks the host now instead of at its next turn.
    Poll,
    /// Starts it.
    Start,
    /// Asks the guest to shut down, and waits so long.
    Shutdown(Duration),
    /// Asks the guest to boot again.
    Reboot,
    /// Presses the reset button.
    Reset,
    /// Pulls the plug.
    ForceOff,
    /// Stops its CPUs.
    Suspend,
    /// Lets them go on.
    Resume,
    /// Presses keys at once: their names.
    SendKeys(Vec<String>),
    /// Started with its host or not.
    Autostart(bool),
    /// Changes its definition, or makes one: the XML.
    Define(String),
    /// Forgets its definition; `true`: and deletes its disks.
    Undefine(bool),
    /// Takes a snapshot.
    Snapshot {
        /// Name; empty for one with date and time.
        name: String,
        /// A new file on top of each disk.
        external: bool,
        /// With its memory.
        memory: bool,
    },
    /// Goes back to a snapshot.
    Revert(String),
    /// Deletes a snapshot.
    DeleteSnapshot(String),
    /// Writes overlays back and forgets external snapshots.
    CleanUp,
    /// Looks for what nothing uses.
    Orphans,
    /// Backs it up.
    Backup {
        /// How much.
        kind: BackupKind,
        /// Folder on the host; empty for that of the configuration.
        folder: String,
        /// Whether it is compared afterwards; `None`: as configured.
        verify: Option<bool>,
    },
    /// Puts a backup back.
    Restore {
        /// Folder of the backup on the host.
        backup: String,
        /// Name of a new machine; empty: the machine itself.
        to: String,
        /// Folder of a new machine's disks; empty: where the disks were that were backed up.
        folder: String,
        /// Whether it is started at the end.
        start: bool,
    },
    /// Moves it to another host.
    Migrate {
        /// Source that the host is.
        to: String,
        /// How its disks get there.
        storage: Storage,
    },
    /// Breaks its job off.
    Cancel,
    /// Forgets that an operation failed.
    Dismiss,
}

/// The commands.
const COMMANDS: [&str; 22] = [
    "vm.poll",
    "vm.start",
    "vm.shutdown",
    "vm.reboot",
    "vm.reset",
    "vm.force-off",
    "vm.suspend",
    "vm.resume",
    "vm.send-keys",
    "vm.autostart",
    "vm.define",
    "vm.undefine",
    "vm.snapshot",
    "vm.snapshot-revert",
    "vm.snapshot-delete",
    "vm.snapshot-cleanup",
    "vm.orphans",
    "vm.backup",
    "vm.restore",
    "vm.migrate",
    "vm.cancel",
    "vm.dismiss",
];

/// Whether a command is about machines.
#[must_use]
pub fn is(command: &str) -> bool {
    COMMANDS.contains(&command)
}

impl VmVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim());
        let wrong = |why: String| VerbError::Wrong { command, why };
        let need = |arg: &'static str, what: &'static str| match get(arg) {
            "" => Err(VerbError::Missing { command, arg, what }),
            value => Ok(value.to_owned()),
        };
        let yes = |arg: &'static str| match get(arg) {
            "" => Ok(None),
            "yes" | "true" => Ok(Some(true)),
            "no" | "false" => Ok(Some(false)),
            other => Err(wrong(format!("{arg} is yes or no, not `{}`", clean(other)))),
        };
        let word = |arg: &'static str, words: [&'static str; 2]| match get(arg) {
            "" => Ok(None),
            found if found == words[0] => Ok(Some(false)),
            found if found == words[1] => Ok(Some(true)),
            other => Err(wrong(format!("{arg} is {} or {}, not `{}`", words[0], words[1], clean(other)))),
        };
        Ok(Some(match command {
            "vm.poll" => Self::Poll,
            "vm.start" => Self::Start,
            "vm.shutdown" => Self::Shutdown(match get("timeout") {
                "" => SHUTDOWN,
                text => {
                    let micros = parse_duration(text)
                        .ok_or_else(|| VerbError::Duration { arg: "timeout", value: text.to_owned() })?;
                    if !(1..=HOUR).contains(&micros) {
                        return Err(VerbError::Range { arg: "timeout", value: text.to_owned(), max: "1h" });
                    }
                    Duration::from_micros(micros.unsigned_abs())
                }
            }),
            "vm.reboot" => Self::Reboot,
            "vm.reset" => Self::Reset,
            "vm.force-off" => Self::ForceOff,
            "vm.suspend" => Self::Suspend,
            "vm.resume" => Self::Resume,
            "vm.send-keys" => {
                let keys = need("keys", "names with - between: ctrl-alt-delete")?;
                let keys: Vec<String> = keys.split('-').map(|k| k.trim().to_ascii_lowercase()).collect();
                if let Some(bad) = keys.iter().find(|key| key_code(key).is_none()) {
                    return Err(wrong(format!(
                        "`{}` is no key: a, 1, f2, ctrl, alt, shift, delete, enter …",
                        clean(bad)
                    )));
                }
                Self::SendKeys(keys)
            }
            "vm.autostart" => match yes("on")? {
                Some(on) => Self::Autostart(on),
                None => return Err(VerbError::Missing { command, arg: "on", what: "yes or no" }),
            },
            "vm.define" => {
                let text = if get("xml").is_empty() {
                    let path = need("file", "a file with the XML of the machine")?;
                    crate::workers::text_of(std::path::Path::new(&path)).map_err(wrong)?
                } else {
                    get("xml").to_owned()
                };
                Self::Define(text)
            }
            "vm.undefine" => Self::Undefine(word("disks", ["keep", "delete"])?.unwrap_or(false)),
            "vm.snapshot" => Self::Snapshot {
                name: get("name").to_owned(),
                external: word("kind", ["internal", "external"])?.unwrap_or(false),
                memory: yes("memory")?.unwrap_or(true),
            },
            "vm.snapshot-revert" => Self::Revert(need("name", "name of the snapshot")?),
            "vm.snapshot-delete" => Self::DeleteSnapshot(need("name", "name of the snapshot")?),
            "vm.snapshot-cleanup" => Self::CleanUp,
            "vm.orphans" => Self::Orphans,
            "vm.backup" => Self::Backup {
                kind: if word("kind", ["full", "incremental"])?.unwrap_or(true) {
                    BackupKind::Incremental
                } else {
                    BackupKind::Full
                },
                folder: get("folder").to_owned(),
                verify: yes("verify")?,
            },
            "vm.restore" => {
                let (to, folder) = (get("to").to_owned(), get("folder").to_owned());
                if to.is_empty() && !folder.is_empty() {
                    return Err(wrong("folder is for the disks of a new machine: name it with to".to_owned()));
                }
                if !folder.is_empty() && !folder.starts_with('/') {
                    return Err(wrong(format!("folder is a whole path on the host, not `{}`", clean(&folder))));
                }
                let backup = need("backup", "folder of the backup on the host")?;
                Self::Restore { backup, to, folder, start: yes("start")?.unwrap_or(false) }
            }
            "vm.migrate" => Self::Migrate {
                to: need("to", "the source that is the host to move it to")?,
                storage: match get("storage") {
                    "" | "auto" => Storage::Auto,
                    "shared" => Storage::Shared,
                    "copy" => Storage::Copy,
                    other => {
                        return Err(wrong(format!("storage is auto, shared or copy, not `{}`", clean(other))));
                    }
                },
            },
            "vm.cancel" => Self::Cancel,
            "vm.dismiss" => Self::Dismiss,
            _ => return Ok(None),
        }))
    }

    /// Title of its plan, and what was done, before a count.
    #[must_use]
    pub const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Poll => ("Look at", "looked at"),
            Self::Start => ("Start", "started"),
            Self::Shutdown(_) => ("Shut down", "shut down"),
            Self::Reboot => ("Reboot", "rebooted"),
            Self::Reset => ("Reset", "reset"),
            Self::ForceOff => ("Force off", "forced off"),
            Self::Suspend => ("Pause", "paused"),
            Self::Resume => ("Let go on", "let go on"),
            Self::SendKeys(_) => ("Send keys to", "sent keys to"),
            Self::Autostart(true) => ("Start with its host:", "set to start with its host:"),
            Self::Autostart(false) => ("Start by hand:", "set to be started by hand:"),
            Self::Define(_) => ("Define", "defined"),
            Self::Undefine(_) => ("Undefine", "undefined"),
            Self::Snapshot { .. } => ("Take a snapshot of", "took a snapshot of"),
            Self::Revert(_) => ("Put back to a snapshot", "put back to a snapshot"),
            Self::DeleteSnapshot(_) => ("Delete a snapshot of", "deleted a snapshot of"),
            Self::CleanUp => ("Clean up the snapshots of", "cleaned up the snapshots of"),
            Self::Orphans => ("Look for orphans of", "looked for orphans of"),
            Self::Backup { .. } => ("Back up", "backed up"),
            Self::Restore { .. } => ("Restore", "restored"),
            Self::Migrate { .. } => ("Move", "moved"),
            Self::Cancel => ("Cancel the job of", "cancelled the job of"),
            Self::Dismiss => ("Dismiss the failure of", "dismissed the failure of"),
        }
    }

    /// What it is called as an operation that failed (`the backup of web-1 failed`).
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
            Self::Migrate { .. } => "move",
            Self::CleanUp => "snapshot clean-up",
            _ => "change",
        }
    }

    /// The verb whose state has to fit; `None`: any will do.
    #[must_use]
    pub const fn state_verb(&self) -> Option<Verb> {
        Some(match self {
            Self::Poll | Self::Orphans | Self::Dismiss => return None,
            Self::Start => Verb::Start,
            Self::Shutdown(_) => Verb::Shutdown,
            Self::Reboot => Verb::Reboot,
            Self::Reset => Verb::Reset,
            Self::ForceOff => Verb::ForceOff,
            Self::Suspend => Verb::Suspend,
            Self::Resume => Verb::Resume,
            Self::SendKeys(_) => Verb::SendKeys,
            Self::Autostart(_) => Verb::Autostart,
            Self::Define(_) => Verb::Define,
            Self::Undefine(_) => Verb::Undefine,
            Self::Snapshot { .. } => Verb::Snapshot,
            Self::Revert(_) => Verb::Revert,
            Self::DeleteSnapshot(_) | Self::CleanUp => Verb::SnapshotDelete,
            Self::Backup { .. } => Verb::Backup,
            Self::Restore { to, .. } if !to.is_empty() => return None,
            Self::Restore { .. } => Verb::Restore,
            Self::Migrate { .. } => Verb::Migrate,
            Self::Cancel => Verb::CancelJob,
        })
    }

    /// Whether it works on hosts, too.
    #[must_use]
    pub fn takes_hosts(&self) -> bool {
        match self {
            Self::Poll | Self::Orphans | Self::Define(_) => true,
            // A machine that is gone is found by its backup.
            Self::Restore { backup, .. } => backup.starts_with('/'),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, args: &[(&str, &str)]) -> Result<Option<VmVerb>, VerbError> {
        VmVerb::parse(command, &args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn commands_are_read_with_their_arguments() {
        assert_eq!(parse("vm.start", &[]).unwrap(), Some(VmVerb::Start));
        assert_eq!(parse("vm.shutdown", &[]).unwrap(), Some(VmVerb::Shutdown(SHUTDOWN)));
        let keys = parse("vm.send-keys", &[("keys", "Ctrl-Alt-Delete")]).unwrap();
        assert_eq!(keys, Some(VmVerb::SendKeys(["ctrl", "alt", "delete"].map(str::to_owned).to_vec())));
        let moved = parse("vm.migrate", &[("to", "kvm-2"), ("storage", "copy")]).unwrap();
        assert_eq!(moved, Some(VmVerb::Migrate { to: "kvm-2".into(), storage: Storage::Copy }));
        let backup = parse("vm.backup", &[]).unwrap();
        assert_eq!(backup, Some(VmVerb::Backup { kind: BackupKind::Incremental, folder: String::new(), verify: None }));
        assert_eq!(parse("alarm.ack", &[]).unwrap(), None);
        for command in COMMANDS {
            assert!(is(command), "{command}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let told = |command: &'static str, args: &[(&str, &str)]| parse(command, args).unwrap_err().to_string();
        assert!(told("vm.shutdown", &[("timeout", "soon")]).contains("timeout"));
        assert!(told("vm.shutdown", &[("timeout", "2h")]).contains("1h"));
        assert!(told("vm.send-keys", &[("keys", "ctrl-elephant")]).contains("elephant"));
        assert!(told("vm.autostart", &[]).contains("on"));
        assert!(told("vm.autostart", &[("on", "perhaps")]).contains("yes or no"));
        assert!(told("vm.migrate", &[]).contains("to"));
        assert!(told("vm.undefine", &[("disks", "burn")]).contains("keep or delete"));
        assert!(told("vm.migrate", &[("to", "a"), ("storage", "perhaps")]).contains("auto, shared or copy"));
        assert!(told("vm.restore", &[("backup", "/b/x"), ("folder", "/d")]).contains("new machine"));
        assert!(told("vm.restore", &[("backup", "/b/x"), ("to", "y"), ("folder", "d")]).contains("whole path"));
        assert!(told("vm.define", &[("file", "/no/such/file")]).contains("/no/such/file"));
    }
}
