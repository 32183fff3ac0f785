//! The silences of Alertmanagers on the screen: the list, the way to what one holds back and back,
//! the form, and what is shown when a server cannot be asked.

use noctule::app::message::Msg;
use noctule::app::port::Request;
use noctule::model::alarm::{AlarmRow, Visibility};
use noctule::model::command::{Intent, Outcome};
use noctule::model::ids::SourceName;
use noctule::model::page::RequestId;
use noctule::model::severity::Severity;
use noctule::model::silence::{SilenceList, SilenceRow, SilenceState};
use noctule::model::time::{DAY, HOUR, MINUTE, Ts};
use noctule::theme::Glyphs;

use super::common::rows::{HOSTILE, NOW, alarm, onu};
use super::common::world::World;
use super::harness::Screen;

const ID: &str = "0a325f34-6531-4534-83f7-848253e38e0";

fn silence(n: u8, state: SilenceState, span: (i64, i64)) -> SilenceRow {
    SilenceRow {
        source: "alerts".into(),
        id: format!("{ID}{n}"),
        state,
        starts: NOW.plus(span.0),
        ends: NOW.plus(span.1),
        updated: NOW.plus(span.0),
        created_by: "mira".into(),
        comment: format!("MW-4{n} splice"),
        matchers: format!("{{alertname=\"OltDown\", olt=\"olt-00{n}\"}}"),
    }
}

fn told() -> Vec<SilenceList> {
    let rows = vec![
        silence(1, SilenceState::Active, (-HOUR, 5 * HOUR)),
        silence(2, SilenceState::Active, (-2 * HOUR, 20 * MINUTE)),
        silence(3, SilenceState::Pending, (HOUR, 3 * HOUR)),
        SilenceRow {
            comment: HOSTILE.into(),
            matchers: "{pon=~\"1/1/(3|4)\", severity!=\"critical\"}".into(),
            ..silence(4, SilenceState::Expired, (-2 * DAY, -DAY))
        },
    ];
    let other = SilenceRow { source: "lab".into(), ..silence(5, SilenceState::Active, (-HOUR, HOUR)) };
    vec![("alerts".into(), Ok(rows)), ("lab".into(), Ok(vec![other]))]
}

/// A world in which the first silence holds two alarms back.
fn world() -> World {
    let mut world = World::small();
    for id in [90, 91] {
        world.alarms.push(AlarmRow {
            source: SourceName::from("alerts"),
            visibility: Visibility::Suppressed,
            suppressed_by: format!("silence {ID}1 by mira until 2026-11-20T19:00:00Z: MW-41 splice"),
            ..alarm(id, Severity::Major, "OltDown", onu(id as u32))
        });
    }
    world
}

fn asked(screen: &mut Screen) -> Option<RequestId> {
    let mut found = None;
    screen.sent.retain(|request| match request {
        Request::Silences(id) => {
            found = Some(*id);
            false
        }
        _ => true,
    });
    found
}

fn tell(screen: &mut Screen, lists: Vec<SilenceList>) {
    let id = asked(screen).expect("the servers were asked");
    screen.tell(Msg::Silences(id, lists));
}

fn open(size: (u16, u16), glyphs: Glyphs) -> Screen {
    let mut screen = Screen::new(world(), size, glyphs);
    screen.keys("H");
    tell(&mut screen, told());
    screen
}

fn intent(screen: &Screen) -> Intent {
    let mut intents = screen.sent.iter().rev().filter_map(|r| match r {
        Request::Plan(_, intent) | Request::Execute(_, intent) => Some(intent.clone()),
        _ => None,
    });
    intents.next().expect("an intent")
}

fn snapshot(name: &str, prepare: impl Fn(&mut Screen)) {
    for size in super::SIZES {
        for (kind, glyphs) in [("unicode", Glyphs::UNICODE), ("ascii", Glyphs::ASCII)] {
            let mut screen = open(size, glyphs);
            prepare(&mut screen);
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{name}_{}x{}_{kind}", size.0, size.1), screen.print());
            });
        }
    }
}

