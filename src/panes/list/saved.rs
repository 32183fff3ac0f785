//! Saved views of a list: columns, sort, filter and scope under a name.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Prompt, SavedView, Toast};
use crate::model::command::Args;

use super::{Landing, ListState, Row, commands};

impl<R: Row> ListState<R> {
    /// Saves what is shown under a name; asks for the name when there is none.
    pub(crate) fn view_save(&self, args: &Args) -> Vec<Effect> {
        let Some(name) = args.get("name").map(|n| n.trim()).filter(|n| !n.is_empty()) else {
            return vec![Effect::Prompt(Prompt {
                title: "Save this view as".into(),
                initial: String::new(),
                command: "list.view-save",
                arg: "name",
                args: Args::new(),
            })];
        };
        let view = SavedView {
            name: name.to_owned(),
            pane: self.pane,
            filter: self.filter_text.clone(),
            sort: self.sort.iter().map(|s| (s.field.to_owned(), s.desc)).collect(),
            columns: self.columns.iter().map(|c| (*c).to_owned()).collect(),
            scope: commands::scope_word(self.scope).to_owned(),
            list: self.list_name().to_owned(),
        };
        vec![Effect::SaveView(view), Effect::Toast(Toast::new(Level::Good, format!("view `{name}` saved")))]
    }

    /// Shows a saved view; asks which when there is no name.
    pub(crate) fn view_load(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(name) = args.get("name") else { return self.choose_view("Show which view?", "list.view-load") };
        let Some(view) = self.views.iter().find(|v| v.name == *name).cloned() else {
            return vec![unknown(name)];
        };
        self.set_filter(&view.filter);
        self.set_sort(&view.sort);
        self.set_columns(&view.columns);
        self.scope = commands::parse_scope(&view.scope).unwrap_or_default();
        self.reset(Landing::First, cx)
    }

    /// Drops a saved view; asks which when there is no name.
    pub(crate) fn view_delete(&self, args: &Args) -> Vec<Effect> {
        let Some(name) = args.get("name") else { return self.choose_view("Delete which view?", "list.view-delete") };
        let Some(view) = self.views.iter().find(|v| v.name == *name) else {
            return vec![unknown(name)];
        };
        vec![Effect::DropView(view.clone()), Effect::Toast(Toast::new(Level::Info, format!("view `{name}` deleted")))]
    }

    fn choose_view(&self, title: &str, command: &'static str) -> Vec<Effect> {
        if self.views.is_empty() {
            return vec![Effect::Toast(Toast::new(Level::Info, "no view of this list is saved yet"))];
        }
        let words = |v: &SavedView| {
            let filter = if v.filter.is_empty() { "all rows".to_owned() } else { v.filter.clone() };
            (v.name.clone(), filter)
        };
        vec![Effect::Choose(Choose {
            title: title.into(),
            items: self.views.iter().map(words).collect(),
            selected: 0,
            command,
            arg: "name",
            args: Args::new(),
        })]
    }
}

fn unknown(name: &str) -> Effect {
    Effect::Toast(Toast::new(Level::Warn, format!("no view of this list is called `{name}`")))
}
