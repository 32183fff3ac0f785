//! Two hosts: whatever goes wrong, it is known where the machine is, or said that it is not.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Script, Wrong, each, script};
use crate::engine::vm::checks::{Image, Plan};
use crate::engine::vm::migrate::{Act, Migration, Place, Seen, Side, Told};
use crate::engine::vm::{End, Fault, Report, Turn};
use crate::model::vm::state::Power;

/// What the world does when it is told to move the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Luck {
    Moves,
    /// It fails, and the source goes on.
    Back,
    /// It fails, and a definition stays on the target.
    Definition,
    /// It fails, and the half that came stays, paused.
    Half,
    /// It fails, and the source stays paused.
    Stuck,
    /// The guest ends on the way.
    Ends,
    /// It moves, and the guest ends at once.
    MovesAndEnds,
    /// It moves, the guest ends at once, and the source is not told: its half stays, paused.
    EndsThere,
    /// It stays under way for ever: job and half on the target.
    Hangs,
}

#[derive(Debug, Clone)]
struct World {
    source: Option<Power>,
    target: Option<Power>,
    job: bool,
    images: BTreeSet<String>,
    luck: Luck,
    script: Script,
    step: usize,
    foreign: Option<String>,
}

impl World {
    fn act(&mut self, act: &Act) -> Told {
        let wrong = self.script.at(self.step);
        self.step += 1;
        match wrong {
            // A migration that fails is what luck is for.
            Some(Wrong::Fails) if *act == Act::Migrate => {
                self.deed(act);
                return Told::Fault(Fault::Failed("the host says so".into()));
            }
            Some(wrong @ (Wrong::Fails | Wrong::LostBefore)) => return Told::Fault(wrong.fault()),
            Some(wrong @ Wrong::LostAfter) => {
                self.deed(act);
                return Told::Fault(wrong.fault());
            }
            None => {}
        }
        self.deed(act)
    }

    fn deed(&mut self, act: &Act) -> Told {
        match act {
            Act::Look(path) => return Told::Present(self.images.contains(path)),
            Act::Make(image) => {
                if !self.images.insert(image.path.clone()) {
                    return Told::Fault(Fault::Failed("exists".into()));
                }
            }
            Act::Migrate => return self.migrate(),
            Act::Abort => {
                if self.job {
                    (self.job, self.source, self.target) = (false, Some(Power::Running), None);
                }
            }
            Act::Inspect(Side::Source) => return Told::Seen(Seen { power: self.source, job: self.job }),
            Act::Inspect(Side::Target) => return Told::Seen(Seen { power: self.target, job: false }),
            Act::Wait => {}
            Act::Resume => {
                assert_eq!(self.target, None, "it runs there, or has newer data there");
                assert_eq!(self.source, Some(Power::Paused));
                self.source = Some(Power::Running);
            }
            Act::Destroy => {
                assert_eq!(self.source, Some(Power::Running), "the only one that runs would be ended");
                assert_ne!(self.target, Some(Power::Running));
                self.target = None;
            }
            Act::Undefine => {
                assert!(self.source.is_some_and(Power::active) && self.target == Some(Power::Off));
                self.target = None;
            }
            Act::Remove(path) => {
                assert!(self.source.is_some() && self.target.is_none(), "its disk may be in use");
                assert_ne!(Some(path), self.foreign.as_ref(), "it is not ours");
                self.images.remove(path);
            }
        }
        Told::Done
    }

    fn migrate(&mut self) -> Told {
        let failed = |why: &str| Told::Fault(Fault::Failed(why.into()));
        match self.luck {
            Luck::Moves => (self.source, self.target) = (Some(Power::Off), Some(Power::Running)),
            Luck::MovesAndEnds => (self.source, self.target) = (Some(Power::Off), Some(Power::Off)),
            Luck::EndsThere => {
                (self.source, self.target) = (Some(Power::Paused), Some(Power::Off));
                return failed("no word");
            }
            Luck::Back => return failed("back"),
            Luck::Definition => {
                self.target = Some(Power::Off);
                return failed("definition");
            }
            Luck::Half => {
                self.target = Some(Power::Paused);
                return failed("half");
            }
            Luck::Stuck => {
                self.source = Some(Power::Paused);
                return failed("stuck");
            }
            Luck::Ends => {
                self.source = Some(Power::Off);
                return failed("ended");
            }
            Luck::Hangs => {
                (self.job, self.target) = (true, Some(Power::Paused));
                return failed("timeout");
            }
        }
        Told::Done
    }
}

fn a_plan(disks: usize) -> Plan {
    let make = (0..disks).map(|n| Image {
        target: format!("vd{n}"),
        path: format!("/d/{n}"),
        format: "qcow2".into(),
        virtual_size: 1 << 28,
    });
    Plan {
        vm: "tiny".into(),
        uuid: "u".into(),
        source: "A".into(),
        target: "B".into(),
        was: Power::Running,
        make: make.collect(),
        persist: true,
        ..Plan::default()
    }
}

fn world(luck: Luck, script: Script) -> World {
    World {
        source: Some(Power::Running),
        target: None,
        job: false,
        images: BTreeSet::new(),
        luck,
        script,
        step: 0,
        foreign: None,
    }
}

