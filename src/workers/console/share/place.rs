//! Where the noctules of a jump host meet over a console: a socket in the folder of the configuration,
//! its name made of the host, the machine and the device. Whoever holds the lock beside it has the
//! console; the kernel gives the lock back however a process ends, so there are never two.
//!
//! The folder is for one user (0700), or for one group (0770): who may enter it may look.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::config::schema::Share;
use crate::model::console::ConsoleTarget;
use crate::workers::relay::socket::{LONGEST, Listening, private, us};

/// How long somebody else may take between the lock and the socket.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks, ms.
const LOOK: std::ops::Range<u64> = 10..60;

/// Why a console cannot be shared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::workers::console) enum Error {
    /// The folder is no good.
    #[error("{}: {why} ([source.share] folder)", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        why: String,
    },
    /// The group is not known here.
    #[error("there is no group `{0}` on this machine ([source.share] group; a number does, too)")]
    Group(String),
    /// The socket or its lock cannot be made.
    #[error("{}: {why}", path.display())]
    Unmade {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Somebody has the lock and no socket.
    #[error("another noctule has it and cannot be reached at {}: {why}", path.display())]
    Unreached {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Where those who share a console meet.
#[derive(Debug, Clone)]
pub(in crate::workers::console) struct Place {
    folder: PathBuf,
    group: Option<u32>,
    /// What it is about, whole: said and compared at every meeting.
    console: String,
    socket: PathBuf,
    lock: PathBuf,
}

/// What came of entering.
#[derive(Debug)]
pub(in crate::workers::console) enum Entry {
    /// Nobody has it: it is ours now.
    Seat(Seat),
    /// Somebody has it.
    Stream(UnixStream),
}

/// That the console is ours, as long as this lives.
#[derive(Debug)]
pub(in crate::workers::console) struct Seat {
    pub(super) listening: Listening,
    /// Others of the group may come.
    pub(super) group: bool,
    /// What it is about.
    pub(super) console: String,
    _lock: Lock,
}

#[derive(Debug)]
struct Lock {
    _file: File,
    path: PathBuf,
}

impl Drop for Lock {
    /// While it is still held: whoever opened the file meanwhile finds that it has no name any more.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Place {
    /// The place for a console of the host with this UUID.
    pub(in crate::workers::console) fn new(share: &Share, host: &str, target: &ConsoleTarget) -> Result<Self, Error> {
        let folder = PathBuf::from(&share.folder);
        if !folder.is_absolute() {
            return Err(Error::Folder { folder, why: "it has to begin with /: others look for the same".into() });
        }
        let group = share.group.as_deref().map(|name| group_id(name).ok_or_else(|| Error::Group(name.to_owned())));
        let console = format!("{host}/{}/{}/{}", target.uuid, target.kind.word(), target.device);
        let digest = ring::digest::digest(&ring::digest::SHA256, console.as_bytes());
        let name = digest.as_ref().iter().take(12).fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        });
        let socket = folder.join(format!("{name}.sock"));
        if socket.as_os_str().len() > LONGEST {
            let why = format!("its path is too long for a socket: at most {} bytes", LONGEST - name.len() - 6);
            return Err(Error::Folder { folder, why });
        }
        Ok(Self { lock: folder.join(format!("{name}.lock")), group: group.transpose()?, folder, console, socket })
    }

    /// What it is about, whole.
    pub(in crate::workers::console) fn console(&self) -> &str {
        &self.console
    }

    /// Takes the console, or finds who has it.
    pub(in crate::workers::console) async fn enter(&self) -> Result<Entry, Error> {
        self.prepare().map_err(|e| Error::Folder { folder: self.folder.clone(), why: e.to_string() })?;
        let began = Instant::now();
        loop {
            // What is made is for a moment ours alone.
            let early = |e: &io::Error| e.kind() == ErrorKind::PermissionDenied && began.elapsed() < PATIENCE;
            match self.take() {
                Ok(Some(seat)) => return Ok(Entry::Seat(seat)),
                Err(e) if !early(&e) => return Err(Error::Unmade { path: self.lock.clone(), why: e.to_string() }),
                Err(_) => {}
                Ok(None) => match self.connect().await {
                    Ok(stream) => return Ok(Entry::Stream(stream)),
                    Err(e) if began.elapsed() >= PATIENCE => {
                        return Err(Error::Unreached { path: self.socket.clone(), why: e.to_string() });
                    }
                    Err(_) => {}
                },
            }
            sleep(Duration::from_millis(fastrand::u64(LOOK))).await;
        }
    }

    async fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.socket).await?;
        let uid = stream.peer_cred()?.uid();
        if self.group.is_none() && uid != us() {
            return Err(io::Error::other(format!("user {uid} is at the other end, not us")));
        }
        Ok(stream)
    }

    /// The folder is there, and closed to all others.
    fn prepare(&self) -> io::Result<()> {
        let Some(group) = self.group else { return private(&self.folder) };
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => {
                chown(&self.folder, None, Some(group))?;
                fs::set_permissions(&self.folder, Permissions::from_mode(0o2770))?;
            }
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            Err(_) => {}
        }
        let there = fs::symlink_metadata(&self.folder)?;
        let why = if !there.is_dir() {
            "it is no folder".to_owned()
        } else if there.gid() != group {
            format!("it belongs to group {}, not to {group}", there.gid())
        } else if there.mode() & 0o777 != 0o770 {
            format!("its mode is {:o}: it has to be 770, for the group alone", there.mode() & 0o777)
        } else {
            return Ok(());
        };
        Err(io::Error::other(why))
    }

    /// The mode of what is made.
    const fn mode(&self) -> u32 {
        if self.group.is_some() { 0o660 } else { 0o600 }
    }

    /// Takes the lock and listens; `None` when somebody else has it.
    fn take(&self) -> io::Result<Option<Seat>> {
        let file = self.open()?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e),
            Ok(()) => {}
        }
        // The one before may have taken its name away after we opened it.
        let id = |m: &fs::Metadata| (m.dev(), m.ino());
        match fs::symlink_metadata(&self.lock) {
            Ok(named) if id(&named) == id(&file.metadata()?) => {}
            _ => return Ok(None),
        }
        let lock = Lock { _file: file, path: self.lock.clone() };
        let listening = Listening::at(&self.socket, self.mode())?;
        if let Some(group) = self.group {
            chown(&self.socket, None, Some(group))?;
        }
        Ok(Some(Seat { listening, group: self.group.is_some(), console: self.console.clone(), _lock: lock }))
    }

    /// The lock's file, made when it is missing. Not in one call: kernels refuse to open the file of
    /// another user in a shared folder by a call that might have made it.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(self.mode()).custom_flags(NO_FOLLOW);
        match options.open(&self.lock) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        match options.create_new(true).open(&self.lock) {
            Ok(file) => {
                if let Some(group) = self.group {
                    std::os::unix::fs::fchown(&file, None, Some(group))?;
                    file.set_permissions(Permissions::from_mode(self.mode()))?;
                }
                Ok(file)
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => options.create_new(false).open(&self.lock),
            Err(e) => Err(e),
        }
    }
}

