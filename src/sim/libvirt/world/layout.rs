//! The demo's three hosts and twenty machines: what runs a fibre access network beside the network
//! itself, and everything that makes an operator's day longer.

use super::files::Image;
use super::vm::{Checkpoint, Disk, Display, Load, Memory, Nic, Snapshot, State, Vm, reason};
use super::{Host, SECOND, World, xml};
use crate::sim::libvirt::world::{Files, Wrongs};

const GIB: u64 = 1 << 30;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// What is special about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Plain,
    Off,
    Paused,
    Crashed,
    /// Three snapshots inside its image.
    Internal,
    /// A chain of two overlays.
    External,
    /// Its last snapshot was deleted by hand: the overlay is left and nobody knows of it.
    Orphan,
    /// Backed up last night, and every hour since.
    BackedUp,
    /// Backed up weeks ago.
    Stale,
    Deaf,
    HostDevice,
    Password,
    Spice,
    /// Its disk is on the shared storage: it can move.
    Shared,
    /// Two serial lines.
    TwoLines,
}

/// Host, name, title, virtual CPUs, memory MiB, disk GiB, busy permille, days of uptime, story.
type Plan = (usize, &'static str, &'static str, u32, u64, u64, u32, u32, Story);

const PLANS: [Plan; 20] = [
    (0, "radius-1", "RADIUS, first", 2, 2_048, 16, 180, 41, Story::Shared),
    (0, "dhcp-1", "DHCP for all OLTs", 2, 1_024, 10, 90, 41, Story::BackedUp),
    (0, "voltha-core", "VOLTHA stack 1", 8, 16_384, 80, 420, 12, Story::Shared),
    (0, "kafka-1", "Kafka broker 1", 4, 8_192, 200, 350, 12, Story::External),
    (0, "acs-1", "GenieACS", 4, 6_144, 60, 240, 30, Story::Internal),
    (0, "syslog-1", "Syslog and flows", 4, 4_096, 400, 310, 88, Story::Stale),
    (0, "jump-win", "Windows jump host", 2, 4_096, 60, 60, 3, Story::Spice),
    (1, "radius-2", "RADIUS, second", 2, 2_048, 16, 120, 44, Story::Shared),
    (1, "kafka-2", "Kafka broker 2", 4, 8_192, 200, 330, 12, Story::Orphan),
    (1, "metrics-1", "Prometheus", 4, 12_288, 300, 380, 60, Story::BackedUp),
    (1, "portal", "Customer portal", 4, 4_096, 40, 210, 9, Story::Password),
    (1, "billing-db", "PostgreSQL of billing", 8, 32_768, 500, 460, 120, Story::BackedUp),
    (1, "mail-relay", "Mail relay", 1, 1_024, 20, 40, 120, Story::Crashed),
    (1, "build-1", "Build runner", 8, 8_192, 120, 20, 0, Story::Off),
    (2, "dns-1", "Resolver", 2, 1_024, 8, 150, 88, Story::Plain),
    (2, "probe-tap", "Line-rate probe", 8, 16_384, 40, 610, 5, Story::HostDevice),
    (2, "pbx-old", "Old telephone system", 1, 512, 8, 30, 412, Story::Deaf),
    (2, "router-lab", "Virtual router, lab", 2, 2_048, 4, 110, 2, Story::TwoLines),
    (2, "staging", "Staging of the portal", 2, 2_048, 40, 0, 6, Story::Paused),
    (2, "template-deb12", "Template, do not start", 1, 1_024, 8, 0, 0, Story::Off),
];

/// Name, last byte of the UUID, CPUs, memory GiB, uptime days.
const HOSTS: [(&str, u8, u32, u64, i64); 3] = [
    ("kvm-alder-hill", 0xa1, 24, 96, 131),
    ("kvm-beacon-street", 0xb2, 32, 128, 131),
    ("kvm-birchfield", 0xc3, 16, 64, 412),
];

/// Fills a world.
pub(super) fn fill(world: &mut World, seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed ^ 0x76_6d73);
    for (name, last, cpus, gib, days) in HOSTS {
        let mut uuid = [0x4e; 16];
        dice.fill(&mut uuid);
        uuid[15] = last;
        versioned(&mut uuid);
        world.hosts.push(Host {
            name: name.to_owned(),
            uuid,
            cpus,
            mhz: 2_400,
            memory_kib: gib << 20,
            cpu: if cpus > 16 { "EPYC-Rome" } else { "Broadwell-noTSX-IBRS" },
            vms: Vec::new(),
            files: Files::default(),
            next_id: 1,
            wrongs: Wrongs::default(),
            booted: -days * DAY,
        });
    }
    for plan in PLANS {
        machine(world, &plan, &mut dice);
    }
    // The template of all: many a disk began as its copy.
    world.put(2, "/var/lib/libvirt/images/debian-12-generic.iso", Image::new("raw", 660 << 20, 660 << 20));
}

