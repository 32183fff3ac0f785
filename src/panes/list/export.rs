//! Rows out of a list: to a file, or to the clipboard.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, ExportFormat, ExportRequest, Level, Prompt};
use crate::model::command::Args;
use crate::model::field::FieldSpec;
use crate::model::page::Total;
use crate::model::text;

use super::commands::{toast, total_words};
use super::{ListState, Marks, Row};

impl<R: Row> ListState<R> {
    pub(super) fn export(&self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(format) = args.get("format").map(String::as_str) else {
            let items =
                [("csv", "with a header, for spreadsheets"), ("json", "one array"), ("ndjson", "one object a line")];
            return vec![Effect::Choose(Choose {
                title: format!("Export {} as", self.export_words()),
                items: items.map(|(v, w)| (v.to_owned(), w.to_owned())).to_vec(),
                selected: 0,
                command: "list.export",
                arg: "format",
                args: args.clone(),
            })];
        };
        let kind = match format {
            "csv" => ExportFormat::Csv,
            "json" => ExportFormat::Json,
            "ndjson" => ExportFormat::Ndjson,
            other => return vec![toast(Level::Warn, format!("`{other}` is no export format: csv, json, ndjson"))],
        };
        let Some(path) = args.get("path").map(|p| p.trim()).filter(|p| !p.is_empty()) else {
            let stamp = cx.now.to_utc().map_or_else(String::new, |t| t.format("%Y%m%d-%H%M%S").to_string());
            return vec![Effect::Prompt(Prompt {
                title: format!("Export {} to the file", self.export_words()),
                initial: format!("{}-{stamp}.{format}", Self::spec().name),
                command: "list.export",
                arg: "path",
                args: args.clone(),
            })];
        };
        let (only, except) = match &self.marks {
            Marks::Rows(rows) => (rows.iter().copied().collect(), Vec::new()),
            Marks::AllBut { rows, .. } => (Vec::new(), rows.iter().copied().collect()),
        };
        vec![Effect::Export(ExportRequest {
            rows: self.export_request(cx.now),
            only,
            except,
            format: kind,
            path: path.to_owned(),
            fields: Vec::new(),
        })]
    }

    fn export_words(&self) -> String {
        let total = if self.marks.is_empty() { self.window.total() } else { self.marked() };
        let what = match (self.marks.is_empty(), total == Total::Exact(1)) {
            (true, true) => "row",
            (true, false) => "rows",
            (false, true) => "marked row",
            (false, false) => "marked rows",
        };
        if self.is_tree() && self.marks.is_empty() {
            "all rows".into()
        } else {
            format!("{} {what}", total_words(total))
        }
    }

    pub(super) fn copy(&self, args: &Args) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        let Some(name) = args.get("field") else {
            let item = |f: &FieldSpec| {
                let value = words(row, f.name);
                (!value.is_empty()).then(|| (f.name.to_owned(), value))
            };
            return vec![Effect::Choose(Choose {
                title: "Copy which field?".into(),
                items: Self::spec().fields.iter().filter_map(item).collect(),
                selected: 0,
                command: "list.copy",
                arg: "field",
                args: Args::new(),
            })];
        };
        match Self::spec().field(name) {
            Some(field) => vec![Effect::Copy { text: words(row, field.name), what: field.name.to_owned() }],
            None => vec![toast(Level::Warn, format!("this list has no field `{name}`"))],
        }
    }

    pub(super) fn copy_row(&self) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        let cells: Vec<String> = self.columns.iter().map(|c| words(row, c)).collect();
        vec![Effect::Copy { text: cells.join("\t"), what: "row".into() }]
    }
}

/// A field of a row as text for the clipboard: times in full, everything safe.
fn words<R: Row>(row: &R, field: &str) -> String {
    text::clean(&row.get(field).to_plain()).into_owned()
}
