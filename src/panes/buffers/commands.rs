//! The commands of the buffers pane: looking, and what can be done to an appliance.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};

use super::past;

const fn look(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, enabled: on_row, ..CommandSpec::view(id, title, doc, Context::Buffers) }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        ..look(id, title, doc, keys)
    }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

/// How the service stores: zstd is taken too, and stores uncompressed (facts: raven-run §3).
pub(super) const MODES: &[&str] = &["gzip", "none"];

const SERVICE: ArgSpec = text("service", "the service, as the appliance names it");
const PORTS: ArgSpec = text("set", "path=port, one a line or with blanks between: collection.syslog.port=1515");

/// The commands.
pub(crate) static BUFFERS: &[CommandSpec] = &[
    CommandSpec {
        hint: true,
        enabled: crate::commands::spec::always,
        ..look(
            "buffer.services",
            "Services",
            "Lists the services of the appliance with process, ports, data and rates; again goes back.",
            &["c"],
        )
    },
    CommandSpec {
        hint: true,
        ..look("buffer.health", "Health", "Shows the health of the appliance on one page; again goes back.", &["H"])
    },
    look("buffer.zoom-in", "Closer", "Draws a shorter stretch of the past, down to ten minutes.", &["+", "="]),
    look("buffer.zoom-out", "Farther", "Draws a longer stretch of the past, up to thirty days.", &["-"]),
    CommandSpec {
        args: &[ArgSpec { kind: ArgKind::Word(past::WORDS), ..text("series", "which curve") }],
        ..look(
            "buffer.series",
            "Another curve",
            "Draws the next one: fill, records in, out, waiting, lost, or the time to answer.",
            &["w"],
        )
    },
    look("buffer.alarms", "Its alarms", "Shows the alarms of the appliance.", &["a"]),
    look("buffer.source", "Its source", "Goes to the source that the appliance is.", &["o"]),
    look("buffer.log", "Its log", "Shows the calls made to the appliance.", &["l"]),
    CommandSpec {
        mutates: Mutates::Nothing,
        confirm: Confirm::None,
        ..verb("buffer.poll", "Look now", "Asks the appliance now instead of at its next turn.", &["P"])
    },
    CommandSpec {
        args: &[text("set", "key=value, one a line; without it the form opens")],
        hint: true,
        ..verb(
            "buffer.config",
            "Configuration",
            "Opens the configuration of the buffer as a form; sends the whole of it with the changes, and reads it back.",
            &["E"],
        )
    },
    verb(
        "buffer.cleanup",
        "Clean up",
        "Lets the appliance delete the records that are over their time. They are gone.",
        &["x c"],
    ),
    verb(
        "buffer.forward",
        "Forward now",
        "Lets the appliance send on what waits; payloads stored as gzip arrive as gzip, and the target may not read them.",
        &["x f"],
    ),
    CommandSpec {
        args: &[SERVICE, text("hours", "hours that its records are kept")],
        ..verb("buffer.retention", "Keep for", "Sets how long the records of a service are kept.", &["x k"])
    },
    CommandSpec {
        args: &[SERVICE, ArgSpec { kind: ArgKind::Word(MODES), ..text("mode", "gzip or none") }],
        ..verb(
            "buffer.compression",
            "Compression",
            "Sets whether the records of a service are stored compressed; those that are there stay as they are.",
            &["x z"],
        )
    },
    look("buffer.restart", "Restart a service", "Asks which service of the appliance to restart.", &["x r"]),
    CommandSpec {
        args: &[PORTS],
        mutates: Mutates::Nothing,
        confirm: Confirm::None,
        ..verb(
            "port.plan",
            "Check a move of ports",
            "Tells what a move of ports would do: conflicts, and which services have to be restarted. Changes nothing.",
            &["x P"],
        )
    },
    CommandSpec {
        args: &[PORTS],
        ..verb(
            "port.apply",
            "Move ports",
            "Moves ports of collectors: checks for conflicts, saves, restarts what has to be, and reads back.",
            &["x p"],
        )
    },
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no appliance under the cursor") }
}
