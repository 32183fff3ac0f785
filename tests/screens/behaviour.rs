//! What keys do: the cursor, marks, verbs and jumps, through the whole application.

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::app::port::Request;
use noctule::model::command::{LiveRequest, Targets};
use noctule::model::ids::RowId;
use noctule::model::page::Table;
use noctule::model::severity::Severity;
use noctule::model::time::SECOND;
use noctule::theme::Glyphs;
use proptest::prelude::*;

use super::common::rows::{NOW, alarm, onu};
use super::common::world::World;
use super::harness::Screen;

fn rows(ids: &[i64]) -> Targets {
    Targets::Rows(Table::Alarms, ids.iter().map(|i| RowId(*i)).collect())
}

/// The line of the grid with the cursor sign.
fn cursor_line(screen: &Screen) -> (usize, String) {
    let grid = screen.grid();
    grid.lines().enumerate().find(|(_, l)| l.starts_with('▌')).map(|(n, l)| (n, l.to_owned())).expect("a cursor")
}

#[test]
fn rows_arriving_move_neither_the_cursor_nor_its_line() {
    let mut screen = Screen::small((120, 30));
    screen.keys("j j");
    let before = cursor_line(&screen);
    screen.now = NOW.plus(SECOND);
    screen.world.new_from = 500;
    for id in 500..537 {
        let mut row = alarm(id, Severity::Critical, "pon.onu.los", onu(id as u32));
        row.received_at = screen.now;
        row.raised_at = screen.now;
        screen.world.alarms.push(row);
    }
    screen.changed();
    let after = cursor_line(&screen);
    assert_eq!(before.0, after.0, "{}", screen.grid());
    assert_eq!(before.1.get(..60), after.1.get(..60));
    assert!(screen.grid().contains("37 new"), "{}", screen.grid());
    screen.keys("N");
    assert!(!screen.grid().contains("37 new"), "{}", screen.grid());
}

#[test]
fn a_row_that_goes_leaves_the_cursor_on_the_row_that_takes_its_place() {
    let mut screen = Screen::small((120, 30));
    screen.keys("j j j");
    let line = cursor_line(&screen);
    let below = screen.grid().lines().nth(line.0 + 1).unwrap().trim_start().to_owned();
    let gone = line.1.split_whitespace().find(|w| w.starts_with("BBSM")).unwrap().to_owned();
    screen.world.alarms.retain(|r| !r.canonical.ends_with(&gone));
    screen.changed();
    let now = cursor_line(&screen);
    assert_eq!(now.1.trim_start_matches('▌').trim(), below.trim(), "{}", screen.grid());
}

#[test]
fn a_key_acknowledges_the_row_under_the_cursor() {
    let mut screen = Screen::small((120, 30));
    screen.keys("a");
    let intents = screen.intents();
    let [intent] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!((intent.command, intent.actor.as_str()), ("alarm.ack", "anna"));
    assert_eq!(intent.targets, rows(&[1]));
}

#[test]
fn a_reason_is_for_the_row_it_was_asked_about() {
    let mut screen = Screen::small((120, 30));
    screen.keys("x 'done");
    // While the reason is being typed the row goes, and the cursor stands on another.
    screen.world.alarms.retain(|r| r.id != RowId(1));
    screen.changed();
    screen.keys("enter");
    let intents = screen.intents();
    let [intent] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!(intent.targets, rows(&[1]));
    assert_eq!(intent.args.get("reason").map(String::as_str), Some("done"));
    assert_eq!(intent.args.len(), 1, "{:?}", intent.args);
}

#[test]
fn a_shelf_asks_for_time_and_reason() {
    let mut screen = Screen::small((120, 30));
    screen.keys("z 2 'ticket_4711 enter");
    let intents = screen.intents();
    let [intent] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!(intent.command, "alarm.shelve");
    assert_eq!(intent.args.get("for").map(String::as_str), Some("1h"));
    assert_eq!(intent.args.get("reason").map(String::as_str), Some("ticket 4711"));
}

