//! What can go wrong with a call to libvirt, in terms an operator can act on: whether anything was
//! sent, what libvirt said, and what to do about it.

use std::time::Duration;

use super::procs;
use super::wire::RemoteError;
use crate::controllers::ssh;
use crate::model::text::clean;

/// The most characters of foreign words in an error.
const MOST_WORDS: usize = 600;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {call}: {what}")]
pub struct Error {
    /// Which libvirt (`libvirt on this machine`, `libvirt on ssh kvm-1`).
    pub place: String,
    /// The call, with the machine it is about (`start web-1`).
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
    #[error("no connection ({0})")]
    NotReached(String),
    /// Nothing was sent: the SSH host could not be used.
    #[error("{0}")]
    Ssh(Box<ssh::Error>),
    /// It wants a login that is not spoken.
    #[error(
        "it wants a login by {0}, which noctule does not speak: reach it over SSH instead ([source.ssh] with the \
         host; its local socket needs no such login)"
    )]
    Login(String),
    /// The user may not use it.
    #[error("the user may not use it ({0}): put the user into the group that owns its socket, or allow it in polkit")]
    Denied(String),
    /// The connection had ended before: nothing was sent.
    #[error("the connection has ended ({0}); nothing was sent")]
    Closed(String),
    /// It was sent, and the connection ended: it may have been carried out.
    #[error("the connection ended before the answer ({0}); it may have been carried out all the same")]
    Broken(String),
    /// No answer in time: it may have been carried out.
    #[error("no answer within {} s; it may have been carried out all the same", .0.as_secs_f32())]
    TimedOut(Duration),
    /// What is sent is not taken any more: some of it may have arrived.
    #[error(
        "it has taken nothing more for {} s, so that what was sent last may be lost: the host or the way to it hangs; \
         close this, look at the host and try again", .0.as_secs_f32()
    )]
    Stuck(Duration),
    /// An answer that cannot be read.
    #[error("its answer cannot be read ({0}); is this really libvirt?")]
    Answer(String),
    /// A stream ended before everything was there.
    #[error("the stream ended early ({0})")]
    Stream(String),
    /// It refuses, or it failed.
    #[error("{0}")]
    Remote(Remote),
}

/// What libvirt said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// What it means.
    pub kind: RemoteKind,
    /// Its number (`VIR_ERR_…`).
    pub code: i32,
    /// The part of libvirt that says so (`VIR_FROM_…`).
    pub domain: i32,
    /// Its words.
    pub words: String,
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.words.is_empty() {
            write!(f, "error {} of part {}", self.code, self.domain)?;
        } else {
            write!(f, "{} ({})", self.words, self.code)?;
        }
        match self.kind.advice() {
            "" => Ok(()),
            advice => write!(f, ": {advice}"),
        }
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $($code:literal)|+: $advice:literal,)*) => {
        /// Errors of libvirt by their codes, as far as one acts on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum RemoteKind {
            $($(#[$meta])* $name,)*
            /// Any other.
            Other,
        }

        impl RemoteKind {
            /// The kind of a code.
            #[must_use]
            pub const fn of(code: i32) -> Self {
                match code {
                    $($($code)|+ => Self::$name,)*
                    _ => Self::Other,
                }
            }

            /// What to do about it; empty where libvirt's words say enough.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$name => $advice,)*
                    Self::Other => "",
                }
            }
        }
    };
}

kinds! {
    /// It, or the hypervisor's driver, cannot do this.
    Unsupported = 3 | 26 | 67 | 74 | 84: "this libvirt or this machine cannot do it",
    /// No hypervisor behind it.
    NoHypervisor = 5: "libvirt has no hypervisor of that URI: is the QEMU driver installed and running?",
    /// It failed.
    Failed = 9: "",
    /// The definition is wrong.
    Xml = 27 | 35 | 92: "correct the definition",
    /// A machine of that name or UUID is there.
    Exists = 28: "a machine of that name or UUID is there already",
    /// The connection is read-only.
    ReadOnly = 29: "the connection is read-only, or polkit forbids it",
    /// The protocol; also a procedure that an old libvirt does not know.
    Rpc = 39: "",
    /// No such machine.
    NoDomain = 42: "the machine is gone: refresh the list",
    /// The login failed.
    Auth = 45 | 79 | 94: "",
    /// Not in its present state.
    Invalid = 55: "not possible in its present state",
    /// A lock was not had in time, or the guest did not answer.
    Timeout = 68: "another job holds the machine, or the guest does not answer: try again when it is done",
    /// No such snapshot.
    NoSnapshot = 72: "the snapshot is gone: refresh the list",
    /// It was broken off.
    Aborted = 78: "",
    /// The disks are not shared between the hosts.
    Unsafe = 81: "the disks are not on shared storage: copy them with the machine, or say that they are shared",
    /// A copy of a disk is under way.
    CopyActive = 83: "end the block job first",
    /// The guest's agent does not answer.
    Agent = 86 | 97: "the guest's agent does not answer",
    /// Something else uses it.
    Busy = 87: "something else uses it",
    /// Access control forbids it.
    Denied = 88: "the host's access control forbids it to this user",
    /// A volume of that name is there.
    VolumeExists = 90: "a volume of that name is there already",
    /// The CPU does not fit.
    Cpu = 91: "the CPU that the machine needs is not the host's",
    /// No such checkpoint.
    NoCheckpoint = 103: "the checkpoint is gone: the next backup has to be a full one",
    /// No backup runs.
    NoBackup = 104: "",
    /// The checkpoint does not fit the disk.
    CheckpointInconsistent = 109: "the checkpoint is of no use any more: the next backup has to be a full one",
}

