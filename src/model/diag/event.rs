//! What a diagnostic tells while it runs.

use std::net::IpAddr;

use super::outcome::{BandwidthSample, DnsAnswer, Hop, PortOutcome};
use super::{SocketKind, Unreach};

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub enum DiagEvent {
    /// The target has an address and it begins.
    Started {
        /// The address; `None` for DNS.
        address: Option<IpAddr>,
        /// Which socket echo requests go through; `None` for the others.
        socket: Option<SocketKind>,
    },
    /// An echo request ended in some way.
    Ping(PingEvent),
    /// A hop is complete. They come in order.
    Hop(Hop),
    /// The name of a hop, after the hop itself.
    HopName {
        /// The address.
        address: IpAddr,
        /// Its name.
        name: String,
    },
    /// An answer, or why there is none.
    Dns(DnsAnswer),
    /// A connection for a bandwidth test stands.
    Connected {
        /// Which of them, from 0.
        stream: u8,
        /// Time to connect, µs.
        connect_us: u64,
        /// TLS handshake, µs.
        tls_us: Option<u64>,
    },
    /// Bytes of one sample.
    Bandwidth(BandwidthSample),
    /// A port is known.
    Port(PortOutcome),
}

/// What became of an echo request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PingEvent {
    /// It was answered.
    Reply {
        /// Which, from 1.
        seq: u32,
        /// Bytes behind the ICMP header of the answer.
        bytes: usize,
        /// Hop limit left, where the system tells.
        hop_limit: Option<u8>,
        /// Round trip, µs.
        rtt_us: u64,
        /// An answer to a later one came before.
        out_of_order: bool,
    },
    /// Answered once more.
    Duplicate {
        /// Which.
        seq: u32,
        /// Round trip of this answer, µs.
        rtt_us: u64,
    },
    /// Answered after it had been given up; counted as lost.
    Late {
        /// Which.
        seq: u32,
        /// Round trip, µs.
        rtt_us: u64,
    },
    /// Answered with other bytes than were sent; counted as lost.
    Corrupt {
        /// Which.
        seq: u32,
    },
    /// Not answered in time.
    Timeout {
        /// Which.
        seq: u32,
    },
    /// Sent back by a router or by the host.
    Unreachable {
        /// Which.
        seq: u32,
        /// By whom, where known.
        from: Option<IpAddr>,
        /// Why.
        why: Unreach,
    },
    /// Not even sent.
    Unsent {
        /// Which.
        seq: u32,
        /// The system's words.
        why: String,
    },
}
