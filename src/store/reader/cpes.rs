//! Rows of the fleet, everything about one CPE, and the fleet in numbers.

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::KnownCpe;
use super::list::List;
use super::rows::Rows;
use crate::model::cpe::{
    CpeDeed, CpeDetail, CpeFault, CpeRow, FleetStats, Leaf, Online, OnlineRule, canonical, id_hash, id_of,
};
use crate::model::ids::RowId;
use crate::model::order;
use crate::model::record::Record;
use crate::model::time::Ts;
use crate::store::fold::cpes::unpack_rule;
use crate::store::fold::leaves;
use crate::store::names::Names;

const CPE: &str = "SELECT c.id, c.source, c.device, c.serial, c.manufacturer, c.oui, c.product_class, c.model, \
    c.firmware, c.hardware, c.last_inform, c.last_boot, c.registered, c.tags, c.rx, c.tx, c.ip, c.ssid, \
    c.pppoe_user, c.uptime, c.faults, max(c.as_of, coalesce(s.last_ok, 0)), r.rule, l.leaves, c.sk, c.sh \
    FROM c_cpes c LEFT JOIN c_sources s ON s.id = c.source LEFT JOIN c_cpe_rules r ON r.source = c.source \
    LEFT JOIN c_cpe_leaves l ON l.id = c.id WHERE c.id = ?1";
const ONU: &str = "SELECT id FROM c_nodes WHERE serial COLLATE NOCASE IN (?1, ?2) AND kind = 4 AND grp IS NOT NULL \
    ORDER BY id LIMIT 1";

/// Firmware versions counted one by one.
const VERSIONS: usize = 12;
/// Alarms shown with a CPE.
const ALARMS: usize = 20;
/// Log records looked through for what was done to a CPE.
const LOGGED: i64 = 20_000;
/// Deeds shown.
const DEEDS: usize = 50;

/// A CPE at `now`; `None` when it is gone.
pub(super) fn row(rows: &Rows<'_>, id: i64, now: Ts) -> rusqlite::Result<Option<CpeRow>> {
    let found = rows
        .conn
        .prepare_cached(CPE)?
        .query_row(params![id], |row| {
            let ts = |i: usize| row.get::<_, i64>(i).map(Ts);
            let source = rows.names.name(row.get(1)?);
            let device_id: String = row.get(2)?;
            let rule = row.get::<_, Option<i64>>(22)?.map(unpack_rule).unwrap_or_default();
            let last_inform = ts(10)?;
            let kept = match row.get_ref(23)?.as_blob_or_null()? {
                Some(bytes) => kept(rows.conn, bytes)?,
                None => Vec::new(),
            };
            let cpe = CpeRow {
                id: RowId(row.get(0)?),
                canonical: canonical(&source, &device_id),
                source,
                device_id,
                serial: row.get(3)?,
                manufacturer: row.get(4)?,
                oui: row.get(5)?,
                product_class: row.get(6)?,
                model: row.get(7)?,
                firmware: row.get(8)?,
                hardware: row.get(9)?,
                last_inform,
                last_boot: ts(11)?,
                registered: ts(12)?,
                tags: row.get(13)?,
                rx_centi_dbm: row.get(14)?,
                tx_centi_dbm: row.get(15)?,
                ip: row.get(16)?,
                ssid: row.get(17)?,
                pppoe_user: row.get(18)?,
                uptime_s: row.get::<_, Option<i64>>(19)?.map(i64::unsigned_abs),
                faults: row.get(20)?,
                onu: String::new(),
                subscriber: String::new(),
                subscribers: 0,
                as_of: ts(21)?,
                rule,
                online: Online::at(last_inform, rule, now),
                leaves: kept,
            };
            Ok((cpe, row.get::<_, String>(24)?, row.get::<_, String>(25)?))
        })
        .optional()?;
    let Some((mut cpe, sk, sh)) = found else { return Ok(None) };
    if let Some(onu) = onu(rows.conn, &sk, &sh)?
        && let Some(node) = rows.node(onu)?
    {
        cpe.onu = node.canonical;
        cpe.subscriber = node.name;
        cpe.subscribers = node.subscribers;
    }
    Ok(Some(cpe))
}

