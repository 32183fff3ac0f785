//! The brush all widgets draw with: tokens instead of colours, glyphs instead of characters, and
//! no way around the sanitiser.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::text;
use crate::theme::{Glyphs, Theme, Token};

/// A run of text with one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text, as it came.
    pub text: Cow<'a, str>,
    /// What it means.
    pub token: Token,
}

impl<'a> Piece<'a> {
    /// A run of text.
    pub fn new(text: impl Into<Cow<'a, str>>, token: Token) -> Self {
        Self { text: text.into(), token }
    }

    /// Ordinary text.
    pub fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Token::Text)
    }

    /// Text of lesser weight.
    pub fn dim(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Token::Dim)
    }
}

/// Colours and signs.
#[derive(Debug, Clone, Copy)]
pub struct Paint<'a> {
    /// Styles by token.
    pub theme: &'a Theme,
    /// Signs.
    pub glyphs: &'a Glyphs,
}

impl<'a> Paint<'a> {
    /// A brush.
    #[must_use]
    pub const fn new(theme: &'a Theme, glyphs: &'a Glyphs) -> Self {
        Self { theme, glyphs }
    }

    /// The style of a token.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.theme.style(token)
    }

    /// A text made safe and cut to `width` columns.
    #[must_use]
    pub fn clip<'t>(&self, raw: &'t str, width: u16) -> Cow<'t, str> {
        match text::clean(raw) {
            Cow::Borrowed(clean) => text::clip(clean, usize::from(width), self.glyphs.ellipsis),
            Cow::Owned(clean) => Cow::Owned(text::clip(&clean, usize::from(width), self.glyphs.ellipsis).into_owned()),
        }
    }

    /// Draws a text at a cell, cut to `width`; returns the columns used.
    pub fn put(&self, buf: &mut Buffer, at: (u16, u16), width: u16, raw: &str, token: Token) -> u16 {
        self.put_styled(buf, at, width, raw, self.style(token))
    }

    /// The same with a style made of several tokens.
    pub fn put_styled(&self, buf: &mut Buffer, at: (u16, u16), width: u16, raw: &str, style: Style) -> u16 {
        if width == 0 || !buf.area.contains(at.into()) {
            return 0;
        }
        let safe = self.clip(raw, width);
        let (end, _) = buf.set_stringn(at.0, at.1, safe.as_ref(), usize::from(width), style);
        end.saturating_sub(at.0)
    }

    /// Draws runs one after the other, cut to `width`; returns the columns used.
    pub fn line(&self, buf: &mut Buffer, at: (u16, u16), width: u16, pieces: &[Piece<'_>]) -> u16 {
        let mut used = 0;
        for piece in pieces {
            let left = width.saturating_sub(used);
            if left == 0 {
                break;
            }
            used += self.put(buf, (at.0.saturating_add(used), at.1), left, &piece.text, piece.token);
        }
        used
    }

    /// The same, flush with the right end of `width`. What does not fit is cut at its end.
    pub fn line_right(&self, buf: &mut Buffer, at: (u16, u16), width: u16, pieces: &[Piece<'_>]) -> u16 {
        let wide = columns(pieces).min(width);
        self.line(buf, (at.0.saturating_add(width - wide), at.1), wide, pieces)
    }

    /// Blanks an area and gives it a style. What the token leaves open is that of plain text, so
    /// that the ground of the theme has no holes.
    pub fn fill(&self, buf: &mut Buffer, area: Rect, token: Token) {
        let area = area.intersection(buf.area);
        for position in area.positions() {
            if let Some(cell) = buf.cell_mut(position) {
                cell.reset();
            }
        }
        buf.set_style(area, self.style(Token::Text).patch(self.style(token)));
    }

    /// Blanks an area, draws a box around it, and returns its inside. An area too small for a box
    /// is all inside.
    pub fn boxed(&self, buf: &mut Buffer, area: Rect, title: &str, base: Token, border: Token) -> Rect {
        let area = area.intersection(buf.area);
        self.fill(buf, area, base);
        if area.width < 4 || area.height < 3 {
            return area;
        }
        let style = self.style(base).patch(self.style(border));
        let g = self.glyphs;
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..right {
            for y in [area.y, bottom] {
                self.put_styled(buf, (x, y), 1, g.horizontal, style);
            }
        }
        for y in area.y + 1..bottom {
            for x in [area.x, right] {
                self.put_styled(buf, (x, y), 1, g.vertical, style);
            }
        }
        let [top_left, top_right, bottom_left, bottom_right] = g.corners;
        for (at, sign) in [
            ((area.x, area.y), top_left),
            ((right, area.y), top_right),
            ((area.x, bottom), bottom_left),
            ((right, bottom), bottom_right),
        ] {
            self.put_styled(buf, at, 1, sign, style);
        }
        if !title.is_empty() {
            let style = self.style(base).patch(self.style(Token::Title));
            let width = area.width.saturating_sub(4);
            let title = format!(" {title} ");
            self.put_styled(buf, (area.x + 2, area.y), width, &title, style);
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }
}

/// Columns that runs take up.
#[must_use]
pub fn columns(pieces: &[Piece<'_>]) -> u16 {
    pieces.iter().map(|p| wide(&p.text)).fold(0, u16::saturating_add)
}

/// Columns a text takes up once it is safe.
#[must_use]
pub fn wide(raw: &str) -> u16 {
    u16::try_from(text::width(&text::clean(raw))).unwrap_or(u16::MAX)
}

/// A centred rectangle of at most the given size, two columns and one row away from the edges
/// where there is room.
#[must_use]
pub fn popup(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(if area.width > 64 { area.width - 4 } else { area.width });
    let height = height.min(if area.height > 18 { area.height - 2 } else { area.height });
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Breaks a text into lines of at most `width` columns, at spaces where it can. Line ends in the
/// text are kept.
#[must_use]
pub fn wrap(raw: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = Vec::new();
    for paragraph in raw.split('\n') {
        let clean = text::clean(paragraph);
        let mut line = String::new();
        let mut used = 0;
        for word in clean.split_whitespace() {
            let mut word = word;
            let mut size = text::width(word);
            if used > 0 && used + 1 + size > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            while size > width {
                let head = text::clip(word, width, "");
                let Some(rest) = word.strip_prefix(head.as_ref()).filter(|rest| rest.len() < word.len()) else { break };
                lines.push(head.into_owned());
                word = rest;
                size = text::width(word);
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += size;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_every_word_and_fits() {
        let text = "a dying gasp was heard, the supply of the ONU failed BBSM00000001BBSM00000001BBSM00000001";
        let lines = wrap(text, 20);
        assert!(lines.iter().all(|l| text::width(l) <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
    }

    #[test]
    fn popups_stay_inside() {
        for (w, h) in [(200, 50), (80, 24), (60, 15), (3, 2)] {
            let area = Rect::new(0, 0, w, h);
            assert_eq!(area.intersection(popup(area, 90, 40)), popup(area, 90, 40));
        }
    }
}
