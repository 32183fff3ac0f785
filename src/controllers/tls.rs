//! TLS towards every source: own authority or the system's, a client certificate, the name that is
//! expected. One reading of the settings serves gRPC (tonic), Kafka (rskafka) and HTTP (hyper).

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::ExposeSecret;
use tonic::transport::{ClientTlsConfig, Identity};

use crate::config::schema::Tls;

/// TLS settings for tonic. Errors are words for an operator.
pub(crate) fn for_grpc(tls: &Tls) -> Result<ClientTlsConfig, String> {
    let mut config = ClientTlsConfig::new().trust_anchors(roots(tls)?.roots.clone());
    if let Some((cert, key)) = identity(tls)? {
        config = config.identity(Identity::from_pem(cert, key));
    }
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    Ok(config)
}

/// TLS settings for whoever makes a connection himself. Errors are words for an operator.
pub(crate) fn for_stream(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let roots = roots(tls)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    // The clients derive the expected name from the address and offer no other way.
    let builder = match &tls.server_name {
        None => builder.with_root_certificates(roots),
        Some(name) => {
            let verifier = NamedVerifier::new(roots, name, provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    match identity(tls)? {
        None => Ok(builder.with_no_client_auth()),
        Some((cert, key)) => {
            let chain = certificates(&cert).map_err(|e| format!("tls.cert: {e}"))?;
            let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| format!("tls.key: {e}"))?;
            builder.with_client_auth_cert(chain, key).map_err(|e| format!("tls.cert and tls.key: {e}"))
        }
    }
}

/// Authorities that clients have read and still use. A store takes 100 kB and more, and hundreds of
/// sources usually trust the same one.
static SHARED: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// What a store was read from (the configured file as it was, or nothing for the system's), and it.
type Known = (Option<Vec<u8>>, Weak<RootCertStore>);

/// The authorities that are trusted: the configured file, else the system's. The file is read each time,
/// and another content counts; another content of the system's store is not seen as long as any client
/// that uses it lives: reading it takes long.
fn roots(tls: &Tls) -> Result<Arc<RootCertStore>, String> {
    let pem = match &tls.ca {
        Some(path) => Some(std::fs::read(path).map_err(|e| format!("tls.ca: {path}: {e}"))?),
        None => None,
    };
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.retain(|(_, store)| store.strong_count() > 0);
    if let Some(store) = shared.iter().find(|(of, _)| *of == pem).and_then(|(_, store)| store.upgrade()) {
        return Ok(store);
    }
    let store = Arc::new(read_roots(tls, pem.as_deref())?);
    shared.push((pem, Arc::downgrade(&store)));
    Ok(store)
}

fn read_roots(tls: &Tls, pem: Option<&[u8]>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    if let (Some(path), Some(pem)) = (&tls.ca, pem) {
        for cert in certificates(pem).map_err(|e| format!("tls.ca: {path}: {e}"))? {
            store.add(cert).map_err(|e| format!("tls.ca: {path}: {e}"))?;
        }
    } else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        let what = tls.ca.as_deref().unwrap_or("the system's store");
        return Err(format!("tls.ca: {what} holds no certificate"));
    }
    Ok(store)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| e.to_string())
}

/// Certificate chain and private key as PEM.
type Pair = (Vec<u8>, Vec<u8>);

/// Our certificate and key, when configured.
fn identity(tls: &Tls) -> Result<Option<Pair>, String> {
    match (&tls.cert, &tls.key) {
        (None, None) => Ok(None),
        (Some(path), Some(key)) => {
            let cert = std::fs::read(path).map_err(|e| format!("tls.cert: {path}: {e}"))?;
            let key = key.resolve().map_err(|e| format!("tls.key: {e}"))?;
            Ok(Some((cert, key.expose_secret().as_bytes().to_vec())))
        }
        _ => Err("tls.cert and tls.key belong together: one is missing".to_owned()),
    }
}

/// Verifies a server as usual, but against a configured name.
#[derive(Debug)]
struct NamedVerifier {
    usual: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl NamedVerifier {
    fn new(roots: Arc<RootCertStore>, name: &str, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let usual = WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(|e| e.to_string())?;
        let name = ServerName::try_from(name.to_owned()).map_err(|e| format!("tls.server_name: {name}: {e}"))?;
        Ok(Self { usual, name })
    }
}

impl ServerCertVerifier for NamedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.usual.verify_server_cert(end_entity, intermediates, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn clients_with_the_same_authorities_share_them_until_the_file_is_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let ca = || {
            let params = rcgen::CertificateParams::new(vec!["peer.test".to_owned()]).unwrap();
            params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
        };
        let tls = Tls { ca: Some(file.path().to_str().unwrap().to_owned()), ..Tls::default() };
        std::fs::write(file.path(), ca()).unwrap();
        let first = roots(&tls).unwrap();
        assert!(Arc::ptr_eq(&first, &roots(&tls).unwrap()));
        std::fs::write(file.path(), ca()).unwrap();
        let second = roots(&tls).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::write(file.path(), "no certificate").unwrap();
        assert!(roots(&tls).unwrap_err().contains("holds no certificate"));
    }
}
