//! The commands that make jobs, steer them, and look at them and their devices.

use crate::commands::spec::{
    ArgKind, ArgSpec, Choice, CommandSpec, Confirm, Context, JobFacts, Mutates, Reason, Situation,
};
use crate::model::job::{Phase, Priority};

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const fn look(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    context: Context,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, context) }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        keys,
        mutates: Mutates::Journal,
        on_rows: true,
        headless: true,
        enabled: on_job,
        ..CommandSpec::view(id, title, doc, Context::Jobs)
    }
}

/// Opens the editor; what comes of that passes the gate as `cpe.job.create`.
const WRITE: CommandSpec = CommandSpec { enabled: may_change, ..CommandSpec::view("", "", "", Context::Cpe) };

/// The answers beside yes and no to the plan of a job that is to be made.
static TO_MAKE: [Choice; 2] = [
    Choice { key: 'd', words: "dry run", command: "cpe.job.try", needs: "request" },
    Choice { key: 'e', words: "edit again", command: "cpe.job.edit", needs: "request" },
];

/// The commands.
pub(crate) static JOBS: &[CommandSpec] = &[
    CommandSpec {
        keys: &["J"],
        hint: true,
        ..CommandSpec::view(
            "cpe.jobs",
            "Jobs",
            "Shows the jobs in the place of the fleet; again shows the fleet.",
            Context::Cpe,
        )
    },
    CommandSpec {
        id: "cpe.job.create",
        title: "Make a job",
        doc: "Makes a job for many devices out of a request: settings, firmware or a verb, with waves and a stop rule. \
              Without a request it opens the editor with one for the devices of the list, or the marked ones.",
        keys: &["x j"],
        args: &[
            text("file", "path of a request, TOML or JSON"),
            text("request", "the request itself"),
            ArgSpec {
                name: "dry-run",
                doc: "only find out what would be done",
                required: false,
                kind: ArgKind::Word(&["no", "yes"]),
            },
        ],
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        headless: true,
        choices: &TO_MAKE,
        ..WRITE
    },
    CommandSpec {
        id: "cpe.job.firmware",
        title: "Make a firmware job",
        doc: "Opens the editor with a request that loads firmware in waves, for the devices of the list or the marked \
              ones.",
        keys: &["x w"],
        ..WRITE
    },
    CommandSpec {
        id: "cpe.job.edit",
        title: "Go on with a request",
        doc: "Opens the editor again with the request of a job that was not made yet.",
        ..WRITE
    },
    CommandSpec {
        id: "cpe.job.try",
        title: "Dry run of a request",
        doc: "Makes a job of the request that only finds out what would be done to each device.",
        mutates: Mutates::Journal,
        ..WRITE
    },
    CommandSpec {
        id: "cpe.job.drop",
        title: "Drop a request",
        doc: "Forgets the request of a job that was not made yet.",
        ..CommandSpec::view("", "", "", Context::Cpe)
    },
    look("job.fleet", "Fleet", "Shows the fleet in the place of the jobs.", Context::Jobs, &["J"]),
    CommandSpec {
        enabled: on_job,
        hint: true,
        ..look("job.devices", "Its devices", "Shows what became of each device of the job.", Context::Jobs, &["d"])
    },
    CommandSpec {
        enabled: on_job,
        hint: true,
        ..look("job.enter", "Its devices", "Shows what became of each device of the job.", Context::Job, &["enter"])
    },
    CommandSpec {
        hint: true,
        ..look(
            "job.up",
            "Back to the jobs",
            "Takes marks and filter away, then goes back to the jobs.",
            Context::JobDevices,
            &["esc", "backspace"],
        )
    },
    CommandSpec {
        hint: true,
        ..look(
            "job.failures",
            "Failures only",
            "Shows only devices that failed; again shows all.",
            Context::JobDevices,
            &["!"],
        )
    },
    CommandSpec {
        enabled: on_row,
        hint: true,
        ..look("job.device-cpe", "Its CPE", "Goes to the device in the fleet.", Context::JobDevices, &["c"])
    },
    CommandSpec {
        enabled: on_row,
        ..look("job.device-onu", "Its ONU", "Goes to the ONU of the same serial number.", Context::JobDevices, &["o"])
    },
    CommandSpec {
        enabled: may_change,
        args: &[ArgSpec {
            name: "kind",
            doc: "what it is for",
            required: false,
            kind: ArgKind::Word(&["settings", "firmware", "file"]),
        }],
        hint: true,
        ..look(
            "job.new",
            "New job",
            "Makes a job: settings or firmware for the devices of the fleet's filter, or from a file.",
            Context::Jobs,
            &["n"],
        )
    },
    CommandSpec {
        enabled: has_request,
        ..look(
            "job.again",
            "Make another like it",
            "Opens the editor with the request of the job; of a dry run, with the request to do it for real.",
            Context::Jobs,
            &["x a"],
        )
    },
    CommandSpec {
        enabled: was_dry_run,
        ..look(
            "job.for-real",
            "Do it for real",
            "Makes the job that a dry run tried, for as many devices as it found.",
            Context::Jobs,
            &["x y"],
        )
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        enabled: waits,
        ..verb("job.start", "Start now", "Begins a job without waiting for its time.", &["x s"])
    },
    CommandSpec {
        enabled: runs,
        ..verb("job.pause", "Pause", "Begins no more devices; what is on its way goes on.", &["x p"])
    },
    CommandSpec {
        args: &[text("secret", "env:NAME, file:PATH or cmd:COMMAND, when it needs its secret again")],
        enabled: stands,
        ..verb("job.resume", "Resume", "Goes on with a job that was paused or that stopped by itself.", &["x r"])
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        enabled: cancellable,
        ..verb(
            "job.cancel",
            "Cancel",
            "Begins no more devices and takes back what still waits at the server.",
            &["x c"],
        )
    },
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        enabled: has_failures,
        ..verb("job.retry", "Retry what failed", "Tries the devices again that failed.", &["x t"])
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
        enabled: can_roll_back,
        ..verb(
            "job.rollback",
            "Roll back",
            "Puts back what a job changed, as a job of its own with its own proof.",
            &["x b"],
        )
    },
    CommandSpec {
        args: &[ArgSpec {
            name: "priority",
            doc: "before or after the other jobs",
            required: false,
            kind: ArgKind::Word(&Priority::WORDS),
        }],
        enabled: open,
        ..verb("job.priority", "Priority", "Changes the place of a job among the jobs.", &["x P"])
    },
    CommandSpec {
        args: &[
            ArgSpec {
                name: "format",
                doc: "md, csv or json",
                required: false,
                kind: ArgKind::Word(&["md", "csv", "json"]),
            },
            text("file", "file to write; - for standard output"),
        ],
        mutates: Mutates::Nothing,
        ..verb(
            "job.export",
            "Report",
            "Writes a report of a job: Markdown for people, CSV with a line a device, or all of it as JSON.",
            &["x e"],
        )
    },
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no device under the cursor") }
}

