//! What simulated servers share: loopback listeners, TLS, and the faults that a
//! network has (connections cut, refused, or accepted and never answered).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The switches of one listener.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    cut: Mutex<CancellationToken>,
    hang: AtomicBool,
    refuse: AtomicBool,
    changed: Notify,
}

impl Faults {
    /// What ends the connections that are open now.
    pub(crate) fn token(&self) -> CancellationToken {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cuts every connection that is open now.
    pub(crate) fn drop_connections(&self) {
        let old = std::mem::take(&mut *self.cut.lock().unwrap_or_else(PoisonError::into_inner));
        old.cancel();
    }

    /// New connections are closed at once.
    pub(crate) fn set_refuse(&self, on: bool) {
        self.refuse.store(on, Ordering::SeqCst);
    }

    /// Whether new connections are closed at once.
    pub(crate) fn refuses(&self) -> bool {
        self.refuse.load(Ordering::SeqCst)
    }

    /// Requests are accepted and not answered until this is off.
    pub(crate) fn set_hang(&self, on: bool) {
        self.hang.store(on, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Returns when requests are answered.
    pub(crate) async fn answering(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.hang.load(Ordering::SeqCst) {
                return;
            }
            changed.await;
        }
    }
}

/// A connection that can be cut from outside.
#[derive(Debug)]
pub(crate) struct Severable<T> {
    inner: T,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<T> Severable<T> {
    /// Ties a connection to the present cut switch.
    pub(crate) fn new(inner: T, faults: &Arc<Faults>) -> Self {
        Self { inner, cut: Box::pin(faults.token().cancelled_owned()) }
    }

    fn severed(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by the simulator")),
            Poll::Pending => Ok(()),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Severable<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Err(e) = self.severed(cx) {
            return Poll::Ready(Err(e));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Severable<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Err(e) = self.severed(cx) {
            return Poll::Ready(Err(e));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<T> tonic::transport::server::Connected for Severable<T> {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
