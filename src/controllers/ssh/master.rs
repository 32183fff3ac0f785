//! The one connection to a host: made when it is needed, made again when it was lost, and the way
//! of everything else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::args::{self, CONNECT_S};
use super::error::{Error, Failure, bounded, explain, shown_key};
use super::folder;
use super::log::Log;
use super::run::{self, NoOutput, Output, RemoteStream};
use super::tunnel::Tunnel;
use crate::config::schema::Ssh;

/// How long a connection may take until it can be used: name, TCP, key exchange, login, jumps.
const READY: Duration = Duration::from_secs(2 * CONNECT_S);

/// How long a call to the master itself may take.
const ASK: Duration = Duration::from_secs(5);

/// Longest pause between tries.
const MOST_PAUSE: Duration = Duration::from_secs(60);

/// Runs the command given as its arguments and ends it when standard input ends, that is, when
/// noctule does, however it does; then removes the folder `$1`. Nothing is put into its text.
const WATCHDOG: &str = r#"dir=$1; shift
exec 3<&0
"$@" 3<&- </dev/null & ssh=$!
( read -r _ <&3; kill "$ssh"; sleep 2; kill -9 "$ssh" ) >/dev/null 2>&1 & dog=$!
exec 3<&- </dev/null 2>/dev/null
wait "$ssh"; code=$?
kill "$dog" 2>/dev/null
rm -rf -- "$dir"; rmdir -- "${dir%/*}" 2>/dev/null
exit "$code""#;

/// The connection to a host, shared by all that goes through it. It ends with its last user.
#[derive(Debug)]
pub struct Master {
    ssh: Ssh,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live: Option<Live>,
    /// Tries in a row that failed, when the last did, and why.
    failures: u32,
    failed: Option<(Instant, Failure)>,
    /// Connections made so far.
    made: u64,
}

/// A connection that stands. Dropping it closes the watchdog's pipe, which ends everything.
#[derive(Debug)]
struct Live {
    dog: Child,
    /// Held, never written to: its end tells the watchdog to act.
    _pipe: ChildStdin,
    folder: PathBuf,
    log: Arc<Log>,
    reader: JoinHandle<()>,
    /// Local sockets by target.
    forwards: BTreeMap<String, PathBuf>,
}

