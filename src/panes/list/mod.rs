//! What all lists share: the window of rows, filter, sort, columns, marks and ranges, saved views,
//! export, copy, and what the next start restores. A pane adds its columns, its detail view and
//! its verbs.

pub(crate) mod columns;
pub(crate) mod commands;
mod export;
mod marks;
mod mouse;
mod saved;
pub(crate) mod specs;
pub(crate) mod view;
mod window;

use std::sync::Arc;

use serde_json::json;

use crate::app::ctx::Ctx;
use crate::app::effect::{Effect, SavedView};
use crate::app::message::Msg;
use crate::app::pane::PaneId;
use crate::model::command::Targets;
use crate::model::field::{Record, TableSpec};
use crate::model::ids::RowId;
use crate::model::page::{
    Anchor, Data, DataRequest, PageRequest, RequestId, Rows, Scope, Sort, Table, Total, TreeRequest, Unfolded,
};
use crate::model::query::{Query, QueryError};
use crate::model::tables;
use crate::model::time::Ts;

pub(crate) use columns::{CellCx, Chosen, ColumnDef};
pub(crate) use marks::{Marks, Range};
pub(crate) use window::{Landing, Window};

/// Rows at which counting for "all in the filter" stops.
const COUNT_LIMIT: u64 = 1_000_000;

/// A row of a list.
pub(crate) trait Row: Record + Sized + 'static {
    /// Table it comes from.
    const TABLE: Table;
    /// The rows of a window, when they are of this kind.
    fn rows(rows: &Rows) -> &[Self];
    /// Identity.
    fn id(&self) -> RowId;
    /// The field that says when a row came to the list. Without one, what newcomers must not be
    /// among is settled by the plan: [`crate::model::command::Plan::rows`].
    const ARRIVAL: Option<&'static str> = None;
    /// When it came to the list, our clock; [`Ts::NEVER`] without [`Row::ARRIVAL`].
    fn arrived(&self) -> Ts {
        Ts::NEVER
    }
    /// Whether its table is measured: it changes without a record in the journal.
    const MEASURED: bool = false;
    /// Whether a list in this order shows some rows below others.
    fn nested(_: &[Sort]) -> bool {
        false
    }
    /// Whether what it says may be old, because its source is silent.
    fn stale(&self, _: &Ctx) -> bool {
        false
    }
}

/// A list.
pub(crate) struct ListState<R: Row> {
    pane: PaneId,
    defs: &'static [ColumnDef<R>],
    pub(crate) window: Window,
    /// Field names of the columns shown, in order.
    columns: Vec<&'static str>,
    sort: Vec<Sort>,
    scope: Scope,
    filter_text: String,
    filter: Option<Arc<Query>>,
    fault: Option<QueryError>,
    /// The list is one of several of its pane, not the first.
    second: bool,
    /// Another list of the pane is shown: it asks for nothing.
    pub(crate) resting: bool,
    /// Only what belongs to this row of another table, whatever the filter.
    pub(crate) within: Option<RowId>,
    /// Only what lies on or below this node, with its name.
    pub(crate) below: Option<(RowId, String)>,
    pub(crate) marks: Marks,
    range: Option<Range>,
    counting: Option<RequestId>,
    counted: Option<Total>,
    views: Vec<SavedView>,
    /// The generation of the table that was asked for last.
    generation: u64,
    /// The answer on its way is already behind the cache.
    behind: bool,
    /// Shown as a tree with this unfolded, as long as no filter is set.
    pub(crate) tree: Option<Arc<Unfolded>>,
    /// The cursor follows the first row.
    pub(crate) follow: bool,
    /// What the cache could not answer, in words.
    failed: Option<String>,
}

impl<R: Row> ListState<R> {
    /// A list with its pane's columns.
    pub(crate) fn new(pane: PaneId, defs: &'static [ColumnDef<R>]) -> Self {
        Self {
            pane,
            defs,
            window: Window::default(),
            columns: defs.iter().filter(|d| d.shown).map(|d| d.field).collect(),
            sort: Vec::new(),
            scope: Scope::Open,
            filter_text: String::new(),
            filter: None,
            fault: None,
            second: false,
            resting: false,
            within: None,
            below: None,
            marks: Marks::default(),
            range: None,
            counting: None,
            counted: None,
            views: Vec::new(),
            generation: 0,
            behind: false,
            tree: None,
            follow: false,
            failed: None,
        }
    }

