//! NoC Raven: a telemetry appliance with two HTTP services, one of which holds the buffer and the
//! other its configuration and processes. Neither speaks of itself with care: numbers that are made
//! up stand beside measured ones, a limit of zero makes it answer with nothing, a probe of its
//! uplink freezes half of its calls.
//!
//! | Part | What it settles |
//! |---|---|
//! | [`client`] | every call, with a time limit fit for it; one poll that no freezing call delays |
//! | [`wire`] | what is sent over the wire, read strictly in shape and leniently in numbers |
//! | [`map`] | answers to what `model::appliance` knows, everything from outside made safe |
//! | [`appliance`] | the configuration of the appliance itself, and the ports in it |
//! | [`metrics`] | the metric endpoints of the collectors |
//! | [`rhythm`] | which call is due when |

pub mod appliance;
pub mod client;
pub mod error;
pub mod map;
pub mod metrics;
pub mod rhythm;
pub mod wire;
