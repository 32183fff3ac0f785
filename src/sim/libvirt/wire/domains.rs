//! Calls about machines: what they are, what they do, and what is done to them.

use std::sync::Arc;

use super::{Act, Said, Session, answer, calls, console, first, undecodable};
use crate::controllers::libvirt::flags::{all_stats, console as console_flags, shutdown, start, xml};
use crate::controllers::libvirt::frame::Frame;
use crate::controllers::libvirt::procs;
use crate::controllers::libvirt::wire::{BlockInfo, Domain, DomainInfo, StatsRecord};
use crate::controllers::libvirt::xdr::encode;
use crate::sim::libvirt::guest::{Key, keycodes};
use crate::sim::libvirt::live::Live;
use crate::sim::libvirt::world::{Refusal, Vm, World, caps, life, origin};

/// What `virsh` calls and noctule does not.
mod number {
    pub(super) const DEFINE: u32 = 11;
    pub(super) const DESTROY: u32 = 12;
    pub(super) const MAX_MEMORY: u32 = 17;
    pub(super) const MAX_VCPUS: u32 = 18;
    pub(super) const OS_TYPE: u32 = 19;
    pub(super) const LOOKUP_BY_ID: u32 = 22;
    pub(super) const SHUTDOWN: u32 = 33;
    pub(super) const UNDEFINE: u32 = 35;
    pub(super) const SECURITY_LABEL: u32 = 121;
    pub(super) const VCPUS_FLAGS: u32 = 200;
    pub(super) const IS_UPDATED: u32 = 202;
    pub(super) const CONTROL_INFO: u32 = 229;
    pub(super) const HOSTNAME: u32 = 277;
}

/// The machine of a call.
fn of<T>(live: &Arc<Live>, host: usize, dom: &Domain, read: impl FnOnce(&World, &Vm) -> T) -> Result<T, Refusal> {
    let world = live.world();
    let vm = world.vm_by_uuid(host, &dom.uuid).map_err(|_| missing(dom))?;
    Ok(read(&world, vm))
}

/// What only the guest's agent could tell or do: no guest here has one.
fn without_agent<T>(live: &Arc<Live>, host: usize, dom: &Domain) -> Result<T, Refusal> {
    of(live, host, dom, |_, _| ()).and_then(|()| Err(Refusal::no_agent()))
}

fn missing(dom: &Domain) -> Refusal {
    Refusal::no_domain(&format!("uuid '{}' ({})", dom.uuid_text(), dom.name))
}

