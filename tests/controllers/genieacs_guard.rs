//! A GenieACS behind a proxy: path prefix, logins, TLS with an authority and certificates of one's
//! own.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use noctule::config::schema::{BasicAuth, Genieacs, HeaderAuth, Tls};
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::error::Failure;
use noctule::controllers::voltha::error::ErrorKind;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::acs_rig::{Rig, quick, says};

fn secret(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    format!("file:{}", path.display())
}

#[tokio::test]
async fn logins_and_prefixes_are_sent_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = Rig::start(|_| says("404 Not Found", "")).await;
    let mut config = Genieacs::new(format!("http://{}/acs/nbi/", rig.address));
    let password = secret(&folder, "p", "pass:word").parse().expect("a reference");
    config.auth.basic = Some(BasicAuth { username: "anna".into(), password });
    let value = secret(&folder, "k", "k3y").parse().expect("a reference");
    config.auth.header = Some(HeaderAuth { name: "X-Api-Key".into(), value });
    let client = Client::new(&"acs-1".into(), &config).expect("a client");
    client.version().await.expect("an answer");
    let asked = &rig.asked()[0];
    assert_eq!(asked.line(), "GET /acs/nbi/");
    assert!(asked.has_header("authorization: Basic YW5uYTpwYXNzOndvcmQ="), "{}", asked.head);
    assert!(asked.has_header("x-api-key: k3y"), "{}", asked.head);
    let shown = format!("{client:?} {config:?}");
    assert!(!shown.contains("pass:word") && !shown.contains("k3y") && !shown.contains("YW5uYT"), "{shown}");

    config.auth.basic = None;
    config.auth.header = None;
    config.auth.bearer = Some(secret(&folder, "t", "t0ken").parse().expect("a reference"));
    Client::new(&"acs-1".into(), &config).expect("a client").version().await.expect("an answer");
    assert!(rig.asked()[1].has_header("authorization: Bearer t0ken"));
}

#[tokio::test]
async fn own_authorities_and_client_certificates_are_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let signed = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.signed_by(&key, &ca).expect("signed").pem(), key.serialize_pem())
    };
    let (cert, key) = signed("127.0.0.1");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).expect("a certificate")).expect("added");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.expect("a verifier"))
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert.as_bytes()).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        )
        .expect("a server");
    let rig = Rig::secure(Some(Arc::new(server)), |_| says("404 Not Found", "")).await;

    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca.pem()).expect("written");
    let (ours, our_key) = signed("console");
    let cert_file = folder.path().join("console.pem");
    std::fs::write(&cert_file, ours).expect("written");
    let mut config = Genieacs::new(format!("https://{}/nbi", rig.address));
    config.tls = Tls {
        ca: Some(ca_file.display().to_string()),
        cert: Some(cert_file.display().to_string()),
        key: Some(secret(&folder, "key", &our_key).parse().expect("a reference")),
        server_name: None,
    };
    let client = |config: &Genieacs| Client::with_patience(&"acs-1".into(), config, quick(config)).expect("a client");
    assert_eq!(client(&config).version().await.expect("an answer"), "1.2.16+x");

    let mut bare = config.clone();
    (bare.tls.cert, bare.tls.key) = (None, None);
    let refused = client(&bare).version().await.expect_err("no certificate of ours").what;
    assert!(
        matches!(refused, Failure::Transport(ErrorKind::ClientCertificate, _) | Failure::WorkerRestarting { .. }),
        "{refused:?}"
    );
    let (_, other) = (signed("x"), KeyPair::generate().expect("a key"));
    let stranger =
        CertificateParams::new(vec!["other".into()]).expect("parameters").self_signed(&other).expect("signed");
    let other_file = folder.path().join("other.pem");
    std::fs::write(&other_file, stranger.pem()).expect("written");
    let mut distrusting = config.clone();
    distrusting.tls.ca = Some(other_file.display().to_string());
    let unknown = client(&distrusting).version().await.expect_err("an unknown authority").what;
    assert!(matches!(unknown, Failure::Transport(ErrorKind::UnknownAuthority, _)), "{unknown:?}");
}
