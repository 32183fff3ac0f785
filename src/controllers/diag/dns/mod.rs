//! Questions to name servers: what they answer, how fast, and how what failed failed.
//!
//! **Why not a resolver.** A resolver hides what a diagnostic is about: it keeps answers, asks
//! again, goes on to the next server, and makes one error of NXDOMAIN, SERVFAIL and silence. So
//! messages are made and read by `domain` (NLnet Labs), and sent from here, one question at a time.

mod exchange;
pub mod wire;

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::{DiagError, Events, Found, resolve_all};
use crate::model::diag::{DiagData, DiagEvent, DnsAnswer, DnsName, DnsOutcome, DnsRequest, DnsType, Family, Protocol};
use crate::model::order;
use exchange::{Failure, Reply};

/// Asks for every type at once.
pub(super) async fn run(request: &DnsRequest, events: &Events, cancel: &CancellationToken) -> Result<Found, DiagError> {
    let servers = match &request.server {
        Some((host, port)) => resolve_all(host, *port, Family::Any, cancel).await?,
        None => system_servers(),
    };
    if servers.is_empty() {
        return Err(DiagError::NoServer);
    }
    events.tell(DiagEvent::Started { address: None, socket: None });
    let mut open: FuturesUnordered<_> = request.types.iter().map(|kind| ask(request, *kind, &servers)).collect();
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            answer = open.next() => match answer {
                Some(answer) => {
                    events.tell(DiagEvent::Dns(answer.clone()));
                    answers.push(answer);
                }
                None => break,
            },
        }
    }
    if answers.is_empty() {
        return Err(DiagError::Cancelled);
    }
    let place = |a: &DnsAnswer| request.types.iter().position(|t| *t == a.kind);
    order::by_key(&mut answers, place);
    Ok((None, DiagData::Dns(answers)))
}

/// Asks one server after the other until one of them says something.
async fn ask(request: &DnsRequest, kind: DnsType, servers: &[SocketAddr]) -> DnsAnswer {
    let mut answer = DnsAnswer {
        kind,
        outcome: DnsOutcome::TimedOut,
        server: None,
        protocol: if request.tcp { Protocol::Tcp } else { Protocol::Udp },
        rtt_us: None,
        tries: 0,
        failed: Vec::new(),
        authoritative: false,
        truncated: false,
        verified: false,
        records: Vec::new(),
    };
    for _ in 0..request.attempts {
        for server in servers {
            answer.server = Some(*server);
            answer.tries += 1;
            match exchange::ask(*server, &request.name, kind, request.tcp, request.timeout).await {
                Ok(reply) => {
                    take(&mut answer, reply);
                    // A server that failed may have a neighbour that does not.
                    if !matches!(answer.outcome, DnsOutcome::ServFail | DnsOutcome::Refused) || servers.len() == 1 {
                        return answer;
                    }
                    answer.failed.push((*server, answer.outcome.word().to_owned()));
                }
                Err(failure) => {
                    answer.failed.push((*server, failure.to_string()));
                    // What a server said counts for more than the silence of the next.
                    if !matches!(answer.outcome, DnsOutcome::ServFail | DnsOutcome::Refused) {
                        answer.outcome = match failure {
                            Failure::Silent => DnsOutcome::TimedOut,
                            Failure::Away(why) => DnsOutcome::Unreachable(why),
                            Failure::Broken(why) => DnsOutcome::Malformed(why),
                        };
                    }
                }
            }
        }
        if matches!(answer.outcome, DnsOutcome::ServFail | DnsOutcome::Refused) {
            break;
        }
    }
    answer
}

fn take(answer: &mut DnsAnswer, reply: Reply) {
    answer.outcome = match (reply.message.code, reply.message.has(answer.kind)) {
        (0, true) => DnsOutcome::Answered,
        (0, false) => DnsOutcome::NoData,
        (2, _) => DnsOutcome::ServFail,
        (3, _) => DnsOutcome::NxDomain,
        (5, _) => DnsOutcome::Refused,
        (code, _) => DnsOutcome::Code(code),
    };
    answer.protocol = reply.protocol;
    answer.rtt_us = Some(reply.rtt_us);
    answer.truncated = reply.truncated;
    answer.authoritative = reply.message.authoritative;
    answer.verified = reply.message.verified;
    answer.records = reply.message.records;
}

/// The name servers of the system; empty when it names none.
#[must_use]
pub fn system_servers() -> Vec<SocketAddr> {
    std::fs::read("/etc/resolv.conf").map(|text| servers_of(&text)).unwrap_or_default()
}

/// The name servers that a `resolv.conf` names. Those with a zone that is no number are left out.
#[must_use]
pub fn servers_of(text: &[u8]) -> Vec<SocketAddr> {
    let (config, _) = resolv_conf::Config::parse_with_errors(text);
    let address = |server| match server {
        resolv_conf::ScopedIp::V4(ip) => Some(SocketAddr::from((ip, 53))),
        resolv_conf::ScopedIp::V6(ip, None) => Some(SocketAddr::from((ip, 53))),
        resolv_conf::ScopedIp::V6(ip, Some(zone)) => {
            let name = std::path::Path::new("/sys/class/net").join(zone.replace('/', "")).join("ifindex");
            let index = zone.parse().ok().or_else(|| std::fs::read_to_string(name).ok()?.trim().parse().ok())?;
            Some(SocketAddr::V6(SocketAddrV6::new(ip, 53, 0, index)))
        }
    };
    config.nameservers.into_iter().filter_map(address).collect()
}

/// The name of an address, where a server knows one: each is asked once.
pub(super) async fn name_of(address: IpAddr, servers: &[SocketAddr], limit: Duration) -> Option<String> {
    let name = DnsName::reverse(address);
    for server in servers {
        if let Ok(reply) = exchange::ask(*server, &name, DnsType::Ptr, false, limit).await {
            let names = reply.message.records.into_iter().filter(|r| r.kind == DnsType::Ptr.word());
            return names.map(|r| r.value.trim_end_matches('.').to_owned()).next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_the_system_keep_their_order() {
        let text = b"# written by somebody\nsearch example.net\nnameserver 10.0.0.53\nnameserver ::1\nnameserver fe80::1%7\nnonsense\n";
        let servers: Vec<String> = servers_of(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.53:53", "[::1]:53", "[fe80::1%7]:53"]);
        assert!(servers_of(b"\xff\xfe nameserver").is_empty());
    }
}
