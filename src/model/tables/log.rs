//! Fields of the log.

use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::log::LogRow;
use super::super::page::Table;
use super::field;

/// The log.
pub static LOG: TableSpec = TableSpec {
    table: Table::Log,
    name: "log",
    fields: &[
        field("seq", "Seq", FieldKind::Int, "Place in the journal.").sortable(),
        field("at", "Time", FieldKind::Time, "When, our clock."),
        field(
            "kind",
            "Kind",
            FieldKind::Word(&["call", "action", "command", "notice", "source", "unreadable"]),
            "What kind.",
        ),
        field("source", "Source", FieldKind::Text, "Source; empty for what concerns none.").also(&["src"]),
        field("what", "What", FieldKind::Text, "Call, verb or event.").free(),
        field("target", "Target", FieldKind::Text, "On what.").free(),
        field("status", "Status", FieldKind::Text, "How it ended."),
        field("failed", "Fail", FieldKind::Bool, "It failed."),
        field("duration_ms", "ms", FieldKind::Float, "How long it took, ms."),
        field("tries", "Try", FieldKind::Int, "How often it was tried."),
        field("actor", "Who", FieldKind::Text, "Who asked for it."),
        field("text", "Text", FieldKind::Text, "Error or text.").free(),
    ],
    default_sort: &[("seq", true)],
};

impl Record for LogRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "seq" => Value::Int(self.id.0),
            "at" => Value::Time(self.at),
            "kind" => Value::text(self.kind.word()),
            "source" => Value::text(&self.source),
            "what" => Value::text(&self.what),
            "target" => Value::text(&self.target),
            "status" => Value::text(&self.status),
            "failed" => Value::Bool(self.failed),
            "duration_ms" => Value::Float(self.duration_us as f64 / 1000.0),
            "tries" => Value::Int(self.tries.into()),
            "actor" => Value::text(&self.actor),
            "text" => Value::text(&self.text),
            _ => Value::None,
        }
    }
}
