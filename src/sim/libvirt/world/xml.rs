//! XML as libvirt writes it: of a machine, a snapshot, a checkpoint, a host, a volume.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::files::Pool;
use super::vm::{Checkpoint, Display, Memory, Snapshot, Vm};
use super::{Host, World};
use crate::controllers::libvirt::wire::uuid_text;

/// A line; writing to a string does not fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{
        let _ = writeln!($out, $($text)*);
    }};
}

/// A machine. `secure`: with passwords. `inactive`: as it is started next, not as it runs.
pub(crate) fn domain(world: &World, host: usize, vm: &Vm, secure: bool, inactive: bool) -> String {
    let mut x = String::new();
    let live = vm.active() && !inactive;
    let id = vm.id.filter(|_| live).map(|id| format!(" id='{id}'")).unwrap_or_default();
    line!(x, "<domain type='kvm'{id}>");
    line!(x, "  <name>{}</name>\n  <uuid>{}</uuid>", escape(&vm.name), vm.uuid_text());
    if !vm.title.is_empty() {
        line!(x, "  <title>{}</title>", escape(&vm.title));
    }
    if !vm.description.is_empty() {
        line!(x, "  <description>{}</description>", escape(&vm.description));
    }
    line!(x, "  <memory unit='KiB'>{0}</memory>\n  <currentMemory unit='KiB'>{0}</currentMemory>", vm.memory_kib);
    line!(x, "  <vcpu placement='static'>{}</vcpu>", vm.vcpus);
    if live {
        line!(x, "  <resource>\n    <partition>/machine</partition>\n  </resource>");
    }
    line!(
        x,
        "  <os>\n    <type arch='x86_64' machine='{}'>hvm</type>\n    <boot dev='hd'/>\n  </os>",
        escape(&vm.machine)
    );
    line!(x, "  <features>\n    <acpi/>\n    <apic/>\n  </features>");
    let check = if live { "full" } else { "partial" };
    line!(
        x,
        "  <cpu mode='custom' match='exact' check='{check}'>\n    <model fallback='forbid'>{}</model>\n  </cpu>",
        escape(&vm.cpu)
    );
    line!(x, "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n  <on_reboot>restart</on_reboot>");
    line!(x, "  <on_crash>preserve</on_crash>\n  <devices>\n    <emulator>/usr/bin/qemu-system-x86_64</emulator>");
    disks(&mut x, world, host, vm, live);
    for (n, nic) in vm.nics.iter().enumerate() {
        line!(x, "    <interface type='{}'>\n      <mac address='{}'/>", escape(&nic.kind), escape(&nic.mac));
        line!(x, "      <source {}='{}'/>", escape(&nic.kind), escape(&nic.source));
        if live {
            line!(x, "      <target dev='{}'/>", vm.tap(n));
        }
        line!(x, "      <model type='virtio'/>");
        if live {
            line!(x, "      <alias name='net{n}'/>");
        }
        line!(
            x,
            "      <address type='pci' domain='0x0000' bus='0x00' slot='0x{:02x}' function='0x0'/>\n    </interface>",
            n + 3
        );
    }
    serials(&mut x, vm, live);
    line!(x, "    <input type='mouse' bus='ps2'/>\n    <input type='keyboard' bus='ps2'/>");
    graphics(&mut x, world, host, vm, live, secure);
    if let Some(at) = &vm.host_device {
        let part = |from: usize, to: usize| at.get(from..to).unwrap_or("0");
        line!(x, "    <hostdev mode='subsystem' type='pci' managed='yes'>\n      <source>");
        let (bus, slot, function) = (part(5, 7), part(8, 10), part(11, 12));
        line!(
            x,
            "        <address domain='0x0000' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>\n      </source>"
        );
        line!(x, "    </hostdev>");
    }
    line!(x, "    <memballoon model='virtio'>\n      <stats period='5'/>\n    </memballoon>\n  </devices>\n</domain>");
    x
}

