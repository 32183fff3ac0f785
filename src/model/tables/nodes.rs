//! Fields of the PON tree.

use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::super::severity::Severity;
use super::super::topology::NodeRow;
use super::{dbm, field};

/// The PON tree.
pub static NODES: TableSpec = TableSpec {
    table: Table::Nodes,
    name: "pon",
    fields: &[
        field("id", "Id", FieldKind::Text, "Canonical name.").sortable().free(),
        field(
            "kind",
            "Kind",
            FieldKind::Word(&["site", "olt", "pon", "nni", "onu", "uni", "device"]),
            "Kind of thing.",
        ),
        field("parent", "Parent", FieldKind::Text, "Canonical name of what it hangs on."),
        field("serial", "Serial", FieldKind::Text, "Serial number; of ports, their device's.")
            .sortable()
            .free()
            .also(&["sn"]),
        field("name", "Name", FieldKind::Text, "Name in the inventory.").sortable().free(),
        field("admin_state", "Admin", FieldKind::Text, "Administrative state.").also(&["admin"]),
        field("oper_status", "Oper", FieldKind::Text, "Operational state.").sortable().also(&["oper"]),
        field("connect_status", "Connect", FieldKind::Text, "Connection state.").also(&["connect"]),
        field("reason", "Reason", FieldKind::Text, "Progress word of the controller.").free(),
        field("source", "Source", FieldKind::Text, "Controller it belongs to.").sortable().also(&["src"]),
        field("device_id", "Device id", FieldKind::Text, "The controller's id for it; changes when the OLT reboots."),
        field("vendor", "Vendor", FieldKind::Text, "Maker."),
        field("model", "Model", FieldKind::Text, "Model."),
        field("firmware", "Firmware", FieldKind::Text, "Firmware version."),
        field("address", "Address", FieldKind::Text, "Management address."),
        field("number", "No", FieldKind::Int, "Port number of the controller, or ONU id."),
        field("children", "Ch", FieldKind::Int, "Direct children."),
        field("onus", "ONUs", FieldKind::Int, "ONUs below."),
        field("onus_active", "Up", FieldKind::Int, "ONUs below that are active."),
        field("subscribers", "Subs", FieldKind::Int, "Subscribers below, from the inventory.").also(&["subs"]),
        field("flows", "Flows", FieldKind::Int, "Flows the controller holds for it."),
        field("rx_dbm", "Rx dBm", FieldKind::Float, "Received optical power, dBm.").also(&["rx"]),
        field("tx_dbm", "Tx dBm", FieldKind::Float, "Launched optical power, dBm.").also(&["tx"]),
        field("alarms", "Alarms", FieldKind::Int, "Active visible alarms on and below it."),
        field("worst", "Worst", FieldKind::Severity, "The worst of them."),
        field("changed_at", "Changed", FieldKind::Time, "When its state last changed.").sortable().also(&["changed"]),
        field("as_of", "As of", FieldKind::Time, "When its source last confirmed it."),
    ],
    default_sort: &[("id", false)],
};

impl Record for NodeRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "id" => Value::text(&self.canonical),
            "kind" => Value::text(self.resource.kind.word()),
            "parent" => Value::text(&self.parent_name),
            "serial" => Value::text(&self.serial),
            "name" => Value::text(&self.name),
            "admin_state" => Value::Text(self.admin_word()),
            "oper_status" => Value::Text(self.oper_word()),
            "connect_status" => Value::Text(self.connect_word()),
            "reason" => Value::text(&self.reason),
            "source" => Value::text(&self.source),
            "device_id" => Value::text(&self.device_id),
            "vendor" => Value::text(&self.vendor),
            "model" => Value::text(&self.model),
            "firmware" => Value::text(&self.firmware),
            "address" => Value::text(&self.address),
            "number" => Value::Int(self.number.into()),
            "children" => Value::Int(self.children.into()),
            "onus" => Value::Int(self.onus.into()),
            "onus_active" => Value::Int(self.onus_active.into()),
            "subscribers" => Value::Int(self.subscribers.into()),
            "flows" => Value::Int(self.flows.into()),
            "rx_dbm" => dbm(self.rx_centi_dbm),
            "tx_dbm" => dbm(self.tx_centi_dbm),
            "alarms" => Value::Int(self.alarms.iter().map(|n| i64::from(*n)).sum()),
            "worst" => self.worst().map_or(Value::None, |s: Severity| Value::text(s.word())),
            "changed_at" => Value::Time(self.changed_at),
            "as_of" => Value::Time(self.as_of),
            _ => Value::None,
        }
    }
}
