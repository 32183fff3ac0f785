//! The commands of the form of an appliance's configuration.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context};

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
        ..form("form.diff", "Changes", "Shows all changes, old and new, and what they need; again goes back.", &["d"])
    },
    CommandSpec {
        hint: true,
        ..form("form.send", "Send", "Asks, and then sends the whole configuration with the changes.", &["x s"])
    },
    form("form.read", "Read again", "Asks the appliance for its configuration anew; changes are kept.", &["r"]),
    CommandSpec {
        hint: true,
        ..form("form.leave", "Back to the appliances", "Goes back; changes that were not sent are kept.", &["esc"])
    },
];
