//! What noctule tells about itself: a log file for its makers, and the folder for crash files.
//!
//! The log pane is not made from this: it shows the journal. The file is for what goes wrong
//! below that, and is readable by its owner only.

mod rolling;

use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use rolling::Rolling;

/// What is logged when nobody says otherwise: our own news, and of libraries only what is wrong.
const DEFAULT: &str = "warn,noctule=info";
/// Bytes after which a new file is begun.
const MAX_BYTES: u64 = 8 << 20;
/// How many older files are kept.
const KEEP: usize = 3;

/// Keeps the log running; writes out what is left when it is dropped.
#[derive(Debug)]
#[must_use = "the log stops when the guard is dropped"]
pub struct Guard {
    _worker: WorkerGuard,
    path: PathBuf,
}

impl Guard {
    /// The file being written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why there is no log. Noctule works without one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("log {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The level is none.
    #[error("log level {0:?}: error, warn, info, debug or off, or tracing directives such as noctule::store=debug")]
    Level(String),
    /// There is one already in this process.
    #[error("the log is running already")]
    Twice,
}

/// Lines that may wait for the disk. Their places are made at the start, before the first frame.
const LINES: usize = 8_192;

/// Begins the log `noctule.log` in the folder `state`. `level` is a word (`debug`) or tracing
/// directives (`noctule::store=debug,tonic=info`). What is below debug is left out of a release build.
///
/// # Errors
/// When the level cannot be read, or the file not be written.
pub fn init(state: &Path, level: Option<&str>) -> Result<Guard, Error> {
    let filter = filter(level)?;
    let path = state.join("noctule.log");
    let file = Rolling::open(path.clone(), MAX_BYTES, KEEP).map_err(|cause| Error::Io { path: path.clone(), cause })?;
    // Lossy: a full disk or a hanging file system must never hold up a worker.
    let (writer, worker) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES)
        .finish(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer)
        .try_init()
        .map_err(|_| Error::Twice)?;
    Ok(Guard { _worker: worker, path })
}

/// A plain word concerns noctule; libraries stay at warnings unless they are named.
fn filter(level: Option<&str>) -> Result<EnvFilter, Error> {
    let text = match level.map(str::trim) {
        None | Some("") => DEFAULT.to_owned(),
        Some(word) if word.chars().all(|c| c.is_ascii_alphabetic()) => {
            let known = ["error", "warn", "info", "debug", "off"];
            if !known.iter().any(|k| k.eq_ignore_ascii_case(word)) {
                return Err(Error::Level(word.to_owned()));
            }
            format!("warn,noctule={}", word.to_ascii_lowercase())
        }
        Some(directives) => directives.to_owned(),
    };
    EnvFilter::builder().parse(&text).map_err(|_| Error::Level(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_or_directives() {
        for good in [None, Some("debug"), Some("OFF"), Some("noctule::store=debug,tonic=info")] {
            assert!(filter(good).is_ok(), "{good:?}");
        }
        for bad in ["loud", "noctule=loud"] {
            assert!(matches!(filter(Some(bad)), Err(Error::Level(_))), "{bad}");
        }
    }
}
