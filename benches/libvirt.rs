//! What a host costs to read, beside libvirt's own client in the same run: a hundred machines that are off and five
//! that run, on a real libvirtd. Prints one Markdown table; the middle of the measurements counts.
//!
//! `cargo bench --features lab --bench libvirt`; it needs what the lab needs (`.ci/run` installs it).
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements, with the helpers of the lab"
)]

#[path = "../tests/lab/process.rs"]
mod process;
#[path = "../tests/lab/sshd.rs"]
mod sshd;
#[path = "../tests/lab/virt/mod.rs"]
mod virt;

use std::process::Stdio;
use std::time::{Duration, Instant};

use virt::{Guest, Host, Lab};

const OFF: usize = 100;
const RUN: usize = 5;
/// Commands that one `virsh` is given, to tell what each costs from what its start does.
const BATCH: usize = 20;
const ROUNDS: usize = 15;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(lab) = Lab::start().await else { return };
    let a = lab.host_a();
    let here = a.connect().await;
    let model = lab.guest(Guest::named("bench-run-0").memory_mib(80)).await;
    let mut running = Vec::new();
    for nth in 1..RUN {
        running.push(lab.guest(Guest::named(&format!("bench-run-{nth}")).memory_mib(80)).await);
    }
    for nth in 0..OFF {
        let uuid = format!("44444444-4444-4444-8444-{nth:012}");
        let xml = model.xml().replace(model.uuid(), &uuid).replace("bench-run-0", &format!("bench-off-{nth}"));
        here.define(&xml, 0).await.expect("defined");
    }
    assert_eq!(here.all_stats(&[], 0, 0).await.expect("stats").len(), OFF + RUN);

    println!("{OFF} machines that are off, {RUN} that run; middle of {ROUNDS}, least in brackets\n");
    println!("| what | noctule | libvirt's own client | ratio |\n|---|---|---|---|");
    // In turns, so that what else runs on the machine hits both alike.
    let (mut open, mut list, mut stats, mut whole) = (vec![], vec![], vec![], vec![]);
    let (mut nothing, mut their_list, mut their_stats) = (vec![], vec![], vec![]);
    let (mut many_lists, mut many_stats, mut many_nothings) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let fresh = a.connect().await;
        open.push(begun.elapsed());
        fresh.domains(0).await.expect("a list");
        fresh.all_stats(&[], 0, 0).await.expect("stats");
        whole.push(begun.elapsed());
        fresh.close().await;
        nothing.push(virsh(a, &["uri"]));
        let begun = Instant::now();
        here.domains(0).await.expect("a list");
        list.push(begun.elapsed());
        their_list.push(virsh(a, &["list", "--all"]));
        let begun = Instant::now();
        here.all_stats(&[], 0, 0).await.expect("stats");
        stats.push(begun.elapsed());
        their_stats.push(virsh(a, &["domstats"]));
        // The same command again and again in one process: what the library costs without the program's start.
        let again = |command: &str| virsh(a, &[&vec![command; BATCH + 1].join("; ")]);
        many_nothings.push(again("uri"));
        many_lists.push(again("list --all"));
        many_stats.push(again("domstats"));
    }
    let each = |many: &[Duration], one: &[Duration]| -> Vec<Duration> {
        many.iter().zip(one).map(|(many, one)| many.saturating_sub(*one) / BATCH as u32).collect()
    };
    row("open a local connection (virsh: with the start of its process)", &mut open, &mut nothing);
    row("list, a process each time", &mut list, &mut their_list.clone());
    row("list, in a process that runs", &mut list, &mut each(&many_lists, &their_list));
    row("all stats, a process each time", &mut stats, &mut their_stats.clone());
    row("all stats, in a process that runs", &mut stats, &mut each(&many_stats, &their_stats));
    let mut both: Vec<Duration> = list.iter().zip(&stats).map(|(list, stats)| *list + *stats).collect();
    let theirs = [each(&many_lists, &their_list), each(&many_stats, &their_stats)];
    let mut theirs: Vec<Duration> = theirs[0].iter().zip(&theirs[1]).map(|(list, stats)| *list + *stats).collect();
    row("list and all stats, in a process that runs", &mut both, &mut theirs);
    row("open, list and all stats (virsh: domstats alone)", &mut whole, &mut their_stats);
    println!("\nLoad of the machine: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    here.close().await;
    for vm in running.into_iter().chain([model]) {
        // All of it goes with the lab.
        std::mem::forget(vm);
    }
}

/// How long libvirt's own client takes for it.
fn virsh(host: &Host, words: &[&str]) -> Duration {
    let mut command = host.virsh_command(words);
    let begun = Instant::now();
    let done = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).output().expect("virsh");
    let took = begun.elapsed();
    assert!(done.status.success() && !done.stdout.is_empty(), "{words:?}");
    took
}

fn row(what: &str, ours: &mut [Duration], theirs: &mut [Duration]) {
    ours.sort();
    theirs.sort();
    let ms = |times: &[Duration]| {
        let (middle, least) = (times[times.len() / 2], times[0]);
        format!("{:.2} ms ({:.2})", middle.as_secs_f64() * 1e3, least.as_secs_f64() * 1e3)
    };
    let ratio = ours[ours.len() / 2].as_secs_f64() / theirs[theirs.len() / 2].as_secs_f64().max(1e-9);
    println!("| {what} | {} | {} | {ratio:.2} |", ms(ours), ms(theirs));
}