pub(super) fn calls(session: &mut Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    calls! { frame,
        procs::CONNECT_LIST_ALL_DOMAINS, (wanted, flags) => {
            live.world().host(host).map(|h| {
                let all: Vec<Domain> = h.vms.iter().filter(|vm| vm.listed(flags)).map(Vm::named).collect();
                let count = all.len() as u32;
                (if wanted { all } else { Vec::new() }, count)
            })
        };
        procs::DOMAIN_LOOKUP_BY_NAME, name => live.world().vm_by_name(host, &name).map(Vm::named);
        procs::DOMAIN_LOOKUP_BY_UUID, uuid => live.world().vm_by_uuid(host, &uuid).map(Vm::named);
        procs::CONNECT_GET_ALL_DOMAIN_STATS, (asked, groups, flags) => {
            let world = live.world();
            world.host(host).map(|h| {
                let wanted = |vm: &&Vm| {
                    if asked.is_empty() { vm.listed(flags & all_stats::MACHINES) } else { asked.iter().any(|d| d.uuid == vm.uuid) }
                };
                let record = |vm: &Vm| StatsRecord {
                    domain: vm.named(),
                    params: world.stats(host, vm, groups, flags),
                };
                h.vms.iter().filter(wanted).map(record).collect::<Vec<_>>()
            })
        };
        procs::DOMAIN_GET_INFO, dom => of(live, host, &dom, |world, vm| DomainInfo {
            state: vm.state as u32,
            max_memory_kib: vm.memory_kib,
            memory_kib: vm.memory_kib,
            vcpus: vm.vcpus,
            cpu_time_ns: vm.used(world.now()).cpu_ns,
        });
        procs::DOMAIN_GET_STATE, (dom, _) => of(live, host, &dom, |_, vm| (vm.state as i32, vm.reason));
        procs::DOMAIN_GET_XML_DESC, (dom, flags) => {
            if flags & xml::SECURE != 0 && session.read_only {
                let words = "operation forbidden: virDomainGetXMLDesc with secure flag".to_owned();
                return Err(Refusal::new(29, origin::DOMAIN, words));
            }
            of(live, host, &dom, |w, vm| caps::machine(w, host, vm, flags & xml::SECURE != 0, flags & xml::INACTIVE != 0))
        };
        procs::DOMAIN_GET_AUTOSTART, dom => of(live, host, &dom, |_, vm| vm.autostart);
        procs::DOMAIN_SET_AUTOSTART, (dom, on) => {
            session.may_write("virDomainSetAutostart")?;
            let mut world = live.world();
            world.vm_mut(host, &dom.uuid).and_then(|vm| {
                if !vm.persistent {
                    return Err(Refusal::invalid("cannot set autostart for transient domain"));
                }
                vm.autostart = on;
                Ok(())
            })
        };
        procs::DOMAIN_IS_ACTIVE, dom => of(live, host, &dom, |_, vm| vm.active());
        procs::DOMAIN_IS_PERSISTENT, dom => of(live, host, &dom, |_, vm| vm.persistent);
        procs::DOMAIN_HAS_MANAGED_SAVE_IMAGE, (dom, _) => of(live, host, &dom, |_, _| false);
        procs::DOMAIN_GET_MESSAGES, (dom, _) => of(live, host, &dom, |_, _| Vec::<String>::new());
        procs::DOMAIN_GET_METADATA, (dom, kind, _, _) => of(live, host, &dom, |_, vm| match kind {
            0 if !vm.description.is_empty() => Ok(vm.description.clone()),
            1 if !vm.title.is_empty() => Ok(vm.title.clone()),
            _ => Err(Refusal::new(80, origin::QEMU, "metadata not found: Requested metadata element is not present".into())),
        }).and_then(|text| text);
        procs::DOMAIN_GET_BLOCK_INFO, (dom, disk, _) => of(live, host, &dom, |world, vm| {
            let found = vm.disk(&disk);
            let none = || Refusal::argument(&format!("invalid path {disk} not assigned to domain"));
            let path = found.map(|d| d.source.clone()).ok_or_else(none)?;
            let image = world.image(host, &path);
            Ok(image.map_or_else(BlockInfo::default, |image| BlockInfo {
                allocation: image.allocation,
                capacity: image.capacity,
                physical: image.physical(),
            }))
        }).and_then(|info| info);
        procs::DOMAIN_INTERFACE_ADDRESSES, (dom, _, _) => without_agent::<Vec<_>>(live, host, &dom);
        procs::DOMAIN_FSFREEZE, (dom, _, _) => without_agent::<i32>(live, host, &dom);
        procs::DOMAIN_FSTHAW, (dom, _, _) => without_agent::<i32>(live, host, &dom);
    }
    streams(session, frame).or_else(|| others(session, frame))
}

/// Consoles and pictures.
fn streams(session: &Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    if procs::DOMAIN_OPEN_CONSOLE.is(&frame.header) {
        return Some((|| {
            session.may_write("virDomainOpenConsole")?;
            let (dom, alias, flags) = procs::DOMAIN_OPEN_CONSOLE.args(frame).map_err(undecodable)?;
            let line = {
                let world = live.world();
                let vm = world.vm_by_uuid(host, &dom.uuid)?;
                vm.must_run().map_err(|e| Refusal { domain: origin::DOMAIN, ..e })?;
                let wanted = alias.as_deref().unwrap_or("serial0");
                let number = wanted.strip_prefix("serial").or_else(|| wanted.strip_prefix("console"));
                let number = number.and_then(|n| n.parse::<usize>().ok()).filter(|n| *n < vm.serials);
                number.ok_or_else(|| Refusal::internal(&format!("cannot find character device {wanted}")))? + 1
            };
            let line = live.take_line(host, dom.uuid, line, flags & console_flags::FORCE != 0)?;
            Ok(Act::Stream(Vec::new(), console::Source::Line(line)))
        })());
    }
    if procs::DOMAIN_SCREENSHOT.is(&frame.header) {
        return Some((|| {
            session.may_write("virDomainScreenshot")?;
            let (dom, screen, _) = procs::DOMAIN_SCREENSHOT.args(frame).map_err(undecodable)?;
            let running = of(live, host, &dom, |_, vm| vm.must_run());
            running?.map_err(|e| Refusal { domain: origin::DOMAIN, ..e })?;
            if screen != 0 {
                return Err(Refusal::invalid("no such screen ID"));
            }
            let picture = crate::sim::libvirt::screens::picture(live, host, &dom.uuid);
            let bytes = png(&picture).ok_or_else(|| Refusal::internal("unable to take the screenshot"))?;
            Ok(Act::Stream(encode(&Some("image/png".to_owned())), console::Source::Bytes(bytes.into())))
        })());
    }
    None
}

