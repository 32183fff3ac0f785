//! What runs beside the screen: supervisor, pollers, streams, the executor of commands.

#[cfg(test)]
mod fixture;
pub mod plan;
pub mod rows;
pub mod source;
pub mod supervisor;
pub mod targets;
pub mod verb;