impl Remote {
    /// From the wire.
    #[must_use]
    pub fn of(error: &RemoteError) -> Self {
        let words = error.message.as_deref().unwrap_or("");
        Self { kind: RemoteKind::of(error.code), code: error.code, domain: error.domain, words: bounded(words) }
    }

    /// Whether it does not know the procedure: it is too old.
    #[must_use]
    pub fn too_old(&self) -> bool {
        self.kind == RemoteKind::Rpc && self.words.contains("unknown procedure")
    }
}

impl Error {
    /// What libvirt said, when it said something.
    #[must_use]
    pub const fn remote(&self) -> Option<&Remote> {
        match &self.what {
            Failure::Remote(remote) => Some(remote),
            _ => None,
        }
    }

    /// The kind of what libvirt said.
    #[must_use]
    pub fn kind(&self) -> Option<RemoteKind> {
        self.remote().map(|r| r.kind)
    }

    /// Whether the machine is not there.
    #[must_use]
    pub fn no_domain(&self) -> bool {
        self.kind() == Some(RemoteKind::NoDomain)
    }

    /// Whether this libvirt, or this machine, cannot do what was asked.
    #[must_use]
    pub fn unsupported(&self) -> bool {
        self.remote().is_some_and(|r| r.kind == RemoteKind::Unsupported || r.too_old())
    }

    /// Whether somebody else has the console open: it can be taken over.
    #[must_use]
    pub fn console_in_use(&self) -> bool {
        self.remote().is_some_and(|r| r.kind == RemoteKind::Failed && r.words.contains("console session exists"))
    }

    /// Whether a console's stream ended because another client took the console over.
    #[must_use]
    pub fn taken_over(&self) -> bool {
        self.remote().is_some_and(|r| r.kind == RemoteKind::Rpc && r.words.contains("stream had I/O failure"))
    }

    /// Whether the connection is of no use any more: another one has to be made.
    #[must_use]
    pub const fn connection_lost(&self) -> bool {
        matches!(
            self.what,
            Failure::NotReached(_)
                | Failure::Ssh(_)
                | Failure::Closed(_)
                | Failure::Broken(_)
                | Failure::Stuck(_)
                | Failure::Answer(_)
                | Failure::Login(_)
                | Failure::Denied(_)
        )
    }

    /// Whether it is not known if the call was carried out.
    #[must_use]
    pub const fn uncertain(&self) -> bool {
        matches!(self.what, Failure::Broken(_) | Failure::TimedOut(_) | Failure::Stuck(_) | Failure::Answer(_))
    }

    /// Whether it lets us do nothing: trying again does not help.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self.what, Failure::Login(_) | Failure::Denied(_) | Failure::Config(_))
            || matches!(self.kind(), Some(RemoteKind::Auth | RemoteKind::Denied))
    }
}

/// Foreign words, short, without anything that acts on a terminal.
pub(super) fn bounded(words: &str) -> String {
    let short: String = words.trim().chars().take(MOST_WORDS).collect();
    clean(&short).into_owned()
}

/// Ways to log in, by their numbers.
pub(super) fn login_words(ways: &[u32]) -> String {
    let word = |way: &u32| match *way {
        procs::AUTH_SASL => "SASL".to_owned(),
        other => format!("way {other}"),
    };
    ways.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, words: &str) -> Error {
        let what = Failure::Remote(Remote::of(&RemoteError {
            code,
            domain: 10,
            message: Some(words.into()),
            ..RemoteError::default()
        }));
        Error { place: "libvirt on ssh kvm-1".into(), call: "start web-1".into(), what }
    }

    #[test]
    fn errors_say_where_what_why_and_what_to_do() {
        assert_eq!(
            said(42, "Domain not found: no domain with matching name 'web-1'").to_string(),
            "libvirt on ssh kvm-1: start web-1: Domain not found: no domain with matching name 'web-1' (42): the \
             machine is gone: refresh the list"
        );
        assert_eq!(said(9, "it broke").to_string(), "libvirt on ssh kvm-1: start web-1: it broke (9)");
        assert!(!said(1, "\u{1b}[31mred").to_string().contains('\u{1b}'));
        assert!(said(1, &"x".repeat(9999)).to_string().len() < 700);
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(said(42, "").no_domain());
        assert!(said(84, "").unsupported() && said(39, "unknown procedure: 900").unsupported());
        assert!(!said(39, "Cannot write data: Broken pipe").unsupported());
        assert!(said(9, "operation failed: Active console session exists for this domain").console_in_use());
        assert!(said(45, "authentication failed").refused() && !said(55, "").refused());
    }
}
