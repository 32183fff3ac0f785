//! The buffers pane: what is on the screen in every state, and what its keys do.

use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::model::appliance::state::Contact;
use noctule::model::command::Targets;
use noctule::model::ids::RowId;
use noctule::model::page::{Generations, Table};
use noctule::model::resource::{NodeKind, Resource};
use noctule::model::severity::Severity;
use noctule::model::time::{MINUTE, SECOND};
use noctule::theme::degrade::Depth;
use noctule::theme::{Glyphs, load};

use super::common::appliances::configuration;
use super::common::rows::{NOW, alarm};
use super::common::world::World;
use super::harness::{Screen, args};
use super::{each, once};

fn buffers(size: (u16, u16)) -> Screen {
    Screen::on(PaneId::Buffers, size)
}

fn told(screen: &mut Screen) {
    screen.configuration(Ok(configuration().to_string()));
}

#[test]
fn appliances() {
    each("buffers", |s| s.pane(PaneId::Buffers));
}

#[test]
fn one_appliance() {
    each("buffers_detail", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j enter");
    });
    once("buffers_detail_rest", (80, 24), |s| {
        s.pane(PaneId::Buffers);
        s.keys("j enter");
        for _ in 0..2 {
            // How far it can be scrolled is known once it was drawn.
            s.grid();
            s.keys("pagedown");
        }
    });
    once("buffers_detail_slow", (80, 24), |s| {
        s.pane(PaneId::Buffers);
        s.keys("j j j j j j j j enter");
    });
}

#[test]
fn services() {
    each("buffers_services", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j j j c");
    });
    once("buffers_services_all", (120, 30), |s| {
        s.pane(PaneId::Buffers);
        s.keys("c A");
    });
}

#[test]
fn health() {
    each("buffers_health", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j j j H");
    });
}

#[test]
fn charts() {
    for (name, keys) in [
        ("in_6h", "w -"),
        ("pending_30d", "w w w - - - -"),
        ("lost_10min", "w w w w +"),
        ("response_24h", "w w w w w - -"),
    ] {
        once(&format!("buffers_chart_{name}"), (80, 24), |s| {
            s.pane(PaneId::Buffers);
            s.keys(keys);
        });
    }
}

#[test]
fn the_form() {
    each("buffers_form", |s| {
        s.pane(PaneId::Buffers);
        s.keys("E");
        told(s);
        s.keys("j j j j enter ctrl-u '0 enter j j j j j j enter ctrl-u '2000 enter");
        s.keys("g g j j j j");
    });
    each("buffers_form_diff", |s| {
        s.pane(PaneId::Buffers);
        s.keys("E");
        told(s);
        s.keys("j j enter ctrl-u '4 enter j j enter ctrl-u '30 enter d");
    });
}

#[test]
fn sixteen_colours() {
    let theme = load::load("tty", None, Depth::Ansi16).expect("the theme of consoles");
    let mut screen = Screen::themed(World::small(), (80, 24), Glyphs::ASCII, theme);
    screen.pane(PaneId::Buffers);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("buffers_80x24_console", format!("{}---\n{}", screen.grid(), screen.legend()));
    });
}

#[test]
fn what_is_not_known_is_never_a_zero() {
    let mut screen = buffers((200, 50));
    screen.keys("/ 'name=kiosk-4 enter");
    let grid = screen.grid();
    let line = grid.lines().find(|l| l.contains("?  kiosk-4")).expect("its row");
    let row = line.split('│').next().unwrap_or_default().replace("kiosk-4", "");
    assert!(!row.contains('0') && !row.contains("none"), "{row}");
    assert!(grid.contains("not asked yet") && grid.contains("not known"), "{grid}");
}

#[test]
fn everything_silent_is_stale_and_kept() {
    let mut screen = Screen::small((80, 24));
    for row in &mut screen.world.appliances {
        let mut state = (*row.state).clone();
        state.contact = Contact::Silent;
        state.answered = NOW.plus(-47 * MINUTE);
        row.state = state.into();
    }
    screen.pane(PaneId::Buffers);
    let print = screen.print();
    assert!(print.contains("47m") && print.contains("96%") && print.contains("stale"), "{print}");
    screen.keys("enter");
    assert!(screen.grid().contains("not at all   stale 47m"), "{}", screen.grid());
}

#[test]
fn a_measurement_alone_brings_new_rows() {
    let mut screen = buffers((80, 24));
    let mut state = (*screen.world.appliances[1].state).clone();
    state.fill_permille = Some(990);
    screen.world.appliances[1].state = state.into();
    // No record came into the journal: only the generation of the table rises.
    let seq = screen.world.seq;
    screen.tell(Msg::Changed(Generations { appliances: 7, seq, ..Generations::default() }));
    assert!(screen.grid().contains("99%"), "{}", screen.grid());
}

