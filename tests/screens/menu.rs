//! The console of an appliance: what is on the screen of a rack, and what its keys do.

use std::sync::Arc;

use crossterm::event::KeyModifiers;
use noctule::app::message::{DiagNews, HostFacts, Msg};
use noctule::app::port::Request;
use noctule::commands::pin::{Guarded, Pin};
use noctule::model::appliance::state::Verdict;
use noctule::model::command::Targets;
use noctule::model::diag::{DiagData, DiagEvent, DiagRequest, DiagResult, PingEvent, SocketKind};
use noctule::model::ids::RowId;
use noctule::model::page::{RequestId, Table};
use noctule::model::source::{Health, SourceRow};
use noctule::model::time::{MINUTE, SECOND};

use super::common::world::World;
use super::harness::Screen;

const SIZES: [(u16, u16); 3] = [(80, 25), (80, 24), (132, 43)];

fn pin() -> Guarded {
    Guarded::Pin(Pin::read(&"4711".to_owned().into()).unwrap())
}

/// A world whose sources are its appliances, with the one of that number as ours.
fn world(n: usize) -> (World, String) {
    let mut world = World::small();
    let template = world.sources[0].clone();
    world.sources = world
        .appliances
        .iter()
        .map(|row| {
            let mut source = SourceRow { id: row.id, name: row.source.clone(), ..template.clone() };
            source.report.kind = "raven".into();
            source.report.endpoint = "http://10.0.0.5:5005".into();
            source.report.health = Health::Up;
            source
        })
        .collect();
    let name = world.appliances[n].source.to_string();
    (world, name)
}

fn console(n: usize, size: (u16, u16), guarded: Guarded) -> Screen {
    let (world, name) = world(n);
    let mut screen = Screen::console(world, size, &name, guarded);
    let addresses = vec!["10.0.0.5".into(), "2001:db8::5".into()];
    let host = HostFacts { name: "rack-5".into(), addresses, gateway: Some("10.0.0.1".into()) };
    screen.tell(Msg::Host(host.into()));
    screen.changed();
    screen
}

/// Time passes with nobody there.
fn wait(screen: &mut Screen, us: i64) {
    screen.now = screen.now.plus(us);
    screen.tell(Msg::Tick(screen.now));
}

fn each(name: &str, n: usize, mut prepare: impl FnMut(&mut Screen)) {
    for size in SIZES {
        let mut screen = console(n, size, pin());
        prepare(&mut screen);
        let grid = screen.grid();
        assert!(grid.is_ascii(), "{name} at {size:?}:\n{grid}");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen.print());
        });
    }
}

#[test]
fn the_menu_tells_how_things_stand() {
    each("menu", 0, |_| {});
    each("menu_ports", 0, |s| s.keys("4"));
    each("menu_status", 0, |s| s.keys("1"));
    each("menu_help", 0, |s| s.keys("7"));
}

#[test]
fn the_wall_tells_it_across_the_room() {
    for (verdict, n) in [(Verdict::Ok, 0), (Verdict::Warning, 1), (Verdict::Critical, 2), (Verdict::Unknown, 10)] {
        each(&format!("menu_wall_{}", verdict.word()), n, |s| {
            let row = &mut s.world.appliances[n];
            let mut state = (*row.state).clone();
            state.verdict = verdict;
            state.at = s.now;
            state.poll_ms = 600_000;
            row.state = state.into();
            s.changed();
            wait(s, 3 * MINUTE);
        });
    }
}

#[test]
fn the_pin_is_asked_for_and_what_is_typed_is_not_shown() {
    each("menu_pin", 0, |s| s.keys("4 r 4 7 1"));
    each("menu_pin_wrong", 0, |s| s.keys("4 r '0000 enter"));
    each("menu_pin_paused", 0, |s| {
        s.keys("4 r '0000 enter '4711 enter");
        assert!(!s.sent.iter().any(|r| matches!(r, Request::Plan(..) | Request::Execute(..))), "the pause holds");
    });
}

#[test]
fn a_test_of_the_network_is_seen_live() {
    each("menu_network", 0, |s| {
        s.keys("5 enter");
        let Some(Request::Diag(id, _)) = s.sent.iter().find(|r| matches!(r, Request::Diag(..))) else {
            panic!("no test was started: {:?}", s.sent)
        };
        let id: RequestId = *id;
        let news = |event| Msg::Diag(id, DiagNews::Event(event));
        s.tell(news(DiagEvent::Started {
            address: Some("10.0.0.1".parse().unwrap()),
            socket: Some(SocketKind::Datagram),
        }));
        let (bytes, hop_limit) = (32, Some(64));
        let reply = PingEvent::Reply { seq: 1, bytes, hop_limit, rtt_us: 420, out_of_order: false };
        s.tell(news(DiagEvent::Ping(reply)));
        s.tell(news(DiagEvent::Ping(PingEvent::Timeout { seq: 2 })));
    });
}

