//! The tracker as a whole: what was measured on a real appliance, and any series of polls at all.

mod properties;

use super::*;
use crate::model::appliance::config::{BufferConfig, spec};
use crate::model::appliance::poll::{
    Answer, Disk, HostStatus, Meter, MeterKind, ProcessStatus, ServiceStats, Socket, Stats, UplinkStatus,
};
use crate::model::appliance::state::{
    Confidence, Contact, Flow, Forecast, ProcessState, ReplayState, UplinkState, Verdict,
};
use crate::model::appliance::{ApplianceState, Point, Poll};
use crate::model::severity::Severity;
use crate::model::time::{DAY, HOUR, SECOND, Ts};

const MIB: u64 = 1 << 20;
const START: i64 = 1_795_186_300 * SECOND;

/// An appliance as far as its counters go.
#[derive(Debug, Clone)]
struct Buffer {
    records: u64,
    bytes: u64,
    forwarded: u64,
    limit: i64,
    oldest: Ts,
    newest: Ts,
    action: &'static str,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            records: 0,
            bytes: 0,
            forwarded: 0,
            limit: 1000 * MIB as i64,
            oldest: Ts::NEVER,
            newest: Ts::NEVER,
            action: "drop_oldest",
        }
    }
}

impl Buffer {
    fn poll(&self, at: Ts) -> Poll {
        let part = ServiceStats {
            service: "fluent-bit".into(),
            records: self.records,
            bytes: self.bytes,
            oldest: self.oldest,
            newest: self.newest,
            absurd_time: false,
            forwarded: self.forwarded,
            pending: self.records.saturating_sub(self.forwarded),
        };
        Poll {
            at,
            response_us: 1000,
            stats: Answer::Said(Stats {
                used_bytes: self.bytes / MIB * MIB,
                limit_bytes: self.limit,
                records: self.records,
                oldest: self.oldest,
                newest: self.newest,
                absurd_time: false,
                retention_days: 14,
                by_service: vec![("fluent-bit".into(), self.records), ("telegraf".into(), 0)],
                overflow_action: self.action.into(),
            }),
            services: Answer::Said(vec![part]),
            uplink: Answer::Said(UplinkStatus { failures: 3, last_error: "refused".into(), ..Default::default() }),
            ..Poll::default()
        }
    }

    fn take(&mut self, at: Ts, records: u64, bytes: u64) {
        if self.records == 0 && records > 0 {
            self.oldest = at;
        }
        if records > 0 {
            self.newest = at;
        }
        // A hostile answer may have put them anywhere.
        self.records = self.records.saturating_add(records);
        self.bytes = self.bytes.saturating_add(records * bytes);
    }
}

fn at(s: i64) -> Ts {
    Ts(START + s * SECOND)
}

