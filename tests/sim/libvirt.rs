//! The simulated hosts over their sockets, spoken to by noctule's own client: what they list, what
//! their machines do, what they refuse and with which words.

use std::io::Write as _;
use std::net::Shutdown;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use noctule::controllers::libvirt::client::{Connection, Hypervisor};
use noctule::controllers::libvirt::error::{Error, Failure};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::flags::migrate::{LIVE, NON_SHARED_DISK, PERSIST_DEST, UNDEFINE_SOURCE, UNSAFE};
use noctule::controllers::libvirt::flags::{
    block_abort, commit, console, delete, job, list, snapshot_create, xml as xml_flags,
};
use noctule::controllers::libvirt::frame::HEAD;
use noctule::controllers::libvirt::procs::{self, EventKind};
use noctule::controllers::libvirt::stream::Stream;
use noctule::controllers::libvirt::wire::{Domain, Value, number, param};
use noctule::controllers::libvirt::xml::{self, BackupDisk, BackupMode, NewSnapshot, SnapshotPart};
use noctule::sim::libvirt::{HostFault, RunningVirt, VirtControl, VirtOptions, VirtSim};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::broadcast::Receiver;

use super::until;

const LIMIT: Duration = Duration::from_secs(10);
/// Kinds of jobs.
const COMPLETED: i32 = 3;
const FAILED: i32 = 4;
const CANCELLED: i32 = 5;

struct Lab {
    sim: RunningVirt,
    control: VirtControl,
}

impl Lab {
    fn start() -> Self {
        let sim = VirtSim::start(VirtOptions::still()).expect("hosts");
        Self { control: sim.control(), sim }
    }

    async fn host(&self, host: usize) -> Connection {
        self.open(host).await.expect("a connection")
    }

    async fn open(&self, host: usize) -> Result<Connection, Error> {
        let stream = UnixStream::connect(self.sim.path(host)).await.expect("a socket");
        Connection::open(stream, "sim", &Hypervisor::default(), LIMIT).await
    }

    /// Moves a machine in a task of its own; the job has begun when this returns.
    async fn migrate(&self, from: usize, vm: &str, to: usize, flags: u32) -> Moving {
        let connection = self.host(from).await;
        let domain = connection.domain(vm).await.expect("a machine");
        let uri = self.sim.uri(to);
        let (watching, machine) = (connection.clone(), domain.clone());
        let task = tokio::spawn(async move { perform(&connection, &domain, &uri, flags).await });
        until("the job begins, or is refused", || async {
            let kind = watching.job(&machine, 0).await.map_or(0, |(kind, _)| kind);
            (kind != 0 || task.is_finished()).then_some(())
        })
        .await;
        Moving { watching, machine, task }
    }
}

struct Moving {
    watching: Connection,
    machine: Domain,
    task: tokio::task::JoinHandle<Result<(), String>>,
}

async fn perform(connection: &Connection, domain: &Domain, uri: &str, flags: u32) -> Result<(), String> {
    connection.migrate_peer_to_peer(domain, uri, &[], flags).await.map_err(|e| e.to_string())
}

/// The next event, within the limit.
async fn next(events: &mut Receiver<Event>) -> Event {
    tokio::time::timeout(LIMIT, events.recv()).await.expect("in time").expect("an event")
}

fn refused<T: std::fmt::Debug>(told: Result<T, Error>) -> String {
    told.expect_err("a refusal").to_string()
}

async fn state(connection: &Connection, vm: &str) -> (i32, i32) {
    let domain = connection.domain(vm).await.expect("a machine");
    connection.state(&domain).await.expect("a state")
}

