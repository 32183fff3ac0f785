//! Decoders against frames recorded from a real VOLTHA (rw_core 3.7.13, openolt 4.6.21, openonu
//! 2.13.23, BBSim 1.16.8), and clients against servers that misbehave.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod acs_rig;
mod diag;
mod events;
mod genieacs;
mod genieacs_guard;
mod grpc;
mod hostile;
mod lab;
mod limits;
#[path = "../common/restarts.rs"]
mod restarts;
mod supervisor;
mod wire;
mod worker;
