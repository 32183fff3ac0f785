//! The buffers pane: telemetry appliances, how full each is, when it will lose data and why, which
//! of its services is dead; its past as a chart, its health on a page, its configuration as a form.

mod columns;
pub(crate) mod commands;
pub(crate) mod form;
pub(crate) mod health;
mod parts;
mod past;
pub(crate) mod services;
mod verbs;
mod view;
pub(crate) mod words;

use std::collections::HashMap;

use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::appliance::state::Verdict;
use crate::model::appliance::{ApplianceRow, Span};
use crate::model::command::Args;
use crate::model::ids::RowId;
use crate::model::page::Data;
use crate::model::text;
use crate::ui::density::Density;

use super::detail::{DetailState, pane_rows};
use super::list::Landing;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::Held;
use form::Form;
use health::Health;
use past::{Past, Subject};
use services::Services;

/// The pane.
pub struct BuffersPane {
    split: Split<ApplianceRow>,
    past: Past,
    services: Services,
    health: Health,
    form: Form,
    held: Held,
    /// Where a jump wants the cursor, until the rows are there.
    wanted: Option<String>,
    /// Verdicts last told by [`Pane::linear`].
    told: HashMap<String, Verdict>,
}

/// Columns inside a detail view.
fn detail_width(detail: &DetailState, size: (u16, u16)) -> u16 {
    let area = Rect { x: 0, y: 0, width: size.0, height: pane_rows(size) };
    detail.areas(area, size).detail.map_or(0, |d| d.width.saturating_sub(2))
}

/// Lines of a chart in a detail view.
fn chart_height(detail: &DetailState, size: (u16, u16)) -> u16 {
    let area = Rect { x: 0, y: 0, width: size.0, height: pane_rows(size) };
    match detail.areas(area, size).detail.map_or(0, |d| d.height) {
        0..=23 => 4,
        24..=34 => 6,
        _ => 8,
    }
}

impl Default for BuffersPane {
    fn default() -> Self {
        Self::new()
    }
}

impl BuffersPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let mut split = Split::new(PaneId::Buffers, columns::COLUMNS);
        split.detail.roomy = true;
        Self {
            split,
            past: Past::default(),
            services: Services::default(),
            health: Health::default(),
            form: Form::default(),
            held: Held::default(),
            wanted: None,
            told: HashMap::new(),
        }
    }

    /// Shows the list of appliances again.
    fn back_to_list(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.services.hide();
        self.health.open = false;
        self.form.open = false;
        self.split.shown(pane_rows(cx.size), cx)
    }

    /// Opens the form of the appliance under the cursor.
    fn edit(&mut self, cx: &Ctx) -> Vec<Effect> {
        match self.source() {
            Some(source) => self.form.show(&source, cx),
            None => Vec::new(),
        }
    }

    /// The chart that is shown.
    const fn chart(&mut self) -> &mut Past {
        if self.services.open { &mut self.services.past } else { &mut self.past }
    }

    /// Runs one of the pane's own commands; `None` when it is none.
    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "buffer.services" if self.services.open => self.back_to_list(cx),
            "buffer.services" => {
                self.health.open = false;
                let given = args.get("row").and_then(|id| id.parse().ok()).zip(args.get("appliance"));
                let under = || self.split.list.current().map(|row| (row.id, row.source.to_string()));
                let one = given.map(|(id, name)| (RowId(id), name.clone())).or_else(under);
                self.services.show(one, cx)
            }
            "buffer.health" => {
                self.services.hide();
                self.health.toggle();
                Vec::new()
            }
            "buffer.zoom-in" | "buffer.zoom-out" => {
                if self.chart().zoom(id == "buffer.zoom-out") {
                    self.look(cx)
                } else {
                    vec![toast(Level::Info, format!("{} is as far as it goes", self.chart().span.word()))]
                }
            }
            "buffer.series" => {
                let collectors = self.services.open;
                if self.chart().choose(args.get("series").map(String::as_str), collectors) {
                    self.look(cx)
                } else {
                    vec![toast(Level::Warn, "a service has the curves in, out, pending and lost")]
                }
            }
            "buffer.alarms" => self.elsewhere(PaneId::Alarms),
            "buffer.source" => self.elsewhere(PaneId::Sources),
            "buffer.log" => self.elsewhere(PaneId::Log),
            "buffer.restart" => self.choose_restart(),
            "service.restart" | "service.restart-force" => self.services.restart(id, args, cx),
            _ if commands::BUFFERS.iter().any(|c| c.id == id) => self.verb(id, args, cx),
            _ => return None,
        })
    }

    /// Who asks for another curve wants to see it: its view is opened where there is none.
    fn look(&mut self, cx: &Ctx) -> Vec<Effect> {
        let detail = if self.services.open { &mut self.services.split.detail } else { &mut self.split.detail };
        let low = Density::of(cx.size.0, cx.size.1) == Density::Compact;
        if !detail.visible(cx.size) || (low && !detail.focus) {
            detail.enter(cx.size);
        }
        if self.services.open {
            self.services.split.shown(pane_rows(cx.size), cx)
        } else {
            self.split.shown(pane_rows(cx.size), cx)
        }
    }

    /// Asks for the past of what the detail view shows.
    fn follow_cursor(&mut self, cx: &Ctx) -> Vec<Effect> {
        if self.services.open {
            return self.services.follow(cx);
        }
        let Some(row) = self.split.watched(PaneId::Buffers, cx).filter(|_| !self.health.open && !self.form.open) else {
            return Vec::new();
        };
        let subject =
            Subject { source: row.source.to_string(), collector: None, at: row.state.at, poll_ms: row.state.poll_ms };
        self.past.ask(subject, detail_width(&self.split.detail, cx.size), cx)
    }

    /// Puts the cursor on the appliance that a jump named; filters where it is not among the rows.
    fn land(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(name) = self.wanted.take() else { return Vec::new() };
        if self.split.list.window.page().is_none() {
            self.wanted = Some(name);
            return Vec::new();
        }
        let found = self.split.list.rows().iter().find(|row| *row.source == *name).map(|row| row.id);
        if let Some(id) = found {
            return self.split.list.reset(Landing::Row(id), cx);
        }
        self.split.list.set_filter(&format!("name=\"{}\"", name.replace(['"', '\\'], "")));
        self.split.list.reset(Landing::First, cx)
    }
}