fn run(mut migration: Migration, world: &mut World) -> (Migration, Report) {
    for _ in 0..200 {
        match migration.turn() {
            Turn::Over(report) => return (migration, report),
            Turn::Do(act) => {
                if world.script.cancel == Some(world.step)
                    && let Some(abort) = migration.abort()
                {
                    assert_eq!(abort, Act::Abort);
                    world.luck = Luck::Back;
                }
                let told = world.act(&act);
                migration.told(told);
            }
        }
    }
    panic!("it does not end: {migration:?}");
}

fn holds(world: &World, migration: &Migration, report: &Report) {
    let context = format!("{world:?}\n{migration:?}\n{report:?}");
    match migration.place() {
        Place::Source(power) => {
            assert_eq!(world.source, Some(power), "{context}");
            assert!(!world.target.is_some_and(Power::active) || !report.left.is_empty(), "{context}");
            assert_ne!(world.target, Some(Power::Running), "{context}");
            // What is not there is not told of, either.
            let definition = report.left.iter().any(|left| left.contains("definition"));
            assert!(world.target.is_some() || !definition, "{context}");
        }
        Place::Target(power) => {
            assert_eq!(world.target, Some(power), "{context}");
            assert_ne!(world.source, Some(Power::Running), "{context}");
        }
        Place::Both | Place::Nowhere | Place::Unknown => assert_eq!(report.end, End::Unknown, "{context}"),
    }
    if report.end == End::Done {
        assert_eq!(world.target, Some(Power::Running), "{context}");
    }
    if report.end == End::Cancelled {
        assert_eq!((world.source, world.target), (Some(Power::Running), None), "{context}");
    }
    let moved = matches!(migration.place(), Place::Target(_));
    for image in world.images.iter().filter(|image| Some(*image) != world.foreign.as_ref() && !moved) {
        assert!(report.left.iter().any(|left| left.contains(image.as_str())), "{image} is not told: {context}");
    }
    if moved {
        assert!(report.left.is_empty(), "{context}");
    }
}

const LUCKS: [Luck; 9] = [
    Luck::Moves,
    Luck::Back,
    Luck::Definition,
    Luck::Half,
    Luck::Stuck,
    Luck::Ends,
    Luck::MovesAndEnds,
    Luck::EndsThere,
    Luck::Hangs,
];

#[test]
fn a_fault_at_every_step_is_survived() {
    let mut ends = std::collections::BTreeMap::new();
    for luck in LUCKS {
        for disks in 0..3 {
            for script in each(30) {
                let mut world = world(luck, script);
                let (migration, report) = run(Migration::new(a_plan(disks)), &mut world);
                holds(&world, &migration, &report);
                *ends.entry(report.end.word()).or_insert(0) += 1;
                // What was not known is found out once the hosts answer again.
                if report.end == End::Unknown {
                    world.script = Script::default();
                    let made = migration.made().to_vec();
                    let (again, report) = run(Migration::check(a_plan(disks), made), &mut world);
                    holds(&world, &again, &report);
                    if !matches!(luck, Luck::MovesAndEnds | Luck::EndsThere | Luck::Hangs | Luck::Ends) {
                        assert_ne!(report.end, End::Unknown, "{luck:?} {world:?} {report:?}");
                    }
                }
            }
        }
    }
    assert!(["done", "cancelled", "failed", "unknown"].iter().all(|end| ends.contains_key(end)), "{ends:?}");
}

#[test]
fn each_luck_without_a_fault_is_told_as_it_is() {
    let end = |luck| {
        let mut world = world(luck, Script::default());
        let (migration, report) = run(Migration::new(a_plan(1)), &mut world);
        holds(&world, &migration, &report);
        (report.end, world.images.len(), report)
    };
    assert_eq!((end(Luck::Moves).0, end(Luck::Moves).1), (End::Done, 1));
    for luck in [Luck::Back, Luck::Definition, Luck::Half, Luck::Stuck, Luck::Ends, Luck::Hangs] {
        let (outcome, images, report) = end(luck);
        assert_eq!((outcome, images), (End::Failed, 0), "{luck:?} {report:?}");
        assert!(report.left.is_empty());
    }
    // Its newest data is on the target: nothing is removed, and nothing claimed.
    for luck in [Luck::MovesAndEnds, Luck::EndsThere] {
        let (outcome, images, report) = end(luck);
        assert_eq!((outcome, images), (End::Unknown, 1), "{luck:?} {report:?}");
        assert!(report.left[0].contains("/d/0"));
    }
    assert!(end(Luck::Stuck).2.said.contains("running on A"));
}

#[test]
fn a_file_that_appears_is_not_overwritten_and_not_removed() {
    let mut world = world(Luck::Moves, Script::default());
    world.images.insert("/d/1".into());
    world.foreign = Some("/d/1".into());
    let (migration, report) = run(Migration::new(a_plan(2)), &mut world);
    holds(&world, &migration, &report);
    assert_eq!(report.end, End::Failed);
    assert_eq!(world.images.into_iter().collect::<Vec<_>>(), ["/d/1"]);
}

proptest! {
    #[test]
    fn any_faults_are_survived(luck in prop::sample::select(LUCKS.to_vec()), disks in 0_usize..3, script in script(40)) {
        let mut world = world(luck, script);
        let (migration, report) = run(Migration::new(a_plan(disks)), &mut world);
        holds(&world, &migration, &report);
    }
}
