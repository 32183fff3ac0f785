//! Datagrams with what the kernel knows of them: when they came, with which hop limit, and what
//! ICMP said of those that did not arrive. The last comes from the error queue of a socket
//! (`IP_RECVERR`), which is what makes traces possible without privileges.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv4RecvTtl, Ipv6RecvErr, Ipv6RecvHopLimit, ReceiveTimestampns};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};

use crate::model::diag::Unreach;

/// Origins of an error (`linux/errqueue.h`).
const ORIGIN_LOCAL: u8 = 1;
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;

/// Room for control messages: an error with its address, a time and a hop limit.
const CONTROL: usize = 512;

/// What ICMP, or the system itself, said of a packet of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Returned {
    /// Who said it; `None` for the system itself.
    pub(super) from: Option<IpAddr>,
    /// What.
    pub(super) why: Unreach,
    /// Where the packet was going.
    pub(super) to: Option<SocketAddr>,
    /// The beginning of what the packet held, from the header of its protocol on.
    pub(super) quoted: Vec<u8>,
    /// When the kernel received it.
    pub(super) at: Option<SystemTime>,
}

/// A datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Datagram {
    /// How long.
    pub(super) len: usize,
    /// Whose; `None` from a connected socket.
    pub(super) from: Option<SocketAddr>,
    /// Hop limit left.
    pub(super) hop_limit: Option<u8>,
    /// When the kernel received it.
    pub(super) at: Option<SystemTime>,
}

/// A socket that datagrams go through, of UDP or ICMP, waited for by the runtime. (What tokio has
/// for any descriptor is unsafe to make; to its UDP socket one kind of datagram is like the other.)
#[derive(Debug)]
pub(super) struct Datagrams(UdpSocket);

impl Datagrams {
    /// Over a socket; it becomes non-blocking, and keeps errors.
    pub(super) fn over(socket: Socket, v6: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        attend(&socket, v6)?;
        Ok(Self(UdpSocket::from_std(socket.into())?))
    }

    /// The socket itself.
    pub(super) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.0)
    }

    /// Waits until there may be something to read that [`Self::receive`] or [`Self::returned`] has
    /// not said `None` to.
    pub(super) async fn wait(&self) -> io::Result<()> {
        self.0.ready(Interest::READABLE | Interest::ERROR).await.map(drop)
    }

    /// The next datagram; `None` when there is none now.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Datagram>> {
        self.read(Interest::READABLE, || receive(&self.0, buffer))
    }

    /// The next entry of the error queue; `None` when it is empty.
    pub(super) fn returned(&self) -> io::Result<Option<Returned>> {
        self.read(Interest::ERROR, || returned(&self.0))
    }

    /// Reads even when the runtime has not been told yet that there is something: what came in time
    /// must not count as late. Nothing is lost: the runtime only forgets what it knew before a
    /// read that found nothing.
    fn read<T>(&self, what: Interest, mut read: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
        let known = self.0.try_io(what, || read()?.ok_or_else(|| io::ErrorKind::WouldBlock.into()));
        match known {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => read(),
            Err(e) => Err(e),
        }
    }
}

/// Asks the kernel to keep errors, and to tell times and hop limits.
pub(super) fn attend(socket: &impl AsFd, v6: bool) -> io::Result<()> {
    if v6 {
        setsockopt(socket, Ipv6RecvErr, &true)?;
        setsockopt(socket, Ipv6RecvHopLimit, &true)?;
    } else {
        setsockopt(socket, Ipv4RecvErr, &true)?;
        setsockopt(socket, Ipv4RecvTtl, &true)?;
    }
    setsockopt(socket, ReceiveTimestampns, &true)?;
    Ok(())
}

/// The next datagram; `None` when there is none now. A pending error of the socket, which only says
/// that the error queue is worth a look, counts as none.
fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<Option<Datagram>> {
    let mut control = [0_u8; CONTROL];
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        match recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT) {
            Ok(message) => break message,
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) if is_verdict(e) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    let mut out =
        Datagram { len: message.bytes, from: message.address.as_ref().and_then(plain), hop_limit: None, at: None };
    for item in message.cmsgs()? {
        match item {
            ControlMessageOwned::ScmTimestampns(time) => out.at = wall(time.tv_sec(), time.tv_nsec()),
            ControlMessageOwned::Ipv4Ttl(n) | ControlMessageOwned::Ipv6HopLimit(n) => {
                out.hop_limit = u8::try_from(n).ok();
            }
            _ => {}
        }
    }
    Ok(Some(out))
}

