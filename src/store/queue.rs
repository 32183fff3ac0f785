//! What waits to be written, and who waits for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Error;
use super::journal::Ticket;
use super::measure::Measured;
use crate::model::ids::Seq;
use crate::model::job::{DeviceEvent, JobEvent};
use crate::model::observation::Observation;
use crate::model::record::Record;

/// Records that may wait; beyond it, tickets fail at once (about 256 MB).
pub(crate) const LIMIT: usize = 500_000;
/// Records of one batch.
pub(crate) const BATCH: usize = 20_000;
/// Pause between the starts of two batches under load; half of the promised 100 ms.
const PACE: Duration = Duration::from_millis(50);
/// Records that are worth a batch of their own: what so many came with is not held back by the pace,
/// which would have whoever fills the cache from a long list wait for it after every piece.
const EAGER: usize = 1_000;
/// How long a measurement waits for others.
const GATHER: Duration = Duration::from_millis(250);

/// Records that were queued together.
pub(crate) struct Pending {
    pub records: Vec<(Record, Vec<u8>)>,
    pub ticket: Option<oneshot::Sender<Result<Seq, Error>>>,
}

/// What the writer is woken for.
pub(crate) enum Work {
    /// Records, notes and measurements to write.
    Batch(Vec<Pending>, Vec<(String, String)>, Vec<Measured>),
    /// Nothing for a while.
    Idle,
    /// The store is closing and everything is written.
    Close,
}

#[derive(Default)]
struct Waiting {
    pending: VecDeque<Pending>,
    notes: Vec<(String, String)>,
    measured: Vec<Measured>,
    /// When the oldest of them came.
    measured_at: Option<Instant>,
    records: usize,
    urgent: bool,
    closing: bool,
    dead: bool,
    /// Stands for a full disk in tests: pages the file may have.
    #[cfg(test)]
    page_limit: Option<u32>,
}

