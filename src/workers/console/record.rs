//! A recording of what a console shows, in a file that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Instant;

use crate::app::effect::RecordIn;
use crate::engine::emulator::cast::{Header, Recorder};
use crate::engine::emulator::redact::Redactor;
use crate::model::text::clean;
use crate::model::time::SECOND;
use crate::workers::now;

/// A recording that runs.
#[derive(Debug)]
pub(super) struct Recording {
    path: String,
    file: File,
    recorder: Recorder,
    began: Instant,
    /// Lines that were not written yet.
    lines: String,
}

/// Bytes of lines that are gathered before they are written.
const GATHER: usize = 16 * 1024;

impl Recording {
    /// Begins one; an existing file is not overwritten.
    pub(super) fn begin(wanted: &RecordIn, title: &str, (columns, rows): (u16, u16)) -> Result<Self, String> {
        let path = wanted.file.as_str();
        let redactor = if wanted.redact { Some(Redactor::usual().map_err(|e| e.to_string())?) } else { None };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|e| format!("nothing is recorded in {}: {e}", clean(path)))?;
        let header =
            Header { columns, rows, began: now().0 / SECOND, title: clean(title).into_owned(), redaction: None };
        let (recorder, lines) = Recorder::begin(header, redactor);
        let mut recording = Self { path: path.to_owned(), file, recorder, began: Instant::now(), lines };
        recording.write()?;
        Ok(recording)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Output of the guest.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.recorder.output(self.began.elapsed(), bytes, &mut self.lines);
        if self.lines.len() >= GATHER { self.write() } else { Ok(()) }
    }

    /// Writes what was gathered: a frame of the screen is over.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        if self.lines.is_empty() { Ok(()) } else { self.write() }
    }

    /// Another size.
    pub(super) fn resized(&mut self, rows: u16, columns: u16) {
        self.recorder.resized(self.began.elapsed(), rows, columns, &mut self.lines);
    }

    /// Ends it: all of it is in the file.
    pub(super) fn finish(mut self) -> Result<(), String> {
        self.recorder.settle(self.began.elapsed(), &mut self.lines);
        self.write()
    }

    fn write(&mut self) -> Result<(), String> {
        let written = self.file.write_all(self.lines.as_bytes());
        self.lines.clear();
        written.map_err(|e| format!("the recording in {} ended: {e}", clean(&self.path)))
    }
}

impl Drop for Recording {
    /// However the console ends, what was shown is in the file.
    fn drop(&mut self) {
        self.recorder.settle(self.began.elapsed(), &mut self.lines);
        let _ = self.write();
    }
}
