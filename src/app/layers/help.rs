//! Help: everything that can be done here, searchable by text or by key, with the reason why an
//! entry cannot be used now.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::model::command::Args;
use crate::ui;

use super::{Act, Entry, Layer, LayerCx, Reply, entries, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct HelpLayer {
    line: Line,
    entries: Vec<Entry>,
    selected: usize,
}

impl HelpLayer {
    /// Lists what can be done in the contexts given.
    #[must_use]
    pub fn new(cx: &LayerCx<'_>) -> Self {
        Self { line: Line::default(), entries: entries(cx), selected: 0 }
    }

    fn hits(&self) -> Vec<&Entry> {
        let needle = self.line.text().trim().to_lowercase();
        self.entries
            .iter()
            .filter(|e| {
                needle.is_empty()
                    || e.keys.iter().any(|k| k.eq_ignore_ascii_case(&needle))
                    || [e.spec.title, e.spec.id, e.spec.doc].iter().any(|t| t.to_lowercase().contains(&needle))
                    || e.spec.aliases.iter().any(|a| a.contains(&needle))
            })
            .collect()
    }
}

impl Layer for HelpLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) || key.code == KeyCode::F(1) {
            return Reply::close();
        }
        let len = self.hits().len();
        if let Some(selected) = move_selection(key, self.selected, len, 15) {
            self.selected = selected;
        } else if key.code == KeyCode::Enter {
            return match self.hits().get(self.selected) {
                Some(e) => Reply::Close(vec![Act::Run(e.spec.id, Args::new())]),
                None => Reply::stay(),
            };
        } else if self.line.key(key) == Some(true) {
            self.selected = 0;
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str, _: &mut LayerCx<'_>) -> Reply {
        self.line.insert(text);
        self.selected = 0;
        Reply::stay()
    }

    fn wheel(&mut self, lines: i16) {
        let last = self.hits().len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(lines.into()).min(last);
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let hits = self.hits();
        let rows: Vec<ui::help::HelpRow<'_>> = hits
            .iter()
            .map(|e| ui::help::HelpRow {
                section: e.spec.context.word(),
                keys: e.keys.join(" "),
                title: e.spec.title,
                doc: e.spec.doc,
                disabled: e.disabled.as_deref(),
            })
            .collect();
        ui::help::draw(
            frame,
            area,
            &ui::help::HelpView {
                text: self.line.text(),
                cursor: self.line.cursor(),
                rows: &rows,
                selected: self.selected,
            },
            cx.theme,
            cx.glyphs,
        );
    }

    fn linear(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|e| {
                let off = e.disabled.as_ref().map_or_else(String::new, |why| format!(" (not now: {why})"));
                format!("{}  {}  {}{off}", e.spec.id, e.keys.join(" "), e.spec.doc)
            })
            .collect()
    }
}
