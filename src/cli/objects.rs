//! `noctule objects`: presets, provisions, virtual parameters and files, read from their servers;
//! and the changes of them without a screen. They are in no cache, so each of these asks a server.

use std::io::{self, BufWriter, Write as _};

use tokio_util::sync::CancellationToken;

use super::Start;
use super::args::{ListArgs, RunArgs};
use super::exit::{Code, Failure};
use super::fresh::say;
use super::live::{Live, Role};
use super::query::ask::ask;
use super::query::print;
use super::run::reached;
use crate::commands::spec::CommandSpec;
use crate::config::Loaded;
use crate::model::command::{Intent, Outcome, Plan};
use crate::model::field::Record as _;
use crate::model::page::Table;
use crate::model::stored::Stored;
use crate::workers::{now, stored};

/// Prints what the servers keep.
pub(super) fn list(start: &Start, args: &ListArgs) -> Result<Code, Failure> {
    if args.watch {
        return Err(Failure::usage("--watch: servers tell no changes of these; run it again"));
    }
    let ask = ask(Table::Stored, args, now())?;
    let mut loaded = start.load()?;
    let _log = start.log(&mut loaded)?;
    let live = Live::start(&loaded, Role::Once)?;
    let lists: Vec<_> = live
        .sources
        .iter()
        .filter(|s| s.is_acs())
        .map(|s| (s.name().clone(), live.runtime.block_on(s.stored())))
        .collect();
    live.stop();
    if lists.is_empty() {
        return Err(Failure::usage("no GenieACS source is configured"));
    }
    let (mut rows, mut failed): (Vec<Stored>, usize) = (Vec::new(), 0);
    let servers = lists.len();
    for (source, list) in lists {
        match list {
            Ok(found) => rows.extend(found),
            Err(why) => {
                failed += 1;
                say(&format!("{source}: {why}"));
            }
        }
    }
    if let Some(query) = &ask.request.filter {
        rows.retain(|row| query.matches(row, ask.request.now));
    }
    let usual = crate::model::tables::STORED.default_sort.iter().copied();
    let given: Vec<(&str, bool)> = ask.request.sort.iter().map(|s| (s.field, s.desc)).collect();
    let keys: Vec<(&str, bool)> = if given.is_empty() { usual.collect() } else { given };
    rows.sort_by(|a, b| {
        let orders = keys.iter().map(|(field, desc)| {
            let order = a.get(field).to_plain().cmp(&b.get(field).to_plain());
            if *desc { order.reverse() } else { order }
        });
        orders.into_iter().find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    let out = BufWriter::new(io::stdout().lock());
    let mut printer = print::Printer::begin(out, ask.format, ask.fields.clone(), print::look(&start.vars))?;
    for row in rows.iter().take(usize::try_from(ask.limit).unwrap_or(usize::MAX)) {
        printer.row(row)?;
    }
    printer.end()?.flush()?;
    Ok(match failed {
        0 => Code::Done,
        n if n == servers => Code::Unreachable,
        _ => Code::Partly,
    })
}

/// Runs a change: the plan asks the server, and so does what comes after it.
pub(super) fn run(
    start: &Start,
    mut loaded: Loaded,
    spec: &'static CommandSpec,
    mut intent: Intent,
    args: &RunArgs,
) -> Result<Code, Failure> {
    let _log = start.log(&mut loaded)?;
    // Whoever runs it may do so in another folder.
    if let Some(file) = intent.args.get_mut("file")
        && let Ok(whole) = std::path::absolute(&*file)
    {
        *file = whole.display().to_string();
    }
    let mut live = Live::start(&loaded, Role::Once)?;
    let result = if args.dry_run {
        run_on(&live, &loaded, spec, intent, args)
    } else {
        reached(&mut live, &loaded, Role::Once, spec, &intent).and_then(|()| run_on(&live, &loaded, spec, intent, args))
    };
    live.stop();
    result
}

fn run_on(
    live: &Live,
    loaded: &Loaded,
    spec: &'static CommandSpec,
    intent: Intent,
    args: &RunArgs,
) -> Result<Code, Failure> {
    let plan: Plan =
        live.runtime.block_on(stored::plan(&live.sources, &intent)).map_err(|why| Failure::new(Code::Failed, why))?;
    if args.dry_run {
        super::run::print_plan(&plan, args.json)?;
        if loaded.profile.read_only {
            say(&format!("profile `{}` is read-only: it would be refused", loaded.profile_name));
        }
        return Ok(Code::Done);
    }
    if !args.yes {
        super::run::print_plan(&plan, args.json)?;
        return Err(Failure::usage(format!("nothing was done: {} asks first; add --yes to run it", spec.id)));
    }
    if plan.total == 0 {
        let summary = plan.skipped.first().map(|(why, _)| format!("nothing to do: {why}")).unwrap_or_default();
        super::run::print_outcome(&Outcome { command: spec.id.into(), summary, ..Outcome::default() }, args.json)?;
        return Ok(Code::Done);
    }
    let outcome = live.runtime.block_on(live.hands.run(intent, &CancellationToken::new(), &|_, _| ()));
    super::run::print_outcome(&outcome, args.json)?;
    Ok(if outcome.done == outcome.total { Code::Done } else { Code::Failed })
}
