//! Opening, closing, and everything that goes wrong between.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::*;
use crate::store::Error;

fn los(n: i64) -> Record {
    from_stream(
        "v1",
        at(n),
        Origin { partition: 0, offset: n },
        Observation::Alarm(event(onu(&format!("S{n}")), "pon.onu.los", Some(Severity::Major))),
    )
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_was_acknowledged_is_in_a_copy_taken_at_any_moment() {
    let (dir, copies) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    let (store, _) = open(dir.path());
    for n in 1..=40 {
        put(&store, vec![los(n)]);
        if n % 8 != 0 {
            continue;
        }
        // As after a kill: nothing is closed, nothing carried over from the write-ahead log.
        let copy = copies.path().join(n.to_string());
        fs::create_dir(&copy).expect("dir");
        for suffix in ["", "-wal"] {
            let name = format!("noctule.db{suffix}");
            fs::copy(dir.path().join(&name), copy.join(&name)).expect("copies");
        }
        let (copied, opened) = open(&copy);
        assert_eq!(opened.set_aside, None);
        assert_eq!(copied.journal().last().0, n);
        assert_eq!(copied.snapshots().borrow().counts.total(), n as u32);
        assert_eq!(copied.offsets("v1").expect("offsets"), [Origin { partition: 0, offset: n }]);
    }
    assert_eq!(store.journal().read(crate::model::ids::Seq(38), 10).expect("reads").len(), 2);
}

#[test]
fn only_we_may_read_the_files() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    put(&store, vec![los(1)]);
    for entry in fs::read_dir(dir.path()).expect("lists") {
        let entry = entry.expect("entry");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
    store.close();
}

#[test]
fn a_damaged_file_is_set_aside() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    put(&store, (1..2_000).map(los).collect());
    store.close();
    let path = options(dir.path()).path;
    let mut bytes = fs::read(&path).expect("reads");
    let len = bytes.len();
    bytes[100..len.min(60_000)].fill(0x5a);
    fs::write(&path, &bytes).expect("writes");
    let (store, opened) = open(dir.path());
    let aside = opened.set_aside.expect("set aside");
    assert_eq!(fs::read(&aside).expect("kept"), bytes);
    assert!(aside.file_name().is_some_and(|n| n.to_string_lossy().starts_with("noctule.db.corrupt-")));
    put(&store, vec![los(1)]);
    assert_eq!(store.journal().last().0, 1, "a new one is begun");
}

#[test]
fn what_is_no_cache_is_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let path = options(dir.path()).path;
    fs::write(&path, vec![b'x'; 8_192]).expect("writes");
    assert!(matches!(Store::open(&options(dir.path())), Err(Error::NotADatabase { .. })));
    assert_eq!(fs::read(&path).expect("there"), vec![b'x'; 8_192]);

    let newer = tempfile::tempdir().expect("dir");
    open(newer.path()).0.close();
    let conn = rusqlite::Connection::open(options(newer.path()).path).expect("opens");
    conn.pragma_update(None, "user_version", 99).expect("sets");
    drop(conn);
    assert!(matches!(Store::open(&options(newer.path())), Err(Error::Newer { found: 99, .. })));

    let nowhere = OpenOptions { path: "/proc/none/noctule.db".into(), ..options(dir.path()) };
    assert!(matches!(Store::open(&nowhere), Err(Error::Unusable { .. })));
    let missing = OpenOptions { path: dir.path().join("other.db"), read_only: true, ..options(dir.path()) };
    assert!(matches!(Store::open(&missing), Err(Error::Missing { .. })));
}

#[test]
fn the_second_instance_reads_and_says_so() {
    let dir = tempfile::tempdir().expect("dir");
    let (first, _) = open(dir.path());
    put(&first, vec![los(1)]);
    let (second, opened) = open(dir.path());
    assert!(!opened.owner);
    assert_eq!(opened.owner_pid, Some(std::process::id()));
    assert_eq!(alarms(&mut second.reader().expect("reader"), Scope::Open).len(), 1);
    assert!(matches!(second.journal().append(vec![los(2)]).wait(), Err(Error::ReadOnly { .. })));
    let news = second.snapshots();
    put(&first, vec![los(2)]);
    until("the second sees what the first wrote", || news.borrow().counts.total() == 2);
    first.close();
}

#[test]
fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    put(&store, vec![los(1)]);
    store.limit_pages(1);
    let ticket = store.journal().append((2..3_000).map(los).collect());
    let news = store.snapshots();
    until("the trouble is told", || news.borrow().trouble.as_deref().is_some_and(|t| t.contains("no space")));
    assert_eq!(store.journal().last().0, 1);
    assert!(store.journal().backlog() > 0);
    store.limit_pages(1_000_000_000);
    assert_eq!(ticket.wait().expect("in the end").0, 2_999);
    until("the trouble is over", || news.borrow().trouble.is_none());
    assert_eq!(store.snapshots().borrow().counts.total(), 2_999);
}

#[test]
fn closing_writes_what_waits() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, _) = open(dir.path());
    let journal = store.journal();
    let ticket = journal.append((1..500).map(los).collect());
    store.remember("session", "{}");
    assert_eq!(store.recall("session").expect("recalls").as_deref(), Some("{}"));
    let kept = store.clone();
    store.close();
    assert_eq!(ticket.wait().expect("written").0, 499);
    assert!(matches!(journal.append(vec![los(1)]).wait(), Err(Error::Closed)));
    assert_eq!(kept.recall("session").expect("recalls").as_deref(), Some("{}"));
}
