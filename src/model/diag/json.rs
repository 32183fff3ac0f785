//! Diagnostics as JSON: every field of a quantity names its unit. Texts of the network are cleaned.

use serde_json::{Value, json};

use super::outcome::{
    BandwidthSample, DiagData, DiagResult, DnsAnswer, DnsOutcome, Hop, PingOutcome, PortOutcome, Probe,
};
use super::{DiagEvent, DiagRequest, PingEvent, PortState, Stats, Unreach};
use crate::model::text::clean;
use std::net::IpAddr;
use std::time::Duration;

fn us(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}

fn ip(ip: Option<IpAddr>) -> Value {
    ip.map_or(Value::Null, |ip| ip.to_string().into())
}

fn tenth(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

impl DiagResult {
    /// All of it as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "test": self.request.kind(),
            "target": clean(&self.request.target()),
            "address": ip(self.address),
            "started_at": self.started.to_rfc3339(),
            "duration_us": self.duration_us,
            "verdict": self.verdict().word(),
            "cancelled": self.cancelled,
            "summary": self.summary(),
            "parameters": parameters(&self.request),
            "data": data(&self.data),
        })
    }
}

fn parameters(request: &DiagRequest) -> Value {
    match request {
        DiagRequest::Ping(r) => json!({
            "family": r.family.word(), "count": r.count, "interval_us": us(r.interval), "timeout_us": us(r.timeout),
            "size_bytes": r.size, "hop_limit": r.hop_limit,
        }),
        DiagRequest::Trace(r) => json!({
            "family": r.family.word(), "max_hops": r.max_hops, "queries_per_hop": r.queries,
            "timeout_us": us(r.timeout), "parallel_probes": r.parallel, "first_port": r.port, "names": r.names,
        }),
        DiagRequest::Dns(r) => json!({
            "types": r.types.iter().map(|t| t.word()).collect::<Vec<_>>(),
            "server": r.server.as_ref().map(|(host, port)| json!({"host": host.as_str(), "port": port})),
            "timeout_us": us(r.timeout), "attempts_per_server": r.attempts, "tcp": r.tcp,
        }),
        DiagRequest::Bandwidth(r) => json!({
            "family": r.family.word(), "direction": r.direction.word(), "duration_us": us(r.duration),
            "warm_up_us": us(r.warm_up), "streams": r.streams, "sample_us": us(r.sample), "timeout_us": us(r.timeout),
            "ca": r.ca.as_deref().map(clean),
        }),
        DiagRequest::Port(r) => json!({
            "family": r.family.word(), "protocol": r.protocol.word(), "ports": r.ports, "timeout_us": us(r.timeout),
        }),
    }
}

fn data(data: &DiagData) -> Value {
    match data {
        DiagData::Ping(p) => ping(p),
        DiagData::Trace(t) => json!({
            "reached": t.reached(),
            "hops": t.hops.iter().map(|h| hop(h, &|ip| t.names.get(&ip).map(|n| clean(n).into_owned()))).collect::<Vec<_>>(),
        }),
        DiagData::Dns(answers) => json!({"answers": answers.iter().map(dns).collect::<Vec<_>>()}),
        DiagData::Bandwidth(b) => json!({
            "bits_per_second": b.bits_per_second(),
            "slowest_bits_per_second": b.spread().map(|s| s.0),
            "median_bits_per_second": b.spread().map(|s| s.1),
            "fastest_bits_per_second": b.spread().map(|s| s.2),
            "total_bytes": b.total_bytes,
            "measured_bytes": b.measured_bytes,
            "measured_us": b.measured_us,
            "requests": b.requests,
            "http_status": b.status,
            "url": clean(&b.url),
            "connect_us": b.connect_us,
            "tls_us": b.tls_us,
            "first_byte_us": b.first_byte_us,
            "errors": b.errors.iter().map(|e| clean(e)).collect::<Vec<_>>(),
            "samples": b.samples.iter().map(sample).collect::<Vec<_>>(),
        }),
        DiagData::Port(ports) => json!({"ports": ports.iter().map(port).collect::<Vec<_>>()}),
    }
}

fn stats(s: &Stats) -> Value {
    json!({
        "min": s.min_us, "avg": tenth(s.avg_us), "max": s.max_us, "stddev": tenth(s.stddev_us),
        "jitter": tenth(s.jitter_us), "p50": s.p50_us, "p90": s.p90_us, "p95": s.p95_us, "p99": s.p99_us,
    })
}

fn ping(p: &PingOutcome) -> Value {
    json!({
        "socket": p.socket.map(super::SocketKind::word),
        "sent": p.sent,
        "received": p.received,
        "loss_percent": tenth(p.loss_percent()),
        "duplicates": p.duplicates,
        "out_of_order": p.out_of_order,
        "late": p.late,
        "corrupt": p.corrupt,
        "unsent": p.unsent,
        "unsent_reason": clean(&p.unsent_why),
        "pending": p.pending,
        "hop_limit": p.hop_limit,
        "unreachable": p.unreachable.iter().map(|(from, why, n)| json!({
            "from": ip(*from), "reason": why.word(), "words": why.words(), "count": n,
        })).collect::<Vec<_>>(),
        "rtt_stats_us": p.stats().as_ref().map(stats),
        "rtt_us": p.rtt_us,
    })
}

