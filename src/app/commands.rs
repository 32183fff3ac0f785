//! The commands of the kernel itself, and the registry of all.

use std::sync::OnceLock;

use crate::commands::Registry;
use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context, Reason, Situation};

const TEXT: ArgSpec = ArgSpec { name: "name", doc: "name", required: true, kind: ArgKind::Text };

/// The kernel's commands.
pub static GLOBAL: &[CommandSpec] = &[
    CommandSpec {
        keys: &["1"],
        ..CommandSpec::view("pane.alarms", "Alarms", "Shows the alarms pane.", Context::Global)
    },
    CommandSpec { keys: &["2"], ..CommandSpec::view("pane.pon", "PON", "Shows the PON tree.", Context::Global) },
    CommandSpec { keys: &["3"], ..CommandSpec::view("pane.cpe", "CPE", "Shows the fleet of CPEs.", Context::Global) },
    CommandSpec {
        keys: &["4"],
        ..CommandSpec::view(
            "pane.buffers",
            "Buffers",
            "Shows the telemetry appliances: how full, until when, what was lost.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["5"],
        ..CommandSpec::view("pane.vms", "VMs", "Shows every host and its virtual machines.", Context::Global)
    },
    CommandSpec {
        keys: &["6"],
        ..CommandSpec::view("pane.sources", "Sources", "Shows every controller and how well it goes.", Context::Global)
    },
    CommandSpec {
        keys: &["7"],
        ..CommandSpec::view(
            "pane.log",
            "Log",
            "Shows every call made, every action and every failure.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["tab"],
        ..CommandSpec::view("pane.next", "Next pane", "Shows the next pane.", Context::Global)
    },
    CommandSpec {
        keys: &["shift-tab"],
        ..CommandSpec::view("pane.previous", "Previous pane", "Shows the pane before.", Context::Global)
    },
    CommandSpec {
        keys: &["ctrl-o"],
        ..CommandSpec::view("app.back", "Back", "Goes back to where a jump came from.", Context::Global)
    },
    CommandSpec {
        keys: &["?", "f1"],
        hint: true,
        ..CommandSpec::view(
            "app.help",
            "Help",
            "Lists what can be done here, searchable by text or key, with the reason where something cannot.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["ctrl-p"],
        hint: true,
        ..CommandSpec::view("app.palette", "Palette", "Finds any command by a few letters of it.", Context::Global)
    },
    CommandSpec {
        keys: &[":"],
        ..CommandSpec::view("app.command", "Command line", "Types a command with arguments.", Context::Global)
    },
    CommandSpec {
        keys: &["u"],
        enabled: undoable,
        ..CommandSpec::view(
            "app.undo",
            "Undo",
            "Takes the last action on alarms back: within 5 s it never happened, later the opposite is done.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["."],
        enabled: repeatable,
        ..CommandSpec::view(
            "app.repeat",
            "Repeat",
            "Does the last change again, on the row under the cursor or the marks.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["M"],
        ..CommandSpec::view(
            "app.messages",
            "Messages",
            "Shows the messages that have gone from the screen.",
            Context::Global,
        )
    },
    CommandSpec {
        aliases: &["colours", "colors"],
        args: &[ArgSpec { required: false, ..TEXT }],
        ..CommandSpec::view("app.theme", "Theme", "Chooses a theme, shown while choosing.", Context::Global)
    },
    CommandSpec {
        keys: &["ctrl-l"],
        ..CommandSpec::view("app.redraw", "Redraw", "Draws the whole screen again.", Context::Global)
    },
    CommandSpec {
        keys: &["ctrl-z"],
        ..CommandSpec::view(
            "app.suspend",
            "Suspend",
            "Stops noctule and gives the terminal back to the shell; `fg` resumes.",
            Context::Global,
        )
    },
    CommandSpec {
        keys: &["q"],
        aliases: &["q", "exit", "x"],
        hint: true,
        ..CommandSpec::view("app.quit", "Quit", "Leaves noctule. What it shows is kept.", Context::Global)
    },
    CommandSpec {
        keys: &["ctrl-c"],
        ..CommandSpec::view(
            "app.interrupt",
            "Interrupt",
            "Closes what is open on top; pressed twice with nothing open, leaves.",
            Context::Global,
        )
    },
];

fn undoable(s: &Situation) -> Result<(), Reason> {
    if s.can_undo { Ok(()) } else { Err("nothing to undo yet") }
}

fn repeatable(s: &Situation) -> Result<(), Reason> {
    if s.can_repeat { Ok(()) } else { Err("nothing to repeat yet") }
}

/// The registry of every command of the program.
#[must_use]
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut lists = vec![GLOBAL];
        lists.extend(crate::panes::commands());
        Registry::new(&lists)
    })
}
