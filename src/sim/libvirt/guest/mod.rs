//! What is inside a machine: a kernel that boots, a login, a small shell. Nothing is run: every answer
//! is made up from what the machine is, and from the time.

mod boot;
mod edit;
mod keys;
mod machine;
mod programs;
mod shell;
mod tty;
pub(crate) mod vga;

pub(crate) use keys::{Held as Keys, Key, keycodes, keysym};
pub(crate) use machine::Machine;
pub(crate) use tty::{Request, Tty};

#[cfg(test)]
mod tests;
