//! A question with a fixed set of answers. Up to nine can be picked by their number; typing
//! searches them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fuzzy::Hit;
use super::paint::{Paint, popup, wide};
use super::palette::first_row;
use super::text_input::TextInput;
use crate::theme::Token;

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Choose<'a> {
    /// What is asked.
    pub title: &'a str,
    /// The answers, in words.
    pub items: &'a [String],
    /// Those that match what is typed; [`super::fuzzy::rank`].
    pub hits: &'a [Hit],
    /// What is typed.
    pub text: &'a str,
    /// What the keys do, shown while nothing is typed.
    pub hint: &'a str,
    /// Cursor in it, in characters.
    pub cursor: usize,
    /// Which hit is under the cursor.
    pub selected: usize,
}

impl Choose<'_> {
    /// Draws the question; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let widest = self.items.iter().map(|i| wide(i)).max().unwrap_or(0);
        let width = widest.max(wide(self.title)).saturating_add(10).clamp(wide(self.hint).saturating_add(4), 100);
        let rows = u16::try_from(self.items.len()).unwrap_or(u16::MAX).clamp(1, 24);
        let area = popup(screen, width, rows.saturating_add(3));
        let inner = paint.boxed(buf, area, self.title, Token::Dialog, Token::BorderFocus);
        let field = Rect { height: 1.min(inner.height), ..inner };
        let ghost = if self.text.is_empty() { self.hint } else { "" };
        let cursor = TextInput { text: self.text, cursor: Some(self.cursor), ghost, ..TextInput::default() }
            .render(buf, field, paint);
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let first = first_row(self.selected, usize::from(list.height));
        for (y, (place, hit)) in (list.y..list.bottom()).zip(self.hits.iter().enumerate().skip(first)) {
            let Some(item) = self.items.get(hit.index) else { continue };
            let selected = place == self.selected;
            let row = Rect { y, height: 1, ..list };
            if selected {
                paint.fill(buf, row, Token::Cursor);
            }
            let base = paint.style(if selected { Token::Cursor } else { Token::Dialog });
            paint.put_styled(buf, (row.x, y), 1, if selected { paint.glyphs.cursor } else { " " }, base);
            if self.text.is_empty() && hit.index < 9 {
                let number = (hit.index + 1).to_string();
                paint.put_styled(buf, (row.x + 2, y), 1, &number, base.patch(paint.style(Token::Key)));
            }
            paint.put_styled(buf, (row.x + 4, y), row.width.saturating_sub(4), item, base);
        }
        cursor
    }
}
