//! What is on the screen, as text and by style token, at four sizes in unicode and ASCII; and what
//! keys do to it. A new palette changes nothing here, a wrong token does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod behaviour;
mod buffers;
#[path = "../common/mod.rs"]
mod common;
mod console;
mod consoles;
mod harness;
mod jobs;
mod menu;
mod overlays;
mod reading;
mod silences;
mod vms;

use common::rows::HOSTILE;
use common::world::World;
use harness::Screen;
use noctule::app::pane::PaneId;
use noctule::theme::Glyphs;

const SIZES: [(u16, u16); 4] = [(200, 50), (120, 30), (80, 24), (60, 15)];

fn each(name: &str, mut prepare: impl FnMut(&mut Screen)) {
    for size in SIZES {
        for (kind, glyphs) in [("unicode", Glyphs::UNICODE), ("ascii", Glyphs::ASCII)] {
            let mut screen = Screen::new(World::small(), size, glyphs);
            prepare(&mut screen);
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{name}_{}x{}_{kind}", size.0, size.1), screen.print());
            });
        }
    }
}

#[test]
fn alarms() {
    each("alarms", |_| {});
}

#[test]
fn alarms_detail() {
    each("alarms_detail", |s| s.keys("j j enter"));
}

#[test]
fn pon() {
    each("pon", |s| {
        s.pane(PaneId::Pon);
        s.keys("E E");
    });
}

#[test]
fn pon_filtered() {
    each("pon_filtered", |s| {
        s.pane(PaneId::Pon);
        s.keys("/ 'kind=onu enter");
    });
}

#[test]
fn sources() {
    each("sources", |s| {
        s.pane(PaneId::Sources);
        s.keys("j");
    });
}

#[test]
fn cpe() {
    each("cpe", |s| {
        s.pane(PaneId::Cpe);
        s.keys("j j");
    });
}

#[test]
fn faults_of_the_fleet() {
    each("cpe_faults", |s| {
        s.pane(PaneId::Cpe);
        s.keys("F");
    });
}

#[test]
fn the_parameters_of_a_cpe() {
    each("cpe_params", |s| {
        s.pane(PaneId::Cpe);
        s.keys("p");
        s.parameters();
        s.keys("j j E ctrl-u 'new enter");
    });
}

#[test]
fn what_servers_keep() {
    each("cpe_objects", |s| {
        s.pane(PaneId::Cpe);
        s.keys("O");
        s.objects();
    });
    once("cpe_object_files", (120, 30), |s| {
        s.pane(PaneId::Cpe);
        s.keys("O");
        s.objects();
        s.keys("h");
    });
}

#[test]
fn the_fleet_in_bars() {
    each("cpe_fleet", |s| {
        s.pane(PaneId::Cpe);
        s.keys("b");
    });
}

#[test]
fn log() {
    each("log", |s| s.pane(PaneId::Log));
}

fn once(name: &str, size: (u16, u16), prepare: impl FnOnce(&mut Screen)) {
    let mut screen = Screen::small(size);
    prepare(&mut screen);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen.print());
    });
}

#[test]
fn overlays() {
    once("help", (120, 30), |s| s.keys("? 'ack"));
    once("palette", (120, 30), |s| s.keys("ctrl-p 'shel"));
    once("filter_error", (80, 24), |s| s.keys("/ 'severity>=majr"));
    once("choose_shelf", (80, 24), |s| s.keys("z"));
    once("prompt_close", (80, 24), |s| s.keys("x"));
    once("columns", (80, 24), |s| s.keys("C"));
    once("marks", (120, 30), |s| s.keys("space space j space"));
}

#[test]
fn empty_lists_say_what_to_do() {
    for (pane, words) in [
        (PaneId::Alarms, "No source is configured"),
        (PaneId::Pon, "noctule demo"),
        (PaneId::Cpe, "genieacs"),
        (PaneId::Buffers, "No appliance is configured"),
        (PaneId::Sources, "noctule config example"),
        (PaneId::Log, "Nothing has been logged yet"),
    ] {
        let mut screen = Screen::new(World::empty(), (80, 24), Glyphs::UNICODE);
        screen.pane(pane);
        assert!(screen.grid().contains(words), "{pane:?}:\n{}", screen.grid());
    }
}

#[test]
fn below_the_least_size_the_counters_stay() {
    let screen = Screen::small((50, 10));
    let grid = screen.grid();
    assert!(grid.contains("noctule needs 60x15") && grid.contains("is 50x10"), "{grid}");
    assert!(grid.contains("C ") && grid.contains("M "), "{grid}");
}

#[test]
fn ascii_screens_are_ascii() {
    for pane in PaneId::ALL {
        let mut screen = Screen::new(World::small(), (200, 50), Glyphs::ASCII);
        // Names and texts of the network are not ours to change.
        for row in &mut screen.world.alarms {
            row.name = "plain".into();
            row.text = "plain".into();
        }
        screen.pane(pane);
        screen.changed();
        screen.keys("enter");
        let grid = screen.grid().replace('\u{fffd}', "?");
        assert!(grid.is_ascii(), "{pane:?}: {:?}", grid.chars().filter(|c| !c.is_ascii()).collect::<String>());
    }
}

#[test]
fn hostile_text_reaches_no_cell() {
    for pane in PaneId::ALL {
        for size in SIZES {
            let mut screen = Screen::small(size);
            screen.pane(pane);
            screen.keys("E E E E enter");
            for _ in 0..40 {
                let grid = screen.grid();
                let bad = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
                assert!(!grid.chars().any(bad), "{pane:?} {size:?}:\n{grid:?}");
                screen.keys("J j");
            }
        }
    }
    assert!(HOSTILE.contains('\u{1b}'));
}
