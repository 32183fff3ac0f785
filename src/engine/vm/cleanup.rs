//! Cleaning up external snapshots: what the overlays hold goes down into the image that they were
//! taken on, the machine goes on with that image, and only then the files and the records go.
//!
//! It keeps no memory of what it has done: before each step it looks at what is so and does what is
//! missing next. So one that was cut off half-way, by whatever, is finished by running it again.

use std::collections::BTreeMap;

use super::snapshot::descendants;
use super::{End, Report, Turn};
use crate::model::vm::Definition;
use crate::model::vm::snapshot::{Kept, Snapshot};
use crate::model::vm::state::Power;

/// How often a step is tried.
const TRIES: u32 = 2;
/// How often it is looked when no answer comes.
const LOOKS: u32 = 4;

/// A disk and the image that it is to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Target (`vda`).
    pub target: String,
    /// The image that everything goes down into.
    pub base: String,
    /// Its overlays, the lowest first.
    pub overlays: Vec<String>,
}

/// What a clean-up does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The machine.
    pub vm: String,
    /// Snapshots that go, each before the one that it was taken on.
    pub names: Vec<String>,
    /// Disks.
    pub goals: Vec<Goal>,
    /// Files with saved memory, which go with their snapshots.
    pub memory: Vec<String>,
}

/// Plans the clean-up of a snapshot and of all that were taken on it.
pub fn plan(vm: &Definition, all: &[Snapshot], name: &str) -> Result<Plan, String> {
    let going = descendants(all, name);
    let Some(first) = going.first() else { return Err(format!("there is no snapshot {name}")) };
    if let Some(inside) = going.iter().find(|s| s.disks.iter().any(|disk| disk.kept == Kept::Inside)) {
        return Err(format!(
            "{} lies inside the image and would be lost with it; delete it first (that needs no clean-up)",
            inside.name
        ));
    }
    if let Some(twice) = going.iter().find(|s| going.iter().filter(|other| other.parent == s.name).count() > 1) {
        return Err(format!(
            "several snapshots were taken on {}: clean up the side that is not in use first",
            twice.name
        ));
    }
    let mut goals = Vec::new();
    for disk in &first.disks {
        if !matches!(disk.kept, Kept::File(_)) {
            continue;
        }
        if disk.was.is_empty() {
            return Err(format!("the host does not say what {} was taken on for {}", first.name, disk.target));
        }
        let overlays = going
            .iter()
            .flat_map(|s| s.disks.iter().filter(|other| other.target == disk.target))
            .filter_map(|other| match &other.kept {
                Kept::File(path) => Some(path.clone()),
                _ => None,
            })
            .collect();
        goals.push(Goal { target: disk.target.clone(), base: disk.was.clone(), overlays });
    }
    for goal in &goals {
        let disk = vm.disks.iter().find(|disk| disk.target == goal.target);
        match disk {
            Some(disk) if disk.source == goal.base || goal.overlays.contains(&disk.source) => {}
            Some(disk) => {
                let (target, source) = (&goal.target, &disk.source);
                return Err(format!("{target} is on {source}, which is no part of {name}: nothing is touched"));
            }
            None => return Err(format!("{} has no disk {} any more", vm.name, goal.target)),
        }
    }
    let memory = going.iter().filter_map(|s| match &s.memory {
        Kept::File(path) => Some(path.clone()),
        _ => None,
    });
    let memory = memory.collect();
    Ok(Plan { vm: vm.name.clone(), names: going.iter().rev().map(|s| s.name.clone()).collect(), goals, memory })
}

/// A block job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// It copies.
    Running,
    /// It has copied all and waits to be finished.
    Ready,
}

/// What is so now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// State of the machine; `None` when it is gone.
    pub power: Option<Power>,
    /// File of each disk, by target.
    pub disks: BTreeMap<String, String>,
    /// Block jobs, by target.
    pub jobs: BTreeMap<String, Job>,
    /// Names of its snapshots.
    pub snapshots: Vec<String>,
    /// Files of the plan (overlays, memory) that are there.
    pub files: Vec<String>,
    /// Files that any disk of any machine of the host uses, with all that they build on.
    pub used: Vec<String>,
}

