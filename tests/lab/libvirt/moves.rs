//! Migrations by noctule's client: one call on the source. Whatever goes wrong, the machine runs on exactly one
//! host afterwards.

use std::time::{Duration, Instant};

use noctule::controllers::libvirt::client::Connection;
use noctule::controllers::libvirt::error::{Error, Failure, RemoteKind};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::flags::job;
use noctule::controllers::libvirt::flags::migrate::{LIVE, NON_SHARED_DISK, UNSAFE};
use noctule::controllers::libvirt::migrate::{bandwidth, params};
use noctule::controllers::libvirt::procs::EventKind;
use noctule::controllers::libvirt::wire::{Param, number};

use super::machines::next;

use crate::virt::{Guest, Host, Lab, PATIENCE, Serial};

/// How it goes: with a limit there is time to do something meanwhile.
fn way(slowly: bool) -> Vec<Param> {
    let mut params = vec![Param::text(params::URI, "tcp://127.0.0.1")];
    params.extend(bandwidth(u64::from(slowly)));
    params
}

/// Moves a machine: the hosts speak to each other.
async fn migrate(here: &Connection, name: &str, to: &Host, flags: u32, slowly: bool) -> Result<(), Error> {
    let domain = here.domain(name).await?;
    here.migrate_peer_to_peer(&domain, &to.uri(), &way(slowly), LIVE | flags).await
}

