//! One alarm as the fold holds it, and its row.

use std::collections::VecDeque;

use rusqlite::{Connection, Row, ToSql, params};

use crate::engine::lifecycle::Life;
use crate::engine::operator::Operator;
use crate::engine::tally::Tally;
use crate::model::alarm::StatusChange;
use crate::model::ids::{AlarmKey, Seq};
use crate::model::observation::ClearReason;
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::time::Ts;

use super::sql::{ALARM_COLUMNS, ALARM_INDEXED, ALARM_SETTLED, Sql};

/// An alarm: identity, life, and what of it the counters already hold.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub id: i64,
    pub key: AlarmKey,
    pub source: u32,
    pub type_id: u32,
    pub node: i64,
    pub resource: Resource,
    pub qualifier: String,
    pub life: Life,
    pub counted: Counted,
    /// The indexed columns as stored; `None` when there is no row yet.
    stored: Option<Indexed>,
    /// Hash under which events find it.
    pub event_hash: u128,
    pub dirty: bool,
    pub used: bool,
}

/// What the counters hold of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub tally: Tally,
    pub active: bool,
    /// Severity rank under which the node and those above count it.
    pub rank: Option<usize>,
}

impl Counted {
    pub(crate) const NOTHING: Self = Self { tally: Tally::Nothing, active: false, rank: None };

