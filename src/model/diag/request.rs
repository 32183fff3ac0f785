//! What an operator may ask for, with the limits that keep a diagnostic from becoming a flood.

use std::time::Duration;

use super::host::split_port;
use super::{DnsName, Family, Host, HttpUrl, Wrong};

/// A diagnostic to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiagRequest {
    /// Echo requests to a host.
    Ping(PingRequest),
    /// The way to a host, hop by hop.
    Trace(TraceRequest),
    /// Records of a name.
    Dns(DnsRequest),
    /// How much a server sends or takes.
    Bandwidth(BandwidthRequest),
    /// Whether something listens.
    Port(PortRequest),
}

impl DiagRequest {
    /// Its kind as a word: `ping`, `trace`, `dns`, `bandwidth`, `port`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ping(_) => "ping",
            Self::Trace(_) => "trace",
            Self::Dns(_) => "dns",
            Self::Bandwidth(_) => "bandwidth",
            Self::Port(_) => "port",
        }
    }

    /// What it is about: a host, a name, a URL.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Ping(r) => r.host.to_string(),
            Self::Trace(r) => r.host.to_string(),
            Self::Dns(r) => r.name.to_string(),
            Self::Bandwidth(r) => r.url.to_string(),
            Self::Port(r) => r.host.to_string(),
        }
    }

    /// Whether its numbers are within their limits. Whoever runs it checks again.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), Wrong> {
        match self {
            Self::Ping(r) => r.check(),
            Self::Trace(r) => r.check(),
            Self::Dns(r) => r.check(),
            Self::Bandwidth(r) => r.check(),
            Self::Port(r) => r.check(),
        }
    }
}

fn within<T: Copy + PartialOrd + std::fmt::Display>(
    field: &'static str,
    value: T,
    low: T,
    high: T,
) -> Result<(), Wrong> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(Wrong::new(field, format!("{value} is not from {low} to {high}")))
}

fn span(field: &'static str, value: Duration, low_ms: u64, high_ms: u64) -> Result<(), Wrong> {
    if value >= Duration::from_millis(low_ms) && value <= Duration::from_millis(high_ms) {
        return Ok(());
    }
    let shown = |ms: u64| if ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{ms} ms") };
    Err(Wrong::new(field, format!("{value:?} is not from {} to {}", shown(low_ms), shown(high_ms))))
}

/// Echo requests to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingRequest {
    /// The host.
    pub host: Host,
    /// Kind of addresses.
    pub family: Family,
    /// How many, 1 to 10 000.
    pub count: u32,
    /// From one to the next, 10 ms to 60 s.
    pub interval: Duration,
    /// How long each is waited for, 10 ms to 60 s.
    pub timeout: Duration,
    /// Bytes behind the ICMP header, 0 to 65 507.
    pub size: u16,
    /// Hop limit of what is sent; the system's when `None`.
    pub hop_limit: Option<u8>,
}

impl PingRequest {
    /// The largest payload that an IPv4 packet has room for, in bytes.
    pub const MAX_SIZE: u16 = 65_507;

    /// Four of 32 bytes, a second apart, each waited for 2 s.
    #[must_use]
    pub const fn new(host: Host) -> Self {
        Self {
            host,
            family: Family::Any,
            count: 4,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            size: 32,
            hop_limit: None,
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        within("count", self.count, 1, 10_000)?;
        span("interval", self.interval, 10, 60_000)?;
        span("timeout", self.timeout, 10, 60_000)?;
        within("size", self.size, 0, Self::MAX_SIZE)?;
        within("hop_limit", self.hop_limit.unwrap_or(1), 1, 255)?;
        if self.interval.saturating_mul(self.count) > Duration::from_secs(24 * 3600) {
            return Err(Wrong::new("count", "with this interval it would last longer than a day"));
        }
        // Large packets in quick succession are a load test, and not of our making.
        let per_second = f64::from(self.size) / self.interval.as_secs_f64();
        if per_second > 2_000_000.0 {
            return Err(Wrong::new("size", "with this interval it would send more than 2 MB/s"));
        }
        Ok(())
    }
}

/// The way to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRequest {
    /// The host.
    pub host: Host,
    /// Kind of addresses.
    pub family: Family,
    /// Where it ends at the latest, 1 to 64.
    pub max_hops: u8,
    /// Probes a hop, 1 to 10.
    pub queries: u8,
    /// How long each is waited for, 50 ms to 30 s.
    pub timeout: Duration,
    /// Probes on their way at once, 1 to 32.
    pub parallel: u8,
    /// First UDP port probed; each probe takes the next. 1 024 to 64 000.
    pub port: u16,
    /// Whether the names of the hops are asked for.
    pub names: bool,
}

