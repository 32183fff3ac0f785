//! Diagnostics in words: lines for a terminal, a summary, a note for an alarm. Everything that
//! came from the network is cleaned here.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::outcome::{
    BandwidthOutcome, BandwidthSample, DiagData, DiagResult, DnsAnswer, DnsOutcome, Hop, PingOutcome, PortOutcome,
    PortState, Probe, TraceOutcome, Verdict,
};
use super::{DiagEvent, DiagRequest, PingEvent, Protocol, Unreach};
use crate::model::text::{clean, clip, counted, iec};

/// The longest note that is attached to an alarm, in characters.
const MAX_NOTE: usize = 2000;

/// Microseconds as milliseconds with three decimals.
pub(super) fn ms(us: u64) -> String {
    format!("{}.{:03} ms", us / 1000, us % 1000)
}

fn ms_f(us: f64) -> String {
    ms(us.round().max(0.0) as u64)
}

/// A rate with the unit that leaves few digits.
fn rate(bits_per_second: u64) -> String {
    let bps = bits_per_second as f64;
    match bits_per_second {
        0..=999 => format!("{bits_per_second} bit/s"),
        1_000..=999_999 => format!("{:.1} kbit/s", bps / 1e3),
        1_000_000..=999_999_999 => format!("{:.2} Mbit/s", bps / 1e6),
        _ => format!("{:.3} Gbit/s", bps / 1e9),
    }
}

fn times(n: u32) -> String {
    if n == 1 { String::new() } else { format!(" ({n} times)") }
}

fn by(from: Option<IpAddr>) -> String {
    from.map_or_else(|| "this machine".to_owned(), |ip| ip.to_string())
}

/// What a returned echo request tells: it has no port, so that word comes from a filter.
fn echo_words(why: Unreach) -> String {
    match why {
        Unreach::Port => "refused, as firewalls do".to_owned(),
        other => other.words(),
    }
}

/// A word for machines as one for people.
fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

impl DiagEvent {
    /// One line for a person, without the names of hops that are not known yet.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Started { address: Some(ip), socket: Some(socket) } => {
                format!("address {ip}, {} socket", socket.word())
            }
            Self::Started { address: Some(ip), socket: None } => format!("address {ip}"),
            Self::Started { .. } => "asking".to_owned(),
            Self::Ping(event) => ping_line(event),
            Self::Hop(hop) => hop_line(hop, &|_| None),
            Self::HopName { address, name } => format!("    {address} is {}", clean(name)),
            Self::Dns(answer) => dns_lines(answer).join("\n"),
            Self::Connected { stream, connect_us, tls_us } => {
                let tls = tls_us.map_or_else(String::new, |us| format!(", TLS {}", ms(us)));
                format!("stream {}: connected in {}{tls}", stream + 1, ms(*connect_us))
            }
            Self::Bandwidth(sample) => sample_line(sample),
            Self::Port(port) => port_line(port),
        }
    }
}

fn ping_line(event: &PingEvent) -> String {
    match event {
        PingEvent::Reply { seq, bytes, hop_limit, rtt_us, out_of_order } => {
            let limit = hop_limit.map_or_else(String::new, |n| format!("  hop limit {n}"));
            let order = if *out_of_order { "  out of order" } else { "" };
            format!("{seq:>5}  {:>12}  {bytes} bytes{limit}{order}", ms(*rtt_us))
        }
        PingEvent::Duplicate { seq, rtt_us } => format!("{seq:>5}  {:>12}  duplicate", ms(*rtt_us)),
        PingEvent::Late { seq, rtt_us } => format!("{seq:>5}  {:>12}  too late, counted as lost", ms(*rtt_us)),
        PingEvent::Corrupt { seq } => format!("{seq:>5}  answered with other bytes than were sent"),
        PingEvent::Timeout { seq } => format!("{seq:>5}  no answer in time"),
        PingEvent::Unreachable { seq, from, why } => format!("{seq:>5}  {} says: {}", by(*from), echo_words(*why)),
        PingEvent::Unsent { seq, why } => format!("{seq:>5}  not sent: {}", clean(why)),
    }
}

/// Appends; a text never refuses.
fn wr(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}

