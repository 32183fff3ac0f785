//! What a definition says: read as libvirt reads it, as far as this world has it. What it has not is
//! left out, as a libvirt that knows less would say when it is asked again.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::vm::{Disk, Display, Nic, Vm};
use super::{Happened, Refusal, World, life, origin};
use crate::controllers::libvirt::flags::undefine;

/// Elements with their attributes and their text, by their path (`domain/devices/disk`).
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) path: String,
    attributes: Vec<(String, String)>,
    pub(crate) text: String,
    /// The element that it stands in.
    pub(crate) parent: usize,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// A document, flat: every element knows the number of its parent.
#[derive(Debug, Default)]
pub(crate) struct Document(pub(crate) Vec<Element>);

fn broken(what: &str, why: &str) -> Refusal {
    Refusal::new(35, origin::DOMAIN, format!("({what}):1: {why}"))
}

impl Document {
    /// Reads XML; `what` is how libvirt calls what it reads.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(xml: &str, what: &str) -> Result<Self, Refusal> {
        let mut reader = Reader::from_str(xml);
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            match reader.read_event() {
                Err(e) => return Err(broken(what, &e.to_string())),
                Ok(Event::Eof) => break,
                Ok(Event::Start(start)) => {
                    let element = element(&start, &elements, &open);
                    open.push(elements.len());
                    elements.push(element);
                }
                Ok(Event::Empty(start)) => elements.push(element(&start, &elements, &open)),
                Ok(Event::End(_)) => {
                    open.pop();
                }
                Ok(Event::Text(text)) => {
                    if let Some(at) = open.last().and_then(|at| elements.get_mut(*at)) {
                        at.text.push_str(text.as_ref());
                    }
                }
                Ok(Event::GeneralRef(name)) => {
                    let text = reference(name.as_ref());
                    if let Some(at) = open.last().and_then(|at| elements.get_mut(*at)) {
                        at.text.push_str(&text);
                    }
                }
                Ok(_) => {}
            }
        }
        if !open.is_empty() || elements.is_empty() {
            return Err(broken(what, "Premature end of data"));
        }
        for element in &mut elements {
            element.text = element.text.trim().to_owned();
        }
        Ok(Self(elements))
    }

    /// Elements of a path, with their numbers.
    pub(crate) fn all<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (usize, &'a Element)> {
        self.0.iter().enumerate().filter(move |(_, e)| e.path == path)
    }

    /// The first of a path.
    pub(crate) fn first(&self, path: &str) -> Option<&Element> {
        self.0.iter().find(|e| e.path == path)
    }

    /// Its text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.first(path).map(|e| e.text.as_str()).filter(|t| !t.is_empty())
    }

    /// A child of an element.
    pub(crate) fn child(&self, parent: usize, name: &str) -> Option<&Element> {
        let ends = |e: &&Element| e.parent == parent && e.path.rsplit('/').next() == Some(name);
        self.0.iter().skip(parent + 1).find(ends)
    }
}

fn element(start: &BytesStart<'_>, before: &[Element], open: &[usize]) -> Element {
    let name = start.name().as_ref().to_owned();
    let parent = open.last().copied();
    let path = match parent.and_then(|at| before.get(at)) {
        Some(above) => format!("{}/{name}", above.path),
        None => name,
    };
    let attributes = start.attributes().flatten().map(|a| {
        let value =
            quick_xml::escape::unescape(&a.value).map_or_else(|_| a.value.to_string(), std::borrow::Cow::into_owned);
        (a.key.as_ref().to_owned(), value)
    });
    Element { path, attributes: attributes.collect(), text: String::new(), parent: parent.unwrap_or(usize::MAX) }
}

