//! What is drawn is read again, whatever it is, and what is no text is not taken for it.

use std::sync::Arc;

use proptest::prelude::*;

use super::render::{CursorShape, Mode, render};
use super::{Reader, font, recover};
use crate::model::console::{Cell, Cursor, Ink, Picture, Screen};

fn screen(columns: u16, rows: u16, cells: Vec<Cell>) -> Screen {
    Screen { rows, columns, cells, ..Screen::default() }
}

fn written(columns: u16, rows: u16, text: &str) -> Screen {
    let mut cells = vec![cell(' ', 7, 0); usize::from(columns) * usize::from(rows)];
    for (row, line) in text.lines().enumerate() {
        for (column, ch) in line.chars().enumerate() {
            cells[row * usize::from(columns) + column].ch = ch;
        }
    }
    screen(columns, rows, cells)
}

fn cell(ch: char, fg: u8, bg: u8) -> Cell {
    Cell { ch, fg: Ink::Index(fg), bg: Ink::Index(bg), ..Cell::default() }
}

fn at(screen: &Screen, row: u16, column: u16) -> &Cell {
    &screen.row(row)[usize::from(column)]
}

const LOGIN: &str =
    "Debian GNU/Linux 12 tinyvm tty1\n\ntinyvm login: root\nmvwx MTVWXYZ 0123456789 '\"|\n╔══╗ ░▒▓ §±÷\n";

#[test]
fn a_login_is_read_in_every_mode() {
    for (mode, columns, rows) in [
        (Mode::Nine, 80, 25),
        (Mode::Eight, 80, 25),
        (Mode::Eight, 80, 30),
        (Mode::Eight, 128, 48),
        (Mode::Flat, 80, 50),
    ] {
        let text = written(columns, rows, LOGIN);
        let found = recover(&render(&text, mode, CursorShape::Underline)).unwrap();
        assert_eq!((found.screen.columns, found.screen.rows, found.mode), (columns, rows, mode));
        assert_eq!(found.screen.text(), LOGIN.trim_end(), "{mode:?}");
        assert_eq!((found.near, found.unknown, found.screen.cursor), (0, 0, None));
    }
}

#[test]
fn what_does_not_fit_at_the_edges_is_left_out() {
    let small = render(&written(96, 37, LOGIN), Mode::Eight, CursorShape::Underline);
    let mut picture = Picture::new(800, 600);
    for y in 0..small.height as usize {
        let (from, to) = (y * 768 * 3, y * 800 * 3);
        picture.rgb[to..to + 768 * 3].copy_from_slice(&small.rgb[from..from + 768 * 3]);
    }
    let found = recover(&picture).unwrap();
    assert_eq!((found.screen.columns, found.screen.rows), (100, 37));
    assert_eq!(found.screen.text(), LOGIN.trim_end());
}

#[test]
fn reverse_video_and_colours_are_told() {
    let mut text = written(80, 25, "plain \nreverse");
    for column in 0..7 {
        text.cells[80 + column].fg = Ink::Index(0);
        text.cells[80 + column].bg = Ink::Index(7);
    }
    text.cells[3].fg = Ink::Index(9);
    let found = recover(&render(&text, Mode::Nine, CursorShape::Underline)).unwrap().screen;
    assert_eq!(found.text(), "plain\nreverse");
    assert_eq!((at(&found, 0, 3).fg, at(&found, 0, 3).bg), (Ink::Index(9), Ink::Index(0)));
    assert_eq!((at(&found, 1, 2).fg, at(&found, 1, 2).bg), (Ink::Index(0), Ink::Index(7)));
    assert_eq!(found.cursor, None, "seven cells are no cursor");
}

#[test]
fn a_cursor_is_seen_and_its_cell_still_read() {
    for mode in [Mode::Nine, Mode::Eight] {
        for ch in [' ', 'r', 'A', '_', '#'] {
            let mut text = written(80, 25, LOGIN);
            text.cells[5 * 80 + 9].ch = ch;
            text.cursor = Some(Cursor { row: 5, column: 9 });
            let found = recover(&render(&text, mode, CursorShape::Underline)).unwrap();
            assert_eq!(found.screen.cursor, text.cursor, "{mode:?} {ch:?}");
            assert_eq!(found.unknown, 0);
            let read = at(&found.screen, 5, 9).ch;
            // What stands under a line at the foot may be hidden by it.
            assert!(read == ch || ch == '_' && read == ' ', "{mode:?} {ch:?}: {read:?}");
        }
    }
}

