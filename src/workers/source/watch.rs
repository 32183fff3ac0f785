//! Conditions that VOLTHA does not tell of, watched by noctule and raised as its own alarms:
//! an adapter that is dead (its devices stay ACTIVE for ever; facts: voltha-run §6.2), service
//! flows that are lost, all of them (after a core restart ONUs still say `omci-flows-pushed`; §5
//! pitfall 19) or some,
//! and a source that cannot be reached at all. Pure: the present is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Silence after which an adapter counts as dead. It is heard every 5 s.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// How long an adapter has not moved before a clock may confirm that it is dead.
const UNMOVED: Duration = Duration::from_secs(3);
/// Pauses between looks. The shortest is taken when one of them is about to be too old. The longest
/// is no multiple of the 5 s, so that looks fall into every part of them and the core's clock is
/// soon known well.
const SHORTEST: Duration = Duration::from_millis(500);
const SICK: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_millis(10_700);

/// A change of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workers) enum Turn {
    /// It began (or stands, at the first look); the words say how bad it is.
    Raise(String),
    /// It is over (or was never there, at the first look: an alarm of an earlier run may stand).
    Clear,
}

/// The adapters of a source.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    seen: BTreeMap<String, Adapter>,
    core: CoreClock,
    /// When the core was there again after it had been away: nobody is silent for longer than
    /// that, because there was nobody to hear them.
    back: Option<Instant>,
}

/// The core's clock against ours, from its own answers: what it heard an adapter say was said
/// before it answered, so the largest difference ever seen is the closest to the truth and never
/// beyond it. An age by this clock is no greater than the true one (but for the core's rounding to
/// a second), however far the clocks are apart.
#[derive(Debug, Default)]
struct CoreClock {
    /// Where our clock begins.
    began: Option<Instant>,
    /// Core minus ours, milliseconds, and when that was told.
    ahead: Option<(i64, i64)>,
}

impl CoreClock {
    /// Our clock, milliseconds.
    fn ours(&mut self, now: Instant) -> i64 {
        let began = *self.began.get_or_insert(now);
        i64::try_from(now.saturating_duration_since(began).as_millis()).unwrap_or(i64::MAX)
    }

    /// Takes the freshest sign of life in. The old value wears off by a thousandth of the time, so
    /// that a clock that was set back is believed by and by.
    fn learn(&mut self, freshest: i64, now: Instant) {
        let ours = self.ours(now);
        let sample = freshest.saturating_mul(1000).saturating_sub(ours);
        let kept = self.ahead.map_or(i64::MIN, |(ahead, at)| ahead.saturating_sub(ours.saturating_sub(at) / 1000));
        self.ahead = Some((kept.max(sample), ours));
    }

    /// How long ago the core heard this.
    fn age(&mut self, heard: i64, now: Instant) -> Duration {
        let ours = self.ours(now);
        let ahead = self.ahead.map_or(0, |(ahead, _)| ahead);
        let age = ours.saturating_add(ahead).saturating_sub(heard.saturating_mul(1000));
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }
}

#[derive(Debug)]
struct Adapter {
    /// What the core last told, its clock, epoch seconds.
    heard: i64,
    /// When that last changed, our clock.
    changed: Instant,
    /// How old it was at the last look, and when that was.
    age: (Duration, Instant),
    /// The core was away since the last look.
    unheard: bool,
    /// The state that was told; `None` before the first verdict.
    dead: Option<bool>,
}