/// Reads a console until it has said this.
async fn said(stream: &mut Stream, text: &str) -> String {
    let mut all = String::new();
    let reading = async {
        while !all.contains(text) {
            let bytes = stream.read().await.expect("a console").expect("its end has not come");
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    };
    let done = tokio::time::timeout(LIMIT, reading).await.is_ok();
    assert!(done, "{text:?} was not said: {all:?}");
    all
}

async fn type_in(stream: &mut Stream, text: &'static str) {
    stream.write(Bytes::from_static(text.as_bytes())).await.expect("typed");
}

#[tokio::test]
async fn twenty_machines_on_three_hosts_in_every_state() {
    let lab = Lab::start();
    let mut states = Vec::new();
    for host in 0..3 {
        let connection = lab.host(host).await;
        assert_eq!(connection.hostname().await.expect("a name"), lab.sim.hosts()[host]);
        for record in connection.all_stats(&[], 0, 0).await.expect("figures") {
            states.push(number(&record.params, "state.state").expect("a state"));
        }
    }
    let count = |state| states.iter().filter(|s| **s == state).count();
    assert_eq!((states.len(), count(1), count(3), count(5), count(6)), (20, 16, 1, 2, 1));
}

#[tokio::test]
async fn counters_grow_with_the_time_and_only_while_it_runs() {
    let lab = Lab::start();
    let connection = lab.host(0).await;
    let domain = connection.domain("kafka-1").await.expect("a machine");
    let read = async || {
        let all = connection.all_stats(std::slice::from_ref(&domain), 0, 0).await.expect("figures");
        let params = &all.first().expect("a record").params;
        ["cpu.time", "block.0.wr.bytes", "net.0.rx.bytes"].map(|name| number(params, name).expect(name))
    };
    let before = read().await;
    lab.control.advance(10_000);
    let after = read().await;
    // 4 virtual CPUs, a third of them busy, for ten seconds.
    let spent = (after[0] - before[0]) as f64 / 1e9;
    assert!((4.0..30.0).contains(&spent), "{spent} s");
    assert!(after[1] > before[1] && after[2] > before[2]);
    connection.suspend(&domain).await.expect("paused");
    let paused = read().await;
    lab.control.advance(10_000);
    assert_eq!(read().await, paused);
}

#[tokio::test]
async fn a_guest_takes_its_time_to_shut_down_and_one_never_does() {
    let lab = Lab::start();
    let connection = lab.host(2).await;
    let mut events = connection.events();
    connection.watch(EventKind::Lifecycle, None).await.expect("watched");
    let domain = connection.domain("dns-1").await.expect("a machine");
    connection.shutdown(&domain, 0).await.expect("asked");
    assert_eq!(state(&connection, "dns-1").await.0, 4, "it is on its way");
    lab.control.advance(5_000);
    assert_eq!(state(&connection, "dns-1").await, (5, 1));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let Event::Lifecycle(told) = next(&mut events).await else { continue };
        seen.push((told.event, told.detail, told.domain.id));
    }
    assert_eq!(seen[1], (5, 0, -1), "stopped, by a shutdown");
    let deaf = connection.domain("pbx-old").await.expect("a machine");
    connection.shutdown(&deaf, 0).await.expect("no error");
    lab.control.advance(600_000);
    assert_eq!(state(&connection, "pbx-old").await.0, 1);
    connection.destroy(&deaf, 0).await.expect("forced");
    assert_eq!(state(&connection, "pbx-old").await, (5, 2));
    assert!(refused(connection.destroy(&deaf, 0).await).contains("domain is not running"));
}

#[tokio::test]
async fn a_serial_line_is_a_shell_that_only_one_can_have() {
    let lab = Lab::start();
    let (first, second) = (lab.host(0).await, lab.host(0).await);
    let domain = first.domain("dhcp-1").await.expect("a machine");
    let mut console = first.console(&domain, None, 0).await.expect("a console");
    type_in(&mut console, "\r").await;
    said(&mut console, "dhcp-1 login: ").await;
    type_in(&mut console, "root\rsecret\r").await;
    // What busybox asks its terminal after the prompt.
    said(&mut console, "root@dhcp-1:~# \x1b[6n").await;
    type_in(&mut console, "\x1b[24;17Rstty size\r").await;
    said(&mut console, "24 80\r\n").await;
    let error = second.console(&domain, None, 0).await.expect_err("it is in use");
    assert!(error.to_string().contains("Active console session exists for this domain"), "{error}");
    let mut taken = second.console(&domain, None, console::FORCE).await.expect("by force");
    let lost = tokio::time::timeout(LIMIT, async {
        loop {
            if let Err(error) = console.read().await {
                return error.to_string();
            }
        }
    });
    assert!(lost.await.expect("the first loses it").contains("stream had I/O failure"));
    type_in(&mut taken, "\r").await;
    said(&mut taken, "root@dhcp-1:~# ").await;
    // Its machine goes off: the end of the stream, no error.
    first.destroy(&domain, 0).await.expect("forced off");
    let end = tokio::time::timeout(LIMIT, async { while taken.read().await.expect("no error").is_some() {} });
    end.await.expect("it ends");
    taken.finish().await.expect("closed");
    until("the line is free", || async { (lab.control.consoles() == 0).then_some(()) }).await;
}

