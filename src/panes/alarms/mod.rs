//! The alarms pane: what is wrong now, what an operator has to do with, and the verbs of triage.

mod columns;
pub(crate) mod commands;
mod view;

use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::alarm::{AlarmDetail, AlarmRow, OpState, Visibility};
use crate::model::command::{Args, Targets};
use crate::model::page::{Data, DataRequest, Scope, Sort, Table, Total};
use crate::model::text;
use crate::model::time::Ts;

use super::detail::{DetailState, Fetched};
use super::list::{Landing, ListState, Row as _, columns::instant, view::body_rows};
use super::verbs::Held;

pub(crate) use columns::short_name;

/// The pane.
pub struct AlarmsPane {
    list: ListState<AlarmRow>,
    detail: DetailState,
    fetched: Fetched<AlarmDetail>,
    held: Held,
    /// The list as it was before the live feed.
    before_feed: Option<Box<serde_json::Value>>,
    /// Newest change told by [`Pane::linear`].
    told: Ts,
}

impl Default for AlarmsPane {
    fn default() -> Self {
        Self::new()
    }
}

impl AlarmsPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            list: ListState::new(PaneId::Alarms, columns::COLUMNS),
            detail: DetailState::default(),
            fetched: Fetched::default(),
            held: Held::default(),
            before_feed: None,
            told: Ts::NEVER,
        }
    }

    /// What a verb works on, for the title of its question.
    fn words(&self, targets: &Targets) -> String {
        match targets {
            Targets::Rows(_, rows) => match (rows.as_slice(), self.list.current()) {
                ([id], Some(row)) if *id == row.id => text::clean(&row.canonical).into_owned(),
                (rows, _) => format!("{} alarms", rows.len()),
            },
            Targets::Filter { .. } => format!("{} alarms", super::list::commands::total_words(self.list.marked())),
            Targets::Names(..) | Targets::None => String::new(),
        }
    }

    /// The live feed: everything, the newest change first, the screen following it.
    fn feed(&mut self, cx: &Ctx) -> Vec<Effect> {
        if let Some(before) = self.before_feed.take() {
            self.list.follow = false;
            self.list.restore(&before);
            return self.list.reset(Landing::First, cx);
        }
        let mut before = self.list.session();
        let mut feed = before.clone();
        if let Some(fields) = before.as_object_mut() {
            fields.remove("row");
        }
        self.before_feed = Some(Box::new(before));
        if let Some(fields) = feed.as_object_mut() {
            fields.remove("row");
            fields.insert("scope".into(), json!(super::list::commands::scope_word(Scope::All)));
            if let Some(columns) = fields.get_mut("columns").and_then(|c| c.as_array_mut()) {
                columns.retain(|c| c != "last_changed");
                columns.insert(0, json!("last_changed"));
            }
        }
        self.list.restore(&feed);
        self.list.follow = true;
        self.list.reorder(vec![Sort { field: "last_changed", desc: true }], Landing::First, cx)
    }

    /// Asks for the detail of the row under the cursor, when it is shown and not known as it is.
    fn follow_cursor(&mut self, cx: &Ctx) -> Vec<Effect> {
        if cx.active != PaneId::Alarms || !self.detail.visible(cx.size) {
            return Vec::new();
        }
        let Some(row) = self.list.current() else { return Vec::new() };
        if self.fetched.get().is_some_and(|d| d.row == *row) {
            return Vec::new();
        }
        let request = DataRequest::Alarm(row.id);
        self.fetched.ask(request, cx)
    }

    /// Rows of the list on a pane area of a height.
    fn resized(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        let area = Rect { x: 0, y: 0, width: cx.size.0, height: rows };
        let list = self.detail.areas(area, cx.size).list;
        let shown = if list.height == 0 { rows } else { list.height };
        let mut effects = self.list.shown(body_rows(shown), cx);
        effects.extend(self.follow_cursor(cx));
        effects
    }
}

