//! The screen as a terminal sees it: bytes, writes, and what happens when it takes none.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ratatui::layout::Position;
use ratatui::style::{Color, Style};

use super::{Caps, Drawn, Screen, Sink};
use crate::config::schema::{Pictures, Ui};
use crate::model::console::Picture;
use crate::model::sight::Sight;

/// Everything written, a `Vec` a write.
pub(super) type Written = Arc<Mutex<Vec<Vec<u8>>>>;

struct Recorder {
    written: Written,
    ready: Arc<AtomicBool>,
}

impl Sink for Recorder {
    fn ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    fn put(&mut self, frame: Vec<u8>) -> io::Result<()> {
        assert!(self.ready(), "a frame is handed on only when the sink takes it");
        self.written.lock().unwrap().push(frame);
        Ok(())
    }
}

/// A screen whose writes are kept, and a terminal to show them.
pub(super) struct Screenful {
    pub(super) screen: Screen,
    pub(super) written: Written,
    pub(super) terminal: vt100::Parser,
}

fn caps(term: &str) -> Caps {
    let env = |name: &str| match name {
        "TERM" => Some(term.to_owned()),
        "LANG" => Some("en_GB.UTF-8".to_owned()),
        _ => None,
    };
    Caps::detect(&env, true, &Ui::default())
}

fn screen_on(caps: &Caps, columns: u16, rows: u16) -> (Screenful, Arc<AtomicBool>) {
    let written = Written::default();
    let ready = Arc::new(AtomicBool::new(true));
    let sink = Recorder { written: Arc::clone(&written), ready: Arc::clone(&ready) };
    let screen = Screen::into_sink(caps, (columns, rows), Box::new(sink)).unwrap();
    (
        Screenful {
            screen,
            written,
            terminal: vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0),
        },
        ready,
    )
}

pub(super) fn screenful(columns: u16, rows: u16) -> Screenful {
    screen_on(&caps("xterm-256color"), columns, rows).0
}

/// A screen on a slow line, of so many bytes a second.
pub(super) fn slow(columns: u16, rows: u16, pace: u32) -> Screenful {
    screen_on(&caps("vt220").for_console("vt220", true, Some(pace)), columns, rows).0
}

impl Screenful {
    fn draw(&mut self, text: &str) -> Drawn {
        self.screen.draw(|f| f.buffer_mut().set_string(0, 0, text, Style::new().fg(Color::Red))).unwrap()
    }

    /// Shows what was written since the last call; returns the writes.
    fn show(&mut self) -> Vec<Vec<u8>> {
        let writes = std::mem::take(&mut *self.written.lock().unwrap());
        for write in &writes {
            self.terminal.process(write);
        }
        writes
    }

    fn line(&self) -> String {
        self.terminal.screen().contents().lines().next().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_frame_is_one_synchronized_write() {
    let mut s = screenful(40, 5);
    let Drawn::Written(bytes) = s.draw("LOS raised") else { panic!("something was drawn") };
    let writes = s.show();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].len(), bytes);
    assert!(writes[0].starts_with(b"\x1b[?2026h") && writes[0].ends_with(b"\x1b[?2026l"));
    assert_eq!(s.line(), "LOS raised");
    assert_eq!((s.screen.stats().frames, s.screen.stats().bytes), (1, bytes as u64));
}

#[test]
fn a_frame_that_changes_nothing_writes_nothing() {
    let mut s = screenful(40, 5);
    s.draw("same");
    s.show();
    for _ in 0..3 {
        assert_eq!(s.draw("same"), Drawn::Unchanged);
    }
    assert_eq!(s.show(), Vec::<Vec<u8>>::new());
    assert_eq!(s.screen.stats().unchanged, 3);
}

#[test]
fn a_changed_digit_is_a_few_bytes() {
    let mut s = screenful(40, 5);
    s.draw("count 12");
    s.show();
    let Drawn::Written(bytes) = s.draw("count 13") else { panic!("a digit changed") };
    assert!(bytes <= 30, "{bytes}");
    s.show();
    assert_eq!(s.line(), "count 13");
}

#[test]
fn the_cursor_is_moved_only_when_it_moves() {
    let mut s = screenful(40, 5);
    let mut at = |x: u16| {
        let drawn = s.screen.draw(|f| f.set_cursor_position(Position { x, y: 2 })).unwrap();
        for write in s.written.lock().unwrap().drain(..) {
            s.terminal.process(&write);
        }
        (drawn, s.terminal.screen().cursor_position(), s.terminal.screen().hide_cursor())
    };
    assert_eq!(at(7).1, (2, 7));
    assert!(!at(8).2, "shown");
    assert_eq!(at(8).0, Drawn::Unchanged);
    assert_eq!(at(9).1, (2, 9));
    s.draw("");
    s.show();
    assert!(s.terminal.screen().hide_cursor());
}

#[test]
fn a_blocked_terminal_skips_frames_and_then_shows_the_newest() {
    let (mut s, ready) = screen_on(&caps("xterm"), 40, 5);
    s.draw("one");
    s.show();
    ready.store(false, Ordering::SeqCst);
    assert_eq!(s.draw("two, never seen"), Drawn::Busy);
    s.screen.send(b"\x1b]52;c;eA==\x1b\\").unwrap();
    assert!(s.screen.pending() && s.show().is_empty());
    ready.store(true, Ordering::SeqCst);
    s.draw("three");
    let writes = s.show();
    assert_eq!(writes.len(), 1);
    assert!(writes[0].ends_with(b"\x1b[?2026l\x1b]52;c;eA==\x1b\\"), "what was sent follows the frame");
    assert_eq!(s.line(), "three");
    assert_eq!(s.screen.stats().skipped, 1);
}

