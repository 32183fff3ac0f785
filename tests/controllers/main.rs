//! Decoders against frames recorded from a real VOLTHA (rw_core 3.7.13, openolt 4.6.21, openonu
//! 2.13.23, BBSim 1.16.8), and clients against servers that misbehave.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail loudly")]

mod events;
mod grpc;
mod hostile;
mod lab;
mod wire;
mod worker;
