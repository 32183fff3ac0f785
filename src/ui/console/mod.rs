//! Draws the screen of a console, whatever made it. A pane smaller than the screen shows the part with
//! the cursor; a pane without colours shows in reverse what a guest picks out by colour; a pane of ASCII
//! shows lines as `+`, `-` and `|`. Only cells are drawn, never what a guest sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::{Paint, Piece, paint};
use crate::model::console::{Attrs, Cell, Found, Ink, Screen, Selection, Width};
use crate::model::text;
use crate::theme::{Token, degrade};

/// A part of a screen: the first row and column that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pan {
    /// First row.
    pub row: u16,
    /// First column.
    pub column: u16,
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleView<'a> {
    /// The screen.
    pub screen: &'a Screen,
    /// Places of a search.
    pub found: &'a [Found],
    /// The one of them that is gone to.
    pub current: Option<Found>,
    /// What is being copied.
    pub selection: Option<Selection>,
    /// Whether keys go to it: its cursor is a block, otherwise a line.
    pub focused: bool,
    /// The part shown; `None` for the one with the cursor.
    pub pan: Option<Pan>,
}

/// What was drawn, for the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The cells of the pane that show the screen.
    pub area: Rect,
    /// The part that is shown.
    pub pan: Pan,
    /// Where the cursor is in the pane.
    pub cursor: Option<(u16, u16)>,
    rows: u16,
    columns: u16,
}

