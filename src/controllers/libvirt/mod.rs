//! Hosts of virtual machines, over libvirt's own protocol.

pub mod xml;