fn onu(conn: &Connection, sk: &str, sh: &str) -> rusqlite::Result<Option<i64>> {
    if sk.is_empty() {
        return Ok(None);
    }
    conn.prepare_cached(ONU)?.query_row([sk, sh], |row| row.get(0)).optional()
}

fn kept(conn: &Connection, bytes: &[u8]) -> rusqlite::Result<Vec<Leaf>> {
    let mut path = conn.prepare_cached("SELECT path FROM c_cpe_paths WHERE id = ?1")?;
    leaves::unpack(bytes).map(|packed| Ok(packed.leaf(path.query_row([packed.path], |row| row.get(0))?))).collect()
}

/// A CPE with what surrounds it; `None` when it is gone.
pub(super) fn detail(rows: &Rows<'_>, id: RowId, now: Ts) -> rusqlite::Result<Option<Box<CpeDetail>>> {
    let Some(row) = row(rows, id.0, now)? else { return Ok(None) };
    let conn = rows.conn;
    let mut faults: Vec<CpeFault> = conn
        .prepare_cached(
            "SELECT fault FROM c_cpe_faults WHERE ch = ?1 AND source = (SELECT source FROM c_cpes WHERE id = ?2)",
        )?
        .query_map(params![id_hash(&row.device_id) as i64, id.0], |row| row.get::<_, Vec<u8>>(0))?
        .filter_map(|bytes| bytes.map(|b| minicbor::decode(&b).ok()).transpose())
        .collect::<rusqlite::Result<_>>()?;
    order::by_key(&mut faults, |fault| std::cmp::Reverse(fault.at));
    let node = match row.onu.as_str() {
        "" => None,
        onu => {
            let id: Option<i64> = conn
                .prepare_cached("SELECT id FROM c_nodes WHERE canonical = ?1 AND grp IS NOT NULL")?
                .query_row([onu], |row| row.get(0))
                .optional()?;
            id.map(|id| super::detail::node(rows, RowId(id))).transpose()?.flatten()
        }
    };
    let history = deeds(conn, &row.canonical)?;
    let (onu, mut alarms) = node.map_or((None, Vec::new()), |node| (Some(node.row), node.alarms));
    alarms.truncate(ALARMS);
    let jobs = super::jobs::of_device(conn, row.source.as_ref(), &row.device_id)?;
    Ok(Some(Box::new(CpeDetail { row, faults, onu, alarms, history, jobs })))
}

/// What noctule did to a device, as far as the newest part of the log tells.
fn deeds(conn: &Connection, canonical: &str) -> rusqlite::Result<Vec<CpeDeed>> {
    let mut stmt = conn.prepare_cached(
        "SELECT payload FROM journal WHERE kind = 18 AND kind >= 16 AND seq > (SELECT coalesce(min(seq), 0) FROM \
         (SELECT seq FROM journal WHERE kind >= 16 ORDER BY seq DESC LIMIT ?1)) - 1 ORDER BY seq DESC",
    )?;
    let mut found = stmt.query([LOGGED])?;
    let mut deeds = Vec::new();
    while let Some(row) = found.next()? {
        let Ok(Record::Command(command)) = minicbor::decode::<Record>(row.get_ref(0)?.as_blob()?) else { continue };
        if command.targets.iter().any(|t| t == canonical) {
            let (_, device) = id_of(canonical).unwrap_or_default();
            let error = command.errors.iter().find(|e| command.total == 1 || e.contains(device));
            deeds.push(CpeDeed {
                at: command.at,
                actor: command.actor,
                command: command.command,
                error: error.cloned().unwrap_or_default(),
            });
            if deeds.len() >= DEEDS {
                break;
            }
        }
    }
    Ok(deeds)
}

/// The id of the CPE of a canonical name.
pub(super) fn named(conn: &Connection, names: &Names, name: &str) -> rusqlite::Result<Option<i64>> {
    let Some((source, id)) = id_of(name) else { return Ok(None) };
    let Some(source) = names.id(source) else { return Ok(None) };
    conn.prepare_cached("SELECT id FROM c_cpes WHERE ch = ?1 AND source = ?2 AND device = ?3")?
        .query_row(params![id_hash(id) as i64, source, id], |row| row.get(0))
        .optional()
}

