//! Draws the line of the tests, the form of the one shown, how it stands, and what it told.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::diag::Verdict;
use crate::model::time::SECOND;
use crate::theme::Token;
use crate::ui::Paint;
use crate::ui::paint::wide;

use super::DiagPane;
use super::tools::Kind;

/// Rows of a form: of the test with the most fields, so that nothing below moves.
const FIELDS: u16 = 5;
/// Area height from which there is a line free above the tests.
const ROOMY: u16 = 16;

/// Rows above the line of the tests.
const fn above(area: Rect) -> u16 {
    if area.height >= ROOMY { 1 } else { 0 }
}

/// The cells of the fields in the area of the pane.
pub(super) fn fields(area: Rect) -> Rect {
    let top = above(area) + 1;
    Rect {
        x: area.x,
        y: area.y + top,
        width: area.width.saturating_sub(1),
        height: FIELDS.min(area.height.saturating_sub(top)),
    }
}

/// First columns of the tests in their line.
fn columns() -> impl Iterator<Item = (u16, Kind)> {
    Kind::ALL.into_iter().scan(2, |x, kind| {
        let at = *x;
        *x += wide(kind.title()) + 3;
        Some((at, kind))
    })
}

/// The test whose title stands at a column.
pub(super) fn test_at(column: u16) -> Option<usize> {
    columns().position(|(x, kind)| column >= x && column < x + wide(kind.title()))
}

impl DiagPane {
    /// Draws the pane.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, area, Token::Text);
        let Some(tool) = self.tool() else { return };
        let wide = area.width.saturating_sub(2);
        let y = area.y + above(area);
        if !self.in_fields {
            paint.put(buf, (area.x, y), 1, ">", Token::Strong);
        }
        for (x, kind) in columns() {
            let token = match (kind == tool.kind, !self.in_fields && cx.focused) {
                (true, true) => Token::Cursor,
                (true, false) => Token::Title,
                (false, _) => Token::Dim,
            };
            // Which one is shown is to be seen without colours, too.
            let words = if kind == tool.kind { format!("[{}]", kind.title()) } else { kind.title().to_owned() };
            let x = if kind == tool.kind { x - 1 } else { x };
            paint.put(buf, (area.x + x, y), area.width.saturating_sub(x), &words, token);
        }
        let form = fields(area);
        tool.fields.draw(buf, form, &paint, (self.in_fields, cx.focused));
        let mut y = form.y + FIELDS;
        if self.in_fields {
            for (line, token) in tool.fields.words(wide).into_iter().take(2) {
                paint.put(buf, (area.x + 2, y), wide, &line, token);
                y += 1;
            }
        } else if let Some((_, why)) = tool.fields.fault() {
            paint.put(buf, (area.x + 2, y), wide, why, Token::Bad);
            y += 1;
        } else {
            y += 1;
        }
        if y >= area.bottom() {
            return;
        }
        let (words, token) = self.standing(cx);
        let used = paint.put(buf, (area.x + 2, y), wide, &words, token);
        if self.result.is_some() {
            let words = match &self.about {
                Some(about) => format!("   a attaches it to {}", about.label),
                None => "   a attaches it to an alarm, w writes it".to_owned(),
            };
            paint.put(buf, (area.x + 2 + used, y), wide.saturating_sub(used), &words, Token::Dim);
        }
        y += 1;
        let rows = usize::from(area.bottom().saturating_sub(y));
        let last = self.lines.len().saturating_sub(self.up);
        for line in self.lines.iter().take(last).skip(last.saturating_sub(rows)) {
            paint.put(buf, (area.x + 2, y), wide, line, Token::Text);
            y += 1;
        }
    }

    /// How the test stands.
    fn standing(&self, cx: &ViewCtx<'_>) -> (String, Token) {
        match (&self.running, &self.result, self.lines.is_empty()) {
            (Some((_, kind, since)), ..) => (
                format!("{} runs since {} s: Esc ends it", kind.title(), cx.ctx.now.since(*since) / SECOND),
                Token::Busy,
            ),
            (None, Some(result), _) => {
                let verdict = result.verdict();
                let token = match verdict {
                    Verdict::Reached => Token::Good,
                    Verdict::Partly => Token::Busy,
                    Verdict::Failed | Verdict::Unreachable => Token::Bad,
                };
                (format!("{}: {}", result.request.kind(), verdict.word()), token)
            }
            (None, None, true) => {
                ("Left and Right choose a test, Down its fields; Enter changes, r runs.".into(), Token::Dim)
            }
            (None, None, false) => ("it was not run".into(), Token::Bad),
        }
    }
}
