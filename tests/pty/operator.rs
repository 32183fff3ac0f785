//! What an operator does over a shift and what has to outlive it: undo late, leave and come back,
//! files edited beside the console, a first source, the mouse, a machine that loses power.

use std::os::unix::fs::PermissionsExt as _;

use super::lab::{Lab, until};
use super::tty::{Start, Tty};

/// Leaves, and waits for the end: what is to be kept is on the disk then.
fn leave(mut tty: Tty) {
    tty.send("q");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn undone_after_the_hold_it_is_an_action_of_its_own() {
    let lab = Lab::configured("");
    let mut tty = lab.watching();
    tty.send("a");
    tty.wait_for("acknowledged 1 alarm");
    tty.wait_for("ACKED");
    // The message stays longer than an action is held back.
    tty.wait("the message gone", |s| !s.contains("acknowledged 1 alarm"));
    tty.send("u");
    tty.wait_for("taken back by the opposite action");
    tty.wait("an alarm nobody has acknowledged", |s| !s.contains("ACKED"));
    leave(tty);
    let (log, _) = lab.noctule(&["log", "--ndjson", "--filter", "kind=action"]);
    let verbs = ["\"what\":\"ack\"", "\"what\":\"undo\""].map(|verb| log.matches(verb).count());
    assert_eq!(verbs, [1, 1], "both stay in the history:\n{log}");
}

#[test]
fn leaving_and_coming_back_shows_the_same() {
    let lab = Lab::configured("");
    let mut tty = lab.watching();
    tty.send("2");
    tty.wait_for("ONUs up");
    tty.send("/kind=onu\r");
    tty.wait_for("/kind=onu");
    tty.wait("a list in place of the tree", |s| s.contains("by id"));
    tty.send(":columns set=id,serial,flows\r");
    tty.wait("the columns chosen", |s| s.contains("Flows") && !s.contains("ONUs up"));
    leave(tty);
    let mut tty = lab.start();
    tty.wait("pane, filter and columns of before", |s| {
        s.contains("/kind=onu") && s.contains("by id") && s.contains("Flows") && !s.contains("ONUs up")
    });
    // The history of typed lines too.
    tty.send(":\x1b[A");
    tty.wait_for(":columns set=id,serial,flows");
}

#[test]
fn a_theme_is_written_with_the_console_open() {
    let lab = Lab::configured("[ui]\ntheme = \"mine\"\n");
    let file = lab.config().join("themes/mine.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "inherits = \"default\"\n").unwrap();
    let start = Start { args: &[], env: &[("COLORTERM", "truecolor")], ..Start::default() };
    let mut tty = Tty::start(lab.home(), &start);
    tty.wait_for("sources 1/1 up");
    std::fs::write(&file, "inherits = \"default\"\n[tokens]\ntitle = \"#010203\"\n").unwrap();
    tty.wait_raw(0, b"38;2;1;2;3");
    std::fs::write(&file, "inherits = \"default\"\n[tokens]\ntitel = \"#040506\"\n").unwrap();
    let screen = tty.wait_for("theme left as it was");
    assert!(screen.contains("mine.toml:3:1"), "the place of the mistake:\n{screen}");
    let before = tty.raw_len();
    tty.send("\x0c");
    tty.wait_raw(before, b"38;2;1;2;3");
    // A theme chosen on the screen is the one that is followed from then on.
    std::fs::write(&file, "inherits = \"default\"\n").unwrap();
    std::fs::write(file.with_file_name("other.toml"), "inherits = \"default\"\n").unwrap();
    tty.send(":theme name=other\r");
    tty.wait("the line gone", |s| !s.contains(":theme"));
    std::fs::write(file.with_file_name("other.toml"), "inherits = \"default\"\n[tokens]\ntitle = \"#070809\"\n")
        .unwrap();
    tty.wait_raw(before, b"38;2;7;8;9");
}

#[test]
fn an_inventory_with_a_bad_line_keeps_the_good_ones() {
    let lab = Lab::configured("[inventory]\nfile = \"inventory.csv\"\n");
    let file = lab.config().join("inventory.csv");
    std::fs::write(&file, "serial,site,name,subscribers\nX1,North,Mill Lane 1,1\n").unwrap();
    let tty = lab.start();
    tty.wait_for("inventory read: 1 device");
    std::fs::write(
        &file,
        "serial,site,name,subscribers\nX1,North,Mill Lane 1,1\nX2,North,Mill Lane 2,many\nX3,North,,2\n",
    )
    .unwrap();
    tty.wait("the line that is wrong", |s| s.contains("inventory.csv: line 3"));
    tty.wait_for("inventory read: 2 devices");
}

#[test]
fn a_first_source_is_tested_and_saved_for_its_owner_alone() {
    let lab = Lab::new();
    let mut tty = lab.start();
    tty.wait_for("no configuration yet");
    tty.send("2");
    tty.wait_for("A first source");
    // An address at which nobody listens is told before anything is saved.
    tty.send("\t\x15http://127.0.0.1:1\r");
    tty.wait_for("enter tests again");
    assert!(!lab.config().join("noctule.toml").exists());
    tty.send(&format!("\x15{}\t\x15{}\r", lab.grpc(), lab.brokers()));
    tty.wait_for("enter saves and starts");
    tty.send("\r");
    tty.wait_for("sources 1/1 up");
    leave(tty);
    let file = lab.config().join("noctule.toml");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (said, well) = lab.noctule(&["config", "check"]);
    assert!(well, "{said}");
}

#[test]
fn the_mouse_reaches_panes_and_rows() {
    let lab = Lab::configured("");
    let mut tty = lab.watching();
    let at = |text: &str, screen: &str| {
        let (row, line) = screen.lines().enumerate().find(|(_, l)| l.contains(text)).expect("it is on the screen");
        let column = line.split(text).next().unwrap().chars().count();
        (column + 2, row + 1)
    };
    let click = |tty: &mut Tty, (x, y): (usize, usize)| tty.send(&format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m"));
    let place = at("2 PON", &tty.text());
    click(&mut tty, place);
    tty.wait_for("ONUs up");
    let screen = tty.wait("a branch", |s| s.contains("▸ OLT"));
    click(&mut tty, at("▸ OLT", &screen));
    tty.wait("the cursor on the row clicked", |s| s.lines().any(|l| l.starts_with('▌') && l.contains("OLT")));
    let place = at("6 Sources", &tty.text());
    click(&mut tty, place);
    tty.wait_for("Breaker");
}

#[test]
fn a_note_is_written_in_the_editor() {
    let lab = Lab::configured("");
    let editor = lab.home().join("editor.sh");
    std::fs::write(&editor, "#!/bin/sh\nprintf 'splicer on the way' > \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).unwrap();
    let editor = editor.to_string_lossy().into_owned();
    let mut tty = Tty::start(lab.home(), &Start { args: &[], env: &[("EDITOR", &editor)], ..Start::default() });
    tty.wait("standing alarms", |s| s.contains("UNACK") && s.contains("sources 1/1 up"));
    tty.send("n");
    tty.wait_for("writes it in $EDITOR");
    tty.send("\x0f");
    tty.wait("the note in the detail view", |s| s.contains("splicer on the way") && s.contains("noted on 1 alarm"));
}

/// A generator of one's own: the moments are the same in every run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A moment is a number of notes seen on the screen and a number of bytes written after the keys of
/// the next: it may be lost or kept, but not twice, and what was seen is there.
#[test]
fn killed_at_many_moments_of_a_storm_it_keeps_what_was_told_once() {
    let lab = Lab::storm();
    let mut moments = Moments(7);
    let mut told: Vec<String> = Vec::new();
    for round in 0..5 {
        let mut tty = lab.watching();
        for n in 0..1 + moments.below(4) {
            let note = format!("note-{round}-{n}.");
            tty.send("n");
            tty.wait_for("enter accepts");
            tty.send(&format!("{note}\r"));
            // The question shows the note as well: it has to be gone.
            tty.wait("the note in the detail view", |s| s.contains(&note) && !s.contains("enter accepts"));
            told.push(note);
        }
        tty.send("n");
        tty.wait_for("enter accepts");
        let (before, more) = (tty.raw_len(), usize::try_from(moments.below(900)).unwrap());
        tty.send(&format!("late-{round}.\r"));
        tty.wait_process("some more output", |t| t.raw_len() >= before + more);
        tty.signal("KILL");
        drop(tty);
        until("an owner that is gone", || lab.noctule(&["log", "--ndjson"]).1);
        let database = rusqlite::Connection::open(lab.cache()).unwrap();
        let whole: String = database.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(whole, "ok", "after round {round}");
    }
    let (log, well) = lab.noctule(&["log", "--ndjson", "--filter", "kind=action"]);
    assert!(well, "{log}");
    let times = |note: &str| log.lines().filter(|l| l.contains(note)).count();
    for note in &told {
        assert_eq!(times(note), 1, "{note} in\n{log}");
    }
    for round in 0..5 {
        assert!(times(&format!("late-{round}.")) <= 1, "doubled in\n{log}");
    }
    let folder = std::fs::read_dir(lab.cache().parent().unwrap()).unwrap();
    let names: Vec<String> = folder.map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|n| !n.contains("corrupt") && !n.contains("aside")), "{names:?}");
}
