//! What came of a diagnostic.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::model::time::Ts;

use super::stats::{loss_percent, percentile};
use super::{DiagRequest, DnsType, Protocol, Stats, Unreach};

/// The whole result of one diagnostic.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagResult {
    /// What was asked for.
    pub request: DiagRequest,
    /// When it began, our clock.
    pub started: Ts,
    /// How long it took, µs.
    pub duration_us: u64,
    /// Whether it was ended before it was through: what there is, is there.
    pub cancelled: bool,
    /// The address of the target; `None` for DNS.
    pub address: Option<IpAddr>,
    /// The figures.
    pub data: DiagData,
}

/// Figures by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum DiagData {
    /// Of echo requests.
    Ping(PingOutcome),
    /// Of a trace.
    Trace(TraceOutcome),
    /// Answers, in the order of the types asked for.
    Dns(Vec<DnsAnswer>),
    /// Of a bandwidth test.
    Bandwidth(BandwidthOutcome),
    /// Ports, in the order asked for.
    Port(Vec<PortOutcome>),
}

/// How it went, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The target answered.
    Reached,
    /// Some of it did, or it was ended early.
    Partly,
    /// The target did not answer, or refused.
    Failed,
    /// There is no way to the target, or to the server that would have known.
    Unreachable,
}

impl Verdict {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Partly => "partly",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}

impl DiagResult {
    /// How it went.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.cancelled {
            return Verdict::Partly;
        }
        match &self.data {
            DiagData::Ping(p) => p.verdict(),
            DiagData::Trace(t) => t.verdict(),
            DiagData::Dns(answers) => dns_verdict(answers),
            DiagData::Bandwidth(b) => b.verdict(),
            DiagData::Port(ports) => port_verdict(ports),
        }
    }
}

/// Through which socket echo requests went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// A datagram socket of ICMP: needs no privilege.
    Datagram,
    /// A raw socket: needs one.
    Raw,
}

impl SocketKind {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Datagram => "datagram",
            Self::Raw => "raw",
        }
    }
}

/// Figures of echo requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PingOutcome {
    /// Through which socket.
    pub socket: Option<SocketKind>,
    /// Sent.
    pub sent: u32,
    /// Answered in time and whole.
    pub received: u32,
    /// Answered more than once: answers too many.
    pub duplicates: u32,
    /// Answers that came after one to a later request.
    pub out_of_order: u32,
    /// Answers that came too late; their requests count as lost.
    pub late: u32,
    /// Answers with other bytes than were sent; their requests count as lost.
    pub corrupt: u32,
    /// Requests that the system did not send.
    pub unsent: u32,
    /// Requests sent back: by whom and why, with how often.
    pub unreachable: Vec<(Option<IpAddr>, Unreach, u32)>,
    /// Still waited for when it was ended.
    pub pending: u32,
    /// Hop limit left in the last answer.
    pub hop_limit: Option<u8>,
    /// Why the last one was not sent; empty when all were.
    pub unsent_why: String,
    /// Round trip of each request in the order sent, µs; `None` without an answer.
    pub rtt_us: Vec<Option<u64>>,
}

impl PingOutcome {
    /// Lost of those that were sent and not still waited for, in percent.
    #[must_use]
    pub fn loss_percent(&self) -> f64 {
        loss_percent(u64::from(self.sent.saturating_sub(self.pending)), u64::from(self.received))
    }

    /// Statistics of the round trips.
    #[must_use]
    pub fn stats(&self) -> Option<Stats> {
        Stats::of(&self.rtt_us.iter().flatten().copied().collect::<Vec<_>>())
    }

    fn verdict(&self) -> Verdict {
        if self.received > 0 {
            return Verdict::Reached;
        }
        if self.sent == 0 && self.unsent > 0 { Verdict::Unreachable } else { Verdict::Failed }
    }
}

/// What became of one probe of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A router on the way told that the hop limit ran out.
    Hop {
        /// Which.
        from: IpAddr,
        /// Round trip, µs.
        rtt_us: u64,
    },
    /// The target answered.
    Target {
        /// Its address, which may be another one than was probed.
        from: IpAddr,
        /// Round trip, µs.
        rtt_us: u64,
    },
    /// Sent back for another reason.
    Refused {
        /// By whom, where known: this machine itself when not.
        from: Option<IpAddr>,
        /// Round trip, µs.
        rtt_us: u64,
        /// Why.
        why: Unreach,
    },
    /// Nobody answered in time.
    Silent,
    /// The system did not send it.
    Unsent(String),
}

