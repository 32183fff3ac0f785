//! `--fresh`: every source is asked once before anything is printed: its devices are polled, and
//! its event stream is read up to where it ended when we asked.

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::exit::Code;
use super::live::Live;
use crate::config::Loaded;
use crate::config::schema::{Kafka, SourceKind};
use crate::controllers::voltha::error::Error;
use crate::controllers::voltha::events::Stream;
use crate::model::command::{Args, Intent, Outcome, Targets};
use crate::model::ids::SourceName;
use crate::model::page::Table;
use crate::store::Store;

/// Sources asked at a time.
const AT_ONCE: usize = 16;
/// How long reading a stream to its end may take: some hundred thousand messages a second are read.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at how far it has come.
const PACE: Duration = Duration::from_millis(50);

/// Polls the sources called `only` once, all of them when it is empty; where another process owns
/// the cache, that one does, on behalf of `actor`. [`Code::Unreachable`] when
/// one could not be reached: the data of the others, and its own old data, are of use all the same.
/// [`Code::Failed`] when the cache cannot be written: what a poll finds comes nowhere then.
pub(crate) fn poll(live: &Live, only: &[String], actor: &str) -> Code {
    let meant = |name: &str| only.is_empty() || only.iter().any(|n| n == name);
    if !live.opened.owner {
        let names = live.sources.iter().map(|s| s.name().to_string()).filter(|name| meant(name)).collect();
        return poll_there(live, names, actor);
    }
    let handles: Vec<_> = live.sources.iter().filter(|s| meant(s.name())).cloned().collect();
    // The words name the source themselves.
    let polls = stream::iter(handles)
        .map(|source| async move { source.poll_now().await.err() })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect::<Vec<_>>();
    outcome(live, polls)
}

/// Has the owner of the cache poll.
fn poll_there(live: &Live, names: Vec<String>, actor: &str) -> Code {
    if names.is_empty() {
        return Code::Done;
    }
    let targets = Targets::Names(Table::Sources, names);
    let wish = Intent { command: "source.poll", targets, args: Args::new(), actor: actor.to_owned() };
    let outcome = live.runtime.block_on(live.hands.run(wish, &CancellationToken::new(), &|_, _| ()));
    for (_, why) in &outcome.errors {
        say(why);
    }
    match outcome {
        _ if outcome.errors.is_empty() => Code::Done,
        Outcome { total: 0, .. } => Code::Failed,
        _ => Code::Unreachable,
    }
}

/// Waits until the cache cannot be written, and says why.
async fn unwritable(store: &Store) -> String {
    let mut snapshots = store.snapshots();
    match snapshots.wait_for(|s| s.trouble.is_some()).await.map(|s| s.trouble.clone()) {
        Ok(Some(why)) => why.to_string(),
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

/// Reads the event streams of all sources up to where they end now. [`Code::Unreachable`] when a
/// stream cannot be reached or does not come that far in time.
pub(crate) fn catch_up(live: &Live, loaded: &Loaded) -> Code {
    let streams: Vec<_> = loaded
        .sources()
        .filter_map(|source| {
            // Only VOLTHA has a stream of events.
            let SourceKind::Voltha(voltha) = &source.kind else { return None };
            voltha.kafka.clone().map(|kafka| (SourceName::from(source.name.as_str()), kafka))
        })
        .collect();
    let store = &live.store;
    let reads = stream::iter(streams)
        .map(|(name, kafka)| async move { read_to_end(store, &name, &kafka).await.err() })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect::<Vec<_>>();
    outcome(live, reads)
}

/// Waits for what failed and tells it, but not for a cache that cannot be written.
fn outcome(live: &Live, work: impl Future<Output = Vec<String>>) -> Code {
    let (failed, code) = live.runtime.block_on(async {
        tokio::select! {
            failed = work => (failed, Code::Unreachable),
            why = unwritable(&live.store) => (vec![why], Code::Failed),
        }
    });
    for line in &failed {
        say(line);
    }
    if failed.is_empty() { Code::Done } else { code }
}

async fn read_to_end(store: &Store, name: &SourceName, kafka: &Kafka) -> Result<(), String> {
    let ends = ends(name, kafka).await.map_err(|e| e.to_string())?;
    let began = Instant::now();
    loop {
        let read = store.offsets(name).map_err(|e| e.to_string())?;
        let there = |(partition, next): &(i32, i64)| {
            read.iter().any(|o| o.partition == *partition && o.offset.saturating_add(1) >= *next)
        };
        if ends.iter().all(there) {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{name}: the event stream was not read to its end within {} s", PATIENCE.as_secs()));
        }
        // Offsets move in the cache without an event of their own: nobody tells when one is there.
        tokio::time::sleep(PACE).await;
    }
}

/// Where each partition that holds something ends.
async fn ends(name: &SourceName, kafka: &Kafka) -> Result<Vec<(i32, i64)>, Error> {
    let stream = Stream::connect(name, kafka).await?;
    let mut out = Vec::new();
    for partition in stream.partitions().await? {
        let (first, next) = stream.reader(partition, Some(0)).await?.range().await?;
        if next > first {
            out.push((partition, next));
        }
    }
    Ok(out)
}

/// A line for people, beside the data.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "noctule: {}", crate::model::text::clean(line));
}
