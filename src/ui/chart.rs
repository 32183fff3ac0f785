//! A chart over time, several lines high: filled columns over a zero line, with labels at its left,
//! times below it, and a line for a limit. Steps in which nothing was heard stay empty, and the
//! zero line has a sign of its own there.

use super::paint::{Piece, wide};
use super::spark::{EIGHTHS, columns};
use crate::theme::{Glyphs, Token};

/// Eighths of a cell where there is only ASCII.
const RAMP: [&str; 8] = [".", ".", ":", ":", "+", "+", "#", "#"];
/// Columns between two times below the chart.
const APART: usize = 1;

/// A chart.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// A value a step, oldest first; `None`: nothing is known.
    pub values: &'a [Option<f64>],
    /// Value at its upper edge; the lower one is zero.
    pub top: f64,
    /// A limit to be drawn as a line.
    pub limit: Option<f64>,
    /// Words for a value at the left edge.
    pub label: fn(f64) -> String,
    /// Times below it, evenly from its left to its right end.
    pub times: &'a [String],
    /// Lines of the columns, without zero line and times.
    pub height: u16,
    /// Columns of the screen, with the labels.
    pub width: u16,
    /// What the columns mean.
    pub token: Token,
}

impl Chart<'_> {
    /// Columns that are left for values, beside labels as wide as `label` makes them.
    #[must_use]
    pub fn room(width: u16) -> u16 {
        width.saturating_sub(GUTTER)
    }

    /// The lines of the chart, from the top.
    #[must_use]
    pub fn lines(&self, glyphs: &Glyphs) -> Vec<Vec<Piece<'static>>> {
        let room = usize::from(Self::room(self.width));
        if room == 0 || self.height == 0 {
            return Vec::new();
        }
        let cells = self.stretched(room);
        let mut lines: Vec<_> = (0..self.height).rev().map(|row| self.row(row, &cells, glyphs)).collect();
        lines.push(self.zero(&cells, glyphs));
        lines.push(self.below(room));
        lines
    }

    /// One value a column: shared by several where there are fewer columns, several times the same
    /// where there are more.
    fn stretched(&self, room: usize) -> Vec<Option<f64>> {
        let len = self.values.len();
        if len == 0 {
            return vec![None; room];
        }
        if len > room {
            return columns(self.values, room);
        }
        (0..room).map(|c| self.values.get(c * len / room).copied().flatten()).collect()
    }

    fn eighths(&self, value: f64) -> usize {
        let full = usize::from(self.height) * 8;
        if self.top <= 0.0 || value <= 0.0 {
            return 0;
        }
        // What is more than nothing is to be seen.
        ((value / self.top * full as f64).round() as usize).clamp(1, full)
    }

    fn row(&self, row: u16, cells: &[Option<f64>], glyphs: &Glyphs) -> Vec<Piece<'static>> {
        let words = if row + 1 == self.height {
            (self.label)(self.top)
        } else if self.height >= 5 && row + 1 == self.height.div_ceil(2) {
            (self.label)(self.top * f64::from(row + 1) / f64::from(self.height))
        } else {
            String::new()
        };
        let mut line = vec![Piece::dim(gutter(&words)), Piece::new(glyphs.vertical, Token::Border)];
        let limit = self.limit.filter(|l| *l > 0.0 && *l <= self.top).map(|l| {
            let row = (l / self.top * f64::from(self.height)).ceil() as u16;
            row.clamp(1, self.height) - 1
        });
        for cell in cells {
            let eighths = cell.map_or(0, |v| self.eighths(v)).saturating_sub(usize::from(row) * 8).min(8);
            let ramp = if glyphs.ascii { RAMP } else { EIGHTHS };
            let (sign, token) = match eighths.checked_sub(1).and_then(|e| ramp.get(e)) {
                Some(sign) => (*sign, self.token_of(*cell)),
                None if limit == Some(row) => (glyphs.horizontal, Token::Bad),
                None => (" ", Token::Text),
            };
            push(&mut line, sign, token);
        }
        line
    }

    fn token_of(&self, value: Option<f64>) -> Token {
        match (value, self.limit) {
            (Some(value), Some(limit)) if value >= limit => Token::Bad,
            _ => self.token,
        }
    }

    fn zero(&self, cells: &[Option<f64>], glyphs: &Glyphs) -> Vec<Piece<'static>> {
        let [.., corner, _] = glyphs.corners;
        let mut line = vec![Piece::dim(gutter(&(self.label)(0.0))), Piece::new(corner, Token::Border)];
        for cell in cells {
            match cell {
                Some(_) => push(&mut line, glyphs.horizontal, Token::Border),
                None => push(&mut line, if glyphs.ascii { "?" } else { glyphs.bullet }, Token::Busy),
            }
        }
        line
    }

    fn below(&self, room: usize) -> Vec<Piece<'static>> {
        let mut words = String::new();
        let last = self.times.len().saturating_sub(1);
        let mut used = 0;
        for (i, time) in self.times.iter().enumerate() {
            let wide = usize::from(wide(time));
            let middle = (room * i).checked_div(last).unwrap_or(0);
            let at = if i == last {
                room.saturating_sub(wide)
            } else {
                middle.saturating_sub(if i == 0 { 0 } else { wide / 2 })
            };
            if at < used || at + wide > room {
                continue;
            }
            words.push_str(&" ".repeat(at - used));
            words.push_str(time);
            used = at + wide + APART;
            words.push_str(&" ".repeat(APART));
        }
        vec![Piece::plain(" ".repeat(usize::from(GUTTER))), Piece::dim(words.trim_end().to_owned())]
    }
}

