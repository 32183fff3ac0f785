//! How a controller's connection gets to its target: straight, or through an SSH host that reaches
//! what is not published. One line of configuration changes it; no controller knows the difference.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::ssh;
use crate::config::schema::Ssh;

/// The way to a target.
#[derive(Debug, Clone, Default)]
pub enum Route {
    /// Straight from this machine.
    #[default]
    Direct,
    /// Through an SSH host: names, addresses and sockets are the host's.
    Ssh(Arc<ssh::Master>),
}

impl Route {
    /// The way that a configuration names: through its host, or straight.
    #[must_use]
    pub fn of(ssh: Option<&Ssh>) -> Self {
        ssh.map_or(Self::Direct, |ssh| Self::Ssh(ssh::master(ssh)))
    }

    /// Where connections come from, in words (`this machine`, `ssh jump-1`).
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Direct => "this machine".to_owned(),
            Self::Ssh(master) => format!("ssh {}", master.ssh().host),
        }
    }

    /// A TCP connection to a port.
    ///
    /// # Errors
    /// As TCP has them. Through SSH an [`ssh::Error`] is inside, and that the host does not reach the
    /// target may show only at the first read.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<RouteStream> {
        match self {
            Self::Direct => {
                let tcp = TcpStream::connect((host, port)).await?;
                tcp.set_nodelay(true)?;
                Ok(RouteStream::Tcp(tcp))
            }
            Self::Ssh(master) => Ok(RouteStream::Tunnel(master.connect(host, port).await?)),
        }
    }

    /// A connection to a Unix socket.
    ///
    /// # Errors
    /// See [`Route::connect`].
    pub async fn connect_unix(&self, path: &Path) -> io::Result<RouteStream> {
        match self {
            Self::Direct => Ok(RouteStream::Unix(UnixStream::connect(path).await?)),
            Self::Ssh(master) => {
                let path = path.to_str().ok_or_else(|| io::Error::other("the path is no UTF-8"))?;
                Ok(RouteStream::Tunnel(master.connect_unix(path).await?))
            }
        }
    }
}

/// Whether an error of a connection that stood means that the target was never reached: an SSH host
/// tells so only after the connection to itself was made.
pub(in crate::controllers) fn never_reached(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<ssh::Error>)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// A connection, however it was made.
#[derive(Debug)]
pub enum RouteStream {
    /// TCP from this machine.
    Tcp(TcpStream),
    /// A Unix socket of this machine.
    Unix(UnixStream),
    /// Either of them on an SSH host.
    Tunnel(ssh::Tunnel),
}

impl AsyncRead for RouteStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buf),
            Self::Unix(io) => Pin::new(io).poll_read(cx, buf),
            Self::Tunnel(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for RouteStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Unix(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tunnel(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_flush(cx),
            Self::Unix(io) => Pin::new(io).poll_flush(cx),
            Self::Tunnel(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Self::Unix(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tunnel(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
