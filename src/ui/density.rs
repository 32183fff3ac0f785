//! How much a screen of a given size can carry.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, Piece};
use super::top_bar::counters;
use crate::theme::Token;

/// Least columns.
pub const MIN_WIDTH: u16 = 60;
/// Least rows.
pub const MIN_HEIGHT: u16 = 15;

/// How dense the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Density {
    /// Nothing fits but the counters and the size that is needed.
    TooSmall,
    /// A list, or a detail view, never both.
    Compact,
    /// A list with its detail view below.
    Normal,
    /// A list with its detail view beside it.
    Full,
}

impl Density {
    /// The density of a screen.
    #[must_use]
    pub const fn of(width: u16, height: u16) -> Self {
        if width < MIN_WIDTH || height < MIN_HEIGHT {
            Self::TooSmall
        } else if width >= 160 {
            Self::Full
        } else if height >= 28 {
            Self::Normal
        } else {
            Self::Compact
        }
    }
}

/// Draws the screen for terminals below [`MIN_WIDTH`] x [`MIN_HEIGHT`]: what is needed, and the
/// alarm counters, which are never hidden.
pub fn too_small(buf: &mut Buffer, area: Rect, active: [u32; 5], paint: &Paint<'_>) {
    paint.fill(buf, area, Token::Text);
    let size = format!("is {}x{}", area.width, area.height);
    let lines: [Vec<Piece<'_>>; 4] = [
        counters(active),
        vec![Piece::new(format!("noctule needs {MIN_WIDTH}x{MIN_HEIGHT}"), Token::Strong)],
        vec![Piece::plain(size)],
        vec![Piece::dim("q leaves")],
    ];
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        paint.line(buf, (area.x, y), area.width, line);
    }
}
