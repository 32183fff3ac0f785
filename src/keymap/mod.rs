//! Keys: chords, contexts, the trie they are looked up in, and the file they come from.
//!
//! The defaults are part of each command ([`crate::commands::spec::CommandSpec::keys`]), so a new
//! command brings its keys along; `keymap.toml` lies over them.

mod chord;
mod document;
mod error;
mod load;
mod map;
#[cfg(test)]
mod tests;

pub use chord::{BadChord, Chord, Key, Named, parse_sequence, print_sequence};
pub use document::document;
pub use error::Error;
pub use map::{Continuation, Keymap, Lookup};
