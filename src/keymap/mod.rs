//! Keys: chords, contexts, the trie they are looked up in, and the file they come from.

/// Bindings of keys to commands.
#[derive(Debug, Clone, Default)]
pub struct Keymap {}