#[test]
fn marks_ranges_and_all_become_targets() {
    let mut screen = Screen::small((120, 30));
    screen.keys("space j space a");
    assert_eq!(screen.intents().last().unwrap().targets, rows(&[1, 3]).clone_sorted(&screen));
    let mut screen = Screen::small((120, 30));
    screen.keys("v j j j k a");
    let Targets::Rows(_, ids) = screen.intents().last().unwrap().targets.clone() else { panic!() };
    assert_eq!(ids.len(), 3);
    let mut screen = Screen::small((120, 30));
    screen.keys("/ 'severity=major enter * space a");
    let Targets::Filter { filter, except, .. } = screen.intents().last().unwrap().targets.clone() else { panic!() };
    assert!(filter.unwrap().text.contains("severity=major"));
    assert_eq!(except.len(), 1);
}

#[test]
fn an_alarm_that_comes_after_all_were_marked_is_not_among_them() {
    let mut screen = Screen::small((120, 30));
    screen.keys("*");
    screen.now = NOW.plus(SECOND);
    let mut late = alarm(500, Severity::Critical, "pon.onu.los", onu(500));
    late.received_at = screen.now;
    screen.world.alarms.push(late.clone());
    screen.changed();
    let grid = screen.grid();
    let unmarked: Vec<&str> = grid.lines().filter(|l| l.contains(" UNACK ") && !l.contains('●')).collect();
    assert!(matches!(unmarked.as_slice(), [line] if line.contains("BBSM00000500")), "{grid}");
    screen.keys("a");
    let Targets::Filter { filter, .. } = screen.intents().last().unwrap().targets.clone() else { panic!() };
    let filter = filter.unwrap();
    assert!(!filter.matches(&late, screen.now));
    let early = screen.world.alarms.first().unwrap();
    assert!(filter.matches(early, screen.now), "{}", filter.text);
}

trait Sorted {
    fn clone_sorted(&self, screen: &Screen) -> Targets;
}

impl Sorted for Targets {
    /// The first and the third row of the list as it stands.
    fn clone_sorted(&self, screen: &Screen) -> Targets {
        let mut ids: Vec<(Severity, i64, i64)> = screen
            .world
            .alarms
            .iter()
            .filter(|r| r.visibility == noctule::model::alarm::Visibility::Visible)
            .map(|r| (r.severity, r.raised_at.0, r.id.0))
            .collect();
        ids.sort_by_key(|(s, t, _)| std::cmp::Reverse((*s, *t)));
        let mut two = vec![ids[0].2, ids[2].2];
        two.sort_unstable();
        rows(&two)
    }
}

#[test]
fn changing_the_filter_drops_all_in_filter_but_keeps_marked_rows() {
    let mut screen = Screen::small((120, 30));
    screen.keys("* / 'severity=critical enter a");
    assert!(matches!(screen.intents().last().unwrap().targets, Targets::Rows(_, ref r) if r.len() == 1));
}

#[test]
fn the_feed_has_to_stand_still_before_a_verb_works() {
    let mut screen = Screen::small((120, 30));
    screen.keys("f a");
    assert!(screen.intents().is_empty());
    assert!(screen.grid().contains("stands still"), "{}", screen.grid());
    screen.keys("a");
    assert_eq!(screen.intents().len(), 1);
}

#[test]
fn an_alarm_and_its_device_lead_to_each_other() {
    let mut screen = Screen::small((120, 30));
    // The alarm of the row 104 of the tree: an ONU two levels below what is unfolded.
    screen.keys("/ 'text:27.4_dBm enter d");
    assert_eq!(screen.app.active(), PaneId::Pon);
    let (_, line) = cursor_line(&screen);
    assert!(line.contains("ONU") || line.contains("PON") || line.contains("UNI"), "{line}");
    screen.keys("a");
    assert_eq!(screen.app.active(), PaneId::Alarms);
    assert!(screen.grid().contains("below voltha-1/"), "{}", screen.grid());
}

