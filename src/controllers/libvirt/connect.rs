//! The way to a libvirt: its socket on this machine, or an SSH host, where `virt-ssh-helper` finds the
//! right socket (the old daemon's or the modular ones') and old hosts have `nc`. An SSH login takes
//! the place of libvirt's own logins: TLS and SASL are not spoken.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

use super::client::{Connection, Hypervisor};
use super::error::{Error, Failure, bounded};
use crate::config::schema::Libvirt;
use crate::controllers::route::RouteStream;
use crate::controllers::ssh::{self, Master, RemoteStream};

/// Where libvirt listens for the whole system: the one daemon, then that of QEMU alone.
const SYSTEM: [&str; 2] = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/// What shells say of a program that is not there, beside its name.
const NOT_FOUND: [&str; 4] = ["not found", "not recognized", "Unknown command", "unknown command"];

/// How long the last words of a program may take to arrive after its end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a program on an SSH host may keep us waiting to learn that it is not there.
const HELPER: Duration = Duration::from_secs(20);

/// Where a libvirt is.
#[derive(Debug, Clone)]
pub enum Target {
    /// On this machine: this socket, or one of the usual ones.
    Local(Option<PathBuf>),
    /// On an SSH host: this socket there, or the one that is found there.
    Ssh(Arc<Master>, Option<String>),
}

impl Target {
    /// As configured.
    #[must_use]
    pub fn of(libvirt: &Libvirt) -> Self {
        match &libvirt.ssh {
            Some(host) => Self::Ssh(ssh::master(host), libvirt.socket.clone()),
            None => Self::Local(libvirt.socket.as_ref().map(PathBuf::from)),
        }
    }

    /// In words: `libvirt on this machine`, `libvirt on ssh kvm-1`.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Local(_) => "libvirt on this machine".to_owned(),
            Self::Ssh(master, _) => format!("libvirt on ssh {}", master.ssh().host),
        }
    }

    fn error(&self, what: Failure) -> Error {
        Error { place: self.word(), call: "connect".to_owned(), what }
    }

    /// A connection to it.
    ///
    /// # Errors
    /// It is not reached, wants a login that is not spoken, or refuses.
    pub async fn connect(&self, what: &Hypervisor, limit: Duration) -> Result<Connection, Error> {
        check(&what.uri).map_err(|why| self.error(Failure::Config(why)))?;
        match self {
            Self::Local(socket) => {
                let stream = local(socket.as_deref(), what).await.map_err(|why| self.error(why))?;
                Connection::open(stream, &self.word(), what, limit).await
            }
            Self::Ssh(master, socket) => self.over_ssh(master, socket.as_deref(), what, limit).await,
        }
    }

    async fn over_ssh(
        &self,
        master: &Arc<Master>,
        socket: Option<&str>,
        what: &Hypervisor,
        limit: Duration,
    ) -> Result<Connection, Error> {
        let place = self.word();
        if let Some(path) = socket {
            let tunnel = master.connect_unix(path).await.map_err(|e| self.error(of_io(e)))?;
            return Connection::open(RouteStream::Tunnel(tunnel), &place, what, limit).await;
        }
        let helper =
            if what.read_only { vec!["virt-ssh-helper", "-r", &what.uri] } else { vec!["virt-ssh-helper", &what.uri] };
        let first = self.program(master, &helper, what, limit).await;
        let Err((error, words)) = first else { return first.map_err(|(error, _)| error) };
        if !not_found(&words, "virt-ssh-helper") {
            return Err(with_words(error, &words));
        }
        // A host from before the helper: its one daemon's socket.
        let [socket, _] = SYSTEM;
        match self.program(master, &["nc", "-U", socket], what, limit).await {
            Ok(connection) => Ok(connection),
            Err((_, words)) if not_found(&words, "nc") => Err(self.error(Failure::NotReached(
                "the host has neither virt-ssh-helper (package libvirt-daemon) nor nc, or they are not in the PATH of \
                 its logins"
                    .to_owned(),
            ))),
            Err((error, words)) => Err(with_words(error, &words)),
        }
    }

    /// Speaks to a program on the host; with the error what the program said.
    async fn program(
        &self,
        master: &Arc<Master>,
        argv: &[&str],
        what: &Hypervisor,
        limit: Duration,
    ) -> Result<Connection, (Error, String)> {
        let stream = master.stream(argv).await.map_err(|e| (self.error(Failure::Ssh(Box::new(e))), String::new()))?;
        let stream = Shared(Arc::new(std::sync::Mutex::new(stream)));
        let kept = stream.clone();
        match Connection::open(stream, &self.word(), what, limit.max(HELPER)).await {
            Ok(connection) => Ok(connection.with_limit(limit)),
            Err(error) => Err((error, kept.last_words().await)),
        }
    }
}

/// The URI by which `virsh` on the host finds the same hypervisor.
#[must_use]
pub fn virsh_uri(libvirt: &Libvirt) -> String {
    let (Some(socket), Some((driver, rest))) = (&libvirt.socket, libvirt.uri.split_once("://")) else {
        return libvirt.uri.clone();
    };
    let mut path = String::new();
    for byte in socket.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    format!("{driver}+unix://{rest}?socket={path}")
}

/// An URI may name a hypervisor of the host that is reached, and nothing else.
fn check(uri: &str) -> Result<(), String> {
    let (driver, rest) = uri.split_once("://").ok_or("a libvirt URI is written qemu:///system")?;
    if let Some((_, transport)) = driver.split_once('+') {
        return Err(format!(
            "the transport {} is not spoken: name the host as [source.ssh] instead, and only qemu:///system as URI",
            bounded(transport)
        ));
    }
    if !rest.starts_with('/') {
        return Err("a host in the URI means TLS, which is not spoken: name it as [source.ssh] instead, and only \
                    qemu:///system as URI"
            .to_owned());
    }
    Ok(())
}

