//! A machine with disks: whatever goes wrong, it has its old ones or its new ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Script, Wrong, each, script};
use crate::engine::vm::restore::{Act, Disk, Goal, Plan, Restore, Told};
use crate::engine::vm::{End, Fault, Report, Turn};
use crate::model::vm::state::Power;

/// A host: files with what is in them, and the machine.
#[derive(Debug, Clone)]
struct World {
    files: BTreeMap<String, String>,
    vm: Option<Power>,
    defined: bool,
    script: Script,
    step: usize,
}

impl World {
    fn act(&mut self, act: &Act) -> Told {
        let wrong = self.script.at(self.step);
        self.step += 1;
        match wrong {
            Some(wrong @ (Wrong::Fails | Wrong::LostBefore)) => {
                if let (Act::Convert { to, .. }, Wrong::Fails) = (act, wrong) {
                    // A full disk leaves half a file.
                    self.files.insert(to.clone(), "half".into());
                }
                return Told::Fault(wrong.fault());
            }
            Some(wrong @ Wrong::LostAfter) => {
                self.deed(act);
                return Told::Fault(wrong.fault());
            }
            None => {}
        }
        self.deed(act)
    }

    fn deed(&mut self, act: &Act) -> Told {
        let failed = |why: &str| Told::Fault(Fault::Failed(why.into()));
        match act {
            Act::Inspect => return Told::Power(self.vm),
            Act::Look(path) => return Told::Present(self.files.contains_key(path)),
            Act::Convert { from, to, .. } => {
                let content = self.files[from].clone();
                self.files.insert(to.clone(), content);
            }
            Act::Compare { from, to, .. } => {
                if self.files[from] != self.files[to] {
                    return failed("differ");
                }
            }
            Act::Rename { from, to } => {
                if self.files.contains_key(to) {
                    return failed("exists");
                }
                let Some(content) = self.files.remove(from) else { return failed("missing") };
                self.files.insert(to.clone(), content);
            }
            Act::Define(_) => (self.defined, self.vm) = (true, self.vm.or(Some(Power::Off))),
            Act::Undefine => (self.defined, self.vm) = (false, None),
            Act::Forget(_) | Act::Abort => {}
            Act::Start => self.vm = Some(Power::Running),
            Act::Remove(path) => {
                assert!(path.ends_with(".restoring"), "only what was written here is removed");
                self.files.remove(path);
            }
        }
        Told::Done
    }
}

fn a_plan(goal: Goal, disks: usize) -> Plan {
    let disk = |n: usize| Disk {
        target: format!("vd{n}"),
        image: format!("/b/{n}"),
        path: format!("/d/{n}"),
        format: "qcow2".into(),
    };
    Plan {
        vm: "tiny".into(),
        uuid: "u".into(),
        define: (goal == Goal::New).then(|| "<domain/>".into()),
        goal,
        backup: "old".into(),
        disks: (0..disks).map(disk).collect(),
        aside: ".before-1".into(),
        checkpoints: vec!["cp1".into()],
        start: true,
    }
}

fn world(goal: &Goal, disks: usize, script: Script) -> World {
    let mut files: BTreeMap<String, String> = (0..disks).map(|n| (format!("/b/{n}"), format!("backup {n}"))).collect();
    if *goal == Goal::Same {
        files.extend((0..disks).map(|n| (format!("/d/{n}"), format!("disk {n}"))));
    }
    World { files, vm: (*goal == Goal::Same).then_some(Power::Off), defined: *goal == Goal::Same, script, step: 0 }
}

fn run(plan: Plan, world: &mut World) -> Report {
    let mut restore = Restore::new(plan);
    for _ in 0..200 {
        match restore.turn() {
            Turn::Over(report) => return report,
            Turn::Do(act) => {
                let mut told = None;
                if world.script.cancel == Some(world.step)
                    && let Some(abort) = restore.abort()
                {
                    assert_eq!(abort, Act::Abort);
                    let (Act::Convert { to, .. } | Act::Compare { to, .. }) = &act else { panic!("{act:?}") };
                    world.files.insert(to.clone(), "half".into());
                    told = Some(Told::Fault(Fault::Failed("cancelled".into())));
                    world.step += 1;
                }
                let told = told.unwrap_or_else(|| world.act(&act));
                restore.told(told);
            }
        }
    }
    panic!("it does not end: {restore:?}");
}

