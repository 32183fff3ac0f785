//! The screen of a machine in text mode: 80x25 cells with the colours of a VGA card, and as much of a
//! Linux console as its shell needs.

use crate::model::console::{Cell as ScreenCell, Cursor, Ink, Screen};

/// Columns and rows.
pub(crate) const COLUMNS: usize = 80;
pub(crate) const ROWS: usize = 25;

/// A cell: character and attribute (low four bits the colour of the text, then three of the ground).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) ch: char,
    pub(crate) attribute: u8,
}

const BLANK: Cell = Cell { ch: ' ', attribute: 0x07 };

/// Order of the colours of a terminal in a VGA palette.
const COLOURS: [u8; 8] = [0, 4, 2, 6, 1, 5, 3, 7];

/// What it shows.
#[derive(Debug, Clone)]
pub(crate) struct Vga {
    pub(crate) cells: Vec<Cell>,
    pub(crate) row: usize,
    pub(crate) column: usize,
    /// Rises with every change.
    pub(crate) version: u64,
    attribute: u8,
    sequence: Option<Vec<u8>>,
    part: Vec<u8>,
}

impl Default for Vga {
    fn default() -> Self {
        Self {
            cells: vec![BLANK; COLUMNS * ROWS],
            row: 0,
            column: 0,
            version: 0,
            attribute: 0x07,
            sequence: None,
            part: Vec::new(),
        }
    }
}

impl Vga {
    /// As after power on; whoever looks sees the change.
    pub(crate) fn reset(&mut self) {
        *self = Self { version: self.version + 1, ..Self::default() };
    }

    /// The same for whoever draws it.
    pub(crate) fn screen(&self) -> Screen {
        let ink = |n: u8| {
            // Of the four bits of a VGA colour, blue and red are the other way round for a terminal.
            let swapped = n & 0x0a | (n & 1) << 2 | (n & 4) >> 2;
            Ink::Index(swapped)
        };
        let cells = self.cells.iter().map(|cell| ScreenCell {
            ch: cell.ch,
            fg: ink(cell.attribute & 0x0f),
            bg: ink(cell.attribute >> 4 & 0x07),
            ..ScreenCell::default()
        });
        let cursor = Cursor { row: self.row as u16, column: self.column.min(COLUMNS - 1) as u16 };
        Screen {
            rows: ROWS as u16,
            columns: COLUMNS as u16,
            cells: cells.collect(),
            cursor: Some(cursor),
            ..Screen::default()
        }
    }

    /// Takes what is printed.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.version += 1;
        }
        for byte in bytes {
            self.byte(*byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(mut sequence) = self.sequence.take() {
            sequence.push(byte);
            let begun = sequence.first() == Some(&b'[') && (sequence.len() == 1 || !(0x40..0x7f).contains(&byte));
            if begun && sequence.len() < 32 {
                self.sequence = Some(sequence);
            } else {
                self.control(&sequence);
            }
            return;
        }
        match byte {
            0x1b => self.sequence = Some(Vec::new()),
            b'\r' => self.column = 0,
            b'\n' => self.down(),
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => self.column = ((self.column / 8 + 1) * 8).min(COLUMNS - 1),
            0x20..=0x7e => self.put(char::from(byte)),
            0x80.. => {
                self.part.push(byte);
                if let Ok(text) = std::str::from_utf8(&self.part) {
                    let text = text.to_owned();
                    self.part.clear();
                    text.chars().for_each(|c| self.put(c));
                } else if self.part.len() > 3 {
                    self.part.clear();
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, ch: char) {
        if self.column >= COLUMNS {
            self.column = 0;
            self.down();
        }
        let attribute = self.attribute;
        if let Some(cell) = self.cells.get_mut(self.row * COLUMNS + self.column) {
            *cell = Cell { ch, attribute };
        }
        self.column += 1;
    }

    fn down(&mut self) {
        if self.row + 1 < ROWS {
            self.row += 1;
            return;
        }
        self.cells.copy_within(COLUMNS.., 0);
        self.blank((ROWS - 1) * COLUMNS, ROWS * COLUMNS);
    }

    fn blank(&mut self, from: usize, to: usize) {
        let blank = Cell { ch: ' ', attribute: self.attribute & 0x70 | 0x07 };
        for cell in self.cells.iter_mut().take(to).skip(from) {
            *cell = blank;
        }
    }

    fn control(&mut self, sequence: &[u8]) {
        let (Some(b'['), Some(last)) = (sequence.first(), sequence.last()) else { return };
        let body = sequence.get(1..sequence.len() - 1).unwrap_or(&[]);
        let body = String::from_utf8_lossy(body);
        let numbers: Vec<usize> = body.split(';').map(|n| n.parse().unwrap_or(0)).collect();
        let first = numbers.first().copied().unwrap_or(0);
        let one = first.max(1);
        let here = self.row * COLUMNS + self.column.min(COLUMNS - 1);
        match last {
            b'A' => self.row = self.row.saturating_sub(one),
            b'B' => self.row = (self.row + one).min(ROWS - 1),
            b'C' => self.column = (self.column + one).min(COLUMNS - 1),
            b'D' => self.column = self.column.saturating_sub(one),
            b'H' | b'f' => {
                self.row = one.min(ROWS) - 1;
                self.column = numbers.get(1).copied().unwrap_or(1).clamp(1, COLUMNS) - 1;
            }
            b'J' => match first {
                0 => self.blank(here, ROWS * COLUMNS),
                1 => self.blank(0, here + 1),
                _ => self.blank(0, ROWS * COLUMNS),
            },
            b'K' => match first {
                0 => self.blank(here, (self.row + 1) * COLUMNS),
                1 => self.blank(self.row * COLUMNS, here + 1),
                _ => self.blank(self.row * COLUMNS, (self.row + 1) * COLUMNS),
            },
            b'm' => numbers.iter().for_each(|n| self.colour(*n)),
            _ => {}
        }
    }

    fn colour(&mut self, n: usize) {
        let pick = |at: usize| COLOURS.get(at).copied().unwrap_or(7);
        match n {
            0 => self.attribute = 0x07,
            1 => self.attribute |= 0x08,
            7 => self.attribute = 0x70,
            22 => self.attribute &= !0x08,
            30..=37 => self.attribute = self.attribute & 0xf8 | pick(n - 30),
            39 => self.attribute = self.attribute & 0xf8 | 7,
            40..=47 => self.attribute = self.attribute & 0x8f | pick(n - 40) << 4,
            49 => self.attribute &= 0x8f,
            _ => {}
        }
    }

    /// The text of a row.
    #[cfg(test)]
    pub(crate) fn line(&self, row: usize) -> String {
        let cells = self.cells.iter().skip(row * COLUMNS).take(COLUMNS);
        cells.map(|c| c.ch).collect::<String>().trim_end().to_owned()
    }
}