#[test]
fn the_tree_unfolds_folds_and_goes_up() {
    let mut screen = Screen::small((120, 30));
    screen.pane(PaneId::Pon);
    assert!(!screen.grid().contains("PON 0"));
    screen.keys("j right j right");
    assert!(screen.grid().contains("BBSM00000000"), "{}", screen.grid());
    screen.keys("j left");
    assert!(cursor_line(&screen).1.contains("PON 0"), "{}", screen.grid());
    screen.keys("left");
    assert!(!screen.grid().contains("BBSM00000000"));
}

#[test]
fn a_long_list_is_walked_without_holding_it() {
    let mut world = World::small();
    world.alarms = (1..=5000).map(|id| alarm(id, Severity::Major, "pon.onu.los", onu(id as u32))).collect();
    let mut screen = Screen::new(world, (120, 30), Glyphs::UNICODE);
    for _ in 0..30 {
        screen.keys("pagedown");
    }
    assert!(screen.grid().contains("of 5 000"), "{}", screen.grid());
    let walked: u64 = place(&screen);
    assert_eq!(walked, 1 + 30 * 25, "{}", screen.grid());
    screen.keys("G");
    assert_eq!(place(&screen), 5000);
    screen.keys("% '50% enter");
    assert_eq!(place(&screen), 2501);
    screen.keys("g g");
    assert_eq!(place(&screen), 1);
}

/// Place of the cursor as the line above the list tells it: `n of m`.
fn place(screen: &Screen) -> u64 {
    let grid = screen.grid();
    let line = grid.lines().find(|l| l.contains(" of 5 000")).expect("the place");
    let before = line.split(" of 5 000").next().unwrap();
    before.rsplit("  ").next().unwrap().replace(' ', "").parse().unwrap()
}

#[test]
fn a_filter_with_a_mistake_leaves_the_rows_and_points_at_it() {
    let mut screen = Screen::small((80, 24));
    screen.keys("/ 'severity>=majr");
    let grid = screen.grid();
    assert!(grid.contains('▲'), "{grid}");
    screen.keys("esc");
    assert!(screen.grid().contains("38 ") || screen.grid().contains("of 3"), "{}", screen.grid());
}

#[test]
fn columns_are_chosen_sorted_and_kept() {
    let mut screen = Screen::small((200, 50));
    screen.keys(": 'columns_set=severity,resource,key enter");
    let grid = screen.grid();
    assert!(grid.contains("Key") && !grid.contains("Inventory"), "{grid}");
    screen.keys("s 'resource enter");
    assert!(screen.grid().contains("by resource"), "{}", screen.grid());
    screen.app.save_session();
    let mut again = Screen::small((200, 50));
    screen.keys("j");
    let kept = std::mem::take(&mut screen.sent);
    let session = kept.iter().chain(&screen.sent).find_map(|r| match r {
        Request::Remember { key, value } if key == "session" => Some(value.clone()),
        _ => None,
    });
    again.app.restore_session(session.as_deref(), None);
    again.app.show_active();
    again.changed();
    assert!(again.grid().contains("by resource"), "{}", again.grid());
}

#[test]
fn an_export_asks_for_form_and_file() {
    let mut screen = Screen::small((120, 30));
    screen.keys("/ 'severity=critical enter e 1 enter");
    let exports = screen.sent.iter().find_map(|r| if let Request::Export(_, e) = r { Some(e) } else { None });
    let Some(export) = exports else { panic!("{:?}", screen.sent) };
    assert_eq!(export.path, "alarms-20261120-140211.csv");
    assert_eq!(export.rows.filter.as_ref().unwrap().text, "severity=critical");
}