/// Columns of the labels, with the line behind them.
const GUTTER: u16 = 9;

fn gutter(words: &str) -> String {
    let width = usize::from(GUTTER) - 2;
    format!("{words:>width$.width$} ")
}

/// Adds a sign to the last run, or begins one.
fn push(line: &mut Vec<Piece<'static>>, sign: &'static str, token: Token) {
    match line.last_mut() {
        Some(last) if last.token == token => last.text.to_mut().push_str(sign),
        _ => line.push(Piece::new(sign, token)),
    }
}

/// A round number that values up to `most` fit under: 1, 2, 2.5 or 5 times a power of ten.
#[must_use]
pub fn round_top(most: f64) -> f64 {
    if !(most.is_finite() && most > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|f| f * power).find(|t| *t >= most).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(chart: &Chart<'_>, glyphs: &Glyphs) -> Vec<String> {
        chart.lines(glyphs).iter().map(|l| l.iter().map(|p| p.text.as_ref()).collect()).collect()
    }

    fn chart<'a>(values: &'a [Option<f64>], times: &'a [String]) -> Chart<'a> {
        Chart {
            values,
            top: 100.0,
            limit: Some(80.0),
            label: |v| format!("{v:.0} %"),
            times,
            height: 4,
            width: 9 + 8,
            token: Token::Text,
        }
    }

    #[test]
    fn gaps_stay_empty_and_are_told_from_zeros() {
        let values = [Some(0.0), Some(0.5), None, Some(50.0), Some(100.0), None, None, Some(25.0)];
        let times = ["-1 h".to_owned(), "now".to_owned()];
        assert_eq!(
            text(&chart(&values, &times), &Glyphs::ASCII),
            [
                "  100 % |----#---",
                "        |    #   ",
                "        |   ##   ",
                "        | . ##  #",
                "    0 % +--?--??-",
                "         -1 h now",
            ]
        );
        assert_eq!(
            text(&chart(&values, &times), &Glyphs::UNICODE).get(3).map(String::as_str),
            Some("        │ ▁ ██  █")
        );
    }

    #[test]
    fn columns_over_the_limit_have_another_token() {
        // The third line lies below that of the limit itself.
        let bad = |values: &[Option<f64>]| {
            let lines = chart(values, &[]).lines(&Glyphs::ASCII);
            lines.get(2).is_some_and(|line| line.iter().any(|p| p.token == Token::Bad))
        };
        assert!(bad(&[Some(90.0), Some(10.0)]));
        assert!(!bad(&[Some(70.0)]));
    }

    #[test]
    fn tops_are_round() {
        for (most, top) in [(0.0, 1.0), (0.7, 1.0), (1.1, 2.0), (23.0, 25.0), (450.0, 500.0), (5001.0, 10_000.0)] {
            assert!((round_top(most) - top).abs() < 1e-6, "{most}: {}", round_top(most));
        }
    }

    proptest::proptest! {
        #[test]
        fn every_line_fits(
            values in proptest::collection::vec(proptest::option::of(-1e9_f64..1e9), 0..200),
            top in -10_f64..1e9,
            (height, width) in (0_u16..12, 0_u16..90),
        ) {
            let times = ["12:00".to_owned(), "12:30".to_owned(), "13:00".to_owned()];
            let chart = Chart { values: &values, top, height, width, ..chart(&values, &times) };
            for line in text(&chart, &Glyphs::UNICODE) {
                proptest::prop_assert!(line.chars().count() <= usize::from(width));
            }
        }
    }
}
