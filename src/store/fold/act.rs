//! Operators and clocks in the fold.

use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::lifecycle::{Expired, Undone};
use crate::engine::operator::Operator;
use crate::model::action::{Action, Verb};
use crate::model::ids::Seq;
use crate::model::record::Timer;

use super::Fold;
use super::alarm::Counted;

impl Fold {
    pub(super) fn action(&mut self, conn: &Connection, seq: Seq, action: &Action) -> rusqlite::Result<()> {
        let Some(id) = self.load_by_key(conn, action.key)? else { return Ok(()) };
        if let Verb::Undo { of, within_hold } = action.verb {
            let Some((op_seq, undone, withdrawn)) = self.undone(conn, id, of)? else { return Ok(()) };
            if withdrawn {
                return Ok(());
            }
            let Some(life) = self.touch(conn, id)? else { return Ok(()) };
            let before = life.operator.clone();
            life.undo(action, &undone);
            self.mend_later(conn, id, op_seq, &undone)?;
            if within_hold {
                conn.prepare_cached(&self.sql.withdraw)?.execute(params![op_seq])?;
                return Ok(());
            }
            return self.keep_op(conn, seq, id, action, &format!("undid {}", undone.verb), &before);
        }
        let Some(life) = self.touch(conn, id)? else { return Ok(()) };
        let before = life.operator.clone();
        if !life.act(action) {
            return Ok(());
        }
        self.keep_op(conn, seq, id, action, &words(&action.verb), &before)
    }

    fn keep_op(
        &mut self,
        conn: &Connection,
        seq: Seq,
        alarm: i64,
        action: &Action,
        text: &str,
        before: &Operator,
    ) -> rusqlite::Result<()> {
        conn.prepare_cached(&self.sql.insert_op)?.execute(params![
            seq.0,
            alarm,
            action.id.0,
            action.batch.0,
            action.at.0,
            action.actor,
            action.verb.word(),
            text,
            minicbor::to_vec(before).unwrap_or_default(),
        ])?;
        Ok(())
    }

    fn undone(
        &self,
        conn: &Connection,
        alarm: i64,
        of: crate::model::ids::ActionId,
    ) -> rusqlite::Result<Option<(i64, Undone, bool)>> {
        conn.prepare_cached(&self.sql.op_of_action)?
            .query_row(params![alarm, of.0], |row| {
                let before = minicbor::decode(row.get_ref(2)?.as_blob()?).unwrap_or_default();
                Ok((row.get(0)?, Undone { id: of, verb: row.get(1)?, before }, row.get(3)?))
            })
            .optional()
    }

    /// Later actions must not bring back what was taken back under them.
    fn mend_later(&mut self, conn: &Connection, alarm: i64, after: i64, undone: &Undone) -> rusqlite::Result<()> {
        let later: Vec<(i64, Vec<u8>)> = conn
            .prepare_cached(&self.sql.ops_after)?
            .query_map(params![alarm, after], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (seq, bytes) in later {
            let mut before: Operator = minicbor::decode(&bytes).unwrap_or_default();
            let was = before.clone();
            before.take_back(undone.id, &undone.before);
            if before != was {
                let bytes = minicbor::to_vec(&before).unwrap_or_default();
                conn.prepare_cached(&self.sql.set_before)?.execute(params![seq, bytes])?;
            }
        }
        Ok(())
    }

    pub(super) fn timer(&mut self, conn: &Connection, _: Seq, timer: &Timer) -> rusqlite::Result<()> {
        let Some(id) = self.load_by_key(conn, timer.key)? else { return Ok(()) };
        let Some(life) = self.touch(conn, id)? else { return Ok(()) };
        if life.expire(timer.what, timer.at) != Expired::Purge {
            return Ok(());
        }
        // What the purge takes away must be written and counted before.
        self.flush_alarms(conn)?;
        let Some(alarm) = self.alarms.remove(&id) else { return Ok(()) };
        self.alarm_ids.remove(&alarm.event_hash);
        self.count(conn, alarm.node, alarm.source, alarm.counted, Counted::NOTHING)?;
        self.with_node(conn, alarm.node, |n| n.refs = n.refs.saturating_sub(1))?;
        conn.prepare_cached(&self.sql.delete_ops)?.execute(params![id])?;
        conn.prepare_cached(&self.sql.delete_alarm)?.execute(params![id])?;
        self.touched.alarms = true;
        Ok(())
    }
}

/// What an action says beyond its verb.
pub(crate) fn words(verb: &Verb) -> String {
    let until =
        |t: crate::model::time::Ts| if t.is_set() { format!("until {}", t.to_rfc3339()) } else { String::new() };
    let join = |a: String, b: &str| match (a.is_empty(), b.is_empty()) {
        (true, _) => b.to_owned(),
        (false, true) => a,
        (false, false) => format!("{a}: {b}"),
    };
    match verb {
        Verb::Ack { text, until: end } => join(until(*end), text),
        Verb::Shelve { until: end, reason } => join(until(*end), reason),
        Verb::Unack { text } | Verb::Note { text } => text.clone(),
        Verb::Assign { owner } => owner.clone(),
        Verb::Close { reason } => reason.clone(),
        Verb::Unshelve => String::new(),
        Verb::Undo { within_hold: true, .. } => "as if it had never been done".into(),
        Verb::Undo { within_hold: false, .. } => "the last action taken back".into(),
    }
}