impl Adapters {
    /// Compares a list of `(id, last_communication)` with the one before. Age is taken from
    /// whatever shows it soonest: how long the instant has not moved on our clock, its age on the
    /// core's clock as the core's own answers tell it, and (where events told the source's clock)
    /// its age on that one. So neither a wrong clock hides a dead adapter nor does it kill a
    /// living one.
    pub(super) fn look(
        &mut self,
        list: &[(String, i64)],
        source_now_s: Option<i64>,
        now: Instant,
    ) -> Vec<(String, Turn)> {
        let set_back = |(id, heard): &(String, i64)| self.seen.get(id).is_some_and(|a| a.heard > *heard);
        if list.iter().any(set_back) {
            self.core.ahead = None;
        }
        if let Some(freshest) = list.iter().map(|(_, heard)| *heard).max() {
            self.core.learn(freshest, now);
        }
        if self.seen.values().any(|a| a.unheard) {
            self.back = Some(now);
        }
        let longest = self.back.map_or(Duration::MAX, |back| now.saturating_duration_since(back));
        let mut turns = Vec::new();
        self.seen.retain(|id, adapter| {
            let there = list.iter().any(|(listed, _)| listed == id);
            if !there && adapter.dead == Some(true) {
                turns.push((id.clone(), Turn::Clear));
            }
            there
        });
        for (id, heard) in list {
            let new = Adapter { heard: *heard, changed: now, age: (Duration::ZERO, now), unheard: false, dead: None };
            let adapter = self.seen.entry(id.clone()).or_insert(new);
            if adapter.heard != *heard || adapter.unheard {
                (adapter.heard, adapter.changed, adapter.unheard) = (*heard, now, false);
            }
            let mut age = adapter.age(self.core.age(*heard, now), source_now_s, now);
            if adapter.dead != Some(true) {
                age = age.min(longest);
            }
            adapter.age = (age, now);
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
        let age = |a: &Adapter| a.age.0.saturating_add(now.saturating_duration_since(a.age.1));
        let oldest = self.seen.values().map(age).max().unwrap_or_default();
        (SILENCE + Duration::from_millis(200)).saturating_sub(oldest).clamp(SHORTEST, LONGEST)
    }

    /// The core did not answer, so it may not have listened either: silence counts anew from the
    /// next look. What is dead stays so until it is heard.
    pub(super) fn unheard(&mut self) {
        self.core.ahead = None;
        for adapter in self.seen.values_mut() {
            adapter.unheard = adapter.dead != Some(true);
        }
    }
}

impl Adapter {
    fn age(&self, by_core: Duration, source_now_s: Option<i64>, now: Instant) -> Duration {
        let unmoved = now.saturating_duration_since(self.changed);
        // A clock can only be trusted to confirm what does not move: right after a change the
        // adapter lives, whatever the clocks say.
        let by_clock = source_now_s.map_or(Duration::ZERO, |s| seconds(s.saturating_sub(self.heard)));
        let by_clock = if unmoved >= UNMOVED { by_clock.min(unmoved + SILENCE / 2) } else { Duration::ZERO };
        unmoved.max(by_core).max(by_clock)
    }
}

fn seconds(s: i64) -> Duration {
    Duration::from_secs(u64::try_from(s).unwrap_or(0))
}

/// Looks in a row that have to say the same of some flows before it counts: a removal that is under
/// way takes flows first, and a new ONU brings flows before it says that they are pushed.
const LOOKS: u8 = 2;
/// Looks in a row after which fewer flows count as the usual ones: services that an operator took
/// away do not come back. Half an hour of ordinary polls.
const ACCEPTED: u8 = 60;

/// The service flows of one OLT.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Flows {
    count: Option<u32>,
    /// Looks in a row that found none although ONUs say theirs are pushed.
    empty: u8,
    drift: Option<bool>,
    /// How many are usual, with how many ONUs whose flows are pushed.
    usual: Option<(u32, u32)>,
    /// Looks in a row that found fewer than that, or while they are lost: as many.
    agreed: u8,
    /// While some are lost: the fewest seen, and looks in a row that found the same number.
    fewest: u32,
    steady: u8,
    lost: Option<bool>,
}

/// What a look at an OLT's flows found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FlowNews {
    /// The controller holds none while the ONUs say that theirs are pushed; or it does again.
    Drift(Turn),
    /// Some vanished while their ONUs stayed; or they are back.
    Lost(Turn),
}

impl Flows {
    /// Takes a count in: `pushed` ONUs said (before the flows were counted) that theirs are
    /// pushed. Two empty looks in a row are needed, because a deletion that is under way looks
    /// the same for a moment.
    pub(super) fn look(&mut self, count: u32, pushed: u32) -> Vec<FlowNews> {
        let mut news = Vec::new();
        let empty = count == 0 && pushed > 0;
        self.empty = if empty { self.empty.saturating_add(1) } else { 0 };
        if self.empty >= 2 && self.drift != Some(true) {
            self.drift = Some(true);
            let words = format!("no flow left although {pushed} ONUs say that theirs are pushed");
            news.push(FlowNews::Drift(Turn::Raise(words)));
        }
        if !empty && self.drift != Some(false) {
            self.drift = Some(false);
            news.push(FlowNews::Drift(Turn::Clear));
        }
        news.extend(self.some(count, pushed).map(FlowNews::Lost));
        self.count = Some(count);
        news
    }

