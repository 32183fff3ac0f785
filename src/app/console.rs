//! The kernel on the console of an appliance: the same program with a menu as its first screen, a
//! PIN before changes, and a view for the wall when nobody is there.
//!
//! Digits lead to the pages from everywhere, 0, q and Esc one level back; nothing needs a function
//! key, Ctrl or a mouse.

use crate::commands::gate::Bar;
use crate::commands::pin::{Guarded, Lock, Try};
use crate::commands::spec::Context;
use crate::keymap::{Chord, Key, Lookup, Named};
use crate::model::command::{Args, Intent, LiveRequest};
use crate::model::record::CommandRecord;
use crate::model::time::{MINUTE, SECOND, Ts};

use super::effect::{Effect, Level, Location, Toast};
use super::layers::{PinLayer, Typed};
use super::pane::{Pane, PaneId};
use super::port::Request;
use super::state::{App, TerminalAct};

/// What a console is told at its start.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// Name of the source that is the appliance.
    pub appliance: String,
    /// µs without a key until it is left alone.
    pub idle_us: i64,
    /// Whether the wall view is shown then.
    pub wall: bool,
    /// The lock before changes.
    pub lock: Lock,
    /// Whether there is something behind it to go back to.
    pub leave: bool,
}

/// What waits for the PIN.
#[derive(Debug, Clone)]
enum Held {
    /// A wish that the gate has not let through yet.
    Wish(Intent),
    /// One whose plan has been confirmed.
    Confirmed(Intent),
    /// Something else that writes or tells secrets.
    Effect(Effect),
}

/// A place to come back to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    pane: PaneId,
    contexts: Vec<Context>,
    filtered: bool,
    marked: bool,
    busy: bool,
}

/// The console's state.
#[derive(Debug, Clone)]
pub(super) struct Console {
    options: ConsoleOptions,
    last_key: Ts,
    /// The wall view is shown.
    wall: bool,
    held: Option<Held>,
    /// Where the menu led last.
    entry: Option<Place>,
}

impl Console {
    /// The appliance.
    pub(super) fn appliance(&self) -> &str {
        &self.options.appliance
    }

    /// Whether the wall view is shown.
    pub(super) const fn wall(&self) -> bool {
        self.wall
    }

    /// Whether there is something behind it.
    pub(super) const fn leave(&self) -> bool {
        self.options.leave
    }

    /// The sign of the lock; `None` where there is none.
    pub(super) fn sign(&self, now: Ts) -> Option<&'static str> {
        match self.options.lock.guarded() {
            Guarded::Open => None,
            Guarded::Pin(_) if self.options.lock.is_open(now) => Some("UNLOCKED"),
            Guarded::Pin(_) => Some("LOCKED"),
            Guarded::Refused(_) => Some("LOOK ONLY"),
        }
    }

    /// When something of it changes by itself.
    pub(super) fn next_tick(&self, now: Ts, asking: bool) -> Option<Ts> {
        let idle = (!self.wall).then(|| self.last_key.plus(self.options.idle_us)).filter(|at| *at > now);
        let pause = self.options.lock.paused(now).filter(|_| asking).map(|at| at.min(now.plus(SECOND)));
        [idle, pause, self.options.lock.until()].into_iter().flatten().min()
    }
}

/// The minute that the clock of a console shows next.
pub(super) fn next_minute(now: Ts) -> Ts {
    Ts(now.0 - now.0.rem_euclid(MINUTE) + MINUTE)
}

impl App {
    /// The kernel as the console of an appliance: the menu is its first screen.
    #[must_use]
    pub fn on_console(mut self, options: ConsoleOptions) -> Self {
        // The list of appliances is there when it is first looked at.
        let to = Location { pane: PaneId::Buffers, row: None, canonical: None, filter: None, below: None };
        self.ctx.console = true;
        self.console = Some(Console { options, last_key: self.ctx.now, wall: false, held: None, entry: None });
        self.goto(&to);
        self.back.clear();
        self.ctx.active = PaneId::Menu;
        self
    }

    /// Whether it is the console of an appliance.
    #[must_use]
    pub const fn is_console(&self) -> bool {
        self.console.is_some()
    }

