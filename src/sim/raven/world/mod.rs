//! One appliance: its buffer service, its collectors, its configurations. Pure: the present is told to
//! it, and what happened since is worked out then.

pub(crate) mod buffer;
pub(crate) mod settings;
pub(crate) mod uplink;

use serde_json::Value;

use buffer::{Arrival, Buffer, Kind, MIB};
use settings::Settings;
use uplink::{Monitor, Target};

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// The past is played in steps of this many seconds, the present in steps of a few.
const STEP: i64 = 300 * SECOND;

/// A collector and what it takes in.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    pub(crate) service: &'static str,
    /// Records a second at the busiest hour.
    pub(crate) rate: f64,
    /// Bytes of a record before compression.
    pub(crate) size: f64,
    pub(crate) alive: bool,
    /// How often it was started again.
    pub(crate) starts: u32,
    /// Records that came in so far, as the line counts of the config service tell them.
    pub(crate) counted: f64,
    carry: f64,
}

impl Collector {
    pub(crate) const fn new(service: &'static str, rate: f64, size: f64) -> Self {
        Self { service, rate, size, alive: true, starts: 0, counted: 0.0, carry: 0.0 }
    }

    fn kind(&self) -> Kind {
        if self.service == "goflow2" { Kind::Flow } else { Kind::Other }
    }
}

/// The file of the appliance's configuration.
#[derive(Debug, Clone)]
pub(crate) enum Saved {
    Missing,
    Broken,
    Told(Value),
}

/// What is wrong with an appliance, beside what its state leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wrongs {
    /// Status and stats answer 200 with nothing.
    pub(crate) empty: bool,
    /// Status and stats answer 200 with this text.
    pub(crate) garbage: Option<String>,
    /// Every way to restart fails.
    pub(crate) restarts_fail: bool,
    /// A collector that is to listen on this port cannot: its start fails.
    pub(crate) denied_port: Option<u16>,
    /// Collectors come up on the ports that they had, whatever is configured.
    pub(crate) keeps_ports: bool,
    /// The appliance's configuration can be saved so often still; then the disk is full.
    pub(crate) saves_left: Option<u32>,
    /// A restart takes this long, ms.
    pub(crate) restart_ms: i64,
    /// The key that the config service asks for.
    pub(crate) key: Option<String>,
    /// The older software.
    pub(crate) old: bool,
    /// Calls take as long as a real one of that size takes.
    pub(crate) slow: bool,
    /// Every call of the buffer service takes this much longer, ms.
    pub(crate) delay_ms: i64,
}

/// An appliance.
#[derive(Debug)]
pub(crate) struct Appliance {
    now: i64,
    started: i64,
    pub(crate) settings: Settings,
    pub(crate) buffer: Buffer,
    pub(crate) monitor: Monitor,
    /// The buffer service runs.
    pub(crate) alive: bool,
    pub(crate) collectors: Vec<Collector>,
    pub(crate) saved: Saved,
    pub(crate) wrongs: Wrongs,
    /// Clients that write at the same time: each sees the buffer over its limit and makes room.
    pub(crate) writers: u64,
    /// Seconds after which something on the appliance asks for a replay, again and again.
    pub(crate) replay_every_s: Option<i64>,
    next_replay: i64,
    cleanup_every: i64,
    next_cleanup: i64,
    /// Loads follow the hours of the day.
    pub(crate) daily: bool,
    dice: fastrand::Rng,
}

impl Appliance {
    /// A shipped appliance that starts at `now`, µs since 1970, with an empty buffer.
    pub(crate) fn new(now: i64, seed: u64, settings: Settings, target: Target, width: i64) -> Self {
        let mut appliance = Self {
            now,
            started: now,
            monitor: Monitor::new(now, target, "", None),
            settings,
            buffer: Buffer::new(width),
            alive: true,
            collectors: Vec::new(),
            saved: Saved::Missing,
            wrongs: Wrongs::default(),
            writers: 1,
            replay_every_s: None,
            next_replay: now,
            cleanup_every: 0,
            next_cleanup: 0,
            daily: false,
            dice: fastrand::Rng::with_seed(seed),
        };
        appliance.start();
        appliance
    }

