//! Tests of the terminal: what programs on serial lines send and what has to be seen then, the same
//! beside the crate `vt100`, and any bytes with any change of size.

use proptest::prelude::*;

use super::*;
use crate::model::console::{Attrs, Found, Ink, Place, Selection, Width};

fn small(rows: u16, columns: u16) -> Emulator {
    Emulator::new(Limits { rows, columns, lines: 100, bytes: 1 << 20 })
}

fn fed(rows: u16, columns: u16, text: &str) -> Emulator {
    let mut emulator = small(rows, columns);
    let _ = emulator.feed(text.as_bytes());
    emulator
}

fn shown(rows: u16, columns: u16, text: &str) -> String {
    fed(rows, columns, text).screen(0).text()
}

#[test]
fn text_wraps_and_scrolls() {
    assert_eq!(shown(3, 5, "abcdefg\r\nx"), "abcde\nfg\nx");
    assert_eq!(shown(2, 5, "a\r\nb\r\nc"), "b\nc");
    assert_eq!(shown(2, 5, "abcde\rX"), "Xbcde", "the last column does not wrap before the next character");
    assert_eq!(shown(2, 5, "\x1b[?7labcdefg"), "abcdg", "without wrapping");
    assert_eq!(shown(2, 12, "a\tb\x08c"), "a       c");
    assert_eq!(shown(3, 9, "ab\x1bDc\x1bEd\x1bMe"), "ab\n ec\nd", "IND, NEL and RI");
}

#[test]
fn the_cursor_goes_where_it_is_sent() {
    assert_eq!(shown(3, 5, "\x1b[2;3Hx\x1b[Hy\x1b[9;9Hz"), "y\n  x\n    z");
    assert_eq!(shown(3, 5, "\x1b[3dx\x1b[4Gy\x1b[Aw\x1b[2Dv"), "\n  v w\nx  y");
    assert_eq!(shown(3, 5, "a\x1b7\x1b[31m\x1b[3;3Hb\x1b8c"), "ac\n\n  b");
    assert_eq!(shown(4, 3, "\x1b[2;3ra\r\nb\r\nc\r\nd\x1b[1;1Hx"), "x\nc\nd", "a region scrolls alone");
    assert_eq!(
        shown(4, 3, "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[?6h\x1b[1;1Hx"),
        "1\nx\n3\n4",
        "rows of a region in origin mode"
    );
    let at = fed(3, 5, "ab\x1b[?25l").screen(0);
    assert_eq!(at.cursor, None);
    let at = fed(3, 5, "\x1b[?25l\x1b[?25hab").screen(0).cursor.unwrap();
    assert_eq!((at.row, at.column), (0, 2));
}

#[test]
fn erasing_inserting_and_deleting() {
    assert_eq!(shown(1, 6, "abcdef\x1b[3G\x1b[K"), "ab");
    assert_eq!(shown(1, 6, "abcdef\x1b[3G\x1b[1K"), "   def");
    assert_eq!(shown(1, 6, "abcdef\x1b[3G\x1b[2@"), "ab  cd");
    assert_eq!(shown(1, 6, "abcdef\x1b[3G\x1b[2P"), "abef");
    assert_eq!(shown(1, 6, "abcdef\x1b[3G\x1b[2X"), "ab  ef");
    assert_eq!(shown(1, 6, "abc\x1b[1G\x1b[4hxy"), "xyabc", "insert mode");
    assert_eq!(shown(3, 2, "a\r\nb\r\nc\x1b[2H\x1b[L"), "a\n\nb");
    assert_eq!(shown(3, 2, "a\r\nb\r\nc\x1b[1H\x1b[M"), "b\nc");
    assert_eq!(shown(1, 6, "ab\x1b[3b"), "abbbb");
    let grounds = fed(1, 3, "\x1b[41m\x1b[K").screen(0);
    assert!(grounds.cells.iter().all(|c| c.bg == Ink::Index(1)), "what is erased has the background");
}

