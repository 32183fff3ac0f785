//! The configuration of an appliance's buffer service, as one whole object.
//!
//! The service replaces everything by what is posted: a key left out becomes zero, and some zeros
//! kill it at its next start (facts: raven-run §0.6, §3). So the object is kept whole and in its
//! order, with keys that are not known, and nothing but the whole is ever sent.

use serde_json::{Map, Value};

/// The configuration as the service told it: every key, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BufferConfig {
    /// The object.
    whole: Map<String, Value>,
}

impl BufferConfig {
    /// The configuration that an object is.
    #[must_use]
    pub const fn new(whole: Map<String, Value>) -> Self {
        Self { whole }
    }

    /// The whole object, as it is sent.
    #[must_use]
    pub const fn whole(&self) -> &Map<String, Value> {
        &self.whole
    }
}
