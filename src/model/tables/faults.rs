//! Fields of the faults that servers hold against CPEs.

use super::super::fault::FaultRow;
use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::field;

/// Faults of the fleet.
pub static FAULTS: TableSpec = TableSpec {
    table: Table::Faults,
    name: "faults",
    fields: &[
        field("at", "Since", FieldKind::Time, "When it was first or last tried, the server's clock.")
            .sortable()
            .also(&["since"]),
        field("code", "Code", FieldKind::Text, "`cwmp.9003`, `timeout`, `script.…`.").sortable().free(),
        field("message", "Message", FieldKind::Text, "The server's text.").sortable().free(),
        field("parameter", "Parameter", FieldKind::Text, "The first parameter that failed.").sortable().free(),
        field("why", "Why", FieldKind::Text, "What the device said about that parameter.").free(),
        field("serial", "Serial", FieldKind::Text, "Serial number of the device.").sortable().free().also(&["sn"]),
        field("model", "Model", FieldKind::Text, "Its model.").sortable().free(),
        field("channel", "Channel", FieldKind::Text, "What failed: a task, the channel of a preset, default.")
            .sortable()
            .free(),
        field("tried", "Tried", FieldKind::Text, "What was tried.").free(),
        field("retries", "Tries", FieldKind::Int, "How often it was tried again.").sortable(),
        field("device", "Device", FieldKind::Text, "Canonical name of the device.").also(&["cpe", "id"]),
        field("source", "Source", FieldKind::Text, "Server that holds it.").sortable().also(&["src"]),
    ],
    default_sort: &[("at", true)],
};

impl Record for FaultRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let first = self.fault.parameters.first();
        match field {
            "at" => Value::Time(self.fault.at),
            "code" => Value::text(&self.fault.code),
            "message" => Value::text(&self.fault.message),
            "parameter" => first.map_or(Value::None, |(path, ..)| Value::text(path)),
            "why" => first.map_or(Value::None, |(_, code, words)| Value::Text(format!("{code} {words}").into())),
            "serial" => Value::text(&self.serial),
            "model" => Value::text(&self.model),
            "channel" => Value::text(&self.fault.channel),
            "tried" => Value::text(&self.fault.tried),
            "retries" => Value::Int(self.fault.retries.into()),
            "device" => Value::text(&self.canonical),
            "source" => Value::text(&self.source),
            _ => Value::None,
        }
    }
}
