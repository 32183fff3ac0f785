//! What happens when code of ours panics.
//!
//! Every panic writes a crash file. The screen is restored only when the user interface itself
//! panicked: tokio catches the panic of a task, the supervisor restarts it, and the dashboard
//! goes on drawing; a hook that left the screen then would ruin it.

use std::backtrace::Backtrace;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use super::guard;
use crate::model::text;

/// A panic in words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Crash {
    thread: String,
    location: String,
    payload: String,
    backtrace: String,
}

impl Crash {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        let payload = info.payload();
        let payload =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let payload = payload.unwrap_or("(no message)");
        Self {
            thread: std::thread::current().name().unwrap_or("unnamed").to_owned(),
            location: info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string),
            // The message may quote what a device sent.
            payload: payload.lines().map(text::clean).collect::<Vec<_>>().join("\n"),
            backtrace: Backtrace::force_capture().to_string(),
        }
    }

    fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let now = chrono::Utc::now();
        let name = format!("crash-{}-{}.txt", now.format("%Y%m%dT%H%M%S%.6fZ"), std::process::id());
        let path = folder.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "noctule {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(file, "time      {}", now.to_rfc3339())?;
        writeln!(file, "thread    {}", self.thread)?;
        writeln!(file, "location  {}", self.location)?;
        writeln!(file, "message   {}\n\n{}", self.payload, self.backtrace)?;
        Ok(path)
    }
}

/// Installs the hook. Crash files go to `crash_dir` (made when needed), mode 0600.
pub fn install_panic_hook(crash_dir: PathBuf) {
    std::panic::set_hook(Box::new(move |info| {
        let crash = Crash::of(info);
        let written = crash.write(&crash_dir);
        let (screen, ours) = guard::held();
        tracing::error!(
            thread = crash.thread,
            location = crash.location,
            file = written.as_ref().ok().map(|p| p.display().to_string()),
            "panic: {}",
            crash.payload
        );
        if screen && !ours {
            return;
        }
        // A terminal that cannot be restored is no reason not to say what happened.
        drop(guard::restore());
        drop(io::stderr().write_all(last_words(&crash, &written).as_bytes()));
    }));
}

/// What the operator reads when the dashboard is gone.
fn last_words(crash: &Crash, written: &io::Result<PathBuf>) -> String {
    let details = match written {
        Ok(path) => format!("Details are in {}.", path.display()),
        Err(e) => format!("No crash file could be written: {e}."),
    };
    format!(
        "noctule: internal error at {}: {}\nNothing that was acknowledged is lost. {details}\n",
        crash.location, crash.payload
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn crash() -> Crash {
        Crash {
            thread: "main".into(),
            location: "src/x.rs:1:2".into(),
            payload: "it broke".into(),
            backtrace: "0: f".into(),
        }
    }

    #[test]
    fn the_crash_file_says_what_and_where_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let path = crash().write(&folder).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in [env!("CARGO_PKG_VERSION"), "src/x.rs:1:2", "it broke", "0: f", "main"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = crash().write(&folder).unwrap();
        assert_ne!(path, again);
    }

    #[test]
    fn last_words_point_to_the_file_or_say_why_there_is_none() {
        let words = last_words(&crash(), &Ok("/x/crash.txt".into()));
        assert!(words.contains("/x/crash.txt") && words.contains("it broke"), "{words}");
        let words = last_words(&crash(), &Err(io::ErrorKind::PermissionDenied.into()));
        assert!(words.contains("permission denied"), "{words}");
    }
}