fn hop_line(hop: &Hop, name: &dyn Fn(&IpAddr) -> Option<String>) -> String {
    let mut out = format!("{:>3} ", hop.ttl);
    let mut last = None;
    for probe in &hop.probes {
        match probe {
            Probe::Silent => out.push_str(" *"),
            Probe::Unsent(why) => wr(&mut out, format_args!(" not sent: {}", clean(why))),
            Probe::Hop { .. } | Probe::Target { .. } | Probe::Refused { .. } => {
                let from = probe.from();
                if last != Some(from) {
                    let known = from.as_ref().and_then(name).map_or_else(String::new, |n| format!(" ({})", clean(&n)));
                    wr(&mut out, format_args!(" {}{known}", by(from)));
                    last = Some(from);
                }
                wr(&mut out, format_args!(" {}", ms(probe.rtt_us().unwrap_or_default())));
                if let Probe::Refused { why, .. } = probe {
                    wr(&mut out, format_args!(" {}", why.mark()));
                }
            }
        }
    }
    // What the marks mean stands behind them, once.
    let mut told: Vec<Unreach> = Vec::new();
    for probe in &hop.probes {
        if let Probe::Refused { why, .. } = probe
            && !told.contains(why)
        {
            told.push(*why);
            wr(&mut out, format_args!("  [{}]", why.words()));
        }
    }
    out
}

fn dns_head(answer: &DnsAnswer) -> String {
    let what = match &answer.outcome {
        DnsOutcome::Answered => counted(answer.records.len() as u64, "record", "records"),
        DnsOutcome::NoData => "the name exists and has no such record".into(),
        DnsOutcome::NxDomain => "the name does not exist (NXDOMAIN)".into(),
        DnsOutcome::ServFail => "the server failed (SERVFAIL): it could not find out, or DNSSEC does not hold".into(),
        DnsOutcome::Refused => "the server refuses to answer us (REFUSED)".into(),
        DnsOutcome::Code(code) => format!("the server answered with code {code}"),
        DnsOutcome::TimedOut => format!("no answer in time to {}", counted(u64::from(answer.tries), "try", "tries")),
        DnsOutcome::Unreachable(why) => format!("no server could be asked: {}", clean(why)),
        DnsOutcome::Malformed(why) => format!("what came is no answer: {}", clean(why)),
    };
    let server = answer.server.map_or_else(String::new, |s| format!(", {s} over {}", answer.protocol.word()));
    let time = answer.rtt_us.map_or_else(String::new, |us| format!(" in {}", ms(us)));
    let flags: String = [
        (answer.authoritative, ", authoritative"),
        (answer.verified, ", verified by DNSSEC"),
        (answer.truncated, ", cut short over UDP"),
    ]
    .into_iter()
    .filter_map(|(is, word)| is.then_some(word))
    .collect();
    format!("{:<5} {what}{server}{time}{flags}", answer.kind.word())
}

fn dns_lines(answer: &DnsAnswer) -> Vec<String> {
    let mut out = vec![dns_head(answer)];
    for record in &answer.records {
        out.push(format!(
            "      {} {} s {} {}",
            clean(&record.owner),
            record.ttl_s,
            clean(&record.kind),
            clean(&record.value)
        ));
    }
    let mut failed: Vec<(String, u32)> = Vec::new();
    for (server, why) in &answer.failed {
        let line = format!("      {server}: {}", clean(why));
        match failed.iter_mut().find(|(l, _)| *l == line) {
            Some((_, n)) => *n += 1,
            None => failed.push((line, 1)),
        }
    }
    out.extend(failed.into_iter().map(|(line, n)| format!("{line}{}", times(n))));
    out
}

fn sample_line(sample: &BandwidthSample) -> String {
    let warm = if sample.warm_up { "  warm-up" } else { "" };
    format!("{:>7.1} s  {:>14}{warm}", sample.at_us as f64 / 1e6, rate(sample.bits_per_second()))
}

