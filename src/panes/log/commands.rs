//! The commands of the log.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context};

/// The commands.
pub(crate) static LOG: &[CommandSpec] = &[
    CommandSpec {
        keys: &["f"],
        hint: true,
        ..CommandSpec::view(
            "log.follow",
            "Follow",
            "Keeps the newest row on the screen; again stands still.",
            Context::Log,
        )
    },
    CommandSpec {
        keys: &["!"],
        hint: true,
        ..CommandSpec::view("log.failed", "Failures only", "Shows only what failed; again shows all.", Context::Log)
    },
    CommandSpec {
        keys: &["t"],
        args: &[ArgSpec {
            name: "kind",
            doc: "kind of row",
            required: false,
            kind: ArgKind::Word(&["call", "action", "command", "notice", "source", "unreadable"]),
        }],
        ..CommandSpec::view(
            "log.kind",
            "One kind only",
            "Shows one kind of rows: calls, actions, commands, notices.",
            Context::Log,
        )
    },
    CommandSpec {
        keys: &["o"],
        ..CommandSpec::view(
            "log.source",
            "This source only",
            "Shows only rows of the source under the cursor.",
            Context::Log,
        )
    },
];
