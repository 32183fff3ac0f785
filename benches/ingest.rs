//! How fast events are journalled and folded, beside two bare SQLite programs.
//!
//! * The strict baseline inserts the same journal rows and nothing else. It leaves nothing behind
//!   that a list could be read from.
//! * The baseline of the same rows also inserts every alarm row that comes of them, once, with the
//!   indexes the list is read by. All rows are ready made: nothing is looked up, decided, counted
//!   or changed again by a later batch, and nodes are left out.
//!
//! Both ratios are printed, for a fleet that fits into the fold's memory and one that does not,
//! and how long an acknowledgement of 100,000 alarms by a filter takes.
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

use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::counter::ItemsCount;
use noctule::model::action::{Action, Verb};
use noctule::model::command::Targets;
use noctule::model::ids::ActionId;
use noctule::model::page::{Scope, Table};
use noctule::model::query::Query;
use noctule::model::record::Record;
use noctule::model::time::Ts;
use rusqlite::params;
use rusqlite::types::Value;

/// Events of one measured run, and the ONUs they are about.
const EVENTS: u64 = 400_000;
const FLEET: u64 = 10_000;
/// Events handed over at once.
const CHUNK: u64 = 20_000;
/// Actions of a bulk handed over at once.
const PART: usize = 2_000;

fn main() {
    // Once in a row, so that one run tells the ratio.
    for fleet in [FLEET, 10 * FLEET] {
        let folded = rate(|| store_run(fleet));
        let bare = rate(bare_run);
        let same = rate(|| same_rows_run(fleet));
        println!(
            "fleet of {fleet}: journalled and folded {folded:.0}/s; bare journal rows {bare:.0}/s, ratio {:.2}; \
             bare journal and alarm rows {same:.0}/s, ratio {:.2}",
            folded / bare,
            folded / same
        );
    }
    acknowledge();
    divan::main();
}

/// Events a second of a run, without its preparation: the run returns what it took.
fn rate(run: impl Fn() -> Duration) -> f64 {
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

fn store_run(fleet: u64) -> Duration {
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

/// Acknowledges 100,000 alarms that a filter finds, as the bulk worker does: in parts.
fn acknowledge() {
    let dir = tempfile::tempdir().expect("dir");
    let store = common::open(&dir.path().join("noctule.db"));
    common::fill(&store, 100_000, 100_000);
    let mut reader = store.reader().expect("reader");
    let targets = Targets::Filter {
        table: Table::Alarms,
        scope: Scope::Open,
        filter: Some(Arc::new(Query::parse("cleared=no", Table::Alarms).expect("parses"))),
        below: None,
        except: std::iter::empty().collect(),
    };
    let began = Instant::now();
    let mut keys = Vec::new();
    let found = reader.each_alarm(&targets, &mut |row| {
        keys.push(row.key);
        std::ops::ControlFlow::Continue(())
    });
    found.expect("reads");
    let read = began.elapsed();
    let batch = ActionId([1; 16]);
    let (journal, mut last, mut longest) = (store.journal(), Instant::now(), Duration::ZERO);
    for (part, keys) in keys.chunks(PART).enumerate() {
        let records = keys.iter().enumerate().map(|(i, key)| {
            let id = ActionId(((part * PART + i) as u128 + 2).to_be_bytes());
            let verb = Verb::Ack { text: "storm".to_owned(), until: Ts::NEVER };
            Record::Action(Action { id, batch, actor: "anna".to_owned(), at: common::T0, key: *key, verb })
        });
        journal.append(records.collect()).wait().expect("commits");
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    println!(
        "acknowledging {} alarms by filter: found in {:.0} ms, done in {:.2} s; the longest transaction {:.0} ms",
        keys.len(),
        read.as_secs_f64() * 1000.0,
        began.elapsed().as_secs_f64(),
        longest.as_secs_f64() * 1000.0
    );
    store.close();
}

/// The journal rows, and every alarm row that comes of them in the store's own table.
fn same_rows_run(fleet: u64) -> Duration {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("noctule.db");
    let store = common::open(&path);
    let journal = store.journal();
    for from in (0..2 * fleet).step_by(CHUNK as usize) {
        journal.append(common::storm(fleet, from, CHUNK.min(2 * fleet - from))).wait().expect("commits");
    }
    store.close();
    let filled = rusqlite::Connection::open(&path).expect("opens");
    let schema: Vec<String> = filled
        .prepare("SELECT sql FROM sqlite_master WHERE tbl_name = 'c_alarms' AND sql IS NOT NULL ORDER BY type DESC")
        .expect("prepares")
        .query_map([], |row| row.get(0))
        .expect("queries")
        .collect::<rusqlite::Result<_>>()
        .expect("reads");
    let names: Vec<String> = filled
        .prepare("SELECT name FROM pragma_table_info('c_alarms')")
        .expect("prepares")
        .query_map([], |row| row.get(0))
        .expect("queries")
        .collect::<rusqlite::Result<_>>()
        .expect("reads");
    let alarms: Vec<Vec<Value>> = filled
        .prepare(&format!("SELECT {} FROM c_alarms ORDER BY id", names.join(", ")))
        .expect("prepares")
        .query_map([], |row| (0..names.len()).map(|i| row.get(i)).collect())
        .expect("queries")
        .collect::<rusqlite::Result<_>>()
        .expect("reads");
    let marks = vec!["?"; names.len()].join(", ");
    let put = format!("INSERT INTO c_alarms ({}) VALUES ({marks})", names.join(", "));
    bare(Some((&schema.join(";"), &put, &alarms)))
}

fn bare_run() -> Duration {
    bare(None)
}

/// Inserts the journal rows; with alarms, also those that appear in each batch.
fn bare(alarms: Option<(&str, &str, &[Vec<Value>])>) -> Duration {
    let dir = tempfile::tempdir().expect("dir");
    let mut conn = rusqlite::Connection::open(dir.path().join("bare.db")).expect("opens");
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER, kind INTEGER, source INTEGER, payload BLOB);",
    )
    .expect("creates");
    if let Some((schema, ..)) = alarms {
        conn.execute_batch(schema).expect("creates");
    }
    let rows: Vec<Vec<u8>> =
        common::storm(FLEET, 0, EVENTS).iter().map(|r| minicbor::to_vec(r).expect("encodes")).collect();
    let began = Instant::now();
    let mut inserted = 0;
    for chunk in rows.chunks(CHUNK as usize) {
        let tx = conn.transaction().expect("begins");
        {
            let mut insert = tx
                .prepare_cached("INSERT INTO journal (at, kind, source, payload) VALUES (?1, ?2, ?3, ?4)")
                .expect("prepares");
            for row in chunk {
                insert.execute(params![common::T0.0, 0, 1, row]).expect("inserts");
            }
            if let Some((_, put, alarms)) = alarms {
                let mut put = tx.prepare_cached(put).expect("prepares");
                for row in alarms.iter().skip(inserted).take(chunk.len()) {
                    put.execute(rusqlite::params_from_iter(row)).expect("inserts");
                    inserted += 1;
                }
            }
        }
        tx.commit().expect("commits");
    }
    began.elapsed()
}
