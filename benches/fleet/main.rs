//! The numbers of a fleet of 100,000 CPEs, measured against the simulated ACS in a process of its
//! own: first page, full read and its memory, filters, jobs, and what a key costs meanwhile. Prints
//! one Markdown table. CPU seconds are those of the console's side alone: unlike the others they do
//! not depend on what else runs.
//!
//! `cargo bench --bench fleet` takes some minutes; `-- quick` uses a fleet of 5,000.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

mod acs;
#[path = "../common/mod.rs"]
mod common;
mod console;
mod jobs;
mod screen;
#[path = "../../tests/pty/tty.rs"]
mod tty;

use noctule::sim::Scale;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|a| a == acs::SERVE) {
        return acs::serve(args.get(2).map_or(Scale::Region, |s| s.parse().expect("a scale")));
    }
    let quick = args.iter().any(|a| a == "quick");
    let scale = if quick { "city" } else { "region" };
    println!("| what | measured |\n|---|---|");
    row("load of the machine before", &std::fs::read_to_string("/proc/loadavg").unwrap_or_default());
    let acs = acs::Acs::start(scale);
    console::parse(&acs);
    console::beside_jq(&acs);
    let home = tempfile::tempdir().expect("a folder");
    console::fill(&acs, home.path());
    console::cached(home.path());
    console::filters(home.path());
    jobs::measure(&acs, home.path());
    screen::keys(&acs);
    row("load of the machine after", &std::fs::read_to_string("/proc/loadavg").unwrap_or_default());
}

/// A line of the table.
pub fn row(what: &str, measured: &str) {
    println!("| {what} | {} |", measured.trim());
}

/// The value below which this share lies.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 - 1.0) * q).round() as usize).copied().unwrap_or(f64::NAN)
}
