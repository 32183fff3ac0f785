//! A fair: twelve appliances at its venues, each with a past and a story. Most are well and follow the
//! hours of the day; the others have what goes wrong with such appliances.

use super::world::settings::Settings;
use super::world::uplink::Target;
use super::world::{Appliance, Collector, SECOND, Saved};
use super::{RavenControl, RunningRaven, present, serve, shipped};
use crate::config::schema::Source;
use crate::model::appliance::poll::{Answer, ServiceStats, Stats, UplinkStatus, Version};
use crate::model::appliance::{BufferConfig, Poll};
use crate::model::time::Ts;
use crate::sim::Error;

/// The past is told in polls this far apart, s.
const STEP_S: i64 = 300;
/// The last hours of it are played in shorter ones, s.
const NEAR_S: i64 = 6 * 3_600;
const NEAR_STEP_S: i64 = 120;
/// And the last one in those that its curve is drawn of, s.
const LAST_STEP_S: i64 = 20;
/// Records are kept together for this long, s.
const WIDTH_S: i64 = 600;
const HOUR: i64 = 3600;

/// What an appliance goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Nothing: it keeps a day of records, its uplink is up.
    Well,
    /// Its uplink went away four days ago, and it has filled up since.
    Filling,
    /// Its uplink went away this morning; it is full within minutes, and drops from then on.
    Overflowing,
    /// The collector of syslog is dead, and its port goes on accepting.
    DeadCollector,
    /// Its uplink is back, and what was kept is being sent on.
    Replaying,
    /// Its uplink is back, and the replay is stuck at the first compressed flow.
    Stuck,
    /// Somebody set its limit to zero.
    LimitZero,
    /// Somebody posted half a configuration: it will not survive its next start.
    Dangerous,
    /// A million records make it slow.
    Slow,
    /// The older software.
    Old,
}

/// Name, story, hours of past, records a second at the busiest hour: syslog, flows, traps, events.
type Plan = (&'static str, Story, i64, [f64; 4]);

const PLANS: [Plan; 12] = [
    ("fair-hall-01", Story::Well, 30, [9.0, 14.0, 1.2, 3.0]),
    ("fair-hall-02", Story::Well, 30, [7.0, 11.0, 0.8, 2.0]),
    ("fair-hall-03", Story::Filling, 100, [4.0, 6.0, 0.5, 1.5]),
    ("fair-hall-04", Story::DeadCollector, 28, [6.0, 9.0, 0.7, 2.0]),
    ("fair-arena", Story::Slow, 30, [6.0, 7.0, 2.0, 1.5]),
    ("fair-congress", Story::Replaying, 30, [5.0, 4.0, 1.0, 1.0]),
    ("fair-north-gate", Story::Stuck, 30, [2.0, 3.0, 0.3, 0.2]),
    ("fair-south-gate", Story::LimitZero, 26, [2.0, 2.5, 0.3, 0.2]),
    ("fair-station", Story::Dangerous, 28, [3.0, 5.0, 0.4, 0.6]),
    ("fair-parking", Story::Well, 28, [0.6, 1.0, 0.2, 0.0]),
    ("fair-open-air", Story::Overflowing, 14, [8.0, 11.0, 1.0, 0.5]),
    ("fair-press-centre", Story::Old, 28, [3.0, 4.0, 0.2, 2.5]),
];

/// One moment of an appliance's past, as a poll would have told it.
#[derive(Debug, Clone)]
pub struct Past {
    /// The appliance's source.
    pub source: String,
    /// What it would have said, in the order of time.
    pub poll: Poll,
}

/// The simulator of the fair.
#[derive(Debug, Clone, Copy)]
pub struct Fair;

/// A fair that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct RunningFair {
    appliances: Vec<RunningRaven>,
    past: Vec<Past>,
}

