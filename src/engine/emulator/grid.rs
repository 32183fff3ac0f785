//! Rows of cells and what can be done to them. Every change keeps two promises: a character of two
//! columns is whole or gone, and what lies right of a row's used part is blank.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar;

use super::cell::{Pen, Slot};

/// Columns of a character: 0, 1 or 2.
pub(super) fn columns_of(c: char) -> u8 {
    match common(c) {
        0 => c.width().unwrap_or(0).min(2) as u8,
        columns => columns,
    }
}

/// The same for the letters and lines that most text is made of, without looking them up; 0 for others.
pub(super) const fn common(c: char) -> u8 {
    match c {
        // Latin, Greek and Cyrillic without the marks among them, punctuation, lines and blocks, U+FFFD.
        ' '..='~'
        | '\u{a0}'..='\u{ac}'
        | '\u{ae}'..='\u{2ff}'
        | '\u{391}'..='\u{481}'
        | '\u{2010}'..='\u{2027}'
        | '\u{2500}'..='\u{259f}'
        | '\u{fffd}' => 1,
        // Kana, unified ideographs, Hangul syllables.
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => 2,
        _ => 0,
    }
}

/// A row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    slots: Vec<Slot>,
    used: u16,
    /// Whether its text goes on in the next row because it was too long for this one.
    pub(super) wrapped: bool,
}

impl Row {
    /// A blank row.
    pub(super) fn new(columns: u16) -> Self {
        Self { slots: vec![Slot::BLANK; usize::from(columns)], used: 0, wrapped: false }
    }

    /// All cells.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The cells before the blank rest.
    pub(super) fn used(&self) -> &[Slot] {
        self.slots.get(..usize::from(self.used)).unwrap_or(&self.slots)
    }

    fn columns(&self) -> u16 {
        self.slots.len() as u16
    }

    /// Other cells from the first on; what is too much is left out.
    pub(super) fn replace(&mut self, slots: &[Slot]) {
        self.clear(Pen::PLAIN);
        for (to, from) in self.slots.iter_mut().zip(slots) {
            *to = *from;
        }
        self.used = slots.len().min(self.slots.len()) as u16;
        self.mend();
    }

    /// Blanks the row.
    pub(super) fn clear(&mut self, pen: Pen) {
        self.wrapped = false;
        if pen == Pen::PLAIN {
            if let Some(used) = self.slots.get_mut(..usize::from(self.used)) {
                used.fill(Slot::BLANK);
            }
            self.used = 0;
        } else {
            self.slots.fill(Slot::new(' ', pen));
            self.used = self.columns();
        }
    }

    /// Blanks the columns from `from` to before `to`.
    pub(super) fn erase(&mut self, from: u16, to: u16, pen: Pen) {
        let to = to.min(self.columns());
        if from >= to {
            return;
        }
        if to == self.columns() {
            self.wrapped = false;
        }
        self.split(from);
        self.split(to);
        if let Some(slots) = self.slots.get_mut(usize::from(from)..usize::from(to)) {
            slots.fill(Slot::new(' ', pen));
        }
        if pen != Pen::PLAIN {
            self.used = self.used.max(to);
        } else if to >= self.used {
            self.used = self.used.min(from);
        }
    }

    /// Writes ASCII at a column; the caller has seen to it that it fits.
    pub(super) fn write_ascii(&mut self, column: u16, run: &[u8], pen: Pen) {
        let end = column + run.len() as u16;
        if column < self.used {
            self.split(column);
            self.split(end);
        }
        if let Some(slots) = self.slots.get_mut(usize::from(column)..usize::from(end)) {
            let blank = Slot::new(' ', pen);
            for (slot, byte) in slots.iter_mut().zip(run) {
                *slot = Slot { ch: *byte as char, ..blank };
            }
        }
        self.used = self.used.max(end);
    }