impl Probe {
    /// Who answered.
    #[must_use]
    pub const fn from(&self) -> Option<IpAddr> {
        match self {
            Self::Hop { from, .. } | Self::Target { from, .. } => Some(*from),
            Self::Refused { from, .. } => *from,
            Self::Silent | Self::Unsent(_) => None,
        }
    }

    /// Round trip, µs.
    #[must_use]
    pub const fn rtt_us(&self) -> Option<u64> {
        match self {
            Self::Hop { rtt_us, .. } | Self::Target { rtt_us, .. } | Self::Refused { rtt_us, .. } => Some(*rtt_us),
            Self::Silent | Self::Unsent(_) => None,
        }
    }
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Which, from 1.
    pub ttl: u8,
    /// Its probes, in the order sent.
    pub probes: Vec<Probe>,
}

impl Hop {
    /// Whether the target answered here.
    #[must_use]
    pub fn is_target(&self) -> bool {
        self.probes.iter().any(|p| matches!(p, Probe::Target { .. }))
    }

    /// Whether the way ends here: the target answered, or a probe came back for another reason.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.probes.iter().any(|p| matches!(p, Probe::Target { .. } | Probe::Refused { .. } | Probe::Unsent(_)))
    }

    /// Who answered, each once.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut out = Vec::new();
        for from in self.probes.iter().filter_map(Probe::from) {
            if !out.contains(&from) {
                out.push(from);
            }
        }
        out
    }
}

/// Figures of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceOutcome {
    /// The hops, in order, from 1.
    pub hops: Vec<Hop>,
    /// Names of their addresses, where there are any.
    pub names: BTreeMap<IpAddr, String>,
}

impl TraceOutcome {
    /// Whether the target answered.
    #[must_use]
    pub fn reached(&self) -> bool {
        self.hops.last().is_some_and(Hop::is_target)
    }

    fn verdict(&self) -> Verdict {
        if self.reached() {
            return Verdict::Reached;
        }
        let unsent = |h: &Hop| h.probes.iter().all(|p| matches!(p, Probe::Unsent(_)));
        if self.hops.first().is_some_and(unsent) { Verdict::Unreachable } else { Verdict::Failed }
    }
}

/// How a question to a name server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsOutcome {
    /// There are records.
    Answered,
    /// The name exists and has none of this type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server failed: it could not find out, or DNSSEC did not hold.
    ServFail,
    /// The server does not answer us.
    Refused,
    /// Another code of the server.
    Code(u16),
    /// No server answered in time.
    TimedOut,
    /// No server could be spoken to: the system's words.
    Unreachable(String),
    /// What came is no answer: why.
    Malformed(String),
}

impl DnsOutcome {
    /// One word for machines.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoData => "no_data",
            Self::NxDomain => "nxdomain",
            Self::ServFail => "servfail",
            Self::Refused => "refused",
            Self::Code(_) => "other_code",
            Self::TimedOut => "timed_out",
            Self::Unreachable(_) => "unreachable",
            Self::Malformed(_) => "malformed",
        }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRecord {
    /// Whose it is, without a dot at its end.
    pub owner: String,
    /// How long it may be kept, seconds.
    pub ttl_s: u32,
    /// Its type (`CNAME`, `A`, `TYPE65` …).
    pub kind: String,
    /// Its value as zone files write it.
    pub value: String,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// What was asked for.
    pub kind: DnsType,
    /// How it ended.
    pub outcome: DnsOutcome,
    /// The server that answered, or the last that was tried.
    pub server: Option<SocketAddr>,
    /// Over which transport.
    pub protocol: Protocol,
    /// From the question to its answer at that server, µs.
    pub rtt_us: Option<u64>,
    /// Questions sent in all.
    pub tries: u32,
    /// Tries that failed before: which server and why.
    pub failed: Vec<(SocketAddr, String)>,
    /// Whether the server is an authority for the name.
    pub authoritative: bool,
    /// Whether the answer over UDP was cut short (it was asked for again over TCP).
    pub truncated: bool,
    /// Whether the server says that it verified the answer by DNSSEC.
    pub verified: bool,
    /// The records, with the aliases that lead to them.
    pub records: Vec<DnsRecord>,
}

fn dns_verdict(answers: &[DnsAnswer]) -> Verdict {
    let has = |test: fn(&DnsOutcome) -> bool| answers.iter().any(|a| test(&a.outcome));
    let failed = has(|o| !matches!(o, DnsOutcome::Answered | DnsOutcome::NoData));
    match (has(|o| *o == DnsOutcome::Answered), failed) {
        (true, false) => Verdict::Reached,
        (true, true) => Verdict::Partly,
        _ if answers.iter().all(|a| matches!(a.outcome, DnsOutcome::TimedOut | DnsOutcome::Unreachable(_))) => {
            Verdict::Unreachable
        }
        _ => Verdict::Failed,
    }
}

