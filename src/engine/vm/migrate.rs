//! Moving a machine to another host, so that at every end it is known where it runs.
//!
//! The host's own words for an outcome are not enough: after a migration that failed a machine may
//! still be called "running (migrated)" because it once came that way, and a connection that broke
//! says nothing at all. So after every end, good or bad, both sides are looked at, by UUID, and only
//! what they show is reported. Then what was made on the target is taken away, if and only if the
//! source is seen to hold the machine. The source itself is never stopped and nothing of it removed;
//! the one thing that is ever done to it is to let it go on when it was left paused and the target
//! was seen not to have it.

use super::checks::{Image, Plan};
use super::{End, Fault, Report, Turn};
use crate::model::vm::failure::{Leftover, Made};
use crate::model::vm::state::Power;

/// Looks at both sides, with a moment between, before what they show counts as final.
const LOOKS: u32 = 6;

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where it was.
    Source,
    /// Where it is to go.
    Target,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Is there a file of this path on the target? Answer [`Told::Present`].
    Look(String),
    /// Make this image on the target; never over a file that is there.
    Make(Image),
    /// Move it. Takes long; while it runs [`Migration::abort`] says what to do when it is cancelled.
    Migrate,
    /// End the job on the source.
    Abort,
    /// How is the machine of that UUID there? Answer [`Told::Seen`].
    Inspect(Side),
    /// Let a moment (a second or two) pass.
    Wait,
    /// Let it go on, on the source.
    Resume,
    /// End the half that came, on the target: it never ran.
    Destroy,
    /// Take its definition from the target; all files stay.
    Undefine,
    /// Remove an image from the target; one that is not there is removed.
    Remove(String),
}

/// A machine on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its state; `None` when there is none of that UUID.
    pub power: Option<Power>,
    /// Whether a job runs in it.
    pub job: bool,
}

impl Seen {
    /// There is none.
    pub const ABSENT: Self = Self { power: None, job: false };
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done.
    Done,
    /// Whether the file is there.
    Present(bool),
    /// How the machine is.
    Seen(Seen),
    /// It was not done, or that is not known.
    Fault(Fault),
}

/// Where a machine is after a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the source, in that state.
    Source(Power),
    /// On the target, in that state.
    Target(Power),
    /// Active on both: its disks are in danger.
    Both,
    /// On neither.
    Nowhere,
    /// A side did not answer, or what they show fits no outcome.
    Unknown,
}

/// How an attempt to move it came out, as far as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Try {
    No,
    Done,
    Failed(String),
    Lost(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Look(usize),
    Make(usize),
    Move,
    Source,
    Target,
    Pause,
    Fix(Act),
    Clean(usize),
    Over,
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    plan: Plan,
    stage: Stage,
    tried: Try,
    /// Whether it ever began to move: before that nothing on the target but images is its own.
    begun: bool,
    cancelled: bool,
    /// Images that were made or may have been.
    made: Vec<String>,
    source: Option<Seen>,
    target: Option<Seen>,
    looks: u32,
    fixed: Vec<Act>,
    place: Place,
    notes: Vec<String>,
    left: Vec<String>,
    /// Of that, what may be deleted later.
    leftovers: Vec<Leftover>,
}

