//! `noctule doctor`: everything noctule depends on, checked one by one, with words and what to do.
//!
//! Exit codes: 0 when nothing failed (warnings count as well), 4 when a source cannot be reached,
//! 1 when something else failed.

mod acs;
mod alerts;
mod kafka;
mod libvirt;
mod raven;
mod report;
mod setup;
mod source;
mod terminal;
mod tls;

use std::io::{self, Write as _};

use futures_util::stream::{self, StreamExt as _};

use super::Start;
use super::args::DoctorArgs;
use super::exit::{Code, Failure};
use super::live::store_options;
use crate::config::Loaded;
use crate::config::schema::{Source, SourceKind, Ui};
use crate::model::ids::SourceName;
use crate::model::observation::Origin;
use crate::model::source::SourceRow;
use crate::model::time::{HOUR, Ts};
use crate::store::Store;
use crate::workers::now;
use crate::workers::resolve::sources as rows;
use report::{Check, Report, Verdict};

/// Sources checked at a time.
const AT_ONCE: usize = 16;

/// Checks everything.
pub(super) fn run(start: &Start, args: &DoctorArgs) -> Result<Code, Failure> {
    let mut report = Report::default();
    match crate::config::load(&start.flags(), &start.vars) {
        Err(error) => {
            report.add("terminal", terminal::checks(&start.vars, &Ui::default()));
            report.add("configuration", setup::broken(&error));
        }
        Ok(loaded) => {
            report.add("terminal", terminal::checks(&start.vars, &loaded.config.ui));
            report.add("configuration", setup::configuration(&loaded));
            report.add("cache", setup::cache(&loaded));
            sources(&loaded, &mut report)?;
        }
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", report.to_json())?;
    } else {
        report.print(&mut out)?;
    }
    Ok(match report.verdict() {
        Verdict::Ok | Verdict::Warn => Code::Done,
        Verdict::Fail if report.unreachable() => Code::Unreachable,
        Verdict::Fail => Code::Failed,
    })
}

fn sources(loaded: &Loaded, report: &mut Report) -> Result<(), Failure> {
    if loaded.sources().next().is_none() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // How far each stream is read, when there is a cache at all; trouble with it is told above.
    let store = Store::open(&store_options(loaded, true)).ok().map(|(store, _)| store);
    let rows = store.as_ref().and_then(|s| rows(&mut s.reader().ok()?, now()).ok()).unwrap_or_default();
    let read = |source: &str| Known {
        read: store.as_ref().and_then(|s| s.offsets(source).ok()).unwrap_or_default(),
        skew: rows.iter().find(|r| *r.name == *source).and_then(|row| skew(row, now())),
    };
    let sources: Vec<_> = loaded.sources().map(|s| (s.clone(), read(&s.name))).collect();
    let checked = runtime.block_on(async {
        stream::iter(sources)
            .map(|(source, known)| async move {
                let checks = check(&source, &known).await;
                (format!("source {}", source.name), checks)
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
    });
    for (name, checks) in checked {
        report.add(name, checks);
    }
    Ok(())
}

/// How old a report may be that still tells how the clocks are. Clocks drift, and are set.
const LATELY: i64 = HOUR;

/// The source's clock minus ours, by a report that is not old. Zero is what stands there before any
/// event told the source's clock.
fn skew(row: &SourceRow, now: Ts) -> Option<i64> {
    let recent = row.as_of.is_set() && now.since(row.as_of) <= LATELY;
    Some(row.report.skew_us).filter(|skew| recent && *skew != 0)
}

/// What the cache knows of a source.
struct Known {
    /// How far its stream is read.
    read: Vec<Origin>,
    /// Its clock minus ours, µs, by the last events.
    skew: Option<i64>,
}

async fn check(source: &Source, known: &Known) -> Vec<Check> {
    let name = SourceName::from(source.name.as_str());
    let voltha = match &source.kind {
        SourceKind::Voltha(voltha) => voltha,
        SourceKind::Genieacs(acs) => return acs::checks(&name, acs).await,
        SourceKind::Raven(raven) => return raven::checks(&name, raven).await,
        SourceKind::Prometheus(p) => return alerts::prometheus(&name, p).await,
        SourceKind::Alertmanager(a) => return alerts::alertmanager(&name, a).await,
        SourceKind::Libvirt(host) => return libvirt::checks(host).await,
    };
    let mut checks = source::grpc(&name, voltha, known.skew).await;
    match &voltha.kafka {
        Some(kafka) => checks.extend(kafka::checks(&name, kafka, &known.read).await),
        None => checks.push(Check::warn(
            "kafka",
            "not configured",
            "without it alarms are not seen, only states by polling",
        )),
    }
    checks
}
