//! Asks for one line: a note, a reason, a file name, a filter.
//!
//! A filter is previewed with every key, so that the list answers while it is being typed; Esc
//! brings the filter before back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::effect::Prompt;
use crate::app::line::Line;
use crate::model::command::Args;
use crate::model::page::Table;
use crate::model::query::{self, Query, QueryError};
use crate::ui;
use crate::ui::filter_bar::{Fault, FilterBar};
use crate::ui::text_input::TextInput;

use super::{Act, Layer, LayerCx, Reply, draw, is_cancel};

/// The argument that marks a filter as a preview.
pub(super) const PREVIEW: &str = "preview";

/// The overlay.
pub struct PromptLayer {
    prompt: Prompt,
    line: Line,
    /// The table when it is a filter.
    filter: Option<Table>,
    error: Option<QueryError>,
    /// What is typed is not shown.
    masked: bool,
    /// Where on the screen it is typed, as long as that has this size; a dialog without.
    place: Option<(Rect, (u16, u16))>,
}

impl std::fmt::Debug for PromptLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the line: it may be a secret.
        f.debug_struct("PromptLayer").field("title", &self.prompt.title).finish_non_exhaustive()
    }
}

impl PromptLayer {
    /// Asks.
    #[must_use]
    pub fn new(prompt: Prompt, table: Option<Table>) -> Self {
        let line = Line::new(&prompt.initial);
        let filter = table.filter(|_| prompt.command == "list.filter");
        Self { prompt, line, filter, error: None, masked: false, place: None }
    }

    /// Asks for what nobody may see.
    #[must_use]
    pub fn masked(prompt: Prompt) -> Self {
        Self { masked: true, ..Self::new(prompt, None) }
    }

    /// Asks in the place of the answer on a screen of a size: nothing else is drawn anew.
    #[must_use]
    pub fn inline(prompt: Prompt, at: Rect, size: (u16, u16)) -> Self {
        let fits = !at.is_empty() && at.right() <= size.0 && at.bottom() <= size.1;
        Self { place: fits.then_some((at, size)), ..Self::new(prompt, None) }
    }

    fn args(&self, text: &str, preview: bool) -> Args {
        let mut args = self.prompt.args.clone();
        args.insert(self.prompt.arg.to_owned(), text.to_owned());
        if preview {
            args.insert(PREVIEW.to_owned(), "yes".to_owned());
        }
        args
    }

    /// After an edit: checks a filter and shows what it finds.
    fn edited(&mut self) -> Reply {
        let Some(table) = self.filter else { return Reply::stay() };
        let text = self.line.text();
        self.error = if text.trim().is_empty() { None } else { Query::parse(text, table).err() };
        if self.error.is_some() {
            return Reply::stay();
        }
        Reply::Stay(vec![Act::Run(self.prompt.command, self.args(text, true))])
    }

    /// What could stand at the cursor, in one line.
    fn hints(&self) -> String {
        let Some(table) = self.filter else { return String::new() };
        let found = query::complete(self.line.text(), self.line.cursor(), table);
        let words: Vec<&str> = found.iter().take(8).map(|c| c.text.as_str()).collect();
        if words.is_empty() {
            "enter accepts, esc brings the filter before back".into()
        } else {
            format!("tab: {}", words.join("  "))
        }
    }

    fn complete(&mut self) -> Reply {
        let Some(table) = self.filter else { return Reply::stay() };
        let cursor = self.line.cursor();
        let Some(hit) = query::complete(self.line.text(), cursor, table).into_iter().next() else {
            return Reply::stay();
        };
        let before: String = self.line.text().chars().take(hit.start).collect();
        let after: String = self.line.text().chars().skip(hit.end).collect();
        self.line.set(&format!("{before}{}{after}", hit.text));
        self.edited()
    }
}

impl Layer for PromptLayer {
    fn key(&mut self, key: KeyEvent, cx: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            let back = self.filter.map(|_| Act::Run(self.prompt.command, self.args(&self.prompt.initial, false)));
            return Reply::Close(back.into_iter().collect());
        }
        match key.code {
            KeyCode::Enter if self.error.is_some() => Reply::stay(),
            KeyCode::Enter => {
                let text = self.line.text().to_owned();
                if self.filter.is_some() {
                    cx.history.push(&format!("filter {text}"));
                }
                let run = Act::Run(self.prompt.command, self.args(&text, false));
                Reply::Close(if self.masked { vec![run] } else { vec![run, Act::KeepHistory] })
            }
            KeyCode::Tab => self.complete(),
            KeyCode::Char('o')
                if self.filter.is_none() && !self.masked && key.modifiers.contains(KeyModifiers::CONTROL) =>
            {
                let initial = self.line.text().to_owned();
                Reply::Close(vec![Act::Editor(Prompt { initial, ..self.prompt.clone() })])
            }
            _ => match self.line.key(key) {
                Some(true) => self.edited(),
                _ => Reply::stay(),
            },
        }
    }

    fn paste(&mut self, text: &str, _: &mut LayerCx<'_>) -> Reply {
        self.line.insert(text);
        self.edited()
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let hints = self.hints();
        draw(frame, cx, |buf, paint| {
            if let Some((at, _)) = self.place.filter(|(_, size)| *size == (area.width, area.height)) {
                let text = self.line.text();
                let input = TextInput { text, cursor: Some(self.line.cursor()), ..TextInput::default() };
                return input.render(buf, at, paint);
            }
            if self.filter.is_none() {
                let dots = "*".repeat(self.line.text().chars().count());
                let prompt = ui::prompt::Prompt {
                    title: &self.prompt.title,
                    text: if self.masked { &dots } else { self.line.text() },
                    cursor: self.line.cursor(),
                    hint: if self.masked {
                        "enter accepts, esc leaves; what is typed is shown nowhere and kept nowhere"
                    } else {
                        "enter accepts, ctrl-o writes it in $EDITOR, esc leaves"
                    },
                    error: None,
                };
                return prompt.render(buf, area, paint);
            }
            // A filter is typed at the bottom, so that the list above answers in full sight.
            let bar = FilterBar {
                label: "/",
                text: self.line.text(),
                cursor: self.line.cursor(),
                ghost: "",
                fault: self.error.as_ref().map(|e| Fault { at: e.at, len: e.len, message: &e.message }),
                hint: &hints,
            };
            let height = bar.height(area.width).min(area.height);
            bar.render(buf, Rect { y: area.bottom() - height, height, ..area }, paint)
        });
    }

    fn linear(&self) -> Vec<String> {
        vec![format!("{}: type the answer and Enter", self.prompt.title)]
    }
}
