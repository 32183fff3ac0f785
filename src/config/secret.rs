//! Secrets are never in the configuration, only references to them.

use serde::{Deserialize, Serialize};

/// Where a secret is: `env:NAME`, `file:PATH` (refused unless 0600), `cmd:COMMAND`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct SecretRef(pub String);
