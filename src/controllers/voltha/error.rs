//! What can go wrong with a call to VOLTHA or its event stream, in terms an operator can act on:
//! which source, which call, on what, why, and what to do.

use std::error::Error as StdError;

use tonic::{Code, Status};

use crate::model::ids::SourceName;
use crate::model::text;

/// The longest words of a peer that are kept, characters.
const WORDS: usize = 300;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The source.
    pub source: SourceName,
    /// The call (`ListDevices`, `Kafka fetch`).
    pub call: String,
    /// On what, in words; empty when on nothing in particular.
    pub target: String,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The peer's code (`UNAVAILABLE`, `NOT_FOUND`); `-` when none.
    pub code: &'static str,
    /// The words of the peer or of the layer that failed.
    pub words: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The configuration cannot be used.
    Config,
    /// Name not found, connection refused, no route.
    Unreachable,
    /// Something else listens there.
    WrongProtocol,
    /// The server's certificate is out of date.
    CertificateExpired,
    /// The server's certificate is signed by an authority that we do not trust.
    UnknownAuthority,
    /// The server's certificate is for another name.
    CertificateName,
    /// The server wants a certificate of ours, or does not take the one we have.
    ClientCertificate,
    /// TLS failed for another reason.
    Tls,
    /// Login refused.
    Login,
    /// No answer in time.
    Deadline,
    /// The answer is larger than the limit.
    TooLarge,
    /// The peer says that it cannot serve now.
    Unavailable,
    /// The peer does not have this call: a fact about it, not a failure of it.
    NotThere,
    /// The thing does not exist.
    NotFound,
    /// The peer refuses the request.
    Refused,
    /// Refused by us: the breaker is open.
    BreakerOpen,
    /// The topic does not exist.
    NoTopic,
    /// The answer makes no sense.
    Malformed,
}

impl ErrorKind {
    /// What happened, in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "unusable configuration",
            Self::Unreachable => "cannot be reached",
            Self::WrongProtocol => "wrong protocol",
            Self::CertificateExpired => "certificate out of date",
            Self::UnknownAuthority => "certificate of an unknown authority",
            Self::CertificateName => "certificate for another name",
            Self::ClientCertificate => "client certificate refused",
            Self::Tls => "TLS failed",
            Self::Login => "login refused",
            Self::Deadline => "no answer in time",
            Self::TooLarge => "answer too large",
            Self::Unavailable => "unavailable",
            Self::NotThere => "not offered there",
            Self::NotFound => "not found",
            Self::Refused => "refused",
            Self::BreakerOpen => "not tried",
            Self::NoTopic => "no such topic",
            Self::Malformed => "unreadable answer",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Config => "correct the source in the configuration",
            Self::Unreachable => "check address, port and firewall",
            Self::WrongProtocol => "check the port, and whether it wants http:// or https://",
            Self::CertificateExpired => "renew the server's certificate, or check both clocks",
            Self::UnknownAuthority => "set tls.ca to the authority that signed it",
            Self::CertificateName => "set tls.server_name to a name in the certificate",
            Self::ClientCertificate => "set tls.cert and tls.key to a pair that the server accepts",
            Self::Tls => "check the TLS settings on both sides",
            Self::Login => "check user name, password and mechanism",
            Self::Deadline => "check the load of the source, or raise timeout_s",
            Self::TooLarge => "raise max_message_mib",
            Self::Unavailable => "it is tried again by itself",
            Self::NotThere => "this version does not have it",
            Self::NotFound => "it may be gone: wait for the next poll",
            Self::Refused => "see its words",
            Self::BreakerOpen => "wait, or reset the breaker",
            Self::NoTopic => "check kafka.topic; rw_core creates it when it starts",
            Self::Malformed => "check that both sides speak the same version",
        }
    }

    /// Whether the source itself is at fault, so that the breaker has to count it. A refusal is an
    /// answer, and an answer proves that the source is there.
    #[must_use]
    pub const fn counts_against_source(self) -> bool {
        !matches!(
            self,
            Self::Config
                | Self::TooLarge
                | Self::NotThere
                | Self::NotFound
                | Self::Refused
                | Self::BreakerOpen
                | Self::NoTopic
        )
    }

    /// Whether another try in a moment may go well.
    #[must_use]
    pub const fn worth_a_retry(self) -> bool {
        matches!(self, Self::Unreachable | Self::Unavailable)
    }
}

