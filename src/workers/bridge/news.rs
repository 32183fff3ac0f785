//! What the store publishes, as messages: at once when it was quiet, at most twenty times a second
//! in a storm. The newest state is all that counts, so whatever lies between is skipped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::message::Msg;
use crate::store::Snapshot;

/// Time between two rounds of news.
const PACE: Duration = Duration::from_millis(50);

/// Forwards snapshots until `stop`, or until either side is gone.
pub(super) async fn forward(
    mut snapshots: watch::Receiver<Snapshot>,
    msgs: UnboundedSender<Msg>,
    stop: CancellationToken,
) {
    let mut told: Option<Snapshot> = None;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        for msg in news(told.as_ref(), &snapshot) {
            if msgs.send(msg).is_err() {
                return;
            }
        }
        told = Some(snapshot);
        let next = async {
            sleep(PACE).await;
            snapshots.changed().await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            changed = next => if changed.is_err() { return },
        }
    }
}

/// What differs. Counts and sources come first, so that the list is drawn once with everything.
fn news(told: Option<&Snapshot>, now: &Snapshot) -> Vec<Msg> {
    let mut out = Vec::new();
    if told.is_none_or(|t| t.counts != now.counts) {
        out.push(Msg::Counts(now.counts));
    }
    if told.is_none_or(|t| t.sources != now.sources) {
        out.push(Msg::Sources(Arc::clone(&now.sources)));
    }
    if told.is_none_or(|t| t.generations != now.generations) {
        out.push(Msg::Changed(now.generations));
    }
    if told.and_then(|t| t.trouble.as_deref()) != now.trouble.as_deref() {
        out.push(Msg::Unsaved(now.trouble.clone()));
    }
    out
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_told_twenty_times_a_second() {
        let sender = watch::Sender::new(Snapshot::default());
        let (msgs, mut inbox) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let task = tokio::spawn(forward(sender.subscribe(), msgs, stop.clone()));
        for i in 1..=1000 {
            sender.send_modify(|s| s.generations.alarms = i);
            sleep(Duration::from_millis(1)).await;
        }
        sleep(PACE).await;
        stop.cancel();
        task.await.unwrap();
        let mut seen = Vec::new();
        while let Some(msg) = inbox.recv().await {
            if let Msg::Changed(g) = msg {
                seen.push(g.alarms);
            }
        }
        assert!((15..=25).contains(&seen.len()), "{seen:?}");
        assert_eq!(seen.last(), Some(&1000), "the last state is always told");
    }

    #[test]
    fn trouble_is_told_once_and_its_end_too() {
        let well = Snapshot::default();
        let ill = Snapshot { trouble: Some("disk full".into()), ..Snapshot::default() };
        let toasts = |a: &Snapshot, b: &Snapshot| news(Some(a), b).len();
        assert_eq!((toasts(&well, &ill), toasts(&ill, &ill), toasts(&ill, &well)), (1, 0, 1));
    }
}
