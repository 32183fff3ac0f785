//! HTTP towards one server: connections, TLS, login, time limits, and what "no answer" means. One
//! for every controller that speaks HTTP.
//!
//! **Why hyper's own pooled client.** It is in the tree already by way of tonic, gives the reason
//! phrase that the server puts its verdicts into (HTTP/1 keeps it in
//! [`hyper::ext::ReasonPhrase`]), streams both ways, and sends a path byte for byte as it is
//! given: device ids are percent-encoded twice, and a client that parses URLs by the rules of
//! browsers may tidy that up. reqwest 0.13 would add its own URL type and a dozen crates on top of
//! the very same connections, and its rustls comes with aws-lc unless told otherwise.
//!
//! Connections idle for longer than 4 s are not used again: the server closes them after 5 s.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::config::schema::{HttpAuth, Tls};
use crate::controllers::route::{Route, RouteStream, never_reached};
use crate::controllers::tls;
use crate::model::time::{SECOND, Ts};

/// What is sent.
pub(in crate::controllers) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A server: where it is, how it is spoken to.
#[derive(Clone)]
pub(in crate::controllers) struct Server {
    pool: Pool<Dial, Body>,
    /// `http://host:7557/prefix`, without a slash at its end.
    base: Arc<str>,
    login: Arc<Login>,
    connect: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("base", &self.base).finish_non_exhaustive()
    }
}

/// How long connections may take and idle, and how many.
#[derive(Debug, Clone, Copy)]
pub(in crate::controllers) struct Limits {
    pub(in crate::controllers) connect: Duration,
    pub(in crate::controllers) idle: Duration,
    /// Connections that may idle at a time. Each holds 24 kB of buffers.
    pub(in crate::controllers) spare: usize,
}

/// What is shown to the proxy.
#[derive(Default)]
struct Login {
    authorization: Option<SecretString>,
    header: Option<(HeaderName, SecretString)>,
}

/// Why there is no answer.
pub(in crate::controllers) enum NoAnswer {
    /// No connection was made: nothing was sent.
    NotConnected(PoolError),
    /// It was sent, at least in part, and the connection ended.
    Closed(PoolError),
    /// It cannot be sent at all.
    Unsendable(String),
}

impl Server {
    /// A server at this base URL. Reads certificates and secrets.
    ///
    /// # Errors
    /// What of the configuration cannot be used, in words.
    pub(in crate::controllers) fn new(base: &str, tls: &Tls, auth: &HttpAuth, limits: Limits) -> Result<Self, String> {
        Self::through(base, tls, auth, limits, Route::Direct)
    }

    /// A server at this base URL, reached that way: through SSH the host of the URL is what the SSH
    /// host calls it.
    ///
    /// # Errors
    /// See [`Server::new`].
    pub(in crate::controllers) fn through(
        base: &str,
        tls: &Tls,
        auth: &HttpAuth,
        limits: Limits,
        route: Route,
    ) -> Result<Self, String> {
        let base = base.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|e| format!("{base}: {e}"))?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("{base}: it has to begin with http:// or https://")),
        };
        if uri.authority().is_none_or(|a| a.as_str().contains('@')) {
            return Err("credentials do not stand in a URL: use auth".to_owned());
        }
        if uri.query().is_some() {
            return Err(format!("{base}: a base URL has no query"));
        }
        let connector = match secure {
            true => Some(TlsConnector::from(Arc::new(tls::for_stream(tls)?))),
            false if tls.ca.is_some() || tls.cert.is_some() || tls.key.is_some() => {
                return Err(format!("tls is set, but {base} begins with http://"));
            }
            false => None,
        };
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let dial = Dial { target: Target::Tcp(host(base).into(), port), connector, route };
        Self::dialling(base, dial, auth, limits)
    }

    /// A server that listens on a Unix socket, on the other side of the route. Reads secrets.
    ///
    /// # Errors
    /// See [`Server::new`].
    pub(in crate::controllers) fn at_socket(
        path: &str,
        auth: &HttpAuth,
        limits: Limits,
        route: Route,
    ) -> Result<Self, String> {
        let dial = Dial { target: Target::Unix(Path::new(path).into()), connector: None, route };
        Self::dialling("http://localhost", dial, auth, limits)
    }

    fn dialling(base: &str, dial: Dial, auth: &HttpAuth, limits: Limits) -> Result<Self, String> {
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits.idle)
            .pool_max_idle_per_host(limits.spare)
            .http1_max_buf_size(512 << 10)
            .build(dial);
        Ok(Self { pool, base: base.into(), login: Arc::new(Login::read(auth)?), connect: limits.connect })
    }

    /// Its base URL.
    pub(in crate::controllers) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and waits for the head of its answer. `target` is the rest of the URL, already
    /// encoded.
    pub(in crate::controllers) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Body,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let unsendable = |e: &dyn std::fmt::Display| NoAnswer::Unsendable(e.to_string());
        let uri: Uri = format!("{}{target}", self.base).parse().map_err(|e| unsendable(&e))?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let map = request.headers_mut();
        map.insert(USER_AGENT, HeaderValue::from_static(concat!("noctule/", env!("CARGO_PKG_VERSION"))));
        map.extend(headers);
        self.login.show(map).map_err(|e| unsendable(&e))?;
        self.pool.request(request).await.map_err(|e| {
            if e.is_connect() || never_reached(&e) { NoAnswer::NotConnected(e) } else { NoAnswer::Closed(e) }
        })
    }

    /// How long a connection may take.
    pub(in crate::controllers) const fn connect_limit(&self) -> Duration {
        self.connect
    }
}

