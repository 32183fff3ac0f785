//! Clocks that have run out.

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, params};

use crate::model::alarm::OpState;
use crate::model::ids::AlarmKey;
use crate::model::record::{Timer, TimerKind};
use crate::model::time::{MINUTE, Ts};

/// Timers told at a time.
const LIMIT: i64 = 10_000;
/// How often alarms to purge are looked for.
const PURGE_EVERY: i64 = MINUTE;
/// Alarms nobody looked at stay this many times longer than those that were dealt with.
const UNSEEN: i64 = 4;

pub(super) fn due(
    conn: &Connection,
    now: Ts,
    purge_after: i64,
    purge_looked: &AtomicI64,
) -> rusqlite::Result<Vec<Timer>> {
    let mut timers: Vec<Timer> = Vec::new();
    {
        let mut stmt = conn.prepare_cached(
            "SELECT key, op, vis, cleared, ack_until, shelf_until FROM c_alarms WHERE due <= ?1 ORDER BY due LIMIT ?2",
        )?;
        let mut rows = stmt.query(params![now.0, LIMIT])?;
        while let Some(row) = rows.next()? {
            let key = AlarmKey(row.get(0)?);
            let op = OpState::from_code(row.get(1)?);
            let (shelved, cleared) = (row.get::<_, u8>(2)? == 1, row.get::<_, bool>(3)?);
            let over = |at: i64| at != 0 && at <= now.0;
            let mut add = |what| timers.push(Timer { at: now, key, what });
            if shelved && over(row.get(5)?) {
                add(TimerKind::ShelfExpired);
            }
            match op {
                OpState::Ack if !cleared && over(row.get(4)?) => add(TimerKind::AckExpired),
                // The row keeps no column for this clock; the fold checks it again.
                OpState::Closed if !cleared => add(TimerKind::CloseDisputed),
                _ => {}
            }
        }
    }
    let looked = purge_looked.load(Ordering::Relaxed);
    if now.0 - looked < PURGE_EVERY && looked <= now.0 {
        return Ok(timers);
    }
    let dealt_with = now.plus(-purge_after).0;
    let unseen = now.plus(purge_after.saturating_mul(-UNSEEN)).0;
    let mut stmt = conn.prepare_cached(
        "SELECT key FROM c_alarms WHERE scope = 0 AND last_changed <= ?1 \
         UNION ALL SELECT key FROM c_alarms WHERE scope = 1 AND cleared AND last_changed <= ?2 LIMIT ?3",
    )?;
    let before = timers.len();
    let mut rows = stmt.query(params![dealt_with, unseen, LIMIT])?;
    while let Some(row) = rows.next()? {
        timers.push(Timer { at: now, key: AlarmKey(row.get(0)?), what: TimerKind::Purge });
    }
    // When there are more than fit, the next call looks again.
    if ((timers.len() - before) as i64) < LIMIT {
        purge_looked.store(now.0, Ordering::Relaxed);
    }
    Ok(timers)
}

/// When there may be something to do next.
pub(super) fn next(conn: &Connection, purge_after: i64, purge_looked: &AtomicI64) -> rusqlite::Result<Option<Ts>> {
    let least =
        |text: &str| -> rusqlite::Result<Option<i64>> { conn.prepare_cached(text)?.query_row([], |row| row.get(0)) };
    let timer = least("SELECT min(due) FROM c_alarms WHERE due IS NOT NULL")?;
    let again = purge_looked.load(Ordering::Relaxed).saturating_add(PURGE_EVERY);
    let purge = |at: Option<i64>, after: i64| at.map(|t| t.saturating_add(after).max(again));
    let dealt_with = purge(least("SELECT min(last_changed) FROM c_alarms WHERE scope = 0")?, purge_after);
    let unseen =
        purge(least("SELECT min(last_changed) FROM c_alarms WHERE scope = 1")?, purge_after.saturating_mul(UNSEEN));
    Ok([timer, dealt_with, unseen].into_iter().flatten().min().map(Ts))
}
