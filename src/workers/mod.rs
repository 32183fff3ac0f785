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

/// The present, our clock. The clock is read out here, at the edge: model and engine have none.
#[must_use]
pub fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

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