/// Bytes of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BandwidthSample {
    /// Its end, since the first byte was asked for, µs.
    pub at_us: u64,
    /// Its length, µs.
    pub length_us: u64,
    /// Bytes of the bodies in it.
    pub bytes: u64,
    /// Whether it belongs to the warm-up, which counts for nothing.
    pub warm_up: bool,
}

impl BandwidthSample {
    /// Its rate in bits per second.
    #[must_use]
    pub const fn bits_per_second(&self) -> u64 {
        rate(self.bytes, self.length_us)
    }
}

const fn rate(bytes: u64, micros: u64) -> u64 {
    if micros == 0 { 0 } else { (bytes as u128 * 8_000_000 / micros as u128) as u64 }
}

/// Figures of a bandwidth test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BandwidthOutcome {
    /// Bytes of the bodies in all, warm-up included.
    pub total_bytes: u64,
    /// Bytes after the warm-up.
    pub measured_bytes: u64,
    /// Time after the warm-up, µs.
    pub measured_us: u64,
    /// Samples in order.
    pub samples: Vec<BandwidthSample>,
    /// Requests made.
    pub requests: u32,
    /// Status of the first answer; 0 without one.
    pub status: u16,
    /// The URL that was measured after redirections.
    pub url: String,
    /// Time to connect, first stream, µs.
    pub connect_us: Option<u64>,
    /// TLS handshake, first stream, µs.
    pub tls_us: Option<u64>,
    /// From the request to the head of its answer, first stream, µs.
    pub first_byte_us: Option<u64>,
    /// Streams that failed, each with why.
    pub errors: Vec<String>,
    /// Whether no connection could be made at all.
    pub unreachable: bool,
}

impl BandwidthOutcome {
    /// The mean rate after the warm-up, bits per second.
    #[must_use]
    pub const fn bits_per_second(&self) -> u64 {
        rate(self.measured_bytes, self.measured_us)
    }

    /// Slowest, median and fastest sample after the warm-up, bits per second.
    #[must_use]
    pub fn spread(&self) -> Option<(u64, u64, u64)> {
        let counted = self.samples.iter().filter(|s| !s.warm_up);
        let mut rates: Vec<u64> = counted.map(BandwidthSample::bits_per_second).collect();
        rates.sort_unstable();
        Some((*rates.first()?, percentile(&rates, 50), *rates.last()?))
    }

    fn verdict(&self) -> Verdict {
        match (self.measured_bytes > 0, self.errors.is_empty()) {
            (true, true) => Verdict::Reached,
            (true, false) => Verdict::Partly,
            (false, _) if self.unreachable => Verdict::Unreachable,
            (false, _) => Verdict::Failed,
        }
    }
}

/// What is known of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortState {
    /// Something listens.
    Open,
    /// Nothing listens, or a firewall says so.
    Closed,
    /// UDP: no word came back, so something may listen, or a filter may swallow.
    OpenOrFiltered,
    /// TCP: no word came back; a filter swallows, or the host is down.
    Silent,
    /// Sent back by a router or the system.
    Unreachable(Option<Unreach>),
    /// The system could not try it: its words.
    Failed(String),
}

impl PortState {
    /// One word for machines.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::OpenOrFiltered => "open_or_filtered",
            Self::Silent => "timed_out",
            Self::Unreachable(_) => "unreachable",
            Self::Failed(_) => "failed",
        }
    }
}

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortOutcome {
    /// Which.
    pub port: u16,
    /// What is known.
    pub state: PortState,
    /// Until it was known, µs; `None` when the time ran out.
    pub rtt_us: Option<u64>,
    /// Who sent it back, where known.
    pub from: Option<IpAddr>,
}

fn port_verdict(ports: &[PortOutcome]) -> Verdict {
    let open = ports.iter().filter(|p| p.state == PortState::Open).count();
    if open > 0 {
        return if open == ports.len() { Verdict::Reached } else { Verdict::Partly };
    }
    // For UDP silence is the best that can be had of most that listen.
    if ports.iter().any(|p| p.state == PortState::OpenOrFiltered) {
        return Verdict::Partly;
    }
    let away = |p: &PortOutcome| matches!(p.state, PortState::Unreachable(_) | PortState::Failed(_));
    if ports.iter().all(away) { Verdict::Unreachable } else { Verdict::Failed }
}