#[tokio::test]
async fn a_line_is_free_again_when_its_taker_went_before_the_answer() {
    let lab = Lab::start();
    let connection = lab.host(0).await;
    let domain = connection.domain("dhcp-1").await.expect("a machine");
    let mut other = UnixStream::connect(lab.sim.path(0)).await.expect("a socket");
    let mut calls = BytesMut::new();
    procs::CONNECT_OPEN.call(1, &(None, 0)).write(&mut calls);
    other.write_all(&calls).await.expect("asked");
    tokio::time::timeout(LIMIT, other.read_exact(&mut [0; HEAD])).await.expect("an answer").expect("opened");
    // From here on it asks and takes no answer.
    let mut deaf = other.into_std().expect("a socket");
    deaf.shutdown(Shutdown::Read).expect("it hears nothing");
    calls.clear();
    procs::DOMAIN_OPEN_CONSOLE.call(2, &(domain.clone(), None, 0)).write(&mut calls);
    deaf.write_all(&calls).expect("asked");
    until("its connection is ended", || {
        let ended = deaf.write_all(&[0; 4]).is_err();
        async move { ended.then_some(()) }
    })
    .await;
    assert_eq!(lab.control.consoles(), 0);
    connection.console(&domain, None, 0).await.expect("nobody has it");
}

#[tokio::test]
async fn a_reboot_is_watched_on_the_console_and_a_closed_connection_frees_it() {
    let lab = Lab::start();
    let connection = lab.host(2).await;
    let domain = connection.domain("router-lab").await.expect("a machine");
    let mut second = connection.console(&domain, Some("serial1"), 0).await.expect("the second line");
    let mut console = connection.console(&domain, Some("serial0"), 0).await.expect("the first line");
    type_in(&mut console, "\rroot\rx\r").await;
    said(&mut console, "# \x1b[6n").await;
    type_in(&mut console, "reboot\r").await;
    said(&mut console, "reboot\r\n").await;
    for _ in 0..40 {
        lab.control.advance(250);
    }
    said(&mut console, "router-lab login: ").await;
    type_in(&mut second, "\r").await;
    said(&mut second, "router-lab login: ").await;
    assert!(refused(connection.console(&domain, Some("serial7"), 0).await).contains("cannot find character device"));
    drop((console, second));
    connection.close().await;
    until("both lines are free", || async { (lab.control.consoles() == 0).then_some(()) }).await;
}

#[tokio::test]
async fn an_external_snapshot_cannot_be_reverted_and_is_committed() {
    let lab = Lab::start();
    let connection = lab.host(0).await;
    let mut events = connection.events();
    connection.watch(EventKind::BlockJob, None).await.expect("watched");
    let domain = connection.domain("dhcp-1").await.expect("a machine");
    let make = |name: &str, memory, disk| {
        let disks = vec![("vda".to_owned(), disk)];
        xml::snapshot(&NewSnapshot { name: name.to_owned(), description: String::new(), memory, disks }).expect("XML")
    };
    let inside = make("inside", SnapshotPart::Inside, SnapshotPart::Inside);
    connection.create_snapshot(&domain, &inside, 0).await.expect("an internal one");
    let overlay = "/var/lib/libvirt/images/dhcp-1.outside".to_owned();
    let outside = make("outside", SnapshotPart::No, SnapshotPart::File(overlay));
    let flags = snapshot_create::DISK_ONLY | snapshot_create::ATOMIC;
    let outside = connection.create_snapshot(&domain, &outside, flags).await.expect("an external one");
    let told = refused(connection.revert(&outside, 0).await);
    assert!(told.contains("revert to external snapshot not supported yet"), "{told}");
    let told = refused(connection.delete_snapshot(&outside, 0).await);
    assert!(told.contains("has internal snapshot as parent"), "{told}");
    assert!(connection.xml(&domain, 0).await.expect("XML").contains("dhcp-1.outside"));
    connection.block_commit(&domain, "vda", None, None, 0, commit::ACTIVE).await.expect("committed");
    let early = refused(connection.abort_block_job(&domain, "vda", block_abort::PIVOT).await);
    assert!(early.contains("still in progress"), "{early}");
    lab.control.advance(60_000);
    let job = connection.block_job(&domain, "vda").await.expect("an answer").expect("a job");
    assert_eq!(job.cur, job.end);
    connection.abort_block_job(&domain, "vda", block_abort::PIVOT).await.expect("pivoted");
    assert!(connection.block_job(&domain, "vda").await.expect("an answer").is_none());
    let mut seen = Vec::new();
    while seen.len() < 2 {
        if let Event::BlockJob(told) = next(&mut events).await {
            seen.push((told.disk, told.kind, told.status));
        }
    }
    assert_eq!(seen, [("vda".to_owned(), 4, 3), ("vda".to_owned(), 4, 0)]);
    connection.delete_snapshot(&outside, delete::METADATA_ONLY).await.expect("what is known of it");
    let xml = connection.xml(&domain, 0).await.expect("XML");
    assert!(xml.contains("dhcp-1.qcow2") && !xml.contains("dhcp-1.outside"));
    assert!(lab.control.has_file(0, "/var/lib/libvirt/images/dhcp-1.outside"), "the file is whose it was");
    let inside = connection.snapshot(&domain, "inside").await.expect("a snapshot");
    connection.revert(&inside, 0).await.expect("reverted");
    assert_eq!(state(&connection, "dhcp-1").await, (1, 4));
}