impl Fair {
    /// Plays the past of all appliances and serves them. Needs a tokio runtime.
    ///
    /// # Errors
    /// No loopback port, or an impossible speed.
    pub async fn start(seed: u64, speed: f64) -> Result<RunningFair, Error> {
        if !(0.01..=1_000.0).contains(&speed) {
            return Err(Error::Speed(speed));
        }
        let now = present();
        let mut fair = RunningFair { appliances: Vec::new(), past: Vec::new() };
        for (n, plan) in PLANS.iter().enumerate() {
            let appliance = played(plan, seed.wrapping_mul(31).wrapping_add(n as u64), now, &mut fair.past);
            let with_ports = n == 0 || plan.1 == Story::DeadCollector;
            fair.appliances.push(serve(plan.0, appliance, speed, false, with_ports).await?);
        }
        Ok(fair)
    }
}

impl RunningFair {
    /// The sources that watch the appliances.
    #[must_use]
    pub fn config(&self) -> Vec<Source> {
        self.appliances.iter().map(RunningRaven::config).collect()
    }

    /// The past of all appliances in steps of minutes, each in the order of time. Taken once: it is for
    /// a cache that is to know it.
    #[must_use]
    pub fn take_past(&mut self) -> Vec<Past> {
        std::mem::take(&mut self.past)
    }

    /// What makes things happen to an appliance.
    #[must_use]
    pub fn control(&self, name: &str) -> Option<RavenControl> {
        self.appliances.iter().find(|a| a.name == name).map(RunningRaven::control)
    }

    /// Stops the servers; connections are closed.
    pub fn stop(self) {}
}

/// An appliance with its past played up to `now`.
fn played(plan: &Plan, seed: u64, now: i64, past: &mut Vec<Past>) -> Appliance {
    let (name, story, hours, rates) = *plan;
    let mut settings = Settings {
        forwarding_url: "https://collector.example.net/api/ingest".to_owned(),
        cleanup_interval_minutes: 15,
        ..Settings::shipped()
    };
    // A day of records is what the venues keep.
    let kept = matches!(story, Story::Filling | Story::Overflowing | Story::Replaying | Story::Stuck);
    for service in settings.services.iter_mut().flatten().map(|(_, s)| s) {
        service.retention_hours = if kept { 14 * 24 } else { 24 };
        if story == Story::Replaying {
            service.compression_mode = "none".to_owned();
        }
    }
    // Those that lost their uplink forward at once when they have one: their buffers were empty.
    settings.forwarding_enabled = kept;
    // What it comes to is set at the end of the story.
    settings.max_buffer_size_mb = 8_000;
    let start = now - hours * HOUR * SECOND;
    let mut a = Appliance::new(start, seed, settings, Target::Answers(11 + (seed % 23) as u32), WIDTH_S);
    a.daily = true;
    let sizes = [210.0, 300.0, 180.0, 225.0];
    let services = ["fluent-bit", "goflow2", "telegraf", "vector"];
    a.collectors =
        services.into_iter().zip(rates).zip(sizes).map(|((s, rate), size)| Collector::new(s, rate, size)).collect();
    a.saved = Saved::Told(shipped());
    a.wrongs.restart_ms = 1_200;
    a.wrongs.slow = matches!(story, Story::Slow);
    a.wrongs.old = matches!(story, Story::Old);
    let before = |hours: f64| now - (hours * HOUR as f64 * SECOND as f64) as i64;
    let lost = match story {
        Story::Filling => 96.0,
        Story::Overflowing => 11.0,
        Story::Replaying => 26.0,
        Story::Stuck => 20.0,
        _ => f64::MAX,
    };
    let back = match story {
        Story::Replaying => 0.1,
        Story::Stuck => 2.0,
        _ => 0.0,
    };
    while a.now() < now {
        let left = (now - a.now()) / SECOND;
        let step = if left <= HOUR {
            LAST_STEP_S
        } else if left <= NEAR_S {
            NEAR_STEP_S
        } else {
            STEP_S
        };
        let to = (a.now() + step * SECOND).min(now);
        if kept {
            let away = to > before(lost) && (back == 0.0 || to <= before(back));
            let gone = if story == Story::Filling { Target::Hangs } else { Target::Refuses };
            a.monitor.target = if away { gone } else { Target::Answers(19) };
        }
        if story == Story::DeadCollector
            && to > before(1.6)
            && let Some(collector) = a.collector("fluent-bit")
        {
            collector.alive = false;
        }
        a.advance(to);
        past.push(Past { source: name.to_owned(), poll: poll(&a) });
    }
    ended(&mut a, story);
    if story == Story::Slow {
        // What it holds came all at once: nobody has watched it before.
        past.retain(|p| p.source != name);
    }
    // The limit that the story ends with was there all the time.
    let limit = a.settings.max_buffer_size_mb << 20;
    for p in past.iter_mut().filter(|p| p.source == name) {
        if let Answer::Said(stats) = &mut p.poll.stats {
            stats.limit_bytes = limit;
        }
    }
    a
}

