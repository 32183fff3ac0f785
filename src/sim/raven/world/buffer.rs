//! What is stored: records in lots (so many, so large, from then to then), never one by one, so that a
//! buffer of a million costs no more than one of ten.

use std::collections::{BTreeMap, VecDeque};

/// Bytes of a MiB.
pub(crate) const MIB: i64 = 1 << 20;

/// What a record holds. Flows are what a compressed replay is stuck at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Flow,
    Other,
}

/// Records of one service that came in together. Times are Unix seconds, as records claim them.
#[derive(Debug, Clone)]
struct Lot {
    kind: Kind,
    gzip: bool,
    first: i64,
    last: i64,
    /// The service's clock minus the claimed time.
    behind: i64,
    retention_s: i64,
    records: u64,
    bytes: u64,
    /// Of them forwarded: the oldest.
    forwarded: u64,
}

impl Lot {
    const fn pending(&self) -> u64 {
        self.records - self.forwarded
    }

    /// When its n-th record is from, as if they had come evenly.
    fn at(&self, n: u64) -> i64 {
        let span = i128::from(self.last) - i128::from(self.first);
        self.first.saturating_add((span * i128::from(n) / i128::from(self.records.max(1))) as i64)
    }

    /// Takes the oldest away.
    fn take(&mut self, n: u64) {
        let n = n.min(self.records);
        let first = self.at(n);
        self.bytes -= (u128::from(self.bytes) * u128::from(n) / u128::from(self.records.max(1))) as u64;
        self.records -= n;
        self.forwarded = self.forwarded.saturating_sub(n);
        self.first = first;
    }
}

/// How a service stands, as its own call tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
    pub(crate) forwarded: u64,
}

/// Records to store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) kind: Kind,
    pub(crate) gzip: bool,
    /// Claimed, Unix seconds.
    pub(crate) at: i64,
    /// The service's clock, Unix seconds.
    pub(crate) now: i64,
    pub(crate) retention_s: i64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// All that is stored.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    services: BTreeMap<String, VecDeque<Lot>>,
    records: u64,
    bytes: u64,
    /// Seconds that records are kept together for.
    width: i64,
}

impl Buffer {
    pub(crate) fn new(width: i64) -> Self {
        Self { width: width.max(1), ..Self::default() }
    }

    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whole MiB, rounded down: what the limit is held against.
    pub(crate) const fn mib(&self) -> i64 {
        self.bytes as i64 / MIB
    }

    pub(crate) fn add(&mut self, service: &str, new: Arrival) {
        let lots = match self.services.get_mut(service) {
            Some(lots) => lots,
            None => self.services.entry(service.to_owned()).or_default(),
        };
        self.records += new.records;
        self.bytes += new.bytes;
        let Arrival { kind, gzip, at, now, retention_s, records, bytes } = new;
        let behind = now.saturating_sub(at);
        if let Some(lot) = lots.back_mut() {
            let together = lot.kind == kind
                && lot.gzip == gzip
                && lot.retention_s == retention_s
                && lot.behind == behind
                && lot.forwarded == 0
                && at >= lot.last
                && at.div_euclid(self.width) == lot.first.div_euclid(self.width);
            if together {
                lot.last = at;
                lot.records += records;
                lot.bytes += bytes;
                return;
            }
        }
        let lot = Lot { kind, gzip, first: at, last: at, behind, retention_s, records, bytes, forwarded: 0 };
        let place = lots.iter().rposition(|l| l.first <= at).map_or(0, |i| i + 1);
        lots.insert(place, lot);
    }

    /// How one service stands; one that nobody knows has nothing.
    pub(crate) fn sums(&self, service: &str) -> Sums {
        let mut sums = Sums::default();
        let Some(lots) = self.services.get(service) else { return sums };
        for lot in lots {
            sums.records += lot.records;
            sums.bytes += lot.bytes;
            sums.forwarded += lot.forwarded;
            sums.newest = if sums.records == lot.records { lot.last } else { sums.newest.max(lot.last) };
        }
        sums.oldest = lots.front().map_or(0, |lot| lot.first);
        sums
    }

    /// Oldest and newest of all; zeros when empty.
    pub(crate) fn ends(&self) -> (i64, i64) {
        let mut ends: Option<(i64, i64)> = None;
        for lot in self.services.values().flatten() {
            let (oldest, newest) = ends.unwrap_or((lot.first, lot.last));
            ends = Some((oldest.min(lot.first), newest.max(lot.last)));
        }
        ends.unwrap_or_default()
    }