impl Migration {
    /// One that begins.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let stage = if plan.make.is_empty() { Stage::Move } else { Stage::Look(0) };
        Self::at(plan, stage, Try::No, Vec::new())
    }

    /// The check of one whose end is not known: looks at both sides and cleans up, moves nothing. `made`
    /// is what [`Self::made`] said then.
    #[must_use]
    pub fn check(plan: Plan, made: Vec<String>) -> Self {
        let mut check = Self::at(plan, Stage::Source, Try::Lost("it was not seen to end".to_owned()), made);
        check.begun = true;
        check
    }

    /// Images on the target that it made or may have made.
    #[must_use]
    pub fn made(&self) -> &[String] {
        &self.made
    }

    fn at(plan: Plan, stage: Stage, tried: Try, made: Vec<String>) -> Self {
        Self {
            plan,
            stage,
            tried,
            begun: false,
            cancelled: false,
            made,
            source: None,
            target: None,
            looks: 0,
            fixed: Vec::new(),
            place: Place::Unknown,
            notes: Vec::new(),
            left: Vec::new(),
            leftovers: Vec::new(),
        }
    }

    /// Where the machine is, once it is over.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// What is to be done now.
    #[must_use]
    pub fn turn(&self) -> Turn<Act> {
        let act = match &self.stage {
            Stage::Look(n) => self.plan.make.get(*n).map(|image| Act::Look(image.path.clone())),
            Stage::Make(n) => self.plan.make.get(*n).map(|image| Act::Make(image.clone())),
            Stage::Move => Some(Act::Migrate),
            Stage::Source => Some(Act::Inspect(Side::Source)),
            Stage::Target => Some(Act::Inspect(Side::Target)),
            Stage::Pause => Some(Act::Wait),
            Stage::Fix(act) => Some(act.clone()),
            Stage::Clean(n) => self.made.get(*n).map(|path| Act::Remove(path.clone())),
            Stage::Over => None,
        };
        act.map_or_else(|| Turn::Over(self.report()), Turn::Do)
    }

    /// It is to be cancelled. Gives what to do at once while the act that was handed out still runs;
    /// its outcome is told all the same.
    pub fn abort(&mut self) -> Option<Act> {
        self.cancelled = true;
        (self.stage == Stage::Move).then_some(Act::Abort)
    }

    /// The outcome of what [`Self::turn`] gave.
    pub fn told(&mut self, told: Told) {
        match (self.stage.clone(), told) {
            (Stage::Look(n), Told::Present(false)) => self.stage = Stage::Make(n),
            (Stage::Look(n), Told::Present(true)) => {
                let path = self.plan.make.get(n).map(|image| image.path.clone()).unwrap_or_default();
                self.give_up(format!("{path} has appeared on {}; it is not overwritten", self.plan.target));
            }
            (Stage::Look(_), Told::Fault(fault)) => self.give_up(fault.why().to_owned()),
            (Stage::Make(n), Told::Done) => {
                self.remember(n);
                let next = n + 1;
                self.stage = if next < self.plan.make.len() { Stage::Look(next) } else { Stage::Move };
            }
            (Stage::Make(n), Told::Fault(fault)) => {
                if matches!(fault, Fault::Lost(_)) {
                    self.remember(n);
                }
                self.give_up(fault.why().to_owned());
            }
            (Stage::Move, told) => {
                self.begun = true;
                self.tried = match told {
                    Told::Done => Try::Done,
                    Told::Fault(Fault::Failed(why)) => Try::Failed(why),
                    Told::Fault(Fault::Lost(why)) => Try::Lost(why),
                    Told::Present(_) | Told::Seen(_) => Try::Lost("it was told something else".to_owned()),
                };
                self.look_again();
            }
            (Stage::Source, told) => {
                self.source = seen(&told);
                self.stage = Stage::Target;
            }
            (Stage::Target, told) => {
                self.target = seen(&told);
                self.judge();
            }
            (Stage::Pause, _) => self.look_again(),
            (Stage::Fix(act), told) => {
                if let Told::Fault(fault) = told {
                    self.notes.push(format!("{}: {}", doing(&act), fault.why()));
                }
                self.fixed.push(act);
                self.look_again();
            }
            (Stage::Clean(n), told) => {
                if let (Told::Fault(fault), Some(path)) = (told, self.made.get(n)) {
                    self.left.push(format!("{path} on {}: {}; remove it there", self.plan.target, fault.why()));
                    let what = Made::File(path.clone());
                    self.leftovers.push(Leftover { host: self.plan.target.clone(), what });
                }
                self.stage = if n + 1 < self.made.len() { Stage::Clean(n + 1) } else { Stage::Over };
            }
            // An answer of the wrong kind: nothing is known.
            (Stage::Look(_) | Stage::Make(_), _) => self.give_up("the answer does not fit the question".to_owned()),
            (Stage::Over, _) => {}
        }
        // Before it moves, a cancelled one only has to take back what it made.
        if self.cancelled
            && matches!(self.stage, Stage::Look(_) | Stage::Make(_) | Stage::Move)
            && self.tried == Try::No
        {
            self.give_up("cancelled before it began to move".to_owned());
        }
    }

    fn remember(&mut self, n: usize) {
        self.made.extend(self.plan.make.get(n).map(|image| image.path.clone()));
    }

    /// It does not begin to move: what was made goes away, after a look.
    fn give_up(&mut self, why: String) {
        self.tried = Try::Failed(why);
        self.look_again();
    }

    fn look_again(&mut self) {
        (self.source, self.target) = (None, None);
        self.stage = Stage::Source;
    }

    /// Waits and looks again; once that was done often enough, `place` counts.
    fn wait_or(&mut self, place: Place) {
        self.looks += 1;
        if self.looks < LOOKS {
            self.stage = Stage::Pause;
        } else {
            self.end(place);
        }
    }

    /// Does something, then looks again; a third time it waits.
    fn fix_or(&mut self, act: Act, place: Place) {
        if self.fixed.iter().filter(|done| **done == act).count() > 1 {
            self.wait_or(place);
        } else {
            self.stage = Stage::Fix(act);
        }
    }

    /// What both sides show decides.
    fn judge(&mut self) {
        use Power::Paused;
        let (Some(source), Some(target)) = (self.source, self.target) else { return self.wait_or(Place::Unknown) };
        let live = |power: Option<Power>| power.is_some_and(Power::active);
        let failed = matches!(self.tried, Try::Failed(_));
        match (source.power, target.power) {
            (Some(Power::Unknown), _) | (_, Some(Power::Unknown)) => self.wait_or(Place::Unknown),
            // A job that is still there may yet move it.
            (Some(power), _) if source.job && power.active() => {
                let place = if live(target.power) { Place::Unknown } else { Place::Source(power) };
                // One whose end was not seen may be on a good way; it is ended only if it was to be.
                if self.cancelled || failed { self.fix_or(Act::Abort, place) } else { self.wait_or(Place::Unknown) }
            }
            (Some(Paused), Some(Paused)) => self.wait_or(Place::Unknown),
            (Some(Paused), there) if live(there) => self.wait_or(Place::Target(there.unwrap_or_default())),
            (Some(power), Some(Paused)) if power.active() => {
                // It came and never ran: it is ended only when the source was seen to run.
                if power == Power::Running && self.begun && self.looks + 1 >= LOOKS {
                    self.fix_or(Act::Destroy, Place::Source(power));
                } else {
                    self.wait_or(Place::Unknown);
                }
            }
            (here, there) if live(here) && live(there) => self.wait_or(Place::Both),
            (Some(Paused), None) if self.plan.was == Power::Running => self.fix_or(Act::Resume, Place::Source(Paused)),
            // A definition comes to the target last: it may have run there and ended, with newer data on its disks.
            (Some(Paused), Some(_)) if self.plan.was == Power::Running => self.wait_or(Place::Unknown),
            (Some(power), Some(_)) if power.active() && self.begun => self.fix_or(Act::Undefine, Place::Source(power)),
            (Some(power), _) if power.active() => self.end(Place::Source(power)),
            (_, Some(Paused)) if self.plan.was == Power::Running => self.wait_or(Place::Target(Paused)),
            (_, Some(power)) if power.active() => self.end(Place::Target(power)),
            // It stopped on the way. A definition comes to the target last, so without one it never ran there.
            (Some(power), None) if failed => self.end(Place::Source(power)),
            (None, Some(power)) => self.end(Place::Target(power)),
            (None, None) => self.wait_or(Place::Nowhere),
            // Off on both: it may have moved and ended there, so its newest data may be there.
            (Some(_), _) => self.wait_or(Place::Unknown),
        }
    }

    fn end(&mut self, place: Place) {
        self.place = place;
        let held = match place {
            Place::Source(_) => self.target.is_some_and(|seen| seen.power.is_none()),
            _ => false,
        };
        let moved = matches!(place, Place::Target(_));
        if held && !self.made.is_empty() {
            self.stage = Stage::Clean(0);
            return;
        }
        if !moved {
            let why = "not removed, because it is not sure that nothing needs it; look there first";
            let target = &self.plan.target;
            self.left.extend(self.made.iter().map(|path| format!("{path} on {target}, if it was made: {why}")));
            if matches!(place, Place::Source(_)) && self.begun && !held {
                self.left.push(format!("its definition on {target}: undefine it there"));
            }
        }
        self.stage = Stage::Over;
    }

    fn report(&self) -> Report {
        let Plan { vm, source, target, .. } = &self.plan;
        let why = match &self.tried {
            Try::Failed(why) | Try::Lost(why) => format!(" ({why})"),
            Try::No | Try::Done => String::new(),
        };
        let mut notes = self.notes.clone();
        let done = self.tried == Try::Done;
        let (end, said) = match self.place {
            Place::Target(power) if power == self.plan.was || power == Power::Running => {
                if self.cancelled {
                    notes.push("it was cancelled too late: it had already moved".to_owned());
                }
                if !done {
                    notes.push(format!("the host reported a failure{why}, but both sides show that it moved"));
                }
                self.moved_notes(&mut notes);
                (End::Done, format!("{vm} is {} on {target}", power.word()))
            }
            Place::Target(power) => {
                self.moved_notes(&mut notes);
                (End::Failed, format!("{vm} moved to {target} and is {} there{why}", power.word()))
            }
            Place::Source(power) if self.cancelled && power == self.plan.was && self.left.is_empty() => {
                (End::Cancelled, format!("{vm} is {} on {source}, as before{why}", power.word()))
            }
            Place::Source(power) => {
                (End::Failed, format!("{vm} is {} on {source}; it did not move{why}", power.word()))
            }
            Place::Both => (
                End::Unknown,
                format!(
                    "{vm} is active on {source} and on {target}{why}: pause one of them NOW, its disks are in danger"
                ),
            ),
            Place::Nowhere => (End::Unknown, format!("{vm} is on neither {source} nor {target}{why}")),
            Place::Unknown => {
                let here = tell(self.source, source);
                let there = tell(self.target, target);
                notes.push("check it again once both hosts answer; until then start it nowhere".to_owned());
                (End::Unknown, format!("where {vm} runs is not known: {here}, {there}{why}"))
            }
        };
        Report { end, said, notes, left: self.left.clone(), made: self.leftovers.clone() }
    }

    fn moved_notes(&self, notes: &mut Vec<String>) {
        let Plan { source, target, .. } = &self.plan;
        if let Some(power) = self.source.and_then(|seen| seen.power) {
            if power.active() {
                notes.push(format!("{source} still holds a paused copy: force it off there, never resume it"));
            } else if self.plan.undefine_source {
                notes.push(format!("its definition is still on {source}: undefine it there"));
            } else {
                notes.push(format!("its definition stays on {source}, off: starting it there as well would harm it"));
            }
        }
        if !self.plan.copy.is_empty() {
            notes.push(format!("the images on {source} are as they were when it left; remove them when you are sure"));
        }
        if self.plan.checkpoints > 0 {
            notes.push(format!("its checkpoints did not come to {target}: the next backup will be a full one"));
        }
    }
}

const fn seen(told: &Told) -> Option<Seen> {
    match told {
        Told::Seen(seen) => Some(*seen),
        Told::Done | Told::Present(_) | Told::Fault(_) => None,
    }
}

fn tell(seen: Option<Seen>, host: &str) -> String {
    match seen {
        None => format!("{host} does not answer"),
        Some(Seen { power: None, .. }) => format!("{host} does not have it"),
        Some(Seen { power: Some(power), job: true }) => format!("{host} says {}, with a job at work", power.word()),
        Some(Seen { power: Some(power), .. }) => format!("{host} says {}", power.word()),
    }
}

const fn doing(act: &Act) -> &'static str {
    match act {
        Act::Abort => "ending the job on the source",
        Act::Resume => "letting it go on, on the source",
        Act::Destroy => "ending the half that came, on the target",
        Act::Undefine => "taking its definition from the target",
        Act::Look(_) | Act::Make(_) | Act::Migrate | Act::Inspect(_) | Act::Wait | Act::Remove(_) => "a step",
    }
}
