//! The way into the journal: a queue that never blocks, and tickets that resolve after COMMIT.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Error, Inner, refold};
use crate::model::ids::Seq;
use crate::model::record::{Entry, Record};

/// An append-only journal. Kept this narrow so that a team's shared stream can stand in for the
/// embedded one.
pub trait Journal: Send + Sync {
    /// Queues records, in order. Never blocks. The ticket may be dropped by those who need no
    /// acknowledgement.
    fn append(&self, records: Vec<Record>) -> Ticket;

    /// Records queued and not yet committed.
    fn backlog(&self) -> usize;

    /// Records after a place, at most `limit`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, Error>;

    /// The place of the newest committed record.
    fn last(&self) -> Seq;
}

/// Resolves when the records it stands for are journalled and folded.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Seq, Error>>);

impl Ticket {
    pub(crate) fn new() -> (oneshot::Sender<Result<Seq, Error>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Whether the records were not even taken, so that nothing of them will be written.
    pub(crate) fn refused(&mut self) -> bool {
        match self.0.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => false,
            Ok(Ok(seq)) => {
                let (sender, written) = Self::new();
                let _ = sender.send(Ok(seq));
                *self = written;
                false
            }
            Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => true,
        }
    }

    /// A ticket that has failed already.
    pub(crate) fn failed(error: Error) -> Self {
        let (sender, ticket) = Self::new();
        let _ = sender.send(Err(error));
        ticket
    }

    /// Waits for the COMMIT; the place of the last of the records.
    ///
    /// # Errors
    /// When the records were not taken or the store was closed before they were written.
    pub async fn durable(self) -> Result<Seq, Error> {
        self.0.await.unwrap_or(Err(Error::Closed))
    }

    /// The same for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Ticket::durable`].
    pub fn wait(self) -> Result<Seq, Error> {
        self.0.blocking_recv().unwrap_or(Err(Error::Closed))
    }
}

/// The embedded journal.
pub(crate) struct Embedded {
    pub(crate) store: Arc<Inner>,
}

impl Journal for Embedded {
    fn append(&self, records: Vec<Record>) -> Ticket {
        match &self.store.queue {
            Some(queue) => queue.push(records),
            None => Ticket::failed(Error::ReadOnly { pid: self.store.owner_pid }),
        }
    }

    fn backlog(&self) -> usize {
        self.store.queue.as_ref().map_or(0, |q| q.backlog())
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, Error> {
        self.store.with_reader(|conn, path| refold::read(conn, path, after, limit))
    }

    fn last(&self) -> Seq {
        match &self.store.queue {
            Some(queue) => queue.last(),
            None => self.store.snapshots.borrow().counts.seq,
        }
    }
}
