//! The task that owns the jobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::job::Job;
use crate::model::job::JobId;
use crate::store::{Error, Store};
use crate::workers::source::Sources;

use super::book::Book;
use super::{Ask, Typed};

/// What outlives a restart of the task.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) sources: Sources,
    pub(super) me: String,
    asks: tokio::sync::Mutex<mpsc::UnboundedReceiver<Ask>>,
    typed: Mutex<HashMap<JobId, Typed>>,
}

impl Shared {
    pub(super) fn new(store: Store, sources: Sources, me: String, asks: mpsc::UnboundedReceiver<Ask>) -> Self {
        Self { store, sources, me, asks: tokio::sync::Mutex::new(asks), typed: Mutex::default() }
    }

    /// Secrets that were typed, by job.
    pub(super) fn typed(&self) -> MutexGuard<'_, HashMap<JobId, Typed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's own.
pub(super) struct Runner {
    pub(super) shared: Arc<Shared>,
    pub(super) book: Book,
    refusals: mpsc::UnboundedReceiver<String>,
}

/// Runs until `stop`.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut asks = shared.asks.lock().await;
    let (sender, refusals) = mpsc::unbounded_channel();
    let book = Book::new(&shared.store, sender);
    let mut runner = Runner { shared: Arc::clone(&shared), book, refusals };
    if let Err(why) = runner.take_up().await {
        tracing::error!(%why, "the jobs cannot be read");
    }
    let (me, sources) = (&shared.me, shared.sources.len());
    tracing::info!(%me, sources, jobs = runner.book.jobs.len(), "the job runner is up");
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            ask = asks.recv() => match ask {
                Some(ask) => runner.answer(ask).await,
                None => return,
            },
            Some(why) = runner.refusals.recv() => {
                tracing::error!(%why, "the journal took no record of a job");
            }
        }
    }
}

impl Runner {
    /// Takes up the jobs that are not over.
    async fn take_up(&mut self) -> Result<(), String> {
        let store = self.shared.store.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = store.reader()?;
            let mut jobs = Vec::new();
            for (id, _) in reader.open_jobs()? {
                jobs.extend(reader.job(id)?);
            }
            Ok::<Vec<Job>, Error>(jobs)
        });
        let jobs = read.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        self.book.jobs = jobs.into_iter().map(|job| (job.id, job)).collect();
        Ok(())
    }

    /// A job in memory; one that is over is read back.
    pub(super) async fn job(&mut self, id: JobId) -> Result<&Job, String> {
        if !self.book.jobs.contains_key(&id) {
            let store = self.shared.store.clone();
            let read = tokio::task::spawn_blocking(move || store.reader()?.job(id));
            let found = read.await.map_err(|e| e.to_string())?.map_err(|e: Error| e.to_string())?;
            let job = found.ok_or_else(|| format!("there is no job {id}"))?;
            self.book.jobs.insert(id, job);
        }
        self.book.jobs.get(&id).ok_or_else(|| format!("there is no job {id}"))
    }
}
