//! Checks, gates, orphans, progress, policy and verbs.

use proptest::prelude::*;

use crate::engine::vm::checks::{Cpu, DiskFacts, Facts, File, Finding, Host, Storage, Wish, checks, plan};
use crate::engine::vm::pace::{Pace, percent};
use crate::engine::vm::policy::{Due, Policy, due};
use crate::engine::vm::snapshot::{
    Found, Orphan, Way, can_delete, can_revert, can_take, descendants, orphans, overlay, tree,
};
use crate::engine::vm::verbs::{Verb, possible};
use crate::model::time::{DAY, HOUR, SECOND, Ts};
use crate::model::vm::definition::Disk;
use crate::model::vm::failure::{Failure, Leftover, Made, Row};
use crate::model::vm::snapshot::{Kept, Snapshot, SnapshotDisk};
use crate::model::vm::state::{Power, VmJob};
use crate::model::vm::{Definition, VmState};

fn a_disk() -> Disk {
    Disk {
        device: "disk".into(),
        target: "vda".into(),
        kind: "file".into(),
        source: "/d/tiny.qcow2".into(),
        format: "qcow2".into(),
        ..Disk::default()
    }
}

fn facts() -> Facts {
    let host =
        |label: &str| Host { label: label.into(), uuid: label.into(), free_kib: Some(4 << 20), ..Host::default() };
    let file = File {
        virtual_size: 1 << 28,
        format: "qcow2".into(),
        filesystem: "ext4".into(),
        boot: "a".into(),
        device: 1,
        inode: 7,
    };
    Facts {
        vm: Definition {
            name: "tiny".into(),
            uuid: "u".into(),
            memory_kib: 256 << 10,
            machine: "pc".into(),
            disks: vec![a_disk()],
            ..Definition::default()
        },
        power: Power::Running,
        persistent: true,
        source: Ok(host("A")),
        target: Ok(host("B")),
        same_name: Ok(None),
        same_uuid: Ok(None),
        disks: vec![DiskFacts { target: "vda".into(), here: Ok(file), there: Ok(None), room: Some(1 << 30) }],
        cpu: Ok(Cpu::Superset),
        machines: Ok(vec!["pc".into()]),
        reach: Some(Ok(())),
        job: None,
        block_jobs: Vec::new(),
        snapshots: 0,
        checkpoints: 0,
    }
}

#[test]
fn each_check_refuses_what_failed_on_a_real_host() {
    let wish = Wish { storage: Storage::Copy, ..Wish::default() };
    assert_eq!(checks(&facts(), &Wish::default())[4].finding, Finding::Refuse, "nothing is copied unasked");
    let good = checks(&facts(), &wish);
    assert_eq!(good.len(), 10);
    assert!(good.iter().all(|check| check.finding == Finding::Ok), "{good:?}");
    let made = plan(&facts(), &wish).unwrap();
    assert_eq!((made.make.len(), made.make[0].virtual_size, made.copy.len()), (1, 1 << 28, 1));
    let mut wrong: Vec<Facts> = vec![facts(); 10];
    wrong[0].target = Err("no route".into());
    wrong[1].target.as_mut().unwrap().uuid = "A".into();
    wrong[2].same_name = Ok(Some("other".into()));
    wrong[3].target.as_mut().unwrap().free_kib = Some(1 << 10);
    wrong[4].disks[0].there = Ok(Some(File::default()));
    wrong[5].cpu = Ok(Cpu::Incompatible);
    wrong[6].machines = Ok(Vec::new());
    wrong[7].reach = Some(Err("refused".into()));
    wrong[8].job = Some("backup".into());
    wrong[9].vm.host_devices = 1;
    for (n, facts) in wrong.iter().enumerate() {
        let found = checks(facts, &wish);
        assert_eq!(found[n].finding, Finding::Refuse, "{:?}", found[n]);
        assert!(!found[n].said.is_empty() && !found[n].advice.is_empty());
        assert!(plan(facts, &wish).is_err());
    }
}

