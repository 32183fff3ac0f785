//! Consoles inside the pane of virtual machines: how they stand, that the keys of a guest are the
//! guest's, and that nothing a guest says reaches the screen raw.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use noctule::app::effect::ConsoleRequest;
use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::app::port::Request;
use noctule::engine::emulator::Emulator;
use noctule::model::console::{
    ConsoleId, ConsoleKey, ConsoleKind, ConsoleNews, ConsolePhase, Image, Picture, Presence, Stroke,
};
use noctule::theme::Glyphs;

use super::common::rows::HOSTILE;
use super::common::world::World;
use super::harness::Screen;
use super::{SIZES, each, once};

/// A login, and what was typed into it.
pub const SESSION: &str = "\r\nDebian GNU/Linux 12 db-primary ttyS0\r\n\r\ndb-primary login: root\r\nPassword: \r\n\
    \x1b[1mroot@db-primary\x1b[m:~# dmesg | tail -3\r\n[    4.211] \x1b[32meth0\x1b[m: link is up\r\n\
    [    4.803] random: crng init done\r\n[    9.115] \x1b[31mEXT4-fs error\x1b[m (device vda1): link count\r\n\
    root@db-primary:~# ";

/// What was asked of consoles since the last look, in its order.
pub fn asked(screen: &mut Screen) -> Vec<(ConsoleId, ConsoleRequest)> {
    let sent = std::mem::take(&mut screen.sent);
    let asked = sent.into_iter().filter_map(|r| match r {
        Request::Console(id, request) => Some((id, request)),
        _ => None,
    });
    asked.collect()
}

pub fn requests(screen: &mut Screen) -> Vec<ConsoleRequest> {
    asked(screen).into_iter().map(|(_, request)| request).collect()
}

/// Opens a console of the machine under the cursor.
pub fn begin(screen: &mut Screen, key: &str) -> ConsoleId {
    screen.keys(key);
    match asked(screen).as_slice() {
        [(id, ConsoleRequest::Open { .. })] => *id,
        other => panic!("{other:?}\n{}", screen.grid()),
    }
}

pub fn news(screen: &mut Screen, id: ConsoleId, news: ConsoleNews) {
    screen.tell(Msg::Console(id, news));
}

pub fn phase(screen: &mut Screen, id: ConsoleId, phase: ConsolePhase) {
    news(screen, id, ConsoleNews::Phase(phase));
}

pub fn emulator(text: &str) -> Emulator {
    let mut emulator = Emulator::default();
    let _ = emulator.feed(text.as_bytes());
    emulator
}

pub fn shows(screen: &mut Screen, id: ConsoleId, text: &str) {
    phase(screen, id, ConsolePhase::Open);
    let image = Image::Screen(Arc::new(emulator(text).screen(0)));
    news(screen, id, ConsoleNews::Image(image));
}

/// The serial console of `db-primary`, being opened.
fn opening(screen: &mut Screen) -> ConsoleId {
    screen.pane(PaneId::Vms);
    screen.keys("j");
    begin(screen, "c")
}

/// And open.
fn open(screen: &mut Screen) -> ConsoleId {
    let id = opening(screen);
    shows(screen, id, SESSION);
    id
}

pub fn opened(size: (u16, u16)) -> (Screen, ConsoleId) {
    let mut screen = Screen::small(size);
    let id = open(&mut screen);
    (screen, id)
}

fn presence(viewers: &[&str], control: Option<&str>, ours: bool) -> ConsoleNews {
    let viewers = viewers.iter().map(|v| (*v).to_owned()).collect();
    ConsoleNews::Presence(Presence { viewers, control: control.map(str::to_owned), ours, wants: None })
}

/// A picture with something in every quarter.
fn picture() -> Picture {
    let mut picture = Picture::new(320, 200);
    let colours = [[200, 40, 40], [40, 200, 40], [40, 40, 200], [220, 220, 220]];
    for y in 0..200_usize {
        for x in 0..320_usize {
            let colour = colours[y / 100 * 2 + x / 160];
            picture.rgb[(y * 320 + x) * 3..][..3].copy_from_slice(&colour);
        }
    }
    picture
}

