//! The simulators over their real wires: rskafka, kcat, tonic and plain HTTP against them, and what
//! they do to peers that send garbage.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod broker;
mod core;
mod genieacs;
mod genieacs_client;
mod genieacs_firmware;
mod genieacs_network;
mod genieacs_replay;
mod genieacs_worker;
mod http;
mod libvirt;
mod libvirt_screen;
mod raven;
mod raven_client;
mod raven_fair;
mod rfb;
mod tls;

use std::future::Future;
use std::time::Duration;

/// Waits until `done` gives something; fails after ten seconds.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut done: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = done().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen within 10 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
