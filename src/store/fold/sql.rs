//! The fold's statements, made once for the cache and once for the base at the horizon.

/// Columns of a node in the order of `Node::from_row`.
const NODE: &str = "id, nh, source, kind, idx, serial, canonical, parent, depth, children, onus, onus_active, \
    subs, a0, a1, a2, a3, a4, refs, own_subs, admin, oper, connect, number, flows, rx, tx, changed_at, as_of, \
    patch_hash, reason, vendor, model, firmware, address, logical_id, device_id, grp, path, dh, loc, label";

/// How many of [`NODE`]'s first columns never change after the row is inserted.
const NODE_FIXED: usize = 7;
/// How many of its last columns carry the indexes that most changes leave alone.
pub(crate) const NODE_INDEXED: usize = 5;
/// How many columns [`NODE`] has.
pub(crate) const NODE_COLUMNS: usize = 42;

/// Columns of an alarm in the order of `Alarm::from_row`.
const ALARM: &str = "id, kh, key, source, type, node, kind, idx, serial, canonical, qualifier, loc, label, \
    last_changed, trend, clear_reason, will_clear, by_active, op, vis, own_query, occurrences, dups, received_at, \
    first_seen, last_seen, cleared_at, op_user, op_time, op_text, ack_until, shelf_until, operator, dropped, history, \
    scope, severity, cleared, raised_at, born, due, text, owner";

/// How many of [`ALARM`]'s first columns never change after the row is inserted.
const ALARM_FIXED: usize = 13;
/// How many of its last columns carry the indexes that most changes leave alone.
pub(crate) const ALARM_INDEXED: usize = 8;
/// How many of those carry others than the order of the list: a clear or a raise leaves them alone.
pub(crate) const ALARM_SETTLED: usize = 4;
/// How many columns [`ALARM`] has.
pub(crate) const ALARM_COLUMNS: usize = 43;

/// Columns of a CPE in the order of `Cpe::from_row`.
const CPE: &str = "id, ch, source, device, manufacturer, oui, product_class, model, firmware, hardware, last_inform, \
    last_boot, registered, tags, rx, tx, ip, ssid, pppoe_user, uptime, faults, as_of, patch_hash, serial, sk, sh";

/// How many of [`CPE`]'s first columns never change after the row is inserted.
const CPE_FIXED: usize = 4;
/// How many of its last columns carry indexes that most changes leave alone.
pub(crate) const CPE_INDEXED: usize = 3;
/// How many columns [`CPE`] has.
pub(crate) const CPE_COLUMNS: usize = 26;

/// Statements for one set of tables.
#[derive(Debug)]
pub(crate) struct Sql {
    pub insert_node: String,
    pub update_node: String,
    pub touch_node: String,
    pub node_by_id: String,
    pub node_by_name: String,
    pub nodes_by_serial: String,
    pub node_by_device: String,
    pub nodes_below: String,
    pub insert_former: String,
    pub forget_former: String,
    pub former: String,
    pub insert_alarm: String,
    pub update_alarm: String,
    pub reorder_alarm: String,
    pub touch_alarm: String,
    pub alarm_by_id: String,
    pub alarm_by_key: String,
    pub alarms_of_node: String,
    pub move_alarms: String,
    pub delete_alarm: String,
    pub insert_op: String,
    pub ops_after: String,
    pub set_before: String,
    pub withdraw: String,
    pub op_of_action: String,
    pub delete_ops: String,
    pub put_state: String,
    pub get_state: String,
    pub put_source: String,
    pub put_report: String,
    pub sources: String,
    pub put_kpi: String,
    pub drop_places: String,
    pub put_place: String,
    pub put_port_places: String,
    pub inventory: String,
    pub inventory_line: String,
    pub put_inventory: String,
    pub drop_inventory: String,
    pub all_inventory: String,
    pub insert_cpe: String,
    pub update_cpe: String,
    pub touch_cpe: String,
    pub cpe_by_id: String,
    pub inform: String,
    pub put_rule: String,
    pub delete_cpe: String,
    pub put_leaves: String,
    pub delete_leaves: String,
    pub put_path: String,
    pub path: String,
    pub put_fault: String,
    pub delete_fault: String,
    pub delete_faults: String,
    pub count_faults: String,
    pub set_faults: String,
    pub job: String,
    pub put_job: String,
    pub job_device: String,
    pub put_job_device: String,
    pub set_job_device: String,
    pub count_job_devices: String,
    pub delete_job: String,
    pub delete_job_devices: String,
}

