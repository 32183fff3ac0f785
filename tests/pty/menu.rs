//! The console of an appliance on the real binary: what a Linux console and a VT220 get, what it
//! costs on a line of 9600 baud, and that it gives the terminal back.

use noctule::sim::raven::{RavenOptions, RavenSim, RunningRaven, Target};
use tempfile::TempDir;

use super::tty::{Start, Tty};

/// Bytes that a line of 9600 baud takes in 300 ms.
const AT_ONCE: usize = 288;

struct Rack {
    home: TempDir,
    raven: RunningRaven,
    runtime: tokio::runtime::Runtime,
}

impl Rack {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = RavenOptions { name: "venue-12".into(), uplink: Target::Answers(5), ..RavenOptions::default() };
        let raven = runtime.block_on(RavenSim::start(options)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("config/noctule");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "[menu]\nidle_s = 86400\npin = \"env:RACK_PIN\"\n[profile.default]\nread_only = false\n[[source]]\n\
             name = \"venue-12\"\nkind = \"raven\"\nbuffer = \"{}\"\nconfig = \"{}\"\npoll_s = 1\n",
            raven.buffer_url(),
            raven.config_url()
        );
        std::fs::write(folder.join("noctule.toml"), text).unwrap();
        Self { home, raven, runtime }
    }

    fn start(&self, term: &str, more: &[&str]) -> Tty {
        let args: Vec<&str> = std::iter::once("menu").chain(more.iter().copied()).collect();
        let env = [("RACK_PIN", "4711")];
        Tty::start(self.home.path(), &Start { args: &args, size: (80, 25), term, env: &env })
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
    }
}

/// Waits until the screen shows it and nothing more comes; the bytes since `from`.
fn bytes(tty: &Tty, from: usize, what: &str, seen: impl Fn(&str) -> bool) -> Vec<u8> {
    tty.wait(what, seen);
    let quiet = std::time::Duration::from_millis(300);
    let seen = std::cell::Cell::new((tty.raw_len(), std::time::Instant::now()));
    tty.wait_process("the line quiet", |tty| {
        if tty.raw_len() != seen.get().0 {
            seen.set((tty.raw_len(), std::time::Instant::now()));
        }
        seen.get().1.elapsed() > quiet
    });
    tty.raw().split_off(from)
}

/// Nothing beyond ASCII, nothing that a VT220 does not know.
fn assert_plain(raw: &[u8], term: &str) {
    let text = String::from_utf8_lossy(raw);
    assert!(raw.is_ascii(), "{term}: something beyond ASCII");
    for sequence in ["\x1b[?1049", "\x1b[?2026", "\x1b[?2004", "\x1b[?100", "38;2;", "48;2;", "38;5;", "48;5;", "\x1b]"]
    {
        assert!(!text.contains(sequence), "{term}: {sequence:?} was sent");
    }
    // Of what ends a control sequence only these: moves, erasing, attributes, the cursor's modes.
    for part in text.split("\x1b[").skip(1) {
        let end = part.trim_start_matches(|c: char| c.is_ascii_digit() || ";?".contains(c)).chars().next();
        assert!(end.is_some_and(|c| "HCKXJmhl".contains(c)), "{term}: {:?} was sent", part.get(..8));
    }
}

#[test]
fn old_terminals_get_only_what_they_know_and_are_given_back() {
    let rack = Rack::new();
    for term in ["linux", "vt220", "dumb"] {
        let mut tty = rack.start(term, &[]);
        tty.wait("the state", |s| s.contains("1 Status") && s.contains("running") && s.contains("uplink"));
        for key in ["1", "2", "3", "4", "5", "6", "7"] {
            tty.send(key);
            tty.wait("a page", |s| s.contains("Menu > "));
            tty.send("0");
            tty.wait("the menu", |s| s.contains("1 Status"));
        }
        tty.send("4r");
        tty.wait_for("PIN");
        tty.send("0000\r");
        tty.wait_for("wrong PIN (1 in a row)");
        tty.send("\x1b");
        tty.wait("the question gone", |s| !s.contains("PIN"));
        tty.send("8");
        let raw = {
            tty.wait_process("its end", |tty| tty.process_state() == 'Z' || tty.process_state() == '?');
            tty.raw()
        };
        assert_plain(&raw, term);
        assert!(raw.ends_with(b"\x1b[0m\x1b[2J\x1b[H\x1b[?25h"), "{term}: the terminal is given back");
        assert!(!String::from_utf8_lossy(&raw).contains("4711"));
        assert_eq!(tty.exit(), 0);
    }
}

