//! The command lines of `ssh`: what a host name may look like, what every call carries, and how
//! words reach the shell of the other side unchanged.

use std::ffi::OsString;
use std::path::Path;

use crate::config::schema::Ssh;

/// Whether a text can be a host of `ssh`: `host`, `user@host`, or a name of its configuration. What
/// begins with `-` would be an option, and what holds blanks or quotes could reach a `ProxyCommand`'s
/// shell.
#[must_use]
pub fn host_is_safe(text: &str) -> bool {
    crate::config::formats::ssh_host(text).is_ok()
}

/// A word for a POSIX shell, so that it arrives as it is.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command for a POSIX shell: each argument a word of its own.
#[must_use]
pub fn quote_all(argv: &[&str]) -> String {
    argv.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" ")
}

/// How a person logs in there, in the foreground: for what only a person can answer.
#[must_use]
pub fn by_hand(ssh: &Ssh) -> String {
    let mut words = vec!["ssh".to_owned()];
    if let Some(file) = &ssh.config_file {
        words.extend(["-F".to_owned(), quote(file)]);
    }
    if let Some(port) = ssh.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    words.extend([quote(&ssh.host), "true".to_owned()]);
    words.join(" ")
}

/// Seconds that a connection may take.
pub(super) const CONNECT_S: u64 = 10;

/// What a connection of ours is: the user's own keys, jumps and known hosts, but nothing that asks,
/// forwards or runs by itself.
pub(super) fn connection(ssh: &Ssh) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    if let Some(file) = &ssh.config_file {
        args.extend(["-F".into(), file.into()]);
    }
    if let Some(port) = ssh.port {
        args.extend(["-p".into(), port.to_string().into()]);
    }
    args.extend(["-N", "-T", "-a", "-x"].map(Into::into));
    let connect = format!("ConnectTimeout={CONNECT_S}");
    let options = [
        "BatchMode=yes",
        "LogLevel=INFO",
        connect.as_str(),
        "ConnectionAttempts=1",
        "ServerAliveInterval=10",
        "ServerAliveCountMax=3",
        "ControlPersist=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
        "StreamLocalBindUnlink=yes",
        "StreamLocalBindMask=0177",
    ];
    for option in options {
        args.extend(["-o".into(), option.into()]);
    }
    args
}

/// What a call carries that uses a master: no configuration (the connection is there already, and
/// the user's own forwards must not be asked for again), and no connection of its own, should the
/// master be gone.
pub(super) fn through(control: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["-F".into(), "none".into(), "-S".into(), control.into()];
    for option in ["BatchMode=yes", "ControlMaster=no", "ProxyCommand=false", "LogLevel=ERROR"] {
        args.extend(["-o".into(), option.into()]);
    }
    args
}

/// Where a forward leads to, as `-L` wants it.
///
/// # Errors
/// When it cannot be written there, in words.
pub(super) fn forward_target(host: &str, port: u16) -> Result<String, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]:{port}"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if bare.is_empty() || bare.starts_with('-') || !bare.chars().all(good) {
        return Err(format!("{:?} is no host name", crate::model::text::clean(host)));
    }
    Ok(format!("{bare}:{port}"))
}

/// A socket on the other side, as `-L` wants it.
///
/// # Errors
/// When it cannot be written there, in words.
pub(super) fn forward_socket(path: &str) -> Result<String, String> {
    // `ssh` takes `:` as the end of the path, `\` as an escape and `${NAME}` as a variable.
    if !path.starts_with('/') || path.chars().any(|c| c.is_control() || matches!(c, ':' | '\\' | '$')) {
        let path = crate::model::text::clean(path);
        return Err(format!("{path:?} cannot be forwarded: an absolute path without : \\ $ can"));
    }
    Ok(path.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_quoted() {
        assert_eq!(quote("a"), "a");
        assert_eq!(quote("A=b"), "'A=b'", "no assignment");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote("~"), "'~'");
        assert_eq!(quote_all(&["echo", "a b", ";"]), "echo 'a b' ';'");
    }

    #[test]
    fn targets_are_written_as_ssh_wants_them() {
        assert_eq!(forward_target("::1", 80).unwrap(), "[::1]:80");
        assert_eq!(forward_target("[::1]", 80).unwrap(), "[::1]:80");
        assert_eq!(forward_target("db.example", 80).unwrap(), "db.example:80");
        for bad in ["", "-x", "a b", "a:b", "a;b"] {
            assert!(forward_target(bad, 80).is_err(), "{bad}");
        }
        assert_eq!(forward_socket("/run/a%b.sock").unwrap(), "/run/a%%b.sock");
        for bad in ["", "run/a", "/a:b", "/a\\b", "/${HOME}"] {
            assert!(forward_socket(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(words in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let refs: Vec<&str> = words.iter().map(String::as_str).collect();
            let script = format!("printf '%s\\0' {}", quote_all(&refs));
            let out = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let wanted: Vec<u8> = words.iter().flat_map(|w| w.bytes().chain([0])).collect();
            prop_assert_eq!(out.stdout, wanted);
        }
    }
}
