//! One call to either server: sending, waiting, reading the answer, repeating what only reads.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::{Error, Failure, refusal};
use crate::config::schema::{HttpAuth, Ssh, Tls};
use crate::controllers::failed::Call;
use crate::controllers::http::{Limits, NoAnswer, Server, date, empty, json_type, reason, skew, whole};
use crate::controllers::resilience::call_pauses;
use crate::controllers::route::Route;
use crate::controllers::stream::Documents;
use crate::model::ids::SourceName;
use crate::model::time::Ts;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept without use: both servers are Go's, which keep theirs for longer.
const IDLE: Duration = Duration::from_secs(30);
/// The longest answer that is no list of alerts.
pub(super) const MAX_BODY: usize = 64 << 20;
/// The longest words of a refusal that are read.
const MAX_WORDS: usize = 16 << 10;
/// The longest address that is asked for.
const MAX_URL: usize = 16 << 10;

/// A server and how it is spoken to. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    source: SourceName,
    server: Arc<Server>,
    limit: Duration,
}

/// The head of a good answer, and what its clock says.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    /// Its clock when it answered.
    pub(super) date: Option<Ts>,
    /// Its clock minus ours, µs.
    pub(super) skew_us: Option<i64>,
}

/// What is to be sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) body: Option<Bytes>,
    /// Of a form; else it is JSON.
    pub(super) form: bool,
}

impl Ask {
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }
}

impl Peer {
    pub(super) fn new(
        source: &SourceName,
        url: &str,
        (tls, auth, ssh): (&Tls, &HttpAuth, Option<&Ssh>),
        timeout_s: u64,
    ) -> Result<Self, Error> {
        let call = Call::new(source, "connect");
        let limits = Limits { connect: CONNECT, idle: IDLE, spare: 2 };
        let server =
            Server::through(url, tls, auth, limits, Route::of(ssh)).map_err(|why| call.error(Failure::Config(why)))?;
        let limit = Duration::from_secs(timeout_s.max(1));
        Ok(Self { source: source.clone(), server: Arc::new(server), limit })
    }

    pub(super) fn base(&self) -> &str {
        self.server.base()
    }

    pub(super) const fn source(&self) -> &SourceName {
        &self.source
    }

    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn call(&self, name: impl Into<Cow<'static, str>>) -> Call {
        Call::new(&self.source, name)
    }

    /// Sends a request and waits for the head of a good answer.
    pub(super) async fn once(&self, call: &Call, ask: &Ask) -> Result<Answered, Error> {
        if ask.target.len() > MAX_URL {
            return Err(call.error(Failure::Invalid("the question is too long: ask for less".into())));
        }
        let (headers, body) = match &ask.body {
            None => (Vec::new(), empty()),
            Some(bytes) if ask.form => {
                let kind = http::HeaderValue::from_static("application/x-www-form-urlencoded");
                (vec![(http::header::CONTENT_TYPE, kind)], whole(bytes.clone()))
            }
            Some(bytes) => (vec![json_type()], whole(bytes.clone())),
        };
        let asked = now();
        let limit = self.limit.max(self.server.connect_limit());
        let Ok(answer) = timeout(limit, self.server.send(ask.method.clone(), &ask.target, headers, body)).await else {
            return Err(call.error(Failure::Deadline(limit.as_secs())));
        };
        let response = match answer {
            Ok(response) => response,
            Err(NoAnswer::Unsendable(why)) => return Err(call.error(Failure::Invalid(why))),
            Err(NoAnswer::NotConnected(e) | NoAnswer::Closed(e)) => return Err(call.error(Failure::connection(&e))),
        };
        if response.status().is_success() {
            let date = date(response.headers());
            let skew_us = date.map(|told| skew(told, asked, now()));
            return Ok(Answered { response, date, skew_us });
        }
        let (code, words) = (response.status().as_u16(), reason(&response));
        // What cannot be read of a refusal is no loss.
        let bytes = collect(call, response.into_body(), MAX_WORDS, self.limit).await.unwrap_or_default();
        Err(call.error(refusal(code, &words, &bytes)))
    }

