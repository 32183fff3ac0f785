//! What stands on an appliance, and when it may change: an alarm is raised, made worse or better and
//! cleared only after its condition held for some polls in a row, so that nothing flaps.

use std::collections::BTreeMap;

use crate::model::appliance::state::StandingAlarm;
use crate::model::order;
use crate::model::severity::Severity;

/// Every alarm type of this engine: identity, polls in a row before it is raised or made worse,
/// polls in a row before it is cleared or made better. Titles and repair texts are in the inventory.
pub const TYPES: [(&str, u8, u8); 16] = [
    ("buffer.config_kills", 1, 1),
    ("buffer.coverage", 6, 12),
    ("buffer.dead_listener", 2, 2),
    ("buffer.emptied", 1, 1),
    ("buffer.fill", 2, 3),
    ("buffer.limit_zero", 1, 2),
    ("buffer.loss", 1, 1),
    ("buffer.no_data", 1, 1),
    ("buffer.quota", 2, 3),
    ("buffer.replay_stuck", 1, 1),
    ("buffer.slow", 1, 1),
    ("buffer.time_to_full", 3, 6),
    ("buffer.unreadable", 3, 2),
    ("buffer.uplink_down", 2, 2),
    ("host.disk", 2, 3),
    ("service.down", 2, 2),
];

/// Most alarms that can stand on one appliance; a hostile answer cannot make more.
const MOST: usize = 128;

/// A change of an alarm: told once, when it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// Entry of the inventory (`buffer.fill`).
    pub type_id: &'static str,
    /// The collector or service it is about; `None`: the appliance.
    pub collector: Option<String>,
    /// Tells apart what the type does not (a port, a mount point); mostly empty.
    pub qualifier: String,
    /// Raised, or its severity changed (`Some`: severity and one line); `None`: cleared.
    pub raise: Option<(Severity, String)>,
}

/// How a condition looks at a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It holds, this badly.
    Bad(Severity, String),
    /// It does not hold.
    Good,
}

type Key = (&'static str, Option<String>, String);

#[derive(Debug, Clone, Default)]
struct Entry {
    standing: Option<(Severity, String)>,
    /// Where it goes, and for how many polls it has wanted to.
    wish: Option<Severity>,
    polls: u8,
}

/// The alarms of one appliance.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    entries: BTreeMap<Key, Entry>,
}

impl Board {
    /// Takes what stood before noctule was restarted.
    pub(super) fn resume(&mut self, standing: &[StandingAlarm]) {
        for old in standing.iter().take(MOST) {
            let Some((id, ..)) = TYPES.iter().find(|(id, ..)| *id == old.type_id) else { continue };
            let collector = Some(old.collector.clone()).filter(|c| !c.is_empty());
            let entry = Entry { standing: Some((old.severity, old.text.clone())), ..Entry::default() };
            self.entries.insert((id, collector, old.qualifier.clone()), entry);
        }
    }

    /// Severity that an alarm stands at.
    pub(super) fn severity(&self, id: &'static str, collector: Option<&str>, qualifier: &str) -> Option<Severity> {
        let key = (id, collector.map(str::to_owned), qualifier.to_owned());
        self.entries.get(&key)?.standing.as_ref().map(|(s, _)| *s)
    }

    /// Takes how a condition looks and tells the change, when it is one. A condition that cannot be
    /// judged is not told at all: its alarm stays as it is.
    pub(super) fn see(
        &mut self,
        id: &'static str,
        collector: Option<&str>,
        qualifier: &str,
        seen: Seen,
    ) -> Option<AlarmChange> {
        let key = (id, collector.map(str::to_owned), qualifier.to_owned());
        let known = self.entries.contains_key(&key);
        if !known && (seen == Seen::Good || self.entries.len() >= MOST) {
            return None;
        }
        let (up, down) = TYPES.iter().find(|(t, ..)| *t == id).map_or((1, 1), |(_, up, down)| (*up, *down));
        let entry = self.entries.entry(key.clone()).or_default();
        let (wish, text) = match seen {
            Seen::Bad(severity, text) => (Some(severity), text),
            Seen::Good => (None, String::new()),
        };
        let now = entry.standing.as_ref().map(|(s, _)| *s);
        if wish == now {
            entry.polls = 0;
            entry.wish = now;
            if let Some((_, told)) = entry.standing.as_mut() {
                *told = text;
            } else {
                self.entries.remove(&key);
            }
            return None;
        }
        // On its way up it may swing between two worse levels: each counts as "worse".
        let worse = wish > now;
        let same_way = entry.polls > 0 && (entry.wish > now) == worse;
        entry.polls = if same_way { entry.polls.saturating_add(1) } else { 1 };
        entry.wish = wish;
        if entry.polls < if worse { up } else { down } {
            return None;
        }
        entry.polls = 0;
        let raise = wish.map(|severity| (severity, text));
        entry.standing.clone_from(&raise);
        if raise.is_none() {
            self.entries.remove(&key);
        }
        let (type_id, collector, qualifier) = key;
        Some(AlarmChange { type_id, collector, qualifier, raise })
    }

