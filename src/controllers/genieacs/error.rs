//! What can go wrong with a call to the northbound interface, in terms an operator can act on:
//! which source, which call, why, and what to do.

use std::error::Error as StdError;

use crate::controllers::failed::{self, Cause, Failed};
use crate::controllers::stream::Fault;
use crate::controllers::voltha::error::{ErrorKind as Transport, bounded};

use super::validate::Refusal;

/// A failed call.
pub type Error = Failed<Failure>;

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The configuration cannot be used.
    Config(String),
    /// It was not sent: it would have been useless, or would have killed a worker of the server.
    Invalid(Refusal),
    /// The connection: name, port, TLS.
    Transport(Transport, String),
    /// The server took the call and closed without an answer, or refuses since then: one of its
    /// workers died and comes back, after up to 25 s.
    WorkerRestarting {
        /// Whether the call may have been carried out all the same.
        perhaps_done: bool,
    },
    /// No answer within this many seconds.
    Deadline {
        /// How many.
        seconds: u64,
        /// Whether the call may have been carried out all the same.
        perhaps_done: bool,
    },
    /// The device has a session just now (503); it is over in a moment.
    InSession,
    /// There is no such thing.
    NotFound(String),
    /// 401 or 403: the proxy before it wants another login.
    Login(u16),
    /// Another status.
    Status {
        /// Its number.
        code: u16,
        /// The words beside it, or of the answer.
        words: String,
    },
    /// The CPE could not be called.
    Poke(String),
    /// An answer that cannot be read.
    Answer(String),
    /// A list that cannot be read to its end.
    List(Fault),
    /// What should be sent could not be read.
    Input(String),
}

impl Failure {
    /// What happened, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Config(why) => format!("unusable configuration ({why})"),
            Self::Invalid(refusal) => format!("not sent: {refusal}"),
            Self::Transport(kind, words) if words.is_empty() => kind.word().to_owned(),
            Self::Transport(kind, words) => format!("{} ({words})", kind.word()),
            Self::WorkerRestarting { perhaps_done: false } => "worker restarting".to_owned(),
            Self::WorkerRestarting { perhaps_done: true } => {
                "worker restarting: the connection closed without an answer".to_owned()
            }
            Self::Deadline { seconds, .. } => format!("no answer in {seconds} s"),
            Self::InSession => "the device is in a session".to_owned(),
            Self::NotFound(what) => format!("{what} does not exist"),
            Self::Login(code) => format!("login refused ({code})"),
            Self::Status { code, words } if words.is_empty() => format!("answered {code}"),
            Self::Status { code, words } => format!("answered {code} ({words})"),
            Self::Poke(reason) => format!("the CPE could not be called ({reason})"),
            Self::Answer(why) => format!("unreadable answer ({why})"),
            Self::List(fault) => format!("unreadable list: {fault}"),
            Self::Input(why) => format!("cannot be read: {why}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Config(_) => "correct the source in the configuration",
            Self::Invalid(_) => "correct it",
            Self::Transport(kind, _) => kind.advice(),
            Self::WorkerRestarting { perhaps_done: false } => "it is back within half a minute: try again then",
            Self::WorkerRestarting { perhaps_done: true } | Self::Deadline { perhaps_done: true, .. } => {
                "look whether it was done before doing it again"
            }
            Self::Deadline { .. } => "check the load of the server",
            Self::InSession => "try again in a moment",
            Self::NotFound(_) => "it may be gone: look again",
            Self::Login(_) => "check auth of the source",
            Self::Status { .. } => "see its words",
            Self::Poke(reason) => poke_advice(reason),
            Self::Answer(_) => "check that the address is the NBI's (port 7557) and no other one's",
            Self::List(Fault::TooLong { .. }) => "ask for less of each document",
            Self::List(Fault::Truncated { .. }) => "it is tried again by itself",
            Self::List(_) => "check that the address is the NBI's (port 7557) and no proxy rewrites its answers",
            Self::Input(_) => "check the file",
        }
    }

    /// Whether the source itself is at fault, so that a breaker has to count it.
    #[must_use]
    pub const fn counts_against_source(&self) -> bool {
        match self {
            Self::Transport(kind, _) => kind.counts_against_source(),
            Self::WorkerRestarting { .. } | Self::Deadline { .. } | Self::Answer(_) | Self::Login(_) => true,
            Self::List(fault) => !matches!(fault, Fault::TooLong { .. }),
            Self::Status { code, .. } => *code >= 500,
            _ => false,
        }
    }
}

