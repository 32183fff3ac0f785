//! Journals what processes that do not own the cache left for its owner ([`Outbox`]): at the start, and
//! whenever something comes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store::{Content, Outbox, Store, Ticket, is_piece};

use super::supervisor::Supervisor;

/// Pieces that are dealt with in one go.
const MOST: usize = 256;
/// It is looked again after so long, whatever was told: a disk may be full no longer.
const AGAIN: Duration = Duration::from_secs(60);

/// Starts the worker. Only the instance that owns the cache runs it.
pub fn start(supervisor: &Supervisor, store: &Store) {
    let (store, stop) = (store.clone(), supervisor.stopping());
    supervisor.spawn("outbox", move || run(store.clone(), stop.clone()));
}

async fn run(store: Store, stop: CancellationToken) {
    let outbox = store.outbox();
    let came = Arc::new(Notify::new());
    let tell = Arc::clone(&came);
    // The watcher comes first: what is left between looking and watching would wait.
    let watcher = outbox
        .make()
        .map_err(|e| e.to_string())
        .and_then(|()| super::watch(outbox.folder(), is_piece, move || tell.notify_one()).map_err(|e| e.to_string()));
    if let Err(error) = &watcher {
        tracing::warn!(%error, folder = %outbox.folder().display(), "the outbox is not watched: it is looked into once a minute");
    }
    // Journalled, and still there: a folder may give nothing away.
    let mut told = HashSet::new();
    loop {
        // Not given up half-way: what is journalled is to be removed.
        match deliver(&store, &outbox, &mut told).await {
            Ok(0) => {}
            Ok(_) if stop.is_cancelled() => return,
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "what other processes left for the journal waits"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = came.notified() => {}
            () = sleep(AGAIN) => {}
        }
    }
}

/// Journals the pieces that wait; how many there were. What goes wrong with one keeps no other back.
async fn deliver(store: &Store, outbox: &Outbox, told: &mut HashSet<PathBuf>) -> Result<usize, String> {
    let (from, known) = (outbox.clone(), told.clone());
    let Ok(read) = super::blocking(move || from.pieces(MOST, &known)).await else { return Ok(0) };
    let pieces = read.map_err(|e| e.to_string())?;
    // All are queued before one is waited for: the writer takes them together.
    let journal = store.journal();
    let tickets: Vec<Option<Ticket>> = pieces
        .iter()
        .map(|piece| match &piece.content {
            Content::Rows(rows) => Some(journal.append(rows.clone())),
            Content::Nothing(_) | Content::Unread(_) => None,
        })
        .collect();
    let mut wrong = None;
    for (piece, ticket) in pieces.iter().zip(tickets) {
        let settled = match (&piece.content, ticket) {
            (Content::Rows(_), Some(ticket)) => match ticket.durable().await {
                Ok(_) => {
                    told.insert(piece.path.clone());
                    piece.done().map_err(|e| e.to_string())
                }
                Err(e) => Err(e.to_string()),
            },
            (Content::Nothing(why), _) => {
                tracing::warn!(file = %piece.path.display(), why, "a piece of the outbox is put aside");
                piece.refuse().map_err(|e| e.to_string())
            }
            (Content::Unread(why), _) => Err(why.clone()),
            (Content::Rows(_), None) => Ok(()),
        };
        match settled {
            Ok(()) => _ = told.remove(&piece.path),
            Err(why) => _ = wrong.get_or_insert_with(|| format!("{}: {why}", piece.path.display())),
        }
    }
    wrong.map_or(Ok(pieces.len()), Err)
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;
    use crate::model::observation::{CallRecord, Observation, Observed};
    use crate::model::record::Record;
    use crate::model::time::Ts;
    use crate::workers::fixture::options;
    use crate::workers::source::Cache as _;

    fn row(status: &str) -> Record {
        let what = Observation::Call(CallRecord {
            call: "console.open".into(),
            status: status.into(),
            ..CallRecord::default()
        });
        Record::Observed(Observed { source: "kvm".into(), at: Ts(7), origin: None, what })
    }

    fn journalled(store: &Store) -> Vec<Record> {
        store.journal().read(crate::model::ids::Seq(0), 100).unwrap().into_iter().map(|entry| entry.record).collect()
    }

    async fn until<T, F: Future<Output = Option<T>>>(mut seen: impl FnMut() -> F) -> T {
        let look = async {
            loop {
                if let Some(seen) = seen().await {
                    return seen;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.expect("in time")
    }

    #[tokio::test]
    async fn rows_of_others_are_journalled_whether_or_not_their_owner_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (owner, _) = Store::open(&options(folder.path())).unwrap();
        let (guest, opened) = Store::open(&options(folder.path())).unwrap();
        assert!(!opened.owner && !guest.is_owner());
        guest.audit(vec![row("before")]).await.unwrap();
        assert!(journalled(&owner).is_empty());

        let supervisor = Supervisor::new(tokio::runtime::Handle::current(), tokio::sync::mpsc::unbounded_channel().0);
        start(&supervisor, &owner);
        until(|| async { (journalled(&owner) == [row("before")]).then_some(()) }).await;
        // One that is none, and one that can neither be read nor put aside, are in nobody's way.
        std::fs::write(owner.outbox().folder().join("0.cbor"), b"no piece").unwrap();
        std::fs::create_dir(owner.outbox().folder().join("1.cbor")).unwrap();
        guest.audit(vec![row("meanwhile")]).await.unwrap();
        until(|| async { (journalled(&owner).len() == 2).then_some(()) }).await;
        until(|| async { (owner.outbox().waiting().unwrap().len() == 1).then_some(()) }).await;
        assert_eq!(owner.outbox().refused().unwrap().len(), 1);
        assert!(supervisor.stop(Duration::from_secs(10)).await);
        assert_eq!(journalled(&owner), [row("before"), row("meanwhile")]);
    }

    #[tokio::test]
    async fn the_owner_journals_its_own_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (owner, _) = Store::open(&options(folder.path())).unwrap();
        owner.audit(vec![row("own")]).await.unwrap();
        assert_eq!(journalled(&owner), [row("own")]);
        assert!(owner.outbox().waiting().unwrap().is_empty());
        // Its writer has ended and it has not: the next owner takes up what it still has to tell.
        owner.clone().close();
        owner.audit(vec![row("late")]).await.unwrap();
        assert_eq!(owner.outbox().waiting().unwrap().len(), 1);
    }
}