#[test]
fn the_list() {
    snapshot("silences", |_| {});
}

#[test]
fn the_form() {
    snapshot("silences_form", |s| s.keys("a j enter '=x enter x s"));
}

#[test]
fn what_a_silence_holds_back_is_counted_and_one_key_away() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    let line = |s: &Screen, words: &str| s.grid().lines().find(|l| l.contains(words)).unwrap_or_default().to_owned();
    assert!(line(&screen, "olt-001").contains(" 2 "), "{}", screen.grid());
    assert!(line(&screen, "olt-002").contains(" 0 "), "{}", screen.grid());
    // Soonest first: the cursor stands on the one that ends in 20 minutes.
    screen.keys("/ 'olt-001 enter o");
    let grid = screen.grid();
    assert!(grid.contains("held back by silence: MW-41 splice") && grid.contains("1 of 2"), "{grid}");
    assert_eq!(grid.matches("OltDown").count(), 2, "{grid}");
    screen.keys("j esc");
    assert!(screen.grid().contains("olt-001") && screen.grid().contains("MW-41"), "{}", screen.grid());
    // Behind the silences the list is as it was: its own filter, its own scope.
    screen.keys("esc esc");
    assert!(screen.grid().contains("pon.port.los") || screen.grid().contains("loss of signal"), "{}", screen.grid());
    assert!(!screen.grid().contains("OltDown"), "{}", screen.grid());
}

#[test]
fn the_list_before_the_alarms_of_a_silence_comes_back_whole() {
    // Below a node, by way of the tree: after the alarms of a silence it is below it again.
    let mut screen = Screen::new(world(), (120, 30), Glyphs::UNICODE);
    screen.keys("/ 'text:27.4_dBm enter d a");
    assert!(screen.grid().contains("below voltha-1/"), "{}", screen.grid());
    screen.keys("H");
    tell(&mut screen, told());
    screen.keys("/ 'olt-001 enter o");
    assert!(!screen.grid().contains("below voltha-1/"), "{}", screen.grid());
    screen.keys("esc esc esc");
    assert!(screen.grid().contains("below voltha-1/"), "{}", screen.grid());
    // From the alarms of a silence to its device and to the alarms of that: no scope is left behind.
    let mut screen = Screen::new(world(), (120, 30), Glyphs::UNICODE);
    screen.keys("H");
    tell(&mut screen, told());
    screen.keys("/ 'olt-001 enter o");
    screen.keys("d a");
    let grid = screen.grid();
    let words = grid.lines().nth(1).unwrap_or_default();
    assert!(words.contains("below ") && !words.contains("held back by silence"), "{grid}");
    assert!(!words.contains("suppressed_by") && !words.contains("hidden"), "{grid}");
}

#[test]
fn a_silence_whose_matchers_cannot_be_read_back_is_changed_all_the_same() {
    let mut screen = Screen::new(world(), (120, 30), Glyphs::UNICODE);
    screen.keys("H a");
    assert!(screen.grid().contains("still being asked"), "{}", screen.grid());
    let odd = SilenceRow { matchers: "{olt ?? 1}".into(), ..silence(3, SilenceState::Pending, (HOUR, 3 * HOUR)) };
    tell(&mut screen, vec![("alerts".into(), Ok(vec![odd]))]);
    screen.keys("e j");
    assert!(screen.grid().contains("from its beginning on"), "{}", screen.grid());
    screen.keys("enter '3h enter x s");
    let sent = intent(&screen);
    assert_eq!((sent.args.get("duration").map(String::as_str), sent.args.get("matchers")), (Some("3h"), None));
}

#[test]
fn the_alarms_are_asked_for_again_only_when_they_are_shown() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    // More than 20 s later the list is read again by itself, the alarms beneath it are not.
    screen.now = Ts(NOW.0).plus(MINUTE);
    screen.changed();
    assert!(asked(&mut screen).is_some());
    screen.changed();
    assert!(asked(&mut screen).is_none(), "one question at a time");
    screen.keys("esc");
    assert!(screen.grid().contains("loss of signal"), "{}", screen.grid());
    screen.changed();
    assert!(asked(&mut screen).is_none(), "nobody looks at it");
}

