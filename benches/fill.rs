//! Fills a cache file for measurements of the whole program:
//! `cargo bench --bench fill -- FILE ALARMS ONUS`. Without a file it does nothing.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

mod common;

use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [path, rest @ ..] = args.as_slice() else { return };
    let number = |i: usize, or: u64| rest.get(i).and_then(|n| n.replace('_', "").parse().ok()).unwrap_or(or);
    let (alarms, onus) = (number(0, 100_000), number(1, 100_000));
    let began = Instant::now();
    let store = common::open(std::path::Path::new(path));
    common::fill(&store, alarms, onus);
    store.close();
    println!("{path}: {alarms} alarms, {onus} ONUs in {:.1} s", began.elapsed().as_secs_f64());
}
