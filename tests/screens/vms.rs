//! The pane of virtual machines: the list in its three shapes, what is told of machines that somebody on
//! call has to tell apart, and what its verbs wish.

use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::app::port::Request;
use noctule::model::command::Targets;
use noctule::model::ids::RowId;
use noctule::model::page::{Generations, Table};
use noctule::model::vm::VmRow;
use noctule::model::vm::state::{HostContact, Power};
use noctule::theme::Glyphs;

use super::common::world::World;
use super::harness::{Screen, args};
use super::{each, once};

fn vms(size: (u16, u16)) -> Screen {
    Screen::on(PaneId::Vms, size)
}

/// The row of a machine.
fn row(screen: &Screen, name: &str) -> RowId {
    let found = screen.world.vms.iter().find(|row| row.vm().is_some_and(|vm| vm.name == name));
    found.expect("a machine").id
}

fn host(row: &mut VmRow) -> &mut noctule::model::vm::HostState {
    std::sync::Arc::make_mut(&mut row.host)
}

#[test]
fn hosts_and_their_machines() {
    each("vms", |s| s.pane(PaneId::Vms));
}

#[test]
fn machines_without_their_hosts() {
    each("vms_flat", |s| {
        s.pane(PaneId::Vms);
        s.keys("t");
    });
}

#[test]
fn hosts_alone() {
    each("vms_hosts", |s| {
        s.pane(PaneId::Vms);
        s.keys("f");
    });
}

#[test]
fn one_that_moves() {
    each("vms_detail_job", |s| {
        s.pane(PaneId::Vms);
        s.keys("j enter");
    });
}

#[test]
fn one_that_crashed() {
    each("vms_detail_crashed", |s| {
        s.pane(PaneId::Vms);
        s.keys("j j enter");
    });
}

#[test]
fn one_whose_state_nobody_knows() {
    each("vms_detail_unknown", |s| {
        s.pane(PaneId::Vms);
        s.keys("/ 'name=lost enter j enter");
    });
}

#[test]
fn a_host() {
    once("vms_detail_host", (120, 30), |s| {
        s.pane(PaneId::Vms);
        s.keys("enter");
    });
    once("vms_detail_host_lost", (80, 24), |s| {
        s.pane(PaneId::Vms);
        s.keys("f j enter");
    });
}

#[test]
fn a_silent_host_keeps_its_machines_and_says_how_old_they_are() {
    let mut screen = vms((200, 50));
    for row in &mut screen.world.vms {
        let host = host(row);
        host.contact = HostContact::Down;
        host.answered = host.at.plus(-noctule::model::time::HOUR);
    }
    screen.changed();
    screen.keys("j enter");
    let grid = screen.grid();
    assert!(grid.contains("db-primary") && grid.contains("web-1"), "{grid}");
    assert!(grid.contains("what is shown is 60m old"), "{grid}");
}

#[test]
fn a_measurement_alone_brings_new_rows() {
    let mut screen = vms((120, 30));
    for row in &mut screen.world.vms {
        for vm in &mut host(row).vms {
            if vm.name == "spare" {
                vm.power = Power::Running;
            }
        }
    }
    let seq = screen.world.seq;
    screen.tell(Msg::Changed(Generations { vms: 9, seq, ..Generations::default() }));
    let grid = screen.grid();
    let line = grid.lines().find(|l| l.contains("spare")).expect("its row");
    assert!(line.contains("running"), "{grid}");
}

#[test]
fn verbs_are_for_the_machine_under_the_cursor_or_the_marked_ones() {
    let mut screen = vms((120, 30));
    screen.keys("j x d");
    let got = screen.wish();
    let one = Targets::Rows(Table::Vms, vec![row(&screen, "db-primary")]);
    assert_eq!((got.command, &got.targets), ("vm.shutdown", &one));
    screen.answer();
    assert!(screen.grid().contains("y do it") && screen.grid().contains("vm.shutdown"), "{}", screen.grid());
    screen.keys("n");
    assert!(screen.intents().is_empty() && !screen.grid().contains("y do it"), "{}", screen.grid());
    screen.keys("space space x s");
    let got = screen.wish();
    assert_eq!(got.command, "vm.start");
    let Targets::Rows(Table::Vms, rows) = got.targets else { panic!("{got:?}") };
    assert_eq!(rows.len(), 2, "the marked ones");
}

#[test]
fn what_loses_something_asks_for_the_name() {
    for (keys, command) in [("x k", "vm.force-off"), ("x R", "vm.reset")] {
        let mut screen = vms((120, 30));
        screen.keys("j");
        screen.keys(keys);
        assert_eq!(screen.wish().command, command);
        screen.answer();
        assert!(screen.grid().contains("Type go"), "{command}:\n{}", screen.grid());
        screen.keys("y");
        assert!(screen.intents().is_empty(), "{command} wants more than a y");
    }
}

#[test]
fn verbs_ask_for_what_they_lack() {
    let mut screen = vms((120, 30));
    screen.keys("j x U");
    assert!(screen.grid().contains("What happens to its disks?"), "{}", screen.grid());
    screen.keys("enter");
    let got = screen.wish();
    assert_eq!((got.command, got.args), ("vm.undefine", args(&[("disks", "keep")])));
    screen.answer();
    screen.keys("esc x m");
    assert!(screen.grid().contains("Move it to which host?"), "{}", screen.grid());
    assert!(!screen.grid().contains("kvm-1: "), "never to the host it is on:\n{}", screen.grid());
    screen.keys("enter down enter");
    let got = screen.wish();
    assert_eq!((got.command, got.args), ("vm.migrate", args(&[("storage", "copy"), ("to", "kvm-2")])));
}

#[test]
fn a_host_is_no_machine() {
    let mut screen = vms((120, 30));
    screen.keys("x k");
    assert!(screen.intents().is_empty() && screen.grid().contains("that is a host"), "{}", screen.grid());
    screen.keys("P");
    assert_eq!(screen.wish().command, "vm.poll");
}

#[test]
fn a_machine_that_is_off_has_no_console_yet() {
    let mut screen = vms((120, 30));
    screen.keys("/ 'name=spare enter j c");
    assert!(!screen.sent.iter().any(|r| matches!(r, Request::Console(..))), "{:?}", screen.sent);
    assert!(screen.grid().contains("spare is off: x s starts it"), "{}", screen.grid());
}

#[test]
fn jumps_lead_to_alarms_source_and_log() {
    for (key, pane, row) in
        [("a", PaneId::Alarms, "BBSM00000004"), ("o", PaneId::Sources, "kvm-1"), ("l", PaneId::Log, "domain list")]
    {
        let mut screen = vms((120, 30));
        screen.world.alarms[3].source = "kvm-1".into();
        screen.world.sources[1].name = "kvm-1".into();
        screen.world.log[5].source = "kvm-1".into();
        screen.world.log[5].what = "domain list".into();
        screen.keys("j");
        screen.keys(key);
        assert_eq!(screen.app.active(), pane);
        let grid = screen.grid();
        let found = grid.lines().find(|line| line.starts_with('▌')).expect("a row");
        assert!(found.contains(row) && grid.contains("1 of 1"), "{row}:\n{grid}");
    }
}

#[test]
fn an_empty_list_says_what_to_do() {
    let mut screen = Screen::new(World::empty(), (80, 24), Glyphs::UNICODE);
    screen.pane(PaneId::Vms);
    let grid = screen.grid();
    assert!(grid.contains("No host of virtual machines is configured") && grid.contains("noctule demo"), "{grid}");
}
