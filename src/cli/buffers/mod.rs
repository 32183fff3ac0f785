//! `noctule buffers` and `noctule services`: telemetry appliances as a list, one of them whole, its
//! past, and the collectors.

mod detail;

use std::io::{self, BufWriter, Write as _};

use serde_json::{Value as Json, json};

use super::Start;
use super::args::{BuffersArgs, HistorySpan};
use super::exit::{Code, Failure};
use super::fresh::{self, say};
use super::live::{Live, Role, store_options};
use super::query::ask::{self, Output};
use super::query::{self, print};
use crate::model::appliance::{ApplianceRow, HistoryRequest, Point, Span};
use crate::model::command::Targets;
use crate::model::page::{Data, DataRequest, Table};
use crate::model::text::clean;
use crate::model::time::SECOND;
use crate::store::{Reader, Store};
use crate::workers::now;

impl From<HistorySpan> for Span {
    fn from(span: HistorySpan) -> Self {
        match span {
            HistorySpan::TenMinutes => Self::TenMinutes,
            HistorySpan::Hour => Self::Hour,
            HistorySpan::SixHours => Self::SixHours,
            HistorySpan::Day => Self::Day,
            HistorySpan::Week => Self::Week,
            HistorySpan::Month => Self::Month,
        }
    }
}

/// Runs it.
pub(super) fn run(start: &Start, args: &BuffersArgs) -> Result<Code, Failure> {
    let Some(name) = &args.appliance else { return query::run(start, Table::Appliances, &args.list) };
    if args.list.watch {
        let only = format!("name=\"{}\"", name.replace(['"', '\\'], ""));
        return query::run_narrowed(start, Table::Appliances, &args.list, &only);
    }
    let mut code = Code::Done;
    if args.list.fresh {
        code = poll(start, std::slice::from_ref(name))?;
    }
    let loaded = start.load()?;
    let (store, _) = Store::open(&store_options(&loaded, true))?;
    let mut reader = store.reader()?;
    let row = named(&mut reader, name)?;
    let format = ask::format(args.list.format);
    match args.history {
        Some(span) => history(&mut reader, &row, args.collector.as_deref(), span.into(), format)?,
        None => detail::print(&row, format, print::look(&start.vars), now())?,
    }
    Ok(code)
}

/// Polls appliances once, whoever owns the cache.
pub(super) fn poll(start: &Start, only: &[String]) -> Result<Code, Failure> {
    let mut loaded = start.load()?;
    let _log = start.log(&mut loaded)?;
    let live = Live::start(&loaded, Role::List)?;
    live.notes().iter().for_each(|note| say(note));
    let code = fresh::poll(&live, only, &loaded.operator(&start.vars));
    live.stop();
    Ok(code)
}

/// The appliance of that name.
fn named(reader: &mut Reader, name: &str) -> Result<ApplianceRow, Failure> {
    let targets = Targets::Names(Table::Appliances, vec![name.to_owned()]);
    reader.appliances(&targets, 1)?.into_iter().next().ok_or_else(|| {
        Failure::usage(format!(
            "no appliance is called `{}` in the cache (see `noctule buffers --columns name`)",
            clean(name)
        ))
    })
}

/// Most steps that a span has in the cache.
const STEPS: u16 = 1_500;

fn history(
    reader: &mut Reader,
    row: &ApplianceRow,
    collector: Option<&str>,
    span: Span,
    format: Output,
) -> Result<(), Failure> {
    if let Some(name) = collector
        && row.state.collector(name).is_none()
    {
        let known: Vec<&str> = row.state.collectors.iter().map(|c| c.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "{} has no collector called `{}`: it has {}",
            clean(&row.source),
            clean(name),
            clean(&known.join(", "))
        )));
    }
    let request = HistoryRequest {
        source: row.source.to_string(),
        collector: collector.map(str::to_owned),
        span,
        points: STEPS,
        until: now(),
    };
    let Data::History(points) = reader.data(&DataRequest::History(request))? else {
        return Err(Failure::usage("the past is not in the cache"));
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Output::Json => writeln!(out, "{}", Json::Array(points.iter().map(point).collect()))?,
        Output::Ndjson => {
            for p in &points {
                writeln!(out, "{}", point(p))?;
            }
        }
        Output::Csv | Output::Text => {
            let mut csv = csv::WriterBuilder::new()
                .delimiter(if matches!(format, Output::Csv) { b',' } else { b'\t' })
                .from_writer(out);
            let failed = |e: csv::Error| Failure::new(Code::Failed, e.to_string());
            let names: Vec<String> =
                point(&Point::default()).as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
            csv.write_record(&names).map_err(failed)?;
            for p in &points {
                let json = point(p);
                let cells = names.iter().map(|n| match json.get(n) {
                    None | Some(Json::Null) => String::new(),
                    Some(Json::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                });
                csv.write_record(cells).map_err(failed)?;
            }
            csv.flush()?;
            return Ok(());
        }
    }
    out.flush()?;
    Ok(())
}

fn point(p: &Point) -> Json {
    let per_s = |milli: Option<u64>| milli.map(|n| n as f64 / 1000.0);
    json!({
        "at": p.at.to_rfc3339(),
        "step_s": p.step_us / SECOND,
        "polls": p.polls,
        "answered": p.answered,
        "fill_pct": p.fill_permille().map(|f| f as f64 / 10.0),
        "used_bytes": p.bytes,
        "limit_bytes": p.limit,
        "records": p.records,
        "pending": p.pending,
        "forwarded": p.forwarded,
        "in_per_s": per_s(p.in_milli),
        "out_per_s": per_s(p.out_milli),
        "lost": p.lost,
        "response_ms": (p.answered > 0 && p.response_us > 0).then(|| p.response_us as f64 / 1000.0),
    })
}
