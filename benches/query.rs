//! How fast windows are answered over a million alarms and 250,000 ONUs.
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

use std::sync::{Arc, LazyLock, Mutex};

use noctule::model::ids::RowId;
use noctule::model::page::{Anchor, DataRequest, PageRequest, Scope, Table, TreeRequest, Unfolded};
use noctule::model::query::Query;
use noctule::store::{Reader, Store};

struct Fixture {
    reader: Mutex<Reader>,
    _store: Store,
    _dir: tempfile::TempDir,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("dir");
    let store = common::open(&dir.path().join("noctule.db"));
    common::fill(&store, 1_000_000, 250_000);
    let reader = Mutex::new(store.reader().expect("reader"));
    Fixture { reader, _store: store, _dir: dir }
});

fn main() {
    divan::main();
}

fn request(filter: Option<&str>, anchor: Anchor) -> PageRequest {
    PageRequest {
        table: Table::Alarms,
        scope: Scope::Open,
        filter: filter.map(|text| Arc::new(Query::parse(text, Table::Alarms).expect("parses"))),
        below: None,
        sort: Vec::new(),
        anchor,
        limit: 60,
        new_since: None,
        now: common::T0,
    }
}

fn ask(request: &DataRequest) {
    let mut reader = FIXTURE.reader.lock().expect("lock");
    divan::black_box(reader.data(request).expect("answers"));
}

#[divan::bench(sample_count = 20)]
fn first_page(bencher: divan::Bencher<'_, '_>) {
    LazyLock::force(&FIXTURE);
    bencher.bench(|| ask(&DataRequest::Page(request(None, Anchor::Start))));
}

#[divan::bench(sample_count = 20)]
fn around_a_row(bencher: divan::Bencher<'_, '_>) {
    let anchor = Anchor::Row { id: RowId(400_000), before: 30 };
    bencher.bench(|| ask(&DataRequest::Page(request(None, anchor))));
}

/// Each run asks for something else, so that nothing kept from the run before serves it.
#[divan::bench(sample_count = 10, args = [
    "severity>=major text:omci",
    "owner=nobody",
    "BBSM000{}",
    "text~/no such (word|text) {}/",
    "name:\"nobody {}\" or owner:{}",
])]
fn filter(bencher: divan::Bencher<'_, '_>, filter: &str) {
    let mut n = 100;
    bencher
        .with_inputs(|| {
            n += 1;
            DataRequest::Page(request(Some(&filter.replace("{}", &format!("{n}"))), Anchor::Start))
        })
        .bench_local_values(|request| ask(&request));
}

#[divan::bench(sample_count = 20, args = [1, 2, 9])]
fn tree(bencher: divan::Bencher<'_, '_>, depth: u8) {
    let request = DataRequest::Tree(TreeRequest {
        unfolded: Arc::new(Unfolded { depth, ..Unfolded::default() }),
        anchor: Anchor::Row { id: RowId(150_000), before: 30 },
        limit: 60,
    });
    bencher.bench(|| ask(&request));
}