impl TraceRequest {
    /// Three probes a hop, at most 30 hops, each waited for 2 s.
    #[must_use]
    pub const fn new(host: Host) -> Self {
        Self {
            host,
            family: Family::Any,
            max_hops: 30,
            queries: 3,
            timeout: Duration::from_secs(2),
            parallel: 12,
            port: 33_434,
            names: true,
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        within("max_hops", self.max_hops, 1, 64)?;
        within("queries", self.queries, 1, 10)?;
        span("timeout", self.timeout, 50, 30_000)?;
        within("parallel", self.parallel, 1, 32)?;
        within("port", self.port, 1024, 64_000)
    }
}

/// Types of DNS records that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DnsType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// What the name stands for.
    Cname,
    /// Mail servers.
    Mx,
    /// Name servers.
    Ns,
    /// Start of authority.
    Soa,
    /// Texts.
    Txt,
    /// Names of an address.
    Ptr,
    /// Services.
    Srv,
}

impl DnsType {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::A, Self::Aaaa, Self::Cname, Self::Mx, Self::Ns, Self::Soa, Self::Txt, Self::Ptr, Self::Srv];

    /// As in zone files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Txt => "TXT",
            Self::Ptr => "PTR",
            Self::Srv => "SRV",
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Soa => 6,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }

    /// From its word, in any case.
    ///
    /// # Errors
    /// The words there are.
    pub fn parse(word: &str) -> Result<Self, Wrong> {
        let found = Self::ALL.into_iter().find(|t| t.word().eq_ignore_ascii_case(word.trim()));
        let words = || Self::ALL.map(Self::word).join(", ");
        found.ok_or_else(|| Wrong::new("type", format!("is one of {}", words())))
    }
}

/// Records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRequest {
    /// The name, complete.
    pub name: DnsName,
    /// Types, 1 to 9, each once.
    pub types: Vec<DnsType>,
    /// The server and its port; those of the system when `None`.
    pub server: Option<(Host, u16)>,
    /// How long each try is waited for, 50 ms to 30 s.
    pub timeout: Duration,
    /// Tries with each server, 1 to 5.
    pub attempts: u8,
    /// Whether TCP is used from the beginning; otherwise only for answers that UDP cut short.
    pub tcp: bool,
}

impl DnsRequest {
    /// A and AAAA (PTR for an address) from the servers of the system, each try waited for 2 s.
    #[must_use]
    pub fn new(name: DnsName) -> Self {
        let types = if name.is_reverse() { vec![DnsType::Ptr] } else { vec![DnsType::A, DnsType::Aaaa] };
        Self { name, types, server: None, timeout: Duration::from_secs(2), attempts: 2, tcp: false }
    }

