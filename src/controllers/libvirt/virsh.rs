//! Programs on a libvirt host (`virsh`, `qemu-img` …): here, or over SSH. Each has a time limit, its
//! output is bounded, its absence is told as that, and giving a run up ends the program there too.

use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::error::{Error, Failure, bounded};
use crate::config::schema::Libvirt;
use crate::controllers::ssh::{self, Master};

/// The most bytes kept of what a program says.
const MOST: usize = 8 << 20;

/// The most bytes kept of its errors.
const MOST_ERRORS: usize = 16 << 10;

/// Runs the program given as its arguments on an SSH host; ends it when our end of the channel does,
/// and tells its exit code behind its output. Nothing is put into its text.
const GUARD: &str = r#"LC_ALL=C; export LC_ALL
exec 3<&0
"$@" 3<&- </dev/null & child=$!
( read -r _ <&3; kill "$child"; sleep 2; kill -9 "$child" ) >/dev/null 2>&1 & dog=$!
exec 3<&- </dev/null
wait "$child"; code=$?
kill "$dog" 2>/dev/null
printf '\0%s' "$code""#;

/// Where programs run.
#[derive(Debug, Clone)]
pub enum Host {
    /// On this machine.
    Local,
    /// On an SSH host.
    Ssh(Arc<Master>),
}

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its exit code; `None`: a signal ended it.
    pub status: Option<i32>,
    /// Standard output, at most 8 MiB.
    pub stdout: String,
    /// Standard error, at most 16 KiB, without libvirt's usual noise.
    pub stderr: String,
    /// There was more.
    pub cut: bool,
}

impl Host {
    /// The host of a libvirt.
    #[must_use]
    pub fn of(libvirt: &Libvirt) -> Self {
        libvirt.ssh.as_ref().map_or(Self::Local, |host| Self::Ssh(ssh::master(host)))
    }

    /// In words: `this machine`, `ssh kvm-1`.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Local => "this machine".to_owned(),
            Self::Ssh(master) => format!("ssh {}", master.ssh().host),
        }
    }

    fn error(&self, argv: &[&str], what: Failure) -> Error {
        let call = match argv {
            ["virsh", "-q", "-c", _, command, ..] => format!("virsh {command}"),
            _ => argv.iter().take(2).copied().collect::<Vec<_>>().join(" "),
        };
        Error { place: self.word(), call: bounded(&call), what }
    }

    /// Runs a program to its end, whatever its exit code.
    ///
    /// # Errors
    /// It is not there, could not be run, or did not end in time.
    pub async fn run(&self, argv: &[&str], limit: Duration) -> Result<Output, Error> {
        self.follow(argv, limit, |_| {}).await
    }

    /// Runs a program that has to succeed; its standard output.
    ///
    /// # Errors
    /// As [`Host::run`], and when it ends with another code than 0: its own words.
    pub async fn done(&self, argv: &[&str], limit: Duration) -> Result<String, Error> {
        let out = self.run(argv, limit).await?;
        self.succeeded(argv, out)
    }

    /// The output of a program that ended well.
    ///
    /// # Errors
    /// It ended with another code than 0: its own words.
    pub fn succeeded(&self, argv: &[&str], out: Output) -> Result<String, Error> {
        if out.status == Some(0) {
            return Ok(out.stdout);
        }
        let words = if out.stderr.trim().is_empty() { &out.stdout } else { &out.stderr };
        let words = bounded(words.trim().trim_start_matches("error: "));
        let end = out.status.map_or("a signal ended it".to_owned(), |code| format!("it ended with {code}"));
        let words = if words.is_empty() { end } else { format!("{words} ({end})") };
        Err(self.error(argv, Failure::Program(words)))
    }

    /// Runs `virsh` on a hypervisor; it has to succeed.
    ///
    /// # Errors
    /// See [`Host::done`].
    pub async fn virsh(&self, uri: &str, args: &[&str], limit: Duration) -> Result<String, Error> {
        let argv = [&["virsh", "-q", "-c", uri], args].concat();
        self.done(&argv, limit).await
    }

    /// Runs a program to its end, and hands over what it says as it says it, in pieces between line
    /// ends and carriage returns: progress. Giving it up ends the program.
    ///
    /// # Errors
    /// See [`Host::run`].
    pub async fn follow(&self, argv: &[&str], limit: Duration, each: impl FnMut(&str) + Send) -> Result<Output, Error> {
        let work = async {
            match self {
                Self::Local => local(argv, each).await,
                Self::Ssh(master) => remote(master, argv, each).await,
            }
        };
        let told = tokio::time::timeout(limit, work).await.unwrap_or(Err(Failure::TimedOut(limit)));
        let mut out = told.map_err(|what| self.error(argv, what))?;
        if out.status == Some(127) {
            return Err(self.error(argv, self.absent(argv)));
        }
        out.stderr = out.stderr.lines().filter(|line| !noise(line)).collect::<Vec<_>>().join("\n");
        Ok(out)
    }

    fn absent(&self, argv: &[&str]) -> Failure {
        let program = argv.first().copied().unwrap_or_default();
        let package = match program {
            "virsh" => ": install the package libvirt-clients there",
            "qemu-img" => ": install the package qemu-utils (or qemu-img) there",
            _ => "",
        };
        Failure::Program(format!("{} is not on {}{package}", bounded(program), self.word()))
    }
}

