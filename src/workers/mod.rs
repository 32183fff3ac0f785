//! What runs beside the screen: supervisor, pollers, streams, the executor of commands.

pub mod source;
pub mod supervisor;
pub mod verb;
