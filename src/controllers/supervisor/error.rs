//! What can go wrong with a call to a supervisor, in terms an operator can act on.

use std::time::Duration;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("supervisor at {place}: {call}: {what}")]
pub struct Error {
    /// Where the supervisor is (`http://127.0.0.1:9001`, `/run/supervisor.sock on ssh jump-1`).
    pub place: String,
    /// The call, with the process it is about (`startProcess goflow2`).
    pub call: String,
    /// What happened.
    pub what: Failure,
}

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error("unusable configuration ({0})")]
    Config(String),
    /// Nothing was sent: no connection.
    #[error(
        "no connection ({0}): is supervisord running, and is its inet_http_server or unix_http_server switched on?"
    )]
    NotReached(String),
    /// It was sent, and the connection ended: it may have been carried out.
    #[error("the connection ended before the answer ({0}); it may have been carried out all the same")]
    Broken(String),
    /// No answer in time: it may have been carried out.
    #[error("no answer within {} s; it may have been carried out all the same", .0.as_secs())]
    TimedOut(Duration),
    /// It wants another user or password.
    #[error("it refuses the login: check username and password against its configuration")]
    Login,
    /// Another status.
    #[error("HTTP {0} {1}: is this really a supervisor's RPC interface?")]
    Status(u16, String),
    /// An answer that cannot be read.
    #[error("its answer cannot be read ({0})")]
    Answer(String),
    /// It refuses, or it failed.
    #[error("{0}")]
    Fault(Fault),
}

/// A fault of a supervisor, by its code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({name}{}{words})", .kind.words(), if .words.is_empty() { "" } else { ": " })]
pub struct Fault {
    /// What it means.
    pub kind: FaultKind,
    /// Its name (`BAD_NAME`), or its number.
    pub name: String,
    /// What the supervisor says beside it.
    pub words: String,
}

/// Faults by their codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 1: the method is not known.
    UnknownMethod,
    /// 2, 3, 4: parameters.
    Arguments,
    /// 6: the supervisor is shutting down.
    ShuttingDown,
    /// 10: no such process.
    BadName,
    /// 11: no such signal.
    BadSignal,
    /// 20: the program's file, or a log, does not exist.
    NoFile,
    /// 21: the program's file cannot be run.
    NotExecutable,
    /// 30: it failed.
    Failed,
    /// 40: the process ended while it was being started.
    AbnormalTermination,
    /// 50: the process could not be started.
    SpawnError,
    /// 60: it runs already.
    AlreadyStarted,
    /// 70: it does not run.
    NotRunning,
    /// Any other.
    Other,
}

const FAULTS: [(i64, &str, FaultKind); 17] = [
    (1, "UNKNOWN_METHOD", FaultKind::UnknownMethod),
    (2, "INCORRECT_PARAMETERS", FaultKind::Arguments),
    (3, "BAD_ARGUMENTS", FaultKind::Arguments),
    (4, "SIGNATURE_UNSUPPORTED", FaultKind::Arguments),
    (6, "SHUTDOWN_STATE", FaultKind::ShuttingDown),
    (10, "BAD_NAME", FaultKind::BadName),
    (11, "BAD_SIGNAL", FaultKind::BadSignal),
    (20, "NO_FILE", FaultKind::NoFile),
    (21, "NOT_EXECUTABLE", FaultKind::NotExecutable),
    (30, "FAILED", FaultKind::Failed),
    (40, "ABNORMAL_TERMINATION", FaultKind::AbnormalTermination),
    (50, "SPAWN_ERROR", FaultKind::SpawnError),
    (60, "ALREADY_STARTED", FaultKind::AlreadyStarted),
    (70, "NOT_RUNNING", FaultKind::NotRunning),
    (90, "ALREADY_ADDED", FaultKind::Other),
    (91, "STILL_RUNNING", FaultKind::Other),
    (92, "CANT_REREAD", FaultKind::Other),
];

impl FaultKind {
    /// What it means, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UnknownMethod => "it does not know this call: it is too old, or no supervisor",
            Self::Arguments => "it does not take these arguments",
            Self::ShuttingDown => "it is shutting down",
            Self::BadName => "it has no process of that name",
            Self::BadSignal => "it has no signal of that name",
            Self::NoFile => "the file does not exist",
            Self::NotExecutable => "the program's file cannot be run",
            Self::Failed => "it failed",
            Self::AbnormalTermination => "the process ended while it was being started",
            Self::SpawnError => "the process could not be started",
            Self::AlreadyStarted => "it runs already",
            Self::NotRunning => "it does not run",
            Self::Other => "it refuses",
        }
    }
}

impl Fault {
    /// The fault of a code.
    #[must_use]
    pub fn of(code: i64, words: &str) -> Self {
        let known = FAULTS.iter().find(|(c, _, _)| *c == code);
        let (name, kind) =
            known.map_or_else(|| (code.to_string(), FaultKind::Other), |(_, n, k)| ((*n).to_owned(), *k));
        let words = words.strip_prefix(&name).unwrap_or(words).trim_start_matches([':', ' ']);
        Self { kind, name, words: crate::controllers::voltha::error::bounded(words) }
    }
}

impl Error {
    /// The fault's kind, when it is one.
    #[must_use]
    pub const fn fault(&self) -> Option<FaultKind> {
        match &self.what {
            Failure::Fault(fault) => Some(fault.kind),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_in_words() {
        assert_eq!(Fault::of(10, "BAD_NAME: x").to_string(), "it has no process of that name (BAD_NAME: x)");
        assert_eq!(Fault::of(70, "NOT_RUNNING").to_string(), "it does not run (NOT_RUNNING)");
        assert_eq!(Fault::of(999, "odd\u{1b}").kind, FaultKind::Other);
        assert!(!Fault::of(999, "odd\u{1b}").to_string().contains('\u{1b}'));
    }
}
