//! What the list asks for, and when.

use std::sync::Arc;

use super::*;
use crate::model::page::{Data, DataRequest, Generations, Total};

fn silence(source: &str, id: &str) -> SilenceRow {
    SilenceRow {
        source: source.into(),
        id: id.to_owned(),
        state: SilenceState::Active,
        starts: Ts(1),
        ends: Ts(i64::MAX),
        updated: Ts(1),
        created_by: "mira".to_owned(),
        comment: "splice".to_owned(),
        matchers: "{olt=\"olt-001\"}".to_owned(),
    }
}

fn told(rows: &[SilenceRow]) -> Vec<SilenceList> {
    let mut lists: Vec<SilenceList> = Vec::new();
    for row in rows {
        match lists.iter_mut().find(|(source, _)| *source == row.source) {
            Some((_, Ok(rows))) => rows.push(row.clone()),
            _ => lists.push((row.source.clone(), Ok(vec![row.clone()]))),
        }
    }
    lists
}

fn later(cx: &mut Ctx, by: i64) {
    cx.now = cx.now.plus(by);
}

/// Alarms have changed.
fn changed(view: &mut Silences, cx: &mut Ctx) -> Vec<Effect> {
    cx.generations = Generations { alarms: cx.generations.alarms + 1, ..cx.generations };
    view.update(&Msg::Changed(cx.generations), cx)
}

/// The question to the servers.
fn reading(effects: &[Effect]) -> Option<RequestId> {
    effects.iter().find_map(|effect| if let Effect::Silences(id) = effect { Some(*id) } else { None })
}

/// The question to the cache.
fn counting(effects: &[Effect]) -> Option<RequestId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Query(id, DataRequest::Count(..)) => Some(*id),
        _ => None,
    })
}

fn count(view: &mut Silences, id: RequestId, n: u64, cx: &Ctx) -> Vec<Effect> {
    view.update(&Msg::Data(id, Data::Count(Total::Exact(n))), cx)
}

/// Open, and told; the first question to the cache.
fn open(rows: &[SilenceRow]) -> (Silences, Ctx, RequestId) {
    let cx = Ctx::new(Ts(1_000 * SECOND));
    let mut view = Silences::default();
    let asked = reading(&view.show(&cx)).expect("the servers are asked");
    let first = counting(&view.update(&Msg::Silences(asked, told(rows)), &cx)).expect("it is counted");
    (view, cx, first)
}

#[test]
fn a_storm_has_the_alarms_counted_at_intervals_and_only_while_somebody_looks() {
    let (mut view, mut cx, first) = open(&[silence("a", "1"), silence("a", "2")]);
    cx.generations.alarms = 7;
    let second = counting(&count(&mut view, first, 1, &cx)).expect("the next of the round");
    assert_eq!(counting(&count(&mut view, second, 1, &cx)), None, "the round is over, the next one is not due");
    assert_eq!(counting(&changed(&mut view, &mut cx)), None);
    later(&mut cx, 6 * SECOND);
    let third = counting(&changed(&mut view, &mut cx)).expect("the next round");
    // Another pane comes to the front: the round ends there, also when it would be time for another.
    cx.active = PaneId::Pon;
    later(&mut cx, 6 * SECOND);
    assert!(count(&mut view, third, 1, &cx).is_empty());
    assert!(changed(&mut view, &mut cx).is_empty());
    // It comes back: all is counted anew.
    cx.active = PaneId::Alarms;
    let again = counting(&view.show(&cx)).expect("counted anew");
    view.open = false;
    assert!(count(&mut view, again, 1, &cx).is_empty(), "it was left");
    // An answer that never comes holds up nothing when it is opened the next time.
    assert!(counting(&view.show(&cx)).is_some());
    assert!(counting(&view.show(&cx)).is_some());
}

#[test]
fn other_silences_are_counted_at_once() {
    let (mut view, cx, first) = open(&[silence("a", "1")]);
    count(&mut view, first, 1, &cx);
    let asked = reading(&view.read(&cx)).expect("asked");
    let other = counting(&view.update(&Msg::Silences(asked, told(&[silence("a", "2")])), &cx));
    assert!(other.is_some(), "as many as before, and not the same");
}

#[test]
fn servers_that_all_fail_are_asked_no_more_often_than_others() {
    let mut cx = Ctx::new(Ts(1_000 * SECOND));
    let mut view = Silences::default();
    let asked = reading(&view.show(&cx)).expect("asked");
    let bad = vec![(SourceName::from("a"), Err("refused".to_owned()))];
    view.update(&Msg::Silences(asked, bad.clone()), &cx);
    for _ in 0..3 {
        later(&mut cx, SECOND);
        assert_eq!(reading(&changed(&mut view, &mut cx)), None);
    }
    later(&mut cx, 20 * SECOND);
    let asked = reading(&changed(&mut view, &mut cx)).expect("time to ask again");
    view.update(&Msg::Silences(asked, bad), &cx);
    assert_eq!(reading(&changed(&mut view, &mut cx)), None);
}

#[test]
fn two_servers_of_a_cluster_hold_the_same_ids() {
    let rows = [silence("a", "1"), silence("b", "1")];
    let (mut view, cx, first) = open(&rows);
    let second = counting(&count(&mut view, first, 3, &cx)).expect("the other one");
    count(&mut view, second, 7, &cx);
    assert_eq!((view.held.number(&rows[0]), view.held.number(&rows[1])), (3, 7));
    // The cursor on the second stays there when the list is told again.
    view.command("list.down", &Args::new(), &cx);
    let at = view.current().map(key);
    let asked = reading(&view.read(&cx)).expect("asked");
    view.update(&Msg::Silences(asked, told(&rows)), &cx);
    assert_eq!(view.current().map(key), at);
    assert_eq!(at, Some((Arc::from("b"), "1".to_owned())));
}

#[test]
fn a_change_that_ends_while_the_list_is_read_has_it_read_once_more() {
    let (mut view, cx, _) = open(&[silence("a", "1")]);
    let before = reading(&view.read(&cx)).expect("asked");
    let outcome = crate::model::command::Outcome { command: "silence.expire".to_owned(), ..Default::default() };
    let after = reading(&view.update(&Msg::Done(RequestId(900), outcome), &cx)).expect("asked once more");
    // What the first question is answered is as it was before the change.
    view.update(&Msg::Silences(before, told(&[silence("a", "1")])), &cx);
    assert!(view.asked.is_some());
    view.update(&Msg::Silences(after, told(&[silence("a", "2")])), &cx);
    assert_eq!((view.asked, view.current().map(|row| row.id.as_str())), (None, Some("2")));
}

#[test]
fn a_reading_that_is_never_answered_is_asked_anew_by_hand() {
    let (mut view, cx, _) = open(&[silence("a", "1")]);
    view.read(&cx);
    assert!(reading(&view.command("silence.read", &Args::new(), &cx).unwrap_or_default()).is_some());
}