impl Pane for AlarmsPane {
    fn id(&self) -> PaneId {
        PaneId::Alarms
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let (mut effects, _) = self.list.update(msg, cx);
        match msg {
            Msg::Data(id, data) if self.fetched.answers(*id) => {
                if let Data::Alarm(detail) = data {
                    // An alarm that is gone leaves what was known; the list has moved on already.
                    if let Some(detail) = detail {
                        self.fetched.keep(Some((**detail).clone()));
                    }
                }
            }
            Msg::Done(_, outcome) if outcome.command.starts_with("alarm.") && outcome.done > 0 => {
                effects.extend(self.list.unmark());
            }
            _ => {}
        }
        if matches!(msg, Msg::Data(..)) {
            effects.extend(self.follow_cursor(cx));
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        self.resized(rows, cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let row = self.list.window.cursor_id();
        let mut effects = match id {
            "list.detail" => {
                self.detail.enter(cx.size);
                Vec::new()
            }
            "detail.next" => self.list.step(1, false, cx),
            "detail.previous" => self.list.step(-1, false, cx),
            _ if self.detail.command(id, cx.size) => Vec::new(),
            _ => match self.verb(id, args, cx) {
                Some(effects) => effects,
                None => self.list.command(id, args, cx).unwrap_or_default(),
            },
        };
        if self.list.window.cursor_id() != row {
            self.detail.scroll = 0;
        }
        if id == "list.detail" || id.starts_with("detail.") {
            effects.extend(self.resized(super::detail::pane_rows(cx.size), cx));
        }
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        if let Some(filter) = &to.filter {
            self.list.set_filter(filter);
        }
        self.list.below.clone_from(&to.below);
        self.list.reset(to.row.map_or(Landing::First, Landing::Row), cx)
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        let area = Rect { x: 0, y: 0, width: cx.size.0, height: super::detail::pane_rows(cx.size) };
        let areas = self.detail.areas(area, cx.size);
        if areas.detail.is_some_and(|d| d.contains(at.into())) {
            self.detail.wheel(lines);
            return Vec::new();
        }
        let (opened, mut effects) = self.list.mouse(at, areas.list, lines, double, cx);
        if opened {
            effects.extend(self.command("list.detail", &Args::new(), cx));
        }
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn situation(&self, _: &Ctx) -> Situation {
        let row = self.list.current();
        let (Total::Exact(marked) | Total::AtLeast(marked)) = self.list.marked();
        Situation {
            table: Some(Table::Alarms),
            marked: if self.list.marks.is_empty() { 0 } else { marked.max(1) },
            has_cursor: row.is_some(),
            node_kind: row.map(|r| r.resource.kind.word()),
            acked: row.is_some_and(|r| r.op_state == OpState::Ack),
            shelved: row.is_some_and(|r| r.visibility == Visibility::Shelved),
            closed: row.is_some_and(|r| r.op_state == OpState::Closed),
            cleared: row.is_some_and(|r| r.cleared),
            filtered: self.list.filtered(),
            ..Situation::default()
        }
    }

    fn contexts(&self) -> Vec<Context> {
        if self.detail.focus {
            vec![Context::Detail, Context::Alarms, Context::List]
        } else {
            vec![Context::Alarms, Context::List]
        }
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        self.draw(frame.buffer_mut(), area, cx);
    }

    fn crumbs(&self) -> Vec<String> {
        let mut crumbs = self.list.crumbs();
        if self.before_feed.is_some() {
            crumbs.insert(0, "live feed".into());
        }
        crumbs
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::ALARMS
    }

    fn linear(&mut self, msg: &Msg, cx: &Ctx) -> Vec<String> {
        if self.before_feed.is_none() {
            // Told in the order of their change; the next answer comes in that order.
            let _ = self.feed(cx);
            self.list.behind();
        }
        let Msg::Data(_, Data::Page(_)) = msg else { return Vec::new() };
        let mut news: Vec<&AlarmRow> = self.list.rows().iter().filter(|r| r.last_changed > self.told).collect();
        news.sort_by_key(|r| r.last_changed);
        let lines = news.iter().map(|row| linear_line(row, cx)).collect();
        self.told = news.last().map_or(self.told, |r| r.last_changed);
        lines
    }

    fn session(&self) -> serde_json::Value {
        let list = self.before_feed.as_deref().cloned().unwrap_or_else(|| self.list.session());
        json!({ "list": list, "detail": self.detail.open })
    }

    fn restore(&mut self, state: &serde_json::Value) {
        if let Some(list) = state.get("list") {
            self.list.restore(list);
        }
        self.detail.open = state.get("detail").and_then(serde_json::Value::as_bool);
    }
}

/// `14:02:11 CRITICAL onu/BBSM00000001 ONU loss of signal raised`
fn linear_line(row: &AlarmRow, cx: &Ctx) -> String {
    let what = if row.cleared { "cleared" } else { "raised" };
    let state = row.shown().word();
    let name = text::clean(&row.canonical);
    let title = text::clean(columns::title(row, cx)).into_owned();
    format!(
        "{} {} {name} {title} {what} {state}",
        instant(row.last_changed, cx.now, cx.utc_offset_s),
        row.severity.word().to_uppercase(),
    )
}