/// The queue between everybody and the writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    backlog: AtomicUsize,
    last: AtomicI64,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues records. Encoding happens here, on the caller's thread.
    pub(crate) fn push(&self, records: Vec<Record>) -> Ticket {
        let urgent = records.iter().any(is_urgent);
        let records: Vec<(Record, Vec<u8>)> = records
            .into_iter()
            .map(|record| {
                let payload = minicbor::to_vec(&record).unwrap_or_default();
                (record, payload)
            })
            .collect();
        let (sender, ticket) = Ticket::new();
        let mut waiting = self.lock();
        if waiting.closing || waiting.dead {
            return Ticket::failed(Error::Closed);
        }
        if self.backlog.load(Ordering::Relaxed) + records.len() > LIMIT && waiting.records > 0 {
            return Ticket::failed(Error::Backlog { limit: LIMIT });
        }
        self.backlog.fetch_add(records.len(), Ordering::Relaxed);
        waiting.records += records.len();
        waiting.urgent |= urgent;
        waiting.pending.push_back(Pending { records, ticket: Some(sender) });
        drop(waiting);
        self.wake.notify_one();
        ticket
    }

    /// Queues a note of the user interface.
    pub(crate) fn note(&self, key: &str, value: &str) {
        self.lock().notes.push((key.to_owned(), value.to_owned()));
        self.wake.notify_one();
    }

    /// Queues what was measured of an appliance.
    pub(crate) fn measured(&self, measured: Measured) {
        let mut waiting = self.lock();
        if waiting.closing || waiting.dead {
            return;
        }
        let first = waiting.measured.is_empty();
        if first {
            waiting.measured_at = Some(Instant::now());
        }
        waiting.measured.push(measured);
        drop(waiting);
        // The others travel with it.
        if first {
            self.wake.notify_one();
        }
    }

    #[cfg(test)]
    pub(crate) fn limit_pages(&self, limit: u32) {
        self.lock().page_limit = Some(limit);
    }

    #[cfg(test)]
    pub(crate) fn take_page_limit(&self) -> Option<u32> {
        self.lock().page_limit.take()
    }

    /// A note that waits to be written.
    pub(crate) fn waiting_note(&self, key: &str) -> Option<String> {
        self.lock().notes.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.clone())
    }

    /// Asks the writer to write what waits and to end.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    /// The writer is gone: what waits fails.
    pub(crate) fn abandon(&self, error: &Error) {
        let mut waiting = self.lock();
        waiting.dead = true;
        for pending in waiting.pending.drain(..) {
            if let Some(ticket) = pending.ticket {
                let _ = ticket.send(Err(error.clone()));
            }
        }
        waiting.records = 0;
        self.backlog.store(0, Ordering::Relaxed);
    }

    /// Records queued or being written.
    pub(crate) fn backlog(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Newest committed record.
    pub(crate) fn last(&self) -> Seq {
        Seq(self.last.load(Ordering::Acquire))
    }

    /// Tells everybody that records up to `seq` are committed.
    pub(crate) fn committed(&self, seq: Seq, records: usize) {
        self.last.store(seq.0, Ordering::Release);
        self.backlog.fetch_sub(records, Ordering::Relaxed);
    }

    /// Whether more waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().pending.is_empty()
    }

    /// Waits for work. `since` is when the last batch began: under load batches are spaced, so that
    /// each writes many changes of a row once; alone, a record is written at once.
    pub(crate) fn next(&self, since: Option<Instant>, idle_after: Option<Duration>) -> Work {
        let mut waiting = self.lock();
        loop {
            let has_records = !waiting.pending.is_empty() || !waiting.notes.is_empty();
            let has_work = has_records || !waiting.measured.is_empty();
            let pause = since.map_or(Duration::ZERO, |t| PACE.saturating_sub(t.elapsed()));
            // Measurements alone wait for each other: one transaction serves many appliances.
            let gather = waiting.measured_at.map_or(GATHER, |t| GATHER.saturating_sub(t.elapsed()));
            let pause = if has_records { pause } else { pause.max(gather) };
            if has_work && (pause.is_zero() || waiting.urgent || waiting.closing || waiting.records >= EAGER) {
                return take(&mut waiting);
            }
            if waiting.closing && !has_work {
                return Work::Close;
            }
            let limit = if has_work { Some(pause) } else { idle_after };
            match limit {
                Some(limit) => {
                    let (guard, timeout) =
                        self.wake.wait_timeout(waiting, limit).unwrap_or_else(PoisonError::into_inner);
                    waiting = guard;
                    let empty = waiting.pending.is_empty() && waiting.notes.is_empty() && waiting.measured.is_empty();
                    if timeout.timed_out() && !has_work && empty {
                        return if waiting.closing { Work::Close } else { Work::Idle };
                    }
                }
                None => waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Waits before trying again after a failure; ends early when the store closes.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let waiting = self.lock();
        let (waiting, _) =
            self.wake.wait_timeout_while(waiting, time, |w| !w.closing).unwrap_or_else(PoisonError::into_inner);
        waiting.closing
    }
}

fn take(waiting: &mut Waiting) -> Work {
    let mut batch = Vec::new();
    let mut records = 0;
    while let Some(next) = waiting.pending.front() {
        if records > 0 && records + next.records.len() > BATCH {
            break;
        }
        records += next.records.len();
        batch.extend(waiting.pending.pop_front());
    }
    waiting.records -= records;
    if waiting.pending.is_empty() {
        waiting.urgent = false;
    }
    waiting.measured_at = None;
    Work::Batch(batch, std::mem::take(&mut waiting.notes), std::mem::take(&mut waiting.measured))
}

/// What an operator waits for.
fn is_urgent(record: &Record) -> bool {
    match record {
        Record::Action(_) | Record::Command(_) | Record::Job(_) => true,
        Record::Observed(o) => matches!(o.what, Observation::Source(_)),
        Record::Timer(_) | Record::Inventory(_) => false,
    }
}

/// What must survive a power cut once it is acknowledged.
pub(crate) fn is_precious(record: &Record) -> bool {
    match record {
        Record::Action(_) | Record::Command(_) => true,
        // A write may only be sent once nothing can take back that it was about to be.
        // What was found out since can be found out again.
        Record::Job(job) => match &job.what {
            JobEvent::Device { what, .. } => matches!(
                what,
                DeviceEvent::Before(_) | DeviceEvent::Intent | DeviceEvent::NotSent(_) | DeviceEvent::Retried
            ),
            what => !matches!(what, JobEvent::Lease { .. } | JobEvent::Waits(_)),
        },
        _ => false,
    }
}
