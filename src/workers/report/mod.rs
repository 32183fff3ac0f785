//! The report of a job: what was asked for, what became of it, device by device. Markdown for
//! people, CSV with a line a device, JSON with all of it. No secret is in any of them: where a
//! value is one, the journal does not hold it either.
//!
//! Like every export it goes to a new file with mode 0600 that never replaces one, and what was not
//! finished is removed; `-` is for whoever hands over a writer of their own.

mod data;
mod markdown;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::app::effect::{ReportFormat, ReportRequest};
use crate::model::command::{Outcome, Targets};
use crate::model::job::{JobDetail, JobId};
use crate::model::page::{Data, DataRequest, Table};
use crate::model::text::{clean, counted};
use crate::model::time::Ts;
use crate::store::{self, Reader};

use super::export::{self, ExportError};
use data::Told;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The job is not known.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// The cache cannot be read.
    #[error("cannot read the job: {0}")]
    Read(#[from] store::Error),
    /// What is written to does not take it.
    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),
    /// The file cannot be made.
    #[error(transparent)]
    File(#[from] ExportError),
}

/// All that a report tells of a job.
struct Report {
    detail: JobDetail,
    devices: Vec<Told>,
    now: Ts,
    utc_offset_s: i32,
}

impl Report {
    fn read(reader: &mut Reader, job: JobId, now: Ts, utc_offset_s: i32) -> Result<Self, ReportError> {
        let rows = reader.jobs(&Targets::Names(Table::Jobs, vec![job.to_string()]))?;
        let row = rows.into_iter().find(|row| row.job == job).ok_or(ReportError::NoJob(job))?;
        let Data::Job(Some(detail)) = reader.data(&DataRequest::Job(row.id))? else {
            return Err(ReportError::NoJob(job));
        };
        let whole = reader.job(job)?.ok_or(ReportError::NoJob(job))?;
        let devices = whole.list.iter().zip(&whole.devices).map(|(frozen, device)| Told::new(frozen, device)).collect();
        Ok(Self { detail: *detail, devices, now, utc_offset_s })
    }
}

/// Writes the report of a job; of how many devices it tells.
///
/// # Errors
/// [`ReportError`].
pub fn write(
    reader: &mut Reader,
    job: JobId,
    format: ReportFormat,
    utc_offset_s: i32,
    out: &mut dyn Write,
) -> Result<u64, ReportError> {
    let report = Report::read(reader, job, super::now(), utc_offset_s)?;
    match format {
        ReportFormat::Markdown => out.write_all(markdown::of(&report).as_bytes())?,
        ReportFormat::Csv => data::csv(&report, out)?,
        ReportFormat::Json => data::json(&report, out)?,
    }
    out.flush()?;
    Ok(report.devices.len() as u64)
}

/// Writes the report of a job to a new file; of how many devices it tells.
///
/// # Errors
/// [`ReportError`]. No file is left behind then.
pub fn to_file(reader: &mut Reader, request: &ReportRequest) -> Result<u64, ReportError> {
    let path = PathBuf::from(&request.path);
    let file = export::create(&path)?;
    let mut out = BufWriter::new(file);
    let written = write(reader, request.job, request.format, request.utc_offset_s, &mut out)
        .and_then(|n| Ok(out.get_ref().sync_all().map(|()| n)?));
    if written.is_err()
        && let Err(error) = std::fs::remove_file(&path)
    {
        tracing::warn!(path = %path.display(), %error, "unfinished report could not be removed");
    }
    written
}

/// What came of a report, for the screen.
#[must_use]
pub fn outcome(request: &ReportRequest, result: Result<u64, ReportError>) -> Outcome {
    let command = "job.export".to_owned();
    let path = clean(&request.path).into_owned();
    match result {
        Ok(devices) => Outcome {
            command,
            summary: format!("wrote the report of {} to {path}", counted(devices, "device", "devices")),
            total: 1,
            done: 1,
            ..Outcome::default()
        },
        Err(error) => {
            let why = error.to_string();
            Outcome { command, summary: why.clone(), total: 1, errors: vec![(path, why)], ..Outcome::default() }
        }
    }
}

#[cfg(test)]
mod tests;
