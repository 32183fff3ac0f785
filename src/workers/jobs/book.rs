//! The jobs in memory and the journal, written together: whatever is journalled is folded into the
//! job at the same moment, in the same order.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::engine::job::Job;
use crate::model::job::{JobEvent, JobId, JobRecord};
use crate::model::record::Record;
use crate::model::text;
use crate::store::{Journal, Store};
use crate::workers::now;

/// Resolves once records are on disk; the error in words.
pub(super) type Kept = oneshot::Receiver<Result<(), String>>;

/// Waits for records to be on disk.
pub(super) async fn kept(kept: Kept) -> Result<(), String> {
    kept.await.unwrap_or_else(|_| Err("the journal has ended".to_owned()))
}

/// The jobs.
pub(super) struct Book {
    journal: Arc<dyn Journal>,
    /// Told what the journal refused: memory is ahead of it then.
    refusals: mpsc::UnboundedSender<String>,
    /// Those that are not over, and those somebody asked for lately.
    pub(super) jobs: BTreeMap<JobId, Job>,
}

impl Book {
    pub(super) fn new(store: &Store, refusals: mpsc::UnboundedSender<String>) -> Self {
        Self { journal: store.journal(), refusals, jobs: BTreeMap::new() }
    }

    /// Journals events, all of them or none, and folds them.
    pub(super) fn tell(&mut self, actor: &str, events: Vec<(JobId, JobEvent)>) -> Kept {
        let at = now();
        let mut records = Vec::with_capacity(events.len());
        for (job, what) in events {
            let record = JobRecord { job, at, actor: actor.to_owned(), what };
            if matches!(record.what, JobEvent::Created(_)) {
                self.jobs.entry(job).or_insert_with(|| Job::new(job));
            }
            if let Some(job) = self.jobs.get_mut(&job) {
                // What means nothing to the job would mean nothing to the fold either.
                if !job.apply(&record) {
                    continue;
                }
            }
            records.push(Record::Job(record));
        }
        let (tell, told) = oneshot::channel();
        if records.is_empty() {
            let _ = tell.send(Ok(()));
            return told;
        }
        let ticket = self.journal.append(records);
        let refusals = self.refusals.clone();
        tokio::spawn(async move {
            let outcome = ticket.durable().await.map(|_| ()).map_err(|e| text::clean(&e.to_string()).into_owned());
            if let Err(why) = &outcome {
                let _ = refusals.send(why.clone());
            }
            let _ = tell.send(outcome);
        });
        told
    }
}
