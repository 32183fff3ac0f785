//! The line a filter is typed into: the error stands under the character it is about.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, wide, wrap};
use super::text_input::TextInput;
use crate::theme::Token;

/// What is wrong: place and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Character index.
    pub at: usize,
    /// How many characters are meant.
    pub len: usize,
    /// What is wrong and what would be right.
    pub message: &'a str,
}

/// The filter line.
#[derive(Debug, Clone, Copy)]
pub struct FilterBar<'a> {
    /// What is typed (`filter`, `command`).
    pub label: &'a str,
    /// The text.
    pub text: &'a str,
    /// Cursor, in characters.
    pub cursor: usize,
    /// Completion shown behind the text.
    pub ghost: &'a str,
    /// What is wrong with it.
    pub fault: Option<Fault<'a>>,
    /// Help shown in the second row while nothing is wrong.
    pub hint: &'a str,
}

impl FilterBar<'_> {
    /// Rows the bar takes on a screen of a width: more for a fault whose words fit on neither side of
    /// the sign that points at it.
    #[must_use]
    pub fn height(&self, width: u16) -> u16 {
        let Some(fault) = self.fault else { return 2 };
        let (x, words) = (self.sign_at(width, fault), wide(fault.message));
        if x + 2 + words <= width || words < x {
            return 2;
        }
        2 + u16::try_from(wrap(fault.message, width).len()).unwrap_or(1).min(3)
    }

    /// Where the sign of a fault stands.
    fn sign_at(&self, width: u16, fault: Fault<'_>) -> u16 {
        let label = wide(self.label).min(width);
        let first = self.input().first_shown(width - label);
        let before: String = self.text.chars().skip(first).take(fault.at.saturating_sub(first)).collect();
        label.saturating_add(wide(&before)).min(width.saturating_sub(1))
    }

    fn input(&self) -> TextInput<'_> {
        TextInput {
            text: self.text,
            cursor: Some(self.cursor),
            ghost: self.ghost,
            error: self.fault.map(|f| f.at..f.at + f.len.max(1)),
            secret: false,
        }
    }

    /// Draws the bar; returns the cell of the cursor.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        paint.fill(buf, area, Token::Input);
        let label = paint.put(buf, (area.x, area.y), area.width, self.label, Token::Key);
        let field = Rect { x: area.x + label, width: area.width.saturating_sub(label), height: 1, ..area };
        let cursor = self.input().render(buf, field, paint);
        if area.height > 1 {
            self.below(buf, Rect { y: area.y + 1, height: area.height - 1, ..area }, paint);
        }
        cursor
    }

    fn below(&self, buf: &mut Buffer, row: Rect, paint: &Paint<'_>) {
        let Some(fault) = self.fault else {
            paint.put(buf, (row.x, row.y), row.width, self.hint, Token::Ghost);
            return;
        };
        let (x, words) = (self.sign_at(row.width, fault), wide(fault.message));
        paint.put(buf, (row.x + x, row.y), 1, paint.glyphs.up, Token::InputError);
        if x + 2 + words <= row.width {
            paint.put(buf, (row.x + x + 2, row.y), words, fault.message, Token::InputError);
        } else if words < x {
            paint.put(buf, (row.x + x - words - 1, row.y), words, fault.message, Token::InputError);
        } else {
            for (y, line) in (row.y + 1..row.bottom()).zip(wrap(fault.message, row.width)) {
                paint.put(buf, (row.x, y), row.width, &line, Token::InputError);
            }
        }
    }
}
