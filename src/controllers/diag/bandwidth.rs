//! How much an HTTP server sends or takes: bytes of bodies, counted and dropped.
//!
//! **Why not `controllers::http`.** Its pool hides what is measured here: each stream has a
//! connection of its own, kept for all its requests, whose handshakes are timed one by one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::{DiagError, Events, Found, micros, resolve};
use crate::config::schema::Tls;
use crate::controllers::tls;
use crate::model::diag::{
    BandwidthOutcome, BandwidthRequest, BandwidthSample, DiagData, DiagEvent, Direction, HttpUrl,
};
use crate::model::text::clean;

/// Redirections followed.
const REDIRECTIONS: usize = 5;
/// Bytes of one upload; then the next request.
const UPLOAD: u64 = 32 << 20;
/// Bytes of a piece of an upload.
const PIECE: usize = 64 << 10;
/// Requests a stream makes at the most: files so small that they need more measure the server's
/// patience, not the link.
const REQUESTS: u32 = 2_000;

/// Measures.
pub(super) async fn run(
    request: &BandwidthRequest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Found, DiagError> {
    let settings = Tls { ca: request.ca.clone(), ..Tls::default() };
    let secure = request.url.secure || request.ca.is_some();
    let tls = if secure { Some(secured(settings).await?) } else { None };
    let mut plan = Plan {
        url: request.url.clone(),
        address: resolve(&request.url.host, request.url.port, request.family, cancel).await?,
        tls,
        limit: request.timeout,
        direction: request.direction,
        piece: piece(),
        counted: Arc::new(Counted::default()),
    };
    events.tell(DiagEvent::Started { address: Some(plan.address.ip()), socket: None });
    let mut outcome = BandwidthOutcome::default();
    let first = tokio::select! {
        () = cancel.cancelled() => None,
        first = first(&mut plan, request, &mut outcome, events, cancel) => first?,
    };
    let address = plan.address.ip();
    outcome.url = plan.url.to_string();
    if let Some(stream) = first {
        measure(Arc::new(plan), stream, request, &mut outcome, events, cancel).await;
    }
    Ok((Some(address), DiagData::Bandwidth(outcome)))
}

/// TLS of these settings. The system's store is many files, and reading it holds its thread up.
async fn secured(settings: Tls) -> Result<Arc<ClientConfig>, DiagError> {
    let read = tokio::task::spawn_blocking(move || tls::for_stream(&settings)).await;
    let config = read.map_err(|e| DiagError::Tls(e.to_string()))?.map_err(DiagError::Tls)?;
    Ok(Arc::new(config))
}

/// What all streams count into.
#[derive(Debug, Default)]
struct Counted {
    bytes: AtomicU64,
    requests: AtomicU32,
    status: AtomicU32,
}

/// Where the bytes come from or go.
struct Plan {
    url: HttpUrl,
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    limit: Duration,
    direction: Direction,
    piece: Bytes,
    counted: Arc<Counted>,
}

/// A connection, and of a download the answer whose body comes first.
struct Stream {
    sender: SendRequest<Flood>,
    answer: Option<Response<Incoming>>,
    /// Drives the connection; ends with the stream.
    _driver: Driver,
}

struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The first stream: follows redirections, and sees whether the server gives or takes at all.
async fn first(
    plan: &mut Plan,
    request: &BandwidthRequest,
    outcome: &mut BandwidthOutcome,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Option<Stream>, DiagError> {
    for _ in 0..=REDIRECTIONS {
        let (mut stream, connect_us, tls_us) = match connect(plan).await {
            Ok(connected) => connected,
            Err(why) => {
                outcome.unreachable = true;
                outcome.errors.push(why);
                return Ok(None);
            }
        };
        (outcome.connect_us, outcome.tls_us) = (Some(connect_us), tls_us);
        events.tell(DiagEvent::Connected { stream: 0, connect_us, tls_us });
        if plan.direction == Direction::Upload {
            return Ok(Some(stream));
        }
        let asked = Instant::now();
        let answer = match ask(plan, &mut stream.sender).await {
            Ok(answer) => answer,
            Err(why) => {
                outcome.errors.push(why);
                return Ok(None);
            }
        };
        outcome.first_byte_us = Some(micros(asked));
        outcome.status = answer.status().as_u16();
        if answer.status().is_redirection() {
            let location = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok()).unwrap_or_default();
            match plan.url.join(location) {
                Ok(url) => plan.url = url,
                Err(e) => {
                    outcome.errors.push(format!("HTTP {} leads nowhere: {e}", outcome.status));
                    return Ok(None);
                }
            }
            if plan.url.secure && plan.tls.is_none() {
                plan.tls = Some(secured(Tls::default()).await?);
            }
            plan.address = resolve(&plan.url.host, plan.url.port, request.family, cancel).await?;
            continue;
        }
        if !answer.status().is_success() {
            outcome.errors.push(refusal(answer.status()));
            return Ok(None);
        }
        stream.answer = Some(answer);
        return Ok(Some(stream));
    }
    outcome.errors.push(format!("more than {REDIRECTIONS} redirections, the last to {}", plan.url));
    Ok(None)
}

fn refusal(status: http::StatusCode) -> String {
    format!("HTTP {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}

/// Connects; how long that took, and how long the handshake of TLS, µs.
async fn connect(plan: &Plan) -> Result<(Stream, u64, Option<u64>), String> {
    let connecting = async {
        let began = Instant::now();
        let tcp = TcpStream::connect(plan.address).await.map_err(|e| format!("{}: {e}", plan.address))?;
        let connect_us = micros(began);
        let _ = tcp.set_nodelay(true);
        let Some(config) = plan.tls.as_ref().filter(|_| plan.url.secure) else {
            return Ok((drive(tcp).await?, connect_us, None));
        };
        let host = plan.url.host.as_str();
        let name = ServerName::try_from(host.to_owned()).map_err(|e| format!("{host}: {e}"))?;
        let began = Instant::now();
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await;
        let stream = stream.map_err(|e| format!("TLS with {host}: {}", clean(&e.to_string())))?;
        let tls_us = micros(began);
        Ok((drive(stream).await?, connect_us, Some(tls_us)))
    };
    let late = || Err(format!("{}: no connection within {:?}", plan.address, plan.limit));
    timeout(plan.limit, connecting).await.unwrap_or_else(|_| late())
}

async fn drive(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Stream, String> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(|e| e.to_string())?;
    let driver = tokio::spawn(async move {
        // How it ends is told to whoever waits for an answer or a body.
        let _ = connection.await;
    });
    Ok(Stream { sender, answer: None, _driver: Driver(driver.abort_handle()) })
}

/// Sends a request and waits for the head of its answer: of an upload, until it is taken.
async fn ask(plan: &Plan, sender: &mut SendRequest<Flood>) -> Result<Response<Incoming>, String> {
    let body = match plan.direction {
        Direction::Download => Flood::empty(),
        Direction::Upload => {
            Flood { piece: plan.piece.clone(), left: UPLOAD, counted: Some(Arc::clone(&plan.counted)) }
        }
    };
    let method = if plan.direction == Direction::Download { Method::GET } else { Method::POST };
    let request = Request::builder()
        .method(method)
        .uri(plan.url.path.as_str())
        .header(HOST, plan.url.authority())
        .header(USER_AGENT, concat!("noctule/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT_ENCODING, "identity")
        .header(CONTENT_TYPE, "application/octet-stream")
        .body(body)
        .map_err(|e| e.to_string())?;
    plan.counted.requests.fetch_add(1, Ordering::Relaxed);
    let answering = async {
        sender.ready().await?;
        sender.send_request(request).await
    };
    let answer = match plan.direction {
        Direction::Download => timeout(plan.limit, answering)
            .await
            .map_err(|_| format!("no answer to the request within {:?}", plan.limit))?,
        // It comes when the upload is through, which the end of the measurement bounds.
        Direction::Upload => answering.await,
    };
    answer.map_err(|e| format!("the request failed: {}", clean(&words(&e))))
}

/// An error of hyper with its cause, which tells more.
fn words(e: &hyper::Error) -> String {
    std::error::Error::source(e).map_or_else(|| e.to_string(), |cause| format!("{e}: {cause}"))
}

/// Requests one after the other until it is ended from outside, or something goes wrong.
async fn stream(plan: Arc<Plan>, opened: Option<Stream>) -> Result<(), String> {
    let mut stream = match opened {
        Some(stream) => stream,
        None => connect(&plan).await?.0,
    };
    for _ in 0..REQUESTS {
        let answer = match stream.answer.take() {
            Some(answer) => answer,
            None => ask(&plan, &mut stream.sender).await?,
        };
        let status = answer.status();
        plan.counted.status.store(status.as_u16().into(), Ordering::Relaxed);
        if !status.is_success() {
            return Err(refusal(status));
        }
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| format!("the body broke off: {}", clean(&words(&e))))?;
            if plan.direction == Direction::Download
                && let Some(data) = frame.data_ref()
            {
                plan.counted.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
        }
        // A server may close the connection behind a body; that is no error.
        if stream.sender.ready().await.is_err() {
            stream = connect(&plan).await?.0;
        }
    }
    Err(format!("{REQUESTS} requests were not enough: choose a larger file"))
}

/// Lets the streams run and takes samples.
async fn measure(
    plan: Arc<Plan>,
    opened: Stream,
    request: &BandwidthRequest,
    outcome: &mut BandwidthOutcome,
    events: &Events,
    cancel: &CancellationToken,
) {
    let mut streams = JoinSet::new();
    let mut opened = Some(opened);
    for _ in 0..request.streams {
        streams.spawn(stream(Arc::clone(&plan), opened.take()));
    }
    let counted = &plan.counted;
    let began = Instant::now();
    let (warm, end) = (began + request.warm_up, began + request.warm_up + request.duration);
    let (mut last, mut last_bytes) = (began, 0);
    loop {
        let edge = if last < warm { warm } else { end };
        let next = (last + request.sample).min(edge);
        let stop = tokio::select! {
            () = cancel.cancelled() => true,
            () = sleep_until(next.into()) => false,
            Some(result) = streams.join_next() => {
                if let Ok(Err(why)) = result && !outcome.errors.contains(&why) {
                    outcome.errors.push(why);
                }
                if !streams.is_empty() {
                    continue;
                }
                true
            }
        };
        let now = Instant::now();
        let total = counted.bytes.load(Ordering::Relaxed);
        let length = now.saturating_duration_since(last);
        let sample = BandwidthSample {
            at_us: micros(began),
            length_us: u64::try_from(length.as_micros()).unwrap_or(u64::MAX),
            bytes: total.saturating_sub(last_bytes),
            warm_up: last < warm,
        };
        if sample.length_us > 0 {
            events.tell(DiagEvent::Bandwidth(sample));
            if !sample.warm_up {
                outcome.measured_bytes += sample.bytes;
                outcome.measured_us += sample.length_us;
            }
            outcome.samples.push(sample);
        }
        (last, last_bytes) = (now, total);
        if stop || now >= end {
            break;
        }
    }
    outcome.total_bytes = last_bytes;
    outcome.requests = counted.requests.load(Ordering::Relaxed);
    let status = counted.status.load(Ordering::Relaxed);
    if status != 0 {
        outcome.status = u16::try_from(status).unwrap_or_default();
    }
}

/// Bytes that no link can make smaller.
fn piece() -> Bytes {
    let mut bytes = vec![0; PIECE];
    fastrand::fill(&mut bytes);
    bytes.into()
}

/// The body of an upload; empty for a download. It counts what the connection takes from it, which
/// runs ahead of the wire by what the socket has room for.
struct Flood {
    piece: Bytes,
    left: u64,
    counted: Option<Arc<Counted>>,
}

impl Flood {
    const fn empty() -> Self {
        Self { piece: Bytes::new(), left: 0, counted: None }
    }
}

impl Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let len = self.left.min(self.piece.len() as u64);
        if len == 0 {
            return Poll::Ready(None);
        }
        self.left -= len;
        if let Some(counted) = &self.counted {
            counted.bytes.fetch_add(len, Ordering::Relaxed);
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece.slice(..len as usize)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
