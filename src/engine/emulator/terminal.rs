//! What a guest's characters and sequences do: the part of a VT220 with xterm's colours and modes that
//! programs on a serial line use, down to the line-drawing characters and the answers to questions.
//! What a guest has no business with (the clipboard, the size of our window, strings for other devices)
//! does nothing.

use super::cell::{Marks, Paint, Pen};
use super::grid::{Grid, Spot, columns_of};
use super::history::History;
use super::modes::{Modes, Mouse};
use super::parser::{Act, Csi};
use super::{Event, MOST_ANSWERS, MOST_EVENTS, MOST_TITLE};
use crate::model::console::Attrs;
use crate::model::text;

/// A set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Charset {
    #[default]
    Ascii,
    /// British: a pound for the number sign.
    British,
    /// DEC's special graphics: lines.
    Graphics,
}

impl Charset {
    const fn of(last: u8) -> Self {
        match last {
            b'0' | b'2' => Self::Graphics,
            b'A' => Self::British,
            _ => Self::Ascii,
        }
    }

    /// What a byte means in it.
    fn char(self, byte: u8) -> char {
        /// From 0x5f on.
        const GRAPHICS: [char; 32] = [
            ' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽',
            '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
        ];
        match self {
            Self::Graphics if byte >= 0x5f => GRAPHICS.get(usize::from(byte - 0x5f)).copied().unwrap_or(byte as char),
            Self::British if byte == b'#' => '£',
            _ => byte as char,
        }
    }
}

/// What is saved with the cursor.
#[derive(Debug, Clone, Copy)]
struct Saved {
    at: Spot,
    pen: Pen,
    sets: [Charset; 2],
    shift: usize,
    origin: bool,
}

const SAVED: Saved = Saved {
    at: Spot { row: 0, column: 0, pending: false },
    pen: Pen::PLAIN,
    sets: [Charset::Ascii; 2],
    shift: 0,
    origin: false,
};

/// The terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    main: Grid,
    other: Grid,
    /// Lines above the screen.
    pub(super) history: History,
    /// Combining marks of the cells.
    pub(super) marks: Marks,
    /// What has been asked for.
    pub(super) modes: Modes,
    /// Answers for the guest.
    pub(super) answers: Vec<u8>,
    /// News.
    pub(super) events: Vec<Event>,
    pen: Pen,
    sets: [Charset; 2],
    shift: usize,
    tabs: Vec<bool>,
    saved: [Saved; 2],
    last: Option<char>,
}

fn every_eighth(columns: u16) -> Vec<bool> {
    (0..columns).map(|c| c % 8 == 0).collect()
}

impl Terminal {
    /// Blank.
    pub(super) fn new(rows: u16, columns: u16, history: History) -> Self {
        Self {
            main: Grid::new(rows, columns),
            other: Grid::new(rows, columns),
            history,
            marks: Marks::default(),
            modes: Modes::default(),
            answers: Vec::new(),
            events: Vec::new(),
            pen: Pen::PLAIN,
            sets: [Charset::Ascii; 2],
            shift: 0,
            tabs: every_eighth(columns),
            saved: [SAVED; 2],
            last: None,
        }
    }

    /// The screen in use.
    pub(super) const fn grid(&self) -> &Grid {
        if self.modes.alternate { &self.other } else { &self.main }
    }

    /// Both screens; for tests.
    #[cfg(test)]
    pub(super) const fn grids(&self) -> [&Grid; 2] {
        [&self.main, &self.other]
    }

    const fn grid_mut(&mut self) -> &mut Grid {
        if self.modes.alternate { &mut self.other } else { &mut self.main }
    }

