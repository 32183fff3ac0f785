//! Where the sockets of SSH connections are: a folder of our own that nobody else may enter, with a
//! path short enough for a Unix socket.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest path below which sockets are made. A Unix socket's path has at most 103 bytes on some
/// systems, and `ssh` makes its own first under a longer name (17 bytes more).
const MOST_BASE: usize = 60;

/// A new folder for the sockets of one connection, mode 0700, below a folder of this process.
///
/// # Errors
/// When it cannot be made, or what stands there belongs to somebody else.
pub(super) fn fresh() -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let base = base(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
    private(&base)?;
    sweep(&base);
    let own = base.join(std::process::id().to_string());
    private(&own)?;
    let folder = own.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    let _ = std::fs::remove_dir_all(&folder);
    private(&folder)?;
    Ok(folder)
}

/// Removes the folder of one connection, and that of the process when it was the last.
pub(super) fn remove(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    if let Some(own) = folder.parent() {
        let _ = std::fs::remove_dir(own);
    }
}

/// `$XDG_RUNTIME_DIR/noctule`, or, where there is none or its path is too long, `/tmp/noctule-UID`.
fn base(runtime: Option<PathBuf>) -> PathBuf {
    runtime.filter(|p| p.is_absolute() && p.as_os_str().len() <= MOST_BASE && p.is_dir()).map_or_else(
        || PathBuf::from(format!("/tmp/noctule-{}", rustix::process::getuid().as_raw())),
        |p| p.join("noctule"),
    )
}

/// Makes a folder that is ours alone, or finds that it is.
fn private(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", folder.display()))),
    }
    // Not followed: a link laid by somebody else leads elsewhere.
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() || found.mode() & 0o077 != 0 {
        let words = format!("{} is not a folder of ours alone (mode 0700)", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    Ok(())
}

/// Removes what processes left that were killed together with their watchdogs.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let pid =
            entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()).and_then(rustix::process::Pid::from_raw);
        let gone = pid.is_some_and(|p| rustix::process::test_kill_process(p) == Err(rustix::io::Errno::SRCH));
        if gone {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_not_used() {
        let long = std::env::temp_dir().join("x".repeat(80));
        assert!(base(Some(long)).starts_with("/tmp"));
        assert!(base(None).starts_with("/tmp"));
        assert!(base(Some("relative".into())).starts_with("/tmp"));
    }

    #[test]
    fn folders_of_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::DirBuilder::new().mode(0o755).create(&open).unwrap();
        assert_eq!(private(&open).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert_eq!(private(&link).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        private(&dir.path().join("new")).unwrap();
        private(&dir.path().join("new")).unwrap();
    }

    #[test]
    fn what_dead_processes_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = dir.path().join(child.id().to_string());
        child.wait().unwrap();
        let ours = dir.path().join(std::process::id().to_string());
        let other = dir.path().join("keep");
        for folder in [&dead, &ours, &other] {
            std::fs::create_dir(folder).unwrap();
        }
        sweep(dir.path());
        assert_eq!([dead.exists(), ours.exists(), other.exists()], [false, true, true]);
    }
}
