//! The tests: the fields of each, and the request that they are set to.

use std::time::Duration;

use crate::model::diag::{
    BandwidthRequest, DiagRequest, Direction, DnsName, DnsRequest, DnsType, Host, HttpUrl, PingRequest, PortRequest,
    Protocol, TraceRequest, Wrong, parse_ports,
};
use crate::model::time::parse_duration;
use crate::panes::fields::{Entry, Fields};

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ping,
    Trace,
    Dns,
    Bandwidth,
    Port,
}

const HOST: &str = "Whom to test: a name or an address.";
const WHOM: &str = "which host, by name or address?";
const TIMEOUT: &str = "How long each is waited for: 500ms, 2s; from 50 ms to 30 s.";

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Ping, Self::Trace, Self::Dns, Self::Bandwidth, Self::Port];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Ping => "Ping",
            Self::Trace => "Trace",
            Self::Dns => "DNS",
            Self::Bandwidth => "Bandwidth",
            Self::Port => "Port",
        }
    }

    /// Its fields as they are at first, by the names that requests have for them; the first is the
    /// target.
    fn fields(self) -> Vec<Entry> {
        let host = || Entry::text("host", "Target", "", HOST).hint(WHOM);
        match self {
            Self::Ping => vec![
                host(),
                Entry::text("count", "Count", "4", "How many echo requests, 1 to 10000."),
                Entry::text("timeout", "Time-out", "2s", "How long each is waited for: 500ms, 2s; from 10 ms to 60 s."),
                Entry::text("interval", "Interval", "1s", "From one to the next: 200ms, 1s; from 10 ms to 60 s."),
                Entry::text("size", "Size", "32", "Bytes of each behind the ICMP header, 0 to 65507."),
            ],
            Self::Trace => vec![
                host(),
                Entry::text("max_hops", "Max hops", "30", "Where it ends at the latest, 1 to 64 hops away."),
                Entry::text("queries", "Probes", "3", "Probes a hop, 1 to 10."),
                Entry::text("timeout", "Time-out", "2s", TIMEOUT),
                Entry::word(
                    "names",
                    "Names",
                    &["yes", "no"],
                    "Whether the names of the hops are asked for; Enter turns it.",
                ),
            ],
            Self::Dns => vec![
                Entry::text("name", "Name", "", "A name, or an address for the name behind it.")
                    .hint("which name, or which address?"),
                Entry::text(
                    "types",
                    "Types",
                    "A,AAAA",
                    "Record types, commas between: A, AAAA, MX, CNAME, TXT, NS, PTR, SOA, SRV.",
                ),
                Entry::text(
                    "server",
                    "Server",
                    "system",
                    "Whom to ask: system, or a name server by its address, host:port.",
                ),
                Entry::text("timeout", "Time-out", "2s", TIMEOUT),
            ],
            Self::Bandwidth => vec![
                Entry::text("url", "URL", "", "What to load, or where to send to: http:// or https://.")
                    .hint("which URL, http:// or https://?"),
                Entry::word(
                    "direction",
                    "Direction",
                    &["download", "upload"],
                    "Which way is measured; Enter turns it.",
                ),
                Entry::text("duration", "Duration", "10s", "How long it is measured: 10s, 1m."),
                Entry::text("streams", "Streams", "1", "Connections at once, 1 to 16."),
            ],
            Self::Port => vec![
                host(),
                Entry::text(
                    "ports",
                    "Ports",
                    "22,80,443",
                    "Ports and ranges, commas between: 22,8000-8010; at most 128.",
                ),
                Entry::word("protocol", "Protocol", &["tcp", "udp"], "Which transport; Enter turns it."),
                Entry::text("timeout", "Time-out", "3s", "How long each is waited for: 500ms, 3s; from 50 ms to 60 s."),
            ],
        }
    }
}

/// A test with its settings.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) kind: Kind,
    pub(super) fields: Fields,
}