    /// Another size. Lines that no longer fit go up into the scrollback, and come back from there.
    pub(super) fn resize(&mut self, rows: u16, columns: u16) {
        self.main.widen(columns);
        self.other.widen(columns);
        self.tabs = every_eighth(columns);
        for (grid, keeps) in [(&mut self.main, true), (&mut self.other, false)] {
            while grid.height() > rows {
                if grid.at.row + 1 < grid.height() {
                    grid.rows.pop_back();
                } else if let Some(row) = grid.rows.pop_front() {
                    if keeps {
                        self.history.push(&row, &self.marks);
                    }
                    grid.at.row = grid.at.row.saturating_sub(1);
                }
            }
            while grid.height() < rows {
                let back = if keeps { self.history.pop(columns, &mut self.marks) } else { None };
                if let Some(row) = back {
                    grid.rows.push_front(row);
                    grid.at.row += 1;
                } else {
                    grid.rows.push_back(super::grid::Row::new(columns));
                }
            }
            grid.unbind();
        }
        for saved in &mut self.saved {
            saved.at.row = saved.at.row.min(rows.saturating_sub(1));
            saved.at.column = saved.at.column.min(columns.saturating_sub(1));
        }
    }

    /// Everything as at the start; the scrollback stays, and what stood on the screen goes there.
    pub(super) fn reset(&mut self) {
        let (rows, columns) = (self.main.height(), self.main.columns);
        self.modes = Modes::default();
        self.keep_screen();
        self.main = Grid::new(rows, columns);
        self.other = Grid::new(rows, columns);
        self.pen = Pen::PLAIN;
        (self.sets, self.shift, self.last) = ([Charset::Ascii; 2], 0, None);
        self.tabs = every_eighth(columns);
        self.saved = [SAVED; 2];
    }

    /// Before the screen is blanked as a whole: what stands there goes into the scrollback, so that
    /// the panic of a kernel is not gone with the boot that follows it.
    fn keep_screen(&mut self) {
        if self.modes.alternate {
            return;
        }
        let used = self.main.rows.iter().rposition(|row| !row.is_blank()).map_or(0, |last| last + 1);
        for row in self.main.rows.iter().take(used) {
            self.history.push(row, &self.marks);
        }
    }

    fn scroll_up(&mut self, from: u16, count: u16) {
        let pen = self.pen.erased();
        if self.modes.alternate {
            let bottom = self.other.bottom;
            self.other.up(from, bottom, count, pen);
            return;
        }
        let bottom = self.main.bottom;
        if from == 0 {
            for row in self.main.rows.iter().take(usize::from(count.min(bottom + 1))) {
                self.history.push(row, &self.marks);
            }
        }
        self.main.up(from, bottom, count, pen);
    }

    /// Down one row; the region scrolls at its end.
    fn line_feed(&mut self) {
        let grid = self.grid_mut();
        grid.at.pending = false;
        if grid.at.row == grid.bottom {
            let top = grid.top;
            self.scroll_up(top, 1);
        } else if grid.at.row + 1 < grid.height() {
            grid.at.row += 1;
        }
    }

    /// Up one row; the region scrolls at its start.
    fn reverse_feed(&mut self) {
        let pen = self.pen.erased();
        let grid = self.grid_mut();
        grid.at.pending = false;
        if grid.at.row == grid.top {
            let (top, bottom) = (grid.top, grid.bottom);
            grid.down(top, bottom, 1, pen);
        } else {
            grid.at.row = grid.at.row.saturating_sub(1);
        }
    }

    /// Before a character is written: to the next row, where the last one filled its row.
    fn wrap(&mut self) {
        let grid = self.grid_mut();
        grid.at.pending = false;
        grid.at.column = 0;
        if let Some(row) = grid.line() {
            row.wrapped = true;
        }
        self.line_feed();
    }