#[test]
fn a_key_is_answered_within_300_ms_at_9600_baud() {
    let rack = Rack::new();
    let mut tty = rack.start("vt220", &["--serial"]);
    let ready = |s: &str| s.contains("1 Status") && s.contains("5 running");
    bytes(&tty, 0, "the menu", ready);
    let mut told = Vec::new();
    let mut measure = |tty: &mut Tty, what: &'static str, key: &str, seen: &dyn Fn(&str) -> bool| {
        let from = tty.raw_len();
        tty.send(key);
        let sent = bytes(tty, from, what, seen);
        told.push((what, sent.len()));
        sent
    };
    let sent = measure(&mut tty, "cursor down", "j", &|s| s.contains("> 2 Buffers"));
    assert!(sent.len() <= AT_ONCE, "cursor: {} bytes", sent.len());
    for (key, title) in [
        ("1", "Status"),
        ("2", "Buffers"),
        ("3", "services"),
        ("4", "Ports"),
        ("5", "Network"),
        ("6", "Log"),
        ("7", "Help"),
    ] {
        let what: &'static str = title;
        let sent = measure(&mut tty, what, key, &|s| s.lines().next().is_some_and(|l| l.contains(title)));
        let text = String::from_utf8_lossy(&sent).into_owned();
        let first = text.find(title).unwrap_or(usize::MAX);
        assert!(first <= AT_ONCE, "{title}: its name comes after {first} bytes");
        measure(&mut tty, "back", "0", &ready);
    }
    // The form of a test: moving, typing in a field, and what is wrong with it.
    measure(&mut tty, "Network", "5", &|s| s.contains("[Ping]"));
    for (what, key, seen) in [
        ("field below", "j", "> Target"),
        ("field below again", "j", "> Count"),
        ("a field opened", "\r", "> Count     4"),
        ("a digit typed", "0", "> Count     40"),
        ("a field typed", "\r", "How many echo"),
        ("a field opened again", "\r", "> Count     40"),
        ("all taken away", "\x15", "> Count "),
        ("a wrong digit", "0", "> Count     0"),
        ("what is wrong told", "\r", "is not from 1 to 10000"),
    ] {
        let sent = measure(&mut tty, what, key, &|s| s.contains(seen));
        assert!(sent.len() <= AT_ONCE / 2, "{what}: {} bytes", sent.len());
    }
    measure(&mut tty, "back", "0", &ready);
    // A change of state on the menu.
    let from = tty.raw_len();
    rack.raven.control().collector("vector", false);
    let sent = bytes(&tty, from, "the service down", |s| s.contains("vector stopped"));
    told.push(("service down, menu", sent.len()));
    assert!(sent.len() <= 600, "{} bytes", sent.len());
    println!("{told:?}");
}

#[test]
fn the_wall_changes_with_few_bytes() {
    let rack = Rack::new();
    let tty = rack.start("vt220", &["--serial", "--idle", "10"]);
    bytes(&tty, 0, "the wall", |s| s.contains("###") && s.contains("5 running"));
    let from = tty.raw_len();
    rack.raven.control().collector("vector", false);
    let sent = bytes(&tty, from, "the service down", |s| s.contains("vector stopped"));
    println!("service down, wall: {} bytes", sent.len());
    assert!(sent.len() <= 600, "{} bytes", sent.len());
}

#[test]
fn on_a_slow_line_what_is_sent_is_what_holds_by_then() {
    let rack = Rack::new();
    let mut tty = rack.start("vt220", &["--serial", "--baud", "9600"]);
    tty.wait("the menu", |s| s.contains("1 Status") && s.contains("running"));
    bytes(&tty, 0, "all of it", |s| s.contains("7 Help"));
    for (key, title) in [("1", "Status"), ("3", "services"), ("5", "Network"), ("7", "Help"), ("0", "Menu ")] {
        let (from, began) = (tty.raw_len(), std::time::Instant::now());
        tty.send(key);
        tty.wait("its title", |s| s.lines().next().is_some_and(|l| l.contains(title)));
        let (first, early) = (began.elapsed(), tty.raw_len() - from);
        let sent = bytes(&tty, from, "all of it", |s| s.lines().next().is_some_and(|l| l.contains(title))).len();
        // The quiet that the end is known by is no part of it.
        let whole = began.elapsed().saturating_sub(std::time::Duration::from_millis(300));
        println!("{title}: title after {first:?} ({early} bytes), all after {whole:?} ({sent} bytes)");
        assert!(early <= 480, "{title}: its name comes after {early} bytes");
    }
    // Three pages in a row, faster than one of them could be sent: the line is never behind by them.
    let (from, began) = (tty.raw_len(), std::time::Instant::now());
    tty.send("723");
    tty.wait("the last of them", |s| s.lines().next().is_some_and(|l| l.contains("services")));
    let (title, sent) = (began.elapsed(), tty.raw_len() - from);
    println!("the title of the last page after {title:?} and {sent} bytes");
    assert!(sent < 600, "what nobody looks at any more was sent: {sent} bytes");
}
