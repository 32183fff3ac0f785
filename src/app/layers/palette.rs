//! The palette: any command by a few of its letters, best match first.

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::model::command::Args;
use crate::ui;

use super::{Act, Entry, Layer, LayerCx, Reply, entries, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct PaletteLayer {
    line: Line,
    entries: Vec<Entry>,
    hits: Vec<Hit>,
    selected: usize,
}

/// A matching entry with the letters of its title that matched.
#[derive(Debug)]
struct Hit {
    entry: usize,
    letters: Vec<u32>,
}

impl PaletteLayer {
    /// Lists what can be done in the contexts given.
    #[must_use]
    pub fn new(cx: &LayerCx<'_>) -> Self {
        let mut out = Self { line: Line::default(), entries: entries(cx), hits: Vec::new(), selected: 0 };
        out.search();
        out
    }

    fn search(&mut self) {
        self.selected = 0;
        let text = self.line.text();
        if text.trim().is_empty() {
            // Without a wish, what can run comes first.
            let mut order: Vec<usize> = (0..self.entries.len()).collect();
            order.sort_by_key(|i| self.entries.get(*i).is_some_and(|e| e.disabled.is_some()));
            self.hits = order.into_iter().map(|entry| Hit { entry, letters: Vec::new() }).collect();
            return;
        }
        let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut scored: Vec<(u32, Hit)> = Vec::new();
        let mut buffer = Vec::new();
        for (entry, e) in self.entries.iter().enumerate() {
            // Title first: matched letters are shown in it. Then id, aliases, keys, description.
            let mut letters = Vec::new();
            let title = pattern.indices(Utf32Str::new(e.spec.title, &mut buffer), &mut matcher, &mut letters);
            let rest = [e.spec.id, &e.spec.aliases.join(" "), &e.keys.join(" "), e.spec.doc].join(" ");
            let other = pattern.score(Utf32Str::new(&rest, &mut buffer), &mut matcher).map(|s| s / 2);
            if let Some(score) = title.max(other) {
                letters.sort_unstable();
                letters.dedup();
                scored.push((score, Hit { entry, letters: if title.is_some() { letters } else { Vec::new() } }));
            }
        }
        scored.sort_by_key(|(score, hit)| (std::cmp::Reverse(*score), hit.entry));
        self.hits = scored.into_iter().map(|(_, hit)| hit).collect();
    }

    fn accept(&self) -> Reply {
        let entry = self.hits.get(self.selected).and_then(|h| self.entries.get(h.entry));
        // A disabled entry closes too: the kernel then tells the reason.
        entry.map_or_else(Reply::stay, |e| Reply::Close(vec![Act::Run(e.spec.id, Args::new())]))
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
        let rows: Vec<ui::palette::PaletteRow<'_>> = self
            .hits
            .iter()
            .filter_map(|h| self.entries.get(h.entry).map(|e| (h, e)))
            .map(|(h, e)| ui::palette::PaletteRow {
                title: e.spec.title,
                detail: e.spec.id,
                keys: e.keys.first().map_or("", String::as_str),
                matched: &h.letters,
                disabled: e.disabled.as_deref(),
            })
            .collect();
        ui::palette::draw(
            frame,
            area,
            &ui::palette::PaletteView {
                text: self.line.text(),
                cursor: self.line.cursor(),
                rows: &rows,
                selected: self.selected,
            },
            cx.theme,
            cx.glyphs,
        );
    }
}