    /// Some of them: lost until as many are there as its ONUs had, until a removal (fewer ONUs whose
    /// flows are pushed) or the loss of all makes that number void, or until the lower number has
    /// stood so long that it is the usual one.
    fn some(&mut self, count: u32, pushed: u32) -> Option<Turn> {
        let Some((usual, of)) = self.usual.filter(|(_, of)| count > 0 && pushed >= *of) else {
            return self.settle(count, pushed);
        };
        if self.lost == Some(true) {
            return self.still_lost(count, pushed, (usual, of));
        }
        if count >= usual {
            return self.settle(count, pushed);
        }
        self.agreed = self.agreed.saturating_add(1);
        if self.agreed < LOOKS {
            return None;
        }
        (self.lost, self.fewest, self.agreed, self.steady) = (Some(true), count, 0, 0);
        Some(Turn::Raise(format!("{usual} flows became {count} without an event")))
    }

    fn still_lost(&mut self, count: u32, pushed: u32, (usual, of): (u32, u32)) -> Option<Turn> {
        // ONUs that came since bring flows of their own: those do not make up for the lost ones.
        let needed = u64::from(usual) * u64::from(pushed) / u64::from(of.max(1));
        self.agreed = if u64::from(count) >= needed { self.agreed.saturating_add(1) } else { 0 };
        self.steady = if self.count == Some(count) { self.steady.saturating_add(1) } else { 0 };
        if self.agreed >= LOOKS || self.steady >= ACCEPTED {
            return self.settle(count, pushed);
        }
        if count < self.fewest {
            self.fewest = count;
            return Some(Turn::Raise(format!("{usual} flows became {count} without an event")));
        }
        None
    }

    /// This many are the usual ones from now on.
    fn settle(&mut self, count: u32, pushed: u32) -> Option<Turn> {
        (self.usual, self.agreed) = (Some((count, pushed)), 0);
        (self.lost != Some(false)).then(|| {
            self.lost = Some(false);
            Turn::Clear
        })
    }

    /// The last count.
    pub(super) const fn count(&self) -> Option<u32> {
        self.count
    }
}

/// Whether anything of a source works.
#[derive(Debug, Default)]
pub(in crate::workers) struct Reach {
    down: Option<bool>,
}

impl Reach {
    /// Takes the states of poll and stream in; `None` while not tried (or not configured).
    pub(in crate::workers) fn look(&mut self, poll: Option<bool>, stream: Option<bool>, words: &str) -> Option<Turn> {
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
        assert_eq!(watch.pause(t), LONGEST);
        assert_eq!(watch.look(&list(1000, 1011), None, t + s(12)), []);
        assert_eq!(watch.pause(t + s(12)), Duration::from_millis(2212), "1 s old at the first look");
        let turns = watch.look(&list(1000, 1013), None, t + Duration::from_millis(15_500));
        assert_eq!(words(&turns), [("openolt_1", true)]);
        assert_eq!(watch.pause(t + s(16)), s(5));
        assert_eq!(watch.look(&list(1000, 1018), None, t + s(21)), [], "told once");
        let turns = watch.look(&list(1024, 1023), None, t + s(26));
        assert_eq!(words(&turns), [("openolt_1", false)]);
    }

    #[test]
    fn a_death_is_seen_within_16_s_whenever_it_comes() {
        const BEAT: u64 = 5000;
        let t = Instant::now();
        for case in 0..40 {
            // Two adapters that are heard every 5 s; the first one is heard last at `death`.
            let (a, b, death) = (case * 137 % BEAT, case * 977 % BEAT, 300_000 + case * 331);
            let last = |phase: u64, at: u64| phase + at.saturating_sub(phase) / BEAT * BEAT;
            let heard = |at: u64| i64::try_from(1_000_000 + at / 1000).expect("small");
            let (mut watch, mut at, end) = (Adapters::default(), 6000, last(a, death));
            let seen = loop {
                let now = t + Duration::from_millis(at);
                let turns = watch.look(&list(heard(last(a, at).min(end)), heard(last(b, at))), None, now);
                if turns.iter().any(|(_, turn)| matches!(turn, Turn::Raise(_))) {
                    break at;
                }
                at += u64::try_from(watch.pause(now).as_millis()).expect("short");
                assert!(at < 400_000, "case {case}");
            };
            assert!((14_000..=16_500).contains(&(seen - end)), "case {case}: {} ms", seen - end);
        }
    }

    #[test]
    fn a_core_that_was_away_heard_nobody() {
        let (mut watch, t) = (Adapters::default(), Instant::now());
        watch.look(&list(1000, 1001), None, t);
        watch.unheard();
        assert_eq!(watch.look(&list(1000, 1001), None, t + s(60)), [], "nobody is dead for that");
        let turns = watch.look(&list(1000, 1076), None, t + s(76));
        assert_eq!(words(&turns), [("openolt_1", true)]);
    }

