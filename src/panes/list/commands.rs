//! Runs the commands every list has.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Prompt, Toast};
use crate::model::command::Args;
use crate::model::page::{Scope, Sort, Total};
use crate::model::text::grouped;

use super::{Landing, ListState, Marks, Range, Row};

/// A scope as a word.
pub(crate) const fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Open => "open",
        Scope::Hidden => "hidden",
        Scope::All => "all",
    }
}

/// A scope from its word.
pub(crate) fn parse_scope(word: &str) -> Option<Scope> {
    [Scope::Open, Scope::Hidden, Scope::All].into_iter().find(|s| scope_word(*s) == word)
}

impl<R: Row> ListState<R> {
    /// Runs a list command; `None` when it is none.
    pub(crate) fn command(&mut self, id: &str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let height = self.window.height() as i64;
        Some(match id {
            "list.down" => self.step(1, false, cx),
            "list.up" => self.step(-1, false, cx),
            "list.half-down" => self.step(height / 2, true, cx),
            "list.half-up" => self.step(-height / 2, true, cx),
            "list.page-down" => self.step(height, true, cx),
            "list.page-up" => self.step(-height, true, cx),
            "list.home" | "list.new" => self.jump(Landing::First, cx),
            "list.end" => self.jump(Landing::Last, cx),
            "list.jump" => self.jump_to(args, cx),
            "list.filter" => self.filter(args, cx),
            "list.clear-filter" => self.clear_filter(cx),
            "list.escape" => self.escape(cx),
            "list.sort" => self.sort(args, cx),
            "list.sort-reverse" => self.sort_reverse(cx),
            "list.columns" => self.choose_columns(args),
            "list.mark" => self.mark(cx),
            "list.range" => self.mark_range(),
            "list.mark-all" => self.mark_all(cx),
            "list.unmark" => self.unmark(),
            "list.export" => self.export(args, cx),
            "list.copy" => self.copy(args),
            "list.copy-row" => self.copy_row(),
            "list.view-save" => self.view_save(args),
            "list.view-load" => self.view_load(args, cx),
            "list.view-delete" => self.view_delete(args),
            "list.scope" => self.set_scope(args, cx),
            _ => return None,
        })
    }

    /// Moves the cursor.
    pub(crate) fn step(&mut self, rows: i64, page: bool, cx: &Ctx) -> Vec<Effect> {
        let before = self.window.cursor_id();
        if rows > 0 {
            self.follow = false;
        }
        let more = self.window.step(rows, page);
        self.passed(before);
        self.window.look(cx.now);
        if more { self.ask(false, cx) } else { Vec::new() }
    }

