//! What can go wrong with a call to systemd, in terms an operator can act on.

use std::time::Duration;

use crate::controllers::voltha::error::bounded;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("systemd on {place}: {call}: {what}")]
pub struct Error {
    /// Where the manager is.
    pub place: String,
    /// The call, with its unit.
    pub call: String,
    /// What happened.
    pub what: Failure,
}

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be a unit's name.
    #[error("that is no name of a unit")]
    Name,
    /// No connection to the bus.
    #[error("no connection to the bus ({0}): does systemd run there, and is the socket's path right?")]
    NotReached(String),
    /// There is a bus, and it ends the connection instead of greeting us.
    #[error("the bus does not let us in ({0}): that of a user is for that user alone")]
    Login(String),
    /// The bus runs, and systemd is not on it.
    #[error("systemd is not on this bus: the machine, or the container, runs without it")]
    NoSystemd,
    /// We may not.
    #[error("not allowed ({0}): polkit has to allow org.freedesktop.systemd1.manage-units to this user")]
    Denied(String),
    /// There is no such unit.
    #[error("there is no such unit")]
    NoUnit,
    /// The job of a unit ended without success: its result, and how the unit's own run ended, if it says so.
    #[error("the job for {0} ended with {1:?}{because}: see `systemctl status` and the journal there", because = because(.2))]
    Job(String, String, String),
    /// No answer in time: it may have been carried out.
    #[error("no answer within {} s; it may have been carried out all the same", .0.as_secs())]
    TimedOut(Duration),
    /// The connection broke.
    #[error("the connection ended ({0})")]
    Lost(String),
    /// An answer that cannot be read.
    #[error("its answer cannot be read ({0})")]
    Answer(String),
    /// Anything else that systemd says.
    #[error("{0}")]
    Other(String),
}

fn because(cause: &str) -> String {
    if cause.is_empty() { String::new() } else { format!(", {cause}") }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        let (name, words) = match &error {
            zbus::Error::MethodError(name, words, _) => (name.to_string(), words.clone().unwrap_or_default()),
            zbus::Error::FDO(fdo) => match &**fdo {
                zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_) => return Self::NoSystemd,
                zbus::fdo::Error::AccessDenied(words)
                | zbus::fdo::Error::AuthFailed(words)
                | zbus::fdo::Error::InteractiveAuthorizationRequired(words) => return Self::Denied(bounded(words)),
                other => {
                    let words = other.to_string();
                    // Where systemd is not process 1, the bus tries to start it, and cannot.
                    let none = words.contains("org.freedesktop.DBus.Error.Spawn.");
                    return if none { Self::NoSystemd } else { Self::Other(bounded(&words)) };
                }
            },
            zbus::Error::InputOutput(e) => return Self::Lost(bounded(&e.to_string())),
            other => return Self::Other(bounded(&other.to_string())),
        };
        match name.as_str() {
            "org.freedesktop.systemd1.NoSuchUnit" | "org.freedesktop.systemd1.LoadFailed" => Self::NoUnit,
            _ => Self::Other(format!("{} ({})", bounded(&words), bounded(&name))),
        }
    }
}