/// The screen of `db-primary`, open, with a picture.
pub fn screen_of(screen: &mut Screen) -> ConsoleId {
    screen.pane(PaneId::Vms);
    screen.keys("j");
    let id = begin(screen, "v");
    phase(screen, id, ConsolePhase::Open);
    news(screen, id, ConsoleNews::Image(Image::Picture(Arc::new(picture()))));
    id
}

/// Three consoles: one open, one with a picture, one that has ended.
fn three(screen: &mut Screen) {
    open(screen);
    screen.keys("ctrl-] d");
    let vnc = begin(screen, "v");
    phase(screen, vnc, ConsolePhase::Open);
    news(screen, vnc, ConsoleNews::Image(Image::Picture(Arc::new(picture()))));
    screen.keys("ctrl-] d j j");
    let other = begin(screen, "c");
    phase(screen, other, ConsolePhase::Ended("kvm-1: the machine was shut down".into()));
    screen.keys("ctrl-] w");
}

#[test]
fn one_that_is_open_with_a_search_hit() {
    each("vms_console", |s| {
        let id = open(s);
        let console = emulator(SESSION);
        let found = console.search("root", None, true);
        assert!(found.is_some());
        news(s, id, ConsoleNews::Found(found));
        news(s, id, ConsoleNews::Hits(console.found_on(&console.screen(0), "root")));
    });
}

#[test]
fn all_of_them_side_by_side() {
    each("vms_console_wall", three);
}

#[test]
fn its_commands_pop_up() {
    each("vms_console_keys", |s| {
        open(s);
        s.keys("ctrl-]");
        s.tell(Msg::Tick(s.now));
    });
}

#[test]
fn how_it_stands() {
    once("vms_console_opening", (80, 24), |s| {
        opening(s);
    });
    once("vms_console_held", (80, 24), |s| {
        let id = opening(s);
        phase(s, id, ConsolePhase::Held("operation failed: Active console session exists for this domain".into()));
    });
    once("vms_console_ended", (80, 24), |s| {
        let id = open(s);
        phase(s, id, ConsolePhase::Ended("kvm-1: the connection ended: libvirtd was restarted".into()));
    });
    once("vms_console_silent", (80, 24), |s| {
        let id = opening(s);
        phase(s, id, ConsolePhase::Open);
    });
    once("vms_console_read_only", (80, 24), |s| {
        s.app.ctx.read_only = true;
        open(s);
    });
    once("vms_console_recorded", (80, 24), |s| {
        let id = open(s);
        news(s, id, ConsoleNews::Recording(Some("/home/anna/db-primary.cast".into())));
    });
    once("vms_console_shared", (120, 30), |s| {
        let id = open(s);
        news(s, id, ConsoleNews::Title("root@db-primary: ~".into()));
        news(s, id, presence(&["anna", "boris", "carla"], Some("boris"), false));
    });
    once("vms_console_paste", (80, 24), |s| {
        open(s);
        s.tell(Msg::Input(Event::Paste("systemctl restart postgresql\nreboot\n".into())));
    });
    once("vms_console_picture", (120, 30), |s| {
        screen_of(s);
    });
    once("vms_console_menu", (120, 30), |s| {
        screen_of(s);
        s.keys("ctrl-] k");
    });
    once("vms_console_grave", (80, 24), |s| {
        screen_of(s);
        s.keys("ctrl-] k up up enter");
    });
    once("vms_console_size", (80, 24), |s| {
        open(s);
        s.keys("ctrl-] s");
    });
}

#[test]
fn keys_go_to_the_guest_and_to_nobody_else() {
    let (mut screen, id) = opened((120, 30));
    // Each of these means something in every other place of the program.
    for c in ['q', 'Q', '?', ':', '/', '1', 'j', 'x', ' '] {
        screen.press(KeyCode::Char(c), KeyModifiers::NONE);
        assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Key(Stroke::plain(ConsoleKey::Char(c))))], "{c}");
    }
    for c in ['c', 'p', 'd', 'z', 'l'] {
        screen.press(KeyCode::Char(c), KeyModifiers::CONTROL);
        let stroke = Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char(c)) };
        assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Key(stroke))], "ctrl-{c}");
    }
    for (code, key) in [
        (KeyCode::Esc, ConsoleKey::Esc),
        (KeyCode::Enter, ConsoleKey::Enter),
        (KeyCode::Tab, ConsoleKey::Tab),
        (KeyCode::F(10), ConsoleKey::F(10)),
        (KeyCode::PageUp, ConsoleKey::PageUp),
    ] {
        screen.press(code, KeyModifiers::NONE);
        assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Key(Stroke::plain(key)))], "{code:?}");
    }
    assert_eq!(screen.app.active(), PaneId::Vms);
    assert!(screen.app.take_acts().is_empty(), "nothing quits");
    assert!(screen.grid().contains("db-primary login"), "{}", screen.grid());
}