    /// Deletes the oldest, forwarded or not. Records of several services that are about as old go
    /// together.
    pub(crate) fn drop_oldest(&mut self, most: u64) {
        let mut left = most;
        while left > 0 {
            let firsts = self.services.values().filter_map(|lots| lots.front()).map(|lot| lot.first);
            let Some(oldest) = firsts.min() else { return };
            let near = oldest.saturating_add(self.width);
            let fronts = self.services.values().filter_map(|lots| lots.front()).filter(|lot| lot.first <= near);
            let there: u64 = fronts.map(|lot| lot.records).sum();
            let whole = left;
            for lots in self.services.values_mut() {
                let Some(lot) = lots.front_mut().filter(|lot| lot.first <= near) else { continue };
                let share = if there <= whole {
                    lot.records
                } else {
                    (u128::from(whole) * u128::from(lot.records)).div_ceil(u128::from(there)) as u64
                };
                let share = share.min(left).min(lot.records);
                let before = lot.bytes;
                lot.take(share);
                self.records -= share;
                self.bytes -= before - lot.bytes;
                left -= share;
                if lot.records == 0 {
                    lots.pop_front();
                }
            }
        }
    }

    /// Deletes what is past its time.
    pub(crate) fn expire(&mut self, now: i64) {
        for lots in self.services.values_mut() {
            for lot in lots.iter_mut() {
                let limit = now.saturating_sub(lot.retention_s).saturating_sub(lot.behind);
                let gone = if lot.last <= limit {
                    lot.records
                } else if lot.first <= limit {
                    let (past, span) = (limit - lot.first, (lot.last - lot.first).max(1));
                    (i128::from(lot.records) * i128::from(past) / i128::from(span)) as u64
                } else {
                    0
                };
                let before = lot.bytes;
                lot.take(gone);
                self.records -= gone;
                self.bytes -= before - lot.bytes;
            }
            lots.retain(|lot| lot.records > 0);
        }
    }

    /// Marks the oldest that were not forwarded as such, as a replay does. It stops at the first flow
    /// that is stored compressed, and is stopped there the next time too.
    pub(crate) fn forward(&mut self, most: u64) -> u64 {
        let mut sent = 0;
        while sent < most {
            let waiting = self.services.values_mut().flatten().filter(|lot| lot.pending() > 0);
            let Some(lot) = waiting.min_by_key(|lot| lot.at(lot.forwarded)) else { return sent };
            if lot.kind == Kind::Flow && lot.gzip {
                return sent;
            }
            // In parts, so that services take turns as their records did when they came.
            let part = (lot.records / 20).max(1).min(lot.pending()).min(most - sent);
            lot.forwarded += part;
            sent += part;
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arrival(kind: Kind, gzip: bool, at: i64, records: u64) -> Arrival {
        Arrival { kind, gzip, at, now: at, retention_s: 3600, records, bytes: records * 100 }
    }

    #[test]
    fn a_compressed_flow_stops_a_replay_for_ever() {
        let mut buffer = Buffer::new(1);
        buffer.add("fluent-bit", arrival(Kind::Other, true, 10, 4));
        buffer.add("goflow2", arrival(Kind::Flow, true, 11, 1));
        buffer.add("vector", arrival(Kind::Other, true, 12, 5));
        assert_eq!((buffer.forward(1000), buffer.forward(1000)), (4, 0));
        assert_eq!((buffer.sums("fluent-bit").forwarded, buffer.sums("vector").forwarded), (4, 0));
        let mut plain = Buffer::new(1);
        plain.add("goflow2", arrival(Kind::Flow, false, 11, 1500));
        assert_eq!((plain.forward(1000), plain.forward(1000), plain.forward(1000)), (1000, 500, 0));
    }

    proptest! {
        #[test]
        fn sums_hold_whatever_happens(
            steps in proptest::collection::vec((0_usize..5, 0_u64..2000, -50_i64..5000), 1..60)
        ) {
            let names = ["a", "b", "c"];
            let mut buffer = Buffer::new(60);
            for (n, (what, much, at)) in steps.into_iter().enumerate() {
                let before = buffer.records();
                match what {
                    0 | 1 => {
                        let kind = if n % 3 == 0 { Kind::Flow } else { Kind::Other };
                        buffer.add(names[n % 3], arrival(kind, n % 2 == 0, at, much + 1));
                        prop_assert_eq!(buffer.records(), before + much + 1);
                    }
                    2 => {
                        buffer.drop_oldest(much);
                        prop_assert_eq!(buffer.records(), before.saturating_sub(much));
                    }
                    3 => { buffer.forward(much); prop_assert_eq!(buffer.records(), before); }
                    _ => buffer.expire(at + 3600),
                }
                let sums = names.map(|name| buffer.sums(name));
                prop_assert_eq!(sums.iter().map(|s| s.records).sum::<u64>(), buffer.records());
                prop_assert_eq!(sums.iter().map(|s| s.bytes).sum::<u64>(), buffer.bytes());
                for s in sums {
                    prop_assert!(s.forwarded <= s.records && (s.records == 0 || s.oldest <= s.newest));
                }
            }
        }
    }
}
