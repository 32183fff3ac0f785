//! Where the socket lies, how it is made and how it goes: in a folder of its own that nobody else
//! may enter, and never in place of anything that is no socket.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::wire::PROTOCOL;

/// What fits into `sockaddr_un` with its ending zero (unix(7)).
pub(in crate::workers) const LONGEST: usize = 107;

/// Why processes on one cache cannot speak with each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The path does not fit into an address.
    #[error(
        "the path of the control socket has {len} bytes and at most {LONGEST} are possible ({}): set [cache] path to a shorter one",
        path.display()
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        len: usize,
    },
    /// The socket cannot be made.
    #[error("the control socket {} cannot be made: {why}", path.display())]
    Unmade {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Nobody listens.
    #[error("the noctule that owns this cache does not listen on {}: {why}", path.display())]
    Absent {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another user is at the other end.
    #[error("user {uid} is at the other end of {}, not us: nothing is said there", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// Whose.
        uid: u32,
    },
    /// The owner is of another version.
    #[error(
        "the noctule that owns this cache is of another version (it speaks {theirs}, we {PROTOCOL}): end one of them"
    )]
    Version {
        /// What it speaks.
        theirs: u16,
    },
    /// The owner says no.
    #[error("the noctule that owns this cache refused: {0}")]
    Refused(String),
    /// The owner is there and says nothing.
    #[error("the noctule that owns this cache does not answer (it may be stopped or very busy)")]
    Silent,
    /// The connection broke before anything began.
    #[error("the noctule that owns this cache hung up: {0}")]
    HungUp(String),
    /// Something that is no message.
    #[error("the noctule that owns this cache says what is no message")]
    Garbled,
    /// A file that belongs to the wish cannot be read.
    #[error("{0}")]
    File(String),
    /// The wish is longer than a frame.
    #[error("too much for one command: mark fewer rows, or use a filter")]
    TooMuch,
}

/// The socket of a cache. It lies in a folder of its own, whatever the cache's folder allows.
#[must_use]
pub fn place(cache: &Path) -> PathBuf {
    let mut name = cache.as_os_str().to_owned();
    name.push(".run");
    PathBuf::from(name).join("control")
}

/// The place, when it can be an address.
pub(super) fn address(cache: &Path) -> Result<PathBuf, Error> {
    let path = place(cache);
    let len = path.as_os_str().len();
    if len > LONGEST { Err(Error::TooLong { path, len }) } else { Ok(path) }
}

/// The socket as long as we listen; gone afterwards, unless another one has taken its place.
#[derive(Debug)]
pub(in crate::workers) struct Listening {
    pub(in crate::workers) listener: UnixListener,
    path: PathBuf,
    id: (u64, u64),
}

impl Listening {
    /// Makes the socket. Only the owner of the cache may: what a process that was killed left
    /// behind is replaced.
    pub(super) fn start(cache: &Path) -> Result<Self, Error> {
        let path = address(cache)?;
        let why = |e: io::Error| Error::Unmade { path: path.clone(), why: e.to_string() };
        let folder = path.parent().unwrap_or(Path::new("."));
        private(folder).map_err(why)?;
        Self::at(&path, 0o600).map_err(why)
    }

    /// Makes a socket of this mode. Only who holds the lock on its name may: what was there is replaced,
    /// if it is a socket.
    pub(in crate::workers) fn at(path: &Path, mode: u32) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(io::Error::other("something that is no socket has its name"));
            }
            Ok(_) => fs::remove_file(path)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        let made = fs::symlink_metadata(path)?;
        Ok(Self { listener, id: (made.dev(), made.ino()), path: path.to_owned() })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a folder for us alone, or makes sure that it is one.
pub(in crate::workers) fn private(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let there = fs::symlink_metadata(folder)?;
    if !there.is_dir() {
        return Err(io::Error::other(format!("{} is no folder", folder.display())));
    }
    if there.uid() != us() {
        return Err(io::Error::other(format!("{} belongs to user {}", folder.display(), there.uid())));
    }
    if there.mode() & 0o777 != 0o700 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Our user.
pub(in crate::workers) fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether our own user is at the other end.
pub(super) fn ours(stream: &UnixStream, path: &Path) -> Result<(), Error> {
    let absent = |e: io::Error| Error::Absent { path: path.to_owned(), why: e.to_string() };
    let uid = stream.peer_cred().map_err(absent)?.uid();
    if uid == us() { Ok(()) } else { Err(Error::Foreign { path: path.to_owned(), uid }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn it_is_ours_alone_and_goes() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("c.db");
        let listening = Listening::start(&cache).unwrap();
        let path = place(&cache);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(listening);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_replaced_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("c.db");
        let path = place(&cache);
        fs::create_dir(path.parent().unwrap()).unwrap();
        // A socket nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = Listening::start(&cache).unwrap();
        assert_eq!(mode(path.parent().unwrap()), 0o700, "a folder that was open is closed");
        // The next one has taken the name: the first one leaves it alone when it goes.
        let _second = Listening::start(&cache).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).await.is_ok());
    }

    #[tokio::test]
    async fn a_file_of_that_name_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("c.db");
        let path = place(&cache);
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = Listening::start(&cache).unwrap_err();
        assert!(error.to_string().contains("no socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_path_that_is_no_address_is_told_with_what_to_do() {
        let error = address(&Path::new("/").join("d".repeat(120)).join("c.db")).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("at most 107") && words.contains("[cache] path"), "{words}");
    }
}
