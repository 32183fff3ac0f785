//! From cells to bytes: a ratatui backend that writes as little as it can.
//!
//! Why not ratatui's own crossterm backend: it writes resets and cursor sequences for a frame in
//! which nothing changed, it flushes up to four times a frame, its colours are resets under
//! `NO_COLOR` (crossterm 0.29), and it writes the 16 ANSI colours as entries of the 256-colour
//! palette, which a terminal with 16 colours need not know. Here the style of the pen and the
//! state of the cursor are remembered from frame to frame, and only differences are written.

use std::fmt::Write as _;
use std::io;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use super::frame_writer::FrameWriter;
use super::slow::{self, Line, Slow};

/// What the terminal draws the next character with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

pub(super) const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// SGR parameters of the attributes.
const ATTRIBUTES: [(Modifier, &str); 9] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::SLOW_BLINK, "5"),
    (Modifier::RAPID_BLINK, "6"),
    (Modifier::REVERSED, "7"),
    (Modifier::HIDDEN, "8"),
    (Modifier::CROSSED_OUT, "9"),
];

/// The backend.
#[derive(Debug)]
pub(super) struct Encoder {
    writer: FrameWriter,
    size: Size,
    utf8: bool,
    /// `None`: not known, after a start or somebody else's output.
    pen: Option<Pen>,
    /// Where the next character goes, if that is certain.
    at: Option<Position>,
    cursor_shown: Option<bool>,
    scratch: String,
    /// For a slow line: what it shows, and where it is to leave its cursor.
    slow: Option<(Slow, Option<Position>)>,
}

impl Encoder {
    /// A backend for a screen of this size. Without `utf8` every character beyond ASCII becomes a
    /// question mark, so that columns stay where they are.
    #[must_use]
    pub(super) fn new(writer: FrameWriter, size: Size, utf8: bool) -> Self {
        Self { writer, size, utf8, pen: None, at: None, cursor_shown: None, scratch: String::new(), slow: None }
    }

    /// The same for a slow line: bytes are counted, and a frame goes out in pieces.
    #[must_use]
    pub(super) fn frugal(writer: FrameWriter, size: Size) -> Self {
        let slow = Some((Slow::new(size.width, size.height), None));
        Self { slow, ..Self::new(writer, size, false) }
    }

    /// Hands on what a slow line can take now: about `budget` bytes of what is still missing.
    pub(super) fn emit(&mut self, budget: usize) {
        let Some((slow, cursor)) = &mut self.slow else { return };
        let mut at = self.at.map(|p| (p.x, p.y));
        let mut line = Line { pen: &mut self.pen, at: &mut at, out: &mut self.scratch };
        slow.emit(&mut line, budget);
        if !slow.behind()
            && let Some(to) = cursor.take()
        {
            slow::go(&mut line, usize::from(to.x), usize::from(to.y));
        }
        self.at = at.map(|(x, y)| Position { x, y });
        if !self.scratch.is_empty() {
            self.push_scratch();
        }
    }

    /// Whether a slow line does not show all of the last frame yet.
    pub(super) fn behind(&self) -> bool {
        self.slow.as_ref().is_some_and(|(slow, _)| slow.behind())
    }

    pub(super) const fn writer(&self) -> &FrameWriter {
        &self.writer
    }

    pub(super) const fn writer_mut(&mut self) -> &mut FrameWriter {
        &mut self.writer
    }

    pub(super) const fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Somebody else has written to the terminal.
    pub(super) const fn forget(&mut self) {
        self.pen = None;
        self.at = None;
        self.cursor_shown = None;
    }

    fn push_scratch(&mut self) {
        self.writer.push(self.scratch.as_bytes());
        self.scratch.clear();
    }

    /// Puts the cursor at a place unless it is there.
    fn go(&mut self, to: Position) {
        if self.at == Some(to) {
            return;
        }
        // Formatting into a String cannot fail.
        let _ = match self.at {
            Some(at) if at.y == to.y => write!(self.scratch, "\x1b[{}G", to.x + 1),
            _ => write!(self.scratch, "\x1b[{};{}H", to.y + 1, to.x + 1),
        };
        self.push_scratch();
        self.at = Some(to);
    }

    fn set_pen(&mut self, pen: Pen) {
        if self.pen == Some(pen) {
            return;
        }
        write_pen(&mut self.scratch, self.pen, pen);
        self.push_scratch();
        self.pen = Some(pen);
    }

    fn print(&mut self, symbol: &str) {
        if symbol.chars().any(char::is_control) || symbol.is_empty() {
            // Nothing that acts may come from a cell, whatever drew it.
            self.writer.push(b"?");
        } else if self.utf8 || symbol.is_ascii() {
            self.writer.push(symbol.as_bytes());
        } else {
            for _ in 0..unicode_width::UnicodeWidthStr::width(symbol).clamp(1, 2) {
                self.writer.push(b"?");
            }
        }
    }
}