#[test]
fn a_file_that_both_hosts_see_is_shared_and_never_copied_onto_itself() {
    let mut f = facts();
    let here = f.disks[0].here.clone().unwrap();
    f.disks[0].there = Ok(Some(here.clone()));
    assert!(plan(&f, &Wish::default()).unwrap().make.is_empty());
    assert!(plan(&f, &Wish { storage: Storage::Copy, ..Wish::default() }).unwrap().make.is_empty());
    // The same numbers on another kernel's own disk are chance.
    f.disks[0].there = Ok(Some(File { boot: "b".into(), ..here.clone() }));
    assert!(plan(&f, &Wish::default()).is_err());
    let nfs = |boot: &str, device| File { boot: boot.into(), device, filesystem: "nfs".into(), ..here.clone() };
    assert!(nfs("a", 1).same_as(&nfs("b", 9)));
    // What the operator vouches for is taken, with a warning.
    let wish = Wish { storage: Storage::Shared, ..Wish::default() };
    assert_eq!(checks(&f, &wish)[4].finding, Finding::Warn);
    f.vm.disks[0].source = String::new();
    assert!(plan(&f, &Wish::default()).unwrap().make.is_empty());
}

fn snap(name: &str, parent: &str, overlay: Option<&str>) -> Snapshot {
    let disk =
        |path: &str| SnapshotDisk { target: "vda".into(), kept: Kept::File(path.into()), was: "/d/tiny.qcow2".into() };
    Snapshot {
        name: name.into(),
        parent: parent.into(),
        disks: overlay.map(disk).into_iter().collect(),
        ..Snapshot::default()
    }
}

#[test]
fn a_tree_has_its_order_and_gates() {
    let mut all =
        vec![snap("b", "a", None), snap("a", "", None), snap("c", "a", Some("/d/x")), snap("lost", "gone", None)];
    for (at, s) in (1..).zip(&mut all) {
        s.created = at;
    }
    let shown: Vec<(&str, usize)> = tree(&all).iter().map(|b| (b.snapshot.name.as_str(), b.depth)).collect();
    assert_eq!(shown, [("a", 0), ("b", 1), ("c", 1), ("lost", 0)]);
    assert_eq!(descendants(&all, "a").len(), 3);
    assert!(can_revert(&all[0], 9_000_000).is_ok() && can_revert(&all[2], 10_000_000).is_ok());
    assert!(can_revert(&all[2], 9_000_000).unwrap_err().contains("libvirt 9.0.0"));
    assert!(can_delete(&all, "c", 9_000_000).unwrap_err().contains("inside the image"));
    assert!(can_delete(&all, "b", 8_000_000).is_ok());
    let vm = facts().vm;
    assert!(can_take(Way::Disks, &vm, Power::Running, &all, "new").is_ok());
    assert!(can_take(Way::Disks, &vm, Power::Running, &all, "a").is_err());
    assert!(can_take(Way::WithMemory, &vm, Power::Off, &all, "new").is_err());
    assert!(can_take(Way::Inside, &vm, Power::Off, &all, "../x").is_err());
    assert_eq!(overlay(&vm.disks[0], "before update"), "/d/tiny.before_update");
}

#[test]
fn only_what_nothing_uses_is_an_orphan() {
    let mut vm = facts().vm;
    vm.disks[0].source = "/d/tiny.s1".into();
    let files = [
        Found { path: "/d/tiny.s1".into(), backing: "/d/tiny.qcow2".into(), bytes: 1 },
        Found { path: "/d/tiny.qcow2".into(), ..Found::default() },
        Found { path: "/d/tiny.old".into(), backing: "/d/tiny.qcow2".into(), bytes: 9 },
        Found { path: "/d/other.qcow2".into(), ..Found::default() },
        Found { path: "/d/x.restoring".into(), ..Found::default() },
    ];
    let found = orphans(&[(vm, vec![snap("s1", "", Some("/d/tiny.s1")), snap("s2", "s1", Some("/d/gone"))])], &files);
    let paths: Vec<&str> = found
        .iter()
        .map(|o| match o {
            Orphan::File { path, .. } => path.as_str(),
            Orphan::Record { snapshot, .. } => snapshot.as_str(),
        })
        .collect();
    assert_eq!(paths, ["/d/tiny.old", "/d/x.restoring", "s2"]);
}

