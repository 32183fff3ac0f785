//! The definition of a machine.

use super::Result;
use super::tree::{self, Node};
use crate::model::vm::Definition;
use crate::model::vm::definition::{Disk, Graphics, Interface};

/// Longest chain of backing files that is followed.
const MOST_BACKING: usize = 200;

/// Reads a `<domain>`, of a running machine or of one that is off.
pub fn definition(xml: &str) -> Result<Definition> {
    let root = tree::read(xml, "domain")?;
    let none = Node::default();
    let devices = root.child("devices").unwrap_or(&none);
    let os = root.child("os").unwrap_or(&none);
    let vcpus: u32 = root.text_at(&["vcpu"]).parse().unwrap_or(0);
    let interfaces: Vec<Interface> = devices.all("interface").map(interface).collect();
    let through = devices.all("hostdev").count()
        + devices.all("interface").filter(|n| matches!(n.attr("type"), "hostdev" | "vdpa")).count()
        + devices.all("disk").filter(|n| n.attr("type") == "nvme").count();
    let nvram = os.child("nvram").map(|node| {
        let source = node.child("source").unwrap_or(&none);
        if source.attr("file").is_empty() { node.text.clone() } else { source.attr("file").to_owned() }
    });
    Ok(Definition {
        virt_type: root.attr("type").to_owned(),
        name: root.text_at(&["name"]).to_owned(),
        uuid: root.text_at(&["uuid"]).to_ascii_lowercase(),
        title: root.text_at(&["title"]).to_owned(),
        description: root.text_at(&["description"]).to_owned(),
        memory_kib: root.child("memory").map_or(0, kib),
        vcpus,
        arch: os.attr_at(&["type"], "arch").to_owned(),
        machine: os.attr_at(&["type"], "machine").to_owned(),
        emulator: devices.text_at(&["emulator"]).to_owned(),
        cpu_xml: root.child("cpu").and_then(|cpu| xml.get(cpu.whole.clone())).unwrap_or_default().to_owned(),
        disks: devices.all("disk").map(disk).collect(),
        interfaces,
        graphics: devices.all("graphics").map(graphics).collect(),
        serials: serials(devices),
        host_devices: u32::try_from(through).unwrap_or(u32::MAX),
        nvram: nvram.filter(|path| !path.is_empty()),
    })
}

/// An amount of memory in KiB; without a unit it is one.
fn kib(node: &Node) -> u64 {
    let n: u128 = node.text.parse().unwrap_or(0);
    let bytes: u128 = match node.attr("unit") {
        "b" | "bytes" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        _ => 1 << 10,
    };
    u64::try_from(n.saturating_mul(bytes) / 1024).unwrap_or(u64::MAX)
}

/// What a `<source>` points at, when it is a path.
fn path(kind: &str, source: &Node) -> String {
    let from = |name: &str| source.attr(name).to_owned();
    match kind {
        "file" => from("file"),
        "block" => from("dev"),
        "dir" => from("dir"),
        "volume" if !source.attr("pool").is_empty() => format!("{}/{}", source.attr("pool"), source.attr("volume")),
        "network" if !source.attr("name").is_empty() => format!("{}:{}", source.attr("protocol"), source.attr("name")),
        _ => String::new(),
    }
}

fn disk(node: &Node) -> Disk {
    let kind = node.attr("type");
    let device = node.attr("device");
    let mut backing = Vec::new();
    let mut at = node;
    while let Some(below) = at.child("backingStore").filter(|_| backing.len() < MOST_BACKING) {
        match below.child("source") {
            Some(source) => backing.push(path(below.attr("type"), source)),
            None => break,
        }
        at = below;
    }
    Disk {
        device: if device.is_empty() { "disk".to_owned() } else { device.to_owned() },
        target: node.attr_at(&["target"], "dev").to_owned(),
        kind: kind.to_owned(),
        source: node.child("source").map(|source| path(kind, source)).unwrap_or_default(),
        format: node.attr_at(&["driver"], "type").to_owned(),
        backing,
        readonly: node.child("readonly").is_some(),
        shareable: node.child("shareable").is_some(),
    }
}

fn interface(node: &Node) -> Interface {
    let kind = node.attr("type");
    let source = node.child("source");
    let from = |name: &str| source.map(|s| s.attr(name)).unwrap_or_default().to_owned();
    Interface {
        kind: kind.to_owned(),
        source: from(match kind {
            "network" => "network",
            "bridge" => "bridge",
            _ => "dev",
        }),
        target: node.attr_at(&["target"], "dev").to_owned(),
        mac: node.attr_at(&["mac"], "address").to_owned(),
    }
}

fn graphics(node: &Node) -> Graphics {
    let listen = node.child("listen");
    let of_listen = |name: &str| listen.map(|l| l.attr(name)).unwrap_or_default();
    let first = |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
    let port = node.attr("port").parse::<i64>().ok().and_then(|port| u16::try_from(port).ok());
    Graphics {
        kind: node.attr("type").to_owned(),
        port: port.filter(|port| *port != 0),
        address: first(of_listen("address"), node.attr("listen")),
        socket: first(node.attr("socket"), of_listen("socket")),
        // The password itself is only told with a flag that is not asked for; that there is one shows
        // in its validity, or (in a definition of one's own) in the attribute.
        password: ["passwd", "passwdValidTo"].iter().any(|name| node.attrs.iter().any(|(key, _)| key == name)),
    }
}

/// Aliases, as the emulator knows the lines: those of a machine that is off get the names that libvirt
/// gives at its start. The first console is what `virsh console` opens.
fn serials(devices: &Node) -> Vec<String> {
    let alias = |node: &Node, prefix: &str, nth: usize| match node.attr_at(&["alias"], "name") {
        "" => format!("{prefix}{nth}"),
        name => name.to_owned(),
    };
    let lines: Vec<String> = devices.all("serial").enumerate().map(|(n, node)| alias(node, "serial", n)).collect();
    let mut first = Vec::new();
    let mut more = Vec::new();
    for (n, console) in devices.all("console").enumerate() {
        let kind = console.attr_at(&["target"], "type");
        // The first console of that kind is another name of the first serial line.
        if (kind.is_empty() || kind == "serial") && !lines.is_empty() {
            continue;
        }
        let name = alias(console, "console", n);
        if n == 0 { first.push(name) } else { more.push(name) }
    }
    first.extend(lines);
    first.extend(more);
    first
}