#[test]
fn the_escape_key_itself_can_be_sent() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] ctrl-]");
    let stroke = Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char(']')) };
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Key(stroke))]);
}

#[test]
fn leaving_keeps_it_open_and_closing_does_not() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] d");
    assert!(requests(&mut screen).is_empty(), "it stays open");
    assert!(screen.grid().contains("1 console open"), "{}", screen.grid());
    assert!(screen.grid().contains("web-1"), "the list is shown:\n{}", screen.grid());
    // What it shows goes on being kept, and comes back as it is.
    shows(&mut screen, id, "later");
    screen.keys("c");
    assert!(requests(&mut screen).is_empty(), "it was open: none is opened");
    assert!(screen.grid().contains("later"), "{}", screen.grid());
    screen.keys("ctrl-] q");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Close)]);
    assert!(screen.grid().contains("web-1") && !screen.grid().contains("console open"), "{}", screen.grid());
}

#[test]
fn one_that_ends_out_of_sight_is_told() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] d");
    phase(&mut screen, id, ConsolePhase::Ended("the guest was shut down".into()));
    assert!(screen.grid().contains("db-primary serial: the guest was shut down"), "{}", screen.grid());
    // Asked for again, it is opened anew under another number.
    let again = begin(&mut screen, "c");
    assert_ne!(again, id);
    phase(&mut screen, id, ConsolePhase::Ended("what is told of the old one changes nothing".into()));
    assert!(screen.grid().contains("Opening"), "{}", screen.grid());
}

#[test]
fn one_held_by_another_is_taken_over_only_when_told_to() {
    let mut screen = Screen::small((120, 30));
    let id = opening(&mut screen);
    phase(&mut screen, id, ConsolePhase::Held("Active console session exists".into()));
    screen.keys("x y enter space");
    assert!(requests(&mut screen).is_empty(), "no other key takes it over");
    screen.keys("t");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::TakeOver)]);
    screen.keys("esc");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Close)]);
    assert!(screen.grid().contains("web-1"), "the list is shown:\n{}", screen.grid());
}

