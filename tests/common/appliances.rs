//! Telemetry appliances in every state that a field engineer has to tell apart, at the fixed instant
//! of [`super::rows::NOW`], one of them hostile; and a past with gaps.

use std::sync::Arc;

use noctule::model::appliance::poll::{Disk, Estimate, MeterKind, Version};
use noctule::model::appliance::state::{
    Confidence, Contact, Flow, Forecast, Loss, PortCheck, PortState, ProcessState, Replay, ReplayState, Uplink,
    UplinkState, Verdict,
};
use noctule::model::appliance::{ApplianceRow, ApplianceState, CollectorRow, CollectorState, HistoryRequest, Point};
use noctule::model::ids::RowId;
use noctule::model::time::{DAY, HOUR, MINUTE, SECOND, Ts};

use super::rows::{HOSTILE, NOW};

const MIB: u64 = 1024 * 1024;

fn forecast(in_us: i64, confidence: Confidence, method: &str) -> Forecast {
    Forecast { in_us: Some(in_us), confidence, method: method.into(), never: false }
}

fn never(method: &str) -> Forecast {
    Forecast { never: true, method: method.into(), ..Forecast::default() }
}

fn port(public: u16, inner: Option<u16>, tcp: bool) -> PortState {
    PortState {
        tcp,
        public,
        public_state: PortCheck::Listening,
        holder: if inner.is_some() { "socat".into() } else { String::new() },
        inner,
        inner_state: if inner.is_some() { PortCheck::Listening } else { PortCheck::NotChecked },
    }
}

/// A service that runs well.
pub fn collector(name: &str, collects: &str, critical: bool, ports: Vec<PortState>) -> CollectorState {
    let n = name.len() as u64;
    CollectorState {
        name: name.into(),
        collects: collects.into(),
        critical,
        process: ProcessState::Running,
        process_since: NOW.plus(-3 * DAY),
        restarts: Some(0),
        ports,
        flow: Flow::Flowing,
        last_data: NOW.plus(-4 * SECOND),
        records: Some(n * 12_000),
        bytes: Some(n * 3 * MIB),
        pending: Some(n * 800),
        forwarded: Some(n * 11_200),
        oldest: NOW.plus(-9 * DAY),
        newest: NOW.plus(-4 * SECOND),
        in_milli: Some(n * 1_500),
        out_milli: Some(n * 200),
        quota_records: Some(500_000),
        quota_permille: Some(n * 24),
        quota_full: forecast(40 * HOUR, Confidence::Low, "from 12 min"),
        retention_hours: Some(336),
        compression: "gzip".into(),
        priority: 8,
        meters: vec![(MeterKind::Received, n * 1_600)],
        ..CollectorState::default()
    }
}

fn shipped() -> Vec<CollectorState> {
    vec![
        collector("fluent-bit", "syslog", true, vec![port(1514, Some(12514), false)]),
        collector(
            "goflow2",
            "flows",
            true,
            vec![port(2055, Some(12055), false), port(4739, Some(14739), false), port(6343, Some(16343), false)],
        ),
        collector("telegraf", "SNMP traps", false, vec![port(162, Some(10162), false)]),
        collector("vector", "Windows events", true, vec![port(8084, None, true)]),
    ]
}

