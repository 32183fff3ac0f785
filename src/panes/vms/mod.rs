//! The pane of virtual machines: every host and its machines in one list, what can be done to them,
//! and their consoles inside the pane.

mod columns;
pub(crate) mod commands;
mod verbs;
mod view;

use std::collections::HashMap;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::page::Data;
use crate::model::vm::VmRow;
use crate::model::vm::state::Power;

use super::list::Landing;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::Held;

/// The pane.
pub struct VmsPane {
    split: Split<VmRow>,
    held: Held,
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
        Self { split, held: Held::default(), wanted: None, told: HashMap::new() }
    }

    /// Runs one of the pane's own commands; `None` when it is none.
    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "vm.flat" => {
                let field = if self.split.list.nested() { "cpu_pct" } else { "host" };
                let args = [("field".to_owned(), field.to_owned())].into();
                self.split.list.command("list.sort", &args, cx).unwrap_or_default()
            }
            "vm.hosts" => {
                let hidden = self.split.list.scope() == crate::model::page::Scope::Hidden;
                let word = if hidden { "open" } else { "hidden" };
                let args = [("scope".to_owned(), word.to_owned())].into();
                self.split.list.command("list.scope", &args, cx).unwrap_or_default()
            }
            "vm.alarms" => self.elsewhere(PaneId::Alarms),
            "vm.source" => self.elsewhere(PaneId::Sources),
            "vm.log" => self.elsewhere(PaneId::Log),
            _ if commands::VMS.iter().any(|c| c.id == id) => self.verb(id, args, cx),
            _ => return None,
        })
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
        match msg {
            Msg::Data(..) => effects.extend(self.land(cx)),
            Msg::Done(_, outcome) if outcome.done > 0 && outcome.command.starts_with("vm.") => {
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        self.split.shown(rows, cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match self.own(id, args, cx) {
            Some(effects) => effects,
            None => self.split.command(id, args, cx).unwrap_or_default(),
        }
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
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
        self.split.mouse(at, lines, double, cx)
    }

    fn situation(&self, _: &Ctx) -> Situation {
        self.split.situation()
    }

    fn contexts(&self) -> Vec<Context> {
        self.split.contexts(Context::Vms)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let empty = view::empty(self.split.list.filtered());
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| (row.name().to_owned(), view::blocks(row, cx)));
    }

    fn crumbs(&self) -> Vec<String> {
        self.split.list.crumbs()
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
            let name = crate::model::text::clean(&vm.name);
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