fn port_words(port: &PortOutcome) -> String {
    match &port.state {
        PortState::Open => "open".into(),
        PortState::Closed => "closed: the host is there and nothing listens, or a firewall refuses".into(),
        PortState::OpenOrFiltered => "open or filtered: no word came back, which UDP cannot tell apart".into(),
        PortState::Silent => "no answer in time: a filter swallows it, or the host is down".into(),
        PortState::Unreachable(why) => {
            let why = why.map_or_else(|| "no way to the host".to_owned(), Unreach::words);
            let from = port.from.map_or_else(String::new, |ip| format!(" (told by {ip})"));
            format!("unreachable: {why}{from}")
        }
        PortState::Failed(why) => format!("could not be tried: {}", clean(why)),
    }
}

fn port_line(port: &PortOutcome) -> String {
    let time = port.rtt_us.map_or_else(String::new, |us| format!("  {}", ms(us)));
    format!("{:>5}  {}{time}", port.port, port_words(port))
}

impl DiagResult {
    /// One sentence that says how it went.
    #[must_use]
    pub fn summary(&self) -> String {
        let target = clean(&self.request.target()).into_owned();
        let at = match self.address {
            Some(ip) if ip.to_string() != target => format!("{target} ({ip})"),
            _ => target,
        };
        let early = if self.cancelled { " (ended early)" } else { "" };
        let text = match (&self.request, &self.data) {
            (_, DiagData::Ping(p)) => ping_summary(&at, p),
            (_, DiagData::Trace(t)) => trace_summary(&at, t),
            (_, DiagData::Dns(answers)) => dns_summary(&at, answers),
            (DiagRequest::Bandwidth(r), DiagData::Bandwidth(b)) => {
                bandwidth_summary(&format!("{} {at}", r.direction.word()), b)
            }
            (_, DiagData::Bandwidth(b)) => bandwidth_summary(&at, b),
            (DiagRequest::Port(r), DiagData::Port(ports)) => port_summary(&at, r.protocol, ports),
            (_, DiagData::Port(ports)) => port_summary(&at, Protocol::Tcp, ports),
        };
        format!("{text}{early}")
    }

    /// The whole result in lines, the summary last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut out = vec![format!("{} {}", self.request.kind(), clean(&self.request.target()))];
        match &self.data {
            DiagData::Ping(p) => out.extend(ping_figures(p)),
            DiagData::Trace(t) => out.extend(trace_figures(t)),
            DiagData::Dns(answers) => out.extend(answers.iter().flat_map(dns_lines)),
            DiagData::Bandwidth(b) => out.extend(bandwidth_figures(b)),
            DiagData::Port(ports) => out.extend(ports.iter().map(port_line)),
        }
        out.push(self.summary());
        out
    }

    /// What is left to say after every event has been told: the figures, and the summary.
    #[must_use]
    pub fn closing(&self) -> Vec<String> {
        let mut out = match &self.data {
            DiagData::Ping(p) => ping_figures(p),
            DiagData::Bandwidth(b) => bandwidth_figures(b),
            DiagData::Trace(_) | DiagData::Dns(_) | DiagData::Port(_) => Vec::new(),
        };
        out.push(self.summary());
        out
    }

    /// What matters of it as the note of an alarm: one line of at most 2000 characters, as notes
    /// have no line breaks.
    #[must_use]
    pub fn note(&self) -> String {
        let mut parts = vec![format!("{} {}", self.request.kind(), self.started.to_rfc3339()), self.summary()];
        let lines = self.lines();
        let inner = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
        parts.extend(inner.iter().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")));
        let whole = parts.join("; ");
        clip(&clean(&whole), MAX_NOTE, "…").into_owned()
    }
}

fn ping_summary(at: &str, p: &PingOutcome) -> String {
    let counts = format!("{} of {} answered, {:.1} % lost", p.received, p.sent - p.pending, p.loss_percent());
    match p.stats() {
        Some(s) => format!("{at}: {counts}, {} on average", ms_f(s.avg_us)),
        None if p.sent == 0 && p.unsent > 0 => format!("{at}: nothing could be sent: {}", clean(&p.unsent_why)),
        None if p.sent == p.pending => format!("{at}: nothing is known yet"),
        None => match p.unreachable.iter().max_by_key(|(.., n)| *n) {
            Some((from, why, _)) => format!("{at}: {counts}; {} says: {}", by(*from), echo_words(*why)),
            None => format!("{at}: {counts}: it is down, or echo requests are filtered on the way"),
        },
    }
}

