//! The commands of the network diagnostics.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context, Reason, Situation};

const fn diag(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Diag) }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

/// The commands.
pub(crate) static DIAG: &[CommandSpec] = &[
    CommandSpec {
        aliases: &["ping", "trace", "traceroute"],
        args: &[text("host", "whom to test"), text("alarm", "row of the alarm it is about"), text("label", "its name")],
        ..CommandSpec::view(
            "diag.open",
            "Network diagnostics",
            "Ping, trace, DNS, bandwidth and port tests from this machine.",
            Context::Global,
        )
    },
    diag("diag.up", "Up", "Moves to the field above, from the first one to the line of the tests.", &["up", "k"]),
    diag("diag.down", "Down", "Moves to the field below.", &["down", "j"]),
    diag("diag.next", "Next test", "Shows the next test with its own fields.", &["right", "l", "tab"]),
    diag("diag.previous", "Test before", "Shows the test before.", &["left", "h"]),
    CommandSpec {
        hint: true,
        enabled: idle,
        args: &[text("field", "name of the field"), text("value", "its new value")],
        ..diag(
            "diag.change",
            "Change",
            "Changes the field under the cursor in its place; on the line of the tests, runs the one shown.",
            &["enter"],
        )
    },
    CommandSpec {
        enabled: idle,
        ..diag(
            "diag.reset",
            "As at first",
            "Gives the field under the cursor its first value again.",
            &["backspace", "delete"],
        )
    },
    CommandSpec { hint: true, enabled: idle, ..diag("diag.run", "Run", "Runs the test as its fields say.", &["r"]) },
    CommandSpec {
        hint: true,
        enabled: busy,
        ..diag("diag.stop", "Stop", "Ends the test that runs; what is known by then is kept.", &["esc", "s"])
    },
    CommandSpec {
        enabled: idle,
        args: &[text("to", "host, name, URL")],
        ..diag("diag.target", "Target", "Changes whom to test.", &["t", "e"])
    },
    CommandSpec {
        hint: true,
        enabled: done,
        args: &[text("path", "file; .json for JSON")],
        ..diag("diag.export", "Write", "Writes the last result to a new file, as text or as JSON.", &["w"])
    },
    CommandSpec {
        hint: true,
        enabled: done,
        ..diag(
            "diag.attach",
            "Attach",
            "Adds the last result to the history of the alarm it is about; where it is about none, asks for one.",
            &["a"],
        )
    },
    CommandSpec {
        enabled: done,
        args: &[
            text("alarm", "the alarm as the list offers it; `key` asks for the key"),
            text("key", "the key of an alarm, 32 hexadecimal digits"),
        ],
        ..diag(
            "diag.attach-to",
            "Attach to another alarm",
            "Adds the last result to an open alarm picked from a list, or to one by its key.",
            &["A"],
        )
    },
    diag("diag.scroll-up", "Older lines", "Scrolls the result up.", &["pageup", "-"]),
    diag("diag.scroll-down", "Newer lines", "Scrolls the result down.", &["pagedown", "+", "space"]),
];

fn idle(s: &Situation) -> Result<(), Reason> {
    if s.busy { Err("a test runs: esc ends it") } else { Ok(()) }
}

fn busy(s: &Situation) -> Result<(), Reason> {
    if s.busy { Ok(()) } else { Err("no test runs") }
}

fn done(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("no test has ended yet") }
}
