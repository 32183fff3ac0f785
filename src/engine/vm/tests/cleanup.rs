//! A machine with overlays: whatever goes wrong, no data is lost and the next run finishes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Script, Wrong, each, script};
use crate::engine::vm::cleanup::{Act, Cleanup, Facts, Job, Plan, Told, plan};
use crate::engine::vm::{End, Fault, Report, Turn};
use crate::model::vm::definition::Disk;
use crate::model::vm::snapshot::{Kept, Snapshot, SnapshotDisk};
use crate::model::vm::{Definition, state::Power};

/// A machine with overlays: each file holds what was written to it.
#[derive(Debug, Clone)]
struct World {
    power: Power,
    /// Chain of each disk, the top first.
    chains: BTreeMap<String, Vec<String>>,
    content: BTreeMap<String, BTreeSet<u32>>,
    jobs: BTreeMap<String, Job>,
    snapshots: Vec<String>,
    script: Script,
    step: usize,
}

impl World {
    fn seen(&self, target: &str) -> BTreeSet<u32> {
        self.chains[target].iter().filter_map(|file| self.content.get(file)).flatten().copied().collect()
    }

    fn act(&mut self, act: &Act) -> Told {
        let wrong = self.script.at(self.step);
        self.step += 1;
        match wrong {
            Some(wrong @ (Wrong::Fails | Wrong::LostBefore)) => Told::Fault(wrong.fault()),
            Some(wrong @ Wrong::LostAfter) => {
                self.deed(act);
                Told::Fault(wrong.fault())
            }
            None => self.deed(act),
        }
    }

    /// What stands above the base goes down into it.
    fn sink(&mut self, target: &str, base: &str) {
        let all: BTreeSet<u32> = self.seen(target);
        self.content.get_mut(base).unwrap().extend(all);
    }

    fn deed(&mut self, act: &Act) -> Told {
        let failed = |why: &str| Told::Fault(Fault::Failed(why.into()));
        match act {
            Act::Look => {
                return Told::Facts(Facts {
                    power: Some(self.power),
                    disks: self.chains.iter().map(|(t, chain)| (t.clone(), chain[0].clone())).collect(),
                    jobs: self.jobs.clone(),
                    snapshots: self.snapshots.clone(),
                    files: self.content.keys().cloned().collect(),
                    used: self.chains.values().flatten().cloned().collect(),
                });
            }
            Act::Commit { target, .. } => {
                if self.jobs.insert(target.clone(), Job::Running).is_some() {
                    return failed("a job runs");
                }
            }
            Act::Await(target) => {
                if let Some(job) = self.jobs.get_mut(target) {
                    *job = Job::Ready;
                }
            }
            Act::Pivot(target) => {
                if self.jobs.remove(target) != Some(Job::Ready) {
                    return failed("not ready");
                }
                let base = self.chains[target].last().unwrap().clone();
                self.sink(target, &base);
                self.chains.insert(target.clone(), vec![base]);
            }
            Act::Abort(target) => {
                self.jobs.remove(target);
            }
            Act::CommitOff { top, base } => {
                assert!(!self.power.active());
                let target = self.chains.iter().find(|(_, chain)| chain[0] == *top).unwrap().0.clone();
                self.sink(&target, base);
            }
            Act::Point { target, file } => {
                assert!(!self.power.active());
                self.chains.insert(target.clone(), vec![file.clone()]);
            }
            Act::Forget(name) => {
                assert_ne!(
                    Some(name),
                    self.snapshots.first().filter(|_| self.snapshots.len() > 1),
                    "a parent goes first"
                );
                self.snapshots.retain(|s| s != name);
            }
            Act::Remove(path) => {
                assert!(!self.chains.values().flatten().any(|file| file == path), "it is in use");
                self.content.remove(path);
            }
        }
        Told::Done
    }
}

const TARGETS: [&str; 2] = ["vda", "vdb"];

