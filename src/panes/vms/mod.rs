//! The pane of virtual machines: every host and its machines in one list, what can be done to them,
//! and their consoles inside the pane.

mod columns;
pub(crate) mod commands;
mod console;
mod inside;
mod only;
mod verbs;
mod view;

use std::collections::HashMap;

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::console::{ConsoleKind, ConsoleTarget};
use crate::model::page::{Data, Scope};
use crate::model::text::{clean, counted};
use crate::model::vm::VmRow;
use crate::model::vm::state::Power;

use super::list::Landing;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::Held;
use console::Consoles;
use inside::Inside;
pub use only::OnlyConsole;

/// The pane.
pub struct VmsPane {
    split: Split<VmRow>,
    consoles: Consoles,
    held: Held,
    inside: Inside,
    /// Where a jump wants the cursor, until the rows are there.
    wanted: Option<String>,
    /// States last told by [`Pane::linear`].
    told: HashMap<String, Power>,
}

impl Default for VmsPane {
    fn default() -> Self {
        Self::new()
    }
}

impl VmsPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let mut split = Split::new(PaneId::Vms, columns::COLUMNS);
        split.detail.roomy = true;
        Self {
            split,
            consoles: Consoles::default(),
            held: Held::default(),
            inside: Inside::default(),
            wanted: None,
            told: HashMap::new(),
        }
    }

    /// Runs one of the pane's own commands; `None` when it is none.
    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "vm.flat" => {
                let (field, order) = if self.split.list.nested() { ("cpu_pct", "desc") } else { ("host", "asc") };
                let args = [("field", field), ("order", order)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
                self.split.list.command("list.sort", &args, cx).unwrap_or_default()
            }
            "vm.hosts" => {
                let hidden = self.split.list.scope() == Scope::Hidden;
                let word = if hidden { "open" } else { "hidden" };
                let args = [("scope".to_owned(), word.to_owned())].into();
                self.split.list.command("list.scope", &args, cx).unwrap_or_default()
            }
            "vm.serial" => self.open(ConsoleKind::Serial, cx),
            "vm.screen" => self.open(ConsoleKind::Vnc, cx),
            "vm.consoles" => self.consoles.wall(),
            "vm.inspect" => self.inspect(cx),
            "vm.alarms" => self.elsewhere(PaneId::Alarms),
            "vm.source" => self.elsewhere(PaneId::Sources),
            "vm.log" => self.elsewhere(PaneId::Log),
            _ if commands::VMS.iter().any(|c| c.id == id) => self.verb(id, args, cx),
            _ => return None,
        })
    }

    /// Asks the host for what it keeps of the machine under the cursor.
    fn inspect(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return nothing() };
        let effects = self.inside.ask(&row.canonical(), None, cx);
        if !self.split.detail.visible(cx.size) {
            self.split.detail.enter(cx.size);
        }
        effects
    }

    /// Opens a console of the machine under the cursor.
    fn open(&mut self, kind: ConsoleKind, cx: &Ctx) -> Vec<Effect> {
        let Some((row, vm)) = self.split.list.current().and_then(|row| Some((row, row.vm()?))) else {
            return nothing();
        };
        let has = match kind {
            ConsoleKind::Serial => vm.serial,
            ConsoleKind::Vnc => !vm.screens.is_empty(),
        };
        if !vm.power.active() {
            return vec![toast(Level::Info, format!("{} is {}: x s starts it", clean(&vm.name), vm.power.word()))];
        }
        if !has {
            let words = match kind {
                ConsoleKind::Serial => "has no serial line: v opens its screen",
                ConsoleKind::Vnc => "has no screen: c opens its serial console",
            };
            return vec![toast(Level::Info, format!("{} {words}", clean(&vm.name)))];
        }
        let target = ConsoleTarget {
            source: row.source.clone(),
            uuid: vm.uuid.clone(),
            name: vm.name.clone(),
            kind,
            device: String::new(),
        };
        self.consoles.open(target, cx)
    }

    /// Puts the cursor on the machine that a jump named; filters where it is not among the rows.
    fn land(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(name) = self.wanted.take() else { return Vec::new() };
        if self.split.list.window.page().is_none() {
            self.wanted = Some(name);
            return Vec::new();
        }
        let found = self.split.list.rows().iter().find(|row| row.canonical() == name).map(|row| row.id);
        if let Some(id) = found {
            return self.split.list.reset(Landing::Row(id), cx);
        }
        self.split.list.set_filter(&format!("id=\"{}\"", name.replace(['"', '\\'], "")));
        self.split.list.reset(Landing::First, cx)
    }
}

