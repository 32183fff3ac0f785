//! All commands in one place. The kernel fills it once from its own list and the panes' lists.

use super::spec::{CommandSpec, Context};
use crate::model::order;

/// An id without its group: `ack` of `alarm.ack`, `preset.put` of `cpe.preset.put`.
#[must_use]
pub fn short(id: &str) -> &str {
    id.split_once('.').map_or(id, |(_, rest)| rest)
}

/// Every command there is, in the order of the documentation.
#[derive(Debug)]
pub struct Registry {
    specs: Vec<&'static CommandSpec>,
}

impl Registry {
    /// Collects lists of commands. Ids are unique (a test holds them to it); the first one wins.
    #[must_use]
    pub fn new(lists: &[&'static [CommandSpec]]) -> Self {
        let mut specs: Vec<&'static CommandSpec> = lists.iter().flat_map(|l| l.iter()).collect();
        order::by_key(&mut specs, |s| s.context);
        Self { specs }
    }

    /// All commands, grouped by context.
    pub fn all(&self) -> impl Iterator<Item = &'static CommandSpec> + '_ {
        self.specs.iter().copied()
    }

    /// All commands as a slice, as the keymap takes them.
    #[must_use]
    pub fn specs(&self) -> &[&'static CommandSpec] {
        &self.specs
    }

    /// The command with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&'static CommandSpec> {
        self.all().find(|s| s.id == id)
    }

    /// The command meant by a typed name: its id, its id without the group, or an alias. Of several,
    /// the one whose context comes first in `contexts` (the innermost first).
    #[must_use]
    pub fn named(&self, name: &str, contexts: &[Context]) -> Option<&'static CommandSpec> {
        if let Some(spec) = self.get(name) {
            return Some(spec);
        }
        let hit = |s: &&'static CommandSpec| short(s.id) == name || s.aliases.contains(&name);
        contexts.iter().find_map(|c| self.all().filter(hit).find(|s| s.context == *c)).or_else(|| self.all().find(hit))
    }

    /// The known name nearest to a wrong one, for "did you mean".
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        self.all()
            .flat_map(|s| std::iter::once(s.id).chain([short(s.id)]).chain(s.aliases.iter().copied()))
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(score, _)| *score > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known)
    }
}
