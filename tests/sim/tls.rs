//! TLS with an authority of our own, client certificates, and SASL PLAIN, as a guarded stack has them.

use std::sync::Arc;

use noctule::config::schema::SourceKind;
use noctule::controllers::voltha::proto::voltha::voltha_service_client::VolthaServiceClient;
use noctule::sim::{Network, SimOptions, SimTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

struct Papers {
    ca: String,
    server: SimTls,
    client: (String, String),
}

fn papers() -> Papers {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let signed = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.signed_by(&key, &ca).expect("signed").pem(), key.serialize_pem())
    };
    let (cert, key) = signed("127.0.0.1");
    let server = SimTls { cert, key, client_ca: Some(ca.pem()) };
    Papers { ca: ca.pem(), server, client: signed("console") }
}

fn kafka_tls(papers: &Papers, with_client: bool) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(papers.ca.as_bytes()).expect("a certificate")).expect("added");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    if !with_client {
        return Arc::new(config.with_no_client_auth());
    }
    let cert = CertificateDer::from_pem_slice(papers.client.0.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(papers.client.1.as_bytes()).expect("a key");
    Arc::new(config.with_client_auth_cert(vec![cert], key).expect("a client certificate"))
}

fn login(password: &str) -> SaslConfig {
    SaslConfig::Plain(Credentials::new("console".into(), password.into()))
}

#[tokio::test]
async fn certificates_and_passwords_are_asked_for_and_checked() {
    let papers = papers();
    let options = SimOptions {
        tls: Some(papers.server.clone()),
        login: Some(("console".into(), "right".into())),
        ..SimOptions::still()
    };
    let network = Network::start(options).await.expect("a network");
    let SourceKind::Voltha(voltha) = &network.config().sources[0].kind else { panic!("another kind") };
    assert!(voltha.grpc.starts_with("https://"));

    let with_ca = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&papers.ca));
    let connect = |tls: ClientTlsConfig| {
        let endpoint = Channel::from_shared(voltha.grpc.clone()).expect("an address").tls_config(tls).expect("TLS");
        async move {
            let channel = endpoint.connect().await.map_err(|e| e.to_string())?;
            VolthaServiceClient::new(channel).get_voltha(()).await.map_err(|e| e.to_string())
        }
    };
    let identity = Identity::from_pem(&papers.client.0, &papers.client.1);
    connect(with_ca.clone().identity(identity)).await.expect("with a certificate");
    connect(with_ca).await.expect_err("without a certificate");

    let brokers = voltha.kafka.as_ref().expect("Kafka").brokers.clone();
    let guarded = |password, certificate| {
        let builder = ClientBuilder::new(brokers.clone())
            .tls_config(kafka_tls(&papers, certificate))
            .sasl_config(login(password))
            .backoff_config(rskafka::BackoffConfig {
                deadline: Some(std::time::Duration::from_secs(2)),
                ..Default::default()
            });
        async move {
            let client = builder.build().await.map_err(|e| e.to_string())?;
            client.list_topics().await.map_err(|e| e.to_string())
        }
    };
    assert_eq!(guarded("right", true).await.expect("let in").len(), 1);
    guarded("wrong", true).await.expect_err("a wrong password");
    guarded("right", false).await.expect_err("no certificate");
}