    /// Reads a server: `host`, `host:port`, `[v6]:port`; port 53 where none is given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_server(text: &str) -> Result<(Host, u16), Wrong> {
        split_port("server", text.trim(), 53)
    }

    fn check(&self) -> Result<(), Wrong> {
        within("types", self.types.len(), 1, DnsType::ALL.len())?;
        let twice = |t: &DnsType| self.types.iter().filter(|o| *o == t).count() > 1;
        if let Some(t) = self.types.iter().find(|t| twice(t)) {
            return Err(Wrong::new("types", format!("{} is there twice", t.word())));
        }
        span("timeout", self.timeout, 50, 30_000)?;
        within("attempts", self.attempts, 1, 5)
    }
}

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// From the server: HTTP GET.
    #[default]
    Download,
    /// To the server: HTTP POST of random bytes.
    Upload,
}

impl Direction {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }
}

/// How much a server sends or takes. What is received is counted and dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandwidthRequest {
    /// Where.
    pub url: HttpUrl,
    /// Kind of addresses.
    pub family: Family,
    /// Which way.
    pub direction: Direction,
    /// How long is measured, 500 ms to 5 min.
    pub duration: Duration,
    /// What is left out before that, while connections reach their speed: 0 to 30 s.
    pub warm_up: Duration,
    /// Connections at once, 1 to 16.
    pub streams: u8,
    /// From one sample to the next, 100 ms to 10 s.
    pub sample: Duration,
    /// How long a connection and the head of an answer may take, 100 ms to 60 s.
    pub timeout: Duration,
    /// File with the authorities to trust (PEM) instead of the system's.
    pub ca: Option<String>,
}

impl BandwidthRequest {
    /// A download of 10 s after a second of warm-up, over one connection.
    #[must_use]
    pub const fn new(url: HttpUrl) -> Self {
        Self {
            url,
            family: Family::Any,
            direction: Direction::Download,
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(1),
            streams: 1,
            sample: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
            ca: None,
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        span("duration", self.duration, 500, 300_000)?;
        span("warm_up", self.warm_up, 0, 30_000)?;
        within("streams", self.streams, 1, 16)?;
        span("sample", self.sample, 100, 10_000)?;
        span("timeout", self.timeout, 100, 60_000)?;
        if self.sample > self.duration {
            return Err(Wrong::new("sample", "is longer than the duration"));
        }
        Ok(())
    }
}

/// Transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// TCP: a connection is made and closed.
    #[default]
    Tcp,
    /// UDP: an empty datagram is sent.
    Udp,
}

impl Protocol {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Whether something listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRequest {
    /// The host.
    pub host: Host,
    /// Kind of addresses.
    pub family: Family,
    /// Ports, 1 to 128 of them.
    pub ports: Vec<u16>,
    /// Transport.
    pub protocol: Protocol,
    /// How long each is waited for, 50 ms to 60 s.
    pub timeout: Duration,
}

impl PortRequest {
    /// TCP, each port waited for 3 s.
    #[must_use]
    pub const fn new(host: Host, ports: Vec<u16>) -> Self {
        Self { host, family: Family::Any, ports, protocol: Protocol::Tcp, timeout: Duration::from_secs(3) }
    }

