//! `noctule run job.export JOB`: the report of a job, to a file or to standard output. It only reads
//! the cache, whoever owns that.

use std::io;

use super::super::args::RunArgs;
use super::super::exit::{Code, Failure};
use super::super::fresh::say;
use super::super::{Start, jobs};
use crate::app::effect::{ReportFormat, ReportRequest};
use crate::app::event_loop::utc_offset_s;
use crate::commands::parse::check;
use crate::model::command::Args;
use crate::model::text::{clean, counted};
use crate::store::Store;
use crate::workers::report;

/// The command that writes reports.
pub(super) const EXPORT: &str = "job.export";

/// `noctule run job.export JOB -a format=md -a file=-`.
pub(super) fn run(start: &Start, args: &RunArgs) -> Result<Code, Failure> {
    let [name] = args.targets.as_slice() else {
        return Err(Failure::usage(format!("`{EXPORT}` needs one job: its id, the beginning of it, or its name")));
    };
    let given: Args = args.args.iter().cloned().collect();
    check(super::find_any(EXPORT)?, &given).map_err(Failure::usage)?;
    let path = given.get("file").map_or("-", |p| p.trim());
    let format = match given.get("format") {
        Some(word) => ReportFormat::parse(word),
        // The name of a file says its form.
        None => {
            Some(path.rsplit_once('.').and_then(|(_, end)| ReportFormat::parse(end)).unwrap_or(ReportFormat::Markdown))
        }
    };
    let format = format.ok_or_else(|| Failure::usage("format: md, csv or json"))?;
    let loaded = start.load()?;
    let (store, _) = Store::open(&super::store_options(&loaded, true))?;
    let mut reader = store.reader()?;
    let job = jobs::named(&mut reader, name)?;
    let offset = utc_offset_s();
    if path == "-" {
        report::write(&mut reader, job, format, offset, &mut io::stdout().lock()).map_err(failure)?;
        return Ok(Code::Done);
    }
    let request = ReportRequest { job, format, path: path.to_owned(), utc_offset_s: offset };
    let devices = report::to_file(&mut reader, &request).map_err(failure)?;
    say(&format!("wrote the report of {} to {}", counted(devices, "device", "devices"), clean(path)));
    Ok(Code::Done)
}

fn failure(error: report::ReportError) -> Failure {
    match error {
        // A reader that went away ends it in silence.
        report::ReportError::Write(error) => error.into(),
        error => Failure::new(Code::Failed, error.to_string()),
    }
}
