//! The life of an alarm, rule by rule, and held by random histories.
use super::*;
use crate::model::ids::{ActionId, AlarmKey};
use crate::model::resource::{NodeKind, Resource};

fn event() -> AlarmEvent {
    AlarmEvent {
        resource: Resource::new(NodeKind::Onu, "A"),
        type_id: "pon.onu.los".to_owned(),
        qualifier: String::new(),
        raise: Some(Severity::Major),
        source_time: Ts::NEVER,
        text: "dark".to_owned(),
        clear_reason: ClearReason::Source,
        event: String::new(),
        context: Vec::new(),
        own_query: false,
        will_clear: true,
        cleared_by_active: false,
        hold_down_s: 30,
    }
}

fn at(seconds: i64) -> Ts {
    Ts(seconds * SECOND)
}

fn life() -> Life {
    Life::new(&event(), Severity::Major, at(10), Seq(1))
}

fn action(verb: Verb, when: Ts) -> Action {
    let id = ActionId([7; 16]);
    Action { id, batch: id, actor: "anna".to_owned(), at: when, key: AlarmKey([0; 16]), verb }
}

#[test]
fn the_shown_state_is_a_function_of_three_axes() {
    let mut life = life();
    assert_eq!(life.shown(), Shown::Unack);
    assert!(life.clear(ClearReason::Source, at(11), Seq(2)));
    assert_eq!(life.shown(), Shown::Rtnun);
    assert!(!life.clear(ClearReason::Source, at(12), Seq(3)), "a second clear is nothing");
    life.act(&action(Verb::Ack { text: String::new(), until: Ts::NEVER }, at(13)));
    assert_eq!(life.shown(), Shown::Normal);
}

#[test]
fn the_hold_down_ends_to_the_second() {
    for (gap, occurrences, received) in [(30, 2, at(10)), (31, 2, at(51))] {
        let mut life = life();
        life.clear(ClearReason::Source, at(20), Seq(2));
        life.raise(&event(), Severity::Major, at(20 + gap), Seq(3));
        assert_eq!((life.occurrences, life.received_at), (occurrences, received), "{gap} s");
    }
}

#[test]
fn a_backlog_is_measured_by_the_sources_clock() {
    let mut life = life();
    let read = |when: i64| AlarmEvent { source_time: at(when), ..event() };
    // Both are read at once, five minutes after they were five minutes apart.
    life.cleared_by(&read(100), at(700), Seq(2));
    life.raise(&read(400), Severity::Major, at(700), Seq(3));
    assert_eq!((life.occurrences, life.raised_at), (2, at(400)), "a new spell");
}

#[test]
fn history_is_a_ring() {
    let mut life = life();
    for n in 0..50 {
        life.clear(ClearReason::Source, at(100 + 2 * n), Seq(2 * n));
        life.raise(&event(), Severity::Major, at(101 + 2 * n), Seq(2 * n + 1));
    }
    assert_eq!((life.history.len(), life.dropped), (HISTORY, 101 - 32));
    assert_eq!(life.history.back().map(|c| c.seq), Some(Seq(99)));
}

#[test]
fn a_clock_that_was_set_anew_does_nothing() {
    let mut life = life();
    life.act(&action(Verb::Ack { text: String::new(), until: at(100) }, at(11)));
    assert_eq!(life.next_timer(), Some((at(100), TimerKind::AckExpired)));
    assert_eq!(life.expire(TimerKind::AckExpired, at(99)), Expired::Nothing);
    life.act(&action(Verb::Ack { text: String::new(), until: Ts::NEVER }, at(12)));
    assert_eq!(life.expire(TimerKind::AckExpired, at(200)), Expired::Nothing);
    assert_eq!(life.expire(TimerKind::Purge, at(9_999)), Expired::Nothing, "active alarms stay");
    life.clear(ClearReason::Source, at(300), Seq(2));
    assert_eq!(life.expire(TimerKind::Purge, at(301)), Expired::Nothing, "changed just now");
    assert_eq!(life.expire(TimerKind::Purge, at(360)), Expired::Purge);
}
