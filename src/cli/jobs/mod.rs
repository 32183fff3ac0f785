//! `noctule jobs`: jobs over many CPEs as a list, one of them with its progress, and its devices.

pub(super) mod detail;

use super::Start;
use super::args::JobsArgs;
use super::exit::{Code, Failure};
use super::live::store_options;
use super::query::{self, ask, print};
use crate::model::ids::RowId;
use crate::model::job::{JobDetail, JobId};
use crate::model::page::{Data, DataRequest, Table};
use crate::model::text::clean;
use crate::store::{Reader, Store};
use crate::workers::now;

/// Runs it.
pub(super) fn run(start: &Start, args: &JobsArgs) -> Result<Code, Failure> {
    let Some(text) = &args.job else {
        if args.devices {
            return Err(Failure::usage("--devices needs a job: an id, the beginning of one, or a name"));
        }
        return query::run(start, Table::Jobs, &args.list);
    };
    let loaded = start.load()?;
    let (store, _) = Store::open(&store_options(&loaded, true))?;
    let mut reader = store.reader()?;
    let job = named(&mut reader, text)?;
    if args.devices {
        let row = row_of(&mut reader, job)?;
        return query::run_below(start, Table::JobDevices, &args.list, row);
    }
    if args.list.watch {
        return query::run_narrowed(start, Table::Jobs, &args.list, &format!("id={job}"));
    }
    let row = row_of(&mut reader, job)?;
    let detail = detail_of(&mut reader, row)?;
    let format = ask::format(args.list.format);
    detail::print(&detail, format, print::look(&start.vars), now())?;
    Ok(Code::Done)
}

/// The job that a text means: its id, the beginning of it, or its name.
pub(super) fn named(reader: &mut Reader, text: &str) -> Result<JobId, Failure> {
    let found = reader.jobs_called(text.trim())?;
    let exact = JobId::parse(text).filter(|id| found.iter().any(|(other, _)| other == id));
    match (exact, found.as_slice()) {
        (Some(id), _) => Ok(id),
        (None, [(id, _)]) => Ok(*id),
        (None, []) => {
            Err(Failure::usage(format!("no job is called `{}` (see `noctule jobs --columns id,name`)", clean(text))))
        }
        (None, several) => {
            let ids: Vec<String> = several.iter().take(5).map(|(id, _)| id.to_string()).collect();
            let many = several.len();
            Err(Failure::usage(format!("{many} jobs are called `{}`: {}: give an id", clean(text), ids.join(", "))))
        }
    }
}

/// The row of a job.
pub(super) fn row_of(reader: &mut Reader, job: JobId) -> Result<RowId, Failure> {
    let request = ask::rows(Table::Jobs, Some(&format!("id={job}")), now())?;
    let mut found = None;
    reader.each_row(&request, &mut |row| {
        found = row.row_id();
        std::ops::ControlFlow::Break(())
    })?;
    found.ok_or_else(|| Failure::usage(format!("job {job} is gone")))
}

/// A job with its progress.
pub(super) fn detail_of(reader: &mut Reader, row: RowId) -> Result<Box<JobDetail>, Failure> {
    match reader.data(&DataRequest::Job(row))? {
        Data::Job(Some(detail)) => Ok(detail),
        _ => Err(Failure::usage("the job is gone")),
    }
}
