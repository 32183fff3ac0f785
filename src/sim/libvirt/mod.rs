//! Hosts of virtual machines in this process.

mod guest;
mod world;