impl Login {
    fn read(auth: &HttpAuth) -> Result<Self, String> {
        let authorization = match (&auth.basic, &auth.bearer) {
            (Some(_), Some(_)) => return Err("auth: basic and bearer exclude each other".to_owned()),
            (Some(basic), None) => {
                if basic.username.contains(':') {
                    return Err("auth.basic: a user name holds no colon".to_owned());
                }
                let password = basic.password.resolve().map_err(|e| format!("auth.basic: {e}"))?;
                let pair = Zeroizing::new(format!("{}:{}", basic.username, password.expose_secret()));
                let encoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(pair.as_bytes()));
                Some(SecretString::from(format!("Basic {}", *encoded)))
            }
            (None, Some(bearer)) => {
                let token = bearer.resolve().map_err(|e| format!("auth.bearer: {e}"))?;
                Some(SecretString::from(format!("Bearer {}", token.expose_secret())))
            }
            (None, None) => None,
        };
        let header = match &auth.header {
            None => None,
            Some(header) => {
                let name = HeaderName::from_bytes(header.name.as_bytes())
                    .map_err(|_| format!("auth.header: {:?} is no header's name", header.name))?;
                Some((name, header.value.resolve().map_err(|e| format!("auth.header: {e}"))?))
            }
        };
        let login = Self { authorization, header };
        // A secret that no header can carry is told at once, not at the first call.
        login.show(&mut http::HeaderMap::new())?;
        Ok(login)
    }

    fn show(&self, headers: &mut http::HeaderMap) -> Result<(), String> {
        let secret = |secret: &SecretString| {
            let mut value = HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| "auth: the secret holds characters that a header cannot carry".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, secret(authorization)?);
        }
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), secret(value)?);
        }
        Ok(())
    }
}