fn config(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> Answer<BufferConfig> {
    let whole = serde_json::json!({
        "enabled": true, "max_retention_days": 14, "max_db_size_gb": 2, "max_file_size_gb": 10,
        "cleanup_interval_minutes": 60, "compression_enabled": true, "vpn_failover_enabled": true,
        "vpn_check_interval_seconds": 30, "forwarding_enabled": false,
        "forwarding_url": "https://target.example/api/ingest", "max_buffer_size_mb": 1000,
        "overflow_action": "drop_oldest", "services": spec::shipped_services(),
    });
    let serde_json::Value::Object(mut whole) = whole else { unreachable!() };
    change(&mut whole);
    Answer::Said(BufferConfig::new(whole))
}

fn raised(step: &Step, id: &str) -> Option<Severity> {
    step.alarms.iter().find(|a| a.type_id == id)?.raise.as_ref().map(|(s, _)| *s)
}

fn stands(tracker: &Tracker, id: &str) -> bool {
    tracker.standing().iter().any(|a| a.type_id == id)
}

/// 20 records of 500 bytes a second for so many polls.
fn fill(tracker: &mut Tracker, buffer: &mut Buffer, from: i64, polls: i64) -> Step {
    let mut last = None;
    for i in from..from + polls {
        buffer.take(at(i * 5), 100, 500);
        last = Some(tracker.step(&buffer.poll(at(i * 5))));
    }
    last.unwrap()
}

#[test]
fn a_filling_buffer_has_rates_a_forecast_and_reasons() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    let first = fill(&mut tracker, &mut buffer, 0, 1);
    assert_eq!((first.state.in_milli, first.state.full.in_us), (None, None), "one poll tells no rate");
    let step = fill(&mut tracker, &mut buffer, 1, 200);
    let s = &step.state;
    assert_eq!(s.in_milli, Some(20_000));
    assert_eq!(s.collector("fluent-bit").unwrap().in_milli, Some(20_000));
    assert_eq!(s.growth, Some(10_000));
    let truth = (1000 * MIB - buffer.bytes) as i64 / 10_000 * SECOND;
    let told = s.full.in_us.unwrap();
    assert!((told - truth).abs() < truth / 50, "{told} instead of {truth}");
    assert!(s.full.confidence >= Confidence::Medium && s.full.method.contains("rising"), "{:?}", s.full);
    assert!(s.first_loss.in_us.unwrap() > told, "the appliance drops one MiB late");
    assert_eq!(s.coverage_full_us.map(|us| us / HOUR), Some(1000 * MIB as i64 / 10_000 / 3600));
    assert!(stands(&tracker, "buffer.time_to_full") && stands(&tracker, "buffer.uplink_down"));
    assert!(stands(&tracker, "buffer.coverage"), "29 hours are less than 14 days");
    assert_eq!((s.verdict, s.uplink.state), (Verdict::Warning, UplinkState::Down));
    assert_eq!(s.collector("fluent-bit").unwrap().flow, Flow::Flowing);
    assert!(s.losses.is_empty() && s.lost_day == 0);
}

#[test]
fn four_hundred_percent_without_a_drop() {
    let mut tracker = Tracker::new(Settings::default());
    let mut buffer = Buffer { limit: MIB as i64, action: "drop_newest", ..Buffer::default() };
    for i in 0..6 {
        buffer.take(at(i * 5), 400, 0);
        buffer.bytes = 4_464_108 * buffer.records / 2400;
        tracker.step(&buffer.poll(at(i * 5)));
    }
    let s = tracker.step(&buffer.poll(at(30))).state;
    assert_eq!((s.records, s.used_bytes, s.fill_permille), (Some(2400), Some(4_464_108), Some(4257)));
    assert_eq!(s.full.in_us, Some(0));
    let loss = &s.first_loss;
    assert!(loss.method.contains("expiry") && loss.method.contains("beyond its limit"), "{loss:?}");
    assert_eq!(loss.in_us, Some(14 * DAY - 30 * SECOND));
    assert!(s.losses.is_empty());
    assert_eq!(tracker.standing().first().map(|a| a.type_id), Some("buffer.fill"));
    // Without the services' own bytes there are whole MiB, as the appliance counts.
    let mut rough = Tracker::new(Settings::default());
    let poll = Poll { services: Answer::NotAsked, ..buffer.poll(at(0)) };
    assert_eq!(rough.step(&poll).state.fill_permille, Some(4000));
}

#[test]
fn the_measured_overflow_empties_the_buffer_and_is_told() {
    let mut tracker = Tracker::new(Settings::default());
    let mut buffer = Buffer { limit: MIB as i64, ..Buffer::default() };
    let mut emptied = 0;
    for (i, records) in [400, 800, 72, 472, 872, 138_u64].into_iter().enumerate() {
        let now = at(i as i64 * 5);
        if records < buffer.records {
            buffer.oldest = now;
        }
        if buffer.records == 0 {
            buffer.oldest = now;
        }
        (buffer.records, buffer.bytes, buffer.newest) = (records, records * 1860, now);
        let step = tracker.step(&buffer.poll(now));
        emptied += u32::from(raised(&step, "buffer.emptied") == Some(Severity::Critical));
    }
    let s = tracker.state();
    assert_eq!(emptied, 1, "raised once");
    assert_eq!(s.losses.iter().filter(|l| l.collector.is_empty()).map(|l| l.records).collect::<Vec<_>>(), [734, 728]);
    assert_eq!((s.lost_day, s.verdict), (1462, Verdict::Critical));
    assert_eq!(s.collector("fluent-bit").unwrap().lost_day, 1462);
    assert!(s.losses[0].cause.contains("emptied") && s.losses[0].pending == Some(734));
    for i in 0..800 {
        tracker.step(&buffer.poll(at(30 + i * 5)));
    }
    assert!(!stands(&tracker, "buffer.emptied") && !stands(&tracker, "buffer.loss"), "over after an hour");
    assert_eq!(tracker.state().lost_day, 1462);
}

