//! What can go wrong with a call to an appliance, in terms an operator can act on: which source,
//! which call, why, and what to do.

use std::error::Error as StdError;
use std::time::Duration;

use crate::controllers::failed::{self, Cause, Failed};
use crate::controllers::voltha::error::{ErrorKind as Transport, bounded};
use crate::model::appliance::poll::Answer;

/// A failed call.
pub type Error = Failed<Failure>;

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The configuration cannot be used.
    Config(String),
    /// It was not sent: it would do something else than what was meant, or harm the appliance.
    Invalid(String),
    /// The connection: name, port, TLS.
    Transport {
        /// Which.
        kind: Transport,
        /// In its words.
        words: String,
        /// Whether the call may have been carried out all the same.
        perhaps_done: bool,
    },
    /// No answer in time.
    Deadline {
        /// In how much.
        after: Duration,
        /// Whether the call may have been carried out all the same.
        perhaps_done: bool,
    },
    /// 401 or 403: the config service wants another key.
    Login(u16),
    /// Another status, with the first line of what it said.
    Status {
        /// Its number.
        code: u16,
        /// What it said.
        words: String,
    },
    /// It answered 2xx, and what it said cannot be read; why, with its first words.
    Unreadable(String),
}

impl Failure {
    /// What happened, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Config(why) => format!("unusable configuration ({why})"),
            Self::Invalid(why) => format!("not sent: {why}"),
            Self::Transport { kind, words, .. } if words.is_empty() => kind.word().to_owned(),
            Self::Transport { kind, words, .. } => format!("{} ({words})", kind.word()),
            Self::Deadline { after, .. } => format!("no answer in {} s", seconds(*after)),
            Self::Login(code) => format!("key refused ({code})"),
            Self::Status { code, words } if words.is_empty() => format!("answered {code}"),
            Self::Status { code, words } => format!("answered {code} ({words})"),
            Self::Unreadable(why) => format!("unreadable answer ({why})"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Config(_) => "correct the source in the configuration",
            Self::Invalid(_) => "correct it",
            Self::Transport { perhaps_done: true, .. } | Self::Deadline { perhaps_done: true, .. } => {
                "look whether it was done before doing it again"
            }
            Self::Transport { kind, .. } => kind.advice(),
            Self::Deadline { .. } => "check the load of the appliance",
            Self::Login(_) => "check api_key of the source",
            Self::Status { code: 404, .. } => {
                "check the address: the buffer service is at port 5005, the config service at 5004 or behind the web panel"
            }
            Self::Status { code: 503, .. } => "it forwards once its uplink is up",
            Self::Status { code: 429, .. } => {
                "the web panel limits calls: poll less often, or reach the config service itself"
            }
            Self::Status { .. } => "see its words",
            Self::Unreadable(_) => "look at its configuration: a limit of 0 makes it answer with nothing",
        }
    }

    /// Whether the source itself is at fault, so that a breaker has to count it. One that answers
    /// what cannot be read is there.
    #[must_use]
    pub const fn counts_against_source(&self) -> bool {
        match self {
            Self::Transport { kind, .. } => kind.counts_against_source(),
            Self::Deadline { .. } => true,
            Self::Status { code, .. } => matches!(*code, 500 | 502 | 504),
            _ => false,
        }
    }
}

fn seconds(limit: Duration) -> String {
    let ms = limit.as_millis();
    if ms.is_multiple_of(1000) { (ms / 1000).to_string() } else { format!("{:.1}", limit.as_secs_f64()) }
}

impl Error {
    /// Whether nothing was carried out for certain, so that it may be sent again.
    #[must_use]
    pub const fn certainly_not_done(&self) -> bool {
        !matches!(
            self.what,
            Failure::Transport { perhaps_done: true, .. }
                | Failure::Deadline { perhaps_done: true, .. }
                | Failure::Unreadable(_)
                | Failure::Status { code: 502 | 504, .. }
        )
    }

    /// What a poll says of it.
    #[must_use]
    pub fn answer<T>(&self) -> Answer<T> {
        match &self.what {
            Failure::Unreadable(why) => Answer::Unreadable(why.clone()),
            what @ (Failure::Login(_) | Failure::Status { .. }) => Answer::Refused(what.words()),
            what => Answer::Silent(what.words()),
        }
    }
}

impl Cause for Failure {
    fn told(&self) -> (String, &'static str) {
        (self.words(), self.advice())
    }
}

impl Failure {
    /// The failure of a connection.
    pub(super) fn connection(error: &(dyn StdError + 'static), perhaps_done: bool) -> Self {
        let (kind, words) = failed::connection(error);
        Self::Transport { kind, words, perhaps_done }
    }

    /// The failure behind a bad status. The service says why in the first line of its text.
    pub(super) fn status(code: u16, body: &[u8]) -> Self {
        if matches!(code, 401 | 403) {
            return Self::Login(code);
        }
        let text = String::from_utf8_lossy(body);
        let line = text.trim().lines().next().unwrap_or_default().trim();
        // What it means to be JSON is none when the cause has quotes in it.
        let inner = line.strip_prefix(r#"{"success": false, "message": ""#).and_then(|rest| rest.strip_suffix("\"}"));
        let bare = line.starts_with('<');
        Self::Status { code, words: if bare { String::new() } else { bounded(inner.unwrap_or(line)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::failed::Call;
    use crate::model::ids::SourceName;

    #[test]
    fn messages_say_source_call_cause_and_what_to_do() {
        let source: SourceName = "hall-1".into();
        let call = Call::new(&source, "POST restart vector");
        let told = br#"{"success": false, "message": "restart failed: exec: "supervisorctl": not found"}
"#;
        let error = call.error(Failure::status(500, told));
        assert_eq!(
            error.to_string(),
            "hall-1: POST restart vector: answered 500 (restart failed: exec: \"supervisorctl\": not found); see its words"
        );
        assert_eq!(call.error(Failure::status(401, b"{}")).what, Failure::Login(401));
        let hostile = call.error(Failure::status(503, b"VPN\x1b[2J not connected\nsecond line"));
        assert!(hostile.to_string().contains("answered 503 (VPN not connected)"), "{hostile}");
        let late = call.error(Failure::Deadline { after: Duration::from_millis(2500), perhaps_done: true });
        assert!(late.to_string().contains("2.5 s") && !late.certainly_not_done());
    }

    #[test]
    fn an_appliance_that_answers_is_not_silent() {
        let source: SourceName = "hall-1".into();
        let call = Call::new(&source, "GET stats");
        assert!(matches!(call.error(Failure::status(404, b"404 page not found\n")).answer::<()>(), Answer::Refused(_)));
        let unreadable = call.error(Failure::Unreadable("nothing".into()));
        assert!(matches!(unreadable.answer::<()>(), Answer::Unreadable(_)) && !unreadable.what.counts_against_source());
        let late = call.error(Failure::Deadline { after: Duration::from_secs(2), perhaps_done: false });
        assert!(matches!(late.answer::<()>(), Answer::Silent(_)) && late.what.counts_against_source());
    }
}
