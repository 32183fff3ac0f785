//! The world under any order of what somebody may do: no image is ever written by two.

use proptest::prelude::*;

use super::*;
use crate::controllers::libvirt::flags::{migrate as flag, snapshot_create, undefine};
use crate::sim::libvirt::guest::Request;

const ANCHOR: i64 = 1_795_000_000 * SECOND;

fn world() -> World {
    World::new(1, ANCHOR, "/run/x")
}

fn uuid(world: &World, host: usize, name: &str) -> [u8; 16] {
    world.vm_by_name(host, name).unwrap().uuid
}

#[test]
fn the_same_seed_gives_the_same_hosts_and_nothing_ticks() {
    let all = |seed| {
        let world = World::new(seed, ANCHOR, "/run/x");
        let of = |h: &Host| h.vms.iter().map(|vm| caps::machine(&world, 0, vm, true, false)).collect::<String>();
        world.hosts.iter().map(of).collect::<String>()
    };
    assert_eq!(all(3), all(3));
    assert_ne!(all(3), all(4));
    assert_eq!(world().until_next(), None, "a world in which nothing is going on plans nothing");
}

#[test]
fn one_overlay_belongs_to_nobody() {
    let world = world();
    let mut named: Vec<String> = Vec::new();
    for (host, h) in world.hosts.iter().enumerate() {
        for disk in h.vms.iter().flat_map(|vm| &vm.disks).filter(|d| !d.source.is_empty()) {
            named.extend(world.chain(host, &disk.source));
        }
    }
    let overlays = world.hosts.iter().flat_map(|h| &h.files.0).filter(|(_, image)| image.backing.is_some());
    let orphans: Vec<&String> = overlays.map(|(path, _)| path).filter(|path| !named.contains(path)).collect();
    assert_eq!(orphans, ["/var/lib/libvirt/images/kafka-2.pre-rebalance"]);
}

#[test]
fn everything_it_says_of_a_machine_can_be_defined() {
    let world = world();
    let mut dice = fastrand::Rng::with_seed(1);
    for (host, h) in world.hosts.iter().enumerate() {
        for vm in &h.vms {
            let xml = caps::machine(&world, host, vm, true, true);
            let read = define::read(&xml, &mut dice).unwrap();
            assert_eq!(caps::machine(&world, host, &read, true, true), xml);
        }
    }
}

#[test]
fn a_machine_that_is_killed_while_it_moves_runs_nowhere() {
    let mut world = world();
    let vm = uuid(&world, 0, "radius-1");
    let ask = Ask { flags: flag::PEER2PEER, ..Ask::default() };
    let number = world.migrate(0, &vm, 1, ask).unwrap();
    world.destroy(0, &vm).unwrap();
    world.settle(3_600 * SECOND);
    assert!(world.ended.iter().any(|(n, result)| *n == number && result.is_err()));
    assert!(world.vm_by_uuid(1, &vm).is_err());
    assert!(!world.vm_by_uuid(0, &vm).unwrap().active());
}

#[test]
fn the_target_is_destroyed_while_a_machine_moves() {
    let mut world = world();
    let vm = uuid(&world, 0, "radius-1");
    let ask = Ask { flags: flag::PEER2PEER, ..Ask::default() };
    world.migrate(0, &vm, 1, ask).unwrap();
    world.destroy(1, &vm).unwrap();
    world.settle(3_600 * SECOND);
    assert_eq!(world.vm_by_uuid(0, &vm).unwrap().state, State::Running);
    assert!(world.vm_by_uuid(1, &vm).is_err());
}

#[test]
fn a_guest_that_stands_still_does_not_hear_its_keys() {
    let mut world = world();
    let vm = uuid(&world, 0, "radius-1");
    let rebooted = |world: &mut World| {
        world.take_happened();
        world.requested(0, &vm, Request::Reboot);
        world.settle(world.now() + 60 * SECOND);
        world.take_happened().iter().any(|(_, _, what)| matches!(what, Happened::Reboot))
    };
    assert!(rebooted(&mut world), "it does while it runs");
    world.suspend(0, &vm).unwrap();
    assert!(!rebooted(&mut world));
    world.resume(0, &vm).unwrap();
    world.crash(0, &vm).unwrap();
    assert!(!rebooted(&mut world));
}

/// What somebody may do, in any order.
#[derive(Debug, Clone)]
enum Do {
    Start,
    Shutdown,
    Destroy,
    Reboot,
    Reset,
    Suspend,
    Resume,
    Crash,
    Keys(Request),
    Snapshot(bool),
    Revert,
    Commit,
    Pivot(bool),
    Backup,
    Migrate(usize, u32),
    Abort,
    Undefine,
    Daemon,
    Power,
    Wait(i64),
    Dies(bool),
}