#[test]
fn what_is_sent_leaves_at_once_when_it_can() {
    let mut s = screenful(40, 5);
    s.screen.send(b"\x1b]52;c;eA==\x1b\\").unwrap();
    assert_eq!(s.show(), [b"\x1b]52;c;eA==\x1b\\".to_vec()]);
    assert_eq!(s.screen.stats().frames, 0);
}

#[test]
fn growing_shrinking_and_redrawing_draw_the_whole_frame() {
    let mut s = screenful(40, 5);
    s.draw("hello");
    s.show();
    s.screen.resize(20, 3);
    assert_eq!(s.screen.size(), (20, 3));
    s.draw("hello");
    assert_eq!(s.show().len(), 1);
    s.terminal.process(b"\x1b[Hgarbage over it");
    s.screen.redraw().unwrap();
    s.draw("hello");
    assert_eq!(s.show().len(), 1);
    assert_eq!(s.line(), "hello");
}

#[test]
fn the_linux_console_gets_no_synchronized_updates() {
    let (mut s, _) = screen_on(&caps("linux"), 80, 25);
    s.draw("x");
    let writes = s.show();
    assert!(!String::from_utf8_lossy(&writes[0]).contains("2026"));
}

#[test]
fn cells_cannot_act_on_the_terminal() {
    let mut s = screenful(40, 5);
    s.screen
        .draw(|f| {
            f.buffer_mut()[(0, 0)].set_symbol("\x1b]0;x\x07");
            f.buffer_mut()[(0, 1)].set_symbol("\u{9b}2J");
        })
        .unwrap();
    s.show();
    assert_eq!(s.terminal.screen().contents().trim_end(), "?\n?");
}

#[test]
fn without_utf8_columns_stay_where_they_are() {
    let plain = Caps { utf8: false, ..caps("vt220") };
    let (mut s, _) = screen_on(&plain, 40, 5);
    s.draw("Mü漢n");
    s.show();
    assert_eq!(s.line(), "M???n");
}

/// Draws a frame full of `x`, with a picture over its middle.
fn draw_picture(screen: &mut Screen, shade: u8) -> Drawn {
    let picture = Arc::new(Picture { width: 40, height: 40, rgb: vec![shade; 40 * 40 * 3] });
    let view = |f: &mut ratatui::Frame<'_>| {
        for y in 0..10 {
            f.buffer_mut().set_string(0, y, "x".repeat(40), Style::new());
        }
        let (part, covered) = ((0, 0, 40, 40), vec![false; 6]);
        Some(Sight { picture, part, at: (10, 2), size: (20, 6), lead: 0, high: 12, covered })
    };
    screen.draw_with(view).unwrap()
}

#[test]
fn a_picture_is_cells_where_pictures_are_not_wanted() {
    let blocks = Caps { pictures: Pictures::Blocks, ..caps("xterm-256color") };
    let (mut s, _) = screen_on(&blocks, 40, 10);
    draw_picture(&mut s.screen, 9);
    let sent = s.show().concat();
    assert!(!sent.windows(2).any(|w| w == b"\x1b_" || w == b"\x1bP"));
    assert_eq!(s.terminal.screen().contents().matches('x').count(), 400);
}

#[cfg(feature = "graphics")]
#[test]
fn a_picture_leaves_in_the_write_of_its_frame_and_its_cells_come_back() {
    let (mut s, ready) = screen_on(&Caps { pictures: Pictures::Kitty, ..caps("xterm-256color") }, 40, 10);
    let has = |writes: &[Vec<u8>], what: &[u8]| writes.concat().windows(what.len()).filter(|w| *w == what).count();
    draw_picture(&mut s.screen, 9);
    let writes = s.show();
    assert_eq!(writes.len(), 1);
    assert!(writes[0].starts_with(b"\x1b[?2026h") && writes[0].ends_with(b"\x1b8\x1b[?2026l"));
    assert_eq!(has(&writes, b"a=T"), 2);
    assert_eq!(s.terminal.screen().contents().matches('x').count(), 400 - 120, "nothing is drawn below it");
    assert_eq!(draw_picture(&mut s.screen, 9), Drawn::Unchanged);
    // While the terminal takes nothing, nothing is lost.
    ready.store(false, Ordering::SeqCst);
    assert_eq!(s.draw("away"), Drawn::Busy);
    ready.store(true, Ordering::SeqCst);
    // Another size, or somebody else's output: all of it again.
    s.screen.resize(40, 11);
    draw_picture(&mut s.screen, 9);
    assert_eq!(has(&s.show(), b"a=T"), 2);
    s.screen.redraw().unwrap();
    draw_picture(&mut s.screen, 9);
    assert_eq!(has(&s.show(), b"a=T"), 2);
    // The tab is left: the picture goes, and the cells below it are written, also those that are blank.
    s.terminal.process(b"\x1b[4;12HPIXELS");
    s.draw("gone");
    let writes = s.show();
    assert_eq!((has(&writes, b"a=d,d=I"), has(&writes, b"a=T")), (2, 0));
    assert_eq!(s.terminal.screen().contents().trim_end(), "gone");
}
