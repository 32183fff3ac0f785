//! What a terminal shows and how it stands, as output that makes another one show the same: for who
//! comes later to a line that is shared.

use std::fmt::Write as _;

use super::super::cell::{Marks, Pen, Slot};
use super::super::grid::Grid;
use super::charset::Charset;
use super::{Terminal, every_eighth};
use crate::model::console::Attrs;

impl Terminal {
    /// The bytes. What cursors were saved is not in them, and which rows were wrapped.
    pub(in super::super) fn redraw(&self) -> String {
        let mut out = "\x1bc".to_owned();
        paint(&mut out, &self.main, &self.marks);
        if self.modes.alternate {
            go(&mut out, self.main.at.row, self.main.at.column);
            out.push_str("\x1b[?1049h");
            paint(&mut out, &self.other, &self.marks);
        }
        if self.tabs != every_eighth(self.grid().columns) {
            out.push_str("\x1b[3g");
            for (column, _) in (0_u16..).zip(&self.tabs).filter(|(_, stop)| **stop) {
                go(&mut out, 0, column);
                out.push_str("\x1bH");
            }
        }
        self.stand(&mut out);
        out
    }

    /// Modes, region, cursor, pen: in the order in which none undoes another.
    fn stand(&self, out: &mut String) {
        let (modes, grid) = (self.modes, self.grid());
        let _ = write!(out, "\x1b[{};{}r", grid.top + 1, grid.bottom + 1);
        let set = [
            (modes.application_cursor, 1),
            (modes.reverse, 5),
            (modes.origin, 6),
            (modes.cursor_hidden, 25),
            (modes.bracketed_paste, 2004),
        ];
        for (_, number) in set.iter().filter(|(on, _)| *on) {
            let _ = write!(out, "\x1b[?{number}{}", if *number == 25 { 'l' } else { 'h' });
        }
        let top = if modes.origin { grid.top } else { 0 };
        let row = grid.at.row.saturating_sub(top);
        go(out, row, grid.at.column);
        // Written again, the last character fills its row again.
        let slots = grid.rows.get(usize::from(grid.at.row)).map_or(&[][..], |row| row.slots());
        let last = slots.iter().rev().find(|slot| slot.width > 0);
        if let (true, Some(last)) = (grid.at.pending, last) {
            go(out, row, grid.at.column.saturating_sub(u16::from(last.width == 2)));
            pen(out, last.pen());
            put(out, *last, &self.marks);
        }
        if !modes.wraps {
            out.push_str("\x1b[?7l");
        }
        for (on, number) in [(modes.insert, 4), (modes.newline, 20)] {
            if on {
                let _ = write!(out, "\x1b[{number}h");
            }
        }
        for (sign, set) in ['(', ')'].iter().zip(self.sets) {
            let name = match set {
                Charset::Ascii => 'B',
                Charset::British => 'A',
                Charset::Graphics => '0',
            };
            let _ = write!(out, "\x1b{sign}{name}");
        }
        if self.shift == 1 {
            out.push('\x0e');
        }
        pen(out, self.pen);
    }
}

fn go(out: &mut String, row: u16, column: u16) {
    let _ = write!(out, "\x1b[{};{}H", row.saturating_add(1), column.saturating_add(1));
}

fn pen(out: &mut String, pen: Pen) {
    out.push_str("\x1b[0");
    let attrs = Attrs(pen.attrs);
    for (bit, number) in
        [(Attrs::BOLD, 1), (Attrs::DIM, 2), (Attrs::ITALIC, 3), (Attrs::UNDERLINE, 4), (Attrs::INVERSE, 7)]
    {
        if attrs.has(bit) {
            let _ = write!(out, ";{number}");
        }
    }
    for (base, paint) in [(38, pen.fg), (48, pen.bg)] {
        let [kind, r, g, b] = paint.0.to_be_bytes();
        let _ = match kind {
            0 => Ok(()),
            1 => write!(out, ";{base};5;{b}"),
            _ => write!(out, ";{base};2;{r};{g};{b}"),
        };
    }
    out.push('m');
}

fn put(out: &mut String, slot: Slot, marks: &Marks) {
    out.push(if slot.ch == '\0' { ' ' } else { slot.ch });
    out.push_str(marks.get(slot.marks).unwrap_or(""));
}

fn paint(out: &mut String, grid: &Grid, marks: &Marks) {
    let mut held = Pen::PLAIN;
    for (n, row) in (0_u16..).zip(&grid.rows) {
        if row.is_blank() {
            continue;
        }
        go(out, n, 0);
        for slot in row.used().iter().filter(|slot| slot.width > 0) {
            if slot.pen() != held {
                held = slot.pen();
                pen(out, held);
            }
            put(out, *slot, marks);
        }
    }
    if held != Pen::PLAIN {
        pen(out, Pen::PLAIN);
    }
}
