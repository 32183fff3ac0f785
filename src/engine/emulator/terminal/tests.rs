//! What is easily got wrong at the edges: rows that are too many after a change of size, lines that no
//! longer go on, a wrap that is pending, and a few bytes that mean a lot of work.

use super::super::{Emulator, Limits};

fn fed(rows: u16, columns: u16, text: &str) -> Emulator {
    let mut emulator = Emulator::new(Limits { rows, columns, lines: 1000, bytes: 1 << 20 });
    let _ = emulator.feed(text.as_bytes());
    emulator
}

fn shown(rows: u16, columns: u16, text: &str) -> String {
    fed(rows, columns, text).screen(0).text()
}

/// Text and row of the cursor.
fn at(emulator: &Emulator) -> (String, Option<u16>) {
    let screen = emulator.screen(0);
    (screen.text(), screen.cursor.map(|at| at.row))
}

#[test]
fn rows_below_the_cursor_are_kept_when_the_screen_becomes_smaller() {
    let mut emulator = fed(4, 9, "1\r\n2\r\n3\r\n4\x1b[3;1H");
    emulator.resize(2, 9);
    assert_eq!(at(&emulator), ("3\n4".to_owned(), Some(0)), "rows above the cursor go first");
    assert_eq!(emulator.contents(), "1\n2\n3\n4");
    emulator.resize(4, 9);
    assert_eq!(at(&emulator), ("1\n2\n3\n4".to_owned(), Some(2)));
}

#[test]
fn with_the_cursor_at_home_a_smaller_screen_loses_nothing() {
    let mut emulator = fed(4, 9, "1\r\n2\r\n3\r\n4\x1b[H");
    emulator.resize(2, 9);
    assert_eq!(at(&emulator), ("1\n2".to_owned(), Some(0)), "the cursor stays in its line");
    assert_eq!(emulator.contents(), "1\n2\n3\n4\n1\n2", "the screen as it was is in the scrollback");
    // A program that draws the whole screen by itself has the first one back when it ends.
    let mut editor = fed(4, 9, "a\r\nb\r\nc\r\nd\x1b[H\x1b[?1049hvi\x1b[4;1H~");
    editor.resize(2, 9);
    let _ = editor.feed(b"\x1b[?1049l");
    assert_eq!(editor.contents(), "a\nb\nc\nd\na\nb");
}

#[test]
fn a_repeated_character_fills_a_row_at_most() {
    let mut emulator = fed(3, 5, "a\x1b[65535b");
    assert_eq!(emulator.screen(0).text(), "aaaaa\na");
    let _ = emulator.feed("\x1b[65535b".repeat(1000).as_bytes());
    assert!(emulator.above() <= 1000, "a row each, not a screen each: {}", emulator.above());
    assert_eq!(shown(1, 6, "ab\x1b[3b"), "abbbb");
}

#[test]
fn scrolling_by_more_than_the_region_scrolls_the_region() {
    for last in ["S", "T", "L", "M"] {
        let emulator = fed(3, 5, &format!("1\r\n2\r\n3\x1b[H\x1b[65535{last}"));
        assert_eq!(emulator.screen(0).text(), "", "{last}");
        assert!(emulator.above() <= 3, "{last}: {}", emulator.above());
    }
    assert_eq!(shown(4, 5, "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[65535S"), "1\n\n\n4");
}

#[test]
fn a_cleared_screen_is_kept_once_and_its_colours_are_not() {
    let clears = "\x1b[41m\x1b[2J".repeat(100);
    assert_eq!(fed(3, 5, &format!("boot\r\nok{clears}")).above(), 2);
}

#[test]
fn a_line_that_was_wrapped_ends_where_its_rest_goes_away() {
    // Rows 2 and 3 are one line; the region begins in the middle of it and scrolls.
    let scrolled = fed(4, 5, "top\r\nabcdefgh\r\nend\x1b[3;4r\x1b[S");
    assert_eq!(scrolled.contents(), "top\nabcde\nend");
    let deleted = fed(4, 5, "top\r\nabcdefgh\r\nend\x1b[3H\x1b[M");
    assert_eq!(deleted.contents(), "top\nabcde\nend");
    // And where it goes on below the region.
    let above = fed(4, 5, "top\r\nabcdefgh\r\nend\x1b[1;2r\x1b[S");
    assert_eq!(above.screen(0).text(), "abcde\n\nfgh\nend");
    assert_eq!(above.contents(), "top\nabcde\n\nfgh\nend");
}

/// `ClearRight` and `ClearScreen` of xterm reset its flag, `ClearLeft` and `ClearLine` do not.
#[test]
fn a_pending_wrap_ends_with_the_cell_it_waits_behind() {
    assert_eq!(shown(2, 5, "abcde\x1b[KX"), "abcdX");
    assert_eq!(shown(2, 5, "abcde\x1b[JX"), "abcdX");
    assert_eq!(shown(2, 5, "abcde\x1b[2JX"), "    X");
    assert_eq!(shown(2, 5, "abcde\x1b[1KX"), "\nX");
    assert_eq!(shown(2, 5, "abcde\x1b[2KX"), "\nX");
    assert_eq!(shown(2, 5, "abcde\x1b[1JX"), "\nX");
}

#[test]
fn a_guest_stuck_in_a_string_is_unstuck_by_a_reset() {
    for begun in ["\x1bP", "\x1b]2;", "\x1b_", "\x1b[38;2;"] {
        let mut emulator = fed(3, 20, &format!("before{begun}"));
        let _ = emulator.feed(b"\r\n#\r\n#");
        emulator.reset();
        let _ = emulator.feed(b"login: ");
        assert!(emulator.screen(0).text().starts_with("login:"), "{begun:?}: {}", emulator.screen(0).text());
        assert!(emulator.contents().starts_with("before"), "{begun:?}: {}", emulator.contents());
    }
}