impl Drawn {
    /// Which part is shown, in words for a title; `None` when all of it is.
    #[must_use]
    pub fn part(&self) -> Option<String> {
        let span = |from: u16, len: u16, of: u16, word: &str| {
            (len < of).then(|| format!("{word} {}-{} of {of}", from + 1, from + len))
        };
        let rows = span(self.pan.row, self.area.height, self.rows, "rows");
        let columns = span(self.pan.column, self.area.width, self.columns, "columns");
        match (rows, columns) {
            (None, None) => None,
            (rows, columns) => Some(rows.into_iter().chain(columns).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl<'a> ConsoleView<'a> {
    /// A screen and nothing else.
    #[must_use]
    pub const fn new(screen: &'a Screen) -> Self {
        Self { screen, found: &[], current: None, selection: None, focused: false, pan: None }
    }

    /// Draws it into an area; what the screen does not fill is blank.
    pub fn render(&self, paint: &Paint<'_>, area: Rect, buf: &mut Buffer) -> Drawn {
        let area = area.intersection(buf.area);
        paint.fill(buf, area, Token::Text);
        let screen = self.screen;
        let (width, height) = (area.width.min(screen.columns), area.height.min(screen.rows));
        let shown = Rect { width, height, ..area };
        let pan = self.part(width, height);
        let mut drawn = Drawn { area: shown, pan, cursor: None, rows: screen.rows, columns: screen.columns };
        if shown.is_empty() {
            return drawn;
        }
        for y in 0..height {
            let row = pan.row + y;
            self.row(paint, buf, (area.x, area.y + y), width, row, pan.column);
        }
        if let Some(at) = screen.cursor {
            let (row, column) = (at.row.checked_sub(pan.row), at.column.checked_sub(pan.column));
            if let (Some(row), Some(column)) = (row.filter(|r| *r < height), column.filter(|c| *c < width)) {
                let at = (area.x + column, area.y + row);
                drawn.cursor = Some(at);
                if let Some(cell) = buf.cell_mut(at) {
                    let sign = if self.focused { Modifier::REVERSED } else { Modifier::UNDERLINED };
                    cell.modifier ^= sign;
                }
            }
        }
        self.sign(paint, area, buf);
        drawn
    }

    /// The part that an area of this size shows.
    fn part(&self, width: u16, height: u16) -> Pan {
        let screen = self.screen;
        let most = Pan { row: screen.rows - height, column: screen.columns - width };
        let wanted = self.pan.unwrap_or_else(|| match screen.cursor {
            Some(at) => Pan {
                row: (at.row + 1).saturating_sub(height),
                // By halves of the pane, so that typing does not move the picture with every letter.
                column: match (at.column + 1).saturating_sub(width) {
                    0 => 0,
                    over => over.div_ceil((width / 2).max(1)).saturating_mul((width / 2).max(1)),
                },
            },
            // Scrolled up, or an editor that draws its own cursor.
            None => Pan::default(),
        });
        Pan { row: wanted.row.min(most.row), column: wanted.column.min(most.column) }
    }

    fn row(&self, paint: &Paint<'_>, buf: &mut Buffer, at: (u16, u16), width: u16, row: u16, left: u16) {
        let line = self.screen.top + u64::from(row);
        let columns = self.screen.columns;
        let span = |s: Selection| s.columns(line, columns);
        let selected = self.selection.and_then(span);
        let current = self.current.and_then(|f| span(f.selection()));
        let found: Vec<(u16, u16)> = self.found.iter().filter_map(|f| span(f.selection())).collect();
        let cells = self.screen.row(row);
        // Bringing colours down costs more than drawing, and neighbours mostly look the same.
        let mut last = (Ink::Default, Ink::Default, Attrs::default(), look(paint, &Cell::default()));
        for x in 0..width {
            let column = left + x;
            let Some(cell) = cells.get(usize::from(column)) else { break };
            let Some(to) = buf.cell_mut((at.0 + x, at.1)) else { break };
            let inside = |s: &(u16, u16)| (s.0..=s.1).contains(&column);
            if (last.0, last.1, last.2) != (cell.fg, cell.bg, cell.attrs) {
                last = (cell.fg, cell.bg, cell.attrs, look(paint, cell));
            }
            let mut style = last.3;
            if found.iter().any(inside) {
                style = style.patch(paint.style(Token::Match));
            }
            if current.as_ref().is_some_and(inside) {
                style = style.patch(paint.style(Token::Match)).add_modifier(Modifier::BOLD);
                style.add_modifier ^= Modifier::REVERSED;
            }
            if selected.as_ref().is_some_and(inside) {
                style = style.patch(paint.style(Token::Mark));
            }
            // A character of two columns that the edge of the pane cuts is none.
            let cut = match cell.width {
                Width::One => false,
                Width::Two => x + 1 == width,
                Width::Rest => x == 0,
            };
            if cut {
                to.set_char(' ');
            } else {
                symbol(cell, paint.glyphs.ascii, to);
            }
            to.set_style(style);
        }
    }

    /// How far it is scrolled up.
    fn sign(&self, paint: &Paint<'_>, area: Rect, buf: &mut Buffer) {
        let screen = self.screen;
        if screen.scrolled == 0 {
            return;
        }
        let lines = text::counted(u64::from(screen.scrolled), "line", "lines");
        let long = format!(" {} scrolled up {lines} of {} ", paint.glyphs.up, text::grouped(u64::from(screen.above)));
        let short = format!(" {}{} ", paint.glyphs.up, screen.scrolled);
        let words = if paint::wide(&long) <= area.width { long } else { short };
        paint.line_right(buf, (area.x, area.y), area.width, &[Piece::new(words, Token::BarActive)]);
    }
}

/// A thumbnail for a wall: the lines around the cursor, which on a console of text are its last ones,
/// as far as they fit, without what is blank left of all of them.
pub fn thumbnail(screen: &Screen, paint: &Paint<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    paint.fill(buf, area, Token::Text);
    let written = |row: u16| screen.row(row).iter().position(|cell| !matches!(cell.ch, ' ' | '\0'));
    let last = (0..screen.rows).rev().find(|row| written(*row).is_some()).map_or(0, |row| row + 1);
    let end = match screen.cursor {
        Some(at) => last.min(at.row.saturating_add(1 + area.height.saturating_sub(1) / 2)).max(at.row + 1),
        None => last,
    };
    let end = end.max(area.height.min(last)).min(screen.rows);
    let height = area.height.min(end);
    let row = end - height;
    let left = (row..end).filter_map(written).min().unwrap_or(0);
    let fits = area.width >= screen.columns;
    let column = if fits { 0 } else { u16::try_from(left).unwrap_or(0) };
    let view = ConsoleView { pan: Some(Pan { row, column }), ..ConsoleView::new(screen) };
    if height > 0 {
        view.render(paint, Rect { height, ..area }, buf);
    }
}

/// The style of a cell on this terminal.
fn look(paint: &Paint<'_>, cell: &Cell) -> Style {
    let base = paint.style(Token::Text);
    let modifiers = [
        (Attrs::BOLD, Modifier::BOLD),
        (Attrs::DIM, Modifier::DIM),
        (Attrs::ITALIC, Modifier::ITALIC),
        (Attrs::UNDERLINE, Modifier::UNDERLINED),
        (Attrs::INVERSE, Modifier::REVERSED),
    ];
    let set = modifiers.into_iter().filter(|(bit, _)| cell.attrs.has(*bit));
    let style = Style {
        fg: ink(cell.fg),
        bg: ink(cell.bg),
        add_modifier: set.fold(Modifier::empty(), |all, (_, modifier)| all | modifier),
        ..Style::new()
    };
    base.patch(degrade::foreign(style, base, paint.theme.depth()))
}

fn ink(ink: Ink) -> Option<Color> {
    match ink {
        Ink::Default => None,
        Ink::Index(n) => Some(Color::Indexed(n)),
        Ink::Rgb(r, g, b) => Some(Color::Rgb(r, g, b)),
    }
}

/// What is written into a cell of the pane.
fn symbol(cell: &Cell, ascii: bool, to: &mut ratatui::buffer::Cell) {
    match (cell.width, cell.ch) {
        (Width::Rest, _) => {
            to.set_char(' ');
        }
        (_, c) if c.is_control() => {
            to.set_char(' ');
        }
        (_, c) if ascii => {
            to.set_char(plain(c));
        }
        (width, c) => {
            let Some(marks) = cell.marks.as_deref() else {
                to.set_char(c);
                return;
            };
            // Marks that make a terminal draw it wider than it was meant are left out.
            let whole = format!("{c}{marks}");
            let columns = if width == Width::Two { 2 } else { 1 };
            if text::width(&whole) == columns {
                to.set_symbol(&whole);
            } else {
                to.set_char(c);
            }
        }
    }
}

/// The nearest character of ASCII.
const fn plain(c: char) -> char {
    match c {
        ' '..='~' => c,
        '\u{a0}' => ' ',
        '─' | '━' | '═' | '┄' | '┅' | '┈' | '┉' | '╌' | '╍' | '⎺' | '⎻' | '⎼' | '⎽' | '–' | '—' => {
            '-'
        }
        '│' | '┃' | '║' | '┆' | '┇' | '┊' | '┋' | '╎' | '╏' => '|',
        '┌'..='╋' | '╒'..='╬' | '╭'..='╰' => '+',
        '╱' => '/',
        '╲' => '\\',
        '╳' => 'X',
        '▀'..='▐' | '▓' | '▖'..='▟' | '■' => '#',
        '░' | '▒' => ':',
        '·' | '•' => '.',
        '◆' | '●' | '○' => '*',
        '←' | '◀' | '◄' => '<',
        '→' | '▶' | '►' => '>',
        '↑' | '▲' => '^',
        '↓' | '▼' => 'v',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '…' => '~',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;
    use crate::engine::emulator::{Emulator, Limits};
    use crate::model::console::Place;
    use crate::theme::{Depth, Glyphs, Theme, load};

    fn screen(rows: u16, columns: u16, text: &str) -> Screen {
        let mut emulator = Emulator::new(Limits { rows, columns, lines: 100, bytes: 1 << 20 });
        let _ = emulator.feed(text.as_bytes());
        emulator.screen(0)
    }

    fn lines(buf: &Buffer) -> Vec<String> {
        let row = |y| (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>();
        (0..buf.area.height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    fn draw(view: ConsoleView<'_>, width: u16, height: u16, theme: &Theme, glyphs: &Glyphs) -> (Buffer, Drawn) {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let drawn = view.render(&Paint::new(theme, glyphs), area, &mut buf);
        (buf, drawn)
    }

    fn at_depth(depth: Depth) -> Theme {
        load::load("default", None, depth).unwrap()
    }

    #[test]
    fn a_small_pane_shows_the_part_with_the_cursor() {
        let text = (1..=24).map(|n| format!("{n:02}")).collect::<Vec<_>>().join("\r\n");
        let screen = screen(24, 80, &format!("{text}\x1b[24;70Hhere"));
        let (theme, glyphs) = (Theme::probe(), Glyphs::UNICODE);
        let (buf, drawn) = draw(ConsoleView::new(&screen), 20, 5, &theme, &glyphs);
        assert_eq!(drawn.pan, Pan { row: 19, column: 60 });
        assert_eq!(lines(&buf)[4], "         here");
        assert_eq!(drawn.part().unwrap(), "rows 20-24 of 24, columns 61-80 of 80");
        assert_eq!(drawn.cursor, Some((13, 4)));
        let pan = Some(Pan { row: 2, column: 99 });
        let (_, drawn) = draw(ConsoleView { pan, ..ConsoleView::new(&screen) }, 20, 5, &theme, &glyphs);
        assert_eq!(drawn.pan, Pan { row: 2, column: 60 }, "held inside");
        assert_eq!(drawn.cursor, None);
        let (buf, drawn) = draw(ConsoleView::new(&screen), 100, 30, &theme, &glyphs);
        assert_eq!((drawn.area, drawn.part()), (Rect::new(0, 0, 80, 24), None));
        assert_eq!(lines(&buf)[29], "");
    }

    #[test]
    fn the_cursor_shows_who_has_the_keys() {
        let screen = screen(2, 10, "$ ");
        let (theme, glyphs) = (Theme::probe(), Glyphs::UNICODE);
        let (buf, _) = draw(ConsoleView::new(&screen), 10, 2, &theme, &glyphs);
        assert_eq!(buf[(2, 0)].modifier, Modifier::UNDERLINED);
        let (buf, _) = draw(ConsoleView { focused: true, ..ConsoleView::new(&screen) }, 10, 2, &theme, &glyphs);
        assert_eq!(buf[(2, 0)].modifier, Modifier::REVERSED);
    }

    #[test]
    fn places_of_a_search_and_selections_stand_out_at_every_depth() {
        let screen = screen(2, 20, "an error, an error");
        let place = |column| Place { line: 0, column };
        let first = Found { from: place(3), to: place(7) };
        let second = Found { from: place(13), to: place(17) };
        for depth in [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True] {
            let theme = at_depth(depth);
            let view = ConsoleView {
                found: &[first, second],
                current: Some(second),
                selection: Some(Selection { from: place(0), to: place(1) }),
                ..ConsoleView::new(&screen)
            };
            let (buf, _) = draw(view, 20, 2, &theme, &Glyphs::UNICODE);
            let looks: Vec<Style> = [0, 2, 4, 14].map(|x| buf[(x, 0)].style()).to_vec();
            for (n, a) in looks.iter().enumerate() {
                assert!(looks[n + 1..].iter().all(|b| a != b), "{depth:?}: {looks:?}");
            }
            assert_eq!(buf[(3, 0)].style(), buf[(7, 0)].style());
            assert_eq!(buf[(2, 0)].style(), buf[(8, 0)].style());
        }
    }

    #[test]
    fn colours_come_down_to_what_the_terminal_has() {
        let screen = screen(1, 10, "\x1b[38;2;255;0;0ma\x1b[0;31mb\x1b[0;30;47mc\x1b[0;97;44md\x1b[0;7me");
        let looks = |depth| {
            let theme = at_depth(depth);
            let (buf, _) = draw(ConsoleView::new(&screen), 10, 1, &theme, &Glyphs::UNICODE);
            (0..5).map(|x| buf[(x, 0)].style()).collect::<Vec<_>>()
        };
        assert_eq!(looks(Depth::True)[0].fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(looks(Depth::Ansi256)[0].fg, Some(Color::Indexed(196)));
        let ansi = looks(Depth::Ansi16);
        assert_eq!((ansi[0].fg, ansi[1].fg), (Some(Color::LightRed), Some(Color::Red)));
        assert_eq!((ansi[2].fg, ansi[2].bg), (Some(Color::Black), Some(Color::Gray)));
        let mono = looks(Depth::Mono);
        assert!(mono.iter().all(|s| matches!((s.fg, s.bg), (Some(Color::Reset) | None, Some(Color::Reset) | None))));
        let reversed: Vec<bool> = mono.iter().map(|s| s.add_modifier.contains(Modifier::REVERSED)).collect();
        assert_eq!(reversed, [false, false, true, false, true], "a light ground is shown in reverse");
    }

    #[test]
    fn lines_and_signs_without_unicode() {
        let screen = screen(3, 12, "\x1b(0lqqqk\x1b(B\r\n\u{2502}\u{e4}\u{65e5}\u{2502}\u{2588}e\u{301}");
        let (buf, _) = draw(ConsoleView::new(&screen), 12, 3, &at_depth(Depth::Mono), &Glyphs::ASCII);
        assert_eq!(lines(&buf)[..2], ["+---+".to_owned(), "|?? |#e".to_owned()]);
    }

    #[test]
    fn half_a_character_at_the_edge_is_a_blank() {
        let screen = screen(1, 6, "\u{65e5}\u{65e5}\u{65e5}\x1b[1;1H");
        let theme = Theme::probe();
        let pan = Some(Pan { row: 0, column: 1 });
        let (buf, _) = draw(ConsoleView { pan, ..ConsoleView::new(&screen) }, 4, 1, &theme, &Glyphs::UNICODE);
        assert_eq!(buf[(0, 0)].symbol(), " ");
        assert_eq!(buf[(1, 0)].symbol(), "\u{65e5}");
        assert_eq!(buf[(3, 0)].symbol(), " ");
    }

    #[test]
    fn how_far_it_is_scrolled_is_said() {
        let screen = Screen { scrolled: 1234, above: 9000, ..screen(3, 60, "x") };
        let theme = Theme::probe();
        let (buf, _) = draw(ConsoleView::new(&screen), 60, 3, &theme, &Glyphs::ASCII);
        assert!(lines(&buf)[0].ends_with(" ^ scrolled up 1 234 lines of 9 000"), "{:?}", lines(&buf)[0]);
        let (buf, _) = draw(ConsoleView::new(&screen), 20, 3, &theme, &Glyphs::ASCII);
        assert!(lines(&buf)[0].ends_with(" ^1234"), "{:?}", lines(&buf)[0]);
    }

    #[test]
    fn a_thumbnail_shows_the_last_lines() {
        let text = (1..=9).map(|n| format!("line {n} of a log\r\n")).collect::<Vec<_>>().concat();
        let screen = screen(24, 80, &format!("{text}login: "));
        let area = Rect::new(0, 0, 8, 3);
        let mut buf = Buffer::empty(area);
        thumbnail(&screen, &Paint::new(&Theme::probe(), &Glyphs::UNICODE), area, &mut buf);
        assert_eq!(lines(&buf), ["line 8 o", "line 9 o", "login:"]);
        thumbnail(&Screen::default(), &Paint::new(&Theme::probe(), &Glyphs::UNICODE), area, &mut buf);
        assert_eq!(lines(&buf), ["", "", ""]);
    }

    proptest! {
        #[test]
        fn any_screen_fits_into_any_area(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            (rows, columns) in (1_u16..30, 1_u16..60),
            (x, y, width, height) in (0_u16..20, 0_u16..10, 0_u16..70, 0_u16..35),
            (pan_row, pan_column) in (0_u16..40, 0_u16..90),
            ascii in any::<bool>(),
        ) {
            let mut emulator = Emulator::new(Limits { rows, columns, lines: 50, bytes: 1 << 16 });
            let _ = emulator.feed(&bytes);
            let screen = emulator.screen(3);
            let glyphs = if ascii { Glyphs::ASCII } else { Glyphs::UNICODE };
            let theme = at_depth(Depth::Ansi16);
            let paint = Paint::new(&theme, &glyphs);
            let whole = Rect::new(0, 0, 60, 30);
            let area = Rect::new(x, y, width, height);
            for pan in [None, Some(Pan { row: pan_row, column: pan_column })] {
                let mut buf = Buffer::empty(whole);
                let drawn = ConsoleView { pan, ..ConsoleView::new(&screen) }.render(&paint, area, &mut buf);
                thumbnail(&screen, &paint, area, &mut buf);
                prop_assert!(drawn.pan.row + drawn.area.height <= rows);
                prop_assert!(drawn.pan.column + drawn.area.width <= columns);
                let follows = pan.is_none() && screen.cursor.is_some() && !drawn.area.is_empty();
                prop_assert!(!follows || drawn.cursor.is_some(), "the cursor is in sight");
                for at in whole.positions() {
                    let symbol = buf[at].symbol();
                    prop_assert!(area.contains(at) || symbol == " ");
                    prop_assert!(!symbol.chars().any(char::is_control));
                    prop_assert!(!ascii || symbol.is_ascii(), "{:?}", symbol);
                }
            }
        }
    }
}
