//! Network diagnostics: echo requests, traces, DNS, bandwidth, ports. Without privileges wherever
//! Linux allows it.
//!
//! [`run`] does one of them. It tells what happens through a channel, and ends early with what it
//! has when it is cancelled. The channel has no bound of its own: the limits of a request bound
//! what can be sent, and a slow reader must not change what is measured.

mod bandwidth;
pub mod dns;
pub mod icmp;
mod ping;
mod port;
mod route;
mod socket;
mod trace;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::model::diag::{DiagData, DiagEvent, DiagRequest, DiagResult, Family, Host, Verdict, Wrong};
use crate::model::text::clean;
use crate::model::time::Ts;

/// Why there is no result at all.
#[derive(Debug, thiserror::Error)]
pub enum DiagError {
    /// The request is not within its limits.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The name of the host leads to no address.
    #[error("{host}: the name cannot be resolved: {why}; `noctule diag dns {host}` tells more")]
    NoHost {
        /// The host.
        host: String,
        /// The resolver's words.
        why: String,
    },
    /// The host has no address of the wanted kind.
    #[error("{host} has no {family} address")]
    NoAddress {
        /// The host.
        host: String,
        /// The kind.
        family: &'static str,
    },
    /// The system lets this user send no echo requests.
    #[error(
        "this user may not send echo requests: the sysctl net.ipv4.ping_group_range is `{range}`, which does not hold \
         group {group}, and there is no CAP_NET_RAW. Allow it with: sysctl -w net.ipv4.ping_group_range='0 2147483647'"
    )]
    Permission {
        /// The value of the sysctl.
        range: String,
        /// Our group.
        group: u32,
    },
    /// There is no way to the address.
    #[error("{address}: no way there from this machine: {why}")]
    NoRoute {
        /// The address.
        address: IpAddr,
        /// The system's words.
        why: io::Error,
    },
    /// No socket can be had.
    #[error("cannot open a socket for {what}: {why}")]
    Socket {
        /// For what.
        what: &'static str,
        /// The system's words.
        why: io::Error,
    },
    /// No name server is known.
    #[error("no name server is known: /etc/resolv.conf names none; choose one with --server")]
    NoServer,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// It was cancelled before there was anything to tell.
    #[error("ended before anything was known")]
    Cancelled,
}

impl DiagError {
    /// Which verdict it amounts to; `None` for a request that was wrong.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Wrong(_) => None,
            Self::NoHost { .. } | Self::NoAddress { .. } => Some(Verdict::Failed),
            Self::Cancelled => Some(Verdict::Partly),
            Self::Permission { .. } | Self::NoRoute { .. } | Self::Socket { .. } | Self::NoServer | Self::Tls(_) => {
                Some(Verdict::Unreachable)
            }
        }
    }
}

/// Where news go. That nobody listens any more is no reason to stop measuring.
#[derive(Debug, Clone)]
pub(super) struct Events(UnboundedSender<DiagEvent>);

impl Events {
    fn tell(&self, event: DiagEvent) {
        let _ = self.0.send(event);
    }
}

/// Address and figures.
type Found = (Option<IpAddr>, DiagData);

/// Runs a diagnostic to its end, or until `cancel`, with what is known by then.
///
/// # Errors
/// [`DiagError`]: there is nothing to tell of. That a target does not answer is a result.
pub async fn run(
    request: DiagRequest,
    events: UnboundedSender<DiagEvent>,
    cancel: CancellationToken,
) -> Result<DiagResult, DiagError> {
    request.check()?;
    let events = Events(events);
    let (started, clock) = (Ts(chrono::Utc::now().timestamp_micros()), Instant::now());
    let (address, data) = match &request {
        DiagRequest::Ping(r) => ping::run(r, &events, &cancel).await?,
        DiagRequest::Trace(r) => trace::run(r, &events, &cancel).await?,
        DiagRequest::Dns(r) => dns::run(r, &events, &cancel).await?,
        DiagRequest::Bandwidth(r) => bandwidth::run(r, &events, &cancel).await?,
        DiagRequest::Port(r) => port::run(r, &events, &cancel).await?,
    };
    let duration_us = micros(clock);
    Ok(DiagResult { request, started, duration_us, cancelled: cancel.is_cancelled(), address, data })
}

/// µs since an instant.
fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The first address of a host of the wanted kind, as the system resolves names.
async fn resolve(host: &Host, port: u16, family: Family, cancel: &CancellationToken) -> Result<SocketAddr, DiagError> {
    let all = resolve_all(host, port, family, cancel).await?;
    let none = || DiagError::NoAddress { host: host.to_string(), family: family.word() };
    all.into_iter().next().ok_or_else(none)
}

/// All addresses of a host of the wanted kind.
async fn resolve_all(
    host: &Host,
    port: u16,
    family: Family,
    cancel: &CancellationToken,
) -> Result<Vec<SocketAddr>, DiagError> {
    let found = tokio::select! {
        () = cancel.cancelled() => return Err(DiagError::Cancelled),
        found = tokio::net::lookup_host((host.as_str(), port)) => found,
    };
    let no_host = |e: io::Error| DiagError::NoHost { host: host.to_string(), why: clean(&e.to_string()).into_owned() };
    Ok(found.map_err(no_host)?.filter(|a| family.takes(a.ip())).collect())
}
