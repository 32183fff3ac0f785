//! How fast events are journalled and folded, beside a bare insert of the same journal rows.
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

use divan::counter::ItemsCount;
use rusqlite::params;

/// Events of one measured run, and the ONUs they are about.
const EVENTS: u64 = 400_000;
const FLEET: u64 = 10_000;
/// Events handed over at once.
const CHUNK: u64 = 20_000;

fn main() {
    // Once in a row, so that one run tells the ratio.
    let folded = rate(|| store_run(FLEET));
    let bare = rate(bare_run);
    println!("journalled and folded {folded:.0}/s, bare insert {bare:.0}/s, ratio {:.2}", folded / bare);
    divan::main();
}

/// Events a second of a run, without its preparation: the run returns what it took.
fn rate(run: impl Fn() -> std::time::Duration) -> f64 {
    EVENTS as f64 / run().as_secs_f64()
}

#[divan::bench(args = [10_000, 100_000], sample_count = 3)]
fn journal_and_fold(bencher: divan::Bencher<'_, '_>, fleet: u64) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| store_run(fleet));
}

#[divan::bench(sample_count = 3)]
fn bare_insert(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(bare_run);
}

fn store_run(fleet: u64) -> std::time::Duration {
    let dir = tempfile::tempdir().expect("dir");
    let store = common::open(&dir.path().join("noctule.db"));
    let chunks: Vec<_> = (0..EVENTS).step_by(CHUNK as usize).map(|i| common::storm(fleet, i, CHUNK)).collect();
    let journal = store.journal();
    let began = Instant::now();
    let tickets: Vec<_> = chunks.into_iter().map(|chunk| journal.append(chunk)).collect();
    for ticket in tickets {
        ticket.wait().expect("commits");
    }
    let took = began.elapsed();
    store.close();
    took
}

fn bare_run() -> std::time::Duration {
    let dir = tempfile::tempdir().expect("dir");
    let mut conn = rusqlite::Connection::open(dir.path().join("bare.db")).expect("opens");
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER, kind INTEGER, source INTEGER, payload BLOB);",
    )
    .expect("creates");
    let rows: Vec<Vec<u8>> =
        common::storm(FLEET, 0, EVENTS).iter().map(|r| minicbor::to_vec(r).expect("encodes")).collect();
    let began = Instant::now();
    for chunk in rows.chunks(CHUNK as usize) {
        let tx = conn.transaction().expect("begins");
        {
            let mut insert = tx
                .prepare_cached("INSERT INTO journal (at, kind, source, payload) VALUES (?1, ?2, ?3, ?4)")
                .expect("prepares");
            for row in chunk {
                insert.execute(params![common::T0.0, 0, 1, row]).expect("inserts");
            }
        }
        tx.commit().expect("commits");
    }
    began.elapsed()
}
