//! What stands above a list, and what is rarely on the screen: questions before a change with their
//! plan, the first screen, chords, messages, live answers, themes, screens that are too small.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use noctule::app::effect::{Level, Toast};
use noctule::app::first_run::{FirstRun, Step};
use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::app::port::Request;
use noctule::model::command::{LiveSection, Outcome, Plan};
use noctule::model::ids::ActionId;
use noctule::model::page::RequestId;
use noctule::model::source::Health;
use noctule::theme::degrade::Depth;
use noctule::theme::{Glyphs, Theme, load};

use super::common::rows::HOSTILE;
use super::common::world::World;
use super::harness::{Screen, print_frame};

/// One snapshot at 80x24 and 120x30, in unicode and ASCII.
fn each(name: &str, mut prepare: impl FnMut(&mut Screen)) {
    for size in [(120, 30), (80, 24)] {
        for (kind, glyphs) in [("unicode", Glyphs::UNICODE), ("ascii", Glyphs::ASCII)] {
            let mut screen = Screen::new(World::small(), size, glyphs);
            prepare(&mut screen);
            snapshot(&format!("{name}_{}x{}_{kind}", size.0, size.1), &screen.print());
        }
    }
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The id of the newest request of a kind.
fn asked(screen: &Screen, of: impl Fn(&Request) -> Option<RequestId>) -> RequestId {
    screen.sent.iter().rev().find_map(of).unwrap_or_else(|| panic!("not asked: {:?}", screen.sent))
}

fn answer_plan(screen: &mut Screen, plan: Plan) {
    let id = asked(screen, |r| if let Request::Plan(id, _) = r { Some(*id) } else { None });
    screen.tell(Msg::Planned(id, Ok(plan)));
}

/// The reboot of an ONU: little is lost, `y` is enough.
#[test]
fn a_question_for_yes_or_no() {
    each("confirm_yes_no", |s| {
        s.pane(PaneId::Pon);
        s.keys("E E / 'serial=BBSM00000003 enter x r");
        answer_plan(
            s,
            Plan {
                title: "Reboot ONU BBSM00000003".into(),
                total: 1,
                first: vec!["voltha-1/onu/BBSM00000003".into()],
                onus: 1,
                subscribers: 1,
                calls: vec!["voltha-1: RebootDevice(id=\"5e1f\")".into()],
                notes: vec!["it is back after about 90 s".into()],
                ..Plan::default()
            },
        );
    });
}

/// The deletion of a whole OLT: its name has to be typed.
#[test]
fn a_question_that_wants_the_name() {
    each("confirm_type_name", |s| {
        s.pane(PaneId::Pon);
        s.keys("j x D");
        answer_plan(
            s,
            Plan {
                title: "Delete OLT BBSIM_OLT_0".into(),
                total: 1,
                first: vec!["voltha-1/olt/BBSIM_OLT_0".into()],
                skipped: vec![("its source is down".into(), 2)],
                onus: 2048,
                subscribers: 1973,
                calls: vec![
                    "voltha-1: DisableDevice(id=\"c6e9\")".into(),
                    "voltha-1: DeleteDevice(id=\"c6e9\")".into(),
                ],
                irreversible: vec![
                    "the OLT and its 2 048 ONUs leave the controller with all their flows and meters".into(),
                    "every ONU has to be provisioned again".into(),
                ],
                phrase: "BBSIM_OLT_0".into(),
                ..Plan::default()
            },
        );
        s.keys("'BBSIM");
    });
}

/// A plan longer than the screen leaves the question readable.
#[test]
fn a_long_plan_keeps_its_question_in_sight() {
    let mut s = Screen::small((80, 24));
    s.pane(PaneId::Pon);
    s.keys("j x D");
    let many = |word: &str| (0..10).map(|n| format!("{word} {n} {HOSTILE}")).collect::<Vec<_>>();
    let plan = Plan {
        title: "Delete 10 devices".into(),
        total: 10,
        first: many("voltha-1/olt/device"),
        calls: many("voltha-1: DeleteDevice"),
        irreversible: many("lost"),
        phrase: "10".into(),
        ..Plan::default()
    };
    answer_plan(&mut s, plan);
    snapshot("confirm_long_80x24", &s.print());
}

#[test]
fn a_chord_shows_how_it_goes_on() {
    each("which_key", |s| {
        s.pane(PaneId::Pon);
        s.keys("j x");
        s.tell(Msg::Tick(s.now));
    });
}

#[test]
fn messages_of_every_kind() {
    each("toasts", |s| {
        s.tell(Msg::Toast(Toast::new(Level::Info, "view `night` saved")));
        s.tell(Msg::Toast(Toast::new(
            Level::Error,
            "voltha-2: connection refused (10.0.0.6:50057): is rw_core running, and does the address fit? Rows of it are shown as stale.",
        )));
        s.keys("a");
        let id = asked(s, |r| if let Request::Execute(id, _) = r { Some(*id) } else { None });
        let outcome = Outcome {
            command: "alarm.ack".into(),
            summary: "acknowledged 1 alarm".into(),
            total: 1,
            done: 1,
            errors: Vec::new(),
            undo: Some(ActionId([7; 16])),
            job: None,
        };
        s.tell(Msg::Done(id, outcome));
    });
    let mut s = Screen::small((80, 24));
    for (level, text) in [(Level::Info, "first"), (Level::Warn, "second"), (Level::Error, "third")] {
        s.tell(Msg::Toast(Toast::new(level, text)));
    }
    s.keys(": 'messages enter");
    snapshot("messages_80x24", &s.print());
}

/// What a controller says about an ONU when asked now.
#[test]
fn a_live_answer_below_what_is_known() {
    let section = |title: &str, headers: &[&str], rows: &[&[&str]], note: &str| LiveSection {
        title: title.into(),
        headers: headers.iter().map(|h| (*h).to_owned()).collect(),
        rows: rows.iter().map(|r| r.iter().map(|c| (*c).to_owned()).collect()).collect(),
        note: note.into(),
    };
    let show = |s: &mut Screen| {
        s.pane(PaneId::Pon);
        s.keys("/ 'serial=BBSM00000003 enter r");
        let id = asked(s, |r| if let Request::Live(id, _) = r { Some(*id) } else { None });
        let sections = vec![
            section(
                "Ports",
                &["No", "Label", "Type", "Admin", "Oper", "Peers"],
                &[
                    &["256", "uni-1", "ETHERNET_UNI", "enabled", "active", ""],
                    &["536870912", "PON port", "PON_ONU", "enabled", "active", "BBSIM_OLT_0:536870912"],
                ],
                "",
            ),
            section(
                "Flows",
                &["Id", "Table", "Priority", "Match", "Actions"],
                &[&["7221", "0", "1000", "in_port=256 vlan=any", "set_vlan=900 meter=1 goto 1"]],
                "",
            ),
            section("Meters", &["Id", "kbit/s"], &[&["1", "50000 / 100000"]], ""),
            section("PM", &["Metric", "Type", "Enabled"], &[&["rx_bytes", "counter", "yes"]], "every 15 s"),
        ];
        s.tell(Msg::Live(id, Ok(sections)));
    };
    each("pon_live", show);
    let mut wide = Screen::small((200, 50));
    show(&mut wide);
    snapshot("pon_live_200x50", &wide.print());
}

/// Read-only, attached, every source in trouble, a banner: what the bars say of it.
#[test]
fn bars_in_trouble() {
    for size in [(200, 50), (120, 30), (80, 24), (60, 15)] {
        let mut s = Screen::small(size);
        s.app.ctx.read_only = true;
        let mut sources = s.world.sources.clone();
        for n in 4..12 {
            let mut row = sources[1].clone();
            row.name = format!("voltha-{n}").into();
            row.report.health = if n % 2 == 0 { Health::Down } else { Health::Degraded };
            sources.push(row);
        }
        s.tell(Msg::Sources(Arc::from(sources)));
        s.app.ctx.counts.active = [12, 1834, 204_771, 9994, 6];
        s.tell(Msg::Rebuilt { source: "voltha-1".into(), added: 2048, removed: 3 });
        s.tell(Msg::WorkerDown { name: "poller voltha-2".into(), reason: "panicked".into(), restart_ms: None });
        let (top, bottom) = (s.grid(), s.grid());
        let bars = [top.lines().next(), top.lines().nth(1), bottom.lines().last()];
        let text: String = bars.iter().flatten().map(|l| format!("{l}\n")).collect();
        snapshot(&format!("bars_{}x{}", size.0, size.1), &text);
    }
}

#[test]
fn a_screen_below_the_least_size() {
    snapshot("too_small_50x10", &Screen::small((50, 10)).print());
    snapshot("too_small_20x4", &Screen::small((20, 4)).print());
}

/// Each theme by its colours, at the depth it is made for; and without any.
#[test]
fn themes_and_no_colour() {
    for name in ["default", "high-contrast", "deuteranopia", "tritanopia", "tty"] {
        let depth = if name == "tty" { Depth::Ansi16 } else { Depth::True };
        let theme = load::load(name, None, depth).expect("a theme that is shipped");
        snapshot(&format!("theme_{name}"), &legend(theme));
    }
    let mono = load::load("default", None, Depth::Mono).expect("the default theme");
    snapshot("theme_mono", &legend(mono));
}

/// Every style that is on a screen, each with the words drawn in it.
fn legend(theme: Theme) -> String {
    let mut screen = Screen::themed(World::small(), (120, 30), Glyphs::ASCII, theme);
    screen.keys("j space");
    screen.legend()
}

fn first_run(size: (u16, u16), glyphs: &Glyphs, steps: impl FnOnce(&mut FirstRun)) -> String {
    let mut first = FirstRun::default();
    steps(&mut first);
    print_frame(size, |frame| first.draw(frame, &Theme::probe(), glyphs))
}

fn press(first: &mut FirstRun, code: KeyCode) -> Step {
    first.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn the_first_screen_and_its_form() {
    for size in [(120, 30), (80, 24), (60, 15)] {
        for (kind, glyphs) in [("unicode", Glyphs::UNICODE), ("ascii", Glyphs::ASCII)] {
            let tail = format!("{}x{}_{kind}", size.0, size.1);
            snapshot(&format!("first_run_{tail}"), &first_run(size, &glyphs, |_| {}));
            let failed = first_run(size, &glyphs, |f| {
                press(f, KeyCode::Char('2'));
                press(f, KeyCode::Tab);
                let Step::Test(draft) = press(f, KeyCode::Enter) else { panic!("enter tests") };
                let why = "gRPC http://127.0.0.1:50057: connection refused: is rw_core running, and does the address fit? Kafka was not tried.";
                f.tested(draft, Err(why.into()));
            });
            snapshot(&format!("first_run_error_{tail}"), &failed);
        }
    }
}
