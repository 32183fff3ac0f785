//! `config/keymap.toml`, written from the registry: every default binding, ready to be changed.

use std::fmt::Write as _;

use super::chord::{parse_sequence, print_sequence};
use crate::commands::spec::{CommandSpec, Context};

const HEAD: &str = "\
# The keys of noctule. Generated from the command registry: these are the defaults.
# To change some, write only those into the `keymap.toml` beside your configuration.
#
#   [alarms]                  the context; the innermost one that knows a key decides
#   \"ctrl-a\" = \"alarm.ack\"    keys = command; several keys in a row: \"g x\"
#   \"a\" = false               nothing
#
# A key is one character, f1 to f24, or one of: space, enter, esc, tab, backspace, delete, insert,
# home, end, pageup, pagedown, up, down, left, right; with ctrl-, alt-, shift- before it.
";

/// The text of a keymap file that says exactly what the defaults of `specs` say. Commands without
/// keys appear as comments.
#[must_use]
pub fn document(specs: &[&CommandSpec]) -> String {
    let mut out = String::from(HEAD);
    for context in Context::ALL {
        let here: Vec<&&CommandSpec> = specs.iter().filter(|s| s.context == context).collect();
        if here.is_empty() {
            continue;
        }
        // Writing into a String cannot fail.
        let _ = write!(out, "\n[{}]\n", context.word());
        let lines: Vec<(String, &str)> = here.iter().flat_map(|spec| lines(spec)).collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
        for (line, title) in lines {
            let _ = writeln!(out, "{line:<width$}  # {title}");
        }
    }
    out
}

fn lines(spec: &CommandSpec) -> Vec<(String, &'static str)> {
    if spec.keys.is_empty() {
        return vec![(format!("# \"\" = \"{}\"", spec.id), spec.title)];
    }
    let quoted = |keys: &str| {
        let canonical = parse_sequence(keys).map_or_else(|_| keys.to_owned(), |k| print_sequence(&k));
        canonical.replace('\\', "\\\\").replace('"', "\\\"")
    };
    spec.keys.iter().map(|keys| (format!("\"{}\" = \"{}\"", quoted(keys), spec.id), spec.title)).collect()
}
