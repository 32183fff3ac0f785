//! What rskafka's errors mean. Several of its layers keep only the words of their cause, so the
//! kind is told from the words.

use rskafka::client::error::{Error as Kafka, ProtocolError};

use super::super::error::{Call, Error, ErrorKind};

/// An error of this call.
pub(super) fn error(call: &Call<'_>, error: &Kafka) -> Error {
    if let Kafka::ServerError { protocol_error, error_message, .. } = error {
        let words = error_message.clone().unwrap_or_else(|| protocol_error.to_string());
        return call.error(protocol_kind(*protocol_error), "-", words);
    }
    let words = error.to_string();
    call.error(kind(&words), "-", shortest(&words))
}

/// Whether the broker no longer (or not yet) has the offset that was asked for.
pub(super) fn out_of_range(error: &Kafka) -> bool {
    matches!(error, Kafka::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. })
}

/// Whether what was fetched cannot be read, so that asking again gives the same.
pub(super) fn unreadable(error: &Kafka) -> bool {
    let words = error.to_string();
    if words.contains("Cannot read framed message: Cannot read data") {
        return false; // the connection broke
    }
    match error {
        Kafka::InvalidResponse(_) => true,
        Kafka::ServerError { protocol_error, .. } => matches!(protocol_error, ProtocolError::CorruptMessage),
        Kafka::Request(_) | Kafka::RetryFailed(_) => {
            words.contains("Message too large")
                || words.contains("Cannot read data")
                || words.contains("Cannot read versioned data")
                || words.contains("Data left at the end")
        }
        _ => false,
    }
}

fn protocol_kind(error: ProtocolError) -> ErrorKind {
    use ProtocolError as P;
    match error {
        P::UnknownTopicOrPartition => ErrorKind::NoTopic,
        P::TopicAuthorizationFailed | P::ClusterAuthorizationFailed | P::SaslAuthenticationFailed => ErrorKind::Login,
        P::RequestTimedOut => ErrorKind::Deadline,
        P::CorruptMessage => ErrorKind::Malformed,
        _ => ErrorKind::Unavailable,
    }
}

fn kind(words: &str) -> ErrorKind {
    let has = |part: &str| words.contains(part);
    if has("invalid peer certificate") {
        if has("Expired") || has("expired") || has("NotValidYet") || has("not valid yet") {
            return ErrorKind::CertificateExpired;
        }
        if has("UnknownIssuer") || has("BadSignature") {
            return ErrorKind::UnknownAuthority;
        }
        if has("NotValidForName") || has("not valid for name") {
            return ErrorKind::CertificateName;
        }
        return ErrorKind::Tls;
    }
    if has("Sasl") || has("sasl") || has("Authentication") || has("authentication") {
        return ErrorKind::Login;
    }
    if has("received fatal alert") {
        return ErrorKind::ClientCertificate;
    }
    if has("corrupt message") || has("cannot sync versions") || has("Cannot find matching version") {
        return ErrorKind::WrongProtocol;
    }
    if has("unexpected end of file") || has("early eof") || has("reset by peer") || has("Broken pipe") {
        return ErrorKind::Unavailable;
    }
    if has("Cannot read data") || has("Invalid response") || has("Message too large") {
        return ErrorKind::Malformed;
    }
    ErrorKind::Unreachable
}

/// The last cause in a chain of words: the part that tells.
fn shortest(words: &str) -> &str {
    let tail = words.rsplit("Source: ").next().unwrap_or(words);
    tail.rsplit("all retries failed: ").next().unwrap_or(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_from_the_words_that_layers_keep() {
        for (words, expected) in [
            (
                "all retries failed: Retry exceeded deadline. Source: IO Error: Connection refused",
                ErrorKind::Unreachable,
            ),
            ("IO Error: invalid peer certificate: UnknownIssuer", ErrorKind::UnknownAuthority),
            ("IO Error: invalid peer certificate: certificate expired: verification", ErrorKind::CertificateExpired),
            ("IO Error: invalid peer certificate: certificate not valid for name \"x\"", ErrorKind::CertificateName),
            ("Sasl handshake failed: API error: Authentication failed", ErrorKind::Login),
            ("IO Error: received corrupt message of type InvalidContentType", ErrorKind::WrongProtocol),
            ("failed to lookup address information", ErrorKind::Unreachable),
        ] {
            assert_eq!(kind(words), expected, "{words}");
        }
    }
}