#[test]
fn limits_of_zero_and_below_are_a_state_of_their_own() {
    let mut tracker = Tracker::new(Settings::default());
    let buffer = Buffer { limit: -5 * MIB as i64, ..Buffer::default() };
    let step = tracker.step(&buffer.poll(at(0)));
    let s = &step.state;
    assert_eq!((s.contact, s.limit_bytes, s.fill_permille), (Contact::LimitZero, None, None));
    assert_eq!(raised(&step, "buffer.limit_zero"), Some(Severity::Critical));
    assert!(s.full.method.contains("limit is zero") && !s.full.never, "{:?}", s.full);
    // With a limit of zero the calls answer 200 with nothing; the configuration says why.
    let mut tracker = Tracker::new(Settings::default());
    let poll = Poll {
        at: at(0),
        stats: Answer::Unreadable("empty answer".into()),
        config: config(|c| drop(c.insert("max_buffer_size_mb".into(), 0.into()))),
        ..Poll::default()
    };
    let step = tracker.step(&poll);
    assert_eq!((step.state.contact, step.state.verdict), (Contact::LimitZero, Verdict::Critical));
    assert!(!step.state.dangers.is_empty());
    for i in 0..4 {
        tracker.step(&Buffer::default().poll(at(5 + i * 5)));
    }
    assert!(!stands(&tracker, "buffer.limit_zero"));
    let mut tracker = Tracker::new(Settings::default());
    for i in 0..3 {
        let poll = Poll { at: at(i * 5), stats: Answer::Unreadable("<html>".into()), ..Poll::default() };
        tracker.step(&poll);
    }
    assert!(stands(&tracker, "buffer.unreadable") && tracker.state().contact == Contact::Unreadable);
}

#[test]
fn absurd_times_are_flagged_and_make_no_ages() {
    let mut tracker = Tracker::new(Settings::default());
    let mut poll = Buffer { records: 4, bytes: 300, oldest: Ts(1), newest: at(0), ..Buffer::default() }.poll(at(0));
    if let Answer::Said(s) = &mut poll.stats {
        s.absurd_time = true;
    }
    if let Answer::Said(s) = &mut poll.services {
        s[0].absurd_time = true;
    }
    let s = tracker.step(&poll).state;
    assert!(s.absurd_time && s.coverage_us.is_none());
    assert!(s.collector("fluent-bit").unwrap().absurd_time);
    assert!(s.first_loss.in_us.is_none(), "no expiry out of an absurd time: {:?}", s.first_loss);
}

#[test]
fn a_partial_configuration_is_called_a_killer_until_it_is_mended() {
    let mut tracker = Tracker::new(Settings::default());
    let kill = config(|c| drop(c.insert("cleanup_interval_minutes".into(), 0.into())));
    let step = tracker.step(&Poll { config: kill, ..Buffer::default().poll(at(0)) });
    assert_eq!(raised(&step, "buffer.config_kills"), Some(Severity::Critical));
    assert!(step.state.reasons.iter().any(|r| r.contains("cleanup_interval_minutes")), "{:?}", step.state.reasons);
    tracker.step(&Buffer::default().poll(at(5)));
    assert!(stands(&tracker, "buffer.config_kills"), "not asked is not mended");
    let step = tracker.step(&Poll { config: config(|_| {}), ..Buffer::default().poll(at(10)) });
    assert!(step.alarms.iter().any(|a| a.type_id == "buffer.config_kills" && a.raise.is_none()));
    let c = step.state.collector("telegraf").unwrap();
    assert_eq!((c.quota_records, c.retention_hours, c.compression.as_str()), (Some(500_000), Some(720), "gzip"));
}

