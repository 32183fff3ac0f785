//! libvirt, by its own RPC: machines, their consoles and their jobs on a host.

pub mod frame;
pub mod procs;
pub mod wire;
pub mod xdr;