/// What virsh says without a polkit daemon, and means nothing.
fn noise(line: &str) -> bool {
    line.contains("Check if polkit service is running")
}

/// The URI by which `virsh` on the host finds the same hypervisor.
#[must_use]
pub fn virsh_uri(libvirt: &Libvirt) -> String {
    let Some(socket) = &libvirt.socket else { return libvirt.uri.clone() };
    let mut path = String::new();
    for byte in socket.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    match libvirt.uri.split_once("://") {
        Some((driver, rest)) => format!("{driver}+unix://{rest}?socket={path}"),
        None => libvirt.uri.clone(),
    }
}

async fn local(argv: &[&str], each: impl FnMut(&str) + Send) -> Result<Output, Failure> {
    let (program, args) = argv.split_first().ok_or_else(|| Failure::Program("no program is named".to_owned()))?;
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A Ctrl-C at our terminal is ours alone.
    command.process_group(0).kill_on_drop(true);
    let io = |e: std::io::Error| Failure::Program(bounded(&e.to_string()));
    let mut child = match command.spawn() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Output { status: Some(127), ..Output::default() });
        }
        other => other.map_err(io)?,
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = Said::new(each);
    let mut errors = Vec::new();
    let out = async {
        match stdout {
            Some(mut stream) => said.read(&mut stream).await,
            None => Ok(()),
        }
    };
    let err = async {
        let Some(mut stream) = stderr else { return Ok(()) };
        (&mut stream).take(MOST_ERRORS as u64).read_to_end(&mut errors).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
    };
    tokio::try_join!(out, err).map_err(io)?;
    let status = child.wait().await.map_err(io)?;
    let stderr = String::from_utf8_lossy(&errors).into_owned();
    Ok(Output { status: status.code(), stderr, cut: said.cut, stdout: said.text() })
}

async fn remote(master: &Master, argv: &[&str], each: impl FnMut(&str) + Send) -> Result<Output, Failure> {
    let guarded = [&["sh", "-c", GUARD, "sh"], argv].concat();
    let mut stream = master.stream(&guarded).await.map_err(|e| Failure::Ssh(Box::new(e)))?;
    let mut said = Said::new(each);
    said.read(&mut stream).await.map_err(|e| Failure::Broken(bounded(&e.to_string())))?;
    let stderr = stream.words();
    let cut = said.cut;
    let Some(code) = said.code() else {
        return Err(Failure::Broken(if stderr.is_empty() { "the channel ended".to_owned() } else { bounded(&stderr) }));
    };
    // What a shell says of a signal.
    let status = if code > 128 { None } else { Some(code) };
    Ok(Output { status, stderr, cut, stdout: said.text() })
}

/// What a program says: kept, and handed over line by line.
struct Said<F> {
    kept: Vec<u8>,
    /// The last bytes, where the exit code is when it ran on an SSH host.
    tail: Vec<u8>,
    line: Vec<u8>,
    cut: bool,
    each: F,
}