    /// What stands, worst first.
    pub(super) fn standing(&self) -> Vec<AlarmChange> {
        let mut all: Vec<AlarmChange> = self
            .entries
            .iter()
            .filter_map(|((id, collector, qualifier), entry)| {
                let raise = Some(entry.standing.clone()?);
                Some(AlarmChange { type_id: id, collector: collector.clone(), qualifier: qualifier.clone(), raise })
            })
            .collect();
        order::by_key(&mut all, |a| std::cmp::Reverse(a.raise.as_ref().map(|(s, _)| *s)));
        all
    }

    /// What stands, as the state carries it over a restart of noctule.
    pub(super) fn carried(&self) -> Vec<StandingAlarm> {
        self.standing()
            .into_iter()
            .filter_map(|a| {
                let (severity, text) = a.raise?;
                Some(StandingAlarm {
                    type_id: a.type_id.to_owned(),
                    collector: a.collector.unwrap_or_default(),
                    qualifier: a.qualifier,
                    severity,
                    text,
                })
            })
            .collect()
    }

    /// Keys of one type that are known: what is not seen any more can be cleared by them.
    pub(super) fn keys(&self, id: &str) -> Vec<(Option<String>, String)> {
        self.entries.keys().filter(|(t, ..)| *t == id).map(|(_, c, q)| (c.clone(), q.clone())).collect()
    }

    /// Bytes on the heap, about.
    pub(super) fn heap(&self) -> usize {
        self.entries
            .iter()
            .map(|((_, c, q), e)| {
                size_of::<Key>()
                    + size_of::<Entry>()
                    + c.as_ref().map_or(0, String::len)
                    + q.len()
                    + e.standing.as_ref().map_or(0, |(_, t)| t.len())
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(severity: Severity) -> Seen {
        Seen::Bad(severity, "x".into())
    }

    #[test]
    fn an_alarm_waits_before_it_comes_and_before_it_goes() {
        let mut board = Board::default();
        assert_eq!(board.see("buffer.fill", None, "", bad(Severity::Minor)), None);
        let raised = board.see("buffer.fill", None, "", bad(Severity::Minor)).unwrap();
        assert_eq!(raised.raise.map(|(s, _)| s), Some(Severity::Minor));
        assert_eq!(board.see("buffer.fill", None, "", Seen::Good), None);
        assert_eq!(board.see("buffer.fill", None, "", bad(Severity::Minor)), None, "back: the clear starts anew");
        for _ in 0..2 {
            assert_eq!(board.see("buffer.fill", None, "", Seen::Good), None);
        }
        assert_eq!(board.see("buffer.fill", None, "", Seen::Good).unwrap().raise, None);
        assert!(board.standing().is_empty() && board.entries.is_empty());
    }

    #[test]
    fn what_was_never_raised_is_never_cleared() {
        let mut board = Board::default();
        for _ in 0..20 {
            assert_eq!(board.see("buffer.slow", None, "", Seen::Good), None);
        }
        assert_eq!(board.see("buffer.fill", None, "", bad(Severity::Major)), None);
        for _ in 0..20 {
            assert_eq!(board.see("buffer.fill", None, "", Seen::Good), None);
        }
    }

    #[test]
    fn what_stood_before_a_restart_is_cleared_after_it() {
        let mut before = Board::default();
        before.see("service.down", Some("vector"), "", bad(Severity::Critical));
        before.see("service.down", Some("vector"), "", bad(Severity::Critical));
        let mut after = Board::default();
        after.resume(&before.carried());
        assert_eq!(after.standing(), before.standing());
        assert_eq!(after.see("service.down", Some("vector"), "", Seen::Good), None);
        assert_eq!(after.see("service.down", Some("vector"), "", Seen::Good).unwrap().collector, Some("vector".into()));
    }
}
