//! The way to a host, hop by hop, without privileges: UDP probes with rising hop limits, and what
//! routers say of them from the error queue of the socket.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::route::Route;
use super::socket::{Datagrams, Sent};
use super::{DiagError, Events, Found, dns, resolve};
use crate::model::diag::{DiagData, DiagEvent, Probe, TraceOutcome, TraceRequest, Unreach};

/// How long names are waited for after the last hop is known.
const NAMES: Duration = Duration::from_secs(2);
/// Bytes in a probe.
const PROBE: [u8; 24] = *b"noctule trace ..........";

/// Traces.
pub(super) async fn run(
    request: &TraceRequest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Found, DiagError> {
    let target = resolve(&request.host, request.port, request.family, cancel).await?;
    let domain = if target.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let failed = |why| DiagError::Socket { what: "probes", why };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(failed)?;
    let socket = Datagrams::over(socket, target.is_ipv6()).map_err(failed)?;
    events.tell(DiagEvent::Started { address: Some(target.ip()), socket: None });
    let servers = if request.names { dns::system_servers() } else { Vec::new() };
    let mut run = Run {
        socket,
        target,
        route: Route::new(request.max_hops, request.queries),
        sent: Vec::new(),
        waiting: BTreeMap::new(),
        outcome: TraceOutcome::default(),
        asked: HashSet::new(),
        names: JoinSet::new(),
        servers,
        events,
    };
    run.all(request, cancel).await?;
    run.wait_for_names(cancel).await;
    Ok((Some(target.ip()), DiagData::Trace(run.outcome)))
}

struct Run<'a> {
    socket: Datagrams,
    target: SocketAddr,
    route: Route,
    sent: Vec<Sent>,
    /// Until when each probe is waited for.
    waiting: BTreeMap<usize, Instant>,
    outcome: TraceOutcome,
    asked: HashSet<IpAddr>,
    names: JoinSet<(IpAddr, Option<String>)>,
    servers: Vec<SocketAddr>,
    events: &'a Events,
}

impl Run<'_> {
    async fn all(&mut self, request: &TraceRequest, cancel: &CancellationToken) -> Result<(), DiagError> {
        let failed = |why| DiagError::Socket { what: "probes", why };
        loop {
            self.read(request.port)?;
            self.give_up();
            while self.waiting.len() < usize::from(request.parallel)
                && let Some((probe, ttl)) = self.route.send()
            {
                self.send(probe, ttl, request)?;
            }
            for hop in self.route.ready() {
                self.ask_names(hop.addresses());
                self.events.tell(DiagEvent::Hop(hop.clone()));
                self.outcome.hops.push(hop);
            }
            if self.route.is_done() {
                return Ok(());
            }
            // What is not wanted any more does not have to be waited for.
            let route = &self.route;
            self.waiting.retain(|probe, _| route.waits(*probe));
            let wake = self.waiting.values().min().copied().unwrap_or_else(Instant::now);
            tokio::select! {
                () = cancel.cancelled() => {
                    self.outcome.hops.extend(self.route.rest());
                    return Ok(());
                }
                () = sleep_until(wake.into()) => {}
                Some(name) = self.names.join_next() => self.named(name),
                ready = self.socket.wait() => ready.map_err(failed)?,
            }
        }
    }

    fn send(&mut self, probe: usize, ttl: u8, request: &TraceRequest) -> Result<(), DiagError> {
        let mut to = self.target;
        to.set_port(request.port + probe as u16);
        let socket = self.socket.socket();
        let limited = match to {
            SocketAddr::V4(_) => socket.set_ttl_v4(ttl.into()),
            SocketAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into()),
        };
        limited.map_err(|why| DiagError::Socket { what: "probes", why })?;
        let mut sent = Sent::now();
        let mut result = self.socket.socket().send_to(&PROBE, &to.into());
        // An error may be the answer to an earlier probe, told to the first who asks.
        for _ in 0..8 {
            if result.is_ok() {
                break;
            }
            self.read(request.port)?;
            sent = Sent::now();
            result = self.socket.socket().send_to(&PROBE, &to.into());
        }
        self.sent.push(sent);
        match result {
            Ok(_) => {
                self.waiting.insert(probe, sent.at() + request.timeout);
            }
            Err(why) => {
                self.route.settle(probe, Probe::Unsent(why.to_string()));
            }
        }
        Ok(())
    }

    /// Reads everything there is.
    fn read(&mut self, base: u16) -> Result<(), DiagError> {
        let failed = |why| DiagError::Socket { what: "probes", why };
        while let Some(returned) = self.socket.returned().map_err(failed)? {
            let Some(probe) = returned.to.and_then(|to| self.probe(to, base)) else { continue };
            let Some(rtt_us) = self.sent.get(probe).map(|s| s.round_trip_us(returned.at)) else { continue };
            let result = match (returned.from, returned.why) {
                (Some(from), Unreach::HopLimit) => Probe::Hop { from, rtt_us },
                // A host with several addresses may answer from another one.
                (Some(from), Unreach::Port | Unreach::Protocol) => Probe::Target { from, rtt_us },
                (Some(from), _) if from == self.target.ip() => Probe::Target { from, rtt_us },
                (from, why) => Probe::Refused { from, rtt_us, why },
            };
            self.settle(probe, result);
        }
        let mut buffer = [0_u8; 64];
        while let Some(datagram) = self.socket.receive(&mut buffer).map_err(failed)? {
            // Something listens on the port of a probe and answers: the target is reached all the same.
            let Some(from) = datagram.from else { continue };
            let Some(probe) = self.probe(from, base) else { continue };
            let Some(rtt_us) = self.sent.get(probe).map(|s| s.round_trip_us(datagram.at)) else { continue };
            self.settle(probe, Probe::Target { from: from.ip(), rtt_us });
        }
        Ok(())
    }

    /// The probe that went to this address and port.
    fn probe(&self, to: SocketAddr, base: u16) -> Option<usize> {
        (to.ip() == self.target.ip()).then(|| to.port().checked_sub(base)).flatten().map(usize::from)
    }

    fn settle(&mut self, probe: usize, result: Probe) {
        self.route.settle(probe, result);
        self.waiting.remove(&probe);
    }

    fn give_up(&mut self) {
        let now = Instant::now();
        let late: Vec<usize> = self.waiting.iter().filter(|(_, until)| **until <= now).map(|(p, _)| *p).collect();
        for probe in late {
            self.settle(probe, Probe::Silent);
        }
    }

    /// Asks for names, each address once.
    fn ask_names(&mut self, addresses: Vec<IpAddr>) {
        if self.servers.is_empty() {
            return;
        }
        for address in addresses {
            if self.asked.insert(address) {
                let servers = self.servers.clone();
                self.names.spawn(async move { (address, dns::name_of(address, &servers, NAMES).await) });
            }
        }
    }

    fn named(&mut self, name: Result<(IpAddr, Option<String>), tokio::task::JoinError>) {
        if let Ok((address, Some(name))) = name {
            self.events.tell(DiagEvent::HopName { address, name: name.clone() });
            self.outcome.names.insert(address, name);
        }
    }

    async fn wait_for_names(&mut self, cancel: &CancellationToken) {
        let until = tokio::time::Instant::now() + NAMES;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep_until(until) => return,
                name = self.names.join_next() => match name {
                    Some(name) => self.named(name),
                    None => return,
                },
            }
        }
    }
}