    /// The buffer service starts: some settings are read now and never again, some kill it.
    pub(crate) fn start(&mut self) {
        self.alive = !self.settings.kills();
        if !self.alive {
            return;
        }
        let every = self.settings.vpn_failover_enabled.then_some(self.settings.vpn_check_interval_seconds);
        self.monitor = Monitor::new(self.now, self.monitor.target, &self.settings.forwarding_url, every);
        self.cleanup_every = self.settings.cleanup_interval_minutes.saturating_mul(60 * SECOND);
        self.next_cleanup = self.now.saturating_add(self.cleanup_every);
    }

    /// µs since 1970.
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Unix seconds.
    pub(crate) const fn clock(&self) -> i64 {
        self.now.div_euclid(SECOND)
    }

    /// Seconds since the appliance was switched on.
    pub(crate) const fn uptime(&self) -> i64 {
        (self.now - self.started) / SECOND
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, to: i64) {
        while self.now < to {
            let step = STEP.min(to - self.now);
            self.now += step;
            self.monitor.advance(self.now);
            self.collect(step);
            if self.alive && self.cleanup_every > 0 && self.now >= self.next_cleanup {
                self.buffer.expire(self.clock());
                self.next_cleanup = self.now + self.cleanup_every;
            }
            if let Some(every) = self.replay_every_s
                && self.alive
                && self.monitor.connected
                && self.now >= self.next_replay
            {
                self.buffer.forward(1000);
                self.next_replay = self.now + every.max(1) * SECOND;
            }
        }
    }

    /// Share of the busiest hour, by the time of the day.
    fn share(&self) -> f64 {
        if !self.daily {
            return 1.0;
        }
        let hour = self.clock().rem_euclid(86_400) as f64 / 3600.0;
        let busy = ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos().mul_add(0.5, 0.5);
        busy.mul_add(0.7, 0.3)
    }

    fn collect(&mut self, step: i64) {
        let share = self.share();
        let seconds = step as f64 / SECOND as f64;
        for n in 0..self.collectors.len() {
            let noise = if self.daily { self.dice.f64().mul_add(0.3, 0.85) } else { 1.0 };
            let Some(collector) = self.collectors.get_mut(n).filter(|c| c.alive) else { continue };
            let came = (collector.rate * share * noise).mul_add(seconds, collector.carry);
            // While a probe holds the lock nothing is stored: it waits in memory, then comes at once.
            // In the long steps of a past that is neither here nor there.
            if self.monitor.frozen_until().is_some() && seconds < 30.0 && self.alive {
                collector.carry = came;
                continue;
            }
            if !self.alive {
                continue;
            }
            let whole = came.floor().max(0.0);
            collector.carry = came - whole;
            collector.counted += whole;
            let (service, kind, size) = (collector.service, collector.kind(), collector.size);
            self.store(service, kind, None, whole as u64, size);
        }
    }

    /// Stores records, with the overflow rules of the service. `claimed` is the time in the records.
    pub(crate) fn store(&mut self, service: &str, kind: Kind, claimed: Option<i64>, records: u64, size: f64) {
        // Sent on at once, and never stored.
        if self.settings.forwarding_enabled && self.monitor.connected {
            return;
        }
        let now = self.clock();
        let gzip = self.settings.gzips(service);
        let each = (if gzip { squeezed(size) } else { size }).round().max(1.0) as u64;
        let limit = self.settings.max_buffer_size_mb;
        let makes_room = !matches!(self.settings.overflow_action.as_str(), "drop_newest" | "compress_more");
        let mut left = records;
        while left > 0 {
            // One MiB late: whole MiB have to be more than the limit.
            if makes_room && self.buffer.mib() > limit {
                self.buffer.drop_oldest(1000 * self.writers);
            }
            let room = limit.saturating_add(1).saturating_mul(MIB).saturating_sub(self.buffer.bytes() as i64).max(0);
            let fit = if makes_room { (room as u64).div_ceil(each).max(1) } else { left };
            let part = fit.min(left);
            self.buffer.add(
                service,
                Arrival {
                    kind,
                    gzip,
                    at: claimed.unwrap_or(now),
                    now,
                    retention_s: self.settings.retention_s(service),
                    records: part,
                    bytes: part * each,
                },
            );
            left -= part;
        }
    }

    /// Load of a minute over its processors, %.
    pub(crate) fn load_pct(&self) -> i64 {
        let busy: f64 = self.collectors.iter().filter(|c| c.alive).map(|c| c.rate).sum();
        (busy * self.share() / 4.0) as i64 + 3
    }

