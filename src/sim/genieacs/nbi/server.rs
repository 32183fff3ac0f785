//! The listeners, and the life of the one NBI worker: it serves, it throws, it takes its time to
//! die, and a new one takes the port.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Nbi, files, route};
use crate::sim::net::{Faults, Severable};

/// Node closes a connection on which nothing was asked for this long.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A worker that threw waits this long for its connections to end.
const DYING: i64 = 20_000;
/// Until the next one listens.
const STARTING: i64 = 2_000;
/// Largest body taken, bytes.
const LARGEST: usize = 512 << 20;

/// The whole body of a request; `None` when it breaks off or is too large.
pub(super) async fn whole_body(mut body: Incoming) -> Option<Bytes> {
    let mut out = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            out.extend_from_slice(&data);
        }
        if out.len() > LARGEST {
            return None;
        }
    }
    Some(out.freeze())
}

/// Serves the interface until `stop`.
pub(crate) async fn serve(listener: TcpListener, nbi: Arc<Nbi>, stop: CancellationToken) {
    let Ok(address) = listener.local_addr() else { return };
    let mut listener = Some(listener);
    while let Some(taken) = take(listener.take(), address, &nbi, &stop).await {
        let life = Life::default();
        tokio::select! {
            () = stop.cancelled() => return life.exit.cancel(),
            () = nbi.thrown.notified() => {}
            () = accept(taken, &nbi, &life) => {}
        }
        // The listener is closed by now. Idle connections end at once, those with a request when the
        // caller gives up or the worker is ended.
        life.threw.cancel();
        let mut left = life.open.subscribe();
        tokio::select! {
            () = stop.cancelled() => return life.exit.cancel(),
            () = tokio::time::sleep(nbi.live.real(DYING)) => {}
            _ = left.wait_for(|n| *n == 0) => {}
        }
        life.exit.cancel();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(nbi.live.real(STARTING)) => {}
        }
    }
}

/// One life of a worker.
#[derive(Debug, Default)]
struct Life {
    threw: CancellationToken,
    exit: CancellationToken,
    /// Open connections.
    open: watch::Sender<usize>,
}

async fn take(
    first: Option<TcpListener>,
    address: SocketAddr,
    nbi: &Nbi,
    stop: &CancellationToken,
) -> Option<TcpListener> {
    if first.is_some() {
        return first;
    }
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(e) => tracing::debug!(error = %e, "the simulated NBI waits for its port"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(nbi.live.real(100).max(Duration::from_millis(5))) => {}
        }
    }
}

async fn accept(listener: TcpListener, nbi: &Arc<Nbi>, life: &Life) {
    while let Some(stream) = accepted(&listener, &nbi.faults).await {
        let (nbi, threw, exit) = (Arc::clone(nbi), life.threw.clone(), life.exit.clone());
        let open = life.open.clone();
        open.send_modify(|n| *n += 1);
        tokio::spawn(async move {
            tokio::select! {
                () = exit.cancelled() => {}
                // The peer sees the end of the connection; there is nobody else to tell.
                _ = connection(stream, &nbi, &threw) => {}
            }
            open.send_modify(|n| *n = n.saturating_sub(1));
        });
    }
}

async fn accepted(listener: &TcpListener, faults: &Faults) -> Option<TcpStream> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if !faults.refuses() => return Some(stream),
            Ok(_) => {}
            // Too many open files, say: the listener itself stays good.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, nbi: &Arc<Nbi>, threw: &CancellationToken) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let io = TokioIo::new(Severable::new(stream, &nbi.faults));
    let service = service_fn(|request: Request<Incoming>| {
        let (nbi, threw) = (Arc::clone(nbi), threw.clone());
        async move {
            nbi.faults.answering().await;
            if threw.is_cancelled() {
                std::future::pending::<()>().await;
            }
            match route::answer(&nbi, request).await {
                Ok(answer) => Ok::<_, Infallible>(answer),
                Err(crash) => {
                    nbi.throw(crash.0);
                    std::future::pending().await
                }
            }
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(KEEP_ALIVE);
    let mut connection = pin!(http.serve_connection(io, service));
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(io::Error::other),
        () = threw.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(io::Error::other)
}

/// Serves files until `stop`; this server has no way to die.
pub(crate) async fn serve_files(listener: TcpListener, nbi: Arc<Nbi>, stop: CancellationToken) {
    while let Some(Some(stream)) = tokio::select! {
        () = stop.cancelled() => None,
        stream = accepted(&listener, &nbi.faults) => Some(stream),
    } {
        let (nbi, stop) = (Arc::clone(&nbi), stop.clone());
        tokio::spawn(async move {
            let io = TokioIo::new(Severable::new(stream, &nbi.faults));
            let service = service_fn(|request: Request<Incoming>| {
                let nbi = Arc::clone(&nbi);
                async move { Ok::<_, Infallible>(files::answer(&nbi, &request)) }
            });
            tokio::select! {
                () = stop.cancelled() => {}
                _ = http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(KEEP_ALIVE).serve_connection(io, service) => {}
            }
        });
    }
}
