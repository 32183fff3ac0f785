//! Commands of the browser of parameters.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Context};

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

/// The commands.
pub(crate) static PARAMS: &[CommandSpec] = &[
    CommandSpec {
        args: &[text("text", "part of a path or of a value")],
        keys: &["/"],
        hint: true,
        ..CommandSpec::view(
            "cpe.search",
            "Search the parameters",
            "Shows only parameters whose path or value holds a text.",
            Context::Params,
        )
    },
    CommandSpec {
        args: &[text("path", "the parameter; the one under the cursor")],
        keys: &["R"],
        ..CommandSpec::view(
            "cpe.reveal",
            "Show a secret",
            "Shows the value of a secret until the cursor moves, where the profile allows it; that it was shown is logged.",
            Context::Params,
        )
    },
];