/// The CPE that a job on `source` (empty: the only controller) calls `device`.
pub(super) fn of_device(conn: &Connection, names: &Names, source: &str, device: &str) -> rusqlite::Result<Option<i64>> {
    let source = names.id(source);
    conn.prepare_cached("SELECT id FROM c_cpes WHERE ch = ?1 AND device = ?2 AND (?3 IS NULL OR source = ?3)")?
        .query_row(params![id_hash(device) as i64, device, source], |row| row.get(0))
        .optional()
}

/// All CPEs of a source.
pub(super) fn known(
    conn: &Connection,
    names: &Names,
    source: &str,
    each: &mut dyn FnMut(KnownCpe),
) -> rusqlite::Result<()> {
    let Some(source) = names.id(source) else { return Ok(()) };
    let mut stmt = conn.prepare_cached("SELECT device, patch_hash, last_inform, tags FROM c_cpes WHERE source = ?1")?;
    let mut rows = stmt.query([source])?;
    while let Some(row) = rows.next()? {
        each(KnownCpe {
            id: row.get(0)?,
            patch_hash: row.get::<_, i64>(1)? as u64,
            last_inform: Ts(row.get(2)?),
            tags: row.get(3)?,
        });
    }
    Ok(())
}

/// The faults of a source.
pub(super) fn faults_of(conn: &Connection, names: &Names, source: &str) -> rusqlite::Result<Vec<CpeFault>> {
    let Some(source) = names.id(source) else { return Ok(Vec::new()) };
    conn.prepare_cached("SELECT fault FROM c_cpe_faults WHERE source = ?1")?
        .query_map([source], |row| row.get::<_, Vec<u8>>(0))?
        .filter_map(|bytes| bytes.map(|b| minicbor::decode(&b).ok()).transpose())
        .collect()
}

/// The CPEs of a list in numbers, in one pass.
pub(super) fn stats(conn: &Connection, list: &List, now: Ts) -> rusqlite::Result<FleetStats> {
    let mut stats = FleetStats::default();
    let rules: std::collections::HashMap<i64, OnlineRule> = conn
        .prepare_cached("SELECT source, rule FROM c_cpe_rules")?
        .query_map([], |row| Ok((row.get(0)?, unpack_rule(row.get(1)?))))?
        .collect::<rusqlite::Result<_>>()?;
    // Model and version with a byte between them that neither holds as text.
    let mut versions: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
    let mut key = String::new();
    let text = format!(
        "SELECT c.source, c.last_inform, c.faults > 0, c.product_class, c.model, c.firmware FROM c_cpes c WHERE {}",
        list.all.text
    );
    let mut stmt = conn.prepare_cached(&text)?;
    let mut rows = stmt.query(params_from_iter(list.all.values.iter()))?;
    while let Some(row) = rows.next()? {
        let rule = rules.get(&row.get::<_, i64>(0)?).copied().unwrap_or_default();
        if let Some(n) = stats.online.get_mut(Online::at(Ts(row.get(1)?), rule, now) as usize) {
            *n += 1;
        }
        stats.total += 1;
        stats.faulted += u64::from(row.get::<_, bool>(2)?);
        let model = match row.get_ref(4)?.as_str()? {
            "" => row.get_ref(3)?.as_str()?,
            model => model,
        };
        key.clear();
        key.push_str(model);
        key.push('\0');
        key.push_str(row.get_ref(5)?.as_str()?);
        match versions.get_mut(&key) {
            Some(n) => *n += 1,
            None => _ = versions.insert(key.clone(), 1),
        }
    }
    let mut versions: Vec<(String, String, u64)> = versions
        .into_iter()
        .map(|(key, n)| {
            let (model, version) = key.split_once('\0').unwrap_or((&key, ""));
            (model.to_owned(), version.to_owned(), n)
        })
        .collect();
    order::by(&mut versions, |a, b| b.2.cmp(&a.2).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
    stats.other = versions.iter().skip(VERSIONS).map(|v| v.2).sum();
    versions.truncate(VERSIONS);
    stats.firmware = versions;
    Ok(stats)
}
