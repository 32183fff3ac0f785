//! Snapshots and backups by noctule's client, on disks that a guest writes to.

use noctule::controllers::libvirt::client::Connection;
use noctule::controllers::libvirt::error::RemoteKind;
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::flags::{
    block_abort, commit, delete, job, snapshot_create, snapshot_list, xml as xml_flags,
};
use noctule::controllers::libvirt::procs::EventKind;
use noctule::controllers::libvirt::wire::{Domain, Value, number, param};
use noctule::controllers::libvirt::xml::{self, BackupDisk, BackupMode, Change, NewSnapshot, SnapshotPart};
use tokio::sync::broadcast::Receiver;

use super::machines::next;

use crate::virt::{Guest, Lab, Serial};

/// `VIR_DOMAIN_JOB_OPERATION_BACKUP`.
const BACKUP: u64 = 9;

async fn line(here: &Connection, name: &str) -> Serial {
    let mut line = Serial::open(here, name, 0).await.unwrap();
    line.log_in(name).await;
    line
}

#[tokio::test]
async fn internal_snapshots_bring_memory_and_disk_back() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("inside").await;
    let (a, here) = (lab.host_a(), lab.host_a().connect().await);
    let domain = here.domain("inside").await.unwrap();
    let inside = |name: &str| snapshot(name, SnapshotPart::Inside, SnapshotPart::Inside);
    let mut serial = line(&here, "inside").await;
    assert_eq!(serial.run("lab-mark before && touch /tmp/before").await, "marked before");
    let made = here.create_snapshot(&domain, &inside("one"), 0).await.unwrap();
    assert_eq!((made.name.as_str(), here.snapshot_count(&domain).await.unwrap()), ("one", 1));
    assert!(here.snapshot_xml(&made).await.unwrap().contains("<memory snapshot='internal'/>"));
    assert_eq!(serial.run("lab-mark after && touch /tmp/after").await, "marked after");
    here.create_snapshot(&domain, &inside("two"), 0).await.unwrap();
    let two = here.current_snapshot(&domain).await.unwrap().unwrap();
    assert_eq!((two.name.as_str(), here.snapshot_parent(&two).await.unwrap().unwrap().name), ("two", "one".into()));

    here.revert(&made, 0).await.unwrap();
    drop(serial);
    assert_eq!(a.state("inside").await, "running");
    let mut serial = Serial::open_again(&here, "inside").await;
    // It is logged in already.
    serial.keys("\r").await;
    serial.until("# ").await;
    assert_eq!(serial.run("ls /tmp").await.split_whitespace().collect::<Vec<_>>(), ["before"]);
    assert_eq!(serial.run("dd if=/dev/vda bs=64 count=1 2>/dev/null | tr -d ' '; echo").await, "before");

    // Children go with it; nothing stays in the image.
    here.delete_snapshot(&made, delete::CHILDREN).await.unwrap();
    assert_eq!(here.snapshots(&domain, 0).await.unwrap(), []);
    assert_eq!(a.run(&["qemu-img", "snapshot", "-U", "-l", &vm.disk()]).await.good(), "");
    assert_eq!(here.snapshot(&domain, "one").await.unwrap_err().kind(), Some(RemoteKind::NoSnapshot));
}

/// A snapshot of a machine with its one disk.
fn snapshot(name: &str, memory: SnapshotPart, disk: SnapshotPart) -> String {
    let disks = vec![("vda".to_owned(), disk)];
    xml::snapshot(&NewSnapshot { name: name.to_owned(), description: "of the lab".to_owned(), memory, disks }).unwrap()
}

#[tokio::test]
async fn external_snapshots_grow_a_chain_that_is_committed_away() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("outside").await;
    let (a, here) = (lab.host_a(), lab.host_a().connect().await);
    let domain = here.domain("outside").await.unwrap();
    let mut events = here.events();
    here.watch(EventKind::BlockJob, Some(&domain)).await.unwrap();
    let mut serial = line(&here, "outside").await;
    let flags = snapshot_create::DISK_ONLY | snapshot_create::ATOMIC;
    for name in ["one", "two"] {
        let overlay = vm.disk().replace(".qcow2", &format!(".{name}"));
        let xml = snapshot(name, SnapshotPart::No, SnapshotPart::File(overlay));
        here.create_snapshot(&domain, &xml, flags).await.unwrap();
        assert_eq!(serial.run(&format!("lab-mark {name} 1")).await, format!("marked {name}"));
    }
    assert_eq!(here.snapshots(&domain, snapshot_list::EXTERNAL).await.unwrap().len(), 2);
    let active = vm.disk().replace(".qcow2", ".two");
    assert!(here.xml(&domain, 0).await.unwrap().contains(&format!("<source file='{active}'")));
    // This libvirt cannot go back to one, and says so.
    let one = here.snapshot(&domain, "one").await.unwrap();
    if here.lib_version().await.unwrap() < 9_009_000 {
        let refused = here.revert(&one, 0).await.unwrap_err();
        assert!(refused.unsupported(), "{refused}");
    }
    here.block_commit(&domain, "vda", None, None, 0, commit::ACTIVE).await.unwrap();
    let ready = |e: &Event| match e {
        Event::BlockJob(m) => Some((m.disk.clone(), m.kind, m.status)),
        _ => None,
    };
    // An active commit is ready, and completed when it is changed over.
    assert_eq!(next(&mut events, "outside", ready).await, ("vda".into(), 4, 3));
    let job = here.block_job(&domain, "vda").await.unwrap().unwrap();
    assert_eq!((job.kind, job.cur), (4, job.end));
    here.abort_block_job(&domain, "vda", block_abort::PIVOT).await.unwrap();
    assert_eq!(next(&mut events, "outside", ready).await, ("vda".into(), 4, 0));
    assert_eq!(here.block_job(&domain, "vda").await.unwrap(), None);
    for snapshot in here.snapshots(&domain, 0).await.unwrap() {
        here.delete_snapshot(&snapshot, delete::METADATA_ONLY).await.unwrap();
    }
    let xml = here.xml(&domain, 0).await.unwrap();
    assert!(xml.contains(&format!("<source file='{}'", vm.disk())) && !xml.contains(&active));
    assert_eq!(serial.run("dd if=/dev/vda bs=64 count=1 2>/dev/null | tr -d ' '; echo").await, "two");
    // What the overlays were is left to whoever made them: those files are orphans now.
    for name in ["one", "two"] {
        a.run(&["rm", &vm.disk().replace(".qcow2", &format!(".{name}"))]).await.good();
    }
}