impl Pane for BuffersPane {
    fn id(&self) -> PaneId {
        PaneId::Buffers
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        effects.extend(self.services.update(msg, cx));
        effects.extend(self.form.update(msg, cx));
        match msg {
            Msg::Data(id, data) => {
                if matches!(data, Data::History(_) | Data::Failed(_)) {
                    self.past.answer(*id, data);
                }
                effects.extend(self.land(cx));
                effects.extend(self.follow_cursor(cx));
            }
            Msg::Done(_, outcome)
                if outcome.done > 0
                    && (outcome.command.starts_with("buffer.") || outcome.command.starts_with("port.")) =>
            {
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.shown(rows, cx);
        if self.services.open {
            effects.extend(self.services.split.shown(rows, cx));
        }
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if self.form.open
            && let Some(effects) = self.form.command(id, args, cx)
        {
            return effects;
        }
        if self.health.open {
            if id == "list.escape" {
                return self.back_to_list(cx);
            }
            if self.health.command(id, cx.size) {
                return Vec::new();
            }
        }
        let mut effects = match self.own(id, args, cx) {
            Some(effects) => effects,
            None if self.services.open => self.services.command(id, args, cx).unwrap_or_default(),
            None => self.split.command(id, args, cx).unwrap_or_default(),
        };
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.back_to_list(cx);
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        if to.canonical.is_some() {
            self.wanted.clone_from(&to.canonical);
            self.split.list.set_filter("");
        }
        effects.extend(self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx));
        effects
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        if self.form.open {
            return self.form.mouse(at, lines);
        }
        if self.health.open {
            self.health.wheel(lines);
            return Vec::new();
        }
        let mut effects = if self.services.open {
            self.services.split.mouse(at, lines, double, cx)
        } else {
            self.split.mouse(at, lines, double, cx)
        };
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn situation(&self, _: &Ctx) -> Situation {
        if self.form.open {
            return Form::situation();
        }
        if self.services.open { self.services.situation() } else { self.split.situation() }
    }

    fn contexts(&self) -> Vec<Context> {
        if self.form.open {
            return vec![Context::Form, Context::List];
        }
        if self.services.open {
            return self.services.contexts();
        }
        if self.health.open {
            return vec![Context::Buffers, Context::List];
        }
        self.split.contexts(Context::Buffers)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let buf = frame.buffer_mut();
        if self.form.open {
            self.form.draw(buf, area, cx);
        } else if self.services.open {
            self.services.draw(buf, area, cx);
        } else if self.health.open {
            self.health.draw(buf, area, self.split.list.current(), cx);
        } else {
            let empty = view::empty(self.split.list.filtered());
            let room = (detail_width(&self.split.detail, cx.ctx.size), chart_height(&self.split.detail, cx.ctx.size));
            self.split
                .draw(buf, area, cx, &empty, |row| (row.source.to_string(), view::blocks(row, &self.past, room, cx)));
        }
    }

    fn crumbs(&self) -> Vec<String> {
        if self.form.open {
            return self.form.crumbs();
        }
        if self.services.open {
            return self.services.crumbs();
        }
        let mut crumbs = self.split.list.crumbs();
        if self.health.open {
            crumbs.insert(0, "health".to_owned());
        }
        crumbs
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::BUFFERS
    }

    fn linear(&mut self, msg: &Msg, _: &Ctx) -> Vec<String> {
        let Msg::Data(_, Data::Page(_)) = msg else { return Vec::new() };
        let mut lines = Vec::new();
        for row in self.split.list.rows() {
            let verdict = row.state.verdict;
            if self.told.insert(row.source.to_string(), verdict) == Some(verdict) {
                continue;
            }
            let why = row.state.reasons.first().map_or_else(String::new, |why| format!(": {}", text::clean(why)));
            lines.push(format!("appliance {} is {}{why}", row.source, verdict.word()));
        }
        lines
    }

    fn session(&self) -> serde_json::Value {
        let mut session = self.split.session();
        if let Some(session) = session.as_object_mut() {
            session.insert("span".to_owned(), json!(self.past.span.word()));
            session.insert("series".to_owned(), json!(self.past.series.word()));
            session.insert("services".to_owned(), self.services.split.session());
        }
        session
    }

    fn restore(&mut self, state: &serde_json::Value) {
        self.split.restore(state);
        if let Some(services) = state.get("services") {
            self.services.split.restore(services);
        }
        let word = |name: &str| state.get(name).and_then(serde_json::Value::as_str);
        if let Some(span) = word("span").and_then(|w| Span::ALL.into_iter().find(|s| s.word() == w)) {
            self.past.span = span;
        }
        if let Some(series) = word("series") {
            self.past.choose(Some(series), false);
        }
    }
}