fn holds(world: &World, report: &Report, goal: &Goal, disks: usize) {
    let context = format!("{world:?}\n{report:?}");
    let told = |what: &str| report.left.iter().chain(&report.notes).any(|text| text.contains(what));
    for n in 0..disks {
        assert_eq!(world.files.get(&format!("/b/{n}")), Some(&format!("backup {n}")), "{context}");
        let (place, aside, temporary) = (format!("/d/{n}"), format!("/d/{n}.before-1"), format!("/d/{n}.restoring"));
        assert!(!world.files.contains_key(&temporary) || told(&temporary), "{temporary} is left: {context}");
        let there = world.files.get(&place).map(String::as_str);
        let (old, new) = (format!("disk {n}"), format!("backup {n}"));
        if *goal == Goal::Same {
            let at_aside = world.files.get(&aside) == Some(&old);
            assert!(there == Some(old.as_str()) || at_aside, "the disk as it was is lost: {context}");
            assert!(!at_aside || told(&aside), "{aside} is not told: {context}");
            if matches!(report.end, End::Failed | End::Cancelled) && report.left.is_empty() {
                assert_eq!(there, Some(old.as_str()), "{context}");
            }
        } else if report.end != End::Done {
            assert!(there.is_none() || told(&place), "{context}");
        }
        if report.end == End::Done {
            assert_eq!(there, Some(new.as_str()), "{context}");
        }
    }
    if *goal == Goal::New && matches!(report.end, End::Failed | End::Cancelled) {
        assert!(!world.defined || told("definition"), "{context}");
    }
    if report.end == End::Done {
        assert!(world.defined, "{context}");
    }
    if report.end == End::Cancelled {
        assert!(report.left.is_empty(), "{context}");
    }
}

#[test]
fn a_fault_at_every_step_leaves_the_old_or_the_new() {
    for goal in [Goal::Same, Goal::New] {
        for disks in 1..4 {
            for script in each(40) {
                let mut world = world(&goal, disks, script);
                let report = run(a_plan(goal.clone(), disks), &mut world);
                holds(&world, &report, &goal, disks);
            }
        }
    }
}

#[test]
fn a_good_one() {
    for goal in [Goal::Same, Goal::New] {
        let mut world = world(&goal, 2, Script::default());
        let report = run(a_plan(goal.clone(), 2), &mut world);
        holds(&world, &report, &goal, 2);
        assert_eq!((report.end, report.left.len(), world.vm), (End::Done, 0, Some(Power::Running)));
        assert_eq!(
            report.notes.iter().filter(|note| note.contains(".before-1")).count(),
            if goal == Goal::Same { 2 } else { 0 }
        );
    }
}

#[test]
fn a_machine_that_is_gone_comes_back_whole_or_not_at_all() {
    for kept in [true, false] {
        for script in each(40) {
            let mut world = world(if kept { &Goal::Same } else { &Goal::New }, 2, script);
            (world.vm, world.defined) = (None, false);
            let plan = Plan { define: Some("<domain/>".into()), ..a_plan(Goal::Same, 2) };
            let report = run(plan, &mut world);
            let context = format!("{world:?}\n{report:?}");
            if kept {
                holds(&world, &report, &Goal::Same, 2);
            }
            let told = report.left.iter().any(|left| left.contains("definition"));
            assert!(world.defined == (report.end == End::Done) || told, "{context}");
            assert!(kept || world.defined || told || !world.files.contains_key("/d/0") || !report.left.is_empty());
        }
    }
}

#[test]
fn what_is_in_the_way_or_runs_is_not_touched() {
    let said = |goal: Goal, change: &dyn Fn(&mut World)| {
        let mut world = world(&goal, 1, Script::default());
        change(&mut world);
        let before = world.files.clone();
        let report = run(a_plan(goal, 1), &mut world);
        assert_eq!((report.end, &world.files), (End::Failed, &before), "{report:?}");
        report.said
    };
    assert!(said(Goal::Same, &|w| w.vm = Some(Power::Running)).contains("while it is off"));
    assert!(said(Goal::New, &|w| w.vm = Some(Power::Off)).contains("there already"));
    assert!(
        said(Goal::Same, &|w| drop(w.files.insert("/d/0.restoring".into(), "x".into()))).contains("another restore")
    );
    assert!(said(Goal::New, &|w| drop(w.files.insert("/d/0".into(), "x".into()))).contains("not overwritten"));
}

proptest! {
    #[test]
    fn any_faults_leave_the_old_or_the_new(new in any::<bool>(), disks in 1_usize..4, script in script(40)) {
        let goal = if new { Goal::New } else { Goal::Same };
        let mut world = world(&goal, disks, script);
        let report = run(a_plan(goal.clone(), disks), &mut world);
        holds(&world, &report, &goal, disks);
    }
}
