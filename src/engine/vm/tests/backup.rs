//! A folder of backups: whatever goes wrong, it holds whole ones or none.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Script, Wrong, each, script};
use crate::engine::vm::backup::{Act, Backup, Plan, Source, Told, refused};
use crate::engine::vm::retention::{chain, surplus};
use crate::engine::vm::sets::choose;
use crate::engine::vm::{End, Fault, Report, Turn};
use crate::model::vm::backup::{BackedUp, Manifest};
use crate::model::vm::definition::Disk;
use crate::model::vm::{BackupKind, BackupSet, Definition};

/// A host with a folder of backups.
#[derive(Debug, Clone)]
struct World {
    /// Files by folder.
    folders: BTreeMap<String, BTreeSet<String>>,
    checkpoints: BTreeSet<String>,
    job: bool,
    full_disk: bool,
    script: Script,
    step: usize,
    /// The job never ends, whatever it is told.
    deaf: bool,
    /// The job that runs is somebody else's.
    theirs: bool,
}

impl World {
    fn act(&mut self, act: &Act) -> Told {
        let wrong = self.script.at(self.step);
        self.step += 1;
        match wrong {
            Some(wrong @ (Wrong::Fails | Wrong::LostBefore)) => return Told::Fault(wrong.fault()),
            Some(wrong @ Wrong::LostAfter) => {
                self.deed(act);
                return Told::Fault(wrong.fault());
            }
            None => {}
        }
        self.deed(act)
    }

    fn put(&mut self, file: &str) -> Told {
        let (folder, name) = file.rsplit_once('/').unwrap();
        match self.folders.get_mut(folder) {
            Some(files) => {
                files.insert(name.into());
                Told::Done
            }
            None => Told::Fault(Fault::Failed("no such folder".into())),
        }
    }

    fn deed(&mut self, act: &Act) -> Told {
        let failed = |why: &str| Told::Fault(Fault::Failed(why.into()));
        match act {
            Act::MakeFolder(path) => {
                if self.folders.contains_key(path) {
                    return failed("exists");
                }
                self.folders.insert(path.clone(), BTreeSet::new());
            }
            Act::Begin { disks, since, checkpoint } => {
                if self.theirs {
                    return failed("another job runs");
                }
                assert!(!self.job);
                if since.as_ref().is_some_and(|name| !self.checkpoints.contains(name)) {
                    return failed("no checkpoint");
                }
                self.checkpoints.extend(checkpoint.clone());
                self.job = true;
                for (_, file) in disks {
                    self.put(file);
                }
            }
            Act::Await => {
                if self.full_disk {
                    self.job = false;
                    return failed("No space left on device");
                }
                self.job = self.deaf;
            }
            Act::Copy { to, .. } => {
                self.put(to);
                if self.full_disk {
                    return failed("No space left on device");
                }
            }
            Act::Compare { .. } | Act::Base { .. } => {}
            Act::Verify { .. } => return Told::Sound { bytes: 7, sha256: "ab".into() },
            Act::Write { file, .. } => return self.put(file),
            Act::Rename { from, to } => {
                assert!(!self.job, "an image that is written to gets its name");
                let files = self.folders.remove(from).unwrap();
                assert!(self.folders.insert(to.clone(), files).is_none());
            }
            Act::Look(path) => return Told::Present(self.folders.contains_key(path)),
            Act::Busy => return Told::Present(self.job || self.theirs),
            Act::Abort if self.theirs => panic!("somebody else's job is ended"),
            Act::Abort => self.job = self.deaf && self.job,
            Act::DropCheckpoint(name) => {
                self.checkpoints.remove(name);
            }
            Act::RemoveFolder(path) => {
                assert!(!self.job || !path.ends_with(".partial"), "it is written to");
                self.folders.remove(path);
            }
        }
        Told::Done
    }
}

fn a_plan(running: bool, incremental: bool, disks: usize) -> Plan {
    let source = |n: usize| Source { target: format!("vd{n}"), path: format!("/d/{n}"), ..Source::default() };
    Plan {
        vm: "tiny".into(),
        uuid: "u".into(),
        host: "A".into(),
        running,
        verify: disks != 2,
        folder: "/b/tiny".into(),
        name: "new".into(),
        kind: if incremental { BackupKind::Incremental } else { BackupKind::Full },
        parent: incremental.then(|| ("old".into(), "cp-old".into())),
        checkpoint: running.then(|| "cp-new".into()),
        disks: (0..disks).map(source).collect(),
        xml: "<domain/>".into(),
        surplus: vec!["ancient".into()],
        stale: vec!["cp-old".into()],
        ..Plan::default()
    }
}