    /// Writes a character of one or two columns; the caller has seen to it that it fits.
    pub(super) fn write(&mut self, column: u16, c: char, width: u8, pen: Pen) {
        let end = column + u16::from(width);
        if column < self.used {
            self.split(column);
            self.split(end);
        }
        if let Some(slot) = self.slots.get_mut(usize::from(column)) {
            *slot = Slot { width, ..Slot::new(c, pen) };
        }
        if width == 2
            && let Some(slot) = self.slots.get_mut(usize::from(column) + 1)
        {
            *slot = Slot { width: 0, ..Slot::new(' ', pen) };
        }
        self.used = self.used.max(end);
    }

    /// The cell of a column, the first half where it is the second.
    pub(super) fn at_mut(&mut self, column: u16) -> Option<&mut Slot> {
        let column = usize::from(column);
        let column = if self.slots.get(column)?.width == 0 { column.checked_sub(1)? } else { column };
        self.used = self.used.max(column as u16 + 1);
        self.slots.get_mut(column)
    }

    /// Moves what stands from a column on to the right, and blanks what is left behind.
    pub(super) fn insert(&mut self, column: u16, count: u16, pen: Pen) {
        let count = count.min(self.columns().saturating_sub(column));
        self.split(column);
        if let Some(slots) = self.slots.get_mut(usize::from(column)..) {
            slots.rotate_right(usize::from(count));
            if let Some(fresh) = slots.get_mut(..usize::from(count)) {
                fresh.fill(Slot::new(' ', pen));
            }
        }
        self.used = if pen == Pen::PLAIN && self.used <= column {
            self.used
        } else {
            self.used.max(column).saturating_add(count).min(self.columns())
        };
        self.wrapped = false;
        self.mend();
    }

    /// Takes cells out; what stands behind them moves to the left.
    pub(super) fn remove(&mut self, column: u16, count: u16, pen: Pen) {
        let columns = self.columns();
        let count = count.min(columns.saturating_sub(column));
        self.split(column);
        self.split(column + count);
        if let Some(slots) = self.slots.get_mut(usize::from(column)..) {
            slots.rotate_left(usize::from(count));
        }
        let end = columns - count;
        if let Some(fresh) = self.slots.get_mut(usize::from(end)..) {
            fresh.fill(Slot::new(' ', pen));
        }
        if pen != Pen::PLAIN {
            self.used = columns;
        }
        self.wrapped = false;
        self.mend();
    }

    /// Makes a character of two columns that lies across the left edge of a column blank.
    fn split(&mut self, column: u16) {
        let column = usize::from(column);
        if self.slots.get(column).is_some_and(|s| s.width == 0) {
            for at in [column.wrapping_sub(1), column] {
                if let Some(slot) = self.slots.get_mut(at) {
                    *slot = Slot::new(' ', slot.pen());
                }
            }
        }
    }

    /// Blanks halves without their other half.
    fn mend(&mut self) {
        let mut open = false;
        for slot in &mut self.slots {
            if slot.width == 0 && !open {
                *slot = Slot::new(' ', slot.pen());
            }
            open = slot.width == 2;
        }
        // A first half is alone at the end, or before something else.
        for at in 0..self.slots.len() {
            let next = self.slots.get(at + 1).map(|s| s.width);
            if let Some(slot) = self.slots.get_mut(at).filter(|s| s.width == 2 && next != Some(0)) {
                *slot = Slot::new(' ', slot.pen());
            }
        }
    }

    fn resize(&mut self, columns: u16) {
        self.slots.resize(usize::from(columns), Slot::BLANK);
        self.used = self.used.min(columns);
        self.wrapped = false;
        self.mend();
    }

    /// Whether nothing is to be seen in it.
    pub(super) fn is_blank(&self) -> bool {
        self.used().iter().all(|s| *s == Slot::BLANK)
    }

    /// Whether there is nothing to read in it, whatever its ground.
    pub(super) fn is_empty(&self) -> bool {
        self.used().iter().all(|s| s.ch == ' ')
    }

    /// Whether it keeps its promises; for tests.
    #[cfg(test)]
    pub(super) fn is_sound(&self, columns: u16) -> bool {
        let rest = self.slots.get(usize::from(self.used)..).unwrap();
        let pairs = self.slots.iter().enumerate().all(|(at, s)| match s.width {
            0 => at.checked_sub(1).and_then(|at| self.slots.get(at)).is_some_and(|s| s.width == 2),
            2 => self.slots.get(at + 1).is_some_and(|n| n.width == 0),
            _ => s.width == 1,
        });
        self.slots.len() == usize::from(columns) && rest.iter().all(|s| *s == Slot::BLANK) && pairs
    }
}

