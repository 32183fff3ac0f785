//! Text of a console: searching it, copying from it, taking all of it. A line that was too long for the
//! screen is one line here, however many rows it took.

use super::Emulator;
use crate::model::console::{Found, Place, Screen, Selection};

/// Rows of one line that are joined for drawing, at most: a guest that never ends a line must not make
/// every frame as long as its output.
const MOST_JOINED: u64 = 64;

/// A character of a line, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Spot {
    ch: char,
    place: Place,
    /// The last column of its cell.
    last: u16,
}

/// What is looked for.
#[derive(Debug)]
struct Wanted {
    chars: Vec<char>,
    exact: bool,
}

impl Wanted {
    /// Without capital letters it matches both cases.
    fn new(text: &str) -> Self {
        let exact = text.chars().any(char::is_uppercase);
        Self { chars: text.chars().collect(), exact }
    }

    fn same(&self, wanted: char, ch: char) -> bool {
        wanted == ch || (!self.exact && (wanted.eq_ignore_ascii_case(&ch) || lower(ch) == lower(wanted)))
    }

    /// All places in a line, from left to right, none over another.
    fn all(&self, line: &[Spot]) -> Vec<Found> {
        let mut out = Vec::new();
        let mut rest = line;
        while rest.len() >= self.chars.len() && !self.chars.is_empty() {
            let hit = rest.iter().zip(&self.chars).all(|(spot, wanted)| self.same(*wanted, spot.ch));
            let step = if hit { self.chars.len() } else { 1 };
            let (head, after) = rest.split_at_checked(step).unwrap_or((rest, &[]));
            if let (true, Some(first), Some(last)) = (hit, head.first(), head.last()) {
                out.push(Found { from: first.place, to: Place { column: last.last, ..last.place } });
            }
            rest = after;
        }
        out
    }
}

fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

impl Emulator {
    fn end(&self) -> u64 {
        self.next() + u64::from(self.size().0)
    }

    fn wraps(&self, number: u64) -> bool {
        match self.grid_row(number) {
            Some(row) => row.wrapped,
            None => self.terminal.history.line(number).is_some_and(super::history::Packed::wrapped),
        }
    }

    /// The row that a line begins in which goes over row `number`.
    fn begin(&self, mut number: u64, most: u64) -> u64 {
        let least = self.first().max(number.saturating_sub(most));
        while number > least && self.wraps(number - 1) {
            number -= 1;
        }
        number
    }

    /// Adds the characters of a row, and says how many columns it has that are not blank.
    fn spots(&self, number: u64, out: &mut Vec<Spot>) {
        let mut column = 0_u16;
        let mut push = |ch, width: u8| {
            let place = Place { line: number, column };
            column = column.saturating_add(u16::from(width));
            out.push(Spot { ch, place, last: column.saturating_sub(1) });
        };
        if let Some(row) = self.grid_row(number) {
            row.used().iter().filter(|s| s.width > 0).for_each(|s| push(s.ch, s.width));
        } else if let Some(line) = self.terminal.history.line(number) {
            line.each(|piece| push(piece.ch, piece.width));
        }
    }

    /// The line that begins at row `number`, and the row after it.
    fn joined(&self, number: u64, most: u64) -> (Vec<Spot>, u64) {
        let mut spots = Vec::new();
        let mut at = number;
        loop {
            self.spots(at, &mut spots);
            at += 1;
            if at >= self.end() || at - number > most || !self.wraps(at - 1) {
                return (spots, at);
            }
        }
    }

    /// The next place of a text after `from`, or the last one before it; from the end or the beginning
    /// where there is no `from`. Both cases match unless the text has a capital letter. It does not go
    /// round: at the end it finds nothing.
    #[must_use]
    pub fn search(&self, text: &str, from: Option<Place>, backwards: bool) -> Option<Found> {
        let wanted = Wanted::new(text);
        if wanted.chars.is_empty() {
            return None;
        }
        let (first, end) = (self.first(), self.end());
        if backwards {
            let from = from.unwrap_or(Place { line: end, column: 0 });
            let mut at = self.begin(from.line.clamp(first, end - 1), u64::MAX);
            loop {
                let (spots, _) = self.joined(at, u64::MAX);
                if let Some(found) = wanted.all(&spots).into_iter().rfind(|found| found.from < from) {
                    return Some(found);
                }
                if at <= first {
                    return None;
                }
                at = self.begin(at - 1, u64::MAX);
            }
        }
        let mut at = from.map_or(first, |from| self.begin(from.line.clamp(first, end - 1), u64::MAX));
        while at < end {
            let (spots, after) = self.joined(at, u64::MAX);
            let later = |found: &Found| from.is_none_or(|from| found.from > from);
            if let Some(found) = wanted.all(&spots).into_iter().find(later) {
                return Some(found);
            }
            at = after;
        }
        None
    }

    /// All places of a text in what a screen shows, for drawing.
    #[must_use]
    pub fn found_on(&self, screen: &Screen, text: &str) -> Vec<Found> {
        let wanted = Wanted::new(text);
        let bottom = (screen.top + u64::from(screen.rows)).min(self.end());
        let mut at = self.begin(screen.top.max(self.first()), MOST_JOINED);
        let mut out = Vec::new();
        while at < bottom {
            let (spots, after) = self.joined(at, 2 * MOST_JOINED + u64::from(screen.rows));
            out.extend(wanted.all(&spots).into_iter().filter(|f| f.to.line >= screen.top && f.from.line < bottom));
            at = after;
        }
        out
    }

    /// The text of a selection: lines without blanks at their ends, a line feed between them; a line
    /// that was wrapped comes as one.
    #[must_use]
    pub fn copy(&self, selection: &Selection) -> String {
        let from = selection.from.min(selection.to).line.max(self.first());
        let to = selection.from.max(selection.to).line.min(self.end().saturating_sub(1));
        let mut out = String::new();
        for number in from..=to {
            if number > from && !self.wraps(number - 1) {
                out.push('\n');
            }
            if let Some((first, last)) = selection.columns(number, u16::MAX) {
                self.text(number, first, last, number < to && self.wraps(number), &mut out);
            }
        }
        out
    }

    /// Everything: the scrollback and the screen.
    #[must_use]
    pub fn contents(&self) -> String {
        let place = |line, column| Place { line, column };
        let all = Selection { from: place(self.first(), 0), to: place(self.end() - 1, u16::MAX) };
        let mut out = self.copy(&all);
        out.truncate(out.trim_end_matches('\n').len());
        out
    }

    /// Adds the text of a row from column to column, both in it, without blanks at its end unless it
    /// goes on in the next row.
    fn text(&self, number: u64, first: u16, last: u16, goes_on: bool, out: &mut String) {
        let start = out.len();
        let mut column = 0_u16;
        let mut push = |ch: char, width: u8, marks: &str| {
            let end = column.saturating_add(u16::from(width).saturating_sub(1));
            if column <= last && end >= first {
                out.push(ch);
                out.push_str(marks);
            }
            column = end.saturating_add(1);
        };
        if let Some(row) = self.grid_row(number) {
            for slot in row.used().iter().filter(|s| s.width > 0) {
                push(slot.ch, slot.width, self.terminal.marks.get(slot.marks).unwrap_or(""));
            }
        } else if let Some(line) = self.terminal.history.line(number) {
            line.each(|piece| push(piece.ch, piece.width, piece.marks));
        }
        if !goes_on {
            let kept = out.get(start..).map_or(0, |text| text.trim_end_matches(' ').len());
            out.truncate(start + kept);
        }
    }
}
