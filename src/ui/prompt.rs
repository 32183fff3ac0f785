//! A question for one line of text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, popup, wide};
use super::text_input::TextInput;
use crate::theme::Token;

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    /// What is asked.
    pub title: &'a str,
    /// The answer so far.
    pub text: &'a str,
    /// Cursor in it, in characters.
    pub cursor: usize,
    /// What is expected.
    pub hint: &'a str,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

impl Prompt<'_> {
    /// Draws the question; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let width = wide(self.title).max(wide(self.hint)).saturating_add(6).clamp(56, 100);
        let area = popup(screen, width, 4);
        let inner = paint.boxed(buf, area, self.title, Token::Dialog, Token::BorderFocus);
        let (words, token) = self.error.map_or((self.hint, Token::Dim), |e| (e, Token::InputError));
        if inner.height > 1 {
            paint.put_styled(
                buf,
                (inner.x, inner.y + 1),
                inner.width,
                words,
                paint.style(Token::Dialog).patch(paint.style(token)),
            );
        }
        TextInput { text: self.text, cursor: Some(self.cursor), ..TextInput::default() }.render(buf, inner, paint)
    }
}