impl<F: FnMut(&str) + Send> Said<F> {
    const fn new(each: F) -> Self {
        Self { kept: Vec::new(), tail: Vec::new(), line: Vec::new(), cut: false, each }
    }

    async fn read(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = stream.read(&mut buffer).await?;
            let piece = buffer.get(..count).unwrap_or_default();
            if piece.is_empty() {
                return Ok(());
            }
            self.take(piece);
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = MOST.saturating_sub(self.kept.len()).min(piece.len());
        self.kept.extend_from_slice(piece.get(..room).unwrap_or_default());
        self.cut |= room < piece.len();
        self.tail.extend_from_slice(piece.get(piece.len().saturating_sub(16)..).unwrap_or_default());
        self.tail.drain(..self.tail.len().saturating_sub(16));
        for byte in piece {
            match byte {
                b'\r' | b'\n' => {
                    (self.each)(&String::from_utf8_lossy(&self.line));
                    self.line.clear();
                }
                // Lines that never end are not progress.
                byte if self.line.len() < 1024 => self.line.push(*byte),
                _ => {}
            }
        }
    }

    /// The exit code behind the output of [`GUARD`], which is taken off.
    fn code(&mut self) -> Option<i32> {
        let at = self.tail.iter().rposition(|b| *b == 0)?;
        let digits = self.tail.get(at + 1..)?;
        let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
        if !self.cut {
            self.kept.truncate(self.kept.len().saturating_sub(digits.len() + 1));
        }
        Some(code)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_program_is_followed_to_its_end() {
        let mut lines = Vec::new();
        let script = "printf '(1.00/100%%)\\r(50.00/100%%)\\r\\ndone\\n'; echo no >&2; exit 3";
        let argv = ["sh", "-c", script];
        let out = Host::Local.follow(&argv, LIMIT, |line| lines.push(line.to_owned())).await.unwrap();
        assert_eq!(lines, ["(1.00/100%)", "(50.00/100%)", "", "done"]);
        assert_eq!((out.status, out.stderr.as_str(), out.cut), (Some(3), "no", false));
        let error = Host::Local.succeeded(&argv, out).unwrap_err();
        assert_eq!(error.to_string(), "this machine: sh -c: no (it ended with 3)");
    }

    #[tokio::test]
    async fn what_is_missing_or_hangs_is_told() {
        let error = Host::Local.run(&["no-such-program-here"], LIMIT).await.unwrap_err();
        assert!(error.to_string().contains("no-such-program-here is not on this machine"), "{error}");
        let error = Host::Local.run(&["sleep", "60"], Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error.what, Failure::TimedOut(_)), "{error}");
    }

    #[tokio::test]
    async fn output_is_bounded() {
        let out = Host::Local.run(&["head", "-c", "9000000", "/dev/zero"], LIMIT).await.unwrap();
        assert_eq!((out.stdout.len(), out.cut), (MOST, true));
    }

    #[tokio::test]
    async fn the_guard_tells_the_code_and_ends_what_it_guards() {
        let said = |script: &'static str| async move {
            let mut command = Command::new("sh");
            command.args(["-c", GUARD, "sh", "sh", "-c", script]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            let stdin = child.stdin.take();
            let mut said = Said::new(|_: &str| {});
            if script.contains("sleep") {
                drop(stdin);
                said.read(&mut child.stdout.take().unwrap()).await.unwrap();
            } else {
                said.read(&mut child.stdout.take().unwrap()).await.unwrap();
                drop(stdin);
            }
            child.wait().await.unwrap();
            (said.code(), said.text())
        };
        assert_eq!(said("printf 'a b'; exit 5").await, (Some(5), "a b".to_owned()));
        assert_eq!(said("exec sleep 60").await.0, Some(143), "ended by a signal");
    }

    #[test]
    fn virsh_is_told_the_socket() {
        let mut libvirt = Libvirt { socket: Some("/run/a b".into()), ..Libvirt::default() };
        assert_eq!(virsh_uri(&libvirt), "qemu+unix:///system?socket=/run/a%20b");
        libvirt.socket = None;
        assert_eq!(virsh_uri(&libvirt), "qemu:///system");
    }
}
