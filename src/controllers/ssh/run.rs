//! Programs on the other side, and `ssh` itself on this one: bounded in time and in what they may
//! say.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::log::Log;

/// What a remote program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None`: a signal ended it.
    pub status: Option<i32>,
    /// Standard output, at most [`Output::MOST`] bytes.
    pub stdout: Vec<u8>,
    /// Standard error, at most [`Output::MOST_STDERR`] bytes.
    pub stderr: Vec<u8>,
    /// There was more than that.
    pub cut: bool,
}

impl Output {
    /// The most bytes kept of standard output.
    pub const MOST: usize = 8 << 20;
    /// The most bytes kept of standard error.
    pub const MOST_STDERR: usize = 64 << 10;

    /// Standard error as text.
    #[must_use]
    pub fn words(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Why there is no output.
#[derive(Debug)]
pub(super) enum NoOutput {
    /// It did not start, or could not be read.
    Io(io::Error),
    /// It did not end in time, and was ended.
    TimedOut,
}

/// A command of `ssh`: without standard input, without anything that asks.
pub(super) fn ssh(program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(program);
    // Jump hosts are reached by another `ssh`, which does not know of our batch mode: what it would
    // ask goes to a program that answers nothing instead of the terminal that we draw on.
    command.env("SSH_ASKPASS_REQUIRE", "force").env("SSH_ASKPASS", "false");
    // Words are told apart by their text, which must not be translated.
    command.env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // A Ctrl-C at our terminal is ours alone.
    command.process_group(0);
    command
}

/// Runs a command to its end, at most so long.
pub(super) async fn output(mut command: Command, limit: Duration) -> Result<Output, NoOutput> {
    let mut child = command.kill_on_drop(true).spawn().map_err(NoOutput::Io)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (out, err) = tokio::try_join!(bounded(stdout, Output::MOST), bounded(stderr, Output::MOST_STDERR))?;
        let status = child.wait().await?;
        Ok::<_, io::Error>(Output { status: status.code(), cut: out.1 || err.1, stdout: out.0, stderr: err.0 })
    };
    if let Ok(told) = tokio::time::timeout(limit, work).await {
        return told.map_err(NoOutput::Io);
    }
    let _ = child.kill().await;
    Err(NoOutput::TimedOut)
}

/// Reads to the end, keeps the beginning, and tells whether there was more.
async fn bounded(stream: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let Some(mut stream) = stream else { return Ok((Vec::new(), false)) };
    let mut kept = Vec::new();
    (&mut stream).take(most as u64).read_to_end(&mut kept).await?;
    let more = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok((kept, more > 0))
}

/// Standard input and output of a remote program, as one stream. Dropping it ends the local `ssh`,
/// and with it the channel.
#[derive(Debug)]
pub struct RemoteStream {
    /// Ended on drop.
    _child: Child,
    /// Gone once it was shut down: that is how the program sees its end.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    log: Arc<Log>,
}

impl RemoteStream {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let log = Arc::new(Log::default());
        let kept = Arc::clone(&log);
        tokio::spawn(async move { kept.follow(stderr).await });
        Ok(Self { _child: child, stdin, stdout, log })
    }

    /// What the program, or `ssh`, said on standard error so far: the last lines.
    #[must_use]
    pub fn words(&self) -> String {
        self.log.text()
    }
}

impl AsyncRead for RemoteStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for RemoteStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stdin {
            Some(stdin) => Pin::new(stdin).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stdin.as_mut().map_or(Poll::Ready(Ok(())), |stdin| Pin::new(stdin).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stdin = None;
        Poll::Ready(Ok(()))
    }
}