#[test]
fn progress_has_a_rate_and_an_end() {
    let mut pace = Pace::default();
    let at = |s: i64| Ts(s * SECOND);
    assert_eq!(pace.at("copy", at(0), 0, 1000).rate, None);
    let p = pace.at("copy", at(1), 100, 1000);
    assert_eq!((p.rate, p.left_s, p.permille()), (Some(100), Some(9), Some(100)));
    // It begins again with another part.
    assert_eq!(pace.at("copy", at(2), 0, 1000).rate, None);
    let job = VmJob {
        operation: "migration out".into(),
        done: 5,
        total: 0,
        rate: Some(7),
        iteration: Some(2),
        ..VmJob::default()
    };
    let p = pace.job(at(3), &job);
    assert_eq!((p.rate, p.left_s, p.permille(), p.iteration), (Some(7), None, None, Some(2)));
}

#[test]
fn the_last_percentage_is_read() {
    assert_eq!(percent("    (0.00/100%)\r    (12.34/100%)\r"), Some(1234));
    assert_eq!(percent("    (100.00/100%)\r\n"), Some(10_000));
    assert_eq!([percent(""), percent("(x/100%)"), percent("/100%)"), percent("(999/100%)")], [None; 4]);
}

fn failure(made: usize) -> Failure {
    let made = (0..made).map(|n| Leftover::here(Made::File(format!("/d/tiny-{n}.restoring")))).collect();
    Failure { vm: "tiny".into(), operation: "restore".into(), made, ..Failure::default() }
}

#[test]
fn what_is_left_is_deleted_only_when_it_is_due_and_its_row_written() {
    let policy = Policy::Delete { after_days: 2 };
    let mut failed = failure(1);
    let power = Some(Power::Running);
    let Some(Due::Write(Row::Failed, text)) = due(policy, "A", &failed, power, Ts(0)) else { panic!("no row") };
    assert!(text.contains("tiny on A") && text.contains("tiny-0.restoring") && text.contains("2 days"), "{text}");
    failed.rows.push(Row::Failed);
    assert_eq!(due(policy, "A", &failed, power, Ts(2 * DAY - 1)), None);
    let Some(Due::Write(Row::Deleting, _)) = due(policy, "A", &failed, power, Ts(2 * DAY)) else { panic!("no row") };
    failed.rows.push(Row::Deleting);
    // The state of the machine says nothing about what was left, and it is not touched.
    for power in [None, power] {
        assert_eq!(due(policy, "A", &failed, power, Ts(2 * DAY)), Some(Due::Delete));
    }
    failed.tried = 2 * DAY;
    assert_eq!(due(policy, "A", &failed, power, Ts(2 * DAY + SECOND)), None, "not again at once");
    assert_eq!(due(policy, "A", &failed, power, Ts(2 * DAY + HOUR)), Some(Due::Delete));
    failed.made.clear();
    assert_eq!(due(policy, "A", &failed, power, Ts(99 * DAY)), None);
}

#[test]
fn a_machine_is_shut_down_once_and_only_when_it_is_seen() {
    let mut failed = failure(1);
    let power = Some(Power::Running);
    let Some(Due::Write(Row::Failed, text)) = due(Policy::LogOnly, "A", &failed, power, Ts(0)) else { panic!() };
    assert!(text.contains("nothing is done"), "{text}");
    failed.rows.push(Row::Failed);
    assert_eq!(due(Policy::LogOnly, "A", &failed, power, Ts(99 * DAY)), None);
    for unseen in [None, Some(Power::Unknown), Some(Power::Off), Some(Power::Crashed)] {
        assert_eq!(due(Policy::Stop, "A", &failed, unseen, Ts(0)), None, "{unseen:?}");
    }
    assert!(matches!(due(Policy::Stop, "A", &failed, power, Ts(0)), Some(Due::Write(Row::Stopping, _))));
    failed.rows.push(Row::Stopping);
    assert_eq!(due(Policy::Stop, "A", &failed, power, Ts(0)), Some(Due::Stop));
    failed.rows.push(Row::Stopped);
    assert_eq!(due(Policy::Stop, "A", &failed, power, Ts(99 * DAY)), None, "whoever starts it again wants that");
}

