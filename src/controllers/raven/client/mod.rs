//! The client of one appliance: every call, with a time limit fit for it, bounded answers, and one
//! poll that no freezing call delays.
//!
//! Nothing is repeated here: a poll comes again by itself, and what changes something is never sent
//! twice.

mod poll;
mod read;
mod send;
mod write;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::error::{Error, Failure};
use crate::config::schema::{HttpAuth, Raven, Tls};
use crate::controllers::failed::Call;
use crate::controllers::http::{Limits, Server};
use crate::controllers::route::Route;
use crate::model::appliance::poll::{HostStatus, Version};
use crate::model::ids::SourceName;

use poll::Board;
pub use read::About;
use send::Key;
pub use write::Restarted;

/// How long each kind of call may take.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// The heartbeat, at least. It follows what was measured: four times the last response.
    pub beat: Duration,
    /// The heartbeat, at most.
    pub beat_max: Duration,
    /// The four calls that freeze while the appliance probes its uplink, which takes up to 5 s; what
    /// a heartbeat takes comes on top.
    pub freezing: Duration,
    /// Calls that are quick whatever the appliance holds.
    pub quick: Duration,
    /// Changes of configuration, clean-up, replay.
    pub change: Duration,
    /// A restart, which the config service waits for; its own limit is 60 s.
    pub restart: Duration,
    /// How long a poll waits for the status beside the heartbeat, at most: it waits as long again as
    /// the heartbeat took, and no longer than this.
    pub beside: Duration,
    /// After which an unused connection is not used again, where setting one up is dear (TLS, SSH).
    /// Longer than the time between two polls.
    pub idle: Duration,
}

/// The same for a plain connection: long enough for the calls of one poll.
const CHEAP_IDLE: Duration = Duration::from_millis(500);

impl Patience {
    /// The usual limits. Through SSH everything may take longer.
    #[must_use]
    pub fn of(config: &Raven) -> Self {
        let s = Duration::from_secs;
        let far = config.ssh.is_some();
        Self {
            connect: s(if far { 15 } else { 5 }),
            beat: s(if far { 6 } else { 2 }),
            beat_max: s(12),
            freezing: s(8),
            quick: s(if far { 10 } else { 5 }),
            change: s(30),
            restart: s(65),
            beside: Duration::from_millis(500),
            idle: s(config.poll_s.saturating_mul(3).clamp(15, 60)),
        }
    }
}

/// A client of one appliance. Cheap to clone; clones share connections and what is in flight. Calls
/// that are still in flight when the last one goes are given up.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    calls: Arc<Calls>,
    board: Arc<Board>,
    tasks: Mutex<JoinSet<()>>,
}

/// What a call needs. Tasks beside a poll hold it, and not the client, so that they end with it.
#[derive(Debug)]
struct Calls {
    source: SourceName,
    buffer: Server,
    config: Option<Server>,
    key: Option<Key>,
    /// Metric endpoints: service, server.
    metrics: Vec<(&'static str, Server)>,
    patience: Patience,
    /// Reads of the config service go one after the other: it starts programs for some, and the web
    /// panel before it allows ten calls a second.
    one_by_one: Semaphore,
    /// What the last heartbeat took, µs.
    beat_us: AtomicU64,
    memory: Mutex<Memory>,
}

/// What earlier answers told that later ones leave out.
#[derive(Debug, Default)]
struct Memory {
    version: Option<Version>,
    /// Whether records are forwarded.
    forwarding: Option<bool>,
    /// Services of the configuration beside the four that a status always has.
    extra: Vec<String>,
    /// The system, put together of two calls.
    host: HostStatus,
    /// The config service has no totals of its own.
    old_totals: bool,
    /// Fluent Bit has only its newer metrics.
    fluent_bit_v2: bool,
}

impl Client {
    /// A client for these settings. Reads certificates and secrets (a command may run for seconds:
    /// call it on a blocking thread), connects at the first call.
    ///
    /// # Errors
    /// When addresses, TLS settings or secrets cannot be used.
    pub fn new(source: &SourceName, config: &Raven) -> Result<Self, Error> {
        Self::with_patience(source, config, Patience::of(config))
    }

    /// The same with other time limits.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_patience(source: &SourceName, config: &Raven, patience: Patience) -> Result<Self, Error> {
        let secure = |url: &str| url.starts_with("https://");
        // A connection that costs nothing to make is not kept from poll to poll: hundreds of them
        // would take more memory than all that is known of their appliances.
        let limits = |url: &str| Limits {
            connect: patience.connect,
            idle: if secure(url) || config.ssh.is_some() { patience.idle } else { patience.idle.min(CHEAP_IDLE) },
            spare: 1,
        };
        let bad = |what: &str, why: String| {
            let call = Call::new(source, "connect");
            call.error(Failure::Config(format!("{what}: {why}")))
        };
        let any_secure = secure(&config.buffer) || config.config.as_deref().is_some_and(secure);
        let server = |what: &str, url: &str| {
            // One of the two is often plain where the other is behind a proxy with TLS. Settings
            // that none of them can use are an error all the same.
            let tls = if secure(url) || !any_secure { config.tls.clone() } else { Tls::default() };
            Server::through(url, &tls, &HttpAuth::default(), limits(url), Route::of(config.ssh.as_ref()))
                .map_err(|why| bad(what, why))
        };
        let plain = |what: &str, url: &str| {
            let tls = if secure(url) { config.tls.clone() } else { Tls::default() };
            Server::through(url, &tls, &HttpAuth::default(), limits(url), Route::of(config.ssh.as_ref()))
                .map_err(|why| bad(what, why))
        };
        let endpoints = [
            ("fluent-bit", "metrics.fluent_bit", &config.metrics.fluent_bit),
            ("goflow2", "metrics.goflow2", &config.metrics.goflow2),
            ("telegraf", "metrics.telegraf", &config.metrics.telegraf),
            ("vector", "metrics.vector", &config.metrics.vector),
        ];
        let metrics = endpoints.iter().filter_map(|(service, what, url)| {
            url.as_deref().map(|url| plain(what, url).map(|server| (*service, server)))
        });
        let calls = Calls {
            source: source.clone(),
            buffer: server("buffer", &config.buffer)?,
            config: config.config.as_deref().map(|url| server("config", url)).transpose()?,
            key: config.api_key.as_ref().map(Key::read).transpose().map_err(|why| bad("api_key", why))?,
            metrics: metrics.collect::<Result<_, _>>()?,
            patience,
            one_by_one: Semaphore::new(1),
            beat_us: AtomicU64::new(0),
            memory: Mutex::default(),
        };
        let inner = Inner { calls: Arc::new(calls), board: Arc::default(), tasks: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &SourceName {
        &self.inner.calls.source
    }

    /// Where the buffer service is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.inner.calls.buffer.base()
    }

    /// Where the config service is, when there is an address of one.
    #[must_use]
    pub fn config_endpoint(&self) -> Option<&str> {
        self.inner.calls.config.as_ref().map(Server::base)
    }

    /// Which software it is, once a poll or [`Client::about`] has found out.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.inner.calls.memory().version
    }
}
