//! VOLTHA: `rw_core` over gRPC for devices, `voltha.events` over Kafka for what happens to them.

pub mod client;
pub mod error;
pub mod events;
pub mod flows;
mod lite;
pub mod map;
pub mod values;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated from assets/proto"
)]
pub mod proto {
    tonic::include_proto!("protos");
}
