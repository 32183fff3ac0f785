//! HTTP servers that give, take, redirect, refuse and pace themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use noctule::model::diag::{BandwidthOutcome, BandwidthRequest, DiagData, DiagRequest, Direction, HttpUrl, Verdict};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ended;

/// Bytes per 20 ms that `/paced` gives: 4 Mbit/s.
const PACE: usize = 10_000;

async fn serve(mut io: impl AsyncRead + AsyncWrite + Unpin, taken: Arc<AtomicU64>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        if head.starts_with("post") {
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
            let mut left: u64 = length.parse().unwrap();
            let mut buffer = vec![0; 1 << 16];
            while left > 0 {
                let n = io.read(&mut buffer).await? as u64;
                if n == 0 {
                    return Ok(());
                }
                taken.fetch_add(n, Ordering::Relaxed);
                left -= n.min(left);
            }
            io.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
            continue;
        }
        match path.as_str() {
            "/flood" => {
                io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n").await?;
                loop {
                    io.write_all(&[7; 1 << 14]).await?;
                }
            }
            "/paced" => {
                io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n").await?;
                let mut tick = tokio::time::interval(Duration::from_millis(20));
                loop {
                    tick.tick().await;
                    io.write_all(&[7; PACE]).await?;
                }
            }
            "/small" => io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall").await?,
            "/there" => io.write_all(b"HTTP/1.1 302 Found\r\nLocation: /paced\r\nContent-Length: 0\r\n\r\n").await?,
            "/loop" => io.write_all(b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n").await?,
            "/silent" => std::future::pending().await,
            _ => io.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?,
        }
    }
}

async fn server(address: &str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let taken = Arc::<AtomicU64>::default();
    let counter = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&counter)));
        }
    });
    (format!("http://{at}"), taken)
}

fn request(url: &str) -> BandwidthRequest {
    let mut request = BandwidthRequest::new(HttpUrl::parse(url).unwrap());
    request.duration = Duration::from_millis(1_500);
    request.warm_up = Duration::from_millis(300);
    request.sample = Duration::from_millis(250);
    request.timeout = Duration::from_millis(800);
    request
}

async fn measured(request: BandwidthRequest) -> (Verdict, BandwidthOutcome) {
    let (result, events) = ended(DiagRequest::Bandwidth(request)).await;
    let result = result.unwrap();
    let DiagData::Bandwidth(outcome) = result.data.clone() else { panic!() };
    let told = events.iter().filter(|e| matches!(e, noctule::model::diag::DiagEvent::Bandwidth(_))).count();
    assert_eq!(told, outcome.samples.len());
    (result.verdict(), outcome)
}

#[tokio::test]
async fn a_paced_server_is_measured_at_its_pace() {
    for (address, path, streams) in [("127.0.0.1", "/paced", 1), ("::1", "/there", 1), ("127.0.0.1", "/paced", 3)] {
        let (base, _) = server(address).await;
        let mut request = request(&format!("{base}{path}"));
        request.streams = streams;
        let (verdict, b) = measured(request).await;
        assert_eq!((verdict, b.status), (Verdict::Reached, 200), "{b:?}");
        assert!(b.url.ends_with("/paced"), "{}", b.url);
        let wanted = 4e6 * f64::from(streams);
        let ratio = b.bits_per_second() as f64 / wanted;
        assert!((0.8..1.2).contains(&ratio), "{address} {streams}: {ratio} of the pace, {b:?}");
        assert!(b.samples.len() >= 6 && b.samples.iter().any(|s| s.warm_up), "{b:?}");
        let counted: u64 = b.samples.iter().filter(|s| !s.warm_up).map(|s| s.bytes).sum();
        assert_eq!(counted, b.measured_bytes);
        assert!(b.total_bytes > b.measured_bytes && b.connect_us.is_some() && b.first_byte_us.is_some());
    }
}

#[tokio::test]
async fn what_is_uploaded_arrives() {
    let (base, taken) = server("127.0.0.1").await;
    let mut request = request(&format!("{base}/sink"));
    request.direction = Direction::Upload;
    let (verdict, b) = measured(request).await;
    assert_eq!(verdict, Verdict::Reached, "{b:?}");
    let taken = taken.load(Ordering::Relaxed);
    // What is counted runs ahead of what has arrived by the buffers of both sockets.
    assert!(
        taken > 0 && taken <= b.total_bytes + (1 << 16) && b.total_bytes - taken.min(b.total_bytes) < 24 << 20,
        "{taken} {b:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_measured_says_why() {
    let (base, _) = server("127.0.0.1").await;
    let cases = [
        ("/none", Verdict::Failed, "HTTP 404 Not Found"),
        ("/loop", Verdict::Failed, "more than 5 redirections"),
        ("/silent", Verdict::Failed, "no answer to the request within 800ms"),
        ("/small", Verdict::Partly, "choose a larger file"),
    ];
    for (path, verdict, words) in cases {
        let mut request = request(&format!("{base}{path}"));
        request.warm_up = Duration::ZERO;
        // All of them end by themselves, on a busy machine later.
        request.duration = Duration::from_secs(30);
        let (said, b) = measured(request).await;
        assert_eq!(said, verdict, "{path}: {b:?}");
        assert!(b.errors.iter().any(|e| e.contains(words)), "{path}: {:?}", b.errors);
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (said, b) = measured(request(&format!("http://{gone}/"))).await;
    assert_eq!(said, Verdict::Unreachable, "{b:?}");
}

#[tokio::test]
async fn tls_is_checked_and_timed() {
    let cert = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, cert.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(cert.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(stream, Arc::default()));
            }
        }
    });
    let mut request = request(&format!("https://localhost:{port}/flood"));
    request.family = noctule::model::diag::Family::V4;
    request.ca = Some(ca.display().to_string());
    let (verdict, b) = measured(request.clone()).await;
    assert_eq!(verdict, Verdict::Reached, "{b:?}");
    assert!(b.tls_us.is_some_and(|us| us > 0), "{b:?}");
    // A name that the certificate does not hold is refused.
    request.url = HttpUrl::parse(&format!("https://127.0.0.1:{port}/flood")).unwrap();
    let (verdict, b) = measured(request).await;
    assert_eq!(verdict, Verdict::Unreachable);
    assert!(b.errors[0].contains("TLS with 127.0.0.1"), "{:?}", b.errors);
}