#[test]
fn colours_and_attributes() {
    let screen = fed(
        1,
        9,
        "\x1b[1;31;42ma\x1b[0mb\x1b[38;5;200mc\x1b[38;2;1;2;3md\x1b[48:2::4:5:6me\x1b[7;4mf\x1b[39;49;24;27mg\x1b[95mh",
    )
    .screen(0);
    let [a, b, c, d, e, f, g, h, _] = <[Cell; 9]>::try_from(screen.cells).unwrap();
    assert_eq!((a.fg, a.bg, a.attrs), (Ink::Index(1), Ink::Index(2), Attrs(Attrs::BOLD)));
    assert_eq!((b.fg, b.bg, b.attrs), (Ink::Default, Ink::Default, Attrs(0)));
    assert_eq!(c.fg, Ink::Index(200));
    assert_eq!(d.fg, Ink::Rgb(1, 2, 3));
    assert_eq!(e.bg, Ink::Rgb(4, 5, 6));
    assert_eq!(f.attrs, Attrs(Attrs::INVERSE | Attrs::UNDERLINE));
    assert_eq!((g.fg, g.bg, g.attrs), (Ink::Default, Ink::Default, Attrs(0)));
    assert_eq!(h.fg, Ink::Index(13));
}

#[test]
fn lines_are_drawn() {
    assert_eq!(shown(1, 9, "\x1b(0lqqk\x1b(Bq"), "┌──┐q");
    assert_eq!(shown(1, 9, "\x1b)0a\x0eqx\x0fq"), "a─│q", "shifted in and out, as vt100 and vt220 do");
}

#[test]
fn what_acts_or_deceives_is_no_character() {
    assert_eq!(shown(1, 9, "a\u{202e}b\u{200b}c\u{9b}31md\x7f"), "abc31md");
    let mut screen = fed(1, 9, "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}x").screen(0);
    assert_eq!(screen.line(0).chars().count(), 6, "a pile of marks has a bound");
    screen = fed(1, 6, "a\u{65e5}b\u{65e5}").screen(0);
    assert_eq!(
        screen.cells.iter().map(|c| c.width).collect::<Vec<_>>(),
        [Width::One, Width::Two, Width::Rest, Width::One, Width::Two, Width::Rest]
    );
    assert_eq!(shown(2, 3, "ab\u{65e5}"), "ab\n\u{65e5}", "two columns do not fit into one");
    assert_eq!(shown(1, 4, "\u{65e5}\u{65e5}\x1b[2Gx"), " x\u{65e5}", "half a character is none");
    let mut cut = small(1, 9);
    for byte in "aü日".bytes().chain([0xe2, b'b', 0xff]) {
        let _ = cut.feed(&[byte]);
    }
    assert_eq!(cut.screen(0).text(), "aü日\u{fffd}b\u{fffd}");
}

#[test]
fn questions_are_answered_and_nothing_else_is() {
    let asks = [
        ("\x1b[5n", "\x1b[0n"),
        ("ab\x1b[6n", "\x1b[1;3R"),
        ("\x1b[2;3H\x1b[?6n", "\x1b[?2;3R"),
        ("\x1b[999;999H\x1b[6n", "\x1b[4;10R"),
        ("\x1b[c", "\x1b[?62;22c"),
        ("\x1b[0c", "\x1b[?62;22c"),
        ("\x1b[>c", "\x1b[>1;10;0c"),
        ("\x1b[18t", "\x1b[8;4;10t"),
        ("\x1b[?25$p", "\x1b[?25;1$y"),
        ("\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"),
        ("\x1b[?1$p", "\x1b[?1;2$y"),
        ("\x1b[?4711$p", "\x1b[?4711;0$y"),
        ("\x1b[?1002h\x1b[?1002$p", "\x1b[?1002;0$y"),
        ("\x1b[4$p", "\x1b[4;2$y"),
        ("\x1b]2;x\x07\x1b[21t", ""),
        ("\x1bP$qm\x1b\\", ""),
        ("\x1b]52;c;?\x07", ""),
        ("\x1b]11;?\x07", ""),
        ("\x05", ""),
    ];
    for (ask, answer) in asks {
        let got = small(4, 10).feed(ask.as_bytes());
        assert_eq!(String::from_utf8(got).unwrap(), answer, "{ask:?}");
    }
    let flood = small(4, 10).feed("\x1b[6n".repeat(100_000).as_bytes());
    assert!(flood.len() <= MOST_ANSWERS);
}

