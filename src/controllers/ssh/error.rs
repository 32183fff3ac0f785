//! What can go wrong on the way through an SSH host, worked out of the words of `ssh`: which host,
//! why, and what to do about it.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use crate::model::text::clean;

/// The most bytes of foreign words in an error.
const MOST_WORDS: usize = 300;

/// A way through an SSH host that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ssh {host}: {why}")]
pub struct Error {
    /// The host, as configured.
    pub host: String,
    /// What happened.
    pub why: Failure,
}

/// Kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host cannot stand in a command line, or the target cannot be asked for.
    #[error("{0}")]
    Refused(String),
    /// There is no `ssh` here, or no folder for its sockets.
    #[error("ssh cannot be used on this machine: {0}")]
    NoSsh(String),
    /// The name is not known.
    #[error("its name is not known: check the host name, or the HostName in the ssh configuration")]
    UnknownHost,
    /// Nobody listens there, or no way leads there.
    #[error("no connection ({0}): check address, port, firewall, and that sshd runs there")]
    NotReached(String),
    /// It took too long.
    #[error("no answer within {} s: check address, port and firewall", .0.as_secs())]
    TimedOut(Duration),
    /// No key was accepted.
    #[error(
        "it accepts no key of ours (it takes {methods}): load the key into the ssh agent, or name it as IdentityFile in the ssh configuration; try `{command}`"
    )]
    KeyNotAccepted {
        /// The methods that the host offers.
        methods: String,
        /// A command to try by hand.
        command: String,
    },
    /// The host shows a key that is not known yet.
    #[error(
        "its host key is not known: {fingerprint}. Compare the fingerprint with the host's own, then accept it with `{command}`"
    )]
    HostKeyUnknown {
        /// Kind and fingerprint of the key (`ssh-ed25519 SHA256:…`).
        fingerprint: String,
        /// The command that asks whether to accept it.
        command: String,
    },
    /// The host shows another key than before.
    #[error(
        "ITS HOST KEY HAS CHANGED: it shows {fingerprint}. Either the host was set up anew, or somebody stands in between. Find out which; only then forget the old key with `{forget}` and accept the new one with `{command}`"
    )]
    HostKeyChanged {
        /// Fingerprint of the key it shows.
        fingerprint: String,
        /// The command that forgets the old key.
        forget: String,
        /// The command that asks whether to accept the new one.
        command: String,
    },
    /// The host forwards nothing, or not there.
    #[error(
        "it does not allow forwarding to {0}: see AllowTcpForwarding, AllowStreamLocalForwarding and PermitOpen in its sshd_config"
    )]
    Forbidden(String),
    /// The host could not reach the target.
    #[error("it cannot reach {target}: {words}")]
    TargetNotReached {
        /// Where to.
        target: String,
        /// The host's words.
        words: String,
    },
    /// The connection was lost.
    #[error("the connection ended{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    Lost(String),
    /// Tried just now, and it failed; the next try is in that time.
    #[error("{last}; next try in {} s", .wait.as_secs().saturating_add(1))]
    Waiting {
        /// How long no try is made.
        wait: Duration,
        /// The last failure.
        last: Box<Failure>,
    },
    /// Anything else, in the words of `ssh`.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The kind that code which knows only `io::Error` sees.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Refused(_) => io::ErrorKind::InvalidInput,
            Self::NoSsh(_) | Self::UnknownHost => io::ErrorKind::NotFound,
            Self::NotReached(_) | Self::TargetNotReached { .. } => io::ErrorKind::ConnectionRefused,
            Self::TimedOut(_) => io::ErrorKind::TimedOut,
            Self::KeyNotAccepted { .. }
            | Self::HostKeyUnknown { .. }
            | Self::HostKeyChanged { .. }
            | Self::Forbidden(_) => io::ErrorKind::PermissionDenied,
            Self::Lost(_) => io::ErrorKind::ConnectionReset,
            Self::Waiting { last, .. } => last.kind(),
            Self::Other(_) => io::ErrorKind::Other,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.why.kind(), error)
    }
}

/// Words from outside, on one line and not too long.
pub(super) fn bounded(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = clean(&line);
    match line.char_indices().nth(MOST_WORDS) {
        None => line.into_owned(),
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
    }
}

/// The kind and fingerprint of the last host key that `ssh -v` told of.
pub(super) fn shown_key(stderr: &str) -> Option<String> {
    let told = stderr.lines().rev().find_map(|l| l.split_once("Server host key: "))?;
    Some(bounded(told.1))
}

static FINGERPRINT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:SHA256:[A-Za-z0-9+/=]{20,64}|MD5:[0-9a-f:]{20,64})").ok());

