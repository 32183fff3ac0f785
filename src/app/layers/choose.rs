//! Asks for one of several answers; typing narrows them down.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::effect::Choose;
use crate::app::line::Line;
use crate::ui;

use super::{Act, Layer, LayerCx, Reply, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct ChooseLayer {
    choose: Choose,
    filter: Line,
    selected: usize,
    /// The selected item is shown at once (themes).
    preview: bool,
}

impl ChooseLayer {
    /// Asks.
    #[must_use]
    pub fn new(choose: Choose) -> Self {
        let preview = choose.command == "app.theme";
        Self { choose, filter: Line::default(), selected: 0, preview }
    }

    /// Indices of the items that the typed text leaves.
    fn hits(&self) -> Vec<usize> {
        let needle = self.filter.text().to_lowercase();
        self.choose
            .items
            .iter()
            .enumerate()
            .filter(|(_, (value, label))| {
                needle.is_empty() || value.to_lowercase().contains(&needle) || label.to_lowercase().contains(&needle)
            })
            .map(|(i, _)| i)
            .collect()
    }

    fn value(&self) -> Option<&str> {
        let hits = self.hits();
        let item = hits.get(self.selected.min(hits.len().saturating_sub(1)))?;
        self.choose.items.get(*item).map(|(value, _)| value.as_str())
    }

    fn moved(&self) -> Reply {
        let preview = self.preview.then(|| Act::PreviewTheme(self.value().map(str::to_owned)));
        Reply::Stay(preview.into_iter().collect())
    }

    fn accept(&self) -> Reply {
        let Some(value) = self.value() else { return Reply::stay() };
        let mut args = self.choose.args.clone();
        args.insert(self.choose.arg.to_owned(), value.to_owned());
        Reply::Close(vec![Act::Run(self.choose.command, args)])
    }
}

impl Layer for ChooseLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            return Reply::Close(self.preview.then_some(Act::PreviewTheme(None)).into_iter().collect());
        }
        let hits = self.hits().len();
        if let Some(selected) = move_selection(key, self.selected.min(hits.saturating_sub(1)), hits, 10) {
            self.selected = selected;
            return self.moved();
        }
        match key.code {
            KeyCode::Enter => self.accept(),
            // With nothing typed a digit takes the item it stands before.
            KeyCode::Char(c @ '1'..='9') if self.filter.text().is_empty() && key.modifiers == KeyModifiers::NONE => {
                let at = usize::from(c as u8 - b'1');
                if at < hits {
                    self.selected = at;
                    return self.accept();
                }
                Reply::stay()
            }
            _ => {
                if self.filter.key(key) == Some(true) {
                    self.selected = 0;
                    return self.moved();
                }
                Reply::stay()
            }
        }
    }

    fn wheel(&mut self, lines: i16) {
        let last = self.hits().len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(lines.into()).min(last);
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let items: Vec<(&str, &str)> = self
            .hits()
            .into_iter()
            .filter_map(|i| self.choose.items.get(i))
            .map(|(value, label)| (value.as_str(), label.as_str()))
            .collect();
        ui::choose::draw(
            frame,
            area,
            &ui::choose::ChooseView {
                title: &self.choose.title,
                items: &items,
                selected: self.selected.min(items.len().saturating_sub(1)),
                filter: self.filter.text(),
            },
            cx.theme,
            cx.glyphs,
        );
    }

    fn linear(&self) -> Vec<String> {
        let mut out = vec![format!("{}:", self.choose.title)];
        out.extend(self.choose.items.iter().enumerate().map(|(i, (v, l))| format!("  {} {v} {l}", i + 1)));
        out
    }
}
