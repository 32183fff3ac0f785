//! `noctule completions SHELL`.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::{Code, Failure};

/// Prints the completions.
pub(super) fn run(shell: Shell) -> Result<Code, Failure> {
    std::io::stdout().write_all(&script(shell))?;
    Ok(Code::Done)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "noctule", &mut out);
    out
}