fn ping_figures(p: &PingOutcome) -> Vec<String> {
    let mut out = vec![format!("sent {}, received {}, loss {:.1} %", p.sent, p.received, p.loss_percent())];
    if let Some(s) = p.stats() {
        let (min, avg, max) = (ms(s.min_us), ms_f(s.avg_us), ms(s.max_us));
        out.push(format!(
            "round trip min {min}, avg {avg}, max {max}, stddev {}, jitter {}",
            ms_f(s.stddev_us),
            ms_f(s.jitter_us)
        ));
        let (p50, p90, p95, p99) = (ms(s.p50_us), ms(s.p90_us), ms(s.p95_us), ms(s.p99_us));
        out.push(format!("50 % within {p50}, 90 % {p90}, 95 % {p95}, 99 % {p99}"));
    }
    let odd = [
        (p.duplicates, "duplicate answers"),
        (p.out_of_order, "answers out of order"),
        (p.late, "answers too late"),
        (p.corrupt, "answers with other bytes than were sent"),
        (p.unsent, "requests not sent"),
        (p.pending, "still waited for"),
    ];
    let odd: Vec<String> = odd.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if !odd.is_empty() {
        out.push(odd.join(", "));
    }
    out.extend(
        p.unreachable.iter().map(|(from, why, n)| format!("{} says: {}{}", by(*from), echo_words(*why), times(*n))),
    );
    if !p.unsent_why.is_empty() {
        out.push(format!("not sent: {}", clean(&p.unsent_why)));
    }
    out
}

fn trace_summary(at: &str, t: &TraceOutcome) -> String {
    let Some(last) = t.hops.last() else { return format!("{at}: no hop is known") };
    let silent = t.hops.iter().filter(|h| h.addresses().is_empty()).count() as u64;
    let silent = if silent == 0 { String::new() } else { format!(", {} silent", counted(silent, "hop", "hops")) };
    if last.is_target() {
        let best = last.probes.iter().filter_map(Probe::rtt_us).min().unwrap_or_default();
        let hops = counted(u64::from(last.ttl), "hop", "hops");
        return format!("{at}: reached after {hops} in {}{silent}", ms(best));
    }
    for probe in &last.probes {
        match probe {
            Probe::Refused { from, why, .. } => {
                return format!("{at}: not reached; {} at hop {} says: {}{silent}", by(*from), last.ttl, why.words());
            }
            Probe::Unsent(why) => return format!("{at}: not reached: {}", clean(why)),
            _ => {}
        }
    }
    match t.hops.iter().rev().find(|h| !h.addresses().is_empty()) {
        Some(hop) => {
            let from = hop.addresses().first().map_or_else(String::new, ToString::to_string);
            format!(
                "{at}: not reached within {} hops; the last to answer is {from} at hop {}{silent}",
                last.ttl, hop.ttl
            )
        }
        None => format!("{at}: not reached within {} hops, and none of them answered", last.ttl),
    }
}

fn trace_figures(t: &TraceOutcome) -> Vec<String> {
    t.hops.iter().map(|h| hop_line(h, &|ip| t.names.get(ip).cloned())).collect()
}

fn dns_summary(at: &str, answers: &[DnsAnswer]) -> String {
    let words: Vec<String> = answers
        .iter()
        .map(|a| match &a.outcome {
            DnsOutcome::Answered => format!("{} {}", a.records.len(), a.kind.word()),
            other => format!("{} {}", a.kind.word(), spaced(other.word())),
        })
        .collect();
    let slowest = answers.iter().filter_map(|a| a.rtt_us).max();
    let time = slowest.map_or_else(String::new, |us| format!(" within {}", ms(us)));
    format!("{at}: {}{time}", words.join(", "))
}

fn bandwidth_summary(at: &str, b: &BandwidthOutcome) -> String {
    if b.measured_bytes > 0 {
        let errors = if b.errors.is_empty() { String::new() } else { format!(", {} failed", b.errors.len()) };
        let seconds = b.measured_us as f64 / 1e6;
        return format!("{at}: {} over {seconds:.1} s{errors}", rate(b.bits_per_second()));
    }
    match b.errors.first() {
        Some(why) => format!("{at}: nothing was measured: {}", clean(why)),
        None => format!("{at}: nothing was measured: no byte came after the warm-up"),
    }
}

