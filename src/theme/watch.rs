//! Tells when a file in the user's themes folder has changed, so that a theme can be written with the
//! dashboard open beside the editor. Which of them is in use is the kernel's to know: it may change.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::Watcher as _;

use super::{Error, load};

/// Editors write a file in several steps; the theme is read once they have been quiet this long.
const QUIET: Duration = Duration::from_millis(120);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    // Dropping the watcher closes the channel, which ends the thread.
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Watches `user_dir` and calls `changed`, on a thread of its own, when theme files there have
    /// been written and are quiet again.
    ///
    /// # Errors
    /// The folder is missing or cannot be watched.
    pub fn start(user_dir: &Path, changed: impl FnMut() + Send + 'static) -> Result<Self, Error> {
        let unwatchable = |reason: String| Error::Unwatchable { path: user_dir.to_owned(), reason };
        let (tx, rx) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|e| concerns_themes(&e)) {
                // A closed channel means that the watch is being dropped.
                let _ = tx.send(());
            }
        })
        .map_err(|e| unwatchable(e.to_string()))?;
        watcher.watch(user_dir, notify::RecursiveMode::NonRecursive).map_err(|e| unwatchable(e.to_string()))?;
        std::thread::Builder::new()
            .name("theme-watch".into())
            .spawn(move || tell(&rx, changed))
            .map_err(|e| unwatchable(e.to_string()))?;
        Ok(Self { _watcher: watcher })
    }
}

fn concerns_themes(event: &notify::Event) -> bool {
    !event.kind.is_access() && event.paths.iter().any(|p| load::theme_name(p).is_some())
}

fn tell(rx: &mpsc::Receiver<()>, mut changed: impl FnMut()) {
    while rx.recv().is_ok() {
        while rx.recv_timeout(QUIET).is_ok() {}
        changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_written_theme_is_told_and_other_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (tx, rx) = mpsc::channel();
        let watch = Watch::start(dir.path(), move || {
            let _ = tx.send(());
        })
        .unwrap();
        std::fs::write(dir.path().join("mine.toml"), "inherits = \"default\"\n").unwrap();
        rx.recv_timeout(PATIENCE).unwrap();
        let about = |name: &str| {
            let kind = notify::EventKind::Create(notify::event::CreateKind::File);
            concerns_themes(&notify::Event::new(kind).add_path(dir.path().join(name)))
        };
        assert!(about("other.toml") && !about("notes.txt") && !about("mine.toml~"));
        drop(watch);
        assert!(rx.recv_timeout(PATIENCE).is_err(), "the thread ends with the watch");
    }

    #[test]
    fn a_missing_folder_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("no-such");
        let error = Watch::start(&gone, || {}).unwrap_err();
        assert!(matches!(error, Error::Unwatchable { .. }), "{error}");
    }
}
