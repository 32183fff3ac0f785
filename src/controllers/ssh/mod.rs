//! The way to what only an SSH host reaches: one connection a host, made by the system's `ssh` with
//! the user's own configuration, keys, agent, jumps and known hosts, and everything else through it.
//!
//! **Why the system's `ssh`.** It knows `~/.ssh/config`, `ProxyJump`, certificates, hardware keys
//! and `known_hosts`, and people trust it with them. A library would have to learn each again.
//!
//! **One master a host** ([`Master`], shared by all sources through [`master`]): the first use logs
//! in, and only that. Forwards end in Unix sockets in a folder that nobody else may enter: a local TCP
//! port would be open to every user of the machine.
//!
//! **Nothing asks.** Batch mode, and an askpass that always fails for the jumps before the host. What
//! only a person can answer (an unknown host key) is an error that tells the fingerprint and the
//! command to run. Host keys are checked as the user's configuration says; nothing here relaxes it.
//!
//! **Nothing is left behind.** The master does not persist: a watchdog beside it (`sh`) reads from a
//! pipe that only noctule holds, so when noctule ends in whatever way, `kill -9` included, the
//! watchdog ends the master and removes its sockets.

mod args;
pub mod error;
mod folder;
mod log;
mod master;
mod pool;
mod run;
mod tunnel;

pub use args::{by_hand, host_is_safe, quote, quote_all};
pub use error::{Error, Failure};
pub use master::Master;
pub use pool::master;
pub use run::{Output, RemoteStream};
pub use tunnel::{Tunnel, Words};
