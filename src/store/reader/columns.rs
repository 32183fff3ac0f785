//! Fields of the lists as SQL: how each is read from the cache tables and how lists sort by it.

use crate::model::page::Table;

/// How a field lies in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Text.
    Text(&'static str),
    /// A small number that stands for a text in another table: `column`, and `id, text` of it.
    /// A number the table does not have stands for the empty text.
    Dict { column: &'static str, id: &'static str, text: &'static str, table: &'static str },
    /// Whole number.
    Int(&'static str),
    /// Whole number; NULL when not known.
    Gap(&'static str),
    /// Number with decimals; NULL when not known.
    Float(&'static str),
    /// 0 or 1.
    Bool(&'static str),
    /// Microseconds; 0 when not set.
    Time(&'static str),
    /// Severity rank; NULL when there is none.
    Rank(&'static str),
}

const KIND_A: &str = "(CASE a.kind WHEN 0 THEN 'site' WHEN 1 THEN 'olt' WHEN 2 THEN 'pon' WHEN 3 THEN 'nni' \
    WHEN 4 THEN 'onu' WHEN 5 THEN 'uni' WHEN 6 THEN 'adapter' WHEN 7 THEN 'source' ELSE 'device' END)";
const KIND_N: &str = "(CASE n.kind WHEN 0 THEN 'site' WHEN 1 THEN 'olt' WHEN 2 THEN 'pon' WHEN 3 THEN 'nni' \
    WHEN 4 THEN 'onu' WHEN 5 THEN 'uni' WHEN 6 THEN 'adapter' WHEN 7 THEN 'source' ELSE 'device' END)";
const CLEAR_REASON: &str = "(CASE WHEN NOT a.cleared THEN '' ELSE CASE a.clear_reason WHEN 1 THEN 'operator' \
    WHEN 2 THEN 'parent cleared' WHEN 3 THEN 'resync' WHEN 4 THEN 'device active again' WHEN 5 THEN 'device deleted' \
    WHEN 6 THEN 'watch' ELSE 'source' END END)";
const OP_STATE: &str = "(CASE a.op WHEN 1 THEN 'ack' WHEN 2 THEN 'closed' ELSE 'none' END)";
const VISIBILITY: &str = "(CASE a.vis WHEN 1 THEN 'shelved' WHEN 2 THEN 'suppressed' WHEN 3 THEN 'out_of_service' \
    ELSE 'visible' END)";
const STATE: &str = "(CASE a.vis WHEN 1 THEN 'SHLVD' WHEN 2 THEN 'DSUPR' WHEN 3 THEN 'OOSRV' ELSE \
    CASE WHEN a.cleared THEN CASE a.op WHEN 0 THEN 'RTNUN' ELSE 'NORMAL' END \
    ELSE CASE a.op WHEN 0 THEN 'UNACK' WHEN 1 THEN 'ACKED' ELSE 'DISPUTED' END END END)";
// What has no such state says nothing (as in `NodeRow::admin_word` and its like): a site, an adapter
// and a source have none, and only devices are connected to their controller.
const ADMIN: &str = "(CASE WHEN n.kind IN (0, 6, 7) THEN '' ELSE CASE n.admin WHEN 0 THEN 'unknown' WHEN 1 THEN 'preprovisioned' WHEN 2 THEN 'enabled' \
    WHEN 3 THEN 'disabled' WHEN 4 THEN 'downloading-image' ELSE 'state-' || n.admin END END)";
const OPER: &str = "(CASE WHEN n.kind IN (0, 6, 7) THEN '' ELSE CASE n.oper WHEN 0 THEN 'unknown' WHEN 1 THEN 'discovered' WHEN 2 THEN 'activating' \
    WHEN 3 THEN 'testing' WHEN 4 THEN 'active' WHEN 5 THEN 'failed' WHEN 6 THEN 'reconciling' \
    WHEN 7 THEN 'reconciling-failed' WHEN 8 THEN 'rebooted' ELSE 'state-' || n.oper END END)";
const CONNECT: &str = "(CASE WHEN n.kind IN (0, 2, 3, 5, 6, 7) THEN '' ELSE CASE n.connect WHEN 0 THEN 'unknown' WHEN 1 THEN 'unreachable' WHEN 2 THEN 'reachable' \
    ELSE 'state-' || n.connect END END)";
const WORST: &str = "(CASE WHEN n.a4 THEN 4 WHEN n.a3 THEN 3 WHEN n.a2 THEN 2 WHEN n.a1 THEN 1 WHEN n.a0 THEN 0 END)";
const SERIAL: &str = "(CASE WHEN n.kind BETWEEN 1 AND 5 THEN n.serial ELSE '' END)";
/// A node is as fresh as its source's last answer: polls journal only what changed.
pub(crate) const AS_OF: &str = "max(n.as_of, coalesce((SELECT last_ok FROM c_sources WHERE id = n.source), 0))";
/// The same of a CPE.
pub(crate) const CPE_AS_OF: &str = "max(c.as_of, coalesce((SELECT last_ok FROM c_sources WHERE id = c.source), 0))";
/// Sources not heard at the moment.
pub(crate) const STALE: &str =
    "a.source IN (SELECT id FROM c_sources WHERE report IS NOT NULL AND health NOT IN (1, 2))";

/// A way to read fields.
pub(crate) type Of = fn(Table, &str) -> Option<Column>;

/// How a field of a table is read; `None` for fields that no table of the cache has.
pub(crate) fn column(table: Table, field: &str) -> Option<Column> {
    match table {
        Table::Alarms => alarm(field),
        Table::Nodes => node(field),
        Table::Cpes => cpe(field),
        Table::Sources
        | Table::Log
        | Table::Jobs
        | Table::JobDevices
        | Table::Faults
        | Table::Stored
        | Table::Appliances
        | Table::Collectors
        | Table::Vms => None,
    }
}

/// The ONU with the serial number of a CPE.
macro_rules! onu_of {
    ($column:literal) => {
        concat!(
            "coalesce((SELECT n.",
            $column,
            " FROM c_nodes n WHERE n.serial COLLATE NOCASE IN (c.sk, c.sh) \
             AND n.kind = 4 AND n.grp IS NOT NULL AND c.sk <> '' ORDER BY n.id LIMIT 1), '')"
        )
    };
}

fn cpe(field: &str) -> Option<Column> {
    use Column::{Float, Int, Text, Time};
    Some(match field {
        "id" => Text("((SELECT name FROM names WHERE id = c.source) || '/cpe/' || c.device)"),
        "serial" => Text("c.serial"),
        "manufacturer" => Text("c.manufacturer"),
        "oui" => Text("c.oui"),
        "product_class" => Text("c.product_class"),
        "model" => Text("c.model"),
        "firmware" => Text("c.firmware"),
        "hardware" => Text("c.hardware"),
        "online" => Text("online_word(c.last_inform, (SELECT rule FROM c_cpe_rules WHERE source = c.source))"),
        "last_inform" => Time("c.last_inform"),
        "last_boot" => Time("c.last_boot"),
        "registered" => Time("c.registered"),
        "tags" => Text("c.tags"),
        "rx_dbm" => Float("c.rx / 100.0"),
        "tx_dbm" => Float("c.tx / 100.0"),
        "ip" => Text("c.ip"),
        "ssid" => Text("c.ssid"),
        "pppoe_user" => Text("c.pppoe_user"),
        // Not known for devices that never told: a number with a gap.
        "uptime_s" => Column::Gap("c.uptime"),
        "faults" => Int("c.faults"),
        "onu" => Text(onu_of!("canonical")),
        "subscriber" => Text(onu_of!("label")),
        "source" => name("c.source"),
        "as_of" => Time(CPE_AS_OF),
        _ => return None,
    })
}

fn alarm(field: &str) -> Option<Column> {
    use Column::{Bool, Int, Rank, Text, Time};
    Some(match field {
        "key" => Text("lower(hex(a.key))"),
        "source" => name("a.source"),
        "resource" => Text("a.canonical"),
        "location" => Column::Dict { column: "a.loc", id: "id", text: "text", table: "c_places" },
        "name" => Text("a.label"),
        "serial" => Text("a.serial"),
        "kind" => Text(KIND_A),
        "type" => name("a.type"),
        "qualifier" => Text("a.qualifier"),
        "severity" => Rank("a.severity"),
        "trend" => Int("a.trend"),
        "cleared" => Bool("a.cleared"),
        "clear_reason" => Text(CLEAR_REASON),
        "will_clear" => Bool("a.will_clear"),
        "op_state" => Text(OP_STATE),
        "visibility" => Text(VISIBILITY),
        "state" => Text(STATE),
        "raised_at" => Time("a.raised_at"),
        "received_at" => Time("a.received_at"),
        "first_seen" => Time("a.first_seen"),
        "last_seen" => Time("a.last_seen"),
        "last_changed" => Time("a.last_changed"),
        "cleared_at" => Time("a.cleared_at"),
        "occurrences" => Int("a.occurrences"),
        "dup_count" => Int("a.dups"),
        "text" => Text("a.text"),
        "owner" => Text("a.owner"),
        "op_user" => Text("a.op_user"),
        "op_time" => Time("a.op_time"),
        "op_text" => Text("a.op_text"),
        "ack_until" => Time("a.ack_until"),
        "shelf_until" => Time("a.shelf_until"),
        "own_query" => Bool("a.own_query"),
        "subscribers" => Int("coalesce((SELECT n.subs FROM c_nodes n WHERE n.id = a.node), 0)"),
        "suppressed_by" => Text("suppressed_by(a.operator)"),
        "stale_source" => Bool(STALE),
        _ => return None,
    })
}

fn node(field: &str) -> Option<Column> {
    use Column::{Float, Int, Rank, Text, Time};
    Some(match field {
        "id" => Text("n.canonical"),
        "kind" => Text(KIND_N),
        "parent" => Text("coalesce((SELECT p.canonical FROM c_nodes p WHERE p.id = n.parent), '')"),
        "serial" => Text(SERIAL),
        "name" => Text("n.label"),
        "admin_state" => Text(ADMIN),
        "oper_status" => Text(OPER),
        "connect_status" => Text(CONNECT),
        "reason" => Text("n.reason"),
        "source" => name("n.source"),
        "device_id" => Text("n.device_id"),
        "vendor" => Text("n.vendor"),
        "model" => Text("n.model"),
        "firmware" => Text("n.firmware"),
        "address" => Text("n.address"),
        "number" => Int("n.number"),
        "children" => Int("n.children"),
        "onus" => Int("n.onus"),
        "onus_active" => Int("n.onus_active"),
        "subscribers" => Int("n.subs"),
        "flows" => Int("n.flows"),
        "rx_dbm" => Float("n.rx / 100.0"),
        "tx_dbm" => Float("n.tx / 100.0"),
        "alarms" => Int("(n.a0 + n.a1 + n.a2 + n.a3 + n.a4)"),
        "worst" => Rank(WORST),
        "changed_at" => Time("n.changed_at"),
        "as_of" => Time(AS_OF),
        _ => return None,
    })
}

const fn name(column: &'static str) -> Column {
    Column::Dict { column, id: "id", text: "name", table: "names" }
}

/// How fields that are about the object of a row are read from `c_nodes n` with nothing but the
/// index `c_nodes_find`; of alarms these are copies that the fold keeps equal.
pub(crate) fn of_node(table: Table, field: &str) -> Option<Column> {
    Some(match (table, field) {
        (Table::Alarms, "resource") | (Table::Nodes, "id") => Column::Text("n.canonical"),
        (Table::Alarms | Table::Nodes, "serial") => Column::Text("n.serial"),
        (Table::Alarms | Table::Nodes, "name") => Column::Text("n.label"),
        (Table::Alarms, "location") => Column::Dict { column: "n.loc", id: "id", text: "text", table: "c_places" },
        _ => return None,
    })
}

/// How fields of what is said are read with nothing but the index `c_alarms_said`.
pub(crate) fn of_said(table: Table, field: &str) -> Option<Column> {
    matches!((table, field), (Table::Alarms, "source" | "type" | "text")).then(|| column(table, field))?
}

/// What to order by.
pub(crate) fn order(table: Table, field: &str) -> Option<String> {
    if (table, field) == (Table::Alarms, "severity") {
        // Within a severity, what is active comes before what has returned.
        return Some("a.weight".to_owned());
    }
    Some(match column(table, field)? {
        Column::Dict { column, id, text, table } => {
            format!("coalesce((SELECT {text} FROM {table} WHERE {id} = {column}), '')")
        }
        Column::Text(sql)
        | Column::Int(sql)
        | Column::Gap(sql)
        | Column::Float(sql)
        | Column::Bool(sql)
        | Column::Time(sql)
        | Column::Rank(sql) => sql.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tables::{ALARMS, CPES, NODES};

    #[test]
    fn every_field_of_the_large_tables_is_known() {
        for spec in [&ALARMS, &NODES, &CPES] {
            for field in spec.fields {
                assert!(column(spec.table, field.name).is_some(), "{} of {}", field.name, spec.name);
            }
        }
    }
}
