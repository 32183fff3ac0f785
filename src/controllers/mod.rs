//! One folder a system noctule speaks to.

pub mod diag;
pub mod genieacs;
pub mod http;
pub mod resilience;
pub(crate) mod tls;
pub mod voltha;