/// Waits until a migration has sent something.
async fn under_way(watch: &Connection, name: &str) {
    let domain = watch.domain(name).await.unwrap();
    let begun = Instant::now();
    loop {
        let (kind, params) = watch.job(&domain, 0).await.unwrap();
        if kind != 0 && number(&params, "memory_processed").is_some_and(|sent| sent > 0) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "it never began: {params:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// It runs here, the other host knows nothing of it, and it answers.
async fn runs_only_on(host: &Host, other: &Host, name: &str) {
    assert_eq!((host.state(name).await.as_str(), other.state(name).await.as_str()), ("running", ""));
    assert_eq!((host.emulator(name).is_some(), other.emulator(name)), (true, None));
    let here = host.connect().await;
    let mut line = Serial::open(&here, name, 0).await.unwrap();
    line.keys("\r").await;
    line.until(&format!("{name} login: ")).await;
}

#[tokio::test]
async fn a_machine_moves_with_its_disk_and_tells_how() {
    let Some(lab) = Lab::shared().await else { return };
    let (a, b) = (lab.host_a(), lab.host_b());
    let vm = lab.guest(Guest::named("move").local_disk()).await;
    let (here, there) = (a.connect().await, b.connect().await);
    for connection in [&here, &there] {
        connection.watch(EventKind::Lifecycle, None).await.unwrap();
        connection.watch(EventKind::MigrationIteration, None).await.unwrap();
    }
    let (mut left, mut arrived) = (here.events(), there.events());
    let domain = here.domain("move").await.unwrap();
    b.run(&["qemu-img", "create", "-q", "-f", "qcow2", &vm.disk(), "64M"]).await.good();
    migrate(&here, "move", b, NON_SHARED_DISK, false).await.unwrap();
    let stopped = |e: &Event| match e {
        Event::Lifecycle(m) if m.event == 5 => Some(m.detail),
        _ => None,
    };
    next(&mut left, "move", |e| matches!(e, Event::MigrationIteration(_)).then_some(())).await;
    assert_eq!(next(&mut left, "move", stopped).await, 3, "stopped: migrated");
    let resumed = |e: &Event| matches!(e, Event::Lifecycle(m) if m.event == 4 && m.detail == 1).then_some(());
    next(&mut arrived, "move", resumed).await;
    let (_, kept) = here.job(&domain, job::COMPLETED).await.unwrap();
    for field in ["memory_processed", "disk_processed", "downtime", "time_elapsed"] {
        assert!(number(&kept, field).is_some_and(|n| n > 0), "{field}: {kept:?}");
    }
    assert_eq!((a.state("move").await.as_str(), b.state("move").await.as_str()), ("shut off", "running"));
    let mut line = Serial::open(&there, "move", 0).await.unwrap();
    line.log_in("move").await;
    assert_eq!(line.run("echo $((6*7))").await, "42");
}

#[tokio::test]
async fn a_migration_that_is_cancelled_or_loses_its_target_leaves_the_machine_where_it_was() {
    let Some(lab) = Lab::shared().await else { return };
    let (a, b) = (lab.host_a(), lab.host_b());
    let _vm = lab.vm("stay").await;
    let (here, watch) = (a.connect().await, a.connect().await);
    let domain = watch.domain("stay").await.unwrap();

    let cancel = async {
        under_way(&watch, "stay").await;
        assert_eq!(b.state("stay").await, "paused", "it waits there");
        watch.abort_job(&domain).await.unwrap();
    };
    let (told, ()) = tokio::join!(migrate(&here, "stay", b, UNSAFE, true), cancel);
    let error = told.unwrap_err();
    assert_eq!(error.kind(), Some(RemoteKind::Aborted), "{error}");
    runs_only_on(a, b, "stay").await;

    let kill = async {
        under_way(&watch, "stay").await;
        b.kill_emulator("stay").await;
    };
    let (told, ()) = tokio::join!(migrate(&here, "stay", b, UNSAFE, true), kill);
    let error = told.unwrap_err();
    assert!(error.remote().is_some() && !error.uncertain(), "{error}");
    runs_only_on(a, b, "stay").await;
    // And it can move after all that.
    migrate(&here, "stay", b, UNSAFE, false).await.unwrap();
    assert_eq!((a.state("stay").await.as_str(), b.state("stay").await.as_str()), ("shut off", "running"));
}

#[tokio::test]
async fn what_forbids_a_migration_is_said_and_nothing_moves() {
    let Some(lab) = Lab::shared().await else { return };
    let (a, b) = (lab.host_a(), lab.host_b());
    let vm = lab.guest(Guest::named("forbid").local_disk()).await;
    let here = a.connect().await;
    let refused = |to, more| {
        let here = here.clone();
        async move { migrate(&here, "forbid", to, more, false).await.unwrap_err() }
    };
    let error = refused(b, 0).await;
    assert_eq!(error.kind(), Some(RemoteKind::Unsafe), "{error}");
    let error = refused(b, UNSAFE).await;
    assert!(error.to_string().contains("No such file or directory"), "{error}");
    let error = refused(b, NON_SHARED_DISK).await;
    assert!(error.to_string().contains(&vm.disk()) || error.to_string().contains("Storage pool not found"), "{error}");
    let error = refused(a, UNSAFE).await;
    assert!(error.to_string().contains("same host"), "{error}");
    runs_only_on(a, b, "forbid").await;

    let other = vm.xml().replace(vm.uuid(), "99999999-9999-4999-8999-999999999999");
    b.define(&other).await.good();
    let error = refused(b, UNSAFE).await;
    assert!(error.to_string().contains("already exists with uuid 99999999"), "{error}");
    assert_eq!((a.state("forbid").await.as_str(), b.state("forbid").await.as_str()), ("running", "shut off"));
}

#[tokio::test]
async fn a_libvirtd_that_dies_in_the_middle_of_a_migration_comes_back_to_a_machine_that_runs_once() {
    let Some(lab) = Lab::start().await else { return };
    let (a, b) = (lab.host_a(), lab.host_b());
    let vm = lab.vm("middle").await;
    let (here, watch) = (a.connect().await, a.connect().await);
    let kill = async {
        under_way(&watch, "middle").await;
        a.kill_libvirtd().await;
    };
    let (told, ()) = tokio::join!(migrate(&here, "middle", b, UNSAFE, true), kill);
    let error = told.unwrap_err();
    assert!(error.uncertain() && error.connection_lost(), "{error}");
    assert!(matches!(error.what, Failure::Broken(_)), "{error}");
    a.start_libvirtd().await;
    vm.until_state(b, "").await;
    vm.until_state(a, "running").await;
    runs_only_on(a, b, "middle").await;
}