#[test]
fn one_that_has_ended_is_opened_again() {
    let (mut screen, id) = opened((120, 30));
    phase(&mut screen, id, ConsolePhase::Ended("libvirtd was restarted".into()));
    assert!(screen.grid().contains("db-primary login"), "what it showed stays:\n{}", screen.grid());
    screen.keys("a");
    assert!(requests(&mut screen).is_empty(), "nobody is there to get it");
    screen.keys("enter");
    match asked(&mut screen).as_slice() {
        [(again, ConsoleRequest::Open { target, view_only: false })] => {
            assert_ne!(*again, id);
            assert_eq!(
                (&*target.source, target.name.as_str(), target.kind),
                ("kvm-1", "db-primary", ConsoleKind::Serial)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_read_only_profile_types_nothing() {
    let mut screen = Screen::small((120, 30));
    screen.app.ctx.read_only = true;
    screen.pane(PaneId::Vms);
    screen.keys("j c");
    let id = match asked(&mut screen).as_slice() {
        [(id, ConsoleRequest::Open { view_only: true, .. })] => *id,
        other => panic!("{other:?}"),
    };
    shows(&mut screen, id, SESSION);
    assert!(screen.grid().contains("LOOK ONLY"), "{}", screen.grid());
    screen.keys("r e b o o t enter ctrl-] ctrl-] ctrl-] k ctrl-] s");
    screen.tell(Msg::Input(Event::Paste("reboot".into())));
    screen.tell(Msg::Input(Event::Paste("reboot\n".into())));
    screen.keys("y");
    assert_eq!(requests(&mut screen), [], "nothing is typed");
    assert!(screen.grid().contains("only looked at"), "{}", screen.grid());
    // Looking is all right.
    screen.keys("ctrl-] u");
    assert!(matches!(requests(&mut screen).as_slice(), [ConsoleRequest::Scroll(lines)] if *lines > 0));
}

#[test]
fn in_a_shared_one_only_who_has_control_types() {
    let (mut screen, id) = opened((120, 30));
    news(&mut screen, id, presence(&["anna", "boris"], Some("boris"), false));
    screen.keys("l s");
    assert!(requests(&mut screen).is_empty());
    assert!(screen.grid().contains("boris types here: ctrl-] c asks for control"), "{}", screen.grid());
    screen.keys("ctrl-] c");
    assert_eq!(requests(&mut screen), [ConsoleRequest::Control(true)]);
    news(&mut screen, id, presence(&["anna", "boris"], Some("anna"), true));
    assert!(screen.grid().contains("you type"), "{}", screen.grid());
    screen.keys("l");
    assert_eq!(requests(&mut screen).len(), 1);
    let wants = Presence {
        viewers: vec!["anna".into(), "boris".into()],
        control: Some("anna".into()),
        ours: true,
        wants: Some("boris".into()),
    };
    news(&mut screen, id, ConsoleNews::Presence(wants));
    assert!(screen.grid().contains("boris asks for control"), "{}", screen.grid());
    screen.keys("ctrl-] h");
    assert_eq!(requests(&mut screen), [ConsoleRequest::HandOver]);
}

#[test]
fn control_of_a_screen_is_asked_for_as_that_of_a_line() {
    let mut screen = Screen::small((120, 30));
    screen.pane(PaneId::Vms);
    screen.keys("j");
    let id = begin(&mut screen, "v");
    phase(&mut screen, id, ConsolePhase::Open);
    news(&mut screen, id, ConsoleNews::Image(Image::Picture(Arc::new(picture()))));
    let click = |screen: &mut Screen| {
        // What lies where is known once it is drawn.
        let _ = screen.grid();
        let (kind, modifiers) = (MouseEventKind::Down(MouseButton::Left), KeyModifiers::NONE);
        screen.tell(Msg::Input(Event::Mouse(MouseEvent { kind, column: 60, row: 15, modifiers })));
        requests(screen)
    };
    let clicked = click(&mut screen);
    assert!(
        matches!(clicked.as_slice(), [ConsoleRequest::Pointer { .. }, ConsoleRequest::Pointer { .. }]),
        "{clicked:?}"
    );
    news(&mut screen, id, presence(&["anna", "boris"], Some("boris"), false));
    assert_eq!(click(&mut screen), [], "a click is input, too");
    screen.keys("l s");
    assert_eq!(requests(&mut screen), []);
    assert!(screen.grid().contains("boris types here: ctrl-] c asks for control"), "{}", screen.grid());
    screen.keys("ctrl-] c");
    assert_eq!(requests(&mut screen), [ConsoleRequest::Control(true)]);
    news(&mut screen, id, presence(&["anna", "boris"], Some("anna"), true));
    screen.keys("ctrl-] h");
    assert_eq!(requests(&mut screen), [ConsoleRequest::HandOver]);
    assert_eq!(click(&mut screen).len(), 2);
}

#[test]
fn lines_are_pasted_only_after_a_yes() {
    let (mut screen, id) = opened((120, 30));
    let paste = |screen: &mut Screen, text: &str| screen.tell(Msg::Input(Event::Paste(text.into())));
    paste(&mut screen, "uptime");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Paste("uptime".into()))], "one line asks nothing");
    paste(&mut screen, "rm -rf /srv\nreboot\n");
    assert!(requests(&mut screen).is_empty() && screen.grid().contains("Paste 2 lines?"), "{}", screen.grid());
    screen.keys("x");
    assert!(requests(&mut screen).is_empty(), "anything but a yes is a no, and is not typed either");
    assert!(!screen.grid().contains("Paste 2 lines?"));
    paste(&mut screen, "a\rb");
    assert!(screen.grid().contains("Paste 2 lines?"), "a terminal sends CR for a line end:\n{}", screen.grid());
    screen.keys("y");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Paste("a\rb".into()))]);
}

