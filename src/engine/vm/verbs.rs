//! What can be done with a machine in the state that it is in, and why not.

use crate::model::vm::VmState;
use crate::model::vm::state::Power;

/// Verbs on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Start it.
    Start,
    /// Ask its guest to shut down.
    Shutdown,
    /// Ask its guest to start again.
    Reboot,
    /// Press its reset button.
    Reset,
    /// Take its power.
    ForceOff,
    /// Stand it still.
    Suspend,
    /// Let it go on.
    Resume,
    /// Send it keys.
    SendKeys,
    /// Start it with its host, or no more.
    Autostart,
    /// Change its definition.
    Define,
    /// Take its definition away.
    Undefine,
    /// Take a snapshot.
    Snapshot,
    /// Go back to a snapshot.
    Revert,
    /// Delete or clean up a snapshot.
    SnapshotDelete,
    /// Back it up.
    Backup,
    /// Restore its disks.
    Restore,
    /// Move it.
    Migrate,
    /// Open a console.
    Console,
    /// Cancel its job.
    CancelJob,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Start,
        Self::Shutdown,
        Self::Reboot,
        Self::Reset,
        Self::ForceOff,
        Self::Suspend,
        Self::Resume,
        Self::SendKeys,
        Self::Autostart,
        Self::Define,
        Self::Undefine,
        Self::Snapshot,
        Self::Revert,
        Self::SnapshotDelete,
        Self::Backup,
        Self::Restore,
        Self::Migrate,
        Self::Console,
        Self::CancelJob,
    ];
}

/// Whether it can be done while something long is done to the machine: its power can be taken whatever runs in
/// it, and its guest can be asked.
#[must_use]
pub const fn beside_job(verb: Verb) -> bool {
    matches!(verb, Verb::CancelJob | Verb::Console | Verb::SendKeys | Verb::Autostart | Verb::ForceOff | Verb::Shutdown)
}

/// Whether a verb makes sense now; why not, and what to do instead.
pub fn possible(verb: Verb, vm: &VmState) -> Result<(), String> {
    let name = &vm.name;
    let no = |why: String| Err(why);
    if vm.power == Power::Unknown && !matches!(verb, Verb::Console | Verb::CancelJob) {
        return no(format!("the state of {name} is not known: wait until its host answers, then look at it again"));
    }
    if let Some(job) = vm.job.as_ref().filter(|_| !beside_job(verb)) {
        return no(format!("a job runs in {name} ({}): wait for it or cancel it", job.operation));
    }
    let runs = vm.power == Power::Running;
    let active = vm.power.active();
    let is = vm.power.word();
    match verb {
        Verb::Start if vm.power == Power::Paused => no(format!("{name} is paused: resume it")),
        Verb::Start if active => no(format!("{name} is {is} already")),
        Verb::Shutdown | Verb::Reboot | Verb::SendKeys if vm.power == Power::Paused => {
            no(format!("{name} is paused, its guest hears nothing: resume it first"))
        }
        Verb::Shutdown if vm.power == Power::Off => no(format!("{name} is off already")),
        Verb::Shutdown | Verb::Reboot | Verb::SendKeys if !runs && vm.power != Power::Stopping => {
            no(format!("{name} is {is}: there is no guest to ask"))
        }
        Verb::Reset | Verb::ForceOff | Verb::Console if !active => no(format!("{name} is {is}")),
        Verb::Suspend if !runs => no(format!("{name} is {is}: only a machine that runs can be paused")),
        Verb::Resume if vm.power != Power::Paused => no(format!("{name} is {is}, not paused")),
        Verb::Autostart if !vm.persistent => no(format!("{name} has no definition that outlives it: define it first")),
        Verb::Undefine if active => no(format!("{name} is {is}: shut it down first")),
        Verb::Restore if active => no(format!("{name} is {is}: shut it down first, or restore to a new machine")),
        Verb::Migrate if !matches!(vm.power, Power::Running | Power::Paused) => {
            no(format!("{name} is {is}: only a machine that runs moves"))
        }
        Verb::Migrate if vm.snapshots.is_some_and(|n| n > 0) => {
            no(format!("{name} has snapshots, and its host would refuse: delete or clean them up first"))
        }
        Verb::Revert | Verb::SnapshotDelete if vm.snapshots == Some(0) => no(format!("{name} has no snapshot")),
        Verb::Backup if !matches!(vm.power, Power::Running | Power::Paused | Power::Off) => {
            no(format!("{name} is {is}: it can be backed up while it runs or is off"))
        }
        Verb::CancelJob if vm.job.is_none() => no(format!("no job runs in {name}")),
        _ => Ok(()),
    }
}
