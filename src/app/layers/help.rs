//! Help: everything that can be done here, searchable by text or by key, with the reason why an
//! entry cannot be used now.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::model::command::Args;
use crate::ui::help::{self, Help, Section};

use super::{Act, Layer, LayerCx, Reply, draw, entries, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct HelpLayer {
    line: Line,
    sections: Vec<Section>,
    /// Command ids by title: what Enter runs.
    ids: HashMap<String, &'static str>,
    /// What the typed text leaves of them.
    shown: Vec<Section>,
    selected: usize,
}

impl HelpLayer {
    /// Lists what can be done in the contexts given, the innermost first.
    #[must_use]
    pub fn new(cx: &LayerCx<'_>) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        let mut ids = HashMap::new();
        for entry in entries(cx) {
            ids.insert(entry.spec.title.to_owned(), entry.spec.id);
            let title = entry.spec.context.word();
            if sections.last().is_none_or(|s| s.title != title) {
                sections.push(Section { title: title.to_owned(), entries: Vec::new() });
            }
            if let Some(section) = sections.last_mut() {
                section.entries.push(help::Entry {
                    keys: entry.keys,
                    title: entry.spec.title.to_owned(),
                    doc: entry.spec.doc.to_owned(),
                    disabled: entry.disabled,
                });
            }
        }
        Self { line: Line::default(), shown: sections.clone(), sections, ids, selected: 0 }
    }

    fn search(&mut self) {
        self.selected = 0;
        self.shown = help::matching(&self.sections, self.line.text());
    }

    fn run(&self) -> Reply {
        let entry = self.shown.iter().flat_map(|s| &s.entries).nth(self.selected);
        let id = entry.and_then(|e| self.ids.get(&e.title));
        id.map_or_else(Reply::stay, |id| Reply::Close(vec![Act::Run(id, Args::new())]))
    }

    fn len(&self) -> usize {
        self.shown.iter().map(|s| s.entries.len()).sum()
    }
}

impl Layer for HelpLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) || key.code == KeyCode::F(1) {
            return Reply::close();
        }
        if key.code == KeyCode::Enter {
            return self.run();
        }
        if let Some(selected) = move_selection(key, self.selected, self.len(), 15) {
            self.selected = selected;
        } else if self.line.key(key) == Some(true) {
            self.search();
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str, _: &mut LayerCx<'_>) -> Reply {
        self.line.insert(text);
        self.search();
        Reply::stay()
    }

    fn wheel(&mut self, lines: i16) {
        self.selected = self.selected.saturating_add_signed(lines.into()).min(self.len().saturating_sub(1));
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let page =
            Help { sections: &self.shown, text: self.line.text(), cursor: self.line.cursor(), selected: self.selected };
        draw(frame, cx, |buf, paint| page.render(buf, area, paint));
    }

    fn linear(&self) -> Vec<String> {
        let line = |e: &help::Entry| {
            let off = e.disabled.as_ref().map_or_else(String::new, |why| format!(" Not now: {why}."));
            format!("{} ({}): {}{off}", e.title, e.keys.join(" "), e.doc)
        };
        self.sections.iter().flat_map(|s| s.entries.iter().map(line)).collect()
    }
}