impl Error {
    /// What the error says without the words of its cause: the same each time it happens.
    #[must_use]
    pub fn without_words(&self) -> String {
        Self { words: String::new(), ..self.clone() }.to_string()
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.source, self.call)?;
        if !self.target.is_empty() {
            write!(f, " {}", self.target)?;
        }
        write!(f, ": {}", self.kind.word())?;
        if !self.words.is_empty() {
            write!(f, " ({})", self.words)?;
        }
        write!(f, "; {}", self.kind.advice())
    }
}

impl StdError for Error {}

/// Makes [`Error`]s of one call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// The call.
    pub name: &'a str,
    /// On what.
    pub target: &'a str,
}

impl Call<'_> {
    /// An error of this call.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, code: &'static str, words: impl AsRef<str>) -> Error {
        Error {
            source: self.source.clone(),
            call: self.name.to_owned(),
            target: text::clean(self.target).into_owned(),
            kind,
            code,
            words: bounded(words.as_ref()),
        }
    }

    /// From a gRPC status.
    #[must_use]
    pub fn status(&self, status: &Status) -> Error {
        let kind = classify(status);
        let mut words = status.message().to_owned();
        if !matches!(kind, ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::NotThere)
            && let Some(deepest) = deepest(status)
            && !words.contains(&deepest)
        {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&deepest);
        }
        // A deadline that our own side noticed comes as CANCELLED.
        let code = if kind == ErrorKind::Deadline { Code::DeadlineExceeded } else { status.code() };
        self.error(kind, code_word(code), words)
    }

    /// From an error of a transport layer, told by its chain of causes.
    #[must_use]
    pub fn chain(&self, error: &(dyn StdError + 'static)) -> Error {
        let kind = chain_kind(error).unwrap_or(ErrorKind::Unreachable);
        self.error(kind, "-", error.to_string())
    }
}

/// The kind of a gRPC status. Absent calls come in three shapes (facts: voltha-run §5).
fn classify(status: &Status) -> ErrorKind {
    let words = status.message();
    match status.code() {
        Code::Unimplemented => ErrorKind::NotThere,
        Code::Unknown if words.trim().eq_ignore_ascii_case("unimplemented") => ErrorKind::NotThere,
        Code::Unknown if words.contains("unknown method") => ErrorKind::NotThere,
        Code::NotFound => ErrorKind::NotFound,
        Code::DeadlineExceeded => ErrorKind::Deadline,
        Code::Cancelled if words.contains("Timeout expired") => ErrorKind::Deadline,
        Code::OutOfRange | Code::ResourceExhausted if words.contains("too large") || words.contains("larger than") => {
            ErrorKind::TooLarge
        }
        Code::Unauthenticated | Code::PermissionDenied => ErrorKind::Login,
        _ if words.contains("grpc-status header missing") || words.contains("invalid compression flag") => {
            ErrorKind::WrongProtocol
        }
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => {
            let from_chain = status.source().and_then(chain_kind);
            match (from_chain, status.code()) {
                (Some(kind), _) => kind,
                (None, Code::Unavailable) => ErrorKind::Unavailable,
                (None, Code::Internal) if words.contains("failed to decode") => ErrorKind::Malformed,
                // Only statuses that our own side made up have a cause: the connection broke.
                (None, _) if status.source().is_some() || words.contains("h2 protocol error") => ErrorKind::Unavailable,
                (None, _) => ErrorKind::Refused,
            }
        }
        _ => ErrorKind::Refused,
    }
}

/// The kind told by a chain of causes: TLS alerts and certificate faults, I/O errors, HTTP/2 faults.
pub(crate) fn chain_kind(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls_kind(tls));
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            if let Some(tls) = io.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
                return Some(tls_kind(tls));
            }
            found = Some(io_kind(io));
        }
        let words = error.to_string();
        if words.contains("frame with invalid size")
            || words.contains("invalid HTTP version")
            || words.contains("unspecific protocol error")
            || words.contains("HTTP/2 was not negotiated")
        {
            return Some(ErrorKind::WrongProtocol);
        }
        if words.contains("received fatal alert") {
            // The layers between keep only the words of a TLS alert that comes after the handshake.
            let certificate = ["Certificate", "UnknownCA", "AccessDenied"].iter().any(|w| words.contains(w));
            return Some(if certificate { ErrorKind::ClientCertificate } else { ErrorKind::Tls });
        }
        if words.contains("failed to lookup address") || words.contains("dns error") {
            found = Some(ErrorKind::Unreachable);
        }
        next = error.source();
    }
    found
}