#[test]
fn a_quota_is_watched_since_the_appliance_does_not() {
    let mut tracker = Tracker::new(Settings::default());
    let low = config(|c| {
        if let Some(v) = c.get_mut("services").and_then(|s| s.get_mut("fluent-bit")) {
            v["max_records"] = 10.into();
        }
    });
    let mut buffer = Buffer::default();
    tracker.step(&Poll { config: low, ..buffer.poll(at(0)) });
    let step = fill(&mut tracker, &mut buffer, 1, 3);
    let c = step.state.collector("fluent-bit").unwrap();
    assert_eq!((c.quota_permille, c.quota_full.in_us), (Some(30_000), Some(0)));
    assert!(stands(&tracker, "buffer.quota"));
}

#[test]
fn falls_by_our_own_hand_are_no_losses() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 20);
    tracker.cleanup_ordered(at(97));
    (buffer.records, buffer.bytes, buffer.oldest) = (500, 250_000, at(60));
    let step = tracker.step(&buffer.poll(at(100)));
    assert!(step.state.losses.is_empty() && !stands(&tracker, "buffer.loss"));
    assert!(step.notices.iter().any(|n| n.event == "BUFFER_CLEANED" && !n.failure));
    for i in 0..60 {
        tracker.step(&buffer.poll(at(105 + i * 5)));
    }
    (buffer.records, buffer.bytes, buffer.oldest) = (100, 50_000, at(90));
    let step = tracker.step(&buffer.poll(at(410)));
    assert_eq!(step.state.losses.iter().find(|l| l.collector.is_empty()).map(|l| l.records), Some(400));
    assert!(stands(&tracker, "buffer.loss"));
}

#[test]
fn a_forward_that_moves_nothing_is_stuck() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 5);
    tracker.forward_ordered(at(22));
    fill(&mut tracker, &mut buffer, 5, 2);
    assert_eq!(tracker.state().replay.state, ReplayState::Stuck);
    assert!(stands(&tracker, "buffer.replay_stuck"));
    buffer.forwarded += 50;
    let step = tracker.step(&buffer.poll(at(40)));
    assert_eq!(step.state.replay.state, ReplayState::Running);
    assert!(!stands(&tracker, "buffer.replay_stuck"));
}

#[test]
fn silence_of_a_collector_is_seen_and_ends_with_the_first_record() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 10);
    let mut first = None;
    for i in 10..100 {
        let step = tracker.step(&buffer.poll(at(i * 5)));
        if raised(&step, "buffer.no_data").is_some() {
            first = first.or(Some(i * 5));
        }
    }
    assert_eq!(first, Some(45 + 300), "five minutes after the last record");
    let s = tracker.state();
    assert_eq!(s.collector("telegraf").unwrap().flow, Flow::NotExpected, "nothing ever came from it");
    let step = fill(&mut tracker, &mut buffer, 100, 1);
    assert!(step.alarms.iter().any(|a| a.type_id == "buffer.no_data" && a.raise.is_none()));
}

#[test]
fn what_is_sent_on_at_once_is_no_silence() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 10);
    let up = UplinkStatus { connected: true, forwarding: Some(true), ..UplinkStatus::default() };
    for i in 10..200 {
        let received = Meter { service: "vector".into(), what: MeterKind::Received, value: i as f64 };
        let poll = Poll { uplink: Answer::Said(up.clone()), meters: vec![received], ..buffer.poll(at(i * 5)) };
        tracker.step(&poll);
    }
    let s = tracker.state();
    assert_eq!((s.collector("fluent-bit").unwrap().flow, s.in_milli), (Flow::Unknown, None));
    assert_eq!(s.collector("vector").unwrap().flow, Flow::Flowing, "its own counter rises");
    assert!(!stands(&tracker, "buffer.no_data"));
}

#[test]
fn frozen_status_calls_do_not_make_it_down() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 20);
    for i in 20..60 {
        buffer.take(at(i * 5), 100, 500);
        let mut poll = buffer.poll(at(i * 5));
        if i % 6 == 0 {
            poll.services = Answer::Silent("time-out".into());
            poll.uplink = Answer::Silent("time-out".into());
        }
        let step = tracker.step(&poll);
        assert_eq!((step.state.contact, step.state.in_milli), (Contact::Answering, Some(20_000)));
        assert!(step.state.used_bytes.unwrap() > 900_000 && step.state.pending.is_some());
        assert_eq!(step.state.uplink.state, UplinkState::Down);
    }
}