    #[test]
    fn of_a_core_that_is_back_the_first_voice_kills_nobody() {
        let (mut watch, t) = (Adapters::default(), Instant::now());
        watch.look(&list(1000, 1001), None, t);
        watch.unheard();
        // It heard one of them again a moment before we asked, the other not yet.
        assert_eq!(watch.look(&list(1000, 1046), None, t + s(46)), []);
        assert_eq!(watch.look(&list(1047, 1046), None, t + s(48)), []);
        let turns = watch.look(&list(1047, 1062), None, t + s(64));
        assert_eq!(words(&turns), [("openolt_1", true)], "one that is silent since then is dead");
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

    /// `drift` and `lost`, with + for a raise and - for a clear.
    fn short(news: &[FlowNews]) -> Vec<&str> {
        let word = |news: &FlowNews| match news {
            FlowNews::Drift(Turn::Raise(_)) => "+drift",
            FlowNews::Drift(Turn::Clear) => "-drift",
            FlowNews::Lost(Turn::Raise(_)) => "+lost",
            FlowNews::Lost(Turn::Clear) => "-lost",
        };
        news.iter().map(word).collect()
    }

    #[test]
    fn a_drift_needs_two_looks_and_clears_when_flows_return() {
        let mut flows = Flows::default();
        assert_eq!(short(&flows.look(120, 30)), ["-drift", "-lost"], "what an earlier run raised is over");
        assert_eq!(flows.look(0, 30), []);
        assert_eq!(short(&flows.look(0, 30)), ["+drift"]);
        assert_eq!(flows.look(0, 30), [], "told once");
        assert_eq!(short(&flows.look(4, 30)), ["-drift"]);
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
    fn some_flows_that_vanish_are_lost_until_they_are_back() {
        let mut flows = Flows::default();
        flows.look(12, 3);
        assert_eq!(flows.look(8, 3), [], "it may be a removal that is under way");
        let news = flows.look(8, 3);
        assert!(matches!(news.as_slice(), [FlowNews::Lost(Turn::Raise(words))] if words.contains("12 flows became 8")));
        assert_eq!(flows.look(8, 3), [], "told once");
        assert_eq!(short(&flows.look(6, 3)), ["+lost"], "it gets worse");
        assert_eq!(flows.look(10, 3), [], "not all of them");
        assert_eq!(flows.look(12, 3), []);
        assert_eq!(short(&flows.look(12, 3)), ["-lost"]);
        assert_eq!(flows.look(8, 3), []);
        assert_eq!(flows.look(8, 2), [], "with its ONU: that is what a removal looks like");
        assert_eq!(flows.look(8, 2), []);
    }

    #[test]
    fn flows_of_a_new_onu_do_not_make_up_for_lost_ones() {
        let mut flows = Flows::default();
        flows.look(12, 3);
        flows.look(8, 3);
        assert_eq!(short(&flows.look(8, 3)), ["+lost"]);
        assert_eq!(flows.look(12, 3), [], "the flows are there before their ONU says so");
        assert_eq!(flows.look(12, 4), []);
        assert_eq!(flows.look(12, 4), []);
        assert_eq!(flows.look(16, 4), []);
        assert_eq!(short(&flows.look(16, 4)), ["-lost"]);
    }

    #[test]
    fn services_that_were_taken_away_are_accepted_by_and_by() {
        let mut flows = Flows::default();
        flows.look(12, 3);
        flows.look(8, 3);
        assert_eq!(short(&flows.look(8, 3)), ["+lost"]);
        for _ in 1..ACCEPTED {
            assert_eq!(flows.look(8, 3), []);
        }
        assert_eq!(short(&flows.look(8, 3)), ["-lost"]);
        assert_eq!(flows.look(7, 3), []);
        assert_eq!(short(&flows.look(7, 3)), ["+lost"], "8 are the usual ones now");
    }

    #[test]
    fn a_removal_or_the_loss_of_all_ends_the_loss_of_some() {
        let mut flows = Flows::default();
        flows.look(12, 3);
        flows.look(8, 3);
        assert_eq!(short(&flows.look(8, 3)), ["+lost"]);
        assert_eq!(short(&flows.look(8, 2)), ["-lost"]);
        flows.look(4, 2);
        assert_eq!(short(&flows.look(4, 2)), ["+lost"]);
        assert_eq!(short(&flows.look(0, 2)), ["-lost"]);
        assert_eq!(short(&flows.look(0, 2)), ["+drift"]);
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
