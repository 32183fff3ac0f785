//! The command line of the diagnostics, and the requests it means.

use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use crate::model::diag::{
    BandwidthRequest, DiagRequest, Direction, DnsName, DnsRequest, DnsType, Family, Host, HttpUrl, PingRequest,
    PortRequest, Protocol, TraceRequest, Wrong, parse_ports,
};

/// Diagnostics.
#[derive(Debug, Clone, Subcommand)]
pub enum DiagCommand {
    /// Send echo requests to a host: loss, round trips, jitter
    Ping(PingArgs),
    /// Find the way to a host, hop by hop
    Trace(TraceArgs),
    /// Ask name servers for the records of a name
    Dns(DnsArgs),
    /// Measure how much an HTTP server sends or takes
    Bandwidth(BandwidthArgs),
    /// Find out whether something listens on ports of a host
    Port(PortArgs),
}

/// What comes out, and where it goes.
#[derive(Debug, Clone, Default, Args)]
pub struct Output {
    /// Print the result as one JSON object
    #[arg(long, conflicts_with = "ndjson")]
    pub json: bool,
    /// Print every event as a JSON object on a line of its own, the result last
    #[arg(long)]
    pub ndjson: bool,
    /// Attach the result to this alarm as a note (its key: see `noctule alarms --columns key,resource,type`)
    #[arg(long, value_name = "ALARM")]
    pub attach: Option<String>,
}

/// Kind of addresses.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Addresses {
    /// Use IPv4 only
    #[arg(long, short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(long, short = '6')]
    pub ipv6: bool,
}

impl Addresses {
    const fn family(self) -> Family {
        match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        }
    }
}