fn world(script: Script) -> World {
    let set = || BTreeSet::from(["manifest.json".to_owned()]);
    World {
        folders: BTreeMap::from([("/b/tiny/old".to_owned(), set()), ("/b/tiny/ancient".to_owned(), set())]),
        checkpoints: BTreeSet::from(["cp-old".to_owned()]),
        job: false,
        full_disk: false,
        script,
        step: 0,
        deaf: false,
        theirs: false,
    }
}

fn run(plan: Plan, world: &mut World) -> Report {
    let mut backup = Backup::new(plan);
    for _ in 0..200 {
        match backup.turn() {
            Turn::Over(report) => return report,
            Turn::Do(act) => {
                let mut told = None;
                if world.script.cancel == Some(world.step)
                    && let Some(abort) = backup.abort()
                {
                    assert_eq!(abort, Act::Abort);
                    world.job = false;
                    told = Some(Told::Fault(Fault::Failed("cancelled".into())));
                    world.step += 1;
                }
                let told = told.unwrap_or_else(|| world.act(&act));
                backup.told(told);
            }
        }
    }
    panic!("it does not end: {backup:?}");
}

fn holds(world: &World, report: &Report, plan: &Plan) {
    let context = format!("{world:?}\n{report:?}");
    let told = |what: &str| report.left.iter().any(|left| left.contains(what));
    assert!(world.folders.contains_key("/b/tiny/old"), "what others build on is gone: {context}");
    let whole = world.folders.get(&plan.done());
    if let Some(files) = whole {
        let mut wanted: BTreeSet<String> = plan.disks.iter().map(|disk| format!("{}.qcow2", disk.target)).collect();
        wanted.extend(["domain.xml".to_owned(), "manifest.json".to_owned()]);
        assert_eq!(*files, wanted, "half of a backup has its name: {context}");
    }
    assert!(!world.folders.contains_key(&plan.partial()) || told(&plan.partial()), "{context}");
    match report.end {
        End::Done => assert!(whole.is_some() && !world.job && report.left.is_empty(), "{context}"),
        End::Unknown => assert!(!report.left.is_empty(), "{context}"),
        End::Failed | End::Cancelled => assert!(whole.is_none() && (!world.job || told("backup job")), "{context}"),
    }
    assert!(!world.job || told("backup job"), "a job runs on: {context}");
    if whole.is_none() {
        assert!(!world.checkpoints.contains("cp-new") || told("cp-new"), "{context}");
        assert!(world.checkpoints.contains("cp-old"), "the next incremental one has nothing to go on from: {context}");
        assert!(world.folders.contains_key("/b/tiny/ancient"), "{context}");
    }
}

fn shapes() -> Vec<Plan> {
    let mut out = Vec::new();
    for disks in 1..3 {
        out.extend([a_plan(true, false, disks), a_plan(true, true, disks), a_plan(false, false, disks)]);
    }
    out
}

#[test]
fn a_fault_at_every_step_leaves_a_backup_or_nothing() {
    for plan in shapes() {
        for script in each(30) {
            for (full_disk, deaf) in [(false, false), (true, false), (false, true)] {
                let mut world = world(script.clone());
                (world.full_disk, world.deaf) = (full_disk, deaf);
                // A job that never ends cannot be told as over.
                if deaf && script.cancel.is_none() && script.steps.is_empty() {
                    continue;
                }
                if deaf {
                    world.script.steps.insert(2, Wrong::LostBefore);
                }
                let report = run(plan.clone(), &mut world);
                holds(&world, &report, &plan);
            }
        }
    }
}

#[test]
fn a_good_one_and_a_full_disk() {
    for plan in shapes() {
        let mut good = world(Script::default());
        let report = run(plan.clone(), &mut good);
        holds(&good, &report, &plan);
        assert_eq!(report.end, End::Done);
        assert!(!good.folders.contains_key("/b/tiny/ancient") && !good.checkpoints.contains("cp-old"));
        let mut full = world(Script::default());
        full.full_disk = true;
        let report = run(plan.clone(), &mut full);
        holds(&full, &report, &plan);
        assert_eq!((report.end, report.left.len()), (End::Failed, 0));
        assert!(report.said.contains("No space left"));
    }
}

#[test]
fn the_job_of_somebody_else_goes_on() {
    for plan in [a_plan(true, false, 1), a_plan(true, true, 2)] {
        let mut world = world(Script::default());
        world.theirs = true;
        let report = run(plan.clone(), &mut world);
        assert_eq!((report.end, report.left.len()), (End::Failed, 0), "{report:?}");
        assert!(report.said.contains("another job runs"), "{report:?}");
        assert!(!world.folders.contains_key(&plan.partial()));
    }
}

