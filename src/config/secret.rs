//! Secrets are never in the configuration, only references to them.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

/// Where a secret is: `env:NAME`, `file:PATH` (refused unless 0600), `cmd:COMMAND`.
///
/// Printed and serialised it shows only the kind of reference: a command line may hold more than
/// its author thinks. [`SecretRef::reference`] is the whole.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRef(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Env(String),
    File(PathBuf),
    Cmd(Vec<String>, String),
}

/// How long a command may take.
const TIME_OUT: Duration = Duration::from_secs(10);
/// The largest secret, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a text is no reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReference {
    /// It looks like the secret itself. The text is deliberately not part of the message.
    #[error(
        "secrets do not stand in the configuration: write env:NAME, file:PATH (mode 0600) or cmd:COMMAND instead of the secret itself"
    )]
    Clear,
    /// Nothing behind the prefix, or a name that no variable can have.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Why a secret could not be read. Names the reference, never the secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variable does not exist.
    #[error("secret env:{0}: the environment variable is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("secret file:{}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Others can read the file.
    #[error("secret file:{}: others may read it (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else.
    #[error("secret file:{}: it belongs to user {owner}, not to us; run: chown {us} {}", path.display(), path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// The command did not deliver.
    #[error("secret cmd:{program} …: {why}")]
    Command {
        /// First word of the command.
        program: String,
        /// What happened.
        why: String,
    },
    /// What was found is no secret.
    #[error("secret {reference}: {why}")]
    Unusable {
        /// The reference, commands shortened to their first word.
        reference: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl FromStr for SecretRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let Some((prefix, rest)) = text.split_once(':') else { return Err(NotAReference::Clear) };
        let kind = match prefix {
            "env" if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                return Err(NotAReference::Malformed(
                    "env: is followed by the name of a variable, e.g. env:KAFKA_PASSWORD",
                ));
            }
            "env" => Kind::Env(rest.to_owned()),
            "file" if rest.is_empty() => {
                return Err(NotAReference::Malformed(
                    "file: is followed by a path, e.g. file:/etc/noctule/kafka.secret",
                ));
            }
            "file" => Kind::File(PathBuf::from(rest)),
            "cmd" => {
                let words = words(rest).ok_or(NotAReference::Malformed("cmd: has a quotation that is not closed"))?;
                if words.is_empty() {
                    return Err(NotAReference::Malformed("cmd: is followed by a command, e.g. cmd:pass show kafka"));
                }
                Kind::Cmd(words, rest.to_owned())
            }
            _ => return Err(NotAReference::Clear),
        };
        Ok(Self(kind))
    }
}

impl SecretRef {
    /// The reference as written in a configuration file.
    #[must_use]
    pub fn reference(&self) -> String {
        match &self.0 {
            Kind::Env(name) => format!("env:{name}"),
            Kind::File(path) => format!("file:{}", path.display()),
            Kind::Cmd(_, text) => format!("cmd:{text}"),
        }
    }

    /// The reference fit for messages: of a command only the first word.
    #[must_use]
    fn shown(&self) -> String {
        match &self.0 {
            Kind::Cmd(words, _) => format!("cmd:{} …", words.first().map_or("", String::as_str)),
            _ => self.reference(),
        }
    }

    /// A `file:` reference with its path made absolute by `place`.
    #[must_use]
    pub fn placed(self, place: impl FnOnce(&Path) -> PathBuf) -> Self {
        match self.0 {
            Kind::File(path) => Self(Kind::File(place(&path))),
            other => Self(other),
        }
    }

    /// Fetches the secret: reads the variable or file, or runs the command (at most ten seconds;
    /// call it where blocking is allowed). A line break at the end is dropped.
    ///
    /// # Errors
    /// What is missing or forbidden, and what to do about it; never the secret.
    pub fn resolve(&self) -> Result<SecretString, Error> {
        let text = match &self.0 {
            Kind::Env(name) => {
                Zeroizing::new(std::env::var(name).map_err(|_| Error::NoVariable(name.clone()))?.into_bytes())
            }
            Kind::File(path) => read_file(path)?,
            Kind::Cmd(words, _) => run(words, TIME_OUT)?,
        };
        let unusable = |why| Error::Unusable { reference: self.shown(), why };
        let text = std::str::from_utf8(&text).map_err(|_| unusable("it is not UTF-8 text"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(unusable("it is empty"));
        }
        Ok(SecretString::from(text))
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Env(_) => "env:…",
            Kind::File(_) => "file:…",
            Kind::Cmd(..) => "cmd:…",
        })
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // No error here may quote the text: it could be the secret itself.
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for SecretRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "secret-reference",
            "description": "Where a secret is: env:NAME, file:PATH (mode 0600), cmd:COMMAND.",
            "pattern": "^(env|file|cmd):.+",
        })
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unreadable = |cause| Error::Unreadable { path: path.to_path_buf(), cause };
    // Non-blocking, so that a FIFO in the file's place cannot hang us; judged by what was opened.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(unreadable(std::io::Error::other("it is not a regular file")));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o177 != 0 {
        return Err(Error::Open { path: path.to_path_buf(), mode });
    }
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != us {
        return Err(Error::Foreign { path: path.to_path_buf(), owner: meta.uid(), us });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn run(words: &[String], time_out: Duration) -> Result<Zeroizing<Vec<u8>>, Error> {
    let Some((program, args)) = words.split_first() else { return Ok(Zeroizing::default()) };
    let failed = |why: String| Error::Command { program: program.clone(), why };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let stdout = child.stdout.take();
    let (sender, receiver) = std::sync::mpsc::channel();
    // A thread reads, so that a command that neither writes nor ends runs into the time-out.
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(Vec::new());
        let read = stdout.map_or(Ok(0), |out| out.take(MAX_BYTES).read_to_end(&mut text));
        let _ = sender.send(read.map(|_| text));
    });
    let deadline = Instant::now() + time_out;
    let text = receiver.recv_timeout(time_out).ok().and_then(Result::ok);
    let status = wait(&mut child, deadline);
    match (text, status) {
        (Some(text), Some(status)) if status.success() => Ok(text),
        (Some(_), Some(status)) => Err(failed(format!("it ended with {status}"))),
        _ => Err(failed(format!("it did not answer within {} s", time_out.as_secs_f32()))),
    }
}

