//! Short messages in the lower right corner.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, wide, wrap};
use crate::theme::Token;

/// A message.
#[derive(Debug, Clone, Copy)]
pub struct Toast<'a> {
    /// One of the toast tokens.
    pub token: Token,
    /// Says the same as the token where there are no colours; may be empty.
    pub sign: &'a str,
    /// What.
    pub text: &'a str,
}

/// Draws the messages above the bottom of `area`, the newest lowest, at most a third of its height.
pub fn render(buf: &mut Buffer, area: Rect, toasts: &[Toast<'_>], paint: &Paint<'_>) {
    let room = (area.height / 3).max(1);
    let mut bottom = area.bottom();
    for toast in toasts.iter().rev() {
        let widest = area.width.saturating_sub(4).min(70);
        let text = if toast.sign.is_empty() { toast.text.to_owned() } else { format!("{} {}", toast.sign, toast.text) };
        let lines = wrap(&text, widest);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        if area.bottom() - bottom + height > room && bottom != area.bottom() {
            return;
        }
        let height = height.min(room);
        let width = lines.iter().map(|l| wide(l)).max().unwrap_or(0).saturating_add(2);
        bottom -= height;
        let at = Rect { x: area.right().saturating_sub(width + 1).max(area.x), y: bottom, width, height };
        paint.fill(buf, at, toast.token);
        for (y, line) in (at.y..at.bottom()).zip(&lines) {
            paint.put(buf, (at.x + 1, y), at.width.saturating_sub(1), line, toast.token);
        }
    }
}