#[test]
fn verbs_fit_the_state() {
    let vm = |power| VmState { name: "tiny".into(), power, persistent: true, ..VmState::default() };
    assert!(possible(Verb::Start, &vm(Power::Off)).is_ok() && possible(Verb::Start, &vm(Power::Crashed)).is_ok());
    assert!(possible(Verb::Start, &vm(Power::Paused)).unwrap_err().contains("resume"));
    assert!(possible(Verb::Shutdown, &vm(Power::Paused)).unwrap_err().contains("resume"));
    assert!(possible(Verb::ForceOff, &vm(Power::Running)).is_ok());
    assert!(possible(Verb::Migrate, &vm(Power::Off)).is_err());
    for verb in Verb::ALL {
        let unknown = possible(verb, &vm(Power::Unknown));
        assert!(unknown.is_err() || verb == Verb::Console, "{verb:?}");
    }
    let busy = VmState { job: Some(VmJob { operation: "backup".into(), ..VmJob::default() }), ..vm(Power::Running) };
    assert!(possible(Verb::Snapshot, &busy).unwrap_err().contains("backup"));
    assert!(possible(Verb::CancelJob, &busy).is_ok() && possible(Verb::ForceOff, &busy).is_ok());
    assert!(possible(Verb::CancelJob, &vm(Power::Running)).is_err());
}

proptest! {
    /// Whatever the policy, the state and the hour: nothing is done before the row about it, a machine is
    /// never shut down to delete something, and it all comes to an end.
    #[test]
    fn no_policy_acts_before_its_row(
        days in 1_u32..5, kind in 0_u8..3, made in 0_usize..3, steps in prop::collection::vec((0_i64..3, 0_u8..4), 1..40),
    ) {
        let policy = match kind {
            0 => Policy::LogOnly,
            1 => Policy::Stop,
            _ => Policy::Delete { after_days: days },
        };
        let (mut failed, mut at, mut acts) = (failure(made), Ts(0), 0);
        for (passes, state) in steps {
            at = at.plus(passes * DAY);
            let power = [None, Some(Power::Running), Some(Power::Off), Some(Power::Unknown)][usize::from(state)];
            let mut turns = 0;
            while let Some(what) = due(policy, "A", &failed, power, at) {
                turns += 1;
                prop_assert!(turns < 9, "it never ends: {what:?}");
                match what {
                    Due::Write(row, text) => {
                        prop_assert!(!failed.rows.contains(&row) && text.contains("tiny"));
                        failed.rows.push(row);
                    }
                    Due::Stop => {
                        prop_assert!(policy == Policy::Stop && power == Some(Power::Running));
                        prop_assert!(failed.rows.contains(&Row::Failed) && failed.rows.contains(&Row::Stopping));
                        failed.rows.push(Row::Stopped);
                        acts += 1;
                    }
                    Due::Delete => {
                        prop_assert!(kind == 2 && failed.rows.contains(&Row::Deleting) && at >= Ts(i64::from(days) * DAY));
                        failed.made.pop();
                        failed.tried = at.0;
                        acts += 1;
                    }
                }
            }
        }
        let most = if kind == 1 { 1 } else { made };
        prop_assert!(acts <= most);
        prop_assert!(kind != 0 || acts == 0);
    }

    #[test]
    fn any_output_has_a_percentage_or_none(text in any::<String>(), n in 0_u32..=10_000) {
        let _ = percent(&text);
        let shown = format!("{text}    ({}.{:02}/100%)\r", n / 100, n % 100);
        prop_assert_eq!(percent(&shown), Some(n));
    }

    #[test]
    fn every_snapshot_is_in_the_tree_once(parents in prop::collection::vec(0_usize..10, 0..10)) {
        let all: Vec<Snapshot> =
            parents.iter().enumerate().map(|(n, p)| snap(&n.to_string(), &p.to_string(), None)).collect();
        let shown = tree(&all);
        let mut names: Vec<&str> = shown.iter().map(|b| b.snapshot.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!((names.len(), shown.len()), (all.len(), all.len()));
        for s in &all {
            prop_assert!(descendants(&all, &s.name).len() <= all.len());
        }
    }

    #[test]
    fn a_pace_survives_any_numbers(steps in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u64>()), 0..20)) {
        let mut pace = Pace::default();
        for (at, done, total) in steps {
            let p = pace.at("x", Ts(at / 4), done, total);
            prop_assert!(p.permille().is_none_or(|p| p <= 1000));
        }
    }
}