#[test]
fn a_letter_whose_tail_is_under_the_cursor_is_the_one_that_stood_there() {
    let mut text = written(80, 25, "gqyjp gqyjp\n");
    let mut reader = Reader::new();
    assert!(reader.feed(&Arc::new(render(&text, Mode::Nine, CursorShape::Underline))).is_some());
    for column in 0..11 {
        text.cursor = Some(Cursor { row: 0, column });
        let found = reader.feed(&Arc::new(render(&text, Mode::Nine, CursorShape::Underline))).unwrap().screen;
        assert_eq!((found.text().as_str(), found.cursor), ("gqyjp gqyjp", text.cursor));
    }
}

#[test]
fn a_block_blinks_over_a_character() {
    let mut text = written(80, 25, LOGIN);
    text.cursor = Some(Cursor { row: 0, column: 2 });
    let lit = Arc::new(render(&text, Mode::Nine, CursorShape::Block));
    let dark = Arc::new(render(&Screen { cursor: None, ..text.clone() }, Mode::Nine, CursorShape::Block));
    let mut reader = Reader::new();
    let found = reader.feed(&lit).unwrap().screen;
    assert_eq!((found.cursor, found.line(0).chars().nth(2)), (text.cursor, Some(' ')), "nobody has seen it yet");
    for picture in [&dark, &lit, &dark, &lit] {
        let found = reader.feed(picture).unwrap().screen;
        assert_eq!((found.cursor, found.text().as_str()), (text.cursor, LOGIN.trim_end()));
    }
    let mut typed = text.clone();
    typed.cursor = None;
    for n in 0..6 {
        typed.cells[10 * 80 + n].ch = '#';
        let found = reader.feed(&Arc::new(render(&typed, Mode::Nine, CursorShape::Block))).unwrap().screen;
        assert_eq!(found.cursor.is_some(), n < 4, "{n}: switched off, not dark");
    }
}

#[test]
fn graphics_are_no_text_and_do_not_flap() {
    let text = Arc::new(render(&written(80, 25, &LOGIN.repeat(4)), Mode::Nine, CursorShape::Underline));
    let mut noise = Picture::new(720, 400);
    let mut n = 1_u32;
    for byte in &mut noise.rgb {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (n >> 24) as u8;
    }
    let noise = Arc::new(noise);
    assert!(recover(&noise).is_none());
    // A pointer's worth of pixels over the text.
    let mut touched = (*text).clone();
    for y in 100..120 {
        let from = (y * 720 + 300) * 3;
        touched.rgb[from..from + 40].copy_from_slice(&noise.rgb[..40]);
    }
    let touched = Arc::new(touched);
    let mut reader = Reader::new();
    for picture in [&text, &touched, &text, &touched] {
        let found = reader.feed(picture).expect("still text");
        assert!(found.exact > 4 * (found.near + found.unknown));
    }
    assert!(reader.feed(&noise).is_none());
    assert_eq!(reader.feed(&touched).unwrap().screen.text(), recover(&touched).unwrap().screen.text());
    let mut photo = Picture::new(1024, 768);
    for (n, byte) in photo.rgb.iter_mut().enumerate() {
        *byte = (n / 3 % 1024 / 4) as u8;
    }
    assert!(recover(&photo).is_none());
}

#[test]
fn an_empty_screen_is_text_where_only_text_has_its_size() {
    assert_eq!(recover(&Picture::new(720, 400)).unwrap().screen.text(), "");
    assert!(recover(&Picture::new(1024, 768)).is_none());
    assert!(recover(&Picture::default()).is_none());
    assert!(recover(&Picture { width: 720, height: 400, rgb: Vec::new() }).is_none());
    let mut reader = Reader::new();
    let text = render(&written(128, 48, LOGIN), Mode::Eight, CursorShape::Underline);
    assert!(reader.feed(&Arc::new(text)).is_some());
    assert!(reader.feed(&Arc::new(Picture::new(1024, 768))).is_some(), "a console that was cleared is one");
}

