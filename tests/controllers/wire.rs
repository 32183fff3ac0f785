//! The clients against servers that are not what they should be: every failure is told in words
//! that say what to do.

use std::net::SocketAddr;

use noctule::config::schema::{Kafka, Sasl, SaslMechanism, SourceKind, Tls, Voltha};
use noctule::controllers::voltha::client::{Client, methods};
use noctule::controllers::voltha::error::ErrorKind;
use noctule::controllers::voltha::events::Stream;
use noctule::sim::kafka::Mechanism;
use noctule::sim::{Network, SimOptions, SimTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn voltha(grpc: String, tls: Tls) -> Voltha {
    Voltha { grpc, tls, kafka: None, poll_s: 30, timeout_s: 3, max_message_mib: 64, paused: false }
}

async fn version(config: &Voltha) -> Result<String, ErrorKind> {
    let client = Client::new("v".into(), config).map_err(|e| e.kind)?;
    match client.call(&methods::GET_VOLTHA, "", ()).await {
        Ok(answer) => Ok(answer.value.version),
        Err(e) => {
            let text = e.to_string();
            assert!(text.starts_with("v: GetVoltha") && text.contains(e.kind.advice()), "{text}");
            Err(e.kind)
        }
    }
}

/// A server that answers every connection with these bytes.
async fn answers(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 1024];
                let _ = socket.read(&mut heard).await;
                let _ = socket.write_all(bytes).await;
                let _ = socket.read(&mut heard).await;
            });
        }
    });
    at
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("self-signed") }
    }

    fn signs(&self, name: &str, expired: bool) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        if expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("signed");
        (cert.pem(), key.serialize_pem())
    }

    fn file(&self, folder: &tempfile::TempDir) -> String {
        write(folder, "ca.pem", &self.issuer.pem())
    }
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = listener.local_addr().expect("bound");
    drop(listener);
    assert_eq!(version(&voltha(format!("http://{at}"), Tls::default())).await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn a_web_server_is_the_wrong_protocol() {
    let at = answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    assert_eq!(version(&voltha(format!("http://{at}"), Tls::default())).await, Err(ErrorKind::WrongProtocol));
}

#[tokio::test]
async fn plaintext_where_tls_is_expected_is_the_wrong_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = answers(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let tls = Tls { ca: Some(Authority::new().file(&folder)), ..Tls::default() };
    assert_eq!(version(&voltha(format!("https://{at}"), tls)).await, Err(ErrorKind::WrongProtocol));
}

#[tokio::test]
async fn settings_that_contradict_are_refused_before_anything_is_tried() {
    let tls = Tls { ca: Some("/nowhere.pem".into()), ..Tls::default() };
    for config in [
        voltha("127.0.0.1:50057".into(), Tls::default()),
        voltha("http://127.0.0.1:1".into(), tls.clone()),
        voltha("https://127.0.0.1:1".into(), tls),
    ] {
        assert_eq!(version(&config).await, Err(ErrorKind::Config), "{}", config.grpc);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_own_authority_client_certificate_and_its_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let (ca, stranger) = (authority.file(&folder), write(&folder, "other.pem", &Authority::new().issuer.pem()));
    let serve = |expired: bool, client: bool| {
        let (cert, key) = authority.signs("core.example", expired);
        let client_ca = client.then(|| authority.issuer.pem());
        Network::start(SimOptions { tls: Some(SimTls { cert, key, client_ca }), ..SimOptions::still() })
    };
    let at = |network: &noctule::sim::Running| {
        let config = network.config();
        let SourceKind::Voltha(voltha) = &config.sources.first().expect("one").kind else { panic!("another kind") };
        voltha.clone()
    };
    let named = |ca: &str| Tls { ca: Some(ca.to_owned()), server_name: Some("core.example".into()), ..Tls::default() };

    let network = serve(false, false).await.expect("served");
    let source = at(&network);
    let ask = |tls: Tls| {
        let config = voltha(source.grpc.clone(), tls);
        async move { version(&config).await }
    };
    assert!(ask(named(&ca)).await.is_ok());
    assert_eq!(ask(named(&stranger)).await, Err(ErrorKind::UnknownAuthority));
    assert_eq!(ask(Tls { ca: Some(ca.clone()), ..Tls::default() }).await, Err(ErrorKind::CertificateName));
    let kafka = source.kafka.clone().expect("a stream");
    let read = |tls: Tls| {
        let config = Kafka { tls: Some(tls), ..kafka.clone() };
        async move {
            let stream = Stream::connect(&"v".into(), &config).await.map_err(|e| e.kind)?;
            stream.partitions().await.map_err(|e| e.kind)
        }
    };
    assert_eq!(read(named(&ca)).await, Ok(vec![0]));
    assert_eq!(read(named(&stranger)).await, Err(ErrorKind::UnknownAuthority));
    assert_eq!(read(Tls { ca: Some(ca.clone()), ..Tls::default() }).await, Err(ErrorKind::CertificateName));

    let network = serve(true, false).await.expect("served");
    let config = voltha(at(&network).grpc, named(&ca));
    assert_eq!(version(&config).await, Err(ErrorKind::CertificateExpired));

    let network = serve(false, true).await.expect("served");
    let (cert, key) = authority.signs("noctule.example", false);
    let ours = Tls {
        cert: Some(write(&folder, "cert.pem", &cert)),
        key: Some(format!("file:{}", write(&folder, "key.pem", &key)).parse().expect("a reference")),
        ..named(&ca)
    };
    assert!(version(&voltha(at(&network).grpc, ours)).await.is_ok());
    let without = version(&voltha(at(&network).grpc, named(&ca))).await;
    // In TLS 1.3 the server refuses after the handshake: its alert may be lost to the close.
    assert!(matches!(without, Err(ErrorKind::ClientCertificate | ErrorKind::Unavailable)), "{without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_wrong_is_told_as_such() {
    let login = Some(("noctule".to_owned(), "sesame".to_owned()));
    // A broker that offers everything but SHA-512.
    let mechanisms = vec![Mechanism::Plain, Mechanism::ScramSha256];
    let network = Network::start(SimOptions { login, mechanisms, ..SimOptions::still() }).await.expect("served");
    let config = network.config();
    let SourceKind::Voltha(source) = &config.sources.first().expect("one").kind else { panic!("another kind") };
    let kafka = source.kafka.clone().expect("a stream");
    let folder = tempfile::tempdir().expect("a folder");
    let log_in = |mechanism, username: &str, password: &str| {
        let secret = format!("file:{}", write(&folder, password, password)).parse().expect("a reference");
        let sasl = Some(Sasl { mechanism, username: username.into(), password: secret });
        let settings = Kafka { sasl, ..kafka.clone() };
        async move {
            let stream = Stream::connect(&"core-7".into(), &settings).await?;
            stream.partitions().await
        }
    };
    for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256] {
        assert_eq!(log_in(mechanism, "noctule", "sesame").await.expect("logged in"), [0], "{mechanism:?}");
        for (user, password) in [("noctule", "guess"), ("somebody", "sesame")] {
            let bad = log_in(mechanism, user, password).await.expect_err("refused");
            let words = bad.to_string();
            assert_eq!(bad.kind, ErrorKind::Login, "{words}");
            assert!(words.starts_with("core-7: Kafka") && words.contains("check user name, password"), "{words}");
            assert!(!words.contains(password), "no secret in words: {words}");
        }
    }
    let other = log_in(SaslMechanism::ScramSha512, "noctule", "sesame").await.expect_err("not offered");
    let words = other.to_string();
    assert_eq!(other.kind, ErrorKind::Login, "{words}");
    assert!(words.contains("core-7") && words.contains("mechanism") && !words.contains("sesame"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_log_in_works() {
    let login = Some(("noctule".to_owned(), "s,e=same".to_owned()));
    let network = Network::start(SimOptions { login, ..SimOptions::still() }).await.expect("served");
    let config = network.config();
    let SourceKind::Voltha(source) = &config.sources.first().expect("one").kind else { panic!("another kind") };
    let folder = tempfile::tempdir().expect("a folder");
    for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
        let password = format!("file:{}", write(&folder, "password", "s,e=same")).parse().expect("a reference");
        let sasl = Some(Sasl { mechanism, username: "noctule".into(), password });
        let settings = Kafka { sasl, ..source.kafka.clone().expect("a stream") };
        let stream = Stream::connect(&"v".into(), &settings).await.expect("logged in");
        let mut reader = stream.reader(0, None).await.expect("a reader");
        assert!(reader.next().await.is_ok(), "{mechanism:?}");
    }
}
