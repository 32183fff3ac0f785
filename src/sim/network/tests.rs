//! The world as a whole: determinism, and the sequences that a console has to cope with.

use std::hash::{Hash, Hasher};

use super::alarm::OnuAlarm;
use super::events::Emitted;
use super::state::{Reason, State};
use super::*;
use crate::controllers::voltha::proto::event::event::EventType;

fn rules(scale: Scale, script: bool) -> Rules {
    Rules { scale, seed: 42, speed: 1.0, script, history: script, anchor: 1_795_000_000_000_000 }
}

fn name(e: &Emitted) -> String {
    match e.event.event_type.as_ref().unwrap() {
        EventType::DeviceEvent(d) => d.device_event_name.clone(),
        EventType::RpcEvent(r) => format!("RPC {}", r.rpc),
        EventType::KpiEvent2(k) => k.slice_data[0].metadata.as_ref().unwrap().title.clone(),
        _ => String::new(),
    }
}

fn context(e: &Emitted, key: &str) -> String {
    match e.event.event_type.as_ref().unwrap() {
        EventType::DeviceEvent(d) => d.context.get(key).cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn digest(events: &[Emitted]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    for e in events {
        (e.stack, e.at, &e.key, name(e)).hash(&mut hasher);
        if let Some(EventType::DeviceEvent(d)) = &e.event.event_type {
            let mut context: Vec<_> = d.context.iter().collect();
            context.sort();
            (&d.resource_id, &d.description, context).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[test]
fn the_same_seed_gives_the_same_events_however_time_is_cut() {
    let mut once = World::new(rules(Scale::Small, true));
    let whole = once.advance(900 * SECOND);
    let mut often = World::new(rules(Scale::Small, true));
    let mut pieces = Vec::new();
    for n in 0..9_000 {
        pieces.extend(often.advance(n * SECOND / 10));
    }
    pieces.extend(often.advance(900 * SECOND));
    assert!(whole.len() > 500, "{}", whole.len());
    assert_eq!(digest(&whole), digest(&pieces));
    let other = World::new(Rules { seed: 43, ..rules(Scale::Small, true) }).advance(900 * SECOND);
    assert_ne!(digest(&whole), digest(&other));
}

#[test]
fn there_is_a_past_something_happens_at_once_and_a_storm_in_the_first_minute() {
    let mut world = World::new(rules(Scale::Small, true));
    let past = world.advance(0);
    assert!(past.iter().any(|e| name(e).ends_with("_RAISE_EVENT")), "history");
    assert!(past.iter().all(|e| e.at <= world.wall(0)));
    let standing: u32 = world.stacks[0].onus.iter().map(|o| o.raised.count_ones()).sum();
    assert!(standing >= 5, "{standing} alarms stand at the start");
    let soon = world.advance(10 * SECOND);
    assert!(soon.iter().any(|e| name(e) == "ONU_LOSS_OF_SIGNAL_RAISE_EVENT"));
    let minute = world.advance(60 * SECOND);
    assert!(minute.iter().any(|e| name(e) == "OLT_LOSS_OF_SIGNAL_RAISE_EVENT"));
    assert!(minute.iter().any(|e| name(e) == "ONU_DISCOVERY_RAISE_EVENT"));
}

#[test]
fn a_cut_fibre_tells_the_onus_first_and_its_repair_clears_the_port_alone() {
    let mut world = World::new(rules(Scale::Small, false));
    world.cut_fibre(0, 0, 2);
    let events = world.advance(10 * SECOND);
    let names: Vec<String> = events.iter().map(name).collect();
    let port = names.iter().position(|n| n == "OLT_LOSS_OF_SIGNAL_RAISE_EVENT").unwrap();
    assert_eq!(names[..port].iter().filter(|n| *n == "ONU_LOSS_OF_SIGNAL_RAISE_EVENT").count(), 8);
    assert_eq!(context(&events[port], "port-label"), "pon-536870914");
    assert_eq!(context(&events[0], "port-label"), "pon-2");
    assert!(events[port].key.is_empty() && events[0].key.len() == 36);

    world.repair_fibre(0, 0, 2);
    let names: Vec<String> = world.advance(20 * SECOND).iter().map(name).collect();
    assert!(names.contains(&"OLT_LOSS_OF_SIGNAL_CLEAR_EVENT".to_owned()));
    assert!(!names.contains(&"ONU_LOSS_OF_SIGNAL_CLEAR_EVENT".to_owned()));
    assert!(world.stacks[0].onus.iter().filter(|o| o.exists).all(|o| o.state == State::UP && o.raised == 0));
}

#[test]
fn every_return_flickers_for_a_moment_and_the_chain_has_no_gap() {
    let mut world = World::new(rules(Scale::Small, false));
    world.flap(0, 3, 5 * SECOND);
    let events = world.advance(20 * SECOND);
    let changes: Vec<_> = events.iter().filter(|e| name(e).starts_with("DEVICE_STATE_CHANGE")).collect();
    let now = |e: &Emitted| format!("{}/{}", context(e, "oper-state"), context(e, "connect-state"));
    let before = |e: &Emitted| format!("{}/{}", context(e, "prev-oper-state"), context(e, "prev-connect-state"));
    for pair in changes.windows(2) {
        assert_eq!(now(pair[0]), before(pair[1]));
    }
    let flicker = changes.iter().position(|e| now(e) == "ACTIVATING/UNKNOWN").unwrap();
    assert_eq!(now(changes[flicker + 1]), "ACTIVE/REACHABLE");
    assert!(changes[flicker + 1].at - changes[flicker - 1].at <= 25 * MS);
}

#[test]
fn a_reboot_of_an_olt_gives_every_onu_a_new_id_and_the_same_serial() {
    let mut world = World::new(rules(Scale::Small, false));
    let before: Vec<(u128, String)> = (0..9).map(|i| (world.stacks[0].onus[i].id, world.stacks[0].serial(i))).collect();
    world.reboot_olt(0, 0);
    let names: Vec<String> = world.advance(40 * SECOND).iter().map(name).collect();
    assert_eq!(names.iter().filter(|n| *n == "ONU_DELETED_RAISE_EVENT").count(), 32);
    assert_eq!(names.iter().filter(|n| *n == "ONU_DISCOVERY_RAISE_EVENT").count(), 32);
    for (i, (id, serial)) in before.iter().enumerate().take(8) {
        let onu = &world.stacks[0].onus[i];
        assert!(onu.exists && onu.state == State::UP);
        assert_ne!(onu.id, *id);
        assert_eq!(world.stacks[0].serial(i), *serial);
        assert_eq!(world.find(0, &layout::uuid(*id)), None);
    }
}

#[test]
fn a_power_failure_gasps_and_only_the_loss_of_signal_clears() {
    let mut world = World::new(rules(Scale::Small, false));
    let street = world.stacks[0].neighbours(0);
    world.power_off(0, &street);
    let names: Vec<String> = world.advance(5 * SECOND).iter().map(name).collect();
    assert_eq!(names.iter().filter(|n| *n == "ONU_DYING_GASP_RAISE_EVENT").count(), street.len());
    assert_eq!(world.stacks[0].onus[0].reason, Reason::Stopping);
    world.power_on(0, &street);
    let names: Vec<String> = world.advance(20 * SECOND).iter().map(name).collect();
    assert_eq!(names.iter().filter(|n| *n == "ONU_LOSS_OF_SIGNAL_CLEAR_EVENT").count(), street.len());
    assert!(!names.iter().any(|n| n == "ONU_DYING_GASP_CLEAR_EVENT" || n == "ONU_Ethernet_UNI_CLEAR_EVENT"));
    assert_eq!(world.stacks[0].onus[0].state, State::UP);
}

#[test]
fn omci_alarms_name_the_uni_port_and_the_device() {
    let mut world = World::new(rules(Scale::Small, false));
    world.onu_after(0, 0, 10, OnuAct::Raise(OnuAlarm::EthernetUni));
    let events = world.advance(0);
    let onu = &world.stacks[0].onus[10];
    assert_eq!((onu.pon, onu.number), (1, 2));
    assert_eq!(context(&events[0], "onu-intf-id"), "66048");
    assert_eq!(context(&events[0], "onu-id"), layout::uuid(onu.id));
    assert!(events[0].key.is_empty());
}

#[test]
fn a_storm_keeps_its_rate() {
    let mut world = World::new(rules(Scale::Small, false));
    world.storm(100, SECOND);
    let events = world.advance(2 * SECOND);
    assert!((8_000..=10_016).contains(&events.len()), "{}", events.len());
}

#[test]
fn stamps_follow_the_real_clock_at_any_speed() {
    let world = World::new(Rules { speed: 10.0, ..rules(Scale::Small, true) });
    assert_eq!(world.wall(100 * SECOND) - world.wall(0), 10 * SECOND);
    assert_eq!(world.wall(0) - world.wall(-100 * SECOND), 100 * SECOND);
}