fn backup(file: &str, since: Option<&str>) -> String {
    let disk = BackupDisk { target: "vda".to_owned(), mode: BackupMode::Copied, file: file.to_owned() };
    xml::backup(&[disk], since).expect("XML")
}

fn checkpoint(name: &str) -> String {
    xml::checkpoint(name, &["vda"], &[]).expect("XML")
}

#[tokio::test]
async fn a_backup_goes_on_by_itself_and_the_next_one_is_small() {
    let lab = Lab::start();
    let connection = lab.host(2).await;
    let mut events = connection.events();
    connection.watch(EventKind::JobCompleted, None).await.expect("watched");
    let domain = connection.domain("dns-1").await.expect("a machine");
    let full = "/var/lib/libvirt/backups/dns-1/full.qcow2";
    connection.begin_backup(&domain, &backup(full, None), Some(&checkpoint("c1")), 0).await.expect("begun");
    assert!(
        refused(connection.begin_backup(&domain, &backup(full, None), None, 0).await).contains("state change lock")
    );
    lab.control.advance(1_000);
    let (_, job) = connection.job(&domain, 0).await.expect("a job");
    let (total, done) = (number(&job, "disk_total").expect("a total"), number(&job, "disk_processed").expect("done"));
    assert!(done > 0 && done < total && number(&job, "disk_remaining") == Some(total - done));
    lab.control.advance(600_000);
    let Event::JobCompleted(told) = next(&mut events).await else { panic!("another event") };
    assert_eq!(param(&told.params, "success"), Some(&Value::Bool(true)));
    assert!(lab.control.has_file(2, full));
    let (kind, job) = connection.job(&domain, job::COMPLETED).await.expect("the last job");
    assert_eq!((kind, number(&job, "disk_remaining")), (COMPLETED, Some(0)));
    let next = backup("/var/lib/libvirt/backups/dns-1/01.qcow2", Some("c1"));
    connection.begin_backup(&domain, &next, Some(&checkpoint("c2")), 0).await.expect("begun");
    let (_, job) = connection.job(&domain, 0).await.expect("a job");
    assert!(number(&job, "disk_total").expect("a total") < total / 4);
    lab.control.advance(60_000);
    let told = refused(connection.begin_backup(&domain, &backup(full, Some("c9")), None, 0).await);
    assert!(told.contains("no domain checkpoint with matching name 'c9'"), "{told}");
    let parents: Vec<String> =
        connection.checkpoints(&domain).await.expect("checkpoints").into_iter().map(|c| c.name).collect();
    assert!(parents.ends_with(&["c1".to_owned(), "c2".to_owned()]));
}

#[tokio::test]
async fn a_backup_that_is_cancelled_or_finds_no_room_says_so() {
    let lab = Lab::start();
    let connection = lab.host(2).await;
    let domain = connection.domain("dns-1").await.expect("a machine");
    let file = "/var/lib/libvirt/backups/dns-1/x.qcow2";
    connection.begin_backup(&domain, &backup(file, None), None, 0).await.expect("begun");
    connection.abort_job(&domain).await.expect("cancelled");
    assert_eq!(connection.job(&domain, job::COMPLETED).await.expect("the last job").0, CANCELLED);
    assert!(refused(connection.abort_job(&domain).await).contains("no job is active on the domain"));
    let mut events = connection.events();
    connection.watch(EventKind::JobCompleted, None).await.expect("watched");
    lab.control.backup_room(2, Some(1 << 20));
    connection.begin_backup(&domain, &backup(file, None), None, 0).await.expect("begun");
    lab.control.advance(60_000);
    let Event::JobCompleted(told) = next(&mut events).await else { panic!("another event") };
    assert_eq!(param(&told.params, "success"), Some(&Value::Bool(false)));
    let why = param(&told.params, "errmsg").and_then(Value::text).unwrap_or_default();
    assert!(why.contains("No space left on device"), "{why}");
    assert_eq!(connection.job(&domain, job::COMPLETED).await.expect("the last job").0, FAILED);
}

