//! What can go wrong with a call to Prometheus or Alertmanager, in terms an operator can act on.

use std::error::Error as StdError;

use serde::Deserialize;

use crate::controllers::failed::{self, Cause, Failed};
use crate::controllers::stream::Fault;
use crate::controllers::voltha::error::{ErrorKind as Transport, bounded};

/// A failed call.
pub type Error = Failed<Failure>;

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The configuration cannot be used.
    Config(String),
    /// It was not sent.
    Invalid(String),
    /// The connection: name, port, TLS.
    Transport(Transport, String),
    /// No answer within this many seconds.
    Deadline(u64),
    /// The connection ended before the answer did.
    Broken,
    /// 401, 403 or 407.
    Login(u16),
    /// There is no such thing.
    NotFound(String),
    /// The server is too busy or not ready (503).
    Busy(String),
    /// It refuses, by its own kind of error when it names one (`bad_data`, `execution`).
    Refused {
        /// HTTP status.
        code: u16,
        /// Prometheus' `errorType`; empty when none.
        kind: String,
        /// Its words.
        words: String,
    },
    /// An answer that cannot be read.
    Answer(String),
    /// A list that cannot be read to its end.
    List(Fault),
}

impl Failure {
    /// What happened, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Config(why) => format!("unusable configuration ({why})"),
            Self::Invalid(why) => format!("not sent: {why}"),
            Self::Transport(kind, words) if words.is_empty() => kind.word().to_owned(),
            Self::Transport(kind, words) => format!("{} ({words})", kind.word()),
            Self::Deadline(seconds) => format!("no answer in {seconds} s"),
            Self::Broken => "the connection closed in the middle of an answer".to_owned(),
            Self::Login(code) => format!("login refused ({code})"),
            Self::NotFound(words) => words.clone(),
            Self::Busy(words) if words.is_empty() => "busy (503)".to_owned(),
            Self::Busy(words) => format!("busy (503, {words})"),
            Self::Refused { code, kind, words } => {
                let kind = if kind.is_empty() { String::new() } else { format!(", {kind}") };
                format!("refused ({code}{kind}): {}", if words.is_empty() { "no reason told" } else { words })
            }
            Self::Answer(why) => format!("unreadable answer ({why})"),
            Self::List(fault) => format!("unreadable list: {fault}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Config(_) => "correct the source in the configuration",
            Self::Invalid(_) => "correct it",
            Self::Transport(kind, _) => kind.advice(),
            Self::Deadline(_) => "check the load of the server, or raise timeout_s",
            Self::Broken | Self::Busy(_) | Self::List(Fault::Truncated { .. }) => "it is tried again by itself",
            Self::Login(_) => "check auth of the source",
            Self::NotFound(_) => "it may be gone: look again; else check the prefix of url",
            Self::Refused { .. } => "see its words",
            Self::Answer(_) | Self::List(_) => {
                "check that url is the server's own (ports 9090 and 9093) and its prefix"
            }
        }
    }

    /// Whether the source itself is at fault, so that a breaker has to count it: a refusal is an
    /// answer, and proves that it is there.
    #[must_use]
    pub const fn counts_against_source(&self) -> bool {
        match self {
            Self::Transport(kind, _) => kind.counts_against_source(),
            Self::Deadline(_) | Self::Broken | Self::Busy(_) | Self::Login(_) | Self::Answer(_) | Self::List(_) => true,
            Self::Refused { code, .. } => *code >= 500,
            Self::Config(_) | Self::Invalid(_) | Self::NotFound(_) => false,
        }
    }

    /// Whether a reading call may go well in a moment.
    #[must_use]
    pub(super) const fn worth_a_retry(&self) -> bool {
        match self {
            Self::Transport(kind, _) => kind.worth_a_retry(),
            Self::Broken | Self::Busy(_) => true,
            _ => false,
        }
    }
}

impl Cause for Failure {
    fn told(&self) -> (String, &'static str) {
        (self.words(), self.advice())
    }
}

/// Prometheus' envelope of a refusal.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

/// Alertmanager's refusals that its own validation makes.
#[derive(Deserialize)]
struct Validation {
    #[serde(default)]
    message: String,
}

/// The failure behind a status and its body. Alertmanager says some of its refusals as a bare JSON
/// string, others as an object; Prometheus in its envelope; proxies in HTML (facts: samples).
#[must_use]
pub fn refusal(code: u16, reason: &str, body: &[u8]) -> Failure {
    let (kind, words) = if let Ok(words) = serde_json::from_slice::<String>(body) {
        (String::new(), words)
    } else if let Some(e) = serde_json::from_slice::<Envelope>(body).ok().filter(|e| !e.error.is_empty()) {
        (e.kind, e.error)
    } else if let Some(v) = serde_json::from_slice::<Validation>(body).ok().filter(|v| !v.message.is_empty()) {
        (String::new(), v.message)
    } else {
        let text = String::from_utf8_lossy(body);
        let plain = !text.trim_start().starts_with(['<', '{']) && !text.trim().is_empty();
        (String::new(), if plain { text.trim().to_owned() } else { reason.to_owned() })
    };
    let (kind, words) = (bounded(&kind), bounded(words.trim()));
    match code {
        401 | 403 | 407 => Failure::Login(code),
        404 if words.is_empty() => Failure::NotFound("it does not exist".to_owned()),
        404 => Failure::NotFound(words),
        // 0.25 answers 500 for a silence that does not exist.
        500 if words == "silence not found" => Failure::NotFound(words),
        502..=504 if kind.is_empty() => Failure::Busy(words),
        _ => Failure::Refused { code, kind, words },
    }
}

impl Failure {
    /// The failure of a connection.
    pub(super) fn connection(error: &(dyn StdError + 'static)) -> Self {
        let (kind, words) = failed::connection(error);
        Self::Transport(kind, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: u16, body: &str) -> String {
        refusal(code, "", body.as_bytes()).words()
    }

    #[test]
    fn the_words_of_both_servers_are_told() {
        let bad = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unclosed left parenthesis"}"#;
        assert_eq!(
            told(400, bad),
            "refused (400, bad_data): invalid parameter \"query\": 1:4: parse error: unclosed left parenthesis"
        );
        assert_eq!(
            told(400, "\"silence invalid: at least one matcher must not match the empty string\"\n"),
            "refused (400): silence invalid: at least one matcher must not match the empty string"
        );
        assert_eq!(
            told(422, r#"{"code":602,"message":"createdBy in body is required"}"#),
            "refused (422): createdBy in body is required"
        );
        assert_eq!(told(500, "\"silence not found\"\n"), "silence not found");
        assert_eq!(told(400, "<html>\u{1b}[2J"), "refused (400): no reason told");
        assert!(matches!(refusal(503, "Service Unavailable", b""), Failure::Busy(_)));
        assert!(matches!(refusal(401, "", b""), Failure::Login(401)));
        assert!(!told(400, "\"a\u{1b}[2Jb\"").contains('\u{1b}'));
    }
}