    /// What stands before changes.
    pub(super) fn bar(&self) -> Bar<'_> {
        self.console.as_ref().map_or(Bar::None, |c| c.options.lock.bar(self.ctx.now))
    }

    /// A key was pressed. Whether it only woke the console.
    pub(super) fn console_key(&mut self) -> bool {
        let now = self.ctx.now;
        let Some(console) = &mut self.console else { return false };
        console.last_key = now;
        let woken = std::mem::take(&mut console.wall);
        if woken {
            self.show_active();
        }
        woken
    }

    /// Time has come to `now`: nobody there for long locks and shows the wall view.
    pub(super) fn console_tick(&mut self, now: Ts) {
        let Some(console) = &mut self.console else { return };
        let lock = &mut console.options.lock;
        self.dirty |= lock.paused(now).is_some();
        if lock.until().is_some_and(|until| until <= now) {
            lock.lock();
            self.dirty = true;
        }
        if console.last_key.plus(console.options.idle_us) > now || console.wall {
            return;
        }
        self.dirty |= lock.until().is_some();
        lock.lock();
        if console.options.wall {
            console.wall = true;
            self.dirty = true;
        }
        // What asks for the PIN, or waits for it, is not left to whoever comes next.
        if console.held.is_some() {
            self.layers.pop();
            self.forget_held();
        }
    }

    /// Whether something that passes no gate has to wait for the PIN after all: what writes files,
    /// takes changes back, or shows secrets.
    pub(super) fn bars(&mut self, effect: &Effect) -> bool {
        let guarded = matches!(
            effect,
            Effect::Undo(_)
                | Effect::Export(_)
                | Effect::Report(_)
                | Effect::DiagExport(_)
                | Effect::Live(_, LiveRequest::Secret { .. })
        );
        if !guarded {
            return false;
        }
        match self.bar() {
            Bar::None => false,
            Bar::Pin => {
                self.ask_pin(Held::Effect(effect.clone()), None);
                true
            }
            Bar::Refuse(why) => {
                let toast = Toast::new(Level::Warn, why.to_owned());
                self.toast(toast);
                true
            }
        }
    }

    /// Asks for the PIN before an intent goes through the gate.
    pub(super) fn ask_pin_for(&mut self, intent: Intent) {
        self.ask_pin(Held::Wish(intent), None);
    }

    /// Runs an intent whose plan has been confirmed; the console may have locked itself meanwhile.
    pub(super) fn confirmed(&mut self, intent: Intent) {
        if matches!(self.bar(), Bar::Pin) {
            return self.ask_pin(Held::Confirmed(intent), None);
        }
        self.execute(intent);
    }

    fn ask_pin(&mut self, held: Held, wrong: Option<u32>) {
        let Some(console) = &mut self.console else { return };
        let what = match &held {
            Held::Wish(intent) | Held::Confirmed(intent) => {
                super::registry().get(intent.command).map_or("This", |spec| spec.title)
            }
            Held::Effect(Effect::Undo(_)) => "Undo",
            Held::Effect(Effect::Live(..)) => "Showing a secret",
            Held::Effect(_) => "Writing a file",
        };
        let layer = PinLayer::new(what, wrong.unwrap_or(0), console.options.lock.paused(self.ctx.now));
        console.held = Some(held);
        self.open(Box::new(layer));
    }

    /// The question for the PIN was left.
    pub(super) fn forget_held(&mut self) {
        let held = self.console.as_mut().and_then(|console| console.held.take());
        if let Some(Held::Wish(intent) | Held::Confirmed(intent)) = held {
            self.not_run(intent.command, None);
        }
    }

    /// A PIN was typed.
    pub(super) fn pin_typed(&mut self, typed: &Typed) {
        let now = self.ctx.now;
        let Some(console) = &mut self.console else { return };
        let Some(held) = console.held.take() else { return };
        match console.options.lock.try_pin(&typed.0, now) {
            Try::Unlocked(_) => {
                self.journal_pin(true, "unlocked with the PIN".to_owned());
                match held {
                    Held::Wish(intent) => self.carry_out(Effect::Intent(intent)),
                    Held::Confirmed(intent) => self.execute(intent),
                    Held::Effect(effect) => self.carry_out(effect),
                }
            }
            Try::Wrong(n, until) => {
                let pause = until.since(now) / SECOND;
                self.journal_pin(false, format!("wrong PIN, {n} in a row; none is taken for {pause} s"));
                self.ask_pin(held, Some(n));
            }
            Try::TooSoon(_) => {
                let wrong = console.options.lock.wrong();
                self.ask_pin(held, Some(wrong));
            }
        }
    }

    /// What became of a PIN goes into the journal; the PIN does not.
    fn journal_pin(&mut self, good: bool, words: String) {
        let appliance = self.console.as_ref().map_or_else(String::new, |c| c.appliance().to_owned());
        let record = CommandRecord {
            at: self.ctx.now,
            actor: self.ctx.operator.to_string(),
            command: "menu.unlock".to_owned(),
            targets: vec![appliance],
            total: 1,
            done: u32::from(good),
            errors: vec![words],
        };
        self.backend.send(Request::Journal(record));
    }

    fn place(&self) -> Place {
        let situation = self.situation();
        Place {
            pane: self.ctx.active,
            contexts: self.contexts(),
            filtered: situation.filtered,
            marked: situation.marked > 0,
            busy: situation.busy,
        }
    }

    /// Commands of the console itself. Whether `id` was one.
    pub(super) fn run_console(&mut self, id: &str) -> bool {
        let Some(console) = &self.console else { return false };
        let appliance = console.appliance().to_owned();
        let row = self.ctx.sources.iter().find(|s| *s.name == *appliance).map(|s| s.id).filter(|id| id.0 >= 0);
        let quoted = appliance.replace(['"', '\\'], "");
        let to = |pane, canonical: Option<String>, filter: Option<String>| Location {
            pane,
            row: None,
            canonical,
            filter,
            below: None,
        };
        match id {
            "menu.buffers" => self.page(&Location { row, ..to(PaneId::Buffers, None, None) }, None),
            "menu.services" => {
                // The list of appliances may not be there yet: which one is meant goes along.
                let one = row.map(|id| [("row".to_owned(), id.0.to_string()), ("appliance".to_owned(), appliance)]);
                let args = one.map(Args::from).unwrap_or_default();
                self.page(&Location { row, ..to(PaneId::Buffers, None, None) }, Some(("buffer.services", args)));
            }
            "menu.status" | "menu.ports" | "menu.help" => {
                let page = id.strip_prefix("menu.").unwrap_or(id);
                self.page(&to(PaneId::Menu, Some(page.to_owned()), None), None);
            }
            "menu.network" => self.page(&to(PaneId::Diag, None, None), None),
            "menu.logs" => {
                self.page(&to(PaneId::Log, None, Some(format!("source=\"{quoted}\" or kind=command"))), None);
            }
            "menu.home" => self.home(),
            "menu.leave" if self.console.as_ref().is_some_and(Console::leave) => self.acts.push(TerminalAct::Quit),
            "menu.leave" => {
                let words = "there is nothing behind this console to leave to: it starts again by itself";
                self.toast(Toast::new(Level::Info, words));
            }
            "menu.lock" => {
                if let Some(console) = &mut self.console {
                    console.options.lock.lock();
                }
                self.toast(Toast::new(Level::Good, "locked: changes ask for the PIN again"));
            }
            // Whoever stands before the rack gets no shell and no other programs.
            "app.suspend" => {
                self.toast(Toast::new(Level::Info, "the console of an appliance is not suspended"));
            }
            "menu.back" | "app.quit" | "app.interrupt" => self.step_back(),
            "app.theme" => self.toast(Toast::new(Level::Info, "the console keeps its colours")),
            _ => return false,
        }
        true
    }

    /// Opens a page of the menu.
    fn page(&mut self, to: &Location, then: Option<(&'static str, Args)>) {
        self.goto(to);
        self.back.clear();
        if let Some((id, args)) = then {
            self.run(id, args);
        }
        let place = self.place();
        if let Some(console) = &mut self.console {
            console.entry = Some(place);
        }
        self.dirty = true;
    }

    fn home(&mut self) {
        self.back.clear();
        self.ctx.active = PaneId::Menu;
        let to = Location { pane: PaneId::Menu, row: None, canonical: None, filter: None, below: None };
        if let Some((pane, cx)) = self.pane_mut() {
            let effects = pane.goto(&to, cx);
            self.apply(effects);
        }
        self.show_active();
    }

    /// One level back: what Esc does in the place, and where that does nothing the page before, the
    /// menu at last.
    pub(super) fn step_back(&mut self) {
        if !self.pending.is_empty() {
            self.pending.clear();
            self.which_key_at = None;
            return;
        }
        let before = self.place();
        let entry = self.console.as_ref().and_then(|c| c.entry.clone());
        let at_menu = self.ctx.active == PaneId::Menu && !before.contexts.contains(&Context::MenuPage);
        if at_menu {
            let words = if self.console.as_ref().is_some_and(Console::leave) {
                "this is the first screen: 8 leaves it"
            } else {
                "this is the first screen: a number opens a page"
            };
            return self.toast(Toast::new(Level::Info, words));
        }
        if entry.as_ref() == Some(&before) || self.ctx.active == PaneId::Menu {
            return self.home();
        }
        let esc = Chord::new(Key::Named(Named::Esc), false, false, false);
        if let Lookup::Command(id) = self.keymap.lookup(&before.contexts, &[esc])
            && !id.starts_with("menu.")
        {
            self.run(id, Args::new());
            if self.place() != before || self.has_layer() {
                return;
            }
        }
        match self.back.pop() {
            Some(place) => self.show_pane(place.pane),
            None => self.home(),
        }
    }

    /// The pane of the menu.
    pub(super) fn menu(&self) -> Option<&dyn Pane> {
        self.panes.iter().find(|p| p.id() == PaneId::Menu).map(AsRef::as_ref)
    }
}