/// Looks alike on a screen: the same pixels.
fn same(a: &Cell, b: &Cell) -> bool {
    let one_colour = |c: &Cell| c.ch == ' ' || c.ch == '█' || c.fg == c.bg;
    let colour = |c: &Cell| if c.ch == '█' { c.fg } else { c.bg };
    if one_colour(a) || one_colour(b) {
        return one_colour(a) && one_colour(b) && colour(a) == colour(b);
    }
    let swapped = matches!((a.ch, b.ch), ('▄', '▀') | ('▀', '▄') | ('▌', '▐') | ('▐', '▌'))
        || matches!((a.ch, b.ch), ('•', '◘') | ('◘', '•') | ('○', '◙') | ('◙', '○'));
    (a.ch, a.fg, a.bg) == (b.ch, b.fg, b.bg) || swapped && (a.fg, a.bg) == (b.bg, b.fg)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn whatever_is_drawn_is_read(
        cells in proptest::collection::vec((any::<u8>(), 0_u8..16, 0_u8..16), 2000),
        mode in prop_oneof![Just(Mode::Nine), Just(Mode::Eight)],
        cursor in proptest::option::of((0_u16..25, 0_u16..80)),
        sparse: bool,
    ) {
        let cells: Vec<Cell> = cells
            .into_iter()
            .enumerate()
            .map(|(n, (code, fg, bg))| {
                if sparse && n % 7 != 0 { cell(' ', 7, 0) } else { cell(font::characters()[usize::from(code)], fg, bg) }
            })
            .collect();
        let mut text = screen(80, 25, cells);
        text.cursor = cursor.map(|(row, column)| Cursor { row, column });
        let picture = render(&text, mode, CursorShape::Underline);
        let found = recover(&picture).unwrap();
        // A line of the cursor through a block of its own colour may be neither.
        prop_assert!(found.near + found.unknown <= u32::from(cursor.is_some()));
        for (n, (drawn, read)) in text.cells.iter().zip(&found.screen.cells).enumerate() {
            let under = text.cursor.is_some_and(|c| usize::from(c.row) * 80 + usize::from(c.column) == n);
            prop_assert!(under || same(drawn, read), "{n}: {drawn:?} read as {read:?}");
        }
        prop_assume!(found.screen.cursor == text.cursor, "one cell of another colour is taken for a cursor");
        // What was read looks as what was drawn.
        let again = render(&Screen { cursor: text.cursor, ..found.screen }, mode, CursorShape::Underline);
        let off = picture.rgb.iter().zip(&again.rgb).filter(|(a, b)| a != b).count();
        prop_assert!(off <= 16 * 9 * 3 * usize::from(cursor.is_some()), "{off} bytes differ");
    }

    #[test]
    fn any_picture_and_any_change_is_survived(
        sizes in proptest::collection::vec(
            (prop::sample::select(vec![0_u32, 9, 320, 640, 720, 725, 801]), prop::sample::select(vec![0_u32, 16, 192, 400, 405])),
            1..3,
        ),
        bytes in proptest::collection::vec(any::<u8>(), 1..64),
        cut in 0_usize..9,
        dots in proptest::collection::vec(any::<u32>(), 0..50),
    ) {
        let mut reader = Reader::new();
        for (width, height) in sizes {
            let mut picture = Picture::new(width, height);
            reader.feed(&Arc::new(picture.clone()));
            for dot in &dots {
                let at = *dot as usize % picture.rgb.len().max(1);
                if let Some(byte) = picture.rgb.get_mut(at) {
                    *byte = *dot as u8;
                }
            }
            reader.feed(&Arc::new(picture.clone()));
            for (to, from) in picture.rgb.iter_mut().zip(bytes.iter().cycle()) {
                *to = *from;
            }
            reader.feed(&Arc::new(picture.clone()));
            picture.rgb.truncate(picture.rgb.len().saturating_sub(cut));
            reader.feed(&Arc::new(picture));
        }
    }
}