/// Adds the sequence that takes one pen for another.
pub(super) fn write_pen(out: &mut String, before: Option<Pen>, pen: Pen) {
    out.push_str("\x1b[");
    let from = match before {
        // Attributes can be added; to take one away everything is reset.
        Some(old) if pen.modifier.contains(old.modifier) => old,
        _ => {
            out.push_str("0;");
            PLAIN
        }
    };
    for (attribute, sgr) in ATTRIBUTES {
        if (pen.modifier - from.modifier).contains(attribute) {
            out.push_str(sgr);
            out.push(';');
        }
    }
    if pen.fg != from.fg {
        push_colour(out, pen.fg, 30);
    }
    if pen.bg != from.bg {
        push_colour(out, pen.bg, 40);
    }
    out.pop();
    out.push('m');
}

/// Adds the parameters of a colour, with a semicolon after them. `base` is 30 or 40.
fn push_colour(out: &mut String, colour: Color, base: u8) {
    let ansi = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(i) => {
            let _ = write!(out, "{};5;{i};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    let _ = write!(out, "{};", base + ansi);
}

impl Backend for Encoder {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        if let Some((slow, _)) = &mut self.slow {
            for (x, y, cell) in content {
                slow.want(x, y, cell.symbol(), Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            }
            return Ok(());
        }
        for (x, y, cell) in content {
            self.go(Position { x, y });
            self.set_pen(Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            self.print(cell.symbol());
            // In the last column the cursor waits before the margin; a wide or an unusual sign may
            // have moved it differently from what we think.
            let certain = cell.symbol().is_ascii() && x + 1 < self.size.width;
            self.at = certain.then_some(Position { x: x + 1, y });
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(false) {
            self.writer.push(b"\x1b[?25l");
            self.cursor_shown = Some(false);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(true) {
            self.writer.push(b"\x1b[?25h");
            self.cursor_shown = Some(true);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would need its answer on standard input, where the reader waits.
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        match &mut self.slow {
            Some((_, cursor)) => *cursor = Some(position.into()),
            None => self.go(position.into()),
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        if let (Some((slow, _)), ClearType::All) = (&mut self.slow, clear_type) {
            slow.clear(self.size.width, self.size.height);
        }
        // Many terminals erase with the colour of the pen.
        self.set_pen(PLAIN);
        self.writer.push(match clear_type {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[0J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[0K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        // The frame is handed on once it is whole, by `Screen::draw`.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::tests::{Screenful, screenful};
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    const COLOURS: [Color; 8] = [
        Color::Reset,
        Color::Red,
        Color::White,
        Color::DarkGray,
        Color::Indexed(3),
        Color::Indexed(200),
        Color::Rgb(1, 2, 3),
        Color::Rgb(250, 0, 9),
    ];

    fn style() -> impl Strategy<Value = Style> {
        let modifiers = Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        let colour = || proptest::sample::select(COLOURS.to_vec());
        (colour(), colour(), any::<u16>()).prop_map(move |(fg, bg, m)| {
            Style::new().fg(fg).bg(bg).add_modifier(Modifier::from_bits_truncate(m) & modifiers)
        })
    }

    /// Pieces of text laid on the screen: row, column, text, style. Wide signs have a row of their
    /// own and start in even columns: where one half of a wide sign lies over the half of another,
    /// ratatui's difference of two frames is incomplete before we see it.
    fn frame() -> impl Strategy<Value = Vec<(u16, u16, &'static str, Style)>> {
        let text = proptest::sample::select(vec!["x", "LOS raised", "München", "  ", "▲ 37 new", "e\u{301}a"]);
        let narrow = (0_u16..5, 0_u16..20, text, style());
        let wide = (0_u16..10, style()).prop_map(|(x, style)| (5, x * 2, "漢字", style));
        (proptest::collection::vec(narrow, 0..6), proptest::option::of(wide))
            .prop_map(|(pieces, wide)| pieces.into_iter().chain(wide).collect())
    }

    /// What vt100 calls a colour.
    fn vt(colour: Color) -> vt100::Color {
        match colour {
            Color::Reset => vt100::Color::Default,
            Color::Red => vt100::Color::Idx(1),
            Color::White => vt100::Color::Idx(15),
            Color::DarkGray => vt100::Color::Idx(8),
            Color::Indexed(i) => vt100::Color::Idx(i),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            other => panic!("{other:?}"),
        }
    }

    fn assert_shows(terminal: &vt100::Parser, buffer: &Buffer) -> Result<(), TestCaseError> {
        let mut wide = false;
        for (i, cell) in buffer.content().iter().enumerate() {
            let (x, y) = buffer.pos_of(i);
            let shown = terminal.screen().cell(y, x).unwrap();
            if std::mem::take(&mut wide) {
                continue;
            }
            wide = unicode_width::UnicodeWidthStr::width(cell.symbol()) > 1;
            let text = if shown.contents().is_empty() { " " } else { shown.contents() };
            prop_assert_eq!(text, cell.symbol(), "at {},{}", x, y);
            prop_assert_eq!(shown.fgcolor(), vt(cell.fg), "at {},{}", x, y);
            prop_assert_eq!(shown.bgcolor(), vt(cell.bg), "at {},{}", x, y);
            let attributes = [
                (shown.bold(), Modifier::BOLD),
                (shown.italic(), Modifier::ITALIC),
                (shown.underline(), Modifier::UNDERLINED),
                (shown.inverse(), Modifier::REVERSED),
            ];
            for (set, modifier) in attributes {
                prop_assert_eq!(set, cell.modifier.contains(modifier), "{:?} at {},{}", modifier, x, y);
            }
        }
        Ok(())
    }

    proptest! {
        /// The same for a slow line, whose frames go out in pieces and may be overtaken by newer ones:
        /// once it is quiet it shows the last one, in ASCII.
        #[test]
        fn a_slow_line_ends_up_with_the_last_frame(
            frames in proptest::collection::vec((frame(), 0_usize..4), 1..8),
            pace in 60_u32..2_000,
        ) {
            let Screenful { mut screen, written, mut terminal } = crate::terminal::tests::slow(24, 6, pace);
            let mut last = Buffer::empty(Rect::new(0, 0, 24, 6));
            let mut draw = |screen: &mut crate::terminal::Screen, pieces: &[(u16, u16, &'static str, Style)]| {
                screen.draw(|f| {
                    for (row, column, text, style) in pieces {
                        f.buffer_mut().set_string(*column, *row, text, *style);
                    }
                    last = f.buffer_mut().clone();
                }).unwrap();
            };
            for (pieces, more) in &frames {
                for _ in 0..=*more {
                    draw(&mut screen, pieces);
                }
            }
            let pieces = &frames.last().unwrap().0;
            for _ in 0..200 {
                if screen.behind() {
                    draw(&mut screen, pieces);
                }
            }
            prop_assert!(!screen.behind());
            for bytes in written.lock().unwrap().drain(..) {
                prop_assert!(bytes.is_ascii());
                terminal.process(&bytes);
            }
            let mut wide = false;
            for (i, cell) in last.content().iter().enumerate() {
                let (x, y) = last.pos_of(i);
                let shown = terminal.screen().cell(y, x).unwrap();
                let text = if shown.contents().is_empty() { " " } else { shown.contents() };
                let second = std::mem::take(&mut wide);
                wide = unicode_width::UnicodeWidthStr::width(cell.symbol()) > 1;
                let expected = if second || !cell.symbol().is_ascii() { "?" } else { cell.symbol() };
                prop_assert_eq!(text, expected, "at {},{}", x, y);
                if second {
                    continue;
                }
                prop_assert_eq!(shown.bgcolor(), vt(cell.bg), "ground at {},{}", x, y);
                prop_assert_eq!(shown.inverse(), cell.modifier.contains(Modifier::REVERSED));
                prop_assert_eq!(shown.underline(), cell.modifier.contains(Modifier::UNDERLINED));
                if text != " " || shown.inverse() || shown.underline() {
                    prop_assert_eq!(shown.fgcolor(), vt(cell.fg), "at {},{}", x, y);
                    prop_assert_eq!(shown.bold(), cell.modifier.contains(Modifier::BOLD));
                }
            }
        }
    }

    proptest! {
        /// Whatever is drawn, a terminal that gets our bytes shows the same cells.
        #[test]
        fn a_terminal_shows_what_was_drawn(frames in proptest::collection::vec(frame(), 1..6)) {
            let Screenful { mut screen, written, mut terminal } = screenful(24, 6);
            for pieces in frames {
                let mut expected = Buffer::empty(Rect::new(0, 0, 24, 6));
                screen.draw(|f| {
                    for (row, column, text, style) in &pieces {
                        f.buffer_mut().set_string(*column, *row, text, *style);
                    }
                    expected = f.buffer_mut().clone();
                }).unwrap();
                for bytes in written.lock().unwrap().drain(..) {
                    terminal.process(&bytes);
                }
                assert_shows(&terminal, &expected)?;
            }
        }
    }

    #[test]
    fn sixteen_colours_are_written_as_such() {
        let mut text = String::new();
        push_colour(&mut text, Color::Red, 30);
        push_colour(&mut text, Color::White, 40);
        push_colour(&mut text, Color::Reset, 30);
        push_colour(&mut text, Color::Indexed(17), 40);
        assert_eq!(text, "31;107;39;48;5;17;");
    }
}