impl Sql {
    pub(crate) fn new(prefix: &'static str) -> Self {
        let sql = |text: &str| text.replace('@', prefix);
        let (insert_node, update_node) = upsert("@nodes", NODE, NODE_FIXED, 0);
        let (_, touch_node) = upsert("@nodes", NODE, NODE_FIXED, NODE_INDEXED);
        let (insert_alarm, update_alarm) = upsert("@alarms", ALARM, ALARM_FIXED, 0);
        let (_, reorder_alarm) = upsert("@alarms", ALARM, ALARM_FIXED, ALARM_SETTLED);
        let (_, touch_alarm) = upsert("@alarms", ALARM, ALARM_FIXED, ALARM_INDEXED);
        let (insert_cpe, update_cpe) = upsert("@cpes", CPE, CPE_FIXED, 0);
        let (_, touch_cpe) = upsert("@cpes", CPE, CPE_FIXED, CPE_INDEXED);
        Self {
            insert_node: sql(&insert_node),
            update_node: sql(&update_node),
            touch_node: sql(&touch_node),
            node_by_id: sql(&format!("SELECT {NODE} FROM @nodes WHERE id = ?1")),
            node_by_name: sql(&format!("SELECT {NODE} FROM @nodes WHERE nh = ?1 AND source = ?2")),
            nodes_by_serial: sql("SELECT id FROM @nodes WHERE nh = ?1 ORDER BY id"),
            node_by_device: sql("SELECT id, source, device_id FROM @nodes WHERE dh = ?1 ORDER BY id"),
            nodes_below: sql("SELECT id FROM @nodes WHERE grp = ?1 AND path > ?2 AND (?3 IS NULL OR path < ?3) \
                ORDER BY path"),
            insert_former: sql("INSERT OR REPLACE INTO @former VALUES (?1, ?2, ?3)"),
            forget_former: sql("DELETE FROM @former WHERE node = ?1 AND device_id IN (?2, ?3)"),
            former: sql("SELECT device_id FROM @former WHERE node = ?1 ORDER BY seq"),
            insert_alarm: sql(&insert_alarm),
            update_alarm: sql(&update_alarm),
            reorder_alarm: sql(&reorder_alarm),
            touch_alarm: sql(&touch_alarm),
            alarm_by_id: sql(&format!("SELECT {ALARM} FROM @alarms WHERE id = ?1")),
            alarm_by_key: sql(&format!("SELECT {ALARM} FROM @alarms WHERE kh = ?1")),
            alarms_of_node: sql("SELECT id FROM @alarms WHERE node = ?1 ORDER BY id"),
            move_alarms: sql("UPDATE @alarms SET loc = ?2, label = ?3 WHERE node = ?1"),
            delete_alarm: sql("DELETE FROM @alarms WHERE id = ?1"),
            insert_op: sql("INSERT OR REPLACE INTO @ops VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)"),
            ops_after: sql("SELECT seq, before FROM @ops WHERE alarm = ?1 AND seq > ?2 ORDER BY seq"),
            set_before: sql("UPDATE @ops SET before = ?2 WHERE seq = ?1"),
            withdraw: sql("UPDATE @ops SET withdrawn = 1 WHERE seq = ?1"),
            op_of_action: sql("SELECT seq, verb, before, withdrawn FROM @ops WHERE alarm = ?1 AND action = ?2"),
            delete_ops: sql("DELETE FROM @ops WHERE alarm = ?1"),
            put_state: sql("INSERT OR REPLACE INTO @state VALUES (?1, ?2)"),
            get_state: sql("SELECT value FROM @state WHERE key = ?1"),
            put_source: sql("INSERT INTO @sources VALUES (?1, NULL, 0, 0, 0, ?2) \
                ON CONFLICT (id) DO UPDATE SET alarms = ?2"),
            put_report: sql("INSERT INTO @sources VALUES (?1, ?2, ?3, ?4, ?5, 0) \
                ON CONFLICT (id) DO UPDATE SET report = ?2, health = ?3, last_ok = ?4, as_of = ?5"),
            sources: sql("SELECT id, report, as_of, alarms FROM @sources"),
            put_kpi: sql("INSERT OR REPLACE INTO @kpi VALUES (?1, ?2, ?3)"),
            drop_places: sql("DELETE FROM @places WHERE owner = ?1"),
            put_place: sql("INSERT OR REPLACE INTO @places VALUES (?1, ?1, ?2)"),
            put_port_places: sql("INSERT OR REPLACE INTO @places SELECT id, ?1, ?2 || \
                CASE kind WHEN 2 THEN ' / PON ' ELSE ' / NNI ' END || idx FROM @nodes \
                WHERE grp = ?1 AND path >= x'02' AND path < x'04' AND kind IN (2, 3)"),
            inventory: sql("SELECT site, name, subs FROM @inventory WHERE serial = ?1 AND source IN (?2, 0) \
                ORDER BY source DESC LIMIT 1"),
            inventory_line: sql("SELECT site, name, subs FROM @inventory WHERE serial = ?1 AND source = ?2"),
            put_inventory: sql("INSERT OR REPLACE INTO @inventory VALUES (?1, ?2, ?3, ?4, ?5)"),
            drop_inventory: sql("DELETE FROM @inventory WHERE serial = ?1 AND source = ?2"),
            all_inventory: sql("SELECT serial, source, site, name, subs FROM @inventory"),
            insert_cpe: sql(&insert_cpe),
            update_cpe: sql(&update_cpe),
            touch_cpe: sql(&touch_cpe),
            cpe_by_id: sql(&format!("SELECT {CPE} FROM @cpes WHERE ch = ?1 AND source = ?2")),
            inform: sql("UPDATE @cpes SET last_inform = ?3 WHERE ch = ?1 AND source = ?2 AND last_inform < ?3"),
            put_rule: sql("INSERT OR REPLACE INTO @cpe_rules VALUES (?1, ?2)"),
            delete_cpe: sql("DELETE FROM @cpes WHERE ch = ?1 AND source = ?2 RETURNING id"),
            put_leaves: sql("INSERT OR REPLACE INTO @cpe_leaves VALUES (?1, ?2)"),
            delete_leaves: sql("DELETE FROM @cpe_leaves WHERE id = ?1"),
            put_path: sql("INSERT INTO @cpe_paths (path) VALUES (?1)"),
            path: sql("SELECT id FROM @cpe_paths WHERE path = ?1"),
            put_fault: sql("INSERT OR REPLACE INTO @cpe_faults VALUES (?1, ?2, ?3, ?4)"),
            delete_fault: sql("DELETE FROM @cpe_faults WHERE source = ?1 AND ch = ?2 AND channel = ?3"),
            delete_faults: sql("DELETE FROM @cpe_faults WHERE source = ?1 AND ch = ?2"),
            count_faults: sql("SELECT count(*) FROM @cpe_faults WHERE source = ?1 AND ch = ?2"),
            job: sql("SELECT id, header FROM @jobs WHERE job = ?1"),
            put_job: sql("INSERT OR REPLACE INTO @jobs VALUES (?1, ?2, ?3)"),
            job_device: sql("SELECT frozen, state FROM @job_devices WHERE id = ?1"),
            put_job_device: sql("INSERT OR REPLACE INTO @job_devices VALUES (?1, ?2, ?3)"),
            set_job_device: sql("UPDATE @job_devices SET state = ?2 WHERE id = ?1"),
            delete_job: sql("DELETE FROM @jobs WHERE id = ?1"),
            delete_job_devices: sql("DELETE FROM @job_devices WHERE id >= ?1 AND id < ?2"),
            count_job_devices: sql("SELECT count(*) FROM @job_devices WHERE id >= ?1 AND id < ?2"),
            set_faults: sql("UPDATE @cpes SET faults = \
                (SELECT count(*) FROM @cpe_faults WHERE source = ?1 AND ch = ?2) WHERE ch = ?2 AND source = ?1"),
        }
    }
}

/// Prefix of the cache tables.
pub(crate) const CACHE: &str = "c_";
/// Prefix of the base tables.
pub(crate) const BASE: &str = "b_";

/// An INSERT of all columns, and an UPDATE of all but the first `fixed` and the last `without`
/// with the same parameter numbers; the first column is the key.
fn upsert(table: &str, columns: &str, fixed: usize, without: usize) -> (String, String) {
    let names: Vec<&str> = columns.split(',').map(str::trim).collect();
    let marks: Vec<String> = (1..=names.len()).map(|i| format!("?{i}")).collect();
    let insert = format!("INSERT INTO {table} ({columns}) VALUES ({})", marks.join(", "));
    let sets: Vec<String> = names
        .iter()
        .enumerate()
        .skip(fixed)
        .take(names.len() - fixed - without)
        .map(|(i, name)| format!("{name} = ?{}", i + 1))
        .collect();
    (insert, format!("UPDATE {table} SET {} WHERE id = ?1", sets.join(", ")))
}
