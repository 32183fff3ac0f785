//! A TLS handshake for its own sake: which certificate the server shows, and until when it holds.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::model::time::{DAY, Ts};

use super::report::Check;

/// Days before the end of a certificate from which on it is worth a word.
const SOON: i64 = 21;

/// Shakes hands and tells how long the certificate holds.
pub(super) async fn check(name: &str, tcp: TcpStream, mut config: ClientConfig, host: &str, now: Ts) -> Check {
    let advice = "check tls.ca, tls.server_name and the clocks; renew the certificate if it is out of date";
    config.alpn_protocols = vec![b"h2".to_vec()];
    let server = match ServerName::try_from(host.to_owned()) {
        Ok(server) => server,
        Err(e) => return Check::fail(name, format!("{host}: {e}"), "set tls.server_name").unreachable(),
    };
    let began = std::time::Instant::now();
    match TlsConnector::from(Arc::new(config)).connect(server, tcp).await {
        Err(e) => Check::fail(name, e.to_string(), advice).unreachable(),
        Ok(stream) => {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let ends = chain.iter().filter_map(|cert| not_after(cert)).min();
            validity(name, ends, now).took(began.elapsed())
        }
    }
}

fn validity(name: &str, ends: Option<Ts>, now: Ts) -> Check {
    let Some(ends) = ends else { return Check::ok(name, "handshake done; end of validity not readable") };
    let days = ends.since(now) / DAY;
    let found = format!("certificate holds until {} ({days} days)", ends.to_rfc3339());
    if days < SOON { Check::warn(name, found, "renew it") } else { Check::ok(name, found) }
}

/// The end of validity of an X.509 certificate (RFC 5280 §4.1): the second time in the fifth
/// element of the inner sequence. A full parser is not worth its weight for one field.
pub(super) fn not_after(der: &[u8]) -> Option<Ts> {
    let (_, certificate, _) = element(der)?;
    let (_, mut tbs, _) = element(certificate)?;
    if tbs.first() == Some(&0xa0) {
        (_, _, tbs) = element(tbs)?;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        (_, _, tbs) = element(tbs)?;
    }
    let (_, validity, _) = element(tbs)?;
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    parse_time(tag, std::str::from_utf8(time).ok()?)
}

/// One DER element: tag, contents, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// UTCTime (`YYMMDDHHMMSSZ`, years before 50 are of this century) or GeneralizedTime.
fn parse_time(tag: u8, text: &str) -> Option<Ts> {
    let full = match tag {
        0x17 => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        0x18 => text.to_owned(),
        _ => return None,
    };
    let time = chrono::NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%SZ").ok()?;
    Some(Ts(time.and_utc().timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_validity_is_found() {
        let mut params = rcgen::CertificateParams::new(vec!["olt.example".into()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 7, 14);
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        let ends = not_after(cert.der()).unwrap();
        assert_eq!(ends.to_rfc3339(), "2031-07-14T00:00:00.000Z");
        params = rcgen::CertificateParams::new(vec!["olt.example".into()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2077, 1, 1);
        let cert = params.self_signed(&key).unwrap();
        assert!(not_after(cert.der()).unwrap().to_rfc3339().starts_with("2077-01-01"));
    }

    #[test]
    fn garbage_is_no_certificate() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 1, 2], &[0x30, 0x05, 1, 2, 3, 4, 5], &[0xff; 64]] {
            assert_eq!(not_after(bytes), None);
        }
    }
}
