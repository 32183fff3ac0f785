//! One line of input as it is drawn: the part around the cursor, a ghost of what would complete
//! it, and what is wrong with it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::paint::Paint;
use crate::model::text;
use crate::theme::Token;

/// A line of input.
#[derive(Debug, Clone, Default)]
pub struct TextInput<'a> {
    /// The text.
    pub text: &'a str,
    /// Cursor, in characters; `None` when the line has not the keyboard.
    pub cursor: Option<usize>,
    /// Shown behind the text, dimmed: a completion or, with no text, what is expected.
    pub ghost: &'a str,
    /// Characters that are wrong.
    pub error: Option<Range<usize>>,
    /// Show dots instead of the text.
    pub secret: bool,
}

impl TextInput<'_> {
    /// Draws the line into the first row of `area`; returns the cell of the cursor.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        if area.is_empty() {
            return None;
        }
        let row = Rect { height: 1, ..area };
        paint.fill(buf, row, Token::Input);
        let first = self.first_shown(area.width);
        let mut x = area.x;
        let mut cursor_x = None;
        for (i, c) in self.text.chars().enumerate().skip(first) {
            if self.cursor == Some(i) {
                cursor_x = Some(x);
            }
            let left = area.right().saturating_sub(x);
            let mut utf8 = [0; 4];
            let shown: &str = if self.secret { "*" } else { c.encode_utf8(&mut utf8) };
            if left == 0 || text::width(shown) > usize::from(left) {
                break;
            }
            let token =
                if self.error.as_ref().is_some_and(|e| e.contains(&i)) { Token::InputError } else { Token::Input };
            x += paint.put(buf, (x, area.y), left, shown, token);
        }
        if self.cursor == Some(self.text.chars().count()) {
            cursor_x = Some(x);
        }
        paint.put(buf, (x, area.y), area.right().saturating_sub(x), self.ghost, Token::Ghost);
        cursor_x.map(|x| (x.min(area.right().saturating_sub(1)), area.y))
    }

    /// The first character shown, so that the cursor is in sight.
    #[must_use]
    pub fn first_shown(&self, width: u16) -> usize {
        let Some(cursor) = self.cursor else { return 0 };
        let input = Input::new(self.text.to_owned()).with_cursor(cursor);
        let columns = input.visual_scroll(usize::from(width.saturating_sub(1)));
        let mut passed = 0;
        self.text
            .chars()
            .take_while(|c| {
                let before = passed;
                passed += text::width(c.encode_utf8(&mut [0; 4]));
                before < columns
            })
            .count()
    }
}