#[test]
fn a_server_that_does_not_tell_keeps_its_rows_with_their_age() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.now = NOW.plus(12 * MINUTE);
    screen.keys("r");
    let Ok(lab) = told().remove(1).1 else { unreachable!() };
    let why = "alerts: GET silences: connection refused; is it running?";
    tell(&mut screen, vec![("alerts".into(), Err(why.into())), ("lab".into(), Ok(lab))]);
    let grid = screen.grid();
    assert!(grid.contains("olt-001") && grid.contains("olt-005"), "{grid}");
    assert!(grid.contains("what it told 12m ago stays") && grid.contains("connection refused"), "{grid}");
    // One that never told anything says so, and what can be done.
    let mut screen = Screen::new(world(), (120, 30), Glyphs::UNICODE);
    screen.keys("H");
    assert!(screen.grid().contains("asking the servers"), "{}", screen.grid());
    tell(&mut screen, vec![("alerts".into(), Err(why.into()))]);
    assert!(screen.grid().contains("it has told nothing yet"), "{}", screen.grid());
    screen.keys("r");
    tell(&mut screen, vec![("alerts".into(), Ok(Vec::new()))]);
    assert!(screen.grid().contains("a makes one"), "{}", screen.grid());
    screen.keys("r");
    tell(&mut screen, Vec::new());
    assert!(screen.grid().contains("No source of the kind"), "{}", screen.grid());
}

#[test]
fn more_than_fits_is_walked_and_searched_and_sorted() {
    let mut screen = Screen::new(World::small(), (80, 24), Glyphs::ASCII);
    screen.keys("H");
    let many: Vec<SilenceRow> = (0..200)
        .map(|n| SilenceRow {
            id: format!("{ID}{n:03}"),
            comment: format!("number {n}"),
            ..silence(1, SilenceState::Active, (-HOUR, HOUR + n * MINUTE))
        })
        .collect();
    tell(&mut screen, vec![("alerts".into(), Ok(many))]);
    screen.keys("G");
    assert!(screen.grid().contains("in 4h19m") && !screen.grid().contains("in 60m"), "{}", screen.grid());
    screen.keys("g g");
    assert!(screen.grid().contains("in 60m"), "{}", screen.grid());
    screen.keys("/ 'number_17 enter");
    screen.keys("G");
    assert!(screen.grid().contains("number 179") && !screen.grid().contains("number 180"), "{}", screen.grid());
    // The same column twice: the other way round, the cursor on its row.
    screen.keys("esc s 'ends enter s 'ends enter g g");
    let first = screen.grid().lines().find(|l| l.contains("active  in")).unwrap_or_default().to_owned();
    assert!(first.contains("4h19m"), "{first}");
}

#[test]
fn the_form_tells_what_is_wrong_at_its_field_and_sends_what_was_changed() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.keys("/ 'olt-001 enter e j enter '90d enter");
    assert!(screen.grid().contains("at most 30d"), "{}", screen.grid());
    screen.keys("x s");
    assert!(!screen.sent.iter().any(|r| matches!(r, Request::Plan(..))), "what is wrong is not sent");
    screen.keys("enter ctrl-u '3h enter x s");
    let sent = intent(&screen);
    assert_eq!(sent.command, "silence.change");
    let args: Vec<(&str, &str)> = sent.args.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let id = format!("{ID}1");
    assert_eq!(args, [("duration", "3h"), ("id", id.as_str()), ("source", "alerts")]);
    // What the server refuses stands beside the form, which stays filled in.
    let Some(Request::Plan(plan, _)) = screen.sent.pop() else { panic!("no plan") };
    screen.tell(Msg::Planned(plan, Err("alerts: 400 bad matcher".into())));
    assert!(screen.grid().contains("400 bad matcher") && screen.grid().contains("3h"), "{}", screen.grid());
    screen.keys("x s");
    screen.answer();
    screen.keys("y");
    let Some(Request::Execute(run, _)) = screen.sent.iter().find(|r| matches!(r, Request::Execute(..))).cloned() else {
        panic!("not run: {:?}", screen.sent)
    };
    let outcome = Outcome {
        command: "silence.change".into(),
        summary: format!("changed silence {id}"),
        total: 1,
        done: 1,
        ..Outcome::default()
    };
    screen.tell(Msg::Done(run, outcome));
    assert!(asked(&mut screen).is_some(), "what was changed is read again");
    assert!(!screen.grid().contains("Lasts"), "{}", screen.grid());
}

