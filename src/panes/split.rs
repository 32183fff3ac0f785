//! A list with its detail view: what every pane of that shape does the same way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::Effect;
use crate::app::pane::PaneId;
use crate::commands::spec::{Context, Situation};
use crate::model::command::Args;
use crate::model::page::Total;
use crate::theme::Token;
use crate::ui::sections::Block;

use super::detail::{DetailState, pane_rows};
use super::list::view::body_rows;
use super::list::{ColumnDef, ListState, Row};

/// A list with its detail view.
pub(crate) struct Split<R: Row> {
    pub(crate) list: ListState<R>,
    pub(crate) detail: DetailState,
}

impl<R: Row> Split<R> {
    /// With the pane's columns.
    pub(crate) fn new(pane: PaneId, columns: &'static [ColumnDef<R>]) -> Self {
        Self { list: ListState::new(pane, columns), detail: DetailState::default() }
    }

    /// A further list of a pane that has several.
    pub(crate) fn second(self) -> Self {
        Self { list: self.list.second(), ..self }
    }

    /// The pane is shown on an area `rows` high.
    pub(crate) fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        let area = Rect { x: 0, y: 0, width: cx.size.0, height: rows };
        let list = self.detail.areas(area, cx.size).list;
        let height = if list.height == 0 { rows } else { list.height };
        self.list.shown(body_rows(height), cx)
    }

    /// Runs a command of lists and detail views; `None` when it is none.
    pub(crate) fn command(&mut self, id: &str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let row = self.list.window.cursor_id();
        let mut effects = match id {
            "list.detail" => {
                // Who reads a row wants to go on reading it.
                self.list.follow = false;
                self.detail.enter(cx.size);
                self.shown(pane_rows(cx.size), cx)
            }
            "detail.next" => self.list.step(1, false, cx),
            "detail.previous" => self.list.step(-1, false, cx),
            _ if self.detail.command(id, cx.size) => self.shown(pane_rows(cx.size), cx),
            _ => self.list.command(id, args, cx)?,
        };
        if self.list.window.cursor_id() != row {
            self.detail.scroll = 0;
        }
        if self.list.window.height() == 0 {
            effects.extend(self.shown(pane_rows(cx.size), cx));
        }
        Some(effects)
    }

    /// A click or the wheel at a cell of the pane's area.
    pub(crate) fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        let area = Rect { x: 0, y: 0, width: cx.size.0, height: pane_rows(cx.size) };
        let areas = self.detail.areas(area, cx.size);
        if areas.detail.is_some_and(|d| d.contains(at.into())) {
            self.detail.wheel(lines);
            return Vec::new();
        }
        let row = self.list.window.cursor_id();
        let (opened, mut effects) = self.list.mouse(at, areas.list, lines, double, cx);
        if self.list.window.cursor_id() != row {
            self.detail.scroll = 0;
        }
        if opened {
            self.detail.enter(cx.size);
            effects.extend(self.shown(pane_rows(cx.size), cx));
        }
        effects
    }

    /// The row whose detail view is on the screen, when `pane` is at the front.
    pub(crate) fn watched(&self, pane: PaneId, cx: &Ctx) -> Option<&R> {
        (cx.active == pane && self.detail.visible(cx.size)).then(|| self.list.current()).flatten()
    }

    /// Draws both. `detail` makes title and content of the detail view of the row under the cursor.
    pub(crate) fn draw<'a>(
        &'a self,
        buf: &mut Buffer,
        area: Rect,
        cx: &ViewCtx<'a>,
        empty: &[String],
        detail: impl FnOnce(&'a R) -> (String, Vec<Block<'a>>),
    ) {
        let areas = self.detail.areas(area, cx.ctx.size);
        if !areas.list.is_empty() {
            let list = ViewCtx { focused: cx.focused && !self.detail.focus, ..*cx };
            self.list.draw(buf, areas.list, &list, empty);
        }
        let Some(at) = areas.detail else { return };
        if let Some(row) = self.list.current() {
            let (title, blocks) = detail(row);
            self.detail.draw(buf, at, &title, &blocks, cx);
        } else {
            let nothing = [Block::Words("no row under the cursor".into(), Token::Dim)];
            self.detail.draw(buf, at, "Detail", &nothing, cx);
        }
    }

    /// What commands are told about list and marks.
    pub(crate) fn situation(&self) -> Situation {
        let (Total::Exact(marked) | Total::AtLeast(marked)) = self.list.marked();
        Situation {
            table: Some(R::TABLE),
            marked: if self.list.marks.is_empty() { 0 } else { marked.max(1) },
            has_cursor: self.list.current().is_some(),
            filtered: self.list.filtered(),
            ..Situation::default()
        }
    }

    /// Key contexts, the innermost first.
    pub(crate) fn contexts(&self, own: Context) -> Vec<Context> {
        if self.detail.focus { vec![Context::Detail, own, Context::List] } else { vec![own, Context::List] }
    }

    /// What the next start restores.
    pub(crate) fn session(&self) -> serde_json::Value {
        json!({ "list": self.list.session(), "detail": self.detail.open })
    }

    /// Restores it.
    pub(crate) fn restore(&mut self, state: &serde_json::Value) {
        if let Some(list) = state.get("list") {
            self.list.restore(list);
        }
        self.detail.open = state.get("detail").and_then(serde_json::Value::as_bool);
    }
}
