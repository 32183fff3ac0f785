//! Several labelled inputs: as a dialog, for adding a first source, and as lines inside a pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, popup, wide, wrap};
use super::text_input::TextInput;
use crate::theme::Token;

/// One input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Field<'a> {
    /// Label.
    pub label: &'a str,
    /// The text.
    pub text: &'a str,
    /// What is expected, shown while the field is empty.
    pub hint: &'a str,
    /// Show dots instead of the text.
    pub secret: bool,
    /// Something is wrong with it.
    pub wrong: bool,
}

/// Labelled values inside a pane, one a line. They are looked at here and changed in their places.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    /// The fields.
    pub fields: &'a [Field<'a>],
    /// The field under the cursor.
    pub focus: Option<usize>,
    /// The pane has the keyboard.
    pub focused: bool,
}

impl Lines<'_> {
    /// Columns of the labels, with the sign of the cursor before and the gap behind them.
    fn labels(&self) -> u16 {
        self.fields.iter().map(|f| wide(f.label)).max().unwrap_or(0) + 4
    }

    /// Where the value of a field is, from the left of the lines and from the first of them.
    #[must_use]
    pub fn place(&self, field: usize, width: u16) -> Rect {
        let x = self.labels().min(width);
        Rect { x, y: u16::try_from(field).unwrap_or(u16::MAX), width: (width - x).min(VALUE), height: 1 }
    }

    /// Draws the fields, as many as there are rows.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        let labels = self.labels();
        for ((i, field), y) in self.fields.iter().enumerate().zip(area.y..area.bottom()) {
            let here = self.focus == Some(i);
            if here {
                paint.put(buf, (area.x, y), 1, ">", Token::Strong);
            }
            let token = if here && self.focused { Token::Cursor } else { Token::Dim };
            paint.put(buf, (area.x + 2, y), area.width.saturating_sub(2), field.label, token);
            let (text, token) = match (field.text.is_empty(), field.wrong) {
                (true, false) => (field.hint, Token::Ghost),
                (true, true) => (field.hint, Token::InputError),
                (false, true) => (field.text, Token::InputError),
                (false, false) => (field.text, Token::Text),
            };
            paint.put(buf, (area.x + labels, y), area.width.saturating_sub(labels + 1), text, token);
        }
    }
}

/// Most columns of a value that is typed in its place.
const VALUE: u16 = 60;

/// The form.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// Title.
    pub title: &'a str,
    /// Words above the fields.
    pub intro: &'a str,
    /// The fields.
    pub fields: &'a [Field<'a>],
    /// The field with the keyboard.
    pub focus: usize,
    /// Cursor in it, in characters.
    pub cursor: usize,
    /// What came of the last try: words and whether it went well.
    pub note: Option<(&'a str, bool)>,
    /// Keys and what they do.
    pub keys: &'a str,
}

impl Form<'_> {
    /// Draws the form; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let inside = 76.min(screen.width.saturating_sub(2));
        let intro = wrap(self.intro, inside);
        let note = self.note.map(|(words, good)| (wrap(words, inside), good));
        let noted = note.as_ref().map_or(0, |(lines, _)| lines.len());
        // On a low screen the fields stand close together: what is wrong with them is never cut.
        let roomy = intro.len() + self.fields.len() * 2 + noted + 4;
        let step = if roomy > usize::from(screen.height) { 1 } else { 2 };
        let height = intro.len() + self.fields.len() * step + noted + 4;
        let area = popup(screen, inside + 2, u16::try_from(height).unwrap_or(u16::MAX));
        let inner = paint.boxed(buf, area, self.title, Token::Dialog, Token::BorderFocus);
        let base = paint.style(Token::Dialog);
        let mut y = inner.y;
        for line in &intro {
            paint.put_styled(buf, (inner.x, y), inner.width, line, base);
            y += 1;
        }
        let label = self.fields.iter().map(|f| wide(f.label)).max().unwrap_or(0) + 2;
        let mut cursor = None;
        // Below the fields: what came of the last try, and the keys.
        let last = inner.bottom().saturating_sub(1);
        let end = last.saturating_sub(u16::try_from(noted).unwrap_or(u16::MAX)).max(y);
        // When all does not fit, the fields around the one with the keyboard are shown.
        let room = usize::from(end - y) / step;
        let first = super::palette::first_row(self.focus, room.max(1));
        for (i, field) in self.fields.iter().enumerate().skip(first) {
            if y >= end {
                break;
            }
            let focused = i == self.focus;
            let token = if focused { Token::Strong } else { Token::Dim };
            paint.put_styled(buf, (inner.x, y), label, field.label, base.patch(paint.style(token)));
            let input = TextInput {
                text: field.text,
                cursor: focused.then_some(self.cursor),
                ghost: if field.text.is_empty() { field.hint } else { "" },
                error: None,
                secret: field.secret,
            };
            let at = Rect { x: inner.x + label, y, width: inner.width.saturating_sub(label), height: 1 };
            cursor = input.render(buf, at, paint).or(cursor);
            y = y.saturating_add(u16::try_from(step).unwrap_or(1)).min(end);
        }
        if let Some((lines, good)) = note {
            let token = if good { Token::Good } else { Token::Bad };
            for (y, line) in (y..last).zip(lines) {
                paint.put_styled(buf, (inner.x, y), inner.width, &line, base.patch(paint.style(token)));
            }
        }
        paint.put_styled(buf, (inner.x, last), inner.width, self.keys, base.patch(paint.style(Token::KeyText)));
        cursor
    }
}