/// An appliance that does well.
fn well(fill: u64) -> ApplianceState {
    ApplianceState {
        at: NOW.plus(-3 * SECOND),
        contact: Contact::Answering,
        answered: NOW.plus(-3 * SECOND),
        response_us: 12_400,
        poll_ms: 5_000,
        version: Version::New,
        verdict: Verdict::Ok,
        used_bytes: Some(fill * 1_000 * MIB / 1_000),
        limit_bytes: Some(1_000 * MIB),
        fill_permille: Some(fill),
        records: Some(412_000),
        pending: Some(28_400),
        forwarded: Some(383_600),
        oldest: NOW.plus(-9 * DAY),
        newest: NOW.plus(-4 * SECOND),
        in_milli: Some(52_300),
        out_milli: Some(51_900),
        growth: Some(180),
        coverage_us: Some(9 * DAY),
        coverage_goal_us: 14 * DAY,
        coverage_full_us: Some(21 * DAY),
        full: never("it grows by less than it could in thirty days"),
        first_loss: forecast(5 * DAY, Confidence::High, "the oldest record is deleted after 14 days"),
        replay: Replay { state: ReplayState::Idle, ..Replay::default() },
        uplink: Uplink {
            state: UplinkState::Up,
            since: NOW.plus(-4 * DAY),
            latency_ms: 38,
            last_check: NOW.plus(-20 * SECOND),
            forwarding: Some(true),
            ..Uplink::default()
        },
        collectors: shipped(),
        overflow_action: "drop_oldest: deletes 1000 of the oldest records at a time, also those not forwarded".into(),
        retention_days: Some(14),
        compression: Some(true),
        disks: vec![
            Disk { mount: "/".into(), used_pct: 41, free_bytes: Some(9_000 * MIB), size_bytes: Some(16_000 * MIB) },
            Disk { mount: "/data".into(), used_pct: 63, free_bytes: Some(5_900 * MIB), size_bytes: Some(16_000 * MIB) },
        ],
        load_milli: Some([420, 380, 350]),
        cpus: Some(2),
        memory_pct: Some(37),
        uptime_s: Some(9 * 86_400),
        database_bytes: Some(612 * MIB),
        wal_bytes: Some(18 * MIB),
        host_told_by: "the config service".into(),
        estimates: vec![
            Estimate { name: "health_score".into(), value: "85".into(), stub: false },
            Estimate { name: "recent_events".into(), value: "[]".into(), stub: true },
        ],
        enabled: Some(true),
        ..ApplianceState::default()
    }
}

fn ill(verdict: Verdict, reasons: &[&str], fill: u64) -> ApplianceState {
    ApplianceState { verdict, reasons: reasons.iter().map(|r| (*r).to_owned()).collect(), ..well(fill) }
}

/// One of which nothing but how it answers is known.
fn mute(contact: Contact, trouble: &str) -> ApplianceState {
    ApplianceState {
        at: NOW.plus(-4 * SECOND),
        contact,
        trouble: trouble.into(),
        poll_ms: 10_000,
        verdict: if contact == Contact::NotAsked { Verdict::Unknown } else { Verdict::Critical },
        reasons: if trouble.is_empty() { Vec::new() } else { vec![trouble.to_owned()] },
        coverage_goal_us: 14 * DAY,
        ..ApplianceState::default()
    }
}

fn filling() -> ApplianceState {
    let mut state = ill(
        Verdict::Critical,
        &["the buffer is full in 40 min and deletes what was not forwarded", "the uplink is down for 3 h"],
        968,
    );
    state.full = forecast(40 * MINUTE, Confidence::High, "median slope of 2 h 10 min, 312 points");
    state.first_loss = forecast(40 * MINUTE, Confidence::High, "when full it deletes the oldest");
    state.growth = Some(14_200);
    state.pending = Some(391_000);
    state.out_milli = Some(0);
    state.uplink = Uplink {
        state: UplinkState::Down,
        since: NOW.plus(-3 * HOUR),
        failures: 360,
        last_error: "Get \"https://target/health\": context deadline exceeded".into(),
        last_check: NOW.plus(-12 * SECOND),
        forwarding: Some(true),
        ..Uplink::default()
    };
    state
}

fn losing() -> ApplianceState {
    let mut state = ill(
        Verdict::Critical,
        &["at least 4,272 records were lost in 24 h", "replay is stuck: a buffered flow record blocks it"],
        874,
    );
    state.lost_day = 4_272;
    state.losses = vec![
        Loss {
            at: NOW.plus(-9 * MINUTE),
            records: 1_000,
            pending: Some(940),
            cause: "overflow: the oldest were deleted".into(),
            collector: String::new(),
        },
        Loss {
            at: NOW.plus(-5 * HOUR),
            records: 3_272,
            pending: None,
            cause: "retention: over their time".into(),
            collector: "goflow2".into(),
        },
    ];
    state.replay = Replay { state: ReplayState::Stuck, since: NOW.plus(-2 * HOUR), sent: 5, done_in_us: None };
    state.full = forecast(9 * HOUR, Confidence::Medium, "median slope of 25 min, 60 points");
    state.first_loss = forecast(9 * HOUR, Confidence::Medium, "when full it deletes the oldest");
    state
}

