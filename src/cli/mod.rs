//! Command line: arguments, dispatch, and everything that runs without the screen.
//!
//! The only place of noctule that writes to standard output and standard error.

mod agent;
pub mod args;
mod buffers;
mod completions;
mod config;
mod console;
mod dashboard;
mod demo;
pub mod diag;
mod doctor;
pub mod exit;
mod first_run;
mod fresh;
mod health;
mod jobs;
mod keys;
mod live;
mod machines;
mod man;
mod menu;
mod objects;
mod promql;
mod query;
mod run;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::config::{Flags, Loaded, Vars};
use crate::model::page::Table;
use args::{Cli, Command, Global};
use exit::{Code, Failure};

/// What every command starts from.
#[derive(Debug)]
pub(crate) struct Start {
    /// Options that hold for every command.
    pub(crate) global: Global,
    /// The environment.
    pub(crate) vars: Vars,
}

impl Start {
    /// Loads the configuration.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        Ok(crate::config::load(&self.flags(), &self.vars)?)
    }

    /// The command line's layer of the configuration.
    pub(crate) fn flags(&self) -> Flags {
        let Global { profile, config, read_only, screen, .. } = &self.global;
        Flags {
            config: config.clone(),
            profile: profile.clone(),
            read_only: *read_only,
            theme: screen.theme.clone(),
            colour: screen.colour.clone(),
            glyphs: screen.glyphs.clone(),
        }
    }

    /// Begins the log file. A log that cannot be written is a note and no failure.
    pub(crate) fn log(&self, loaded: &mut Loaded) -> Result<Option<crate::telemetry::Guard>, Failure> {
        let level = self.global.log_level.as_deref().or_else(|| self.vars.get("NOCTULE_LOG"));
        match crate::telemetry::init(&loaded.dirs.state, level) {
            Ok(guard) => Ok(Some(guard)),
            Err(e @ crate::telemetry::Error::Level(_)) => Err(Failure::usage(e.to_string())),
            Err(e) => {
                loaded.notes.push(e.to_string());
                Ok(None)
            }
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let code = if e.use_stderr() { Code::Usage } else { Code::Done };
            let _ = e.print();
            return code.into();
        }
    };
    let start = Start { global: cli.global, vars: Vars::process() };
    match dispatch(&start, cli.command) {
        Ok(code) => code.into(),
        Err(failure) => {
            if !failure.message.is_empty() {
                let mut err = std::io::stderr().lock();
                for line in failure.message.lines() {
                    let _ = writeln!(err, "noctule: {line}");
                }
            }
            failure.code.into()
        }
    }
}

fn dispatch(start: &Start, command: Option<Command>) -> Result<Code, Failure> {
    match command {
        None => dashboard::run(start),
        Some(Command::Demo(args)) => demo::run(start, &args),
        Some(Command::Diag(command)) => diag::run(start, &command),
        Some(Command::Menu(args)) => menu::run(start, &args),
        Some(Command::Console(args)) => console::run(start, &args),
        Some(Command::Doctor(args)) => doctor::run(start, &args),
        Some(Command::Alarms(args)) => query::run(start, Table::Alarms, &args),
        Some(Command::Pon(args)) => query::run(start, Table::Nodes, &args),
        Some(Command::Cpe(args)) => query::run(start, Table::Cpes, &args),
        Some(Command::Faults(args)) => query::run(start, Table::Faults, &args),
        Some(Command::Objects(args)) => objects::list(start, &args),
        Some(Command::Sources(args)) => query::run(start, Table::Sources, &args),
        Some(Command::Log(args)) => query::run(start, Table::Log, &args),
        Some(Command::Jobs(args)) => jobs::run(start, &args),
        Some(Command::Buffers(args)) => buffers::run(start, &args),
        Some(Command::Services(args)) => query::run(start, Table::Collectors, &args),
        Some(Command::Vms(args)) => query::run(start, Table::Vms, &args),
        Some(Command::Health(args)) => health::run(start, &args),
        Some(Command::Agent(args)) => agent::run(start, &args),
        Some(Command::Silences(args)) => promql::silences(start, &args),
        Some(Command::Query(args)) => promql::query(start, &args),
        Some(Command::Run(args)) => run::run(start, &args),
        Some(Command::Config(command)) => config::run(start, &command),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::Man) => man::run(),
        Some(Command::Keys) => keys::run(start),
    }
}
