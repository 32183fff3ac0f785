//! Polling one source: its rhythm, who waits for a poll, what a long list journals while it is read.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Watched;
use crate::model::observation::Observation;
use crate::workers::source::Durable;
use crate::workers::supervisor::Supervisor;

/// What polls one source.
pub(in crate::workers) trait Polling: Send + 'static {
    /// The source.
    fn watched(&self) -> &Watched;

    /// One poll; `asked`: somebody waits for what becomes of it.
    fn poll(&mut self, asked: bool) -> impl Future<Output = Result<(), String>> + Send;

    /// How long to wait after a poll that took so long.
    fn pause(&self, took: Duration) -> Duration;

    /// How long the first poll waits for its turn.
    fn turn(&self) -> Duration {
        Duration::ZERO
    }
}

/// Keeps a source polled for as long as the supervisor runs; `make` is called for every start.
pub(in crate::workers) fn spawn<P: Polling>(
    supervisor: &Supervisor,
    source: &str,
    make: impl Fn() -> P + Send + 'static,
) {
    let stop = supervisor.stopping();
    supervisor.spawn(format!("poll {source}"), move || run(make(), stop.clone()));
}

/// Polls until `stop`: in its rhythm, at once when somebody asks, and not while the source is paused.
async fn run(mut poller: impl Polling, stop: CancellationToken) {
    let mut paused = poller.watched().paused.subscribe();
    drop(poller.watched().report(true));
    tokio::select! {
        () = stop.cancelled() => return,
        () = poller.watched().wake.notified() => {}
        () = tokio::time::sleep(poller.turn()) => {}
    }
    loop {
        if *paused.borrow_and_update() {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = paused.changed() => continue,
            }
        }
        let began = Instant::now();
        // Who asks while a poll runs is served by the next one: this one may have passed by.
        let asked = std::mem::take(&mut *poller.watched().waiting());
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = poller.poll(!asked.is_empty()) => outcome,
        };
        for waiting in asked {
            let _ = waiting.send(outcome.clone());
        }
        let pause = poller.pause(began.elapsed());
        tokio::select! {
            () = stop.cancelled() => return,
            () = poller.watched().wake.notified() => {}
            _ = paused.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What a list journals while it is read, batch by batch: one is written while the next one is read.
#[derive(Default)]
pub(in crate::workers) struct Writing {
    under_way: Option<Durable>,
}

impl Writing {
    /// Journals a batch, and waits for the one before: that keeps a long list from filling the memory.
    pub(in crate::workers) async fn add(&mut self, source: &Watched, batch: Vec<Observation>) -> Result<(), String> {
        let before = match source.journal(batch) {
            Some(written) => self.under_way.replace(written),
            None => None,
        };
        match before {
            Some(written) => written.await,
            None => Ok(()),
        }
    }

    /// Waits until all of it is written.
    pub(in crate::workers) async fn end(&mut self) -> Result<(), String> {
        match self.under_way.take() {
            Some(written) => written.await,
            None => Ok(()),
        }
    }
}
