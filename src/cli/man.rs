//! `noctule man`: the manual page, made from the description of the command line.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, EXIT_CODES};
use super::exit::{Code, Failure};
use crate::model::field::{FieldKind, TableSpec};
use crate::model::tables;

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
    let mut roff = Roff::new();
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        subcommand(sub, "noctule", &mut roff);
    }
    filters(&mut roff);
    for table in [
        &tables::ALARMS,
        &tables::NODES,
        &tables::CPES,
        &tables::JOBS,
        &tables::JOB_DEVICES,
        &tables::SOURCES,
        &tables::LOG,
    ] {
        fields(table, &mut roff);
    }
    together(&mut roff);
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, what) in crate::config::variables() {
        item(&mut roff, name, what);
    }
    roff.control("SH", ["EXIT STATUS"]).text([roman(EXIT_CODES.trim_start_matches("Exit codes: "))]);
    roff.to_writer(out)
}

fn item(roff: &mut Roff, head: impl Into<String>, text: impl Into<String>) {
    roff.control("TP", []).text([bold(head.into())]).text([roman(text.into())]);
}

/// One section for a subcommand, and for those below it.
fn subcommand(command: &clap::Command, above: &str, roff: &mut Roff) {
    let name = format!("{above} {}", command.get_name());
    roff.control("SH", [name.to_uppercase().as_str()]);
    if let Some(about) = command.get_about() {
        roff.text([roman(format!("{about}."))]);
    }
    let own = |a: &&clap::Arg| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help";
    for arg in command.get_arguments().filter(own) {
        let values: Vec<_> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if arg.get_action().takes_values() && !values.is_empty() {
            help = format!("{help}. One of {}.", values.join(", "));
        }
        let short = arg.get_short().map_or_else(String::new, |c| format!("-{c}, "));
        item(roff, format!("{short}{arg}"), help);
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        subcommand(sub, &name, roff);
    }
}

/// What several processes on one cache are to each other.
fn together(roff: &mut Roff) {
    roff.control("SH", ["JOBS AND THE AGENT"]);
    roff.text([roman(
        "One process owns the cache: it polls, keeps the journal and runs jobs. It is the first of noctule agent, the \
         dashboard and noctule run. The others are attached: they read the cache themselves and hand what they change \
         to the owner, over a socket beside the cache that only their user may open. When the owner ends, an attached \
         dashboard or a waiting agent takes over. Lists and commands that are not about CPEs or jobs run no jobs in \
         passing, and nothing does under a read-only profile.",
    )]);
    let forms = [
        ("noctule run cpe.job.create FILE --dry-run", "asks the server what would be done to each device, or why not"),
        ("noctule run cpe.job.create FILE --yes [--wait]", "makes the job and prints its id; waits until it is over"),
        (
            "noctule run job.wait JOB",
            "waits for a job; 0 all done, 1 refused, held or cancelled, 3 some failed, 4 server away",
        ),
        ("noctule run job.pause JOB", "the same for start, resume, cancel, retry, rollback, priority"),
        ("noctule agent", "works until SIGTERM or SIGINT; tells the service manager (sd_notify) when it is ready"),
        ("assets/systemd/noctule-agent.service", "a unit for it, for a user or a machine"),
    ];
    for (form, meaning) in forms {
        item(roff, form, meaning);
    }
}

/// The filter language, one line a form.
fn filters(roff: &mut Roff) {
    roff.control("SH", ["FILTERS"]);
    roff.text([roman(
        "The same language in --filter, in saved views and behind / on the screen. Letter case never counts.",
    )]);
    let forms = [
        ("gasp, \"fiber cut\"", "a field marked with * below contains it"),
        ("/los|gasp/", "such a field matches the regular expression"),
        ("owner=anna, owner!=anna", "equal, not equal; nothing behind the sign means not set"),
        ("sev>=maj, occurrences>10k, rx<-27.5", "ordered; the beginning of a word is enough"),
        ("text:fiber, text~/cut$/, text!~cut", "contains, matches, does not match"),
        ("cleared, cleared=no", "fields that are yes or no"),
        ("raised>-2h, shelf_until<+1h, raised=2026-11-20, last_ok<now", "instants, in UTC"),
        ("sev in (critical,major), owner not in (anna,bob)", "one of them, none of them"),
        ("not x, !x, -x; x y, x and y; x or y; ( )", "not, and, or, grouping"),
    ];
    for (form, meaning) in forms {
        item(roff, form, meaning);
    }
}

/// The fields of a list.
fn fields(table: &TableSpec, roff: &mut Roff) {
    roff.control("SH", [format!("FIELDS OF {}", table.name.to_uppercase()).as_str()]);
    for field in table.fields {
        let star = if field.free_text { "*" } else { "" };
        let names = std::iter::once(field.name).chain(field.aliases.iter().copied()).collect::<Vec<_>>().join(", ");
        let words = match field.kind {
            FieldKind::Word(words) => format!(" One of {}.", words.join(", ")),
            _ => String::new(),
        };
        item(roff, format!("{names}{star}"), format!("{}{words}", field.doc));
    }
}
