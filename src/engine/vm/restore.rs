//! Restoring a backup, so that a machine has its old disks or its new ones, never half of each.
//!
//! Each image is written beside its place as `….restoring` and compared with the backup before
//! anything that is there changes. Disks that are replaced are moved aside and stay: taking them away
//! is for people. What fails or is cancelled on the way is undone in reverse.

use super::{End, Fault, Report, Turn};
use crate::model::vm::failure::{Leftover, Made};
use crate::model::vm::state::Power;

/// How often a step that only takes back is tried when no answer comes.
const TRIES: u32 = 3;

/// Where a restored machine goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// To the machine itself: its disks are moved aside first.
    Same,
    /// To a new one.
    New,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disk {
    /// Target (`vda`).
    pub target: String,
    /// Image in the backup; what it builds on is found through it.
    pub image: String,
    /// Where it goes.
    pub path: String,
    /// Format that it gets.
    pub format: String,
}

/// What a restore does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name of the machine that comes of it.
    pub vm: String,
    /// Its UUID: it is looked for by that.
    pub uuid: String,
    /// Where it goes.
    pub goal: Goal,
    /// Name of the backup.
    pub backup: String,
    /// Disks.
    pub disks: Vec<Disk>,
    /// What disks that are moved aside end in (`.before-20261128T101500Z`).
    pub aside: String,
    /// The definition to be set; `None` where the one that is there stays.
    pub define: Option<String>,
    /// Checkpoints that the restored images do not have: their metadata goes.
    pub checkpoints: Vec<String>,
    /// Start it at the end.
    pub start: bool,
}

impl Plan {
    fn temporary(disk: &Disk) -> String {
        format!("{}.restoring", disk.path)
    }

    fn aside(&self, disk: &Disk) -> String {
        format!("{}{}", disk.path, self.aside)
    }
}

/// Something to do on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// How is the machine of that UUID? Answer [`Told::Power`].
    Inspect,
    /// Is that there? Answer [`Told::Present`].
    Look(String),
    /// Write the whole image, with all that it builds on, to a new file. Takes long;
    /// [`Restore::abort`] says what to do when it is cancelled.
    Convert {
        /// Image.
        from: String,
        /// File.
        to: String,
        /// Format.
        format: String,
    },
    /// Compare both. A difference is a failure. Takes long.
    Compare {
        /// Image.
        from: String,
        /// File.
        to: String,
        /// Its format.
        format: String,
    },
    /// Give a file another name; never over one that is there.
    Rename {
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// Set its definition.
    Define(String),
    /// Take its definition away; all files stay.
    Undefine,
    /// Forget a checkpoint; one that is not there is forgotten.
    Forget(String),
    /// Start it.
    Start,
    /// End what [`Act::Convert`] or [`Act::Compare`] runs.
    Abort,
    /// Remove a file that was written here; one that is not there is removed.
    Remove(String),
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done.
    Done,
    /// Whether it is there.
    Present(bool),
    /// Its state; `None` when there is none of that UUID.
    Power(Option<Power>),
    /// It was not done, or that is not known.
    Fault(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Aside,
    Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Inspect,
    LookTemporary(usize),
    LookPlace(usize),
    Convert(usize),
    Compare(usize),
    Again,
    Move(usize, Move),
    /// No answer came: is what was to be renamed still there?
    Moved(usize, Move),
    Define,
    Forget(usize),
    Start,
    // Back again.
    Undefine,
    Back(usize, Move),
    WentBack(usize, Move),
    Remove(usize),
    Over,
}

/// What was done to a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ledger {
    missing: bool,
    written: bool,
    aside: bool,
    placed: bool,
}

/// A restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    plan: Plan,
    stage: Stage,
    ledger: Vec<Ledger>,
    defined: bool,
    cancelled: bool,
    done: bool,
    unknown: bool,
    why: Option<String>,
    tries: u32,
    notes: Vec<String>,
    left: Vec<String>,
    /// Of that, what may be deleted later.
    leftovers: Vec<Leftover>,
}