impl Live {
    fn control(&self) -> PathBuf {
        self.folder.join("c")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Master {
    /// The connection to this host; nothing happens yet.
    pub(super) fn new(ssh: Ssh) -> Self {
        Self { ssh, state: Mutex::default() }
    }

    /// The host as configured.
    #[must_use]
    pub const fn ssh(&self) -> &Ssh {
        &self.ssh
    }

    fn error(&self, why: Failure) -> Error {
        Error { host: self.ssh.host.clone(), why }
    }

    /// Connects, when no connection stands.
    ///
    /// # Errors
    /// Why there is none. After a failure no try is made for 1 s, 2 s … 60 s.
    pub async fn ensure(&self) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        self.connected(&mut state).await.map(drop).map_err(|why| self.error(why))
    }

    /// How many connections have been made: more than one tells that some were lost.
    pub async fn connections(&self) -> u64 {
        self.state.lock().await.made
    }

    /// Whether the master answers, without connecting; its process id.
    pub async fn check(&self) -> Option<u32> {
        let state = self.state.lock().await;
        let live = state.live.as_ref()?;
        let told = ask(live, &["-O".into(), "check".into()]).await.ok()?;
        let pid = told.split_once("pid=")?.1;
        pid.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// Ends the connection and waits until nothing is left of it.
    pub async fn close(&self) {
        let mut state = self.state.lock().await;
        let Some(mut live) = state.live.take() else { return };
        let _ = ask(&live, &["-O".into(), "exit".into()]).await;
        // Its end of the pipe is closed by taking the connection apart, should it not have listened.
        if tokio::time::timeout(Duration::from_secs(2), live.dog.wait()).await.is_err() {
            let folder = live.folder.clone();
            drop(live);
            folder::remove(&folder);
        }
    }

    /// A connection to a port that the host reaches. It may turn out only at the first read that the
    /// host does not reach it.
    ///
    /// # Errors
    /// [`Error`] inside of an [`io::Error`].
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<Tunnel> {
        let target = args::forward_target(host, port).map_err(|why| self.error(Failure::Refused(why)))?;
        self.tunnel(target).await
    }

    /// A connection to a Unix socket on the host.
    ///
    /// # Errors
    /// [`Error`] inside of an [`io::Error`].
    pub async fn connect_unix(&self, path: &str) -> io::Result<Tunnel> {
        let target = args::forward_socket(path).map_err(|why| self.error(Failure::Refused(why)))?;
        self.tunnel(target).await
    }

    async fn tunnel(&self, target: String) -> io::Result<Tunnel> {
        let mut last = None;
        // A master that died since it was looked at shows here; the second try has a new one.
        for _ in 0..2 {
            let (socket, log) = {
                let mut state = self.state.lock().await;
                let live = self.connected(&mut state).await.map_err(|why| self.error(why))?;
                match forward(live, &target).await {
                    Ok(socket) => (socket, Arc::clone(&live.log)),
                    Err(why) => {
                        state.live = None;
                        last = Some(self.error(why).into());
                        continue;
                    }
                }
            };
            let mark = log.count();
            match UnixStream::connect(&socket).await {
                Ok(stream) => return Ok(Tunnel::new(stream, self.ssh.host.clone(), target, log, mark)),
                Err(e) => {
                    self.state.lock().await.live = None;
                    last = Some(e);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.error(Failure::Lost(String::new())).into()))
    }

    /// Runs a program on the host to its end: each argument arrives as it is (the host's shell has
    /// to be a POSIX one).
    ///
    /// # Errors
    /// No connection, or not done in time: then the channel is closed, which a program that waits
    /// for nothing from us may not notice.
    pub async fn run(&self, argv: &[&str], limit: Duration) -> Result<Output, Error> {
        let mut command = self.remote(argv).await?;
        command.stdout(Stdio::piped());
        match run::output(command, limit).await {
            // 255 is what `ssh` itself ends with; a program may do so too, but then it has said so.
            Ok(out) if out.status == Some(255) && self.check().await.is_none() => {
                Err(self.error(explain(&out.words(), &args::by_hand(&self.ssh), limit)))
            }
            Ok(out) => Ok(out),
            Err(NoOutput::TimedOut) => Err(self.error(Failure::TimedOut(limit))),
            Err(NoOutput::Io(e)) => Err(self.error(Failure::NoSsh(e.to_string()))),
        }
    }

    /// Starts a program on the host and gives its standard input and output as one stream.
    ///
    /// # Errors
    /// No connection, or `ssh` cannot be run.
    pub async fn stream(&self, argv: &[&str]) -> Result<RemoteStream, Error> {
        let command = self.remote(argv).await?;
        RemoteStream::start(command).map_err(|e| self.error(Failure::NoSsh(e.to_string())))
    }

    async fn remote(&self, argv: &[&str]) -> Result<Command, Error> {
        let mut state = self.state.lock().await;
        let live = self.connected(&mut state).await.map_err(|why| self.error(why))?;
        let mut command = run::ssh("ssh".as_ref());
        command.args(args::through(&live.control())).args(["-T", "-a", "-x", "noctule", "--"]);
        command.arg(args::quote_all(argv));
        Ok(command)
    }

    async fn connected<'a>(&self, state: &'a mut State) -> Result<&'a mut Live, Failure> {
        if let Some(live) = &mut state.live
            && (!matches!(live.dog.try_wait(), Ok(None)) || !live.control().exists())
        {
            tracing::info!(host = %self.ssh.host, words = %bounded(&live.log.text()), "ssh connection lost");
            state.live = None;
        }
        if state.live.is_none() {
            if let Some((at, last)) = &state.failed {
                let pause = Duration::from_secs(1 << state.failures.saturating_sub(1).min(6)).min(MOST_PAUSE);
                let waited = at.elapsed();
                if waited < pause {
                    return Err(Failure::Waiting { wait: pause - waited, last: Box::new(last.clone()) });
                }
            }
            match self.start().await {
                Ok(live) => {
                    state.live = Some(live);
                    state.made += 1;
                    state.failures = 0;
                    state.failed = None;
                }
                Err(why) => {
                    state.failures = state.failures.saturating_add(1);
                    state.failed = Some((Instant::now(), why.clone()));
                    return Err(why);
                }
            }
        }
        state.live.as_mut().ok_or_else(|| Failure::Lost(String::new()))
    }

    async fn start(&self) -> Result<Live, Failure> {
        if !args::host_is_safe(&self.ssh.host) {
            return Err(Failure::Refused("it is no host name that could be handed to ssh".to_owned()));
        }
        let folder = folder::fresh().map_err(|e| Failure::NoSsh(e.to_string()))?;
        let mut live = self.spawn(folder).map_err(|e| Failure::NoSsh(e.to_string()))?;
        let control = live.control();
        let begun = Instant::now();
        // The socket appears when the login is done.
        while !control.exists() {
            let ended = tokio::time::timeout(Duration::from_millis(15), live.dog.wait()).await;
            if ended.is_ok() {
                // Its last words are in the pipe, which ends with it.
                let _ = tokio::time::timeout(ASK, &mut live.reader).await;
                let why = explain(&live.log.text(), &args::by_hand(&self.ssh), Duration::from_secs(CONNECT_S));
                return Err(self.with_fingerprint(why).await);
            }
            if begun.elapsed() > READY {
                return Err(Failure::TimedOut(READY));
            }
        }
        Ok(live)
    }

    fn spawn(&self, folder: PathBuf) -> io::Result<Live> {
        let mut command = run::ssh("sh".as_ref());
        command.args(["-c", WATCHDOG, "sh"]).arg(&folder).arg("ssh").args(args::connection(&self.ssh));
        command.arg("-M").arg("-S").arg(folder.join("c")).arg("--").arg(&self.ssh.host);
        // Not killed on drop: the watchdog is what ends `ssh`, and it ends by the pipe.
        let mut dog = command.stdin(Stdio::piped()).spawn().inspect_err(|_| folder::remove(&folder))?;
        let missing = || io::Error::other("a pipe is missing");
        let pipe = dog.stdin.take().ok_or_else(missing)?;
        let stderr = dog.stderr.take().ok_or_else(missing)?;
        let log = Arc::new(Log::default());
        let kept = Arc::clone(&log);
        let reader = tokio::spawn(async move { kept.follow(stderr).await });
        Ok(Live { dog, _pipe: pipe, folder, log, reader, forwards: BTreeMap::new() })
    }

    /// In batch mode `ssh` does not tell which key it refused; asked again with more words it does.
    async fn with_fingerprint(&self, why: Failure) -> Failure {
        let Failure::HostKeyUnknown { fingerprint, command } = why else { return why };
        let mut again = run::ssh("ssh".as_ref());
        // The first of two equal options counts.
        again.args(["-o", "ControlPath=none", "-o", "LogLevel=DEBUG1"]).args(args::connection(&self.ssh)).arg("--");
        again.arg(&self.ssh.host);
        let told = run::output(again, READY).await.ok().and_then(|out| shown_key(&out.words()));
        Failure::HostKeyUnknown { fingerprint: told.unwrap_or(fingerprint), command }
    }
}

/// The local socket that leads to a target: made once a connection.
async fn forward(live: &mut Live, target: &str) -> Result<PathBuf, Failure> {
    if let Some(socket) = live.forwards.get(target) {
        return Ok(socket.clone());
    }
    let socket = live.folder.join(live.forwards.len().to_string());
    let mut spec = OsString::from(socket.to_string_lossy().replace('%', "%%"));
    spec.push(":");
    spec.push(target);
    ask(live, &["-O".into(), "forward".into(), "-L".into(), spec]).await?;
    live.forwards.insert(target.to_owned(), socket.clone());
    Ok(socket)
}

/// Asks the master for something; its words.
async fn ask(live: &Live, what: &[OsString]) -> Result<String, Failure> {
    let mut command = run::ssh("ssh".as_ref());
    command.args(args::through(&live.control())).args(what).args(["--", "noctule"]);
    match run::output(command, ASK).await {
        Ok(out) if out.status == Some(0) => Ok(out.words()),
        Ok(out) => Err(Failure::Lost(bounded(&out.words()))),
        Err(NoOutput::TimedOut) => Err(Failure::TimedOut(ASK)),
        Err(NoOutput::Io(e)) => Err(Failure::NoSsh(e.to_string())),
    }
}
