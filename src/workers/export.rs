//! Writes the rows of a list to a file: streamed from the cache, never held in memory.
//!
//! The file is made new with mode 0600 (rows name subscribers) and never overwrites one; a file
//! that was not finished is removed. Formats and what is done to text: [`super::rows`].

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::app::effect::ExportRequest;
use crate::model::command::Outcome;
use crate::model::field::{FieldSpec, Record};
use crate::model::ids::RowId;
use crate::model::page::{Data, DataRequest, Total};
use crate::model::tables;
use crate::store::{self, Reader};

use super::rows::RowWriter;
use crate::model::text::counted;

/// Where counting ends: far above what any cache holds.
const COUNTED: u64 = 1 << 40;
/// Rows between two reports of progress.
const STEP: u64 = 10_000;

/// Why rows were not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is a file already.
    #[error("{0} exists already: choose another name, it is not overwritten")]
    Exists(PathBuf),
    /// The file cannot be made or written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// The rows cannot be read.
    #[error("cannot read the rows: {0}")]
    Read(#[from] store::Error),
    /// The operator stopped it.
    #[error("stopped; the unfinished file was removed")]
    Stopped,
}

/// Exports rows; how many were written.
///
/// # Errors
/// [`ExportError`]. No file is left behind then.
pub fn export(
    reader: &mut Reader,
    request: &ExportRequest,
    stop: &CancellationToken,
    progress: &dyn Fn(u64, u64),
) -> Result<u64, ExportError> {
    let path = PathBuf::from(&request.path);
    let file = create(&path)?;
    let written = write(reader, request, file, stop, progress).map_err(|error| match error {
        Failed::Write(reason) => ExportError::Write { path: path.clone(), reason },
        Failed::Read(error) => ExportError::Read(error),
        Failed::Stopped => ExportError::Stopped,
    });
    if written.is_err()
        && let Err(error) = std::fs::remove_file(&path)
    {
        tracing::warn!(path = %path.display(), %error, "unfinished export could not be removed");
    }
    written
}

/// The outcome of an export, for the screen.
#[must_use]
pub fn outcome(request: &ExportRequest, result: Result<u64, ExportError>) -> Outcome {
    let command = "export".to_owned();
    match result {
        Ok(rows) => Outcome {
            command,
            summary: format!("wrote {} to {}", counted(rows, "row", "rows"), request.path),
            total: rows,
            done: rows,
            ..Outcome::default()
        },
        Err(error) => {
            let why = error.to_string();
            Outcome {
                command,
                summary: why.clone(),
                total: 1,
                errors: vec![(request.path.clone(), why)],
                ..Outcome::default()
            }
        }
    }
}

pub(super) fn create(path: &Path) -> Result<File, ExportError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|reason| match reason.kind() {
        io::ErrorKind::AlreadyExists => ExportError::Exists(path.to_owned()),
        _ => ExportError::Write { path: path.to_owned(), reason },
    })
}

enum Failed {
    Write(io::Error),
    Read(store::Error),
    Stopped,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

fn write(
    reader: &mut Reader,
    request: &ExportRequest,
    file: File,
    stop: &CancellationToken,
    progress: &dyn Fn(u64, u64),
) -> Result<u64, Failed> {
    let only: HashSet<RowId> = request.only.iter().copied().collect();
    let except: HashSet<RowId> = request.except.iter().copied().collect();
    let wanted = |row: &dyn Record| {
        row.row_id().is_none_or(|id| (only.is_empty() || only.contains(&id)) && !except.contains(&id))
    };
    let total = total(reader, request).map_err(Failed::Read)?;
    let mut rows = RowWriter::begin(BufWriter::with_capacity(1 << 16, file), request.format, fields(request))?;
    let (mut seen, mut failed) = (0, None);
    let read = reader.each_row(&request.rows, &mut |row| {
        seen += 1;
        if seen % STEP == 0 {
            progress(seen, total.max(seen));
        }
        if stop.is_cancelled() {
            failed = Some(Failed::Stopped);
        } else if wanted(row)
            && let Err(error) = rows.row(row)
        {
            failed = Some(error.into());
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(failed) = failed {
        return Err(failed);
    }
    read.map_err(Failed::Read)?;
    let written = rows.rows();
    let mut file = rows.end()?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(written)
}

/// How many rows will be looked at, for the progress bar.
fn total(reader: &mut Reader, request: &ExportRequest) -> Result<u64, store::Error> {
    match reader.data(&DataRequest::Count(request.rows.clone(), COUNTED))? {
        Data::Count(Total::Exact(n) | Total::AtLeast(n)) => Ok(n),
        _ => Ok(0),
    }
}

/// The fields asked for, all of the table when none is.
fn fields(request: &ExportRequest) -> Vec<&'static FieldSpec> {
    let table = tables::spec(request.rows.table);
    if request.fields.is_empty() {
        return table.fields.iter().collect();
    }
    request.fields.iter().filter_map(|name| table.field(name)).collect()
}
