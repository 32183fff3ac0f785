//! The commands of the list of silences.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context, Reason, Situation};

const fn look(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Silences) }
}

const fn row(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { enabled: on_row, hint: true, ..look(id, title, doc, keys) }
}

/// The commands.
pub(crate) static SILENCES: &[CommandSpec] = &[
    CommandSpec {
        keys: &["H"],
        aliases: &["silences"],
        ..CommandSpec::view(
            "silence.list",
            "Silences",
            "Lists the silences of every Alertmanager, read from it now: until when, on what, by whom, and how many alarms each holds back.",
            Context::Alarms,
        )
    },
    row("silence.alarms", "Its alarms", "Shows the alarms that the silence holds back; esc comes back.", &["o"]),
    CommandSpec {
        hint: true,
        ..look("silence.new", "New", "Makes a silence: a form for matchers, how long and why.", &["a"])
    },
    row(
        "silence.edit",
        "Change",
        "Changes end, comment or matchers in a form; of one that is over makes another of the same matchers.",
        &["e"],
    ),
    row("silence.end", "End it", "Ends the silence before its time.", &["d"]),
    look(
        "silence.tab",
        "Next kind",
        "Shows the next kind: those in force or to come, those that are over, all.",
        &["l", "right"],
    ),
    look("silence.tab-back", "Kind before", "Shows the kind before.", &["h", "left"]),
    look("silence.read", "Read again", "Reads the silences from their servers again.", &["r"]),
    CommandSpec {
        args: &[ArgSpec { name: "text", doc: "part of any of its texts", required: false, kind: ArgKind::Text }],
        hint: true,
        ..look("silence.find", "Search", "Shows only what holds a text: matchers, comment, who, source or id.", &["/"])
    },
    CommandSpec {
        args: &[ArgSpec { name: "field", doc: "the column", required: false, kind: ArgKind::Text }],
        ..look("silence.sort", "Sort", "Sorts by a column; the same column again turns the order round.", &["s"])
    },
    look("silence.leave", "Back to the alarms", "Takes the search away; else goes back to the alarms.", &["esc", "H"]),
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("there is no silence under the cursor") }
}