    fn put(&mut self, c: char, width: u8) {
        let wide = u16::from(width);
        let columns = self.grid().columns;
        if wide > columns {
            return;
        }
        if self.grid().at.pending {
            self.wrap();
        }
        if self.grid().at.column + wide > columns {
            if self.modes.wraps {
                self.wrap();
            } else {
                self.grid_mut().at.column = columns - wide;
            }
        }
        let (pen, insert, wraps) = (self.pen, self.modes.insert, self.modes.wraps);
        let grid = self.grid_mut();
        let column = grid.at.column;
        if let Some(row) = grid.line() {
            if insert {
                row.insert(column, wide, pen.erased());
            }
            row.write(column, c, width, pen);
        }
        let end = column + wide;
        grid.at.pending = end >= columns && wraps;
        grid.at.column = end.min(columns - 1);
        self.last = Some(c);
    }

    fn tab(&mut self) {
        let from = usize::from(self.grid().at.column) + 1;
        let last = self.grid().columns - 1;
        let next = self.tabs.iter().skip(from).position(|stop| *stop).map_or(last, |n| (from + n) as u16);
        let grid = self.grid_mut();
        grid.at.column = next.min(last);
        grid.at.pending = false;
    }

    fn back_tab(&mut self) {
        let before = self.tabs.get(..usize::from(self.grid().at.column)).unwrap_or(&[]);
        let stop = before.iter().rposition(|stop| *stop).unwrap_or(0) as u16;
        let grid = self.grid_mut();
        grid.at.column = stop;
        grid.at.pending = false;
    }

    fn save(&mut self) {
        let saved =
            Saved { at: self.grid().at, pen: self.pen, sets: self.sets, shift: self.shift, origin: self.modes.origin };
        if let Some(slot) = self.saved.get_mut(usize::from(self.modes.alternate)) {
            *slot = saved;
        }
    }

    fn restore(&mut self) {
        let saved = self.saved.get(usize::from(self.modes.alternate)).copied().unwrap_or(SAVED);
        (self.pen, self.sets, self.shift, self.modes.origin) = (saved.pen, saved.sets, saved.shift, saved.origin);
        let grid = self.grid_mut();
        grid.go(saved.at.row, saved.at.column);
        grid.at.pending = saved.at.pending && grid.at.column + 1 == grid.columns;
    }

    fn alternate(&mut self, on: bool, clears: bool) {
        if on == self.modes.alternate {
            return;
        }
        let at = self.grid().at;
        self.modes.alternate = on;
        if on && clears {
            self.other.rows.iter_mut().for_each(|row| row.clear(Pen::PLAIN));
        }
        let grid = self.grid_mut();
        grid.unbind();
        grid.at = at;
    }

    fn erase_screen(&mut self, what: u16) {
        let pen = self.pen.erased();
        if what == 2 {
            self.keep_screen();
        }
        let grid = self.grid_mut();
        let (at, columns) = (grid.at, grid.columns);
        for (n, row) in grid.rows.iter_mut().enumerate() {
            let order = n.cmp(&usize::from(at.row));
            match (what, order) {
                (0, std::cmp::Ordering::Equal) => row.erase(at.column, columns, pen),
                (1, std::cmp::Ordering::Equal) => row.erase(0, at.column + 1, pen),
                (0, std::cmp::Ordering::Greater) | (1, std::cmp::Ordering::Less) | (2, _) => row.clear(pen),
                _ => {}
            }
        }
        // The third kind empties a terminal's scrollback. What a guest has printed is kept here: it is
        // the record of what it did.
    }

    fn erase_line(&mut self, what: u16) {
        let pen = self.pen.erased();
        let grid = self.grid_mut();
        let (column, columns) = (grid.at.column, grid.columns);
        let Some(row) = grid.line() else { return };
        match what {
            0 => row.erase(column, columns, pen),
            1 => row.erase(0, column + 1, pen),
            2 => row.erase(0, columns, pen),
            _ => {}
        }
    }

    /// Row and column as a guest counts, from 1 and from the top of the region in origin mode.
    fn place(&mut self, row: u16, column: u16) {
        let origin = self.modes.origin;
        let grid = self.grid_mut();
        let (first, last) = if origin { (grid.top, grid.bottom) } else { (0, u16::MAX) };
        grid.go(first.saturating_add(row - 1).min(last), column - 1);
    }