impl Tool {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, fields: Fields::new(kind.fields()) }
    }

    /// Whom or what it tests.
    pub(super) fn target(&self) -> &str {
        self.fields.entries.first().map_or("", |e| e.value.as_str())
    }

    /// Aims it.
    pub(super) fn aim(&mut self, target: &str) {
        if let Some(first) = self.fields.entries.first_mut() {
            target.clone_into(&mut first.value);
            first.fault = None;
        }
    }

    /// Finds out what is wrong with its fields: with a target that is not there yet, only the others.
    pub(super) fn check(&mut self) {
        self.fields.absolve();
        let missing = self.target().is_empty();
        let mut tried = self.clone();
        if missing {
            tried.aim(if self.kind == Kind::Bandwidth { "http://127.0.0.1/" } else { "127.0.0.1" });
        }
        if let Err(why) = tried.request() {
            let known = self.fields.blame(why.field, &why.why);
            // What is told of a field by another name stands at the one that was changed.
            if !known && let Some(name) = self.fields.current().map(|e| e.name) {
                self.fields.blame(name, &why.to_string());
            }
        }
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Wrong> {
        let text = self.fields.value(name);
        text.parse().map_err(|_| wrong(name, format!("`{text}` is no number that fits")))
    }

    fn span(&self, name: &'static str) -> Result<Duration, Wrong> {
        let text = self.fields.value(name);
        let ms = text.strip_suffix("ms").and_then(|n| n.parse().ok()).map(Duration::from_millis);
        let other = || parse_duration(text).and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
        // Whoever types digits alone means seconds.
        let bare = || text.parse().ok().map(Duration::from_secs);
        let found = ms.or_else(other).or_else(bare);
        found.ok_or_else(|| wrong(name, format!("`{text}` is no duration: 500ms, 2s, 1m")))
    }

    /// The request that it is set to.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub(super) fn request(&self) -> Result<DiagRequest, Wrong> {
        let value = |name| self.fields.value(name);
        let host = || Host::parse(value("host"));
        let request = match self.kind {
            Kind::Ping => {
                let mut r = PingRequest::new(host()?);
                (r.count, r.size) = (self.number("count")?, self.number("size")?);
                (r.interval, r.timeout) = (self.span("interval")?, self.span("timeout")?);
                DiagRequest::Ping(r)
            }
            Kind::Trace => {
                let mut r = TraceRequest::new(host()?);
                (r.max_hops, r.queries) = (self.number("max_hops")?, self.number("queries")?);
                (r.timeout, r.names) = (self.span("timeout")?, value("names") == "yes");
                DiagRequest::Trace(r)
            }
            Kind::Dns => {
                let name = match value("name").parse() {
                    Ok(ip) => DnsName::reverse(ip),
                    Err(_) => DnsName::parse(value("name"))?,
                };
                let mut r = DnsRequest::new(name);
                let types = value("types").split(',').map(|t| DnsType::parse(t.trim())).collect::<Result<_, _>>();
                let types = types.map_err(|e| wrong("types", e.why))?;
                if !r.name.is_reverse() {
                    r.types = types;
                }
                if !matches!(value("server"), "system" | "") {
                    let server = DnsRequest::parse_server(value("server")).map_err(|e| wrong("server", e.why))?;
                    r.server = Some(server);
                }
                r.timeout = self.span("timeout")?;
                DiagRequest::Dns(r)
            }
            Kind::Bandwidth => {
                let mut r = BandwidthRequest::new(HttpUrl::parse(value("url"))?);
                r.direction = if value("direction") == "upload" { Direction::Upload } else { Direction::Download };
                (r.duration, r.streams) = (self.span("duration")?, self.number("streams")?);
                DiagRequest::Bandwidth(r)
            }
            Kind::Port => {
                let mut r = PortRequest::new(host()?, parse_ports(value("ports"))?);
                r.protocol = if value("protocol") == "udp" { Protocol::Udp } else { Protocol::Tcp };
                r.timeout = self.span("timeout")?;
                DiagRequest::Port(r)
            }
        };
        request.check()?;
        Ok(request)
    }
}

const fn wrong(field: &'static str, why: String) -> Wrong {
    Wrong { field, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aimed(kind: Kind) -> Tool {
        let mut tool = Tool::new(kind);
        tool.aim(if kind == Kind::Bandwidth { "http://192.0.2.1/file" } else { "192.0.2.1" });
        tool
    }

    #[test]
    fn every_test_runs_as_it_is_set_at_first() {
        for kind in Kind::ALL {
            let request = aimed(kind).request().unwrap();
            assert_eq!(request.kind(), kind.title().to_lowercase(), "{request:?}");
            // What is told beside a field holds.
            let mut tool = Tool::new(kind);
            tool.check();
            assert_eq!(tool.fields.fault(), None, "a target that is not there yet is nothing wrong");
        }
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        for (kind, field, value, words) in [
            (Kind::Ping, "host", "http://x", "not a URL"),
            (Kind::Ping, "count", "0", "1 to 10000"),
            (Kind::Ping, "count", "x", "no number"),
            (Kind::Ping, "timeout", "soon", "no duration"),
            (Kind::Ping, "interval", "1ms", "10 ms"),
            (Kind::Ping, "size", "70000", "no number that fits"),
            (Kind::Trace, "max_hops", "65", "1 to 64"),
            (Kind::Trace, "queries", "11", "1 to 10"),
            (Kind::Dns, "types", "A,XX", "is one of"),
            (Kind::Dns, "types", "A,A", "twice"),
            (Kind::Dns, "server", "1.2.3", "IPv4"),
            (Kind::Bandwidth, "url", "ftp://x", "http://"),
            (Kind::Bandwidth, "streams", "0", "1 to"),
            (Kind::Port, "ports", "22,0", "`0`"),
            (Kind::Port, "timeout", "1m5s", "60 s"),
        ] {
            let mut tool = aimed(kind);
            if kind == Kind::Dns {
                tool.aim("example.net");
            }
            tool.fields.set(field, value);
            tool.fields.find(field);
            tool.check();
            let Some((at, why)) = tool.fields.fault() else { panic!("{field}={value} passes") };
            assert!(at == field && why.contains(words), "{field}={value}: {at}: {why}");
            tool.fields.reset();
            if field != "host" && field != "url" {
                tool.check();
                assert_eq!(tool.fields.fault(), None, "{field} as it was at first");
            }
        }
    }

    #[test]
    fn fields_become_the_request() {
        let mut dns = aimed(Kind::Dns);
        dns.aim("example.net");
        dns.fields.set("types", "MX");
        dns.fields.set("server", "192.0.2.53");
        let DiagRequest::Dns(request) = dns.request().unwrap() else { panic!("another kind") };
        assert_eq!((request.types, request.server.unwrap().1), (vec![DnsType::Mx], 53));
        let mut ping = aimed(Kind::Ping);
        ping.fields.set("interval", "200ms");
        ping.fields.set("timeout", "5");
        let DiagRequest::Ping(request) = ping.request().unwrap() else { panic!("another kind") };
        assert_eq!((request.interval.as_millis(), request.timeout.as_secs()), (200, 5));
        let mut trace = aimed(Kind::Trace);
        trace.fields.set("names", "no");
        let DiagRequest::Trace(request) = trace.request().unwrap() else { panic!("another kind") };
        assert!(!request.names);
    }
}
