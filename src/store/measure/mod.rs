//! Measurements: what is known of each appliance now, and its past in steps.
//!
//! They are no events, so they are not in the journal: a few hundred appliances polled every few
//! seconds would push everything else out of it. The present is one row an appliance. The past is
//! kept in steps of three lengths, each as long as a zoom needs it; a poll counts into all three.
//! Steps that are still open are kept in memory and written at a pace that fits their length, so
//! that a poll costs one small write; a crash costs a part of an open step, never one that is over.

mod step;

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::appliance::{ApplianceState, Span};
use crate::model::ids::SourceName;
use crate::model::time::{DAY, HOUR, MINUTE, SECOND, Ts};
use crate::model::vm::HostState;

use super::names::Names;
pub(crate) use step::Step;

/// A length of steps: how long they are, how long they are kept, how often an open one is written.
pub(crate) struct Level {
    pub step: i64,
    keep: i64,
    write: i64,
}

/// The lengths of steps, the shortest first.
pub(crate) const LEVELS: [Level; 3] = [
    Level { step: 10 * SECOND, keep: 3 * HOUR, write: 10 * SECOND },
    Level { step: 2 * MINUTE, keep: 50 * HOUR, write: 30 * SECOND },
    Level { step: 30 * MINUTE, keep: 35 * DAY, write: 2 * MINUTE },
];

/// Which steps a span is shown in.
pub(crate) const fn level_of(span: Span) -> usize {
    match span {
        Span::TenMinutes | Span::Hour => 0,
        Span::SixHours | Span::Day => 1,
        Span::Week | Span::Month => 2,
    }
}

/// Steps that are over and have to go are looked for this often.
const HOUSE: i64 = 10 * MINUTE;

/// What was measured.
pub(crate) enum Measured {
    /// An appliance and what is known of it.
    Appliance(SourceName, Box<ApplianceState>),
    /// A host of virtual machines and what is known of it: only the present is kept.
    Host(SourceName, Arc<HostState>),
}

/// The open steps of all appliances.
#[derive(Default)]
pub(crate) struct Measures {
    open: HashMap<(u32, usize), Open>,
    /// When old steps were last looked for.
    house: i64,
}

struct Open {
    at: i64,
    step: Step,
    written: i64,
}

impl Measures {
    /// Writes what was measured, inside the caller's transaction.
    pub(crate) fn write(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        measured: &[Measured],
    ) -> rusqlite::Result<()> {
        for measured in measured {
            let (source, state) = match measured {
                Measured::Appliance(source, state) => (source, state),
                Measured::Host(source, state) => {
                    let source = names.intern(conn, source)?;
                    let bytes = minicbor::to_vec(&**state).unwrap_or_default();
                    conn.prepare_cached("INSERT OR REPLACE INTO m_hosts VALUES (?1, ?2, ?3)")?
                        .execute(params![source, state.at.0, bytes])?;
                    continue;
                }
            };
            let source = names.intern(conn, source)?;
            let bytes = minicbor::to_vec(&**state).unwrap_or_default();
            conn.prepare_cached("INSERT OR REPLACE INTO m_now VALUES (?1, ?2, ?3)")?
                .execute(params![source, state.at.0, bytes])?;
            for level in 0..LEVELS.len() {
                self.count(conn, source, level, state)?;
            }
            if state.at.0 - self.house > HOUSE || state.at.0 < self.house {
                self.house = state.at.0;
                keep_house(conn, state.at)?;
            }
        }
        Ok(())
    }

    /// Counts a poll into the step of one length.
    fn count(&mut self, conn: &Connection, source: u32, number: usize, state: &ApplianceState) -> rusqlite::Result<()> {
        let Some(level) = LEVELS.get(number) else { return Ok(()) };
        let at = state.at.0 - state.at.0.rem_euclid(level.step);
        let open = match self.open.remove(&(source, number)) {
            Some(open) if open.at == at => open,
            before => {
                if let Some(over) = before {
                    put(conn, number, source, over.at, &over.step)?;
                }
                let step = read(conn, number, source, at)?.unwrap_or_default();
                Open { at, step, written: state.at.0 }
            }
        };
        let mut open = open;
        open.step.count(state);
        if state.at.0 - open.written >= level.write || state.at.0 < open.written {
            put(conn, number, source, open.at, &open.step)?;
            open.written = state.at.0;
        }
        self.open.insert((source, number), open);
        Ok(())
    }

    /// Writes all open steps: nothing may come any more.
    pub(crate) fn finish(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for ((source, number), open) in self.open.drain() {
            put(conn, number, source, open.at, &open.step)?;
        }
        Ok(())
    }

    /// Whether something would be lost.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

fn read(conn: &Connection, level: usize, source: u32, at: i64) -> rusqlite::Result<Option<Step>> {
    let body: Option<Vec<u8>> = conn
        .prepare_cached("SELECT body FROM m_points WHERE level = ?1 AND source = ?2 AND at = ?3")?
        .query_row(params![level as i64, source, at], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|b| minicbor::decode(&b).ok()))
}

fn put(conn: &Connection, level: usize, source: u32, at: i64, step: &Step) -> rusqlite::Result<()> {
    let body = minicbor::to_vec(step).unwrap_or_default();
    conn.prepare_cached("INSERT OR REPLACE INTO m_points VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        level as i64,
        source,
        at,
        body
    ])?;
    Ok(())
}

/// Lets steps go that are older than their length is kept.
fn keep_house(conn: &Connection, now: Ts) -> rusqlite::Result<()> {
    let mut sources = conn.prepare_cached("SELECT source FROM m_now")?;
    let sources: Vec<u32> = sources.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut go = conn.prepare_cached("DELETE FROM m_points WHERE level = ?1 AND source = ?2 AND at < ?3")?;
    for source in sources {
        for (number, level) in LEVELS.iter().enumerate() {
            go.execute(params![number as i64, source, now.0 - level.keep])?;
        }
    }
    Ok(())
}
