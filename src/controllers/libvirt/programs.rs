//! Programs on a host, for what libvirt does not do itself: images that are copied, compared and read,
//! folders of backups. On this machine or over the host's SSH connection, in the same way.
//!
//! A program gets its arguments as they are; what is run is one of the fixed texts here. It lives as
//! long as somebody waits for it: when we go, in whatever way, its standard input ends and it is ended.

use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::client::Connection;
use super::connect::Target;
use super::error::{Error, bounded};
use crate::model::text::clean;

/// Runs a text with its arguments and tells its end. As long as it runs, the end of standard input
/// ends it: that is how a program on another host learns that nobody waits for it.
const GUARD: &str = r#"LC_ALL=C; export LC_ALL
text=$1; shift
exec 3<&0
sh -c "$text" noctule "$@" </dev/null 2>&1 3<&- & p=$!
( while read -r _; do :; done <&3; kill -TERM "$p" ) >/dev/null 2>&1 & w=$!
wait "$p"; s=$?
kill "$w" 2>/dev/null
printf '\n==noctule %s==\n' "$s""#;

/// The same for one that reads its standard input to the end.
const FED: &str = r#"LC_ALL=C; export LC_ALL
text=$1; shift
sh -c "$text" noctule "$@" 2>&1
printf '\n==noctule %s==\n' "$?""#;

/// The most output that is kept.
const MOST: usize = 8 << 20;
/// How long a host may take to tell its name.
const NAME: Duration = Duration::from_secs(20);
/// How long a program that was told to end may take.
const GRACE: Duration = Duration::from_secs(10);

/// Why a program did not do what it was to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It was not started.
    #[error("{0}")]
    NotStarted(String),
    /// It ended, and not well.
    #[error("{words} (status {status})")]
    Failed {
        /// Status.
        status: i32,
        /// What it said last.
        words: String,
    },
    /// It ended well, and said more than is kept: what there is of its answer is not all of it.
    #[error("its answer is longer than {} MiB, which is not read", MOST >> 20)]
    TooLong,
    /// It was cancelled, and has ended.
    #[error("cancelled")]
    Cancelled,
    /// What became of it is not known.
    #[error("{0}; it may have been carried out all the same")]
    Lost(String),
}

/// A program to be run: one of the fixed texts of a shell.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The text; `$1` and so on are its arguments. What takes long is run with `exec`.
    pub text: &'static str,
    /// Arguments: any text, as it is.
    pub args: &'a [&'a str],
    /// Standard input; without one it has none.
    pub input: Option<&'a [u8]>,
    /// How long it may take.
    pub limit: Duration,
}

/// Why it is not known that programs run on the machine that a libvirt is on.
#[derive(Debug, thiserror::Error)]
pub enum Apart {
    /// The libvirt did not tell its name.
    #[error("{0}")]
    Call(Error),
    /// Nor did the machine that programs run on.
    #[error("{0}")]
    Program(ProgramError),
    /// They are two machines.
    #[error("its libvirt is on {libvirt}, and programs for it would run on {programs}")]
    Elsewhere {
        /// What libvirt calls its host.
        libvirt: String,
        /// What the machine calls itself that programs run on.
        programs: String,
    },
}

/// Runs programs on a host.
#[derive(Debug, Clone)]
pub struct Programs {
    target: Target,
}

impl Programs {
    /// On the host of a libvirt.
    #[must_use]
    pub const fn on(target: Target) -> Self {
        Self { target }
    }

    /// Looks whether programs run on the machine that a libvirt is on. A socket may lead elsewhere
    /// (forwarded, simulated): files would be looked for, and removed, on a machine that has nothing to do
    /// with it.
    ///
    /// # Errors
    /// They do not, or it cannot be told.
    pub async fn beside(&self, libvirt: &Connection) -> Result<(), Apart> {
        let told = libvirt.hostname().await.map_err(Apart::Call)?;
        let name = Program { text: "exec uname -n", args: &[], input: None, limit: NAME };
        let here = self.ask(&name).await.map_err(Apart::Program)?;
        if same_host(&told, &here) {
            return Ok(());
        }
        let word = |name: &str| clean(name.trim()).into_owned();
        Err(Apart::Elsewhere { libvirt: word(&told), programs: word(&here) })
    }

