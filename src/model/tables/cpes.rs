//! Fields of the fleet.

use super::super::cpe::{CpeRow, Online};
use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::{dbm, field};

/// The fleet of CPEs.
pub static CPES: TableSpec = TableSpec {
    table: Table::Cpes,
    name: "cpe",
    fields: &[
        field("id", "Id", FieldKind::Text, "Canonical name: source, `cpe`, the server's id of the device.").sortable(),
        field("serial", "Serial", FieldKind::Text, "Serial number.").sortable().free().also(&["sn"]),
        field("manufacturer", "Maker", FieldKind::Text, "Maker.").also(&["vendor"]),
        field("oui", "OUI", FieldKind::Text, "The maker's OUI."),
        field("product_class", "Class", FieldKind::Text, "Product class.").sortable().also(&["class"]),
        field("model", "Model", FieldKind::Text, "Model name.").sortable().free(),
        field("firmware", "Firmware", FieldKind::Text, "Firmware version.")
            .sortable()
            .free()
            .also(&["software_version", "version", "fw"])
            .versions(),
        field("hardware", "Hardware", FieldKind::Text, "Hardware version.").also(&["hardware_version"]).versions(),
        field(
            "online",
            "Online",
            FieldKind::Word(Online::WORDS),
            "Informed within online_s of its source (300 s): online; within offline_s (a day): late; else offline.",
        ),
        field("last_inform", "Inform", FieldKind::Time, "Last inform, the server's clock.")
            .sortable()
            .also(&["inform"]),
        field("last_boot", "Boot", FieldKind::Time, "Last boot.").sortable().also(&["boot"]),
        field("registered", "Registered", FieldKind::Time, "First seen by its server.").sortable(),
        field("tags", "Tags", FieldKind::Text, "Tags, with a comma between them; tag=x finds the devices that have x.")
            .free()
            .also(&["tag"])
            .listed(),
        field("rx_dbm", "Rx dBm", FieldKind::Float, "Received optical power, dBm.").sortable().also(&["rx"]),
        field("tx_dbm", "Tx dBm", FieldKind::Float, "Launched optical power, dBm.").also(&["tx"]),
        field("ip", "IP", FieldKind::Text, "WAN address.").free(),
        field("ssid", "SSID", FieldKind::Text, "Name of the first radio network.").free(),
        field("pppoe_user", "PPPoE user", FieldKind::Text, "PPPoE user name.").free().also(&["pppoe"]),
        field("uptime_s", "Uptime", FieldKind::Int, "Uptime when it last told it, s.").sortable().also(&["uptime"]),
        field("faults", "Faults", FieldKind::Int, "Faults its server holds for it.").sortable(),
        field("onu", "ONU", FieldKind::Text, "Canonical name of the ONU of the same serial number."),
        field("subscriber", "Subscriber", FieldKind::Text, "Name of that ONU in the inventory.").also(&["name"]),
        field("source", "Source", FieldKind::Text, "Server it belongs to.").sortable().also(&["src"]),
        field("as_of", "As of", FieldKind::Time, "When its source last confirmed it."),
    ],
    default_sort: &[("serial", false)],
};

impl Record for CpeRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        match field {
            "id" => Value::text(&self.canonical),
            "serial" => Value::text(&self.serial),
            "manufacturer" => Value::text(&self.manufacturer),
            "oui" => Value::text(&self.oui),
            "product_class" => Value::text(&self.product_class),
            "model" => Value::text(&self.model),
            "firmware" => Value::text(&self.firmware),
            "hardware" => Value::text(&self.hardware),
            "online" => Value::text(self.online.word()),
            "last_inform" => Value::Time(self.last_inform),
            "last_boot" => Value::Time(self.last_boot),
            "registered" => Value::Time(self.registered),
            "tags" => Value::text(&self.tags),
            "rx_dbm" => dbm(self.rx_centi_dbm),
            "tx_dbm" => dbm(self.tx_centi_dbm),
            "ip" => Value::text(&self.ip),
            "ssid" => Value::text(&self.ssid),
            "pppoe_user" => Value::text(&self.pppoe_user),
            "uptime_s" => self.uptime_s.map_or(Value::None, |s| Value::Int(i64::try_from(s).unwrap_or(i64::MAX))),
            "faults" => Value::Int(self.faults.into()),
            "onu" => Value::text(&self.onu),
            "subscriber" => Value::text(&self.subscriber),
            "source" => Value::text(&self.source),
            "as_of" => Value::Time(self.as_of),
            path => self.leaves.iter().find(|l| l.path == path).map_or(Value::None, |l| Value::text(&l.value)),
        }
    }
}
