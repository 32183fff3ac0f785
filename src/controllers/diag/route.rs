//! The bookkeeping of a trace: which probe comes next, which hop is complete, where it ends. Pure,
//! so that every order of answers can be tried.

use crate::model::diag::{Hop, Probe};

/// The probes of one trace; numbered from 0, `queries` of them to a hop.
#[derive(Debug)]
pub(super) struct Route {
    max_hops: u8,
    queries: u8,
    probes: Vec<Option<Probe>>,
    /// The nearest hop at which the way is known to end.
    end: Option<u8>,
    /// Hops told.
    told: u8,
}

impl Route {
    /// A trace of at most `max_hops`.
    pub(super) const fn new(max_hops: u8, queries: u8) -> Self {
        Self { max_hops, queries, probes: Vec::new(), end: None, told: 0 }
    }

    fn last_hop(&self) -> u8 {
        self.end.unwrap_or(self.max_hops).min(self.max_hops)
    }

    /// The hop that a probe asks for.
    fn ttl(&self, probe: usize) -> u8 {
        u8::try_from(probe / usize::from(self.queries) + 1).unwrap_or(u8::MAX)
    }

    /// Number and hop of the next probe to send; it counts as sent. `None` when all are.
    pub(super) fn send(&mut self) -> Option<(usize, u8)> {
        let probe = self.probes.len();
        let ttl = self.ttl(probe);
        (ttl <= self.last_hop()).then(|| {
            self.probes.push(None);
            (probe, ttl)
        })
    }

    /// Whether an answer to a probe is still wanted.
    pub(super) fn waits(&self, probe: usize) -> bool {
        self.probes.get(probe).is_some_and(Option::is_none) && self.ttl(probe) <= self.last_hop()
    }

    /// What became of a probe. Whether that was news.
    pub(super) fn settle(&mut self, probe: usize, result: Probe) -> bool {
        if !self.waits(probe) {
            return false;
        }
        let ttl = self.ttl(probe);
        if matches!(result, Probe::Target { .. } | Probe::Refused { .. } | Probe::Unsent(_)) {
            self.end = Some(self.end.map_or(ttl, |e| e.min(ttl)));
        }
        if let Some(slot) = self.probes.get_mut(probe) {
            *slot = Some(result);
        }
        true
    }

    fn hop(&self, ttl: u8) -> Option<Hop> {
        let (from, queries) = (usize::from(ttl - 1) * usize::from(self.queries), usize::from(self.queries));
        let probes: Option<Vec<Probe>> = self.probes.get(from..from + queries)?.iter().cloned().collect();
        Some(Hop { ttl, probes: probes? })
    }

    /// The hops that became complete, in order, each once.
    pub(super) fn ready(&mut self) -> Vec<Hop> {
        let mut out = Vec::new();
        while self.told < self.last_hop()
            && let Some(hop) = self.hop(self.told + 1)
        {
            self.told += 1;
            out.push(hop);
        }
        out
    }

    /// Whether every hop is complete up to the end.
    pub(super) fn is_done(&self) -> bool {
        self.told >= self.last_hop()
    }

    /// What is known of the hops that are not complete: for a trace that is ended early.
    pub(super) fn rest(&self) -> Vec<Hop> {
        let known = |ttl: u8| {
            let (from, queries) = (usize::from(ttl - 1) * usize::from(self.queries), usize::from(self.queries));
            let some = self.probes.iter().skip(from).take(queries).flatten().cloned().collect::<Vec<_>>();
            (!some.is_empty()).then_some(Hop { ttl, probes: some })
        };
        (self.told + 1..=self.last_hop()).map_while(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::model::diag::Unreach;

    const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn result(kind: u8) -> Probe {
        match kind {
            0 => Probe::Target { from: ROUTER, rtt_us: 1 },
            1 => Probe::Refused { from: None, rtt_us: 1, why: Unreach::Host },
            2 | 3 => Probe::Silent,
            _ => Probe::Hop { from: ROUTER, rtt_us: 1 },
        }
    }

    #[test]
    fn probes_beyond_the_target_are_neither_sent_nor_shown() {
        let mut route = Route::new(30, 2);
        let sent: Vec<_> = (0..8).filter_map(|_| route.send()).collect();
        assert_eq!(sent[7], (7, 4));
        for probe in [7, 6, 4, 5] {
            assert!(route.settle(probe, result(0)));
        }
        assert_eq!(route.send(), None, "the target is at hop 3 at the latest");
        assert!(route.ready().is_empty(), "hop 1 is not complete");
        assert!(route.settle(0, result(9)) && !route.settle(0, result(9)));
        assert!(route.settle(1, Probe::Silent));
        assert_eq!(route.ready().len(), 1);
        assert_eq!(route.rest(), [], "nothing is known of hop 2");
        assert!(route.settle(2, result(9)));
        assert_eq!(route.rest().iter().map(|h| (h.ttl, h.probes.len())).collect::<Vec<_>>(), [(2, 1), (3, 2)]);
        assert!(route.settle(3, result(0)), "an answer nearer than the others moves the end");
        assert_eq!(route.ready().len(), 1);
        assert!(route.is_done());
    }

    proptest! {
        #[test]
        fn every_trace_ends_with_hops_in_order(
            max in 1_u8..12,
            queries in 1_u8..4,
            answers in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..10), 0..200),
        ) {
            let mut route = Route::new(max, queries);
            let (mut open, mut hops): (Vec<usize>, Vec<Hop>) = (Vec::new(), Vec::new());
            let mut answers = answers.into_iter();
            while !route.is_done() {
                while open.len() < 5 && let Some((probe, ttl)) = route.send() {
                    prop_assert!(ttl >= 1 && ttl <= max);
                    open.push(probe);
                }
                open.retain(|p| route.waits(*p));
                prop_assert!(!open.is_empty(), "nothing to wait for and not done");
                let (which, kind) = answers.next().map_or((0, 2), |(i, kind)| (i.index(open.len()), kind));
                let probe = open.swap_remove(which);
                prop_assert!(route.settle(probe, result(kind)));
                hops.extend(route.ready());
            }
            for (i, hop) in hops.iter().enumerate() {
                prop_assert_eq!(usize::from(hop.ttl), i + 1);
                prop_assert_eq!(hop.probes.len(), usize::from(queries));
            }
            prop_assert!(hops.len() <= usize::from(max));
            let ends = hops.iter().rev().skip(1).filter(|h| h.is_end()).count();
            prop_assert_eq!(ends, 0, "only the last hop ends the way");
        }
    }
}
