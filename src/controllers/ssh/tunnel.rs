//! A connection through a forward. `ssh` accepts it before the host has reached the target, so that
//! a dead target looks like one that closes at once; what the master says beside it tells them apart.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::Sleep;

use super::error::Error;
use super::log::Log;

/// How long the master's words may come after the end of the connection.
const GRACE: Duration = Duration::from_millis(60);

/// A connection to a target behind an SSH host.
#[derive(Debug)]
pub struct Tunnel {
    stream: UnixStream,
    host: String,
    target: String,
    log: Arc<Log>,
    /// Lines that the master had said before.
    mark: u64,
    /// Something was read: the target is there.
    alive: bool,
    grace: Option<Pin<Box<Sleep>>>,
}

impl Tunnel {
    pub(super) const fn new(stream: UnixStream, host: String, target: String, log: Arc<Log>, mark: u64) -> Self {
        Self { stream, host, target, log, mark, alive: false, grace: None }
    }

    /// Why the host did not open the connection, when that is so.
    fn refusal(&self) -> Option<io::Error> {
        if self.alive {
            return None;
        }
        let why = self.log.refusal(self.mark, &self.target)?;
        Some(Error { host: self.host.clone(), why }.into())
    }

    /// An end or error before anything was read is explained by the master's words, which may come a
    /// moment later.
    fn explained<T>(&mut self, cx: &mut Context<'_>, told: io::Result<T>) -> Poll<io::Result<T>> {
        if self.alive {
            return Poll::Ready(told);
        }
        if self.refusal().is_none() {
            let grace = self.grace.get_or_insert_with(|| Box::pin(tokio::time::sleep(GRACE)));
            ready!(grace.as_mut().poll(cx));
        }
        Poll::Ready(self.refusal().map_or(told, Err))
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let told = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        if told.is_ok() && (buf.filled().len() > before || buf.capacity() == before) {
            this.alive |= buf.filled().len() > before;
            return Poll::Ready(Ok(()));
        }
        this.explained(cx, told)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.stream).poll_write(cx, bytes)) {
            Ok(n) => Poll::Ready(Ok(n)),
            Err(e) => this.explained(cx, Err(e)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Why a connection that was taken apart had not been opened.
#[derive(Debug)]
pub struct Words {
    host: String,
    target: String,
    log: Arc<Log>,
    mark: u64,
}

impl Words {
    /// Why the host did not open the connection, when that is so; waits a moment for its words.
    pub async fn why(&self) -> Option<Error> {
        tokio::time::sleep(GRACE).await;
        let why = self.log.refusal(self.mark, &self.target)?;
        Some(Error { host: self.host.clone(), why })
    }
}

impl Tunnel {
    /// The bare stream, for libraries that want one, and what explains its end.
    #[must_use]
    pub fn into_stream(self) -> (UnixStream, Words) {
        let Self { stream, host, target, log, mark, .. } = self;
        (stream, Words { host, target, log, mark })
    }
}