    fn check(&self) -> Result<(), Wrong> {
        within("ports", self.ports.len(), 1, MAX_PORTS)?;
        if self.ports.contains(&0) {
            return Err(Wrong::new("ports", "0 is no port"));
        }
        span("timeout", self.timeout, 50, 60_000)
    }
}

const MAX_PORTS: usize = 128;

/// Reads ports: `22,80,8000-8010`. In the order given, each once.
///
/// # Errors
/// What is wrong with it.
pub fn parse_ports(text: &str) -> Result<Vec<u16>, Wrong> {
    let wrong =
        |part: &str| Wrong::new("ports", format!("`{}` is no port and no range", crate::model::text::clean(part)));
    let mut out: Vec<u16> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let number = |t: &str| t.parse::<u16>().ok().filter(|n| *n > 0 && t.bytes().all(|b| b.is_ascii_digit()));
        let (first, last) = match part.split_once('-') {
            Some((a, b)) => (number(a), number(b)),
            None => (number(part), number(part)),
        };
        let (Some(first), Some(last)) = (first, last) else { return Err(wrong(part)) };
        if first > last {
            return Err(wrong(part));
        }
        for port in first..=last {
            if !out.contains(&port) {
                out.push(port);
            }
            if out.len() > MAX_PORTS {
                return Err(Wrong::new("ports", format!("at most {MAX_PORTS} at once")));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host() -> Host {
        Host::parse("127.0.0.1").unwrap()
    }

    #[test]
    fn defaults_are_within_the_limits() {
        let all = [
            DiagRequest::Ping(PingRequest::new(host())),
            DiagRequest::Trace(TraceRequest::new(host())),
            DiagRequest::Dns(DnsRequest::new(DnsName::parse("example.net").unwrap())),
            DiagRequest::Bandwidth(BandwidthRequest::new(HttpUrl::parse("http://a/").unwrap())),
            DiagRequest::Port(PortRequest::new(host(), vec![22])),
        ];
        for request in all {
            assert_eq!(request.check(), Ok(()), "{}", request.kind());
        }
    }

    #[test]
    fn what_would_flood_or_mean_nothing_is_refused() {
        let ping = |change: fn(&mut PingRequest)| {
            let mut r = PingRequest::new(host());
            change(&mut r);
            r.check().unwrap_err().field
        };
        assert_eq!(ping(|r| r.count = 0), "count");
        assert_eq!(ping(|r| r.count = 10_001), "count");
        assert_eq!(ping(|r| r.interval = Duration::from_millis(9)), "interval");
        assert_eq!(ping(|r| r.size = 65_508), "size");
        assert_eq!(ping(|r| (r.size, r.interval) = (65_000, Duration::from_millis(20))), "size");
        assert_eq!(ping(|r| (r.count, r.interval) = (10_000, Duration::from_mins(1))), "count");
        assert_eq!(ping(|r| r.hop_limit = Some(0)), "hop_limit");
        let mut dns = DnsRequest::new(DnsName::parse("a").unwrap());
        dns.types = vec![DnsType::A, DnsType::A];
        assert!(dns.check().unwrap_err().to_string().contains("twice"));
        let mut trace = TraceRequest::new(host());
        trace.max_hops = 65;
        assert_eq!(trace.check().unwrap_err().to_string(), "max_hops: 65 is not from 1 to 64");
        let mut port = PortRequest::new(host(), vec![]);
        assert!(port.check().is_err());
        port.ports = vec![0];
        assert!(port.check().is_err());
    }

    #[test]
    fn ports_and_servers_are_read() {
        assert_eq!(parse_ports("22, 80,8000-8002,80"), Ok(vec![22, 80, 8000, 8001, 8002]));
        for bad in ["", "0", "x", "5-2", "1-200", "+5", "1,,2", "70000", "-1"] {
            assert!(parse_ports(bad).is_err(), "{bad}");
        }
        let server = |t: &str| DnsRequest::parse_server(t).map(|(h, p)| (h.to_string(), p));
        assert_eq!(server("9.9.9.9"), Ok(("9.9.9.9".into(), 53)));
        assert_eq!(server("::1"), Ok(("::1".into(), 53)));
        assert_eq!(server("[::1]:5353"), Ok(("::1".into(), 5353)));
        assert_eq!(server("ns.example.net:54"), Ok(("ns.example.net".into(), 54)));
        assert!(server(":53").is_err() && server("a:b:c").is_err() && server("a:99999").is_err());
        assert_eq!(DnsType::parse("aaaa"), Ok(DnsType::Aaaa));
        assert!(DnsType::parse("axfr").unwrap_err().to_string().contains("CNAME"));
    }

    proptest! {
        #[test]
        fn ports_never_exceed_their_limits(text in "[0-9,\\- ]{0,30}") {
            if let Ok(ports) = parse_ports(&text) {
                prop_assert!(!ports.is_empty() && ports.len() <= MAX_PORTS && !ports.contains(&0));
            }
        }
    }
}
