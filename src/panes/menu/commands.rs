//! The commands of an appliance's console: pages by number, and one level back, from everywhere.

use crate::commands::spec::{CommandSpec, Context, Reason, Situation};

const fn console(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec { keys, enabled: on_console, ..CommandSpec::view(id, title, doc, Context::Console) }
}

const fn menu(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Menu) }
}

const fn page(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::MenuPage) }
}

/// The commands.
pub(crate) static MENU: &[CommandSpec] = &[
    console("menu.status", "Status", "Shows the health of the appliance on one page.", &["1"]),
    console("menu.buffers", "Buffers", "Shows how full the buffer is, until when, and what was lost.", &["2"]),
    console("menu.services", "Services", "Lists the services of the appliance; restarts them.", &["3"]),
    console("menu.ports", "Ports", "Lists the ports that devices send to, and what stands behind them.", &["4"]),
    console("menu.network", "Network diagnostics", "Ping, trace, names, bandwidth and ports from here.", &["5"]),
    console("menu.logs", "Logs", "Shows the calls made to the appliance, and what was done here.", &["6"]),
    console("menu.help", "Help", "Says what the words mean and what to do first.", &["7"]),
    console("menu.leave", "Leave", "Leaves the console, where there is something to go back to.", &["8"]),
    console("menu.lock", "Lock", "Locks the console: changes ask for the PIN again.", &["9"]),
    console("menu.back", "Back", "Goes one level back.", &["0", "q"]),
    menu("menu.up", "Up", "Moves to the entry above.", &["up", "k"]),
    menu("menu.down", "Down", "Moves to the entry below.", &["down", "j"]),
    menu("menu.open", "Open", "Opens the entry.", &["enter", "right", "l", "space"]),
    page("menu.page-up", "Up", "Moves or scrolls up.", &["up", "k", "pageup"]),
    page("menu.page-down", "Down", "Moves or scrolls down.", &["down", "j", "pagedown", "space"]),
    CommandSpec {
        hint: true,
        enabled: on_ports,
        ..page("menu.port-check", "Check a move", "Tells what moving ports would do. Changes nothing.", &["c"])
    },
    CommandSpec {
        hint: true,
        enabled: on_ports,
        ..page("menu.port-move", "Move ports", "Moves ports of collectors, after showing what that does.", &["m"])
    },
    CommandSpec {
        hint: true,
        enabled: on_ports,
        ..page(
            "menu.port-restart",
            "Restart",
            "Restarts the service that the port under the cursor belongs to.",
            &["r"],
        )
    },
];

fn on_console(s: &Situation) -> Result<(), Reason> {
    if s.console { Ok(()) } else { Err("it is for `noctule menu`, the console of an appliance") }
}

fn on_ports(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("there is no port under the cursor") }
}
