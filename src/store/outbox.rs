//! What processes that do not own the cache have to tell the journal: each piece waits as a file in a
//! folder beside the cache until the owner has journalled it.
//!
//! A console follows an agent that owns the cache, or stands alone while nobody does (`noctule console`);
//! who opened which machine's console, and who typed there, must be in the journal all the same. A file
//! is moved into place whole, outlives a kill of whoever wrote it, and needs nobody to be there. The owner
//! reads it, journals it, and removes it after the COMMIT: if it dies between those two its successor
//! journals the piece again, since a row told twice is better than none. The folder is its user's alone:
//! whoever could write to it could put words into an operator's mouth.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::open::beside;
use crate::model::observation::{Observation, Observed};
use crate::model::record::Record;

/// The longest piece, bytes.
const MOST: u64 = 256 << 10;
/// How a piece that is whole ends in its name, and one that is none.
const WHOLE: &str = "cbor";
const REFUSED: &str = "refused";

/// The folder of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    folder: PathBuf,
}

/// A piece that waits.
#[derive(Debug)]
pub struct Piece {
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub content: Content,
}

/// What a file of the folder holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Rows of the log.
    Rows(Vec<Record>),
    /// No piece, and why: it never will be one.
    Nothing(String),
    /// It cannot be read now, and why.
    Unread(String),
}

impl Outbox {
    /// That of the cache at `path`.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { folder: beside(path, ".outbox") }
    }

    /// Its folder; there once something was put in, or its owner looked.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, for its user only.
    ///
    /// # Errors
    /// Those of the disk; a folder of somebody else's.
    pub fn make(&self) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => self.check(),
        }
    }

    /// Makes sure that nobody else writes to the folder.
    fn check(&self) -> io::Result<()> {
        let found = fs::symlink_metadata(&self.folder)?;
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it is no folder of this user's: move it away"));
        }
        if found.mode() & 0o077 != 0 {
            fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Leaves records for the owner. They outlive this process from here on.
    ///
    /// # Errors
    /// Those of the disk; records that are longer than a piece may be.
    pub fn put(&self, records: &[Record]) -> io::Result<()> {
        let bytes = minicbor::to_vec(records).map_err(io::Error::other)?;
        if bytes.len() as u64 > MOST {
            return Err(io::Error::other(format!("{} bytes are more than the {MOST} of a piece", bytes.len())));
        }
        self.make()?;
        // Their names are in the order of time.
        let name = uuid::Uuid::now_v7().to_string();
        let part = self.folder.join(format!("{name}.part"));
        let written =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).and_then(|mut file| {
                file.write_all(&bytes)?;
                fs::rename(&part, self.folder.join(name).with_extension(WHOLE))
            });
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    /// Files of pieces that wait, the oldest first; none where there is no folder.
    ///
    /// # Errors
    /// Those of the disk; a folder of somebody else's.
    pub fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        self.files(WHOLE)
    }

    /// Files that were no pieces, and are kept for whoever wants to know why.
    ///
    /// # Errors
    /// As [`Outbox::waiting`].
    pub fn refused(&self) -> io::Result<Vec<PathBuf>> {
        self.files(REFUSED)
    }

    fn files(&self, ending: &str) -> io::Result<Vec<PathBuf>> {
        match self.check() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            checked => checked?,
        }
        let mut out = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ext| ext == ending) {
                out.push(path);
            }
        }
        out.sort_unstable();
        Ok(out)
    }

    /// The pieces that wait, the oldest first, but for those `told` already: at most `most` that can be
    /// read, and those among them that cannot.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn pieces(&self, most: usize, told: &HashSet<PathBuf>) -> io::Result<Vec<Piece>> {
        let (mut out, mut room) = (Vec::new(), most);
        for path in self.waiting()?.into_iter().filter(|path| !told.contains(path)) {
            if room == 0 {
                break;
            }
            let content = read(&path);
            room -= usize::from(!matches!(content, Content::Unread(_)));
            out.push(Piece { path, content });
        }
        Ok(out)
    }
}

impl Piece {
    /// Has been journalled.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn done(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Is none: put aside under another name, so that it is looked at once and kept.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn refuse(&self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension(REFUSED))
    }
}

/// Whether a file is a piece, by its name.
#[must_use]
pub fn is_piece(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == WHOLE)
}

/// Reads a piece: rows of the log and nothing else, since nobody without the cache may fold anything.
fn read(path: &Path) -> Content {
    let bytes = match bytes_of(path) {
        Ok(bytes) if bytes.len() as u64 > MOST => return Content::Nothing(format!("it is longer than {MOST} bytes")),
        Ok(bytes) => bytes,
        Err(e) => return Content::Unread(e.to_string()),
    };
    let call = |record: &Record| matches!(record, Record::Observed(Observed { what: Observation::Call(_), .. }));
    match minicbor::decode::<Vec<Record>>(&bytes) {
        Ok(records) if records.iter().all(call) => Content::Rows(records),
        Ok(_) => Content::Nothing("it holds more than rows of the log".to_owned()),
        Err(e) => Content::Nothing(format!("it is no piece of records: {e}")),
    }
}