    /// The same; what only reads is repeated.
    pub(super) async fn send(&self, call: &Call, ask: &Ask) -> Result<Answered, Error> {
        let mut pauses = call_pauses();
        let harmless = ask.method == Method::GET || ask.form;
        loop {
            let error = match self.once(call, ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = if harmless && error.what.worth_a_retry() { pauses.next() } else { None };
            let Some(pause) = pause else { return Err(error) };
            tracing::debug!(source = %self.source, %error, ?pause, "repeated");
            tokio::time::sleep(pause).await;
        }
    }

    /// The whole body of a good answer as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &Call, ask: &Ask) -> Result<(T, Answered2), Error> {
        let Answered { response, date, skew_us } = self.send(call, ask).await?;
        let bytes = collect(call, response.into_body(), MAX_BODY, self.limit).await?;
        let value = serde_json::from_slice(&bytes).map_err(|e| call.error(Failure::Answer(e.to_string())))?;
        Ok((value, Answered2 { date, skew_us }))
    }
}

/// What else a good answer told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered2 {
    pub(super) date: Option<Ts>,
    pub(super) skew_us: Option<i64>,
}

async fn collect(call: &Call, body: Incoming, most: usize, limit: Duration) -> Result<Bytes, Error> {
    match timeout(limit, Limited::new(body, most).collect()).await {
        Err(_) => Err(call.error(Failure::Deadline(limit.as_secs()))),
        Ok(Err(e)) => Err(call.error(Failure::Answer(e.to_string()))),
        Ok(Ok(all)) => Ok(all.to_bytes()),
    }
}

/// A list of alerts that is being read: memory holds a piece of the connection and the alerts in it.
#[derive(Debug)]
pub struct Alerts<T> {
    call: Call,
    body: Option<Incoming>,
    documents: Documents<T>,
    limit: Duration,
    fault: Option<Error>,
    /// The server's clock when it answered.
    pub date: Option<Ts>,
    /// Its clock minus ours, µs.
    pub skew_us: Option<i64>,
    /// Bytes read so far.
    pub bytes: u64,
}

impl<T: DeserializeOwned> Alerts<T> {
    pub(super) fn new(call: Call, answered: Answered, documents: Documents<T>, limit: Duration) -> Self {
        let Answered { response, date, skew_us } = answered;
        Self { call, body: Some(response.into_body()), documents, limit, fault: None, date, skew_us, bytes: 0 }
    }

    /// The next alert; nothing at the end of the list.
    ///
    /// # Errors
    /// When the list cannot be read to its end. Nothing comes afterwards.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        loop {
            if let Some(alert) = self.documents.take() {
                return Some(Ok(alert));
            }
            if let Some(fault) = self.fault.take() {
                self.body = None;
                return Some(Err(fault));
            }
            let body = self.body.as_mut()?;
            let piece = match timeout(self.limit, body.frame()).await {
                Err(_) => Err(Failure::Deadline(self.limit.as_secs())),
                Ok(Some(Err(_))) => Err(Failure::Broken),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        self.bytes = self.bytes.saturating_add(data.len() as u64);
                        self.documents.feed(&data).map_err(Failure::List)
                    }
                    Err(_) => Ok(()),
                },
                Ok(None) => {
                    self.body = None;
                    self.documents.finish().map_err(Failure::List)
                }
            };
            self.fault = piece.err().map(|what| self.call.error(what));
        }
    }

    /// All of them. For lists that are known to be short.
    ///
    /// # Errors
    /// As [`Alerts::next`].
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut out = Vec::new();
        while let Some(alert) = self.next().await {
            out.push(alert?);
        }
        Ok(out)
    }
}

/// The present, our clock.
pub(super) fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}
