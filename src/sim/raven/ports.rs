//! The ports of an appliance's collectors, as real sockets on loopback: a relay that accepts whatever
//! happens, and a collector behind it that may be dead. Whoever looks at listening sockets finds them.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use super::world::{Appliance, Saved};
use crate::config::schema::{Protocol, ServicePort};

/// Ports are given out of these, one after the other: below those that the system gives to clients, and
/// never twice in a process, so that a port that was left can be taken up again.
const RANGE: std::ops::Range<u16> = 10_240..20_240;
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Where the collectors of a shipped appliance listen: service, name in the appliance's
/// configuration, TCP.
const PLAN: [(&str, &[&str], bool); 6] = [
    ("fluent-bit", &["syslog", "port"], false),
    ("goflow2", &["netflow", "ports", "netflow_v5"], false),
    ("goflow2", &["netflow", "ports", "ipfix"], false),
    ("goflow2", &["netflow", "ports", "sflow"], false),
    ("telegraf", &["snmp", "trap_port"], false),
    ("vector", &["windows", "port"], true),
];

/// A socket that is bound; what comes to it is not read.
#[derive(Debug)]
enum Bound {
    Udp(#[expect(dead_code, reason = "held, so that the port is")] UdpSocket),
    Tcp(#[expect(dead_code, reason = "held, so that the port is")] TcpListener),
}

impl Bound {
    fn open(tcp: bool, port: u16) -> std::io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        Ok(if tcp { Self::Tcp(TcpListener::bind(address)?) } else { Self::Udp(UdpSocket::bind(address)?) })
    }

    /// A port that nobody holds.
    fn any(tcp: bool) -> std::io::Result<(Self, u16)> {
        let mut failed = None;
        for _ in RANGE {
            // Processes begin at different places: two of them rarely want the same.
            let n = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add((std::process::id() % 997) as u16 * 10);
            let port = RANGE.start + n % (RANGE.end - RANGE.start);
            match Self::open(tcp, port) {
                Ok(bound) => return Ok((bound, port)),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
    }
}

/// A port that nobody holds now, and that no appliance of this process is given.
pub(super) fn free(tcp: bool) -> std::io::Result<u16> {
    Bound::any(tcp).map(|(_, port)| port)
}

/// A public port, and the one behind its relay.
#[derive(Debug)]
pub(crate) struct Pair {
    service: &'static str,
    path: &'static [&'static str],
    tcp: bool,
    /// `None`: somebody else held the port when it was to be taken up.
    public: Option<Bound>,
    public_port: u16,
    inner: Option<Bound>,
    inner_port: Option<u16>,
    /// Which start of its collector it was taken up at.
    starts: u32,
}

/// Opens the sockets of every collector.
pub(crate) fn open() -> std::io::Result<Vec<Pair>> {
    let pair = |(service, path, tcp): (&'static str, &'static [&'static str], bool)| {
        let (public, public_port) = Bound::any(tcp)?;
        // Only UDP has relays.
        let (inner, inner_port) = if tcp { None } else { Some(Bound::any(tcp)?) }.unzip();
        Ok(Pair { service, path, tcp, public: Some(public), public_port, inner, inner_port, starts: 0 })
    };
    PLAN.into_iter().map(pair).collect()
}

/// Opens and closes what is behind the relays, as their collectors live and die; one that was started
/// again takes up the port that is configured.
pub(crate) fn follow(pairs: &mut [Pair], appliance: &Appliance) {
    for pair in pairs {
        let Some(collector) = appliance.collectors.iter().find(|c| c.service == pair.service && c.alive) else {
            pair.inner = None;
            continue;
        };
        if std::mem::replace(&mut pair.starts, collector.starts) != collector.starts
            && !appliance.wrongs.keeps_ports
            && let Some(wanted) = configured(&appliance.saved, pair.path)
            && wanted != pair.public_port
        {
            pair.public_port = wanted;
            pair.public = Bound::open(pair.tcp, wanted).ok();
        }
        if let (None, Some(port)) = (&pair.inner, pair.inner_port) {
            // Somebody else may have taken the port meanwhile: the collector comes up without it.
            pair.inner = Bound::open(pair.tcp, port).ok();
        }
    }
}

/// The port at a place of the appliance's configuration.
fn configured(saved: &Saved, path: &[&str]) -> Option<u16> {
    let Saved::Told(config) = saved else { return None };
    let port = path.iter().try_fold(config.get("collection")?, |at, key| at.get(key))?;
    u16::try_from(port.as_u64()?).ok()
}

/// Whether a collector that is started now would have to listen on a port.
pub(crate) fn wants(service: &str, saved: &Saved, port: u16) -> bool {
    PLAN.iter().any(|(name, path, _)| *name == service && configured(saved, path) == Some(port))
}

/// Each service and its ports, for the configuration of the source.
pub(crate) fn settings(pairs: &[Pair]) -> Vec<(&'static str, ServicePort)> {
    let port = |pair: &Pair| {
        let protocol = if pair.tcp { Protocol::Tcp } else { Protocol::Udp };
        (pair.service, ServicePort { port: pair.public_port, inner: pair.inner_port, protocol })
    };
    pairs.iter().map(port).collect()
}

/// Puts the public ports into the appliance's configuration.
pub(crate) fn write(pairs: &[Pair], config: &mut serde_json::Value) {
    for pair in pairs {
        let at = pair.path.iter().try_fold(&mut config["collection"], |at, key| at.get_mut(key));
        if let Some(at) = at {
            *at = pair.public_port.into();
        }
    }
}
