//! The consoles that are open in the pane: one at a time over the whole pane, or all of them side by
//! side. They stay open while something else is shown.
//!
//! What a console shows comes ready as a [`Screen`](crate::model::console::Screen) or a picture; here it
//! is only drawn, and keys are sent on.

mod ask;
mod draw;
mod keys;

use std::cell::RefCell;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::app::ctx::Ctx;
use crate::app::effect::{ConsoleRequest, Effect, Level};
use crate::model::command::Args;
use crate::model::console::{
    ConsoleId, ConsoleNews, ConsolePhase, ConsoleTarget, Found, Image, Place, Presence, Selection,
};
use crate::model::text::clean;
use crate::panes::alarm_pick::AlarmPick;
use crate::panes::list::commands::toast;
use crate::ui::pixels::{Placement, View};

use ask::Question;

/// The command that an alarm is picked for.
const ATTACH: &str = "console.attach";

/// One console.
#[derive(Debug)]
struct Tab {
    id: ConsoleId,
    target: ConsoleTarget,
    view_only: bool,
    phase: ConsolePhase,
    image: Option<Image>,
    /// What the guest calls it.
    title: String,
    /// The text that was found last, while it is picked out.
    found: Option<Found>,
    /// All places of it that are shown.
    hits: Vec<Found>,
    /// Where copying begins, where that was said.
    mark: Option<Place>,
    /// Lines that it is scrolled up, as far as was asked for.
    scrolled: bool,
    presence: Presence,
    recording: Option<String>,
    /// A picture is shown as a picture although it could be read.
    as_picture: bool,
    /// The part of a picture that is shown.
    view: View,
    /// Steps that the part of a screen that is shown was moved by.
    pan: (i32, i32),
    /// The guest rang while something else was shown.
    rang: bool,
}

impl Tab {
    fn name(&self) -> String {
        let kind = self.target.kind.word();
        format!("{} {kind}", clean(&self.target.name))
    }

    fn ask(&self, request: ConsoleRequest) -> Vec<Effect> {
        vec![Effect::Console(self.id, request)]
    }

    /// Asks for what makes it show its end: what was found is no longer picked out.
    fn ask_at_the_end(&mut self, request: ConsoleRequest) -> Vec<Effect> {
        self.found = None;
        self.hits.clear();
        self.ask(request)
    }

    /// What would be copied: from the mark to the last cell that is shown.
    fn selection(&self) -> Option<Selection> {
        let Some(Image::Screen(screen)) = &self.image else { return None };
        let last = screen.top + u64::from(screen.rows.saturating_sub(1));
        Some(Selection { from: self.mark?, to: Place { line: last, column: screen.columns.saturating_sub(1) } })
    }

    /// The text that is shown, where it is text.
    fn text(&self) -> Option<String> {
        match &self.image {
            Some(Image::Screen(screen)) => Some(screen.text()),
            _ => None,
        }
    }
}

/// What of it is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    /// Nothing: the list is.
    #[default]
    Nothing,
    /// The console with the cursor.
    One,
    /// All of them.
    Wall,
}

/// The open consoles.
#[derive(Debug, Default)]
pub(super) struct Consoles {
    tabs: Vec<Tab>,
    at: usize,
    shown: Shown,
    last: u64,
    /// What was looked for last.
    search: String,
    /// What waits for a yes.
    question: Option<Question>,
    pick: AlarmPick,
    drawn: RefCell<Drawn>,
}

/// What lay where in the last frame, for the mouse.
#[derive(Debug, Default)]
struct Drawn {
    /// Where the pane begins.
    origin: (u16, u16),
    /// The picture.
    picture: Option<Placement>,
    /// The thumbnails of the wall.
    cells: Vec<Rect>,
}

impl Consoles {
    /// Whether it has the pane.
    pub(super) fn is_shown(&self) -> bool {
        self.shown != Shown::Nothing
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.tabs.len()
    }

    fn tab(&self) -> Option<&Tab> {
        self.tabs.get(self.at)
    }

    fn tab_mut(&mut self) -> Option<&mut Tab> {
        self.tabs.get_mut(self.at)
    }