    pub(crate) fn of(life: &Life) -> Self {
        let tally = Tally::of(life);
        Self { tally, active: !life.cleared, rank: tally.on_node() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Indexed {
    order: Order,
    born: i64,
    due: Option<i64>,
    /// Hash of the text and of the owner.
    words: (u64, u64),
}

/// Where it stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    scope: u8,
    severity: u8,
    cleared: bool,
    raised_at: i64,
}

impl Indexed {
    fn of(life: &Life) -> Self {
        let hash = |text: &str| xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        Self {
            order: Order {
                scope: Tally::of(life).place() as u8,
                severity: life.severity.rank(),
                cleared: life.cleared,
                raised_at: life.raised_at.0,
            },
            born: life.born.0,
            due: life.next_timer().map(|(at, _)| at.0),
            words: (hash(&life.text), hash(&life.operator.owner)),
        }
    }
}

/// First 63 bits of a key, for the index.
pub(crate) fn key_hash(key: AlarmKey) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = key.0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Alarm {
    pub(crate) fn new(
        id: i64,
        key: AlarmKey,
        source: u32,
        type_id: u32,
        node: i64,
        resource: Resource,
        life: Life,
    ) -> Self {
        Self {
            id,
            key,
            source,
            type_id,
            node,
            resource,
            qualifier: String::new(),
            life,
            counted: Counted::NOTHING,
            stored: None,
            event_hash: 0,
            dirty: true,
            used: true,
        }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.stored.is_none()
    }

    /// From a row of the alarm statements of [`Sql`].
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let operator = match row.get_ref(32)?.as_blob_or_null()? {
            Some(bytes) => minicbor::decode(bytes).unwrap_or_default(),
            None => Operator::default(),
        };
        let ts = |i: usize| row.get::<_, i64>(i).map(Ts);
        let life = Life {
            severity: Severity::from_rank(row.get(36)?),
            trend: row.get(14)?,
            cleared: row.get(37)?,
            clear_reason: ClearReason::from_code(row.get(15)?),
            will_clear: row.get(16)?,
            cleared_by_active: row.get(17)?,
            operator,
            raised_at: ts(38)?,
            received_at: ts(23)?,
            first_seen: ts(24)?,
            last_seen: ts(25)?,
            last_changed: ts(13)?,
            cleared_at: ts(26)?,
            occurrences: row.get(21)?,
            dup_count: row.get(22)?,
            text: row.get(41)?,
            own_query: row.get(20)?,
            born: Seq(row.get(39)?),
            history: unpack(row.get_ref(34)?.as_blob()?),
            dropped: row.get(33)?,
        };
        let kind = NodeKind::from_code(row.get(6)?).unwrap_or(NodeKind::Device);
        Ok(Self {
            id: row.get(0)?,
            key: AlarmKey(row.get(2)?),
            source: row.get(3)?,
            type_id: row.get(4)?,
            node: row.get(5)?,
            resource: Resource { kind, name: row.get(8)?, index: row.get(7)? },
            qualifier: row.get(10)?,
            counted: Counted::of(&life),
            stored: Some(Indexed::of(&life)),
            life,
            event_hash: 0,
            dirty: false,
            used: true,
        })
    }

    /// Writes the row; `place` is what its node says: canonical name, location, name in the inventory.
    pub(crate) fn save(&mut self, conn: &Connection, sql: &Sql, place: (&str, i64, &str)) -> rusqlite::Result<()> {
        let indexed = Indexed::of(&self.life);
        let (text, count) = match self.stored {
            None => (&sql.insert_alarm, ALARM_COLUMNS),
            Some(stored) if stored == indexed => (&sql.touch_alarm, ALARM_COLUMNS - ALARM_INDEXED),
            Some(stored) if (Indexed { order: indexed.order, ..stored }) == indexed => {
                (&sql.reorder_alarm, ALARM_COLUMNS - ALARM_SETTLED)
            }
            Some(_) => (&sql.update_alarm, ALARM_COLUMNS),
        };
        let (life, op) = (&self.life, &self.life.operator);
        let operator = (*op != Operator::default()).then(|| minicbor::to_vec(op).unwrap_or_default());
        let values: &[&dyn ToSql] = params![
            self.id,
            key_hash(self.key),
            self.key.0,
            self.source,
            self.type_id,
            self.node,
            self.resource.kind.code(),
            self.resource.index,
            self.resource.name,
            place.0,
            self.qualifier,
            place.1,
            place.2,
            life.last_changed.0,
            life.trend,
            life.clear_reason as u8,
            life.will_clear,
            life.cleared_by_active,
            op.state as u8,
            op.visibility as u8,
            life.own_query,
            life.occurrences,
            life.dup_count,
            life.received_at.0,
            life.first_seen.0,
            life.last_seen.0,
            life.cleared_at.0,
            op.user,
            op.time.0,
            op.text,
            op.ack_until.0,
            op.shelf_until.0,
            operator,
            life.dropped,
            pack(&life.history),
            indexed.order.scope,
            indexed.order.severity,
            indexed.order.cleared,
            indexed.order.raised_at,
            indexed.born,
            indexed.due,
            life.text,
            op.owner,
        ];
        conn.prepare_cached(text)?.execute(values.get(..count).unwrap_or(values))?;
        self.stored = Some(indexed);
        Ok(())
    }
}

/// Status changes as bytes: variable-length differences, some eight bytes each.
pub(crate) fn pack(history: &VecDeque<StatusChange>) -> Vec<u8> {
    let mut out = Vec::with_capacity(history.len() * 8);
    let (mut at, mut seq) = (0_i64, 0_i64);
    for change in history {
        zigzag(&mut out, change.at.0.wrapping_sub(at));
        zigzag(&mut out, change.seq.0.wrapping_sub(seq));
        out.push(change.severity.rank() << 1 | u8::from(change.cleared));
        (at, seq) = (change.at.0, change.seq.0);
    }
    out
}

/// The reverse of [`pack`]; stops at the first byte that makes no sense.
pub(crate) fn unpack(mut bytes: &[u8]) -> VecDeque<StatusChange> {
    let mut history = VecDeque::new();
    let (mut at, mut seq) = (0_i64, 0_i64);
    while let Some((change_at, change_seq, state)) = take(&mut bytes) {
        at = at.wrapping_add(change_at);
        seq = seq.wrapping_add(change_seq);
        let severity = Severity::from_rank(state >> 1);
        history.push_back(StatusChange { at: Ts(at), severity, cleared: state & 1 == 1, seq: Seq(seq) });
    }
    history
}

fn take(bytes: &mut &[u8]) -> Option<(i64, i64, u8)> {
    let change = (unzigzag(bytes)?, unzigzag(bytes)?);
    let (state, rest) = bytes.split_first()?;
    *bytes = rest;
    Some((change.0, change.1, *state))
}

fn zigzag(out: &mut Vec<u8>, n: i64) {
    let mut n = ((n << 1) ^ (n >> 63)) as u64;
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn unzigzag(bytes: &mut &[u8]) -> Option<i64> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((n >> 1) as i64 ^ -((n & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_survives_packing() {
        let history: VecDeque<_> =
            [(5, 1, 4, false), (-9, 7, 0, true), (i64::MAX, i64::MAX, 2, false), (i64::MIN, 3, 1, true)]
                .into_iter()
                .map(|(at, seq, rank, cleared)| StatusChange {
                    at: Ts(at),
                    seq: Seq(seq),
                    severity: Severity::from_rank(rank),
                    cleared,
                })
                .collect();
        let packed = pack(&history);
        assert_eq!(unpack(&packed), history);
        assert_eq!(unpack(&packed[..packed.len() - 1]).len(), 3, "a cut tail costs one change");
    }
}
