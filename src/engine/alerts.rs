//! From full lists to raises and clears: what an Alertmanager or a Prometheus shows in one poll
//! against what it showed before. Pure.
//!
//! A list has no events, so each poll is compared with what is remembered: per alarm some thirty
//! bytes. What is missing clears after two polls in a row, never because a poll failed, and not
//! while a server that was just started still gathers its alerts. Alerts that differ only in how
//! bad they are, or in who told them, are one alarm: the worst that nobody suppresses speaks for it.

use std::collections::HashMap;

/// Polls in a row that have to miss an alarm before it is over.
const MISSES: u8 = 2;

/// An alert of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which alarm.
    pub id: u64,
    /// Which of the alerts that are this alarm.
    pub teller: u32,
    /// How bad, by rank.
    pub rank: u8,
    /// Stands for what is shown of it.
    pub content: u32,
    /// Stands for who suppresses it; 0 for nobody.
    pub hidden: u32,
}

impl Look {
    /// The one that speaks for an alarm is the greatest.
    const fn order(self) -> (bool, u8, u32, u32) {
        (self.hidden == 0, self.rank, self.content, self.hidden)
    }
}

/// What has to be told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Raise it.
    pub raise: bool,
    /// Tell who suppresses it, or that nobody does.
    pub hide: bool,
}

/// What came of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended<E> {
    /// What is left to be told.
    pub told: Vec<(Change, E)>,
    /// Alarms that are over; they are known until [`Alerts::forget`].
    pub gone: Vec<u64>,
    /// Alarms that were not known before.
    pub added: u32,
    /// Alarms that differed.
    pub changed: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    teller: u32,
    content: u32,
    hidden: u32,
    /// The poll that last showed it.
    poll: u32,
    rank: u8,
    misses: u8,
    /// Several alerts are this alarm.
    shared: bool,
}

impl Entry {
    const fn order(&self) -> (bool, u8, u32, u32) {
        (self.hidden == 0, self.rank, self.content, self.hidden)
    }

    /// Takes a look over; what of it is new.
    fn take(&mut self, look: Look) -> Option<Change> {
        let change = Change { raise: self.content != look.content, hide: self.hidden != look.hidden };
        (self.teller, self.content, self.hidden, self.rank) = (look.teller, look.content, look.hidden, look.rank);
        (change.raise || change.hide).then_some(change)
    }
}

#[derive(Debug)]
struct Best<E> {
    look: Look,
    event: E,
    /// How many alerts were this alarm.
    alerts: u32,
}

/// What is remembered between polls. `E` is what is told of an alert.
#[derive(Debug)]
pub struct Alerts<E> {
    known: HashMap<u64, Entry>,
    poll: u32,
    deferred: HashMap<u64, Best<E>>,
    added: u32,
    changed: u32,
}

impl<E> Default for Alerts<E> {
    fn default() -> Self {
        Self { known: HashMap::new(), poll: 0, deferred: HashMap::new(), added: 0, changed: 0 }
    }
}

impl<E> Alerts<E> {
    /// An alarm that is active by the cache. `hidden` as in [`Look`]; what is not known exactly is told
    /// again.
    pub fn load(&mut self, look: Look) {
        let Look { id, teller, rank, content, hidden } = look;
        self.known.insert(id, Entry { teller, content, hidden, poll: self.poll, rank, misses: 0, shared: false });
    }

    /// How many alarms are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A poll begins. What a poll before left unfinished is dropped: it says nothing of absence.
    pub fn begin(&mut self) {
        self.poll = self.poll.wrapping_add(1);
        self.deferred.clear();
        (self.added, self.changed) = (0, 0);
    }

    /// The list shows an alert: what has to be told of it at once.
    pub fn see(&mut self, look: Look, event: E) -> Option<(Change, E)> {
        let poll = self.poll;
        let Some(entry) = self.known.get_mut(&look.id) else {
            let Look { id, teller, rank, content, hidden } = look;
            self.known.insert(id, Entry { teller, content, hidden, poll, rank, misses: 0, shared: false });
            self.added += 1;
            return Some((Change { raise: true, hide: hidden != 0 }, event));
        };
        let first = entry.poll != poll;
        (entry.poll, entry.misses) = (poll, 0);
        if first && entry.shared {
            self.deferred.insert(look.id, Best { look, event, alerts: 1 });
            return None;
        }
        if first {
            let change = entry.take(look)?;
            self.changed += 1;
            return Some((change, event));
        }
        if let Some(best) = self.deferred.get_mut(&look.id) {
            best.alerts += 1;
            if look.order() > best.look.order() {
                (best.look, best.event) = (look, event);
            }
            return None;
        }
        // The first of several that are one alarm was told already: only what outdoes it is.
        entry.shared |= entry.teller != look.teller;
        if look.order() <= entry.order() {
            return None;
        }
        let change = entry.take(look)?;
        Some((change, event))
    }

    /// The list shows an alert that is over by its own words. Whether its alarm is over with it:
    /// where several alerts are one alarm, that they are all missing tells.
    pub fn over(&mut self, id: u64) -> bool {
        let poll = self.poll;
        let alone = self.known.get(&id).is_some_and(|e| !e.shared && e.poll != poll);
        if alone {
            self.known.remove(&id);
        }
        alone
    }