/// Arguments of `diag ping`.
#[derive(Debug, Clone, Args)]
pub struct PingArgs {
    /// Name or address
    #[arg(value_parser = Host::parse, value_hint = ValueHint::Hostname)]
    pub host: Host,
    /// How many, at most 10000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 4)]
    pub count: u32,
    /// From one to the next, 10ms to 60s
    #[arg(long, short = 'i', value_name = "TIME", default_value = "1s", value_parser = span)]
    pub interval: Duration,
    /// How long each answer is waited for, 10ms to 60s
    #[arg(long, short = 't', value_name = "TIME", default_value = "2s", value_parser = span)]
    pub timeout: Duration,
    /// Bytes behind the ICMP header, 0 to 65507
    #[arg(long, short = 's', value_name = "BYTES", default_value_t = 32)]
    pub size: u16,
    /// Hop limit of what is sent
    #[arg(long, value_name = "N")]
    pub hop_limit: Option<u8>,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `diag trace`.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Name or address
    #[arg(value_parser = Host::parse, value_hint = ValueHint::Hostname)]
    pub host: Host,
    /// Where to give up, at most 64
    #[arg(long, short = 'm', value_name = "N", default_value_t = 30)]
    pub max_hops: u8,
    /// Probes a hop, at most 10
    #[arg(long, short = 'q', value_name = "N", default_value_t = 3)]
    pub queries: u8,
    /// How long each probe is waited for, 50ms to 30s
    #[arg(long, short = 't', value_name = "TIME", default_value = "2s", value_parser = span)]
    pub timeout: Duration,
    /// Probes on their way at once, at most 32
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub parallel: u8,
    /// First UDP port of the probes
    #[arg(long, value_name = "PORT", default_value_t = 33434)]
    pub port: u16,
    /// Do not ask for the names of the hops
    #[arg(long)]
    pub no_names: bool,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `diag dns`.
#[derive(Debug, Clone, Args)]
pub struct DnsArgs {
    /// The name, complete (no search list is added), or an address for its names
    #[arg(value_parser = DnsName::parse, value_hint = ValueHint::Hostname)]
    pub name: DnsName,
    /// Types: A, AAAA, CNAME, MX, NS, SOA, TXT, PTR, SRV [default: A,AAAA; PTR for an address]
    #[arg(long = "type", short = 'T', value_name = "TYPE", value_delimiter = ',', value_parser = DnsType::parse)]
    pub types: Vec<DnsType>,
    /// The server and its port [default: those of the system, port 53]
    #[arg(long, short = 'S', value_name = "HOST[:PORT]", value_parser = DnsRequest::parse_server)]
    pub server: Option<(Host, u16)>,
    /// How long each try is waited for, 50ms to 30s
    #[arg(long, short = 't', value_name = "TIME", default_value = "2s", value_parser = span)]
    pub timeout: Duration,
    /// Tries with each server, at most 5
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub attempts: u8,
    /// Use TCP from the beginning
    #[arg(long)]
    pub tcp: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `diag bandwidth`.
#[derive(Debug, Clone, Args)]
pub struct BandwidthArgs {
    /// What to download or where to upload to: http:// or https://
    #[arg(value_parser = HttpUrl::parse, value_hint = ValueHint::Url)]
    pub url: HttpUrl,
    /// Upload random bytes with POST instead of downloading
    #[arg(long, short = 'u')]
    pub upload: bool,
    /// How long to measure, 500ms to 5m
    #[arg(long, short = 'd', value_name = "TIME", default_value = "10s", value_parser = span)]
    pub duration: Duration,
    /// What to leave out before that, at most 30s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = span)]
    pub warm_up: Duration,
    /// Connections at once, at most 16
    #[arg(long, short = 'P', value_name = "N", default_value_t = 1)]
    pub streams: u8,
    /// From one sample to the next, 100ms to 10s
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = span)]
    pub sample: Duration,
    /// How long a connection and the head of an answer may take, 100ms to 60s
    #[arg(long, short = 't', value_name = "TIME", default_value = "5s", value_parser = span)]
    pub timeout: Duration,
    /// Authorities to trust instead of the system's, a PEM file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<String>,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `diag port`.
#[derive(Debug, Clone, Args)]
pub struct PortArgs {
    /// Name or address
    #[arg(value_parser = Host::parse, value_hint = ValueHint::Hostname)]
    pub host: Host,
    /// Ports and ranges of them, e.g. 22,80,8000-8010; at most 128
    pub ports: String,
    /// Use UDP, which cannot tell open from filtered when nothing answers
    #[arg(long, short = 'u')]
    pub udp: bool,
    /// How long each port is waited for, 50ms to 60s
    #[arg(long, short = 't', value_name = "TIME", default_value = "3s", value_parser = span)]
    pub timeout: Duration,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

impl DiagCommand {
    /// The request it means.
    ///
    /// # Errors
    /// What of it is not within its limits.
    pub fn request(&self) -> Result<DiagRequest, Wrong> {
        let request = match self {
            Self::Ping(a) => DiagRequest::Ping(PingRequest {
                host: a.host.clone(),
                family: a.addresses.family(),
                count: a.count,
                interval: a.interval,
                timeout: a.timeout,
                size: a.size,
                hop_limit: a.hop_limit,
            }),
            Self::Trace(a) => DiagRequest::Trace(TraceRequest {
                host: a.host.clone(),
                family: a.addresses.family(),
                max_hops: a.max_hops,
                queries: a.queries,
                timeout: a.timeout,
                parallel: a.parallel,
                port: a.port,
                names: !a.no_names,
            }),
            Self::Dns(a) => {
                let usual = DnsRequest::new(a.name.clone());
                DiagRequest::Dns(DnsRequest {
                    types: if a.types.is_empty() { usual.types.clone() } else { a.types.clone() },
                    server: a.server.clone(),
                    timeout: a.timeout,
                    attempts: a.attempts,
                    tcp: a.tcp,
                    ..usual
                })
            }
            Self::Bandwidth(a) => DiagRequest::Bandwidth(BandwidthRequest {
                url: a.url.clone(),
                family: a.addresses.family(),
                direction: if a.upload { Direction::Upload } else { Direction::Download },
                duration: a.duration,
                warm_up: a.warm_up,
                streams: a.streams,
                sample: a.sample.min(a.duration),
                timeout: a.timeout,
                ca: a.ca.clone(),
            }),
            Self::Port(a) => DiagRequest::Port(PortRequest {
                host: a.host.clone(),
                family: a.addresses.family(),
                ports: parse_ports(&a.ports)?,
                protocol: if a.udp { Protocol::Udp } else { Protocol::Tcp },
                timeout: a.timeout,
            }),
        };
        request.check()?;
        Ok(request)
    }

    /// What comes out.
    #[must_use]
    pub const fn output(&self) -> &Output {
        match self {
            Self::Ping(a) => &a.output,
            Self::Trace(a) => &a.output,
            Self::Dns(a) => &a.output,
            Self::Bandwidth(a) => &a.output,
            Self::Port(a) => &a.output,
        }
    }
}

/// Reads a time: `250ms`, `2s`, `1.5s`, `1m`; a bare number means seconds.
fn span(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let cut = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(cut);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => f64::NAN,
    };
    let total = number.parse::<f64>().unwrap_or(f64::NAN) * seconds;
    if (0.0..=1e6).contains(&total) {
        // Whole microseconds, as all of it is counted in.
        return Ok(Duration::from_micros((total * 1e6).round() as u64));
    }
    Err("a time is written 250ms, 2s, 1.5s or 1m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let ms = |t| span(t).map(|d| d.as_millis());
        assert_eq!(
            [ms("250ms"), ms("2s"), ms("1.5s"), ms("1m"), ms("0.2"), ms("0")],
            [Ok(250), Ok(2_000), Ok(1_500), Ok(60_000), Ok(200), Ok(0)]
        );
        for bad in ["", "s", "-1s", "1h", "1e3", "x", "1.2.3s", "99999999m"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