#[test]
fn plain_lines_tell_every_change_once() {
    let mut screen = Screen::linear();
    screen.changed();
    let lines = screen.app.take_lines();
    assert!(lines.iter().any(|l| l.contains("CRITICAL") && l.contains("raised")), "{lines:?}");
    assert!(lines.iter().any(|l| l.contains("source voltha-2 is down")), "{lines:?}");
    assert!(lines.iter().all(|l| !l.chars().any(char::is_control)), "{lines:?}");
    screen.now = NOW.plus(SECOND);
    let mut row = alarm(600, Severity::Major, "pon.onu.los", onu(600));
    row.last_changed = screen.now;
    screen.world.alarms.push(row);
    screen.changed();
    let lines = screen.app.take_lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.contains("MAJOR voltha-1/onu/BBSM00000600 ONU loss of signal raised UNACK"), "{line}");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_until_it_can() {
    let mut screen = Screen::small((80, 24));
    screen.tell(Msg::Unsaved(Some("no space left for the cache".into())));
    screen.now = NOW.plus(60 * SECOND);
    screen.world.alarms.clear();
    screen.changed();
    let grid = screen.grid();
    assert!(grid.contains("NOT SAVED") && grid.contains("no space left"), "{grid}");
    assert!(!grid.contains("No open alarms"), "{grid}");
    screen.tell(Msg::Unsaved(None));
    let grid = screen.grid();
    assert!(!grid.contains("NOT SAVED") && grid.contains("written again"), "{grid}");
    assert!(grid.contains("1 source is not up"), "the other one is paused: {grid}");
}

/// What a hand can do to the screen, and what may arrive meanwhile.
#[derive(Debug, Clone)]
enum Deed {
    Press(KeyCode, KeyModifiers),
    Paste(String),
    Mouse(MouseEventKind, u16, u16),
    Resize(u16, u16),
    Change,
    Tick,
    Answer,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let letters: Vec<char> = ('!'..='~').collect();
    let codes = vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::F(1),
        KeyCode::F(12),
        KeyCode::Char(' '),
        KeyCode::Char('\u{1f41f}'),
    ];
    let mouse = vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Moved,
    ];
    let deed = prop_oneof![
        12 => proptest::sample::select(letters.clone()).prop_map(|c| Deed::Press(KeyCode::Char(c), KeyModifiers::NONE)),
        8 => proptest::sample::select(codes).prop_map(|c| Deed::Press(c, KeyModifiers::NONE)),
        2 => proptest::sample::select(letters.clone()).prop_map(|c| Deed::Press(KeyCode::Char(c), KeyModifiers::CONTROL)),
        1 => proptest::sample::select(letters).prop_map(|c| Deed::Press(KeyCode::Char(c), KeyModifiers::ALT)),
        1 => "\\PC{0,6}".prop_map(Deed::Paste),
        2 => (proptest::sample::select(mouse), 0_u16..210, 0_u16..60).prop_map(|(k, x, y)| Deed::Mouse(k, x, y)),
        1 => (1_u16..210, 1_u16..60).prop_map(|(w, h)| Deed::Resize(w, h)),
        1 => Just(Deed::Change),
        1 => Just(Deed::Tick),
        2 => Just(Deed::Answer),
    ];
    proptest::collection::vec(deed, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_pressed_esc_leads_back(deeds in deeds()) {
        let mut screen = Screen::small((120, 30));
        for deed in deeds {
            match deed {
                Deed::Press(code, modifiers) => screen.press(code, modifiers),
                Deed::Paste(text) => screen.tell(Msg::Input(Event::Paste(text))),
                Deed::Mouse(kind, column, row) => {
                    screen.tell(Msg::Input(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })));
                }
                Deed::Resize(width, height) => screen.resize((width, height)),
                Deed::Change => screen.changed(),
                Deed::Tick => {
                    screen.now = screen.now.plus(SECOND);
                    screen.tell(Msg::Tick(screen.now));
                }
                Deed::Answer => screen.answer(),
            }
            // Drawing is part of the deed: no size and no state makes it fail.
            screen.grid();
        }
        screen.answer();
        screen.resize((120, 30));
        for _ in 0..8 {
            screen.keys("esc");
        }
        for (key, pane) in [("2", PaneId::Pon), ("1", PaneId::Alarms), ("7", PaneId::Log)] {
            screen.keys(key);
            prop_assert_eq!(screen.app.active(), pane, "{}", screen.grid());
        }
    }
}