fn dead_relay() -> ApplianceState {
    let mut state = ill(
        Verdict::Critical,
        &["fluent-bit does not run, and its relay on 1514 still accepts: syslog is lost in silence"],
        212,
    );
    if let Some(fluent) = state.collectors.first_mut() {
        fluent.process = ProcessState::Failed;
        fluent.process_since = NOW.plus(-26 * MINUTE);
        fluent.restarts = Some(7);
        fluent.flow = Flow::Silent;
        fluent.last_data = NOW.plus(-26 * MINUTE);
        fluent.in_milli = Some(0);
        fluent.lost_day = 120;
        for port in &mut fluent.ports {
            port.inner_state = PortCheck::Closed;
        }
    }
    if let Some(vector) = state.collectors.last_mut() {
        vector.disabled = true;
        vector.process = ProcessState::Stopped;
        vector.flow = Flow::NotExpected;
        for port in &mut vector.ports {
            port.public_state = PortCheck::Closed;
        }
    }
    state
}

fn silent() -> ApplianceState {
    let mut state = ill(Verdict::Critical, &["no answer for 12 min: connection refused"], 551);
    state.contact = Contact::Silent;
    state.trouble = "connection refused".into();
    state.answered = NOW.plus(-12 * MINUTE);
    state
}

fn slow() -> ApplianceState {
    let mut state = ill(
        Verdict::Warning,
        &["1.2 million records make every answer slow: 4.1 s", "max_buffer_size_mb is larger than the disk"],
        712,
    );
    state.contact = Contact::Slow;
    state.response_us = 4_120_000;
    state.poll_ms = 30_000;
    state.records = Some(1_204_331);
    state.full = forecast(3 * DAY, Confidence::Low, "few points, and they scatter");
    state.dangers = vec![
        "cleanup_interval_minutes is 0: the service dies at its next start".into(),
        "overflow_action drop_newest deletes nothing: the buffer grows without end".into(),
    ];
    state
}

fn started() -> ApplianceState {
    let mut state = well(4);
    state.verdict = Verdict::Unknown;
    state.reasons = vec!["too little is known yet".into()];
    state.uplink = Uplink { state: UplinkState::NotChecked, ..Uplink::default() };
    (state.in_milli, state.out_milli, state.growth, state.pending) = (None, None, None, None);
    state.coverage_us = None;
    state.full = Forecast { method: "one point is no slope".into(), ..Forecast::default() };
    state.first_loss = state.full.clone();
    state.replay = Replay::default();
    (state.version, state.load_milli, state.memory_pct) = (Version::Old, None, None);
    for c in &mut state.collectors {
        c.process = ProcessState::Unknown;
        c.flow = Flow::Unknown;
        (c.in_milli, c.out_milli, c.restarts, c.last_data) = (None, None, None, Ts::NEVER);
        for port in &mut c.ports {
            (port.public_state, port.inner_state) = (PortCheck::NotChecked, PortCheck::NotChecked);
        }
    }
    state
}

fn hostile() -> ApplianceState {
    let mut state = ill(Verdict::Warning, &[HOSTILE], 1_042);
    state.trouble = HOSTILE.into();
    state.uplink.state = UplinkState::Down;
    state.uplink.last_error = HOSTILE.into();
    state.overflow_action = HOSTILE.into();
    state.full = Forecast { in_us: Some(0), confidence: Confidence::High, method: HOSTILE.into(), never: false };
    state.collectors.push(collector(HOSTILE, HOSTILE, false, vec![port(9999, None, false)]));
    state.estimates.push(Estimate { name: HOSTILE.into(), value: HOSTILE.into(), stub: true });
    state
}

