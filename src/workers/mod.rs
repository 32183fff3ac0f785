//! What runs beside the screen: supervisor, pollers, streams, the executor of commands.

mod acs;
pub mod actions;
pub mod appliance;
pub mod asks;
pub mod bridge;
mod cache;
mod console;
pub mod cpe_verb;
pub mod diag;
pub mod export;
#[cfg(test)]
mod fixture;
pub mod inventory;
pub mod job_verb;
pub mod jobs;
pub mod outbox;
pub mod plan;
pub mod pm;
mod prometheus;
mod raven;
pub mod relay;
pub mod report;
pub mod resolve;
pub mod restart;
pub mod rows;
pub mod silences;
pub mod source;
pub mod stored;
pub mod supervisor;
pub mod targets;
pub mod timers;
pub mod verb;
pub mod vms;
mod watched;

use crate::model::time::Ts;

/// A lock that a panic elsewhere does not take away: what it guards is replaced piece by piece and
/// every piece stands for itself.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Watches a folder for changes of files in it that `ours` names, and tells of each.
fn watch(
    folder: &std::path::Path,
    ours: impl Fn(&std::path::Path) -> bool + Send + 'static,
    tell: impl Fn() + Send + 'static,
) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is an access, and no change.
        if event.is_ok_and(|e| !e.kind.is_access() && e.paths.iter().any(|path| ours(path))) {
            tell();
        }
    })?;
    notify::Watcher::watch(&mut watcher, folder, notify::RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Runs what blocks (the cache, a secret, a file) away from the tasks; it begins at once. When the runtime
/// ends under it, nothing is returned: the end of a process is no outcome of the work, and nobody may tell
/// it, or even journal it, as a failure.
///
/// # Errors
/// In words when the work panicked.
pub(crate) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, String>> + Send {
    let working = tokio::task::spawn_blocking(work);
    async move {
        match working.await {
            Ok(done) => Ok(done),
            Err(ended) if ended.is_cancelled() => std::future::pending().await,
            Err(panicked) => Err(panicked.to_string()),
        }
    }
}

/// Bytes of a text that a command is given in a file at most.
const LONGEST_TEXT: u64 = 4 << 20;

/// The text of a file that a command names: a job's request, a script, a machine's definition. Blocks.
///
/// # Errors
/// In words, with the file's name: it cannot be read, is no text, or is longer than such a text is.
pub(crate) fn text_of(path: &std::path::Path) -> Result<String, String> {
    use std::io::Read as _;
    let words = |why: &dyn std::fmt::Display| format!("{}: {why}", crate::model::text::clean(&path.to_string_lossy()));
    let file = std::fs::File::open(path).map_err(|e| words(&e))?;
    let mut text = String::new();
    // A pipe or a device tells no length: it is never read further than this.
    let read = file.take(LONGEST_TEXT + 1).read_to_string(&mut text).map_err(|e| words(&e))?;
    if read as u64 > LONGEST_TEXT {
        return Err(words(&format_args!("longer than {} MiB", LONGEST_TEXT >> 20)));
    }
    Ok(text)
}

/// The present, our clock. The clock is read out here, at the edge: model and engine have none.
#[must_use]
pub fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    #[test]
    fn a_text_is_read_up_to_its_longest_and_says_which_file_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xml");
        let write = |bytes: &[u8]| std::fs::write(&path, bytes).expect("written");
        write(b"<domain/>");
        assert_eq!(super::text_of(&path).as_deref(), Ok("<domain/>"));
        write(&vec![b' '; usize::try_from(super::LONGEST_TEXT).unwrap_or(0) + 1]);
        assert!(super::text_of(&path).unwrap_err().contains("a.xml: longer than 4 MiB"));
        write(b"\xff\xfe");
        assert!(super::text_of(&path).unwrap_err().contains("a.xml: "));
        assert!(super::text_of(folder.path()).unwrap_err().contains("directory"));
    }

    #[test]
    fn work_whose_runtime_ended_has_no_outcome_to_tell() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let panicked = runtime.block_on(async { super::blocking(|| panic!("on purpose")).await });
        assert!(panicked.is_err_and(|why: String| why.contains("panicked")));
        assert_eq!(runtime.block_on(async { super::blocking(|| 7).await }), Ok(7));
        let gone = runtime.handle().clone();
        runtime.shutdown_background();
        let _guard = gone.enter();
        assert_eq!(super::blocking(|| 7).now_or_never(), None);
    }
}
