//! The tests: what each is set to, as it is read from a line and shown on one.

use std::time::Duration;

use crate::model::diag::{
    BandwidthRequest, DiagRequest, Direction, DnsName, DnsRequest, DnsType, Host, HttpUrl, PingRequest, PortRequest,
    Protocol, TraceRequest, Wrong, parse_ports,
};
use crate::model::time::parse_duration;

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ping,
    Trace,
    Dns,
    Bandwidth,
    Port,
}

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

    /// What is asked for as its target.
    pub(super) const fn asks(self) -> &'static str {
        match self {
            Self::Ping | Self::Trace | Self::Port => "which host, by name or address?",
            Self::Dns => "which name, or which address?",
            Self::Bandwidth => "which URL, http:// or https://?",
        }
    }

    /// The options as they are at first: every one there is.
    pub(super) const fn defaults(self) -> &'static str {
        match self {
            Self::Ping => "count=4 interval=1s timeout=2s size=32",
            Self::Trace => "hops=30 queries=3 timeout=2s",
            Self::Dns => "types=A,AAAA server=system timeout=2s",
            Self::Bandwidth => "direction=download seconds=10 streams=1",
            Self::Port => "ports=22,80,443 protocol=tcp timeout=3s",
        }
    }
}

/// A test with its settings.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) kind: Kind,
    pub(super) target: String,
    pub(super) options: String,
}

impl Tool {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, target: String::new(), options: kind.defaults().to_owned() }
    }

    /// Reads a line of options; those that are not named keep their value.
    pub(super) fn set(&mut self, line: &str) -> Result<(), Wrong> {
        let mut options: Vec<(String, String)> = pairs(&self.options).map(own).collect();
        for word in line.split_whitespace() {
            let Some((name, value)) = word.split_once('=') else {
                return Err(wrong("options", format!("`{word}` is not written name=value")));
            };
            let Some(slot) = options.iter_mut().find(|(known, _)| known == name) else {
                let known: Vec<&str> = options.iter().map(|(n, _)| n.as_str()).collect();
                return Err(wrong("options", format!("there is no `{name}`, only {}", known.join(", "))));
            };
            value.clone_into(&mut slot.1);
        }
        let options = options.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" ");
        // With a target that passes, what is left to be wrong are the options.
        let target = if self.target.is_empty() { "http://127.0.0.1/".to_owned() } else { self.target.clone() };
        let target = if self.kind == Kind::Bandwidth { target } else { self.target.clone() };
        let tried = Self {
            target: if target.is_empty() { "127.0.0.1".to_owned() } else { target },
            options: options.clone(),
            ..self.clone()
        };
        tried.request()?;
        self.options = options;
        Ok(())
    }

    fn option(&self, name: &str) -> &str {
        pairs(&self.options).find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Wrong> {
        self.option(name).parse().map_err(|_| wrong(name, format!("`{}` is no number that fits", self.option(name))))
    }

    fn span(&self, name: &'static str) -> Result<Duration, Wrong> {
        let text = self.option(name);
        let ms = text.strip_suffix("ms").and_then(|n| n.parse().ok()).map(Duration::from_millis);
        let other = || parse_duration(text).and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
        ms.or_else(other).ok_or_else(|| wrong(name, format!("`{text}` is no duration: 500ms, 2s, 1m")))
    }

    /// The request that it is set to.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub(super) fn request(&self) -> Result<DiagRequest, Wrong> {
        let host = || Host::parse(&self.target);
        let request = match self.kind {
            Kind::Ping => {
                let mut r = PingRequest::new(host()?);
                (r.count, r.size) = (self.number("count")?, self.number("size")?);
                (r.interval, r.timeout) = (self.span("interval")?, self.span("timeout")?);
                DiagRequest::Ping(r)
            }
            Kind::Trace => {
                let mut r = TraceRequest::new(host()?);
                (r.max_hops, r.queries, r.timeout) =
                    (self.number("hops")?, self.number("queries")?, self.span("timeout")?);
                DiagRequest::Trace(r)
            }
            Kind::Dns => {
                let name = match self.target.parse() {
                    Ok(ip) => DnsName::reverse(ip),
                    Err(_) => DnsName::parse(&self.target)?,
                };
                let mut r = DnsRequest::new(name);
                if !r.name.is_reverse() {
                    r.types = self.option("types").split(',').map(DnsType::parse).collect::<Result<_, _>>()?;
                }
                if self.option("server") != "system" {
                    r.server = Some(DnsRequest::parse_server(self.option("server"))?);
                }
                r.timeout = self.span("timeout")?;
                DiagRequest::Dns(r)
            }
            Kind::Bandwidth => {
                let mut r = BandwidthRequest::new(HttpUrl::parse(&self.target)?);
                r.direction = match self.option("direction") {
                    "download" => Direction::Download,
                    "upload" => Direction::Upload,
                    _ => return Err(wrong("direction", "is download or upload".into())),
                };
                r.duration = Duration::from_secs(self.number("seconds")?);
                r.streams = self.number("streams")?;
                DiagRequest::Bandwidth(r)
            }
            Kind::Port => {
                let mut r = PortRequest::new(host()?, parse_ports(self.option("ports"))?);
                r.protocol = match self.option("protocol") {
                    "tcp" => Protocol::Tcp,
                    "udp" => Protocol::Udp,
                    _ => return Err(wrong("protocol", "is tcp or udp".into())),
                };
                r.timeout = self.span("timeout")?;
                DiagRequest::Port(r)
            }
        };
        request.check()?;
        Ok(request)
    }
}

fn pairs(options: &str) -> impl Iterator<Item = (&str, &str)> {
    options.split_whitespace().filter_map(|word| word.split_once('='))
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn wrong(field: &'static str, why: String) -> Wrong {
    Wrong { field, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_runs_as_it_is_set_at_first() {
        for kind in Kind::ALL {
            let mut tool = Tool::new(kind);
            tool.target = if kind == Kind::Bandwidth { "http://192.0.2.1/file" } else { "192.0.2.1" }.into();
            let request = tool.request().unwrap();
            assert_eq!(request.kind(), kind.title().to_lowercase(), "{request:?}");
        }
    }

    #[test]
    fn options_are_kept_unless_named_and_wrong_ones_are_told() {
        let mut tool = Tool::new(Kind::Ping);
        tool.set("count=2 interval=200ms").unwrap();
        assert_eq!(tool.options, "count=2 interval=200ms timeout=2s size=32");
        for (line, word) in [("cuont=2", "cuont"), ("count", "name=value"), ("count=0", "count"), ("size=x", "size")] {
            let told = tool.set(line).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(tool.options, "count=2 interval=200ms timeout=2s size=32", "a wrong line changes nothing");
        let mut dns = Tool::new(Kind::Dns);
        dns.set("types=MX server=192.0.2.53").unwrap();
        dns.target = "example.net".into();
        let DiagRequest::Dns(request) = dns.request().unwrap() else { panic!("another kind") };
        assert_eq!((request.types, request.server.unwrap().1), (vec![DnsType::Mx], 53));
    }
}
