//! What it costs to watch 20 hosts of virtual machines with 50 machines each, polled every 5 s: CPU of one core
//! and memory of the agent. The hosts are simulated in this process: three of them, each under seven names, which
//! is the same to the agent.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench may fail loudly, and prints"
)]

#[path = "common/agent.rs"]
mod agent;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use noctule::config::schema::SourceKind;
use noctule::controllers::libvirt::client::Hypervisor;
use noctule::controllers::libvirt::connect::Target;
use noctule::controllers::libvirt::xml;
use noctule::sim::libvirt::{VirtOptions, VirtSim};

/// Hosts.
const HOSTS: usize = 20;
/// Machines on each, all of which run.
const MACHINES: usize = 50;
/// How long the CPU is measured, s.
const SPAN: u64 = 60;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sim = runtime.block_on(async { VirtSim::start(VirtOptions::default()).expect("a simulator") });
    let mut sockets: Vec<PathBuf> = Vec::new();
    for source in sim.config() {
        let SourceKind::Libvirt(host) = source.kind else { panic!("another kind") };
        sockets.push(host.socket.expect("a socket").into());
    }
    runtime.block_on(async {
        for socket in &sockets {
            fill(socket).await;
        }
    });
    let text = |hosts: usize| {
        let mut text = String::from("default_profile = \"bench\"\n[profile.bench]\nread_only = true\n");
        for (n, socket) in (0..hosts).zip(sockets.iter().cycle()) {
            let _ = writeln!(
                text,
                "[[source]]\nname = \"kvm-{n:02}\"\nkind = \"libvirt\"\nsocket = {socket:?}\npoll_s = 5"
            );
        }
        text
    };
    let one = agent::watch(&text(1), 1, 10);
    let all = agent::watch(&text(HOSTS), HOSTS, SPAN);
    println!("agent watching 1 host with {MACHINES} machines:   {:.2} % of a core, {:.1} MB", one.0, one.1);
    println!(
        "agent watching {HOSTS} hosts with {MACHINES} machines: {:.2} % of a core (hold 5), {:.1} MB",
        all.0, all.1
    );
}

/// Defines and starts machines until there are so many that run.
async fn fill(socket: &std::path::Path) {
    let target = Target::Local(Some(socket.to_owned()));
    let here = target.connect(&Hypervisor::default(), Duration::from_secs(10)).await.expect("it answers");
    for domain in here.domains(0).await.expect("a list").iter().filter(|d| d.id < 0) {
        here.start_domain(domain, 0).await.expect("started");
    }
    // One image does for all: nothing reads it.
    let all = here.domains(0).await.expect("a list");
    let text = here.xml(&all[0], 0).await.expect("a definition");
    let image = xml::definition(&text).expect("a definition").disks[0].source.clone();
    for n in all.len()..MACHINES {
        let xml = format!(
            "<domain type='kvm'><name>bench-{n}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type \
             arch='x86_64'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' \
             type='qcow2'/><source file='{image}'/><readonly/><target dev='vda' \
             bus='virtio'/></disk><interface type='network'><source network='default'/><target dev='vnet{n}'/>\
             </interface><serial type='pty'/></devices></domain>"
        );
        let domain = here.define(&xml, 0).await.expect("defined");
        here.start_domain(&domain, 0).await.expect("started");
    }
    here.close().await;
}