    /// Runs a program to its end and gives what it wrote: of more than 8 MiB the end, as it is wanted of
    /// what tells how far it is. `heard` is told what it writes as it comes.
    ///
    /// # Errors
    /// It was not started, did not end well, was cancelled, or its end is not known.
    pub async fn run(
        &self,
        program: &Program<'_>,
        stop: &CancellationToken,
        heard: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, ProgramError> {
        self.follow(program, stop, heard).await.map(|(said, _)| said)
    }

    /// The same for one whose answer is read, all of it: it is over soon and not cancelled.
    ///
    /// # Errors
    /// As [`Self::run`], and when it said more than is kept.
    pub async fn ask(&self, program: &Program<'_>) -> Result<String, ProgramError> {
        match self.follow(program, &CancellationToken::new(), &mut |_| {}).await? {
            (said, false) => Ok(said),
            (_, true) => Err(ProgramError::TooLong),
        }
    }

    /// What it wrote, and whether the beginning of it is not kept.
    async fn follow(
        &self,
        program: &Program<'_>,
        stop: &CancellationToken,
        heard: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(String, bool), ProgramError> {
        let guard = if program.input.is_some() { FED } else { GUARD };
        let mut argv = vec!["sh", "-c", guard, "noctule", program.text];
        argv.extend(program.args);
        let mut stream: Box<dyn Stream> = match &self.target {
            Target::Local(_) => Box::new(Local::start(&argv)?),
            Target::Ssh(master, _) => {
                let stream = master.stream(&argv).await;
                Box::new(stream.map_err(|e| ProgramError::NotStarted(e.to_string()))?)
            }
        };
        if let Some(input) = program.input {
            let fed = async {
                stream.write_all(input).await?;
                stream.shutdown().await
            };
            match tokio::time::timeout(program.limit, fed).await {
                Ok(Ok(())) => {}
                // What it says of it is of more use than that it did not listen.
                Ok(Err(e)) => tracing::debug!(error = %e, "a program did not read all of its input"),
                Err(_) => return Err(lost(program.limit)),
            }
        }
        let mut out = Vec::new();
        let mut until = Instant::now() + program.limit;
        let (mut stopping, mut cut) = (false, false);
        let mut piece = vec![0; 16 << 10];
        loop {
            let read = tokio::select! {
                read = timeout_at(until, stream.read(&mut piece)) => read,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    until = Instant::now() + GRACE;
                    let _ = stream.shutdown().await;
                    continue;
                }
            };
            match read {
                Err(_) => return Err(lost(program.limit)),
                Ok(Err(e)) => return Err(ProgramError::Lost(bounded(&e.to_string()))),
                Ok(Ok(0)) => break,
                Ok(Ok(n)) => {
                    let new = piece.get(..n).unwrap_or_default();
                    heard(&String::from_utf8_lossy(new));
                    out.extend_from_slice(new);
                    if out.len() > MOST {
                        cut = true;
                        out.drain(..MOST / 2);
                    }
                }
            }
        }
        end(&String::from_utf8_lossy(&out), stopping).map(|said| (said, cut))
    }
}

/// Whether two names are of one machine: whole names that differ are of two, and of one that has no domain only
/// the first label can be compared.
fn same_host(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|name| name.trim().trim_end_matches('.').to_ascii_lowercase());
    let whole = one.contains('.') && other.contains('.');
    let label = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    if whole { one == other } else { !one.is_empty() && label(&one) == label(&other) }
}

fn lost(limit: Duration) -> ProgramError {
    ProgramError::Lost(format!("a program on the host did not end within {} s", limit.as_secs()))
}

/// The output without the line that tells the end, or why it is none.
fn end(out: &str, stopped: bool) -> Result<String, ProgramError> {
    let told = out.rfind("\n==noctule ").and_then(|at| {
        let status = out.get(at..)?.trim().strip_prefix("==noctule ")?.strip_suffix("==")?;
        Some((out.get(..at)?, status.parse::<i32>().ok()?))
    });
    match told {
        Some((text, 0)) => Ok(text.to_owned()),
        Some(_) if stopped => Err(ProgramError::Cancelled),
        Some((text, status)) => Err(ProgramError::Failed { status, words: last_words(text) }),
        None => Err(ProgramError::Lost("the connection to the host ended".to_owned())),
    }
}

