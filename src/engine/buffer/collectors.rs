//! One service of an appliance over time: its part of the buffer, its process, its ports, and whether
//! data comes in.

use super::forecast::{self, course};
use super::losses::{Change, Day, Setting, Sight, compare};
use super::ports::Process;
use super::rates::{Counter, Left, Meter};
use super::settings::{Service, Settings};
use super::timeline::{Tick, Timeline};
use super::trend::{RECORDS, Trend};
use crate::model::appliance::BufferConfig;
use crate::model::appliance::poll::{MeterKind, ServiceStats};
use crate::model::appliance::state::{CollectorState, Flow};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts};

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// As it is told.
    pub(super) state: CollectorState,
    /// As configured in noctule; `None`: the appliance told of it.
    pub(super) service: Option<Service>,
    /// Its process.
    pub(super) process: Process,
    /// Sum of its losses.
    pub(super) day: Day,
    sight: Option<(i64, Sight)>,
    coming: Counter,
    going: Counter,
    meters: Vec<(MeterKind, Meter)>,
    total: Option<u64>,
    trend: Option<Trend>,
    /// Steady times: its counter was read, it rose; and since when it is watched.
    read: Option<i64>,
    rose: Option<i64>,
    watched: i64,
    /// When a meter of received records was read.
    metered: Option<i64>,
}

/// What is to be known beside the counters to say whether data comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    /// Records are sent on at once and never stored.
    pub(super) direct: bool,
    /// Silence begins after, µs.
    pub(super) silent_us: i64,
}

impl Part {
    pub(super) fn new(name: &str, service: Option<Service>, now: i64) -> Self {
        let state = CollectorState {
            name: clean(name).into_owned(),
            collects: service.as_ref().map(|s| s.collects.clone()).unwrap_or_default(),
            critical: service.as_ref().is_some_and(|s| s.critical),
            ..CollectorState::default()
        };
        Self {
            state,
            service,
            process: Process::default(),
            day: Day::default(),
            sight: None,
            coming: Counter::default(),
            going: Counter::default(),
            meters: Vec::new(),
            total: None,
            trend: None,
            read: None,
            rose: None,
            watched: now,
            metered: None,
        }
    }

    /// Goes on from what was known before noctule was restarted.
    pub(super) fn resume(&mut self, last: &CollectorState, at: Ts, time: &Timeline) {
        let now = time.of(at);
        self.watched = now;
        self.process.resume(last.process, last.process_since, last.restarts);
        if let Some(records) = last.records {
            self.coming.resume(now, records, last.in_milli);
            let trusted = |t: Ts| if last.absurd_time { Ts::NEVER } else { t };
            let sight = Sight {
                records,
                pending: last.pending,
                forwarded: last.forwarded,
                oldest: trusted(last.oldest),
                newest: trusted(last.newest),
            };
            self.sight = Some((now, sight));
        }
        if let Some(forwarded) = last.forwarded {
            self.going.resume(now, forwarded, last.out_milli);
        }
        if last.last_data.is_set() {
            self.rose = Some(time.of(last.last_data));
        }
        if last.lost_day > 0 {
            self.day.add(at, last.lost_day);
        }
        let critical = self.state.critical;
        self.state = CollectorState { critical, collects: self.state.collects.clone(), ..last.clone() };
        self.want_trend();
    }

    fn want_trend(&mut self) {
        if self.state.quota_records.is_none() {
            self.trend = None;
        } else if self.trend.is_none() {
            self.trend = Some(Trend::new(RECORDS));
        }
    }

    /// The clock jumped.
    pub(super) fn skip(&mut self) {
        self.coming.skip();
        self.going.skip();
    }

    /// What the configuration says of it.
    pub(super) fn configure(&mut self, config: &BufferConfig) {
        let name = self.state.name.clone();
        self.state.quota_records = config.quota_records(&name);
        self.state.retention_hours = config.retention_hours(&name);
        self.state.compression = clean(config.compression_of(&name)).into_owned();
        self.state.priority = config.priority_of(&name);
        self.want_trend();
    }

    /// Takes its full counters; says what left it.
    pub(super) fn read(&mut self, tick: Tick, told: &ServiceStats, how: &Setting) -> Change {
        let change = self.count(tick, Sight::part(told), how);
        let s = &mut self.state;
        s.bytes = Some(told.bytes);
        s.pending = Some(told.pending);
        s.forwarded = Some(told.forwarded);
        s.oldest = told.oldest;
        s.newest = told.newest;
        s.absurd_time = told.absurd_time;
        self.going.read(tick, told.forwarded, Left::Count(0));
        change
    }

    /// Takes nothing but its number of records, which the heartbeat tells.
    pub(super) fn read_records(&mut self, tick: Tick, records: u64, how: &Setting) -> Change {
        let before = self.sight.map(|(_, s)| s).unwrap_or_default();
        let sight = Sight { records, pending: None, forwarded: None, ..before };
        self.count(tick, sight, how)
    }

