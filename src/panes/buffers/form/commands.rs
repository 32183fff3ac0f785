//! The commands of forms: an appliance's configuration, a silence.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context, Reason, Situation};

const fn form(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Form) }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

/// The commands.
pub(crate) static FORM: &[CommandSpec] = &[
    CommandSpec {
        args: &[text("path", "the field"), text("value", "its new value")],
        hint: true,
        ..form("form.set", "Change", "Changes the field under the cursor; nothing is sent yet.", &["enter"])
    },
    form("form.unset", "As it was", "Takes the change of the field under the cursor back.", &["backspace", "delete"]),
    form("form.drop", "Drop all changes", "Takes all changes back.", &["U"]),
    CommandSpec {
        hint: true,
        enabled: of_appliance,
        ..form("form.diff", "Changes", "Shows all changes, old and new, and what they need; again goes back.", &["d"])
    },
    CommandSpec {
        hint: true,
        ..form(
            "form.send",
            "Send",
            "Shows what it would do and asks, then sends what the form holds: of a configuration the whole.",
            &["x s"],
        )
    },
    CommandSpec {
        enabled: of_appliance,
        ..form("form.read", "Read again", "Asks the appliance for its configuration anew; changes are kept.", &["r"])
    },
    CommandSpec {
        hint: true,
        ..form("form.leave", "Back", "Goes back; changes of a configuration that were not sent are kept.", &["esc"])
    },
];

fn of_appliance(s: &Situation) -> Result<(), Reason> {
    if s.node_kind == Some("silence") { Err("a silence has no such thing") } else { Ok(()) }
}
