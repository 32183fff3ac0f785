//! What a guest's characters and sequences do: the part of a VT220 with xterm's colours and modes that
//! programs on a serial line use, down to the line-drawing characters and the answers to questions.
//! What a guest has no business with (the clipboard, the size of our window, strings for other devices)
//! does nothing.

mod act;
mod charset;
mod colours;
mod redraw;
#[cfg(test)]
mod tests;

use super::Event;
use super::cell::{Marks, Pen};
use super::grid::{Grid, Row, Spot, columns_of};
use super::history::History;
use super::modes::Modes;
use charset::Charset;

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

/// Adds what stands on a screen to the scrollback. Rows of nothing but a colour at its end are no record of
/// anything: a guest that clears its screen again and again adds nothing.
fn keep(grid: &Grid, history: &mut History, marks: &Marks) {
    let used = grid.rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
    for row in grid.rows.iter().take(used) {
        history.push(row, marks);
    }
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

    /// Another size. Lines that no longer fit go up into the scrollback, and come back from there. The
    /// cursor stays in its line; what stands below it and does not fit any more is in the scrollback with
    /// the whole screen, as it was.
    pub(super) fn resize(&mut self, rows: u16, columns: u16) {
        self.main.widen(columns);
        self.other.widen(columns);
        self.tabs = every_eighth(columns);
        for (grid, keeps) in [(&mut self.main, true), (&mut self.other, false)] {
            let mut kept = !keeps;
            while grid.height() > rows {
                let below = grid.at.row + 1 < grid.height();
                let blank = grid.rows.back().is_some_and(Row::is_blank);
                if below && (blank || !keeps) {
                    grid.rows.pop_back();
                } else if grid.at.row == 0 {
                    // Nothing is above the cursor that could go up.
                    if !std::mem::replace(&mut kept, true) {
                        keep(grid, &mut self.history, &self.marks);
                    }
                    grid.rows.pop_back();
                } else if let Some(row) = grid.rows.pop_front() {
                    if keeps {
                        self.history.push(&row, &self.marks);
                    }
                    grid.at.row -= 1;
                }
            }
            // What it went on in may be gone.
            grid.end_line(rows.saturating_sub(1));
            while grid.height() < rows {
                let back = if keeps { self.history.pop(columns, &mut self.marks) } else { None };
                if let Some(row) = back {
                    grid.rows.push_front(row);
                    grid.at.row += 1;
                } else {
                    grid.rows.push_back(Row::new(columns));
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
        if !self.modes.alternate {
            keep(&self.main, &mut self.history, &self.marks);
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

    /// The last character again: a row of it at most. Programs fill rows with it; whoever sends more
    /// makes a few bytes as dear as a screenful.
    fn repeat(&mut self, count: u16) {
        let Some(c) = self.last else { return };
        let (count, width) = (count.min(self.grid().columns), columns_of(c).max(1));
        (0..count).for_each(|_| self.put(c, width));
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
        // As in xterm: what blanks the cell of the cursor up to the end of its row ends a pending wrap, what
        // blanks the row up to the cursor does not.
        grid.at.pending &= !matches!(what, 0 | 2);
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
        // As in xterm, which leaves it alone when the whole row is blanked.
        grid.at.pending &= what != 0;
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
}
