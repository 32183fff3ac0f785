//! The popup that tells how a chord can go on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, wide};
use crate::theme::Token;

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The next key.
    pub key: String,
    /// What it does, or the group it leads to.
    pub title: String,
}

/// Draws the popup above the bottom of `area`, in as many columns as fit.
pub fn render(buf: &mut Buffer, area: Rect, prefix: &str, ways: &[Continuation], paint: &Paint<'_>) {
    let widest = ways.iter().map(|w| wide(&w.key) + wide(&w.title) + 4).max().unwrap_or(10).clamp(10, 40);
    let columns = (area.width.saturating_sub(2) / widest).max(1);
    let rows = u16::try_from(ways.len()).unwrap_or(u16::MAX).div_ceil(columns).max(1);
    let height = (rows + 2).min(area.height);
    let at = Rect { y: area.bottom().saturating_sub(height), height, ..area };
    let inner = paint.boxed(buf, at, prefix, Token::Dialog, Token::Border);
    let base = paint.style(Token::Dialog);
    for (i, way) in ways.iter().enumerate() {
        let i = u16::try_from(i).unwrap_or(u16::MAX);
        let (x, y) = (inner.x + i / rows * widest, inner.y + i % rows);
        if y >= inner.bottom() || x >= inner.right() {
            continue;
        }
        let room = widest.min(inner.right() - x);
        let used = paint.put_styled(buf, (x, y), room, &way.key, base.patch(paint.style(Token::Key)));
        let room = room.saturating_sub(used + 2);
        paint.put_styled(buf, (x + used + 1, y), room, &way.title, base.patch(paint.style(Token::KeyText)));
    }
}
