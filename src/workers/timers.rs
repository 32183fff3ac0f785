//! The clocks of alarms: acknowledgements and shelves that end, closes that are disputed, alarms
//! that leave the cache. One timer is armed for the next of them; nothing ticks in between.
//!
//! What has run out is journalled as [`Record::Timer`], so that a fold needs no clock of its own.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::record::{Record, Timer};
use crate::model::time::Ts;
use crate::store::{Error, Reader, Snapshot, Store};

use super::now;
use super::supervisor::Supervisor;

/// Least time between two looks at the clocks, however often alarms change.
const PACE: Duration = Duration::from_secs(1);
/// Longest sleep before looking at the clock on the wall again: it may have been set.
const LONGEST: Duration = Duration::from_secs(600);
/// Pause after the cache could not be read or written.
const RETRY: Duration = Duration::from_secs(30);

/// Starts the worker. Only the instance that owns the cache runs it.
pub fn start(supervisor: &Supervisor, store: &Store) {
    let (store, stop) = (store.clone(), supervisor.stopping());
    supervisor.spawn("timers", move || run(store.clone(), stop.clone()));
}

async fn run(store: Store, stop: CancellationToken) {
    let mut snapshots = store.snapshots();
    let mut reader = None;
    loop {
        let seen = snapshots.borrow_and_update().generations.alarms;
        let wake = match look(&store, &mut reader).await {
            Ok(Next::Now) => continue,
            Ok(Next::At(at)) => Some(sleep_for(at)),
            Ok(Next::Never) => None,
            Err(error) => {
                tracing::warn!(%error, "the clocks of alarms cannot be served; trying again");
                Some(RETRY)
            }
        };
        let armed = Instant::now() + PACE;
        tokio::select! {
            () = stop.cancelled() => return,
            () = until(wake) => {}
            changed = alarms_changed(&mut snapshots, seen) => {
                if changed.is_err() {
                    return;
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep_until(armed) => {}
                }
            }
        }
    }
}

async fn until(wake: Option<Duration>) {
    match wake {
        Some(wake) => sleep(wake).await,
        None => std::future::pending().await,
    }
}

fn sleep_for(at: Ts) -> Duration {
    let micros = u64::try_from(at.since(now())).unwrap_or(0);
    Duration::from_micros(micros).min(LONGEST)
}

/// Waits until alarms have changed: an action or a clear may have set a clock.
async fn alarms_changed(snapshots: &mut watch::Receiver<Snapshot>, seen: u64) -> Result<(), watch::error::RecvError> {
    while snapshots.borrow_and_update().generations.alarms == seen {
        snapshots.changed().await?;
    }
    Ok(())
}

/// When to look again.
enum Next {
    /// More has run out than one look takes.
    Now,
    At(Ts),
    Never,
}

/// Journals what has run out.
async fn look(store: &Store, slot: &mut Option<Reader>) -> Result<Next, Error> {
    let (due, next) = read(store, slot).await?;
    if due.is_empty() {
        return Ok(next.map_or(Next::Never, Next::At));
    }
    let records = due.into_iter().map(Record::Timer).collect();
    store.journal().append(records).durable().await?;
    Ok(Next::Now)
}

async fn read(store: &Store, slot: &mut Option<Reader>) -> Result<(Vec<Timer>, Option<Ts>), Error> {
    let (taken, store) = (slot.take(), store.clone());
    let work = move || {
        let mut reader = match taken {
            Some(reader) => reader,
            None => store.reader()?,
        };
        let due = reader.due(now())?;
        let next = if due.is_empty() { reader.next_due()? } else { None };
        Ok((reader, due, next))
    };
    let (reader, due, next) = crate::workers::blocking(work).await.unwrap_or(Err(Error::Closed))?;
    *slot = Some(reader);
    Ok((due, next))
}