    /// Goes somewhere else in the list. A range cannot follow: it does not know the rows between.
    fn jump(&mut self, landing: Landing, cx: &Ctx) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.range.take().is_some() {
            effects
                .push(toast(Level::Info, "the range ended: it follows the cursor by steps and screens, not by jumps"));
        }
        let held = self.window.page().is_some_and(|p| match landing {
            Landing::First => p.at_start,
            Landing::Last => p.at_end,
            _ => false,
        });
        if held && self.window.landing() == Landing::Keep {
            self.window.put(if landing == Landing::First { 0 } else { self.window.len().saturating_sub(1) });
            self.window.look(cx.now);
            effects.extend(self.ask(false, cx));
            return effects;
        }
        self.window.land(landing);
        effects.extend(self.ask(true, cx));
        effects
    }

    fn jump_to(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(to) = args.get("to") else {
            return vec![prompt("Go to row, or to a part of the list (50%)", "", "list.jump", "to")];
        };
        let (Total::Exact(total) | Total::AtLeast(total)) = self.window.total();
        let row = match to.trim().strip_suffix('%') {
            Some(part) => part.trim().parse::<u64>().ok().map(|p| total.saturating_mul(p.min(100)) / 100),
            None => to.trim().parse::<u64>().ok().map(|n| n.saturating_sub(1)),
        };
        match row {
            Some(row) => self.jump(Landing::Offset(row.min(total.saturating_sub(1))), cx),
            None => vec![toast(Level::Warn, format!("`{to}` is no row number and no percentage"))],
        }
    }

    fn filter(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(typed) = args.get("text") else {
            return vec![prompt("Filter", &self.filter_text, "list.filter", "text")];
        };
        if *typed == self.filter_text {
            return Vec::new();
        }
        if self.set_filter(typed) { self.reset(Landing::First, cx) } else { Vec::new() }
    }

    fn clear_filter(&mut self, cx: &Ctx) -> Vec<Effect> {
        let row = self.window.cursor_id();
        self.set_filter("");
        self.below = None;
        self.reset(row.map_or(Landing::First, Landing::Row), cx)
    }

    fn escape(&mut self, cx: &Ctx) -> Vec<Effect> {
        if self.range.take().is_some() {
            return Vec::new();
        }
        if !self.marks.is_empty() {
            return self.unmark();
        }
        if self.filtered() || self.fault.is_some() { self.clear_filter(cx) } else { Vec::new() }
    }

    /// The order in force: that of the operator, else the table's own.
    pub(crate) fn order(&self) -> Vec<Sort> {
        if self.sort.is_empty() {
            Self::spec().default_sort.iter().map(|(field, desc)| Sort { field, desc: *desc }).collect()
        } else {
            self.sort.clone()
        }
    }

    /// Replaces the order.
    pub(crate) fn reorder(&mut self, sort: Vec<Sort>, landing: Landing, cx: &Ctx) -> Vec<Effect> {
        self.sort = sort;
        self.reset(landing, cx)
    }

    fn sort(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(name) = args.get("field") else {
            let sortable = Self::spec().fields.iter().filter(|f| f.sortable);
            return vec![Effect::Choose(Choose {
                title: "Sort by".into(),
                items: sortable.map(|f| (f.name.to_owned(), f.doc.to_owned())).collect(),
                selected: 0,
                command: "list.sort",
                arg: "field",
                args: Args::new(),
            })];
        };
        let Some(field) = Self::spec().field(name).filter(|f| f.sortable) else {
            return vec![toast(Level::Warn, format!("this list cannot be sorted by `{name}`"))];
        };
        let first = self.order().first().copied();
        let desc = match args.get("order").map(String::as_str) {
            Some("asc") => false,
            Some("desc") => true,
            _ => first.is_some_and(|s| s.field == field.name && !s.desc),
        };
        let keep = self.window.cursor_id().map_or(Landing::First, Landing::Row);
        self.reorder(vec![Sort { field: field.name, desc }], keep, cx)
    }

    fn sort_reverse(&mut self, cx: &Ctx) -> Vec<Effect> {
        let turned = self.order().into_iter().map(|s| Sort { desc: !s.desc, ..s }).collect();
        let keep = self.window.cursor_id().map_or(Landing::First, Landing::Row);
        self.reorder(turned, keep, cx)
    }

    fn choose_columns(&mut self, args: &Args) -> Vec<Effect> {
        if let Some(set) = args.get("set") {
            let names: Vec<String> = set.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
            if let Some(wrong) = names.iter().find(|n| Self::spec().field(n).is_none()) {
                return vec![toast(Level::Warn, format!("this list has no field `{wrong}`"))];
            }
            self.set_columns(&names);
            return Vec::new();
        }
        let mut selected = 0;
        if let Some(name) = args.get("toggle") {
            let Some(place) = Self::spec().fields.iter().position(|f| f.name == name) else {
                return vec![toast(Level::Warn, format!("this list has no field `{name}`"))];
            };
            selected = place;
            self.toggle_column(place);
        }
        let line = |f: &crate::model::field::FieldSpec| {
            let on = if self.columns.contains(&f.name) { "shown " } else { "-     " };
            (f.name.to_owned(), format!("{on} {}", f.doc))
        };
        vec![Effect::Choose(Choose {
            title: "Columns: enter shows or hides, esc ends".into(),
            items: Self::spec().fields.iter().map(line).collect(),
            selected,
            command: "list.columns",
            arg: "toggle",
            args: Args::new(),
        })]
    }

    /// Shows a column behind those that come before it in the table, or hides it; the last one stays.
    fn toggle_column(&mut self, place: usize) {
        let fields = Self::spec().fields;
        let Some(field) = fields.get(place) else { return };
        if let Some(at) = self.columns.iter().position(|c| *c == field.name) {
            if self.columns.len() > 1 {
                self.columns.remove(at);
            }
            return;
        }
        let rank = |name: &str| fields.iter().position(|f| f.name == name).unwrap_or(usize::MAX);
        let at = self.columns.iter().rposition(|c| rank(c) < place).map_or(0, |i| i + 1);
        self.columns.insert(at, field.name);
    }

    fn mark(&mut self, cx: &Ctx) -> Vec<Effect> {
        if let Some((id, arrived)) = self.current().map(|row| (row.id(), row.arrived())) {
            let on = !self.marks.has(id, arrived);
            self.marks.set(id, on);
        }
        self.step(1, false, cx)
    }

    fn mark_range(&mut self) -> Vec<Effect> {
        if self.range.take().is_none()
            && let Some((id, arrived)) = self.current().map(|row| (row.id(), row.arrived()))
        {
            self.range = Some(Range::begin(id, arrived, &mut self.marks));
        }
        Vec::new()
    }

    fn mark_all(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.range = None;
        self.marks = Marks::AllBut { rows: std::collections::HashSet::new(), until: cx.now };
        self.count_marked(cx)
    }

    /// Takes all marks away.
    pub(crate) fn unmark(&mut self) -> Vec<Effect> {
        self.marks = Marks::default();
        self.range = None;
        self.counted = None;
        Vec::new()
    }

    fn set_scope(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        self.scope = match args.get("scope").map(String::as_str) {
            Some(word) => match parse_scope(word) {
                Some(scope) => scope,
                None => return vec![toast(Level::Warn, format!("`{word}` is no scope: open, hidden, all"))],
            },
            None => match self.scope {
                Scope::Open => Scope::Hidden,
                Scope::Hidden => Scope::All,
                Scope::All => Scope::Open,
            },
        };
        self.reset(Landing::First, cx)
    }

    /// Puts the cursor on the row at a line of the body and tells whether there is one.
    pub(crate) fn click(&mut self, line: usize, cx: &Ctx) -> (bool, Vec<Effect>) {
        let index = self.window.top() + line;
        if index >= self.window.len() {
            return (false, Vec::new());
        }
        let before = self.window.cursor_id();
        let more = self.window.put(index);
        self.passed(before);
        (true, if more { self.ask(false, cx) } else { Vec::new() })
    }
}

/// A number of rows in words: `1 234`, `≥ 10 000`.
pub(crate) fn total_words(total: Total) -> String {
    match total {
        Total::Exact(n) => grouped(n),
        Total::AtLeast(n) => format!(">= {}", grouped(n)),
    }
}

pub(crate) fn toast(level: Level, text: impl Into<String>) -> Effect {
    Effect::Toast(Toast::new(level, text))
}

/// A question for one line.
pub(crate) fn prompt(title: impl Into<String>, initial: &str, command: &'static str, arg: &'static str) -> Effect {
    Effect::Prompt(Prompt { title: title.into(), initial: initial.to_owned(), command, arg, args: Args::new() })
}
