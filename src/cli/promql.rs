//! `noctule query` and `noctule silences`: what a Prometheus answers and an Alertmanager keeps, asked
//! now: neither is in the cache.

use std::io::{self, BufWriter, Write as _};

use serde_json::{Value as Json, json};

use super::Start;
use super::args::{QueryArgs, SilencesArgs};
use super::exit::{Code, Failure};
use super::fresh::say;
use super::live::{Live, Role};
use crate::controllers::prometheus::map::silence_matchers;
use crate::controllers::prometheus::wire::{QueryResult, Sample, Silence, series};
use crate::model::order;
use crate::model::text::{Align, clean, pad, width};
use crate::model::time::{MINUTE, SECOND, Ts, parse_duration};
use crate::workers::now;
use crate::workers::source::{SourceHandle, Span};

/// Points of a range when no step is told.
const POINTS: i64 = 120;

/// Asks for the value of an expression.
pub(super) fn query(start: &Start, args: &QueryArgs) -> Result<Code, Failure> {
    let span = span(args, now())?;
    let mut loaded = start.load()?;
    let _log = start.log(&mut loaded)?;
    let live = Live::start(&loaded, Role::Once)?;
    let result =
        server(&live, args.source.as_deref(), "answers queries", SourceHandle::answers_queries).and_then(|source| {
            let answer = live.runtime.block_on(source.query(&args.expr, span));
            answer.map_err(|why| Failure::new(Code::Failed, clean(&why).into_owned()))
        });
    live.stop();
    let result = result?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", written(&result))?;
    } else {
        table(&mut out, &["SERIES", "TIME", "VALUE"], &rows(&result))?;
    }
    out.flush()?;
    Ok(Code::Done)
}

/// Lists silences.
pub(super) fn silences(start: &Start, args: &SilencesArgs) -> Result<Code, Failure> {
    let mut loaded = start.load()?;
    let _log = start.log(&mut loaded)?;
    let live = Live::start(&loaded, Role::Once)?;
    let wanted =
        |s: &&SourceHandle| s.is_alertmanager() && args.source.as_deref().is_none_or(|name| name == &**s.name());
    let lists: Vec<(String, Result<Vec<Silence>, String>)> = live
        .sources
        .iter()
        .filter(wanted)
        .map(|s| (s.name().to_string(), live.runtime.block_on(s.silences())))
        .collect();
    live.stop();
    if lists.is_empty() {
        return Err(Failure::usage("no such Alertmanager source is configured"));
    }
    let (servers, mut failed) = (lists.len(), 0);
    let mut found: Vec<(String, Silence)> = Vec::new();
    for (source, list) in lists {
        match list {
            Ok(all) => found.extend(all.into_iter().map(|s| (source.clone(), s))),
            Err(why) => {
                failed += 1;
                say(&why);
            }
        }
    }
    found.retain(|(_, s)| args.all || s.status.state != "expired");
    order::by(&mut found, |a, b| (&a.1.ends_at, &a.1.id).cmp(&(&b.1.ends_at, &b.1.id)));
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        let list = found.iter().map(|(source, silence)| as_json(source, silence)).collect();
        writeln!(out, "{}", Json::Array(list))?;
    } else {
        let rows: Vec<Vec<String>> = found
            .iter()
            .map(|(source, s)| {
                [&s.id, &s.status.state, &s.created_by, &s.ends_at]
                    .iter()
                    .map(|text| clean(text).into_owned())
                    .chain([silence_matchers(s), clean(&s.comment).into_owned(), source.clone()])
                    .collect()
            })
            .collect();
        table(&mut out, &["ID", "STATE", "BY", "UNTIL", "CONDITIONS", "COMMENT", "SOURCE"], &rows)?;
    }
    out.flush()?;
    Ok(match failed {
        0 => Code::Done,
        n if n == servers => Code::Unreachable,
        _ => Code::Partly,
    })
}

/// The server of that name; the only one that can when none is named.
fn server<'a>(
    live: &'a Live,
    wanted: Option<&str>,
    what: &str,
    can: fn(&SourceHandle) -> bool,
) -> Result<&'a SourceHandle, Failure> {
    let all: Vec<&SourceHandle> = live.sources.iter().filter(|s| can(s)).collect();
    match (wanted, all.as_slice()) {
        (Some(name), all) => all
            .iter()
            .find(|s| &**s.name() == name)
            .copied()
            .ok_or_else(|| Failure::usage(format!("no source called {} {what}", clean(name)))),
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::usage(format!("no source {what}: configure one of kind prometheus"))),
        (None, many) => {
            let names: Vec<&str> = many.iter().map(|s| &**s.name()).collect();
            Err(Failure::usage(format!("say which with --source: {}", names.join(", "))))
        }
    }
}

