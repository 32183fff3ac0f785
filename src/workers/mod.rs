//! What runs beside the screen: supervisor, pollers, streams, the executor of commands.

pub mod verb;
