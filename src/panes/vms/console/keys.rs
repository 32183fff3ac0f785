//! Keys and texts on their way to the guest, and the commands of the console with the cursor.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, ConsoleRequest, Effect, Level, Prompt};
use crate::model::combination::{self, MENU};
use crate::model::command::Args;
use crate::model::console::{ConsoleKey, ConsoleKind, ConsolePhase, Image, Presence, Stroke};
use crate::panes::list::commands::toast;
use crate::panes::verbs::ask;
use crate::ui::console_keys::stroke;
use crate::ui::pixels::View;

use super::ask::Question;
use super::{Consoles, Shown, Tab};

/// Said where a profile does not allow it.
const READ_ONLY: &str = "the profile is read-only: the console is only looked at";

impl Consoles {
    /// Arrows walk over the wall, enter shows one.
    pub(super) fn wall_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let last = self.tabs.len().saturating_sub(1);
        match key.code {
            KeyCode::Left | KeyCode::Up | KeyCode::Char('h' | 'k') => self.at = self.at.saturating_sub(1),
            KeyCode::Right | KeyCode::Down | KeyCode::Char('l' | 'j') => self.at = (self.at + 1).min(last),
            KeyCode::Enter => {
                self.shown = Shown::One;
                self.step(0);
            }
            KeyCode::Esc | KeyCode::Char('q') => self.leave(),
            _ => {}
        }
        Vec::new()
    }

    /// A key for the guest; for a dialog where the console is not open.
    pub(super) fn guest_key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        if let Some(question) = self.question.take() {
            return self.answered(question, key);
        }
        let Some(tab) = self.tab() else { return Vec::new() };
        match &tab.phase {
            ConsolePhase::Open => {}
            ConsolePhase::Held(_) => {
                return match key.code {
                    KeyCode::Char('t' | 'T') if tab.view_only => vec![toast(Level::Info, READ_ONLY)],
                    KeyCode::Char('t' | 'T') => tab.ask(ConsoleRequest::TakeOver),
                    KeyCode::Esc | KeyCode::Char('q') => self.close(),
                    _ => Vec::new(),
                };
            }
            ConsolePhase::Opening | ConsolePhase::Ended(_) => {
                return match key.code {
                    KeyCode::Esc | KeyCode::Char('q') => self.close(),
                    KeyCode::Enter if matches!(tab.phase, ConsolePhase::Ended(_)) => self.again(),
                    _ => Vec::new(),
                };
            }
        }
        if let Some(why) = mute(tab) {
            return vec![toast(Level::Info, why)];
        }
        stroke(*key).map_or_else(Vec::new, |stroke| tab.ask(ConsoleRequest::Key(stroke)))
    }

    /// The key that answers a question. Enter is the one that somebody types on without looking.
    fn answered(&self, question: Question, key: &KeyEvent) -> Vec<Effect> {
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y'));
        let Some(tab) = self.tab().filter(|tab| yes && tab.id == question.id) else { return Vec::new() };
        // Who may type may have changed while it was asked.
        mute(tab).map_or_else(|| tab.ask(question.request), |why| vec![toast(Level::Info, why)])
    }

    /// Opens one that has ended again.
    fn again(&mut self) -> Vec<Effect> {
        let Some(target) = self.tab().map(|tab| tab.target.clone()) else { return Vec::new() };
        let view_only = self.tab().is_some_and(|tab| tab.view_only);
        self.last += 1;
        let id = crate::model::console::ConsoleId(self.last);
        if let Some(tab) = self.tab_mut() {
            tab.id = id;
            tab.phase = ConsolePhase::Opening;
            (tab.image, tab.found, tab.recording) = (None, None, None);
            (tab.scrolled, tab.as_picture) = (false, false);
            tab.presence = Presence::default();
        }
        vec![Effect::Console(id, ConsoleRequest::Open { target, view_only })]
    }

    /// A text for the guest. With line ends in it each line is run by what reads it: it is asked first.
    pub(in crate::panes::vms) fn paste(&mut self, text: &str) -> Vec<Effect> {
        let Some(tab) = self.tab().filter(|tab| self.shown == Shown::One && tab.phase == ConsolePhase::Open) else {
            return Vec::new();
        };
        if let Some(why) = mute(tab) {
            return vec![toast(Level::Info, why)];
        }
        let id = tab.id;
        self.after_a_yes(Question::paste(id, text), ConsoleRequest::Paste(text.to_owned()))
    }

    /// Asks where there is a question, and sends the request on where there is none.
    fn after_a_yes(&mut self, question: Option<Question>, request: ConsoleRequest) -> Vec<Effect> {
        self.question = question;
        match self.tab() {
            Some(tab) if self.question.is_none() => tab.ask(request),
            _ => Vec::new(),
        }
    }

    /// Runs a command of the console with the cursor.
    pub(super) fn of_tab(&mut self, id: &str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let rows = super::draw::rows(cx);
        let half = i32::from(rows / 2).max(1);
        let Some(tab) = self.tab_mut() else { return Vec::new() };
        let types = matches!(id, "console.escape" | "console.type" | "console.keys" | "console.size");
        if let (true, Some(why)) = (types, mute(tab)) {
            return vec![toast(Level::Info, why)];
        }
        match id {
            "console.escape" => {
                tab.ask(ConsoleRequest::Key(Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char(']')) }))
            }
            "console.up" => tab.ask(ConsoleRequest::Scroll(half)),
            "console.down" => tab.ask(ConsoleRequest::Scroll(-half)),
            "console.bottom" => tab.ask(ConsoleRequest::Scroll(0)),
            "console.copy" => match tab.text() {
                Some(text) => vec![Effect::Copy { what: format!("what {} shows", tab.name()), text }],
                None => vec![toast(Level::Info, "a picture cannot be copied as text")],
            },
            "console.type" => match args.get("text") {
                Some(text) => {
                    let id = tab.id;
                    self.after_a_yes(Question::paste(id, text), ConsoleRequest::Paste(text.clone()))
                }
                None => ask("Send which text?".to_owned(), "console.type", "text", Args::new()),
            },
            "console.keys" if tab.target.kind == ConsoleKind::Serial => {
                let words = "a serial line has no such keys: the screen of the machine has, v in the list opens it";
                vec![toast(Level::Info, words)]
            }
            "console.keys" => match args.get("keys") {
                Some(keys) => {
                    let id = tab.id;
                    self.after_a_yes(Question::combination(id, keys), ConsoleRequest::Combination(keys.clone()))
                }
                None => vec![Effect::Choose(Choose {
                    title: "Send which keys?".to_owned(),
                    items: MENU.iter().map(|c| (c.name.to_owned(), c.label.to_owned())).collect(),
                    selected: combination::first(),
                    command: "console.keys",
                    arg: "keys",
                    args: Args::new(),
                })],
            },
            "console.record" => match (&tab.recording, args.get("file")) {
                (Some(_), _) => tab.ask(ConsoleRequest::Record(None)),
                (None, Some(file)) => tab.ask(ConsoleRequest::Record(Some(file.clone()))),
                (None, None) => vec![Effect::Prompt(Prompt {
                    title: "Record in which file? (asciicast; nothing is left out of it)".to_owned(),
                    initial: format!("{}.cast", file_name(&tab.target.name)),
                    command: "console.record",
                    arg: "file",
                    args: Args::new(),
                })],
            },
            "console.size" => {
                let (columns, id) = (cx.size.0, tab.id);
                match tab.target.kind {
                    ConsoleKind::Serial => {
                        let question = Question::size(id, &tab.name(), columns, rows);
                        self.question = Some(question);
                        Vec::new()
                    }
                    // A cell of a terminal is about as large as one of a text console.
                    ConsoleKind::Vnc => {
                        tab.ask(ConsoleRequest::Resize(columns.saturating_mul(8), rows.saturating_mul(16)))
                    }
                }
            }
            "console.picture" => {
                tab.as_picture = !tab.as_picture;
                let wanted = tab.as_picture;
                tab.ask(ConsoleRequest::Picture(wanted))
            }
            "console.control" => {
                let wanted = !tab.presence.ours;
                tab.ask(ConsoleRequest::Control(wanted))
            }
            "console.hand-over" => tab.ask(ConsoleRequest::HandOver),
            "console.take-over" if tab.view_only => vec![toast(Level::Info, READ_ONLY)],
            "console.take-over" => tab.ask(ConsoleRequest::TakeOver),
            "console.closer" | "console.farther" => {
                let Some(Image::Picture(picture)) = &tab.image else {
                    return vec![toast(Level::Info, "text is not made larger: ctrl-] g shows the picture")];
                };
                if tab.view == View::default() {
                    tab.view.centre = (picture.width / 2, picture.height / 2);
                }
                tab.view = tab.view.zoomed(id == "console.closer");
                Vec::new()
            }
            "console.left" => shift(tab, -1, 0),
            "console.right" => shift(tab, 1, 0),
            "console.higher" => shift(tab, 0, -1),
            "console.lower" => shift(tab, 0, 1),
            _ => Vec::new(),
        }
    }
}

fn shift(tab: &mut Tab, x: i32, y: i32) -> Vec<Effect> {
    const MOST: i32 = 64;
    match &tab.image {
        Some(Image::Picture(picture)) => tab.view = tab.view.panned(picture, x, y),
        _ => tab.pan = ((tab.pan.0 + x).clamp(-MOST, MOST), (tab.pan.1 + y).clamp(-MOST, MOST)),
    }
    Vec::new()
}

/// Why nothing may be typed into it.
fn mute(tab: &Tab) -> Option<String> {
    if tab.view_only {
        return Some(READ_ONLY.to_owned());
    }
    if tab.presence.viewers.len() > 1 && !tab.presence.ours {
        let who = tab.presence.control.as_deref().unwrap_or("nobody");
        return Some(format!("{} types here: ctrl-] c asks for control", crate::model::text::clean(who)));
    }
    None
}

/// A name as part of one of a file.
fn file_name(name: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    name.chars().map(good).take(64).collect()
}
