//! A searchable list over the screen: the command palette, and every choice with many answers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fuzzy::Hit;
use super::paint::{Paint, popup, wide};
use super::text_input::TextInput;
use crate::theme::Token;

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// What it does; the letters matched are marked in it.
    pub title: String,
    /// One sentence more.
    pub detail: String,
    /// Its keys.
    pub keys: String,
    /// Why it cannot run now.
    pub disabled: Option<String>,
}

/// The palette.
#[derive(Debug, Clone, Copy)]
pub struct Palette<'a> {
    /// Title of the box.
    pub title: &'a str,
    /// What is typed, with the cursor in characters.
    pub text: &'a str,
    /// Cursor, in characters.
    pub cursor: usize,
    /// What to type, while nothing is.
    pub hint: &'a str,
    /// All entries.
    pub entries: &'a [Entry],
    /// Those that match, the best first; [`super::fuzzy::rank`] over the titles.
    pub hits: &'a [Hit],
    /// Which hit is under the cursor.
    pub selected: usize,
}

impl Palette<'_> {
    /// Draws the palette over the middle of the screen; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let rows = u16::try_from(self.hits.len()).unwrap_or(u16::MAX).clamp(1, 18);
        let area = popup(screen, 90, rows.saturating_add(3));
        let inner = paint.boxed(buf, area, self.title, Token::Dialog, Token::BorderFocus);
        let marker = paint.put(buf, (inner.x, inner.y), inner.width, "> ", Token::Key);
        let field = Rect {
            x: inner.x + marker,
            width: inner.width.saturating_sub(marker),
            height: 1.min(inner.height),
            ..inner
        };
        let ghost = if self.text.is_empty() { self.hint } else { "" };
        let cursor = TextInput { text: self.text, cursor: Some(self.cursor), ghost, ..TextInput::default() }
            .render(buf, field, paint);
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        if self.hits.is_empty() {
            paint.put(buf, (list.x, list.y), list.width, "nothing matches", Token::Dim);
        }
        let first = first_row(self.selected, usize::from(list.height));
        for (line, (place, hit)) in (list.y..list.bottom()).zip(self.hits.iter().enumerate().skip(first)) {
            if let Some(entry) = self.entries.get(hit.index) {
                draw_entry(
                    buf,
                    Rect { y: line, height: 1, ..list },
                    paint,
                    entry,
                    &hit.matched,
                    place == self.selected,
                );
            }
        }
        cursor
    }
}

/// The first of the rows drawn, so that `selected` is among `height` of them.
#[must_use]
pub fn first_row(selected: usize, height: usize) -> usize {
    selected.saturating_sub(height.saturating_sub(1))
}

fn draw_entry(buf: &mut Buffer, row: Rect, paint: &Paint<'_>, entry: &Entry, matched: &[u32], selected: bool) {
    if selected {
        paint.fill(buf, row, Token::Cursor);
    }
    let base = paint.style(if selected { Token::Cursor } else { Token::Dialog });
    let over = |token: Token| base.patch(paint.style(token));
    let sign = if selected { paint.glyphs.cursor } else { " " };
    paint.put_styled(buf, (row.x, row.y), 1, sign, base);
    let keys = wide(&entry.keys).min(row.width / 3);
    let mut x = row.x + 2;
    let end = row.right().saturating_sub(keys + 2);
    for (i, c) in entry.title.chars().enumerate() {
        if x >= end {
            break;
        }
        let hit = u32::try_from(i).is_ok_and(|i| matched.binary_search(&i).is_ok());
        let style = match (hit, entry.disabled.is_some()) {
            (true, _) => over(Token::Match),
            (false, true) => over(Token::Dim),
            (false, false) => base,
        };
        x += paint.put_styled(buf, (x, row.y), end - x, c.encode_utf8(&mut [0; 4]), style);
    }
    let (detail, token) = match &entry.disabled {
        Some(reason) => (format!("not now: {reason}"), Token::Off),
        None => (entry.detail.clone(), Token::Dim),
    };
    paint.put_styled(buf, (x + 2, row.y), end.saturating_sub(x + 2), &detail, over(token));
    paint.put_styled(buf, (row.right().saturating_sub(keys + 1), row.y), keys, &entry.keys, over(Token::Key));
}
