//! `noctule alarms|pon|cpe|jobs|sources|log`: the rows of a pane without the screen.
//!
//! From the cache when nothing else is asked for: no runtime, no controller, no waiting. `--fresh`
//! polls first, `--watch` goes on with what changes.

mod age;
pub(super) mod ask;
pub(super) mod print;
pub(super) mod table;
mod watch;

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use super::Start;
use super::args::{Format, ListArgs, ListScope};
use super::exit::{Code, Failure};
use super::fresh::{self, say};
use super::live::{Live, Role, store_options};
use crate::model::ids::RowId;
use crate::model::page::Table;
use crate::model::text::counted;
use crate::store::{Reader, Store};
use crate::workers::now;
use crate::workers::resolve::sources;
use ask::Ask;
use print::Printer;

/// Runs a list.
pub(super) fn run(start: &Start, table: Table, args: &ListArgs) -> Result<Code, Failure> {
    answer(start, &ask::ask(table, args, now())?, args)
}

/// Runs a list of what belongs to one row (the devices of a job).
pub(super) fn run_below(start: &Start, table: Table, args: &ListArgs, row: RowId) -> Result<Code, Failure> {
    let mut ask = ask::ask(table, args, now())?;
    ask.request.below = Some(row);
    answer(start, &ask, args)
}

/// Runs a list of the rows that pass one more filter.
pub(super) fn run_narrowed(start: &Start, table: Table, args: &ListArgs, only: &str) -> Result<Code, Failure> {
    let filter = args.filter.as_ref().map_or_else(|| only.to_owned(), |filter| format!("({filter}) {only}"));
    run(start, table, &ListArgs { filter: Some(filter), ..args.clone() })
}

/// All rows in a format.
pub(super) fn plain(format: Format) -> ListArgs {
    ListArgs {
        format,
        filter: None,
        scope: ListScope::Open,
        sort: Vec::new(),
        limit: None,
        columns: Vec::new(),
        watch: false,
        fresh: false,
    }
}

fn answer(start: &Start, ask: &Ask, args: &ListArgs) -> Result<Code, Failure> {
    let mut loaded = start.load()?;
    if !args.fresh && !args.watch {
        let (store, _) = Store::open(&store_options(&loaded, true))?;
        let mut reader = store.reader()?;
        tell_age(&mut reader)?;
        if ask.request.table == Table::Log {
            tell_waiting(&store);
        }
        print(start, &mut reader, ask)?;
        return Ok(Code::Done);
    }
    let _log = start.log(&mut loaded)?;
    let mut live = Live::start(&loaded, Role::List)?;
    live.notes().iter().for_each(|note| say(note));
    let mut code = if args.fresh { fresh::poll(&live, &[], &loaded.operator(&start.vars)) } else { Code::Done };
    if args.fresh && code == Code::Done {
        code = fresh::catch_up(&live, &loaded);
    }
    let printed = if args.watch { watch::run(start, &mut live, ask) } else { once(start, &live, ask) };
    live.stop();
    printed.map(|()| code)
}

fn once(start: &Start, live: &Live, ask: &Ask) -> Result<(), Failure> {
    let mut reader = live.store.reader()?;
    if !live.opened.owner {
        tell_age(&mut reader)?;
    }
    print(start, &mut reader, ask)
}

fn tell_age(reader: &mut Reader) -> Result<(), Failure> {
    let now = now();
    say(&age::line(&sources(reader, now)?, now));
    Ok(())
}

/// What other processes left for the journal is not in the list yet.
fn tell_waiting(store: &Store) {
    match store.outbox().waiting() {
        Ok(pieces) if pieces.is_empty() => {}
        Ok(pieces) => say(&format!(
            "{} not in the journal yet: {}",
            counted(pieces.len() as u64, "row is", "rows are"),
            "whoever owns the cache next takes them up (noctule, noctule agent)"
        )),
        Err(error) => say(&format!("{}: {error}", store.outbox().folder().display())),
    }
}

pub(super) fn print(start: &Start, reader: &mut Reader, ask: &Ask) -> Result<(), Failure> {
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut printer = Printer::begin(out, ask.format, ask.fields.clone(), print::look(&start.vars))?;
    let (mut left, mut failed) = (ask.limit, None);
    if left > 0 {
        reader.each_row(&ask.request, &mut |row| {
            left -= 1;
            failed = printer.row(row).err();
            if left == 0 || failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    printer.end()?.flush()?;
    Ok(())
}
