//! Reading a console: what is found in it, copied, noted on an alarm and recorded, and what a guest may do
//! to whoever looks elsewhere.

use std::sync::Arc;

use noctule::app::effect::{ConsoleRequest, RecordIn};
use noctule::app::pane::PaneId;
use noctule::app::state::TerminalAct;
use noctule::model::console::{ConsoleNews, ConsolePhase, Image};

use super::consoles::{SESSION, asked, begin, emulator, news, opened, phase, requests, screen_of, shows};
use super::harness::{Screen, args};

/// What is put on the operator's clipboard.
fn copied(screen: &mut Screen) -> Vec<String> {
    let acts = screen.app.take_acts().into_iter();
    acts.filter_map(|act| if let TerminalAct::Copy { text, .. } = act { Some(text) } else { None }).collect()
}

#[test]
fn a_guest_reaches_the_clipboard_only_while_it_is_looked_at() {
    let mut screen = Screen::small((120, 30));
    let id = screen_of(&mut screen);
    let told = |screen: &mut Screen, text: &str| news(screen, id, ConsoleNews::Clipboard(text.into()));
    told(&mut screen, "seen");
    assert_eq!(copied(&mut screen), ["seen"]);
    // As a click on its name does it, while the console keeps the keys.
    screen.run("pane.alarms", &[]);
    assert_eq!(screen.app.active(), PaneId::Alarms);
    told(&mut screen, "unseen");
    assert_eq!(copied(&mut screen), [""; 0], "another pane is shown");
    // That it ended is told there, and that it rang is marked until it is looked at.
    news(&mut screen, id, ConsoleNews::Bell);
    phase(&mut screen, id, ConsolePhase::Ended("the guest was shut down".into()));
    assert!(screen.grid().contains("db-primary vnc: the guest was shut down"), "{}", screen.grid());
    phase(&mut screen, id, ConsolePhase::Open);
    screen.pane(PaneId::Vms);
    assert!(screen.grid().contains("1 db-primary vnc ") && !screen.grid().contains("vnc!"), "{}", screen.grid());
}

#[test]
fn a_bell_is_marked_until_the_console_is_shown() {
    let ways: [(&str, &str); 4] = [
        ("opened from the list", "ctrl-] d c"),
        ("the next one", "ctrl-] n"),
        ("chosen on the wall", "ctrl-] w left enter"),
        ("the other one closed", "ctrl-] q"),
    ];
    for (way, keys) in ways {
        let (mut screen, serial) = opened((120, 30));
        screen.keys("ctrl-] d");
        let vnc = begin(&mut screen, "v");
        phase(&mut screen, vnc, ConsolePhase::Open);
        news(&mut screen, serial, ConsoleNews::Bell);
        assert!(screen.grid().contains("db-primary serial!"), "{way}:\n{}", screen.grid());
        screen.keys(keys);
        let grid = screen.grid();
        assert!(grid.contains("db-primary login") && !grid.contains("serial!"), "{way}:\n{grid}");
    }
}

#[test]
fn what_is_noted_on_an_alarm_is_what_was_shown_when_it_was_asked_for() {
    let (mut screen, id) = opened((120, 30));
    shows(&mut screen, id, "Kernel panic - not syncing");
    screen.keys("ctrl-] A");
    shows(&mut screen, id, "SeaBIOS (version 1.16)");
    screen.keys("enter");
    let noted = screen.wish();
    assert_eq!(
        (noted.command, noted.args),
        ("alarm.note", args(&[("text", "db-primary serial:\nKernel panic - not syncing")]))
    );
    // An alarm that is named at once is given what is shown then.
    screen.sent.clear();
    screen.run("console.attach", &[("alarm", "7")]);
    assert!(screen.wish().args.get("text").is_some_and(|text| text.contains("SeaBIOS")), "{:?}", screen.wish());
}

#[test]
fn what_was_found_is_picked_out_until_the_line_goes_to_its_end() {
    for (way, keys) in [("a key", "x"), ("to the end", "ctrl-] G"), ("reset", "ctrl-] R")] {
        let (mut screen, id) = opened((120, 30));
        let plain = screen.print();
        let console = emulator(SESSION);
        let hits = console.found_on(&console.screen(0), "root");
        assert_eq!(hits.len(), 3);
        news(&mut screen, id, ConsoleNews::Found(hits.last().copied()));
        let one = screen.print();
        news(&mut screen, id, ConsoleNews::Hits(hits));
        assert!(plain != one && one != screen.print(), "the others stand out, too");
        screen.keys(keys);
        assert_eq!(screen.print(), plain, "{way}");
    }
}