    /// Shows a console; opens it where it is not, or has ended.
    pub(super) fn open(&mut self, target: ConsoleTarget, cx: &Ctx) -> Vec<Effect> {
        if let Some(at) = self.tabs.iter().position(|tab| tab.target == target) {
            self.show(at);
            if !self.tabs.get(at).is_some_and(|tab| matches!(tab.phase, ConsolePhase::Ended(_))) {
                return Vec::new();
            }
            self.tabs.remove(at);
        }
        self.last += 1;
        // Ids of consoles of other runs of this program mean nothing here.
        let id = ConsoleId(self.last);
        let view_only = cx.read_only;
        self.tabs.push(Tab {
            id,
            target: target.clone(),
            view_only,
            phase: ConsolePhase::Opening,
            image: None,
            title: String::new(),
            found: None,
            hits: Vec::new(),
            mark: None,
            scrolled: false,
            presence: Presence::default(),
            recording: None,
            as_picture: false,
            view: View::default(),
            pan: (0, 0),
            rang: false,
        });
        self.show(self.tabs.len() - 1);
        vec![Effect::Console(id, ConsoleRequest::Open { target, view_only })]
    }

    /// Shows all of them side by side.
    pub(super) fn wall(&mut self) -> Vec<Effect> {
        if self.tabs.is_empty() {
            return vec![toast(
                Level::Info,
                "no console is open: c opens the serial console of a machine, v its screen",
            )];
        }
        self.shown = Shown::Wall;
        self.question = None;
        Vec::new()
    }

    /// Takes news in; `active` says whether the pane is the one that is looked at.
    pub(super) fn news(&mut self, id: ConsoleId, news: &ConsoleNews, active: bool) -> Vec<Effect> {
        let front = active && self.shown == Shown::One && self.tab().is_some_and(|tab| tab.id == id);
        let Some(tab) = self.tabs.iter_mut().find(|tab| tab.id == id) else { return Vec::new() };
        match news {
            ConsoleNews::Phase(phase) => {
                // Whoever comes there next was not asked about.
                self.question.take_if(|question| question.id == id && *phase != ConsolePhase::Open);
                if let (ConsolePhase::Ended(why), false) = (phase, front) {
                    tab.phase = phase.clone();
                    return vec![toast(Level::Warn, format!("{}: {}", tab.name(), clean(why)))];
                }
                tab.phase = phase.clone();
            }
            ConsoleNews::Image(image) => {
                if let Image::Screen(screen) = image {
                    tab.scrolled = screen.scrolled > 0;
                }
                tab.image = Some(image.clone());
            }
            ConsoleNews::Found(found) => {
                tab.found = *found;
                if found.is_none() {
                    tab.hits.clear();
                    return vec![toast(Level::Info, format!("`{}` is not there", clean(&self.search)))];
                }
            }
            ConsoleNews::Hits(hits) => tab.hits.clone_from(hits),
            ConsoleNews::Copied(text) => {
                let what = format!("lines of {}", tab.name());
                return vec![Effect::Copy { text: text.clone(), what }];
            }
            ConsoleNews::Bell => tab.rang = !front,
            ConsoleNews::Title(title) => tab.title = clean(title).into_owned(),
            // A guest that nobody looks at puts nothing on the operator's clipboard.
            ConsoleNews::Clipboard(_) if !front => {}
            ConsoleNews::Clipboard(text) => {
                let what = format!("what {} had on its clipboard", tab.name());
                return vec![Effect::Copy { text: text.clone(), what }];
            }
            ConsoleNews::Presence(presence) => {
                let asks =
                    presence.wants.as_ref().filter(|who| presence.ours && tab.presence.wants.as_ref() != Some(who));
                let asks = asks
                    .map(|who| format!("{} asks for control of {}: ctrl-] h hands it over", clean(who), tab.name()));
                tab.presence = presence.clone();
                return asks.map(|words| toast(Level::Info, words)).into_iter().collect();
            }
            ConsoleNews::Recording(file) => {
                let words = match (&tab.recording, file) {
                    (_, Some(file)) => format!("{} is recorded in {}", tab.name(), clean(file)),
                    (Some(file), None) => format!("the recording of {} ended: {}", tab.name(), clean(file)),
                    (None, None) => String::new(),
                };
                tab.recording.clone_from(file);
                if !words.is_empty() {
                    return vec![toast(Level::Good, words)];
                }
            }
            ConsoleNews::Note(words) => return vec![toast(Level::Warn, format!("{}: {}", tab.name(), clean(words)))],
        }
        Vec::new()
    }

    /// The open alarms are there, to pick one.
    pub(super) fn picked(&mut self, msg: &crate::app::message::Msg) -> Vec<Effect> {
        self.pick.picked(msg, ATTACH, "what is shown")
    }

    /// Goes back to the list.
    pub(super) fn leave(&mut self) {
        self.question = None;
        self.shown = Shown::Nothing;
    }