/// The appliances.
pub fn appliances() -> Vec<ApplianceRow> {
    let states: Vec<(&str, ApplianceState)> = vec![
        ("arena-1", well(341)),
        ("docks-2", filling()),
        ("expo-north", losing()),
        ("gate-7", dead_relay()),
        ("hall-3", silent()),
        ("inn-1", mute(Contact::Unreadable, "answered 200 with an empty body")),
        ("jazz-tent", mute(Contact::LimitZero, "max_buffer_size_mb is 0")),
        ("kiosk-4", mute(Contact::NotAsked, "")),
        ("lake-9", slow()),
        ("mall-2", mute(Contact::Refusing, "401: unauthorized")),
        ("new-box", started()),
        (HOSTILE, hostile()),
    ];
    let row = |(i, (name, state)): (usize, (&str, ApplianceState))| {
        let fill = state.fill_permille.map(|f| f as u32);
        let step = |n: u32| {
            // Nothing was heard for a while.
            if state.contact == Contact::Silent && n > 18 || (i == 2 && (7..10).contains(&n)) {
                return None;
            }
            let swing = (n * 37 + i as u32 * 11) % 60;
            fill.map(|f| (f * (60 + n) / 84).saturating_sub(swing))
        };
        ApplianceRow {
            id: RowId(40 + i as i64),
            source: name.into(),
            alarms: [0, 2, 3, 1][i % 4] * u32::from(state.verdict > Verdict::Ok),
            fill_hour: (0..24).map(step).collect(),
            state: Arc::new(state),
        }
    };
    states.into_iter().enumerate().map(row).collect()
}

/// Their services.
pub fn collectors() -> Vec<CollectorRow> {
    let of = |row: ApplianceRow| {
        let states = row.state.collectors.clone().into_iter().enumerate();
        states.map(move |(n, state)| {
            let step = |i: u64| {
                let rate = state.in_milli.unwrap_or(0);
                (state.in_milli.is_some() && !(10..12).contains(&i)).then(|| rate * (10 + (i * 7 + n as u64) % 9) / 18)
            };
            CollectorRow {
                id: RowId((row.id.0 << 32) | n as i64),
                source: row.source.clone(),
                canonical: format!("{}/collector/{}", row.source, state.name),
                at: row.state.at,
                contact: row.state.contact,
                in_hour: (0..24).map(step).collect(),
                state,
            }
        })
    };
    appliances().into_iter().flat_map(of).collect()
}

/// The past of one: it fills, with a gap in the middle and a loss towards the end.
pub fn history(wanted: &HistoryRequest) -> Vec<Point> {
    let points = i64::from(wanted.points.max(1));
    let step_us = wanted.span.us() / points;
    let from = wanted.until.plus(-wanted.span.us());
    let point = |n: i64| {
        let at = from.plus(n * step_us);
        let part = n as u64 * 1000 / points as u64;
        if (400..470).contains(&part) {
            return Point { at, step_us, ..Point::default() };
        }
        let lost = if part == 820 || n == points * 4 / 5 { 1_000 } else { 0 };
        let fall = if part >= 800 { 220 } else { 0 };
        let wave = (n as u64 * 13) % 40;
        Point {
            at,
            step_us,
            polls: 2,
            answered: 2,
            records: Some(200_000 + part * 300),
            pending: Some((part * 400).saturating_sub(fall * 300)),
            forwarded: Some(part * 100),
            bytes: Some((300 + part * 7 / 10 + wave - fall.min(300)) * MIB),
            limit: Some(1_000 * MIB),
            in_milli: Some(52_000 + wave * 400),
            out_milli: Some(if part < 300 { 51_000 + wave * 200 } else { 0 }),
            lost,
            response_us: 12_000 + wave as i64 * 900,
        }
    };
    (0..points).map(point).collect()
}

/// The configuration of a shipped appliance, as its buffer service tells it.
pub fn configuration() -> serde_json::Value {
    let service = |mode: &str, records: i64, mb: i64, priority: i64, hours: i64| {
        serde_json::json!({
            "enabled": true, "buffer_mode": mode, "max_records": records, "max_file_size_mb": mb,
            "compression_mode": "gzip", "priority": priority, "retention_hours": hours,
        })
    };
    serde_json::json!({
        "enabled": true,
        "max_retention_days": 14,
        "max_db_size_gb": 2,
        "max_file_size_gb": 10,
        "cleanup_interval_minutes": 60,
        "compression_enabled": true,
        "vpn_failover_enabled": true,
        "vpn_check_interval_seconds": 30,
        "forwarding_enabled": false,
        "forwarding_url": "https://target.example/api/ingest",
        "max_buffer_size_mb": 1000,
        "overflow_action": "drop_oldest",
        "services": {
            "fluent-bit": service("files", 0, 100, 9, 336),
            "goflow2": service("files", 10_000_000, 0, 10, 168),
            "telegraf": service("database", 500_000, 0, 7, 720),
            "vector": service("database", 1_000_000, 0, 8, 336),
        },
        "made_later": [1, 2],
    })
}
