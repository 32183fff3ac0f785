//! The messages that have gone from the screen.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::draw;
use crate::app::effect::Toast;
use crate::model::time::Ts;
use crate::ui::sections::{Block, Sections};
use crate::ui::{Piece, paint};

use super::{Layer, LayerCx, Reply, draw as overlay, is_cancel};

/// The overlay: messages, newest first.
#[derive(Debug)]
pub struct MessagesLayer {
    messages: Vec<(Ts, Toast)>,
    scroll: usize,
}

impl MessagesLayer {
    /// Shows messages, newest first.
    #[must_use]
    pub const fn new(messages: Vec<(Ts, Toast)>) -> Self {
        Self { messages, scroll: 0 }
    }
}

impl Layer for MessagesLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) || matches!(key.code, KeyCode::Enter | KeyCode::Char('q' | 'M')) {
            return Reply::close();
        }
        let last = self.messages.len().saturating_sub(1);
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = (self.scroll + 1).min(last),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::PageDown => self.scroll = (self.scroll + 10).min(last),
            _ => {}
        }
        Reply::stay()
    }

    fn wheel(&mut self, lines: i16) {
        let last = self.messages.len().saturating_sub(1);
        self.scroll = self.scroll.saturating_add_signed(lines.into()).min(last);
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let lines: Vec<Block<'_>> = self
            .messages
            .iter()
            .map(|(at, t)| {
                let when = draw::local_time(*at, cx.ctx.utc_offset_s);
                let sign = draw::level_sign(t.level, cx.glyphs);
                let text = if sign.is_empty() { t.text.clone() } else { format!("{sign} {}", t.text) };
                Block::Fact(when.into(), vec![Piece::new(text, draw::level_token(t.level))])
            })
            .collect();
        let area = paint::popup(
            area,
            100,
            u16::try_from(self.messages.len()).unwrap_or(u16::MAX).saturating_add(2).clamp(3, 30),
        );
        let page = Sections {
            title: "Messages, newest first; esc closes",
            blocks: &lines,
            scroll: u16::try_from(self.scroll).unwrap_or(u16::MAX),
            focused: true,
        };
        overlay(frame, cx, |buf, paint| {
            ratatui::widgets::Widget::render(ratatui::widgets::Clear, area, buf);
            page.render(buf, area, paint);
            None
        });
    }

    fn linear(&self) -> Vec<String> {
        self.messages.iter().map(|(at, t)| format!("{} {}", at.to_rfc3339(), t.text)).collect()
    }
}