fn bandwidth_figures(b: &BandwidthOutcome) -> Vec<String> {
    let mut out = Vec::new();
    let step = |what: &str, us: Option<u64>| us.map(|us| format!("{what} {}", ms(us)));
    let steps: Vec<String> =
        [step("connect", b.connect_us), step("TLS", b.tls_us), step("first byte", b.first_byte_us)]
            .into_iter()
            .flatten()
            .collect();
    if !steps.is_empty() {
        out.push(steps.join(", "));
    }
    if b.status != 0 {
        out.push(format!("HTTP {}, {}", b.status, counted(u64::from(b.requests), "request", "requests")));
    }
    if let Some((low, middle, high)) = b.spread() {
        out.push(format!("samples: slowest {}, median {}, fastest {}", rate(low), rate(middle), rate(high)));
    }
    if b.total_bytes > 0 {
        out.push(format!("{} in all, {} measured", iec(b.total_bytes), iec(b.measured_bytes)));
    }
    out.extend(b.errors.iter().map(|e| clean(e).into_owned()));
    out
}

fn port_summary(at: &str, protocol: Protocol, ports: &[PortOutcome]) -> String {
    if let [port] = ports {
        let time = port.rtt_us.map_or_else(String::new, |us| format!(" in {}", ms(us)));
        return format!("{at}: {} port {} is {}{time}", protocol.word(), port.port, port_words(port));
    }
    let mut words: Vec<(&'static str, u64)> = Vec::new();
    for port in ports {
        match words.iter_mut().find(|(w, _)| *w == port.state.word()) {
            Some((_, n)) => *n += 1,
            None => words.push((port.state.word(), 1)),
        }
    }
    let words: Vec<String> = words.iter().map(|(w, n)| format!("{n} {}", spaced(w))).collect();
    format!("{at}: {} ports over {}: {}", ports.len(), protocol.word(), words.join(", "))
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{DnsName, DnsRecord, DnsRequest, DnsType, Host, PingRequest, Tally, TraceRequest};
    use super::*;
    use crate::model::time::Ts;

    fn ip(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
    }

    fn result(request: DiagRequest, data: DiagData) -> DiagResult {
        let started = Ts::parse_rfc3339("2026-11-28T12:00:00Z").unwrap();
        DiagResult { request, started, duration_us: 5, cancelled: false, address: Some(ip(9)), data }
    }

    fn ping(tally: &Tally) -> DiagResult {
        let request = PingRequest::new(Host::parse("olt-1").unwrap());
        result(DiagRequest::Ping(request), DiagData::Ping(tally.outcome()))
    }

    #[test]
    fn a_ping_in_words() {
        let mut tally = Tally::default();
        for _ in 0..3 {
            tally.sent();
        }
        tally.reply(1, 1_500, 32, Some(61));
        tally.timeout(2);
        tally.unreachable(3, Some(ip(1)), Unreach::Host);
        let mut r = ping(&tally);
        assert_eq!(r.verdict(), Verdict::Reached);
        let text = r.lines().join("\n");
        assert!(text.contains("olt-1 (10.0.0.9): 1 of 3 answered, 66.7 % lost, 1.500 ms on average"), "{text}");
        assert!(text.contains("10.0.0.1 says: the host does not answer the last router"), "{text}");
        let note = r.note();
        assert!(
            note.starts_with("ping 2026-11-28T12:00:00.000Z; olt-1 (10.0.0.9): ") && !note.contains('\n'),
            "{note}"
        );
        r.cancelled = true;
        assert_eq!(r.verdict(), Verdict::Partly);
        assert!(r.summary().ends_with("(ended early)"));

        let mut none = Tally::default();
        none.sent();
        none.timeout(1);
        assert!(ping(&none).summary().contains("down, or echo requests are filtered"));
        assert_eq!(ping(&none).verdict(), Verdict::Failed);
        let mut unsent = Tally::default();
        let seq = unsent.sent();
        unsent.unsent(seq, "Network is unreachable");
        assert_eq!(ping(&unsent).verdict(), Verdict::Unreachable);
        assert!(ping(&unsent).summary().contains("nothing could be sent: Network is unreachable"));
    }

    #[test]
    fn a_trace_in_words() {
        let hop = |ttl, probes| Hop { ttl, probes };
        let mut t = TraceOutcome {
            hops: vec![
                hop(1, vec![Probe::Hop { from: ip(1), rtt_us: 400 }, Probe::Hop { from: ip(2), rtt_us: 500 }]),
                hop(2, vec![Probe::Silent, Probe::Silent]),
            ],
            names: [(ip(1), "gw\u{1b}[31m.example".to_owned())].into(),
        };
        let request = DiagRequest::Trace(TraceRequest::new(Host::parse("10.0.0.9").unwrap()));
        let r = result(request.clone(), DiagData::Trace(t.clone()));
        let lines = r.lines();
        assert_eq!(lines[1], "  1  10.0.0.1 (gw.example) 0.400 ms 10.0.0.2 0.500 ms");
        assert_eq!(lines[2], "  2  * *");
        assert!(lines[3].contains("last to answer is 10.0.0.1 at hop 1, 1 hop silent"), "{}", lines[3]);
        assert_eq!(r.verdict(), Verdict::Failed);
        t.hops.push(hop(3, vec![Probe::Refused { from: Some(ip(3)), rtt_us: 700, why: Unreach::Prohibited }]));
        let r = result(request.clone(), DiagData::Trace(t.clone()));
        assert_eq!(r.lines()[3], "  3  10.0.0.3 0.700 ms !X  [a filter forbids it]");
        assert!(r.summary().contains("10.0.0.3 at hop 3 says: a filter forbids it"), "{}", r.summary());
        t.hops.pop();
        t.hops.push(hop(3, vec![Probe::Target { from: ip(9), rtt_us: 900 }]));
        let r = result(request, DiagData::Trace(t));
        assert!(r.summary().contains("reached after 3 hops in 0.900 ms, 1 hop silent"), "{}", r.summary());
    }

    #[test]
    fn dns_tells_what_is_missing_from_what_failed() {
        let answer = |kind, outcome| DnsAnswer {
            kind,
            outcome,
            server: Some("10.0.0.53:53".parse().unwrap()),
            protocol: Protocol::Udp,
            rtt_us: Some(1_234),
            tries: 1,
            failed: vec![],
            authoritative: false,
            truncated: false,
            verified: false,
            records: vec![],
        };
        let mut found = answer(DnsType::A, DnsOutcome::Answered);
        found.records.push(DnsRecord {
            owner: "a".into(),
            ttl_s: 60,
            kind: "A".into(),
            value: "1.2.3.4\u{1b}[2J".into(),
        });
        let of = |answers: Vec<DnsAnswer>| {
            let request = DnsRequest::new(DnsName::parse("a").unwrap());
            DiagResult { address: None, ..result(DiagRequest::Dns(request), DiagData::Dns(answers)) }
        };
        let cases = [
            (vec![found.clone(), answer(DnsType::Aaaa, DnsOutcome::NoData)], Verdict::Reached, "1 A, AAAA no data"),
            (vec![found.clone(), answer(DnsType::Aaaa, DnsOutcome::ServFail)], Verdict::Partly, "AAAA servfail"),
            (vec![answer(DnsType::A, DnsOutcome::NxDomain)], Verdict::Failed, "A nxdomain within 1.234 ms"),
            (vec![answer(DnsType::A, DnsOutcome::TimedOut)], Verdict::Unreachable, "A timed out"),
        ];
        for (answers, verdict, words) in cases {
            let r = of(answers);
            assert_eq!(r.verdict(), verdict);
            assert!(r.summary().contains(words), "{}", r.summary());
            assert!(!r.lines().concat().contains('\u{1b}'));
        }
    }

    #[test]
    fn units_follow_the_size() {
        assert_eq!(ms(1_234_567), "1234.567 ms");
        assert_eq!(
            [rate(999), rate(1_500), rate(94_200_000), rate(2_500_000_000)],
            ["999 bit/s", "1.5 kbit/s", "94.20 Mbit/s", "2.500 Gbit/s"]
        );
    }
}
