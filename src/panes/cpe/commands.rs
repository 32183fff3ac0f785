//! The commands of the CPE pane: reading, looking elsewhere, staging edits, and the verbs.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};

const fn look(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, enabled: on_row, ..CommandSpec::view(id, title, doc, Context::Cpe) }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        keys,
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        enabled: on_row,
        ..CommandSpec::view(id, title, doc, Context::Cpe)
    }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const OBJECT: ArgSpec = text("object", "path of an object");
const TAG: ArgSpec = text("tag", "the tag");

/// The commands.
pub(crate) static CPE: &[CommandSpec] = &[
    CommandSpec {
        keys: &["esc"],
        hint: true,
        ..CommandSpec::view(
            "cpe.leave",
            "Back to the fleet",
            "Takes the search or the marks away; else goes back to the list of CPEs.",
            Context::Inner,
        )
    },
    CommandSpec {
        hint: true,
        ..look(
            "cpe.params",
            "Read from the server",
            "Reads faults, tasks, downloads, files and all parameters of the device from its server.",
            &["r"],
        )
    },
    CommandSpec {
        hint: true,
        ..look(
            "cpe.browse",
            "Browse the parameters",
            "Shows all parameters of the device with values, ages and types, to be searched, copied and edited.",
            &["p"],
        )
    },
    CommandSpec {
        args: &[text("edit", "path=value, or a path"), text("path", "the parameter"), text("value", "its new value")],
        ..look(
            "cpe.stage",
            "Stage an edit",
            "Notes a new value for a parameter of this device; all staged edits are sent as one.",
            &["E"],
        )
    },
    look("cpe.unstage", "Drop staged edits", "Forgets the staged edits of this device.", &["U"]),
    CommandSpec {
        keys: &["b"],
        ..CommandSpec::view(
            "cpe.fleet",
            "Fleet in bars",
            "Shows or hides online counts and firmware versions of the list in bars.",
            Context::Cpe,
        )
    },
    CommandSpec { hint: true, ..look("cpe.onu", "Its ONU", "Goes to the ONU of the same serial number.", &["o"]) },
    look("cpe.alarms", "Alarms of its ONU", "Shows the alarms of the ONU of the same serial number.", &["a"]),
    CommandSpec {
        args: &[OBJECT],
        ..verb("cpe.refresh", "Refresh", "Lets the server read an object of the device, or everything.", &["x f"])
    },
    CommandSpec {
        args: &[text("names", "paths of parameters, with blanks between them")],
        ..verb("cpe.get", "Read parameters", "Lets the server read parameters of the device now.", &["x g"])
    },
    CommandSpec {
        args: &[
            text("values", "path=value, one a line; a path alone asks for its value"),
            text("path", "the parameter"),
            text("value", "its new value"),
        ],
        ..verb(
            "cpe.set",
            "Set parameters",
            "Sends the staged edits, or one, and reads each value back from the device as proof.",
            &["x s"],
        )
    },
    CommandSpec {
        args: &[OBJECT],
        ..verb("cpe.add", "Add an instance", "Makes an instance of an object of the device.", &["x a"])
    },
    CommandSpec {
        args: &[OBJECT],
        ..verb("cpe.del-instance", "Remove an instance", "Removes an instance of an object.", &["x i"])
    },
    verb("cpe.reboot", "Reboot", "Restarts the device.", &["x r"]),
    CommandSpec {
        confirm: Confirm::TypeName,
        ..verb("cpe.factory-reset", "Factory reset", "Sets the device back to factory settings.", &["x R"])
    },
    CommandSpec {
        args: &[text("file", "name of a file that the server has")],
        ..verb("cpe.push", "Push a file", "Lets the device fetch a file, a firmware say, from the server.", &["x p"])
    },
    CommandSpec { args: &[TAG], ..verb("cpe.tag", "Tag", "Gives the device a tag.", &["x t"]) },
    CommandSpec { args: &[TAG], ..verb("cpe.untag", "Untag", "Takes a tag away.", &["x T"]) },
    verb("cpe.connect", "Call the device", "Sends a connection request and tells why it fails.", &["x c"]),
    CommandSpec {
        args: &[text("channel", "channel of the fault; empty for all of the device")],
        ..verb("cpe.fault-delete", "Remove faults", "Removes faults, and the tasks behind them.", &["x e"])
    },
    CommandSpec {
        args: &[text("channel", "channel of the fault; empty for all of the device")],
        ..verb(
            "cpe.fault-retry",
            "Try again what failed",
            "Lets tasks and presets with a fault run again now, and calls the device.",
            &["x E"],
        )
    },
    CommandSpec {
        keys: &["F"],
        ..CommandSpec::view(
            "cpe.faults",
            "Faults of the fleet",
            "Lists the faults that servers hold: what failed, on which parameter, since when.",
            Context::Cpe,
        )
    },
    CommandSpec {
        confirm: Confirm::TypeName,
        ..verb("cpe.delete", "Delete", "Removes the device from its server.", &["x D"])
    },
];

/// The argument that a verb cannot do without, and how it is asked for.
pub(super) const fn needed(id: &str) -> Option<(&'static str, &'static str)> {
    match id.as_bytes() {
        b"cpe.get" => Some(("names", "Read which parameters? (paths, blanks between them)")),
        b"cpe.set" => Some(("values", "Set which parameter? (path, or path=value)")),
        b"cpe.add" => Some(("object", "An instance of which object? (path)")),
        b"cpe.del-instance" => Some(("object", "Remove which instance? (path)")),
        b"cpe.push" => Some(("file", "Push which file of the server?")),
        b"cpe.tag" => Some(("tag", "Which tag?")),
        b"cpe.untag" => Some(("tag", "Take which tag away?")),
        _ => None,
    }
}

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no device under the cursor") }
}