/// Something to do on the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Tell [`Facts`].
    Look,
    /// Begin to copy the overlays of a disk of a running machine down into its base.
    Commit {
        /// Target.
        target: String,
        /// The image at the bottom.
        base: String,
    },
    /// Wait until the job of a disk is ready or gone. Takes long.
    Await(String),
    /// Let the machine go on with the base.
    Pivot(String),
    /// End the job of a disk, the disk stays as it is.
    Abort(String),
    /// Copy the overlay of a machine that is off down into its base; the overlay stays.
    CommitOff {
        /// The overlay at the top.
        top: String,
        /// The image at the bottom.
        base: String,
    },
    /// Set the file of a disk in the definition of a machine that is off.
    Point {
        /// Target.
        target: String,
        /// File.
        file: String,
    },
    /// Delete the record of a snapshot, no file.
    Forget(String),
    /// Remove a file.
    Remove(String),
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done.
    Done,
    /// What is so.
    Facts(Facts),
    /// It was not done, or that is not known.
    Fault(super::Fault),
}

/// A clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleanup {
    plan: Plan,
    facts: Option<Facts>,
    /// Overlays that were copied down while the machine was off.
    committed: Vec<String>,
    failed: BTreeMap<Act, (u32, String)>,
    silent: u32,
    cancelling: bool,
    cancelled: bool,
    why: Option<String>,
}

impl Cleanup {
    /// One that begins, or goes on after one that was cut off.
    #[must_use]
    pub const fn new(plan: Plan) -> Self {
        Self {
            plan,
            facts: None,
            committed: Vec::new(),
            failed: BTreeMap::new(),
            silent: 0,
            cancelling: false,
            cancelled: false,
            why: None,
        }
    }

    /// It is to be cancelled: what is being copied stays where it is. Gives what to do at once while the
    /// act that was handed out still runs.
    pub fn abort(&mut self) -> Option<Act> {
        // What was handed out stays what it is until its outcome is told.
        self.cancelling = true;
        match self.next() {
            Some(Act::Await(target)) => Some(Act::Abort(target)),
            _ => None,
        }
    }

    /// What is to be done now.
    #[must_use]
    pub fn turn(&self) -> Turn<Act> {
        if self.why.is_some() || self.silent >= LOOKS {
            return Turn::Over(self.report());
        }
        if self.facts.is_none() {
            return Turn::Do(Act::Look);
        }
        self.next().map_or_else(|| Turn::Over(self.report()), Turn::Do)
    }

    /// The outcome of what [`Self::turn`] gave.
    pub fn told(&mut self, told: Told) {
        let act = match self.turn() {
            Turn::Do(act) => act,
            Turn::Over(_) => return,
        };
        self.facts = None;
        self.cancelled = self.cancelling;
        match told {
            Told::Facts(facts) if act == Act::Look => {
                self.silent = 0;
                self.facts = Some(facts);
                let wrong = self.wrong();
                if wrong.is_some() {
                    self.why = wrong;
                }
            }
            Told::Facts(_) => {}
            Told::Done => {
                if let Act::CommitOff { top, .. } = act {
                    self.committed.push(top);
                }
            }
            Told::Fault(fault) if act == Act::Look => {
                self.silent += 1;
                if self.silent >= LOOKS {
                    self.why = Some(fault.why().to_owned());
                }
            }
            Told::Fault(fault) => {
                let tries = self.failed.entry(act).or_insert((0, String::new()));
                *tries = (tries.0 + 1, fault.why().to_owned());
                if tries.0 >= TRIES {
                    // The next look says what is left.
                    self.silent = 0;
                }
            }
        }
    }

    fn given_up(&self, act: &Act) -> bool {
        self.failed.get(act).is_some_and(|(tries, _)| *tries >= TRIES)
    }

    /// What no step could put right.
    fn wrong(&self) -> Option<String> {
        let facts = self.facts.as_ref()?;
        if facts.power.is_none() {
            return Some(format!("{} is gone", self.plan.vm));
        }
        self.plan.goals.iter().find_map(|goal| match facts.disks.get(&goal.target) {
            Some(file) if *file == goal.base || goal.overlays.contains(file) => None,
            Some(file) => {
                Some(format!("{} is on {file} now, which is no part of this: nothing more is touched", goal.target))
            }
            None => Some(format!("it has no disk {} any more", goal.target)),
        })
    }

