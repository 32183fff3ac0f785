//! What can be asked of the worker of a source.

use crate::commands::spec::{CommandSpec, Context, Mutates, Reason, Situation};

const fn source(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec {
        keys,
        on_rows: true,
        headless: true,
        enabled: on_source,
        ..CommandSpec::view(id, title, doc, Context::Sources)
    }
}

/// The commands.
pub(crate) static SOURCES: &[CommandSpec] = &[
    CommandSpec {
        mutates: Mutates::Journal,
        enabled: running,
        hint: true,
        ..source("source.pause", "Pause", "Stops polling and listening to the source. Its data turns stale.", &["p"])
    },
    CommandSpec {
        mutates: Mutates::Journal,
        enabled: paused,
        hint: true,
        ..source("source.resume", "Resume", "Polls and listens to the source again.", &["r"])
    },
    CommandSpec {
        hint: true,
        ..source("source.poll", "Poll now", "Reads everything from the source now instead of at its next turn.", &["P"])
    },
    CommandSpec {
        hint: true,
        ..source("source.test", "Test", "Makes one call to the source and tells how it went.", &["t"])
    },
    source(
        "source.reset-breaker",
        "Reset the breaker",
        "Closes the circuit breaker of the source, so that the next call is made at once.",
        &["b"],
    ),
    CommandSpec { headless: false, ..source("source.alarms", "Its alarms", "Shows the alarms of the source.", &["a"]) },
    CommandSpec { headless: false, ..source("source.log", "Its log", "Shows the calls made to the source.", &["l"]) },
];

fn on_source(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no source under the cursor") }
}

fn running(s: &Situation) -> Result<(), Reason> {
    on_source(s)?;
    if s.marked == 0 && s.paused { Err("the source is paused already") } else { Ok(()) }
}

fn paused(s: &Situation) -> Result<(), Reason> {
    on_source(s)?;
    if s.marked == 0 && !s.paused { Err("the source is not paused") } else { Ok(()) }
}