    /// Up or down, not out of the region when inside it.
    fn vertical(&mut self, by: i32) {
        let grid = self.grid_mut();
        let row = grid.at.row;
        let to = (i32::from(row) + by).clamp(0, i32::from(u16::MAX)) as u16;
        let to = match by {
            ..0 if row >= grid.top => to.max(grid.top),
            0.. if row <= grid.bottom => to.min(grid.bottom),
            _ => to,
        };
        let column = grid.at.column;
        grid.go(to, column);
    }

    fn horizontal(&mut self, column: u16) {
        let grid = self.grid_mut();
        let row = grid.at.row;
        grid.go(row, column);
    }

    fn colours(&mut self, csi: &Csi) {
        if csi.values().is_empty() {
            self.pen = Pen::PLAIN;
            return;
        }
        let values = csi.values();
        let mut at = 0;
        while let Some(value) = values.get(at) {
            let pen = &mut self.pen;
            match value {
                0 => *pen = Pen::PLAIN,
                1 => pen.attrs |= Attrs::BOLD,
                2 => pen.attrs |= Attrs::DIM,
                3 => pen.attrs |= Attrs::ITALIC,
                // `4:0` is none, `4:3` a curly one.
                4 if csi.is_joined(at + 1) && values.get(at + 1) == Some(&0) => pen.attrs &= !Attrs::UNDERLINE,
                4 | 21 => pen.attrs |= Attrs::UNDERLINE,
                7 => pen.attrs |= Attrs::INVERSE,
                22 => pen.attrs &= !(Attrs::BOLD | Attrs::DIM),
                23 => pen.attrs &= !Attrs::ITALIC,
                24 => pen.attrs &= !Attrs::UNDERLINE,
                27 => pen.attrs &= !Attrs::INVERSE,
                30..=37 => pen.fg = Paint::index((value - 30) as u8),
                39 => pen.fg = Paint::DEFAULT,
                40..=47 => pen.bg = Paint::index((value - 40) as u8),
                49 => pen.bg = Paint::DEFAULT,
                90..=97 => pen.fg = Paint::index((value - 82) as u8),
                100..=107 => pen.bg = Paint::index((value - 92) as u8),
                38 | 48 | 58 => {
                    let (paint, taken) = extended(csi, at);
                    match (value, paint) {
                        (38, Some(paint)) => pen.fg = paint,
                        (48, Some(paint)) => pen.bg = paint,
                        _ => {}
                    }
                    at += taken;
                }
                _ => {}
            }
            at += 1;
            while csi.is_joined(at) {
                at += 1;
            }
        }
    }

    fn answer(&mut self, text: &str) {
        if self.answers.len() + text.len() <= MOST_ANSWERS {
            self.answers.extend_from_slice(text.as_bytes());
        }
    }

    fn report(&mut self, csi: &Csi) {
        match (csi.private, csi.get(0, 0)) {
            (0, 5) => self.answer("\x1b[0n"),
            (private @ (0 | b'?'), 6) => {
                let grid = self.grid();
                let top = if self.modes.origin { grid.top } else { 0 };
                let (row, column) = (grid.at.row.saturating_sub(top) + 1, grid.at.column + 1);
                let sign = if private == 0 { "" } else { "?" };
                self.answer(&format!("\x1b[{sign}{row};{column}R"));
            }
            // No printer, no keys of the user's, an American keyboard.
            (b'?', 15) => self.answer("\x1b[?13n"),
            (b'?', 25) => self.answer("\x1b[?21n"),
            (b'?', 26) => self.answer("\x1b[?27;1;0;0n"),
            _ => {}
        }
    }