/// The cursor, and what is saved with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// Row from the top, from 0.
    pub(super) row: u16,
    /// Column from the left, from 0.
    pub(super) column: u16,
    /// The last column is written: the next character goes to the next row.
    pub(super) pending: bool,
}

/// A screenful of rows.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// The rows.
    pub(super) rows: VecDeque<Row>,
    /// Columns.
    pub(super) columns: u16,
    /// Cursor.
    pub(super) at: Spot,
    /// First row that scrolls.
    pub(super) top: u16,
    /// Last row that scrolls.
    pub(super) bottom: u16,
}

impl Grid {
    /// Blank.
    pub(super) fn new(rows: u16, columns: u16) -> Self {
        Self {
            rows: (0..rows).map(|_| Row::new(columns)).collect(),
            columns,
            at: Spot { row: 0, column: 0, pending: false },
            top: 0,
            bottom: rows.saturating_sub(1),
        }
    }

    /// Number of rows.
    pub(super) fn height(&self) -> u16 {
        self.rows.len() as u16
    }

    /// The row of the cursor.
    pub(super) fn line(&mut self) -> Option<&mut Row> {
        self.rows.get_mut(usize::from(self.at.row))
    }

    /// Puts the cursor somewhere, held inside.
    pub(super) fn go(&mut self, row: u16, column: u16) {
        self.at = Spot {
            row: row.min(self.height().saturating_sub(1)),
            column: column.min(self.columns.saturating_sub(1)),
            pending: false,
        };
    }

    /// Moves rows `from` to `to` up by `count`; blank ones follow.
    pub(super) fn up(&mut self, from: u16, to: u16, count: u16, pen: Pen) {
        if let Some(above) = from.checked_sub(1) {
            self.end_line(above);
        }
        let (from, to) = (usize::from(from), usize::from(to));
        if from > to || to >= self.rows.len() {
            return;
        }
        if count == 1 && from == 0 && to + 1 == self.rows.len() {
            if let Some(mut row) = self.rows.pop_front() {
                row.clear(pen);
                self.rows.push_back(row);
            }
            return;
        }
        let count = usize::from(count).min(to - from + 1);
        for row in self.rows.range_mut(from..from + count) {
            row.clear(pen);
        }
        if from == 0 && to + 1 == self.rows.len() {
            self.rows.rotate_left(count);
        } else if let Some(rows) = self.rows.make_contiguous().get_mut(from..=to) {
            rows.rotate_left(count);
        }
    }

    /// Moves rows `from` to `to` down by `count`; blank ones are above them.
    pub(super) fn down(&mut self, from: u16, to: u16, count: u16, pen: Pen) {
        let (from, to) = (usize::from(from), usize::from(to));
        if from > to || to >= self.rows.len() {
            return;
        }
        let count = usize::from(count).min(to - from + 1);
        for row in self.rows.range_mut(to + 1 - count..=to) {
            row.clear(pen);
        }
        if let Some(rows) = self.rows.make_contiguous().get_mut(from..=to) {
            rows.rotate_right(count);
        }
        // What goes on above the first one no longer does.
        for at in [from.checked_sub(1), Some(to)].into_iter().flatten() {
            self.end_line(at as u16);
        }
    }

    /// The text of a row no longer goes on in the next one: another comes there.
    pub(super) fn end_line(&mut self, row: u16) {
        if let Some(row) = self.rows.get_mut(usize::from(row)) {
            row.wrapped = false;
        }
    }

    /// Another number of columns.
    pub(super) fn widen(&mut self, columns: u16) {
        if columns != self.columns {
            self.rows.iter_mut().for_each(|row| row.resize(columns));
            self.columns = columns;
        }
        self.at.pending = false;
        self.at.column = self.at.column.min(columns.saturating_sub(1));
    }

    /// Every row may scroll.
    pub(super) fn unbind(&mut self) {
        (self.top, self.bottom) = (0, self.height().saturating_sub(1));
    }
}