fn disks(x: &mut String, world: &World, host: usize, vm: &Vm, live: bool) {
    for (n, disk) in vm.disks.iter().enumerate() {
        line!(x, "    <disk type='file' device='{}'>", escape(&disk.device));
        line!(x, "      <driver name='qemu' type='{}'/>", escape(&disk.format));
        let chain = if disk.source.is_empty() { Vec::new() } else { world.chain(host, &disk.source) };
        if let Some(top) = chain.first() {
            let index = if live { format!(" index='{}'", disk.index) } else { String::new() };
            line!(x, "      <source file='{}'{index}/>", escape(top));
        }
        if live && !chain.is_empty() {
            for (depth, below) in chain.iter().enumerate().skip(1) {
                let pad = "  ".repeat(depth + 2);
                let index = disk.index.saturating_sub(depth as u32);
                line!(x, "{pad}<backingStore type='file' index='{index}'>\n{pad}  <format type='qcow2'/>");
                line!(x, "{pad}  <source file='{}'/>", escape(below));
            }
            let depth = chain.len() - 1;
            line!(x, "{}<backingStore/>", "  ".repeat(depth + 3));
            for depth in (1..=depth).rev() {
                line!(x, "{}</backingStore>", "  ".repeat(depth + 2));
            }
        }
        line!(x, "      <target dev='{}' bus='{}'/>", escape(&disk.target), escape(&disk.bus));
        if disk.readonly {
            line!(x, "      <readonly/>");
        }
        if live {
            line!(x, "      <alias name='{}-disk{n}'/>", escape(&disk.bus));
        }
        line!(x, "    </disk>");
    }
}

fn serials(x: &mut String, vm: &Vm, live: bool) {
    for n in 0..vm.serials {
        let tty = format!("/dev/pts/{}", vm.id.unwrap_or(0).max(0) as usize * 2 + n);
        let source = if live { format!("      <source path='{tty}'/>\n") } else { String::new() };
        let alias = if live { format!("      <alias name='serial{n}'/>\n") } else { String::new() };
        line!(
            x,
            "    <serial type='pty'>\n{source}      <target type='isa-serial' port='{n}'>\n        <model name='isa-serial'/>"
        );
        line!(x, "      </target>\n{alias}    </serial>");
        if n == 0 {
            let at = if live { format!(" tty='{tty}'") } else { String::new() };
            line!(
                x,
                "    <console type='pty'{at}>\n{source}      <target type='serial' port='0'/>\n{alias}    </console>"
            );
        }
    }
}

fn graphics(x: &mut String, world: &World, host: usize, vm: &Vm, live: bool, secure: bool) {
    let secret = |password: &Option<String>| match password {
        Some(password) if secure => format!(" passwd='{}'", escape(password)),
        _ => String::new(),
    };
    match &vm.display {
        Display::None => return,
        Display::VncSocket { password } => {
            let path = world.screen_socket(host, vm);
            let at = if live { format!(" socket='{path}'") } else { String::new() };
            let listen = if live { format!(" socket='{path}'") } else { String::new() };
            line!(
                x,
                "    <graphics type='vnc'{at}{}>\n      <listen type='socket'{listen}/>\n    </graphics>",
                secret(password)
            );
        }
        Display::VncPort { password } => {
            let port = vm.port.filter(|_| live).map_or_else(|| "-1".to_owned(), |p| p.to_string());
            line!(x, "    <graphics type='vnc' port='{port}' autoport='yes' listen='127.0.0.1'{}>", secret(password));
            line!(x, "      <listen type='address' address='127.0.0.1'/>\n    </graphics>");
        }
        Display::Spice => {
            let port = if live { "5930" } else { "-1" };
            line!(x, "    <graphics type='spice' port='{port}' autoport='yes' listen='127.0.0.1'>");
            line!(x, "      <listen type='address' address='127.0.0.1'/>\n    </graphics>");
        }
    }
    line!(x, "    <video>\n      <model type='vga' vram='16384' heads='1' primary='yes'/>\n    </video>");
}

/// The same text further to the right.
fn indented(text: &str, pad: &str) -> String {
    text.lines().fold(String::new(), |mut out, text| {
        line!(out, "{pad}{text}");
        out
    })
}