#[test]
fn the_wall_leads_to_each_of_them() {
    let mut screen = Screen::small((120, 30));
    three(&mut screen);
    asked(&mut screen);
    screen.keys("left left enter");
    assert!(screen.grid().contains("db-primary login"), "{}", screen.grid());
    assert!(requests(&mut screen).is_empty(), "no key of the wall is a guest's");
    screen.keys("ctrl-] n ctrl-] n");
    assert!(screen.grid().contains("the machine was shut down"), "{}", screen.grid());
    screen.keys("ctrl-] w q");
    assert!(screen.grid().contains("3 consoles open"), "{}", screen.grid());
}

#[test]
fn keys_that_terminals_cannot_send_are_in_a_menu_that_begins_with_a_harmless_one() {
    let mut screen = Screen::small((120, 30));
    let id = screen_of(&mut screen);
    screen.keys("ctrl-] k enter");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Combination("ctrl-alt-f1".into()))]);
}

#[test]
fn keys_that_end_a_guest_are_sent_only_after_a_yes() {
    let mut screen = Screen::small((120, 30));
    let id = screen_of(&mut screen);
    for other in ["enter", "esc", "n"] {
        screen.keys("ctrl-] k up up enter");
        assert!(screen.grid().contains("Ctrl-Alt-Delete: restarts most systems."), "{}", screen.grid());
        screen.keys(other);
        assert!(requests(&mut screen).is_empty(), "{other} is no yes, and is not sent either");
    }
    screen.keys("ctrl-] k up up enter y");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Combination("ctrl-alt-delete".into()))]);
    // However it is asked for.
    screen.run("console.keys", &[("keys", "alt-ctrl-del")]);
    assert!(requests(&mut screen).is_empty() && screen.grid().contains("Send alt-ctrl-del?"), "{}", screen.grid());
    screen.keys("y");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Combination("alt-ctrl-del".into()))]);
    // A console that goes meanwhile takes the question along.
    screen.keys("ctrl-] k up up enter");
    phase(&mut screen, id, ConsolePhase::Ended("libvirtd was restarted".into()));
    phase(&mut screen, id, ConsolePhase::Open);
    screen.keys("y");
    let sent = requests(&mut screen);
    assert!(!sent.iter().any(|r| matches!(r, ConsoleRequest::Combination(_))), "{sent:?}");
}

#[test]
fn a_serial_line_has_no_menu_of_keys() {
    let (mut screen, _) = opened((120, 30));
    screen.keys("ctrl-] k");
    assert!(screen.grid().contains("a serial line has no such keys"), "{}", screen.grid());
    assert!(!screen.grid().contains("Send which keys?") && requests(&mut screen).is_empty());
}

#[test]
fn the_size_is_typed_into_a_serial_line_only_after_a_yes() {
    let (mut screen, id) = opened((120, 30));
    screen.keys("ctrl-] s");
    assert!(screen.grid().contains("stty rows 25 cols 120"), "{}", screen.grid());
    screen.keys("esc");
    assert!(requests(&mut screen).is_empty());
    screen.keys("ctrl-] s y");
    assert_eq!(asked(&mut screen), [(id, ConsoleRequest::Resize(120, 25))]);
    // A screen is given another resolution: nothing is typed.
    let mut screen = Screen::small((120, 30));
    screen_of(&mut screen);
    screen.keys("ctrl-] s");
    assert!(matches!(requests(&mut screen).as_slice(), [ConsoleRequest::Resize(960, _)]));
}