#[test]
fn a_dead_collector_behind_its_relay_is_critical() {
    let mut tracker = Tracker::new(Settings::default());
    let socket = |port, process: &str| Socket { port, process: process.into(), ..Socket::default() };
    let process = |name: &str, running| ProcessStatus {
        service: name.into(),
        running: Some(running),
        word: if running { "healthy" } else { "failed" }.into(),
        critical: Some(name != "telegraf"),
        ..ProcessStatus::default()
    };
    let mut last = None;
    for i in 0..3 {
        let poll = Poll {
            host: Answer::Said(HostStatus {
                disks: vec![Disk { mount: "/data".into(), used_pct: 96, ..Disk::default() }],
                listening: Some(vec![socket(1514, "socat"), socket(2055, "socat"), socket(12055, "goflow2")]),
                ..HostStatus::default()
            }),
            processes: Answer::Said(vec![process("vector", false), process("telegraf", false), process("nginx", true)]),
            ..Buffer::default().poll(at(i * 5))
        };
        last = Some(tracker.step(&poll));
    }
    let standing = tracker.standing();
    let on = |id: &str, c: &str| standing.iter().find(|a| a.type_id == id && a.collector.as_deref() == Some(c));
    assert_eq!(on("buffer.dead_listener", "fluent-bit").unwrap().qualifier, "1514/udp");
    assert!(on("buffer.dead_listener", "goflow2").is_none());
    assert_eq!(on("service.down", "vector").unwrap().raise.as_ref().unwrap().0, Severity::Critical);
    assert_eq!(on("service.down", "telegraf").unwrap().raise.as_ref().unwrap().0, Severity::Major);
    assert!(standing.iter().any(|a| a.type_id == "host.disk" && a.qualifier == "/data"));
    assert_eq!(last.unwrap().state.verdict, Verdict::Critical);
}

#[test]
fn a_restart_of_the_buffer_service_says_what_may_be_lost() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    fill(&mut tracker, &mut buffer, 0, 10);
    let unchecked = UplinkStatus { not_checked: true, ..UplinkStatus::default() };
    let step = tracker.step(&Poll { uplink: Answer::Said(unchecked), ..buffer.poll(at(50)) });
    assert!(step.notices.iter().any(|n| n.event == "BUFFER_RESTARTED"));
    assert_eq!((step.state.losses[0].records, step.state.lost_day), (0, 0));
}

#[test]
fn an_overflow_under_an_uplink_that_is_up_is_a_loss_where_forwarding_is_off() {
    // Seen on a real one: limit 1 MB, forwarding off, uplink up, 1203 records one poll and 403 the next.
    let lost = |forwarding: bool| {
        let mut tracker = Tracker::new(Settings::default());
        let up = || {
            let u = UplinkStatus { connected: true, latency_ms: 1, forwarding: Some(forwarding), ..Default::default() };
            Answer::Said(u)
        };
        let full = Buffer {
            records: 1203,
            bytes: 2_083_000,
            limit: MIB as i64,
            oldest: at(-400),
            newest: at(0),
            ..Buffer::default()
        };
        let told = config(|c| _ = c.insert("forwarding_enabled".into(), forwarding.into()));
        tracker.step(&Poll { uplink: up(), config: told, ..full.poll(at(0)) });
        let less = Buffer { records: 403, bytes: 1_352_000, oldest: at(-2), newest: at(4), ..full };
        tracker.step(&Poll { uplink: up(), ..less.poll(at(5)) })
    };
    let step = lost(false);
    assert!(step.state.lost_day >= 800, "{:?}", step.state.losses);
    assert!(raised(&step, "buffer.loss").is_some(), "{:?}", step.alarms);
    assert_eq!(lost(true).state.lost_day, 0, "up to 1000 may have been sent on before they were dropped");
}