fn tls_kind(error: &rustls::Error) -> ErrorKind {
    use rustls::{AlertDescription, CertificateError};
    match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => ErrorKind::CertificateExpired,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => ErrorKind::UnknownAuthority,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ErrorKind::CertificateName
            }
            _ => ErrorKind::Tls,
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => ErrorKind::ClientCertificate,
        rustls::Error::InvalidMessage(_) => ErrorKind::WrongProtocol,
        _ => ErrorKind::Tls,
    }
}

fn io_kind(error: &std::io::Error) -> ErrorKind {
    match error.kind() {
        std::io::ErrorKind::TimedOut => ErrorKind::Deadline,
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::ConnectionReset
        | std::io::ErrorKind::BrokenPipe
        | std::io::ErrorKind::ConnectionAborted => ErrorKind::Unavailable,
        std::io::ErrorKind::InvalidData => ErrorKind::Malformed,
        _ => ErrorKind::Unreachable,
    }
}

/// The words of the last cause: the ones that tell (`Connection refused (os error 111)`).
pub(crate) fn deepest(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = error.source();
    let mut words = None;
    while let Some(error) = next {
        words = Some(error.to_string());
        next = error.source();
    }
    words
}

/// The words a peer sent, safe to show, at most [`WORDS`] characters.
pub(crate) fn bounded(words: &str) -> String {
    let short: String = words.trim().chars().take(WORDS).collect();
    text::clean(&short).into_owned()
}

/// gRPC's own name of a code.
pub(crate) const fn code_word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: &Status) -> ErrorKind {
        let source: SourceName = "v".into();
        Call { source: &source, name: "X", target: "" }.status(status).kind
    }

    #[test]
    fn absent_calls_come_in_three_shapes() {
        assert_eq!(kind(&Status::unimplemented("put-voip-system-profile-not-implemented")), ErrorKind::NotThere);
        assert_eq!(kind(&Status::unknown("unimplemented")), ErrorKind::NotThere);
        assert_eq!(kind(&Status::unknown("unImplemented")), ErrorKind::NotThere);
        assert_eq!(
            kind(&Status::unknown("disable-child-device-failed: unknown method DisableOnu for service")),
            ErrorKind::NotThere
        );
        assert_eq!(kind(&Status::unknown("device is already pre-provisioned")), ErrorKind::Refused);
    }

    #[test]
    fn refusals_do_not_count_against_the_source() {
        for status in [Status::failed_precondition("cannot-enable"), Status::not_found("x"), Status::unimplemented("")]
        {
            assert!(!kind(&status).counts_against_source(), "{status:?}");
        }
        for status in [Status::unavailable(""), Status::deadline_exceeded("")] {
            assert!(kind(&status).counts_against_source(), "{status:?}");
        }
    }

    #[test]
    fn a_deadline_of_our_own_is_called_one() {
        let source: SourceName = "v".into();
        let error = Call { source: &source, name: "X", target: "" }.status(&Status::cancelled("Timeout expired"));
        assert_eq!((error.kind, error.code), (ErrorKind::Deadline, "DEADLINE_EXCEEDED"));
    }

    #[test]
    fn an_error_says_who_what_why_and_what_to_do() {
        let source: SourceName = "voltha-1".into();
        let call = Call { source: &source, name: "EnableDevice", target: "onu BBSM\u{1b}[31m1" };
        let error = call.status(&Status::failed_precondition("cannot-enable-an-already-enabled-device: x\u{7}"));
        let text = error.to_string();
        assert!(text.starts_with("voltha-1: EnableDevice onu BBSM"), "{text}");
        assert!(text.contains("refused (cannot-enable-an-already-enabled-device: x"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
        assert_eq!(error.code, "FAILED_PRECONDITION");
    }

    #[test]
    fn certificate_faults_are_told_apart() {
        use rustls::CertificateError as C;
        let of = |c| tls_kind(&rustls::Error::InvalidCertificate(c));
        assert_eq!(of(C::Expired), ErrorKind::CertificateExpired);
        assert_eq!(of(C::UnknownIssuer), ErrorKind::UnknownAuthority);
        assert_eq!(of(C::NotValidForName), ErrorKind::CertificateName);
    }
}
