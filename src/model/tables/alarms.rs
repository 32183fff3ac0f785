//! Fields of the alarm list.

use super::super::alarm::AlarmRow;
use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::field;

/// The alarm list.
pub static ALARMS: TableSpec = TableSpec {
    table: Table::Alarms,
    name: "alarms",
    fields: &[
        field("key", "Key", FieldKind::Text, "Identity of the alarm: 32 hexadecimal digits."),
        field("source", "Source", FieldKind::Text, "Controller that reported it.").sortable().also(&["src"]),
        field("resource", "Resource", FieldKind::Text, "Canonical name of the alarmed object.")
            .sortable()
            .free()
            .also(&["res"]),
        field("location", "Where", FieldKind::Text, "Site, OLT and PON port of the object.").free().also(&["where"]),
        field("name", "Name", FieldKind::Text, "Name of the object in the inventory.").free(),
        field("serial", "Serial", FieldKind::Text, "Serial number of the device.").also(&["sn"]),
        field(
            "kind",
            "Kind",
            FieldKind::Word(&["site", "olt", "pon", "nni", "onu", "uni", "adapter", "source", "device"]),
            "Kind of the object.",
        ),
        field("type", "Type", FieldKind::Text, "Alarm type, e.g. pon.onu.los.").sortable().free().also(&["type_id"]),
        field("qualifier", "Qual", FieldKind::Text, "What the type does not tell; mostly empty."),
        field("severity", "S", FieldKind::Severity, "Perceived severity.").sortable().also(&["sev"]),
        field("trend", "T", FieldKind::Int, "Last move of the severity: -1, 0 or 1."),
        field("cleared", "Clr", FieldKind::Bool, "The condition is over.").also(&["is_cleared"]),
        field("clear_reason", "Why", FieldKind::Text, "Why it is over."),
        field("will_clear", "Self", FieldKind::Bool, "The source clears it by itself."),
        field("op_state", "Op", FieldKind::Word(&["none", "ack", "closed"]), "What operators did: none, ack, closed.")
            .also(&["op"]),
        field(
            "visibility",
            "Vis",
            FieldKind::Word(&["visible", "shelved", "suppressed", "out_of_service"]),
            "Shown, or how it is hidden.",
        )
        .also(&["vis"]),
        field(
            "state",
            "State",
            FieldKind::Word(&["UNACK", "ACKED", "DISPUTED", "RTNUN", "NORMAL", "SHLVD", "DSUPR", "OOSRV"]),
            "The one state shown (ISA-18.2).",
        ),
        field("raised_at", "Raised", FieldKind::Time, "First raise of the spell, the source's clock.")
            .sortable()
            .also(&["raised"]),
        field("received_at", "Received", FieldKind::Time, "The same, our clock.").sortable().also(&["received"]),
        field("first_seen", "First", FieldKind::Time, "First raise ever, our clock."),
        field("last_seen", "Last", FieldKind::Time, "Last raise or repeat, our clock."),
        field("last_changed", "Changed", FieldKind::Time, "Last change of any kind, our clock.")
            .sortable()
            .also(&["changed"]),
        field("cleared_at", "Cleared", FieldKind::Time, "When it cleared, our clock."),
        field("occurrences", "N", FieldKind::Int, "Raises over all spells.").sortable().also(&["count"]),
        field("dup_count", "Dup", FieldKind::Int, "Identical repeats in this spell."),
        field("text", "Text", FieldKind::Text, "One line about it.").free(),
        field("owner", "Owner", FieldKind::Text, "Who takes care of it.").sortable(),
        field("op_user", "By", FieldKind::Text, "Who last acted on it."),
        field("op_time", "Acted", FieldKind::Time, "When they did."),
        field("op_text", "Note", FieldKind::Text, "What they wrote."),
        field("ack_until", "Ack until", FieldKind::Time, "When the acknowledgement ends."),
        field("shelf_until", "Shelf until", FieldKind::Time, "When the shelf ends."),
        field("own_query", "Own", FieldKind::Bool, "Caused by a query of noctule's."),
        field("subscribers", "Subs", FieldKind::Int, "Subscribers behind the object, from the inventory.")
            .also(&["subs"]),
        field(
            "suppressed_by",
            "Suppressed",
            FieldKind::Text,
            "By what its own source suppresses it: a silence, an inhibition.",
        ),
        field("stale_source", "Stale", FieldKind::Bool, "Its source is not heard at the moment.").also(&["stale"]),
    ],
    default_sort: &[("severity", true), ("raised_at", true)],
};

impl Record for AlarmRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "key" => Value::Text(self.key.to_string().into()),
            "source" => Value::text(&self.source),
            "resource" => Value::text(&self.canonical),
            "location" => Value::text(&self.location),
            "name" => Value::text(&self.name),
            "serial" => Value::text(&self.resource.name),
            "kind" => Value::text(self.resource.kind.word()),
            "type" => Value::text(&self.type_id),
            "qualifier" => Value::text(&self.qualifier),
            "severity" => Value::text(self.severity.word()),
            "trend" => Value::Int(i64::from(self.trend)),
            "cleared" => Value::Bool(self.cleared),
            "clear_reason" if self.cleared => Value::text(self.clear_reason.word()),
            "will_clear" => Value::Bool(self.will_clear),
            "op_state" => Value::text(self.op_state.word()),
            "visibility" => Value::text(self.visibility.word()),
            "state" => Value::text(self.shown().word()),
            "raised_at" => Value::Time(self.raised_at),
            "received_at" => Value::Time(self.received_at),
            "first_seen" => Value::Time(self.first_seen),
            "last_seen" => Value::Time(self.last_seen),
            "last_changed" => Value::Time(self.last_changed),
            "cleared_at" => Value::Time(self.cleared_at),
            "occurrences" => Value::Int(self.occurrences.into()),
            "dup_count" => Value::Int(self.dup_count.into()),
            "text" => Value::text(&self.text),
            "owner" => Value::text(&self.owner),
            "op_user" => Value::text(&self.op_user),
            "op_time" => Value::Time(self.op_time),
            "op_text" => Value::text(&self.op_text),
            "ack_until" => Value::Time(self.ack_until),
            "shelf_until" => Value::Time(self.shelf_until),
            "own_query" => Value::Bool(self.own_query),
            "subscribers" => Value::Int(self.subscribers.into()),
            "suppressed_by" => Value::text(&self.suppressed_by),
            "stale_source" => Value::Bool(self.stale_source),
            _ => Value::None,
        }
    }
}
