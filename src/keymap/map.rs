//! The trie of a context, and looking keys up through a stack of contexts.

use std::collections::{BTreeMap, HashMap};

use super::chord::{Chord, print_sequence};
use crate::commands::spec::{CommandSpec, Context};
use crate::model::order;

/// A node: what runs here, and where further keys lead. A node of a keymap never has both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    command: Option<&'static str>,
    next: BTreeMap<Chord, Node>,
}

/// Why a binding cannot be added beside the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clash {
    /// The same keys run this command already.
    Taken(&'static str),
    /// A part of the keys runs this command, so the rest would never be reached.
    Prefix(String, &'static str),
    /// The keys begin longer ones that are bound, such as these to this command.
    Longer(String, &'static str),
}

impl Node {
    fn at(&self, keys: &[Chord]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, chord| node.next.get(chord))
    }

    /// Binds keys (at least one) to a command.
    pub(crate) fn bind(&mut self, keys: &[Chord], command: &'static str) -> Result<(), Clash> {
        if let Some(clash) = self.clash(keys) {
            return Err(clash);
        }
        let mut node = self;
        for chord in keys {
            node = node.next.entry(*chord).or_default();
        }
        node.command = Some(command);
        Ok(())
    }

    fn clash(&self, keys: &[Chord]) -> Option<Clash> {
        let mut node = self;
        for (i, chord) in keys.iter().enumerate() {
            node = node.next.get(chord)?;
            if let Some(command) = node.command {
                let upto = keys.get(..=i).unwrap_or(keys);
                let all = upto.len() == keys.len();
                return Some(if all { Clash::Taken(command) } else { Clash::Prefix(print_sequence(upto), command) });
            }
        }
        let mut path = keys.to_vec();
        node.first_command(&mut path).map(|command| Clash::Longer(print_sequence(&path), command))
    }

    /// The first command below, with `path` extended by the keys to it.
    fn first_command(&self, path: &mut Vec<Chord>) -> Option<&'static str> {
        if self.command.is_some() {
            return self.command;
        }
        let (chord, node) = self.next.first_key_value()?;
        path.push(*chord);
        node.first_command(path)
    }

    /// Takes a binding away; whether there was one. Branches that lead nowhere are cut.
    pub(crate) fn unbind(&mut self, keys: &[Chord]) -> bool {
        let Some((first, rest)) = keys.split_first() else { return self.command.take().is_some() };
        let Some(node) = self.next.get_mut(first) else { return false };
        let found = node.unbind(rest);
        if node.command.is_none() && node.next.is_empty() {
            self.next.remove(first);
        }
        found
    }

    /// Calls `each` with every binding below, in the order of the keys.
    fn walk(&self, path: &mut Vec<Chord>, each: &mut dyn FnMut(&[Chord], &'static str)) {
        if let Some(command) = self.command {
            each(path, command);
        }
        for (chord, node) in &self.next {
            path.push(*chord);
            node.walk(path, each);
            path.pop();
        }
    }
}

/// What keys lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing.
    None,
    /// More keys are expected: these.
    Prefix(Vec<Continuation>),
    /// This command.
    Command(&'static str),
}

/// A key that may follow, for the which-key popup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The key.
    pub chord: Chord,
    /// What it runs; `None` when still more keys follow.
    pub command: Option<&'static str>,
    /// Title of the command, or how many lie behind the key.
    pub title: String,
}

/// Bindings of keys to commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    tries: HashMap<Context, Node>,
    titles: HashMap<&'static str, &'static str>,
}

impl Keymap {
    /// A keymap that knows the commands and binds none of them.
    pub(crate) fn unbound(specs: &[&CommandSpec]) -> Self {
        Self { tries: HashMap::new(), titles: specs.iter().map(|s| (s.id, s.title)).collect() }
    }

    pub(crate) fn trie(&mut self, context: Context) -> &mut Node {
        self.tries.entry(context).or_default()
    }

    /// Looks up the keys pressed so far. `contexts` is the stack, innermost first: the first
    /// context that knows the keys decides, so an inner command or prefix hides an outer one.
    #[must_use]
    pub fn lookup(&self, contexts: &[Context], pressed: &[Chord]) -> Lookup {
        if pressed.is_empty() {
            return Lookup::None;
        }
        match self.nodes(contexts, pressed).next() {
            Some(Node { command: Some(command), .. }) => Lookup::Command(command),
            Some(_) => Lookup::Prefix(self.which_key(contexts, pressed)),
            None => Lookup::None,
        }
    }

    /// The keys that may follow `prefix`, of all contexts of the stack, in the order of the keys.
    /// With an empty prefix: all first keys.
    #[must_use]
    pub fn which_key(&self, contexts: &[Context], prefix: &[Chord]) -> Vec<Continuation> {
        let mut found: BTreeMap<Chord, &Node> = BTreeMap::new();
        for node in self.nodes(contexts, prefix) {
            for (chord, next) in &node.next {
                found.entry(*chord).or_insert(next);
            }
        }
        found.into_iter().map(|(chord, node)| self.continuation(chord, node)).collect()
    }

    fn continuation(&self, chord: Chord, node: &Node) -> Continuation {
        let title = if let Some(command) = node.command {
            self.title(command).to_owned()
        } else {
            let mut below = 0;
            node.walk(&mut Vec::new(), &mut |_, _| below += 1);
            format!("{below} more")
        };
        Continuation { chord, command: node.command, title }
    }

    fn title(&self, command: &'static str) -> &'static str {
        self.titles.get(command).copied().unwrap_or(command)
    }

    fn nodes<'a>(&'a self, contexts: &'a [Context], keys: &'a [Chord]) -> impl Iterator<Item = &'a Node> {
        contexts.iter().filter_map(move |context| self.tries.get(context)?.at(keys))
    }

    /// The keys of a command as they are written, all contexts, shortest first; empty when it has
    /// none.
    #[must_use]
    pub fn keys_of(&self, id: &str) -> Vec<String> {
        let mut keys: Vec<String> =
            self.bindings().into_iter().filter(|(_, _, command)| *command == id).map(|(_, keys, _)| keys).collect();
        order::by_key(&mut keys, |k| (k.chars().count(), k.clone()));
        keys.dedup();
        keys
    }

    /// The shortest keys that run a command in a stack of contexts, innermost first: none of them
    /// is hidden by an inner context.
    #[must_use]
    pub fn key_here(&self, id: &str, contexts: &[Context]) -> Option<String> {
        let mut found: Vec<String> = Vec::new();
        for context in contexts {
            let Some(trie) = self.tries.get(context) else { continue };
            trie.walk(&mut Vec::new(), &mut |keys, command| {
                if command == id && self.lookup(contexts, keys) == Lookup::Command(command) {
                    found.push(print_sequence(keys));
                }
            });
        }
        found.into_iter().min_by_key(|k| (k.chars().count(), k.clone()))
    }

    /// Every binding: context, keys, command; by context, then by keys.
    #[must_use]
    pub fn bindings(&self) -> Vec<(Context, String, &'static str)> {
        let mut all = Vec::new();
        for context in Context::ALL {
            if let Some(trie) = self.tries.get(&context) {
                trie.walk(&mut Vec::new(), &mut |keys, command| all.push((context, print_sequence(keys), command)));
            }
        }
        all
    }
}
