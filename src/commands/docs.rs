//! The key documentation, generated: `assets/guide/keys.md` and `noctule keys`.

use std::fmt::Write as _;

use super::registry::Registry;
use super::spec::{Confirm, Context, Mutates};

/// Markdown of every command, by context, with the keys that `keys` gives for an id.
#[must_use]
pub fn markdown(registry: &Registry, keys: &dyn Fn(&str) -> Vec<String>) -> String {
    let mut out = String::from(
        "# Commands and keys\n\nGenerated from the command registry by `noctule keys`. Keys are looked up from the \
         innermost context outwards; `config/keymap.toml` changes them. Every command can also be typed after `:` \
         by its id, its id without the group, or an alias.\n",
    );
    for context in Context::ALL {
        let mut rows = registry.all().filter(|s| s.context == context).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {}\n\n| Keys | Command | What it does | Asks | Changes |\n|---|---|---|---|---|\n",
            context.word()
        );
        for spec in rows {
            let keys: Vec<String> = keys(spec.id).iter().map(|k| format!("`{}`", k.replace('|', "\\|"))).collect();
            let args: Vec<String> = spec
                .args
                .iter()
                .map(|a| if a.required { format!("{}=", a.name) } else { format!("[{}=]", a.name) })
                .collect();
            let call = if args.is_empty() { String::new() } else { format!(" {}", args.join(" ")) };
            let _ = writeln!(
                out,
                "| {} | `{}{call}` | **{}.** {} | {} | {} |",
                keys.join(" "),
                spec.id,
                spec.title,
                spec.doc.replace('|', "\\|"),
                confirm_word(spec.confirm),
                mutates_word(spec.mutates),
            );
        }
    }
    out
}

const fn confirm_word(confirm: Confirm) -> &'static str {
    match confirm {
        Confirm::None => "",
        Confirm::YesNo => "y/n",
        Confirm::TypeName => "the name",
    }
}

const fn mutates_word(mutates: Mutates) -> &'static str {
    match mutates {
        Mutates::Nothing => "",
        Mutates::Journal => "journal",
        Mutates::Device => "device",
    }
}