/// A body that is there already.
pub(in crate::controllers) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// No body.
pub(in crate::controllers) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// The header of a JSON body.
pub(in crate::controllers) fn json_type() -> (HeaderName, HeaderValue) {
    (CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

/// The words beside the status: the server's own, else the usual ones.
pub(in crate::controllers) fn reason(response: &Response<Incoming>) -> String {
    let own = response.extensions().get::<ReasonPhrase>().map(|r| String::from_utf8_lossy(r.as_bytes()).into_owned());
    let words = own.unwrap_or_else(|| response.status().canonical_reason().unwrap_or_default().to_owned());
    crate::model::text::clean(&words).into_owned()
}

/// A part of a path: everything but letters, digits, `-` and `_` is encoded, so that the server's
/// routes match. What was encoded already is encoded again.
pub(in crate::controllers) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// The host of a base URL, without brackets.
#[must_use]
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if let Some(inside) = authority.strip_prefix('[') {
        return inside.split(']').next().unwrap_or(inside);
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// When an answer was given, by the server's clock.
pub(in crate::controllers) fn date(headers: &http::HeaderMap) -> Option<Ts> {
    let told = headers.get(http::header::DATE)?.to_str().ok()?;
    Some(Ts(chrono::DateTime::parse_from_rfc2822(told).ok()?.timestamp_micros()))
}

/// How far the server's clock, which cuts off what is less than a second, is ahead of ours between
/// the question and the answer, µs.
pub(in crate::controllers) fn skew(told: Ts, asked: Ts, answered: Ts) -> i64 {
    if told > answered {
        told.since(answered)
    } else if told.plus(SECOND) < asked {
        told.plus(SECOND).since(asked)
    } else {
        0
    }
}

/// Makes connections, and TLS over them where the base URL asks for it. Every request goes to the
/// one server, whatever its URI says.
#[derive(Clone)]
pub(in crate::controllers) struct Dial {
    target: Target,
    connector: Option<TlsConnector>,
    route: Route,
}

/// What is connected to, at the end of the route.
#[derive(Clone)]
enum Target {
    Tcp(Arc<str>, u16),
    Unix(Arc<Path>),
}

impl tower_service::Service<Uri> for Dial {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { target, connector, route } = self.clone();
        Box::pin(async move {
            let stream = match &target {
                Target::Tcp(host, port) => route.connect(host, *port).await?,
                Target::Unix(path) => route.connect_unix(path).await?,
            };
            let wire = match (connector, target) {
                (Some(connector), Target::Tcp(host, _)) => {
                    let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
                    Wire::Secure(Box::new(connector.connect(name, stream).await?))
                }
                _ => Wire::Plain(stream),
            };
            Ok(TokioIo::new(wire))
        })
    }
}

/// A connection.
pub(in crate::controllers) enum Wire {
    Plain(RouteStream),
    Secure(Box<TlsStream<RouteStream>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Self::Secure(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Secure(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Secure(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Secure(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_already_is_encoded_again() {
        assert_eq!(segment("F8345A-G%2D1425G%2DA-ALCL00000003"), "F8345A-G%252D1425G%252DA-ALCL00000003");
        assert_eq!(segment("HG8245H_V3.0.10.bin"), "HG8245H_V3%2E0%2E10%2Ebin");
        assert_eq!(segment("area a/é"), "area%20a%2F%C3%A9");
    }

    #[test]
    fn configurations_that_cannot_work_are_told() {
        let limits = Limits { connect: Duration::from_secs(1), idle: Duration::from_secs(4), spare: 1 };
        let told = |base: &str, tls: &Tls, auth: &HttpAuth| Server::new(base, tls, auth, limits).unwrap_err();
        let (plain, none) = (Tls::default(), HttpAuth::default());
        assert!(told("ftp://a", &plain, &none).contains("http://"));
        assert!(told("http://u:p@a", &plain, &none).contains("credentials"));
        let tls = Tls { ca: Some("/nowhere".into()), ..Tls::default() };
        assert!(told("http://a", &tls, &none).contains("begins with http://"));
        assert!(told("https://a", &tls, &none).contains("tls.ca"));
        let auth = HttpAuth { bearer: Some("env:NOT_SET_AT_ALL".parse().unwrap()), ..HttpAuth::default() };
        assert!(told("http://a", &plain, &auth).contains("NOT_SET_AT_ALL"));
    }

    #[test]
    fn a_clock_that_tells_whole_seconds_is_judged_by_what_is_certain() {
        let s = |seconds: i64| Ts(seconds * SECOND);
        let (asked, answered) = (s(100).plus(200_000), s(101).plus(700_000));
        for told in [100, 101] {
            assert_eq!(skew(s(told), asked, answered), 0, "{told}");
        }
        assert_eq!(skew(s(99), asked, answered), -200_000);
        assert_eq!(skew(s(701), asked, answered), 599_300_000);
        assert_eq!(skew(s(-501), asked, answered), -600_200_000);
    }
}