fn done(command: &str, summary: String) -> Outcome {
    Outcome { command: command.into(), summary, total: 1, done: 1, ..Outcome::default() }
}

#[test]
fn a_form_whose_sending_came_to_nothing_waits_for_no_outcome() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.keys("/ 'olt-001 enter e j enter '3h enter");
    let foreign = |screen: &mut Screen, n: u8| {
        screen.tell(Msg::Done(RequestId(9_000), done("silence.change", format!("changed silence {ID}{n}"))));
        assert!(screen.grid().contains("Lasts") && screen.grid().contains("3h"), "{}", screen.grid());
    };
    // Answered with no, and left.
    for no in ["n", "esc"] {
        screen.keys("x s");
        screen.answer();
        screen.keys(no);
        foreign(&mut screen, 1);
    }
    // The gate refuses it: that stands beside the form.
    screen.app.ctx.cut_off = Some("the owner does not answer".into());
    screen.keys("x s");
    assert!(!screen.sent.iter().any(|r| matches!(r, Request::Plan(..))), "{:?}", screen.sent);
    foreign(&mut screen, 1);
    screen.app.ctx.cut_off = None;
    // On its way: what becomes of another one, or of another command's plan, is not what becomes of it.
    screen.keys("x s");
    foreign(&mut screen, 2);
    screen.tell(Msg::Planned(RequestId(9_001), Err("another command's plan".into())));
    assert!(!screen.grid().contains("another command's"), "{}", screen.grid());
    screen.tell(Msg::Done(RequestId(9_002), done("silence.change", format!("changed silence {ID}1"))));
    assert!(!screen.grid().contains("Lasts"), "{}", screen.grid());
}

#[test]
fn a_new_one_needs_matchers_a_time_and_a_reason() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.keys("a x s");
    let grid = screen.grid();
    assert!(grid.contains("there is no condition") && grid.contains("Comment: why?"), "{grid}");
    // Two servers: which one is meant is a field.
    screen.keys("g g enter j enter 'olt=\"a\" enter j j enter 'splice enter x s");
    let sent = intent(&screen);
    let get = |name: &str| sent.args.get(name).map(String::as_str);
    assert_eq!(sent.command, "silence.create");
    assert_eq!((get("source"), get("matchers")), (Some("lab"), Some("olt=\"a\"")));
    assert_eq!((get("duration"), get("comment")), (Some("2h"), Some("splice")));
}

#[test]
fn ending_one_is_asked_about_and_one_that_is_over_only_makes_another() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.keys("/ 'olt-002 enter d");
    let sent = intent(&screen);
    assert_eq!(
        (sent.command, sent.args.get("id").map(String::as_str)),
        ("silence.expire", Some(format!("{ID}2").as_str()))
    );
    screen.keys("esc l");
    screen.sent.clear();
    screen.keys("d");
    assert!(screen.sent.is_empty() && screen.grid().contains("over already"), "{}", screen.grid());
    screen.keys("e");
    assert!(
        screen.grid().contains("like the one that is over") && screen.grid().contains("pon=~"),
        "{}",
        screen.grid()
    );
}

#[test]
fn a_read_only_profile_opens_no_form() {
    let mut screen = open((120, 30), Glyphs::UNICODE);
    screen.app.ctx.read_only = true;
    screen.keys("a");
    assert!(screen.grid().contains("read-only") && !screen.grid().contains("Lasts"), "{}", screen.grid());
}
