//! The commands every list has: names, keys, arguments, when they can run.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context, Reason, Situation};
use crate::model::page::Table;

const fn arg(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const fn list(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::List) }
}

/// The commands.
pub(crate) static LIST: &[CommandSpec] = &[
    list("list.down", "Down", "Moves the cursor one row down.", &["j", "down"]),
    list("list.up", "Up", "Moves the cursor one row up.", &["k", "up"]),
    list("list.half-down", "Half a screen down", "Moves half a screen down.", &["ctrl-d"]),
    list("list.half-up", "Half a screen up", "Moves half a screen up.", &["ctrl-u"]),
    list("list.page-down", "Screen down", "Moves a screen down.", &["pagedown", "ctrl-f"]),
    list("list.page-up", "Screen up", "Moves a screen up.", &["pageup", "ctrl-b"]),
    list("list.home", "First row", "Goes to the first row.", &["g g", "home"]),
    list("list.end", "Last row", "Goes to the last row.", &["G", "end"]),
    CommandSpec {
        args: &[arg("to", "row number, or percentage of the list")],
        ..list("list.jump", "Jump", "Goes to a row by its number (`5000`) or to a part of the list (`50%`).", &["%"])
    },
    list("list.new", "Go to the new rows", "Goes to the first row, above which rows have arrived.", &["N"]),
    CommandSpec {
        args: &[arg("text", "filter, e.g. severity>=major raised>-2h \"fiber cut\"")],
        hint: true,
        ..list(
            "list.filter",
            "Filter",
            "Shows only the rows that match: fields and comparisons, words, text~/regex/, not, and, or.",
            &["/"],
        )
    },
    CommandSpec {
        enabled: filtered,
        ..list("list.clear-filter", "Clear the filter", "Shows all rows of the scope again.", &["\\"])
    },
    list("list.escape", "Step back", "Ends a range; else takes the marks away; else clears the filter.", &["esc"]),
    CommandSpec {
        args: &[arg("field", "field to sort by"), arg("order", "asc or desc")],
        ..list("list.sort", "Sort", "Sorts by a field; the same field again turns the order round.", &["s"])
    },
    list("list.sort-reverse", "Turn the order round", "Sorts the other way round.", &["S"]),
    CommandSpec {
        args: &[arg("toggle", "column to show or hide"), arg("set", "columns in order, with commas between")],
        ..list(
            "list.columns",
            "Columns",
            "Chooses the columns; `:columns set=severity,raised_at` sets them in order.",
            &["C"],
        )
    },
    CommandSpec {
        hint: true,
        enabled: of_table,
        ..list("list.mark", "Mark", "Marks the row, or takes its mark away, and goes down.", &["space"])
    },
    list("list.range", "Mark a range", "Marks all rows the cursor passes from here on; again ends it.", &["v"]),
    list("list.mark-all", "Mark all", "Marks every row of the filter, also those not on the screen.", &["*"]),
    CommandSpec { enabled: marked, ..list("list.unmark", "Take the marks away", "Takes all marks away.", &["g u"]) },
    CommandSpec {
        args: &[arg("format", "csv, json or ndjson"), arg("path", "file to write")],
        ..list(
            "list.export",
            "Export",
            "Writes the rows of the filter, or the marked ones, to a file: csv, json or ndjson.",
            &["e"],
        )
    },
    CommandSpec {
        args: &[arg("field", "field to copy")],
        enabled: on_row,
        ..list("list.copy", "Copy a cell", "Puts one field of the row on the clipboard.", &["y"])
    },
    CommandSpec {
        enabled: on_row,
        ..list(
            "list.copy-row",
            "Copy the row",
            "Puts the fields shown of the row on the clipboard, with tabs between.",
            &["Y"],
        )
    },
    CommandSpec {
        args: &[arg("name", "name of the view")],
        ..list("list.view-save", "Save the view", "Keeps columns, sort, filter and scope under a name.", &["g w"])
    },
    CommandSpec {
        args: &[arg("name", "name of the view")],
        ..list("list.view-load", "Show a saved view", "Shows the list as it was saved under a name.", &["g v"])
    },
    CommandSpec {
        args: &[arg("name", "name of the view")],
        ..list("list.view-delete", "Delete a saved view", "Deletes a saved view.", &["g x"])
    },
    CommandSpec {
        args: &[ArgSpec {
            name: "scope",
            doc: "open, hidden or all",
            required: false,
            kind: ArgKind::Word(&["open", "hidden", "all"]),
        }],
        enabled: scoped,
        ..list(
            "list.scope",
            "Open, hidden, all",
            "Shows what is to be done; what is shelved, suppressed or out of service; or everything.",
            &["h"],
        )
    },
    CommandSpec {
        enabled: on_row,
        hint: true,
        ..list("list.detail", "Detail", "Opens the detail view of the row, or goes into it.", &["enter"])
    },
];

fn of_table(s: &Situation) -> Result<(), Reason> {
    if s.table.is_some() { Ok(()) } else { Err("nothing is marked in this list") }
}

fn filtered(s: &Situation) -> Result<(), Reason> {
    if s.filtered { Ok(()) } else { Err("no filter is set") }
}

fn marked(s: &Situation) -> Result<(), Reason> {
    if s.marked > 0 { Ok(()) } else { Err("nothing is marked") }
}

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("there is no row under the cursor") }
}

fn scoped(s: &Situation) -> Result<(), Reason> {
    if s.table == Some(Table::Alarms) { Ok(()) } else { Err("only the alarm list has hidden rows") }
}