#[test]
fn strings_for_others_end_here() {
    let hostile = "a\x1b]52;c;AAAA\x07b\x1bPq#0;2;0;0;0\x1b\\c\x1b_Gf=24;AAAA\x1b\\d\x1b^x\x1b\\e\x1b]8;;http://x\x1b\\f\x1b]P7ffffffg\x1b]Rh";
    let mut emulator = fed(1, 20, hostile);
    assert_eq!(emulator.screen(0).text(), "abcdefgh");
    assert!(emulator.take_events().is_empty());
    let mut endless = small(1, 20);
    let _ = endless.feed(b"\x1b]2;");
    let _ = endless.feed(&vec![b'x'; 1 << 20]);
    let _ = endless.feed(b"\x1b\\ok");
    assert_eq!(endless.screen(0).text(), "ok");
    assert_eq!(endless.take_events(), [Event::Title("x".repeat(MOST_TITLE))]);
}

#[test]
fn news_are_told_once_and_safe() {
    let mut emulator = fed(1, 20, "\x07\x07\x1b]0;we\u{202e}b\x1b\\\x1b[8;50;132t");
    assert_eq!(emulator.take_events(), [Event::Bell, Event::Title("web".into())]);
    assert_eq!(emulator.size(), (1, 20), "a guest sets no size");
    assert!(emulator.take_events().is_empty());
    let _ = emulator.feed("\x07a\x1b]0;x\x07".repeat(1000).as_bytes());
    assert!(emulator.take_events().len() <= MOST_EVENTS);
}

#[test]
fn modes_can_be_seen() {
    let mut emulator = fed(2, 9, "\x1b[?1h\x1b[?2004h\x1b[20h");
    let modes = emulator.modes();
    assert!(modes.application_cursor && modes.bracketed_paste && modes.newline);
    let _ = emulator.feed(b"\x1bc");
    assert_eq!(emulator.modes(), Modes::default(), "a reset");
}

#[test]
fn the_other_screen_leaves_the_first_as_it_was() {
    let mut emulator = fed(2, 9, "one\r\ntwo\x1b[?1049h");
    assert_eq!(emulator.screen(0).text(), "");
    let _ = emulator.feed(b"\x1b[Hvi\r\n~\r\n~\r\n~");
    assert_eq!(emulator.above(), 0, "what scrolls there is not kept");
    let _ = emulator.feed(b"\x1b[?1049l!");
    assert_eq!(emulator.screen(0).text(), "one\ntwo!");
}

#[test]
fn what_scrolled_away_can_be_seen_and_stays_in_colour() {
    let mut emulator = small(2, 12);
    for n in 0..6 {
        let _ = emulator.feed(format!("\x1b[3{n}mline {n}\x1b[m\u{65e5}e\u{301}\r\n").as_bytes());
    }
    assert_eq!(emulator.above(), 5);
    let screen = emulator.screen(3);
    assert_eq!(screen.text(), "line 2\u{65e5}e\u{301}\nline 3\u{65e5}e\u{301}");
    assert_eq!((screen.above, screen.scrolled, screen.top, screen.cursor), (5, 3, 2, None));
    assert_eq!(screen.cells.first().unwrap().fg, Ink::Index(2));
    assert_eq!(emulator.screen(99).scrolled, 5);
}

