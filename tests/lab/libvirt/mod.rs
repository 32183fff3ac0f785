//! Real libvirt hosts ([`crate::virt`]): that the lab is what the tests rely on, by libvirt's own client, and
//! noctule's client there.

mod disks;
mod machines;
mod moves;
mod smoke;
mod trouble;
mod works;
