//! Fields of the source list.

use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::super::source::SourceRow;
use super::field;

/// The sources.
pub static SOURCES: TableSpec = TableSpec {
    table: Table::Sources,
    name: "sources",
    fields: &[
        field("name", "Source", FieldKind::Text, "Name in the configuration.").sortable().free(),
        field("kind", "Kind", FieldKind::Text, "What it is.").sortable(),
        field("endpoint", "Endpoint", FieldKind::Text, "Where it is.").free(),
        field(
            "health",
            "Health",
            FieldKind::Word(&["starting", "up", "degraded", "down", "paused"]),
            "How well it goes.",
        )
        .sortable(),
        field("breaker", "Breaker", FieldKind::Word(&["closed", "open", "half-open"]), "State of the circuit breaker."),
        field("latency_ms", "Latency", FieldKind::Float, "Duration of the last poll, ms.").sortable(),
        field("last_ok", "Last ok", FieldKind::Time, "When a call last succeeded.").sortable(),
        field("last_error", "Error", FieldKind::Text, "The error that stands.").free(),
        field("queue", "Queue", FieldKind::Int, "Messages waiting."),
        field("rate", "Ev/s", FieldKind::Float, "Events a second."),
        field("skew_ms", "Skew", FieldKind::Float, "Its clock minus ours, ms."),
        field("stream", "Stream", FieldKind::Text, "State of the event stream."),
        field("devices", "Devices", FieldKind::Int, "Devices after the last poll.").sortable(),
        field("alarms", "Alarms", FieldKind::Int, "Its active alarms.").sortable(),
        field("version", "Version", FieldKind::Text, "Version it told."),
        field("as_of", "As of", FieldKind::Time, "When this was reported."),
    ],
    default_sort: &[("name", false)],
};

impl Record for SourceRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let r = &self.report;
        match field {
            "name" => Value::text(&self.name),
            "kind" => Value::text(&r.kind),
            "endpoint" => Value::text(&r.endpoint),
            "health" => Value::text(r.health.word()),
            "breaker" => Value::text(r.breaker.word()),
            "latency_ms" => Value::Float(r.latency_us as f64 / 1000.0),
            "last_ok" => Value::Time(r.last_ok),
            "last_error" => Value::text(&r.last_error),
            "queue" => Value::Int(r.queue.into()),
            "rate" => Value::Float(r.rate_milli as f64 / 1000.0),
            "skew_ms" => Value::Float(r.skew_us as f64 / 1000.0),
            "stream" => Value::text(&r.stream),
            "devices" => Value::Int(r.devices.into()),
            "alarms" => Value::Int(self.alarms.into()),
            "version" => Value::text(&r.version),
            "as_of" => Value::Time(self.as_of),
            _ => Value::None,
        }
    }
}