    fn count(&mut self, tick: Tick, sight: Sight, how: &Setting) -> Change {
        let none = Change { left: Left::Count(0), cause: None, lost: None };
        let change = match &self.sight {
            Some((then, before)) => {
                let kept = self.state.retention_hours.map(|h| h.saturating_mul(3600 * SECOND)).or(how.retention);
                let passed = tick.now.saturating_sub(*then);
                let rate = self.coming.milli(tick.now);
                compare(before, &sight, &Setting { passed, rate, retention: kept, ..*how })
            }
            None => none,
        };
        let rises = match &self.sight {
            Some((_, before)) => {
                sight.records > before.records || sight.newest > before.newest && before.newest.is_set()
            }
            None => false,
        };
        if rises {
            self.rose(tick);
        }
        if self.sight.is_none() && self.rose.is_none() && sight.newest.is_set() {
            // Seen for the first time: the newest record says when something came in last.
            let age = tick.at.since(sight.newest).max(0);
            self.rose = Some(tick.now.saturating_sub(age));
            self.state.last_data = sight.newest.min(tick.at);
        }
        self.coming.read(tick, sight.records, change.left);
        if let Some(trend) = self.trend.as_mut() {
            if self.sight.is_some_and(|(_, before)| before.records / 4 * 3 > sight.records) {
                trend.fell(true);
            }
            trend.add(tick.now, sight.records);
        }
        self.read = Some(tick.now);
        self.state.records = Some(sight.records);
        let before = self.sight.map(|(_, s)| s).unwrap_or_default();
        // What the heartbeat does not tell stays as it was told last.
        let kept = Sight {
            pending: sight.pending.or(before.pending),
            forwarded: sight.forwarded.or(before.forwarded),
            ..sight
        };
        self.sight = Some((tick.now, kept));
        change
    }

    fn rose(&mut self, tick: Tick) {
        self.rose = Some(tick.now);
        self.state.last_data = tick.at;
    }

    /// Takes a counter of the collector's own.
    pub(super) fn meter(&mut self, tick: Tick, what: MeterKind, value: f64) {
        let at = self.meters.iter().position(|(k, _)| *k == what).unwrap_or_else(|| {
            self.meters.push((what, Meter::default()));
            self.meters.len() - 1
        });
        let rose = self.meters.get_mut(at).is_some_and(|(_, m)| m.read(tick.now, value));
        if what == MeterKind::Received {
            self.metered = Some(tick.now);
            if rose {
                self.rose(tick);
            }
        }
    }

    /// Takes the total that the config service has measured. Its files rotate: a fall says nothing.
    pub(super) fn total(&mut self, tick: Tick, total: u64) {
        if self.total.is_some_and(|before| total > before) {
            self.rose(tick);
        }
        self.total = Some(total);
    }

    /// Works out what follows from the counters.
    pub(super) fn settle(&mut self, tick: Tick, traffic: Traffic) {
        let now = tick.now;
        let stored = self.coming.milli(now);
        // What is sent on at once is not stored: no rise is no measurement then.
        self.state.in_milli = stored.filter(|n| *n > 0 || !traffic.direct);
        self.state.out_milli = self.going.milli(now);
        self.state.meters = self.meters.iter().filter_map(|(k, m)| Some((*k, m.milli(now)?))).collect();
        self.state.flow = self.flow(now, traffic);
        self.state.lost_day = self.day.sum(tick.at);
        self.state.process = self.process.state;
        self.state.process_since = self.process.since;
        self.state.restarts = self.process.restarts;
        if self.service.is_none() {
            self.state.critical = self.process.critical.unwrap_or_default();
        }
        let quota = self.state.quota_records.zip(self.state.records);
        self.state.quota_permille = quota.and_then(|(q, n)| n.saturating_mul(1000).checked_div(q));
        self.state.quota_full = match (quota, &self.trend) {
            (Some((quota, records)), Some(trend)) => forecast::quota(course(trend, now, records, 1.0), records, quota),
            _ => forecast::unknown("no quota is configured"),
        };
    }

    fn flow(&self, now: i64, traffic: Traffic) -> Flow {
        let within = |t: Option<i64>| t.is_some_and(|t| now.saturating_sub(t) < traffic.silent_us);
        let expected = self.service.as_ref().and_then(|s| s.expected);
        let collects = self.service.as_ref().is_none_or(|s| !s.collects.is_empty()) || expected == Some(true);
        let ever = self.rose.is_some() || self.state.records.is_some_and(|n| n > 0);
        if within(self.rose) {
            return Flow::Flowing;
        }
        if self.state.disabled || expected == Some(false) || !collects {
            return Flow::NotExpected;
        }
        let metered = within(self.metered);
        let blind = !metered && (traffic.direct || !within(self.read));
        if blind || now.saturating_sub(self.watched) < traffic.silent_us {
            return Flow::Unknown;
        }
        if expected.is_none() && !ever { Flow::NotExpected } else { Flow::Silent }
    }

    /// Bytes on the heap, about.
    pub(super) fn heap(&self) -> usize {
        self.coming.heap()
            + self.going.heap()
            + self.trend.as_ref().map_or(0, Trend::heap)
            + self.meters.capacity() * size_of::<(MeterKind, Meter)>()
            + self.state.name.len()
            + self.state.quota_full.method.len()
            + 200
    }
}

/// The services that noctule knows before anything is told.
pub(super) fn shipped(settings: &Settings) -> Vec<Part> {
    settings.services.iter().map(|s| Part::new(&s.name, Some(s.clone()), 0)).collect()
}
