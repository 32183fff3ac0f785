//! Both services of an appliance over HTTP/1.1, with the manners of Go's server: a body of more than
//! 2048 bytes comes in chunks, errors are plain text.

mod buffer;
mod collectors;
mod config;
pub(crate) mod go;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::{self, Pair};
use super::world::Appliance;
use crate::config::schema::ServicePort;
use crate::sim::net::{Faults, Severable};

/// The most that is read of a request, bytes.
const LARGEST: usize = 8 << 20;
/// From here on Go's server does not know the length beforehand.
const UNKNOWN_LENGTH: usize = 2048;

/// An appliance whose clock runs, or is moved by whoever waits for it.
#[derive(Debug)]
pub(crate) struct Live {
    appliance: Mutex<Appliance>,
    anchor: i64,
    started: Instant,
    speed: f64,
    stepped: bool,
    pub(crate) buffer: Arc<Faults>,
    pub(crate) config: Arc<Faults>,
    ports: Mutex<Vec<Pair>>,
}

impl Live {
    pub(crate) fn new(appliance: Appliance, speed: f64, stepped: bool, ports: Mutex<Vec<Pair>>) -> Self {
        let anchor = appliance.now();
        Self {
            appliance: Mutex::new(appliance),
            anchor,
            started: Instant::now(),
            speed,
            stepped,
            buffer: Arc::default(),
            config: Arc::default(),
            ports,
        }
    }

    /// Each service and its ports.
    pub(crate) fn ports(&self) -> Vec<(&'static str, ServicePort)> {
        ports::settings(&self.ports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ports follow their collectors.
    pub(crate) fn follow(&self) {
        let mut pairs = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.is_empty() {
            return;
        }
        ports::follow(&mut pairs, &self.appliance());
    }

    /// The appliance as of now.
    pub(crate) fn appliance(&self) -> MutexGuard<'_, Appliance> {
        let mut appliance = self.appliance.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.stepped {
            appliance.advance(self.anchor + (self.started.elapsed().as_micros() as f64 * self.speed) as i64);
        }
        appliance
    }

    /// Lets virtual µs pass at once.
    pub(crate) fn advance(&self, us: i64) {
        let mut appliance = self.appliance();
        let to = appliance.now() + us.max(0);
        appliance.advance(to);
    }

    /// Waits for virtual µs. A stepped clock is moved by that, so nobody really waits.
    async fn pass(&self, us: i64) {
        if us <= 0 {
        } else if self.stepped {
            self.advance(us);
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_micros((us as f64 / self.speed) as u64)).await;
        }
    }

    /// Waits until no probe of the uplink holds the lock.
    async fn thaw(&self) {
        loop {
            let wait = {
                let appliance = self.appliance();
                appliance.monitor.frozen_until().map(|until| until - appliance.now() + 1)
            };
            match wait {
                // While an operator holds the probe, time is his.
                Some(us) => self.pass(us).await,
                None => return,
            }
        }
    }
}

/// What a client asks.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: http::HeaderMap,
    /// `None`: it was too large.
    pub(crate) body: Option<Bytes>,
}

/// What a service answers.
#[derive(Debug)]
pub(crate) struct Told {
    status: StatusCode,
    kind: Option<&'static str>,
    body: String,
    location: Option<String>,
    close: bool,
}

impl Told {
    /// JSON, with a new line behind it as the encoder writes it.
    fn json(body: impl Into<String>) -> Self {
        let mut body = body.into();
        if !body.is_empty() && !body.ends_with('\n') {
            body.push('\n');
        }
        Self { status: StatusCode::OK, kind: Some("application/json"), body, location: None, close: false }
    }

    /// JSON that was written by hand, without a new line.
    fn literal(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::json("") }
    }

    /// An error, in plain text.
    fn error(status: StatusCode, words: impl std::fmt::Display) -> Self {
        let body = format!("{words}\n");
        Self { status, kind: Some("text/plain; charset=utf-8"), body, location: None, close: false }
    }

    fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "404 page not found")
    }

    /// A status and nothing else.
    const fn bare(status: StatusCode) -> Self {
        Self { status, kind: None, body: String::new(), location: None, close: false }
    }

    /// The router sends paths with doubled slashes elsewhere.
    fn moved(path: &str) -> Option<Self> {
        if !path.contains("//") {
            return None;
        }
        let mut clean = path.to_owned();
        while clean.contains("//") {
            clean = clean.replace("//", "/");
        }
        Some(Self { location: Some(clean), ..Self::bare(StatusCode::MOVED_PERMANENTLY) })
    }

    fn response(self, open: bool, head: bool) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let Self { status, kind, body, location, close } = self;
        let bytes = Bytes::from(body);
        let body = if bytes.len() > UNKNOWN_LENGTH && !head {
            let frames = futures_util::stream::iter([Ok::<_, Infallible>(Frame::data(bytes))]);
            StreamBody::new(frames).boxed_unsync()
        } else {
            Full::new(bytes).boxed_unsync()
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if open {
            headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
        }
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if kind.starts_with("text/plain") {
                headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
            }
        }
        if let Some(location) = location.and_then(|l| HeaderValue::from_str(&l).ok()) {
            headers.insert(LOCATION, location);
        }
        if close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Which of the servers of an appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Buffer,
    Config,
    Collectors,
}

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, live: Arc<Live>, which: Which, stop: CancellationToken) {
    let faults = Arc::clone(if which == Which::Buffer { &live.buffer } else { &live.config });
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Too many open files, say: the listener itself stays good.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if faults.refuses() || (which == Which::Buffer && !live.appliance().alive) || stream.set_nodelay(true).is_err()
        {
            continue;
        }
        let (live, faults, stop) = (Arc::clone(&live), Arc::clone(&faults), stop.clone());
        tokio::spawn(async move {
            let io = TokioIo::new(Severable::new(stream, &faults));
            let service = service_fn(|request| {
                let (live, faults) = (Arc::clone(&live), Arc::clone(&faults));
                async move { Ok::<_, Infallible>(answer(&live, &faults, which, request, peer).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).title_case_headers(true).max_buf_size(64 << 10);
            tokio::select! {
                () = stop.cancelled() => {}
                // The peer sees the end of the connection; there is nobody else to tell.
                _ = http.serve_connection(io, service) => {}
            }
        });
    }
}

async fn answer(
    live: &Live,
    faults: &Faults,
    which: Which,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    faults.answering().await;
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.ok().map(http_body_util::Collected::to_bytes);
    let path = head.uri.path().to_owned();
    let asked = Asked { method: head.method, path, headers: head.headers, body };
    let told = match which {
        Which::Buffer => {
            let takes = live.appliance().takes(&asked.path);
            live.pass(takes).await;
            if buffer::freezes(&asked.path) {
                live.thaw().await;
            }
            buffer::answer(&mut live.appliance(), &asked, peer)
        }
        Which::Config => {
            let takes = config::takes(&live.appliance(), &asked);
            live.pass(takes).await;
            let told = config::answer(&mut live.appliance(), &asked);
            if asked.method == Method::POST {
                live.follow();
            }
            told
        }
        Which::Collectors => collectors::answer(&live.appliance(), &asked),
    };
    told.response(which == Which::Config, asked.method == Method::HEAD)
}
