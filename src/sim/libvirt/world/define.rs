//! What a definition says: read as libvirt reads it, as far as this world has it. What it has not is
//! left out, as a libvirt that knows less would say when it is asked again.

use super::vm::{Disk, Display, Nic, Vm};
use super::{Happened, Refusal, World, life, origin};
use crate::controllers::libvirt::flags::undefine;
use crate::controllers::libvirt::xml::XmlError;
use crate::controllers::libvirt::xml::tree::{self, Node};

/// Reads what somebody sent; `what` is how libvirt calls it, `root` the element that it has to be.
///
/// # Errors
/// It is no XML, or another element.
pub(super) fn document(xml: &str, what: &str, root: &str) -> Result<Node, Refusal> {
    tree::read(xml, root).map_err(|error| match error {
        XmlError::Other { .. } => wrong(&format!("unexpected root element, expecting <{root}>")),
        XmlError::Broken { why, .. } => Refusal::new(35, origin::DOMAIN, format!("({what}):1: {why}")),
        other => Refusal::new(35, origin::DOMAIN, format!("({what}):1: {other}")),
    })
}

fn wrong(what: &str) -> Refusal {
    Refusal::new(27, origin::DOMAIN, format!("XML error: {what}"))
}

/// A text that is there; an empty one says nothing.
pub(super) fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The disks that a snapshot, a checkpoint or a backup names.
pub(super) fn disks(root: &Node) -> impl Iterator<Item = &Node> {
    root.child("disks").into_iter().flat_map(|disks| disks.all("disk"))
}

/// KiB of a `<memory>` element.
fn kib(element: &Node) -> u64 {
    let number: u64 = element.text.parse().unwrap_or(0);
    match element.attr("unit") {
        "b" | "bytes" => number >> 10,
        "M" | "MiB" => number << 10,
        "G" | "GiB" => number << 20,
        _ => number,
    }
}

/// What a definition says a machine is: off, of a new UUID when it names none.
///
/// # Errors
/// It is no XML, or no machine.
pub(crate) fn read(xml: &str, dice: &mut fastrand::Rng) -> Result<Vm, Refusal> {
    let root = document(xml, "domain_definition", "domain")?;
    let Some(name) = given(root.text_at(&["name"])) else {
        return Err(Refusal::new(21, origin::DOMAIN, "missing name information".to_owned()));
    };
    let uuid = match root.text_at(&["uuid"]) {
        "" => {
            let mut uuid = [0; 16];
            dice.fill(&mut uuid);
            uuid::Builder::from_random_bytes(uuid).into_uuid()
        }
        text => uuid::Uuid::parse_str(text).map_err(|_| wrong("malformed uuid element"))?,
    };
    let mut vm = Vm::new(&name, uuid.into_bytes());
    root.text_at(&["title"]).clone_into(&mut vm.title);
    root.text_at(&["description"]).clone_into(&mut vm.description);
    let memory = root.child("memory").map(kib).filter(|kib| *kib > 0);
    vm.memory_kib = memory.ok_or_else(|| wrong("missing memory element"))?;
    vm.vcpus = root.text_at(&["vcpu"]).parse().ok().filter(|n| (1..=255).contains(n)).unwrap_or(1);
    match root.attr_at(&["os", "type"], "machine") {
        "" => {}
        "pc" => "pc-i440fx-7.2".clone_into(&mut vm.machine),
        machine => machine.clone_into(&mut vm.machine),
    }
    if let Some(model) = given(root.text_at(&["cpu", "model"])) {
        vm.cpu = model;
    }
    let none = Node::default();
    let devices = root.child("devices").unwrap_or(&none);
    for disk in devices.all("disk") {
        let of = |child: &str, name: &str| given(disk.attr_at(&[child], name));
        let device = given(disk.attr("device")).unwrap_or_else(|| "disk".to_owned());
        vm.disks.push(Disk {
            target: of("target", "dev").ok_or_else(|| wrong("No <target> specified for disk"))?,
            bus: of("target", "bus").unwrap_or_else(|| "virtio".to_owned()),
            format: of("driver", "type").unwrap_or_else(|| "raw".to_owned()),
            source: of("source", "file").unwrap_or_default(),
            readonly: device == "cdrom" || disk.child("readonly").is_some(),
            index: vm.disks.len() as u32 + 1,
            device,
        });
    }
    for nic in devices.all("interface") {
        let kind = given(nic.attr("type")).unwrap_or_else(|| "bridge".to_owned());
        let made = || format!("52:54:00:{:02x}:{:02x}:{:02x}", dice.u8(..), dice.u8(..), dice.u8(..));
        let mac = given(nic.attr_at(&["mac"], "address")).unwrap_or_else(made);
        vm.nics.push(Nic { source: nic.attr_at(&["source"], &kind).to_owned(), mac, kind });
    }
    vm.serials = devices.all("serial").count().max(devices.all("console").count().min(1));
    vm.display = devices.child("graphics").map_or(Display::None, display);
    vm.host_device = devices.child("hostdev").map(|device| {
        let part = |name: &str| match device.attr_at(&["source", "address"], name) {
            "" => "00",
            part => part.trim_start_matches("0x"),
        };
        format!("{:0>4}:{}:{}.{}", part("domain"), part("bus"), part("slot"), part("function"))
    });
    Ok(vm)
}