#[test]
fn the_scrollback_has_bounds() {
    let mut emulator = Emulator::new(Limits { rows: 2, columns: 80, lines: 50, bytes: 1 << 20 });
    for n in 0..5000 {
        let _ = emulator.feed(format!("line {n}\r\n").as_bytes());
    }
    assert_eq!(emulator.above(), 50);
    assert_eq!(emulator.screen(50).line(0), "line 4949");
    let mut emulator = Emulator::new(Limits { rows: 2, columns: 80, lines: 1_000_000, bytes: 64 << 10 });
    let _ = emulator.feed("0123456789\r\n".repeat(100_000).as_bytes());
    assert!(emulator.scrollback_bytes() <= 64 << 10, "{}", emulator.scrollback_bytes());
    assert!(emulator.above() > 1000);
}

#[test]
fn clearing_keeps_what_stood_there() {
    let mut emulator = fed(3, 20, "Kernel panic\r\nend\x1b[H\x1b[2J\x1b[3JSeaBIOS");
    assert_eq!(emulator.contents(), "Kernel panic\nend\nSeaBIOS");
    let _ = emulator.feed(b"\x1bcnew");
    assert_eq!(emulator.contents(), "Kernel panic\nend\nSeaBIOS\nnew");
}

#[test]
fn a_smaller_screen_loses_nothing_and_gets_it_back() {
    let mut emulator = fed(4, 9, "1\r\n2\r\n3\r\n4");
    emulator.resize(2, 9);
    assert_eq!((emulator.screen(0).text().as_str(), emulator.above()), ("3\n4", 2));
    assert_eq!(emulator.screen(0).cursor.unwrap().row, 1);
    emulator.resize(5, 9);
    assert_eq!((emulator.screen(0).text().as_str(), emulator.above()), ("1\n2\n3\n4", 0));
    let mut prompt = fed(4, 9, "$ ");
    prompt.resize(2, 9);
    assert_eq!(prompt.screen(0).text(), "$", "blank rows below go first");
    emulator.resize(0, 0);
    assert_eq!(emulator.size(), (1, 1));
    emulator.resize(u16::MAX, u16::MAX);
    assert_eq!(emulator.size(), (MOST_ROWS, MOST_COLUMNS));
}

#[test]
fn a_view_holds_still_and_tells_only_changes() {
    let mut emulator = fed(2, 9, "1\r\n2\r\n3\r\n4");
    let mut view = View::default();
    assert_eq!(view.changed(&emulator).unwrap().text(), "3\n4");
    assert_eq!(view.changed(&emulator), None);
    let _ = emulator.feed(b"\x1b[m");
    assert_eq!(view.changed(&emulator), None, "nothing else is to be seen");
    view.scroll(&emulator, 1);
    assert_eq!(view.changed(&emulator).unwrap().text(), "2\n3");
    let _ = emulator.feed(b"\r\n5\r\n6");
    let screen = view.changed(&emulator).unwrap();
    assert_eq!((screen.text().as_str(), screen.scrolled), ("2\n3", 3), "it stays where it is, further from the end");
    view.scroll(&emulator, -99);
    assert_eq!(view.changed(&emulator).unwrap().text(), "5\n6");
    view.scroll(&emulator, i64::MAX);
    assert_eq!(view.changed(&emulator).unwrap().text(), "1\n2");
    let _ = emulator.feed("x\r\n".repeat(1000).as_bytes());
    assert_eq!(view.changed(&emulator).unwrap().scrolled, 100, "forgotten lines cannot be shown");
}

fn place(line: u64, column: u16) -> Place {
    Place { line, column }
}

