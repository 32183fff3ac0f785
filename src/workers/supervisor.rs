//! Named tasks that come back when they die. A panic in a worker ends that worker only: the screen
//! is told ([`Msg::WorkerDown`]), the worker is started again after a pause, and one that dies
//! three times within a minute stays down, saying so.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::message::Msg;

/// Deaths within [`WINDOW`] after which a worker stays down.
const DEATHS: usize = 3;
/// The window in which deaths are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// First pause before a restart; quadruples with each death in the window.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts workers and keeps them alive. Cheap to clone; all clones are one supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor {
    runtime: Handle,
    msgs: UnboundedSender<Msg>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Supervisor {
    /// A supervisor whose workers run on `runtime` and whose news go to `msgs`.
    #[must_use]
    pub fn new(runtime: Handle, msgs: UnboundedSender<Msg>) -> Self {
        Self { runtime, msgs, stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Cancelled when everything shall end; workers watch it at every wait.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The runtime the workers run on.
    #[must_use]
    pub const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Runs a worker until it returns, until [`Supervisor::stop`], or until it has died too often.
    /// `make` is called for every start.
    pub fn spawn<F, Fut>(&self, name: impl Into<String>, mut make: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (name, msgs, stop, runtime) = (name.into(), self.msgs.clone(), self.stop.clone(), self.runtime.clone());
        let watch = async move {
            let mut deaths = Deaths::default();
            while !stop.is_cancelled() {
                let Err(death) = runtime.spawn(make()).await else { return };
                if !death.is_panic() {
                    return;
                }
                let reason = panic_text(death.into_panic().as_ref());
                let pause = deaths.count(Instant::now());
                tracing::error!(worker = %name, %reason, ?pause, "worker died");
                let restart_ms = pause.map(|p| u64::try_from(p.as_millis()).unwrap_or(u64::MAX));
                let _ = msgs.send(Msg::WorkerDown { name: name.clone(), reason, restart_ms });
                let Some(pause) = pause else { return };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        };
        self.tasks.spawn_on(watch, &self.runtime);
    }

    /// Asks every worker to end and waits for them, at most `grace`. Whether all have ended.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }
}

/// The deaths of one worker within the window.
#[derive(Debug, Default)]
struct Deaths {
    at: VecDeque<Instant>,
}

impl Deaths {
    /// Counts one; the pause before the restart, `None` when it stays down.
    fn count(&mut self, now: Instant) -> Option<Duration> {
        self.at.retain(|t| now.saturating_duration_since(*t) < WINDOW);
        self.at.push_back(now);
        let n = self.at.len();
        (n < DEATHS).then(|| PAUSE * 4_u32.pow(u32::try_from(n - 1).unwrap_or(0)))
    }
}

/// The words of a panic.
fn panic_text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked without words".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn the_third_death_in_a_minute_is_the_last() {
        let (mut deaths, t) = (Deaths::default(), Instant::now());
        assert_eq!(deaths.count(t), Some(PAUSE));
        assert_eq!(deaths.count(t + Duration::from_secs(10)), Some(4 * PAUSE));
        assert_eq!(deaths.count(t + Duration::from_secs(20)), None);
        let mut spread = Deaths::default();
        for i in 0..10 {
            assert!(spread.count(t + i * Duration::from_secs(31)).is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_told_and_the_worker_comes_back() {
        let (msgs, mut news) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(Handle::current(), msgs);
        let starts = Arc::new(AtomicU32::new(0));
        let (seen, done) = (Arc::clone(&starts), Arc::new(tokio::sync::Notify::new()));
        let finished = Arc::clone(&done);
        supervisor.spawn("poller", move || {
            let n = seen.fetch_add(1, Ordering::SeqCst);
            let done = Arc::clone(&done);
            async move {
                assert!(n > 0, "first start fails");
                done.notify_one();
            }
        });
        finished.notified().await;
        let Some(Msg::WorkerDown { name, reason, restart_ms }) = news.recv().await else { panic!("no news") };
        assert_eq!((name.as_str(), restart_ms), ("poller", Some(250)));
        assert!(reason.contains("first start fails"), "{reason}");
        assert_eq!(starts.load(Ordering::SeqCst), 2);
        assert!(supervisor.stop(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_keeps_dying_stays_down_and_says_so() {
        let (msgs, mut news) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(Handle::current(), msgs);
        supervisor.spawn("stream", || async { panic!("again") });
        let mut pauses = Vec::new();
        for _ in 0..3 {
            let Some(Msg::WorkerDown { restart_ms, .. }) = news.recv().await else { panic!("no news") };
            pauses.push(restart_ms);
        }
        assert_eq!(pauses, [Some(250), Some(1000), None]);
        assert!(supervisor.stop(Duration::from_secs(1)).await, "nothing runs any more");
    }
}
