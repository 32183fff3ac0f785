//! The grammar of `:` lines: `name key=value key="two words" the rest`.
//!
//! The rest of the line becomes the first text argument that was not named, so that
//! `:note called the site owner` and `:filter severity>=major` need no quotes.

use crate::model::command::Args;
use crate::model::order;

use super::registry::Registry;
use super::spec::{ArgKind, CommandSpec, Context};

/// A parsed line.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The command.
    pub spec: &'static CommandSpec,
    /// Its arguments.
    pub args: Args,
}

/// Why a line could not be parsed, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Byte offset of the place.
    pub at: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Something that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What the line becomes.
    pub line: String,
    /// What is shown.
    pub label: String,
    /// What it does.
    pub doc: String,
}

/// Parses a line in the given contexts (the innermost first).
pub fn parse(line: &str, registry: &Registry, contexts: &[Context]) -> Result<Parsed, ParseError> {
    let trimmed = line.trim_start();
    let start = line.len() - trimmed.len();
    let (name, mut rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    let Some(spec) = registry.named(name, contexts) else {
        let hint = registry.nearest(name).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        return Err(ParseError { at: start, message: format!("no command is called `{name}`{hint}") });
    };
    let mut args = Args::new();
    loop {
        rest = rest.trim_start();
        let Some((key, value, after)) = named_argument(rest, spec) else { break };
        args.insert(key.to_owned(), value);
        rest = after;
    }
    let rest = rest.trim_end();
    if !rest.is_empty() {
        let free = spec.args.iter().find(|a| !args.contains_key(a.name));
        let Some(arg) = free else {
            return Err(ParseError {
                at: line.len() - rest.len(),
                message: format!("`{}` takes no further argument", spec.id),
            });
        };
        args.insert(arg.name.to_owned(), unquote(rest).unwrap_or_else(|| rest.to_owned()));
    }
    check(spec, &args).map_err(|message| ParseError { at: start, message })?;
    Ok(Parsed { spec, args })
}

/// Checks that every argument is one of the command's and reads as its kind.
pub fn check(spec: &CommandSpec, args: &Args) -> Result<(), String> {
    for (name, value) in args {
        let Some(arg) = spec.args.iter().find(|a| a.name == name) else {
            let known: Vec<&str> = spec.args.iter().map(|a| a.name).collect();
            let known =
                if known.is_empty() { "it takes none".into() } else { format!("it takes {}", known.join(", ")) };
            return Err(format!("`{}` has no argument `{name}`: {known}", spec.id));
        };
        match arg.kind {
            ArgKind::Duration if crate::model::time::parse_duration(value).is_none() => {
                return Err(format!("{name}={value} is no duration: write 90s, 15m, 2h, 3d or 1h30m"));
            }
            ArgKind::Word(words) if !words.contains(&value.as_str()) => {
                return Err(format!("{name}={value} is not one of {}", words.join(", ")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What could complete the line: command names first, then arguments.
#[must_use]
pub fn complete(line: &str, registry: &Registry, contexts: &[Context]) -> Vec<Completion> {
    let Some((name, rest)) = line.split_once(char::is_whitespace) else {
        return names(line, registry, contexts);
    };
    let Some(spec) = registry.named(name, contexts) else { return Vec::new() };
    let last = rest.rsplit(char::is_whitespace).next().unwrap_or("");
    let head = line.strip_suffix(last).unwrap_or(line);
    let mut out = Vec::new();
    for arg in spec.args {
        if let Some(value) = last.strip_prefix(arg.name).and_then(|l| l.strip_prefix('=')) {
            if let ArgKind::Word(words) = arg.kind {
                for word in words.iter().filter(|w| w.starts_with(value)) {
                    out.push(Completion {
                        line: format!("{head}{}={word} ", arg.name),
                        label: (*word).to_owned(),
                        doc: arg.doc.to_owned(),
                    });
                }
            }
        } else if arg.name.starts_with(last) && !rest.contains(&format!("{}=", arg.name)) {
            out.push(Completion {
                line: format!("{head}{}=", arg.name),
                label: format!("{}=", arg.name),
                doc: arg.doc.to_owned(),
            });
        }
    }
    out
}

fn names(prefix: &str, registry: &Registry, contexts: &[Context]) -> Vec<Completion> {
    let mut out: Vec<(usize, Completion)> = Vec::new();
    for spec in registry.all() {
        let here = contexts.iter().position(|c| *c == spec.context);
        let short = super::registry::short(spec.id);
        let hit = std::iter::once(short)
            .chain(spec.aliases.iter().copied())
            .chain(std::iter::once(spec.id))
            .find(|n| n.starts_with(prefix));
        if let (Some(name), Some(rank)) = (hit, here) {
            let tail = if spec.args.is_empty() { "" } else { " " };
            out.push((
                rank,
                Completion { line: format!("{name}{tail}"), label: name.to_owned(), doc: spec.title.to_owned() },
            ));
        }
    }
    order::by(&mut out, |a, b| (a.0, a.1.label.len(), &a.1.label).cmp(&(b.0, b.1.label.len(), &b.1.label)));
    out.into_iter().map(|(_, c)| c).collect()
}

/// `key=value` or `key="value"` at the start of `text`, when `key` is an argument of `spec`.
fn named_argument<'a>(text: &'a str, spec: &CommandSpec) -> Option<(&'static str, String, &'a str)> {
    let (key, after) = text.split_once('=')?;
    let arg = spec.args.iter().find(|a| a.name == key)?;
    if after.starts_with('"') {
        let body = after.strip_prefix('"')?;
        let mut value = String::new();
        let mut chars = body.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => return Some((arg.name, value, body.get(i + 1..)?)),
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        return Some((arg.name, value, ""));
    }
    let (value, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    Some((arg.name, value.to_owned(), rest))
}

fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spec::ArgSpec;
    use proptest::prelude::*;

    static SPECS: &[CommandSpec] = &[
        CommandSpec {
            aliases: &["silence"],
            args: &[
                ArgSpec { name: "for", doc: "how long", required: true, kind: ArgKind::Duration },
                ArgSpec { name: "reason", doc: "why", required: true, kind: ArgKind::Text },
            ],
            ..CommandSpec::view("alarm.shelve", "Shelve", "Hides.", Context::Alarms)
        },
        CommandSpec {
            args: &[ArgSpec { name: "to", doc: "place", required: true, kind: ArgKind::Word(&["top", "end"]) }],
            ..CommandSpec::view("list.go", "Go", "Goes.", Context::List)
        },
        CommandSpec::view("app.quit", "Quit", "Leaves.", Context::Global),
    ];

    fn registry() -> Registry {
        Registry::new(&[SPECS])
    }

    #[test]
    fn arguments_are_named_quoted_or_the_rest() {
        let r = registry();
        let p = parse("shelve for=2h splice crew on site", &r, &[Context::Alarms]).unwrap();
        assert_eq!(p.spec.id, "alarm.shelve");
        assert_eq!(p.args["for"], "2h");
        assert_eq!(p.args["reason"], "splice crew on site");
        let p = parse(r#"silence reason="a \"b\" = c" for=1d"#, &r, &[]).unwrap();
        assert_eq!(p.args["reason"], "a \"b\" = c");
        assert_eq!(p.args["for"], "1d");
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let r = registry();
        let wrong = |line: &str| parse(line, &r, &[]).unwrap_err().message;
        assert!(wrong("shelv").contains("did you mean"), "{}", wrong("shelv"));
        assert!(wrong("shelve for=soon x").contains("2h"));
        assert!(wrong("go to=left").contains("top, end"));
        assert!(wrong("quit now").contains("no further argument"));
    }

    #[test]
    fn completion_offers_names_then_arguments() {
        let r = registry();
        let all: Vec<_> = complete("s", &r, &[Context::Alarms]).into_iter().map(|c| c.line).collect();
        assert_eq!(all, ["shelve "]);
        let args: Vec<_> = complete("shelve f", &r, &[]).into_iter().map(|c| c.line).collect();
        assert_eq!(args, ["shelve for="]);
        let words: Vec<_> = complete("go to=t", &r, &[]).into_iter().map(|c| c.line).collect();
        assert_eq!(words, ["go to=top "]);
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(line in ".{0,60}") {
            let r = registry();
            let _ = parse(&line, &r, &[Context::Alarms]);
            let _ = complete(&line, &r, &[Context::Alarms]);
        }
    }
}
