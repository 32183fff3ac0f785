//! noctule's client beside libvirt's own: what it reads is the same, what it does happens, what happens is told.

use std::collections::BTreeMap;

use noctule::controllers::libvirt::client::Connection;
use noctule::controllers::libvirt::error::{Failure, RemoteKind};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::flags::{list, shutdown, undefine};
use noctule::controllers::libvirt::procs::EventKind;
use noctule::controllers::libvirt::wire::{Param, Value};
use tokio::sync::broadcast::Receiver;

use crate::virt::{Guest, Lab, PATIENCE, Serial};

/// The next event of a machine that this makes something of.
pub(super) async fn next<T>(events: &mut Receiver<Event>, name: &str, what: impl Fn(&Event) -> Option<T>) -> T {
    let wait = async {
        loop {
            let event = events.recv().await.expect("an event");
            if event.domain().is_some_and(|d| d.name == name)
                && let Some(found) = what(&event)
            {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no such event of {name}"))
}

fn lifecycle(event: &Event) -> Option<(i32, i32)> {
    match event {
        Event::Lifecycle(m) => Some((m.event, m.detail)),
        _ => None,
    }
}

/// A figure as `virsh domstats --raw` prints it.
fn printed(param: &Param) -> (String, String) {
    let value = match &param.value {
        Value::Int(v) => v.to_string(),
        Value::Uint(v) => v.to_string(),
        Value::Long(v) => v.to_string(),
        Value::Ulong(v) => v.to_string(),
        Value::Double(v) => format!("{v:.6}"),
        Value::Bool(v) => if *v { "yes" } else { "no" }.to_owned(),
        Value::Text(v) => v.clone(),
    };
    (param.field.clone(), value)
}

async fn state(connection: &Connection, name: &str) -> (i32, i32) {
    let domain = connection.domain(name).await.unwrap();
    connection.state(&domain).await.unwrap()
}

#[tokio::test]
async fn a_host_and_its_machines_are_read_as_libvirts_own_client_reads_them() {
    let Some(lab) = Lab::shared().await else { return };
    let a = lab.host_a();
    let _runs = lab.vm("read-runs").await;
    let off = lab.guest(Guest::named("read-off").off()).await;
    let here = a.connect().await;
    assert_eq!(here.hostname().await.unwrap(), a.name());
    assert!(here.capabilities().await.unwrap().contains(a.uuid()));
    let version = a.virsh(&["version"]).await.good();
    let v = here.lib_version().await.unwrap();
    let words = format!("libvirt {}.{}.{}", v / 1_000_000, v / 1_000 % 1_000, v % 1_000);
    assert!(version.contains(&words), "{version} {v}");
    let info = here.node_info().await.unwrap();
    let node = a.virsh(&["nodeinfo"]).await.good();
    assert!(node.contains(&format!("{} KiB", info.memory_kib)), "{node} {info:?}");

    let names = |flags| {
        let here = here.clone();
        async move { here.domains(flags).await.unwrap().into_iter().map(|d| (d.name, d.id)).collect::<BTreeMap<_, _>>() }
    };
    let (all, active) = (names(0).await, names(list::ACTIVE).await);
    assert_eq!(all["read-off"], -1);
    assert!(all["read-runs"] > 0 && active.contains_key("read-runs") && !active.contains_key("read-off"));

    // Of a machine that is paused nothing changes but what its process takes on the host.
    let domain = here.domain("read-runs").await.unwrap();
    assert_eq!((domain.uuid_text().as_str(), off.name()), (&*_runs.uuid().to_owned(), "read-off"));
    here.suspend(&domain).await.unwrap();
    assert_eq!(a.state("read-runs").await, "paused");
    for name in ["read-runs", "read-off"] {
        let domain = here.domain(name).await.unwrap();
        let ours = here.all_stats(std::slice::from_ref(&domain), 0, 0).await.unwrap();
        assert_eq!((ours.len(), &*ours[0].domain.name), (1, name));
        let ours: BTreeMap<String, String> = ours[0].params.iter().map(printed).collect();
        let theirs = a.virsh(&["domstats", "--raw", name]).await.good();
        let theirs: BTreeMap<String, String> =
            theirs.lines().filter_map(|l| l.trim().split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        assert!(theirs.len() > 5, "{theirs:?}");
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        let moves = |field: &str| {
            field.starts_with("cpu.") || field.contains("time") || field.contains("delay") || field.contains("rss")
        };
        let moves = |field: &str| moves(field) || field.contains("wait") || field.contains("cache");
        for (field, value) in &theirs {
            assert!(moves(field) || ours[field] == *value, "{name} {field}: {} {value}", ours[field]);
        }
        assert_eq!(ours["block.0.capacity"], (64 << 20).to_string());
        // What virsh prints ends with one line feed more.
        assert_eq!(here.xml(&domain, 0).await.unwrap().trim(), a.virsh(&["dumpxml", name]).await.good().trim());
    }
    let error = here.domain("read-nobody").await.unwrap_err();
    assert!(error.no_domain() && error.to_string().contains("no domain with matching name"), "{error}");
    here.close().await;
    assert!(matches!(here.hostname().await.unwrap_err().what, Failure::Closed(_)));
}

#[tokio::test]
async fn a_machine_lives_and_every_step_is_told() {
    let Some(lab) = Lab::shared().await else { return };
    let a = lab.host_a();
    let here = a.connect().await;
    let mut events = here.events();
    here.watch(EventKind::Lifecycle, None).await.unwrap();
    here.watch(EventKind::Reboot, None).await.unwrap();

    let vm = lab.guest(Guest::named("live").off()).await;
    let domain = here.domain("live").await.unwrap();
    assert_eq!(next(&mut events, "live", lifecycle).await, (0, 0));
    let begun = here.start_domain(&domain, 0).await.unwrap();
    assert!(begun.id > 0 && domain.id == -1);
    assert_eq!(next(&mut events, "live", lifecycle).await.0, 4);
    assert_eq!(next(&mut events, "live", lifecycle).await, (2, 0));
    vm.until_login_after(0).await;

    let again = here.start_domain(&domain, 0).await.unwrap_err();
    assert_eq!(again.kind(), Some(RemoteKind::Invalid), "{again}");
    here.suspend(&begun).await.unwrap();
    assert_eq!((next(&mut events, "live", lifecycle).await, state(&here, "live").await), ((3, 0), (3, 1)));
    here.resume(&begun).await.unwrap();
    assert_eq!((next(&mut events, "live", lifecycle).await.0, state(&here, "live").await.0), (4, 1));

    let before = vm.serial_log().len();
    here.reset(&begun).await.unwrap();
    next(&mut events, "live", |e| matches!(e, Event::Reboot(_)).then_some(())).await;
    vm.until_login_after(before).await;
    let pressed = vm.serial_log().matches("ACPI: button: Power Button").count();
    assert_eq!(pressed, 2, "it booted twice");
    here.shutdown(&begun, shutdown::ACPI).await.unwrap();
    // Shut down by the guest, then stopped.
    assert_eq!(next(&mut events, "live", |e| lifecycle(e).filter(|e| e.0 == 5)).await, (5, 0));
    assert_eq!(state(&here, "live").await, (5, 1), "off, by a shutdown");

    here.set_autostart(&domain, true).await.unwrap();
    assert!(here.autostart(&domain).await.unwrap());
    assert!(a.virsh(&["dominfo", "live"]).await.good().contains("Autostart:      enable"));
    here.undefine(&domain, undefine::MANAGED_SAVE).await.unwrap();
    assert_eq!(next(&mut events, "live", lifecycle).await.0, 1);
    assert!(here.domain("live").await.unwrap_err().no_domain());
    let defined = here.define(&vm.xml(), 1).await.unwrap();
    assert_eq!(defined.uuid_text(), vm.uuid());
    assert!(here.is_persistent(&defined).await.unwrap() && !here.is_active(&defined).await.unwrap());
    let wrong = here.define("<domain type='qemu'><name>live</name></domain>", 0).await.unwrap_err();
    assert!(wrong.remote().is_some(), "{wrong}");
    here.close().await;
}

#[tokio::test]
async fn a_shutdown_that_is_not_heard_changes_nothing_and_force_does() {
    let Some(lab) = Lab::shared().await else { return };
    let _vm = lab.guest(Guest::named("force").deaf()).await;
    let here = lab.host_a().connect().await;
    let domain = here.domain("force").await.unwrap();
    let mut events = here.events();
    here.watch(EventKind::Lifecycle, Some(&domain)).await.unwrap();
    let mut line = Serial::open(&here, "force", 0).await.unwrap();
    line.log_in("force").await;
    here.shutdown(&domain, 0).await.unwrap();
    // Three seconds of the guest's own time later, in which another would be off, it is as it was.
    line.run("sleep 3").await;
    assert_eq!(state(&here, "force").await.0, 1);
    // Nothing is told: what comes first is what is done next.
    here.suspend(&domain).await.unwrap();
    assert_eq!(next(&mut events, "force", lifecycle).await, (3, 0));
    here.resume(&domain).await.unwrap();
    assert_eq!(next(&mut events, "force", lifecycle).await.0, 4);
    here.destroy(&domain, 0).await.unwrap();
    let stopped = next(&mut events, "force", |e| lifecycle(e).filter(|e| e.0 == 5)).await;
    assert_eq!(stopped, (5, 1), "stopped, destroyed");
    assert_eq!(state(&here, "force").await, (5, 2));
}

#[tokio::test]
async fn one_logs_in_on_the_serial_line_and_a_second_one_has_to_take_it_over() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("line").await;
    let here = lab.host_a().connect().await;
    let mut line = Serial::open(&here, "line", 0).await.unwrap();
    line.log_in("line").await;
    assert_eq!(line.run("echo $((21*2)) $(hostname)").await, "42 line");
    let long = line.run("for i in $(seq 2000); do echo line $i of many; done").await;
    assert_eq!((long.lines().count(), long.lines().last()), (2_000, Some("line 2000 of many")));
    // Calls go on while a console is open on the same connection.
    assert_eq!(here.hostname().await.unwrap(), "lab-a");

    let other = lab.host_a().connect().await;
    let held = Serial::open(&other, "line", 0).await.err().expect("held");
    assert!(held.console_in_use(), "{held}");
    assert!(held.to_string().contains("Active console session exists"), "{held}");
    let mut taken = Serial::open(&other, "line", noctule::controllers::libvirt::flags::console::FORCE).await.unwrap();
    assert_eq!(taken.run("echo $((40+2))").await, "42");
    // The one it was taken from is told.
    let ended = tokio::time::timeout(PATIENCE, line.end()).await.expect("told");
    assert!(ended.unwrap_err().to_string().contains("stream had I/O failure"));
    drop(taken);

    // A console that was let go can be opened again, and ends with its machine.
    let mut again = Serial::open_again(&here, "line").await;
    assert_eq!(again.run("echo $((44-2))").await, "42");
    here.destroy(&here.domain("line").await.unwrap(), 0).await.unwrap();
    tokio::time::timeout(PATIENCE, again.end()).await.expect("it ends with the machine").unwrap();
    let off = Serial::open(&here, vm.name(), 0).await.err().expect("off");
    assert_eq!(off.kind(), Some(RemoteKind::Invalid), "{off}");
}

#[tokio::test]
async fn a_screen_is_photographed_and_keys_reach_it() {
    let Some(lab) = Lab::shared().await else { return };
    let _vm = lab.vm("photo").await;
    let here = lab.host_a().connect().await;
    let domain = here.domain("photo").await.unwrap();
    let shoot = || async {
        let (kind, bytes) = here.screenshot(&domain, 0).await.unwrap();
        assert_eq!(kind, "image/png");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        ((info.width, info.height), pixels)
    };
    let (size, before) = shoot().await;
    assert_eq!(size, (720, 400), "a VGA text console");
    // L and Enter, by Linux key codes: something appears.
    for keys in [[38], [28]] {
        here.send_key(&domain, &keys, 50).await.unwrap();
    }
    let begun = std::time::Instant::now();
    while shoot().await.1.iter().zip(&before).filter(|(now, then)| now != then).count() < 500 {
        assert!(begun.elapsed() < PATIENCE, "nothing appeared");
    }
}