    fn close(&mut self) -> Vec<Effect> {
        let Some(tab) = self.tab() else { return Vec::new() };
        let effects = tab.ask(ConsoleRequest::Close);
        self.tabs.remove(self.at);
        self.at = self.at.min(self.tabs.len().saturating_sub(1));
        if self.tabs.is_empty() {
            self.leave();
        } else if self.shown == Shown::One {
            self.show(self.at);
        }
        effects
    }

    /// Shows one of them over the whole pane.
    fn show(&mut self, at: usize) {
        self.at = at;
        self.shown = Shown::One;
        self.question = None;
        self.seen();
    }

    /// The one with the cursor is looked at: that it rang is known.
    pub(super) fn seen(&mut self) {
        if let (Shown::One, Some(tab)) = (self.shown, self.tabs.get_mut(self.at)) {
            tab.rang = false;
        }
    }

    fn step(&mut self, by: usize) {
        self.show((self.at + by) % self.tabs.len().max(1));
    }

    /// Runs a command of an open console; `None` when it is none.
    pub(super) fn command(&mut self, id: &str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        if !id.starts_with("console.") {
            return None;
        }
        match id {
            "console.leave" => self.leave(),
            "console.close" => return Some(self.close()),
            "console.next" => self.step(1),
            "console.previous" => self.step(self.tabs.len().saturating_sub(1)),
            "console.wall" => return Some(self.wall()),
            "console.search" | "console.search-down" => return Some(self.look_for(id == "console.search", args)),
            "console.attach" => {
                let text = self.tab().and_then(|tab| Some(format!("{}:\n{}", tab.name(), tab.text()?)));
                if text.is_none() && !self.pick.holds(args) {
                    return Some(vec![toast(Level::Info, "there is no text that could be noted")]);
                }
                return Some(self.pick.note(ATTACH, args, &text.unwrap_or_default(), cx));
            }
            _ => return Some(self.of_tab(id, args, cx)),
        }
        Some(Vec::new())
    }

    fn look_for(&mut self, up: bool, args: &Args) -> Vec<Effect> {
        match args.get("text") {
            Some(text) => text.clone_into(&mut self.search),
            None if up => {
                return vec![Effect::Prompt(crate::app::effect::Prompt {
                    title: "Look for".to_owned(),
                    initial: self.search.clone(),
                    command: "console.search",
                    arg: "text",
                    args: Args::new(),
                })];
            }
            None => {}
        }
        if self.search.is_empty() {
            return Vec::new();
        }
        let text = self.search.clone();
        self.tab().map_or_else(Vec::new, |tab| tab.ask(ConsoleRequest::Search { text, backwards: up }))
    }

    /// The mouse over it, in cells of the pane: the wheel scrolls a serial console, a click on a picture is
    /// one in the guest, a click on the wall goes there.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool) -> Vec<Effect> {
        let (at, cell, picture) = {
            let drawn = self.drawn.borrow();
            let at = (at.0.saturating_add(drawn.origin.0), at.1.saturating_add(drawn.origin.1));
            (at, drawn.cells.iter().position(|cell| cell.contains(at.into())), drawn.picture)
        };
        if self.shown == Shown::Wall && lines == 0 {
            self.at = cell.unwrap_or(self.at);
            if double && cell.is_some() {
                self.show(self.at);
            }
            return Vec::new();
        }
        let Some(tab) = self.tab().filter(|_| self.shown == Shown::One) else { return Vec::new() };
        if lines != 0 {
            return tab.ask(ConsoleRequest::Scroll(-i32::from(lines)));
        }
        let pixel = picture.and_then(|placed| placed.pixel(at.0, at.1));
        let Some((x, y)) = pixel.filter(|_| !tab.view_only && tab.phase == ConsolePhase::Open) else {
            return Vec::new();
        };
        if let Some(why) = keys::mute(tab) {
            return vec![toast(Level::Info, why)];
        }
        let (x, y) = (u16::try_from(x).unwrap_or(u16::MAX), u16::try_from(y).unwrap_or(u16::MAX));
        let press = |buttons| Effect::Console(tab.id, ConsoleRequest::Pointer { x, y, buttons });
        vec![press(1), press(0)]
    }

    /// A key for the guest, or for the wall.
    pub(super) fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        match self.shown {
            Shown::Wall => self.wall_key(key),
            Shown::One => self.guest_key(key),
            Shown::Nothing => Vec::new(),
        }
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        match self.shown {
            Shown::Nothing => Vec::new(),
            Shown::Wall => vec!["consoles".to_owned()],
            Shown::One => self.tab().map(Tab::name).into_iter().collect(),
        }
    }
}