/// `O_NOFOLLOW`.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// The number of a group.
fn group_id(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| field_of("/etc/group", 0, name, 2)?.parse().ok())
}

/// The name of a user; its number where this machine's own file does not have it.
pub(super) fn user_name(uid: u32) -> String {
    field_of("/etc/passwd", 2, &uid.to_string(), 0).unwrap_or_else(|| format!("user {uid}"))
}

/// A field of the first line of a file of accounts whose field `by` is `value`.
fn field_of(path: &str, by: usize, value: &str, field: usize) -> Option<String> {
    let text = fs::read(Path::new(&OsString::from(path))).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.split(':').nth(by) == Some(value))?;
    line.split(':').nth(field).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::console::ConsoleKind;

    fn place(folder: &Path, group: Option<String>) -> Result<Place, Error> {
        let share = Share { folder: folder.to_string_lossy().into_owned(), group, idle_min: 10 };
        let target = ConsoleTarget {
            source: Arc::from("kvm-1"),
            uuid: "6f3c".into(),
            name: "web".into(),
            kind: ConsoleKind::Serial,
            device: String::new(),
        };
        Place::new(&share, "host-1", &target)
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn the_first_has_it_and_others_find_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("share");
        let place = place(&folder, None).unwrap();
        let Entry::Seat(seat) = place.enter().await.unwrap() else { panic!("nobody has it") };
        assert_eq!((mode(&folder), mode(&place.socket), mode(&place.lock)), (0o700, 0o600, 0o600));
        assert!(matches!(place.enter().await.unwrap(), Entry::Stream(_)));
        drop(seat);
        assert!(fs::read_dir(&folder).unwrap().next().is_none(), "nothing is left behind");
        assert!(matches!(place.enter().await.unwrap(), Entry::Seat(_)));
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("share");
        let place = place(&folder, None).unwrap();
        drop(place.enter().await.unwrap());
        drop(std::os::unix::net::UnixListener::bind(&place.socket).unwrap());
        fs::write(&place.lock, "").unwrap();
        let Entry::Seat(_seat) = place.enter().await.unwrap() else { panic!("nobody lives there") };
        assert!(matches!(place.enter().await.unwrap(), Entry::Stream(_)));
    }

    #[tokio::test]
    async fn of_many_that_come_at_once_one_has_it() {
        let home = tempfile::tempdir().unwrap();
        let place = place(&home.path().join("share"), None).unwrap();
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let place = place.clone();
            all.spawn(async move { place.enter().await.unwrap() });
        }
        let entries = all.join_all().await;
        assert_eq!(entries.iter().filter(|e| matches!(e, Entry::Seat(_))).count(), 1);
    }

    #[tokio::test]
    async fn a_folder_for_a_group_is_closed_to_all_others() {
        let home = tempfile::tempdir().unwrap();
        let ours = fs::metadata(home.path()).unwrap().gid();
        let folder = home.path().join("share");
        let shared = place(&folder, Some(ours.to_string())).unwrap();
        let Entry::Seat(_seat) = shared.enter().await.unwrap() else { panic!("nobody has it") };
        assert_eq!((mode(&folder), mode(&shared.socket), mode(&shared.lock)), (0o770, 0o660, 0o660));
        fs::set_permissions(&folder, Permissions::from_mode(0o775)).unwrap();
        let words = shared.enter().await.unwrap_err().to_string();
        assert!(words.contains("775") && words.contains("[source.share] folder"), "{words}");
        fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
        let other = place(&folder, Some((ours + 1).to_string())).unwrap();
        assert!(other.enter().await.unwrap_err().to_string().contains("belongs to group"));
        let error = place(&folder, Some("no-such-group".into())).unwrap_err();
        assert_eq!(error, Error::Group("no-such-group".into()));
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        assert!(place(Path::new("run/noctule"), None).unwrap_err().to_string().contains("begin with /"));
        let long = Path::new("/").join("d".repeat(90));
        assert!(place(&long, None).unwrap_err().to_string().contains("too long"));
    }
}
