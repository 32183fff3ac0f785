//! How many open alarms each silence holds back, as the cache has them: asked silence by silence,
//! one question at a time, so that a list of hundreds keeps nobody waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::app::ctx::Ctx;
use crate::app::effect::Effect;
use crate::model::page::{Anchor, Data, DataRequest, PageRequest, RequestId, Scope, Table, Total};
use crate::model::query::Query;
use crate::model::silence::SilenceRow;

/// Alarms at which counting stops.
const LIMIT: u64 = 100_000;

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Held {
    numbers: HashMap<String, Total>,
    waiting: VecDeque<(String, String)>,
    pending: Option<(RequestId, String)>,
    /// The generation of the alarms, and the number of silences, that were counted last.
    seen: Option<(u64, usize)>,
}

/// The filter of the alarms that a silence holds back.
pub(super) fn filter(source: &str, id: &str) -> String {
    let plain = |text: &str| text.replace(['"', '\\'], "");
    format!("source=\"{}\" cleared=no suppressed_by:\"silence {}\"", plain(source), plain(id))
}

impl Held {
    /// How many, when it was counted.
    pub(super) fn of(&self, row: &SilenceRow) -> Option<Total> {
        self.numbers.get(&row.id).copied()
    }

    /// For sorting.
    pub(super) fn number(&self, row: &SilenceRow) -> u64 {
        self.of(row).map_or(0, |(Total::Exact(n) | Total::AtLeast(n))| n)
    }

    /// Asks for the next number, all anew when the alarms or the silences have changed.
    pub(super) fn ask<'a>(&mut self, active: impl Iterator<Item = &'a SilenceRow>, cx: &Ctx) -> Vec<Effect> {
        if self.pending.is_some() {
            return Vec::new();
        }
        if self.waiting.is_empty() {
            let active: Vec<&SilenceRow> = active.collect();
            let now = Some((cx.generations.alarms, active.len()));
            if self.seen == now {
                return Vec::new();
            }
            self.seen = now;
            self.numbers.retain(|id, _| active.iter().any(|row| row.id == *id));
            self.waiting = active.iter().map(|row| (row.source.to_string(), row.id.clone())).collect();
        }
        while let Some((source, id)) = self.waiting.pop_front() {
            let Ok(query) = Query::parse(&filter(&source, &id), Table::Alarms) else { continue };
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
            self.pending = Some((asked, id));
            return vec![Effect::Query(asked, DataRequest::Count(request, LIMIT))];
        }
        Vec::new()
    }

    /// Takes an answer; whether it was one of these.
    pub(super) fn takes(&mut self, id: RequestId, data: &Data) -> bool {
        if self.pending.as_ref().is_none_or(|(asked, _)| *asked != id) {
            return false;
        }
        if let (Some((_, silence)), Data::Count(total)) = (self.pending.take(), data) {
            self.numbers.insert(silence, *total);
        }
        true
    }
}
