//! One call: sending, waiting, judging what "no answer" means.

use std::borrow::Cow;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Calls, Memory};
use crate::config::schema::{ApiKey, ApiKeyHeader};
use crate::controllers::failed::Call;
use crate::controllers::http::{NoAnswer, Server, empty, json_type, whole};
use crate::controllers::raven::error::{Error, Failure};
use crate::model::text::clean;

/// The longest answer of most calls, bytes.
pub(super) const USUAL: usize = 1 << 20;
/// The longest configuration: what the service itself takes, and room.
pub(super) const LARGE: usize = 6 << 20;
/// The longest words of a refusal that are read.
const MAX_WORDS: usize = 4096;

/// The key of the config service, and its header.
pub(super) struct Key {
    name: HeaderName,
    value: SecretString,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the secret and puts it into its form.
    pub(super) fn read(config: &ApiKey) -> Result<Self, String> {
        let key = config.key.resolve().map_err(|e| e.to_string())?;
        let form = |scheme: &str| {
            let text = Zeroizing::new(format!("{scheme} {}", key.expose_secret()));
            (AUTHORIZATION, SecretString::from(text.as_str()))
        };
        let (name, value) = match config.header {
            ApiKeyHeader::XApiKey => (HeaderName::from_static("x-api-key"), key.clone()),
            ApiKeyHeader::Bearer => form("Bearer"),
            ApiKeyHeader::ApiKey => form("Api-Key"),
        };
        let key = Self { name, value };
        // A secret that no header can carry is told at once, not at the first call.
        key.header()?;
        Ok(key)
    }

    fn header(&self) -> Result<(HeaderName, HeaderValue), String> {
        let mut value = HeaderValue::from_str(self.value.expose_secret())
            .map_err(|_| "the key holds characters that a header cannot carry".to_owned())?;
        value.set_sensitive(true);
        Ok((self.name.clone(), value))
    }
}

/// A request.
pub(super) struct Ask<'a> {
    pub(super) server: &'a Server,
    pub(super) method: Method,
    pub(super) target: Cow<'static, str>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) limit: Duration,
    pub(super) most: usize,
    /// Whether the key goes with it.
    pub(super) keyed: bool,
}

impl<'a> Ask<'a> {
    /// Reading from the buffer service.
    pub(super) fn get(server: &'a Server, target: impl Into<Cow<'static, str>>, limit: Duration) -> Self {
        Self { server, method: Method::GET, target: target.into(), body: None, limit, most: USUAL, keyed: false }
    }

    /// Changing something.
    pub(super) fn post(server: &'a Server, target: impl Into<Cow<'static, str>>, limit: Duration) -> Self {
        Self { method: Method::POST, ..Self::get(server, target, limit) }
    }
}

/// A 2xx answer.
pub(super) struct Told {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Calls {
    pub(super) fn call(&self, name: impl Into<Cow<'static, str>>) -> Call {
        Call::new(&self.source, name)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and reads its answer.
    pub(super) async fn ask(&self, call: &Call, ask: Ask<'_>) -> Result<Told, Error> {
        let Ask { server, method, target, body, limit, most, keyed } = ask;
        let harmless = method == Method::GET;
        let mut headers = Vec::new();
        if let Some(key) = self.key.as_ref().filter(|_| keyed) {
            headers.push(key.header().map_err(|why| call.error(Failure::Config(why)))?);
        }
        let body = match body {
            None => empty(),
            Some(json) => {
                headers.push(json_type());
                whole(json)
            }
        };
        let answered = timeout(limit, async {
            let response = server.send(method, &target, headers, body).await.map_err(|no| match no {
                NoAnswer::Unsendable(why) => call.error(Failure::Invalid(why)),
                NoAnswer::NotConnected(e) => call.error(Failure::connection(&e, false)),
                NoAnswer::Closed(e) => call.error(Failure::connection(&e, !harmless)),
            })?;
            let (head, body) = response.into_parts();
            let good = head.status.is_success();
            let body = Limited::new(body, if good { most } else { MAX_WORDS }).collect().await;
            if !good {
                // What cannot be read of a refusal is no loss.
                let words = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                return Err(call.error(Failure::status(head.status.as_u16(), &words)));
            }
            match body {
                Ok(all) => Ok(Told { headers: head.headers, body: all.to_bytes() }),
                Err(e) if e.is::<LengthLimitError>() => {
                    Err(call.error(Failure::Unreadable(format!("it is longer than {} KiB", most >> 10))))
                }
                Err(e) => Err(call.error(Failure::Unreadable(format!("it is cut short: {}", clean(&e.to_string()))))),
            }
        });
        match answered.await {
            Ok(told) => told,
            Err(_) => Err(call.error(Failure::Deadline { after: limit, perhaps_done: !harmless })),
        }
    }

    /// The config service.
    pub(super) fn config_server(&self, call: &Call) -> Result<&Server, Error> {
        self.config.as_ref().ok_or_else(|| {
            call.error(Failure::Config("config is not set: it is the address of the config service".to_owned()))
        })
    }
}