fn acts() -> impl Strategy<Value = (usize, usize, Do)> {
    let act = prop_oneof![
        Just(Do::Start),
        Just(Do::Shutdown),
        Just(Do::Destroy),
        Just(Do::Reboot),
        Just(Do::Reset),
        Just(Do::Suspend),
        Just(Do::Resume),
        Just(Do::Crash),
        Just(Do::Keys(Request::Reboot)),
        Just(Do::Keys(Request::PowerOff)),
        any::<bool>().prop_map(Do::Snapshot),
        Just(Do::Revert),
        Just(Do::Commit),
        any::<bool>().prop_map(Do::Pivot),
        Just(Do::Backup),
        (0_usize..3, 0_u32..1_024).prop_map(|(to, flags)| Do::Migrate(to, flags | flag::PEER2PEER)),
        (0_usize..3, 0_u32..1_024).prop_map(|(to, flags)| Do::Migrate(to, flags | flag::PEER2PEER)),
        Just(Do::Abort),
        Just(Do::Undefine),
        Just(Do::Daemon),
        Just(Do::Power),
        (0_i64..40_000_000).prop_map(Do::Wait),
        any::<bool>().prop_map(Do::Dies),
    ];
    (0_usize..3, 0_usize..8, act)
}

fn perform(world: &mut World, host: usize, nth: usize, act: &Do) {
    let Some(vm) = world.hosts.get(host).and_then(|h| h.vms.get(nth)).map(|vm| vm.uuid) else { return };
    let flags = |external: &bool| if *external { snapshot_create::DISK_ONLY } else { 0 };
    // Many of them are refused: that is part of it.
    let _ = match act {
        Do::Start => world.start(host, &vm, false),
        Do::Shutdown => world.shutdown(host, &vm),
        Do::Destroy => world.destroy(host, &vm),
        Do::Reboot => world.reboot(host, &vm),
        Do::Reset => world.reset(host, &vm),
        Do::Suspend => world.suspend(host, &vm),
        Do::Resume => world.resume(host, &vm),
        Do::Crash => world.crash(host, &vm),
        Do::Keys(request) => {
            world.requested(host, &vm, *request);
            Ok(())
        }
        Do::Snapshot(external) => {
            let name = format!("<domainsnapshot><name>s{}</name></domainsnapshot>", world.number());
            world.snap(host, &vm, &name, flags(external)).map(|_| ())
        }
        Do::Revert => {
            let name = world.vm_by_uuid(host, &vm).ok().and_then(|vm| vm.current.clone()).unwrap_or_default();
            world.revert(host, &vm, &name, 0)
        }
        Do::Commit => world.commit(host, &vm, "vda", &Commit { active: true, ..Commit::default() }),
        Do::Pivot(pivot) => world.block_end(host, &vm, "vda", *pivot),
        Do::Backup => world.backup(host, &vm, "<domainbackup/>", Some("<domaincheckpoint/>")),
        Do::Migrate(to, flags) => world.migrate(host, &vm, *to, Ask { flags: *flags, ..Ask::default() }).map(|_| ()),
        Do::Abort => world.abort(host, &vm),
        Do::Undefine => world.undefine(host, &vm, undefine::SNAPSHOTS_METADATA | undefine::CHECKPOINTS_METADATA),
        Do::Daemon => {
            world.daemon_restarted(host);
            Ok(())
        }
        Do::Power => {
            world.power_lost(host);
            Ok(())
        }
        Do::Wait(us) => {
            world.settle(world.now() + *us);
            Ok(())
        }
        Do::Dies(on) => world.host_mut(host).map(|h| h.wrongs.target_dies_at = on.then_some(300)),
    };
}

/// What has to hold whatever was done.
fn holds(world: &World) {
    let mut written = Vec::new();
    for (host, h) in world.hosts.iter().enumerate() {
        let mut ids: Vec<i32> = h.vms.iter().filter_map(|vm| vm.id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "no number twice");
        let mut names: Vec<&str> = h.vms.iter().map(|vm| vm.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "no name twice");
        for vm in &h.vms {
            assert_eq!(vm.active(), vm.state != State::Off, "{} {:?}", vm.name, vm.state);
            assert!(vm.persistent || vm.active(), "one that is off is defined");
            assert!(vm.active() || (vm.job.is_none() && vm.block_jobs.is_empty() && vm.running_since.is_none()));
            for disk in vm.disks.iter().filter(|d| !d.source.is_empty()) {
                if vm.running_since.is_some() {
                    let shared = World::pool_of(host, &disk.source).is_some_and(|pool| pool.shared);
                    written.push((if shared { usize::MAX } else { host }, disk.source.clone()));
                }
                assert!(world.image(host, &disk.source).is_some(), "{} {}", vm.name, disk.source);
            }
        }
    }
    let all = written.len();
    written.sort_unstable();
    written.dedup();
    assert_eq!(written.len(), all, "an image is written by one");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_done_an_image_is_written_by_one(acts in prop::collection::vec(acts(), 0..60)) {
        let mut world = world();
        for (host, nth, act) in acts {
            perform(&mut world, host, nth, &act);
            holds(&world);
        }
        world.settle(world.now() + 100 * 3_600 * SECOND);
        holds(&world);
        prop_assert_eq!(world.until_next(), None, "everything comes to its end");
        let busy = world.hosts.iter().flat_map(|h| &h.vms).filter(|vm| vm.job.is_some()).count();
        prop_assert_eq!(busy, 0);
    }

    #[test]
    fn any_text_is_a_definition_or_refused(text in ".{0,300}", tag in "<domain>.{0,200}</domain>") {
        let mut dice = fastrand::Rng::with_seed(1);
        let _ = define::read(&text, &mut dice);
        let _ = define::read(&tag, &mut dice);
    }
}
