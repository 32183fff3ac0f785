//! Follows the event stream of one source: every partition, from where the journal left off,
//! connecting again after every loss. What is read is translated, put in order and journalled;
//! at most two batches a partition wait for the disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::controllers::resilience::reconnect_pauses;
use crate::controllers::voltha::error::{Error, ErrorKind};
use crate::controllers::voltha::events::{Fetched, Reader, Stream};
use crate::controllers::voltha::map::STREAM_GAP;
use crate::model::observation::{Notice, Observation, Observed, Origin};
use crate::model::record::Record;
use crate::model::resource::{NodeKind, Resource};

use super::cache::Durable;
use super::ingest::{Ingest, any_unnamed, name_unis};
use super::shared::{Shared, now};
use super::watch::Turn;

/// Batches that may wait for the disk.
const OUTSTANDING: usize = 2;
/// Pause between looks for new partitions.
const PARTITIONS: Duration = Duration::from_secs(120);
/// How long the stream waits for the first list, which tells the serial numbers of OLTs.
const FIRST_LIST: Duration = Duration::from_secs(10);
/// Pause before an answer that cannot be read is asked for again.
const REREAD: Duration = Duration::from_secs(1);

/// The last offset of each partition that was handed to the journal.
type Places = Arc<Mutex<BTreeMap<i32, i64>>>;

/// Runs until told to stop.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work(&shared) => {}
    }
}

async fn work(shared: &Arc<Shared>) {
    shared.load().await;
    let _ = tokio::time::timeout(FIRST_LIST, shared.listed()).await;
    let places = Places::default();
    let mut pauses: Box<dyn Iterator<Item = Duration> + Send> = Box::new(reconnect_pauses());
    let mut paused = shared.paused.subscribe();
    let mut lost = false;
    loop {
        let _ = paused.wait_for(|paused| !paused).await;
        if let Err(words) = begin(shared, &places).await {
            tracing::warn!(source = %shared.name, %words, "journalled offsets cannot be read");
        }
        let began = Instant::now();
        let outcome = tokio::select! {
            outcome = follow(shared, &places, lost) => outcome,
            _ = paused.wait_for(|paused| *paused) => continue,
        };
        if let Err(e) = outcome {
            lost = true;
            tracing::warn!(source = %shared.name, error = %e, "event stream lost");
            shared.status().streamed(Err(e.to_string()), Instant::now());
            shared.report();
        }
        if began.elapsed() > Duration::from_secs(60) {
            pauses = Box::new(reconnect_pauses());
        }
        tokio::select! {
            () = tokio::time::sleep(pauses.next().unwrap_or(PARTITIONS)) => {}
            () = shared.stream_wake.notified() => {}
        }
    }
}

/// Where to go on, from the journal; places of this run are newer.
async fn begin(shared: &Arc<Shared>, places: &Places) -> Result<(), String> {
    let reader = Arc::clone(shared);
    let read = crate::workers::blocking(move || reader.cache.offsets(&reader.name));
    let journalled = read.await??;
    let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
    for Origin { partition, offset } in journalled {
        places.entry(partition).and_modify(|o| *o = (*o).max(offset)).or_insert(offset);
    }
    Ok(())
}

/// Connects and follows until something fails.
async fn follow(shared: &Arc<Shared>, places: &Places, lost: bool) -> Result<(), Error> {
    let Some(kafka) = &shared.config.kafka else { return std::future::pending().await };
    let stream = Stream::connect(&shared.name, kafka).await?;
    let mut readers = JoinSet::new();
    let mut running = Vec::new();
    let mut first = true;
    loop {
        let partitions = stream.partitions().await?;
        for partition in partitions.iter().copied().filter(|p| !running.contains(p)).collect::<Vec<_>>() {
            let after = places.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).copied();
            let reader = stream.reader(partition, after).await?;
            let (shared, places) = (Arc::clone(shared), Arc::clone(places));
            readers.spawn(read(shared, reader, places));
            running.push(partition);
        }
        if first {
            shared.status().streamed(Ok(words(&running, places)), Instant::now());
            shared.report();
            shared.stream_is_back();
            if lost {
                // Brokers that were away took no events: what happened then was never told
                // (facts: voltha-run §6.19).
                shared.missed();
            }
            first = false;
        }
        tokio::select! {
            ended = readers.join_next() => match ended {
                Some(Ok(error)) => return Err(error),
                Some(Err(panic)) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
                _ => {}
            },
            () = tokio::time::sleep(PARTITIONS) => {
                shared.status().streamed(Ok(words(&running, places)), Instant::now());
            }
        }
    }
}

fn words(partitions: &[i32], places: &Places) -> String {
    let places = places.lock().unwrap_or_else(PoisonError::into_inner);
    let offsets = offsets(&places);
    let s = if partitions.len() == 1 { "" } else { "s" };
    if offsets.is_empty() {
        return format!("{} partition{s}", partitions.len());
    }
    format!("{} partition{s}, offset {offsets}", partitions.len())
}