/// What to do about a CPE that cannot be called, by the server's reason (facts: genieacs-api §5).
#[must_use]
pub fn poke_advice(reason: &str) -> &'static str {
    let reason = reason.to_ascii_lowercase();
    let has = |words: &str| reason.contains(words);
    if has("credentials") {
        "its connection request user and password are not those the server knows: set them anew at its next inform"
    } else if has("url") {
        "the connection request URL it told is none: let it inform, then refresh ManagementServer"
    } else if has("auth") {
        "it asks for a login the server does not do: allow digest login on the device"
    } else if has("offline") || has("timeout") || has("timed out") {
        "it is off, or behind NAT or a firewall: it informs by itself at its interval"
    } else {
        "it will inform by itself; check its connection request URL and NAT"
    }
}

impl Error {
    /// Whether nothing was carried out for certain, so that it may be sent again.
    #[must_use]
    pub const fn certainly_not_done(&self) -> bool {
        !matches!(
            self.what,
            Failure::WorkerRestarting { perhaps_done: true }
                | Failure::Deadline { perhaps_done: true, .. }
                | Failure::Answer(_)
        )
    }
}

impl Cause for Failure {
    fn told(&self) -> (String, &'static str) {
        (self.words(), self.advice())
    }
}

impl Failure {
    /// The failure behind a bad status, with the words beside it.
    pub(super) fn status(code: u16, words: &str) -> Self {
        let words = bounded(words);
        match code {
            401 | 403 | 407 => Self::Login(code),
            503 if words.to_ascii_lowercase().contains("in session") => Self::InSession,
            404 if !words.is_empty() => Self::NotFound(named(&words)),
            404 => Self::NotFound("the thing".to_owned()),
            _ => Self::Status { code, words },
        }
    }

    /// The failure of a connection.
    pub(super) fn connection(error: &(dyn StdError + 'static)) -> Self {
        let (kind, words) = failed::connection(error);
        Self::Transport(kind, words)
    }
}

/// `No such device` as the thing that does not exist.
fn named(words: &str) -> String {
    let lower = words.to_ascii_lowercase();
    let known = ["device", "task", "file", "fault"].into_iter().find(|k| lower.contains(k));
    known.map_or_else(|| words.to_owned(), |k| format!("the {k}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::failed::Call;
    use crate::model::ids::SourceName;

    #[test]
    fn an_error_says_who_what_why_and_what_to_do() {
        let source: SourceName = "acs-1".into();
        let call = Call::new(&source, "DELETE device x\u{1b}[2J");
        let told = call.error(Failure::status(503, "Device is in session")).to_string();
        assert!(told.ends_with("the device is in a session; try again in a moment"), "{told}");
        assert!(told.starts_with("acs-1: DELETE device x") && !told.contains('\u{1b}'), "{told:?}");
        assert_eq!(Failure::status(404, "No such device"), Failure::NotFound("the device".into()));
        assert_eq!(Failure::status(401, ""), Failure::Login(401));
        let restarting = call.error(Failure::WorkerRestarting { perhaps_done: false });
        assert!(restarting.to_string().contains("worker restarting") && restarting.certainly_not_done());
    }

    #[test]
    fn refusals_do_not_count_against_the_source() {
        for what in [Failure::InSession, Failure::NotFound("x".into()), Failure::Poke("Device is offline".into())] {
            assert!(!what.counts_against_source(), "{what:?}");
        }
        for what in [Failure::WorkerRestarting { perhaps_done: true }, Failure::List(Fault::Truncated { documents: 1 })]
        {
            assert!(what.counts_against_source(), "{what:?}");
        }
    }
}