#[test]
fn the_chart_zooms_from_minutes_to_a_month() {
    let mut screen = buffers((120, 30));
    screen.keys("enter");
    assert!(screen.grid().contains("% of the limit, last 1 h"), "{}", screen.grid());
    screen.keys("+");
    assert!(screen.grid().contains("last 10 min"), "{}", screen.grid());
    screen.keys("+");
    assert!(screen.grid().contains("as far as it goes"), "{}", screen.grid());
    screen.keys("- - - - -");
    assert!(screen.grid().contains("last 30 d"), "{}", screen.grid());
    screen.keys("w w");
    assert!(screen.grid().contains("Forwarded, records a second, last 30 d"), "{}", screen.grid());
    screen.keys(": 'buffer.series_series=pending enter");
    assert!(screen.grid().contains("Waiting to be forwarded"), "{}", screen.grid());
}

#[test]
fn on_a_small_screen_another_curve_shows_itself() {
    let mut screen = buffers((80, 24));
    assert!(!screen.grid().contains("last 1 h"));
    screen.keys("w");
    assert!(screen.grid().contains("Coming in, records a second, last 1 h"), "{}", screen.grid());
    screen.keys("esc j");
    assert!(screen.grid().contains("▌ C  expo-north"), "{}", screen.grid());
}

#[test]
fn services_of_one_and_of_all() {
    let mut screen = buffers((120, 30));
    screen.keys("j j j c");
    assert!(screen.grid().contains("services of gate-7") && screen.grid().contains("1 of 4"), "{}", screen.grid());
    assert!(screen.grid().contains("DEAD RELAY 1514"));
    screen.keys("A");
    assert!(screen.grid().contains("services of all"), "{}", screen.grid());
    screen.keys("/ 'name=vector enter j A");
    assert!(screen.grid().contains("services of docks-2") || screen.grid().contains("services of arena-1"));
    screen.keys("esc");
    assert!(screen.grid().contains("services of"), "the filter goes first:\n{}", screen.grid());
    screen.keys("esc");
    assert!(screen.grid().contains("▌ C  gate-7"), "{}", screen.grid());
}

#[test]
fn a_restart_is_for_the_service_under_the_cursor_and_by_force_asks_more() {
    let mut screen = buffers((120, 30));
    screen.keys("j j j c x r");
    let id = screen.world.collectors.iter().find(|c| &*c.source == "gate-7").expect("a service").id;
    let wanted = Targets::Rows(Table::Collectors, vec![id]);
    let got = screen.wish();
    assert_eq!((got.command, &got.targets), ("service.restart", &wanted));
    screen.answer();
    screen.keys("n x R");
    let got = screen.wish();
    assert_eq!((got.command, &got.targets), ("service.restart-force", &wanted));
    screen.answer();
    assert!(screen.grid().contains("Type go"), "the name has to be typed:\n{}", screen.grid());
    screen.keys("esc : 'service.restart_force=yes enter");
    assert_eq!(screen.wish().command, "service.restart-force");
}

#[test]
fn from_the_list_a_restart_asks_which_service() {
    let mut screen = buffers((120, 30));
    screen.keys("j j j x r");
    assert!(screen.grid().contains("Which service of gate-7?"), "{}", screen.grid());
    screen.keys("down enter");
    let got = screen.wish();
    let name = vec!["gate-7/collector/goflow2".to_owned()];
    assert_eq!((got.command, got.targets), ("service.restart", Targets::Names(Table::Collectors, name)));
}

#[test]
fn verbs_are_for_the_appliance_that_the_question_was_about() {
    let mut screen = buffers((120, 30));
    let docks = Targets::Rows(Table::Appliances, vec![RowId(41)]);
    screen.keys("x k");
    assert!(screen.grid().contains("Which service of docks-2?"), "{}", screen.grid());
    screen.keys("enter '48 enter");
    let got = screen.wish();
    assert_eq!((got.command, &got.targets), ("buffer.retention", &docks));
    assert_eq!(got.args, args(&[("service", "fluent-bit"), ("hours", "48")]));
    screen.answer();
    screen.keys("n x z down enter down enter");
    let got = screen.wish();
    assert_eq!((got.command, &got.targets), ("buffer.compression", &docks));
    assert_eq!(got.args, args(&[("service", "goflow2"), ("mode", "none")]));
    screen.answer();
    screen.keys("n x p 'collection.syslog.port=1515 enter");
    let got = screen.wish();
    assert_eq!((got.command, got.args), ("port.apply", args(&[("set", "collection.syslog.port=1515")])));
    for (keys, command) in [("x c", "buffer.cleanup"), ("x f", "buffer.forward")] {
        screen.answer();
        screen.keys("n");
        screen.keys(keys);
        let got = screen.wish();
        assert_eq!((got.command, &got.targets), (command, &docks));
    }
}

