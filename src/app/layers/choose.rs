//! Asks for one of several answers; typing narrows them down.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::effect::Choose;
use crate::app::line::Line;
use crate::ui;
use crate::ui::fuzzy::{self, Hit};

use super::{Act, Layer, LayerCx, Reply, draw, is_cancel, move_selection};

/// The overlay.
#[derive(Debug)]
pub struct ChooseLayer {
    choose: Choose,
    labels: Vec<String>,
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
        let labels = labels(&choose.items);
        Self { selected: choose.selected, choose, labels, filter: Line::default(), preview }
    }

    /// The items that the typed letters leave, the best match first.
    fn hits(&self) -> Vec<Hit> {
        fuzzy::rank(self.filter.text(), self.labels.iter().map(String::as_str))
    }

    fn value(&self) -> Option<&str> {
        let hits = self.hits();
        let hit = hits.get(self.selected.min(hits.len().saturating_sub(1)))?;
        self.choose.items.get(hit.index).map(|(value, _)| value.as_str())
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

/// Values and what they mean, each in a column of its own.
pub(crate) fn labels(items: &[(String, String)]) -> Vec<String> {
    let wide = items.iter().map(|(value, _)| value.chars().count()).max().unwrap_or(0).min(24);
    let label = |(value, says): &(String, String)| {
        if says.is_empty() { value.clone() } else { format!("{value:wide$}  {says}") }
    };
    items.iter().map(label).collect()
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
        let hits = self.hits();
        let list = ui::choose::Choose {
            title: &self.choose.title,
            items: &self.labels,
            hits: &hits,
            text: self.filter.text(),
            hint: "type to search, enter chooses, esc leaves",
            cursor: self.filter.cursor(),
            selected: self.selected.min(hits.len().saturating_sub(1)),
        };
        draw(frame, cx, |buf, paint| list.render(buf, area, paint));
    }

    fn linear(&self) -> Vec<String> {
        let mut out = vec![format!("{}:", self.choose.title)];
        out.extend(self.choose.items.iter().enumerate().map(|(i, (v, l))| format!("  {} {v} {l}", i + 1)));
        out
    }
}
