//! A network to measure with: as many OLTs as it takes, 16 PON ports each, 64 ONUs a port.

#![allow(dead_code, reason = "each bench uses its part")]

use std::path::Path;

use noctule::model::ids::SourceName;
use noctule::model::observation::{AlarmEvent, ClearReason, Observation, Observed, Origin};
use noctule::model::record::Record;
use noctule::model::resource::{NodeKind, Resource};
use noctule::model::severity::Severity;
use noctule::model::time::{DAY, SECOND, Ts};
use noctule::model::topology::{NodePatch, OperStatus};
use noctule::store::{OpenOptions, Store};

/// ONUs of an OLT.
pub const ONUS_PER_OLT: u64 = 16 * 64;
/// OLTs of a source: one VOLTHA stack.
pub const OLTS_PER_SOURCE: u64 = 4;
/// When it all begins.
pub const T0: Ts = Ts(1_795_186_238 * SECOND);

/// Alarm types an ONU can have here, with their severities.
pub const TYPES: [(&str, Severity); 8] = [
    ("pon.onu.los", Severity::Critical),
    ("pon.onu.dying_gasp", Severity::Major),
    ("pon.onu.lob", Severity::Major),
    ("pon.onu.lof", Severity::Major),
    ("pon.onu.signal_degraded", Severity::Minor),
    ("pon.onu.drift", Severity::Warning),
    ("pon.onu.rx_low", Severity::Minor),
    ("pon.onu.loss_of_omci", Severity::Critical),
];

/// A store in a directory.
pub fn open(path: &Path) -> Store {
    let options = OpenOptions {
        path: path.to_path_buf(),
        tenant: String::new(),
        keep_us: 30 * DAY * 1_000,
        max_bytes: u64::MAX,
        purge_after_us: 30 * DAY,
        read_only: false,
    };
    let (store, opened) = Store::open(&options).expect("the cache opens");
    assert!(opened.owner, "another process has the cache");
    store
}

pub fn source(n: u64) -> SourceName {
    SourceName::from(format!("voltha-{}", n / (ONUS_PER_OLT * OLTS_PER_SOURCE) + 1))
}

pub fn serial(n: u64) -> String {
    format!("BBSM{n:08X}")
}

pub fn olt_serial(n: u64) -> String {
    format!("OLT{:05}", n / ONUS_PER_OLT)
}

fn observed(n: u64, at: Ts, what: Observation) -> Record {
    let origin = Some(Origin { partition: 0, offset: at.0 - T0.0 });
    Record::Observed(Observed { source: source(n), at, origin, what })
}

/// The n-th ONU as a poll tells of it.
pub fn onu(n: u64) -> Record {
    let port = Resource::port(NodeKind::PonPort, olt_serial(n), (n % ONUS_PER_OLT / 64) as u32);
    let patch = NodePatch {
        parent: Some(port),
        device_id: Some(format!("{n:08x}-0000-4000-8000-{n:012x}")),
        oper_status: Some(OperStatus::Active),
        reason: Some("omci-flows-pushed".to_owned()),
        vendor: Some("BBSM".to_owned()),
        number: Some((n % 64 + 1) as u32),
        flows: Some(4),
        polled: true,
        ..NodePatch::new(Resource::new(NodeKind::Onu, serial(n)))
    };
    observed(n, T0, Observation::Node(patch))
}

/// A raise or clear of the n-th ONU, `step` microseconds after the beginning.
pub fn event(n: u64, kind: usize, raise: bool, step: i64) -> Record {
    let (type_id, severity) = TYPES[kind % TYPES.len()];
    let name = type_id.rsplit('.').next().unwrap_or(type_id);
    observed(
        n,
        T0.plus(step),
        Observation::Alarm(AlarmEvent {
            resource: Resource::new(NodeKind::Onu, serial(n)),
            type_id: type_id.to_owned(),
            qualifier: String::new(),
            raise: raise.then_some(severity),
            source_time: T0.plus(step / SECOND * SECOND),
            text: format!("ONU {name}"),
            clear_reason: ClearReason::Source,
            event: format!("ONU_{}_EVENT", name.to_uppercase()),
            context: vec![
                ("intf-id".to_owned(), (n % ONUS_PER_OLT / 64).to_string()),
                ("onu-id".to_owned(), (n % 64 + 1).to_string()),
                ("serial-number".to_owned(), serial(n)),
            ],
            own_query: false,
            will_clear: true,
            cleared_by_active: false,
            hold_down_s: 30,
        }),
    )
}

/// A storm: `count` events over a fleet, raises and clears in turn.
pub fn storm(fleet: u64, from: u64, count: u64) -> Vec<Record> {
    (from..from + count)
        .map(|i| {
            let round = i / fleet;
            event(i % fleet, 0, round.is_multiple_of(2), i as i64 * 10)
        })
        .collect()
}

/// Fills a cache with ONUs and with alarms on them, `alarms / onus` types deep.
pub fn fill(store: &Store, alarms: u64, onus: u64) {
    let journal = store.journal();
    let mut last = None;
    let mut put = |records: Vec<Record>| {
        if let Some(ticket) = last.replace(journal.append(records)) {
            noctule::store::Ticket::wait(ticket).expect("commits");
        }
    };
    for from in (0..onus).step_by(10_000) {
        put((from..onus.min(from + 10_000)).map(onu).collect());
    }
    let devices = onus.max(alarms.div_ceil(TYPES.len() as u64)).max(1);
    for from in (0..alarms).step_by(10_000) {
        let chunk = from..alarms.min(from + 10_000);
        put(chunk.map(|i| event(i % devices, (i / devices + i % 5) as usize, true, i as i64 * 100)).collect());
    }
    if let Some(ticket) = last.take() {
        ticket.wait().expect("commits");
    }
}