/// A random UUID as those of machines look.
const fn versioned(uuid: &mut [u8; 16]) {
    uuid[6] = 0x40 | (uuid[6] & 0x0f);
    uuid[8] = 0x80 | (uuid[8] & 0x3f);
}

fn machine(world: &mut World, plan: &Plan, dice: &mut fastrand::Rng) {
    let (host, name, title, vcpus, memory_mib, disk_gib, busy, days, story) = *plan;
    let mut uuid = [0; 16];
    dice.fill(&mut uuid);
    versioned(&mut uuid);
    let mut vm = Vm::new(name, uuid);
    vm.title = title.to_owned();
    vm.vcpus = vcpus;
    vm.memory_kib = memory_mib << 10;
    vm.autostart = !matches!(story, Story::Off | Story::Paused | Story::Spice);
    vm.machine = if story == Story::Deaf { "pc-i440fx-2.8" } else { "pc-i440fx-7.2" }.to_owned();
    vm.load = load(busy, dice);
    vm.deaf = story == Story::Deaf;
    vm.serials = match story {
        Story::TwoLines => 2,
        Story::Spice => 0,
        _ => 1,
    };
    vm.host_device = (story == Story::HostDevice).then(|| "0000:3b:00.1".to_owned());
    vm.display = match story {
        Story::Spice => Display::Spice,
        Story::Password => Display::VncSocket { password: Some("portal12".to_owned()) },
        Story::Deaf | Story::Plain => Display::VncPort { password: None },
        _ => Display::VncSocket { password: None },
    };
    let bridge = if matches!(story, Story::TwoLines | Story::Paused) { "br-lab" } else { "br-mgmt" };
    vm.nics.push(nic(bridge, dice));
    if vcpus >= 4 {
        vm.nics.push(nic("br-data", dice));
    }
    let folder = if story == Story::Shared { "/srv/vm-shared" } else { "/var/lib/libvirt/images" };
    let path = format!("{folder}/{name}.qcow2");
    let full = disk_gib * GIB;
    let held = full / 100 * u64::from(dice.u32(22..71));
    world.put(host, &path, Image::new("qcow2", full, held));
    vm.disks.push(disk("vda", &path, 1));
    if story == Story::Spice {
        vm.disks.push(Disk { target: "sda".into(), device: "cdrom".into(), bus: "sata".into(), ..disk("", "", 2) });
    }
    if matches!(name, "billing-db" | "metrics-1") {
        let data = format!("{folder}/{name}-data.qcow2");
        world.put(host, &data, Image::new("qcow2", 2 * full, full));
        vm.disks.push(disk("vdb", &data, 2));
    }
    live(world, host, &mut vm, story, i64::from(days), dice);
    remember(world, host, &mut vm, story);
    if let Some(host) = world.hosts.get_mut(host) {
        host.vms.push(vm);
    }
}

fn load(busy: u32, dice: &mut fastrand::Rng) -> Load {
    let cpu = f64::from(busy) / 1_000.0;
    let near = |mean: f64, dice: &mut fastrand::Rng| mean * dice.f64().mul_add(0.6, 0.7);
    Load {
        cpu,
        memory: dice.f64().mul_add(0.5, 0.4),
        read: near(cpu * 900e3, dice),
        write: near(cpu * 3_200e3, dice),
        receive: near(cpu * 1_900e3, dice),
        send: near(cpu * 1_400e3, dice),
        phase: dice.f64() * std::f64::consts::TAU,
    }
}

fn nic(bridge: &str, dice: &mut fastrand::Rng) -> Nic {
    let [a, b, c] = [dice.u8(..), dice.u8(..), dice.u8(..)];
    Nic { kind: "bridge".into(), source: bridge.into(), mac: format!("52:54:00:{a:02x}:{b:02x}:{c:02x}") }
}

fn disk(target: &str, source: &str, index: u32) -> Disk {
    Disk {
        target: target.into(),
        device: "disk".into(),
        bus: "virtio".into(),
        format: if source.is_empty() { "raw" } else { "qcow2" }.into(),
        source: source.into(),
        readonly: source.is_empty(),
        index,
    }
}

