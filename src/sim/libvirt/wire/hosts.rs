//! Calls about the host itself.

use super::{Act, Said, Session, calls, first};
use crate::controllers::libvirt::frame::Frame;
use crate::controllers::libvirt::procs;
use crate::controllers::libvirt::wire::{NodeInfo, NodeStat};
use crate::controllers::libvirt::xdr::{Chars, encode};
use crate::sim::libvirt::world::{Refusal, caps};

/// Versions, as libvirt counts them.
const LIBVIRT: u64 = 9_000_000;
const QEMU: u64 = 7_002_022;

/// What `virsh` calls and noctule does not.
mod number {
    pub(super) const TYPE: u32 = 3;
    pub(super) const URI: u32 = 110;
    pub(super) const SECURITY_MODEL: u32 = 122;
    pub(super) const IS_SECURE: u32 = 149;
    pub(super) const SYSINFO: u32 = 203;
    pub(super) const NETWORKS: u32 = 283;
    pub(super) const INTERFACES: u32 = 284;
    pub(super) const DEVICES: u32 = 285;
    pub(super) const CLOSE_CALLBACK: u32 = 360;
    pub(super) const NO_CLOSE_CALLBACK: u32 = 361;
}

pub(super) fn calls(session: &mut Session, frame: &Frame) -> Said {
    let host = session.host;
    let live = &session.live;
    calls! { frame,
        procs::CONNECT_CLOSE, () => Ok::<_, Refusal>(());
        procs::CONNECT_GET_HOSTNAME, () => {
            live.world().host(host).map(|h| live.hostname.clone().unwrap_or_else(|| h.name.clone()))
        };
        procs::CONNECT_GET_CAPABILITIES, () => live.world().host(host).map(caps::host);
        procs::CONNECT_GET_LIB_VERSION, () => Ok::<_, Refusal>(LIBVIRT);
        procs::CONNECT_GET_VERSION, () => Ok::<_, Refusal>(QEMU);
        procs::CONNECT_COMPARE_HYPERVISOR_CPU, (_, _, _, _, xml, _) => {
            live.world().host(host).map(|h| fits(&xml, h.cpu))
        };
        procs::NODE_GET_INFO, () => live.world().host(host).map(|h| NodeInfo {
            model: Chars("x86_64".into()),
            memory_kib: h.memory_kib,
            cpus: h.cpus as i32,
            mhz: h.mhz as i32,
            nodes: 1,
            sockets: 1,
            cores: h.cpus as i32 / 2,
            threads: 2,
        });
        procs::NODE_GET_CPU_STATS, (_, wanted, _) => {
            let all = live.world().cpu_times(host);
            Ok::<_, Refusal>((stats(&all, wanted), all.len() as i32))
        };
        procs::NODE_GET_MEMORY_STATS, (wanted, _, _) => {
            let all = live.world().memory(host);
            Ok::<_, Refusal>((stats(&all, wanted), all.len() as i32))
        };
    }
    if frame.header.program != procs::REMOTE {
        return None;
    }
    let value = match frame.header.procedure {
        number::TYPE => encode(&"QEMU".to_owned()),
        number::URI => encode(&"qemu:///system".to_owned()),
        // Arrays of characters, each of which takes four bytes: "none" and "0".
        number::SECURITY_MODEL => {
            let text = |t: &str| t.bytes().chain([0]).map(u32::from).collect::<Vec<u32>>();
            encode(&(text("none"), text("0")))
        }
        number::IS_SECURE => encode(&1_u32),
        number::SYSINFO => {
            return Some(Err(Refusal::unsupported("Host SMBIOS information is not available")));
        }
        number::NETWORKS | number::INTERFACES | number::DEVICES => {
            return Some(first::<u32>(frame).map(|_| Act::Answer(encode(&(Vec::<u32>::new(), 0_u32)))));
        }
        number::CLOSE_CALLBACK | number::NO_CLOSE_CALLBACK => Vec::new(),
        _ => return None,
    };
    Some(Ok(Act::Answer(value)))
}

fn stats(all: &[(&'static str, u64)], wanted: i32) -> Vec<NodeStat> {
    let wanted = usize::try_from(wanted).unwrap_or(0);
    all.iter().take(wanted).map(|(name, value)| NodeStat { field: (*name).to_owned(), value: *value }).collect()
}

/// Whether a host with this CPU can be what is asked for: 0 no, 1 it is the same, 2 and more.
fn fits(xml: &str, cpu: &str) -> i32 {
    let known = ["qemu64", "kvm64", "Broadwell-noTSX-IBRS", "EPYC-Rome"];
    match known.iter().find(|model| xml.contains(**model)) {
        Some(model) if *model == cpu => 1,
        Some(&"EPYC-Rome") => 0,
        None if xml.contains("<model") => 0,
        _ => 2,
    }
}
