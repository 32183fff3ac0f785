//! The topics of a broker: bounded logs in memory that consumers can wait on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::batch::{self, Batch, BatchError, Message};

/// Records put into one batch at most: as a busy producer does.
const BATCH_RECORDS: usize = 256;

/// One partition.
#[derive(Debug, Default)]
struct Partition {
    batches: VecDeque<Batch>,
    bytes: usize,
    start: i64,
    end: i64,
    leader: i32,
}

impl Partition {
    fn push(&mut self, batch: Batch, keep: usize) {
        self.end = batch.base + batch.count;
        self.bytes += batch.bytes.len();
        self.batches.push_back(batch);
        while self.bytes > keep && self.batches.len() > 1 {
            if let Some(old) = self.batches.pop_front() {
                self.bytes -= old.bytes.len();
                self.start = old.base + old.count;
            }
        }
    }
}

/// What a consumer got from one partition.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// No such topic or partition.
    Unknown,
    /// Another broker leads it.
    NotLeader,
    /// The offset is before the first or after the last record.
    OutOfRange { end: i64 },
    /// Batches, perhaps none yet.
    Batches { end: i64, batches: Vec<Bytes> },
}

/// All topics of a cluster.
#[derive(Debug)]
pub(crate) struct Topics {
    inner: Mutex<BTreeMap<String, Vec<Partition>>>,
    grown: Arc<Notify>,
    keep: usize,
}

impl Topics {
    /// `keep` bytes a partition are kept at most.
    pub(crate) fn new(keep: usize) -> Self {
        Self { inner: Mutex::default(), grown: Arc::new(Notify::new()), keep }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Partition>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes when something was appended.
    pub(crate) fn grown(&self) -> Arc<Notify> {
        Arc::clone(&self.grown)
    }

    /// Creates a topic; false when it exists.
    pub(crate) fn create(&self, topic: &str, partitions: usize) -> bool {
        let mut topics = self.lock();
        if topics.contains_key(topic) {
            return false;
        }
        let partitions = (0..partitions.clamp(1, 64)).map(|_| Partition::default()).collect();
        topics.insert(topic.to_owned(), partitions);
        true
    }

    /// Drops a topic and all it holds.
    pub(crate) fn remove(&self, topic: &str) -> bool {
        let gone = self.lock().remove(topic).is_some();
        self.grown.notify_waiters();
        gone
    }

    /// Names and, for each partition, the leader.
    pub(crate) fn describe(&self) -> Vec<(String, Vec<i32>)> {
        self.lock().iter().map(|(name, parts)| (name.clone(), parts.iter().map(|p| p.leader).collect())).collect()
    }

    /// Makes a broker the leader of a partition.
    pub(crate) fn lead(&self, topic: &str, partition: usize, leader: i32) {
        if let Some(p) = self.lock().get_mut(topic).and_then(|parts| parts.get_mut(partition)) {
            p.leader = leader;
        }
        self.grown.notify_waiters();
    }

    /// Appends messages of this process; returns the offset of the first, `None` without such a partition.
    pub(crate) fn append(&self, topic: &str, partition: usize, messages: &[Message]) -> Option<i64> {
        let keep = self.keep;
        let mut topics = self.lock();
        let p = topics.get_mut(topic)?.get_mut(partition)?;
        let first = p.end;
        for chunk in messages.chunks(BATCH_RECORDS) {
            let batch = batch::encode(p.end, chunk);
            p.push(batch, keep);
        }
        drop(topics);
        self.grown.notify_waiters();
        Some(first)
    }

    /// Appends what a producer sent; `Ok(None)` without such a partition or when `node` does not lead it.
    pub(crate) fn produce(
        &self,
        topic: &str,
        partition: i32,
        node: i32,
        data: Bytes,
    ) -> Result<Option<i64>, BatchError> {
        let keep = self.keep;
        let mut topics = self.lock();
        let Some(p) = usize::try_from(partition).ok().and_then(|i| topics.get_mut(topic)?.get_mut(i)) else {
            return Ok(None);
        };
        if p.leader != node {
            return Ok(None);
        }
        let first = p.end;
        for batch in batch::accept(data, first)? {
            p.push(batch, keep);
        }
        drop(topics);
        self.grown.notify_waiters();
        Ok(Some(first))
    }

    /// Batches from `offset` on up to `max` bytes, but at least one if there is one, so that a batch
    /// larger than `max` does not stop the consumer for ever; with `max` 0 none.
    pub(crate) fn fetch(&self, topic: &str, partition: i32, node: i32, offset: i64, max: usize) -> Fetched {
        let topics = self.lock();
        let Some(p) = usize::try_from(partition).ok().and_then(|i| topics.get(topic)?.get(i)) else {
            return Fetched::Unknown;
        };
        if p.leader != node {
            return Fetched::NotLeader;
        }
        if offset < p.start || offset > p.end {
            return Fetched::OutOfRange { end: p.end };
        }
        let from = p.batches.partition_point(|b| b.base + b.count <= offset);
        let mut batches = Vec::new();
        let mut size = 0;
        for batch in p.batches.range(from..) {
            if max == 0 || (!batches.is_empty() && size + batch.bytes.len() > max) {
                break;
            }
            size += batch.bytes.len();
            batches.push(batch.bytes.clone());
        }
        Fetched::Batches { end: p.end, batches }
    }

    /// Offset for a time: -1 the end, -2 the start, otherwise the batch that holds that millisecond.
    /// `None` without such a partition.
    pub(crate) fn offset_at(&self, topic: &str, partition: i32, time_ms: i64) -> Option<(i64, i64)> {
        let topics = self.lock();
        let p = topics.get(topic)?.get(usize::try_from(partition).ok()?)?;
        Some(match time_ms {
            -1 => (-1, p.end),
            -2 => (-1, p.start),
            t => p.batches.iter().find(|b| b.max_timestamp >= t).map_or((-1, -1), |b| (b.max_timestamp, b.base)),
        })
    }

    /// First and next offset of a partition.
    pub(crate) fn range(&self, topic: &str, partition: usize) -> Option<(i64, i64)> {
        let topics = self.lock();
        let p = topics.get(topic)?.get(partition)?;
        Some((p.start, p.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: usize) -> Message {
        Message { key: None, value: Bytes::from(vec![b'x'; n]), timestamp_ms: 5 }
    }

    #[test]
    fn old_batches_go_and_the_start_moves() {
        let topics = Topics::new(1_000);
        topics.create("t", 1);
        for _ in 0..20 {
            topics.append("t", 0, &[message(200)]);
        }
        let (start, end) = topics.range("t", 0).unwrap();
        assert_eq!(end, 20);
        assert!(start > 10, "{start}");
        assert!(matches!(topics.fetch("t", 0, 0, 0, 1), Fetched::OutOfRange { end: 20 }));
        assert!(matches!(topics.fetch("t", 0, 0, 20, 1), Fetched::Batches { batches, .. } if batches.is_empty()));
    }

    #[test]
    fn a_fetch_gives_at_least_one_batch() {
        let topics = Topics::new(1 << 20);
        topics.create("t", 1);
        topics.append("t", 0, &[message(100), message(100)]);
        topics.append("t", 0, &[message(100)]);
        let Fetched::Batches { batches, end } = topics.fetch("t", 0, 0, 1, 1) else { panic!("no batches") };
        assert_eq!((batches.len(), end), (1, 3), "the batch that holds offset 1");
    }
}