    /// A further list of a pane that has several.
    pub(crate) fn second(self) -> Self {
        Self { second: true, ..self }
    }

    /// What its saved views are kept under: nothing for the first list of a pane.
    fn list_name(&self) -> &'static str {
        if self.second { Self::spec().name } else { "" }
    }

    /// The row that everything shown belongs to.
    fn base(&self) -> Option<RowId> {
        self.within.or(self.below.as_ref().map(|(id, _)| *id))
    }

    /// The description of the table.
    pub(crate) fn spec() -> &'static TableSpec {
        tables::spec(R::TABLE)
    }

    /// The rows held.
    pub(crate) fn rows(&self) -> &[R] {
        self.window.rows().map_or(&[], R::rows)
    }

    /// The row under the cursor.
    pub(crate) fn current(&self) -> Option<&R> {
        self.rows().get(self.window.cursor())
    }

    /// Whether the rows are shown as a tree.
    pub(crate) fn is_tree(&self) -> bool {
        self.tree.is_some() && self.filter.is_none()
    }

    /// Whether the order shows some rows below others.
    pub(crate) fn nested(&self) -> bool {
        R::nested(&self.sort)
    }

    /// Whether a filter is set.
    pub(crate) fn filtered(&self) -> bool {
        self.filter.is_some() || self.below.is_some()
    }

    /// The filter as it was typed.
    pub(crate) fn filter_text(&self) -> &str {
        &self.filter_text
    }

    /// Base set shown.
    pub(crate) const fn scope(&self) -> Scope {
        self.scope
    }

    /// Rows marked, as far as they have been counted.
    pub(crate) fn marked(&self) -> Total {
        self.marks.count(self.counted.unwrap_or_else(|| self.window.total()))
    }

    /// What the next verb works on: the marks, else the row under the cursor.
    pub(crate) fn targets(&self) -> Targets {
        match &self.marks {
            Marks::Rows(rows) if rows.is_empty() => {
                self.window.cursor_id().map_or(Targets::None, |id| Targets::Rows(R::TABLE, vec![id]))
            }
            Marks::Rows(rows) => Targets::Rows(R::TABLE, rows.iter().copied().collect()),
            Marks::AllBut { rows, until } => Targets::Filter {
                table: R::TABLE,
                scope: self.scope,
                filter: self.filter_until(*until),
                below: self.base(),
                except: rows.clone(),
            },
        }
    }

    /// The filter without what has arrived after an instant.
    fn filter_until(&self, until: Ts) -> Option<Arc<Query>> {
        match R::ARRIVAL.and_then(|name| Self::spec().field(name)) {
            Some(field) => Some(Arc::new(Query::until(self.filter.as_deref(), R::TABLE, field, until))),
            None => self.filter.clone(),
        }
    }

    /// Asks how many rows all marks are, where the list's own count does not say it.
    fn count_marked(&mut self, cx: &Ctx) -> Vec<Effect> {
        let total = self.window.total();
        // Newcomers enlarge the list's total, but not the marks.
        self.counted = R::ARRIVAL.is_some().then_some(total).filter(|t| matches!(t, Total::Exact(_)));
        let (Marks::AllBut { until, .. }, Total::AtLeast(_)) = (&self.marks, total) else { return Vec::new() };
        let filter = self.filter_until(*until);
        let id = cx.request_id();
        self.counting = Some(id);
        vec![Effect::Query(id, DataRequest::Count(PageRequest { filter, ..self.page_request(cx.now) }, COUNT_LIMIT))]
    }

    /// The rows that a file of the marked rows, or of all rows, holds.
    fn export_request(&self, now: Ts) -> PageRequest {
        let request = self.page_request(now);
        match &self.marks {
            Marks::AllBut { until, .. } => PageRequest { filter: self.filter_until(*until), ..request },
            Marks::Rows(_) => request,
        }
    }

    /// The rows meant, as a request: what filter, scope and sort say.
    pub(crate) fn page_request(&self, now: Ts) -> PageRequest {
        PageRequest {
            table: R::TABLE,
            scope: self.scope,
            filter: self.filter.clone(),
            below: self.base(),
            sort: self.sort.clone(),
            anchor: Anchor::Start,
            limit: self.window.limit(),
            new_since: None,
            now,
        }
    }

    /// Asks for rows around the cursor, if the pane is shown. One question is under way at a time:
    /// a change in the cache waits for its answer, so a storm asks as often as it can be answered;
    /// an operator's wish interrupts it.
    pub(crate) fn ask(&mut self, urgent: bool, cx: &Ctx) -> Vec<Effect> {
        if self.resting || cx.active != self.pane || self.window.height() == 0 {
            self.behind = true;
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.window.pending().is_some() {
            if !urgent {
                self.behind = true;
                return effects;
            }
            effects.extend(self.window.forget().map(Effect::Cancel));
        }
        self.behind = false;
        self.generation = cx.generations.of(R::TABLE);
        if self.follow && self.window.landing() == Landing::Keep {
            self.window.land(Landing::First);
        }
        let id = cx.request_id();
        let anchor = self.window.anchor();
        let request = match &self.tree {
            Some(unfolded) if self.filter.is_none() => {
                DataRequest::Tree(TreeRequest { unfolded: unfolded.clone(), anchor, limit: self.window.limit() })
            }
            _ => {
                let since = self.window.seen().0;
                let new_since = (since.0 > 0).then_some(since);
                DataRequest::Page(PageRequest { anchor, new_since, ..self.page_request(cx.now) })
            }
        };
        self.window.asked(id);
        effects.push(Effect::Query(id, request));
        effects
    }

    /// Asks anew from the first row: another list is shown.
    pub(crate) fn reset(&mut self, landing: Landing, cx: &Ctx) -> Vec<Effect> {
        self.counted = None;
        if matches!(self.marks, Marks::AllBut { .. }) {
            self.marks = Marks::default();
        }
        self.range = None;
        self.window.land(landing);
        self.ask(true, cx)
    }

    /// Takes news in. Returns what to ask for.
    pub(crate) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        match msg {
            Msg::Data(id, Data::Count(total)) if self.counting == Some(*id) => {
                self.counting = None;
                self.counted = Some(*total);
            }
            Msg::Data(id, data) if self.window.pending() == Some(*id) => return self.answer(*id, data, cx),
            Msg::Changed(generations)
                if self.window.page().is_none_or(|p| p.seq < generations.seq)
                    || (R::MEASURED && self.generation != generations.of(R::TABLE)) =>
            {
                return self.ask(false, cx);
            }
            Msg::Views(views) => {
                let mine = |v: &&SavedView| v.pane == self.pane && v.list == self.list_name();
                self.views = views.iter().filter(mine).cloned().collect();
            }
            _ => {}
        }
        if self.behind && self.window.pending().is_none() { self.ask(false, cx) } else { Vec::new() }
    }

    fn answer(&mut self, id: RequestId, data: &Data, cx: &Ctx) -> Vec<Effect> {
        let before = self.window.cursor_id();
        match data {
            Data::Page(page) => {
                self.failed = None;
                let more = self.window.accept(id, page.clone(), cx.now) == Some(true);
                self.passed(before);
                if more || self.behind { self.ask(false, cx) } else { Vec::new() }
            }
            Data::Failed(why) => {
                self.window.forget();
                self.failed = Some(why.clone());
                Vec::new()
            }
            _ => {
                self.window.forget();
                Vec::new()
            }
        }
    }

    /// The pane is shown, or its area changed.
    pub(crate) fn shown(&mut self, rows: usize, cx: &Ctx) -> Vec<Effect> {
        let more = self.window.resize(rows);
        if more || self.behind { self.ask(false, cx) } else { Vec::new() }
    }

    /// The cursor has moved from a row to another: a range follows it.
    fn passed(&mut self, from: Option<RowId>) {
        let Some(range) = &mut self.range else { return };
        let Some(rows) = self.window.rows() else { return };
        let to = self.window.cursor();
        let start = from.and_then(|id| window::find(rows, id)).unwrap_or(to);
        let mut at = start;
        while at != to {
            at = if at < to { at + 1 } else { at - 1 };
            if let Some(row) = R::rows(rows).get(at) {
                range.reach(row.id(), row.arrived(), &mut self.marks);
            }
        }
    }

    /// What the next start restores.
    pub(crate) fn session(&self) -> serde_json::Value {
        json!({
            "filter": self.filter_text,
            "sort": self.sort.iter().map(|s| json!([s.field, s.desc])).collect::<Vec<_>>(),
            "columns": self.columns,
            "scope": commands::scope_word(self.scope),
            "row": self.window.cursor_id().map(|id| id.0),
        })
    }

    /// Restores it; what does not fit is ignored.
    pub(crate) fn restore(&mut self, state: &serde_json::Value) {
        if let Some(text) = state.get("filter").and_then(|v| v.as_str()) {
            self.set_filter(text);
        }
        let sort: Option<Vec<(String, bool)>> = state.get("sort").and_then(|v| serde_json::from_value(v.clone()).ok());
        self.set_sort(&sort.unwrap_or_default());
        let columns: Option<Vec<String>> = state.get("columns").and_then(|v| serde_json::from_value(v.clone()).ok());
        self.set_columns(&columns.unwrap_or_default());
        if let Some(scope) = state.get("scope").and_then(|v| v.as_str()).and_then(commands::parse_scope) {
            self.scope = scope;
        }
        if let Some(row) = state.get("row").and_then(serde_json::Value::as_i64) {
            self.window.land(Landing::Row(RowId(row)));
        }
    }

    /// Sets the filter. Tells whether it could be read; if not, the rows stay as they are.
    pub(crate) fn set_filter(&mut self, text: &str) -> bool {
        text.clone_into(&mut self.filter_text);
        self.fault = None;
        if text.trim().is_empty() {
            self.filter = None;
            return true;
        }
        match Query::parse(text, R::TABLE) {
            Ok(query) => {
                self.filter = Some(Arc::new(query));
                true
            }
            Err(error) => {
                self.fault = Some(error);
                false
            }
        }
    }

    /// Sets the order; fields the table cannot be sorted by are left out.
    fn set_sort(&mut self, fields: &[(String, bool)]) {
        let sortable = |name: &str| Self::spec().field(name).filter(|f| f.sortable).map(|f| f.name);
        self.sort =
            fields.iter().filter_map(|(name, desc)| Some(Sort { field: sortable(name)?, desc: *desc })).collect();
    }

    /// Sets the columns; unknown ones are left out, and none at all means the pane's own.
    fn set_columns(&mut self, names: &[String]) {
        let known: Vec<&'static str> = names.iter().filter_map(|n| Self::spec().field(n)).map(|f| f.name).collect();
        self.columns =
            if known.is_empty() { self.defs.iter().filter(|d| d.shown).map(|d| d.field).collect() } else { known };
    }

    /// The columns shown.
    pub(crate) fn chosen(&self) -> Vec<Chosen<R>> {
        let chosen = |name: &&'static str| {
            let field = Self::spec().fields.iter().find(|f| f.name == *name)?;
            Some(Chosen { field, own: self.defs.iter().find(|d| d.field == *name) })
        };
        // In the tree, what a row hangs on is to be seen.
        let shown = self.columns.iter().filter(|c| **c != "parent" || !self.is_tree());
        shown.filter_map(chosen).collect()
    }

    /// Words for the breadcrumb.
    pub(crate) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = Vec::new();
        if let Some((_, name)) = &self.below {
            crumbs.push(format!("below {name}"));
        }
        if self.scope != Scope::Open {
            crumbs.push(commands::scope_word(self.scope).to_owned());
        }
        if !self.filter_text.is_empty() {
            crumbs.push(format!("/{}", self.filter_text));
        }
        crumbs
    }
}