#[test]
fn digits_lead_everywhere_and_nothing_is_a_dead_end() {
    let mut s = console(0, (80, 25), pin());
    let place = |s: &Screen| s.grid().lines().next().unwrap_or_default().trim().to_owned();
    for (digit, words) in [
        ("1", "Status"),
        ("2", "Buffers"),
        ("3", "services"),
        ("4", "Ports"),
        ("5", "Network"),
        ("6", "Log"),
        ("7", "Help"),
    ] {
        for back in ["0", "q", "esc"] {
            s.keys(digit);
            assert!(place(&s).contains(words), "{digit}: {}", place(&s));
            s.keys(back);
            assert!(place(&s).starts_with("Menu  "), "{back} after {digit}: {}", place(&s));
        }
    }
    // From page to page without the menu between them, and with arrows and Enter alone.
    s.keys("2 5 3");
    assert!(place(&s).contains("services"), "{}", place(&s));
    s.keys("0 down down down enter");
    assert!(place(&s).contains("Ports"), "{}", place(&s));
    // At the top there is nothing to leave: it is said, and nothing happens.
    s.keys("0 q q esc");
    assert!(s.app.take_acts().is_empty());
    assert!(s.grid().contains("this is the first screen"), "{}", s.grid());
    // Inside a page Esc first closes what is open in it.
    s.keys("3 enter");
    s.keys("esc");
    assert!(place(&s).contains("services"), "{}", place(&s));
    s.keys("esc");
    assert!(place(&s).starts_with("Menu  "), "{}", place(&s));
    // Neither suspended nor left by a chord.
    s.press(crossterm::event::KeyCode::Char('z'), KeyModifiers::CONTROL);
    s.press(crossterm::event::KeyCode::Char('c'), KeyModifiers::CONTROL);
    s.press(crossterm::event::KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(s.app.take_acts().is_empty());
}

#[test]
fn any_key_on_the_wall_returns_to_where_one_was_and_does_nothing_else() {
    let mut s = console(0, (80, 25), pin());
    s.keys("5");
    let before = s.grid();
    wait(&mut s, 3 * MINUTE);
    assert!(s.grid().contains("###"), "{}", s.grid());
    s.keys("enter");
    // The badge may differ: its data has grown old meanwhile.
    let first = |grid: &str| grid.lines().skip(1).take(7).collect::<Vec<_>>().join("\n");
    assert_eq!(first(&s.grid()), first(&before));
    assert!(!s.sent.iter().any(|r| matches!(r, Request::Diag(..))), "the key that woke it ran nothing");
    // It does not stand in the same place for ever.
    wait(&mut s, 3 * MINUTE);
    let places: std::collections::BTreeSet<usize> = (0..6)
        .map(|_| {
            wait(&mut s, 5 * MINUTE);
            s.grid().lines().position(|l| l.contains("###")).unwrap()
        })
        .collect();
    assert!(places.len() > 2, "{places:?}");
}

#[test]
fn old_data_is_no_verdict() {
    let mut s = console(0, (80, 25), pin());
    wait(&mut s, 60 * MINUTE);
    let grid = s.grid();
    assert!(grid.contains("it has not been asked for"), "{grid}");
    s.keys("x");
    assert!(s.grid().contains("[UNKNOWN]"), "{}", s.grid());
}

#[test]
fn the_pin_lets_changes_through_for_a_time_and_idleness_locks() {
    let mut s = console(0, (80, 25), pin());
    assert!(s.grid().contains("LOCKED"));
    s.keys("4 r '4711 enter");
    assert!(s.grid().contains("UNLOCKED"), "{}", s.grid());
    assert!(matches!(s.sent.as_slice(), [.., Request::Journal(_), Request::Plan(..)]), "{:?}", s.sent);
    // The plan is shown; confirmed after the console locked itself, it asks again.
    s.answer();
    wait(&mut s, 3 * MINUTE);
    s.keys("esc");
    assert!(!s.grid().contains("UNLOCKED"), "{}", s.grid());
    s.keys("y");
    assert!(!s.sent.iter().any(|r| matches!(r, Request::Execute(..))), "{:?}", s.sent);
    assert!(s.grid().contains("PIN"), "{}", s.grid());
    s.keys("'4711 enter");
    assert!(s.sent.iter().any(|r| matches!(r, Request::Execute(..))), "{:?}", s.sent);
    // Unlocked, the next one asks for its plan only; 9 locks at once.
    s.sent.clear();
    s.keys("9 r");
    assert!(s.sent.is_empty(), "{:?}", s.sent);
    s.keys("esc");
    assert!(!format!("{:?}", s.sent).contains("4711"));
}

#[test]
fn wrong_pins_are_journalled_without_them() {
    let mut s = console(0, (80, 25), pin());
    s.keys("4 r '0815 enter");
    let Some(Request::Journal(record)) = s.sent.pop() else { panic!("nothing was journalled") };
    assert_eq!((record.command.as_str(), record.done, record.total), ("menu.unlock", 0, 1));
    let told = format!("{record:?}");
    assert!(told.contains("wrong PIN, 1 in a row") && !told.contains("0815"), "{told}");
    // After the pause the right one is taken.
    wait(&mut s, 2 * SECOND);
    s.keys("'4711 enter");
    assert!(s.sent.iter().any(|r| matches!(r, Request::Plan(..))), "{:?}", s.sent);
}

#[test]
fn without_a_pin_nothing_is_changed_and_read_only_says_so() {
    let mut s = console(0, (80, 25), Guarded::Refused("no PIN is set".into()));
    s.keys("4 r");
    assert!(s.grid().contains("no PIN is set") && s.grid().contains("LOOK ONLY"), "{}", s.grid());
    assert!(s.sent.is_empty(), "{:?}", s.sent);
    let mut s = console(0, (80, 25), pin());
    s.app.ctx.read_only = true;
    s.keys("4 r");
    assert!(s.grid().contains("READ-ONLY") && !s.grid().contains("Esc leaves everything"), "{}", s.grid());
    assert!(s.sent.is_empty(), "{:?}", s.sent);
    let mut s = console(0, (80, 25), Guarded::Open);
    s.keys("4 r");
    assert!(matches!(s.sent.as_slice(), [Request::Plan(..)]), "{:?}", s.sent);
}

#[test]
fn a_test_is_opened_from_an_alarm_and_its_result_goes_to_it() {
    let mut s = Screen::small((120, 30));
    s.keys("T");
    assert!(s.grid().contains("Target    10.0.0.5"), "{}", s.grid());
    s.keys("enter");
    assert!(s.sent.iter().any(|r| matches!(r, Request::Diag(..))), "{:?}", s.sent);
}

/// The request of the test that was started last.
fn started(s: &Screen) -> Option<(RequestId, DiagRequest)> {
    s.sent.iter().rev().find_map(|r| match r {
        Request::Diag(id, request) => Some((*id, request.clone())),
        _ => None,
    })
}

#[test]
fn a_test_is_set_up_in_a_form_with_arrows_and_digits() {
    let mut s = console(0, (80, 25), pin());
    s.keys("5");
    assert!(s.grid().contains("[Ping]") && s.grid().contains("Target    10.0.0.1"), "{}", s.grid());
    // Down to the count, typed where it stands; the digits are no pages then.
    s.keys("down down enter ctrl-u '12 enter down enter ctrl-u '500ms enter");
    let grid = s.grid();
    assert!(grid.contains("Count     12") && grid.contains("Time-out  500ms"), "{grid}");
    assert!(grid.contains("How long each is waited for"), "{grid}");
    s.keys("r");
    let Some((_, DiagRequest::Ping(ping))) = started(&s) else { panic!("{:?}", s.sent) };
    assert_eq!((ping.count, ping.timeout.as_millis(), ping.host.as_str()), (12, 500, "10.0.0.1"));
    // While it runs nothing is changed; Esc ends it.
    s.keys("enter");
    assert!(s.grid().contains("a test runs"), "{}", s.grid());
}

#[test]
fn words_turn_in_place_and_the_tests_keep_their_fields() {
    let mut s = console(0, (80, 25), pin());
    s.keys("5 right right right right");
    assert!(s.grid().contains("[Port]") && s.grid().contains("5005,5004,8080"), "{}", s.grid());
    s.keys("down down down enter");
    assert!(s.grid().contains("Protocol  udp"), "{}", s.grid());
    s.keys("left left left left left");
    assert!(s.grid().contains("Protocol  udp"), "five tests lead round: {}", s.grid());
    s.keys("r");
    let Some((_, DiagRequest::Port(port))) = started(&s) else { panic!("{:?}", s.sent) };
    assert_eq!((port.protocol.word(), port.ports), ("udp", vec![5005, 5004, 8080]));
}

#[test]
fn what_is_wrong_with_a_field_is_told_there_and_not_run() {
    let mut s = console(0, (80, 25), pin());
    s.keys("5 down down enter ctrl-u '0 enter");
    assert!(s.grid().contains("0 is not from 1 to 10000"), "{}", s.grid());
    s.keys("up up up up r");
    assert!(started(&s).is_none(), "{:?}", s.sent);
    assert!(s.grid().lines().any(|l| l.starts_with("> Count")), "the cursor goes to it: {}", s.grid());
    s.keys("backspace");
    assert!(s.grid().contains("Count     4") && s.grid().contains("How many echo requests"), "{}", s.grid());
    // Without a target it is asked for in its place, before anything runs.
    let mut s = console(0, (80, 25), pin());
    s.keys("5 right right r");
    assert!(started(&s).is_none());
    s.keys("'arena.example.net enter r");
    let Some((_, DiagRequest::Dns(dns))) = started(&s) else { panic!("{:?}", s.sent) };
    assert_eq!(dns.types.len(), 2);
}

fn done(s: &mut Screen, id: RequestId, request: DiagRequest) {
    let address = Some("10.0.0.1".parse().unwrap());
    let result = DiagResult {
        request,
        address,
        started: s.now,
        duration_us: 1_000,
        cancelled: false,
        data: DiagData::Port(Vec::new()),
    };
    s.tell(Msg::Diag(id, DiagNews::Ended(Ok(Arc::new(result)))));
}

#[test]
fn a_result_about_no_alarm_is_attached_to_one_that_is_picked() {
    let mut s = Screen::small((120, 30));
    s.keys(": 'diag.open enter right right right right t ctrl-u '10.0.0.9 enter r");
    let (id, request) = started(&s).unwrap_or_else(|| panic!("{:?}\n{}", s.sent, s.grid()));
    done(&mut s, id, request);
    s.sent.clear();
    s.keys("a");
    assert!(s.grid().contains("Attach the result to"), "{}", s.grid());
    s.keys("'dying enter");
    let Some(Request::Execute(_, note) | Request::Plan(_, note)) = s.sent.last() else { panic!("{:?}", s.sent) };
    assert_eq!((note.command, &note.targets), ("alarm.note", &Targets::Rows(Table::Alarms, vec![RowId(2)])));
    assert!(note.args.get("text").is_some_and(|t| t.starts_with("port: ")), "{note:?}");
    // By its key: one that is none is told.
    s.sent.clear();
    s.keys("A 'key enter 'nonsense enter");
    let noted = |s: &Screen| s.sent.iter().any(|r| matches!(r, Request::Execute(..) | Request::Plan(..)));
    assert!(!noted(&s) && s.grid().contains("is no key"), "{}", s.grid());
    let key = "00112233445566778899aabbccddeeff";
    s.keys(&format!("A 'key enter '{key} enter"));
    let mut wishes = s.sent.iter().rev().filter_map(|r| match r {
        Request::Execute(_, note) | Request::Plan(_, note) => Some(note),
        _ => None,
    });
    let Some(note) = wishes.next() else { panic!("{:?}", s.sent) };
    assert_eq!(note.targets, Targets::Names(Table::Alarms, vec![key.to_owned()]));
}

#[test]
fn a_test_of_another_host_is_not_about_the_alarm_of_before() {
    let mut s = Screen::small((120, 30));
    s.keys(": 'diag.open_host=10.0.0.9_alarm=2_label=uplink enter right right right right t ctrl-u '10.0.0.9 enter r");
    let (id, request) = started(&s).unwrap_or_else(|| panic!("{:?}\n{}", s.sent, s.grid()));
    done(&mut s, id, request);
    assert!(s.grid().contains("a attaches it to uplink"), "{}", s.grid());
    s.keys(": 'diag.open_host=10.0.0.7 enter");
    assert!(s.grid().contains("a attaches it to an alarm"), "{}", s.grid());
}

#[test]
fn whoever_scrolled_up_sees_lines_after_the_oldest_are_gone() {
    let mut s = Screen::small((120, 30));
    s.keys(": 'diag.open enter right right right right t ctrl-u '10.0.0.9 enter r");
    let (id, _) = started(&s).unwrap_or_else(|| panic!("{:?}\n{}", s.sent, s.grid()));
    let told = |s: &mut Screen, numbers: std::ops::Range<u32>| {
        for n in numbers {
            let event = DiagEvent::HopName { address: "10.0.0.1".parse().unwrap(), name: format!("hop-{n}") };
            s.tell(Msg::Diag(id, DiagNews::Event(event)));
        }
    };
    told(&mut s, 0..60);
    s.keys("-");
    let before = s.grid();
    told(&mut s, 60..90);
    assert_eq!(s.grid(), before, "the same lines");
    told(&mut s, 90..4_200);
    assert!(s.grid().matches("hop-").count() > 5, "{}", s.grid());
    s.keys("+");
    assert!(s.grid().contains("hop-2"), "{}", s.grid());
}

#[test]
fn the_forms_of_the_tests() {
    each("menu_form_trace", 0, |s| s.keys("5 right down down"));
    each("menu_form_dns", 0, |s| s.keys("5 right right down 'x down enter ctrl-u 'A,XX enter"));
    each("menu_form_bandwidth", 0, |s| s.keys("5 right right right down down"));
    each("menu_form_port", 0, |s| s.keys("5 left down down enter"));
}
