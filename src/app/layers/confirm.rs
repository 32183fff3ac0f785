//! The plan of a command before it runs: what it touches, the equivalent calls, what cannot be
//! undone; and the answer, as heavy as the command's confirm level asks.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::app::line::Line;
use crate::commands::spec::{Choice, Confirm};
use crate::model::command::{Intent, Plan};
use crate::ui;
use crate::ui::confirm::Ask;

use super::{Act, Layer, LayerCx, Reply, draw, is_cancel};

/// Lines that the page keys scroll by.
const PAGE: u16 = 10;

/// The overlay.
#[derive(Debug)]
pub struct ConfirmLayer {
    intent: Intent,
    plan: Plan,
    level: Confirm,
    choices: Vec<Choice>,
    typed: Line,
    scroll: u16,
}

impl ConfirmLayer {
    /// Asks.
    #[must_use]
    pub fn new(intent: Intent, plan: Plan, level: Confirm) -> Self {
        let choices = crate::app::registry().get(intent.command).map_or(&[][..], |spec| spec.choices);
        let choices = choices.iter().filter(|c| intent.args.contains_key(c.needs)).copied().collect();
        Self { intent, plan, level, choices, typed: Line::default(), scroll: 0 }
    }

    /// The other answer that a key gives. Where the answer is typed it takes Ctrl.
    fn choice(&self, key: KeyEvent) -> Option<&Choice> {
        let typed = self.level == Confirm::TypeName && self.plan.total > 0;
        let KeyCode::Char(pressed) = key.code else { return None };
        (key.modifiers.contains(KeyModifiers::CONTROL) == typed)
            .then(|| self.choices.iter().find(|c| c.key == pressed.to_ascii_lowercase()))
            .flatten()
    }

    fn drop_it(&self) -> Act {
        Act::Drop(self.intent.command)
    }

    fn run(&self) -> Reply {
        Reply::Close(vec![Act::Execute(self.intent.clone())])
    }
}

impl Layer for ConfirmLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            return Reply::Close(vec![self.drop_it()]);
        }
        if let Some(choice) = self.choice(key) {
            return Reply::Close(vec![self.drop_it(), Act::Run(choice.command, self.intent.args.clone())]);
        }
        match key.code {
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(PAGE),
            // There is nothing that could be done: any answer leaves it.
            _ if self.plan.total == 0 => match key.code {
                KeyCode::Enter | KeyCode::Char('n' | 'N' | 'y' | 'Y') => return Reply::Close(vec![self.drop_it()]),
                _ => {}
            },
            _ if self.level == Confirm::TypeName => {
                if key.code == KeyCode::Enter && self.typed.text().trim() == self.plan.phrase {
                    return self.run();
                }
                self.typed.key(key);
            }
            KeyCode::Char('y' | 'Y') if !key.modifiers.contains(KeyModifiers::CONTROL) => return self.run(),
            KeyCode::Char('n' | 'N') => return Reply::Close(vec![self.drop_it()]),
            _ => {}
        }
        Reply::stay()
    }

    fn paste(&mut self, _: &str, _: &mut LayerCx<'_>) -> Reply {
        // The name has to be typed: a pasted one proves nothing.
        Reply::stay()
    }

    fn wheel(&mut self, lines: i16) {
        self.scroll = self.scroll.saturating_add_signed(lines);
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let ask = match self.level {
            _ if self.plan.total == 0 => Ask::Nothing,
            Confirm::TypeName => Ask::Phrase { text: self.typed.text(), cursor: self.typed.cursor() },
            _ => Ask::YesNo,
        };
        let others: Vec<(char, &str)> = self.choices.iter().map(|c| (c.key, c.words)).collect();
        let question = ui::confirm::Confirm { plan: Some(&self.plan), ask, others: &others, scroll: self.scroll };
        draw(frame, cx, |buf, paint| question.render(buf, area, paint));
    }

    fn linear(&self) -> Vec<String> {
        let mut out = vec![self.plan.title.clone()];
        out.extend(self.plan.first.iter().map(|n| format!("  target {n}")));
        out.extend(self.plan.irreversible.iter().map(|n| format!("  cannot be undone: {n}")));
        out.extend(self.plan.skipped.iter().map(|(why, n)| format!("  {n} left out: {why}")));
        out.push(match self.level {
            _ if self.plan.total == 0 => "there is nothing to do: n leaves it".into(),
            Confirm::TypeName => format!("type {} and Enter, or Esc", self.plan.phrase),
            _ => "y or n".into(),
        });
        out.extend(self.choices.iter().map(|c| format!("{} for {}", c.key, c.words)));
        out
    }
}