/// The bytes of a file that is one: a pipe would be waited for.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::ids::AlarmKey;
    use crate::model::observation::CallRecord;
    use crate::model::record::{Timer, TimerKind};
    use crate::model::time::Ts;

    fn row(status: &str) -> Record {
        let what = Observation::Call(CallRecord { status: status.into(), ..CallRecord::default() });
        Record::Observed(Observed { source: "kvm".into(), at: Ts(7), origin: None, what })
    }

    fn outbox() -> (tempfile::TempDir, Outbox) {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::of(&folder.path().join("cache.db"));
        (folder, outbox)
    }

    #[test]
    fn pieces_come_in_the_order_they_were_left_and_are_their_users_only() {
        let (_folder, outbox) = outbox();
        assert!(outbox.waiting().unwrap().is_empty(), "no folder is nothing that waits");
        for status in ["one", "two", "three"] {
            outbox.put(&[row(status)]).unwrap();
        }
        let pieces = outbox.pieces(2, &HashSet::new()).unwrap();
        let said = |pieces: &[Piece]| pieces.iter().map(|piece| piece.content.clone()).collect::<Vec<_>>();
        assert_eq!(said(&pieces), ["one", "two"].map(|status| Content::Rows(vec![row(status)])));
        let told = HashSet::from([pieces[0].path.clone()]);
        assert_eq!(said(&outbox.pieces(1, &told).unwrap()), [Content::Rows(vec![row("two")])]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(outbox.folder()), mode(&pieces[0].path)), (0o700, 0o600));
        for piece in &pieces {
            piece.done().unwrap();
        }
        assert_eq!(outbox.waiting().unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_piece_is_looked_at_once_and_kept() {
        let (_folder, outbox) = outbox();
        outbox.make().unwrap();
        let key = AlarmKey([0; 16]);
        let timer = Record::Timer(Timer { at: Ts(1), key, what: TimerKind::Purge });
        outbox.put(&[row("good"), timer]).unwrap();
        fs::write(outbox.folder().join("a.cbor"), b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
        fs::write(outbox.folder().join("b.cbor"), vec![0; (MOST + 1) as usize]).unwrap();
        fs::write(outbox.folder().join("2.part"), b"half").unwrap();
        let pieces = outbox.pieces(9, &HashSet::new()).unwrap();
        assert_eq!(pieces.len(), 3, "{pieces:?}");
        for (piece, words) in pieces.iter().zip(["more than rows of the log", "no piece of records", "longer than"]) {
            assert!(matches!(&piece.content, Content::Nothing(why) if why.contains(words)), "{piece:?}");
        }
        for piece in &pieces {
            piece.refuse().unwrap();
        }
        assert!(outbox.waiting().unwrap().is_empty());
        assert_eq!(outbox.refused().unwrap().len(), 3, "nothing is thrown away");
    }

    #[test]
    fn a_piece_that_cannot_be_read_now_is_no_wrong_one_and_stands_in_nobodys_way() {
        let (_folder, outbox) = outbox();
        outbox.make().unwrap();
        fs::create_dir(outbox.folder().join("0.cbor")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", outbox.folder().join("00.cbor")).unwrap();
        outbox.put(&[row("good")]).unwrap();
        let pieces = outbox.pieces(1, &HashSet::new()).unwrap();
        let unread = |piece: &Piece| matches!(piece.content, Content::Unread(_));
        assert_eq!(pieces.iter().map(unread).collect::<Vec<_>>(), [true, true, false], "{pieces:?}");
    }

    #[test]
    fn a_folder_is_its_users_alone() {
        let (folder, outbox) = outbox();
        outbox.make().unwrap();
        fs::set_permissions(outbox.folder(), fs::Permissions::from_mode(0o777)).unwrap();
        outbox.put(&[row("x")]).unwrap();
        assert_eq!(fs::metadata(outbox.folder()).unwrap().mode() & 0o777, 0o700);
        fs::rename(outbox.folder(), folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), outbox.folder()).unwrap();
        assert!(outbox.put(&[row("x")]).is_err() && outbox.waiting().is_err());
    }

    #[test]
    fn what_is_too_long_or_has_no_place_is_an_error() {
        let (folder, outbox) = outbox();
        assert!(outbox.put(&[row(&"x".repeat(MOST as usize))]).is_err());
        fs::write(folder.path().join("cache.db.outbox"), b"in the way").unwrap();
        assert!(outbox.put(&[row("x")]).is_err());
        assert!(outbox.waiting().is_err());
    }
}