/// The next entry of the error queue; `None` when it is empty.
pub(super) fn returned(socket: &impl AsRawFd) -> io::Result<Option<Returned>> {
    let mut control = [0_u8; CONTROL];
    let mut buffer = [0_u8; 128];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = loop {
        match recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Ok(message) => break message,
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    let (len, to) = (message.bytes, message.address.as_ref().and_then(plain));
    let mut said = None;
    let mut at = None;
    for item in message.cmsgs()? {
        match item {
            ControlMessageOwned::Ipv4RecvErr(e, from) => {
                let from = from.map(|a| IpAddr::V4(Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr))));
                said = Some(meaning(e.ee_origin, e.ee_type, e.ee_code, e.ee_info, e.ee_errno, from));
            }
            ControlMessageOwned::Ipv6RecvErr(e, from) => {
                let from = from.map(|a| IpAddr::V6(Ipv6Addr::from(a.sin6_addr.s6_addr)));
                said = Some(meaning(e.ee_origin, e.ee_type, e.ee_code, e.ee_info, e.ee_errno, from));
            }
            ControlMessageOwned::ScmTimestampns(time) => at = wall(time.tv_sec(), time.tv_nsec()),
            _ => {}
        }
    }
    let quoted = buffer.get(..len).unwrap_or_default().to_vec();
    Ok(said.map(|(why, from)| Returned { from, why, to, quoted, at }))
}

/// What an entry of the error queue means, and who said it.
fn meaning(origin: u8, kind: u8, code: u8, info: u32, errno: u32, from: Option<IpAddr>) -> (Unreach, Option<IpAddr>) {
    match origin {
        ORIGIN_ICMP => (Unreach::v4(kind, code, info), from),
        ORIGIN_ICMP6 => (Unreach::v6(kind, code, info), from),
        ORIGIN_LOCAL => match Errno::from_raw(errno.cast_signed()) {
            Errno::EMSGSIZE => (Unreach::TooBig(info), None),
            Errno::ENETUNREACH => (Unreach::Net, None),
            Errno::EACCES | Errno::EPERM => (Unreach::Prohibited, None),
            _ => (Unreach::Host, None),
        },
        _ => (Unreach::Other(kind, code), from),
    }
}

/// Whether an error of a call is one that ICMP put there.
fn is_verdict(e: Errno) -> bool {
    matches!(
        e,
        Errno::ECONNREFUSED
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::EHOSTDOWN
            | Errno::EMSGSIZE
            | Errno::EPROTO
            | Errno::EACCES
            | Errno::ENOPROTOOPT
            | Errno::EOPNOTSUPP
            | Errno::ENONET
    )
}

fn plain(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::new(v4.ip().into(), v4.port()));
    }
    address.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().into(), v6.port()))
}

fn wall(seconds: i64, nanos: i64) -> Option<SystemTime> {
    let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// When something was sent, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    steady: std::time::Instant,
    wall: SystemTime,
}

impl Sent {
    /// Now.
    pub(super) fn now() -> Self {
        Self { steady: std::time::Instant::now(), wall: SystemTime::now() }
    }

    /// When, on the clock that never jumps.
    pub(super) const fn at(self) -> std::time::Instant {
        self.steady
    }

    /// µs to an answer. The kernel's time of receipt leaves out how long we took to read it; where
    /// the wall clock was set meanwhile, that time is nonsense and ours counts.
    pub(super) fn round_trip_us(self, received: Option<SystemTime>) -> u64 {
        let ours = self.steady.elapsed();
        let kernels = received.and_then(|at| at.duration_since(self.wall).ok()).filter(|t| *t <= ours);
        u64::try_from(kernels.unwrap_or(ours).as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_was_set_does_not_count() {
        let sent = Sent::now();
        for nonsense in [sent.wall - Duration::from_secs(5), sent.wall + Duration::from_secs(3600)] {
            assert!(sent.round_trip_us(Some(nonsense)) < 1_000_000);
        }
        assert_eq!(sent.round_trip_us(Some(sent.wall)), 0);
    }

    #[test]
    fn local_errors_are_told_from_those_of_routers() {
        let from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(meaning(ORIGIN_ICMP, 3, 13, 0, 0, from), (Unreach::Prohibited, from));
        assert_eq!(meaning(ORIGIN_ICMP6, 3, 0, 0, 0, from), (Unreach::HopLimit, from));
        assert_eq!(meaning(ORIGIN_LOCAL, 0, 0, 1400, Errno::EMSGSIZE as u32, None), (Unreach::TooBig(1400), None));
        assert_eq!(meaning(9, 7, 7, 0, 0, None), (Unreach::Other(7, 7), None));
    }
}
