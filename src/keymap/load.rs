//! The keys of the registry, overlaid by the user's `keymap.toml`:
//!
//! ```toml
//! [alarms]                    # a context
//! "a" = "alarm.ack"           # keys = command
//! "g x" = "alarm.close"       # several keys in a row
//! "ctrl-x" = false            # nothing
//! ```
//!
//! All of a file is taken or nothing: a wrong line must not leave half of the keys changed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::chord::{Chord, parse_sequence, print_sequence};
use super::map::Clash;
use super::{Error, Keymap};
use crate::commands::spec::{CommandSpec, Context};
use crate::model::place::{Place, did_you_mean};

/// What the defaults are called in errors.
const BUILT_IN: &str = "built-in keys";

impl Keymap {
    /// The keymap of these commands: their default keys, overlaid by the user's file (its path
    /// and text), if there is one.
    ///
    /// # Errors
    /// Two commands share keys in one context, keys are both a command and the beginning of
    /// another, or the file names a context, key or command that does not exist.
    pub fn build(specs: &[&CommandSpec], user: Option<(&Path, &str)>) -> Result<Self, Error> {
        let mut map = Self::unbound(specs);
        for spec in specs {
            for keys in spec.keys {
                let built_in = |message: String| Error::at(BUILT_IN, Place::START, message);
                let chords = parse_sequence(keys).map_err(|e| built_in(format!("`{}`: {e}", spec.id)))?;
                map.trie(spec.context)
                    .bind(&chords, spec.id)
                    .map_err(|clash| built_in(explain(&clash, &chords, spec.id, spec.context)))?;
            }
        }
        if let Some((path, text)) = user {
            let file = path.display().to_string();
            let overlay = Overlay { file: &file, text, specs };
            overlay.apply(&mut map)?;
        }
        Ok(map)
    }
}

/// What the sections of a file say about one context.
struct Entry<'a> {
    context: Context,
    keys: Vec<Chord>,
    /// The command, or `None` to unbind.
    command: Option<&'static str>,
    /// Byte offset of the keys in the file.
    at: usize,
    written: &'a str,
}

struct Overlay<'a> {
    file: &'a str,
    text: &'a str,
    specs: &'a [&'a CommandSpec],
}

impl Overlay<'_> {
    fn error(&self, offset: usize, message: impl Into<String>) -> Error {
        Error::at(self.file, Place::at(self.text, offset), message)
    }

    fn apply(&self, map: &mut Keymap) -> Result<(), Error> {
        let doc = DeTable::parse(self.text).map_err(|e| self.error(e.span().map_or(0, |s| s.start), e.message()))?;
        let mut entries = Vec::new();
        for (name, section) in doc.get_ref() {
            let context = self.context(name)?;
            let Some(table) = section.get_ref().as_table() else {
                return Err(self.error(
                    section.span().start,
                    format!("`{name}` is a table: write [{name}]", name = name.get_ref()),
                ));
            };
            for (keys, value) in table {
                entries.push(self.entry(context, keys, value)?);
            }
        }
        self.refuse_doubles(&entries)?;
        // What the file frees is free for what the file binds, in whatever order it is written.
        for entry in &entries {
            map.trie(entry.context).unbind(&entry.keys);
        }
        for entry in &entries {
            if let Some(command) = entry.command {
                map.trie(entry.context)
                    .bind(&entry.keys, command)
                    .map_err(|clash| self.error(entry.at, explain(&clash, &entry.keys, command, entry.context)))?;
            }
        }
        Ok(())
    }

    fn context(&self, name: &Spanned<Cow<'_, str>>) -> Result<Context, Error> {
        let word = name.get_ref().as_ref();
        Context::ALL.into_iter().find(|c| c.word() == word).ok_or_else(|| {
            let words = Context::ALL.map(Context::word);
            let hint = did_you_mean(word, words);
            self.error(name.span().start, format!("unknown context `{word}`{hint}: there are {}", words.join(", ")))
        })
    }

    fn entry<'k>(
        &self,
        context: Context,
        keys: &'k Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Entry<'k>, Error> {
        let at = keys.span().start;
        let chords = parse_sequence(keys.get_ref()).map_err(|e| self.error(at, e.to_string()))?;
        let command = match value.get_ref() {
            DeValue::Boolean(false) => None,
            DeValue::String(id) => Some(self.command(id, context, value.span().start)?),
            _ => {
                let message = "keys take the id of a command in quotes, or false for nothing";
                return Err(self.error(value.span().start, message));
            }
        };
        Ok(Entry { context, keys: chords, command, at, written: keys.get_ref() })
    }

    fn command(&self, id: &str, context: Context, at: usize) -> Result<&'static str, Error> {
        let spec = self.specs.iter().find(|s| s.id == id).ok_or_else(|| {
            let hint = did_you_mean(id, self.specs.iter().map(|s| s.id));
            self.error(at, format!("unknown command `{id}`{hint}"))
        })?;
        if usable(spec.context, context) {
            return Ok(spec.id);
        }
        let (own, here) = (spec.context.word(), context.word());
        Err(self.error(at, format!("`{id}` works in [{own}], its keys cannot be in [{here}]")))
    }

    /// One key written in two ways (`ctrl-p` and `CTRL-P`) is two keys for TOML and one for us.
    fn refuse_doubles(&self, entries: &[Entry<'_>]) -> Result<(), Error> {
        let mut seen: HashMap<(Context, &[Chord]), &Entry<'_>> = HashMap::new();
        for entry in entries {
            if let Some(first) = seen.insert((entry.context, &entry.keys), entry) {
                let line = Place::at(self.text, first.at).line;
                let written = entry.written;
                return Err(
                    self.error(entry.at, format!("`{written}` is the same key as `{}` in line {line}", first.written))
                );
            }
        }
        Ok(())
    }
}

/// Whether keys of the section `context` may run a command of the context `own`: where they are
/// pressed the command must be at home. Details and overlays lie over every pane.
fn usable(own: Context, context: Context) -> bool {
    let pane = matches!(
        context,
        Context::Alarms
            | Context::Pon
            | Context::Cpe
            | Context::Buffers
            | Context::Vms
            | Context::Sources
            | Context::Log
    );
    own == context || own == Context::Global || context == Context::Detail || (own == Context::List && pane)
}

fn explain(clash: &Clash, keys: &[Chord], command: &str, context: Context) -> String {
    let (keys, context) = (print_sequence(keys), context.word());
    match clash {
        Clash::Taken(other) => format!("`{keys}` cannot run `{command}` in [{context}]: it runs `{other}`"),
        Clash::Prefix(part, other) => format!(
            "`{keys}` for `{command}` can never be reached in [{context}]: `{part}` already runs `{other}` \
             (free it with \"{part}\" = false)"
        ),
        Clash::Longer(longer, other) => format!(
            "`{keys}` for `{command}` would cut off `{longer}` in [{context}], which runs `{other}` \
             (free it with \"{longer}\" = false)"
        ),
    }
}
