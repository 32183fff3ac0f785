//! How many open alarms each silence holds back, as the cache has them: asked silence by silence,
//! one question at a time, so that a list of hundreds keeps nobody waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::app::ctx::Ctx;
use crate::app::effect::Effect;
use crate::model::ids::SourceName;
use crate::model::page::{Anchor, Data, DataRequest, PageRequest, RequestId, Scope, Table, Total};
use crate::model::query::Query;
use crate::model::silence::SilenceRow;
use crate::model::time::{SECOND, Ts};

use super::{Key, key, past};

/// Alarms at which counting stops.
const LIMIT: u64 = 100_000;

/// The least time between two rounds, µs: alarms that change all the time are not counted all the time.
const GAP: i64 = 5 * SECOND;

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By source, then by id.
    numbers: HashMap<SourceName, HashMap<String, Total>>,
    waiting: VecDeque<Key>,
    pending: Option<(RequestId, Key)>,
    /// The generation of the alarms that was counted last, and the silences.
    seen: Option<(u64, Vec<Key>)>,
    /// When that round began.
    counted_at: Ts,
}

/// The filter of the alarms that a silence holds back.
pub(super) fn filter(source: &str, id: &str) -> String {
    let plain = |text: &str| text.replace(['"', '\\'], "");
    format!("source=\"{}\" cleared=no suppressed_by:\"silence {}\"", plain(source), plain(id))
}

impl Held {
    /// How many, when it was counted.
    pub(super) fn of(&self, row: &SilenceRow) -> Option<Total> {
        self.numbers.get(&row.source)?.get(&row.id).copied()
    }

    /// For sorting.
    pub(super) fn number(&self, row: &SilenceRow) -> u64 {
        self.of(row).map_or(0, |(Total::Exact(n) | Total::AtLeast(n))| n)
    }

    /// Forgets what it has asked and goes by the numbers it has until they are counted anew.
    pub(super) fn restart(&mut self) -> Vec<Effect> {
        self.waiting.clear();
        self.seen = None;
        self.pending.take().map(|(asked, _)| Effect::Cancel(asked)).into_iter().collect()
    }

    /// Asks for the next number: all anew at once when the silences have changed, and after a while
    /// when the alarms have.
    pub(super) fn ask<'a>(&mut self, active: impl Iterator<Item = &'a SilenceRow>, cx: &Ctx) -> Vec<Effect> {
        if self.pending.is_some() {
            return Vec::new();
        }
        if self.waiting.is_empty() {
            let active: Vec<Key> = active.map(key).collect();
            let known = self.seen.as_ref().is_some_and(|(generation, silences)| {
                let same = *generation == cx.generations.alarms || !past(self.counted_at, GAP, cx.now);
                same && *silences == active
            });
            if known {
                return Vec::new();
            }
            self.numbers.retain(|source, numbers| {
                numbers.retain(|id, _| active.iter().any(|(of, silence)| of == source && silence == id));
                !numbers.is_empty()
            });
            self.waiting = active.iter().cloned().collect();
            (self.seen, self.counted_at) = (Some((cx.generations.alarms, active)), cx.now);
        }
        while let Some(silence) = self.waiting.pop_front() {
            let Ok(query) = Query::parse(&filter(&silence.0, &silence.1), Table::Alarms) else { continue };
            let request = PageRequest {
                table: Table::Alarms,
                scope: Scope::Hidden,
                filter: Some(Arc::new(query)),
                below: None,
                sort: Vec::new(),
                anchor: Anchor::Start,
                limit: 1,
                new_since: None,
                now: cx.now,
            };
            let asked = cx.request_id();
            self.pending = Some((asked, silence));
            return vec![Effect::Query(asked, DataRequest::Count(request, LIMIT))];
        }
        Vec::new()
    }

    /// Takes an answer; whether it was one of these.
    pub(super) fn takes(&mut self, id: RequestId, data: &Data) -> bool {
        if self.pending.as_ref().is_none_or(|(asked, _)| *asked != id) {
            return false;
        }
        if let (Some((_, (source, silence))), Data::Count(total)) = (self.pending.take(), data) {
            self.numbers.entry(source).or_default().insert(silence, *total);
        }
        true
    }
}
