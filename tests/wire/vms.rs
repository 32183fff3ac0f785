//! Hosts of virtual machines from the wire to rows and verbs: simulated libvirt daemons, the real client,
//! poller, tracker, executor and store.

use noctule::config::schema::{Config, Share, Source, SourceKind};
use noctule::controllers::libvirt::client::{Connection, Hypervisor};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::procs::EventKind;
use noctule::model::command::{Intent, Outcome, Plan, Targets};
use noctule::model::page::Table;
use noctule::model::vm::VmRow;
use noctule::model::vm::state::{HostContact, Power, UptimeFrom};
use noctule::sim::libvirt::{HostFault, RunningVirt, VirtControl, VirtOptions, VirtSim};
use noctule::workers::asks;
use tokio::net::UnixStream;

use crate::rig::{Console, PATIENCE, folder, targets, until};

/// The hosts, in the simulator's order.
pub(crate) const HOSTS: [&str; 3] = ["kvm-alder-hill", "kvm-beacon-street", "kvm-birchfield"];

/// Three simulated hosts and one noctule that watches them.
pub(crate) struct Rig {
    pub(crate) control: VirtControl,
    pub(crate) console: Console,
    /// That of the first of two is the other's, too.
    sim: Option<RunningVirt>,
    /// With the cache, and where the two share consoles.
    _folders: Vec<tempfile::TempDir>,
}

impl Rig {
    /// Hosts are asked every so many seconds.
    pub(crate) fn start(poll_s: u64) -> Self {
        let sim = VirtSim::start(VirtOptions { speed: 20.0, ..VirtOptions::default() }).expect("hosts");
        let sources = Self::sources(&sim, poll_s, None);
        Self::over(sim.control(), sources, Some(sim))
    }

    fn sources(sim: &RunningVirt, poll_s: u64, share: Option<&Share>) -> Vec<Source> {
        let mut sources = sim.config();
        for source in &mut sources {
            let SourceKind::Libvirt(libvirt) = &mut source.kind else { panic!("{source:?}") };
            (libvirt.poll_s, libvirt.timeout_s, libvirt.share) = (poll_s, 5, share.cloned());
        }
        sources
    }

    fn over(control: VirtControl, sources: Vec<Source>, sim: Option<RunningVirt>) -> Self {
        let (folder, path) = folder();
        let console = Console::start(&Config { sources, ..Config::default() }, &path);
        Self { control, console, sim, _folders: vec![folder] }
    }

    /// Two noctules of one machine that watch the same hosts and share consoles. The hosts are gone with
    /// the first.
    pub(crate) async fn two() -> (Self, Self) {
        let sim = VirtSim::start(VirtOptions { speed: 20.0, ..VirtOptions::default() }).expect("hosts");
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("share").display().to_string();
        let sources = Self::sources(&sim, 1, Some(&Share { folder: place, group: None, idle_min: 10 }));
        let second = Self::over(sim.control(), sources.clone(), None);
        let mut first = Self::over(sim.control(), sources, Some(sim));
        first._folders.push(folder);
        for rig in [&first, &second] {
            until("twenty machines", || (rig.machines().len() == 20).then_some(())).await;
        }
        (first, second)
    }

    /// And all machines are known.
    pub(crate) async fn known(poll_s: u64) -> Self {
        let rig = Self::start(poll_s);
        until("twenty machines", || (rig.machines().len() == 20).then_some(())).await;
        rig
    }

    fn rows(&self) -> Vec<VmRow> {
        self.console.store.reader().unwrap().vms(&targets(Table::Vms, ""), usize::MAX).unwrap()
    }

    pub(crate) fn machines(&self) -> Vec<VmRow> {
        self.rows().into_iter().filter(|row| row.vm().is_some()).collect()
    }

    pub(crate) fn row(&self, vm: &str) -> Option<VmRow> {
        self.machines().into_iter().find(|row| row.name() == vm)
    }

    pub(crate) async fn until(&self, what: &str, vm: &str, is: impl Fn(&VmRow) -> bool) -> VmRow {
        until(what, || self.row(vm).filter(&is)).await
    }

    async fn until_power(&self, vm: &str, power: Power) -> VmRow {
        self.until(power.word(), vm, |row| row.vm().is_some_and(|vm| vm.power == power)).await
    }

    fn intent(command: &'static str, vm: &str, args: &[(&str, &str)]) -> Intent {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Intent { command, targets: Targets::Names(Table::Vms, vec![vm.to_owned()]), args, actor: "anna".into() }
    }

