//! The commands of the pane: looking, what can be done to machines, and those of an open console.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};

const fn look(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, enabled: on_row, ..CommandSpec::view(id, title, doc, Context::Vms) }
}

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        ..look(id, title, doc, keys)
    }
}

/// A verb after which something may be lost: the name is typed.
const fn harsh(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { confirm: Confirm::TypeName, ..verb(id, title, doc, keys) }
}

const fn text(name: &'static str, doc: &'static str) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Text }
}

const fn word(name: &'static str, doc: &'static str, words: &'static [&'static str]) -> ArgSpec {
    ArgSpec { name, doc, required: false, kind: ArgKind::Word(words) }
}

const YES_NO: &[&str] = &["yes", "no"];

/// The commands of the list.
pub(crate) static VMS: &[CommandSpec] = &[
    CommandSpec {
        hint: true,
        ..look("vm.serial", "Serial console", "Opens the serial line of the machine in the pane.", &["c"])
    },
    CommandSpec {
        hint: true,
        ..look("vm.screen", "Screen", "Opens the screen of the machine, over VNC, in the pane.", &["v"])
    },
    CommandSpec {
        enabled: crate::commands::spec::always,
        ..look("vm.consoles", "Open consoles", "Shows the consoles that are open, side by side.", &["w"])
    },
    CommandSpec {
        enabled: crate::commands::spec::always,
        ..look("vm.flat", "Tree or flat", "Lists machines below their hosts, or all of them by CPU.", &["t"])
    },
    CommandSpec {
        enabled: crate::commands::spec::always,
        ..look("vm.hosts", "Hosts only", "Lists the hosts alone; again shows their machines.", &["f"])
    },
    look(
        "vm.inspect",
        "Ask the host",
        "Asks the host for snapshots, backups, addresses and the definition of the machine, and shows them below its figures.",
        &["i"],
    ),
    look("vm.alarms", "Alarms of the host", "Shows the alarms of the host.", &["a"]),
    look("vm.source", "Its source", "Goes to the source that the host is.", &["o"]),
    look("vm.log", "Log of the host", "Shows the calls made to the host.", &["l"]),
    CommandSpec {
        mutates: Mutates::Nothing,
        confirm: Confirm::None,
        ..verb("vm.poll", "Look now", "Asks the host now instead of at its next turn.", &["P"])
    },
    verb("vm.start", "Start", "Starts the machine.", &["x s"]),
    CommandSpec {
        args: &[text("timeout", "how long it is waited for, 60s by default")],
        ..verb(
            "vm.shutdown",
            "Shut down",
            "Asks the guest to shut down and waits; a guest that ignores it can be forced off afterwards.",
            &["x d"],
        )
    },
    verb("vm.reboot", "Reboot", "Asks the guest to reboot.", &["x r"]),
    harsh("vm.reset", "Reset", "Presses the reset button: the guest loses what it has not written.", &["x R"]),
    harsh("vm.force-off", "Force off", "Pulls the plug: the guest loses what it has not written.", &["x k"]),
    verb("vm.suspend", "Pause", "Stops the machine's CPUs; it stays in memory.", &["x p"]),
    verb("vm.resume", "Go on", "Lets a paused machine go on.", &["x u"]),
    CommandSpec {
        args: &[text("keys", "names with - between: ctrl-alt-delete")],
        ..verb("vm.send-keys", "Send keys", "Presses a combination of keys in the guest.", &["x e"])
    },
    CommandSpec {
        args: &[word("on", "whether it is started with its host", YES_NO)],
        ..verb("vm.autostart", "Autostart", "Says whether the machine is started with its host.", &["x a"])
    },
    CommandSpec {
        args: &[text("file", "a file with its XML; one of the two is needed"), text("xml", "its XML itself")],
        ..verb(
            "vm.define",
            "Define",
            "Changes the definition of a machine, or makes one, after showing what differs.",
            &["x D"],
        )
    },
    CommandSpec {
        args: &[word("disks", "what happens to its disks", &["keep", "delete"])],
        ..harsh(
            "vm.undefine",
            "Undefine",
            "Forgets the machine's definition; its disks are kept unless told otherwise.",
            &["x U"],
        )
    },
    CommandSpec {
        args: &[
            text("name", "name of the snapshot; by default one with date and time"),
            word("kind", "inside the disk image, or as a new file on top", &["internal", "external"]),
            word("memory", "whether its memory is kept, too", YES_NO),
        ],
        ..verb("vm.snapshot", "Snapshot", "Takes a snapshot of the machine.", &["x n"])
    },
    CommandSpec {
        args: &[text("name", "name of the snapshot")],
        ..harsh(
            "vm.snapshot-revert",
            "Revert to snapshot",
            "Puts the machine back to a snapshot: what came after it is lost.",
            &["x v"],
        )
    },
    CommandSpec {
        args: &[text("name", "name of the snapshot")],
        ..verb("vm.snapshot-delete", "Delete snapshot", "Deletes a snapshot; what came after it stays.", &["x N"])
    },
    verb(
        "vm.snapshot-cleanup",
        "Clean up snapshots",
        "Writes the overlays of external snapshots back into the disk, forgets the snapshots, and checks what is left.",
        &["x c"],
    ),
    CommandSpec {
        mutates: Mutates::Nothing,
        confirm: Confirm::None,
        ..verb("vm.orphans", "Find orphans", "Looks for overlays and snapshots that nothing uses any more.", &["x o"])
    },
    CommandSpec {
        args: &[
            word("kind", "everything, or what changed since the last one", &["full", "incremental"]),
            text("folder", "folder on the host; by default that of the configuration"),
            word("verify", "whether it is compared afterwards", YES_NO),
        ],
        ..verb("vm.backup", "Back up", "Backs the machine's disks and definition up while it runs.", &["x b"])
    },
    CommandSpec {
        args: &[
            text("backup", "folder of the backup on the host"),
            text("to", "name of a new machine; without one the machine itself is put back"),
            text("folder", "folder of a new machine's disks on the host; by default where they were"),
            word("start", "whether it is started at the end", YES_NO),
        ],
        ..harsh("vm.restore", "Restore", "Puts a backup back, as the same or as a new machine.", &["x B"])
    },
    CommandSpec {
        args: &[
            text("to", "source that is the host to move it to"),
            word(
                "storage",
                "disks that both hosts have stay: as is seen, as you vouch for, or all others are copied",
                &["auto", "shared", "copy"],
            ),
        ],
        ..harsh(
            "vm.migrate",
            "Move",
            "Moves the running machine to another host, after checking that it can.",
            &["x m"],
        )
    },
    CommandSpec {
        mutates: Mutates::Journal,
        ..verb(
            "vm.dismiss",
            "Dismiss its failure",
            "Forgets that an operation on the machine failed: it has been dealt with.",
            &["x i"],
        )
    },
    verb("vm.cancel", "Cancel its job", "Cancels the backup or migration that runs in the machine.", &["x x"]),
];