proptest! {
    #[test]
    fn any_faults_leave_a_backup_or_nothing(
        plan in prop::sample::select(shapes()), script in script(30), full_disk in any::<bool>()
    ) {
        let mut world = world(script);
        world.full_disk = full_disk;
        let report = run(plan.clone(), &mut world);
        holds(&world, &report, &plan);
    }

    /// Whatever is kept can be restored, however the clocks went and wherever removing ends.
    #[test]
    fn nothing_that_is_kept_loses_what_it_builds_on(
        parents in prop::collection::vec((prop::option::of(0_usize..12), 0_i64..40), 1..12),
        newest in 0_u32..6, stop in 0_usize..12
    ) {
        let sets: Vec<BackupSet> = parents.iter().enumerate().map(|(n, (parent, day))| BackupSet {
            name: n.to_string(),
            manifest: Ok(Manifest {
                uuid: "u".into(), at: day * 86_400,
                parent: parent.filter(|p| *p < n).map(|p| p.to_string()),
                ..Manifest::default()
            }),
        }).collect();
        let gone = surplus(&sets, "u", newest);
        let kept: Vec<BackupSet> =
            sets.iter().filter(|s| !gone.iter().take(stop).any(|g| *g == s.name)).cloned().collect();
        prop_assert!(!kept.is_empty());
        for set in &kept {
            prop_assert!(chain(&kept, &set.name).is_ok());
        }
        let roots = |sets: &[BackupSet]| {
            sets.iter().filter(|s| s.manifest.as_ref().is_ok_and(|m| m.parent.is_none())).count()
        };
        let left: Vec<BackupSet> = sets.iter().filter(|s| !gone.contains(&s.name)).cloned().collect();
        prop_assert!(roots(&left) >= (newest as usize).min(roots(&sets)));
    }
}

fn set(name: &str, at: i64, parent: Option<&str>, checkpoint: Option<&str>) -> BackupSet {
    let disks = vec![BackedUp { target: "vda".into(), ..BackedUp::default() }];
    let (parent, checkpoint) = (parent.map(str::to_owned), checkpoint.map(str::to_owned));
    BackupSet {
        name: name.into(),
        manifest: Ok(Manifest { uuid: "u".into(), at, parent, checkpoint, disks, ..Manifest::default() }),
    }
}

#[test]
fn an_incremental_one_that_cannot_be_is_a_full_one_and_says_why() {
    let disk = |format: &str| Disk {
        device: "disk".into(),
        target: "vda".into(),
        kind: "file".into(),
        source: "/d".into(),
        format: format.into(),
        ..Disk::default()
    };
    let vm = |format: &str| Definition {
        name: "tiny".into(),
        uuid: "u".into(),
        disks: vec![disk(format)],
        ..Definition::default()
    };
    let sets = [set("full", 1, None, Some("cp1")), set("incr", 2, Some("full"), Some("cp2"))];
    let with = |vm: &Definition, sets: &[BackupSet], checkpoints: &[&str], running| {
        let checkpoints: Vec<String> = checkpoints.iter().map(|c| (*c).to_owned()).collect();
        choose(BackupKind::Incremental, vm, sets, &checkpoints, running)
    };
    let good = with(&vm("qcow2"), &sets, &["cp2"], true);
    assert_eq!((good.kind, good.parent), (BackupKind::Incremental, Some(("incr".into(), "cp2".into()))));
    let because = |choice: crate::engine::vm::sets::Choice| {
        assert_eq!((choice.kind, choice.parent), (BackupKind::Full, None));
        choice.because.unwrap()
    };
    assert!(because(with(&vm("qcow2"), &sets, &["cp1"], true)).contains("has moved"));
    assert!(because(with(&vm("raw"), &sets, &["cp2"], true)).contains("raw"));
    assert!(because(with(&vm("qcow2"), &sets, &["cp2"], false)).contains("is off"));
    assert!(because(with(&vm("qcow2"), &[], &["cp2"], true)).contains("first"));
    assert!(because(with(&vm("qcow2"), &sets[1..], &["cp2"], true)).contains("builds on"));
    let plan = Plan {
        folder: "/b".into(),
        free: Some(1 << 20),
        disks: vec![Source { target: "vda".into(), allocation: 5 << 20, ..Source::default() }],
        ..Plan::default()
    };
    assert!(refused(&plan, &vm("qcow2")).unwrap().contains("1 MiB free and up to 5 MiB"));
    let odd = Plan { disks: vec![Source { target: "../x".into(), ..Source::default() }], ..Plan::default() };
    assert!(refused(&odd, &vm("qcow2")).unwrap().contains("file"));
}
