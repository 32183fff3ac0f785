//! Counts what becomes of echo requests: pure, so that every order of answers can be tried.

use std::net::IpAddr;

use super::{PingEvent, PingOutcome, Unreach};

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Answered,
    Lost,
}

/// The book of one run. Requests are numbered from 1 in the order they are sent.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    states: Vec<State>,
    highest: u32,
    out: PingOutcome,
}

impl Tally {
    /// A new request goes out; its number.
    pub fn sent(&mut self) -> u32 {
        self.states.push(State::Waiting);
        self.out.rtt_us.push(None);
        self.out.sent += 1;
        self.states.len() as u32
    }

    /// The system did not send the request it was given last.
    pub fn unsent(&mut self, seq: u32, why: &str) -> Option<PingEvent> {
        self.leave(seq)?;
        self.out.sent = self.out.sent.saturating_sub(1);
        self.out.unsent += 1;
        self.out.unsent_why = why.to_owned();
        Some(PingEvent::Unsent { seq, why: why.to_owned() })
    }

    /// An answer came. `None` when it answers nothing that was sent.
    pub fn reply(&mut self, seq: u32, rtt_us: u64, bytes: usize, hop_limit: Option<u8>) -> Option<PingEvent> {
        let state = self.states.get_mut(index(seq)?)?;
        match state {
            State::Answered => {
                self.out.duplicates += 1;
                Some(PingEvent::Duplicate { seq, rtt_us })
            }
            State::Lost => {
                self.out.late += 1;
                Some(PingEvent::Late { seq, rtt_us })
            }
            State::Waiting => {
                *state = State::Answered;
                let out_of_order = seq < self.highest;
                self.highest = self.highest.max(seq);
                self.out.out_of_order += u32::from(out_of_order);
                self.out.received += 1;
                self.out.hop_limit = hop_limit.or(self.out.hop_limit);
                if let Some(slot) = self.out.rtt_us.get_mut(index(seq)?) {
                    *slot = Some(rtt_us);
                }
                Some(PingEvent::Reply { seq, bytes, hop_limit, rtt_us, out_of_order })
            }
        }
    }

    /// An answer came with other bytes than were sent.
    pub fn corrupt(&mut self, seq: u32) -> Option<PingEvent> {
        self.states.get(index(seq)?)?;
        self.out.corrupt += 1;
        self.leave(seq);
        Some(PingEvent::Corrupt { seq })
    }

    /// A request is given up.
    pub fn timeout(&mut self, seq: u32) -> Option<PingEvent> {
        self.leave(seq)?;
        Some(PingEvent::Timeout { seq })
    }

    /// A request came back.
    pub fn unreachable(&mut self, seq: u32, from: Option<IpAddr>, why: Unreach) -> Option<PingEvent> {
        self.leave(seq)?;
        match self.out.unreachable.iter_mut().find(|(f, w, _)| *f == from && *w == why) {
            Some((.., n)) => *n += 1,
            None => self.out.unreachable.push((from, why, 1)),
        }
        Some(PingEvent::Unreachable { seq, from, why })
    }

    /// Whether an answer to a request is waited for.
    #[must_use]
    pub fn waits(&self, seq: u32) -> bool {
        index(seq).and_then(|i| self.states.get(i)) == Some(&State::Waiting)
    }

    /// The figures so far.
    #[must_use]
    pub fn outcome(&self) -> PingOutcome {
        let pending = self.states.iter().filter(|s| **s == State::Waiting).count() as u32;
        PingOutcome { pending, ..self.out.clone() }
    }

    /// From waiting to lost; `None` when it did not wait.
    fn leave(&mut self, seq: u32) -> Option<()> {
        let state = self.states.get_mut(index(seq)?)?;
        (*state == State::Waiting).then(|| *state = State::Lost)
    }
}

fn index(seq: u32) -> Option<usize> {
    seq.checked_sub(1).map(|i| i as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicates_late_and_disordered_answers_are_told() {
        let mut tally = Tally::default();
        for _ in 0..4 {
            tally.sent();
        }
        assert!(matches!(tally.reply(2, 10, 8, Some(64)), Some(PingEvent::Reply { out_of_order: false, .. })));
        assert!(matches!(tally.reply(1, 30, 8, None), Some(PingEvent::Reply { out_of_order: true, .. })));
        assert_eq!(tally.reply(1, 40, 8, None), Some(PingEvent::Duplicate { seq: 1, rtt_us: 40 }));
        assert_eq!(tally.timeout(3), Some(PingEvent::Timeout { seq: 3 }));
        assert_eq!(tally.timeout(3), None);
        assert_eq!(tally.reply(3, 99, 8, None), Some(PingEvent::Late { seq: 3, rtt_us: 99 }));
        assert_eq!(tally.reply(9, 1, 8, None), None);
        assert_eq!(tally.reply(0, 1, 8, None), None);
        let out = tally.outcome();
        assert_eq!(
            (out.sent, out.received, out.duplicates, out.out_of_order, out.late, out.pending),
            (4, 2, 1, 1, 1, 1)
        );
        assert_eq!(out.rtt_us, [Some(30), Some(10), None, None]);
        assert!((out.loss_percent() - 100.0 / 3.0).abs() < 1e-9, "what is waited for is not lost yet");
        assert_eq!(out.hop_limit, Some(64));
    }

    proptest! {
        #[test]
        fn every_request_ends_once(steps in proptest::collection::vec((0_u8..6, 0_u32..12, 0_u64..1000), 0..120)) {
            let mut tally = Tally::default();
            for (what, seq, rtt) in steps {
                match what {
                    0 => { tally.sent(); }
                    1 => { tally.reply(seq, rtt, 0, None); }
                    2 => { tally.timeout(seq); }
                    3 => { tally.corrupt(seq); }
                    4 => { tally.unsent(seq, "why"); }
                    _ => { tally.unreachable(seq, None, Unreach::Host); }
                }
                let out = tally.outcome();
                let back: u32 = out.unreachable.iter().map(|(.., n)| n).sum();
                prop_assert!(out.received + out.pending + back <= out.sent);
                prop_assert_eq!(out.rtt_us.len() as u32, out.sent + out.unsent);
                prop_assert_eq!(out.rtt_us.iter().flatten().count() as u32, out.received);
                prop_assert!((0.0..=100.0).contains(&out.loss_percent()));
            }
        }
    }
}
