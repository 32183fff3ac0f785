//! One partition, read in order of its offsets.

use std::time::Duration;

use rskafka::client::error::Error as KafkaError;
use rskafka::client::partition::{OffsetAt, PartitionClient};

use crate::model::ids::SourceName;

use super::super::error::{Call, Error, ErrorKind};
use super::words;

/// How long a broker holds an empty fetch back: an idle partition costs one wake-up in this time.
/// Short, because a broker that is gone is seen by a fetch that does not come back: rskafka tries
/// again inside the fetch and tells nobody, and what happens meanwhile is never sent again.
const LONG_POLL: Duration = Duration::from_secs(4);
/// How much longer the answer to a fetch may take.
const GRACE: Duration = Duration::from_secs(2);
/// How long the answer to a question for an offset may take.
const OFFSET: Duration = Duration::from_secs(10);
/// Bytes asked for at once; a single larger message comes whole. So few that a slow line (1 Mbit/s)
/// brings them in the time that a fetch has.
const FETCH: i32 = 512 << 10;
/// Failures to read at one offset after which it is stepped over.
const PATIENCE: u32 = 3;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place.
    pub offset: i64,
    /// Its value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Messages, in order; none when the long poll ended without any.
    Messages {
        /// The messages.
        messages: Vec<Message>,
        /// The offset the next message of the partition will have.
        end: i64,
    },
    /// The broker no longer has what comes next: messages were missed.
    Gap {
        /// The offset that was asked for.
        wanted: i64,
        /// Where reading goes on.
        next: i64,
    },
    /// Something at this offset cannot be read; it is stepped over.
    Unreadable {
        /// The offset.
        offset: i64,
        /// Why.
        reason: String,
    },
}

/// Reads one partition.
#[derive(Debug)]
pub struct Reader {
    source: SourceName,
    target: String,
    client: PartitionClient,
    next: i64,
    failures: u32,
    /// How far the next step over unreadable messages goes; doubles while it does not help.
    step: i64,
}

impl Reader {
    pub(super) async fn start(
        source: SourceName,
        target: String,
        client: PartitionClient,
        after: Option<i64>,
    ) -> Result<Self, Error> {
        let mut reader = Self { source, target, client, next: 0, failures: 0, step: 1 };
        reader.next = match after {
            Some(offset) => offset.saturating_add(1),
            None => reader.offset(OffsetAt::Earliest).await?,
        };
        Ok(reader)
    }

    /// The partition's number.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.client.partition()
    }

    /// The offsets of the oldest message that is kept and of the next one to come.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn range(&self) -> Result<(i64, i64), Error> {
        Ok((self.offset(OffsetAt::Earliest).await?, self.offset(OffsetAt::Latest).await?))
    }

    /// The offset that is read next.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.next
    }

    /// The next messages; waits for some, at most the long poll.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when an answer cannot be read: ask again, it is stepped over after
    /// some tries. Everything else: connect anew, this reader may hold a dead connection.
    pub async fn next(&mut self) -> Result<Fetched, Error> {
        let wait = i32::try_from(LONG_POLL.as_millis()).unwrap_or(i32::MAX);
        let fetch = self.client.fetch_records(self.next, 1..FETCH + 1, wait);
        let Ok(answer) = tokio::time::timeout(LONG_POLL + GRACE, fetch).await else {
            let words = format!("waited {} s", (LONG_POLL + GRACE).as_secs());
            return Err(self.call("Kafka fetch").error(ErrorKind::Deadline, "-", words));
        };
        match answer {
            Ok((records, end)) => {
                self.failures = 0;
                self.step = 1;
                let messages: Vec<_> =
                    records.into_iter().map(|r| Message { offset: r.offset, value: r.record.value }).collect();
                if let Some(last) = messages.last() {
                    self.next = last.offset.saturating_add(1);
                }
                Ok(Fetched::Messages { messages, end })
            }
            Err(e) if words::out_of_range(&e) => self.gap().await,
            Err(e) if words::unreadable(&e) => self.unreadable(&e).await,
            Err(e) => Err(words::error(&self.call("Kafka fetch"), &e)),
        }
    }

    /// The broker has dropped what comes next (retention), or the topic was made anew.
    async fn gap(&mut self) -> Result<Fetched, Error> {
        let wanted = self.next;
        self.next = self.offset(OffsetAt::Earliest).await?;
        Ok(Fetched::Gap { wanted, next: self.next })
    }

    /// Tries again some times, then steps over. How many messages a damaged batch holds is not
    /// known, so the steps double until something can be read.
    async fn unreadable(&mut self, error: &KafkaError) -> Result<Fetched, Error> {
        self.failures += 1;
        let mut typed = words::error(&self.call("Kafka fetch"), error);
        typed.kind = ErrorKind::Malformed;
        if self.failures < PATIENCE && self.step == 1 {
            return Err(typed);
        }
        let end = self.offset(OffsetAt::Latest).await?;
        let offset = self.next;
        if offset >= end {
            return Err(typed);
        }
        self.next = offset.saturating_add(self.step).min(end);
        self.step = self.step.saturating_mul(2);
        Ok(Fetched::Unreadable { offset: self.next - 1, reason: typed.words })
    }

    async fn offset(&self, at: OffsetAt) -> Result<i64, Error> {
        let call = self.call("Kafka offset");
        tokio::time::timeout(OFFSET, self.client.get_offset(at))
            .await
            .map_err(|_| call.error(ErrorKind::Deadline, "-", format!("waited {} s", OFFSET.as_secs())))?
            .map_err(|e| words::error(&call, &e))
    }

    fn call<'a>(&'a self, name: &'a str) -> Call<'a> {
        Call { source: &self.source, name, target: &self.target }
    }
}
