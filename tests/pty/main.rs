//! The real binary in a pseudo-terminal: started, looked at, typed into, resized, stopped, killed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod console;
mod lab;
mod menu;
mod operator;
#[cfg(feature = "graphics")]
mod pictures;
mod together;
mod tty;

use tempfile::TempDir;
use tty::{Start, Tty};

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The demo with its first alarms on the screen.
fn demo(home: &TempDir, start: &Start<'_>) -> Tty {
    let tty = Tty::start(home.path(), start);
    tty.wait("alarms of the demo", |s| s.contains("UNACK"));
    tty
}

#[test]
fn the_demo_shows_a_living_network_and_leaves_the_terminal_as_it_was() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    let screen = tty.text();
    for word in ["noctule", "1 Alarms", "2 PON", "6 Sources", "7 Log", "sources 17/18 up"] {
        tty.wait_for(word);
    }
    assert!(!screen.contains('\u{fffd}'));
    tty.send("q");
    let raw_end = {
        tty.wait_raw(0, b"\x1b[?1049l");
        tty.raw()
    };
    assert!(raw_end.windows(6).any(|w| w == b"\x1b[?25h"), "the cursor is shown again");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn every_pane_is_one_key_away() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    // Each of these words stands on that pane alone.
    for (key, word) in [("2", "ONUs up"), ("6", "Breaker"), ("7", "following"), ("1", "Seen")] {
        tty.send(key);
        tty.wait_for(word);
    }
}

#[test]
fn an_alarm_is_acknowledged_and_taken_back() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    tty.send("a");
    tty.wait_for("undoes");
    tty.wait_for("ACKED");
    tty.send("u");
    tty.wait("the alarm as it was", |s| !s.contains("ACKED"));
}

#[test]
fn a_filter_answers_while_it_is_typed_and_points_at_mistakes() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    tty.send("/");
    tty.send("severty>=major");
    tty.wait_for("did you mean");
    tty.send("\x15severity=minor\r");
    tty.wait("the line gone and only minor alarms left", |s| {
        let row = |letter: &str| s.lines().any(|l| l.get(2..).is_some_and(|l| l.starts_with(letter)));
        s.contains("/severity=minor") && s.contains("? Help") && !row("M ") && !row("W ")
    });
}

#[test]
fn help_palette_and_command_line_open_and_close() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    // What is waited for stands only in the layer, never in the hint line below it: an Esc sent
    // before the layer is drawn would be read together with the key after it, as Alt and that key.
    tty.send("?");
    tty.wait_for("─ Help ─");
    tty.send("shelv");
    tty.wait_for("Unshelve");
    tty.send("\x1b");
    tty.wait("a closed help", |s| !s.contains("─ Help ─"));
    tty.send("\x10");
    tty.wait_for("─ Commands ─");
    tty.send("quit");
    tty.wait_for("app.quit");
    tty.send("\x1b");
    tty.wait("a closed palette", |s| !s.contains("app.quit"));
    tty.send(":frobnicate\r");
    tty.wait_for("no command is called");
}

#[test]
fn a_new_size_is_used_at_once_and_too_small_says_what_it_needs() {
    let home = home();
    let tty = demo(&home, &Start::default());
    tty.resize(80, 24);
    // The emulator has cut what was there; a line of hints at its bottom is drawn for the new size.
    tty.wait("a screen of 80x24", |s| s.lines().nth(23).is_some_and(|l| l.contains("? Help")));
    tty.resize(50, 10);
    tty.wait_for("60x15");
    tty.resize(120, 30);
    tty.wait_for("UNACK");
}

