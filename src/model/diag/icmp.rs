//! What ICMP and ICMPv6 say about a packet that did not arrive, in words.

/// Why a router or a host sent a packet back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unreach {
    /// No route to the network.
    Net,
    /// The last router cannot reach the host.
    Host,
    /// The host does not speak the protocol.
    Protocol,
    /// Nothing listens on the port.
    Port,
    /// A link on the way is too narrow for the packet; its MTU in bytes, 0 when not told.
    TooBig(u32),
    /// A filter forbids it.
    Prohibited,
    /// The hop limit ran out on the way.
    HopLimit,
    /// Anything else: type and code as on the wire.
    Other(u8, u8),
}

impl Unreach {
    /// From type and code of an ICMP message (RFC 792, RFC 1812); `info` is the MTU where there is one.
    #[must_use]
    pub const fn v4(kind: u8, code: u8, info: u32) -> Self {
        match (kind, code) {
            (3, 0 | 6 | 8 | 11) => Self::Net,
            (3, 1 | 7 | 12) => Self::Host,
            (3, 2) => Self::Protocol,
            (3, 3) => Self::Port,
            (3, 4) => Self::TooBig(info),
            (3, 9 | 10 | 13) => Self::Prohibited,
            (11, 0) => Self::HopLimit,
            _ => Self::Other(kind, code),
        }
    }

    /// From type and code of an ICMPv6 message (RFC 4443).
    #[must_use]
    pub const fn v6(kind: u8, code: u8, info: u32) -> Self {
        match (kind, code) {
            (1, 0 | 2) => Self::Net,
            (1, 3) => Self::Host,
            (1, 4) => Self::Port,
            (1, 1 | 5 | 6) => Self::Prohibited,
            (2, _) => Self::TooBig(info),
            (3, 0) => Self::HopLimit,
            (4, 1) => Self::Protocol,
            _ => Self::Other(kind, code),
        }
    }

    /// What it means.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Net => "no route to the network".into(),
            Self::Host => "the host does not answer the last router".into(),
            Self::Protocol => "the host does not speak the protocol".into(),
            Self::Port => "nothing listens on the port".into(),
            Self::TooBig(0) => "the packet is too big for a link on the way".into(),
            Self::TooBig(mtu) => format!("the packet is too big for a link on the way (MTU {mtu} bytes)"),
            Self::Prohibited => "a filter forbids it".into(),
            Self::HopLimit => "the hop limit ran out on the way".into(),
            Self::Other(kind, code) => format!("ICMP type {kind} code {code}"),
        }
    }

    /// One word for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Net => "network_unreachable",
            Self::Host => "host_unreachable",
            Self::Protocol => "protocol_unreachable",
            Self::Port => "port_unreachable",
            Self::TooBig(_) => "too_big",
            Self::Prohibited => "prohibited",
            Self::HopLimit => "hop_limit",
            Self::Other(..) => "other",
        }
    }

    /// The mark that traceroute programs put behind a probe.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Net => "!N",
            Self::Host => "!H",
            Self::Protocol => "!P",
            Self::TooBig(_) => "!F",
            Self::Prohibited => "!X",
            Self::Port | Self::HopLimit => "",
            Self::Other(..) => "!?",
        }
    }
}
