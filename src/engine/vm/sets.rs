//! Where backups of a machine lie, and on which of them the next one builds.

use super::retention::{chain, whole};
use crate::model::vm::definition::Disk;
use crate::model::vm::{BackupKind, BackupSet, Definition};

/// Checkpoints that noctule makes begin so; it removes no others.
pub const CHECKPOINT: &str = "noctule-";
/// End of the name of a backup that is not finished.
pub const PARTIAL: &str = ".partial";
/// Longest chain of incremental backups: each makes a restore longer and hangs on all before it.
pub const LONGEST: usize = 32;

/// A name for a file or folder out of one from outside: itself when it cannot lead elsewhere.
#[must_use]
pub fn safe_name(name: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
    let fine = !name.is_empty() && name.len() <= 128 && !name.starts_with(['.', '-']) && name.chars().all(plain);
    fine.then_some(name)
}

/// The folder of a machine's backups: called after it, or after its UUID when its name cannot be one.
pub fn folder(base: &str, vm: &Definition) -> Result<String, String> {
    let name = safe_name(&vm.name)
        .or_else(|| safe_name(&vm.uuid))
        .ok_or_else(|| "the machine has no name that a folder could have".to_owned())?;
    if !base.starts_with('/') {
        return Err(format!("{base} is no absolute path; give the whole path of the folder on the host"));
    }
    Ok(format!("{}/{name}", base.trim_end_matches('/')))
}

/// The disks that a backup holds: those that can be written to.
pub fn disks(vm: &Definition) -> impl Iterator<Item = &Disk> {
    vm.disks.iter().filter(|disk| disk.device == "disk" && !disk.readonly && !disk.source.is_empty())
}

/// What the next backup is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Kind.
    pub kind: BackupKind,
    /// Folder of the backup that it builds on, and its checkpoint.
    pub parent: Option<(String, String)>,
    /// Why it is a full one though an incremental one was asked for.
    pub because: Option<String>,
}

/// Chooses. `checkpoints` are those that the machine has now; `running` whether it runs.
#[must_use]
pub fn choose(
    wanted: BackupKind,
    vm: &Definition,
    sets: &[BackupSet],
    checkpoints: &[String],
    running: bool,
) -> Choice {
    let full = |because: String| Choice { because: Some(because), ..Choice::default() };
    if wanted == BackupKind::Full {
        return Choice::default();
    }
    if !running {
        return full(format!("{} is off: changes can only be copied while it runs", vm.name));
    }
    if let Some(disk) = disks(vm).find(|disk| disk.format != "qcow2") {
        return full(format!("{} is {}: only qcow2 keeps track of changes", disk.target, disk.format));
    }
    let Some((name, last)) = whole(sets, &vm.uuid).last().copied() else {
        return full("it is the first".to_owned());
    };
    let Some(checkpoint) = &last.checkpoint else {
        return full(format!("{name} was made while it was off and has no checkpoint"));
    };
    if !checkpoints.contains(checkpoint) {
        let because = format!("the checkpoint of {name} is gone: the machine has moved, or its disks were replaced");
        return full(because);
    }
    match chain(sets, name) {
        Err(why) => return full(why),
        Ok(all) if all.len() >= LONGEST => return full(format!("{} build on each other already", all.len())),
        Ok(_) => {}
    }
    let then: Vec<&str> = last.disks.iter().map(|disk| disk.target.as_str()).collect();
    let now: Vec<&str> = disks(vm).map(|disk| disk.target.as_str()).collect();
    if then != now {
        return full(format!("its disks are others than those of {name}"));
    }
    let parent = Some((name.to_owned(), checkpoint.clone()));
    Choice { kind: BackupKind::Incremental, parent, because: None }
}
