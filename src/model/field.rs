//! Tables described to everything generic over them: lists, column choosers, the filter
//! language, sorting, exports and the headless commands.

use std::borrow::Cow;

use super::page::Table;
use super::time::Ts;

/// Type of a field, for filters, alignment and exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Text; compared without regard to case.
    Text,
    /// Whole number.
    Int,
    /// Number with decimals; the name carries the unit.
    Float,
    /// Yes or no.
    Bool,
    /// An instant; filters also take `-2h`, `now`, RFC 3339.
    Time,
    /// An ordered word (severity): compared by rank.
    Severity,
    /// One word of a fixed set.
    Word(&'static [&'static str]),
}

/// One field of a table.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// Snake-case name, as in filters, JSON and CSV, with its unit where it has one.
    pub name: &'static str,
    /// Other names the filter language takes (`sev`).
    pub aliases: &'static [&'static str],
    /// Column header.
    pub header: &'static str,
    /// Type.
    pub kind: FieldKind,
    /// Whether lists may be sorted by it (there is an index, or the table is small).
    pub sortable: bool,
    /// Whether free text without a field searches it.
    pub free_text: bool,
    /// Whether `<` and `>` compare it as a version and not as text: `V3.0.9` before `V3.0.10`.
    pub versions: bool,
    /// Whether it lists words with `, ` between them, and `=` asks for one of them.
    pub listed: bool,
    /// One line for the column chooser and the docs.
    pub doc: &'static str,
}

/// A table: its name and fields, in the order of exports.
#[derive(Debug)]
pub struct TableSpec {
    /// Which one.
    pub table: Table,
    /// Name on the command line.
    pub name: &'static str,
    /// Fields.
    pub fields: &'static [FieldSpec],
    /// Sort used when none is asked for: field name, descending.
    pub default_sort: &'static [(&'static str, bool)],
}

impl TableSpec {
    /// Finds a field by name or alias.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields
            .iter()
            .find(|f| f.name.eq_ignore_ascii_case(name) || f.aliases.iter().any(|a| a.eq_ignore_ascii_case(name)))
    }
}

/// The value of a field in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Text as it came: sanitise before drawing.
    Text(Cow<'a, str>),
    /// Whole number.
    Int(i64),
    /// Number with decimals.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// Instant.
    Time(Ts),
    /// Not known.
    None,
}

impl<'a> Value<'a> {
    /// Borrowed text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// As JSON: instants RFC 3339, unknown null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(t) => serde_json::Value::from(t.as_ref()),
            Self::Int(n) => serde_json::Value::from(*n),
            Self::Float(x) => serde_json::Value::from(*x),
            Self::Bool(b) => serde_json::Value::from(*b),
            Self::Time(t) if t.is_set() => serde_json::Value::from(t.to_rfc3339()),
            Self::Time(_) | Self::None => serde_json::Value::Null,
        }
    }

    /// As plain text for CSV and plain cells.
    #[must_use]
    pub fn to_plain(&self) -> Cow<'_, str> {
        match self {
            Self::Text(t) => Cow::Borrowed(t.as_ref()),
            Self::Int(n) => n.to_string().into(),
            Self::Float(x) => x.to_string().into(),
            Self::Bool(b) => if *b { "true" } else { "false" }.into(),
            Self::Time(t) => t.to_rfc3339().into(),
            Self::None => "".into(),
        }
    }
}

/// A row whose fields can be read by name.
pub trait Record {
    /// The value of the field called `field` (a [`FieldSpec::name`]); [`Value::None`] for others.
    fn get(&self, field: &str) -> Value<'_>;

    /// Identity of the row inside its table, where it has one.
    fn row_id(&self) -> Option<super::ids::RowId> {
        None
    }
}
