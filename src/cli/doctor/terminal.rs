//! The terminal: what the screen would find, read the same way the screen reads it.

use std::io::{self, IsTerminal as _};

use super::report::Check;
use crate::config::Vars;
use crate::config::schema::{Pictures, Ui};
use crate::terminal::Caps;
use crate::terminal::caps::Multiplexer;
use crate::theme::Depth;

/// Below this the screen shows only that it is too small, and the alarm counts.
const SMALLEST: (u16, u16) = (60, 15);

pub(super) fn checks(vars: &Vars, ui: &Ui) -> Vec<Check> {
    let is_tty = io::stdin().is_terminal() && io::stdout().is_terminal();
    let caps = Caps::detect(&|name| vars.get(name).map(str::to_owned), is_tty, ui);
    vec![term(vars, is_tty, &caps), size(), colour(vars, &caps), signs(&caps), multiplexer(&caps), pictures(&caps)]
}

fn term(vars: &Vars, is_tty: bool, caps: &Caps) -> Check {
    let term = vars.get("TERM").unwrap_or("not set");
    match caps.refusal {
        Some(why) if is_tty => Check::fail("TERM", term, why.to_string()),
        Some(_) => Check::ok("TERM", format!("{term}; input and output are no terminal here, the screen needs one")),
        None => Check::ok("TERM", term),
    }
}

fn size() -> Check {
    let size = rustix::termios::tcgetwinsize(io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(io::stderr()))
        .or_else(|_| rustix::termios::tcgetwinsize(io::stdin()));
    match size {
        Ok(s) if s.ws_col < SMALLEST.0 || s.ws_row < SMALLEST.1 => Check::warn(
            "size",
            format!("{}x{}", s.ws_col, s.ws_row),
            format!("make it at least {}x{}; 80x24 is comfortable", SMALLEST.0, SMALLEST.1),
        ),
        Ok(s) => Check::ok("size", format!("{}x{}", s.ws_col, s.ws_row)),
        Err(_) => Check::ok("size", "not known: no terminal"),
    }
}

fn colour(vars: &Vars, caps: &Caps) -> Check {
    let found = match caps.colour {
        Depth::True => "true colour",
        Depth::Ansi256 => "256 colours",
        Depth::Ansi16 => "16 colours",
        Depth::Mono => "none: severity is told by letters and attributes",
    };
    if vars.get("NO_COLOR").is_some() {
        Check::ok("colour", format!("{found} (NO_COLOR)"))
    } else {
        Check::ok("colour", found)
    }
}

fn signs(caps: &Caps) -> Check {
    match (caps.unicode, caps.utf8) {
        (true, _) => Check::ok("signs", "unicode"),
        (false, true) => Check::ok("signs", "ASCII; names from outside are shown in UTF-8"),
        (false, false) => {
            Check::warn("signs", "ASCII, because the locale is not UTF-8", "set LANG to a UTF-8 locale such as C.UTF-8")
        }
    }
}

fn multiplexer(caps: &Caps) -> Check {
    match caps.multiplexer {
        Multiplexer::None => Check::ok("multiplexer", "none"),
        Multiplexer::Tmux => Check::ok("multiplexer", "tmux; for copying it needs `set -g set-clipboard on`"),
        Multiplexer::Screen => Check::ok("multiplexer", "GNU screen; copying reaches no clipboard through it"),
    }
}

/// What the picture of a VNC console would be drawn with.
fn pictures(caps: &Caps) -> Check {
    let found = match caps.pictures {
        Pictures::Auto => "pixels, where the terminal answers that it has sixel or kitty's protocol",
        Pictures::Kitty => "pixels, by kitty's protocol, as configured",
        Pictures::Sixel => "pixels, by sixel, as configured",
        Pictures::Blocks => "half blocks",
    };
    Check::ok("pictures", found)
}
