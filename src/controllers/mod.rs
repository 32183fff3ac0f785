//! One folder a system noctule speaks to.

pub mod diag;
pub mod failed;
pub mod genieacs;
pub mod host;
pub mod http;
pub mod libvirt;
pub mod prometheus;
pub mod raven;
pub mod resilience;
pub mod route;
pub mod ssh;
pub mod stream;
pub mod supervisor;
pub mod systemd;
pub(crate) mod tls;
pub mod vnc;
pub mod voltha;
