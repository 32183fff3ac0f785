//! The palette: any command by a few of its letters, best match first.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::model::command::Args;
use crate::model::order;
use crate::ui::fuzzy::{self, Hit};
use crate::ui::palette;

use super::{Act, Layer, LayerCx, Reply, draw, entries, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct PaletteLayer {
    line: Line,
    ids: Vec<&'static str>,
    /// What is searched: title first, so that matched letters can be shown in it.
    texts: Vec<String>,
    entries: Vec<palette::Entry>,
    hits: Vec<Hit>,
    selected: usize,
}

impl PaletteLayer {
    /// Lists what can be done in the contexts given; what can run now comes first.
    #[must_use]
    pub fn new(cx: &LayerCx<'_>) -> Self {
        let mut found = entries(cx);
        order::by_key(&mut found, |e| e.disabled.is_some());
        let mut out = Self {
            line: Line::default(),
            ids: found.iter().map(|e| e.spec.id).collect(),
            texts: found
                .iter()
                .map(|e| format!("{} {} {} {}", e.spec.title, e.spec.id, e.spec.aliases.join(" "), e.keys.join(" ")))
                .collect(),
            entries: found
                .into_iter()
                .map(|e| palette::Entry {
                    title: e.spec.title.to_owned(),
                    detail: e.spec.id.to_owned(),
                    keys: e.keys.into_iter().next().unwrap_or_default(),
                    disabled: e.disabled,
                })
                .collect(),
            hits: Vec::new(),
            selected: 0,
        };
        out.search();
        out
    }

    fn search(&mut self) {
        self.selected = 0;
        self.hits = fuzzy::rank(self.line.text(), self.texts.iter().map(String::as_str));
    }

    fn accept(&self) -> Reply {
        let id = self.hits.get(self.selected).and_then(|h| self.ids.get(h.index));
        // An entry that cannot run closes too: the kernel then tells the reason.
        id.map_or_else(Reply::stay, |id| Reply::Close(vec![Act::Run(id, Args::new())]))
    }
}

impl Layer for PaletteLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            return Reply::close();
        }
        if let Some(selected) = move_selection(key, self.selected, self.hits.len(), 10) {
            self.selected = selected;
        } else if key.code == KeyCode::Enter {
            return self.accept();
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
        self.selected = self.selected.saturating_add_signed(lines.into()).min(self.hits.len().saturating_sub(1));
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let list = palette::Palette {
            title: "Commands",
            text: self.line.text(),
            cursor: self.line.cursor(),
            hint: "a few letters of what you want to do",
            entries: &self.entries,
            hits: &self.hits,
            selected: self.selected,
        };
        draw(frame, cx, |buf, paint| list.render(buf, area, paint));
    }
}
