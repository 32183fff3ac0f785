//! Keys and texts on their way to the guest, and the commands of the console with the cursor.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, ConsoleRequest, Effect, Level, Prompt, RecordIn};
use crate::model::combination::{self, MENU};
use crate::model::command::Args;
use crate::model::console::{ConsoleKey, ConsoleKind, ConsolePhase, Image, Place, Presence, Stroke};
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, choose};
use crate::ui::console_keys::stroke;
use crate::ui::pixels::View;

use super::ask::Question;
use super::draw::panned;
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
            KeyCode::Enter => self.show(self.at),
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
        match (stroke(*key), self.tab_mut()) {
            (Some(stroke), Some(tab)) => tab.ask_at_the_end(ConsoleRequest::Key(stroke)),
            _ => Vec::new(),
        }
    }

    /// The key that answers a question. Enter is the one that somebody types on without looking.
    fn answered(&mut self, question: Question, key: &KeyEvent) -> Vec<Effect> {
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y'));
        let Some(tab) = self.tab_mut().filter(|tab| yes && tab.id == question.id) else { return Vec::new() };
        // Who may type may have changed while it was asked.
        match mute(tab) {
            Some(why) => vec![toast(Level::Info, why)],
            None => tab.ask_at_the_end(question.request),
        }
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
            (tab.image, tab.found, tab.mark, tab.recording) = (None, None, None, None);
            tab.hits.clear();
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
        let asked = self.question.is_some();
        self.tab_mut().filter(|_| !asked).map_or_else(Vec::new, |tab| tab.ask_at_the_end(request))
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
            "console.bottom" => tab.ask_at_the_end(ConsoleRequest::Scroll(0)),
            "console.mark" => match (&tab.image, tab.target.kind) {
                (Some(Image::Screen(screen)), ConsoleKind::Serial) => {
                    let first = Place { line: screen.top, column: 0 };
                    tab.mark = if tab.mark.is_none() { Some(first) } else { None };
                    Vec::new()
                }
                _ => vec![toast(Level::Info, "a screen has no lines above what is shown: ctrl-] y copies that")],
            },
            "console.reset" if tab.target.kind == ConsoleKind::Vnc => {
                vec![toast(Level::Info, "a screen has no terminal here that could be reset")]
            }
            "console.reset" => tab.ask_at_the_end(ConsoleRequest::Reset),
            "console.copy" if tab.mark.is_some() => {
                let selection = tab.selection();
                tab.mark = None;
                selection.map_or_else(Vec::new, |selection| tab.ask(ConsoleRequest::Copy(selection)))
            }
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
            "console.record" => record(tab, args),
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
            "console.left" => shift(tab, -1, 0, (cx.size.0, rows)),
            "console.right" => shift(tab, 1, 0, (cx.size.0, rows)),
            "console.higher" => shift(tab, 0, -1, (cx.size.0, rows)),
            "console.lower" => shift(tab, 0, 1, (cx.size.0, rows)),
            _ => Vec::new(),
        }
    }
}

/// Moves the part that is shown, in so many columns and rows.
fn shift(tab: &mut Tab, x: i32, y: i32, room: (u16, u16)) -> Vec<Effect> {
    match &tab.image {
        Some(Image::Picture(picture)) => tab.view = tab.view.panned(picture, x, y),
        Some(Image::Screen(screen)) => {
            // The cursor may have moved the part since, so that less is left to move.
            let (right, down) = panned(screen, room, tab.pan);
            tab.pan = panned(screen, room, (right + x, down + y));
        }
        None => {}
    }
    Vec::new()
}

/// Asks for what a recording lacks, begins it, or ends the one that runs.
fn record(tab: &Tab, args: &Args) -> Vec<Effect> {
    const ID: &str = "console.record";
    if tab.recording.is_some() {
        return tab.ask(ConsoleRequest::Record(None));
    }
    if tab.target.kind == ConsoleKind::Vnc {
        return vec![toast(Level::Info, "only serial consoles are recorded")];
    }
    let Some(redact) = args.get("redact") else {
        let ways = [
            ("no", "everything that is shown, and the file says so"),
            ("yes", "what looks like a password, a token or a key becomes asterisks, and the file says so"),
        ];
        return choose("Record what?".to_owned(), &ways, ID, "redact", args.clone());
    };
    let redact = redact == "yes";
    match args.get("file") {
        Some(file) => tab.ask(ConsoleRequest::Record(Some(RecordIn { file: file.clone(), redact }))),
        None => vec![Effect::Prompt(Prompt {
            title: format!("Record in which file? (asciicast, {})", if redact { "redacted" } else { "not redacted" }),
            initial: format!("{}.cast", file_name(&tab.target.name)),
            command: ID,
            arg: "file",
            args: args.clone(),
        })],
    }
}

/// Why nothing may be typed into it.
pub(super) fn mute(tab: &Tab) -> Option<String> {
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