#[test]
fn searching_goes_both_ways_over_wrapped_lines() {
    let emulator = fed(3, 10, "an Error\r\nok\r\nlong line err\r\nlast error");
    let found = |text, from, back| emulator.search(text, from, back).map(|f| (f.from, f.to));
    let first = (place(0, 3), place(0, 7));
    assert_eq!(found("error", None, false), Some(first), "without capitals both cases match");
    assert_eq!(found("error", Some(place(0, 3)), false), Some((place(4, 5), place(4, 9))));
    assert_eq!(found("error", None, true), Some((place(4, 5), place(4, 9))));
    assert_eq!(found("error", Some(place(4, 5)), true), Some(first));
    assert_eq!(found("error", Some(place(0, 3)), true), None);
    assert_eq!(found("Error", None, true), Some(first), "a capital matches itself only");
    assert_eq!(found("line err", None, false), Some((place(2, 5), place(3, 2))), "over the end of a row");
    assert_eq!(found("", None, false), None);
    let on = emulator.found_on(&emulator.screen(0), "err");
    assert_eq!(on.iter().map(|f| f.from).collect::<Vec<_>>(), [place(3, 0), place(4, 5)]);
    let mut view = View::default();
    view.show(&emulator, Found { from: first.0, to: first.1 });
    assert_eq!(view.changed(&emulator).unwrap().line(0), "an Error");
}

#[test]
fn copying_takes_lines_as_they_are_read() {
    let emulator = fed(2, 10, "abc  \r\nlong line that wraps\r\n\u{65e5}x\u{301}y z");
    let copy = |from, to| emulator.copy(&Selection { from, to });
    assert_eq!(copy(place(0, 1), place(1, 3)), "bc\nlong");
    assert_eq!(copy(place(2, 5), place(1, 5)), "line that w", "backwards, and a wrapped line is one");
    assert_eq!(copy(place(3, 1), place(3, 2)), "\u{65e5}x\u{301}", "half of a character takes all of it");
    assert_eq!(emulator.contents(), "abc\nlong line that wraps\n\u{65e5}x\u{301}y z");
    assert_eq!(copy(place(700, 0), place(900, 0)), "");
}

/// What programs sent to a terminal of the kind that a serial `getty` announces, recorded, and the screen
/// that tmux made of it.
#[test]
fn programs_look_as_in_tmux() {
    macro_rules! recorded {
        ($($name:literal)*) => {[$((
            $name,
            &include_bytes!(concat!("../../../tests/fixtures/console/", $name, ".bin"))[..],
            include_str!(concat!("../../../tests/fixtures/console/", $name, ".txt")),
        ),)*]};
    }
    for (name, bytes, expected) in recorded!("less" "busybox-vi" "vim") {
        let mut emulator = Emulator::default();
        let _ = emulator.feed(bytes);
        assert_eq!(emulator.screen(0).text(), expected.trim_end(), "{name}");
    }
}

/// What this and the crate show after the same bytes.
fn beside(rows: u16, columns: u16, bytes: &[u8]) -> (String, String) {
    let mut ours = small(rows, columns);
    let _ = ours.feed(bytes);
    let mut theirs = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 100);
    theirs.process(bytes);
    let text: Vec<String> = theirs.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
    (ours.screen(0).text(), text.join("\n").trim_end_matches('\n').to_owned())
}

