//! The `:` line: typed commands with completion and history.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::commands::parse::{self, Completion};
use crate::commands::secrets;
use crate::ui::filter_bar::{Fault, FilterBar};
use crate::ui::which_key::{self, Continuation};

use super::{Act, Layer, LayerCx, Reply, draw, is_cancel};

/// The overlay.
#[derive(Debug, Default)]
pub struct CommandLine {
    line: Line,
    completions: Vec<Completion>,
    /// The completion shown in the line, while Tab walks through them.
    at: Option<usize>,
    error: Option<String>,
}

impl CommandLine {
    /// A line that begins with a text.
    #[must_use]
    pub fn new(text: &str, cx: &LayerCx<'_>) -> Self {
        let mut out = Self { line: Line::new(text), ..Self::default() };
        out.edited(cx);
        out
    }

    fn edited(&mut self, cx: &LayerCx<'_>) {
        self.at = None;
        self.error = None;
        self.completions = parse::complete(self.line.text(), cx.registry, cx.contexts);
    }

    fn step(&mut self, back: bool) {
        let len = self.completions.len();
        if len == 0 {
            return;
        }
        let at = match (self.at, back) {
            (None, false) => 0,
            (None, true) => len - 1,
            (Some(at), false) => (at + 1) % len,
            (Some(at), true) => (at + len - 1) % len,
        };
        self.at = Some(at);
        if let Some(completion) = self.completions.get(at) {
            self.line.set(&completion.line);
        }
    }

    fn accept(&mut self, cx: &mut LayerCx<'_>) -> Reply {
        let text = self.line.text().trim().to_owned();
        if text.is_empty() {
            return Reply::close();
        }
        match parse::parse(&text, cx.registry, cx.contexts) {
            Ok(parsed) => {
                if !secrets::holds(parsed.spec.id, &parsed.args) {
                    cx.history.push(&text);
                }
                Reply::Close(vec![Act::Run(parsed.spec.id, parsed.args), Act::KeepHistory])
            }
            Err(error) => {
                self.error = Some(error.message);
                Reply::stay()
            }
        }
    }
}

impl Layer for CommandLine {
    fn key(&mut self, key: KeyEvent, cx: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            return Reply::close();
        }
        match key.code {
            KeyCode::Enter => return self.accept(cx),
            KeyCode::Tab => self.step(false),
            KeyCode::BackTab => self.step(true),
            KeyCode::Up => {
                if let Some(line) = cx.history.older() {
                    self.line.set(line);
                }
            }
            KeyCode::Down => {
                let line = cx.history.newer().to_owned();
                self.line.set(&line);
            }
            KeyCode::Backspace if self.line.text().is_empty() => return Reply::close(),
            _ => {
                if self.line.key(key) == Some(true) {
                    self.edited(cx);
                }
            }
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str, cx: &mut LayerCx<'_>) -> Reply {
        self.line.insert(text);
        self.edited(cx);
        Reply::stay()
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let doc = self.at.or(Some(0)).and_then(|i| self.completions.get(i)).map_or("", |c| c.doc.as_str());
        let ghost = match (self.at, self.completions.first()) {
            (None, Some(first)) => first.line.strip_prefix(self.line.text()).unwrap_or(""),
            _ => "",
        };
        let fault =
            self.error.as_deref().map(|message| Fault { at: 0, len: self.line.text().chars().count(), message });
        let bar = FilterBar { label: ":", text: self.line.text(), cursor: self.line.cursor(), ghost, fault, hint: doc };
        let height = bar.height(area.width).min(area.height);
        let bottom = Rect { y: area.bottom() - height, height, ..area };
        let items: Vec<Continuation> =
            self.completions.iter().map(|c| Continuation { key: c.label.clone(), title: c.doc.clone() }).collect();
        let above = Rect { height: area.height.saturating_sub(height).min(area.height), ..area };
        draw(frame, cx, |buf, paint| {
            if items.len() > 1 && above.height > 6 {
                let shown = items.get(..items.len().min(24)).unwrap_or(&items);
                which_key::render(buf, above, "tab completes", shown, paint);
            }
            bar.render(buf, bottom, paint)
        });
    }
}
