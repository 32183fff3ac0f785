//! The lab: noctule against programs that others wrote. Needs what `.ci/run` installs; run with
//! `cargo test --features lab --test lab`. Ends only the processes it started.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod alertmanager;
mod host;
mod kcat;
mod libvirt;
mod mock;
mod net;
mod process;
mod recorded;
#[path = "../common/restarts.rs"]
mod restarts;
mod ssh;
mod sshd;
mod stack;
mod supervisord;
mod systemd;
mod virsh_sim;
mod virt;