/// Pieces that both are meant to take alike.
fn program() -> impl Strategy<Value = String> {
    let number = 0_u16..9;
    let piece = prop_oneof![
        4 => "[a-z ]{1,12}".prop_map(|s| s),
        2 => Just("\r\n".to_owned()),
        // With the last column just written the two differ; xterm is followed here.
        1 => Just("\r\x1b[5C\x08".to_owned()),
        1 => Just("\r\x1b[3C\t".to_owned()),
        2 => (number.clone(), number.clone()).prop_map(|(r, c)| format!("\x1b[{r};{c}H")),
        2 => (number.clone(), proptest::sample::select(vec!["A", "B", "C", "D", "E", "F", "G", "d", "L", "M", "P", "@", "X", "S", "T"]))
            .prop_map(|(n, c)| format!("\r\x1b[3C\x1b[{n}{c}")),
        2 => (0_u16..3, proptest::sample::select(vec!["J", "K"])).prop_map(|(n, c)| format!("\r\x1b[4C\x1b[{n}{c}")),
        1 => (1_u16..4, 4_u16..7).prop_map(|(t, b)| format!("\x1b[{t};{b}r\x1b[{t}Hone\r\n\r\ntwo\r\n3\x1bM\x1bMx\x1b[L\r\n\x1b[M\x1b[r\x1b[H")),
        1 => proptest::sample::select(vec!["\r\x1b7", "\x1b8", "\r\x1bM", "\x1b[?1049h\x1b[Hvi\r\n~\x1b[?1049l", "\x1b[1;33m", "\x1b[m", "ü"])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

#[derive(Debug, Clone)]
enum Step {
    Feed(Vec<u8>),
    Resize(u16, u16),
    Reset,
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"\x1b",
        b"[",
        b"]",
        b"P",
        b"?",
        b";",
        b":",
        b"1049",
        b"65535",
        b"7",
        b"h",
        b"l",
        b"m",
        b"H",
        b"J",
        b"K",
        b"L",
        b"M",
        b"P",
        b"@",
        b"X",
        b"S",
        b"T",
        b"r",
        b"b",
        b"8;5",
        b"\n",
        b"\r",
        b"\t",
        b"\x08",
        b"\x0e",
        b"\x07",
        b"\x18",
        b"(0",
        b"#8",
        b"c",
        b"D",
        b"\xe6\x97\xa5",
        b"\xcc\x81",
        b"\xf0\x9f\x91\xa8",
        b"\xe2\x80\xae",
        b"\xff",
        b"\xe6",
        b"text",
        b"\x9b",
        b"\x1b[?7l",
        b"\x1b[?6h",
        b"\x1b[4h",
        b"\x1b[2;3r",
        b"\x1b[41m",
        b"\x1b[?1049h",
        b"\x1b[9999b",
        b"\x1b[?5h",
    ];
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(pieces), 0..40).prop_map(|p| p.concat()),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => hostile().prop_map(Step::Feed),
        2 => (0_u16..12, 0_u16..20).prop_map(|(r, c)| Step::Resize(r, c)),
        1 => Just(Step::Reset),
    ];
    proptest::collection::vec(step, 0..20)
}

/// What holds of every screen, whatever was sent.
pub(super) fn sound(emulator: &Emulator, scrolled: u32) {
    let screen = emulator.screen(scrolled);
    let (rows, columns) = emulator.size();
    assert_eq!((screen.rows, screen.columns), (rows, columns));
    assert_eq!(screen.cells.len(), usize::from(rows) * usize::from(columns));
    if let Some(at) = screen.cursor {
        assert!(at.row < rows && at.column < columns);
    }
    assert!(screen.scrolled <= screen.above && screen.above <= 100);
    for row in 0..rows {
        let cells = screen.row(row);
        for (at, cell) in cells.iter().enumerate() {
            let bad = |c: char| c.is_control() || crate::model::text::is_invisible(c);
            assert!(!bad(cell.ch) && !cell.marks.as_deref().unwrap_or("").chars().any(bad), "{cell:?}");
            match cell.width {
                Width::One => {}
                Width::Two => assert_eq!(cells.get(at + 1).map(|c| c.width), Some(Width::Rest)),
                Width::Rest => {
                    assert_eq!(at.checked_sub(1).and_then(|b| cells.get(b)).map(|c| c.width), Some(Width::Two));
                }
            }
        }
    }
    for grid in emulator.terminal.grids() {
        assert!(grid.rows.iter().all(|row| row.is_sound(columns)), "{grid:?}");
        assert!(grid.top <= grid.bottom && grid.bottom < rows && grid.height() == rows);
        assert!(grid.at.row < rows && grid.at.column < columns);
    }
}

