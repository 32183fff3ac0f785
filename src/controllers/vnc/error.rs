//! Why there is no screen, and what to do about it.

use std::time::Duration;

use crate::model::text::clean;

/// A VNC session that did not come about, or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The connection was closed before a byte came: nothing listens behind a tunnel, or the server
    /// turns viewers away.
    #[error(
        "nothing answers at the other end: the connection was closed before a VNC server said a word; check that the machine runs and that its display is where its definition says"
    )]
    Nothing,
    /// Something answered that is no VNC server.
    #[error("what answers is no VNC server (it said {0:?}); check the port or socket of the display")]
    NotVnc(String),
    /// We were not let in in time.
    #[error("the VNC server did not let us in within {0:?}; it may be waiting for another viewer, or hang")]
    Silent(Duration),
    /// The server wants a way to log in that is not supported.
    #[error(
        "the VNC server asks for {0}, and only no login and VNC passwords are supported; reach the machine over an SSH host and switch the display's TLS and SASL off there (listen on 127.0.0.1 or on a socket), or use its serial console"
    )]
    Security(String),
    /// It asks for a password and there is none.
    #[error("the VNC server asks for a password; give one, or take it out of the machine's display")]
    NoPassword,
    /// It does not take the password.
    #[error(
        "the VNC server refused the password; mind that only its first eight characters count and that it may have expired"
    )]
    WrongPassword,
    /// The server turned us away, in its own words.
    #[error("the VNC server refused: {0}")]
    Refused(String),
    /// The server closed the connection.
    #[error("the VNC server closed the connection; the machine may have stopped or moved to another host")]
    Closed,
    /// The connection broke.
    #[error("the connection to the VNC server broke: {0}")]
    Broken(String),
    /// The server says what RFB does not have, or more than is sensible.
    #[error("the VNC server sent what cannot be understood: {0}; the screen was closed")]
    Nonsense(String),
    /// The server takes no more input.
    #[error("the VNC server takes no input any more; the machine may hang")]
    Stuck,
}

/// Why an input was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The session only looks.
    #[error("this console is view-only; ask for control first")]
    ViewOnly,
    /// More input waits than the machine takes.
    #[error("the machine is slow to take what was typed; wait until it has caught up")]
    Full,
    /// A word of it is no key.
    #[error("there is no combination of keys {0:?}; write it as ctrl-alt-delete or alt-sysrq-s")]
    NoKey(String),
    /// There is no session any more.
    #[error("the console is closed")]
    Closed,
}

/// The security types of a list, by name.
pub(super) fn security_names(types: &[u8]) -> String {
    let name = |kind: &u8| match kind {
        0 => "nothing".to_owned(),
        1 => "no login".to_owned(),
        2 => "a VNC password".to_owned(),
        5 | 6 | 129 | 130 => "RA2".to_owned(),
        16 => "Tight".to_owned(),
        17 => "Ultra".to_owned(),
        18 => "TLS".to_owned(),
        19 => "VeNCrypt (TLS)".to_owned(),
        20 => "SASL".to_owned(),
        21 => "MD5".to_owned(),
        22 => "XVP".to_owned(),
        30 => "an Apple login".to_owned(),
        other => format!("security type {other}"),
    };
    let mut names: Vec<String> = types.iter().take(16).map(name).collect();
    names.dedup();
    if names.is_empty() { "a way to log in that it does not name".to_owned() } else { names.join(" or ") }
}

/// Words of a server, safe and short.
pub(super) fn words(text: &str) -> String {
    clean(text).chars().take(200).collect()
}