fn machine(depth: usize) -> (Definition, Vec<Snapshot>) {
    let file = |target: &str, level: usize| format!("/d/{target}.{level}");
    let disk = |target: &str| Disk {
        device: "disk".into(),
        target: target.into(),
        source: file(target, depth),
        backing: (0..depth).rev().map(|level| file(target, level)).collect(),
        ..Disk::default()
    };
    let snapshot = |level: usize| Snapshot {
        name: format!("s{level}"),
        parent: if level > 1 { format!("s{}", level - 1) } else { String::new() },
        created: level as i64,
        disks: TARGETS
            .map(|target| SnapshotDisk {
                target: target.into(),
                kept: Kept::File(file(target, level)),
                was: file(target, level - 1),
            })
            .to_vec(),
        ..Snapshot::default()
    };
    let vm = Definition { name: "tiny".into(), disks: TARGETS.map(disk).to_vec(), ..Definition::default() };
    (vm, (1..=depth).map(snapshot).collect())
}

fn world(vm: &Definition, snapshots: &[Snapshot], power: Power, script: Script) -> World {
    let chain = |disk: &Disk| std::iter::once(&disk.source).chain(&disk.backing).cloned().collect::<Vec<_>>();
    let chains: BTreeMap<String, Vec<String>> = vm.disks.iter().map(|d| (d.target.clone(), chain(d))).collect();
    let content = chains.values().flatten().zip(0..).map(|(file, n)| (file.clone(), BTreeSet::from([n]))).collect();
    let snapshots = snapshots.iter().map(|s| s.name.clone()).collect();
    World { power, chains, content, jobs: BTreeMap::new(), snapshots, script, step: 0 }
}

fn run(plan: Plan, world: &mut World) -> Report {
    let mut cleanup = Cleanup::new(plan);
    for _ in 0..300 {
        match cleanup.turn() {
            Turn::Over(report) => return report,
            Turn::Do(act) => {
                if world.script.cancel == Some(world.step)
                    && let Some(Act::Abort(target)) = cleanup.abort()
                {
                    world.jobs.remove(&target);
                }
                let told = world.act(&act);
                cleanup.told(told);
            }
        }
    }
    panic!("it does not end: {cleanup:?}");
}

fn whole(depth: usize, power: Power, script: Script) {
    let (vm, snapshots) = machine(depth);
    let plan = plan(&vm, &snapshots, "s1").unwrap();
    let mut world = world(&vm, &snapshots, power, script);
    let before: Vec<_> = TARGETS.iter().map(|target| world.seen(target)).collect();
    let same = |world: &World| {
        let now: Vec<_> = TARGETS.iter().map(|target| world.seen(target)).collect();
        assert_eq!(now, before, "data was lost: {world:?}");
    };
    let report = run(plan.clone(), &mut world);
    same(&world);
    let clean = |world: &World| {
        world.snapshots.is_empty()
            && world.content.len() == TARGETS.len()
            && world.chains.values().all(|c| c.len() == 1)
    };
    assert_eq!(report.end == End::Done, report.left.is_empty(), "{report:?}");
    if report.end == End::Done {
        assert!(clean(&world), "{world:?}");
    }
    // Run again without faults it is finished, wherever it ended.
    world.script = Script::default();
    let again = run(plan, &mut world);
    same(&world);
    assert_eq!(again.end, End::Done, "{report:?} then {again:?} in {world:?}");
    assert!(clean(&world), "{world:?}");
}

#[test]
fn one_that_ends_at_any_step_is_finished_by_the_next() {
    for power in [Power::Running, Power::Off] {
        for depth in 1..4 {
            for script in each(40) {
                whole(depth, power, script);
            }
        }
    }
}

#[test]
fn what_would_be_lost_is_refused() {
    let (vm, mut snapshots) = machine(2);
    let mut elsewhere = vm.clone();
    elsewhere.disks[0].source = "/other".into();
    assert!(plan(&elsewhere, &snapshots, "s1").unwrap_err().contains("/other"));
    assert!(plan(&vm, &snapshots, "none").is_err());
    snapshots[1].disks[0].kept = Kept::Inside;
    assert!(plan(&vm, &snapshots, "s1").unwrap_err().contains("inside"));
    let (vm, mut snapshots) = machine(2);
    snapshots.push(Snapshot { name: "side".into(), parent: "s1".into(), ..Snapshot::default() });
    assert!(plan(&vm, &snapshots, "s1").unwrap_err().contains("several"));
}

proptest! {
    #[test]
    fn any_faults_lose_no_data(running in any::<bool>(), depth in 1_usize..4, script in script(40)) {
        whole(depth, if running { Power::Running } else { Power::Off }, script);
    }
}