    fn mode(&mut self, private: bool, number: u16, on: bool) {
        if !private {
            match number {
                4 => self.modes.insert = on,
                20 => self.modes.newline = on,
                _ => {}
            }
            return;
        }
        match number {
            1 => self.modes.application_cursor = on,
            5 => self.modes.reverse = on,
            6 => {
                self.modes.origin = on;
                self.place(1, 1);
            }
            7 => self.modes.wraps = on,
            9 => self.mouse(Mouse::Press, on),
            25 => self.modes.cursor_hidden = !on,
            47 => self.alternate(on, false),
            66 => self.modes.application_keypad = on,
            1000 => self.mouse(Mouse::Click, on),
            1002 => self.mouse(Mouse::Drag, on),
            1003 => self.mouse(Mouse::Motion, on),
            1006 => self.modes.mouse_sgr = on,
            1047 => self.alternate(on, true),
            1048 => {
                if on {
                    self.save();
                } else {
                    self.restore();
                }
            }
            1049 => {
                if on {
                    self.save();
                    self.alternate(true, true);
                } else if self.modes.alternate {
                    self.alternate(false, false);
                    self.restore();
                }
            }
            2004 => self.modes.bracketed_paste = on,
            _ => {}
        }
    }

    fn mouse(&mut self, mouse: Mouse, on: bool) {
        self.modes.mouse = if on { mouse } else { Mouse::Off };
    }

    fn event(&mut self, event: Event) {
        if self.events.len() < MOST_EVENTS && self.events.last() != Some(&event) {
            self.events.push(event);
        }
    }

    fn private(&mut self, csi: &Csi, last: u8) {
        match (csi.private, csi.intermediate, last) {
            (b'?', 0, b'h' | b'l') => {
                for number in csi.values() {
                    self.mode(true, *number, last == b'h');
                }
            }
            (b'?', 0, b'J') => self.erase_screen(csi.get(0, 0)),
            (b'?', 0, b'K') => self.erase_line(csi.get(0, 0)),
            (b'?', 0, b'n') => self.report(csi),
            (b'?', b'$', b'p') => {
                let number = csi.get(0, 0);
                let state = self.modes.asked(true, number);
                self.answer(&format!("\x1b[?{number};{state}$y"));
            }
            (b'>', 0, b'c') => self.answer("\x1b[>1;10;0c"),
            _ => {}
        }
    }
}

/// The colour of `38`, `48` or `58` at parameter `at`, and how many more parameters belong to it.
fn extended(csi: &Csi, at: usize) -> (Option<Paint>, usize) {
    let value = |n: usize| csi.values().get(at + n).copied();
    let byte = |n: usize| value(n).and_then(|v| u8::try_from(v).ok());
    let joined = csi.is_joined(at + 1);
    let group = (1..).take_while(|n| csi.is_joined(at + n)).count();
    match value(1) {
        Some(5) => (byte(2).map(Paint::index), if joined { group } else { 2 }),
        Some(2) => {
            // With colons there may be a number of a colour space before the channels.
            let first = if joined && group >= 5 { 3 } else { 2 };
            let paint = match (byte(first), byte(first + 1), byte(first + 2)) {
                (Some(r), Some(g), Some(b)) => Some(Paint::rgb(r, g, b)),
                _ => None,
            };
            (paint, if joined { group } else { 4 })
        }
        _ => (None, group),
    }
}

impl Act for Terminal {
    fn ascii(&mut self, run: &[u8]) {
        let set = self.sets.get(self.shift).copied().unwrap_or_default();
        if set != Charset::Ascii || self.modes.insert || !self.modes.wraps {
            run.iter().for_each(|byte| self.put(set.char(*byte), 1));
            return;
        }
        let mut rest = run;
        while !rest.is_empty() {
            if self.grid().at.pending {
                self.wrap();
            }
            let pen = self.pen;
            let grid = self.grid_mut();
            let (column, columns) = (grid.at.column, grid.columns);
            let room = usize::from(columns.saturating_sub(column)).max(1);
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            if let Some(row) = grid.line() {
                row.write_ascii(column, now, pen);
            }
            let end = column + now.len() as u16;
            grid.at.pending = end >= columns;
            grid.at.column = end.min(columns - 1);
            rest = later;
        }
        self.last = run.last().map(|b| *b as char);
    }