    /// The list was read to its end. `counts`: that something is missing from it means something.
    pub fn end(&mut self, counts: bool) -> Ended<E> {
        let mut told = Vec::new();
        for (id, best) in self.deferred.drain() {
            let Some(entry) = self.known.get_mut(&id) else { continue };
            entry.shared = best.alerts > 1;
            if let Some(change) = entry.take(best.look) {
                self.changed += 1;
                told.push((change, best.event));
            }
        }
        let mut gone = Vec::new();
        for (id, entry) in &mut self.known {
            if entry.poll == self.poll {
                continue;
            }
            entry.misses = if counts { entry.misses.saturating_add(1) } else { 0 };
            if entry.misses >= MISSES {
                gone.push(*id);
            }
        }
        gone.sort_unstable();
        Ended { told, gone, added: self.added, changed: self.changed }
    }

    /// The clear of an alarm was told.
    pub fn forget(&mut self, id: u64) {
        self.known.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        /// Alerts of a list read to its end, and whether absence counts.
        List(Vec<Look>, bool),
        /// A list that broke off after these.
        Broken(Vec<Look>),
        /// The console was started anew: it knows what is active, not who suppresses.
        Restart,
    }

    fn look() -> impl Strategy<Value = Look> {
        (0_u64..4, 0_u32..2, 0_u8..3, 0_u32..2).prop_map(|(id, teller, rank, hidden)| Look {
            id,
            teller,
            rank,
            content: u32::from(rank) + 10,
            hidden,
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        let list = || prop::collection::vec(look(), 0..8);
        prop_oneof![
            6 => (list(), prop::bool::weighted(0.8)).prop_map(|(l, counts)| Step::List(l, counts)),
            1 => list().prop_map(Step::Broken),
            1 => Just(Step::Restart),
        ]
    }

    /// What somebody believes who only heard what was told.
    #[derive(Debug, Default)]
    struct Heard(HashMap<u64, (u8, u32)>);

    impl Heard {
        fn told(&mut self, change: Change, look: Look) {
            if change.raise {
                let hidden = self.0.get(&look.id).map_or(0, |(_, h)| *h);
                self.0.insert(look.id, (look.rank, hidden));
            }
            if change.hide {
                self.0.get_mut(&look.id).expect("suppressed without a raise").1 = look.hidden;
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_told_is_what_is_there(steps in prop::collection::vec(step(), 1..14)) {
            let mut alerts = Alerts::<Look>::default();
            let (mut heard, mut missed) = (Heard::default(), HashMap::<u64, u8>::new());
            for step in steps {
                match step {
                    Step::Restart => {
                        alerts = Alerts::default();
                        missed.clear();
                        for (id, (rank, hidden)) in &heard.0 {
                            let hidden = if *hidden == 0 { 0 } else { u32::MAX };
                            alerts.load(Look { id: *id, teller: 9, rank: *rank, content: u32::from(*rank) + 10, hidden });
                        }
                    }
                    Step::Broken(list) => {
                        alerts.begin();
                        for one in list {
                            missed.remove(&one.id);
                            if let Some((change, look)) = alerts.see(one, one) { heard.told(change, look); }
                        }
                    }
                    Step::List(list, counts) => {
                        alerts.begin();
                        let active: Vec<u64> = heard.0.keys().copied().collect();
                        for one in &list {
                            if let Some((change, look)) = alerts.see(*one, *one) { heard.told(change, look); }
                        }
                        let ended = alerts.end(counts);
                        for (change, look) in ended.told { heard.told(change, look); }
                        for id in active {
                            let absent = list.iter().all(|l| l.id != id);
                            let n = if !absent || !counts { 0 } else { missed.get(&id).copied().unwrap_or(0) + 1 };
                            missed.insert(id, n);
                            prop_assert_eq!(ended.gone.contains(&id), n >= 2, "{}", id);
                        }
                        for id in ended.gone {
                            prop_assert!(heard.0.remove(&id).is_some(), "a clear without a raise");
                            missed.remove(&id);
                            alerts.forget(id);
                        }
                        for one in &list {
                            let best = list.iter().filter(|l| l.id == one.id).max_by_key(|l| l.order()).expect("one");
                            prop_assert_eq!(heard.0.get(&one.id), Some(&(best.rank, best.hidden)));
                        }
                    }
                }
                prop_assert_eq!(alerts.len(), heard.0.len());
            }
        }
    }

    #[test]
    fn what_stays_as_it_is_is_told_once() {
        let mut alerts = Alerts::<()>::default();
        let one = Look { id: 1, teller: 1, rank: 2, content: 7, hidden: 0 };
        let two = Look { teller: 2, rank: 4, content: 8, ..one };
        let mut told = Vec::new();
        for _ in 0..4 {
            alerts.begin();
            told.push([one, two].into_iter().filter_map(|l| alerts.see(l, ())).count() + alerts.end(true).told.len());
        }
        assert_eq!(told, [2, 0, 0, 0]);
    }

    #[test]
    fn an_alert_that_says_it_is_over_is() {
        let mut alerts = Alerts::<()>::default();
        assert!(!alerts.over(1), "a clear without a raise");
        alerts.begin();
        alerts.see(Look { id: 1, teller: 1, rank: 2, content: 7, hidden: 0 }, ());
        assert!(!alerts.over(1), "another alert of this poll says that it stands");
        alerts.end(true);
        alerts.begin();
        assert!(alerts.over(1) && alerts.is_empty());
    }
}
