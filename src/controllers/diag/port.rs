//! Whether something listens on a port, and what exactly says so: an answer, a refusal, a router's
//! word, or silence.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpSocket;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::socket::{self, Datagrams, Sent};
use super::{DiagError, Events, Found, resolve};
use crate::model::diag::{DiagData, DiagEvent, PortOutcome, PortRequest, PortState, Protocol, Unreach};
use crate::model::order;

/// TCP ports tried at once.
const AT_ONCE_TCP: usize = 16;
/// UDP ports tried at once: hosts tell of closed ones only a few times a second, and one that is
/// not told of looks as if it were open.
const AT_ONCE_UDP: usize = 4;
/// From one datagram to the next.
const AGAIN: Duration = Duration::from_secs(1);

/// Tries every port.
pub(super) async fn run(
    request: &PortRequest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Found, DiagError> {
    let host = resolve(&request.host, 0, request.family, cancel).await?;
    events.tell(DiagEvent::Started { address: Some(host.ip()), socket: None });
    let (limit, protocol) = (request.timeout, request.protocol);
    let at_once = if protocol == Protocol::Tcp { AT_ONCE_TCP } else { AT_ONCE_UDP };
    let tries = request.ports.clone().into_iter().map(move |port| {
        let mut to = host;
        to.set_port(port);
        async move {
            match protocol {
                Protocol::Tcp => tcp(to, limit).await,
                Protocol::Udp => udp(to, limit).await,
            }
        }
    });
    let mut open = std::pin::pin!(stream::iter(tries).buffer_unordered(at_once));
    let mut ports: Vec<PortOutcome> = Vec::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            port = open.next() => match port {
                Some(port) => {
                    events.tell(DiagEvent::Port(port.clone()));
                    ports.push(port);
                }
                None => break,
            },
        }
    }
    order::by_key(&mut ports, |p| request.ports.iter().position(|port| *port == p.port));
    Ok((Some(host.ip()), DiagData::Port(ports)))
}

/// What an attempt came to, before it has a port.
type State = (PortState, Option<u64>, Option<IpAddr>);

fn outcome(to: SocketAddr, (state, rtt_us, from): State) -> PortOutcome {
    PortOutcome { port: to.port(), state, rtt_us, from }
}

fn failed(e: &io::Error) -> State {
    (PortState::Failed(e.to_string()), None, None)
}

async fn tcp(to: SocketAddr, limit: Duration) -> PortOutcome {
    let state = match timeout(limit, connect(to)).await {
        Ok(Ok(state)) => state,
        Ok(Err(e)) => failed(&e),
        Err(_) => (PortState::Silent, None, None),
    };
    outcome(to, state)
}

async fn connect(to: SocketAddr) -> io::Result<State> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket::attend(&socket, to.is_ipv6())?;
    // Who sent a connection back stands in the error queue; a refusal of TCP's own does not.
    let queue = socket.as_fd().try_clone_to_owned()?;
    let sent = Sent::now();
    let result = socket.connect(to).await;
    let us = sent.round_trip_us(None);
    Ok(match result {
        Ok(_) => (PortState::Open, Some(us), None),
        Err(e) => refusal(&e, us, socket::returned(&queue).ok().flatten()),
    })
}

/// What an error of a connection means.
fn refusal(e: &io::Error, us: u64, returned: Option<socket::Returned>) -> State {
    let (from, why) = returned.map_or((None, None), |r| (r.from, Some(r.why)));
    let unreachable = |usual| (PortState::Unreachable(Some(why.unwrap_or(usual))), Some(us), from);
    match e.kind() {
        // A reset: something accepted and hung up before we were done with the handshake.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => (PortState::Closed, Some(us), from),
        io::ErrorKind::HostUnreachable => unreachable(Unreach::Host),
        io::ErrorKind::NetworkUnreachable => unreachable(Unreach::Net),
        io::ErrorKind::PermissionDenied => unreachable(Unreach::Prohibited),
        io::ErrorKind::TimedOut => (PortState::Silent, None, None),
        _ => failed(e),
    }
}

async fn udp(to: SocketAddr, limit: Duration) -> PortOutcome {
    let state = match ask(to, limit).await {
        Ok(state) => state,
        Err(e) => match e.kind() {
            io::ErrorKind::NetworkUnreachable => (PortState::Unreachable(Some(Unreach::Net)), None, None),
            io::ErrorKind::HostUnreachable => (PortState::Unreachable(Some(Unreach::Host)), None, None),
            _ => failed(&e),
        },
    };
    outcome(to, state)
}

async fn ask(to: SocketAddr, limit: Duration) -> io::Result<State> {
    let socket = Socket::new(if to.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 }, Type::DGRAM, None)?;
    socket.connect(&to.into())?;
    let socket = Datagrams::over(socket, to.is_ipv6())?;
    let until = Instant::now() + limit;
    let (mut again, mut sent) = (Instant::now(), Sent::now());
    let mut buffer = [0_u8; 512];
    loop {
        if Instant::now() >= again {
            sent = Sent::now();
            let result = socket.socket().send(&[]);
            again = sent.at() + AGAIN;
            if let Some(state) = word(&socket, sent)? {
                return Ok(state);
            }
            result?;
        }
        if let Some(state) = word(&socket, sent)? {
            return Ok(state);
        }
        if let Some(datagram) = socket.receive(&mut buffer)? {
            return Ok((PortState::Open, Some(sent.round_trip_us(datagram.at)), None));
        }
        let now = Instant::now();
        if now >= until {
            return Ok((PortState::OpenOrFiltered, None, None));
        }
        tokio::select! {
            () = sleep_until(until.min(again).into()) => {}
            ready = socket.wait() => ready?,
        }
    }
}

/// What the error queue says.
fn word(socket: &Datagrams, sent: Sent) -> io::Result<Option<State>> {
    let Some(returned) = socket.returned()? else { return Ok(None) };
    let us = Some(sent.round_trip_us(returned.at));
    Ok(Some(match returned.why {
        Unreach::Port => (PortState::Closed, us, returned.from),
        why => (PortState::Unreachable(Some(why)), us, returned.from),
    }))
}
