//! What it costs to watch 200 appliances with four collectors each, polled every 5 s: CPU of one core
//! and memory of the agent, beside an agent that watches one. The appliances are simulated in this
//! process and spoken to over loopback. Linux: figures come from `/proc`.
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

use noctule::config::schema::SourceKind;
use noctule::sim::raven::{RavenOptions, RavenSim, RunningRaven};

/// Appliances.
const MANY: usize = 200;
/// How long the CPU is measured, s.
const SPAN: u64 = 60;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sims: Vec<RunningRaven> = runtime.block_on(async {
        let mut sims = Vec::new();
        for n in 0..MANY {
            let options = RavenOptions { name: format!("raven-{n:03}"), seed: n as u64, ..RavenOptions::default() };
            sims.push(RavenSim::start(options).await.expect("a simulator"));
        }
        sims
    });
    let one = watch(&sims[..1], 10);
    let all = watch(&sims, SPAN);
    println!("agent watching 1 appliance:    {:.2} % of a core, {:.1} MB", one.0, one.1);
    println!("agent watching {MANY} appliances: {:.2} % of a core (hold 5), {:.1} MB", all.0, all.1);
    println!("added by {} appliances:       {:.1} MB (hold 20)", MANY - 1, all.1 - one.1);
}

/// CPU in % of a core and resident memory in MB of an agent over these appliances.
fn watch(sims: &[RunningRaven], seconds: u64) -> (f64, f64) {
    let mut text = String::from("default_profile = \"bench\"\n[profile.bench]\nread_only = true\n");
    for sim in sims {
        let source = sim.config();
        let SourceKind::Raven(raven) = &source.kind else { panic!("{source:?}") };
        let config = raven.config.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "[[source]]\nname = \"{}\"\nkind = \"raven\"\nbuffer = \"{}\"\nconfig = \"{config}\"\npoll_s = 5",
            source.name, raven.buffer
        );
    }
    agent::watch(&text, sims.len(), seconds)
}