impl Pane for VmsPane {
    fn id(&self) -> PaneId {
        PaneId::Vms
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        effects.extend(self.consoles.picked(msg));
        match msg {
            Msg::Console(id, news) => effects.extend(self.consoles.news(*id, news, cx.active == PaneId::Vms)),
            Msg::Live(id, answer) => effects.extend(self.inside.answer(*id, answer)),
            Msg::Done(_, outcome) if outcome.command == "vm.shutdown" && !outcome.errors.is_empty() => {
                effects.extend(verbs::offer_force(outcome, cx));
            }
            Msg::Data(..) => effects.extend(self.land(cx)),
            Msg::Done(_, outcome) if outcome.done > 0 && outcome.command.starts_with("vm.") => {
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        self.consoles.seen();
        self.split.shown(rows, cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if let Some(effects) = self.consoles.command(id, args, cx) {
            return effects;
        }
        match self.own(id, args, cx) {
            Some(effects) => effects,
            None => self.split.command(id, args, cx).unwrap_or_default(),
        }
    }

    fn captures(&self) -> bool {
        self.consoles.is_shown()
    }

    fn key(&mut self, key: &KeyEvent, _: &Ctx) -> Vec<Effect> {
        self.consoles.key(key)
    }

    fn paste(&mut self, text: &str, _: &Ctx) -> Vec<Effect> {
        self.consoles.paste(text)
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        self.consoles.leave();
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        if to.canonical.is_some() {
            self.wanted.clone_from(&to.canonical);
            self.split.list.set_filter("");
        }
        self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx)
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        if self.consoles.is_shown() {
            return self.consoles.mouse(at, lines, double);
        }
        self.split.mouse(at, lines, double, cx)
    }

    fn situation(&self, _: &Ctx) -> Situation {
        self.split.situation()
    }

    fn contexts(&self) -> Vec<Context> {
        if self.consoles.is_shown() {
            return vec![Context::Terminal];
        }
        self.split.contexts(Context::Vms)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        if self.consoles.is_shown() {
            return self.consoles.draw(frame.buffer_mut(), area, cx);
        }
        let empty = view::empty(self.split.list.filtered());
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| {
            (row.name().to_owned(), view::blocks(row, &self.inside, cx))
        });
    }

    fn crumbs(&self) -> Vec<String> {
        if self.consoles.is_shown() {
            return self.consoles.crumbs();
        }
        let mut crumbs = self.split.list.crumbs();
        if self.split.list.scope() == Scope::Hidden {
            // What is hidden here are the machines.
            crumbs.iter_mut().filter(|crumb| *crumb == "hidden").for_each(|crumb| *crumb = "hosts only".to_owned());
        }
        if self.consoles.len() > 0 {
            crumbs.push(counted(self.consoles.len() as u64, "console open", "consoles open"));
        }
        crumbs
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::VMS
    }

    fn linear(&mut self, msg: &Msg, _: &Ctx) -> Vec<String> {
        let Msg::Data(_, Data::Page(_)) = msg else { return Vec::new() };
        let mut lines = Vec::new();
        for row in self.split.list.rows() {
            let Some(vm) = row.vm() else { continue };
            if self.told.insert(row.canonical(), vm.power) == Some(vm.power) {
                continue;
            }
            let name = clean(&vm.name);
            lines.push(format!("machine {name} on {} is {}", row.source, vm.power.word()));
        }
        lines
    }

    fn session(&self) -> serde_json::Value {
        self.split.session()
    }

    fn restore(&mut self, state: &serde_json::Value) {
        self.split.restore(state);
    }
}

/// Words where a verb has nothing to work on.
fn nothing() -> Vec<Effect> {
    vec![toast(Level::Info, "there is no machine under the cursor")]
}