#[test]
fn a_screen_is_not_moved_beyond_its_edge() {
    let (mut screen, _) = opened((60, 15));
    let whole = screen.print();
    let edge = |screen: &mut Screen| {
        screen.keys("ctrl-] right");
        screen.print()
    };
    let mut before = whole.clone();
    let mut steps = 0;
    loop {
        let now = edge(&mut screen);
        if now == before {
            break;
        }
        (before, steps) = (now, steps + 1);
        assert!(steps < 20, "it goes on for ever");
    }
    assert!(steps > 0, "80 columns do not fit into 60");
    for _ in 0..9 {
        edge(&mut screen);
    }
    // One step for each that was seen, whatever was pressed at the edge.
    for _ in 0..steps {
        assert_ne!(screen.print(), whole);
        screen.keys("ctrl-] left");
    }
    assert_eq!(screen.print(), whole);
}

#[test]
fn lines_from_a_mark_to_what_is_shown_are_copied() {
    let (mut screen, id) = opened((120, 30));
    let mut console = emulator("");
    let log: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
    let _ = console.feed(log.as_bytes());
    let shown = |screen: &mut Screen, up: u32| {
        let image = Image::Screen(Arc::new(console.screen(up)));
        news(screen, id, ConsoleNews::Image(image));
    };
    shown(&mut screen, 60);
    screen.keys("ctrl-] m");
    assert!(screen.grid().contains("marked: ctrl-] y copies from there"), "{}", screen.grid());
    shown(&mut screen, 0);
    screen.keys("ctrl-] y");
    let [ConsoleRequest::Copy(selection)] = requests(&mut screen)[..] else { panic!("{:?}", screen.sent) };
    let text = console.copy(&selection);
    assert!(text.starts_with("line 17\nline 18\n") && text.trim_end().ends_with("line 99"), "{text}");
    news(&mut screen, id, ConsoleNews::Copied(text.clone()));
    assert_eq!(copied(&mut screen), [text]);
    // The mark is gone: what is shown is copied, as it was without one.
    screen.keys("ctrl-] y");
    assert!(requests(&mut screen).is_empty());
    assert_eq!(copied(&mut screen), [console.screen(0).text()]);
    screen.keys("ctrl-] m ctrl-] m");
    assert!(!screen.grid().contains("marked:"), "again forgets it:\n{}", screen.grid());
}

#[test]
fn a_recording_is_redacted_only_where_that_is_chosen() {
    for (choice, redact) in [("enter", false), ("down enter", true)] {
        let (mut screen, id) = opened((120, 30));
        screen.keys("ctrl-] r");
        assert!(screen.grid().contains("Record what?"), "{}", screen.grid());
        screen.keys(choice);
        let words = if redact { "asciicast, redacted" } else { "asciicast, not redacted" };
        assert!(screen.grid().contains(words), "{}", screen.grid());
        screen.keys("enter");
        let wanted = RecordIn { file: "db-primary.cast".into(), redact };
        assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Record(Some(wanted)))]);
    }
}

#[test]
fn a_terminal_in_a_mess_is_reset_and_a_screen_has_none() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] R");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Reset)]);
    let mut screen = Screen::small((120, 30));
    screen_of(&mut screen);
    screen.keys("ctrl-] R");
    assert!(requests(&mut screen).is_empty());
    assert!(screen.grid().contains("no terminal here that could be reset"), "{}", screen.grid());
}

#[test]
fn a_search_goes_up_and_on() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] / 'EXT4 enter");
    let up = ConsoleRequest::Search { text: "EXT4".into(), backwards: true };
    assert_eq!(asked(&mut screen), [(id, up)]);
    screen.keys("ctrl-] N");
    assert_eq!(requests(&mut screen), [ConsoleRequest::Search { text: "EXT4".into(), backwards: false }]);
    news(&mut screen, id, ConsoleNews::Found(None));
    assert!(screen.grid().contains("`EXT4` is not there"), "{}", screen.grid());
}
