//! Listening, reading requests, writing answers: what both servers share.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Live, alertmanager, api};
use crate::sim::net::Severable;

/// Largest body taken, bytes.
const LARGEST: usize = 64 << 20;

pub(super) type Answer = Response<Full<Bytes>>;

/// A request that was read.
pub(super) struct Asked {
    pub(super) method: Method,
    /// Parts of the path.
    pub(super) path: Vec<String>,
    /// Parameters of address and form.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) json: bool,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Serves one of the two until `stop`.
pub(super) async fn serve(listener: TcpListener, live: Arc<Live>, is_prometheus: bool, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = stream else {
            // Too many open files, say: the listener itself stays good.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        if live.faults.refuses() {
            continue;
        }
        let (live, stop) = (Arc::clone(&live), stop.clone());
        tokio::spawn(async move {
            let io = TokioIo::new(Severable::new(stream, &live.faults));
            let service = service_fn(|request: Request<Incoming>| {
                let live = Arc::clone(&live);
                async move {
                    live.faults.answering().await;
                    Ok::<_, Infallible>(answer(&live, request, is_prometheus).await)
                }
            });
            tokio::select! {
                () = stop.cancelled() => {}
                // The peer sees the end of the connection; there is nobody else to tell.
                _ = http1::Builder::new().serve_connection(io, service) => {}
            }
        });
    }
}

async fn answer(live: &Live, request: Request<Incoming>, is_prometheus: bool) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await.map(http_body_util::Collected::to_bytes) else {
        return text(StatusCode::BAD_REQUEST, "the body broke off");
    };
    let kind = head.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parameters = parsed(head.uri.query().unwrap_or_default());
    if kind.starts_with("application/x-www-form-urlencoded") {
        parameters.extend(parsed(&String::from_utf8_lossy(&body)));
    }
    let asked = Asked {
        path: head.uri.path().split('/').filter(|p| !p.is_empty()).map(decoded).collect(),
        json: kind.starts_with("application/json"),
        method: head.method,
        parameters,
        body,
    };
    if is_prometheus { api::answer(live, &asked) } else { alertmanager::answer(live, &asked) }
}

fn parsed(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|p| !p.is_empty());
    pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).unwrap_or(0);
                out.push((digit() << 4 | digit()) as u8);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        answer.headers_mut().insert(DATE, date);
    }
    answer
}

/// As Go writes it: with a line end.
pub(super) fn json(status: StatusCode, value: &Json) -> Answer {
    reply(status, "application/json", format!("{value}\n"))
}

pub(super) fn text(status: StatusCode, words: &'static str) -> Answer {
    reply(status, "text/plain; charset=utf-8", words)
}

/// A refusal by Alertmanager's own validation.
pub(super) fn invalid(status: StatusCode, code: u32, message: &str) -> Answer {
    json(status, &json!({ "code": code, "message": message }))
}
