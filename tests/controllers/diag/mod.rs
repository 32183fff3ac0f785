//! Diagnostics against servers of our own on loopback, IPv4 and IPv6.

mod bandwidth;
mod dns;

use std::io::Write as _;
use std::time::Duration;

use noctule::controllers::diag::{DiagError, run};
use noctule::model::diag::{
    DiagData, DiagEvent, DiagRequest, DiagResult, Host, PingEvent, PingRequest, PortOutcome, PortRequest, PortState,
    Probe, Protocol, TraceRequest, Verdict,
};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Runs one to its end; the result and all events.
pub(crate) async fn ended(request: DiagRequest) -> (Result<DiagResult, DiagError>, Vec<DiagEvent>) {
    let (events, mut news) = mpsc::unbounded_channel();
    let run = run(request, events, CancellationToken::new());
    let result = tokio::time::timeout(Duration::from_secs(30), run).await.expect("it ends");
    let mut all = Vec::new();
    while let Ok(event) = news.try_recv() {
        all.push(event);
    }
    (result, all)
}

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

const BOTH: [&str; 2] = ["127.0.0.1", "::1"];

/// Echo requests need a sysctl or a privilege; a machine without them says that it checked nothing.
async fn ping(request: PingRequest) -> Option<(DiagResult, Vec<DiagEvent>)> {
    match ended(DiagRequest::Ping(request)).await {
        (Ok(result), events) => Some((result, events)),
        (Err(error @ DiagError::Permission { .. }), _) => {
            assert!(error.to_string().contains("net.ipv4.ping_group_range"), "{error}");
            let _ = writeln!(std::io::stderr(), "NOT CHECKED: echo requests: {error}");
            None
        }
        (Err(error), _) => panic!("{error}"),
    }
}

#[tokio::test]
async fn loopback_answers_every_echo() {
    for address in BOTH {
        for size in [0, 32, 40_000] {
            let mut request = PingRequest::new(host(address));
            (request.count, request.size, request.interval) = (3, size, Duration::from_millis(30));
            let Some((result, events)) = ping(request).await else { return };
            let DiagData::Ping(p) = &result.data else { panic!() };
            assert_eq!((p.sent, p.received, p.duplicates, p.corrupt), (3, 3, 0, 0), "{address} {size}: {p:?}");
            assert_eq!(p.hop_limit, Some(64));
            assert!(p.stats().unwrap().max_us < 1_000_000);
            assert_eq!(result.verdict(), Verdict::Reached);
            let replies = events.iter().filter(|e| matches!(e, DiagEvent::Ping(PingEvent::Reply { .. }))).count();
            assert_eq!(replies, 3);
        }
    }
}

