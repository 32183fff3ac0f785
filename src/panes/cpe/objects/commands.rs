//! Commands about what servers keep beside devices: presets, provisions, virtual parameters, files.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};
use crate::model::stored::StoredKind;

const fn look(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Objects) }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const NAME: ArgSpec = text("name", "its name, which is its id");
const SOURCE: ArgSpec = text("source", "the server, where there are several");
const FILE: ArgSpec = text("file", "path of a file with the new text");
const TEXT: ArgSpec = text("text", "the new text");
const BASE: ArgSpec = text("base", "what the server's text was when this one was begun");
const DRAFT: ArgSpec = text("draft", "file that keeps the text until it was stored");

const fn put(id: &'static str, title: &'static str, doc: &'static str) -> CommandSpec {
    CommandSpec {
        args: &[NAME, FILE, SOURCE, TEXT, BASE, DRAFT],
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        ..CommandSpec::view(id, title, doc, Context::Objects)
    }
}

const fn delete(id: &'static str, title: &'static str, doc: &'static str) -> CommandSpec {
    CommandSpec { args: &[NAME, SOURCE], confirm: Confirm::TypeName, ..put(id, title, doc) }
}

/// The commands.
pub(crate) static OBJECTS: &[CommandSpec] = &[
    CommandSpec {
        keys: &["O"],
        hint: true,
        ..CommandSpec::view(
            "cpe.objects",
            "Presets, scripts, files",
            "Lists presets, provisions, virtual parameters and files of every server, read from it now.",
            Context::Cpe,
        )
    },
    look(
        "cpe.object-tab",
        "Next kind",
        "Shows the next kind: presets, provisions, virtual parameters, files.",
        &["l", "right"],
    ),
    look("cpe.object-tab-back", "Kind before", "Shows the kind before.", &["h", "left"]),
    look("cpe.object-read", "Read again", "Reads everything from the servers again.", &["r"]),
    CommandSpec {
        args: &[text("text", "part of a name or of a text")],
        hint: true,
        ..look(
            "cpe.object-find",
            "Search",
            "In the list: shows only what holds a text. In a text: goes to the next line that holds it.",
            &["/"],
        )
    },
    look("cpe.object-next", "Next match", "Goes to the next line of the text that holds what is searched.", &["n"]),
    CommandSpec {
        hint: true,
        enabled: on_row,
        ..look(
            "cpe.object-edit",
            "Edit",
            "Opens the text in $EDITOR; the difference is shown before anything is sent.",
            &["e"],
        )
    },
    CommandSpec {
        args: &[NAME],
        hint: true,
        ..look("cpe.object-new", "New", "Makes one of the kind shown: asks for a name, then opens $EDITOR.", &["a"])
    },
    CommandSpec {
        enabled: on_row,
        hint: true,
        ..look("cpe.object-delete", "Delete", "Deletes it, after the plan has told who uses it.", &["d"])
    },
    put("cpe.preset.put", "Store a preset", "Writes a preset (JSON), checked before it is sent and read back after."),
    delete("cpe.preset.delete", "Delete a preset", "Deletes a preset from its server."),
    put("cpe.provision.put", "Store a provision", "Writes a provision (JavaScript) and reads it back."),
    delete(
        "cpe.provision.delete",
        "Delete a provision",
        "Deletes a provision; the plan names the presets that call it.",
    ),
    put("cpe.vparam.put", "Store a virtual parameter", "Writes a virtual parameter (JavaScript) and reads it back."),
    delete(
        "cpe.vparam.delete",
        "Delete a virtual parameter",
        "Deletes a virtual parameter; the plan names who uses it.",
    ),
    CommandSpec {
        keys: &["U"],
        args: &[
            NAME,
            text("file", "path of the file to send"),
            SOURCE,
            text("type", "type of the file; 1 Firmware Upgrade Image unless told"),
            text("oui", "the maker it is for; any when empty"),
            text("class", "the product class it is for; any when empty"),
            text("version", "the version it brings"),
        ],
        ..put("cpe.file.upload", "Upload a file", "Sends a file to the server; its SHA-256 is noted and shown.")
    },
    delete("cpe.file.delete", "Delete a file", "Deletes a file from its server."),
];

/// The command that writes a kind, and the one that deletes it.
pub(super) const fn of(kind: StoredKind) -> (&'static str, &'static str) {
    match kind {
        StoredKind::Preset => ("cpe.preset.put", "cpe.preset.delete"),
        StoredKind::Provision => ("cpe.provision.put", "cpe.provision.delete"),
        StoredKind::VirtualParameter => ("cpe.vparam.put", "cpe.vparam.delete"),
        StoredKind::File => ("cpe.file.upload", "cpe.file.delete"),
    }
}

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("there is nothing under the cursor") }
}