/// What the story comes to at its end.
fn ended(a: &mut Appliance, story: Story) {
    let mib = a.buffer.mib().max(1);
    let s = &mut a.settings;
    match story {
        Story::Filling => s.max_buffer_size_mb = mib * 100 / 92 + 1,
        Story::Overflowing => {
            s.max_buffer_size_mb = mib;
            a.writers = 2;
        }
        Story::Slow => {
            // What a day and a night of the arena left, up to the million.
            let missing = 1_000_000_u64.saturating_sub(a.buffer.records());
            for (service, part) in [("fluent-bit", 37), ("goflow2", 36), ("telegraf", 19), ("vector", 8)] {
                let kind = if service == "goflow2" {
                    super::world::buffer::Kind::Flow
                } else {
                    super::world::buffer::Kind::Other
                };
                let claimed = a.clock() - 6 * HOUR;
                a.store(service, kind, Some(claimed), missing * part / 100, 170.0);
            }
            a.settings.max_buffer_size_mb = a.buffer.mib().max(1) * 2;
        }
        Story::Replaying => {
            s.max_buffer_size_mb = mib * 100 / 55;
            a.replay_every_s = Some(4);
        }
        Story::Stuck => {
            s.max_buffer_size_mb = mib * 100 / 35;
            a.replay_every_s = Some(30);
        }
        Story::LimitZero => s.max_buffer_size_mb = 0,
        Story::Dangerous => {
            s.cleanup_interval_minutes = 0;
            s.vpn_check_interval_seconds = 0;
            s.max_buffer_size_mb = mib * 100 / 27;
        }
        Story::Well | Story::DeadCollector | Story::Old => s.max_buffer_size_mb = mib * 100 / 38 + 10,
    }
}

/// What a poll would have told now.
fn poll(a: &Appliance) -> Poll {
    let at = Ts(a.now());
    let second = |s: i64| Ts(s * SECOND);
    let s = &a.settings;
    let service = |name: &str| {
        let sums = a.buffer.sums(name);
        ServiceStats {
            service: name.to_owned(),
            records: sums.records,
            bytes: sums.bytes,
            oldest: second(sums.oldest),
            newest: second(sums.newest),
            forwarded: sums.forwarded,
            pending: sums.records - sums.forwarded,
            absurd_time: false,
        }
    };
    let services = ["fluent-bit", "goflow2", "telegraf", "vector"].map(service).to_vec();
    let (oldest, newest) = a.buffer.ends();
    let uplink = a.monitor.status();
    Poll {
        at,
        response_us: 1_500 + a.takes("/api/buffer/stats"),
        stats: Answer::Said(Stats {
            used_bytes: (a.buffer.mib() << 20).max(0) as u64,
            limit_bytes: s.max_buffer_size_mb << 20,
            records: a.buffer.records(),
            oldest: second(oldest),
            newest: second(newest),
            absurd_time: false,
            retention_days: s.max_retention_days,
            by_service: services.iter().map(|s| (s.service.clone(), s.records)).collect(),
            overflow_action: s.overflow_action.clone(),
        }),
        services: Answer::Said(services),
        uplink: Answer::Said(UplinkStatus { forwarding: Some(s.forwarding_enabled), ..uplink }),
        config: BufferConfig::parse(&s.json()).map_or(Answer::NotAsked, Answer::Said),
        version: Some(if a.wrongs.old { Version::Old } else { Version::New }),
        ..Poll::default()
    }
}