fn backup(file: &str, since: Option<&str>) -> String {
    let disk = BackupDisk { target: "vda".to_owned(), mode: BackupMode::Copied, file: file.to_owned() };
    xml::backup(&[disk], since).unwrap()
}

/// Makes a backup and waits for its end: bytes that were copied, as told by the event and asked for afterwards.
async fn back_up(
    here: &Connection,
    events: &mut Receiver<Event>,
    domain: &Domain,
    xml: &str,
    point: Option<&str>,
) -> u64 {
    let point = point.map(|name| xml::checkpoint(name, &["vda"], &[]).unwrap());
    here.begin_backup(domain, xml, point.as_deref(), 0).await.unwrap();
    let told = next(events, &domain.name, |e| match e {
        Event::JobCompleted(m) => Some(m.params.clone()),
        _ => None,
    })
    .await;
    assert_eq!(param(&told, "success"), Some(&Value::Bool(true)), "{told:?}");
    let (_, kept) = here.job(domain, job::COMPLETED | job::KEEP_COMPLETED).await.unwrap();
    assert_eq!(number(&kept, "operation"), Some(BACKUP));
    assert_eq!(number(&kept, "disk_processed"), number(&kept, "disk_total"));
    assert_eq!(number(&kept, "disk_processed"), number(&told, "disk_processed"));
    assert_eq!(here.job(domain, 0).await.unwrap().0, 0, "none runs");
    number(&kept, "disk_processed").unwrap()
}

#[tokio::test]
async fn a_full_and_an_incremental_backup_together_are_the_disk_and_boot() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("backup").await;
    let (a, here) = (lab.host_a(), lab.host_a().connect().await);
    let domain = here.domain("backup").await.unwrap();
    let mut events = here.events();
    here.watch(EventKind::JobCompleted, Some(&domain)).await.unwrap();
    let folder = lab.shared_folder("backups");
    let file = |name: &str| folder.join(name).display().to_string();
    let mut serial = line(&here, "backup").await;
    serial.run("lab-mark first 8").await;
    let full = back_up(&here, &mut events, &domain, &backup(&file("full"), None), Some("cp1")).await;
    assert_eq!(full, 64 << 20);
    serial.run("lab-mark second 2").await;
    let some = back_up(&here, &mut events, &domain, &backup(&file("more"), Some("cp1")), Some("cp2")).await;
    assert!((2 << 20..=4 << 20).contains(&some), "{some}");
    let names: Vec<String> = here.checkpoints(&domain).await.unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!((names.len(), here.backup_xml(&domain).await.unwrap()), (2, None));
    assert!(here.checkpoint_xml(&here.checkpoint(&domain, "cp2").await.unwrap()).await.unwrap().contains("cp1"));
    let gone = here.begin_backup(&domain, &backup(&file("never"), Some("cp0")), None, 0).await.unwrap_err();
    assert_eq!(gone.kind(), Some(RemoteKind::NoCheckpoint), "{gone}");

    // One that is broken off says so, and the machine goes on.
    here.begin_backup(&domain, &backup(&file("cut"), None), None, 0).await.unwrap();
    let _ = here.abort_job(&domain).await;
    next(&mut events, "backup", |e| matches!(e, Event::JobCompleted(_)).then_some(())).await;
    assert_eq!((a.state("backup").await.as_str(), here.backup_xml(&domain).await.unwrap()), ("running", None));

    let more = file("more");
    a.run(&["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", &file("full"), &more]).await.good();
    a.run(&["qemu-img", "compare", "-U", &more, &vm.disk()]).await.good();
    let restored = lab.guest(Guest::named("restored").off()).await;
    a.run(&["qemu-img", "convert", "-O", "qcow2", &more, &restored.disk()]).await.good();
    // The machine that was backed up under another name, with a disk of its own, as a restore makes it.
    let changes = [
        Change::Name("restored".to_owned()),
        Change::Uuid(restored.uuid().to_owned()),
        Change::NoAddresses,
        Change::DiskFile { target: "vda".to_owned(), file: restored.disk(), format: Some("qcow2".to_owned()) },
    ];
    let kept = here.xml(&domain, xml_flags::INACTIVE).await.unwrap();
    let other = xml::edit(&kept, &changes).unwrap();
    // What it calls itself, and where the lab reads what it says.
    let other = other.replace("lab.name=backup", "lab.name=restored").replace("/serial/backup'", "/serial/restored'");
    let defined = here.define(&other, 1).await.unwrap();
    assert_eq!((defined.name.as_str(), &*defined.uuid_text()), ("restored", restored.uuid()));
    restored.start().await;
    assert!(restored.serial_log().contains("disk: second"), "{}", restored.serial_log());
}