#[test]
fn what_is_cut_is_not_drawn_for_others() {
    assert_eq!(fed(2, 4, "a\x1b[3").redraw(), None);
    assert!(fed(2, 4, "a\x1b[3m").redraw().is_some());
    let mut half = small(2, 4);
    let _ = half.feed(&[0xc3]);
    assert_eq!(half.redraw(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_and_any_size_leave_it_sound(steps in steps(), scrolled in 0_u32..30) {
        let mut emulator = small(4, 10);
        for step in steps {
            match step {
                Step::Feed(bytes) => assert!(emulator.feed(&bytes).len() <= MOST_ANSWERS),
                Step::Resize(rows, columns) => emulator.resize(rows, columns),
                Step::Reset => emulator.reset(),
            }
            sound(&emulator, scrolled);
            let _ = emulator.take_events();
        }
        let text = emulator.contents();
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        let found = emulator.search("text", None, false);
        prop_assert_eq!(found.is_some(), emulator.search("text", None, true).is_some());
        if let Some(found) = found {
            let copied: String = emulator.copy(&found.selection()).chars().filter(char::is_ascii).collect();
            prop_assert_eq!(copied.to_lowercase(), "text");
        }
    }

    #[test]
    fn another_terminal_shows_the_same(steps in steps(), before in hostile(), after in "[ -~]{0,30}") {
        let mut one = small(4, 10);
        for step in steps {
            match step {
                Step::Feed(bytes) => drop(one.feed(&bytes)),
                Step::Resize(rows, columns) => one.resize(rows, columns),
                Step::Reset => one.reset(),
            }
        }
        // A cut sequence is cancelled as a guest does it.
        let _ = one.feed(b"\x18");
        let drawn = one.redraw().unwrap();
        let (rows, columns) = one.size();
        let mut other = small(rows, columns);
        let _ = other.feed(&before);
        let _ = other.feed(b"\x18");
        prop_assert_eq!(other.feed(&drawn), b"", "nothing is asked");
        let same = |one: &Emulator, other: &Emulator| {
            let (one, other) = (one.screen(0), other.screen(0));
            (one.cells == other.cells && one.cursor == other.cursor, one.text(), other.text())
        };
        let (alike, a, b) = same(&one, &other);
        prop_assert!(alike, "{a:?} {b:?}");
        prop_assert_eq!(one.modes(), other.modes());
        // They go on alike, too.
        let _ = (one.feed(after.as_bytes()), other.feed(after.as_bytes()));
        let (alike, a, b) = same(&one, &other);
        prop_assert!(alike, "after {after:?}: {a:?} {b:?}");
    }

    #[test]
    fn how_it_is_cut_makes_no_difference(bytes in hostile(), cut in 0_usize..60) {
        let mut whole = small(4, 10);
        let answers = whole.feed(&bytes);
        let mut parts = small(4, 10);
        let (a, b) = bytes.split_at(cut.min(bytes.len()));
        let mut other = parts.feed(a);
        other.extend(parts.feed(b));
        prop_assert_eq!(whole.screen(0), parts.screen(0));
        prop_assert_eq!(answers, other);
    }

    #[test]
    fn programs_look_as_in_vt100(text in program()) {
        let (ours, theirs) = beside(6, 8, text.as_bytes());
        prop_assert_eq!(ours, theirs, "{:?}", text);
    }

    #[test]
    fn what_scrolls_away_is_all_there(lines in proptest::collection::vec("[a-z\u{e4}\u{65e5}]{0,30}", 0..40)) {
        let mut emulator = Emulator::new(Limits { rows: 3, columns: 7, lines: 1000, bytes: 1 << 20 });
        for line in &lines {
            let _ = emulator.feed(format!("{line}\r\n").as_bytes());
        }
        let all = lines.join("\n");
        prop_assert_eq!(emulator.contents(), all.trim_end_matches('\n'));
    }
}
