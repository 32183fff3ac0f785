//! The keys of the buffer service's configuration: what each is, whether the service heeds it, and
//! when a change takes effect. A form and a command line are made of these.

use serde_json::{Map, Value};

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Name in the object.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Unit; empty when it has none.
    pub unit: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Whether the service heeds it.
    pub honoured: Honoured,
    /// A change takes effect only when the service starts anew.
    pub needs_restart: bool,
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// `true` or `false`.
    Switch,
    /// A whole number within limits.
    Number {
        /// Least that does no harm.
        least: i64,
        /// Most that does no harm.
        most: i64,
    },
    /// An `http://` or `https://` address.
    Address,
    /// One of some words.
    Word(&'static [&'static str]),
}

/// Whether the service heeds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Honoured {
    /// It does.
    Yes,
    /// It only tells it back.
    ShownOnly,
    /// In part; the field's text says which.
    Partly,
    /// It does not.
    No,
}

impl Honoured {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "honoured",
            Self::ShownOnly => "shown only",
            Self::Partly => "honoured in part",
            Self::No => "not enforced",
        }
    }
}

const fn field(
    name: &'static str,
    kind: FieldKind,
    unit: &'static str,
    honoured: Honoured,
    needs_restart: bool,
    doc: &'static str,
) -> FieldSpec {
    FieldSpec { name, kind, unit, doc, honoured, needs_restart }
}

const fn number(least: i64, most: i64) -> FieldKind {
    FieldKind::Number { least, most }
}

/// Words of `overflow_action`.
pub const OVERFLOW: &[&str] = &["drop_oldest", "drop_newest", "compress_more"];

/// Keys of the object itself, without `services`. The upper limits keep the service's own arithmetic
/// (nanoseconds in 64 bits) from turning negative.
pub const TOP: [FieldSpec; 12] = [
    field(
        "enabled",
        FieldKind::Switch,
        "",
        Honoured::ShownOnly,
        false,
        "Told back by the service; it buffers in any case.",
    ),
    field(
        "max_retention_days",
        number(1, 3650),
        "days",
        Honoured::Yes,
        false,
        "How long records of services without retention_hours of their own are kept; 0 lets them expire at once.",
    ),
    field(
        "max_db_size_gb",
        number(0, 1 << 20),
        "GB",
        Honoured::No,
        false,
        "Not enforced: the only limit is max_buffer_size_mb.",
    ),
    field("max_file_size_gb", number(0, 1 << 20), "GB", Honoured::No, false, "Not enforced: nothing is kept in files."),
    field(
        "cleanup_interval_minutes",
        number(1, 525_600),
        "min",
        Honoured::Yes,
        true,
        "How often expired records are deleted; 0 or less kills the service at its next start.",
    ),
    field(
        "compression_enabled",
        FieldKind::Switch,
        "",
        Honoured::Yes,
        false,
        "Off: nothing is compressed, whatever the services say.",
    ),
    field(
        "vpn_failover_enabled",
        FieldKind::Switch,
        "",
        Honoured::Yes,
        true,
        "Probe the uplink. Off at the start: it stays unchecked for ever.",
    ),
    field(
        "vpn_check_interval_seconds",
        number(1, 86_400),
        "s",
        Honoured::Yes,
        true,
        "How often the uplink is probed; 0 or less kills the service at its next start.",
    ),
    field(
        "forwarding_enabled",
        FieldKind::Switch,
        "",
        Honoured::Yes,
        false,
        "Send records on at once while the uplink is up, instead of storing them.",
    ),
    field(
        "forwarding_url",
        FieldKind::Address,
        "",
        Honoured::Partly,
        false,
        "Only the probe uses it: where records go is fixed in the service.",
    ),
    field(
        "max_buffer_size_mb",
        number(1, 16_777_216),
        "MB",
        Honoured::Yes,
        false,
        "The limit of the buffer; the service acts one whole MiB above it.",
    ),
    field(
        "overflow_action",
        FieldKind::Word(OVERFLOW),
        "",
        Honoured::Partly,
        false,
        "When full: drop_oldest deletes the oldest 1000 at a time; drop_newest drops nothing and compress_more does nothing: the buffer then grows beyond its limit.",
    ),
];

