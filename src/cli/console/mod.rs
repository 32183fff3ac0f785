//! `noctule console`: one console of a virtual machine, full screen: the dashboard's kernel with nothing
//! else in it, so that its keys, search, copy and recording are those of the pane. Or a picture of the
//! machine's screen, as a file or as the text that it shows.

mod shot;

use super::Start;
use super::args::ConsoleArgs;
use super::dashboard::{First, show};
use super::exit::{Code, Failure};
use super::machines;
use crate::model::console::{ConsoleKind, ConsoleTarget};
use crate::model::text::clean;
use crate::model::vm::{VmRow, VmState};

/// Opens it, or takes the picture.
pub(super) fn run(start: &Start, args: &ConsoleArgs) -> Result<Code, Failure> {
    let pictured = args.screenshot.is_some() || args.text;
    if start.global.screen.linear && !pictured {
        return Err(Failure::usage("a console is a screen: --text prints what a machine's screen shows"));
    }
    let mut loaded = start.load()?;
    if let Some(path) = &args.screenshot {
        shot::may_write(path, args.force)?;
    }
    let (row, host) = machines::find(&loaded, &args.vm, &loaded.operator(&start.vars))?;
    let Some(vm) = row.vm() else {
        return Err(Failure::usage(format!("{} is a host: name one of its machines", clean(&row.source))));
    };
    if pictured {
        let host = host.clone();
        let _log = start.log(&mut loaded)?;
        return shot::run(&host, vm, args);
    }
    let target = target(&row, vm, kind(vm, args)?);
    show(start, loaded, First::Console(&target))
}

/// Which console: what was asked for, else the serial line where there is one.
fn kind(vm: &VmState, args: &ConsoleArgs) -> Result<ConsoleKind, Failure> {
    if args.serial {
        return Ok(ConsoleKind::Serial);
    }
    match (args.vnc, vm.serial, vm.screens.is_empty()) {
        (true, ..) | (false, false, false) => Ok(ConsoleKind::Vnc),
        (false, true, _) => Ok(ConsoleKind::Serial),
        (false, false, true) => Err(Failure::new(
            Code::Failed,
            format!("{} has neither a serial line nor a screen, as far as is known", clean(&vm.name)),
        )),
    }
}

fn target(row: &VmRow, vm: &VmState, kind: ConsoleKind) -> ConsoleTarget {
    ConsoleTarget {
        source: row.source.clone(),
        uuid: vm.uuid.clone(),
        name: vm.name.clone(),
        kind,
        device: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn args(more: &[&str]) -> ConsoleArgs {
        let cli = Cli::try_parse_from(["noctule", "console", "web"].iter().chain(more)).unwrap();
        let Some(Command::Console(args)) = cli.command else { panic!("another command") };
        args
    }

    #[test]
    fn the_serial_line_comes_first_unless_the_screen_is_asked_for() {
        let vm = |serial: bool, screens: &[&str]| VmState {
            serial,
            screens: screens.iter().map(|s| (*s).to_owned()).collect(),
            ..VmState::default()
        };
        let found = |vm: &VmState, more: &[&str]| kind(vm, &args(more)).ok();
        let both = vm(true, &["vnc 5900"]);
        assert_eq!(found(&both, &[]), Some(ConsoleKind::Serial));
        assert_eq!(found(&both, &["--vnc"]), Some(ConsoleKind::Vnc));
        assert_eq!(found(&vm(false, &["vnc 5900"]), &[]), Some(ConsoleKind::Vnc));
        assert_eq!(found(&vm(false, &[]), &[]), None);
        assert_eq!(found(&vm(false, &[]), &["--serial"]), Some(ConsoleKind::Serial), "the host knows better");
        for wrong in [&["--serial", "--vnc"][..], &["--force"], &["--text", "--vnc"]] {
            assert!(Cli::try_parse_from(["noctule", "console", "web"].iter().chain(wrong)).is_err(), "{wrong:?}");
        }
    }
}
