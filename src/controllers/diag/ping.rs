//! Echo requests to a host, through a datagram socket of ICMP where the system allows it, else
//! through a raw one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::socket::{Datagram, Datagrams, Sent};
use super::{DiagError, Events, Found, icmp, resolve};
use crate::model::diag::{DiagData, DiagEvent, PingEvent, PingRequest, SocketKind, Tally};

/// Pings.
pub(super) async fn run(
    request: &PingRequest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Found, DiagError> {
    let target = resolve(&request.host, 0, request.family, cancel).await?;
    let (socket, kind) = open(target, request)?;
    let found = Some(target.ip());
    events.tell(DiagEvent::Started { address: found, socket: Some(kind) });
    let id = fastrand::u16(..);
    let mut run = Run {
        socket,
        kind,
        v6: target.is_ipv6(),
        id,
        payload: payload(request.size),
        tally: Tally::default(),
        waiting: BTreeMap::new(),
        sent: Vec::new(),
        buffer: vec![0; 66_000],
        events,
    };
    run.all(request, cancel).await?;
    let mut outcome = run.tally.outcome();
    outcome.socket = Some(kind);
    Ok((found, DiagData::Ping(outcome)))
}

/// A socket that speaks to `target` alone.
fn open(target: SocketAddr, request: &PingRequest) -> Result<(Datagrams, SocketKind), DiagError> {
    let (domain, protocol) = match target {
        SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let failed = |why| DiagError::Socket { what: "echo requests", why };
    let (socket, kind) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
        Ok(socket) => (socket, SocketKind::Datagram),
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied => {
            match Socket::new(domain, Type::RAW, Some(protocol)) {
                Ok(socket) => (socket, SocketKind::Raw),
                Err(why) if why.kind() == io::ErrorKind::PermissionDenied => return Err(forbidden()),
                Err(why) => return Err(failed(why)),
            }
        }
        Err(why) => return Err(failed(why)),
    };
    let set = || -> io::Result<()> {
        // The largest payloads need more than a socket has by default.
        socket.set_recv_buffer_size(1 << 20)?;
        if let Some(limit) = request.hop_limit {
            match target {
                SocketAddr::V4(_) => socket.set_ttl_v4(limit.into())?,
                SocketAddr::V6(_) => socket.set_unicast_hops_v6(limit.into())?,
            }
        }
        Ok(())
    };
    set().map_err(failed)?;
    socket.connect(&target.into()).map_err(|why| DiagError::NoRoute { address: target.ip(), why })?;
    Ok((Datagrams::over(socket, target.is_ipv6()).map_err(failed)?, kind))
}

fn forbidden() -> DiagError {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let range = range.split_whitespace().collect::<Vec<_>>().join(" ");
    DiagError::Permission { range, group: rustix::process::getegid().as_raw() }
}

/// What requests carry: eight bytes that nobody else sends, then a pattern in which missing or
/// moved bytes show.
fn payload(size: u16) -> Vec<u8> {
    let mark = fastrand::u64(..).to_be_bytes();
    let pattern = (0_usize..).map(|i| (i % 251) as u8);
    mark.into_iter().chain(pattern).take(size.into()).collect()
}

const MARK: usize = 8;

struct Run<'a> {
    socket: Datagrams,
    kind: SocketKind,
    v6: bool,
    id: u16,
    payload: Vec<u8>,
    tally: Tally,
    /// Until when each request is waited for, the oldest first.
    waiting: BTreeMap<u32, Instant>,
    /// When each was sent.
    sent: Vec<Sent>,
    buffer: Vec<u8>,
    events: &'a Events,
}

