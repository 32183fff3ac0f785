//! How the appliance answers, and how often it is asked.
//!
//! The heartbeat is `/api/buffer/stats`: `/health` and the status call freeze for up to five seconds
//! while the appliance probes its uplink (facts: raven-run §0.1), so that one of those is silent says
//! nothing while the heartbeat answers.

use std::time::Duration;

use super::settings::Settings;
use crate::model::appliance::poll::{Answer, Poll};
use crate::model::appliance::state::Contact;
use crate::model::text::clean;
use crate::model::time::{MINUTE, SECOND, brief_duration};

/// A heartbeat longer than this is slow; shorter than the other it is well again.
const SLOW: i64 = 2 * SECOND;
const WELL: i64 = SECOND;
/// So many in a row before the verdict changes.
const IN_A_ROW: u8 = 3;
/// The longest time between two polls, unless a longer one is configured.
const MOST: i64 = 5 * MINUTE;
/// The appliance is to be busy with us for at most one part in so many.
const SHARE: i64 = 10;
/// From here the interval grows with the time of an answer: shorter ones need no care.
const FLOOR: i64 = SECOND / 4;

/// How it answers, with what has to be remembered for that.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    slow: bool,
    turns: u8,
    /// Response time that the interval follows: up at most twofold an answer, down by half. One late
    /// answer (a process that was stopped for a moment, a busy disk) makes nobody look away for
    /// minutes; one that stays slow is asked as seldom as it needs within a few polls.
    felt_us: i64,
}

impl Line {
    /// Goes on after a restart of noctule.
    pub(super) fn resume(&mut self, contact: Contact, response_us: i64) {
        self.slow = contact == Contact::Slow;
        self.felt_us = response_us.max(0);
    }

    /// Takes a poll: how it answers and what is wrong, in words. `limit_is_zero`: by the
    /// configuration as last told. `None`: nothing was asked.
    pub(super) fn take(&mut self, poll: &Poll, limit_is_zero: bool) -> Option<(Contact, String)> {
        let others = poll.services.said().is_some() || poll.uplink.said().is_some() || poll.config.said().is_some();
        let (contact, trouble) = match &poll.stats {
            Answer::Said(stats) if stats.limit_is_zero() => (Contact::LimitZero, zero(stats.limit_bytes)),
            Answer::Said(_) => {
                self.heard(poll.response_us);
                if self.slow {
                    (Contact::Slow, format!("the heartbeat takes {}", seconds(poll.response_us)))
                } else {
                    (Contact::Answering, String::new())
                }
            }
            Answer::Unreadable(_) if limit_is_zero => (Contact::LimitZero, zero(0)),
            Answer::Unreadable(why) => (Contact::Unreadable, clean(why).into_owned()),
            Answer::Refused(why) => (Contact::Refusing, clean(why).into_owned()),
            Answer::Silent(why) if others => {
                (Contact::Slow, format!("other calls answer, the heartbeat does not: {}", clean(why)))
            }
            Answer::Silent(why) => (Contact::Silent, clean(why).into_owned()),
            Answer::NotAsked if others && limit_is_zero => (Contact::LimitZero, zero(0)),
            Answer::NotAsked if others => (Contact::Answering, String::new()),
            Answer::NotAsked => return None,
        };
        Some((contact, trouble))
    }

    fn heard(&mut self, response_us: i64) {
        let us = response_us.max(0);
        self.felt_us = us.clamp(self.felt_us / 2, self.felt_us.max(FLOOR).saturating_mul(2));
        let other = if self.slow { us < WELL } else { us > SLOW };
        self.turns = if other { self.turns + 1 } else { 0 };
        if self.turns >= IN_A_ROW {
            self.slow = !self.slow;
            self.turns = 0;
        }
    }

    /// Time to the next poll: as configured, and at least ten times what an answer takes, at most
    /// five minutes (or as configured).
    pub(super) fn interval(&self, settings: &Settings) -> Duration {
        let configured = settings.poll_us.max(SECOND / 10);
        let us = self.felt_us.saturating_mul(SHARE).min(MOST).max(configured);
        Duration::from_micros(us.unsigned_abs())
    }
}

fn zero(limit_bytes: i64) -> String {
    format!("the limit of the buffer is {} MB: its status calls answer with nothing", limit_bytes >> 20)
}

/// A time with a tenth of a second.
pub(super) fn seconds(us: i64) -> String {
    if us >= 60 * SECOND {
        return brief_duration(us);
    }
    format!("{}.{} s", us / SECOND, us % SECOND / (SECOND / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::appliance::poll::Stats;

    fn said(response_us: i64) -> Poll {
        let stats = Stats { limit_bytes: 1 << 30, ..Stats::default() };
        Poll { response_us, stats: Answer::Said(stats), ..Poll::default() }
    }

    #[test]
    fn slow_comes_and_goes_after_three() {
        let mut line = Line::default();
        let states: Vec<Contact> =
            [3, 3, 3, 1, 3, 0, 0, 0].map(|s| line.take(&said(s * SECOND), false).unwrap().0).to_vec();
        let s = Contact::Slow;
        let a = Contact::Answering;
        assert_eq!(states, [a, a, s, s, s, s, s, a]);
    }

    #[test]
    fn a_frozen_status_is_no_silence_and_an_empty_answer_is_told() {
        let mut line = Line::default();
        let frozen = Poll { services: Answer::Silent("time-out".into()), ..said(1000) };
        assert_eq!(line.take(&frozen, false).unwrap().0, Contact::Answering);
        let empty = Poll { stats: Answer::Unreadable("empty answer".into()), ..Poll::default() };
        assert_eq!(line.take(&empty, false).unwrap().0, Contact::Unreadable);
        assert_eq!(line.take(&empty, true).unwrap().0, Contact::LimitZero);
        let negative = Stats { limit_bytes: -5 << 20, ..Stats::default() };
        let negative = Poll { stats: Answer::Said(negative), ..Poll::default() };
        let (contact, why) = line.take(&negative, false).unwrap();
        assert!(contact == Contact::LimitZero && why.contains("-5 MB"), "{why}");
        assert_eq!(line.take(&Poll::default(), false), None);
    }

    #[test]
    fn a_slow_appliance_is_asked_less_often() {
        let settings = Settings::default();
        let mut line = Line::default();
        assert_eq!(line.interval(&settings), Duration::from_secs(5));
        for _ in 0..2 {
            line.take(&said(900_000), false);
        }
        assert_eq!(line.interval(&settings), Duration::from_secs(9));
        for _ in 0..6 {
            line.take(&said(200 * SECOND), false);
        }
        assert_eq!(line.interval(&settings), Duration::from_secs(300));
        let rare = Settings { poll_us: 600 * SECOND, ..settings };
        assert_eq!(line.interval(&rare), Duration::from_secs(600));
    }

    #[test]
    fn one_late_answer_makes_nobody_look_away() {
        let settings = Settings::default();
        let mut line = Line::default();
        line.take(&said(2_000), false);
        line.take(&said(4_500_000), false);
        assert_eq!(line.interval(&settings), Duration::from_secs(5));
        line.take(&said(2_000), false);
        assert_eq!(line.interval(&settings), Duration::from_secs(5));
        let seen: Vec<u64> = (0..6)
            .map(|_| {
                line.take(&said(2 * SECOND), false);
                line.interval(&settings).as_secs()
            })
            .collect();
        assert_eq!(seen, [5, 10, 20, 20, 20, 20], "one that stays slow is asked less within a few polls");
    }
}
