//! libvirt, by its own RPC: machines, their consoles and their jobs on a host.

mod calls;
pub mod client;
pub mod connect;
pub mod error;
pub mod events;
pub mod flags;
pub mod frame;
pub mod procs;
pub mod stream;
mod task;
pub mod wire;
pub mod xdr;
