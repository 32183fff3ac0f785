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
    diag("diag.up", "Up", "Moves to the test above.", &["up", "k"]),
    diag("diag.down", "Down", "Moves to the test below.", &["down", "j"]),
    CommandSpec {
        hint: true,
        enabled: idle,
        ..diag("diag.run", "Run", "Runs the test as it stands there.", &["enter", "r", "right"])
    },
    CommandSpec {
        hint: true,
        enabled: busy,
        ..diag("diag.stop", "Stop", "Ends the test that runs; what is known by then is kept.", &["esc", "s"])
    },
    CommandSpec {
        hint: true,
        enabled: idle,
        args: &[text("to", "host, name, URL")],
        ..diag("diag.target", "Target", "Asks whom to test.", &["t", "e"])
    },
    CommandSpec {
        hint: true,
        enabled: idle,
        args: &[text("set", "name=value, blanks between several")],
        ..diag("diag.options", "Options", "Asks how to test: how many, how long, which records or ports.", &["o"])
    },
    CommandSpec {
        hint: true,
        enabled: done,
        args: &[text("path", "file; .json for JSON")],
        ..diag("diag.export", "Write", "Writes the last result to a new file, as text or as JSON.", &["w"])
    },
    CommandSpec {
        enabled: done,
        ..diag("diag.attach", "Attach", "Adds the last result to the history of the alarm it is about.", &["a"])
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