#[tokio::test]
async fn a_machine_moves_and_its_source_forgets_it() {
    let lab = Lab::start();
    let moving = lab.migrate(0, "voltha-core", 1, LIVE | PERSIST_DEST | UNDEFINE_SOURCE).await;
    let target = lab.host(1).await;
    assert_eq!(state(&target, "voltha-core").await, (3, 2), "there it waits, paused by the migration");
    lab.control.advance(20_000);
    let (_, job) = moving.watching.job(&moving.machine, 0).await.expect("a job");
    assert!(number(&job, "memory_processed") > Some(0) && number(&job, "memory_iteration") >= Some(1));
    lab.control.advance(3_600_000);
    moving.task.await.expect("a task").expect("moved");
    assert_eq!(lab.control.runs_on("voltha-core"), [1]);
    assert!(lab.host(0).await.domain("voltha-core").await.is_err());
    let there = target.domain("voltha-core").await.expect("it is there");
    assert!(target.is_persistent(&there).await.expect("an answer"));
    let (kind, done) = target.job(&there, job::COMPLETED).await.expect("the last job");
    assert_eq!(kind, COMPLETED);
    assert!(number(&done, "downtime") > Some(0));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_machine_where_it_was() {
    let lab = Lab::start();
    let source = lab.host(0).await;
    // Cancelled half-way.
    let moving = lab.migrate(0, "radius-1", 1, LIVE).await;
    source.abort_job(&moving.machine).await.expect("cancelled");
    let told = moving.task.await.expect("a task").expect_err("cancelled");
    assert!(told.contains("migration out: canceled by client"), "{told}");
    // The target's emulator dies.
    lab.control.target_dies_at(1, Some(200));
    let moving = lab.migrate(0, "radius-1", 1, LIVE).await;
    lab.control.advance(3_600_000);
    let told = moving.task.await.expect("a task").expect_err("it died");
    assert!(told.contains("Unable to write to socket"), "{told}");
    assert_eq!(lab.control.runs_on("radius-1"), [0]);
    assert!(lab.host(1).await.domain("radius-1").await.is_err(), "nothing is left of it");
    // The target loses power in the middle.
    lab.control.target_dies_at(1, None);
    let moving = lab.migrate(0, "radius-1", 1, LIVE).await;
    lab.control.power_loss(1);
    let told = moving.task.await.expect("a task").expect_err("nobody is there");
    assert!(told.contains("Unable to write to socket"), "{told}");
    assert_eq!(lab.control.runs_on("radius-1"), [0]);
    let told = perform(&source, &moving.machine, &lab.sim.uri(1), LIVE).await.expect_err("nobody is there");
    assert!(told.contains("Failed to connect to remote libvirt URI"), "{told}");
}

#[tokio::test]
async fn what_cannot_move_is_refused_before_anything_does() {
    let lab = Lab::start();
    let refusal = async |from: usize, vm: &str, to: usize, flags: u32| {
        let connection = lab.host(from).await;
        let domain = connection.domain(vm).await.expect("a machine");
        perform(&connection, &domain, &lab.sim.uri(to), flags).await.expect_err("refused")
    };
    let told = refusal(0, "dhcp-1", 1, LIVE).await;
    assert!(told.contains("Migration without shared storage is unsafe"), "{told}");
    let told = refusal(0, "dhcp-1", 1, LIVE | UNSAFE).await;
    assert!(told.contains("No such file or directory"), "{told}");
    let told = refusal(2, "probe-tap", 1, LIVE | NON_SHARED_DISK).await;
    assert!(told.contains("hostdev"), "{told}");
    let told = refusal(0, "acs-1", 1, LIVE | NON_SHARED_DISK).await;
    assert!(told.contains("3 snapshots"), "{told}");
    let told = refusal(0, "radius-1", 0, LIVE).await;
    assert!(told.contains("same host"), "{told}");
    let xml = "<domain type='kvm'><name>radius-1</name><memory>1024</memory><os><type>hvm</type></os></domain>";
    lab.host(1).await.define(xml, 0).await.expect("another of this name");
    let told = refusal(0, "radius-1", 1, LIVE).await;
    assert!(told.contains("domain 'radius-1' already exists with uuid"), "{told}");
    // With a copy of its disk it goes, and the copy is there afterwards.
    let moving = lab.migrate(0, "dhcp-1", 1, LIVE | NON_SHARED_DISK | PERSIST_DEST).await;
    lab.control.advance(3_600_000);
    moving.task.await.expect("a task").expect("moved");
    assert!(lab.control.has_file(1, "/var/lib/libvirt/images/dhcp-1.qcow2"));
    assert_eq!(lab.control.runs_on("dhcp-1"), [1]);
    assert_eq!(state(&lab.host(0).await, "dhcp-1").await, (5, 4), "defined still, off since it moved");
    let there = lab.host(1).await;
    let domain = there.domain("dhcp-1").await.expect("a machine");
    assert!(there.checkpoints(&domain).await.expect("an answer").is_empty(), "its checkpoints stayed behind");
}

#[tokio::test]
async fn a_definition_comes_back_as_it_was_given() {
    let lab = Lab::start();
    let connection = lab.host(1).await;
    let domain = connection.domain("build-1").await.expect("a machine");
    let xml = connection.xml(&domain, xml_flags::INACTIVE).await.expect("XML");
    let edited = xml
        .replace("<title>Build runner</title>", "<title>A &amp; B</title>")
        .replace("<vcpu placement='static'>8</vcpu>", "<vcpu placement='static'>2</vcpu>");
    assert_ne!(xml, edited);
    connection.define(&edited, 0).await.expect("defined");
    assert_eq!(connection.xml(&domain, xml_flags::INACTIVE).await.expect("XML"), edited);
    let clash = edited.replace("<name>build-1</name>", "<name>build-2</name>");
    assert!(refused(connection.define(&clash, 0).await).contains("is already defined with uuid"));
    assert!(refused(connection.define("<domain", 0).await).contains("domain_definition"));
    connection.undefine(&domain, 0).await.expect("gone");
    assert!(connection.domain("build-1").await.expect_err("gone").to_string().contains("no domain with matching name"));
}

#[tokio::test]
async fn hosts_fail_in_every_way() {
    let lab = Lab::start();
    let connection = lab.host(0).await;
    lab.control.restart(0);
    let cut = connection.hostname().await.expect_err("cut");
    assert!(cut.connection_lost() && !cut.refused(), "{cut}");
    assert_eq!(lab.host(0).await.domains(list::ACTIVE).await.expect("machines go on").len(), 7);
    lab.control.fault(0, HostFault::Down);
    let down = lab.open(0).await.expect_err("nobody is there");
    assert!(matches!(down.what, Failure::NotReached(_)), "{down}");
    lab.control.mend(0);
    lab.control.fault(0, HostFault::Garbage);
    let garbage = lab.open(0).await.expect_err("no packets");
    assert!(garbage.connection_lost() && garbage.to_string().contains("libvirt"), "{garbage}");
    lab.control.mend(0);
    lab.control.fault(0, HostFault::Sasl);
    let told = lab.open(0).await.expect_err("a login that is not spoken");
    assert!(matches!(&told.what, Failure::Login(ways) if ways == "SASL") && told.refused(), "{told}");
    lab.control.fault(0, HostFault::Polkit);
    let told = lab.open(0).await.expect_err("it says no");
    assert!(matches!(&told.what, Failure::Denied(why) if why.contains("denied by policy")), "{told}");
    assert!(told.refused());
    lab.control.mend(0);
    let connection = lab.host(0).await.with_limit(Duration::from_millis(300));
    lab.control.fault(0, HostFault::Hang);
    let late = connection.hostname().await.expect_err("it does not answer in time");
    assert!(matches!(late.what, Failure::TimedOut(_)) && late.uncertain(), "{late}");
    lab.control.mend(0);
    assert!(lab.host(0).await.hostname().await.is_ok());
}

#[tokio::test]
async fn the_folder_is_private_and_goes_with_the_hosts() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::start();
    let path = lab.sim.path(0);
    let folder = path.parent().and_then(Path::parent).expect("a folder").to_owned();
    assert_eq!(std::fs::metadata(&folder).expect("a folder").permissions().mode() & 0o777, 0o700);
    assert_eq!(lab.sim.config().len(), 3);
    drop(lab);
    assert!(!folder.exists());
}