/// Over which time is asked.
fn span(args: &QueryArgs, now: Ts) -> Result<Option<Span>, Failure> {
    let read = |name: &str, text: &str| {
        let us = parse_duration(text).filter(|us| *us >= SECOND);
        us.ok_or_else(|| Failure::usage(format!("--{name} {}: write it like 30s, 15m, 2h or 3d", clean(text))))
    };
    let Some(range) = &args.range else { return Ok(None) };
    let range = read("range", range)?;
    let step = match &args.step {
        Some(step) => read("step", step)?,
        None => (range / POINTS / MINUTE * MINUTE).max(SECOND * 15),
    };
    Ok(Some(Span { start: now.plus(-range), end: now, step }))
}

fn as_json(source: &str, s: &Silence) -> Json {
    json!({
        "id": clean(&s.id),
        "state": clean(&s.status.state),
        "created_by": clean(&s.created_by),
        "comment": clean(&s.comment),
        "starts_at": clean(&s.starts_at),
        "ends_at": clean(&s.ends_at),
        "matchers": silence_matchers(s),
        "source": source,
    })
}

fn time(seconds: f64) -> String {
    Ts((seconds * SECOND as f64) as i64).to_rfc3339()
}

fn point(sample: &Sample) -> Json {
    json!({ "time": time(sample.0), "value": clean(&sample.1) })
}

fn written(result: &QueryResult) -> Json {
    let labels = |metric: &crate::model::labels::Labels| {
        metric.iter().map(|(k, v)| (clean(k).into_owned(), Json::from(clean(v)))).collect::<serde_json::Map<_, _>>()
    };
    match result {
        QueryResult::Vector(all) => Json::Array(
            all.iter().map(|s| json!({ "metric": labels(&s.metric), "sample": s.value.as_ref().map(point) })).collect(),
        ),
        QueryResult::Matrix(all) => Json::Array(
            all.iter()
                .map(|s| json!({ "metric": labels(&s.metric), "samples": s.values.iter().map(point).collect::<Vec<_>>() }))
                .collect(),
        ),
        QueryResult::Scalar(sample) | QueryResult::String(sample) => {
            json!([{ "metric": {}, "sample": point(sample) }])
        }
    }
}

fn rows(result: &QueryResult) -> Vec<Vec<String>> {
    let row = |name: &str, s: &Sample| vec![name.to_owned(), time(s.0), clean(&s.1).into_owned()];
    match result {
        QueryResult::Vector(all) => all
            .iter()
            .map(|one| match &one.value {
                Some(sample) => row(&series(&one.metric), sample),
                None => vec![series(&one.metric), String::new(), "histogram".into()],
            })
            .collect(),
        QueryResult::Matrix(all) => all
            .iter()
            .flat_map(|one| {
                let name = series(&one.metric);
                one.values.iter().map(move |s| row(&name, s)).collect::<Vec<_>>()
            })
            .collect(),
        QueryResult::Scalar(sample) | QueryResult::String(sample) => vec![row("", sample)],
    }
}

fn table(out: &mut impl io::Write, headers: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let column = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| width(c)).max().unwrap_or(0);
    let widths: Vec<usize> = headers.iter().enumerate().map(|(i, h)| column(i).max(width(h))).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(c, w)| pad(c, *w, Align::Left, "")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())
    };
    line(&mut headers.iter().copied())?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;

    #[test]
    fn a_range_has_a_step_that_gives_a_curve() {
        let args = |range: Option<&str>, step: Option<&str>| QueryArgs {
            expr: "up".into(),
            range: range.map(str::to_owned),
            step: step.map(str::to_owned),
            source: None,
            json: false,
        };
        let now = Ts(10 * HOUR);
        assert_eq!(span(&args(None, None), now).unwrap(), None);
        let hour = span(&args(Some("1h"), None), now).unwrap().unwrap();
        assert_eq!((hour.start, hour.end, hour.step), (Ts(9 * HOUR), now, 15 * SECOND));
        assert_eq!(span(&args(Some("1h"), Some("1m")), now).unwrap().unwrap().step, MINUTE);
        assert!(span(&args(Some("soon"), None), now).is_err());
        assert!(span(&args(Some("1h"), Some("0s")), now).is_err());
    }
}
