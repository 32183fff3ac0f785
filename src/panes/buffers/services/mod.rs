//! The services of an appliance, or of all: process, ports and what stands behind them, data, rates.

mod columns;
pub(crate) mod commands;
mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level};
use crate::app::message::Msg;
use crate::app::pane::PaneId;
use crate::commands::spec::{Context, Situation};
use crate::model::appliance::CollectorRow;
use crate::model::command::{Args, Targets};
use crate::model::ids::RowId;
use crate::model::page::{Data, Table};
use crate::panes::detail::pane_rows;
use crate::panes::list::Landing;
use crate::panes::list::commands::toast;
use crate::panes::split::Split;
use crate::panes::verbs::intent;

pub(super) use columns::ports;

use super::past::{Past, Subject};
use super::{chart_height, detail_width};

/// The list of services.
pub(super) struct Services {
    /// It is shown in place of the appliances.
    pub(super) open: bool,
    pub(super) split: Split<CollectorRow>,
    pub(super) past: Past,
    /// The appliance whose services are shown; `None`: all.
    one: Option<(RowId, String)>,
}

impl Default for Services {
    fn default() -> Self {
        let mut split = Split::new(PaneId::Buffers, columns::COLUMNS).second();
        split.detail.roomy = true;
        split.list.resting = true;
        Self { open: false, split, past: Past::default(), one: None }
    }
}

impl Services {
    /// Shows the services of an appliance by row and name, or of all.
    pub(super) fn show(&mut self, of: Option<(RowId, String)>, cx: &Ctx) -> Vec<Effect> {
        self.open = true;
        self.split.list.resting = false;
        let mut effects = self.narrow(of, cx);
        effects.extend(self.split.shown(pane_rows(cx.size), cx));
        effects
    }

    fn narrow(&mut self, one: Option<(RowId, String)>, cx: &Ctx) -> Vec<Effect> {
        self.split.list.within = one.as_ref().map(|(id, _)| *id);
        self.one = one;
        self.split.list.reset(Landing::First, cx)
    }

    /// Goes back to the appliances.
    pub(super) const fn hide(&mut self) {
        self.open = false;
        self.split.list.resting = true;
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        match msg {
            Msg::Data(id, data @ (Data::History(_) | Data::Failed(_))) => {
                self.past.answer(*id, data);
            }
            Msg::Done(_, outcome) if outcome.command.starts_with("service.") && outcome.done > 0 => {
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        effects
    }

    /// Asks for the past of the service in the detail view.
    pub(super) fn follow(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.watched(PaneId::Buffers, cx).filter(|_| self.open) else { return Vec::new() };
        let subject =
            Subject { source: row.source.to_string(), collector: Some(row.state.name.clone()), at: row.at, poll_ms: 0 };
        self.past.ask(subject, detail_width(&self.split.detail, cx.size), cx)
    }

    /// Runs a command while the list is shown; `None` when it is none of its own.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        match id {
            "service.leave" => {
                if self.split.list.filtered() || !self.split.list.marks.is_empty() {
                    return self.split.command("list.escape", args, cx);
                }
                self.hide();
                Some(Vec::new())
            }
            "service.all" => {
                let one = match (&self.one, self.split.list.current()) {
                    (None, Some(row)) => Some((row.appliance(), row.source.to_string())),
                    (None, None) => return Some(vec![toast(Level::Info, "there is no service under the cursor")]),
                    (Some(_), _) => None,
                };
                Some(self.narrow(one, cx))
            }
            _ => self.split.command(id, args, cx),
        }
    }

    /// A restart: of the service named, else of the marked ones or the one under the cursor.
    pub(super) fn restart(&self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let mut args = args.clone();
        let force = args.get("force").is_some_and(|f| f == "yes");
        let id = if force { "service.restart-force" } else { id };
        args.remove("force");
        let targets = match args.remove("service").filter(|s| !s.trim().is_empty()) {
            Some(name) => Targets::Names(Table::Collectors, vec![name]),
            None if self.open => self.split.list.targets(),
            None => return vec![toast(Level::Info, "c shows the services; restart one of them there")],
        };
        intent(id, targets, args, cx)
    }

    /// The appliance of the service under the cursor, as a target.
    pub(super) fn appliance(&self) -> Targets {
        self.split
            .list
            .current()
            .map_or(Targets::None, |row| Targets::Names(Table::Appliances, vec![row.source.to_string()]))
    }

    /// What commands are told.
    pub(super) fn situation(&self) -> Situation {
        self.split.situation()
    }

    /// Key contexts, the innermost first: what can be done to the appliance works here, too.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut out = if self.split.detail.focus { vec![Context::Detail] } else { Vec::new() };
        out.extend([Context::Services, Context::Buffers, Context::List]);
        out
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let of = self.one.as_ref().map_or("all", |(_, name)| name.as_str());
        let mut crumbs = vec![format!("services of {of}")];
        crumbs.extend(self.split.list.crumbs());
        crumbs
    }

    /// Draws the list and the service under the cursor.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let empty = view::empty(self.split.list.filtered(), self.one.as_ref().map(|(_, name)| name.as_str()));
        let room = (detail_width(&self.split.detail, cx.ctx.size), chart_height(&self.split.detail, cx.ctx.size));
        self.split.draw(buf, area, cx, &empty, |row| (row.canonical.clone(), view::blocks(row, &self.past, room, cx)));
    }
}
