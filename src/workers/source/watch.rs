//! Conditions that VOLTHA does not tell of, watched by noctule and raised as its own alarms:
//! an adapter that is dead (its devices stay ACTIVE for ever; facts: voltha-run §6.2), service
//! flows that are lost (after a core restart ONUs still say `omci-flows-pushed`; §5 pitfall 19),
//! and a source that cannot be reached at all. Pure: the present is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Silence after which an adapter counts as dead. It is heard every 5 s.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// Pauses between looks.
const SHORTEST: Duration = Duration::from_secs(3);
const SICK: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(12);

/// A change of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It began (or stands, at the first look); the words say how bad it is.
    Raise(String),
    /// It is over (or was never there, at the first look: an alarm of an earlier run may stand).
    Clear,
}

/// The adapters of a source.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    seen: BTreeMap<String, Adapter>,
}

#[derive(Debug)]
struct Adapter {
    /// What the core last told, its clock, epoch seconds.
    heard: i64,
    /// When that last changed, our clock.
    changed: Instant,
    /// The state that was told; `None` before the first verdict.
    dead: Option<bool>,
}

impl Adapters {
    /// Compares a list of `(id, last_communication)` with the one before. Age is taken from
    /// whatever shows it soonest: how long the instant has not moved on our clock, how far it is
    /// behind the freshest adapter's, and (where the source's clock is known) its age on that
    /// clock. So neither a wrong clock hides a dead adapter nor does it kill a living one.
    pub(super) fn look(
        &mut self,
        list: &[(String, i64)],
        source_now_s: Option<i64>,
        now: Instant,
    ) -> Vec<(String, Turn)> {
        let freshest = list.iter().map(|(_, heard)| *heard).max().unwrap_or(0);
        let mut turns = Vec::new();
        self.seen.retain(|id, adapter| {
            let there = list.iter().any(|(listed, _)| listed == id);
            if !there && adapter.dead == Some(true) {
                turns.push((id.clone(), Turn::Clear));
            }
            there
        });
        for (id, heard) in list {
            let adapter = self.seen.entry(id.clone()).or_insert(Adapter { heard: *heard, changed: now, dead: None });
            if adapter.heard != *heard {
                (adapter.heard, adapter.changed) = (*heard, now);
            }
            let age = adapter.age(freshest, source_now_s, now);
            let dead = age > SILENCE;
            if adapter.dead != Some(dead) {
                adapter.dead = Some(dead);
                let turn = if dead { Turn::Raise(format!("not heard for {} s", age.as_secs())) } else { Turn::Clear };
                turns.push((id.clone(), turn));
            }
        }
        turns
    }

    /// When to look again: when one of them could first be too old, so that a healthy source costs
    /// few looks and a death is still seen at once.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        if self.seen.values().any(|a| a.dead == Some(true)) {
            return SICK;
        }
        let oldest = self.seen.values().map(|a| now.saturating_duration_since(a.changed)).max().unwrap_or_default();
        (SILENCE + Duration::from_millis(500)).saturating_sub(oldest).clamp(SHORTEST, LONGEST)
    }
}

impl Adapter {
    fn age(&self, freshest: i64, source_now_s: Option<i64>, now: Instant) -> Duration {
        let unmoved = now.saturating_duration_since(self.changed);
        let behind = seconds(freshest.saturating_sub(self.heard));
        // A clock can only be trusted to confirm what does not move: right after a change the
        // adapter lives, whatever the clocks say.
        let by_clock = source_now_s.map_or(Duration::ZERO, |s| seconds(s.saturating_sub(self.heard)));
        let by_clock = if unmoved >= SHORTEST { by_clock.min(unmoved + SILENCE / 2) } else { Duration::ZERO };
        unmoved.max(behind).max(by_clock)
    }
}

fn seconds(s: i64) -> Duration {
    Duration::from_secs(u64::try_from(s).unwrap_or(0))
}

/// The service flows of one OLT.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Flows {
    count: Option<u32>,
    pushed: u32,
    /// Looks in a row that found none although ONUs say theirs are pushed.
    empty: u8,
    lost: Option<bool>,
}

/// What a look at an OLT's flows found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FlowNews {
    /// All of them are lost, or are back.
    Lost(Turn),
    /// Some vanished while their ONUs stayed: `from`, `to`.
    Fewer(u32, u32),
}

impl Flows {
    /// Takes a count in: `pushed` ONUs said (before the flows were counted) that theirs are
    /// pushed. Two empty looks in a row are needed, because a deletion that is under way looks
    /// the same for a moment.
    pub(super) fn look(&mut self, count: u32, pushed: u32) -> Vec<FlowNews> {
        let mut news = Vec::new();
        let empty = count == 0 && pushed > 0;
        self.empty = if empty { self.empty.saturating_add(1) } else { 0 };
        if self.empty >= 2 && self.lost != Some(true) {
            self.lost = Some(true);
            let words = format!("no flow left although {pushed} ONUs say that theirs are pushed");
            news.push(FlowNews::Lost(Turn::Raise(words)));
        }
        if !empty && self.lost != Some(false) {
            self.lost = Some(false);
            news.push(FlowNews::Lost(Turn::Clear));
        }
        match self.count {
            Some(before) if count < before && count > 0 && pushed >= self.pushed => {
                news.push(FlowNews::Fewer(before, count));
            }
            _ => {}
        }
        (self.count, self.pushed) = (Some(count), pushed);
        news
    }

