//! The bar at the top: panes with their number keys, severity counters, what is hidden, the
//! read-only sign, the profile, and where we are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, Piece, columns};
use crate::model::severity::Severity;
use crate::model::text::grouped;
use crate::theme::Token;

/// A pane in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tab {
    /// Its number key.
    pub digit: char,
    /// Its title.
    pub title: &'static str,
    /// It is shown.
    pub active: bool,
}

/// The bar.
#[derive(Debug, Clone, Copy)]
pub struct TopBar<'a> {
    /// Panes.
    pub tabs: &'a [Tab],
    /// Words after the pane's title: filter, place.
    pub crumbs: &'a [String],
    /// Active alarms by severity rank.
    pub active: [u32; 5],
    /// Shelved, suppressed by design, out of service.
    pub hidden: [u32; 3],
    /// The profile refuses changes.
    pub read_only: bool,
    /// The cache cannot be written.
    pub unsaved: bool,
    /// Another noctule owns the cache; its process id.
    pub attached: Option<u32>,
    /// That one cannot be spoken to.
    pub cut_off: bool,
    /// Profile.
    pub profile: &'a str,
}

/// The severity counters, the worst first: `C 12 M 40 m 3 W 9 . 0`.
#[must_use]
pub fn counters(active: [u32; 5]) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for severity in Severity::WORST_FIRST {
        let n = active.get(usize::from(severity.rank())).copied().unwrap_or(0);
        let token = if n == 0 { Token::Bar } else { Token::severity(severity) };
        if !pieces.is_empty() {
            pieces.push(Piece::new(" ", Token::Bar));
        }
        pieces.push(Piece::new(format!("{} {}", severity.letter(), grouped(n.into())), token));
    }
    pieces
}

/// What stands before the panes.
const NAME: &str = "noctule ";

fn tab_text(tab: Tab) -> String {
    format!(" {} {} ", tab.digit, tab.title)
}

impl TopBar<'_> {
    /// Rows the bar takes on a screen of a width: one where all fits, else two.
    #[must_use]
    pub const fn height(width: u16) -> u16 {
        if width >= 150 { 1 } else { 2 }
    }

    /// The tab that a column of the first row belongs to.
    #[must_use]
    pub fn tab_at(tabs: &[Tab], column: u16) -> Option<usize> {
        let mut x = columns(&[Piece::plain(NAME)]) + 1;
        tabs.iter().position(|tab| {
            let from = x;
            x += columns(&[Piece::plain(tab_text(*tab))]);
            (from..x).contains(&column)
        })
    }

    /// Draws the bar.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        paint.fill(buf, area, Token::Bar);
        let row = Rect { height: 1, ..area };
        let (tabs, rights) = (self.tabs(), self.rights());
        let used = paint.line(buf, (row.x + 1, row.y), row.width.saturating_sub(1), &tabs) + 1;
        if area.height > 1 {
            paint.line_right(buf, (row.x + used + 1, row.y), row.width.saturating_sub(used + 2), &rights);
            let second = Rect { y: area.y + 1, height: 1, ..area };
            let numbers = self.numbers(second.width >= 100);
            let wide = columns(&numbers);
            paint.line_right(buf, (second.x, second.y), second.width.saturating_sub(1), &numbers);
            paint.line(buf, (second.x + 1, second.y), second.width.saturating_sub(wide + 3), &self.place(paint));
            return;
        }
        let mut right = self.numbers(row.width >= 180);
        right.push(Piece::new("  ", Token::Bar));
        right.extend(rights);
        let wide = columns(&right);
        paint.line_right(buf, (row.x, row.y), row.width.saturating_sub(1), &right);
        let room = row.width.saturating_sub(used + wide + 4);
        paint.line(buf, (row.x + used + 2, row.y), room, &self.place(paint));
    }

    fn tabs(&self) -> Vec<Piece<'_>> {
        let mut pieces = vec![Piece::new(NAME, Token::Title)];
        for tab in self.tabs {
            let token = if tab.active { Token::BarActive } else { Token::Bar };
            pieces.push(Piece::new(tab_text(*tab), token));
        }
        pieces
    }

    fn place(&self, paint: &Paint<'_>) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for crumb in self.crumbs {
            if !pieces.is_empty() {
                pieces.push(Piece::new(format!(" {} ", paint.glyphs.crumb), Token::Bar));
            }
            pieces.push(Piece::new(crumb.as_str(), Token::Bar));
        }
        pieces
    }

    /// The counters, with what is hidden in full words or in the short ones of the state column.
    fn numbers(&self, full: bool) -> Vec<Piece<'static>> {
        let mut pieces = counters(self.active);
        pieces.push(Piece::new("  ", Token::Bar));
        let words = if full { ["shelved", "suppressed", "out of service"] } else { ["shlvd", "dsupr", "oosrv"] };
        let hidden: Vec<String> =
            words.iter().zip(self.hidden).map(|(w, n)| format!("{w} {}", grouped(n.into()))).collect();
        pieces.push(Piece::new(hidden.join(" "), Token::Bar));
        pieces
    }

    fn rights(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        if self.unsaved {
            pieces.push(Piece::new("NOT SAVED", Token::InputError));
            pieces.push(Piece::new(" ", Token::Bar));
        }
        if let Some(pid) = self.attached {
            let (words, token) =
                if self.cut_off { ("CUT OFF from", Token::ReadOnly) } else { ("attached to", Token::Bar) };
            pieces.push(Piece::new(format!("{words} {pid}"), token));
            pieces.push(Piece::new(" ", Token::Bar));
        }
        if self.read_only {
            pieces.push(Piece::new("READ-ONLY", Token::ReadOnly));
            pieces.push(Piece::new(" ", Token::Bar));
        }
        pieces.push(Piece::new(self.profile, Token::Bar));
        pieces
    }
}