#[test]
fn a_password_is_unseen_while_it_is_typed_and_kept_nowhere() {
    let mut screen = Screen::small((120, 30));
    screen.pane(PaneId::Cpe);
    screen.keys("p");
    screen.parameters();
    screen.keys("j j j E 'hunter22");
    assert!(screen.grid().contains("********") && !screen.grid().contains("hunter22"), "{}", screen.grid());
    screen.keys("enter");
    assert!(screen.grid().contains("1 staged") && !screen.grid().contains("hunter22"), "{}", screen.grid());
    screen.keys("x s");
    screen.answer();
    screen.keys("y");
    let told =
        |r: &Request| matches!(r, Request::Execute(_, i) if i.args["values"].ends_with("KeyPassphrase=hunter22"));
    assert!(screen.sent.iter().any(told), "{:?}", screen.sent.len());
    screen.answer();
    screen.keys("esc . : 'cpe.set_values=Device.PPP.Interface.1.Password=hunter23 enter");
    let kept = |r: &Request| matches!(r, Request::Remember { value, .. } if value.contains("hunter"));
    assert!(!screen.sent.iter().any(kept));
}

#[test]
fn a_secret_is_shown_only_where_the_profile_allows_it() {
    let mut screen = Screen::small((120, 30));
    screen.pane(PaneId::Cpe);
    screen.keys("p");
    screen.parameters();
    screen.keys("j j j R");
    assert!(screen.grid().contains("reveal_secrets = true"), "{}", screen.grid());
    assert!(!screen.sent.iter().any(|r| matches!(r, Request::Live(..))));
    screen.app.ctx.reveal_secrets = true;
    screen.keys("R");
    let asked =
        screen.sent.iter().any(|r| matches!(r, Request::Live(_, LiveRequest::Secret { actor, .. }) if actor == "anna"));
    assert!(asked);
}

/// Whatever a pane shows by colours alone would be lost on a terminal without any.
#[test]
fn without_colour_states_and_cursor_are_still_told_apart() {
    for (pane, words) in [
        (PaneId::Alarms, ["  C ", "  M ", "  m "].as_slice()),
        (PaneId::Vms, &["running", "crashed", "paused", "off", "unknown"]),
        (
            PaneId::Buffers,
            &["C  docks-2", "W  lake-9", "ok arena-1", "limit is 0", "unreadable", "not checked", "refusing"],
        ),
    ] {
        let mut screen = Screen::mono((120, 30));
        screen.pane(pane);
        let coloured = screen.colours();
        assert!(coloured.is_empty(), "{pane:?}: colours without colour: {coloured:?}");
        let grid = screen.grid();
        for words in words {
            assert!(grid.contains(words), "{pane:?}: {words}:\n{grid}");
        }
        let before = screen.modifiers();
        screen.keys("j");
        assert_ne!(before, screen.modifiers(), "{pane:?}: the cursor row has no attribute of its own");
    }
}

#[test]
fn a_read_only_profile_refuses_and_looks() {
    for (pane, verb, look) in [(PaneId::Vms, "j x d", "vm.poll"), (PaneId::Buffers, "x c", "buffer.poll")] {
        let mut screen = Screen::on(pane, (120, 30));
        screen.app.ctx.read_only = true;
        screen.keys(verb);
        assert!(screen.intents().is_empty() && screen.grid().contains("read-only"), "{}", screen.grid());
        screen.keys("P");
        assert_eq!(screen.wish().command, look);
    }
}

#[test]
fn linear_tells_a_state_once() {
    for (pane, name, told) in [
        (PaneId::Vms, "legacy", "machine legacy on kvm-1 is crashed"),
        (PaneId::Buffers, "docks-2", "appliance docks-2 is critical: the buffer is full in 40 min"),
    ] {
        let mut screen = Screen::linear();
        screen.pane(pane);
        screen.changed();
        let lines = screen.app.take_lines().join("\n");
        assert!(lines.contains(told), "{lines}");
        screen.changed();
        assert!(!screen.app.take_lines().join("\n").contains(name), "{name} is told again");
    }
}
