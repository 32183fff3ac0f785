//! One folder a system noctule speaks to.

pub mod voltha;
