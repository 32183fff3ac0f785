//! One folder a system noctule speaks to.

pub mod diag;
pub mod genieacs;
pub mod http;
pub mod raven;
pub mod resilience;
pub mod route;
pub mod ssh;
pub mod supervisor;
pub(crate) mod tls;
pub mod voltha;
