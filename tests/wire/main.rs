//! From the wire to the rows and back, without a screen: simulated VOLTHA stacks, the real client,
//! the real store.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod alerts;
mod appliances;
mod commands;
mod consoles;
mod cpe_proof;
mod failures;
mod fleet;
mod jobs;

mod life;
mod ports;
mod rig;
mod sharing;
mod stored;
mod vms;