fn hop(hop: &Hop, name: &dyn Fn(IpAddr) -> Option<String>) -> Value {
    let probe = |p: &Probe| {
        let (kind, why) = match p {
            Probe::Hop { .. } => ("hop", Value::Null),
            Probe::Target { .. } => ("target", Value::Null),
            Probe::Refused { why, .. } => ("unreachable", why.word().into()),
            Probe::Silent => ("silent", Value::Null),
            Probe::Unsent(why) => ("unsent", clean(why).into()),
        };
        json!({
            "result": kind, "from": ip(p.from()), "name": p.from().and_then(name), "rtt_us": p.rtt_us(), "reason": why,
        })
    };
    json!({"hop": hop.ttl, "target": hop.is_target(), "probes": hop.probes.iter().map(probe).collect::<Vec<_>>()})
}

fn dns(a: &DnsAnswer) -> Value {
    let detail = match &a.outcome {
        DnsOutcome::Unreachable(why) | DnsOutcome::Malformed(why) => clean(why).into(),
        DnsOutcome::Code(code) => (*code).into(),
        _ => Value::Null,
    };
    json!({
        "type": a.kind.word(),
        "outcome": a.outcome.word(),
        "detail": detail,
        "server": a.server.map(|s| s.to_string()),
        "protocol": a.protocol.word(),
        "rtt_us": a.rtt_us,
        "tries": a.tries,
        "failed_tries": a.failed.iter().map(|(s, why)| json!({"server": s.to_string(), "reason": clean(why)})).collect::<Vec<_>>(),
        "authoritative": a.authoritative,
        "truncated": a.truncated,
        "dnssec_verified": a.verified,
        "records": a.records.iter().map(|r| json!({
            "owner": clean(&r.owner), "ttl_s": r.ttl_s, "type": clean(&r.kind), "value": clean(&r.value),
        })).collect::<Vec<_>>(),
    })
}

fn sample(s: &BandwidthSample) -> Value {
    json!({
        "at_us": s.at_us, "length_us": s.length_us, "bytes": s.bytes, "bits_per_second": s.bits_per_second(),
        "warm_up": s.warm_up,
    })
}

fn port(p: &PortOutcome) -> Value {
    let reason: Value = match &p.state {
        PortState::Unreachable(why) => why.map(Unreach::word).into(),
        PortState::Failed(why) => clean(why).into(),
        _ => Value::Null,
    };
    json!({"port": p.port, "state": p.state.word(), "reason": reason, "from": ip(p.from), "rtt_us": p.rtt_us})
}

impl DiagEvent {
    /// The event as one JSON object; `event` says which it is.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Started { address, socket } => {
                json!({"event": "started", "address": ip(*address), "socket": socket.map(super::SocketKind::word)})
            }
            Self::Ping(event) => ping_event(event),
            Self::Hop(h) => tagged("hop", hop(h, &|_| None)),
            Self::HopName { address, name } => {
                json!({"event": "hop_name", "address": address.to_string(), "name": clean(name)})
            }
            Self::Dns(answer) => tagged("dns", dns(answer)),
            Self::Connected { stream, connect_us, tls_us } => {
                json!({"event": "connected", "stream": stream, "connect_us": connect_us, "tls_us": tls_us})
            }
            Self::Bandwidth(s) => tagged("sample", sample(s)),
            Self::Port(p) => tagged("port", port(p)),
        }
    }
}

/// An object with its kind before the rest.
fn tagged(event: &str, mut body: Value) -> Value {
    let mut out = serde_json::Map::new();
    out.insert("event".to_owned(), event.into());
    if let Some(fields) = body.as_object_mut() {
        out.append(fields);
    }
    Value::Object(out)
}

fn ping_event(event: &PingEvent) -> Value {
    match event {
        PingEvent::Reply { seq, bytes, hop_limit, rtt_us, out_of_order } => json!({
            "event": "reply", "seq": seq, "rtt_us": rtt_us, "size_bytes": bytes, "hop_limit": hop_limit,
            "out_of_order": out_of_order,
        }),
        PingEvent::Duplicate { seq, rtt_us } => json!({"event": "duplicate", "seq": seq, "rtt_us": rtt_us}),
        PingEvent::Late { seq, rtt_us } => json!({"event": "late", "seq": seq, "rtt_us": rtt_us}),
        PingEvent::Corrupt { seq } => json!({"event": "corrupt", "seq": seq}),
        PingEvent::Timeout { seq } => json!({"event": "timeout", "seq": seq}),
        PingEvent::Unreachable { seq, from, why } => {
            json!({"event": "unreachable", "seq": seq, "from": ip(*from), "reason": why.word(), "words": why.words()})
        }
        PingEvent::Unsent { seq, why } => json!({"event": "unsent", "seq": seq, "reason": clean(why)}),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Host, PingRequest, Tally};
    use super::*;
    use crate::model::time::Ts;

    #[test]
    fn quantities_name_their_units() {
        let mut tally = Tally::default();
        tally.sent();
        tally.reply(1, 1_500, 32, None);
        tally.sent();
        let result = DiagResult {
            request: DiagRequest::Ping(PingRequest::new(Host::parse("::1").unwrap())),
            started: Ts(1_795_186_238_574_366),
            duration_us: 2_000_000,
            cancelled: true,
            address: Some("::1".parse().unwrap()),
            data: DiagData::Ping(tally.outcome()),
        };
        let j = result.json();
        assert_eq!(j["test"], "ping");
        assert_eq!(j["verdict"], "partly");
        assert_eq!(j["parameters"]["interval_us"], 1_000_000);
        assert_eq!(j["data"]["rtt_us"], json!([1_500, null]));
        assert_eq!(j["data"]["rtt_stats_us"]["avg"], 1_500.0);
        assert_eq!(j["data"]["pending"], 1);
        assert_eq!(j["data"]["loss_percent"], 0.0);
        let event = DiagEvent::Ping(PingEvent::Timeout { seq: 2 }).json();
        assert_eq!(event, json!({"event": "timeout", "seq": 2}));
    }
}
