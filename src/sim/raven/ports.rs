//! The ports of an appliance's collectors, as real sockets on loopback: a relay that accepts whatever
//! happens, and a collector behind it that may be dead. Whoever looks at listening sockets finds them.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use crate::config::schema::{Protocol, ServicePort};

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
    Udp(UdpSocket),
    Tcp(TcpListener),
}

impl Bound {
    fn open(tcp: bool, port: u16) -> std::io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        Ok(if tcp { Self::Tcp(TcpListener::bind(address)?) } else { Self::Udp(UdpSocket::bind(address)?) })
    }

    fn port(&self) -> std::io::Result<u16> {
        Ok(match self {
            Self::Udp(socket) => socket.local_addr()?,
            Self::Tcp(listener) => listener.local_addr()?,
        }
        .port())
    }
}

/// A public port, and the one behind its relay.
#[derive(Debug)]
pub(crate) struct Pair {
    service: &'static str,
    path: &'static [&'static str],
    tcp: bool,
    /// Held as long as the appliance runs.
    _public: Bound,
    public_port: u16,
    inner: Option<Bound>,
    inner_port: Option<u16>,
}

/// Opens the sockets of every collector.
pub(crate) fn open() -> std::io::Result<Vec<Pair>> {
    let pair = |(service, path, tcp): (&'static str, &'static [&'static str], bool)| {
        let public = Bound::open(tcp, 0)?;
        // Only UDP has relays.
        let inner = if tcp { None } else { Some(Bound::open(tcp, 0)?) };
        let inner_port = inner.as_ref().map(Bound::port).transpose()?;
        Ok(Pair { service, path, tcp, public_port: public.port()?, _public: public, inner, inner_port })
    };
    PLAN.into_iter().map(pair).collect()
}

/// Opens and closes what is behind the relays, as their collectors live and die.
pub(crate) fn follow(pairs: &mut [Pair], lives: impl Fn(&str) -> bool) {
    for pair in pairs {
        let Some(port) = pair.inner_port else { continue };
        if !lives(pair.service) {
            pair.inner = None;
        } else if pair.inner.is_none() {
            // Somebody else may have taken the port meanwhile: the collector comes up without it.
            pair.inner = Bound::open(pair.tcp, port).ok();
        }
    }
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
