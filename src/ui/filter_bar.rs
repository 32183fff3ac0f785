//! The line a filter is typed into: the error stands under the character it is about.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Paint;
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
    /// Rows the bar takes.
    pub const HEIGHT: u16 = 2;

    /// Draws the bar; returns the cell of the cursor.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        paint.fill(buf, area, Token::Input);
        let label = paint.put(buf, (area.x, area.y), area.width, self.label, Token::Key);
        let field = Rect { x: area.x + label, width: area.width.saturating_sub(label), height: 1, ..area };
        let input = TextInput {
            text: self.text,
            cursor: Some(self.cursor),
            ghost: self.ghost,
            error: self.fault.map(|f| f.at..f.at + f.len.max(1)),
            secret: false,
        };
        let cursor = input.render(buf, field, paint);
        if area.height > 1 {
            let row = Rect { y: area.y + 1, height: 1, ..area };
            self.second_row(buf, row, field, &input, paint);
        }
        cursor
    }

    fn second_row(&self, buf: &mut Buffer, row: Rect, field: Rect, input: &TextInput<'_>, paint: &Paint<'_>) {
        let Some(fault) = self.fault else {
            paint.put(buf, (row.x, row.y), row.width, self.hint, Token::Ghost);
            return;
        };
        let first = input.first_shown(field.width);
        let before: String = self.text.chars().skip(first).take(fault.at.saturating_sub(first)).collect();
        let x = field.x.saturating_add(super::paint::wide(&before)).min(row.right().saturating_sub(1));
        let sign = format!("{} {}", paint.glyphs.up, fault.message);
        let wide = super::paint::wide(&sign).min(row.width);
        // The words go to the side of the sign that has more room for them.
        let (left, right) = (x.saturating_sub(row.x + 1), row.right().saturating_sub(x));
        if wide <= right || right >= left {
            paint.put(buf, (x, row.y), right, &sign, Token::InputError);
        } else {
            paint.put(buf, (x, row.y), 1, paint.glyphs.up, Token::InputError);
            let words = paint.clip(fault.message, left).into_owned();
            let start = x.saturating_sub(super::paint::wide(&words) + 1).max(row.x);
            paint.put(buf, (start, row.y), left, &words, Token::InputError);
        }
    }
}