fn png(picture: &crate::model::console::Picture) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&picture.rgb).ok()?;
    writer.finish().ok()?;
    Some(out)
}

/// Calls that noctule does not make.
fn others(session: &mut Session, frame: &Frame) -> Said {
    if frame.header.program != procs::REMOTE {
        return None;
    }
    let (host, live) = (session.host, &session.live);
    let read = |read: fn(&Vm) -> Vec<u8>| {
        let said = first::<Domain>(frame).and_then(|dom| of(live, host, &dom, |_, vm| read(vm)));
        Some(said.map(Act::Answer))
    };
    match frame.header.procedure {
        number::MAX_MEMORY => read(|vm| encode(&vm.memory_kib)),
        number::MAX_VCPUS | number::VCPUS_FLAGS => read(|vm| encode(&vm.vcpus)),
        number::OS_TYPE => read(|_| encode(&"hvm".to_owned())),
        number::IS_UPDATED => read(|_| encode(&0_u32)),
        number::CONTROL_INFO => read(|_| encode(&(0_u32, 0_u32, 0_u64))),
        number::HOSTNAME => Some(Err(Refusal::no_agent())),
        // An empty label, not enforced.
        number::SECURITY_LABEL => read(|_| encode(&(vec![0_u32], 0_u32))),
        number::LOOKUP_BY_ID => Some(first::<i32>(frame).and_then(|id| {
            let world = live.world();
            let found = world.host(host)?.vms.iter().find(|vm| vm.id == Some(id)).map(Vm::named);
            let found = found.ok_or_else(|| Refusal::no_domain(&format!("id {id}")))?;
            Ok(Act::Answer(encode(&found)))
        })),
        number::SHUTDOWN => Some(verb(session, frame, "virDomainShutdown", World::shutdown)),
        number::DESTROY => Some(verb(session, frame, "virDomainDestroy", World::destroy)),
        number::UNDEFINE => Some(verb(session, frame, "virDomainUndefine", |w, h, u| w.undefine(h, u, 0))),
        number::DEFINE => Some(first::<String>(frame).and_then(|xml| {
            session.may_write("virDomainDefineXML")?;
            let mut world = live.world();
            let uuid = world.define(host, &xml)?;
            Ok(Act::Answer(encode(&Vm::named(world.vm_by_uuid(host, &uuid)?))))
        })),
        _ => None,
    }
}

/// Does something to the machine of a call.
fn verb(
    session: &Session,
    frame: &Frame,
    name: &str,
    act: impl FnOnce(&mut World, usize, &[u8; 16]) -> Result<(), Refusal>,
) -> Result<Act, Refusal> {
    session.may_write(name)?;
    let dom: Domain = first(frame)?;
    let mut world = session.live.world();
    world.vm_by_uuid(session.host, &dom.uuid).map_err(|_| missing(&dom))?;
    act(&mut world, session.host, &dom.uuid)?;
    world.touched = true;
    Ok(Act::Answer(Vec::new()))
}

