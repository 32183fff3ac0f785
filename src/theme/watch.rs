//! Loads the theme again when a file in the user's themes folder changes, so that a theme can be
//! written with the dashboard open beside the editor.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::Watcher as _;

use super::degrade::Depth;
use super::{Error, Theme, load};

/// Editors write a file in several steps; the theme is read once they have been quiet this long.
const QUIET: Duration = Duration::from_millis(120);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    // Dropping the watcher closes the channel, which ends the thread.
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// Watches `user_dir` and hands the theme `name` to `changed` each time a theme file there
    /// was written, or what is wrong with it. `changed` is called on a thread of its own.
    ///
    /// # Errors
    /// The folder is missing or cannot be watched.
    pub fn start(
        name: &str,
        user_dir: &Path,
        depth: Depth,
        changed: impl FnMut(Result<Theme, Error>) + Send + 'static,
    ) -> Result<Self, Error> {
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
        let (name, dir) = (name.to_owned(), user_dir.to_owned());
        std::thread::Builder::new()
            .name("theme-watch".into())
            .spawn(move || reload_loop(&rx, &name, &dir, depth, changed))
            .map_err(|e| unwatchable(e.to_string()))?;
        Ok(Self { _watcher: watcher })
    }
}

fn concerns_themes(event: &notify::Event) -> bool {
    !event.kind.is_access() && event.paths.iter().any(|p| load::theme_name(p).is_some())
}

fn reload_loop(
    rx: &mpsc::Receiver<()>,
    name: &str,
    dir: &Path,
    depth: Depth,
    mut changed: impl FnMut(Result<Theme, Error>),
) {
    let mut last = None;
    while rx.recv().is_ok() {
        while rx.recv_timeout(QUIET).is_ok() {}
        let now = load::load(name, Some(dir), depth);
        if last.as_ref() != Some(&now) {
            changed(now.clone());
            last = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Token;
    use ratatui::style::Color;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_written_theme_arrives_and_so_does_its_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mine.toml");
        std::fs::write(&file, "inherits = \"default\"\n").unwrap();
        let (tx, rx) = mpsc::channel();
        let watch = Watch::start("mine", dir.path(), Depth::True, move |r| drop(tx.send(r))).unwrap();

        std::fs::write(&file, "inherits = \"default\"\n[tokens]\ntitle = \"#010203\"\n").unwrap();
        let theme = rx.recv_timeout(PATIENCE).unwrap().unwrap();
        assert_eq!(theme.style(Token::Title).fg, Some(Color::Rgb(1, 2, 3)));

        std::fs::write(&file, "[tokens]\ntitel = \"red\"\n").unwrap();
        let error = rx.recv_timeout(PATIENCE).unwrap().unwrap_err().to_string();
        assert!(error.contains("mine.toml:2:1"), "{error}");
        drop(watch);
        assert!(rx.recv_timeout(PATIENCE).is_err(), "the thread ends with the watch");
    }

    #[test]
    fn a_missing_folder_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("no-such");
        let error = Watch::start("default", &gone, Depth::True, drop).unwrap_err();
        assert!(matches!(error, Error::Unwatchable { .. }), "{error}");
    }
}
