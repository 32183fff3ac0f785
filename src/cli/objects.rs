//! `noctule objects`: presets, provisions, virtual parameters and files, read from their servers:
//! they are in no cache.

use std::io::{self, BufWriter, Write as _};

use super::Start;
use super::args::ListArgs;
use super::exit::{Code, Failure};
use super::fresh::say;
use super::live::{Live, Role};
use super::query::ask::ask;
use super::query::print;
use crate::model::field::Record as _;
use crate::model::order;
use crate::model::page::Table;
use crate::model::stored::Stored;
use crate::workers::now;

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
    order::by(&mut rows, |a, b| {
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
