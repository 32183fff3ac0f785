//! The bar at the bottom: what the keys do here, how the sources are, the clock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, Piece, columns};
use crate::theme::Token;

/// A key and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key.
    pub key: String,
    /// What it does.
    pub title: String,
}

/// The health of a source in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Its health.
    pub word: String,
    /// What that means.
    pub token: Token,
}

/// The bar.
#[derive(Debug, Clone, Copy)]
pub struct StatusBar<'a> {
    /// Hints, the most useful first.
    pub hints: &'a [Hint],
    /// Sources.
    pub chips: &'a [Chip],
    /// Keys of an unfinished chord.
    pub pending: &'a str,
    /// Something that goes on: `exporting 1 200 of 3 400`.
    pub progress: &'a str,
    /// The clock; empty when it is not shown.
    pub clock: &'a str,
}

impl StatusBar<'_> {
    /// Draws the bar into the first row of `area`.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        let row = Rect { height: area.height.min(1), ..area };
        paint.fill(buf, row, Token::Status);
        let right = self.right(row.width / 2);
        let wide = columns(&right);
        paint.line_right(buf, (row.x, row.y), row.width.saturating_sub(1), &right);
        let room = row.width.saturating_sub(wide + 3);
        let mut used = 0;
        for hint in self.hints {
            let pieces = [
                Piece::new(hint.key.as_str(), Token::Key),
                Piece::new(" ", Token::Status),
                Piece::new(hint.title.as_str(), Token::KeyText),
                Piece::new("  ", Token::Status),
            ];
            // A hint that would be cut is left out.
            if used + columns(&pieces) > room + 2 {
                break;
            }
            used += paint.line(buf, (row.x + 1 + used, row.y), room.saturating_sub(used), &pieces);
        }
    }

    fn right(&self, room: u16) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for (words, token) in [(self.pending, Token::Key), (self.progress, Token::Busy)] {
            if !words.is_empty() {
                pieces.push(Piece::new(words, token));
                pieces.push(Piece::new("  ", Token::Status));
            }
        }
        let clock = super::paint::wide(self.clock);
        let chips = chips(self.chips, room.saturating_sub(columns(&pieces) + clock + 2));
        let separate = !chips.is_empty() && !self.clock.is_empty();
        pieces.extend(chips);
        if separate {
            pieces.push(Piece::new("  ", Token::Status));
        }
        pieces.push(Piece::new(self.clock, Token::Status));
        pieces
    }
}

/// The sources by name where they fit, else how many there are of each health.
fn chips(chips: &[Chip], room: u16) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for chip in chips {
        if !pieces.is_empty() {
            pieces.push(Piece::new("  ", Token::Status));
        }
        pieces.push(Piece::new(format!("{} {}", chip.name, chip.word), chip.token));
    }
    if columns(&pieces) <= room {
        return pieces;
    }
    let mut groups: Vec<(&str, Token, usize)> = Vec::new();
    for chip in chips {
        match groups.iter_mut().find(|(word, ..)| *word == chip.word) {
            Some((.., n)) => *n += 1,
            None => groups.push((&chip.word, chip.token, 1)),
        }
    }
    let mut pieces = vec![Piece::new(if chips.len() == 1 { "source" } else { "sources" }, Token::Status)];
    for (word, token, n) in groups {
        pieces.push(Piece::new(" ", Token::Status));
        pieces.push(Piece::new(format!("{n} {word}"), token));
    }
    pieces
}
