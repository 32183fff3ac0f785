//! One call: sending, waiting, judging what "no answer" means, repeating where that is harmless.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::Client;
use crate::controllers::failed::Call;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::validate::{MAX_URL, Refusal};
use crate::controllers::http::{Body, NoAnswer, Server, reason};
use crate::controllers::resilience::call_pauses;

/// The longest answer that is no list.
const MAX_BODY: usize = 32 << 20;
/// The longest words of a refusal that are read.
const MAX_WORDS: usize = 4096;

/// A request that can be made as often as needed.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Body,
    pub(super) limit: Duration,
    pub(super) call: &'a Call,
}

/// The head of an answer.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) reason: String,
    pub(super) response: Response<Incoming>,
}

impl Client {
    /// Sends a request once. An answer of any status is an answer.
    pub(super) async fn once(&self, server: &Server, sent: Sent<'_>) -> Result<Head, Error> {
        let Sent { method, target, headers, body, limit, call } = sent;
        if target.len() > MAX_URL {
            let why = format!("the question has {} characters, more than the server reads: ask for less", target.len());
            return Err(call.error(Failure::Invalid(Refusal(why))));
        }
        let harmless = matches!(method, Method::GET | Method::HEAD);
        // Connecting has a limit of its own, but only the pool knows when it is over.
        let limit = limit.max(server.connect_limit());
        let Ok(answer) = timeout(limit, server.send(method, &target, headers, body)).await else {
            self.inner.silent.store(true, Ordering::Relaxed);
            let seconds = limit.as_secs();
            return Err(call.error(Failure::Deadline { seconds, perhaps_done: !harmless }));
        };
        match answer {
            Ok(response) => {
                self.inner.silent.store(false, Ordering::Relaxed);
                Ok(Head { status: response.status(), reason: reason(&response), response })
            }
            Err(NoAnswer::Unsendable(why)) => Err(call.error(Failure::Invalid(Refusal(why)))),
            Err(NoAnswer::NotConnected(e)) => {
                // "No answer, then refused" is a worker on its way back (facts §6).
                if self.inner.silent.load(Ordering::Relaxed) && (refused(&e) || closed(&e)) {
                    return Err(call.error(Failure::WorkerRestarting { perhaps_done: false }));
                }
                Err(call.error(Failure::connection(&e)))
            }
            Err(NoAnswer::Closed(e)) => {
                if let Some(input) = input_fault(&e) {
                    return Err(call.error(Failure::Input(input)));
                }
                self.inner.silent.store(true, Ordering::Relaxed);
                if closed(&e) {
                    return Err(call.error(Failure::WorkerRestarting { perhaps_done: !harmless }));
                }
                let broken = call.error(Failure::connection(&e));
                Err(if harmless { broken } else { call.error(Failure::WorkerRestarting { perhaps_done: true }) })
            }
        }
    }

    /// Repeats a reading call: at once when the connection was unlucky, after pauses when a worker of
    /// the server died.
    pub(super) async fn retried<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut short = call_pauses();
        let mut long = self.inner.patience.restart.iter().copied();
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause = match &error.what {
                Failure::WorkerRestarting { .. } => long.next(),
                Failure::Transport(kind, _) if kind.worth_a_retry() => short.next(),
                _ => None,
            };
            let Some(pause) = pause else { return Err(error) };
            tracing::debug!(source = %self.inner.source, %error, ?pause, "repeated");
            tokio::time::sleep(pause).await;
        }
    }

    /// The body of an answer, when its status is a good one.
    pub(super) async fn body(&self, call: &Call, head: Head, limit: Duration) -> Result<(Head2, Vec<u8>), Error> {
        let Head { status, reason, response } = head;
        let bytes =
            read(call, response.into_body(), if status.is_success() { MAX_BODY } else { MAX_WORDS }, limit).await;
        if status.is_success() {
            return Ok((Head2 { status, reason }, bytes?));
        }
        // What cannot be read of a refusal is no loss.
        Err(refusal(call, status, &reason, &bytes.unwrap_or_default()))
    }

    /// The failure behind a bad status.
    pub(super) async fn refused(&self, call: &Call, head: Head) -> Error {
        let Head { status, reason, response } = head;
        let bytes = read(call, response.into_body(), MAX_WORDS, self.inner.patience.piece).await;
        refusal(call, status, &reason, &bytes.unwrap_or_default())
    }
}

/// Status and reason of an answer whose body was read.
pub(super) struct Head2 {
    pub(super) status: StatusCode,
    pub(super) reason: String,
}

async fn read(call: &Call, body: Incoming, most: usize, limit: Duration) -> Result<Vec<u8>, Error> {
    match timeout(limit, Limited::new(body, most).collect()).await {
        Err(_) => Err(call.error(Failure::Deadline { seconds: limit.as_secs(), perhaps_done: true })),
        Ok(Err(e)) => Err(call.error(Failure::Answer(e.to_string()))),
        Ok(Ok(all)) => Ok(all.to_bytes().to_vec()),
    }
}

/// The server says why in the reason phrase or in the body; bodies say more.
fn refusal(call: &Call, status: StatusCode, reason: &str, body: &[u8]) -> Error {
    let body = String::from_utf8_lossy(body);
    let body = body.trim();
    let usual = status.canonical_reason().unwrap_or_default();
    let bare = body.is_empty() || body.starts_with('<') || *body == format!("{} {usual}", status.as_u16());
    let words = if !bare {
        body
    } else if reason == usual {
        ""
    } else {
        reason
    };
    call.error(Failure::status(status.as_u16(), words))
}

/// Whether a connection was refused.
fn refused(error: &(dyn std::error::Error + 'static)) -> bool {
    io_kind(error) == Some(std::io::ErrorKind::ConnectionRefused)
}

/// Whether the other side closed a connection that stood.
fn closed(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let mut next = Some(error);
    while let Some(e) = next {
        if e.downcast_ref::<hyper::Error>()
            .is_some_and(|h| h.is_incomplete_message() || h.is_closed() || h.is_canceled())
        {
            return true;
        }
        next = e.source();
    }
    matches!(io_kind(error), Some(BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

/// What our own side could not read while it was sending.
fn input_fault(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(e) = next {
        if e.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return e.source().map(ToString::to_string).or_else(|| Some(e.to_string()));
        }
        next = e.source();
    }
    None
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = e.source();
    }
    None
}