impl Run<'_> {
    async fn all(&mut self, request: &PingRequest, cancel: &CancellationToken) -> Result<(), DiagError> {
        let mut next = Instant::now();
        let mut left = request.count;
        loop {
            if left > 0 && Instant::now() >= next {
                self.send(request.timeout)?;
                left -= 1;
                next = (next + request.interval).max(Instant::now());
            }
            self.read()?;
            self.give_up();
            if left == 0 && self.waiting.is_empty() {
                return Ok(());
            }
            let wake = self.waiting.values().next().copied();
            let wake = if left > 0 { wake.map_or(next, |w| w.min(next)) } else { wake.unwrap_or(next) };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = sleep_until(wake.into()) => {}
                ready = self.socket.wait() => ready.map_err(|why| DiagError::Socket { what: "echo requests", why })?,
            }
        }
    }

    fn tell(&self, event: Option<PingEvent>) {
        if let Some(event) = event {
            self.events.tell(DiagEvent::Ping(event));
        }
    }

    fn send(&mut self, timeout: Duration) -> Result<(), DiagError> {
        let seq = self.tally.sent();
        let packet = icmp::request(self.v6, self.id, seq as u16, &self.payload);
        let mut sent = Sent::now();
        let mut result = self.socket.socket().send(&packet);
        // An error may be the answer to an earlier request, told to the first who asks.
        for _ in 0..3 {
            if result.is_ok() {
                break;
            }
            self.read()?;
            sent = Sent::now();
            result = self.socket.socket().send(&packet);
        }
        self.sent.push(sent);
        match result {
            Ok(_) => {
                self.waiting.insert(seq, sent.at() + timeout);
            }
            Err(why) => {
                let event = self.tally.unsent(seq, &why.to_string());
                self.tell(event);
            }
        }
        Ok(())
    }

    /// Reads everything there is.
    fn read(&mut self) -> Result<(), DiagError> {
        let failed = |why| DiagError::Socket { what: "echo requests", why };
        while let Some(returned) = self.socket.returned().map_err(failed)? {
            // The kernel tells those of local origin without the packet.
            let seq = match icmp::read(self.v6, &returned.quoted) {
                Some(echo) if !echo.reply && (self.kind == SocketKind::Datagram || echo.id == self.id) => {
                    echo.seq.into()
                }
                Some(_) => continue,
                None => self.sent.len() as u32,
            };
            let event = self.tally.unreachable(seq, returned.from, returned.why);
            self.waiting.remove(&seq);
            self.tell(event);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut result = Ok(());
        loop {
            match self.socket.receive(&mut buffer) {
                Ok(Some(datagram)) => self.answer(&datagram, buffer.get(..datagram.len).unwrap_or_default()),
                Ok(None) => break,
                Err(why) => {
                    result = Err(failed(why));
                    break;
                }
            }
        }
        self.buffer = buffer;
        result
    }

    fn answer(&mut self, datagram: &Datagram, bytes: &[u8]) {
        let raw = self.kind == SocketKind::Raw;
        let (hop_limit, message) = match (raw, self.v6) {
            (true, false) => match icmp::behind_ipv4(bytes) {
                Some((limit, message)) => (Some(limit), message),
                None => return,
            },
            _ => (datagram.hop_limit, bytes),
        };
        let Some(echo) = icmp::read(self.v6, message).filter(|e| e.reply) else { return };
        // A raw socket hears the answers to everybody's requests.
        let marked = echo.payload.get(..MARK) == self.payload.get(..MARK);
        if raw && (echo.id != self.id || !marked) {
            return;
        }
        let seq = u32::from(echo.seq);
        let Some(sent) = seq.checked_sub(1).and_then(|i| self.sent.get(i as usize)) else { return };
        let event = if echo.payload == self.payload {
            let rtt = sent.round_trip_us(datagram.at);
            self.tally.reply(seq, rtt, echo.payload.len(), hop_limit)
        } else {
            self.tally.corrupt(seq)
        };
        self.waiting.remove(&seq);
        self.tell(event);
    }

    /// Gives up what was waited for long enough.
    fn give_up(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.waiting.first_entry().filter(|e| *e.get() <= now) {
            let seq = entry.remove_entry().0;
            let event = self.tally.timeout(seq);
            self.tell(event);
        }
    }
}