    /// Memory used, %: the service grows with what it holds.
    pub(crate) const fn memory_pct(&self) -> i64 {
        let held = self.buffer.records() as i64 * 600;
        12 + held / 250_000_000
    }

    /// Disk used, %: the database is larger than what is stored in it.
    pub(crate) const fn disk_pct(&self) -> i64 {
        let held = self.buffer.bytes() as i64 * 17 / 10;
        9 + held / 126_000_000
    }

    /// A collector of this name.
    pub(crate) fn collector(&mut self, service: &str) -> Option<&mut Collector> {
        self.collectors.iter_mut().find(|c| c.service == service)
    }

    /// What a call takes beside the network, µs (facts: raven-run §5).
    pub(crate) fn takes(&self, path: &str) -> i64 {
        let records = self.buffer.records() as i64;
        let scan = match path {
            "/health" => records / 8,
            "/api/buffer/status" | "/api/v1/status" => records * 8 / 10,
            "/api/buffer/stats" | "/api/v1/buffer/stats" => records * 9 / 10,
            _ if path.starts_with("/api/buffer/stats/") => records * 2 / 10,
            _ => 0,
        };
        let scan = if self.wrongs.slow { scan } else { 0 };
        scan + self.wrongs.delay_ms * 1_000
    }
}

/// About what gzip makes of a record: small ones hardly shrink, large ones repeat themselves.
pub(crate) fn squeezed(size: f64) -> f64 {
    if size <= 1000.0 { size.mul_add(0.78, 24.0) } else { (size - 1000.0).mul_add(0.12, 804.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appliance(action: &str, writers: u64) -> Appliance {
        let settings = Settings {
            max_buffer_size_mb: 1,
            overflow_action: action.to_owned(),
            compression_enabled: false,
            vpn_failover_enabled: false,
            ..Settings::shipped()
        };
        Appliance { writers, ..Appliance::new(1_795_000_000 * SECOND, 1, settings, Target::Refuses, 1) }
    }

    /// Records after 400, 800, … sent (facts: raven-run §4).
    fn run(action: &str, writers: u64) -> (Vec<u64>, i64) {
        let mut a = appliance(action, writers);
        let steps = (0..6).map(|n| {
            a.advance(a.now() + SECOND);
            a.store("goflow2", Kind::Flow, None, 400, 1859.0);
            let _ = n;
            a.buffer.records()
        });
        let steps = steps.collect();
        (steps, a.buffer.mib())
    }

    #[test]
    fn a_full_buffer_does_what_the_real_one_does() {
        assert_eq!(run("drop_newest", 2), ((1..=6).map(|n| n * 400).collect(), 4));
        assert_eq!(run("compress_more", 2), ((1..=6).map(|n| n * 400).collect(), 4));
        // Two writers each make room for 1000: the buffer is emptied, what waits in it too.
        assert_eq!(run("drop_oldest", 2).0, [400, 800, 71, 471, 871, 142]);
        assert_eq!(run("explode", 2).0, [400, 800, 71, 471, 871, 142]);
        assert_eq!(run("drop_oldest", 1).0, [400, 800, 200, 600, 1000, 400]);
    }

    #[test]
    fn nothing_is_kept_without_a_retention() {
        let mut a = appliance("drop_oldest", 1);
        a.settings = Settings { max_buffer_size_mb: 500, ..Settings::default() };
        a.store("fluent-bit", Kind::Other, None, 1, 200.0);
        a.advance(a.now() + SECOND);
        a.buffer.expire(a.clock());
        assert_eq!(a.buffer.records(), 0);
        a.start();
        assert!(!a.alive);
    }

    #[test]
    fn what_is_forwarded_at_once_is_never_stored() {
        let settings = Settings { forwarding_enabled: true, ..Settings::shipped() };
        let mut a = Appliance::new(1_795_000_000 * SECOND, 1, settings, Target::Answers(2), 60);
        a.collectors.push(Collector::new("fluent-bit", 10.0, 200.0));
        a.advance(a.now() + 31 * SECOND);
        let early = a.buffer.records();
        a.advance(a.now() + 600 * SECOND);
        assert!(a.monitor.connected && a.buffer.records() == early);
    }
}