impl Restore {
    /// One that begins.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            ledger: vec![Ledger::default(); plan.disks.len()],
            plan,
            stage: Stage::Inspect,
            defined: false,
            cancelled: false,
            done: false,
            unknown: false,
            why: None,
            tries: 0,
            notes: Vec::new(),
            left: Vec::new(),
            leftovers: Vec::new(),
        }
    }

    /// What is to be done now.
    #[must_use]
    pub fn turn(&self) -> Turn<Act> {
        let plan = &self.plan;
        let disk = |n: usize| plan.disks.get(n);
        let rename = |(from, to): (String, String)| Act::Rename { from, to };
        let act = match &self.stage {
            Stage::Inspect | Stage::Again => Some(Act::Inspect),
            Stage::LookTemporary(n) => disk(*n).map(|d| Act::Look(Plan::temporary(d))),
            Stage::LookPlace(n) => disk(*n).map(|d| Act::Look(d.path.clone())),
            Stage::Convert(n) => disk(*n).map(|d| Act::Convert {
                from: d.image.clone(),
                to: Plan::temporary(d),
                format: d.format.clone(),
            }),
            Stage::Compare(n) => disk(*n).map(|d| Act::Compare {
                from: d.image.clone(),
                to: Plan::temporary(d),
                format: d.format.clone(),
            }),
            Stage::Move(n, to) => disk(*n).map(|d| rename(self.names(d, *to))),
            Stage::Moved(n, to) | Stage::WentBack(n, to) => disk(*n).map(|d| {
                let (from, there) = self.names(d, *to);
                Act::Look(if matches!(self.stage, Stage::Moved(..)) { from } else { there })
            }),
            Stage::Define => plan.define.clone().map(Act::Define),
            Stage::Forget(n) => plan.checkpoints.get(*n).map(|name| Act::Forget(name.clone())),
            Stage::Start => Some(Act::Start),
            Stage::Undefine => Some(Act::Undefine),
            Stage::Back(n, to) => disk(*n).map(|d| {
                let (from, to) = self.names(d, *to);
                rename((to, from))
            }),
            Stage::Remove(n) => disk(*n).map(|d| Act::Remove(Plan::temporary(d))),
            Stage::Over => None,
        };
        act.map_or_else(|| Turn::Over(self.report()), Turn::Do)
    }

    fn names(&self, disk: &Disk, to: Move) -> (String, String) {
        match to {
            Move::Aside => (disk.path.clone(), self.plan.aside(disk)),
            Move::Place => (Plan::temporary(disk), disk.path.clone()),
        }
    }

    /// It is to be cancelled. Gives what to do at once while the act that was handed out still runs;
    /// its outcome is told all the same.
    pub fn abort(&mut self) -> Option<Act> {
        if self.done {
            return None;
        }
        self.cancelled = true;
        matches!(self.stage, Stage::Convert(_) | Stage::Compare(_)).then_some(Act::Abort)
    }

    /// The outcome of what [`Self::turn`] gave.
    pub fn told(&mut self, told: Told) {
        match (self.stage.clone(), told) {
            (Stage::Undefine | Stage::Back(..) | Stage::WentBack(..) | Stage::Remove(_), told) => self.undo(&told),
            (Stage::Inspect | Stage::Again, Told::Power(power)) => match (self.refused(power), &self.stage) {
                (Some(why), _) => self.give_up(&why),
                (None, Stage::Inspect) => self.stage = Stage::LookTemporary(0),
                (None, _) => self.move_from(0),
            },
            (Stage::LookTemporary(n) | Stage::LookPlace(n), Told::Present(present)) => self.looked(n, present),
            (Stage::Moved(n, to), Told::Present(still)) => {
                if still {
                    self.give_up("a file could not be given its name");
                } else {
                    self.moved(n, to);
                }
            }
            (Stage::Moved(n, to), _) => {
                self.tries += 1;
                if self.tries >= TRIES {
                    // Taking it back looks first, so it does no harm where it was not done.
                    self.mark(n, to, true);
                    self.give_up("no answer");
                }
            }
            (Stage::Convert(n), Told::Fault(fault)) => {
                self.written(n);
                self.give_up(fault.why());
            }
            (Stage::Move(n, to), Told::Fault(Fault::Lost(_))) => {
                self.tries = 0;
                self.stage = Stage::Moved(n, to);
            }
            (Stage::Define, Told::Fault(fault)) => {
                self.defined = matches!(fault, Fault::Lost(_));
                self.give_up(fault.why());
            }
            (Stage::Forget(n), Told::Fault(fault)) => {
                let name = self.plan.checkpoints.get(n).cloned().unwrap_or_default();
                self.notes.push(format!("the checkpoint {name} is of no use any more and stays: {}", fault.why()));
                self.after_forget(n + 1);
            }
            (Stage::Start, Told::Fault(fault)) => {
                self.notes.push(format!("it is restored and could not be started: {}", fault.why()));
                self.stage = Stage::Over;
            }
            (_, Told::Fault(fault)) => self.give_up(fault.why()),
            (Stage::Convert(n), Told::Done) => {
                self.written(n);
                self.stage = Stage::Compare(n);
            }
            (Stage::Compare(n), Told::Done) => {
                self.stage = if n + 1 < self.plan.disks.len() { Stage::Convert(n + 1) } else { Stage::Again };
            }
            (Stage::Move(n, to), Told::Done) => self.moved(n, to),
            (Stage::Define, Told::Done) => {
                self.defined = true;
                self.after_define();
            }
            (Stage::Forget(n), Told::Done) => self.after_forget(n + 1),
            (Stage::Start | Stage::Over, _) => self.stage = Stage::Over,
            _ => self.give_up("the answer does not fit the question"),
        }
        let before_moving = matches!(
            self.stage,
            Stage::Inspect
                | Stage::LookTemporary(_)
                | Stage::LookPlace(_)
                | Stage::Convert(_)
                | Stage::Compare(_)
                | Stage::Again
                | Stage::Move(..)
                | Stage::Define
        );
        if self.cancelled && before_moving {
            self.give_up("cancelled");
        }
    }

    fn refused(&self, power: Option<Power>) -> Option<String> {
        let vm = &self.plan.vm;
        match (&self.plan.goal, power) {
            _ if self.plan.disks.is_empty() => Some(format!("the backup {} has no disk", self.plan.backup)),
            (Goal::New, Some(_)) => Some(format!("a machine of the UUID of {vm} is there already")),
            (Goal::Same, Some(Power::Off | Power::Crashed)) | (Goal::New, None) => None,
            (Goal::Same, None) if self.plan.define.is_some() => None,
            (Goal::Same, None) => Some(format!("{vm} is not defined any more; restore it as a new one")),
            (Goal::Same, Some(power)) => {
                Some(format!("{vm} is {}; its disks are only replaced while it is off", power.word()))
            }
        }
    }

    fn looked(&mut self, n: usize, present: bool) {
        let Some(disk) = self.plan.disks.get(n) else { return self.give_up("a disk is missing") };
        let temporary = self.stage == Stage::LookTemporary(n);
        if present && temporary {
            let path = Plan::temporary(disk);
            return self.give_up(&format!("{path} is there already: another restore runs, or left it; remove it"));
        }
        if present && self.plan.goal == Goal::New {
            let path = disk.path.clone();
            return self.give_up(&format!("{path} is there already and is not overwritten"));
        }
        if !temporary && !present && self.plan.goal == Goal::Same {
            self.notes.push(format!("{} was missing", disk.path));
            if let Some(ledger) = self.ledger.get_mut(n) {
                ledger.missing = true;
            }
        }
        self.stage = match (temporary, n + 1 < self.plan.disks.len()) {
            (true, _) => Stage::LookPlace(n),
            (false, true) => Stage::LookTemporary(n + 1),
            (false, false) => Stage::Convert(0),
        };
    }

    fn written(&mut self, n: usize) {
        if let Some(ledger) = self.ledger.get_mut(n) {
            ledger.written = true;
        }
    }

    /// The first move of a disk.
    fn move_from(&mut self, n: usize) {
        let Some(ledger) = self.ledger.get(n) else {
            if self.plan.define.is_some() {
                self.stage = Stage::Define;
            } else {
                self.after_define();
            }
            return;
        };
        // A disk that is gone cannot be moved aside.
        let first = if self.plan.goal == Goal::Same && !ledger.missing { Move::Aside } else { Move::Place };
        self.stage = Stage::Move(n, first);
    }

    fn moved(&mut self, n: usize, to: Move) {
        self.mark(n, to, true);
        match to {
            Move::Aside => self.stage = Stage::Move(n, Move::Place),
            Move::Place => self.move_from(n + 1),
        }
    }

    fn mark(&mut self, n: usize, to: Move, done: bool) {
        if let Some(ledger) = self.ledger.get_mut(n) {
            match to {
                Move::Aside => ledger.aside = done,
                Move::Place => ledger.placed = done,
            }
        }
    }

    fn after_define(&mut self) {
        self.done = true;
        self.after_forget(0);
    }

    fn after_forget(&mut self, n: usize) {
        self.stage = if n < self.plan.checkpoints.len() {
            Stage::Forget(n)
        } else if self.plan.start {
            Stage::Start
        } else {
            Stage::Over
        };
    }

    fn give_up(&mut self, why: &str) {
        self.why.get_or_insert_with(|| why.to_owned());
        self.tries = 0;
        self.stage = Stage::Undefine;
        self.next_undo();
    }

    /// The first step that is left to take back.
    fn next_undo(&mut self) {
        self.tries = 0;
        // Only what was not there before is taken away: a machine that is replaced keeps its own definition.
        if self.stage == Stage::Undefine && self.defined {
            return;
        }
        for n in (0..self.ledger.len()).rev() {
            let Some(ledger) = self.ledger.get(n) else { continue };
            if ledger.placed {
                self.stage = Stage::Back(n, Move::Place);
                return;
            }
            if ledger.aside {
                self.stage = Stage::Back(n, Move::Aside);
                return;
            }
        }
        let written = self.ledger.iter().position(|ledger| ledger.written);
        self.stage = written.map_or(Stage::Over, Stage::Remove);
    }

    fn undo(&mut self, told: &Told) {
        let stage = self.stage.clone();
        if let Told::Fault(fault) = told {
            self.tries += 1;
            let lost = matches!(fault, Fault::Lost(_));
            match stage {
                // It may be where it was already: that has to be seen before it is tried again.
                Stage::Back(n, to) => {
                    self.stage = Stage::WentBack(n, to);
                    return;
                }
                _ if self.tries < TRIES => return,
                Stage::Undefine => {
                    self.left.push(format!("the definition of {}: {}; undefine it", self.plan.vm, fault.why()));
                    self.defined = false;
                    // Its disks are not taken from under it.
                    self.keep_all();
                }
                Stage::WentBack(n, to) => {
                    self.unknown |= lost;
                    self.stuck(n, to, fault.why());
                }
                Stage::Remove(n) => {
                    if let Some(disk) = self.plan.disks.get(n) {
                        let path = Plan::temporary(disk);
                        self.left.push(format!("{path}: {}; remove it", fault.why()));
                        self.leftovers.push(Leftover::here(Made::File(path)));
                    }
                    self.forget(n);
                }
                _ => {}
            }
            return self.next_undo();
        }
        match (stage, told) {
            (Stage::Undefine, _) => self.defined = false,
            // Still under its new name: it has not gone back.
            (Stage::WentBack(n, to), Told::Present(true)) => {
                if self.tries >= TRIES {
                    self.stuck(n, to, "no answer");
                } else {
                    self.stage = Stage::Back(n, to);
                    return;
                }
            }
            (Stage::Back(n, to) | Stage::WentBack(n, to), _) => {
                self.mark(n, to, false);
            }
            (Stage::Remove(n), _) => self.forget(n),
            _ => {}
        }
        self.next_undo();
    }

    fn forget(&mut self, n: usize) {
        if let Some(ledger) = self.ledger.get_mut(n) {
            ledger.written = false;
        }
    }

    /// What cannot go back stays, and is told.
    fn stuck(&mut self, n: usize, to: Move, why: &str) {
        let Some(disk) = self.plan.disks.get(n) else { return };
        let (from, there) = self.names(disk, to);
        self.left.push(format!("{there}, or {from} again: {why}; it was called {from}, give it that name"));
        let (place, aside) = (disk.path.clone(), self.plan.aside(disk));
        if let Some(ledger) = self.ledger.get_mut(n) {
            if to == Move::Aside {
                ledger.aside = false;
            } else {
                if ledger.aside {
                    self.left.push(format!("{aside}: the disk as it was, it belongs to {place}"));
                }
                *ledger = Ledger::default();
            }
        }
    }

    /// A definition that may be there uses these files.
    fn keep_all(&mut self) {
        let asides: Vec<String> = self.plan.disks.iter().map(|disk| self.plan.aside(disk)).collect();
        for ((disk, ledger), aside) in self.plan.disks.iter().zip(&mut self.ledger).zip(asides) {
            if ledger.placed {
                self.left.push(format!("{}: the restored disk, which that definition uses", disk.path));
                if ledger.aside {
                    self.left.push(format!("{aside}: the disk as it was, it belongs to {}", disk.path));
                }
            } else if ledger.written {
                continue;
            }
            (ledger.placed, ledger.aside) = (false, false);
            ledger.written = false;
        }
    }

    fn report(&self) -> Report {
        let Plan { vm, backup, .. } = &self.plan;
        let why = self.why.as_deref().unwrap_or("no answer");
        let mut notes = self.notes.clone();
        if self.done {
            for (disk, ledger) in self.plan.disks.iter().zip(&self.ledger) {
                if ledger.aside {
                    notes.push(format!(
                        "the disk as it was is kept as {}; remove it when you are sure",
                        self.plan.aside(disk)
                    ));
                }
            }
            if self.cancelled {
                notes.push("it was cancelled too late: it was restored already".to_owned());
            }
        }
        let (end, said) = if self.done {
            (End::Done, format!("{vm} is restored from {backup}, and its images are the same as those of the backup"))
        } else if self.unknown {
            (End::Unknown, format!("how the restore of {vm} ended is not known: {why}"))
        } else if self.cancelled && self.left.is_empty() {
            (End::Cancelled, format!("the restore of {vm} was cancelled, everything is as it was"))
        } else if self.left.is_empty() {
            (End::Failed, format!("{vm} was not restored, everything is as it was: {why}"))
        } else {
            (End::Failed, format!("{vm} was not restored: {why}"))
        };
        Report { end, said, notes, left: self.left.clone(), made: self.leftovers.clone() }
    }
}