fn reference(name: &str) -> String {
    let text = format!("&{name};");
    quick_xml::escape::unescape(&text).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// KiB of a `<memory>` element.
fn kib(element: &Element) -> u64 {
    let number: u64 = element.text.parse().unwrap_or(0);
    match element.attribute("unit").unwrap_or("KiB") {
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
    let doc = Document::read(xml, "domain_definition")?;
    let missing = |what: &str| Refusal::new(27, origin::DOMAIN, format!("XML error: {what}"));
    if doc.first("domain").is_none() {
        return Err(missing("unexpected root element, expecting <domain>"));
    }
    let Some(name) = doc.text("domain/name") else {
        return Err(Refusal::new(21, origin::DOMAIN, "missing name information".to_owned()));
    };
    let uuid = if let Some(text) = doc.text("domain/uuid") {
        *uuid::Uuid::parse_str(text).map_err(|_| missing("malformed uuid element"))?.as_bytes()
    } else {
        let mut uuid = [0; 16];
        dice.fill(&mut uuid);
        *uuid::Builder::from_random_bytes(uuid).into_uuid().as_bytes()
    };
    let mut vm = Vm::new(name, uuid);
    vm.title = doc.text("domain/title").unwrap_or("").to_owned();
    vm.description = doc.text("domain/description").unwrap_or("").to_owned();
    vm.memory_kib =
        doc.first("domain/memory").map(kib).filter(|k| *k > 0).ok_or_else(|| missing("missing memory element"))?;
    vm.vcpus = doc.text("domain/vcpu").and_then(|t| t.parse().ok()).filter(|n| (1..=255).contains(n)).unwrap_or(1);
    if let Some(machine) = doc.first("domain/os/type").and_then(|e| e.attribute("machine")) {
        vm.machine = if machine == "pc" { "pc-i440fx-7.2" } else { machine }.to_owned();
    }
    if let Some(model) = doc.text("domain/cpu/model") {
        vm.cpu = model.to_owned();
    }
    for (at, element) in doc.all("domain/devices/disk") {
        let of = |child: &str, name: &str| doc.child(at, child).and_then(|e| e.attribute(name)).map(str::to_owned);
        let Some(target) = of("target", "dev") else { return Err(missing("No <target> specified for disk")) };
        let device = element.attribute("device").unwrap_or("disk").to_owned();
        vm.disks.push(Disk {
            bus: of("target", "bus").unwrap_or_else(|| "virtio".to_owned()),
            format: of("driver", "type").unwrap_or_else(|| "raw".to_owned()),
            source: of("source", "file").unwrap_or_default(),
            readonly: device == "cdrom" || doc.child(at, "readonly").is_some(),
            index: vm.disks.len() as u32 + 1,
            device,
            target,
        });
    }
    for (at, element) in doc.all("domain/devices/interface") {
        let kind = element.attribute("type").unwrap_or("bridge").to_owned();
        let of = |child: &str, name: &str| doc.child(at, child).and_then(|e| e.attribute(name)).map(str::to_owned);
        let made = || format!("52:54:00:{:02x}:{:02x}:{:02x}", dice.u8(..), dice.u8(..), dice.u8(..));
        let mac = of("mac", "address").unwrap_or_else(made);
        vm.nics.push(Nic { source: of("source", &kind).unwrap_or_default(), mac, kind });
    }
    vm.serials = doc.all("domain/devices/serial").count().max(doc.all("domain/devices/console").count().min(1));
    vm.display = display(&doc);
    vm.host_device = doc.all("domain/devices/hostdev").next().map(|(at, _)| {
        let source = doc.0.iter().position(|e| e.parent == at && e.path.ends_with("/source"));
        let address = source.and_then(|at| doc.child(at, "address"));
        let part = |name: &str| address.and_then(|a| a.attribute(name)).unwrap_or("0x00").trim_start_matches("0x");
        format!("{:0>4}:{}:{}.{}", part("domain"), part("bus"), part("slot"), part("function"))
    });
    Ok(vm)
}

fn display(doc: &Document) -> Display {
    let Some((at, graphics)) = doc.all("domain/devices/graphics").next() else { return Display::None };
    let password = graphics.attribute("passwd").map(str::to_owned);
    let listens = doc.child(at, "listen").and_then(|e| e.attribute("type"));
    match graphics.attribute("type") {
        Some("vnc") if graphics.attribute("socket").is_some() || listens == Some("socket") => {
            Display::VncSocket { password }
        }
        Some("vnc") => Display::VncPort { password },
        Some("spice") => Display::Spice,
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