async fn local(socket: Option<&Path>, what: &Hypervisor) -> Result<UnixStream, Failure> {
    let paths = match socket {
        Some(path) => vec![path.to_path_buf()],
        None => usual(what, std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))?,
    };
    let mut tried = Vec::new();
    for path in &paths {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Failure::Denied(format!("{}: {e}", path.display())));
            }
            Err(e) => tried.push(format!("{}: {e}", path.display())),
        }
    }
    Err(Failure::NotReached(format!("{}; is libvirtd, or virtqemud, running?", tried.join("; "))))
}

/// The sockets of the daemon that an URI means. That of a user is in the folder of its login.
fn usual(what: &Hypervisor, login: Option<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if what.uri.ends_with("/session") {
        let Some(folder) = login.filter(|folder| folder.is_absolute()) else {
            return Err(Failure::Config(format!(
                "{} is a libvirt of this login, and XDG_RUNTIME_DIR does not name the folder of its socket: set \
                 XDG_RUNTIME_DIR, or the socket of the source",
                bounded(&what.uri)
            )));
        };
        return Ok(["libvirt/libvirt-sock", "libvirt/virtqemud-sock"].iter().map(|name| folder.join(name)).collect());
    }
    let suffix = if what.read_only { "-ro" } else { "" };
    Ok(SYSTEM.iter().map(|path| PathBuf::from(format!("{path}{suffix}"))).collect())
}

fn of_io(error: io::Error) -> Failure {
    match error.downcast::<ssh::Error>() {
        Ok(ssh) => Failure::Ssh(Box::new(ssh)),
        Err(other) => Failure::NotReached(bounded(&other.to_string())),
    }
}

fn not_found(words: &str, program: &str) -> bool {
    words.lines().any(|line| line.contains(program) && NOT_FOUND.iter().any(|sign| line.contains(sign)))
}

/// An error of a connection over a program, with what that program said: why it ended.
fn with_words(mut error: Error, words: &str) -> Error {
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty()).map(bounded);
    if let (Some(last), Failure::NotReached(_)) = (last, &error.what) {
        error.what = Failure::NotReached(last);
    }
    error
}

/// A stream of a program whose words can be read while the connection has it.
#[derive(Debug, Clone)]
struct Shared(Arc<std::sync::Mutex<RemoteStream>>);

impl Shared {
    fn words(&self) -> String {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).words()
    }

    /// The words after its end: they come another way than its bytes, and may be later.
    async fn last_words(&self) -> String {
        let said = async {
            while self.words().is_empty() {
                tokio::time::sleep(LAST_WORDS / 20).await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, said).await;
        self.words()
    }

    fn with<T>(&self, work: impl FnOnce(Pin<&mut RemoteStream>) -> T) -> T {
        work(Pin::new(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_spoken_is_told_with_what_is() {
        assert_eq!(check("qemu:///system"), Ok(()));
        assert_eq!(check("test:///default"), Ok(()));
        for uri in
            ["qemu+tls://kvm-1/system", "qemu+tcp://kvm-1/system", "qemu+ssh://kvm-1/system", "qemu://kvm-1/system"]
        {
            let why = check(uri).unwrap_err();
            assert!(why.contains("not spoken") && why.contains("[source.ssh]"), "{uri}: {why}");
        }
        assert!(check("kvm-1").is_err());
    }

    #[test]
    fn a_missing_program_is_told_from_a_missing_socket() {
        assert!(not_found("bash: line 1: virt-ssh-helper: command not found\n", "virt-ssh-helper"));
        assert!(not_found("sh: 1: virt-ssh-helper: not found", "virt-ssh-helper"));
        let down = "cannot connect to '/run/libvirt/libvirt-sock': Failed to connect socket: No such file or directory";
        assert!(!not_found(down, "virt-ssh-helper"));
    }

    #[test]
    fn the_libvirt_of_a_login_is_looked_for_in_its_folder_and_nowhere_else() {
        let session = Hypervisor { uri: "qemu:///session".into(), read_only: false };
        let found = usual(&session, Some("/run/user/7".into())).unwrap();
        assert_eq!(found[0], Path::new("/run/user/7/libvirt/libvirt-sock"));
        for folder in [None, Some(PathBuf::new()), Some("run".into())] {
            let refused = usual(&session, folder).unwrap_err();
            assert!(matches!(&refused, Failure::Config(why) if why.contains("XDG_RUNTIME_DIR")), "{refused}");
        }
        assert_eq!(usual(&Hypervisor::default(), None).unwrap()[0], Path::new("/run/libvirt/libvirt-sock"));
    }

    #[test]
    fn virsh_is_told_the_socket() {
        let mut libvirt = Libvirt { socket: Some("/run/a b".into()), ..Libvirt::default() };
        assert_eq!(virsh_uri(&libvirt), "qemu+unix:///system?socket=/run/a%20b");
        libvirt.socket = None;
        assert_eq!(virsh_uri(&libvirt), "qemu:///system");
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_named() {
        let target = Target::Local(Some("/nowhere/libvirt-sock".into()));
        let error = target.connect(&Hypervisor::default(), Duration::from_secs(1)).await.unwrap_err();
        assert!(error.connection_lost() && !error.refused());
        let said = error.to_string();
        assert!(said.starts_with("libvirt on this machine: connect: no connection (/nowhere/libvirt-sock: "), "{said}");
    }
}