/// Keys of a service's entry in `services`.
pub const SERVICE: [FieldSpec; 7] = [
    field(
        "enabled",
        FieldKind::Switch,
        "",
        Honoured::No,
        false,
        "Not enforced: records of a disabled service are stored as well.",
    ),
    field(
        "buffer_mode",
        FieldKind::Word(&["database", "files"]),
        "",
        Honoured::No,
        false,
        "Not enforced: everything is in the one database.",
    ),
    field(
        "max_records",
        number(0, 1_000_000_000_000),
        "records",
        Honoured::No,
        false,
        "Not enforced by the service; noctule warns when it is exceeded. 0: no quota.",
    ),
    field("max_file_size_mb", number(0, 1 << 30), "MB", Honoured::No, false, "Not enforced: nothing is kept in files."),
    field(
        "compression_mode",
        FieldKind::Word(&["none", "gzip", "zstd"]),
        "",
        Honoured::Partly,
        false,
        "gzip compresses, zstd stores uncompressed. Records stored as gzip are sent on as gzip, and one flow record among them stops every replay.",
    ),
    field(
        "priority",
        number(1, 10),
        "",
        Honoured::No,
        false,
        "Not enforced: the oldest records go first, whatever their priority.",
    ),
    field(
        "retention_hours",
        number(0, 87_600),
        "h",
        Honoured::Yes,
        false,
        "How long its records are kept; 0: as long as max_retention_days says.",
    ),
];

/// The specification of a key of the object itself.
#[must_use]
pub fn top(name: &str) -> Option<&'static FieldSpec> {
    TOP.iter().find(|f| f.name == name)
}

/// The specification of a key of a service's entry.
#[must_use]
pub fn service(name: &str) -> Option<&'static FieldSpec> {
    SERVICE.iter().find(|f| f.name == name)
}

/// Entries of `services` as shipped: name, buffer mode, most records, most MB, priority, hours.
const SHIPPED: [(&str, &str, u64, u64, u64, u64); 4] = [
    ("fluent-bit", "files", 0, 100, 9, 336),
    ("goflow2", "files", 10_000_000, 0, 10, 168),
    ("telegraf", "database", 500_000, 0, 7, 720),
    ("vector", "database", 1_000_000, 0, 8, 336),
];

/// The `services` of a shipped appliance.
#[must_use]
pub fn shipped_services() -> Map<String, Value> {
    SHIPPED
        .iter()
        .map(|(name, mode, records, size, priority, hours)| {
            let entry = serde_json::json!({
                "enabled": true,
                "buffer_mode": mode,
                "max_records": records,
                "max_file_size_mb": size,
                "compression_mode": "gzip",
                "priority": priority,
                "retention_hours": hours,
            });
            ((*name).to_owned(), entry)
        })
        .collect()
}

/// Whether the service takes one key for the other: it ignores case, by Unicode's simple folding
/// (which knows two letters outside ASCII that fold into it).
#[must_use]
pub fn same_key(a: &str, b: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    a.chars().map(fold).eq(b.chars().map(fold))
}

/// The value that the service reads for a key: the last one whose name it takes for it. `null` is
/// passed over, as it is there.
pub(super) fn read<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.iter().filter(|(k, v)| same_key(k, key) && !v.is_null()).map(|(_, v)| v).next_back()
}

/// Kind of a JSON value in words.
pub(super) const fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a switch",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl FieldSpec {
    /// Why a value does not fit; `None`: it fits.
    #[must_use]
    pub fn misfit(&self, value: &Value) -> Option<String> {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        match self.kind {
            FieldKind::Switch if value.is_boolean() => None,
            FieldKind::Switch => Some(format!("is true or false, not {}", type_word(value))),
            FieldKind::Number { least, most } => match value.as_i64() {
                Some(n) if (least..=most).contains(&n) => None,
                Some(n) => Some(format!("is from {least} to {most}{unit}, not {n}")),
                None if value.is_number() => Some("is a whole number".to_owned()),
                None => Some(format!("is a whole number, not {}", type_word(value))),
            },
            FieldKind::Word(words) => match value.as_str() {
                Some(word) if words.contains(&word) => None,
                Some(word) => {
                    Some(format!("is one of {}, not `{}`", words.join(", "), crate::model::text::clean(word)))
                }
                None => Some(format!("is one of {}, not {}", words.join(", "), type_word(value))),
            },
            FieldKind::Address => match value.as_str() {
                Some(url) if address(url) => None,
                Some(_) => Some("is an http:// or https:// address without blanks, at most 2000 characters".to_owned()),
                None => Some(format!("is an address, not {}", type_word(value))),
            },
        }
    }
}

fn address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|h| !h.is_empty() && !h.starts_with('/'))
        && url.len() <= 2000
        && url.chars().all(|c| c.is_ascii_graphic())
}