    fn print(&mut self, c: char) {
        if c.is_control() || text::is_invisible(c) {
            return;
        }
        let width = columns_of(c);
        if width > 0 {
            self.put(c, width);
            return;
        }
        // A mark sits on the character before the cursor. What chooses another shape of it would also
        // change how wide terminals draw it, some of them.
        if matches!(c, '\u{fe00}'..='\u{fe0f}') {
            return;
        }
        let grid = if self.modes.alternate { &mut self.other } else { &mut self.main };
        let column = if grid.at.pending { grid.at.column } else { grid.at.column.wrapping_sub(1) };
        if text::is_mark(c)
            && let Some(slot) = grid.line().and_then(|row| row.at_mut(column))
        {
            slot.marks = self.marks.with(slot.marks, c);
        }
    }

    fn control(&mut self, byte: u8) {
        match byte {
            0x07 => self.event(Event::Bell),
            0x08 => {
                let column = self.grid().at.column.saturating_sub(1);
                self.horizontal(column);
            }
            0x09 => self.tab(),
            0x0a..=0x0c => {
                self.line_feed();
                if self.modes.newline {
                    self.horizontal(0);
                }
            }
            0x0d => self.horizontal(0),
            0x0e => self.shift = 1,
            0x0f => self.shift = 0,
            _ => {}
        }
    }

    fn escape(&mut self, intermediate: u8, last: u8) {
        match (intermediate, last) {
            (0, b'7') => self.save(),
            (0, b'8') => self.restore(),
            (0, b'=') => self.modes.application_keypad = true,
            (0, b'>') => self.modes.application_keypad = false,
            (0, b'D') => self.line_feed(),
            (0, b'E') => {
                self.line_feed();
                self.horizontal(0);
            }
            (0, b'H') => {
                let column = usize::from(self.grid().at.column);
                if let Some(stop) = self.tabs.get_mut(column) {
                    *stop = true;
                }
            }
            (0, b'M') => self.reverse_feed(),
            (0, b'Z') => self.answer("\x1b[?62;22c"),
            (0, b'c') => self.reset(),
            (b'(', set) => self.sets[0] = Charset::of(set),
            (b')', set) => self.sets[1] = Charset::of(set),
            (b'#', b'8') => {
                let grid = self.grid_mut();
                grid.unbind();
                grid.go(0, 0);
                let run = vec![b'E'; usize::from(grid.columns)];
                grid.rows.iter_mut().for_each(|row| row.write_ascii(0, &run, Pen::PLAIN));
            }
            _ => {}
        }
    }