fn display(graphics: &Node) -> Display {
    let password = given(graphics.attr("passwd"));
    match graphics.attr("type") {
        "vnc" if !graphics.attr("socket").is_empty() || graphics.attr_at(&["listen"], "type") == "socket" => {
            Display::VncSocket { password }
        }
        "vnc" => Display::VncPort { password },
        "spice" => Display::Spice,
        _ => Display::None,
    }
}

impl World {
    /// Defines a machine, a new one or anew.
    ///
    /// # Errors
    /// It cannot be read, or its name or UUID is another's.
    pub(crate) fn define(&mut self, host: usize, xml: &str) -> Result<[u8; 16], Refusal> {
        let mut dice = fastrand::Rng::with_seed(self.number() ^ 0x6465_6669_6e65);
        let new = read(xml, &mut dice)?;
        self.fits(host, &new)?;
        let uuid = new.uuid;
        let detail = if let Ok(old) = self.vm_mut(host, &uuid) {
            take_over(old, new);
            1
        } else {
            self.host_mut(host)?.vms.push(new);
            0
        };
        self.tell(host, &uuid, Happened::Lifecycle { event: life::DEFINED, detail });
        Ok(uuid)
    }

    /// A machine of this name and UUID is no other's.
    pub(super) fn fits(&self, host: usize, new: &Vm) -> Result<(), Refusal> {
        for vm in &self.host(host)?.vms {
            if vm.uuid == new.uuid && vm.name != new.name {
                let words = format!("domain '{}' is already defined with uuid {}", vm.name, vm.uuid_text());
                return Err(Refusal { domain: origin::DOMAIN, ..Refusal::failed(&words) });
            }
            if vm.uuid != new.uuid && vm.name == new.name {
                let words = format!("domain '{}' already exists with uuid {}", vm.name, vm.uuid_text());
                return Err(Refusal { domain: origin::DOMAIN, ..Refusal::failed(&words) });
            }
        }
        Ok(())
    }

    /// Removes the definition; a machine that runs goes on until it is off.
    ///
    /// # Errors
    /// It has what would be lost, and the flags do not say that it may be.
    pub(crate) fn undefine(&mut self, host: usize, uuid: &[u8; 16], flags: u32) -> Result<(), Refusal> {
        let vm = self.vm_mut(host, uuid)?;
        vm.must_stay()?;
        if !vm.persistent {
            return Err(Refusal::invalid("cannot undefine transient domain"));
        }
        if !vm.active() {
            if !vm.snapshots.is_empty() && flags & undefine::SNAPSHOTS_METADATA == 0 {
                let n = vm.snapshots.len();
                return Err(Refusal::invalid(&format!("cannot delete inactive domain with {n} snapshots")));
            }
            if !vm.checkpoints.is_empty() && flags & undefine::CHECKPOINTS_METADATA == 0 {
                let n = vm.checkpoints.len();
                return Err(Refusal::invalid(&format!("cannot delete inactive domain with {n} checkpoints")));
            }
        }
        let named = vm.named();
        vm.persistent = false;
        vm.autostart = false;
        if !vm.active() {
            self.host_mut(host)?.vms.retain(|vm| vm.uuid != *uuid);
        }
        self.tell_of(host, named, Happened::Lifecycle { event: life::UNDEFINED, detail: 0 });
        Ok(())
    }
}

/// What is defined anew; what is known of the machine otherwise stays. While it runs, only what does not
/// need a restart is taken over: this world knows one definition of a machine, not two.
fn take_over(old: &mut Vm, new: Vm) {
    old.persistent = true;
    old.title = new.title;
    old.description = new.description;
    if old.active() {
        return;
    }
    old.memory_kib = new.memory_kib;
    old.vcpus = new.vcpus;
    old.machine = new.machine;
    old.cpu = new.cpu;
    old.disks = new.disks;
    old.nics = new.nics;
    old.display = new.display;
    old.serials = new.serials;
    old.host_device = new.host_device;
}
