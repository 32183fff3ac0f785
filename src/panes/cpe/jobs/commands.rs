//! The commands that make jobs and steer them.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};
use crate::model::job::Priority;

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str) -> CommandSpec {
    CommandSpec {
        mutates: Mutates::Journal,
        on_rows: true,
        headless: true,
        enabled: on_row,
        ..CommandSpec::view(id, title, doc, Context::Cpe)
    }
}

/// The commands.
pub(crate) static JOBS: &[CommandSpec] = &[
    CommandSpec {
        args: &[text("file", "path of a request, TOML or JSON"), text("request", "the request itself")],
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        headless: true,
        ..CommandSpec::view(
            "cpe.job.create",
            "Make a job",
            "Makes a job for many devices out of a request: settings, firmware or a verb, with waves and a stop rule.",
            Context::Cpe,
        )
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        ..verb("job.start", "Start now", "Begins a job without waiting for its time.")
    },
    verb("job.pause", "Pause", "Begins no more devices; what is on its way goes on."),
    CommandSpec {
        args: &[text("secret", "env:NAME, file:PATH or cmd:COMMAND, when it needs its secret again")],
        ..verb("job.resume", "Resume", "Goes on with a job that was paused or that stopped by itself.")
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        ..verb("job.cancel", "Cancel", "Begins no more devices and takes back what still waits at the server.")
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        ..verb("job.retry", "Retry what failed", "Tries the devices again that failed.")
    },
    CommandSpec {
        args: &[ArgSpec {
            name: "dry-run",
            doc: "only find out what would be put back",
            required: false,
            kind: ArgKind::Word(&["no", "yes"]),
        }],
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        ..verb("job.rollback", "Roll back", "Puts back what a job changed, as a job of its own with its own proof.")
    },
    CommandSpec {
        args: &[ArgSpec {
            name: "priority",
            doc: "before or after the other jobs",
            required: false,
            kind: ArgKind::Word(&Priority::WORDS),
        }],
        ..verb("job.priority", "Priority", "Changes the place of a job among the jobs.")
    },
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no job under the cursor") }
}