    pub(crate) async fn plan(&self, command: &'static str, vm: &str, args: &[(&str, &str)]) -> Result<Plan, String> {
        asks::plan(&self.console.store, &self.console.sources, &Self::intent(command, vm, args)).await
    }

    /// Runs a command that has been planned.
    pub(crate) async fn run(&self, command: &'static str, vm: &str, args: &[(&str, &str)]) -> Outcome {
        let plan = self.plan(command, vm, args).await;
        let plan = plan.unwrap_or_else(|why| panic!("{command} {vm} is not planned: {why}"));
        assert_eq!((plan.total, plan.phrase.as_str()), (1, vm), "{command}: {plan:?}");
        assert!(!plan.calls.is_empty(), "{command}: a plan shows what is called: {plan:?}");
        self.console.run(Self::intent(command, vm, args)).await
    }

    /// Runs one that succeeds.
    pub(crate) async fn good(&self, command: &'static str, vm: &str, args: &[(&str, &str)]) -> Outcome {
        let outcome = self.run(command, vm, args).await;
        assert_eq!((outcome.done, outcome.total), (1, 1), "{command} {vm}: {outcome:?}");
        outcome
    }

    /// Runs one that fails: why.
    pub(crate) async fn bad(&self, command: &'static str, vm: &str, args: &[(&str, &str)]) -> String {
        let outcome = self.run(command, vm, args).await;
        assert_eq!((outcome.done, outcome.errors.len()), (0, 1), "{command} {vm}: {outcome:?}");
        outcome.errors[0].1.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hosts_and_twenty_machines_are_in_the_cache_with_rates() {
    let rig = Rig::known(1).await;
    let rates = |row: &VmRow| {
        row.vm().is_some_and(|vm| vm.cpu_permille.is_some() && vm.write_rate.is_some() && vm.receive_rate.is_some())
    };
    let row = rig.until("rates, which take two polls", "kafka-1", rates).await;
    let vm = row.vm().unwrap();
    assert_eq!((&*row.source, vm.power, vm.vcpus), (HOSTS[0], Power::Running, 4));
    assert_eq!((vm.title.as_str(), vm.snapshots, vm.serial), ("Kafka broker 1", Some(2), true));
    assert_eq!(vm.disks.iter().map(|disk| (disk.target.as_str(), disk.backing)).collect::<Vec<_>>(), [("vda", 2)]);
    assert!(vm.memory_kib.is_some() && vm.disks[0].physical.is_some() && vm.autostart == Some(true), "{vm:?}");
    assert_eq!((row.host.contact, row.host.cpus, row.host.libvirt > 0), (HostContact::Up, 24, true));
    assert!(row.host.cpu_permille.is_some() && row.host.free_kib.is_some(), "{:?}", row.host);
    for (vm, power) in [("build-1", Power::Off), ("staging", Power::Paused), ("mail-relay", Power::Crashed)] {
        let row = rig.row(vm).expect(vm);
        let vm = row.vm().unwrap();
        assert_eq!((vm.power, vm.cpu_permille.unwrap_or(0)), (power, 0), "{vm:?}");
    }
    // A machine that was found running tells no more than that.
    assert_eq!(vm.since_from, UptimeFrom::Seen);
    rig.console.until_alarms("type=vm.crashed cleared=no", 1).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_down_keeps_its_machines_and_says_that_they_are_old() {
    let rig = Rig::known(1).await;
    rig.control.fault(2, HostFault::Down);
    let row = rig.until("the loss", "dns-1", |row| row.host.contact == HostContact::Down).await;
    assert_eq!(row.vm().unwrap().power, Power::Running, "what was known stays");
    assert!(row.host.answered < row.host.at && !row.host.trouble.is_empty(), "{:?}", row.host);
    assert_eq!(rig.machines().len(), 20);
    rig.console.until_alarms("type=source.unreachable cleared=no", 1).await;
    assert_eq!(rig.row("radius-1").unwrap().host.contact, HostContact::Up, "the others go on");
    assert!(rig.plan("vm.shutdown", "dns-1", &[]).await.is_ok(), "it can be planned …");
    let why = rig.bad("vm.shutdown", "dns-1", &[]).await;
    assert!(why.contains("no connection"), "… and says that nobody answers: {why}");
    rig.control.mend(2);
    rig.until("its return", "dns-1", |row| row.host.contact == HostContact::Up && row.host.trouble.is_empty()).await;
    rig.console.until_alarms("type=source.unreachable cleared=no", 0).await;
    // One that wants a login which is not spoken is no host that is down.
    rig.control.fault(2, HostFault::Sasl);
    rig.control.restart(2);
    let row = rig.until("the refusal", "dns-1", |row| row.host.contact == HostContact::Refused).await;
    assert!(row.host.trouble.contains("SASL") && row.host.trouble.contains("ssh"), "{}", row.host.trouble);
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_wakes_the_poller() {
    // Nobody asks for an hour: only what a host tells by itself brings news.
    let rig = Rig::known(3600).await;
    assert!(rig.control.kill(2, "dns-1"));
    rig.until_power("dns-1", Power::Off).await;
    assert!(rig.control.crash(0, "dhcp-1"));
    rig.until_power("dhcp-1", Power::Crashed).await;
    rig.console.until_alarms("type=vm.crashed cleared=no", 2).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_verbs_are_done_and_read_back() {
    let rig = Rig::known(3600).await;
    // That a guest boots again is no state that could be read back: its host tells it.
    let stream = UnixStream::connect(rig.sim.as_ref().unwrap().path(2)).await.unwrap();
    let host = Connection::open(stream, "sim", &Hypervisor::default(), PATIENCE).await.unwrap();
    let mut events = host.events();
    host.watch(EventKind::Reboot, None).await.unwrap();
    for (command, power, boots) in [
        ("vm.suspend", Power::Paused, false),
        ("vm.resume", Power::Running, false),
        ("vm.reset", Power::Running, true),
        ("vm.reboot", Power::Running, true),
        ("vm.shutdown", Power::Off, false),
        ("vm.start", Power::Running, false),
        ("vm.force-off", Power::Off, false),
    ] {
        rig.good(command, "dns-1", &[]).await;
        rig.until_power("dns-1", power).await;
        if boots {
            let told = tokio::time::timeout(PATIENCE, events.recv()).await.expect(command).unwrap();
            assert!(matches!(&told, Event::Reboot(of) if of.domain.name == "dns-1"), "{command}: {told:?}");
        }
        assert!(events.is_empty(), "{command}: it booted once, and only when it was to");
    }
    // What cannot be is not even planned for.
    let plan = rig.plan("vm.suspend", "dns-1", &[]).await.expect("a plan that says why not");
    assert_eq!(plan.total, 0, "{plan:?}");
    rig.good("vm.autostart", "dns-1", &[("on", "no")]).await;
    rig.until("by hand", "dns-1", |row| row.vm().is_some_and(|vm| vm.autostart == Some(false))).await;
    rig.control.start_fails(2, Some("cannot allocate memory"));
    assert!(rig.bad("vm.start", "dns-1", &[]).await.contains("cannot allocate memory"));
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deaf_guest_is_waited_for_and_force_is_offered() {
    let rig = Rig::known(1).await;
    let why = rig.bad("vm.shutdown", "pbx-old", &[("timeout", "1s")]).await;
    assert!(why.contains("ignores") && why.contains("vm.force-off"), "{why}");
    assert_eq!(rig.row("pbx-old").unwrap().vm().unwrap().power, Power::Running, "nothing else was done to it");
    let plan = rig.plan("vm.force-off", "pbx-old", &[]).await.unwrap();
    assert!(plan.irreversible.iter().any(|line| line.contains("not written")), "{plan:?}");
    rig.good("vm.force-off", "pbx-old", &[]).await;
    rig.until_power("pbx-old", Power::Off).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_taken_gone_back_to_and_deleted() {
    let rig = Rig::known(3600).await;
    let count = |row: &VmRow| row.vm().and_then(|vm| vm.snapshots);
    let name = [("name", "before"), ("kind", "internal")];
    let plan = rig.plan("vm.snapshot", "dns-1", &name).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("stands still")), "{plan:?}");
    assert!(rig.good("vm.snapshot", "dns-1", &name).await.summary.contains("snapshot"));
    rig.until("one snapshot", "dns-1", |row| count(row) == Some(1)).await;
    let why = rig.plan("vm.snapshot", "dns-1", &name).await.expect_err("its name is taken");
    assert!(why.contains("before"), "{why}");
    let why = rig.plan("vm.snapshot-revert", "dns-1", &[("name", "elsewhere")]).await.expect_err("there is none");
    assert!(why.contains("`elsewhere`") && why.contains("before"), "{why}");
    let plan = rig.plan("vm.snapshot-revert", "dns-1", &[("name", "before")]).await.unwrap();
    assert!(!plan.irreversible.is_empty(), "{plan:?}");
    rig.good("vm.snapshot-revert", "dns-1", &[("name", "before")]).await;
    let back = |row: &VmRow| row.vm().is_some_and(|vm| vm.power == Power::Running && vm.reason == "from snapshot");
    rig.until("it is back", "dns-1", back).await;
    rig.good("vm.snapshot-delete", "dns-1", &[("name", "before")]).await;
    rig.until("none", "dns-1", |row| count(row) == Some(0)).await;
    // This libvirt cannot go back to one beside the image, and says so before it is tried.
    let why = rig.plan("vm.snapshot-revert", "kafka-1", &[("name", "after-upgrade")]).await.expect_err("refused");
    assert!(why.contains("files of its own") && why.contains("restore a backup"), "{why}");
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_is_compared_taken_and_forgotten() {
    let rig = Rig::known(3600).await;
    let xml = "<domain type='kvm'><name>new-1</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>\
               <os><type arch='x86_64'>hvm</type></os></domain>";
    let args = [("xml", xml)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let on = Targets::Names(Table::Sources, vec![HOSTS[2].to_owned()]);
    let wish = Intent { command: "vm.define", targets: on, args, actor: "anna".into() };
    let plan = asks::plan(&rig.console.store, &rig.console.sources, &wish).await.unwrap();
    assert!(plan.diff.iter().any(|line| line.contains("<name>new-1</name>")), "{plan:?}");
    let outcome = rig.console.run(wish).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    let row = rig.until("the new one", "new-1", |_| true).await;
    assert_eq!((&*row.source, row.vm().unwrap().power), (HOSTS[2], Power::Off));
    rig.good("vm.undefine", "new-1", &[("disks", "keep")]).await;
    until("it is forgotten", || rig.row("new-1").is_none().then_some(())).await;
    rig.console.stop().await;
}

/// Two machines with one disk: to delete it with one of them would pull it from under the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_another_machine_has_is_not_deleted() {
    let rig = Rig::known(3600).await;
    for name in ["new-1", "new-2"] {
        let xml = format!(
            "<domain type='kvm'><name>{name}</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64'>hvm</type></os><devices><disk type='file' device='disk'>\
             <driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/both.qcow2'/>\
             <target dev='vda' bus='virtio'/></disk></devices></domain>"
        );
        let args = [("xml".to_owned(), xml)].into();
        let on = Targets::Names(Table::Sources, vec![HOSTS[2].to_owned()]);
        let outcome = rig.console.run(Intent { command: "vm.define", targets: on, args, actor: "anna".into() }).await;
        assert_eq!(outcome.done, 1, "{outcome:?}");
        rig.until("the new one", name, |_| true).await;
    }
    let why = rig.bad("vm.undefine", "new-1", &[("disks", "delete")]).await;
    assert!(why.contains("both.qcow2 is a disk of new-2 as well"), "{why}");
    assert!(rig.row("new-1").is_some());
    rig.good("vm.undefine", "new-1", &[("disks", "keep")]).await;
    until("it is forgotten", || rig.row("new-1").is_none().then_some(())).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_restarts_in_the_middle_loses_nothing() {
    let rig = Rig::known(1).await;
    // It takes the call and answers nothing: what became of it is not known, and it says so.
    rig.control.fault(2, HostFault::Hang);
    let why = rig.bad("vm.suspend", "dns-1", &[]).await;
    assert!(why.contains("no answer") || why.contains("may have been"), "{why}");
    rig.until("the silence", "dns-1", |row| row.host.contact == HostContact::Down).await;
    rig.control.mend(2);
    let before = rig.row("dns-1").unwrap().host.at;
    rig.control.restart(2);
    let since = |row: &VmRow| row.host.contact == HostContact::Up && row.host.at > before;
    let row = rig.until("a look after it", "dns-1", since).await;
    assert_eq!(rig.machines().len(), 20);
    let (verb, then) = match row.vm().unwrap().power {
        Power::Running => ("vm.suspend", Power::Paused),
        _ => ("vm.resume", Power::Running),
    };
    rig.good(verb, "dns-1", &[]).await;
    rig.until_power("dns-1", then).await;
    rig.console.stop().await;
}
