//! From the wire to the rows and back, without a screen: simulated VOLTHA stacks, the real client,
//! the real store.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail loudly")]

mod commands;
mod life;
mod rig;
