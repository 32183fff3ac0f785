//! One folder a system noctule speaks to.

pub mod resilience;
pub mod voltha;
