//! The inventory of alarm types (RFC 8632 §3: every alarm type a console can show, with whether
//! it clears by itself). VOLTHA sends no severity, so the inventory is where it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::severity::Severity;

/// X.733 event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the five words of X.733 and their meaning are the standard's")]
pub enum EventType {
    #[default]
    Communications,
    QualityOfService,
    ProcessingError,
    Equipment,
    Environmental,
    Security,
}

impl EventType {
    /// The type in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Communications => "communications",
            Self::QualityOfService => "quality of service",
            Self::ProcessingError => "processing error",
            Self::Equipment => "equipment",
            Self::Environmental => "environmental",
            Self::Security => "security",
        }
    }
}

/// One entry of `assets/alarm-types.toml`; the user's own file overrides entry by entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmType {
    /// Severity given to a raise.
    pub severity: Severity,
    /// X.733 event type.
    #[serde(default)]
    pub event_type: EventType,
    /// Whether the source ever sends a clear. `false`: an operator has to verify by other means,
    /// or the device's own return to service clears it.
    #[serde(default = "yes")]
    pub will_clear: bool,
    /// One line for the list.
    pub title: String,
    /// X.733 probable cause.
    #[serde(default)]
    pub probable_cause: String,
    /// What to do about it.
    #[serde(default)]
    pub repair: String,
    /// The device's return to ACTIVE clears it (dying gasp, UNI loss of signal …).
    #[serde(default)]
    pub cleared_by_active: bool,
    /// Names the source uses for it: the VOLTHA event's base name, old and new ones.
    #[serde(default)]
    pub events: Vec<String>,
    /// Seconds after a clear in which a raise continues the same spell.
    #[serde(default = "hold_down")]
    pub hold_down_s: u32,
}

const fn yes() -> bool {
    true
}

const fn hold_down() -> u32 {
    30
}

/// The inventory: type id (`pon.onu.los`) to entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmTypes {
    /// By type id, sorted.
    pub by_id: BTreeMap<String, AlarmType>,
}

impl AlarmTypes {
    /// The entry of a type id.
    #[must_use]
    pub fn get(&self, type_id: &str) -> Option<&AlarmType> {
        self.by_id.get(type_id)
    }
}