    /// The last count.
    pub(super) const fn count(&self) -> Option<u32> {
        self.count
    }
}

/// Whether anything of a source works.
#[derive(Debug, Default)]
pub(super) struct Reach {
    down: Option<bool>,
}

impl Reach {
    /// Takes the states of poll and stream in; `None` while not tried (or not configured).
    pub(super) fn look(&mut self, poll: Option<bool>, stream: Option<bool>, words: &str) -> Option<Turn> {
        let down = match (poll, stream) {
            (None, None | Some(false)) => return None,
            (Some(true), _) | (_, Some(true)) => false,
            (Some(false), _) => true,
        };
        if self.down == Some(down) {
            return None;
        }
        self.down = Some(down);
        Some(if down { Turn::Raise(words.to_owned()) } else { Turn::Clear })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(a: i64, b: i64) -> Vec<(String, i64)> {
        vec![("openolt_1".into(), a), ("openonu_1".into(), b)]
    }

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn words(turns: &[(String, Turn)]) -> Vec<(&str, bool)> {
        turns.iter().map(|(id, turn)| (id.as_str(), matches!(turn, Turn::Raise(_)))).collect()
    }

    #[test]
    fn an_adapter_that_is_not_heard_for_15_s_is_dead_until_it_is_heard() {
        let (mut watch, t) = (Adapters::default(), Instant::now());
        let first = watch.look(&list(1000, 1001), None, t);
        assert_eq!(words(&first), [("openolt_1", false), ("openonu_1", false)], "what an earlier run raised is over");
        assert_eq!(watch.pause(t), s(12));
        assert_eq!(watch.look(&list(1000, 1011), None, t + s(12)), []);
        assert_eq!(watch.pause(t + s(12)), Duration::from_millis(3500));
        let turns = watch.look(&list(1000, 1013), None, t + Duration::from_millis(15_500));
        assert_eq!(words(&turns), [("openolt_1", true)]);
        assert_eq!(watch.pause(t + s(16)), s(5));
        assert_eq!(watch.look(&list(1000, 1018), None, t + s(21)), [], "told once");
        let turns = watch.look(&list(1024, 1023), None, t + s(26));
        assert_eq!(words(&turns), [("openolt_1", false)]);
    }

    #[test]
    fn one_that_was_dead_before_we_came_is_seen_beside_the_living() {
        let mut watch = Adapters::default();
        let turns = watch.look(&list(900, 1001), None, Instant::now());
        assert_eq!(words(&turns), [("openolt_1", true), ("openonu_1", false)]);
    }

    #[test]
    fn a_wrong_clock_kills_nobody() {
        let (mut watch, t) = (Adapters::default(), Instant::now());
        watch.look(&list(1000, 1001), Some(5000), t);
        for i in 1..20 {
            let heard = 1000 + 5 * i;
            let turns = watch.look(&list(heard, heard), Some(5000 + 5 * i), t + s(5 * i.unsigned_abs()));
            assert_eq!(turns, [], "{i}");
        }
    }

    #[test]
    fn a_dead_adapter_that_is_removed_is_no_alarm_any_more() {
        let (mut watch, t) = (Adapters::default(), Instant::now());
        watch.look(&list(900, 1001), None, t);
        let turns = watch.look(&[("openonu_1".into(), 1002)], None, t + s(1));
        assert_eq!(words(&turns), [("openolt_1", false)]);
    }

    #[test]
    fn lost_flows_need_two_looks_and_clear_when_they_return() {
        let mut flows = Flows::default();
        assert_eq!(flows.look(120, 30), [FlowNews::Lost(Turn::Clear)]);
        assert_eq!(flows.look(0, 30), []);
        assert!(matches!(flows.look(0, 30).as_slice(), [FlowNews::Lost(Turn::Raise(_))]));
        assert_eq!(flows.look(0, 30), [], "told once");
        assert_eq!(flows.look(4, 30), [FlowNews::Lost(Turn::Clear)]);
    }

    #[test]
    fn no_service_is_no_loss() {
        let mut flows = Flows::default();
        flows.look(0, 0);
        assert_eq!(flows.look(0, 0), []);
        assert_eq!(flows.look(4, 1), []);
        assert_eq!(flows.look(0, 0), [], "the subscriber was removed");
    }

    #[test]
    fn some_flows_that_vanish_are_shown() {
        let mut flows = Flows::default();
        flows.look(12, 3);
        assert_eq!(flows.look(8, 3), [FlowNews::Fewer(12, 8)]);
        assert_eq!(flows.look(4, 1), [], "with its ONU: that is what a removal looks like");
    }

    #[test]
    fn a_source_is_unreachable_when_nothing_works() {
        let mut reach = Reach::default();
        assert_eq!(reach.look(None, None, ""), None);
        assert_eq!(reach.look(None, Some(false), ""), None, "not polled yet");
        assert_eq!(reach.look(Some(false), Some(true), ""), Some(Turn::Clear));
        assert_eq!(reach.look(Some(false), Some(false), "gone"), Some(Turn::Raise("gone".into())));
        assert_eq!(reach.look(Some(false), None, ""), None);
        assert_eq!(reach.look(Some(true), Some(false), ""), Some(Turn::Clear));
    }
}
