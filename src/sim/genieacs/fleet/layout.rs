//! Which CPEs a seeded fleet consists of.

use std::sync::Arc;

use fastrand::Rng;

use super::Fleet;
use super::cpe::{Cpe, Line, Phase, Poke};
use super::models::{MODELS, Model};
use crate::sim::Scale;

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;

/// Seconds between two informs of a CPE, usually.
pub(crate) const INFORM_S: u32 = 240;

const TAGS: [&str; 10] = [
    "residential",
    "business",
    "vip",
    "pilot",
    "area-north",
    "area-south",
    "area-east",
    "area-west",
    "iptv",
    "fw/2026-11",
];

/// How large the fleet of a scale is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) cpes: u32,
    /// CWMP workers of the ACS, each with its own limit of sessions.
    pub(crate) workers: u32,
    /// Seconds between two informs of a CPE.
    pub(crate) inform_s: u32,
}

impl Plan {
    pub(crate) const fn of(scale: Scale) -> Self {
        match scale {
            Scale::Small => Self { cpes: 40, workers: 1, inform_s: INFORM_S },
            Scale::City => Self { cpes: 5_000, workers: 2, inform_s: INFORM_S },
            Scale::Region => Self { cpes: 100_000, workers: 8, inform_s: INFORM_S },
        }
    }
}

/// The fleet of a scale. As many CPEs as can carry one of the given serials: they are behind ONUs
/// that the console knows.
pub(crate) fn seeded(plan: Plan, seed: u64, now: i64, serials: &[String]) -> Fleet {
    let mut fleet = Fleet::new(true);
    let mut rng = Rng::with_seed(seed ^ 0x6e6f_6374_7565_6c65);
    let tags: Vec<Arc<str>> = TAGS.iter().map(|t| Arc::from(*t)).collect();
    for n in 0..plan.cpes {
        // Small fleets show every model too: the place in the table is spread, not drawn.
        let model = Model::by_share(n.wrapping_mul(379) % 1_000);
        // More ONUs than CPEs: these are spread over all of them.
        let share = serials.len().max(plan.cpes as usize) as u64;
        let onu = u64::from(n) * share / u64::from(plan.cpes.max(1));
        let serial = match serials.get(onu as usize) {
            Some(serial) => serial.clone(),
            None => format!("{}{:08X}", MODELS[model].vendor, n.wrapping_mul(0x9e37_79b1)),
        };
        let base = Cpe { interval_s: plan.inform_s, ..anew(model, n + 1, &serial, now) };
        fleet.insert(one(&mut rng, &tags, base, now));
    }
    fleet
}

/// A CPE that nobody has seen before.
pub(crate) fn anew(model: usize, number: u32, serial: &str, now: i64) -> Cpe {
    let known = &MODELS[model.min(MODELS.len() - 1)];
    Cpe {
        serial: serial.into(),
        tags: Vec::new(),
        extra: None,
        registered: now,
        last_inform: now,
        last_boot: if known.plain { 0 } else { now },
        last_bootstrap: if known.plain { 0 } else { now },
        up_since: now - 20 * SECOND,
        names_at: now,
        read_at: now + 2,
        number,
        interval_s: INFORM_S,
        sessions: 0,
        ended: 0,
        rx: -1_500 - (number.wrapping_mul(97) % 1_300) as i16,
        rx_seen: -1_500 - (number.wrapping_mul(97) % 1_300) as i16,
        model: model as u8,
        version: 0,
        poke: Poke::Comes,
        phase: Phase::Up,
        shallow: true,
        booted: false,
        bootstrapped: false,
        again: false,
        line: Line::There,
    }
}

fn one(rng: &mut Rng, tags: &[Arc<str>], mut cpe: Cpe, now: i64) -> Cpe {
    let number = cpe.number;
    // Most of a real fleet receives between -17 and -23 dBm; the tails are the interesting part.
    let spread = i32::midpoint(rng.i32(0..=1_300), rng.i32(0..=1_300));
    cpe.rx = (-1_500 - spread) as i16;
    cpe.rx_seen = cpe.rx;
    let versions = cpe.model().versions.len();
    cpe.version = match rng.u8(0..10) {
        0..=1 => 0,
        2..=5 => versions.saturating_sub(2),
        _ => versions - 1,
    } as u8;
    cpe.shallow = rng.u8(0..5) == 0;
    cpe.registered = now - rng.i64(2 * DAY..900 * DAY);
    cpe.last_bootstrap = if cpe.model().plain { 0 } else { cpe.registered };
    cpe.up_since = (now - rng.i64(3_600 * SECOND..40 * DAY)).max(cpe.registered);
    cpe.last_boot = if cpe.model().plain { 0 } else { cpe.up_since + 35 * SECOND };
    let interval = i64::from(cpe.interval_s) * SECOND;
    // Every hundred CPEs: three off for days, three that went off today, four behind a NAT, one
    // each of the other ways in which a connection request fails.
    let ago = match rng.u8(0..100) {
        0..=2 => {
            cpe.phase = Phase::Off;
            rng.i64(DAY..60 * DAY)
        }
        3..=5 => {
            cpe.phase = Phase::Off;
            rng.i64(2 * interval..DAY)
        }
        dice => {
            cpe.poke = match dice {
                6..=9 => Poke::Refuses,
                10 => Poke::WrongPassword,
                11 => Poke::Silent,
                12 if number.is_multiple_of(3) => Poke::BadUrl,
                12 if number.is_multiple_of(5) => Poke::Basic,
                12 if number.is_multiple_of(7) => Poke::UnknownAuth,
                12 => Poke::Ignores,
                _ => Poke::Comes,
            };
            rng.i64(0..interval)
        }
    };
    cpe.last_inform = now - ago;
    cpe.registered = cpe.registered.min(cpe.last_inform - DAY);
    cpe.up_since = cpe.up_since.min(cpe.last_inform - 60 * SECOND);
    if cpe.last_boot > 0 {
        cpe.last_boot = cpe.up_since + 35 * SECOND;
        cpe.last_bootstrap = cpe.registered;
    }
    cpe.read_at = cpe.last_inform - rng.i64(0..6) * interval + 14;
    cpe.names_at = cpe.read_at - 4;
    cpe.tags = pick(rng, tags, number);
    cpe
}

fn pick(rng: &mut Rng, tags: &[Arc<str>], number: u32) -> Vec<Arc<str>> {
    let mut picked = Vec::new();
    let mut take = |at: usize| picked.extend(tags.get(at).cloned());
    take(usize::from(rng.u8(0..10) == 0));
    take(4 + (number as usize / 16) % 4);
    if rng.u8(0..40) == 0 {
        take(2);
    }
    if rng.u8(0..30) == 0 {
        take(3);
    }
    if rng.u8(0..6) == 0 {
        take(8);
    }
    picked
}
