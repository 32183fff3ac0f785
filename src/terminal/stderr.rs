//! Standard error while the screen is up: a library that prints there would draw over the frame,
//! so the file descriptor itself leads into a log file until the screen is left.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A redirection of file descriptor 2.
#[derive(Debug)]
pub(super) struct Redirect {
    log: OwnedFd,
    terminal: OwnedFd,
}

impl Redirect {
    /// Opens the log (appending, mode 0600) and leads standard error there.
    pub(super) fn start(log: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(log)?;
        let terminal = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
        let redirect = Self { log: file.into(), terminal };
        redirect.away()?;
        Ok(redirect)
    }

    /// To the log.
    pub(super) fn away(&self) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stderr(&self.log)?)
    }

    /// Back to where it led.
    pub(super) fn back(&self) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stderr(&self.terminal)?)
    }
}