fn on_job(s: &Situation) -> Result<(), Reason> {
    if s.job.is_some() || s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no job under the cursor") }
}

/// What holds of the job in question; with several marked the plan tells which it leaves out.
fn facts(s: &Situation, holds: fn(&JobFacts) -> Result<(), Reason>) -> Result<(), Reason> {
    on_job(s)?;
    s.job.as_ref().map_or(Ok(()), holds)
}

fn waits(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| if j.phase == Phase::Waiting { Ok(()) } else { Err("it does not wait for its time") })
}

fn runs(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| match j.phase {
        Phase::Running => Ok(()),
        Phase::Paused => Err("it is paused already"),
        phase if phase.is_over() => Err("the job is through"),
        _ => Err("it does not run"),
    })
}

fn stands(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| match j.phase {
        Phase::Paused | Phase::Held => Ok(()),
        phase if phase.is_over() => Err("the job is through"),
        _ => Err("it is neither paused nor held"),
    })
}

fn cancellable(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| match j.phase {
        Phase::Cancelling => Err("it is being cancelled already"),
        Phase::Ended if j.queued > 0 => Ok(()),
        phase if phase.is_over() => Err("the job is through"),
        _ => Ok(()),
    })
}

fn has_failures(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| match j.phase {
        _ if j.failed == 0 => Err("nothing failed"),
        Phase::Ended | Phase::Held | Phase::Paused | Phase::Running => Ok(()),
        _ => Err("it has not begun, or was cancelled"),
    })
}

fn can_roll_back(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| match j.phase {
        _ if j.dry_run => Err("a dry run changed nothing"),
        _ if !j.sets => Err("only a job that sets parameters saved what it could put back"),
        Phase::Running | Phase::Cancelling => Err("it still runs: pause or cancel it first"),
        _ if j.changed == 0 => Err("it changed nothing"),
        _ => Ok(()),
    })
}

fn open(s: &Situation) -> Result<(), Reason> {
    facts(s, |j| if j.phase.is_over() { Err("the job is through") } else { Ok(()) })
}

/// Writing a request is of use only to who may send it.
fn may_change(s: &Situation) -> Result<(), Reason> {
    if s.read_only { Err("the profile is read-only") } else { Ok(()) }
}

fn has_request(s: &Situation) -> Result<(), Reason> {
    may_change(s)?;
    match &s.job {
        Some(_) => Ok(()),
        None if s.marked > 1 => Err("one job at a time"),
        None => Err("there is no job under the cursor"),
    }
}

fn was_dry_run(s: &Situation) -> Result<(), Reason> {
    has_request(s)?;
    facts(s, |j| match (j.dry_run, j.phase) {
        (false, _) => Err("it was no dry run"),
        (true, Phase::Ended) => Ok(()),
        (true, _) => Err("the dry run is not through"),
    })
}