const fn inside(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Terminal) }
}

/// The commands of an open console. Their keys begin with one that the guest does not get.
pub(crate) static TERMINAL: &[CommandSpec] = &[
    CommandSpec {
        hint: true,
        ..inside(
            "console.leave",
            "Leave",
            "Goes back to the list; the console stays open. One that was opened alone ends the program.",
            &["ctrl-] d", "ctrl-] esc"],
        )
    },
    CommandSpec { hint: true, ..inside("console.close", "Close", "Closes the console.", &["ctrl-] q"]) },
    inside("console.escape", "Send ctrl-]", "Sends the key itself to the guest.", &["ctrl-] ctrl-]"]),
    inside("console.next", "Next console", "Shows the next open console.", &["ctrl-] n"]),
    inside("console.previous", "Previous console", "Shows the open console before.", &["ctrl-] p"]),
    inside("console.wall", "All consoles", "Shows all open consoles side by side.", &["ctrl-] w"]),
    CommandSpec {
        args: &[text("text", "the text to look for")],
        ..inside("console.search", "Search", "Looks for a text upwards; again looks on.", &["ctrl-] /"])
    },
    inside("console.search-down", "Search down", "Looks for the same text downwards.", &["ctrl-] N"]),
    inside("console.up", "Scroll up", "Scrolls half a screen up.", &["shift-pageup", "ctrl-] pageup", "ctrl-] u"]),
    inside(
        "console.down",
        "Scroll down",
        "Scrolls half a screen down.",
        &["shift-pagedown", "ctrl-] pagedown", "ctrl-] j"],
    ),
    inside("console.bottom", "To the end", "Shows what is printed now again.", &["ctrl-] G", "ctrl-] end"]),
    inside(
        "console.mark",
        "Mark",
        "Marks the first line that is shown: Copy takes everything from there to the last line shown. Again forgets it.",
        &["ctrl-] m"],
    ),
    inside("console.copy", "Copy", "Copies the text that is shown, or all of it since the mark.", &["ctrl-] y"]),
    CommandSpec {
        args: &[text("text", "the text")],
        ..inside("console.type", "Type a text", "Sends a text to the guest as if it was typed.", &["ctrl-] t"])
    },
    CommandSpec {
        args: &[text("keys", "a combination such as ctrl-alt-delete")],
        ..inside("console.keys", "Send keys", "Chooses a combination that terminals cannot send.", &["ctrl-] k"])
    },
    CommandSpec {
        args: &[text("file", "a file"), word("redact", "whether what looks like a secret is hidden", YES_NO)],
        ..inside(
            "console.record",
            "Record",
            "Records what is shown in a file (asciicast), redacted if wanted; again ends it.",
            &["ctrl-] r"],
        )
    },
    inside("console.size", "Send size", "Tells the guest the size: a stty line, or another resolution.", &["ctrl-] s"]),
    inside(
        "console.reset",
        "Reset",
        "Sets the terminal back when the guest has left it in a mess; nothing is typed, and no line is lost.",
        &["ctrl-] R"],
    ),
    inside(
        "console.picture",
        "Text or picture",
        "Shows a screen as a picture or as the text read from it.",
        &["ctrl-] g"],
    ),
    inside("console.closer", "Closer", "Shows a part of the picture, larger.", &["ctrl-] +"]),
    inside("console.farther", "Farther", "Shows more of the picture.", &["ctrl-] -"]),
    inside("console.left", "Left", "Moves the part of the screen that is shown.", &["ctrl-] left"]),
    inside("console.right", "Right", "Moves the part of the screen that is shown.", &["ctrl-] right"]),
    inside("console.higher", "Higher", "Moves the part of the screen that is shown.", &["ctrl-] up"]),
    inside("console.lower", "Lower", "Moves the part of the screen that is shown.", &["ctrl-] down"]),
    inside(
        "console.control",
        "Ask for control",
        "Asks who types into a shared console for control, or gives it back.",
        &["ctrl-] c"],
    ),
    inside("console.hand-over", "Hand over", "Hands control to whoever asks for it.", &["ctrl-] h"]),
    inside(
        "console.take-over",
        "Take over",
        "Takes a console away from whoever has it outside of noctule.",
        &["ctrl-] T"],
    ),
    CommandSpec {
        args: &[text("alarm", "number of the alarm")],
        ..inside("console.attach", "Note on alarm", "Notes what is shown on an alarm.", &["ctrl-] A"])
    },
];

fn on_row(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no machine under the cursor") }
}