#[test]
fn in_the_list_of_services_the_verbs_are_for_its_appliance() {
    let mut screen = buffers((120, 30));
    screen.keys("j j j c x c");
    let got = screen.wish();
    let gate = Targets::Names(Table::Appliances, vec!["gate-7".to_owned()]);
    assert_eq!((got.command, got.targets), ("buffer.cleanup", gate));
}

#[test]
fn changes_are_staged_told_at_their_field_and_sent_as_one() {
    let mut screen = buffers((120, 30));
    screen.keys("E");
    assert!(screen.grid().contains("asking the appliance"), "{}", screen.grid());
    told(&mut screen);
    assert!(screen.grid().contains("max_retention_days"), "{}", screen.grid());
    // A value that would kill the service is refused at its field, and nothing is sent.
    screen.keys("j j j j enter ctrl-u '0 enter");
    assert!(screen.grid().contains("60 → 0") && screen.grid().contains('✗'), "{}", screen.grid());
    screen.keys("x s");
    assert!(screen.intents().is_empty() && screen.grid().contains("not sent"), "{}", screen.grid());
    screen.keys("enter ctrl-u '30 enter j j j j j j enter ctrl-u '2000 enter");
    assert!(screen.grid().contains("2 changes, not sent"), "{}", screen.grid());
    screen.keys("d");
    assert!(screen.grid().contains("only when the buffer service starts anew"), "{}", screen.grid());
    screen.keys("x s");
    let got = screen.wish();
    assert_eq!(got.command, "buffer.config");
    assert_eq!(got.targets, Targets::Names(Table::Appliances, vec!["docks-2".to_owned()]));
    assert_eq!(got.args, args(&[("set", "cleanup_interval_minutes=30\nmax_buffer_size_mb=2000")]));
    screen.answer();
    screen.keys("y");
    screen.answer();
    // It is done: the appliance is asked what it has now, and only what it does not have stays a change.
    assert!(screen.grid().contains("asking the appliance"), "{}", screen.grid());
    let mut now = configuration();
    now["cleanup_interval_minutes"] = 30.into();
    screen.configuration(Ok(now.to_string()));
    assert!(screen.grid().contains("1 change, not sent"), "{}", screen.grid());
    assert!(!screen.grid().contains("60 → 30") && screen.grid().contains("1000 → 2000"), "{}", screen.grid());
}

#[test]
fn changes_outlive_a_look_elsewhere_and_can_be_taken_back() {
    let mut screen = buffers((120, 30));
    screen.keys("E");
    told(&mut screen);
    screen.keys("j enter ctrl-u '7 enter esc");
    assert!(screen.grid().contains("1 change is kept for docks-2"), "{}", screen.grid());
    screen.keys("j E");
    told(&mut screen);
    assert!(!screen.grid().contains("14 → 7"), "they are another's:\n{}", screen.grid());
    screen.keys("esc k E");
    told(&mut screen);
    assert!(screen.grid().contains("14 → 7"), "{}", screen.grid());
    screen.keys("j backspace");
    assert!(!screen.grid().contains("14 → 7"), "{}", screen.grid());
}

#[test]
fn a_configuration_that_cannot_be_read_says_why_and_how_to_go_on() {
    let mut screen = buffers((120, 30));
    screen.keys("E");
    screen.configuration(Err("docks-2: connection refused".into()));
    let grid = screen.grid();
    assert!(grid.contains("connection refused") && grid.contains("r asks again"), "{grid}");
    screen.keys("r");
    screen.configuration(Ok("[1, 2]".into()));
    assert!(screen.grid().contains("is no configuration"), "{}", screen.grid());
    // One that is not whole is shown with what is missing, and never sent.
    let mut partial = configuration();
    partial.as_object_mut().expect("an object").remove("overflow_action");
    screen.keys("r");
    screen.configuration(Ok(partial.to_string()));
    screen.keys("j enter ctrl-u '7 enter x s");
    assert!(screen.intents().is_empty() && screen.grid().contains("missing"), "{}", screen.grid());
}

#[test]
fn jumps_lead_to_alarms_and_source_and_back_from_an_alarm() {
    let mut screen = buffers((120, 30));
    screen.keys("a");
    assert_eq!(screen.app.active(), PaneId::Alarms);
    assert!(screen.grid().contains("/source=\"docks-2\""), "{}", screen.grid());
    screen.pane(PaneId::Buffers);
    screen.keys("o");
    assert_eq!(screen.app.active(), PaneId::Sources);
    let mut screen = Screen::small((120, 30));
    let mut row = alarm(900, Severity::Critical, "raven.collector.down", Resource::new(NodeKind::Collector, "vector"));
    row.source = "lake-9".into();
    row.raised_at = NOW.plus(SECOND);
    screen.world.alarms = vec![row];
    screen.changed();
    screen.keys("g g d");
    assert_eq!(screen.app.active(), PaneId::Buffers);
    assert!(screen.grid().contains("▌ W  lake-9"), "{}", screen.grid());
}
