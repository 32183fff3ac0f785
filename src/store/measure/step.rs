//! One step of the past as it is stored: the appliance and each of its collectors.

use minicbor::{Decode, Encode};

use crate::model::appliance::state::Contact;
use crate::model::appliance::{ApplianceState, Point};
use crate::model::time::Ts;

/// Everything of an appliance in one step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Step {
    #[n(0)]
    polls: u32,
    #[n(1)]
    answered: u32,
    #[n(2)]
    response_us: i64,
    #[n(3)]
    limit: Option<u64>,
    #[n(4)]
    whole: Series,
    #[n(5)]
    collectors: Vec<(String, Series)>,
}

/// The counters of one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Series {
    #[n(0)]
    records: Option<u64>,
    #[n(1)]
    pending: Option<u64>,
    #[n(2)]
    forwarded: Option<u64>,
    #[n(3)]
    bytes: Option<u64>,
    /// Sum of the rates, and of how many polls.
    #[n(4)]
    in_sum: u64,
    #[n(5)]
    in_n: u32,
    #[n(6)]
    out_sum: u64,
    #[n(7)]
    out_n: u32,
    #[n(8)]
    lost: u64,
}

impl Series {
    fn gauge(&mut self, records: Option<u64>, pending: Option<u64>, forwarded: Option<u64>, bytes: Option<u64>) {
        for (kept, now) in [
            (&mut self.records, records),
            (&mut self.pending, pending),
            (&mut self.forwarded, forwarded),
            (&mut self.bytes, bytes),
        ] {
            *kept = now.or(*kept);
        }
    }

    fn rate(&mut self, incoming: Option<u64>, outgoing: Option<u64>) {
        if let Some(rate) = incoming {
            self.in_sum = self.in_sum.saturating_add(rate);
            self.in_n += 1;
        }
        if let Some(rate) = outgoing {
            self.out_sum = self.out_sum.saturating_add(rate);
            self.out_n += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.gauge(other.records, other.pending, other.forwarded, other.bytes);
        self.in_sum = self.in_sum.saturating_add(other.in_sum);
        self.in_n += other.in_n;
        self.out_sum = self.out_sum.saturating_add(other.out_sum);
        self.out_n += other.out_n;
        self.lost = self.lost.saturating_add(other.lost);
    }
}

impl Step {
    /// Counts a poll.
    pub(crate) fn count(&mut self, state: &ApplianceState) {
        self.polls += 1;
        let answers = matches!(state.contact, Contact::Answering | Contact::Slow);
        if answers {
            self.answered += 1;
            self.response_us = self.response_us.max(state.response_us);
            self.limit = state.limit_bytes;
            self.whole.gauge(state.records, state.pending, state.forwarded, state.used_bytes);
            self.whole.rate(state.in_milli, state.out_milli);
            for c in &state.collectors {
                let series = self.series(&c.name);
                series.gauge(c.records, c.pending, c.forwarded, c.bytes);
                series.rate(c.in_milli, c.out_milli);
            }
        }
        // The state carries the last losses again and again; those of this poll are new.
        for loss in state.losses.iter().filter(|l| l.at == state.at) {
            if loss.collector.is_empty() {
                self.whole.lost = self.whole.lost.saturating_add(loss.records);
            } else {
                let series = self.series(&loss.collector);
                series.lost = series.lost.saturating_add(loss.records);
            }
        }
    }

    fn series(&mut self, name: &str) -> &mut Series {
        let at = self.collectors.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
            self.collectors.reserve_exact(1);
            self.collectors.push((name.to_owned(), Series::default()));
            self.collectors.len() - 1
        });
        &mut self.collectors[at].1
    }

    /// Puts a later step's counts on top.
    pub(crate) fn add(&mut self, later: &Self) {
        self.polls += later.polls;
        self.answered += later.answered;
        self.response_us = self.response_us.max(later.response_us);
        self.limit = later.limit.or(self.limit);
        self.whole.add(&later.whole);
        for (name, series) in &later.collectors {
            self.series(name).add(series);
        }
    }

    /// The step as a point of the whole appliance or of one collector.
    pub(crate) fn point(&self, at: i64, step_us: i64, collector: Option<&str>) -> Point {
        let nothing = Series::default();
        let series = match collector {
            None => &self.whole,
            Some(name) => self.collectors.iter().find(|(n, _)| n == name).map_or(&nothing, |(_, series)| series),
        };
        let mean = |sum: u64, n: u32| (n > 0).then(|| sum / u64::from(n));
        Point {
            at: Ts(at),
            step_us,
            polls: self.polls,
            answered: self.answered,
            records: series.records,
            pending: series.pending,
            forwarded: series.forwarded,
            bytes: series.bytes,
            limit: if collector.is_none() { self.limit } else { None },
            in_milli: mean(series.in_sum, series.in_n),
            out_milli: mean(series.out_sum, series.out_n),
            lost: series.lost,
            response_us: if collector.is_none() { self.response_us } else { 0 },
        }
    }
}
