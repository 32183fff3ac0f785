//! The sources pane: every controller, and how well watching it goes.

mod columns;
pub(crate) mod commands;
mod view;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::source::{Health, SourceRow};
use crate::model::text;
use crate::model::time::brief_duration;

use super::list::Landing;
use super::split::Split;
use super::verbs::intent;

/// The pane.
pub struct SourcesPane {
    split: Split<SourceRow>,
    /// Health last told by [`Pane::linear`].
    told: std::collections::HashMap<String, Health>,
}

impl Default for SourcesPane {
    fn default() -> Self {
        Self::new()
    }
}

impl SourcesPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let mut split = Split::new(PaneId::Sources, columns::COLUMNS);
        split.detail.roomy = true;
        Self { split, told: std::collections::HashMap::new() }
    }

    fn goto_filtered(&self, pane: PaneId) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        let filter = Some(format!("source=\"{}\"", row.name));
        vec![Effect::Goto(Location { pane, row: None, canonical: None, filter, below: None })]
    }
}

impl Pane for SourcesPane {
    fn id(&self) -> PaneId {
        PaneId::Sources
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        self.split.list.update(msg, cx)
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        self.split.shown(rows, cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match id {
            "source.alarms" => self.goto_filtered(PaneId::Alarms),
            "source.log" => self.goto_filtered(PaneId::Log),
            _ if commands::SOURCES.iter().any(|c| c.id == id) => {
                intent(id, self.split.list.targets(), args.clone(), cx)
            }
            _ => self.split.command(id, args, cx).unwrap_or_default(),
        }
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx)
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        self.split.mouse(at, lines, double, cx)
    }

    fn situation(&self, _: &Ctx) -> Situation {
        let paused = self.split.list.current().is_some_and(|r| r.report.health == Health::Paused);
        Situation { paused, ..self.split.situation() }
    }

    fn contexts(&self) -> Vec<Context> {
        self.split.contexts(Context::Sources)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let empty = view::empty(self.split.list.filtered());
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| (row.name.to_string(), view::blocks(row, cx)));
    }

    fn crumbs(&self) -> Vec<String> {
        self.split.list.crumbs()
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::SOURCES
    }

    fn linear(&mut self, msg: &Msg, cx: &Ctx) -> Vec<String> {
        let Msg::Sources(rows) = msg else { return Vec::new() };
        let mut lines = Vec::new();
        for row in rows.iter() {
            let health = row.report.health;
            if self.told.insert(row.name.to_string(), health) == Some(health) {
                continue;
            }
            let age = match row.report.last_ok {
                t if t.is_set() && health == Health::Down => {
                    format!(", last answer {} ago", brief_duration(cx.now.since(t)))
                }
                _ => String::new(),
            };
            let error = text::clean(&row.report.last_error);
            let why = if error.is_empty() { String::new() } else { format!(": {error}") };
            lines.push(format!("source {} is {}{age}{why}", row.name, health.word()));
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
