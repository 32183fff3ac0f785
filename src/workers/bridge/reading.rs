//! The reading threads: a connection each, one question at a time, an answer or an error for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::app::message::Msg;
use crate::model::page::{Data, RequestId};
use crate::store::{Error, Reader, Store};
use crate::workers::now;
use crate::workers::resolve::plan;

use super::queue::{Job, Queue};

/// Pause after a reading thread has died, so that a fault that repeats does not burn a core.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts a thread that answers the questions of `queue` until it is closed.
pub(super) fn start(name: &'static str, store: Store, queue: Arc<Queue>, msgs: UnboundedSender<Msg>) {
    let news = msgs.clone();
    let spawned = std::thread::Builder::new().name(name.into()).spawn(move || {
        while catch_unwind(AssertUnwindSafe(|| serve(&store, &queue, &msgs))).is_err() {
            tracing::error!(worker = name, "reading thread died");
            let reason = "the query it was answering made it panic".to_owned();
            let restart_ms = u64::try_from(PAUSE.as_millis()).ok();
            let _ = msgs.send(Msg::WorkerDown { name: name.into(), reason: reason.clone(), restart_ms });
            if let Some((id, _)) = queue.finish() {
                let _ = msgs.send(Msg::Data(id, Data::Failed(reason)));
            }
            std::thread::sleep(PAUSE);
        }
    });
    if let Err(error) = spawned {
        let reason = error.to_string();
        let _ = news.send(Msg::WorkerDown { name: name.into(), reason, restart_ms: None });
    }
}

fn serve(store: &Store, queue: &Queue, msgs: &UnboundedSender<Msg>) {
    let mut reader = None;
    while let Some((id, job)) = queue.next() {
        let answer = answer(store, queue, &mut reader, id, &job);
        let wanted = queue.finish().is_some_and(|(_, wanted)| wanted);
        if wanted && msgs.send(answer).is_err() {
            return;
        }
    }
}

fn answer(store: &Store, queue: &Queue, reader: &mut Option<Reader>, id: RequestId, job: &Job) -> Msg {
    match job {
        Job::Data(request) => {
            let data = with(store, queue, reader, |r| r.data(request)).unwrap_or_else(|e| Data::Failed(e.to_string()));
            Msg::Data(id, data)
        }
        Job::Plan(intent) => {
            let plan = with(store, queue, reader, |r| Ok(plan(r, intent, now())));
            Msg::Planned(id, plan.map_err(|e| e.to_string()).and_then(|plan| plan.map_err(|e| e.to_string())))
        }
    }
}

/// Runs a query on the thread's connection, opened at the first question and again after a
/// failure that a new connection may mend.
fn with<T>(
    store: &Store,
    queue: &Queue,
    slot: &mut Option<Reader>,
    query: impl FnOnce(&mut Reader) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut reader = if let Some(reader) = slot.take() {
        reader
    } else {
        let reader = store.reader()?;
        queue.set_interrupter(Some(reader.interrupter()));
        reader
    };
    let result = query(&mut reader);
    match &result {
        Err(error) if *error != Error::Interrupted => queue.set_interrupter(None),
        _ => *slot = Some(reader),
    }
    result
}
