//! A terminal for a serial line, without a screen and without a clock: bytes of a guest go in; what it
//! shows, its scrollback, and the answers to its questions come out. Nothing that a guest prints
//! passes through: a [`Screen`] holds printable characters and nothing else.
//!
//! It is our own and not a crate's because a wall of consoles has to hold what guests print in a
//! burst: `yes` and a kernel's log at more than 50 MB/s, thousands of lines of scrollback in little
//! memory, bounds on everything a guest can make grow, and the line drawing of the terminals that a
//! serial `getty` announces (`vt220`). The crate `vt100` is what it is tested and measured against.
#![deny(clippy::indexing_slicing)]

pub mod cast;
mod cell;
mod grid;
mod history;
pub mod keys;
mod modes;
mod parser;
pub mod redact;
mod search;
mod terminal;
#[cfg(test)]
mod tests;
mod view;

pub use modes::Modes;
pub use view::View;

use crate::model::console::{Attrs, Cell, Cursor, Screen};

use history::History;
use parser::Parser;
use terminal::Terminal;

/// Rows of a screen at most.
pub const MOST_ROWS: u16 = 500;
/// Columns of a screen at most.
pub const MOST_COLUMNS: u16 = 1000;

/// Characters of a title at most.
const MOST_TITLE: usize = 200;
/// News that wait to be taken, at most; later ones are left out.
const MOST_EVENTS: usize = 64;
/// Bytes of answers to one piece of output, at most; later ones are left out.
const MOST_ANSWERS: usize = 4096;

/// How large a terminal is, and how much it remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows, 1 to [`MOST_ROWS`].
    pub rows: u16,
    /// Columns, 1 to [`MOST_COLUMNS`].
    pub columns: u16,
    /// Lines of scrollback.
    pub lines: u32,
    /// Bytes that these lines may take, packed: one for a character and a few for a change of colour.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 24, columns: 80, lines: 10_000, bytes: 4 << 20 }
    }
}

/// News of a guest that are not on its screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The bell.
    Bell,
    /// Another title, safe to draw; empty for none.
    Title(String),
}

/// A terminal.
#[derive(Debug)]
pub struct Emulator {
    parser: Parser,
    terminal: Terminal,
    generation: u64,
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Emulator {
    /// A blank terminal. Sizes beyond the bounds are brought within them.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (rows, columns) = (limits.rows.clamp(1, MOST_ROWS), limits.columns.clamp(1, MOST_COLUMNS));
        let history = History::new(limits.lines, limits.bytes);
        Self { parser: Parser::new(), terminal: Terminal::new(rows, columns, history), generation: 0 }
    }

    /// Takes output of the guest, cut anywhere. Returns what has to be sent back to it: answers to
    /// questions about the terminal, nearly always nothing.
    #[must_use = "the guest waits for these bytes"]
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !bytes.is_empty() {
            self.parser.feed(bytes, &mut self.terminal);
            self.generation += 1;
        }
        std::mem::take(&mut self.terminal.answers)
    }

    /// Changes the size; brought within bounds. A guest on a serial line is not told: see
    /// [`crate::model::stty`].
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let (rows, columns) = (rows.clamp(1, MOST_ROWS), columns.clamp(1, MOST_COLUMNS));
        if self.size() != (rows, columns) {
            self.terminal.resize(rows, columns);
            self.generation += 1;
        }
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let grid = self.terminal.grid();
        (grid.height(), grid.columns)
    }

    /// Everything as at the start, for a guest that has left its terminal in a mess. The scrollback
    /// stays; what stood on the screen goes there.
    pub fn reset(&mut self) {
        self.parser = Parser::new();
        self.terminal.reset();
        self.generation += 1;
    }

    /// Modes that the guest has set: what keys and pastes send depends on them.
    #[must_use]
    pub const fn modes(&self) -> Modes {
        self.terminal.modes
    }

    /// News since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.terminal.events)
    }

    /// Grows with everything that may have changed what is shown.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Output that makes another terminal of this size show the same and stand the same; what it showed
    /// before goes up into its scrollback. `None` while a sequence or a character is cut: what completes
    /// it would be read as something else.
    #[must_use]
    pub fn redraw(&self) -> Option<Vec<u8>> {
        self.parser.at_rest().then(|| self.terminal.redraw().into_bytes())
    }

    /// Lines above the screen that can be scrolled to.
    #[must_use]
    pub fn above(&self) -> u32 {
        u32::try_from(self.next() - self.first()).unwrap_or(u32::MAX)
    }

    /// Bytes that the scrollback takes.
    #[must_use]
    pub const fn scrollback_bytes(&self) -> usize {
        self.terminal.history.bytes()
    }

    /// The number of the first line that is still known.
    pub(crate) fn first(&self) -> u64 {
        self.terminal.history.first()
    }

    /// The number of the first row of the screen.
    pub(crate) const fn next(&self) -> u64 {
        self.terminal.history.next()
    }

    /// What is shown when scrolled up by so many lines, at most [`Emulator::above`]. For a view that
    /// holds still while output comes, and is made only when something changed, see [`View`].
    #[must_use]
    pub fn screen(&self, scrolled: u32) -> Screen {
        let scrolled = scrolled.min(self.above());
        let (grid, history) = (self.terminal.grid(), &self.terminal.history);
        let (rows, columns) = (grid.height(), grid.columns);
        let top = self.next() - u64::from(scrolled);
        let mut cells = Vec::with_capacity(usize::from(rows) * usize::from(columns));
        for number in top..top + u64::from(rows) {
            let end = cells.len() + usize::from(columns);
            if let Some(row) = self.grid_row(number) {
                cells.extend(
                    row.slots().iter().map(|slot| slot.cell(self.terminal.marks.get(slot.marks).map(Into::into))),
                );
            } else if let Some(line) = history.line(number) {
                line.each(|piece| piece.cells(end, &mut cells));
            }
            cells.resize(end, Cell { ch: ' ', ..Cell::default() });
        }
        if self.terminal.modes.reverse {
            for cell in &mut cells {
                cell.attrs.0 ^= Attrs::INVERSE;
            }
        }
        let row = u32::from(grid.at.row) + scrolled;
        let shown = !self.terminal.modes.cursor_hidden && row < u32::from(rows);
        let cursor = shown.then_some(Cursor { row: row as u16, column: grid.at.column });
        Screen { rows, columns, cells, cursor, above: self.above(), scrolled, top }
    }

    /// A row of the screen by the number of its line.
    fn grid_row(&self, number: u64) -> Option<&grid::Row> {
        let at = usize::try_from(number.checked_sub(self.next())?).ok()?;
        self.terminal.grid().rows.get(at)
    }
}

impl history::Piece<'_> {
    /// Adds its cells, where they fit before `end` cells.
    fn cells(self, end: usize, cells: &mut Vec<Cell>) {
        if cells.len() + usize::from(self.width) > end {
            return;
        }
        let slot = cell::Slot { width: self.width, ..cell::Slot::new(self.ch, self.pen) };
        cells.push(slot.cell((!self.marks.is_empty()).then(|| self.marks.into())));
        if self.width == 2 {
            cells.push(cell::Slot { width: 0, ..cell::Slot::new(' ', self.pen) }.cell(None));
        }
    }
}
