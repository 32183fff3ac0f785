//! What processes that do not own the cache have to tell the journal: each piece waits as a file in a
//! folder beside the cache until the owner has journalled it.
//!
//! A console follows an agent that owns the cache, or stands alone while nobody does (`noctule console`);
//! who opened which machine's console, and who typed there, must be in the journal all the same. A file
//! is moved into place whole, outlives a kill of whoever wrote it, and needs nobody to be there. The owner
//! reads it, journals it, and removes it after the COMMIT: if it dies between those two its successor
//! journals the piece again, since a row told twice is better than none.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::open::beside;
use crate::model::observation::{Observation, Observed};
use crate::model::record::Record;

/// The longest piece, bytes.
const MOST: u64 = 256 << 10;
/// How a piece that is whole ends in its name.
const WHOLE: &str = "cbor";

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
    /// What it says; why it cannot be read.
    pub records: Result<Vec<Record>, String>,
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
    /// Those of the disk.
    pub fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
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
    /// Those of the disk.
    pub fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let folder = match fs::read_dir(&self.folder) {
            Ok(folder) => folder,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut out = Vec::new();
        for entry in folder {
            let path = entry?.path();
            if is_piece(&path) {
                out.push(path);
            }
        }
        out.sort_unstable();
        Ok(out)
    }

    /// The pieces that wait, the oldest first, at most `most` of them.
    ///
    /// # Errors
    /// When the folder cannot be read; a piece that cannot be read says so itself.
    pub fn pieces(&self, most: usize) -> io::Result<Vec<Piece>> {
        let read = |path: PathBuf| Piece { records: read(&path), path };
        Ok(self.waiting()?.into_iter().take(most).map(read).collect())
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
        fs::rename(&self.path, self.path.with_extension("refused"))
    }
}

/// Whether a file is a piece, by its name.
#[must_use]
pub fn is_piece(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == WHOLE)
}

/// Reads a piece: rows of the log and nothing else, since nobody without the cache may fold anything.
fn read(path: &Path) -> Result<Vec<Record>, String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MOST {
        return Err(format!("it is longer than {MOST} bytes"));
    }
    let records: Vec<Record> = minicbor::decode(&bytes).map_err(|e| format!("it is no piece of records: {e}"))?;
    let call = |record: &Record| matches!(record, Record::Observed(Observed { what: Observation::Call(_), .. }));
    if records.iter().all(call) { Ok(records) } else { Err("it holds more than rows of the log".to_owned()) }
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
        let what = Observation::Call(CallRecord {
            call: "console.share".into(),
            target: String::new(),
            status: status.into(),
            error: String::new(),
            duration_us: 0,
            tries: 1,
            actor: "anna".into(),
            bytes: 0,
        });
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
        let pieces = outbox.pieces(2).unwrap();
        let records: Vec<_> = pieces.iter().map(|piece| piece.records.clone().unwrap()).collect();
        assert_eq!(records, [vec![row("one")], vec![row("two")]]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(outbox.folder()), mode(&pieces[0].path)), (0o700, 0o600));
        for piece in &pieces {
            piece.done().unwrap();
        }
        assert_eq!(outbox.pieces(9).unwrap().len(), 1);
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
        let pieces = outbox.pieces(9).unwrap();
        let why: Vec<_> = pieces.iter().map(|piece| piece.records.clone().unwrap_err()).collect();
        assert_eq!(why.len(), 3, "{why:?}");
        for (why, words) in why.iter().zip(["more than rows of the log", "no piece of records", "longer than"]) {
            assert!(why.contains(words), "{why}");
        }
        for piece in &pieces {
            piece.refuse().unwrap();
        }
        assert!(outbox.waiting().unwrap().is_empty());
        assert_eq!(fs::read_dir(outbox.folder()).unwrap().count(), 4, "nothing is thrown away");
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
