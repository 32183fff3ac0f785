//! A file that begins anew when it is full. The stock appenders create files with the umask's
//! mode; a log of an operator's console is nobody else's business.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Appends to `path`; at `max` bytes moves it to `path.1`, that to `path.2`, up to `keep`.
#[derive(Debug)]
pub(super) struct Rolling {
    path: PathBuf,
    max: u64,
    keep: usize,
    file: File,
    size: u64,
}

impl Rolling {
    /// Opens the file, creating its folder (0700) and itself (0600).
    pub(super) fn open(path: PathBuf, max: u64, keep: usize) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let (file, size) = append_to(&path)?;
        Ok(Self { path, max, keep, file, size })
    }

    fn numbered(&self, n: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    }

    fn roll(&mut self) -> io::Result<()> {
        for n in (1..self.keep).rev() {
            match std::fs::rename(self.numbered(n), self.numbered(n + 1)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        std::fs::rename(&self.path, self.numbered(1))?;
        (self.file, self.size) = append_to(&self.path)?;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let meta = file.metadata()?;
    if meta.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok((file, meta.len()))
}

impl Write for Rolling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size > 0 && self.size + bytes.len() as u64 > self.max {
            // A file that cannot be moved away goes on growing: better than a lost line.
            let _ = self.roll();
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolls_and_keeps_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/x.log");
        let mut log = Rolling::open(path.clone(), 10, 2).unwrap();
        for line in ["first--\n", "second-\n", "third--\n", "fourth-\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |p: PathBuf| std::fs::read_to_string(p).unwrap();
        assert_eq!(read(path.clone()), "fourth-\n");
        assert_eq!(read(log.numbered(1)), "third--\n");
        assert_eq!(read(log.numbered(2)), "second-\n");
        assert!(!log.numbered(3).exists(), "only two older ones are kept");
        for p in [path, log.numbered(1)] {
            assert_eq!(std::fs::metadata(p).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