#[test]
fn processes_that_nobody_tells_any_more_are_not_known() {
    let (mut tracker, buffer) = (Tracker::new(Settings::default()), Buffer::default());
    let runs = |running, word: &str| ProcessStatus {
        service: "nginx".into(),
        running: Some(running),
        word: word.into(),
        critical: Some(true),
        ..ProcessStatus::default()
    };
    let process = |s: &ApplianceState| s.collector("nginx").unwrap().process;
    let said = Answer::Said(vec![runs(true, "healthy")]);
    let s = tracker.step(&Poll { processes: said.clone(), ..buffer.poll(at(0)) }).state;
    assert_eq!(process(&s), ProcessState::Running);
    let refused = || Answer::Refused("key refused (401)".into());
    let s = tracker.step(&Poll { processes: refused(), ..buffer.poll(at(10)) }).state;
    assert_eq!((process(&s), s.services_trouble.as_str()), (ProcessState::Running, ""), "once is nothing");
    let s = tracker.step(&Poll { processes: refused(), ..buffer.poll(at(45)) }).state;
    assert_eq!(process(&s), ProcessState::Unknown);
    assert_eq!(s.verdict, Verdict::Warning);
    assert!(s.reasons.iter().any(|r| r.contains("services are not told: key refused (401)")), "{:?}", s.reasons);
    let s = tracker.step(&buffer.poll(at(50))).state;
    assert!(!s.services_trouble.is_empty(), "not asked is not mended");
    let step = tracker.step(&Poll { processes: said, ..buffer.poll(at(55)) });
    assert_eq!((process(&step.state), step.state.services_trouble.as_str()), (ProcessState::Running, ""));
    assert!(step.notices.is_empty(), "nothing was started: {:?}", step.notices);
    let mut fresh = Tracker::new(Settings::default());
    let s = fresh.step(&Poll { processes: refused(), ..buffer.poll(at(0)) }).state;
    assert_eq!(s.services_trouble, "key refused (401)", "what was never known is told at once");
}

#[test]
fn records_that_wait_expire_and_that_is_forecast() {
    let mut tracker = Tracker::new(Settings::default());
    let old = Ts(START - 13 * DAY);
    let buffer = Buffer { records: 10, bytes: 5000, oldest: old, newest: at(0), ..Buffer::default() };
    let on = || config(|c| _ = c.insert("forwarding_enabled".into(), true.into()));
    let s = tracker.step(&Poll { config: on(), ..buffer.poll(at(0)) }).state;
    assert_eq!(s.first_loss.in_us, Some(DAY), "{:?}", s.first_loss);
    assert!(s.first_loss.method.contains("fluent-bit"));
    assert_eq!(s.coverage_us, Some(13 * DAY));
}

#[test]
fn where_nothing_is_to_be_forwarded_the_end_of_a_retention_is_no_loss() {
    let late = 14 * 86_400 + 300;
    let begin = |forwarding: bool| {
        let mut tracker = Tracker::new(Settings::default());
        let told = config(|c| _ = c.insert("forwarding_enabled".into(), forwarding.into()));
        let full = Buffer { records: 5_000, bytes: 900_000, oldest: at(0), newest: at(late), ..Buffer::default() };
        let first = tracker.step(&Poll { config: told, ..full.poll(at(late)) }).state;
        let less = Buffer { records: 4_000, bytes: 700_000, oldest: at(600), newest: at(late + 5), ..full };
        (first, tracker.step(&less.poll(at(late + 5))).state)
    };
    let (before, after) = begin(false);
    assert!(before.first_loss.in_us.is_none(), "{:?}", before.first_loss);
    assert_eq!((after.lost_day, after.losses.len()), (0, 0), "{:?}", after.losses);
    let (before, after) = begin(true);
    assert_eq!(before.first_loss.in_us, Some(0), "{:?}", before.first_loss);
    assert!(after.lost_day >= 1_000, "{:?}", after.losses);
}

#[test]
fn a_month_of_polls_stays_small() {
    let (mut tracker, mut buffer) = (Tracker::new(Settings::default()), Buffer::default());
    tracker.step(&Poll { config: config(|_| {}), ..buffer.poll(at(0)) });
    for i in 1..20_000 {
        buffer.take(at(i * 60), 10, 100);
        tracker.step(&buffer.poll(at(i * 60)));
    }
    assert!(tracker.memory() < 32 * 1024, "{} bytes", tracker.memory());
    assert_eq!(tracker.next_poll(), std::time::Duration::from_micros(5 * SECOND.unsigned_abs()));
}
