//! `noctule health`: the verdict on telemetry appliances, as lines, as JSON, or as metrics in the
//! text format of Prometheus.

use std::io::{self, BufWriter, Write as _};

use serde_json::{Value as Json, json};

use super::Start;
use super::args::HealthArgs;
use super::exit::{Code, Failure};
use super::live::store_options;
use crate::engine::health::{Line, Own, exposition, lines};
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::Verdict;
use crate::model::command::Targets;
use crate::model::page::{Scope, Table};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts, brief_duration};
use crate::store::{Reader, Store};
use crate::workers::now;
use crate::workers::resolve::sources;

/// Most appliances of one page.
const MANY: usize = 100_000;

/// Runs it.
pub(super) fn run(start: &Start, args: &HealthArgs) -> Result<Code, Failure> {
    if args.fresh {
        let code = super::buffers::poll(start, &args.appliances)?;
        if code == Code::Failed {
            return Ok(code);
        }
    }
    let loaded = start.load()?;
    let (store, _) = Store::open(&store_options(&loaded, true))?;
    if args.prometheus && args.appliances.is_empty() {
        io::stdout().lock().write_all(metrics(&store, None).map_err(|e| Failure::new(Code::Failed, e))?.as_bytes())?;
        return Ok(Code::Done);
    }
    let rows = rows(&mut store.reader()?, &args.appliances)?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.prometheus {
        out.write_all(exposition(&rows, &[], &Own::default()).as_bytes())?;
        out.flush()?;
        return Ok(Code::Done);
    }
    if args.json {
        writeln!(out, "{}", Json::Array(rows.iter().map(page).collect()))?;
    } else {
        human(&mut out, &rows, now())?;
    }
    out.flush()?;
    Ok(code(&rows))
}

/// What the exit code tells: a script asks no more than whether somebody has to look.
fn code(rows: &[ApplianceRow]) -> Code {
    match rows.iter().map(|row| row.state.verdict).max() {
        Some(Verdict::Critical) => Code::Failed,
        Some(Verdict::Warning | Verdict::Unknown) => Code::Partly,
        Some(Verdict::Ok) | None => Code::Done,
    }
}

fn rows(reader: &mut Reader, only: &[String]) -> Result<Vec<ApplianceRow>, Failure> {
    let targets = if only.is_empty() { all() } else { Targets::Names(Table::Appliances, only.to_vec()) };
    let found = reader.appliances(&targets, MANY)?;
    if let Some(unknown) = only.iter().find(|name| found.iter().all(|row| *row.source != ***name)) {
        return Err(Failure::usage(format!(
            "no appliance is called `{}` in the cache (see `noctule buffers --columns name`)",
            clean(unknown)
        )));
    }
    Ok(found)
}

fn all() -> Targets {
    Targets::Filter {
        table: Table::Appliances,
        scope: Scope::All,
        filter: None,
        below: None,
        except: std::collections::HashSet::new(),
    }
}

/// Everything that is known, as metrics. `since`: when the process that serves them was started.
///
/// # Errors
/// When the cache cannot be read, in words.
pub(super) fn metrics(store: &Store, since: Option<Ts>) -> Result<String, String> {
    let now = now();
    let read = || -> Result<String, crate::store::Error> {
        let mut reader = store.reader()?;
        let rows = reader.appliances(&all(), MANY)?;
        let sources = sources(&mut reader, now)?;
        let journal = store.journal();
        let own = Own {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: since.map_or(0, |since| u64::try_from(now.since(since) / SECOND).unwrap_or(0)),
            journal_records: u64::try_from(journal.last().0).ok(),
            queue: since.map(|_| journal.backlog() as u64),
            cache_bytes: store.file_bytes(),
        };
        Ok(exposition(&rows, &sources, &own))
    };
    read().map_err(|e| e.to_string())
}

fn page(row: &ApplianceRow) -> Json {
    let line = |l: &Line| json!({"subject": clean(&l.subject), "verdict": l.verdict.word(), "words": clean(&l.words)});
    json!({
        "name": clean(&row.source),
        "verdict": row.state.verdict.word(),
        "reasons": row.state.reasons.iter().map(|r| clean(r).into_owned()).collect::<Vec<_>>(),
        "as_of": row.state.at.to_rfc3339(),
        "alarms": row.alarms,
        "lines": lines(&row.state).iter().map(line).collect::<Vec<_>>(),
    })
}

fn human(out: &mut impl io::Write, rows: &[ApplianceRow], now: Ts) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "no appliance is in the cache: a [[source]] of kind \"raven\" is one");
    }
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        let age = brief_duration(now.since(row.state.at));
        writeln!(out, "{}  {}  (as of {age} ago)", clean(&row.source), row.state.verdict.word().to_uppercase())?;
        for line in lines(&row.state) {
            writeln!(out, "  {:<9} {:<12} {}", line.verdict.word(), clean(&line.subject), clean(&line.words))?;
        }
    }
    Ok(())
}
