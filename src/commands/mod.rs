//! The one registry of commands. Keys, `:`, the palette, help, hints, the gate, `noctule run`,
//! the man page and the key documentation are all made from [`spec::CommandSpec`]s.

pub mod docs;
pub mod gate;
pub mod parse;
pub mod pin;
pub mod registry;
pub mod secrets;
pub mod spec;

pub use registry::Registry;
