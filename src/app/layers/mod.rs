//! Overlays, as a stack: the topmost gets the keys and says whether it took them. None of them
//! changes the program's state; they answer with [`Act`]s that the kernel carries out.

mod choose;
mod command_line;
mod confirm;
mod help;
mod messages;
mod palette;
mod pin;
mod prompt;

use std::fmt::Debug;

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

pub use choose::ChooseLayer;
pub(crate) use choose::labels as choice_labels;
pub use command_line::CommandLine;
pub use confirm::ConfirmLayer;
pub use help::HelpLayer;
pub use messages::MessagesLayer;
pub use palette::PaletteLayer;
pub use pin::{PinLayer, Typed};
pub use prompt::PromptLayer;

use crate::commands::Registry;
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::keymap::Keymap;
use crate::model::command::{Args, Intent};
use crate::model::order;

use super::ctx::ViewCtx;
use super::effect::Prompt;
use super::line::History;

/// What an overlay may look at while it takes a key.
#[derive(Debug)]
pub struct LayerCx<'a> {
    /// All commands.
    pub registry: &'static Registry,
    /// All keys.
    pub keymap: &'a Keymap,
    /// Contexts of the pane below, the innermost first.
    pub contexts: &'a [Context],
    /// Situation of the pane below.
    pub situation: &'a Situation,
    /// Lines typed before.
    pub history: &'a mut History,
}

/// What an overlay wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Run a command.
    Run(&'static str, Args),
    /// Run an intent whose plan has been confirmed.
    Execute(Intent),
    /// The intent of this command is not wanted after all.
    Drop(&'static str),
    /// Show this theme while it is being chosen; `None` goes back to the one before.
    PreviewTheme(Option<String>),
    /// The history of typed lines changed: keep it.
    KeepHistory,
    /// Answer the question in `$EDITOR`; its text is where to begin.
    Editor(Prompt),
    /// A PIN was typed.
    Pin(Typed),
    /// The question for the PIN was left.
    NoPin,
}

/// What became of a key.
#[derive(Debug)]
pub enum Reply {
    /// Not taken: the next one below gets it.
    Ignored,
    /// Taken.
    Stay(Vec<Act>),
    /// Taken, and the overlay is done.
    Close(Vec<Act>),
}

impl Reply {
    /// Taken, nothing to do.
    pub(crate) const fn stay() -> Self {
        Self::Stay(Vec::new())
    }

    /// Done, nothing to do.
    pub(crate) const fn close() -> Self {
        Self::Close(Vec::new())
    }
}

/// An overlay.
pub trait Layer: Debug {
    /// Takes a key.
    fn key(&mut self, key: KeyEvent, cx: &mut LayerCx<'_>) -> Reply;

    /// Takes pasted text.
    fn paste(&mut self, _text: &str, _cx: &mut LayerCx<'_>) -> Reply {
        Reply::stay()
    }

    /// The wheel turned (lines, down positive).
    fn wheel(&mut self, _lines: i16) {}

    /// Draws itself over `area`, the whole screen.
    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>);

    /// What `--linear` prints when it opens: a numbered question.
    fn linear(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whether a key closes an overlay: Esc, or Ctrl-C.
pub(crate) fn is_cancel(key: KeyEvent) -> bool {
    use crossterm::event::{KeyCode, KeyModifiers};
    key.code == KeyCode::Esc || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}

/// Moves of a selection in a list of `len`: arrows, Ctrl-N/P, page keys, Home and End.
pub(crate) fn move_selection(key: KeyEvent, selected: usize, len: usize, page: usize) -> Option<usize> {
    use crossterm::event::{KeyCode, KeyModifiers};
    let last = len.saturating_sub(1);
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Up => selected.checked_sub(1).unwrap_or(last),
        KeyCode::Down => {
            if selected >= last {
                0
            } else {
                selected + 1
            }
        }
        KeyCode::Char('p') if ctrl => selected.checked_sub(1).unwrap_or(last),
        KeyCode::Char('n') if ctrl => {
            if selected >= last {
                0
            } else {
                selected + 1
            }
        }
        KeyCode::PageUp => selected.saturating_sub(page),
        KeyCode::PageDown => (selected + page).min(last),
        _ => return None,
    })
}

/// What the console of an appliance does in another way, or not at all.
const HIDDEN: [&str; 3] = ["app.quit", "app.suspend", "app.interrupt"];

/// Commands in the contexts given, each with its keys and, when it cannot run, the reason.
pub(crate) fn entries(cx: &LayerCx<'_>) -> Vec<Entry> {
    let mut out: Vec<Entry> = cx
        .registry
        .all()
        .filter(|s| cx.contexts.contains(&s.context))
        // The console of an appliance has its own numbers, and is neither left nor stopped by a key.
        .filter(|s| !(cx.situation.console && (s.id.starts_with("pane.") || HIDDEN.contains(&s.id))))
        .map(|spec| Entry { spec, keys: cx.keymap.keys_of(spec.id), disabled: disabled(spec, cx.situation) })
        .collect();
    order::by_key(&mut out, |e| cx.contexts.iter().position(|c| *c == e.spec.context));
    out
}

/// Why a command cannot run, including what the gate would say.
pub(crate) fn disabled(spec: &CommandSpec, situation: &Situation) -> Option<String> {
    use crate::commands::spec::Mutates;
    if spec.mutates != Mutates::Nothing {
        if situation.read_only {
            return Some("the profile is read-only".into());
        }
        if situation.cut_off {
            return Some("the noctule that owns the cache does not answer".into());
        }
    }
    (spec.enabled)(situation).err().map(str::to_owned)
}

/// A command as help and palette show it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) spec: &'static CommandSpec,
    pub(crate) keys: Vec<String>,
    pub(crate) disabled: Option<String>,
}

/// Draws an overlay's widget and puts the text cursor where it says.
pub(crate) fn draw(
    frame: &mut Frame<'_>,
    cx: &ViewCtx<'_>,
    render: impl FnOnce(&mut ratatui::buffer::Buffer, &crate::ui::Paint<'_>) -> Option<(u16, u16)>,
) {
    let paint = crate::ui::Paint::new(cx.theme, cx.glyphs);
    if let Some(at) = render(frame.buffer_mut(), &paint) {
        frame.set_cursor_position(at);
    }
}