/// A snapshot.
pub(crate) fn snapshot(snapshot: &Snapshot) -> String {
    let mut x = String::new();
    line!(x, "<domainsnapshot>\n  <name>{}</name>", escape(&snapshot.name));
    if !snapshot.description.is_empty() {
        line!(x, "  <description>{}</description>", escape(&snapshot.description));
    }
    line!(x, "  <state>{}</state>", snapshot.state);
    if let Some(parent) = &snapshot.parent {
        line!(x, "  <parent>\n    <name>{}</name>\n  </parent>", escape(parent));
    }
    line!(x, "  <creationTime>{}</creationTime>", snapshot.created);
    match &snapshot.memory {
        Memory::No => line!(x, "  <memory snapshot='no'/>"),
        Memory::Internal => line!(x, "  <memory snapshot='internal'/>"),
        Memory::External(file) => line!(x, "  <memory snapshot='external' file='{}'/>", escape(file)),
    }
    line!(x, "  <disks>");
    for (target, overlay) in &snapshot.disks {
        match overlay {
            None => line!(x, "    <disk name='{}' snapshot='internal'/>", escape(target)),
            Some(file) => {
                line!(x, "    <disk name='{}' snapshot='external' type='file'>", escape(target));
                line!(x, "      <driver type='qcow2'/>\n      <source file='{}'/>\n    </disk>", escape(file));
            }
        }
    }
    line!(x, "  </disks>");
    x.push_str(&indented(&snapshot.domain_xml, "  "));
    line!(x, "</domainsnapshot>");
    x
}

/// A checkpoint; `domain`: what the machine is, unless it was not asked for.
pub(crate) fn checkpoint(checkpoint: &Checkpoint, domain: Option<&str>) -> String {
    let mut x = String::new();
    line!(x, "<domaincheckpoint>\n  <name>{}</name>", escape(&checkpoint.name));
    if let Some(parent) = &checkpoint.parent {
        line!(x, "  <parent>\n    <name>{}</name>\n  </parent>", escape(parent));
    }
    line!(x, "  <creationTime>{}</creationTime>\n  <disks>", checkpoint.created);
    for target in &checkpoint.disks {
        line!(x, "    <disk name='{0}' checkpoint='bitmap' bitmap='{1}'/>", escape(target), escape(&checkpoint.name));
    }
    line!(x, "  </disks>");
    x.push_str(&indented(domain.unwrap_or(""), "  "));
    line!(x, "</domaincheckpoint>");
    x
}

/// What a host can do.
pub(crate) fn capabilities(host: &Host) -> String {
    let mut x = String::new();
    line!(x, "<capabilities>\n\n  <host>\n    <uuid>{}</uuid>", uuid_text(&host.uuid));
    line!(
        x,
        "    <cpu>\n      <arch>x86_64</arch>\n      <model>{}</model>\n      <vendor>{}</vendor>",
        host.cpu,
        host.vendor()
    );
    line!(x, "      <topology sockets='1' dies='1' cores='{}' threads='2'/>", host.cpus / 2);
    line!(
        x,
        "      <maxphysaddr mode='emulate' bits='46'/>\n      <feature name='x2apic'/>\n      <feature name='aes'/>"
    );
    line!(x, "      <pages unit='KiB' size='4'/>\n      <pages unit='KiB' size='2048'/>\n    </cpu>");
    line!(x, "    <power_management>\n      <suspend_mem/>\n    </power_management>\n    <iommu support='yes'/>");
    line!(
        x,
        "    <migration_features>\n      <live/>\n      <uri_transports>\n        <uri_transport>tcp</uri_transport>"
    );
    line!(x, "        <uri_transport>rdma</uri_transport>\n      </uri_transports>\n    </migration_features>");
    line!(
        x,
        "    <topology>\n      <cells num='1'>\n        <cell id='0'>\n          <memory unit='KiB'>{}</memory>",
        host.memory_kib
    );
    line!(x, "          <cpus num='{}'/>\n        </cell>\n      </cells>\n    </topology>", host.cpus);
    line!(x, "    <secmodel>\n      <model>none</model>\n      <doi>0</doi>\n    </secmodel>\n  </host>\n");
    line!(x, "  <guest>\n    <os_type>hvm</os_type>\n    <arch name='x86_64'>\n      <wordsize>64</wordsize>");
    line!(
        x,
        "      <emulator>/usr/bin/qemu-system-x86_64</emulator>\n      <machine maxCpus='255'>pc-i440fx-7.2</machine>"
    );
    line!(x, "      <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>");
    line!(x, "      <machine maxCpus='255'>pc-i440fx-2.8</machine>\n      <machine maxCpus='288'>pc-q35-7.2</machine>");
    line!(x, "      <domain type='qemu'/>\n      <domain type='kvm'/>\n    </arch>\n  </guest>\n\n</capabilities>");
    x
}

impl Host {
    fn vendor(&self) -> &'static str {
        if self.cpu.starts_with("EPYC") { "AMD" } else { "Intel" }
    }
}

impl Pool {
    /// It has one, as everything at libvirt.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        xxhash_rust::xxh3::xxh3_128(self.folder.as_bytes()).to_be_bytes()
    }
}