#[test]
fn nothing_a_guest_or_host_says_reaches_the_screen_raw() {
    let bad = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    for size in SIZES {
        let (mut screen, id) = opened(size);
        let check = |screen: &Screen, what: &str| {
            let grid = screen.grid();
            assert!(!grid.chars().any(bad), "{what} {size:?}:\n{grid:?}");
        };
        shows(&mut screen, id, &format!("{HOSTILE}\x1b[5;5H\x1bP0;0|17/ab\x1b\\\x1b^x\x1b\\\u{9b}2J{HOSTILE}"));
        check(&screen, "its output");
        for words in [
            ConsoleNews::Title(HOSTILE.into()),
            ConsoleNews::Note(HOSTILE.into()),
            ConsoleNews::Recording(Some(HOSTILE.into())),
            presence(&[HOSTILE, "anna"], Some(HOSTILE), false),
        ] {
            let what = format!("{words:?}");
            news(&mut screen, id, words);
            check(&screen, &what);
        }
        screen.keys("l");
        check(&screen, "who types");
        news(&mut screen, id, presence(&[], None, true));
        screen.tell(Msg::Input(Event::Paste(format!("{HOSTILE}\n{HOSTILE}"))));
        check(&screen, "a paste");
        screen.keys("n");
        for at in [ConsolePhase::Held(HOSTILE.into()), ConsolePhase::Ended(HOSTILE.into())] {
            phase(&mut screen, id, at);
            check(&screen, "how it stands");
        }
        screen.keys("ctrl-] w");
        check(&screen, "the wall");
        screen.keys("esc / 'host=kvm-2 enter j c");
        check(&screen, "a machine of a hostile name");
        let names = |r: &ConsoleRequest| matches!(r, ConsoleRequest::Open { target, .. } if target.name == HOSTILE);
        let sent = requests(&mut screen);
        assert!(sent.iter().any(names), "its console was opened: {sent:?}\n{}", screen.grid());
        screen.keys("ctrl-] w");
        check(&screen, "the wall with it");
    }
}

#[test]
fn ascii_consoles_are_ascii() {
    let mut screen = Screen::new(World::small(), (200, 50), Glyphs::ASCII);
    three(&mut screen);
    for keys in ["", "enter", "ctrl-] n", "ctrl-] n", "ctrl-]"] {
        screen.keys(keys);
        let grid = screen.grid();
        assert!(grid.is_ascii(), "{keys}: {:?}", grid.chars().filter(|c| !c.is_ascii()).collect::<String>());
    }
}

/// A picture of a machine's screen, in a console that is open.
fn pictured(screen: &mut Screen) -> ConsoleId {
    screen.pane(PaneId::Vms);
    screen.keys("j");
    let id = begin(screen, "v");
    phase(screen, id, ConsolePhase::Open);
    news(screen, id, ConsoleNews::Image(Image::Picture(Arc::new(picture()))));
    id
}

#[cfg(feature = "graphics")]
#[test]
fn a_picture_is_told_to_the_terminal_with_what_lies_over_it() {
    let mut screen = Screen::small((120, 30));
    let id = pictured(&mut screen);
    let sight = screen.sight().expect("a picture");
    assert_eq!((sight.part, sight.picture.width), ((0, 0, 320, 200), 320));
    // As far as a place of 120x25 cells lets it, below the bars and the two lines of the console.
    assert_eq!((sight.at, sight.size, sight.lead), ((20, 4), (80, 25), 0));
    assert!(sight.covered.iter().all(|covered| !covered));
    // Closer: a part of it, over the whole width.
    screen.keys("ctrl-] + ctrl-] +");
    let closer = screen.sight().expect("a picture");
    assert_eq!((closer.at.0, closer.size.0, closer.part.2 < 320), (0, 120, true));
    screen.keys("ctrl-] /");
    let covered = screen.sight().expect("a picture").covered;
    assert!(covered.contains(&true) && !covered[0] && !covered[24], "a question in the middle: {covered:?}");
    screen.keys("esc");
    assert!(!screen.sight().expect("a picture").covered.contains(&true));
    screen.keys("ctrl-] w");
    assert_eq!(screen.sight(), None, "thumbnails stay half blocks");
    screen.keys("enter");
    assert!(screen.sight().is_some());
    screen.tell(Msg::Input(Event::Paste("reboot\n".into())));
    assert_eq!(screen.sight(), None, "a question stands over it");
    screen.keys("n");
    shows(&mut screen, id, SESSION);
    assert_eq!(screen.sight(), None, "text is text");
}

#[cfg(feature = "graphics")]
#[test]
fn a_picture_goes_with_its_pane_and_without_colours_there_is_none() {
    let mut screen = Screen::small((120, 30));
    pictured(&mut screen);
    screen.keys("ctrl-] d");
    assert_eq!(screen.sight(), None, "the list is shown");
    screen.keys("v");
    assert!(screen.sight().is_some());
    screen.resize((40, 10));
    assert_eq!(screen.sight(), None, "too small for anything");
}

#[cfg(not(feature = "graphics"))]
#[test]
fn a_picture_is_half_blocks_and_nothing_else() {
    let mut screen = Screen::small((120, 30));
    pictured(&mut screen);
    assert_eq!(screen.sight(), None);
}