    fn sequence(&mut self, csi: &Csi, last: u8) {
        if csi.private != 0 {
            self.private(csi, last);
            return;
        }
        let count = csi.get(0, 1);
        let pen = self.pen.erased();
        match (csi.intermediate, last) {
            (0, b'm') => self.colours(csi),
            (0, b'H' | b'f') => self.place(count, csi.get(1, 1)),
            (0, b'K') => self.erase_line(csi.get(0, 0)),
            (0, b'J') => self.erase_screen(csi.get(0, 0)),
            (0, b'A') => self.vertical(-i32::from(count)),
            (0, b'B' | b'e') => self.vertical(i32::from(count)),
            (0, b'C' | b'a') => self.horizontal(self.grid().at.column.saturating_add(count)),
            (0, b'D') => self.horizontal(self.grid().at.column.saturating_sub(count)),
            (0, b'E') => {
                self.vertical(i32::from(count));
                self.horizontal(0);
            }
            (0, b'F') => {
                self.vertical(-i32::from(count));
                self.horizontal(0);
            }
            (0, b'G' | b'`') => self.horizontal(count - 1),
            (0, b'I') => (0..count.min(self.grid().columns)).for_each(|_| self.tab()),
            (0, b'Z') => (0..count.min(self.grid().columns)).for_each(|_| self.back_tab()),
            (0, b'd') => {
                let column = self.grid().at.column;
                self.place(count, column + 1);
            }
            (0, b'@' | b'P' | b'X') => {
                let grid = self.grid_mut();
                grid.at.pending = false;
                let column = grid.at.column;
                let Some(row) = grid.line() else { return };
                match last {
                    b'@' => row.insert(column, count, pen),
                    b'P' => row.remove(column, count, pen),
                    _ => row.erase(column, column.saturating_add(count), pen),
                }
            }
            (0, b'L' | b'M') => {
                let grid = self.grid_mut();
                let (row, bottom) = (grid.at.row, grid.bottom);
                if (grid.top..=bottom).contains(&row) {
                    if last == b'L' {
                        grid.down(row, bottom, count, pen);
                    } else {
                        grid.up(row, bottom, count, pen);
                    }
                    grid.at.pending = false;
                }
            }
            (0, b'S') => {
                let top = self.grid().top;
                self.scroll_up(top, count);
            }
            (0, b'T') => {
                let grid = self.grid_mut();
                let (top, bottom) = (grid.top, grid.bottom);
                grid.down(top, bottom, count, pen);
            }
            (0, b'r') => {
                let grid = self.grid_mut();
                let bottom = csi.get(1, grid.height()).min(grid.height());
                if count < bottom {
                    (grid.top, grid.bottom) = (count - 1, bottom - 1);
                    self.place(1, 1);
                }
            }
            (0, b'b') => {
                let most = usize::from(self.grid().columns) * usize::from(self.grid().height());
                if let Some(c) = self.last {
                    (0..usize::from(count).min(most)).for_each(|_| self.put(c, columns_of(c).max(1)));
                }
            }
            (0, b'g') => match csi.get(0, 0) {
                0 => {
                    let column = usize::from(self.grid().at.column);
                    if let Some(stop) = self.tabs.get_mut(column) {
                        *stop = false;
                    }
                }
                3 => self.tabs.fill(false),
                _ => {}
            },
            (0, b'h' | b'l') => {
                for number in csi.values() {
                    self.mode(false, *number, last == b'h');
                }
            }
            (0, b'n') => self.report(csi),
            (0, b'c') if csi.get(0, 0) == 0 => self.answer("\x1b[?62;22c"),
            (0, b's') => self.save(),
            (0, b'u') => self.restore(),
            (0, b't') => match csi.get(0, 0) {
                8 => self.event(Event::SizeAsked { rows: csi.get(1, 0), columns: csi.get(2, 0) }),
                // The title is never told: it would come back as if it had been typed.
                18 => {
                    let (rows, columns) = (self.grid().height(), self.grid().columns);
                    self.answer(&format!("\x1b[8;{rows};{columns}t"));
                }
                _ => {}
            },
            (b'$', b'p') => {
                let number = csi.get(0, 0);
                let state = self.modes.asked(false, number);
                self.answer(&format!("\x1b[{number};{state}$y"));
            }
            (b'!', b'p') => {
                let alternate = self.modes.alternate;
                self.modes = Modes { alternate, ..Modes::default() };
                self.pen = Pen::PLAIN;
                (self.sets, self.shift) = ([Charset::Ascii; 2], 0);
                self.saved = [SAVED; 2];
                self.grid_mut().unbind();
            }
            _ => {}
        }
    }

    fn command(&mut self, bytes: &[u8]) {
        let command = String::from_utf8_lossy(bytes);
        if let Some(("0" | "2", title)) = command.split_once(';') {
            let title: String = text::clean(title).chars().take(MOST_TITLE).collect();
            self.event(Event::Title(title));
        }
    }
}