/// What the words of a failed `ssh` mean. `command` is how a person logs in there; `limit` is what a
/// connection was given.
#[must_use]
pub fn explain(stderr: &str, command: &str, limit: Duration) -> Failure {
    let has = |words: &str| stderr.contains(words);
    let line = |words: &str| stderr.lines().find(|l| l.contains(words)).map(bounded).unwrap_or_default();
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("differs from the key for the IP address") {
        let fingerprint = FINGERPRINT.as_ref().and_then(|r| r.find(stderr)).map(|m| m.as_str().to_owned());
        let forget = stderr.lines().map(str::trim).find(|l| l.starts_with("ssh-keygen ")).map(bounded);
        return Failure::HostKeyChanged {
            fingerprint: fingerprint.unwrap_or_else(|| "a key without a fingerprint".to_owned()),
            forget: forget.unwrap_or_else(|| "ssh-keygen -R HOST".to_owned()),
            command: command.to_owned(),
        };
    }
    if has("Host key verification failed") {
        let fingerprint = shown_key(stderr).unwrap_or_else(|| "ssh tells no fingerprint".to_owned());
        return Failure::HostKeyUnknown { fingerprint, command: command.to_owned() };
    }
    if has("Permission denied (") {
        let methods = line("Permission denied (");
        let methods = methods.split_once('(').map_or("", |(_, m)| m).trim_end_matches(['.', ')']).replace(',', ", ");
        return Failure::KeyNotAccepted { methods, command: command.to_owned() };
    }
    if has("Too many authentication failures") {
        let methods = "no more after too many keys: set IdentitiesOnly".to_owned();
        return Failure::KeyNotAccepted { methods, command: command.to_owned() };
    }
    if has("Could not resolve hostname") {
        return Failure::UnknownHost;
    }
    if has("timed out") || has("Timeout, server") {
        return Failure::TimedOut(limit);
    }
    for words in ["Connection refused", "No route to host", "Network is unreachable", "Host is down"] {
        if has(words) {
            return Failure::NotReached(words.to_ascii_lowercase());
        }
    }
    for words in ["Connection closed by", "Connection reset by", "Broken pipe", "kex_exchange_identification"] {
        if has(words) {
            return Failure::Lost(line(words));
        }
    }
    match stderr.lines().map(str::trim).rfind(|l| !l.is_empty()) {
        Some(last) => Failure::Other(bounded(last)),
        None => Failure::Lost(String::new()),
    }
}

/// What a master said of a channel that the host did not open (`channel 2: open failed: …`).
#[must_use]
pub fn not_opened(line: &str, target: &str) -> Option<Failure> {
    let (_, words) = line.split_once("open failed: ")?;
    let target = target.to_owned();
    if words.contains("administratively prohibited") {
        return Some(Failure::Forbidden(target));
    }
    let words = words.rsplit("failed: ").next().unwrap_or(words);
    Some(Failure::TargetNotReached { target, words: bounded(words) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stderr: &str) -> Failure {
        explain(stderr, "ssh lab true", Duration::from_secs(10))
    }

    #[test]
    fn the_words_of_ssh_are_understood() {
        assert_eq!(said("ssh: Could not resolve hostname nowhere: Name or service not known\n"), Failure::UnknownHost);
        assert_eq!(
            said("ssh: connect to host 127.0.0.1 port 1: Connection refused\r\n"),
            Failure::NotReached("connection refused".into())
        );
        assert_eq!(
            said("ssh: connect to host 192.0.2.1 port 22: Connection timed out"),
            Failure::TimedOut(Duration::from_secs(10))
        );
        let Failure::KeyNotAccepted { methods, command } =
            said("root@h: Permission denied (publickey,keyboard-interactive).")
        else {
            panic!("the key is not accepted");
        };
        assert_eq!((methods.as_str(), command.as_str()), ("publickey, keyboard-interactive", "ssh lab true"));
        let Failure::HostKeyUnknown { fingerprint, .. } = said(
            "debug1: Server host key: ssh-ed25519 SHA256:h2MrlfCJiHApRYJYdEa7/0Df71lpyITtJvUuoLe4OZU\nHost key verification failed.",
        ) else {
            panic!("the key is not known");
        };
        assert_eq!(fingerprint, "ssh-ed25519 SHA256:h2MrlfCJiHApRYJYdEa7/0Df71lpyITtJvUuoLe4OZU");
        assert!(matches!(said("Connection closed by 127.0.0.1 port 22"), Failure::Lost(_)));
        assert_eq!(said(""), Failure::Lost(String::new()));
    }

    #[test]
    fn a_changed_key_is_told_with_what_forgets_it() {
        let words = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:h2MrlfCJiHApRYJYdEa7/0Df71lpyITtJvUuoLe4OZU.\n  remove with:\n  ssh-keygen -f \"/home/o/kh\" -R \"[127.0.0.1]:2299\"\nHost key verification failed.";
        let Failure::HostKeyChanged { fingerprint, forget, .. } = said(words) else { panic!("it has changed") };
        assert_eq!(fingerprint, "SHA256:h2MrlfCJiHApRYJYdEa7/0Df71lpyITtJvUuoLe4OZU");
        assert_eq!(forget, "ssh-keygen -f \"/home/o/kh\" -R \"[127.0.0.1]:2299\"");
    }

    #[test]
    fn channels_that_did_not_open_are_told_apart() {
        let forbidden = "channel 2: open failed: administratively prohibited: open failed";
        assert_eq!(not_opened(forbidden, "a:1"), Some(Failure::Forbidden("a:1".into())));
        let refused = "channel 2: open failed: connect failed: Connection refused";
        let words = "Connection refused".to_owned();
        assert_eq!(not_opened(refused, "a:1"), Some(Failure::TargetNotReached { target: "a:1".into(), words }));
        assert_eq!(not_opened("Warning: something", "a:1"), None);
    }

    #[test]
    fn foreign_words_cannot_draw() {
        let Failure::Other(words) = said("\u{1b}[31mred\u{7} line") else { panic!("other words") };
        assert!(!words.contains('\u{1b}'), "{words:?}");
    }
}