/// Waits for the end of a child; ends it at the deadline.
fn wait(child: &mut Child, deadline: Instant) -> Option<std::process::ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        // A child that ends tells nobody who does not block for it, and then no deadline would hold.
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Splits a command into words: blanks separate, `'…'` and `"…"` hold together, `\` takes the
/// next character as it is (outside single quotes). No variables, no globs, no shell.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn resolve(text: &str) -> Result<String, Error> {
        text.parse::<SecretRef>().unwrap().resolve().map(|s| s.expose_secret().to_owned())
    }

    fn file(mode: u32, text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let reference = format!("file:{}", path.display());
        (folder, reference)
    }

    #[test]
    fn files_are_read_only_when_nobody_else_can() {
        for mode in [0o600, 0o400] {
            let (_keep, reference) = file(mode, "s3cret\n");
            assert_eq!(resolve(&reference).unwrap(), "s3cret");
        }
        for mode in [0o644, 0o640, 0o604, 0o700] {
            let (_keep, reference) = file(mode, "s3cret");
            let told = resolve(&reference).unwrap_err().to_string();
            let path = reference.strip_prefix("file:").unwrap();
            assert!(told.ends_with(&format!("run: chmod 600 {path}")) && !told.contains("s3cret"), "{told}");
        }
        assert!(matches!(resolve("file:/nowhere/key"), Err(Error::Unreadable { .. })));
        assert!(matches!(resolve("file:/"), Err(Error::Unreadable { .. })), "a folder is no secret");
        let (_keep, reference) = file(0o600, "\n");
        assert!(resolve(&reference).unwrap_err().to_string().ends_with("it is empty"));
    }

    #[test]
    fn commands_run_without_a_shell() {
        assert_eq!(resolve("cmd:printf '%s\\n' 'a b' \"c d\"").unwrap(), "a b\nc d");
        assert_eq!(resolve("cmd:echo $HOME ; true").unwrap(), "$HOME ; true");
        assert!(resolve("cmd:false").unwrap_err().to_string().starts_with("secret cmd:false …: it ended with"));
        assert!(matches!(resolve("cmd:/nowhere/program x"), Err(Error::Command { .. })));
        let told = run(&["sleep".into(), "60".into()], Duration::from_millis(50)).unwrap_err().to_string();
        assert!(told.contains("did not answer"), "{told}");
    }

    #[test]
    fn variables_have_to_exist() {
        assert_eq!(resolve("env:CARGO_PKG_NAME").unwrap(), "noctule");
        assert_eq!(
            resolve("env:NOT_SET_AT_ALL").unwrap_err().to_string(),
            "secret env:NOT_SET_AT_ALL: the environment variable is not set"
        );
    }

    #[test]
    fn what_is_no_reference_is_refused_unseen() {
        for clear in ["hunter2", "pa:ss", "Env:X", "http://x"] {
            let e = clear.parse::<SecretRef>().unwrap_err();
            assert!(e == NotAReference::Clear && !e.to_string().contains(clear), "{clear}");
        }
        for malformed in ["env:", "env:A B", "file:", "cmd:", "cmd:  ", "cmd:echo 'x"] {
            assert!(matches!(malformed.parse::<SecretRef>(), Err(NotAReference::Malformed(_))), "{malformed}");
        }
    }

    #[test]
    fn nothing_prints_more_than_the_kind() {
        for (text, kind) in [("env:X", "env:…"), ("file:/a/b", "file:…"), ("cmd:pass -p hunter2", "cmd:…")] {
            let secret: SecretRef = text.parse().unwrap();
            assert_eq!(format!("{secret:?}"), kind);
            assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{kind}\""));
            assert_eq!(secret.reference(), text);
        }
        let missing: SecretRef = "cmd:/nowhere/pass hunter2".parse().unwrap();
        assert!(!missing.resolve().unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn words_are_split_as_people_quote() {
        let split = |t| words(t).map(|w| w.join("|"));
        assert_eq!(split(" a  'b c'd \"e \\\" f\" g\\ h '' ").unwrap(), "a|b cd|e \" f|g h|");
        assert_eq!(split("a 'b"), None);
        assert_eq!(split("a\\"), None);
    }
}