/// The last lines of what a program said, progress and what `virsh` says without polkit left out.
fn last_words(text: &str) -> String {
    let noise =
        |line: &str| line.is_empty() || line.ends_with("/100%)") || line.contains("Check if polkit service is running");
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !noise(line)).collect();
    let from = lines.len().saturating_sub(3);
    let words = bounded(&lines.get(from..).unwrap_or_default().join("; "));
    if words.is_empty() { "it said nothing".to_owned() } else { words }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A program on this machine. Dropping it ends its standard input, and with that the program.
struct Local {
    _child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Local {
    fn start(argv: &[&str]) -> Result<Self, ProgramError> {
        let not = |why: String| ProgramError::NotStarted(format!("a program on this machine cannot be run ({why})"));
        let (name, args) = argv.split_first().ok_or_else(|| not("it has no name".to_owned()))?;
        let mut command = Command::new(name);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A Ctrl-C at our terminal is ours alone.
        command.process_group(0);
        let mut child = command.spawn().map_err(|e| not(e.to_string()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| not("a pipe is missing".to_owned()))?;
        Ok(Self { _child: child, stdin, stdout })
    }
}

impl AsyncRead for Local {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for Local {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        match &mut self.get_mut().stdin {
            Some(stdin) => Pin::new(stdin).poll_write(cx, bytes),
            None => Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.get_mut().stdin.as_mut().map_or(Poll::Ready(Ok(())), |stdin| Pin::new(stdin).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.get_mut().stdin = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn here() -> Programs {
        Programs::on(Target::Local(None))
    }

    #[test]
    fn machines_of_one_name_in_two_domains_are_two() {
        for (one, other, same) in [
            ("kvm-1", "kvm-1.site-a.example\n", true),
            ("KVM-1.site-a.example", "kvm-1.site-a.example.", true),
            ("kvm-1.site-a.example", "kvm-1.site-b.example", false),
            ("kvm-1", "kvm-2", false),
            ("", "", false),
        ] {
            assert_eq!(super::same_host(one, other), same, "{one} {other}");
        }
    }

    #[tokio::test]
    async fn arguments_arrive_as_they_are_and_ends_are_told() {
        let odd = "a b\"'$(touch x)\\ *\n;";
        let program = Program { text: "printf %s \"$1\"", args: &[odd], input: None, limit: SOON };
        assert_eq!(here().ask(&program).await.unwrap(), odd);
        let program = Program { text: "cat", args: &[], input: Some(b"in\n"), limit: SOON };
        assert_eq!(here().ask(&program).await.unwrap(), "in\n");
        let program = Program { text: "echo why >&2; exit 3", args: &[], input: None, limit: SOON };
        let failed = ProgramError::Failed { status: 3, words: "why".into() };
        assert_eq!(here().ask(&program).await.unwrap_err(), failed);
    }

    #[tokio::test]
    async fn an_answer_is_all_of_it_or_an_error_and_progress_is_its_end() {
        let text = "head -c 9000000 /dev/zero | tr '\\0' x; echo; echo last";
        let program = Program { text, args: &[], input: None, limit: SOON };
        assert_eq!(here().ask(&program).await.unwrap_err(), ProgramError::TooLong);
        let said = here().run(&program, &CancellationToken::new(), &mut |_| {}).await.unwrap();
        assert!(said.len() < MOST && said.ends_with("\nlast\n"), "{}", said.len());
    }

    #[tokio::test]
    async fn a_program_ends_when_it_is_cancelled() {
        let stop = CancellationToken::new();
        let program = Program { text: "echo $$; exec sleep 600", args: &[], input: None, limit: SOON };
        let mut pid = String::new();
        let told = here()
            .run(&program, &stop, &mut |text| {
                pid.push_str(text);
                stop.cancel();
            })
            .await;
        assert_eq!(told.unwrap_err(), ProgramError::Cancelled);
        assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists());
    }

    #[test]
    fn an_end_that_is_not_told_is_not_taken_for_one() {
        assert!(matches!(end("half of it", false), Err(ProgramError::Lost(_))));
        assert!(matches!(end("\n==noctule 1x==\n", false), Err(ProgramError::Lost(_))));
        let progress = "    (1.00/100%)\r    (2.00/100%)\rqemu-img: error: No space left\n\n==noctule 1==\n";
        let failed = ProgramError::Failed { status: 1, words: "qemu-img: error: No space left".into() };
        assert_eq!(end(progress, false), Err(failed));
    }
}
