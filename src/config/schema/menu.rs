//! The console of an appliance: what `noctule menu` shows on the rack's own screen.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::config::secret::SecretRef;

/// The console of an appliance, `noctule menu`.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Menu {
    /// The appliance it stands on, by the name of its source; where there is only one, that one.
    #[schemars(extend("format" = "name"))]
    pub appliance: Option<String>,
    /// Seconds without a key until the wall view is shown and the console is locked.
    #[schemars(range(min = 10, max = 86400))]
    pub idle_s: u64,
    /// Whether the wall view is shown: the state in letters that can be read across the room.
    pub wall: bool,
    /// The PIN asked for before anything is changed: a reference to it, in clear or as `noctule menu --hash-pin` prints it; or `none`. Without it nothing can be changed from the console.
    pub pin: Option<MenuPin>,
    /// Minutes that changes are let through once the PIN has been typed.
    #[schemars(range(min = 1, max = 240))]
    pub pin_minutes: u64,
    /// Bits a second of the serial line; on a serial device what the device is set to.
    #[schemars(range(min = 300, max = 4_000_000))]
    pub baud: Option<u32>,
    /// Minutes after which the Linux console itself goes dark, 0 for never; left as it is when not set.
    #[schemars(range(min = 0, max = 60))]
    pub blank_minutes: Option<u8>,
}

impl Default for Menu {
    fn default() -> Self {
        Self { appliance: None, idle_s: 120, wall: true, pin: None, pin_minutes: 5, baud: None, blank_minutes: None }
    }
}

/// Where the PIN is, or that there is to be none.
#[derive(Clone, PartialEq, Eq)]
pub enum MenuPin {
    /// Whoever stands before the rack may change things.
    None,
    /// It is here.
    At(SecretRef),
}

impl fmt::Debug for MenuPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::At(reference) => reference.fmt(f),
        }
    }
}

impl std::str::FromStr for MenuPin {
    type Err = super::super::secret::NotAReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::At) }
    }
}

impl Serialize for MenuPin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl<'de> Deserialize<'de> for MenuPin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // No error here may quote the text: it could be the PIN itself.
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for MenuPin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MenuPin".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "pin-reference",
            "description": "Where the PIN is: env:NAME, file:PATH (mode 0600), cmd:COMMAND; or none.",
            "pattern": "^(none$|(env|file|cmd):.+)",
        })
    }
}
