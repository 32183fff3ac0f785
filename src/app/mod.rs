//! The kernel: one loop owns all state. Messages come in, [`effect::Effect`]s go out; panes are
//! pure functions of both, and whatever is slow happens behind [`port::Backend`].

pub mod commands;
pub mod console;
pub mod ctx;
pub mod draw;
pub mod effect;
mod effects;
pub mod event_loop;
pub mod first_run;
pub mod layers;
pub mod line;
pub mod linear_loop;
pub mod message;
pub mod pane;
pub mod port;
pub mod session;
pub mod state;
#[cfg(test)]
mod tests;
pub mod tty;
mod update;

pub use commands::registry;
pub use state::{App, Settings};
