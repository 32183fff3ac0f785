//! What one appliance costs the engine: the time of a poll's step after a day of polls every five
//! seconds, and the memory of its tracker. `cargo bench --bench forecast`; to hold: 1 ms a step.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

use std::time::{Duration, Instant};

use noctule::engine::buffer::{Settings, Tracker};
use noctule::model::appliance::config::{BufferConfig, spec};
use noctule::model::appliance::poll::{Answer, ServiceStats, Stats, UplinkStatus};
use noctule::model::appliance::{Poll, SHIPPED};
use noctule::model::time::{SECOND, Ts};

const START: i64 = 1_795_186_300 * SECOND;
const DAY: i64 = 24 * 720;
const HOLD: Duration = Duration::from_millis(1);

fn poll(i: i64) -> Poll {
    let at = Ts(START + i * 5 * SECOND);
    let services: Vec<ServiceStats> = SHIPPED
        .iter()
        .enumerate()
        .map(|(n, (name, ..))| {
            let records = (i * (20 + n as i64 * 7 + i % 3)).unsigned_abs();
            ServiceStats {
                service: (*name).to_owned(),
                records,
                bytes: records * 240,
                oldest: Ts(START),
                newest: at,
                absurd_time: false,
                forwarded: 0,
                pending: records,
            }
        })
        .collect();
    let records = services.iter().map(|s| s.records).sum();
    let bytes: u64 = services.iter().map(|s| s.bytes).sum();
    Poll {
        at,
        response_us: 2000,
        stats: Answer::Said(Stats {
            used_bytes: bytes >> 20 << 20,
            limit_bytes: 4000 << 20,
            records,
            oldest: Ts(START),
            newest: at,
            retention_days: 14,
            by_service: services.iter().map(|s| (s.service.clone(), s.records)).collect(),
            overflow_action: "drop_oldest".into(),
            ..Stats::default()
        }),
        services: Answer::Said(services),
        uplink: Answer::Said(UplinkStatus { failures: 3, ..UplinkStatus::default() }),
        ..Poll::default()
    }
}

fn config() -> Answer<BufferConfig> {
    let whole = serde_json::json!({
        "max_retention_days": 14, "cleanup_interval_minutes": 60, "max_buffer_size_mb": 4000,
        "overflow_action": "drop_oldest", "services": spec::shipped_services(),
    });
    let serde_json::Value::Object(whole) = whole else { panic!("an object") };
    Answer::Said(BufferConfig::new(whole))
}

/// Resident memory of this process, bytes; 0 where there is no such file.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn main() {
    let mut tracker = Tracker::new(Settings::default());
    tracker.step(&Poll { config: config(), ..poll(0) });
    let began = Instant::now();
    for i in 1..DAY {
        std::hint::black_box(tracker.step(&poll(i)));
    }
    let day = began.elapsed();
    let mut took: Vec<Duration> = (DAY..DAY + 5000)
        .map(|i| {
            let poll = poll(i);
            let began = Instant::now();
            std::hint::black_box(tracker.step(&poll));
            began.elapsed()
        })
        .collect();
    took.sort();
    let at = |part: usize| took[took.len() * part / 1000];
    let most = took[took.len() - 1];
    println!(
        "a day of polls: {:.0} ms, {:.1} us a step",
        day.as_secs_f64() * 1e3,
        day.as_secs_f64() * 1e6 / DAY as f64
    );
    println!("step after a day: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {most:?}", at(500), at(990), at(999));
    println!("200 appliances every 5 s: {:.2} % of a processor", day.as_secs_f64() / DAY as f64 * 200.0 / 5.0 * 100.0);
    let before = resident();
    let herd: Vec<Tracker> = (0..1000).map(|_| tracker.clone()).collect();
    let each = resident().saturating_sub(before) / 1000;
    println!("memory of a tracker: {} bytes by its own count, {each} bytes resident", tracker.memory());
    drop(std::hint::black_box(herd));
    assert!(at(990) <= HOLD, "a step takes longer than {HOLD:?}");
}
