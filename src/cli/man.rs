//! `noctule man`: the manual page, made from the description of the command line.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, EXIT_CODES};
use super::exit::{Code, Failure};

/// Prints the page.
pub(super) fn run() -> Result<Code, Failure> {
    let mut page = Vec::new();
    render(&mut page)?;
    io::stdout().write_all(&page)?;
    Ok(Code::Done)
}

fn render(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command().after_help("");
    command.build();
    let man = Man::new(command.clone()).section("1");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        subcommand(sub, "noctule", out)?;
    }
    variables(out)?;
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]).text([roman(EXIT_CODES.trim_start_matches("Exit codes: "))]);
    roff.to_writer(out)
}

/// One section for a subcommand, and for those below it.
fn subcommand(command: &clap::Command, above: &str, out: &mut dyn Write) -> io::Result<()> {
    let name = format!("{above} {}", command.get_name());
    let mut roff = Roff::new();
    roff.control("SH", [name.to_uppercase().as_str()]);
    if let Some(about) = command.get_about() {
        roff.text([roman(format!("{about}."))]);
    }
    roff.to_writer(out)?;
    let own = |a: &&clap::Arg| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help";
    for arg in command.get_arguments().filter(own) {
        argument(arg, out)?;
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        subcommand(sub, &name, out)?;
    }
    Ok(())
}

fn argument(arg: &clap::Arg, out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let takes_value = arg.get_action().takes_values();
    roff.control("TP", []).text([bold(arg.to_string())]);
    roff.text([roman(help)]);
    if takes_value && !values.is_empty() {
        roff.text([roman(format!("One of {}.", values.join(", ")))]);
    }
    roff.to_writer(out)
}

fn variables(out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, what) in crate::config::variables() {
        roff.control("TP", []).text([bold(name)]).text([roman(what)]);
    }
    roff.to_writer(out)
}
