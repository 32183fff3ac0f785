//! Which sequence does what.

use super::super::cell::Pen;
use super::super::grid::{columns_of, common};
use super::super::modes::Modes;
use super::super::parser::{Act, Csi};
use super::super::{Event, MOST_ANSWERS, MOST_EVENTS, MOST_TITLE};
use super::charset::Charset;
use super::{SAVED, Terminal};
use crate::model::text;

impl Terminal {
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
            25 => self.modes.cursor_hidden = !on,
            47 => self.alternate(on, false),
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

impl Act for Terminal {
    fn ascii(&mut self, run: &[u8]) {
        let set = self.sets.get(self.shift).copied().unwrap_or_default();
        if set != Charset::Ascii || self.modes.insert || !self.modes.wraps {
            for byte in run {
                self.put(set.char(*byte), 1);
            }
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
        let width = common(c);
        if width > 0 {
            self.put(c, width);
            return;
        }
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
            0x0d => {
                let at = &mut self.grid_mut().at;
                (at.column, at.pending) = (0, false);
            }
            0x0e => self.shift = 1,
            0x0f => self.shift = 0,
            _ => {}
        }
    }

    fn escape(&mut self, intermediate: u8, last: u8) {
        match (intermediate, last) {
            (0, b'7') => self.save(),
            (0, b'8') => self.restore(),
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
                        grid.end_line(bottom);
                        grid.up(row, bottom, count, pen);
                    }
                    grid.at.pending = false;
                }
            }
            (0, b'S') => {
                let grid = self.grid_mut();
                let (top, bottom) = (grid.top, grid.bottom);
                grid.end_line(bottom);
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
            (0, b'b') => self.repeat(count),
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
            // The size is told. The title is not: it would come back as if it had been typed.
            (0, b't') if csi.get(0, 0) == 18 => {
                let (rows, columns) = (self.grid().height(), self.grid().columns);
                self.answer(&format!("\x1b[8;{rows};{columns}t"));
            }
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