    /// The first step that is missing and has not failed too often.
    fn next(&self) -> Option<Act> {
        let facts = self.facts.as_ref()?;
        let mut merged = true;
        for goal in &self.plan.goals {
            let file = facts.disks.get(&goal.target)?;
            let act = match facts.jobs.get(&goal.target) {
                Some(_) if self.cancelled => Some(Act::Abort(goal.target.clone())),
                Some(Job::Ready) => Some(Act::Pivot(goal.target.clone())),
                Some(Job::Running) => Some(Act::Await(goal.target.clone())),
                None if *file == goal.base => None,
                None if self.cancelled => return None,
                None if facts.power.is_some_and(Power::active) => {
                    Some(Act::Commit { target: goal.target.clone(), base: goal.base.clone() })
                }
                None if self.committed.contains(file) => {
                    Some(Act::Point { target: goal.target.clone(), file: goal.base.clone() })
                }
                None => Some(Act::CommitOff { top: file.clone(), base: goal.base.clone() }),
            };
            if let Some(act) = act {
                merged = false;
                if !self.given_up(&act) {
                    return Some(act);
                }
            }
        }
        // As long as one disk is on an overlay, the records and files are needed.
        if !merged || self.cancelled {
            return None;
        }
        // The records go last: as long as one is there, this can be asked for again by its name.
        let files = self.plan.goals.iter().flat_map(|goal| goal.overlays.iter().rev()).chain(&self.plan.memory);
        let remove = files
            .filter(|path| facts.files.contains(path) && !facts.used.contains(path))
            .map(|path| Act::Remove(path.clone()))
            .find(|act| !self.given_up(act));
        remove.or_else(|| {
            let name = self.plan.names.iter().find(|name| facts.snapshots.contains(name))?;
            Some(Act::Forget(name.clone())).filter(|act| !self.given_up(act))
        })
    }

    fn report(&self) -> Report {
        let Plan { vm, names, goals, memory } = &self.plan;
        let trouble = self.failed.values().last().map(|(_, why)| why.clone());
        let why = self.why.clone().or(trouble).unwrap_or_default();
        let Some(facts) = self.facts.as_ref().filter(|_| self.why.is_none()) else {
            let said = format!("how far the clean-up of {vm} came is not known: {why}");
            let again = format!("the overlays and records of {}: run the clean-up again", names.join(", "));
            let end = if self.silent >= LOOKS { End::Unknown } else { End::Failed };
            return Report { end, said, notes: Vec::new(), left: vec![again], made: Vec::new() };
        };
        let mut left = Vec::new();
        for goal in goals {
            if facts.jobs.contains_key(&goal.target) {
                left.push(format!("the block job of {}, still at work", goal.target));
            }
            match facts.disks.get(&goal.target) {
                Some(file) if *file != goal.base => left.push(format!("{} is still on {file}", goal.target)),
                _ => {}
            }
        }
        left.extend(
            names.iter().filter(|name| facts.snapshots.contains(name)).map(|name| format!("the snapshot {name}")),
        );
        let merged = left.is_empty();
        let files = goals.iter().flat_map(|goal| &goal.overlays).chain(memory);
        let (used, loose): (Vec<&String>, Vec<&String>) =
            files.filter(|path| facts.files.contains(path)).partition(|path| merged && facts.used.contains(path));
        left.extend(loose.into_iter().cloned());
        if left.is_empty() {
            let said = format!("{vm} is on its own images again; {} and their overlays are gone", names.join(", "));
            // What another machine stands on is no part of this one any more, and no fault.
            let notes = used.iter().map(|path| format!("{path} stays: another machine uses it")).collect();
            return Report { end: End::Done, said, notes, ..Report::default() };
        }
        let notes = vec!["the machine's data is complete; run the clean-up again to finish it".to_owned()];
        let (end, said) = if self.cancelled {
            (End::Cancelled, format!("the clean-up of {vm} was cancelled"))
        } else {
            (End::Failed, format!("the clean-up of {vm} is not complete: {why}"))
        };
        // Overlays are what snapshots made, not the clean-up.
        Report { end, said, notes, left, made: Vec::new() }
    }
}