#[test]
fn the_first_key_after_a_new_size_is_taken() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    for (size, key, word) in [((120, 30), "2", "ONUs up"), ((130, 40), "6", "Breaker"), ((120, 30), "2", "ONUs up")] {
        tty.resize(size.0, size.1);
        tty.wait("a screen of that size", |s| s.lines().nth(size.1.into()).is_none() && s.contains("? Help"));
        tty.send(key);
        tty.wait_for(word);
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_draws_everything_again() {
    let home = home();
    // Job control needs a shell: without one there is nobody to come back to.
    let script =
        format!("{} demo --scale small --seed 7; echo SHELL AGAIN; fg; echo ENDED", env!("CARGO_BIN_EXE_noctule"));
    let start = Start { args: &["-m", "-c", &script], ..Start::default() };
    let mut tty = Tty::program(std::path::Path::new("/bin/bash"), home.path(), &start);
    tty.wait_for("UNACK");
    let before = tty.raw_len();
    tty.send("\x1a");
    tty.wait_raw(before, b"\x1b[?1049l");
    tty.wait_raw(before, b"SHELL AGAIN");
    tty.wait_raw(before, b"\x1b[?1049h");
    tty.wait_for("UNACK");
    tty.send("2");
    tty.wait_for("ONUs up");
    tty.send("q");
    tty.wait_for("ENDED");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn stopped_from_outside_it_draws_everything_again() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    tty.signal("STOP");
    tty.wait_process("a stopped process", |t| t.process_state() == 'T');
    let left = tty.raw_len();
    tty.signal("CONT");
    tty.wait_raw(left, b"\x1b[?1049h");
    tty.wait_for("UNACK");
    tty.send("2");
    tty.wait_for("ONUs up");
}

#[test]
fn sigterm_restores_the_terminal_and_ends_well() {
    let home = home();
    let tty = demo(&home, &Start::default());
    tty.signal("TERM");
    tty.wait_raw(0, b"\x1b[?1049l");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn sighup_writes_nothing_to_the_dead_terminal() {
    let home = home();
    let tty = demo(&home, &Start::default());
    tty.signal("HUP");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn the_linux_console_gets_ascii_and_sixteen_colours() {
    let home = home();
    let start = Start { size: (80, 25), term: "linux", ..Start::default() };
    let mut tty = demo(&home, &start);
    tty.send("2");
    tty.wait_for("ONUs up");
    tty.send("?");
    tty.wait_for("- Help -");
    let raw = tty.raw();
    assert!(raw.iter().all(|b| *b < 0x80), "a byte beyond ASCII reached the Linux console");
    let text = String::from_utf8_lossy(&raw);
    for sgr in ["38;2;", "48;2;", "38;5;", "48;5;"] {
        assert!(!text.contains(sgr), "{sgr} reached the Linux console");
    }
}

#[test]
fn no_color_leaves_attributes_only() {
    let home = home();
    let tty = demo(&home, &Start { env: &[("NO_COLOR", "1")], ..Start::default() });
    tty.wait_raw(0, b"\x1b[0;7m");
    let text = String::from_utf8_lossy(&tty.raw()).into_owned();
    for sgr in ["38;2;", "48;2;", "38;5;", "48;5;", "\x1b[31m", "\x1b[;m"] {
        assert!(!text.contains(sgr), "{sgr:?} although NO_COLOR is set");
    }
}

#[test]
fn a_dumb_terminal_is_told_what_works() {
    let home = home();
    let tty = Tty::start(home.path(), &Start { term: "dumb", ..Start::default() });
    tty.wait_for("--linear");
    assert_eq!(tty.exit(), 2);
}

#[test]
fn linear_mode_prints_whole_lines_and_never_moves_the_cursor() {
    let home = home();
    let args = &["demo", "--scale", "small", "--seed", "7", "--linear"];
    let mut tty = Tty::start(home.path(), &Start { args, term: "dumb", ..Start::default() });
    tty.wait("a line about an alarm", |s| s.contains("MAJOR voltha/") && s.contains("raised UNACK"));
    tty.send("quit\r");
    let raw = tty.raw();
    assert!(!raw.windows(2).any(|w| w == b"\x1b["), "an escape sequence in linear mode");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn frames_are_single_writes_between_synchronised_output_marks() {
    let home = home();
    let mut tty = demo(&home, &Start::default());
    tty.send("2");
    tty.wait_for("ONUs up");
    // The last frame may be on its way.
    let count = |mark: &[u8]| tty.raw().windows(8).filter(|w| *w == mark).count();
    tty.wait_process("whole frames", |_| count(b"\x1b[?2026h") > 3 && count(b"\x1b[?2026h") == count(b"\x1b[?2026l"));
}

#[test]
fn killed_at_any_moment_it_keeps_what_the_operator_was_told() {
    let home = home();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = noctule::sim::SimOptions { script: false, ..noctule::sim::SimOptions::default() };
    let network = runtime.block_on(noctule::sim::Network::start(options)).unwrap();
    let source = network.config().sources.remove(0);
    let noctule::config::schema::SourceKind::Voltha(voltha) = source.kind else { panic!("another kind") };
    let brokers = voltha.kafka.unwrap().brokers;
    let folder = home.path().join("config/noctule");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "[profile.default]\nread_only = false\n[[source]]\nname = \"voltha\"\nkind = \"voltha\"\ngrpc = \"{}\"\n\
         [source.kafka]\nbrokers = {brokers:?}\n",
        voltha.grpc
    );
    std::fs::write(folder.join("noctule.toml"), text).unwrap();
    let start = Start { args: &[], ..Start::default() };
    let mut tty = Tty::start(home.path(), &start);
    tty.wait("standing alarms", |s| s.contains("UNACK") && s.contains("sources 1/1 up"));
    tty.send("a");
    tty.wait_for("undoes");
    tty.signal("KILL");
    drop(tty);
    let tty = Tty::start(home.path(), &start);
    tty.wait_for("ACKED");
    let screen = tty.wait_for("sources 1/1 up");
    assert!(!screen.contains("set aside"), "the next start is clean");
    network.stop();
}

#[test]
fn lines_that_nobody_reads_any_more_end_it_quietly() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let home = home();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_noctule"));
    command.args(["demo", "--scale", "small", "--seed", "7", "--speed", "100", "--linear"]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path());
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().expect("noctule starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().is_some_and(|l| l.is_ok()), "a first line");
    drop(lines);
    // Standard input stays open: only the lines have lost their reader.
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
