//! Rows of the Log pane, and the inventory as it is journalled.

use minicbor::{Decode, Encode};

use super::ids::RowId;
use super::time::Ts;

/// What a log row tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// A call noctule made.
    Call,
    /// An operator's action on an alarm.
    Action,
    /// An operator's command to a controller.
    Command,
    /// Something a source told that is no alarm.
    Notice,
    /// A source's health changed, or its list was rebuilt.
    Source,
    /// A message that could not be read.
    Unreadable,
}

impl LogKind {
    /// The kind as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Action => "action",
            Self::Command => "command",
            Self::Notice => "notice",
            Self::Source => "source",
            Self::Unreadable => "unreadable",
        }
    }

    /// Stored form.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From the stored form.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Action,
            2 => Self::Command,
            3 => Self::Notice,
            4 => Self::Source,
            5 => Self::Unreadable,
            _ => Self::Call,
        }
    }
}

/// A row of the Log pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The journal sequence of the record it shows.
    pub id: RowId,
    /// When, our clock.
    pub at: Ts,
    /// What kind.
    pub kind: LogKind,
    /// Source; empty for what concerns none.
    pub source: String,
    /// Call, verb, event name.
    pub what: String,
    /// On what.
    pub target: String,
    /// `OK`, an error code, `undone` …
    pub status: String,
    /// Duration, µs; 0 when it has none.
    pub duration_us: i64,
    /// Tries made.
    pub tries: u32,
    /// Who.
    pub actor: String,
    /// Error or text.
    pub text: String,
    /// Whether it tells of a failure.
    pub failed: bool,
}

/// One line of the inventory file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct InventoryItem {
    /// Serial number of an OLT or ONU.
    #[n(0)]
    pub serial: String,
    /// Source it applies to; empty for any.
    #[n(1)]
    pub source: String,
    /// Site of an OLT; empty keeps it where it is.
    #[n(2)]
    pub site: String,
    /// Display name.
    #[n(3)]
    pub name: String,
    /// Subscribers behind it.
    #[n(4)]
    pub subscribers: u32,
}

/// A read of the inventory file; replaces what an earlier read said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct InventoryLoad {
    /// When, our clock.
    #[n(0)]
    pub at: Ts,
    /// File name, for the log.
    #[n(1)]
    pub file: String,
    /// The lines.
    #[n(2)]
    pub items: Vec<InventoryItem>,
}