fn offsets(places: &BTreeMap<i32, i64>) -> String {
    places.values().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads one partition until it fails; what was read is journalled before that.
async fn read(shared: Arc<Shared>, mut reader: Reader, places: Places) -> Error {
    let mut sink = Sink {
        partition: reader.partition(),
        ingest: Ingest::default(),
        waiting: VecDeque::new(),
        last: None,
        places,
        shared,
    };
    let mut caught_up = false;
    loop {
        let outcome = {
            let next = reader.next();
            tokio::pin!(next);
            loop {
                // States that are held back come out in their time, whether or not messages come.
                let due = sink.ingest.next_due().map(tokio::time::Instant::from_std);
                let timer = async move {
                    match due {
                        Some(due) => tokio::time::sleep_until(due).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    outcome = &mut next => break outcome,
                    () = timer => sink.flush_due().await,
                }
            }
        };
        match outcome {
            Ok(Fetched::Messages { messages, end }) => {
                let live = caught_up;
                caught_up = messages.last().is_none_or(|m| m.offset + 1 >= end);
                sink.take(&messages, live).await;
            }
            Ok(Fetched::Gap { wanted, next }) => sink.gap(wanted, next),
            Ok(Fetched::Unreadable { offset, reason }) => sink.unreadable(offset, &reason).await,
            Err(e) if e.kind == ErrorKind::Malformed => {
                sink.shared.status().streamed(Err(e.to_string()), Instant::now());
                sink.shared.report();
                tokio::time::sleep(REREAD).await;
            }
            Err(e) => {
                sink.flush_all().await;
                return e;
            }
        }
    }
}

fn written(shared: &Shared, outcome: Result<(), String>) {
    if let Err(words) = outcome {
        tracing::error!(source = %shared.name, %words, "events could not be journalled");
    }
}

/// Journals what a partition says.
struct Sink {
    shared: Arc<Shared>,
    partition: i32,
    ingest: Ingest,
    /// Batches on their way to the disk, with their numbers of records.
    waiting: VecDeque<(Durable, u32)>,
    /// The largest offset handed to the journal.
    last: Option<i64>,
    places: Places,
}

impl Sink {
    async fn take(&mut self, messages: &[crate::controllers::voltha::events::Message], live: bool) {
        let queue = self.unwritten();
        self.shared.status().counted(messages.len() as u64, queue, Instant::now());
        if messages.is_empty() {
            return;
        }
        let received = now();
        let mut placed = {
            let mut known = self.shared.known();
            self.ingest.set_live(live);
            self.ingest.take(messages, &self.shared.types, &mut known, Instant::now())
        };
        if live && let Some(reported) = placed.reported {
            self.shared.status().skewed(reported.since(received));
        }
        if placed.ports {
            // A port went up or down and the event does not say which.
            self.shared.poll_within(Duration::from_secs(1));
        }
        if placed.moved {
            self.shared.settling();
        }
        if any_unnamed(&placed.what) {
            let shared = Arc::clone(&self.shared);
            if let Ok(Ok(known)) = crate::workers::blocking(move || shared.cache.known(&shared.name)).await {
                name_unis(&mut placed.what, &known);
            }
        }
        self.journal(placed.what).await;
        self.shared.report();
    }

    async fn flush_due(&mut self) {
        let out = self.ingest.due(Instant::now());
        self.journal(out).await;
    }

    async fn flush_all(&mut self) {
        let out = self.ingest.all();
        self.journal(out).await;
    }

    fn gap(&mut self, wanted: i64, next: i64) {
        let text = match next.saturating_sub(wanted) {
            missed if missed > 0 => format!("{missed} messages of partition {} were missed", self.partition),
            _ => format!("partition {} begins anew at offset {next}", self.partition),
        };
        let notice = Notice {
            resource: None,
            event: "stream gap".to_owned(),
            text,
            source_time: now(),
            failure: true,
            context: vec![
                ("next-offset".to_owned(), next.to_string()),
                ("wanted-offset".to_owned(), wanted.to_string()),
            ],
        };
        if next < wanted {
            // Made anew: what was known of places is void.
            self.last = None;
            self.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.partition);
        }
        let source = Resource::new(NodeKind::Source, &*self.shared.name);
        self.shared.journal_turn(&STREAM_GAP, source, &Turn::Raise(notice.text.clone()));
        self.shared.wishes().gap_stands = true;
        drop(self.shared.journal(vec![Observation::Notice(notice)]));
        self.shared.missed();
    }

    async fn unreadable(&mut self, offset: i64, reason: &str) {
        let what = crate::controllers::voltha::map::unreadable(reason, &[]);
        self.journal(vec![(Some(offset), what)]).await;
        self.shared.missed();
    }

    /// Journals observations with their offsets. Those that were held back so long that newer ones
    /// went before them carry none: the last journalled offset never goes back.
    async fn journal(&mut self, what: Vec<(Option<i64>, Observation)>) {
        if what.is_empty() {
            return;
        }
        let (at, partition) = (now(), self.partition);
        let mut last = self.last;
        let records = what.into_iter().map(|(offset, what)| {
            let offset = offset.filter(|o| last.is_none_or(|last| *o >= last));
            last = offset.or(last);
            let origin = offset.map(|offset| Origin { partition, offset });
            Record::Observed(Observed { source: self.shared.name.clone(), at, origin, what })
        });
        let records: Vec<_> = records.collect();
        self.last = last;
        if let Some(last) = last {
            let offsets = {
                let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
                places.insert(partition, last);
                offsets(&places)
            };
            self.shared.status().placed(&offsets);
        }
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        self.waiting.push_back((self.shared.cache.append(records), count));
        while self.waiting.len() > OUTSTANDING {
            if let Some((done, _)) = self.waiting.pop_front() {
                written(&self.shared, done.await);
            }
        }
    }

    /// How many records wait for the disk; those that are there by now are let go.
    fn unwritten(&mut self) -> u32 {
        while let Some((done, _)) = self.waiting.front_mut() {
            let Some(outcome) = done.now_or_never() else { break };
            written(&self.shared, outcome);
            self.waiting.pop_front();
        }
        self.waiting.iter().map(|(_, count)| *count).fold(0, u32::saturating_add)
    }
}