/// The state that it is in at the start.
fn live(world: &mut World, host: usize, vm: &mut Vm, story: Story, days: i64, dice: &mut fastrand::Rng) {
    if story == Story::Off {
        vm.reason = if vm.name == "build-1" { reason::OFF_SHUTDOWN } else { reason::OFF_UNKNOWN };
        return;
    }
    let up = -(days * DAY) - dice.i64(0..DAY);
    vm.started = up;
    vm.booted = up;
    vm.run = world.number();
    if let Some(host) = world.hosts.get_mut(host) {
        vm.id = Some(host.next_id);
        host.next_id += 1;
    }
    (vm.state, vm.reason) = match story {
        Story::Paused => (State::Paused, reason::PAUSED_USER),
        Story::Crashed => (State::Crashed, reason::CRASHED_PANICKED),
        _ => (State::Running, reason::RUNNING_BOOTED),
    };
    match story {
        // They stopped some hours ago.
        Story::Paused | Story::Crashed => vm.ran_us = -up - 7 * HOUR,
        _ => vm.running_since = Some(up),
    }
}

/// Its snapshots and backups.
fn remember(world: &mut World, host: usize, vm: &mut Vm, story: Story) {
    let path = vm.disks.first().map(|d| d.source.clone()).unwrap_or_default();
    match story {
        Story::Internal => {
            let before = [("before-1.2.9", "Before the update", 26), ("1.2.9-ok", "", 25), ("before-presets", "", 6)];
            let mut parent = None;
            for (name, text, days) in before {
                let kept = snapshot(world, vm, (name, text), -days * DAY, parent.take(), Memory::Internal);
                vm.snapshots.push(Snapshot { disks: vec![("vda".into(), None)], ..kept });
                parent = Some(name.to_owned());
            }
            vm.current = parent;
        }
        Story::External => {
            let mut parent = None;
            let mut below = path;
            for (name, days) in [("before-upgrade", 13), ("after-upgrade", 11)] {
                let kept = snapshot(world, vm, (name, ""), -days * DAY, parent.take(), Memory::No);
                let overlay = below.rsplit_once('.').map_or(below.as_str(), |(stem, _)| stem).to_owned();
                let overlay = format!("{overlay}.{name}");
                let size = world.image(host, &below).map_or(0, |i| i.capacity);
                let image = Image { backing: Some(below), ..Image::new("qcow2", size, 9 * GIB) };
                world.put(host, &overlay, image);
                let disks = vec![("vda".to_owned(), Some(overlay.clone()))];
                vm.snapshots.push(Snapshot { disks, state: "disk-snapshot", ..kept });
                if let Some(disk) = vm.disk_mut("vda") {
                    disk.source = overlay.clone();
                    disk.index += 1;
                }
                below = overlay;
                parent = Some(name.to_owned());
            }
            vm.current = parent;
        }
        Story::Orphan => {
            let left = format!("{}.pre-rebalance", path.trim_end_matches(".qcow2"));
            let size = world.image(host, &path).map_or(0, |i| i.capacity);
            world.put(host, &left, Image { backing: Some(path), ..Image::new("qcow2", size, 21 * GIB) });
        }
        Story::BackedUp => {
            let hours = [("full", 7 * HOUR), ("01", 6 * HOUR), ("02", 5 * HOUR), ("03", 70 * 60 * SECOND)];
            backups(world, host, vm, &hours);
        }
        Story::Stale => backups(world, host, vm, &[("full", 33 * DAY)]),
        Story::Plain => backups(world, host, vm, &[("full", 9 * DAY), ("01", 2 * DAY)]),
        _ => {}
    }
}

fn snapshot(
    world: &World,
    vm: &Vm,
    (name, text): (&str, &str),
    at: i64,
    parent: Option<String>,
    memory: Memory,
) -> Snapshot {
    Snapshot {
        name: name.to_owned(),
        description: text.to_owned(),
        created: world.clock(at),
        parent,
        state: "running",
        memory,
        disks: Vec::new(),
        domain_xml: xml::domain(world, 0, vm, false, true),
        sources: vm.disks.iter().map(|d| (d.target.clone(), d.source.clone())).collect(),
    }
}

/// Backups of so long ago, the first a full one.
fn backups(world: &mut World, host: usize, vm: &mut Vm, ago: &[(&str, i64)]) {
    let mut parent: Option<String> = None;
    let mut chain = String::new();
    for (part, ago) in ago {
        let created = world.clock(-ago);
        let name = format!("noctule-{created}");
        if parent.is_none() {
            chain = created.to_string();
        }
        for disk in vm.disks.iter().filter(|d| d.device == "disk") {
            let held = world.image(host, &disk.source).cloned();
            let (size, held) = held.map_or((0, 0), |i| (i.capacity, i.allocation));
            let held = if parent.is_none() { held } else { held / 60 };
            let file = format!("/var/lib/libvirt/backups/{}/{chain}/{}.{part}.qcow2", vm.name, disk.target);
            world.put(host, &file, Image::new("qcow2", size, held));
        }
        let disks = vm.disks.iter().filter(|d| d.device == "disk").map(|d| d.target.clone()).collect();
        vm.checkpoints.push(Checkpoint { name: name.clone(), created, parent: parent.replace(name), disks });
    }
}
