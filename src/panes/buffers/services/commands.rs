//! The commands of the list of services.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};

const fn view(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Services) }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        enabled: on_row,
        ..view(id, title, doc, keys)
    }
}

/// The commands.
pub(crate) static SERVICES: &[CommandSpec] = &[
    CommandSpec {
        hint: true,
        ..view(
            "service.leave",
            "Back to the appliances",
            "Takes the filter or the marks away; else goes back to the list of appliances.",
            &["esc"],
        )
    },
    CommandSpec {
        hint: true,
        ..view(
            "service.all",
            "All or one appliance",
            "Shows the services of all appliances, or those of the one under the cursor.",
            &["A"],
        )
    },
    CommandSpec {
        hint: true,
        args: &[ArgSpec {
            name: "force",
            doc: "yes: restart though it runs well or its appliance is in trouble; the name has to be typed",
            required: false,
            kind: ArgKind::Word(&["no", "yes"]),
        }],
        ..verb(
            "service.restart",
            "Restart",
            "Restarts the service on its appliance, waits until it runs again and its port listens, and tells what came of it.",
            &["x r"],
        )
    },
    CommandSpec {
        confirm: Confirm::TypeName,
        ..verb(
            "service.restart-force",
            "Restart by force",
            "Restarts the service whatever speaks against it. What it holds in memory is lost.",
            &["x R"],
        )
    },
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no service under the cursor") }
}
