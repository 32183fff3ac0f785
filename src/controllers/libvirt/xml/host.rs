//! What a host and its emulators can do.

use super::Result;
use super::tree::{self, Node};
use crate::model::order;
use crate::model::vm::host::{Capabilities, MachineType};

/// Reads a host's `<capabilities>`.
pub fn capabilities(xml: &str) -> Result<Capabilities> {
    let root = tree::read(xml, "capabilities")?;
    let none = Node::default();
    let host = root.child("host").unwrap_or(&none);
    let cpu = host.child("cpu").unwrap_or(&none);
    let ways = host.at(&["migration_features", "uri_transports"]).unwrap_or(&none);
    Ok(Capabilities {
        uuid: host.text_at(&["uuid"]).to_ascii_lowercase(),
        arch: cpu.text_at(&["arch"]).to_owned(),
        cpu_model: cpu.text_at(&["model"]).to_owned(),
        cpu_vendor: cpu.text_at(&["vendor"]).to_owned(),
        cpu_xml: host.child("cpu").and_then(|cpu| xml.get(cpu.whole.clone())).unwrap_or_default().to_owned(),
        migration: ways.all("uri_transport").map(|way| way.text.clone()).collect(),
    })
}

/// The machine types of a host's `<capabilities>`.
pub fn machine_types(xml: &str) -> Result<Vec<MachineType>> {
    let root = tree::read(xml, "capabilities")?;
    let mut out = Vec::new();
    for guest in root.all("guest") {
        for arch in guest.all("arch") {
            let own = arch.all("machine");
            let of_domains = arch.children.iter().filter(|node| node.name == "domain").flat_map(|d| d.all("machine"));
            for machine in own.chain(of_domains) {
                let found = MachineType {
                    arch: arch.attr("name").to_owned(),
                    name: machine.text.clone(),
                    canonical: machine.attr("canonical").to_owned(),
                };
                if !found.name.is_empty() {
                    out.push(found);
                }
            }
        }
    }
    // Each kind of emulation lists them again, and there are hundreds.
    order::by(&mut out, |a, b| (&a.arch, &a.name, &a.canonical).cmp(&(&b.arch, &b.name, &b.canonical)));
    out.dedup();
    Ok(out)
}
