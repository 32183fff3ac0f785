//! `noctule agent --metrics ADDR`: what noctule knows of itself and of its sources, for Prometheus.
//!
//! Plain HTTP without a login, so it listens only where it is told to, and answers nothing but
//! `GET /metrics` (and a line at `/`). What is served is read from the cache at each scrape; nothing
//! here asks a controller.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::super::exit::{Code, Failure};
use super::super::health::metrics;
use crate::model::time::Ts;
use crate::store::Store;

/// The media type of the text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time; a scraper needs one.
const AT_ONCE: usize = 16;

/// Listens.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        Failure::new(Code::Failed, format!("metrics cannot be served at {address}: {e}; choose another address"))
    })
}

/// Serves until `stop`.
pub(super) async fn serve(listener: TcpListener, store: Store, since: Ts, stop: CancellationToken) {
    let room = std::sync::Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(permit) = std::sync::Arc::clone(&room).acquire_owned().await else { return };
        let connection = tokio::select! {
            () = stop.cancelled() => return,
            connection = listener.accept() => connection,
        };
        let Ok((stream, _)) = connection else {
            // Out of file descriptors: others close theirs.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let service = service_fn(move |request| answer(request, store.clone(), since));
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                () = stop.cancelled() => {}
                _ = served => {}
            }
        });
    }
}

async fn answer(request: Request<Incoming>, store: Store, since: Ts) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(TEXT_FORMAT));
        response
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return Ok(refused);
    }
    Ok(match request.uri().path() {
        "/metrics" => match tokio::task::spawn_blocking(move || metrics(&store, Some(since))).await {
            Ok(Ok(text)) => plain(StatusCode::OK, text),
            Ok(Err(why)) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the cache could not be read\n".to_owned()),
        },
        "/" => plain(StatusCode::OK, "noctule: metrics are at /metrics\n".to_owned()),
        _ => plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n".to_owned()),
    })
}
