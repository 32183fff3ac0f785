//! libvirt, by its own RPC: machines, their consoles and their jobs on a host. No library of libvirt
//! is needed, to build or to run.
//!
//! **The codec** works in both directions, so that the simulator cannot disagree with the client: [`xdr`]
//! (values), [`frame`] (packets), [`wire`] (structures), [`procs`] (every procedure with what it takes
//! and answers: `procs::DOMAIN_CREATE.call(…)`, `.args(…)`, `.reply(…)`).
//!
//! **The client.** [`connect::Target`] says where a libvirt is; its `connect` gives a
//! [`client::Connection`]: a handle that is cheap to clone, of one task that owns the byte stream. On it
//! are the typed calls (`domains`, `all_stats`, `start_domain`, `console`, `create_snapshot`,
//! `begin_backup`, `job` …, in `calls`), `migrate_peer_to_peer` ([`migrate`]), `watch` and `events`
//! ([`events::Event`]), and `call` for any other procedure. Flags are in [`flags`].
//!
//! * Every call has a time limit; the error says whether it may have been carried out
//!   ([`error::Error::uncertain`]), whether the connection is lost, and what to do.
//! * [`stream::Stream`]: `read` gives bytes until `None`, `writer` is for who writes meanwhile, dropping it
//!   breaks it off. A reader that stalls stops its whole connection, and with it libvirt: a console and
//!   a migration each get a connection of their own.
//! * Programs on the host (`virsh`, `qemu-img`) run through [`programs::Programs`].

mod calls;
pub mod client;
pub mod connect;
pub mod error;
pub mod events;
pub mod flags;
pub mod frame;
pub mod keys;
pub mod map;
pub mod migrate;
pub mod procs;
pub mod programs;
pub mod stream;
mod task;
pub mod wire;
pub mod xdr;
pub mod xml;

#[cfg(test)]
mod tests;