/// What changes the state of a machine.
pub(super) fn power(session: &mut Session, frame: &Frame) -> Said {
    let h = &frame.header;
    let flags = || {
        let (_, flags): (Domain, u32) = first(frame)?;
        Ok::<u32, Refusal>(flags)
    };
    let host = session.host;
    // `virsh` reads "Domain is already active" where it asks first; the daemon says this.
    if procs::DOMAIN_CREATE.is(h) {
        return Some(verb(session, frame, "virDomainCreate", |w, h, u| w.start(h, u, false)));
    }
    if procs::DOMAIN_CREATE_WITH_FLAGS.is(h) {
        return Some(flags().and_then(|flags| {
            verb(session, frame, "virDomainCreateWithFlags", |w, h, u| w.start(h, u, flags & start::PAUSED != 0))?;
            let dom: Domain = first(frame)?;
            let started = session.live.world().vm_by_uuid(host, &dom.uuid).map(Vm::named)?;
            Ok(answer(&procs::DOMAIN_CREATE_WITH_FLAGS, &started))
        }));
    }
    if procs::DOMAIN_SHUTDOWN_FLAGS.is(h) {
        return Some(flags().and_then(|flags| {
            // Through the guest's agent, and nothing else.
            if flags & shutdown::AGENT != 0 && flags & shutdown::ACPI == 0 {
                return Err(Refusal::no_agent());
            }
            verb(session, frame, "virDomainShutdownFlags", World::shutdown)
        }));
    }
    if procs::DOMAIN_DESTROY_FLAGS.is(h) {
        let inner = |w: &mut World, h: usize, u: &[u8; 16]| {
            w.destroy(h, u).map_err(|e| if e.code == 55 { Refusal { domain: origin::DOMAIN, ..e } } else { e })
        };
        return Some(verb(session, frame, "virDomainDestroyFlags", inner));
    }
    if procs::DOMAIN_REBOOT.is(h) {
        return Some(verb(session, frame, "virDomainReboot", World::reboot));
    }
    if procs::DOMAIN_RESET.is(h) {
        return Some(verb(session, frame, "virDomainReset", World::reset));
    }
    if procs::DOMAIN_SUSPEND.is(h) {
        return Some(verb(session, frame, "virDomainSuspend", World::suspend));
    }
    if procs::DOMAIN_RESUME.is(h) {
        return Some(verb(session, frame, "virDomainResume", World::resume));
    }
    if procs::DOMAIN_UNDEFINE_FLAGS.is(h) {
        return Some(
            flags().and_then(|flags| verb(session, frame, "virDomainUndefineFlags", |w, h, u| w.undefine(h, u, flags))),
        );
    }
    let live = &session.live;
    calls! { frame,
        procs::DOMAIN_DEFINE_XML_FLAGS, (xml, _) => {
            session.may_write("virDomainDefineXMLFlags")?;
            let mut world = live.world();
            let uuid = world.define(host, &xml)?;
            world.vm_by_uuid(host, &uuid).map(Vm::named)
        };
        procs::DOMAIN_RENAME, (dom, name, _) => {
            session.may_write("virDomainRename")?;
            rename(&mut live.world(), host, &dom, name.as_deref().unwrap_or(""))
        };
        procs::DOMAIN_SEND_KEY, asked => {
            session.may_write("virDomainSendKey")?;
            if asked.keys.is_empty() {
                let words = "keycodes in virDomainSendKey must not be NULL".to_owned();
                return Err(Refusal::new(8, origin::DOMAIN, words));
            }
            of(live, host, &asked.domain, |_, vm| vm.must_run())??;
            match keycodes(&asked.keys) {
                Some(Key::Bytes(bytes)) => live.type_in(host, &asked.domain.uuid, 0, &bytes),
                Some(Key::Restart) => live.restart_keys(host, &asked.domain.uuid),
                None => {}
            }
            Ok::<_, Refusal>(())
        };
    }
    None
}

fn rename(world: &mut World, host: usize, dom: &Domain, name: &str) -> Result<i32, Refusal> {
    if name.is_empty() || name.contains('/') {
        return Err(Refusal::argument(&format!("name {name} cannot be given")));
    }
    if world.vm_by_name(host, name).is_ok() {
        return Err(Refusal::invalid(&format!("domain with name '{name}' already exists")));
    }
    let vm = world.vm_mut(host, &dom.uuid)?;
    if vm.active() {
        return Err(Refusal::invalid("cannot rename active domain"));
    }
    let old = vm.named();
    vm.name = name.to_owned();
    let what = |event, detail| crate::sim::libvirt::world::Happened::Lifecycle { event, detail };
    world.tell_of(host, old, what(life::UNDEFINED, 1));
    world.tell(host, &dom.uuid, what(life::DEFINED, 2));
    Ok(0)
}

/// Questions to the emulator's monitor: who looks at the screen, and which version it is.
pub(super) fn monitor(session: &mut Session, frame: &Frame) -> Said {
    if !procs::QEMU_MONITOR_COMMAND.is(&frame.header) {
        return None;
    }
    let (host, live) = (session.host, &session.live);
    Some((|| {
        session.may_write("virDomainQemuMonitorCommand")?;
        let (dom, command, _) = procs::QEMU_MONITOR_COMMAND.args(frame).map_err(undecodable)?;
        of(live, host, &dom, |_, vm| vm.must_run())??;
        let asked: serde_json::Value = serde_json::from_str(&command).unwrap_or_default();
        let told = match asked.get("execute").and_then(serde_json::Value::as_str) {
            Some("query-vnc") => {
                let client = serde_json::json!({"host": "", "service": "", "family": "unix", "websocket": false});
                let clients = vec![client; live.screens.viewers(host, &dom.uuid)];
                serde_json::json!({"return": {"enabled": true, "auth": "none", "clients": clients}, "id": "libvirt-1"})
            }
            Some("query-version") => {
                let version = serde_json::json!({"major": 7, "minor": 2, "micro": 22});
                serde_json::json!({"return": {"qemu": version, "package": ""}, "id": "libvirt-1"})
            }
            _ => {
                let error = serde_json::json!({"class": "CommandNotFound", "desc": "The command has not been found"});
                serde_json::json!({"id": "libvirt-1", "error": error})
            }
        };
        Ok(answer(&procs::QEMU_MONITOR_COMMAND, &told.to_string()))
    })())
}
