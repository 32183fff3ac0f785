//! Prometheus (HTTP API v1) and Alertmanager (API v2): their answers, what they refuse in words, and
//! their alerts as alarms (facts: alarms §2.4, §3.1).

pub mod alertmanager;
pub mod api;
mod call;
pub mod error;
pub mod map;
pub mod wire;

pub use alertmanager::AmClient;
pub use api::PromClient;
