//! The bar at the bottom: what the keys do here, how the sources are, the clock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, Piece, columns};
use crate::theme::Token;

/// Columns between two hints.
const GAP: u16 = 2;

/// A key and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key.
    pub key: String,
    /// What it does.
    pub title: String,
    /// It stays when others have to go.
    pub keep: bool,
}

impl Hint {
    fn pieces(&self) -> [Piece<'_>; 3] {
        [
            Piece::new(self.key.as_str(), Token::Key),
            Piece::new(" ", Token::Status),
            Piece::new(self.title.as_str(), Token::KeyText),
        ]
    }
}

/// A source that is not well, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Its health.
    pub word: &'static str,
    /// What that means.
    pub token: Token,
}

/// The bar.
#[derive(Debug, Clone, Copy)]
pub struct StatusBar<'a> {
    /// Hints, the most useful first.
    pub hints: &'a [Hint],
    /// Sources that are not well.
    pub chips: &'a [Chip],
    /// How many sources there are.
    pub sources: usize,
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
        // Room for the way to all the rest is kept first; a hint that would be cut is left out.
        let mut kept: u16 = self.hints.iter().filter(|h| h.keep).map(|h| columns(&h.pieces()) + GAP).sum();
        for hint in self.hints {
            let pieces = hint.pieces();
            let wide = columns(&pieces);
            if hint.keep {
                kept -= wide + GAP;
            }
            let gap = if used > 0 { GAP } else { 0 };
            if used + gap + wide + kept <= room {
                paint.line(buf, (row.x + 1 + used + gap, row.y), wide, &pieces);
                used += gap + wide;
            }
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
        let chips = self.chips(room.saturating_sub(columns(&pieces) + clock + 2));
        let separate = !chips.is_empty() && !self.clock.is_empty();
        pieces.extend(chips);
        if separate {
            pieces.push(Piece::new("  ", Token::Status));
        }
        pieces.push(Piece::new(self.clock, Token::Status));
        pieces
    }
}

impl StatusBar<'_> {
    /// How many sources are well, and those that are not: by name where they fit, else how many of
    /// each health.
    fn chips(&self, room: u16) -> Vec<Piece<'_>> {
        if self.sources == 0 {
            return Vec::new();
        }
        let well = self.sources - self.chips.len().min(self.sources);
        let token = if self.chips.is_empty() { Token::Good } else { Token::Stale };
        let all = Piece::new(format!("{well}/{} up", self.sources), token);
        let mut named = vec![Piece::new("sources ", Token::Status), all.clone()];
        for chip in self.chips {
            named.push(Piece::new("  ", Token::Status));
            named.push(Piece::new(format!("{} {}", chip.name, chip.word), chip.token));
        }
        if columns(&named) <= room {
            return named;
        }
        let mut groups: Vec<(&str, Token, usize)> = Vec::new();
        for chip in self.chips {
            match groups.iter_mut().find(|(word, ..)| *word == chip.word) {
                Some((.., n)) => *n += 1,
                None => groups.push((chip.word, chip.token, 1)),
            }
        }
        let mut counted = vec![all];
        for (word, token, n) in groups {
            counted.push(Piece::new(", ", Token::Status));
            counted.push(Piece::new(format!("{n} {word}"), token));
        }
        let title = Piece::new("sources ", Token::Status);
        if columns(&counted) + columns(std::slice::from_ref(&title)) <= room {
            counted.insert(0, title);
        }
        counted
    }
}
