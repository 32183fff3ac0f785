//! The lab: noctule against programs that others wrote. Needs what `.ci/run` installs; run with
//! `cargo test --features lab --test lab`. Ends only the processes it started.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod kcat;
mod mock;
mod net;
mod process;
mod recorded;
mod ssh;
mod sshd;
mod stack;