#[tokio::test]
async fn a_cancelled_ping_tells_what_it_knows() {
    let mut request = PingRequest::new(host("127.0.0.1"));
    (request.count, request.interval) = (100, Duration::from_mins(1));
    let (events, mut news) = mpsc::unbounded_channel();
    let cancel = CancellationToken::new();
    let work = tokio::spawn(run(DiagRequest::Ping(request), events, cancel.clone()));
    while let Some(event) = news.recv().await {
        if matches!(event, DiagEvent::Ping(_)) {
            cancel.cancel();
        }
    }
    match work.await.unwrap() {
        Ok(result) => {
            let DiagData::Ping(p) = &result.data else { panic!() };
            assert_eq!((p.sent, p.received, result.verdict()), (1, 1, Verdict::Partly));
        }
        Err(error @ DiagError::Permission { .. }) => {
            let _ = writeln!(std::io::stderr(), "NOT CHECKED: echo requests: {error}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_trace_of_loopback_is_one_hop() {
    for address in BOTH {
        let mut request = TraceRequest::new(host(address));
        request.names = false;
        let (result, events) = ended(DiagRequest::Trace(request)).await;
        let result = result.unwrap();
        let DiagData::Trace(t) = &result.data else { panic!() };
        assert_eq!((t.hops.len(), t.reached(), result.verdict()), (1, true, Verdict::Reached), "{t:?}");
        assert!(t.hops[0].probes.iter().all(|p| matches!(p, Probe::Target { .. })), "{t:?}");
        assert_eq!(events.iter().filter(|e| matches!(e, DiagEvent::Hop(_))).count(), 1);
    }
}

#[tokio::test]
async fn a_target_that_answers_probes_is_reached_too() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let echo = tokio::spawn(async move {
        let mut buffer = [0; 100];
        while let Ok((n, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..n], from).await;
        }
    });
    let mut request = TraceRequest::new(host("127.0.0.1"));
    (request.names, request.port, request.queries) = (false, port, 1);
    let (result, _) = ended(DiagRequest::Trace(request)).await;
    echo.abort();
    let DiagData::Trace(t) = result.unwrap().data else { panic!() };
    assert!(matches!(t.hops[..][..], [ref hop] if hop.is_target()), "{t:?}");
}

async fn ports(address: &str, ports: Vec<u16>, protocol: Protocol) -> (DiagResult, Vec<PortOutcome>) {
    let mut request = PortRequest::new(host(address), ports);
    (request.protocol, request.timeout) = (protocol, Duration::from_secs(2));
    let (result, events) = ended(DiagRequest::Port(request)).await;
    let result = result.unwrap();
    let DiagData::Port(ports) = result.data.clone() else { panic!() };
    assert_eq!(events.iter().filter(|e| matches!(e, DiagEvent::Port(_))).count(), ports.len());
    (result, ports)
}

#[tokio::test]
async fn tcp_ports_are_open_or_closed() {
    for address in BOTH {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let free = TcpListener::bind((address, 0)).await.unwrap();
        let (open, closed) = (listener.local_addr().unwrap().port(), free.local_addr().unwrap().port());
        drop(free);
        let (result, found) = ports(address, vec![closed, open], Protocol::Tcp).await;
        let states: Vec<_> = found.iter().map(|p| (p.port, p.state.clone())).collect();
        assert_eq!(states, [(closed, PortState::Closed), (open, PortState::Open)], "in the order asked for");
        assert!(found.iter().all(|p| p.rtt_us.is_some_and(|us| us < 1_000_000)));
        assert_eq!(result.verdict(), Verdict::Partly);
    }
}

#[tokio::test]
async fn udp_tells_open_closed_and_what_nobody_can_know() {
    for address in BOTH {
        let talks = UdpSocket::bind((address, 0)).await.unwrap();
        let quiet = UdpSocket::bind((address, 0)).await.unwrap();
        let free = UdpSocket::bind((address, 0)).await.unwrap();
        let port = |s: &UdpSocket| s.local_addr().unwrap().port();
        let wanted = vec![port(&talks), port(&quiet), port(&free)];
        drop(free);
        let server = tokio::spawn(async move {
            let mut buffer = [0; 100];
            while let Ok((_, from)) = talks.recv_from(&mut buffer).await {
                let _ = talks.send_to(b"here", from).await;
            }
        });
        let (result, found) = ports(address, wanted, Protocol::Udp).await;
        server.abort();
        let states: Vec<_> = found.iter().map(|p| p.state.word()).collect();
        assert_eq!(states, ["open", "open_or_filtered", "closed"]);
        assert_eq!(found[2].from, Some(address.parse().unwrap()), "the host itself said so");
        assert_eq!(result.verdict(), Verdict::Partly);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_in_words() {
    let (result, _) = ended(DiagRequest::Ping(PingRequest::new(host("fe80::1%nosuch0")))).await;
    let error = result.unwrap_err();
    assert_eq!(error.verdict(), Some(Verdict::Failed));
    assert!(error.to_string().contains("fe80::1%nosuch0: the name cannot be resolved"), "{error}");
    let mut request = PingRequest::new(host("::1"));
    request.family = noctule::model::diag::Family::V4;
    let (result, _) = ended(DiagRequest::Ping(request)).await;
    assert!(matches!(result, Err(DiagError::NoAddress { .. } | DiagError::NoHost { .. })), "{result:?}");
    let mut request = PingRequest::new(host("::1"));
    request.count = 0;
    assert!(matches!(ended(DiagRequest::Ping(request)).await.0, Err(DiagError::Wrong(_))));
}
